"""Connections to the service: proxies, certificates, HTTP/2, compression, and errors of blocked connections."""

from __future__ import annotations

import gzip
import json
import logging
import os
import pickle
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
    """Yield the address of an HTTP/1.1 server on a loopback port that responds to every GET."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
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
        return [str(category["name"]) for category in client.project(PROJECT).raw.categories()]


def test_compressed_responses_are_requested_and_read() -> None:
    asked: list[str] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.headers["accept-encoding"])
        give(handler, gzip.compress(CATEGORIES), content_encoding="gzip")

    with serving(answer) as url:
        assert names(url) == ["ROOT"]
    assert "gzip" in asked[0]


def test_proxy_is_used_and_its_password_is_hidden(caplog: pytest.LogCaptureFixture) -> None:
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
        client.project(PROJECT).raw.categories()
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
def test_invalid_ca_bundle_is_rejected(content: str | None, tmp_path: Path) -> None:
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


def test_http_2_is_used_if_offered(authority: Any, context: ssl.SSLContext, tmp_path: Path) -> None:
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


def test_plain_http_is_allowed_for_this_machine_only() -> None:
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


def test_auth_function_is_called_again_after_a_401() -> None:
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
        assert len(client.project(PROJECT).raw.categories()) == 1
    assert seen == ["Bearer stale", "Bearer fresh"]


@pytest.mark.parametrize(("returned", "says"), [(None, "NoneType"), ("", "empty"), (7, "int")])
def test_auth_function_that_returns_no_token(returned: Any, says: str) -> None:
    client = acc.Client(auth=lambda: returned, base_url="http://localhost:9")
    with client, pytest.raises(acc.AuthError, match=says):
        client.project(PROJECT).raw.categories()


def test_auth_function_that_raises() -> None:
    def broken() -> str:
        raise OSError("the vault is sealed")

    client = acc.Client(auth=broken, base_url="http://localhost:9")
    with client, pytest.raises(acc.AuthError, match="the vault is sealed"):
        client.project(PROJECT).raw.categories()


def refused(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


UNUSABLE_PROXIES = [
    "htp://user:hush-hush@localhost:3128",
    "socks://localhost:1080",
    "socks5://user:hush-hush@localhost:1080",
    "ftp://localhost:21",
    "http://",
    "http://user:hush-hush@local host:3128",
    "user:hush-hush@http://localhost:3128",
]


@pytest.mark.parametrize("proxy", [*UNUSABLE_PROXIES, ""])
def test_proxy_with_an_unsupported_scheme_is_rejected(proxy: str) -> None:
    with pytest.raises(acc.OptionError, match=r"^proxy=") as caught:
        acc.Client(auth="token", proxy=proxy)
    assert "hush-hush" not in str(caught.value)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("proxy", UNUSABLE_PROXIES)
def test_unsupported_proxy_from_the_environment_is_rejected(
    variable: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, proxy)
    with pytest.raises(acc.OptionError, match=variable) as caught:
        acc.Client(auth="token")
    assert "hush-hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "options"),
    [
        ({"HTTPS_PROXY": "htp://x:1"}, {"proxy": "http://localhost:3128"}),
        ({"HTTPS_PROXY": "htp://x:1", "NO_PROXY": "autodesk.com"}, {}),
        ({"HTTP_PROXY": "htp://x:1"}, {}),
        ({"HTTPS_PROXY": "localhost:3128", "ALL_PROXY": "htp://x:1"}, {}),
        ({"ALL_PROXY": "htp://x:1"}, {"base_url": "http://localhost:9"}),
        ({"ALL_PROXY": ""}, {}),
    ],
)
def test_unused_proxy_from_the_environment_is_not_rejected(
    environment: dict[str, str], options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    acc.Client(auth="token", **options).close()


@pytest.mark.parametrize("url", ["http://[::1].evil.com", "http://localhost:80:evil.com", "https://a b.com"])
def test_invalid_base_url_is_rejected(url: str) -> None:
    with pytest.raises(acc.OptionError, match="base_url"):
        acc.Client(auth="token", base_url=url)


def test_max_response_bytes_rejects_a_larger_response() -> None:
    asked: list[str] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        give(handler, gzip.compress(b" " * 300_000 + CATEGORIES), content_encoding="gzip")

    with serving(answer) as url:
        assert names(url) == ["ROOT"]
        with pytest.raises(acc.TransportError, match=r"100000.*max_response_bytes=") as caught:
            names(url, max_response_bytes=100_000)
    assert (caught.value.sent, caught.value.status) == ("answered", 200)
    # A retry would get the same response.
    assert len(asked) == 2


@pytest.mark.parametrize("bound", [0, -1, 2.5, True, "1 MB"])
def test_max_response_bytes_is_checked(bound: Any) -> None:
    with pytest.raises(acc.OptionError, match="max_response_bytes"):
        acc.Client(auth="token", max_response_bytes=bound)


def test_error_body_is_truncated() -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        refused(handler, 403, gzip.compress(b"no entry " * 4_000_000), content_encoding="gzip")

    with serving(answer) as url, pytest.raises(acc.ForbiddenError) as caught:
        names(url)
    assert caught.value.body.startswith("no entry ")
    assert len(caught.value.body) <= 4 * 2**20


def test_truncated_response_keeps_its_status_and_bytes() -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("x-request-id", "r-7")
        handler.send_header("content-length", "1000")
        handler.end_headers()
        handler.wfile.write(CATEGORIES[:20])
        handler.close_connection = True

    with serving(answer) as url, pytest.raises(acc.TransportError, match="missing or damaged") as caught:
        names(url)
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.sent, error.status) == ("maybe", 200)
    assert error.body == CATEGORIES[:20].decode()
    assert error.headers["x-request-id"] == "r-7"


def test_api_error_keeps_headers_for_support() -> None:
    kept = {
        "x-ads-request-id": "r-1",
        "x-ads-trace": "t-1",
        "x-request-id": "r-2",
        "ratelimit-remaining": "3",
        "retry-after": "7",
    }

    def answer(handler: BaseHTTPRequestHandler) -> None:
        refused(handler, 400, b"{}", **kept, set_cookie="session=1", server="x")

    with serving(answer) as url, pytest.raises(acc.BadRequestError) as caught:
        names(url)
    error = pickle.loads(pickle.dumps(caught.value))
    assert error.headers.pop("date")
    assert error.headers == kept
    assert error.request_id == "r-1"


def test_an_unreadable_response_keeps_its_headers() -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        give(handler, b"null", x_ads_request_id="r-1")

    with serving(answer) as url, pytest.raises(acc.ApiError) as caught:
        names(url)
    assert caught.value.code == "unreadable"
    assert caught.value.headers["x-ads-request-id"] == "r-1"


def test_conflict_error_has_its_code_and_metadata() -> None:
    metadata = {"conflictingEntities": [{"id": "s-1", "name": "Standard"}]}
    body = {
        "errorCode": "DUPLICATE_STATUS_SET_NAME",
        "detail": "The name is taken.",
        "errorMetadata": metadata,
        "errors": [{"errorCode": "ONE", "title": "Taken", "detail": "d", "errorMetadata": {"index": 3}}],
    }
    with (
        serving(lambda handler: refused(handler, 409, json.dumps(body).encode())) as url,
        pytest.raises(acc.ConflictError) as caught,
    ):
        names(url)
    assert caught.value.code == "DUPLICATE_STATUS_SET_NAME"
    assert caught.value.metadata == metadata
    [entry] = caught.value.errors
    assert (entry["index"], entry["code"], entry["message"]) == (3, "ONE", "d")
    assert (entry["title"], entry["metadata"]) == ("Taken", {"index": 3})


def test_two_legged_token_is_reported_without_a_retry() -> None:
    asked: list[str] = []
    words = b'{"title":"Unauthorized","detail":"The User ID could not be determined from secure headers."}'

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        refused(handler, 401, words)

    def token() -> str:
        return f"token-{len(asked)}"

    for auth in ("token", token):
        asked.clear()
        with (
            serving(answer) as url,
            acc.Client(auth, base_url=url) as client,
            pytest.raises(acc.UnauthorizedError, match="two-legged token"),
        ):
            client.project(PROJECT).raw.categories()
        assert len(asked) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {
                "errorCode": "Auth-010",
                "developerMessage": "Token does not have the privilege for this request.",
            },
            ["data:read data:write data:create", "two-legged"],
        ),
        (
            {},
            ["not a member of this project", "Assets product", "open the project in the browser", "region="],
        ),
        ({"errorCode": "AUTH-001"}, ["API product", "Custom Integrations", "region= is missing or wrong"]),
    ],
)
def test_a_403_names_its_possible_causes(body: dict[str, str], words: list[str]) -> None:
    with (
        serving(lambda handler: refused(handler, 403, json.dumps(body).encode())) as url,
        pytest.raises(acc.ForbiddenError) as caught,
    ):
        names(url)
    for word in words:
        assert word in str(caught.value)


def test_unknown_regions_are_sent_with_a_warning() -> None:
    for region, hint in (
        ("EUROPE", 'Did you mean "EMEA"?'),
        ("EU", 'Did you mean "EMEA"?'),
        ("MOON", "Unknown region 'MOON'. Known regions: US, CAN"),
        ("EMAE", 'mean "EMEA"'),
    ):
        with pytest.warns(UserWarning, match="Unknown region") as warned:
            client = acc.Client("token", region=region)
        assert hint in str(warned[0].message)
        assert warned[0].filename == __file__
        assert f"region='{region}'" in repr(client)
    for wrong in (5, "E U"):
        with pytest.raises(acc.OptionError, match="region"):
            acc.Client("token", region=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("region", ["APAC", " apac "])
def test_region_is_sent_where_documented(region: str) -> None:
    sent: dict[str, tuple[str | None, str | None]] = {}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        place = handler.path.partition("?")[0].rpartition("/")[2]
        sent[place] = (handler.headers["x-ads-region"], handler.headers["region"])
        give(handler, b'{"pagination":{},"page":{},"results":[],"relationships":[]}')

    with serving(answer) as url, acc.Client("token", base_url=url, region=region) as client:
        project = client.project(PROJECT)
        project.assets.list()
        project.relationships.search()
        project.settings()
    # APAC is the retired name of AUS. The Assets pages list no region header.
    assert sent["assets"] == sent["categories"] == (None, None)
    assert sent["relationships:search"] == ("AUS", None)
    assert sent["nodes"] == (None, "AUS")


def test_blocking_log_handler_does_not_stop_requests() -> None:
    resent, asked = threading.Event(), 0
    waited: list[bool] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            refused(handler, 503, b"")
        else:
            resent.set()
            give(handler)

    class Blocking(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            # The request is retried while this line is being written.
            waited.append(resent.wait(5))

    logger, handler = logging.getLogger("acc_assets"), Blocking()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        with (
            serving(answer) as url,
            acc.Client("token", base_url=url, retry=acc.Retry(base=0.01)) as client,
        ):
            client.project(PROJECT).raw.categories()
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    # The line was written before the call returned.
    assert waited == [True]


def test_no_log_line_is_lost_at_the_end_of_a_program() -> None:
    code = """
import asyncio, logging, sys
import acc_assets as acc
logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(name)s %(message)s")
with acc.testing.Simulator() as sim:
    sim.add_fault("status", code=503, times=8)
    retry = acc.Retry(base=0.001, attempts=20)
    if sys.argv[1] == "sync":
        sim.client(retry=retry).project(sim.project_id).raw.categories()
    else:
        asyncio.run(sim.async_client(retry=retry).project(sim.project_id).raw.categories())
"""
    for way in ("sync", "async"):
        done = subprocess.run([sys.executable, "-c", code, way], capture_output=True, text=True, timeout=60)
        lines = [line.split()[:3] for line in done.stdout.splitlines() if " attempt " in line]
        assert lines == [["acc_assets", "attempt", str(number)] for number in range(1, 9)], done.stderr


def test_log_lines_of_a_forked_child_are_written() -> None:
    if not hasattr(os, "fork"):
        pytest.skip("no fork")
    code = """
import logging, os, sys
import acc_assets as acc
logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(process)d %(message)s")
with acc.testing.Simulator() as sim:
    client = sim.client(retry=acc.Retry(base=0.001))
    sim.add_fault("status", code=503)
    client.project(sim.project_id).raw.categories()
    sys.stdout.flush()
    sim.add_fault("status", code=503)
    child = os.fork()
    if child == 0:
        client.project(sim.project_id).raw.categories()
        sys.stdout.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    writers = {line.split()[0] for line in done.stdout.splitlines() if " attempt 1 " in line}
    assert len(writers) == 2, done.stdout + done.stderr
