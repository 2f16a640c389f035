"""Set-ups through the Python face: described, planned, applied, and copied from one project to another."""

from __future__ import annotations

import pathlib
import pickle
from typing import Any

import pytest

import acc_assets as acc

PLANT: dict[str, Any] = {
    "status_sets": [
        {"name": "Default", "default": True, "statuses": ["Specified"]},
        {
            "name": "Commissioning",
            "description": "From plan to plant",
            "statuses": ["Planned", {"label": "Tested", "color": "green"}],
        },
    ],
    "attributes": [
        {"display_name": "Manufacturer", "type": "text", "required": True, "max_length": 80},
        {"display_name": "Voltage", "type": "select", "options": ["230", "400"], "default": "230"},
        {"display_name": "Checked on", "type": "date"},
    ],
    "categories": [
        {"path": [], "attributes": ["Manufacturer"]},
        {"path": "Plant > Boilers", "status_set": "Commissioning", "attributes": ["Voltage"]},
        {"path": "Plant > Boilers > Burners", "description": "What burns", "attributes": ["Checked on"]},
    ],
}
EMPTY: dict[str, Any] = {
    "categories": [],
    "status_sets": [{"name": "Default", "default": True, "statuses": ["Specified"]}],
}


@pytest.fixture
def empty() -> Any:
    """A project that has nothing yet."""
    with acc.testing.Simulator(seed=2, window=0.2, project=EMPTY) as sim, sim.client() as client:
        yield sim, client.project(sim.project_id)


def test_a_description_becomes_a_project_that_rows_go_into(empty: Any) -> None:
    sim, project = empty
    setup = acc.settings_from(PLANT)
    before = sim.world()
    plan = setup.plan(project)
    assert sim.world() == before
    assert plan.ok
    assert plan.counts["create"] >= 7
    result = setup.apply(project)
    assert result.ok
    assert {step.status for step in result} <= {"created", "assigned", "exists"}
    settings = project.settings()
    burners = settings.category("Burners")
    assert burners.statuses == ("Planned", "Tested")
    assert set(burners.attributes) == {"Manufacturer", "Voltage", "Checked on"}
    row = {
        "Asset ID": "B-1",
        "Category": "Burners",
        "Status": "Tested",
        "Manufacturer": "Ours",
        "Voltage": "400",
    }
    assert project.assets.create([row]).ok


def test_a_second_time_writes_nothing(empty: Any) -> None:
    sim, project = empty
    setup = acc.settings_from(PLANT)
    setup.apply(project)
    before = sim.world()
    assert setup.apply(project).counts.keys() == {"exists"}
    assert setup.plan(project).counts.keys() == {"exists"}
    assert sim.world() == before


def test_what_differs_is_told_and_left_alone(empty: Any) -> None:
    sim, project = empty
    acc.settings_from(PLANT).apply(project)
    other = {**PLANT, "attributes": [{"display_name": "Voltage", "type": "text"}, *PLANT["attributes"][::2]]}
    before = sim.world()
    result = acc.settings_from(other).apply(project)
    assert result.ok
    (step,) = (step for step in result if step.status == "differs")
    assert step.name == "Voltage"
    assert "select" in str(step.error)
    assert "left as they are" in repr(result)
    assert sim.world() == before


def test_a_project_is_copied(project: acc.Project, empty: Any, tmp_path: pathlib.Path) -> None:
    _, other = empty
    copied = acc.settings_from(project)
    assert acc.settings_from(project.settings()) == copied
    assert acc.settings_from(copied.to_dict()) == copied
    assert pickle.loads(pickle.dumps(copied)) == copied
    copied.save(tmp_path / "setup.toml")
    assert acc.settings_from(tmp_path / "setup.toml") == copied
    project.settings().save(tmp_path / "settings.json")
    assert acc.settings_from(str(tmp_path / "settings.json")) == copied
    assert copied.apply(other).ok
    mine, its = project.settings(), other.settings()
    for category in mine.categories:
        if category.is_active and not category.is_root:
            twin = its.category(category.path)
            assert twin.statuses == category.statuses
            assert set(twin.attributes) == set(category.attributes)


async def test_the_async_face_does_the_same(
    async_project: acc.AsyncProject, project: acc.Project, empty: Any
) -> None:
    sim, _ = empty
    copied = await acc.settings_from(async_project)
    assert copied == acc.settings_from(project)
    async with sim.async_client() as client:
        other = client.project(sim.project_id)
        plan = await copied.plan(other)
        assert "create" in plan.counts
        assert (await copied.apply(other)).ok
        assert (await copied.plan(other)).counts.keys() == {"exists"}


def test_mistakes_are_named_before_anything_is_written(empty: Any, tmp_path: pathlib.Path) -> None:
    sim, project = empty
    with pytest.raises(acc.InputError, match="2 mistakes") as caught:
        acc.settings_from({"attributes": [{"display_name": "A", "type": "number"}], "category": []})
    assert "attributes[0] `A`: `type` is `number`" in str(caught.value)
    assert "did you mean `categories`?" in str(caught.value)
    (tmp_path / "wrong.toml").write_text("[[categories]\n", encoding="utf-8")
    with pytest.raises(acc.InputError, match=r"wrong\.toml"):
        acc.settings_from(tmp_path / "wrong.toml")
    with pytest.raises(acc.InputError, match="not int"):
        acc.settings_from(7)  # type: ignore[call-overload]
    nowhere = acc.settings_from({"categories": [{"path": "A", "attributes": ["Colour"]}]})
    assert "Colour" in nowhere.plan(project).mistakes[0]
    before = sim.world()
    with pytest.raises(acc.InputError, match="Colour"):
        nowhere.apply(project)
    assert sim.world() == before
    with pytest.raises(acc.OptionError, match="takes a project"):
        nowhere.apply("a project")  # type: ignore[call-overload]


def test_what_the_service_refuses_is_raised_with_every_step(empty: Any) -> None:
    sim, project = empty
    sim.add_fault("status", on="custom-attributes:create", code=403, times=9)
    setup = acc.settings_from(PLANT)
    with pytest.raises(acc.SetupError) as caught:
        setup.apply(project)
    applied = caught.value.applied
    assert applied.counts["failed"] >= 1
    assert any("403" in str(step.error) for step in applied)
    assert "apply it again" in str(caught.value)
    sim.clear_faults()
    assert setup.apply(project, on_error="collect").ok
    assert setup.plan(project).counts.keys() == {"exists"}


def test_a_lost_answer_makes_nothing_twice(empty: Any) -> None:
    sim, project = empty
    for create in ("status-step-sets", "asset-statuses", "custom-attributes", "categories"):
        sim.add_fault("reset_after_apply", on=f"{create}:create")
    assert acc.settings_from(PLANT).apply(project).ok
    world = sim.world()
    names = [category["name"] for category in world["categories"]]
    assert len(names) == len(set(names))
    assert acc.settings_from(PLANT).plan(project).counts.keys() == {"exists"}


def test_how_plans_and_results_look(empty: Any) -> None:
    _, project = empty
    setup = acc.settings_from({"categories": [{"path": ["<Plant>"]}]})
    assert repr(setup) == "Setup: 0 status sets, 0 custom attributes, 1 category"
    plan = setup.plan(project)
    assert repr(plan).splitlines()[0] == "SetupPlan: 1 step, 1 create"
    assert "&lt;Plant&gt;" in plan._repr_html_()
    result = setup.apply(project)
    assert pickle.loads(pickle.dumps(result)) == result
    assert result[0].status == "created"
    assert result.to_dicts()[0]["name"] == "<Plant>"
    pandas = pytest.importorskip("pandas")
    assert isinstance(plan.to_pandas(), pandas.DataFrame)
    assert list(result.to_pandas()["status"]) == ["created"]
