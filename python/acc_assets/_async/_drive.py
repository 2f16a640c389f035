"""Functions that run a call in the background and await it. `_sync/_drive.py` is the synchronous counterpart."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from typing import TYPE_CHECKING, Final, TypeVar

from .. import _core
from .._progress import Reporter
from .._rows import Rows

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

# Maximum seconds to wait for an aborted call to end, which usually takes milliseconds.
LAST: Final = 2.0
POLL: Final = 0.25


async def finish(operation: _core.Operation, report: Reporter, source: object = None) -> None:
    """Run an operation to completion. If canceled, wait briefly for requests in flight; if canceled again, drop them."""
    import asyncio

    # Importing asyncio takes as long as importing this package, and synchronous programs do not need it.
    from .._event_loop import Pulled, Shield, running_loop

    running_loop()
    ended: asyncio.Future[None] | None = None
    try:
        try:
            await asyncio.sleep(0)  # a cancellation may be pending
            ended = operation.start()
            while not ended.done():
                # Without a timeout, the loop may miss a Ctrl-C, which ipykernel records without waking the loop.
                await asyncio.wait([ended], timeout=POLL)
                if report.wanted:
                    report(*operation.progress())
        except GeneratorExit:  # the loop no longer exists, so nothing can be awaited
            raise
        except BaseException:
            operation.stop()
            Pulled.close_source(source)
            if ended is None:
                # Sends nothing, but records an outcome for every row in the ledger.
                ended = operation.start()
            if report.wanted:
                report.stopping()
            with Shield():
                try:
                    await asyncio.wait([ended], timeout=_core.GRACE)
                finally:
                    operation.abort()
                    await asyncio.wait([ended], timeout=LAST)  # until the ledger is complete
            raise
    finally:
        if not operation.done:
            operation.abort()


def pulled(data: object) -> object:
    """Wrap an async iterable in an iterator that a core thread can read. Return other data unchanged."""
    rows = data._data if isinstance(data, Rows) else data
    if not isinstance(rows, AsyncIterable):
        return data
    if isinstance(data, Rows):
        data._taken()
    from .._event_loop import Pulled, running_loop

    source = Pulled(rows, running_loop())
    return Rows(source, data._reading, data._name) if isinstance(data, Rows) else source


async def off_loop(work: Callable[[], T], source: object = None) -> T:
    """Run slow or blocking work in another thread."""
    from .._event_loop import off_loop

    return await off_loop(work, source)
