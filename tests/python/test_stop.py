"""A run that is stopped by on_error="stop" or max_errors: requests in flight still finish."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from conftest import Kit

import acc_assets as acc

NO_STATUS = "00000000-0000-4000-8000-000000000000"


def rows(kit: Kit, kind: str) -> Iterator[dict[str, Any]]:
    """Yield three slow rows, two bad rows while those are in flight, and many more."""
    yield from kit.rows(3)
    time.sleep(0.1)
    # The package rejects one row, the service the other.
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
def test_stop_resolves_requests_in_flight(
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
