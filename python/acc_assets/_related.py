"""Relationships as returned by the service, as rows or as columns of a DataFrame that name both ends."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from . import _core
from ._json import Json
from ._records import ENTITIES, Relationship
from ._table_files import write_csv, write_excel, write_parquet
from ._tables import _Table

if TYPE_CHECKING:
    from typing_extensions import Self

ENDS: Final = ("from", "to")
# The columns of a relationship table, by field.
BY_FIELD: Final = {
    field["name"]: field["heading"] for field in _core.relationship_fields() if field["is_column"]
}
COLUMNS: Final = tuple(BY_FIELD.values())
OF_ENDS: Final = frozenset(name for name in COLUMNS if name.startswith(tuple(f"{end}_" for end in ENDS)))
# The columns with the names of assets, which are read only on request.
NAMED: Final = tuple(
    field["heading"]
    for field in _core.relationship_fields()
    if field["by_service"] and field["heading"] in OF_ENDS
)
# The columns of the other JSON fields.
FLAT_NAMES: Final = {name: column for name, column in BY_FIELD.items() if column not in OF_ENDS}
KINDS: Final = {names: kind for kind, names in ENTITIES.items()}

# The digits of a timestamp beyond milliseconds.
MICROSECONDS: Final = re.compile(r"(?<=:\d\d)(\.\d{3})\d+")


# The Asset ID and barcode of each asset, by its id in lower case.
Names: TypeAlias = dict[str, tuple[str | None, str | None]]


class RelationshipTable(_Table[Relationship]):
    """Relationships as returned by the service, one dict per row. Returned by `relationships.search`.

    If `search` fails, the `.partial` of the exception is a RelationshipTable with the rows read before the failure, or
    None. Its DataFrames have no names of assets.

    In DataFrames and Arrow, the columns are `id`, `from_kind`, `from_name`, `from_barcode`, `from_domain`, `from_type`,
    `from_id`, the same columns for `to`, `created_on`, `is_read_only`, `is_service`, `is_deleted` and `deleted_on`. "from"
    is the first entity in the response and "to" is the second; the service does not document their order. The kind is the
    short name of domain and type, as in `Entity`, if there is one. The name is the Asset ID of an asset, and is missing for
    other entities and for assets that the service did not return. With `names=False`, `search` does not read assets, and
    the columns for names and barcodes do not exist.

    Times are UTC timestamps, truncated to milliseconds. Flags are boolean, and all other columns are text. If any value in
    a column has the wrong type, the column is text. Other fields of a row become additional columns. If a relationship has
    one entity or more than two, its entities are in the column `entities`, as JSON.

    Tables can be pickled. A slice is a RelationshipTable too, and so are the rows at a list of positions, or those of a mask
    of one boolean per row.

    Example:
        >>> made = sim.seed_relationships(3)
        >>> found = project.relationships.search("asset", "document")
        >>> set(made) <= set(found.ids)
        True
        >>> found[0]["entities"][1]["type"]
        'documentlineage'
        >>> found.to_pandas()["from_kind"][0]
        'asset'
        >>> project.relationships.delete(found[:2]).counts
        {'deleted': 2}
    """

    __slots__ = ("_names",)

    def __init__(self, table: _core.Table, names: Names | None = None, /) -> None:
        super().__init__(table)
        # None if the assets were not read.
        self._names = names

    def to_excel(
        self, path: str | os.PathLike[str], *, sheet: str = "Relationships", overwrite: bool = False
    ) -> None:
        """Write an Excel file with the columns of the DataFrame. Times are in UTC.

        Args:
            path: The .xlsx file.
            sheet: Name of the sheet. Default: "Relationships".
            overwrite: Whether to replace an existing file. Default: False.

        Raises:
            OptionError: An option is invalid.
            InputError: The table does not fit into a sheet, which has at most 1,048,575 rows below the headings.
            FileError: The file exists or cannot be written.

        Example:
            >>> project.relationships.search("asset").to_excel(folder / "links.xlsx")
        """
        write_excel(path, self._flat(), sheet, overwrite)

    def to_csv(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write a CSV file in UTF-8 with a byte order mark, with the columns of the DataFrame.

        Args:
            path: The file.
            overwrite: Whether to replace an existing file. Default: False.

        Raises:
            OptionError: An option is invalid.
            FileError: The file exists or cannot be written.

        Example:
            >>> project.relationships.search("asset").to_csv(folder / "links.csv")
        """
        write_csv(path, self._flat(), overwrite)

    def to_parquet(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write a Parquet file, with pyarrow or polars.

        Args:
            path: The file.
            overwrite: Whether to replace an existing file. Default: False.

        Raises:
            ImportError: Neither pyarrow nor polars is installed.
            OptionError: An option is invalid.
            FileError: The file exists or cannot be written.

        Example:
            >>> project.relationships.search("asset").to_parquet(folder / "links.parquet")
        """
        write_parquet(path, self._flat(), overwrite)

    def _taken(self, table: _core.Table) -> Self:
        return type(self)(table, self._names)

    def _asset_ids(self) -> list[str]:
        """Return the ids of all assets that are one end of a relationship."""
        ends = (end for row in self._table.dicts() for end in _ends(row) or ())
        return list(dict.fromkeys(filter(None, map(_asset_id, ends))))

    def _with_names(self, assets: _core.Table) -> Self:
        """Return the table with the names of these assets."""
        names: Names = {}
        for row in map(assets.row, range(len(assets))):
            if isinstance(id := row.get("id"), str):
                names[id.lower()] = _text(row.get("clientAssetId")), _text(row.get("barcode"))
        return type(self)(self._table, names)

    def _flat(self) -> _core.Table:
        rows = [json.dumps(self._flat_row(row)) for row in self._table.dicts()]
        return _core.Table.load(json.dumps([rows, [], [], None, list(self._empty())]).encode())

    def _empty(self) -> dict[str, Any]:
        unread = NAMED if self._names is None else ()
        return {name: None for name in COLUMNS if name not in unread}

    def _flat_row(self, row: dict[str, Any]) -> dict[str, Any]:
        flat = self._empty()
        entities = row.pop("entities", None)
        if (ends := _ends({"entities": entities})) is None:
            if entities not in (None, []):
                flat["entities"] = entities
        else:
            for end, entity in zip(ENDS, ends, strict=True):
                flat.update((f"{end}_{name}", entity.get(name)) for name in ("domain", "type", "id"))
                flat[f"{end}_kind"] = _kind(entity)
                if self._names is not None:
                    found = self._names.get(_asset_id(entity) or "", (None, None))
                    flat[f"{end}_name"], flat[f"{end}_barcode"] = found
        for name, value in row.items():
            if name in FLAT_NAMES:
                flat[FLAT_NAMES[name]] = value
            else:
                flat.setdefault(name, value)
        for name in ("created_on", "deleted_on"):
            if isinstance(text := flat[name], str):
                flat[name] = MICROSECONDS.sub(r"\1", text)
        return flat

    @classmethod
    def _load(cls, state: bytes, names: Names | None = None) -> Self:
        return cls(_core.Table.load(state), names)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self)._load, (self._table.dump(), self._names)


def _ends(row: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the two entities of a relationship, or None if it does not have two."""
    match row.get("entities"):
        case [dict() as one, dict() as other]:
            return [one, other]
        case _:
            return None


def _kind(entity: Mapping[str, Any]) -> str | None:
    """Return the short name of an entity's kind. Any field may have the wrong type."""
    domain, type = entity.get("domain"), entity.get("type")
    return KINDS.get((domain, type)) if isinstance(domain, str) and isinstance(type, str) else None


def _asset_id(entity: Mapping[str, Any]) -> str | None:
    """Return the id of an asset, in lower case, or None for another entity."""
    id = entity.get("id")
    return id.lower() if isinstance(id, str) and _kind(entity) == "asset" else None


def _text(value: Json) -> str | None:
    """Return a value as text, so that the column has one type. Any field may have the wrong type."""
    return value if value is None or isinstance(value, str) else json.dumps(value)
