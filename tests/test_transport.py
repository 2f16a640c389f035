"""The way to the service: proxies, certificates, HTTP/2, compressed answers, and what is said when it is blocked."""

from __future__ import annotations

import gzip
import logging
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import acc_assets as acc

h2_connection = pytest.importorskip("h2.connection")
h2_events = pytest.importorskip("h2.events")
trustme = pytest.importorskip("trustme")

PROJECT = "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047"
CATEGORIES = b'{"pagination":{},"results":[{"id":"1","name":"ROOT","isRoot":true}]}'
QUICK = acc.Retry(attempts=1, settle=0.2)


@contextmanager
def serving(
    answer: Callable[[BaseHTTPRequestHandler], None], context: ssl.SSLContext | None = None
) -> Iterator[str]:
    """An HTTP/1.1 server on a loopback port that answers every GET; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def give(handler: BaseHTTPRequestHandler, body: bytes = CATEGORIES, **headers: str) -> None:
    handler.send_response(200)
    handler.send_header("content-length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def authority() -> Any:
    return trustme.CA()


@pytest.fixture
def context(authority: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def names(url: str, **options: Any) -> list[str]:
    with acc.Client(auth="token", base_url=url, retry=QUICK, **options) as client:
        return [category["name"] for category in client.project(PROJECT).categories()]


def test_compressed_answers_are_asked_for_and_read() -> None:
    asked: list[str] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.headers["accept-encoding"])
        give(handler, gzip.compress(CATEGORIES), content_encoding="gzip")

    with serving(answer) as url:
        assert names(url) == ["ROOT"]
    assert "gzip" in asked[0]


def test_a_proxy_is_used_and_its_password_is_told_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    asked: list[tuple[str, str | None]] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append((handler.path, handler.headers["proxy-authorization"]))
        give(handler)

    with serving(answer) as proxy:
        secret = proxy.replace("://", "://user:hush-hush@")
        assert names("http://localhost:9", proxy=secret) == ["ROOT"]
        client = acc.Client(auth="token", base_url="http://localhost:9", proxy=secret, retry=QUICK)
        assert "hush-hush" not in repr(client)
    path, password = asked[0]
    assert path.startswith("http://localhost:9/construction/assets/v1/")
    assert password is not None
    with pytest.raises(acc.TransportError) as caught, client:
        client.project(PROJECT).categories()
    assert "hush-hush" not in str(caught.value) + caplog.text


def test_a_company_authority_is_trusted_through_ca_bundle(
    authority: Any, context: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "company.pem"
    authority.cert_pem.write_to_path(str(bundle))
    with serving(give, context) as url:
        assert names(url, ca_bundle=bundle) == ["ROOT"]
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        assert names(url) == ["ROOT"]


def test_an_unknown_authority_is_named_as_the_cause(context: ssl.SSLContext) -> None:
    with serving(give, context) as url, pytest.raises(acc.TransportError) as caught:
        names(url)
    # The outermost message alone would be "error sending request for url".
    assert "certificate" in str(caught.value)
    assert caught.value.sent == "no"


@pytest.mark.parametrize("content", [None, "", "no certificate at all"])
def test_a_bundle_that_is_none_is_refused_at_once(content: str | None, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    with pytest.raises(acc.OptionError, match="ca_bundle") as caught:
        acc.Client(auth="token", ca_bundle=bundle)
    assert str(bundle) in str(caught.value)


def test_a_machine_without_authorities_falls_back_to_the_bundled_ones(tmp_path: Path) -> None:
    code = "import acc_assets; acc_assets.Client(auth='token'); print('made')"
    empty = {**os.environ, "SSL_CERT_FILE": str(tmp_path / "none.pem"), "SSL_CERT_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=empty, capture_output=True, text=True, timeout=60)
    assert done.stdout == "made\n", done.stderr


def test_http_2_is_spoken_where_it_is_offered(
    authority: Any, context: ssl.SSLContext, tmp_path: Path
) -> None:
    bundle = tmp_path / "company.pem"
    authority.cert_pem.write_to_path(str(bundle))
    context.set_alpn_protocols(["h2", "http/1.1"])
    with http_2(context) as url:
        assert names(url, ca_bundle=bundle) == ["ROOT"]


@contextmanager
def http_2(context: ssl.SSLContext) -> Iterator[str]:
    """A server that speaks HTTP/2 and nothing else, for one connection."""
    import socket

    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        plain, _ = listener.accept()
        with context.wrap_socket(plain, server_side=True) as connection:
            assert connection.selected_alpn_protocol() == "h2"
            protocol = h2_connection.H2Connection(
                h2_connection.H2Configuration(client_side=False, header_encoding="utf-8")
            )
            protocol.initiate_connection()
            connection.sendall(protocol.data_to_send())
            while data := connection.recv(65536):
                for event in protocol.receive_data(data):
                    if isinstance(event, h2_events.RequestReceived):
                        headers = [(":status", "200"), ("content-length", str(len(CATEGORIES)))]
                        protocol.send_headers(event.stream_id, headers)
                        protocol.send_data(event.stream_id, CATEGORIES, end_stream=True)
                connection.sendall(protocol.data_to_send())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{listener.getsockname()[1]}"
    finally:
        listener.close()
        thread.join(timeout=10)


def test_plain_http_is_for_this_machine_only() -> None:
    with pytest.raises(acc.OptionError, match="https"):
        acc.Client(auth="token", base_url="http://example.com")


@pytest.mark.parametrize("location", ["https://elsewhere.example/", "/other"])
def test_a_redirect_is_not_followed(location: str) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(307)
        handler.send_header("location", location)
        handler.send_header("content-length", "0")
        handler.end_headers()

    with serving(answer) as url, pytest.raises(acc.ApiError, match="redirect") as caught:
        names(url)
    assert caught.value.status == 307
    assert location in str(caught.value)


def test_a_token_function_is_asked_again_once_it_is_refused() -> None:
    given = iter(["stale", "fresh"])
    seen: list[str] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers["authorization"])
        if seen[-1] == "Bearer fresh":
            give(handler)
        else:
            handler.send_response(401)
            handler.send_header("content-length", "0")
            handler.end_headers()

    with serving(answer) as url, acc.Client(auth=lambda: next(given), base_url=url) as client:
        assert len(client.project(PROJECT).categories()) == 1
    assert seen == ["Bearer stale", "Bearer fresh"]


@pytest.mark.parametrize(("returned", "says"), [(None, "NoneType"), ("", "empty"), (7, "int")])
def test_a_token_function_that_gives_none_is_named(returned: Any, says: str) -> None:
    client = acc.Client(auth=lambda: returned, base_url="http://localhost:9")
    with client, pytest.raises(acc.AuthError, match=says):
        client.project(PROJECT).categories()


def test_a_token_function_that_raises_is_named() -> None:
    def broken() -> str:
        raise OSError("the vault is sealed")

    client = acc.Client(auth=broken, base_url="http://localhost:9")
    with client, pytest.raises(acc.AuthError, match="the vault is sealed"):
        client.project(PROJECT).categories()
