"""Compares the CPU time of tables with names and with ids: `named_tables.py [rows]` prints the ratio per conversion.

Both are converted in one process, alternately, so that the state of the machine does not matter. The ratio is that of the
fastest conversions. Tables with names have a column for each of the 50 attributes that no asset has a value of; tables with
ids have none. `named_tables.py ROWS --without-pyarrow` runs as if pyarrow were not installed.
"""

from __future__ import annotations

import gc
import importlib.util
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from names import FILTERS, FUNCTIONS, PLANT, STATUSES

import acc_assets as acc
from acc_assets import AssetTable

ROWS, ROUNDS = 100_000, 9
WITHOUT_PYARROW = "--without-pyarrow"


def assets(rows: int) -> AssetTable:
    """The assets of a realistic project, which all have values of all kinds, as `list` reads them from the simulator."""
    with acc.testing.Simulator(project=PLANT, window=0.05) as sim, sim.client() as client:
        project = client.project(sim.project_id)
        known = project.settings()
        # System 0 has no filters.
        categories = [one.path for one in known.categories if str(one.path).startswith("System 1")]
        locations = [one.path for one in known.locations]

        def row(number: int) -> dict[str, Any]:
            return {
                "Asset ID": f"U-{number:06}",
                "Category": categories[number // 50 % len(categories)],
                "Status": STATUSES[number % len(STATUSES)],
                "Description": f"Unit {number % 50}",
                "Location": locations[number * 7919 % len(locations)],
                "Barcode": f"{number:08}",
                "Serial": f"SN-{number:09}",
                "Airflow": f"{number % 5000}.5",
                "Installed on": f"2031-{number % 12 + 1:02}-{number % 28 + 1:02}",
                "Commissioned": number % 3 == 0,
                "Filter Class": FILTERS[number % len(FILTERS)],
                "Functions": FUNCTIONS[: number % len(FUNCTIONS) + 1],
            }

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", acc.DataWarning)
            project.assets.create([row(number) for number in range(rows)]).raise_if_failed()
        return project.assets.list()


def seconds(work: Callable[[], object]) -> float:
    """The CPU time of a call."""
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


def conversions(table: AssetTable) -> dict[str, Callable[[bool], object]]:
    """The conversions to measure. The argument is whether to use names."""
    found: dict[str, Callable[[bool], object]] = {"to_polars": table.to_polars, "to_pandas": table.to_pandas}
    if WITHOUT_PYARROW not in sys.argv and importlib.util.find_spec("pyarrow"):
        import pyarrow

        found["pyarrow.table"] = lambda names: pyarrow.table(table._flat(names))
    return found


def main() -> None:
    """Print a line per conversion: the fastest of both kinds in milliseconds, and their ratio."""
    if WITHOUT_PYARROW in sys.argv:
        sys.modules["pyarrow"] = None  # type: ignore[assignment]
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    for name, convert in conversions(assets(rows)).items():
        taken: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(ROUNDS):
            for names in taken:
                taken[names].append(seconds(partial(convert, names)))
        named, ids = min(taken[True]), min(taken[False])
        print(
            f"{name}: {named * 1000:.0f} ms with names, {ids * 1000:.0f} ms with ids, ratio {named / ids:.2f}"
        )


if __name__ == "__main__":
    main()
