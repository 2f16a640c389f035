# Generated from _async/assets.py by tools/make_sync.py (make sync). Do not edit.
"""Asset verbs."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from .. import _core
from .._differing import refuse_run
from .._lookup import column_of, field_named, field_options, is_attribute
from .._options import (
    SEPARATOR,
    Missing,
    OnError,
    SheetOption,
    Verb,
    at_least_one,
    flag,
    get_options,
    list_options,
    page_size_option,
)
from .._partial import After, count_of, found, still_partial, table_of, unfinished
from .._progress import ProgressOption, Reporter
from .._query import Filters, QueryPairs
from .._reading import ReadOptions, reading
from .._records import GeneratedKey
from .._report import Report
from .._rows import IdData, RowData
from .._settings import SettingsOption
from .._tables import AssetTable
from .._times import TimeRange
from .._workbooks import write_template
from .._write import check_options
from ._drive import finish, off_loop
from .verbs import BulkResult, Verbs, ended, prepared, read, settings_of

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Assets(Verbs):
    """The assets of one project, available as `Project.assets`."""

    _resumes = ("create", "patch", "delete")

    def create(
        self,
        data: RowData,
        *,
        settings: SettingsOption = "auto",
        import_key: str | GeneratedKey | None = None,
        run: str | os.PathLike[str] | None = None,
        on_error: OnError = "collect",
        max_errors: float | None = None,
        dry_run: bool = False,
        returning: bool = False,
        reconcile: bool = True,
        batch_size: int = 100,
        progress: ProgressOption = "auto",
        **options: Unpack[ReadOptions],
    ) -> BulkResult:
        """Create one asset per row.

        The service does not detect duplicates: repeating the call creates all assets again, unless `run` or `import_key`
        is given.

        Args:
            data: A DataFrame (pandas, polars), an Arrow table or stream, an iterable of dicts, one dict, a file path
                (Excel, CSV, JSON Lines, Parquet), an open file, or `Rows` from `acc_assets.read`. Columns are matched
                by their usual names ("Asset ID", "Category", "Status", "Location", ...), by the display names of custom
                attributes, or by API field names (clientAssetId, categoryId, statusId, ca1, ...). Asset ID, category, status
                and required attributes without a default must be given. References to settings are ids or names: a
                category's path ("HVAC > Air Handling", or a list of names) or unique name, a status label, a location's path,
                name or barcode, and the labels of select values (separated by ";", or as a list).
            settings: Settings to check rows against: "auto", `Settings`, or None for no settings (cells must then contain
                ids). "auto" uses the project's settings if they have already been read, if rows contain names or custom
                attributes, or if the rows need (or, from a generator, may need) more than one request.
            import_key: A column that uniquely identifies each row across imports: "Barcode" or a text attribute. If an asset
                with a row's key exists, nothing is sent: the row is `unchanged` if its cells equal those of the asset, else
                `differs`. Rows whose response was lost are looked up by key. A `GeneratedKey` generates the keys, only for this
                lookup. If None, rows whose response was lost are matched by their values and creation time.
            run: A name for this import, such as "level-3", that makes it resumable: every request is written to a file on
                this machine before it is sent. After Ctrl-C, a crash or an outage, repeat the call with the same rows:
                it skips imported rows, looks up `unknown` rows and sends the rest. You may edit or remove rows that were
                not imported, or pass only the file from `write_fixes`. Once all rows are imported, nothing is sent. Pass a
                `pathlib.Path` to choose the file yourself. If None, nothing is recorded. See `acc_assets.runs`.
            on_error: What to do if rows fail: "collect" returns the result and logs a warning, "raise" finishes and then
                raises, "stop" raises after the first failed row (requests in flight still finish).
            max_errors: Stop if more rows than this fail: an int, or a fraction of all rows as a float. If None, no limit.
            dry_run: Check the rows and estimate the requests, but write nothing. See `result.estimate`. Import keys are not
                looked up, so rows that the project already has count as to be sent.
            returning: Whether to return the created assets as `result.assets`.
            reconcile: What to do with rows whose response was lost: True looks them up in the project, which takes up to
                two minutes, and resends those that do not exist. Rows that remain in doubt are `unknown`. False leaves
                all such rows `unknown`. You can look up `unknown` rows later with `result.reconcile()`.
            batch_size: Assets per request, 1 to 100. Default: 100.
            progress: "auto" shows a bar in a terminal or notebook; True also writes a line every 10 s if there is
                neither. False shows nothing. A function is called with a `Progress`.
            **options: How to read `data`: sheet, mapping, encoding, decimal and others. See `acc_assets.read`.

        Returns:
            A result with one outcome per row, in input order. Without rows, the result is empty and nothing is written.

        Raises:
            OptionError: An option is invalid.
            InputError, FileError: The data as a whole cannot be read, or differs from the data recorded for this `run`.
            JournalError: The run file cannot be used, or another process is using it.
            BulkError: Rows failed, and `on_error` is "raise" or "stop".
            ApiError, TransportError, AuthError: The call could not continue. `.result` contains every row's outcome.
            BulkInterrupted: Ctrl-C was pressed. `.result` contains every row's outcome. Canceling an async call raises
                asyncio.CancelledError instead, which has a `.result` in Python 3.11 or later.

        Example:
            >>> rows = [{"clientAssetId": f"AHU-{n}", "categoryId": category, "statusId": status} for n in range(250)]
            >>> result = project.assets.create(rows)
            >>> result.ok, result.counts, result.stats.requests
            (True, {'created': 250}, 3)
            >>> keyed = [{**row, "barcode": f"L3-{n}"} for n, row in enumerate(rows)]
            >>> first = project.assets.create(keyed, import_key="barcode")
            >>> second = project.assets.create(keyed, import_key="barcode")
            >>> first.counts, second.counts
            ({'created': 250}, {'unchanged': 250})
        """
        write = self._options(
            "id", run, on_error, max_errors, dry_run, returning, reconcile, batch_size, import_key=import_key
        )
        return self._write("create", data, reading(self.create, **options), write, progress, settings)

    def validate(
        self,
        data: RowData,
        *,
        verb: Verb = "create",
        key: str = "id",
        settings: SettingsOption = "auto",
        import_key: str | GeneratedKey | None = None,
        progress: ProgressOption = "auto",
        **options: Unpack[ReadOptions],
    ) -> Report:
        """Check rows against the project's settings, but write nothing. The report lists every problem.

        Args:
            data: Rows, as for `create`. A generator is read into a list.
            verb: The kind of write to check the rows for: "create" or "patch".
            key: For a patch, the column with the asset ids.
            settings: Settings to check rows against: `Settings`, None for no settings, or "auto" for the project's settings.
            import_key: The column that uniquely identifies each row: "Barcode" or a text attribute. See `create`.
            progress: How to show progress: "auto", True, False or a function. See `create`.
            **options: How to read `data`: sheet, mapping, encoding, decimal and others. See `acc_assets.read`.

        Returns:
            A `Report` that lists problems by cause and by row, and shows how each column was interpreted.

        Raises:
            OptionError, InputError: An option is invalid, or the data as a whole cannot be read.
            ApiError, TransportError, AuthError: The settings, or the assets that a patch depends on, could not be read.

        Example:
            >>> rows = [{"Asset ID": "AHU-1", "Category": "HVAC > Air Handling", "Status": "Installed", "Airflow": "2,5"}]
            >>> report = project.assets.validate(rows)
            >>> [(cause.column, cause.fix) for cause in report.causes]
            [('Airflow', 'set decimal=",", or write the number with a decimal point')]
        """
        checked = check_options(verb, key, import_key)
        how = reading(self.validate, **options)
        source, rows, read = self._loaded(data, how, verb, key, twice=True)
        write = self._new(verb, rows, source, checked | read.options(), progress, settings is not None)
        with write.reporter() as report:
            write = prepared(write, settings, report, always=True)
            operation = off_loop(write.operation)
            ended(operation, report)
        return write.report(operation)

    def patch(
        self,
        data: RowData,
        *,
        key: str = "id",
        settings: SettingsOption = "auto",
        run: str | os.PathLike[str] | None = None,
        on_error: OnError = "collect",
        max_errors: float | None = None,
        dry_run: bool = False,
        returning: bool = False,
        reconcile: bool = True,
        batch_size: int = 100,
        progress: ProgressOption = "auto",
        **options: Unpack[ReadOptions],
    ) -> BulkResult:
        """Update only the given fields of existing assets. The result contains one outcome per row, in input order.

        Args:
            data: Rows, as for `create`, with a column of asset ids, or the edited table of `get` or `list`. If rows have
                values that only the service sets, such as `version`, the assets are read, and only cells that differ are sent;
                rows are `unchanged`, `drifted` if the asset is newer, or `not_sent` if the service did not return the asset.
                Rows with the same id but other cells are invalid. The result of a `create` with `import_key` stands for its
                rows that are `differs`, read as by the create and compared with their assets; `.rows` and `.labels` are
                those of the create's input.
            key: The column with the asset ids. Does not apply to a result.
            settings: Settings to check rows against, as for `create`. If a check depends on an asset's current category (status,
                custom attributes, or a change of category), the asset is read first, unless rows come from a generator.
            run: A name that makes the call resumable. If None, nothing is recorded. Does not apply to a result. See `create`.
            on_error: What to do if rows fail: "collect", "raise" or "stop". See `create`.
            max_errors: Stop if more rows than this fail: an int, or a fraction of all rows as a float. If None, no limit.
            dry_run: Check the rows and estimate the requests, but write nothing. See `result.estimate`.
            returning: Whether to return the changed assets as `result.assets`.
            reconcile: What to do with rows whose response was lost: True reads their assets and resends the rows that were
                not applied. False leaves all such rows `unknown`. `result.reconcile()` looks them up later.
            batch_size: Assets per request, 1 to 100. Default: 100.
            progress: How to show progress: "auto", True, False or a function. See `create`.
            **options: How to read `data`: sheet, mapping, nulls and others. See `acc_assets.read`. For empty cells,
                nulls="omit" (default) keeps the field, "clear" clears it, and "error" makes the row invalid. A cell that
                contains `acc_assets.CLEAR` always clears the field. A result accepts only `nulls`.

        Raises:
            The same errors as `create`.

        Example:
            >>> created = project.assets.create({"Asset ID": "AHU", "Category": category, "Status": status})
            >>> patched = project.assets.patch([{"id": created.ids[0], "description": "on the roof"}])
            >>> patched.counts
            {'updated': 1}
        """
        write = self._options(key, run, on_error, max_errors, dry_run, returning, reconcile, batch_size)
        refuse_run(data, run)
        return self._write("patch", data, reading(self.patch, **options), write, progress, settings)

    def get(
        self,
        ids: IdData,
        *,
        key: str = "id",
        by: str | None = None,
        include_custom_attributes: bool = True,
        include_deleted: bool = False,
        missing: Missing = "report",
        names: bool = True,
        batch_size: int = 100,
        sheet: SheetOption = None,
        progress: ProgressOption = "auto",
        after: After = None,
    ) -> AssetTable:
        """Read assets by their ids, or by another field.

        Only asset ids can be requested from the service, 100 per request. For another field, the assets of the whole project
        are read, 200 per request, or each value is searched for if that takes fewer requests and finds all values.

        Args:
            ids: One id, an iterable of ids, a Series, rows, a table or a file with a column of ids, a result, or an
                `AssetTable`. Empty cells are ignored.
            key: The column with the ids, if `ids` has columns. For values without a column, such as a list, and for "Asset ID"
                and "Barcode", same as `by`.
            by: What `ids` contains instead of ids: "Asset ID", "Barcode", or the display name or API name of a text
                attribute. If `ids` has columns, this is also the column, unless `key` is given. Spaces around a value are
                ignored, but case matters. All assets with a value are returned, in the order of the values.
            include_custom_attributes: Whether to read the custom attributes. They are also read if `by` is one of them.
            include_deleted: Whether to include deleted assets, which have isActive set to false.
            missing: What to do about ids without an asset: "report" lists them in `missing`, "raise" raises InputError.
            names: Whether the table shows names instead of ids, for which the project's settings are read once. Default: True.
            batch_size: Ids per request, 1 to 100. Default: 100.
            sheet: Name of a sheet in an Excel file, or `SheetOptions`. If None, the first visible one.
            progress: How to show progress: "auto", True, False or a function. See `create`.
            after: The exception raised by an earlier call with the same ids in the same order. Only the assets that the
                earlier call did not read are requested. The result contains all assets. Not for reads with `by`.

        Returns:
            An `AssetTable`, whose `missing` lists the ids or values without an asset. A warning says if some ids are not UUIDs.

        Raises:
            OptionError, InputError: An option is invalid, the data as a whole cannot be read, or assets are missing.
            ApiError, TransportError, AuthError, ReadInterrupted: The read ended early. `.partial` contains the rows read.

        Example:
            >>> created = project.assets.create({"Asset ID": "AHU", "Category": category, "Status": status})
            >>> assets = project.assets.get(created)
            >>> assets[0]["clientAssetId"]
            'AHU'
            >>> found = project.assets.get(["AHU", "FAN"], key="Asset ID")
            >>> found.ids == created.ids, found.missing
            (True, ['FAN'])
        """
        options = get_options(key, include_custom_attributes, include_deleted, batch_size, missing, names)
        before, column = unfinished(after), column_of(key, by)
        source, rows, _ = self._loaded(ids, reading(sheet=sheet), "get", column)
        by = field_named(ids, rows, key, by, after)
        engine = self._session.engine()
        with Reporter(progress, "reading") as report:
            with still_partial(before):
                field = by and _core.lookup_field(by)
                wanted = names or (by is not None and field is None)
                settings = settings_of(self._session, self._key, report) if wanted else None
            if by is None:
                field, operation = None, engine.get(self._project, rows, options, after=before)
            else:
                field = field or _core.lookup_field(by, settings) or by
                operation = engine.get_by_field(self._project, rows, field_options(options, field, column))
            custom = include_custom_attributes or (field is not None and is_attribute(field))
            kind = partial(AssetTable, settings=settings if names else None, attributes=custom)
            return found(kind(read(operation, report, source=source, kind=kind)), missing, by)

    def delete(
        self,
        ids: IdData,
        *,
        key: str = "id",
        run: str | os.PathLike[str] | None = None,
        on_error: OnError = "collect",
        max_errors: float | None = None,
        dry_run: bool = False,
        reconcile: bool = True,
        batch_size: int = 100,
        sheet: SheetOption = None,
        progress: ProgressOption = "auto",
    ) -> BulkResult:
        """Delete assets by their ids. The result contains one outcome per id, in input order.

        The service keeps deleted assets but marks them as inactive. Deleted assets cannot be restored through the API.

        Args:
            ids: Ids, as for `get`. A duplicate id is sent only once, and all of its rows get the same outcome. A whole
                result is accepted only if its call created all of its assets.
            key: The column with the ids, if `ids` has columns.
            run: A name that makes the call resumable. If None, nothing is recorded. See `create`.
            on_error: What to do if rows fail: "collect", "raise" or "stop". See `create`.
            max_errors: Stop if more rows than this fail: an int, or a fraction of all rows as a float. If None, no limit.
            dry_run: Check the rows and estimate the requests, but send nothing. See `result.estimate`.
            reconcile: Whether to look up rows whose response was lost. See `patch`.
            batch_size: Ids per request, 1 to 100. Default: 100.
            sheet: Name of a sheet in an Excel file, or `SheetOptions`. If None, the first visible one.
            progress: How to show progress: "auto", True, False or a function. See `create`.

        Raises:
            The same errors as `create`.

        Example:
            >>> created = project.assets.create({"Asset ID": "AHU", "Category": category, "Status": status})
            >>> deleted = project.assets.delete(created.ids)
            >>> deleted.counts
            {'deleted': 1}
        """
        options = self._options(key, run, on_error, max_errors, dry_run, False, reconcile, batch_size)
        return self._write("delete", ids, reading(sheet=sheet), options, progress)

    def template(
        self,
        category: str | int | Sequence[str],
        path: str | os.PathLike[str],
        *,
        rows: int = 1000,
        separator: str = SEPARATOR,
        overwrite: bool = False,
    ) -> None:
        """Write an Excel template for assets of one category, with drop-downs and marked required columns.

        Columns for statuses, locations, select values and booleans have drop-downs. `create(path)` imports the completed file.

        Args:
            category: The category's id or path, or its path as a list of names. Rows may name a subcategory instead.
            path, overwrite: The .xlsx file, and whether to replace an existing one. Default: False.
            rows: Number of rows with drop-downs. Default: 1000.
            separator: Separator between the names in a path. Default: ">".

        Raises:
            OptionError, FileError: The category is unknown or ambiguous, `rows` is invalid, or the file exists or cannot be written.
            ApiError, TransportError, AuthError: The settings could not be read.

        Example:
            >>> project.assets.template("HVAC > Air Handling", folder / "units.xlsx")
        """
        at_least_one("rows", rows)
        with Reporter("auto", "template") as report:
            core = settings_of(self._session, self._key, report)
        off_loop(lambda: write_template(core, category, separator, rows, path, overwrite))

    def list(
        self,
        *,
        category: str | int | Sequence[str | int | Sequence[str]] | None = None,
        status: str | Sequence[str] | None = None,
        location: str | Sequence[str | Sequence[str]] | None = None,
        updated: TimeRange | None = None,
        text: str | None = None,
        attributes: Mapping[str, object] | None = None,
        deleted: bool = False,
        include_custom_attributes: bool = True,
        names: bool = True,
        sort: str | Sequence[str] = "createdAt",
        limit: int | None = None,
        separator: str = SEPARATOR,
        progress: ProgressOption = "auto",
        after: After = None,
    ) -> AssetTable:
        """Read the assets that match all given filters into an `AssetTable`.

        Several requests are in flight at once. The table is complete even if others create, change, move or delete assets
        during the read: no asset that matched throughout is missing, none is duplicated, and each has its newest version.

        Args:
            category, status, location: One or a list of ids or names: category paths, status labels, and location paths, names or
                barcodes. Assets of all subcategories and sublocations are included. Inactive ones may be named too.
            updated: When the assets last changed: the earliest time, or (earliest, latest), where None is an open end. Times are
                dates, datetimes or ISO strings, which may be ranges: "from..to", "from.." or "..to". Both ends are included,
                and the whole day of a date. A time without a time zone is local time.
            text: A string that must occur in a text field. Case is ignored.
            attributes: Custom attributes by display name or API name, such as {"Airflow": (1, 10), "Filter Class": ["F7", "F9"]}.
                A tuple is a range, where None is an open end. A list matches any of its values. A text must occur in the value.
            deleted: Whether to include deleted assets, which have isActive set to false.
            include_custom_attributes: Whether to read the custom attributes. They are also read if `attributes` or `sort`
                names one. Default: True.
            names: Whether the table shows names instead of ids, for which the project's settings are read once. Default: True.
            sort: One or more fields or custom attributes, such as "-updatedAt" or ["categoryId", "Airflow desc"]. A "-" or
                "desc" sorts in descending order. Without `limit`, the client sorts: numbers as numbers, times as times, text
                by code point without case, and blanks last. With `limit`, the service sorts. Default: "createdAt".
            limit: Maximum number of assets to read: the first in the order of `sort`. If None, all.
            separator: Separator between the names in a path. Default: ">".
            progress: How to show progress: "auto", True, False or a function. See `create`.
            after: The exception raised by an earlier call with the same filters. Only what that call did not read is read.
                The result includes the assets that it read, without duplicates.

        Raises:
            OptionError: An option is invalid, or the filters differ from those of the call that raised `after`.
            ApiError, TransportError, AuthError, ReadInterrupted: The read ended early. `.partial` contains the rows read.

        Example:
            >>> created = project.assets.create({"Asset ID": "VAV-7", "Category": category, "Status": status})
            >>> [asset["clientAssetId"] for asset in project.assets.list(text="vav-7")]
            ['VAV-7']
        """
        before = unfinished(after)
        list_options(include_custom_attributes, limit, names)
        asked = Filters.of(category, status, location, updated, text, attributes, deleted, sort)
        custom = include_custom_attributes or asked.needs_attributes()
        engine = self._session.engine()
        with Reporter(progress, "reading") as report:
            with still_partial(before):
                query, settings = self._query(asked, separator, report, custom, names)
            operation = engine.read(
                "assets", self._project, {}, query, after=before, limit=limit, settings=settings
            )
            shown = settings if names else None
            kind = partial(AssetTable, settings=shown, attributes=custom)
            return kind(read(operation, report, kind=kind))

    def iter(
        self,
        *,
        category: str | int | Sequence[str | int | Sequence[str]] | None = None,
        status: str | Sequence[str] | None = None,
        location: str | Sequence[str | Sequence[str]] | None = None,
        updated: TimeRange | None = None,
        text: str | None = None,
        attributes: Mapping[str, object] | None = None,
        deleted: bool = False,
        include_custom_attributes: bool = True,
        names: bool = True,
        page_size: int = 200,
        separator: str = SEPARATOR,
        progress: ProgressOption = "auto",
    ) -> Generator[AssetTable]:
        """Read the assets that match all given filters page by page, in bounded memory.

        Each asset is returned once, roughly in the order of the last change. Assets that change during the read are not
        missed. Assets created after it began are not returned, so the loop may create some. Nothing is requested before
        the first page is asked for. Then, one page is read ahead while the caller works on the page before. Closing the
        iterator ends the read. A read that failed cannot be resumed: the exception has no `.partial`, and a new
        iterator starts at the beginning.

        Args:
            category, status, location, updated, text, attributes, deleted, separator: As for `list`.
            include_custom_attributes, names: As for `list`.
            page_size: Maximum number of assets per page, 1 to 200. Default: 200.
            progress: How to show progress: "auto", True, False or a function. See `create`.

        Returns:
            An iterator of `AssetTable`s that are not empty.

        Raises:
            OptionError: An option is invalid.
            ApiError, TransportError, AuthError: A page could not be read. The iterator ends.

        Example:
            >>> row = {"Asset ID": "VAV-8", "Category": category, "Status": status}
            >>> created = project.assets.create(row)
            >>> for page in project.assets.iter(text="vav-8"):
            ...     print(page[0]["clientAssetId"])
            VAV-8
        """
        flag("include_custom_attributes", include_custom_attributes)
        page_size_option(page_size)
        asked = Filters.of(category, status, location, updated, text, attributes, deleted)
        flag("names", names)
        custom = include_custom_attributes or asked.needs_attributes()
        return self._pages(asked, separator, custom, names, page_size, progress)

    def _pages(
        self,
        asked: Filters,
        separator: str,
        custom: bool,
        names: bool,
        page_size: int,
        progress: ProgressOption,
    ) -> Generator[AssetTable]:
        with Reporter(progress, "reading") as report:
            query, settings = self._query(asked, separator, report, custom, names)
            pages = self._session.engine().pages(self._project, query, page_size, settings)
            while True:
                operation = pages.next()
                finish(operation, report)
                table = table_of(operation)
                if not len(table):
                    return
                yield AssetTable(table, settings if names else None, custom)

    def count(
        self,
        *,
        category: str | int | Sequence[str | int | Sequence[str]] | None = None,
        status: str | Sequence[str] | None = None,
        location: str | Sequence[str | Sequence[str]] | None = None,
        updated: TimeRange | None = None,
        text: str | None = None,
        attributes: Mapping[str, object] | None = None,
        deleted: bool = False,
        separator: str = SEPARATOR,
        progress: ProgressOption = "auto",
    ) -> int:
        """Count the assets that match all given filters.

        This takes one request. If filters match more than 200 assets, each filter takes another one, or two for a boolean,
        which shows that the service applies it. If the service does not report a number that can be relied on, or the
        filters need several requests, as several locations do, the matching assets are read.

        Args:
            category, status, location, updated, text, attributes, deleted, separator: As for `list`.
            progress: How to show progress: "auto", True, False or a function. See `create`.

        Raises:
            OptionError: An option is invalid.
            ApiError, TransportError, AuthError: The assets could not be counted.

        Example:
            >>> created = project.assets.create({"Asset ID": "VAV-9", "Category": category, "Status": status})
            >>> project.assets.count(text="vav-9")
            1
        """
        asked = Filters.of(category, status, location, updated, text, attributes, deleted)
        with Reporter(progress, "reading") as report:
            query, settings = self._query(asked, separator, report, False, False)
            operation = self._session.engine().count(self._project, query, settings)
            ended(operation, report)
            return count_of(operation)

    def _query(
        self, asked: Filters, separator: str, report: Reporter, custom: bool, names: bool
    ) -> tuple[QueryPairs, _core.Settings | None]:
        """Return the query parameters for filters, and the settings if they were needed."""
        settings = None
        if names or asked.has_names():
            is_earlier = self._key in self._session.settings
            settings = settings_of(self._session, self._key, report)
            if is_earlier and not asked.are_known(settings, separator):
                # Somebody may have added the name since the settings were read.
                settings = settings_of(self._session, self._key, report, refresh=True)
            asked = asked.with_ids(settings, separator, names)
        if asked.categories:
            tree = self._session.engine().read("categories", self._project, {}, [])
            ended(tree, report)
            asked = asked.with_subcategories(table_of(tree))
        return asked.query(custom), settings
