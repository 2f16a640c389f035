"""`assets.count` relies on `totalResults` only where the service shows that it applies the filters."""

from __future__ import annotations

import datetime
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from conftest import Kit
from front import Answer, Passing, front

import acc_assets as acc

pytestmark = pytest.mark.once

Edit = Callable[[Any], None]


def listed(sim: acc.testing.Simulator) -> int:
    """The number of requests for lists of assets."""
    return int(sim.audit()["endpoints"].get("assets", {"requests": 0})["requests"])


def is_list(path: str) -> bool:
    return urlsplit(path).path.endswith("/assets")


@contextmanager
def edited(sim: acc.testing.Simulator, edit: Edit) -> Iterator[acc.Project]:
    """A project whose lists of assets are edited."""

    def answer(passing: Passing) -> bytes:
        response = passing.forward()
        if is_list(passing.request.path):
            body = json.loads(response.body)
            edit(body)
            response = response._replace(body=json.dumps(body).encode())
        return response.whole()

    retry = acc.Retry(attempts=1)
    with front(sim, answer) as (url, _), sim.client(base_url=url, retry=retry) as client:
        yield client.project(sim.project_id)


@contextmanager
def ignoring(sim: acc.testing.Simulator, parameter: str) -> Iterator[acc.Project]:
    """A project whose service ignores one parameter of lists of assets."""

    def answer(passing: Passing) -> bytes:
        address = urlsplit(passing.request.path)
        if not is_list(passing.request.path):
            return passing.forward().whole()
        pairs = [pair for pair in parse_qsl(address.query) if not pair[0].startswith(parameter)]
        headers = {"Authorization": passing.request.headers["authorization"]}
        request = urllib.request.Request(f"{sim.url}{address.path}?{urlencode(pairs)}", headers=headers)
        with urllib.request.urlopen(request) as response:
            return Answer(200, response.read()).whole()

    retry = acc.Retry(attempts=1)
    with front(sim, answer) as (url, _), sim.client(base_url=url, retry=retry) as client:
        yield client.project(sim.project_id)


@pytest.fixture
def filters(project: acc.Project, kit: Kit) -> dict[str, dict[str, Any]]:
    """Filters that each match the first 210 of 215 assets."""
    values = {
        "text": "Trane",
        "numeric": 5,
        "date": "2026-03-01",
        "boolean": True,
        "select": kit.choices("select")[0],
        "multi_select": kit.choices("multi_select")[:1],
    }
    attributes = {kit.name(kind): value for kind, value in values.items()}
    place = project.settings().location("Building A").id
    rows = [
        kit.row(f"A-{number}", locationId=place, description="rooftop", customAttributes=attributes)
        for number in range(210)
    ]
    project.assets.create(rows).raise_if_failed()
    time.sleep(0.01)
    middle = datetime.datetime.now(datetime.timezone.utc)
    time.sleep(0.01)
    other = {"Category": "Electrical > Outlets", "Status": "Planned", "Location": "Building B"}
    project.assets.create([{"Asset ID": f"B{number}", **other} for number in range(5)]).raise_if_failed()
    wanted = {name: {"attributes": {name: value}} for name, value in attributes.items()}
    return {
        "filter[categoryId]": {"category": kit.category},
        "filter[statusId]": {"status": kit.status},
        "filter[locationId]": {"location": "Building A"},
        "filter[updatedAt]": {"updated": (None, middle)},
        "filter[searchText]": {"text": "Rooftop"},
        **{f"filter[customAttributes][{name}]": one for name, one in wanted.items()},
    }


def test_count_shows_for_each_filter_that_it_is_applied(
    sim: acc.testing.Simulator, project: acc.Project, filters: dict[str, dict[str, Any]], kit: Kit
) -> None:
    assert len(filters) == 11
    for parameter, wanted in filters.items():
        before = listed(sim)
        assert project.assets.count(**wanted) == 210, parameter
        requests = listed(sim) - before
        assert requests == (3 if kit.name("boolean") in parameter else 2), parameter
    for parameter, wanted in filters.items():
        # The first page matches by chance.
        both = {"updated": datetime.date(2026, 1, 1), **wanted}
        with ignoring(sim, parameter) as ignores, pytest.raises(acc.ApiError, match="ignored") as caught:
            ignores.assets.count(**both)
        assert parameter in str(caught.value)


def test_count_notices_that_times_are_ignored(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit
) -> None:
    project.assets.create(kit.rows(5)).raise_if_failed()
    tomorrow = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)

    def first_matches(body: Any) -> None:
        body["results"][0]["updatedAt"] = (tomorrow + datetime.timedelta(days=1)).isoformat()

    sim.set_switch("ignore_filter", "all")
    with edited(sim, first_matches) as ignores, pytest.raises(acc.ApiError, match="ignored"):
        ignores.assets.count(updated=tomorrow)


def test_count_notices_ignored_filters_after_a_delete(
    sim: acc.testing.Simulator, project: acc.Project, filters: dict[str, dict[str, Any]]
) -> None:
    project.assets.delete(project.assets.list(limit=1)).raise_if_failed()
    wanted = filters["filter[categoryId]"]
    assert project.assets.count(**wanted) == 209
    assert project.assets.count(**wanted, deleted=True) == 210
    sim.set_switch("ignore_filter", "all")
    assets = sim.client(retry=acc.Retry(attempts=1)).project(sim.project_id).assets
    for deleted in (False, True):
        with pytest.raises(acc.ApiError, match="ignored"):
            assets.count(**wanted, deleted=deleted)


def test_count_of_a_filter_that_every_asset_matches_reads_no_list(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit
) -> None:
    project.assets.create(kit.rows(1000)).raise_if_failed()
    before = listed(sim)
    assert project.assets.count(status=kit.status) == 1000
    assert listed(sim) - before == 2


def test_a_total_of_one_page_is_no_total(sim: acc.testing.Simulator, project: acc.Project, kit: Kit) -> None:
    rows = [kit.row(f"A-{n}", statusId=kit.status if n % 3 else kit.other_status) for n in range(900)]
    ids = project.assets.create(rows).raise_if_failed().ids

    def only_this_page(body: Any) -> None:
        body["pagination"]["totalResults"] = len(body["results"])

    for edit in (only_this_page, lambda body: body["pagination"].update(totalResults=0)):
        with edited(sim, edit) as counted:
            assets = counted.assets
            assert assets.count() == 900
            assert assets.count(status=kit.status) == 600
            assert set(assets.list().ids) == set(ids)
            assert len(set(assets.list(limit=450).ids)) == 450
            assert len(assets.list(status=kit.status)) == 600


def test_count_reads_the_assets_if_totals_ignore_the_filters(
    sim: acc.testing.Simulator, project: acc.Project, filters: dict[str, dict[str, Any]]
) -> None:
    """The service filters the assets, and counts all: the list is incomplete, or so it seems."""

    def all_assets(body: Any) -> None:
        body["pagination"]["totalResults"] = 215

    with edited(sim, all_assets) as counted, pytest.raises(acc.ApiError, match="incomplete"):
        counted.assets.count(**filters["filter[statusId]"])
