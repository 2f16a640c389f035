"""The settings of a project: what its categories, statuses, custom attributes and locations are called."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from . import _core
from .errors import InputError, OptionError
from .options import SEPARATOR, Dates, Nulls, SheetChoice, Verb, one_of
from .tables import counted, pandas_frame, polars_frame

if TYPE_CHECKING:
    import pandas
    import polars

    from .frames import RowData
    from .report import Report

__all__ = ["Attribute", "Category", "Location", "Settings", "Status"]

# What columns mean: a dict, or the path of a TOML file.
ColumnMapping: TypeAlias = Mapping[str, str | None] | str | os.PathLike[str]
Kind: TypeAlias = Literal["categories", "statuses", "attributes", "options", "assignments", "locations"]
KINDS: Final = ("categories", "statuses", "attributes", "options", "assignments", "locations")


class Category(NamedTuple):
    """A category of the project.

    Args:
        id: its id, a whole number as text.
        name: its name.
        path: the names from below ROOT down to it, with " > " between them.
        parent_id: id of the category above it, or None.
        is_active: whether new assets may be put into it.
        is_root: whether it is ROOT.
        status_set: name of its status set, its own or inherited; None where it has none.
        statuses: labels of the statuses it allows.
        attributes: display names of its custom attributes, inherited ones included.
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
    """A status of a status set.

    Args:
        id: its id.
        label: its label, which only its set has once.
        status_set: name of its set.
        status_set_id: id of its set.
        is_default: whether its set is the one of all categories that have no other.
        color: its colour, or None.
        is_active: whether it may be given.
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
        id: its id.
        name: its key on assets, such as "ca7".
        display_name: what people call it.
        type: "text", "numeric", "date", "boolean", "select" or "multi_select".
        is_required: whether it has to be given where it is assigned.
        max_length: the longest text, in characters, or None.
        default: what a new asset gets that gives none, or None.
        options: labels of the values it offers.
        description: what it is for, or None.
        is_active: whether it may be given.
    """

    id: str
    name: str
    display_name: str
    type: str
    is_required: bool
    max_length: int | None
    default: Any
    options: tuple[str, ...]
    description: str | None
    is_active: bool


class Location(NamedTuple):
    """A node of the locations tree.

    Args:
        id: its id.
        name: its name.
        path: the names from below the root down to it, with " > " between them.
        barcode: its barcode, or None.
        parent_id: id of the location above it, or None.
    """

    id: str
    name: str
    path: str
    barcode: str | None
    parent_id: str | None


class Settings:
    """Categories, status sets, custom attributes and locations of one project, as they were when they were read.

    Made by `project.settings()` or `Settings.load`. Pickles, and goes to a file and back, so rows can be checked
    without a connection.

    Example:
        >>> settings = project.settings()
        >>> settings.category("HVAC > Air Handling").statuses[:2]
        ('Specified', 'Ordered')
        >>> [found.display_name for found in settings.attributes if found.type == "select"]
        ['Filter Class', 'Voltage']
    """

    __slots__ = ("_again", "_core")

    def __init__(self, core: _core.Settings, again: Callable[[], Any] | None = None, /) -> None:
        self._core = core
        self._again = again

    @property
    def project_id(self) -> str:
        """The project's UUID."""
        return str(self._core.about()["project"])

    @property
    def read_at(self) -> str:
        """When they were read, in UTC."""
        return str(self._core.about()["read_at"])

    @property
    def notes(self) -> list[str]:
        """What could not be read, and why; mostly nothing."""
        return list(self._core.about()["notes"])

    @property
    def categories(self) -> list[Category]:
        """All categories, inactive ones too, each before those below it."""
        return [_category(row) for row in self._core.rows("categories")]

    @property
    def statuses(self) -> list[Status]:
        """All statuses of all status sets."""
        return [Status(**row) for row in self._core.rows("statuses")]

    @property
    def attributes(self) -> list[Attribute]:
        """All custom attributes."""
        return [
            Attribute(**{**row, "options": tuple(row["options"])}) for row in self._core.rows("attributes")
        ]

    @property
    def locations(self) -> list[Location]:
        """All locations, each before those below it."""
        return [Location(**row) for row in self._core.rows("locations")]

    def category(self, category: str | int | Sequence[str], separator: str = SEPARATOR) -> Category:
        """One active category.

        Args:
            category: its id, its path or the end of it ("Air Handling"), or the path as a list of names.
            separator: what stands between the names of a path.

        Raises:
            OptionError: there is none, or several; the message names the nearest, or the candidates.

        Example:
            >>> project.settings().category(["HVAC", "Air Handling"]).path
            'HVAC > Air Handling'
        """
        return _category(self._core.find_category(category, separator))

    def tree(self) -> str:
        """The active categories as an indented text, each with its status set where it differs from the one above.

        Example:
            >>> print(project.settings().tree())  # doctest: +ELLIPSIS
            HVAC (Default)
              Air Handling
            ...
        """
        lines = []
        sets: list[str | None] = []
        for row in self._core.rows("categories"):
            if not row["is_active"] or row["is_root"]:
                continue
            depth = max(int(row["depth"]) - 1, 0)
            above = sets[depth - 1] if depth and depth <= len(sets) else None
            del sets[depth:]
            sets.append(row["status_set"])
            own = f" ({row['status_set']})" if row["status_set"] not in (None, above) else ""
            lines.append("  " * depth + _core.shown(row["name"] + own))
        return "\n".join(lines)

    def to_pandas(self, kind: Kind = "categories") -> pandas.DataFrame:
        """One kind of settings as a pandas DataFrame.

        Args:
            kind: "categories", "statuses", "attributes", "options" (the values of select attributes), "assignments"
                (which category has which attribute) or "locations".

        Raises:
            OptionError: there is no such kind.
            ImportError: pandas is not installed.

        Example:
            >>> project.settings().to_pandas("statuses")["label"][0]
            'Specified'
        """
        return pandas_frame(self._columns(kind))

    def to_polars(self, kind: Kind = "categories") -> polars.DataFrame:
        """One kind of settings as a polars DataFrame; `kind` as for `to_pandas`.

        Raises:
            OptionError: there is no such kind.
            ImportError: polars is not installed.
        """
        columns = self._columns(kind)
        # A default is of the kind of its attribute: a column of several types.
        return polars_frame(
            {
                name: [None if cell is None else str(cell) for cell in cells] if name == "default" else cells
                for name, cells in columns.items()
            }
        )

    def _columns(self, kind: str) -> dict[str, list[Any]]:
        one_of("kind", kind, KINDS)
        rows = self._core.rows(kind)
        return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}

    def refresh(self) -> Any:
        """Read them again from the project. Further calls of the project use what this returns.

        Returns:
            New `Settings`; of an `AsyncProject` an awaitable of them.

        Raises:
            OptionError: these settings came from a file or a pickle.
        """
        if self._again is None:
            raise OptionError(
                "refresh(): settings from a file or a pickle know no project; call project.settings()."
            )
        return self._again()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes them into a JSON file; there is no secret in it.

        Raises:
            OSError: the file cannot be written.

        Example:
            >>> project.settings().save(folder / "settings.json")
            >>> acc_assets.Settings.load(folder / "settings.json").project_id == project.id
            True
        """
        with open(path, "wb") as file:
            file.write(self._core.dump())

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Settings:
        """Reads settings that `save` wrote.

        Raises:
            OSError: the file cannot be read.
            OptionError: it holds something else, or was written by a newer version.
        """
        with open(path, "rb") as file:
            return Settings(_core.Settings.load(file.read()))

    def validate(
        self,
        data: RowData,
        *,
        verb: Verb = "create",
        id: str = "id",
        sheet: SheetChoice = None,
        mapping: ColumnMapping | None = None,
        separator: str = SEPARATOR,
        nulls: Nulls = "omit",
        dates: Dates = "exact",
    ) -> Report:
        """Checks rows against these settings, without a client and without a request.

        Args:
            data: as for `Assets.create`.
            verb: "create" or "patch". Of a patch, what depends on the asset as it is now is not known here.
            id: for a patch, the column that holds the asset ids.
            sheet: as for `Assets.create`.
            mapping: as for `Assets.create`.
            separator: as for `Assets.create`.
            nulls: as for `Assets.create`.
            dates: as for `Assets.create`.

        Returns:
            A `Report`.

        Raises:
            OptionError, InputError: as for `Assets.validate`.

        Example:
            >>> report = project.settings().validate([{"Asset ID": "AHU-1", "Category": "HVAC", "Status": "Instaled"}])
            >>> report.causes[0].fix
            'did you mean `Installed`?'
        """
        from ._calls import offline_report

        return offline_report(
            self,
            data,
            verb=verb,
            id=id,
            sheet=sheet,
            mapping=mapping,
            separator=separator,
            nulls=nulls,
            dates=dates,
        )

    def __repr__(self) -> str:
        about = self._core.about()
        places = about["locations"]
        parts = [
            counted(about["categories"], "category").replace("categorys", "categories"),
            counted(about["status_sets"], "status set"),
            counted(about["attributes"], "custom attribute"),
            "locations not read" if places is None else counted(places, "location"),
        ]
        return (
            f"Settings of {_core.shown(about['project'])}: {', '.join(parts)}; read {about['read_at'][:16]}Z"
        )

    def _repr_html_(self) -> str:
        from .looks import settings_html

        return settings_html(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and self._core.dump() == other._core.dump()

    def __hash__(self) -> int:
        return hash(self._core.dump())

    def __reduce__(self) -> tuple[Any, ...]:
        return _load, (self._core.dump(),)


def _category(row: dict[str, Any]) -> Category:
    return Category(
        id=row["id"],
        name=row["name"],
        path=row["path"],
        parent_id=row["parent_id"],
        is_active=row["is_active"],
        is_root=row["is_root"],
        status_set=row["status_set"],
        statuses=tuple(row["statuses"]),
        attributes=tuple(row["attributes"]),
    )


def _load(state: bytes) -> Settings:
    return Settings(_core.Settings.load(state))


def mapping_pairs(mapping: Any) -> list[tuple[str, str | None]]:
    """What `mapping=` says: columns, and what they mean; None where they are left out."""
    if mapping is None:
        return []
    if isinstance(mapping, (str, os.PathLike)):
        mapping = read_toml(mapping, "mapping")
        if isinstance(mapping.get("columns"), dict):
            mapping = mapping["columns"]
    if not hasattr(mapping, "items"):
        raise OptionError(
            f"mapping={mapping!r}: it takes a dict from column to field, or the path of a TOML file with such lines."
        )
    pairs: list[tuple[str, str | None]] = []
    for column, target in mapping.items():
        if target is None or target is False:
            pairs.append((str(column), None))
        elif isinstance(target, str) and target.strip():
            pairs.append((str(column), target.strip()))
        else:
            raise OptionError(
                f"mapping: {column!r} is mapped to {target!r}; it takes the name of a field or custom attribute, or None "
                "(in TOML: false) to leave the column out."
            )
    return pairs


def read_toml(path: str | os.PathLike[str], what: str) -> dict[str, Any]:
    """A TOML file as a dict."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{what}={os.fspath(path)!r} cannot be read: {error}.") from error
    try:
        return dict(_core.read_toml(text))
    except OptionError as error:
        raise InputError(f"{what}={os.fspath(path)!r}: {error}") from error
