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
    """Return the rows for every client. clientAssetId identifies them."""
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
    """Classify an outcome, given the ids of all assets of the row in the project."""
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
    """Run one client through one scenario, with its own simulator."""
    with ExitStack() as stack:
        sim = stack.enter_context(acc.testing.Simulator(window=WINDOW, switches=scenario.switches))
        url = sim.url
        if scenario.opens_after:
            url = stack.enter_context(Door(sim.url, scenario.opens_after)).url
        ends = any(fault["what"] == "expire_token" for fault in scenario.faults.values())
        sim.accept_token("next-token")

        def token() -> str:
            """Return the token that is valid now."""
            return "next-token" if ends and sim.audit()["faults"] else sim.token

        for nth, fault in scenario.faults.items():
            sim.add_fault(on=CREATE, nth=nth, **fault)
        rows = rows_for(sim, scenario.bad_rows)
        service = Service(url, sim.project_id, token, scenario.timeout, WINDOW)
        started = time.perf_counter()
        said = CLIENTS[name](service, rows)
        seconds = time.perf_counter() - started
        # Late work of the service is also finished.
        time.sleep(0.2)
        audit, assets = sim.audit(), sim.assets()
    # No client may look good by missing the faults.
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
    """Return a row of the table, with harm in bold."""
    cells = [
        f"**{found[column]:,}**" if found[column] and column in HARM else f"{found[column]:,}"
        for column in COLUMNS
    ]
    return f"| {first} | {name} | {' | '.join(cells)} | {found['requests']:,} | {found['milliseconds'] / 1000:.1f} |"


def table(results: dict[str, dict[str, Counter[str]]]) -> list[str]:
    """Return a Markdown table with one row per client."""
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
    """Return the content of `docs/internals/faults.md`."""
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

Each client creates the same {ROWS:,} rows, with 8 requests of {BATCH} in flight, under each fault, in a new simulator
(`acc.testing.Simulator`) each time. Afterwards, the outcome that the client reports for every row is compared with the
project.

{{totals}}

## How to read it

Every row counts in at least one column, and in more than one only in the last four columns.

| column | rows that ... |
| --- | --- |
| correct | are reported as created, with the right id, and were created once |
| reported failed | are reported as failed, and were not created. Fix or resend them |
| reported unknown | are reported as `unknown`. Check the project before resending them |
| missing | were not created, and are not reported as failed |
| duplicated | were created more than once |
| reported failed, but created | are reported as failed, or not at all, but were created. Resending them creates duplicates |
| reported created, wrongly | were not created, or have a different id than reported |

Harm is in **bold**. "requests" counts those that reached the service, including reads. "s" is the time in seconds.

A fault affects 5 of the first {REQUESTS} create requests, selected by number; "mixed" means 8 faults drawn with a seed. The
affected rows differ between runs, because requests overlap. "Apply" means that the service executes the request: the
assets then exist, regardless of the response. `make faults` fails if acc-assets does harm, or leaves rows `unknown`.

**acc-assets**: `assets.create(rows)` with default options, except for the address, the timeout, a rate window of {WINDOW} s (the
simulator has the same) and `Retry(settle={SETTLE})`. If a row with a lost response is not found
within that time, it counts as not executed. The default is 30 s, because no page says how long the service takes. acc-assets
does not resend such rows until it has looked them up in the project. It first reads the project's settings, with 16 requests
here, to check the rows, and therefore sends no bad row. After a 429 with Retry-After (1 s here), all of its requests wait.

**autodesk-platform-sdk**: `AsyncClient(retries=3)` and `create_assets` for every {BATCH} rows, as in its documentation. It
retries only failed connections. With a refresh token, it would renew the token by the clock. Here, the token expires early.

**aiohttp loop**: a typical hand-written script. It retries up to three times after an exception, a 429 or a 5xx.

For these two clients, an exception affects only its own batch, and the other batches are still sent. A script that
stops at the first exception would do worse. An exception counts as "failed". Experts know that some exceptions leave
the outcome in doubt (`httpx.ReadTimeout`), but no exception says so. Ids are assigned in the order of the response, as
both clients suggest, although the reference page does not promise that order. A script that matches results by unique
clientAssetId is safe from shuffled results.

## Fault by fault

{{faults}}
"""
    return text.replace("{totals}", "\n".join(table({"all together": totals}))).replace(
        "{faults}", "\n".join(table(results))
    )


def main() -> None:
    """Run all scenarios and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the mixed faults")
    parser.add_argument(
        "--only", default="", help="run only the faults with this in their name, and write no page"
    )
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parents[2] / "docs" / "internals" / "faults.md"
    )
    options = parser.parse_args()
    # The log of a client does not count as its report.
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
