"""The asynchronous client."""

from __future__ import annotations

import asyncio
import pathlib
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, ClassVar

import pytest
from conftest import Kit, until_async
from front import holding

import acc_assets as acc
from acc_assets import _core, _event_loop, _files, _rows

pytestmark = pytest.mark.interpreter


async def test_create_get_patch_and_delete(
    async_project: acc.AsyncProject, kit: Kit, sim: acc.testing.Simulator
) -> None:
    assets = async_project.assets
    made = await assets.create(kit.rows(150))
    assert made.counts == {"created": 150}
    assert (await assets.patch([{"id": made.ids[0], "description": "new"}])).counts == {"updated": 1}
    assert (await assets.get(made.ids[:1]))[0]["description"] == "new"
    assert len(await assets.list(category=kit.category)) >= 150
    assert (await assets.delete(made)).counts == {"deleted": 150}
    assert (await async_project.relationships.delete(sim.seed_relationships(2))).counts == {"deleted": 2}
    assert await async_project.relationships.search(only_deleted=True)
    assert await async_project.raw.categories()
    assert "FIELD_EXCEEDS_MAX_LENGTH" in {str(code["name"]) for code in await async_project.raw.error_codes()}


async def test_warnings_point_to_the_line_of_the_user(async_project: acc.AsyncProject, kit: Kit) -> None:
    def create() -> Awaitable[object]:
        return async_project.assets.create([kit.row(barcode=5)], dry_run=True)

    calls: list[Callable[[], Awaitable[object]]] = [
        create,
        lambda: asyncio.gather(create()),
        lambda: asyncio.wait_for(create(), 60),
    ]
    for call in calls:
        with pytest.warns(acc.DataWarning, match="numbers") as warned:
            await call()
        assert pathlib.Path(warned[0].filename).parent.name != "asyncio"
    with pytest.warns(acc.DataWarning, match="numbers") as warned:
        await create()
    assert [warning.filename for warning in warned] == [__file__]


async def test_creates_run_concurrently(kit: Kit, sim: acc.testing.Simulator) -> None:
    with holding(sim) as held:
        async with sim.async_client(base_url=held.url) as client:
            assets = client.project(sim.project_id).assets
            calls = [asyncio.create_task(assets.create(kit.row(f"AHU-{place}"))) for place in range(4)]
            # No request gets a response before all requests were sent.
            await until_async(lambda: len(held.creates) == 4)
            assert not any(call.done() for call in calls)
            held.release.set()
            assert all(result.ok for result in await asyncio.gather(*calls))


async def test_the_event_loop_runs_during_a_create(kit: Kit, sim: acc.testing.Simulator) -> None:
    with holding(sim) as held:
        async with sim.async_client(base_url=held.url) as client:
            call = asyncio.create_task(client.project(sim.project_id).assets.create(kit.rows(1)))
            await until_async(lambda: held.creates)
            for _ in range(100):
                await asyncio.sleep(0)
            assert not call.done()
            held.release.set()
            assert (await call).ok


async def test_errors_are_raised_when_awaited(async_project: acc.AsyncProject, kit: Kit) -> None:
    with pytest.raises(acc.OptionError):
        await async_project.assets.create(kit.rows(1), batch_size=101)
    with pytest.raises(acc.BulkError) as caught:
        await async_project.assets.create({"clientAssetId": "bad"}, on_error="raise")
    assert caught.value.result is not None


async def test_retry_is_awaited(sim: acc.testing.Simulator, kit: Kit) -> None:
    async with sim.async_client(retry=acc.Retry(deadline=0.5, settle=0.2)) as client:
        sim.add_fault("rate_limit", on="assets:batch-create", retry_after=30)
        with pytest.raises(acc.RateLimitError) as caught:
            await client.project(sim.project_id).assets.create(kit.rows(10))
        assert client.last_result is not None
        assert client.last_result is caught.value.result
        assert (await client.last_result.retry()).counts == {"created": 10}


async def test_cancel_lets_requests_in_flight_finish(sim: acc.testing.Simulator, kit: Kit) -> None:
    async with sim.async_client(max_in_flight=2) as client:
        sim.add_fault("delay", on="assets:batch-create", ms=600, times=99)
        call = asyncio.create_task(client.project(sim.project_id).assets.create(kit.rows(50), batch_size=1))
        await until_async(lambda: sim.audit()["assets_created"] >= 2)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        result = client.last_result
    assert result is not None
    assert len(result) == 50
    assert result.counts["created"] == sim.audit()["assets_created"] > 0
    assert result.counts["not_sent"] > 0
    assert "unknown" not in result.counts


async def test_second_cancel_drops_requests_in_flight(
    sim: acc.testing.Simulator, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Neither the grace period nor the requests end while the test waits.
    monkeypatch.setattr(_core, "GRACE", 600.0)
    async with sim.async_client(max_in_flight=2, timeout=600) as client:
        sim.add_fault("delay", on="assets:batch-create", ms=600_000, times=99)
        call = asyncio.create_task(client.project(sim.project_id).assets.create(kit.rows(5), batch_size=1))
        await until_async(lambda: sim.audit()["assets_created"] == 2)
        call.cancel()
        for _ in range(100):
            await asyncio.sleep(0)
        assert not call.done()
        call.cancel()
        await asyncio.wait([call], timeout=30)
        assert call.cancelled()
        result = client.last_result
    assert result is not None
    assert result.counts == {"not_sent": 3, "unknown": 2}


Stopped = Callable[[acc.AsyncClient, "asyncio.Task[acc.AsyncBulkResult]"], Awaitable[None]]


async def by_wait_for(_: acc.AsyncClient, call: asyncio.Task[acc.AsyncBulkResult]) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(call, 0.1)


async def by_timeout(_: acc.AsyncClient, call: asyncio.Task[acc.AsyncBulkResult]) -> None:
    if sys.version_info < (3, 11):
        pytest.skip("asyncio.timeout is new in Python 3.11")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await call


async def by_a_gathered_sibling(_: acc.AsyncClient, call: asyncio.Task[acc.AsyncBulkResult]) -> None:
    async def fail() -> None:
        raise ValueError("sibling")

    with pytest.raises(ValueError, match="sibling"):
        await asyncio.gather(call, fail())
    # gather leaves the other calls running, so they are canceled here.
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def by_a_sibling_in_a_group(client: acc.AsyncClient, call: asyncio.Task[acc.AsyncBulkResult]) -> None:
    if sys.version_info < (3, 11):
        pytest.skip("asyncio.TaskGroup is new in Python 3.11")

    group = asyncio.TaskGroup()

    async def wait() -> None:
        await call

    async def fail() -> None:
        async with group:
            group.create_task(wait())
            await asyncio.sleep(0)
            raise ValueError("sibling")

    # The group waits until the requests of the call have finished.
    with pytest.raises(BaseException, match="unhandled errors"):  # ExceptionGroup is also new in Python 3.11
        await fail()
    assert client.last_result is not None


@pytest.mark.parametrize("stopped", [by_wait_for, by_timeout, by_a_gathered_sibling, by_a_sibling_in_a_group])
async def test_every_kind_of_cancel_leaves_a_correct_result(
    stopped: Stopped, sim: acc.testing.Simulator, kit: Kit
) -> None:
    async with sim.async_client(max_in_flight=2) as client:
        sim.add_fault("delay", on="assets:batch-create", ms=600, times=99)
        call = asyncio.create_task(client.project(sim.project_id).assets.create(kit.rows(9), batch_size=1))
        await until_async(lambda: sim.audit()["assets_created"] >= 2)
        await stopped(client, call)
        result = client.last_result
    assert result is not None
    assert result.counts == {"created": 2, "not_sent": 7}
    assert sim.audit()["assets_created"] == 2


async def test_progress_function_that_raises_leaves_a_correct_result(
    sim: acc.testing.Simulator, kit: Kit
) -> None:
    def show(_: acc.Progress) -> None:
        raise ValueError("no screen")

    async with sim.async_client(max_in_flight=2) as client:
        sim.add_fault("delay", on="assets:batch-create", ms=600, times=99)
        with pytest.raises(ValueError, match="no screen"):
            await client.project(sim.project_id).assets.create(
                kit.rows(9), batch_size=1, progress=show, settings=None
            )
        assert client.last_result is not None
        assert client.last_result.counts == {"created": 2, "not_sent": 7}


def test_ctrl_c_in_a_progress_function(sim: acc.testing.Simulator, kit: Kit) -> None:
    def show(_: acc.Progress) -> None:
        raise KeyboardInterrupt

    client = sim.async_client(max_in_flight=2)
    sim.add_fault("delay", on="assets:batch-create", ms=600, times=99)
    with pytest.raises(acc.BulkInterrupted) as caught:
        asyncio.run(
            client.project(sim.project_id).assets.create(
                kit.rows(9), batch_size=1, progress=show, settings=None
            )
        )
    assert caught.value.result.counts == {"created": 2, "not_sent": 7}


async def test_progress(async_project: acc.AsyncProject, kit: Kit, sim: acc.testing.Simulator) -> None:
    sim.add_fault("delay", ms=400, times=3)
    seen: list[acc.Progress] = []
    await async_project.assets.create(kit.rows(300), progress=seen.append)
    assert seen[-1].done == seen[-1].total == 300


async def test_a_sync_client_works_inside_a_running_loop(project: acc.Project, kit: Kit) -> None:
    assert project.assets.create(kit.rows(1)).ok


async def test_a_closed_client(sim: acc.testing.Simulator) -> None:
    client = sim.async_client()
    project = client.project(sim.project_id)
    await client.close()
    with pytest.raises(acc.OptionError, match="closed"):
        await project.raw.categories()


def test_client_works_in_several_loops_in_turn(async_project: acc.AsyncProject) -> None:
    assert asyncio.run(async_project.raw.categories()) == asyncio.run(async_project.raw.categories())


async def test_timeout_during_settings_sets_last_result(sim: acc.testing.Simulator, kit: Kit) -> None:
    async with sim.async_client() as client:
        project = client.project(sim.project_id)
        assert (await project.assets.create(kit.rows(2))).ok
        sim.add_fault("delay", on="categories", ms=3000)
        with pytest.raises((TimeoutError, asyncio.TimeoutError)):
            await asyncio.wait_for(project.assets.create(kit.rows(7), batch_size=1), 0.3)
        assert client.last_result is not None
        assert client.last_result.counts == {"not_sent": 7}
        assert "not_sent" in repr(client.last_result)


# ---- work outside the event loop ----


@pytest.fixture
def slow_disk() -> Iterator[None]:
    _core.Simulator.slow_journals(0.02)
    yield
    _core.Simulator.slow_journals(0.0)


class SeenRow(Mapping[str, Any]):
    """A row that records which threads have read it."""

    threads: ClassVar[set[int]] = set()

    def __init__(self, cells: dict[str, Any]) -> None:
        self._cells = cells

    def __getitem__(self, name: str) -> Any:
        self.threads.add(threading.get_ident())
        return self._cells[name]

    def __iter__(self) -> Iterator[str]:
        self.threads.add(threading.get_ident())
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)


async def test_event_loop_never_syncs_a_journal_or_waits_for_the_ledger(
    sim: acc.testing.Simulator, kit: Kit, slow_disk: None, tmp_path: pathlib.Path
) -> None:
    SeenRow.threads.clear()
    rows = [SeenRow(row) for row in kit.rows(250)]
    before = _core.Simulator.journal_counts()
    seen: list[acc.Progress] = []
    async with sim.async_client(max_in_flight=2) as client:
        assets = client.project(sim.project_id).assets
        # The second call opens the journal of a complete run.
        for _ in range(2):
            result = await assets.create(rows, run=tmp_path / "r.sqlite", progress=seen.append)
            assert result.counts == {"created": 250}
        sim.add_fault("status", on="assets:batch-create", code=403)
        with pytest.raises(acc.ForbiddenError) as caught:
            await assets.create(rows[:1], settings=None)
        assert client.last_result is not None
        assert client.last_result is caught.value.result
        assert (await client.last_result.retry()).ok
    own, everywhere, locks = (
        after - earlier for after, earlier in zip(_core.Simulator.journal_counts(), before, strict=True)
    )
    assert (own, locks) == (0, 0)
    assert everywhere > 10
    assert SeenRow.threads
    assert threading.get_ident() not in SeenRow.threads


async def test_cancel_while_a_journal_is_opened_frees_the_run(
    sim: acc.testing.Simulator, kit: Kit, slow_disk: None, tmp_path: pathlib.Path
) -> None:
    run = tmp_path / "r.sqlite"
    async with sim.async_client() as client:
        assets = client.project(sim.project_id).assets
        call = asyncio.create_task(assets.create(kit.rows(3), run=run))
        await asyncio.sleep(0.03)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert sim.audit()["assets_created"] == 0
        assert client.last_result is not None
        assert client.last_result.counts == {"not_sent": 3}
        assert (await assets.create(kit.rows(3), run=run)).counts == {"created": 3}


async def test_a_sheet_is_read_in_another_thread(
    sim: acc.testing.Simulator, kit: Kit, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    opened = _files.opened

    def noted(data: Any, how: Any) -> Any:
        read.append(threading.get_ident())
        return opened(data, how)

    monkeypatch.setattr(_rows, "opened", noted)
    path = tmp_path / "rows.csv"
    path.write_text(f"clientAssetId,categoryId,statusId\nA,{kit.category},{kit.status}\n")
    async with sim.async_client() as client:
        assets = client.project(sim.project_id).assets
        assert (await assets.validate(path)).ok
        made = await assets.create(path)
        assert made.ok
        (tmp_path / "ids.csv").write_text(f"id\n{made.ids[0]}\n")
        assert (await assets.patch(tmp_path / "ids.csv", dry_run=True)) is not None
        assert len(await assets.get(tmp_path / "ids.csv")) == 1
        assert (await assets.delete(tmp_path / "ids.csv")).ok
    assert len(read) == 5
    assert threading.get_ident() not in read


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout came with 3.11")
async def test_timeout_during_work_in_another_thread_raises_timeout_error(
    async_project: acc.AsyncProject,
) -> None:
    row = [{"Asset ID": "A"}]
    await async_project.assets.validate(row)
    for _ in range(_event_loop.WORKERS):
        _event_loop._pool().submit(time.sleep, 0.2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):  # type: ignore[attr-defined,unused-ignore]
            await async_project.assets.validate(row)
    await asyncio.sleep(0)
