"""The layers of the package: a file imports only from files above it in this list."""

from __future__ import annotations

import ast
import pathlib

import pytest

import acc_assets as acc

pytestmark = pytest.mark.once

PACKAGE = pathlib.Path(acc.__file__).parent
LAYERS = """
    _core _json errors _text _html _paths _secret
    _records _options _times
    _conditions _convert _frames
    _selection _table_files
    _tables _related _partial _mapping _progress
    _aligned _workbooks _reading
    _report _advice
    _results _differing _files _rows _event_loop
    _session _write _check _settings _setup _runs _query _lookup
    {face}._drive {face}.verbs {face}.assets {face}.relationships {face}.project {face}.client
    typing testing
"""
FACES = ("_async", "_sync")
ORDER = [name.format(face=face) for name in LAYERS.split() for face in (FACES if "{" in name else FACES[:1])]
# An error has the result of its call. These imports are for type checkers only.
UPWARD = {("errors", name) for name in ("_related", "_results", "_setup", "_tables")}


def imports(path: pathlib.Path) -> set[str]:
    """Return the modules of the package that a file imports, including inside functions and for type checkers."""
    module = path.relative_to(PACKAGE).with_suffix("").parts
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not any(name.name.startswith("acc_assets") for name in node.names), path
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level == 0:
            assert (node.module or "").partition(".")[0] != "acc_assets", path
            continue
        package = module[: len(module) - node.level]
        if node.module is None:
            found |= {".".join((*package, name.name)) for name in node.names}
        else:
            found.add(".".join((*package, node.module)))
    return found


def files() -> dict[str, pathlib.Path]:
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py"
    }


def test_every_file_has_a_layer() -> None:
    assert files().keys() | {"_core"} == set(ORDER)


def test_files_import_lower_layers_only() -> None:
    upward = {
        (name, imported)
        for name, path in files().items()
        for imported in imports(path)
        if ORDER.index(imported) >= ORDER.index(name)
    }
    assert upward == UPWARD


def test_sync_and_async_do_not_import_each_other() -> None:
    for name, path in files().items():
        face, _, rest = name.partition(".")
        if rest:
            other = FACES[face == FACES[0]]
            assert not any(imported.startswith(other) for imported in imports(path)), name
