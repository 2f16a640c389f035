"""Conversion of filters to query parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from . import _core
from ._options import ATTRIBUTE, flag
from ._records import Entity
from ._text import is_uuid, nearest
from .errors import OptionError

# The filters documented on the GET assets reference page.
FILTERS: Final = (
    "categoryId",
    "statusId",
    "statusLabel",
    "locationId",
    "includeSubLocations",
    "searchText",
    "updatedAt",
)


class Filters(NamedTuple):
    """Filters for assets, by id or by name."""

    categories: Sequence[Any]
    statuses: Sequence[Any]
    locations: Sequence[Any]
    others: Mapping[str, Any]
    updated_at: str | None
    search: str | None
    include_custom_attributes: bool
    include_deleted: bool

    @classmethod
    def of(
        cls,
        category: Any,
        status: Any,
        location: Any,
        others: Mapping[str, Any] | None,
        updated_at: object,
        search: str | None,
        include_custom_attributes: bool,
        include_deleted: bool,
    ) -> Filters:
        """Check the filters as far as possible without settings."""
        flag("include_custom_attributes", include_custom_attributes)
        flag("include_deleted", include_deleted)
        for name in others or {}:
            _check_filter(name)
        return cls(
            _several(category),
            _several(status),
            _several(location),
            dict(others or {}),
            None if updated_at is None else time_text(updated_at),
            search,
            include_custom_attributes,
            include_deleted,
        )

    def _named(self) -> list[str]:
        """Return the attribute filters that are given by display name, or whose values may be labels."""
        display = [name for name in self.others if _is_display_name(name)]
        return display + [
            name for name, value in self.others.items() if ATTRIBUTE.fullmatch(name) and _may_be_labels(value)
        ]

    def has_names(self) -> bool:
        """Return whether settings are needed to look up ids."""
        return bool(
            self._named()
            or any(not str(one).strip().isdigit() for one in self.categories)
            or any(not is_uuid(one) for one in (*self.statuses, *self.locations))
        )

    def with_ids(self, settings: _core.Settings, separator: str) -> Filters:
        """Replace names with ids."""
        others = dict(self.others)
        for name in self._named():
            try:
                attribute, kind = settings.find_attribute(name)
            except OptionError as error:
                raise _unknown_filter(name, f"attributes ({error}).") from None
            value = others.pop(name)
            if kind in ("select", "multi_select"):
                value = [settings.find_option(attribute, str(one)) for one in _several(value)]
            others[attribute] = value
        return self._replace(
            categories=[settings.find_category(one, separator)["id"] for one in self.categories],
            statuses=[id for one in self.statuses for id in settings.find_statuses(str(one))],
            locations=[settings.find_location(one, separator)["id"] for one in self.locations],
            others=others,
        )

    def query(self, sort: str | None) -> list[tuple[str, str]]:
        """Return the query parameters of GET assets. A parameter with several values is repeated."""
        others = dict(self.others)
        if self.locations:
            others.setdefault("locationId", self.locations)
        named: dict[str, object] = {
            "categoryId": self.categories,
            "statusId": self.statuses,
            "updatedAt": self.updated_at,
            "searchText": self.search,
        }
        pairs = [
            (_parameter(name), query_text(one))
            for name, value in {**named, **others}.items()
            for one in _several(value)
            if one is not None
        ]
        pairs.append(("includeCustomAttributes", query_text(self.include_custom_attributes)))
        pairs.append(("includeDeleted", query_text(self.include_deleted)))
        if sort:
            pairs.append(("sort", sort))
        return pairs


def _several(given: Any) -> list[Any]:
    if given is None:
        return []
    return list(given) if isinstance(given, (list, tuple, set, frozenset)) else [given]


def _is_display_name(name: str) -> bool:
    return name not in FILTERS and not ATTRIBUTE.fullmatch(name) and not name.startswith("filter[")


def _check_filter(name: str) -> None:
    """Raise OptionError for an undocumented `filter[...]`, which the service would silently ignore."""
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
    hint = f" Did you mean {near!r}?" if near else ""
    return OptionError(
        f"filters: unknown filter {name!r}.{hint} The service filters by {', '.join(FILTERS)} and by custom {attributes}"
    )


def _may_be_labels(value: Any) -> bool:
    """Return whether any value may be a label: a string with letters that is not a UUID, "true" or "false"."""
    texts = [one for one in _several(value) if isinstance(one, str)]
    return any(
        not is_uuid(text) and any(letter.isalpha() for letter in text) and text not in ("true", "false")
        for text in texts
    )


def search_query(
    entity: Entity | str | None,
    other: Entity | str | None,
    created_after: object,
    created_before: object,
    include_deleted: bool,
    only_deleted: bool,
) -> list[tuple[str, str]]:
    """Return the query parameters of GET relationships:search."""
    flag("include_deleted", include_deleted)
    flag("only_deleted", only_deleted)
    pairs = [
        (name, value)
        for end, names in (
            (entity, ("domain", "type", "id")),
            (other, ("withDomain", "withType", "withId")),
        )
        for name, value in zip(names, _entity(end), strict=True)
        if value is not None
    ]
    for name, time in (("createdAfter", created_after), ("createdBefore", created_before)):
        if time is not None:
            pairs.append((name, time_text(time)))
    pairs += [
        (name, "true")
        for name, wanted in (("includeDeleted", include_deleted), ("onlyDeleted", only_deleted))
        if wanted
    ]
    return pairs


def _entity(end: Entity | str | None) -> tuple[str | None, str | None, str | None]:
    if end is None:
        return (None, None, None)
    if isinstance(end, str):
        return Entity(end)
    if not isinstance(end, Entity):
        raise OptionError(
            f'An end of a relationship must be an acc_assets.Entity or a kind such as "asset", not {end!r}.'
        )
    return end


def time_text(value: object) -> str:
    """Return a time or a range as a string. A datetime without a time zone is local time."""
    if isinstance(value, str):
        return value
    from datetime import date, datetime

    if isinstance(value, datetime):
        return value.astimezone().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise OptionError(
        f'{value!r} is not a time. Pass a datetime, a date or a string such as "2031-02-03T00:00:00Z..".'
    )


def query_text(value: object) -> str:
    """Convert a value to the string that is sent as a query parameter."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parameter(name: str) -> str:
    if name.startswith("filter[") or name == "includeSubLocations":
        return name
    if ATTRIBUTE.fullmatch(name):
        return f"filter[customAttributes][{name}]"
    return f"filter[{name}]"
