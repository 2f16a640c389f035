"""Async iterables as rows and ids of `AsyncClient`."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from conftest import Kit, until_async
from front import holding

import acc_assets as acc

pytestmark = pytest.mark.interpreter


class Source:
    """An async iterable of rows or ids. It records how many were pulled, and can wait for a signal."""

    def __init__(
        self, rows: list[Any], *, wait_before: int | None = None, fail_before: int | None = None
    ) -> None:
        self.rows = rows
        self.wait_before = wait_before
        self.fail_before = fail_before
        self.asked = 0
        self.closed = False
        self.go_on = asyncio.Event()
        self.loop = asyncio.get_running_loop()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._rows()

    async def _rows(self) -> AsyncIterator[Any]:
        try:
            for place, row in enumerate(self.rows):
                assert asyncio.get_running_loop() is self.loop
                self.asked = place + 1
                if place == self.wait_before:
                    await self.go_on.wait()
                if place == self.fail_before:
                    raise LookupError("the source is gone")
                await asyncio.sleep(0)
                yield row
        finally:
            self.closed = True

    async def is_waiting(self) -> None:
        assert self.wait_before is not None
        await until_async(lambda: self.asked > self.wait_before)  # type: ignore[operator]


def task(call: Any) -> asyncio.Task[Any]:
    return asyncio.create_task(call)


async def ended(call: asyncio.Task[Any]) -> asyncio.Task[Any]:
    """Await a call that must not hang."""
    await asyncio.wait([call], timeout=30)
    assert call.done(), "the call hangs"
    return call


# ---- the verbs ----


async def test_every_verb_takes_an_async_generator(
    async_project: acc.AsyncProject, kit: Kit, sim: acc.testing.Simulator
) -> None:
    assets = async_project.assets
    rows = kit.rows(250)
    assert (await assets.validate(Source(rows))).counts == {"not_sent": 250}
    made = await assets.create(Source(rows))
    assert made.counts == {"created": 250}
    assert [outcome.key for outcome in made] == [row["clientAssetId"] for row in rows]
    patched = await assets.patch(Source([{"id": id, "description": "new"} for id in made.ids]))
    assert patched.counts == {"updated": 250}
    assert len(await assets.get(Source(made.ids))) == 250
    assert len(await assets.get(Source([{"asset": id} for id in made.ids]), key="asset")) == 250
    assert (await assets.delete(Source([None, *made.ids]), on_error="collect")).counts["deleted"] == 250
    links = sim.seed_relationships(3)
    assert (await async_project.relationships.delete(Source(links))).counts == {"deleted": 3}


async def test_async_rows_of_read(async_project: acc.AsyncProject, kit: Kit) -> None:
    rows = [{"Nr": row.pop("clientAssetId"), **row} for row in kit.rows(3)]
    read = acc.read(Source(rows), mapping={"Nr": "Asset ID"})
    created = await async_project.assets.create(read)
    assert (created.counts, created[0].key) == ({"created": 3}, "AHU-0")


async def test_read_takes_an_async_generator_once(async_project: acc.AsyncProject, kit: Kit) -> None:
    async def generated() -> AsyncIterator[dict[str, Any]]:
        for row in kit.rows(3):
            yield row

    read = acc.read(generated())
    assert (await async_project.assets.create(read)).counts == {"created": 3}
    for verb in (async_project.assets.create, async_project.assets.validate):
        with pytest.raises(acc.OptionError, match="already read"):
            await verb(read)


async def test_async_rows_of_read_need_an_async_client(project: acc.Project, kit: Kit) -> None:
    with pytest.raises(acc.InputError, match="needs AsyncClient"):
        project.assets.create(acc.read(Source(kit.rows(1))))


async def test_async_generator_without_rows(async_project: acc.AsyncProject) -> None:
    assert len(await async_project.assets.create(Source([]))) == 0
    assert len(await async_project.assets.get(Source([]))) == 0
    assert len(await async_project.assets.delete(Source([]))) == 0
    assert (await async_project.assets.validate(Source([]))).ok


async def test_async_generator_items_that_are_not_rows(async_project: acc.AsyncProject, kit: Kit) -> None:
    result = await async_project.assets.create(Source([kit.row("A"), 42, None, kit.row("B")]))
    assert [outcome.status for outcome in result] == ["created", "invalid", "invalid", "created"]


# ---- rows are read as needed ----


async def test_create_sends_what_an_async_generator_has_yielded(sim: acc.testing.Simulator, kit: Kit) -> None:
    async with sim.async_client() as client:
        assets = client.project(sim.project_id).assets
        await client.project(sim.project_id).settings()
        source = Source(kit.rows(500), wait_before=450)
        call = task(assets.create(source))
        # Full requests are sent while the generator waits for its next row.
        await until_async(lambda: sim.audit()["assets_created"] >= 200)
        assert not call.done()
        source.go_on.set()
        assert (await call).counts == {"created": 500}
        assert source.closed


async def test_create_does_not_read_an_async_generator_far_ahead(
    sim: acc.testing.Simulator, kit: Kit
) -> None:
    with holding(sim) as held:
        async with sim.async_client(base_url=held.url, max_in_flight=1) as client:
            source = Source(kit.rows(2000))
            call = task(client.project(sim.project_id).assets.create(source, settings=None, batch_size=10))
            await until_async(lambda: held.creates)
            # It stops requesting rows while no request ends.
            asked = -1
            while asked != source.asked:
                asked = source.asked
                await asyncio.sleep(0.1)
            assert asked < 2000
            held.release.set()
            assert (await call).counts == {"created": 2000}


# ---- calls that end early ----


async def test_an_exception_in_an_async_generator_ends_a_create(sim: acc.testing.Simulator, kit: Kit) -> None:
    async with sim.async_client() as client:
        source = Source(kit.rows(500), fail_before=300)
        with pytest.raises(LookupError, match="the source is gone") as caught:
            await client.project(sim.project_id).assets.create(source)
        result = client.last_result
    assert result is not None
    assert result is caught.value.result  # type: ignore[attr-defined]
    assert len(result) == 300
    assert result.counts.get("created", 0) == sim.audit()["assets_created"]
    assert result.counts.keys() <= {"created", "not_sent"}
    assert source.closed


@pytest.mark.parametrize("verb", ["get", "delete", "validate", "patch"])
@pytest.mark.parametrize("place", [0, 1])
async def test_an_exception_in_an_async_generator_is_passed_on(
    verb: str, place: int, async_project: acc.AsyncProject, kit: Kit
) -> None:
    made = await async_project.assets.create(kit.rows(2))
    rows: dict[str, list[Any]] = {
        "get": [*made.ids],
        "delete": [*made.ids],
        "validate": [*kit.rows(2)],
        "patch": [{"id": id, "description": "new"} for id in made.ids],
    }
    with pytest.raises(LookupError, match="the source is gone"):
        await getattr(async_project.assets, verb)(Source(rows[verb], fail_before=place))


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (TimeoutError, TimeoutError),
        (asyncio.TimeoutError, asyncio.TimeoutError),
        # The call itself was not canceled.
        (asyncio.CancelledError, concurrent.futures.CancelledError),
        (StopAsyncIteration, RuntimeError),
    ],
)
async def test_async_generator_raises_exceptions_of_asyncio(
    raised: type[BaseException], expected: type[BaseException], async_project: acc.AsyncProject, kit: Kit
) -> None:
    async def rows() -> AsyncIterator[dict[str, Any]]:
        yield kit.row("A")
        raise raised("of the source")

    call = await ended(task(async_project.assets.create(rows())))
    assert not call.cancelled()
    assert type(call.exception()) is expected


@pytest.mark.parametrize("place", [0, 1, 150])
async def test_a_cancel_while_an_async_generator_waits_for_its_next_row(
    place: int, sim: acc.testing.Simulator, kit: Kit
) -> None:
    async with sim.async_client() as client:
        source = Source(kit.rows(300), wait_before=place)
        call = task(client.project(sim.project_id).assets.create(source))
        await source.is_waiting()
        if place > 100:
            await until_async(lambda: sim.audit()["assets_created"] >= 100)
        call.cancel()
        assert (await ended(call)).cancelled()
        result = client.last_result
        assert result is not None
        assert len(result) == place
        assert result.counts.get("created", 0) == sim.audit()["assets_created"] == place // 100 * 100
        assert result.counts.keys() <= {"created", "not_sent"}
        await until_async(lambda: source.closed)


@pytest.mark.parametrize("verb", ["get", "delete", "validate", "patch"])
@pytest.mark.parametrize("place", [0, 1])
async def test_a_cancel_of_each_verb_while_an_async_generator_waits(
    verb: str, place: int, sim: acc.testing.Simulator, kit: Kit
) -> None:
    async with sim.async_client() as client:
        assets = client.project(sim.project_id).assets
        rows: list[Any] = [{"id": str(place), "description": "new"} for place in range(2)]
        if verb == "validate":
            rows = kit.rows(2)
        source = Source(rows, wait_before=place)
        call = task(getattr(assets, verb)(source))
        await source.is_waiting()
        call.cancel()
        try:
            assert (await ended(call)).cancelled()
        finally:
            source.go_on.set()


async def test_on_error_stop_requests_no_more_rows_of_an_async_generator(
    sim: acc.testing.Simulator, kit: Kit
) -> None:
    async with sim.async_client(max_in_flight=1) as client:
        rows = kit.rows(100_000)
        rows[2] = {"clientAssetId": "bare"}
        source = Source(rows)
        with suppress(acc.BulkError):
            await client.project(sim.project_id).assets.create(
                source, batch_size=1, on_error="stop", settings=None
            )
        assert source.asked < len(rows)
        result = client.last_result
        assert result is not None
        assert result.counts["invalid"] == 1
        assert result.counts.get("created", 0) == sim.audit()["assets_created"]
        # The generator is no longer referenced, so it is closed.
        gc.collect()
        await until_async(lambda: source.closed)


async def test_a_result_of_an_async_generator_is_not_retried(sim: acc.testing.Simulator, kit: Kit) -> None:
    async with sim.async_client() as client:
        assets = client.project(sim.project_id).assets
        sim.add_fault("status", on="assets:batch-create", code=403)
        with pytest.raises(acc.ForbiddenError):
            await assets.create(Source(kit.rows(3)), settings=None)
        result = client.last_result
        assert isinstance(result, acc.AsyncBulkResult)
        assert result.counts == {"failed": 3}
        with pytest.raises(acc.OptionError, match=r"retry\(result, rows\)"):
            await result.retry()
        with pytest.raises(acc.OptionError, match="can be read only once"):
            await assets.retry(result, Source(kit.rows(3)))
        assert (await assets.retry(result, kit.rows(3))).counts == {"created": 3}


def test_client_rejects_async_rows(project: acc.Project) -> None:
    async def rows() -> AsyncIterator[dict[str, Any]]:
        yield {}

    for verb in (project.assets.create, project.assets.patch, project.assets.get, project.assets.delete):
        with pytest.raises(acc.InputError, match="An async iterable needs AsyncClient"):
            verb(rows())  # type: ignore[arg-type]
