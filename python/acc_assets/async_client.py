"""The asynchronous face: the twins of `client.py`, method for method; every call that sends is awaited."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date
from types import TracebackType
from typing import Any
from uuid import UUID

from . import _core
from ._calls import (
    After,
    Session,
    Steps,
    Validate,
    Write,
    asset_query,
    checked,
    keeping,
    named_query,
    project_id,
    query_text,
    read_soon,
    relationship_query,
    report_of,
    result_soon,
    settings_of,
    shown,
    steps_soon,
    unfinished,
    write_soon,
)
from ._secret import Secret
from .frames import IdData, RowData, ids_from, rows_from, rows_soon
from .options import (
    MOST_RELATIONSHIPS,
    SEPARATOR,
    Auth,
    Dates,
    Limits,
    Nulls,
    OnError,
    Prefix,
    Retry,
    SheetChoice,
    Verb,
    at_least_one,
    batch_option,
    column_option,
    flag,
    write_options,
)
from .progress import ProgressOption
from .report import Report
from .results import BulkResult
from .settings import ColumnMapping, Settings
from .tables import AssetTable

__all__ = ["AsyncAssets", "AsyncClient", "AsyncProject", "AsyncRelationships"]


class AsyncClient:
    """The way in: a token, options, and the connections that all its projects share.

    Safe to share between threads, and usable in a forked child. Pickles without its token: unpickled, it takes the
    token from the environment; a function given as `auth` travels along if it can be pickled.

    Args:
        auth: a three-legged token as text, or a function without arguments that returns one (asked again when a
            token has expired). None: the environment variable ACC_ASSETS_TOKEN.
        base_url: where the service is; https, or http to this machine.
        prefix: "construction" or "bim360"; both reach the same assets.
        region: where the project is hosted, a code of the Regions page such as "US" or "EMEA". Sent with requests for
            relationships and locations; the Assets pages list no region header. If None, it is not sent.
        timeout: seconds one request may take.
        max_in_flight: requests in flight at the same time, all calls of the client together. Default: 8.
        max_response_bytes: Largest response that is read, after decompression. Default: 256 MiB.
        limits: requests a window; None: the service's own limits.
        retry: how often a request is sent again; None: the defaults of `Retry`.
        ca_bundle: file of root certificates (PEM) to trust instead of the system's; None: the file named by the
            environment variable REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, else the roots of the system.
        proxy: Address of a proxy, with http or https. If None, the proxy that HTTPS_PROXY or ALL_PROXY names, unless
            NO_PROXY exempts the service; else that of the system.

    Raises:
        OptionError: an option that cannot be.
        AuthError: there is no token, or it has expired.

    Example:
        >>> async def main(sim):
        ...     async with acc_assets.AsyncClient(sim.token, base_url=sim.url) as client:
        ...         return await client.project(sim.project_id).categories()
        >>> with acc_assets.testing.Simulator() as sim:
        ...     len(asyncio.run(main(sim))) > 0
        True
    """

    def __init__(
        self,
        auth: Auth | None = None,
        *,
        base_url: str = "https://developer.api.autodesk.com",
        prefix: Prefix = "construction",
        region: str | None = None,
        timeout: float = 60.0,
        max_in_flight: int = 8,
        max_response_bytes: int = 256 * 2**20,
        limits: Limits | None = None,
        retry: Retry | None = None,
        ca_bundle: str | os.PathLike[str] | None = None,
        proxy: str | None = None,
    ) -> None:
        secrets = Secret(auth), Secret(proxy)
        del auth, proxy
        self._session = Session(
            *secrets,
            base_url=base_url,
            prefix=prefix,
            region=region,
            timeout=timeout,
            max_in_flight=max_in_flight,
            max_response_bytes=max_response_bytes,
            limits=limits,
            retry=retry,
            ca_bundle=ca_bundle,
        )

    @property
    def last_result(self) -> BulkResult | None:
        """The `BulkResult` of the newest write of this client, also of one that raised. None before the first write, and
        after one that was refused before it began, such as for a wrong option."""
        return self._session.last_result

    def project(
        self, project_id: str | UUID, *, locations_container: str | UUID | None = None
    ) -> AsyncProject:
        """A project of this client; nothing is sent.

        Args:
            project_id: the project's UUID, with or without "b." before it.
            locations_container: for a project of BIM 360, the container of its locations, if they are not found under
                the project's own id: `relationships.locations.data.id` of the project in the Data Management API.

        Raises:
            OptionError: not a UUID.

        Example:
            >>> client.project("b.F6A1E3B5-abaa-4b01-b33a-5d55f36ba047").id
            'f6a1e3b5-abaa-4b01-b33a-5d55f36ba047'
        """
        found = AsyncProject(self._session, project_id)
        if locations_container is not None:
            self._session.containers[found.id] = str(locations_container)
        return found

    async def close(self) -> None:
        """Drops the connections and the token; calls after it raise OptionError."""
        self._session.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return shown(self)


class AsyncProject:
    """One project: its assets, its relationships and its settings. Made by `AsyncClient.project`.

    Attributes:
        id: the project's UUID, in lower case, without "b.".
        assets: the project's `AsyncAssets`.
        relationships: the project's `AsyncRelationships`.
    """

    def __init__(self, session: Session, id: str | UUID, /) -> None:
        self._session = session
        self.id = project_id(id)
        self.assets = AsyncAssets(session, self.id)
        self.relationships = AsyncRelationships(session, self.id)

    async def settings(self, *, refresh: bool = False) -> Settings:
        """The project's categories, status sets, custom attributes and locations, by id and by name.

        Read once and kept for all calls of this client about this project. It takes one request for all categories, one
        for 200 status sets, one for 200 custom attributes, one for the locations, one for the status sets of 100 active
        categories, and one for each active category that has none below it; where no answer says from which category
        an attribute is inherited, one for some of those above too.

        Args:
            refresh: Read them again instead of using the ones that were read before.

        Raises:
            ApiError, TransportError, AuthError: they could not be read. Locations alone that could not be read are a note
                in the settings.

        Example:
            >>> asyncio.run(project.settings()).category("HVAC").path
            'HVAC'
        """
        flag("refresh", refresh)
        return await result_soon(self._read_settings(refresh))

    def _read_settings(self, refresh: bool) -> Steps[Settings]:
        core = yield from settings_of(self._session, self.id, refresh)
        return Settings(core, lambda: self.settings(refresh=True))

    async def categories(self) -> list[dict[str, Any]]:
        """All categories of the project, active or not, as the service describes them.

        Raises:
            ApiError, TransportError, AuthError: they could not be read.

        Example:
            >>> [found["name"] for found in asyncio.run(project.categories()) if found["id"] == category] != []
            True
        """
        return await self._settings("categories")

    async def status_sets(self) -> list[dict[str, Any]]:
        """All status sets of the project, each with its statuses.

        Raises:
            ApiError, TransportError, AuthError: they could not be read.

        Example:
            >>> any(found["id"] == status for each in asyncio.run(project.status_sets()) for found in each["values"])
            True
        """
        return await self._settings("status-sets")

    async def custom_attributes(self) -> list[dict[str, Any]]:
        """All custom attributes of the project.

        Raises:
            ApiError, TransportError, AuthError: they could not be read.

        Example:
            >>> sorted({found["dataType"] for found in asyncio.run(project.custom_attributes())})
            ['boolean', 'date', 'multi_select', 'numeric', 'select', 'text']
        """
        return await self._settings("custom-attributes")

    async def error_codes(self) -> list[dict[str, Any]]:
        """Read the error codes of the Assets API, the same for every project.

        Returns:
            One dict per code: name, description, httpStatusCode and metadataKeys. `ApiError.code` carries the name.

        Raises:
            ApiError, TransportError, AuthError: The codes could not be read.

        Example:
            >>> any(found["name"] == "FIELD_EXCEEDS_MAX_LENGTH" for found in asyncio.run(project.error_codes()))
            True
        """
        return await self._settings("error-codes")

    async def category_attributes(
        self, category_id: str | int, include_inherited: bool = True
    ) -> list[dict[str, Any]]:
        """The custom attributes of one category.

        Args:
            category_id: the category's id, a whole number.
            include_inherited: also those it has from the categories above it.

        Raises:
            ApiError, TransportError, AuthError: they could not be read.

        Example:
            >>> every = asyncio.run(project.category_attributes(category))
            >>> len(every) >= len(asyncio.run(project.category_attributes(category, include_inherited=False)))
            True
        """
        flag("include_inherited", include_inherited)
        query = [("includeInherited", query_text(include_inherited))]
        return await self._settings("category-attributes", {"category_id": str(category_id)}, query)

    async def _settings(
        self, kind: str, path: Mapping[str, str] | None = None, query: Sequence[tuple[str, str]] = ()
    ) -> list[dict[str, Any]]:
        operation = self._session.engine().read(kind, self.id, path or {}, query)
        return (await read_soon(operation, resumable=False)).dicts()

    def __repr__(self) -> str:
        return f"AsyncProject({self.id!r})"


class AsyncAssets:
    """The assets of one project. Made by `AsyncClient.project`; see `AsyncProject.assets`."""

    def __init__(self, session: Session, project: str, /) -> None:
        self._session = session
        self._project = project

    async def create(
        self,
        data: RowData,
        *,
        batch_size: int = 100,
        nulls: Nulls = "omit",
        dates: Dates = "exact",
        on_error: OnError = "collect",
        max_errors: float | None = None,
        dry_run: bool = False,
        returning: bool = False,
        import_key: str | None = None,
        reconcile: bool = True,
        run: str | os.PathLike[str] | None = None,
        sheet: SheetChoice = None,
        mapping: ColumnMapping | None = None,
        separator: str = SEPARATOR,
        validate: Validate = "auto",
        progress: ProgressOption = False,
    ) -> BulkResult:
        """Creates one asset a row.

        The service cannot tell that an asset was created before: a second call creates everything again, unless `run` or
        `import_key` is given.

        Args:
            data: a DataFrame (pandas, polars), an Arrow table or stream, an iterable of dicts, one dict, or the path of an
                Excel or CSV file. Columns: clientAssetId, categoryId, statusId (required), description, locationId,
                barcode, ca1, ca2, ...; or as people call them: "Asset ID", "Category", "Status", "Location", and the
                display names of custom attributes. Cells: ids, or names: a category by path ("HVAC > Air Handling", or a
                list of names) or by a name that only one has, a status by label, a location by path, name or barcode, the
                values of select attributes by label (several with ; between them, or a list).
            batch_size: assets a request, 1 to 100.
            nulls: for empty cells: "omit" leaves the field out, "error" makes the row invalid. A create has nothing
                to clear: "clear" is as "omit".
            dates: "exact": a date attribute takes dates and timestamps at midnight; "date": the time is cut off.
            on_error: "collect" returns the result and logs a warning; "raise" goes on to the end and raises;
                "stop" sends nothing more after the first row that is not ok (requests under way still
                count), and raises.
            max_errors: send nothing more after more rows than this that are not ok; below 1 a part of all rows, such
                as 0.01; None: no bound.
            dry_run: check and plan only; `result.plan` tells what would be sent.
            returning: keep the created assets, as `result.assets`.
            import_key: the column that tells rows apart for good: "barcode", or a text attribute by its name in the API,
                such as "ca7". Each row needs a value of its own there. A row whose value an asset of the project has is
                `unchanged`, with the id of that asset, whatever its other cells say; a lost answer is settled exactly. If
                no row has a value, keys are made and stored in the assets: new ones in each call, or in each `run`, so
                they do not recognise an earlier import. None: a lost answer is settled by what the rows say and by when.
            reconcile: what to do about rows whose answer was lost. True: look them up in the project, which takes up to a
                minute or two, and send those again that are not there; what the project does not tell stays `unknown`.
                False: leave them all `unknown`, for `result.reconcile()`.
            run: a name for this import, such as "level-3", that makes it resumable: what is sent is written to a file on
                this machine before. After Ctrl-C, a crash or an outage, make the same call again, with the same rows in
                the same order: it skips what is in, looks up what is in doubt and sends the rest. Rows that are not
                in yet may be edited or taken out in between, or given alone as the file that `to_excel` of the result
                writes. When all is done, it sends nothing. See `acc_assets.runs`. A `pathlib.Path` is the file itself. None: nothing is kept.
            sheet: Name of the sheet of an Excel file, or `SheetOptions`. If None, the first visible one.
            mapping: what columns mean whose names do not say it: a dict from column to field or custom attribute, None for
                a column to leave out; or the path of a TOML file with such lines (false for a column to leave out).
            separator: what stands between the names of a path.
            validate: what rows are checked against besides the row checks: the project's settings (True, or `Settings` that
                you have), or nothing (False: then cells hold ids). "auto": the settings, where they were read before, where
                rows hold names or custom attributes, or where they take more than one request.
            progress: True shows a line on the terminal; a function is called with a `Progress`.

        Returns:
            A `BulkResult` with one outcome a row, in the order of the input. No rows: an empty result, no request.

        Raises:
            OptionError: an option that cannot be.
            InputError: the data as a whole cannot be read, or is not what `run` was begun with.
            JournalError: the file of the run cannot be used, or another process drives the run.
            BulkError: rows are not ok, and `on_error` is "raise" or "stop".
            ApiError, TransportError, AuthError: nothing can go on; `.result` tells what became of every row.
            BulkInterrupted: Ctrl-C (asyncio.CancelledError: an async call was cancelled); `.result` tells what became of
                every row.

        Example:
            >>> rows = [{"clientAssetId": f"AHU-{n}", "categoryId": category, "statusId": status} for n in range(250)]
            >>> result = asyncio.run(project.assets.create(rows))
            >>> result.ok, result.counts, result.stats.requests
            (True, {'created': 250}, 3)
            >>> keyed = [{**row, "barcode": f"L3-{n}"} for n, row in enumerate(rows)]
            >>> [asyncio.run(project.assets.create(keyed, import_key="barcode")).counts for _ in range(2)]
            [{'created': 250}, {'unchanged': 250}]
        """
        self._session.last_result = None
        options = write_options(
            batch_size=batch_size,
            nulls=nulls,
            dates=dates,
            on_error=on_error,
            max_errors=max_errors,
            dry_run=dry_run,
            returning=returning,
            import_key=import_key,
            reconcile=reconcile,
            run=run,
            mapping=mapping,
            separator=separator,
        )
        rows = await rows_soon(data, rows_from, None, sheet)
        write = Write(self._session, "create", self._project, rows, options, progress)
        return await write_soon(write, validate)

    async def validate(
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
        import_key: str | None = None,
        settings: Settings | None = None,
    ) -> Report:
        """Checks rows against the project's settings and sends none of them: every problem at once, each with a fix.

        Args:
            data: as for `create`. A generator is read into a list.
            verb: what the rows are for: "create" or "patch".
            id: for a patch, the column that holds the asset ids.
            sheet: as for `create`.
            mapping: as for `create`.
            separator: as for `create`.
            nulls: as for `create`.
            dates: as for `create`.
            import_key: as for `create`.
            settings: check against these; None: those of the project, read if they were not read before.

        Returns:
            A `Report`: problems by cause and by row, what each column was taken for, and `to_excel` with the rows to fix.

        Raises:
            OptionError: an option that cannot be.
            InputError: the data as a whole cannot be read.
            ApiError, TransportError, AuthError: the settings could not be read.

        Example:
            >>> rows = [{"Asset ID": "AHU-1", "Category": "HVAC > Air Handling", "Status": "Installed", "Airflow": "2,5"}]
            >>> [(cause.column, cause.fix) for cause in asyncio.run(project.assets.validate(rows)).causes]
            [('Airflow', 'write the number with a point and without spaces, such as 1234.5')]
        """
        write = await rows_soon(
            data,
            lambda data: checked(
                self._session,
                self._project,
                data,
                verb=verb,
                id=id,
                sheet=sheet,
                mapping=mapping,
                separator=separator,
                nulls=nulls,
                dates=dates,
                import_key=import_key,
            ),
        )
        return await result_soon(report_of(write, True if settings is None else settings))

    async def patch(
        self,
        data: RowData,
        *,
        id: str = "id",
        batch_size: int = 100,
        nulls: Nulls = "omit",
        dates: Dates = "exact",
        on_error: OnError = "collect",
        max_errors: float | None = None,
        dry_run: bool = False,
        returning: bool = False,
        reconcile: bool = True,
        run: str | os.PathLike[str] | None = None,
        sheet: SheetChoice = None,
        mapping: ColumnMapping | None = None,
        separator: str = SEPARATOR,
        validate: Validate = "auto",
        progress: ProgressOption = False,
    ) -> BulkResult:
        """Changes the given fields of existing assets, and no others.

        Args:
            data: as for `create`, with a column of asset ids. Equal rows of one id are sent once; different rows
                of one id are all invalid.
            id: the column that holds the asset ids.
            batch_size: assets a request, 1 to 100.
            nulls: for empty cells: "omit" leaves the field as it is, "clear" clears it (`acc_assets.CLEAR` clears
                a single cell under each setting), "error" makes the row invalid.
            dates: as for `create`.
            on_error: as for `create`.
            max_errors: as for `create`.
            dry_run: as for `create`.
            returning: keep the changed assets, as `result.assets`.
            reconcile: what to do about rows that no try got an answer for. True: read their assets, and send those again
                that are as before. False: leave them `unknown`, for `result.reconcile()`.
            run: as for `create`.
            sheet: as for `create`.
            mapping: as for `create`.
            separator: as for `create`.
            validate: as for `create`. Where it depends on the category of an asset whether a row fits (a status where
                categories have several sets, a custom attribute that not all have, a change of the category), these assets
                are read first, 100 a request.
            progress: as for `create`.

        Returns:
            A `BulkResult` with one outcome a row, in the order of the input.

        Raises:
            OptionError, InputError, JournalError, BulkError, ApiError, TransportError, AuthError, BulkInterrupted: as for
                `create`.

        Example:
            >>> row = {"clientAssetId": "AHU", "categoryId": category, "statusId": status}
            >>> made = asyncio.run(project.assets.create(row))
            >>> asyncio.run(project.assets.patch([{"id": made.ids[0], "description": "on the roof"}])).counts
            {'updated': 1}
        """
        self._session.last_result = None
        options = write_options(
            batch_size=batch_size,
            nulls=nulls,
            dates=dates,
            id=id,
            on_error=on_error,
            max_errors=max_errors,
            dry_run=dry_run,
            returning=returning,
            reconcile=reconcile,
            run=run,
            mapping=mapping,
            separator=separator,
        )
        rows = await rows_soon(data, rows_from, id, sheet)
        write = Write(self._session, "patch", self._project, rows, options, progress)
        return await write_soon(write, validate)

    async def get(
        self,
        ids: IdData,
        *,
        id: str = "id",
        include_custom_attributes: bool = True,
        include_deleted: bool = False,
        batch_size: int = 100,
        sheet: SheetChoice = None,
        progress: ProgressOption = False,
        after: After = None,
    ) -> AssetTable:
        """Reads assets by their ids.

        Args:
            ids: one id, an iterable of ids, a Series, rows or a table with a column of ids, the path of an Excel or CSV
                file, a `BulkResult` or an `AssetTable`.
            id: the column that holds the ids, where `ids` has columns.
            include_custom_attributes: read the custom attributes too.
            include_deleted: deleted assets too, with isActive false.
            batch_size: ids a request, 1 to 100.
            sheet: Name of the sheet of an Excel file, or `SheetOptions`. If None, the first visible one.
            progress: as for `create`.
            after: the exception that the same call raised, with the same ids in the same order: only those are requested
                that it had not read. The result has all of them.

        Returns:
            An `AssetTable`; its `missing` lists the ids that the service did not return, and texts that are no
            ids. Empty cells are left out.

        Raises:
            OptionError: an option that cannot be.
            InputError: the data as a whole cannot be read.
            ApiError, TransportError, AuthError: a request failed. `.partial` is what was read.
            ReadInterrupted: Ctrl-C. `.partial` is what was read.

        Example:
            >>> row = {"clientAssetId": "AHU", "categoryId": category, "statusId": status}
            >>> made = asyncio.run(project.assets.create(row))
            >>> asyncio.run(project.assets.get(made))[0]["clientAssetId"]
            'AHU'
        """
        batch_option(batch_size)
        column_option(id)
        flag("include_custom_attributes", include_custom_attributes)
        flag("include_deleted", include_deleted)
        options = {
            "id": id,
            "include_custom_attributes": include_custom_attributes,
            "include_deleted": include_deleted,
            "batch_size": batch_size,
        }
        rows, before = await rows_soon(ids, ids_from, id, sheet), unfinished(after)
        operation = self._session.engine().get(self._project, rows, options, after=before)
        return AssetTable(await read_soon(operation, progress))

    async def delete(
        self,
        ids: IdData,
        *,
        id: str = "id",
        batch_size: int = 100,
        on_error: OnError = "collect",
        max_errors: float | None = None,
        dry_run: bool = False,
        reconcile: bool = True,
        run: str | os.PathLike[str] | None = None,
        sheet: SheetChoice = None,
        progress: ProgressOption = False,
    ) -> BulkResult:
        """Deletes assets by their ids. The service keeps them, inactive; the API has no way back.

        Args:
            ids: as for `get`. An id given twice is sent once, and both rows share the verdict.
            id: the column that holds the ids, where `ids` has columns.
            batch_size: ids a request, 1 to 100.
            on_error: as for `create`.
            max_errors: as for `create`.
            dry_run: as for `create`.
            reconcile: as for `patch`.
            run: as for `create`.
            sheet: as for `get`.
            progress: as for `create`.

        Returns:
            A `BulkResult` with one outcome an id, in the order of the input.

        Raises:
            OptionError, InputError, JournalError, BulkError, ApiError, TransportError, AuthError, BulkInterrupted: as for
                `create`.

        Example:
            >>> row = {"clientAssetId": "AHU", "categoryId": category, "statusId": status}
            >>> made = asyncio.run(project.assets.create(row))
            >>> asyncio.run(project.assets.delete(made.ids)).counts
            {'deleted': 1}
        """
        self._session.last_result = None
        options = write_options(
            batch_size=batch_size,
            id=id,
            on_error=on_error,
            max_errors=max_errors,
            dry_run=dry_run,
            reconcile=reconcile,
            run=run,
        )
        rows = await rows_soon(ids, ids_from, id, sheet)
        return await write_soon(Write(self._session, "delete", self._project, rows, options, progress))

    async def template(
        self,
        category: str | int | Sequence[str],
        path: str | os.PathLike[str],
        *,
        rows: int = 1000,
        separator: str = SEPARATOR,
    ) -> None:
        """Writes an Excel sheet to be filled in with assets of one category: the right columns, required ones marked,
        drop-downs for statuses, values of select attributes and locations. Filled in, `create(path)` takes it as it is.

        Args:
            category: the category: id, path, or a list of names. A row may name one below it instead.
            path: the .xlsx file to write; one that is there is replaced.
            rows: how many rows have drop-downs.
            separator: what stands between the names of a path.

        Raises:
            OptionError: there is no such category.
            InputError: the file cannot be written.
            ApiError, TransportError, AuthError: the settings could not be read.

        Example:
            >>> asyncio.run(project.assets.template("HVAC > Air Handling", folder / "units.xlsx"))
        """
        at_least_one("rows", rows)
        core = await steps_soon(settings_of(self._session, self._project))
        found = core.find_category(category, separator)
        _core.write_template(core, found["id"], os.fspath(path), rows)

    async def list(
        self,
        *,
        category: str | int | Sequence[str | int] | None = None,
        status: str | Sequence[str] | None = None,
        location: str | Sequence[str] | None = None,
        updated_at: str | date | None = None,
        search: str | None = None,
        include_custom_attributes: bool = True,
        include_deleted: bool = False,
        filters: Mapping[str, str | Sequence[str]] | None = None,
        sort: str = "createdAt asc",
        separator: str = SEPARATOR,
        after: After = None,
    ) -> AssetTable:
        """Reads all assets that match, page by page.

        Args:
            category: ids, paths or names of categories; any of them matches.
            status: ids or labels of statuses; any of them matches.
            location: ids, paths, names or barcodes of locations; any of them matches.
            updated_at: a time, or a range as text: "from..to", "from..", "..to".
            search: text that must occur in a text field; case does not matter.
            include_custom_attributes: read the custom attributes too.
            include_deleted: deleted assets too, with isActive false.
            filters: further filters of the service by name, such as {"locationId": [...], "ca3": "10..20"}; a custom
                attribute also by its display name, and its values by label.
            sort: fields to sort by, each with asc or desc, separated by commas.
            separator: what stands between the names of a path.
            after: the exception that the same call raised, with the same filters: the list goes on at the page that could
                not be read. The result has the pages before it too, and no asset twice.

        Returns:
            An `AssetTable`.

        Raises:
            OptionError: an option that cannot be, or the filters are not those of the call that raised `after`.
            ApiError, TransportError, AuthError: a page could not be read, or the service ignored a filter. `.partial` is
                what was read.
            ReadInterrupted: Ctrl-C. `.partial` is what was read.

        Example:
            >>> row = {"clientAssetId": "VAV-7", "categoryId": category, "statusId": status}
            >>> made = asyncio.run(project.assets.create(row))
            >>> [asset["clientAssetId"] for asset in asyncio.run(project.assets.list(search="vav-7"))]
            ['VAV-7']
        """
        flag("include_custom_attributes", include_custom_attributes)
        flag("include_deleted", include_deleted)
        before = unfinished(after)
        named = named_query(self._session, self._project, category, status, location, filters, separator)
        with keeping(before):
            category, status, filters = await steps_soon(named)
        query = asset_query(
            category=category,
            status=status,
            updated_at=updated_at,
            search=search,
            include_custom_attributes=include_custom_attributes,
            include_deleted=include_deleted,
            filters=filters,
            sort=sort,
        )
        operation = self._session.engine().read("assets", self._project, {}, query, after=before)
        return AssetTable(await read_soon(operation))

    def __repr__(self) -> str:
        return f"AsyncAssets(project={self._project!r})"


class AsyncRelationships:
    """The relationships of one project. Made by `AsyncClient.project`; see `AsyncProject.relationships`."""

    def __init__(self, session: Session, project: str, /) -> None:
        self._session = session
        self._project = project

    async def delete(
        self,
        ids: IdData,
        *,
        id: str = "id",
        batch_size: int = 50,
        on_error: OnError = "collect",
        max_errors: float | None = None,
        dry_run: bool = False,
        reconcile: bool = True,
        run: str | os.PathLike[str] | None = None,
        sheet: SheetChoice = None,
        progress: ProgressOption = False,
    ) -> BulkResult:
        """Deletes relationships by their ids; what they relate stays.

        Args:
            ids: as for `AsyncAssets.get`. An id given twice is sent once, and both rows share the verdict.
            id: the column that holds the ids, where `ids` has columns.
            batch_size: ids a request, 1 to 50.
            on_error: as for `AsyncAssets.create`.
            max_errors: as for `AsyncAssets.create`.
            dry_run: as for `AsyncAssets.create`.
            reconcile: as for `AsyncAssets.patch`.
            run: as for `AsyncAssets.create`.
            sheet: as for `Assets.get`.
            progress: as for `AsyncAssets.create`.

        Returns:
            A `BulkResult` with one outcome an id, in the order of the input. An id that the service does not name
            as deleted is `rejected`.

        Raises:
            OptionError, InputError, JournalError, BulkError, ApiError, TransportError, AuthError, BulkInterrupted: as for
                `AsyncAssets.create`.

        Example:
            >>> asyncio.run(project.relationships.delete(sim.seed_relationships(60))).counts
            {'deleted': 60}
        """
        self._session.last_result = None
        options = write_options(
            most=MOST_RELATIONSHIPS,
            batch_size=batch_size,
            id=id,
            on_error=on_error,
            max_errors=max_errors,
            dry_run=dry_run,
            reconcile=reconcile,
            run=run,
        )
        rows = await rows_soon(ids, ids_from, id, sheet)
        return await write_soon(Write(self._session, "unlink", self._project, rows, options, progress))

    async def search(
        self,
        *,
        domain: str | None = None,
        type: str | None = None,
        id: str | None = None,
        with_domain: str | None = None,
        with_type: str | None = None,
        with_id: str | None = None,
        created_after: str | date | None = None,
        created_before: str | date | None = None,
        include_deleted: bool = False,
        only_deleted: bool = False,
        after: After = None,
    ) -> list[dict[str, Any]]:
        """Reads all relationships that match; either end may be the one that matches.

        Args:
            domain: domain of one end, such as "autodesk-bim360-asset".
            type: type of that end, such as "asset"; needs `domain`.
            id: id of that end; needs `type`.
            with_domain: domain of the other end.
            with_type: type of the other end; needs `with_domain`.
            with_id: id of the other end; needs `with_type`.
            created_after: a time; a datetime without a time zone is local time.
            created_before: a time; a datetime without a time zone is local time.
            include_deleted: deleted relationships too.
            only_deleted: deleted relationships only.
            after: as for `Assets.list`.

        Returns:
            One dict a relationship, as the service describes it. No filter: all of the project.

        Raises:
            OptionError: an `id` without its `type`, or a `type` without its `domain`; as for `Assets.list`.
            ApiError, TransportError, AuthError, ReadInterrupted: a page could not be read. `.partial` is what was read.

        Example:
            >>> made = sim.seed_relationships(3)
            >>> found = asyncio.run(project.relationships.search(domain="autodesk-bim360-asset", type="asset"))
            >>> set(made) <= {relationship["id"] for relationship in found}
            True
        """
        flag("include_deleted", include_deleted)
        flag("only_deleted", only_deleted)
        query = relationship_query(
            domain=domain,
            type=type,
            id=id,
            with_domain=with_domain,
            with_type=with_type,
            with_id=with_id,
            created_after=created_after,
            created_before=created_before,
            include_deleted=include_deleted,
            only_deleted=only_deleted,
        )
        before = unfinished(after)
        operation = self._session.engine().read("relationships", self._project, {}, query, after=before)
        return (await read_soon(operation)).dicts()

    def __repr__(self) -> str:
        return f"AsyncRelationships(project={self._project!r})"
