"""Named runs whose columns, files of rows to fix, or input are not those of the first call."""

from __future__ import annotations

import os
import pathlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rows_to_fix import A, corrected, named, units

import acc_assets as acc

openpyxl = pytest.importorskip("openpyxl")
pytestmark = pytest.mark.once

MAPPING = {"Luft": "Airflow", "Notiz": "Description", "BC": "Barcode"}


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setenv("ACC_ASSETS_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---- the columns have another meaning ----


def sheet(wrong: tuple[int, ...] = (2, 3)) -> list[dict[str, Any]]:
    rows = units(4, wrong)
    return [{**row, "Luft": 1500 + place, "Notiz": "x", "BC": f"B{place}"} for place, row in enumerate(rows)]


@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize(
    ("first", "then", "says"),
    [
        (
            None,
            MAPPING,
            r"2 rows of this run are done, .* `BC` was ignored, and is now `Barcode`; `Luft` was ignored, and is now "
            r"`Airflow`; .*with \"BC\": None, \"Luft\": None, \"Notiz\": None in mapping=",
        ),
        (MAPPING, None, r"`Luft` was `Airflow`, and is now ignored.*with \"BC\": \"Barcode\", "),
        (
            MAPPING,
            {**MAPPING, "BC": "Manufacturer"},
            r"other fields now: `BC` was `Barcode`, and is now `Manufacturer`\. Nothing was sent",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::acc_assets.errors.DataWarning")
def test_columns_of_done_rows_keep_their_fields(
    first: Any, then: Any, says: str, fixed: bool, sim: acc.testing.Simulator
) -> None:
    project = sim.client().project(sim.project_id)
    assert project.assets.create(sheet(), run="m", mapping=first).counts == {"created": 2, "invalid": 2}
    rows = sheet(() if fixed else (2, 3))
    with pytest.raises(acc.InputError, match=says):
        project.assets.create(rows, run="m", mapping=then)
    with pytest.raises(acc.InputError, match=says):
        project.assets.create(rows, run="m", mapping=then, dry_run=True)
    assert len(named(sim)) == 2
    # As before.
    assert project.assets.create(sheet(()), run="m", mapping=first).counts == {"created": 4}
    with pytest.raises(acc.InputError, match=says.replace("2 rows", "4 rows")):
        project.assets.create(sheet(()), run="m", mapping=then)


@pytest.mark.filterwarnings("ignore::acc_assets.errors.DataWarning")
def test_columns_may_be_mapped_while_nothing_is_done(sim: acc.testing.Simulator) -> None:
    project = sim.client().project(sim.project_id)
    everything = (0, 1, 2, 3)
    assert project.assets.create(sheet(everything), run="m").counts == {"invalid": 4}
    assert project.assets.create(sheet((3,)), run="m", mapping=MAPPING).counts == {"created": 3, "invalid": 1}
    found = {asset["clientAssetId"]: asset for asset in sim.assets()}
    assert found["A-0"]["barcode"] == "B0"
    assert found["A-0"]["description"] == "x"
    # The new columns identify the rows from then on.
    rows = sheet((3,))
    rows[0]["Notiz"] = "y"
    with pytest.raises(acc.InputError, match=r"row 0 .`A-0`. is created, but was edited"):
        project.assets.create(rows, run="m", mapping=MAPPING)
    with pytest.raises(acc.InputError, match="`BC` was `Barcode`, and is now ignored"):
        project.assets.create(sheet(()), run="m")
    assert project.assets.create(sheet(()), run="m", mapping=MAPPING).counts == {"created": 4}


@pytest.mark.filterwarnings("ignore::acc_assets.errors.DataWarning")
def test_a_rejected_row_is_sent_again_if_a_column_is_mapped(sim: acc.testing.Simulator) -> None:
    project = sim.client().project(sim.project_id)
    sim.add_fault("status", code=400, on="assets:batch-create")
    assert project.assets.create(sheet(())[:1], run="m").counts == {"rejected": 1}
    sim.clear_faults()
    assert project.assets.create(sheet(())[:1], run="m").counts == {"rejected": 1}
    assert project.assets.create(sheet(())[:1], run="m", mapping=MAPPING).counts == {"created": 1}


# ---- a file of rows to fix ----


def test_the_original_rows_are_recognized_after_a_fixes_file(sim: acc.testing.Simulator) -> None:
    project = sim.client().project(sim.project_id)
    rows = units(6, (1, 4))
    assert project.assets.create(rows, run="r").write_fixes("f.xlsx") == 2
    result = project.assets.create(corrected("f.xlsx", Status="Installed"), run="r")
    assert result.counts == {"created": 6}
    says = r"the project has the corrections from a file of `.write_fixes\(\)`, not the values .* in 2 rows \(first: row 1\)"
    for again in (rows, (row for row in rows), rows):
        with pytest.warns(acc.DataWarning, match=says):
            result = project.assets.create(again, run="r")
        assert (result.counts, result.stats.requests) == ({"created": 6}, 0)
        assert [outcome.key for outcome in result] == [row["Asset ID"] for row in rows]
    # Corrected in the sheet as well, or only in part.
    assert project.assets.create(units(6), run="r").counts == {"created": 6}
    with pytest.warns(acc.DataWarning, match=r"in 1 row \(row 4\)"):
        assert project.assets.create(units(6, (4,)), run="r").counts == {"created": 6}
    assert project.assets.create("f.xlsx", run="r").counts == {"created": 6}
    assert len(named(sim)) == 6
    # Another change is still one.
    rows[4]["Status"] = "Ordered"
    with pytest.raises(acc.InputError, match=r"row 4 .`A-4`. is created, but was edited"):
        project.assets.create(rows, run="r")


def test_a_run_that_was_stopped_is_completed_after_a_fixes_file(sim: acc.testing.Simulator) -> None:
    project = sim.client(max_in_flight=1).project(sim.project_id)
    rows = units(250, (10,))
    sim.add_fault("status", code=403, on="assets:batch-create", nth=2)
    with pytest.raises(acc.ForbiddenError) as caught:
        project.assets.create(rows, run="r")
    sim.clear_faults()
    stopped: Any = caught.value.result
    kept = stopped.where("invalid")
    assert kept.write_fixes("f.xlsx") == 1
    result = project.assets.create(corrected("f.xlsx", Status="Installed"), run="r")
    assert result[10].status == "created"
    assert "retry()" not in repr(result)
    assert "call again with the same run= and all rows" in repr(result)
    with pytest.warns(acc.DataWarning, match=r"in 1 row \(row 10\)"):
        assert project.assets.create(rows, run="r").counts == {"created": 250}
    assert len(named(sim)) == 250


def test_identical_rows_that_were_corrected_differently(sim: acc.testing.Simulator) -> None:
    project = sim.client().project(sim.project_id)
    rows = [{"Asset ID": "A-1", "Status": "Instaled", **A}] * 3
    assert project.assets.create(rows, run="r").write_fixes("f.xlsx") == 3
    workbook = openpyxl.load_workbook("f.xlsx")
    cells = [[cell.value for cell in line] for line in workbook.worksheets[0]]
    for line, status in enumerate(("Installed", "Ordered", "Installed"), 2):
        workbook.worksheets[0].cell(line, cells[0].index("Status") + 1, status)
    workbook.save("f.xlsx")
    assert project.assets.create("f.xlsx", run="r").counts == {"created": 3}
    with pytest.warns(acc.DataWarning, match="in 3 rows"):
        assert project.assets.create(rows, run="r").counts == {"created": 3}
    mixed = [{**rows[0], "Status": "Installed"}, rows[1], rows[2]]
    with pytest.warns(acc.DataWarning, match="in 2 rows"):
        assert project.assets.create(mixed, run="r").counts == {"created": 3}


@pytest.mark.parametrize("run", ["pump", None])
def test_a_fixes_file_of_a_named_run_begins_no_other_run(run: str | None, sim: acc.testing.Simulator) -> None:
    project = sim.client().project(sim.project_id)
    rows = units(4, (1, 2))
    assert project.assets.create(rows, run="pumps").write_fixes("f.xlsx") == 2
    corrected("f.xlsx", Status="Installed")
    with pytest.raises(acc.InputError, match=r'of the run `pumps`, .*Pass run="pumps"'):
        project.assets.create("f.xlsx", run=run)
    if run is not None:
        assert "not begun" in repr(acc.runs())
        with pytest.raises(acc.InputError, match="of the run `pumps`"):
            project.assets.create("f.xlsx", run="other", dry_run=True)
    assert len(named(sim)) == 2
    assert project.assets.validate("f.xlsx").ok
    assert project.assets.create("f.xlsx", run="pumps").counts == {"created": 4}
    # The run was deleted, and another one has its name.
    acc.runs().delete("pumps")
    with pytest.raises(acc.InputError, match="of the run `pumps`"):
        project.assets.create("f.xlsx", run="pumps")


def test_a_fixes_file_without_a_run_needs_none(sim: acc.testing.Simulator) -> None:
    project = sim.client().project(sim.project_id)
    assert project.assets.create(units(4, (1, 2))).write_fixes("f.xlsx") == 2
    assert project.assets.create(corrected("f.xlsx", Status="Installed")).counts == {"created": 2}


def test_a_fixes_file_of_another_run_is_named(sim: acc.testing.Simulator) -> None:
    project = sim.client().project(sim.project_id)
    assert project.assets.create(units(4, (1,)), run="one").write_fixes("f.xlsx") == 1
    everything = (0, 1, 2, 3)
    assert project.assets.create(units(4, everything), run="two").counts == {"invalid": 4}
    # The file has a row that could be an edited row of the run.
    with pytest.raises(acc.InputError, match='of another run, `one`: pass run="one"'):
        project.assets.create(corrected("f.xlsx", Status="Installed"), run="two")
    assert len(named(sim)) == 3


def test_a_fixes_file_of_a_check_continues_a_run_of_the_same_rows(sim: acc.testing.Simulator) -> None:
    project = sim.client().project(sim.project_id)
    workbook = openpyxl.Workbook()
    rows = units(4, (1, 3))
    for line in (list(rows[0]), *(list(row.values()) for row in rows)):
        workbook.worksheets[0].append(line)
    workbook.save("ahu.xlsx")
    assert project.assets.validate("ahu.xlsx").write_fixes("to_fix.xlsx") == 2
    corrected("to_fix.xlsx", Status="Installed")
    assert project.assets.create("ahu.xlsx", run="x").counts == {"created": 2, "invalid": 2}
    for _ in range(2):
        result = project.assets.create("to_fix.xlsx", run="x")
        assert [outcome.key for outcome in result] == ["A-0", "A-1", "A-2", "A-3"]
        assert result.counts == {"created": 4}
    with pytest.warns(acc.DataWarning, match=r"in 2 rows \(first: sheet row 3\)"):
        assert project.assets.create("ahu.xlsx", run="x").counts == {"created": 4}
    assert named(sim) == ["A-0", "A-1", "A-2", "A-3"]
    # The rows of another run are others.
    assert project.assets.create(units(4, description="y"), run="y").counts == {"created": 4}
    with pytest.raises(
        acc.InputError, match=r"written by `.write_fixes\(\)` of another run, or for other rows"
    ):
        project.assets.create("to_fix.xlsx", run="y")


def test_a_fixes_file_without_its_hidden_column(sim: acc.testing.Simulator) -> None:
    project = sim.client().project(sim.project_id)
    project.assets.create(units(4, (1,)), run="r").write_fixes("f.xlsx")
    workbook = openpyxl.load_workbook("f.xlsx")
    workbook.worksheets[0].delete_cols(workbook.worksheets[0].max_column)
    workbook.save("f.xlsx")
    with pytest.raises(acc.InputError, match=r"hidden column `acc-assets row` of this file .* is missing"):
        project.assets.create("f.xlsx", run="r")


def test_a_correction_to_the_import_key_of_another_row(sim: acc.testing.Simulator) -> None:
    project = sim.client().project(sim.project_id)
    rows = [{**row, "Barcode": f"B{place}"} for place, row in enumerate(units(4, (2,)))]
    options: Any = {"run": "r", "import_key": "Barcode"}
    assert project.assets.create(rows, **options).write_fixes("f.xlsx") == 1
    result = project.assets.create(corrected("f.xlsx", Status="Installed", Barcode="B1"), **options)
    assert result.counts == {"created": 3, "invalid": 1}
    error = result[2].error
    assert error is not None
    assert (error.code, error.column) == ("same_import_key", "Barcode")
    assert (
        error.fix == "make the rows equal if they are the same asset, else use a different key for each row"
    )
    assert error.message == "the import key `Barcode` B1 is that of row 1 of this run"
    # The first row has the key of the original row.
    assert project.assets.create(corrected("f.xlsx", Barcode="B2"), **options).counts == {"created": 4}
    with pytest.warns(acc.DataWarning, match=r"in 1 row \(row 2\)"):
        assert project.assets.create(rows, **options).counts == {"created": 4}


# ---- rows that nobody edited ----


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda rows: [{**row, "status": "created"} for row in rows],
            "row 0 .`A-0`. is created, but the earlier call did not have the column `status`: pass the same columns",
        ),
        (
            lambda rows: [{**row, "Barcode": "1"} for row in rows],
            "did not have the column `Barcode`",
        ),
        (
            lambda rows: [
                {name: value for name, value in row.items() if name != "Description"} for row in rows
            ],
            "the column `Description` of the earlier call cannot be found",
        ),
        (lambda rows: iter(()), "there are no rows: a generator can be read only once, so pass a new one"),
        (
            lambda rows: [{**rows[0], "Description": "y"}, *rows[1:]],
            r"but was edited, or is read in another way \(dec",
        ),
        (
            lambda rows: [{**row, "Barcode": ""} for row in rows[1:]],
            "row 0 .`A-0`. is created, but is missing: restore it",
        ),
        (
            lambda rows: [
                {"Name 2" if name == "Asset ID" else name: value for name, value in row.items()}
                for row in rows
            ],
            "the column `Asset ID` of the earlier call cannot be found",
        ),
        (lambda rows: rows[1:], "row 0 .`A-0`. is created, but is missing: restore it"),
    ],
)
def test_messages_say_what_differs(
    change: Callable[[Any], Any], says: str, sim: acc.testing.Simulator
) -> None:
    project = sim.client().project(sim.project_id)
    rows = units(4, (3,), Description="x")
    project.assets.create(rows, run="r")
    with pytest.raises(acc.InputError, match=says):
        project.assets.create(change(rows), run="r")
    assert len(named(sim)) == 3


def test_ids_beside_the_rows_do_not_change_them(sim: acc.testing.Simulator) -> None:
    project = sim.client().project(sim.project_id)
    rows = units(4, (3,))
    ids = project.assets.create(rows, run="r").ids
    beside = [{**row, "id": id, "version": None} for row, id in zip(rows, ids, strict=True)]
    beside[3]["Status"] = "Installed"
    result = project.assets.create(beside, run="r")
    assert result.counts == {"created": 4}
    assert project.assets.create(rows[:3] + units(4)[3:], run="r").counts == {"created": 4}
    # Cells that only the service sets are not sent.
    with_id = project.assets.create([{**units(5)[4], "id": ids[0]}])
    assert with_id.counts == {"invalid": 1}


@pytest.mark.parametrize("import_key", [None, "Barcode"])
def test_added_rows_say_what_works(import_key: str | None, sim: acc.testing.Simulator) -> None:
    project = sim.client().project(sim.project_id)
    rows = [{**row, "Barcode": f"B{place}"} for place, row in enumerate(units(4))]

    def saved(rows: list[dict[str, Any]]) -> str:
        lines = [";".join(rows[0]), *(";".join(row.values()) for row in rows)]
        pathlib.Path("ahu.csv").write_text("\n".join(lines))
        return "ahu.csv"

    project.assets.create(saved(rows[:3]), run="r", import_key=import_key)
    says = "pass all rows without this run=" if import_key else "pass only the new rows, without this run="
    with pytest.raises(acc.InputError, match=rf"line 5 \(`A-3`\) was not part of the earlier call: .*{says}"):
        project.assets.create(saved(rows), run="r", import_key=import_key)
    if import_key:
        result = project.assets.create("ahu.csv", import_key=import_key)
        assert result.counts == {"created": 1, "unchanged": 3}
    else:
        assert project.assets.create(saved(rows[3:])).counts == {"created": 1}
    assert len(named(sim)) == 4


# ---- what a run file says ----


def test_a_run_from_its_file_names_the_lines_of_the_sheet(sim: acc.testing.Simulator) -> None:
    project = sim.client().project(sim.project_id)
    lines = ["Asset ID;Category;Status", *(f"A-{place};{A['Category']};Instaled" for place in range(2))]
    pathlib.Path("ahu.csv").write_text("\n".join(lines))
    live = project.assets.create("ahu.csv", run="x")
    for result in (live, acc.runs()["x"]):
        assert "(lines 2, 3)" in repr(result)


@pytest.mark.parametrize("run", ["r", None])
def test_an_interrupted_generator_is_not_finished(run: str | None, sim: acc.testing.Simulator) -> None:
    project = sim.client(max_in_flight=1).project(sim.project_id)
    # The signal arrives while the second request is in flight and no row is being read.
    sim.add_fault("delay", on="assets:batch-create", nth=2, ms=1500)

    def rows() -> Iterator[dict[str, Any]]:
        yield from units(199)
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        yield from units(300)[199:]

    with pytest.raises(acc.BulkInterrupted) as caught:
        project.assets.create(rows(), run=run)
    result: Any = caught.value.result
    assert result.counts == {"created": 200}
    assert not result.ok
    assert result.where("created").ok
    assert "200 rows, 200 created; the rows after row 199 were not read" in str(caught.value)
    if run is None:
        assert "not read: call again with only the rows after row 199" in str(caught.value)
        return
    assert "run the same script again" in str(caught.value)
    assert "not read: call again with the same run= and all rows" in str(caught.value)
    assert "200 created, the rest not read" in repr(acc.runs())
    assert acc.runs().to_dicts()[0]["complete"] is False
    assert "the rows after row 199 were not read" in repr(acc.runs()["r"])
    assert project.assets.create(iter(units(300)), run=run).ok
    assert acc.runs().to_dicts()[0]["complete"] is True
    assert acc.runs()["r"].ok
