"""Headings that an attribute shares with a field, and workbooks with a cover sheet."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

import acc_assets as acc

pd = pytest.importorskip("pandas")
openpyxl = pytest.importorskip("openpyxl")

pytestmark = pytest.mark.once

UNIT: Any = {"Asset ID": "AHU-1", "Category": "HVAC > Air Handling", "Status": "Ordered"}


@pytest.fixture
def crowded() -> Iterator[acc.Project]:
    """A project with attributes that are called like fields."""
    names = ["Status", "Description", "Category", "Name", "id", "version", "Airflow"]
    described: Any = {
        "attributes": [
            {"display_name": name, "type": "text", "name": f"ca{n}"} for n, name in enumerate(names, 1)
        ],
        "categories": [{"path": ["Units"], "attributes": names}],
        "status_sets": [{"name": "Own", "statuses": ["Ordered"], "default": True}],
    }
    with acc.testing.Simulator(project=described) as sim:
        yield sim.client().project(sim.project_id)


def test_template_has_the_headings_of_a_list(crowded: acc.Project, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "template.xlsx"
    crowded.assets.template("Units", path)
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    heads = [str(cell.value).removesuffix(" *") for cell in sheet[1]]
    assert "Status (ca1)" in heads
    row = {"Asset ID": "A", "Status": "Ordered"}
    for place, head in enumerate(heads, 1):
        is_attribute = "(ca" in head or head == "Airflow"
        sheet.cell(2, place, f"own {head}" if is_attribute else row.get(head))
    book.save(path)
    assert crowded.assets.create(path, progress=False).ok
    table = crowded.assets.list().to_pandas()
    own = [head for head in heads if "(ca" in head or head == "Airflow"]
    assert len(own) == 7
    assert [table.loc[0, head] for head in own] == [f"own {head}" for head in own]
    crowded.assets.list().to_excel(tmp_path / "list.xlsx")
    assert set(own) <= set(pd.read_excel(tmp_path / "list.xlsx", engine="openpyxl").columns)


def test_columns_of_one_name(project: acc.Project, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("Asset ID;Status;Status\nA;x;y\n")
    with pytest.raises(acc.InputError, match="both named `Status`: rename or delete one of them") as caught:
        project.assets.validate(path, progress=False)
    assert "for example `Status (ca3)`" in str(caught.value)


def test_errors_of_a_cover_sheet_name_the_other_sheets(project: acc.Project, tmp_path: pathlib.Path) -> None:
    book = openpyxl.Workbook()
    cover: Any = book.active
    cover.title = "Deckblatt"
    cover.append(["Projekt", "Süd"])
    cover.append(["Stand", "KW 49"])
    units = book.create_sheet("Anlagen")
    units.append(list(UNIT))
    units.append(list(UNIT.values()))
    book.save(tmp_path / "plan.xlsx")
    mapping = tmp_path / "plant.toml"
    for option, says in (
        ("skip_rows = 3", "has no rows below the first 3"),
        ("skip_footer = 1", "skip_footer=1 would skip sheet row 2"),
        ("skip_footer = 3", "fewer than skip_footer=3"),
    ):
        mapping.write_text(f"[read]\n{option}\n")
        with pytest.raises(acc.InputError, match=says) as caught:
            project.assets.validate(tmp_path / "plan.xlsx", mapping=mapping, progress=False)
        assert str(caught.value).endswith(", or set `sheet` to another one: `Anlagen`"), option
