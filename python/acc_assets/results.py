"""What became of every row of a write."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, NoReturn, TypeAlias, overload

from . import _core
from .errors import BulkError, OptionError
from .options import one_of
from .tables import AssetTable, counted, pandas_frame, polars_frame

if TYPE_CHECKING:
    import pandas
    import polars
    from typing_extensions import Self

    from .report import Report

__all__ = ["BulkResult", "Cause", "Plan", "Problem", "RowError", "RowOutcome", "Stats"]

Status: TypeAlias = Literal[
    "created", "updated", "deleted", "unchanged", "invalid", "rejected", "not_sent", "failed", "unknown"
]

GOOD: Final = ("created", "updated", "deleted", "unchanged")
# The code of a row check that could not be made; the row is not bad.
UNREAD: Final = "locations_unread"
BAD: Final = ("invalid", "rejected", "not_sent", "failed", "unknown")
# What to do about rows in each status: of a dry run, of a run with a name, of a call without one, and of such a call
# whose result still knows its client and its input.
DRY: Final = {"invalid": "fix these rows; nothing was sent"}
RESUMABLE: Final = {
    "not_sent": ".retry() sends them; they were never sent",
    "failed": ".retry() sends them again; they were not executed",
    "unknown": ".reconcile() looks them up in the project; do not send them again before, they may be in it",
}
UNNAMED: Final = {
    "invalid": "fix these rows, then call again with these rows only; they were not sent",
    "rejected": "fix these rows, then call again with these rows only; the service refused them",
    "not_sent": "call again with these rows only; they were never sent",
    "failed": "call again with these rows only; they were not executed",
    "unknown": "look them up in the project before you send them again, they may be in it",
}
NAMED: Final = {
    "invalid": "fix these rows, then call again with the same run= and all rows",
    "rejected": "fix these rows, then call again with the same run= and all rows",
    "not_sent": "call again with the same run= and all rows; they were never sent",
    "failed": "call again with the same run= and all rows; they were not executed",
    "unknown": "call again with the same run= and all rows: it looks them up first",
}
FILE: Final = ", or with the file that .to_excel() writes"
REMOVED: Final = "removed"
CAUSES_SHOWN: Final = 8


class Problem(NamedTuple):
    """One thing wrong with one row.

    Args:
        rule: code of the row check, such as "required".
        column: the column, or None where it is the row as a whole.
        value: the value, shortened, or None.
        message: what is wrong.
        fix: what to do, or None.
    """

    rule: str
    column: str | None
    value: str | None
    message: str
    fix: str | None


class RowError(NamedTuple):
    """Why a row is not ok.

    Args:
        code: code of the row check, or the service's error code; may be empty.
        message: what is wrong.
        column: the column it is about, or None.
        value: the value, shortened, or None.
        fix: what to do, or None.
        status: HTTP status of the response, or None where there was none.
        body: body of the response, or None. Of a response that broke off, the first 64 kB.
        problems: every problem of this row, the first one being the one above.
        metadata: what the service says beside its message (`errorMetadata`), or None: for a 409, what the row is in
            conflict with.
    """

    code: str
    message: str
    column: str | None = None
    value: str | None = None
    fix: str | None = None
    status: int | None = None
    body: str | None = None
    problems: tuple[Problem, ...] = ()
    metadata: dict[str, Any] | None = None

    def __str__(self) -> str:
        return _core.shown(" ".join(part for part in (self.message, self.fix) if part))


class RowOutcome(NamedTuple):
    """The verdict on one row.

    Args:
        row: number of the row in the input, counted from 0.
        label: the row's index value in a DataFrame with an index of its own; otherwise the row number.
        key: the row's clientAssetId (create) or id (patch, delete), or None.
        status: "created", "updated", "deleted", "unchanged" (ok), "invalid", "rejected", "not_sent", "failed" or
            "unknown".
        id: the id of the asset or relationship, or None where there is none.
        error: why the row is not ok, or None.
        attempts: how often requests with this row in them were tried, in all.
        request_id: id of the last request with this row, for Autodesk's support, or None.
    """

    row: int
    label: Any
    key: str | None
    status: Status
    id: str | None
    error: RowError | None
    attempts: int
    request_id: str | None

    @property
    def ok(self) -> bool:
        """Whether the service did what was asked."""
        return self.status in GOOD


class Cause(NamedTuple):
    """Rows that are not ok for the same reason.

    Args:
        status: their status.
        code: code of the reason; may be empty.
        message: the reason.
        rows: how many.
        first_row: number of the first one, counted from 0.
        first_label: its label.
    """

    status: Status
    code: str
    message: str
    rows: int
    first_row: int
    first_label: Any


class Stats(NamedTuple):
    """What a call cost.

    Args:
        requests: requests sent for the rows, retries included. What was read for the checks before (settings, and the
            assets of a patch) is not among them.
        retries: requests sent again.
        bisects: refused requests that were split to find the bad rows.
        throttled: seconds it stood still for the rate limit.
        seconds: seconds from start to end.
        bytes_sent: bytes of all request bodies.
        lookups: requests, among all of them, that looked for rows whose answer was lost, or for import keys.
    """

    requests: int
    retries: int
    bisects: int
    throttled: float
    seconds: float
    bytes_sent: int
    lookups: int


class Plan(NamedTuple):
    """What a write would send (`dry_run=True`).

    Args:
        rows: rows that passed the checks.
        requests: requests they take.
        bytes: bytes of all request bodies.
        minutes: how long that takes at the rate limit, at least.
    """

    rows: int
    requests: int
    bytes: int
    minutes: float


class BulkResult(Sequence[RowOutcome]):
    """One `RowOutcome` a row, in the order of the input; made by the writing verbs.

    It pickles; a pickled result no longer knows the client and the input, so `retry` and `reconcile` raise. Two results
    are equal only if they are the same object. `bool(result)` raises: ask `result.ok`.

    Example:
        >>> rows = [{"clientAssetId": "AHU-1", "categoryId": "42"}]
        >>> with acc_assets.testing.Simulator() as sim:
        ...     result = sim.client().project(sim.project_id).assets.create(rows, on_error="collect")
        >>> result.ok, result.counts, result[0].error.column
        (False, {'invalid': 1}, 'statusId')
    """

    __slots__ = ("_again", "_dry_run", "_label_title", "_ledger", "_named", "_rows", "_table")

    def __init__(
        self,
        ledger: _core.Ledger,
        table: _core.Table | None = None,
        dry_run: bool = False,
        again: Callable[[_core.Ledger, Literal["retry", "reconcile"]], Any] | None = None,
        rows: _core.Rows | None = None,
        label_title: str | None = None,
        named: bool = False,
        /,
    ) -> None:
        self._ledger = ledger
        self._table = table
        self._dry_run = dry_run
        self._again = again
        self._rows = rows
        # Whether it is of a named run.
        self._named = named
        # What the labels are, where the rows come from a sheet.
        self._label_title = label_title if rows is None else rows.label_title

    @property
    def counts(self) -> dict[Status, int]:
        """Rows a status; only statuses that occur, good ones first."""
        return self._ledger.counts()  # type: ignore[return-value]  # the core's words are those of Status

    @property
    def ids(self) -> list[str | None]:
        """The id of each row, None where there is none; aligned with the input: `df["id"] = result.ids`."""
        return self._ledger.ids()

    @property
    def ok(self) -> bool:
        """Whether every row is created, updated, deleted or unchanged; of a dry run, whether every row may be sent."""
        good = (*GOOD, "not_sent") if self._dry_run else GOOD
        return all(status in good for status in self._ledger.counts()) and not self._unchecked()

    @property
    def stats(self) -> Stats:
        """What the call cost."""
        stats = self._ledger.stats()
        return Stats(
            requests=int(stats["requests"]),
            retries=int(stats["retries"]),
            bisects=int(stats["bisects"]),
            throttled=stats["throttled"],
            seconds=stats["seconds"],
            bytes_sent=int(stats["bytes_sent"]),
            lookups=int(stats["lookups"]),
        )

    @property
    def plan(self) -> Plan | None:
        """What a write would send, for `dry_run=True`; otherwise None."""
        if not self._dry_run:
            return None
        plan = self._ledger.plan()
        return Plan(
            rows=int(plan["rows"]),
            requests=int(plan["requests"]),
            bytes=int(plan["bytes"]),
            minutes=plan["minutes"],
        )

    @property
    def assets(self) -> AssetTable | None:
        """The assets as the service answered, for `returning=True`; otherwise None."""
        return None if self._table is None else AssetTable(self._table)

    def where(self, *statuses: Status) -> Self:
        """Only the rows in one of these states; row numbers and labels stay.

        Args:
            statuses: one or more of the words of `RowOutcome.status`.

        Raises:
            OptionError: no status, or one that does not exist.
        """
        if not statuses:
            raise OptionError('where() takes one or more statuses, such as where("rejected", "invalid").')
        for status in statuses:
            one_of("status", status, (*GOOD, *BAD))
        return self._part(self._ledger.select(statuses))

    def by_cause(self) -> list[Cause]:
        """Why rows are not ok, each reason once, the one with most rows first."""
        return [
            Cause(status, code, message, rows, first_row, first_label)  # type: ignore[arg-type]  # as in counts
            for status, code, message, rows, first_row, first_label in self._ledger.causes()
        ]

    @property
    def report(self) -> Report:
        """Every problem by cause and by row, what each column was taken for, and the warnings."""
        from .report import Report

        return Report(self)

    def to_excel(self, path: str | os.PathLike[str]) -> int:
        """Write the rows that are not ok into an Excel file, to be fixed and given to the same verb again.

        The file has your columns in your order, the row of the sheet, what is wrong and what to do; bad cells are
        marked. A hidden column says which row of the run each row is, so the file can be given to the same `run=`.
        Rows that the last call did not bring are not written.

        Args:
            path: an .xlsx file; one that is there is replaced.

        Returns:
            How many rows were written.

        Raises:
            OptionError: the rows came from a generator or a pickle, so they are no longer there.
            InputError: the file cannot be written.

        Example:
            >>> result = project.assets.create([{"Asset ID": "AHU-1", "Category": "HVAC", "Status": "Instaled"}])
            >>> result.to_excel(folder / "to_fix.xlsx")
            1
        """
        if self._rows is None:
            raise OptionError(
                "to_excel(): this result has no rows: they came from a generator, or it was pickled, or its call ended before "
                "the first request. Pass a list, a frame or a sheet, and call again."
            )
        return _core.write_fixes(self._rows, self._ledger, os.fspath(path), self._label_title)

    def raise_if_failed(self) -> Self:
        """Returns the result itself if every row is ok, to write `ids = assets.create(df).raise_if_failed().ids`.

        Raises:
            BulkError: some rows are not ok.
        """
        if not self.ok:
            raise BulkError(self)
        return self

    def retry(self) -> Any:
        """Sends the `failed` and `not_sent` rows of this call again, from the same input, with the same options.

        Returns:
            The `BulkResult` of the whole input, with the new verdicts on those rows; for a result of `AsyncClient`
            an awaitable of it. Rows in other states are never sent again.

        Raises:
            OptionError: the client is closed, the input was a generator and is used up, the result was pickled, or it
                was retried before.
            InputError: the list or frame was changed since.
        """
        return self._go_on("retry")

    def reconcile(self) -> Any:
        """Looks up, in the project, the rows that are `unknown`, and sends those again that are not there.

        It reads the assets that changed since the requests were sent, so it may be called hours later. What it cannot
        prove stays `unknown`. Rows in other states are left as they are; `retry` of the result it returns sends them.

        Returns:
            The `BulkResult` of the whole input, with the new verdicts on those rows; for a result of `AsyncClient`
            an awaitable of it.

        Raises:
            OptionError: as for `retry`, where it was reconciled before.
            InputError: the list or frame was changed since.

        Example:
            >>> row = {"clientAssetId": "AHU-77", "categoryId": category, "statusId": status}
            >>> sim.add_fault("reset_after_apply", on="assets:batch-create")
            >>> result = project.assets.create(row, reconcile=False)
            >>> result.counts, result.reconcile().counts
            ({'unknown': 1}, {'created': 1})
        """
        return self._go_on("reconcile")

    def _go_on(self, which: Literal["retry", "reconcile"]) -> Any:
        if self._dry_run:
            raise OptionError(f"{which}(): this was a dry run; call the verb again without dry_run=True.")
        if self._again is None:
            rows = '"failed", "not_sent"' if which == "retry" else '"unknown"'
            raise OptionError(
                f"{which}(): this result does not know its client and its input: it was pickled or read from a file, or its "
                "call ended before the first request. Call the verb again, with the same run= where there was one, or with "
                f"the rows of result.where({rows})."
            )
        return self._again(self._ledger, which)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict a row: row, label, key, status, id, code, message, column, value, fix, attempts,
        request_id."""
        columns = self._ledger.columns()
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas DataFrame with the columns of `to_dicts`; pyarrow is not needed.

        Raises:
            ImportError: pandas is not installed.
        """
        return pandas_frame(self._ledger.columns())

    def to_polars(self) -> polars.DataFrame:
        """A polars DataFrame with the columns of `to_dicts`.

        Raises:
            ImportError: polars is not installed.
        """
        return polars_frame(self._ledger)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow PyCapsule interface: `pyarrow.table(result)`, DuckDB and others read the result through it."""
        return self._ledger.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return len(self._ledger)

    @overload
    def __getitem__(self, index: int, /) -> RowOutcome: ...
    @overload
    def __getitem__(self, index: slice, /) -> Self: ...
    def __getitem__(self, index: int | slice, /) -> RowOutcome | Self:
        places = range(len(self))[index]
        if isinstance(places, int):
            return _outcome(self._ledger, places)
        return self._part(self._ledger.take(places))

    def __iter__(self) -> Iterator[RowOutcome]:
        return (_outcome(self._ledger, index) for index in range(len(self)))

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "A BulkResult is neither true nor false: ask result.ok (every row is ok) or len(result) (there are rows)."
        )

    def __repr__(self) -> str:
        # Grouping a million rows takes a second, so it is done once.
        causes = self.by_cause()
        return "\n".join(
            map(_core.shown, [self._headline(), *self._cause_lines(causes), *self._advice(causes)])
        )

    def _repr_html_(self) -> str:
        from .looks import result_html

        causes = self.by_cause()
        rows = [(cause, row_name(cause, self._label_title)) for cause in self._shown(causes)]
        return result_html(self._headline(), rows, self._advice(causes))

    def __reduce__(self) -> tuple[Any, ...]:
        return _load, (
            self._ledger.dump(),
            None if self._table is None else self._table.dump(),
            self._dry_run,
            self._label_title,
            self._named,
        )

    def _part(self, ledger: _core.Ledger) -> Self:
        return type(self)(
            ledger, None, self._dry_run, self._again, self._rows, self._label_title, self._named
        )

    def _headline(self) -> str:
        if not len(self):
            return "BulkResult: no rows, nothing sent"
        counts, rows = self.counts, counted(len(self), "row")
        if self.plan is not None:
            requests, minutes = counted(self.plan.requests, "request"), self.plan.minutes
            refused = f"{counts['invalid']} invalid; " if "invalid" in counts else ""
            unchecked = self._unchecked()
            refused += f"{unchecked} not checked; " if unchecked else ""
            return (
                f"BulkResult of a dry run: {rows}, {refused}{self.plan.rows} to send in {requests}, "
                f"{minutes:.1f} minutes at the limit; nothing was sent"
            )
        if self.ok and len(counts) == 1:
            said = "all " + next(iter(counts))
        else:
            said = ", ".join(f"{number} {status}" for status, number in counts.items())
        requests, seconds = counted(self.stats.requests, "request"), self.stats.seconds
        return f"BulkResult: {rows}, {said} ({requests}, {seconds:.1f} s)"

    def _unchecked(self) -> int:
        """Of a dry run, the rows that would not be sent because the locations could not be read."""
        if not self._dry_run or "not_sent" not in self._ledger.counts():
            return 0
        return sum(cause.rows for cause in self.by_cause() if cause.code == UNREAD)

    def _shown(self, causes: list[Cause]) -> list[Cause]:
        return [
            cause
            for cause in causes
            if cause.code == UNREAD or not (self._dry_run and cause.status == "not_sent")
        ]

    def _cause_lines(self, causes: list[Cause]) -> list[str]:
        causes = self._shown(causes)
        lines = [
            f"  {cause.status:<8} {cause.rows:>6}  {cause.message or 'not sent yet'} (first: {row_name(cause, self._label_title)})"
            for cause in causes[:CAUSES_SHOWN]
        ]
        if len(causes) > CAUSES_SHOWN:
            lines.append(f"  and {len(causes) - CAUSES_SHOWN} more reasons: .by_cause()")
        return lines

    def _advice(self, causes: list[Cause]) -> list[str]:
        if self._dry_run:
            known = DRY
        elif self._named:
            file = FILE if self._rows is not None else ""
            known = {**NAMED, **{status: NAMED[status] + file for status in ("invalid", "rejected")}}
        else:
            # Rows of a generator are used up, so they cannot be read a second time.
            resumable = self._again is not None and self._rows is not None
            known = {**UNNAMED, **RESUMABLE} if resumable else UNNAMED
        removed = {cause.status: cause.rows for cause in causes if cause.code == REMOVED}
        counts = self._ledger.counts()
        return [
            f"  {status}: {advice}"
            for status, advice in known.items()
            if counts.get(status, 0) > removed.get(status, 0)  # type: ignore[call-overload]
        ]


def row_name(cause: Cause, label_title: str | None = None) -> str:
    """`row 317`, with the label where the row has one; of a sheet `sheet row 319`."""
    if label_title is not None:
        return f"{label_title} {cause.first_label}"
    named = cause.first_label not in (None, cause.first_row)
    return f"row {cause.first_row}" + (f", {cause.first_label!r}" if named else "")


def _outcome(ledger: _core.Ledger, index: int) -> RowOutcome:
    row, label, key, status, id, error, attempts, request_id = ledger.outcome(index)
    found = None if error is None else _row_error(error)
    return RowOutcome(row, label, key, status, id, found, attempts, request_id)  # type: ignore[arg-type]  # as in counts


def _row_error(error: Mapping[str, Any]) -> RowError:
    return RowError(
        code=error.get("code") or "",
        message=error.get("message") or "",
        column=error.get("column") or None,
        value=error.get("value") or None,
        fix=error.get("fix") or None,
        status=error.get("status") or None,
        body=error.get("body") or None,
        problems=tuple(
            Problem(problem["rule"], problem["column"], problem["value"], problem["message"], problem["fix"])
            for problem in error.get("problems") or ()
        ),
        metadata=error.get("metadata") or None,
    )


def _load(
    ledger: bytes,
    table: bytes | None,
    dry_run: bool,
    label_title: str | None = None,
    named: bool = False,
) -> BulkResult:
    loaded = None if table is None else _core.Table.load(table)
    return BulkResult(_core.Ledger.load(ledger), loaded, dry_run, None, None, label_title, named)
