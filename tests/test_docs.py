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
    ".report",
    ".results",
    ".runs",
    ".settings",
    ".setup",
    ".tables",
    ".testing",
]
README = pathlib.Path(__file__).parent.parent / "README.md"
DOCS = README.parent / "docs"


def examples() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    modules = [importlib.import_module("acc_assets" + name) for name in MODULES]
    return [test for module in modules for test in finder.find(module) if test.examples]


@pytest.mark.parametrize("test", examples(), ids=lambda test: test.name)
def test_docstring_example(test: doctest.DocTest, sim: acc.testing.Simulator, tmp_path: pathlib.Path) -> None:
    if any(".to_pandas(" in example.source for example in test.examples):
        pytest.importorskip("pandas")
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
        "folder": tmp_path,
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


def blocks(page: pathlib.Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


PAGES = [README, *(page for page in sorted(DOCS.glob("*.md")) if blocks(page))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page(
    page: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The python blocks of a page run, one after the other, and print what stands beside them."""
    pytest.importorskip("pandas")
    if any("import openpyxl" in block for block in blocks(page)):
        pytest.importorskip("openpyxl")
    monkeypatch.setenv("ACC_ASSETS_RUNS", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in blocks(page):
        exec(compile(block, str(page), "exec"), names)
        told = re.findall(r"^print\(.*\)  # (\{.*)$", block, re.MULTILINE)
        printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
        assert printed == told


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
