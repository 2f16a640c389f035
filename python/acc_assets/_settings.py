"""The settings of a project: the names of its categories, statuses, custom attributes and locations."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from . import _core, _html
from ._check import check
from ._convert import pandas_frame, polars_frame
from ._options import SEPARATOR, SettingsKind, Verb, flag, one_of
from ._paths import write_file
from ._reading import ReadOptions, reading
from ._records import Attribute, Category, Location, Status
from ._report import Report
from ._rows import RowData
from ._text import counted, nearest
from .errors import FileError, OptionError

if TYPE_CHECKING:
    import datetime

    import pandas
    import polars
    from typing_extensions import Unpack

KINDS: Final = get_args(SettingsKind)
# The columns of each kind, which a kind without rows has too.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "categories": (
        *("id", "name", "path", "depth", "parent_id", "is_active", "is_root"),
        *("status_set", "status_set_id", "statuses", "attributes"),
    ),
    "statuses": Status._fields,
    "attributes": Attribute._fields,
    "options": ("id", "label", "attribute", "attribute_name", "is_active"),
    "assignments": ("category_id", "category", "attribute", "attribute_name", "is_inherited"),
    "locations": Location._fields,
}


class Settings:
    """Categories, status sets, custom attributes and locations of one project at the time they were read.

    Returned by `project.settings()` and `Settings.load`. Settings can be pickled and saved to a file, so rows can be
    checked without a connection.

    Example:
        >>> settings = project.settings()
        >>> settings.category("HVAC > Air Handling").statuses[:2]
        ('Specified', 'Ordered')
        >>> [found.display_name for found in settings.attributes if found.type == "select"]
        ['Filter Class', 'Voltage']
    """

    __slots__ = ("_core",)

    def __init__(self, core: _core.Settings, /) -> None:
        self._core = core

    @property
    def project_id(self) -> str:
        """The project's UUID."""
        return str(self._core.about()["project"])

    @property
    def read_at(self) -> datetime.datetime:
        """The time when the settings were read, in UTC."""
        import datetime

        # The core writes up to nine decimals and a Z. Python 3.10 can parse neither.
        whole, _, part = str(self._core.about()["read_at"]).removesuffix("Z").partition(".")
        return datetime.datetime.fromisoformat(f"{whole}.{part:0<6.6}+00:00")

    @property
    def notes(self) -> list[str]:
        """What could not be read, and why. Usually empty."""
        return list(self._core.about()["notes"])

    @property
    def categories(self) -> list[Category]:
        """All categories, including inactive ones, parents before children."""
        return [_category(row) for row in self._core.rows("categories")]

    @property
    def statuses(self) -> list[Status]:
        """All statuses of all status sets."""
        return [Status(**row) for row in self._core.rows("statuses")]

    @property
    def attributes(self) -> list[Attribute]:
        """All custom attributes."""
        rows = self._core.rows("attributes")
        return [Attribute(**row)._replace(options=tuple(row["options"])) for row in rows]

    @property
    def locations(self) -> list[Location]:
        """All locations, parents before children."""
        return [Location(**row) for row in self._core.rows("locations")]

    def category(self, category: str | int | Sequence[str], separator: str = SEPARATOR) -> Category:
        """Find one active category.

        Args:
            category: Its id, its path or the end of its path ("Air Handling"), or the path as a list of names.
            separator: Separator between the names in a path. Default: ">".

        Raises:
            OptionError: No category matches, or several do. The message names the closest match or the candidates.

        Example:
            >>> project.settings().category(["HVAC", "Air Handling"]).path
            'HVAC > Air Handling'
        """
        return _category(self._core.find_category(category, separator))

    def status(self, status: str, *, status_set: str | None = None) -> Status:
        """Find one active status.

        Args:
            status: Its id or its label.
            status_set: Name or id of the set that contains the status. If None, a label must be unique across all sets.

        Raises:
            OptionError: No status matches, or several do. The message names the closest match or the candidates.

        Example:
            >>> project.settings().status("installed").label
            'Installed'
        """
        ids = set(self._core.find_statuses(str(status)))
        found = [one for one in self.statuses if one.id in ids]
        if status_set is not None:
            found = [one for one in found if _is_set(one, status_set)]
        match found:
            case [Status(is_active=False) as one]:
                raise _inactive("status", status, one.label)
            case [one]:
                return one
            case []:
                known = [one for one in self.statuses if one.is_active]
                of_set = [one.label for one in known if _is_set(one, status_set or "")]
                if of_set:
                    reason, near = (
                        f"the status set {status_set!r} has no such status",
                        nearest(status, of_set),
                    )
                else:
                    of_set = list(dict.fromkeys(one.status_set for one in known))
                    reason, near = f"no status set {status_set!r}", nearest(status_set or "", of_set)
                fix = f"did you mean `{near}`?" if near else f"use {_listed(of_set)}"
                raise OptionError(f'status "{status}": {reason}; {fix}')
            case _:
                names = _listed([one.status_set for one in found])
                raise OptionError(
                    f'status "{status}": ambiguous: several status sets contain it; pass status_set= {names}, or use the id'
                )

    def attribute(self, attribute: str) -> Attribute:
        """Find one active custom attribute.

        Args:
            attribute: Its display name or API name, such as "ca7".

        Raises:
            OptionError: No attribute matches, or several do. The message names the closest match or the candidates.

        Example:
            >>> project.settings().attribute("filter class").type
            'select'
        """
        name, _ = self._core.find_attribute(str(attribute))
        found = next(known for known in self.attributes if known.name == name)
        if not found.is_active:
            raise _inactive("custom attribute", attribute, found.display_name)
        return found

    def location(self, location: str | Sequence[str], separator: str = SEPARATOR) -> Location:
        """Find one location.

        Args:
            location: Its id, its barcode, its path or the end of its path, or the path as a list of names.
            separator: Separator between the names in a path. Default: ">".

        Raises:
            OptionError: No location matches, or several do, or the locations could not be read. The message names the
                closest match or the candidates.

        Example:
            >>> project.settings().location("Building A > Level 0").name
            'Level 0'
        """
        return Location(**self._core.find_location(location, separator))

    def tree(self) -> str:
        """Return the active categories as indented text.

        The status set of a category is shown if the category is at the top level or its parent has another status set.

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

    def to_dicts(self, kind: SettingsKind = "categories") -> list[dict[str, object]]:
        """Convert one kind of settings to a list of dicts, whose keys are the column names of `to_pandas`.

        Args:
            kind: As for `to_pandas`.

        Raises:
            OptionError: The kind is unknown.

        Example:
            >>> project.settings().to_dicts("statuses")[0]["label"]
            'Specified'
        """
        one_of("kind", kind, KINDS)
        rows: list[dict[str, object]] = self._core.rows(kind)
        return rows

    def to_pandas(self, kind: SettingsKind = "categories") -> pandas.DataFrame:
        """Convert one kind of settings to a pandas DataFrame.

        Assets have the `id` of their settings, so the frames join with assets that were read with `names=False`:

        - `id` of "categories", "statuses" and "locations" with `categoryId`, `statusId` and `locationId`.
        - `name` of "attributes" with the columns of custom attributes, such as "ca7".
        - `id` of "options" with the values of select attributes, and with each value of multi-select attributes.

        The frames join with each other too: `status_set_id` of "categories" with that of "statuses", `parent_id` with the
        `id` of the same kind, and of "assignments", `category_id` with the `id` of "categories". `attribute_name` of
        "options" and "assignments" is the `name` of "attributes". Ids, and names of attributes, occur once per frame.

        Args:
            kind: "categories", "statuses", "attributes", "options" (the values of select attributes), "assignments"
                (which category has which attribute) or "locations".

        Raises:
            OptionError: The kind is unknown.
            ImportError: pandas is not installed.

        Example:
            >>> settings = project.settings()
            >>> categories, statuses = settings.to_pandas("categories"), settings.to_pandas("statuses")
            >>> allowed = categories[["path", "status_set_id"]].merge(statuses, on="status_set_id")
            >>> allowed.query("path == 'HVAC'")["label"].iloc[0]
            'Specified'
        """
        return pandas_frame(self._columns(kind))

    def to_polars(self, kind: SettingsKind = "categories") -> polars.DataFrame:
        """Convert one kind of settings to a polars DataFrame.

        Args:
            kind: "categories", "statuses", "attributes", "options", "assignments" or "locations". See `to_pandas`.

        Raises:
            OptionError: The kind is unknown.
            ImportError: polars is not installed.
        """
        columns = self._columns(kind)
        # A default value has the type of its attribute, so the column would have mixed types.
        frame = polars_frame(
            {
                name: [None if cell is None else str(cell) for cell in cells] if name == "default" else cells
                for name, cells in columns.items()
            }
        )
        import polars

        # A column without values has the type Null, which cannot be joined.
        keys = [name for name in frame.columns if name in ("id", "name") or name.endswith(("_id", "_name"))]
        return frame.cast(dict.fromkeys(keys, polars.String))

    def _columns(self, kind: SettingsKind) -> dict[str, list[Any]]:
        rows = self.to_dicts(kind)
        return {name: [row[name] for row in rows] for name in COLUMNS[kind]}

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the settings to a JSON file. The file contains no secrets.

        Args:
            path: The file.
            overwrite: Whether to replace an existing file. Default: False.

        Raises:
            FileError: The file exists, or cannot be written.

        Example:
            >>> project.settings().save(folder / "settings.json")
            >>> acc_assets.Settings.load(folder / "settings.json").project_id == project.id
            True
        """
        flag("overwrite", overwrite)
        write_file(path, self._core.dump(), overwrite=overwrite)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Settings:
        """Read settings from a file written by `save`.

        Args:
            path: The file.

        Raises:
            FileError: The file cannot be read.
            OptionError: The file does not contain settings, or was written by a newer version.
        """
        try:
            with open(path, "rb") as file:
                content = file.read()
        except OSError as error:
            raise FileError.of(path, error) from error
        settings = Settings(_core.Settings.load(content))
        try:
            _ = settings.read_at
        except ValueError:
            text = settings._core.about()["read_at"]
            raise OptionError(
                f"not settings of acc-assets: `read_at` is {text!r}, not a time in UTC"
            ) from None
        return settings

    def validate(
        self,
        data: RowData,
        *,
        verb: Verb = "create",
        key: str = "id",
        **options: Unpack[ReadOptions],
    ) -> Report:
        """Check rows against these settings, without a client or requests.

        Args:
            data: Rows, as for `Assets.create`. The rows of a generator are read into a list.
            verb: "create" or "patch". For a patch, checks that depend on the current asset are skipped.
            key: For a patch, the column with the asset ids.
            **options: How to read `data`: sheet, mapping, encoding, decimal and others. See `acc_assets.read`.

        Returns:
            A `Report`.

        Raises:
            OptionError: An option is invalid.
            InputError: The data as a whole cannot be read.

        Example:
            >>> report = project.settings().validate([{"Asset ID": "AHU-1", "Category": "HVAC", "Status": "Instaled"}])
            >>> report.causes[0].fix
            'did you mean `Installed`?'
        """
        return check(self._core, data, verb=verb, key=key, how=reading(self.validate, **options))

    def __repr__(self) -> str:
        about = self._core.about()
        places = about["locations"]
        parts = [
            counted(about["categories"], "category", "categories"),
            counted(about["status_sets"], "status set"),
            counted(about["attributes"], "custom attribute"),
            "locations not read" if places is None else counted(places, "location"),
        ]
        return (
            f"Settings of {_core.shown(about['project'])}: {', '.join(parts)}; read {about['read_at'][:16]}Z"
        )

    def _repr_html_(self) -> str:
        children: dict[str | None, list[Category]] = {}
        categories = self.categories
        known = {category.id for category in categories}
        for category in categories:
            parent = category.parent_id if category.parent_id in known else None
            children.setdefault(parent, []).append(category)

        def branch(category: Category) -> str:
            lines = [f"status set {category.status_set or 'none'}: {', '.join(category.statuses)}"]
            if category.attributes:
                lines.append(f"attributes: {', '.join(category.attributes)}")
            items = [f"<li>{_html.escape(line)}</li>" for line in lines]
            items += [f"<li>{branch(child)}</li>" for child in children.get(category.id, ())]
            name = category.name if category.is_active else f"{category.name} (inactive)"
            return _html.details(name, f"<ul>{''.join(items)}</ul>", is_open=category.is_root)

        return _html.page(
            _html.headline(repr(self)), *_html.paragraphs(self.notes), *map(branch, children.get(None, ()))
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and self._core.dump() == other._core.dump()

    def __hash__(self) -> int:
        return hash(self._core.dump())

    @classmethod
    def _load(cls, state: bytes) -> Settings:
        return cls(_core.Settings.load(state))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self)._load, (self._core.dump(),)


def given_settings(settings: object, project: str) -> _core.Settings | None:
    """Validate the `settings` option. Return the caller's settings, or None."""
    if isinstance(settings, Settings):
        if settings.project_id != project:
            raise OptionError(
                f"These settings are from project {settings.project_id}, and their ids are not valid in {project}. Use "
                "project.settings()."
            )
        return settings._core
    if settings is not None and not (isinstance(settings, str) and settings == "auto"):
        raise OptionError(f'settings must be "auto", Settings or None, not {settings!r}.')
    return None


def _is_set(status: Status, status_set: str) -> bool:
    return status_set.strip().casefold() in (status.status_set.strip().casefold(), status.status_set_id)


def _listed(names: Sequence[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)


def _inactive(what: str, given: str, name: str) -> OptionError:
    return OptionError(
        f'{what} "{given}": the {what} `{name}` is inactive; use an active {what}, or activate this one in the project'
    )


SettingsOption: TypeAlias = Literal["auto"] | Settings | None


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
