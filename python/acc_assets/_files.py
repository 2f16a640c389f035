"""Input files: detecting their format and reading them."""

from __future__ import annotations

from os import PathLike, fspath
from typing import Any, Final

from . import _core
from ._options import sheet_option
from ._reading import LAYOUT, Reading
from .errors import FileError, InputError, OptionError

# Supported file extensions.
TEXTS: Final = (".csv", ".tsv", ".txt")
SHEETS: Final = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", *TEXTS)
LINES: Final = (".jsonl", ".ndjson")
PARQUET: Final = ".parquet"
FILES: Final = (*SHEETS, *LINES, PARQUET)
# First bytes of an open file without a name, and the extension they imply.
MAGIC: Final = ((b"PK", ".xlsx"), (b"\xd0\xcf\x11\xe0", ".xls"), (b"PAR1", PARQUET), (b"{", ".jsonl"))


def is_slow(data: object) -> bool:
    """Return whether the data must be read from a file."""
    return _extension(data) is not None or _is_open_file(data)


def _extension(data: object) -> str | None:
    """Return the extension of a path: any extension for a path object, only a known one for a string."""
    if isinstance(data, PathLike):
        name = fspath(data)
        return "." + str(name).lower().rpartition(".")[2]
    if isinstance(data, str):
        return next((extension for extension in FILES if data.lower().endswith(extension)), None)
    return None


def _is_open_file(data: object) -> bool:
    return hasattr(data, "read") and hasattr(data, "close")


def opened(data: Any, how: Reading) -> object:
    """Return the rows of a file. Other data is returned unchanged."""
    content: bytes | None = None
    is_decoded = False
    extension = _extension(data)
    name = data
    if _is_open_file(data):
        name, content, is_decoded = _content(data, how)
        extension = _extension(name) or _sniffed(content)
    if extension in LINES:
        _only(how, (), data)
        return _from_lines(name, content)
    if extension == PARQUET:
        _only(how, (), data)
        return _from_parquet(name, content)
    if extension is None:
        _only(how, (), data)
        return data
    if extension not in FILES:
        raise FileError(
            f"{name_of(name)} is not a supported file: save it as .xlsx or .csv. Supported: {', '.join(FILES)}."
        )
    is_text = extension in TEXTS
    layout = _only(how, LAYOUT if is_text else ("sheet", "skip_rows", "skip_footer"), data)
    sheet = sheet_option(layout.pop("sheet"))
    layout["is_footer_shared"] = "skip_footer" in how.shared
    if is_text and "sheet" in how.shared:
        sheet = sheet._replace(name=None)
    if is_decoded and is_text:
        layout["encoding"] = "utf-8"
    if content is None:
        return _core.Rows.from_sheet(data, *sheet, **layout)
    return _core.Rows.from_sheet(content, *sheet, name=name if _extension(name) else extension[1:], **layout)


def _sniffed(content: bytes) -> str:
    """Return the extension that matches the first bytes of an open file, if its name has no known extension."""
    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise InputError("The open file is empty.")
    if start.startswith(b"["):
        raise InputError("The open file is a JSON array. Write one JSON object per line (JSON Lines).")
    return next((extension for magic, extension in MAGIC if start.startswith(magic)), ".csv")


# What the options for the layout of a file apply to, and what to do for other data.
APPLY_TO: Final = {
    "sheet": ("Excel files only", "Omit sheet="),
    "encoding": ("text files only", "Omit encoding="),
    "skip_rows": ("Excel and text files only", "Pass the rows without it, such as frame.iloc[3:]"),
    "skip_footer": ("Excel and text files only", "Pass the rows without it, such as frame.iloc[:-1]"),
}


def _only(how: Reading, known: tuple[str, ...], data: object) -> dict[str, Any]:
    """Return the options for the layout of a file that apply to the data.

    Raises OptionError if another one was given. One from a mapping file is ignored, because it is for other files.
    """
    for name in how.changed():
        if name in LAYOUT and name not in known and name not in how.shared:
            kind, instead = APPLY_TO[name]
            raise OptionError(
                f"{name}={getattr(how, name)!r} applies to {kind}, and {name_of(data)} is not one. {instead}."
            )
    return {name: getattr(how, name) for name in known}


def _content(file: Any, how: Reading) -> tuple[str | None, bytes, bool]:
    """Return the name and the remaining content of an open file, and whether it is in text mode: then the content is
    in UTF-8, whatever the encoding of the file is.
    """
    name = getattr(file, "name", None)
    try:
        content = file.read()
    except UnicodeDecodeError as error:
        raise InputError(f'The file cannot be decoded ({error}). Open it in mode "rb".') from error
    except OSError as error:
        raise FileError.of(name if isinstance(name, str) else None, error) from error
    except ValueError as error:
        raise InputError(f"The file cannot be read ({error}). Open it again.") from error
    is_decoded = isinstance(content, str)
    if is_decoded:
        if how.encoding is not None and "encoding" not in how.shared:
            raise OptionError('encoding= does not apply to a file in text mode. Open it in mode "rb".')
        try:
            content = content.encode()
        except UnicodeEncodeError as error:
            raise InputError(f'The file cannot be decoded ({error}). Open it in mode "rb".') from error
    if not isinstance(content, bytes):
        raise InputError(f"{type(file).__name__}.read() returned {type(content).__name__}, not bytes.")
    return name if isinstance(name, str) else None, content, is_decoded


def _from_lines(path: str | PathLike[str] | None, content: bytes | None) -> _core.Rows:
    """Read the rows of a JSON Lines file, one object per line."""
    import json

    name = "the open file" if path is None else fspath(path)
    if content is None:
        try:
            with open(name, "rb") as file:
                content = file.read()
        except OSError as error:
            raise FileError.of(path, error) from error
    rows: list[Any] = []
    labels: list[int] = []
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=_unique)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{name}, line {number}: not a JSON object ({error}).") from error
        if not isinstance(row, dict):
            raise InputError(f"{name}, line {number}: {type(row).__name__} is not a JSON object.")
        rows.append(row)
        labels.append(number)
    return _core.Rows.from_dicts(rows, labels, "line")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"duplicate name {next(name for name in names if names.count(name) > 1)!r}")
    return found


def _from_parquet(path: str | PathLike[str] | None, content: bytes | None) -> object:
    """Read a Parquet file with pyarrow or polars."""
    from io import BytesIO

    name = "the open file" if path is None else fspath(path)
    source: Any = path if content is None else BytesIO(content)
    try:
        from pyarrow.parquet import read_table as read_parquet
    except ImportError:
        try:
            from polars import read_parquet
        except ImportError:
            raise InputError(
                f"{name}: Parquet files need pyarrow or polars. Install one of them: pip install pyarrow"
            ) from None
    if content is None:
        try:
            # The errors raised by pyarrow and polars lack the errno and the reason.
            open(name, "rb").close()
        except OSError as error:
            raise FileError.of(path, error) from error
    try:
        return read_parquet(source)
    except OSError as error:
        raise FileError.of(path, error) from error
    except Exception as error:  # each library raises its own errors for a damaged file
        raise InputError(f"{name} cannot be read as Parquet: {error}.") from error


def name_of(source: object) -> str:
    name = source if isinstance(source, (str, PathLike)) else getattr(source, "name", None)
    return fspath(name) if isinstance(name, (str, PathLike)) else type(source).__name__
