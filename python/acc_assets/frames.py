"""What users pass as rows or ids, turned into `_core.Rows`. Tells the kinds apart without importing any of them."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar
from uuid import UUID

from . import _core
from ._threads import off_loop
from .errors import InputError, OptionError
from .options import SheetChoice, nearest, sheet_option
from .results import BulkResult
from .tables import AssetTable

if TYPE_CHECKING:
    import pandas


class ArrowStream(Protocol):
    """A pandas, polars or pyarrow table, or anything else with the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The rows as an Arrow stream."""


RowData: TypeAlias = ArrowStream | Iterable[Mapping[str, Any]] | Mapping[str, Any] | str | PathLike[str]
IdData: TypeAlias = (
    str | UUID | PathLike[str] | ArrowStream | Iterable[str | UUID | None] | Iterable[Mapping[str, Any]]
)

Read = TypeVar("Read")

TAKEN = "a DataFrame, an Arrow table, an iterable of dicts, one dict, or the path of an Excel or CSV file"
# The endings of files that are read as sheets.
SHEETS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".csv", ".tsv", ".txt")


def rows_from(data: Any, id: str | None = None, sheet: SheetChoice = None) -> _core.Rows:
    """The rows of a create, or of a patch whose ids are in column `id`; of a file those of one sheet."""
    if (rows := _from_sheet(data, sheet)) is not None:
        return rows
    if isinstance(data, BulkResult):
        raise InputError(f"A BulkResult holds verdicts, not rows: pass {TAKEN}.")
    _refuse(data, TAKEN)
    if id is not None:
        _require(id, data)
    if _is(data, "pandas", "DataFrame"):
        return _from_pandas(data)
    if _is(data, "pandas", "Series"):
        raise InputError("A Series is one row or one column, not rows: pass frame.iloc[[0]], or the frame.")
    if hasattr(data, "__arrow_c_stream__") and not _is(data, "polars", "Series"):
        return _from_stream(data)
    if isinstance(data, Mapping):
        return _core.Rows.from_dicts([data])
    if isinstance(data, Iterable):
        return _core.Rows.from_dicts(data)
    raise InputError(f"{type(data).__name__} cannot be read as rows: pass {TAKEN}.")


def ids_from(data: Any, id: str, sheet: SheetChoice = None) -> _core.Rows:
    """The ids of a get or a delete: a column `id`, or values; of a file those of one sheet."""
    if (rows := _from_sheet(data, sheet)) is not None:
        return rows
    if isinstance(data, (str, UUID)):
        return _core.Rows.from_values([data], id)
    if isinstance(data, BulkResult):
        return _core.Rows.from_values(data.ids, id)
    if isinstance(data, AssetTable):
        return _core.Rows.from_values([asset.get("id") for asset in data], id)
    _refuse(data, "ids, or rows with a column of ids")
    _require(id, data)
    if _is(data, "pandas", "DataFrame"):
        return _from_pandas(data, only=id)
    if _is(data, "pandas", "Series"):
        values, nulls = _values(data)
        return _core.Rows.from_columns([id], [values], [nulls], _labels(data.index))
    if hasattr(data, "to_pylist") and not hasattr(data, "schema"):  # a pyarrow array
        return _core.Rows.from_values(data.to_pylist(), id)
    if _is(data, "polars", "Series"):
        return _core.Rows.from_values(data.to_list(), id)
    if hasattr(data, "__arrow_c_stream__"):
        return _from_stream(data)
    if isinstance(data, Mapping):
        return _core.Rows.from_dicts([data])
    if not isinstance(data, Iterable):
        raise InputError(
            f"{type(data).__name__} cannot be read as ids: pass ids, or rows with a column of ids."
        )
    return _from_ids(data, id)


async def rows_soon(data: Any, read: Callable[..., Read], *arguments: Any) -> Read:
    """What a function makes of data: in the event loop's thread, unless a file has to be read for it."""
    if is_file(data):
        return await off_loop(lambda: read(data, *arguments))
    return read(data, *arguments)


def is_file(data: Any) -> bool:
    """Whether data is the path of a file."""
    return isinstance(data, PathLike) or (isinstance(data, str) and data.lower().endswith(SHEETS))


def _from_sheet(data: Any, sheet: SheetChoice) -> _core.Rows | None:
    """The rows of a file, if it is the path of one."""
    if is_file(data):
        return _core.Rows.from_sheet(data, *sheet_option(sheet))
    if sheet is not None:
        raise OptionError(
            f"sheet={sheet!r} is for the path of an Excel file, and this is {type(data).__name__}."
        )
    return None


def _refuse(data: Any, taken: str) -> None:
    if data is None:
        raise InputError(f"There is no data (None): pass {taken}.")
    if isinstance(data, (str, bytes, bytearray)):
        raise InputError(f"Text is not read: pass {taken} (files that are read: {', '.join(SHEETS)}).")
    if isinstance(data, type):
        raise InputError(f"{data.__name__} is a class, not data: pass {taken}.")
    if hasattr(data, "read") and hasattr(data, "close"):
        raise InputError(f"Open files are not read: pass {taken}.")
    if isinstance(data, Mapping) and data:
        _refuse_mapping(data)
    if _is(data, "polars", "LazyFrame"):
        raise InputError("A LazyFrame holds no rows yet: pass frame.collect().")
    if isinstance(data, AsyncIterable):
        raise InputError(
            "Rows of an async iterable have to be collected first: [row async for row in source]."
        )


def _refuse_mapping(data: Mapping[Any, Any]) -> None:
    """A dict is one row; dicts of tables or of whole columns are something else."""
    name, first = next(iter(data.items()))
    if _is(first, "pandas", "DataFrame") or hasattr(first, "__arrow_c_stream__"):
        raise InputError(f"A dict of tables is not one table: pass one of them, such as data[{name!r}].")
    columns = [value for key, value in data.items() if key != "customAttributes"]
    if columns and all(
        isinstance(value, (list, tuple)) or _is(value, "pandas", "Series") for value in columns
    ):
        raise InputError("A dict is one row, and this one holds whole columns: pass pandas.DataFrame(data).")


def _require(id: str, data: Any) -> None:
    """Refuses a table without its id column, where the columns are known before reading."""
    names: list[str] | None = None
    if _is(data, "pandas", "DataFrame"):
        names = [str(name) for name in (*data.columns, *data.index.names) if name is not None]
    elif hasattr(data, "__arrow_c_stream__") and hasattr(getattr(data, "schema", None), "names"):
        names = _schema_names(data.schema)
    if names is not None and id not in names:
        near = nearest(id, names)
        hint = f'did you mean id="{near}"? ' if near else ""
        raise InputError(f'There is no column "{id}"; {hint}The columns are: {", ".join(names)}.')


def _schema_names(schema: Any) -> list[str]:
    names = schema.names
    return names if isinstance(names, list) else names()  # polars has a method there


def _is(data: object, package: str, name: str) -> bool:
    """Whether this is an instance of a class of a package that need not be installed."""
    return any(
        kind.__name__ == name and kind.__module__.partition(".")[0] == package for kind in type(data).__mro__
    )


def _from_ids(data: Any, id: str) -> _core.Rows:
    """Dicts or ids: the first item that is not None tells."""
    if not isinstance(data, (Iterator, list, tuple)):
        data = list(data)
    seen = []
    for item in data:
        seen.append(item)
        if item is not None:
            break
    if isinstance(data, Iterator):
        data = chain(seen, data)
    if seen and isinstance(seen[-1], Mapping):
        return _core.Rows.from_dicts(data)
    return _core.Rows.from_values(data, id)


def _from_stream(data: Any) -> _core.Rows:
    if _is(data, "polars", "DataFrame"):
        import polars

        data = polars.DataFrame([column.cast(_without_null(column.dtype)) for column in data.get_columns()])
    return _core.Rows.from_stream(data)


def _without_null(kind: Any) -> Any:
    """A polars type for one without any value, which polars exports with a buffer, and arrow-rs takes only without."""
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


def _from_pandas(frame: pandas.DataFrame, only: str | None = None) -> _core.Rows:
    """Column by column, as numpy holds them or as Python objects.

    Not through Arrow: pandas' export needs pyarrow, refuses the mixed columns of a sheet, and drops a named index or
    not depending on the numbers in it. A named index is a column here, always.
    """
    names = [str(name) for name in frame.columns]
    doubles = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if doubles:
        raise InputError(
            f"These columns are there more than once, and only one can be meant: {', '.join(doubles)}."
        )
    columns = [frame.iloc[:, place] for place in range(len(names))]
    for level, name in enumerate(frame.index.names):
        if name is not None and str(name) not in names:
            names.append(str(name))
            columns.append(frame.index.get_level_values(level).to_series())
    if only is not None:
        columns = [columns[names.index(only)]]
        names = [only]
    cells = [_values(column) for column in columns]
    # Without any column only the labels tell how many rows there are.
    labels = _labels(frame.index) if columns else list(range(len(frame)))
    return _core.Rows.from_columns(
        names, [values for values, _ in cells], [nulls for _, nulls in cells], labels
    )


def _values(series: pandas.Series) -> tuple[object, bytes | None]:
    """A column as the core takes it; of a numpy array, one byte a row that is 1 where pandas calls it null.

    Python objects only where pandas itself holds them: making one a cell takes longer than all checks of the cell.
    """
    kind: Any = series.dtype
    code = getattr(kind, "kind", "O")
    # Of the other types an Arrow column can have, pandas knows some that Arrow alone does not tell.
    known = _is(kind, "pandas", "ArrowDtype") and code in "biufMU"
    storage = getattr(kind, "storage", "")
    if known or storage == "pyarrow":
        stream = _stream(series)
        if stream is not None:
            return stream, None
    if kind == "category":
        return series.astype(object).tolist(), None
    if code in "biuf" and hasattr(kind, "numpy_dtype"):
        values = series.to_numpy(dtype=kind.numpy_dtype, na_value=0)
    elif _is(kind, "pandas", "DatetimeTZDtype"):
        values = series.dt.tz_localize(None).to_numpy()  # the wall clock
    elif code in "biufM" and _is(kind, "numpy", "dtype"):
        values = series.to_numpy()
    else:
        # The core knows every blank that an object can be; `isna` raises for some objects. The array of a column of
        # objects is there already, and lists them sooner than the column does.
        return (series.to_numpy(dtype=object) if code == "O" else series).tolist(), None
    mask = series.isna().to_numpy(dtype=bool)
    return values, mask.tobytes() if mask.any() else None


def _stream(series: pandas.Series) -> object | None:
    """A column that is held by Arrow, as a stream of it; None where this pandas or pyarrow is too old for that."""
    try:
        stream: object = series.reset_index(drop=True).to_frame("").__arrow_c_stream__()
    except (AttributeError, ImportError, NotImplementedError, TypeError, ValueError):
        return None
    return stream


def _labels(index: Any) -> Sequence[Any] | None:
    """What the user calls the rows; None where that is just their number."""
    if _is(index, "pandas", "RangeIndex") and (index.start, index.step) == (0, 1):
        return None
    if index.nlevels > 1:
        return [", ".join(str(part) for part in label) for label in index]
    return [label if isinstance(label, (int, str)) else str(label) for label in index.tolist()]
