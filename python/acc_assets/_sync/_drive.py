"""Functions that run a call in the caller's thread. The counterpart of `_async/_drive.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from .. import _core
from .._progress import Reporter

T = TypeVar("T")


def finish(operation: _core.Operation, report: Reporter, source: object = None) -> None:
    """Run to the end. After Ctrl-C, only requests in flight may finish. A second Ctrl-C drops them."""
    operation.wait(report if report.wanted else None, report.stopping)


def off_loop(work: Callable[[], T], source: object = None) -> T:
    """Run slow or blocking work."""
    return work()


def pulled(data: object) -> object:
    """Return rows unchanged."""
    return data
