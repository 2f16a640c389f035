"""Rows with names instead of ids, in a project with unusual settings, and common mistakes."""

from __future__ import annotations

import asyncio
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from test_settings import DEEP, PLANT

import acc_assets as acc
from acc_assets.typing import Asset

pytestmark = pytest.mark.once

ROOM = "Site > Building 3 > Floor 7 > Room 42"


@pytest.fixture(scope="module")
def sim() -> Iterator[acc.testing.Simulator]:
    limits = acc.Limits(assets_write=10_000, assets_read=10_000)
    with acc.testing.Simulator(seed=3, project=PLANT, limits=limits) as sim:
        yield sim


@pytest.fixture(scope="module")
def client(sim: acc.testing.Simulator) -> Iterator[acc.Client]:
    with sim.client() as client:
        yield client


def unit(name: str = "U-1", **more: Any) -> dict[str, Any]:
    return {"Asset ID": name, "Category": DEEP, "Status": "planned", **more}


def made(project: acc.Project, row: dict[str, Any], **options: Any) -> Asset:
    result = project.assets.create([row], returning=True, **options)
    assert result.assets is not None
    return result.assets[0]


def fault(project: acc.Project, row: dict[str, Any], **options: Any) -> acc.Cause:
    """Return the only problem of a row."""
    report = project.assets.validate([unit("good"), row], **options)
    (cause,) = report.causes
    assert cause.first_rows == (1,)
    return cause


def test_names_become_ids(project: acc.Project) -> None:
    pytest.importorskip("pandas")
    row = unit(
        Serial="A1",
        Media="Hot water; air, dry",
        Flow="2.50",
        Location=ROOM,
        **{"schutzart ip": " ip44 ", "Barcode": "000123"},
    )
    asset = made(project, row)
    settings = project.settings()
    names = {found.display_name: found.name for found in settings.attributes}
    labels = {row["id"]: row["label"] for row in settings.to_pandas("options").to_dict("records")}
    assert asset["categoryId"] == settings.category(DEEP).id
    statuses = {status.id: (status.status_set, status.label) for status in settings.statuses}
    assert statuses[asset["statusId"]] == ("Handover", "Planned")
    places = {place.id: place.path for place in settings.locations}
    assert places[str(asset["locationId"])].endswith(ROOM)
    given: dict[str, Any] = asset["customAttributes"]
    assert given[names["Serial"]] == "A1"
    assert labels[given[names["Schutzart (IP) "]]] == "IP44"
    assert [labels[one] for one in given[names["Media"]]] == ["Hot water", "Air, dry"]
    assert float(given[names["Flow"]]) == 2.5
    assert asset["barcode"] == "000123"


def test_labels_may_contain_separators() -> None:
    described = {
        "attributes": [
            {"display_name": "Modes", "type": "multi_select", "options": ["On", "Off; idle", "1,5 bar", "2"]}
        ],
        "categories": [{"path": "Fans", "attributes": ["Modes"]}],
    }
    with acc.testing.Simulator(project=described) as sim, sim.client() as client:
        project = client.project(sim.project_id)
        status = project.settings().statuses[0].label
        row = {"Asset ID": "A", "Category": "Fans", "Status": status}
        for cell, count in {
            "off; idle": 1,
            "On; Off; idle; 2": 3,
            "Off; idle\n1,5 bar": 2,
            "2, 1,5 bar,": 2,
            "1,5 bar; 1,5 bar": 1,
            "; On ;; on": 1,
        }.items():
            (made,) = project.assets.get(project.assets.create([{**row, "Modes": cell}]).ids)
            assert len(str(made["customAttributes"]["ca1"]).split(",")) == count, cell
        (cause,) = project.assets.validate([{**row, "Modes": "On; Off; 2"}]).causes
        assert "no value 'Off'" in cause.message
        assert "`Off; idle`" in cause.fix


def test_unknown_name_has_the_closest_match_among_many(project: acc.Project) -> None:
    rooms = [location.path for location in project.settings().locations][:1_000]
    assert len(set(rooms)) == 1_000
    rows = [unit(Location=room) for room in rooms]
    report = project.assets.validate([*rows, unit(Location=rooms[-1] + "x")])
    (cause,) = report.causes
    assert cause.fix.startswith("did you mean"), cause


@pytest.mark.parametrize(
    "category", [DEEP, DEEP.split(" > "), "Level 10", f"ROOT > {DEEP.upper()}", DEEP.replace(" > ", ">")]
)
def test_category_is_found_in_many_forms(category: Any, project: acc.Project) -> None:
    assert project.assets.validate([unit(Category=category)]).ok


def test_status_belongs_to_the_category(project: acc.Project) -> None:
    assert project.assets.validate([unit(Status="Handed over")]).ok
    cause = fault(project, unit(Status="Tested"))
    assert (cause.code, cause.column) == ("status", "Status")
    assert "Handover" in cause.message
    assert fault(project, unit(Status="Plannd")).fix == "did you mean `Planned`?"
    assert "Scrapped" in fault(project, unit(Category="Boilers", Status="Scrapped")).message


@pytest.mark.parametrize(
    ("row", "rule", "says"),
    [
        (unit(Category="Pumps"), "category", "Boilers > Pumps"),
        (unit(Name="U-2"), "twice", "`Name` and `Asset ID` set the same field, and both"),
        (unit(Category="Level 11"), "category", "`Level 1 > Level 2"),
        (unit(Category="Retired"), "category", "is inactive"),
        (unit(Location="Room 42"), "location", "ambiguous"),
        (unit(Location="Site > Building 33"), "location", "did you mean `Site > Building 3"),
        (unit(Serial="123456789"), "too_long", "longer than 8"),
        (unit(Flow="2,5"), "number", "point"),
        (unit(Flow="2.5 l/s"), "number", "not a number"),
        (unit(**{"Schutzart (IP)": "IP20"}), "choice", "is inactive"),
        (unit(**{"Schutzart (IP)": "IP45"}), "choice", "IP44"),
        (unit(Media="Hot water; Steem"), "choice", "did you mean `Steam`"),
        (unit(Witnessed="yes"), "not_assigned", "Witnessed"),
        (unit(Category="Boilers > Pumps", Status="Open"), "required_attribute", "requires it"),
        (unit(Category="Boilers > Pumps", Status="Open", Witnessed="perhaps"), "yes_no", "yes or no"),
        (unit(Category="Chillers > Pumps", Status="Open", Installed="31.02.2030"), "date", "does not exist"),
        (unit(Category=""), "required", "Category"),
        (unit(Description="x" * 1001), "too_long", "1000"),
        (unit(Forgotten="x"), "unknown_column", "is inactive"),
        (unit(createdAt="2030-01-01"), "set_by_service", "createdAt"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else None,
)
def test_each_problem_has_its_location(
    row: dict[str, Any], rule: str, says: str, project: acc.Project
) -> None:
    cause = fault(project, row)
    assert cause.code == rule
    assert says in f"{cause.column}: {cause.message}; {cause.fix}"


def test_all_problems_of_all_rows_are_reported(project: acc.Project, sim: acc.testing.Simulator) -> None:
    rows = [unit(f"U-{place}") for place in range(300)]
    for row in rows[100:150]:
        row["Status"] = "Plannd"
    rows[120]["Flow"] = "many"
    rows[7]["Category"] = "Pumps"
    before = sim.audit()["assets_created"]
    report = project.assets.validate(rows)
    assert [(cause.column, cause.rows, cause.first_rows[0]) for cause in report.causes] == [
        ("Status", 50, 100),
        ("Category", 1, 7),
        ("Flow", 1, 120),
    ]
    assert report.causes[0].values == (("Plannd", 50),)
    assert report.estimate is not None
    assert report.estimate.rows == 249
    dry = project.assets.create(rows, dry_run=True, on_error="collect")
    assert dry.counts == {"not_sent": 249, "invalid": 51}
    assert dry.report.causes == report.causes
    # With on_error="stop", nothing is written if a row is bad.
    with pytest.raises(acc.BulkError):
        project.assets.create(rows, on_error="stop")
    assert sim.audit()["assets_created"] == before


def test_undocumented_cases_are_warnings(project: acc.Project) -> None:
    rows = [
        unit("A", Category="Chillers", Status="Open"),
        unit("A", Category="Chillers > Pumps", Status="Open"),
        unit("B", Location="00000000-0000-4000-8000-000000000000"),
        unit("C", Remarks="by hand"),
    ]
    report = project.assets.validate(rows)
    assert report.ok
    told = "\n".join(report.warnings)
    for says in ("category `Chillers` has", "`Duty`", "row 0 and row 1", "no location with this id"):
        assert says in told
    assert [used.column for used in report.columns if used.field is None] == ["Remarks"]


def test_columns_are_mapped_by_a_dict_or_a_file(project: acc.Project, tmp_path: pathlib.Path) -> None:
    row = {"Kennung": "U-9", "Art": "Boilers/Pumps", "Stand": "Open", "ok?": "yes", "Notiz": "-"}
    mapping = {
        "Kennung": "Asset ID",
        "Art": "categoryId",
        "Stand": "Status",
        "ok?": "Witnessed",
        "Notiz": None,
    }
    report = project.assets.validate([row], mapping=mapping, separator="/")
    assert report.ok
    assert {used.column: used.field for used in report.columns}["Art"] == "categoryId"
    assert [used.column for used in report.columns if used.field is None] == ["Notiz"]
    lines = [f"{json.dumps(name)} = {json.dumps(to or False)}" for name, to in mapping.items()]
    file = tmp_path / "columns.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    assert made(project, row, mapping=file, separator="/")["clientAssetId"] == "U-9"
    with pytest.raises(acc.OptionError, match="Statu"):
        project.assets.validate([row], mapping={"Stand": "Statu"})
    with pytest.raises(acc.InputError, match=r"nowhere\.toml"):
        project.assets.create([row], mapping=tmp_path / "nowhere.toml")


def test_a_patch_is_checked_against_its_asset(project: acc.Project) -> None:
    pump = made(project, unit("P", Category="Boilers > Pumps", Status="Open", Witnessed=True))
    deep = made(project, unit("D", Flow="1"))

    def patched(asset: Asset, **changes: Any) -> acc.BulkResult:
        return project.assets.patch([{"id": asset["id"], **changes}], returning=True, on_error="collect")

    # One label in two sets: the asset determines which.
    assert patched(deep, Status="Planned").ok
    assert patched(pump, Status="Closed").ok
    assert "Default" in str(patched(pump, Status="Planned")[0].error)
    # The label may belong to a different set than that of the asset.
    assert patched(pump, Status="Handed over")[0].status == "invalid"
    assert patched(pump, Flow="1")[0].error.problems[0].code == "not_assigned"  # type: ignore[union-attr]
    # With another category, everything is checked against that one.
    moved = patched(deep, Category="Boilers > Pumps")
    assert [problem.code for problem in moved[0].error.problems] == ["status", "required_attribute"]  # type: ignore[union-attr]
    assert patched(deep, Flow=acc.CLEAR).ok
    moved = patched(deep, Category="Boilers > Pumps", Status="Open", Witnessed="no")
    assert moved.ok
    assert moved.assets is not None
    assert moved.assets[0]["categoryId"] == project.settings().category(["Boilers", "Pumps"]).id


def test_settings_of_another_project_are_rejected(project: acc.Project) -> None:
    with acc.testing.Simulator(seed=9, project=PLANT) as sim, sim.client() as client:
        other = client.project(sim.project_id).settings()
    for verb in (project.assets.create, project.assets.patch):
        with pytest.raises(acc.OptionError, match=f"from project {other.project_id}"):
            verb([unit()], settings=other)
    with pytest.raises(acc.OptionError, match=r"Use project\.settings\(\)"):
        project.assets.validate([unit()], settings=other)


@pytest.mark.parametrize("value", ["yes", True, False, acc.Settings, 1])
def test_settings_option_accepts_auto_settings_or_none(value: Any, project: acc.Project) -> None:
    project.settings()
    with pytest.raises(acc.OptionError, match='settings must be "auto"'):
        project.assets.create([unit()], settings=value)


def test_filters_take_names(project: acc.Project) -> None:
    made(project, unit("F-1", Location=ROOM, **{"Schutzart (IP)": "IP44"}))
    made(project, unit("F-2", Status="Handed over"))
    assets = project.assets

    def found(**filters: Any) -> set[str]:
        return {asset["clientAssetId"] for asset in assets.list(**filters)}

    # Each filter alone finds exactly one of the two assets.
    assert {"F-1", "F-2"} <= found(category=DEEP)
    assert {"F-1", "F-2"}.isdisjoint(found(category="Boilers > Pumps"))
    for filters, included, excluded in (
        ({"status": "Planned"}, "F-1", "F-2"),
        ({"status": ["Handed over"]}, "F-2", "F-1"),
        ({"location": ROOM}, "F-1", "F-2"),
        ({"attributes": {"Schutzart (IP)": "ip44"}}, "F-1", "F-2"),
        ({"category": "Level 10", "status": "Planned"}, "F-1", "F-2"),
        ({"category": "Level 10", "location": ROOM}, "F-1", "F-2"),
    ):
        names = found(**filters)
        assert included in names, filters
        assert excluded not in names, filters
    assert {"F-1", "F-2"} <= found(status=["Planned", "Handed over"])
    with pytest.raises(acc.OptionError, match=r"Boilers > Pumps"):
        assets.list(category="Pumps")
    with pytest.raises(acc.OptionError, match="did you mean `Handed over`"):
        assets.list(status="Handed ovr")


def test_settings_are_read_if_rows_need_them(sim: acc.testing.Simulator) -> None:
    def requests(rows: Any, **options: Any) -> int:
        with sim.client() as client:
            before = sim.audit()["requests"]
            client.project(sim.project_id).assets.create(rows, on_error="collect", **options)
            return int(sim.audit()["requests"] - before)

    with sim.client() as client:
        settings = client.project(sim.project_id).settings()
    category = settings.category(DEEP)
    status = next(one for one in settings.statuses if (one.status_set, one.label) == ("Handover", "Planned"))
    ids = {"clientAssetId": "I", "categoryId": category.id, "statusId": status.id}
    several = [{**ids, "clientAssetId": f"I-{n}"} for n in range(3)]
    # A single request with ids needs no settings; names and several requests do.
    assert requests(several) == 1
    assert requests(several, settings=None) == 1
    assert requests(several, settings=settings) == 1
    read = requests([unit()]) - 1
    assert read > 5
    assert requests([{**ids, "ca1": "x"}]) == read + 1
    assert requests([{**ids, "clientAssetId": f"I-{n}"} for n in range(101)]) == read + 2


def test_async_client_does_the_same(sim: acc.testing.Simulator, project: acc.Project) -> None:
    async def both() -> tuple[acc.Report, acc.AsyncBulkResult]:
        async with sim.async_client() as client:
            assets = client.project(sim.project_id).assets
            rows = [unit("X"), unit("Y", Status="Plannd")]
            return await assets.validate(rows), await assets.create(rows, on_error="collect")

    report, result = asyncio.run(both())
    assert report.causes == result.report.causes
    assert result.counts == {"created": 1, "invalid": 1}
    assert report.causes == project.assets.validate([unit("X"), unit("Y", Status="Plannd")]).causes
