"""The named runs of this machine: where they are kept, and how they stand."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final, get_args

from . import _core
from .errors import JournalError, OptionError
from .options import nearest
from .results import BulkResult, Status
from .tables import counted, pandas_frame, polars_frame

if TYPE_CHECKING:
    import pathlib

    import pandas
    import polars

__all__ = ["Runs", "runs"]

SUFFIX: Final = ".sqlite"
LONGEST: Final = 100
# Names of devices, with any ending (Microsoft, "Naming Files, Paths, and Namespaces").
RESERVED: Final = {"CON", "PRN", "AUX", "NUL"} | {
    device + number for device in ("COM", "LPT") for number in "0123456789¹²³"
}
FACTS: Final = ("verb", "project", "service", "import_key")


def default_folder() -> pathlib.Path:
    """Where named runs are kept: ACC_ASSETS_RUNS, or the folder that the platform has for the state of programs."""
    return state_folder("ACC_ASSETS_RUNS", "runs")


def state_folder(variable: str, name: str) -> pathlib.Path:
    """The folder that this environment variable names, or the one of this name where the platform keeps the state of
    programs."""
    import pathlib

    if chosen := os.environ.get(variable):
        return pathlib.Path(chosen).expanduser()
    home = pathlib.Path.home()
    if sys.platform == "win32":
        state = pathlib.Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        state = home / "Library" / "Application Support"
    else:
        state = pathlib.Path(os.environ.get("XDG_STATE_HOME") or home / ".local" / "state")
    return state / "acc-assets" / name


def path_of(run: str | os.PathLike[str]) -> pathlib.Path:
    """The file of a run.

    Args:
        run: a name, whose file is in the folder of runs; or a path object, which is the file itself. Names that differ
            only in case are one run where the file system does not tell them apart.

    Raises:
        OptionError: it is neither, or not a name that every file system takes.
    """
    import pathlib

    if isinstance(run, os.PathLike):
        return pathlib.Path(run)
    if not isinstance(run, str):
        raise OptionError(f"run= takes a name or a pathlib.Path, not {type(run).__name__}.")
    if (
        not run
        or run[0] == "."
        or run != run.strip()
        or not all(letter.isalnum() or letter in " ._-" for letter in run)
        or len(run.encode()) > LONGEST
    ):
        raise OptionError(
            f"run={run!r} is no name for a run: it takes letters, digits, spaces, dots, dashes and underscores, at most "
            f"{LONGEST} bytes in UTF-8, with no dot at the start and no space at either end. For a file of your own, "
            "give a pathlib.Path."
        )
    if run.partition(".")[0].rstrip().upper() in RESERVED:
        raise OptionError(
            f"run={run!r}: Windows reserves this name for a device, so no file can have it there; use another name."
        )
    return default_folder() / (run + SUFFIX)


class Runs(Mapping[str, BulkResult]):
    """The named runs in a folder, by name: `runs()["level-3"]` is the `BulkResult` of that run as it stands.

    It looks into the folder each time it is asked.

    Example:
        >>> import pathlib, tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> found = acc_assets.runs(pathlib.Path(folder.name) / "runs")
        >>> len(found), "level-3" in found, found.to_dicts()
        (0, False, [])
    """

    __slots__ = ("folder",)

    def __init__(self, folder: pathlib.Path, /) -> None:
        self.folder = folder

    def __iter__(self) -> Iterator[str]:
        try:
            found = [path.name for path in self.folder.iterdir()]
        except FileNotFoundError:
            return iter(())
        except OSError as error:
            raise JournalError(f"the folder of runs {self.folder} cannot be read: {error}") from error
        return iter(
            sorted(
                name[: -len(SUFFIX)] for name in found if name.endswith(SUFFIX) and not name.startswith(".")
            )
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in list(self)

    def __getitem__(self, name: str) -> BulkResult:
        kept = _core.read_run(self._path(name))
        if kept is None:
            raise JournalError(
                f"the run {name!r} is under way; wait until it has ended, or stop it, to read it."
            )
        return BulkResult(kept[1], None, False, None, None, None, True)

    def delete(self, name: str) -> None:
        """Deletes the file of a run. What the run did in the project stays; a later run of this name starts over.

        Args:
            name: the name of the run.

        Raises:
            KeyError: there is no such run.
            JournalError: the run is under way, or its file cannot be deleted.

        Example:
            >>> import tempfile
            >>> folder = tempfile.TemporaryDirectory()
            >>> acc_assets.runs(folder.name).delete("level-3")
            Traceback (most recent call last):
                ...
            KeyError: "there is no run 'level-3' in ..."
        """
        _core.delete_run(self._path(name))

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict a run, by name.

        Returns:
            name; running (whether somebody drives it right now: the rest is then None); verb, project, service and
            import_key; rows; the number of rows in each of the nine states, such as created; begun and written (when
            it was first and last written down: datetimes in UTC); problem (why the file cannot be read, or None).
        """
        return [self._told(name) for name in self]

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas DataFrame with the columns of `to_dicts`; pyarrow is not needed.

        Raises:
            ImportError: pandas is not installed.
        """
        return pandas_frame(self._columns())

    def to_polars(self) -> polars.DataFrame:
        """A polars DataFrame with the columns of `to_dicts`.

        Raises:
            ImportError: polars is not installed.
        """
        return polars_frame(self._columns())

    def __repr__(self) -> str:
        lines = [SHOWN, *(_shown(told) for told in self.to_dicts())]
        if len(lines) == 1:
            return self._headline(0)
        widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
        table = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        return "\n".join(map(_core.shown, [self._headline(len(table) - 1), *(f"  {line}" for line in table)]))

    def _repr_html_(self) -> str:
        from .looks import runs_html

        rows = [_shown(told) for told in self.to_dicts()]
        return runs_html(self._headline(len(rows)), SHOWN, rows)

    def _headline(self, number: int) -> str:
        return f"{counted(number, 'run') if number else 'no runs'} in {self.folder}"

    def _path(self, name: str) -> pathlib.Path:
        names = list(self)
        if name not in names:
            near = nearest(name, names) if isinstance(name, str) else None
            hint = f"; did you mean {near!r}?" if near else ""
            raise KeyError(f"there is no run {name!r} in {self.folder}{hint}")
        return self.folder / (name + SUFFIX)

    def _told(self, name: str) -> dict[str, Any]:
        told: dict[str, Any] = dict.fromkeys(COLUMNS)
        told.update(name=name, running=False)
        try:
            kept = _core.read_run(self.folder / (name + SUFFIX))
        except JournalError as error:
            told["problem"] = str(error)
            return told
        if kept is None:
            told["running"] = True
            return told
        facts, ledger = kept
        told.update((fact, facts[fact]) for fact in FACTS)
        told.update(rows=len(ledger), **dict.fromkeys(STATES, 0) | ledger.counts())
        for moment in ("begun", "written"):
            told[moment] = datetime.fromtimestamp(facts[moment] / 1000, timezone.utc)
        return told

    def _columns(self) -> dict[str, list[Any]]:
        told = self.to_dicts()
        return {name: [run[name] for run in told] for name in COLUMNS}


STATES: Final = get_args(Status)
COLUMNS: Final = ("name", "running", *FACTS, "rows", *STATES, "begun", "written", "problem")
SHOWN: Final = ("name", "verb", "project", "rows", "counts", "begun", "written")


def _shown(told: dict[str, Any]) -> tuple[str, ...]:
    """A run as a line of the table, its times in local time."""
    if told["running"]:
        return (told["name"], "running", *[""] * (len(SHOWN) - 2))
    if told["problem"]:
        return (told["name"], "unreadable", *[""] * (len(SHOWN) - 2))
    counts = ", ".join(f"{told[status]} {status}" for status in STATES if told[status])
    times = [told[moment].astimezone().strftime("%Y-%m-%d %H:%M") for moment in ("begun", "written")]
    return (told["name"], told["verb"], told["project"], str(told["rows"]), counts, *times)


def runs(folder: str | os.PathLike[str] | None = None) -> Runs:
    r"""The named runs of this machine: what `run="level-3"` has kept.

    Args:
        folder: a folder of runs; None: the one that ACC_ASSETS_RUNS names, or else that of this platform
            (`~/.local/state/acc-assets/runs`, `~/Library/Application Support/acc-assets/runs`,
            `%LOCALAPPDATA%\acc-assets\runs`).

    Returns:
        `Runs`: a table to look at, and a mapping from the names to results.

    Example:
        >>> acc_assets.runs("/nowhere/at/all")
        no runs in /nowhere/at/all
    """
    import pathlib

    return Runs(default_folder() if folder is None else pathlib.Path(folder).expanduser())
