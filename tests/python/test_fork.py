"""A client created before a fork works in the parent and the child."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import Kit

import acc_assets as acc

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
    pytest.mark.interpreter,
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


def test_an_iterator_belongs_to_its_process(project: acc.Project, kit: Kit) -> None:
    project.assets.create(kit.rows(30)).raise_if_failed()
    pages = project.assets.iter(page_size=10)
    seen = len(next(pages))
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        code = 1
        try:
            next(pages)
        except acc.OptionError as error:
            code = 0 if "call iter again" in str(error) else 2
        finally:
            os._exit(code)
    assert ended(child) == 0
    assert seen + sum(map(len, pages)) == 30


def create_one(project: acc.Project, row: dict[str, object]) -> None:
    signal.alarm(20)
    project.assets.create(row).raise_if_failed()


def test_multiprocessing(project: acc.Project, kit: Kit, sim: acc.testing.Simulator) -> None:
    assert project.raw.categories()
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


def ended(child: int, seconds: float = 20) -> int:
    """Return the exit code of a child. A child that hangs, even before its first line, is killed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_children_forked_while_a_journal_is_written(
    kit: Kit, sim: acc.testing.Simulator, tmp_path: Path
) -> None:
    project = sim.client(max_in_flight=20).project(sim.project_id)
    rows = [kit.row(f"parent {number}") for number in range(400)]
    over = threading.Event()
    results = []

    def drive() -> None:
        while not over.is_set():
            # A folder for each run: a run is refused if another run of its folder has created the same rows.
            run = tmp_path / str(time.monotonic_ns()) / "run.sqlite"
            results.append(project.assets.create(rows, run=run, batch_size=2))

    with ThreadPoolExecutor(1) as pool:
        driver = pool.submit(drive)
        children = []
        for child in range(60):
            time.sleep(0.02)
            children.append(os.fork())
            if children[-1] == 0:
                code = 1
                try:
                    # A blank name: nothing is sent, but the run is written.
                    project.assets.create([{"clientAssetId": ""}], run=tmp_path / f"child {child}.sqlite")
                    code = 0
                finally:
                    os._exit(code)
        codes = [ended(child) for child in children]
        over.set()
        driver.result()
    assert codes == [0] * len(children)
    assert results
    assert all(result.ok for result in results)


HOOK = """
import os, pathlib, sys, threading, time
lock = threading.Lock()
# Hooks that were registered before ours run after it: the fork waits for a lock whose holder writes a journal.
os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
import acc_assets as acc
sys.path.insert(0, sys.argv[2])
from conftest import kit_of
calls = []
with acc.testing.Simulator() as sim:
    kit = kit_of(sim)
    project = sim.client().project(sim.project_id)
    def drive():
        while len(calls) < 15:
            with lock:
                run = pathlib.Path(sys.argv[1], str(len(calls)), "run.sqlite")
                calls.append(project.assets.create([kit.row(f"{i}") for i in range(6)], run=run, batch_size=1))
    driver = threading.Thread(target=drive)
    driver.start()
    while driver.is_alive():
        time.sleep(0.01)  # the other thread gets the lock
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
    driver.join()
print(len(calls))
"""


def test_fork_waits_for_a_journal_write(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-c",
        HOOK,
        os.fspath(tmp_path),
        os.fspath(Path(__file__).parent),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout.strip()) == (0, "15"), ran.stderr


def create_with_keys(project: acc.Project, rows: list[dict[str, object]], out: Path) -> None:
    signal.alarm(40)
    result = project.assets.create(rows, import_key=acc.GeneratedKey("barcode"))
    out.write_text(json.dumps([result.ids, result.counts]))


def test_forked_children_generate_distinct_import_keys(
    kit: Kit, sim: acc.testing.Simulator, tmp_path: Path
) -> None:
    project = sim.client(retry=acc.Retry(settle=1.0)).project(sim.project_id)
    assert project.assets.create(kit.row("parent"), import_key=acc.GeneratedKey("barcode")).ok
    # The first create of the children is lost, so its rows are looked up by their keys.
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
    assert max(len(key or "") for key in keys) <= 60
    for child in range(2):
        ids, counts = json.loads(files[child].read_text())
        assert counts == {"created": 5}
        assert [assets[id]["clientAssetId"] for id in ids] == [row["clientAssetId"] for row in rows[child]]
