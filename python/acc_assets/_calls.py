"""One call, from checked arguments to its result: what the two faces, sync and async, share."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from . import _core
from ._secret import Secret
from ._threads import off_loop
from .errors import (
    AccError,
    AuthError,
    BulkError,
    BulkInterrupted,
    DataWarning,
    JournalError,
    OptionError,
    ReadInterrupted,
)
from .options import (
    MOST_ASSETS,
    Auth,
    Limits,
    Retry,
    SheetChoice,
    at_least_one,
    limits_option,
    nearest,
    one_of,
    positive,
    retry_option,
    write_options,
)
from .progress import ProgressOption, Reporter
from .results import BulkResult
from .tables import AssetTable

if TYPE_CHECKING:
    from .report import Report
    from .settings import Settings

TOKEN_VARIABLE: Final = "ACC_ASSETS_TOKEN"
# A folder, or "off".
PACING_VARIABLE: Final = "ACC_ASSETS_PACING"
CA_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# The filters of the GET assets reference page.
FILTERS: Final = (
    "categoryId",
    "statusId",
    "statusLabel",
    "locationId",
    "includeSubLocations",
    "searchText",
    "updatedAt",
)
ATTRIBUTE: Final = re.compile(r"ca[0-9]+")
# Seconds that requests in flight have to answer after a cancel; the same as for Ctrl-C in the core.
GRACE: Final = 10.0
# Seconds an aborted call may take to end; it takes milliseconds.
LAST: Final = 2.0
POLL: Final = 0.25
Which: TypeAlias = Literal["retry", "reconcile"]
DONE_WORDS: Final = {
    "create": "created",
    "patch": "updated",
    "delete": "deleted",
    "unlink": "deleted",
    "get": "read",
}


class Session:
    """One client's options, engine and newest result."""

    def __init__(
        self,
        auth: Secret[Auth | None],
        proxy: Secret[str | None],
        *,
        base_url: str,
        prefix: str,
        region: str | None,
        timeout: float,
        max_in_flight: int,
        max_response_bytes: int,
        limits: Limits | None,
        retry: Retry | None,
        ca_bundle: str | os.PathLike[str] | None,
    ) -> None:
        if auth.reveal() is not None and not isinstance(auth.reveal(), str) and not callable(auth.reveal()):
            kind = type(auth.reveal()).__name__
            raise OptionError(f"auth= takes a token as text or a function that returns one, not {kind}.")
        if proxy.reveal() is not None and not isinstance(proxy.reveal(), str):
            raise OptionError(f"proxy= takes an address as text, not {type(proxy.reveal()).__name__}.")
        one_of("prefix", prefix, ("construction", "bim360"))
        positive("timeout", timeout)
        at_least_one("max_in_flight", max_in_flight)
        at_least_one("max_response_bytes", max_response_bytes)
        if not isinstance(base_url, str) or "@" in base_url:
            raise OptionError(
                "base_url= takes an address such as https://developer.api.autodesk.com, without a user."
            )
        bundle = ca_bundle or next(filter(None, map(os.environ.get, CA_VARIABLES)), None)
        self.options: dict[str, Any] = {
            "base_url": base_url,
            "prefix": prefix,
            "region": region,
            "timeout": float(timeout),
            "max_in_flight": max_in_flight,
            "max_response_bytes": min(max_response_bytes, sys.maxsize),
            "ca_bundle": None if bundle is None else os.fspath(bundle),
            "limits": limits_option(Limits() if limits is None else limits),
            "retry": retry_option(Retry() if retry is None else retry),
            "user_agent": f"acc-assets/{_core.__version__} Python/{sys.version_info[0]}.{sys.version_info[1]}",
        }
        self.last_result: BulkResult | None = None
        # What was read of projects, by their id; and where the locations of those of BIM 360 are.
        self.settings: dict[str, _core.Settings] = {}
        self.containers: dict[str, str] = {}
        self._auth = auth
        self._proxy = proxy
        self._lost_token = False
        self._closed = False
        self._engine: _core.Engine | None = None
        self.engine()  # so that a bad option or a missing token is told here, not at the first call

    def engine(self) -> _core.Engine:
        """The engine. A process that got this client by pickle makes its own."""
        if self._closed:
            raise OptionError("This client is closed; make a new one, or call within its `with` block.")
        if self._engine is None:
            # In no variable, which a traceback would show.
            self._engine = _core.Engine(
                self._auth.reveal() or self._token(),
                {**self.options, "proxy": self._proxy.reveal(), **_pacing()},
            )
        return self._engine

    def _token(self) -> str:
        if isinstance(self._auth.reveal(), str):
            raise AuthError("The token is empty: pass auth=<token>.")
        token = os.environ.get(TOKEN_VARIABLE, "").strip()
        if token:
            return token
        if self._lost_token:
            raise AuthError(
                "This client was unpickled without its token, because secrets are not pickled: set the environment "
                f"variable {TOKEN_VARIABLE} in this process, or make the client here."
            )
        raise AuthError(
            "There is no token: pass auth=<token> or a function that returns one, or set the environment variable "
            f"{TOKEN_VARIABLE}. It has to be a three-legged token with the scopes data:read data:write data:create, of a user who is a "
            "member of the project."
        )

    def close(self) -> None:
        """Drops the engine with its connections and its token."""
        self._closed = True
        self._engine = None
        self._auth = Secret(None)

    def __repr__(self) -> str:
        options = getattr(self, "options", None)
        if options is None:
            return "not made"
        return f"base_url={options['base_url']!r}, region={options['region']!r}"

    def __getstate__(self) -> dict[str, Any]:
        is_text = isinstance(self._auth.reveal(), str)
        return {
            "options": self.options,
            "proxy": _without_user(self._proxy.reveal()),
            "auth": None if is_text else self._auth.reveal(),
            "lost_token": self._lost_token or is_text,
            "closed": self._closed,
            "containers": self.containers,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.options = state["options"]
        self.last_result = None
        self._auth = Secret(state["auth"])
        self._proxy = Secret(state["proxy"])
        self._lost_token = state["lost_token"]
        self._closed = state["closed"]
        self.containers = state["containers"]
        self.settings = {}
        self._engine = None


def _pacing() -> dict[str, Any]:
    """Where the rate windows are kept from one process to the next.

    A service on this machine is a simulator, whose limits start over with it. Its windows are kept only if the user names
    a folder.
    """
    from .runs import state_folder

    chosen = os.environ.get(PACING_VARIABLE, "")
    if chosen.lower() == "off":
        return {"pacing": None, "pacing_local": False}
    try:
        folder = os.fspath(state_folder(PACING_VARIABLE, "pacing"))
    except RuntimeError:  # There is no home folder, which must not keep anybody from working.
        return {"pacing": None, "pacing_local": False}
    return {"pacing": folder, "pacing_local": bool(chosen)}


def shown(client: object) -> str:
    """The repr of a client, also of one whose options were refused."""
    return f"{type(client).__name__}({getattr(client, '_session', 'not made')!s})"


def _without_user(proxy: str | None) -> str | None:
    if proxy is None or "@" not in proxy:
        return proxy
    scheme, mark, rest = proxy.rpartition("://")
    return scheme + mark + rest.rpartition("@")[2]


def project_id(text: str | UUID) -> str:
    """The bare lower-case UUID of a project given as UUID or "b." and UUID."""
    return _core.project_id(str(text))


class Write(NamedTuple):
    """A create, patch, delete or unlink, its arguments checked."""

    session: Session
    verb: str
    project: str
    rows: _core.Rows
    options: Mapping[str, Any]
    progress: ProgressOption
    settings: _core.Settings | None = None
    assets: _core.Table | None = None

    def operation(self, again: _core.Ledger | None = None, which: Which = "retry") -> _core.Operation:
        """Plans it; with `again`, for the failed and unsent rows of that ledger, or for those in doubt."""
        if again is not None and not self.rows.replayable:
            rows = '"failed", "not_sent"' if which == "retry" else '"unknown"'
            raise OptionError(
                f"{which}(): the input was a generator or a stream and is used up. Pass a list or a frame the first time, "
                f"or give the call a name (run=), or look at the rows of result.where({rows}) yourself."
            )
        return self.session.engine().write(
            self.verb,
            self.project,
            self.rows,
            self.options,
            settings=self.settings,
            assets=self.assets,
            again=again,
            which=which,
        )

    def reporter(self) -> Reporter:
        return Reporter(self.progress, DONE_WORDS[self.verb])

    def unsent(self) -> BulkResult | None:
        """The result before the first request: what an earlier call of the run left, or else every row `not_sent`.

        Of a generator no row is known yet. None if the file of the run cannot be read.
        """
        rows = self.rows if self.rows.replayable else None
        run = self.options["run"]
        if run is None or not os.path.exists(run):
            ledger = _core.Ledger.unsent(rows)
            return BulkResult(ledger, None, self.options["dry_run"], None, rows, None, run is not None)
        kept = None
        with suppress(JournalError):
            kept = _core.read_run(run)
        # Which of its rows each row of this call is has not been found out yet, so it goes without them.
        return (
            None
            if kept is None
            else BulkResult(kept[1], None, self.options["dry_run"], None, None, None, True)
        )

    def keep(self, operation: _core.Operation, again: Any) -> BulkResult:
        """The result as it stands, kept as `last_result` whatever comes next."""
        result = BulkResult(
            operation.ledger,
            operation.table if self.options["returning"] else None,
            self.options["dry_run"],
            again,
            self.rows if self.rows.replayable else None,
            None,
            self.options["run"] is not None,
        )
        self.session.last_result = result
        return result

    def judge(self, operation: _core.Operation, result: BulkResult) -> BulkResult:
        """Returns the result or raises, as `on_error` says."""
        for text in operation.ledger.warnings():
            _warn(text)
        if operation.interrupted:
            raise BulkInterrupted(result)
        error = operation.error
        if isinstance(error, AccError):
            error.result = result
            raise error
        if error is not None:
            # Raised by the user's own rows or progress function: it goes through as it is.
            with suppress(AttributeError):
                error.result = result  # type: ignore[attr-defined]
            if sys.version_info >= (3, 11):
                error.add_note("It ended a call of acc_assets; .result tells what was sent until then.")
            raise error
        if not result.ok:
            if self.options["on_error"] != "collect":
                raise BulkError(result)
            from logging import getLogger

            getLogger("acc_assets").warning("%r", result)
        return result


class Again:
    """What `retry` and `reconcile` of a result do: one of them once, since the result does not learn what came of it."""

    def __init__(self, write: Write, start: Callable[[Steps[tuple[Write, _core.Operation]]], Any]) -> None:
        self._write = write
        self._start = start
        self._gone: list[Which] = []

    def __call__(self, ledger: _core.Ledger, which: Which) -> Any:
        return self._start(self._planned(ledger, which))

    def _planned(self, ledger: _core.Ledger, which: Which) -> Steps[tuple[Write, _core.Operation]]:
        settings = self._write.settings
        if settings is not None:
            settings = yield from _with_locations(self._write.session, self._write.project, settings)
            self._write = self._write._replace(settings=settings)
        operation = self._write.operation(ledger, which)
        if self._gone:
            raise OptionError(
                f"{which}(): this result went through {self._gone[0]}() before, and its rows may be in by now; go on "
                f"with the result that {self._gone[0]}() returned, or with client.last_result."
            )
        self._gone.append(which)
        return self._write, operation


def _again_now(planned: Steps[tuple[Write, _core.Operation]]) -> BulkResult:
    return _drive_now(*steps_now(planned))


async def _again_soon(planned: Steps[tuple[Write, _core.Operation]]) -> BulkResult:
    return await _drive_soon(*await steps_soon(planned))


def write_now(write: Write, validate: Validate = False) -> BulkResult:
    """Runs a write in this thread."""
    return _drive_now(*steps_now(_begun(write, validate)))


async def write_soon(write: Write, validate: Validate = False) -> BulkResult:
    """Runs a write in the background, awaited."""
    return await _drive_soon(*await steps_soon(_begun(write, validate)))


def _begun(write: Write, validate: Validate) -> Steps[tuple[Write, _core.Operation]]:
    """A write up to its first request."""
    with _beginning(write):
        write = yield from prepared(write, validate)
        return write, write.operation()


@contextmanager
def _beginning(write: Write) -> Iterator[None]:
    """Sees to it that a call which ends before its first request leaves its own result, not that of the call before."""
    session = write.session
    # What it would be is found out only if it is needed: that reads all rows, or the file of a run.
    session.last_result = None
    try:
        yield
    except (OptionError, JournalError):
        session.last_result = None  # The call was refused.
        raise
    except BaseException as error:
        result = session.last_result = write.unsent()
        if isinstance(error, KeyboardInterrupt) and result is not None:
            raise BulkInterrupted(result) from None
        with suppress(AttributeError):
            error.result = result  # type: ignore[attr-defined]
        raise


Validate: TypeAlias = "bool | Literal['auto'] | Settings"
Returned = TypeVar("Returned")
# Work with reads in between: it yields them, and goes on when they have ended.
Steps: TypeAlias = Generator[_core.Operation, None, Returned]


class _End(NamedTuple):
    """How work with reads in between ended."""

    returned: Any
    raised: BaseException | None

    def result(self) -> Any:
        if self.raised is not None:
            raise self.raised
        return self.returned


def _step(steps: Steps[Any], raised: BaseException | None) -> _core.Operation | _End:
    """Goes on to the next read, after the one before has ended or raised something."""
    try:
        return next(steps) if raised is None else steps.throw(raised)
    except StopIteration as end:
        return _End(end.value, None)
    except BaseException as error:
        return _End(None, error)


def steps_now(steps: Steps[Returned]) -> Returned:
    """Runs work with reads in between in this thread."""
    raised: BaseException | None = None
    while not isinstance(step := _step(steps, raised), _End):
        raised = None
        try:
            step.wait(None, _nothing)
            _raise(step)
        except BaseException as error:
            raised = error
    returned: Returned = step.result()
    return returned


async def steps_soon(steps: Steps[Returned]) -> Returned:
    """Runs work with reads in between in the background, awaited: nothing of it in the event loop's thread."""
    raised: BaseException | None = None
    while True:
        step = await off_loop(partial(_step, steps, raised))
        if isinstance(step, _End):
            break
        raised = None
        try:
            with Reporter(False, "read") as report:
                await _ended(step, report)
            _raise(step)
        except GeneratorExit:  # the loop is gone: nothing can be awaited any more
            raise
        except BaseException as error:
            raised = error
    returned: Returned = step.result()
    return returned


async def result_soon(steps: Steps[Returned]) -> Returned:
    """The same for a verb that awaits nothing afterwards: a cancel that came meanwhile is raised here."""
    import asyncio

    returned = await steps_soon(steps)
    await asyncio.sleep(0)
    return returned


def _nothing() -> None:
    """Nobody is told that a read is being stopped."""


def _raise(operation: _core.Operation) -> None:
    if operation.interrupted:
        raise KeyboardInterrupt
    if operation.error is not None:
        raise operation.error


def settings_of(session: Session, project: str, refresh: bool = False) -> Steps[_core.Settings]:
    """The settings of a project: those that were read before, or read now."""
    known = None if refresh else session.settings.get(project)
    if known is not None and not _lacks_locations(known):
        return known
    # What could not be read is read again, and only that.
    operation = session.engine().read_settings(project, session.containers.get(project), known, refresh)
    # The read that others waited for may have ended just before this call would have joined it.
    kept = None if refresh else session.settings.get(project)
    if kept is not None and kept is not known:
        return kept
    yield operation
    found = _settings_read(operation)
    if not operation.superseded:
        session.settings[project] = found
    return found


def _with_locations(session: Session, project: str, settings: _core.Settings) -> Steps[_core.Settings]:
    """The settings of a write with their locations, if those could not be read before and can be now."""
    if not _lacks_locations(settings):
        return settings
    if session.settings.get(project) is settings:
        return (yield from settings_of(session, project))
    # The caller's own: they are completed, not replaced.
    operation = session.engine().read_settings(project, session.containers.get(project), settings, False)
    yield operation
    return _settings_read(operation)


def _lacks_locations(settings: _core.Settings) -> bool:
    return settings.about()["locations"] is None


def _settings_read(operation: _core.Operation) -> _core.Settings:
    if operation.settings is None:
        raise AccError("The settings were not read; this is a bug in acc_assets; please report it.")
    return operation.settings


def prepared(write: Write, validate: Validate) -> Steps[Write]:
    """A write with what its rows are checked against."""
    if validate is False or write.verb not in ("create", "patch"):
        return write
    from .settings import Settings

    if isinstance(validate, Settings):
        if validate.project_id != write.project:
            raise OptionError(
                f"these settings are of project {validate.project_id}, whose ids mean nothing in {write.project}; use that "
                "project's own: project.settings()."
            )
        settings = yield from _with_locations(write.session, write.project, validate._core)
    elif validate is not True and validate != "auto":
        raise OptionError(f'validate={validate!r}: it takes True, False, "auto" or Settings.')
    elif validate is True or _wants_settings(write):
        settings = yield from settings_of(write.session, write.project)
    else:
        return write
    write = write._replace(settings=settings)
    if write.verb != "patch" or not write.rows.replayable:
        return write
    engine = write.session.engine()
    _, wanted = engine.scan(write.verb, write.rows, write.options, settings=settings)
    if not wanted:
        return write
    options = {
        "id": "id",
        "include_custom_attributes": True,
        "include_deleted": False,
        "batch_size": MOST_ASSETS,
    }
    operation = engine.get(write.project, _core.Rows.from_values(wanted, "id"), options)
    yield operation
    return write._replace(assets=operation.table)


def _wants_settings(write: Write) -> bool:
    """Whether to read the settings unasked: they are known, the rows hold names, or they take more than one request.

    One request with ids alone is its own check: the service refuses it whole.
    """
    if write.project in write.session.settings:
        return True
    if not write.rows.replayable or len(write.rows) > write.options["batch_size"]:
        return True
    names, _ = write.session.engine().scan(write.verb, write.rows, write.options)
    return names


def report_of(write: Write, settings: Validate) -> Steps[Report]:
    """Checks rows and sends nothing."""
    from .report import Report

    write = yield from prepared(write, settings)
    operation = write.operation()
    yield operation
    result = write.keep(operation, None)
    return Report(result)


def offline_report(
    settings: Settings,
    data: Any,
    *,
    verb: str,
    id: str,
    sheet: SheetChoice,
    mapping: Any,
    separator: str,
    nulls: str,
    dates: str,
) -> Report:
    """Checks rows without a client."""
    # A token that nothing is sent with.
    session = Session(
        Secret("offline"),
        Secret(None),
        base_url="https://localhost",
        prefix="construction",
        region=None,
        timeout=1.0,
        max_in_flight=1,
        max_response_bytes=1,
        limits=None,
        retry=None,
        ca_bundle=None,
    )
    write = checked(
        session,
        settings.project_id,
        data,
        verb=verb,
        id=id,
        sheet=sheet,
        mapping=mapping,
        separator=separator,
        nulls=nulls,
        dates=dates,
        import_key=None,
    )
    write = write._replace(settings=settings._core, assets=_core.Table.load(b"[[],[]]"))
    from .report import Report

    operation = write.operation()
    operation.wait(None, _nothing)
    _raise(operation)
    return Report(write.keep(operation, None))


def checked(
    session: Session,
    project: str,
    data: Any,
    *,
    verb: str,
    id: str,
    sheet: SheetChoice,
    mapping: Any,
    separator: str,
    nulls: str,
    dates: str,
    import_key: str | None,
) -> Write:
    """A write that only checks."""
    from .frames import rows_from

    one_of("verb", verb, ("create", "patch"))
    options = write_options(
        batch_size=MOST_ASSETS,
        nulls=nulls,
        dates=dates,
        id=id,
        on_error="collect",
        max_errors=None,
        dry_run=True,
        import_key=import_key,
        reconcile=False,
        run=None,
        mapping=mapping,
        separator=separator,
    )
    if isinstance(data, Iterator):
        data = list(data)
    rows = rows_from(data, id if verb == "patch" else None, sheet)
    return Write(session, verb, project, rows, options, False)


def _drive_now(write: Write, operation: _core.Operation) -> BulkResult:
    with write.reporter() as report:
        try:
            operation.wait(report if report.wanted else None, report.stopping)
        finally:
            result = write.keep(operation, Again(write, _again_now))
    return write.judge(operation, result)


async def _drive_soon(write: Write, operation: _core.Operation) -> BulkResult:
    with write.reporter() as report:
        try:
            await _ended(operation, report)
        except BaseException as error:
            # A cancel first of all: asyncio may hand on another exception, but last_result stays.
            result = write.keep(operation, Again(write, _again_soon))
            if isinstance(error, KeyboardInterrupt):
                raise BulkInterrupted(result) from None
            error.result = result  # type: ignore[attr-defined]
            raise
    return write.judge(operation, write.keep(operation, Again(write, _again_soon)))


def read_now(
    operation: _core.Operation, progress: ProgressOption = False, *, resumable: bool = True
) -> _core.Table:
    """Runs a read in this thread. If it fails and is resumable, the exception keeps what was read."""
    with Reporter(progress, DONE_WORDS["get"]) as report:
        operation.wait(report if report.wanted else None, report.stopping)
    return _read(operation, resumable)


async def read_soon(
    operation: _core.Operation, progress: ProgressOption = False, *, resumable: bool = True
) -> _core.Table:
    """Runs a read in the background, awaited; as `read_now`."""
    with Reporter(progress, DONE_WORDS["get"]) as report:
        try:
            await _ended(operation, report)
        except BaseException as error:
            if not resumable:
                raise
            if isinstance(error, KeyboardInterrupt):
                raise ReadInterrupted(_partial(operation)) from None
            error.partial = _partial(operation)  # type: ignore[attr-defined]
            raise
    return _read(operation, resumable)


def _partial(operation: _core.Operation) -> AssetTable | None:
    """What a read that failed has read."""
    table = operation.table
    return None if table is None else AssetTable(table)


After: TypeAlias = "BaseException | AssetTable | None"


def unfinished(after: After) -> _core.Table | None:
    """What the read kept that is to go on; nothing of an error that came before it."""
    kept: object = after
    if isinstance(after, BaseException):
        # A timeout of asyncio is raised from the cancel that ended the read.
        found = (getattr(error, "partial", None) for error in (after, after.__cause__))
        kept = next((partial for partial in found if partial is not None), None)
    if kept is None:
        return None
    if not isinstance(kept, AssetTable):
        raise OptionError(
            f"after= takes the exception that an earlier call raised, or its .partial, not {type(kept).__name__}."
        )
    return kept._table


@contextmanager
def keeping(table: _core.Table | None) -> Iterator[None]:
    """Sees to it that an error before a read goes on leaves what was read before."""
    try:
        yield
    except AccError as error:
        if table is not None:
            error.partial = AssetTable(table)
        raise


def _read(operation: _core.Operation, resumable: bool) -> _core.Table:
    if operation.interrupted:
        raise ReadInterrupted(_partial(operation)) if resumable else KeyboardInterrupt
    error = operation.error
    if error is not None:
        if resumable:
            # One that the user's own ids raised may take no attribute.
            with suppress(AttributeError):
                error.partial = _partial(operation)  # type: ignore[attr-defined]
        raise error
    table = operation.table
    if table is None:
        raise AccError("The read ended without a response; this is a bug in acc_assets; please report it.")
    return table


async def _ended(operation: _core.Operation, report: Reporter) -> None:
    """Waits for the end. When cancelled: no new requests, those in flight may answer, a second cancel drops them."""
    import asyncio

    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        if not ended.done():
            ended.set_result(None)

    def done() -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle)

    started = False
    try:
        try:
            await asyncio.sleep(0)  # a cancel may be waiting
            operation.start(done, loop.is_closed)
            started = True
            while not ended.done():
                # Without a timeout the loop may sleep through a Ctrl-C: ipykernel notes it, and does not wake the loop.
                await asyncio.wait([ended], timeout=POLL)
                if report.wanted:
                    report(*operation.progress())
        except GeneratorExit:  # the loop is gone: nothing can be awaited any more
            raise
        except BaseException:
            operation.stop()
            if not started:
                # Nothing is sent any more; the ledger says so of every row.
                operation.start(done, loop.is_closed)
            if report.wanted:
                report.stopping()
            try:
                await asyncio.wait([ended], timeout=GRACE)
            finally:
                operation.abort()
                await asyncio.wait([ended], timeout=LAST)  # for the ledger to say so
            raise
    finally:
        if not operation.done:
            operation.abort()


def _warn(text: str) -> None:
    """A warning that points at the user's own line."""
    from warnings import warn

    level, frame = 1, sys._getframe(0)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        level, frame = level + 1, frame.f_back
    warn(_core.shown(text), DataWarning, stacklevel=level)


def named_query(
    session: Session,
    project: str,
    category: Any,
    status: Any,
    location: Any,
    filters: Mapping[str, Any] | None,
    separator: str,
) -> Steps[tuple[list[str], list[str], dict[str, Any]]]:
    """Filters with names made ids; the settings are read only where there is a name."""
    asked = dict(filters or {})
    for name in asked:
        _check_filter(name)
    categories, statuses, locations = (_several(given) for given in (category, status, location))
    named = [one for one in categories if not str(one).strip().isdigit()]
    named += [one for one in (*statuses, *locations) if not _is_uuid(one)]
    display = [name for name in asked if _is_display_name(name)]
    chosen = [name for name in asked if ATTRIBUTE.fullmatch(name) and _may_be_labels(asked[name])]
    if not named and not display and not chosen:
        if locations:
            asked.setdefault("locationId", locations)
        return [str(one) for one in categories], [str(one) for one in statuses], asked
    settings = yield from settings_of(session, project)
    for name in display + chosen:
        try:
            attribute, kind = settings.find_attribute(name)
        except OptionError as error:
            raise _unknown_filter(name, f"attributes ({error}).") from None
        value = asked.pop(name)
        if kind in ("select", "multi_select"):
            value = [settings.find_option(attribute, str(one)) for one in _several(value)]
        asked[attribute] = value
    found = [settings.find_location(one, separator) for one in locations]
    if found:
        asked.setdefault("locationId", found)
    return (
        [str(settings.find_category(one, separator)["id"]) for one in categories],
        [id for one in statuses for id in settings.find_statuses(str(one))],
        asked,
    )


def _several(given: Any) -> list[Any]:
    if given is None:
        return []
    return list(given) if isinstance(given, (list, tuple, set, frozenset)) else [given]


def _is_uuid(text: object) -> bool:
    try:
        UUID(str(text))
    except ValueError:
        return False
    return True


def _is_display_name(name: str) -> bool:
    return name not in FILTERS and not ATTRIBUTE.fullmatch(name) and not name.startswith("filter[")


def _check_filter(name: str) -> None:
    """Refuses a parameter that the page does not name: the service ignores it, and the list is not filtered."""
    if not name.startswith("filter["):
        return
    inner = name.removeprefix("filter[").removesuffix("]")
    attribute = inner.removeprefix("customAttributes][")
    if name != _parameter(inner) and name != _parameter(attribute):
        raise _unknown_filter(name, "attributes such as ca3.")
    if inner not in FILTERS and not ATTRIBUTE.fullmatch(attribute):
        raise _unknown_filter(name, "attributes such as ca3.")


def _unknown_filter(name: str, attributes: str) -> OptionError:
    near = nearest(name.removeprefix("filter[").removesuffix("]"), FILTERS)
    hint = f"did you mean {near!r}? " if near else ""
    return OptionError(
        f"filters: {name!r} is not known; {hint}The service filters by {', '.join(FILTERS)} and by custom {attributes}"
    )


def _may_be_labels(value: Any) -> bool:
    """Whether the value of an attribute may be a label: a text that is no id, number, date, range or boolean."""
    texts = [one for one in _several(value) if isinstance(one, str)]
    return any(
        not _is_uuid(text) and any(letter.isalpha() for letter in text) and text not in ("true", "false")
        for text in texts
    )


def asset_query(
    *,
    category: str | int | Sequence[str | int] | None,
    status: str | Sequence[str] | None,
    updated_at: object,
    search: str | None,
    include_custom_attributes: bool,
    include_deleted: bool,
    filters: Mapping[str, Any] | None,
    sort: str | None,
) -> list[tuple[str, str]]:
    """The query of GET assets, as its reference page names the parameters; several values repeat the parameter."""
    pairs: list[tuple[str, str]] = []
    named: dict[str, object] = {
        "categoryId": category,
        "statusId": status,
        "updatedAt": None if updated_at is None else time_text(updated_at),
        "searchText": search,
    }
    for name in filters or {}:
        if _is_display_name(name):
            raise _unknown_filter(name, "attributes such as ca3.")
    for name, value in {**named, **(filters or {})}.items():
        values = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
        pairs += [(_parameter(name), query_text(one)) for one in values if one is not None]
    pairs.append(("includeCustomAttributes", query_text(include_custom_attributes)))
    pairs.append(("includeDeleted", query_text(include_deleted)))
    if sort:
        pairs.append(("sort", sort))
    return pairs


def relationship_query(**filters: object) -> list[tuple[str, str]]:
    """The query of GET relationships:search."""
    for side in ("", "with_"):
        for narrow, wide in (("id", "type"), ("type", "domain")):
            if filters[side + narrow] is not None and filters[side + wide] is None:
                raise OptionError(
                    f"{side}{narrow}= needs {side}{wide}= too (GET relationships:search reference page)."
                )
    pairs: list[tuple[str, str]] = []
    for name, value in filters.items():
        if value is not None and value is not False:
            first, *rest = name.split("_")
            parameter = first + "".join(word.capitalize() for word in rest)
            pairs.append((parameter, time_text(value) if name.startswith("created") else query_text(value)))
    return pairs


def time_text(value: object) -> str:
    """A time or a range as text; a datetime without a zone is taken as local time."""
    if isinstance(value, str):
        return value
    from datetime import date, datetime

    if isinstance(value, datetime):
        return value.astimezone().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise OptionError(
        f'{value!r} is not a time: pass a datetime, a date or text such as "2031-02-03T00:00:00Z..".'
    )


def query_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parameter(name: str) -> str:
    if name.startswith("filter[") or name == "includeSubLocations":
        return name
    if ATTRIBUTE.fullmatch(name):
        return f"filter[customAttributes][{name}]"
    return f"filter[{name}]"
