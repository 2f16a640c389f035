"""The settings of a project: how many requests they take, what they contain, and how they are saved."""

from __future__ import annotations

import json
import pathlib
import pickle
import warnings
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from conftest import Kit

import acc_assets as acc

pytestmark = pytest.mark.once

# Ten levels, assigned and overridden sets, one name in three branches, inactive entries, and unusual names.
DEEP = " > ".join(f"Level {depth}" for depth in range(1, 11))
PLANT: dict[str, Any] = {
    "status_sets": [
        {
            "name": "Default",
            "default": True,
            "statuses": ["Open", {"label": "Scrapped", "active": False}, "Closed"],
        },
        {"name": "Commissioning", "statuses": ["Planned", "Tested"]},
        {"name": "Handover", "statuses": ["Planned", "Handed over"]},
        {"name": "Old", "statuses": ["Gone"], "active": False},
    ],
    "attributes": [
        {"display_name": "Serial", "type": "text", "max_length": 8},
        {
            "display_name": "Schutzart (IP) ",
            "type": "select",
            "options": ["IP44", {"label": "IP20", "active": False}],
        },
        {"display_name": "Media", "type": "multi_select", "options": ["Hot water", "Steam", "Air, dry"]},
        {"display_name": "Flow", "type": "numeric"},
        {"display_name": "Installed", "type": "date"},
        {"display_name": "Witnessed", "type": "boolean", "required": True},
        {
            "display_name": "Duty",
            "type": "select",
            "options": ["Run", "Standby"],
            "required": True,
            "default": "Run",
        },
        {"display_name": "Forgotten", "type": "text", "active": False},
        *({"display_name": f"Extra {number}", "type": "text"} for number in range(492)),
    ],
    "categories": [
        {"path": [], "attributes": ["Serial"]},
        {"path": "Level 1", "status_set": "Commissioning", "attributes": ["Schutzart (IP) "]},
        {"path": "Level 1 > Level 2 > Level 3", "status_set": "Handover", "attributes": ["Media"]},
        {"path": DEEP, "attributes": ["Flow"]},
        {"path": "Boilers > Pumps", "attributes": ["Witnessed"]},
        {"path": "Chillers > Pumps", "attributes": ["Duty", "Installed"]},
        {"path": "Lüftung  > Geräte ", "attributes": [f"Extra {number}" for number in range(492)]},
        {"path": "Retired", "active": False},
    ],
    "locations": [
        {"path": f"Site > Building {number // 1000} > Floor {number // 100 % 10} > Room {number % 100}"}
        for number in range(9_880)
    ],
}


@pytest.fixture(scope="module")
def plant() -> Iterator[tuple[acc.testing.Simulator, acc.Project]]:
    with acc.testing.Simulator(seed=3, window=0.2, project=PLANT) as sim, sim.client() as client:
        yield sim, client.project(sim.project_id)


def cost(sim: acc.testing.Simulator, work: Any) -> tuple[Any, int]:
    before = sim.audit()["requests"]
    done = work()
    return done, sim.audit()["requests"] - before


def test_settings_are_read_once_with_few_requests(plant: tuple[acc.testing.Simulator, acc.Project]) -> None:
    sim, _ = plant
    with sim.client() as client:
        project = client.project(sim.project_id)
        settings, requests = cost(sim, project.settings)
        leaves = {category.path for category in settings.categories if category.is_active}
        parents = {
            category.path.rpartition(" > ")[0] for category in settings.categories if category.is_active
        }
        # Categories, status sets; three pages of 500 attributes; the locations; the sets of all categories; each leaf.
        pages = len(settings.locations) // 10_000 + 1
        assert requests == 1 + 1 + 3 + pages + 1 + len(leaves - parents - {"ROOT"})
        assert cost(sim, project.settings) == (settings, 0)
        assert cost(sim, client.project(sim.project_id).settings) == (settings, 0)
        assert cost(sim, lambda: project.settings(refresh=True))[1] == requests
        # Rows that name locations: two batches of a create, and no further request.
        rooms = [place.path for place in settings.locations if place.name.startswith("Room")][:150]
        rows = [
            {"clientAssetId": room, "Category": DEEP, "Status": "Planned", "Location": room} for room in rooms
        ]
        result, requests = cost(sim, lambda: project.assets.create(rows))
        assert result.ok
        assert requests == 2
        assert len({asset["locationId"] for asset in project.assets.get(result.ids)}) == 150


def test_categories_inherit_from_their_parents(plant: tuple[acc.testing.Simulator, acc.Project]) -> None:
    settings = plant[1].settings()
    deep = settings.category(DEEP)
    assert deep.status_set == "Handover"
    assert deep.statuses == ("Planned", "Handed over")
    assert deep.attributes == ("Serial", "Schutzart (IP) ", "Media", "Flow")
    assert settings.category("Level 2").status_set == "Commissioning"
    # Inactive entries are listed, but not offered.
    assert settings.category("Boilers").statuses == ("Open", "Closed")
    retired = next(category for category in settings.categories if category.name == "Retired")
    assert not retired.is_active
    with pytest.raises(acc.OptionError, match="is inactive"):
        settings.category("Retired")
    assert "Retired" not in settings.tree()
    forgotten = next(found for found in settings.attributes if found.display_name == "Forgotten")
    assert not forgotten.is_active
    assert len(settings.attributes) == 500
    assert len([found for found in settings.locations if found.name.startswith("Room")]) == 9_880


def test_ambiguous_category_lists_the_candidates(
    plant: tuple[acc.testing.Simulator, acc.Project],
) -> None:
    settings = plant[1].settings()
    with pytest.raises(acc.OptionError, match=r"Boilers > Pumps.*Chillers > Pumps"):
        settings.category("Pumps")
    assert settings.category(["Chillers", "Pumps"]).attributes == ("Serial", "Installed", "Duty")
    assert settings.category("boilers/pumps", separator="/").name == "Pumps"
    assert settings.category("Lüftung>Geräte").status_set == "Default"
    with pytest.raises(acc.OptionError, match="did you mean `Chillers > Pumps`"):
        settings.category("Chiller > Pumps")


def test_names_may_contain_the_separator() -> None:
    described: dict[str, Any] = {
        "categories": [
            {"path": ["Heating/Cooling", "Boilers"]},
            {"path": ["Plant", "In/Out", "Fans"]},
            {"path": ["Heating", "Cooling"]},
        ],
        "locations": [{"path": ["Block 1/2", "Level 0", "Room 1/7"]}, {"path": ["Block 1/2", "Level 1"]}],
    }
    with acc.testing.Simulator(project=described) as sim, sim.client() as client:
        project = client.project(sim.project_id)
        settings = project.settings()
        for path, name in {
            "Heating/Cooling/Boilers": "Boilers",
            "plant / in/out / fans": "Fans",
            "ROOT/Plant/In/Out": "In/Out",
        }.items():
            assert settings.category(path, separator="/").name == name
        # Both exist: one with that name, and one with that path.
        with pytest.raises(acc.OptionError, match="ambiguous: it matches"):
            settings.category("Heating/Cooling", separator="/")
        row = {"Asset ID": "A", "Category": "Plant/In/Out/Fans", "Status": settings.statuses[0].label}
        row["Location"] = "Block 1/2/Level 0/Room 1/7"
        (made,) = project.assets.get(project.assets.create([row], separator="/").ids)
        places = {location.id: location.name for location in settings.locations}
        assert places[str(made["locationId"])] == "Room 1/7"
        with pytest.raises(acc.OptionError, match="no such category"):
            settings.category("/".join("abcdefghijklmnopqrstuvwxyz" * 4), separator="/")


@pytest.mark.parametrize("switch", ["inherited", "always", "absent"])
def test_inherited_from_may_be_missing(switch: str) -> None:
    switches = {"inherited_from": switch}
    with acc.testing.Simulator(seed=3, project=PLANT, switches=switches) as sim, sim.client() as client:
        settings = client.project(sim.project_id).settings()
        assert settings.category(DEEP).attributes == ("Serial", "Schutzart (IP) ", "Media", "Flow")
        assert settings.category("Level 2").attributes == ("Serial", "Schutzart (IP) ")
        assert settings.category("Boilers").attributes == ("Serial",)
        assert settings.category(DEEP).status_set == "Handover"


def test_settings_are_saved_and_pickled(project: acc.Project, tmp_path: pathlib.Path) -> None:
    settings = project.settings()
    assert pickle.loads(pickle.dumps(settings)) == settings
    settings.save(tmp_path / "settings.json")
    kept = acc.Settings.load(tmp_path / "settings.json")
    assert kept == settings
    assert kept.tree() == settings.tree()
    (tmp_path / "other.json").write_text('{"a": 1}')
    with pytest.raises(acc.OptionError):
        acc.Settings.load(tmp_path / "other.json")


def test_rows_are_checked_without_a_connection(project: acc.Project, tmp_path: pathlib.Path) -> None:
    project.settings().save(tmp_path / "settings.json")
    settings = acc.Settings.load(tmp_path / "settings.json")
    good = {"Asset ID": "AHU-1", "Category": "HVAC > Air Handling", "Status": "Installed"}
    assert settings.validate([good]).ok
    report = settings.validate([good, {**good, "Status": "Instaled"}])
    assert [cause.fix for cause in report.causes] == ["did you mean `Installed`?"]
    # The assets of a patch are unknown, so the status may belong to any set.
    assert settings.validate(
        [{"id": "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047", "Barcode": "1"}], verb="patch"
    ).ok


def test_outdated_settings_cause_a_warning(project: acc.Project, tmp_path: pathlib.Path) -> None:
    missing = {"Asset ID": "AHU-1", "Category": "HVAC > Boilers", "Status": "Installed"}
    assert project.assets.validate([missing], settings=project.settings()).warnings == []
    project.settings().save(tmp_path / "settings.json")
    kept = json.loads((tmp_path / "settings.json").read_text(encoding="utf-8"))
    kept["settings"]["read_at"] = "2026-01-31T08:15:30.123Z"
    (tmp_path / "settings.json").write_text(json.dumps(kept))
    old = acc.Settings.load(tmp_path / "settings.json")
    assert project.assets.validate([{**missing, "Category": "HVAC > Fans"}], settings=old).warnings == []
    (warning,) = project.assets.validate([missing], settings=old).warnings
    assert "names are missing from the settings read at 2026-01-31T08:15:30Z (row 0)" in warning
    assert "project.settings(refresh=True)" in warning


def test_frames(project: acc.Project) -> None:
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    settings = project.settings()
    for kind in ("categories", "statuses", "attributes", "options", "assignments", "locations"):
        frame = settings.to_pandas(kind)
        assert isinstance(frame, pandas.DataFrame)
        assert isinstance(settings.to_polars(kind), polars.DataFrame)
        assert len(frame) == len(settings.to_polars(kind))
    assert set(settings.to_pandas("options")["label"]) >= {"G4", "F7"}
    with pytest.raises(acc.OptionError, match='Did you mean "options"'):
        settings.to_pandas("option")  # type: ignore[arg-type]


def test_settings_repr_is_an_escaped_tree() -> None:
    described = {"categories": [{"path": ["<b>"]}, {"path": ["<b>", "below"]}]}
    with acc.testing.Simulator(project=described) as sim, sim.client() as client:
        settings = client.project(sim.project_id).settings()
    html = settings._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>below" not in html
    assert "<details" in html
    assert settings.tree().splitlines() == ["<b> (Default)", "  below"]


def test_locations_that_cannot_be_read_are_a_note(sim: acc.testing.Simulator, kit: Kit) -> None:
    sim.add_fault("status", on="locations", code=403, times=99)
    with sim.client() as client:
        project = client.project(sim.project_id)
        settings = project.settings()
        assert settings.locations == []
        assert "403" in settings.notes[0]
        # Rows without a location are sent; for a name, the message says what is missing.
        row = {"Asset ID": "A", "Category": kit.category, "Status": kit.status}
        assert project.assets.create([row]).ok
        result = project.assets.create([{**row, "Location": "Room 1"}], on_error="collect")
        assert result.counts == {"not_sent": 1}
        error = result[0].error
        assert error is not None
        assert error.code == "locations_unread"
        assert "the locations could not be read: " in error.message
        assert "403" in error.message
        assert error.fix is not None
        assert error.fix.startswith("try again")


def unique_locations(settings: acc.Settings) -> list[str]:
    names = [location.name for location in settings.locations]
    return [name for name in names if names.count(name) == 1]


UNREADABLE = [
    {"what": "unreadable", "body": "cut"},
    {"what": "unreadable", "body": "empty"},
    {"what": "unreadable", "body": "null"},
    {"what": "unreadable", "body": "html"},
    {"what": "status", "code": 503},
    {"what": "reset_before_apply"},
]


@pytest.mark.parametrize("fault", UNREADABLE, ids=lambda fault: " ".join(map(str, fault.values())))
def test_one_failed_read_of_locations_is_retried(
    fault: dict[str, Any], sim: acc.testing.Simulator, kit: Kit
) -> None:
    with sim.client() as client:
        [name, *_] = unique_locations(client.project(sim.project_id).settings())
    sim.add_fault(**fault, on="locations")
    rows = [{**row, "Location": name} for row in kit.rows(150)]
    with sim.client(retry=acc.Retry(base=0.01)) as client:
        assert client.project(sim.project_id).assets.create(rows).counts == {"created": 150}


@pytest.mark.parametrize("again", ["call", "retry", "run"])
@pytest.mark.parametrize("fault", UNREADABLE[3:], ids=lambda fault: " ".join(map(str, fault.values())))
def test_locations_that_were_not_read_are_not_kept(
    again: str,
    fault: dict[str, Any],
    sim: acc.testing.Simulator,
    kit: Kit,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
) -> None:
    monkeypatch.setenv("ACC_ASSETS_RUNS", str(tmp_path))
    with sim.client() as client:
        [name, *_] = unique_locations(client.project(sim.project_id).settings())
    rows = kit.rows(150)
    for row in rows[::2]:
        row["Location"] = name
    run = "level-3" if again == "run" else None
    with sim.client(retry=acc.Retry(base=0.01)) as client:
        assets = client.project(sim.project_id).assets
        sim.add_fault(**fault, on="locations", times=99)
        result = assets.create(rows, run=run)
        assert result.counts == {"created": 75, "not_sent": 75}
        assert {outcome.error.code for outcome in result.where("not_sent") if outcome.error} == {
            "locations_unread"
        }
        sim.clear_faults()
        if again == "retry":
            result = result.retry()
        elif again == "run":
            result = assets.create(rows, run=run)
        else:
            result = assets.create([row for row in rows if "Location" in row])
        assert result.counts == {"created": 75 if again == "call" else 150}
        # They are read again, and then kept.
        before = sim.audit()["endpoints"]["locations"]
        assert assets.create([{**kit.row("last"), "Location": name}]).ok
        assert sim.audit()["endpoints"]["locations"] == before
    assert len(sim.assets()) == 151
    place = next(place["id"] for place in sim.world()["locations"] if place["name"] == name)
    assert sum(asset.get("locationId") == place for asset in sim.assets()) == 76


def test_run_resumes_while_locations_cannot_be_read(
    sim: acc.testing.Simulator, kit: Kit, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.setenv("ACC_ASSETS_RUNS", str(tmp_path))
    with sim.client() as client:
        [name, *_] = unique_locations(client.project(sim.project_id).settings())
    rows = [*kit.rows(150, Location=name), kit.row("plain"), kit.row("bad", Status="Instaled")]
    del rows[-1]["statusId"]
    sim.add_fault("reset_before_apply", on="assets:batch-create", nth=2)
    with sim.client(retry=acc.Retry(settle=0.1), max_in_flight=1) as client:
        assets = client.project(sim.project_id).assets
        result = assets.create(rows, run="r", reconcile=False)
        assert result.counts == {"created": 100, "unknown": 51, "invalid": 1}
        assert assets.create(rows, run="r", reconcile=False).counts == result.counts
    rows[-1]["Status"] = "Installed"
    rows[-1]["Location"] = name
    sim.add_fault("status", on="locations", code=403, times=99)
    with sim.client(retry=acc.Retry(base=0.01, settle=0.1)) as client:
        assets = client.project(sim.project_id).assets
        # All unknown rows are looked up as sent. Those that name a location cannot be resent yet.
        assert assets.create(rows, run="r").counts == {"created": 101, "not_sent": 51}
        sim.clear_faults()
        assert assets.create(rows, run="r").counts == {"created": 152}
    assert len(sim.assets()) == 152
    assert sim.audit()["created_more_than_once"] == {}


def test_report_without_locations_shows_it(sim: acc.testing.Simulator, kit: Kit) -> None:
    sim.add_fault("status", on="locations", code=503, times=99)
    row = {"Asset ID": "A", "Category": kit.category, "Status": kit.status}
    rows = [row, {**row, "Location": "Room 1"}, {**row, "Location": "Room 1", "Status": "Instaled"}]
    with sim.client(retry=acc.Retry(base=0.01)) as client:
        project = client.project(sim.project_id)
        settings = project.settings()
        for report in (settings.validate(rows), project.assets.validate(rows)):
            assert not report.ok
            assert report.counts == {"not_sent": 2, "invalid": 1}
            assert [problem.code for problem in report.problems] == [
                "locations_unread",
                "status",
                "locations_unread",
            ]
            assert {cause.code for cause in report.causes} == {"locations_unread", "status"}
            assert "1 to fix, 1 not checked; 1 to send in 1 request" in repr(report)
        only = settings.validate(rows[:2])
        assert not only.ok
        assert "0 to fix, 1 not checked" in repr(only)
    assert sim.assets() == []


def test_unreadable_settings_end_the_call_before_it_starts(sim: acc.testing.Simulator, kit: Kit) -> None:
    sim.add_fault("status", on="categories", code=403, times=99)
    with sim.client() as client:
        assets = client.project(sim.project_id).assets
        with pytest.raises(acc.ForbiddenError):
            assets.create([{"Asset ID": "A", "Category": "HVAC", "Status": "Installed"}])
        assert assets.create(kit.rows(3), settings=None).ok
    assert sim.audit()["assets_created"] == 3


async def test_async_client_reads_the_same_settings(
    async_project: acc.AsyncProject, project: acc.Project
) -> None:
    read, mine = await async_project.settings(), project.settings()
    for kind in ("categories", "statuses", "attributes", "locations"):
        assert getattr(read, kind) == getattr(mine, kind)
    assert (await async_project.settings(refresh=True)).tree() == project.settings().tree()


def test_locations_that_given_settings_lack_are_read(sim: acc.testing.Simulator, kit: Kit) -> None:
    sim.add_fault("status", on="locations", code=403, times=1)
    with sim.client() as client:
        given = client.project(sim.project_id).settings()
    assert given.notes
    with sim.client() as client:
        project = client.project(sim.project_id)
        [name, *_] = unique_locations(project.settings())
        row = {"Asset ID": "A", "Category": kit.category, "Status": kit.status, "Location": name}
        assert project.assets.create([row], settings=given).ok


# ---- finders ----


def test_a_status_is_found(plant: tuple[acc.testing.Simulator, acc.Project]) -> None:
    settings = plant[1].settings()
    tested = settings.status(" tested")
    assert (tested.label, tested.status_set) == ("Tested", "Commissioning")
    assert settings.status(tested.id) == tested
    assert settings.status("Planned", status_set="handover").status_set == "Handover"
    assert settings.status("Planned", status_set=tested.status_set_id).status_set == "Commissioning"
    for label, status_set, says in [
        ("Testet", None, "did you mean `Tested`?"),
        (
            "Planned",
            None,
            "ambiguous: several status sets contain it; pass status_set= `Commissioning` or `Handover`",
        ),
        ("Scrapped", None, "is inactive"),
        ("Gone", None, "is inactive|no such status"),
        (
            "Tested",
            "Handover",
            "the status set 'Handover' has no such status; use `Planned` or `Handed over`",
        ),
        ("Tested", "Comissioning", "no status set 'Comissioning'; did you mean `Commissioning`?"),
    ]:
        with pytest.raises(acc.OptionError, match=says.replace("?", r"\?")) as caught:
            settings.status(label, status_set=status_set)
        assert str(caught.value).startswith(f'status "{label}": ')
    scrapped = next(status for status in settings.statuses if status.label == "Scrapped")
    with pytest.raises(acc.OptionError, match="the status `Scrapped` is inactive; use an active status"):
        settings.status(scrapped.id)


def test_a_custom_attribute_is_found(plant: tuple[acc.testing.Simulator, acc.Project]) -> None:
    settings = plant[1].settings()
    serial = settings.attribute("serial")
    assert (serial.display_name, serial.max_length) == ("Serial", 8)
    assert settings.attribute(serial.name) == serial
    assert settings.attribute("Schutzart (IP)").options == ("IP44",)
    with pytest.raises(acc.OptionError, match=r'custom attribute "Serail": .* did you mean `Serial`'):
        settings.attribute("Serail")
    forgotten = next(found for found in settings.attributes if found.display_name == "Forgotten")
    for name in ("Forgotten", forgotten.name):
        with pytest.raises(acc.OptionError, match="`Forgotten` is inactive; use an active custom attribute"):
            settings.attribute(name)
    with pytest.raises(acc.OptionError, match="no such custom attribute"):
        settings.attribute("ca99999")


def test_a_location_is_found(
    plant: tuple[acc.testing.Simulator, acc.Project], sim: acc.testing.Simulator
) -> None:
    settings = plant[1].settings()
    room = settings.location("Site > Building 3 > Floor 4 > Room 5")
    assert (room.name, room.path) == ("Room 5", "Site > Building 3 > Floor 4 > Room 5")
    assert settings.location(["Building 3", "Floor 4", "Room 5"]) == room
    assert settings.location("Building 3/Floor 4/Room 5", separator="/") == room
    assert settings.location(room.id) == room
    assert room in settings.locations
    with pytest.raises(acc.OptionError, match=r'location "Room 5": ambiguous: it matches .* others'):
        settings.location("Room 5")
    with pytest.raises(acc.OptionError, match=r"did you mean `Site > Building 3"):
        settings.location("Site > Building 3 > Floor 4 > Rom 5")
    own = sim.client().project(sim.project_id)
    coded = next(found for found in own.settings().locations if found.barcode)
    assert coded.barcode is not None
    assert own.settings().location(coded.barcode) == coded
    with sim.client() as client:
        sim.add_fault("status", code=403, on="locations", every=1)
        with pytest.raises(acc.OptionError, match="could not be read"):
            client.project(sim.project_id).settings().location("Building A")


@pytest.mark.parametrize(
    "kind", ["categories", "statuses", "attributes", "options", "assignments", "locations"]
)
def test_settings_are_dicts_with_the_columns_of_a_frame(kind: Any, project: acc.Project) -> None:
    settings = project.settings()
    rows = settings.to_dicts(kind)
    pandas = pytest.importorskip("pandas")
    frame = settings.to_pandas(kind)
    assert list(frame.columns) == list(rows[0])
    assert len(frame) == len(rows)
    assert isinstance(frame, pandas.DataFrame)
    with pytest.raises(acc.OptionError, match='Did you mean "statuses"'):
        settings.to_dicts("status")  # type: ignore[arg-type]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_without_rows_have_columns_that_join(library: str, project: acc.Project) -> None:
    frames = pytest.importorskip(library)
    described: dict[str, Any] = {"categories": [], "attributes": [], "locations": []}
    with acc.testing.Simulator(project=described) as sim, sim.client() as client:
        empty = client.project(sim.project_id).settings()
    full = project.settings()
    keys = {"attributes": "name", "options": "id", "assignments": "category_id"}
    for kind, key in keys.items():
        frame, other = (getattr(one, f"to_{library}")(kind) for one in (empty, full))
        assert len(frame) == 0
        assert list(frame.columns) == list(other.columns)
        left = frames.DataFrame({"key": ["x"]})
        if library == "pandas":
            assert len(left.merge(frame, left_on="key", right_on=key, how="left")) == 1
        else:
            assert len(left.join(frame, left_on="key", right_on=key, how="left")) == 1
            root = empty.to_polars("locations")
            assert len(root.join(root, left_on="parent_id", right_on="id", how="left")) == 1


def test_frames_join_with_assets_and_with_each_other(project: acc.Project, kit: Kit) -> None:
    pandas = pytest.importorskip("pandas")
    settings = project.settings(refresh=True)
    one, two = kit.choices("multi_select")[:2]
    row = kit.row(
        locationId=settings.locations[-1].id,
        customAttributes={
            kit.name("select"): kit.choices("select")[0],
            kit.name("multi_select"): [one, two],
            kit.name("numeric"): "2.5",
        },
    )
    project.assets.create([row, kit.row("AHU-2")]).raise_if_failed()
    assets = pandas.DataFrame([{**asset, **asset["customAttributes"]} for asset in project.assets.list()])
    frames = {kind: settings.to_pandas(kind) for kind in ("categories", "statuses", "attributes", "options")}
    frames["locations"] = settings.to_pandas("locations")
    for kind, column, shown in (
        ("categories", "categoryId", "path"),
        ("statuses", "statusId", "label"),
        ("locations", "locationId", "path"),
        ("options", kit.name("select"), "label"),
    ):
        right = frames[kind].add_prefix("the_")
        joined = assets.merge(right, left_on=column, right_on="the_id", how="left", validate="many_to_one")
        found = {entry["id"]: entry[shown] for entry in settings.to_dicts(kind)}  # type: ignore[arg-type]
        expected = [found.get(id) for id in assets[column].where(assets[column].notna(), None)]
        given = [None if name != name else name for name in joined[f"the_{shown}"]]
        assert given == expected
        assert expected[0]
    several = (
        assets[:1]
        .explode(kit.name("multi_select"))
        .merge(frames["options"], left_on=kit.name("multi_select"), right_on="id", validate="many_to_one")
    )
    assert len(set(several["label"])) == 2
    # The columns of custom attributes are names of attributes.
    names = set(frames["attributes"]["name"])
    assert len(names) == len(frames["attributes"])
    assert {name for name in assets.columns if name.startswith("ca") and name[2:].isdigit()} <= names
    assignments = settings.to_pandas("assignments")
    assert set(assignments["category_id"]) <= set(frames["categories"]["id"])
    assert set(assignments["attribute_name"]) | set(frames["options"]["attribute_name"]) <= names
    labels = frames["categories"].merge(frames["statuses"], on="status_set_id").groupby("id_x")["label"]
    for category in settings.categories:
        if category.is_active:
            assert set(category.statuses) <= set(labels.get_group(category.id))


def test_the_time_of_reading_is_a_time(project: acc.Project, tmp_path: pathlib.Path) -> None:
    before = datetime.now(timezone.utc)
    settings = project.settings(refresh=True)
    assert before <= settings.read_at + timedelta(microseconds=1)
    assert settings.read_at <= datetime.now(timezone.utc)
    settings.save(tmp_path / "settings.json")
    kept = json.loads((tmp_path / "settings.json").read_text())
    for text, time in [
        ("2026-01-31T08:15:30.123456789Z", datetime(2026, 1, 31, 8, 15, 30, 123456, timezone.utc)),
        ("2026-01-31T08:15:30.5Z", datetime(2026, 1, 31, 8, 15, 30, 500000, timezone.utc)),
        ("2026-01-31T08:15:30Z", datetime(2026, 1, 31, 8, 15, 30, 0, timezone.utc)),
        ("yesterday", None),
        ("", None),
    ]:
        kept["settings"]["read_at"] = text
        (tmp_path / "settings.json").write_text(json.dumps(kept))
        if time is None:
            with pytest.raises(acc.OptionError, match="`read_at` is"):
                acc.Settings.load(tmp_path / "settings.json")
        else:
            assert acc.Settings.load(tmp_path / "settings.json").read_at == time


def test_locations_container_belongs_to_one_project_object(
    sim: acc.testing.Simulator, client: acc.Client
) -> None:
    def read(project: acc.Project) -> list[str]:
        before = sim.audit()["endpoints"]
        project.settings()
        after = sim.audit()["endpoints"]
        return [name for name in after if name.startswith("locations") and after[name] != before.get(name)]

    plain = client.project(sim.project_id)
    contained = client.project(sim.project_id, locations_container=sim.world()["locations_container_id"])
    (of_project,), (of_container,) = read(plain), read(contained)
    assert of_project != of_container
    # Each object keeps its own settings and reads no others.
    assert read(plain) == read(contained) == read(client.project(sim.project_id)) == []
    contained.apply_setup(acc.Setup.from_dict({"categories": [{"path": "HVAC > New"}]}))
    assert read(plain) == [of_project]
    assert plain.settings().category("New").name == "New"


def test_old_settings_are_read_again(
    project: acc.Project, sim: acc.testing.Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"Asset ID": "A-1", "Category": "HVAC > New", "Status": "Installed"}]
    assert not project.assets.validate(rows).ok
    before = sim.audit()["requests"]
    assert not project.assets.validate(rows).ok
    assert sim.audit()["requests"] == before
    monkeypatch.setattr("acc_assets._session.OLD_SETTINGS", 0)
    assert not project.assets.validate(rows).ok
    assert sim.audit()["requests"] > before


def test_unread_locations_are_told_with_names(sim: acc.testing.Simulator) -> None:
    sim.add_fault("status", on="locations", code=403, every=1)
    project = sim.client().project(sim.project_id)
    with pytest.warns(
        acc.DataWarning, match="The column `Location` has ids: the locations could not be read"
    ):
        project.assets.list()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        project.assets.list(names=False)
