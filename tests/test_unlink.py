"""Deleting and finding relationships."""

from __future__ import annotations

import uuid

import pytest

import acc_assets as acc


def test_relationships_are_deleted_fifty_a_request(project: acc.Project, sim: acc.testing.Simulator) -> None:
    ids = sim.seed_relationships(120)
    result = project.relationships.delete(ids)
    assert result.counts == {"deleted": 120}
    assert result.ids == ids
    assert result.stats.requests == 3
    assert sim.audit()["relationships_deleted"] == 120


def test_an_id_the_answer_does_not_name_is_not_deleted(
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
    end = everything[0]["entities"][0]
    found = project.relationships.search(domain=end["domain"], type=end["type"], id=end["id"])
    assert everything[0]["id"] in {relationship["id"] for relationship in found}


def test_deleted_relationships_can_be_searched(project: acc.Project, sim: acc.testing.Simulator) -> None:
    ids = sim.seed_relationships(2)
    project.relationships.delete(ids[:1])
    assert {found["id"] for found in project.relationships.search(only_deleted=True)} == {ids[0]}
    assert ids[0] not in {found["id"] for found in project.relationships.search()}


def test_a_search_by_id_needs_type_and_domain(project: acc.Project) -> None:
    with pytest.raises(acc.OptionError, match="type="):
        project.relationships.search(id="x")
    with pytest.raises(acc.OptionError, match="with_domain="):
        project.relationships.search(with_type="photo")
