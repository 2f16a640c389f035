"""Ctrl-C: no new requests, the ledger kept; again: at once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent the POSIX way")

PROGRAM = """
import json, signal, sys, time
import acc_assets as acc

# A shell that starts its jobs in the background has them ignore Ctrl-C, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
delay, call = int(sys.argv[1]), sys.argv[2]
with acc.testing.Simulator(seed=1, window=1.0) as sim:
    category = next(c for c in sim.world()["categories"] if c["isActive"] and c["statuses"])
    row = {"clientAssetId": "A", "categoryId": category["id"], "statusId": category["statuses"][0]["id"]}
    client = sim.client(max_in_flight=2)
    project = client.project(sim.project_id)
    sim.add_fault("delay", ms=delay, times=999)
    print("ready", flush=True)
    counts = None
    try:
        if call == "create":
            project.assets.create([row] * 20, batch_size=1)
        else:
            project.categories()
    except acc.BulkInterrupted as interrupted:
        counts = interrupted.result.counts
        assert client.last_result is interrupted.result
        kind = "BulkInterrupted"
    except KeyboardInterrupt:
        kind = "KeyboardInterrupt"
    print(json.dumps({"kind": kind, "counts": counts, "created": sim.audit()["assets_created"]}), flush=True)
"""


class Program:
    def __init__(self, delay: int, call: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(delay), call],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        time.sleep(0.7)

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def said(self) -> dict[str, Any]:
        """What it printed, at most 5 s later."""
        out, err = self.process.communicate(timeout=5)
        assert out, err
        found: dict[str, Any] = json.loads(out)
        return found


@pytest.fixture
def run() -> Iterator[Any]:
    programs: list[Program] = []

    def start(delay: int, call: str = "create") -> Program:
        programs.append(Program(delay, call))
        return programs[-1]

    yield start
    for program in programs:
        program.process.kill()
        program.process.communicate()


def test_requests_in_flight_may_answer(run: Any) -> None:
    program = run(1500)
    program.interrupt()
    said = program.said()
    assert said["kind"] == "BulkInterrupted"
    assert said["counts"] == {"created": 2, "not_sent": 18}
    assert said["created"] == 2


def test_a_second_one_drops_them(run: Any) -> None:
    program = run(60_000)
    program.interrupt()
    time.sleep(0.5)
    assert program.process.poll() is None
    program.interrupt()
    said = program.said()
    assert said["counts"] == {"not_sent": 18, "unknown": 2}


def test_a_read_comes_back_as_well(run: Any) -> None:
    program = run(60_000, "categories")
    program.interrupt()
    time.sleep(0.3)
    program.interrupt()
    assert program.said()["kind"] == "KeyboardInterrupt"
