"""Rows of a table that are selected by positions or by a mask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Kit

import acc_assets as acc


@pytest.fixture
def assets(project: acc.Project, kit: Kit) -> acc.AssetTable:
    """Three assets. The first and the last have no barcode."""
    rows = [kit.row("A"), kit.row("B", barcode="0017"), kit.row("C")]
    return project.assets.get(project.assets.create(rows))


def names(table: Any) -> list[str]:
    assert type(table) is acc.AssetTable
    return [row["clientAssetId"] for row in table]


def test_rows_are_selected_by_a_mask_of_any_library(assets: acc.AssetTable) -> None:
    assert names(assets[[True, False, True]]) == ["A", "C"]
    assert names(assets[(False, None, True)]) == ["C"]
    assert names(assets[[False] * 3]) == []
    numpy = pytest.importorskip("numpy")
    assert names(assets[numpy.array([True, False, False])]) == ["A"]
    frame = assets.to_pandas()
    pandas = pytest.importorskip("pandas")
    assert names(assets[frame["Barcode"].isna()]) == ["A", "C"]
    assert names(assets[pandas.Series([True, pandas.NA, False], dtype="boolean")]) == ["A"]
    polars = pytest.importorskip("polars")
    assert names(assets[assets.to_polars()["Barcode"].is_null()]) == ["A", "C"]
    assert names(assets[polars.Series([None, True, False])]) == ["B"]
    pyarrow = pytest.importorskip("pyarrow")
    assert names(assets[pyarrow.array([None, True, False])]) == ["B"]
    with pytest.raises(TypeError, match="not selected by a DataFrame"):
        assets[frame]


def test_a_pandas_mask_is_aligned_by_its_index(assets: acc.AssetTable) -> None:
    """As in pandas: a frame that was sorted has another order than the table."""
    pytest.importorskip("pandas")
    frame = assets.to_pandas().sort_values("Asset ID", ascending=False)
    assert names(assets[frame["Asset ID"] == "C"]) == ["C"]
    other = frame.set_index("Asset ID")
    with pytest.raises(acc.OptionError, match="index other than that of to_pandas"):
        assets[other["Barcode"].isna()]
    assert names(assets[other["Barcode"].isna().to_numpy()]) == ["A", "C"]


def test_rows_are_selected_by_positions(assets: acc.AssetTable) -> None:
    assert names(assets[[2, 0, -1]]) == ["C", "A", "C"]
    assert names(assets[[]]) == []
    assert names(assets[range(1, 3)]) == ["B", "C"]
    numpy = pytest.importorskip("numpy")
    assert names(assets[numpy.array([1])]) == ["B"]
    assert assets[numpy.int64(1)]["clientAssetId"] == "B"
    with pytest.raises(IndexError, match="no row 3: 3 rows"):
        assets[[0, 3]]


def test_a_wrong_selection_is_an_error(assets: acc.AssetTable) -> None:
    for mask in ([True], [True] * 4, [None, True]):
        with pytest.raises(acc.OptionError, match=r"The mask has \d values?, but the table has 3 rows"):
            assets[mask]
    numpy = pytest.importorskip("numpy")
    with pytest.raises(acc.OptionError, match="0 values"):
        assets[numpy.array([], dtype=bool)]
    with pytest.raises(TypeError, match=r"For a column, use to_pandas\(\)\['Barcode'\]"):
        assets["Barcode"]
    wrong: Any
    for wrong in (["Barcode"], [0.5], [slice(1)], [True, 1, False], b"\x01", {0: True}, 1.5, None):
        with pytest.raises(TypeError):
            assets[wrong]


def test_selected_rows_go_into_a_file(assets: acc.AssetTable, project: acc.Project, tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    path = tmp_path / "no-barcode.xlsx"
    assets[assets.to_pandas()["Barcode"].isna()].to_excel(path)
    assert project.assets.patch(path).counts == {"unchanged": 2}


def test_relationships_are_selected_and_written(
    project: acc.Project, sim: acc.testing.Simulator, tmp_path: Path
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    polars = pytest.importorskip("polars")
    sim.seed_relationships(5)
    found = project.relationships.search("asset")
    frame = found.to_polars()
    some = found[frame["from_kind"] == "asset"]
    assert type(some) is acc.RelationshipTable
    assert some.ids == frame.filter(polars.col("from_kind") == "asset")["id"].to_list()
    found.to_excel(tmp_path / "links.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "links.xlsx")["Relationships"]
    assert [cell.value for cell in sheet[1]] == frame.columns
    assert [cell.value for cell in sheet["A"]][1:] == found.ids
    found.to_csv(tmp_path / "links.csv")
    assert polars.read_csv(tmp_path / "links.csv")["id"].to_list() == found.ids
    found.to_parquet(tmp_path / "links.parquet")
    assert polars.read_parquet(tmp_path / "links.parquet").equals(frame)
    with pytest.raises(acc.FileError, match=r"already exists\. overwrite=True replaces it$"):
        found.to_csv(tmp_path / "links.csv")
    found.to_csv(tmp_path / "links.csv", overwrite=True)


def test_print_shows_the_first_rows_and_columns(assets: acc.AssetTable) -> None:
    headline, head, *rows = str(assets).splitlines()
    assert headline == repr(assets) == "AssetTable: 3 rows"
    assert head.split()[:4] == ["id", "Asset", "ID", "Category"]
    assert head.endswith(" columns")
    assert [row.split()[1] for row in rows] == ["A", "B", "C"]
    assert "HVAC > Air Handling" in rows[0]
    many = assets[[0] * 9]
    assert str(many).splitlines()[-1] == "..."
    assert len(str(many).splitlines()) == 8
    assert max(map(len, str(many).splitlines())) < 110
    assert str(acc.AssetTable(assets._table)).splitlines()[1].split()[:2] == ["id", "clientAssetId"]
    assert str(assets[:0]).splitlines()[0] == "AssetTable: 0 rows"
