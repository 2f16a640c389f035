"""Lists that looked right: filters that are ignored, orders without their values, and rows that were lost."""

from __future__ import annotations

import json
import random
import warnings
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from conftest import Kit
from front import Passing, front

import acc_assets as acc

pytestmark = pytest.mark.once

ONCE = acc.Retry(attempts=1)


def names(assets: acc.AssetTable) -> list[str]:
    return [asset["clientAssetId"] for asset in assets]


def listed(sim: acc.testing.Simulator) -> int:
    """The number of requests for lists of assets."""
    return int(sim.audit()["endpoints"].get("assets", {"requests": 0})["requests"])


# ---- order ----


def test_sort_by_an_attribute_reads_its_values(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit
) -> None:
    pytest.importorskip("polars")
    numeric = kit.name("numeric")
    flows = random.Random(1).sample(range(1, 301), 300)
    project.assets.create([kit.row(f"A{flow:03}", **{numeric: flow}) for flow in flows]).raise_if_failed()
    expected = [f"A{flow:03}" for flow in range(300, 0, -1)]
    for limit in (3, 250, None):
        before = listed(sim)
        assets = project.assets.list(sort=f"-{numeric}", limit=limit, include_custom_attributes=False)
        assert names(assets) == expected[:limit]
        assert assets.to_polars()["Airflow"].to_list() == [float(name[1:]) for name in expected[:limit]]
        if limit == 3:
            assert listed(sim) - before == 1


def test_sort_by_a_text_attribute_compares_texts(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit
) -> None:
    text = kit.name("text")
    values = ["10", "9", "2a", "b", "007", "7", "1e3"]
    rows = [kit.row(f"{number:03}", **{text: values[number % 7]}) for number in range(210)]
    project.assets.create(rows).raise_if_failed()
    found = [asset["customAttributes"][text] for asset in project.assets.list(sort=text, names=False)]
    assert found == [value for value in ("007", "10", "1e3", "2a", "7", "9", "b") for _ in range(30)]
    before = listed(sim)
    # The service sorts, and its order is a usual one.
    assert len(project.assets.list(sort=text, limit=40)) == 40
    assert listed(sim) - before == 1


# ---- locations ----


@pytest.fixture
def placed(project: acc.Project, kit: Kit) -> list[str]:
    """Two assets in Building A, one of them in a room, and three in Building B."""
    places = ["Building A", "Building A > Level 0 > Room A001", *["Building B"] * 3]
    rows = [kit.row(f"A{number}", Location=place) for number, place in enumerate(places)]
    return [str(id) for id in project.assets.create(rows).raise_if_failed().ids]


def test_a_location_that_the_service_ignores_is_an_error(
    sim: acc.testing.Simulator, project: acc.Project, placed: list[str], kit: Kit
) -> None:
    assert project.assets.list(location="Building A").ids == placed[:2]
    assert project.assets.count(location="Building A") == 2
    sim.set_switch("ignore_filter", "all")
    assets = sim.client(retry=ONCE).project(sim.project_id).assets
    for call in (
        lambda: assets.list(location="Building A"),
        lambda: assets.list(location="Building A", limit=5),
        lambda: assets.list(location=["Building A", "Building A > Level 0"]),
        lambda: list(assets.iter(location="Building A")),
        lambda: assets.count(location="Building A"),
    ):
        with pytest.raises(acc.ApiError, match=r"ignored `filter\[locationId\]`"):
            call()


def test_assets_without_a_value_show_that_a_filter_is_ignored(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit
) -> None:
    project.assets.create(kit.rows(3)).raise_if_failed()
    assert project.assets.count(location="Building A") == 0
    sim.set_switch("ignore_filter", "all")
    assets = sim.client(retry=ONCE).project(sim.project_id).assets
    filters: list[dict[str, Any]] = [
        {"location": "Building A"},
        {"location": ["Building A", "Building B"]},
        *(
            {"attributes": {kit.name(kind): value}}
            for kind, value in [("numeric", (1, 5)), ("boolean", True)]
        ),
    ]
    for wanted in filters:
        for call in (assets.list, assets.count):
            with pytest.raises(acc.ApiError, match="ignored"):
                call(**wanted)


def test_locations_that_cannot_be_read_are_not_checked(
    sim: acc.testing.Simulator, placed: list[str], project: acc.Project
) -> None:
    one, other = (project.settings().location(name).id for name in ("Building A", "Building B"))
    sim.add_fault("status", on="locations", code=403, every=1)
    assets = sim.client(retry=ONCE).project(sim.project_id).assets
    with pytest.warns(acc.DataWarning, match="not checked whether the service applies location=") as warned:
        assert assets.list(location=one).ids == placed[:2]
    assert len(warned) == 1
    with pytest.warns(acc.DataWarning, match="not checked"):
        assert set(assets.list(location=[one, other]).ids) == set(placed)


def test_a_location_that_the_settings_do_not_have_is_no_error(
    sim: acc.testing.Simulator, placed: list[str], project: acc.Project
) -> None:
    room = project.settings().location("Building A > Level 0 > Room A001").id

    def answer(passing: Passing) -> bytes:
        response = passing.forward()
        if "/nodes" in passing.request.path:
            body = json.loads(response.body)
            body["results"] = [one for one in body["results"] if one["id"] != room]
            response = response._replace(body=json.dumps(body).encode())
        return response.whole()

    with front(sim, answer) as (url, _), sim.client(base_url=url, retry=ONCE) as client:
        assets = client.project(sim.project_id).assets
        assert assets.list(location="Building A").ids == placed[:2]
        # Each location is a list of its own, so that it includes new locations.
        for above in ("Building A", "Building A > Level 0"):
            found = assets.list(location=[above, "Building B"]).ids
            assert set(found) == set(placed if above == "Building A" else placed[1:])


def test_several_locations_take_few_requests() -> None:
    setup = {
        "categories": [{"path": ["HVAC", f"c{number}"]} for number in range(300)] + [{"path": ["El"]}],
        "locations": [{"path": [building, f"room {n}"]} for building in ("A", "B", "C") for n in range(700)],
    }
    sim = acc.testing.Simulator(project=setup, window=1.0)
    with sim, front(sim, lambda passing: passing.forward().whole()) as (url, seen):
        project = sim.client(base_url=url).project(sim.project_id)
        rows = [
            {
                "Asset ID": f"x{n}",
                "Category": f"HVAC > c{n}",
                "Status": "Specified",
                "Location": f"{'ABC'[n % 3]} > room {n}",
            }
            for n in range(300)
        ]
        project.assets.create(rows).raise_if_failed()

        def asked(**filters: Any) -> tuple[int, list[list[tuple[str, str]]]]:
            seen.clear()
            found = len(project.assets.list(**filters))
            queries = [urlsplit(one.path) for one in seen]
            return found, [parse_qsl(one.query) for one in queries if one.path.endswith("/assets")]

        for filters, most in (
            ({"location": ["A", "B"]}, 10),
            ({"location": ["A", "B"], "limit": 1}, 10),
            ({"location": ["A", "B"], "category": "HVAC"}, 20),
        ):
            found, queries = asked(**filters)
            assert found == filters.get("limit", 200)
            assert len(queries) <= most, filters
        # A room in a building that is listed anyway counts once.
        rooms = [f"A > room {number}" for number in (0, 3, 6)]
        for several, number in ((rooms, 3), ([*rooms, "A"], 100)):
            found, queries = asked(location=several)
            assert found == number
            assert len(queries) <= 20
        with pytest.raises(acc.OptionError, match="201 locations take a list each"):
            asked(location=[f"A > room {number}" for number in range(201)])
        assert project.assets.count(location=["A", "B"]) == 200
        assert len(project.assets.list(location=["A", *rooms], limit=2)) == 2


@pytest.mark.parametrize("wanted", [1, [1, 2]])
def test_an_ignored_numeric_filter_is_noticed(wanted: Any, sim: acc.testing.Simulator) -> None:
    """Texts are searched by substring, but 1 is not in 10."""
    project = sim.client().project(sim.project_id)
    row = {"Category": "HVAC > Air Handling", "Status": "Installed"}
    rows = [{"Asset ID": f"B{value}", "Airflow": value, **row} for value in (10, 12, 21, 100)]
    project.assets.create(rows).raise_if_failed()
    sim.set_switch("ignore_filter", "all")
    with pytest.raises(acc.ApiError, match=r"ignored `filter\[customAttributes\]"):
        project.assets.list(attributes={"Airflow": wanted})
    with pytest.raises(acc.ApiError, match=r"ignored `filter\[customAttributes\]"):
        project.assets.count(attributes={"Airflow": wanted})


def test_deleted_assets_without_values_do_not_show_that_a_filter_was_ignored(
    sim: acc.testing.Simulator,
) -> None:
    def without_values(passing: Passing) -> bytes:
        response = passing.forward()
        if "/assets?" in passing.request.path:
            body = json.loads(response.body)
            for asset in body["results"]:
                if not asset["isActive"]:
                    asset.pop("customAttributes", None)
                    asset.pop("locationId", None)
            response = response._replace(body=json.dumps(body).encode())
        return response.whole()

    with front(sim, without_values) as (url, _):
        project = sim.client(base_url=url).project(sim.project_id)
        row = {
            "Category": "HVAC > Air Handling",
            "Status": "Installed",
            "Airflow": 5,
            "Location": "Building A",
        }
        ids = project.assets.create([{"Asset ID": f"A{n}", **row} for n in range(6)]).ids
        project.assets.delete(ids[:1]).raise_if_failed()
        wanted: list[dict[str, Any]] = [{"attributes": {"Airflow": 5}}, {"location": "Building A"}]
        for filters in wanted:
            assert len(project.assets.list(**filters)) == 5
            assert len(project.assets.list(**filters, limit=2)) == 2
            assert project.assets.count(**filters) == 5


# ---- get, partial results and progress ----


@pytest.mark.parametrize("count", [1, 300])
def test_get_retries_a_response_without_the_requested_assets(
    count: int, sim: acc.testing.Simulator, project: acc.Project, kit: Kit
) -> None:
    ids = project.assets.create(kit.rows(count)).raise_if_failed().ids
    for nth in (1, 2, 3)[: max(1, count // 100)]:
        sim.add_fault("wrong_types", on="assets:batch-get", nth=nth)
        found = project.assets.get(ids)
        assert (found.ids, found.missing) == (ids, [])
    sim.add_fault("wrong_types", on="assets:batch-get", every=1)
    with pytest.raises(acc.ApiError, match="none of the requested assets") as caught:
        sim.client(retry=ONCE).project(sim.project_id).assets.get(ids)
    sim.clear_faults()
    assert project.assets.get(ids, after=caught.value).ids == ids


def test_get_rejects_the_assets_of_another_response(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit
) -> None:
    ids = project.assets.create(kit.rows(200)).raise_if_failed().ids
    kept: list[bytes] = []

    def answer(passing: Passing) -> bytes:
        whole = passing.forward().whole()
        if "assets:batch-get" in passing.request.path:
            kept.append(whole)
            # As of a cache that does not look at the request.
            return kept[0]
        return whole

    with (
        front(sim, answer) as (url, _),
        sim.client(base_url=url, retry=ONCE, max_in_flight=1) as client,
        pytest.raises(acc.ApiError, match="none of the requested assets") as caught,
    ):
        client.project(sim.project_id).assets.get(ids)
    assert caught.value.partial is not None
    assert caught.value.partial.ids == ids[:100]


def test_a_limited_list_that_fails_again_keeps_what_it_had(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit
) -> None:
    project.assets.create(kit.rows(900)).raise_if_failed()
    assets = sim.client(retry=ONCE).project(sim.project_id).assets
    error = None
    for nth, kept in ((4, 600), (1, 600), (2, 600), (1, 600)):
        sim.add_fault("status", code=400, on="assets", nth=nth)
        with pytest.raises(acc.ApiError) as caught:
            assets.list(limit=800, after=error)
        sim.clear_faults()
        error = caught.value
        assert error.partial is not None
        assert len(error.partial) == kept
    assert assets.list(limit=800, after=error).ids == project.assets.list(limit=800).ids


def test_progress_of_a_limited_list_counts_its_rows(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit
) -> None:
    project.assets.create(kit.rows(700)).raise_if_failed()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for sort in ("createdAt", "description"):
            seen: list[acc.Progress] = []
            project.assets.list(limit=250, progress=seen.append, sort=sort)
            assert (seen[-1].done, seen[-1].total) == (250, 250)
