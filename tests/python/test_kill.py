"""A named run of 5,000 rows that is ended at a random moment and resumed: no row is lost or duplicated.

A seed determines the run. `make kills KILLS=200` runs more of them, starting with the seed `FIRST`. If one fails, it prints the
command to replay it.
"""

from __future__ import annotations

import asyncio
import os
import pathlib
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from conftest import kit_of
from program import Program, programs

import acc_assets as acc

# Run in parallel, because they wait most of the time.
AT_ONCE = 4
FIRST = int(os.environ.get("FIRST", "0"))
KILLS = int(os.environ.get("KILLS", "5"))
ROWS = 5000
# Seconds until a lost request counts as not executed: longer than anything here takes.
RETRY = acc.Retry(settle=0.5, base=0.05)
LOOKUP = r"(the response for \d+ rows? was lost\. Checking their outcome in the project, which can take two minutes\n)?"

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals are sent the POSIX way"),
    pytest.mark.once,
]

CODE = """
os.environ["ACC_ASSETS_RUNS"], retry, in_flight, import_key, given, number = {!r}
rows = [{{**row, "clientAssetId": f"P-{{n}}"}} | ({{import_key: f"key {{n}}"}} if given else {{}}) for n in range(number)]
key = import_key if given or import_key is None else acc.GeneratedKey(import_key)
options |= {{"retry": acc.Retry(**retry), "max_in_flight": in_flight}}
result = acc.Client(**options).project(project_id).assets.create(rows, run="level-3", import_key=key)
say(rows=[[outcome.status, outcome.id] for outcome in result])
"""
FAULTS: list[dict[str, Any]] = [
    {"what": "reset_before_apply"},
    {"what": "reset_after_apply"},
    {"what": "apply_late", "ms": 150},
    {"what": "delay", "ms": 150},
    {"what": "cut_body", "bytes": 300},
    {"what": "drop_results", "count": 3},
    {"what": "rate_limit", "retry_after": None},
    {"what": "status", "code": 502, "body": "html", "after_apply": True},
    {"what": "status", "code": 503},
]
SWITCHES = {"result_order": "shuffled", "read_lag_ms": "150"}


class Play:
    """One run, drawn from a seed, against its own simulator."""

    def __init__(self, seed: int, sim: acc.testing.Simulator, folder: str, faults: bool = True) -> None:
        self.random = draw = random.Random(seed)
        self.sim, self.folder = sim, pathlib.Path(folder, "runs")
        self.kit = kit_of(sim)
        self.before = len(sim.assets())
        self.totals: Counter[str] = Counter()
        self.in_flight = draw.choice([2, 3, 4, 8])
        # No key, a generated key, a key in the rows.
        self.key, self.given = draw.choice([(None, False), ("barcode", False), (self.kit.name("text"), True)])
        for name, value in SWITCHES.items():
            if draw.random() < 0.3:
                sim.set_switch(name, value)
        for _ in range(draw.choice([0, 0, 1, 2, 3]) if faults else 0):
            sim.add_fault(on="assets:batch-create", nth=draw.randint(1, 60), **draw.choice(FAULTS))

    def created(self) -> int:
        return int(self.sim.audit()["assets_created"])

    def world(self) -> dict[str, list[str]]:
        """Return the ids of the assets with each clientAssetId."""
        found: dict[str, list[str]] = {}
        for asset in self.sim.assets()[self.before :]:
            found.setdefault(asset["clientAssetId"], []).append(asset["id"])
        return found

    def ended(self, sent: signal.Signals, again: float = 0.0) -> None:
        """End it by a signal, and the next process too with probability `again`. The last process ends by itself."""
        told = (str(self.folder), RETRY._asdict(), self.in_flight, self.key, self.given, ROWS)
        with programs(self.sim, self.kit) as start:
            chance = 1.0
            while self.random.random() < chance:
                program = start(CODE.format(told))
                self.wait(program)
                program.process.send_signal(sent)
                # It may have been printing its result, so its output is ignored.
                program.process.communicate(timeout=30)
                self.totals["kills"] += program.process.returncode == -signal.SIGKILL
                self.check_kept()
                chance = again
            last = start(CODE.format(told)).ended(60)
        assert last.code == 0
        # If responses were lost, one line says why the program seems to do nothing.
        assert re.fullmatch(LOOKUP, last.err), last.err
        self.check(last.said[0]["rows"])

    def wait(self, program: Program) -> None:
        """Wait until a random moment of its lifetime, or of the time in which it writes."""
        if self.random.random() < 0.3:
            time.sleep(self.random.uniform(0, 1.5))
        else:
            program.wait_for_creates(self.random.randint(min(self.created() + 1, ROWS), ROWS))
            time.sleep(self.random.uniform(0, 0.15))

    def check_kept(self) -> None:
        """Check that the journal is correct, and that only intended rows were sent."""
        kept = acc.runs(self.folder)
        assert [told["problem"] for told in kept.to_dicts()] == [None] * len(kept)
        world = self.world()
        doubts = 0
        for outcome in kept.get("level-3", []):
            ids = world.get(str(outcome.key), [])
            if outcome.status in ("created", "unchanged"):
                assert ids == [outcome.id], outcome
            elif outcome.status != "unknown":
                assert not ids, outcome
            doubts += outcome.status == "unknown"
        self.totals["rows in doubt"] += doubts
        self.totals["with requests in flight"] += doubts > 0
        self.totals["resumes"] += 1

    def check(self, rows: list[list[str]]) -> None:
        """Check that every row of the last result was created once, with the reported id."""
        world = self.world()
        self.totals["lost"] += sum(f"P-{row}" not in world for row in range(ROWS))
        self.totals["doubled"] += sum(len(ids) > 1 for ids in world.values())
        right = {"created"} if self.key is None else {"created", "unchanged"}
        assert {status for status, _ in rows} <= right, Counter(status for status, _ in rows)
        assert {f"P-{row}": [id] for row, (_, id) in enumerate(rows)} == world
        assert self.sim.audit()["created_more_than_once"] == {}
        assert len(world) == len(rows) == self.created() == ROWS
        # A kill while a new run file is created leaves a hidden temporary file without rows.
        shown = sorted(path.name for path in self.folder.glob("[!.]*"))
        assert shown == ["level-3.sqlite", "level-3.sqlite.lock"]
        kept = acc.runs(self.folder)["level-3"]
        assert [[outcome.status, outcome.id] for outcome in kept] == rows


@contextmanager
def drawn(seed: int, faults: bool = True) -> Iterator[Play]:
    latency = random.Random(seed).uniform(0.03, 0.08)
    with acc.testing.Simulator(window=0.5, latency=latency) as sim, tempfile.TemporaryDirectory() as folder:
        yield Play(seed, sim, folder, faults)


def killed(seed: int) -> Counter[str]:
    with drawn(seed) as play:
        try:
            play.ended(signal.SIGKILL, again=0.4)
        except BaseException:
            print(f"{dict(play.totals)}; play it again: make kills FIRST={seed} KILLS=1")
            raise
    return play.totals


def test_run_resumes_after_a_kill() -> None:
    started = time.monotonic()
    totals: Counter[str] = Counter()
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        for played in pool.map(killed, range(FIRST, FIRST + KILLS)):
            totals += played
    finally:
        pool.shutdown(cancel_futures=True)
    told = ("kills", "with requests in flight", "resumes", "rows in doubt", "lost", "doubled")
    print(
        "\n" + ", ".join(f"{totals[name]:,} {name}" for name in told),
        f"in {time.monotonic() - started:.0f} s",
    )


def test_run_resumes_after_a_termination() -> None:
    with drawn(FIRST) as play:
        play.ended(signal.SIGTERM)


@pytest.mark.parametrize("seed", range(2))
def test_run_resumes_after_an_interrupt(seed: int) -> None:
    with drawn(seed, faults=False) as play:
        play.ended(signal.SIGINT)
        # The requests in flight were finished.
        assert play.totals["rows in doubt"] == 0


@pytest.mark.parametrize("seed", range(2))
async def test_run_resumes_after_a_cancel(seed: int) -> None:
    with drawn(seed) as play:
        client = play.sim.async_client(retry=RETRY, max_in_flight=play.in_flight)
        create = client.project(play.sim.project_id).assets.create
        rows = [play.kit.row(f"P-{row}") for row in range(ROWS)]
        run = play.folder / "level-3.sqlite"
        task = asyncio.ensure_future(create(rows, run=run))
        await asyncio.sleep(play.random.uniform(0.1, 1))
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        play.check_kept()
        result = await create(rows, run=run)
        play.check([[outcome.status, str(outcome.id)] for outcome in result])
