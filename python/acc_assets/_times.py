"""Points and ranges in time, as users pass them and as the API expects them."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from datetime import time as clock
from typing import Any, Final, TypeAlias

from .errors import OptionError

Time: TypeAlias = str | date
TimeRange: TypeAlias = Time | tuple[Time | None, Time | None]

# Python 3.10 cannot parse a Z, or a number of decimals other than three or six.
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_ISO: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)? ?(Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.IGNORECASE,
)
_A_TIME: Final = 'a date, a datetime, or a string such as "2026-11-27" or "2026-11-27T08:00:00Z"'
_A_RANGE: Final = f'{_A_TIME}; or a range: (since, until), or a string such as "2026-11-01..2026-11-27"'


def time_range(name: str, value: object) -> str | None:
    """Convert a time or a range to the form `from..to`. Return None if both ends are open.

    A single time is the start of a range. A day at the end of a range is included.
    """
    if isinstance(value, list):
        raise OptionError(f"{name}: {value!r} is a list, but a range is a tuple. Pass {_A_RANGE}.")
    since, until = value if isinstance(value, tuple) and len(value) == 2 else (value, None)
    if isinstance(value, str) and ".." in value:
        since, until = (end.strip() or None for end in value.split("..", 1))
    start = None if since is None else first_instant(name, since, _A_RANGE)
    end = None if until is None else last_instant(name, until, _A_RANGE)
    check_order(name, start, end)
    return f"{start or ''}..{end or ''}" if start or end else None


def check_order(name: str, start: str | None, end: str | None) -> None:
    """Raise OptionError if a range ends before it starts."""
    if start is not None and end is not None and start > end:
        raise OptionError(
            f"{name}: the range starts at {start} but ends at {end}. Pass the earlier time first."
        )


def first_instant(name: str, value: object, accepted: str = _A_TIME) -> str:
    """Return the first millisecond of a time in UTC. A time without a time zone is local time."""
    # Part of a millisecond is rounded up, because the service stores milliseconds: an earlier time must not match.
    return _utc(name, value, _time(name, value, accepted), timedelta(microseconds=999))


def last_instant(name: str, value: object, accepted: str = _A_TIME) -> str:
    """Return the last millisecond of a time in UTC. For a day, this is the last millisecond of the day."""
    time = _time(name, value, accepted)
    if isinstance(time, datetime):
        return _utc(name, value, time)
    # Where clocks go back at midnight, the last hour of a day occurs twice.
    try:
        next_day = time + timedelta(days=1)
    except OverflowError:
        raise _out_of_range(name, value) from None
    return _utc(name, value, next_day, timedelta(milliseconds=-1))


def _out_of_range(name: str, given: object) -> OptionError:
    return OptionError(f"{name}: {given!r} is out of range. Pass None to leave this end open.")


def plain_time(value: Any) -> Any:
    """Convert a time of pandas or numpy to a Python one, or to None if it is NaT. Return other values unchanged."""
    to_pydatetime = getattr(value, "to_pydatetime", None)
    if isinstance(value, date) and to_pydatetime is not None:
        return None if value != value else to_pydatetime(warn=False)
    if (
        not isinstance(value, date)
        and type(value).__module__ == "numpy"
        and type(value).__name__ == "datetime64"
    ):
        # The item of a time with nanoseconds is a number. The item of a day is a date.
        return value.item() if isinstance(value.item(), date) else value.astype("datetime64[us]").item()
    return value


def parsed_time(text: str) -> date | None:
    """Parse an ISO date or time. Return None if the text is neither."""
    found = _ISO.fullmatch(text.strip())
    if found is None:
        return None
    day, minute, second, part, zone = found.groups()
    try:
        if minute is None:
            return date.fromisoformat(day)
        zone = {"": "", "Z": "+00:00"}.get((zone or "").upper(), zone)
        if zone and ":" not in zone:
            zone = f"{zone[:3]}:{zone[3:] or '00'}"
        return datetime.fromisoformat(f"{day}T{minute}:{second or '00'}.{part or '':0<6.6}{zone}")
    except ValueError:
        return None


def _time(name: str, value: object, accepted: str) -> date:
    time = plain_time(value)
    if isinstance(time, str):
        time = parsed_time(time)
    if isinstance(time, date):
        return time
    raise OptionError(f"{name}: {value!r} is not a time. Pass {accepted}.")


def _in_utc(time: datetime) -> datetime:
    """Convert a time to UTC. A time without a zone is a local time."""
    if time.tzinfo is not None:
        return time.astimezone(timezone.utc)
    # `astimezone` is an hour off for a time that a clock change skips. In some countries, that is midnight.
    whole = time.replace(microsecond=0)
    return _EPOCH + timedelta(seconds=whole.timestamp(), microseconds=time.microsecond)


def _utc(name: str, given: object, time: date, shift: timedelta = timedelta()) -> str:
    """Return a time in UTC, shifted and then cut to milliseconds."""
    if not isinstance(time, datetime):
        time = datetime.combine(time, clock.min)
    try:
        utc = _in_utc(time) + shift
    except (OverflowError, ValueError, OSError):
        raise _out_of_range(name, given) from None
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
