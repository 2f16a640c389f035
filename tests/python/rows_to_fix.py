"""Units for named runs, and corrections of the files of rows to fix that `write_fixes` writes."""

from __future__ import annotations

from typing import Any

import pytest

import acc_assets as acc

A = {"Category": "HVAC > Air Handling"}


def units(number: int = 4, wrong: tuple[int, ...] = (), **more: Any) -> list[dict[str, Any]]:
    return [
        {"Asset ID": f"A-{place}", "Status": "Instaled" if place in wrong else "Installed", **A, **more}
        for place in range(number)
    ]


def named(sim: acc.testing.Simulator) -> list[str]:
    names = [str(asset["clientAssetId"]) for asset in sim.assets()]
    return sorted(name for name in names if name.startswith("A-"))


def corrected(path: str, lines: tuple[int, ...] = (), **cells: Any) -> str:
    """Correct columns of these lines of a file of rows to fix, or of all of them."""
    workbook = pytest.importorskip("openpyxl").load_workbook(path)
    sheet = workbook.worksheets[0]
    places = {cell.value: cell.column for cell in sheet[1]}
    for name, value in cells.items():
        for line in lines or range(2, sheet.max_row + 1):
            sheet.cell(line, places[name], value)
    workbook.save(path)
    return path
