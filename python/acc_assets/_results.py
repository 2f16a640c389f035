"""The outcome of every row of a write."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, TypeAlias, overload

from . import _core, _html
from ._advice import OPEN, advice_of, is_cut_off, last_row, progress_of, to_continue
from ._aligned import Aligned
from ._options import one_of
from ._records import (
    GOOD,
    STATUSES,
    Cause,
    Estimate,
    OutcomeStatus,
    RowError,
    RowOutcome,
    Stats,
    WriteCall,
    problem_of,
    shown_verb,
)
from ._report import Report, causes_of, estimate_of, message_of, place_of, to_send, unchecked
from ._selection import positions
from ._tables import AssetTable
from ._text import counted
from ._workbooks import write_fixes
from .errors import BulkError, InputError, OptionError

if TYPE_CHECKING:
    from typing_extensions import Self

Which: TypeAlias = Literal["retry", "reconcile"]

CAUSES_SHOWN: Final = 8
# Statuses of rows that the user has to change.
MISTAKEN: Final = ("invalid", "rejected", "differs", "drifted")


class Outcomes(Aligned, Sequence[RowOutcome]):
    """One `RowOutcome` per row, in input order. The base class of `BulkResult` and `AsyncBulkResult`.

    `result[a:b]` and `result.where(...)` return a part of a result, which is also a result. On a part, `retry` and
    `reconcile` send only the rows of the part, but return a result for the whole input. A result can be resumed only
    once, either as a whole or through one of its parts.

    Named runs read from their file (`acc_assets.runs()["level-3"]`) are also `Outcomes`. Results of this class have no
    client, so `retry` and `reconcile` raise OptionError.
    """

    __slots__ = ("_is_part", "_table", "_verbs")

    def __init__(
        self, ledger: _core.Ledger, call: WriteCall, table: _core.Table | None = None, verbs: object = None, /
    ) -> None:
        super().__init__(ledger, call)
        self._table = table
        # The `Assets` or `Relationships` object of the call, needed to resend rows.
        self._verbs = verbs
        # Whether this is a part of a result. `_table` is still the table of the whole result.
        self._is_part = False

    @property
    def counts(self) -> dict[OutcomeStatus, int]:
        """Number of rows per status. Contains only statuses that occur, successful ones first."""
        return self._ledger.counts()  # type: ignore[return-value]  # the core's words are those of OutcomeStatus

    @property
    def ok(self) -> bool:
        """Whether every row is created, updated, deleted or unchanged. After a dry run, whether every row can be sent.

        Rows that you removed from a run do not count. False if the call ended before it had read all rows of a generator.
        """
        can_be_sent = (*GOOD, "not_sent") if self._call.is_dry_run else GOOD
        are_good = self._ledger.is_done() or all(status in can_be_sent for status in self._ledger.counts())
        return are_good and not unchecked(self._ledger, self._call) and not self._is_cut_off()

    @property
    def stats(self) -> Stats:
        """Cost of the call: requests, time and bytes."""
        stats = self._ledger.stats()
        return Stats(
            requests=int(stats["requests"]),
            retries=int(stats["retries"]),
            bisects=int(stats["bisects"]),
            throttled=stats["throttled"],
            seconds=stats["seconds"],
            bytes_sent=int(stats["bytes_sent"]),
            lookups=int(stats["lookups"]),
            earlier=int(stats["earlier"]),
        )

    @property
    def estimate(self) -> Estimate | None:
        """For a dry run, an estimate of what a write would send. Otherwise, None."""
        return estimate_of(self._ledger) if self._call.is_dry_run else None

    @property
    def assets(self) -> AssetTable | None:
        """With `returning=True`, the assets as returned by the service. Otherwise, None.

        A part of a result, such as a slice, contains only the assets of the selected rows.
        """
        if self._table is None:
            return None
        assets = AssetTable(self._table)
        if not self._is_part:
            return assets
        # Two rows may have the same id, in different case. The table may contain one or two assets for them.
        places: dict[str, list[int]] = {}
        for place, id in enumerate(assets.ids):
            places.setdefault((id or "").lower(), []).append(place)
        found = (places.get(id.lower()) for id in self.ids if id)
        return AssetTable(self._table.take([of_id.pop(0) for of_id in found if of_id]))

    def where(self, *statuses: OutcomeStatus) -> Self:
        """Select the rows with one of these statuses. Row numbers, labels and assets are preserved.

        Args:
            statuses: One or more values of `RowOutcome.status`.

        Raises:
            OptionError: No status was given, or a status is unknown.
        """
        if not statuses:
            raise OptionError('where() takes one or more statuses, such as where("rejected", "invalid").')
        for status in statuses:
            one_of("status", status, STATUSES)
        return self._part(self._ledger.select(statuses))

    @property
    def causes(self) -> list[Cause]:
        """The failed rows, grouped by cause, largest group first."""
        return causes_of(self._ledger, self._call)

    @property
    def report(self) -> Report:
        """A report of all problems by cause and by row, how each column was interpreted, and the warnings."""
        return Report(self._ledger, self._call)

    def write_fixes(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> int:
        """Write the failed rows to an Excel file. Fix the rows in this file, and pass it to the same verb.

        The file contains your columns in their original order, plus the sheet row, the problem and the fix. Bad cells are
        marked. If the call used the project's settings, columns have drop-downs as in a template. A hidden column
        identifies the rows, so the file can be passed to a call with the same `run=`. Rows that were not part of the last
        call are not written.

        Args:
            path: An .xlsx file.
            overwrite: Whether to replace an existing file. The file that the rows came from is never replaced. Default:
                False.

        Returns:
            The number of rows written. If it is 0, no file is written.

        Raises:
            OptionError: The input rows are not available, because they came from a generator, the result was unpickled
                or read from a run file, or the call of a named run ended before its first request.
            InputError: The input rows have changed since the call.
            FileError: The file exists, or cannot be written.
        """
        return write_fixes(self._ledger, self._call, path, overwrite)

    def raise_if_failed(self) -> Self:
        """Return the result itself if every row is ok: `ids = assets.create(df).raise_if_failed().ids`.

        Raises:
            BulkError: At least one row is not ok.
        """
        if not self.ok:
            raise BulkError(self)
        return self

    def retry(self) -> object:
        """Raise OptionError, because a result without a client cannot send rows.

        Raises:
            OptionError: Always. The message says which call to make instead.
        """
        raise OptionError(self._needs_verb("retry"))

    def reconcile(self) -> object:
        """Raise OptionError, because a result without a client cannot look up rows.

        Raises:
            OptionError: Always. The message says which call to make instead.
        """
        raise OptionError(self._needs_verb("reconcile"))

    def _owner(self, which: Which) -> object:
        if self._verbs is None:
            raise OptionError(self._needs_verb(which))
        return self._verbs

    def _needs_verb(self, which: Which) -> str:
        if self._call.run is not None:
            # A run file does not contain the options of its call, but a pickle does.
            verb = (
                ""
                if "id" not in self._call.options
                else f" Or call project.{self._face()}.{which}(result, rows)."
            )
            return (
                f"{which}(): this result is from a named run and has no client. Make the same call again, with the same "
                f"run= and all rows: it sends the missing rows and looks up the unknown ones.{verb}"
            )
        return (
            f"{which}(): this result has no client, because it was loaded from a pickle. Call "
            f"project.{self._face()}.{which}(result, rows)."
        )

    def _face(self) -> str:
        return "relationships" if self._call.verb == "unlink" else "assets"

    def _needs_rows(self, which: Which) -> OptionError:
        statuses = '"failed", "not_sent"' if which == "retry" else '"unknown"'
        return OptionError(
            f"{which}(): the input is not available: it was a generator or stream that is exhausted, the result was loaded "
            f"from a pickle, or the call ended before its first request. Pass the same rows: {which}(result, rows). "
            f"result.where({statuses}) lists the rows concerned. Next time, name the run with run=: then the same call resumes it."
        )

    def _resumable(self, which: Which, project: str, verbs: tuple[str, ...]) -> WriteCall:
        """Return the call to resume.

        Raises:
            OptionError: The call was a dry run, was already resumed, belongs to another project or another object
                (`assets` or `relationships`), or was read from the file of a named run.
        """
        call = self._call
        if call.is_dry_run:
            raise OptionError(f"{which}(): this was a dry run. Call the verb again without dry_run=True.")
        if call.project != project:
            raise OptionError(f"{which}(): this result is from project {call.project}, not from {project}.")
        if "id" not in call.options:
            raise OptionError(self._needs_verb(which))
        if call.verb not in verbs:
            raise OptionError(
                f"{which}(): this is a result of `{shown_verb(call.verb)}`. Call project.{self._face()}.{which}()."
            )
        if call.resumed:
            raise OptionError(
                f"{which}(): {call.resumed[0]}() was already called on this result or a part of it. Use the result that it "
                "returned, or client.last_result."
            )
        return call

    @overload
    def __getitem__(self, index: int, /) -> RowOutcome: ...
    @overload
    def __getitem__(self, index: slice, /) -> Self: ...
    def __getitem__(self, index: int | slice, /) -> RowOutcome | Self:
        places = positions(len(self), index)
        if isinstance(places, int):
            return self._outcome(places)
        return self._part(self._ledger.take(places))

    def __iter__(self) -> Iterator[RowOutcome]:
        return map(self._outcome, range(len(self)))

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "The truth value of a result is ambiguous. Use result.ok (every row is ok) or len(result) (there are rows)."
        )

    def __repr__(self) -> str:
        return self._lines()

    def _lines(self, without: tuple[OutcomeStatus, ...] = ()) -> str:
        # Grouping a million rows takes a second, so it is done once.
        causes = self.causes
        # The warnings of a call name rows that are not among some of its rows.
        warnings = [] if self._is_part else [f"  warning: {text}" for text in self._ledger.warnings()]
        lines = [self._headline(), *self._cause_lines(causes), *warnings, *self._advice(causes, without)]
        return "\n".join(map(_core.shown, lines))

    def _repr_html_(self) -> str:
        causes = self.causes
        rows = [
            (
                cause.status,
                cause.rows,
                message_of(cause),
                cause.fix,
                place_of(cause, self._ledger),
            )
            for cause in causes
        ]
        return _html.page(
            _html.headline(self._headline()),
            _html.table(("status", "rows", "reason", "fix", "first"), rows, _html.MESSAGE_SHOWN),
            *_html.paragraphs(self._advice(causes)),
        )

    @classmethod
    def _load(cls, ledger: bytes, call: WriteCall, table: bytes | None, is_part: bool) -> Self:
        result = cls(_core.Ledger.load(ledger), call, None if table is None else _core.Table.load(table))
        result._is_part = is_part
        return result

    def __reduce__(self) -> tuple[Any, ...]:
        assets = self.assets
        table = None if assets is None else assets._table.dump()
        return type(self)._load, (self._ledger.dump(), self._call.saved(), table, self._is_part)

    def _outcome(self, index: int) -> RowOutcome:
        row, label, key, status, id, error, attempts, request_id = self._ledger.outcome(index)
        if self._call.index is not None and isinstance(label, str):
            label = self._all_labels()[index]
        found = None if error is None else _row_error(error)
        return RowOutcome(row, label, key, status, id, found, attempts, request_id)  # type: ignore[arg-type]  # as in counts

    def _part(self, ledger: _core.Ledger) -> Self:
        part = type(self)(ledger, self._call, self._table, self._verbs)
        part._is_part = True
        return part

    def _must_be_own(self) -> None:
        """Raise InputError if this result has assets that its call did not create.

        The ids of a whole result look like those of an import to undo.
        """
        if self._is_part:
            return
        if found := not_created(self.statuses, self.ids):
            raise InputError(
                f"The result has assets that the call did not create ({found}). To delete only those that it created, pass "
                'result.where("created"). To delete all of them, pass result.ids.'
            )

    def _is_cut_off(self) -> bool:
        """Return whether the call ended before it had read all rows, and the number of the others is not known."""
        return not self._is_part and is_cut_off(self._ledger, self._call)

    def _headline(self) -> str:
        name = type(self).__name__
        if not len(self):
            if self._is_cut_off():
                return f"{name}: no rows were read, nothing sent"
            return f"{name}: no such rows" if self._is_part else f"{name}: no rows, nothing sent"
        counts, rows = self.counts, counted(len(self), "row")
        if (estimate := self.estimate) is not None:
            unsent: tuple[OutcomeStatus, ...] = ("unchanged", "invalid", "drifted")
            refused = "".join(f"{counts[status]:,} {status}; " for status in unsent if status in counts)
            waiting = unchecked(self._ledger, self._call)
            refused += f"{waiting:,} not checked; " if waiting else ""
            return f"{name} of a dry run: {rows}, {refused}{to_send(estimate)}; nothing was sent"
        stats = self.stats
        before = f"{stats.earlier:,} before this call; " if stats.earlier and not self._is_part else ""
        requests = counted(stats.requests, "request")
        unread = f"; the rows after {last_row(self._ledger)} were not read" if self._is_cut_off() else ""
        return f"{name}: {rows}, {self._counts_line()}{unread} ({before}{requests}, {stats.seconds:.1f} s)"

    def _counts_line(self) -> str:
        counts = self.counts
        if self.ok and len(counts) == 1:
            return f"all {next(iter(counts))}"
        return ", ".join(f"{number:,} {status}" for status, number in counts.items())

    def _log_line(self) -> str:
        """Return the number of rows per status and the most common mistake in them with its fix, in one line."""
        line = f"{counted(len(self), 'row')}, {self._counts_line()}"
        causes = [cause for cause in self.causes if cause.message and cause.status in MISTAKEN]
        if not causes:
            return line
        first = causes[0]
        line += f"; {message_of(first)} ({place_of(first, self._ledger)})"
        if first.fix:
            line += f": {first.fix}"
        return f"{line}; and {counted(len(causes) - 1, 'more cause')}" if len(causes) > 1 else line

    def _interrupted(self) -> str:
        """Return the message of `BulkInterrupted`."""
        how = to_continue(self._ledger, self._call)
        return repr(self) if how is None else f"{self._lines(without=OPEN)}\n  {how}"

    def _ended(self) -> str | None:
        """Return the last line of the message of an exception that ended the call: what is done, and how to continue."""
        how = to_continue(self._ledger, self._call)
        return None if how is None else _core.shown(f"{progress_of(self._ledger, self._call)}. {how}")

    def _cause_lines(self, causes: list[Cause]) -> list[str]:
        lines = []
        for cause in causes[:CAUSES_SHOWN]:
            lines.append(
                f"  {cause.status:<8} {cause.rows:>6,}  {message_of(cause) or 'not sent yet'} "
                f"({place_of(cause, self._ledger)})"
            )
            if cause.fix:
                lines.append(f"                   {cause.fix}")
        if len(causes) > CAUSES_SHOWN:
            lines.append(f"  and {counted(len(causes) - CAUSES_SHOWN, 'more cause')}: .causes")
        return lines

    def _advice(self, causes: list[Cause], without: tuple[OutcomeStatus, ...] = ()) -> list[str]:
        has_client = self._verbs is not None
        lines = advice_of(self._ledger, self._call, causes, has_client=has_client, without=without)
        return lines if not self._is_part else [line for line in lines if not line.startswith("  not read")]


def not_created(statuses: Iterable[str], ids: Iterable[object]) -> str | None:
    """Return the number of ids per status of rows whose assets were not created by the call, or None: `2 unchanged`."""
    rows = [(status, id) for status, id in zip(statuses, ids, strict=True) if isinstance(id, str)]
    # A row that is the copy of another one has the id of the asset that the call created for that row.
    own = {id for status, id in rows if status == "created"}
    others = [status for status, id in rows if id not in own]
    counts = {status: others.count(status) for status in STATUSES}
    return ", ".join(f"{number:,} {status}" for status, number in counts.items() if number) or None


def _row_error(error: Mapping[str, Any]) -> RowError:
    return RowError(
        code=error["code"] or None,
        message=error["message"] or "",
        column=error["column"] or None,
        value=error["value"] or None,
        fix=error["fix"] or None,
        status=error["status"] or None,
        body=error["body"] or None,
        problems=tuple(map(problem_of, error["problems"] or ())),
        metadata=error["metadata"] or None,
    )
