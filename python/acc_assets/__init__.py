"""Bulk client for the Assets and Relationship APIs of Autodesk Construction Cloud, BIM 360 and Forma. Unofficial.

Example:
    >>> with acc_assets.testing.Simulator() as sim:  # or acc_assets.Client(auth="<token>")
    ...     client = sim.client()
    ...     result = client.project(sim.project_id).assets.create([])
    >>> result
    BulkResult: no rows, nothing sent
"""

from . import testing
from ._core import CLEAR, __version__
from .async_client import AsyncAssets, AsyncClient, AsyncProject, AsyncRelationships
from .client import Assets, Client, Project, Relationships
from .errors import (
    AccError,
    ApiError,
    AuthError,
    BadRequestError,
    BulkError,
    BulkInterrupted,
    ConflictError,
    DataWarning,
    ForbiddenError,
    InputError,
    JournalError,
    NotFoundError,
    OptionError,
    PayloadTooLargeError,
    RateLimitError,
    ReadInterrupted,
    ServerError,
    SetupError,
    TransportError,
    UnauthorizedError,
    UnsupportedMediaTypeError,
)
from .options import Limits, Retry, SheetOptions
from .progress import Progress
from .report import ColumnUse, Finding, Report, RowProblem
from .results import BulkResult, Cause, Plan, Problem, RowError, RowOutcome, Stats
from .runs import Runs, runs
from .settings import Attribute, Category, Location, Settings, Status
from .setup import Setup, SetupPlan, SetupResult, SetupStep, settings_from
from .tables import AssetTable

__all__ = [
    "CLEAR",
    "AccError",
    "ApiError",
    "AssetTable",
    "Assets",
    "AsyncAssets",
    "AsyncClient",
    "AsyncProject",
    "AsyncRelationships",
    "Attribute",
    "AuthError",
    "BadRequestError",
    "BulkError",
    "BulkInterrupted",
    "BulkResult",
    "Category",
    "Cause",
    "Client",
    "ColumnUse",
    "ConflictError",
    "DataWarning",
    "Finding",
    "ForbiddenError",
    "InputError",
    "JournalError",
    "Limits",
    "Location",
    "NotFoundError",
    "OptionError",
    "PayloadTooLargeError",
    "Plan",
    "Problem",
    "Progress",
    "Project",
    "RateLimitError",
    "ReadInterrupted",
    "Relationships",
    "Report",
    "Retry",
    "RowError",
    "RowOutcome",
    "RowProblem",
    "Runs",
    "ServerError",
    "Settings",
    "Setup",
    "SetupError",
    "SetupPlan",
    "SetupResult",
    "SetupStep",
    "SheetOptions",
    "Stats",
    "Status",
    "TransportError",
    "UnauthorizedError",
    "UnsupportedMediaTypeError",
    "__version__",
    "runs",
    "settings_from",
    "testing",
]
