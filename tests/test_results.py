"""What a user does with a result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Kit

import acc_assets as acc


@pytest.fixture
def mixed(project: acc.Project, kit: Kit) -> acc.BulkResult:
    """Rows 0, 2, 4 created; row 1 without a status; row 3 with a status of nowhere."""
    rows = kit.rows(5)
    del rows[1]["statusId"]
    rows[3]["statusId"] = "00000000-0000-4000-8000-000000000000"
    return project.assets.create(rows, batch_size=1, validate=False)


def test_it_is_a_sequence_in_input_order(mixed: acc.BulkResult) -> None:
    assert len(mixed) == 5
    assert [outcome.row for outcome in mixed] == [0, 1, 2, 3, 4]
    assert mixed[-1].status == "created"
    assert mixed[-1].ok
    assert not mixed[1].ok
    with pytest.raises(IndexError):
        mixed[5]


def test_slices_and_where_are_results_again(mixed: acc.BulkResult) -> None:
    assert isinstance(mixed[1:3], acc.BulkResult)
    assert [outcome.row for outcome in mixed[1:3]] == [1, 2]
    assert [outcome.row for outcome in mixed[::-2]] == [4, 2, 0]
    assert [outcome.row for outcome in mixed.where("invalid", "rejected")] == [1, 3]
    assert mixed.where("created").ok
    assert len(mixed.where("unknown")) == 0


def test_an_unknown_status_is_told_with_the_nearest(mixed: acc.BulkResult) -> None:
    with pytest.raises(acc.OptionError, match='did you mean "rejected"'):
        mixed.where("regected")  # type: ignore[arg-type]
    with pytest.raises(acc.OptionError, match="one or more"):
        mixed.where()


def test_counts_ids_and_ok(mixed: acc.BulkResult) -> None:
    assert mixed.counts == {"created": 3, "invalid": 1, "rejected": 1}
    assert next(iter(mixed.counts)) == "created"
    assert [id is not None for id in mixed.ids] == [True, False, True, False, True]
    assert not mixed.ok


def test_causes_group_rows_and_name_the_first(project: acc.Project, kit: Kit) -> None:
    rows = kit.rows(20)
    for row in rows[5:15]:
        del row["statusId"]
    del rows[2]["categoryId"]
    most, least = project.assets.create(rows).by_cause()
    assert (most.status, most.rows, most.first_row) == ("invalid", 10, 5)
    assert (least.rows, least.first_row) == (1, 2)


def test_its_repr_is_loud_about_what_is_not_ok(mixed: acc.BulkResult) -> None:
    lines = repr(mixed).splitlines()
    assert lines[0].startswith("BulkResult: 5 rows, 3 created, 1 invalid, 1 rejected (")
    assert any("invalid" in line and "row 1" in line for line in lines[1:])
    assert any("rejected" in line and "row 3" in line for line in lines[1:])


def test_its_repr_is_short_when_all_is_well(project: acc.Project, kit: Kit) -> None:
    text = repr(project.assets.create(kit.rows(3)))
    assert text.startswith("BulkResult: 3 rows, all created (1 request, ")
    assert "\n" not in text


def test_notebook_html_is_escaped(project: acc.Project, kit: Kit) -> None:
    result = project.assets.create(kit.row(statusId="<script>alert(1)</script>"))
    html = result._repr_html_()
    assert "<table>" in html
    assert "<script>" not in html
    made = project.assets.create(kit.row("<b>bold</b>"))
    assert "&lt;b&gt;bold" in project.assets.get(made)._repr_html_()


def test_it_has_no_truth_value(mixed: acc.BulkResult) -> None:
    with pytest.raises(TypeError, match=r"result\.ok"):
        bool(mixed)


def test_raise_if_failed(mixed: acc.BulkResult) -> None:
    with pytest.raises(acc.BulkError) as caught:
        mixed.raise_if_failed()
    assert caught.value.result is mixed
    good = mixed.where("created")
    assert good.raise_if_failed() is good


def test_it_becomes_dicts_and_frames(mixed: acc.BulkResult) -> None:
    dicts = mixed.to_dicts()
    assert [row["status"] for row in dicts] == ["created", "invalid", "created", "rejected", "created"]
    assert set(dicts[0]) >= {"row", "label", "key", "status", "id", "code", "message", "column", "attempts"}
    pytest.importorskip("pandas")
    assert list(mixed.to_pandas()["row"]) == [0, 1, 2, 3, 4]
    pytest.importorskip("polars")
    assert mixed.to_polars()["status"].to_list() == [row["status"] for row in dicts]
    assert pytest.importorskip("pyarrow").table(mixed)["id"].to_pylist() == mixed.ids


def test_the_client_keeps_its_newest_result(client: acc.Client, project: acc.Project, kit: Kit) -> None:
    assert client.last_result is None
    project.assets.create(kit.rows(2))
    with pytest.raises(acc.BulkError) as caught:
        project.assets.create({"clientAssetId": "bad"}, on_error="raise")
    assert client.last_result is caught.value.result


def refused_once(sim: acc.testing.Simulator) -> None:
    sim.add_fault("rate_limit", on="assets:batch-create", nth=1, retry_after=600)


def test_a_result_is_retried_once(sim: acc.testing.Simulator, kit: Kit) -> None:
    refused_once(sim)
    client = sim.client(retry=acc.Retry(deadline=1.0, settle=0.2), max_in_flight=1)
    rows = kit.rows(3)
    with pytest.raises(acc.RateLimitError) as caught:
        client.project(sim.project_id).assets.create(rows)
    first = caught.value.result
    assert first is not None
    assert first.counts == {"failed": 3}
    assert first.retry().counts == {"created": 3}
    with pytest.raises(acc.OptionError, match="before, and its rows may be in"):
        first.where("failed").retry()
    assert sim.audit()["assets_created"] == 3


def test_a_dry_run_is_not_retried(project: acc.Project, kit: Kit) -> None:
    planned = project.assets.create(kit.rows(3), dry_run=True)
    for again in (planned.retry, planned.reconcile):
        with pytest.raises(acc.OptionError, match="without dry_run="):
            again()


def test_a_retry_of_some_rows_leaves_the_others(sim: acc.testing.Simulator, kit: Kit) -> None:
    refused_once(sim)
    client = sim.client(retry=acc.Retry(deadline=1.0, settle=0.2), max_in_flight=1)
    with pytest.raises(acc.RateLimitError) as caught:
        client.project(sim.project_id).assets.create(kit.rows(5))
    assert caught.value.result is not None
    assert caught.value.result[:2].retry().counts == {"created": 2, "failed": 3}


@pytest.mark.parametrize("change", [lambda rows: rows.pop(0), lambda rows: rows.append(rows[0])])
def test_a_retry_of_a_list_that_changed_sends_nothing(
    sim: acc.testing.Simulator, kit: Kit, change: Any
) -> None:
    refused_once(sim)
    client = sim.client(retry=acc.Retry(deadline=1.0, settle=0.2), max_in_flight=1)
    rows = kit.rows(4)
    with pytest.raises(acc.RateLimitError) as caught:
        client.project(sim.project_id).assets.create(rows)
    assert caught.value.result is not None
    change(rows)
    with pytest.raises(acc.InputError, match="not the rows of the run"):
        caught.value.result.retry()
    assert sim.audit()["assets_created"] == 0


def old_and_client(sim: acc.testing.Simulator, kit: Kit) -> acc.Client:
    client = sim.client(retry=acc.Retry(attempts=1, settle=0.2))
    assert client.project(sim.project_id).assets.create(kit.rows(2)).ok
    return client


def test_last_result_of_a_call_whose_settings_cannot_be_read_has_its_rows_not_sent(
    sim: acc.testing.Simulator, kit: Kit
) -> None:
    client = old_and_client(sim, kit)
    sim.add_fault("status", code=403, on="categories", every=1)
    with pytest.raises(acc.ForbiddenError) as caught:
        client.project(sim.project_id).assets.create(kit.rows(3), validate=True)
    result = client.last_result
    assert result is not None
    assert result is caught.value.result
    assert result.counts == {"not_sent": 3}
    assert "not_sent" in repr(result)
    assert [cause.message for cause in result.by_cause()] == ["the call ended before its first request"]
    with pytest.raises(acc.OptionError, match="ended before the first request"):
        result.retry()


def test_last_result_of_a_generator_that_was_not_read_is_empty(sim: acc.testing.Simulator, kit: Kit) -> None:
    client = old_and_client(sim, kit)
    sim.add_fault("status", code=403, on="categories", every=1)
    with pytest.raises(acc.ForbiddenError):
        client.project(sim.project_id).assets.create(iter(kit.rows(3)), validate=True)
    result = client.last_result
    assert result is not None
    assert len(result) == 0
    assert repr(result)


def test_last_result_is_none_after_a_call_that_was_refused(
    sim: acc.testing.Simulator, kit: Kit, tmp_path: Path
) -> None:
    client = old_and_client(sim, kit)
    project = client.project(sim.project_id)
    broken = tmp_path / "run.sqlite"
    broken.write_text("no journal")

    def refused(call: Callable[[], object], error: type[acc.AccError]) -> None:
        assert project.assets.create(kit.row("before")).ok
        assert client.last_result is not None
        with pytest.raises(error) as caught:
            call()
        assert client.last_result is None
        assert caught.value.result is None

    refused(lambda: project.assets.create(kit.rows(1), batch_size=101), acc.OptionError)
    refused(lambda: project.assets.create(kit.rows(1), run=broken), acc.JournalError)
    refused(lambda: project.assets.create("nope.xlsx"), acc.InputError)
    refused(lambda: project.assets.patch([{"id": 1}], batch_size=101), acc.OptionError)
    refused(lambda: project.assets.delete([], batch_size=101), acc.OptionError)
    refused(lambda: project.relationships.delete([], batch_size=101), acc.OptionError)


def test_last_result_of_a_run_that_is_resumed_keeps_what_earlier_calls_did(
    sim: acc.testing.Simulator, kit: Kit, tmp_path: Path
) -> None:
    path = tmp_path / "run.sqlite"
    with sim.client() as client:
        client.project(sim.project_id).assets.create(kit.rows(3), run=path)
    client = old_and_client(sim, kit)
    sim.add_fault("status", code=403, on="categories", every=1)
    with pytest.raises(acc.ForbiddenError):
        client.project(sim.project_id).assets.create(kit.rows(3), run=path, validate=True)
    assert client.last_result is not None
    assert client.last_result.counts == {"created": 3}


def test_a_retry_that_is_refused_leaves_the_result_that_its_message_names(
    sim: acc.testing.Simulator, kit: Kit
) -> None:
    refused_once(sim)
    client = sim.client(retry=acc.Retry(deadline=1.0, settle=0.2), max_in_flight=1)
    with pytest.raises(acc.RateLimitError) as caught:
        client.project(sim.project_id).assets.create(kit.rows(3))
    first = caught.value.result
    assert first is not None
    second = first.retry()
    with pytest.raises(acc.OptionError, match=r"client\.last_result"):
        first.retry()
    assert client.last_result is second
