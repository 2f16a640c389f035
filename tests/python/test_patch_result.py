"""Patch the rows of a create that differ from the assets with their import keys."""

from __future__ import annotations

import asyncio
import pathlib
import pickle
from typing import Any

import pytest

import acc_assets as acc

pd = pytest.importorskip("pandas")
openpyxl = pytest.importorskip("openpyxl")

pytestmark = pytest.mark.once

KEYED: Any = {"import_key": "Barcode", "progress": False}


def unit(number: int, **more: Any) -> dict[str, Any]:
    return {
        "Asset ID": f"AHU-{number}",
        "Category": "HVAC > Air Handling",
        "Status": "Ordered",
        "Barcode": f"{number:06}",
        "Airflow": "1.50",
        **more,
    }


def fields(project: acc.Project, *names: str) -> dict[str, tuple[Any, ...]]:
    """Return fields of all assets, by Asset ID."""
    table = project.assets.list().to_pandas().astype(object).set_index("Asset ID")
    return {
        str(name): tuple(row)
        for name, row in zip(table.index, table[list(names)].values.tolist(), strict=True)
    }


@pytest.fixture
def rows(project: acc.Project) -> list[dict[str, Any]]:
    rows = [unit(number) for number in range(6)]
    assert project.assets.create(rows, **KEYED).ok
    return rows


def test_patch_result_changes_exactly_the_rows_that_differ(
    sim: acc.testing.Simulator, project: acc.Project, rows: list[dict[str, Any]]
) -> None:
    before = {asset["clientAssetId"]: asset for asset in sim.assets()}
    rows[1]["Status"] = "Installed"
    rows[4] |= {"Status": "Installed", "Airflow": 7}
    rows.append(unit(9))
    result = project.assets.create(rows, **KEYED)
    patched = project.assets.patch(result, progress=False)
    assert patched.ok
    assert patched.counts == {"updated": 2}
    assert patched.rows == [1, 4]
    assert patched.labels == [1, 4]
    assert [outcome.row for outcome in patched] == [1, 4]
    assert patched.ids == result.where("differs").ids
    assert fields(project, "Status", "Airflow")["AHU-4"] == ("Installed", 7.0)
    after = {asset["clientAssetId"]: asset for asset in sim.assets()}
    untouched = [name for name in before if before[name] == after[name]]
    assert untouched == ["AHU-0", "AHU-2", "AHU-3", "AHU-5"]
    assert project.assets.create(rows, **KEYED).counts == {"unchanged": 7}


def test_patch_result_sends_only_cells_that_differ(
    sim: acc.testing.Simulator, project: acc.Project, rows: list[dict[str, Any]]
) -> None:
    rows[2]["Status"] = "Installed"
    result = project.assets.create(rows, **KEYED)
    patched = project.assets.patch(result, progress=False)
    (status,) = {asset["statusId"] for asset in sim.assets() if asset["id"] == patched.ids[0]}
    assert patched.stats.bytes_sent == len(f'{{"{patched.ids[0]}":{{"statusId":"{status}"}}}}')
    assert (patched.stats.requests, patched.stats.lookups) == (2, 1)


def test_patch_part_of_a_result(project: acc.Project, rows: list[dict[str, Any]]) -> None:
    for row in rows[1:4]:
        row["Status"] = "Installed"
    result = project.assets.create(rows, **KEYED)
    assert project.assets.patch(result[:2], progress=False).rows == [1]
    patched = project.assets.patch(result.where("differs"), progress=False)
    assert (patched.rows, patched.statuses) == ([1, 2, 3], ["unchanged", "updated", "updated"])


def test_patch_result_fills_down_over_all_rows(tmp_path: pathlib.Path, project: acc.Project) -> None:
    lines = ["Asset ID;Category;Status;Barcode"]
    for number in range(6):
        category = ("HVAC > Air Handling", "HVAC > Pumps")[number // 3] if number % 3 == 0 else ""
        lines.append(f"AHU-{number};{category};Ordered;{number:06}")
    path = tmp_path / "kw48.csv"
    path.write_text("\n".join(lines))
    options: Any = {**KEYED, "fill_down": ["Category"]}
    with pytest.warns(acc.DataWarning):
        assert project.assets.create(path, **options).ok
    # The row with the category is unchanged, and a row far below it differs.
    path.write_text("\n".join(lines).replace("AHU-2;;Ordered", "AHU-2;;Installed"))
    with pytest.warns(acc.DataWarning):
        result = project.assets.create(path, **options)
    assert result.counts == {"unchanged": 5, "differs": 1}
    with pytest.warns(acc.DataWarning, match="blank cells? of `Category`"):
        patched = project.assets.patch(result, progress=False)
    assert (patched.statuses, patched.labels) == (["updated"], [4])
    found = fields(project, "Category", "Status")
    assert found["AHU-2"] == ("HVAC > Air Handling", "Installed")
    assert found["AHU-5"] == ("HVAC > Pumps", "Ordered")


def test_patch_result_keeps_number_formats(tmp_path: pathlib.Path, project: acc.Project) -> None:
    path = tmp_path / "kw49.xlsx"

    def write(status: str) -> None:
        book = openpyxl.Workbook()
        sheet: Any = book.active
        sheet.append(["Asset ID", "Category", "Status", "Barcode"])
        for number in (2, 3):
            sheet.append([f"PMP-{number}", "HVAC > Pumps", status if number == 3 else "Ordered", number])
            sheet.cell(sheet.max_row, 4).number_format = "000000"
        book.save(path)

    write("Ordered")
    assert project.assets.create(path, **KEYED).ok
    write("Installed")
    result = project.assets.create(path, **KEYED)
    patched = project.assets.patch(result, progress=False)
    assert (patched.counts, patched.labels) == ({"updated": 1}, [3])
    assert fields(project, "Barcode", "Status") == {
        "PMP-2": ("000002", "Ordered"),
        "PMP-3": ("000003", "Installed"),
    }


def test_patch_result_reads_rows_with_the_mapping_file(tmp_path: pathlib.Path, project: acc.Project) -> None:
    (tmp_path / "plant.toml").write_text(
        '[columns]\nKennung = "Asset ID"\nGewerk = "Category"\nZustand = "Status"\nCode = "Barcode"\n'
        '[values.Zustand]\n"eingebaut" = "Installed"\n"bestellt" = "Ordered"\n'
        '[read]\nfill_down = ["Gewerk"]\n'
    )
    path = tmp_path / "kw49.csv"
    options: Any = {**KEYED, "mapping": tmp_path / "plant.toml"}
    path.write_text("Kennung;Gewerk;Zustand;Code\nA;HVAC > Pumps;bestellt;001\nB;;bestellt;002\n")
    with pytest.warns(acc.DataWarning):
        assert project.assets.create(path, **options).ok
    path.write_text("Kennung;Gewerk;Zustand;Code\nA;HVAC > Pumps;bestellt;001\nB;;eingebaut;002\n")
    with pytest.warns(acc.DataWarning):
        patched = project.assets.patch(project.assets.create(path, **options), progress=False)
    assert (patched.counts, patched.labels) == ({"updated": 1}, [3])
    assert fields(project, "Status", "Category")["B"] == ("Installed", "HVAC > Pumps")


def test_patch_result_has_the_index_of_the_frame(project: acc.Project, rows: list[dict[str, Any]]) -> None:
    rows[1]["Status"] = rows[4]["Status"] = "Installed"
    index = pd.Index([f"2026-0{number + 1}" for number in range(6)], name="month")
    frame = pd.DataFrame(rows, index=index)
    with pytest.warns(acc.DataWarning):  # the index is a column that is not known
        patched = project.assets.patch(project.assets.create(frame, **KEYED), progress=False)
    assert patched.labels == ["2026-02", "2026-05"]
    assert list(patched.to_pandas().index) == ["2026-02", "2026-05"]
    joined = patched.to_pandas(join=frame)
    assert list(joined["Asset ID"]) == ["AHU-1", "AHU-4"]
    assert list(joined["outcome_status"]) == ["updated", "updated"]
    assert list(joined["id"]) == patched.ids
    assert list(frame.iloc[patched.rows]["Asset ID"]) == ["AHU-1", "AHU-4"]
    with pytest.raises(acc.InputError, match="join= has 2 rows, but the input had 6 rows"):
        patched.to_pandas(join=frame.iloc[patched.rows])


def test_patch_result_names_rows_as_the_input_does(project: acc.Project, rows: list[dict[str, Any]]) -> None:
    rows[4] |= {"Status": "Installed", "Description": "x" * 900}
    result = project.assets.create(rows, **KEYED)
    deleted = project.assets.delete([result.ids[4]])
    assert deleted.ok
    patched = project.assets.patch(result, progress=False)
    (cause,) = patched.causes
    assert (cause.code, cause.first_rows, cause.first_labels) == ("deleted_asset", (4,), (4,))
    assert "(row 4)" in repr(patched)
    assert patched.report.problems[0].row == 4
    assert list(patched.to_dicts()[0].values())[:2] == [4, 4]


def test_patch_result_clears_blank_cells_on_request(project: acc.Project, rows: list[dict[str, Any]]) -> None:
    rows[1] |= {"Status": "Installed", "Airflow": None}
    result = project.assets.create(rows, **KEYED)
    with pytest.warns(acc.DataWarning, match='To clear such values, pass nulls="clear"'):
        assert project.assets.patch(result, dry_run=True, progress=False).estimate.rows == 1  # type: ignore[union-attr]
    assert project.assets.patch(result, nulls="clear", progress=False).counts == {"updated": 1}
    status, airflow = fields(project, "Status", "Airflow")["AHU-1"]
    assert status == "Installed"
    assert pd.isna(airflow)


def test_patch_result_without_rows_that_differ(
    sim: acc.testing.Simulator, project: acc.Project, rows: list[dict[str, Any]]
) -> None:
    result = project.assets.create(rows, **KEYED)
    before = sim.audit()["requests"]
    patched = project.assets.patch(result, progress=False)
    assert patched.ok
    assert (len(patched), patched.stats.requests, sim.audit()["requests"]) == (0, 0, before)
    frame = patched.to_pandas(join=pd.DataFrame(rows))
    assert frame.empty
    assert "outcome_status" in frame
    consumed = project.assets.create(iter(rows), **KEYED)
    assert project.assets.patch(consumed, progress=False).ok


def test_patch_result_keeps_keys_in_their_spelling(project: acc.Project) -> None:
    project.assets.create([unit(1, Barcode="AB-1")], **KEYED)
    result = project.assets.create([unit(1, Barcode="ab-1", Status="Installed")], **KEYED)
    assert result.counts == {"differs": 1}
    assert project.assets.patch(result, progress=False).ok
    assert fields(project, "Barcode", "Status")["AHU-1"] == ("AB-1", "Installed")
    # With the key in its spelling, another spelling of the name is a change.
    result = project.assets.create([unit(1, Barcode="AB-1", **{"Asset ID": "ahu-1"})], **KEYED)
    assert project.assets.patch(result, progress=False).counts == {"updated": 1}
    assert fields(project, "Barcode")["ahu-1"] == ("AB-1",)


def test_patch_result_of_a_named_run(
    tmp_path: pathlib.Path, project: acc.Project, rows: list[dict[str, Any]]
) -> None:
    rows[3]["Status"] = "Installed"
    run = tmp_path / "level-3.sqlite"
    result = project.assets.create(rows, run=run, **KEYED)
    assert project.assets.patch(result, progress=False).rows == [3]
    of_file = acc.runs(tmp_path)["level-3"]
    with pytest.raises(acc.InputError, match="rows of the create are not available"):
        project.assets.patch(of_file, progress=False)
    assert project.assets.create(rows, run=run, **KEYED).counts == {"unchanged": 6}
    assert len(project.assets.patch(acc.runs(tmp_path)["level-3"], progress=False)) == 0


def test_patch_result_of_a_file_with_rows_to_fix(
    tmp_path: pathlib.Path, project: acc.Project, rows: list[dict[str, Any]]
) -> None:
    rows[3]["Status"] = "Installed"
    rows.append(unit(7, Status="Instaled"))
    run = tmp_path / "level-3.sqlite"
    assert project.assets.create(rows, run=run, **KEYED).write_fixes(tmp_path / "fix.xlsx") == 2
    book = openpyxl.load_workbook(tmp_path / "fix.xlsx")
    sheet = book.worksheets[0]
    for row in sheet.iter_rows(min_row=2):
        for cell in row:
            if cell.value == "Instaled":
                cell.value = "Installed"
    book.save(tmp_path / "fix.xlsx")
    sheet.delete_rows(2)
    book.save(tmp_path / "part.xlsx")
    result = project.assets.create(tmp_path / "part.xlsx", run=run, **KEYED)
    with pytest.raises(acc.InputError, match="did not contain 1 of the rows that differ"):
        project.assets.patch(result, progress=False)
    result = project.assets.create(tmp_path / "fix.xlsx", run=run, **KEYED)
    assert result.counts == {"created": 1, "unchanged": 5, "differs": 1}
    patched = project.assets.patch(result, progress=False)
    assert (patched.statuses, patched.labels) == (["updated"], [2])
    assert fields(project, "Status")["AHU-3"] == ("Installed",)


def test_patch_result_can_be_retried(
    sim: acc.testing.Simulator, project: acc.Project, rows: list[dict[str, Any]]
) -> None:
    rows[2]["Status"] = rows[5]["Status"] = "Installed"
    result = project.assets.create(rows, **KEYED)
    sim.add_fault("status", on="assets:batch-patch", code=403)
    with pytest.raises(acc.ForbiddenError) as caught:
        project.assets.patch(result, progress=False)
    stopped = caught.value.result
    assert stopped is not None
    assert stopped.rows == [2, 5]
    restored = pickle.loads(pickle.dumps(stopped))
    patched = project.assets.retry(stopped)
    assert (patched.counts, patched.rows) == ({"updated": 2}, [2, 5])
    assert (restored.rows, restored.labels) == ([2, 5], [2, 5])
    with pytest.raises(acc.OptionError, match="pass the result of the create"):
        project.assets.retry(restored, rows)
    assert project.assets.retry(restored, result).counts == {"unchanged": 2}


def test_patch_result_that_ends_before_its_first_request(
    sim: acc.testing.Simulator, project: acc.Project, rows: list[dict[str, Any]]
) -> None:
    rows[2]["Status"] = rows[5]["Status"] = "Installed"
    result = project.assets.create(rows, **KEYED)
    other = sim.client().project(sim.project_id)
    sim.add_fault("status", on="categories", code=403)
    with pytest.raises(acc.ForbiddenError) as caught:
        other.assets.patch(result, progress=False)
    stopped = caught.value.result
    assert stopped is not None
    assert (stopped.rows, stopped.labels, stopped.statuses) == ([2, 5], [2, 5], ["not_sent", "not_sent"])
    assert other.assets.retry(stopped).counts == {"updated": 2}


def test_write_fixes_of_a_patched_result(
    tmp_path: pathlib.Path, project: acc.Project, rows: list[dict[str, Any]]
) -> None:
    rows[4]["Status"] = rows[5]["Status"] = "Installed"
    result = project.assets.create(rows, **KEYED)
    project.assets.delete([result.ids[5]])
    patched = project.assets.patch(result, progress=False)
    assert patched.statuses == ["updated", "invalid"]
    assert patched.write_fixes(tmp_path / "fix.xlsx") == 1
    fixes = pd.read_excel(tmp_path / "fix.xlsx", dtype=str, engine="openpyxl")
    assert (fixes.loc[0, "Asset ID"], fixes.loc[0, "id"]) == ("AHU-5", result.ids[5])
    assert result.write_fixes(tmp_path / "differs.xlsx") == 2
    fixes = pd.read_excel(tmp_path / "differs.xlsx", dtype=str, engine="openpyxl")
    assert fixes.loc[0, "Fix"] == "to change the asset, call project.assets.patch(result)"


def test_validate_patch_of_a_result(
    sim: acc.testing.Simulator, project: acc.Project, rows: list[dict[str, Any]]
) -> None:
    rows[4]["Status"] = "Installed"
    result = project.assets.create(rows, **KEYED)
    report = project.assets.validate(result, verb="patch", progress=False)
    assert report.ok
    assert report.estimate is not None
    assert report.estimate.rows == 1
    # Without the assets, all cells count as to be sent.
    report = project.settings().validate(result, verb="patch")
    assert report.ok


def test_patch_result_with_a_column_called_id(project: acc.Project) -> None:
    rows = [
        {"id": f"AHU-{n}", "Category": "HVAC > Pumps", "Status": "Ordered", "Barcode": f"{n}x"} for n in "12"
    ]
    options: Any = {**KEYED, "mapping": {"id": "Asset ID"}}
    assert project.assets.create(rows, **options).ok
    rows[1] |= {"id": "AHU-9"}
    result = project.assets.create(rows, **options)
    assert project.assets.patch(result, progress=False).counts == {"updated": 1}
    assert set(fields(project, "Barcode")) == {"AHU-1", "AHU-9"}


def test_patch_results_that_cannot_be_patched(
    sim: acc.testing.Simulator, project: acc.Project, rows: list[dict[str, Any]], tmp_path: pathlib.Path
) -> None:
    rows[1]["Status"] = "Installed"
    result = project.assets.create(rows, **KEYED)

    def refused(data: Any, says: str, kind: type[Exception] = acc.InputError, **options: Any) -> None:
        with pytest.raises(kind, match=says):
            project.assets.patch(data, progress=False, **options)

    with pytest.warns(acc.DataWarning, match="import keys were not looked up"):
        refused(project.assets.create(rows, dry_run=True, **KEYED), "dry run")
    refused(project.assets.create(iter(rows), **KEYED), "rows of the create are not available")
    refused(pickle.loads(pickle.dumps(result)), "rows of the create are not available")
    refused(project.assets.create(unit(7), progress=False), "the create had no import_key=")
    refused(result, "run= cannot be used with a result", acc.OptionError, run=tmp_path / "x.sqlite")
    refused(result, "key= does not apply to a result", acc.OptionError, key="Barcode")
    refused(result, "fill_down= cannot be used with a result", acc.OptionError, fill_down=["Category"])
    refused(result, "mapping= cannot be used with a result", acc.OptionError, mapping={})
    with pytest.warns(acc.DataWarning, match="were compared"):
        refused(project.assets.patch(project.assets.list(), progress=False), "takes the result of a create")
    rows[1]["Asset ID"] = "changed meanwhile"
    refused(result, "row 1 has changed")
    assert sim.audit()["assets_patched"] == 0


def test_patch_result_of_another_project(project: acc.Project, rows: list[dict[str, Any]]) -> None:
    with acc.testing.Simulator(seed=2) as sim:
        other = sim.client().project(sim.project_id)
        made = other.assets.create([unit(1)], **KEYED)
        with pytest.raises(acc.InputError, match="is from project"):
            project.assets.patch(made, progress=False)


def test_patch_result_of_an_async_create(
    project: acc.Project, async_project: acc.AsyncProject, rows: list[dict[str, Any]]
) -> None:
    rows[3]["Status"] = "Installed"

    async def patched() -> acc.AsyncBulkResult:
        return await async_project.assets.patch(
            await async_project.assets.create(rows, **KEYED), progress=False
        )

    result = asyncio.run(patched())
    assert (result.counts, result.rows) == ({"updated": 1}, [3])
    assert fields(project, "Status")["AHU-3"] == ("Installed",)
