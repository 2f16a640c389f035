"""Conversion of columns from the core to pandas, polars and Parquet. No package is imported before it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from . import _core

if TYPE_CHECKING:
    import pandas
    import polars

# The types of the bytes of a column, as in numpy.
_DTYPES: Final = {"bool": "?", "int": "<i8", "float": "<f8", "time": "<i8", "date": "<i4"}


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
    frame: pandas.DataFrame = (
        read(table).read_all().to_pandas(types_mapper=nullable.get, date_as_object=False)
    )
    made: dict[int, Any] = {}  # columns without values share one list
    for name, _, values, _ in table.frame(["list"]):  # pyarrow converts lists to arrays
        if id(values) not in made:
            made[id(values)] = _objects(values)
        frame[name] = made[id(values)]
    return frame


def _from_columns(table: _core.Table) -> pandas.DataFrame:
    """Create the same pandas DataFrame as `_from_arrow`, without pyarrow."""
    import numpy
    import pandas

    text = pandas.Series(["a"]).dtype  # `str`, or object in pandas 2
    columns: dict[str, Any] = {}
    # Columns without values share one list. pandas copies their column faster than it creates one.
    made: dict[tuple[str, int], Any] = {}
    for name, kind, values, missing in table.frame():
        if kind in {"text", "list"}:
            key = (kind, id(values))
            if key not in made:
                objects = _objects(values)
                made[key] = pandas.Series(objects, dtype=text) if kind == "text" else objects
            columns[name] = made[key]
            continue
        array = numpy.frombuffer(values, dtype=_DTYPES[kind])
        nulls = None if missing is None else numpy.frombuffer(missing, dtype="?")
        if kind == "time":
            times = array.copy()
            if nulls is not None:
                times[nulls] = numpy.iinfo("i8").min  # NaT
            columns[name] = pandas.Series(times.view("M8[ms]")).dt.tz_localize("UTC")
        elif kind == "date":
            days = array.astype("M8[D]").astype("M8[ms]")
            if nulls is not None:
                days[nulls] = numpy.datetime64("NaT")
            columns[name] = pandas.Series(days)
        elif kind == "float":
            columns[name] = array if nulls is None else numpy.where(nulls, numpy.nan, array)
        else:
            # pandas would convert integers with missing values to floats, which lose digits beyond 2^53.
            blank = numpy.zeros(len(array), dtype="?") if nulls is None else nulls.copy()
            of_kind = pandas.arrays.BooleanArray if kind == "bool" else pandas.arrays.IntegerArray
            columns[name] = of_kind(array.copy(), blank)
    return pandas.DataFrame(columns, index=pandas.RangeIndex(len(table)))


def table_frame(table: _core.Table) -> pandas.DataFrame:
    """Create a pandas DataFrame, with pyarrow if it is installed."""
    try:
        import pandas  # noqa: F401
    except ImportError as error:
        raise ImportError("pandas is not installed: pip install 'acc-assets[pandas]'") from error
    frame = _from_arrow(table)
    return _from_columns(table) if frame is None else frame


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
    if isinstance(source, _core.Table):
        source = source.with_views()  # the layout of strings in polars
    return polars.DataFrame(source)


def parquet(table: _core.Table) -> bytes:
    """Return a Parquet file, written with pyarrow or polars."""
    from io import BytesIO

    out = BytesIO()
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        try:
            polars_frame(table).write_parquet(out)
        except ImportError as error:
            raise ImportError("Parquet needs pyarrow or polars: pip install 'acc-assets[polars]'") from error
    else:
        pyarrow.parquet.write_table(pyarrow.table(table), out)
    return out.getvalue()
