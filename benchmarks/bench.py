"""Compares this package with other clients, round-robin in one run, and writes `results.md`."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import urllib.request
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from clients import FROM_FRAME

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
BASELINE = "aiohttp + msgspec"
CONVERSION, PANDAS = "acc-assets, ids", "pandas merges and apply"
NAMED = ("acc-assets", CONVERSION, PANDAS)
NEEDS = {
    "autodesk-platform-sdk": "autodesk-platform-sdk",
    "aiohttp + msgspec": "msgspec",
    "aiohttp + orjson": "orjson",
}


@contextmanager
def server(binary: Path, latency: int, assets: int = 0) -> Iterator[str]:
    """Start the benchmark server in a separate process with this many assets to list. Returns its address."""
    process = subprocess.Popen([binary, str(latency), str(assets)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def measure(what: str, name: str, url: str, rows: int) -> dict[str, float]:
    """Run one measurement in a new process."""
    command = [sys.executable, str(HERE / "clients.py"), what, name, url, str(rows)]
    found: dict[str, float] = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
    if url != "-":
        with urllib.request.urlopen(f"{url}/counts") as answer:
            counts = json.load(answer)
        # No client may be fast by skipping work.
        if counts != {"requests": rows // 100, "assets": rows} or found["done"] != rows:
            raise SystemExit(f"{name}: the server got {counts}, the client says {found}; not a measurement.")
    return found


def rounds(what: str, names: list[str], url: str, rows: int, times: int) -> dict[str, dict[str, list[float]]]:
    """Run every client once per round, each round starting with another one."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for turn in range(times):
        for place in range(len(names)):
            name = names[(turn + place) % len(names)]
            for key, value in measure(what, name, url, rows).items():
                found[name][key].append(value)
        print(f"  {what}: round {turn + 1} of {times}", file=sys.stderr)
    return found


READING = {
    "arrow": ("pyarrow.json + flatten", ["acc-assets"]),
    "pandas": ("pyarrow.json + to_pandas", ["acc-assets", "acc-assets, no pyarrow"]),
    "dicts": ("orjson", ["acc-assets"]),
}


def reading(options: argparse.Namespace) -> list[str]:
    """Read lists of assets into Arrow, pandas and dicts, compared with other parsers on the same bytes."""
    lines = [
        "",
        f"## Read {options.read_rows:,} assets",
        "",
        "CPU of the client's process from `list()` to the table, against prepared pages on loopback without gzip, minus the same "
        "requests with their bodies dropped. The others work on the same bytes in memory and give equal columns: custom "
        "attributes flattened, times as times.",
        "",
        "| to | client | CPU s (min to max) | times the baseline | growth MiB |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    with server(options.server, 0, options.read_rows) as url:
        _reading("equal", "-", url, options.read_rows)
        found: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for turn in range(options.rounds):
            dropped = fetch(options.server, url, options.read_rows)
            for what, (peer, clients) in READING.items():
                for name in [peer, *clients]:
                    one = _reading(what, "peer" if name == peer else name, url, options.read_rows)
                    cpu = one["cpu"] - (0 if name == peer else dropped)
                    found[what, name]["cpu"].append(cpu)
                    found[what, name]["growth"].append(one["growth"])
            found["", "requests alone"]["cpu"].append(dropped)
            print(f"  reading: round {turn + 1} of {options.rounds}", file=sys.stderr)
        for (what, name), values in found.items():
            middle = statistics.median(values["cpu"])
            spread = f"{middle:.3f} ({min(values['cpu']):.3f} to {max(values['cpu']):.3f})"
            if not what:
                lines += ["", f"The requests alone, subtracted from ours: {spread} s."]
                continue
            base = statistics.median(found[what, READING[what][0]]["cpu"])
            growth = statistics.median(values["growth"])
            lines.append(f"| {what} | {name} | {spread} | {middle / base:.2f} | {growth:.0f} |")
    with server(options.server, 0, options.memory_rows) as url:
        one = _reading("arrow", "acc-assets", url, options.memory_rows)
        size = _reading("size", "-", url, options.memory_rows)["done"] / 2**20
    lines += [
        "",
        f"{options.memory_rows:,} assets, {size:.0f} MiB of responses, to Arrow: peak memory grows by {one['growth']:.0f} MiB, "
        f"{one['growth'] / size:.2f} times the responses.",
    ]
    return lines


def _reading(what: str, name: str, url: str, assets: int) -> dict[str, float]:
    command = [sys.executable, str(HERE / "reading.py"), what, name, url, str(assets)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(said) if said else {}


def fetch(binary: Path, url: str, assets: int) -> float:
    """CPU seconds of the requests of a list without reading the bodies, and without process startup."""

    def cpu(assets: int) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([binary.with_name("benchmark-fetch"), url, str(assets)], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return cpu(assets) - cpu(0)


def table(found: dict[str, dict[str, list[float]]], baseline: str, rows: int) -> list[str]:
    """A Markdown table: medians, their range, and the ratio to the baseline."""
    lines = [
        "| client | wall s (min to max) | CPU s (min to max) | CPU ms per 1,000 | CPU, times the baseline | growth MiB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    base = statistics.median(found[baseline]["cpu"])
    for name, values in sorted(found.items(), key=lambda item: statistics.median(item[1]["cpu"])):
        middle = {key: statistics.median(each) for key, each in values.items()}
        spread = {
            key: f"{middle[key]:.3f} ({min(values[key]):.3f} to {max(values[key]):.3f})"
            for key in ("wall", "cpu")
        }
        lines.append(
            f"| {name} | {spread['wall']} | {spread['cpu']} | {middle['cpu'] * 1e6 / rows:.2f} "
            f"| {middle['cpu'] / base:.2f} | {middle['growth']:.0f} |"
        )
    return lines


def main() -> None:
    """Run all measurements and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", type=Path, required=True, help="the benchmark-server binary")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--frame-rows", type=int, default=100_000)
    parser.add_argument("--stream-rows", type=int, default=1_000_000)
    parser.add_argument("--read-rows", type=int, default=100_000)
    parser.add_argument("--memory-rows", type=int, default=500_000)
    parser.add_argument("--output", type=Path, default=HERE / "results.md")
    options = parser.parse_args()

    names = [
        "acc-assets",
        FROM_FRAME,
        BASELINE,
        "aiohttp + orjson",
        "sockets + msgspec",
        "autodesk-platform-sdk",
    ]
    installed = {distribution.name for distribution in importlib.metadata.distributions()}
    for name in [name for name in names if NEEDS.get(name, "pip") not in installed]:
        print(f"{name} is not installed for this Python: skipped", file=sys.stderr)
        names.remove(name)
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("acc-assets", "aiohttp", "msgspec", "orjson", "pandas", "autodesk-platform-sdk")
        if name in installed
    )
    lines = [
        "# Results",
        "",
        f"Written by `make bench` on {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}: "
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}; {versions}.",
        "",
        f"Medians of {options.rounds} rounds, all clients in turn in each round, every measurement in a fresh process. "
        "CPU is that of the client's process, all its threads, from the rows in memory to the last response parsed; "
        "growth is its peak memory over what it held before. Imports and the making of rows and client are not timed. "
        "Python's cyclic collector is on for everyone. Plain HTTP/1.1 on loopback, no TLS; the server is a process of "
        "its own. Compare inside one table only.",
    ]
    with ExitStack() as stack:
        urls = {latency: stack.enter_context(server(options.server, latency)) for latency in (0, 50)}
        for latency, url in urls.items():
            found = rounds("create", names, url, options.rows, options.rounds)
            lines += [
                "",
                f"## Create {options.rows:,} assets from a list of dicts, responses after {latency} ms",
                "",
                f"{options.rows // 100:,} requests of 100, 8 in flight. Baseline: {BASELINE}, responses typed (`gc=False`, "
                "only id and clientAssetId). Ours checks every row, paces, and keeps an outcome per row; the others do not. "
                f"{FROM_FRAME}: the same assets as a frame of 11 columns.",
                "",
                *table(found, BASELINE, options.rows),
            ]
        found = rounds("frame", ["acc-assets", "zip + orjson"], "-", options.frame_rows, options.rounds)
        speedup = statistics.median(found["zip + orjson"]["wall"]) / statistics.median(
            found["acc-assets"]["wall"]
        )
        lines += [
            "",
            f"## A pandas frame of {options.frame_rows:,} x 11 to request bodies",
            "",
            "Ours is `create(frame, dry_run=True, settings=None)`: every row check and every body. Theirs is the columns zipped to dicts, "
            "blanks left out, and orjson; no checks.",
            "",
            *table(found, "zip + orjson", options.frame_rows),
            "",
            f"Wall time: ours is {speedup:.1f} times as fast.",
        ]
        found = rounds("names", list(NAMED), "-", options.frame_rows, options.rounds)
        good = {name: set(found[name]["done"]) for name in NAMED if name != CONVERSION}
        if len(set.union(*good.values())) != 1:
            raise SystemExit(f"not the same rows are good: {good}; not a measurement.")
        cpu = {name: statistics.median(found[name]["cpu"]) for name in NAMED}
        more = cpu["acc-assets"] - cpu[CONVERSION]
        lines += [
            "",
            f"## Names in a frame of {options.frame_rows:,} x 11 made ids, and every row checked with settings",
            "",
            "Category and location paths, statuses, select and multi-select labels; 200 categories, 5 status sets, 56 "
            "attributes, 2,000 locations; ten kinds of mistakes, each in one of 1,000 rows, and all find the same rows good. "
            "Ours is `create(frame, dry_run=True, settings=settings)`, including bodies and one outcome per row. "
            f"{CONVERSION} is the same with ids in the frame and `settings=None`: the conversion alone. Theirs is merges, "
            "masks, map and apply, without bodies.",
            "",
            *table(found, CONVERSION, options.frame_rows),
            "",
            f"On top of the conversion: {more:.2f} s of CPU. pandas takes {cpu[PANDAS] / more:.1f} times that, and "
            f"{cpu[PANDAS] / cpu['acc-assets']:.1f} times as long as ours with the conversion.",
        ]
        stream = measure("stream", "acc-assets", urls[0], options.stream_rows)
        lines += [
            "",
            f"## {options.stream_rows:,} rows from a generator",
            "",
            f"Growth of peak memory, ledger included: {stream['growth']:.0f} MiB, in {stream['wall']:.1f} s. `repr` of the "
            f"result takes {stream['repr'] * 1000:.1f} ms, `.counts` {stream['counts'] * 1000:.1f} ms.",
        ]
    lines += reading(options)
    said = subprocess.run(
        [sys.executable, str(HERE / "disk.py")], check=True, stdout=subprocess.PIPE, text=True
    )
    lines += [
        "",
        "## An event loop beside a slow disk",
        "",
        "`AsyncClient` creates 2,000 assets in a named run, 100 per request, and the same call finds it complete. Each sync "
        "of the journal takes longer. The lag is how much later than asked a task of the loop wakes.",
        "",
        "| per sync ms | wall s | lag ms (99 %) | lag ms (most) | syncs | syncs by the loop's thread |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
        *(
            f"| {run['per_sync'] * 1000:.0f} | {run['wall']:.1f} | {run['p99'] * 1000:.1f} | {run['most'] * 1000:.1f} | "
            f"{run['syncs']} | {run['own']} |"
            for run in json.loads(said.stdout)
        ),
    ]
    options.output.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    print(f"\nWritten to {options.output.relative_to(Path.cwd())}.", file=sys.stderr)


if __name__ == "__main__":
    main()
