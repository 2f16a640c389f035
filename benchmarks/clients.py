"""One measurement per process: `clients.py <what> <url> <rows>` prints it as a line of JSON.

Every client gets the same list of dicts (one the same rows as a pandas frame), has 8 requests of 100 assets in flight
and keeps what it parsed of the responses until the clock has stopped. Timed is from the list in memory to the last answer parsed; imports, the making
of the rows and the making of the client object are not. Python's cyclic collector is left on.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from names import ids_of, named_frame, settings, with_ids
from rows import COLUMNS, PROJECT, frame, row

PATH = f"/construction/assets/v2/projects/{PROJECT}/assets:batch-create"
IN_FLIGHT = 8
BATCH = 100

Rows = list[dict[str, Any]]


def batches(rows: Rows) -> list[Rows]:
    """Batches of 100 rows."""
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]


def acc_assets_rows(url: str, kept: list[Any] | None = None) -> Callable[[Any], int]:
    """This package, from dicts or from a frame: every check on, one outcome per row. `kept` takes the result."""
    import acc_assets

    # No rate limit: this measures the work, not the waiting.
    limits = acc_assets.Limits(assets_write=1_000_000)
    client = acc_assets.Client(auth="benchmark-token", base_url=url, limits=limits, max_in_flight=IN_FLIGHT)
    assets = client.project(PROJECT).assets

    def run(rows: Any) -> int:
        # No settings: the other clients and the server have none.
        result = assets.create(rows, settings=None)
        if kept is not None:
            kept.append(result)
        return result.counts.get("created", 0)

    return run


def aiohttp_client(
    encode: Callable[[Any], bytes], decode: Callable[[bytes], Any]
) -> Callable[[str], Callable[[Rows], int]]:
    """A client with aiohttp and these JSON functions."""

    def make(url: str) -> Callable[[Rows], int]:
        import aiohttp

        async def work(rows: Rows) -> int:
            slots = asyncio.Semaphore(IN_FLIGHT)
            headers = {"authorization": "Bearer benchmark-token", "content-type": "application/json"}

            async def one(batch: Rows) -> Any:
                async with slots, session.post(url + PATH, data=encode(batch), headers=headers) as answer:
                    assert answer.status == 201
                    return decode(await answer.read())

            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:
                answers = await asyncio.gather(*(one(batch) for batch in batches(rows)))
            return sum(len(answer) for answer in answers)

        return lambda rows: asyncio.run(work(rows))

    return make


def aiohttp_msgspec(url: str) -> Callable[[Rows], int]:
    """The baseline: aiohttp and msgspec, responses parsed into types."""
    import msgspec

    decoder = msgspec.json.Decoder(_answer_type())
    return aiohttp_client(msgspec.json.Encoder().encode, lambda text: decoder.decode(text).results)(url)


def _answer_type() -> Any:
    import msgspec

    # Only the fields that pair a response with its row, and no objects for the cyclic garbage collector.
    asset = msgspec.defstruct("Asset", [("id", str), ("clientAssetId", str)], gc=False)
    return msgspec.defstruct("Answer", [("results", list[asset])])  # type: ignore[valid-type]


def aiohttp_orjson(url: str) -> Callable[[Rows], int]:
    """The usual fast combination: aiohttp and orjson, responses parsed into dicts."""
    import orjson

    return aiohttp_client(orjson.dumps, lambda text: orjson.loads(text)["results"])(url)


def sockets_msgspec(url: str) -> Callable[[Rows], int]:
    """Raw sockets, 8 threads and msgspec, without an HTTP library: the minimum for Python."""
    import socket

    import msgspec

    encode, decoder = msgspec.json.Encoder().encode, msgspec.json.Decoder(_answer_type())
    host, _, port = url.removeprefix("http://").partition(":")
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer benchmark-token\r\n"
        "content-type: application/json\r\ncontent-length: "
    ).encode()

    def exchange(connection: socket.socket, batch: Rows) -> list[Any]:
        body = encode(batch)
        connection.sendall(b"%b%d\r\n\r\n%b" % (head, len(body), body))
        received = connection.recv(1 << 18)
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += connection.recv(1 << 18)
        lines = received[:end].lower().split(b"\r\n")
        assert lines[0].startswith(b"http/1.1 201")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        parts, missing = [received[end + 4 :]], length - (len(received) - end - 4)
        while missing > 0:
            parts.append(connection.recv(min(missing, 1 << 18)))
            missing -= len(parts[-1])
        results: list[Any] = decoder.decode(b"".join(parts)).results
        return results

    def run(rows: Rows) -> int:
        left, answers = iter(batches(rows)), []
        lock = threading.Lock()

        def work() -> None:
            with socket.create_connection((host, int(port))) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while True:
                    with lock:
                        batch = next(left, None)
                    if batch is None:
                        return
                    answers.append(exchange(connection, batch))

        threads = [threading.Thread(target=work) for _ in range(IN_FLIGHT)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(len(answer) for answer in answers)

    return run


def autodesk_platform_sdk(url: str) -> Callable[[Rows], int]:
    """autodesk-platform-sdk 0.3.0, asynchronous client."""
    from autodesk_platform_sdk import AsyncClient
    from autodesk_platform_sdk.services.assets.schemas import AssetRequest

    async def work(rows: Rows) -> int:
        slots = asyncio.Semaphore(IN_FLIGHT)
        async with AsyncClient(base_url=url, access_token="benchmark-token") as client:

            async def one(batch: Rows) -> Any:
                async with slots:
                    requests = [AssetRequest.model_validate(asset) for asset in batch]
                    return await client.assets.create_assets(PROJECT, requests)

            answers = await asyncio.gather(*(one(batch) for batch in batches(rows)))
        return sum(len(answer) for answer in answers)

    return lambda rows: asyncio.run(work(rows))


FROM_FRAME = "acc-assets, pandas frame"

CREATE: dict[str, Callable[[str], Callable[[Any], int]]] = {
    "acc-assets": acc_assets_rows,
    FROM_FRAME: acc_assets_rows,
    "aiohttp + msgspec": aiohttp_msgspec,
    "aiohttp + orjson": aiohttp_orjson,
    "sockets + msgspec": sockets_msgspec,
    "autodesk-platform-sdk": autodesk_platform_sdk,
}


def frame_acc_assets(table: Any) -> int:
    """The checks and request bodies of a create, without sending: `dry_run`."""
    import acc_assets

    client = acc_assets.Client(auth="benchmark-token", base_url="http://127.0.0.1:9")
    plan = client.project(PROJECT).assets.create(table, dry_run=True, settings=None).estimate
    assert plan is not None
    assert plan.rows == len(table)
    return plan.bytes


def frame_zip_orjson(table: Any) -> int:
    """The columns zipped to dicts without blanks, and orjson; no checks."""
    import orjson

    base, attributes = COLUMNS[:6], COLUMNS[6:]
    columns = [table[name].astype(object).where(table[name].notna(), None).tolist() for name in COLUMNS]
    assets = []
    for cells in zip(*columns, strict=True):
        asset = {name: cell for name, cell in zip(base, cells, strict=False) if cell is not None}
        custom = {name: cell for name, cell in zip(attributes, cells[6:], strict=True) if cell is not None}
        if "ca2" in custom:
            custom["ca2"] = str(custom["ca2"])
        asset["customAttributes"] = custom
        assets.append(asset)
    return sum(len(orjson.dumps(batch)) for batch in batches(assets))


def names_acc_assets(table: Any, known: Any) -> int:
    """Names resolved to ids, every check against the settings, and every request body."""
    return _named(table, known, known)


def names_conversion(table: Any, known: Any) -> int:
    """The same rows with ids: only the conversion, and the checks that need no settings."""
    return _named(table, known, None)


def _named(table: Any, known: Any, settings: Any) -> int:
    import acc_assets

    client = acc_assets.Client(auth="benchmark-token", base_url="http://127.0.0.1:9")
    result = client.project(known.project_id).assets.create(
        table, dry_run=True, on_error="collect", settings=settings
    )
    return result.counts["not_sent"]


def names_pandas(table: Any, known: Any) -> int:
    """Merges for the names, masks and apply for the checks; no request bodies."""
    return int(with_ids(table, known)[1].sum())


NAMES: dict[str, Callable[[Any, Any], int]] = {
    "acc-assets": names_acc_assets,
    "acc-assets, ids": names_conversion,
    "pandas merges and apply": names_pandas,
}

FRAME: dict[str, Callable[[Any], int]] = {"acc-assets": frame_acc_assets, "zip + orjson": frame_zip_orjson}


def measured(work: Callable[[], int]) -> dict[str, float]:
    """Run it once. Returns wall and CPU seconds of this process (all threads) and the growth of its peak memory in MiB."""
    # Linux: writing 5 resets the peak to the current value.
    Path("/proc/self/clear_refs").write_text("5")
    resident = memory("VmRSS")
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    done = work()
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    return {
        "done": done,
        "wall": wall,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "growth": memory("VmHWM") - resident,
    }


def memory(name: str) -> float:
    """A line of /proc/self/status, in MiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


def main() -> None:
    """Run the measurement given by the arguments."""
    what, name, url, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    if what == "create":
        rows = frame(count) if name == FROM_FRAME else [row(number) for number in range(count)]
        run = CREATE[name](url)
        found = measured(lambda: run(rows))
    elif what == "frame":
        table = frame(count)
        __import__("acc_assets" if name == "acc-assets" else "orjson")
        found = measured(lambda: FRAME[name](table))
    elif what == "names":
        known, table = settings(), named_frame(count)
        if name == "acc-assets, ids":
            table = ids_of(table, known)
        found = measured(lambda: NAMES[name](table, known))
    else:
        kept: list[Any] = []
        run = acc_assets_rows(url, kept)
        # A generator, so that only the ledger and the requests in flight use memory, not the input.
        found = measured(lambda: run(row(number) for number in range(count)))
        for name, look in {"repr": repr, "counts": lambda result: result.counts}.items():
            started = time.perf_counter()
            look(kept[0])
            found[name] = time.perf_counter() - started
    print(json.dumps(found))


if __name__ == "__main__":
    main()
