"""A strict server that replays recorded exchanges. Any difference from the recording fails the test with a message."""

from __future__ import annotations

import copy
import difflib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

RECORDED = Path(__file__).parent.parent / "recorded"
PROJECT = "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047"

# Headers of HTTP itself. Any other header that is not in the recording is a difference.
TRANSPORT_HEADERS = {"accept", "accept-encoding", "connection", "content-length", "host", "user-agent"}


def load(name: str) -> dict[str, Any]:
    """Read the recording with this name."""
    recording: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))
    return recording


def expected_body(recording: dict[str, Any]) -> Any:
    """Return the body to send: the example from the page, except for the deviations that the recording explains."""
    body = copy.deepcopy(recording["request"]["body"])
    for deviation in recording.get("deviations", []):
        *parents, last = deviation["pointer"].lstrip("/").split("/")
        target = body
        for step in parents:
            target = target[int(step)] if isinstance(target, list) else target[step]
        target[last] = deviation["sent"]
    return body


class RecordedServer:
    """Replay recordings in order on a loopback port.

    Args:
        names: Recordings, in the order in which they must be requested.
        prefix: Prefix of the Assets API, `bim360` or `construction`. If None, the recorded one.
        project: Replacement for `:projectId`, as given by the test.
        headers: Headers to expect in addition to the recorded ones, with names in lower case.
    """

    def __init__(
        self,
        *names: str,
        prefix: str | None = None,
        project: str = PROJECT,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.project = project
        self.problems: list[str] = []
        self.received: list[bytes] = []
        self._prefix = prefix
        self._headers = headers or {}
        self._left = [load(name) for name in names]
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        # The token in the first recording, if it has one. Examples are replayed with their own token.
        headers_of_first = self._left[0]["request"]["headers"]
        self.token = headers_of_first.get("authorization", "none").removeprefix("Bearer ")
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def check(self) -> None:
        """Fail if there were differences, or if a recording was not requested."""
        leftovers = [f"never asked for: {recording['name']}" for recording in self._left]
        if self.problems or leftovers:
            raise AssertionError("\n\n".join(self.problems + leftovers))

    def _path(self, recorded: str) -> str:
        path = recorded.replace(":projectId", self.project)
        for prefix in ("/bim360/assets/", "/construction/assets/"):
            if self._prefix and path.startswith(prefix):
                path = f"/{self._prefix}/assets/" + path.removeprefix(prefix)
        return path

    def _take(self, got: dict[str, Any]) -> dict[str, Any]:
        """Return the response to a request, or a 400 with the differences from the expected request."""
        with self._lock:
            if not self._left:
                problem = f"unexpected request, nothing left to replay: {got['method']} {got['path']}"
            else:
                recording = self._left[0]
                request = recording["request"]
                expected = {
                    "method": request["method"],
                    "path": self._path(request["path"]),
                    "query": sorted([name, value] for name, value in request["query"].items()),
                    "headers": {**request["headers"], **self._headers},
                    "body": expected_body(recording),
                }
                # As text: 1, 1.0 and True are equal in Python, but not for the service.
                if lines(got) == lines(expected):
                    self._left.pop(0)
                    answer: dict[str, Any] = recording["answer"]
                    return answer
                problem = (
                    f"the request differs from the recording {recording['name']!r}:\n{diff(expected, got)}"
                )
            self.problems.append(problem)
        return {"status": 400, "headers": {"content-type": "text/plain"}, "body": problem}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        replay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                with replay._lock:
                    replay.received.append(raw)
                target = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = replay._take(
                    {
                        "method": self.command,
                        "path": unquote(target.path),
                        "query": sorted([name, value] for name, value in parse_qsl(target.query, True)),
                        "headers": {n: v for n, v in headers.items() if n not in TRANSPORT_HEADERS},
                        "body": parse(raw),
                    }
                )
                body = answer["body"]
                text = b"" if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
                self.send_response(answer["status"])
                for name, value in answer["headers"].items():
                    self.send_header(name, value)
                # RFC 9110, section 8.6: a 204 has no Content-Length.
                if answer["status"] != 204:
                    self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 (names given by http.server)

            def log_message(self, format: str, *args: object) -> None:
                """Log nothing, because `problems` has the differences."""

        return Handler


def parse(raw: bytes) -> Any:
    """Parse the JSON of a body with numbers as text. Return other bodies as text, and None without a body."""
    if not raw:
        return None
    try:
        # A duplicate name must not be lost in a dict.
        return json.loads(raw, object_pairs_hook=unique)
    except ValueError as error:
        return f"not JSON ({error}): {raw[:200]!r}"


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a dict of the pairs. Raise ValueError for a duplicate name."""
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError(f"a name comes twice among {names}")
    return dict(pairs)


def lines(value: object) -> list[str]:
    """Format JSON as lines with sorted names."""
    return json.dumps(value, indent=2, sort_keys=True).splitlines()


def diff(expected: object, got: object) -> str:
    """Return the line-by-line differences of two JSON values."""
    return "\n".join(difflib.unified_diff(lines(expected), lines(got), "recorded", "sent", lineterm=""))
