"""State folders and run files."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from .errors import OptionError

if TYPE_CHECKING:
    import pathlib

RUNS_VARIABLE: Final = "ACC_ASSETS_RUNS"
SUFFIX: Final = ".sqlite"
LONGEST: Final = 100
# Device names, which Windows reserves with any extension (Microsoft, "Naming Files, Paths, and Namespaces").
RESERVED: Final = {"CON", "PRN", "AUX", "NUL"} | {
    device + number for device in ("COM", "LPT") for number in "0123456789¹²³"
}


def state_folder(variable: str, name: str) -> pathlib.Path:
    """Return the folder named by an environment variable, or else a folder in the platform's state folder."""
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


def runs_folder() -> pathlib.Path:
    """Return the folder for named runs: the value of ACC_ASSETS_RUNS, or else the platform default."""
    return state_folder(RUNS_VARIABLE, "runs")


def run_file(run: str | os.PathLike[str]) -> str:
    """Return the path of a run file.

    Args:
        run: The name of a run in the runs folder, or a path object for any other file. If the file system ignores case,
            names that differ only in case refer to the same run.

    Raises:
        OptionError: The run is neither a name nor a path, or its name is empty, too long, reserved by Windows, or contains
            characters that are not allowed.
    """
    if isinstance(run, os.PathLike):
        return os.fspath(run)
    if not isinstance(run, str):
        raise OptionError(f"run must be a name or a pathlib.Path, not {type(run).__name__}.")
    if (
        not run
        or run[0] == "."
        or run != run.strip()
        or not all(letter.isalnum() or letter in " ._-" for letter in run)
        or len(run.encode()) > LONGEST
    ):
        raise OptionError(
            f"{run!r} is not a valid run name. Use letters, digits, spaces, dots, dashes and underscores, at most "
            f"{LONGEST} bytes in UTF-8, with no dot at the start and no space at either end. To choose the file yourself, "
            "pass a pathlib.Path."
        )
    if run.partition(".")[0].rstrip().upper() in RESERVED:
        raise OptionError(
            f"{run!r} is not a valid run name: Windows reserves it for a device. Use another name."
        )
    return os.fspath(runs_folder() / (run + SUFFIX))
