"""The synchronous and the asynchronous face are the same, but for await."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import acc_assets as acc

TWINS = [
    (acc.Client, acc.AsyncClient),
    (acc.Project, acc.AsyncProject),
    (acc.Assets, acc.AsyncAssets),
    (acc.Relationships, acc.AsyncRelationships),
]
NOT_AWAITED = {"__init__", "project"}


def methods(kind: type) -> dict[str, Any]:
    return {
        name: value for name, value in vars(kind).items() if inspect.isfunction(value) and name[0] != "_"
    } | {"__init__": vars(kind)["__init__"]}


def text_before_example(value: object) -> str:
    return (inspect.getdoc(value) or "").partition("Example:")[0].replace("Async", "")


@pytest.mark.parametrize(("sync", "twin"), TWINS)
def test_names_and_parameters_are_the_same(sync: type, twin: type) -> None:
    assert methods(sync).keys() == methods(twin).keys()
    for name, method in methods(sync).items():
        mine, other = inspect.signature(method), inspect.signature(methods(twin)[name])
        assert list(mine.parameters.values()) == list(other.parameters.values()), name
        assert str(mine.return_annotation) == str(other.return_annotation).replace("Async", ""), name


@pytest.mark.parametrize(("sync", "twin"), TWINS)
def test_what_sends_is_awaited(sync: type, twin: type) -> None:
    for name, method in methods(twin).items():
        assert inspect.iscoroutinefunction(method) == (name not in NOT_AWAITED), name


@pytest.mark.parametrize(("sync", "twin"), TWINS)
def test_the_docs_say_the_same(sync: type, twin: type) -> None:
    assert text_before_example(sync) == text_before_example(twin)
    for name, method in methods(sync).items():
        assert text_before_example(method) == text_before_example(methods(twin)[name]), name
