"""Tokens, passwords and cursors do not appear in messages, log lines or traceback frames."""

from __future__ import annotations

import json
import logging
import os
import pickle
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from types import FrameType
from typing import Any

import pytest
from test_transport import PROJECT, QUICK, give, refused, serving

import acc_assets as acc

pytestmark = pytest.mark.once

TOKEN = "eyJhbGciOiJSUzI1NiJ9.a-token_that-nobody/may+see.c2ln"
CURSOR = "Y3Vyc29yLXRoYXQtbm9ib2R5LW1heS1zZWU="


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def told(error: BaseException, log: pytest.LogCaptureFixture) -> str:
    """Return all text of an error, and the log."""
    return " ".join([str(error), repr(error), log.text])


# ---- cursors ----


def drop(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


def echo(handler: BaseHTTPRequestHandler) -> None:
    refused(handler, 400, json.dumps({"detail": f"no page at {CURSOR}"}).encode())


def echo_address(handler: BaseHTTPRequestHandler) -> None:
    refused(handler, 404, f"<html>{handler.path} was not found</html>".encode())


def redirect(handler: BaseHTTPRequestHandler) -> None:
    refused(handler, 302, b"", location=f"https://elsewhere.example{handler.path}")


@pytest.mark.parametrize("kind", ["assets", "relationships"])
@pytest.mark.parametrize("end", [drop, echo, echo_address, redirect])
def test_cursor_does_not_appear_in_messages_or_logs(
    kind: str, end: Any, log: pytest.LogCaptureFixture
) -> None:
    body = {
        "pagination": {"cursorState": CURSOR},
        "page": {"continuationToken": CURSOR},
        "results": [{"id": "a"}],
        "relationships": [{"id": "a"}],
    }

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if "cursorState" in handler.path or "continuationToken" in handler.path:
            end(handler)
        else:
            give(handler, json.dumps(body).encode())

    retry = acc.Retry(attempts=2, base=0.01)
    with serving(answer) as url, acc.Client("token", base_url=url, retry=retry) as client:
        project = client.project(PROJECT)
        read = project.assets.list if kind == "assets" else project.relationships.search
        with pytest.raises(acc.AccError) as caught:
            read()
    everything = told(caught.value, log)
    assert CURSOR not in everything
    assert CURSOR.rstrip("=") not in everything
    if end is drop:
        # The address of the request is still shown.
        assert f"{url}/" in str(caught.value)
        assert "?" not in str(caught.value)


@pytest.mark.parametrize("cursor", [[CURSOR], {"next": CURSOR}, CURSOR * 300])
def test_invalid_cursor_is_rejected_and_not_shown(cursor: Any, log: pytest.LogCaptureFixture) -> None:
    body = {"pagination": {"cursorState": cursor}, "results": [{"id": "a"}]}
    with (
        serving(lambda handler: give(handler, json.dumps(body).encode())) as url,
        acc.Client("token", base_url=url, retry=QUICK) as client,
        pytest.raises(acc.ApiError, match="cursorState") as caught,
    ):
        client.project(PROJECT).assets.list()
    assert CURSOR not in told(caught.value, log)
    assert len(str(caught.value)) < 1000


# ---- tokens in responses ----

ESCAPES = {
    "plain": TOKEN,
    "every character": "".join(f"\\u{ord(letter):04x}" for letter in TOKEN),
    "capital digits": "".join(f"\\u{ord(letter):04X}" for letter in TOKEN),
    "one character": "\\u0065" + TOKEN[1:],
    "the slash": TOKEN.replace("/", "\\/"),
    "JSON in JSON": "".join(f"\\\\u{ord(letter):04x}" for letter in TOKEN[:9]) + TOKEN[9:],
}


@pytest.mark.parametrize("form", ESCAPES)
@pytest.mark.parametrize("status", [200, 400, 401])
def test_a_token_in_another_json_escape_is_hidden(
    form: str, status: int, log: pytest.LogCaptureFixture
) -> None:
    body = b'{"detail":"you sent ' + ESCAPES[form].encode() + b' just now","more":"\\\\ \\"x\\" \\u00e9"}'
    with (
        serving(lambda handler: refused(handler, status, body)) as url,
        acc.Client(TOKEN, base_url=url, retry=QUICK) as client,
        pytest.raises(acc.ApiError) as caught,
    ):
        client.project(PROJECT).raw.categories()
    error = caught.value
    assert json.loads(error.body) == {"detail": "you sent <token> just now", "more": '\\ "x" é'}
    for text in (told(error, log), error.body, pickle.dumps(error).decode("latin-1")):
        assert TOKEN not in text
        assert ESCAPES[form] not in text


@pytest.mark.parametrize("length", [17, 30, len(TOKEN) - 1])
@pytest.mark.parametrize("escaped", [False, True])
def test_truncated_token_is_hidden(length: int, escaped: bool) -> None:
    part = TOKEN[:length]
    shown = "".join(f"\\u{ord(letter):04x}" for letter in part)[:-2] if escaped else part
    body = b'{"detail":"you sent ' + shown.encode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "10000")
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    with (
        serving(answer) as url,
        acc.Client(TOKEN, base_url=url, retry=QUICK) as client,
        pytest.raises(acc.TransportError) as caught,
    ):
        client.project(PROJECT).raw.categories()
    assert caught.value.body == '{"detail":"you sent <token>'


# ---- frames ----

PASSWORD = "hush-hush"
PROXY = f"http://user:{PASSWORD}@localhost:3128"


def frames(error: BaseException) -> Iterator[FrameType]:
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename.startswith(os.path.dirname(acc.__file__)):
            yield step.tb_frame
        step = step.tb_next


def shown(value: object, depth: int = 4) -> Iterator[str]:
    """Return the text that a tool that prints local variables may show for a value and its contents."""
    yield repr(value)
    if isinstance(value, str):
        yield value
    if depth == 0:
        return
    if isinstance(value, dict):
        for part in (*value.keys(), *value.values()):
            yield from shown(part, depth - 1)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for part in value:
            yield from shown(part, depth - 1)
    elif type(value).__module__.startswith("acc_assets"):
        yield from shown(getattr(value, "__dict__", {}), depth - 1)


@pytest.mark.parametrize("face", [acc.Client, acc.AsyncClient])
@pytest.mark.parametrize(
    "wrong",
    [
        {"prefix": "construct"},
        {"timeout": 0},
        {"max_in_flight": 0},
        {"max_in_flight": 65},
        {"base_url": "http://example.com"},
        {"region": "!"},
        {"limits": 7},
        {"retry": acc.Retry(attempts=0)},
        {"ca_bundle": "/no/such/file"},
        {"proxy": f"htp://user:{PASSWORD}@localhost:1"},
        {"auth": TOKEN.encode()},
        {"auth": ""},
    ],
)
def test_no_frame_contains_the_token_or_proxy_of_a_rejected_option(
    face: Any, wrong: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACC_ASSETS_TOKEN", raising=False)
    with pytest.raises(acc.AccError) as caught:
        face(**{"auth": TOKEN, "proxy": PROXY, **wrong})
    found = list(frames(caught.value))
    assert found
    for frame in found:
        for name, value in frame.f_locals.items():
            for text in shown(value):
                assert TOKEN not in text, f"{frame.f_code.co_name}: {name}"
                assert PASSWORD not in text, f"{frame.f_code.co_name}: {name}"
            if isinstance(value, face):
                assert repr(value).startswith(f"{face.__name__}(")


def test_client_hides_its_token_and_proxy() -> None:
    client = acc.Client(TOKEN, proxy=PROXY)
    for text in shown(client):
        assert TOKEN not in text
        assert PASSWORD not in text
    restored = pickle.loads(pickle.dumps(client))
    assert repr(restored) == repr(client)
    assert PASSWORD.encode() not in pickle.dumps(client)
