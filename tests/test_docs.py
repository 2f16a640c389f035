"""The examples in the docs run."""

from __future__ import annotations

import asyncio
import doctest
import importlib
import inspect
import pathlib
import re
import runpy
from typing import Any

import pytest
from conftest import kit_of

import acc_assets as acc

MODULES = [
    "",
    ".client",
    ".async_client",
    ".errors",
    ".options",
    ".progress",
    ".results",
    ".tables",
    ".testing",
]
README = pathlib.Path(__file__).parent.parent / "README.md"


def examples() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    modules = [importlib.import_module("acc_assets" + name) for name in MODULES]
    return [test for module in modules for test in finder.find(module) if test.examples]


@pytest.mark.parametrize("test", examples(), ids=lambda test: test.name)
def test_docstring_example(test: doctest.DocTest, sim: acc.testing.Simulator) -> None:
    kit = kit_of(sim)
    client: Any = sim.async_client() if ".async_client" in test.name else sim.client()
    test.globs = {
        "acc_assets": acc,
        "asyncio": asyncio,
        "sim": sim,
        "client": client,
        "project": client.project(sim.project_id),
        "category": kit.category,
        "status": kit.status,
    }
    said: list[str] = []
    failed, tried = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
    assert tried
    assert not failed, "".join(said)


def test_every_public_name_has_an_example_or_is_a_record() -> None:
    for name in acc.__all__:
        value = getattr(acc, name)
        if inspect.isclass(value):
            assert inspect.getdoc(value), name
    for kind in (
        acc.Assets,
        acc.AsyncAssets,
        acc.Relationships,
        acc.AsyncRelationships,
        acc.Project,
        acc.AsyncProject,
    ):
        for name, method in vars(kind).items():
            if inspect.isfunction(method) and name[0] != "_":
                assert ">>>" in (method.__doc__ or ""), f"{kind.__name__}.{name}"


def test_readme() -> None:
    """The python blocks of the README run, one after the other."""
    pytest.importorskip("pandas")
    blocks = re.findall(
        r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert blocks
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)


DOCS = README.parent / "docs"


def test_the_page_of_row_checks_is_what_the_core_checks() -> None:
    made = runpy.run_path(str(DOCS / "make_rules.py"))["page"]()
    assert (DOCS / "rules.md").read_text(encoding="utf-8") == made, "run docs/make_rules.py"


def test_the_page_of_errors_names_every_exception() -> None:
    page = (DOCS / "errors.md").read_text(encoding="utf-8")
    kinds = [
        name
        for name in acc.__all__
        if inspect.isclass(kind := getattr(acc, name)) and issubclass(kind, BaseException)
    ]
    assert [name for name in kinds if f"`{name}`" not in page] == []
