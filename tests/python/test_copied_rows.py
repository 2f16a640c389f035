"""Rows that were copied and not edited, in a create with import keys: they are one asset."""

from __future__ import annotations

import pathlib
import warnings
from typing import Any

import pytest

import acc_assets as acc

pytestmark = pytest.mark.once

ONE_ASSET = "they are one asset"


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setenv("ACC_ASSETS_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def unit(number: int, **more: Any) -> dict[str, Any]:
    row = {"Asset ID": f"A-{number}", "Category": "HVAC > Air Handling", "Status": "Installed"}
    return {**row, "Barcode": f"00{number}", **more}


def barcodes(sim: acc.testing.Simulator) -> list[str]:
    return sorted(str(asset["barcode"]) for asset in sim.assets())


def test_a_copied_row_is_not_created(sim: acc.testing.Simulator, project: acc.Project) -> None:
    with pytest.warns(
        acc.DataWarning, match=r"row 0 and row 1 are equal, so they become one asset\. If row 1 "
    ) as told:
        result = project.assets.create([unit(1), unit(1)], import_key="barcode")
    assert "should be another asset, correct its `Barcode`" in str(told[0].message)
    assert (result.counts, result.ok) == ({"created": 1, "unchanged": 1}, True)
    assert "2 rows, 1 created, 1 unchanged" in repr(result)
    assert result.ids == [sim.assets()[0]["id"]] * 2
    assert result[0].error is None
    assert str(result[1].error) == f"the same as row 0; {ONE_ASSET}"
    assert result.to_dicts()[1]["message"] == f"the same as row 0; {ONE_ASSET}"
    assert result.statuses == ["created", "unchanged"]
    assert result.causes == []
    assert sim.audit()["assets_created"] == 1
    # The asset of the copy was created by the call, too.
    assert project.assets.get(result).ids == result.ids[:1]
    assert project.assets.delete(result).counts == {"deleted": 2}


def test_many_copies_are_counted(project: acc.Project) -> None:
    rows = [unit(number) for number in range(5)]
    with pytest.warns(
        acc.DataWarning, match=r"3 rows are equal to an earlier row, for example row 1 and row 5\. Equal"
    ):
        result = project.assets.create([*rows, rows[1], rows[3], rows[1]], import_key="barcode")
    assert result.counts == {"created": 5, "unchanged": 3}
    assert "the same as row 3;" in str(result[6].error)
    assert "the same as row 1;" in str(result[7].error)


def test_a_check_names_the_copies(project: acc.Project, folder: pathlib.Path) -> None:
    cells = ";".join(unit(1).values())
    (folder / "units.csv").write_text("Asset ID;Category;Status;Barcode\n" + 2 * f"{cells}\n")
    report = project.assets.validate("units.csv", import_key="barcode")
    assert "1 duplicate; 1 to send" in repr(report)
    assert "line 2 and line 3 are equal, so they become one asset. If line 3 should be" in repr(report)
    with pytest.warns(acc.DataWarning, match="line 2 and line 3 are equal"):
        result = project.assets.create("units.csv", import_key="barcode")
    assert f"the same as line 2; {ONE_ASSET}" in str(result[1].error)


def test_a_copy_follows_its_row(sim: acc.testing.Simulator, project: acc.Project) -> None:
    sim.add_fault("status", code=400, on="assets:batch-create")
    rows = [unit(1), unit(1)]
    with pytest.warns(acc.DataWarning, match="are equal"):
        result = project.assets.create(rows, import_key="barcode")
    assert result.counts == {"rejected": 2}
    sim.clear_faults()
    sim.add_fault("reset_after_apply", on="assets:batch-create")
    with pytest.warns(acc.DataWarning, match="are equal"):
        result = project.assets.create(rows, import_key="barcode", reconcile=False)
    assert result.counts == {"unknown": 2}
    with pytest.warns(acc.DataWarning, match="are equal"):
        result = result.reconcile()
    assert result.counts == {"created": 1, "unchanged": 1}
    with pytest.warns(acc.DataWarning, match="are equal"):
        assert project.assets.create(rows, import_key="barcode").counts == {"unchanged": 2}
    rows = [unit(1, Description="new")] * 2
    with pytest.warns(acc.DataWarning, match="are equal"):
        assert project.assets.create(rows, import_key="barcode").counts == {"differs": 2}
    assert barcodes(sim) == ["001"]


@pytest.mark.filterwarnings("ignore:.* are equal")
def test_a_copy_is_corrected_in_a_named_run(sim: acc.testing.Simulator, project: acc.Project) -> None:
    rows = [unit(1), unit(1), unit(3, Status="Instaled")]
    options: Any = {"run": "r", "import_key": "barcode"}
    counts = {"created": 1, "unchanged": 1, "invalid": 1}
    assert project.assets.create(rows, **options).counts == counts
    result = project.assets.create(rows, **options)
    assert (result.counts, result.stats.earlier) == (counts, 2)
    assert acc.runs()["r"].counts == counts
    assert f"the same as row 0; {ONE_ASSET}" in str(acc.runs()["r"][1].error)
    assert barcodes(sim) == ["001"]
    # The other one of the two was corrected.
    with pytest.raises(
        acc.InputError, match=r"row 0 .* was edited, while its copy, row 1, was not: restore it, and edit"
    ):
        project.assets.create([unit(2), unit(1), unit(3)], **options)
    # The copy has other cells, but the same key.
    result = project.assets.create([unit(1), unit(1, Description="x"), unit(3, Status="Instaled")], **options)
    assert result.counts == {"created": 1, "invalid": 2}
    assert "has different values in row 0" in str(result[1].error)
    result = project.assets.create([unit(1), unit(2), unit(3)], **options)
    assert result.counts == {"created": 3}
    assert barcodes(sim) == ["001", "002", "003"]
    assert project.assets.create([unit(1), unit(2), unit(3)], **options).stats.requests == 0
    assert sim.audit()["assets_created"] == 3


@pytest.mark.filterwarnings("ignore:.* are equal")
def test_a_copy_is_removed_from_a_named_run(sim: acc.testing.Simulator, project: acc.Project) -> None:
    options: Any = {"run": "r", "import_key": "barcode"}
    project.assets.create([unit(1), unit(1), unit(3, Status="Instaled")], **options)
    result = project.assets.create([unit(1), unit(3)], **options)
    assert result.counts == {"created": 2, "not_sent": 1}
    assert result[1].error is not None
    assert result[1].error.message == "removed by you"
    assert barcodes(sim) == ["001", "003"]


@pytest.mark.filterwarnings("ignore:.* are equal")
def test_a_duplicate_id_may_be_corrected_in_a_named_run(
    sim: acc.testing.Simulator, project: acc.Project
) -> None:
    ids = project.assets.create([unit(number) for number in range(3)]).ids
    assert project.assets.delete([ids[0], ids[0], "x"], run="d").counts == {"deleted": 2, "invalid": 1}
    assert project.assets.delete([ids[0], ids[1], ids[2]], run="d").counts == {"deleted": 3}
    assert not any(asset["isActive"] for asset in sim.assets())


@pytest.mark.filterwarnings("ignore:.* are equal")
def test_a_retry_of_copies_creates_one_asset(sim: acc.testing.Simulator, project: acc.Project) -> None:
    sim.add_fault("status", code=403, on="assets:batch-create")
    with pytest.raises(acc.ForbiddenError) as caught:
        project.assets.create([unit(1), unit(1)], import_key="barcode")
    result = caught.value.result
    assert result is not None
    assert result.counts == {"failed": 2}
    assert result.retry().counts == {"created": 1, "unchanged": 1}  # type: ignore[attr-defined]
    assert barcodes(sim) == ["001"]


def test_a_copied_row_of_a_table_changes_no_asset(
    project: acc.Project, sim: acc.testing.Simulator, tmp_path: pathlib.Path
) -> None:
    created = project.assets.create([unit(number) for number in range(3)]).ids
    rows = project.assets.get(created).to_dicts()
    copy = {**rows[1], "clientAssetId": "another", "barcode": None}
    result = project.assets.patch([*rows, copy])
    assert result.counts == {"unchanged": 2, "invalid": 2}
    assert (
        result.causes[0].fix
        == "keep one row per id; for a new asset, clear the id and the values that only the service sets, such as version, "
        "and pass the row to create()"
    )
    # Both rows are in the file, so that it cannot be sent without a decision.
    assert result.write_fixes(tmp_path / "fix.xlsx") == 2
    assert project.assets.patch(tmp_path / "fix.xlsx").counts == {"invalid": 2}
    assert "another" not in [asset["clientAssetId"] for asset in sim.assets()]


@pytest.mark.parametrize("other", ["ok", "wrong"])
def test_rows_of_one_key_that_differ_become_no_assets_in_any_call(project: acc.Project, other: str) -> None:
    rows = [unit(1), unit(1, Description="other"), unit(2, Status="Installed" if other == "ok" else "none")]
    for _ in range(2):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = project.assets.create(rows, import_key="barcode", run="r", on_error="collect")
        assert result.statuses[:2] == ["invalid", "invalid"]
