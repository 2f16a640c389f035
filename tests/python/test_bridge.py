"""The bridge to asyncio: awaitable calls in every event loop, and async token functions."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from conftest import Kit
from program import Program, programs

import acc_assets as acc
from acc_assets import _core, _event_loop

pytestmark = pytest.mark.interpreter

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]
LOOPS = ["asyncio", "uvloop"]


def new_loop(kind: str) -> asyncio.AbstractEventLoop:
    if kind == "asyncio":
        return asyncio.new_event_loop()
    loop = pytest.importorskip("uvloop").new_event_loop()
    assert isinstance(loop, asyncio.AbstractEventLoop)
    return loop


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Iterator[Run[Any]]:
    """Run a coroutine in each kind of event loop."""
    loop = new_loop(request.param)
    yield loop.run_until_complete
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.fixture
def start(sim: acc.testing.Simulator, kit: Kit) -> Iterator[Callable[..., Program]]:
    with programs(sim, kit) as start:
        yield start


def slow_creates(sim: acc.testing.Simulator, ms: int = 400) -> None:
    sim.add_fault("delay", on="assets:batch-create", ms=ms, times=9999)


async def until(seen: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not seen():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


# ---- the future of an operation ----


def categories_of(sim: acc.testing.Simulator) -> _core.Operation:
    engine = sim.async_client()._session.engine()
    return engine.read("categories", sim.project_id, {}, [])


def test_start_returns_a_future_of_the_running_loop(run: Run[Any], sim: acc.testing.Simulator) -> None:
    operation = categories_of(sim)

    async def main() -> None:
        ended = operation.start()
        assert asyncio.isfuture(ended)
        assert ended.get_loop() is asyncio.get_running_loop()
        await ended
        assert operation.done
        with pytest.raises(RuntimeError, match="already started"):
            operation.start()

    run(main())
    assert operation.table is not None


def test_canceling_the_future_does_not_stop_the_operation(run: Run[Any], sim: acc.testing.Simulator) -> None:
    operation = categories_of(sim)
    sim.add_fault("delay", on="categories", ms=300)

    async def main() -> None:
        ended = operation.start()
        ended.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ended
        assert not operation.done
        await until(lambda: operation.done)

    run(main())
    assert operation.error is None
    assert operation.table is not None


def test_start_needs_a_running_loop(sim: acc.testing.Simulator) -> None:
    operation = categories_of(sim)
    with pytest.raises(RuntimeError, match="trio is not supported"):
        operation.start()

    async def main() -> None:
        await operation.start()

    asyncio.run(main())  # the failed call did not use it up
    assert operation.table is not None


def test_call_outside_asyncio_raises_a_clear_error(async_project: acc.AsyncProject) -> None:
    with pytest.raises(RuntimeError, match="trio is not supported"):
        async_project.raw.categories().send(None)


def test_trio_is_rejected(async_project: acc.AsyncProject) -> None:
    trio = pytest.importorskip("trio")
    with pytest.raises(RuntimeError, match="trio is not supported"):
        trio.run(async_project.raw.categories)


# ---- cancellation ----


def test_calls_in_each_loop(run: Run[Any], sim: acc.testing.Simulator, kit: Kit) -> None:
    async def main() -> None:
        async with sim.async_client() as client:
            assets = client.project(sim.project_id).assets
            results = await asyncio.gather(*(assets.create(kit.row(f"AHU-{place}")) for place in range(8)))
            assert all(result.ok for result in results)
            assert len(await assets.list(category=kit.category)) >= 8

    run(main())


@pytest.mark.parametrize("cancels", [1, 2])
def test_cancel(cancels: int, run: Run[Any], sim: acc.testing.Simulator, kit: Kit) -> None:
    client = sim.async_client(max_in_flight=2)
    slow_creates(sim, ms=600 if cancels == 1 else 30_000)

    async def main() -> None:
        call = asyncio.ensure_future(client.project(sim.project_id).assets.create(kit.rows(9), batch_size=1))
        await until(lambda: sim.audit()["assets_created"] == 2)
        for _ in range(cancels):
            call.cancel()
            await asyncio.sleep(0.05)
        started = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert time.monotonic() - started < 2

    run(main())
    assert client.last_result is not None
    in_flight = "created" if cancels == 1 else "unknown"
    assert client.last_result.counts == {in_flight: 2, "not_sent": 7}


async def by_wait_for(call: Coroutine[Any, Any, acc.AsyncBulkResult]) -> None:
    await asyncio.wait_for(call, 0.4)


async def by_timeout(call: Coroutine[Any, Any, acc.AsyncBulkResult]) -> None:
    if sys.version_info < (3, 11):
        call.close()
        pytest.skip("asyncio.timeout came with Python 3.11")
    async with asyncio.timeout(0.4):
        await call


@pytest.mark.parametrize("limited", [by_wait_for, by_timeout])
def test_timeouts(
    limited: Callable[[Coroutine[Any, Any, acc.AsyncBulkResult]], Awaitable[None]],
    run: Run[Any],
    sim: acc.testing.Simulator,
    kit: Kit,
) -> None:
    client = sim.async_client(max_in_flight=2)
    slow_creates(sim, ms=700)

    async def main() -> None:
        with pytest.raises((TimeoutError, asyncio.TimeoutError)):
            await limited(client.project(sim.project_id).assets.create(kit.rows(9), batch_size=1))
        await asyncio.sleep(0)  # no cancellation is pending

    run(main())
    assert client.last_result is not None
    assert client.last_result.counts == {"created": 2, "not_sent": 7}


# ---- anyio ----


@pytest.fixture(params=[False, True], ids=LOOPS)
def anyio_run(request: pytest.FixtureRequest) -> Callable[[Callable[[], Awaitable[T]]], T]:
    anyio = pytest.importorskip("anyio")
    if request.param:
        pytest.importorskip("uvloop")

    def run(main: Callable[[], Awaitable[T]]) -> T:
        return anyio.run(main, backend="asyncio", backend_options={"use_uvloop": request.param})  # type: ignore[no-any-return]

    return run


@pytest.mark.parametrize("how", ["move_on_after", "cancel scope", "task group"])
def test_anyio_cancel_scopes_let_requests_in_flight_finish(
    how: str, anyio_run: Any, sim: acc.testing.Simulator, kit: Kit
) -> None:
    import anyio

    client = sim.async_client(max_in_flight=2)
    slow_creates(sim, ms=700)
    ended: list[str] = []

    async def create() -> None:
        await client.project(sim.project_id).assets.create(kit.rows(9), batch_size=1)
        ended.append("returned")

    async def main() -> None:
        if how == "move_on_after":
            with anyio.move_on_after(0.4) as scope:
                await create()
            assert scope.cancelled_caught
        elif how == "cancel scope":
            with anyio.CancelScope() as scope:
                asyncio.get_running_loop().call_later(0.4, scope.cancel)
                await create()
            assert scope.cancelled_caught
        else:
            async with anyio.create_task_group() as group:
                group.start_soon(create)
                await anyio.sleep(0.4)
                group.cancel_scope.cancel()
        await anyio.sleep(0)  # no cancellation is pending

    started = time.process_time()
    anyio_run(main)
    assert ended == []
    assert client.last_result is not None
    assert client.last_result.counts == {"created": 2, "not_sent": 7}
    assert time.process_time() - started < 0.6  # the loop did not spin


def test_anyio_calls_in_a_task_group(anyio_run: Any, sim: acc.testing.Simulator, kit: Kit) -> None:
    import anyio

    async def token() -> str:
        await anyio.sleep(0.01)
        return sim.token

    client = sim.async_client(auth=token)
    results = []

    async def create(place: int) -> None:
        results.append(await client.project(sim.project_id).assets.create(kit.row(f"AHU-{place}")))

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for place in range(4):
                group.start_soon(create, place)

    anyio_run(main)
    assert [result.counts for result in results] == [{"created": 1}] * 4


def test_anyio_does_not_spin_while_a_thread_works(anyio_run: Any) -> None:
    import anyio

    async def main() -> None:
        with anyio.move_on_after(0.1) as scope:
            await _event_loop.off_loop(lambda: time.sleep(0.6))
            await anyio.sleep(0)
        assert scope.cancelled_caught

    started = time.process_time()
    anyio_run(main)
    assert time.process_time() - started < 0.3


# ---- loops that go away ----

LEFT = """
import gc
{loops}
client = acc.AsyncClient(**options)
loop = new_loop()
task = loop.create_task(client.project(project_id).assets.create(some(50), batch_size=1))
task._log_destroy_pending = False
loop.run_until_complete(asyncio.sleep({seconds}))
loop.close()
"""
NEW_LOOP = {
    "asyncio": "new_loop = asyncio.new_event_loop",
    "uvloop": "import uvloop\nnew_loop = uvloop.new_event_loop",
}


@pytest.mark.parametrize("kind", LOOPS)
def test_a_loop_closed_during_a_call(
    kind: str, start: Callable[..., Program], sim: acc.testing.Simulator
) -> None:
    pytest.importorskip(kind)
    slow_creates(sim, ms=200)
    # The call ends only after the loop.
    program = start(
        LEFT.format(loops=NEW_LOOP[kind], seconds=0.4)
        + "time.sleep(1.2)\nsay(closed=True)\ntime.sleep(0.7)\n"
        + "del task, loop, client\ngc.collect()\ntime.sleep(0.2)"
    )
    program.wait_for_word()
    created = sim.audit()["assets_created"]
    code, _, err = program.ended()
    assert (code, err) == (0, "")
    assert 0 < sim.audit()["assets_created"] == created < 50


@pytest.mark.parametrize("kind", LOOPS)
def test_loop_closed_as_a_call_ends(kind: str, start: Callable[..., Program]) -> None:
    pytest.importorskip(kind)
    program = start(
        f"""
import random
{NEW_LOOP[kind]}
client = acc.AsyncClient(**options)
project = client.project(project_id)
async def settle(times):
    for _ in range(8):
        started = time.monotonic()
        await project.raw.categories()
        times.append(time.monotonic() - started)
times = []
asyncio.run(settle(times))
usual = sorted(times)[4]
for _ in range(60):
    loop = new_loop()
    task = loop.create_task(project.raw.categories())
    task._log_destroy_pending = False
    loop.run_until_complete(asyncio.sleep(usual * random.uniform(0.3, 1.2)))
    loop.close()
time.sleep(0.7)
say(left=True)
"""
    )
    assert program.ended(20) == (0, [{"left": True}], "")


# ---- forks and exits ----

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@needs_fork
def test_forks_after_an_async_call(start: Callable[..., Program]) -> None:
    program = start("""
async def token():
    await asyncio.sleep(0)
    return options["auth"]

client = acc.AsyncClient(**{**options, "auth": token})
project = client.project(project_id)
asyncio.run(project.raw.categories())
codes = []
for child in range(5):
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        assert asyncio.run(project.assets.create({**row, "clientAssetId": f"child {child}"})).ok
        sys.exit(7)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
assert asyncio.run(project.assets.create(row)).ok
say(codes=codes)
""")
    assert program.ended(30) == (0, [{"codes": [7] * 5}], "")


@needs_fork
def test_forks_during_async_calls(start: Callable[..., Program]) -> None:
    # A child drops the futures that it inherited, and ends as programs do.
    program = start("""
client = acc.AsyncClient(**options)
project = client.project(project_id)
over = threading.Event()
begun = threading.Event()

async def drive():
    while not over.is_set():
        await asyncio.gather(*(project.raw.categories() for _ in range(8)))
        begun.set()
        await asyncio.sleep(0.02)  # within the rate limit, so that the children are too

driver = threading.Thread(target=asyncio.run, args=(drive(),))
driver.start()
codes = []
begun.wait()
for child in range(40):
    time.sleep(0.01)
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        assert child % 10 or asyncio.run(project.raw.categories())
        sys.exit(7)
    until = time.monotonic() + 15
    while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)
    codes.append(os.waitstatus_to_exitcode(ended[1]))
over.set()
driver.join()
say(codes=codes)
""")
    assert program.ended(60) == (0, [{"codes": [7] * 40}], "")


@needs_fork
def test_a_fork_inside_a_coroutine(start: Callable[..., Program], sim: acc.testing.Simulator) -> None:
    slow_creates(sim, ms=200)
    program = start("""
project = acc.AsyncClient(**options).project(project_id)

async def main():
    call = asyncio.ensure_future(project.assets.create(some(6), batch_size=1))
    await asyncio.sleep(0.3)
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        os._exit(7 if acc.Client(**options).project(project_id).assets.create(row).ok else 1)
    counts = (await call).counts
    say(counts=counts, child=os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

asyncio.run(main())
""")
    assert program.ended(20) == (0, [{"counts": {"created": 6}, "child": 7}], "")


SLOW_END = """
class Slow:
    def __del__(self, sleep=time.sleep):
        sleep(0.3)

slow = Slow()
"""


@pytest.mark.parametrize("kind", LOOPS)
@pytest.mark.parametrize("leave", ["", "sys.exit(3)", "os._exit(4)"], ids=["end", "sys.exit", "os._exit"])
def test_an_exit_during_an_async_call(
    kind: str, leave: str, start: Callable[..., Program], sim: acc.testing.Simulator
) -> None:
    pytest.importorskip(kind)
    slow_creates(sim, ms=100)
    program = start(
        SLOW_END
        + f"""
{NEW_LOOP[kind]}
async def token():
    await asyncio.sleep(0.01)
    return options["auth"]

created = threading.Event()

def drive():
    project = acc.AsyncClient(**{{**options, "auth": token}}).project(project_id)
    new_loop().run_until_complete(project.assets.create(
        some(50), batch_size=1, progress=lambda now: now.done and created.set()
    ))

threading.Thread(target=drive, daemon=True).start()
assert created.wait(30)
{leave}
"""
    )
    codes = {"": 0, "sys.exit(3)": 3, "os._exit(4)": 4}
    assert program.ended(40) == (codes[leave], [], "")
    assert sim.audit()["assets_created"] > 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent the POSIX way")
@pytest.mark.parametrize("client", ["Client", "AsyncClient"])
def test_ctrl_c_cancels_a_hanging_async_auth_function(client: str, start: Callable[..., Program]) -> None:
    call = f"acc.{client}(**{{**options, 'auth': token}}).project(project_id).assets.create(some(3))"
    program = start(f"""
async def token():
    try:
        say(asked=True)
        await asyncio.sleep(600)
    finally:
        say(canceled=True)

try:
    {f"asyncio.run({call})" if client == "AsyncClient" else call}
except KeyboardInterrupt:
    say(interrupted=True)
""")
    assert "asked" in program.wait_for_word()
    program.interrupt()
    code, said, err = program.ended(5)
    assert (code, err) == (0, "")
    assert {"canceled": True} in said
    assert {"interrupted": True} in said


# ---- async token functions ----


class Vault:
    """An async token function that records where it runs."""

    def __init__(self, sim: acc.testing.Simulator) -> None:
        self.sim = sim
        self.asked = 0
        self.loops: list[asyncio.AbstractEventLoop] = []
        self.threads: list[int] = []

    async def __call__(self) -> str:
        self.asked += 1
        self.loops.append(asyncio.get_running_loop())
        self.threads.append(threading.get_ident())
        await asyncio.sleep(0.01)
        return self.sim.token


def test_async_auth_runs_in_the_loop_of_the_call(run: Run[Any], sim: acc.testing.Simulator, kit: Kit) -> None:
    vault = Vault(sim)

    async def main() -> asyncio.AbstractEventLoop:
        async with sim.async_client(auth=vault) as client:
            project = client.project(sim.project_id)
            results = await asyncio.gather(*(project.assets.create(kit.row(f"{i}")) for i in range(4)))
            assert all(result.ok for result in results)
        return asyncio.get_running_loop()

    assert vault.loops == [run(main())] * vault.asked
    assert vault.asked == 1
    assert vault.threads == [threading.get_ident()]


@pytest.mark.parametrize(
    "first",
    ["create", "get", "patch", "list", "settings", "relationships"],
)
async def test_every_call_awaits_async_auth_in_its_loop(
    first: str, sim: acc.testing.Simulator, kit: Kit, project: acc.Project
) -> None:
    made = project.assets.create(kit.rows(3))
    vault = Vault(sim)
    async with sim.async_client(auth=vault) as client:
        there = client.project(sim.project_id)
        calls: dict[str, Callable[[], Awaitable[Any]]] = {
            "create": lambda: there.assets.create(kit.row("B"), settings=None),
            "get": lambda: there.assets.get(made.ids),
            "patch": lambda: there.assets.patch([{"id": made.ids[0], "description": "new"}]),
            "list": lambda: there.assets.list(),
            "settings": lambda: there.settings(),
            "relationships": lambda: there.relationships.search(),
        }
        await calls[first]()
    assert vault.loops == [asyncio.get_running_loop()]


async def test_async_auth_sees_the_context_of_the_call(sim: acc.testing.Simulator) -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")
    seen: list[str] = []

    async def token() -> str:
        seen.append(user.get())
        return sim.token

    user.set("Ada")
    async with sim.async_client(auth=token) as client:
        await client.project(sim.project_id).raw.categories()
    assert seen == ["Ada"]


def test_async_auth_of_a_sync_client(sim: acc.testing.Simulator, kit: Kit) -> None:
    vault = Vault(sim)
    with sim.client(auth=vault) as client:
        assert client.project(sim.project_id).assets.create(kit.row()).ok
    assert vault.asked == 1
    assert vault.threads != [threading.get_ident()]
    assert vault.loops[0].is_closed()


async def test_async_auth_of_a_sync_client_inside_a_running_loop(
    sim: acc.testing.Simulator, kit: Kit
) -> None:
    vault = Vault(sim)
    with sim.client(auth=vault) as client:
        assert client.project(sim.project_id).assets.create(kit.row()).ok
    assert vault.loops != [asyncio.get_running_loop()]


async def test_a_sync_call_while_an_async_one_waits_for_its_token(
    sim: acc.testing.Simulator, kit: Kit
) -> None:
    vault = Vault(sim)
    async with sim.async_client(auth=vault) as client:
        with sim.client(auth=vault) as blocking:
            call = asyncio.ensure_future(client.project(sim.project_id).assets.create(kit.row("A")))
            await until(lambda: vault.asked)
            # Meanwhile, the loop is blocked, and so is the token function.
            assert blocking.project(sim.project_id).assets.create(kit.row("B")).ok
            assert (await call).ok
    assert vault.asked == 2


async def test_awaitables_of_other_kinds(sim: acc.testing.Simulator) -> None:
    class Later:
        def __await__(self) -> Generator[Any, None, str]:
            yield from asyncio.sleep(0.01).__await__()
            return sim.token

    async with sim.async_client(auth=lambda: Later()) as client:
        assert await client.project(sim.project_id).raw.categories()
    with sim.client(auth=lambda: Later()) as blocking:
        assert await asyncio.to_thread(blocking.project(sim.project_id).raw.categories)


async def test_async_auth_is_called_again_when_the_token_expires(sim: acc.testing.Simulator) -> None:
    tokens = iter(["first", "second"])
    loops = []

    async def token() -> str:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        return next(tokens)

    for name in ("first", "second"):
        sim.accept_token(name)
    async with sim.async_client(auth=token) as client:
        project = client.project(sim.project_id)
        assert await project.raw.categories()
        sim.revoke_token("first")
        assert await project.raw.categories()
    assert loops == [asyncio.get_running_loop()] * 2


async def number() -> Any:
    return 7


async def nothing() -> Any:
    return None


async def broken() -> str:
    await asyncio.sleep(0)
    raise OSError("the vault is sealed")


async def canceled() -> str:
    raise asyncio.CancelledError


async def cancels_itself() -> str:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(1)
    return "never"


BAD = pytest.mark.parametrize(
    ("auth", "says"),
    [
        (number, "returned <class 'int'>, not the token as a string"),
        (nothing, "returned <class 'NoneType'>"),
        (broken, "raised OSError: the vault is sealed"),
        (canceled, "was canceled. No request was sent"),
        (cancels_itself, "was canceled. No request was sent"),
    ],
)


@BAD
@pytest.mark.filterwarnings("error")
def test_bad_results_of_async_auth(
    auth: Callable[[], Awaitable[str]], says: str, run: Run[Any], sim: acc.testing.Simulator
) -> None:
    with pytest.raises(acc.AuthError, match=says):
        run(sim.async_client(auth=auth).project(sim.project_id).raw.categories())
    with pytest.raises(acc.AuthError, match=says):
        sim.client(auth=auth).project(sim.project_id).raw.categories()


@pytest.mark.filterwarnings("error")
def test_auth_rejects_a_coroutine(sim: acc.testing.Simulator) -> None:
    coroutine = number()
    with pytest.raises(acc.OptionError, match=r"async or not\) that returns one, not coroutine"):
        sim.client(auth=coroutine)  # type: ignore[arg-type]
    coroutine.close()


async def test_token_does_not_appear_in_logs_or_reprs(
    sim: acc.testing.Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "a-token-that-nobody-may-see"
    sim.accept_token(secret)

    async def token() -> str:
        await asyncio.sleep(0)
        time.sleep(0.15)  # asyncio logs the handles of slow callbacks in its debug mode
        return secret

    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    reprs = []
    async with sim.async_client(auth=token) as client:
        call = asyncio.ensure_future(client.project(sim.project_id).raw.categories())
        while not call.done():
            reprs += [repr(task) for task in asyncio.all_tasks()]
            await asyncio.sleep(0)
        assert call.result()
    assert "asyncio" in {record.name for record in caplog.records}
    assert secret not in caplog.text + "".join(reprs)


# ---- token functions and other calls ----


class Hanging(Vault):
    """Hang on the first call."""

    def __init__(self, sim: acc.testing.Simulator) -> None:
        super().__init__(sim)
        self.canceled = 0

    async def __call__(self) -> str:
        if self.asked == 0:
            self.asked += 1
            self.loops.append(asyncio.get_running_loop())
            try:
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                self.canceled += 1
                raise
        return await super().__call__()


async def test_a_canceled_call_cancels_its_token_function(sim: acc.testing.Simulator, kit: Kit) -> None:
    vault = Hanging(sim)
    async with sim.async_client(auth=vault) as client:
        assets = client.project(sim.project_id).assets
        call = asyncio.ensure_future(assets.create(kit.rows(2)))
        await until(lambda: vault.asked)
        other = asyncio.ensure_future(assets.create(kit.row("other")))
        await asyncio.sleep(0.1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        # Nothing was sent, so there is nothing to wait for.
        assert client.last_result is not None
        assert client.last_result.counts == {"not_sent": 2}
        assert (await asyncio.wait_for(other, 5)).ok
    await until(lambda: vault.canceled)


async def test_hanging_auth_function_does_not_block_other_clients(
    sim: acc.testing.Simulator, kit: Kit
) -> None:
    vault = Hanging(sim)
    async with sim.async_client(auth=vault) as hanging, sim.async_client() as client:
        call = asyncio.ensure_future(hanging.project(sim.project_id).raw.categories())
        await until(lambda: vault.asked)
        assert (await client.project(sim.project_id).assets.create(kit.rows(20), batch_size=1)).ok
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


@pytest.mark.parametrize("kinds", [("asyncio", "asyncio"), ("asyncio", "uvloop")])
def test_two_loops_in_two_threads_share_a_client(
    kinds: tuple[str, str], sim: acc.testing.Simulator, kit: Kit
) -> None:
    vault = Vault(sim)
    project = sim.async_client(auth=vault).project(sim.project_id)

    def drive(kind: str) -> tuple[asyncio.AbstractEventLoop, list[bool]]:
        async def main() -> list[bool]:
            calls = (project.assets.create(kit.row(f"{kind} {place}")) for place in range(10))
            return [result.ok for result in await asyncio.gather(*calls)]

        loop = new_loop(kind)
        try:
            return loop, loop.run_until_complete(main())
        finally:
            loop.close()

    with ThreadPoolExecutor(2) as pool:
        driven = list(pool.map(drive, kinds))
    assert [oks for _, oks in driven] == [[True] * 10] * 2
    assert vault.asked == 1
    assert vault.loops[0] in [loop for loop, _ in driven]


@pytest.mark.parametrize("end", ["close", "stop", "cancel all"])
@pytest.mark.parametrize("kind", LOOPS)
def test_a_loop_that_ends_while_another_waits_for_its_token(
    kind: str, end: str, sim: acc.testing.Simulator, kit: Kit
) -> None:
    vault = Hanging(sim)
    client = sim.async_client(auth=vault)
    project = client.project(sim.project_id)
    loop = new_loop(kind)
    first = loop.create_task(project.assets.create(kit.row("first")))
    first._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.run_until_complete(until(lambda: vault.asked))
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(asyncio.run, project.assets.create(kit.row("second")))
        loop.run_until_complete(asyncio.sleep(0.2))
        if end == "close":
            loop.close()
        elif end == "cancel all":
            for task in asyncio.all_tasks(loop):
                task.cancel()
            with pytest.raises(asyncio.CancelledError):
                loop.run_until_complete(first)
        assert second.result(10).ok
    if end == "stop":
        assert loop.run_until_complete(asyncio.wait_for(first, 10)).ok
    loop.close()


def test_a_task_of_the_token_function_that_is_canceled_fails_only_its_call(
    sim: acc.testing.Simulator, kit: Kit
) -> None:
    vault = Hanging(sim)
    project = sim.async_client(auth=vault).project(sim.project_id)

    async def main() -> None:
        here = asyncio.all_tasks()
        call = asyncio.ensure_future(project.assets.create(kit.row("first"), settings=None))
        await until(lambda: vault.asked)
        other = asyncio.ensure_future(project.assets.create(kit.row("other"), settings=None))
        await asyncio.sleep(0.1)
        (task,) = asyncio.all_tasks() - here - {call, other}
        task.cancel()
        with pytest.raises(acc.AuthError, match="was canceled"):
            await call
        assert (await other).ok

    asyncio.run(main())


def test_importing_loads_no_event_loop() -> None:
    code = "import sys, acc_assets; print([name for name in ('asyncio', 'anyio', 'uvloop') if name in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.home()
    )
    assert ran.stdout.strip() == "[]"
