"""Rows that users select: by number, by slice, by a list of numbers, or by a mask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ._frames import is_of
from ._text import counted
from .errors import OptionError

BOOLS: Final = ("bool", "boolean", "Boolean", "bool[pyarrow]")


def positions(rows: int, index: Any) -> int | range:
    """Return the row number for an index, or the row numbers for a slice."""
    try:
        found: int | range = range(rows)[index]
    except IndexError:
        raise IndexError(f"There is no row {index}: {counted(rows, 'row')}, numbered from 0.") from None
    except TypeError:
        raise TypeError(
            f"A row is selected by its number or by a slice, not by {type(index).__name__}."
        ) from None
    return found


def selected(rows: int, index: Any) -> int | Sequence[int]:
    """Return the row number for an index, or the row numbers for a slice, a list of row numbers, or a mask."""
    if isinstance(index, str):
        raise TypeError(
            "A row is selected by its number or by a slice, not by str. For a column, use "
            f"to_pandas()[{str(index)!r}]."
        )
    if isinstance(index, Iterable) and not isinstance(index, (bytes, Mapping)):
        return _several(rows, index)
    return positions(rows, index)


def _several(rows: int, index: Iterable[Any]) -> Sequence[int]:
    if is_of(index, "pandas", "DataFrame") or is_of(index, "polars", "DataFrame"):
        raise TypeError(
            "Rows are not selected by a DataFrame. Pass one of its columns, as a mask of booleans."
        )
    values = list(index)
    flags = [_flag(value) for value in values]
    kind = str(getattr(index, "dtype", ""))
    if None in flags or not (flags or kind in BOOLS):
        return [_number(rows, value) for value in values]
    if len(flags) != rows:
        raise OptionError(
            f"The mask has {counted(len(flags), 'value')}, but the table has {counted(rows, 'row')}. Make the mask from all "
            "rows of this table."
        )
    if is_of(index, "pandas", "Series"):
        flags = _aligned(index, flags)
    return [row for row, flag in enumerate(flags) if flag]


def _number(rows: int, value: Any) -> int:
    found = positions(rows, value)
    if isinstance(found, int) and _flag(value) is None:
        return found
    raise TypeError("A list that selects rows contains row numbers, or one boolean per row.")


def _flag(value: Any) -> bool | None:
    """Return a value of a mask, where blank means False as in pandas and polars, or None for another value."""
    if isinstance(value, bool) or type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    if hasattr(value, "as_py"):  # pyarrow
        return _flag(value.as_py())
    return False if value is None or type(value).__name__ == "NAType" else None


def _aligned(mask: Any, flags: list[bool | None]) -> list[bool | None]:
    """Return the values of a pandas mask in the order of the table. As in pandas, the index says which row each is for."""
    labels = mask.index.tolist()
    if labels == list(range(len(flags))):
        return flags
    found = dict(zip(labels, flags, strict=True))
    if found.keys() != set(range(len(flags))):
        raise OptionError(
            "The mask has an index other than that of to_pandas(), so it is unclear which row each value is for. Use "
            "mask.to_numpy() if it is in the order of the table."
        )
    return [found[row] for row in range(len(flags))]
