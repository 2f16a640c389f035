"""Deleting assets."""

from __future__ import annotations

import uuid

import pytest
from conftest import Kit

import acc_assets as acc


def test_assets_are_deleted(project: acc.Project, kit: Kit, sim: acc.testing.Simulator) -> None:
    made = project.assets.create(kit.rows(120))
    result = project.assets.delete(made.ids)
    assert result.counts == {"deleted": 120}
    assert result.ids == made.ids
    assert result.stats.requests == 2
    assert sim.audit()["assets_deleted"] == 120


def test_delete_sends_duplicate_ids_once(project: acc.Project, kit: Kit, sim: acc.testing.Simulator) -> None:
    id = project.assets.create(kit.row()).ids[0]
    assert project.assets.delete([id, id]).counts == {"deleted": 2}
    assert sim.audit()["assets_deleted"] == 1


def test_the_result_of_a_create_can_be_deleted(project: acc.Project, kit: Kit) -> None:
    made = project.assets.create([*kit.rows(3), {"clientAssetId": "bad"}])
    assert project.assets.delete(made.where("created")).counts == {"deleted": 3}


def test_a_result_deletes_only_assets_of_its_own(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    rows = [kit.row(f"AHU-{place}", barcode=str(place)) for place in range(4)]
    project.assets.create(rows[:3])
    made = project.assets.create(rows, import_key="barcode")
    assert made.counts == {"created": 1, "unchanged": 3}
    with pytest.raises(acc.InputError, match=r"did not create \(3 unchanged\)\. .*where\("):
        project.assets.delete(made)
    assert sim.audit()["assets_deleted"] == 0
    assert project.assets.delete(made.where("created")).counts == {"deleted": 1}
    # A part names its rows.
    assert project.assets.delete(made.where("unchanged")).counts == {"deleted": 3}


def test_the_result_of_a_patch_deletes_nothing(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    made = project.assets.create([*kit.rows(2), {"clientAssetId": "bad"}])
    rows = [{"id": id, "description": "d"} for id in made.ids[:2]] + [{"id": "typo"}]
    patched = project.assets.patch(rows)
    assert patched.counts == {"updated": 2, "invalid": 1}
    with pytest.raises(acc.InputError, match=r"did not create \(2 updated"):
        project.assets.delete(patched)
    assert sim.audit()["assets_deleted"] == 0
    # Rows without an asset do not matter.
    assert project.assets.delete(made).counts["deleted"] == 2


def test_an_unknown_id_is_rejected(project: acc.Project) -> None:
    result = project.assets.delete([str(uuid.uuid4())])
    assert result.counts == {"rejected": 1}
    assert result[0].error is not None
    assert result[0].error.message


def test_dry_run_deletes_nothing(project: acc.Project, kit: Kit, sim: acc.testing.Simulator) -> None:
    made = project.assets.create(kit.rows(3))
    assert project.assets.delete(made, dry_run=True).estimate is not None
    assert sim.audit()["assets_deleted"] == 0


def rows_of(kind: str, result: acc.BulkResult) -> object:
    if kind == "pyarrow":
        return pytest.importorskip(kind).table(result)
    if kind == "dicts":
        return result.to_dicts()
    pytest.importorskip(kind)
    return result.to_pandas() if kind == "pandas" else result.to_polars()


@pytest.mark.once
@pytest.mark.parametrize("kind", ["dicts", "pandas", "polars", "pyarrow"])
def test_delete_refuses_outcomes_of_assets_that_the_call_did_not_create(
    kind: str, project: acc.Project
) -> None:
    row = {"Category": "HVAC > Air Handling", "Status": "Installed"}
    rows = [{"Asset ID": f"A-{number}", "Barcode": f"B{number}", **row} for number in range(3)]
    project.assets.create(rows[:2], import_key="Barcode")
    result = project.assets.create(rows, import_key="Barcode")
    with pytest.raises(
        acc.InputError, match=r"did not create \(2 unchanged\).*rows whose `status` is \"created\""
    ):
        project.assets.delete(rows_of(kind, result))  # type: ignore[arg-type]
    assert project.assets.delete(rows_of(kind, result.where("created"))).counts == {"deleted": 1}  # type: ignore[arg-type]
    assert project.assets.delete(result.ids[:2]).counts == {"deleted": 2}


@pytest.mark.once
def test_delete_refuses_outcomes_beside_own_columns(project: acc.Project) -> None:
    pandas = pytest.importorskip("pandas")
    rows = [{"Asset ID": "A", "Barcode": "B", "Category": "HVAC > Air Handling", "Status": "Installed"}]
    project.assets.create(rows, import_key="Barcode")
    frame = pandas.DataFrame(rows)
    result = project.assets.create(frame, import_key="Barcode")
    with pytest.raises(acc.InputError, match=r"rows whose `outcome_status` is"):
        project.assets.delete(result.to_pandas(join=frame))
    # A column of the user with such a name says nothing.
    own = pandas.DataFrame({"id": result.ids, "status": ["updated"]})
    assert project.assets.delete(own).counts == {"deleted": 1}


@pytest.mark.once
def test_a_second_delete_has_nothing_to_fix(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit
) -> None:
    ids = project.assets.create(kit.rows(3)).ids
    assert project.assets.delete(ids).ok
    result = project.assets.delete(ids)
    assert result.counts == {"rejected": 3}
    assert result[0].error is not None
    assert result[0].error.fix == "already deleted, so there is nothing to do"
    assert "was deleted" in result[0].error.message
    assert "rejected: there is nothing to do for those that are already deleted; correct other ids" in repr(
        result
    )
    assert "fix these rows" not in repr(result)
    # A patch of such an asset is still a mistake.
    error = project.assets.patch([{"id": ids[0], "Description": "x"}])[0].error
    assert error is not None
    assert error.fix is not None
    assert error.fix.startswith("correct or remove the row")
