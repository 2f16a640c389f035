"""Column mappings: `mapping=` as a dict or a TOML file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeAlias

from . import _core
from .errors import FileError, InputError, OptionError

ColumnMapping: TypeAlias = Mapping[str, str | None] | str | os.PathLike[str]


def mapping_pairs(mapping: object) -> list[tuple[str, str | None]]:
    """Return pairs of a column and its target: a field, an attribute, or None if the column is ignored."""
    if mapping is None:
        return []
    if isinstance(mapping, (str, os.PathLike)):
        read = read_toml(mapping)
        mapping = read["columns"] if isinstance(read.get("columns"), dict) else read
    if not isinstance(mapping, Mapping):
        raise OptionError(
            f"mapping must be a dict from column to field, or the path of a TOML file with such entries, not {mapping!r}."
        )
    pairs: list[tuple[str, str | None]] = []
    for column, target in mapping.items():
        if target is None or target is False:
            pairs.append((str(column), None))
        elif isinstance(target, str) and target.strip():
            pairs.append((str(column), target.strip()))
        else:
            raise OptionError(
                f"mapping: column {column!r} is mapped to {target!r}. Use the name of a field or custom attribute, or None "
                "(in TOML: false) to ignore the column."
            )
    return pairs


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a TOML file into a dict."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read()
    except OSError as error:
        raise FileError.of(path, error) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{os.fspath(path)} is not UTF-8 text: {error}.") from error
    try:
        return dict(_core.read_toml(text))
    except OptionError as error:
        raise InputError(f"{os.fspath(path)}: {error}") from error
