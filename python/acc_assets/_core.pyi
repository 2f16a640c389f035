"""The compiled core. Private: use the names of `acc_assets`; this file is what the two sides agree on."""

from asyncio import Future
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Final, final

__all__ = [
    "CLEAR",
    "GRACE",
    "NO_LOOP",
    "Clear",
    "Description",
    "Engine",
    "Ledger",
    "Operation",
    "Rows",
    "Settings",
    "Simulator",
    "Table",
    "__version__",
    "delete_run",
    "project_id",
    "read_run",
    "read_toml",
    "rules",
    "shown",
    "write_fixes",
    "write_template",
]

__version__: Final[str]

@final
class Clear:
    """The type of `CLEAR`: a cell with it is sent as JSON null on a patch."""

    def __reduce__(self) -> str: ...

CLEAR: Final[Clear]
# Seconds that requests in flight have to finish after a Ctrl-C or a cancel.
GRACE: Final[float]
NO_LOOP: Final[str]

@final
class Rows:
    """Rows of any origin, ready to be read by the core."""

    @staticmethod
    def from_dicts(
        rows: Iterable[Any], /, labels: Iterable[Any] | None = None, label_title: str | None = None
    ) -> Rows:
        """Dicts (or other mappings), one per row; a list or tuple can be read twice, anything else once.

        `labels` are one per row, to be iterated as often as the rows; `label_title` says what they are, such as "line"."""
    @staticmethod
    def from_columns(
        names: Sequence[str],
        columns: Sequence[object],
        nulls: Sequence[bytes | None],
        labels: Sequence[Any] | None,
        /,
    ) -> Rows:
        """A frame: for each column a sequence, a numpy array or the capsule of an Arrow stream of one column; and one
        byte a row that is 1 where the frame calls it null, which an Arrow stream says itself."""
    @staticmethod
    def from_stream(stream: object, /) -> Rows:
        """Anything with `__arrow_c_stream__`; can be read twice if it has a length."""
    @staticmethod
    def from_values(values: Iterable[Any], column: str, /) -> Rows:
        """One column of values, such as a list of ids."""
    @staticmethod
    def from_sheet(
        source: str | PathLike[str] | bytes,
        sheet: str | None,
        max_workbook_bytes: int | None = None,
        max_line_bytes: int | None = None,
        /,
        name: str | None = None,
    ) -> Rows:
        """One sheet of an Excel or CSV file; None: the first one. A workbook is read at once, a CSV file as it is needed.

        `source` is a path, or the bytes of a file; `name` is the name of that file, or its ending, such as "xlsx".

        The limits are those of `acc_assets.SheetOptions`; None: its defaults."""
    @property
    def label_title(self) -> str | None:
        """What the labels of the rows are: of a file "sheet row" or "line", of dicts what was given."""
    @property
    def notes(self) -> list[str]:
        """What the user should know of how the file was read."""
    @property
    def category(self) -> str | None:
        """The category that a template was made for."""
    @property
    def replayable(self) -> bool:
        """Whether the rows can be read a second time."""
    def __len__(self) -> int:
        """How many rows; TypeError where that is not known before reading."""

@final
class Engine:
    """Options, connection pool, token and rate windows: one a client, shared freely between threads."""

    def __new__(
        cls, auth: str | Callable[[], str | Awaitable[str]], options: Mapping[str, Any], /
    ) -> Engine: ...
    def write(
        self,
        verb: str,
        project: str,
        rows: Rows,
        options: Mapping[str, Any],
        /,
        settings: Settings | None = None,
        assets: Table | None = None,
        again: Ledger | None = None,
        which: str = "retry",
    ) -> Operation:
        """Plans `create`, `patch`, `delete` or `unlink`, checked against `settings` and, for a patch, `assets` as they are;
        with `again`, only those rows of that ledger that failed or
        were not sent ("retry") or that are in doubt ("reconcile")."""
    @staticmethod
    def scan(
        verb: str, rows: Rows, options: Mapping[str, Any], /, settings: Settings | None = None
    ) -> tuple[bool, list[str]]:
        """Looks over rows before a write: whether they need the project's settings, and the ids of assets without which
        rows of a patch cannot be judged."""
    @staticmethod
    def check(verb: str, rows: Rows, options: Mapping[str, Any], settings: Settings, /) -> Ledger:
        """Check rows against settings without a request. Of a patch, what depends on the current assets is not checked."""
    def read_settings(
        self,
        project: str,
        locations_container: str | None,
        /,
        known: Settings | None = None,
        refresh: bool = False,
    ) -> Operation:
        """Plans the reading of a project's settings; the operation's `settings` holds them. Calls that begin while a read
        is under way wait for that one, unless `refresh` is set."""
    def forget_settings(self, project: str, /) -> None:
        """Supersedes what is being read of this project's settings, which are about to change."""
    def apply_setup(self, project: str, settings: Settings, description: Description, /) -> Operation:
        """Plans the writing of a set-up into a project with these settings; the operation's table holds the steps: the
        columns of `Description.plan` and status, error and request_id. InputError names what is nowhere."""
    def get(
        self, project: str, rows: Rows, options: Mapping[str, Any], /, after: Table | None = None
    ) -> Operation:
        """Plans a batch-get; the operation's table holds the assets.

        `after` is the table of an earlier one that failed: only the ids that it lacks are requested.
        """
    def read(
        self,
        kind: str,
        project: str | None,
        path: Mapping[str, str],
        query: Sequence[tuple[str, str]],
        /,
        after: Table | None = None,
        body: str | None = None,
    ) -> Operation:
        """Plans a paged read: `assets`, `categories`, `status-sets`, `statuses`, `custom-attributes`,
        `category-attributes`, `category-status-sets` or `relationships`; the operation's table holds the rows.

        `after` is the table of an earlier one that failed: this one goes on at the page that it could not read.
        """

@final
class Operation:
    """One call under way: driven by `wait` (in this thread) or `start` (in the background), never both."""

    def wait(
        self,
        progress: Callable[[int, int | None, int, int, str], object] | None,
        stopping: Callable[[], object],
        /,
    ) -> None:
        """Runs to the end in this thread, without the GIL, looking for signals every 50 ms.

        Ctrl-C: no new requests, those in flight have 10 s to answer, then it returns with `interrupted` true; a
        second one drops them at once. `stopping` is called once, while those in flight are waited for. `progress`
        gets what the method `progress` returns about 4 times a second and once at the end, unless it was
        told to end.
        """
    def start(self) -> Future[None]:
        """Runs in the background. Returns a future of the running event loop that is done when the call has ended.

        Canceling the future does not stop the call: `stop` and `abort` do. Once the loop is closed, the call sends
        nothing new. An async token function is awaited in the loop.

        Raises:
            RuntimeError: No asyncio event loop is running in this thread.
        """
    def stop(self) -> None:
        """No new requests; those in flight may answer."""
    def abort(self) -> None:
        """Ends at once; rows in flight stay unknown."""
    @property
    def done(self) -> bool: ...
    @property
    def interrupted(self) -> bool: ...
    @property
    def error(self) -> BaseException | None:
        """What ended the run early: an exception of `acc_assets`, or what the source of the rows raised."""
    @property
    def ledger(self) -> Ledger:
        """What is known of every row so far; true at any moment, also after an abort."""
    @property
    def table(self) -> Table | None:
        """What was read, for reads and for writes with `returning`. Of a read that failed what it had read, and where
        another one can go on."""
    @property
    def settings(self) -> Settings | None:
        """The settings that were read."""
    @property
    def superseded(self) -> bool:
        """Whether its settings were read again, or changed, since: they are not to be kept."""
    def progress(self) -> tuple[int, int | None, int, int, str]:
        """Rows settled, rows in all (None while a stream is still being read), requests answered, lookups among them, and
        what the call is doing: "settings", "import_keys" (it looks up which import keys the project has), "writing",
        "waiting" (for the rate limit, or before it looks up lost responses), "recovery" (it looks up rows whose response
        was lost) or "reading"."""

@final
class Ledger:
    """One verdict a row, in input order. Frozen; a few dozen bytes a row."""

    @staticmethod
    def unsent(rows: Rows | None, /) -> Ledger:
        """The ledger of a call that ended before its first request; of rows that can be read once none is known."""
    def __len__(self) -> int: ...
    def outcome(
        self, index: int, /
    ) -> tuple[int, Any, str | None, str, str | None, dict[str, Any] | None, int, str | None]:
        """(row, label, key, status, id, error, attempts, request id) of the index-th row of this ledger.

        `error` has: code, message, column, value, fix, status, body, problems (a list of dicts with code, column,
        value, message, fix), each None or empty where it does not apply.
        """
    def counts(self) -> dict[str, int]:
        """Rows a status, only statuses that occur, in the order of design: good ones first."""
    def ids(self) -> list[str | None]: ...
    def select(self, statuses: Sequence[str], /) -> Ledger:
        """Only the rows in one of these statuses; row numbers and labels stay."""
    def take(self, positions: Sequence[int], /) -> Ledger:
        """The rows at these positions of this ledger; row numbers and labels stay."""
    def causes(self) -> list[dict[str, Any]]:
        """status, code, column, message, fix, rows, first_rows (pairs of row and label) and values (pairs of value and
        rows) of each cause of rows that are not good, most rows first. A row with several problems counts for each."""
    def columns(self) -> dict[str, list[Any]]:
        """row, label, key, status, id, code, message, column, value, fix, attempts, request_id: one list each."""
    def stats(self) -> dict[str, float]:
        """requests, retries, bisects, throttled (seconds), seconds, bytes_sent, lookups."""
    def plan(self) -> dict[str, float]:
        """rows, requests, bytes, minutes (at the limit) of what is still to be sent."""
    def uses(self) -> list[tuple[str, str | None, str]]:
        """(column, field or None, note): what each column of the rows was taken for."""
    def warnings(self) -> list[str]: ...
    def dump(self) -> bytes: ...
    @staticmethod
    def load(state: bytes, /) -> Ledger: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class Table:
    """Rows of responses, as columns."""

    def __len__(self) -> int: ...
    @property
    def missing(self) -> list[str]:
        """Ids asked for that the service did not return."""
    @property
    def incomplete(self) -> bool:
        """Whether a read failed and left something to be read."""
    def row(self, index: int, /) -> dict[str, Any]: ...
    def take(self, positions: Sequence[int], /) -> Table:
        """The rows at these positions."""
    def dicts(self) -> list[dict[str, Any]]: ...
    def frame(self, kinds: Sequence[str] | None = None, /) -> list[tuple[str, str, Any, bytes | None]]:
        """Columns of these kinds: name, kind, values and which of them are missing.

        Values are a list for the kinds `text` and `list`, and the bytes of an array for `bool`, `int`, `float` and `time`
        (milliseconds since 1970). Base fields come first, then attributes caN as columns of their own.
        """
    def dump(self) -> bytes: ...
    @staticmethod
    def load(state: bytes, /) -> Table: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class Settings:
    """Categories, status sets, custom attributes and locations of one project, by id and by name. Frozen.

    What is not found raises OptionError, naming the nearest or the candidates.
    """

    def dump(self) -> bytes: ...
    @staticmethod
    def load(text: bytes, /) -> Settings: ...
    def about(self) -> dict[str, Any]:
        """project, read_at, notes, and how many categories, status_sets, attributes and locations (None: not read)."""
    def rows(self, kind: str, /) -> list[dict[str, Any]]:
        """One dict each of "categories", "statuses", "attributes", "options", "assignments" or "locations"."""
    def find_category(self, category: str | int | Sequence[str], separator: str, /) -> dict[str, Any]: ...
    def find_location(self, location: str | Sequence[str], separator: str, /) -> dict[str, Any]: ...
    def find_statuses(self, status: str, /) -> list[str]: ...
    def find_attribute(self, attribute: str, /) -> tuple[str, str]:
        """Name such as "ca7", and type."""
    def find_option(self, attribute: str, value: str, /) -> str: ...
    def content(self) -> dict[str, Any]:
        """What `dump` writes, as a dict."""

@final
class Description:
    """Categories, status sets and custom attributes that a project shall have, by name. Frozen."""

    @staticmethod
    def read(value: Mapping[str, Any], /) -> Description:
        """Reads a dict; InputError names everything that is wrong with it."""
    @staticmethod
    def of(settings: Settings, /) -> Description:
        """Describes what is active in a project."""
    def to_dict(self) -> dict[str, Any]: ...
    def to_toml(self) -> str: ...
    def plan(self, settings: Settings, /) -> tuple[Table, list[str]]:
        """The steps for a project with these settings (kind, name, action, note), and what is named and nowhere."""

@final
class Simulator:
    """The embedded service, served on a loopback port."""

    def __new__(cls, options: Mapping[str, Any], /) -> Simulator: ...
    @staticmethod
    def slow_journals(seconds: float, /) -> None:
        """Makes each sync of a journal of this process take so many seconds longer."""
    @staticmethod
    def journal_counts() -> tuple[int, int, int]:
        """Syncs of journals by this thread and by all threads, and how often this thread asked for the lock of a
        ledger."""
    @property
    def url(self) -> str: ...
    @property
    def token(self) -> str: ...
    @property
    def project_id(self) -> str: ...
    def close(self) -> None: ...
    def set_switch(self, name: str, value: str, /) -> None: ...
    def switches(self) -> dict[str, str]: ...
    def add_fault(self, fault: Mapping[str, Any], /) -> None: ...
    def clear_faults(self) -> None: ...
    def accept_token(self, token: str, /) -> None: ...
    def revoke_token(self, token: str, /) -> bool: ...
    def audit(self) -> dict[str, Any]: ...
    def world(self) -> dict[str, Any]: ...
    def assets(self) -> list[dict[str, Any]]: ...
    def seed_relationships(self, count: int, /) -> list[str]: ...

def project_id(text: str, /) -> str:
    """The bare lower-case UUID of a project, given as UUID or as "b." and UUID; OptionError if it is neither."""

def write_fixes(rows: Rows, ledger: Ledger, path: str | PathLike[str], label_title: str | None, /) -> int:
    """Writes the rows of a ledger that are not ok into an Excel file, with what is wrong; how many there were."""

def write_template(settings: Settings, category: str, path: str | PathLike[str], rows: int, /) -> None:
    """Writes an Excel file to be filled in with assets of a category."""

def read_run(path: str | PathLike[str], /) -> tuple[dict[str, Any], Ledger] | None:
    """What a named run is (verb, project, service, import_key, and begun and written in ms since 1970) and its ledger,
    as they stand in its file; None while somebody drives it; JournalError if the file cannot be read."""

def delete_run(path: str | PathLike[str], /) -> None:
    """Deletes the file of a named run; JournalError if somebody drives it."""

def read_toml(text: str, /) -> dict[str, Any]:
    """A TOML text as a dict; OptionError if it is none."""

def shown(text: str, /) -> str:
    """A text as people may see it: control characters, ends of lines and marks of the direction of writing are escaped."""

def rules() -> list[dict[str, str]]:
    """Every row check: code, what it says, how to fix it."""
