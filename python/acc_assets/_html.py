"""HTML for notebooks, built from plain values. Control characters and HTML are escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from . import _core

VALUE_SHOWN: Final = 60
# Longer than any message of a row check with its fix.
MESSAGE_SHOWN: Final = 2000


def escape(text: str) -> str:
    """Escape text for HTML, including control characters."""
    from html import escape as escape_html

    return escape_html(_core.shown(text))


def headline(text: str) -> str:
    """Return a bold paragraph."""
    return f"<p><b>{escape(text)}</b></p>"


def paragraphs(lines: Iterable[str]) -> list[str]:
    """Return one paragraph per line."""
    return [f"<p>{escape(line.strip())}</p>" for line in lines]


def table(head: Iterable[str], rows: Sequence[Iterable[object]], longest: int = VALUE_SHOWN) -> str:
    """Return a table with values shortened to `longest` characters, or an empty string if there are no rows."""
    if not rows:
        return ""
    lines = ["<table>", "<tr>" + "".join(f"<th>{escape(name)}</th>" for name in head) + "</tr>"]
    lines += [
        "<tr>" + "".join(f"<td>{escape(_short(value, longest))}</td>" for value in row) + "</tr>"
        for row in rows
    ]
    return "\n".join([*lines, "</table>"])


def details(summary: str, inside: str, *, is_open: bool = False) -> str:
    """Return a collapsible section. `inside` is HTML."""
    return f"<details{' open' if is_open else ''}><summary>{escape(summary)}</summary>{inside}</details>"


def page(*parts: str) -> str:
    """Join the parts that are not empty."""
    return "\n".join(part for part in parts if part)


def _short(value: object, longest: int) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= longest else text[: longest - 3] + "..."
