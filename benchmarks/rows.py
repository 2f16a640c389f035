"""The rows for every client, similar to the example of the "POST assets:batch-create" reference page."""

from __future__ import annotations

from typing import Any

PROJECT = "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047"


def uuid(kind: int, number: int) -> str:
    """A UUID from two numbers."""
    return f"{kind:08x}-5a43-4f1c-9d1e-{number:012x}"


def row(number: int) -> dict[str, Any]:
    """An asset as a dict."""
    asset: dict[str, Any] = {
        "clientAssetId": f"AHU-{number:06}",
        "categoryId": str(40 + number % 5),
        "statusId": uuid(1, number % 10),
        "barcode": f"F{number:07}",
        "customAttributes": {
            "ca1": number % 2 == 0,
            "ca2": str(number % 1000 + 0.5),
            "ca4": uuid(2, number % 8),
            "ca5": [uuid(3, number % 8), uuid(3, number % 8 + 1)],
            "ca6": f"serial {number:08}",
        },
    }
    if number % 10 == 0:
        asset["description"] = f"AC unit for basement {number}"
    if number % 5 == 0:
        asset["locationId"] = uuid(4, number % 60)
    return asset


def frame(rows: int) -> Any:
    """The same assets as a pandas DataFrame of 11 columns, with pandas' blanks."""
    import pandas as pd

    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for number in range(rows):
        asset = row(number)
        cells = {**asset, **asset["customAttributes"]}
        cells["ca2"] = None if number % 10 == 3 else float(cells["ca2"])
        for name in COLUMNS:
            columns[name].append(cells.get(name))
    return pd.DataFrame(columns)


COLUMNS = [
    "clientAssetId",
    "categoryId",
    "statusId",
    "description",
    "locationId",
    "barcode",
    "ca1",
    "ca2",
    "ca4",
    "ca5",
    "ca6",
]
