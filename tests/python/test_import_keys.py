"""Rows whose import keys the project already has."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Kit

import acc_assets as acc

pytestmark = pytest.mark.once


@pytest.fixture
def sim() -> Iterator[acc.testing.Simulator]:
    with acc.testing.Simulator(seed=1, limits=acc.Limits(assets_write=10_000, assets_read=10_000)) as sim:
        yield sim


def unit(number: int, **more: Any) -> dict[str, Any]:
    return {
        "Asset ID": f"AHU-{number}",
        "Category": "HVAC > Air Handling",
        "Status": "Ordered",
        "Barcode": f"{number:04}",
        "Manufacturer": f"Maker {number}",
        "Airflow": "1.50",
        "Installation Date": "2031-02-28",
        "Functions": "Heating; Cooling",
        "Location": "Building A > Level 0",
        **more,
    }


def units(count: int = 4) -> list[dict[str, Any]]:
    return [unit(number) for number in range(count)]


@pytest.mark.parametrize(
    "key",
    ["barcode", "Barcode", "asset barcode", "Manufacturer", "manufacturer", "ca1", "customAttributes.ca1"],
)
def test_import_key_may_be_any_name_of_the_barcode_or_a_text_attribute(
    project: acc.Project, key: str
) -> None:
    assert project.assets.create(units(), import_key=key).counts == {"created": 4}
    assert project.assets.create(units(6), import_key=key).counts == {"created": 2, "unchanged": 4}


def test_import_key_may_be_a_mapped_heading(project: acc.Project) -> None:
    rows = [{**unit(number), "Hersteller": f"M{number}"} for number in range(3)]
    for row in rows:
        del row["Manufacturer"]
    options: Any = {"mapping": {"Hersteller": "Manufacturer"}, "import_key": "Hersteller"}
    assert project.assets.create(rows, **options).counts == {"created": 3}
    assert project.assets.create(rows, **options).counts == {"unchanged": 3}
    with pytest.raises(acc.OptionError, match="mapping= ignores this column"):
        project.assets.create(rows, mapping={"Hersteller": None}, import_key="Hersteller")


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("Asset ID", "allows several assets with the same Asset ID"),
        ("clientAssetId", "allows several assets with the same Asset ID"),
        ("Status", "many assets may have the same value"),
        ("Airflow", "its type is numeric"),
        ("Manufactur", 'Did you mean "Manufacturer"?'),
        ("Barcod", 'Did you mean "Barcode"?'),
        ("nothing like it", "no such attribute"),
        ("", "not ''"),
        (7, "not 7"),
    ],
)
def test_import_key_that_cannot_be_one(
    sim: acc.testing.Simulator, client: acc.Client, project: acc.Project, key: Any, says: str
) -> None:
    with pytest.raises(acc.OptionError, match="import_key must be") as caught:
        project.assets.create(units(), import_key=key)
    assert says in str(caught.value)
    with pytest.raises(acc.OptionError, match="import_key must be"):
        project.assets.validate(units(), import_key=key)
    assert sim.assets() == []
    assert client.last_result is None


def test_import_key_without_settings(project: acc.Project, kit: Kit) -> None:
    rows = [kit.row("A", barcode="1")]
    for key in ("barcode", "Barcode"):
        assert project.assets.create(rows, import_key=key, settings=None).ok
    with pytest.raises(acc.OptionError, match="without settings"):
        project.assets.create(rows, import_key="Manufacturer", settings=None)


def generator(rows: list[dict[str, Any]]) -> Any:
    return iter(rows)


def same(rows: list[dict[str, Any]]) -> Any:
    return rows


@pytest.mark.parametrize("form", [same, generator])
def test_a_row_that_differs_from_its_asset(
    sim: acc.testing.Simulator, project: acc.Project, form: Callable[[list[dict[str, Any]]], Any]
) -> None:
    first = project.assets.create(units(), import_key="Barcode")
    rows = units(5)
    rows[1] |= {"Status": "Installed", "Airflow": 7}
    rows[2] |= {"Location": None, "Functions": "Cooling"}
    before = sim.assets()
    result = project.assets.create(form(rows), import_key="Barcode")
    assert [outcome.status for outcome in result] == [
        "unchanged",
        "differs",
        "differs",
        "unchanged",
        "created",
    ]
    assert not result.ok
    assert result.ids[:4] == first.ids
    assert sim.assets()[:4] == before
    errors = [outcome.error for outcome in result]
    assert errors[1] is not None
    assert errors[2] is not None
    problems = {problem.column: problem for problem in errors[1].problems}
    assert problems.keys() == {"Status", "Airflow"}
    status = problems["Status"]
    assert (status.code, status.value) == ("differs", "Installed")
    assert status.message == "`Status` is 'Installed', but the asset with this import key has 'Ordered'"
    assert status.fix == "to change the asset, call project.assets.patch(result)"
    assert problems["Airflow"].message.endswith("has '1.50'")
    # A blank cell is not part of the row.
    assert [problem.column for problem in errors[2].problems] == ["Functions"]
    assert "'Cooling'" in errors[2].message
    assert "Heating" in errors[2].message
    assert "project.assets.patch(result)" in repr(result)
    assert {(cause.status, cause.column) for cause in result.causes} == {
        ("differs", "Status"),
        ("differs", "Airflow"),
        ("differs", "Functions"),
    }


def test_a_cause_states_the_value_of_one_asset_only_as_an_example(project: acc.Project) -> None:
    statuses = ("Ordered", "Installed", "Ordered")
    rows = [{**row, "Status": status} for row, status in zip(units(3), statuses, strict=True)]
    project.assets.create(rows, import_key="Barcode")
    says = "`Status` is 'Specified', but the asset with this import key has 'Ordered'"
    for given, message in ((rows, f"first: {says}"), (rows[::2], says)):
        result = project.assets.create(
            [{**row, "Status": "Specified"} for row in given], import_key="Barcode"
        )
        assert [cause.message for cause in result.causes] == [message]


@pytest.mark.parametrize("switch", ["as_sent", "string", "number"])
def test_cells_are_compared_by_the_value_rules(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit, switch: str
) -> None:
    import datetime

    sim.set_switch("numeric_read", switch)
    project.assets.create(units(), import_key="Barcode")
    rows = units()
    rows[0] |= {"Airflow": 1.5, "Installation Date": datetime.date(2031, 2, 28)}
    rows[1] |= {"Functions": ["Cooling", "Heating"], "Status": "ordered", "Asset ID": " AHU-1 "}
    rows[2] |= {"Category": kit.category, "Location": project.settings().location("Building A > Level 0").id}
    rows[3] |= {"Airflow": None, "Description": "", "Manufacturer": None}
    result = project.assets.create(rows, import_key="Barcode")
    assert result.counts == {"unchanged": 4}, result


def test_keys_that_differ_only_in_case_when_the_service_lowers_them(
    sim: acc.testing.Simulator, project: acc.Project
) -> None:
    sim.set_switch("key_case", "lower")
    rows = [unit(number, Barcode=f"KEY-{number}") for number in range(3)]
    project.assets.create(rows, import_key="Barcode")
    rows[2]["Description"] = "new"
    assert project.assets.create(rows, import_key="Barcode").counts == {"unchanged": 2, "differs": 1}


def test_rows_that_differ_count_as_failed(sim: acc.testing.Simulator, project: acc.Project) -> None:
    project.assets.create(units(), import_key="Barcode")
    rows = [unit(0, Status="Installed"), unit(1, Status="Installed"), *units(6)[2:]]
    every: list[dict[str, Any]] = [{"on_error": "stop"}, {"on_error": "raise", "max_errors": 1}]
    for options in every:
        with pytest.raises(acc.BulkError) as caught:
            project.assets.create(rows, import_key="Barcode", **options)
        assert caught.value.result.counts == {"differs": 2, "unchanged": 2, "not_sent": 2}
        assert len(sim.assets()) == 4
    result = project.assets.create(rows, import_key="Barcode")
    assert result.counts == {"created": 2, "unchanged": 2, "differs": 2}
    # They need a patch, so a retry does not send them.
    assert result.retry().counts == result.counts


def test_rows_that_differ_are_patched_with_their_ids(project: acc.Project) -> None:
    project.assets.create(units(), import_key="Barcode")
    rows = units()
    rows[1]["Status"] = "Installed"
    result = project.assets.create(rows, import_key="Barcode")
    changed = [{**rows[outcome.row], "id": outcome.id} for outcome in result.where("differs")]
    assert project.assets.patch(changed).counts == {"updated": 1}
    assert project.assets.create(rows, import_key="Barcode").counts == {"unchanged": 4}


def test_rows_that_differ_are_checked_again_in_a_named_run(
    sim: acc.testing.Simulator, project: acc.Project, tmp_path: Path
) -> None:
    ids = project.assets.create(units(), import_key="Barcode").ids
    rows = units(6)
    rows[1]["Status"] = "Installed"
    rows[2]["Status"] = "Installed"
    options: Any = {"import_key": "Barcode", "run": tmp_path / "a.sqlite"}
    counts = {"created": 2, "unchanged": 2, "differs": 2}
    assert project.assets.create(rows, **options).counts == counts
    known = acc.runs(tmp_path)["a"]
    assert known.counts == counts
    error = known[1].error
    assert error is not None
    assert error.column == "Status"
    # The same import key by another name.
    options["import_key"] = "barcode"
    assert project.assets.create(rows, **options).counts == counts
    assert len(sim.assets()) == 6
    project.assets.patch({"id": ids[1], "Status": "Installed"})
    rows[2]["Status"] = "Ordered"
    assert project.assets.create(rows, **options).counts == {"created": 2, "unchanged": 4}


def test_rows_that_differ_are_written_to_the_fixes_file(project: acc.Project, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    project.assets.create(units(), import_key="Barcode")
    result = project.assets.create([unit(0), unit(1, Status="Installed")], import_key="Barcode")
    assert result.write_fixes(tmp_path / "to_fix.xlsx") == 1
    sheet = openpyxl.load_workbook(tmp_path / "to_fix.xlsx").active
    text = " ".join(str(cell) for row in sheet.iter_rows(values_only=True) for cell in row)
    assert "project.assets.patch(result)" in text


def test_a_row_of_this_run_is_created_even_if_its_asset_was_changed_since(
    sim: acc.testing.Simulator, tmp_path: Path
) -> None:
    """The response was lost, and another user changed the new asset before the lookup."""
    project = sim.client(retry=acc.Retry(base=0.01, settle=0.1)).project(sim.project_id)
    sim.add_fault("reset_after_apply", on="assets:batch-create")
    options: Any = {"import_key": "Barcode", "run": tmp_path / "a"}
    assert project.assets.create(units(), **options, reconcile=False).counts == {"unknown": 4}
    changed = [{"id": asset["id"], "description": "theirs"} for asset in sim.assets()]
    project.assets.patch(changed)
    assert project.assets.create(units(), **options).counts == {"created": 4}


def test_an_edited_duplicate_key_is_checked_again(project: acc.Project, tmp_path: Path) -> None:
    """Two rows have one key. Once the first gets another key, the second is valid too."""
    rows = [unit(0, Barcode="1"), unit(1, Barcode="1")]
    options: Any = {"import_key": "Barcode", "run": tmp_path / "a"}
    first = project.assets.create(rows, **options)
    assert first.counts == {"invalid": 2}
    error = first[0].error
    assert error is not None
    # The column is named as in the input, so that its cell can be marked.
    assert (error.code, error.column) == ("same_import_key", "Barcode")
    rows[0]["Barcode"] = "2"
    assert project.assets.create(rows, **options).counts == {"created": 2}
    assert project.assets.create(rows, **options).counts == {"created": 2}


def test_a_blank_key_in_the_first_row_does_not_generate_keys(
    sim: acc.testing.Simulator, project: acc.Project
) -> None:
    rows = [unit(0, Barcode=None), unit(1)]
    result = project.assets.create(rows, import_key="Barcode")
    assert [outcome.status for outcome in result] == ["invalid", "created"]
    error = result[0].error
    assert error is not None
    assert (error.code, error.column) == ("import_key", "Barcode")
    assert [asset["barcode"] for asset in sim.assets()] == ["0001"]


def test_a_stream_reads_existing_assets_by_their_ids(
    sim: acc.testing.Simulator, project: acc.Project
) -> None:
    """The content of a whole project is not kept in memory for a stream of unknown length."""
    rows = units(250)
    project.assets.create(rows, import_key="Barcode")
    rows[10]["Status"] = rows[240]["Status"] = "Installed"
    result = project.assets.create(iter([*rows, unit(1000)]), import_key="Barcode")
    assert result.counts == {"created": 1, "unchanged": 248, "differs": 2}
    assert sim.audit()["endpoints"]["assets:batch-get"]["requests"] == 3
    assert result.stats.lookups == result.stats.requests - 1


def deleted_or_renamed(project: acc.Project, rows: list[dict[str, Any]], change: Callable[[], object]) -> Any:
    """A stream of rows. The project changes before its last batch."""
    for number, row in enumerate(rows):
        if number == 150:
            change()
        yield row


@pytest.mark.parametrize("times", [1, 9])
def test_a_matched_row_is_not_created_if_its_asset_is_left_out_of_a_response(
    sim: acc.testing.Simulator, project: acc.Project, times: int
) -> None:
    """An incomplete response proves nothing, so the row must not be sent as if its key were free."""
    rows = units(150)
    project.assets.create(rows, import_key="Barcode")
    sim.add_fault("drop_results", on="assets:batch-get", times=times)
    result = project.assets.create(iter([*rows, unit(1000)]), import_key="Barcode")
    assert len(sim.assets()) == 151
    if times == 1:
        assert result.counts == {"created": 1, "unchanged": 150}
        return
    failed = [outcome for outcome in result if outcome.status == "failed"]
    assert failed
    assert result.counts == {"created": 1, "unchanged": 150 - len(failed), "failed": len(failed)}
    error = failed[0].error
    assert error is not None
    assert error.code == "import_key_unread"
    sim.clear_faults()
    assert project.assets.create(rows, import_key="Barcode").counts == {"unchanged": 150}


def test_the_next_asset_with_a_key_counts_if_the_oldest_was_deleted(
    sim: acc.testing.Simulator, project: acc.Project
) -> None:
    rows = units(250)
    first = project.assets.create(rows).ids[220]
    second = project.assets.create([rows[220]]).ids[0]
    result = project.assets.create(
        deleted_or_renamed(project, rows, lambda: project.assets.delete([first])), import_key="Barcode"
    )
    assert result.counts == {"unchanged": 250}
    assert result[220].id == second


def test_a_key_is_free_if_its_asset_got_another_key(sim: acc.testing.Simulator, project: acc.Project) -> None:
    rows = units(250)
    first = project.assets.create(rows).ids[220]
    with sim.client() as other:
        theirs = other.project(sim.project_id)
        change = lambda: theirs.assets.patch({"id": first, "barcode": "OTHER"})  # noqa: E731
        result = project.assets.create(deleted_or_renamed(project, rows, change), import_key="Barcode")
    assert result.counts == {"unchanged": 249, "created": 1}
    assert result[220].status == "created"


def test_keys_that_several_assets_have_are_named_in_one_warning(project: acc.Project, tmp_path: Path) -> None:
    first = project.assets.create(units()).ids
    # The service's times have milliseconds, and the oldest asset counts.
    time.sleep(0.005)
    project.assets.create(units())
    lines = ["Asset ID,Category,Status,Barcode"]
    lines += [f"AHU-{number},HVAC > Air Handling,Ordered,{number:04}" for number in range(3)]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    with pytest.warns(acc.DataWarning) as caught:
        result = project.assets.create(tmp_path / "a.csv", import_key="Barcode")
    assert result.ids == first[:3]
    (warning,) = [str(found.message) for found in caught]
    assert "same import key in 3 rows (first: line 2)" in warning
    assert str(first[0]) in warning


def test_a_dry_run_says_that_import_keys_were_not_looked_up(project: acc.Project) -> None:
    project.assets.create(units(), import_key="Barcode")
    with pytest.warns(acc.DataWarning, match="import keys were not looked up"):
        plan = project.assets.create(units(5), import_key="Barcode", dry_run=True)
    assert any("not looked up" in warning for warning in plan.report.warnings)
    report = project.assets.validate(units(5), import_key="Barcode")
    assert any("not looked up" in warning for warning in report.warnings)


# ---- keys that became numbers ----


def restoring(column: str, width: int) -> str:
    zeros = "0" * width
    return (
        f"restore the leading zeros, {width} digits in all: in Excel, give numbers the number format {zeros}, or convert texts "
        f"with =TEXT(cell, \"{zeros}\"); in pandas, read the column with dtype={{'{column}': str}} and use .str.zfill({width})"
    )


def number_of(text: str) -> Any:
    """Return what pandas reads from a text."""
    return float(text) if "." in text else int(float(text))


@pytest.mark.parametrize("form", [same, generator])
@pytest.mark.parametrize(("key", "name"), [("Barcode", "0017"), ("Manufacturer", "1.10"), ("ca1", "1E5")])
def test_a_key_that_became_a_number_is_not_created_again(
    project: acc.Project, key: str, name: str, form: Callable[[list[dict[str, Any]]], Any]
) -> None:
    column = "Manufacturer" if key == "ca1" else key
    assert project.assets.create([unit(1, **{column: name})], import_key=key).counts == {"created": 1}
    rows = [unit(1, **{column: number_of(name)}), unit(2, **{column: 9999})]
    result = project.assets.create(form(rows), import_key=key)
    assert result.counts == {"invalid": 1, "created": 1}
    error = result[0].error
    assert error is not None
    assert (error.code, error.column) == ("leading_zeros", column)
    assert error.message.endswith(f"a number, but the project has the import key '{name}'")
    if name == "0017":
        assert error.fix == restoring(column, 4)
    else:
        assert error.fix == (
            f"read the column as text, for example with dtype={{'{column}': str}}, or pass the path of the file"
        )
    # As text, the row is recognized.
    assert project.assets.create([unit(1, **{column: name})], import_key=key).counts == {"unchanged": 1}


def test_a_key_that_became_a_number_stops_a_call_before_the_first_request(
    sim: acc.testing.Simulator, project: acc.Project
) -> None:
    project.assets.create([unit(17)], import_key="Barcode")
    rows = [unit(number, Barcode=number) for number in range(100, 200)]
    with pytest.raises(acc.BulkError, match="the project has the import key '0017'"):
        project.assets.create([*rows, unit(17, Barcode=17.0)], import_key="Barcode", on_error="stop")
    assert len(sim.assets()) == 1


def test_a_key_that_is_a_number_may_be_that_of_two_assets(project: acc.Project) -> None:
    project.assets.create([unit(17), unit(17, Barcode="17")], import_key="Barcode")
    assert project.assets.create([unit(17, Barcode="17")], import_key="Barcode").counts == {"unchanged": 1}
    assert project.assets.create([unit(17, Barcode=17)], import_key="Barcode").counts == {"invalid": 1}


def test_keys_that_are_the_same_number_in_the_project_are_found(project: acc.Project) -> None:
    rows = [unit(number, Barcode=number) for number in (17, 18)]
    assert project.assets.create(rows, import_key="Barcode").counts == {"created": 2}
    assert project.assets.create(rows, import_key="Barcode").counts == {"unchanged": 2}


def test_a_key_that_is_a_number_in_a_workbook(project: acc.Project, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    project.assets.create([unit(17)], import_key="Barcode")
    book = openpyxl.Workbook()
    row = unit(17, Barcode=17)
    book.active.append(list(row))
    book.active.append(list(row.values()))
    book.save(tmp_path / "plant.xlsx")
    result = project.assets.create(tmp_path / "plant.xlsx", import_key="Barcode")
    assert result.counts == {"invalid": 1}
    assert result.causes[0].fix == restoring("Barcode", 4)
    # The rows to fix can be fixed.
    assert result.write_fixes(tmp_path / "fix.xlsx") == 1
    book = openpyxl.load_workbook(tmp_path / "fix.xlsx")
    names = [cell.value for cell in book.active[1]]
    cell = book.active.cell(2, names.index("Barcode") + 1)
    cell.number_format, cell.value = "@", "0017"
    book.save(tmp_path / "fix.xlsx")
    assert project.assets.create(tmp_path / "fix.xlsx", import_key="Barcode").counts == {"unchanged": 1}


# ---- keys of digits with other leading zeros ----


@pytest.mark.parametrize("form", [same, generator])
@pytest.mark.parametrize("key", ["Barcode", "Manufacturer"])
@pytest.mark.parametrize(("known", "given"), [("17", "0017"), ("0017", "17"), ("017", "0017"), ("0", "00")])
def test_a_key_with_other_leading_zeros_is_not_created_again(
    project: acc.Project, key: str, known: str, given: str, form: Callable[[list[dict[str, Any]]], Any]
) -> None:
    assert project.assets.create([unit(1, **{key: known})], import_key=key).counts == {"created": 1}
    rows = [unit(1, **{key: given}), unit(2, **{key: "9999"})]
    result = project.assets.create(form(rows), import_key=key)
    assert result.counts == {"invalid": 1, "created": 1}
    error = result[0].error
    assert error is not None
    assert (error.code, error.column) == ("leading_zeros", key)
    assert error.message == f"`{key}` is '{given}', but the project has the import key '{known}'"
    has_zeros = len(known) > len(given)
    assert error.fix == (
        restoring(key, len(known))
        if has_zeros
        else "write the key of the asset if the row is this asset, or give the asset the key of the row with patch first"
    )


@pytest.mark.parametrize("form", [same, generator])
def test_keys_that_differ_on_purpose_are_created(
    project: acc.Project, form: Callable[[list[dict[str, Any]]], Any]
) -> None:
    rows = [
        unit(number, Barcode=key) for number, key in enumerate(("17", "0017", "1.1", "1.10", "A7", "A07"))
    ]
    # Neither does a row hide another one of the same call.
    assert project.assets.create(form(rows), import_key="Barcode").counts == {"created": 6}
    assert project.assets.create(form(rows), import_key="Barcode").counts == {"unchanged": 6}
    # A third spelling is no key of the project.
    result = project.assets.create(form([unit(0, Barcode="017")]), import_key="Barcode")
    assert result.counts == {"invalid": 1}


def test_texts_of_decimals_differ(project: acc.Project) -> None:
    project.assets.create([unit(1, Barcode="1.1"), unit(2, Barcode="1E2")], import_key="Barcode")
    rows = [unit(1, Barcode="1.10"), unit(2, Barcode="100"), unit(3, Barcode="01.1")]
    assert project.assets.create(rows, import_key="Barcode").counts == {"created": 3}


def test_a_key_with_other_leading_zeros_in_a_text_file_stops_a_call_before_the_first_request(
    sim: acc.testing.Simulator, project: acc.Project, tmp_path: Path
) -> None:
    project.assets.create([unit(17)], import_key="Barcode")
    path = tmp_path / "plant.csv"
    lines = [f"{number},HVAC > Air Handling,Ordered,{number}" for number in [*range(1000, 1100), 17]]
    path.write_text("\n".join(["Asset ID,Category,Status,Barcode", *lines]))
    with pytest.raises(acc.BulkError, match="the project has the import key '0017'"):
        project.assets.create(path, import_key="Barcode", on_error="stop")
    assert len(sim.assets()) == 1


# ---- numbers in other columns ----


@pytest.mark.parametrize("form", [same, generator])
def test_numbers_equal_the_texts_of_the_asset_that_read_as_these_numbers(
    project: acc.Project, form: Callable[[list[dict[str, Any]]], Any]
) -> None:
    texts = {"Asset ID": "0017", "Description": "007", "Manufacturer": "1.10"}
    numbers = {"Asset ID": 17, "Description": 7, "Manufacturer": 1.1}
    project.assets.create([unit(1, **texts)], import_key="Barcode")
    asset = project.assets.list()[0]
    result = project.assets.create(form([unit(1, **numbers)]), import_key="Barcode")
    assert result.counts == {"unchanged": 1}
    # As in a patch.
    assert project.assets.patch([{**asset, "description": 7}]).counts == {"unchanged": 1}
    for column, cell in (("Description", "7"), ("Description", 8), ("Manufacturer", "1.1")):
        rows = [unit(1, **{**texts, column: cell})]
        assert project.assets.create(form(rows), import_key="Barcode").counts == {"differs": 1}, (
            column,
            cell,
        )


@pytest.mark.parametrize("column", ["Asset ID", "Barcode", "Manufacturer"])
def test_numbers_as_names_or_keys_are_one_warning(project: acc.Project, column: str) -> None:
    rows = [unit(number, Barcode=f"B{number}") for number in range(3)]
    rows[1][column], rows[2][column] = 0, 7
    report = project.assets.validate(rows, import_key="Manufacturer")
    assert [warning for warning in report.warnings if "numbers" in warning] == [
        f"column '{column}' has numbers (first: row 1), so leading zeros may be lost. To keep them, pass the path "
        f"of the file, which also keeps number formats, or read the sheet with dtype={{'{column}': str}}"
    ]
    rows = [unit(1, **{"Asset ID": 1, "Barcode": 2, "Manufacturer": 3})]
    (warning,) = (
        warning
        for warning in project.assets.validate(rows, import_key="Manufacturer").warnings
        if "numbers" in warning
    )
    assert warning.startswith("columns 'Asset ID', 'Barcode', 'Manufacturer' have numbers (first: row 0)")
    assert warning.endswith("dtype={'Asset ID': str, 'Barcode': str, 'Manufacturer': str}")
    assert not project.assets.validate(rows).warnings[0].startswith("columns 'Asset ID', 'Barcode', 'Man")


@pytest.mark.parametrize("order", [1, -1])
def test_a_key_given_twice_is_invalid_even_if_one_row_has_another_mistake(
    project: acc.Project, kit: Kit, order: int
) -> None:
    rows = [
        kit.row("AHU-2", barcode="0002", statusId="Instaled"),
        kit.row("AHU-3", barcode="0002"),
        kit.row("AHU-4", barcode="0004"),
    ][::order]
    result = project.assets.create(rows, import_key="barcode")
    assert result.counts == {"created": 1, "invalid": 2}
    assert project.assets.validate(rows, import_key="barcode").counts.get("invalid", 2) == 2
    # The next call judges them again.
    corrected = [kit.row("AHU-2", barcode="0002"), kit.row("AHU-3", barcode="0003")]
    assert project.assets.create(corrected, import_key="barcode").counts == {"created": 2}


def test_a_key_of_several_assets_means_the_one_with_the_asset_id(project: acc.Project, kit: Kit) -> None:
    rows = [kit.row("AHU-7", barcode="004018"), kit.row("FAN-7", barcode="004018")]
    made = project.assets.create(rows).raise_if_failed()
    for row, id in zip(rows, made.ids, strict=True):
        result = project.assets.create([row], import_key="barcode")
        assert (result.counts, result.ids) == ({"unchanged": 1}, [id])
    other = project.assets.create([kit.row("PUMP-7", barcode="004018")], import_key="barcode")
    assert other.counts == {"invalid": 1}
    assert other.causes[0].code == "ambiguous_import_key"
    assert all(str(id) in other.causes[0].message for id in made.ids)
    assert len(project.assets.list()) == 2


def test_keys_that_pandas_wrote_as_floats_are_found(project: acc.Project, kit: Kit, tmp_path: Path) -> None:
    project.assets.create([kit.row("AHU-1", barcode="10234567")]).raise_if_failed()
    path = tmp_path / "floats.csv"
    head = "Asset ID,Category,Status,Barcode\n"
    path.write_text(f"{head}AHU-1,{kit.category},{kit.status},10234567.0\n")
    with pytest.warns(acc.DataWarning, match="'Barcode' has numbers"):
        result = project.assets.create(path, import_key="Barcode")
    assert result.counts == {"invalid": 1}
    assert "10234567'" in result.causes[0].message


@pytest.mark.parametrize("key", ["barcode", "Manufacturer"])
def test_rows_without_the_column_of_the_import_key_are_not_sent(
    key: str, project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    rows = [kit.row("AHU-1"), kit.row("AHU-2")]
    result = project.assets.create(rows, import_key=key)
    assert result.counts == {"invalid": 2}
    assert not sim.assets()
    (cause,) = result.causes
    assert f"no column `{key}`: it is the import_key" in cause.message
    assert "mapping=" in cause.fix
    report = project.assets.validate(rows, import_key=key)
    assert [cause.message for cause in report.causes] == [cause.message]


@pytest.mark.parametrize("key", ["barcode", "Manufacturer"])
def test_generated_keys_take_a_field_without_values(
    key: str, project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    rows = [kit.row("AHU-1"), kit.row("AHU-2", **{key: "mine"})]
    result = project.assets.create(rows, import_key=acc.GeneratedKey(key))
    assert result.statuses == ["created", "invalid"]
    assert "GeneratedKey" in result.causes[0].fix
    assert len(sim.assets()) == 1
    with pytest.raises(acc.OptionError, match="import_key must be"):
        project.assets.create(rows, import_key=acc.GeneratedKey(""))


def test_new_rows_beside_rows_that_lost_zeros_are_not_sent(
    project: acc.Project, sim: acc.testing.Simulator, tmp_path: Path
) -> None:
    row = {"Category": "HVAC > Pumps", "Status": "Ordered"}
    last = [{"Asset ID": f"FAN-{n}", "Barcode": f"{n:06}", **row} for n in range(8)]
    assert project.assets.create(last, import_key="Barcode").counts == {"created": 8}
    # Two are new. One of them is as long as a barcode with its zeros.
    week = [{"Asset ID": f"FAN-{n}", "Barcode": str(n), **row} for n in (*range(9), 123456)]
    path = tmp_path / "week.csv"
    lines = [",".join(week[0]), *(",".join(one.values()) for one in week)]
    path.write_text("\n".join(lines) + "\n")
    for rows in (week, path):
        result = project.assets.create(rows, import_key="Barcode")
        assert result.statuses[:9] == ["invalid"] * 9
        assert result.statuses[9] in ("created", "unchanged")
        assert {cause.code for cause in result.causes} == {"leading_zeros"}
        assert len(result.causes) == 2
        assert "other rows have lost leading zeros: the project has '00000" in result.causes[1].message
    # Alone, a short barcode is one.
    assert project.assets.create(week[8:9], import_key="Barcode").counts == {"created": 1}


def test_numbers_beside_texts_with_zeros_are_one_cause(project: acc.Project) -> None:
    row = {"Category": "HVAC > Pumps", "Status": "Ordered"}
    rows = [{"Asset ID": f"FAN-{n}", "Barcode": f"{n:06}" if n < 4 else n, **row} for n in range(9)]
    (cause,) = project.assets.validate(rows).causes
    assert cause.rows == 5
    assert cause.message.endswith("leading zeros, probably 000004")
    assert [value for value, _ in cause.values] == ["4", "5", "6", "7", "8"]


def test_patch_says_how_to_find_assets_by_a_key(project: acc.Project) -> None:
    rows = [{"Barcode": "000001", "Description": "new"}]
    way = r"pass the result of create\(rows, import_key=\.\.\.\) to patch"
    with pytest.raises(TypeError, match=way):
        project.assets.patch(rows, import_key="Barcode")  # type: ignore[call-arg]
    with pytest.raises(acc.InputError, match=way):
        project.assets.patch(pytest.importorskip("pandas").DataFrame(rows))
    (cause,) = project.assets.patch(rows, key="Barcode").causes
    assert re.search(way, cause.fix)


def test_new_keys_that_are_shorter_than_all_of_the_project(
    project: acc.Project, sim: acc.testing.Simulator
) -> None:
    row = {"Category": "HVAC > Pumps", "Status": "Ordered"}
    last = [{"Asset ID": f"FAN-{n}", "Barcode": f"{n:06}", **row} for n in range(3)]
    assert project.assets.create(last, import_key="Barcode").counts == {"created": 3}
    # A number is refused, as pandas reads the file of rows to fix.
    result = project.assets.create([{"Asset ID": "A", "Barcode": 17, **row}], import_key="Barcode")
    assert result.counts == {"invalid": 1}
    (cause,) = result.causes
    assert cause.message == (
        "`Barcode` is 17: a number, but the import keys of the project have 6 digits, with leading zeros"
    )
    assert cause.fix == f"{restoring('Barcode', 6)}, or write it as text"
    # A text may be right.
    with pytest.warns(
        acc.DataWarning, match=r"keys such as '17' may have lost leading zeros in 1 row \(row 1\)"
    ):
        result = project.assets.create(
            [{"Asset ID": n, "Barcode": n, **row} for n in ("100017", "17", "x")], import_key="Barcode"
        )
    assert result.counts == {"created": 3}
    # Now the project has one, so numbers are what they are.
    result = project.assets.create([{"Asset ID": "B", "Barcode": 18, **row}], import_key="Barcode")
    assert result.counts == {"created": 1}


def test_keys_with_zeros_that_differ_in_length_prove_nothing(project: acc.Project) -> None:
    row = {"Category": "HVAC > Pumps", "Status": "Ordered"}
    keys = ("0017", "0018", "000123", "B-1")
    made = [{"Asset ID": key, "Barcode": key, **row} for key in keys]
    assert project.assets.create(made, import_key="Barcode").counts == {"created": 4}
    result = project.assets.create([{"Asset ID": "N", "Barcode": 99, **row}], import_key="Barcode")
    assert result.counts == {"created": 1}


@pytest.mark.parametrize(("known", "given"), [(["17.0"], "17"), (["0017", "17"], 17), (["0017", "17"], "17")])
def test_zeros_that_are_not_lost_refuse_no_other_rows(
    known: list[str], given: object, project: acc.Project
) -> None:
    row = {"Category": "HVAC > Pumps", "Status": "Ordered"}
    made = [{"Asset ID": "A", "Barcode": key, **row} for key in known]
    assert project.assets.create(made, import_key="Barcode").counts == {"created": len(known)}
    rows: list[dict[str, Any]] = [
        {"Asset ID": "A", "Barcode": given, **row},
        {"Asset ID": "B", "Barcode": "99", **row},
    ]
    result = project.assets.create(rows, import_key="Barcode")
    assert result.statuses[1] == "created"
    if result.statuses[0] == "invalid":
        assert "zfill" not in result.causes[0].fix


def test_import_key_is_a_field_to_which_another_column_is_mapped(project: acc.Project) -> None:
    row = {"Asset ID": "A", "Category": "HVAC > Pumps", "Status": "Ordered"}
    assert project.assets.create([row | {"Barcode": "000017"}], import_key="Barcode").counts == {"created": 1}
    corrected = [row | {"Barcode": "17", "Barcode corrected": "000017"}]
    mapping = {"Barcode": None, "Barcode corrected": "Barcode"}
    for key in ("Barcode", "barcode", "Barcode corrected"):
        result = project.assets.create(corrected, import_key=key, mapping=mapping)
        assert result.counts == {"unchanged": 1}
    with pytest.raises(acc.OptionError, match="mapping= ignores this column"):
        project.assets.create(corrected, import_key="Barcode", mapping={"Barcode": None})


def test_a_corrected_key_is_warned_of(project: acc.Project) -> None:
    unit = {"Category": "HVAC > Air Handling", "Status": "Installed"}
    rows = [{"Asset ID": f"A-{number}", "Barcode": f"B{number}", **unit} for number in range(3)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert project.assets.create(rows, import_key="Barcode").ok
        assert project.assets.create(iter(rows), import_key="Barcode").counts == {"unchanged": 3}
    rows[1]["Barcode"] = "B9"
    with pytest.warns(
        acc.DataWarning, match=r"has the same Asset ID in 1 row \(row 1\). If a key was corrected"
    ):
        result = project.assets.create(rows, import_key="Barcode")
    assert result.counts == {"created": 1, "unchanged": 2}
