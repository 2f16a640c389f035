"""What a check of rows found: every problem, by cause and by row."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from . import _core
from .errors import of_lines
from .tables import counted, pandas_frame, polars_frame

if TYPE_CHECKING:
    import pandas
    import polars

    from .results import BulkResult, Plan

__all__ = ["ColumnUse", "Finding", "Report", "RowProblem"]

SHOWN: Final = 12


class ColumnUse(NamedTuple):
    """What a column of the rows was taken for.

    Args:
        column: its name.
        field: the field of the asset, or the custom attribute such as "ca7"; None: it was left out.
        note: why it was left out, or what is unclear; may be empty.
    """

    column: str
    field: str | None
    note: str


class RowProblem(NamedTuple):
    """One thing wrong with one row.

    Args:
        row: number of the row, counted from 0.
        label: the index value of a DataFrame, the row of a sheet as Excel counts it, or else the row number.
        column: the column as you call it; empty where it is the row as a whole.
        value: the value, shortened.
        rule: code of the row check, or the service's error code.
        message: what is wrong.
        fix: what to do.
    """

    row: int
    label: Any
    column: str
    value: str
    rule: str
    message: str
    fix: str


class Finding(NamedTuple):
    """Rows with the same problem.

    Args:
        rule: code of the row check, or the service's error code.
        column: the column as you call it; empty where it is the row as a whole.
        message: what is wrong, in the first of them.
        fix: what to do.
        rows: how many.
        first_rows: numbers of the first ones, counted from 0.
        first_labels: their labels.
        values: the values most of them have, with how many.
    """

    rule: str
    column: str
    message: str
    fix: str
    rows: int
    first_rows: tuple[int, ...]
    first_labels: tuple[Any, ...]
    values: tuple[tuple[str, int], ...]


class Report:
    """What a check of rows found. Made by `Assets.validate`, `Settings.validate` and `BulkResult.report`; pickles.

    Example:
        >>> rows = [{"Asset ID": "AHU-1", "Category": "HVAC > Air Handlin", "Status": "Installed"}]
        >>> report = project.assets.validate(rows)
        >>> report.ok, report.causes[0].fix
        (False, 'did you mean `HVAC > Air Handling`?')
        >>> [(use.column, use.field) for use in report.columns][:2]
        [('Asset ID', 'clientAssetId'), ('Category', 'categoryId')]
    """

    __slots__ = ("_result",)

    def __init__(self, result: BulkResult, /) -> None:
        self._result = result

    @property
    def result(self) -> BulkResult:
        """The outcome of every row."""
        return self._result

    @property
    def ok(self) -> bool:
        """Whether every row may be sent, or went in."""
        return self._result.ok

    @property
    def plan(self) -> Plan | None:
        """What a write would send."""
        return self._result.plan

    @property
    def causes(self) -> list[Finding]:
        """Every problem, rows with the same one together, most rows first."""
        return [
            Finding(
                rule=found["code"],
                column=found["column"],
                message=found["message"],
                fix=found["fix"],
                rows=found["rows"],
                first_rows=tuple(row for row, _ in found["first_rows"]),
                first_labels=tuple(label for _, label in found["first_rows"]),
                values=tuple(found["values"]),
            )
            for found in self._result._ledger.findings()
        ]

    @property
    def problems(self) -> list[RowProblem]:
        """Every problem of every row, in the order of the rows."""
        return list(self._problems())

    def _problems(self) -> Iterator[RowProblem]:
        for outcome in self._result.where("invalid", "rejected", "failed", "unknown", "not_sent"):
            error = outcome.error
            if error is None:
                continue
            row, label = outcome.row, outcome.label
            for problem in error.problems:
                yield RowProblem(
                    row,
                    label,
                    problem.column or "",
                    problem.value or "",
                    problem.rule,
                    problem.message,
                    problem.fix or "",
                )
            if not error.problems:
                yield RowProblem(
                    row,
                    label,
                    error.column or "",
                    error.value or "",
                    error.code,
                    error.message,
                    error.fix or "",
                )

    @property
    def columns(self) -> list[ColumnUse]:
        """What each column was taken for."""
        return [ColumnUse(*used) for used in self._result._ledger.uses()]

    @property
    def left_out(self) -> list[str]:
        """Columns that are not sent."""
        return [used.column for used in self.columns if used.field is None]

    @property
    def warnings(self) -> list[str]:
        """What looks odd though no row is refused for it, and what the official pages leave open."""
        return self._result._ledger.warnings()

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict a problem: row, label, column, value, rule, message, fix."""
        return [problem._asdict() for problem in self._problems()]

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas DataFrame, one row a problem, with the columns of `to_dicts`.

        Raises:
            ImportError: pandas is not installed.
        """
        return pandas_frame(self._table())

    def to_polars(self) -> polars.DataFrame:
        """A polars DataFrame, one row a problem, with the columns of `to_dicts`.

        Raises:
            ImportError: polars is not installed.
        """
        return polars_frame(self._table())

    def _table(self) -> dict[str, list[Any]]:
        problems = self.problems
        return {name: [getattr(problem, name) for problem in problems] for name in RowProblem._fields}

    def to_excel(self, path: str | os.PathLike[str]) -> int:
        """Writes the bad rows into an Excel file: your columns in your order, then the row of the sheet, what is wrong and
        what to do; bad cells are marked. Once fixed it goes straight back in: `create(path)`.

        Args:
            path: an .xlsx file; one that is there is replaced.

        Returns:
            How many rows were written.

        Raises:
            OptionError: the rows came from a generator or a pickle, so they are no longer there.
            InputError: the file cannot be written.

        Example:
            >>> rows = [{"Asset ID": "AHU-1", "Category": "HVAC", "Status": "Instaled"}]
            >>> project.assets.validate(rows).to_excel(folder / "to_fix.xlsx")
            1
        """
        return self._result.to_excel(path)

    def raise_if_failed(self) -> Report:
        """Returns the report itself if every row is ok.

        Raises:
            InputError: some rows are not; the message is the whole report.
        """
        if not self.ok:
            raise of_lines(repr(self))
        return self

    def _headline(self) -> str:
        result = self._result
        bad = sum(rows for status, rows in result.counts.items() if status in ("invalid", "rejected"))
        rows = counted(len(result), "row")
        if not len(result):
            return "Report: no rows"
        plan = self.plan
        sending = ""
        if plan is not None:
            requests = counted(plan.requests, "request")
            sending = f"; {plan.rows} to send in {requests}, {plan.minutes:.1f} minutes at the limit"
        unchecked = result._unchecked()
        waiting = f", {unchecked} not checked" if unchecked else ""
        return f"Report: {rows}, {'all ok' if self.ok else f'{bad} to fix'}{waiting}{sending}"

    def place(self, finding: Finding) -> str:
        """Where the first rows of a finding are."""
        title = self._result._label_title
        named = [
            str(label if label is not None else row)
            for row, label in zip(finding.first_rows, finding.first_labels, strict=True)
        ]
        more = ", ..." if finding.rows > len(named) else ""
        what = title or "row"
        return f"{what}{'s' if finding.rows > 1 else ''} {', '.join(named)}{more}"

    def _column_lines(self) -> list[str]:
        mapped = [used for used in self.columns if used.field is not None and used.field != used.column]
        lines = []
        if mapped:
            lines.append("  columns: " + ", ".join(f"{used.column} = {used.field}" for used in mapped))
        if self.left_out:
            lines.append("  left out: " + ", ".join(self.left_out))
        return lines

    def __repr__(self) -> str:
        lines = [self._headline()]
        causes = self.causes
        for cause in causes[:SHOWN]:
            lines.append(f"  {cause.rows:>6}  {cause.message} ({self.place(cause)})")
            if cause.fix:
                lines.append(f"          {cause.fix}")
        if len(causes) > SHOWN:
            lines.append(f"  and {len(causes) - SHOWN} more causes: .causes")
        lines += self._column_lines()
        lines += [f"  warning: {text}" for text in self.warnings]
        if not self.ok:
            lines.append('  .to_excel("to_fix.xlsx") writes the rows to fix')
        return "\n".join(map(_core.shown, lines))

    def _repr_html_(self) -> str:
        from .looks import report_html

        return report_html(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return Report, (self._result,)
