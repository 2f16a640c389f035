"""How results and tables look in a notebook. All text is escaped, for people and for HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape as escape_html
from typing import TYPE_CHECKING, Any, Final

from . import _core

if TYPE_CHECKING:
    from .report import Report
    from .results import Cause
    from .settings import Settings
    from .tables import AssetTable

ROWS_SHOWN: Final = 10
VALUE_SHOWN: Final = 60


def escape(text: str) -> str:
    """A text as part of a page."""
    return escape_html(_core.shown(text))


def result_html(headline: str, causes: Sequence[tuple[Cause, str]], advice: Iterable[str]) -> str:
    """The headline, a table of causes, each with the name of its first row, and what to do next."""
    parts = [f"<p><b>{escape(headline)}</b></p>"]
    if causes:
        rows = [(cause.status, cause.rows, cause.message, first) for cause, first in causes]
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


def report_html(report: Report) -> str:
    """The headline, a table of causes, what columns were taken for, and the warnings."""
    parts = [f"<p><b>{escape(report._headline())}</b></p>"]
    causes = report.causes
    if causes:
        head = ("rows", "column", "problem", "fix", "values", "first")
        rows = [
            (
                cause.rows,
                cause.column,
                cause.message,
                cause.fix,
                ", ".join(f"{value} ({count})" if count > 1 else value for value, count in cause.values),
                report.place(cause),
            )
            for cause in causes
        ]
        parts.append(_table(head, rows, 300))
    if report.columns:
        uses = [(used.column, used.field or "left out", used.note) for used in report.columns]
        table = _table(("column", "taken for", ""), uses)
        parts.append(f"<details><summary>columns</summary>{table}</details>")
    parts += [f"<p>warning: {escape(text)}</p>" for text in report.warnings]
    return "\n".join(parts)


def settings_html(settings: Settings) -> str:
    """The category tree, to be opened level by level, with statuses and attributes."""
    parts = [f"<p><b>{escape(repr(settings))}</b></p>"]
    parts += [f"<p>{escape(note)}</p>" for note in settings.notes]
    below: dict[str | None, list[int]] = {}
    categories = settings.categories
    known = {category.id for category in categories}
    for place, category in enumerate(categories):
        above = category.parent_id if category.parent_id in known else None
        below.setdefault(above, []).append(place)

    def branch(place: int) -> str:
        category = categories[place]
        off = "" if category.is_active else " (inactive)"
        lines = [
            f"<li>status set {escape(category.status_set or 'none')}: {escape(', '.join(category.statuses))}</li>"
        ]
        if category.attributes:
            lines.append(f"<li>attributes: {escape(', '.join(category.attributes))}</li>")
        lines += [f"<li>{branch(child)}</li>" for child in below.get(category.id, ())]
        opened = " open" if category.is_root else ""
        summary = f"<summary>{escape(category.name)}{off}</summary>"
        return f"<details{opened}>{summary}<ul>{''.join(lines)}</ul></details>"

    parts += [branch(place) for place in below.get(None, ())]
    return "\n".join(parts)


def steps_html(headline: str, rows: Sequence[Iterable[Any]], notes: Iterable[str]) -> str:
    """The headline, a table of the steps of a set-up, and what to know and do."""
    parts = [f"<p><b>{escape(headline)}</b></p>"]
    if rows:
        parts.append(_table(("", "kind", "name", "note"), rows, 300))
    parts += [f"<p>{escape(note)}</p>" for note in notes]
    return "\n".join(parts)


def runs_html(headline: str, head: Iterable[str], rows: Sequence[Iterable[Any]]) -> str:
    """The headline and a table of runs."""
    return "\n".join([f"<p><b>{escape(headline)}</b></p>", *([_table(head, rows)] if rows else [])])


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]], most: int = VALUE_SHOWN) -> str:
    lines = ["<table>", "<tr>" + "".join(f"<th>{escape(name)}</th>" for name in head) + "</tr>"]
    lines += [
        "<tr>" + "".join(f"<td>{escape(_short(value, most))}</td>" for value in row) + "</tr>" for row in rows
    ]
    return "\n".join([*lines, "</table>"])


def _short(value: object, most: int) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= most else text[: most - 3] + "..."
