"""What users pass as rows or ids, turned into `_core.Rows`. Tells the kinds apart without importing any of them."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from os import PathLike, fspath
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

from . import _core
from ._mapping import ColumnMapping, mapping_pairs
from ._options import SEPARATOR, Dates, Nulls, SheetOption, one_of, sheet_option
from ._results import Outcomes
from ._tables import AssetTable
from ._text import counted, nearest
from .errors import FileError, InputError, OptionError

if TYPE_CHECKING:
    from uuid import UUID

    import pandas


class ArrowStream(Protocol):
    """A pandas, polars or pyarrow table, or anything else with the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The rows as an Arrow stream."""


TAKEN: Final = (
    "a DataFrame, an Arrow table, an iterable of dicts, one dict, the path of a file or an open file"
)
# The endings of files, and how each is read.
SHEETS: Final = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".csv", ".tsv", ".txt")
LINES: Final = (".jsonl", ".ndjson")
PARQUET: Final = ".parquet"
FILES: Final = (*SHEETS, *LINES, PARQUET)
# The first bytes of an open file without a name, and the ending it is read with.
MAGIC: Final = ((b"PK", ".xlsx"), (b"\xd0\xcf\x11\xe0", ".xls"), (b"PAR1", PARQUET), (b"{", ".jsonl"))


class Reading(NamedTuple):
    """How input is read, as checked."""

    sheet: SheetOption = None
    mapping: tuple[tuple[str, str | None], ...] = ()
    separator: str = SEPARATOR
    nulls: str = "omit"
    dates: str = "strict"

    def _changed(self) -> list[str]:
        """The names of non-default options."""
        return [name for name, value in self._asdict().items() if value != self._field_defaults[name]]

    def options(self) -> dict[str, Any]:
        """Return what the core takes of it."""
        return {
            "nulls": self.nulls,
            "dates": self.dates,
            "mapping": list(self.mapping),
            "separator": self.separator,
        }


def reading(
    *,
    sheet: object = None,
    mapping: object = None,
    separator: object = SEPARATOR,
    nulls: object = "omit",
    dates: object = "strict",
) -> Reading:
    """Validate the options for reading input."""
    one_of("nulls", nulls, ("omit", "clear", "error"))
    one_of("dates", dates, ("strict", "truncate"))
    if not isinstance(separator, str) or not separator.strip():
        raise OptionError(
            f"separator must be the text between the names of a path, such as '>', not {separator!r}."
        )
    if sheet is not None:
        sheet_option(sheet)
    return Reading(sheet, tuple(mapping_pairs(mapping)), separator, str(nulls), str(dates))  # type: ignore[arg-type]  # checked above


class Rows:
    """Rows and how to read them. Returned by `read`; every verb takes it."""

    __slots__ = ("_data", "_name", "_reading")

    def __init__(self, data: object, reading: Reading, name: str, /) -> None:
        self._data = data
        self._reading = reading
        self._name = name

    def __len__(self) -> int:
        """The number of rows. Raises TypeError if it is not known before reading."""
        return len(self._data)  # type: ignore[arg-type]  # says so itself

    def __repr__(self) -> str:
        try:
            rows = f": {counted(len(self), 'row')}"
        except TypeError:
            rows = ""
        return _core.shown(f"Rows of {self._name}{rows}")


RowData: TypeAlias = (
    ArrowStream
    | Iterable[Mapping[str, object]]
    | Mapping[str, object]
    | str
    | PathLike[str]
    | IO[bytes]
    | IO[str]
    | Rows
)
AsyncRowData: TypeAlias = RowData | AsyncIterable[Mapping[str, object]]
# Texts, so that importing this package does not import uuid.
IdData: TypeAlias = "str | UUID | PathLike[str] | IO[bytes] | IO[str] | ArrowStream | Iterable[str | UUID | None] | Iterable[Mapping[str, object]] | Rows"
AsyncIdData: TypeAlias = "IdData | AsyncIterable[str | UUID | None] | AsyncIterable[Mapping[str, object]]"


def read(
    source: RowData,
    *,
    sheet: SheetOption = None,
    mapping: ColumnMapping | None = None,
    separator: str = SEPARATOR,
    nulls: Nulls = "omit",
    dates: Dates = "strict",
) -> Rows:
    r"""Read a file, or say how rows are read, once for several verbs.

    Args:
        source: The path of a file, an open file, or rows as for `Assets.create`. The format of a file is determined by its extension: Excel
            and OpenDocument (.xlsx, .xlsm, .xlsb, .xls, .ods), text (.csv, .tsv, .txt), JSON Lines (.jsonl, .ndjson), and
            .parquet if pyarrow or polars is installed. An open file without a name is identified by its first bytes.
        sheet: Name of the sheet of an Excel file, or `SheetOptions`. If None, the first visible one.
        mapping: Columns whose names are not recognized: a dict from column to field or custom attribute, with None for a
            column to ignore, or the path of a TOML file with such lines (false for a column to ignore).
        separator: Separator between the names in a path. Default: ">".
        nulls: Empty cells: "omit" leaves the field out, "clear" clears it on a patch, "error" makes the row invalid.
        dates: Dates with a time of day: "strict" makes the row invalid, "truncate" drops the time.

    Returns:
        `Rows`, accepted by every verb in place of data.

    Raises:
        OptionError: An option is invalid.
        InputError: The content cannot be read as rows.
        FileError: The file cannot be read.

    Example:
        >>> _ = (folder / "units.csv").write_text("Asset ID;Type\nAHU-1;HVAC > Air Handling\n")
        >>> rows = acc_assets.read(folder / "units.csv", mapping={"Type": "Category"})
        >>> len(rows)
        1
    """
    how = reading(sheet=sheet, mapping=mapping, separator=separator, nulls=nulls, dates=dates)
    return Rows(opened(source, how.sheet), how, _name_of(source))


def _name_of(source: object) -> str:
    name = source if isinstance(source, (str, PathLike)) else getattr(source, "name", None)
    return fspath(name) if isinstance(name, (str, PathLike)) else type(source).__name__


def load(data: object, given: Reading, verb: str, key: str) -> tuple[_core.Rows, Reading]:
    """Return the rows that a verb takes and how to read them: files opened, `Rows` taken apart."""
    if not isinstance(data, Rows):
        rows = opened(data, given.sheet)
    elif changed := given._changed():
        raise OptionError(
            f"{changed[0]}= belongs in acc_assets.read(...) if the rows come from it. Pass it in one place only."
        )
    else:
        rows, given = data._data, data._reading
    if verb in ("create", "patch"):
        return rows_from(rows, key if verb == "patch" else None), given
    if changed := [name for name in given._changed() if name != "sheet"]:
        raise OptionError(f"{changed[0]}= has no meaning for ids. Remove it from acc_assets.read(...).")
    return ids_from(rows, key), given


def rows_from(data: Any, key: str | None = None) -> _core.Rows:
    """Return the rows of a create, or of a patch with its ids in column `key`."""
    if isinstance(data, _core.Rows):
        return data
    if isinstance(data, Outcomes):
        raise InputError(f"A result holds outcomes, not input rows. Pass {TAKEN}.")
    _refuse(data, TAKEN)
    if key is not None:
        _require(key, data)
    if _is(data, "pandas", "DataFrame"):
        return _from_pandas(data)
    if _is(data, "pandas", "Series"):
        raise InputError(
            "A Series is one row or one column, not rows. Pass frame.iloc[[0]], or the DataFrame."
        )
    if hasattr(data, "__arrow_c_stream__") and not _is(data, "polars", "Series"):
        return _from_stream(data)
    if isinstance(data, Mapping):
        return _core.Rows.from_dicts([data])
    if isinstance(data, Iterable):
        return _core.Rows.from_dicts(data)
    raise InputError(f"{type(data).__name__} cannot be read as rows. Pass {TAKEN}.")


def ids_from(data: Any, id: str) -> _core.Rows:
    """Return the ids of a get or a delete: a column `id`, or values."""
    if isinstance(data, _core.Rows):
        return data
    if isinstance(data, str) or _is(data, "uuid", "UUID"):
        return _core.Rows.from_values([data], id)
    if isinstance(data, Outcomes):
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
            f"{type(data).__name__} cannot be read as ids. Pass ids, or rows with a column of ids."
        )
    return _from_ids(data, id)


def is_slow(data: object) -> bool:
    """Whether a file has to be read for these rows."""
    return _ending(data) is not None or _is_open_file(data)


def _ending(data: object) -> str | None:
    """The ending of a path: any of a path object, a known one of a text."""
    if isinstance(data, PathLike):
        name = fspath(data)
        return "." + str(name).lower().rpartition(".")[2]
    if isinstance(data, str):
        return next((ending for ending in FILES if data.lower().endswith(ending)), None)
    return None


def _is_open_file(data: object) -> bool:
    return hasattr(data, "read") and hasattr(data, "close")


def opened(data: Any, sheet: SheetOption) -> object:
    """Return the rows of a file; anything else as it is."""
    content: bytes | None = None
    ending = _ending(data)
    name = data
    if _is_open_file(data):
        name, content = _content(data)
        ending = _ending(name) or next((end for start, end in MAGIC if content.startswith(start)), ".csv")
    if ending in LINES:
        _no_sheet(sheet, data)
        return _from_lines(name, content)
    if ending == PARQUET:
        _no_sheet(sheet, data)
        return _from_parquet(name, content)
    if ending is None:
        _no_sheet(sheet, data)
        return data
    if content is None:
        return _core.Rows.from_sheet(data, *sheet_option(sheet))
    return _core.Rows.from_sheet(content, *sheet_option(sheet), name=name if _ending(name) else ending[1:])


def _no_sheet(sheet: SheetOption, data: object) -> None:
    if sheet is not None:
        raise OptionError(f"sheet={sheet!r} is for Excel files, not for {type(data).__name__}. Remove it.")


def _content(file: Any) -> tuple[str | None, bytes]:
    """The name of an open file, and what is left to be read of it."""
    name = getattr(file, "name", None)
    try:
        content = file.read()
    except UnicodeDecodeError as error:
        raise InputError(f'The file is not text in its encoding ({error}). Open it in mode "rb".') from error
    except OSError as error:
        raise FileError.of(name if isinstance(name, str) else "the open file", error) from error
    if isinstance(content, str):
        content = content.encode()
    if not isinstance(content, bytes):
        raise InputError(f"read() of the {type(file).__name__} returned {type(content).__name__}, not bytes.")
    return name if isinstance(name, str) else None, content


def _from_lines(path: str | PathLike[str] | None, content: bytes | None) -> _core.Rows:
    """The rows of a file of JSON Lines: one object per line."""
    import json

    name = "the open file" if path is None else fspath(path)
    if content is None:
        try:
            with open(name, "rb") as file:
                content = file.read()
        except OSError as error:
            raise FileError.of(name, error) from error
    rows: list[Any] = []
    labels: list[int] = []
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=_unique)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{name}, line {number}: not a JSON object ({error}).") from error
        if not isinstance(row, dict):
            raise InputError(f"{name}, line {number}: {type(row).__name__} is not a JSON object.")
        rows.append(row)
        labels.append(number)
    return _core.Rows.from_dicts(rows, labels, "line")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"duplicate name {next(name for name in names if names.count(name) > 1)!r}")
    return found


def _from_parquet(path: str | PathLike[str] | None, content: bytes | None) -> object:
    """The table of a Parquet file, as pyarrow or polars reads it."""
    from io import BytesIO

    name = "the open file" if path is None else fspath(path)
    source: Any = path if content is None else BytesIO(content)
    try:
        from pyarrow.parquet import read_table as read_parquet
    except ImportError:
        try:
            from polars import read_parquet
        except ImportError:
            raise InputError(
                f"{name}: Parquet files need pyarrow or polars. Install one of them: pip install pyarrow"
            ) from None
    if content is None:
        try:
            # pyarrow and polars raise errors without the system's number and reason.
            open(name, "rb").close()
        except OSError as error:
            raise FileError.of(name, error) from error
    try:
        return read_parquet(source)
    except OSError as error:
        raise FileError.of(name, error) from error
    except Exception as error:  # each library has errors of its own for a damaged file
        raise InputError(f"{name} cannot be read as Parquet: {error}.") from error


def _refuse(data: Any, taken: str) -> None:
    if data is None:
        raise InputError(f"data is None. Pass {taken}.")
    if isinstance(data, (str, bytes, bytearray)):
        raise InputError(
            f"Text cannot be read as data. Pass {taken} (supported extensions: {', '.join(FILES)})."
        )
    if isinstance(data, type):
        raise InputError(f"{data.__name__} is a class, not data. Pass {taken}.")
    if isinstance(data, Mapping) and data:
        _refuse_mapping(data)
    if _is(data, "polars", "LazyFrame"):
        raise InputError("A LazyFrame holds no rows yet. Pass frame.collect().")
    if isinstance(data, AsyncIterable):
        raise InputError(
            "An async iterable needs AsyncClient. With Client, collect it first: [row async for row in source]."
        )


def _refuse_mapping(data: Mapping[Any, Any]) -> None:
    """Refuse dicts of tables or of whole columns: a dict is one row."""
    name, first = next(iter(data.items()))
    if _is(first, "pandas", "DataFrame") or hasattr(first, "__arrow_c_stream__"):
        raise InputError(f"A dict of tables is not one table. Pass one of them, such as data[{name!r}].")
    columns = [value for key, value in data.items() if key != "customAttributes"]
    if columns and all(
        isinstance(value, (list, tuple)) or _is(value, "pandas", "Series") for value in columns
    ):
        raise InputError("A dict is one row, but this one holds whole columns. Pass pandas.DataFrame(data).")


def _require(id: str, data: Any) -> None:
    """Refuse a table without its id column, if the columns are known before reading."""
    names: list[str] | None = None
    if _is(data, "pandas", "DataFrame"):
        names = [str(name) for name in (*data.columns, *data.index.names) if name is not None]
    elif hasattr(data, "__arrow_c_stream__") and hasattr(getattr(data, "schema", None), "names"):
        names = _schema_names(data.schema)
    if names is not None and id not in names:
        near = nearest(id, names)
        hint = f'Did you mean key="{near}"? ' if near else ""
        raise InputError(f'There is no column "{id}". {hint}The columns are: {", ".join(names)}.')


def _schema_names(schema: Any) -> list[str]:
    names = schema.names
    return names if isinstance(names, list) else names()  # polars has a method there


def _is(data: object, package: str, name: str) -> bool:
    """Whether this is an instance of a class of a package that need not be installed."""
    return any(
        kind.__name__ == name and kind.__module__.partition(".")[0] == package for kind in type(data).__mro__
    )


def _from_ids(data: Any, id: str) -> _core.Rows:
    """Dicts or ids: the first item that is not None decides."""
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
    """Replace the polars type Null: polars exports it with a buffer, which arrow-rs does not accept."""
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

    Not through Arrow: pandas' export needs pyarrow, refuses the mixed columns of a sheet, and keeps or drops a named
    index depending on its numbers. Here a named index is always a column.
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
    cells = [_values(column) for column in columns]
    # Without columns, only the labels say how many rows there are.
    labels = _labels(frame.index) if columns else list(range(len(frame)))
    return _core.Rows.from_columns(
        names, [values for values, _ in cells], [nulls for _, nulls in cells], labels
    )


def _values(series: pandas.Series) -> tuple[object, bytes | None]:
    """Return a column as the core takes it; with a numpy array, one byte per row that is 1 where pandas has a null.

    Python objects only where pandas itself holds them: creating one per cell takes longer than all checks of the cell.
    """
    kind: Any = series.dtype
    code = getattr(kind, "kind", "O")
    # pandas gives some of the other Arrow types a meaning that Arrow alone does not have.
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
        # The core recognizes every kind of blank object; `isna` raises for some objects. The array of an object column
        # exists already, and listing it is faster than listing the column.
        return (series.to_numpy(dtype=object) if code == "O" else series).tolist(), None
    mask = series.isna().to_numpy(dtype=bool)
    return values, mask.tobytes() if mask.any() else None


def _stream(series: pandas.Series) -> object | None:
    """Return a column held by Arrow as a stream, or None if this pandas or pyarrow is too old for that."""
    try:
        stream: object = series.reset_index(drop=True).to_frame("").__arrow_c_stream__()
    except (AttributeError, ImportError, NotImplementedError, TypeError, ValueError):
        return None
    return stream


def _labels(index: Any) -> Sequence[Any] | None:
    """Return the labels of the rows, or None if these are just their numbers."""
    if _is(index, "pandas", "RangeIndex") and (index.start, index.step) == (0, 1):
        return None
    if index.nlevels > 1:
        return [", ".join(str(part) for part in label) for label in index]
    return [label if isinstance(label, (int, str)) else str(label) for label in index.tolist()]
