"""Realistic Excel and CSV files: read as displayed, filled in from a template, and written for fixes."""

from __future__ import annotations

import datetime as dt
import errno
import pathlib
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Kit

import acc_assets as acc
from acc_assets import _core
from acc_assets._reading import Reading
from acc_assets._write import write_options

openpyxl = pytest.importorskip("openpyxl")

HEAD = ["Asset ID", "Category", "Status", "Barcode", "Airflow", "Installation Date", "Commissioned"]
UNIT = ["0017", "HVAC > Air Handling", "Installed", "000123", 2.5, dt.date(2031, 2, 28), True]
Sheet = Callable[..., pathlib.Path]


@pytest.fixture
def sheet(tmp_path: pathlib.Path) -> Sheet:
    """Write rows to a new workbook."""

    def write(
        *rows: list[Any], name: str = "plant.xlsx", title: str = "Assets", **others: Any
    ) -> pathlib.Path:
        book = openpyxl.Workbook()
        book.active.title = title
        for row in rows:
            book.active.append(row)
        for other, lines in others.items():
            page = book.create_sheet(other)
            for row in lines:
                page.append(row)
        book.save(tmp_path / name)
        return tmp_path / name

    return write


def cells(path: pathlib.Path) -> list[tuple[Any, ...]]:
    return list(openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True))


def test_cells_are_read_as_displayed(sheet: Sheet, project: acc.Project) -> None:
    result = project.assets.create(sheet(HEAD, UNIT), returning=True)
    assert result.assets is not None
    asset = result.assets[0]
    assert asset["clientAssetId"] == "0017"
    assert asset["barcode"] == "000123"
    names = {found.display_name: found.name for found in project.settings().attributes}
    given: dict[str, Any] = asset["customAttributes"]
    assert float(given[names["Airflow"]]) == 2.5
    assert given[names["Installation Date"]] == "2031-02-28"
    assert given[names["Commissioned"]] is True


def test_a_sheet_is_chosen_by_name(sheet: Sheet, project: acc.Project) -> None:
    path = sheet(["nothing", "here"], AHU=[HEAD, UNIT])
    assert project.assets.create(path, sheet="AHU").counts == {"created": 1}
    assert project.assets.validate(str(path), sheet="AHU").ok
    with pytest.raises(acc.InputError, match=r"AHU"):
        project.assets.create(path, sheet="AHV")


@pytest.mark.parametrize(
    "text",
    [
        "Asset ID,Category,Status,Barcode\n0017,HVAC > Air Handling,Installed,000123\n",
        "\ufeffAsset ID;Category;Status;Barcode\r\n0017;HVAC > Air Handling;Installed;000123\r\n",
        'sep=;\r\n"Asset ID";Category;Status;Barcode\r\n"0017";HVAC > Air Handling;Installed;000123\r\n',
        "Asset ID\tCategory\tStatus\tBarcode\n0017\tHVAC > Air Handling\tInstalled\t000123",
    ],
    ids=["commas", "semicolons", "Excel's own line", "tabs"],
)
def test_text_files(text: str, project: acc.Project, tmp_path: pathlib.Path) -> None:
    (tmp_path / "plant.csv").write_bytes(text.encode())
    result = project.assets.create(tmp_path / "plant.csv", returning=True)
    assert result.assets is not None
    assert (result.assets[0]["clientAssetId"], result.assets[0]["barcode"]) == ("0017", "000123")


def test_messages_name_the_row_of_the_sheet(
    sheet: Sheet, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    bad = [*UNIT[:2], "Instaled", *UNIT[3:]]
    path = sheet(HEAD, UNIT, [], bad, UNIT)
    report = project.assets.validate(path)
    assert "sheet row 4" in repr(report)
    assert report.causes[0].first_labels == (4,)
    assert any("sheet row 2 and sheet row 4" in text for text in report.warnings)
    with pytest.raises(acc.BulkError, match="sheet row 4"):
        project.assets.create(path, on_error="raise")
    lines = "\n".join(["Asset ID,Category,Status", "", "A,HVAC,Instaled"])
    (tmp_path / "plant.csv").write_text(lines, encoding="utf-8")
    assert "line 3" in repr(project.assets.validate(tmp_path / "plant.csv"))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            [["Asset ID", "Category", "Asset ID"], ["A", "HVAC", "B"]],
            "columns A and C are both named `Asset ID`",
        ),
        ([], "is empty"),
        ([["Asset ID", "Category"], ["A"]], None),
    ],
    ids=["a column twice", "nothing", "short rows"],
)
def test_sheets_without_usable_rows(
    rows: list[list[Any]], says: str | None, sheet: Sheet, project: acc.Project
) -> None:
    path = sheet(*rows)
    if says is None:
        assert {cause.code for cause in project.assets.validate(path).causes} == {"required"}
        return
    with pytest.raises(acc.InputError, match=says):
        project.assets.validate(path)


@pytest.mark.parametrize(
    ("name", "content", "says", "kind"),
    [
        ("plant.xlsx", b"not a workbook", "damaged", acc.FileError),
        ("plant.csv", b"Asset ID\nB\xc3\xbcro\nB\xfcro\n", "UTF-8", acc.FileError),
        ("plant.csv", b'Asset ID,Category\n"A,HVAC\n', "quotation mark", acc.InputError),
        ("plant.pdf", b"%PDF", "save it as .xlsx", acc.FileError),
        ("plant.csv", b"", "empty", acc.FileError),
    ],
    ids=["damaged", "encoding", "open quote", "kind", "empty"],
)
def test_files_that_cannot_be_read(
    name: str,
    content: bytes,
    says: str,
    kind: type[acc.InputError],
    project: acc.Project,
    tmp_path: pathlib.Path,
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(acc.InputError, match=says) as caught:
        project.assets.create(tmp_path / name)
    assert type(caught.value) is kind
    with pytest.raises(acc.InputError, match=says) as caught:
        _core.Rows.from_sheet(content, None, name=name)
    assert type(caught.value) is kind
    assert getattr(caught.value, "filename", name) == name
    with pytest.raises(acc.FileError, match="there is no file") as caught:
        project.assets.create(tmp_path / "other.xlsx")
    assert isinstance(caught.value, OSError)
    assert caught.value.errno == errno.ENOENT
    assert caught.value.filename == str(tmp_path / "other.xlsx")


def test_files_that_are_folders_or_forbidden(
    sheet: Sheet, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "folder.xlsx").mkdir()
    with pytest.raises(acc.FileError, match="is a folder"):
        project.assets.create(tmp_path / "folder.xlsx")
    with pytest.raises(acc.FileError, match="cannot write") as caught:
        project.assets.validate([{"Asset ID": "A"}]).write_fixes(tmp_path / "none" / "fixes.xlsx")
    assert caught.value.errno == errno.ENOENT
    with pytest.raises(acc.FileError, match="cannot write"):
        project.assets.template("HVAC", tmp_path / "none" / "template.xlsx")
    with pytest.raises(acc.FileError, match=r"ends with \.xlsx"):
        project.assets.validate([{"Asset ID": "A"}]).write_fixes(tmp_path / "fixes.xls")


def labels(rows: _core.Rows) -> list[Any]:
    ledger = _core.Ledger.unsent(rows)
    return [ledger.outcome(row)[1] for row in range(len(ledger))]


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_bytes_of_a_file(
    kind: str, sheet: Sheet, client: acc.Client, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    bad = [*UNIT[:2], "Instaled", *UNIT[3:]]
    if kind == "xlsx":
        content = sheet(HEAD, UNIT, bad).read_bytes()
    else:
        content = b"\n".join(
            b",".join(str(cell).encode() for cell in row) for row in ([*HEAD[:4]], UNIT[:4], bad[:4])
        )
    for name in (f"plant.{kind}", kind, f".{kind.upper()}"):
        rows = _core.Rows.from_sheet(content, None, name=name)
        assert (len(rows), rows.replayable) == (2, True)
        assert labels(rows) == labels(rows) == [2, 3]
    assert rows.label_title == ("sheet row" if kind == "xlsx" else "line")
    engine = client._session.engine()
    options = write_options(dry_run=True) | Reading().options()
    operation = engine.write("create", project.id, rows, options, settings=project.settings()._core)
    operation.wait(None, lambda: None)
    assert operation.ledger.counts() == {"not_sent": 1, "invalid": 1}
    path = tmp_path / "fixes.xlsx"
    written, found, _ = _core.fixes_file("create", rows, operation.ledger, None, options)
    assert written == 1
    path.write_bytes(found)
    assert "Instaled" in cells(path)[1]


def test_bytes_need_a_name() -> None:
    with pytest.raises(TypeError, match="name="):
        _core.Rows.from_sheet(b"a,b", None)
    with pytest.raises(acc.FileError, match="save it as"):
        _core.Rows.from_sheet(b"a,b", None, name="upload")
    with pytest.raises(acc.FileError, match=r"`<bytes>\.xlsx`"):
        _core.Rows.from_sheet(b"a,b", None, name="xlsx")


def test_dicts_with_labels() -> None:
    rows = _core.Rows.from_dicts([{"a": 1}, 7, {"a": 3}], [1, 4, "end"], "line")
    assert rows.label_title == "line"
    assert labels(rows) == labels(rows) == [1, 4, "end"]
    assert _core.Rows.from_dicts([{}], label_title="line").label_title is None
    with pytest.raises(ValueError, match="2 labels for 1 rows"):
        _core.Rows.from_dicts([{}], [1, 2])
    # Labels of an iterator are read along with its rows.
    once = _core.Rows.from_dicts(iter([{}, {}]), iter([3, 5]), "line")
    assert (once.label_title, once.replayable) == ("line", False)


def test_write_fixes_file_of_a_sheet_can_be_imported(
    sheet: Sheet, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    head = [*HEAD, "Remarks"]
    bad = [*UNIT[:2], "Instaled", "000124", "2,5", *UNIT[5:], "mine"]
    path = sheet(head, [*UNIT, "good"], bad)
    report = project.assets.validate(path)
    out = tmp_path / "to_fix.xlsx"
    assert report.write_fixes(out) == 1
    first, second = cells(out)
    # The user's columns in their order with their values, followed by the problems.
    assert first == (*head, "Sheet row", "Problem", "Fix", "acc-assets row")
    assert second[:2] == ("0017", "HVAC > Air Handling")
    assert second[3] == "000124"
    assert second[len(head)] == 3
    assert "did you mean `Installed`?" in second[-2]
    book = openpyxl.load_workbook(out)
    page = book.worksheets[0]
    assert page.column_dimensions[openpyxl.utils.get_column_letter(len(first))].hidden
    for cell in ("C2", "E2"):
        assert page[cell].fill.fgColor.rgb == "FFFFC7CE"
        assert page[cell].comment is not None
    assert page["A2"].comment is None
    page["C2"], page["E2"] = "Installed", "2.5"
    book.save(out)
    result = project.assets.create(out, returning=True)
    assert result.ok
    assert result.assets is not None
    assert result.assets[0]["barcode"] == "000124"
    # Rows that are still wrong are written again, without duplicating the extra columns.
    page["C2"] = "Instaled"
    book.save(out)
    assert project.assets.validate(out).write_fixes(tmp_path / "again.xlsx") == 1
    assert cells(tmp_path / "again.xlsx")[0] == first


def test_user_columns_named_like_write_fixes_columns_are_kept(
    project: acc.Project, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "plant.csv"
    own = ("Sheet row", "Asset ID", "Category", "Status", "Problem", "Line")
    row = dict(zip(own, ("S-1", "A", "HVAC > Fans", "Instaled", "noisy", "L-7"), strict=True))
    path.write_text(f"{','.join(own)}\n{','.join(row.values())}\n", "utf-8")
    given: Any
    for kind, given, label in (("csv", path, ["Line (acc-assets)"]), ("dicts", [row], [])):
        for again in range(3):
            out = tmp_path / f"{kind}-{again}.xlsx"
            assert project.assets.validate(given).write_fixes(out) == 1
            head, cell = cells(out)
            added = ["Problem (acc-assets)", "Fix (acc-assets)", "acc-assets row"]
            assert head == (*own, *label, *added)
            assert cell[: len(own)] == tuple(row.values())
            given, label = out, ["Sheet row (acc-assets)"]


@pytest.mark.parametrize("settings", ["auto", None])
def test_write_fixes_file_of_a_csv_file_can_be_imported(
    settings: Any, project: acc.Project, kit: Kit, tmp_path: pathlib.Path
) -> None:
    row = kit.rows(1)[0]
    path, out = tmp_path / "plant.csv", tmp_path / "to_fix.xlsx"
    path.write_text(f"{','.join(row)}\n{','.join({**row, 'categoryId': 'x'}.values())}\n", "utf-8")
    assert project.assets.validate(path).write_fixes(out) == 1
    assert "Line" in cells(out)[0]
    book = openpyxl.load_workbook(out)
    book.worksheets[0].cell(2, list(row).index("categoryId") + 1, row["categoryId"])
    book.save(out)
    assert project.assets.create(out, settings=settings).ok


def test_clear_is_kept_in_a_write_fixes_file(project: acc.Project, kit: Kit, tmp_path: pathlib.Path) -> None:
    rows = [{**row, "description": "old"} for row in kit.rows(1)]
    [id] = project.assets.create(rows).ids
    out = tmp_path / "to_fix.xlsx"
    wrong = [{"id": id, "description": acc.CLEAR, "statusId": "wrong"}]
    assert project.assets.validate(wrong, verb="patch").write_fixes(out) == 1
    book = openpyxl.load_workbook(out)
    page = book.worksheets[0]
    assert page["B2"].value == "acc.CLEAR"
    page["C2"] = rows[0]["statusId"]
    book.save(out)
    assert project.assets.patch(out, returning=True).ok
    assert project.assets.get([id])[0].get("description") is None
    # In the user's own sheets too.
    project.assets.patch([{"id": id, "description": "new"}])
    page.delete_cols(4, 9)
    book.save(out)
    assert project.assets.patch(out).ok
    assert project.assets.get([id])[0].get("description") is None


def test_long_number_stays_exact_in_a_write_fixes_file(
    project: acc.Project, kit: Kit, tmp_path: pathlib.Path
) -> None:
    out = tmp_path / "to_fix.xlsx"
    # A float may have lost digits, so it stays a number, which is invalid again.
    numbers: list[tuple[float, object]] = [
        (1234567890123456, "1234567890123456"),
        (1234567890123456.0, 1234567890123456),
    ]
    for number, written in numbers:
        rows = [{**row, "barcode": number, "statusId": "wrong"} for row in kit.rows(1)]
        assert project.assets.validate(rows).write_fixes(out, overwrite=True) == 1
        head, cell = cells(out)
        assert cell[head.index("barcode")] == written


def test_write_fixes_of_a_frame_has_the_message_of_the_service(
    project: acc.Project, tmp_path: pathlib.Path
) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"Asset ID": ["A", "B"], "Category": ["HVAC > Fans"] * 2, "Status": ["Installed", "Gone"]}
    )
    result = project.assets.create(frame, on_error="collect")
    assert result.counts == {"created": 1, "invalid": 1}
    assert result.write_fixes(tmp_path / "rest.xlsx") == 1
    assert cells(tmp_path / "rest.xlsx")[1][:3] == ("B", "HVAC > Fans", "Gone")
    with pytest.raises(acc.InputError, match=r"\.xlsx"):
        result.write_fixes(tmp_path / "rest.csv")


def test_a_template_is_filled_in_and_imported(project: acc.Project, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "ahu.xlsx"
    project.assets.template("HVAC > Air Handling", path, rows=50)
    book = openpyxl.load_workbook(path)
    page = book.worksheets[0]
    head = [cell.value for cell in page[1]]
    assert head[:6] == ["Asset ID *", "Category", "Status *", "Description", "Location", "Barcode"]
    assert set(head[6:]) == set(project.settings().category("Air Handling").attributes)
    assert book.sheetnames == ["Assets", "Locations"]
    lists = {
        str(rule.sqref): rule.formula1 for rule in page.data_validations.dataValidation if rule.type == "list"
    }
    assert any("Installed" in formula for formula in lists.values())
    assert any("Locations" in formula for formula in lists.values())
    assert all(place.endswith("51") for place in lists)
    place = book["Locations"]["A2"].value
    at = {name.removesuffix(" *"): number for number, name in enumerate(head, 1)}
    for row in range(2, 32):
        for name, value in {
            "Asset ID": f"00{row}",
            "Status": "Installed",
            "Location": place,
            "Airflow": 2.5,
            "Filter Class": "F7",
            "Functions": "Heating; Cooling",
            "Installation Date": dt.date(2031, 2, row % 28 + 1),
            "Commissioned": "Yes",
        }.items():
            page.cell(row, at[name]).value = value
    page.cell(31, at["Status"]).value = "Instaled"
    book.save(path)
    report = project.assets.validate(path)
    assert [cause.first_labels for cause in report.causes] == [(31,)]
    result = project.assets.create(path, on_error="collect", returning=True)
    assert result.counts == {"created": 29, "invalid": 1}
    assert result.assets is not None
    fans = project.settings().category("Air Handling")
    assert {asset["categoryId"] for asset in result.assets} == {fans.id}
    assert result.assets[0]["clientAssetId"] == "002"
    # The file to fix does not need a category either.
    rest = tmp_path / "rest.xlsx"
    assert result.write_fixes(rest) == 1
    book = openpyxl.load_workbook(rest)
    book.worksheets[0]["C2"] = "Installed"
    book.save(rest)
    assert project.assets.create(rest).counts == {"created": 1}


def test_template_of_an_unknown_category(project: acc.Project, tmp_path: pathlib.Path) -> None:
    with pytest.raises(acc.OptionError, match="did you mean `HVAC > Air Handling`"):
        project.assets.template("HVAC > Air Handlin", tmp_path / "t.xlsx")
    with pytest.raises(acc.InputError, match=r"\.xlsx"):
        project.assets.template("HVAC", tmp_path / "t.csv")


def test_ids_are_read_from_a_sheet(sheet: Sheet, project: acc.Project) -> None:
    made = project.assets.create(sheet(HEAD, UNIT, [*UNIT[:3], "9"]))
    path = sheet(["id", "Barcode"], *[[id, f"00{row}"] for row, id in enumerate(made.ids)], name="ids.xlsx")
    patched = project.assets.patch(path, returning=True)
    assert patched.assets is not None
    assert [asset["barcode"] for asset in patched.assets] == ["000", "001"]
    assert len(project.assets.get(path)) == 2
    assert project.assets.delete(path).counts == {"deleted": 2}


# ---- formulas without a saved value, as openpyxl and exporters write them ----

SAVE = "open the file in Excel and save it, or replace the formula with its value"


def test_formulas_without_a_value_make_their_rows_invalid(
    sheet: Sheet, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    head = ["Asset ID", "Category", "Status", "Barcode", "Description", "Notes"]
    unit = ["HVAC > Air Handling", "Installed"]
    path = sheet(
        head,
        ["A-1", *unit, "0001", "first"],
        ["A-2", *unit, '=A3&"-"&B3', "second", "=1+1"],
        ["A-3", *unit, "0003", '="Unit "&A4'],
        ["A-4", *unit, "0004", "fourth", "=NOW()"],
    )
    report = project.assets.validate(path, mapping={"Notes": None})
    assert [(cause.code, cause.first_labels) for cause in report.causes] == [
        ("formula_without_value", (3,)),
        ("formula_without_value", (4,)),
    ]
    result = project.assets.create(path, mapping={"Notes": None}, on_error="collect", returning=True)
    assert [outcome.status for outcome in result] == ["created", "invalid", "invalid", "created"]
    problems = [problem for outcome in result if outcome.error for problem in outcome.error.problems]
    assert [(problem.column, problem.value, problem.message, problem.fix) for problem in problems] == [
        (
            "Barcode",
            '=A3&"-"&B3 (cell D3)',
            '`Barcode` is the formula `=A3&"-"&B3` in cell D3: saved without its value',
            SAVE,
        ),
        (
            "Description",
            '="Unit "&A4 (cell E4)',
            '`Description` is the formula `="Unit "&A4` in cell E4: saved without its value',
            SAVE,
        ),
    ]
    # In the rows to fix, the cell is marked and contains an error. As text, the formula would become the barcode, and a
    # blank cell would be valid.
    assert report.write_fixes(tmp_path / "fix.xlsx") == 2
    book = openpyxl.load_workbook(tmp_path / "fix.xlsx")
    cell = book.worksheets[0]["D2"]
    assert (cell.value, cell.fill.fgColor.rgb) == ("=#N/A", "FFFFC7CE")


def test_formulas_in_every_kind_of_column(sheet: Sheet, project: acc.Project) -> None:
    path = sheet(HEAD, UNIT, *[[*UNIT[:place], "=A2", *UNIT[place + 1 :]] for place in range(len(HEAD))])
    report = project.assets.validate(path)
    found = [
        (problem.row, problem.column)
        for problem in report.problems
        if problem.code == "formula_without_value"
    ]
    assert found == [(place + 1, name) for place, name in enumerate(HEAD)]


def test_rows_of_formulas_alone_are_rows(sheet: Sheet, project: acc.Project) -> None:
    path = sheet(HEAD, UNIT, [None, None, None, "=A3"], [], [])
    result = project.assets.create(path, on_error="collect")
    assert result.counts == {"created": 1, "invalid": 1}
    assert "`Barcode` is the formula `=A3` in cell D3" in str(result[1].error)


def test_ids_and_column_names_that_are_formulas(sheet: Sheet, project: acc.Project) -> None:
    made = project.assets.create(sheet(HEAD, UNIT))
    path = sheet(["id", "Barcode"], [made.ids[0], "=A2"], ["=A2", "0002"], name="ids.xlsx")
    assert project.assets.get(path).missing == ["=A2 (cell A3)"]
    deleted = project.assets.delete(path, on_error="collect")
    assert deleted.counts == {"deleted": 1, "invalid": 1}
    assert "`id` is the formula `=A2` in cell A3: saved without its value" in str(deleted[1].error)
    with pytest.raises(
        acc.InputError, match=r"column name in cell B1 is the formula `=A1` without a saved value"
    ):
        project.assets.create(sheet(["Asset ID", "=A1", *HEAD[2:]], UNIT))


def test_formulas_with_a_value_are_read_as_that_value(sheet: Sheet, project: acc.Project) -> None:
    """As saved by Excel, each formula has its value, which may be an empty string."""
    path = sheet(HEAD, [*UNIT[:3], '=IF(A2="","","")', "=5/2", *UNIT[5:]])
    for cell, kind, value in (("D2", ' t="str"', "<v></v>"), ("E2", "", "<v>2.5</v>")):
        rewritten(
            path,
            rf'<c r="{cell}"([^>]*)><f>(.*?)</f><v ?/?>(</v>)?',
            rf'<c r="{cell}"\1{kind}><f>\2</f>{value}',
        )
    result = project.assets.create(path, returning=True)
    assert result.assets is not None
    asset = result.assets[0]
    names = {found.display_name: found.name for found in project.settings().attributes}
    assert float(str(asset["customAttributes"][names["Airflow"]])) == 2.5
    assert not asset.get("barcode")


def rewritten(path: pathlib.Path, pattern: str, by: str) -> None:
    """Change one place in the XML of the first sheet."""
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    part = "xl/worksheets/sheet1.xml"
    text, times = re.subn(pattern, by, parts[part].decode())
    assert times == 1
    with zipfile.ZipFile(path, "w") as book:
        for name, content in {**parts, part: text.encode()}.items():
            book.writestr(name, content)


def test_shared_formula_and_empty_formula(sheet: Sheet, project: acc.Project) -> None:
    path = sheet(
        HEAD, [*UNIT[:3], "=A2", *UNIT[4:]], [*UNIT[:3], "=A3", *UNIT[4:]], [*UNIT[:3], "=A4", *UNIT[4:]]
    )
    for cell, formula in (
        ("D2", '<f t="shared" ref="D2:D3" si="0">A2</f>'),
        ("D3", '<f t="shared" si="0"></f>'),
        ("D4", "<f></f>"),
    ):
        rewritten(path, rf'(<c r="{cell}"[^>]*>)<f>.*?</f>', rf"\1{formula}")
    result = project.assets.create(path, on_error="collect")
    assert [outcome.status for outcome in result] == ["invalid", "invalid", "created"]
    assert "`Barcode` is the formula `=A2` in cell D2: saved" in str(result[0].error)
    assert "`Barcode` is a formula in cell D3: saved" in str(result[1].error)


def test_formulas_next_to_numbers_with_leading_zeros(sheet: Sheet, project: acc.Project) -> None:
    path = sheet(HEAD, UNIT, [*UNIT[:3], 123, *UNIT[4:]], [*UNIT[:3], "=A2", *UNIT[4:]])
    book = openpyxl.load_workbook(path)
    for row in (2, 3, 4):
        book.active[f"D{row}"].number_format = "000000"
    book.save(path)
    result = project.assets.create(path, returning=True, on_error="collect")
    assert result.assets is not None
    assert [outcome.status for outcome in result] == ["created", "created", "invalid"]
    assert {asset["barcode"] for asset in result.assets.to_dicts()} == {"000123"}
    assert "`Barcode` is the formula `=A2` in cell D4" in str(result[2].error)


def test_formulas_of_an_opendocument_sheet(project: acc.Project, tmp_path: pathlib.Path) -> None:
    def cell(text: object = "", formula: str = "") -> str:
        if formula:
            return f'<table:table-cell table:formula="of:={formula}"/>'
        return f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'

    rows = [
        "".join(map(cell, HEAD[:4])),
        "".join(map(cell, UNIT[:4])),
        "".join(map(cell, UNIT[:3])) + cell(formula="[.A3]"),
    ]
    names = "urn:oasis:names:tc:opendocument:xmlns:"
    content = (
        f'<office:document-content xmlns:office="{names}office:1.0" xmlns:table="{names}table:1.0" '
        f'xmlns:text="{names}text:1.0"><office:body><office:spreadsheet><table:table table:name="Assets">'
        + "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
        + "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"></manifest:manifest>'
    path = tmp_path / "plant.ods"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("META-INF/manifest.xml", manifest)
        book.writestr("content.xml", content)
    result = project.assets.create(path, on_error="collect")
    assert [outcome.status for outcome in result] == ["created", "invalid"]
    assert "`Barcode` is the formula `=[.A3]` in cell D3" in str(result[1].error)


async def test_async_client_reads_and_writes_sheets(
    sheet: Sheet, async_project: acc.AsyncProject, tmp_path: pathlib.Path
) -> None:
    await async_project.assets.template("HVAC > Fans", tmp_path / "fans.xlsx")
    assert cells(tmp_path / "fans.xlsx")[0][0] == "Asset ID *"
    report = await async_project.assets.validate(sheet(HEAD, UNIT))
    assert report.ok
    assert (await async_project.assets.create(sheet(HEAD, UNIT))).ok


def test_sheet_options_limit_memory(sheet: Sheet, project: acc.Project, tmp_path: pathlib.Path) -> None:
    path = sheet(HEAD, UNIT, AHU=[HEAD, UNIT])
    small = acc.SheetOptions(max_workbook_bytes=1000)
    with pytest.raises(acc.InputError, match=r"more than 1000 bytes .*SheetOptions\(max_workbook_bytes="):
        project.assets.create(path, sheet=small)
    assert project.assets.validate(path, sheet=acc.SheetOptions("AHU")).ok
    assert project.settings().validate(path, sheet=acc.SheetOptions("AHU")).ok
    lines = tmp_path / "plant.csv"
    lines.write_text(f"Asset ID,Category\nA-1,HVAC\n{'x' * 40},HVAC\n", encoding="utf-8")
    with pytest.raises(
        acc.InputError, match=r"line 3 is longer than 40 bytes.*SheetOptions\(max_line_bytes="
    ):
        project.assets.validate(lines, sheet=acc.SheetOptions(max_line_bytes=40))
    assert sum(project.assets.validate(lines, sheet=acc.SheetOptions(max_line_bytes=46)).counts.values()) == 2
    for wrong in (
        acc.SheetOptions(7),  # type: ignore[arg-type]
        acc.SheetOptions(max_line_bytes=0),
        acc.SheetOptions(max_line_bytes=1 << 64),
        7,
    ):
        with pytest.raises(acc.OptionError):
            project.assets.validate(path, sheet=wrong)  # type: ignore[arg-type]


@pytest.mark.once
def test_csv_file_that_changes_during_use(project: acc.Project, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "plant.csv"
    text = "Asset ID,Category,Status\n0017,HVAC > Air Handling,Installed\n"
    path.write_text(text, encoding="utf-8")
    result = project.assets.create(path, max_errors=0, on_error="collect")
    path.write_text("Asset ID,Category,Status\n", encoding="utf-8")
    # Small files are kept in memory.
    assert result.retry().counts == {"created": 1}
    # Larger ones are read again.
    path.write_text(text + f"{'9' * 2500},HVAC > Air Handling,Instaled\n" * 7_000, encoding="utf-8")
    report = project.assets.validate(path)
    assert report.causes[0].rows == 7_000
    # Unchanged files can be read, even if they were moved.
    moved = path.rename(tmp_path / "moved.csv")
    path.write_text(text, encoding="utf-8")
    assert report.write_fixes(tmp_path / "to_fix.xlsx") == 7_000
    with moved.open("a", encoding="utf-8") as file:
        file.write("0018,HVAC > Air Handling,Installed\n")
    with pytest.raises(acc.InputError, match="changed after it was first read") as caught:
        report.write_fixes(tmp_path / "to_fix.xlsx")
    # The imported rows would be duplicated.
    assert "same run=" in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_files_are_read_in_pieces(encoding: str, project: acc.Project, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "plant.csv"
    # Characters of one to four bytes, so that some are split between two pieces.
    names = [f"{'aä温🌡'[place % 4] * (place % 61 + 1)}-{place}" for place in range(4000)]
    rows = "".join(f'"{name}","a\r\nb",HVAC > Air Handling,Installed\r\n\r\n' for name in names)
    path.write_bytes(f"Asset ID,Description,Category,Status\r\n{rows}".encode(encoding))
    result = project.assets.create(path, dry_run=True)
    assert result.ok, result
    assert [outcome.key for outcome in result] == names
    assert [outcome.label for outcome in result][:3] == [2, 5, 8]
