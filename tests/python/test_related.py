"""`relationships.search` names both ends."""

from __future__ import annotations

import pickle
import re
from typing import Any

import pytest
from conftest import Kit
from front import Passing, front

import acc_assets as acc


def columns(found: acc.RelationshipTable) -> dict[str, list[Any]]:
    """The text columns of a table, as Python objects."""
    return {name: list(values) for name, _, values, _ in found._flat().frame(["text"])}


def requests(sim: acc.testing.Simulator) -> int:
    """The number of requests that read assets by their ids."""
    endpoints: dict[str, Any] = sim.audit()["endpoints"]
    return int(endpoints.get("assets:batch-get", {"requests": 0})["requests"])


@pytest.fixture
def linked(sim: acc.testing.Simulator, project: acc.Project, kit: Kit) -> dict[str, str]:
    """The ids and Asset IDs of 110 assets with 130 relationships."""
    rows = [kit.row(f"AHU-{number}", barcode=f"B-{number}") for number in range(110)]
    project.assets.create(rows).raise_if_failed()
    sim.seed_relationships(130)
    return {asset["id"]: asset["clientAssetId"] for asset in sim.assets()}


def test_search_names_the_assets(
    sim: acc.testing.Simulator, project: acc.Project, linked: dict[str, str]
) -> None:
    found = project.relationships.search("asset", "document")
    shown = columns(found)
    assert set(shown["from_kind"]) | set(shown["to_kind"]) == {"asset", "document"}
    for end in ("from", "to"):
        names = [f"{end}_{name}" for name in ("kind", "id", "name", "barcode")]
        for kind, id, name, barcode in zip(*map(shown.get, names), strict=True):
            expected = linked[id] if kind == "asset" else None
            assert (name, barcode) == (expected, expected and expected.replace("AHU", "B"))
    # 110 assets, at most 100 per request.
    assert requests(sim) == 2
    # The rows themselves stay as the service sent them.
    assert set(found[0]["entities"][0]) <= {"createdOn", "domain", "type", "id"}


async def test_search_names_the_assets_asynchronously(
    async_project: acc.AsyncProject, linked: dict[str, str]
) -> None:
    found = await async_project.relationships.search("asset")
    assert set(columns(found)["from_name"]) - {None} <= set(linked.values())


def test_a_deleted_asset_has_a_name_and_a_missing_one_has_none(
    sim: acc.testing.Simulator, project: acc.Project, linked: dict[str, str]
) -> None:
    named = columns(project.relationships.search())
    ids, names = named["from_id"], named["from_name"]
    project.assets.delete(list(linked)).raise_if_failed()
    assert columns(project.relationships.search()) == named
    sim.add_fault("drop_results", on="assets:batch-get")
    without = columns(project.relationships.search())
    assert without["from_id"] == ids
    lost = [id for id, name, now in zip(ids, names, without["from_name"], strict=True) if name != now]
    assert len(set(lost)) == 1
    assert without["from_name"][ids.index(lost[0])] is None


@pytest.mark.once
def test_names_of_the_wrong_type_are_text(
    sim: acc.testing.Simulator, project: acc.Project, linked: dict[str, str]
) -> None:
    def spoiled(passing: Passing) -> bytes:
        answer = passing.forward()
        body = re.sub(rb'"clientAssetId":"AHU-(\d+)"', rb'"clientAssetId":\1', answer.body)
        return answer._replace(body=body).whole()

    with front(sim, spoiled) as (url, _):
        found = acc.Client(sim.token, base_url=url).project(sim.project_id).relationships.search("asset")
    names = columns(found)["from_name"]
    assert set(names) == {name.removeprefix("AHU-") for name in linked.values()}


@pytest.mark.once
def test_names_stay_with_slices_and_pickles(project: acc.Project, linked: dict[str, str]) -> None:
    found = project.relationships.search("asset")
    names = columns(found)["from_name"]
    assert columns(found[1:3])["from_name"] == names[1:3]
    assert columns(pickle.loads(pickle.dumps(found)))["from_name"] == names
    assert str(names[0]) in found._repr_html_()


@pytest.mark.once
def test_search_without_names_reads_no_assets(
    sim: acc.testing.Simulator, project: acc.Project, linked: dict[str, str]
) -> None:
    found = project.relationships.search("asset", names=False)
    assert requests(sim) == 0
    shown = columns(found)
    assert "from_kind" in shown
    assert not {"from_name", "from_barcode", "to_name", "to_barcode"} & set(shown)
    with pytest.raises(acc.OptionError, match="names must be True or False"):
        project.relationships.search(names=None)  # type: ignore[arg-type]


@pytest.mark.once
def test_a_table_without_relationships_has_all_columns(
    sim: acc.testing.Simulator, project: acc.Project, linked: dict[str, str]
) -> None:
    full = project.relationships.search("asset")
    empty = project.relationships.search("asset", "photo")
    assert len(empty) == 0
    assert list(columns(empty)) == list(columns(full))
    assert requests(sim) == 2


def test_partial_has_all_relationships_if_the_assets_cannot_be_read(
    sim: acc.testing.Simulator, linked: dict[str, str]
) -> None:
    relationships = sim.client(retry={"attempts": 1}).project(sim.project_id).relationships
    whole = relationships.search("asset").to_dicts()
    sim.add_fault("status", code=503, on="assets:batch-get")
    with pytest.raises(acc.ServerError) as caught:
        relationships.search("asset")
    partial = caught.value.partial
    assert isinstance(partial, acc.RelationshipTable)
    assert partial.to_dicts() == whole
    assert "from_name" not in columns(partial)
    with pytest.raises(acc.OptionError, match=r"that read is complete: use its `.partial`"):
        relationships.search("asset", after=caught.value)
    sim.add_fault("status", code=503, on="relationships:search", nth=2)
    with pytest.raises(acc.ServerError) as caught:
        relationships.search("asset")
    found = relationships.search("asset", after=caught.value)
    assert found.to_dicts() == whole
    assert set(columns(found)["from_name"]) & set(linked.values())


def test_tables_of_relationships_and_assets_are_not_mixed_up(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    """The ids of both are UUIDs."""
    project.assets.create(kit.row("AHU-1")).raise_if_failed()
    sim.seed_relationships(2)
    links, before = project.relationships.search(acc.Entity("asset")), sim.audit()["requests"]
    for verb in (project.assets.get, project.assets.delete):
        with pytest.raises(acc.InputError, match="whose ids are not those of assets"):
            verb(links)
    assert sim.audit()["requests"] == before
    with pytest.raises(acc.InputError, match="whose ids are not those of relationships"):
        project.relationships.delete(project.assets.list())
