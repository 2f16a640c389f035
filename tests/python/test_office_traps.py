"""Data that looks right but would be read wrong: gaps in an index, lost zeros, items of cells, placeholders."""

from __future__ import annotations

import pathlib
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

import acc_assets as acc

pd = pytest.importorskip("pandas")

pytestmark = pytest.mark.once

UNIT: Any = {"Asset ID": "AHU-1", "Category": "HVAC > Air Handling", "Status": "Ordered"}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", acc.DataWarning)
        yield


def sheet_of(*categories: str | None) -> Any:
    rows = [{**UNIT, "Asset ID": f"U-{n}", "Category": name} for n, name in enumerate(categories)]
    return pd.DataFrame(rows)


def values_of(project: acc.Project, column: str) -> list[Any]:
    frame = project.assets.list().to_pandas().sort_values("Asset ID")
    return list(frame[column])


def report_of(project: acc.Project, rows: Any, **options: Any) -> acc.Report:
    return project.assets.validate(rows, progress=False, **options)


# ---- fill_down over selected rows ----


SHEET = ("HVAC > Air Handling", None, "HVAC > Pumps", None, None)


@pytest.mark.parametrize(
    ("rows", "refused"),
    [
        ([0, 1, 2, 3, 4], None),
        ([0, 1, 2], None),
        ([2, 4], "row 1 (index 4)"),
        ([0, 3], "row 1 (index 3)"),
        ([0, 2, 3, 4], None),
        ([3, 4], "row 0 (index 3)"),
        ([0, 3, 4], "row 1 (index 3)"),
        ([2, 3, 0, 1], None),
        ([4, 0], "row 0 (index 4)"),
    ],
)
def test_fill_down_refuses_gaps_in_an_index(
    project: acc.Project, rows: list[int], refused: str | None
) -> None:
    frame = sheet_of(*SHEET).iloc[rows]
    if refused is None:
        assert project.assets.create(frame, fill_down=["Category"], progress=False).ok
        found = sheet_of(*SHEET).ffill().iloc[sorted(rows)]["Category"]
        assert values_of(project, "Category") == list(found)
        return
    for call in (project.assets.validate, project.assets.create):
        with pytest.raises(acc.InputError) as caught:
            call(frame, fill_down=["Category"], progress=False)
        assert f"`Category` is blank in {refused}" in str(caught.value)
        assert 'frame["Category"] = frame["Category"].ffill()' in str(caught.value)
    assert len(project.assets.list()) == 0


def test_fill_down_refuses_gaps_in_a_patch(project: acc.Project) -> None:
    ids = project.assets.create(sheet_of(*["HVAC > Air Handling"] * 5), progress=False).ids
    frame = sheet_of(*SHEET).assign(id=ids).iloc[[0, 3]]
    with pytest.raises(acc.InputError, match="fill_down: `Category` is blank in row 1"):
        project.assets.patch(frame, fill_down=["Category"], progress=False)


@pytest.mark.parametrize("index", [list("abcde"), pd.RangeIndex(5), None])
def test_fill_down_with_an_index_that_shows_no_gap(project: acc.Project, index: Any) -> None:
    frame = sheet_of(*SHEET)
    if index is not None:
        frame.index = index
    assert project.assets.create(frame, fill_down=["Category"], progress=False).ok


def test_fill_down_over_blank_rows_of_a_file(project: acc.Project, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("Asset ID;Category;Status\nA;HVAC > Pumps;Ordered\n;;\n;;\nB;;Ordered\n")
    result = project.assets.create(path, fill_down=["Category"], progress=False)
    assert result.ok
    assert result.labels == [2, 5]


def test_fill_down_counts_cells_and_names_columns_that_are_blank_in_the_same_rows(
    project: acc.Project,
) -> None:
    frame = sheet_of(*SHEET).assign(Location=["Building A", None, "Building A", None, None], Description=None)
    frame.loc[0, "Description"] = "x"
    report = report_of(project, frame, fill_down=["Category"])
    assert "3 blank cells of `Category` have the value of the row above (fill_down=)" in report.warnings
    alike = [text for text in report.warnings if "same 3 rows" in text]
    assert alike == [
        "`Location` is blank in the same 3 rows as `Category`. If its cells are merged, too, set "
        'fill_down=["Category", "Location"]'
    ]
    one = report_of(project, sheet_of("HVAC > Pumps", None), fill_down=["Category"])
    assert "1 blank cell of `Category` has the value of the row above (fill_down=)" in one.warnings


def test_blank_below_a_value_suggests_fill_down(project: acc.Project) -> None:
    (cause,) = report_of(project, sheet_of(*SHEET)).causes
    assert cause.message == "`Category` is blank: required for a new asset"
    assert cause.fix.endswith(', or set fill_down=["Category"] if its cells are merged')
    for sheet in (sheet_of(None, "HVAC > Pumps"), sheet_of("HVAC > Pumps", "HVAC > Pumps", None)):
        (cause,) = report_of(project, sheet).causes
        assert "fill_down" not in cause.fix
    frame = sheet_of(*SHEET).assign(Status=None)
    causes = {cause.column: cause.fix for cause in report_of(project, frame, fill_down=["Category"]).causes}
    assert "fill_down" not in causes["Status"]


# ---- leading zeros ----


def test_compared_patch_refuses_texts_that_lost_zeros(project: acc.Project, tmp_path: pathlib.Path) -> None:
    rows = [{**UNIT, "Asset ID": f"00{n}", "Barcode": f"000{n}00", "Manufacturer": f"0{n}"} for n in (1, 2)]
    rows[1]["Description"] = "0007"
    assert project.assets.create(rows, progress=False).ok
    path = tmp_path / "assets.csv"
    project.assets.list().to_csv(path)
    path.write_text(path.read_text("utf-8-sig").replace("000100", "100").replace("Ordered", "Installed"))
    result = project.assets.patch(path, progress=False)
    assert result.counts == {"updated": 1, "invalid": 1}
    (cause,) = result.causes
    assert (cause.code, cause.column) == ("leading_zeros", "Barcode")
    assert cause.message == (
        "`Barcode` is '100': the asset has '000100', which a program may have read as a number"
    )
    assert cause.fix.startswith("write the value of the asset to keep it")
    assert values_of(project, "Barcode") == ["000100", "000200"]
    frame = project.assets.list().to_pandas().sort_values("Asset ID")
    frame["Asset ID"] = ["1", "2"]
    frame["Manufacturer"] = ["1", "2"]
    frame.loc[frame["Description"].notna(), "Description"] = "7"
    refused = project.assets.patch(frame, progress=False)
    assert {cause.column for cause in refused.causes} == {"Asset ID", "Manufacturer", "Description"}
    assert {cause.code for cause in refused.causes} == {"leading_zeros"}


def test_compared_patch_sends_other_changes_of_digits(project: acc.Project) -> None:
    made = project.assets.create([{**UNIT, "Barcode": "100"}], progress=False)
    frame = project.assets.list().to_pandas()
    for barcode in ("000100", "200", "0100x"):
        frame["Barcode"] = barcode
        assert project.assets.patch(frame, progress=False).counts == {"updated": 1}
        frame = project.assets.list().to_pandas()
    # Without a column of the service, the cell is sent as given.
    project.assets.patch([{"id": made.ids[0], "Barcode": "000100"}], progress=False)
    assert project.assets.patch([{"id": made.ids[0], "Barcode": "100"}], progress=False).counts == {
        "updated": 1
    }
    assert values_of(project, "Barcode") == ["100"]


def test_patch_refuses_numbers_among_texts_with_leading_zeros(project: acc.Project) -> None:
    made = project.assets.create([{**UNIT, "Asset ID": f"{n}"} for n in "ab"], progress=False)
    frame = pd.DataFrame({"id": made.ids, "Barcode": [60, "000059"]})
    result = project.assets.patch(frame, progress=False)
    assert result.statuses == ["invalid", "updated"]
    (cause,) = result.causes
    assert cause.code == "leading_zeros"
    assert cause.message.endswith("probably 000060")


def test_warning_of_numbers_advises_to_pass_the_file(project: acc.Project) -> None:
    frame = pd.DataFrame([{**UNIT, "Barcode": 17}])
    (warning,) = [text for text in report_of(project, frame).warnings if "leading zeros" in text]
    assert "To keep them, pass the path of the file, which also keeps number formats, or read" in warning


# ---- values of cells with several items ----


WORDS: Any = {"Functions": {"Heizen": "Heating", "kühlen": "Cooling", "k. A.": ""}}


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("Heizen; Kühlen", ["Cooling", "Heating"]),
        ("Heizen, Cooling", ["Cooling", "Heating"]),
        ("Heizen\nKühlen", ["Cooling", "Heating"]),
        ('["Heizen", "Kühlen"]', ["Cooling", "Heating"]),
        (["Heizen", "Cooling"], ["Cooling", "Heating"]),
        ("Heizen; k. A.", ["Heating"]),
        ("Heizen", ["Heating"]),
        ("Heating; Cooling", ["Cooling", "Heating"]),
    ],
)
def test_values_replace_the_items_of_a_cell(project: acc.Project, cell: object, labels: list[str]) -> None:
    rows = [{**UNIT, "Functions": cell}]
    assert project.assets.create(rows, values=WORDS, progress=False).ok
    (found,) = values_of(project, "Functions")
    assert sorted(found) == labels


@pytest.mark.parametrize("cell", ["k. A.", "k. A.; k. A.", ["k. A."]])
def test_values_without_an_item_are_blank(project: acc.Project, cell: object) -> None:
    assert project.assets.create([{**UNIT, "Functions": cell}], values=WORDS, progress=False).ok
    assert project.assets.list().to_pandas()["Functions"].isna().all()


def test_values_of_a_whole_cell_come_first(project: acc.Project) -> None:
    words: Any = {"Functions": {"Heizen": "Heating", "Heizen; Kühlen": "Cooling"}}
    assert project.assets.create([{**UNIT, "Functions": "Heizen; Kühlen"}], values=words, progress=False).ok
    assert list(values_of(project, "Functions")[0]) == ["Cooling"]


def test_values_do_not_split_text(project: acc.Project) -> None:
    words: Any = {"Manufacturer": {"ACME": "Acme Inc."}}
    assert project.assets.create([{**UNIT, "Manufacturer": "ACME; Bolt"}], values=words, progress=False).ok
    assert values_of(project, "Manufacturer") == ["ACME; Bolt"]


# ---- placeholders ----


def test_placeholders_of_numbers_and_dates(project: acc.Project) -> None:
    rows = [{**UNIT, "Airflow": "k. A."}, {**UNIT, "Installation Date": "-"}, {**UNIT, "Airflow": "12 m³"}]
    causes = {cause.message: cause.fix for cause in report_of(project, rows).causes}
    assert causes["`Airflow` is 'k. A.': not a number"].endswith(
        '. If the text stands for a blank cell, set values={"Airflow": {"k. A.": ""}}'
    )
    assert 'values={"Installation Date": {"-": ""}}' in causes["`Installation Date` is '-': not a date"]
    assert "values=" not in causes["`Airflow` is '12 m³': not a number"]
    blank: Any = {"Airflow": {"k. A.": ""}, "Installation Date": {"-": None}}
    assert report_of(project, rows[:2], values=blank).ok


@pytest.mark.parametrize("column", ["Airflow", "Installation Date", "Manufacturer"])
def test_text_replaced_by_false_is_no_blank(
    project: acc.Project, tmp_path: pathlib.Path, column: str
) -> None:
    path = tmp_path / "office.toml"
    path.write_text(f'[values."{column}"]\n"-" = false\n')
    (cause,) = report_of(project, [{**UNIT, column: "-"}], mapping=path).causes
    assert cause.fix == (
        'values= replaces a text of this column by false. To make the cell blank, replace it by ""'
    )


def test_text_replaced_by_a_bool(project: acc.Project) -> None:
    words: Any = {"Commissioned": {"ja": True, "nein": False}}
    rows = [{**UNIT, "Asset ID": word, "Commissioned": word} for word in ("ja", "nein")]
    assert project.assets.create(rows, values=words, progress=False).ok
    assert values_of(project, "Commissioned") == [True, False]
