"""How a call is driven in the caller's thread: the counterpart of `_async/_drive.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from .. import _core
from .._progress import Reporter

T = TypeVar("T")


def finish(operation: _core.Operation, report: Reporter, source: object = None) -> None:
    """Run to the end. Ctrl-C: no new requests, those in flight may finish; a second one drops them."""
    operation.wait(report if report.wanted else None, report.stopping)


def off_loop(work: Callable[[], T], source: object = None) -> T:
    """Run work that computes for long or waits for a disk."""
    return work()


def pulled(data: object) -> object:
    """Return rows as they are."""
    return data
