"""Assets that are read, edited and passed to `patch` again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from conftest import Kit, kit_of

import acc_assets as acc
from acc_assets.typing import Asset

COMPARED = "ignore:the rows were compared"
pytestmark = pytest.mark.filterwarnings(COMPARED)


@pytest.fixture
def sim() -> Iterator[acc.testing.Simulator]:
    with acc.testing.Simulator(seed=1, limits=acc.Limits(assets_write=10_000, assets_read=10_000)) as sim:
        yield sim


@pytest.fixture
def ids(project: acc.Project, kit: Kit) -> list[str]:
    """Assets with and without values, of all kinds of attributes."""
    select, several = kit.choices("select"), kit.choices("multi_select")
    attributes = {
        kit.name("text"): "1.50",
        kit.name("numeric"): "1.50",
        kit.name("date"): "2031-02-28",
        kit.name("boolean"): True,
        kit.name("select"): select[0],
        kit.name("multi_select"): several[:2],
    }
    location = project.settings().location("Building A > Level 0").id
    full = {"barcode": "007", "description": "a, b\n\u00fc", "locationId": location, **attributes}
    rows = [kit.row("full", **full), kit.row("bare"), kit.row("false", **{kit.name("boolean"): False})]
    created = project.assets.create([*rows, kit.row("numbers", barcode="0086", **{kit.name("text"): "86"})])
    assert created.ok
    return [str(id) for id in created.ids]


def versions(project: acc.Project) -> dict[str, int]:
    return {asset["id"]: asset["version"] for asset in project.assets.list()}


def pandas_of(table: acc.AssetTable) -> Any:
    pytest.importorskip("pandas")
    return table.to_pandas()


def without_pyarrow(table: acc.AssetTable) -> Any:
    pytest.importorskip("pandas")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "pyarrow", None)
        return table.to_pandas()


def reversed_columns(table: acc.AssetTable) -> Any:
    """The id comes last."""
    frame = pandas_of(table)
    return frame[frame.columns[::-1]]


def by_id(table: acc.AssetTable) -> Any:
    return pandas_of(table).set_index("id")


def polars_of(table: acc.AssetTable) -> Any:
    pytest.importorskip("polars")
    return table.to_polars()


def arrow_of(table: acc.AssetTable) -> Any:
    return pytest.importorskip("pyarrow").table(table)


FORMS: list[Callable[[acc.AssetTable], Any]] = [
    lambda table: table,
    lambda table: table.to_dicts(),
    pandas_of,
    without_pyarrow,
    reversed_columns,
    by_id,
    polars_of,
    arrow_of,
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("settings", "names"), [("auto", True), ("auto", False), (None, False)])
@pytest.mark.parametrize("nulls", ["omit", "clear", "error"])
def test_patch_of_unchanged_assets_sends_nothing(
    project: acc.Project,
    ids: list[str],
    form: Callable[[acc.AssetTable], Any],
    settings: Any,
    names: bool,
    nulls: Any,
) -> None:
    before = versions(project)
    result = project.assets.patch(form(project.assets.list(names=names)), settings=settings, nulls=nulls)
    assert result.counts == {"unchanged": len(ids)}, result
    assert result.ok
    assert result.stats.requests == result.stats.lookups == 1
    assert sorted(map(str, result.ids)) == sorted(ids)
    assert versions(project) == before


@pytest.mark.parametrize("switch", ["as_sent", "string", "number"])
def test_patch_of_unchanged_assets_sends_nothing_however_numbers_are_returned(
    sim: acc.testing.Simulator, project: acc.Project, ids: list[str], switch: str
) -> None:
    sim.set_switch("numeric_read", switch)
    for form, names in product(FORMS, [True, False]):
        table = project.assets.list(names=names)
        assert project.assets.patch(form(table)).counts == {"unchanged": len(ids)}


def test_patch_sends_only_cells_that_differ(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit, ids: list[str]
) -> None:
    frame = pandas_of(project.assets.get(ids, names=False))
    frame.loc[0, "description"] = "edited"
    frame.loc[1, kit.name("numeric")] = "12.5"
    frame.loc[2, kit.name("numeric")] = None
    frame.loc[3, kit.name("text")] = "86.0"
    sim.add_fault("status", on="assets:batch-patch", code=403)
    with pytest.raises(acc.ForbiddenError) as caught:
        project.assets.patch(frame)
    assert caught.value.result is not None
    assert caught.value.result.counts == {"unchanged": 1, "failed": 3}
    result = project.assets.retry(caught.value.result)
    assert result.counts == {"updated": 3, "unchanged": 1}
    assert [outcome.status for outcome in result] == ["updated", "updated", "unchanged", "updated"]
    after = project.assets.get(ids)
    changed = [asset["version"] > version for asset, version in zip(after, frame["version"], strict=True)]
    assert changed == [True, True, False, True]
    assert after[0]["description"] == "edited"
    assert after[1]["customAttributes"][kit.name("numeric")] == "12.5"
    # A text is compared as text: 86 and 86.0 are two texts.
    assert after[3]["customAttributes"][kit.name("text")] == "86.0"


def test_requests_of_patch_contain_only_changes(
    sim: acc.testing.Simulator, project: acc.Project, ids: list[str]
) -> None:
    frame = pandas_of(project.assets.get(ids, names=False))
    frame["description"] = "x"
    whole = frame[["id", "clientAssetId", "categoryId", "statusId", "description"]]
    result = project.assets.patch(frame)
    again = project.assets.patch(whole.assign(description="y"))
    assert result.counts == again.counts == {"updated": len(ids)}
    assert 0 < result.stats.bytes_sent < again.stats.bytes_sent


def test_names_and_lists_are_compared_as_values(project: acc.Project, kit: Kit, ids: list[str]) -> None:
    frame = pandas_of(project.assets.get(ids, names=False))
    settings = project.settings()
    category, labels = (
        settings.category(kit.category),
        {status.id: status.label for status in settings.statuses},
    )
    frame["Category"] = [" > ".join([category.path])] * len(ids)
    frame["Status"] = [labels[kit.status]] * len(ids)
    frame["Functions"] = frame.pop(kit.name("multi_select"))
    frame.at[0, "Functions"] = list(reversed(frame.at[0, "Functions"]))
    frame["Airflow"] = frame.pop(kit.name("numeric"))
    frame.loc[0, "Airflow"] = "1.5"
    result = project.assets.patch(frame)
    assert result.counts == {"unchanged": len(ids)}, result


def test_a_name_may_stand_next_to_the_id_that_was_read(
    project: acc.Project, kit: Kit, ids: list[str]
) -> None:
    frame = pandas_of(project.assets.get(ids, names=False))
    labels = {status.id: status.label for status in project.settings().statuses}
    frame["Status"] = labels[kit.other_status]
    assert project.assets.patch(frame.iloc[:2]).counts == {"updated": 2}
    # The ids in the frame are older than the names now.
    assert project.assets.patch(frame.iloc[:2]).counts == {"drifted": 2}
    assert [asset["statusId"] for asset in project.assets.get(ids[:2])] == [kit.other_status] * 2


def test_an_edited_id_may_stand_next_to_an_unchanged_name(
    project: acc.Project, kit: Kit, ids: list[str]
) -> None:
    row: dict[str, Any] = {"Airflow": "1.5", **project.assets.get(ids[0])[0]}
    row["customAttributes"] = {**row["customAttributes"], kit.name("numeric"): "7"}
    assert project.assets.patch([row]).counts == {"updated": 1}
    assert project.assets.get(ids[0])[0]["customAttributes"][kit.name("numeric")] == "7"


def test_an_asset_that_changed_meanwhile_is_drifted(
    sim: acc.testing.Simulator, project: acc.Project, ids: list[str]
) -> None:
    frame = pandas_of(project.assets.get(ids, names=False))
    with sim.client() as other:
        other.project(sim.project_id).assets.patch({"id": ids[0], "description": "theirs"})
    frame.loc[:1, "description"] = "mine"
    frame.loc[2:, "version"] = None
    frame.loc[2, "description"] = "mine"
    result = project.assets.patch(frame)
    assert [outcome.status for outcome in result] == ["drifted", "updated", "updated", "unchanged"]
    assert not result.ok
    error = result[0].error
    assert error is not None
    now = project.assets.get(ids[0])[0]["version"]
    assert (error.code, error.column, error.value) == ("drifted", "version", "1")
    assert f"its version was 1 and is now {now}" in error.message
    assert error.fix == "read the asset again, and repeat the change"
    assert result.ids == ids
    assert "drifted: their assets have changed" in repr(result)
    assert project.assets.get(ids[0])[0]["description"] == "theirs"
    # A retry does not send the row either.
    assert result.retry().counts == result.counts
    # Once it is read again, it can be changed.
    frame = pandas_of(project.assets.get(ids, names=False))
    frame.loc[0, "description"] = "mine"
    assert project.assets.patch(frame).counts == {"updated": 1, "unchanged": 3}


def test_a_repeated_patch_is_unchanged(project: acc.Project, ids: list[str]) -> None:
    """The assets have newer versions, but they have the values of the rows."""
    frame = pandas_of(project.assets.get(ids, names=False))
    frame["description"] = "edited"
    assert project.assets.patch(frame).counts == {"updated": len(ids)}
    assert project.assets.patch(frame).counts == {"unchanged": len(ids)}


def test_drifted_rows_count_as_failed(
    sim: acc.testing.Simulator, project: acc.Project, ids: list[str]
) -> None:
    rows = project.assets.get(ids).to_dicts()
    project.assets.patch([{"id": ids[0], "description": "theirs"}])
    edited: list[Any] = [{**row, "description": "mine"} for row in rows]
    every: list[dict[str, Any]] = [
        {"on_error": "stop"},
        {"on_error": "raise", "max_errors": 0},
        {"on_error": "raise"},
    ]
    for options in every:
        with pytest.raises(acc.BulkError) as caught:
            project.assets.patch(edited, **options)
        status = "updated" if options == {"on_error": "raise"} else "not_sent"
        assert caught.value.result.counts == {status: 3, "drifted": 1}


def test_rows_without_columns_of_the_service_are_sent_as_given(project: acc.Project, ids: list[str]) -> None:
    frame = pandas_of(project.assets.get(ids, names=False))[["id", "clientAssetId"]]
    result = project.assets.patch(frame)
    assert result.counts == {"updated": len(ids)}
    assert result.stats.lookups == 0


def test_added_rows_are_compared_too(project: acc.Project, ids: list[str]) -> None:
    rows: list[Any] = [*project.assets.get(ids[:2]), {"id": ids[2], "clientAssetId": "false"}]
    assert project.assets.patch(rows).counts == {"unchanged": 3}
    rows[2]["description"] = "new"
    assert project.assets.patch(rows).counts == {"updated": 1, "unchanged": 2}


def test_ignored_columns_are_named_in_one_warning(project: acc.Project, ids: list[str]) -> None:
    with pytest.warns(acc.DataWarning) as caught:
        result = project.assets.patch(project.assets.get(ids))
    (warning,) = [str(found.message) for found in caught]
    assert all(
        f"`{name}`" in warning for name in ("version", "isActive", "createdAt", "updatedBy", "companyId")
    )
    uses = {used.column: used for used in result.report.columns}
    assert uses["version"].field is None
    assert uses["version"].note == "set by the service, so not sent"
    # The id tells the cause for all of them.
    [cause] = project.assets.validate(project.assets.get(ids)).causes
    assert (cause.column, cause.rows) == ("id", len(ids))


def test_a_dry_run_tells_what_would_be_sent(project: acc.Project, ids: list[str]) -> None:
    frame = pandas_of(project.assets.get(ids, names=False))
    frame.loc[0, "description"] = "edited"
    before = versions(project)
    plan = project.assets.patch(frame, dry_run=True)
    assert plan.counts == {"unchanged": 3, "not_sent": 1}
    assert plan.ok
    assert plan.estimate is not None
    # One patch, and one read of the assets.
    assert (plan.estimate.rows, plan.estimate.requests) == (1, 2)
    assert "3 unchanged; 1 to send" in repr(plan)
    report = project.assets.validate(frame, verb="patch")
    assert report.ok
    assert "3 unchanged" in repr(report)
    assert project.settings().validate(frame, verb="patch").ok
    assert versions(project) == before


def test_a_generator_cannot_be_compared(project: acc.Project, ids: list[str]) -> None:
    rows = project.assets.get(ids).to_dicts()
    result = project.assets.patch(dict(row) for row in rows)
    assert result.counts == {"invalid": len(ids)}
    (cause,) = result.causes
    assert cause.code == "set_by_service"
    assert "pass the rows as a list" in cause.fix


def test_values_that_are_no_longer_valid_stay(
    project: acc.Project, kit: Kit, ids: list[str], tmp_path: Path
) -> None:
    """Only edited cells are checked: an unchanged cell may have an inactive status, option or category."""
    path = tmp_path / "settings.json"
    project.settings().save(path)
    saved = json.loads(path.read_text())
    content = saved["settings"]
    for one in content["categories"]:
        one["active"] = one["root"]
    for one in content["attributes"]:
        one["active"] = one["name"] not in (kit.name("text"), kit.name("boolean"))
        for choice in one["choices"]:
            choice["active"] = False
    for one in content["status_sets"]:
        for status in one["statuses"]:
            status["active"] = False
    path.write_text(json.dumps(saved))
    settings = acc.Settings.load(path)
    frame = pandas_of(project.assets.get(ids, names=False))
    for form, names in product(FORMS, [True, False]):
        result = project.assets.patch(form(project.assets.get(ids, names=names)), settings=settings)
        assert result.counts == {"unchanged": len(ids)}, result
    frame.loc[0, kit.name("select")] = kit.choices("select")[1]
    assert project.assets.patch(frame, settings=settings).counts == {"unchanged": 3, "invalid": 1}


def test_a_row_whose_asset_was_not_returned_is_not_sent(
    sim: acc.testing.Simulator, project: acc.Project, ids: list[str]
) -> None:
    rows: list[Any] = [{**asset, "description": "mine"} for asset in project.assets.get(ids)]
    project.assets.patch({"id": ids[0], "description": "theirs"})
    sim.add_fault("drop_results", on="assets:batch-get")
    result = project.assets.patch(rows)
    assert result.counts in ({"updated": 3, "not_sent": 1}, {"updated": 2, "not_sent": 1, "drifted": 1})
    assert not result.ok
    (left,) = result.where("not_sent")
    assert left.error is not None
    assert left.error.code == "not_compared"
    assert "could not be compared" in left.error.message
    assert project.assets.get(ids[0])[0]["description"] == "theirs"
    again = result.retry()
    assert again.counts == {"updated": 3, "drifted": 1}
    assert again[0].status == "drifted"


def test_a_row_whose_asset_does_not_exist_is_not_sent(project: acc.Project, ids: list[str]) -> None:
    rows = project.assets.get(ids).to_dicts()
    unknown = "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047"
    result = project.assets.patch([{**rows[1], "id": unknown}, rows[2]])
    assert [outcome.status for outcome in result] == ["not_sent", "unchanged"]
    assert not result.ok


def test_assets_that_cannot_be_read_are_not_overwritten(
    sim: acc.testing.Simulator, project: acc.Project, ids: list[str]
) -> None:
    rows: list[Any] = [{**asset, "description": "mine"} for asset in project.assets.get(ids)]
    project.assets.patch({"id": ids[0], "description": "theirs"})
    sim.add_fault("drop_results", on="assets:batch-get", count=4, times=9)
    result = project.assets.patch(rows)
    assert result.counts == {"not_sent": 4}
    sim.clear_faults()
    sim.add_fault("wrong_types", on="assets:batch-get", times=9)
    with pytest.raises(acc.ApiError, match="none of the requested assets"):
        project.assets.patch(rows)
    sim.clear_faults()
    assert project.assets.get(ids[0])[0]["description"] == "theirs"


@pytest.mark.parametrize("edited", [False, True])
@pytest.mark.parametrize("version", [False, True])
def test_a_deleted_asset_is_refused(
    project: acc.Project, ids: list[str], edited: bool, version: bool
) -> None:
    row: dict[str, Any] = dict(project.assets.get(ids[0])[0])
    project.assets.delete(ids[0])
    if edited:
        row["description"] = "edited"
    if not version:
        del row["version"]
    result = project.assets.patch([row])
    assert result.counts == {"invalid": 1}
    error = result[0].error
    assert error is not None
    assert (error.code, error.message) == ("deleted_asset", "the asset was deleted")


@pytest.mark.parametrize("settings", ["auto", None])
@pytest.mark.parametrize("how", ["method", "pickle"])
def test_a_retry_compares_with_the_assets_as_they_are_now(
    sim: acc.testing.Simulator, project: acc.Project, ids: list[str], settings: Any, how: str
) -> None:
    import pickle

    rows: list[Any] = [{**asset, "description": "mine"} for asset in project.assets.get(ids)]
    sim.add_fault("status", on="assets:batch-patch", code=403)
    with pytest.raises(acc.ForbiddenError) as caught:
        project.assets.patch(rows, settings=settings)
    result: Any = caught.value.result
    project.assets.patch({"id": ids[0], "description": "theirs"})
    if how == "method":
        result = result.retry()
    else:
        result = project.assets.retry(pickle.loads(pickle.dumps(result)), rows)
    assert result.counts == {"updated": 3, "drifted": 1}
    assert project.assets.get(ids[0])[0]["description"] == "theirs"


@pytest.mark.once
@pytest.mark.parametrize("settings", ["auto", None])
def test_reconcile_compares_with_the_assets_as_they_are_now(
    sim: acc.testing.Simulator, ids: list[str], settings: Any
) -> None:
    project = sim.client(retry=acc.Retry(base=0.01, settle=0.1)).project(sim.project_id)
    rows: list[Any] = [{**asset, "description": "mine"} for asset in project.assets.get(ids)]
    sim.add_fault("reset_before_apply", on="assets:batch-patch", times=99)
    result = project.assets.patch(rows, settings=settings, reconcile=False)
    assert result.counts == {"unknown": 4}
    sim.clear_faults()
    project.assets.patch({"id": ids[0], "description": "theirs"})
    result = result.reconcile()
    assert result.counts == {"updated": 3, "drifted": 1}
    assert project.assets.get(ids[0])[0]["description"] == "theirs"


@pytest.mark.parametrize("version", ["abc", "1e0", "v1", -1, 1.5, "1.50", True, [1], acc.CLEAR])
def test_a_version_that_is_no_whole_number_is_invalid(
    project: acc.Project, ids: list[str], version: Any
) -> None:
    """Such a cell must not turn off the check for changes of others."""
    row: dict[str, Any] = {**project.assets.get(ids[0])[0], "description": "mine", "version": version}
    result = project.assets.patch([row])
    assert result.counts == {"invalid": 1}
    error = result[0].error
    assert error is not None
    assert (error.code, error.column) == ("version", "version")
    assert "not a whole number" in error.message


@pytest.mark.parametrize(
    ("version", "options"),
    [("1,0", {"decimal": ","}), ("1", {}), ("1.0", {}), (1.0, {}), ("1,000", {"thousands": ","})],
)
def test_versions_are_read_with_the_number_options(
    project: acc.Project, ids: list[str], version: Any, options: Any
) -> None:
    project.assets.patch({"id": ids[0], "description": "theirs"})
    row: dict[str, Any] = {**project.assets.get(ids[0])[0], "description": "mine", "version": version}
    expected = "updated" if version == "1,000" else "drifted"
    assert project.assets.patch([row], **options).counts == {expected: 1}


@pytest.mark.parametrize("heading", ["Version", "VERSION", "Rev"])
def test_columns_of_the_service_are_known_by_their_headings(
    project: acc.Project, ids: list[str], heading: str
) -> None:
    project.assets.patch({"id": ids[0], "description": "theirs"})
    row: Any = {"id": ids[0], heading: 1, "description": "mine", "Updated At": "2031-02-28"}
    mapping: Any = {"Rev": "version"} if heading == "Rev" else None
    result = project.assets.patch([row], mapping=mapping)
    assert result.counts == {"drifted": 1}
    assert project.assets.get(ids[0])[0]["description"] == "theirs"


def test_a_number_equals_the_text_that_reads_as_this_number(project: acc.Project, ids: list[str]) -> None:
    project.assets.patch({"id": ids[0], "clientAssetId": "1.10", "barcode": "1E5", "description": "007"})
    asset = project.assets.get(ids[0])[0]
    row: Any = {**asset, "clientAssetId": 1.1, "barcode": 100000, "description": 7}
    assert project.assets.patch([row]).counts == {"unchanged": 1}
    assert project.assets.patch([{**row, "clientAssetId": 1.2}]).counts == {"updated": 1}
    assert project.assets.get(ids[0])[0]["clientAssetId"] == "1.2"
    # A text was edited by somebody.
    assert project.assets.patch([{**row, "clientAssetId": "1.2", "barcode": "100000"}]).counts == {
        "drifted": 1
    }


def test_pandas_reads_texts_as_numbers(project: acc.Project, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    names = ["1.10", "2.0", "1E5", "0017"]
    rows = [
        {"Asset ID": name, "Category": "HVAC > Air Handling", "Status": "Ordered", "Manufacturer": name}
        for name in names
    ]
    made = project.assets.create(rows)
    frame = project.assets.get(made).to_pandas(names=False)
    frame.to_csv(tmp_path / "assets.csv", index=False)
    read = pandas.read_csv(tmp_path / "assets.csv")
    assert read["clientAssetId"].dtype == float
    assert project.assets.patch(read).counts == {"unchanged": 4}
    assert [asset["clientAssetId"] for asset in project.assets.get(made)] == names


@pytest.mark.once
def test_a_row_that_was_executed_is_not_called_edited_because_others_changed_its_asset(
    sim: acc.testing.Simulator, ids: list[str], tmp_path: Path
) -> None:
    project = sim.client(retry=acc.Retry(base=0.01, settle=0.1)).project(sim.project_id)
    rows: list[Any] = [{**asset, "description": "mine"} for asset in project.assets.get(ids)]
    sim.add_fault("reset_after_apply", on="assets:batch-patch", times=9)
    assert project.assets.patch(rows, run=tmp_path / "a", reconcile=False).counts == {"unknown": 4}
    sim.clear_faults()
    project.assets.patch({"id": ids[0], "barcode": "theirs"})
    result = project.assets.patch(rows, run=tmp_path / "a")
    assert result.counts == {"updated": 4}
    assert not any("changed or removed" in warning for warning in result.report.warnings)


def test_rows_with_the_same_id(project: acc.Project, ids: list[str]) -> None:
    row = dict(project.assets.get(ids[0])[0])
    assert project.assets.patch([row, dict(row)]).counts == {"unchanged": 2}
    for rows in ([row, {**row, "description": "x"}], [{**row, "description": "x"}, row]):
        result = project.assets.patch(rows)
        assert "invalid" in result.counts
        assert "updated" not in result.counts


@pytest.mark.once
def test_an_interrupted_patch_is_resumed(
    sim: acc.testing.Simulator, kit: Kit, ids: list[str], tmp_path: Path
) -> None:
    """The rows are read and edited again, so their versions are new."""
    project = sim.client(retry=acc.Retry(base=0.01, settle=0.1)).project(sim.project_id)

    def edited() -> list[dict[str, Any]]:
        return [{**asset, "description": "edited"} for asset in project.assets.get(ids)]

    sim.add_fault("reset_after_apply", on="assets:batch-patch", nth=2, times=9)
    first = project.assets.patch(edited(), run=tmp_path / "a", batch_size=2, reconcile=False)
    assert first.counts == {"updated": 2, "unknown": 2}
    sim.clear_faults()
    again = project.assets.patch(edited(), run=tmp_path / "a", batch_size=2)
    assert again.ok
    assert again.counts == {"updated": 4}
    # The rows in doubt are as they were sent, although the comparison now finds nothing to send.
    assert not any("changed or removed" in warning for warning in again.report.warnings)
    assert [asset["description"] for asset in project.assets.get(ids)] == ["edited"] * 4


def test_drifted_rows_of_a_named_run_are_checked_again(
    sim: acc.testing.Simulator, project: acc.Project, ids: list[str], tmp_path: Path
) -> None:
    rows: list[Any] = [{**asset, "description": "mine"} for asset in project.assets.get(ids)]
    project.assets.patch({"id": ids[0], "description": "theirs"})
    run = tmp_path / "a"
    assert project.assets.patch(rows, run=run).counts == {"updated": 3, "drifted": 1}
    assert project.assets.patch(rows, run=run).counts == {"updated": 3, "drifted": 1}
    rows[0]["version"] = project.assets.get(ids[0])[0]["version"]
    assert project.assets.patch(rows, run=run).counts == {"updated": 4}


def test_edited_assets_come_back_from_files(
    project: acc.Project, kit: Kit, ids: list[str], tmp_path: Path
) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("openpyxl")
    frame = pandas_of(project.assets.get(ids, names=False))
    # A cell of a file has no list.
    frame[kit.name("multi_select")] = [
        "; ".join(cell) if isinstance(cell, list) else None for cell in frame[kit.name("multi_select")]
    ]
    frame.to_csv(tmp_path / "assets.csv", index=False)
    # pandas reads 007 as 7, and the versions as numbers. It would read the text 1.50 as 1.5, which is another text.
    texts = pandas.read_csv(tmp_path / "assets.csv", dtype={kit.name("text"): str})
    for data in (tmp_path / "assets.csv", texts):
        result = project.assets.patch(data)
        assert result.counts == {"unchanged": len(ids)}, result
    for name in frame.select_dtypes("datetimetz"):
        frame[name] = frame[name].dt.tz_localize(None)
    frame.to_excel(tmp_path / "assets.xlsx", index=False)
    result = project.assets.patch(tmp_path / "assets.xlsx")
    assert result.counts == {"unchanged": len(ids)}, result


def test_a_category_with_another_status_set(project: acc.Project, kit: Kit, ids: list[str]) -> None:
    """An edited category is checked with the values that the asset keeps."""
    rows: list[Any] = project.assets.get(ids[:1]).to_dicts()
    rows[0]["categoryId"] = "no such category"
    result = project.assets.patch(rows)
    assert result.counts == {"invalid": 1}


async def _patched(project: acc.AsyncProject) -> Any:
    return (await project.assets.patch(await project.assets.list())).counts


def test_async_patch_of_unchanged_assets(
    async_project: acc.AsyncProject, ids: list[str], sim: acc.testing.Simulator
) -> None:
    import asyncio

    assert asyncio.run(_patched(async_project)) == {"unchanged": len(ids)}


def test_versions_may_be_misprinted(sim: acc.testing.Simulator, project: acc.Project, ids: list[str]) -> None:
    """The example of the reference page has "version": "2,"."""
    sim.set_switch("misprinted_scalars", "on")
    table = project.assets.get(ids)
    assert project.assets.patch(table).counts == {"unchanged": len(ids)}
    rows: list[Asset] = [{**asset, "description": "mine"} for asset in table]
    project.assets.patch({"id": ids[0], "description": "theirs"})
    assert project.assets.patch(rows).counts == {"updated": 3, "drifted": 1}


def test_kit_has_all_kinds_of_attributes(sim: acc.testing.Simulator) -> None:
    assert len(kit_of(sim).attributes) == 6


# ---- edits that are not sent ----


def test_emptied_cells_are_one_warning(project: acc.Project, ids: list[str], kit: Kit) -> None:
    pytest.importorskip("pandas")
    frame = project.assets.get(ids).to_pandas(names=False)
    row = frame["clientAssetId"].eq("full")
    frame.loc[row, "description"] = None
    frame.loc[row, kit.name("text")] = None
    frame.loc[frame["clientAssetId"].eq("numbers"), kit.name("text")] = None
    with pytest.warns(acc.DataWarning) as caught:
        assert project.assets.patch(frame).counts == {"unchanged": 4}
    said = [str(warning.message) for warning in caught if "blank" in str(warning.message)]
    assert said == [
        f"3 blank cells of `description`, `{kit.name('text')}` (first: row 0) were not compared, although their assets have "
        'values. To clear such values, pass nulls="clear"'
    ]
    with pytest.warns(acc.DataWarning) as caught:
        assert project.assets.patch(frame, nulls="clear").counts == {"updated": 2, "unchanged": 2}
    assert not [warning for warning in caught if "blank" in str(warning.message)]


def test_blank_cells_that_others_filled_meanwhile_are_no_edits(project: acc.Project, ids: list[str]) -> None:
    rows: list[dict[str, Any]] = [{"description": None, **asset} for asset in project.assets.get(ids)]
    project.assets.patch({"id": rows[0]["id"], "description": "theirs"})
    rows[0]["description"] = None
    with pytest.warns(acc.DataWarning) as caught:
        project.assets.patch(rows)
    assert not [warning for warning in caught if "blank" in str(warning.message)]
    # Without the version, it is unknown who changed them.
    for row in rows:
        del row["version"]
    with pytest.warns(acc.DataWarning, match='1 blank cell of `description`.*pass nulls="clear"'):
        project.assets.patch(rows)


def test_emptied_cells_that_cannot_be_cleared_say_so(project: acc.Project, ids: list[str]) -> None:
    row = {**project.assets.get(ids)[0], "clientAssetId": None}
    with pytest.warns(acc.DataWarning) as caught:
        project.assets.patch([row])
    assert [str(warning.message) for warning in caught if "blank" in str(warning.message)] == [
        "1 blank cell of `clientAssetId` (row 0) was not compared: its asset has a value, which cannot be cleared"
    ]


@pytest.mark.parametrize("form", ["frame", "csv", "reversed"])
def test_edited_values_of_the_service_are_one_warning(
    project: acc.Project, ids: list[str], tmp_path: Path, form: str
) -> None:
    pandas = pytest.importorskip("pandas")
    frame = project.assets.get(ids).to_pandas(names=False)
    frame["ca6"] = frame["ca6"].str.join("; ")

    def patched() -> list[str]:
        data: Any = frame
        if form == "csv":
            frame.to_csv(tmp_path / "assets.csv", index=False)
            data = pandas.read_csv(tmp_path / "assets.csv", dtype={"barcode": str})
        elif form == "reversed":
            data = frame[frame.columns[::-1]]
        with pytest.warns(acc.DataWarning) as caught:
            assert project.assets.patch(data).counts == {"unchanged": 4}
        return [str(warning.message) for warning in caught if "compared with" not in str(warning.message)]

    assert patched() == []
    frame.loc[1, "isActive"] = False
    (warning,) = patched()
    assert warning == (
        "1 edited value of `isActive` (row 1) was not sent, because only the service sets these columns"
    )
    frame.loc[2, "companyId"] = "another"
    frame["createdAt"] = frame["createdAt"] - pandas.Timedelta(days=2)
    (warning,) = patched()
    assert warning.startswith("6 edited values of `")
    assert all(f"`{name}`" in warning for name in ("isActive", "companyId", "createdAt"))
    assert warning.endswith("were not sent, because only the service sets these columns")


def test_values_of_the_service_that_others_changed_are_not_called_edited(
    project: acc.Project, ids: list[str]
) -> None:
    rows: list[Any] = [dict(asset) for asset in project.assets.get(ids)]
    project.assets.patch({"id": ids[0], "description": "theirs"})
    for row in rows:
        row["updatedBy"] = "SOMEBODYELSE"
    without = [{name: value for name, value in row.items() if name != "version"} for row in rows]
    for data in (rows[:1], without):
        with pytest.warns(acc.DataWarning) as caught:
            project.assets.patch(data)
        assert not [warning for warning in caught if "edited value" in str(warning.message)]


def test_numbers_of_a_workbook_are_compared_as_excel_shows_them(project: acc.Project, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("openpyxl")
    unit = {"Category": "HVAC > Air Handling", "Status": "Ordered"}
    numbers = [1 / 3, 0.1 + 0.2, 1e15 / 3, 12345678.123456789, 1.5]
    rows = [
        {"Asset ID": f"A-{at}", "Barcode": f"B{at}", **unit, "Airflow": one} for at, one in enumerate(numbers)
    ]
    created = project.assets.create(rows)
    project.assets.get(created).to_excel(tmp_path / "all.xlsx")
    assert project.assets.patch(tmp_path / "all.xlsx").counts == {"unchanged": 5}
    pandas.DataFrame(rows).to_excel(tmp_path / "again.xlsx", index=False)
    assert project.assets.create(tmp_path / "again.xlsx", import_key="Barcode").counts == {"unchanged": 5}
    # In other inputs, every digit counts.
    rounded = {"id": created.ids[0], "Airflow": 0.333333333333333, "version": 1}
    assert project.assets.patch([rounded], dry_run=True).counts == {"not_sent": 1}


def test_a_new_row_among_assets_clears_nothing(project: acc.Project, kit: Kit) -> None:
    pandas = pytest.importorskip("pandas")
    project.assets.create(kit.rows(2)).raise_if_failed()
    frame = project.assets.list().to_pandas()
    new = pandas.DataFrame([{"Asset ID": "N-1", "Category": "Electrical", "Status": "Installed"}])
    edited = pandas.concat([frame, new], ignore_index=True)
    result = project.assets.patch(edited, nulls="clear", dry_run=True)
    assert [cause.message for cause in result.causes] == ["`id` is blank: it identifies the asset"]
    assert not [text for text in result.report.warnings if "cleared" in text]


def test_blank_cells_of_attributes_that_an_asset_cannot_have_clear_nothing(
    sim: acc.testing.Simulator, project: acc.Project
) -> None:
    fan = {"Asset ID": "F-1", "Category": "HVAC > Air Handling", "Status": "Ordered", "Airflow": 2}
    outlet = {"Asset ID": "O-1", "Category": "Electrical > Outlets", "Status": "Planned", "Voltage": "230 V"}
    ids = project.assets.create([fan, outlet]).ids
    rows: list[dict[str, object]] = [
        {"id": ids[0], "Airflow": None, "Voltage": None, "Description": "x"},
        {"id": ids[1], "Airflow": None, "Voltage": "400 V", "Description": None},
    ]
    assert project.assets.patch(rows, nulls="clear").counts == {"updated": 2}
    values = [asset.get("customAttributes") for asset in sim.assets()]
    assert not values[0]
    assert len(values[1] or {}) == 1
    # What the caller clears in so many words must exist.
    wrong = project.assets.patch([{"id": ids[0], "Voltage": acc.CLEAR}])
    assert [cause.code for cause in wrong.causes] == ["not_assigned"]
