"""Helpers for words and numbers in messages."""

from __future__ import annotations

from collections.abc import Iterable


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: `1 row`, `2 rows`, `20,000 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def nearest(text: str, names: Iterable[str]) -> str | None:
    """Return the closest match for a string among names, or None."""
    from difflib import get_close_matches

    lower = {name.lower(): name for name in names}
    found = get_close_matches(text.lower(), lower, n=1, cutoff=0.4)
    return lower[found[0]] if found else None


def listed(words: Iterable[str]) -> str:
    """Join words with commas and "or": `"a", "b" or "c"`."""
    return " or ".join(", ".join(f'"{word}"' for word in words).rsplit(", ", 1))


def is_uuid(value: object) -> bool:
    """Return whether a value is a UUID, as an object or as a string."""
    from uuid import UUID

    try:
        UUID(str(value))
    except ValueError:
        return False
    return True
