"""The compiled core. Private: use the names in `acc_assets` instead. This file defines the interface of the core."""

from asyncio import Future
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Final, final

__all__ = [
    "CLEAR",
    "GRACE",
    "LONGEST_FILTERS",
    "NO_LOOP",
    "Clear",
    "Description",
    "Engine",
    "Ledger",
    "Operation",
    "Pages",
    "Rows",
    "Settings",
    "Simulator",
    "Table",
    "__version__",
    "asset_fields",
    "check_columns",
    "delete_run",
    "differing",
    "encoding_name",
    "entity_kinds",
    "entity_names",
    "fixes_file",
    "lookup_field",
    "outcome_columns",
    "project_id",
    "read_run",
    "read_toml",
    "relationship_fields",
    "rules",
    "shown",
    "template_file",
]

__version__: Final[str]

@final
class Clear:
    """The type of `CLEAR`. A patch sends a cell with this value as JSON null."""

    def __reduce__(self) -> str: ...

CLEAR: Final[Clear]
# Seconds that requests in flight have to finish after Ctrl-C or a cancellation.
GRACE: Final[float]
# The longest filters of a list in bytes.
LONGEST_FILTERS: Final[int]
NO_LOOP: Final[str]

@final
class Rows:
    """Rows from any kind of input, in the form that the core reads."""

    @staticmethod
    def from_dicts(
        rows: Iterable[Any], /, labels: Iterable[Any] | None = None, label_title: str | None = None
    ) -> Rows:
        """Create rows from dicts or other mappings, one per row.

        A list or tuple can be read repeatedly, but any other iterable only once.

        Args:
            rows: The mappings.
            labels: One label per row. They are read again whenever `rows` is. If None, the row numbers.
            label_title: Title of the labels, such as "line", or None.
        """
    @staticmethod
    def from_columns(
        names: Sequence[str],
        columns: Sequence[object],
        nulls: Sequence[bytes | None],
        labels: Sequence[Any] | None,
        /,
        index: object = None,
    ) -> Rows:
        """Create rows from the columns of a DataFrame.

        Args:
            names: The column names.
            columns: For each column, a sequence, a numpy array, or an Arrow stream capsule with that one column.
            nulls: For each column, one byte per row (1 if null). None for an Arrow stream or a column without nulls.
            labels: One label per row. If None, the row numbers.
            index: The index of the DataFrame, which the property `index` returns.
        """
    @staticmethod
    def from_stream(stream: object, /) -> Rows:
        """Create rows from an object with `__arrow_c_stream__`. They can be read repeatedly only if it has a length."""
    @staticmethod
    def from_values(values: Iterable[Any], column: str, /) -> Rows:
        """Create rows with one column from values, such as a list of ids."""
    @staticmethod
    def from_sheet(
        source: str | PathLike[str] | bytes,
        sheet: str | None,
        max_workbook_bytes: int | None = None,
        max_line_bytes: int | None = None,
        /,
        name: str | None = None,
        encoding: str | None = None,
        skip_rows: int = 0,
        skip_footer: int = 0,
        is_footer_shared: bool = False,
    ) -> Rows:
        """Create rows from one sheet of an Excel file, or from a CSV file.

        A workbook is read immediately. A CSV file is read row by row as needed.

        Args:
            source: A path, or the bytes of a file.
            sheet: Name of the sheet. If None, the first visible one.
            max_workbook_bytes: As in `acc_assets.SheetOptions`. If None, the default of that class.
            max_line_bytes: As in `acc_assets.SheetOptions`. If None, the default of that class.
            name: For bytes, the name of the file, or its extension such as "xlsx".
            encoding: Standard name of a text file's encoding, from `encoding_name`. If None, it is guessed.
            skip_rows: Rows above the column names, including blank ones. Default: 0.
            skip_footer: Rows at the end that are not assets, not counting blank ones. Default: 0.
            is_footer_shared: Whether `skip_footer` comes from a mapping file, which may be used for several files.
                If so, a row that looks like an asset is not skipped. Default: False.
        """
    @property
    def label_title(self) -> str | None:
        """Title of the labels: "sheet row" or "line" for a file, the given title for dicts, or None."""
    @property
    def index(self) -> Any:
        """The index that was passed to `from_columns`, or None."""
    @property
    def path(self) -> PathLike[str] | None:
        """The absolute path of the Excel or CSV file with the rows, or None. For bytes, the path according to `name`."""
    @property
    def notes(self) -> list[str]:
        """Notes for the user about how the file was read."""
    @property
    def category(self) -> str | None:
        """The category of the template that this file is based on, or None."""
    @property
    def replayable(self) -> bool:
        """Whether the rows can be read repeatedly."""
    @property
    def are_values(self) -> bool:
        """Whether the rows are values without a column name, such as a list of ids."""
    def __len__(self) -> int:
        """Return the number of rows. Raises TypeError if it is not known before reading."""

@final
class Engine:
    """Options, connection pool, token and rate windows of one client. Can be shared between threads."""

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
        reads: int = 0,
        again: Ledger | None = None,
        which: str = "retry",
    ) -> Operation:
        """Plan a write: "create", "patch", "delete" or "unlink".

        Args:
            verb: The kind of write.
            project: The project's UUID.
            rows: The input.
            options: The options of the write.
            settings: Settings to check the rows against. If None, checks that need settings are skipped.
            assets: For a patch, the current assets.
            reads: Number of requests that read `assets`, if the rows are compared with them.
            again: The ledger of an earlier write to resume. If None, all rows are sent.
            which: Rows of `again` to send: "retry" for failed and unsent rows, "reconcile" for rows in doubt.
        """
    @staticmethod
    def scan(
        verb: str, rows: Rows, options: Mapping[str, Any], /, settings: Settings | None = None
    ) -> tuple[bool, list[str], bool]:
        """Scan rows before a write.

        Returns:
            Whether the rows need the project's settings, the ids of assets that are needed to check a patch, and
            whether the rows are compared with these assets.
        """
    @staticmethod
    def check(verb: str, rows: Rows, options: Mapping[str, Any], settings: Settings, /) -> Ledger:
        """Check rows against settings, without requests. For a patch, checks that depend on the current assets are skipped."""
    def read_settings(
        self,
        project: str,
        locations_container: str | None,
        /,
        known: Settings | None = None,
        refresh: bool = False,
    ) -> Operation:
        """Plan a read of a project's settings. The operation's `settings` contains them.

        Calls that begin during a read wait for that read, unless `refresh` is set.

        Args:
            project: The project's UUID.
            locations_container: Id of the container with the locations. If None, the project's UUID.
            known: Settings to complete: only their missing parts are read. If None, all parts are read.
            refresh: Whether to start a new read.
        """
    def forget_settings(self, project: str, /) -> None:
        """Mark reads of this project's settings that are in progress as superseded, because the settings will change."""
    def apply_setup(self, project: str, settings: Settings, description: Description, /) -> Operation:
        """Plan how to apply a setup to a project with these settings.

        The operation's `table` contains the steps: the columns of `Description.plan`, plus status, error and request_id.

        Raises:
            InputError: The description uses undefined names.
        """
    def get(
        self, project: str, rows: Rows, options: Mapping[str, Any], /, after: Table | None = None
    ) -> Operation:
        """Plan a batch-get. The operation's `table` contains the assets.

        Args:
            project: The project's UUID.
            rows: The ids.
            options: The options of the get.
            after: The table of an earlier get that failed. Only ids that it does not contain are requested.
        """
    def get_by_field(self, project: str, rows: Rows, options: Mapping[str, Any], /) -> Operation:
        """Plan a read of the assets that have one of these values in a field. The operation's `table` contains them.

        Args:
            project: The project's UUID.
            rows: The values.
            options: The column with the values, the field (from `lookup_field`), include_custom_attributes and
                include_deleted.
        """
    def read_error_codes(self) -> Operation:
        """Plan a read of the error codes, which is done only once. The operation's `table` contains the codes."""
    def read(
        self,
        kind: str,
        project: str | None,
        path: Mapping[str, str],
        query: Sequence[tuple[str, str]],
        /,
        after: Table | None = None,
        body: str | None = None,
        limit: int | None = None,
        settings: Settings | None = None,
    ) -> Operation:
        """Plan a paged read. The operation's `table` contains the rows.

        Args:
            kind: "assets", "relationships", "categories", "status-sets", "custom-attributes", "category-attributes" or
                "error-codes".
            project: The project's UUID, or None.
            path: Values for the placeholders in the path of the endpoint.
            query: The query parameters.
            after: The table of an earlier read that failed. This read resumes at the page that could not be read.
            body: The request body, or None.
            limit: Maximum number of rows to return. If None, all rows.
            settings: The settings of the project, with which assets are sorted and filters are checked, or None.
        """
    def pages(
        self,
        project: str,
        query: Sequence[tuple[str, str]],
        page_size: int,
        settings: Settings | None = None,
        /,
    ) -> Pages:
        """Plan a read of assets page by page, with these query parameters and at most `page_size` rows per request.

        Filters by location are checked with the settings.
        """
    def count(
        self, project: str, query: Sequence[tuple[str, str]], settings: Settings | None = None, /
    ) -> Operation:
        """Plan a count of the assets that a list with these query parameters would have. The operation has the `count`.

        Filters by location and attributes are checked with the settings.
        """

@final
class Pages:
    """A list of assets that is read page by page, in bounded memory."""

    def next(self) -> Operation:
        """Plan the read of the next page. The operation's `table` has no rows at the end of the list."""

@final
class Operation:
    """A call to run with either `wait` (in this thread) or `start` (in the background)."""

    def wait(
        self,
        progress: Callable[[int, int | None, int, int, str], object] | None,
        stopping: Callable[[], object],
        /,
    ) -> None:
        """Run to completion in this thread, without the GIL. Signals are checked every 50 ms.

        After Ctrl-C, no more requests are sent, and requests in flight have 10 s to complete. The method then returns with
        `interrupted` set. A second Ctrl-C drops the requests in flight immediately.

        Args:
            progress: Called with the values that the method `progress` returns, about 4 times per second. Also called once
                at the end, unless the call was interrupted.
            stopping: Called once after Ctrl-C, while requests in flight complete.
        """
    def start(self) -> Future[None]:
        """Run in the background. Return a future of the running event loop that is done when the call has ended.

        Canceling the future does not stop the call; use `stop` or `abort`. Once the loop is closed, the call sends
        nothing more. An async token function is awaited in the loop.

        Raises:
            RuntimeError: No asyncio event loop is running in this thread.
        """
    def stop(self) -> None:
        """Send no more requests. Requests in flight may complete."""
    def abort(self) -> None:
        """End immediately. Rows in flight stay `unknown`."""
    @property
    def done(self) -> bool: ...
    @property
    def interrupted(self) -> bool: ...
    @property
    def error(self) -> BaseException | None:
        """The exception that ended the call early, from `acc_assets` or from the source of the rows, or None."""
    @property
    def count(self) -> int | None:
        """The number of rows, if the call only counts them."""
    @property
    def ledger(self) -> Ledger:
        """The outcomes so far, one per row. Correct at any time, even after an abort."""
    @property
    def table(self) -> Table | None:
        """The rows returned by a read or by a write with `returning`. Otherwise, None.

        For a failed read, the rows read so far and the position to resume at.
        """
    @property
    def settings(self) -> Settings | None:
        """The settings that were read, or None."""
    @property
    def superseded(self) -> bool:
        """Whether the settings have since been changed or read again, so these settings must not be kept."""
    def progress(self) -> tuple[int, int | None, int, int, str]:
        """Return the progress of the call.

        Returns:
            The number of rows with an outcome, the total number of rows (None while a stream is still being read), the
            number of requests with a response, the number of lookups among them, and the phase. Phases are "settings",
            "import_keys" (looking up import keys), "writing", "waiting" (for the rate limit, or before a lookup),
            "recovery" (looking up rows whose response was lost) and "reading".
        """

@final
class Ledger:
    """One outcome per row, in input order. Immutable; takes a few dozen bytes per row."""

    @staticmethod
    def unsent(rows: Rows | None, /) -> Ledger:
        """Create the ledger of a call that ended before its first request. Empty if `rows` can be read only once."""
    def __len__(self) -> int: ...
    def outcome(
        self, index: int, /
    ) -> tuple[int, Any, str | None, str, str | None, dict[str, Any] | None, int, str | None]:
        """Return row number, label, key, status, id, error, attempts and request id of the row at this index.

        The error is a dict with code, message, column, value, fix, status, body, metadata, and problems (a list of dicts
        with code, column, value, message, fix). Values that do not apply are None or empty.
        """
    def is_done(self) -> bool:
        """Return whether every row succeeded, or was removed from the rows of its run before it was sent."""
    def counts(self) -> dict[str, int]:
        """Return the number of rows per status. Contains only statuses that occur, successful ones first."""
    def ids(self) -> list[str | None]:
        """Return the id of each row, or None."""
    def first_keys(self) -> dict[int, str]:
        """Return the keys that rows had before they were edited in a file of rows to fix, by row."""
    def is_cut_off(self) -> bool:
        """Return whether rows that follow the last one were not read."""
    def duplicates(self) -> int:
        """Count the rows that are duplicates of an earlier row, and share its outcome."""
    @property
    def title(self) -> str | None:
        """The title of the labels, such as "sheet row", or None if they are not positions in a file."""
    def rows(self) -> list[int]:
        """Return the number of each row."""
    def places(self) -> list[int | None]:
        """Return the position of each row in the last input, or None for a row of a run that the input does not contain."""
    def sizes(self) -> tuple[int, int]:
        """Return the number of rows of the whole ledger, and of the last input."""
    def labels(self) -> list[Any]:
        """Return the label of each row: an integer, or text."""
    def statuses(self) -> list[str]:
        """Return the status of each row."""
    def select(self, statuses: Sequence[str], /) -> Ledger:
        """Return the rows with one of these statuses. Row numbers and labels are preserved."""
    def take(self, positions: Sequence[int], /) -> Ledger:
        """Return the rows at these positions. Row numbers and labels are preserved."""
    def causes(self) -> list[dict[str, Any]]:
        """Group the failed rows by cause, largest group first. A row with several problems belongs to several causes.

        Returns:
            Dicts with status, code, column, message, fix, rows, first_rows (pairs of row number and label) and values
            (pairs of value and number of rows).
        """
    def columns(self) -> dict[str, list[Any]]:
        """Return lists of row, label, key, status, id, code, message, column, value, fix, attempts and request_id."""
    def stats(self) -> dict[str, float]:
        """Return requests, retries, bisects, throttled (in seconds), seconds, bytes_sent and lookups."""
    def plan(self) -> dict[str, float]:
        """Return rows, requests, bytes, minutes and per_minute (the rate limit) for the rows that are still to be sent."""
    def uses(self) -> list[tuple[str, str | None, str, str | None]]:
        """Return how each column was interpreted: column, field (or None if it is ignored), note and title."""
    def warnings(self) -> list[str]: ...
    def dump(self) -> bytes: ...
    @staticmethod
    def load(state: bytes, /) -> Ledger: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class Table:
    """Rows from responses, stored as columns."""

    def __len__(self) -> int: ...
    @property
    def missing(self) -> list[str]:
        """The requested ids that the service did not return."""
    @property
    def warnings(self) -> list[str]:
        """What the caller should know about the rows that it asked for."""
    @property
    def incomplete(self) -> bool:
        """Whether a read failed before all rows were read."""
    def row(self, index: int, /) -> dict[str, Any]: ...
    def take(self, positions: Sequence[int], /) -> Table:
        """Return the rows at these positions."""
    def dicts(self) -> list[dict[str, Any]]: ...
    def frame(self, kinds: Sequence[str] | None = None, /) -> list[tuple[str, str, Any, bytes | None]]:
        """Return columns of these kinds (if None, all): name, kind, values, and one byte per row (1 if null).

        Values are a list for the kinds "text" and "list", and the bytes of an array for "bool", "int", "float", "time"
        (milliseconds since 1970) and "date" (days since 1970). Documented fields come first, followed by one column per
        custom attribute.
        """
    def named(self, settings: Settings, attributes: bool, /) -> Table:
        """Return the same rows, exported with headings and with names instead of ids.

        `attributes` says whether the custom attributes were read. If so, all active ones have a column.
        """
    def with_views(self) -> Table:
        """Return the same columns, with strings exported to Arrow as string views unless the reader requests otherwise."""
    def head(self, rows: int, /) -> tuple[list[str], list[list[str]]]:
        """Return the names of the columns, and the text of each cell in the first rows."""
    def csv(self) -> bytes:
        """Return a CSV file."""
    def excel(self, sheet: str, /) -> bytes:
        """Return an Excel file with one sheet. Raises OptionError if the name is invalid, and InputError if the rows do not
        fit into a sheet.
        """
    def dump(self) -> bytes: ...
    @staticmethod
    def load(state: bytes, /) -> Table: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class Settings:
    """Categories, status sets, custom attributes and locations of one project, by id and by name. Immutable.

    The `find_*` methods raise OptionError if nothing or several things match. The message names the closest match or
    the candidates.
    """

    def dump(self) -> bytes: ...
    @staticmethod
    def load(text: bytes, /) -> Settings: ...
    def about(self) -> dict[str, Any]:
        """Return project, read_at, notes, and the numbers of categories, status_sets, attributes and locations.

        The number of locations is None if they were not read.
        """
    def rows(self, kind: str, /) -> list[dict[str, Any]]:
        """Return the "categories", "statuses", "attributes", "options", "assignments" or "locations", one dict each."""
    def find_category(
        self, category: str | int | Sequence[str], separator: str, inactive: bool = False, /
    ) -> dict[str, Any]: ...
    def find_location(self, location: str | Sequence[str], separator: str, /) -> dict[str, Any]: ...
    def find_statuses(self, status: str, inactive: bool = False, /) -> list[str]:
        """Return the id of the status with this id, or the ids of all with this label: active ones, or inactive ones too."""
    def find_attribute(self, attribute: str, inactive: bool = False, /) -> tuple[str, str]:
        """Return the API name, such as "ca7", and the type."""
    def find_options(self, attribute: str, value: str, /) -> list[str]:
        """Return the ids of the values with this label, active or not, or the id of the value with this id."""
    def content(self) -> dict[str, Any]:
        """Return the content that `dump` writes, as a dict."""

@final
class Description:
    """Categories, status sets and custom attributes that a project should have, by name. Immutable."""

    @staticmethod
    def read(value: Mapping[str, Any], /) -> Description:
        """Read a description from a dict. Raises InputError that lists all mistakes."""
    @staticmethod
    def of(settings: Settings, /) -> Description:
        """Describe the active settings of a project."""
    def to_dict(self) -> dict[str, Any]: ...
    def to_toml(self) -> str: ...
    def plan(self, settings: Settings, /) -> tuple[Table, list[str]]:
        """Return the steps (kind, name, action, note) for a project with these settings, and the undefined names."""

@final
class Simulator:
    """The simulated service, on a loopback port."""

    def __new__(cls, options: Mapping[str, Any], /) -> Simulator: ...
    @staticmethod
    def slow_journals(seconds: float, /) -> None:
        """Delay each journal sync of this process by this many seconds."""
    @staticmethod
    def journal_counts() -> tuple[int, int, int]:
        """Return the number of journal syncs by this thread and by all threads, and the number of times that this thread
        requested the lock of a ledger."""
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
    """Return the bare lower-case UUID of a project. Raises OptionError if `text` is not a UUID, with or without "b."."""

def check_columns(options: dict[str, Any], /) -> None:
    """Check the options of single columns, as far as that is possible without the settings.

    Args:
        options: The options for reading rows, with the keys `mapping` and `reading`.

    Raises:
        OptionError: If two names with different options mean the same column, or if both separators of a column are
            the same.

    Example:
        >>> from acc_assets import _core
        >>> _core.check_columns({"mapping": [], "reading": {"decimal": ",", "thousands": "."}})
    """

def differing(
    verb: str,
    rows: Rows,
    ledger: Ledger,
    settings: Settings | None,
    options: dict[str, Any],
    column: str,
    /,
) -> Rows:
    """Return the rows of a create that differ from the assets with their import keys.

    Args:
        verb: The verb of the call.
        rows: The input of the ledger's call.
        ledger: The outcomes. Only rows that are `differs` are returned, in the order of the input.
        settings: The settings of the call.
        options: The write options of the call.
        column: Name of the column with the ids of the assets.

    Raises:
        InputError: The rows have changed since the call, or are not in the last input of a named run.
    """

def encoding_name(name: str, /) -> str:
    """Return the standard name of a text encoding. Raises OptionError for an unknown name."""

def fixes_file(
    verb: str, rows: Rows, ledger: Ledger, settings: Settings | None, options: dict[str, Any], /
) -> tuple[int, bytes, int]:
    """Create an Excel file with the failed rows of a ledger and their problems.

    Args:
        verb: The verb of the call.
        rows: The last input of the ledger's call.
        ledger: The outcomes.
        settings: The settings for the drop-downs. If None, the file has none.
        options: The write options of the call. The file contains the rows as these options read them: with replaced
            texts and filled cells.

    Returns:
        The number of rows in the file, the file (empty if no row failed), and how many other rows to fix the last input
        does not contain.

    Raises:
        InputError: The rows have changed since the call.
    """

def template_file(settings: Settings, category: str, rows: int, /) -> bytes:
    """Create an Excel template for assets of a category, with drop-downs for this number of rows."""

def lookup_field(named: str, settings: Settings | None = None, /) -> str | None:
    """Return the API name of the field that a lookup of assets names: the Asset ID, the barcode or a text attribute.

    Returns:
        The name, or None if `settings` is None and only the settings can tell.

    Raises:
        OptionError: There is no such field, or it cannot identify assets.
    """

def outcome_columns(names: Sequence[str], /) -> list[str]:
    """Return the columns among these that contain outcomes of an earlier call, except their ids.

    Example:
        >>> _core.outcome_columns(["Asset ID", "status", "code"])
        []
    """

def read_run(path: str | PathLike[str], /) -> tuple[dict[str, Any], Ledger] | None:
    """Read the file of a named run.

    Returns:
        A dict (verb, project, service, import_key, the title of the row labels as row_title, and begun and written in
        milliseconds since 1970) and the ledger, or None while a process is using the run.

    Raises:
        JournalError: The file cannot be read.
    """

def delete_run(path: str | PathLike[str], /) -> None:
    """Delete the file of a named run. Raises JournalError while a process is using the run."""

def read_toml(text: str, /) -> dict[str, Any]:
    """Parse a TOML document. Raises OptionError if it is invalid."""

def shown(text: str, /) -> str:
    """Escape control characters, line breaks and bidirectional marks in text that is shown to users."""

def entity_kinds() -> dict[str, tuple[str, str]]:
    """Return the domain and type of each kind of entity, by its short name."""

def entity_names(domain: str, type: str | None, /) -> tuple[str, str | None] | None:
    """Return the domain and type of an entity as the service has them.

    The short name of a kind is expanded, and documented names get their documented spelling. Case does not matter.

    Returns:
        The domain and type, or None if a short name has the type of another kind.
    """

def relationship_fields() -> list[dict[str, Any]]:
    """Return the fields of a relationship, in the order of a table.

    The keys are those of `asset_fields`.
    """

def asset_fields() -> list[dict[str, Any]]:
    """Return the fields of an asset, in the order of a table.

    The keys are "name", "heading", "aliases" (in lower case, without punctuation), "is_identifier", "has_names" (values
    have names in the settings), "by_service" (only the service sets it), "is_column" (a table has it as one column) and
    "sorts" (lists can be sorted by it).
    """

def rules() -> list[dict[str, str]]:
    """Return all row checks, with the keys "code", "says" (what is wrong) and "fix"."""
