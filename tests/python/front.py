"""A proxy in front of the simulator that modifies requests and responses."""

from __future__ import annotations

import http.client
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import acc_assets as acc


class Request(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


class Answer(NamedTuple):
    status: int
    body: bytes
    date: str | None = None

    def head(self, length: int | None = None, *more: str, status: str | None = None) -> bytes:
        lines = [
            f"HTTP/1.1 {status or f'{self.status} Whatever'}",
            "content-type: application/json",
            "connection: close",
            f"content-length: {len(self.body) if length is None else length}",
            *([f"date: {self.date}"] if self.date else []),
            *([f"date: {self.date}"] if self.date else []),
            *more,
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def whole(self) -> bytes:
        return self.head() + self.body


class Passing(NamedTuple):
    """One request on its way."""

    request: Request
    # The simulator's response. Unless it is used, the request is not forwarded.
    forward: Callable[[], Answer]
    send: Callable[[bytes], None]


class ResetError(Exception):
    """Reset the connection."""


class Held(NamedTuple):
    """A proxy that executes creates but delays their responses."""

    url: str
    creates: list[Request]
    release: threading.Event


@contextmanager
def holding(sim: acc.testing.Simulator) -> Iterator[Held]:
    """Delay the responses of all creates until `release` is set."""
    release = threading.Event()
    creates: list[Request] = []

    def hold(passing: Passing) -> bytes:
        answer = passing.forward()
        if "batch-create" in passing.request.path:
            creates.append(passing.request)
            release.wait(60)
        return answer.whole()

    with front(sim, hold) as (url, _):
        try:
            yield Held(url, creates, release)
        finally:
            release.set()


@contextmanager
def front(
    sim: acc.testing.Simulator, spoil: Callable[[Passing], bytes | None]
) -> Iterator[tuple[str, list[Request]]]:
    """Yield the address and the requests so far. What `spoil` returns is sent unchanged, then the connection closes."""
    host = urlsplit(sim.url).netloc
    seen: list[Request] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            line = self.rfile.readline().decode()
            if not line.strip():
                return
            method, path, _ = line.split()
            headers = {}
            while line := self.rfile.readline().decode().strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            body = self.rfile.read(int(headers.get("content-length", 0)))
            request = Request(method, path, headers, body)
            seen.append(request)
            try:
                answer = spoil(Passing(request, lambda: forward(request), self.connection.sendall))
                # The reader may have disconnected.
                with suppress(OSError):
                    self.connection.sendall(answer or b"")
            except ResetError:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()

    def forward(request: Request) -> Answer:
        connection = http.client.HTTPConnection(host, timeout=10)
        headers = {"authorization": f"Bearer {sim.token}", "content-type": "application/json"}
        with closing(connection):
            connection.request(request.method, request.path, request.body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.read(), response.headers["date"])

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Ignore connections that the client closed."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", seen
        finally:
            server.shutdown()
