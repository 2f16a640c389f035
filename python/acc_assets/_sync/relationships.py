# Generated from _async/relationships.py by tools/make_sync.py (make sync). Do not edit.
"""Relationship verbs."""

from __future__ import annotations

import os

from .._options import MOST_RELATIONSHIPS, OnError, SheetOption, flag, get_options
from .._partial import After, keeping, table_of, unfinished
from .._progress import ProgressOption, Reporter
from .._query import search_query
from .._reading import reading
from .._records import Entity
from .._related import RelationshipTable
from .._rows import IdData, ids_from
from .._times import Time
from ._drive import finish
from .verbs import BulkResult, Verbs


class Relationships(Verbs):
    """The relationships of one project, available as `Project.relationships`."""

    _resumes = ("unlink",)

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
        batch_size: int = 50,
        sheet: SheetOption = None,
        progress: ProgressOption = "auto",
    ) -> BulkResult:
        """Delete relationships by their ids. The related entities are not deleted.

        Args:
            ids: Ids, as for `Assets.get`. A duplicate id is sent only once, and all of its rows get the same outcome.
            key: The column with the ids, if `ids` has columns.
            run: A name that makes the call resumable. If None, nothing is recorded. See `Assets.create`.
            on_error: What to do if rows fail: "collect", "raise" or "stop". See `Assets.create`.
            max_errors: Stop if more rows than this fail: an int, or a fraction of all rows as a float. If None, no limit.
            dry_run: Check the rows and estimate the requests, but send nothing. See `result.estimate`.
            reconcile: Whether to look up rows whose response was lost. See `Assets.patch`.
            batch_size: Ids per request, 1 to 50. Default: 50.
            sheet: Name of a sheet in an Excel file, or `SheetOptions`. If None, the first visible one.
            progress: How to show progress: "auto", True, False or a function. See `Assets.create`.

        Returns:
            A result with one outcome per id, in input order. A row is `rejected` if the service did not delete
            its relationship.

        Raises:
            The same errors as `Assets.create`.

        Example:
            >>> deleted = project.relationships.delete(sim.seed_relationships(60))
            >>> deleted.counts
            {'deleted': 60}
        """
        options = self._options(
            key, run, on_error, max_errors, dry_run, False, reconcile, batch_size, most=MOST_RELATIONSHIPS
        )
        return self._write("unlink", ids, reading(sheet=sheet), options, progress)

    def search(
        self,
        entity: Entity | str | None = None,
        other: Entity | str | None = None,
        *,
        created_after: Time | None = None,
        created_before: Time | None = None,
        include_deleted: bool = False,
        only_deleted: bool = False,
        names: bool = True,
        progress: ProgressOption = "auto",
        after: After = None,
    ) -> RelationshipTable:
        """Read all matching relationships. The order of the two ends does not matter.

        Args:
            entity: One end: an `Entity`, or the short name of a kind such as "asset". If None, any entity.
            other: The other end, in the same form as `entity`. If None, any entity.
            created_after: Earliest creation time: a date, a datetime or an ISO string. A time without a time zone is local time.
            created_before: Latest creation time, in the same form. A date includes the whole day.
            include_deleted: Whether to include deleted relationships.
            only_deleted: Whether to return deleted relationships only.
            names: Whether to read the assets at both ends, so that DataFrames contain their Asset IDs and barcodes. This
                takes one more request per 100 assets, which counts as a read of assets. A page of the search has at most
                100 relationships, so there are at most two such requests per page. Deleted assets have names too.
            progress: How to show progress: "auto", True, False or a function. See `Assets.create`.
            after: The exception raised by an earlier call with the same filters. Only the remaining pages are read.

        Returns:
            A `RelationshipTable`. Without filters, the table contains all undeleted relationships of the project.

        Raises:
            OptionError: An option is invalid, or the filters differ from those of the call that raised `after`.
            ApiError, TransportError, AuthError, ReadInterrupted: The read ended early. `.partial` contains the rows read. If
                only the assets could not be read, `.partial` contains all relationships.

        Example:
            >>> created = sim.seed_relationships(3)
            >>> found = project.relationships.search("asset")
            >>> set(created) <= set(found.ids)
            True
        """
        flag("names", names)
        query = search_query(entity, other, created_after, created_before, include_deleted, only_deleted)
        engine = self._session.engine()
        operation = engine.read("relationships", self._project, {}, query, after=unfinished(after))
        with Reporter(progress, "reading") as report, keeping(operation, kind=RelationshipTable):
            finish(operation, report)
            found = RelationshipTable(table_of(operation))
            if not names:
                return found
            ids = ids_from(found._asset_ids(), "id")
            assets = engine.get(self._project, ids, get_options("id", False, include_deleted=True))
            finish(assets, report)
            return found._with_names(table_of(assets))
