"""Types for annotating code that uses this package.

Example:
    >>> from acc_assets.typing import RowData
    >>> def import_units(project: acc_assets.Project, units: RowData) -> acc_assets.BulkResult:
    ...     return project.assets.create(units, run="units")
"""

from ._json import Json, JsonObject
from ._mapping import ColumnMapping
from ._options import (
    Auth,
    Dates,
    LimitsOption,
    Missing,
    Nulls,
    OnError,
    Prefix,
    RetryOption,
    SettingsKind,
    SetupOnError,
    SheetOption,
    Verb,
)
from ._partial import After
from ._progress import ProgressOption
from ._reading import ReadOptions, Values
from ._records import Asset, OutcomeStatus, RelatedEntity, Relationship
from ._rows import ArrowStream, AsyncIdData, AsyncRowData, IdData, RowData
from ._settings import SettingsOption
from ._times import Time, TimeRange

__all__ = [
    "After",
    "ArrowStream",
    "Asset",
    "AsyncIdData",
    "AsyncRowData",
    "Auth",
    "ColumnMapping",
    "Dates",
    "IdData",
    "Json",
    "JsonObject",
    "LimitsOption",
    "Missing",
    "Nulls",
    "OnError",
    "OutcomeStatus",
    "Prefix",
    "ProgressOption",
    "ReadOptions",
    "RelatedEntity",
    "Relationship",
    "RetryOption",
    "RowData",
    "SettingsKind",
    "SettingsOption",
    "SetupOnError",
    "SheetOption",
    "Time",
    "TimeRange",
    "Values",
    "Verb",
]
