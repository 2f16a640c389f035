"""Assets and other rows as returned by the service, as rows or as columns of a DataFrame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, overload

from . import _core, _html
from ._records import Asset
from ._text import counted

if TYPE_CHECKING:
    import pandas
    import polars
    from typing_extensions import Self

ROWS_SHOWN: Final = 10
# A row as returned by the service.
Row = TypeVar("Row")


def pandas_frame(columns: dict[str, list[Any]]) -> pandas.DataFrame:
    """Create a pandas DataFrame from these columns, without pyarrow."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError("pandas is not installed: pip install 'acc-assets[pandas]'") from error
    return pandas.DataFrame(columns)


def _from_arrow(table: _core.Table) -> pandas.DataFrame | None:
    """Create a pandas DataFrame through the Arrow C stream. Return None if pyarrow 15 or later is not installed."""
    try:
        import pyarrow

        read = pyarrow.RecordBatchReader.from_stream
    except (ImportError, AttributeError):
        return None
    import pandas

    nullable = {pyarrow.int64(): pandas.Int64Dtype(), pyarrow.bool_(): pandas.BooleanDtype()}
    frame: pandas.DataFrame = read(table).read_all().to_pandas(types_mapper=nullable.get)
    for name, _, values, _ in table.frame(["list"]):  # pyarrow converts lists to arrays
        frame[name] = _objects(values)
    return frame


def _from_columns(table: _core.Table) -> pandas.DataFrame:
    """Create the same pandas DataFrame as `_from_arrow`, without pyarrow."""
    import numpy
    import pandas

    text = pandas.Series(["a"]).dtype  # `str`, or object in pandas 2
    columns: dict[str, Any] = {}
    for name, kind, values, missing in table.frame():
        if kind == "text":
            columns[name] = pandas.Series(_objects(values), dtype=text)
            continue
        if kind == "list":
            columns[name] = _objects(values)
            continue
        array = numpy.frombuffer(values, dtype=_DTYPES[kind])
        nulls = None if missing is None else numpy.frombuffer(missing, dtype="?")
        if kind == "time":
            times = array.copy()
            if nulls is not None:
                times[nulls] = numpy.iinfo("i8").min  # NaT
            columns[name] = pandas.Series(times.view("M8[ms]")).dt.tz_localize("UTC")
        elif kind == "float":
            columns[name] = array if nulls is None else numpy.where(nulls, numpy.nan, array)
        else:
            # pandas would convert integers with missing values to floats, which lose digits beyond 2^53.
            blank = numpy.zeros(len(array), dtype="?") if nulls is None else nulls.copy()
            of_kind = pandas.arrays.BooleanArray if kind == "bool" else pandas.arrays.IntegerArray
            columns[name] = of_kind(array.copy(), blank)
    return pandas.DataFrame(columns, index=pandas.RangeIndex(len(table)))


_DTYPES = {"bool": "?", "int": "<i8", "float": "<f8", "time": "<i8"}


def _objects(values: list[Any]) -> Any:
    """Create a one-dimensional object array. From nested lists, NumPy itself would create several dimensions."""
    import numpy

    array = numpy.empty(len(values), dtype=object)
    array[:] = values
    return array


def polars_frame(source: _core.Ledger | _core.Table | dict[str, list[Any]]) -> polars.DataFrame:
    """Create a polars DataFrame through the Arrow C stream, or from columns."""
    try:
        import polars
    except ImportError as error:
        raise ImportError("polars is not installed: pip install 'acc-assets[polars]'") from error
    return polars.DataFrame(source)


def positions(rows: int, index: int | slice) -> int | range:
    """Return the row number for an index, or the row numbers for a slice."""
    try:
        return range(rows)[index]
    except IndexError:
        raise IndexError(f"There is no row {index}: {counted(rows, 'row')}, numbered from 0.") from None
    except TypeError:
        raise TypeError(
            f"A row is selected by its number or by a slice, not by {type(index).__name__}."
        ) from None


class _Table(Sequence[Row]):
    """Rows as returned by the service, converted to columns on demand."""

    __slots__ = ("_table",)

    def __init__(self, table: _core.Table, /) -> None:
        self._table = table

    @property
    def ids(self) -> list[str | None]:
        """The id of each row, or None."""
        rows = map(self._table.row, range(len(self)))
        return [None if id is None else str(id) for id in (row.get("id") for row in rows)]

    def __len__(self) -> int:
        return len(self._table)

    @overload
    def __getitem__(self, index: int, /) -> Row: ...
    @overload
    def __getitem__(self, index: slice, /) -> Self: ...
    def __getitem__(self, index: int | slice, /) -> Row | Self:
        places = positions(len(self), index)
        if isinstance(places, int):
            return cast("Row", self._table.row(places))
        return self._taken(self._table.take(places))

    def _taken(self, table: _core.Table) -> Self:
        """Return a slice."""
        return type(self)(table)

    def __iter__(self) -> Iterator[Row]:
        return (cast("Row", self._table.row(index)) for index in range(len(self)))

    def to_dicts(self) -> list[Row]:
        """Convert all rows to a list of dicts, as returned by the service."""
        return cast("list[Row]", self._table.dicts())

    def to_pandas(self) -> pandas.DataFrame:
        """Convert to a pandas DataFrame. With pyarrow, the conversion is faster and the result is the same.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas  # noqa: F401
        except ImportError as error:
            raise ImportError("pandas is not installed: pip install 'acc-assets[pandas]'") from error
        flat = self._flat()
        frame = _from_arrow(flat)
        return _from_columns(flat) if frame is None else frame

    def to_polars(self) -> polars.DataFrame:
        """Convert to a polars DataFrame.

        Raises:
            ImportError: polars is not installed.
        """
        return polars_frame(self._flat())

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export through the Arrow PyCapsule interface, for `pyarrow.table(...)`, DuckDB and others."""
        return self._flat().__arrow_c_stream__(requested_schema)

    def _flat(self) -> _core.Table:
        """Return the table whose fields become the columns of a DataFrame."""
        return self._table

    def _flat_row(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row as a dict from column to value."""
        raise NotImplementedError

    def __repr__(self) -> str:
        rows = counted(len(self), "row")
        return f"{type(self).__name__}: {rows}{', incomplete' if self._table.incomplete else ''}"

    def _repr_html_(self) -> str:
        flat = [self._flat_row(self._table.row(place)) for place in range(min(len(self), ROWS_SHOWN))]
        names = list(dict.fromkeys(name for row in flat for name in row))
        more = [f"and {len(self) - len(flat)} more rows"] if len(self) > len(flat) else []
        table = _html.table(names, [[row.get(name) for name in names] for row in flat])
        return _html.page(_html.headline(repr(self)), table, *_html.paragraphs(more))

    @classmethod
    def _load(cls, state: bytes) -> Self:
        return cls(_core.Table.load(state))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self)._load, (self._table.dump(),)


class AssetTable(_Table[Asset]):
    """Assets as returned by the service, one dict per row.

    Returned by `get` and `list`. With `returning=True`, the `assets` of a result are also an AssetTable.
    If `get` or `list` fails, the `.partial` of the exception is an AssetTable with the rows read before the failure, or
    None.

    In DataFrames and Arrow, each custom attribute ca1, ca2, ... is a separate column. Tables can be pickled. A slice is an
    AssetTable too.

    Documented fields have the same type in every table: `isActive` is boolean, `version` is an integer, `createdAt`,
    `updatedAt` and `deletedAt` are UTC timestamps, and all others are text. Other fields and custom attributes have the
    narrowest type that fits all of their values, or text if there are no values. If any value in a column has the wrong
    type, the column is text. In pandas, integers and booleans are `Int64` and `boolean`, which support missing values.

    Example:
        >>> with acc_assets.testing.Simulator() as sim:
        ...     assets = sim.client().project(sim.project_id).assets.get(["f6a1e3b5-abaa-4b01-b33a-5d55f36ba047"])
        >>> len(assets), assets.missing
        (0, ['f6a1e3b5-abaa-4b01-b33a-5d55f36ba047'])
    """

    __slots__ = ()

    @property
    def missing(self) -> list[str]:
        """The requested ids that the service did not return (unknown, deleted, or not visible to this user), and strings
        that are not ids. A slice has the same list as the full table.
        """
        return self._table.missing

    def _flat_row(self, row: dict[str, Any]) -> dict[str, Any]:
        attributes = row.pop("customAttributes", None)
        return row | (attributes if isinstance(attributes, dict) else {})

    def __repr__(self) -> str:
        text, missing = super().__repr__(), self.missing
        if not missing:
            return text
        shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        return _core.shown(f"{text}; {counted(len(missing), 'id')} missing: {shown}")
