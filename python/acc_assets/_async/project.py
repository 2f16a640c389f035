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
from .assets import AsyncAssets
from .relationships import AsyncRelationships
from .verbs import ended, read, settings_of

if TYPE_CHECKING:
    from uuid import UUID


class AsyncProject:
    """One project: its assets, its relationships and its settings. Returned by `AsyncClient.project`.

    If the settings cannot be read, all methods raise ApiError, TransportError or AuthError, and nothing is written.

    Attributes:
        id: The project's UUID, in lower case, without "b.".
        assets: The project's `AsyncAssets`.
        relationships: The project's `AsyncRelationships`.
        raw: The project's `AsyncRaw`.
    """

    def __init__(self, session: Session, id: str | UUID, container: str | UUID | None = None, /) -> None:
        self._session = session
        self._key = project_key(id, container)
        self.id = self._key.id
        self.assets = AsyncAssets(session, self._key)
        self.relationships = AsyncRelationships(session, self._key)
        self.raw = AsyncRaw(session, self._key)

    async def settings(self, *, refresh: bool = False, progress: ProgressOption = "auto") -> Settings:
        """Read the project's categories, status sets, custom attributes and locations.

                Later calls on this client reuse them; `plan_setup` and `apply_setup` always read them again. Reading takes about one
        request per active category without subcategories. If the locations cannot be read, `settings.notes` says why.

        Args:
            refresh: Whether to read the settings again.
            progress: How to show progress: "auto", True, False or a function. See `AsyncAssets.create`.

        Example:
            >>> settings = await project.settings()
            >>> settings.category("HVAC").path
            'HVAC'
        """
        flag("refresh", refresh)
        with Reporter(progress, "settings") as report:
            return Settings(await settings_of(self._session, self._key, report, refresh=refresh))

    async def setup(self) -> Setup:
        """Describe the active settings of this project, for use in `plan_setup` and `apply_setup` of another project.

        Example:
            >>> setup = await project.setup()
            >>> setup.to_dict()["categories"][0]["path"]
            'HVAC'
        """
        return Setup.from_settings(await self.settings())

    async def plan_setup(self, setup: Setup, *, progress: ProgressOption = "auto") -> SetupPlan:
        """Return what `apply_setup` would do for each setting. The settings are read again, but nothing is written.

        Args:
            setup: The settings that the project should have.
            progress: How to show progress: "auto", True, False or a function. See `AsyncAssets.create`.

        Example:
            >>> plan = await project.plan_setup(await project.setup())
            >>> list(plan.counts)
            ['exists']
        """
        setup = checked_setup(setup)
        with Reporter(progress, "settings") as report:
            settings = await settings_of(self._session, self._key, report, refresh=True)
        return await off_loop(lambda: setup._planned(settings))

    async def apply_setup(
        self, setup: Setup, *, on_error: SetupOnError = "raise", progress: ProgressOption = "auto"
    ) -> SetupResult:
        """Create and assign missing settings, including statuses of existing sets. Active settings are not changed otherwise.

        The call can be repeated, even after a failure, Ctrl-C or a crash, because it first reads the existing settings. If
        the response to a create is lost, the setting is looked up before the create is retried. Each status set, status
        added to an existing set, custom attribute, category and assignment takes a separate request.

        Args:
            setup: The settings that the project should have. The token's user must be a project admin.
            on_error: What to do if a step fails: "raise" raises SetupError at the end, "collect" returns the result.
            progress: How to show progress: "auto", True, False or a function. See `AsyncAssets.create`.

        Raises:
            InputError: The setup uses a name that is defined neither in the setup nor in the project. Nothing was written.
            SetupError: A step failed. The result is in `.applied`.

        Example:
            >>> setup = acc_assets.Setup.from_dict({"categories": [{"path": "HVAC > Boilers"}]})
            >>> result = await project.apply_setup(setup)
            >>> result.counts
            {'created': 1}
        """
        setup = checked_setup(setup)
        one_of("on_error", on_error, ("raise", "collect"))
        session = self._session
        with Reporter(progress, "setup") as report:
            settings = await settings_of(session, self._key, report, refresh=True)
            operation = session.engine().apply_setup(self.id, settings, setup._core)
            # From here on, the settings may have changed, however the call ends.
            session.forget_settings(self.id)
            await ended(operation, report)
        result = SetupResult(steps_of(operation.table))
        return result.raise_if_failed() if on_error == "raise" else result

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"


class AsyncRaw:
    """The settings of one project as returned by the service, available as `AsyncProject.raw`.

    All methods raise ApiError, TransportError or AuthError if the read fails.
    """

    def __init__(self, session: Session, project: ProjectKey, /) -> None:
        self._session = session
        self._key = project
        self._project = project.id

    async def categories(self) -> list[JsonObject]:
        """Read all categories of the project, including inactive ones.

        Example:
            >>> [found["name"] for found in await project.raw.categories()][:2]
            ['ROOT', 'HVAC']
        """
        return await self._read("categories")

    async def status_sets(self) -> list[JsonObject]:
        """Read all status sets of the project, each with its statuses.

        Example:
            >>> [found["name"] for found in await project.raw.status_sets()][:1]
            ['Default']
        """
        return await self._read("status-sets")

    async def custom_attributes(self) -> list[JsonObject]:
        """Read all custom attributes of the project.

        Example:
            >>> sorted({found["dataType"] for found in await project.raw.custom_attributes()})
            ['boolean', 'date', 'multi_select', 'numeric', 'select', 'text']
        """
        return await self._read("custom-attributes")

    async def category_attributes(
        self, category: str | int | Sequence[str], *, include_inherited: bool = True
    ) -> list[JsonObject]:
        """Read the custom attributes of one category.

        Args:
            category: The category's id, its path ("HVAC > Fans") or the end of its path, or its path as a list of names.
            include_inherited: Whether to include attributes inherited from parent categories.

        Example:
            >>> every = await project.raw.category_attributes(category)
            >>> own = await project.raw.category_attributes(category, include_inherited=False)
            >>> len(every) >= len(own)
            True
        """
        flag("include_inherited", include_inherited)
        if not is_category_id(category):
            core = await settings_of(self._session, self._key, Reporter(False, "settings"))
            category = core.find_category(category, SEPARATOR)["id"]
        query = [("includeInherited", query_text(include_inherited))]
        return await self._read("category-attributes", {"category_id": str(category).strip()}, query)

    async def error_codes(self) -> list[JsonObject]:
        """Read the error codes of the Assets API, which are the same for every project. See also `AsyncClient.error_codes`.

        Returns:
            One dict per code: name (a possible value of `ApiError.code`), description, httpStatusCode and metadataKeys.

        Example:
            >>> any(found["name"] == "FIELD_EXCEEDS_MAX_LENGTH" for found in await project.raw.error_codes())
            True
        """
        return await self._read("error-codes")

    async def _read(
        self, kind: str, path: Mapping[str, str] | None = None, query: Sequence[tuple[str, str]] = ()
    ) -> list[JsonObject]:
        operation = self._session.engine().read(kind, self._project, path or {}, query)
        return (await read(operation, Reporter(False, "read"), resumable=False)).dicts()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(project={self._project!r})"
