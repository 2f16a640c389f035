"""Conversion of pandas and polars data for the core. Neither package is imported before it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import _core
from .errors import InputError

if TYPE_CHECKING:
    import pandas


def is_of(data: object, package: str, name: str) -> bool:
    """Return whether data is an instance of a class, without importing its package."""
    return any(
        kind.__name__ == name and kind.__module__.partition(".")[0] == package for kind in type(data).__mro__
    )


def from_stream(data: Any) -> _core.Rows:
    if is_of(data, "polars", "DataFrame"):
        import polars

        data = polars.DataFrame([column.cast(_without_null(column.dtype)) for column in data.get_columns()])
    return _core.Rows.from_stream(data)


def _without_null(kind: Any) -> Any:
    """Replace the polars type Null with String, because polars exports Null with a buffer that arrow-rs rejects."""
    import polars

    if kind == polars.Null:
        return polars.String
    if isinstance(kind, polars.List):
        return polars.List(_without_null(kind.inner))
    if isinstance(kind, polars.Array):
        return polars.Array(_without_null(kind.inner), kind.size)
    if isinstance(kind, polars.Struct):
        return polars.Struct({field.name: _without_null(field.dtype) for field in kind.fields})
    return kind


def from_pandas(frame: pandas.DataFrame, only: str | None = None) -> _core.Rows:
    """Convert a DataFrame column by column, to numpy arrays, Arrow streams or Python objects.

    The DataFrame is not exported through Arrow as a whole, because the export needs pyarrow, rejects columns of mixed
    types, and keeps or drops a named index depending on its values. Here, a named index always becomes a column, unless
    a column already has this name.
    """
    names = [str(name) for name in frame.columns]
    doubles = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if doubles:
        raise InputError(f"Duplicate column names: {', '.join(doubles)}. Rename or drop all but one of each.")
    columns = [frame.iloc[:, place] for place in range(len(names))]
    for level, name in enumerate(frame.index.names):
        if name is not None and str(name) not in names:
            names.append(str(name))
            columns.append(frame.index.get_level_values(level).to_series())
    if only is not None:
        columns = [columns[names.index(only)]]
        names = [only]
    cells = [values_of(column) for column in columns]
    # If there are no columns, only the labels determine the number of rows.
    labels = labels_of(frame.index) if columns else list(range(len(frame)))
    values, nulls = [values for values, _ in cells], [nulls for _, nulls in cells]
    # A copy, because users may rename the index of their frame. It shares the values.
    return _core.Rows.from_columns(names, values, nulls, labels, index=frame.index.copy())


def values_of(series: pandas.Series) -> tuple[object, bytes | None]:
    """Return a column for the core and, for a numpy array with nulls, a mask with one byte per row (1 if null).

    Python objects are avoided where possible, because creating an object takes longer than checking a cell.
    """
    kind: Any = series.dtype
    code = getattr(kind, "kind", "O")
    # Some other Arrow types have different meanings in pandas and in Arrow.
    known = is_of(kind, "pandas", "ArrowDtype") and code in "biufMU"
    storage = getattr(kind, "storage", "")
    if known or storage == "pyarrow":
        stream = _stream(series)
        if stream is not None:
            return stream, None
    if kind == "category":
        return series.astype(object).tolist(), None
    if code in "biuf" and hasattr(kind, "numpy_dtype"):
        values = series.to_numpy(dtype=kind.numpy_dtype, na_value=0)
    elif is_of(kind, "pandas", "DatetimeTZDtype"):
        local = series.dt.tz_localize(None)
        if (local.dt.normalize() != local).where(local.notna(), False).any():
            # A time of day may be the midnight of another zone, so the core needs the offset.
            return series.tolist(), None
        values = local.to_numpy()
    elif code in "biufM" and is_of(kind, "numpy", "dtype"):
        values = series.to_numpy()
    else:
        # The core recognizes every kind of blank object, but `isna` raises for some objects. The array of an object
        # column already exists, and converting it to a list is faster than converting the column.
        return (series.to_numpy(dtype=object) if code == "O" else series).tolist(), None
    mask = series.isna().to_numpy(dtype=bool)
    return values, mask.tobytes() if mask.any() else None


def _stream(series: pandas.Series) -> object | None:
    """Return an Arrow-backed column as a stream, or None if pandas or pyarrow is too old."""
    try:
        stream: object = series.reset_index(drop=True).to_frame("").__arrow_c_stream__()
    except (AttributeError, ImportError, NotImplementedError, TypeError, ValueError):
        return None
    return stream


def labels_of(index: Any) -> Sequence[Any] | None:
    """Return the labels of the rows, or None for pandas' default index, whose labels equal the row numbers."""
    if is_of(index, "pandas", "RangeIndex") and (index.start, index.step) == (0, 1):
        return None
    if index.nlevels > 1:
        return [", ".join(str(part) for part in label) for label in index]
    return [label if isinstance(label, (int, str)) else str(label) for label in index.tolist()]
