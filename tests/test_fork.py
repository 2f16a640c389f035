"""A client made before a fork works in parent and child."""

from __future__ import annotations

import multiprocessing
import os
import signal

import pytest
from conftest import Kit

import acc_assets as acc

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
]


def test_fork(project: acc.Project, kit: Kit, sim: acc.testing.Simulator) -> None:
    assert project.assets.create(kit.row("parent before")).ok
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # a child that hangs ends here
        code = 1
        try:
            code = 0 if project.assets.create(kit.row("child")).ok else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert project.assets.create(kit.row("parent after")).ok
    assert sim.audit()["assets_created"] == 3


def create_one(project: acc.Project, row: dict[str, object]) -> None:
    signal.alarm(20)
    project.assets.create(row).raise_if_failed()


def test_multiprocessing(project: acc.Project, kit: Kit, sim: acc.testing.Simulator) -> None:
    assert project.categories()
    context = multiprocessing.get_context("fork")
    workers = [
        context.Process(target=create_one, args=(project, kit.row(f"AHU-{place}"))) for place in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert sim.audit()["assets_created"] == 3
