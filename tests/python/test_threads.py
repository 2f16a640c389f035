"""One client, many threads and tasks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest
from conftest import Kit, until
from front import holding

import acc_assets as acc

pytestmark = pytest.mark.interpreter


def test_threads_share_a_client(project: acc.Project, kit: Kit, sim: acc.testing.Simulator) -> None:
    def create(worker: int) -> acc.BulkResult:
        return project.assets.create([kit.row(f"AHU-{worker}-{place}") for place in range(120)])

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(create, range(8)))
    assert all(result.ok for result in results)
    assert len({id for result in results for id in result.ids}) == 8 * 120
    assert sim.audit()["assets_created"] == 8 * 120
    assert sim.audit()["created_more_than_once"] == {}


@pytest.mark.once
def test_clients_of_one_user_share_the_rate_limit(sim: acc.testing.Simulator, kit: Kit) -> None:
    def create(_: int) -> bool:
        with sim.client() as client:
            return client.project(sim.project_id).assets.create(kit.rows(60), batch_size=1).ok

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(create, range(4)))
    assert sim.audit()["rate_limited"] == 0


def test_other_threads_run_during_a_call(kit: Kit, sim: acc.testing.Simulator) -> None:
    with holding(sim) as held, sim.client(base_url=held.url) as client, ThreadPoolExecutor(1) as pool:
        call = pool.submit(client.project(sim.project_id).assets.create, kit.rows(1))
        until(lambda: held.creates)
        assert not call.done()
        held.release.set()
        assert call.result().ok


# ---- calls that begin at the same time ----


class Named(NamedTuple):
    """Return a category and one of its statuses, by name."""

    category: str
    status: str

    def row(self, name: str) -> dict[str, Any]:
        """Return a row that cannot be sent before the settings are read."""
        return {"Asset ID": name, "Category": self.category, "Status": self.status}


@pytest.fixture
def named(sim: acc.testing.Simulator, kit: Kit) -> Named:
    found = next(category for category in sim.world()["categories"] if str(category["id"]) == kit.category)
    return Named(found["name"], found["statuses"][0]["label"])


def settings_requests(sim: acc.testing.Simulator) -> int:
    """Return the number of requests that do not create assets."""
    endpoints = sim.audit()["endpoints"]
    return sum(asked["requests"] for path, asked in endpoints.items() if path != "assets:batch-create")


@pytest.fixture
def one_read(sim: acc.testing.Simulator, kit: Kit) -> int:
    """Return the requests of one read of the settings, without the first requests to the simulator."""
    before = settings_requests(sim)
    with sim.client() as client:
        client.project(sim.project_id).settings()
    return settings_requests(sim) - before


async def test_tasks_that_begin_together_read_the_settings_once(
    sim: acc.testing.Simulator, named: Named, one_read: int
) -> None:
    before = settings_requests(sim)
    async with sim.async_client() as client:
        assets = client.project(sim.project_id).assets
        results = await asyncio.gather(*(assets.create([named.row(f"A-{place}")]) for place in range(60)))
    assert all(result.ok for result in results)
    assert settings_requests(sim) - before == one_read


def test_threads_that_begin_together_read_the_settings_once(
    sim: acc.testing.Simulator, named: Named, one_read: int
) -> None:
    before = settings_requests(sim)
    with sim.client() as client, ThreadPoolExecutor(10) as threads:
        assets = client.project(sim.project_id).assets
        results = threads.map(lambda place: assets.create([named.row(f"A-{place}")]), range(10))
        assert all(result.ok for result in results)
    assert settings_requests(sim) - before == one_read


async def test_cancel_does_not_stop_a_shared_settings_read(sim: acc.testing.Simulator, one_read: int) -> None:
    before = settings_requests(sim)
    sim.add_fault("delay", on="categories", ms=150)
    async with sim.async_client() as client:
        project = client.project(sim.project_id)
        first, second = (asyncio.create_task(project.settings()) for _ in range(2))
        await asyncio.sleep(0.05)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert not second.done()
        assert (await second).categories
    assert settings_requests(sim) - before == one_read


async def test_settings_read_ends_if_all_calls_are_canceled(sim: acc.testing.Simulator) -> None:
    sim.add_fault("delay", on="categories", ms=150)
    async with sim.async_client() as client:
        project = client.project(sim.project_id)
        reading = asyncio.create_task(project.settings())
        await asyncio.sleep(0.05)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        before = settings_requests(sim)
        await asyncio.sleep(0.2)
        assert settings_requests(sim) == before
        assert (await project.settings()).categories


async def test_failed_settings_read_fails_for_all_and_is_not_kept(
    sim: acc.testing.Simulator, one_read: int
) -> None:
    async with sim.async_client() as client:
        project = client.project(sim.project_id)
        sim.add_fault("status", on="categories", code=403)
        failed = await asyncio.gather(*(project.settings() for _ in range(5)), return_exceptions=True)
        assert [type(error) for error in failed] == [acc.ForbiddenError] * 5
        before = settings_requests(sim)
        assert (await project.settings()).categories
    assert settings_requests(sim) - before == one_read


async def test_a_refresh_does_not_join_an_earlier_read(sim: acc.testing.Simulator, one_read: int) -> None:
    before = settings_requests(sim)
    async with sim.async_client() as client:
        project = client.project(sim.project_id)
        sim.add_fault("delay", on="categories", ms=150)
        earlier = asyncio.create_task(project.settings())
        await asyncio.sleep(0.05)
        fresh = await project.settings(refresh=True)
        await earlier
        # The earlier read ended later, and is not kept.
        assert (await project.settings()).read_at == fresh.read_at
    assert settings_requests(sim) - before == 2 * one_read


async def test_max_in_flight_applies_to_all_calls_of_a_client(sim: acc.testing.Simulator, kit: Kit) -> None:
    sim.add_fault("delay", on="assets:batch-create", ms=20, times=99)
    async with sim.async_client(max_in_flight=2) as client:
        assets = client.project(sim.project_id).assets
        results = await asyncio.gather(
            *(
                assets.create([kit.row(f"A-{place}-{row}") for row in range(2)], batch_size=1, settings=None)
                for place in range(10)
            )
        )
    assert all(result.ok for result in results)
    assert sim.audit()["most_in_flight"] == 2


@pytest.mark.parametrize("options", [{}, {"import_key": "barcode"}], ids=["plain", "looked up first"])
def test_a_progress_function_calls_its_own_client(
    options: dict[str, Any], sim: acc.testing.Simulator, kit: Kit
) -> None:
    made = [{**row, "barcode": f"key {place}"} for place, row in enumerate(kit.rows(30))]
    with sim.client(max_in_flight=1) as client:
        project = client.project(sim.project_id)
        sim.add_fault("delay", ms=30, times=99)

        def look(_: acc.Progress) -> None:
            assert project.raw.categories()

        assert project.assets.create(made, batch_size=1, progress=look, settings=None, **options).ok


def test_generator_closed_early_may_make_calls(
    project: acc.Project, kit: Kit, capfd: pytest.CaptureFixture[str]
) -> None:
    closed: list[object] = []

    class Plant:
        def __iter__(self) -> Iterator[dict[str, object]]:
            try:
                yield {"clientAssetId": ""}
                for number in range(100_000):
                    yield kit.row(f"AHU-{number}")
            finally:
                closed.append(project.raw.categories())

    result = project.assets.create(Plant(), on_error="collect", max_errors=0, batch_size=1)
    assert result.counts["invalid"] == 1
    for _ in range(100):
        if closed:
            break
        time.sleep(0.05)
    assert len(closed) == 1
    assert capfd.readouterr().err == ""
