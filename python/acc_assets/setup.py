"""The set-up of a project: categories, status sets and custom attributes, described by name, planned and written."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, overload

from . import _core
from ._calls import Returned, Steps, settings_of, steps_now, steps_soon
from .async_client import AsyncProject
from .client import Project
from .errors import InputError, OptionError, SetupError
from .options import one_of
from .settings import Settings, read_toml
from .tables import counted, pandas_frame

if TYPE_CHECKING:
    import pandas

__all__ = ["Setup", "SetupPlan", "SetupResult", "SetupStep", "settings_from"]

OnError: TypeAlias = Literal["raise", "collect"]
Source: TypeAlias = "Settings | Mapping[str, Any] | str | os.PathLike[str]"
# What a step came to, where it is not what was wanted, and what to do then.
ADVICE: Final = {
    "failed": "the service refused these: see the reason, correct the description or the project, and apply it again",
    "not_sent": "these were not sent: see the reason, and apply it again; what exists is left alone",
    "unknown": "of these is not known whether they were done: plan again to see; applying again makes nothing twice",
    "missing": "these cannot be done: see the note",
    "differs": "these are there and are not as described; they were left as they are",
}
# Steps in a repr.
MOST_SHOWN: Final = 30


class SetupStep(NamedTuple):
    """One thing that a set-up needs, in a plan and in a result.

    Attributes:
        kind: "status_set", "status", "attribute", "category", "category_status_set" (one assigned to a category) or
            "category_attribute".
        name: which one.
        action: "create", "assign", "exists" (it is there as described), "differs" (it is there, and is left as it is) or
            "missing" (it cannot be done).
        note: what differs, or why it cannot be done; may be empty.
        status: what became of it: "created", "assigned", "exists", "differs", "failed", "not_sent" or "unknown"; None in
            a plan.
        error: why it is not as it was wanted, or None.
        request_id: under which the service knows the request, or None.
    """

    kind: str
    name: str
    action: str
    note: str
    status: str | None = None
    error: str | None = None
    request_id: str | None = None


class SetupPlan(Sequence[SetupStep]):
    """What applying a set-up to a project would do: its steps in their order. Nothing was written.

    Attributes:
        mistakes: what the description names and neither describes nor the project has; with any, `apply` refuses.

    Example:
        >>> setup = acc_assets.settings_from({"categories": [{"path": "HVAC > Boilers"}, {"path": "HVAC > Fans"}]})
        >>> setup.plan(project).counts
        {'create': 1, 'exists': 1}
    """

    __slots__ = ("_steps", "mistakes")

    def __init__(self, steps: Sequence[SetupStep], mistakes: Sequence[str] = (), /) -> None:
        self._steps = tuple(steps)
        self.mistakes = list(mistakes)

    @property
    def counts(self) -> dict[str, int]:
        """How many steps there are of each action."""
        return dict(Counter(step.action for step in self._steps).most_common())

    @property
    def ok(self) -> bool:
        """Whether everything is there as described, or can be made."""
        return not any(step.action in ("differs", "missing") for step in self._steps)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict a step."""
        return [step._asdict() for step in self._steps]

    def to_pandas(self) -> pandas.DataFrame:
        """One row a step.

        Raises:
            ImportError: pandas is not installed.
        """
        return pandas_frame(
            {name: [getattr(step, name) for step in self._steps] for name in SetupStep._fields}
        )

    @overload
    def __getitem__(self, index: int, /) -> SetupStep: ...
    @overload
    def __getitem__(self, index: slice, /) -> Sequence[SetupStep]: ...
    def __getitem__(self, index: int | slice, /) -> SetupStep | Sequence[SetupStep]:
        return self._steps[index]

    def __len__(self) -> int:
        return len(self._steps)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and (self._steps, self.mistakes) == (other._steps, other.mistakes)

    __hash__ = None  # type: ignore[assignment]

    def _word(self, step: SetupStep) -> str:
        return step.action

    def _headline(self) -> str:
        told = ", ".join(f"{count} {word}" for word, count in self.counts.items())
        return f"{type(self).__name__}: {counted(len(self), 'step')}" + (f", {told}" if told else "")

    def _shown(self) -> list[SetupStep]:
        """The steps that a reader has to see: those that are not simply there."""
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
        from .looks import steps_html

        rows = [(self._word(step), step.kind, step.name, step.error or step.note) for step in self._shown()]
        return steps_html(self._headline(), rows, [*self.mistakes, *self._advice()])

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._steps, self.mistakes)


class SetupResult(SetupPlan):
    """What applying a set-up to a project did: its steps in their order, each with its `status`.

    Example:
        >>> setup = acc_assets.settings_from({"categories": [{"path": "HVAC > Boilers"}]})
        >>> setup.apply(project).counts
        {'created': 1}
        >>> setup.apply(project).counts
        {'exists': 1}
    """

    __slots__ = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many steps there are of each status."""
        return dict(Counter(self._word(step) for step in self).most_common())

    @property
    def ok(self) -> bool:
        """Whether everything is there now; what differs from its description counts as there."""
        return not any(step.status in ("failed", "not_sent", "unknown") for step in self)

    def raise_if_failed(self) -> SetupResult:
        """Returns the result itself if everything is there now.

        Raises:
            SetupError: something is not.
        """
        if not self.ok:
            raise SetupError(self)
        return self

    def _word(self, step: SetupStep) -> str:
        return step.status or step.action


class Setup:
    """Categories, status sets with statuses and custom attributes that a project shall have, all by name.

    Made by `settings_from`. It has no ids, so it fits any project. Pickles.

    Example:
        >>> setup = acc_assets.settings_from(project)
        >>> setup.plan(project).counts.keys() == {"exists"}
        True
    """

    __slots__ = ("_core",)

    def __init__(self, core: _core.Description, /) -> None:
        self._core = core

    @overload
    def plan(self, project: Project) -> SetupPlan: ...
    @overload
    def plan(self, project: AsyncProject) -> Awaitable[SetupPlan]: ...
    def plan(self, project: Project | AsyncProject) -> SetupPlan | Awaitable[SetupPlan]:
        """What `apply` would do. Reads the project's settings again and writes nothing.

        Args:
            project: the project that shall have this set-up.

        Returns:
            A `SetupPlan`; for an `AsyncProject` an awaitable of it.

        Raises:
            ApiError, TransportError, AuthError: the settings could not be read.
        """
        return _driven(project, self._planned)

    @overload
    def apply(self, project: Project, *, on_error: OnError = "raise") -> SetupResult: ...
    @overload
    def apply(self, project: AsyncProject, *, on_error: OnError = "raise") -> Awaitable[SetupResult]: ...
    def apply(
        self, project: Project | AsyncProject, *, on_error: OnError = "raise"
    ) -> SetupResult | Awaitable[SetupResult]:
        """Makes and assigns what the project lacks, and nothing else: what is there is left as it is, whatever it is.

        Safe to call again, also after a failure, a Ctrl-C or a kill: it reads what is there first. A create whose answer
        was lost is looked up and not sent blindly again. The service offers no way to make several at once, so it is one
        request for each status set, further status, custom attribute, category and assignment.

        Args:
            project: the project that shall have this set-up; the user of the token needs to be an admin of it.
            on_error: what to do if something could not be made: "raise" a SetupError at the end, or "collect": return
                the result.

        Returns:
            A `SetupResult`; for an `AsyncProject` an awaitable of it.

        Raises:
            InputError: the description names something that it does not describe and the project does not have; nothing
                was written.
            SetupError: something could not be made; its `.applied` says what.
            ApiError, TransportError, AuthError: the project's settings could not be read; nothing was written.
        """
        one_of("on_error", on_error, ("raise", "collect"))
        return _driven(project, lambda project: self._applied(project, on_error))

    def _planned(self, project: Project | AsyncProject) -> Steps[SetupPlan]:
        settings = yield from settings_of(project._session, project.id, refresh=True)
        table, mistakes = self._core.plan(settings)
        return SetupPlan(_steps(table), mistakes)

    def _applied(self, project: Project | AsyncProject, on_error: str) -> Steps[SetupResult]:
        session = project._session
        settings = yield from settings_of(session, project.id, refresh=True)
        operation = session.engine().apply_setup(project.id, settings, self._core)
        # Other settings from here on, however it ends.
        session.engine().forget_settings(project.id)
        session.settings.pop(project.id, None)
        yield operation
        result = SetupResult(_steps(operation.table))
        return result.raise_if_failed() if on_error == "raise" else result

    def to_dict(self) -> dict[str, Any]:
        """As `settings_from` takes it.

        Example:
            >>> acc_assets.settings_from(project).to_dict()["categories"][0]["path"]
            'HVAC'
        """
        return self._core.to_dict()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes it into a TOML file, to be edited and given to `settings_from`.

        Raises:
            OSError: the file cannot be written.

        Example:
            >>> acc_assets.settings_from(project).save(folder / "setup.toml")
            >>> acc_assets.settings_from(folder / "setup.toml") == acc_assets.settings_from(project)
            True
        """
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(self._core.to_toml())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Setup) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        described = self.to_dict()
        sets, attributes, categories = (
            len(described.get(name, ())) for name in ("status_sets", "attributes", "categories")
        )
        return (
            f"Setup: {counted(sets, 'status set')}, {counted(attributes, 'custom attribute')}, "
            f"{categories} {'category' if categories == 1 else 'categories'}"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return settings_from, (self.to_dict(),)


@overload
def settings_from(source: Project | Source, /) -> Setup: ...
@overload
def settings_from(source: AsyncProject, /) -> Awaitable[Setup]: ...
def settings_from(source: Project | AsyncProject | Source, /) -> Setup | Awaitable[Setup]:
    """The set-up of a project, or one that is written down: to be planned for and applied to another project.

    Args:
        source: a project, whose settings are read; `Settings`; a dict; or the path of a TOML file, or of a JSON file that
            `Settings.save` wrote. A dict or TOML file has `status_sets` (each with name, default, description and
            statuses: labels, or dicts of label, color and description), `attributes` (display_name, type, required,
            description, max_length, default, options), `categories` (path, description, status_set, attributes) and, where
            paths are not joined with ">", `separator`.

    Returns:
        A `Setup`; of an `AsyncProject` an awaitable of it.

    Raises:
        InputError: the description is not one; every mistake is named with its place.
        ApiError, TransportError, AuthError: the project's settings could not be read.
        OSError: the JSON file cannot be read.

    Example:
        >>> setup = acc_assets.settings_from({
        ...     "status_sets": [{"name": "Commissioning", "statuses": ["Planned", "Tested"]}],
        ...     "attributes": [{"display_name": "Noise", "type": "numeric"}],
        ...     "categories": [
        ...         {"path": "HVAC > Boilers", "status_set": "Commissioning", "attributes": ["Noise"]},
        ...     ],
        ... })
        >>> setup.apply(project).ok
        True
        >>> project.settings().category("Boilers").statuses
        ('Planned', 'Tested')
    """
    if isinstance(source, (Project, AsyncProject)):
        return _driven(source, _described)
    if isinstance(source, (str, os.PathLike)):
        if os.fspath(source).lower().endswith(".json"):
            source = Settings.load(source)
        else:
            source = read_toml(source, "settings_from")
    if isinstance(source, Settings):
        return Setup(_core.Description.of(source._core))
    if not isinstance(source, Mapping):
        raise InputError(
            f"settings_from() takes a project, Settings, a dict or the path of a TOML file, not "
            f"{type(source).__name__}."
        )
    return Setup(_core.Description.read(dict(source)))


def _described(project: Project | AsyncProject) -> Steps[Setup]:
    settings = yield from settings_of(project._session, project.id)
    return Setup(_core.Description.of(settings))


def _driven(
    project: Project | AsyncProject, work: Callable[[Project | AsyncProject], Steps[Returned]]
) -> Returned | Awaitable[Returned]:
    if isinstance(project, AsyncProject):
        return steps_soon(work(project))
    if isinstance(project, Project):
        return steps_now(work(project))
    raise OptionError(f"It takes a project such as client.project(id), not {type(project).__name__}.")


def _steps(table: _core.Table | None) -> list[SetupStep]:
    return [SetupStep(**row) for row in table.dicts()] if table is not None else []
