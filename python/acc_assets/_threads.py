"""Work that computes for long or waits for a disk, away from the event loop's thread."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, TypeVar

T = TypeVar("T")

# Few, since most of the work needs the interpreter: more of them would only make the loop wait longer for its turn.
WORKERS: Final = 4

_pools: dict[int, ThreadPoolExecutor] = {}


def _pool() -> ThreadPoolExecutor:
    """The threads of this process: a forked child does not have those of its parent."""
    process = os.getpid()
    if process not in _pools:
        _pools[process] = ThreadPoolExecutor(WORKERS, thread_name_prefix="acc-assets")
    return _pools[process]


async def off_loop(work: Callable[[], T]) -> T:
    """Runs work in another thread. Nothing can stop it, so a cancel is raised by what is awaited next."""
    import asyncio

    loop = asyncio.get_running_loop()
    try:
        future = loop.run_in_executor(_pool(), copy_context().run, work)
    except RuntimeError:
        # The main thread has ended: loops of other threads go on, and executors begin nothing any more.
        return work()
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None and (task := asyncio.current_task()) is not None:
        if sys.version_info >= (3, 11):
            task.uncancel()  # counted once, for asyncio.timeout
        task.cancel(*cancelled.args)
    return future.result()
