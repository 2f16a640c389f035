"""Helpers for calls that are awaited in an event loop."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError, Future, wait
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, TypeVar

from . import _core
from ._rows import Rows

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

T = TypeVar("T")

# Only a few, because most of the work needs the GIL: more threads would delay the event loop.
WORKERS: Final = 4
# Interval in seconds for checking whether a call was canceled or its loop was closed.
LOOK: Final = 0.25

_pools: dict[int, ThreadPoolExecutor] = {}


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the asyncio event loop that is running in this thread."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(_core.NO_LOOP) from None


class Shield:
    """A shield against anyio cancel scopes, which cancel a task repeatedly until it leaves the scope.

    `Task.cancel` itself still works.
    """

    def __enter__(self) -> None:
        # Without anyio, there are no cancel scopes.
        anyio = sys.modules.get("anyio")
        self._scope = None if anyio is None else anyio.CancelScope(shield=True)
        if self._scope is not None:
            self._scope.__enter__()

    def __exit__(self, kind: type[BaseException] | None, *raised: Any) -> None:
        # After GeneratorExit, the loop and its scopes no longer exist.
        if self._scope is not None and kind is not GeneratorExit:
            self._scope.__exit__(kind, *raised)


async def off_loop(work: Callable[[], T], source: object = None) -> T:
    """Run slow or blocking work in another thread.

    The work cannot be stopped, so a cancellation waits until it ends. Only reading from an async iterable `source`
    stops immediately. After a cancellation, an operation created by the work is returned, and the cancellation is raised
    when the caller runs the operation; without an operation, the cancellation is raised here.
    """
    loop = running_loop()
    try:
        future = loop.run_in_executor(_pool(), copy_context().run, work)
    except RuntimeError:
        # The main thread has ended. Loops in other threads continue, but executors no longer accept work.
        return work()
    cancelled: asyncio.CancelledError | None = None
    try:
        await asyncio.wait([future])
    except asyncio.CancelledError as error:
        cancelled = error
        Pulled.close_source(source)
        with Shield():
            while not future.done():
                try:
                    await asyncio.wait([future])
                except asyncio.CancelledError as error:
                    cancelled = error
    if cancelled is None:
        return future.result()
    if future.exception() is not None or not isinstance(future.result(), _core.Operation):
        raise cancelled
    if (task := asyncio.current_task()) is not None:
        if sys.version_info >= (3, 11):
            task.uncancel()  # so that asyncio.timeout counts the cancellation only once
        task.cancel(*cancelled.args)
    return future.result()


def _pool() -> ThreadPoolExecutor:
    """Return the thread pool of this process. A forked child does not inherit the threads of its parent."""
    process = os.getpid()
    if process not in _pools:
        # Python cannot import this module after the main thread has ended.
        from concurrent.futures import ThreadPoolExecutor

        _pools[process] = ThreadPoolExecutor(WORKERS, thread_name_prefix="acc-assets")
    return _pools[process]


class Pulled(Iterator[Any]):
    """An iterator over an async iterable. A core thread requests each row, and the event loop awaits it."""

    _END: Final = object()

    def __init__(self, rows: AsyncIterable[Any], loop: asyncio.AbstractEventLoop) -> None:
        self._rows: AsyncIterator[Any] = aiter(rows)
        self._loop = loop
        self._next: Future[Any] | None = None
        self._closed = False

    def __next__(self) -> Any:
        if self._closed or self._loop.is_closed():
            raise StopIteration
        self._next = asyncio.run_coroutine_threadsafe(self._take(), self._loop)
        if self._closed:
            # `close` ran in the event loop before it could see this future.
            self._next.cancel()
        row = self._END
        while not self._closed and not self._loop.is_closed():
            if not wait([self._next], LOOK).done:
                continue
            try:
                row = self._next.result()
            except CancelledError:
                if not self._closed:
                    raise
            break
        if row is self._END:
            raise StopIteration
        return row

    async def _take(self) -> Any:
        return await anext(self._rows, self._END)

    @staticmethod
    def close_source(source: object) -> None:
        """Close the iterator if the rows come from an async iterable, even one wrapped in `Rows`."""
        pulled = source._data if isinstance(source, Rows) else source
        if isinstance(pulled, Pulled):
            pulled.close()

    def close(self) -> None:
        """Stop requesting rows, and cancel a pending request for a row."""
        self._closed = True
        if self._next is not None:
            self._next.cancel()
