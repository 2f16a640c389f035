"""Creating assets."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Kit

import acc_assets as acc


def test_every_row_is_created_and_gets_an_id(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    result = project.assets.create(kit.rows(250))
    assert result.ok
    assert result.counts == {"created": 250}
    assert [outcome.key for outcome in result] == [f"AHU-{place}" for place in range(250)]
    assert len(set(result.ids)) == 250
    assert sim.audit()["assets_created"] == 250


def test_ids_are_aligned_with_rows(project: acc.Project, kit: Kit, sim: acc.testing.Simulator) -> None:
    sim.set_switch("result_order", "shuffled")
    result = project.assets.create(kit.rows(150))
    found = {asset["id"]: asset["clientAssetId"] for asset in project.assets.get(result)}
    assert [found[str(id)] for id in result.ids] == [f"AHU-{place}" for place in range(150)]


def test_create_sends_at_most_100_rows_per_request(project: acc.Project, kit: Kit) -> None:
    assert project.assets.create(kit.rows(201)).stats.requests == 3
    assert project.assets.create(kit.rows(20), batch_size=7).stats.requests == 3


@pytest.mark.parametrize("nothing", [[], iter([]), ()])
def test_create_without_rows_sends_no_request(
    nothing: object, project: acc.Project, sim: acc.testing.Simulator
) -> None:
    result = project.assets.create(nothing)  # type: ignore[arg-type]
    assert result.ok
    assert len(result) == 0
    # The number of rows of a generator is unknown before the settings are read.
    assert sim.audit()["assets_created"] == 0
    if not isinstance(nothing, Iterator):
        assert sim.audit()["requests"] == 0


def test_one_dict_is_one_row(project: acc.Project, kit: Kit) -> None:
    assert project.assets.create(kit.row()).counts == {"created": 1}


def test_custom_attributes_are_columns_or_a_dict(project: acc.Project, kit: Kit) -> None:
    text = kit.name("text")
    rows = [kit.row("A", **{text: "flat"}), kit.row("B", customAttributes={text: "nested"})]
    result = project.assets.create(rows, returning=True)
    assert result.assets is not None
    assert [asset["customAttributes"][text] for asset in result.assets] == ["flat", "nested"]


def test_create_sends_valid_rows_only(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    rows = kit.rows(5)
    del rows[1]["statusId"]
    rows[3]["categoryId"] = "42.5"
    with caplog.at_level(logging.WARNING, "acc_assets"):
        result = project.assets.create(rows)
    assert [outcome.status for outcome in result] == ["created", "invalid", "created", "invalid", "created"]
    assert sim.audit()["assets_created"] == 3
    first = result[1].error
    assert first is not None
    assert first.column == "statusId"
    assert first.fix
    # One line, with the largest cause and its fix. The details are in the result.
    assert [record.getMessage() for record in caplog.records] == [
        "create: 5 rows, 3 created, 2 invalid; `statusId` is blank: required for a new asset (row 1): use the label or id "
        "of a status in the category's status set; and 1 more cause"
    ]


def test_create_reports_all_problems_of_a_row(project: acc.Project) -> None:
    error = project.assets.create([{"description": "x" * 1001}])[0].error
    assert error is not None
    assert {problem.column for problem in error.problems} == {
        "clientAssetId",
        "categoryId",
        "statusId",
        "description",
    }


def test_unknown_column_has_the_closest_match(project: acc.Project, kit: Kit) -> None:
    with pytest.warns(acc.DataWarning) as warned:
        result = project.assets.create([kit.row(descripton="on the roof", Remarks="x", Checked="y")])
    # Nearly certain matches come first, then all other unknown columns.
    likely, unknown = [str(warning.message) for warning in warned]
    assert likely.startswith("did you mean `Description`? Column 'descripton' was ignored")
    assert unknown.startswith("2 columns were ignored: unknown columns 'Remarks', 'Checked'.")
    assert result.ok
    assert [use.title for use in result.report.columns if use.field is None] == ["Description", None, None]


def test_rejected_rows_have_the_message_of_the_service(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    foreign = "00000000-0000-4000-8000-000000000000"
    result = project.assets.create([kit.row(statusId=foreign)])
    error = result[0].error
    assert result.counts == {"rejected": 1}
    assert error is not None
    assert error.status == 400
    assert error.body
    assert result[0].request_id
    assert sim.audit()["assets_created"] == 0


def test_on_error_raise_finishes_first(project: acc.Project, kit: Kit, sim: acc.testing.Simulator) -> None:
    rows = kit.rows(300)
    del rows[0]["statusId"]
    with pytest.raises(acc.BulkError) as caught:
        project.assets.create(rows, on_error="raise")
    assert caught.value.result is not None
    assert caught.value.result.counts == {"created": 299, "invalid": 1}
    assert sim.audit()["assets_created"] == 299


def test_on_error_stop_sends_nothing_if_a_row_is_invalid(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    rows = kit.rows(300)
    del rows[299]["statusId"]
    with pytest.raises(acc.BulkError) as caught:
        project.assets.create(rows, on_error="stop")
    assert caught.value.result is not None
    assert caught.value.result.counts == {"invalid": 1, "not_sent": 299}
    assert sim.audit()["assets_created"] == 0


def test_max_errors_stops_a_hopeless_import(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    bad = [{"clientAssetId": f"bad-{place}"} for place in range(50)]
    result = project.assets.create([*bad, *kit.rows(5000)], max_errors=10)
    assert len(result) == 5050
    assert result.counts["invalid"] >= 10
    assert result.counts["not_sent"] >= 5000
    assert sim.audit()["assets_created"] == 0


def test_max_errors_as_a_fraction(project: acc.Project, kit: Kit) -> None:
    rows = [*kit.rows(90), *({"clientAssetId": f"bad-{place}"} for place in range(10))]
    assert project.assets.create(rows, max_errors=0.1).counts == {"created": 90, "invalid": 10}
    # A float is a fraction, even if it is 1.0.
    assert project.assets.create(rows, max_errors=1.0).counts == {"created": 90, "invalid": 10}
    with pytest.raises(acc.OptionError, match="stream"):
        project.assets.create(iter(rows), max_errors=0.1)


def test_dry_run_plans_and_sends_nothing(project: acc.Project, kit: Kit, sim: acc.testing.Simulator) -> None:
    result = project.assets.create([*kit.rows(250), {"clientAssetId": "bad"}], dry_run=True)
    assert result.estimate is not None
    assert (result.estimate.rows, result.estimate.requests) == (250, 3)
    assert result.estimate.bytes > 10_000
    assert result.counts == {"invalid": 1, "not_sent": 250}
    assert "nothing was sent" in repr(result)
    assert sim.audit()["assets_created"] == 0


def test_estimate_has_the_minutes_at_the_rate_limit(project: acc.Project, kit: Kit) -> None:
    plan = project.assets.create(kit.rows(250), batch_size=1, dry_run=True).estimate
    assert plan is not None
    assert plan.requests == 250
    assert plan.minutes > 0


def test_returning_keeps_the_assets(project: acc.Project, kit: Kit) -> None:
    result = project.assets.create(kit.rows(3), returning=True)
    assert result.assets is not None
    assert [asset["id"] for asset in result.assets] == result.ids
    assert project.assets.create(kit.rows(3)).assets is None


def test_retry_sends_only_what_was_not_executed(kit: Kit, sim: acc.testing.Simulator) -> None:
    with sim.client(retry=acc.Retry(deadline=0.5, settle=0.2)) as client:
        sim.add_fault("rate_limit", on="assets:batch-create", retry_after=30)
        with pytest.raises(acc.RateLimitError) as caught:
            client.project(sim.project_id).assets.create(kit.rows(300))
        result = client.last_result
        assert result is not None
        assert result is caught.value.result
        assert set(result.counts) <= {"created", "failed", "not_sent"}
        assert len(result) == 300
        again = result.retry()
    assert again.counts == {"created": 300}
    assert sim.audit()["assets_created"] == 300
    assert sim.audit()["created_more_than_once"] == {}


def test_retry_of_a_generator_raises_option_error(project: acc.Project, kit: Kit) -> None:
    result = project.assets.create(row for row in kit.rows(2))
    with pytest.raises(acc.OptionError, match="generator"):
        result.retry()


@pytest.mark.parametrize("what", ["reset_after_apply", "reset_before_apply", "cut_body", "html"])
def test_lost_response_is_looked_up_before_a_retry(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator, what: str
) -> None:
    sim.add_fault(what, on="assets:batch-create")
    result = project.assets.create(kit.rows(10))
    assert result.counts == {"created": 10}
    assert result.stats.lookups > 0
    assert {asset["id"]: asset["clientAssetId"] for asset in sim.assets()}.items() >= {
        (outcome.id, outcome.key) for outcome in result
    }
    assert sim.audit()["created_more_than_once"] == {}


def test_rows_of_an_earlier_call_are_not_mistaken_for_lost_ones(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    first = project.assets.create(kit.rows(3))
    sim.add_fault("reset_before_apply", on="assets:batch-create")
    second = project.assets.create(kit.rows(3))
    assert second.counts == {"created": 3}
    assert not set(first.ids) & set(second.ids)
    assert len(sim.assets()) == 6


def test_lost_response_stays_unknown_without_reconcile(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    sim.add_fault("reset_after_apply", on="assets:batch-create")
    result = project.assets.create(kit.rows(10), reconcile=False)
    assert result.counts == {"unknown": 10}
    assert ".reconcile() looks them up" in repr(result)
    assert sim.audit()["endpoints"]["assets:batch-create"]["requests"] == 1

    later = result.reconcile()
    assert later.counts == {"created": 10}
    assert sim.audit()["endpoints"]["assets:batch-create"]["requests"] == 1
    assert later.stats.lookups == later.stats.requests
    with pytest.raises(acc.OptionError, match=r"reconcile\(\) was already called"):
        result.reconcile()


def test_import_key_makes_rows_of_a_second_import_unchanged(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    key = kit.name("text")
    rows = [kit.row(f"AHU-{place}", **{key: f"sheet 1, row {place}"}) for place in range(150)]
    first = project.assets.create(rows[:120], import_key=key)
    second = project.assets.create(rows, import_key=key)
    assert second.counts == {"created": 30, "unchanged": 120}
    assert second.ids[:120] == first.ids
    assert second.stats.lookups > 0
    assert len(sim.assets()) == 150


def test_import_keys_are_generated(project: acc.Project, kit: Kit, sim: acc.testing.Simulator) -> None:
    sim.add_fault("reset_after_apply", on="assets:batch-create")
    same = [kit.row("AHU") for _ in range(20)]
    result = project.assets.create(same, import_key=acc.GeneratedKey("barcode"))
    assert result.counts == {"created": 20}
    barcodes = {asset["id"]: asset["barcode"] for asset in sim.assets()}
    assert [str(barcodes[str(id)]).rpartition("-")[2] for id in result.ids] == [str(row) for row in range(20)]


def test_import_key_is_required_on_all_rows_and_unique(project: acc.Project, kit: Kit) -> None:
    rows = [
        kit.row("A", barcode="1"),
        kit.row("B"),
        kit.row("C", barcode="1"),
        kit.row("D", barcode="2"),
        kit.row("D", barcode="2"),
    ]
    result = project.assets.create(rows, import_key="barcode")
    assert [outcome.status for outcome in result] == ["invalid", "invalid", "invalid", "created", "unchanged"]
    assert [outcome.error.code for outcome in result if outcome.error] == [
        "same_import_key",
        "import_key",
        "same_import_key",
        "same_row",
    ]
    assert result.ids[3] == result.ids[4]
    for wrong in ("name", "ca0", 7):
        with pytest.raises(acc.OptionError, match="import_key must be"):
            project.assets.create(rows, import_key=wrong)  # type: ignore[arg-type]


@pytest.mark.once
def test_the_rate_limit_is_kept(project: acc.Project, kit: Kit, sim: acc.testing.Simulator) -> None:
    result = project.assets.create(kit.rows(250), batch_size=1)
    assert result.ok
    assert result.stats.throttled > 0
    assert sim.audit()["rate_limited"] == 0


def test_429_caused_by_another_program_is_retried(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    sim.add_fault("rate_limit", on="assets:batch-create", retry_after=1)
    result = project.assets.create(kit.rows(10))
    assert result.ok
    assert result.stats.retries == 1
    assert result.stats.seconds >= 1


def test_progress_function_is_called(project: acc.Project, kit: Kit) -> None:
    seen: list[acc.Progress] = []
    project.assets.create(kit.rows(300), progress=seen.append)
    assert seen[-1].done == seen[-1].total == 300
    assert seen[-1].requests == 3


def test_error_in_a_generator_is_raised_unchanged(client: acc.Client, project: acc.Project, kit: Kit) -> None:
    def rows() -> object:
        yield from kit.rows(150)
        raise ZeroDivisionError("in row 150")

    with pytest.raises(ZeroDivisionError, match="in row 150"):
        project.assets.create(rows())  # type: ignore[arg-type]
    assert client.last_result is not None
    assert client.last_result.counts.get("created", 0) + client.last_result.counts.get("not_sent", 0) == 150


def test_numeric_barcodes_are_sent_with_a_warning(project: acc.Project, kit: Kit) -> None:
    rows = [kit.row("A", barcode=42), kit.row("B", barcode=43)]
    with pytest.warns(acc.DataWarning, match="leading zeros") as warned:
        result = project.assets.create(rows, returning=True)
    assert [str(warning.filename) for warning in warned] == [__file__]
    assert result.assets is not None
    assert [asset["barcode"] for asset in result.assets] == ["42", "43"]


def test_spaces_around_asset_ids_and_barcodes_are_removed_with_one_warning_per_column(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    rows = [kit.row("A", barcode="1"), kit.row(" B ", barcode="2 "), kit.row("C\u00a0", barcode=" ")]
    with pytest.warns(acc.DataWarning) as warned:
        result = project.assets.create(rows)
    assert [str(warning.message) for warning in warned] == [
        "leading or trailing spaces were removed from `clientAssetId` in 2 rows (first: row 1)",
        "leading or trailing spaces were removed from `barcode` in 1 row (row 1)",
    ]
    assert [outcome.key for outcome in result] == ["A", "B", "C"]
    assert [(asset["clientAssetId"], asset["barcode"]) for asset in sim.assets()] == [
        ("A", "1"),
        ("B", "2"),
        ("C", " "),
    ]


def test_warning_about_spaces_names_the_sheet_row(project: acc.Project, kit: Kit, tmp_path: Path) -> None:
    lines = [f"{name},{kit.category},{kit.status}" for name in ("A", "B ", "C ")]
    sheet = tmp_path / "units.csv"
    sheet.write_text("\n".join(["Asset ID,Category,Status", *lines]))
    with pytest.warns(acc.DataWarning, match=r"`Asset ID` in 2 rows \(first: line 3\)"):
        assert project.assets.create(sheet).ok


def test_import_key_is_sent_without_outer_spaces(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    name = kit.name("text")
    with pytest.warns(acc.DataWarning, match="spaces were removed"):
        assert project.assets.create([kit.row("A", **{name: " key-1 "})], import_key=name).ok
    assert sim.assets()[0]["customAttributes"][name] == "key-1"
    assert project.assets.create([kit.row("A", **{name: "key-1"})], import_key=name).counts == {
        "unchanged": 1
    }
