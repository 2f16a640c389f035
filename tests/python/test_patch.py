"""Changing assets."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Kit

import acc_assets as acc
from acc_assets.typing import Asset


@pytest.fixture
def ids(project: acc.Project, kit: Kit) -> list[str]:
    made = project.assets.create(kit.rows(3, barcode="0042", description="old")).raise_if_failed()
    return [id for id in made.ids if id is not None]


def asset(project: acc.Project, id: str) -> Asset:
    return project.assets.get(id)[0]


def test_patch_changes_given_cells_only(project: acc.Project, ids: list[str]) -> None:
    result = project.assets.patch([{"id": ids[0], "description": "new"}])
    assert result.counts == {"updated": 1}
    assert result.ids == [ids[0]]
    assert asset(project, ids[0])["description"] == "new"
    assert asset(project, ids[0])["barcode"] == "0042"
    assert asset(project, ids[1])["description"] == "old"


def test_patch_key_names_the_id_column(project: acc.Project, ids: list[str]) -> None:
    assert project.assets.patch([{"asset": ids[0], "description": "new"}], key="asset").ok


@pytest.mark.parametrize(("nulls", "description"), [("omit", "old"), ("clear", None)])
def test_nulls_option_of_patch(
    nulls: Any, description: str | None, project: acc.Project, ids: list[str]
) -> None:
    assert project.assets.patch([{"id": ids[0], "description": None, "barcode": "7"}], nulls=nulls).ok
    assert asset(project, ids[0]).get("description") == description


def test_nulls_error_rejects_empty_cells(project: acc.Project, ids: list[str]) -> None:
    result = project.assets.patch([{"id": ids[0], "description": None}], nulls="error")
    assert result.counts == {"invalid": 1}
    assert result[0].error is not None
    assert result[0].error.column == "description"


def test_clear_clears_one_cell(project: acc.Project, ids: list[str]) -> None:
    assert project.assets.patch([{"id": ids[0], "description": acc.CLEAR, "barcode": None}]).ok
    assert asset(project, ids[0]).get("description") is None
    assert asset(project, ids[0])["barcode"] == "0042"


def test_patch_sends_identical_rows_once(
    project: acc.Project, ids: list[str], sim: acc.testing.Simulator
) -> None:
    row = {"id": ids[0], "description": "new"}
    assert project.assets.patch([row, dict(row)]).counts == {"updated": 2}
    assert sim.audit()["assets_patched"] == 1


def test_patch_rejects_different_rows_with_the_same_id(
    project: acc.Project, ids: list[str], sim: acc.testing.Simulator
) -> None:
    rows = [{"id": ids[0], "description": "a"}, {"id": ids[1]}, {"id": ids[0], "description": "b"}]
    result = project.assets.patch(rows)
    first, last = result[0], result[2]
    assert (first.status, last.status) == ("invalid", "invalid")
    assert first.error is not None
    assert last.error is not None
    assert "row 2" in str(first.error)
    assert "row 0" in str(last.error)
    assert asset(project, ids[0])["description"] == "old"


@pytest.mark.parametrize("id", [None, "AHU-1", "nan"])
def test_patch_row_with_an_invalid_id_is_invalid(id: str | None, project: acc.Project) -> None:
    result = project.assets.patch([{"id": id, "description": "new"}])
    assert result.counts == {"invalid": 1}
    assert result[0].error is not None
    assert result[0].error.column == "id"


def test_misprinted_responses_are_accepted(
    project: acc.Project, ids: list[str], sim: acc.testing.Simulator
) -> None:
    sim.set_switch("misprinted_scalars", "on")
    assert project.assets.patch([{"id": id, "description": "new"} for id in ids]).counts == {"updated": 3}


def test_lost_patch_is_retried(project: acc.Project, ids: list[str], sim: acc.testing.Simulator) -> None:
    sim.add_fault("reset_after_apply", on="assets:batch-patch")
    result = project.assets.patch([{"id": id, "description": "new"} for id in ids])
    assert result.counts == {"updated": 3}
    assert result[0].attempts == 2


def test_patch_warns_about_a_field_that_differs_in_the_response(
    project: acc.Project, ids: list[str], sim: acc.testing.Simulator
) -> None:
    sim.set_switch("patch_null", "ignore")
    rows = [{"id": id, "description": None, "barcode": "7"} for id in ids]
    with pytest.warns(
        acc.DataWarning, match=r"`description` differs .* in 3 rows \(first: row 0\)"
    ) as warned:
        result = project.assets.patch(rows, nulls="clear")
    assert result.counts == {"updated": 3}
    assert len(warned) == 1


def test_the_asset_id_is_not_suggested_as_the_column_of_ids(project: acc.Project) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"Asset ID": ["AHU-1"], "Status": ["Installed"]})
    with pytest.raises(
        acc.InputError, match=r"There is no column \"id\"\. Pass the name of the id column as key=, or add"
    ):
        project.assets.patch(frame)
    with pytest.raises(acc.InputError, match=r"Did you mean key=\"Id\""):
        project.assets.delete(frame.assign(Id="x"))


def test_an_empty_frame_has_no_unknown_columns(project: acc.Project) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"Asset ID": ["A"], "Category": ["HVAC"], "Status": ["Ordered"]})
    assert project.assets.validate(frame[frame["Asset ID"] == "B"]).warnings == []


def test_a_text_that_became_a_boolean_is_unchanged(project: acc.Project) -> None:
    unit = {"Asset ID": "A", "Category": "HVAC > Fans", "Status": "Ordered", "Manufacturer": "TRUE"}
    project.assets.create(unit)
    row: dict[str, Any] = {**project.assets.list()[0]}
    attributes = {name: value == "TRUE" for name, value in row.pop("customAttributes").items()}
    result = project.assets.patch([{**row, **attributes}])
    assert result.counts == {"unchanged": 1}
