"""Conversion of user input to `_core.Rows`. Input kinds are recognized without importing their packages."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from os import PathLike
from typing import IO, TYPE_CHECKING, Any, Final, ForwardRef, Protocol, TypeAlias, Union

from . import _core
from ._differing import AsCreated, differing
from ._files import FILES, is_slow, name_of, opened
from ._frames import from_pandas, from_stream, is_of, labels_of, values_of
from ._mapping import ColumnMapping
from ._options import Dates, Nulls, SheetOption
from ._reading import LAYOUT, Reading, Values, reading
from ._related import RelationshipTable
from ._results import Outcomes, not_created
from ._tables import AssetTable
from ._text import counted
from .errors import InputError, OptionError

if TYPE_CHECKING:
    from uuid import UUID
else:
    # Importing `uuid` would increase the import time of this package by over a third.
    UUID = ForwardRef("UUID")


class ArrowStream(Protocol):
    """A pandas, polars or pyarrow table, or anything else with the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the rows as an Arrow stream."""


# Headings that probably name the ids that the service assigned, in lower case.
OF_SERVICE: Final = ("id", "ids", "uuid", "guid", "asset uuid", "asset_uuid")
TAKEN: Final = (
    "a DataFrame, an Arrow table, an iterable of dicts, one dict, the path of a file or an open file"
)


class Rows:
    """Rows with the options for reading them. Returned by `read` and accepted by every verb."""

    __slots__ = ("_data", "_is_used", "_name", "_reading")

    def __init__(self, data: object, reading: Reading, name: str, /) -> None:
        self._data = data
        self._reading = reading
        self._name = name
        self._is_used = False

    def __len__(self) -> int:
        """The number of rows. Raises TypeError if the number is not known before reading."""
        return 1 if isinstance(self._data, Mapping) else len(self._data)  # type: ignore[arg-type]  # raises TypeError itself

    def _taken(self) -> object:
        """Return the rows. The rows of a generator can be taken only once."""
        if self._is_used:
            raise OptionError(
                f"The rows of {self._name} were already read and cannot be read again. Pass a list to acc_assets.read(...)."
            )
        self._is_used = isinstance(self._data, (Iterator, AsyncIterator))
        return self._data

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
Id: TypeAlias = Union[str, UUID, None]  # noqa: UP007  # no `|` with a reference in Python 3.10
IdData: TypeAlias = Union[  # noqa: UP007
    str,
    UUID,
    PathLike[str],
    IO[bytes],
    IO[str],
    ArrowStream,
    Iterable[Id],
    Iterable[Mapping[str, object]],
    Rows,
]
AsyncIdData: TypeAlias = IdData | AsyncIterable[Id] | AsyncIterable[Mapping[str, object]]


def read(
    source: AsyncRowData,
    *,
    sheet: SheetOption = None,
    mapping: ColumnMapping | None = None,
    separator: str | None = None,
    nulls: Nulls | None = None,
    dates: Dates | None = None,
    encoding: str | None = None,
    decimal: str | Mapping[str, str] | None = None,
    thousands: str | Mapping[str, str] | None = None,
    dayfirst: bool | Mapping[str, bool] | None = None,
    true_values: Sequence[str] | None = None,
    false_values: Sequence[str] | None = None,
    values: Values | None = None,
    fill_down: Sequence[str] | None = None,
    skip_rows: int | None = None,
    skip_footer: int | None = None,
) -> Rows:
    r"""Combine a file or rows with the options for reading them, for use with several verbs.

    An option that is None is as in the mapping file, or else has its default.

    Args:
        source: A file path, an open file, or rows as for `Assets.create`. The file extension determines the format:
            Excel and OpenDocument (.xlsx, .xlsm, .xlsb, .xls, .ods), text (.csv, .tsv, .txt), JSON Lines (.jsonl,
            .ndjson), and .parquet if pyarrow or polars is installed. If an open file has no name with one of these
            extensions, its first bytes determine the format.
        sheet: Name of a sheet in an Excel file, or `SheetOptions`. Default: the first visible sheet.
        mapping: How to map columns whose names are not recognized: a dict from column to field or custom attribute (None
            to ignore the column), or the path of a TOML file. The file may also contain `values` and the other options.
        separator: Separator between the names in a path. Default: ">".
        nulls: What to do with empty cells: "omit" omits the field, "clear" clears it on a patch, "error" makes the
            row invalid. Default: "omit".
        dates: What to do with dates that have a time of day: "strict" makes the row invalid, "truncate" drops the time.
            Default: "strict".
        encoding: Encoding of a text file, such as "windows-1252". Default: UTF-8, or else a guess among UTF-16 and
            Windows-1252, with a warning. A byte order mark takes precedence.
        decimal: Decimal separator of numbers in text, "." or ",", or a dict from column to separator. Numbers of Excel need
            none. Default: ".".
        thousands: Separator between groups of three digits in text: ",", ".", " " or "'", or a dict from column to
            separator. Default: none.
        dayfirst: How to read dates in text that can be read in two ways, such as 3/4/2026: True if the day comes first,
            False if the month does. A dict such as {"Installation Date": True} sets it for some columns. Default: such a
            date makes the row invalid.
        true_values: Further words for true, such as ["ja"]. Case does not matter. Default: none.
        false_values: Further words for false, such as ["nein"]. Default: none.
        values: Texts to replace, by column: {"Status": {"eingebaut": "Installed"}}. A column is named by its heading or
            its field. None makes the cell blank. Case matters only if two texts differ in nothing else. In a multi-select
            cell, each item is replaced, unless the whole cell is. Default: none.
        fill_down: Columns whose blank cells have the value of the row above, as in merged cells. The rows of a DataFrame with
            an integer index must not have gaps above blank cells. Default: none.
        skip_rows: Rows of the file above the column names, including blank ones. Default: 0. A title in a single cell is
            skipped in any case.
        skip_footer: Rows at the end of the file that are not assets, such as totals. Blank rows do not count. Default: 0.

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
    how = reading(
        read,
        sheet=sheet,
        mapping=mapping,
        separator=separator,
        nulls=nulls,
        dates=dates,
        encoding=encoding,
        decimal=decimal,
        thousands=thousands,
        dayfirst=dayfirst,
        true_values=true_values,
        false_values=false_values,
        values=values,
        fill_down=fill_down,
        skip_rows=skip_rows,
        skip_footer=skip_footer,
    )
    if isinstance(source, Rows):
        raise OptionError("read() takes data, but this is the result of another read(). Pass it to a verb.")
    if not is_slow(source) and not isinstance(source, AsyncIterable):
        _refuse(source, TAKEN)
        if not isinstance(source, Iterable) and not hasattr(source, "__arrow_c_stream__"):
            raise InputError(f"{type(source).__name__} cannot be read as rows. Pass {TAKEN}.")
    return Rows(opened(source, how), how, name_of(source))


def load(
    data: object, given: Reading, verb: str, key: str, *, twice: bool = False, project: str | None = None
) -> tuple[_core.Rows, Reading | AsCreated]:
    """Return the rows for a verb and the options for reading them. Files are opened, and `Rows` are unpacked.

    With `twice`, the rows of a generator are kept, so that they can be read again. For a patch, the result of a create
    stands for its rows that differ from their assets. `project` is the project of the call.
    """
    if verb == "patch" and isinstance(data, Outcomes):
        return differing(data, given, key, project)
    if not isinstance(data, Rows):
        rows = opened(data, given)
    elif changed := given.changed():
        raise OptionError(
            f"{changed[0]}= cannot be used with rows from acc_assets.read(...). Pass it to acc_assets.read(...) instead."
        )
    else:
        rows, given = data._taken(), data._reading
    if twice and isinstance(rows, Iterator):
        rows = list(rows)
    if verb in ("create", "patch"):
        return rows_from(rows, key if verb == "patch" else None), given
    if changed := given.changed(without=LAYOUT):
        raise OptionError(f"{changed[0]}= does not apply to ids. Remove it from acc_assets.read(...).")
    if isinstance(rows, RelationshipTable) and verb in ("get", "delete"):
        raise InputError(
            'These are relationships, whose ids are not those of assets. Pass one end: table.to_pandas()["from_id"] or ["to_id"].'
        )
    if isinstance(rows, AssetTable) and verb == "unlink":
        raise InputError(
            "These are assets, whose ids are not those of relationships. Pass relationships.search(...)."
        )
    if verb == "delete":
        _must_be_own(rows, key)
    return ids_from(rows, key), given


def _must_be_own(data: Any, key: str) -> None:
    """Raise InputError for a result, or a table of one, that has assets which its call did not create."""
    if isinstance(data, Outcomes):
        return data._must_be_own()
    columns = _columns_of(data)
    outcomes = _core.outcome_columns([name for name in columns if isinstance(name, str)])
    status = next((name for name in outcomes if name.endswith("status")), None)
    if status is None or key not in columns:
        return None
    if found := not_created(columns[status](), columns[key]()):
        raise InputError(
            f"The rows are outcomes, and have assets that their call did not create ({found}). To delete only those that it "
            f'created, pass the rows whose `{status}` is "created". To delete all of them, pass the column `{key}` alone.'
        )
    return None


def _columns_of(data: Any) -> dict[Any, Callable[[], list[Any]]]:
    """Return a function per column that returns its values, if the data is a table whose columns are known."""
    if is_of(data, "pandas", "DataFrame") and data.columns.is_unique:
        return {name: data[name].tolist for name in data.columns}
    if is_of(data, "polars", "DataFrame"):
        return {name: data[name].to_list for name in data.columns}
    if is_of(data, "pyarrow", "Table"):
        return {name: data.column(name).to_pylist for name in data.column_names}
    if isinstance(data, (list, tuple)) and data and isinstance(data[0], Mapping):
        rows = [row for row in data if isinstance(row, Mapping)]
        return {name: partial(_cells, rows, name) for name in data[0]}
    return {}


def _cells(rows: list[Mapping[Any, Any]], name: object) -> list[Any]:
    return [row.get(name) for row in rows]


def rows_from(data: Any, key: str | None = None) -> _core.Rows:
    """Return the rows for a create, or for a patch with its ids in the column `key`."""
    if isinstance(data, _core.Rows):
        return data
    if isinstance(data, Outcomes):
        raise InputError(f"A result contains outcomes, not input rows. Pass {TAKEN}.")
    _refuse(data, TAKEN)
    if key is not None:
        _require(key, data)
    if is_of(data, "pandas", "DataFrame"):
        return from_pandas(data)
    if isinstance(data, AssetTable) and key is not None:
        # An unedited table needs no names, which may be ambiguous.
        return from_stream(data._table)
    if is_of(data, "pandas", "Series"):
        raise InputError(
            "A Series is a single row or column, not a table. Pass frame.iloc[[0]], or the DataFrame."
        )
    if hasattr(data, "__arrow_c_stream__") and not is_of(data, "polars", "Series"):
        return from_stream(data)
    if isinstance(data, Mapping):
        return _core.Rows.from_dicts([data])
    if isinstance(data, Iterable):
        return _core.Rows.from_dicts(data)
    raise InputError(f"{type(data).__name__} cannot be read as rows. Pass {TAKEN}.")


def ids_from(data: Any, id: str) -> _core.Rows:
    """Return the ids for a get or a delete. `id` is the name of the id column, if the data has columns."""
    if isinstance(data, _core.Rows):
        return data
    if isinstance(data, str) or is_of(data, "uuid", "UUID"):
        return _core.Rows.from_values([data], id)
    if isinstance(data, Outcomes):
        return _core.Rows.from_values(data.ids, id)
    if isinstance(data, (AssetTable, RelationshipTable)):
        return _core.Rows.from_values(data.ids, id)
    _refuse(data, "ids, or rows with a column of ids")
    _require(id, data)
    if is_of(data, "pandas", "DataFrame"):
        return from_pandas(data, only=id)
    if is_of(data, "pandas", "Series"):
        values, nulls = values_of(data)
        labels, index = labels_of(data.index), data.index.copy()
        return _core.Rows.from_columns([id], [values], [nulls], labels, index=index)
    if hasattr(data, "to_pylist") and not hasattr(data, "schema"):  # a pyarrow array
        return _core.Rows.from_values(data.to_pylist(), id)
    if is_of(data, "polars", "Series"):
        return _core.Rows.from_values(data.to_list(), id)
    if hasattr(data, "__arrow_c_stream__"):
        return from_stream(data)
    if isinstance(data, Mapping):
        return _core.Rows.from_dicts([data])
    if not isinstance(data, Iterable):
        raise InputError(
            f"{type(data).__name__} cannot be read as ids. Pass ids, or rows with a column of ids."
        )
    return _from_ids(data, id)


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
    if is_of(data, "polars", "LazyFrame"):
        raise InputError("A LazyFrame has no rows yet. Pass frame.collect().")
    if isinstance(data, AsyncIterable):
        raise InputError(
            "An async iterable needs AsyncClient. With Client, collect it first: [row async for row in source]."
        )


def _refuse_mapping(data: Mapping[Any, Any]) -> None:
    """Raise InputError for a dict of tables or of whole columns, because a dict is one row."""
    name, first = next(iter(data.items()))
    if is_of(first, "pandas", "DataFrame") or hasattr(first, "__arrow_c_stream__"):
        raise InputError(f"A dict of tables is not one table. Pass one of them, such as data[{name!r}].")
    columns = [value for key, value in data.items() if key != "customAttributes"]
    if columns and all(
        isinstance(value, (list, tuple)) or is_of(value, "pandas", "Series") for value in columns
    ):
        raise InputError(
            "A dict is one row, but this one contains whole columns. Pass pandas.DataFrame(data)."
        )


def _require(id: str, data: Any) -> None:
    """Raise InputError for a table without its id column, if the columns are known before reading."""
    names: list[str] | None = None
    if is_of(data, "pandas", "DataFrame"):
        names = [str(name) for name in (*data.columns, *data.index.names) if name is not None]
    elif hasattr(data, "__arrow_c_stream__") and hasattr(getattr(data, "schema", None), "names"):
        names = _schema_names(data.schema)
    if names is not None and id not in names:
        # The Asset ID is the user's own name for an asset, and other ids are those of its category or status.
        near = next((name for name in names if name.strip().lower() in OF_SERVICE), None)
        if near:
            hint = f'Did you mean key="{near}"? '
        elif len(names) == 1:
            hint = f'Pass its name: key="{names[0]}". '
        else:
            hint = (
                "Pass the name of the id column as key=, or add a column of ids, such as result.ids of the create. If a column "
                'such as the barcode identifies the assets, get their ids with assets.get(rows, by="Barcode"), or pass the '
                "result of create(rows, import_key=...) to patch, if the rows have all columns of a new asset. "
            )
        raise InputError(f'There is no column "{id}". {hint}The columns are: {", ".join(names)}.')


def _schema_names(schema: Any) -> list[str]:
    names = schema.names
    return names if isinstance(names, list) else names()  # a method in polars


def _from_ids(data: Any, id: str) -> _core.Rows:
    """Return rows from dicts or ids. The first item that is not None determines which."""
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
