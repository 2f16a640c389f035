"""The type of JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, ForwardRef, TypeAlias, Union

if TYPE_CHECKING:
    Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
else:
    # The forward reference includes the module, so that `typing.get_type_hints` can resolve it for any function.
    _json = ForwardRef("Json", module=__name__)
    Json = Union[bool, int, float, str, list[_json], dict[str, _json], None]  # noqa: UP007  # no `|` in Python 3.10
JsonObject: TypeAlias = dict[str, Json]
