"""Types for annotating code that uses this package.

Example:
    >>> from acc_assets.typing import RowData
    >>> def import_units(project: acc_assets.Project, units: RowData) -> acc_assets.BulkResult:
    ...     return project.assets.create(units, run="units")
"""

from __future__ import annotations

import sys
import typing

from ._json import Json, JsonObject
from ._mapping import ColumnMapping
from ._options import (
    Auth,
    Dates,
    LimitsOption,
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
from ._records import Asset, OutcomeStatus, RelatedEntity, Relationship
from ._rows import ArrowStream, AsyncIdData, AsyncRowData, IdData, RowData
from ._settings import SettingsOption

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
    "Nulls",
    "OnError",
    "OutcomeStatus",
    "Prefix",
    "ProgressOption",
    "RelatedEntity",
    "Relationship",
    "RetryOption",
    "RowData",
    "SettingsKind",
    "SettingsOption",
    "SetupOnError",
    "SheetOption",
    "Verb",
]


class _Late:
    """A module or class of annotations, imported when `typing.get_type_hints` evaluates one of them."""

    def __init__(self, module: str, name: str = "") -> None:
        self._module = module
        self._name = name

    def _found(self) -> typing.Any:
        from importlib import import_module

        try:
            module = import_module(self._module)
        except ImportError:
            return None
        return getattr(module, self._name) if self._name else module

    def __getattr__(self, name: str) -> typing.Any:
        # Tools that look at every name of a module ask for these.
        if name.startswith("_"):
            raise AttributeError(name)
        # A package that is not installed has no values of its types.
        return getattr(self._found(), name, object)

    def __or__(self, other: object) -> typing.Any:
        return typing.Union[self._found(), other]  # noqa: UP007  # of objects

    def __ror__(self, other: object) -> typing.Any:
        return typing.Union[other, self._found()]  # noqa: UP007


class _Itself:
    """What Python 3.10 has not: stands for its own argument."""

    def __class_getitem__(cls, item: object) -> object:
        return item


def _publish(package: dict[str, object], public: list[str]) -> None:
    """Give public classes and functions the module that users import them from, and annotations their names.

    So pickles, tracebacks and `help` do not depend on the file that a class is written in, and `typing.get_type_hints`
    works for it, though no annotation is evaluated and nothing imported for it when a program starts.
    """
    for module, names in ((package, public), (globals(), __all__)):
        for value in map(module.get, names):
            # In Python 3.10, `dict[str, int]` passes for a class.
            is_function = type(value) is type(_publish)
            if is_function or (isinstance(value, type) and not hasattr(value, "__origin__")):
                value.__module__ = str(module["__name__"])
    late: dict[str, object] = {
        name: _Late(name) for name in ("datetime", "pandas", "pathlib", "polars", "uuid")
    }
    late |= {
        "UUID": _Late("uuid", "UUID"),
        "date": _Late("datetime", "date"),
        "Self": getattr(typing, "Self", None) or typing.TypeVar("Self"),
        "Unpack": getattr(typing, "Unpack", _Itself),
    }
    of_errors = {
        name: package[name] for name in ("AssetTable", "Outcomes", "RelationshipTable", "SetupResult")
    }
    for path, file in list(sys.modules.items()):
        if path.startswith(f"{__package__}._") and path != f"{__package__}._core":
            for name, value in late.items():
                vars(file).setdefault(name, value)
    vars(sys.modules[f"{__package__}.errors"]).update(of_errors)
    vars(sys.modules[f"{__package__}.testing"]).update(Unpack=late["Unpack"])
