"""Results of row checks: every problem, by cause and by row."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from . import _core, _html
from ._aligned import frame_index, index_values, labels_of_rows
from ._convert import pandas_frame, polars_frame
from ._options import ATTRIBUTE
from ._records import BAD, Cause, ColumnUse, Estimate, OutcomeStatus, RowProblem, WriteCall, problem_of
from ._text import counted
from ._workbooks import write_fixes
from .errors import of_lines

if TYPE_CHECKING:
    import pandas
    import polars

CAUSES_SHOWN: Final = 12
# The code of rows that could not be checked. Such rows are not necessarily bad.
UNREAD: Final = "locations_unread"
# Statuses of rows that the user can fix.
TO_FIX: Final = ("invalid", "rejected")


def causes_of(ledger: _core.Ledger, call: WriteCall) -> list[Cause]:
    """Group the failed rows by cause, largest group first. In a dry run, rows that passed the checks are left out."""
    causes = ledger.causes()
    # Positions in a file are the labels of an earlier call, if the last one passed only some rows of a run.
    wanted = () if ledger.title else (row for found in causes for row, _ in found["first_rows"])
    labels = index_values(ledger, call, wanted)
    return [
        Cause(
            status=found["status"],
            code=found["code"],
            column=found["column"],
            message=found["message"],
            fix=found["fix"],
            rows=found["rows"],
            first_rows=tuple(row for row, _ in found["first_rows"]),
            first_labels=tuple(labels.get(row, label) for row, label in found["first_rows"]),
            values=tuple((value, count) for value, count in found["values"]),
        )
        for found in causes
        if not call.is_dry_run or found["status"] != "not_sent" or found["code"] == UNREAD
    ]


def message_of(cause: Cause) -> str:
    """Return the message of the first row and, if it mentions a value, some different values of other rows."""
    others = [value for value, _ in cause.values if value not in cause.message]
    if len(others) == len(cause.values):
        return cause.message  # It does not mention any value.
    more = ", ..." if len(others) > 2 else ""
    return cause.message + (f"; also {', '.join(others[:2])}{more}" if others else "")


def place_of(cause: Cause, ledger: _core.Ledger) -> str:
    """Return where the rows are: `rows 3, 7, ...`, with labels if there are any, or `sheet row 319`.

    In a named run, the labels are those of the last call with all rows, as is their title.
    """
    title = ledger.title
    if title is not None:
        named = [str(label) for label in cause.first_labels]
    else:
        named = [_label(row, label) for row, label in zip(cause.first_rows, cause.first_labels, strict=True)]
    more = ", ..." if cause.rows > len(named) else ""
    return f"{title or 'row'}{'s' if cause.rows > 1 else ''} {', '.join(named)}{more}"


def can_be_fixed(ledger: _core.Ledger, call: WriteCall, *statuses: OutcomeStatus) -> bool:
    """Return whether `write_fixes` can write rows with these statuses: the last input contains some of them."""
    if call.rows is None:
        return False
    return any(place is not None for place in ledger.select(statuses).places())


def _label(row: int, label: Hashable) -> str:
    if label is None or (isinstance(label, int) and label == row):
        return str(row)
    if isinstance(label, tuple):
        label = ", ".join(map(str, label))
    return f"{row} ({label if isinstance(label, int) else str(label)!r})"


def _table(problems: Iterable[RowProblem]) -> dict[str, list[Any]]:
    columns = list(zip(*problems, strict=True)) or [()] * len(RowProblem._fields)
    return {name: list(values) for name, values in zip(RowProblem._fields, columns, strict=True)}


def _meaning(used: ColumnUse) -> str:
    if used.field is None:
        return "ignored"
    if used.title is None:
        return used.field
    return f"{used.title} ({used.field})" if ATTRIBUTE.fullmatch(used.field) else used.title


def _is_obvious(used: ColumnUse) -> bool:
    """Return whether the column has the name of its field or attribute, so that it needs no explanation."""
    # A template marks required columns with " *".
    name = used.column.removesuffix(" *").casefold()
    return name in ((used.field or "").casefold(), (used.title or "").casefold())


def estimate_of(ledger: _core.Ledger) -> Estimate:
    """Estimate the requests and the time needed to send the rows of a dry run."""
    plan = ledger.plan()
    return Estimate(
        int(plan["rows"]), int(plan["requests"]), int(plan["bytes"]), plan["minutes"], plan["per_minute"]
    )


def to_send(estimate: Estimate) -> str:
    """Return an estimate in words: `20,000 to send in 200 requests, 1.0 minutes at 100 requests per minute`."""
    if not estimate.rows:
        return "nothing to send"
    text = f"{estimate.rows:,} to send in {counted(estimate.requests, 'request')}"
    if not estimate.minutes:
        return text
    return f"{text}, {estimate.minutes:.1f} minutes at {estimate.per_minute:g} requests per minute"


def unchecked(ledger: _core.Ledger, call: WriteCall) -> int:
    """Count the rows of a dry run that would not be sent because the locations could not be read."""
    if not call.is_dry_run or "not_sent" not in ledger.counts():
        return 0
    return sum(
        cause.rows for cause in causes_of(ledger, call) if (cause.status, cause.code) == ("not_sent", UNREAD)
    )


class Report:
    """Result of a row check. Returned by `Assets.validate`, `Settings.validate` and `BulkResult.report`.

    Reports can be pickled.

    Example:
        >>> rows = [{"Asset ID": "AHU-1", "Category": "HVAC > Air Handlin", "Status": "Installed"}]
        >>> report = project.settings().validate(rows)
        >>> report.ok, report.causes[0].fix
        (False, 'did you mean `HVAC > Air Handling`?')
        >>> [(use.column, use.field) for use in report.columns][:2]
        [('Asset ID', 'clientAssetId'), ('Category', 'categoryId')]
    """

    __slots__ = ("_call", "_ledger")

    def __init__(self, ledger: _core.Ledger, call: WriteCall, /) -> None:
        self._ledger = ledger
        self._call = call

    @property
    def ok(self) -> bool:
        """Whether every row can be sent or has been imported."""
        counts = self._ledger.counts()
        return not any(
            counts.get(status) for status in BAD if not (self._call.is_dry_run and status == "not_sent")
        ) and not unchecked(self._ledger, self._call)

    @property
    def counts(self) -> dict[OutcomeStatus, int]:
        """Number of rows per status. After a check, valid rows are "not_sent"."""
        return self._ledger.counts()  # type: ignore[return-value]  # the core's words are those of OutcomeStatus

    @property
    def estimate(self) -> Estimate | None:
        """Estimate of what a write would send, or None if this is the report of an actual write."""
        return estimate_of(self._ledger) if self._call.is_dry_run else None

    @property
    def causes(self) -> list[Cause]:
        """All problems, grouped by cause, largest group first."""
        return causes_of(self._ledger, self._call)

    @property
    def problems(self) -> list[RowProblem]:
        """All problems of all rows, in input order."""
        return [problem for _, problem in self._problems()]

    def _problems(self) -> Iterator[tuple[int, RowProblem]]:
        """Return each problem, with the position of its row among the rows that are not ok."""
        bad = self._ledger.select(BAD)
        labels = labels_of_rows(bad, self._call)
        for place, label in enumerate(labels):
            row, _, _, _, _, error, _, _ = bad.outcome(place)
            if error is None:
                continue
            for problem in error["problems"] or [error]:
                yield place, RowProblem(row, label, *problem_of(problem))

    @property
    def columns(self) -> list[ColumnUse]:
        """How each column of the input was interpreted."""
        return [ColumnUse(*used) for used in self._ledger.uses()]

    @property
    def warnings(self) -> list[str]:
        """Warnings about valid rows whose values look wrong or are not covered by the official documentation."""
        return self._ledger.warnings()

    def to_dicts(self) -> list[dict[str, object]]:
        """Convert to one dict per problem: row, label, code, column, value, message, fix."""
        return [problem._asdict() for problem in self.problems]

    def to_pandas(self) -> pandas.DataFrame:
        """Convert to a pandas DataFrame, one row per problem, with the columns of `to_dicts`.

        If the input was a DataFrame, the index contains its index values. Otherwise, it contains the row numbers.

        Raises:
            ImportError: pandas is not installed.
        """
        found = list(self._problems())
        frame = pandas_frame(_table([problem for _, problem in found]))
        of_problems = self._ledger.select(BAD).take([place for place, _ in found])
        return frame.set_axis(frame_index(of_problems, self._call))

    def to_polars(self) -> polars.DataFrame:
        """Convert to a polars DataFrame, one row per problem, with the columns of `to_dicts`.

        Labels other than integers are text.

        Raises:
            ImportError: polars is not installed.
        """
        found = list(self._problems())
        columns = _table([problem for _, problem in found])
        # A column has one type, so the labels are those of the core.
        labels = self._ledger.select(BAD).labels()
        columns["label"] = [labels[place] for place, _ in found]
        if any(isinstance(label, str) for label in columns["label"]):
            columns["label"] = list(map(str, columns["label"]))
        return polars_frame(columns)

    def write_fixes(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> int:
        """Write the rows with problems to an Excel file. Fix the rows in this file, and pass it to the same verb.

        The file contains your columns in their original order, plus the sheet row, the problem and the fix. Bad cells are
        marked. See `BulkResult.write_fixes`.

        Args:
            path: An .xlsx file.
            overwrite: Whether to replace an existing file. The file that the rows came from is never replaced. Default:
                False.

        Returns:
            The number of rows written. If it is 0, no file is written.

        Raises:
            OptionError: The rows are not available, because they came from a generator, the report was unpickled, or the
                call of a named run ended before its first request.
            InputError: The input rows have changed since the call.
            FileError: The file exists, or cannot be written.

        Example:
            >>> rows = [{"Asset ID": "AHU-1", "Category": "HVAC", "Status": "Instaled"}]
            >>> project.settings().validate(rows).write_fixes(folder / "to_fix.xlsx")
            1
        """
        return write_fixes(self._ledger, self._call, path, overwrite)

    def raise_if_failed(self) -> Report:
        """Return the report itself if every row is ok.

        Raises:
            InputError: Rows have problems. The message is the `repr` of the report.
        """
        if not self.ok:
            raise of_lines(repr(self))
        return self

    def _headline(self) -> str:
        if not len(self._ledger):
            return "Report: no rows"
        counts = self._ledger.counts()
        bad = sum(counts.get(status, 0) for status in TO_FIX)
        others = [
            status
            for status in counts
            if status in BAD and status not in TO_FIX and not (status == "not_sent" and self._call.is_dry_run)
        ]
        parts = ["all ok"] if self.ok else [f"{bad:,} to fix"] if bad or not others else []
        parts += [f"{counts[status]:,} {status.replace('_', ' ')}" for status in others]
        if unchanged := counts.get("unchanged"):
            parts.append(f"{unchanged:,} unchanged")
        if waiting := unchecked(self._ledger, self._call):
            parts.append(f"{waiting:,} not checked")
        if duplicates := self._ledger.duplicates():
            parts.append(counted(duplicates, "duplicate"))
        text = f"Report: {counted(len(self._ledger), 'row')}, {', '.join(parts)}"
        return text if (estimate := self.estimate) is None else f"{text}; {to_send(estimate)}"

    def _ignored(self) -> list[str]:
        return [used.column for used in self.columns if used.field is None]

    def _column_lines(self) -> list[str]:
        mapped = [used for used in self.columns if used.field is not None and not _is_obvious(used)]
        lines = []
        if mapped:
            lines.append("  columns: " + ", ".join(f"{used.column} = {_meaning(used)}" for used in mapped))
        if ignored := self._ignored():
            lines.append("  ignored: " + ", ".join(ignored))
        return lines

    def __repr__(self) -> str:
        lines = [self._headline()]
        causes = self.causes
        for cause in causes[:CAUSES_SHOWN]:
            lines.append(f"  {cause.rows:>6,}  {message_of(cause)} ({place_of(cause, self._ledger)})")
            if cause.fix:
                lines.append(f"          {cause.fix}")
        if len(causes) > CAUSES_SHOWN:
            lines.append(f"  and {counted(len(causes) - CAUSES_SHOWN, 'more cause')}: .causes")
        lines += self._column_lines()
        lines += [f"  warning: {text}" for text in self.warnings]
        if can_be_fixed(self._ledger, self._call, *TO_FIX, "differs"):
            lines.append('  .write_fixes("to_fix.xlsx") writes the rows to fix')
        return "\n".join(map(_core.shown, lines))

    def _repr_html_(self) -> str:
        causes = [
            (
                cause.rows,
                cause.column,
                cause.message,
                cause.fix,
                ", ".join(f"{value} ({count})" if count > 1 else value for value, count in cause.values),
                place_of(cause, self._ledger),
            )
            for cause in self.causes
        ]
        uses = [(used.column, _meaning(used), used.note) for used in self.columns]
        return _html.page(
            _html.headline(self._headline()),
            _html.table(("rows", "column", "problem", "fix", "values", "first"), causes, _html.MESSAGE_SHOWN),
            _html.details("columns", _html.table(("column", "interpreted as", "note"), uses)) if uses else "",
            *_html.paragraphs(f"warning: {text}" for text in self.warnings),
        )

    @classmethod
    def _load(cls, ledger: bytes, call: WriteCall) -> Report:
        return cls(_core.Ledger.load(ledger), call)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self)._load, (self._ledger.dump(), self._call.saved())
