# Generated from _async/verbs.py by tools/make_sync.py (make sync). Do not edit.
"""Parts shared by all verbs: reads before a write, the write itself, its result, and resuming it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, cast

from .. import _core
from .._differing import AsCreated
from .._files import is_slow
from .._partial import keeping, table_of
from .._progress import ProgressOption, Reporter
from .._reading import Reading
from .._results import Outcomes, Which
from .._rows import IdData, load
from .._session import ProjectKey, Session
from .._settings import given_settings
from .._tables import AssetTable
from .._write import Write, raise_error, write_options
from ..errors import BulkInterrupted, OptionError
from ._drive import finish, off_loop, pulled


class Verbs:
    """Base class for asset and relationship verbs."""

    # Verbs whose results can be resumed.
    _resumes: tuple[str, ...] = ()

    def __init__(self, session: Session, project: ProjectKey, /) -> None:
        self._session = session
        self._key = project
        self._project = project.id

    def retry(
        self,
        result: Outcomes | None,
        data: IdData | None = None,
        *,
        progress: ProgressOption | None = None,
    ) -> BulkResult:
        """Resend the `failed` and `not_sent` rows of an earlier write, with the same options.

        Args:
            result: The result of the write, which may have been loaded from a pickle.
            data: The original rows, required if the result was loaded from a pickle. If None, the rows of the original call.
            progress: How to show progress: "auto", True, False or a function. If None, the option of the original call.

        Returns:
            A result for the entire input, with new outcomes for the resent rows. Other rows are never resent.

        Raises:
            OptionError: The result is from a dry run, a named run, another project or another kind of entity, was already
                resumed, or its rows are no longer available.
            InputError: The rows differ from those of the original call.
            BulkError, ApiError, TransportError, AuthError, BulkInterrupted: See `Assets.create`.

        Example:
            >>> row = {"clientAssetId": "AHU-78", "categoryId": category, "statusId": status}
            >>> sim.add_fault("status", on="assets:batch-create", code=403)
            >>> try:
            ...     project.assets.create(row, settings=None)
            ... except acc_assets.ForbiddenError as error:
            ...     result = project.assets.retry(error.result)
            >>> result.counts
            {'created': 1}
        """
        return self._resume(result, data, "retry", progress)

    def reconcile(
        self,
        result: Outcomes | None,
        data: IdData | None = None,
        *,
        progress: ProgressOption | None = None,
    ) -> BulkResult:
        """Look up the `unknown` rows of an earlier write in the project, and resend those that were not applied.

        For a create, the call lists the assets that changed since the requests, so it also works hours later. Rows that
        remain in doubt stay `unknown`. The outcomes of other rows do not change.

        Args:
            result, data, progress: As for `retry`.

        Returns:
            A result for the entire input, with new outcomes for the `unknown` rows.

        Raises:
            The same errors as `retry`.

        Example:
            >>> row = {"clientAssetId": "AHU-79", "categoryId": category, "statusId": status}
            >>> sim.add_fault("reset_after_apply", on="assets:batch-create")
            >>> result = project.assets.create(row, reconcile=False)
            >>> reconciled = project.assets.reconcile(result)
            >>> result.counts, reconciled.counts
            ({'unknown': 1}, {'created': 1})
        """
        return self._resume(result, data, "reconcile", progress)

    def _resume(
        self, result: Outcomes | None, data: object, which: Which, progress: ProgressOption | None
    ) -> BulkResult:
        if not isinstance(result, Outcomes):
            raise OptionError(f"{which}() takes the result of a write, not {type(result).__name__}.")
        call = result._resumable(which, self._project, self._resumes)
        source, rows = None, call.rows
        if data is not None:
            source, rows, how = self._loaded(data, Reading(), call.verb, call.options["id"])
            how.must_match(call.options, which)
        if rows is None:
            raise result._needs_rows(which)
        shown = call.progress if progress is None else progress
        write = self._new(call.verb, rows, source, call.options, shown, call.asks_settings)
        with write.reporter() as report:
            with write.resuming(result):
                if call.settings is not None:
                    found = settings_of(self._session, self._key, report, given=call.settings)
                    write = write._replace(settings=found, assets=call.assets)
                    if call.options.get("compared"):
                        # The assets may have changed since the call.
                        write = with_assets(write, report)
                else:
                    wanted = "auto" if call.had_settings or call.asks_settings else None
                    write = prepared(write, wanted, report, always=call.had_settings)
                operation = off_loop(partial(write.operation, result._ledger, which))
                result._resumable(which, self._project, self._resumes).resumed.append(which)
            with write.refusing(result, which):
                return self._carried_out(write, operation, report)

    def _options(self, *options: Any, **more: Any) -> dict[str, Any]:
        """Check the options of a write. `last_result` is reset first, so it is None if an option is invalid."""
        self._session.last_result = None
        return write_options(*options, **more)

    def _write(
        self, verb: str, data: object, how: Reading, options: Any, progress: object, settings: object = None
    ) -> BulkResult:
        source, rows, read = self._loaded(data, how, verb, options["id"])
        write = self._new(verb, rows, source, options | read.options(), progress, settings is not None)
        with write.reporter() as report:
            with write.beginning():
                write = prepared(write, settings, report)
                operation = off_loop(write.operation)
            return self._carried_out(write, operation, report)

    def _loaded(
        self, data: object, how: Reading, verb: str, key: str, *, twice: bool = False
    ) -> tuple[object, _core.Rows, Reading | AsCreated]:
        """Read input, in another thread if it is a file, a result or an async iterable."""
        source = pulled(data)
        work = partial(load, source, how, verb, key, twice=twice, project=self._project)
        slow = source is not data or is_slow(data) or isinstance(data, Outcomes)
        rows, read = off_loop(work, source) if slow else work()
        return source, rows, read

    def _new(
        self, verb: str, rows: _core.Rows, source: object, options: Any, progress: object, asks_settings: bool
    ) -> Write:
        write = Write(self._session, verb, self._key, rows, options, progress, BulkResult, self, source)
        return write._replace(asks_settings=asks_settings)

    def _carried_out(self, write: Write, operation: _core.Operation, report: Reporter) -> BulkResult:
        try:
            finish(operation, report, write.source)
        except BaseException as error:
            # Usually a cancellation. asyncio may replace this exception, but the result stays in `last_result`.
            result = write.keep(operation.ledger, operation.table)
            if isinstance(error, KeyboardInterrupt):
                raise BulkInterrupted(result) from None
            with suppress(AttributeError):
                error.result = result  # type: ignore[attr-defined]
            raise
        result = write.keep(operation.ledger, operation.table)
        return cast("BulkResult", write.judged(operation, result))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(project={self._project!r})"


class BulkResult(Outcomes):
    """One `RowOutcome` per row, in input order. Returned by all verbs that write.

    Results can be pickled. A result loaded from a pickle has no client and no input, so its `retry` and `reconcile`
    raise OptionError. Two results are equal only if they are the same object. `bool(result)` raises TypeError; use `ok`.

    Example:
        >>> result = project.assets.create([{"clientAssetId": "AHU-1", "categoryId": "42"}])
        >>> result.ok, result.counts, result[0].error.column
        (False, {'invalid': 1}, 'statusId')
    """

    __slots__ = ()

    def retry(self) -> BulkResult:
        """Resend the `failed` and `not_sent` rows. See `Assets.retry` and `Relationships.retry`."""
        return cast(Verbs, self._owner("retry")).retry(self)

    def reconcile(self) -> BulkResult:
        """Look up the `unknown` rows. See `Assets.reconcile` and `Relationships.reconcile`."""
        return cast(Verbs, self._owner("reconcile")).reconcile(self)


def settings_of(
    session: Session,
    project: ProjectKey,
    report: Reporter,
    *,
    refresh: bool = False,
    given: _core.Settings | None = None,
) -> _core.Settings:
    """Return the given settings, or else the project's, after reading any missing parts."""
    found = session.reading(project, refresh, given)
    if isinstance(found, _core.Operation):
        ended(found, report)
        return session.read(project, found, given)
    return found


def ended(operation: _core.Operation, report: Reporter) -> None:
    """Run an operation to its end, and raise the exception that ended it, if any."""
    finish(operation, report)
    raise_error(operation)


def prepared(write: Write, settings: object, report: Reporter, *, always: bool = False) -> Write:
    """Return the write with the settings and assets that its checks need. With `always`, "auto" always reads settings."""
    given = given_settings(settings, write.project.id)
    if write.verb not in ("create", "patch"):
        return write
    if settings is not None and (given is not None or always or off_loop(write.wants_settings)):
        found = settings_of(write.session, write.project, report, given=given)
        write = write._replace(settings=found)
    return with_assets(write, report)


def with_assets(write: Write, report: Reporter) -> Write:
    """Return the write with the current assets that its checks need."""
    write, operation = off_loop(write.read_assets)
    if operation is None:
        return write
    ended(operation, report)
    return write.with_assets(operation)


def read(
    operation: _core.Operation,
    report: Reporter,
    *,
    resumable: bool = True,
    source: object = None,
    kind: Callable[[_core.Table], AssetTable] = AssetTable,
) -> _core.Table:
    """Run a read. If a resumable read fails, the exception contains the rows read so far, as a table of this kind."""
    with report, keeping(operation, resumable, kind):
        finish(operation, report, source)
        return table_of(operation)
