"""A client made before a fork works in parent and child."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

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


def test_children_forked_while_a_journal_is_written(
    kit: Kit, sim: acc.testing.Simulator, tmp_path: Path
) -> None:
    project = sim.client(max_in_flight=20).project(sim.project_id)
    rows = [kit.row(f"parent {number}") for number in range(400)]
    ended = threading.Event()

    def drive() -> None:
        while not ended.is_set():
            project.assets.create(rows, run=tmp_path / f"{time.monotonic_ns()}.sqlite", batch_size=2)

    driver = threading.Thread(target=drive)
    driver.start()
    children = []
    for child in range(60):
        time.sleep(0.02)
        children.append(os.fork())
        if children[-1] == 0:
            signal.alarm(15)  # a child that hangs ends here
            code = 1
            try:
                # A blank name: nothing is sent, and the run is written all the same.
                project.assets.create([{"clientAssetId": ""}], run=tmp_path / f"child {child}.sqlite")
                code = 0
            finally:
                os._exit(code)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    ended.set()
    driver.join()
    assert codes == [0] * len(children)


def create_with_keys(project: acc.Project, rows: list[dict[str, object]], out: Path) -> None:
    signal.alarm(40)
    result = project.assets.create(rows, import_key="barcode")
    out.write_text(json.dumps([result.ids, result.counts]))


def test_forked_children_make_their_own_import_keys(
    kit: Kit, sim: acc.testing.Simulator, tmp_path: Path
) -> None:
    project = sim.client(retry=acc.Retry(settle=1.0)).project(sim.project_id)
    assert project.assets.create(kit.row("parent"), import_key="barcode").ok
    # The first create of the children never arrives: its rows are looked up by their keys.
    sim.add_fault("reset_before_apply", on="assets:batch-create", nth=1)
    context = multiprocessing.get_context("fork")
    rows = [[kit.row(f"child {child} row {place}") for place in range(5)] for child in range(2)]
    files = [tmp_path / f"{child}.json" for child in range(2)]
    workers = [
        context.Process(target=create_with_keys, args=(project, rows[child], files[child]))
        for child in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assets = {asset["id"]: asset for asset in sim.assets()}
    keys = [asset["barcode"] for asset in assets.values()]
    assert len(keys) == 11
    assert len(set(keys)) == 11
    assert max(map(len, keys)) <= 60
    for child in range(2):
        ids, counts = json.loads(files[child].read_text())
        assert counts == {"created": 5}
        assert [assets[id]["clientAssetId"] for id in ids] == [row["clientAssetId"] for row in rows[child]]
