"""A user's program: a separate process that calls the simulator of the test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from conftest import Kit

import acc_assets as acc

OPENING = """
import asyncio, json, os, signal, sys, threading, time
import acc_assets as acc

# A shell that starts its jobs in the background has them ignore Ctrl-C, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
base_url, token, project_id, window, row = json.loads(sys.argv[1])
options = {"auth": token, "base_url": base_url, "limits": acc.Limits(window=window), "max_in_flight": 2}

def some(number):
    return [{**row, "clientAssetId": f"A-{place}"} for place in range(number)]

def say(**what):
    # One write, since threads may speak at the same time.
    sys.stdout.write(json.dumps(what) + "\\n")
    sys.stdout.flush()
"""


class Ended(NamedTuple):
    code: int
    said: list[dict[str, Any]]
    err: str


class Program:
    """A program that runs `code` after `OPENING` and prints lines of JSON to stdout."""

    def __init__(self, sim: acc.testing.Simulator, kit: Kit, code: str, **streams: Any) -> None:
        self.sim = sim
        given = json.dumps([sim.url, sim.token, sim.project_id, 0.5, kit.row("A")])
        self.process = subprocess.Popen(
            [sys.executable, "-c", OPENING + code, given],
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "ignore::DeprecationWarning"},
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
        )

    def wait_until(self, seen: Callable[[acc.testing.Simulator], bool]) -> None:
        """Wait until the simulator has received it, or the program has ended."""
        until = time.monotonic() + 20
        while not seen(self.sim) and self.process.poll() is None:
            assert time.monotonic() < until, "the program did not get there"
            time.sleep(0.01)

    def wait_for_creates(self, number: int) -> None:
        self.wait_until(lambda sim: sim.audit()["assets_created"] >= number)

    def wait_for_word(self) -> str:
        """Return the next line of output."""
        assert self.process.stdout is not None
        return str(self.process.stdout.readline())

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def ended(self, within: float = 5.0) -> Ended:
        out, err = self.process.communicate(timeout=within)
        return Ended(self.process.returncode, [json.loads(line) for line in out.splitlines()], err or "")


@contextmanager
def programs(sim: acc.testing.Simulator, kit: Kit) -> Iterator[Callable[..., Program]]:
    """Start programs, and stop all of them after the test."""
    started: list[Program] = []

    def start(code: str, **streams: Any) -> Program:
        started.append(Program(sim, kit, code, **streams))
        return started[-1]

    try:
        yield start
    finally:
        for program in started:
            program.process.kill()
            program.process.communicate()
