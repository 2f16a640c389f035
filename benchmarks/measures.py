"""One measurement per process: `measures.py <measure> <server>` prints its CPU seconds.

`measures.py serve` serves a project to read from until its standard input ends. Only names that have long been public
are used, since this also runs with the package of an earlier commit.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from clients import acc_assets_rows, frame_acc_assets, measured, names_acc_assets, names_conversion
from names import ids_of, named_frame, settings
from rows import PROJECT, frame, row

import acc_assets

Work = Callable[[], object]
NO_LIMITS = acc_assets.Limits(assets_read=1_000_000, assets_write=1_000_000)
WRITTEN, READ, CHECKED, DELETED = 20_000, 10_000, 100_000, 5_000

# Turns off the check against settings. A commit to compare with may have the older option.
UNCHECKED: dict[str, Any] = {"settings": None} if hasattr(acc_assets, "Estimate") else {"validate": False}


def create(server: dict[str, str]) -> Work:
    """Send a list of dicts and read every response."""
    rows = [row(number) for number in range(WRITTEN)]
    run = acc_assets_rows(server["create"])
    return lambda: run(rows)


def create_named(server: dict[str, str]) -> Work:
    """The same as a named run, with each request on disk before it is sent."""
    rows = [row(number) for number in range(WRITTEN)]
    client = acc_assets.Client(auth="benchmark-token", base_url=server["create"], limits=NO_LIMITS)
    assets = client.project(PROJECT).assets
    return lambda: assets.create(rows, **UNCHECKED, run=_folder() / "level-3.sqlite")


def read_run(server: dict[str, str]) -> Work:
    """Read the result of a named run from its journal."""
    folder = _folder()
    rows = [row(number) for number in range(WRITTEN)]
    client = acc_assets.Client(auth="benchmark-token", base_url=server["create"], limits=NO_LIMITS)
    client.project(PROJECT).assets.create(rows, **UNCHECKED, run=folder / "level-3.sqlite")
    return lambda: acc_assets.runs(folder)["level-3"].counts


def listed(server: dict[str, str]) -> Work:
    """Read pages of assets into pandas."""
    assets = _project(server).assets
    return lambda: assets.list().to_pandas()


def got(server: dict[str, str]) -> Work:
    """Read assets by id into pandas."""
    assets = _project(server).assets
    ids = list(assets.list().to_pandas()["id"])
    return lambda: assets.get(ids).to_pandas()


def streamed(server: dict[str, str]) -> Work:
    """Send the rows of a generator and read every response."""
    client = acc_assets.Client(auth="benchmark-token", base_url=server["create"], limits=NO_LIMITS)
    assets = client.project(PROJECT).assets
    return lambda: assets.create((row(number) for number in range(WRITTEN)), **UNCHECKED)


def patched(server: dict[str, str]) -> Work:
    """Patch assets by id and compare every response."""
    assets = _project(server).assets
    ids = list(assets.list().to_pandas()["id"])
    return lambda: assets.patch([{"id": each, "description": "Seen"} for each in ids], **UNCHECKED)


def deleted(server: dict[str, str]) -> Work:
    """Delete new assets by id."""
    project = _project(server)
    needed = {"categoryId": server["category"], "statusId": server["status"]}
    made = project.assets.create(
        [{**needed, "clientAssetId": f"gone {number}"} for number in range(DELETED)], **UNCHECKED
    )
    ids = [outcome.id for outcome in made]
    return lambda: project.assets.delete(ids)


def bodies(_: dict[str, str]) -> Work:
    """Check a frame without settings and build the request bodies."""
    table = frame(CHECKED)
    return lambda: frame_acc_assets(table)


def conversion(_: dict[str, str]) -> Work:
    """Build request bodies from a frame with ids."""
    known = settings()
    table = ids_of(named_frame(CHECKED), known)
    return lambda: names_conversion(table, known)


def names(_: dict[str, str]) -> Work:
    """Check a frame with names against settings and build the request bodies."""
    known, table = settings(), named_frame(CHECKED)
    return lambda: names_acc_assets(table, known)


def report(_: dict[str, str]) -> Work:
    """Check a frame with names against settings and build the report."""
    known, table = settings(), named_frame(CHECKED)
    return lambda: known.validate(table).causes


def sheet(server: dict[str, str]) -> Work:
    """Read and check a sheet with formatted blanks."""
    return _sheet(Path(server["folder"], "plant.xlsx"), "General")


def sheet_with_zeros(server: dict[str, str]) -> Work:
    """The same with a column of numbers displayed with leading zeros."""
    return _sheet(Path(server["folder"], "zeros.xlsx"), "0000000")


MEASURES: dict[str, Callable[[dict[str, str]], Work]] = {
    "create from dicts": create,
    "create from a generator": streamed,
    "create, named run": create_named,
    "read a named run": read_run,
    "list to pandas": listed,
    "get to pandas": got,
    "patch": patched,
    "delete": deleted,
    "frame to bodies": bodies,
    "frame of ids to bodies": conversion,
    "frame of names to bodies": names,
    "report on a frame": report,
    "sheet": sheet,
    "sheet with leading zeros": sheet_with_zeros,
}


def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="acc-assets-"))


def _project(server: dict[str, str]) -> acc_assets.Project:
    # The import is not measured.
    __import__("pandas")
    client = acc_assets.Client(auth=server["token"], base_url=server["read"], limits=NO_LIMITS)
    return client.project(server["project"])


def _sheet(path: Path, number_format: str) -> Work:
    if not path.exists():
        _write_sheet(path, number_format)
    assets = acc_assets.Client(auth="benchmark-token", base_url="http://127.0.0.1:9").project(PROJECT).assets
    return lambda: assets.create(path, dry_run=True, **UNCHECKED, on_error="collect")


def _write_sheet(path: Path, number_format: str) -> None:
    import openpyxl
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    book = openpyxl.Workbook(write_only=True)
    page, font = book.create_sheet("Assets"), Font(bold=True)
    table = frame(WRITTEN).drop(columns="ca5")
    barcode = list(table.columns).index("barcode")
    page.append(list(table.columns))
    for number, cells in enumerate(table.astype(object).where(table.notna(), None).itertuples(index=False)):
        shown: list[Any] = [WriteOnlyCell(page, value=cell) for cell in cells]
        if number_format != "General":
            shown[barcode].value, shown[barcode].number_format = number, number_format
        for cell in shown:
            # Blank cells without a format are not in the file.
            cell.font = font
        page.append(shown)
    book.save(path)


def serve(rows: int) -> None:
    """Serve a project with assets, and print its address."""
    limits = acc_assets.Limits(assets_read=1_000_000, assets_write=1_000_000)
    with acc_assets.testing.Simulator(seed=1, limits=limits) as sim:
        client = sim.client()
        project = client.project(sim.project_id)
        category = next(found for found in sim.world()["categories"] if found["name"] == "Air Handling")
        needed = {"categoryId": str(category["id"]), "statusId": category["statuses"][0]["id"]}
        units: Iterable[dict[str, Any]] = [
            {
                **needed,
                "clientAssetId": f"AHU-{number}",
                "barcode": f"F{number}",
                "description": f"Unit {number % 50}",
            }
            for number in range(rows)
        ]
        assert project.assets.create(units, **UNCHECKED).ok
        reached = {"read": sim.url, "token": sim.token, "project": sim.project_id}
        print(
            json.dumps(reached | {"category": needed["categoryId"], "status": needed["statusId"]}), flush=True
        )
        sys.stdin.read()


def main() -> None:
    """Serve, or run the measurement given by the arguments."""
    if sys.argv[1] == "serve":
        serve(READ)
        return
    work = MEASURES[sys.argv[1]](json.loads(sys.argv[2]))

    def once() -> int:
        work()
        return 0

    print(measured(once)["cpu"])


if __name__ == "__main__":
    main()
