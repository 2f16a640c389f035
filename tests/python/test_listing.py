"""`assets.list`, `iter` and `count`: whole lists, page by page, and numbers."""

from __future__ import annotations

import asyncio
import pickle
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import Kit, until
from front import Passing, front

import acc_assets as acc

# Each failure ends a read immediately.
ONCE = acc.Retry(attempts=1)


@pytest.fixture
def ids(project: acc.Project, kit: Kit) -> list[str]:
    return [str(id_) for id_ in project.assets.create(kit.rows(450)).ids]


@pytest.fixture
def requests(sim: acc.testing.Simulator) -> Callable[[], int]:
    """The number of requests since the last call."""
    last = 0

    def since() -> int:
        nonlocal last
        before, last = last, sim.audit()["requests"]
        return last - before

    return since


def keys(pages: Any) -> list[str]:
    return [asset["clientAssetId"] for page in pages for asset in page]


# ---- iter ----


def test_iter_returns_every_asset_once(project: acc.Project, ids: list[str]) -> None:
    pages = list(project.assets.iter(page_size=100))
    assert all(0 < len(page) <= 100 for page in pages)
    assert sorted(asset["id"] for page in pages for asset in page) == sorted(ids)
    assert {type(page) for page in pages} == {acc.AssetTable}
    assert pages[0].to_dicts()[0]["customAttributes"] is not None
    assert "customAttributes" not in next(project.assets.iter(include_custom_attributes=False))[0]


def test_iter_takes_the_filters_of_list(project: acc.Project, kit: Kit) -> None:
    result = project.assets.create([*kit.rows(5), kit.row("one", barcode="B-1")])
    project.assets.delete([result.ids[1]])
    filters: dict[str, Any]
    for filters in (
        {"text": "AHU", "deleted": True},
        {"text": "AHU"},
        {"category": "Air Handling", "status": kit.status},
        {"updated": "2000-01-01..", "attributes": {kit.name("numeric"): 1}},
        {"category": "Fans"},
    ):
        expected = sorted(keys([project.assets.list(**filters)]))
        assert sorted(keys(project.assets.iter(**filters))) == expected
        assert project.assets.count(**filters) == len(expected), filters


def test_iter_reads_one_page_ahead(sim: acc.testing.Simulator, project: acc.Project, ids: list[str]) -> None:
    project.settings()

    def requests() -> int:
        return sim.audit()["requests"] - before

    before = sim.audit()["requests"]
    pages = project.assets.iter(page_size=50)
    time.sleep(0.05)
    assert requests() == 0
    next(pages)
    # The newest page is read first and returned last.
    until(lambda: requests() == 3)
    time.sleep(0.05)
    assert requests() == 3
    next(pages)
    until(lambda: requests() == 4)
    pages.close()
    time.sleep(0.05)
    assert requests() == 4


def test_iter_reads_ahead_while_the_caller_works(sim: acc.testing.Simulator, ids: list[str]) -> None:
    """The next page has arrived when the caller asks for it, even if no event loop or thread waits for it."""
    arrived = threading.Event()

    def count(passing: Passing) -> bytes:
        answer = passing.forward().whole()
        if "cursorState" in passing.request.path:
            arrived.set()
        return answer

    with front(sim, count) as (url, _):
        pages = acc.Client(sim.token, base_url=url).project(sim.project_id).assets.iter(page_size=50)
        next(pages)
        assert arrived.wait(30)
        assert len([asset for page in pages for asset in page]) == 400


def test_an_error_of_a_page_that_was_read_ahead_is_raised_in_its_turn(
    sim: acc.testing.Simulator, ids: list[str]
) -> None:
    pages = sim.client(retry=ONCE).project(sim.project_id).assets.iter(page_size=50)
    seen = [*next(pages)]
    # The second page arrives, and no other page is requested before it is taken.
    time.sleep(0.5)
    sim.add_fault("status", on="assets", code=500, every=1)
    seen += next(pages)
    with pytest.raises(acc.ServerError):
        next(pages)
    assert next(pages, None) is None
    assert len(seen) == 100


def test_iter_reports_what_was_read_and_the_total(project: acc.Project, ids: list[str]) -> None:
    seen: list[tuple[int, int | None]] = []

    def show(now: acc.Progress) -> None:
        if now.phase == "reading":
            seen.append((now.done, now.total))

    project.settings()
    read = 0
    for page in project.assets.iter(page_size=50, progress=show):
        read += len(page)
        assert read <= seen[-1][0] <= 450
        # One page is read ahead, and the newest one is returned last.
        assert seen[-1][0] <= read + 100
        assert seen[-1][1] == 450
    assert seen[-1] == (450, 450)
    assert len({done for done, _ in seen}) > 4


def test_async_iter_reports_what_was_read_and_the_total(
    async_project: acc.AsyncProject, ids: list[str]
) -> None:
    seen: list[acc.Progress] = []

    async def read() -> None:
        await async_project.settings()
        async for _ in async_project.assets.iter(page_size=50, progress=seen.append):
            assert seen[-1].total == 450

    asyncio.run(read())
    assert (seen[-1].done, seen[-1].total) == (450, 450)
    assert seen[0].done < 450


def test_iter_returns_assets_that_change_meanwhile(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit, ids: list[str]
) -> None:
    seen = []
    for page in project.assets.iter(page_size=20):
        seen += [asset["id"] for asset in page]
        if len(seen) <= 100:
            with sim.client() as other:
                assets = other.project(project.id).assets
                assets.patch([{"id": id_, "description": "moved"} for id_ in ids[200:210]])
                assets.delete(ids[len(seen) : len(seen) + 2])
    assert len(set(seen)) == len(seen)
    assert set(ids) - set(seen) <= set(ids[:110])
    assert not {asset["id"] for asset in project.assets.list()} - set(seen)


@pytest.mark.once
def test_iter_ends_although_the_loop_creates_assets(
    sim: acc.testing.Simulator, kit: Kit, ids: list[str]
) -> None:
    assets = sim.client().project(sim.project_id).assets
    category: Any
    for category in (None, kit.category):
        seen: list[object] = []
        for page in assets.iter(page_size=50, category=category):
            seen += [asset["id"] for asset in page]
            assert len(seen) < 5_000
            assets.create(kit.rows(len(page))).raise_if_failed()
        assert len(set(seen)) == len(seen)
        assert set(seen) >= set(ids)


def test_iter_is_async_in_the_async_api(async_project: acc.AsyncProject, ids: list[str]) -> None:
    async def read() -> list[str]:
        found = []
        async for page in async_project.assets.iter(page_size=200):
            found += [str(asset["id"]) for asset in page]
        first = async_project.assets.iter(page_size=7)
        assert len(await first.__anext__()) == 7
        assert await async_project.assets.count() == 450
        return found

    assert sorted(asyncio.run(read())) == sorted(ids)


def test_iter_checks_its_options_when_called(project: acc.Project, requests: Callable[[], int]) -> None:
    requests()
    wrong: Any
    for wrong in (0, 201, True, 1.5, None):
        with pytest.raises(acc.OptionError, match=r"^page_size must be"):
            project.assets.iter(page_size=wrong)
    with pytest.raises(acc.OptionError, match=r"^text must be"):
        project.assets.iter(text="")
    assert requests() == 0
    with pytest.raises(acc.OptionError, match="no such category"):
        next(project.assets.iter(category="Air Handlin"))


def test_iter_that_fails_ends_with_the_error(sim: acc.testing.Simulator, ids: list[str]) -> None:
    pages = sim.client(retry=ONCE).project(sim.project_id).assets.iter(page_size=100)
    # Two requests return the first page, and the third is sent ahead.
    sim.add_fault("status", code=503, on="assets", nth=3)
    next(pages)
    with pytest.raises(acc.ServerError):
        next(pages)
    assert list(pages) == []


# ---- count ----


def test_count_takes_one_request(project: acc.Project, ids: list[str], requests: Callable[[], int]) -> None:
    project.assets.delete(ids[:3])
    requests()
    assert project.assets.count() == 447
    assert requests() == 1
    assert project.assets.count(deleted=True) == 450
    assert project.assets.count(text="AHU-44") == 11
    assert project.assets.count(text="nothing") == 0


def test_count_of_a_long_filter_counts_every_asset_once(project: acc.Project, kit: Kit) -> None:
    first, second = kit.choices("multi_select")[:2]
    name, number = kit.name("multi_select"), kit.name("numeric")
    rows = [kit.row(f"N-{value}", **{name: [first, second], number: value}) for value in range(3)]
    project.assets.create(rows).raise_if_failed()
    filters: dict[str, Any] = {number: range(900), name: [first, second]}
    assert project.assets.count(attributes=filters) == 3
    assert keys([project.assets.list(attributes=filters)]) == ["N-0", "N-1", "N-2"]
    assert len(project.assets.list(attributes=filters, limit=2)) == 2


@pytest.mark.once
def test_count_reads_the_assets_if_the_service_reports_no_number(
    sim: acc.testing.Simulator, ids: list[str]
) -> None:
    def respond(passing: Any) -> bytes:
        return bytes(passing.forward().whole().replace(b'"totalResults"', b'"totalOfPages"'))

    with front(sim, respond) as (url, seen), acc.Client(sim.token, base_url=url) as client:
        assets = client.project(sim.project_id).assets
        assert assets.count() == 450
        assert len(seen) > 3
        assert sorted(asset["id"] for asset in assets.list()) == sorted(ids)


# ---- list ----


def test_list_is_never_short(sim: acc.testing.Simulator, ids: list[str]) -> None:
    assets = sim.client(retry=ONCE).project(sim.project_id).assets
    sim.add_fault("drop_results", on="assets", count=50, every=1)
    with pytest.raises(
        acc.ApiError, match=r"incomplete: it has [0-9]+ rows, but `totalResults` is 450"
    ) as raised:
        assets.list()
    assert raised.value.partial is not None
    assert 0 < len(raised.value.partial) < 450
    with pytest.raises(acc.ApiError, match="incomplete"):
        assets.list(limit=1000)
    with pytest.raises(acc.ApiError, match="incomplete"):
        list(assets.iter())
    sim.clear_faults()
    for after in (raised.value, pickle.loads(pickle.dumps(raised.value))):
        assert sorted(asset["id"] for asset in assets.list(after=after)) == sorted(ids)
    # A response that is short once is read again.
    for limit in (None, 450):
        sim.add_fault("drop_results", on="assets", count=5)
        assert len(assets.list(limit=limit)) == 450


def test_list_rejects_ids_that_are_no_text(sim: acc.testing.Simulator, ids: list[str]) -> None:
    assets = sim.client(retry=ONCE).project(sim.project_id).assets
    sim.add_fault("wrong_types", on="assets", every=1)
    for call in (assets.list, lambda: list(assets.iter())):
        with pytest.raises(acc.ApiError, match="no ids"):
            call()


def test_create_with_an_import_key_needs_a_whole_list(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit
) -> None:
    rows = [kit.row(f"AHU-{number}", barcode=f"B-{number}") for number in range(60)]
    project.assets.create(rows, import_key="barcode").raise_if_failed()
    sim.add_fault("drop_results", on="assets", count=50, every=1)
    with pytest.raises(acc.ApiError, match="incomplete"):
        project.assets.create(rows, import_key="barcode")
    sim.clear_faults()
    assert project.assets.count() == 60


def test_create_is_not_repeated_after_a_lookup_with_missing_rows(
    sim: acc.testing.Simulator, kit: Kit
) -> None:
    with sim.client(retry=acc.Retry(base=0.01, settle=0.1)) as client:
        project = client.project(sim.project_id)
        sim.add_fault("reset_after_apply", on="assets:batch-create")
        sim.add_fault("drop_results", on="assets", count=50, every=1)
        result = project.assets.create(kit.rows(5), settings=None)
        assert result.counts == {"unknown": 5}
        sim.clear_faults()
        assert project.assets.reconcile(result).counts == {"created": 5}
        assert project.assets.count() == 5


@pytest.mark.once
def test_list_keeps_urls_short(sim: acc.testing.Simulator, project: acc.Project, kit: Kit) -> None:
    numeric = kit.name("numeric")
    project.assets.create([kit.row("one", **{numeric: 899}), kit.row("two", **{numeric: 2000})])
    with (
        front(sim, lambda passing: passing.forward().whole()) as (url, seen),
        acc.Client(sim.token, base_url=url) as client,
    ):
        found = client.project(sim.project_id).assets.list(attributes={numeric: range(900)})
    assert keys([found]) == ["one"]
    paths = [one.path for one in seen if urlsplit(one.path).path.endswith("/assets")]
    assert len(paths) > 10
    assert max(map(len, paths)) < 6000


def test_limit_counts_only_assets_that_exist(project: acc.Project, ids: list[str]) -> None:
    project.assets.delete(ids[:300])
    whole = [str(asset["id"]) for asset in project.assets.list()]
    assert sorted(whole) == sorted(ids[300:])
    for limit in (3, 150, 151):
        assert [asset["id"] for asset in project.assets.list(limit=limit)] == whole[:limit]
    assert {str(asset["id"]) for asset in project.assets.list(limit=450, deleted=True)} == set(ids)
    assert len(project.assets.list(deleted=True)) == 450


def test_sort_puts_blanks_last(project: acc.Project, kit: Kit) -> None:
    numeric = kit.name("numeric")
    values = {"b": 10, "A": 9, "C": None, "ä": 9.5, "d": "1e1"}
    rows = [kit.row(name, **({} if value is None else {numeric: value})) for name, value in values.items()]
    project.assets.create(rows).raise_if_failed()
    for sort, expected in {
        numeric: ["A", "ä", "b", "d", "C"],
        f"-{numeric}": ["b", "d", "ä", "A", "C"],
        f"{numeric} desc, -clientAssetId": ["d", "b", "ä", "A", "C"],
        "Asset ID": ["A", "b", "C", "d", "ä"],
        # They were created at the same time.
        "-createdAt": ["A", "b", "C", "d", "ä"],
    }.items():
        assert keys([project.assets.list(sort=sort)]) == expected, sort


@pytest.mark.once
def test_a_filter_that_the_service_ignores_is_an_error(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit
) -> None:
    numeric = kit.name("numeric")
    rows = [kit.row(f"AHU-{number}", **{numeric: number}) for number in range(5)]
    project.assets.create(rows).raise_if_failed()
    sim.set_switch("ignore_filter", "all")
    assets = sim.client(retry=acc.Retry(base=0.01)).project(sim.project_id).assets
    wanted = {numeric: 3}
    for call in (
        lambda: assets.list(attributes=wanted),
        lambda: assets.list(attributes=wanted, include_custom_attributes=False),
        lambda: assets.list(attributes=wanted, limit=2),
        lambda: list(assets.iter(attributes=wanted)),
        lambda: assets.count(attributes=wanted),
    ):
        with pytest.raises(acc.ApiError, match="ignored"):
            call()


@pytest.mark.once
def test_limit_does_not_rely_on_the_service_to_sort(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit
) -> None:
    numeric = kit.name("numeric")
    rows = [kit.row(f"AHU-{number}", **{numeric: number * 7 % 40}) for number in range(40)]
    project.assets.create(rows).raise_if_failed()
    sim.set_switch("list_sort", "ignored")
    found = project.assets.list(sort=f"-{numeric}", limit=3, names=False)
    assert [asset["customAttributes"][numeric] for asset in found] == ["39", "38", "37"]


@pytest.mark.once
def test_assets_with_equal_values_are_in_the_order_of_their_creation(project: acc.Project, kit: Kit) -> None:
    for number in range(3):
        project.assets.create([kit.row(f"AHU-{number}")]).raise_if_failed()
        time.sleep(0.005)
    first = project.assets.list(text="AHU-0", names=False)[0]
    project.assets.patch([{"id": first["id"], "description": "edited"}]).raise_if_failed()
    assert keys([project.assets.list(sort="statusId")]) == ["AHU-0", "AHU-1", "AHU-2"]


@pytest.mark.once
def test_a_deleted_asset_shows_in_its_time_of_deletion(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit
) -> None:
    """A response without `isActive`."""
    made = project.assets.create(kit.rows(3)).raise_if_failed()
    project.assets.delete(made.ids[:1]).raise_if_failed()

    def answer(passing: Passing) -> bytes:
        response = passing.forward()
        body = re.sub(rb'"isActive":(true|false),|,"isActive":(true|false)', b"", response.body)
        return response._replace(body=body).whole()

    with front(sim, answer) as (url, _), acc.Client(sim.token, base_url=url) as client:
        assets = client.project(sim.project_id).assets
        assert assets.list().ids == assets.list(limit=5).ids == made.ids[1:]


def test_pages_of_iter_have_one_schema(
    project: acc.Project, sim: acc.testing.Simulator, kit: Kit, tmp_path: Path
) -> None:
    polars = pytest.importorskip("polars")
    duckdb = pytest.importorskip("duckdb")
    sim.set_switch("required", "off")
    rows = [kit.row(f"A-{flow}", customAttributes={kit.name("numeric"): flow}) for flow in (5, 2.5, 7)]
    rows[1] |= {"barcode": "0017", "description": "x"}
    ids = project.assets.create([*rows, kit.row("none")]).ids
    project.assets.delete(ids[:1])
    pages = list(project.assets.iter(page_size=1, deleted=True))
    assert len(pages) == 4
    frames = [page.to_polars() for page in pages]
    assert polars.concat(frames)["Airflow"].sum() == 14.5
    for number, page in enumerate(pages):
        page.to_parquet(tmp_path / f"{number}.parquet")
    (found,) = duckdb.sql(f"select sum(Airflow) from '{tmp_path}/*.parquet'").fetchall()
    assert found == (14.5,)
    assert frames[0].columns == project.assets.list(text="nothing").to_polars().columns
    # Attributes that were not read have no columns.
    page = next(project.assets.iter(include_custom_attributes=False))
    assert "Airflow" not in page.to_polars().columns
    assert "Airflow" not in project.assets.get(ids, include_custom_attributes=False).to_polars().columns
    found = project.assets.get("x", by="Manufacturer", include_custom_attributes=False).to_polars()
    assert "Airflow" in found.columns


@pytest.mark.once
def test_limit_does_not_rely_on_an_order_that_is_mostly_right(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit
) -> None:
    numeric = kit.name("numeric")
    rows = [kit.row(f"{place}-{number:03}") for place in ("Roof", "Basement") for number in range(40)]
    project.assets.create([*rows, kit.row("Z", **{numeric: 3})]).raise_if_failed()
    sim.set_switch("list_sort", "ignored")
    for sort in ("Asset ID", f"-{numeric}"):
        whole = [asset["id"] for asset in project.assets.list(sort=sort)]
        assert [asset["id"] for asset in project.assets.list(sort=sort, limit=2)] == whole[:2], sort


@pytest.mark.once
def test_count_does_not_rely_on_the_first_rows(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit
) -> None:
    numeric = kit.name("numeric")
    rows = [kit.row(f"A-{number}", **{numeric: 1 if number < 250 else 2}) for number in range(260)]
    project.assets.create(rows).raise_if_failed()
    assert project.assets.count(attributes={numeric: 1}) == 250
    sim.set_switch("ignore_filter", "all")
    assets = sim.client(retry=acc.Retry(base=0.01)).project(sim.project_id).assets
    with pytest.raises(acc.ApiError, match="ignored"):
        assets.count(attributes={numeric: 1})


def test_the_last_date_goes_back_in(project: acc.Project, kit: Kit) -> None:
    pytest.importorskip("pandas")
    project.assets.create([kit.row("A", **{kit.name("date"): "9999-12-31"})]).raise_if_failed()
    assets = project.assets.list()
    for table in (assets, assets.to_pandas()):
        assert project.assets.patch(table).counts == {"unchanged": 1}
