"""A run that ends itself, by on_error="stop" or max_errors: what is in flight then is still settled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from conftest import Kit

import acc_assets as acc

NO_STATUS = "00000000-0000-4000-8000-000000000000"


def rows(kit: Kit, kind: str) -> Iterator[dict[str, Any]]:
    """Three slow ones, two bad ones while they are in flight, and many more."""
    yield from kit.rows(3)
    time.sleep(0.1)
    # This package refuses the one, the service the other.
    bad = {"invalid": {"description": "x" * 1001}, "rejected": {"statusId": NO_STATUS}}[kind]
    yield from [kit.row("bad", **bad)] * 2
    yield from kit.rows(500)


@pytest.mark.once
@pytest.mark.parametrize("kind", ["invalid", "rejected"])
@pytest.mark.parametrize(
    ("option", "bad"),
    [({"on_error": "stop"}, 1), ({"max_errors": 1, "on_error": "raise"}, 2)],
    ids=["on_error", "max_errors"],
)
def test_requests_in_flight_are_settled(
    option: dict[str, Any],
    bad: int,
    kind: Literal["invalid", "rejected"],
    sim: acc.testing.Simulator,
    kit: Kit,
) -> None:
    sim.add_fault("delay", on="assets:batch-create", ms=600, times=3)
    with sim.client(max_in_flight=6) as client, pytest.raises(acc.BulkError) as caught:
        client.project(sim.project_id).assets.create(rows(kit, kind), batch_size=1, settings=None, **option)
    result = caught.value.result
    assert result is not None
    created = {outcome.id for outcome in result.where("created")}
    assert created == {asset["id"] for asset in sim.assets()}
    assert bad <= len(result.where(kind)) <= 2
    assert result.counts.keys() <= {"created", kind, "not_sent"}
    assert 3 <= len(created) < 100
