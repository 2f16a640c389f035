"""Fixtures: a simulated service, a client, and the settings of its project."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

import acc_assets as acc

# Test processes must not slow each other down.
os.environ["ACC_ASSETS_PACING"] = "off"
# A shell makes the programs that it starts in the background ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


def until(seen: Callable[[], object]) -> None:
    """Wait until another thread or process reaches a state."""
    deadline = time.monotonic() + 30
    while not seen():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


async def until_async(seen: Callable[[], object]) -> None:
    """Wait in an event loop without blocking it."""
    deadline = time.monotonic() + 30
    while not seen():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.005)


class Kit(NamedTuple):
    """Ids for rows: a category with custom attributes of all six types, and two of its statuses."""

    category: str
    status: str
    other_status: str
    attributes: dict[str, dict[str, Any]]

    def row(self, name: str = "AHU-1", **more: Any) -> dict[str, Any]:
        return {"clientAssetId": name, "categoryId": self.category, "statusId": self.status, **more}

    def rows(self, number: int, **more: Any) -> list[dict[str, Any]]:
        return [self.row(f"AHU-{place}", **more) for place in range(number)]

    def name(self, kind: str) -> str:
        """The name (ca1, ca2, ...) of the attribute of this type."""
        return str(self.attributes[kind]["name"])

    def choices(self, kind: str) -> list[str]:
        """The value ids of the select or multi_select attribute."""
        return [value["id"] for value in self.attributes[kind]["values"]]


def kit_of(sim: acc.testing.Simulator) -> Kit:
    with sim.client() as client:
        project = client.project(sim.project_id)
        for category in sim.world()["categories"]:
            found = project.raw.category_attributes(category["id"])
            attributes: dict[str, Any] = {str(attribute["dataType"]): attribute for attribute in found}
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
