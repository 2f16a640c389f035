"""A project, a sheet with names, and the same import in pandas: merges for the names, masks and apply for the checks."""

from __future__ import annotations

from typing import Any

SYSTEMS, KINDS, FLOORS, ROOMS = 20, 10, 50, 40
STATUSES = ["Specified", "Ordered", "Installed", "Commissioned"]
FILTERS = ["G3", "G4", "M5", "F7", "F9", "H13"]
FUNCTIONS = ["Heating", "Cooling", "Humidifying", "Heat recovery"]
# One in this many rows has a mistake of each kind.
MISTAKE = 1000

PLANT: dict[str, Any] = {
    "status_sets": [
        {"name": "Default", "default": True, "statuses": STATUSES},
        *({"name": f"Set {number}", "statuses": [*STATUSES, f"Handed over {number}"]} for number in range(4)),
    ],
    "attributes": [
        {"display_name": "Serial", "type": "text", "max_length": 40, "required": True},
        {"display_name": "Airflow", "type": "numeric"},
        {"display_name": "Installed on", "type": "date"},
        {"display_name": "Commissioned", "type": "boolean"},
        {"display_name": "Filter Class", "type": "select", "options": FILTERS},
        {"display_name": "Functions", "type": "multi_select", "options": FUNCTIONS},
        *({"display_name": f"Unused {number}", "type": "text"} for number in range(50)),
    ],
    "categories": [
        {"path": [], "attributes": ["Serial", "Airflow", "Installed on", "Commissioned"]},
        *(
            {
                "path": f"System {system}",
                "status_set": f"Set {system % 4}",
                # One system has no filters.
                "attributes": ["Functions"] if system == 0 else ["Functions", "Filter Class"],
            }
            for system in range(SYSTEMS)
        ),
        *({"path": f"System {number // KINDS} > Kind {number % KINDS}"} for number in range(SYSTEMS * KINDS)),
    ],
    "locations": [
        {"path": f"Building {number // ROOMS % 4} > Floor {number // ROOMS} > Room {number % ROOMS}"}
        for number in range(FLOORS * ROOMS)
    ],
}


def settings() -> Any:
    """The settings of the project, read from the simulator."""
    import acc_assets

    with acc_assets.testing.Simulator(project=PLANT) as sim, sim.client() as client:
        return client.project(sim.project_id).settings()


def named_frame(rows: int) -> Any:
    """A realistic sheet with 11 columns of names and texts, and one mistake of each kind per thousand rows."""
    import pandas as pd

    columns: dict[str, list[Any]] = {name: [] for name in HEAD}
    for number in range(rows):
        # System 0 has no filters, so it has no rows.
        system, kind = 1 + number % (SYSTEMS - 1), number // SYSTEMS % KINDS
        room = number % (FLOORS * ROOMS)
        wrong = number % MISTAKE
        cells = [
            f"U-{number:06}",
            "System 5 > Knd 3" if wrong == 10 else f"System {system} > Kind {kind}",
            "Comissioned" if wrong == 20 else STATUSES[number % 4].lower(),
            "Building 9 > Cellar"
            if wrong == 30
            else f"Building {room // ROOMS % 4} > Floor {room // ROOMS} > Room {room % ROOMS}",
            f"F{number:07}",
            "" if wrong == 40 else ("x" * 41 if wrong == 50 else f"serial {number:08}"),
            "2,5" if wrong == 60 else str(number % 1000 + 0.5),
            "2031-02-30" if wrong == 70 else f"2031-0{number % 9 + 1}-1{number % 10}",
            "perhaps" if wrong == 80 else ("yes", "no")[number % 2],
            "F8" if wrong == 90 else FILTERS[number % 6],
            "Heating; Colling" if wrong == 100 else "; ".join(FUNCTIONS[number % 3 : number % 3 + 2]),
        ]
        for name, cell in zip(HEAD, cells, strict=True):
            columns[name].append(cell)
    return pd.DataFrame(columns)


HEAD = [
    "Asset ID",
    "Category",
    "Status",
    "Location",
    "Barcode",
    "Serial",
    "Airflow",
    "Installed on",
    "Commissioned",
    "Filter Class",
    "Functions",
]


def ids_of(table: Any, known: Any) -> Any:
    """The same assets with ids instead of names; blank for unknown names."""
    frame = with_ids(table, known)[0].copy()
    return frame.astype(object).where(frame.notna(), None)


def with_ids(table: Any, known: Any) -> tuple[Any, Any]:
    """Resolve names and check everything in pandas. Returns the frame of ids and a mask of valid rows."""
    import pandas as pd

    def key(column: Any) -> Any:
        return column.str.strip().str.casefold()

    categories = known.to_pandas("categories")
    categories = categories[categories["is_active"]]
    categories = pd.DataFrame(
        {
            "category_key": key(categories["path"]),
            "categoryId": categories["id"],
            "set": categories["status_set"],
        }
    )
    statuses = known.to_pandas("statuses")
    statuses = statuses[statuses["is_active"]]
    statuses = pd.DataFrame(
        {"set": statuses["status_set"], "status_key": key(statuses["label"]), "statusId": statuses["id"]}
    )
    locations = known.to_pandas("locations")
    # People omit the root of the tree.
    root = locations["name"][0] + " > "
    locations = pd.DataFrame(
        {"location_key": key(locations["path"].str.removeprefix(root)), "locationId": locations["id"]}
    )
    attributes = known.to_pandas("attributes").set_index("display_name")
    options = known.to_pandas("options")
    assignments = known.to_pandas("assignments")
    frame = table.assign(
        category_key=key(table["Category"]),
        status_key=key(table["Status"]),
        location_key=key(table["Location"]),
    )
    frame = frame.merge(categories, on="category_key", how="left")
    frame = frame.merge(statuses, on=["set", "status_key"], how="left")
    frame = frame.merge(locations, on="location_key", how="left")
    good = frame["categoryId"].notna() & frame["statusId"].notna() & frame["locationId"].notna()
    good &= frame["Asset ID"].str.strip().ne("")

    def choices(name: str) -> dict[str, str]:
        of = options[options["attribute"] == name]
        return dict(zip(key(of["label"]), of["id"], strict=True))

    functions = choices("Functions")

    def several(text: str) -> list[str] | None:
        found = [functions.get(part.strip().casefold()) for part in text.split(";")]
        return None if None in found else found  # type: ignore[return-value]

    truth = {"yes": True, "no": False, "true": True, "false": False, "1": True, "0": False}
    values = {
        "Serial": frame["Serial"].where(frame["Serial"].str.len().between(1, 40)),
        "Airflow": frame["Airflow"].where(pd.to_numeric(frame["Airflow"], errors="coerce").notna()),
        "Installed on": pd.to_datetime(frame["Installed on"], errors="coerce").dt.strftime("%Y-%m-%d"),
        "Commissioned": key(frame["Commissioned"]).map(truth),
        "Filter Class": key(frame["Filter Class"]).map(choices("Filter Class")),
        "Functions": frame["Functions"].apply(several),
    }
    out = {
        "clientAssetId": frame["Asset ID"],
        "categoryId": frame["categoryId"],
        "statusId": frame["statusId"],
        "locationId": frame["locationId"],
        "barcode": frame["Barcode"],
    }
    for name, cells in values.items():
        has = assignments.loc[assignments["attribute"] == name, "category_id"]
        given = frame[name].str.strip().ne("")
        required = bool(attributes.loc[name, "is_required"])
        good &= cells.notna() if required else cells.notna() | ~given
        good &= frame["categoryId"].isin(has) | ~given
        out[attributes.loc[name, "name"]] = cells
    return pd.DataFrame(out), good
