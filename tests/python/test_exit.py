"""A program that ends during a run: no hang, no crash, its own exit code, and no output of the package."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from conftest import Kit, kit_of
from program import Program, programs

import acc_assets as acc

pytestmark = pytest.mark.interpreter

IN_A_DAEMON = """
create = acc.Client(**options).project(project_id).assets.create
threading.Thread(target=create, args=({rows},), kwargs={more}, daemon=True).start()
time.sleep(0.5)
"""
A_LIST = IN_A_DAEMON.format(rows="some(50)", more="{'batch_size': 1}")
WITH_PROGRESS = IN_A_DAEMON.format(rows="some(50)", more="{'batch_size': 1, 'progress': bool}")
ENDLESS = """
def rows():
    while True:
        yield row
        time.sleep(0.001)
"""
# During the interpreter shutdown, this gives other threads time to continue.
SLOW_END = """
class Slow:
    def __del__(self, sleep=time.sleep, finalizing=sys.is_finalizing, write=os.write):
        if finalizing():
            write(1, b'{"finalizing": true}\\n')
            sleep(0.3)

slow = Slow()
"""
AWAITED = """
client = acc.AsyncClient(**options)
create = client.project(project_id).assets.create(some(50), batch_size=1)
"""


@pytest.fixture
def start(sim: acc.testing.Simulator, kit: Kit) -> Iterator[Callable[..., Program]]:
    sim.add_fault("delay", on="assets:batch-create", ms=200, times=9999)
    with programs(sim, kit) as start:
        yield start


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        (SLOW_END + A_LIST, 0),
        (SLOW_END + WITH_PROGRESS, 0),
        (ENDLESS + IN_A_DAEMON.format(rows="rows()", more="{'batch_size': 1}"), 0),
        (A_LIST + "os._exit(3)", 3),
        (A_LIST + "sys.exit(4)", 4),
    ],
    ids=["a list", "progress", "a generator", "os._exit", "sys.exit"],
)
def test_the_main_thread_ends_first(code: str, exit_code: int, start: Callable[..., Program]) -> None:
    program = start(code)
    program.wait_for_creates(2)
    slow = [{"finalizing": True}] if SLOW_END in code else []
    assert program.ended() == (exit_code, slow, "")


@pytest.mark.parametrize(
    ("leave", "exit_code"),
    [("sys.exit(3)", 0), ("os._exit(3)", 3)],
)
def test_sys_exit_in_another_thread(leave: str, exit_code: int, start: Callable[..., Program]) -> None:
    program = start(f"""
def leave():
    time.sleep(0.3)
    {leave}

threading.Thread(target=leave).start()
say(counts=acc.Client(**options).project(project_id).assets.create(some(4), batch_size=1).counts)
""")
    code, said, err = program.ended()
    assert (code, err) == (exit_code, "")
    # As always in Python, sys.exit ends only its own thread.
    assert said == ([{"counts": {"created": 4}}] if exit_code == 0 else [])


def test_error_that_closes_the_loop(start: Callable[..., Program], sim: acc.testing.Simulator) -> None:
    program = start(
        AWAITED
        + """
async def main():
    task = asyncio.create_task(create)
    await asyncio.sleep(0.3)
    raise ValueError("of the user's own")

try:
    asyncio.run(main())
finally:
    say(counts=client.last_result.counts)
"""
    )
    code, said, err = program.ended()
    assert code == 1
    assert said[0]["counts"]["created"] == sim.audit()["assets_created"] < 50
    assert "unknown" not in said[0]["counts"]
    assert err.count("Traceback") == 1
    assert "of the user's own" in err


@pytest.mark.parametrize("close", ["", "loop.close()"], ids=["left open", "closed"])
def test_loop_abandoned_with_a_run_in_flight(close: str, start: Callable[..., Program]) -> None:
    program = start(
        SLOW_END
        + AWAITED
        + f"""
loop = asyncio.new_event_loop()
task = loop.create_task(create)
loop.run_until_complete(asyncio.sleep(0.3))
{close}
"""
    )
    code, _, err = program.ended()
    # asyncio itself warns about a task that never finished.
    assert code == 0
    assert "acc_assets" not in err.replace("acc_assets/", "")
    assert "panic" not in err


def test_run_of_a_closed_loop_sends_nothing_more(
    start: Callable[..., Program], sim: acc.testing.Simulator
) -> None:
    program = start(
        AWAITED
        + """
loop = asyncio.new_event_loop()
task = loop.create_task(create)
loop.run_until_complete(asyncio.sleep(0.3))
loop.close()
time.sleep(1.2)
say(ended=True)
time.sleep(0.5)
"""
    )
    assert "ended" in program.wait_for_word()
    created = sim.audit()["assets_created"]
    assert program.ended().code == 0
    assert sim.audit()["assets_created"] == created < 50


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("where", ["another thread", "the progress function"])
def test_a_fork_with_a_run_in_flight(
    where: str, start: Callable[..., Program], sim: acc.testing.Simulator
) -> None:
    fork = """
project = acc.Client(**options).project(project_id)

def fork(*_):
    global child
    if child is None:
        child = os.fork()
        if child == 0:
            signal.alarm(10)  # one that hangs ends here
            os._exit(0 if project.assets.create(row).ok else 2)

child = None
"""
    call = {
        "another thread": """
forking = threading.Timer(0.3, fork)
forking.start()
counts = project.assets.create(some(6), batch_size=1).counts
forking.join()
""",
        "the progress function": """
counts = project.assets.create(some(6), batch_size=1, progress=fork).counts
""",
    }[where]
    program = start(
        fork + call + "say(counts=counts, child=os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    code, said, err = program.ended(10)
    assert (code, err) == (0, "")
    assert said == [{"counts": {"created": 6}, "child": 0}]
    assert sim.audit()["assets_created"] == 7


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent the POSIX way")
def test_no_thread_keeps_an_idle_program_alive(start: Callable[..., Program]) -> None:
    program = start("say(ok=acc.Client(**options).project(project_id).assets.create(row).ok)")
    assert program.ended(3) == (0, [{"ok": True}], "")


PACED = """
import sys
import acc_assets as acc

url, token, project, category, status, name = sys.argv[1:]
limits = acc.Limits(window=1.5, assets_write=3)
client = acc.Client(token, base_url=url, region="US", limits=limits)
rows = [{"clientAssetId": f"{name}-{place}", "categoryId": category, "statusId": status} for place in range(3)]
result = client.project(project).assets.create(rows, batch_size=1, settings=None)
assert result.ok, result
"""


@pytest.mark.once
def test_a_script_that_runs_twice_keeps_the_rate_limit(tmp_path: pathlib.Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file")
    with acc.testing.Simulator(seed=1, window=1.5, limits=acc.Limits(assets_write=3)) as sim:
        kit = kit_of(sim)

        def run(name: str, folder: pathlib.Path) -> None:
            script = [
                sys.executable,
                "-c",
                PACED,
                sim.url,
                sim.token,
                sim.project_id,
                kit.category,
                kit.status,
                name,
            ]
            subprocess.run(
                script, env={**os.environ, "ACC_ASSETS_PACING": str(folder)}, check=True, timeout=60
            )

        run("first", tmp_path / "pacing")
        run("second", tmp_path / "pacing")
        assert sim.audit()["rate_limited"] == 0
        (file,) = (tmp_path / "pacing").iterdir()
        text = file.name + file.read_text()
        assert sim.token not in text
        assert sim.url not in text
        assert sys.platform == "win32" or file.stat().st_mode & 0o777 == 0o600
        run("third", taken)  # It cannot be used, but the rows are imported anyway.
        assert sim.audit()["assets_created"] == 9


def test_a_loop_in_a_thread_that_outlives_the_main_thread(start: Callable[..., Program]) -> None:
    program = start(
        """
import asyncio, threading
async def late():
    while threading.main_thread().is_alive():
        await asyncio.sleep(0.01)
    async with acc.AsyncClient(**options) as client:
        say(categories=len((await client.project(project_id).settings()).categories))
threading.Thread(target=asyncio.run, args=(late(),)).start()
"""
    )
    ended = program.ended(10)
    assert ended.code == 0, ended.err
    assert ended.said[0]["categories"] > 1
