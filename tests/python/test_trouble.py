"""External failures over real sockets: outcomes are correct, messages help, and the token stays secret."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import pickle
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from email.utils import formatdate
from typing import Any

import pytest
from conftest import Kit
from front import Answer, Passing, ResetError, front
from program import programs

import acc_assets as acc

pytestmark = pytest.mark.once

TOKEN = "a-token-that-nobody-may-see"
SECRETS = (TOKEN, "simulated-user-token")
PROJECT = "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047"
HTML = b"<html><title>Please sign in</title></html>"
ONCE = acc.Retry(attempts=1, settle=0.2)
QUICK = acc.Retry(base=0.01, settle=0.2)

Create = Callable[..., tuple[acc.BulkResult, "acc.AccError | None"]]


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Check in every test of this file that no log line contains a token."""
    caplog.set_level(logging.DEBUG)
    yield caplog
    hidden(caplog.text)


def hidden(*told: object) -> None:
    for thing in told:
        texts = [str(thing), repr(thing)]
        if isinstance(thing, acc.BulkResult):
            texts += [repr(thing.to_dicts()), repr(thing._repr_html_())]
        if isinstance(thing, (acc.BulkResult, acc.AccError)):
            texts.append(pickle.dumps(thing).decode("latin-1"))
        for secret in SECRETS:
            assert not any(secret in text for text in texts), f"the token is told by {type(thing).__name__}"


def write(
    sim: acc.testing.Simulator, url: str, verb: str, rows: Any, **options: Any
) -> tuple[acc.BulkResult, acc.AccError | None]:
    """Return the result of a write at that address and its exception, both checked against the project."""
    error: acc.AccError | None = None
    more = {name: options.pop(name) for name in ("batch_size", "settings", "reconcile") if name in options}
    with acc.Client(**{"auth": TOKEN, "base_url": url, "retry": QUICK, "timeout": 5.0, **options}) as client:
        try:
            getattr(client.project(sim.project_id).assets, verb)(rows, **more)
        except acc.AccError as raised:
            error = raised
        result = client.last_result
    assert result is not None
    hidden(result, error)
    check(sim, result)
    return result, error


def check(sim: acc.testing.Simulator, result: acc.BulkResult) -> None:
    """Check that the result of a create is correct and that there are no duplicates."""
    world: dict[str | None, str] = {asset["clientAssetId"]: asset["id"] for asset in sim.assets()}
    assert sim.audit()["created_more_than_once"] == {}
    for outcome in result:
        if outcome.status == "created":
            assert world[outcome.key] == outcome.id
        elif outcome.status in ("not_sent", "failed", "rejected", "invalid"):
            assert outcome.key not in world, f"{outcome.key} is there, and was called {outcome.status}"


def words(result: acc.BulkResult, error: acc.AccError | None) -> str:
    """Return all text that is shown to the user."""
    causes = [outcome.error.message for outcome in result if outcome.error is not None]
    return " | ".join([*causes, *([str(error)] if error else [])])


# Unusable responses: the request was executed.


def cut(answer: Answer) -> bytes:
    return answer.head() + answer.body[: len(answer.body) // 2]


def reset(_: Answer) -> bytes:
    raise ResetError


def zipped(body: bytes, answer: Answer) -> bytes:
    return answer.head(len(body), "content-encoding: gzip") + body


BROKEN = "missing or damaged"
NO_ANSWER = "the connection was lost"
UNREADABLE = "unreadable"
# The response, the message about it, and whether a safe request is retried.
UNUSABLE: dict[str, tuple[Callable[[Answer], bytes], str, bool]] = {
    "a reset": (reset, NO_ANSWER, True),
    "no answer at all": (lambda _: b"", NO_ANSWER, True),
    "half a head": (lambda _: b"HTTP/1.1 200", NO_ANSWER, True),
    "half a body": (cut, BROKEN, True),
    "a length too long": (lambda answer: answer.head(len(answer.body) + 9) + answer.body, BROKEN, True),
    "a length too short": (lambda answer: answer.head(len(answer.body) - 9) + answer.body, UNREADABLE, False),
    "two lengths": (lambda answer: answer.head(None, "content-length: 3") + answer.body, NO_ANSWER, True),
    "broken chunks": (
        lambda answer: answer.head(None, "transfer-encoding: chunked") + answer.body,
        BROKEN,
        True,
    ),
    "broken gzip": (lambda answer: zipped(answer.body, answer), BROKEN, True),
    "cut gzip": (lambda answer: zipped(gzip.compress(answer.body)[:-12], answer), BROKEN, True),
    "too many headers": (lambda answer: answer.head(None, *["x: y"] * 500) + answer.body, NO_ANSWER, True),
    "no HTTP": (lambda _: b"\x15\x03\x01\x00\x02\x02\x46", NO_ANSWER, True),
    "204": (lambda _: b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n", UNREADABLE, False),
    "an empty body": (lambda answer: answer._replace(body=b"").whole(), UNREADABLE, False),
    "a page": (lambda answer: answer._replace(body=HTML).whole(), "HTML page", False),
    "a page for 502": (lambda _: Answer(502, HTML).whole(), "HTML page", True),
    "null": (lambda answer: answer._replace(body=b"null").whole(), UNREADABLE, False),
}
# Not even the status arrives, which is all that a delete needs.
NO_STATUS = {"a reset", "no answer at all", "half a head", "too many headers", "no HTTP", "a page for 502"}
unusable = pytest.mark.parametrize("name", UNUSABLE)
reconciled = pytest.mark.parametrize("reconcile", [True, False], ids=["reconciled", "as it came"])


def spoiling(on: str, name: str, times: int = 1) -> Callable[[Passing], bytes]:
    """Replace the first responses of that endpoint."""
    left = [None] * times

    def spoil(passing: Passing) -> bytes:
        answer = passing.forward()
        if on in passing.request.path and left:
            left.pop()
            return UNUSABLE[name][0](answer)
        return answer.whole()

    return spoil


@reconciled
@unusable
def test_create_without_a_usable_response(
    name: str, reconcile: bool, sim: acc.testing.Simulator, kit: Kit
) -> None:
    with front(sim, spoiling("assets:batch-create", name)) as (url, seen):
        result, error = write(sim, url, "create", kit.rows(3), reconcile=reconcile)
    assert len(sim.assets()) == 3
    assert sum("batch-create" in request.path for request in seen) == 1
    if reconcile:
        assert result.counts == {"created": 3}
    else:
        assert result.counts == {"unknown": 3}
        assert UNUSABLE[name][1] in words(result, error)


@reconciled
@unusable
def test_patch_is_retried_only_without_a_response(
    name: str, reconcile: bool, project: acc.Project, sim: acc.testing.Simulator, kit: Kit
) -> None:
    made = project.assets.create(kit.rows(3))
    rows = [{"id": id, "description": "new"} for id in made.ids]
    with front(sim, spoiling("assets:batch-patch", name)) as (url, seen):
        result, error = write(sim, url, "patch", rows, reconcile=reconcile)
    assert [asset["description"] for asset in sim.assets()] == ["new"] * 3
    _, says, repeated = UNUSABLE[name]
    if repeated:
        assert result.counts == {"updated": 3}
        assert result.stats.retries == len(seen) - 1 == 1
    elif reconcile:
        assert result.counts == {"updated": 3}
    else:
        assert result.counts == {"unknown": 3}
        assert says in words(result, error)


@reconciled
@unusable
def test_delete_without_a_usable_response(
    name: str, reconcile: bool, project: acc.Project, sim: acc.testing.Simulator, kit: Kit
) -> None:
    made = project.assets.create(kit.rows(3))
    with front(sim, spoiling("assets:batch-delete", name)) as (url, _):
        result, error = write(sim, url, "delete", made.ids, reconcile=reconcile)
    # The assets are deleted, so a retry may be rejected, which does not prove which delete succeeded.
    assert project.assets.get(made.ids).missing == made.ids
    if reconcile or name not in NO_STATUS:
        assert result.counts == {"deleted": 3}
    else:
        assert result.counts == {"unknown": 3}
        assert "was deleted" in words(result, error)


@unusable
def test_read_error_describes_the_response(name: str, sim: acc.testing.Simulator) -> None:
    _, says, _ = UNUSABLE[name]
    with front(sim, spoiling("categories", name, 2)) as (url, seen):
        with (
            acc.Client(auth=TOKEN, base_url=url, retry=ONCE) as client,
            pytest.raises(acc.AccError, match=says) as caught,
        ):
            client.project(sim.project_id).raw.categories()
        hidden(caught.value)
        assert isinstance(caught.value, acc.TransportError) == (says in (BROKEN, NO_ANSWER))
        with acc.Client(auth=TOKEN, base_url=url, retry=QUICK) as client:
            assert client.project(sim.project_id).raw.categories()
        assert len(seen) == 3


@unusable
@pytest.mark.parametrize("reader", ["list", "get", "search", "settings"])
def test_an_unusable_response_to_a_read_is_retried(
    name: str, reader: str, project: acc.Project, sim: acc.testing.Simulator, kit: Kit
) -> None:
    made = project.assets.create(kit.rows(3)).ids
    paths = {
        "list": "/assets?",
        "get": "batch-get",
        "search": "relationships:search",
        "settings": "status-step-sets:batch-get",
    }
    with (
        front(sim, spoiling(paths[reader], name)) as (url, _),
        acc.Client(auth=TOKEN, base_url=url, retry=QUICK) as client,
    ):
        mine = client.project(sim.project_id)
        read: dict[str, Callable[[], Any]] = {
            "list": lambda: len(mine.assets.list()) == 3,
            "get": lambda: len(mine.assets.get(made)) == 3,
            "search": lambda: len(mine.relationships.search()) == 0,
            "settings": lambda: mine.settings().tree() == project.settings().tree(),
        }
        assert read[reader]()


# Unusual but valid responses.


def padded(answer: Answer) -> bytes:
    """50 MB."""
    return answer._replace(body=answer.body[:-1] + b',"padding":"' + b"x" * 50_000_000 + b'"}').whole()


ODD: dict[str, Callable[[Answer], bytes]] = {
    "100 first": lambda answer: b"HTTP/1.1 100 Continue\r\n\r\n" + answer.whole(),
    "103 first": lambda answer: b"HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n" + answer.whole(),
    "a large header": lambda answer: answer.head(None, "x: " + "y" * 100_000) + answer.body,
    "a header that is no text": lambda answer: answer.head(None, "x: \xe9\xff") + answer.body,
    "no reason": lambda answer: answer.head(status=str(answer.status)) + answer.body,
    "another kind of text": lambda answer: answer.whole().replace(b"application/json", b"text/plain"),
    "no length": lambda answer: answer.whole().replace(b"content-length", b"x-length"),
    "gzip": lambda answer: zipped(gzip.compress(answer.body), answer),
    "chunks": lambda answer: (
        answer.whole()
        .replace(b"content-length", b"x-length")
        .replace(b"\r\n\r\n", b"\r\ntransfer-encoding: chunked\r\n\r\n")[: -len(answer.body)]
        + b"%x\r\n%s\r\n0\r\n\r\n" % (len(answer.body), answer.body)
    ),
    "a byte at a time": lambda answer: answer.whole(),
    "50 MB": padded,
}


@pytest.mark.parametrize("name", ODD)
def test_unusual_responses_are_accepted(name: str, sim: acc.testing.Simulator, kit: Kit) -> None:
    def spoil(passing: Passing) -> bytes:
        answer = ODD[name](passing.forward())
        if name != "a byte at a time":
            return answer
        for byte in answer[:400]:
            passing.send(bytes([byte]))
        return answer[400:]

    with front(sim, spoil) as (url, _):
        result, _ = write(sim, url, "create", kit.rows(3))
    assert result.counts == {"created": 3}


def test_response_slower_than_timeout(sim: acc.testing.Simulator, kit: Kit) -> None:
    over = threading.Event()

    def spoil(passing: Passing) -> bytes:
        answer = passing.forward()
        if "batch-create" not in passing.request.path:
            return answer.whole()
        passing.send(answer.head() + answer.body[:10])
        over.wait(5)
        return answer.body[10:]

    with front(sim, spoil) as (url, seen):
        started = time.monotonic()
        result, error = write(sim, url, "create", kit.rows(3), timeout=0.4)
        assert time.monotonic() - started < 3
        over.set()
    assert sum("batch-create" in request.path for request in seen) == 1
    assert result.counts.keys() <= {"unknown", "created"}
    assert "created" in result.counts or "timeout=" in words(result, error)


@pytest.mark.parametrize("fault", ["reset_before_apply", "reset_after_apply", "refuse"])
def test_resets_before_and_after(fault: str, sim: acc.testing.Simulator, kit: Kit) -> None:
    sim.add_fault(fault, on="assets:batch-create", nth=2)
    result, _ = write(sim, sim.url, "create", kit.rows(5), auth=sim.token, batch_size=1)
    assert result.counts["created"] >= 4
    assert result.counts.keys() <= {"created", "unknown"}


@pytest.mark.parametrize("verb", ["create", "patch", "delete"])
def test_wrong_types(verb: str, project: acc.Project, sim: acc.testing.Simulator, kit: Kit) -> None:
    made = project.assets.create(kit.rows(3))
    rows = {
        "create": [kit.row(f"new-{place}") for place in range(3)],
        "patch": [{"id": id, "description": "new"} for id in made.ids],
        "delete": made.ids,
    }[verb]
    sim.add_fault("wrong_types", on=f"assets:batch-{verb}")
    result, error = write(sim, sim.url, verb, rows, auth=sim.token)
    done = {"create": "created", "patch": "updated", "delete": "deleted"}[verb]
    assert result.counts.keys() <= {done, "unknown"}
    assert result.ok or words(result, error)
    assert len(sim.assets()) == (6 if verb == "create" else 3)


# Never reached.


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Yield the port of a server that handles each connection in this way."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with suppress(OSError), connection:
                    serve(connection)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        # Closing alone does not wake a thread in `accept`.
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@contextmanager
def speaking_tls(name: str) -> Iterator[tuple[int, Any]]:
    """Yield the port of a server with a certificate for that name, and its authority."""
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)

    with listening(serve) as port:
        yield port, authority


def refused() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
    return port


def saying(text: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(text)

    return serve


def lost(kit_rows: list[dict[str, Any]], says: list[str], **options: Any) -> None:
    """Check that a create that cannot connect says so, and that no row is in doubt."""
    with acc.Client(**{"auth": TOKEN, "retry": QUICK, "timeout": 5.0, **options}) as client:
        with pytest.raises(acc.TransportError) as caught:
            client.project(PROJECT).assets.create(kit_rows)
        result = client.last_result
    assert result is not None
    hidden(caught.value, result)
    assert caught.value.sent == "no"
    assert result.counts.keys() <= {"failed", "not_sent"}
    for text in ["nothing was sent", *says]:
        assert text in str(caught.value)


@pytest.fixture
def some_rows(kit: Kit) -> list[dict[str, Any]]:
    return kit.rows(3)


def test_unknown_host_name(some_rows: list[dict[str, Any]]) -> None:
    lost(some_rows, ["DNS", "nowhere.invalid", "base_url="], base_url="https://nowhere.invalid")


def test_closed_port(some_rows: list[dict[str, Any]]) -> None:
    lost(some_rows, ["refused", "base_url="], base_url=f"http://127.0.0.1:{refused()}")


def test_certificate_of_an_unknown_authority(some_rows: list[dict[str, Any]]) -> None:
    with speaking_tls("localhost") as (port, _):
        lost(some_rows, ["certificate", "UnknownIssuer", "ca_bundle="], base_url=f"https://localhost:{port}")


def test_a_certificate_for_another_host(some_rows: list[dict[str, Any]], tmp_path: Any) -> None:
    bundle = tmp_path / "authority.pem"
    with speaking_tls("other.example") as (port, authority):
        authority.cert_pem.write_to_path(str(bundle))
        url = f"https://localhost:{port}"
        lost(some_rows, ["certificate", "other.example", "base_url="], base_url=url, ca_bundle=bundle)


def test_tls_to_a_plain_http_port(some_rows: list[dict[str, Any]]) -> None:
    with listening(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        lost(some_rows, ["does not speak TLS", "base_url="], base_url=f"https://localhost:{port}")


def test_plain_http_to_a_tls_port(some_rows: list[dict[str, Any]]) -> None:
    with (
        speaking_tls("localhost") as (port, _),
        acc.Client(auth=TOKEN, base_url=f"http://localhost:{port}", retry=ONCE) as client,
        pytest.raises(acc.TransportError, match="not HTTP") as caught,
    ):
        client.project(PROJECT).raw.categories()
    hidden(caught.value)


@pytest.mark.parametrize(
    "answer",
    ["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway", ""],
    ids=lambda text: text[:3],
)
def test_proxy_that_rejects_connections(answer: str, some_rows: list[dict[str, Any]]) -> None:
    text = f"HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n" if answer else ""
    with listening(saying(text.encode())) as port:
        proxy = f"http://127.0.0.1:{port}"
        lost(some_rows, ["proxy="], base_url="https://developer.example", proxy=proxy)


def test_proxy_that_cannot_be_reached(some_rows: list[dict[str, Any]]) -> None:
    proxy = f"http://127.0.0.1:{refused()}"
    lost(some_rows, ["refused", "proxy="], base_url="https://developer.example", proxy=proxy)


# The service rejects requests.


@pytest.mark.parametrize(
    ("retry_after", "least"),
    [
        (lambda: "1", 1.0),
        (lambda: formatdate(time.time() + 2, usegmt=True), 1.0),
        (lambda: formatdate(time.time() - 100, usegmt=True), 0.0),
        (lambda: "soon", 0.0),
        (lambda: "-5", 0.0),
        (lambda: "1e99", 0.0),
        (lambda: None, 0.0),
    ],
    ids=["seconds", "date", "past date", "nonsense", "negative", "huge", "absent"],
)
def test_429_is_retried(
    retry_after: Callable[[], str | None], least: float, sim: acc.testing.Simulator, kit: Kit
) -> None:
    left = [None]

    def spoil(passing: Passing) -> bytes:
        if "batch-create" in passing.request.path and left:
            left.pop()
            value = retry_after()
            more = [] if value is None else [f"retry-after: {value}"]
            return Answer(429, b"{}").head(None, *more) + b"{}"
        return passing.forward().whole()

    limits = acc.Limits(window=0.5)
    with front(sim, spoil) as (url, _):
        started = time.monotonic()
        result, _ = write(sim, url, "create", kit.rows(3), limits=limits)
        waited = time.monotonic() - started
    assert result.counts == {"created": 3}
    assert least <= waited < least + 2.5


def test_429s_beyond_the_deadline(sim: acc.testing.Simulator, kit: Kit) -> None:
    spoiled = Answer(429, b"{}").head(None, "retry-after: 3000") + b"{}"
    with front(sim, lambda _: spoiled) as (url, _):
        result, error = write(sim, url, "create", kit.rows(3))
    assert isinstance(error, acc.RateLimitError)
    assert error.retry_after == 3000
    assert result.counts.keys() <= {"failed", "not_sent"}


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_a_burst_of_5xx(code: int, project: acc.Project, sim: acc.testing.Simulator, kit: Kit) -> None:
    made = project.assets.create(kit.rows(3))
    with sim.client(retry=QUICK) as client:
        assets = client.project(sim.project_id).assets
        calls: list[tuple[str, Callable[[], Any]]] = [
            (
                "assets:batch-patch",
                lambda: assets.patch([{"id": id, "description": "new"} for id in made.ids]),
            ),
            ("assets:batch-get", lambda: assets.get(made.ids)),
            ("assets", assets.list),
            ("assets:batch-delete", lambda: assets.delete(made.ids)),
        ]
        for endpoint, call in calls:
            body = "html" if code == 502 else "json"
            sim.add_fault("status", on=endpoint, code=code, body=body, times=3)
            found = call()
            assert len(found) == 3
            if isinstance(found, acc.BulkResult):
                assert found.ok
                assert found.stats.retries == 3


def test_another_program_of_the_same_user(kit: Kit) -> None:
    limits = acc.Limits(assets_write=10)
    code = """
options["limits"] = acc.Limits(window=window, assets_write=10)
rows = [{**row, "clientAssetId": f"{os.getpid()}-{place}"} for place in range(12)]
say(counts=acc.Client(**options).project(project_id).assets.create(rows, batch_size=1).counts)
"""
    with acc.testing.Simulator(seed=1, window=0.5, limits=limits) as sim, programs(sim, kit) as start:
        both = [start(code), start(code)]
        assert [program.ended(15).said for program in both] == [[{"counts": {"created": 12}}]] * 2
        # Each alone would get no 429.
        assert sim.audit()["rate_limited"] > 0
        assert sim.audit()["assets_created"] == 24
        assert sim.audit()["created_more_than_once"] == {}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_does_not_forward_the_token(status: int, sim: acc.testing.Simulator, kit: Kit) -> None:
    visits: list[bytes] = []

    def visited(connection: socket.socket) -> None:
        visits.append(connection.recv(65536))

    with listening(visited) as port:
        location = f"http://localhost:{port}/sign-in"

        def spoil(passing: Passing) -> bytes:
            return Answer(status, b"").head(None, f"location: {location}?back={passing.request.token()}")

        with front(sim, spoil) as (url, seen):
            result, error = write(sim, url, "create", kit.rows(3))
    assert visits == []
    assert len(seen) == 1
    assert isinstance(error, acc.ApiError)
    assert "redirect" in str(error)
    assert location in str(error)
    assert "base_url" in str(error)
    assert "created" not in result.counts


@pytest.mark.parametrize("status", [200, 400, 403, 407, 502])
def test_proxy_that_echoes_the_request(status: int, sim: acc.testing.Simulator, kit: Kit) -> None:
    def spoil(passing: Passing) -> bytes:
        shown = f"<html>You sent: {passing.request.headers}</html>".encode()
        return Answer(status, shown).head(None, f"x-request-id: {passing.request.token()}") + shown

    with front(sim, spoil) as (url, seen):
        result, _ = write(sim, url, "create", kit.rows(3))
        with (
            acc.Client(auth=TOKEN, base_url=url, retry=ONCE) as client,
            pytest.raises(acc.AccError) as caught,
        ):
            client.project(sim.project_id).raw.categories()
    assert TOKEN in seen[0].headers["authorization"]
    hidden(caught.value)
    assert "created" not in result.counts
    assert {outcome.request_id for outcome in result} == {"<token>"}


# Expiring tokens.


def checking(valid: Callable[[str], bool]) -> Callable[[Passing], bytes]:
    def spoil(passing: Passing) -> bytes:
        if valid(passing.request.token()):
            return passing.forward().whole()
        body = b'{"developerMessage":"The token has expired","errorCode":"AUTH-006"}'
        return Answer(401, body).whole()

    return spoil


def running_out(sim: acc.testing.Simulator, kit: Kit, fetch: Callable[[int], str]) -> tuple[Any, Any, int]:
    """Run a create of 60 requests whose first token is rejected after 20. Also return the number of token requests."""
    calls: list[float] = []
    used = 0

    def valid(token: str) -> bool:
        nonlocal used
        if token != f"{TOKEN}-1":
            return token == f"{TOKEN}-2"
        used += 1
        return used <= 20

    def auth() -> str:
        calls.append(time.monotonic())
        time.sleep(0.2 if len(calls) > 1 else 0)  # long enough for all requests in flight to be rejected
        return fetch(len(calls))

    with front(sim, checking(valid)) as (url, _):
        result, error = write(
            sim, url, "create", kit.rows(60), auth=auth, batch_size=1, max_in_flight=8, settings=None
        )
    return result, error, len(calls)


def test_one_token_refresh_for_all_requests_in_flight(sim: acc.testing.Simulator, kit: Kit) -> None:
    result, _, calls = running_out(sim, kit, lambda call: f"{TOKEN}-{call}")
    assert result.counts == {"created": 60}
    assert calls == 2


def token_of(expires: float) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": int(expires)}).encode()).decode()
    return f"{TOKEN}.{claims}.x"


def broken(_: int) -> str:
    raise OSError("the vault is sealed")


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (broken, "the vault is sealed"),
        (lambda _: f"{TOKEN}-1", "returned the rejected token again"),
        (lambda _: token_of(time.time() - 60), "the token expired at"),
        (lambda _: f"{TOKEN}-3", "AUTH-006"),
        (lambda _: "", "the token is empty"),
    ],
    ids=["raises", "same", "run out", "refused too", "empty"],
)
def test_failed_token_refresh_loses_no_row(
    second: Callable[[int], str], says: str, sim: acc.testing.Simulator, kit: Kit
) -> None:
    result, error, calls = running_out(sim, kit, lambda call: f"{TOKEN}-1" if call == 1 else second(call))
    assert result.counts["created"] == len(sim.assets()) == 20
    assert result.counts.keys() <= {"created", "failed", "not_sent"}
    assert isinstance(error, acc.AuthError)
    assert says in str(error)
    assert "get a new" in str(error) or "auth=" in str(error)
    # A second token that was also rejected is requested once more by requests that began with it.
    assert calls == 2 or (says == "AUTH-006" and calls == 3)
