"""The named runs on this machine and their outcomes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from . import _core, _html
from ._convert import pandas_frame, polars_frame
from ._paths import SUFFIX, runs_folder
from ._records import STATUSES, WriteCall, shown_verb
from ._results import Outcomes
from ._text import counted, nearest
from .errors import JournalError

if TYPE_CHECKING:
    import pathlib

    import pandas
    import polars

FACTS: Final = ("verb", "project", "service", "import_key")
COLUMNS: Final = ("name", "running", *FACTS, "rows", "complete", *STATUSES, "begun", "written", "problem")
SHOWN: Final = ("name", "verb", "project", "rows", "counts", "begun", "written")


def read_run(path: str | os.PathLike[str]) -> tuple[dict[str, Any], Outcomes] | None:
    """Read the metadata and outcomes from a run file. Return None while a process is using the run."""
    kept = _core.read_run(path)
    if kept is None:
        return None
    facts, ledger = kept
    options = {"dry_run": False, "run": os.fspath(path)}
    call = WriteCall(facts["verb"], facts["project"], options, label_title=facts["row_title"])
    return facts, Outcomes(ledger, call)


class Runs(Mapping[str, Outcomes]):
    """The named runs in a folder, by name: `runs()["level-3"]` returns the current outcomes of that run.

    Every access reads the folder again.

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
            raise JournalError(f"the runs folder {self.folder} cannot be read: {error}") from error
        return iter(
            sorted(
                name[: -len(SUFFIX)] for name in found if name.endswith(SUFFIX) and not name.startswith(".")
            )
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in list(self)

    def __getitem__(self, name: str) -> Outcomes:
        kept = read_run(self._path(name))
        if kept is None:
            raise JournalError(f"The run {name!r} is in progress. Wait until it has ended, or stop it.")
        return kept[1]

    def delete(self, name: str) -> None:
        """Delete a run file. The changes that the run made to the project remain. A later run with this name starts from scratch.

        Args:
            name: The name of the run.

        Raises:
            KeyError: The run does not exist.
            JournalError: The run is in progress, or its file cannot be deleted.

        Example:
            >>> import tempfile
            >>> folder = tempfile.TemporaryDirectory()
            >>> acc_assets.runs(folder.name).delete("level-3")
            Traceback (most recent call last):
                ...
            KeyError: "no run 'level-3' in ..."
        """
        _core.delete_run(self._path(name))

    def to_dicts(self) -> list[dict[str, object]]:
        """Convert to one dict per run, sorted by name.

        Returns:
            Dicts with name, running (whether a process is using the run; if so, later values are None), verb, project,
            service, import_key, rows, complete (whether the input was read to its end), the number of rows per status
            (such as created), begun and written (UTC datetimes of the first and the last record), and problem (why the
            file cannot be read, or None).
        """
        return [self._row(name) for name in self]

    def to_pandas(self) -> pandas.DataFrame:
        """Convert to a pandas DataFrame with the columns of `to_dicts`. pyarrow is not needed.

        Raises:
            ImportError: pandas is not installed.
        """
        return pandas_frame(self._columns())

    def to_polars(self) -> polars.DataFrame:
        """Convert to a polars DataFrame with the columns of `to_dicts`.

        Raises:
            ImportError: polars is not installed.
        """
        return polars_frame(self._columns())

    def __repr__(self) -> str:
        lines = [SHOWN, *(_shown(self._row(name)) for name in self)]
        if len(lines) == 1:
            return self._headline(0)
        widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
        table = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        return "\n".join(map(_core.shown, [self._headline(len(table) - 1), *(f"  {line}" for line in table)]))

    def _repr_html_(self) -> str:
        rows = [_shown(self._row(name)) for name in self]
        return _html.page(_html.headline(self._headline(len(rows))), _html.table(SHOWN, rows))

    def _headline(self, number: int) -> str:
        return f"{counted(number, 'run') if number else 'no runs'} in {self.folder}"

    def _path(self, name: str) -> pathlib.Path:
        names = list(self)
        if name not in names:
            near = nearest(name, names) if isinstance(name, str) else None
            hint = f". Did you mean {near!r}?" if near else ""
            raise KeyError(f"no run {name!r} in {self.folder}{hint}")
        return self.folder / (name + SUFFIX)

    def _row(self, name: str) -> dict[str, Any]:
        from datetime import datetime, timezone

        row: dict[str, Any] = dict.fromkeys(COLUMNS)
        row.update(name=name, running=False)
        try:
            kept = read_run(self.folder / (name + SUFFIX))
        except JournalError as error:
            row["problem"] = str(error)
            return row
        if kept is None:
            row["running"] = True
            return row
        facts, outcomes = kept
        row.update((fact, facts[fact]) for fact in FACTS)
        row["verb"] = shown_verb(facts["verb"])
        row.update(
            rows=len(outcomes),
            complete=not outcomes._is_cut_off(),
            **dict.fromkeys(STATUSES, 0) | outcomes.counts,
        )
        for moment in ("begun", "written"):
            row[moment] = datetime.fromtimestamp(facts[moment] / 1000, timezone.utc)
        return row

    def _columns(self) -> dict[str, list[Any]]:
        rows = [self._row(name) for name in self]
        return {column: [row[column] for row in rows] for column in COLUMNS}


def _shown(row: dict[str, Any]) -> tuple[str, ...]:
    """Return the cells that show a run in a table, with local times."""
    if row["running"]:
        return (row["name"], "running", *[""] * (len(SHOWN) - 2))
    if row["problem"]:
        return (row["name"], "unreadable", *[""] * (len(SHOWN) - 2))
    found = [f"{row[status]:,} {status}" for status in STATUSES if row[status]]
    if not row["complete"]:
        found.append("the rest not read" if found else "not begun")
    counts = ", ".join(found)
    times = [row[moment].astimezone().strftime("%Y-%m-%d %H:%M") for moment in ("begun", "written")]
    return (row["name"], row["verb"], row["project"], f"{row['rows']:,}", counts, *times)


def runs(folder: str | os.PathLike[str] | None = None) -> Runs:
    r"""List the named runs on this machine. A call with `run="level-3"` creates or continues the run "level-3".

    Args:
        folder: Folder that contains the runs. If None, the folder in the environment variable ACC_ASSETS_RUNS, or else
            the platform default (`~/.local/state/acc-assets/runs`, `~/Library/Application Support/acc-assets/runs` or
            `%LOCALAPPDATA%\acc-assets\runs`).

    Returns:
        `Runs`, a mapping from names to outcomes that is displayed as a table.

    Example:
        >>> acc_assets.runs("/nowhere/at/all")
        no runs in /nowhere/at/all
    """
    import pathlib

    return Runs(runs_folder() if folder is None else pathlib.Path(folder).expanduser())
