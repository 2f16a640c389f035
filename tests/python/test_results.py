"""Results: access, conversion, retry and reconcile."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Kit

import acc_assets as acc


@pytest.fixture
def mixed(project: acc.Project, kit: Kit) -> acc.BulkResult:
    """A result in which rows 0, 2 and 4 are created, row 1 has no status, and row 3 has an unknown status."""
    rows = kit.rows(5)
    del rows[1]["statusId"]
    rows[3]["statusId"] = "00000000-0000-4000-8000-000000000000"
    return project.assets.create(rows, batch_size=1, settings=None)


def test_result_is_a_sequence_in_input_order(mixed: acc.BulkResult) -> None:
    assert len(mixed) == 5
    assert [outcome.row for outcome in mixed] == [0, 1, 2, 3, 4]
    assert mixed[-1].status == "created"
    assert mixed[-1].ok
    assert not mixed[1].ok
    with pytest.raises(IndexError):
        mixed[5]


def test_slices_and_where_return_results(mixed: acc.BulkResult) -> None:
    assert isinstance(mixed[1:3], acc.BulkResult)
    assert [outcome.row for outcome in mixed[1:3]] == [1, 2]
    assert [outcome.row for outcome in mixed[::-2]] == [4, 2, 0]
    assert [outcome.row for outcome in mixed.where("invalid", "rejected")] == [1, 3]
    assert mixed.where("created").ok
    assert len(mixed.where("unknown")) == 0


def test_where_suggests_the_closest_status(mixed: acc.BulkResult) -> None:
    with pytest.raises(acc.OptionError, match='Did you mean "rejected"'):
        mixed.where("regected")  # type: ignore[arg-type]
    with pytest.raises(acc.OptionError, match="one or more"):
        mixed.where()


def test_counts_ids_and_ok(mixed: acc.BulkResult) -> None:
    assert mixed.counts == {"created": 3, "invalid": 1, "rejected": 1}
    assert next(iter(mixed.counts)) == "created"
    assert [id is not None for id in mixed.ids] == [True, False, True, False, True]
    assert not mixed.ok


def test_causes_group_rows_and_list_the_first_ones(project: acc.Project, kit: Kit) -> None:
    rows = kit.rows(20)
    for row in rows[5:15]:
        del row["statusId"]
    del rows[2]["categoryId"]
    most, least = project.assets.create(rows).causes
    assert (most.status, most.rows, most.first_rows[0]) == ("invalid", 10, 5)
    assert (least.rows, least.first_rows) == (1, (2,))


def test_repr_shows_failed_rows(mixed: acc.BulkResult) -> None:
    lines = repr(mixed).splitlines()
    assert lines[0].startswith("BulkResult: 5 rows, 3 created, 1 invalid, 1 rejected (")
    assert any("invalid" in line and "row 1" in line for line in lines[1:])
    assert any("rejected" in line and "row 3" in line for line in lines[1:])


def test_repr_is_short_if_all_rows_are_ok(project: acc.Project, kit: Kit) -> None:
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


def test_result_has_no_truth_value(mixed: acc.BulkResult) -> None:
    with pytest.raises(TypeError, match=r"result\.ok"):
        bool(mixed)


def test_raise_if_failed(mixed: acc.BulkResult) -> None:
    with pytest.raises(acc.BulkError) as caught:
        mixed.raise_if_failed()
    assert caught.value.result is mixed
    good = mixed.where("created")
    assert good.raise_if_failed() is good


def test_result_converts_to_dicts_and_frames(mixed: acc.BulkResult) -> None:
    dicts = mixed.to_dicts()
    assert [row["status"] for row in dicts] == ["created", "invalid", "created", "rejected", "created"]
    assert set(dicts[0]) >= {"row", "label", "key", "status", "id", "code", "message", "column", "attempts"}
    pytest.importorskip("pandas")
    assert list(mixed.to_pandas()["row"]) == [0, 1, 2, 3, 4]
    pytest.importorskip("polars")
    assert mixed.to_polars()["status"].to_list() == [row["status"] for row in dicts]
    assert pytest.importorskip("pyarrow").table(mixed)["id"].to_pylist() == mixed.ids


def test_last_result_is_the_most_recent_result(client: acc.Client, project: acc.Project, kit: Kit) -> None:
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
    first = client.last_result
    assert first is not None
    assert first is caught.value.result
    assert first.counts == {"failed": 3}
    assert first.retry().counts == {"created": 3}
    with pytest.raises(acc.OptionError, match=r"retry\(\) was already called on this result"):
        first.where("failed").retry()
    assert sim.audit()["assets_created"] == 3


def test_retry_rejects_a_dry_run(project: acc.Project, kit: Kit) -> None:
    planned = project.assets.create(kit.rows(3), dry_run=True)
    for again in (planned.retry, planned.reconcile):
        with pytest.raises(acc.OptionError, match="without dry_run="):
            again()


def test_retry_of_some_rows_keeps_the_others(sim: acc.testing.Simulator, kit: Kit) -> None:
    refused_once(sim)
    client = sim.client(retry=acc.Retry(deadline=1.0, settle=0.2), max_in_flight=1)
    with pytest.raises(acc.RateLimitError) as caught:
        client.project(sim.project_id).assets.create(kit.rows(5))
    assert client.last_result is not None
    assert client.last_result is caught.value.result
    assert client.last_result[:2].retry().counts == {"created": 2, "failed": 3}


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
    with pytest.raises(acc.InputError, match="not the rows of the original call"):
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
        client.project(sim.project_id).assets.create(kit.rows(3), batch_size=1)
    result = client.last_result
    assert result is not None
    assert result is caught.value.result
    assert result.counts == {"not_sent": 3}
    assert "not_sent" in repr(result)
    assert [cause.message for cause in result.causes] == ["the call ended before its first request"]
    sim.clear_faults()
    assert result.retry().counts == {"created": 3}


def test_a_retry_reads_the_settings_that_could_not_be_read(sim: acc.testing.Simulator, kit: Kit) -> None:
    client = old_and_client(sim, kit)
    sim.add_fault("status", code=403, on="categories", every=1)
    rows = [{"Asset ID": "A", "Category": "HVAC > Fans", "Status": "Ordered"}]
    with pytest.raises(acc.ForbiddenError) as caught:
        client.project(sim.project_id).assets.create(rows)
    loaded = pickle.loads(pickle.dumps(caught.value.result))
    sim.clear_faults()
    assert caught.value.result.retry().counts == {"created": 1}  # type: ignore[union-attr]
    assert client.project(sim.project_id).assets.retry(loaded, rows).counts == {"created": 1}


def test_last_result_of_a_generator_that_was_not_read_is_empty(sim: acc.testing.Simulator, kit: Kit) -> None:
    client = old_and_client(sim, kit)
    sim.add_fault("status", code=403, on="categories", every=1)
    with pytest.raises(acc.ForbiddenError):
        client.project(sim.project_id).assets.create(iter(kit.rows(3)), batch_size=1)
    result = client.last_result
    assert result is not None
    assert len(result) == 0
    assert repr(result)


def test_last_result_is_none_after_a_rejected_call(
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


def test_last_result_of_a_resumed_run_keeps_earlier_outcomes(
    sim: acc.testing.Simulator, kit: Kit, tmp_path: Path
) -> None:
    path = tmp_path / "run.sqlite"
    with sim.client() as client:
        client.project(sim.project_id).assets.create(kit.rows(3), run=path)
    client = old_and_client(sim, kit)
    sim.add_fault("status", code=403, on="categories", every=1)
    with pytest.raises(acc.ForbiddenError):
        client.project(sim.project_id).assets.create(kit.rows(3), run=path, batch_size=1)
    assert client.last_result is not None
    assert client.last_result.counts == {"created": 3}


def test_rejected_retry_keeps_last_result(sim: acc.testing.Simulator, kit: Kit) -> None:
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


# ---- results loaded from a pickle ----


def refused_and_pickled(sim: acc.testing.Simulator, rows: object, **options: Any) -> acc.BulkResult:
    """A result without its client whose rows were all rejected with 429."""
    refused_once(sim)
    with sim.client(retry=acc.Retry(deadline=1.0, settle=0.2), max_in_flight=1) as client:
        with pytest.raises(acc.RateLimitError) as caught:
            client.project(sim.project_id).assets.create(rows, **options)  # type: ignore[arg-type]
        result = pickle.loads(pickle.dumps(caught.value.result))
    assert isinstance(result, acc.BulkResult)
    assert result.counts.keys() <= {"failed", "not_sent"}
    return result


@pytest.mark.parametrize("verb", ["retry", "reconcile"])
def test_a_pickled_result_says_which_verb_to_call(verb: str, sim: acc.testing.Simulator, kit: Kit) -> None:
    result = refused_and_pickled(sim, kit.rows(3))
    with pytest.raises(
        acc.OptionError, match=rf"loaded from a pickle. Call project\.assets\.{verb}\(result, rows\)"
    ):
        getattr(result, verb)()
    with sim.client() as client:
        project = client.project(sim.project_id)
        with pytest.raises(acc.OptionError, match=rf"Pass the same rows: {verb}\(result, rows\)"):
            getattr(project.assets, verb)(result)
        deleted = pickle.loads(pickle.dumps(project.relationships.delete(sim.seed_relationships(2))))
    with pytest.raises(acc.OptionError, match=rf"Call project\.relationships\.{verb}\(result, rows\)"):
        getattr(deleted, verb)()
    # The advice does not mention .retry(), because there is no client.
    assert ".retry()" not in repr(result)
    assert "call again with only these rows" in repr(result)


def test_retry_accepts_a_pickled_result_and_its_rows(
    project: acc.Project, sim: acc.testing.Simulator, kit: Kit
) -> None:
    rows = kit.rows(5)
    result = refused_and_pickled(sim, rows)
    again = project.assets.retry(result, rows)
    assert type(again) is acc.BulkResult
    assert again.counts == {"created": 5}
    assert sorted(asset["clientAssetId"] for asset in sim.assets()) == sorted(
        row["clientAssetId"] for row in rows
    )
    # Only once, even for a copy that was made afterwards.
    with pytest.raises(acc.OptionError, match=r"retry\(\) was already called on this result"):
        project.assets.retry(pickle.loads(pickle.dumps(result)), rows)


def test_retry_of_a_pickled_result_keeps_its_options(
    project: acc.Project, sim: acc.testing.Simulator, kit: Kit
) -> None:
    rows = [{**row, "Art": "x"} for row in kit.rows(4)]
    result = refused_and_pickled(sim, rows, mapping={"Art": "description"}, batch_size=2, returning=True)
    again = project.assets.retry(result, acc.read(rows))
    assert again.counts == {"created": 4}
    assert again.stats.requests >= 2
    assert again.assets is not None
    assert {asset["description"] for asset in again.assets} == {"x"}


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[1:],
        lambda rows: rows[::-1],
        lambda rows: [*rows, rows[0]],
        lambda rows: [{**rows[0], "clientAssetId": "other"}, *rows[1:]],
        lambda rows: [],
    ],
    ids=["fewer", "another order", "more", "another id", "none"],
)
def test_retry_of_a_pickled_result_rejects_other_rows(
    change: Callable[[list[Any]], list[Any]],
    client: acc.Client,
    project: acc.Project,
    sim: acc.testing.Simulator,
    kit: Kit,
) -> None:
    rows = kit.rows(4)
    result = refused_and_pickled(sim, rows)
    with pytest.raises(acc.InputError, match="not the rows of") as caught:
        project.assets.retry(result, change(rows))
    assert sim.audit()["assets_created"] == 0
    # Nothing is lost: the newest result can be retried.
    newest = client.last_result
    assert newest is not None
    assert newest is caught.value.result
    assert newest.counts == {"failed": 4}
    assert project.assets.retry(newest, rows).counts == {"created": 4}


def test_retry_rejects_a_generator_and_another_project(sim: acc.testing.Simulator, kit: Kit) -> None:
    rows = kit.rows(3)
    result = refused_and_pickled(sim, rows)
    with sim.client() as client:
        with pytest.raises(acc.OptionError, match="can be read only once"):
            client.project(sim.project_id).assets.retry(result, iter(rows))
        other = client.project("f6a1e3b5-abaa-4b01-b33a-5d55f36ba047")
        with pytest.raises(acc.OptionError, match=f"from project {sim.project_id}, not from {other.id}"):
            other.assets.retry(result, rows)
    assert sim.audit()["assets_created"] == 0


def test_reconcile_accepts_a_pickled_result_and_its_rows(
    project: acc.Project, sim: acc.testing.Simulator, kit: Kit
) -> None:
    rows = kit.rows(3)
    assert project.assets.list() is not None
    sim.add_fault("reset_after_apply", on="assets:batch-create")
    result = pickle.loads(pickle.dumps(project.assets.create(rows, reconcile=False, settings=None)))
    assert result.counts == {"unknown": 3}
    assert project.assets.reconcile(result, rows).counts == {"created": 3}
    assert sim.audit()["assets_created"] == 3


async def test_async_retry_accepts_a_pickled_result(
    async_project: acc.AsyncProject, sim: acc.testing.Simulator, kit: Kit
) -> None:
    rows = kit.rows(3)
    again = await async_project.assets.retry(refused_and_pickled(sim, rows), rows)
    assert type(again) is acc.AsyncBulkResult
    assert again.counts == {"created": 3}


def test_retry_accepts_results_of_its_own_verbs_only(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    created = project.assets.create(kit.rows(1))
    with pytest.raises(acc.OptionError, match=r"project\.assets\.retry"):
        project.relationships.retry(created)
    deleted = project.relationships.delete(sim.seed_relationships(1))
    with pytest.raises(acc.OptionError, match=r"project\.relationships\.retry"):
        project.assets.retry(deleted)
    for wrong in (None, "result", created.report):
        with pytest.raises(acc.OptionError, match="takes the result of a write"):
            project.assets.retry(wrong)  # type: ignore[arg-type]
    assert len(sim.assets()) == 1


def test_a_retry_whose_settings_cannot_be_read_keeps_its_result(sim: acc.testing.Simulator, kit: Kit) -> None:
    rows = kit.rows(3)
    refused_once(sim)
    client = sim.client(retry=acc.Retry(deadline=1.0, settle=0.2), max_in_flight=1)
    first = client.project(sim.project_id)
    with pytest.raises(acc.RateLimitError):
        first.assets.create(rows, settings=first.settings())
    assert client.last_result is not None
    loaded: acc.BulkResult = pickle.loads(pickle.dumps(client.last_result))
    other = sim.client(retry=acc.Retry(attempts=1, settle=0.2))
    assets = other.project(sim.project_id).assets
    sim.add_fault("status", code=403, on="categories", every=1)
    with pytest.raises(acc.ForbiddenError) as caught:
        assets.retry(loaded, rows)
    assert caught.value.result is loaded
    assert other.last_result is loaded
    sim.clear_faults()
    assert assets.retry(loaded, rows).counts == {"created": 3}


def test_a_retry_reads_rows_as_the_first_call_did(project: acc.Project, kit: Kit) -> None:
    loaded = pickle.loads(pickle.dumps(project.assets.create(kit.rows(1))))
    with pytest.raises(acc.OptionError, match="Remove nulls="):
        project.assets.retry(loaded, acc.read(kit.rows(1), nulls="error"))


def test_validate_does_not_change_last_result(project: acc.Project, client: acc.Client, kit: Kit) -> None:
    created = project.assets.create(kit.rows(1))
    project.assets.validate(kit.rows(2))
    assert client.last_result is created


# ---- parts ----


def test_parts_of_a_result_have_the_assets_of_their_rows(project: acc.Project, kit: Kit) -> None:
    rows = [*kit.rows(4), {"clientAssetId": "bad"}, *kit.rows(2, barcode=None)]
    for number, row in enumerate(rows):
        row["clientAssetId"] = f"P-{number}"
    result = project.assets.create(rows, returning=True)
    assert result.assets is not None
    for part in (slice(1, 3), slice(3, 6), slice(None, None, -1), slice(4, 5), slice(9, None), slice(None)):
        kept = result[part]
        assert kept.assets is not None
        assert kept.assets.ids == [id for id in kept.ids if id is not None]
        copy = pickle.loads(pickle.dumps(kept))
        assert copy.assets.to_dicts() == kept.assets.to_dicts()
    assert [*(result[:].assets or ())] == [*result.assets]
    created, invalid = result.where("created"), result.where("invalid")
    assert created.assets is not None
    assert created[2:][1:2].assets is not None
    assert created.assets.to_dicts() == result.assets.to_dicts()
    assert [asset["clientAssetId"] for asset in created[2:][1:2].assets or ()] == ["P-3"]
    assert invalid.assets is not None
    assert len(invalid.assets) == 0
    # None only if none were kept.
    assert project.assets.delete(created.ids)[:1].assets is None


def test_parts_of_a_patch_share_assets_of_equal_rows(project: acc.Project, kit: Kit) -> None:
    one, other = project.assets.create(kit.rows(2)).ids
    rows = [{"id": id, "description": "new"} for id in (one, other, str(one).upper())]
    result = project.assets.patch(rows, returning=True)
    assert result.assets is not None
    assert [*(result[:].assets or ())] == [*result.assets]
    for part, ids in ((result[2:], [one]), (result[1:2], [other])):
        assert part.assets is not None
        assert part.assets.ids == ids


def test_a_part_without_rows_says_so(project: acc.Project, kit: Kit) -> None:
    result = project.assets.create(kit.rows(2))
    none = result.where("invalid")
    assert repr(none) == repr(pickle.loads(pickle.dumps(none))) == "BulkResult: no such rows"
    assert repr(project.assets.create([])) == "BulkResult: no rows, nothing sent"


def test_a_result_says_the_fix_of_each_cause(project: acc.Project, kit: Kit) -> None:
    rows = [
        {"Asset ID": f"F-{number}", "Category": "HVAC > Air Handling", "Status": "Instaled"}
        for number in range(2)
    ]
    result = project.assets.create([*rows, kit.row("F-3", description="x" * 1001)])
    lines = repr(result).splitlines()
    for cause in result.causes:
        assert cause.fix
        place = lines.index(f"{'':19}{cause.fix}")
        assert cause.message.split(";")[0] in lines[place - 1]
    assert any(line.strip() == "did you mean `Installed`?" for line in lines)
    assert [line.strip() for line in repr(result.report).splitlines() if "did you mean" in line] == [
        "did you mean `Installed`?"
    ]


def test_problems_of_rows_and_reports_have_one_shape(project: acc.Project) -> None:
    assert acc.RowProblem._fields == ("row", "label", *acc.Problem._fields)
    result = project.assets.create(
        [{"clientAssetId": "A"}, {}, {"clientAssetId": "B", "Category": "HVAC > Fans", "Status": ""}]
    )
    problems = [problem for outcome in result if outcome.error for problem in outcome.error.problems]
    assert [problem[2:] for problem in result.report.problems] == problems
    assert not any("" in problem for problem in problems)
    assert {None} & {part for problem in problems for part in problem}
    assert all(row.keys() == dict.fromkeys(acc.RowProblem._fields).keys() for row in result.report.to_dicts())


def test_rows_that_never_got_a_response_have_no_empty_texts(sim: acc.testing.Simulator, kit: Kit) -> None:
    sim.add_fault("status", on="assets:batch-create", code=503, every=1)
    client = sim.client(retry=acc.Retry(attempts=1, settle=0.1))
    with pytest.raises(acc.AccError) as caught:
        client.project(sim.project_id).assets.create(kit.rows(2))
    assert caught.value.result is not None
    for outcome in caught.value.result:
        assert outcome.error is not None
        assert "" not in outcome.error
    assert not any("" in problem for problem in caught.value.result.report.problems)


def test_wrong_indexes_are_explained(mixed: acc.BulkResult, project: acc.Project) -> None:
    for rows in (mixed, project.assets.list()):
        with pytest.raises(IndexError, match=r"no row 99: \d+ rows, numbered from 0"):
            rows[99]
        with pytest.raises(TypeError, match="by its number or by a slice, not by str"):
            rows["a"]  # type: ignore[call-overload]


def test_a_cause_lists_other_values_only_beside_its_own(project: acc.Project) -> None:
    result = project.assets.patch(
        [{"id": "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047", "version": 1, "description": "x"}]
    )
    assert "also" not in str(result)


def test_a_pickled_result_of_one_sheet_is_resumed_with_that_sheet(
    sim: acc.testing.Simulator, kit: Kit, tmp_path: Path
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "Cover"
    sheet = book.create_sheet("Units")
    sheet.append(list(kit.row()))
    sheet.append(list(kit.row().values()))
    path = tmp_path / "two.xlsx"
    book.save(path)
    assets = sim.client().project(sim.project_id).assets
    sim.add_fault("status", on="assets:batch-create", code=403)
    with pytest.raises(acc.ForbiddenError) as raised:
        assets.create(path, sheet="Units")
    saved = pickle.loads(pickle.dumps(raised.value.result))
    with pytest.raises(acc.OptionError, match=r"original call\. Remove dates="):
        assets.retry(saved, acc.read(path, sheet="Units", dates="truncate"))
    assert assets.retry(saved, acc.read(path, sheet="Units")).counts == {"created": 1}


def test_a_warning_as_an_exception_has_the_result(project: acc.Project, kit: Kit) -> None:
    rows = kit.rows(2, barcode=17)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(acc.DataWarning, match="barcode") as caught:
            project.assets.create(rows)
        assert caught.value.result is not None
        assert caught.value.result.counts == {"created": 2}
        # What the call raises itself is more important.
        with pytest.raises(acc.BulkError):
            project.assets.create([*rows, {"clientAssetId": "bad"}], on_error="raise")


def test_several_warnings_as_an_exception_are_one(project: acc.Project, kit: Kit) -> None:
    rows = [kit.row(" AHU-1", barcode=17)]
    with pytest.warns(acc.DataWarning) as warned:
        project.assets.create(rows)
    texts = [str(warning.message) for warning in warned]
    assert len(texts) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(acc.DataWarning) as caught:
            project.assets.create(rows)
    assert str(caught.value) == "\n".join(texts)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
