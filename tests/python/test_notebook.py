"""In a notebook, an interrupted kernel keeps the result, and the next cell works."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Kit, until

import acc_assets as acc

jupyter_client = pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals are sent the POSIX way"),
    pytest.mark.interpreter,
]

FIRST_CELL = """
import asyncio
import acc_assets as acc
options = {{"auth": {token!r}, "base_url": {url!r}, "limits": acc.Limits(window=0.5), "max_in_flight": 2}}
client = acc.Client(**options)
assets = client.project({project!r}).assets
async_client = acc.AsyncClient(**options)
async_assets = async_client.project({project!r}).assets
rows = [{{**{row!r}, "clientAssetId": f"A-{{place}}"}} for place in range(20)]
"""


class Notebook:
    """A kernel and the output of its cells."""

    def __init__(self) -> None:
        self.kernel = jupyter_client.KernelManager(kernel_name="python3")
        self.kernel.start_kernel()
        self.client = self.kernel.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=30)
        self.cell = ""

    def start(self, code: str) -> None:
        self.cell = self.client.execute(code)

    def output(self, until: str | None = None) -> dict[str, Any]:
        """Return the error name and the output of the last cell, once it has ended or printed `until`."""
        found: dict[str, Any] = {"error": None, "text": ""}
        while until is None or until not in found["text"]:
            message = self.client.get_iopub_msg(timeout=30)
            if message["parent_header"].get("msg_id") != self.cell:
                continue
            content = message["content"]
            if message["msg_type"] == "stream":
                found["text"] += content["text"]
            elif message["msg_type"] == "error":
                found["error"] = content["ename"]
                found["text"] += content["evalue"]
            elif message["msg_type"] == "status" and content["execution_state"] == "idle":
                break
        return found

    def run(self, code: str) -> dict[str, Any]:
        self.start(code)
        return self.output()

    def close(self) -> None:
        self.client.stop_channels()
        self.kernel.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def kernel() -> Iterator[Notebook]:
    notebook = Notebook()
    try:
        yield notebook
    finally:
        notebook.close()


@pytest.fixture
def notebook(kernel: Notebook, sim: acc.testing.Simulator, kit: Kit) -> Notebook:
    cell = FIRST_CELL.format(token=sim.token, url=sim.url, project=sim.project_id, row=kit.row("A"))
    assert kernel.run(cell) == {"error": None, "text": ""}
    return kernel


def interrupt(notebook: Notebook, sim: acc.testing.Simulator) -> None:
    """Wait until two requests are in flight."""
    until(lambda: sim.audit()["assets_created"] >= 2)
    notebook.kernel.interrupt_kernel()


CELLS = pytest.mark.parametrize(
    ("cell", "error", "client"),
    [
        ("assets.create(rows, batch_size=1)", "BulkInterrupted", "client"),
        ("await async_assets.create(rows, batch_size=1)", "CancelledError", "async_client"),
    ],
    ids=["sync", "await"],
)


@CELLS
def test_an_interrupted_cell(
    cell: str, error: str, client: str, notebook: Notebook, sim: acc.testing.Simulator
) -> None:
    sim.add_fault("delay", on="assets:batch-create", ms=1000, times=2)
    notebook.start(cell)
    interrupt(notebook, sim)
    output = notebook.output()
    assert output["error"] == error
    if error == "BulkInterrupted":
        # The table of outcomes, after the message about requests in flight.
        assert "2 created" in output["text"]
        assert "10 s to finish" in output["text"]
    after = notebook.run(f"import json; print(json.dumps({client}.last_result.counts))")
    assert json.loads(after["text"]) == {"created": 2, "not_sent": 18}
    assert sim.audit()["assets_created"] == 2
    # The next cell sends the rest.
    rest = cell.split("assets.")[0].replace("async_", "") + f"{client}.last_result.retry()"
    again = notebook.run(f"print(({rest}).counts)")
    assert again["error"] is None
    # The progress is printed before it.
    assert again["text"].endswith("\n{'created': 20}\n")
    assert sim.audit()["assets_created"] == 20


def test_second_interrupt_ends_the_call_immediately(notebook: Notebook, sim: acc.testing.Simulator) -> None:
    # Without the second interrupt, the requests would finish within 10 s and create the rows.
    sim.add_fault("delay", on="assets:batch-create", ms=8_000, times=2)
    notebook.start("assets.create(rows, batch_size=1)")
    interrupt(notebook, sim)
    notebook.output(until="10 s to finish")
    notebook.kernel.interrupt_kernel()
    assert notebook.output()["error"] == "BulkInterrupted"
    after = notebook.run("print(client.last_result.counts)")
    assert after["text"] == "{'not_sent': 18, 'unknown': 2}\n"
