"""The faults, equal for every client: every client sends the first 20 create requests."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

CREATE = "assets:batch-create"
REQUESTS = 20
# Five of the first twenty requests.
SOME = (3, 7, 11, 15, 19)

AFTER_APPLY: dict[str, dict[str, Any]] = {
    "reset after apply": {"what": "reset_after_apply"},
    "502 HTML after apply": {"what": "status", "code": 502, "body": "html", "after_apply": True},
    "504 HTML after apply": {"what": "status", "code": 504, "body": "html", "after_apply": True},
    "response cut off": {"what": "cut_body", "bytes": 2000},
}
NOT_APPLIED: dict[str, dict[str, Any]] = {
    "429 with Retry-After": {"what": "rate_limit", "retry_after": 1},
    "reset before apply": {"what": "reset_before_apply"},
    "200 with an HTML page": {"what": "html"},
}


class Scenario(NamedTuple):
    """A fault scenario.

    Args:
        name: what it is called in the table.
        faults: faults of the simulator, by the number of the request to create that each one hits.
        switches: how the simulator behaves.
        bad_rows: whether one row in 400 names a status its category does not have.
        timeout: seconds the clients wait for a response.
        opens_after: seconds before connections are taken.
    """

    name: str
    faults: dict[int, dict[str, Any]] = {}  # noqa: RUF012 # nobody writes to it
    switches: dict[str, str] = {}  # noqa: RUF012
    bad_rows: bool = False
    timeout: float = 10.0
    opens_after: float = 0.0


def some(fault: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """This fault on five requests."""
    return dict.fromkeys(SOME, fault)


def mixed(seed: int) -> dict[int, dict[str, Any]]:
    """Eight faults of all kinds, on random requests from the seed."""
    draw = random.Random(seed)
    kinds = list({**AFTER_APPLY, **NOT_APPLIED}.values())
    return {place: draw.choice(kinds) for place in draw.sample(range(1, REQUESTS + 1), 8)}


def scenarios(seed: int) -> list[Scenario]:
    """All scenarios."""
    return [
        Scenario("no fault"),
        Scenario("429 with Retry-After", some(NOT_APPLIED["429 with Retry-After"])),
        Scenario("429 without Retry-After", some({"what": "rate_limit"}), switches={"retry_after": "absent"}),
        Scenario("connections refused for the first 0.4 s", opens_after=0.4),
        Scenario("reset before apply", some(NOT_APPLIED["reset before apply"])),
        *(Scenario(name, some(fault)) for name, fault in AFTER_APPLY.items()),
        Scenario(
            "reset, applied 0.1 s later, listed 0.1 s after that",
            some({"what": "apply_late", "ms": 100}),
            switches={"read_lag_ms": "100"},
        ),
        Scenario("results shuffled", switches={"result_order": "shuffled"}),
        Scenario("response later than the timeout", some({"what": "delay", "ms": 1500}), timeout=0.75),
        Scenario("one bad row in 400", bad_rows=True),
        Scenario("200 with an HTML page", some(NOT_APPLIED["200 with an HTML page"])),
        Scenario("token expires after 7 requests", {8: {"what": "expire_token"}}),
        Scenario(f"eight faults and bad rows mixed, seed {seed}", mixed(seed), bad_rows=True),
    ]
