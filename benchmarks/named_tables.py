"""Compares the CPU time of tables with names and with ids: `named_tables.py [rows]` prints the ratio per conversion.

Both are converted in one process, alternately, so that the state of the machine does not matter. The ratio is that of the
fastest conversions. Tables with names have a column for each of the 50 attributes that no asset has a value of; tables with
ids have none. `named_tables.py ROWS --without-pyarrow` runs as if pyarrow were not installed.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import sys
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from names import settings

from acc_assets import AssetTable, _core

ROWS, ROUNDS = 100_000, 9
WITHOUT_PYARROW = "--without-pyarrow"


def assets(rows: int, known: Any) -> AssetTable:
    """A table of assets of a realistic project, which all have values of all kinds."""
    categories = [one.id for one in known.categories if " > " in str(one.path)]
    statuses = [one.id for one in known.statuses]
    locations = [one.id for one in known.locations]
    attributes = {one.display_name: one.name for one in known.attributes}
    content = known._core.content()["attributes"]
    options = {one["display_name"]: [choice["id"] for choice in one["choices"]] for one in content}
    filters, functions = options["Filter Class"], options["Functions"]

    def row(number: int) -> dict[str, Any]:
        return {
            "id": str(uuid.UUID(int=number * 0x9E3779B97F4A7C15 % (1 << 128))),
            "clientAssetId": f"U-{number:06}",
            "categoryId": categories[number // 50 % len(categories)],
            "statusId": statuses[number % len(statuses)],
            "description": f"Unit {number % 50}",
            "locationId": locations[number * 7919 % len(locations)],
            "barcode": f"{number:08}",
            "isActive": True,
            "version": number + 1,
            "createdAt": f"2031-02-03T04:05:{number % 60:02}.789Z",
            "createdBy": "QX3T9LM2AB7C",
            "updatedAt": f"2031-02-03T04:05:{number % 60:02}.789Z",
            "updatedBy": "QX3T9LM2AB7C",
            "customAttributes": {
                attributes["Serial"]: f"SN-{number:09}",
                attributes["Airflow"]: f"{number % 5000}.5",
                attributes["Installed on"]: f"2031-{number % 12 + 1:02}-{number % 28 + 1:02}",
                attributes["Commissioned"]: number % 3 == 0,
                attributes["Filter Class"]: filters[number % len(filters)],
                attributes["Functions"]: functions[: number % len(functions) + 1],
            },
        }

    state = [[json.dumps(row(number)) for number in range(rows)], []]
    return AssetTable(_core.Table.load(json.dumps(state).encode()), known._core)


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
    for name, convert in conversions(assets(rows, settings())).items():
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
