# Generated from _async/project.py by tools/make_sync.py (make sync). Do not edit.
"""A project: its settings, its setup, and its raw settings as returned by the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .._json import JsonObject
from .._options import SEPARATOR, SetupOnError, flag, one_of
from .._progress import ProgressOption, Reporter
from .._query import is_category_id, query_text
from .._session import ProjectKey, Session, project_key
from .._settings import Settings
from .._setup import Setup, SetupPlan, SetupResult, checked_setup, steps_of
from ._drive import off_loop
from .assets import Assets
from .relationships import Relationships
from .verbs import ended, read, settings_of

if TYPE_CHECKING:
    from uuid import UUID


class Project:
    """One project: its assets, its relationships and its settings. Returned by `Client.project`.

    If the settings cannot be read, all methods raise ApiError, TransportError or AuthError, and nothing is written.

    Attributes:
        id: The project's UUID, in lower case, without "b.".
        assets: The project's `Assets`.
        relationships: The project's `Relationships`.
        raw: The project's `Raw`.
    """

    def __init__(self, session: Session, id: str | UUID, container: str | UUID | None = None, /) -> None:
        self._session = session
        self._key = project_key(id, container)
        self.id = self._key.id
        self.assets = Assets(session, self._key)
        self.relationships = Relationships(session, self._key)
        self.raw = Raw(session, self._key)

    def settings(self, *, refresh: bool = False, progress: ProgressOption = "auto") -> Settings:
        """Read the project's categories, status sets, custom attributes and locations.

                Later calls on this client reuse them; `plan_setup` and `apply_setup` always read them again. Reading takes about one
        request per active category without subcategories. If the locations cannot be read, `settings.notes` says why.

        Args:
            refresh: Whether to read the settings again.
            progress: How to show progress: "auto", True, False or a function. See `Assets.create`.

        Example:
            >>> settings = project.settings()
            >>> settings.category("HVAC").path
            'HVAC'
        """
        flag("refresh", refresh)
        with Reporter(progress, "settings") as report:
            return Settings(settings_of(self._session, self._key, report, refresh=refresh))

    def setup(self) -> Setup:
        """Describe the active settings of this project, for use in `plan_setup` and `apply_setup` of another project.

        Example:
            >>> setup = project.setup()
            >>> setup.to_dict()["categories"][0]["path"]
            'HVAC'
        """
        return Setup.from_settings(self.settings())

    def plan_setup(self, setup: Setup, *, progress: ProgressOption = "auto") -> SetupPlan:
        """Return what `apply_setup` would do for each setting. The settings are read again, but nothing is written.

        Args:
            setup: The settings that the project should have.
            progress: How to show progress: "auto", True, False or a function. See `Assets.create`.

        Example:
            >>> plan = project.plan_setup(project.setup())
            >>> list(plan.counts)
            ['exists']
        """
        setup = checked_setup(setup)
        with Reporter(progress, "settings") as report:
            settings = settings_of(self._session, self._key, report, refresh=True)
        return off_loop(lambda: setup._planned(settings))

    def apply_setup(
        self, setup: Setup, *, on_error: SetupOnError = "raise", progress: ProgressOption = "auto"
    ) -> SetupResult:
        """Create and assign missing settings, including statuses of existing sets. Active settings are not changed otherwise.

        The call can be repeated, even after a failure, Ctrl-C or a crash, because it first reads the existing settings. If
        the response to a create is lost, the setting is looked up before the create is retried. Each status set, status
        added to an existing set, custom attribute, category and assignment takes a separate request.

        Args:
            setup: The settings that the project should have. The token's user must be a project admin.
            on_error: What to do if a step fails: "raise" raises SetupError at the end, "collect" returns the result.
            progress: How to show progress: "auto", True, False or a function. See `Assets.create`.

        Raises:
            InputError: The setup uses a name that is defined neither in the setup nor in the project. Nothing was written.
            SetupError: A step failed. The result is in `.applied`.

        Example:
            >>> setup = acc_assets.Setup.from_dict({"categories": [{"path": "HVAC > Boilers"}]})
            >>> result = project.apply_setup(setup)
            >>> result.counts
            {'created': 1}
        """
        setup = checked_setup(setup)
        one_of("on_error", on_error, ("raise", "collect"))
        session = self._session
        with Reporter(progress, "setup") as report:
            settings = settings_of(session, self._key, report, refresh=True)
            operation = session.engine().apply_setup(self.id, settings, setup._core)
            # From here on, the settings may have changed, however the call ends.
            session.forget_settings(self.id)
            ended(operation, report)
        result = SetupResult(steps_of(operation.table))
        return result.raise_if_failed() if on_error == "raise" else result

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"


class Raw:
    """The settings of one project as returned by the service, available as `Project.raw`.

    All methods raise ApiError, TransportError or AuthError if the read fails.
    """

    def __init__(self, session: Session, project: ProjectKey, /) -> None:
        self._session = session
        self._key = project
        self._project = project.id

    def categories(self) -> list[JsonObject]:
        """Read all categories of the project, including inactive ones.

        Example:
            >>> [found["name"] for found in project.raw.categories()][:2]
            ['ROOT', 'HVAC']
        """
        return self._read("categories")

    def status_sets(self) -> list[JsonObject]:
        """Read all status sets of the project, each with its statuses.

        Example:
            >>> [found["name"] for found in project.raw.status_sets()][:1]
            ['Default']
        """
        return self._read("status-sets")

    def custom_attributes(self) -> list[JsonObject]:
        """Read all custom attributes of the project.

        Example:
            >>> sorted({found["dataType"] for found in project.raw.custom_attributes()})
            ['boolean', 'date', 'multi_select', 'numeric', 'select', 'text']
        """
        return self._read("custom-attributes")

    def category_attributes(
        self, category: str | int | Sequence[str], *, include_inherited: bool = True
    ) -> list[JsonObject]:
        """Read the custom attributes of one category.

        Args:
            category: The category's id, its path ("HVAC > Fans") or the end of its path, or its path as a list of names.
            include_inherited: Whether to include attributes inherited from parent categories.

        Example:
            >>> every = project.raw.category_attributes(category)
            >>> own = project.raw.category_attributes(category, include_inherited=False)
            >>> len(every) >= len(own)
            True
        """
        flag("include_inherited", include_inherited)
        if not is_category_id(category):
            core = settings_of(self._session, self._key, Reporter(False, "settings"))
            category = core.find_category(category, SEPARATOR)["id"]
        query = [("includeInherited", query_text(include_inherited))]
        return self._read("category-attributes", {"category_id": str(category).strip()}, query)

    def error_codes(self) -> list[JsonObject]:
        """Read the error codes of the Assets API, which are the same for every project. See also `Client.error_codes`.

        Returns:
            One dict per code: name (a possible value of `ApiError.code`), description, httpStatusCode and metadataKeys.

        Example:
            >>> any(found["name"] == "FIELD_EXCEEDS_MAX_LENGTH" for found in project.raw.error_codes())
            True
        """
        return self._read("error-codes")

    def _read(
        self, kind: str, path: Mapping[str, str] | None = None, query: Sequence[tuple[str, str]] = ()
    ) -> list[JsonObject]:
        operation = self._session.engine().read(kind, self._project, path or {}, query)
        return (read(operation, Reporter(False, "read"), resumable=False)).dicts()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(project={self._project!r})"
