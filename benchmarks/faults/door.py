"""A port in front of the simulator that is closed at first, since a running service cannot refuse connections."""

from __future__ import annotations

import socket
import threading
from socketserver import BaseRequestHandler, ThreadingTCPServer
from types import TracebackType


class Door:
    """Refuses connections at first, then forwards everything.

    Args:
        url: of the simulator.
        opens_after: seconds in which connections are refused by the operating system.
    """

    def __init__(self, url: str, opens_after: float) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self.service = (host, int(port))
        self._server = ThreadingTCPServer(("127.0.0.1", 0), _Connection, bind_and_activate=False)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._server.door = self  # type: ignore[attr-defined]
        # Bound but not listening: connections are refused, and no other process can use the port.
        self._server.server_bind()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._opening = threading.Timer(opens_after, self._open)
        self._opening.start()

    def _open(self) -> None:
        self._server.server_activate()
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> Door:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._opening.join()
        self._server.shutdown()
        self._server.server_close()


class _Connection(BaseRequestHandler):
    """Forward one connection in both directions."""

    def handle(self) -> None:
        door: Door = self.server.door  # type: ignore[attr-defined]
        with socket.create_connection(door.service) as service:
            for end in (service, self.request):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            responses = threading.Thread(target=self._pass_responses, args=(service,), daemon=True)
            responses.start()
            while chunk := self.request.recv(1 << 16):
                service.sendall(chunk)
            service.shutdown(socket.SHUT_WR)
            responses.join()

    def _pass_responses(self, service: socket.socket) -> None:
        while chunk := service.recv(1 << 16):
            self.request.sendall(chunk)
