"""Writes: option checks, results, and the exceptions raised for failed rows."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _core
from ._aligned import input_index
from ._options import ATTRIBUTE, MOST_ASSETS, batch_option, bound, flag, get_options, key_option, one_of
from ._paths import run_file
from ._progress import Reporter
from ._records import GeneratedKey, WriteCall, shown_verb
from ._report import Report
from ._results import Outcomes, Which
from ._session import ProjectKey, Session
from ._text import warn
from .errors import (
    AccError,
    ApiError,
    AuthError,
    BulkError,
    BulkInterrupted,
    DataWarning,
    InputError,
    JournalError,
    OptionError,
    TransportError,
)

if TYPE_CHECKING:
    from typing_extensions import Self


def write_options(
    key: str = "id",
    run: str | os.PathLike[str] | None = None,
    on_error: str = "collect",
    max_errors: float | None = None,
    dry_run: bool = False,
    returning: bool = False,
    reconcile: bool = True,
    batch_size: int = MOST_ASSETS,
    *,
    most: int = MOST_ASSETS,
    import_key: str | GeneratedKey | None = None,
) -> dict[str, Any]:
    """Check the options of a write, except those for reading rows, and return them for the core."""
    batch_option(batch_size, most)
    one_of("on_error", on_error, ("collect", "raise", "stop"))
    key_option(key)
    flag("dry_run", dry_run)
    flag("returning", returning)
    flag("reconcile", reconcile)
    generate_keys = isinstance(import_key, GeneratedKey)
    if isinstance(import_key, GeneratedKey):
        import_key = import_key.field
    if import_key is not None and (not isinstance(import_key, str) or not import_key.strip()):
        raise OptionError(f'import_key must be "barcode" or a text attribute, not {import_key!r}.')
    return {
        "batch_size": batch_size,
        "id": key,
        "on_error": on_error,
        "max_errors": bound("max_errors", max_errors),
        "dry_run": dry_run,
        "returning": returning,
        "import_key": import_key,
        "generate_keys": generate_keys,
        "reconcile": reconcile,
        "run": None if run is None else run_file(run),
        "run_name": run if isinstance(run, str) else None,
    }


class Write(NamedTuple):
    """A create, patch, delete or unlink."""

    session: Session
    verb: str
    project: ProjectKey
    rows: _core.Rows
    options: Mapping[str, Any]
    progress: object
    # `BulkResult` or `AsyncBulkResult`, and the object with the verbs that resume it.
    outcomes: type[Outcomes]
    verbs: object
    # The async iterable that the rows come from, if any.
    source: object = None
    settings: _core.Settings | None = None
    assets: _core.Table | None = None
    # The number of requests that read `assets`, if the rows are compared with them.
    reads: int = 0
    # Whether the write may read settings.
    asks_settings: bool = False

    def operation(self, again: _core.Ledger | None = None, which: Which = "retry") -> _core.Operation:
        """Plan the write. With `again`, include only the rows of that ledger that `which` selects."""
        if again is not None and not self.rows.replayable:
            raise OptionError(
                f"{which}(): these rows are a generator or a stream, which can be read only once. Pass them as a list, a "
                "DataFrame or a file."
            )
        return self.session.engine().write(
            self.verb,
            self.project.id,
            self.rows,
            self.options,
            settings=self.settings,
            assets=self.assets,
            reads=self.reads,
            again=again,
            which=which,
        )

    def wants_settings(self) -> bool:
        """Return whether the write should use the project's settings.

        True if the client already has the settings, the rows or the import key contain names, or the write may need
        several requests.

        A single request that contains only ids needs no checks: if a row is bad, the service rejects the whole request.
        """
        key = self.options["import_key"]
        if self.project in self.session.settings or (
            key and key != "barcode" and not ATTRIBUTE.fullmatch(key)
        ):
            return True
        if not self.rows.replayable or len(self.rows) > self.options["batch_size"]:
            return True
        return self.session.engine().scan(self.verb, self.rows, self.options)[0]

    def read_assets(self) -> tuple[Self, _core.Operation | None]:
        """Plan a read of the assets that are needed to check a patch, or that its rows are compared with.

        The operation is None if no assets are needed, or if the rows can be read only once.
        """
        if self.verb != "patch" or not self.rows.replayable:
            return self, None
        engine = self.session.engine()
        _, wanted, compared = engine.scan(self.verb, self.rows, self.options, settings=self.settings)
        write = self._replace(options={**self.options, "compared": compared})
        if not wanted and not compared:
            return write, None
        # A deleted asset can be compared too. Only the service can tell whether it can be changed.
        options = get_options("id", include_deleted=compared)
        return write, engine.get(self.project.id, _core.Rows.from_values(wanted, "id"), options)

    def with_assets(self, operation: _core.Operation) -> Self:
        """Return the write with the assets that the operation has read."""
        reads = int(operation.ledger.stats()["requests"]) if self.options["compared"] else 0
        return self._replace(assets=operation.table, reads=reads)

    def reporter(self) -> Reporter:
        """Create the progress reporter."""
        return Reporter(self.progress, shown_verb(self.verb))

    def call(self, *, has_rows: bool = True) -> WriteCall:
        """Return the data that a result keeps about this write."""
        rows = self.rows if has_rows and self.rows.replayable else None
        return WriteCall(
            self.verb,
            self.project.id,
            self.options,
            rows,
            self.rows.label_title,
            self.settings,
            self.assets,
            self.progress,
            [],
            asks_settings=self.asks_settings,
            index=input_index(rows),
        )

    def keep(
        self, ledger: _core.Ledger, table: _core.Table | None = None, *, has_rows: bool = True
    ) -> Outcomes:
        """Create the result and keep it as `last_result`, even if the call raises."""
        table = table if self.options["returning"] else None
        result = self.outcomes(ledger, self.call(has_rows=has_rows), table, self.verbs)
        self.session.last_result = result
        return result

    def report(self, operation: _core.Operation) -> Report:
        """Return the report of a check."""
        return Report(operation.ledger, self.call())

    def _unsent(self) -> Outcomes | None:
        """Return the result of a call that ended before its first request.

        The result contains the outcomes of the run so far. Without a run file, the result contains every row as
        `not_sent`, or no rows if they come from a generator. Return None if the run file is in use or cannot be read.
        """
        run = self.options["run"]
        if run is None or not os.path.exists(run):
            return self.keep(_core.Ledger.unsent(self.rows if self.rows.replayable else None))
        with suppress(JournalError):
            kept = _core.read_run(run)
            # The rows of this call are not yet aligned with those of the run, so the result has no input rows.
            return None if kept is None else self.keep(kept[1], has_rows=False)
        return None

    @contextmanager
    def beginning(self) -> Iterator[None]:
        """Ensure that `last_result` is not an earlier result after a call that ends before its first request.

        The call gets its own result, or None if it was rejected.
        """
        session = self.session
        # The result is created only if needed, because creating it reads all rows or a run file.
        session.last_result = None
        try:
            yield
        except (OptionError, JournalError):
            session.last_result = None  # The call was rejected.
            raise
        except BaseException as error:
            result = self._unsent()
            if isinstance(error, KeyboardInterrupt) and result is not None:
                raise BulkInterrupted(result) from None
            if isinstance(error, AccError) and result is not None:
                ended_by(error, result)
            else:
                with suppress(AttributeError):
                    error.result = result  # type: ignore[attr-defined]
            raise

    @contextmanager
    def resuming(self, result: Outcomes) -> Iterator[None]:
        """Attach `result`, which can still be resumed, to an exception that ends the call before its first request."""
        try:
            yield
        except OptionError:
            raise  # The call was rejected.
        except BaseException as error:
            self.session.last_result = result
            if isinstance(error, KeyboardInterrupt):
                raise BulkInterrupted(result) from None
            if isinstance(error, AccError) and result is not None:
                ended_by(error, result)
            else:
                with suppress(AttributeError):
                    error.result = result  # type: ignore[attr-defined]
            raise

    @contextmanager
    def refusing(self, result: Outcomes, which: Which) -> Iterator[None]:
        """Allow a result to be resumed again if the core rejected the rows without sending anything."""
        try:
            yield
        except InputError as error:
            if error.result is not None and error.result.counts == result.counts:
                result._call.resumed.remove(which)
                error.result = self.session.last_result = result
            raise

    def judged(self, operation: _core.Operation, result: Outcomes) -> Outcomes:
        """Return the result, or raise the exception that ended the write, or BulkError if `on_error` asks for it."""
        raised = _warned(operation.ledger.warnings())
        if operation.interrupted:
            raise BulkInterrupted(result)
        error = operation.error
        if isinstance(error, AccError):
            raise ended_by(error, result)
        if error is not None:
            # Raised by the user's rows or progress function, so it is passed on unchanged.
            with suppress(AttributeError):
                error.result = result  # type: ignore[attr-defined]
            if sys.version_info >= (3, 11):
                error.add_note(
                    "This exception ended a call to acc_assets. Its .result contains the outcome of every row."
                )
            raise error
        if not result.ok:
            if self.options["on_error"] != "collect":
                raise BulkError(result)
            from logging import getLogger

            line = _core.shown(result._log_line())
            getLogger("acc_assets").warning("%s: %s", shown_verb(self.verb), line)
        if raised is not None:
            # The rows were sent nevertheless.
            raised.result = result
            raise raised
        return result


def ended_by(error: AccError, result: Outcomes) -> AccError:
    """Attach the result of a write to the exception that ended it. An outage, or a lost token, says how to continue."""
    error.result = result
    if isinstance(error, (ApiError, TransportError, AuthError)):
        error._how_to_continue = result._ended()
    return error


def _warned(texts: Iterable[str]) -> DataWarning | None:
    """Issue warnings. If a filter turns warnings into exceptions, return one with the texts of all of these."""
    raised: list[DataWarning] = []
    for text in texts:
        try:
            warn(text, DataWarning)
        except DataWarning as error:
            raised.append(error)
    if len(raised) > 1:
        raised[0].args = ("\n".join(map(str, raised)),)
    return raised[0] if raised else None


def check_options(verb: str, key: str, import_key: str | GeneratedKey | None = None) -> dict[str, Any]:
    """Check the options for validating rows, and return them as write options for the core."""
    one_of("verb", verb, ("create", "patch"))
    return write_options(key, dry_run=True, reconcile=False, import_key=import_key)


def raise_error(operation: _core.Operation) -> None:
    """Raise the exception that ended an operation early, if any."""
    if operation.interrupted:
        raise KeyboardInterrupt
    if operation.error is not None:
        raise operation.error
