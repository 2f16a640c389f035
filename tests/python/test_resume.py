"""Resumed runs: after a change of the project's settings, with edited rows, and with another kind of table."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import Kit

import acc_assets as acc

pytestmark = pytest.mark.once

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setenv("ACC_ASSETS_RUNS", str(tmp_path / "runs"))
    return tmp_path


@pytest.fixture
def quick(sim: acc.testing.Simulator) -> acc.Project:
    """A client that gives up quickly, so that an outage leaves rows to resume."""
    retry = acc.Retry(attempts=1, deadline=2, settle=0.3)
    return sim.client(retry=retry, max_in_flight=1).project(sim.project_id)


def stopped(sim: acc.testing.Simulator, project: acc.Project, rows: Any, **options: Any) -> acc.BulkResult:
    """A run whose first request was executed and whose second was rejected."""
    sim.add_fault("status", code=403, on="assets:batch-create", nth=2)
    with pytest.raises(acc.ForbiddenError) as caught:
        project.assets.create(rows, **options)
    sim.clear_faults()
    result = caught.value.result
    assert isinstance(result, acc.BulkResult)
    return result


def named_rows(kit: Kit, sim: acc.testing.Simulator, number: int) -> list[dict[str, Any]]:
    """Rows with names instead of ids, and a custom attribute."""
    (category,) = [found for found in sim.world()["categories"] if str(found["id"]) == kit.category]
    attribute = kit.attributes["text"]["displayName"]
    status = category["statuses"][0]["label"]
    return [
        {"Asset ID": f"U-{place}", "Category": category["name"], "Status": status, attribute: f"text {place}"}
        for place in range(number)
    ]


def changed(project: acc.Project, folder: pathlib.Path, change: Change) -> acc.Settings:
    """The project's settings after a change by an admin."""
    path = folder / "settings.json"
    project.settings().save(path)
    content = json.loads(path.read_text())
    change(content["settings"])
    path.write_text(json.dumps(content))
    return acc.Settings.load(path)


def names(sim: acc.testing.Simulator) -> list[str]:
    return sorted(asset["clientAssetId"] for asset in sim.assets() if asset["clientAssetId"].startswith("U-"))


# ---- the project's settings change ----


def require_attribute(content: dict[str, Any], kit: Kit) -> None:
    for attribute in content["attributes"]:
        if attribute["name"] == kit.name("numeric"):
            attribute["required"] = True
            attribute["default"] = None


def rename_attribute(content: dict[str, Any], kit: Kit) -> None:
    for attribute in content["attributes"]:
        if attribute["name"] == kit.name("text"):
            attribute["display_name"] = "Something Else"


def rename_category(content: dict[str, Any], kit: Kit) -> None:
    for category in content["categories"]:
        if category["id"] == kit.category:
            category["name"] = "Another Name"


def deactivate_category(content: dict[str, Any], kit: Kit) -> None:
    for category in content["categories"]:
        if category["id"] == kit.category:
            category["active"] = False


@pytest.mark.parametrize(
    ("change", "pending"),
    [
        (require_attribute, "invalid"),
        (rename_category, "invalid"),
        (deactivate_category, "invalid"),
    ],
)
def test_a_run_is_resumed_after_a_change_of_settings(
    change: Callable[[dict[str, Any], Kit], None],
    pending: str,
    sim: acc.testing.Simulator,
    quick: acc.Project,
    kit: Kit,
    folder: pathlib.Path,
) -> None:
    rows = named_rows(kit, sim, 250)
    assert stopped(sim, quick, rows, run="level-3").counts["created"] == 100
    settings = changed(quick, folder, lambda content: change(content, kit))
    result = quick.assets.create(rows, run="level-3", settings=settings)
    assert [outcome.status for outcome in result[:100]] == ["created"] * 100
    assert {outcome.status for outcome in result[100:]} == {pending}
    # With the original settings, the rows are valid again.
    assert quick.assets.create(rows, run="level-3").counts == {"created": 250}
    assert names(sim) == sorted(row["Asset ID"] for row in rows)


def test_a_run_whose_attribute_was_renamed_needs_a_mapping(
    sim: acc.testing.Simulator, quick: acc.Project, kit: Kit, folder: pathlib.Path
) -> None:
    rows = named_rows(kit, sim, 250)
    stopped(sim, quick, rows, run="level-3")
    settings = changed(quick, folder, lambda content: rename_attribute(content, kit))
    heading = kit.attributes["text"]["displayName"]
    # Otherwise, the other rows would lack the values of this column.
    with pytest.raises(acc.InputError, match=f"`{heading}` was `Something Else`, and is now ignored"):
        quick.assets.create(rows, run="level-3", settings=settings)
    mapping = {heading: "Something Else"}
    result = quick.assets.create(rows, run="level-3", settings=settings, mapping=mapping)
    assert result.counts == {"created": 250}
    name = kit.name("text")
    values = [str(asset["customAttributes"][name]) for asset in sim.assets() if asset["id"] in result.ids]
    assert sorted(values) == sorted(row[heading] for row in rows)
    # With the original settings, the heading is known again.
    assert quick.assets.create(rows, run="level-3").counts == {"created": 250}


def test_pending_row_uses_the_current_meaning_of_names(
    sim: acc.testing.Simulator, quick: acc.Project, kit: Kit, folder: pathlib.Path
) -> None:
    rows = named_rows(kit, sim, 250)
    stopped(sim, quick, rows, run="level-3")

    def swap(content: dict[str, Any]) -> None:
        labels = [
            status
            for status_set in content["status_sets"]
            for status in status_set["statuses"]
            if status["id"] in (kit.status, kit.other_status)
        ]
        labels[0]["label"], labels[1]["label"] = labels[1]["label"], labels[0]["label"]

    settings = changed(quick, folder, swap)
    assert quick.assets.create(rows, run="level-3", settings=settings).counts == {"created": 250}
    statuses = {asset["clientAssetId"]: asset["statusId"] for asset in sim.assets()}
    assert [statuses[f"U-{place}"] for place in range(250)] == [kit.status] * 100 + [kit.other_status] * 150


def test_a_row_in_doubt_is_looked_up_with_the_ids_that_were_sent(
    sim: acc.testing.Simulator, quick: acc.Project, kit: Kit, folder: pathlib.Path
) -> None:
    rows = named_rows(kit, sim, 5)
    sim.add_fault("reset_after_apply", on="assets:batch-create")
    assert quick.assets.create(rows, run="level-3", reconcile=False).counts == {"unknown": 5}
    other = next(
        str(found["id"])
        for found in sim.world()["categories"]
        if found["isActive"] and str(found["id"]) != kit.category and found["statuses"]
    )

    def exchange(content: dict[str, Any]) -> None:
        found = {category["id"]: category for category in content["categories"]}
        one, two = found[kit.category], found[other]
        one["name"], two["name"] = two["name"], one["name"]

    settings = changed(quick, folder, exchange)
    with pytest.warns(acc.DataWarning, match="5 rows were changed or removed after being sent"):
        result = quick.assets.create(rows, run="level-3", settings=settings)
    assert result.counts == {"created": 5}
    assert names(sim) == [f"U-{place}" for place in range(5)]


# ---- the same rows as another kind of table ----


def tables(folder: pathlib.Path) -> Iterator[tuple[str, Any]]:
    """The same three rows, as dicts and as every other kind of input."""
    datetime = pytest.importorskip("datetime")
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    pyarrow, openpyxl = pytest.importorskip("pyarrow"), pytest.importorskip("openpyxl")
    day = datetime.date(2031, 2, 3)
    rows = [
        {"Asset ID": "U-0", "Barcode": "000042", "Flow": 42, "Day": day, "Description": "one "},
        {"Asset ID": "U-1", "Barcode": "000043", "Flow": 6.5, "Day": None, "Description": None},
        {"Asset ID": "U-2", "Barcode": "000044", "Flow": None, "Day": day, "Description": "three"},
    ]
    yield "dicts", rows
    yield "tuple of dicts in another order of keys", tuple(dict(reversed(row.items())) for row in rows)
    yield "generator", (row for row in rows)
    frame = pandas.DataFrame(rows)
    yield "pandas", frame
    yield "pandas with timestamps", frame.assign(Day=pandas.to_datetime(frame["Day"]))
    yield "pandas of objects", frame.astype(object)[["Day", "Flow", "Description", "Barcode", "Asset ID"]]
    yield "polars", polars.DataFrame(rows, strict=False)
    yield (
        "arrow",
        pyarrow.Table.from_pylist(
            [{**row, "Flow": None if row["Flow"] is None else float(row["Flow"])} for row in rows]
        ),
    )
    workbook = openpyxl.Workbook()
    workbook.active.append(list(rows[0]))
    for row in rows:
        workbook.active.append(list(row.values()))
    workbook.save(folder / "rows.xlsx")
    yield "sheet", folder / "rows.xlsx"
    lines = [",".join(rows[0])]
    lines += [",".join("" if cell is None else str(cell) for cell in row.values()) for row in rows]
    (folder / "rows.csv").write_text("\n".join(lines))
    yield "CSV", folder / "rows.csv"


def test_run_recognizes_rows_in_any_kind_of_table(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit, folder: pathlib.Path
) -> None:
    mapping = {"Flow": kit.attributes["numeric"]["displayName"], "Day": kit.attributes["date"]["displayName"]}
    options: dict[str, Any] = {"mapping": mapping}
    labels = named_rows(kit, sim, 1)[0]

    # Category and status are the same for all rows, as in a template.
    def with_names(table: Any) -> Any:
        pandas = pytest.importorskip("pandas")
        more = {"Category": labels["Category"], "Status": labels["Status"]}
        if isinstance(table, (list, tuple)):
            return [{**row, **more} for row in table]
        if isinstance(table, pandas.DataFrame):
            return table.assign(**more)
        if hasattr(table, "with_columns"):
            polars = pytest.importorskip("polars")
            return table.with_columns(**{name: polars.lit(value) for name, value in more.items()})
        if hasattr(table, "append_column"):
            for name, value in more.items():
                table = table.append_column(name, [[value] * len(table)])
            return table
        if isinstance(table, pathlib.Path) and table.suffix == ".csv":
            first, *others = table.read_text().splitlines()
            lines = [f"{first},{','.join(more)}", *(f"{line},{','.join(more.values())}" for line in others)]
            table.write_text("\n".join(lines))
            return table
        if isinstance(table, pathlib.Path):
            openpyxl = pytest.importorskip("openpyxl")
            workbook = openpyxl.load_workbook(table)
            for place, cells in enumerate(workbook.active.iter_rows()):
                for offset, (name, value) in enumerate(more.items(), start=len(cells) + 1):
                    workbook.active.cell(place + 1, offset, name if place == 0 else value)
            workbook.save(table)
            return table
        return ({**row, **more} for row in table)

    named = {kind: with_names(table) for kind, table in tables(folder)}

    def table(kind: str) -> Any:
        # A generator is used up by each call.
        return iter(named["dicts"]) if kind == "generator" else named[kind]

    # The digest of a row does not depend on its source, so the run is begun with one kind of each sort.
    for first in ("dicts", "generator", "arrow", "sheet"):
        run = f"run of {first}"
        before = len(sim.assets())
        assert project.assets.create(table(first), run=run, **options).counts == {"created": 3}, first
        for second in named:
            result = project.assets.create(table(second), run=run, **options)
            assert (result.counts, result.stats.requests) == ({"created": 3}, 0), f"{first}, then {second}"
        assert len(sim.assets()) == before + 3
        # Otherwise, the next run would be refused, because it creates the same rows.
        acc.runs().delete(run)


def test_run_ignores_ignored_columns(project: acc.Project, kit: Kit, sim: acc.testing.Simulator) -> None:
    rows = [{**row, "Site remark": "old", "Foreman": "A"} for row in named_rows(kit, sim, 3)]
    options: dict[str, Any] = {"run": "level-3", "mapping": {"Foreman": None}}
    with pytest.warns(acc.DataWarning, match="Site remark"):
        project.assets.create(rows, **options)
    again = [{**row, "Site remark": "new", "Foreman": "B", "Another": 1} for row in rows]
    with pytest.warns(acc.DataWarning, match="Another"):
        result = project.assets.create(again, **options)
    assert (result.counts, result.stats.requests) == ({"created": 3}, 0)


# ---- rows are edited between two calls ----


def test_a_fixed_row_frees_another_with_the_same_import_key(project: acc.Project, kit: Kit) -> None:
    rows = [kit.row("U-0", barcode="1"), kit.row("U-1", barcode="1", description="other")]
    options: dict[str, Any] = {"run": "level-3", "import_key": "barcode"}
    assert project.assets.create(rows, **options).counts == {"invalid": 2}
    rows[0]["barcode"] = "2"
    assert project.assets.create(rows, **options).counts == {"created": 2}


@pytest.mark.parametrize("generator", [False, True])
def test_unsettled_rows_may_be_edited_or_removed(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator, generator: bool
) -> None:
    rows = kit.rows(6)
    del rows[1]["statusId"], rows[3]["statusId"], rows[4]["statusId"]
    before = len(sim.assets())
    assert project.assets.create(rows, run="level-3").counts == {"created": 3, "invalid": 3}
    edited = [rows[0], rows[2], {**rows[3], "statusId": kit.status}, rows[4], rows[5]]
    result = project.assets.create((row for row in edited) if generator else edited, run="level-3")
    statuses = ["created", "not_sent", "created", "created", "invalid", "created"]
    assert [outcome.status for outcome in result] == statuses
    assert result[1].error is not None
    assert result[1].error.message == "removed by you"
    assert "removed by you" in repr(result)
    assert "not_sent: call" not in repr(result)
    assert not result.ok
    assert len(sim.assets()) == before + 4
    # All rows are back, and corrected.
    for row in rows:
        row["statusId"] = kit.status
    assert project.assets.create(rows, run="level-3").counts == {"created": 6}
    assert len(sim.assets()) == before + 6


def test_generated_import_keys_stay_with_their_rows(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    rows = kit.rows(4)
    del rows[0]["statusId"], rows[2]["statusId"]
    options: dict[str, Any] = {"run": "level-3", "import_key": acc.GeneratedKey("barcode")}
    assert project.assets.create(rows, **options).counts == {"created": 2, "invalid": 2}
    rows[2]["statusId"] = kit.status
    result = project.assets.create(rows[1:], **options)
    assert result.counts == {"created": 3, "not_sent": 1}
    keys = {asset["clientAssetId"]: asset["barcode"] for asset in sim.assets() if asset["id"] in result.ids}
    assert sorted(str(key).rsplit("-", 1)[1] for key in keys.values()) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: rows[:-1], r"row 5 \(`AHU-5`\) is created, but is missing"),
        (
            lambda rows: [*rows[:2], rows[0], *rows[2:]],
            r"row 2 of these rows|is created, but its position has changed",
        ),
        (
            lambda rows: [*rows, {**rows[0], "clientAssetId": "X"}],
            r"row 6 of the input \(`X`\) was not part of the earlier call",
        ),
        (
            lambda rows: [rows[1], rows[0], *rows[2:]],
            r"row 0 \(`AHU-0`\) is created, but its position has changed",
        ),
        (
            lambda rows: [{**rows[0], "barcode": "1"}, *rows[1:]],
            r"row 0 \(`AHU-0`\) is created, but the earlier call did not have the column `barcode`",
        ),
    ],
)
def test_run_rejects_other_rows_and_sends_nothing(
    change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
    says: str,
    project: acc.Project,
    kit: Kit,
    sim: acc.testing.Simulator,
) -> None:
    rows = kit.rows(6)
    del rows[3]["statusId"]
    project.assets.create(rows, run="level-3")
    before = (len(sim.assets()), acc.runs()["level-3"].to_dicts())
    rows[3]["statusId"] = kit.status
    with pytest.raises(acc.InputError, match=says):
        project.assets.create(change(rows), run="level-3")
    assert (len(sim.assets()), acc.runs()["level-3"].to_dicts()) == before
    assert project.assets.create(rows, run="level-3").counts == {"created": 6}


def test_run_accepts_its_file_of_write_fixes(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator, folder: pathlib.Path
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    rows = kit.rows(8)
    for place in (1, 4, 6):
        rows[place]["statusId"] = "Instaled"
    before = len(sim.assets())
    result = project.assets.create(rows, run="level-3")
    assert result.counts == {"created": 5, "invalid": 3}
    assert result.write_fixes(folder / "to_fix.xlsx") == 3
    assert "with the file from .write_fixes()" in repr(result)

    def fix(path: pathlib.Path, *lines: int, drop: int | None = None) -> pathlib.Path:
        workbook = openpyxl.load_workbook(path)
        sheet = workbook.active
        (column,) = [cell.column for cell in sheet[1] if cell.value == "statusId"]
        for line in lines:
            sheet.cell(line, column, kit.status)
        if drop is not None:
            sheet.delete_rows(drop)
        workbook.save(path)
        return path

    # One row is fixed, one removed, one still wrong.
    result = project.assets.create(fix(folder / "to_fix.xlsx", 2, drop=3), run="level-3")
    assert [outcome.status for outcome in result] == [
        *("created", "created", "created", "created", "invalid", "created", "invalid", "created")
    ]
    assert len(sim.assets()) == before + 6
    assert result.write_fixes(folder / "to_fix_2.xlsx") == 1
    # The same call again, then with the remaining file.
    assert project.assets.create(folder / "to_fix.xlsx", run="level-3").counts == {"created": 6, "invalid": 2}
    result = project.assets.create(fix(folder / "to_fix_2.xlsx", 2), run="level-3")
    assert result.counts == {"created": 7, "invalid": 1}
    rows[1]["statusId"] = rows[4]["statusId"] = rows[6]["statusId"] = kit.status
    assert project.assets.create(rows, run="level-3").counts == {"created": 8}
    assert len(sim.assets()) == before + 8


def test_run_rejects_the_write_fixes_file_of_another_run(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator, folder: pathlib.Path
) -> None:
    rows = kit.rows(3)
    rows[1]["statusId"] = "Instaled"
    project.assets.create(rows, run="one").write_fixes(folder / "to_fix.xlsx")
    project.assets.create([{**row, "description": "other"} for row in rows], run="two")
    before = len(sim.assets())
    with pytest.raises(acc.InputError, match=r"this file was written by `.write_fixes\(\)` of another run"):
        project.assets.create(folder / "to_fix.xlsx", run="two")
    assert len(sim.assets()) == before


def test_advice_without_a_run_is_correct(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator, folder: pathlib.Path
) -> None:
    rows = kit.rows(3)
    rows[1]["statusId"] = "Instaled"
    result = project.assets.create(rows)
    assert "fix these rows, then call again with only these rows" in repr(result)
    rows[1]["statusId"] = kit.status
    assert project.assets.create(rows[1]).counts == {"created": 1}
    unsent = project.assets.create(({**row, "statusId": "Instaled"} for row in rows), on_error="collect")
    assert ".retry()" not in repr(unsent)
    assert "run=" not in repr(unsent)
    assert "nothing was sent" in repr(project.assets.create([{"clientAssetId": "X"}], dry_run=True))


# ---- rows in doubt ----


def in_doubt(sim: acc.testing.Simulator, project: acc.Project, rows: Any, **options: Any) -> None:
    """A run whose first hundred rows are in the project but `unknown`. The next hundred were rejected."""
    sim.add_fault("reset_after_apply", on="assets:batch-create", nth=1)
    sim.add_fault("status", code=403, on="assets:batch-create", nth=2)
    with pytest.raises(acc.ForbiddenError):
        project.assets.create(rows, reconcile=False, **options)
    sim.clear_faults()


def test_unknown_rows_are_not_mistaken_for_edited_rows(
    sim: acc.testing.Simulator, quick: acc.Project, kit: Kit
) -> None:
    rows = [kit.row(f"U-{place}") for place in range(200)]
    in_doubt(sim, quick, rows, run="level-3")
    swapped = [*rows[:99], rows[100], rows[99], *rows[101:]]
    with pytest.raises(acc.InputError, match="its position has changed"):
        quick.assets.create(swapped, run="level-3")
    with pytest.raises(acc.InputError, match=r"row 0 of the input .* was not part of the earlier call"):
        quick.assets.create([kit.row("U-new"), *rows[:199]], run="level-3")
    with pytest.raises(acc.InputError, match="another row has taken its place"):
        quick.assets.create([kit.row("U-new"), *rows[1:]], run="level-3")
    assert quick.assets.create(rows, run="level-3").counts == {"created": 200}
    assert names(sim) == sorted(row["clientAssetId"] for row in rows)


def test_removed_row_of_a_stream_does_not_shift_others(
    sim: acc.testing.Simulator, quick: acc.Project, kit: Kit
) -> None:
    rows = [kit.row(f"U-{place}") for place in range(250)]
    in_doubt(sim, quick, (row for row in rows), run="level-3")
    del rows[150]
    result = quick.assets.create((row for row in rows), run="level-3")
    assert result.counts == {"created": 249, "not_sent": 1}
    assert names(sim) == sorted(row["clientAssetId"] for row in rows)


def test_edited_unknown_row_is_reported_as_sent(
    sim: acc.testing.Simulator, quick: acc.Project, kit: Kit
) -> None:
    rows = [kit.row(f"U-{place}") for place in range(200)]
    in_doubt(sim, quick, rows, run="level-3")
    edited = [{**rows[0], "description": "new"}, *rows[1:]]
    with pytest.warns(acc.DataWarning, match="1 row was changed or removed after being sent"):
        assert quick.assets.create(edited, run="level-3").counts == {"created": 200}
    with pytest.raises(acc.InputError, match=r"row 0 \(`U-0`\) is created, but was edited"):
        quick.assets.create(edited, run="level-3")
    assert quick.assets.create(rows, run="level-3").stats.requests == 0


def test_edited_duplicate_of_an_unknown_row_is_separate(
    sim: acc.testing.Simulator, quick: acc.Project, kit: Kit
) -> None:
    first, second = (outcome.id for outcome in quick.assets.create(kit.rows(2)))
    rows = [{"id": first, "description": "x"}, {"id": first, "description": "x"}]
    sim.add_fault("reset_after_apply", on="assets:batch-patch")
    assert quick.assets.patch(rows, run="p", reconcile=False).counts == {"unknown": 2}
    sim.clear_faults()
    rows[1] = {"id": second, "description": "y"}
    assert quick.assets.patch(rows, run="p").counts == {"updated": 2}
    said: dict[str | None, str | None] = {asset["id"]: asset.get("description") for asset in sim.assets()}
    assert (said[first], said[second]) == ("x", "y")


# ---- more files of rows to fix ----


def test_added_row_in_a_write_fixes_file_is_rejected(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator, folder: pathlib.Path
) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("openpyxl", reason="pandas reads the sheet with it")
    rows = kit.rows(4)
    rows[1]["statusId"] = rows[3]["statusId"] = "Instaled"
    project.assets.create(rows, run="level-3").write_fixes(folder / "to_fix.xlsx")
    fixes = (
        pandas.read_excel(folder / "to_fix.xlsx", dtype=str).assign(statusId=kit.status).to_dict("records")
    )
    before = len(sim.assets())
    with pytest.raises(
        acc.InputError, match=r"row 0 of the input \(`NEW`\) was not part of the earlier call"
    ):
        project.assets.create([kit.row("NEW"), *fixes], run="level-3")
    assert len(sim.assets()) == before
    assert project.assets.create(fixes, run="level-3").counts == {"created": 4}


def test_a_run_begun_with_a_file_of_a_report_is_resumed_with_it(
    project: acc.Project, kit: Kit, folder: pathlib.Path
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    rows = kit.rows(4)
    rows[1]["statusId"] = rows[3]["statusId"] = "Instaled"
    path = folder / "to_fix.xlsx"
    assert project.assets.validate(rows).write_fixes(path) == 2
    workbook = openpyxl.load_workbook(path)
    (column,) = [cell.column for cell in workbook.active[1] if cell.value == "statusId"]
    workbook.active.cell(2, column, kit.status)
    workbook.save(path)
    assert project.assets.create(path, run="fixes").counts == {"created": 1, "invalid": 1}
    assert project.assets.create(path, run="fixes").counts == {"created": 1, "invalid": 1}
    workbook.active.cell(3, column, kit.status)
    workbook.save(path)
    assert project.assets.create(path, run="fixes").counts == {"created": 2}


# ---- strings that look like numbers ----


def test_patch_of_text_that_equals_a_number_is_sent(
    sim: acc.testing.Simulator, quick: acc.Project, kit: Kit
) -> None:
    (made,) = quick.assets.create(kit.row("U-0", barcode="7"))
    sim.add_fault("reset_before_apply", on="assets:batch-patch")
    assert quick.assets.patch({"id": made.id, "barcode": "007"}).counts == {"updated": 1}
    (barcode,) = (asset["barcode"] for asset in sim.assets() if asset["id"] == made.id)
    assert barcode == "007"


def test_removed_rows_do_not_count(project: acc.Project, kit: Kit) -> None:
    rows = kit.rows(3)
    del rows[1]["statusId"]
    assert not project.assets.create(rows, run="level-3").ok
    result = project.assets.create([rows[0], rows[2]], run="level-3", on_error="raise")
    assert result.ok
    assert result.counts == {"created": 2, "not_sent": 1}
    assert result.raise_if_failed() is result


def test_a_corrected_row_at_another_position_has_moved(project: acc.Project, kit: Kit) -> None:
    rows = kit.rows(4)
    status = rows[3].pop("statusId")
    project.assets.create(rows, run="level-3")
    rows[3]["statusId"] = status
    with pytest.raises(acc.InputError) as caught:
        project.assets.create(rows[::-1], run="level-3")
    assert "is row 3 of the earlier call, but its position has changed: keep the order" in str(caught.value)


def test_a_new_version_of_a_sheet_needs_an_import_key(project: acc.Project, kit: Kit) -> None:
    rows = kit.rows(4)
    project.assets.create(rows, run="week-1")
    for row in rows:
        row["description"] = "new"
    with pytest.raises(
        acc.InputError, match=r"also pass\s+import_key=: without it, all rows would be created again"
    ):
        project.assets.create(rows, run="week-1")
