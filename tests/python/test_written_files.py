"""Files that are written for the user: nothing is lost, and rows to fix look like the input."""

from __future__ import annotations

import errno
import io
import os
import pathlib
import shutil
import stat
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Kit

import acc_assets as acc

pytestmark = pytest.mark.once

openpyxl = pytest.importorskip("openpyxl")

BAD = {"Asset ID": "A-1", "Category": "HVAC > Fans", "Status": "Instaled"}
WRITERS: dict[str, Callable[..., object]] = {
    "template.xlsx": lambda project, path, **how: project.assets.template("HVAC", path, **how),
    "result.xlsx": lambda project, path, **how: project.assets.create([BAD]).write_fixes(path, **how),
    "report.xlsx": lambda project, path, **how: project.assets.validate([BAD]).write_fixes(path, **how),
    "settings.json": lambda project, path, **how: project.settings().save(path, **how),
    "setup.toml": lambda project, path, **how: project.setup().save(path, **how),
}


@pytest.fixture(params=WRITERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def rejected(caught: pytest.ExceptionInfo[acc.FileError], path: pathlib.Path) -> None:
    assert caught.value.errno == errno.EEXIST
    assert caught.value.filename == str(path)
    assert str(path) in str(caught.value)


def test_a_file_that_exists_is_not_overwritten(
    name: str, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / name
    path.write_text("mine")
    path.chmod(0o640)
    with pytest.raises(acc.FileError, match="overwrite=True") as caught:
        WRITERS[name](project, path)
    rejected(caught, path)
    assert path.read_text() == "mine"
    WRITERS[name](project, path, overwrite=True)
    assert path.read_bytes() != b"mine"
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == [name]
    with pytest.raises(acc.OptionError, match="overwrite must be True or False"):
        WRITERS[name](project, tmp_path / f"other-{name}", overwrite="yes")


@pytest.mark.parametrize("failing", ["replace", "fsync"])
def test_a_failed_write_leaves_the_old_file(
    name: str, failing: str, project: acc.Project, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    project.settings()
    path = tmp_path / name
    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(acc.FileError, match="No space left") as caught:
        WRITERS[name](project, path)
    assert caught.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path) == []
    path.write_text("mine")
    with pytest.raises(acc.FileError, match="No space left"):
        WRITERS[name](project, path, overwrite=True)
    assert os.listdir(tmp_path) == [name]
    assert path.read_text() == "mine"


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege on Windows")
def test_links_and_folders(name: str, project: acc.Project, tmp_path: pathlib.Path) -> None:
    target, link = tmp_path / f"target-{name}", tmp_path / name
    target.write_text("mine")
    link.symlink_to(target)
    with pytest.raises(acc.FileError, match="already exists"):
        WRITERS[name](project, link)
    WRITERS[name](project, link, overwrite=True)
    assert link.is_symlink()
    assert target.read_bytes() != b"mine"
    target.unlink()
    with pytest.raises(acc.FileError, match="already exists"):
        WRITERS[name](project, link)
    folder = tmp_path / f"folder-{name}"
    folder.mkdir()
    with pytest.raises(acc.FileError, match="is a folder") as caught:
        WRITERS[name](project, folder, overwrite=True)
    assert caught.value.errno == errno.EISDIR
    pipe = tmp_path / f"pipe-{name}"
    os.mkfifo(pipe)
    with pytest.raises(acc.FileError, match="not a regular file"):
        WRITERS[name](project, pipe, overwrite=True)


def filled_in(project: acc.Project, path: pathlib.Path, rows: list[dict[str, Any]]) -> pathlib.Path:
    """Write a template and fill in rows."""
    project.assets.template("HVAC > Air Handling", path, rows=50)
    book = openpyxl.load_workbook(path)
    fill(book.worksheets[0], rows)
    book.save(path)
    return path


def fill(page: Any, rows: list[dict[str, Any]]) -> None:
    head = {cell.value.removesuffix(" *"): cell.column for cell in page[1]}
    for line, row in enumerate(rows, 2):
        for column, value in row.items():
            page.cell(line, head[column]).value = value


def unit(number: int, **more: Any) -> dict[str, Any]:
    return {"Asset ID": f"A-{number}", "Status": "Installed", "Barcode": f"{number:06}", **more}


@pytest.mark.parametrize("which", ["create", "validate"])
@pytest.mark.parametrize("given", ["path", "text", "relative", "open", "link", "hard link", "read"])
def test_the_sheet_that_is_reported_on_is_never_overwritten(
    which: str, given: str, project: acc.Project, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = filled_in(project, tmp_path / "ahu.xlsx", [unit(1), unit(2, Status="Instaled")])
    before = path.read_bytes()
    data: Any = path
    target = path
    if given == "text":
        data = str(path)
    elif given == "relative":
        monkeypatch.chdir(tmp_path)
        data = "ahu.xlsx"
        target = tmp_path / "." / "ahu.xlsx"
    elif given == "link":
        target = tmp_path / "link.xlsx"
        target.symlink_to(path)
    elif given == "hard link":
        target = tmp_path / "link.xlsx"
        os.link(path, target)
    elif given == "read":
        data = acc.read(path)
    if given == "open":
        with path.open("rb") as file:
            result: Any = getattr(project.assets, which)(file)
    else:
        result = getattr(project.assets, which)(data)
    monkeypatch.chdir("/")
    for how in ({}, {"overwrite": True}):
        with pytest.raises(acc.FileError, match="is the file that the rows came from") as caught:
            result.write_fixes(target, **how)
        rejected(caught, target)
    assert path.read_bytes() == before
    # Another file, even with the same content, may be replaced.
    other = tmp_path / "other.xlsx"
    shutil.copy(path, other)
    assert result.write_fixes(other, overwrite=True) == 1


def test_nothing_is_written_if_there_is_nothing_to_fix(
    project: acc.Project, kit: Kit, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "to_fix.xlsx"
    assert project.assets.create(kit.rows(2)).write_fixes(path) == 0
    assert project.assets.validate(kit.rows(2)).write_fixes(path) == 0
    assert project.assets.create(iter(kit.rows(1))).write_fixes(path) == 0
    assert not path.exists()
    path.write_text("mine")
    for how in ({}, {"overwrite": True}):
        assert project.assets.validate(kit.rows(2)).write_fixes(path, **how) == 0
        assert path.read_text() == "mine"
    with pytest.raises(acc.FileError, match=r"ends with \.xlsx"):
        project.assets.validate(kit.rows(2)).write_fixes(tmp_path / "to_fix.csv")


def rules(page: Any) -> dict[str, tuple[str, str]]:
    """Return the drop-down list and its strictness for each column."""
    return {
        str(rule.sqref).rstrip("0123456789").partition(":")[0].rstrip("0123456789"): (
            rule.formula1,
            rule.errorStyle,
        )
        for rule in page.data_validations.dataValidation
        if rule.type == "list"
    }


def test_rows_to_fix_of_a_template_look_like_the_template(
    project: acc.Project, tmp_path: pathlib.Path
) -> None:
    path = filled_in(project, tmp_path / "ahu.xlsx", [unit(1), unit(2, Status="Instaled"), unit(3)])
    out = tmp_path / "to_fix.xlsx"
    assert project.assets.validate(path).write_fixes(out) == 1
    before, after = openpyxl.load_workbook(path), openpyxl.load_workbook(out)
    assert after.sheetnames == before.sheetnames == ["Assets", "Locations"]
    old, new = before["Assets"], after["Assets"]
    head = [cell.value for cell in old[1]]
    assert [cell.value for cell in new[1]][: len(head)] == head
    assert head[0] == "Asset ID *"
    assert rules(new) == rules(old)
    assert "Installed" in rules(new)["C"][0]
    assert [str(rule.sqref)[-1] for rule in new.data_validations.dataValidation] == ["2"] * len(
        new.data_validations.dataValidation
    )
    for one, other in zip(old[1], new[1], strict=False):
        assert one.comment.text == other.comment.text
        assert one.fill.fgColor.rgb == other.fill.fgColor.rgb
    assert list(after["Locations"].values) == list(before["Locations"].values)
    # A number that is filled in keeps its leading zeros.
    assert new.column_dimensions["F"].number_format == "@" or new["F2"].number_format == "@"
    # The marks and lists do not change what is read.
    new["C2"] = "Installed"
    after.save(out)
    assert project.assets.create(out).ok
    new["C2"] = "Gone"
    after.save(out)
    again = tmp_path / "again.xlsx"
    assert project.assets.validate(out).write_fixes(again) == 1
    assert [cell.value for cell in openpyxl.load_workbook(again)["Assets"][1]] == [
        cell.value for cell in new[1]
    ]


def test_rows_to_fix_keep_the_marks_without_settings(project: acc.Project, tmp_path: pathlib.Path) -> None:
    path = filled_in(project, tmp_path / "ahu.xlsx", [unit(1)])
    out = tmp_path / "to_fix.xlsx"
    assert project.assets.validate(path, settings=None).write_fixes(out) == 1
    page = openpyxl.load_workbook(out)["Assets"]
    assert [cell.value for cell in page[1]][:3] == ["Asset ID *", "Category", "Status *"]


@pytest.mark.parametrize("title", ["Anlagen", "locations", "O'Brien & Söhne"])
def test_rows_to_fix_of_a_sheet_keep_its_name_and_get_lists(
    title: str, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.title = title
    head = ["Kennzeichen", "Kategorie", "Status", "Ort", "Filter Class", "Commissioned", "Notes"]
    page.append(head)
    page.append(["A-1", "HVAC/Fans", "instaled", None, "F7", None, "mine"])
    path, out = tmp_path / "plant.xlsx", tmp_path / "to_fix.xlsx"
    book.save(path)
    mapping = {"Kennzeichen": "Asset ID", "Kategorie": "Category", "Ort": "Location", "Notes": None}
    how: dict[str, Any] = {"mapping": mapping, "separator": "/"}
    report = project.assets.validate(path, sheet=title, **how)
    assert report.write_fixes(out) == 1
    book = openpyxl.load_workbook(out)
    page = book.worksheets[0]
    assert page.title == ("Sheet1" if title == "locations" else title)
    assert [cell.value for cell in page[1]][:7] == head
    lists = rules(page)
    assert lists.keys() == {"B", "C", "D", "E", "F"}
    # Ids and other spellings are valid too, so Excel only warns.
    assert {style for _, style in lists.values()} == {"warning"}
    assert "Locations" in book.sheetnames
    assert "Yes" in lists["F"][0]
    settings = project.settings()
    offered = lists["B"][0]
    if "Choices" in offered:
        column = offered.partition("$")[2][0]
        values = [cell.value for cell in book["Choices"][column]]
    else:
        values = offered.strip('"').split(",")
    expected = [one.path.replace(" > ", " / ") for one in settings.categories if one.is_active and one.path]
    assert [value for value in values if value] == [path for path in expected if path != "ROOT"]
    page["C2"] = "Installed"
    page["D2"] = book["Locations"]["A2"].value
    page["B2"] = "HVAC / Fans"
    page["E2"] = None
    book.save(out)
    assert project.assets.create(out, **how).ok


def test_duplicates_are_marked(project: acc.Project, tmp_path: pathlib.Path) -> None:
    rows = [unit(1), unit(2, Barcode="000001"), unit(3)]
    path = filled_in(project, tmp_path / "ahu.xlsx", rows)
    result = project.assets.create(path, import_key="barcode")
    assert result.counts == {"created": 1, "invalid": 2}
    out = tmp_path / "to_fix.xlsx"
    assert result.write_fixes(out) == 2
    page = openpyxl.load_workbook(out)["Assets"]
    for cell in ("F2", "F3"):
        assert page[cell].value == "000001"
        assert page[cell].fill.fgColor.rgb == "FFFFC7CE"
        assert "000001" in page[cell].comment.text


def test_duplicate_ids_of_a_patch_are_marked(project: acc.Project, kit: Kit, tmp_path: pathlib.Path) -> None:
    [id] = project.assets.create(kit.rows(1)).ids
    rows = [{"Asset": id, "description": "one"}, {"Asset": id, "description": "two"}]
    out = tmp_path / "to_fix.xlsx"
    assert project.assets.patch(rows, key="Asset").write_fixes(out) == 2
    page = openpyxl.load_workbook(out).worksheets[0]
    assert page["A2"].comment is not None
    assert page["A3"].comment is not None


def test_a_cell_that_the_service_rejects_is_marked(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit, tmp_path: pathlib.Path
) -> None:
    sim.set_switch("barcode_unique", "409")
    rows = [{**BAD, "Status": "Installed", "Barcode": "7"}]
    project.assets.create(rows)
    out = tmp_path / "to_fix.xlsx"
    result = project.assets.create(rows)
    assert result.write_fixes(out) == 1
    assert openpyxl.load_workbook(out).worksheets[0]["D2"].comment is not None


@pytest.mark.parametrize("check", ["dry run", "validate", "offline"])
@pytest.mark.parametrize("number", [1, 40, 100, 250])
def test_estimate_leaves_out_rows_with_duplicate_keys(
    check: str, number: int, project: acc.Project, kit: Kit
) -> None:
    rows = [kit.row(f"A-{row}", barcode=f"{row:06}") for row in range(number)]
    rows += [kit.row("other", barcode="000000", description="differs"), kit.row("wrong", categoryId="x")]
    result: Any
    patches: list[dict[str, Any]] = []
    if check == "dry run":
        result = project.assets.create(rows, import_key="barcode", dry_run=True, batch_size=40)
    elif check == "validate":
        result = project.assets.validate(rows, import_key="barcode")
    else:
        ids = project.assets.create(kit.rows(number)).ids
        patches = [{"id": id, "description": "new"} for id in ids] + [{"id": ids[0], "description": "old"}]
        result = project.settings().validate(patches, verb="patch")
    waiting = result.counts.get("not_sent", 0)
    assert waiting == number - 1
    assert result.estimate.rows == waiting
    written: Any
    if check == "offline":
        written = project.assets.patch(patches)
    else:
        size = 40 if check == "dry run" else 100
        written = project.assets.create(rows, import_key="barcode", batch_size=size)
    assert (
        sum(written.counts[status] for status in ("created", "updated") if status in written.counts)
        == waiting
    )
    sent = written.stats.requests - written.stats.lookups
    assert (result.estimate.requests, result.estimate.bytes) == (sent, written.stats.bytes_sent)


# ---- the same verdict for a file that is given back untouched ----

HEAD = [
    "Asset ID",
    "Category",
    "Status",
    "Barcode",
    "Description",
    "Airflow",
    "Installation Date",
    "Functions",
]
GOOD_ROW: list[object] = ["AHU-1", "HVAC > Air Handling", "Installed", None, None, None, None, None]
CELLS: dict[str, dict[str, object]] = {
    "formula": {"Barcode": "=2*3"},
    "formula in a number": {"Airflow": "=2*3"},
    "error": {"Description": "#N/A"},
    "other error": {"Barcode": "#REF!"},
    "zeros": {"Barcode": 102},
    "digits": {"Barcode": 4006381333931000123},
    "long": {"Description": "x" * 1001},
    "blank": {"Asset ID": None},
    "category": {"Category": "HVAC > Air Handlin"},
    "status": {"Status": "Instaled"},
    "number": {"Airflow": "12 m"},
    "date": {"Installation Date": "31.02.2026"},
    "choice": {"Functions": "Heating; Nope"},
    "clear": {"Barcode": "acc.CLEAR"},
    "totals": {"Asset ID": "Total", "Category": None, "Status": None},
}


@pytest.mark.parametrize("cells", CELLS.values(), ids=CELLS)
def test_an_untouched_file_is_still_invalid(
    cells: dict[str, object], project: acc.Project, tmp_path: pathlib.Path
) -> None:
    book = openpyxl.Workbook()
    book.active.append(HEAD)
    given: list[dict[str, object]] = [{"Barcode": "000100"}, cells, {"Barcode": "000101"}]
    for number, own in enumerate(given):
        row = {**dict(zip(HEAD, GOOD_ROW, strict=True)), "Asset ID": f"AHU-{number}", **own}
        book.active.append([row[name] for name in HEAD])
    path = tmp_path / "plant.xlsx"
    book.save(path)
    report = project.assets.validate(path)
    assert report.counts == {"not_sent": 2, "invalid": 1}
    known = [(problem.column, problem.code) for problem in report.problems]
    for turn in range(3):
        path = tmp_path / f"to_fix_{turn}.xlsx"
        assert report.write_fixes(path) == 1
        report = project.assets.validate(path)
        assert report.counts == {"invalid": 1}
        found = [(problem.column, problem.code) for problem in report.problems]
        # An Excel file cannot contain a formula without its value, so the cell contains an error.
        assert [column for column, _ in found] == [column for column, _ in known]
        if "formula_without_value" not in dict(known).values():
            assert found == known


def test_a_number_without_its_zeros_is_fixed_by_text(project: acc.Project, tmp_path: pathlib.Path) -> None:
    book = openpyxl.Workbook()
    for row in (HEAD, GOOD_ROW, GOOD_ROW):
        book.active.append(row)
    book.active["D2"], book.active["D3"] = "000100", 102
    path, out = tmp_path / "plant.xlsx", tmp_path / "to_fix.xlsx"
    book.save(path)
    assert project.assets.validate(path).write_fixes(out) == 1
    book = openpyxl.load_workbook(out)
    cell = book.worksheets[0]["D2"]
    # What is typed into the cell stays text.
    assert (cell.value, cell.number_format) == (102, "@")
    cell.value = "000102"
    book.save(out)
    assert project.assets.create(out).ok


@pytest.mark.parametrize(
    "cells",
    [
        {"Barcode": ["a", "b"]},
        {"Barcode": {"a": "b"}},
        {"Airflow": float("inf")},
        {"customAttributes": "text"},
        {"customAttributes": {"Filter Class": "F8"}},
        {"customAttributes": {"Airflow": "12"}, "Airflow": "12"},
    ],
)
def test_untouched_rows_from_dicts_are_still_invalid(
    cells: dict[str, object], project: acc.Project, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "to_fix.xlsx"
    row = {**BAD, "Category": "HVAC > Air Handling", "Status": "Installed", **cells}
    assert project.assets.validate([row]).write_fixes(path) == 1
    assert project.assets.validate(path).counts == {"invalid": 1}


def test_entries_of_custom_attributes_are_marked(project: acc.Project, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "to_fix.xlsx"
    row = {**BAD, "Category": "HVAC > Air Handling", "Status": "Installed"}
    entries: dict[str, object] = {"Functions": ["Heating", "Nope"], "Filter Class": "F8"}
    names = {attribute.display_name: attribute.name for attribute in project.settings().attributes}
    for given in (entries, {names[name]: value for name, value in entries.items()}):
        assert (
            project.assets.validate([{**row, "customAttributes": given}]).write_fixes(path, overwrite=True)
            == 1
        )
        page = openpyxl.load_workbook(path).worksheets[0]
        titles = [cell.value for cell in page[1]]
        assert "customAttributes" not in titles
        marked = [title for title, cell in zip(titles, page[2], strict=True) if cell.comment is not None]
        assert marked == list(given)


def test_duplicates_of_an_entry_are_named_as_in_the_rows(
    project: acc.Project, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "to_fix.xlsx"
    row = {**BAD, "Category": "HVAC > Air Handling", "Status": "Installed"}
    key = {"customAttributes": {"Manufacturer": "17"}}
    rows = [{**row, **key, "description": text} for text in ("one", "two")]
    report = project.assets.create(rows, import_key="Manufacturer", dry_run=True).report
    assert report.causes[0].column == "Manufacturer"
    assert "`Manufacturer` 17" in report.causes[0].message
    assert report.write_fixes(path) == 2
    page = openpyxl.load_workbook(path).worksheets[0]
    titles = [cell.value for cell in page[1]]
    assert page.cell(2, titles.index("Manufacturer") + 1).comment is not None


def test_rows_that_have_changed_are_not_written(project: acc.Project, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "to_fix.xlsx"
    for call in (project.assets.create, project.assets.validate):
        rows = [{**BAD, "Asset ID": f"A-{row}"} for row in range(3)]
        result: Any = call(rows)
        rows.insert(0, {**BAD, "Asset ID": "other"})
        with pytest.raises(acc.InputError, match="not the rows of the original call: row 0 has changed"):
            result.write_fixes(path)
        assert not path.exists()
        del rows[0]
        assert result.write_fixes(path) == 3
        path.unlink()


@pytest.mark.parametrize("path", [b"x.xlsx", None, io.BytesIO(), 3])
def test_what_is_not_a_path_is_an_option_error(path: Any, name: str, project: acc.Project) -> None:
    with pytest.raises(acc.OptionError, match=r"must be a str or a pathlib\.Path, not"):
        WRITERS[name](project, path)


@pytest.mark.parametrize("path", ["a\0.xlsx", "a\ud800.xlsx", pathlib.Path("a\0.xlsx")])
def test_impossible_paths_are_file_errors(path: Any, name: str, project: acc.Project) -> None:
    with pytest.raises(acc.FileError, match="is not a valid path: use another path"):
        WRITERS[name](project, path)


@pytest.mark.skipif(os.name != "posix", reason="Windows reports another error")
def test_a_name_that_is_too_long(project: acc.Project, tmp_path: pathlib.Path) -> None:
    with pytest.raises(acc.FileError, match="use a shorter name"):
        project.assets.validate([BAD]).write_fixes(tmp_path / f"{'a' * 300}.xlsx")


def test_a_file_of_an_earlier_call_is_mentioned(
    project: acc.Project, kit: Kit, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "to_fix.xlsx"
    assert project.assets.create(kit.rows(1)).write_fixes(path, overwrite=True) == 0
    assert not caplog.records
    path.write_text("earlier")
    assert project.assets.create(kit.rows(1)).write_fixes(path, overwrite=True) == 0
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert f"`{path}` is from an earlier call" in record.getMessage()
