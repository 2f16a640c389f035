"""Deleting and finding relationships."""

from __future__ import annotations

import pathlib
import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from front import front

import acc_assets as acc

pytestmark = pytest.mark.once


def test_relationships_delete_sends_50_ids_per_request(
    project: acc.Project, sim: acc.testing.Simulator
) -> None:
    ids = sim.seed_relationships(120)
    result = project.relationships.delete(ids)
    assert result.counts == {"deleted": 120}
    assert result.ids == ids
    assert result.stats.requests == 3
    assert sim.audit()["relationships_deleted"] == 120


def test_id_missing_from_the_response_is_not_deleted(
    project: acc.Project, sim: acc.testing.Simulator
) -> None:
    known, unknown = sim.seed_relationships(1)[0], str(uuid.uuid4())
    result = project.relationships.delete([unknown, known])
    assert [outcome.status for outcome in result] == ["rejected", "deleted"]


def test_the_region_is_sent(sim: acc.testing.Simulator) -> None:
    sim.set_switch("region_header", "required")
    ids = sim.seed_relationships(2)
    with sim.client() as client, pytest.raises(acc.ForbiddenError, match="region"):
        client.project(sim.project_id).relationships.search()
    with sim.client(region=sim.world()["region"]) as client:
        assert client.project(sim.project_id).relationships.delete(ids).ok


def test_search_finds_by_either_end(project: acc.Project, sim: acc.testing.Simulator) -> None:
    ids = sim.seed_relationships(130)
    everything = project.relationships.search()
    assert {found["id"] for found in everything} >= set(ids)
    one, other = everything[0]["entities"]
    assert one["id"] != other["id"]
    for end in (one, other):
        found = project.relationships.search(acc.Entity(end["domain"], end["type"], end["id"]))
        assert everything[0]["id"] in {relationship["id"] for relationship in found}
        assert len(found) < len(everything)


def found_ids(relationships: acc.RelationshipTable) -> set[str]:
    return {str(found["id"]) for found in relationships}


def test_deleted_relationships_can_be_searched(project: acc.Project, sim: acc.testing.Simulator) -> None:
    ids = sim.seed_relationships(2)
    project.relationships.delete(ids[:1])
    search = project.relationships.search
    assert found_ids(search(only_deleted=True)) == {ids[0]}
    assert found_ids(search(include_deleted=True)) == set(ids)
    assert found_ids(search()) == {ids[1]}


def test_search_is_by_time_of_creation(sim: acc.testing.Simulator) -> None:
    ids = set(sim.seed_relationships(2))
    with (
        front(sim, lambda passing: passing.forward().whole()) as (url, seen),
        acc.Client(sim.token, base_url=url) as client,
    ):
        search = client.project(sim.project_id).relationships.search
        created = datetime.fromisoformat(str(search()[0]["createdOn"]).replace("Z", "+00:00"))
        after, before = created - timedelta(days=1), created + timedelta(days=1)
        assert found_ids(search(created_after=after, created_before=before)) == ids
        assert len(search(created_after=before)) == 0
        assert len(search(created_before=after)) == 0
        assert found_ids(search(created_after=after.isoformat())) == ids
    searches = [request for request in seen if "relationships:search" in request.path]
    sent = dict(parse_qsl(urlsplit(searches[1].path).query))
    # The page requires ISO 8601. A time without a zone would be interpreted differently.
    for name, time in (("createdAfter", after), ("createdBefore", before)):
        assert datetime.fromisoformat(sent[name].replace("Z", "+00:00")) == time


def test_search_results_can_be_deleted(project: acc.Project, sim: acc.testing.Simulator) -> None:
    sim.seed_relationships(130)
    everything = project.relationships.search()
    end = everything[0]["entities"][0]
    found = project.relationships.search(acc.Entity(end["domain"], end["type"]))
    assert len(found) > 50
    result = project.relationships.delete(found)
    assert result.counts == {"deleted": len(found)}
    assert len(project.relationships.search(acc.Entity(end["domain"], end["type"]))) == 0


def test_an_entity_with_an_id_has_a_type() -> None:
    with pytest.raises(acc.OptionError, match="has an id but no type"):
        acc.Entity("autodesk-bim360-asset", id="x")


@pytest.mark.parametrize("kind", ["assets", "", "nope", "AHU-1", "AHU-1.2", "bim360-asset"])
def test_unknown_kind_of_entity_is_rejected(kind: str, project: acc.Project) -> None:
    with pytest.raises(acc.OptionError, match="Known kinds: asset, "):
        acc.Entity(kind)
    with pytest.raises(acc.OptionError, match="Known kinds: asset, ") as caught:
        project.relationships.search(kind)
    assert 'For one asset, pass its id: acc_assets.Entity("asset", id=' in str(caught.value)
    assert "Known domains: autodesk-bim360-asset, autodesk-" in str(caught.value)
    # Other domains may exist.
    assert acc.Entity("autodesk-new").domain == "autodesk-new"
    assert acc.Entity("bim360-asset", "thing").domain == "bim360-asset"


def test_an_id_in_place_of_a_kind_is_rejected(project: acc.Project) -> None:
    id = str(uuid.uuid4())
    for misuse in (lambda: project.relationships.search(id), lambda: acc.Entity("asset", id)):
        with pytest.raises(acc.OptionError, match=r'Pass acc_assets.Entity\("asset", id='):
            misuse()
    with pytest.raises(acc.OptionError, match="already"):
        acc.Entity("asset", "checklist")
    assert acc.Entity("asset", "asset") == acc.Entity("asset")


def test_entity_accepts_strings_and_uuids() -> None:
    id = uuid.uuid4()
    assert acc.Entity("asset", id=id).id == str(id)
    for wrong in (None, ["asset"], 7):
        with pytest.raises(acc.OptionError, match="must be a string"):
            acc.Entity(wrong)  # type: ignore[arg-type]


def test_search_takes_one_id_per_end(project: acc.Project, sim: acc.testing.Simulator) -> None:
    ids = [str(uuid.uuid4()), str(uuid.uuid4())]
    wrong: Any
    for wrong in (ids, tuple(ids), set(ids), {}, "", " "):
        with pytest.raises(acc.OptionError, match="the id of one entity"):
            acc.Entity("asset", id=wrong)
    before = sim.audit()["requests"]
    for end in (acc.Entity("asset", id="AHU-1"), acc.Entity("autodesk-bim360-asset", "asset", "000123")):
        with pytest.raises(acc.OptionError, match="not the id of an asset"):
            project.relationships.search(end)
        with pytest.raises(acc.OptionError, match="not the id of an asset"):
            project.relationships.search("photo", end)
    assert sim.audit()["requests"] == before


def test_domains_and_types_match_in_any_case() -> None:
    assert acc.Entity("autodesk-BIM360-asset", "Asset") == acc.Entity("asset")
    assert acc.Entity("autodesk-bim360-documentmanagement", "DocumentLineage") == acc.Entity("document")
    for kind in ("Asset", "ASSET", " asset "):
        assert acc.Entity(kind) == acc.Entity("asset")
    assert acc.Entity("Form Template") == acc.Entity("form template")
    # What is not documented is not changed.
    assert acc.Entity("autodesk-New", "Thing")[:2] == ("autodesk-New", "Thing")


def test_a_changed_entity_keeps_the_rules() -> None:
    entity = acc.Entity("asset", id="A")
    assert entity._replace(id="7") == acc.Entity("asset", id="7")
    assert entity._replace(domain="issue", type=None, id=None) == acc.Entity("issue")
    for changes in ({"type": None}, {"domain": 7}, {"domain": "isue", "type": None, "id": None}):
        with pytest.raises(acc.OptionError):
            entity._replace(**changes)
    with pytest.raises(acc.OptionError, match="has an id but no type"):
        acc.Entity._make(("autodesk-bim360-asset", None, "A"))


def test_an_entity_has_a_short_name(project: acc.Project, sim: acc.testing.Simulator) -> None:
    sim.seed_relationships(130)
    asset = acc.Entity("asset")
    assert tuple(asset) == ("autodesk-bim360-asset", "asset", None)
    found = project.relationships.search(asset)
    assert found.to_dicts() == project.relationships.search("asset").to_dicts()
    # The order of the two ends does not matter.
    documents = project.relationships.search("document", asset)
    assert documents.to_dicts() == project.relationships.search(asset, "document").to_dicts()
    assert len(documents) == 130
    assert len(project.relationships.search(asset, "photo")) == 0
    with pytest.raises(acc.OptionError, match=r"must be an acc_assets\.Entity"):
        project.relationships.search(7)  # type: ignore[arg-type]


def test_415_error_mentions_the_proxy(project: acc.Project, sim: acc.testing.Simulator) -> None:
    ids = sim.seed_relationships(2)
    sim.add_fault("status", code=415, on="relationships:delete")
    with pytest.raises(acc.UnsupportedMediaTypeError, match="a proxy may have changed the request") as caught:
        project.relationships.delete(ids)
    assert caught.value.status == 415
    assert caught.value.result is not None
    assert caught.value.result.counts == {"failed": 2}


def test_delete_is_called_delete(
    project: acc.Project,
    sim: acc.testing.Simulator,
    caplog: pytest.LogCaptureFixture,
    tmp_path: pathlib.Path,
) -> None:
    ids = [*sim.seed_relationships(3), "no id"]
    result = project.relationships.delete(ids, run=tmp_path / "links.sqlite")
    assert [record.getMessage() for record in caplog.records] == [
        "delete relationships: 4 rows, 3 deleted, 1 invalid; `id` is 'no id': not a UUID (row 3): use the id assigned by "
        "the service"
    ]
    assert [run["verb"] for run in acc.runs(tmp_path).to_dicts()] == ["delete relationships"]
    with pytest.raises(acc.OptionError, match="a result of `delete relationships`"):
        project.assets.retry(project.relationships.delete(sim.seed_relationships(1)))
    assert result.counts == {"deleted": 3, "invalid": 1}
