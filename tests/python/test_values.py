"""One table of values, the same for every kind of input."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from conftest import Kit, kit_of

import acc_assets as acc

INF, NAN = float("inf"), float("nan")


def dicts(row: dict[str, Any]) -> Any:
    return [row]


def generator(row: dict[str, Any]) -> Any:
    return (each for each in [row])


def pandas(row: dict[str, Any]) -> Any:
    frame = pytest.importorskip("pandas")
    return frame.DataFrame({name: [value] for name, value in row.items()})


def polars(row: dict[str, Any]) -> Any:
    return pytest.importorskip("polars").DataFrame(
        {name: [value] for name, value in row.items()}, strict=False
    )


def arrow(row: dict[str, Any]) -> Any:
    return pytest.importorskip("pyarrow").table({name: [value] for name, value in row.items()})


def reader(row: dict[str, Any]) -> Any:
    return arrow(row).to_reader()


ALL = (dicts, generator, pandas, polars, arrow, reader)
OBJECTS = (dicts, generator, pandas)  # kinds that support any Python object

ABSENT, INVALID = object(), object()


class Color(enum.Enum):
    RED = "red"


# Field (or type of custom attribute), value, value in the service, kinds of input that support the value.
TABLE: list[tuple[str, Any, Any, tuple[Any, ...]]] = [
    ("description", "on the roof", "on the roof", ALL),
    ("description", None, ABSENT, ALL),
    ("description", NAN, ABSENT, ALL),
    ("description", "x" * 1000, "x" * 1000, ALL),
    ("description", "x" * 1001, INVALID, ALL),
    ("description", Color.RED, "red", OBJECTS),
    ("barcode", "0042", "0042", ALL),
    ("barcode", 42, "42", ALL),
    ("barcode", 42.0, "42", ALL),
    ("barcode", 42.5, "42.5", ALL),
    ("barcode", INF, INVALID, ALL),
    ("barcode", Decimal("42"), "42", ALL),
    ("barcode", 2**70, str(2**70), OBJECTS),
    ("clientAssetId", None, INVALID, ALL),
    ("clientAssetId", NAN, INVALID, ALL),
    ("clientAssetId", 101, "101", ALL),
    ("categoryId", None, INVALID, ALL),
    ("categoryId", "nan", INVALID, ALL),
    ("categoryId", 42.5, INVALID, ALL),
    ("categoryId", INF, INVALID, ALL),
    ("statusId", "None", INVALID, ALL),
    ("statusId", "NaT", INVALID, ALL),
    ("statusId", "Nowhere", INVALID, ALL),
    ("locationId", "nan", INVALID, ALL),
    ("locationId", None, ABSENT, ALL),
    ("text", "plain", "plain", ALL),
    ("text", "x" * 251, INVALID, ALL),
    ("numeric", 12.5, "12.5", ALL),
    ("numeric", 12, "12", ALL),
    ("numeric", "12.5", "12.5", ALL),
    ("numeric", Decimal("12.50"), "12.50", ALL),
    ("numeric", INF, INVALID, ALL),
    ("numeric", NAN, ABSENT, ALL),
    ("boolean", True, True, ALL),
    ("boolean", False, False, ALL),
    ("boolean", None, ABSENT, ALL),
    ("date", dt.date(2031, 2, 28), "2031-02-28", ALL),
    ("date", dt.datetime(2031, 2, 28), "2031-02-28", ALL),
    ("date", dt.datetime(2031, 2, 28, 10, 30), INVALID, ALL),
    ("date", "2031-02-28", "2031-02-28", ALL),
    ("date", None, ABSENT, ALL),
]
CASES = [
    pytest.param(field, value, expected, kind, id=f"{field}={str(value)[:30]!r}-{kind.__name__}")
    for field, value, expected, kinds in TABLE
    for kind in kinds
]


@pytest.fixture(scope="module")
def busy() -> Iterator[tuple[acc.Assets, Kit]]:
    """One simulator for the whole table, with a sufficient rate window."""
    limits = acc.Limits(assets_write=10_000, assets_read=10_000)
    with acc.testing.Simulator(seed=1, limits=limits) as sim, sim.client() as client:
        yield client.project(sim.project_id).assets, kit_of(sim)


def outcome_and_asset(
    assets: acc.Assets,
    kit: Kit,
    field: str,
    value: Any,
    kind: Callable[[dict[str, Any]], Any],
    **options: Any,
) -> tuple[acc.RowOutcome, Any]:
    """Create one row with this value. Return its outcome, and the value of the field in the service."""
    name = kit.name(field) if field in kit.attributes else field
    result = assets.create(kind({**kit.row(), name: value}), returning=True, **options)
    if not result.ok or result.assets is None:
        return result[0], ABSENT
    asset = result.assets[0]
    place = asset.get("customAttributes", {}) if field in kit.attributes else asset
    found = place.get(name)
    return result[0], ABSENT if found is None else found


@pytest.mark.filterwarnings("ignore::acc_assets.DataWarning")
@pytest.mark.parametrize(("field", "value", "expected", "kind"), CASES)
def test_value_means_the_same_in_every_kind_of_input(
    field: str, value: Any, expected: Any, kind: Callable[[dict[str, Any]], Any], busy: tuple[acc.Assets, Kit]
) -> None:
    assets, kit = busy
    outcome, found = outcome_and_asset(assets, kit, field, value, kind)
    if expected is INVALID:
        assert outcome.status == "invalid"
        assert outcome.error is not None
        assert outcome.error.column == (kit.name(field) if field in kit.attributes else field)
        assert outcome.error.message
    else:
        assert outcome.status == "created", outcome.error
        if field == "numeric" and expected is not ABSENT:
            found, expected = Decimal(str(found)), Decimal(expected)
        assert found == expected


@pytest.mark.parametrize("kind", ALL)
def test_category_ids_converted_to_numbers(
    kind: Callable[[dict[str, Any]], Any], busy: tuple[acc.Assets, Kit]
) -> None:
    assets, kit = busy
    for value in (int(kit.category), float(kit.category)):
        assert outcome_and_asset(assets, kit, "categoryId", value, kind)[1] == kit.category


@pytest.mark.parametrize("kind", ALL)
def test_select_values(kind: Callable[[dict[str, Any]], Any], busy: tuple[acc.Assets, Kit]) -> None:
    assets, kit = busy
    one = kit.choices("select")[0]
    assert outcome_and_asset(assets, kit, "select", one, kind)[1] == one
    many = kit.choices("multi_select")[:2]
    assert outcome_and_asset(assets, kit, "multi_select", many, kind)[1] == many


@pytest.mark.parametrize("kind", ALL)
def test_dates_truncate_drops_the_time(
    kind: Callable[[dict[str, Any]], Any], busy: tuple[acc.Assets, Kit]
) -> None:
    noon = dt.datetime(2031, 2, 28, 12)
    assets, kit = busy
    assert outcome_and_asset(assets, kit, "date", noon, kind, dates="truncate")[1] == "2031-02-28"


@pytest.mark.parametrize("kind", ALL)
def test_unknown_field_has_the_closest_match(
    kind: Callable[[dict[str, Any]], Any], busy: tuple[acc.Assets, Kit]
) -> None:
    assets, kit = busy
    with pytest.warns(acc.DataWarning, match="did you mean `Barcode`[?] Column 'bar_cod' was ignored"):
        outcome, _ = outcome_and_asset(assets, kit, "bar_cod", "1", kind)
    assert outcome.status == "created"


@pytest.mark.parametrize("kind", OBJECTS)
def test_ids_as_uuid_objects(kind: Callable[[dict[str, Any]], Any], busy: tuple[acc.Assets, Kit]) -> None:
    assets, kit = busy
    assert outcome_and_asset(assets, kit, "statusId", uuid.UUID(kit.status), kind)[1] == kit.status


@pytest.mark.filterwarnings("ignore::acc_assets.DataWarning")
@pytest.mark.parametrize("kind", OBJECTS)
def test_numpy_scalars(kind: Callable[[dict[str, Any]], Any], busy: tuple[acc.Assets, Kit]) -> None:
    numpy = pytest.importorskip("numpy")
    assets, kit = busy
    for field, value, expected in (
        ("barcode", numpy.int64(42), "42"),
        ("description", numpy.str_("text"), "text"),
        ("boolean", numpy.bool_(True), True),
        ("date", numpy.datetime64("2031-02-28"), "2031-02-28"),
    ):
        assert outcome_and_asset(assets, kit, field, value, kind)[1] == expected
    for value in (numpy.float64(12.5), numpy.float32(0.1)):
        found = outcome_and_asset(assets, kit, "numeric", value, kind)[1]
        assert Decimal(str(found)) == Decimal(str(value))


def test_columns_with_special_types(busy: tuple[acc.Assets, Kit]) -> None:
    """Categories, dictionaries and single precision are sent as the values that they represent."""
    assets, kit = busy
    pandas, polars, pyarrow = (pytest.importorskip(name) for name in ("pandas", "polars", "pyarrow"))
    numeric, rows = kit.name("numeric"), kit.rows(2)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    names, small = ["roof", "cellar"], [0.1, 0.2]
    frames = [
        pandas.DataFrame(columns).assign(
            description=pandas.Categorical(names), **{numeric: pandas.Series(small, dtype="float32")}
        ),
        polars.DataFrame({**columns, "description": names, numeric: small}).with_columns(
            polars.col("description").cast(polars.Categorical), polars.col(numeric).cast(polars.Float32)
        ),
        pyarrow.table(
            {
                **columns,
                "description": pyarrow.array(names).dictionary_encode(),
                numeric: pyarrow.array(small, pyarrow.float32()),
            }
        ),
    ]
    for frame in frames:
        made = assets.create(frame, returning=True)
        assert made.assets is not None
        assert [asset["description"] for asset in made.assets] == names
        assert [str(asset["customAttributes"][numeric]) for asset in made.assets] == ["0.1", "0.2"]


# Values and dtype of a pandas Series, type of custom attribute, value in the service.
SERIES: list[tuple[list[Any], str, str, Any]] = [
    (["roof", None], "str", "text", "roof"),
    (["roof", None], "string[python]", "text", "roof"),
    (["roof", None], "string[pyarrow]", "text", "roof"),
    (["roof", None], "large_string[pyarrow]", "text", "roof"),
    (["roof", None], "object", "text", "roof"),
    (["roof", None], "category", "text", "roof"),
    ([True, False], "bool", "boolean", True),
    ([True, None], "boolean", "boolean", True),
    ([True, None], "bool[pyarrow]", "boolean", True),
    ([-7, 8], "int8", "numeric", "-7"),
    ([-7, 8], "int16", "numeric", "-7"),
    ([-7, 8], "int32", "numeric", "-7"),
    ([7, 8], "uint8", "numeric", "7"),
    ([7, 8], "uint16", "numeric", "7"),
    ([7, 8], "uint32", "numeric", "7"),
    ([2**64 - 1, 8], "uint64", "numeric", str(2**64 - 1)),
    ([2**64 - 1, None], "UInt64", "numeric", str(2**64 - 1)),
    ([2**63 - 1, None], "Int64", "numeric", str(2**63 - 1)),
    ([2**63 - 1, None], "int64[pyarrow]", "numeric", str(2**63 - 1)),
    ([0.5, None], "float16", "numeric", "0.5"),
    ([0.1, None], "float32", "numeric", "0.1"),
    ([0.1, None], "float64", "numeric", "0.1"),
    ([0.1, None], "longdouble", "numeric", "0.1"),
    ([0.1, None], ">f8", "numeric", "0.1"),
    ([0.1, None], "Float32", "numeric", "0.1"),
    ([0.1, None], "Float64", "numeric", "0.1"),
    ([0.1, None], "float[pyarrow]", "numeric", "0.1"),
    ([0.1, None], "double[pyarrow]", "numeric", "0.1"),
    ([0.1, None], "Sparse[float]", "numeric", "0.1"),
    ([INF, None], "float64", "numeric", INVALID),
    ([dt.date(2031, 2, 28), None], "date32[pyarrow]", "date", "2031-02-28"),
    *(
        ([moment, None], dtype, "date", INVALID if "00:00:01" in moment else "2031-02-28")
        for moment in ("2031-02-28", "2031-02-28 00:00:01")
        for dtype in (
            "datetime64[s]",
            "datetime64[ms]",
            "datetime64[us]",
            "datetime64[ns]",
            "datetime64[us, Asia/Tokyo]",
            "datetime64[ns, America/New_York]",
            "timestamp[s][pyarrow]",
            "timestamp[ns][pyarrow]",
        )
    ),
    (["2031-02-28 00:00:00.000000001", None], "datetime64[ns]", "date", INVALID),
    (["2031-02-28 00:00:00.000000001", None], "datetime64[ns, Asia/Tokyo]", "date", INVALID),
    (["2031-02-28 00:00:00.000000001", None], "timestamp[ns][pyarrow]", "date", INVALID),
    ([dt.timedelta(1), None], "timedelta64[ns]", "date", INVALID),
]


@pytest.mark.parametrize(
    ("values", "dtype", "field", "expected"),
    [pytest.param(*case, id=f"{case[1]}-{case[0][0]}") for case in SERIES],
)
def test_a_pandas_column_of_every_type(
    values: list[Any], dtype: str, field: str, expected: Any, busy: tuple[acc.Assets, Kit]
) -> None:
    """Nulls are not sent, and chunks or gaps between rows do not shift values to other rows."""
    pandas = pytest.importorskip("pandas")
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    assets, kit = busy
    made: list[Any] = [
        pandas.Timestamp(value) if isinstance(value, str) and value[0] == "2" else value for value in values
    ]
    zoned = field == "date" and "," in dtype
    if zoned:
        zone = dtype.partition(", ")[2].rstrip("]")
        made = [None if value is None else value.tz_localize(zone) for value in made]
    series = pandas.Series(made).astype(dtype) if zoned else pandas.Series(made, dtype=dtype)
    twice = pandas.concat([series, series], ignore_index=True)
    frame = pandas.DataFrame(kit.rows(4)).assign(**{kit.name(field): twice})
    for part in (frame, frame.iloc[::-1], frame.iloc[[2, 1]], frame.iloc[::3], frame.iloc[:0]):
        result = assets.create(part, returning=True)
        found = {outcome.key: outcome.status for outcome in result}
        for row in part.index:
            good = expected is not INVALID or row % 2 == 1
            assert found[f"AHU-{row}"] == ("created" if good else "invalid")
        for asset in result.assets.to_dicts() if result.assets is not None else []:
            value = asset.get("customAttributes", {}).get(kit.name(field))
            if int(asset["clientAssetId"][-1]) % 2 == 0:
                assert value == expected if field != "numeric" else Decimal(str(value)) == Decimal(expected)
            elif values[1] is None:
                assert value is None
            else:
                assert value is False or Decimal(str(value)) == values[1]
