"""Put this package and two other clients through the same faults, compare what each reports for every row with what
is in the project, and write `docs/internals/faults.md`."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import logging
import platform
import sys
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from pathlib import Path

try:
    from clients import BATCH, CLIENTS, SETTLE, Rows, Said, Service
except ImportError as error:
    raise SystemExit(f"{error}: autodesk-platform-sdk needs Python 3.12; install it and run again") from None
from door import Door
from scenarios import CREATE, REQUESTS, Scenario, scenarios

import acc_assets as acc

ROWS = BATCH * REQUESTS
WINDOW = 0.5

HARM = ("missing", "duplicated", "reported failed, but created", "reported created, wrongly")
COLUMNS = ("correct", "reported failed", "reported unknown", *HARM)


def rows_for(sim: acc.testing.Simulator, bad_rows: bool) -> Rows:
    """The rows every client gets; clientAssetId tells them apart."""
    categories = sim.world()["categories"]
    category = next(found for found in categories if found["name"] == "Air Handling")
    wrong = "00000000-5a43-4f1c-9d1e-000000000000"
    return [
        {
            "clientAssetId": f"AHU-{number:05}",
            "categoryId": category["id"],
            "statusId": wrong if bad_rows and number % 400 == 150 else category["statuses"][number % 5]["id"],
            "description": f"Unit {number} of level {number // 100}",
            "barcode": f"F{number:07}",
        }
        for number in range(ROWS)
    ]


def judged(said: Said, ids: list[str]) -> set[str]:
    """What to call this, given the ids of all assets of the row in the project."""
    found = {"duplicated"} if len(ids) > 1 else set()
    if said.word == "created":
        if said.id not in ids:
            found.add("reported created, wrongly")
    elif said.word == "in doubt":
        found.add("reported unknown")
    elif ids:
        found.add("reported failed, but created")
    elif said.word == "failed":
        found.add("reported failed")
    if not ids and said.word in ("created", "nothing"):
        found.add("missing")
    return found or {"correct"}


def run(name: str, scenario: Scenario) -> Counter[str]:
    """One client through one scenario, with a simulator of its own."""
    with ExitStack() as stack:
        sim = stack.enter_context(acc.testing.Simulator(window=WINDOW, switches=scenario.switches))
        url = sim.url
        if scenario.opens_after:
            url = stack.enter_context(Door(sim.url, scenario.opens_after)).url
        ends = any(fault["what"] == "expire_token" for fault in scenario.faults.values())
        sim.accept_token("next-token")

        def token() -> str:
            """The one that is good now."""
            return "next-token" if ends and sim.audit()["faults"] else sim.token

        for nth, fault in scenario.faults.items():
            sim.add_fault(on=CREATE, nth=nth, **fault)
        rows = rows_for(sim, scenario.bad_rows)
        service = Service(url, sim.project_id, token, scenario.timeout, WINDOW)
        started = time.perf_counter()
        said = CLIENTS[name](service, rows)
        seconds = time.perf_counter() - started
        # What the service does late is done as well.
        time.sleep(0.2)
        audit, assets = sim.audit(), sim.assets()
    # Nobody may look good by missing the faults.
    if bool(audit["faults"]) != bool(scenario.faults) or len(said) != len(rows):
        raise SystemExit(
            f"{name}, {scenario.name}: {audit['faults']} faults, {len(said)} rows; not a comparison"
        )
    ids = defaultdict(list)
    for asset in assets:
        ids[asset["clientAssetId"]].append(asset["id"])
    found: Counter[str] = Counter()
    for row, word in zip(rows, said, strict=True):
        found.update(judged(word, ids[row["clientAssetId"]]))
    found["requests"], found["milliseconds"] = audit["requests"], round(seconds * 1000)
    return found


def line(first: str, name: str, found: Counter[str]) -> str:
    """A row of the table; harm in bold."""
    cells = [
        f"**{found[column]:,}**" if found[column] and column in HARM else f"{found[column]:,}"
        for column in COLUMNS
    ]
    return f"| {first} | {name} | {' | '.join(cells)} | {found['requests']:,} | {found['milliseconds'] / 1000:.1f} |"


def table(results: dict[str, dict[str, Counter[str]]]) -> list[str]:
    """A Markdown table, the clients one below the other."""
    return [
        f"| fault | client | {' | '.join(COLUMNS)} | requests | s |",
        f"| --- | --- |{' ---: |' * (len(COLUMNS) + 2)}",
        *(
            line(fault if number == 0 else "", name, found)
            for fault, clients in results.items()
            for number, (name, found) in enumerate(clients.items())
        ),
    ]


def page(results: dict[str, dict[str, Counter[str]]]) -> str:
    """The whole of `docs/internals/faults.md`."""
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("autodesk-platform-sdk", "aiohttp")
    )
    totals: dict[str, Counter[str]] = {}
    for clients in results.values():
        for name, found in clients.items():
            totals[name] = totals.get(name, Counter()) + found
    text = f"""\
# The same faults, three clients

Written by `make faults` on {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d} with Python {platform.python_version()}: \
acc-assets {acc.__version__}, {versions}, and a loop over aiohttp.

Each client creates the same {ROWS:,} rows, 8 requests of {BATCH} at a time, once for each fault, each time in a new simulator
(`acc.testing.Simulator`). Afterwards, what the client reports for every row is compared with what is in the project.

{{totals}}

## How to read it

Every row counts in at least one column. Only in the last four can it count in more than one.

| column | rows that |
| --- | --- |
| correct | are reported as created, with the right id, and were created once |
| reported failed | are reported as failed, and were not created. Fix them or send them again |
| reported unknown | are reported as `unknown`. Check the project before sending them again |
| missing | were not created, and are not reported as failed |
| duplicated | were created more than once |
| reported failed, but created | are reported as failed, or not at all, but were created. Sending them again duplicates them |
| reported created, wrongly | were not created, or have another id than reported |

Harm is in **bold**. Requests are those that reached the service, reads included; s is seconds.

A fault hits 5 of the first {REQUESTS} create requests, by their number; "mixed" is 8 faults drawn with a seed. Which rows
these are differs from run to run, because requests overlap. "Apply" means that the service executes the request: the assets exist
then, whatever the response is. `make faults` fails if acc-assets does harm, or leaves rows `unknown`.

**acc-assets**: `assets.create(rows)` with default options, except for the address, the timeout, a rate window of {WINDOW} s (the
simulator has the same) and `Retry(settle={SETTLE})`. After that time, a request whose response was lost counts as not executed.
The default is 30 s, since no page says how long the service takes. Until then, acc-assets sends none of these rows again. It reads
the project, and sends what is not there. First of all, it reads the project's settings, 16 requests here, to check the rows.
Therefore it sends no bad row. After a 429 with Retry-After, here 1 s, all its requests wait.

**autodesk-platform-sdk**: `AsyncClient(retries=3)` and `create_assets` for each {BATCH} rows, as its documentation shows. It
retries only connections that could not be made. With a refresh token, it would renew the token by the clock. Here the token
expires before its time.

**aiohttp loop**: what people write by hand. It retries up to three times after an exception, a 429 or a 5xx.

For these two, an exception counts only for its own batch, and the other batches are still sent. A script that stops at the first
exception would do worse. An exception counts as "failed". An expert can read a doubt out of some (`httpx.ReadTimeout`), but none
says so. Ids are taken in the order of the response, as both calls suggest. The reference page does not promise that order. A
script that pairs by clientAssetId, where that is unique, is safe from shuffled results.

## Fault by fault

{{faults}}
"""
    return text.replace("{totals}", "\n".join(table({"all together": totals}))).replace(
        "{faults}", "\n".join(table(results))
    )


def main() -> None:
    """Runs it all and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the mixed faults")
    parser.add_argument(
        "--only", default="", help="run only the faults with this in their name, and write no page"
    )
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parents[2] / "docs" / "internals" / "faults.md"
    )
    options = parser.parse_args()
    # What a client logs is no part of what it says of a row.
    logging.disable(logging.WARNING)

    results: dict[str, dict[str, Counter[str]]] = {}
    for scenario in scenarios(options.seed):
        if options.only in scenario.name:
            print(f"  {scenario.name}", file=sys.stderr)
            results[scenario.name] = {name: run(name, scenario) for name in CLIENTS}
    if options.only:
        print("\n".join(table(results)))
    else:
        options.output.write_text(page(results), encoding="utf-8")
        print(page(results))
        print(f"Written to {options.output}.", file=sys.stderr)
    bad = ("reported unknown", *HARM)
    harmed = [fault for fault, found in results.items() if any(found["acc-assets"][column] for column in bad)]
    if harmed:
        raise SystemExit(f"acc-assets does harm or leaves rows unknown, which is a bug: {'; '.join(harmed)}")


if __name__ == "__main__":
    main()
