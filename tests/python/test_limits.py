"""A service that accepts fewer rows per request than documented, and one that returns 503 for every write."""

from __future__ import annotations

import pytest
from conftest import Kit

import acc_assets as acc

pytestmark = pytest.mark.once


def requests(sim: acc.testing.Simulator, endpoint: str) -> int:
    of = sim.audit()["endpoints"].get(endpoint)
    return of["requests"] if of else 0


@pytest.mark.parametrize("limit", [50, 20])
@pytest.mark.parametrize("refusal", ["400", "silent", "413"])
@pytest.mark.parametrize("verb", ["create", "patch", "get", "delete"])
def test_a_lower_batch_limit_costs_at_most_six_further_requests(
    sim: acc.testing.Simulator, client: acc.Client, kit: Kit, verb: str, refusal: str, limit: int
) -> None:
    assets = client.project(sim.project_id).assets
    count, in_flight = 1000, 8
    rows = kit.rows(count)
    if verb != "create":
        ids = [outcome.id for outcome in assets.create(rows)]
        rows = [{"id": id_, "description": "checked"} if verb == "patch" else {"id": id_} for id_ in ids]
    sim.set_switch("max_items", str(limit))
    sim.set_switch("over_limit", refusal)
    if verb == "get":
        assert len(assets.get([row["id"] for row in rows])) == count
    else:
        done = {"create": "created", "patch": "updated", "delete": "deleted"}[verb]
        assert getattr(assets, verb)(rows).counts == {done: count}
    used = requests(sim, f"assets:batch-{verb}")
    assert used <= count // limit + in_flight + 6


def test_unlink_with_a_lower_batch_limit(sim: acc.testing.Simulator, client: acc.Client) -> None:
    ids = sim.seed_relationships(300)
    sim.set_switch("max_items", "20")
    result = client.project(sim.project_id).relationships.delete(ids)
    assert result.counts == {"deleted": 300}
    assert requests(sim, "relationships:delete") <= 300 // 20 + 8 + 6


def test_estimate_uses_the_learned_batch_limit(
    sim: acc.testing.Simulator, client: acc.Client, kit: Kit
) -> None:
    assets = client.project(sim.project_id).assets
    sim.set_switch("max_items", "20")
    assets.create(kit.rows(100))
    plan = assets.create(kit.rows(100), dry_run=True).estimate
    assert plan is not None
    assert plan.requests == 5


@pytest.mark.parametrize("rows", [100, 350, 3000])
@pytest.mark.parametrize("settle", [0.1, 0.3])
def test_a_lasting_outage_of_writes_raises_server_error(
    sim: acc.testing.Simulator, kit: Kit, rows: int, settle: float
) -> None:
    sim.add_fault("status", code=503, on="assets:batch-create", every=1)
    with sim.client(retry=acc.Retry(settle=settle)) as client:
        assets = client.project(sim.project_id).assets
        with pytest.raises(acc.ServerError) as raised:
            assets.create(kit.rows(rows))
        assert raised.value.status == 503
        result = client.last_result
        assert result is not None
        assert result is raised.value.result
        assert len(result) == rows
        assert set(result.counts) <= {"failed", "not_sent"}
        assert sim.assets() == []
        sim.clear_faults()
        assert result.retry().counts == {"created": rows}
        assert len(sim.assets()) == rows
