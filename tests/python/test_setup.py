"""Setups: described, planned, applied, and copied from one project to another."""

from __future__ import annotations

import pathlib
import pickle
from typing import Any

import pytest

import acc_assets as acc

pytestmark = pytest.mark.once

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
    """A project without settings."""
    with acc.testing.Simulator(seed=2, window=0.2, project=EMPTY) as sim, sim.client() as client:
        yield sim, client.project(sim.project_id)


def test_apply_setup_creates_a_project_for_an_import(empty: Any) -> None:
    sim, project = empty
    setup = acc.Setup.from_dict(PLANT)
    before = sim.world()
    plan = project.plan_setup(setup)
    assert sim.world() == before
    assert plan.ok
    assert plan.counts["create"] >= 7
    result = project.apply_setup(setup)
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


def test_apply_setup_adds_options_to_a_select_attribute(empty: Any) -> None:
    _, project = empty
    voltage: dict[str, Any] = {"display_name": "Voltage", "type": "select", "options": ["230", "400"]}
    assert project.apply_setup(acc.Setup.from_dict({"attributes": [voltage]})).ok
    more = acc.Setup.from_dict({"attributes": [{**voltage, "options": ["400", "690"]}]})
    plan = project.plan_setup(more)
    assert (plan.ok, plan.counts, plan[0].note) == (True, {"extend": 1}, "adds `690`")
    result = project.apply_setup(more)
    assert (result.ok, result.counts) == (True, {"extended": 1})
    [attribute] = project.settings().attributes
    assert attribute.options == ("230", "400", "690")
    assert project.apply_setup(more).counts == {"exists": 1}


def test_apply_setup_again_writes_nothing(empty: Any) -> None:
    sim, project = empty
    setup = acc.Setup.from_dict(PLANT)
    project.apply_setup(setup)
    before = sim.world()
    assert project.apply_setup(setup).counts.keys() == {"exists"}
    assert project.plan_setup(setup).counts.keys() == {"exists"}
    assert sim.world() == before


def test_apply_setup_reports_differences_without_changes(empty: Any) -> None:
    sim, project = empty
    project.apply_setup(acc.Setup.from_dict(PLANT))
    other = {**PLANT, "attributes": [{"display_name": "Voltage", "type": "text"}, *PLANT["attributes"][::2]]}
    before = sim.world()
    result = project.apply_setup(acc.Setup.from_dict(other))
    assert result.ok
    (step,) = (step for step in result if step.status == "differs")
    assert step.name == "Voltage"
    assert "select" in str(step.error)
    assert "were not changed" in repr(result)
    assert sim.world() == before


def test_a_project_is_copied(project: acc.Project, empty: Any, tmp_path: pathlib.Path) -> None:
    _, other = empty
    copied = project.setup()
    assert acc.Setup.from_settings(project.settings()) == copied
    assert acc.Setup.from_dict(copied.to_dict()) == copied
    assert pickle.loads(pickle.dumps(copied)) == copied
    copied.save(tmp_path / "setup.toml")
    assert acc.Setup.load(tmp_path / "setup.toml") == copied
    project.settings().save(tmp_path / "settings.json")
    assert acc.Setup.load(str(tmp_path / "settings.json")) == copied
    assert other.apply_setup(copied).ok
    mine, its = project.settings(), other.settings()
    for category in mine.categories:
        if category.is_active and not category.is_root:
            twin = its.category(category.path)
            assert twin.statuses == category.statuses
            assert set(twin.attributes) == set(category.attributes)


async def test_async_client_does_the_same(
    async_project: acc.AsyncProject, project: acc.Project, empty: Any
) -> None:
    sim, _ = empty
    copied = await async_project.setup()
    assert copied == project.setup()
    async with sim.async_client() as client:
        other = client.project(sim.project_id)
        plan = await other.plan_setup(copied)
        assert "create" in plan.counts
        assert (await other.apply_setup(copied)).ok
        assert (await other.plan_setup(copied)).counts.keys() == {"exists"}


def test_setup_mistakes_are_reported_before_a_write(empty: Any, tmp_path: pathlib.Path) -> None:
    sim, project = empty
    with pytest.raises(acc.InputError, match="2 problems") as caught:
        acc.Setup.from_dict({"attributes": [{"display_name": "A", "type": "number"}], "category": []})
    assert "attributes[0] `A`: `type` is `number`" in str(caught.value)
    assert "did you mean `categories`?" in str(caught.value)
    (tmp_path / "wrong.toml").write_text("[[categories]\n", encoding="utf-8")
    with pytest.raises(acc.InputError, match=r"wrong\.toml"):
        acc.Setup.load(tmp_path / "wrong.toml")
    with pytest.raises(acc.InputError, match="not int"):
        acc.Setup.from_dict(7)  # type: ignore[arg-type]
    nowhere = acc.Setup.from_dict({"categories": [{"path": "A", "attributes": ["Colour"]}]})
    assert "Colour" in project.plan_setup(nowhere).mistakes[0]
    before = sim.world()
    with pytest.raises(acc.InputError, match="Colour"):
        project.apply_setup(nowhere)
    assert sim.world() == before
    with pytest.raises(acc.OptionError, match=r"must be an acc_assets\.Setup, not str"):
        project.apply_setup("a set-up")


def test_setup_error_has_every_step(empty: Any) -> None:
    sim, project = empty
    sim.add_fault("status", on="custom-attributes:create", code=403, times=9)
    setup = acc.Setup.from_dict(PLANT)
    with pytest.raises(acc.SetupError) as caught:
        project.apply_setup(setup)
    applied = caught.value.applied
    assert applied.counts["failed"] >= 1
    assert any("403" in str(step.error) for step in applied)
    assert "apply the setup again" in str(caught.value)
    sim.clear_faults()
    assert project.apply_setup(setup, on_error="collect").ok
    assert project.plan_setup(setup).counts.keys() == {"exists"}


def test_apply_setup_creates_no_duplicates_after_a_lost_response(empty: Any) -> None:
    sim, project = empty
    for create in ("status-step-sets", "asset-statuses", "custom-attributes", "categories"):
        sim.add_fault("reset_after_apply", on=f"{create}:create")
    assert project.apply_setup(acc.Setup.from_dict(PLANT)).ok
    world = sim.world()
    names = [category["name"] for category in world["categories"]]
    assert len(names) == len(set(names))
    assert project.plan_setup(acc.Setup.from_dict(PLANT)).counts.keys() == {"exists"}


def test_repr_of_setup_plans_and_results(empty: Any) -> None:
    _, project = empty
    setup = acc.Setup.from_dict({"categories": [{"path": ["<Plant>"]}]})
    assert repr(setup) == "Setup: 0 status sets, 0 custom attributes, 1 category"
    plan = project.plan_setup(setup)
    assert repr(plan).splitlines()[0] == "SetupPlan: 1 step, 1 create"
    assert "&lt;Plant&gt;" in plan._repr_html_()
    result = project.apply_setup(setup)
    assert pickle.loads(pickle.dumps(result)) == result
    assert result[0].status == "created"
    assert result.to_dicts()[0]["name"] == "<Plant>"
    pandas = pytest.importorskip("pandas")
    assert isinstance(plan.to_pandas(), pandas.DataFrame)
    assert list(result.to_pandas()["status"]) == ["created"]


def test_slices_of_plans_and_results_keep_their_type(empty: Any) -> None:
    paths = [f"HVAC > Unit {number}" for number in range(4)]
    setup = acc.Setup.from_dict({"categories": [{"path": path} for path in paths]})
    _, project = empty
    plan = project.plan_setup(setup)
    result = project.apply_setup(setup)
    for whole, kind in ((plan, acc.SetupPlan), (result, acc.SetupResult)):
        assert type(whole) is kind
        for part in (slice(1, 3), slice(None, None, -1), slice(9, None)):
            assert type(whole[part]) is kind
            assert list(whole[part]) == list(whole)[part]
        assert sum(whole[1:3].counts.values()) == 2
        assert whole[:] == whole
        assert whole[1:] != whole
        assert isinstance(whole[0], acc.SetupStep)
    assert result[:2] != plan[:2]
    with pytest.raises(IndexError):
        plan[len(plan)]


def test_slices_of_a_plan_keep_its_mistakes() -> None:
    plan = acc.SetupPlan([acc.SetupStep("category", name, "create", "") for name in "AB"], ["no such set"])
    assert plan[:1].mistakes == ["no such set"]
    assert "mistake: no such set" in repr(plan[:1])
