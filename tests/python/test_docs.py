"""The examples in the docs run."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import doctest
import inspect
import io
import pathlib
import re
import runpy
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import kit_of

import acc_assets as acc

MODULES = [acc, acc.errors, acc.testing, acc.typing]
ROOT = pathlib.Path(__file__).parents[2]
DOCS = ROOT / "docs"


def examples() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [test for module in MODULES for test in finder.find(module) if test.examples]


@pytest.mark.parametrize("test", examples(), ids=lambda test: test.name)
def test_docstring_example(test: doctest.DocTest, sim: acc.testing.Simulator, tmp_path: pathlib.Path) -> None:
    for library in ("pandas", "polars"):
        if any(f".to_{library}(" in example.source for example in test.examples):
            pytest.importorskip(library)
    kit = kit_of(sim)
    client: Any = sim.async_client() if ".Async" in test.name else sim.client()
    names = {
        "acc_assets": acc,
        "sim": sim,
        "client": client,
        "project": client.project(sim.project_id),
        "category": kit.category,
        "status": kit.status,
        "folder": tmp_path,
    }
    checker = doctest.OutputChecker()
    for example in test.examples:
        printed = shown(example, names)
        assert checker.check_output(example.want, printed, doctest.ELLIPSIS), (
            f"{test.name}: {example.source}prints {printed!r}, not {example.want!r}"
        )


def shown(example: doctest.Example, names: dict[str, Any]) -> str:
    """Return the output of an example. As in a notebook, `await` is allowed at its top level."""
    code = compile(example.source, "<example>", "single", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            value = eval(code, names)
            if inspect.iscoroutine(value):
                asyncio.run(value)
        except Exception as error:
            if example.exc_msg is None:
                raise
            out.write(f"Traceback (most recent call last):\n    ...\n{type(error).__name__}: {error}\n")
    return out.getvalue()


def test_every_public_name_is_documented() -> None:
    for name in acc.__all__:
        value = getattr(acc, name)
        if inspect.isclass(value):
            assert inspect.getdoc(value), name
            assert value.__module__ == "acc_assets", name


def test_every_verb_has_an_example() -> None:
    for kind in (acc.Assets, acc.Relationships, acc.Project, acc.Raw):
        for face in (kind, getattr(acc, f"Async{kind.__name__}")):
            for name, method in inspect.getmembers(face, inspect.isfunction):
                if name[0] != "_":
                    assert ">>>" in (method.__doc__ or ""), f"{face.__name__}.{name}"


def public_callables() -> Iterator[tuple[str, Any]]:
    """Every public function, class and method of the package, with its name."""
    for name in acc.__all__:
        value = getattr(acc, name)
        if inspect.isfunction(value):
            yield name, value
        elif inspect.isclass(value) and not issubclass(value, BaseException):
            yield name, value
            for own, method in vars(value).items():
                if inspect.isfunction(method) and own[0] != "_":
                    yield f"{name}.{own}", method


def test_every_argument_is_documented() -> None:
    for name, value in public_callables():
        _, _, described = (inspect.getdoc(value) or "").partition("\nArgs:\n")
        if not described and inspect.isclass(value):
            continue  # Made by a verb, not by a user.
        heads = re.findall(r"(?m)^ {4}\**(\w[\w, ]*): ", described.partition("\n\n")[0])
        documented = [argument for head in heads for argument in head.split(", ")]
        arguments = [argument for argument in inspect.signature(value).parameters if argument != "self"]
        assert sorted(documented) == sorted(arguments), name


MAKE_DOCS = runpy.run_path(str(ROOT / "tools" / "make_docs.py"))


def page_name(page: pathlib.Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", MAKE_DOCS["pages"](), ids=page_name)
def test_page_runs(page: pathlib.Path) -> None:
    """The examples of a page run. `make lint` compares what they print with the page."""
    # pandas writes Excel files with openpyxl.
    for module, use in (
        ("pandas", "import pandas"),
        ("openpyxl", "import openpyxl"),
        ("openpyxl", 'frame.to_excel("'),
    ):
        if use in page.read_text(encoding="utf-8"):
            pytest.importorskip(module)
    try:
        MAKE_DOCS["run"](page)
    except MAKE_DOCS["PageError"] as error:
        # The page converts a table to a DataFrame, without importing the library itself.
        if "is not installed: pip install 'acc-assets[" in str(error):
            pytest.skip(str(error).splitlines()[-1])
        raise


@pytest.mark.once
def test_make_docs_writes_what_a_page_prints(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main = MAKE_DOCS["main"]
    monkeypatch.setitem(main.__globals__, "ROOT", tmp_path)
    page = tmp_path / "README.md"
    example = "# Title\n\n```python\nprint('one', end='')\nprint(' (1 request, 0.7 s)')\n```\n"
    end = "\nText.\n\n```python\nx = 1\n```\n\n```sh\nmake\n```\n"
    output = "\n```output\none (1 request, 0.1 s)\n```\n"
    page.write_text(example + end, encoding="utf-8")
    assert main(["--check"]) == 1
    assert page.read_text(encoding="utf-8") == example + end
    assert main([]) == 0
    assert page.read_text(encoding="utf-8") == example + output + end
    assert main(["--check"]) == 0

    page.write_text(example.replace("one", "two") + output + end, encoding="utf-8")
    assert main(["--check"]) == 1
    page.write_text(example.replace("print(", "1 / 0; print(", 1), encoding="utf-8")
    assert main([]) == 1
    for fence in ("```py", "```python no-run", "```Python"):
        page.write_text(f"{example}\n{fence}\n1 / 0\n```\n", encoding="utf-8")
        assert main(["--check"]) == 1, fence


def headings(page: pathlib.Path) -> set[str]:
    """Return the anchors of a page, as generated by GitHub."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.once
def test_links_between_pages_work() -> None:
    every = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
    broken = []
    for page in every:
        text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            path, _, anchor = target.partition("#")
            if "://" in target:
                continue
            found = (page.parent / path).resolve() if path else page
            if not found.exists() or (anchor and anchor not in headings(found)):
                broken.append(f"{page_name(page)}: {target}")
    assert not broken
    overview = (DOCS / "README.md").read_text(encoding="utf-8")
    missing = [page for page in every[2:] if f"({page.relative_to(DOCS).as_posix()})" not in overview]
    assert [page_name(page) for page in missing] == ["docs/README.md"]


def names_from(first: str, message: str) -> list[str]:
    return re.findall(r"[\w:/-]+", message[message.index(f"{first},") :])


@pytest.mark.once
def test_simulator_page_lists_every_fault_endpoint_and_switch(sim: acc.testing.Simulator) -> None:
    page = (DOCS / "reference" / "simulator.md").read_text(encoding="utf-8")
    with pytest.raises(acc.OptionError) as no_fault:
        sim.add_fault("nothing")
    with pytest.raises(acc.OptionError) as no_endpoint:
        sim.add_fault("refuse", on="nothing")
    # Both messages list the names, in a different order.
    faults = names_from("status", str(no_fault.value))
    endpoints = names_from("assets", str(no_endpoint.value))
    assert len(faults) > 15
    assert len(endpoints) > 20
    named = [*faults, *endpoints]
    assert [name for name in named if f"`{name}`" not in page] == []
    switches = re.findall(r"^\| `(\w+)` \| \*\*`([^`]+)`\*\*", page, re.MULTILINE)
    assert sorted(switches) == sorted(sim.switches().items())


def test_rules_page_matches_the_core() -> None:
    made = runpy.run_path(str(ROOT / "tools" / "make_rules.py"))["page"]()
    assert (DOCS / "reference" / "rules.md").read_text(encoding="utf-8") == made, "run `make docs`"


def test_errors_page_lists_every_exception() -> None:
    page = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    kinds = [
        name
        for name in acc.__all__
        if inspect.isclass(kind := getattr(acc, name)) and issubclass(kind, BaseException)
    ]
    assert [name for name in kinds if f"`{name}`" not in page] == []
