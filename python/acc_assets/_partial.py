"""Partial results of failed reads, and how to resume from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, TypeAlias

from . import _core
from ._related import RelationshipTable
from ._tables import AssetTable
from ._text import counted, is_uuid, warn
from .errors import AccError, DataWarning, InputError, OptionError, ReadInterrupted

Read: TypeAlias = AssetTable | RelationshipTable
After: TypeAlias = BaseException | Read | None

ANOTHER_FIELD: Final = 'To find assets by Asset ID or barcode, pass by="Asset ID" or by="Barcode".'

# The number of missing ids that a message names.
FIRST: Final = 5


@contextmanager
def keeping(
    operation: _core.Operation, resumable: bool = True, kind: Callable[[_core.Table], Read] = AssetTable
) -> Iterator[None]:
    """Attach the rows read so far, as a table of this kind, to an exception that ends a resumable read."""
    try:
        yield
    except KeyboardInterrupt:
        if resumable:
            raise ReadInterrupted(_partial(operation, kind)) from None
        raise
    except BaseException as error:
        if resumable:
            # An exception raised by the user's iterable may not accept attributes.
            with suppress(AttributeError):
                error.partial = _partial(operation, kind)  # type: ignore[attr-defined]
        raise


def _partial(operation: _core.Operation, kind: Callable[[_core.Table], Read]) -> Read | None:
    table = operation.table
    return None if table is None else kind(table)


def table_of(operation: _core.Operation) -> _core.Table:
    """Return the rows that were read, or raise the exception that ended the read."""
    if operation.interrupted:
        raise KeyboardInterrupt
    if operation.error is not None:
        raise operation.error
    if operation.table is None:
        raise AccError("The read ended without a response. This is a bug in acc_assets; please report it.")
    return operation.table


def count_of(operation: _core.Operation) -> int:
    """Return the number of rows that were counted."""
    if operation.count is None:
        raise AccError("The count ended without a response. This is a bug in acc_assets; please report it.")
    return operation.count


def unfinished(after: After) -> _core.Table | None:
    """Return the partial table of the read to resume, or None if there is none."""
    kept: object = after
    if isinstance(after, BaseException):
        # An asyncio timeout is raised from the CancelledError that ended the read.
        found = (getattr(error, "partial", None) for error in (after, after.__cause__))
        kept = next((partial for partial in found if partial is not None), None)
    if kept is None:
        return None
    if not isinstance(kept, (AssetTable, RelationshipTable)):
        raise OptionError(
            f"after must be the exception that an earlier call raised, or its .partial, not {type(kept).__name__}."
        )
    return kept._table


def found(assets: AssetTable, missing: str, by: str | None = None) -> AssetTable:
    """Return the result of a read by ids, or by another field. With `missing` "raise", raise InputError for missing assets."""
    for text in assets._table.warnings:
        warn(text, DataWarning)
    absent = list(dict.fromkeys(assets.missing))
    if absent and missing == "raise":
        more = f" and {len(absent) - FIRST:,} more" if len(absent) > FIRST else ""
        names = ", ".join(map(repr, absent[:FIRST]))
        hint = (
            "Deleted assets are only read with include_deleted=True."
            if by is not None or all(map(is_uuid, absent))
            else f"Asset ids are UUIDs. {ANOTHER_FIELD}"
        )
        error = InputError(
            f"{counted(len(absent), 'asset was', 'assets were')} not found: {names}{more}. {hint} The assets that were found "
            "are in .partial."
        )
        error.partial = assets
        raise error
    wrong = [one for one in absent if not is_uuid(one)]
    if wrong and by is None:
        warn(
            f"{counted(len(wrong), 'value is not an asset id (a UUID)', 'values are not asset ids (UUIDs)')} and "
            f"{'was' if len(wrong) == 1 else 'were'} not requested; see .missing (first: {wrong[0]!r}). {ANOTHER_FIELD}",
            DataWarning,
        )
    return assets


@contextmanager
def still_partial(table: _core.Table | None) -> Iterator[None]:
    """Attach the rows of an earlier read, if any, to an error that occurs before the read begins or is resumed."""
    kept = None if table is None else AssetTable(table)
    try:
        yield
    except KeyboardInterrupt:
        raise ReadInterrupted(kept) from None
    except AccError as error:
        if kept is not None:
            error.partial = kept
        raise
