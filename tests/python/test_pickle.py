"""All public objects can be pickled, without secrets."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import pytest
from conftest import Kit

import acc_assets as acc


def again(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def test_pickled_results_keep_everything_but_the_client(project: acc.Project, kit: Kit) -> None:
    result = project.assets.create([*kit.rows(3), {"clientAssetId": "bad"}], returning=True)
    copy = again(result)
    assert result.assets is not None
    assert list(copy) == list(result)
    assert repr(copy) == repr(result)
    assert copy.stats == result.stats
    assert copy.assets.to_dicts() == result.assets.to_dicts()
    assert again(result.where("invalid"))[0].row == 3
    with pytest.raises(acc.OptionError, match="loaded from a pickle"):
        copy.retry()


def test_dry_runs_and_tables(project: acc.Project, kit: Kit) -> None:
    plan = project.assets.create(kit.rows(3), dry_run=True)
    assert again(plan).estimate == plan.estimate
    assets = project.assets.get("f6a1e3b5-abaa-4b01-b33a-5d55f36ba047")
    assert again(assets).missing == assets.missing


def test_clear_is_a_singleton_after_pickling() -> None:
    assert again(acc.CLEAR) is acc.CLEAR


def test_client_is_pickled_without_its_token(
    sim: acc.testing.Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for client in (sim.client(proxy="http://user:secret-word@proxy:8080"), sim.async_client()):
        state = pickle.dumps(client)
        assert sim.token.encode() not in state
        assert b"secret-word" not in state
    project = again(sim.client().project(sim.project_id))
    monkeypatch.delenv("ACC_ASSETS_TOKEN", raising=False)
    with pytest.raises(acc.AuthError, match="unpickled without its token"):
        project.raw.categories()
    monkeypatch.setenv("ACC_ASSETS_TOKEN", sim.token)
    assert project.raw.categories()


TOKENS: list[str] = []


def newest_token() -> str:
    return TOKENS[-1]


def test_auth_function_is_pickled_with_the_client(sim: acc.testing.Simulator) -> None:
    TOKENS.append(sim.token)
    client = again(acc.Client(newest_token, base_url=sim.url))
    assert client.project(sim.project_id).raw.categories()


def test_every_exception(project: acc.Project) -> None:
    result = project.assets.create({"clientAssetId": "bad"})
    kinds = [kind for kind in vars(acc).values() if inspect.isclass(kind) and issubclass(kind, BaseException)]
    assert len(kinds) > 15
    for kind in kinds:
        error: Any
        if kind in (acc.BulkError, acc.BulkInterrupted):
            error = kind(result)
        elif kind is acc.SetupError:
            error = kind(acc.SetupResult([acc.SetupStep("category", "A", "create", "", "failed", "no")]))
        elif issubclass(kind, acc.ApiError):
            error = kind("no", status=418, code="C", errors=[{"field": "a"}], request_id="r", body="{}")
        else:
            error = kind("no")
        if issubclass(kind, acc.AccError):
            error.result = result
        if kind is acc.FileError:
            error.filename, error.errno = "plant.xlsx", 2
        copy = again(error)
        assert type(copy) is kind
        if issubclass(kind, OSError):
            assert (getattr(copy, "filename", 0), getattr(copy, "errno", 0)) == (error.filename, error.errno)
        assert str(copy) == str(error)
        assert {name: str(value) for name, value in vars(copy).items()} == {
            name: str(value) for name, value in vars(error).items()
        }


def test_every_public_class_is_in_one_of_these_tests(
    project: acc.Project, sim: acc.testing.Simulator
) -> None:
    """Other classes: options, records, projects and verbs."""
    problem = acc.Problem("required", "statusId", None, "is missing", "add it")
    error = acc.RowError("required", "is missing", problems=(problem,))
    plain: list[Any] = [
        acc.Limits(window=1.0),
        acc.Retry(attempts=2),
        acc.SheetOptions("AHU"),
        acc.Entity("asset", id="A"),
        acc.GeneratedKey("Barcode"),
        acc.Progress(1, 2, 3, 4.0, "writing"),
        acc.Cause("invalid", "required", "statusId", "is missing", "add it", 2, (0, 1), (0, 1), ()),
        acc.Estimate(1, 1, 100, 0.01, 100.0),
        acc.ErrorCode("CONFLICT", "In use.", 409, ("id",)),
        acc.Stats(1, 0, 0, 0.0, 0.1, 100, 0, 0),
        problem,
        error,
        acc.RowOutcome(0, "AHU", "key", "invalid", None, error, 0, None),
    ]
    settings = project.settings()
    records: list[list[Any]] = [
        settings.categories,
        settings.statuses,
        settings.attributes,
        settings.locations,
    ]
    plain += [settings, *(entry for entries in records for entry in entries[:1])]
    assert [again(value) for value in plain] == plain
    report = project.assets.validate(
        [{"Asset ID": "AHU", "Category": "HVAC > Air Handling", "Status": "Gone"}]
    )
    assert again(report).to_dicts() == report.to_dicts()
    assert again(report).causes == report.causes
    setup = acc.Setup.from_dict({"categories": [{"path": "HVAC > Boilers"}]})
    plan, applied = project.plan_setup(setup), project.apply_setup(setup)
    assert [again(value) for value in (setup, plan, applied)] == [setup, plan, applied]
    found = [setup, plan, applied, plan[0], report, *report.causes, *report.problems, *report.columns]
    other = sim.async_client().project(sim.project_id)
    doors = [project, project.assets, project.relationships, project.raw]
    doors += [other, other.assets, other.relationships, other.raw]
    doors.append(acc.runs("/nowhere"))
    assert [repr(again(door)) for door in doors] == [repr(door) for door in doors]
    tested = {type(value) for value in [*plain, *doors]} | {
        acc.BulkResult,
        acc.AsyncBulkResult,
        acc.Outcomes,
        acc.Rows,
        acc.AssetTable,
        acc.RelationshipTable,
        acc.Client,
        acc.AsyncClient,
        *map(type, found),
    }
    public = {getattr(acc, name) for name in acc.__all__ if inspect.isclass(getattr(acc, name))}
    assert {kind for kind in public if not issubclass(kind, BaseException)} == tested
