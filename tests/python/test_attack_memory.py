"""The memory of a large import: the rows of a frame are not held twice.

`make attack` imports 1,000,000 rows (ATTACK=full), `make test` fewer.
"""

from __future__ import annotations

import http.server
import json
import pathlib
import re
import subprocess
import sys
import textwrap
import threading
import uuid
from collections.abc import Iterator
from typing import ClassVar

import pytest
from test_attack import FULL

pytest.importorskip("polars")
pytestmark = [pytest.mark.once, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

PROGRAM = """
import json, pathlib, sys
import polars
import acc_assets as acc

rows, url, run, named = json.loads(sys.argv[1])

def memory(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name)) / 1024

numbers = polars.int_range(rows, eager=True)
frame = polars.DataFrame({"n": numbers}).select(
    clientAssetId=polars.format("AHU-{}", "n"),
    categoryId=polars.lit("4"),
    statusId=polars.lit("3c6bf4c0-6f0e-4c0b-9a3a-0a8a4f2ea001"),
    description=polars.format("{} " + "x" * 300, "n"),
)
project, settings = "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047", None
if named:
    with acc.testing.Simulator(seed=1) as simulator:
        project = simulator.project_id
        settings = simulator.client().project(project).settings()
        category = next(one for one in simulator.world()["categories"] if one["name"] == "Air Handling")
    frame = frame.drop("categoryId", "statusId").with_columns(
        Category=polars.lit("HVAC > Air Handling"),
        Status=polars.lit(category["statuses"][0]["label"]),
        Barcode=polars.format("B-{}", "clientAssetId"),
    )
client = acc.Client(
    "token", base_url=url, limits=acc.Limits(assets_write=1_000_000), retry=acc.Retry(base=0.01, settle=0.1)
)
assets = client.project(project).assets
# What the first call of a process needs is not for its rows.
assets.create(frame.head(200), settings=settings, progress=False)

def measured(call):
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = memory("VmRSS")
    result = call()
    print(json.dumps({
        "before": before, "grown": memory("VmHWM") - before, "counts": result.counts, "requests": result.stats.requests,
    }))
    return result

result = measured(lambda: assets.create(frame, settings=settings, progress=False, run=run and pathlib.Path(run)))
ids = polars.DataFrame({"id": result.ids})
del result, frame
measured(lambda: assets.delete(ids, progress=False))
"""

ID = re.compile(rb'"clientAssetId":"([^"]+)"')


class Service(http.server.BaseHTTPRequestHandler):
    """Creates and deletes every asset, and keeps none."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[set[bytes]] = set()
    assets: ClassVar[int] = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith(":batch-delete"):
            self.send_response(204)
            self.end_headers()
            return
        names = ID.findall(body)
        type(self).assets += len(names)
        type(self).seen.update(names)
        results = [
            {"id": str(uuid.uuid4()), "clientAssetId": name.decode(), "isActive": True} for name in names
        ]
        response = json.dumps({"results": results}).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(response)))
        self.end_headers()
        self.wfile.write(response)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[str]:
    Service.seen, Service.assets = set(), 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


# Whether the rows have names and barcodes, and whether the call is a run.
CASES = [(False, False), (True, True)] + ([(False, True), (True, False)] if FULL else [])


@pytest.mark.parametrize(("named", "is_run"), CASES)
def test_the_rows_of_a_frame_are_not_held_twice(
    service: str, named: bool, is_run: bool, tmp_path: pathlib.Path
) -> None:
    # Above 64 MiB of bodies, which are about 480 bytes a row.
    rows = 1_000_000 if FULL else 150_000
    run = str(tmp_path / "large.sqlite") if is_run else None
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), json.dumps([rows, service, run, named])],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        cwd=tmp_path,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    created, deleted = (json.loads(line) for line in ended.stdout.splitlines()[-2:])
    print(f"{rows} rows: {created} {deleted}")
    assert created["counts"] == {"created": rows}
    assert created["requests"] == rows / 100
    assert deleted["counts"] == {"deleted": rows}
    # The first call has created 200 of them once before.
    assert (Service.assets, len(Service.seen)) == (rows + 200, rows)
    assert created["grown"] < 100, created
    assert deleted["grown"] < 100, deleted
