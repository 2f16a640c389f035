"""Measures the lag of an event loop while named runs are written to a slow disk. Prints JSON.

The disk is a test layer of this package that makes each sync of a journal take longer. The lag is how much later than
asked a task wakes that sleeps a millisecond at a time.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import acc_assets as acc
from acc_assets import _core

ROWS, PER_REQUEST = 2_000, 100


async def lag_of(seconds_per_sync: float) -> dict[str, Any]:
    """Create assets in a named run, and call it again once it is complete."""
    with acc.testing.Simulator(seed=1, window=1.0) as sim, tempfile.TemporaryDirectory() as folder:
        category = next(found for found in sim.world()["categories"] if found["name"] == "Air Handling")
        needed = {"categoryId": str(category["id"]), "statusId": category["statuses"][0]["id"]}
        rows = [{**needed, "clientAssetId": f"AHU-{number}"} for number in range(ROWS)]
        lags: list[float] = []

        async def watch() -> None:
            while True:
                asked = time.perf_counter()
                await asyncio.sleep(0.001)
                lags.append(time.perf_counter() - asked - 0.001)

        async with sim.async_client() as client:
            assets = client.project(sim.project_id).assets
            await assets.create([{**needed, "clientAssetId": "first"}], settings=None)
            _core.Simulator.slow_journals(seconds_per_sync)
            own, everywhere, locks = _core.Simulator.journal_counts()
            watching = asyncio.create_task(watch())
            began = time.perf_counter()
            for _ in range(2):
                result = await assets.create(rows, run=Path(folder, "r.sqlite"), batch_size=PER_REQUEST)
                assert result.counts == {"created": ROWS}
            wall = time.perf_counter() - began
            watching.cancel()
            _core.Simulator.slow_journals(0.0)
            after = _core.Simulator.journal_counts()
    lags.sort()
    return {
        "per_sync": seconds_per_sync,
        "wall": wall,
        "most": lags[-1],
        "p99": lags[len(lags) * 99 // 100],
        "syncs": after[1] - everywhere,
        "own": after[0] - own,
        "locks": after[2] - locks,
    }


if __name__ == "__main__":
    print(json.dumps([asyncio.run(lag_of(float(seconds))) for seconds in sys.argv[1:] or ("0", "0.2")]))
