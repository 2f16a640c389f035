"""Column mappings: `mapping=` as a dict or a TOML file."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from typing import Any, Final, TypeAlias

from . import _core
from ._options import one_of
from .errors import FileError, InputError, OptionError

ColumnMapping: TypeAlias = Mapping[str, str | None] | str | os.PathLike[str]

# The tables of a mapping file. Its other entries are columns.
TABLES: Final = ("columns", "values", "read")
# A key with letters that TOML accepts only between quotation marks.
UNQUOTED: Final = re.compile(r"^\s*(?P<key>[^\s\[\]\"'=#.][^\[\]\"'=#\n]*?)\s*=", re.MULTILINE)

Pairs: TypeAlias = tuple[tuple[str, str | None], ...]


def mapping_of(mapping: object, options: Collection[str]) -> tuple[Pairs, dict[str, Any], dict[str, Any]]:
    """Return the columns of a mapping, each with its target, and the tables [read] and [values] of a mapping file.

    A target is a field, an attribute, or None if the column is ignored. `options` are the names of the options in [read].
    """
    if mapping is None:
        return (), {}, {}
    if not isinstance(mapping, (str, os.PathLike)):
        if not isinstance(mapping, Mapping):
            raise OptionError(
                f"mapping must be a dict from column to field, or the path of a TOML file with such entries, not {mapping!r}."
            )
        return _pairs(mapping), {}, {}
    found = read_toml(mapping)
    tables = {name: found.pop(name) for name in TABLES if isinstance(found.get(name), dict)}
    place = os.fspath(mapping)
    for name, value in found.items():
        # A file without tables may have a column called "sheet", but none called "fill_down", and no target called ",".
        is_target = value is False or (isinstance(value, str) and value.strip(" .,'"))
        if name in options and (tables or not is_target or name == "dayfirst" or "_" in name):
            raise OptionError(
                f"{place}: {name!r} is an option. Write it below the line [read]. If it is a column, write it below [columns]."
            )
        if isinstance(value, dict):
            one_of(f"{place}: a table", name, TABLES)
    columns = tables.get("columns", {})
    if twice := sorted(columns.keys() & found.keys()):
        raise OptionError(f"{place}: column {twice[0]!r} appears twice. Remove one of its entries.")
    try:
        return _pairs({**found, **columns}), tables.get("read", {}), tables.get("values", {})
    except OptionError as error:
        raise OptionError(f"{place}: {error}") from None


def _pairs(mapping: Mapping[Any, Any]) -> Pairs:
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
    return tuple(pairs)


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a TOML file into a dict."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read()
    except OSError as error:
        raise FileError.of(path, error) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{os.fspath(path)} is not UTF-8 text: {error}. Save it as UTF-8.") from error
    try:
        return dict(_core.read_toml(text))
    except OptionError as error:
        raise InputError(f"{os.fspath(path)}: {error}{_quotes(text)}") from error


def _quotes(text: str) -> str:
    """Return a hint if a key of a TOML document needs quotation marks, such as a heading with an umlaut or a space."""
    for found in UNQUOTED.finditer(text):
        key = found["key"]
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", key):
            return f' Put names with other letters than A to Z, or with spaces, in quotation marks: "{key}" = ...'
    return ""
