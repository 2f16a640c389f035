"""The client against the examples of the official pages: the exact requests, and the results of the responses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from recorded_server import PROJECT, RecordedServer, expected_body, load

import acc_assets as acc
from acc_assets.typing import Asset

pytestmark = pytest.mark.once

CONTAINER = "fbd6cb57-7d0e-4961-8c2c-69646514ef44"

prefixes = pytest.mark.parametrize("prefix", ["bim360", "construction"])
# The bare UUID is always sent, because it is the only form that both APIs accept.
project_forms = pytest.mark.parametrize("project", [PROJECT, f"b.{PROJECT}"])


@pytest.fixture
def recorded() -> Iterator[Callable[..., RecordedServer]]:
    """Start strict servers. Afterwards, any difference or unused recording fails the test."""
    servers: list[RecordedServer] = []

    def start(*names: str, **options: Any) -> RecordedServer:
        servers.append(RecordedServer(*names, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
    for server in servers:
        server.check()


def client(server: RecordedServer, **options: Any) -> acc.Client:
    # The examples are replayed once, so a retry would be an unexpected request.
    return acc.Client(auth=server.token, base_url=server.url, retry=acc.Retry(attempts=1), **options)


def error(result: acc.BulkResult) -> acc.RowError:
    """Return the error of the only row of the result."""
    (outcome,) = result
    assert outcome.error is not None
    return outcome.error


def returned(result: acc.BulkResult) -> list[Asset]:
    """Return the assets of a write with `returning=True`."""
    assert result.assets is not None
    return result.assets.to_dicts()


def body(name: str) -> Any:
    return load(name)["request"]["body"]


def answer(name: str) -> Any:
    return load(name)["answer"]["body"]


@prefixes
@project_forms
def test_create(recorded: Callable[..., RecordedServer], prefix: str, project: str) -> None:
    server = recorded("batch-create", prefix=prefix)
    result = (
        client(server, prefix=prefix)
        .project(project)
        .assets.create(body("batch-create"), returning=True, settings=None)
    )
    asset = answer("batch-create")["results"][0]
    assert result.ids == [asset["id"]]
    assert result.counts == {"created": 1}
    assert returned(result) == [asset]
    # A bare array that contains only the rows.
    (sent,) = server.received
    assert sent.startswith(b"[{")
    assert sent.endswith(b"}]")
    assert json.loads(sent) == expected_body(load("batch-create"))


@prefixes
@project_forms
def test_patch(recorded: Callable[..., RecordedServer], prefix: str, project: str) -> None:
    server = recorded("batch-patch", prefix=prefix)
    patches = body("batch-patch")
    rows = [{"id": key, **patch} for key, patch in patches.items()]
    # In the page's example, the second patch returns a different location than was sent.
    with pytest.warns(acc.DataWarning, match=r"`locationId` differs .* in 1 row \(row 1\)") as warned:
        result = (
            client(server, prefix=prefix).project(project).assets.patch(rows, returning=True, settings=None)
        )
    assert len(warned) == 1
    assert result.counts == {"updated": 2}
    assert result.ids == list(patches)
    # "2," and "true," are misprints on the page that are read as 2 and true.
    assert [asset["version"] for asset in returned(result)] == [2, 2]
    assert [asset["isActive"] for asset in returned(result)] == [True, True]
    assert [asset["id"] for asset in returned(result)] == list(patches)
    # An object keyed by id, so the id is not a field.
    (sent,) = server.received
    assert json.loads(sent) == patches
    assert sent.startswith(b'{"' + next(iter(patches)).encode() + b'":{')


@prefixes
@project_forms
def test_get_reports_the_id_missing_from_the_response(
    recorded: Callable[..., RecordedServer], prefix: str, project: str
) -> None:
    server = recorded("batch-get", prefix=prefix)
    (asked,) = body("batch-get")["ids"]
    assets = (
        client(server, prefix=prefix)
        .project(project)
        .assets.get([asked], include_custom_attributes=True, include_deleted=True, names=False)
    )
    assert assets.missing == [asked]
    # The page's example returns another asset, which must not be mistaken for the requested one.
    foreign = answer("batch-get")["results"][0]
    assert all(asset == foreign for asset in assets.to_dicts())
    assert asked not in [asset["id"] for asset in assets.to_dicts()]
    assert server.received == [json.dumps({"ids": [asked]}, separators=(",", ":")).encode()]


@prefixes
@project_forms
def test_delete_expects_no_body(recorded: Callable[..., RecordedServer], prefix: str, project: str) -> None:
    server = recorded("batch-delete", prefix=prefix)
    ids = body("batch-delete")["ids"]
    result = client(server, prefix=prefix).project(project).assets.delete(ids)
    assert result.counts == {"deleted": 1}
    assert result.ids == ids
    assert server.received == [json.dumps({"ids": ids}, separators=(",", ":")).encode()]


@pytest.mark.parametrize("project", [CONTAINER, f"b.{CONTAINER}"])
def test_relationships_delete(recorded: Callable[..., RecordedServer], project: str) -> None:
    server = recorded("relationships-delete")
    ids = body("relationships-delete")
    # The Relationship API has one prefix and accepts only the bare project id.
    result = client(server, prefix="construction").project(project).relationships.delete(ids)
    assert result.counts == {"deleted": 1}
    assert result.ids == ids
    assert server.received == [json.dumps(ids, separators=(",", ":")).encode()]


def test_relationships_delete_names_the_region(recorded: Callable[..., RecordedServer]) -> None:
    server = recorded("relationships-delete", headers={"x-ads-region": "EMEA"})
    result = (
        client(server, region="EMEA").project(CONTAINER).relationships.delete(body("relationships-delete"))
    )
    assert result.ok


def test_relationships_delete_is_rejected(recorded: Callable[..., RecordedServer]) -> None:
    server = recorded("relationships-delete-400")
    result = client(server).project(CONTAINER).relationships.delete(body("relationships-delete-400"))
    assert result.counts == {"rejected": 1}
    # Everything the service returned: the code, the message, and the field error.
    assert error(result).status == 400
    assert error(result).code == "BadInput"
    assert "The following parameters are invalid: containerId" in error(result).message
    assert "The value 'testing' is not valid." in str(error(result).body)


def test_gateway_errors_are_shown_to_the_user(recorded: Callable[..., RecordedServer]) -> None:
    server = recorded("gateway-403")
    assets = client(server, prefix="bim360").project(PROJECT).assets
    with pytest.raises(acc.ForbiddenError, match="Token does not have the privilege") as caught:
        assets.delete(body("gateway-403")["ids"])
    assert (caught.value.status, caught.value.code) == (403, "AUTH-010")
    assert server.token not in str(caught.value)
    # Every row still has an outcome.
    assert caught.value.result is not None
    assert len(caught.value.result) == 1
    assert not caught.value.result.ok


def test_expired_token_is_reported(recorded: Callable[..., RecordedServer]) -> None:
    server = recorded("gateway-401")
    assets = client(server, prefix="bim360").project(PROJECT).assets
    with pytest.raises(acc.UnauthorizedError, match="Access token provided is invalid") as caught:
        assets.delete(body("gateway-401")["ids"])
    assert server.token not in str(caught.value)


def test_html_response_leaves_a_create_in_doubt(recorded: Callable[..., RecordedServer]) -> None:
    server = recorded("gateway-502-html")
    assets = client(server, prefix="bim360").project(PROJECT).assets
    result = assets.create(body("gateway-502-html"), reconcile=False, settings=None)
    assert result.counts == {"unknown": 1}
    assert error(result).status == 502
    assert "502 Bad Gateway" in str(error(result).body)


def test_429_is_retried_after_its_pause(
    recorded: Callable[..., RecordedServer],
) -> None:
    server = recorded("rate-limited-429", "batch-delete")
    again = acc.Client(auth=server.token, base_url=server.url, prefix="bim360")
    result = again.project(PROJECT).assets.delete(body("batch-delete")["ids"])
    assert result.counts == {"deleted": 1}
    # Retry-After of the recording.
    assert result.stats.throttled >= 1.0


def test_settings_are_read_unchanged(recorded: Callable[..., RecordedServer]) -> None:
    for name, read in (
        ("categories", acc.Raw.categories),
        ("categories-bare-pagination", acc.Raw.categories),
        ("status-sets", acc.Raw.status_sets),
    ):
        project = client(recorded(name)).project(PROJECT)
        assert read(project.raw) == answer(name)["results"]
    project = client(recorded("category-attributes")).project(PROJECT)
    assert project.raw.category_attributes(17) == answer("category-attributes")["results"]


@prefixes
def test_error_codes_are_read_unchanged(recorded: Callable[..., RecordedServer], prefix: str) -> None:
    server = recorded("error-codes", prefix=prefix)
    codes = client(server, prefix=prefix).project(PROJECT).raw.error_codes()
    assert codes == answer("error-codes")["results"]


@prefixes
def test_list_reads_all_pages_of_the_example(recorded: Callable[..., RecordedServer], prefix: str) -> None:
    pages = ["custom-attributes-page-1", "custom-attributes-page-2"]
    server = recorded(*pages, prefix=prefix)
    found = client(server, prefix=prefix).project(PROJECT).raw.custom_attributes()
    assert found == [row for page in pages for row in answer(page)["results"]]

    server = recorded("categories", "assets-page", prefix=prefix)
    project = client(server, prefix=prefix).project(PROJECT)
    assets = project.assets.list(category=17, limit=1000, names=False)
    assert assets.to_dicts() == answer("assets-page")["results"]

    pages = ["relationships-search-page-1", "relationships-search-page-2"]
    links = client(recorded(*pages)).project(CONTAINER).relationships
    expected = [row for page in pages for row in answer(page)["relationships"]]
    assert links.search("asset", names=False).to_dicts() == expected
