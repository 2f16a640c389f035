"""How a call is driven in the background, awaited: the counterpart of `_sync/_drive.py`."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from typing import TYPE_CHECKING, Final, TypeVar

from .. import _core
from .._progress import Reporter
from .._rows import Rows

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

# Seconds an aborted call may take to end; it takes milliseconds.
LAST: Final = 2.0
POLL: Final = 0.25


async def finish(operation: _core.Operation, report: Reporter, source: object = None) -> None:
    """Run to the end. A cancel: no new requests, those in flight may finish; a second one drops them."""
    import asyncio

    # asyncio takes as long to import as all of this package, and a synchronous program does not need it.
    from .._event_loop import Pulled, Shield, running_loop

    running_loop()
    ended: asyncio.Future[None] | None = None
    try:
        try:
            await asyncio.sleep(0)  # a cancel may be waiting
            ended = operation.start()
            while not ended.done():
                # Without a timeout the loop may sleep through a Ctrl-C: ipykernel notes it, and does not wake the loop.
                await asyncio.wait([ended], timeout=POLL)
                if report.wanted:
                    report(*operation.progress())
        except GeneratorExit:  # the loop is gone: nothing can be awaited any more
            raise
        except BaseException:
            operation.stop()
            Pulled.close_source(source)
            if ended is None:
                # Nothing is sent any more; the ledger says so for every row.
                ended = operation.start()
            if report.wanted:
                report.stopping()
            with Shield():
                try:
                    await asyncio.wait([ended], timeout=_core.GRACE)
                finally:
                    operation.abort()
                    await asyncio.wait([ended], timeout=LAST)  # for the ledger to say so
            raise
    finally:
        if not operation.done:
            operation.abort()


def pulled(data: object) -> object:
    """Return rows of an async iterable as an iterator for a thread of the core; anything else as it is."""
    rows = data._data if isinstance(data, Rows) else data
    if not isinstance(rows, AsyncIterable):
        return data
    from .._event_loop import Pulled, running_loop

    source = Pulled(rows, running_loop())
    return Rows(source, data._reading, data._name) if isinstance(data, Rows) else source


async def off_loop(work: Callable[[], T], source: object = None) -> T:
    """Run work that computes for long or waits for a disk in another thread."""
    from .._event_loop import off_loop

    return await off_loop(work, source)
