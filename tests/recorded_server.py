"""A strict server that replays recorded exchanges: what differs from the recording fails the test, and says how."""

from __future__ import annotations

import copy
import difflib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

RECORDED = Path(__file__).parent / "recorded"
PROJECT = "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047"

# What HTTP itself needs; any header beyond these and the recorded ones is a difference.
TRANSPORT_HEADERS = {"accept", "accept-encoding", "connection", "content-length", "host", "user-agent"}


def load(name: str) -> dict[str, Any]:
    """The recording of that name."""
    recording: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))
    return recording


def expected_body(recording: dict[str, Any]) -> Any:
    """The body to be sent: the page's example, but for the deviations the recording gives reasons for."""
    body = copy.deepcopy(recording["request"]["body"])
    for deviation in recording.get("deviations", []):
        *parents, last = deviation["pointer"].lstrip("/").split("/")
        target = body
        for step in parents:
            target = target[int(step)] if isinstance(target, list) else target[step]
        target[last] = deviation["sent"]
    return body


class RecordedServer:
    """Replays recordings in order on a loopback port.

    Args:
        names: recordings, in the order in which they must be asked for.
        prefix: `bim360` or `construction` to ask the Assets API under that prefix; None: the recorded one.
        project: what stands for `:projectId`, in the form in which the test gives it.
        headers: headers to expect besides the recorded ones, names in lower case.
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
        # The token as it stands in the first recording: examples are replayed with their own.
        self.token = self._left[0]["request"]["headers"]["authorization"].removeprefix("Bearer ")
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def check(self) -> None:
        """Fails if anything differed, or if a recording was not asked for."""
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
        """The answer to a request; a 400 that says what differs if it is not the one expected."""
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
                # As text: to Python 1, 1.0 and True are equal, to the service they are not.
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
                """Says nothing: what matters is in `problems`."""

        return Handler


def parse(raw: bytes) -> Any:
    """The JSON of a body, numbers as they are written; what is not JSON as text; None without a body."""
    if not raw:
        return None
    try:
        # A name that comes twice must not be lost in a dict.
        return json.loads(raw, object_pairs_hook=unique)
    except ValueError as error:
        return f"not JSON ({error}): {raw[:200]!r}"


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A dict of the pairs, or ValueError where a name comes twice."""
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError(f"a name comes twice among {names}")
    return dict(pairs)


def lines(value: object) -> list[str]:
    """JSON as lines, names in order."""
    return json.dumps(value, indent=2, sort_keys=True).splitlines()


def diff(expected: object, got: object) -> str:
    """How two JSON values differ, line by line."""
    return "\n".join(difflib.unified_diff(lines(expected), lines(got), "recorded", "sent", lineterm=""))
