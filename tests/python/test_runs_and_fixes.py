"""Files of rows to fix that are written again, fit no run, or contradict rows of their run."""

from __future__ import annotations

import contextlib
import csv
import pathlib
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from rows_to_fix import corrected, named, units

import acc_assets as acc

openpyxl = pytest.importorskip("openpyxl")
pytestmark = pytest.mark.once

MAPPING = {"Luft": "Airflow", "Notiz": "Description"}


@pytest.fixture
def project(sim: acc.testing.Simulator) -> acc.Project:
    return sim.client(max_in_flight=1).project(sim.project_id)


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setenv("ACC_ASSETS_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def without_lines(path: str, *lines: int) -> None:
    workbook = openpyxl.load_workbook(path)
    for line in sorted(lines, reverse=True):
        workbook.worksheets[0].delete_rows(line)
    workbook.save(path)


def hidden(path: str) -> list[str]:
    """The cells of the hidden column."""
    sheet = openpyxl.load_workbook(path).worksheets[0]
    return [str(line[-1]) for line in sheet.iter_rows(min_row=2, values_only=True)]


# ---- a file that is checked again ----


@pytest.mark.parametrize("how", ["validate", "dry run"])
def test_a_file_that_is_checked_again_keeps_its_run(
    how: str, project: acc.Project, sim: acc.testing.Simulator
) -> None:
    assert project.assets.create(units(5, (1, 3, 4)), run="v").write_fixes("f.xlsx") == 3
    corrected("f.xlsx", (2,), Status="Installed")
    if how == "validate":
        assert project.assets.validate("f.xlsx").write_fixes("f2.xlsx") == 2
    else:
        assert project.assets.create("f.xlsx", dry_run=True).write_fixes("f2.xlsx") == 2
    assert hidden("f2.xlsx") == hidden("f.xlsx")[1:]
    corrected("f2.xlsx", Status="Installed")
    with pytest.raises(acc.InputError, match=r'of the run `v`, .*Pass run="v"'):
        project.assets.create("f2.xlsx")
    counts = {"created": 4, "invalid": 1}
    assert project.assets.create("f2.xlsx", run="v").counts == counts
    assert project.assets.create("f.xlsx", run="v").write_fixes("f3.xlsx") == 0
    assert named(sim) == [f"A-{place}" for place in range(5)]


def test_a_file_of_a_check_becomes_one_of_the_run(project: acc.Project, sim: acc.testing.Simulator) -> None:
    assert project.assets.validate(units(4, (1, 2))).write_fixes("f.xlsx") == 2
    project.assets.create(units(4, (1, 2)), run="x")
    corrected("f.xlsx", (2,), Status="Installed")
    assert project.assets.create("f.xlsx", run="x").write_fixes("f2.xlsx") == 1
    assert hidden("f2.xlsx")[0].endswith(":x")
    with pytest.raises(acc.InputError, match="of the run `x`"):
        project.assets.create(corrected("f2.xlsx", Status="Installed"))
    assert project.assets.create("f2.xlsx", run="x").counts == {"created": 4}
    assert len(named(sim)) == 4


def test_the_file_of_a_dry_run_fits_the_run(project: acc.Project, sim: acc.testing.Simulator) -> None:
    rows = units(3, (1,))
    assert project.assets.create(rows, run="d", dry_run=True).write_fixes("f.xlsx") == 1
    assert project.assets.create(rows, run="d").counts == {"created": 2, "invalid": 1}
    assert project.assets.create(rows, run="d", dry_run=True).write_fixes("f2.xlsx") == 1
    assert hidden("f2.xlsx")[0].endswith(":d")
    corrected("f.xlsx", Status="Installed")
    assert project.assets.create("f.xlsx", run="d").counts == {"created": 3}
    assert project.assets.create(corrected("f2.xlsx", Status="Installed"), run="d").counts == {"created": 3}
    assert len(named(sim)) == 3


# ---- a file for other rows ----


@pytest.mark.parametrize("rows", [4, 1])
def test_a_file_for_other_rows_edits_no_rows_of_a_run(
    rows: int, project: acc.Project, sim: acc.testing.Simulator
) -> None:
    others = [{**row, "Asset ID": f"A-other{place}"} for place, row in enumerate(units(rows, (0, 1, 2, 3)))]
    assert project.assets.validate(others).write_fixes("f.xlsx") == rows
    everything = units(4, (0, 1, 2, 3))
    assert project.assets.create(everything, run="t").counts == {"invalid": 4}
    with pytest.raises(acc.InputError, match=r"of another run, or for other rows: pass all rows of this run"):
        project.assets.create(corrected("f.xlsx", Status="Installed"), run="t")
    assert [outcome.status for outcome in acc.runs()["t"]] == ["invalid"] * 4
    assert project.assets.create(units(4), run="t").counts == {"created": 4}
    assert len(named(sim)) == 4


def test_a_file_of_the_same_rows_read_otherwise_removes_none(
    project: acc.Project, sim: acc.testing.Simulator
) -> None:
    rows = units(4, (1,), Luft="1,5")
    assert project.assets.validate(rows, mapping={"Luft": None}).write_fixes("f.xlsx") == 1
    options: Any = {"run": "t", "mapping": {"Luft": "Airflow"}, "decimal": ","}
    sim.add_fault("status", code=403, on="assets:batch-create")
    with pytest.raises(acc.ForbiddenError):
        project.assets.create(rows, **options)
    sim.clear_faults()
    with pytest.raises(acc.InputError, match="or for other rows: pass all rows of this run"):
        project.assets.create(corrected("f.xlsx", Status="Installed"), **options)
    assert project.assets.create(units(4, Luft="1,5"), **options).counts == {"created": 4}


def test_a_run_that_a_file_of_a_check_began_goes_on_with_it(
    project: acc.Project, sim: acc.testing.Simulator
) -> None:
    assert project.assets.validate(units(2, (0, 1))).write_fixes("f.xlsx") == 2
    assert project.assets.create("f.xlsx", run="t").counts == {"invalid": 2}
    corrected("f.xlsx", Status="Installed")
    assert project.assets.create(corrected("f.xlsx", (3,), **{"Asset ID": "A-b"}), run="t").ok
    assert named(sim) == ["A-0", "A-b"]


# ---- rows that contradict others ----


@pytest.mark.parametrize("all_rows", [False, True])
def test_an_id_of_a_row_that_is_done_is_refused(
    all_rows: bool, project: acc.Project, sim: acc.testing.Simulator
) -> None:
    ids = project.assets.create(units(3)).ids
    rows = [{"id": id, "Description": f"d{place}"} for place, id in enumerate(ids)]
    rows[1] = {**rows[1], "id": "typo"}
    assert project.assets.patch(rows, run="p").write_fixes("f.xlsx") == 1
    corrected("f.xlsx", id=ids[0])
    given: Any = [rows[0], {**rows[1], "id": ids[0]}, rows[2]] if all_rows else "f.xlsx"
    result = project.assets.patch(given, run="p")
    assert result.counts == {"updated": 2, "invalid": 1}
    error = result[1].error
    assert error is not None
    assert (error.code, error.column) == ("same_id", "id")
    if not all_rows:
        assert (error.message, error.fix) == (f"`id` {ids[0]} is that of row 0 of this run", "use another id")
    assert project.assets.patch(corrected("f.xlsx", id=ids[1]), run="p").counts == {"updated": 3}
    found = {asset["id"]: asset.get("description") for asset in sim.assets()}
    assert [found[str(id)] for id in ids] == ["d0", "d1", "d2"]


def test_an_id_of_a_corrected_row_is_refused_in_all_rows(
    project: acc.Project, sim: acc.testing.Simulator
) -> None:
    ids = project.assets.create(units(3)).ids
    rows = [{"id": id, "Description": f"d{place}"} for place, id in enumerate(ids)]
    rows[0] = {**rows[0], "id": "typo"}
    rows[2] = {**rows[2], "id": "typo 2"}
    result = project.assets.patch(rows, run="p")
    assert result.where("invalid")[:1].write_fixes("f.xlsx") == 1
    assert project.assets.patch(corrected("f.xlsx", id=ids[0]), run="p")[0].status == "updated"
    with pytest.warns(acc.DataWarning, match=r"in 1 row \(row 0\)"):
        result = project.assets.patch([*rows[:2], {**rows[2], "id": ids[0]}], run="p")
    assert [outcome.status for outcome in result] == ["updated", "updated", "invalid"]
    assert result[2].error is not None
    assert "is that of row 0 of this run" in result[2].error.message


def test_it_is_unclear_which_of_identical_rows_was_corrected(
    project: acc.Project, sim: acc.testing.Simulator
) -> None:
    rows = units(1, (0,)) * 3
    assert project.assets.create(rows, run="u").write_fixes("f.xlsx") == 3
    without_lines("f.xlsx", 2, 4)
    assert project.assets.create(corrected("f.xlsx", Status="Installed"), run="u")[1].status == "created"
    with pytest.raises(
        acc.InputError, match=r"row 1 .* is one of several identical rows, and some .* missing"
    ):
        project.assets.create([*units(1), rows[2]], run="u")
    assert named(sim) == ["A-0"]
    result = project.assets.create([rows[0], *units(1), rows[2]], run="u")
    assert [outcome.status for outcome in result] == ["invalid", "created", "invalid"]


def test_another_form_of_a_row_replaces_its_first_one(
    project: acc.Project, sim: acc.testing.Simulator
) -> None:
    rows = units(3, (1,))
    project.assets.create(rows, run="x").write_fixes("f.xlsx")
    assert project.assets.create(corrected("f.xlsx", Status="Instald"), run="x").counts["invalid"] == 1
    rows[1]["Description"] = "in the sheet"
    assert project.assets.create(rows, run="x").write_fixes("f2.xlsx") == 1
    assert project.assets.create(corrected("f2.xlsx", Status="Installed"), run="x").ok
    with pytest.warns(acc.DataWarning, match=r"the project has the corrections .* in 1 row \(row 1\)"):
        assert project.assets.create(rows, run="x").ok
    rows[1]["Description"] = "in another sheet"
    with pytest.raises(acc.InputError, match=r"row 1 .* is created, but was edited"):
        project.assets.create(rows, run="x")


# ---- another mapping ----


def sheet(wrong: tuple[int, ...] = (), notes: str = "x") -> list[dict[str, Any]]:
    return [{**row, "Luft": 1500, "Notiz": notes} for row in units(3, wrong)]


@pytest.mark.filterwarnings("ignore::acc_assets.errors.DataWarning")
@pytest.mark.parametrize("resumed", [False, True])
def test_columns_keep_their_fields_in_a_run_of_the_format_before(
    resumed: bool, project: acc.Project, folder: pathlib.Path
) -> None:
    mapping: Any = {"Luft": "Airflow", "Notiz": None}
    project.assets.create(sheet((2,)), run="o", mapping=mapping)
    with contextlib.closing(sqlite3.connect(folder / "runs" / "o.sqlite")) as connection:
        for table in ("fields", "row_title", "first_ids"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("PRAGMA user_version = 3")
        connection.commit()
    if resumed:
        assert project.assets.create(sheet((2,)), run="o", mapping=mapping).counts["created"] == 2
    with pytest.raises(acc.InputError, match=r"`Notiz` was ignored, and is now `Description`. Nothing was"):
        project.assets.create(sheet(), run="o", mapping=MAPPING)
    with pytest.raises(acc.InputError, match="`Status` was `Status`, and is now ignored"):
        project.assets.create(sheet(), run="o", mapping={**mapping, "Status": None})
    assert project.assets.create(sheet(), run="o", mapping=mapping).counts == {"created": 3}


@pytest.mark.filterwarnings("ignore::acc_assets.errors.DataWarning")
def test_columns_keep_their_fields_while_a_row_may_be_in_the_project(
    project: acc.Project, sim: acc.testing.Simulator
) -> None:
    sim.add_fault("reset_after_apply", on="assets:batch-create")
    result = project.assets.create(sheet()[:1], run="u", reconcile=False)
    assert result.counts == {"unknown": 1}
    sim.clear_faults()
    says = "1 row of this run may be in the project, but .* `Luft` was ignored, and is now `Airflow`"
    with pytest.raises(acc.InputError, match=says):
        project.assets.create(sheet()[:1], run="u", mapping=MAPPING)
    assert project.assets.create(sheet()[:1], run="u").counts == {"created": 1}
    assert len(named(sim)) == 1


# ---- what messages say ----


@pytest.mark.parametrize("text", ["sub/pumps.sqlite", "pumps.sqlite"])
def test_a_run_with_a_path_is_named_by_it(text: str, project: acc.Project) -> None:
    path = pathlib.Path(text)
    project.assets.create(units(3, (1,)), run=path).write_fixes("f.xlsx")
    corrected("f.xlsx", Status="Installed")
    for run in (None, "pumps"):
        with pytest.raises(acc.InputError) as caught:
            project.assets.create("f.xlsx", run=run)
        argument = f'run=pathlib.Path("{text if "/" in text else "./" + text}")'
        assert f"Pass {argument}" in str(caught.value)
    assert project.assets.create("f.xlsx", run=path).counts == {"created": 3}


def test_a_run_that_was_begun_again_says_so(project: acc.Project) -> None:
    project.assets.create(units(3, (1,)), run="q").write_fixes("f.xlsx")
    corrected("f.xlsx", Status="Installed")
    acc.runs().delete("q")
    with pytest.raises(
        acc.InputError, match=r"of the run `q`, which was deleted .*\. Nothing was sent\."
    ) as new:
        project.assets.create("f.xlsx", run="q")
    assert "Pass run=" not in str(new.value)
    project.assets.create(units(3, (0, 1, 2)), run="q")
    with pytest.raises(acc.InputError, match="of another run with the name `q`, which was deleted") as again:
        project.assets.create("f.xlsx", run="q")
    assert "pass run=" not in str(again.value)


def test_a_row_of_a_run_after_rows_that_were_sent(project: acc.Project, sim: acc.testing.Simulator) -> None:
    project.assets.create(units(3, (1,)), run="p").write_fixes("f.xlsx")
    number = hidden("f.xlsx")[0]

    def rows() -> Iterator[dict[str, Any]]:
        for row in units(250):
            yield {**row, "Asset ID": f"A-new {row['Asset ID']}", "acc-assets row": None}
        yield {**units(1)[0], "acc-assets row": number}

    with pytest.raises(
        acc.InputError, match=r"of the run `p`, .* Rows before them were sent: see `.result`\."
    ) as caught:
        project.assets.create(rows())
    result: Any = caught.value.result
    assert result.counts["created"] == len(named(sim)) - 2 > 0


# ---- a file that pandas reads ----


def test_pandas_reads_the_numbers_of_an_office(sim: acc.testing.Simulator, project: acc.Project) -> None:
    pandas = pytest.importorskip("pandas")
    flows = ["2.345", "1.500,5", "1.234"]
    rows = [{**row, "Airflow": flow} for row, flow in zip(units(3, (0, 1)), flows, strict=True)]
    options: Any = {"decimal": ",", "thousands": ".", "run": "r"}
    assert project.assets.create(rows, **options).write_fixes("f.xlsx") == 2
    frame = pandas.read_excel("f.xlsx")
    frame["Status"] = "Installed"
    assert project.assets.create(frame, **options).counts == {"created": 3}
    held = [float(str((asset.get("customAttributes") or {}).get("ca2"))) for asset in sim.assets()]
    assert sorted(held) == [1234, 1500.5, 2345]


def test_a_number_that_pandas_reads_as_text_is_not_corrected(
    sim: acc.testing.Simulator, project: acc.Project
) -> None:
    pandas = pytest.importorskip("pandas")
    workbook = openpyxl.Workbook()
    workbook.active.append(["Asset ID", "Category", "Status", "Barcode"])
    for place, row in enumerate(units(20)):
        cells = [row[name] for name in ("Asset ID", "Category", "Status")]
        workbook.active.append([*cells, 4007 if place == 7 else f"{4000 + place:07}"])
    workbook.save("units.xlsx")
    options: Any = {"import_key": "Barcode", "run": "r"}
    assert project.assets.create("units.xlsx", **options).write_fixes("f.xlsx") == 1
    frame = pandas.read_excel("f.xlsx", dtype={"Barcode": str})
    result = project.assets.create(frame, **options)
    assert result.counts == {"created": 19, "invalid": 1}
    assert [cause.code for cause in result.causes] == ["leading_zeros"]
    frame["Barcode"] = "0004007"
    assert project.assets.create(frame, **options).counts == {"created": 20}


def padded_units(count: int) -> list[dict[str, Any]]:
    return [{**row, "Barcode": f"{place:04}"} for place, row in enumerate(units(count, (1, 3)), 16)]


@pytest.mark.parametrize("run", ["r", None])
def test_zeros_that_pandas_drops_from_a_file_of_rows_to_fix(
    sim: acc.testing.Simulator, project: acc.Project, run: str | None
) -> None:
    pandas = pytest.importorskip("pandas")
    assert project.assets.create(padded_units(5), run=run).write_fixes("f.xlsx") == 2
    frame = pandas.read_excel("f.xlsx")
    assert list(frame["Barcode"]) == [17, 19]
    frame["Status"] = "Installed"
    result = project.assets.create(frame, run=run)
    [cause] = result.causes
    assert (cause.code, cause.column, cause.rows) == ("leading_zeros", "Barcode", 2)
    assert cause.message == "`Barcode` is 17, but was '0017' in the file of rows to fix"
    assert cause.fix == (
        "pass the path of the file, read it with dtype={'Barcode': str}, or write the value as text with all digits"
    )
    # The second file of the same rows still knows the zeros.
    result.write_fixes("g.xlsx")
    frame = pandas.read_excel("g.xlsx")
    assert [cause.code for cause in project.assets.create(frame, run=run).causes] == ["leading_zeros"]
    frame = pandas.read_excel("f.xlsx", dtype={"Barcode": str})
    frame["Status"] = "Installed"
    assert project.assets.create(frame, run=run).ok
    assert sorted(str(asset.get("barcode")) for asset in sim.assets()) == [f"{n:04}" for n in range(16, 21)]


@pytest.mark.parametrize("kind", ["csv", "dicts", "frame"])
def test_texts_that_programs_rewrite_as_numbers(
    sim: acc.testing.Simulator, project: acc.Project, folder: pathlib.Path, kind: str
) -> None:
    pandas = pytest.importorskip("pandas")
    rows = units(6, (0, 1, 2, 3))
    texts = {0: "0017", 1: "1.10", 2: "01.50", 4: "0018"}
    for place, text in texts.items():
        rows[place]["Barcode"] = text
    project.assets.create(rows, run="r").write_fixes("f.xlsx")
    frame = pandas.read_excel("f.xlsx")
    assert [str(cell) for cell in frame["Barcode"]] == ["17.0", "1.1", "1.5", "nan"]
    frame["Status"] = "Installed"
    frame.to_csv("f.csv", index=False)
    with (folder / "f.csv").open() as file:
        data: Any = {"csv": "f.csv", "dicts": list(csv.DictReader(file)), "frame": frame}[kind]
    result = project.assets.create(data, run="r")
    assert result.counts == {"created": 3, "invalid": 3}
    assert {(cause.code, cause.column) for cause in result.causes} == {("leading_zeros", "Barcode")}
    assert {asset.get("barcode") or None for asset in sim.assets()} == {"0018", None}


def test_texts_in_dicts_and_renamed_columns_keep_their_zeros(
    sim: acc.testing.Simulator, project: acc.Project
) -> None:
    pandas = pytest.importorskip("pandas")
    rows = [{**row, "customAttributes": {"ca1": f"000{place}"}} for place, row in enumerate(padded_units(5))]
    project.assets.create(rows, run="r").write_fixes("f.xlsx")
    frame = pandas.read_excel("f.xlsx").rename(columns={"Barcode": "Strichcode", "ca1": "Manufacturer"})
    frame["Status"] = "Installed"
    result = project.assets.create(frame, run="r", mapping={"Strichcode": "Barcode"})
    assert {cause.column for cause in result.causes} == {"Strichcode", "Manufacturer"}
    assert {cause.code for cause in result.causes} == {"leading_zeros"}


def test_a_text_without_zeros_that_is_meant(sim: acc.testing.Simulator, project: acc.Project) -> None:
    pandas = pytest.importorskip("pandas")
    rows = padded_units(5)
    project.assets.create(rows, run="r").write_fixes("f.xlsx")
    # A text in the workbook was typed there.
    fixed = corrected("f.xlsx", (2,), Status="Installed", Barcode="17")
    assert project.assets.create(fixed, run="r").counts == {"created": 4, "invalid": 1}
    rows[3] |= {"Status": "Installed", "Barcode": "19"}
    frame = pandas.read_excel("f.xlsx", dtype=str)
    frame.loc[1, ["Status", "Barcode"]] = ["Installed", "19"]
    assert [cause.code for cause in project.assets.create(frame, run="r").causes] == ["leading_zeros"]
    # As the fix says.
    rows[1] |= {"Status": "Installed", "Barcode": "17"}
    assert project.assets.create(rows, run="r").ok
    assert {str(asset.get("barcode")) for asset in sim.assets()} == {"0016", "17", "0018", "19", "0020"}


def test_long_texts_of_digits_fit_into_a_file_of_rows_to_fix(project: acc.Project) -> None:
    rows = units(2, (0,), Description="0" * 33_000)
    assert project.assets.create(rows).write_fixes("f.xlsx") == 2


def test_a_template_is_corrected_after_its_file_of_rows_to_fix(project: acc.Project) -> None:
    project.assets.template("HVAC > Air Handling", "t.xlsx")
    workbook = openpyxl.load_workbook("t.xlsx")
    sheet = workbook["Assets"]
    headings = [str(cell.value).rstrip(" *") for cell in sheet[1]]
    for place in range(2, 5):
        for name, value in {
            "Asset ID": f"T-{place}",
            "Status": "Instaled" if place == 3 else "Ordered",
        }.items():
            sheet.cell(place, headings.index(name) + 1).value = value
    workbook.save("t.xlsx")
    assert project.assets.create("t.xlsx", run="r").write_fixes("f.xlsx") == 1
    fixed = openpyxl.load_workbook("f.xlsx")
    fixed.worksheets[0].cell(2, headings.index("Status") + 1).value = "Installed"
    fixed.save("f.xlsx")
    assert project.assets.create("f.xlsx", run="r").counts == {"created": 3}
    sheet.cell(3, headings.index("Status") + 1).value = "Installed"
    workbook.save("t.xlsx")
    assert project.assets.create("t.xlsx", run="r").counts == {"created": 3}


def test_zeros_that_pandas_drops_from_a_fixes_file_of_a_template(project: acc.Project) -> None:
    pandas = pytest.importorskip("pandas")
    project.assets.template("HVAC > Air Handling", "t.xlsx")
    workbook = openpyxl.load_workbook("t.xlsx")
    sheet = workbook["Assets"]
    headings = [str(cell.value).rstrip(" *") for cell in sheet[1]]
    for place in range(2, 5):
        for name, value in {"Asset ID": f"000{place}", "Status": "Bought"}.items():
            sheet.cell(place, headings.index(name) + 1).value = value
    workbook.save("t.xlsx")
    assert project.assets.create("t.xlsx", run="r").write_fixes("f.xlsx") == 3
    frame = pandas.read_excel("f.xlsx")
    frame[next(name for name in frame.columns if name.startswith("Status"))] = "Installed"
    assert list(frame["Category"]) == ["HVAC > Air Handling"] * 3
    result = project.assets.create(frame, run="r")
    assert [(cause.code, cause.rows) for cause in result.causes] == [("leading_zeros", 3)]
    frame["Asset ID *"] = [f"000{place}" for place in range(2, 5)]
    assert project.assets.create(frame, run="r").counts == {"created": 3}


def test_zeros_that_excel_drops_from_a_csv_copy_of_a_file_of_rows_to_fix(
    sim: acc.testing.Simulator, project: acc.Project
) -> None:
    pandas = pytest.importorskip("pandas")
    rows = [{**row, "Manufacturer": "0099"} for row in padded_units(5)]
    project.assets.create(rows, run="r").write_fixes("f.xlsx")
    frame = pandas.read_excel("f.xlsx")
    frame["Status"] = "Installed"
    frame.to_csv("f.csv", index=False)
    result = project.assets.create("f.csv", run="r")
    assert {(cause.code, cause.column) for cause in result.causes} == {
        ("leading_zeros", "Barcode"),
        ("leading_zeros", "Manufacturer"),
    }
    # Other digits are what the user has typed.
    frame["Barcode"], frame["Manufacturer"] = ["170", "180"], ["Acme", "Acme"]
    frame.to_csv("g.csv", index=False)
    assert project.assets.create("g.csv", run="r").ok
    assert {str(asset.get("barcode")) for asset in sim.assets()} == {"0016", "0018", "0020", "170", "180"}


def test_a_copy_of_a_template_says_what_it_has_lost(project: acc.Project) -> None:
    pandas = pytest.importorskip("pandas")
    project.assets.template("HVAC > Air Handling", "t.xlsx")
    workbook = openpyxl.load_workbook("t.xlsx")
    workbook["Assets"]["A2"], workbook["Assets"]["C2"] = "A-1", "Installed"
    workbook["Assets"]["A3"], workbook["Assets"]["B3"], workbook["Assets"]["C3"] = (
        "A-2",
        "HVAC > Fans",
        "Ordered",
    )
    workbook.save("t.xlsx")
    table = pandas.read_excel("t.xlsx")
    table[::-1].to_excel("copy.xlsx", index=False)
    table.to_csv("copy.csv", index=False)
    lost = "but not a copy that another program"
    for data, says in ((table, "pass the file itself"), ("copy.xlsx", lost), ("copy.csv", lost)):
        [cause] = project.assets.validate(data).causes
        assert says in str(cause.fix)
        assert "fill_down" not in str(cause.fix)


def test_a_file_without_any_of_the_added_columns_is_not_the_whole_sheet(project: acc.Project) -> None:
    project.assets.create(units(5, (3, 4)), run="r").write_fixes("f.xlsx")
    workbook = openpyxl.load_workbook(corrected("f.xlsx", Status="Installed"))
    sheet = workbook.worksheets[0]
    first = [cell.value for cell in sheet[1]].index("Problem") + 1
    sheet.delete_cols(first, 3)
    workbook.save("f.xlsx")
    with pytest.raises(
        acc.InputError, match="its hidden column `acc-assets row` is missing: write the file again"
    ):
        project.assets.create("f.xlsx", run="r")


def test_a_date_cell_as_pandas_writes_it_into_a_csv_file(project: acc.Project) -> None:
    rows = [{**row, "Installation Date": "2026-08-24"} for row in units(2)]
    rows[1]["Installation Date"] = "31.02.2026"
    assert project.assets.create(rows, run="r").counts == {"created": 1, "invalid": 1}
    for time in (" 00:00:00", "T00:00:00", ""):
        rows[0]["Installation Date"] = f"2026-08-24{time}"
        rows[1]["Installation Date"] = "2026-02-28"
        assert project.assets.create(rows, run="r").counts == {"created": 2}
    rows[0]["Installation Date"] = "2026-08-25 00:00:00"
    with pytest.raises(acc.InputError, match="was edited"):
        project.assets.create(rows, run="r")


@pytest.mark.parametrize("typed", ["0004007", "4007"])
def test_zeros_are_looked_for_in_their_column(project: acc.Project, typed: str) -> None:
    pandas = pytest.importorskip("pandas")
    rows = [{**row, "Asset ID": f"{4000 + at:07}", "Barcode": f"B{at}"} for at, row in enumerate(units(20))]
    rows[7] |= {"Asset ID": 4007, "Barcode": "4007"}
    assert project.assets.create(rows, run="r").counts == {"created": 19, "invalid": 1}
    project.assets.create(rows, run="r").write_fixes("f.xlsx")
    corrected("f.xlsx", (), **{"Asset ID": typed})
    if typed == "0004007":
        # The barcode has the same digits.
        frame = pandas.read_excel("f.xlsx", dtype=str)
        assert project.assets.create(frame, run="r").counts == {"created": 20}
    else:
        # A text that was typed into the file is meant.
        assert project.assets.create("f.xlsx", run="r").counts == {"created": 20}


def test_columns_that_an_office_marks_are_no_template(project: acc.Project) -> None:
    row = units(1)[0]
    rows = [{"Asset ID *": f"A-{at}", "Category *": row["Category"] if at == 0 else None} for at in range(3)]
    pathlib.Path("u.csv").write_text(
        "Asset ID *;Category *;Status *\n"
        + "".join(f"A-{at};{'' if at else row['Category']};Installed\n" for at in range(3))
    )
    for data in ([{**one, "Status *": "Installed"} for one in rows], "u.csv"):
        [cause] = project.assets.validate(data).causes
        assert 'or set fill_down=["Category' in str(cause.fix)
        assert "template" not in str(cause.fix)
