"""Reads that fail keep their rows and can be resumed."""

from __future__ import annotations

import _thread
import asyncio
import pickle
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Kit

import acc_assets as acc
from acc_assets._reading import Reading
from acc_assets._write import write_options

# Each failure ends a read immediately.
ONCE = acc.Retry(attempts=1)


@pytest.fixture
def ids(project: acc.Project, kit: Kit) -> list[str]:
    return [str(id_) for id_ in project.assets.create(kit.rows(450)).ids]


def requests(sim: acc.testing.Simulator, endpoint: str) -> int:
    return int(sim.audit()["endpoints"][endpoint]["requests"])


def failed(
    sim: acc.testing.Simulator, endpoint: str, call: Callable[[], Any], nth: int = 2
) -> acc.ServerError:
    sim.add_fault("status", code=503, on=endpoint, nth=nth)
    with pytest.raises(acc.ServerError) as raised:
        call()
    return raised.value


def of(rows: Any) -> list[str]:
    return [row["id"] for row in rows]


def test_list_that_fails_is_resumed_with_after(sim: acc.testing.Simulator, ids: list[str]) -> None:
    assets = sim.client(retry=ONCE).project(sim.project_id).assets
    error = failed(sim, "assets", assets.list)
    assert isinstance(error.partial, acc.AssetTable)
    assert len(error.partial) == 200
    assert repr(error.partial) == "AssetTable: 200 rows, incomplete"
    before = requests(sim, "assets")
    # Even in another process.
    for after in (error, error.partial, pickle.loads(pickle.dumps(error))):
        assert sorted(of(assets.list(after=after))) == sorted(ids)
    resumed = requests(sim, "assets") - before
    assets.list()
    # All requests of a list, except for the page that was read.
    assert resumed == 3 * (requests(sim, "assets") - before - resumed - 1)
    # It fails again, at least one page later: several requests are in flight.
    error = failed(sim, "assets", lambda: assets.list(after=error), nth=2)
    assert error.partial is not None
    assert 200 < len(error.partial) < 450
    whole = assets.list(after=error)
    assert sorted(of(whole)) == sorted(ids)
    assert repr(whole) == "AssetTable: 450 rows"


def test_list_resumes_only_with_the_same_filters(
    sim: acc.testing.Simulator, kit: Kit, ids: list[str]
) -> None:
    project = sim.client(retry=ONCE).project(sim.project_id)
    error = failed(sim, "assets", lambda: project.assets.list(status=[kit.status, kit.other_status]))
    others: list[tuple[Callable[[], Any], str]] = [
        (lambda: project.assets.list(status=kit.status, after=error), "filter[statusId]"),
        (lambda: project.assets.list(after=error), "filter[statusId]"),
        (lambda: project.assets.get(ids, after=error), "another call"),
        (lambda: project.relationships.search(after=error), "another call"),
        (lambda: project.assets.list(after="cursor"), "must be the exception"),  # type: ignore[arg-type]
        (lambda: project.assets.list(after=project.assets.get(ids[:3])), "complete"),
    ]
    for call, named in others:
        with pytest.raises(acc.OptionError, match="after") as raised:
            call()
        assert named in str(raised.value)
    found = project.assets.list(status=[kit.other_status, kit.status], after=error)
    assert sorted(of(found)) == sorted(ids)
    # An error before any read: there is nothing to resume.
    assert len(project.assets.list(after=acc.OptionError("no"))) == 450


def test_get_that_fails_is_resumed_with_after(sim: acc.testing.Simulator, ids: list[str]) -> None:
    assets = sim.client(retry=ONCE, max_in_flight=1).project(sim.project_id).assets
    unknown = "00000000-0000-4000-8000-0000000000a1"
    asked = [unknown, *ids[:250], ids[0], "no id"]
    error = failed(sim, "assets:batch-get", lambda: assets.get(asked))
    assert isinstance(error.partial, acc.AssetTable)
    assert of(error.partial) == ids[:99]
    assert error.partial.missing == [unknown, "no id"]
    before = requests(sim, "assets:batch-get")
    whole = assets.get(asked, after=error)
    assert of(whole) == of(assets.get(asked))
    assert whole.missing == [unknown, "no id"]
    again = pickle.loads(pickle.dumps(error))
    assert of(assets.get(iter(asked), after=again)) == of(whole)
    assert requests(sim, "assets:batch-get") == before + 2 + 3 + 2
    with pytest.raises(acc.InputError, match="not the ids of the call that failed"):
        assets.get(ids, after=error)
    with pytest.raises(acc.OptionError, match="includeDeleted"):
        assets.get(asked, include_deleted=True, after=error)


def test_search_that_fails_is_resumed_with_after(sim: acc.testing.Simulator) -> None:
    made = sim.seed_relationships(250)
    relationships = sim.client(retry=ONCE).project(sim.project_id).relationships
    whole = of(relationships.search())
    error = failed(sim, "relationships:search", relationships.search)
    assert isinstance(error.partial, acc.RelationshipTable)
    assert 0 < len(error.partial) < 250
    assert repr(error.partial) == f"RelationshipTable: {len(error.partial)} rows, incomplete"
    for kept in (error, error.partial, pickle.loads(pickle.dumps(error))):
        assert of(relationships.search(after=kept)) == whole
    with pytest.raises(acc.OptionError, match="another call"):
        sim.client().project(sim.project_id).assets.list(after=error)
    assert set(made) <= set(whole)


def test_interrupted_list_is_resumed_with_after(sim: acc.testing.Simulator, ids: list[str]) -> None:
    assets = sim.client().project(sim.project_id).assets
    sim.add_fault("delay", ms=600, on="assets", nth=2)
    before = sim.audit()["requests"]

    def interrupt() -> None:
        while sim.audit()["requests"] < before + 1:
            time.sleep(0.01)
        _thread.interrupt_main()

    timer = threading.Thread(target=interrupt)
    timer.start()
    with pytest.raises(acc.ReadInterrupted) as raised:
        assets.list(names=False)
    timer.join()
    error = raised.value
    assert isinstance(error, KeyboardInterrupt)
    assert error.partial is not None
    assert 200 <= len(error.partial) < 450
    assert sorted(of(assets.list(after=error))) == sorted(ids)


def test_interrupted_search_is_resumed_with_after(sim: acc.testing.Simulator) -> None:
    made = sim.seed_relationships(350)
    relationships = sim.client().project(sim.project_id).relationships
    sim.add_fault("delay", ms=600, on="relationships:search", nth=2)
    before = sim.audit()["requests"]

    def interrupt() -> None:
        while sim.audit()["requests"] < before + 1:
            time.sleep(0.01)
        _thread.interrupt_main()

    timer = threading.Thread(target=interrupt)
    timer.start()
    with pytest.raises(acc.ReadInterrupted) as raised:
        relationships.search()
    timer.join()
    assert type(raised.value.partial) is acc.RelationshipTable
    assert str(raised.value) == repr(raised.value.partial)
    assert set(made) <= {*of(relationships.search(after=raised.value))}


def test_awaited_reads_that_fail_or_are_canceled_are_resumed(
    sim: acc.testing.Simulator, ids: list[str]
) -> None:
    async def read() -> None:
        project = sim.async_client(retry=ONCE).project(sim.project_id)
        for endpoint, call in [("assets", project.assets.list), ("assets:batch-get", project.assets.get)]:
            arguments = () if endpoint == "assets" else (ids,)
            sim.add_fault("status", code=503, on=endpoint, nth=2)
            with pytest.raises(acc.ServerError) as raised:
                await call(*arguments)  # type: ignore[operator]
            whole = await call(*arguments, after=raised.value)  # type: ignore[operator]
            assert sorted(of(whole)) == sorted(ids)
        sim.add_fault("delay", ms=300, on="assets", nth=2)
        with pytest.raises(asyncio.TimeoutError) as late:
            await asyncio.wait_for(project.assets.list(names=False), 0.15)
        assert sorted(of(await project.assets.list(after=late.value))) == sorted(ids)
        sim.add_fault("status", code=503, on="relationships:search")
        sim.seed_relationships(3)
        with pytest.raises(acc.ServerError) as refused:
            await project.relationships.search()
        assert len(await project.relationships.search(after=refused.value)) >= 3
        made = sim.seed_relationships(350)
        sim.add_fault("delay", ms=300, on="relationships:search", nth=2)
        with pytest.raises(asyncio.TimeoutError) as late:
            await asyncio.wait_for(project.relationships.search(), 0.15)
        if sys.version_info >= (3, 11):
            assert late.value.__cause__ is not None
            partial = getattr(late.value.__cause__, "partial", None)
            assert type(partial) is acc.RelationshipTable
            assert 0 < len(partial) < 350
        assert set(made) <= {*of(await project.relationships.search(after=late.value))}

    asyncio.run(read())


def test_error_before_a_resumed_list_keeps_its_pages(
    sim: acc.testing.Simulator, kit: Kit, ids: list[str]
) -> None:
    name = next(found["name"] for found in sim.world()["categories"] if found["id"] == kit.category)
    assets = sim.client(retry=ONCE).project(sim.project_id).assets
    error = failed(sim, "assets", lambda: assets.list(category=name))
    other = sim.client(retry=ONCE).project(sim.project_id).assets
    later = failed(sim, "categories", lambda: other.list(category=name, after=error), nth=1)
    assert later.partial is not None
    assert len(later.partial) == 200
    assert sorted(of(other.list(category=name, after=later))) == sorted(ids)


def test_progress_has_the_phase_of_a_call(client: acc.Client, project: acc.Project, kit: Kit) -> None:
    engine = client._session.engine()
    options = write_options() | Reading().options()
    rows = acc._core.Rows.from_dicts(kit.rows(2))
    operations = {
        "settings": engine.read_settings(project.id, None),
        "reading": engine.read("categories", project.id, {}, []),
        "writing": engine.write("create", project.id, rows, options),
    }
    for word, operation in operations.items():
        assert operation.progress()[1:] == (2 if word == "writing" else None, 0, 0, word)
        seen: list[tuple[Any, ...]] = []
        operation.wait(lambda *progress, seen=seen: seen.append(progress), lambda: None)
        assert seen[-1] == operation.progress()
        assert operation.progress()[4] == word


def test_a_partial_table_has_names(sim: acc.testing.Simulator, ids: list[str]) -> None:
    pytest.importorskip("pandas")
    project = sim.client(retry=acc.Retry(attempts=1)).project(sim.project_id)
    project.settings()
    sim.add_fault("status", on="assets", code=403, nth=2)
    with pytest.raises(acc.ForbiddenError) as raised:
        project.assets.list()
    kept = raised.value.partial
    assert isinstance(kept, acc.AssetTable)
    assert len(kept) > 0
    assert "Category" in str(kept)
    assert kept.to_pandas(names=True)["Category"].str.contains(" > ").all()
