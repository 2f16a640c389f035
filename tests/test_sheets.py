"""Excel and CSV files as people have them: read as they look, filled from a template, and given back to be fixed."""

from __future__ import annotations

import datetime as dt
import pathlib
from collections.abc import Callable
from typing import Any

import pytest

import acc_assets as acc

openpyxl = pytest.importorskip("openpyxl")

HEAD = ["Asset ID", "Category", "Status", "Barcode", "Airflow", "Installation Date", "Commissioned"]
UNIT = ["0017", "HVAC > Air Handling", "Installed", "000123", 2.5, dt.date(2031, 2, 28), True]
Sheet = Callable[..., pathlib.Path]


@pytest.fixture
def sheet(tmp_path: pathlib.Path) -> Sheet:
    """Writes rows into a new workbook."""

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


def test_cells_are_taken_as_they_look(sheet: Sheet, project: acc.Project) -> None:
    result = project.assets.create(sheet(HEAD, UNIT), returning=True)
    assert result.assets is not None
    asset = result.assets[0]
    assert asset["clientAssetId"] == "0017"
    assert asset["barcode"] == "000123"
    names = {found.display_name: found.name for found in project.settings().attributes}
    given = asset["customAttributes"]
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
            "columns A and C are both called `Asset ID`",
        ),
        ([], "is empty"),
        ([["Asset ID", "Category"], ["A"]], None),
    ],
    ids=["a column twice", "nothing", "short rows"],
)
def test_sheets_that_are_none(
    rows: list[list[Any]], says: str | None, sheet: Sheet, project: acc.Project
) -> None:
    path = sheet(*rows)
    if says is None:
        assert {cause.rule for cause in project.assets.validate(path).causes} == {"required"}
        return
    with pytest.raises(acc.InputError, match=says):
        project.assets.validate(path)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("plant.xlsx", b"not a workbook", "damaged"),
        ("plant.csv", b"Asset ID\nB\xfcro\n", "UTF-8"),
        ("plant.csv", b'Asset ID,Category\n"A,HVAC\n', "quotation mark"),
        ("plant.pdf", b"%PDF", "save it as .xlsx"),
        ("plant.csv", b"", "empty"),
    ],
    ids=["damaged", "encoding", "open quote", "kind", "empty"],
)
def test_files_that_cannot_be_read(
    name: str, content: bytes, says: str, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(acc.InputError, match=says):
        project.assets.create(tmp_path / name)
    with pytest.raises(acc.InputError, match="there is no file"):
        project.assets.create(tmp_path / "other.xlsx")


def test_rows_to_fix_go_straight_back_in(sheet: Sheet, project: acc.Project, tmp_path: pathlib.Path) -> None:
    head = [*HEAD, "Remarks"]
    bad = [*UNIT[:2], "Instaled", "000124", "2,5", *UNIT[5:], "mine"]
    path = sheet(head, [*UNIT, "good"], bad)
    report = project.assets.validate(path)
    out = tmp_path / "to_fix.xlsx"
    assert report.to_excel(out) == 1
    first, second = cells(out)
    # The own columns in their order, what they held, and what is wrong behind them.
    assert first == (*head, "Sheet row", "Problem", "Fix")
    assert second[:2] == ("0017", "HVAC > Air Handling")
    assert second[3] == "000124"
    assert second[len(head)] == 3
    assert "did you mean `Installed`?" in second[-1]
    book = openpyxl.load_workbook(out)
    page = book.worksheets[0]
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
    # What could not be fixed goes out once more, with its columns once.
    page["C2"] = "Instaled"
    book.save(out)
    assert project.assets.validate(out).to_excel(tmp_path / "again.xlsx") == 1
    assert cells(tmp_path / "again.xlsx")[0] == first


def test_rows_of_a_frame_are_given_back_with_what_the_service_said(
    project: acc.Project, tmp_path: pathlib.Path
) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"Asset ID": ["A", "B"], "Category": ["HVAC > Fans"] * 2, "Status": ["Installed", "Gone"]}
    )
    result = project.assets.create(frame, on_error="collect")
    assert result.counts == {"created": 1, "invalid": 1}
    assert result.to_excel(tmp_path / "rest.xlsx") == 1
    assert cells(tmp_path / "rest.xlsx")[1][:3] == ("B", "HVAC > Fans", "Gone")
    with pytest.raises(acc.InputError, match=r"\.xlsx"):
        result.to_excel(tmp_path / "rest.csv")


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
    # The one to fix needs no category either.
    rest = tmp_path / "rest.xlsx"
    assert result.to_excel(rest) == 1
    book = openpyxl.load_workbook(rest)
    book.worksheets[0]["C2"] = "Installed"
    book.save(rest)
    assert project.assets.create(rest).counts == {"created": 1}


def test_a_template_of_a_category_that_is_none(project: acc.Project, tmp_path: pathlib.Path) -> None:
    with pytest.raises(acc.OptionError, match="did you mean `HVAC > Air Handling`"):
        project.assets.template("HVAC > Air Handlin", tmp_path / "t.xlsx")
    with pytest.raises(acc.InputError, match=r"\.xlsx"):
        project.assets.template("HVAC", tmp_path / "t.csv")


def test_ids_come_from_a_sheet_too(sheet: Sheet, project: acc.Project) -> None:
    made = project.assets.create(sheet(HEAD, UNIT, [*UNIT[:3], "9"]))
    path = sheet(["id", "Barcode"], *[[id, f"00{row}"] for row, id in enumerate(made.ids)], name="ids.xlsx")
    patched = project.assets.patch(path, id="id", returning=True)
    assert patched.assets is not None
    assert [asset["barcode"] for asset in patched.assets] == ["000", "001"]
    assert len(project.assets.get(path)) == 2
    assert project.assets.delete(path).counts == {"deleted": 2}


async def test_the_async_face_reads_and_writes_sheets(
    sheet: Sheet, async_project: acc.AsyncProject, tmp_path: pathlib.Path
) -> None:
    await async_project.assets.template("HVAC > Fans", tmp_path / "fans.xlsx")
    assert cells(tmp_path / "fans.xlsx")[0][0] == "Asset ID *"
    report = await async_project.assets.validate(sheet(HEAD, UNIT))
    assert report.ok
    assert (await async_project.assets.create(sheet(HEAD, UNIT))).ok
