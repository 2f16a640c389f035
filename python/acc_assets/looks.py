"""How results and tables look in a notebook. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .results import Cause
    from .tables import AssetTable

ROWS_SHOWN: Final = 10
VALUE_SHOWN: Final = 60


def result_html(headline: str, causes: Sequence[Cause], advice: Iterable[str]) -> str:
    """The headline, a table of causes, and what to do next."""
    from .results import row_name

    parts = [f"<p><b>{escape(headline)}</b></p>"]
    if causes:
        rows = [(cause.status, cause.rows, cause.message, row_name(cause)) for cause in causes]
        parts.append(_table(("status", "rows", "reason", "first"), rows))
    parts += [f"<p>{escape(line.strip())}</p>" for line in advice]
    return "\n".join(parts)


def table_html(assets: AssetTable) -> str:
    """The first rows, custom attributes as columns of their own."""
    first = assets[:ROWS_SHOWN]
    flat = [
        {**row, **attributes} if isinstance(attributes := row.get("customAttributes"), dict) else row
        for row in first
    ]
    names = [
        name for name in dict.fromkeys(name for row in flat for name in row) if name != "customAttributes"
    ]
    parts = [f"<p><b>{escape(repr(assets))}</b></p>"]
    if flat:
        parts.append(_table(names, [[row.get(name) for name in names] for row in flat]))
    if len(assets) > len(first):
        parts.append(f"<p>and {len(assets) - len(first)} more rows</p>")
    return "\n".join(parts)


def runs_html(headline: str, head: Iterable[str], rows: Sequence[Iterable[Any]]) -> str:
    """The headline and a table of runs."""
    return "\n".join([f"<p><b>{escape(headline)}</b></p>", *([_table(head, rows)] if rows else [])])


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    lines = ["<table>", "<tr>" + "".join(f"<th>{escape(name)}</th>" for name in head) + "</tr>"]
    lines += [
        "<tr>" + "".join(f"<td>{escape(_short(value))}</td>" for value in row) + "</tr>" for row in rows
    ]
    return "\n".join([*lines, "</table>"])


def _short(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= VALUE_SHOWN else text[: VALUE_SHOWN - 3] + "..."
