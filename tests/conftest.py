"""A simulated service, a client of it, and what its project offers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

import acc_assets as acc

# Processes of the tests must not hold each other back.
os.environ["ACC_ASSETS_PACING"] = "off"


class Kit(NamedTuple):
    """Ids a row needs: a category with custom attributes of all six kinds, and two of its statuses."""

    category: str
    status: str
    other_status: str
    attributes: dict[str, dict[str, Any]]

    def row(self, name: str = "AHU-1", **more: Any) -> dict[str, Any]:
        return {"clientAssetId": name, "categoryId": self.category, "statusId": self.status, **more}

    def rows(self, number: int, **more: Any) -> list[dict[str, Any]]:
        return [self.row(f"AHU-{place}", **more) for place in range(number)]

    def name(self, kind: str) -> str:
        """The name (ca1, ca2, ...) of the attribute of this kind."""
        return str(self.attributes[kind]["name"])

    def choices(self, kind: str) -> list[str]:
        """The value ids of the select or multi_select attribute."""
        return [value["id"] for value in self.attributes[kind]["values"]]


def kit_of(sim: acc.testing.Simulator) -> Kit:
    with sim.client() as client:
        project = client.project(sim.project_id)
        for category in sim.world()["categories"]:
            attributes = {found["dataType"]: found for found in project.category_attributes(category["id"])}
            if len(attributes) == 6 and category["isActive"]:
                first, second, *_ = (status["id"] for status in category["statuses"])
                return Kit(str(category["id"]), first, second, attributes)
    raise AssertionError("the simulated project has no category with all six kinds of attributes")


@pytest.fixture
def sim() -> Iterator[acc.testing.Simulator]:
    with acc.testing.Simulator(seed=1, window=0.5) as sim:
        yield sim


@pytest.fixture
def kit(sim: acc.testing.Simulator) -> Kit:
    return kit_of(sim)


@pytest.fixture
def client(sim: acc.testing.Simulator) -> Iterator[acc.Client]:
    with sim.client() as client:
        yield client


@pytest.fixture
def project(sim: acc.testing.Simulator, client: acc.Client) -> acc.Project:
    return client.project(sim.project_id)


@pytest.fixture
def async_project(sim: acc.testing.Simulator) -> acc.AsyncProject:
    return sim.async_client().project(sim.project_id)
