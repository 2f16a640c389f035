"""The synchronous API is generated from the asynchronous one."""

from __future__ import annotations

import ast
import inspect
import pathlib
import subprocess
import sys

import pytest

import acc_assets as acc

pytestmark = pytest.mark.once

ROOT = pathlib.Path(__file__).parents[2]
KINDS = ["Client", "Project", "Raw", "Assets", "Relationships", "BulkResult"]
NOT_AWAITED = {"project", "iter"}


@pytest.mark.parametrize("kind", KINDS)
def test_methods_that_send_are_async(kind: str) -> None:
    own = vars(getattr(acc, f"Async{kind}"))
    inherited = [vars(base) for base in getattr(acc, f"Async{kind}").__mro__ if base.__name__ == "AsyncVerbs"]
    for name, method in {**own, **{k: v for found in inherited for k, v in found.items()}}.items():
        if inspect.isfunction(method) and name[0] != "_":
            assert inspect.iscoroutinefunction(method) == (name not in NOT_AWAITED), name
            assert not inspect.iscoroutinefunction(getattr(getattr(acc, kind), name)), name


@pytest.mark.parametrize("kind", KINDS)
def test_docstrings_name_the_classes_of_their_own_api(kind: str) -> None:
    for name, method in inspect.getmembers(getattr(acc, kind)):
        if name[0] != "_" or name == "__init__":
            assert "Async" not in (inspect.getdoc(method) or ""), name
            assert "await " not in (inspect.getdoc(method) or ""), name


def test_the_faces_stay_small() -> None:
    # Code that the verbs share belongs in the layers below, not in the files that exist twice. Docstrings do not count:
    # they grow with every verb and argument.
    package = pathlib.Path(acc.__file__).parent
    files = [*(package / "_async").glob("*.py"), package / "_sync" / "_drive.py"]
    assert sum(map(code_lines, files)) <= 700


def code_lines(path: pathlib.Path) -> int:
    """Count the lines of a module that are neither blank nor part of a docstring."""
    text = path.read_text(encoding="utf-8")
    documented: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            first = node.body[0]
            documented.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return sum(
        bool(line.strip()) and number not in documented for number, line in enumerate(text.splitlines(), 1)
    )


def test_generated_files_are_up_to_date() -> None:
    pytest.importorskip("ruff")
    ended = subprocess.run([sys.executable, ROOT / "tools" / "make_sync.py", "--check"], capture_output=True)
    assert ended.returncode == 0, ended.stdout.decode()
