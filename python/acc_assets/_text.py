"""Helpers for words and numbers in messages."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Final

from . import _core

# The width of a table that is printed, in characters.
LONGEST_LINE: Final = 88
WIDEST_CELL: Final = 36


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: `1 row`, `2 rows`, `20,000 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def nearest(text: str, names: Iterable[str], cutoff: float = 0.4) -> str | None:
    """Return the closest match for a string among names, or None if none is at least this similar."""
    from difflib import get_close_matches

    lower = {name.lower(): name for name in names}
    found = get_close_matches(text.lower(), lower, n=1, cutoff=cutoff)
    return lower[found[0]] if found else None


def listed(words: Iterable[str]) -> str:
    """Join words with commas and "or": `"a", "b" or "c"`."""
    return " or ".join(", ".join(f'"{word}"' for word in words).rsplit(", ", 1))


def grid(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table as lines of text, with as many columns as fit. Columns without values are left out."""
    columns = [[name, *(row[place] for row in rows)] for place, name in enumerate(names)]
    columns = [column for column in columns if any(column[1:]) or not rows]
    lines, count = [""] * (len(rows) + 1), 0
    for column in columns:
        texts = [_core.shown(" ".join(text.split())) for text in column]
        texts = [text if len(text) <= WIDEST_CELL else text[: WIDEST_CELL - 3] + "..." for text in texts]
        width = max(map(len, texts))
        if count and len(lines[0]) + width > LONGEST_LINE:
            break
        lines = [line + text.ljust(width) + "  " for line, text in zip(lines, texts, strict=True)]
        count += 1
    if more := len(names) - count:
        lines[0] += f"+{counted(more, 'column')}"
    return [line.rstrip() for line in lines]


def is_uuid(value: object) -> bool:
    """Return whether a value is a UUID, as an object or as a string."""
    from uuid import UUID

    try:
        UUID(str(value))
    except ValueError:
        return False
    return True


def warn(text: str, category: type[Warning]) -> None:
    """Issue a warning that points to the line in the user's code.

    In a task that runs only this call, such as one that asyncio.gather creates, this is the line that runs the loop.
    """
    import warnings

    level, frame = 1, sys._getframe(0)
    own = (__package__, "asyncio")
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in own:
        level, frame = level + 1, frame.f_back
    warnings.warn(_core.shown(text), category, stacklevel=level)
