"""Ctrl-C: no more requests are sent, and the ledger is kept. A second Ctrl-C ends the call immediately."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from conftest import Kit
from program import Program, programs

import acc_assets as acc

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals are sent the POSIX way"),
    pytest.mark.interpreter,
]

CALL = """
client = acc.Client(**options)
project = client.project(project_id)

def call(verb, *args, **kwargs):
    counts = None
    try:
        verb(*args, **kwargs)
        kind = None
    except BaseException as error:
        kind = type(error).__name__
        if isinstance(error, acc.BulkInterrupted):
            counts = error.result.counts
            assert client.last_result is error.result
    say(kind=kind, counts=counts)
"""
TWENTY = CALL + "call(project.assets.create, some(20), batch_size=1)"
ENDLESS = """
def rows():
    while True:
        yield row
        time.sleep(0.02)
"""


@pytest.fixture
def start(sim: acc.testing.Simulator, kit: Kit) -> Iterator[Callable[..., Program]]:
    with programs(sim, kit) as start:
        yield start


def delay(sim: acc.testing.Simulator, seconds: float, on: str = "assets:batch-create") -> None:
    sim.add_fault("delay", on=on, ms=int(seconds * 1000), times=999)


def test_ctrl_c_lets_requests_in_flight_finish(
    start: Callable[..., Program], sim: acc.testing.Simulator
) -> None:
    delay(sim, 0.6)
    program = start(TWENTY)
    program.wait_for_creates(2)
    program.interrupt()
    code, said, err = program.ended()
    assert said == [{"kind": "BulkInterrupted", "counts": {"created": 2, "not_sent": 18}}]
    assert sim.audit()["assets_created"] == 2
    # Its stderr is not a terminal.
    assert (code, err) == (0, "")


def test_second_ctrl_c_drops_requests_in_flight(
    start: Callable[..., Program], sim: acc.testing.Simulator
) -> None:
    delay(sim, 60)
    program = start(TWENTY)
    program.wait_for_creates(2)
    program.interrupt()
    time.sleep(0.4)
    assert program.process.poll() is None
    program.interrupt()
    assert program.ended(2).said == [{"kind": "BulkInterrupted", "counts": {"not_sent": 18, "unknown": 2}}]


def test_ctrl_c_on_a_terminal_explains_the_wait(
    start: Callable[..., Program], sim: acc.testing.Simulator
) -> None:
    delay(sim, 0.6)
    terminal, end = os.openpty()
    program = start(TWENTY, stderr=end)
    os.close(end)
    program.wait_for_creates(2)
    program.interrupt()
    said = program.ended().said
    assert said[0]["kind"] == "BulkInterrupted"
    text = os.read(terminal, 10_000).decode()
    os.close(terminal)
    # The bar is closed, so that the message is on a separate line.
    assert text.count("\n") == 2
    assert "10 s to finish" in text
    assert "Ctrl-C" in text


@pytest.mark.parametrize(
    ("read", "raises"),
    [("project.raw.categories", "KeyboardInterrupt"), ("project.assets.list", "ReadInterrupted")],
)
def test_ctrl_c_during_a_read(
    start: Callable[..., Program], sim: acc.testing.Simulator, read: str, raises: str
) -> None:
    before = sim.audit()["requests"]
    delay(sim, 60, on="any")
    program = start(CALL + f"call({read})")
    program.wait_until(lambda sim: sim.audit()["requests"] > before)
    program.interrupt()
    time.sleep(0.2)
    program.interrupt()
    assert program.ended(2).said[0]["kind"] == raises


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(ENDLESS + "call(project.assets.create, rows(), batch_size=1)", id="generator"),
        pytest.param(
            ENDLESS
            + """
import pyarrow
schema = pyarrow.schema([(name, pyarrow.string()) for name in row])
batches = (pyarrow.record_batch({name: [cell] for name, cell in row.items()}) for row in rows())
stream = pyarrow.RecordBatchReader.from_batches(schema, batches)
call(project.assets.create, stream, batch_size=1)
""",
            id="arrow stream",
        ),
        pytest.param(
            "call(project.assets.create, some(5000), batch_size=1, progress=lambda now: time.sleep(60), settings=None)",
            id="progress",
        ),
    ],
)
def test_ctrl_c_in_user_code(code: str, start: Callable[..., Program], sim: acc.testing.Simulator) -> None:
    if "pyarrow" in code:
        pytest.importorskip("pyarrow")
    program = start(CALL + code)
    program.wait_for_creates(5)
    time.sleep(0.4)
    program.interrupt()
    (said,) = program.ended(3).said
    assert said["kind"] == "BulkInterrupted"
    # Planned rows are not sent; all other requests got a response.
    assert said["counts"].keys() <= {"created", "not_sent"}
    assert said["counts"]["created"] == sim.audit()["assets_created"]


def test_ctrl_c_during_the_auth_function(start: Callable[..., Program], sim: acc.testing.Simulator) -> None:
    program = start(
        """
def fetch():
    say(asked=True)
    time.sleep(3)
    return token
options["auth"] = fetch
"""
        + CALL
        + "call(project.assets.create, some(20), batch_size=1, settings=None)"
    )
    program.wait_for_word()
    program.interrupt()
    started = time.monotonic()
    said = program.wait_for_word()
    assert time.monotonic() - started < 2
    assert "BulkInterrupted" in said
    assert '{"not_sent": 20}' in said


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param("itertools.repeat(7, 10**8)", id="what is no row"),
        pytest.param("itertools.repeat({}, 10**8)", id="invalid rows"),
        pytest.param("[7] * 3_000_000", id="a list of what is no row"),
    ],
)
def test_ctrl_c_while_a_generator_yields_invalid_rows(rows: str, start: Callable[..., Program]) -> None:
    program = start(CALL + f"import itertools; say(ready=1); call(project.assets.create, {rows})")
    program.wait_for_word()
    time.sleep(0.4)
    program.interrupt()
    (said,) = program.ended(3).said
    assert said["kind"] == "BulkInterrupted"
    assert said["counts"]["invalid"] > 1000


RAISES = """
def now(*_):
    raise KeyboardInterrupt

def rows():
    yield row
    raise KeyboardInterrupt
"""


@pytest.mark.parametrize(
    "code",
    [
        CALL + "call(project.assets.create, rows(), batch_size=1)",
        CALL + "call(project.assets.create, row, progress=now)",
        "options['auth'] = now" + CALL + "call(project.assets.create, row)",
    ],
    ids=["generator", "progress", "auth"],
)
def test_keyboard_interrupt_raised_by_user_code(code: str, start: Callable[..., Program]) -> None:
    _, said, err = start(RAISES + code).ended()
    assert [word["kind"] for word in said] == ["BulkInterrupted"], err
    assert err == ""


AWAITED = """
client = acc.AsyncClient(**options)
try:
    asyncio.run(client.project(project_id).assets.create(some(20), batch_size=1))
except KeyboardInterrupt:
    say(counts=client.last_result.counts)
"""


def test_ctrl_c_in_asyncio_run(start: Callable[..., Program], sim: acc.testing.Simulator) -> None:
    delay(sim, 0.6)
    program = start(AWAITED)
    program.wait_for_creates(2)
    program.interrupt()
    code, said, err = program.ended()
    assert said == [{"counts": {"created": 2, "not_sent": 18}}]
    assert (code, err) == (0, "")


@pytest.mark.skipif(
    sys.version_info < (3, 11),
    reason="asyncio.run of Python 3.10 leaves a task behind that it interrupts twice",
)
def test_second_ctrl_c_in_asyncio_run(start: Callable[..., Program], sim: acc.testing.Simulator) -> None:
    delay(sim, 60)
    program = start(AWAITED)
    program.wait_for_creates(2)
    program.interrupt()
    time.sleep(0.4)
    assert program.process.poll() is None
    program.interrupt()
    assert program.ended(4).said == [{"counts": {"unknown": 2, "not_sent": 18}}]
