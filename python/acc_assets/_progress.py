"""Progress of a call: a bar, periodic lines, or calls to a user-supplied function."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Literal, Protocol, TypeAlias

from ._records import Progress
from ._text import counted
from .errors import OptionError

ProgressOption: TypeAlias = Literal["auto"] | bool | Callable[[Progress], object]

STOPPING: Final = (
    "acc_assets is stopping: requests in flight have up to 10 s to finish. Interrupt again (Ctrl-C) to end at once; "
    "rows in flight then have an unknown outcome."
)
# Descriptions of the phases. For "writing" and "reading", the verb is shown instead.
PHASES: Final = {
    "settings": "reading the project's settings",
    "setup": "applying the setup",
    "checking": "checking rows",
    "import_keys": "looking up import keys",
    "waiting": "waiting for the service",
    "recovery": "looking up rows whose response was lost",
}
# Phases that do not process rows.
NOT_ROWS: Final = ("settings", "setup")
# Seconds between lines if the output is neither a terminal nor a notebook.
LINE_EVERY: Final = 10.0


class _Display(Protocol):
    def show(self, now: Progress, text: str) -> None:
        """Show the progress of a call."""

    def end(self) -> None:
        """Close the display."""


class Reporter:
    """Displays the progress that the core reports. Use a reporter as a context manager, so that its bar is closed."""

    def __init__(self, option: object, word: str) -> None:
        if not (isinstance(option, bool) or option == "auto" or callable(option)):
            raise OptionError(
                f'progress must be "auto", True, False or a function that takes a Progress, not {option!r}.'
            )
        self._word = word
        self._started = time.monotonic()
        self._display: _Display | None = None
        self._option = option
        shown = option is True and sys.stderr is not None
        self.wanted = callable(option) or shown or (option is not False and _is_watched())

    def __call__(
        self, done: int, total: int | None, requests: int, lookups: int = 0, phase: str = ""
    ) -> None:
        if phase in NOT_ROWS:
            done, total = 0, None
        now = Progress(done, total, requests, time.monotonic() - self._started, phase or self._word)
        if callable(self._option):
            self._option(now)
            return
        with suppress(OSError, ValueError):  # a closed stderr must not end the call
            if self._display is None:
                self._display = _display()
            self._display.show(now, PHASES.get(phase, self._word))

    def __enter__(self) -> Reporter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._display is not None:
            with suppress(OSError, ValueError):  # stderr is closed
                self._display.end()
            self._display = None

    def stopping(self) -> None:
        """Explain why an interrupted call has not ended yet, if `progress` is True or stderr is a terminal or notebook."""
        if self._option is not True and not _is_watched():
            return
        self.__exit__()
        with suppress(OSError, ValueError):  # a closed stderr must not end the wait
            sys.stderr.write(STOPPING + "\n")
            sys.stderr.flush()


def _is_watched() -> bool:
    try:
        return _is_notebook() or sys.stderr.isatty()
    except (AttributeError, ValueError):  # stderr is missing, closed or replaced
        return False


def _is_notebook() -> bool:
    # A program may import ipykernel without running in a kernel.
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def _display() -> _Display:
    if not _is_watched():
        return _Lines()
    try:
        if _is_notebook():
            import ipywidgets  # noqa: F401  # pyright: ignore[reportMissingImports]
            from tqdm.notebook import tqdm
        else:
            from tqdm import tqdm
    except ImportError:
        return _Bar()
    return _Tqdm(tqdm)


class _Tqdm:
    """A tqdm bar."""

    def __init__(self, tqdm: Any) -> None:
        self._tqdm = tqdm
        self._bar: Any = None

    def show(self, now: Progress, text: str) -> None:
        # None selects the default bar, with rows, rate and time left.
        layout = "{desc}" if now.phase in NOT_ROWS else None
        if self._bar is None:
            file = None if _is_notebook() else sys.stderr
            self._bar = self._tqdm(
                desc=text, total=now.total, bar_format=layout, unit=" rows", file=file, dynamic_ncols=True
            )
        self._bar.bar_format = layout
        self._bar.total = now.total
        self._bar.set_description_str(text, refresh=False)
        self._bar.set_postfix(requests=now.requests, refresh=False)
        self._bar.update(now.done - self._bar.n)
        self._bar.refresh()

    def end(self) -> None:
        if self._bar is not None:
            self._bar.close()


class _Bar:
    """One line of text that is overwritten on each update."""

    def __init__(self) -> None:
        self._width = 0

    def show(self, now: Progress, text: str) -> None:
        import shutil

        line = _line(now, text)[: max(shutil.get_terminal_size().columns - 1, 20)]
        sys.stderr.write("\r" + line.ljust(self._width))
        sys.stderr.flush()
        self._width = len(line)

    def end(self) -> None:
        sys.stderr.write("\n")
        sys.stderr.flush()


class _Lines:
    """At most one line every 10 s, for logs."""

    def __init__(self) -> None:
        self._shown = time.monotonic()

    def show(self, now: Progress, text: str) -> None:
        if time.monotonic() - self._shown < LINE_EVERY:
            return
        self._shown = time.monotonic()
        sys.stderr.write(_line(now, text) + "\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Do nothing, because every line is complete."""


def _line(now: Progress, text: str) -> str:
    if now.phase in NOT_ROWS:
        return text
    rows = counted(now.done, "row") if now.total is None else f"{now.done:,} of {counted(now.total, 'row')}"
    line = f"{text}: {rows}, {counted(now.requests, 'request')}"
    if now.total and 0 < now.done < now.total:
        seconds = round(now.elapsed / now.done * (now.total - now.done))
        line += f", {seconds // 60}:{seconds % 60:02} left"
    return line
