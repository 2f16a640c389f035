"""Conversion of filters to query parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from . import _core
from ._conditions import Condition, scalar, several
from ._options import ATTRIBUTE, flag
from ._records import ENTITIES, Entity
from ._text import counted, is_uuid, listed, nearest, warn
from ._times import check_order, first_instant, last_instant, time_range
from .errors import DataWarning, OptionError

# Filters that users may look for among the attributes, and the arguments to use instead.
ARGUMENTS: Final = {
    called: field["heading"].lower() if field["has_names"] else "text"
    for field in _core.asset_fields()
    for called in (field["name"].lower(), field["heading"].lower().replace(" ", ""))
    if not field["by_service"] and called in field["aliases"]
} | {"updatedat": "updated"}

# Fields to sort by, and other names for them.
FIELDS: Final = tuple(field["name"] for field in _core.asset_fields() if field["sorts"])
# What the values of these fields are called in tables. The client and the service sort by their ids.
NAMED_FIELDS: Final = {
    alias: field["heading"]
    for field in _core.asset_fields()
    for alias in field["aliases"]
    if field["has_names"] and alias != field["name"].lower()
}
OTHER_NAMES: Final = {"assetid": "clientAssetId", "created": "createdAt", "updated": "updatedAt"}

# Operators, as other libraries write them in the names of attributes.
OPERATOR: Final = re.compile(r"[<>=!~]+")

# The similarity of a name that is probably meant.
CLOSE: Final = 0.7
# The number of names that a message lists if none is close.
LONGEST_LIST: Final = 20


QueryPairs: TypeAlias = list[tuple[str, str]]
T = TypeVar("T")


class LookupMissError(OptionError):
    """A name or id that the settings do not have. It may exist if the settings are out of date."""


class SortKey(NamedTuple):
    """A field or custom attribute to sort by. Display names are looked up later."""

    name: str
    descending: bool


class Filters(NamedTuple):
    """Filters for assets, by id or by name, and the order of the result."""

    categories: Sequence[Any]
    statuses: Sequence[Any]
    locations: Sequence[Any]
    attributes: Mapping[str, Condition]
    sort: Sequence[SortKey]
    updated: str | None
    text: str | None
    deleted: bool

    @classmethod
    def of(
        cls,
        category: Any,
        status: Any,
        location: Any,
        updated: object,
        text: str | None,
        attributes: Mapping[str, Any] | None,
        deleted: bool,
        sort: str | Sequence[str] = "createdAt",
    ) -> Filters:
        """Check the filters as far as possible without settings."""
        flag("deleted", deleted)
        if attributes is not None and not isinstance(attributes, Mapping):
            raise OptionError(
                f'attributes must be a dict such as {{"Airflow": (1, 10)}}, not {type(attributes).__name__}.'
            )
        text = None if text is None else scalar("text", text)
        if text is not None and (not isinstance(text, str) or not text.strip()):
            raise OptionError(f"text must be a string that is not blank, not {text!r}.")
        text = text and text.strip()
        return cls(
            several("category", category),
            several("status", status),
            several("location", location),
            {str(name): Condition.of(name, value) for name, value in (attributes or {}).items()},
            _sort_keys(sort),
            None if updated is None else time_range("updated", updated),
            text,
            deleted,
        )

    def has_names(self) -> bool:
        """Return whether settings are needed to look up names, or to check that ids and attributes exist.

        The service returns no assets for an id that the project does not have, as if there were none.
        """
        return bool(
            self.statuses
            or self.locations
            or self.needs_attributes()
            or any(not is_category_id(one) for one in self.categories)
        )

    def needs_attributes(self) -> bool:
        """Return whether the values of custom attributes are needed to check or to sort the result."""
        return bool(self.attributes) or any(key.name not in FIELDS for key in self.sort)

    def are_known(self, settings: _core.Settings, separator: str) -> bool:
        """Return whether these settings have all names, so that current settings are not needed to find them."""
        try:
            self._with_ids(settings, separator)
        except LookupMissError:
            return False
        except OptionError:  # `with_ids` raises it too
            pass
        return True

    def with_ids(self, settings: _core.Settings, separator: str, names: bool) -> Filters:
        """Replace names with ids. `names` is whether the table shows names, too."""
        about = settings.about()
        if about["locations"] is None and self.locations:
            warn(
                "The project's locations could not be read, so it is not checked whether the service applies location=.",
                DataWarning,
            )
        elif about["locations"] is None and names:
            why = [note for note in about["notes"] if "locations" in note]
            warn(
                f"The column `Location` has ids: {why[0] if why else 'the locations could not be read'}",
                DataWarning,
            )
        if not self.has_names():
            return self
        try:
            return self._with_ids(settings, separator)
        except LookupMissError as error:
            raise OptionError(*error.args) from None

    def _with_ids(self, settings: _core.Settings, separator: str) -> Filters:
        attributes: dict[str, Condition] = {}
        for name, wanted in self.attributes.items():
            attribute, kind = _find_attribute(settings, name)
            if attribute in attributes:
                raise OptionError(
                    f"attributes: {name!r} and another key are the same attribute, {attribute}."
                )
            attributes[attribute] = wanted.of_type(
                kind, partial(_looked_up, settings.find_options, attribute)
            )
        return self._replace(
            categories=_categories(settings, self.categories, separator),
            statuses=[
                id for one in self.statuses for id in _looked_up(settings.find_statuses, str(one), True)
            ],
            locations=list(dict.fromkeys(_location(settings, one, separator) for one in self.locations)),
            attributes=attributes,
            sort=[_sort_key(settings, key) for key in self.sort],
        )

    def with_subcategories(self, categories: _core.Table) -> Filters:
        """Add the ids of all subcategories, given all categories of the project."""
        rows = categories.dicts()
        parents = {str(one["id"]): str(one.get("parentId")) for one in rows}
        wanted = []
        for given in self.categories:
            id = str(given).strip()
            # A name may look like an id, as in classifications such as DIN 276.
            named = [str(one["id"]) for one in rows if one.get("name") == id]
            if id in parents and not isinstance(given, int) and named not in ([], [id]):
                raise OptionError(
                    f"category: {id!r} is the id of one category and the name of another. Pass the int {id} for the id, or the "
                    f"path of the other with its id, such as '{id} ({named[0]})'."
                )
            if id in parents:
                wanted.append(id)
            elif len(named) == 1:
                wanted += named
            elif named:
                raise OptionError(
                    f"category: {id!r} is the name of several categories. Pass the path or the id of one."
                )
            else:
                raise OptionError(f"category: the project has no category with the id or name {id!r}.")
        # In a fixed order, so that a later call with `after=` sends the same filter.
        found = sorted(_within(wanted, parents))
        # Without a filter, the service returns the assets of all categories.
        return self._replace(categories=[] if len(found) == len(parents) else found)

    def query(self, include_custom_attributes: bool) -> QueryPairs:
        """Return the query parameters of GET assets. A parameter with several values is repeated."""
        named = {
            "filter[categoryId]": self.categories,
            "filter[statusId]": self.statuses,
            "filter[locationId]": self.locations,
            "filter[updatedAt]": several("updated", self.updated),
            "filter[searchText]": several("text", self.text),
        }
        for name, wanted in self.attributes.items():
            named[f"filter[customAttributes][{name}]"] = wanted.texts()
        pairs = [(name, value) for name, values in named.items() for value in dict.fromkeys(map(str, values))]
        if self.locations:
            pairs.append(("includeSubLocations", "true"))
        pairs.append(("includeCustomAttributes", query_text(include_custom_attributes)))
        pairs.append(("includeDeleted", query_text(self.deleted)))
        order = [f"{key.name} {'desc' if key.descending else 'asc'}" for key in self.sort]
        pairs.append(("sort", ",".join(order)))
        _check_length(pairs)
        return pairs


def is_category_id(value: object) -> bool:
    """Return whether a value is the id of a category, and not a name or path."""
    text = str(value).strip()
    return text.isascii() and text.isdigit()


def _looked_up(find: Callable[..., T], *args: object) -> T:
    """Call a `find_` method of settings. If nothing or several things match, raise LookupMissError."""
    try:
        return find(*args)
    except OptionError as error:
        raise LookupMissError(*error.args) from None


def _within(wanted: Iterable[str], parents: Mapping[str, str]) -> list[str]:
    """Return ids and the ids of everything below them, without duplicates."""
    children: dict[str, list[str]] = {}
    for id, parent in parents.items():
        children.setdefault(parent, []).append(id)
    found: dict[str, None] = {}
    waiting = list(wanted)
    while waiting:
        id = waiting.pop(0)
        if id not in found:
            found[id] = None
            waiting += children.get(id, ())
    return list(found)


def _location(settings: _core.Settings, location: Any, separator: str) -> str:
    """Return the id of a location. Assets may still be in one that was removed, which the settings do not know."""
    try:
        return str(_looked_up(settings.find_location, location, separator)["id"])
    except OptionError:
        if is_uuid(location):
            return str(location)
        raise


def _categories(settings: _core.Settings, categories: Sequence[Any], separator: str) -> list[str | int]:
    """Return the ids of categories. Strings of digits are returned unchanged: they may be ids or names."""
    found = [
        {"id": str(one), "path": ""}
        if is_category_id(one)
        else _looked_up(settings.find_category, one, separator, True)
        for one in categories
    ]
    # In other verbs, a list of names is a path.
    above = [row["path"] for row in found]
    below = [row["path"].rpartition(" > ")[0] for row in found]
    if len(found) > 1 and all(above) and below[1:] == above[:-1]:
        raise OptionError(
            f"category: {list(categories)!r} could be one path or several categories. Pass {found[-1]['path']!r} for the "
            f"path, or only {found[0]['path']!r}, which includes its subcategories."
        )
    # A string of digits may still be a name. An int is an id.
    return [
        one if is_category_id(one) else int(row["id"]) if is_category_id(row["id"]) else row["id"]
        for one, row in zip(categories, found, strict=True)
    ]


def _find_attribute(settings: _core.Settings, name: str) -> tuple[str, str]:
    rows = settings.rows("attributes")
    try:
        found = settings.find_attribute(name, True)
    except OptionError as error:
        argument = ARGUMENTS.get(_folded(name))
        active = [row["display_name"] for row in rows if row["is_active"]]
        if argument is not None:
            reason = f"{name!r} is not a custom attribute. Use the argument {argument}= instead."
        elif 0 < len(active) <= LONGEST_LIST and not nearest(
            name, [row["display_name"] for row in rows], CLOSE
        ):
            reason = f"the project has no custom attribute {name!r}. Use one of {listed(active)}."
        else:
            reason = str(error)
        raise LookupMissError(f"attributes: {reason}") from None
    # Names are compared without punctuation, so an operator would be ignored.
    displayed = next(str(row["display_name"]) for row in rows if row["name"] == found[0])
    operators = OPERATOR.findall(name)
    if operators and operators != OPERATOR.findall(displayed):
        raise OptionError(
            f"attributes: {name!r} has an operator ({operators[-1]}), and the service has none. For a range, pass a tuple, "
            f'such as attributes={{"{displayed}": (2, None)}} for at least 2.'
        )
    return found


def _folded(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _sort_keys(sort: str | Sequence[str]) -> list[SortKey]:
    given = sort.split(",") if isinstance(sort, str) else sort
    if not isinstance(given, (list, tuple)) or not given or not all(isinstance(one, str) for one in given):
        raise OptionError(
            f'sort must be a string such as "createdAt" or "-createdAt", or a list, not {sort!r}.'
        )
    known = {_folded(name): name for name in FIELDS} | OTHER_NAMES
    keys = []
    for part in given:
        name, descending = part.strip(), False
        words = name.rsplit(None, 1)
        if name.startswith("-"):
            name, descending = name[1:].strip(), True
        elif len(words) == 2 and words[1].lower() in ("asc", "desc"):
            name, descending = words[0], words[1].lower() == "desc"
        name = name.removeprefix("customAttributes.")
        if not name:
            raise OptionError(f"sort: {sort!r} contains an empty field.")
        if column := NAMED_FIELDS.get(_folded(name)):
            raise OptionError(
                f"sort: the service sorts by ids, not by the name of a {column.lower()}. Sort the table instead: "
                f'list(...).to_pandas().sort_values("{column}").'
            )
        name = f"customAttributes.{name}" if ATTRIBUTE.fullmatch(name) else known.get(_folded(name), name)
        keys.append(SortKey(name, descending))
    return keys


def _sort_key(settings: _core.Settings, key: SortKey) -> SortKey:
    """Look up the display name of a custom attribute."""
    name = key.name.removeprefix("customAttributes.")
    if name in FIELDS:
        return key
    try:
        attribute, kind = settings.find_attribute(name, True)
    except OptionError:
        displayed = [row["display_name"] for row in settings.rows("attributes") if row["is_active"]]
        near = nearest(name, (*FIELDS, *displayed), CLOSE)
        hint = (
            f'Did you mean "{near}"?'
            if near
            else f"Use one of {listed(FIELDS)}, or the name of a custom attribute."
        )
        raise LookupMissError(
            f"sort: the project has no field or custom attribute {name!r}. {hint}"
        ) from None
    if kind in ("select", "multi_select"):
        raise OptionError(
            f"sort: the service sorts by the ids of options, not by their labels ({name!r}). Sort the table instead: "
            f'list(...).to_pandas().sort_values("{name}").'
        )
    return key._replace(name=f"customAttributes.{attribute}")


def _check_length(pairs: Sequence[tuple[str, str]]) -> None:
    """Raise OptionError if the service may reject the query because of its length."""
    from urllib.parse import urlencode

    sizes: dict[str, list[int]] = {}
    for pair in pairs:
        sizes.setdefault(pair[0], []).append(len(urlencode([pair])))
    # The core splits several values of a filter into several lists.
    if sum(map(max, sizes.values())) <= _core.LONGEST_FILTERS:
        return
    longest = max(sizes, key=lambda name: max(sizes[name]))
    argument = ARGUMENTS.get(longest.removeprefix("filter[").removesuffix("]").lower(), "attributes")
    argument = "text" if longest == "filter[searchText]" else argument
    below = {"category": " (with subcategories)", "location": " (with sublocations)"}.get(argument, "")
    number = len(sizes[longest])
    raise OptionError(
        f"{argument}: {counted(number, 'value')}{below} {'makes' if number == 1 else 'make'} the request longer than "
        f"{_core.LONGEST_FILTERS:,} bytes, which the service may reject. Pass fewer values per call, and combine the results."
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
    after = None if created_after is None else first_instant("created_after", created_after)
    before = None if created_before is None else last_instant("created_before", created_before)
    check_order("created_after and created_before", after, before)
    pairs += [(name, time) for name, time in (("createdAfter", after), ("createdBefore", before)) if time]
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
    if (end.domain, end.type) == ENTITIES["asset"] and end.id is not None and not is_uuid(end.id):
        raise OptionError(
            f"{end.id!r} is not the id of an asset, which is a UUID. To find assets by Asset ID or barcode, use "
            'project.assets.get(..., by="Asset ID").'
        )
    return end


def query_text(value: bool) -> str:
    """Convert a flag to the string that is sent as a query parameter."""
    return str(value).lower()
