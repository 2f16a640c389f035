"""Records: named tuples that contain only data.

This module does not postpone annotations, because `typing.get_type_hints` would look up their names in `acc_assets`.
"""

from collections.abc import Hashable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, TypeAlias, TypedDict, get_args

from . import _core
from ._json import Json, JsonObject
from ._text import is_uuid, nearest
from .errors import OptionError

OutcomeStatus: TypeAlias = Literal[
    "created",
    "updated",
    "deleted",
    "unchanged",
    "invalid",
    "rejected",
    "not_sent",
    "failed",
    "unknown",
    "differs",
    "drifted",
]
STATUSES: Final[tuple[OutcomeStatus, ...]] = get_args(OutcomeStatus)
GOOD: Final[tuple[OutcomeStatus, ...]] = STATUSES[:4]
BAD: Final[tuple[OutcomeStatus, ...]] = STATUSES[4:]


class Asset(TypedDict):
    """An asset as returned by the service. Fields without a value can be missing, so use `asset.get("barcode")`."""

    id: str
    clientAssetId: str
    categoryId: str
    statusId: str
    description: str | None
    locationId: str | None
    barcode: str | None
    companyId: str | None
    isActive: bool
    version: int
    createdAt: str
    createdBy: str
    updatedAt: str
    updatedBy: str
    deletedAt: str | None
    deletedBy: str | None
    customAttributes: dict[str, Json]


class RelatedEntity(TypedDict):
    """One end of a relationship, as returned by the service."""

    createdOn: str
    domain: str
    type: str
    id: str


class Relationship(TypedDict):
    """A relationship as returned by the service. Fields without a value can be missing."""

    id: str
    createdOn: str
    isReadOnly: bool
    isService: bool
    isDeleted: bool
    deletedOn: str | None
    entities: list[RelatedEntity]


class Problem(NamedTuple):
    """One problem with one row.

    Args:
        code: Code of the row check (such as "required"), the service's error code, a word such as "transport", or None.
        column: The column as named in the input, or None if the problem concerns the row as a whole.
        value: The invalid value, possibly shortened, or None.
        message: What is wrong.
        fix: How to fix the problem, or None.
    """

    code: str | None
    column: str | None
    value: str | None
    message: str
    fix: str | None


class RowError(NamedTuple):
    """Why a row failed.

    Args:
        code: Code of the row check, the service's error code, a word such as "transport", or None.
        message: What is wrong.
        column: The column with the problem, or None.
        value: The invalid value, possibly shortened, or None.
        fix: How to fix the problem, or None.
        status: HTTP status of the response, or None if there was no response.
        body: Body of the response, or None. For an incomplete response, only the first 64 kB.
        problems: All problems with this row. The fields `code` to `fix` describe the first problem.
        metadata: Details from the service (`errorMetadata`), or None. For a 409, the conflicting value.
    """

    code: str | None
    message: str
    column: str | None = None
    value: str | None = None
    fix: str | None = None
    status: int | None = None
    body: str | None = None
    problems: tuple[Problem, ...] = ()
    metadata: JsonObject | None = None

    def __str__(self) -> str:
        link = " " if self.message[-1:] in ".?!" else "; "
        return _core.shown(link.join(part for part in (self.message, self.fix) if part))


def problem_of(found: Mapping[str, Any]) -> Problem:
    """Create a `Problem` from a dict that the core returned."""
    return Problem(
        code=found["code"] or None,
        column=found["column"] or None,
        value=found["value"] or None,
        message=found["message"] or "",
        fix=found["fix"] or None,
    )


class RowOutcome(NamedTuple):
    """The outcome of one row.

    Args:
        row: Row number in the input, counted from 0.
        label: Value of the index (for a DataFrame; a tuple for a MultiIndex), sheet row or line number (for a file), or
            row number.
        key: The row's clientAssetId (create) or id (patch, delete), or None.
        status: "created", "updated", "deleted" or "unchanged" (ok), or "invalid", "rejected", "not_sent", "failed",
            "unknown", "differs" or "drifted".
        id: Id of the asset or relationship, or None.
        error: Why the row failed, or None. For an `unchanged` copy of an earlier row, which row that is.
        attempts: Number of requests that contained this row.
        request_id: Id of the last request that contained this row, which Autodesk support may ask for, or None.
    """

    row: int
    label: Hashable
    key: str | None
    status: OutcomeStatus
    id: str | None
    error: RowError | None
    attempts: int
    request_id: str | None

    @property
    def ok(self) -> bool:
        """Whether the status is "created", "updated", "deleted" or "unchanged"."""
        return self.status in GOOD


class Cause(NamedTuple):
    """Rows that failed for the same reason. A row with several problems is counted under each cause.

    Args:
        status: Status of these rows.
        code: Code of the row check, the service's error code, or a word such as "transport". May be empty.
        column: The column as named in the input. Empty if the problem concerns the row as a whole.
        message: What is wrong with the first of these rows.
        fix: How to fix the problem. May be empty.
        rows: Number of rows.
        first_rows: Row numbers of the first few rows, counted from 0.
        first_labels: Labels of the first few rows.
        values: The most frequent values, each with the number of rows that contain it.
    """

    status: OutcomeStatus
    code: str
    column: str
    message: str
    fix: str
    rows: int
    first_rows: tuple[int, ...]
    first_labels: tuple[Hashable, ...]
    values: tuple[tuple[str, int], ...]


class RowProblem(NamedTuple):
    """One problem with one row: the fields of `Problem`, plus the row number and label.

    Args:
        row: Row number, counted from 0.
        label: Value of the index (for a DataFrame; a tuple for a MultiIndex), sheet row or line number (for a file), or
            row number.
        code: Code of the row check, the service's error code, a word such as "transport", or None.
        column: The column as named in the input, or None if the problem concerns the row as a whole.
        value: The invalid value, possibly shortened, or None.
        message: What is wrong.
        fix: How to fix the problem, or None.
    """

    row: int
    label: Hashable
    code: str | None
    column: str | None
    value: str | None
    message: str
    fix: str | None


class ColumnUse(NamedTuple):
    """How a column of the input was interpreted.

    Args:
        column: Name of the column.
        field: The asset field or custom attribute (such as "ca7") that the column maps to, or None if it is ignored.
        note: Why the column is ignored, or what is unclear about it. May be empty.
        title: The field's usual heading, such as "Asset ID", or the attribute's display name. For an unknown column whose
            name looks like a typo, the name that was probably meant. Otherwise, None.
    """

    column: str
    field: str | None
    note: str
    title: str | None


class Stats(NamedTuple):
    """Cost of a call: requests, time and bytes.

    Args:
        requests: Requests sent for the rows, including retries, but not the reads before the row checks (settings, and
            the current assets for a patch, unless its rows are compared with them).
        retries: Number of retries.
        bisects: Rejected requests that were split to find the bad rows.
        throttled: Seconds spent waiting for the rate limit.
        seconds: Duration of the call in seconds.
        bytes_sent: Total size of all request bodies in bytes.
        lookups: Requests (included in `requests`) that looked up import keys, the assets that the rows of a patch are
            compared with, or rows whose response was lost.
        earlier: Rows that earlier calls of the same run, or the result passed to `retry` or `reconcile`, had completed.
    """

    requests: int
    retries: int
    bisects: int
    throttled: float
    seconds: float
    bytes_sent: int
    lookups: int
    earlier: int


class Estimate(NamedTuple):
    """Estimate of what a write would send, from a dry run (`dry_run=True`).

    Args:
        rows: Rows that passed the checks.
        requests: Requests needed to send these rows, including reads of the assets that they are compared with.
        bytes: Total size of all request bodies in bytes.
        minutes: Minimum duration in minutes at the rate limit.
        per_minute: The rate limit for these requests, in requests per minute.
    """

    rows: int
    requests: int
    bytes: int
    minutes: float
    per_minute: float


class Progress(NamedTuple):
    """Progress of a call.

    Args:
        done: Rows with an outcome or, in a check or a read, the rows checked or read so far.
        total: Number of rows, or None if unknown, such as while a generator or stream is still being read.
        requests: Requests that received a response.
        elapsed: Seconds since the call began.
        phase: What the call is doing: "settings" (reading the project's settings), "setup" (applying a setup),
            "import_keys" (looking up import keys), "checking" (checking rows), "writing", "waiting" (for the rate limit,
            or before a lookup), "recovery" (looking up rows whose response was lost) or "reading".

    Example:
        >>> acc_assets.Progress(done=3200, total=20000, requests=32, elapsed=20.0, phase="writing").done
        3200
    """

    done: int
    total: int | None
    requests: int
    elapsed: float
    phase: str


class Category(NamedTuple):
    """A category in the project.

    Args:
        id: Its id, a whole number as a string.
        name: Its name.
        path: Names of the category's parents, without ROOT, and its own name, joined by " > ".
        parent_id: Id of the parent category, or None.
        is_active: Whether assets can be created in the category.
        is_root: Whether the category is the root category (ROOT).
        status_set: Name of the category's own or inherited status set, or None.
        statuses: Labels of the statuses that the category allows.
        attributes: Display names of the category's custom attributes, including inherited ones.
    """

    id: str
    name: str
    path: str
    parent_id: str | None
    is_active: bool
    is_root: bool
    status_set: str | None
    statuses: tuple[str, ...]
    attributes: tuple[str, ...]


class Status(NamedTuple):
    """A status in a status set.

    Args:
        id: Its id.
        label: The status's label, unique within its status set.
        status_set: Name of the status set.
        status_set_id: Id of the status set.
        is_default: Whether the status set applies to all categories without a set of their own.
        color: Its color, or None.
        is_active: Whether the status can be assigned.
    """

    id: str
    label: str
    status_set: str
    status_set_id: str
    is_default: bool
    color: str | None
    is_active: bool


class Attribute(NamedTuple):
    """A custom attribute.

    Args:
        id: Its id.
        name: Its API name, such as "ca7".
        display_name: Its name in the web app.
        type: "text", "numeric", "date", "boolean", "select" or "multi_select".
        is_required: Whether assets of the attribute's categories must have a value.
        max_length: Maximum length of a text value in characters, or None.
        default: Default value for new assets, or None.
        options: Labels of the select values.
        description: Its description, or None.
        is_active: Whether values can be assigned.
    """

    id: str
    name: str
    display_name: str
    type: str
    is_required: bool
    max_length: int | None
    default: Json
    options: tuple[str, ...]
    description: str | None
    is_active: bool


class Location(NamedTuple):
    """A node in the location tree.

    Args:
        id: Its id.
        name: Its name.
        path: Names of the location's parents, without the root, and its own name, joined by " > ".
        barcode: Its barcode, or None.
        parent_id: Id of the parent location, or None.
    """

    id: str
    name: str
    path: str
    barcode: str | None
    parent_id: str | None


class ErrorCode(NamedTuple):
    """An error code of the Assets API. Returned by `client.error_codes`.

    Args:
        name: The code, such as "FIELD_EXCEEDS_MAX_LENGTH": the `code` of an ApiError or RowError.
        description: What the code means. May be empty.
        status: The usual HTTP status of the response, or None.
        metadata_keys: The keys that the `metadata` of an error with this code may have.
    """

    name: str
    description: str
    status: int | None
    metadata_keys: tuple[str, ...]


def error_codes_of(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, ErrorCode]:
    """Return the error codes that the core read, by name, as a mapping that cannot be changed."""
    codes = (
        ErrorCode(row["name"], row["description"], row["status"], tuple(row["metadata_keys"])) for row in rows
    )
    return MappingProxyType({code.name: code for code in codes})


class SetupStep(NamedTuple):
    """One step of a setup, in a plan or a result.

    Args:
        kind: "status_set", "status", "attribute", "category", "category_status_set" (assignment of a status set to a
            category) or "category_attribute" (assignment of an attribute to a category).
        name: Name of the setting.
        action: "create", "assign", "extend" (a select attribute gets more options), "exists" (as described), "differs"
            (exists, but is not as described and is not changed) or "missing" (cannot be created or assigned).
        note: What differs, why the step is not possible, or other information. May be empty.
        status: "created", "assigned", "extended", "exists", "differs", "failed", "not_sent" or "unknown". None in a plan.
        error: Why the step failed or what differs, or None.
        request_id: Id of the request for this step, which Autodesk support may ask for, or None.
    """

    kind: str
    name: str
    action: str
    note: str
    status: str | None = None
    error: str | None = None
    request_id: str | None = None


# Short names of entity kinds. The domains and types are from the "Relationship" tutorial, except those of submittals and
# sheets, which are from the "Retrieve assets data" tutorial.
ENTITIES: Final[Mapping[str, tuple[str, str]]] = _core.entity_kinds()

# All documented domains begin like this. There may be others.
OFFICIAL: Final = "autodesk-"
# The similarity of a kind that is probably meant.
CLOSE: Final = 0.6


class GeneratedKey(NamedTuple):
    """An import key that is generated for each row of a create, and written into a field of its asset.

    The key identifies the asset of a row whose response was lost, even if other assets have the same values. Each call or
    run generates different keys, so a later import does not find these assets and creates its rows again.

    Args:
        field: The field that takes the keys: "Barcode" or a text attribute. The rows must not have values for it.

    Example:
        >>> rows = [{"Asset ID": "AHU-9", "Category": "HVAC > Pumps", "Status": "Ordered"}]
        >>> project.assets.create(rows, import_key=acc_assets.GeneratedKey("Barcode")).counts
        {'created': 1}
    """

    field: str


class _EntityFields(NamedTuple):
    domain: str
    type: str | None
    id: str | None


class Entity(_EntityFields):
    """One end of a relationship, or a pattern that matches several ends.

    Args:
        domain: The domain, such as "autodesk-bim360-asset", or (without `type`) the short name of a kind:
            "asset", "category", "checklist", "document", "form", "form template", "issue", "photo", "rfi", "sheet" or
            "submittal".
        type: The type within the domain, such as "asset". If None, any type.
        id: The entity's id. If None, any entity of the type.

    Raises:
        OptionError: An argument is invalid, such as an unknown kind, or an id without a type.

    Example:
        >>> acc_assets.Entity("asset", id="f6a1e3b5-abaa-4b01-b33a-5d55f36ba047").domain
        'autodesk-bim360-asset'
    """

    __slots__ = ()

    def __new__(cls, domain: str, type: str | None = None, id: object = None) -> "Entity":
        """Expand a short name."""
        for name, value in (("domain", domain), ("type", type)):
            if not isinstance(value, str) and (value is not None or name == "domain"):
                raise OptionError(f"{name} of an Entity must be a string, not {value!r}.")
        for value in (domain, type):
            if value is not None and is_uuid(value):
                raise OptionError(
                    f'{value!r} is an id, not a kind. Pass acc_assets.Entity("asset", id={value!r}).'
                )
        if id is not None and ((isinstance(id, Iterable) and not isinstance(id, str)) or not str(id).strip()):
            raise OptionError(
                f"id of an Entity must be the id of one entity, not {id!r}. Search once for each entity."
            )
        if (names := _core.entity_names(domain, type)) is None:
            raise OptionError(
                f"{domain!r} is the short name of a kind, which has a type already. Remove the type {type!r}."
            )
        domain, type = names
        # Otherwise, the name of an asset would find no relationships, as if it had none.
        if type is None and not domain.lower().startswith(OFFICIAL):
            near = nearest(domain, ENTITIES, CLOSE)
            hint = f" Did you mean {near!r}?" if near else ""
            raise OptionError(
                f"{domain!r} is neither a kind nor a domain of entities.{hint} For one asset, pass its id: "
                f'acc_assets.Entity("asset", id=...). Known kinds: {", ".join(ENTITIES)}. Known domains: '
                f"{', '.join(dict.fromkeys(known for known, _ in ENTITIES.values()))}. For another domain, pass the type too."
            )
        if id is not None and type is None:
            raise OptionError(f"Entity({domain!r}, id={id!r}) has an id but no type. Pass type= too.")
        return super().__new__(cls, domain, type, None if id is None else str(id))

    @classmethod
    def _make(cls, iterable: Iterable[Any]) -> "Entity":  # type: ignore[override]  # called by `_replace`
        """Create an entity, with the same checks as the constructor."""
        return cls(*iterable)


def shown_verb(verb: str) -> str:
    """Return the name that users see of a verb. The core calls the two deletes by different names."""
    return "delete relationships" if verb == "unlink" else verb


class WriteCall(NamedTuple):
    """The call that produced a result: the data needed to display, pickle and resume the result."""

    verb: str
    project: str
    options: Mapping[str, Any]
    # None if the rows cannot be read again.
    rows: _core.Rows | None = None
    # Title of the row labels if the rows come from a file: "sheet row" or "line".
    label_title: str | None = None
    settings: _core.Settings | None = None
    assets: _core.Table | None = None
    progress: object = False
    # Contains "retry" or "reconcile" once this write has been resumed. All parts of a result share the list.
    resumed: list[str] = []  # noqa: RUF012  # the default is never modified: each write passes its own list
    had_settings: bool = False
    # Whether the call may read settings. It may have ended before it did.
    asks_settings: bool = False
    # The index of the input, if the input was a DataFrame: an `InputIndex`, from a higher layer.
    index: Any = None

    @property
    def is_dry_run(self) -> bool:
        return bool(self.options["dry_run"])

    @property
    def run(self) -> str | None:
        found = self.options["run"]
        return None if found is None else str(found)

    def saved(self) -> "WriteCall":
        """Return a copy for pickling, without the rows, settings, assets and progress function."""
        had = self.had_settings or self.settings is not None
        progress = "auto" if callable(self.progress) else self.progress
        return self._replace(rows=None, settings=None, assets=None, progress=progress, had_settings=had)
