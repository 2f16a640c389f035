"""What the values passed to `get` are: asset ids, or values of another field."""

from __future__ import annotations

from typing import Any, Final

from . import _core
from ._frames import is_of
from ._options import ATTRIBUTE
from ._related import RelationshipTable
from ._results import Outcomes
from ._rows import Rows
from ._tables import AssetTable
from .errors import OptionError

# The default of `key`, and the field of asset ids.
ID: Final = "id"

# The fields by which people know an asset, without spaces and in lower case.
NAMES: Final = frozenset(
    called.lower().replace(" ", "")
    for field in _core.asset_fields()
    for called in (field["name"], field["heading"])
    if field["is_identifier"]
)


def column_of(key: str, by: object) -> str:
    """Return the column with the values: the given one, or else the one that is named like the field."""
    if by is not None and (not isinstance(by, str) or not by.strip()):
        raise OptionError(f'by must be the name of a field, such as "Barcode", not {by!r}.')
    return by if isinstance(by, str) and key == ID else key


def field_named(data: object, rows: _core.Rows, key: str, by: str | None, after: object) -> str | None:
    """Return the name of the field that the values are of, or None for asset ids.

    Values without a column, such as a list, leave `key` no column to name, so it then names the field. So it does in a
    table if it is "Asset ID" or "Barcode": such a column does not contain asset ids.
    """
    if isinstance(data, (Outcomes, AssetTable, RelationshipTable)):
        if by not in (None, ID):
            raise OptionError(f"by= cannot be used with a {type(data).__name__}, which has ids. Remove by=.")
        return None
    inner = data._data if isinstance(data, Rows) else data
    has_no_column = rows.are_values or is_of(inner, "pandas", "Series")
    if by is None and (has_no_column or key.replace(" ", "").casefold() in NAMES):
        by = key
    if by in (None, ID):
        return None
    if after is not None:
        raise OptionError("after= cannot be used with by=: only reads by id can be resumed. Remove after=.")
    return by


def is_attribute(field: str) -> bool:
    """Return whether a field is a custom attribute, which is then read in any case."""
    return ATTRIBUTE.fullmatch(field) is not None


def field_options(options: dict[str, Any], field: str, column: str) -> dict[str, Any]:
    """Return the options of a read by a field, from those of a read by id."""
    kept = {name: options[name] for name in ("include_custom_attributes", "include_deleted")}
    return {**kept, "column": column, "field": field}
