"""Assets and other rows as returned by the service, as rows or as columns of a DataFrame."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, overload

from . import _core, _html
from ._convert import polars_frame, table_frame
from ._options import flag
from ._records import Asset
from ._selection import selected
from ._table_files import write_csv, write_excel, write_parquet
from ._text import counted, grid
from .errors import OptionError

if TYPE_CHECKING:
    import pandas
    import polars
    from typing_extensions import Self

# The number of rows to show in a notebook, and in print.
ROWS_SHOWN: Final = 10
LINES_SHOWN: Final = 5
# A row as returned by the service.
Row = TypeVar("Row")


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
    def __getitem__(self, index: slice | Iterable[object], /) -> Self: ...
    def __getitem__(self, index: int | slice | Iterable[object], /) -> Row | Self:
        places = selected(len(self), index)
        if isinstance(places, int):
            return cast("Row", self._table.row(places))
        return self._taken(self._table.take(places))

    def _taken(self, table: _core.Table) -> Self:
        """Return a table of some of the rows."""
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
        return table_frame(self._flat())

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

    def __repr__(self) -> str:
        rows = counted(len(self), "row")
        return f"{type(self).__name__}: {rows}{', incomplete' if self._table.incomplete else ''}"

    def __str__(self) -> str:
        """Return the first rows and columns as text."""
        names, rows = self._head()
        lines = grid(names, rows[:LINES_SHOWN])
        return "\n".join([repr(self), *lines, *(["..."] if len(self) > LINES_SHOWN else [])])

    def _head(self) -> tuple[list[str], list[list[str]]]:
        """Return the columns and cells of the first rows, to show them."""
        return self[:ROWS_SHOWN]._flat().head(ROWS_SHOWN)

    def _repr_html_(self) -> str:
        names, rows = self._head()
        more = [f"and {len(self) - len(rows)} more rows"] if len(self) > len(rows) else []
        table = _html.table(names, rows)
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

    Rows are dicts as returned by the service, with ids. DataFrames, Arrow and files have names, unless the table was read
    with `names=False`: category and location paths, status and option labels, and one column per custom attribute with its
    display name. A name that the settings do not know stays an id, or `caN`. `patch` accepts both forms. Tables can be
    pickled.

    A slice is an AssetTable too, and so are the rows at a list of positions (`assets[[0, 7]]`) or those of a mask, which is
    a list, an array or a Series of one boolean per row. Blanks in a mask count as False.

    With names, the columns and their types are the same in every table of a project, so that pages and files fit together.
    Every active custom attribute has a column, even without values; an inactive one has a column only if it has values.
    Numeric attributes are floats, date attributes are dates, boolean attributes are booleans, and multi-select attributes
    are lists of labels. All others are text. If a value in such a column has another type, or more digits than a float has,
    the column is text. Without names, a field has a column only if it has values, and a custom attribute has the narrowest
    type that fits all of its values. Documented fields have the same type in every table: `isActive` is boolean, `version`
    is an integer, `createdAt`, `updatedAt` and `deletedAt` are UTC timestamps, and all others are text. In pandas, integers
    and booleans are `Int64` and `boolean`, which support missing values.

    Args:
        table: The rows.
        settings: The settings with the names. If None, the table has no names.
        attributes: Whether the custom attributes were read. Default: True.

    Example:
        >>> row = {"Asset ID": "AHU-1", "Category": "HVAC > Air Handling", "Status": "Ordered", "Airflow": 2.5}
        >>> created = project.assets.create(row)
        >>> assets = project.assets.get(created)
        >>> assets.to_polars().row(0)[1:4]
        ('AHU-1', 'HVAC > Air Handling', 'Ordered')
        >>> assets[0]["customAttributes"]
        {'ca2': '2.5'}
        >>> project.assets.get(["f6a1e3b5-abaa-4b01-b33a-5d55f36ba047"]).missing
        ['f6a1e3b5-abaa-4b01-b33a-5d55f36ba047']
        >>> listed = project.assets.list()
        >>> len(listed[listed.to_pandas()["Barcode"].isna()])
        1
    """

    __slots__ = ("_attributes", "_settings")

    def __init__(
        self, table: _core.Table, /, settings: _core.Settings | None = None, attributes: bool = True
    ) -> None:
        super().__init__(table)
        self._settings = settings
        self._attributes = attributes

    @property
    def missing(self) -> list[str]:
        """The requested ids that the service did not return (unknown, deleted, or not visible to this user), and strings
        that are not ids. A slice has the same list as the full table.
        """
        return self._table.missing

    def to_pandas(self, names: bool | None = None) -> pandas.DataFrame:
        """Convert to a pandas DataFrame. With pyarrow, the conversion is faster and the result is the same.

        Args:
            names: Whether to use names instead of ids. If None, names if the table was read with names.

        Raises:
            ImportError: pandas is not installed.
            OptionError: `names` is True, but the table was read without names.

        Example:
            >>> frame = project.assets.list().to_pandas()
            >>> ids = project.assets.list().to_pandas(names=False)
            >>> list(frame.columns[:3]), list(ids.columns[:3])
            (['id', 'Asset ID', 'Category'], ['id', 'clientAssetId', 'categoryId'])
        """
        return table_frame(self._flat(names))

    def to_polars(self, names: bool | None = None) -> polars.DataFrame:
        """Convert to a polars DataFrame.

        Args:
            names: Whether to use names instead of ids. See `to_pandas`.

        Raises:
            ImportError: polars is not installed.
            OptionError: `names` is True, but the table was read without names.

        Example:
            >>> project.assets.list().to_polars().columns[:3]
            ['id', 'Asset ID', 'Category']
        """
        return polars_frame(self._flat(names))

    def to_excel(
        self,
        path: str | os.PathLike[str],
        *,
        sheet: str = "Assets",
        names: bool | None = None,
        overwrite: bool = False,
    ) -> None:
        """Write an Excel file that can be edited and passed to `patch`.

        Text is written as text, so that leading zeros stay. Numbers, dates and booleans are cells of their own type, and
        times are in UTC. Several options are in one cell, separated by ";".

        Args:
            path: The .xlsx file.
            sheet: Name of the sheet. Default: "Assets".
            names: Whether to use names instead of ids. See `to_pandas`.
            overwrite: Whether to replace an existing file. Default: False.

        Raises:
            OptionError: An option is invalid, or `names` is True, but the table was read without names.
            InputError: The table does not fit into a sheet, which has at most 1,048,575 rows below the headings.
            FileError: The file exists or cannot be written.

        Example:
            >>> project.assets.list().to_excel(folder / "assets.xlsx")
            >>> project.assets.patch(folder / "assets.xlsx").ok
            True
        """
        write_excel(path, self._flat(names), sheet, overwrite)

    def to_csv(
        self, path: str | os.PathLike[str], *, names: bool | None = None, overwrite: bool = False
    ) -> None:
        """Write a CSV file that can be edited and passed to `patch`.

        The file is in UTF-8 with a byte order mark, separated by commas. Times and dates are ISO strings. Excel turns text
        such as 0017 into numbers when it opens a CSV file: write an Excel file if people edit it there.

        Args:
            path: The file.
            names: Whether to use names instead of ids. See `to_pandas`.
            overwrite: Whether to replace an existing file. Default: False.

        Raises:
            OptionError: An option is invalid, or `names` is True, but the table was read without names.
            FileError: The file exists or cannot be written.

        Example:
            >>> project.assets.list().to_csv(folder / "assets.csv")
            >>> project.assets.patch(folder / "assets.csv").ok
            True
        """
        write_csv(path, self._flat(names), overwrite)

    def to_parquet(
        self, path: str | os.PathLike[str], *, names: bool | None = None, overwrite: bool = False
    ) -> None:
        """Write a Parquet file, with pyarrow or polars.

        Args:
            path: The file.
            names: Whether to use names instead of ids. See `to_pandas`.
            overwrite: Whether to replace an existing file. Default: False.

        Raises:
            ImportError: Neither pyarrow nor polars is installed.
            OptionError: An option is invalid, or `names` is True, but the table was read without names.
            FileError: The file exists or cannot be written.

        Example:
            >>> project.assets.list().to_parquet(folder / "assets.parquet")
            >>> project.assets.patch(folder / "assets.parquet").ok
            True
        """
        write_parquet(path, self._flat(names), overwrite)

    def _flat(self, names: bool | None = None) -> _core.Table:
        if names is not None:
            flag("names", names)
        if names is False or (names is None and self._settings is None):
            return self._table
        if self._settings is None:
            raise OptionError(
                "names=True needs the project's settings, but the table was read without names. Read it with names=True."
            )
        return self._table.named(self._settings, self._attributes)

    def _taken(self, table: _core.Table) -> Self:
        return type(self)(table, self._settings, self._attributes)

    @classmethod
    def _load(cls, state: bytes, settings: bytes | None = None, attributes: bool = True) -> Self:
        known = None if settings is None else _core.Settings.load(settings)
        return cls(_core.Table.load(state), known, attributes)

    def __reduce__(self) -> tuple[Any, ...]:
        settings = None if self._settings is None else self._settings.dump()
        return type(self)._load, (self._table.dump(), settings, self._attributes)

    def __repr__(self) -> str:
        text, missing = super().__repr__(), self.missing
        if not missing:
            return text
        shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        return _core.shown(f"{text}; {len(missing):,} not found: {shown}")
