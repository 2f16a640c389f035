"""Options and their checks. Invalid options are reported before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from numbers import Integral
from typing import Any, Final, Literal, NamedTuple, TypeAlias, get_args

from ._text import listed, nearest, warn
from .errors import OptionError

Auth: TypeAlias = str | Callable[[], str | Awaitable[str]]
Prefix: TypeAlias = Literal["construction", "bim360"]
Nulls: TypeAlias = Literal["omit", "clear", "error"]
Dates: TypeAlias = Literal["strict", "truncate"]
OnError: TypeAlias = Literal["collect", "raise", "stop"]
SetupOnError: TypeAlias = Literal["collect", "raise"]
Verb: TypeAlias = Literal["create", "patch"]
Missing: TypeAlias = Literal["report", "raise"]
SettingsKind: TypeAlias = Literal[
    "categories", "statuses", "attributes", "options", "assignments", "locations"
]

# The API name of a custom attribute.
ATTRIBUTE: Final = re.compile(r"ca[1-9][0-9]*")

# The default separator between the names in a path.
SEPARATOR: Final = ">"

# More than any project has, and small enough for the core.
MOST_ROWS: Final = 10**15
# The largest page of GET assets.
MOST_PER_PAGE: Final = 200

# Maximum items per request. The POST relationships:delete reference page gives 50. The Assets API reference gives no
# maximum, but Autodesk's samples send 100.
MOST_ASSETS: Final = 100
MOST_RELATIONSHIPS: Final = 50

# The Regions page lists these codes, and the retired name of AUS.
REGIONS: Final = ("US", "CAN", "EMEA", "GBR", "DEU", "IND", "JPN", "AUS", "APAC")


class _LimitFields(NamedTuple):
    window: float
    assets_read: int
    assets_write: int
    relationships: int
    locations: int


class Limits(_LimitFields):
    """Rate limits, in requests per window. The defaults are the service's documented limits per user.

    Args:
        window: Length of the window in seconds. Default: 60.
        assets_read: Reads of assets, and of settings other than locations, per window. Default: 1000 (Assets rate limits
            page).
        assets_write: Creates, patches and deletes combined per window. Default: 100 (Assets rate limits page).
        relationships: Relationship requests per window. Default: 120 (Relationships rate limits page).
        locations: Location requests per window. Default: 200 (Locations rate limits page).

    Example:
        >>> acc_assets.Limits(assets_write=50).assets_write  # leave half of the limit for another program
        50
    """

    __slots__ = ()

    def __new__(
        cls,
        *,
        window: float = 60.0,
        assets_read: int = 1000,
        assets_write: int = 100,
        relationships: int = 120,
        locations: int = 200,
    ) -> Limits:
        """Create limits from keyword arguments."""
        return super().__new__(cls, window, assets_read, assets_write, relationships, locations)

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]:
        return (), self._asdict()


class _RetryFields(NamedTuple):
    attempts: int
    deadline: float
    base: float
    cap: float
    budget: int
    settle: float


class Retry(_RetryFields):
    """Rules for retrying requests that are safe to retry.

    Args:
        attempts: Attempts per request, including the first. 1 means no retries, except after a 429, after a 401 if `auth`
            is a function, or while a network that worked earlier in the call is down. A 429 does not count. Default: 5.
        deadline: Seconds after the first attempt during which a request may be retried. Default: 600.
        base: Maximum length of the first pause in seconds. Pauses are random, and the maximum doubles with each retry.
            Default: 0.5.
        cap: Maximum length of any pause in seconds. A Retry-After header is honored even if it is longer. Default: 30.
        budget: Maximum retries per call, plus one for every five successful requests. Default: 20.
        settle: Seconds to wait after a response was lost, so that the service can finish the request and list its effects.
            Rows that are not listed by then are considered not executed. Autodesk documents no value. Default: 30.

    Example:
        >>> acc_assets.Retry(attempts=1).attempts
        1
    """

    __slots__ = ()

    def __new__(
        cls,
        *,
        attempts: int = 5,
        deadline: float = 600.0,
        base: float = 0.5,
        cap: float = 30.0,
        budget: int = 20,
        settle: float = 30.0,
    ) -> Retry:
        """Create retry rules from keyword arguments."""
        return super().__new__(cls, attempts, deadline, base, cap, budget, settle)

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]:
        return (), self._asdict()


class SheetOptions(NamedTuple):
    """The sheet to read from a file, and memory limits for reading.

    Even a small file can need a large amount of memory. Reading a file that exceeds a limit raises FileError.

    Args:
        name: Name of the sheet. If None, the first visible one. CSV files have no sheets.
        max_workbook_bytes: Maximum size in bytes of an Excel or OpenDocument file, uncompressed, including its cells in
            memory. Default: 1 GiB.
        max_line_bytes: Maximum size in bytes of a single CSV row. The file itself can be any size. Default: 16 MiB.

    Example:
        >>> acc_assets.SheetOptions("AHU", max_workbook_bytes=4 << 30).name  # project.assets.create(path, sheet=...)
        'AHU'
    """

    name: str | None = None
    max_workbook_bytes: int = 1 << 30
    max_line_bytes: int = 16 << 20


SheetOption: TypeAlias = str | SheetOptions | None
LimitsOption: TypeAlias = Limits | Mapping[str, float] | None
RetryOption: TypeAlias = Retry | Mapping[str, float] | None


def sheet_option(sheet: object) -> SheetOptions:
    """Return checked `SheetOptions` for a sheet name, `SheetOptions` or None."""
    if not isinstance(sheet, SheetOptions):
        sheet = SheetOptions(sheet)  # type: ignore[arg-type]  # checked below
    if sheet.name is not None and not isinstance(sheet.name, str):
        raise OptionError(f"sheet must be the name of a sheet or SheetOptions, not {sheet.name!r}.")
    for name in ("max_workbook_bytes", "max_line_bytes"):
        at_least_one(name, bytes_ := getattr(sheet, name))
        if bytes_ >= 1 << 63:
            raise OptionError(f"{name} must be a number of bytes below 2**63, not {bytes_!r}.")
    return sheet


def one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    """Raise OptionError with the closest match if a value is not one of the allowed words."""
    if isinstance(value, str) and value in known:
        return
    near = nearest(value, known) if isinstance(value, str) else None
    hint = f' Did you mean "{near}"?' if near else ""
    raise OptionError(f"{name} must be {listed(known)}, not {value!r}.{hint}")


def positive(name: str, value: object) -> None:
    """Raise OptionError if a value is not a number greater than 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise OptionError(f"{name} must be a number greater than 0, not {value!r}.")


def at_least_one(name: str, value: object) -> None:
    """Raise OptionError if a value is not a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < 1:
        raise OptionError(f"{name} must be a whole number of at least 1, not {value!r}.")


def bound(name: str, value: Any) -> float | None:
    """Return a limit for the core: a number of rows, or a fraction below 1. None means no limit, as does a fraction of 1."""
    if value is None:
        return None
    if isinstance(value, float) and 0 <= value <= 1:
        return float(value) if value < 1 else None
    if isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 0:
        return int(value)
    raise OptionError(
        f"{name} must be a number of rows (an int), or a fraction of all rows from 0.0 to 1.0 (a float), not {value!r}."
    )


def flag(name: str, value: object) -> None:
    """Raise OptionError if a value is not True or False."""
    if not isinstance(value, bool):
        raise OptionError(f"{name} must be True or False, not {value!r}.")


def region_option(region: object) -> str | None:
    """Return the code of a region, in upper case if it is known. Otherwise warn, because new regions may be added."""
    if region is None:
        return None
    if not isinstance(region, str):
        raise OptionError(f'region must be a string such as "EMEA", not {region!r}.')
    code = region.strip().upper()
    if code in REGIONS:
        return code
    if code.isalnum():
        near = "EMEA" if code in ("EU", "EUROPE") else nearest(code, REGIONS, 0.6)
        hint = f'Did you mean "{near}"? ' if near else ""
        warn(f"Unknown region {region!r}. {hint}Known regions: {', '.join(REGIONS[:-1])}.", UserWarning)
    return region


def key_option(key: object) -> None:
    """Raise OptionError if a value is not a column name."""
    if not isinstance(key, str) or not key:
        raise OptionError(f"key must be the name of the column with the ids, not {key!r}.")


def batch_option(batch_size: object, most: int = MOST_ASSETS) -> None:
    """Raise OptionError for a batch size that is not between 1 and the maximum."""
    at_least_one("batch_size", batch_size)
    if isinstance(batch_size, int) and batch_size > most:
        what = "relationships" if most == MOST_RELATIONSHIPS else "assets"
        raise OptionError(
            f"batch_size={batch_size} is too large: the service accepts at most {most} {what} per request."
        )


def get_options(
    key: str,
    include_custom_attributes: bool = True,
    include_deleted: bool = False,
    batch_size: int = MOST_ASSETS,
    missing: str = "report",
    names: bool = True,
) -> dict[str, Any]:
    """Check the options of `get` and return those that the core needs."""
    one_of("missing", missing, get_args(Missing))
    batch_option(batch_size)
    key_option(key)
    flag("include_custom_attributes", include_custom_attributes)
    flag("include_deleted", include_deleted)
    flag("names", names)
    return {
        "id": key,
        "include_custom_attributes": include_custom_attributes,
        "include_deleted": include_deleted,
        "batch_size": batch_size,
    }


def list_options(include_custom_attributes: bool, limit: int | None, names: bool) -> None:
    """Raise OptionError if an option of `list` is invalid that is not a filter."""
    flag("include_custom_attributes", include_custom_attributes)
    flag("names", names)
    if limit is not None:
        at_least_one("limit", limit)
        if limit > MOST_ROWS:
            raise OptionError(f"limit must be at most {MOST_ROWS:,}, or None for all assets, not {limit!r}.")


def page_size_option(page_size: int) -> None:
    """Raise OptionError if the number of assets per page is invalid."""
    at_least_one("page_size", page_size)
    if page_size > MOST_PER_PAGE:
        raise OptionError(f"page_size must be at most {MOST_PER_PAGE}, not {page_size!r}.")


def limits_option(limits: LimitsOption) -> Limits:
    """Return checked limits."""
    found: Limits = _of_names(Limits, "limits", limits)
    for name, value in found._asdict().items():
        (positive if name == "window" else at_least_one)(f"Limits.{name}", value)
    return found


def retry_option(retry: RetryOption) -> Retry:
    """Return checked retry rules."""
    found: Retry = _of_names(Retry, "retry", retry)
    for name, value in found._asdict().items():
        (at_least_one if name in ("attempts", "budget") else positive)(f"Retry.{name}", value)
    return found


def _of_names(kind: Any, option: str, given: object) -> Any:
    """Return options as an instance of `kind`, created from a dict of its arguments if necessary."""
    if given is None or isinstance(given, kind):
        return given or kind()
    if not isinstance(given, Mapping):
        raise OptionError(
            f"{option} must be acc_assets.{kind.__name__}(...) or a dict of its arguments, not {type(given).__name__}."
        )
    for name in given:
        one_of(f"a key of {option}", name, kind._fields)
    return kind(**given)
