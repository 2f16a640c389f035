"""Values that users filter by: scalars of any library, several values, and ranges of custom attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, Final, NamedTuple

from ._records import Category, Location, Status
from ._times import parsed_time, plain_time
from .errors import OptionError

# Settings can be passed in place of their ids.
RECORDS: Final = (Category, Status, Location)


def several(name: str, given: Any, without: str = "None for no filter") -> list[Any]:
    """Return the distinct values of an argument that takes one value or an iterable of values. None means no value.

    `without` says how to pass no filter.
    """
    if given is None:
        return []
    if isinstance(given, (bytes, Mapping)):
        raise OptionError(f"{name} must be a value or a list of values, not {type(given).__name__}.")
    if isinstance(given, (str, *RECORDS)) or not isinstance(given, Iterable):
        return [scalar(name, given)]
    try:
        values = [
            one if isinstance(one, (list, tuple)) and not isinstance(one, RECORDS) else scalar(name, one)
            for one in given
        ]
    except TypeError:  # an array without dimensions is not iterable
        return [scalar(name, given)]
    if not values:
        raise OptionError(f"{name} is empty, so no asset could match. Pass at least one value, or {without}.")
    return list({(type(one), repr(one)): one for one in values}.values())


class Condition(NamedTuple):
    """The values of a custom attribute to look for. A tuple is a range."""

    name: str
    values: list[Any]

    @classmethod
    def of(cls, attribute: object, value: Any) -> Condition:
        """Check a value, a range, or an iterable of both."""
        name = f"attributes: {attribute!r}"
        if isinstance(value, str) and not value.strip():
            raise OptionError(f"{name} is blank. The service cannot look for assets without a value.")
        if value is None:
            raise OptionError(f"{name} is None. The service cannot look for assets without a value.")
        without = "leave out the attribute for no filter"
        values = [value] if isinstance(value, tuple) else several(name, value, without)
        if any(isinstance(one, list) for one in values):
            raise OptionError(f"{name} has a list in a list. Pass one list of values, or of ranges (tuples).")
        if any(isinstance(one, str) and not one.strip() for one in values):
            raise OptionError(
                f"{name} contains a blank value. The service cannot look for assets without a value."
            )
        values = [one.strip() if isinstance(one, str) else one for one in values]
        return cls(name, [_ends(name, one) if isinstance(one, tuple) else one for one in values])

    def of_type(self, kind: str, find_options: Callable[[str], list[str]]) -> Condition:
        """Convert the values to the strings to send for an attribute of this type.

        Args:
            kind: The type of the attribute.
            find_options: Returns the ids of the values of a select attribute with this label or id.
        """
        if kind in ("numeric", "date"):
            return self._replace(values=self._ordered(_number if kind == "numeric" else _day))
        if any(isinstance(one, tuple) for one in self.values):
            instead = "text to search for" if kind == "text" else "value, or a list to match any of several"
            raise OptionError(
                f"{self.name} is a {kind} attribute, whose values have no order, so it takes no range (tuple). Pass one {instead}."
            )
        if kind == "text" and len(self.values) > 1:
            raise OptionError(
                f"{self.name}: the service searches a text attribute for one text only. Call list once for each text."
            )
        if kind in ("select", "multi_select"):
            return self._replace(
                values=[id for one in self.values for id in self._options(find_options, one)]
            )
        if kind == "boolean":
            return self._replace(values=[self._flag(one) for one in self.values])
        return self._replace(values=[_plain(one) for one in self.values])

    def texts(self) -> list[str]:
        """Return the strings to send."""
        return [_plain(one) for one in self.values]

    def _options(self, find_options: Callable[[str], list[str]], value: Any) -> list[str]:
        try:
            return find_options(_plain(value))
        except OptionError as error:
            raise type(error)(f"{self.name}: {error}") from None

    def _flag(self, value: Any) -> str:
        text = _plain(value).strip().lower()
        if text not in ("true", "false"):
            raise OptionError(f"{self.name} is a boolean attribute. Pass True or False, not {value!r}.")
        return text

    def _ordered(self, read: Callable[[str, Any], Any]) -> list[str]:
        """Return values as strings, or all of them as ranges, which the service does not mix with values."""
        pairs = []
        for one in self.values:
            if isinstance(one, str) and ".." in one:
                one = _ends(self.name, tuple(end.strip() or None for end in one.split("..", 1)))
            ends = one if isinstance(one, tuple) else (one, one)
            first, last = (None if end is None else read(self.name, end) for end in ends)
            if first is not None and last is not None and first > last:
                raise OptionError(f"{self.name}: the range {one!r} ends before it starts.")
            pairs.append((isinstance(one, tuple), first, last))
        if not any(is_range for is_range, *_ in pairs):
            return [_plain(first) for _, first, _ in pairs]
        return ["..".join("" if end is None else _plain(end) for end in ends) for _, *ends in pairs]


def _ends(name: str, ends: tuple[Any, ...]) -> tuple[Any, Any]:
    """Check the two ends of a range."""
    if len(ends) != 2:
        raise OptionError(
            f"{name}: a range is a tuple of two values, not {len(ends)}. Pass a list to match any of several values."
        )
    first, last = (None if end is None else scalar(name, end) for end in ends)
    if first is None and last is None:
        raise OptionError(f"{name}: the range has no ends. Pass at least one.")
    return first, last


def scalar(name: str, given: Any) -> Any:
    """Convert a scalar of pandas or numpy to a Python one, an enum to its value, and a setting to its id."""
    value = given.value if isinstance(given, Enum) else plain_time(given)
    if isinstance(value, RECORDS):
        return value.id
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        # The shortest text: as in imports, 0.1 in single precision is 0.1, not 0.10000000149.
        value = float(str(value)) if value.dtype.kind == "f" else value.item()
    try:
        is_value = value is not None and type(value).__name__ != "NAType" and bool(value == value)
    except (ValueError, TypeError, InvalidOperation):  # an array, a Series, or a signaling NaN
        is_value = False
    if not is_value:
        raise OptionError(f"{name} contains {given!r}, which is not a value. Remove it.")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _number(name: str, value: Any) -> Decimal:
    text = str(value).strip()
    try:
        if isinstance(value, (int, float, Decimal, str)) and not isinstance(value, bool) and "_" not in text:
            number = Decimal(text)
            if number.is_finite():
                return number
    except InvalidOperation:
        pass
    raise OptionError(f"{name} is a numeric attribute, and {value!r} is not a number.")


def _day(name: str, value: Any) -> date:
    found = parsed_time(value) if isinstance(value, str) else value
    if isinstance(found, datetime) and found.time() == time.min:
        return found.date()
    if isinstance(found, date) and not isinstance(found, datetime):
        return found
    raise OptionError(
        f'{name} is a date attribute, and {value!r} is not a date. Pass a date, or a string such as "2026-11-27".'
    )


def _plain(value: Any) -> str:
    """Return the string to send for a scalar."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (float, Decimal)):
        return format(Decimal(str(value)), "f")
    return value.isoformat() if isinstance(value, date) else str(value)
