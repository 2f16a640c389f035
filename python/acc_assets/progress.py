"""Progress of a call: a line on the terminal, or a call of the user's own function."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple, TypeAlias

from .errors import OptionError

__all__ = ["Progress"]

STOPPING: Final = (
    "acc_assets is stopping: requests in flight have up to 10 s to answer. Interrupt again (Ctrl-C) to end at once; "
    "what became of their rows is then unknown."
)


class Progress(NamedTuple):
    """How far a call has come.

    Args:
        done: rows with a verdict.
        total: rows in all; None while a generator or stream is still being read.
        requests: requests answered.
        elapsed: seconds since the call began.

    Example:
        >>> import acc_assets
        >>> acc_assets.Progress(done=3200, total=20000, requests=32, elapsed=20.0).done
        3200
    """

    done: int
    total: int | None
    requests: int
    elapsed: float


ProgressOption: TypeAlias = bool | Callable[[Progress], object]


def number(value: int) -> str:
    """20000 as `20 000`."""
    return f"{value:,}".replace(",", " ")


class Reporter:
    """Takes what the core reports and shows it; a context manager, so that the line is ended whatever happens."""

    def __init__(self, option: ProgressOption, word: str) -> None:
        if not isinstance(option, bool) and not callable(option):
            raise OptionError(
                f"progress={option!r}: it takes True, False or a function that takes a Progress."
            )
        self._call = option if callable(option) else None
        self._word = word
        self._started = time.monotonic()
        self._width = 0
        self.wanted = callable(option) or (option and _is_watched())

    def __call__(self, done: int, total: int | None, requests: int, lookups: int = 0) -> None:
        now = Progress(done, total, requests, time.monotonic() - self._started)
        if self._call is None:
            self._line(now, lookups)
        else:
            self._call(now)

    def __enter__(self) -> Reporter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._width:
            sys.stderr.write("\n")
            sys.stderr.flush()

    def stopping(self) -> None:
        """Says why a call that was told to end has not ended yet, where somebody is watching."""
        if not self.wanted and not _is_watched():
            return
        with suppress(OSError, ValueError):  # nobody can read it: that must not end the wait
            sys.stderr.write("\n" * bool(self._width) + STOPPING + "\n")
            sys.stderr.flush()
        self._width = 0

    def _line(self, now: Progress, lookups: int) -> None:
        of = "" if now.total is None else f" of {number(now.total)}"
        text = f"{self._word} {number(now.done)}{of} rows, {number(now.requests)} requests"
        if lookups:
            text += f" ({number(lookups)} to read the project)"
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = len(text)


def _is_watched() -> bool:
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())
