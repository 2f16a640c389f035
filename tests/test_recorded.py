"""The client against the examples of the official pages: what it sends, byte for byte, and what it makes of the answers."""

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
# Whichever form is given, the bare UUID is sent: it is the one form that both APIs take.
project_forms = pytest.mark.parametrize("project", [PROJECT, f"b.{PROJECT}"])


@pytest.fixture
def recorded() -> Iterator[Callable[..., RecordedServer]]:
    """Starts strict servers; at the end every difference and every recording left over fails the test."""
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
    # The examples are replayed once: a retry would be a request too many.
    return acc.Client(auth=server.token, base_url=server.url, retry=acc.Retry(attempts=1), **options)


def error(result: acc.BulkResult) -> acc.RowError:
    """Why the one row of the result is not ok."""
    (outcome,) = result
    assert outcome.error is not None
    return outcome.error


def returned(result: acc.BulkResult) -> list[Asset]:
    """The assets of a write with `returning=True`."""
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
    # A bare array, and nothing else in it than the rows.
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
    # The page's example answers the second patch with another location than was sent.
    with pytest.warns(acc.DataWarning, match=r"`locationId` differs .* in 1 row \(row 1\)") as warned:
        result = (
            client(server, prefix=prefix).project(project).assets.patch(rows, returning=True, settings=None)
        )
    assert len(warned) == 1
    assert result.counts == {"updated": 2}
    assert result.ids == list(patches)
    # "2," and "true," are misprints of the page, understood as what they stand for.
    assert [asset["version"] for asset in returned(result)] == [2, 2]
    assert [asset["isActive"] for asset in returned(result)] == [True, True]
    assert [asset["id"] for asset in returned(result)] == list(patches)
    # An object keyed by id; the id is the key and not a field.
    (sent,) = server.received
    assert json.loads(sent) == patches
    assert sent.startswith(b'{"' + next(iter(patches)).encode() + b'":{')


@prefixes
@project_forms
def test_get_reports_the_id_that_was_not_answered(
    recorded: Callable[..., RecordedServer], prefix: str, project: str
) -> None:
    server = recorded("batch-get", prefix=prefix)
    (asked,) = body("batch-get")["ids"]
    assets = (
        client(server, prefix=prefix)
        .project(project)
        .assets.get([asked], include_custom_attributes=True, include_deleted=True)
    )
    assert assets.missing == [asked]
    # The page's example answers with another asset: it may never stand where the one asked for should.
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
    # The Relationship API has one prefix and takes the bare project id only, whatever the client was given.
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


def test_relationships_delete_refused(recorded: Callable[..., RecordedServer]) -> None:
    server = recorded("relationships-delete-400")
    result = client(server).project(CONTAINER).relationships.delete(body("relationships-delete-400"))
    assert result.counts == {"rejected": 1}
    # Everything the service said: its code, its text, and what it says of the field.
    assert error(result).status == 400
    assert error(result).code == "BadInput"
    assert "The following parameters are invalid: containerId" in error(result).message
    assert "The value 'testing' is not valid." in str(error(result).body)


def test_the_gateways_words_reach_the_user(recorded: Callable[..., RecordedServer]) -> None:
    server = recorded("gateway-403")
    assets = client(server, prefix="bim360").project(PROJECT).assets
    with pytest.raises(acc.ForbiddenError, match="Token does not have the privilege") as caught:
        assets.delete(body("gateway-403")["ids"])
    assert (caught.value.status, caught.value.code) == (403, "AUTH-010")
    assert server.token not in str(caught.value)
    # Every row has its verdict all the same.
    assert caught.value.result is not None
    assert len(caught.value.result) == 1
    assert not caught.value.result.ok


def test_an_expired_token_says_so(recorded: Callable[..., RecordedServer]) -> None:
    server = recorded("gateway-401")
    assets = client(server, prefix="bim360").project(PROJECT).assets
    with pytest.raises(acc.UnauthorizedError, match="Access token provided is invalid") as caught:
        assets.delete(body("gateway-401")["ids"])
    assert server.token not in str(caught.value)


def test_a_page_for_an_answer_leaves_a_create_in_doubt(recorded: Callable[..., RecordedServer]) -> None:
    server = recorded("gateway-502-html")
    assets = client(server, prefix="bim360").project(PROJECT).assets
    result = assets.create(body("gateway-502-html"), reconcile=False, settings=None)
    assert result.counts == {"unknown": 1}
    assert error(result).status == 502
    assert "502 Bad Gateway" in str(error(result).body)


def test_the_pause_of_a_429_is_kept_and_the_request_sent_again(
    recorded: Callable[..., RecordedServer],
) -> None:
    server = recorded("rate-limited-429", "batch-delete")
    again = acc.Client(auth=server.token, base_url=server.url, prefix="bim360")
    result = again.project(PROJECT).assets.delete(body("batch-delete")["ids"])
    assert result.counts == {"deleted": 1}
    # Retry-After of the recording.
    assert result.stats.throttled >= 1.0


def test_settings_are_read_as_they_are(recorded: Callable[..., RecordedServer]) -> None:
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
def test_error_codes_are_read_as_they_are(recorded: Callable[..., RecordedServer], prefix: str) -> None:
    server = recorded("error-codes", prefix=prefix)
    codes = client(server, prefix=prefix).project(PROJECT).raw.error_codes()
    assert codes == answer("error-codes")["results"]


@prefixes
def test_pages_are_read_to_the_last(recorded: Callable[..., RecordedServer], prefix: str) -> None:
    pages = ["custom-attributes-page-1", "custom-attributes-page-2"]
    server = recorded(*pages, prefix=prefix)
    found = client(server, prefix=prefix).project(PROJECT).raw.custom_attributes()
    assert found == [row for page in pages for row in answer(page)["results"]]

    pages = ["assets-page-1", "assets-page-2"]
    server = recorded(*pages, prefix=prefix)
    assets = client(server, prefix=prefix).project(PROJECT).assets.list(category=17)
    assert assets.to_dicts() == [row for page in pages for row in answer(page)["results"]]

    pages = ["relationships-search-page-1", "relationships-search-page-2"]
    links = client(recorded(*pages)).project(CONTAINER).relationships
    expected = [row for page in pages for row in answer(page)["relationships"]]
    assert links.search("asset").to_dicts() == expected
