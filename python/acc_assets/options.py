"""Options: what they may be, said in one place, before anything is sent."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from .errors import OptionError

__all__ = ["Limits", "Retry", "SheetOptions"]

Auth: TypeAlias = str | Callable[[], str]
Prefix: TypeAlias = Literal["construction", "bim360"]
Nulls: TypeAlias = Literal["omit", "clear", "error"]
Dates: TypeAlias = Literal["exact", "date"]
OnError: TypeAlias = Literal["collect", "raise", "stop"]
Verb: TypeAlias = Literal["create", "patch"]

# What stands between the names of a path, unless a user says otherwise.
SEPARATOR: Final = ">"

# Most items of one request. 50: POST relationships:delete reference page. 100: the Assets pages name no number; it is
# what Autodesk's own samples send.
MOST_ASSETS: Final = 100
MOST_RELATIONSHIPS: Final = 50
IMPORT_KEY: Final = re.compile(r"barcode|ca[1-9][0-9]*")


class Limits(NamedTuple):
    """How many requests may be answered within a window; the defaults are the service's own limits for one user.

    Args:
        window: length of the window in seconds.
        assets_read: reads of assets and project settings a window (Assets rate limits page: 1000).
        assets_write: creates, patches and deletes a window, together (Assets rate limits page: 100).
        relationships: relationship requests a window (Relationships rate limits page: 120).
        locations: location requests a window (Locations rate limits page: 200).

    Example:
        >>> import acc_assets
        >>> acc_assets.Limits(assets_write=50).assets_write  # leave half of it to another program of this user
        50
    """

    window: float = 60.0
    assets_read: int = 1000
    assets_write: int = 100
    relationships: int = 120
    locations: int = 200


class Retry(NamedTuple):
    """How often a request that may safely be sent again is sent again.

    Args:
        attempts: sends of one request in all, the first included; 1 never retries. A 429 does not count.
        deadline: seconds after its first send in which a request may still be sent again.
        base: seconds of the first pause at most; each pause is drawn at random and may be twice the one before.
        cap: seconds of any pause at most; a Retry-After of the service is obeyed in full.
        budget: retries of one call in all, beyond one for every five requests that succeed.
        settle: seconds the service may take to finish a request whose answer was lost and to show it in its lists;
            what is not there after that was not executed. No page says how long it takes.

    Example:
        >>> import acc_assets
        >>> acc_assets.Retry(attempts=1).attempts
        1
    """

    attempts: int = 5
    deadline: float = 600.0
    base: float = 0.5
    cap: float = 30.0
    budget: int = 20
    settle: float = 30.0


class SheetOptions(NamedTuple):
    """Which sheet of a file is read, and how much memory reading it may take.

    A file may ask for far more memory than its own size. One that exceeds a limit is refused with InputError.

    Args:
        name: Name of the sheet. If None, the first visible one. A CSV file has none.
        max_workbook_bytes: Most bytes of an Excel or OpenDocument file, unpacked, and of its cells in memory. Default: 1 GiB.
        max_line_bytes: Most bytes of one row of a CSV file. The file itself may have any length. Default: 16 MiB.

    Example:
        >>> import acc_assets
        >>> acc_assets.SheetOptions("AHU", max_workbook_bytes=4 << 30).name  # project.assets.create(path, sheet=...)
        'AHU'
    """

    name: str | None = None
    max_workbook_bytes: int = 1 << 30
    max_line_bytes: int = 16 << 20


def sheet_option(sheet: object) -> SheetOptions:
    """The options of a sheet that is given by its name, by options or not at all."""
    if not isinstance(sheet, SheetOptions):
        sheet = SheetOptions(sheet)  # type: ignore[arg-type]  # checked below
    if sheet.name is not None and not isinstance(sheet.name, str):
        raise OptionError(f"sheet={sheet.name!r}: it takes the name of a sheet, or SheetOptions.")
    for name in ("max_workbook_bytes", "max_line_bytes"):
        at_least_one(name, bytes_ := getattr(sheet, name))
        if bytes_ >= 1 << 63:
            raise OptionError(f"{name}={bytes_!r}: it takes a number of bytes below 2**63.")
    return sheet


# What `sheet=` takes.
SheetChoice: TypeAlias = str | SheetOptions | None


def nearest(text: str, names: Iterable[str]) -> str | None:
    """The name that `text` was most likely meant to be."""
    from difflib import get_close_matches

    lower = {name.lower(): name for name in names}
    found = get_close_matches(text.lower(), lower, n=1, cutoff=0.4)
    return lower[found[0]] if found else None


def one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    """Refuses a value that is not one of the known words, and names the nearest."""
    if isinstance(value, str) and value in known:
        return
    near = nearest(value, known) if isinstance(value, str) else None
    hint = f'; did you mean "{near}"?' if near else "."
    shown = f'"{value}"' if isinstance(value, str) else repr(value)
    words = " or ".join(", ".join(f'"{word}"' for word in known).rsplit(", ", 1))
    raise OptionError(f"{name}={shown} is not known{hint} It takes {words}.")


def positive(name: str, value: object) -> None:
    """Refuses anything but a number of more than 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise OptionError(f"{name}={value!r}: it takes a number greater than 0.")


def at_least_one(name: str, value: object) -> None:
    """Refuses anything but a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise OptionError(f"{name}={value!r}: it takes a whole number of at least 1.")


def bound(name: str, value: object) -> None:
    """Refuses anything but a number of rows or a part of them."""
    number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else -1.0
    if 0 <= number < 1 or (number >= 1 and float(number).is_integer()):
        return
    raise OptionError(f"{name}={value!r}: it takes a number of rows, or a part of them such as 0.01.")


def batch_option(batch_size: object, most: int = MOST_ASSETS) -> None:
    """Refuses a batch size that the service would refuse."""
    at_least_one("batch_size", batch_size)
    if isinstance(batch_size, int) and batch_size > most:
        what = "relationships" if most == MOST_RELATIONSHIPS else "assets"
        raise OptionError(
            f"batch_size={batch_size}: the service takes at most {most} {what} a request; use {most} or less."
        )


def limits_option(limits: object) -> dict[str, Any]:
    """The limits as the core takes them."""
    if not isinstance(limits, Limits):
        raise OptionError(f"limits= takes acc_assets.Limits(...), not {type(limits).__name__}.")
    found = limits._asdict()
    for name, value in found.items():
        (positive if name == "window" else at_least_one)(f"Limits.{name}", value)
    return found


def retry_option(retry: object) -> dict[str, Any]:
    """The retry rules as the core takes them."""
    if not isinstance(retry, Retry):
        raise OptionError(f"retry= takes acc_assets.Retry(...), not {type(retry).__name__}.")
    found = retry._asdict()
    for name, value in found.items():
        (at_least_one if name in ("attempts", "budget") else positive)(f"Retry.{name}", value)
    return found


def flag(name: str, value: object) -> None:
    """Refuses anything but True and False."""
    if not isinstance(value, bool):
        raise OptionError(f"{name}={value!r}: it takes True or False.")


def column_option(id: object) -> None:
    """Refuses anything but the name of a column."""
    if not isinstance(id, str) or not id:
        raise OptionError(f"id={id!r}: it takes the name of the column that holds the ids.")


def _journal(run: str | os.PathLike[str]) -> str:
    from .runs import path_of

    return os.fspath(path_of(run))


def _mapping(mapping: Any) -> list[tuple[str, str | None]]:
    from .settings import mapping_pairs

    return mapping_pairs(mapping)


def write_options(
    *,
    most: int = MOST_ASSETS,
    batch_size: int,
    nulls: str = "omit",
    dates: str = "exact",
    id: str = "id",
    on_error: str,
    max_errors: float | None,
    dry_run: bool,
    returning: bool = False,
    import_key: str | None = None,
    reconcile: bool,
    run: str | os.PathLike[str] | None,
    mapping: Any = None,
    separator: str = SEPARATOR,
) -> dict[str, Any]:
    """Checks the options all writing verbs share; what the core takes."""
    batch_option(batch_size, most)
    one_of("nulls", nulls, ("omit", "clear", "error"))
    one_of("dates", dates, ("exact", "date"))
    one_of("on_error", on_error, ("collect", "raise", "stop"))
    column_option(id)
    if max_errors is not None:
        bound("max_errors", max_errors)
    flag("dry_run", dry_run)
    flag("returning", returning)
    flag("reconcile", reconcile)
    if not isinstance(separator, str) or not separator.strip():
        raise OptionError(
            f"separator={separator!r}: it takes the text between the names of a path, such as '>'."
        )
    if import_key is not None and not (isinstance(import_key, str) and IMPORT_KEY.fullmatch(import_key)):
        raise OptionError(
            f'import_key={import_key!r}: it takes "barcode", or the name of a text attribute such as "ca7".'
        )
    return {
        "batch_size": batch_size,
        "nulls": nulls,
        "dates": dates,
        "id": id,
        "on_error": on_error,
        "max_errors": max_errors,
        "dry_run": dry_run,
        "returning": returning,
        "import_key": import_key,
        "reconcile": reconcile,
        "run": None if run is None else _journal(run),
        "mapping": _mapping(mapping),
        "separator": separator,
    }
