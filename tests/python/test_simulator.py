"""The simulator as used in a user's own tests."""

from __future__ import annotations

import urllib.error
import urllib.request
from email.message import Message

import pytest

import acc_assets as acc


def answered(sim: acc.testing.Simulator, token: str) -> tuple[int, Message]:
    """Return the status and headers of a simple read."""
    url = f"{sim.url}/construction/assets/v1/projects/{sim.project_id}/categories"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


@pytest.mark.parametrize(("retry_after", "told"), [(7, "7"), ("soon", "soon"), (None, None)])
def test_rate_limit_fault_sends_the_given_retry_after(
    retry_after: float | str | None, told: str | None, sim: acc.testing.Simulator
) -> None:
    sim.add_fault("rate_limit", retry_after=retry_after)
    status, headers = answered(sim, sim.token)
    assert (status, headers["Retry-After"]) == (429, told)
    assert answered(sim, sim.token)[0] == 200


def test_fault_names_missing_and_unknown_details(sim: acc.testing.Simulator) -> None:
    with pytest.raises(acc.OptionError, match='fault "delay" needs "ms"'):
        sim.add_fault("delay")
    with pytest.raises(acc.OptionError, match='unknown key "retry_after"'):
        sim.add_fault("delay", ms=1, retry_after=None)


def test_accept_and_revoke_token() -> None:
    with acc.testing.Simulator(limits=acc.Limits(assets_read=3)) as sim:
        assert answered(sim, "second")[0] == 401
        sim.accept_token("second")
        # Both belong to one user, with one rate limit.
        tokens = (sim.token, "second", sim.token, "second")
        assert [answered(sim, token)[0] for token in tokens] == [200, 200, 200, 429]
        assert [sim.revoke_token(sim.token), sim.revoke_token(sim.token)] == [True, False]
        assert answered(sim, sim.token)[0] == 401


def test_simulator_with_a_custom_project() -> None:
    described = {
        "attributes": [{"display_name": "Länge ", "type": "numeric"}],
        "categories": [{"path": ("Rohre", "Kalt "), "attributes": ["Länge "]}, {"path": "Kabel > Kalt"}],
        "locations": [{"path": ["Haus"], "barcode": "0001"}],
    }
    with acc.testing.Simulator(project=described) as sim:
        found = sim.world()
        assert [category["path"] for category in found["categories"]] == [
            "",
            "Rohre",
            "Rohre > Kalt ",
            "Kabel",
            "Kabel > Kalt",
        ]
        assert [attribute["name"] for attribute in found["categories"][2]["attributes"]] == ["ca1"]
        assert found["locations"][1]["barcode"] == "0001"
        with sim.client() as client:
            assert len(client.project(sim.project_id).raw.categories()) == 5


def test_invalid_project_description_has_a_location() -> None:
    with pytest.raises(acc.OptionError, match=r'unknown key "paths" in project\.categories\[0\]'):
        acc.testing.Simulator(project={"categories": [{"paths": "A"}]})
