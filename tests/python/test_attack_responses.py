"""Hostile responses: rejected with limited memory and time, without ending the process.

`ATTACK=full` runs these tests at full size.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import zlib
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from test_transport import serving

pytest.importorskip("resource", reason="limits of memory are set as POSIX sets them")

pytestmark = pytest.mark.once
FULL = os.environ.get("ATTACK") == "full"
MIB = 1 << 20
# The default limit at full size.
BOUND = 256 * MIB if FULL else 8 * MIB
TOKEN = "a-token/that-nobody-may-see"

PROGRAM = """
import json, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
import acc_assets as acc

def peak():
    # Of this program alone: `ru_maxrss` also counts what its parent had when it was started.
    if sys.platform == "linux":
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

url, bound, token = json.loads(sys.argv[1])
project = "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047"
client = acc.Client(token, base_url=url, max_response_bytes=bound, retry=acc.Retry(base=0.01, settle=0.1))
before, began = peak(), time.monotonic()
try:
    client.project(project).assets.list(names=False)
    error = None
except acc.AccError as raised:
    error = raised
print(json.dumps({
    "kind": type(error).__name__, "message": str(error)[:1000], "length": len(str(error)), "took": time.monotonic() - began,
    "grown": peak() - before, "body": len(getattr(error, "body", "")),
}))
"""


def play(answer: Any) -> tuple[dict[str, Any], int]:
    """Return what a client in a separate process reports for these responses, and its number of requests."""
    asked = 0

    def counting(handler: BaseHTTPRequestHandler) -> None:
        nonlocal asked
        asked += 1
        # The client disconnects if a response is too large.
        with suppress(OSError):
            answer(handler)

    with serving(counting) as url:
        run = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(PROGRAM), json.dumps([url, BOUND, TOKEN])],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert run.returncode == 0, f"ended with {run.returncode}: {run.stderr[-2000:]}"
    said: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    print(said)
    assert said["length"] <= 1500
    return said, asked


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, encoding: str = "identity") -> None:
    handler.send_response(status)
    handler.send_header("content-length", str(len(body)))
    handler.send_header("content-encoding", encoding)
    handler.end_headers()
    handler.wfile.write(body)


def bomb(size: int) -> bytes:
    """Return this many spaces, compressed with gzip."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b" " * MIB
    return b"".join(packer.compress(block) for _ in range(size // MIB)) + packer.flush()


def chunks(piece: bytes) -> Iterator[bytes]:
    while True:
        yield b"%x\r\n%s\r\n" % (len(piece), piece)


@pytest.mark.parametrize("status", [200, 403, 500])
def test_decompression_bomb_in_a_response(status: int) -> None:
    body = bomb(8 * BOUND if FULL else 16 * BOUND)
    said, asked = play(lambda handler: send(handler, status, body, "gzip"))
    if status == 200:
        assert said["kind"] == "TransportError"
        assert "max_response_bytes=" in said["message"]
    else:
        assert said["kind"] == ("ForbiddenError" if status == 403 else "ServerError")
    assert asked == (5 if status == 500 else 1)
    assert said["grown"] <= (2 * BOUND / MIB if status == 200 else 0) + 80
    assert said["body"] <= 4 * MIB


def test_endless_response() -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        for chunk in chunks(b'{"results":[],' * 5000):
            handler.wfile.write(chunk)

    said, asked = play(answer)
    assert (said["kind"], asked) == ("TransportError", 1)
    assert said["grown"] <= 2 * BOUND / MIB + 80


@pytest.mark.parametrize("piece", [b"\\", b"a\\", b"a-token/that-nobody-may-se", b"\\u0061\\", b"\xff"])
def test_response_with_many_token_prefixes(piece: bytes) -> None:
    body = b'{"results":"\\u0061' + piece * (min(BOUND, 64 * MIB) // 2 // len(piece)) + b'"}'
    said, _ = play(lambda handler: send(handler, 200, body))
    assert said["kind"] == "ApiError"
    # Each of five attempts reads and decodes the body, and searches it for the token.
    assert said["took"] < 60


def test_response_with_a_cursor_of_a_megabyte() -> None:
    cursor = "x" * MIB
    body = json.dumps({"pagination": {"cursorState": cursor}, "results": []}).encode()
    said, asked = play(lambda handler: send(handler, 200, body))
    assert said["kind"] == "ApiError"
    assert "cursorState" in said["message"]
    assert "xxx" not in said["message"]
    # Requested five times, never with that cursor.
    assert asked == 5
