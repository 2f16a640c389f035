"""Bulk client for the Assets and Relationship APIs of Autodesk Construction Cloud, BIM 360 and Forma. Unofficial.

Example:
    >>> with acc_assets.testing.Simulator() as sim:  # or acc_assets.Client(auth="<token>")
    ...     client = sim.client()
    ...     result = client.project(sim.project_id).assets.create([])
    >>> result
    BulkResult: no rows, nothing sent
"""

from . import testing, typing
from ._async.assets import AsyncAssets
from ._async.client import AsyncClient
from ._async.project import AsyncProject, AsyncRaw
from ._async.relationships import AsyncRelationships
from ._async.verbs import AsyncBulkResult
from ._core import CLEAR, __version__
from ._options import Limits, Retry, SheetOptions
from ._records import (
    Attribute,
    Category,
    Cause,
    ColumnUse,
    Entity,
    ErrorCode,
    Estimate,
    GeneratedKey,
    Location,
    OutcomeStatus,
    Problem,
    Progress,
    RowError,
    RowOutcome,
    RowProblem,
    SetupStep,
    Stats,
    Status,
)
from ._related import RelationshipTable
from ._report import Report
from ._results import Outcomes
from ._rows import Rows, read
from ._runs import Runs, runs
from ._settings import Settings
from ._setup import Setup, SetupPlan, SetupResult
from ._sync.assets import Assets
from ._sync.client import Client
from ._sync.project import Project, Raw
from ._sync.relationships import Relationships
from ._sync.verbs import BulkResult
from ._tables import AssetTable
from .errors import (
    AccError,
    ApiError,
    AuthError,
    BadRequestError,
    BulkError,
    BulkInterrupted,
    ConflictError,
    ConnectError,
    DataWarning,
    FileError,
    ForbiddenError,
    InputError,
    JournalError,
    NotFoundError,
    OptionError,
    PayloadTooLargeError,
    RateLimitError,
    ReadInterrupted,
    RequestTimeout,
    ServerError,
    SetupError,
    TransportError,
    UnauthorizedError,
    UnsupportedMediaTypeError,
)

__all__ = [
    "CLEAR",
    "AccError",
    "ApiError",
    "AssetTable",
    "Assets",
    "AsyncAssets",
    "AsyncBulkResult",
    "AsyncClient",
    "AsyncProject",
    "AsyncRaw",
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
    "ConnectError",
    "DataWarning",
    "Entity",
    "ErrorCode",
    "Estimate",
    "FileError",
    "ForbiddenError",
    "GeneratedKey",
    "InputError",
    "JournalError",
    "Limits",
    "Location",
    "NotFoundError",
    "OptionError",
    "OutcomeStatus",
    "Outcomes",
    "PayloadTooLargeError",
    "Problem",
    "Progress",
    "Project",
    "RateLimitError",
    "Raw",
    "ReadInterrupted",
    "RelationshipTable",
    "Relationships",
    "Report",
    "RequestTimeout",
    "Retry",
    "RowError",
    "RowOutcome",
    "RowProblem",
    "Rows",
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
    "read",
    "runs",
    "testing",
    "typing",
]


def _publish(module: dict[str, object], names: list[str]) -> None:
    """Set `__module__` of public classes and functions to the module that users import them from.

    Pickles, tracebacks and `help` then do not depend on the file that defines a class.
    """
    for value in map(module.get, names):
        # In Python 3.10, `isinstance(dict[str, int], type)` is true.
        is_class = isinstance(value, type) and not hasattr(value, "__origin__")
        if is_class or type(value) is type(read):
            value.__module__ = str(module["__name__"])


_publish(globals(), __all__)
_publish(dict(vars(typing)), typing.__all__)
del _publish
