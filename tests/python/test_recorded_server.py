"""The strict server detects and reports each kind of difference."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import pytest
from recorded_server import RecordedServer, expected_body, load

pytestmark = pytest.mark.once

PATH = "/bim360/assets/v2/projects/f6a1e3b5-abaa-4b01-b33a-5d55f36ba047/assets:batch-delete"
BODY = json.dumps(load("batch-delete")["request"]["body"])
HEADERS = {**load("batch-delete")["request"]["headers"]}


def exchange(
    server: RecordedServer,
    method: str = "POST",
    path: str = PATH,
    body: str = BODY,
    headers: dict[str, str] = HEADERS,
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=5)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    status, text = answer.status, answer.read()
    connection.close()
    return status, text


def test_recorded_request_gets_the_recorded_response() -> None:
    server = RecordedServer("batch-delete")
    assert exchange(server) == (204, b"")
    server.close()
    server.check()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"method": "PUT"}, '"method": "PUT"'),
        ({"path": PATH.replace("v2", "v1")}, "/assets/v1/"),
        ({"path": PATH + "?includeDeleted=true"}, "includeDeleted"),
        ({"headers": {**HEADERS, "x-ads-region": "EMEA"}}, "x-ads-region"),
        ({"headers": {"content-type": "application/json"}}, "authorization"),
        ({"body": '["6cdd4356-a719-4964-9fd7-0c505e731ac7"]'}, "6cdd4356"),
        ({"body": '{"ids": [], "ids": []}'}, "comes twice"),
        ({"body": "ids"}, "not JSON"),
    ],
)
def test_difference_fails_and_is_reported(change: dict[str, object], named: str) -> None:
    server = RecordedServer("batch-delete")
    status, text = exchange(server, **change)  # type: ignore[arg-type]
    server.close()
    assert status == 400
    assert named in text.decode()
    with pytest.raises(AssertionError, match="differs from the recording 'batch-delete'"):
        server.check()


def test_1_does_not_equal_true() -> None:
    recording = load("batch-patch")
    request = recording["request"]
    server = RecordedServer("batch-patch", project="p")
    body = json.dumps(request["body"]).replace('"ca1": true', '"ca1": 1')
    path = "/bim360/assets/v2/projects/p/assets:batch-patch"
    assert exchange(server, request["method"], path, body, request["headers"])[0] == 400
    server.close()
    assert '-        "ca1": true' in server.problems[0]


def test_unexpected_request_fails() -> None:
    server = RecordedServer("batch-delete")
    exchange(server)
    exchange(server)
    server.close()
    with pytest.raises(AssertionError, match="nothing left to replay"):
        server.check()


def test_unused_recording_fails() -> None:
    server = RecordedServer("batch-delete")
    server.close()
    with pytest.raises(AssertionError, match="never asked for: batch-delete"):
        server.check()


def test_the_prefix_and_the_project_are_those_of_the_test() -> None:
    server = RecordedServer("batch-delete", prefix="construction", project="b.f6a1")
    assert exchange(server, path="/construction/assets/v2/projects/b.f6a1/assets:batch-delete")[0] == 204
    server.close()
    server.check()


def test_a_deviation_replaces_exactly_its_own_value() -> None:
    recording = load("batch-create")
    page, sent = recording["request"]["body"], expected_body(recording)
    assert (page[0]["customAttributes"]["ca2"], sent[0]["customAttributes"]["ca2"]) == (6.5, "6.5")
    sent[0]["customAttributes"]["ca2"] = 6.5
    assert sent == page
