"""Invalid input and failures: each raises a clear error with the outcomes so far."""

from __future__ import annotations

import base64
import errno
import json
import os
import pathlib
import pickle
import time
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Kit
from front import Answer, front
from recorded_server import load

import acc_assets as acc


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch_size": 101}, "at most 100 assets per request"),
        ({"batch_size": 0}, "whole number of at least 1"),
        ({"batch_size": True}, "whole number of at least 1"),
        ({"batch_size": 10.0}, "whole number of at least 1"),
        ({"nulls": "omitted"}, 'Did you mean "omit"'),
        ({"dates": "exactly"}, 'must be "strict" or "truncate"'),
        ({"on_error": "rise"}, 'Did you mean "raise"'),
        ({"max_errors": -1}, "fraction of all rows .*, not -1"),
        ({"max_errors": 2.5}, "number of rows .*, or a fraction"),
        ({"max_errors": 2.0}, "number of rows .*, not 2.0"),
        ({"max_errors": True}, "number of rows .*, not True"),
        ({"dry_run": "yes"}, "True or False"),
        ({"progress": "bar"}, "function"),
    ],
)
def test_options_are_checked_first(
    options: dict[str, Any], said: str, project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    before = sim.audit()["requests"]
    with pytest.raises(acc.OptionError, match=said):
        project.assets.create(kit.rows(1), **options)
    assert sim.audit()["requests"] == before


def test_relationships_delete_rejects_a_batch_size_over_50(project: acc.Project) -> None:
    with pytest.raises(acc.OptionError, match="at most 50 relationships per request"):
        project.relationships.delete([], batch_size=51)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"prefix": "acc"}, '"construction" or "bim360"'),
        ({"timeout": 0}, "timeout must be a number greater than 0, not 0"),
        ({"max_in_flight": 0}, "max_in_flight must be a whole number"),
        ({"limits": {"assets_writes": 50}}, 'Did you mean "assets_write"'),
        ({"limits": 50}, r"Limits\(\.\.\.\) or a dict"),
        ({"retry": {"attempts": "3"}}, "Retry.attempts must be"),
        ({"limits": acc.Limits(window=-1)}, "Limits.window must be"),
        ({"retry": acc.Retry(attempts=0)}, "Retry.attempts must be"),
        ({"base_url": "http://developer.api.autodesk.com"}, "https"),
        ({"base_url": "https://user:word@example.com"}, "without a user"),
        ({"auth": 42}, "token"),
    ],
)
def test_client_checks_options_when_created(options: dict[str, Any], said: str) -> None:
    with pytest.raises(acc.OptionError, match=said):
        acc.Client(**{"auth": "token", **options})


@pytest.mark.parametrize(
    ("id", "said"),
    [
        ("f6a1e3b5-abaa-4b01-b33a-5d55f36ba04", "31 digits"),
        ("b.f6a1e3b5-abaa-4b01-b33a-5d55f36ba04g", "it contains 'g'"),
        ("bf6a1e3b5-abaa-4b01-b33a-5d55f36ba047", "33 digits"),
        ("B.f6a1e3b5-abaa-4b01-b33a-5d55f36ba047", "project id"),
        ("f6a1e3b5abaa4b01b33a5d55f36ba047", "dashes"),
        ("", "0 digits"),
        (None, "project id"),
    ],
)
def test_project_rejects_an_invalid_id(id: Any, said: str, client: acc.Client) -> None:
    with pytest.raises(acc.OptionError, match=said):
        client.project(id)


def test_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACC_ASSETS_TOKEN", raising=False)
    with pytest.raises(acc.AuthError, match="ACC_ASSETS_TOKEN"):
        acc.Client()


def test_token_from_the_environment(sim: acc.testing.Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACC_ASSETS_TOKEN", sim.token)
    with acc.Client(base_url=sim.url) as client:
        assert client.project(sim.project_id).raw.categories()


def test_a_token_from_a_function(sim: acc.testing.Simulator) -> None:
    with acc.Client(lambda: sim.token, base_url=sim.url) as client:
        assert client.project(sim.project_id).raw.categories()


def test_an_empty_token() -> None:
    with pytest.raises(acc.AuthError, match="empty"):
        acc.Client("")


def jwt(**claims: Any) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'RS256'})}.{part(claims)}.c2lnbmF0dXJl"


def test_expired_token_raises_before_anything_is_sent(sim: acc.testing.Simulator, kit: Kit) -> None:
    before = sim.audit()["requests"]
    token = jwt(userid="QX3T9LM2AB7C", exp=int(time.time()) - 3600)
    with pytest.raises(acc.AuthError, match="the token expired at") as caught:
        acc.Client(token, base_url=sim.url).project(sim.project_id).assets.create(kit.rows(1))
    assert sim.audit()["requests"] == before
    assert token not in str(caught.value)


def test_rejected_token_raises_unauthorized_error(sim: acc.testing.Simulator) -> None:
    with (
        acc.Client("no-such-token", base_url=sim.url) as client,
        pytest.raises(acc.UnauthorizedError) as caught,
    ):
        client.project(sim.project_id).raw.categories()
    assert caught.value.status == 401
    assert isinstance(caught.value, acc.AuthError)
    assert "new token" in str(caught.value)
    assert "no-such-token" not in str(caught.value)


def test_project_of_other_users_raises_forbidden_error(
    client: acc.Client, sim: acc.testing.Simulator
) -> None:
    with pytest.raises(acc.ForbiddenError) as caught:
        client.project(sim.world()["foreign_project_id"]).raw.categories()
    assert caught.value.request_id
    assert caught.value.body


def test_a_request_that_times_out(sim: acc.testing.Simulator) -> None:
    sim.add_fault("slow_body", on="categories", ms=5000)
    with (
        sim.client(timeout=0.3, retry=acc.Retry(attempts=1)) as client,
        pytest.raises(acc.RequestTimeout, match="timeout=") as caught,
    ):
        client.project(sim.project_id).raw.categories()
    assert isinstance(caught.value, TimeoutError)
    assert (caught.value.sent, caught.value.errno) == ("maybe", None)


def test_broken_connection_raises_transport_error(sim: acc.testing.Simulator) -> None:
    sim.add_fault("reset_before_apply", on="categories")
    with sim.client(retry=acc.Retry(attempts=1)) as client, pytest.raises(acc.TransportError) as caught:
        client.project(sim.project_id).raw.categories()
    assert type(caught.value) is acc.TransportError


@pytest.mark.parametrize("action", ["missing", "folder", "no folder"])
def test_settings_load_rejects_unusable_files(
    action: str, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    settings = project.settings()
    setup = acc.Setup.from_settings(settings)
    path = {
        "missing": tmp_path / "none.toml",
        "folder": tmp_path,
        "no folder": tmp_path / "none" / "file.toml",
    }[action]
    calls: list[Any] = [
        lambda: acc.Settings.load(path),
        lambda: acc.Setup.load(tmp_path / "none.toml" if path == tmp_path else path),
        lambda: project.assets.validate([], mapping=path),
    ]
    if action != "missing":
        calls += [lambda: settings.save(path), lambda: setup.save(path)]
    for call in calls:
        with pytest.raises(acc.FileError) as caught:
            call()
        error = caught.value
        assert isinstance(error, acc.InputError)
        assert isinstance(error, OSError)
        assert error.errno in (errno.ENOENT, errno.EISDIR, errno.EACCES)
        assert error.filename in str(error)
        assert error.filename.startswith(str(tmp_path))


def test_server_that_cannot_be_reached(kit: Kit, sim: acc.testing.Simulator) -> None:
    with acc.Client("token", base_url="http://127.0.0.1:9", retry=acc.Retry(attempts=1)) as client:
        project = client.project(sim.project_id)
        with pytest.raises(acc.TransportError, match=r"127\.0\.0\.1") as caught:
            project.raw.categories()
        assert caught.value.sent == "no"
        assert type(caught.value) is acc.ConnectError
        assert isinstance(caught.value, ConnectionError)
        with pytest.raises(acc.ConnectError, match="no connection, so nothing was sent") as caught:
            project.assets.create(kit.rows(3))
    result = caught.value.result
    assert result is not None
    assert result.counts == {"failed": 3}
    assert result[0].error is not None
    assert "127.0.0.1" in result[0].error.message


def test_html_response_proves_nothing(project: acc.Project, kit: Kit, sim: acc.testing.Simulator) -> None:
    sim.add_fault("html")
    assert project.raw.categories()  # retried
    sim.add_fault("html", times=99)
    with (
        sim.client(retry=acc.Retry(base=0.01)) as client,
        pytest.raises(acc.ApiError, match="is unreadable") as caught,
    ):
        client.project(sim.project_id).raw.categories()
    assert "<html" in caught.value.body.lower()
    sim.clear_faults()
    sim.add_fault("html", on="assets:batch-create")
    result = project.assets.create(kit.rows(3), reconcile=False)
    assert result.counts == {"unknown": 3}
    assert result[0].error is not None
    assert "<html" in (result[0].error.body or "").lower()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, acc.BadRequestError),
        (404, acc.NotFoundError),
        (409, acc.ConflictError),
        (413, acc.PayloadTooLargeError),
        (415, acc.UnsupportedMediaTypeError),
        (418, acc.ApiError),
        (500, acc.ServerError),
        (502, acc.ServerError),
    ],
)
def test_one_exception_class_per_status(
    code: int, kind: type[acc.ApiError], sim: acc.testing.Simulator
) -> None:
    sim.add_fault("status", code=code, times=99)
    with sim.client(retry=acc.Retry(attempts=1, settle=0.2)) as client, pytest.raises(kind) as caught:
        client.project(sim.project_id).raw.categories()
    assert caught.value.status == code
    assert str(code) in str(caught.value)


def test_endless_429_raises_rate_limit_error(sim: acc.testing.Simulator) -> None:
    sim.add_fault("rate_limit", retry_after=7, times=99)
    with (
        sim.client(retry=acc.Retry(deadline=0.5, settle=0.2)) as client,
        pytest.raises(acc.RateLimitError) as caught,
    ):
        client.project(sim.project_id).raw.categories()
    assert caught.value.retry_after == 7


def test_a_required_field_that_is_nan(project: acc.Project, kit: Kit) -> None:
    result = project.assets.create([kit.row(categoryId=float("nan"))])
    assert result[0].error is not None
    assert (result[0].status, result[0].error.column) == ("invalid", "categoryId")


def test_a_column_that_does_not_exist(project: acc.Project) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"Id": ["f6a1e3b5-abaa-4b01-b33a-5d55f36ba047"], "description": ["x"]})
    calls: list[Callable[[], object]] = [
        lambda: project.assets.patch(frame),
        lambda: project.assets.get(frame),
        lambda: project.assets.delete(frame),
    ]
    for call in calls:
        with pytest.raises(acc.InputError, match=r'no column "id"\. Did you mean key="Id"'):
            call()


def test_a_closed_client(client: acc.Client, project: acc.Project, kit: Kit) -> None:
    result = project.assets.create({"clientAssetId": "bad"})
    client.close()
    with pytest.raises(acc.OptionError, match="closed"):
        project.raw.categories()
    with pytest.raises(acc.OptionError, match="closed"):
        result.retry()


def test_secrets_are_never_shown(sim: acc.testing.Simulator) -> None:
    with sim.client() as client:
        assert sim.token not in repr(client)
        assert sim.token not in str(sim.audit())


def test_api_error_has_everything_the_service_returned(sim: acc.testing.Simulator) -> None:
    with sim.client() as client:
        # `list` itself checks what to sort by.
        query = [("sort", "customAttributes.ca999")]
        operation = client._session.engine().read("assets", sim.project_id, {}, query, limit=1)
        operation.wait(None, lambda: None)
    error = operation.error
    assert isinstance(error, acc.BadRequestError)
    assert error.status == 400
    assert error.request_id
    assert error.request_id in str(error)
    assert error.body
    assert error.code
    assert error.code in str(error)
    # The service repeats its message for the only field.
    assert str(error).count("Cannot sort by") == 1


def test_api_error_has_the_rejected_fields(sim: acc.testing.Simulator) -> None:
    refused = load("relationships-delete-400")["answer"]["body"]
    body = json.dumps(refused).encode()
    with (
        front(sim, lambda _: Answer(400, body).whole()) as (url, _),
        acc.Client(sim.token, base_url=url) as client,
        pytest.raises(acc.BadRequestError) as caught,
    ):
        client.project(sim.project_id).relationships.search()
    error = caught.value
    assert error.code == "BadInput"
    (named,) = error.errors
    assert named["field"] == "containerId"
    assert named["code"] == "BadInput"
    assert named["message"] == "The value 'testing' is not valid."
    assert set(named) == {"index", "id", "field", "code", "title", "message", "metadata"}
    for text in (refused["detail"], "containerId", named["message"]):
        assert str(text) in str(error)
    # Everything else stays in the body.
    assert refused["title"] in error.body
    assert json.loads(error.body) == refused


def test_the_text_of_an_error_never_raises() -> None:
    odd: Any = [{"field": None}, {1: 2}]
    assert isinstance(str(acc.errors.api_error(599, None, "", odd, None, "")), str)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (dict, "class"),
        ({"clientAssetId": ["A", "B"], "categoryId": ["1", "2"]}, "whole columns"),
    ],
)
def test_data_that_is_not_a_table_raises_input_error(project: acc.Project, data: Any, says: str) -> None:
    with pytest.raises(acc.InputError, match=says):
        project.assets.create(data)


def test_series_and_dict_of_tables_raise_input_error(project: acc.Project, kit: Kit) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(kit.rows(2))
    with pytest.raises(acc.InputError, match=r"iloc"):
        project.assets.create(frame.iloc[0])
    with pytest.raises(acc.InputError, match="Sheet1"):
        project.assets.create({"Sheet1": frame})


def test_unknown_filter_raises_option_error(project: acc.Project) -> None:
    with pytest.raises(acc.OptionError, match="Use the argument location= instead"):
        project.assets.list(attributes={"location": "x"})


def test_exception_of_a_generator_has_the_result(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    def rows() -> Any:
        yield from kit.rows(150)
        raise OSError("the share is gone")

    with pytest.raises(OSError, match="the share is gone") as caught:
        project.assets.create(rows())
    counts = caught.value.result.counts  # type: ignore[attr-defined]
    assert sum(counts.values()) == 150
    # Whether the request with the first hundred rows was sent in time is random, but its outcomes are consistent.
    assert counts.get("created", 0) == sim.audit()["assets_created"]


def test_limits_and_retry_are_mappings_or_objects() -> None:
    for limits in ({"assets_write": 50, "window": 30}, acc.Limits(assets_write=50, window=30)):
        options = acc.Client("token", limits=limits)._session.options
        assert (options["limits"]["assets_write"], options["limits"]["assets_read"]) == (50, 1000)
    with pytest.raises(TypeError):
        acc.Limits(50)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        acc.Retry(3, 10)  # type: ignore[call-arg]


@pytest.mark.parametrize("kind", [acc.Client, acc.AsyncClient])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"retry": {"attempt": 3}}, 'Did you mean "attempts"'),
        ({"retry": {1: 3}}, "a key of retry must be"),
        ({"retry": ["attempts"]}, r"Retry\(\.\.\.\) or a dict of its arguments, not list"),
        ({"retry": {"settle": 0}}, "Retry.settle must be a number greater than 0"),
        ({"limits": {"window": True}}, "Limits.window must be"),
        ({"limits": {"assets_write": 1.5}}, "Limits.assets_write must be a whole number"),
        ({"limits": acc.Retry()}, r"Limits\(\.\.\.\) or a dict of its arguments, not Retry"),
    ],
    ids=str,
)
def test_mappings_of_limits_and_retry_are_checked(kind: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(acc.OptionError, match=said):
        kind("token", **options)


def test_a_mapping_of_limits_is_kept(kit: Kit) -> None:
    """The simulator rejects requests over the limit, and its own clients use the same limits."""
    with acc.testing.Simulator(seed=1, window=0.3, limits={"assets_write": 5}) as sim:
        limits, retry = {"assets_write": 5, "window": 0.3}, {"attempts": 1}
        with acc.Client(sim.token, base_url=sim.url, limits=limits, retry=retry) as client:
            result = client.project(sim.project_id).assets.create(kit.rows(12), batch_size=1, settings=None)
        assert result.ok
        assert sim.audit()["rate_limited"] == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda project, path: acc.Settings.load(path / "none.json"),
        lambda project, path: project.settings().save(path / "none" / "settings.json"),
        lambda project, path: acc.Setup.load(path / "none.toml"),
        lambda project, path: acc.Setup.load(path / "none.json"),
        lambda project, path: project.setup().save(path / "none" / "setup.toml"),
        lambda project, path: acc.read([], mapping=path / "none.toml"),
        lambda project, path: project.assets.create([{}], mapping=str(path / "none.toml")),
        lambda project, path: project.assets.template("HVAC", path / "none" / "template.xlsx"),
        lambda project, path: project.assets.validate([{"a": 1}]).write_fixes(path / "none" / "fixes.xlsx"),
        lambda project, path: project.assets.create([{"a": 1}]).write_fixes(path / "none" / "fixes.xlsx"),
        lambda project, path: project.assets.delete(path / "none.csv"),
        lambda project, path: project.assets.patch(str(path / "none.xlsx")),
        lambda project, path: project.relationships.delete(path / "none.csv"),
        lambda project, path: project.settings().validate(path / "none.ods"),
    ],
    ids=[
        "Settings.load", "Settings.save", "Setup.load", "Setup.load json", "Setup.save", "mapping of read",
        "mapping", "template", "Report.write_fixes", "write_fixes", "delete", "patch", "unlink", "Settings.validate",
    ],
)  # fmt: skip
def test_missing_file_raises_file_error(
    call: Callable[[acc.Project, pathlib.Path], object], project: acc.Project, tmp_path: pathlib.Path
) -> None:
    with pytest.raises(acc.FileError) as caught:
        call(project, tmp_path)
    error = caught.value
    assert isinstance(error, acc.InputError)
    assert isinstance(error, OSError)
    assert error.errno == 2
    assert error.strerror == os.strerror(2)
    assert str(error.filename).startswith(str(tmp_path))
    assert str(error.filename) in str(error)


def test_a_missing_file_has_one_message(project: acc.Project, tmp_path: pathlib.Path) -> None:
    calls: list[tuple[str, Callable[[pathlib.Path], object]]] = [
        ("none.xlsx", project.assets.create),
        ("none.csv", project.assets.create),
        ("none.jsonl", project.assets.create),
        ("none.json", acc.Settings.load),
        ("none.toml", acc.Setup.load),
        ("none.toml", lambda path: project.assets.validate([], mapping=path)),
    ]
    for name, call in calls:
        with pytest.raises(acc.FileError) as caught:
            call(tmp_path / name)
        assert str(caught.value) == f"there is no file `{tmp_path / name}`: correct the path"


def test_a_file_error_without_an_error_of_the_system(project: acc.Project, tmp_path: pathlib.Path) -> None:
    (tmp_path / "damaged.xlsx").write_bytes(b"not a workbook")
    with pytest.raises(acc.FileError) as caught:
        project.assets.create(tmp_path / "damaged.xlsx")
    error = caught.value
    assert (error.errno, error.strerror, error.filename) == (None, None, str(tmp_path / "damaged.xlsx"))
    assert pickle.loads(pickle.dumps(acc.FileError("no", "a", errno.EACCES))).strerror == os.strerror(
        errno.EACCES
    )
