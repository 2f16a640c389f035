"""HTML for notebooks, made of plain values. All text is escaped, for people and for HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from . import _core

VALUE_SHOWN: Final = 60
MESSAGE_SHOWN: Final = 300


def escape(text: str) -> str:
    """Escape a text, control characters included."""
    from html import escape as escape_html

    return escape_html(_core.shown(text))


def headline(text: str) -> str:
    """A bold paragraph."""
    return f"<p><b>{escape(text)}</b></p>"


def paragraphs(lines: Iterable[str]) -> list[str]:
    """One paragraph per line."""
    return [f"<p>{escape(line.strip())}</p>" for line in lines]


def table(head: Iterable[str], rows: Sequence[Iterable[object]], longest: int = VALUE_SHOWN) -> str:
    """A table, each value shortened to `longest` characters; nothing without rows."""
    if not rows:
        return ""
    lines = ["<table>", "<tr>" + "".join(f"<th>{escape(name)}</th>" for name in head) + "</tr>"]
    lines += [
        "<tr>" + "".join(f"<td>{escape(_short(value, longest))}</td>" for value in row) + "</tr>"
        for row in rows
    ]
    return "\n".join([*lines, "</table>"])


def details(summary: str, inside: str, *, is_open: bool = False) -> str:
    """A part that can be folded; `inside` is HTML."""
    return f"<details{' open' if is_open else ''}><summary>{escape(summary)}</summary>{inside}</details>"


def page(*parts: str) -> str:
    """Join the parts that are not empty."""
    return "\n".join(part for part in parts if part)


def _short(value: object, longest: int) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= longest else text[: longest - 3] + "..."
