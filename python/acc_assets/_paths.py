"""State folders, run files, and files that are written for the user."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from .errors import FileError, OptionError

if TYPE_CHECKING:
    import pathlib

RUNS_VARIABLE: Final = "ACC_ASSETS_RUNS"
SUFFIX: Final = ".sqlite"
LONGEST: Final = 100
# Device names, which Windows reserves with any extension (Microsoft, "Naming Files, Paths, and Namespaces").
RESERVED: Final = {"CON", "PRN", "AUX", "NUL"} | {
    device + number for device in ("COM", "LPT") for number in "0123456789¹²³"
}

# What to do if a file exists, and if people fill in the file.
REPLACES: Final = "overwrite=True replaces it"
REPLACES_ENTRIES: Final = (
    "If you filled it in, import it first. overwrite=True replaces it and all that was entered"
)


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


def write_file(
    path: str | os.PathLike[str],
    content: bytes,
    *,
    overwrite: bool,
    source: str | os.PathLike[str] | None = None,
    instead: str = REPLACES,
) -> None:
    """Write a file for the user. An existing file stays unchanged until the new one is complete.

    Args:
        path: The file.
        content: Its content.
        overwrite: Whether to replace an existing file.
        source: The file that the new file reports on, which is never replaced.
        instead: What to do if the file exists.

    Raises:
        OptionError: `path` is not a path.
        FileError: The file exists and may not be replaced, or cannot be written.
    """
    _may_write(checked(path), overwrite, source, instead)
    # A link stays, and its target is replaced.
    target = os.path.realpath(path)
    part = os.path.join(os.path.dirname(target), f".acc-assets-{os.urandom(8).hex()}.part")
    is_reserved = False
    try:
        with open(part, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            # Not every file system has permissions.
            with suppress(OSError):
                os.chmod(part, os.stat(target).st_mode & 0o777)
        else:
            # Fails if another program has created the file meanwhile.
            open(target, "xb").close()
            is_reserved = True
        os.replace(part, target)
    except BaseException as error:
        for left in [part, target] if is_reserved else [part]:
            with suppress(OSError):
                os.remove(left)
        if isinstance(error, FileExistsError):
            raise _exists(path, instead) from error
        if isinstance(error, OSError):
            raise FileError.of(path, error, writing=True) from error
        raise


def checked(path: str | os.PathLike[str]) -> str:
    """Return the path of a file to write as a string.

    Raises:
        OptionError: `path` is not a path.
        FileError: The operating system does not allow such a path.
    """
    name = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(name, str):
        raise OptionError(f"path must be a str or a pathlib.Path, not {type(path).__name__}.")
    try:
        is_valid = "\0" not in name and bool(os.fsencode(name))
    except UnicodeEncodeError:
        is_valid = False
    if not is_valid:
        raise FileError(f"{name!a} is not a valid path: use another path", errno=errno.EINVAL)
    return name


def check_excel(path: str | os.PathLike[str]) -> None:
    """Raise FileError if a path does not end with .xlsx, and OptionError if it is not a path."""
    name = checked(path)
    if not name.lower().endswith(".xlsx"):
        raise FileError(f"`{name}` is not a path of an Excel file: use a path that ends with .xlsx", name)


def _may_write(
    path: str | os.PathLike[str], overwrite: bool, source: str | os.PathLike[str] | None, instead: str
) -> None:
    name = os.fspath(path)
    if source is not None and is_same(name, source):
        raise FileError(
            f"`{name}` is the file that the rows came from, and it would be lost: use another path",
            name,
            errno.EEXIST,
        )
    if os.path.isdir(name):
        raise FileError(f"`{name}` is a folder: use the path of a file", name, errno.EISDIR)
    if not os.path.lexists(name):
        return
    if not overwrite:
        raise _exists(path, instead)
    if os.path.exists(name) and not os.path.isfile(name):
        raise FileError(f"`{name}` is not a regular file: use another path", name, errno.EINVAL)


def is_same(path: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Return whether two paths lead to the same file."""
    try:
        return os.path.samefile(path, other)
    except OSError:  # at least one of them does not exist
        return False


def _exists(path: str | os.PathLike[str], instead: str) -> FileError:
    name = os.fspath(path)
    return FileError(
        f"`{name}` already exists. {instead}",
        name,
        errno.EEXIST,
    )
