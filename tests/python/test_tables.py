"""Tables as DataFrames and Arrow: the same values and types everywhere."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from typing import Any

import pytest
from conftest import Kit
from hypothesis import given, strategies

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


@pytest.mark.once
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


def frame_of(assets: acc.AssetTable | acc.RelationshipTable, blocked: bool) -> str:
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


def test_a_part_of_an_asset_table_keeps_what_was_missing(project: acc.Project, kit: Kit) -> None:
    made = project.assets.create(kit.rows(3)).ids
    none = "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047"
    assets = project.assets.get([*made, none])
    assert assets.ids == [asset["id"] for asset in assets]
    assert assets[1:].missing == assets[1:][:0].missing == assets.missing == [none]
    assert pickle.loads(pickle.dumps(assets[1:])).missing == [none]


# ---- relationships ----


def end(number: int) -> dict[str, Any]:
    return {
        "createdOn": "2031-02-03T04:05:06Z",
        "domain": f"d{number}",
        "type": f"t{number}",
        "id": f"e{number}",
    }


LINKS: list[Any] = [
    {
        "id": "r1",
        "createdOn": "2031-02-03T05:05:06.123456+01:00",
        "isReadOnly": False,
        "isService": True,
        "isDeleted": True,
        "deletedOn": "2031-02-03T04:05:06Z",
        "entities": [end(1), end(2)],
    },
    {"id": "r2", "isReadOnly": None, "entities": [end(3), end(4)], "new": 7},
]
COLUMNS = {
    "id": "string",
    "from_kind": "string",
    "from_domain": "string",
    "from_type": "string",
    "from_id": "string",
    "to_kind": "string",
    "to_domain": "string",
    "to_type": "string",
    "to_id": "string",
    "created_on": "timestamp[ms, tz=UTC]",
    "is_read_only": "bool",
    "is_service": "bool",
    "is_deleted": "bool",
    "deleted_on": "timestamp[ms, tz=UTC]",
}


def links(rows: list[Any]) -> acc.RelationshipTable:
    return acc.RelationshipTable(
        _core.Table.load(json.dumps([[json.dumps(row) for row in rows], []]).encode())
    )


def cells(found: acc.RelationshipTable) -> dict[str, list[Any]]:
    """The columns of a table, as Python objects."""
    return {name: list(values) for name, _, values, _ in found._flat().frame(["text", "list"])}


def test_relationships_are_dicts_and_flat_columns() -> None:
    found = links(LINKS)
    assert found.to_dicts() == LINKS == [*found] == [found[0], found[1]]
    assert found.ids == ["r1", "r2"]
    assert type(found[::-1]) is acc.RelationshipTable
    assert found[::-1].to_dicts() == LINKS[::-1]
    columns = cells(found)
    assert columns["from_id"] == ["e1", "e3"]
    assert columns["to_domain"] == ["d2", "d4"]
    copy = pickle.loads(pickle.dumps(found))
    assert (type(copy), copy.to_dicts()) == (acc.RelationshipTable, LINKS)
    assert repr(found) == "RelationshipTable: 2 rows"
    html = found._repr_html_()
    assert "<th>from_type</th>" in html
    assert "<td>t1</td>" in html
    assert "&#x27;domain&#x27;" not in html


def test_relationships_have_the_same_types_everywhere() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    for rows, more in ((LINKS, {"new": "int64"}), (LINKS[:1], {}), ([], {}), ([{"id": "r3"}], {})):
        schema = pyarrow.table(links(rows)).schema
        assert {field.name: str(field.type) for field in schema} == COLUMNS | more
        assert schema.names == [*COLUMNS, *more]
    pytest.importorskip("pandas")
    frame = links(LINKS).to_pandas()
    assert list(frame.columns) == [*COLUMNS, "new"]
    assert str(frame["created_on"].dtype) == "datetime64[ms, UTC]"
    assert str(frame["created_on"][0]) == "2031-02-03 04:05:06.123000+00:00"
    assert str(frame["is_deleted"].dtype) == "boolean"
    assert list(links([]).to_pandas().columns) == list(COLUMNS)
    polars = pytest.importorskip("polars")
    assert links([]).to_polars().columns == list(COLUMNS)
    assert links(LINKS).to_polars().schema["deleted_on"] == polars.Datetime("ms", "UTC")


@pytest.mark.parametrize("rows", [LINKS, LINKS[1:], []])
def test_relationships_are_the_same_with_and_without_pyarrow(rows: list[Any]) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    assert frame_of(links(rows), blocked=True) == frame_of(links(rows), blocked=False)


def test_entities_that_are_not_two_stay_what_they_are() -> None:
    odd: list[Any] = [
        {"id": "a", "entities": [end(1)]},
        {"id": "b", "entities": [end(1), end(2), end(3)]},
        {"id": "c", "entities": [end(1), None]},
        {"id": "d", "entities": "none"},
        {"id": "e", "entities": [{"id": 7}, {"id": {"urn": "x"}, "type": "t"}]},
        {"id": "f", "entities": []},
        {"id": "g"},
    ]
    found = links(odd)
    assert found.to_dicts() == odd
    columns = cells(found)
    assert columns["id"] == list("abcdefg")
    assert columns["from_id"] == [None, None, None, None, "7", None, None]
    assert columns["to_id"] == [None, None, None, None, '{"urn":"x"}', None, None]
    kept = [
        None if text is None else text if text == "none" else json.loads(text) for text in columns["entities"]
    ]
    assert kept == [*(row["entities"] for row in odd[:4]), None, None, None]


JSON = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.floats(allow_nan=False, allow_infinity=False)
    | strategies.text(),
    lambda inner: (
        strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(), inner, max_size=3)
    ),
    max_leaves=8,
)
ENTITY = strategies.dictionaries(strategies.sampled_from(["domain", "type", "id", "createdOn"]), JSON) | JSON
LINK = strategies.fixed_dictionaries(
    {},
    optional={
        "id": JSON,
        "entities": strategies.lists(ENTITY, max_size=3) | JSON,
        "createdOn": JSON,
        "isDeleted": JSON,
        "from_id": JSON,
        "ca1": JSON,
        "customAttributes": JSON,
        "": JSON,
    },
)


@pytest.mark.once
@given(strategies.lists(LINK | JSON, max_size=6))
def test_no_relationship_moves_a_column(rows: list[Any]) -> None:
    marked = [
        row | {"mark": f"m{place}"} if isinstance(row, dict) else {"mark": f"m{place}"}
        for place, row in enumerate(rows)
    ]
    found = links(marked)
    assert len(found) == len(found.ids) == len(found.to_dicts()) == len(rows)
    columns = {
        name: list(values) for name, kind, values, _ in found._flat().frame() if kind in ("text", "list")
    }
    if rows:
        assert columns["mark"] == [row["mark"] for row in marked]
    assert set(COLUMNS) <= {name for name, *_ in found._flat().frame()}
    assert found._repr_html_()
    # Rows that are no objects have a value only.
    assert len(links(rows)._flat()) == len(rows)
    pytest.importorskip("polars")
    assert found.to_polars().height == len(rows)
