"""Any row can either be sent or is invalid with a reason. No row raises an exception or is lost.

Only two things may end a call: what the user's own rows raise, and an `InputError`. The inputs are the same in each
run, so that a change is judged by what it does; `make fuzz` sets `HYPOTHESIS_CASES` and gives many others.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import functools
import logging
import os
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest
from conftest import kit_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import acc_assets as acc

pytestmark = [pytest.mark.filterwarnings("ignore::acc_assets.DataWarning"), pytest.mark.once]

CASES = os.environ.get("HYPOTHESIS_CASES")
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
MANY = settings(
    deadline=5000, max_examples=int(CASES or 100), derandomize=CASES is None, suppress_health_check=SLOW
)

with acc.testing.Simulator(seed=1) as sim, sim.client() as client:
    SETTINGS = client.project(sim.project_id).settings()
PROJECT = acc.Client(auth="token", base_url="http://localhost:9").project(SETTINGS.project_id)
RULES = {rule["code"] for rule in acc._core.rules()}
# Unicode's White_Space; `str.strip` without an argument also strips four control characters.
WHITESPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
Color = enum.Enum("Color", {"RED": "red", "ODD": 7.5, "LIST": ["a"]})

NAMES = [
    "clientAssetId",
    "categoryId",
    "statusId",
    "description",
    "locationId",
    "barcode",
    "customAttributes",
    "id",
    "version",
    "ca1",
    "ca2",
    "customAttributes.ca3",
    "unknown column",
    "",
    # Codes of checks that need settings.
    "Asset ID",
    "Category",
    "Status",
    "Location",
    *(attribute.display_name for attribute in SETTINGS.attributes),
]
COLUMNS: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(NAMES),
    st.text(max_size=4),
    st.integers(),
    st.none(),
    st.just("\ud800"),
    st.tuples(st.text()),
)
FIT = st.fixed_dictionaries(
    {
        "clientAssetId": st.sampled_from(["A", "B", 7]),
        "categoryId": st.just("1"),
        "statusId": st.just("5cd53aeb-6657-4fb3-a077-f700fb29e644"),
    }
)
NAMED = st.fixed_dictionaries(
    {
        "Asset ID": st.sampled_from(["A", "B", 7]),
        "Category": st.sampled_from([category.path for category in SETTINGS.categories]),
        "Status": st.sampled_from([status.label for status in SETTINGS.statuses]),
    }
)


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """Suppress the log line of each bad result, because there are thousands."""
    logger = logging.getLogger("acc_assets")
    before, logger.disabled = logger.disabled, True
    yield
    logger.disabled = before


@pytest.fixture
def served() -> Iterator[acc.testing.Simulator]:
    """A simulator whose rate limit is never reached."""
    limits = acc.Limits(assets_write=10**6, assets_read=10**6)
    with acc.testing.Simulator(seed=1, limits=limits) as sim:
        yield sim


# Number of calls of the running test with an outcome per row, and of calls rejected as a whole.
ENDED: Counter[str] = Counter()


@pytest.fixture(autouse=True)
def most_inputs_are_judged() -> Iterator[None]:
    """Fail if most inputs are rejected as a whole, because then no rows are tested."""
    ENDED.clear()
    yield
    assert ENDED["refused"] <= ENDED["judged"]


class OwnError(Exception):
    """An exception raised by the user's code."""


class Raising:
    """A key that cannot be converted to a string."""

    def __str__(self) -> str:
        raise OwnError


class RaisingText(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise OwnError


class OtherInt(int):
    def __int__(self) -> int:
        raise OwnError

    __index__ = __int__


class OtherDate(datetime.date):
    def toordinal(self) -> int:
        return 2**70


class OtherList(list[Any]):
    """A sequence that reports a wrong length."""

    def __len__(self) -> int:
        return 2**40


class OtherTuple(tuple[Any, ...]):
    __slots__ = ()

    def __len__(self) -> int:
        return 77


class OtherDict(dict[Any, Any]):
    def __len__(self) -> int:
        raise OwnError

    def items(self) -> Any:
        raise OwnError


class Lying(Mapping[Any, Any]):
    """A mapping with the given items."""

    def __init__(self, items: Callable[[], Any]) -> None:
        self._items = items

    def __getitem__(self, key: Any) -> Any:
        raise OwnError

    def __len__(self) -> int:
        raise OwnError

    def __iter__(self) -> Iterator[Any]:
        raise OwnError

    def items(self) -> Any:
        return self._items()


class Lengthy:
    """An Arrow stream that reports a wrong length."""

    def __init__(self, table: Any, length: int) -> None:
        self._table = table
        self._length = length

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return self._length


def raises() -> Any:
    raise OwnError


def half() -> Iterator[Any]:
    yield ("clientAssetId", "A")
    raise OwnError


SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.text(st.characters(categories=["Cs", "Ll"]), max_size=4),
    st.binary(max_size=8),
    st.decimals(),
    st.dates(),
    st.datetimes(timezones=st.one_of(st.none(), st.timezones())),
    st.times(),
    st.timedeltas(),
    st.uuids(),
    st.fractions(),
    st.complex_numbers(),
    st.sampled_from(list(Color)),
    st.sampled_from(
        [
            acc.CLEAR,
            object(),
            int,
            len,
            Raising(),
            RaisingText("x"),
            OtherInt(5),
            OtherDate(2020, 1, 1),
            OtherList(["a"]),
            OtherTuple(["a"]),
            OtherDict({"ca1": 1}),
            10**4000,
            decimal.Decimal("1E+999999999"),
            decimal.Decimal("1E-999999999"),
            decimal.Decimal("-0"),
            decimal.Decimal("sNaN"),
            "x" * 10_000,
        ]
    ),
)
LIES: st.SearchStrategy[Any] = st.sampled_from(
    [
        raises,
        half,
        lambda: 5,
        lambda: None,
        lambda: [1],
        lambda: ["ab"],
        lambda: [(1, 2, 3)],
        lambda: [("ca1", "x")],
        lambda: [(Raising(), "x")],
    ]
).map(Lying)


def numpy_values() -> list[Any]:
    numpy = pytest.importorskip("numpy")
    return [
        numpy.float32(0.1),
        numpy.float16("nan"),
        numpy.int8(3),
        numpy.uint64(2**64 - 1),
        numpy.bool_(True),
        numpy.datetime64("NaT"),
        numpy.datetime64("2020-01-01"),
        numpy.datetime64("2020-01-01T00:00:00.000000001"),
        numpy.datetime64(2**62, "Y"),
        numpy.timedelta64(3, "s"),
        numpy.array(["a", None], dtype=object),
        numpy.array(3),
        numpy.zeros((2, 2, 2, 2, 2, 2)),
        numpy.str_("x"),
        numpy.void(b"x"),
        numpy.longdouble(1.5),
    ]


VALUES = st.recursive(
    st.one_of(SCALARS, SCALARS, LIES, st.deferred(lambda: st.sampled_from(numpy_values()))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.text(max_size=5), st.sampled_from(NAMES), st.integers()), inner, max_size=3
        ),
        st.tuples(inner),
        st.frozensets(st.text(), max_size=2),
        inner.map(lambda value: iter([value])),
    ),
    max_leaves=6,
)
ROW: st.SearchStrategy[Any] = st.one_of(
    st.dictionaries(COLUMNS, VALUES, max_size=8),
    st.tuples(FIT, st.dictionaries(COLUMNS, VALUES, max_size=3)).map(lambda pair: {**pair[1], **pair[0]}),
    st.tuples(NAMED, st.dictionaries(COLUMNS, VALUES, max_size=3)).map(lambda pair: {**pair[1], **pair[0]}),
    SCALARS,
)
ROWS = st.lists(ROW, max_size=6)
Verb = Callable[..., acc.BulkResult]
CREATE = functools.partial(PROJECT.assets.create, settings=None)
NAMED_CREATE = functools.partial(PROJECT.assets.create, settings=SETTINGS)
PATCH = functools.partial(PROJECT.assets.patch, settings=None)
VERBS: list[Verb] = [CREATE, NAMED_CREATE, PATCH]


def judged(verb: Verb, data: Any, rows: int) -> acc.BulkResult:
    """Do a dry run in which each row gets an outcome."""
    result = verb(data, dry_run=True, on_error="collect")
    assert len(result) == rows
    assert result.estimate is not None
    for place, outcome in enumerate(result):
        assert outcome.row == place
        assert outcome.status in {"not_sent", "invalid"}
        if outcome.status == "invalid":
            assert outcome.error is not None
            assert outcome.error.message
            assert {problem.code for problem in outcome.error.problems} <= RULES
    ENDED["judged"] += 1
    return result


def ends(verb: Verb, data: Any, rows: int) -> None:
    """Check that each row has an outcome, or that the call raises a clear error with the result so far."""
    try:
        result: acc.BulkResult | None = judged(verb, data, rows)
    except (acc.InputError, OwnError) as error:
        ENDED["refused"] += isinstance(error, acc.InputError)
        result = getattr(error, "result", None)
    assert result is None or len(result) <= rows


@MANY
@given(ROWS)
def test_create_gives_any_row_an_outcome(rows: list[Any]) -> None:
    for verb in VERBS:
        judged(verb, [{}, *rows], len(rows) + 1)


@MANY
@given(st.lists(st.one_of(ROW, LIES), max_size=5), st.integers(0, 5), st.sampled_from([OwnError, None]))
def test_create_keeps_outcomes_before_a_generator_raises(
    rows: list[Any], stop: int, raised: type[BaseException] | None
) -> None:
    def generated() -> Iterator[Any]:
        for place, row in enumerate(rows):
            if place == stop and raised is not None:
                raise raised
            yield row

    for verb in VERBS:
        ends(verb, generated(), len(rows))
        if raised is not None and stop < len(rows) and not any(isinstance(row, Lying) for row in rows[:stop]):
            with pytest.raises(raised) as caught:
                verb(generated(), dry_run=True)
            assert len(caught.value.result) == stop  # type: ignore[attr-defined]


@MANY
@given(
    st.lists(LIES, max_size=3),
    st.lists(FIT, max_size=2),
    st.sampled_from([OtherList, OtherTuple, list, iter]),
)
def test_create_with_inconsistent_mappings_and_lists(
    lies: list[Any], rows: list[Any], kind: Callable[[Any], Any]
) -> None:
    for verb in VERBS:
        ends(verb, kind([*rows, *lies]), len(lies) + len(rows))
        judged(verb, kind(rows), len(rows))


@MANY
@given(st.one_of(VALUES, st.lists(VALUES, max_size=4), ROWS))
def test_verbs_accept_or_reject_any_object(data: Any) -> None:
    for verb in (*VERBS, PROJECT.assets.delete, PROJECT.relationships.delete):
        try:
            result = verb(data, dry_run=True)
        except (acc.InputError, OwnError):
            continue
        assert all(outcome.status in {"not_sent", "invalid"} for outcome in result)


def test_create_sends_text_unchanged(served: acc.testing.Simulator) -> None:
    """Text is sent unchanged, except that whitespace around a clientAssetId is removed if there is other text."""
    kit = kit_of(served)
    outcomes: Counter[str] = Counter()

    @MANY
    @given(st.text(), st.text())
    def check(name: str, description: str) -> None:
        row = kit.row(name, description=description)
        (outcome,) = create([row])
        outcomes[outcome.status] += 1
        if outcome.status == "created":
            asset = served.assets()[-1]
            assert asset["id"] == outcome.id
            assert asset["clientAssetId"] == (name.strip(WHITESPACE) or name)
            assert asset["description"] == description
        else:
            assert outcome.error is not None
            assert outcome.error.column in {"clientAssetId", "description"}

    with served.client() as client:
        create = functools.partial(client.project(served.project_id).assets.create, settings=None)
        check()
    assert outcomes["created"] > outcomes["invalid"]


@MANY
@given(st.data())
def test_create_gives_any_pandas_column_outcomes(data: st.DataObject) -> None:
    pandas = pytest.importorskip("pandas")
    rows = data.draw(st.integers(0, 4))
    names = data.draw(st.lists(COLUMNS, max_size=4, unique_by=str))
    columns = {
        name: data.draw(
            st.lists(VALUES, min_size=rows, max_size=rows).map(
                lambda cells: pandas.Series(cells, dtype=object)
            )
        )
        for name in names
    }
    try:
        frame = pandas.DataFrame(columns, index=range(rows))
    except UnicodeEncodeError:
        return  # pandas does not accept such a name
    if data.draw(st.booleans()):
        frame = frame.infer_objects()
    labels = data.draw(
        st.lists(st.one_of(st.integers(), st.text(), st.none(), st.floats()), min_size=rows, max_size=rows)
    )
    if data.draw(st.booleans()):
        frame.index = pandas.Index(labels, dtype=object)
    for verb in VERBS:
        ends(verb, frame, rows)


def arrow_types() -> st.SearchStrategy[Any]:
    pa = pytest.importorskip("pyarrow")
    plain = [
        pa.null(), pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(),
        pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.string(), pa.large_string(), pa.string_view(),
        pa.binary(), pa.large_binary(), pa.binary(3), pa.binary_view(), pa.date32(), pa.date64(), pa.time32("s"),
        pa.time64("us"), pa.duration("ms"), pa.timestamp("s"), pa.timestamp("ms", tz="UTC"),
        pa.timestamp("us", tz="Europe/Berlin"), pa.timestamp("ns", tz="+05:30"), pa.decimal128(38, 10),
        pa.decimal128(5, -3), pa.decimal256(76, 5), pa.month_day_nano_interval(),
    ]  # fmt: skip
    keys = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint32()]
    values = [pa.string(), pa.large_string(), pa.int64(), pa.float64()]
    return st.recursive(
        st.one_of(
            st.sampled_from(plain), st.builds(pa.dictionary, st.sampled_from(keys), st.sampled_from(values))
        ),
        lambda inner: st.one_of(
            inner.map(pa.list_),
            inner.map(pa.large_list),
            inner.map(pa.list_view),
            st.tuples(inner, st.integers(0, 2)).map(lambda pair: pa.list_(*pair)),
            inner.map(lambda kind: pa.map_(pa.string(), kind)),
            st.dictionaries(st.sampled_from(["ca1", "ca2", "x"]), inner, max_size=2).map(
                lambda fields: pa.struct(list(fields.items()))
            ),
        ),
        max_leaves=3,
    )


INT_BOUNDS = {f"{sign}int{bits}": bits for sign in ("", "u") for bits in (8, 16, 32, 64)}


def arrow_value(pa: Any, kind: Any) -> st.SearchStrategy[Any]:
    """Return possible values of an array of this type."""
    types = pa.types
    name = str(kind)
    if name in INT_BOUNDS:
        bits = INT_BOUNDS[name]
        inner: st.SearchStrategy[Any] = (
            st.integers(0, 2**bits - 1)
            if types.is_unsigned_integer(kind)
            else st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        )
    elif types.is_null(kind):
        return st.none()
    elif types.is_boolean(kind):
        inner = st.booleans()
    elif types.is_floating(kind):
        inner = st.floats(width=16)
    elif types.is_string(kind) or types.is_large_string(kind) or name == "string_view":
        inner = st.one_of(st.text(max_size=20), st.sampled_from(["A", "1", "nan"]))
    elif types.is_fixed_size_binary(kind):
        inner = st.binary(min_size=kind.byte_width, max_size=kind.byte_width)
    elif types.is_binary(kind) or types.is_large_binary(kind) or name == "binary_view":
        inner = st.binary(max_size=20)
    elif types.is_date(kind):
        inner = st.dates()
    elif types.is_time(kind):
        inner = st.times().map(lambda time: time.replace(microsecond=0))
    elif types.is_duration(kind):
        inner = st.integers(-(10**6), 10**6)
    elif types.is_timestamp(kind):
        inner = st.integers(-(2**62), 2**62)
    elif types.is_decimal(kind):
        inner = st.integers(-99, 99).map(lambda number: decimal.Decimal(number) * 1000)
    elif types.is_interval(kind):
        inner = st.tuples(*[st.integers(-9, 9)] * 3)
    elif types.is_dictionary(kind):
        inner = arrow_value(pa, kind.value_type)
    elif types.is_map(kind):
        inner = st.lists(st.tuples(st.text(max_size=3), arrow_value(pa, kind.item_type)), max_size=2)
    elif types.is_fixed_size_list(kind):
        inner = st.lists(arrow_value(pa, kind.value_type), min_size=kind.list_size, max_size=kind.list_size)
    elif types.is_struct(kind):
        inner = st.fixed_dictionaries(
            {kind.field(at).name: arrow_value(pa, kind.field(at).type) for at in range(kind.num_fields)}
        )
    else:
        inner = st.lists(arrow_value(pa, kind.value_type), max_size=3)
    return st.one_of(st.none(), inner)


def arrow_array(data: st.DataObject, pa: Any, rows: int) -> Any:
    """Draw an array of any type, complete or a slice of a longer one."""
    kind = data.draw(arrow_types())
    before, after = data.draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    many = before + rows + after
    values = data.draw(st.lists(arrow_value(pa, kind), min_size=many, max_size=many))
    try:
        array = pa.array(values, type=kind)
    except (pa.ArrowException, NotImplementedError, OverflowError):
        array = pa.nulls(many, type=kind)
    return array.slice(before, rows)


def judged_unless_too_nested(verb: Verb, data: Any, rows: int) -> None:
    """Accept an error for nested types that the Arrow library does not support."""
    try:
        judged(verb, data, rows)
    except acc.InputError as error:
        limits = ("the Arrow library cannot read a nested column", "C Data interface error")
        if not any(limit in str(error) for limit in limits):
            raise
        ENDED["refused"] += 1


@MANY
@given(st.data())
def test_create_gives_any_arrow_table_outcomes(data: st.DataObject) -> None:
    pa = pytest.importorskip("pyarrow")
    lengths = data.draw(st.lists(st.integers(0, 3), max_size=3))
    names = data.draw(st.lists(st.sampled_from(NAMES), max_size=4))
    rows = sum(lengths)
    columns = []
    for _ in names:
        whole = arrow_array(data, pa, rows)
        start = 0
        chunks = []
        for length in lengths:
            chunks.append(whole.slice(start, length))
            start += length
        columns.append(pa.chunked_array(chunks, type=whole.type))
    table = pa.Table.from_arrays(columns, names=names)
    if not names:
        rows = 0
    length = data.draw(st.integers(0, 9))
    doubled = len(set(names)) < len(names)
    for verb in VERBS:
        for given_rows in (
            table,
            pa.RecordBatchReader.from_batches(table.schema, table.to_batches()),
            Lengthy(table, length),
        ):
            if doubled or (verb == PATCH and "id" not in names):
                ends(verb, given_rows, rows)
            else:
                judged_unless_too_nested(verb, given_rows, rows)


@MANY
@given(st.data())
def test_create_gives_any_arrow_backed_pandas_column_outcomes(data: st.DataObject) -> None:
    pandas = pytest.importorskip("pandas")
    pa = pytest.importorskip("pyarrow")
    rows = data.draw(st.integers(0, 4))
    names = data.draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True))
    try:
        frame = pandas.DataFrame(
            {
                name: pandas.arrays.ArrowExtensionArray(pa.chunked_array([arrow_array(data, pa, rows)]))
                for name in names
            }
        )
    except (NotImplementedError, TypeError, pa.ArrowException):
        return  # pandas does not accept such a column
    for verb in VERBS:
        ends(verb, frame, len(frame))


@MANY
@given(
    st.sampled_from(["string", "large_string", "list", "dictionary", "view"]),
    st.lists(st.integers(-(2**31), 2**31 - 1) | st.integers(0, 9), min_size=3, max_size=3),
    st.binary(min_size=4, max_size=9),
)
def test_create_rejects_damaged_arrow_data(kind: str, numbers: list[int], text: bytes) -> None:
    """Strings that are not Unicode, and invalid offsets and keys."""
    pa = pytest.importorskip("pyarrow")
    try:
        if kind == "dictionary":
            indices = pa.array(numbers[:2], type=pa.int32())
            column = pa.DictionaryArray.from_arrays(indices, pa.array(["a", "b"]), safe=False)
        elif kind == "view":
            views = struct.pack("<i12s", *(numbers[0] % 13, text)) + struct.pack(
                "<i4sii", 20, text[:4], *numbers[:2]
            )
            column = pa.Array.from_buffers(
                pa.string_view(), 2, [None, pa.py_buffer(views), pa.py_buffer(text * 9)]
            )
        else:
            wide = kind == "large_string"
            offsets = pa.py_buffer(struct.pack("<3q" if wide else "<3i", *numbers))
            if kind == "list":
                column = pa.Array.from_buffers(
                    pa.list_(pa.string()), 2, [None, offsets], children=[pa.array(["a", "b", "c"])]
                )
            else:
                kinds = pa.large_string() if wide else pa.string()
                column = pa.Array.from_buffers(kinds, 2, [None, offsets, pa.py_buffer(text)])
    except pa.ArrowException:
        return  # pyarrow itself rejects it
    table = pa.table({"clientAssetId": ["A", "B"], "id": ["A", "B"], "ca1": column})
    for verb in VERBS:
        with suppress(acc.InputError):
            judged(verb, table, 2)


@MANY
@given(st.data())
def test_create_gives_any_polars_frame_outcomes(data: st.DataObject) -> None:
    polars = pytest.importorskip("polars")
    pa = pytest.importorskip("pyarrow")
    rows = data.draw(st.integers(0, 4))
    names = data.draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True))
    try:
        frame = polars.DataFrame({name: polars.Series(values=arrow_array(data, pa, rows)) for name in names})
    except (Exception, polars.exceptions.PanicException):
        return  # polars does not accept such a type
    for verb in VERBS:
        if verb is PATCH and "id" not in names:
            ends(verb, frame, len(frame))
        else:
            judged_unless_too_nested(verb, frame, len(frame))
