"""The setup of a project: categories, status sets and custom attributes, described by name."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, overload

from . import _core, _html
from ._convert import pandas_frame
from ._json import JsonObject
from ._mapping import read_toml
from ._options import flag
from ._paths import write_file
from ._records import SetupStep
from ._settings import Settings
from ._text import counted
from .errors import InputError, OptionError, SetupError

if TYPE_CHECKING:
    import pandas
    from typing_extensions import Self

# Advice per status of a step.
ADVICE: Final = {
    "failed": "the service rejected these; see the reason, fix the setup or the project, and apply the setup again",
    "not_sent": "these were not sent; see the reason, and apply the setup again. Existing settings are not changed",
    "unknown": "outcome unknown; call plan_setup() again to check. Applying again never creates duplicates",
    "missing": "these are not possible; see the note",
    "differs": "these exist but differ from the description; they were not changed",
}
# Maximum number of steps in a repr.
MOST_SHOWN: Final = 30


class SetupPlan(Sequence[SetupStep]):
    """The steps of a setup for a project, each with its `action`. Returned by `project.plan_setup`, which writes nothing.

    Attributes:
        mistakes: Names that are neither defined in the setup nor active in the project. If there are mistakes,
            `project.apply_setup` raises InputError.

    Example:
        >>> setup = acc_assets.Setup.from_dict({"categories": [{"path": "HVAC > Boilers"}, {"path": "HVAC > Fans"}]})
        >>> project.plan_setup(setup).counts
        {'create': 1, 'exists': 1}
    """

    __slots__ = ("_steps", "mistakes")

    def __init__(self, steps: Sequence[SetupStep], mistakes: Sequence[str] = (), /) -> None:
        self._steps = tuple(steps)
        self.mistakes = list(mistakes)

    @property
    def counts(self) -> dict[str, int]:
        """Number of steps per action."""
        return dict(Counter(step.action for step in self._steps).most_common())

    @property
    def ok(self) -> bool:
        """Whether all settings exist as described or can be created, assigned or extended."""
        return not any(step.action in ("differs", "missing") for step in self._steps)

    def to_dicts(self) -> list[dict[str, object]]:
        """Convert to one dict per step."""
        return [step._asdict() for step in self._steps]

    def to_pandas(self) -> pandas.DataFrame:
        """Convert to a pandas DataFrame, one row per step.

        Raises:
            ImportError: pandas is not installed.
        """
        return pandas_frame(
            {name: [getattr(step, name) for step in self._steps] for name in SetupStep._fields}
        )

    @overload
    def __getitem__(self, index: int, /) -> SetupStep: ...
    @overload
    def __getitem__(self, index: slice, /) -> Self: ...
    def __getitem__(self, index: int | slice, /) -> SetupStep | Self:
        if isinstance(index, slice):
            return type(self)(self._steps[index], self.mistakes)
        return self._steps[index]

    def __len__(self) -> int:
        return len(self._steps)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and (self._steps, self.mistakes) == (other._steps, other.mistakes)

    __hash__ = None  # type: ignore[assignment]

    def _word(self, step: SetupStep) -> str:
        return step.action

    def _headline(self) -> str:
        counts = ", ".join(f"{count:,} {word}" for word, count in self.counts.items())
        return f"{type(self).__name__}: {counted(len(self), 'step')}" + (f", {counts}" if counts else "")

    def _shown(self) -> list[SetupStep]:
        """Return all steps except those whose setting already exists as described."""
        return [step for step in self._steps if self._word(step) != "exists"]

    def _advice(self) -> list[str]:
        words = {self._word(step) for step in self._steps}
        return [f"{word}: {text}" for word, text in ADVICE.items() if word in words]

    def __repr__(self) -> str:
        shown = self._shown()
        lines = [
            f"  {self._word(step):9} {step.kind.replace('_', ' '):19} {step.name}"
            + (f": {step.error or step.note}" if step.error or step.note else "")
            for step in shown[:MOST_SHOWN]
        ]
        if len(shown) > MOST_SHOWN:
            lines.append(f"  and {len(shown) - MOST_SHOWN} more; see .to_pandas()")
        lines += [f"  mistake: {mistake}" for mistake in self.mistakes]
        lines = [self._headline(), *lines, *(f"  {line}" for line in self._advice())]
        return "\n".join(map(_core.shown, lines))

    def _repr_html_(self) -> str:
        rows = [(self._word(step), step.kind, step.name, step.error or step.note) for step in self._shown()]
        return _html.page(
            _html.headline(self._headline()),
            _html.table(("", "kind", "name", "note"), rows, _html.MESSAGE_SHOWN),
            *_html.paragraphs([*self.mistakes, *self._advice()]),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._steps, self.mistakes)


class SetupResult(SetupPlan):
    """The steps of an applied setup, each with its `status`. Returned by `project.apply_setup`.

    Example:
        >>> setup = acc_assets.Setup.from_dict({"categories": [{"path": "HVAC > Boilers"}]})
        >>> project.apply_setup(setup).counts
        {'created': 1}
        >>> project.apply_setup(setup).counts
        {'exists': 1}
    """

    __slots__ = ()

    @property
    def counts(self) -> dict[str, int]:
        """Number of steps per status."""
        return dict(Counter(self._word(step) for step in self).most_common())

    @property
    def ok(self) -> bool:
        """Whether all settings exist now. Settings that differ from the setup count as existing."""
        return not any(step.status in ("failed", "not_sent", "unknown") for step in self)

    def raise_if_failed(self) -> SetupResult:
        """Return the result itself if all settings exist now.

        Raises:
            SetupError: Steps failed.
        """
        if not self.ok:
            raise SetupError(self)
        return self

    def _word(self, step: SetupStep) -> str:
        return step.status or step.action


class Setup:
    """Categories, status sets (with their statuses) and custom attributes that a project should have, all by name.

    A setup contains no ids, so it works for any project. Returned by `project.setup()`, `Setup.load`, `Setup.from_dict` and
    `Setup.from_settings`. Setups can be pickled.

    Example:
        >>> setup = acc_assets.Setup.from_dict({
        ...     "status_sets": [{"name": "Commissioning", "statuses": ["Planned", "Tested"]}],
        ...     "attributes": [{"display_name": "Noise", "type": "numeric"}],
        ...     "categories": [
        ...         {"path": "HVAC > Boilers", "status_set": "Commissioning", "attributes": ["Noise"]},
        ...     ],
        ... })
        >>> project.apply_setup(setup).ok
        True
        >>> project.settings().category("Boilers").statuses
        ('Planned', 'Tested')
    """

    __slots__ = ("_core",)

    def __init__(self, core: _core.Description, /) -> None:
        self._core = core

    @classmethod
    def from_dict(cls, description: Mapping[str, object]) -> Setup:
        """Create a setup from a dict.

        Args:
            description: `status_sets` (each with name, default, description and statuses: labels, or dicts of label, color
                and description), `attributes` (display_name, type, required, description, max_length, default, options),
                `categories` (path, description, status_set, attributes) and, if paths are not joined by ">",
                `separator`.

        Raises:
            InputError: The description is invalid. The message lists every mistake with its location.
        """
        if not isinstance(description, Mapping):
            raise InputError(f"A setup is described by a dict, not {type(description).__name__}.")
        return cls(_core.Description.read(dict(description)))

    @classmethod
    def from_settings(cls, settings: Settings) -> Setup:
        """Create a setup from the active settings of a project."""
        if not isinstance(settings, Settings):
            raise InputError(f"from_settings() takes Settings, not {type(settings).__name__}.")
        return cls(_core.Description.of(settings._core))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Setup:
        """Read a setup from a TOML file written by `save`, or from a JSON file written by `Settings.save`.

        Args:
            path: The file. A file with the extension .json is read as settings.

        Raises:
            FileError: The file cannot be read.
            InputError: The description is invalid. The message lists every mistake with its location.
            OptionError: The .json file does not contain settings, or was written by a newer version.
        """
        if os.fspath(path).lower().endswith(".json"):
            return cls.from_settings(Settings.load(path))
        return cls.from_dict(read_toml(path))

    def to_dict(self) -> JsonObject:
        """Convert to a dict for `Setup.from_dict`.

        Example:
            >>> project.setup().to_dict()["categories"][0]["path"]
            'HVAC'
        """
        return self._core.to_dict()

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the setup to a TOML file, which can be edited and loaded with `Setup.load`.

        Args:
            path: The file.
            overwrite: Whether to replace an existing file. Default: False.

        Raises:
            FileError: The file exists, or cannot be written.

        Example:
            >>> project.setup().save(folder / "setup.toml")
            >>> acc_assets.Setup.load(folder / "setup.toml") == project.setup()
            True
        """
        flag("overwrite", overwrite)
        write_file(path, self._core.to_toml().encode(), overwrite=overwrite)

    def _planned(self, settings: _core.Settings) -> SetupPlan:
        table, mistakes = self._core.plan(settings)
        return SetupPlan(steps_of(table), mistakes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Setup) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        described = self._core.to_dict()
        sets, attributes, categories = (
            len(described.get(name, ())) for name in ("status_sets", "attributes", "categories")
        )
        return (
            f"Setup: {counted(sets, 'status set')}, {counted(attributes, 'custom attribute')}, "
            f"{counted(categories, 'category', 'categories')}"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_dict, (self.to_dict(),)


def checked_setup(setup: object) -> Setup:
    """Return the argument if it is a `Setup`, or else raise OptionError."""
    if not isinstance(setup, Setup):
        raise OptionError(f"setup must be an acc_assets.Setup, not {type(setup).__name__}.")
    return setup


def steps_of(table: _core.Table | None) -> list[SetupStep]:
    """Return the steps of a plan or a result."""
    return [SetupStep(**row) for row in table.dicts()] if table is not None else []
