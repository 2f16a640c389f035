"""Tables as DataFrames and Arrow: the same values and types everywhere."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from typing import Any

import pytest
from conftest import Kit

import acc_assets as acc
from acc_assets import _core

ROWS: list[Any] = [
    {
        "id": "a1",
        "clientAssetId": "AHU-1",
        "categoryId": "17",
        "isActive": True,
        "version": 7,
        "createdAt": "2031-02-03T04:05:06.789Z",
        "createdBy": "QX3T9LM2AB7C",
        "companyId": None,
        "customAttributes": {"ca2": 6.5, "ca10": ["G4", "F7"], "ca3": 1, "ca4": True, "ca5": None},
        "description": 'é "quoted"\n',
        "new": {"a": [1, {"b": None}]},
    },
    {
        "id": "a2",
        "clientAssetId": "AHU-2",
        "categoryId": "17",
        "isActive": False,
        "version": 8,
        "createdAt": "2031-02-03T05:05:06.789+01:00",
        "deletedAt": "2031-02-03T04:05:06.789Z",
        "customAttributes": {"ca3": 2, "ca20": 1, "ca10": []},
    },
    {"id": "a3", "categoryId": "18", "createdBy": "QX3T9LM2AB7C", "customAttributes": {"ca20": "1.50"}},
]

TYPES = {
    "id": "string",
    "clientAssetId": "string",
    "categoryId": "string",
    "description": "string",
    "isActive": "bool",
    "version": "int64",
    "createdAt": "timestamp[ms, tz=UTC]",
    "createdBy": "string",
    "companyId": "string",
    "new": "string",
    "deletedAt": "timestamp[ms, tz=UTC]",
    "ca2": "double",
    "ca3": "int64",
    "ca4": "bool",
    "ca5": "string",
    "ca10": "list<item: string>",
    "ca20": "string",
}


def table(rows: list[Any]) -> acc.AssetTable:
    state = [[json.dumps(row) for row in rows], []]
    return acc.AssetTable(_core.Table.load(json.dumps(state).encode()))


def many() -> acc.AssetTable:
    rows = [
        {**ROWS[number % 3], "id": f"a{number}", "clientAssetId": f"AHU-{number}"} for number in range(5000)
    ]
    return table(rows)


def test_dicts_equal_the_response() -> None:
    assets = table(ROWS)
    assert assets.to_dicts() == ROWS == [*assets] == [assets[0], assets[1], assets[2]]
    assert [list(row) for row in assets.to_dicts()] == [list(row) for row in ROWS]
    assert many().to_dicts()[4999]["clientAssetId"] == "AHU-4999"


def test_dicts_of_odd_rows() -> None:
    rows = [
        '{"id":1,"id":"a","version":"2,","isActive":"true,"}',
        "7",
        '{"x":"\\ud83d"}',
        '{"big":18446744073709551615}',
    ]
    state = json.dumps([rows, []]).encode()
    assert acc.AssetTable(_core.Table.load(state)).to_dicts() == [
        {"id": "a", "version": 2, "isActive": True},
        {"value": 7},
        {"x": "\\ud83d"},
        {"big": 18446744073709551615},
    ]


def test_repeated_texts_are_one_object() -> None:
    pytest.importorskip("pandas")
    dicts = many().to_dicts()
    assert len({id(row["categoryId"]) for row in dicts}) == 2


def test_types_are_the_same_in_arrow_polars_and_pandas() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    schema = pyarrow.table(table(ROWS)).schema
    assert {field.name: str(field.type) for field in schema} == TYPES
    assert schema.names == list(TYPES)
    polars = pytest.importorskip("polars")
    assert table(ROWS).to_polars().schema["createdAt"] == polars.Datetime("ms", "UTC")
    pytest.importorskip("pandas")
    frame = table(ROWS).to_pandas()
    assert str(frame["createdAt"].dtype) == str(frame["deletedAt"].dtype) == "datetime64[ms, UTC]"
    assert list(frame.columns) == list(TYPES)


def test_types_do_not_depend_on_the_rows() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    first = list(TYPES)[:3]
    empty = pyarrow.table(table([])).schema
    assert [empty.field(name).type for name in first] == [pyarrow.string()] * 3
    assert empty.field("isActive").type == pyarrow.bool_()
    assert empty.field("version").type == pyarrow.int64()
    assert str(empty.field("createdAt").type) == "timestamp[ms, tz=UTC]"
    nothing = dict.fromkeys(("id", "isActive", "version", "createdAt"))
    types = [str(field.type) for field in pyarrow.table(table([nothing])).schema]
    assert types == ["string", "bool", "int64", "timestamp[ms, tz=UTC]"]


def test_an_empty_table_is_an_empty_frame() -> None:
    pytest.importorskip("pandas")
    frame = table([]).to_pandas()
    assert len(frame) == 0
    assert str(frame["isActive"].dtype) == "boolean"
    assert str(frame["version"].dtype) == "Int64"
    pytest.importorskip("polars")
    assert table([]).to_polars().height == 0


def test_pandas_types_do_not_depend_on_the_rows() -> None:
    pandas = pytest.importorskip("pandas")
    large = 2**53 + 1
    rows = [{"id": "a", "isActive": True, "version": large, "customAttributes": {"ca1": large}}, {"id": "b"}]
    frame = table(rows).to_pandas()
    assert {str(frame[name].dtype) for name in ("version", "ca1")} == {"Int64"}
    assert str(frame["isActive"].dtype) == "boolean"
    assert frame["ca1"][0] == frame["version"][0] == large
    assert frame.loc[1, ["version", "isActive", "ca1"]].isna().all()
    whole = table(rows[:1]).to_pandas()
    pandas.testing.assert_series_equal(whole.dtypes, frame[whole.columns].dtypes)


def test_a_wide_table_can_be_pickled() -> None:
    rows = [{"id": f"{row}", f"x{row % 6000}": row} for row in range(1000)]
    rows[0] |= {f"y{column}": column for column in range(6000)}
    # A page of these rows would be too wide.
    assert list(pickle.loads(pickle.dumps(table(rows)))) == rows


CODE = """
import sys
if {blocked}:
    sys.modules["pyarrow"] = None
import pickle
import acc_assets as acc
table = pickle.loads(sys.stdin.buffer.read())
frame = table.to_pandas()
import pandas
for name in frame.columns:
    values = [value if type(value) is list or pandas.notna(value) else None for value in frame[name]]
    print(name, str(frame[name].dtype), values)
print(list(frame.index))
"""


def frame_of(assets: acc.AssetTable, blocked: bool) -> str:
    import pickle

    code = CODE.format(blocked=blocked)
    run = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(assets), capture_output=True, check=False
    )
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout.decode()


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], ROWS[2:], []])
def test_pandas_is_the_same_with_and_without_pyarrow(rows: list[Any]) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    assets = table(rows)
    assert frame_of(assets, blocked=True) == frame_of(assets, blocked=False)


def test_pyarrow_filters_sorts_and_joins() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    compute = pytest.importorskip("pyarrow.compute")
    read = pyarrow.table(many())
    assert read.num_rows == 5000
    active = read.filter(compute.field("isActive"))
    assert active.num_rows == 1667
    assert active.sort_by([("clientAssetId", "descending")])["clientAssetId"][0].as_py() == "AHU-999"
    # pyarrow does not join columns of lists.
    names = read.select(["id", "categoryId"])
    joined = names.join(
        pyarrow.table({"categoryId": ["18"], "title": ["HVAC"]}), "categoryId", join_type="inner"
    )
    assert joined.num_rows == 1666
    assert set(joined["title"].to_pylist()) == {"HVAC"}


def test_polars_and_duckdb_read_the_stream() -> None:
    polars = pytest.importorskip("polars")
    frame = many().to_polars()
    assert frame.filter(polars.col("categoryId") == "18").height == 1666
    assert frame["id"].to_list() == [row["id"] for row in many()]
    duckdb = pytest.importorskip("duckdb")
    assets = many()  # noqa: F841  # duckdb finds it by its name
    assert duckdb.sql("select count(*) from assets where isActive").fetchall() == [(1667,)]


def test_a_requested_schema_lays_out_texts() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    for asked in (
        pyarrow.string_view(),
        pyarrow.large_string(),
        pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
    ):
        schema = pyarrow.schema(
            [("id", asked), ("categoryId", asked), ("version", asked), ("nowhere", asked)]
        )
        capsule = table(ROWS).__arrow_c_stream__(schema.__arrow_c_schema__())

        class Stream:
            def __arrow_c_stream__(self, requested_schema: object = None, capsule: Any = capsule) -> object:
                return capsule

        read = pyarrow.RecordBatchReader.from_stream(Stream()).read_all()
        assert read.schema.field("id").type == read.schema.field("categoryId").type == asked
        # Other types are unchanged, and missing columns are not created.
        assert read.schema.field("version").type == pyarrow.int64()
        assert read.schema.field("clientAssetId").type == pyarrow.string()
        assert read.schema.names == list(TYPES)
        assert read["id"].to_pylist() == ["a1", "a2", "a3"]


def test_invalid_schema_is_rejected() -> None:
    with pytest.raises(TypeError):
        table(ROWS).__arrow_c_stream__("schema")


def test_slices_of_an_asset_table_are_tables(project: acc.Project, kit: Kit) -> None:
    made = project.assets.create(kit.rows(5)).ids
    none = "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047"
    assets = project.assets.get([*made, none])
    ids = [asset["id"] for asset in assets]
    for part in (slice(1, 3), slice(None, None, -1), slice(-2, None), slice(9, None), slice(None)):
        assert type(assets[part]) is acc.AssetTable
        assert [asset["id"] for asset in assets[part]] == ids[part]
        assert assets[part].to_dicts() == assets.to_dicts()[part]
    assert assets[1:3][0] == assets[1]
    assert assets[1:3][::-1].to_dicts() == [assets[2], assets[1]]
    assert pickle.loads(pickle.dumps(assets[1:3])).to_dicts() == assets[1:3].to_dicts()
    # Verbs accept slices too.
    assert project.assets.delete(assets[:2]).counts == {"deleted": 2}
    with pytest.raises(IndexError):
        assets[1:3][2]
