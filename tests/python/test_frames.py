"""Realistic input: sheets, indexes, streams, and programs without pandas."""

from __future__ import annotations

import decimal
import pathlib
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from conftest import Kit

import acc_assets as acc


@pytest.fixture
def pandas() -> Any:
    return pytest.importorskip("pandas")


def test_named_index_is_always_a_column(pandas: Any, project: acc.Project, kit: Kit) -> None:
    for numbers in ([101, 102, 103], [5, 9, 2], [0, 1, 2]):
        frame = pandas.DataFrame(kit.rows(3)).assign(clientAssetId=numbers).set_index("clientAssetId")
        result = project.assets.create(frame)
        assert [outcome.key for outcome in result] == [str(number) for number in numbers]


def test_unnamed_index_only_labels_the_rows(pandas: Any, project: acc.Project, kit: Kit) -> None:
    frame = pandas.DataFrame(kit.rows(3)).drop(columns="statusId")
    frame.index = ["first", "second", "third"]
    result = project.assets.create(frame)
    assert [outcome.label for outcome in result] == ["first", "second", "third"]
    assert "'first'" in repr(result)


def test_a_filtered_frame_keeps_its_row_labels(pandas: Any, project: acc.Project, kit: Kit) -> None:
    result = project.assets.create(pandas.DataFrame(kit.rows(10)).iloc[[3, 7]])
    assert [(outcome.row, outcome.label) for outcome in result] == [(0, 3), (1, 7)]


def test_an_index_of_several_levels(pandas: Any, project: acc.Project, kit: Kit) -> None:
    frame = pandas.DataFrame(kit.rows(2)).drop(columns="clientAssetId")
    frame.index = pandas.MultiIndex.from_tuples([("A", 1), ("B", 2)], names=["clientAssetId", None])
    result = project.assets.create(frame)
    assert [(outcome.key, outcome.label) for outcome in result] == [("A", ("A", 1)), ("B", ("B", 2))]


def test_mixed_columns_of_a_sheet(pandas: Any, project: acc.Project, kit: Kit) -> None:
    frame = pandas.DataFrame(kit.rows(3))
    frame["clientAssetId"] = ["AHU-1", 101, 102.0]
    frame["barcode"] = ["007", None, "008"]
    frame[kit.name("date")] = [pandas.Timestamp("2031-02-28"), "2031-03-01", None]
    frame["description"] = pandas.Series([None, None, None], dtype=object)
    result = project.assets.create(frame)
    assert result.ok
    assert [outcome.key for outcome in result] == ["AHU-1", "101", "102"]


def test_cell_that_pandas_cannot_distinguish_from_a_blank(
    pandas: Any, project: acc.Project, kit: Kit
) -> None:
    frame = pandas.DataFrame(kit.rows(3))
    frame[kit.name("numeric")] = pandas.Series(
        [decimal.Decimal("sNaN"), decimal.Decimal("NaN"), 1.5], dtype=object
    )
    with pytest.raises(decimal.InvalidOperation):
        frame.isna()
    result = project.assets.create(frame, returning=True)
    assert result.assets is not None
    assert [asset.get("customAttributes", {}) for asset in result.assets] == [
        {},
        {},
        {kit.name("numeric"): "1.5"},
    ]


def test_a_sheet_file(pandas: Any, project: acc.Project, kit: Kit, tmp_path: pathlib.Path) -> None:
    pytest.importorskip("openpyxl")
    path = tmp_path / "ahu.xlsx"
    pandas.DataFrame(kit.rows(3, barcode="0042")).to_excel(path, index=False)
    result = project.assets.create(pandas.read_excel(path, dtype=str), returning=True)
    assert result.assets is not None
    assert [asset["barcode"] for asset in result.assets] == ["0042"] * 3


@pytest.mark.parametrize("dtype", ["Int64", "int64", "float64", "object", "string"])
def test_category_ids_of_every_pandas_type(dtype: str, pandas: Any, project: acc.Project, kit: Kit) -> None:
    frame = pandas.DataFrame(kit.rows(2))
    whole = pandas.Series([int(kit.category)] * 2)
    frame["categoryId"] = whole.astype("Int64").astype(dtype)
    assert project.assets.create(frame).ok


def test_arrow_columns_of_an_old_pandas(
    pandas: Any, project: acc.Project, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame(kit.rows(3)).astype("string[pyarrow]")

    def refuse(*_: object) -> None:
        raise ImportError("pyarrow is too old")

    monkeypatch.setattr(pandas.DataFrame, "__arrow_c_stream__", refuse)
    assert project.assets.create(frame).counts == {"created": 3}


def test_duplicate_columns_are_rejected(
    pandas: Any, project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    frame = pandas.DataFrame(kit.rows(2))
    with pytest.raises(acc.InputError, match="statusId"):
        project.assets.create(pandas.concat([frame, frame[["statusId"]]], axis=1))
    pyarrow = pytest.importorskip("pyarrow")
    with pytest.raises(acc.InputError, match="barcode"):
        project.assets.create(pyarrow.table([["x"], ["y"]], names=["barcode", "barcode"]))
    assert sim.audit()["assets_created"] == 0


def test_ids_of_frames_series_and_arrays(pandas: Any, project: acc.Project, kit: Kit) -> None:
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    ids = project.assets.create(kit.rows(3)).ids
    frame = pandas.DataFrame({"id": ids, "note": ["a", "b", "c"]})
    forms = [
        frame,
        frame.set_index("id"),
        frame["id"],
        frame["id"].to_numpy(),
        polars.DataFrame({"id": ids}),
        polars.Series(ids),
        pyarrow.table({"id": ids}),
        pyarrow.array(ids),
        pyarrow.chunked_array([ids[:1], ids[1:]]),
    ]
    assert [len(project.assets.get(form)) for form in forms] == [3] * len(forms)


def test_arrow_streams_are_read(project: acc.Project, kit: Kit) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.Table.from_pylist(kit.rows(450))
    batches = table.to_batches(max_chunksize=70)
    reader = pyarrow.RecordBatchReader.from_batches(table.schema, iter(batches))
    assert project.assets.create(reader).counts == {"created": 450}


def test_generators_are_read_as_they_are_sent(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    ahead: list[int] = []

    def rows() -> Iterator[dict[str, Any]]:
        for place in range(3000):
            if place % 500 == 0:
                ahead.append(place - sim.audit()["assets_created"])
            yield kit.row(f"AHU-{place}")

    assert project.assets.create(rows(), batch_size=100).ok
    assert max(ahead) < 3000 - 500


def test_create_rejects_data_that_is_not_a_table(project: acc.Project) -> None:
    async def rows() -> AsyncIterator[dict[str, Any]]:
        yield {}

    wrong: list[tuple[Any, str]] = [
        (None, "data is None"),
        ("ahu.xlsx", "there is no file `ahu.xlsx`"),
        (pathlib.Path("ahu.xlsx"), "there is no file `ahu.xlsx`"),
        (42, "int cannot be read"),
        (rows(), "collect it first"),
    ]
    for data, said in wrong:
        with pytest.raises(acc.InputError, match=said):
            project.assets.create(data)
    polars = pytest.importorskip("polars")
    with pytest.raises(acc.InputError, match="collect"):
        project.assets.create(polars.LazyFrame({"a": [1]}))


def test_items_that_are_not_dicts_are_invalid_rows(project: acc.Project, kit: Kit) -> None:
    rows: Any = [kit.row("A"), 42, None, kit.row("B")]
    assert [outcome.status for outcome in project.assets.create(rows)] == [
        "created",
        "invalid",
        "invalid",
        "created",
    ]


def test_package_works_without_other_packages() -> None:
    """Dicts are accepted and returned in a process without DataFrame libraries."""
    code = """
        import sys

        class Blocker:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in ("pandas", "polars", "pyarrow", "numpy"):
                    raise ImportError(f"{name} is blocked")

        sys.meta_path.insert(0, Blocker())
        import acc_assets as acc

        with acc.testing.Simulator(window=1.0) as sim:
            world = sim.world()
            category = next(c for c in world["categories"] if c["isActive"] and c["statuses"])
            row = {"clientAssetId": "A", "categoryId": category["id"], "statusId": category["statuses"][0]["id"]}
            assets = sim.client().project(sim.project_id).assets
            result = assets.create([row], returning=True)
            assert result.ok, result
            assert assets.get(result).to_dicts()[0]["clientAssetId"] == "A"
            for call in (result.to_pandas, result.to_polars, result.assets.to_pandas, result.assets.to_polars):
                try:
                    call()
                except ImportError as error:
                    assert "pip install 'acc-assets[" in str(error)
                else:
                    raise AssertionError("no error")
        print("fine")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "fine\n", done.stderr
