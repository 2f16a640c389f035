"""Write a realistic sheet of air handling units and fans, with mistakes. The same seed generates the same sheet.

python examples/make_sheet.py sheet.xlsx [--rows 20000] [--seed 1]
"""

from __future__ import annotations

import argparse
import datetime
import random
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

import acc_assets

MANUFACTURERS = ["Nordvent", "Aeromax", "Kaltluft", "Ventra", "Société Aéraulique", "Luftwerk"]


class Mistake(NamedTuple):
    """A kind of deliberate mistake."""

    what: str
    column: str
    cell: Any
    rows: int


class Sheet(NamedTuple):
    """A sheet, and its bad rows."""

    frame: pd.DataFrame
    mistakes: dict[int, Mistake]


def make_sheet(world: acc_assets.testing.World, rows: int = 20_000, seed: int = 1) -> Sheet:
    """Create a sheet for the project of `Simulator.world()`, with names instead of ids.

    Args:
        world: The project's categories, statuses, attributes and locations.
        rows: Number of rows, at least 1,000. About one in 500 is bad (43 of 20,000).
        seed: Seed for the random numbers.
    """
    dice = random.Random(seed)
    categories = {category["name"]: category for category in world["categories"]}
    air_handling, fans = categories["Air Handling"], categories["Fans"]
    statuses = [status["label"] for status in air_handling["statuses"]]
    rooms = [place for place in world["locations"] if place["barcode"]]
    # All six data types. Only air handling units have Airflow and Filter Class; they are blank for fans.
    attribute = {found["displayName"]: found for found in air_handling["attributes"]}
    own = attribute.keys() - {found["displayName"] for found in fans["attributes"]}

    def labels(display_name: str) -> list[str]:
        return [value["displayName"] for value in attribute[display_name]["values"]]

    table = []
    for number in range(rows):
        is_fan = dice.random() < 0.2
        room = dice.choice(rooms)
        kind = "Extract fan" if is_fan else "Air handling unit"
        cells = {
            "Manufacturer": dice.choice(MANUFACTURERS),
            "Airflow": float(dice.randrange(500, 30_000, 50)),
            "Installation Date": pd.Timestamp(2026, 1, 5) + pd.Timedelta(days=dice.randrange(300)),
            "Commissioned": dice.random() < 0.6,
            "Filter Class": dice.choice(labels("Filter Class")),
            "Functions": "; ".join(sorted(dice.sample(labels("Functions"), dice.randint(1, 3)))),
        }
        table.append(
            {
                "Asset ID": f"{'FAN' if is_fan else 'AHU'}-{room['barcode']}-{number + 1:05}",
                "Category": (fans if is_fan else air_handling)["path"],
                "Status": dice.choice(statuses),
                "Description": f"{kind} in {room['name']}" if dice.random() < 0.7 else None,
                "Location": room["barcode"],
                # A barcode column read as numbers would lose these zeros.
                "Barcode": f"{number * 7 + 101:08}",
                **{name: None if is_fan and name in own else cells[name] for name in attribute},
            }
        )
    frame = pd.DataFrame(table, dtype=object)
    mistakes = {}
    kinds = _mistakes(categories["Electrical"]["statuses"][0]["label"])
    planted = [mistake for mistake in kinds for _ in range(max(1, mistake.rows * rows // 20_000))]
    for row, mistake in zip(
        sorted(dice.sample(range(rows), len(planted))), _shuffled(planted, dice), strict=True
    ):
        frame.at[row, mistake.column] = mistake.cell
        mistakes[row] = mistake
    # The columns as pandas reads them from a sheet.
    frame["Airflow"] = frame["Airflow"].astype("float64")
    frame["Installation Date"] = pd.to_datetime(frame["Installation Date"])
    return Sheet(frame, mistakes)


def _mistakes(foreign_status: str) -> list[Mistake]:
    afternoon = pd.Timestamp(datetime.datetime(2026, 3, 2, 14, 30))
    return [
        Mistake("no name", "Asset ID", None, 4),
        Mistake("no category", "Category", None, 3),
        Mistake("no status", "Status", None, 4),
        Mistake("a status with a letter missing", "Status", "Instaled", 4),
        Mistake("a status of another status set", "Status", foreign_status, 2),
        Mistake("a location of which there are several", "Location", "Level 2", 3),
        Mistake("a category that the project does not have", "Category", "HVAC > Air Handlers", 3),
        Mistake("a blank category turned to text", "Category", "nan", 2),
        Mistake("a description of 1,300 characters", "Description", "see manual " * 118 + "!!", 4),
        Mistake("an attribute's text of 300 characters", "Manufacturer", "Nordvent" * 37 + "GmbH", 4),
        Mistake("an infinite airflow", "Airflow", float("inf"), 3),
        Mistake("an option that there is not", "Filter Class", "G5", 3),
        Mistake("a date with a time of day", "Installation Date", afternoon, 4),
    ]


def _shuffled(planted: list[Mistake], dice: random.Random) -> list[Mistake]:
    return dice.sample(planted, len(planted))


def main() -> None:
    """Write the sheet as .xlsx or .csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="where to write: sheet.xlsx or sheet.csv")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with acc_assets.testing.Simulator(seed=options.seed) as simulator:
        frame, mistakes = make_sheet(simulator.world(), options.rows, options.seed)
    if options.path.suffix == ".xlsx":
        frame.to_excel(options.path, index=False)
    else:
        frame.to_csv(options.path, index=False)
    print(f"{options.path}: {len(frame):,} rows, {len(mistakes)} of them bad")


if __name__ == "__main__":
    main()
