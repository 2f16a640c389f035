"""Results of row checks: every problem, by cause and by row."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, Any, Final

from . import _core, _html
from ._records import BAD, Cause, ColumnUse, Estimate, OutcomeStatus, RowProblem, WriteCall, problem_of
from ._tables import pandas_frame, polars_frame
from ._text import counted
from .errors import OptionError, of_lines

if TYPE_CHECKING:
    import pandas
    import polars

CAUSES_SHOWN: Final = 12
# The code of rows that could not be checked. Such rows are not necessarily bad.
UNREAD: Final = "locations_unread"


def causes_of(ledger: _core.Ledger, call: WriteCall) -> list[Cause]:
    """Group the failed rows by cause, largest group first. In a dry run, rows that passed the checks are left out."""
    return [
        Cause(
            status=found["status"],
            code=found["code"],
            column=found["column"],
            message=found["message"],
            fix=found["fix"],
            rows=found["rows"],
            first_rows=tuple(row for row, _ in found["first_rows"]),
            first_labels=tuple(label for _, label in found["first_rows"]),
            values=tuple((value, count) for value, count in found["values"]),
        )
        for found in ledger.causes()
        if not call.is_dry_run or found["status"] != "not_sent" or found["code"] == UNREAD
    ]


def message_of(cause: Cause) -> str:
    """Return the message of the first row and, if it mentions a value, some different values of other rows."""
    others = [value for value, _ in cause.values if value not in cause.message]
    if len(others) == len(cause.values):
        return cause.message  # It does not mention any value.
    return cause.message + (f"; also {', '.join(others[:2])}" if others else "")


def place_of(cause: Cause, label_title: str | None) -> str:
    """Return where the rows are: `rows 3, 7, ...`, with labels if there are any, or `sheet row 319`."""
    if label_title is not None:
        named = [str(label) for label in cause.first_labels]
    else:
        named = [_label(row, label) for row, label in zip(cause.first_rows, cause.first_labels, strict=True)]
    more = ", ..." if cause.rows > len(named) else ""
    return f"{label_title or 'row'}{'s' if cause.rows > 1 else ''} {', '.join(named)}{more}"


def _label(row: int, label: Hashable) -> str:
    return str(row) if label in (None, row) else f"{row} ({label!r})"


def estimate_of(ledger: _core.Ledger) -> Estimate:
    """Estimate the requests and the time needed to send the rows of a dry run."""
    plan = ledger.plan()
    return Estimate(int(plan["rows"]), int(plan["requests"]), int(plan["bytes"]), plan["minutes"])


def unchecked(ledger: _core.Ledger, call: WriteCall) -> int:
    """Count the rows of a dry run that would not be sent because the locations could not be read."""
    if not call.is_dry_run or "not_sent" not in ledger.counts():
        return 0
    return sum(
        cause.rows for cause in causes_of(ledger, call) if (cause.status, cause.code) == ("not_sent", UNREAD)
    )


def write_fixes(ledger: _core.Ledger, call: WriteCall, path: str | os.PathLike[str]) -> int:
    """Write the failed rows to an Excel file."""
    if call.rows is None:
        raise OptionError(
            "write_fixes(): the input rows are not available: they came from a generator, the result was pickled, or the "
            "call ended before its first request. Pass a list, a DataFrame or a file, and call again."
        )
    return _core.write_fixes(call.rows, ledger, os.fspath(path), call.label_title, options=dict(call.options))


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
        return list(self._problems())

    def _problems(self) -> Iterator[RowProblem]:
        bad = self._ledger.select(BAD)
        for index in range(len(bad)):
            row, label, _, _, _, error, _, _ = bad.outcome(index)
            if error is None:
                continue
            for problem in error["problems"] or [error]:
                yield RowProblem(row, label, *problem_of(problem))

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
        return [problem._asdict() for problem in self._problems()]

    def to_pandas(self) -> pandas.DataFrame:
        """Convert to a pandas DataFrame, one row per problem, with the columns of `to_dicts`.

        Raises:
            ImportError: pandas is not installed.
        """
        return pandas_frame(self._table())

    def to_polars(self) -> polars.DataFrame:
        """Convert to a polars DataFrame, one row per problem, with the columns of `to_dicts`.

        Raises:
            ImportError: polars is not installed.
        """
        return polars_frame(self._table())

    def _table(self) -> dict[str, list[Any]]:
        problems = self.problems
        return {name: [getattr(problem, name) for problem in problems] for name in RowProblem._fields}

    def write_fixes(self, path: str | os.PathLike[str]) -> int:
        """Write the rows with problems to an Excel file. Fix the rows in this file, and pass it to the same verb.

        The file contains your columns in their original order, plus the sheet row, the problem and the fix. Bad cells are
        marked.

        Args:
            path: An .xlsx file. An existing file is replaced.

        Returns:
            The number of rows written.

        Raises:
            OptionError: The rows are not available, because they came from a generator, the report was unpickled, or the
                call of a named run ended before its first request.
            FileError: The file cannot be written.

        Example:
            >>> rows = [{"Asset ID": "AHU-1", "Category": "HVAC", "Status": "Instaled"}]
            >>> project.settings().validate(rows).write_fixes(folder / "to_fix.xlsx")
            1
        """
        return write_fixes(self._ledger, self._call, path)

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
        bad = sum(rows for status, rows in counts.items() if status in ("invalid", "rejected"))
        parts = ["all ok" if self.ok else f"{bad:,} to fix"]
        if waiting := unchecked(self._ledger, self._call):
            parts.append(f"{waiting:,} not checked")
        text = f"Report: {counted(len(self._ledger), 'row')}, {', '.join(parts)}"
        if (estimate := self.estimate) is not None:
            requests = counted(estimate.requests, "request")
            text += (
                f"; {estimate.rows:,} to send in {requests}, {estimate.minutes:.1f} minutes at the rate limit"
            )
        return text

    def _ignored(self) -> list[str]:
        return [used.column for used in self.columns if used.field is None]

    def _column_lines(self) -> list[str]:
        mapped = [used for used in self.columns if used.field is not None and used.field != used.column]
        lines = []
        if mapped:
            lines.append("  columns: " + ", ".join(f"{used.column} = {used.field}" for used in mapped))
        if ignored := self._ignored():
            lines.append("  ignored: " + ", ".join(ignored))
        return lines

    def __repr__(self) -> str:
        lines = [self._headline()]
        causes = self.causes
        for cause in causes[:CAUSES_SHOWN]:
            lines.append(
                f"  {cause.rows:>6,}  {message_of(cause)} ({place_of(cause, self._call.label_title)})"
            )
            if cause.fix:
                lines.append(f"          {cause.fix}")
        if len(causes) > CAUSES_SHOWN:
            lines.append(f"  and {len(causes) - CAUSES_SHOWN} more causes: .causes")
        lines += self._column_lines()
        lines += [f"  warning: {text}" for text in self.warnings]
        if not self.ok:
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
                place_of(cause, self._call.label_title),
            )
            for cause in self.causes
        ]
        uses = [(used.column, used.field or "ignored", used.note) for used in self.columns]
        return _html.page(
            _html.headline(self._headline()),
            _html.table(("rows", "column", "problem", "fix", "values", "first"), causes, _html.MESSAGE_SHOWN),
            _html.details("columns", _html.table(("column", "interpreted as", ""), uses)) if uses else "",
            *_html.paragraphs(f"warning: {text}" for text in self.warnings),
        )

    @classmethod
    def _load(cls, ledger: bytes, call: WriteCall) -> Report:
        return cls(_core.Ledger.load(ledger), call)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self)._load, (self._ledger.dump(), self._call.saved())
