"""What people read: the words of their own sheet, the mistake next to its fix, and what to do next."""

from __future__ import annotations

import logging
import pathlib
import re
import signal

import pytest
from conftest import Kit

import acc_assets as acc

pytestmark = pytest.mark.once

UNIT = {"Asset ID": "AHU-1", "Category": "HVAC > Air Handling", "Status": "Installed"}


def first(report: acc.Report) -> acc.Cause:
    return report.causes[0]


@pytest.mark.parametrize(
    ("cells", "fix"),
    [
        ({"Status": "Instaled"}, "did you mean `Installed`?"),
        # Nothing is close to these values, so all possible values are named. No guess is made.
        ({"Filter Class": "F8"}, "use one of `G4`, `M5`, `F7`, `F9`, `H13`"),
        ({"Status": "Zzz"}, "use one of `Specified`, `Ordered`, `Delivered`, `Installed`, "),
    ],
)
def test_closest_matches_are_close(project: acc.Project, cells: dict[str, str], fix: str) -> None:
    cause = first(project.assets.validate([{**UNIT, **cells}]))
    assert (cause.fix or "").startswith(fix)


def test_missing_columns_are_called_as_in_the_sheet(project: acc.Project, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "units.csv"
    path.write_text("Kennung;Typ;Status\nAHU-1;HVAC;Installed\n")
    with_headings = project.assets.validate(path).problems
    assert [problem.column for problem in with_headings] == ["Asset ID", "Category"]
    assert with_headings[0].message.startswith("no column `Asset ID`: required for a new asset.")
    assert with_headings[0].fix == "add it, or map a column to it with mapping={'...': 'Asset ID'}"
    assert project.assets.validate(path, mapping={"Kennung": "Asset ID", "Typ": "Category"}).ok
    # Rows with API names are answered in API names.
    (problem,) = project.assets.validate([{"categoryId": "HVAC", "statusId": "Installed"}]).problems
    assert problem.column == "clientAssetId"


def test_a_table_read_from_a_template_is_told_about_its_category(project: acc.Project) -> None:
    cause = first(project.assets.validate([{"Asset ID": "AHU-1", "Status": "Installed"}]))
    assert cause.column == "Category"
    assert "A template remembers its category: pass the file itself" in (cause.fix or "")


def test_a_blank_category_of_a_template_is_told_about_its_category(project: acc.Project) -> None:
    row = {"Asset ID *": "AHU-1", "Category": None, "Status *": "Installed"}
    assert "A template remembers its category" in (first(project.assets.validate([row])).fix or "")
    cause = first(project.assets.validate([{**UNIT, "Category": None}]))
    assert "template" not in (cause.fix or "")


def test_duplicates_are_counted_and_named(project: acc.Project) -> None:
    row = {**UNIT, "Barcode": "0001"}
    report = project.assets.validate([row, dict(row)], import_key="Barcode")
    assert "Report: 2 rows, all ok, 1 duplicate; 1 to send" in repr(report)
    copies, note = report.warnings
    assert copies.startswith("row 0 and row 1 are equal, so they become one asset")
    assert note.startswith("import keys were not looked up")
    # Without an import key, each of them becomes an asset. Rows that differ are still reported.
    assert len(project.assets.validate([row, dict(row)]).warnings) == 2
    others = [row, dict(row), {**row, "Barcode": "0002"}]
    assert any(
        warning.startswith("1 row has the same Asset ID")
        for warning in project.assets.validate(others, import_key="Barcode").warnings
    )


def test_the_report_names_every_status(sim: acc.testing.Simulator, project: acc.Project, kit: Kit) -> None:
    rows = [{**UNIT, "Asset ID": f"A-{row}", "Barcode": f"{row}"} for row in range(3)]
    project.assets.create(rows, import_key="Barcode")
    changed = [{**row, "Description": "new"} for row in rows]
    changed.append({**UNIT, "Barcode": "9", "Status": "Instaled"})
    report = project.assets.create(changed, import_key="Barcode").report
    assert "4 rows, 1 to fix, 3 differs" in repr(report)
    assert "write_fixes" in repr(report)
    sim.add_fault("status", on="assets:batch-create", code=403)
    with pytest.raises(acc.ForbiddenError) as caught:
        project.assets.create(kit.rows(1), settings=None)
    result = caught.value.result
    assert result is not None
    assert "Report: 1 row, 1 failed" in repr(result.report)
    assert "to fix" not in repr(result.report)
    assert "write_fixes" not in repr(result.report)


def test_a_table_without_the_id_column_says_how_to_name_it(project: acc.Project) -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(acc.InputError, match='Pass its name: key="Relationship"'):
        project.relationships.delete(pandas.DataFrame({"Relationship": ["x"]}))
    with pytest.raises(acc.InputError, match="Pass the name of the id column as key="):
        project.assets.delete(pandas.DataFrame({"Left": ["x"], "Right": ["y"]}))


def test_patch_without_ids_says_where_they_come_from(project: acc.Project) -> None:
    error = project.assets.patch([UNIT])[0].error
    assert error is not None
    assert error.fix == (
        "add a column of asset ids, such as result.ids of the create, or pass its name as key=. If another column identifies "
        'the assets, get their ids with assets.get(rows, by="Barcode"), or pass the result of create(rows, import_key=...) to '
        "patch, if the rows have all columns of a new asset"
    )


def test_same_asset_id_is_called_as_in_the_rows(project: acc.Project) -> None:
    (warning,) = project.assets.validate([UNIT, UNIT]).warnings
    assert warning.startswith("1 row has the same Asset ID as an earlier row, for example row 0 and row 1.")


def test_rows_of_a_file_are_counted_in_one_way(project: acc.Project, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "units.csv"
    rows = "".join(f"A{row};HVAC > Air Handling;Installed;000041\n" for row in range(2))
    path.write_text("Asset ID;Category;Status;Barcode\n" + rows)
    text = repr(project.assets.validate(path, import_key="barcode"))
    assert "has different values in line 3 (lines 2, 3)" in text
    assert "row 1" not in text


def test_an_estimate_names_its_limit(project: acc.Project, kit: Kit) -> None:
    text = repr(project.assets.create(kit.rows(30), batch_size=10, dry_run=True))
    assert re.search(r"30 to send in 3 requests; nothing was sent", text)
    with acc.testing.Simulator(seed=1) as sim, sim.client(limits={"assets_write": 2, "window": 60}) as client:
        result = client.project(sim.project_id).assets.create(kit.rows(30), batch_size=10, dry_run=True)
        assert result.estimate is not None
        assert (result.estimate.minutes, result.estimate.per_minute) == (1.0, 2.0)
        assert "30 to send in 3 requests, 1.0 minutes at 2 requests per minute; nothing was sent" in repr(
            result
        )
        assert "nothing to send" in repr(client.project(sim.project_id).assets.validate([{"Asset ID": "1"}]))


def test_a_report_explains_only_columns_that_need_it(project: acc.Project) -> None:
    report = project.assets.validate(
        [{**UNIT, "Filterklasse 7": "F7", "Name ": "x", "Airflow": 1}],
        mapping={"Filterklasse 7": "Filter Class", "Name ": None},
    )
    assert "\n  columns: Filterklasse 7 = Filter Class (ca5)\n  ignored: Name " in repr(report)
    uses = {use.column: (use.field, use.title) for use in report.columns}
    assert uses["Asset ID"] == ("clientAssetId", "Asset ID")
    assert uses["Airflow"] == ("ca2", "Airflow")
    assert "<th>note</th>" in report._repr_html_()


def test_a_notebook_shows_the_whole_fix(project: acc.Project) -> None:
    rows = [{**UNIT, "Status": "Zzz"}]
    fix = first(project.assets.validate(rows)).fix or ""
    assert len(fix) > 100
    for shown in (project.assets.validate(rows), project.assets.create(rows)):
        assert fix in shown._repr_html_()


def test_an_interrupted_run_says_to_run_the_script_again(
    sim: acc.testing.Simulator, kit: Kit, tmp_path: pathlib.Path
) -> None:
    rows = kit.rows(300)
    project = sim.client(limits={"assets_write": 10, "window": 0.5}).project(sim.project_id)

    def interrupt(now: acc.Progress) -> None:
        if now.done:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(acc.BulkInterrupted) as raised:
        project.assets.create(rows, run=tmp_path / "run.sqlite", batch_size=10, progress=interrupt)
    assert str(raised.value).endswith(
        "\n  To resume, run the same script again: the call with the same run= skips the rows that are done."
    )
    done = raised.value.result.counts["created"]
    assert 0 < done < 300
    result = project.assets.create(rows, run=tmp_path / "run.sqlite")
    assert result.stats.earlier == done
    assert f"300 rows, all created ({done} before this call; " in repr(result)
    # A part of a result is about its own rows.
    assert "before" not in repr(result[:10])


def test_a_retried_result_counts_the_rows_that_were_done(project: acc.Project, kit: Kit) -> None:
    result = project.assets.create([*kit.rows(3), {"clientAssetId": "bare"}])
    assert result.stats.earlier == 0
    assert result.retry().stats.earlier == 3


def test_the_log_says_that_lost_rows_are_looked_up(
    sim: acc.testing.Simulator, kit: Kit, caplog: pytest.LogCaptureFixture
) -> None:
    with sim.client(retry={"settle": 0.2}) as client, caplog.at_level(logging.WARNING, "acc_assets"):
        sim.add_fault("reset_after_apply", on="assets:batch-create")
        assert client.project(sim.project_id).assets.create(kit.rows(3)).ok
    assert [record.getMessage() for record in caplog.records] == [
        "the response for 3 rows was lost. Checking their outcome in the project, which can take two minutes"
    ]
