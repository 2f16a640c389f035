"""A port in front of the simulator, for two faults that a service which is up and has one token cannot show."""

from __future__ import annotations

import socket
import threading
from socketserver import BaseRequestHandler, ThreadingTCPServer
from types import TracebackType


class Door:
    """Passes everything on; may refuse connections at first, and end its token during a run for another one.

    Args:
        url: of the simulator.
        real_token: the token the simulator takes; the door exchanges its own for it while they are good.
        opens_after: seconds in which connections are refused by the operating system.
        token_ends_at: the first token is no good from this request on; None: it does not end.
    """

    def __init__(self, url: str, real_token: str, opens_after: float, token_ends_at: int | None) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self.service = (host, int(port))
        self._real_token = real_token
        self._token_ends_at = token_ends_at
        self._token = "first-token-of-the-door"
        self._requests = 0
        self._lock = threading.Lock()
        self._server = ThreadingTCPServer(("127.0.0.1", 0), _Connection, bind_and_activate=False)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._server.door = self  # type: ignore[attr-defined]
        # Bound but not listening: connections are refused, and nobody else can take the port.
        self._server.server_bind()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._opening = threading.Timer(opens_after, self._open)
        self._opening.start()
        if not opens_after:
            self._opening.join()

    def _open(self) -> None:
        self._server.server_activate()
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def token(self) -> str:
        """The token that is good now."""
        return self._token

    def passed(self, chunk: bytes) -> bytes:
        """What the simulator gets for this piece of a request; one without a good token it refuses by itself."""
        with self._lock:
            # No client here sends a request before the last one on its connection was answered.
            self._requests += chunk.startswith(b"POST ")
            if self._requests == self._token_ends_at:
                self._token = "second-token-of-the-door"
            return chunk.replace(self._token.encode(), self._real_token.encode())

    def __enter__(self) -> Door:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._opening.join()
        self._server.shutdown()
        self._server.server_close()


class _Connection(BaseRequestHandler):
    """One connection through the door, both ways."""

    def handle(self) -> None:
        door: Door = self.server.door  # type: ignore[attr-defined]
        with socket.create_connection(door.service) as service:
            for end in (service, self.request):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answers = threading.Thread(target=self._pass_answers, args=(service,), daemon=True)
            answers.start()
            while chunk := self.request.recv(1 << 16):
                service.sendall(door.passed(chunk))
            service.shutdown(socket.SHUT_WR)
            answers.join()

    def _pass_answers(self, service: socket.socket) -> None:
        while chunk := service.recv(1 << 16):
            self.request.sendall(chunk)
