"""Runs that are begun with the rows of another run, and inputs that are not those of their run."""

from __future__ import annotations

import pathlib
import shutil
import time
from typing import Any

import pytest
from rows_to_fix import corrected, named, units

import acc_assets as acc

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setenv("ACC_ASSETS_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---- a mistyped name ----


@pytest.mark.parametrize("kind", [list, iter])
def test_a_mistyped_run_creates_nothing(kind: Any, sim: acc.testing.Simulator, project: acc.Project) -> None:
    rows = units(150, (3,))
    project.assets.create(rows, run="tower-a")
    for _ in range(2):
        with pytest.raises(acc.InputError) as caught:
            project.assets.create(kind(rows), run="towr-a")
        assert str(caught.value) == (
            'the run `tower-a` has the same rows (149 created). Nothing was sent. To resume that run, pass run="tower-a". If '
            "that run is complete and this is a new version of its sheet, pass import_key=: rows that the project has are not "
            'created again. To create all rows again, delete that run: acc_assets.runs().delete("tower-a")'
        )
        assert caught.value.result is not None
        assert "created" not in caught.value.result.counts
    assert sim.audit()["assets_created"] == 149
    assert acc.runs()["tower-a"].counts == {"created": 149, "invalid": 1}
    # A check predicts, but does not refuse.
    assert project.assets.create(rows, run="towr-a", dry_run=True).counts == {"not_sent": 149, "invalid": 1}
    acc.runs().delete("tower-a")
    assert project.assets.create(rows, run="towr-a").counts == {"created": 149, "invalid": 1}


def test_a_sheet_that_grew_is_recognized(sim: acc.testing.Simulator, project: acc.Project) -> None:
    project.assets.create(units(20), run="a")
    with pytest.raises(acc.InputError, match=r"the run `a` has 20 of these rows \(20 created\)"):
        project.assets.create([{**units(1)[0], "Asset ID": "A-new"}, *units(30)], run="b")
    with pytest.raises(acc.InputError, match=r"the run `a` has 20 of these rows \(20 created\)") as caught:
        project.assets.create([*units(50)[25:], *units(50)], run="b")
    assert "import only the rows that the project does not have" in str(caught.value)
    # Most of the rows are others.
    rows = [*units(5), *({**row, "Asset ID": f"A-b{place}"} for place, row in enumerate(units(6)))]
    assert project.assets.create(rows, run="c").counts == {"created": 11}


@pytest.mark.parametrize("batch_size", [1, 20, 100])
def test_a_stream_in_small_batches_is_recognized(
    sim: acc.testing.Simulator, project: acc.Project, batch_size: int
) -> None:
    rows = units(150, (0, 1, 2))
    project.assets.create(rows, run="tower-a")
    with pytest.raises(acc.InputError, match="the run `tower-a` has the same rows"):
        project.assets.create(iter(rows), run="towr-a", batch_size=batch_size)
    assert sim.audit()["assets_created"] == 147


def test_an_edited_row_is_named_if_rows_were_added(project: acc.Project) -> None:
    project.assets.create(units(40, Description="old"), run="r")
    rows = units(42, Description="old")
    rows[5]["Description"] = "new"
    with pytest.raises(acc.InputError, match=r"row 5 \(`A-5`\) is created, but was edited.*restore it"):
        project.assets.create(rows, run="r")


@pytest.mark.parametrize("count", [1, 3, 12])
def test_a_run_of_some_rows_is_recognized_in_the_sheet(
    sim: acc.testing.Simulator, project: acc.Project, count: int
) -> None:
    rows = units(150)
    project.assets.create(rows[100 : 100 + count], run="some")
    with pytest.raises(acc.InputError, match=rf"the run `some` has {count} of these rows"):
        project.assets.create(rows, run="all")
    assert sim.audit()["assets_created"] == count


@pytest.mark.parametrize("bad", [(5, 20), tuple(range(10, 20)), tuple(range(40))])
@pytest.mark.parametrize("is_corrected", [False, True])
def test_the_file_of_rows_to_fix_is_imported_before_its_sheet(
    sim: acc.testing.Simulator, project: acc.Project, bad: tuple[int, ...], is_corrected: bool
) -> None:
    rows = units(40, bad)
    project.assets.validate(rows).write_fixes("f.xlsx")
    fixed = corrected("f.xlsx", Status="Installed")
    assert project.assets.create(fixed, run="r").counts == {"created": len(bad)}
    if len(bad) == 40:
        # All rows are in the file, so the run is that of the sheet.
        assert project.assets.create(units(40), run="r").counts == {"created": 40}
        return
    sheet = [{**row, "Status": "Installed"} for row in rows] if is_corrected else rows
    says = r"it has only these rows: import only|was not part of the earlier call: to add rows, pass only the new rows"
    with pytest.raises(acc.InputError, match=says):
        project.assets.create(sheet, run="r")
    assert sim.audit()["assets_created"] == len(bad)


def test_a_sheet_that_excel_has_saved_is_recognized(
    sim: acc.testing.Simulator, project: acc.Project, folder: pathlib.Path
) -> None:
    rows = units(50, (3,))
    texts = {name: ["Asset ID;Category;Status;Barcode"] for name in ("units.csv", "saved.csv")}
    for place, row in enumerate(rows):
        cells = ";".join(str(row[name]) for name in ("Asset ID", "Category", "Status"))
        texts["units.csv"].append(f"{cells};{place:04}")
        texts["saved.csv"].append(f"{cells};{place}")
    for name, lines in texts.items():
        (folder / name).write_text("\n".join(lines))
    project.assets.create("units.csv", run="level-3")
    with pytest.raises(acc.InputError, match="If Excel saved this file, it may have removed leading zeros"):
        project.assets.create("saved.csv", run="level-3")
    with pytest.raises(acc.InputError) as caught:
        project.assets.create("saved.csv", run="level-3b")
    assert str(caught.value).startswith(
        "the run `level-3` has rows with the same Asset IDs (49 created). Nothing was sent. To resume that run, pass "
        'run="level-3", with its original rows. If'
    )
    assert sim.audit()["assets_created"] == 49


def test_other_assets_with_the_same_names_are_kept_in_another_folder(project: acc.Project) -> None:
    rows = [{**row, "Asset ID": f"Lüf-{at}"} for at, row in enumerate(units(12))]
    project.assets.create(rows, run="a")
    # The same names in another encoding and case.
    others = [{**row, "Asset ID": f"LU\u0308F-{at}", "Description": "b"} for at, row in enumerate(rows)]
    with pytest.raises(
        acc.InputError, match=r"in another folder, such as run=pathlib.Path..other/units.."
    ) as caught:
        project.assets.create(others, run="b")
    assert 'run=pathlib.Path("other/units")' in str(caught.value)
    # As the message says.
    assert project.assets.create(others, run=pathlib.Path("other/units")).counts == {"created": 12}


def test_rows_of_other_runs_that_may_be_created(sim: acc.testing.Simulator, project: acc.Project) -> None:
    rows = [{**row, "Barcode": f"B{place}"} for place, row in enumerate(units(3))]
    project.assets.create(rows, run="a")
    # The project's assets are found by their keys.
    assert project.assets.create(rows, run="b", import_key="barcode").counts == {"unchanged": 3}
    assert project.assets.patch([{"id": id, "Description": "x"} for id in acc.runs()["a"].ids], run="p").ok
    assert project.assets.delete(acc.runs()["a"].ids, run="d").ok
    # Nothing of them was created by this run.
    assert project.assets.create(units(3, (0, 1, 2)), run="e").counts == {"invalid": 3}
    assert project.assets.create(units(3, (0, 1, 2)), run="f").counts == {"invalid": 3}
    # Another project.
    with acc.testing.Simulator(seed=2, window=0.5) as other:
        rows = units(3)
        assert other.client().project(other.project_id).assets.create(rows, run="g").ok
    assert project.assets.create(rows, run="h").ok
    # Neither a damaged file nor a foreign one matters.
    (pathlib.Path("runs") / "bad.sqlite").write_bytes(b"SQLite format 3\0 damaged")
    (pathlib.Path("runs") / "text.sqlite").write_text("text")
    assert project.assets.create([{**row, "Asset ID": "A-i"} for row in units(1)], run="i").ok


def test_runs_with_paths(sim: acc.testing.Simulator, project: acc.Project, folder: pathlib.Path) -> None:
    project.assets.create(units(3), run=folder / "one.sqlite")
    with pytest.raises(
        acc.InputError, match=r"To resume that run, pass run=pathlib.Path\(.*one.sqlite.*: remove the file"
    ):
        project.assets.create(units(3), run=folder / "two.sqlite")


def test_a_folder_with_many_runs_is_looked_through_quickly(
    sim: acc.testing.Simulator, project: acc.Project, folder: pathlib.Path
) -> None:
    project.assets.create(units(3), run="a")
    runs = folder / "runs"
    for number in range(300):
        shutil.copy(runs / "a.sqlite", runs / f"copy-{number}.sqlite")
    other = [{**row, "Asset ID": f"A-x{place}"} for place, row in enumerate(units(3))]
    start = time.perf_counter()
    assert project.assets.create(other, run="b").ok
    assert time.perf_counter() - start < 2


# ---- other rows, edited rows, and rows that were added ----


def test_other_rows_under_the_name_of_a_run(sim: acc.testing.Simulator, project: acc.Project) -> None:
    project.assets.create(units(30), run="units")
    others = [{**row, "Asset ID": f"A-other{place}"} for place, row in enumerate(units(40))]
    says = (
        r"these are other rows than those of the run `units` \(0 of 30 rows are the same\)\. Nothing was sent\. A file "
        r"of rows to fix must keep its hidden column `acc-assets row`\. Use another "
        r'run name for other rows, or delete .*acc_assets\.runs\(\)\.delete\("units"\)'
    )
    for rows in (others[:30], others[:1]):
        with pytest.raises(acc.InputError, match=says + "$"):
            project.assets.create(rows, run="units")
    longer = (
        says
        + r"\. If the run began with a file of rows to fix of this sheet, it has only these rows: import only"
    )
    with pytest.raises(acc.InputError, match=longer):
        project.assets.create(others, run="units")
    with pytest.raises(acc.InputError, match=r"\(1 of 30 rows are the same\)"):
        project.assets.create([*units(1), *others], run="units")
    # Some of the rows are those of the run.
    with pytest.raises(acc.InputError, match=r"28 rows are created, but are missing .*: restore them"):
        project.assets.create(units(2), run="units")
    assert len(named(sim)) == 30


def test_edited_rows_are_named_and_counted(sim: acc.testing.Simulator, project: acc.Project) -> None:
    project.assets.create(units(12, (11,), Description="old"), run="r")
    rows = units(12, (11,), Description="old")
    for row in rows[2:9]:
        row["Description"] = "new"
    with pytest.raises(acc.InputError) as caught:
        project.assets.create(rows, run="r")
    assert (
        "7 rows are created, but were edited, or are read in another way (decimal=, values=, ...) (row 2 (`A-2`), row 3 "
        "(`A-3`), row 4 (`A-4`), row 5 (`A-5`), row 6 (`A-6`), and 2 more): restore them, and use patch to change the assets"
    ) in str(caught.value)


def test_the_row_that_was_added_is_named_beside_a_corrected_one(
    sim: acc.testing.Simulator, project: acc.Project
) -> None:
    rows = units(6, (2,))
    project.assets.create(rows, run="r")
    rows = units(6)
    rows.insert(3, {**rows[0], "Asset ID": "A-99"})
    with pytest.raises(
        acc.InputError, match=r"row 3 of the input \(`A-99`\) was not part of the earlier call"
    ):
        project.assets.create(rows, run="r")


def test_a_row_copied_in_a_file_of_rows_to_fix(sim: acc.testing.Simulator, project: acc.Project) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    assert project.assets.create(units(5, (1, 3)), run="r").write_fixes("f.xlsx") == 2
    corrected("f.xlsx", Status="Installed")
    workbook = openpyxl.load_workbook("f.xlsx")
    sheet = workbook.worksheets[0]
    sheet.append([cell.value for cell in sheet[3]])
    sheet.cell(4, 1, "A-new")
    workbook.save("f.xlsx")
    with pytest.raises(
        acc.InputError,
        match=r"sheet row 4 \(`A-new`\) was copied from sheet row 3 \(`A-3`\), together with its hidden column `acc-assets row`",
    ):
        project.assets.create("f.xlsx", run="r")
    assert len(named(sim)) == 3


# ---- rows to fix that the last call did not pass ----


def test_a_row_deleted_from_the_fixes_file_keeps_its_sheet_row(
    sim: acc.testing.Simulator, project: acc.Project, caplog: pytest.LogCaptureFixture
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    workbook = openpyxl.Workbook()
    rows = units(8, (3, 5))
    workbook.active.append(list(rows[0]))
    for row in rows:
        workbook.active.append(list(row.values()))
    workbook.save("units.xlsx")
    result = project.assets.create("units.xlsx", run="r")
    assert "sheet rows 5, 7" in repr(result)
    assert result.write_fixes("f.xlsx") == 2
    workbook = openpyxl.load_workbook("f.xlsx")
    workbook.worksheets[0].delete_rows(3)
    workbook.save("f.xlsx")
    for file in ("f.xlsx", corrected("f.xlsx", Status="Installed")):
        result = project.assets.create(file, run="r")
    assert result.counts == {"created": 7, "invalid": 1}
    assert "(sheet row 7)" in repr(result)
    assert "(row 5)" not in repr(result)
    assert "call again with the same run= and all rows\n" in repr(result) + "\n"
    assert ".write_fixes" not in repr(result)
    assert ".write_fixes" not in repr(result.report)
    caplog.clear()
    assert result.write_fixes("g.xlsx") == 0
    assert caplog.messages == [
        "write_fixes: 1 row to fix is not in the last call, so it was not written: pass all rows, or the file that was "
        "written with it"
    ]
    assert not pathlib.Path("g.xlsx").exists()
    assert "sheet row 7" in repr(acc.runs()["r"])
    # A DataFrame of the file has an index of its own.
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_excel("f.xlsx", dtype=str)
    assert "(sheet row 7)" in repr(project.assets.create(frame, run="r"))


def test_a_file_of_rows_without_labels_names_rows_of_the_run(
    sim: acc.testing.Simulator, project: acc.Project
) -> None:
    assert project.assets.create(units(8, (3, 5)), run="r").write_fixes("f.xlsx") == 2
    result = project.assets.create(corrected("f.xlsx", (2,), Status="Installed"), run="r")
    assert result.counts == {"created": 7, "invalid": 1}
    assert "(row 5)" in repr(result)
    assert "sheet row 5" not in repr(result)
