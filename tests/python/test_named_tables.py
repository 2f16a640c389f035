"""Tables with names: the form of every kind of name and value, in every kind of table and file."""

from __future__ import annotations

import datetime
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import acc_assets as acc
from acc_assets import _core

READ_AT = "2031-02-03T04:05:06.789Z"


def category(id: str, parent: str | None, name: str, active: bool = True) -> dict[str, Any]:
    return {
        "id": id,
        "name": name,
        "parent": parent,
        "root": parent is None,
        "active": active,
        "description": None,
    }


def attribute(number: int, name: str, kind: str, options: Any = (), active: bool = True) -> dict[str, Any]:
    return {
        "id": f"a{number}",
        "name": f"ca{number}",
        "display_name": name,
        "description": None,
        "data_type": kind,
        "required": False,
        "longest": None,
        "default": None,
        "choices": [{"id": id, "label": label, "active": active} for id, label, active in options],
        "active": active,
    }


def status(id: str, label: str, active: bool = True) -> dict[str, Any]:
    return {"id": id, "label": label, "color": None, "description": None, "active": active}


def settings(**content: Any) -> _core.Settings:
    whole: dict[str, Any] = {
        "project": "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047",
        "read_at": READ_AT,
        "categories": [],
        "status_sets": [],
        "attributes": [],
        "category_status_sets": [],
        "category_attributes": [],
        "locations": None,
        "notes": [],
    }
    return _core.Settings.load(json.dumps({"acc_assets_settings": 1, "settings": whole | content}).encode())


def table(rows: list[Any], known: _core.Settings | None) -> acc.AssetTable:
    state = [[json.dumps(row) for row in rows], []]
    return acc.AssetTable(_core.Table.load(json.dumps(state).encode()), known)


# The columns of every table with names, before and after the custom attributes.
OWN = ["id", "Asset ID", "Category", "Status", "Description", "Location", "Barcode"]
OF_SERVICE = [
    *("isActive", "version", "createdAt", "createdBy", "updatedAt", "updatedBy"),
    *("deletedAt", "deletedBy", "companyId"),
]


def shown(rows: list[Any], known: _core.Settings) -> dict[str, list[str]]:
    """The texts of the columns, as in a CSV file."""
    flat = table(rows, known)._flat()
    names, cells = flat.head(len(rows))
    return {name: [row[at] for row in cells] for at, name in enumerate(names)}


def typed(rows: list[Any], *attributes: Any) -> list[tuple[str, str, list[Any]]]:
    """The columns of attributes: name, type and values."""
    pyarrow = pytest.importorskip("pyarrow")
    read = pyarrow.table(table(rows, settings(attributes=attributes)))
    found = [(field.name, str(field.type), read[field.name].to_pylist()) for field in read.schema]
    return found[len(OWN) : -len(OF_SERVICE)]


def values(*cells: Any) -> list[Any]:
    """Rows with these values of the attribute ca1."""
    return [{"id": f"r{at}", "customAttributes": {"ca1": cell}} for at, cell in enumerate(cells)]


# ---- names ----


@pytest.mark.once
def test_columns_have_headings_in_a_fixed_order() -> None:
    row = {
        "customAttributes": {"ca10": 1, "ca2": "x", "ca99": True, "ca100": 2, "ca3": None},
        "other": 1,
        "companyId": "c",
        "updatedBy": "u",
        "version": 1,
        "barcode": "0",
        "locationId": "l",
        "description": "d",
        "statusId": "s",
        "categoryId": "1",
        "clientAssetId": "a",
        "id": "i",
    }
    attributes = [
        attribute(10, "Flow", "numeric"),
        attribute(2, "Maker", "text"),
        attribute(3, "Old", "text", active=False),
        attribute(4, "Blank", "date"),
    ]
    known = settings(attributes=attributes)
    found = ["Flow", "Maker", "Blank"]
    assert list(shown([row], known)) == [*OWN, *found, "ca99", "ca100", *OF_SERVICE, "other"]
    # Rows without values, and no rows, have the same columns.
    for rows in ([{"id": "r"}], []):
        assert table(rows, known)._flat().head(0)[0] == [*OWN, *found, *OF_SERVICE]
    # An inactive attribute has a column only if it has values.
    assert list(shown([{"id": "r", "customAttributes": {"ca3": "x"}}], known)) == [
        *OWN,
        "Flow",
        "Maker",
        "Old",
        "Blank",
        *OF_SERVICE,
    ]


@pytest.mark.once
def test_attributes_that_were_not_read_have_no_columns() -> None:
    """A column without values would look as if the assets had none."""
    known = settings(attributes=[attribute(1, "Flow", "numeric")])
    assets = acc.AssetTable(table([{"id": "r"}, {"id": "s"}], None)._table, known, attributes=False)
    for same in (assets, assets[:1], assets[[1]], pickle.loads(pickle.dumps(assets))):
        assert same._flat().head(0)[0] == [*OWN, *OF_SERVICE]


@pytest.mark.once
def test_pages_have_one_schema_whatever_their_values(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    duckdb = pytest.importorskip("duckdb")
    kinds = ("numeric", "date", "boolean", "select", "multi_select", "text", "new")
    known = settings(attributes=[attribute(at, kind, kind, OPTIONS) for at, kind in enumerate(kinds, 1)])
    flows: list[Any] = ["5", 3, "2.5", 0.25, None]
    pages = [table([{"id": "r", "customAttributes": {"ca1": flow}}], known) for flow in flows]
    pages += [
        table([{"id": "r", "other": 1, **ROWS[0]}], known)[:0],
        table([], known),
        table(ROWS[:1], known),
    ]
    frames = [page.to_polars() for page in pages]
    assert len({str(frame.schema) for frame in frames}) == 1
    assert polars.concat(frames)["numeric"].sum() == 10.75 + 1.5
    for at, page in enumerate(pages):
        page.to_parquet(tmp_path / f"{at}.parquet")
    (found,) = duckdb.sql(f"select sum(numeric) from '{tmp_path}/*.parquet'").fetchall()
    assert found == (12.25,)


@pytest.mark.once
def test_ids_become_names_and_unknown_ids_stay() -> None:
    known = settings(
        categories=[
            category("1", None, "ROOT"),
            category("2", "1", "HVAC"),
            category("3", "2", "Fans", False),
        ],
        status_sets=[
            {
                "id": "set",
                "name": "Default",
                "description": None,
                "default": True,
                "active": True,
                "statuses": [status("S1", " Open "), status("s2", "Gone", False), status("s3", "  ")],
            }
        ],
        locations=[
            {"id": "l0", "parent": None, "name": "Site", "barcode": None},
            {"id": "l1", "parent": "l0", "name": "Level 1", "barcode": None},
            {"id": "l2", "parent": "l1", "name": "", "barcode": None},
        ],
    )
    rows = [
        {"id": "a", "categoryId": "3", "statusId": "s1", "locationId": "L1"},
        {"id": "b", "categoryId": 2, "statusId": "s2", "locationId": "l0"},
        {"id": "c", "categoryId": "1", "statusId": "s3", "locationId": "l2"},
        {"id": "d", "categoryId": "9", "statusId": "s9", "locationId": "l9"},
        {"id": "e", "categoryId": {"x": 1}, "statusId": None, "locationId": True},
    ]
    found = shown(rows, known)
    assert found["Category"] == ["HVAC > Fans", "HVAC", "ROOT", "9", '{"x":1}']
    assert found["Status"] == ["Open", "Gone", "s3", "s9", ""]
    assert found["Location"] == ["Level 1", "Site", "l2", "l9", "true"]
    # Without a location tree, the ids stay.
    assert shown(rows, settings())["Location"] == ["L1", "l0", "l2", "l9", "true"]


@pytest.mark.once
def test_ambiguous_paths_have_an_id() -> None:
    """Names may contain the separator, and inactive categories may have the path of an active one."""
    known = settings(
        categories=[
            category("1", None, "ROOT"),
            category("2", "1", "A"),
            category("3", "2", "B"),
            category("4", "1", "A > B"),
            category("5", "1", "A", False),
            category("6", "1", "C > D"),
            category("7", "1", "17"),
            category("17", "1", "E"),
        ]
    )
    rows = [{"id": id, "categoryId": id} for id in ("2", "3", "4", "5", "6", "7", "17")]
    names = shown(rows, known)["Category"]
    assert names == ["A", "A > B (3)", "A > B (4)", "A (5)", "C > D", "17 (7)", "E"]
    for row, name in zip(rows, names, strict=True):
        assert known.find_category(name, ">", True)["id"] == row["id"]
    with pytest.raises(acc.OptionError, match="inactive"):
        known.find_category("A (5)", ">")
    with pytest.raises(acc.OptionError, match="no such category"):
        known.find_category("A (4)", ">")


@pytest.mark.once
@pytest.mark.parametrize("active", [True, False])
def test_headings_that_could_mean_another_column_have_a_number(active: bool) -> None:
    names = [
        *(
            "Airflow",
            " airflow",
            "Status",
            "id",
            "Asset ID",
            "createdAt",
            "Updated by",
            "ca9",
            "Mark",
            "customAttributes",
        ),
        *("Mark (ca9)", "Größe\n(mm)", "", "Name", "Line", "Barcode *", "Company Id"),
    ]
    attributes = [attribute(at, name, "text", active=active or at != 1) for at, name in enumerate(names, 1)]
    row = {"id": "r", "customAttributes": {f"ca{at}": f"v{at}" for at in range(1, len(names) + 1)}}
    known = settings(attributes=attributes)
    found = shown([row], known)
    headings = list(found)[len(OWN) : -len(OF_SERVICE)]
    assert headings == [
        *("Airflow (ca1)", "airflow (ca2)", "Status (ca3)", "id (ca4)", "Asset ID (ca5)", "createdAt (ca6)"),
        *(
            "Updated by (ca7)",
            "ca9 (ca8)",
            "Mark",
            "customAttributes (ca10)",
            "Mark (ca9) (ca11)",
            "Größe\n(mm)",
        ),
        *("ca13", "Name (ca14)", "Line", "Barcode * (ca16)", "Company Id (ca17)"),
    ]
    for at, heading in enumerate(headings, 1):
        if active or at != 1:
            assert known.find_attribute(heading)[0] == f"ca{at}", heading
    if not active:
        with pytest.raises(acc.OptionError, match="inactive"):
            known.find_attribute("Airflow (ca1)")
        assert known.find_attribute("Airflow")[0] == "ca2"


@pytest.mark.once
def test_a_heading_with_a_number_must_fit_the_attribute() -> None:
    known = settings(
        attributes=[
            attribute(1, "Flow", "text"),
            attribute(2, "Flow (ca1)", "text"),
            attribute(3, "Head", "text"),
        ]
    )
    with pytest.raises(acc.OptionError, match=r"ambiguous.*Flow \(ca1\) \(ca2\).*Flow \(ca1\)"):
        known.find_attribute("Flow (ca1)")
    with pytest.raises(acc.OptionError, match="no such"):
        known.find_attribute("Head (ca1)")
    assert known.find_attribute("HEAD (ca3)")[0] == "ca3"


@pytest.mark.once
def test_undocumented_fields_do_not_look_like_known_columns() -> None:
    known = settings(attributes=[attribute(1, "serial number", "text")])
    row = {"id": "r", "statusId": "s", "Status": 1, "serialNumber": "7", "customAttributes": {"ca1": "8"}}
    assert {name: cells for name, cells in shown([row], known).items() if cells != [""]} == {
        "id": ["r"],
        "Status": ["s"],
        "serial number": ["8"],
        "Status (service)": ["1"],
        "serialNumber (service)": ["7"],
    }


OPTIONS = [("o1", "F7", True), ("o2", "Old", False), ("o3", "a; b", True), ("o4", " ", True)]


@pytest.mark.once
def test_options_become_labels() -> None:
    cells = ["o1", "O2", "o9", ["o3"], ["o1", "o3"], None, "o4", {"x": 1}, 7]
    (column,) = typed(values(*cells), attribute(1, "Filter", "select", OPTIONS))
    assert column == (
        "Filter",
        "string",
        ["F7", "Old", "o9", "a; b", '["F7","a; b"]', None, "o4", '{"x":1}', "7"],
    )
    (column,) = typed(
        values(["o1", "o2"], [], None, ["o9"], "o3"), attribute(1, "Filter", "multi_select", OPTIONS)
    )
    assert column == ("Filter", "list<item: string>", [["F7", "Old"], [], None, ["o9"], ["a; b"]])
    (column,) = typed(values(["o1"], [1]), attribute(1, "Filter", "multi_select", OPTIONS))
    assert column == ("Filter", "string", ['["F7"]', "[1]"])


@pytest.mark.once
def test_types_of_attributes() -> None:
    day = datetime.date(2031, 2, 28)
    cases: list[tuple[str, list[Any], str, list[Any]]] = [
        # One type, so that files of several pages fit together.
        ("numeric", ["110", 7, None, " "], "double", [110.0, 7.0, None, None]),
        ("numeric", [7, 8], "double", [7.0, 8.0]),
        ("numeric", [7, 0.5], "double", [7.0, 0.5]),
        ("numeric", ["1.50", 7, "1e3"], "double", [1.5, 7.0, 1000.0]),
        ("numeric", [None], "double", [None]),
        ("numeric", [9007199254740992, "2"], "double", [9007199254740992.0, 2.0]),
        # Nothing is lost: the column is text.
        ("numeric", [9007199254740993, "2"], "string", ["9007199254740993", "2"]),
        ("numeric", ["1.50", "n/a"], "string", ["1.50", "n/a"]),
        ("numeric", ["0.10000000000000001", "2"], "string", ["0.10000000000000001", "2"]),
        ("numeric", [9007199254740993, "1.5"], "string", ["9007199254740993", "1.5"]),
        ("numeric", ["1", True], "string", ["1", "true"]),
        ("date", ["2031-02-28", None, "2031-02-28T00:00:00.000Z"], "date32[day]", [day, None, day]),
        ("date", ["0001-01-01", "9999-12-31"], "date32[day]", [datetime.date.min, datetime.date.max]),
        ("date", [None], "date32[day]", [None]),
        ("date", ["2031-02-28", "soon"], "string", ["2031-02-28", "soon"]),
        ("date", ["2031-02-30"], "string", ["2031-02-30"]),
        ("date", ["2031-02-28T10:00:00.000Z"], "string", ["2031-02-28T10:00:00.000Z"]),
        ("boolean", [True, "false", None], "bool", [True, False, None]),
        ("boolean", [None], "bool", [None]),
        ("boolean", [True, "maybe"], "string", ["true", "maybe"]),
        ("text", ["1.50", 2, None], "string", ["1.50", "2", None]),
        ("text", [None], "string", [None]),
        ("text", [1, 2], "string", ["1", "2"]),
        ("date", [True], "string", ["true"]),
        ("new", [1, 2], "string", ["1", "2"]),
        ("new", [None], "string", [None]),
        ("multi_select", [None], "list<item: string>", [None]),
    ]
    for kind, cells, arrow, expected in cases:
        (column,) = typed(values(*cells), attribute(1, "X", kind))
        assert column == ("X", arrow, expected), (kind, cells)


@pytest.mark.once
def test_the_type_of_a_column_depends_on_all_pages() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    rows = [{"id": f"r{at}", "customAttributes": {"ca1": f"{at}.50"}} for at in range(3000)]
    known = settings(attributes=[attribute(1, "X", "numeric")])
    assert pyarrow.table(table(rows, known))["X"].to_pylist() == [at + 0.5 for at in range(3000)]
    rows[-1]["customAttributes"] = {"ca1": "none"}
    read = pyarrow.table(table(rows, known))["X"].to_pylist()
    assert read == [*(f"{at}.50" for at in range(2999)), "none"]


@pytest.mark.once
def test_each_of_many_ids_has_its_own_name() -> None:
    """The core remembers recent ids by a digest of their first and last characters."""
    alike = [f"aaaaaaaa{number:02}bbbbbbbb" for number in range(20)]
    ids = [*alike, *(str(number) for number in range(17_000)), *alike, "0", "16999"]
    labels = {id: f"Label {id}" for id in (*alike[::3], "7", "16999")}
    statuses = [status(id, label) for id, label in labels.items()]
    known = settings(
        status_sets=[
            {"id": "set", "name": "Default", "description": None, "default": True, "active": True}
            | {"statuses": statuses}
        ]
    )
    found = shown([{"id": "r", "statusId": id} for id in ids], known)["Status"]
    assert found == [labels.get(id, id) for id in ids]


@pytest.mark.once
def test_fields_of_another_type_are_text() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    read = pyarrow.table(
        table([{"id": "r", "clientAssetId": 7, "isActive": "no", "barcode": None}], settings())
    )
    types = {field.name: str(field.type) for field in read.schema}
    assert [types[name] for name in ("id", "Asset ID", "Barcode", "isActive")] == ["string"] * 4
    assert (types["version"], types["createdAt"]) == ("int64", "timestamp[ms, tz=UTC]")


# ---- tables ----

KNOWN = settings(
    categories=[category("1", None, "ROOT"), category("2", "1", "HVAC"), category("3", "2", "Fans")],
    attributes=[
        attribute(1, "Flow", "numeric"),
        attribute(2, "Installed", "date"),
        attribute(3, "Ready", "boolean"),
        attribute(4, "Filter", "select", OPTIONS),
        attribute(5, "Functions", "multi_select", OPTIONS),
        attribute(6, "Count", "numeric"),
    ],
)
ROWS: list[Any] = [
    {
        "id": "r1",
        "clientAssetId": "AHU-1",
        "categoryId": "3",
        "isActive": True,
        "version": 7,
        "createdAt": READ_AT,
        "customAttributes": {
            "ca1": "1.50",
            "ca2": "2031-02-28",
            "ca3": True,
            "ca4": "o1",
            "ca5": ["o1", "o3"],
        },
    },
    {"id": "r2", "categoryId": "9", "customAttributes": {"ca1": 2, "ca5": [], "ca6": "9007199254740993"}},
    {"id": "r3"},
]
CODE = """
import sys
if {blocked}:
    sys.modules["pyarrow"] = None
import pickle
import pandas
for table in pickle.loads(sys.stdin.buffer.read()):
    frame = table.to_pandas()
    for name in frame.columns:
        values = [value if type(value) is list or pandas.notna(value) else None for value in frame[name]]
        print(name, str(frame[name].dtype), values)
    print(list(frame.index))
"""


def test_pandas_is_the_same_with_and_without_pyarrow() -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    tables = [table(rows, KNOWN) for rows in (ROWS, ROWS[:1], ROWS[2:], [])]

    def frames(blocked: bool) -> str:
        run = subprocess.run(
            [sys.executable, "-c", CODE.format(blocked=blocked)],
            input=pickle.dumps(tables),
            capture_output=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr.decode()
        return run.stdout.decode()

    assert frames(True) == frames(False)


def test_pandas_has_nullable_types() -> None:
    pandas = pytest.importorskip("pandas")
    frame = table(ROWS, KNOWN).to_pandas()
    types = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert types["Flow"] == "float64"
    assert types["Installed"] == "datetime64[ms]"
    assert (types["Ready"], types["version"]) == ("boolean", "Int64")
    assert frame.loc[1, "Count"] == "9007199254740993"
    assert frame.loc[0, "Installed"] == pandas.Timestamp(2031, 2, 28)
    assert frame["Functions"].tolist()[:2] == [["F7", "a; b"], []]


def test_polars_and_duckdb_read_names() -> None:
    polars = pytest.importorskip("polars")
    frame = table(ROWS, KNOWN).to_polars()
    assert frame.schema["Installed"] == polars.Date
    assert frame["Category"].to_list() == ["HVAC > Fans", "9", None]
    # The stream itself has another layout of strings.
    assert frame.equals(polars.DataFrame(table(ROWS, KNOWN)._flat()))
    duckdb = pytest.importorskip("duckdb")
    assets = table(ROWS, KNOWN)  # noqa: F841  # duckdb finds it by its name
    found = duckdb.sql(
        """select "Asset ID", Installed from assets where Category = 'HVAC > Fans'"""
    ).fetchall()
    assert found == [("AHU-1", datetime.date(2031, 2, 28))]


@pytest.mark.once
def test_columns_without_values_share_their_memory() -> None:
    """A project has many attributes that most assets have no value of."""
    pyarrow = pytest.importorskip("pyarrow")
    attributes = [attribute(number, f"Blank {number}", "text") for number in range(10, 14)]
    lists = [attribute(number, f"Blank {number}", "multi_select") for number in range(14, 16)]
    # Neither a missing value nor null is a value.
    rows = [{"id": "r1", "customAttributes": {"ca10": None}}, {"id": "r2"}]
    assets = table(rows, settings(attributes=[*attributes, *lists]))
    names, of_lists = ([one["display_name"] for one in some] for some in (attributes, lists))
    for flat in (assets._flat(), assets._flat().with_views()):
        read = pyarrow.table(flat)
        for same in (names, of_lists):
            buffers = [[b and b.address for b in read[name].chunk(0).buffers()] for name in same]
            assert buffers == buffers[:1] * len(same)
            assert all(read[name].null_count == len(rows) for name in same)
    values = {name: cells for name, _, cells, _ in assets._flat().frame(["text", "list"])}
    assert all(values[name] is values["Barcode"] for name in [*names, *of_lists])
    assert values["Barcode"] == [None, None]


@pytest.mark.once
def test_polars_reads_strings_without_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polars would copy strings of another layout, those of columns without values too."""
    pyarrow = pytest.importorskip("pyarrow")
    polars = pytest.importorskip("polars")
    assets = table(ROWS, KNOWN)
    monkeypatch.setattr(polars, "DataFrame", pyarrow.table)
    read: Any = assets.to_polars()
    types = {field.name: field.type for field in read.schema}
    view = pyarrow.string_view()
    assert types["Asset ID"] == types["Category"] == types["companyId"] == view
    assert types["Functions"] == pyarrow.list_(view)
    assert pyarrow.table(assets).schema.field("Asset ID").type == pyarrow.string()


@pytest.mark.parametrize("blocked", [False, True])
def test_columns_without_values_are_independent_in_pandas(
    blocked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pandas")
    if blocked:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
    frame = table(ROWS, KNOWN).to_pandas()
    frame.loc[0, "Barcode"] = "0017"
    assert frame["Barcode"].tolist()[:1] == ["0017"]
    assert frame[["Description", "Location", "companyId"]].isna().to_numpy().all()


def test_names_can_be_turned_off() -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("polars")
    named, plain = table(ROWS, KNOWN), table(ROWS, None)
    assert named.to_dicts() == plain.to_dicts() == ROWS
    assert named[0] == ROWS[0]
    assert list(named.to_pandas(names=False).columns) == list(plain.to_pandas().columns)
    assert named.to_polars(names=False).equals(plain.to_polars())
    assert named.to_polars(True).columns == named.to_polars().columns
    assert plain.to_polars().columns[1] == "clientAssetId"
    for convert in (plain.to_pandas, plain.to_polars):
        with pytest.raises(acc.OptionError, match="Read it with names=True"):
            convert(names=True)
    with pytest.raises(acc.OptionError, match="names must be True or False"):
        named.to_pandas(names="no")  # type: ignore[arg-type]


def test_pickles_and_slices_keep_the_names() -> None:
    pytest.importorskip("polars")
    assets = table(ROWS, KNOWN)
    whole = assets.to_polars()
    assert pickle.loads(pickle.dumps(assets)).to_polars().equals(whole)
    assert assets[:2].to_polars()["Category"].to_list() == ["HVAC > Fans", "9"]
    assert pickle.loads(pickle.dumps(assets[::-1]))[2:].to_polars()["Asset ID"].to_list() == ["AHU-1"]
    # Rows that are not adjacent on their page.
    assert assets[::2].to_polars()["id"].to_list() == ["r1", "r3"]
    assert pickle.loads(pickle.dumps(table(ROWS, None))).to_polars().columns[1] == "clientAssetId"


def test_html_shows_names() -> None:
    html = table(ROWS * 20, KNOWN)._repr_html_()
    for part in ("<th>Asset ID</th>", "<td>HVAC &gt; Fans</td>", "<td>2031-02-28</td>", "and 50 more rows"):
        assert part in html
    assert "<td>o1</td>" not in html
    assert "<th>clientAssetId</th>" in table(ROWS, None)._repr_html_()


# ---- files ----


@pytest.mark.once
def test_csv_follows_the_standard(tmp_path: Path) -> None:
    rows = [
        {
            "id": "r",
            "description": '=1+1, "q"\nü',
            "barcode": " 007 ",
            "isActive": False,
            "createdAt": READ_AT,
            "customAttributes": {"ca1": 5, "ca6": "2.50"},
        },
        {"id": "s", "customAttributes": {"ca1": 1e20, "ca6": "-7"}},
    ]
    table(rows, KNOWN).to_csv(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes().decode() == (
        f"\ufeff{','.join((*OWN, 'Flow', 'Installed', 'Ready', 'Filter', 'Functions', 'Count', *OF_SERVICE))}\r\n"
        f'r,,,,"=1+1, ""q""\nü",," 007 ",5,,,,,2.5,false,,{READ_AT},,,,,,\r\n'
        "s,,,,,,,1e+20,,,,,-7,,,,,,,,,\r\n"
    )
    table(rows, KNOWN).to_csv(tmp_path / "b.csv", names=False)
    assert (tmp_path / "b.csv").read_bytes().decode().startswith("\ufeffid,description,barcode,")


@pytest.mark.once
def test_excel_has_cells_of_the_right_type(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    rows = [
        {
            **ROWS[0],
            "description": "=1+1",
            "barcode": "007",
            "clientAssetId": 7,
            "customAttributes": {**ROWS[0]["customAttributes"], "ca2": "1900-02-28", "ca6": 2**53 + 1},
        },
        {"id": "r2", "customAttributes": {"ca1": 1 / 3, "ca2": "2031-02-28", "ca6": 12}},
        {"id": "r3", "customAttributes": {"ca1": 2}},
    ]
    path = tmp_path / "a.xlsx"
    table(rows, KNOWN).to_excel(path, sheet="My assets")
    sheet = openpyxl.load_workbook(path)["My assets"]
    heads, first, second, third = [list(row) for row in sheet.iter_rows()]
    cells = {head.value: cell for head, cell in zip(heads, first, strict=True)}
    assert (cells["Barcode"].value, cells["Barcode"].number_format) == ("007", "@")
    assert cells["Asset ID"].value == "7"  # a number in the response, but the column is text
    assert (cells["Description"].value, cells["Description"].data_type) == ("=1+1", "s")
    assert (cells["Flow"].value, cells["Ready"].value) == (1.5, True)
    # Excel would change a date before March 1900 and a number with more than 15 digits.
    assert (cells["Installed"].value, cells["Count"].value) == ("1900-02-28", str(2**53 + 1))
    assert cells["Functions"].value == '["F7","a; b"]'
    assert cells["createdAt"].value == datetime.datetime(2031, 2, 3, 4, 5, 6, 789000)
    cells = {head.value: cell for head, cell in zip(heads, second, strict=True)}
    assert (cells["Flow"].value, cells["Count"].value) == (1 / 3, "12")
    assert cells["Installed"].value == datetime.datetime(2031, 2, 28)
    assert next(cell.value for head, cell in zip(heads, third, strict=True) if head.value == "Flow") == 2
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == f"A1:{heads[-1].coordinate[:-1]}4"
    assert heads[0].font.bold
    assert 9 < sheet.column_dimensions["C"].width < 20


@pytest.mark.once
def test_excel_reports_what_does_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    many = acc.AssetTable(table(ROWS, KNOWN)._table.take([0] * 1_048_576), KNOWN)
    with pytest.raises(
        acc.InputError, match=r"1048576 rows of .* do not fit .*: write a CSV or Parquet file"
    ):
        many.to_excel(path)
    with pytest.raises(acc.InputError, match="`Description` has more than 32767 characters in row 1"):
        table([{"id": "r1"}, {"id": "r2", "description": "x" * 32_768}], KNOWN).to_excel(path)
    for sheet in ("a/b", "", "x" * 32, "locations"):
        with pytest.raises(acc.OptionError, match="sheet: "):
            table(ROWS, KNOWN).to_excel(path, sheet=sheet)
    with pytest.raises(acc.FileError, match=r"ends with \.xlsx"):
        table(ROWS, KNOWN).to_excel(tmp_path / "a.xls")
    assert not any(tmp_path.iterdir())


def test_files_are_not_overwritten(tmp_path: Path) -> None:
    pytest.importorskip("polars")
    assets = table(ROWS, KNOWN)
    for write, name in (
        (assets.to_csv, "a.csv"),
        (assets.to_excel, "a.xlsx"),
        (assets.to_parquet, "a.parquet"),
    ):
        path = tmp_path / name
        path.write_text("mine")
        with pytest.raises(acc.FileError, match="already exists"):
            write(path)
        assert path.read_text() == "mine"
        write(path, overwrite=True)
        assert path.stat().st_size > 100
        with pytest.raises(acc.OptionError, match="overwrite must be"):
            write(path, overwrite=1)  # type: ignore[arg-type]
        with pytest.raises(acc.OptionError, match="Read it with names=True"):
            (getattr(table(ROWS, None), write.__name__))(path, names=True, overwrite=True)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("engine", ["pyarrow", "polars"])
def test_parquet_needs_pyarrow_or_polars(
    tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    polars = pytest.importorskip("polars")
    pytest.importorskip(engine)
    if engine == "polars":
        monkeypatch.setitem(sys.modules, "pyarrow", None)
    assets = table(ROWS, KNOWN)
    assets.to_parquet(tmp_path / "a.parquet")
    assert polars.read_parquet(tmp_path / "a.parquet").equals(assets.to_polars())
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ImportError, match="pip install"):
        assets.to_parquet(tmp_path / "b.parquet")
    assert not (tmp_path / "b.parquet").exists()
