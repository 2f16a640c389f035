"""Excel files that are written for the user: rows to fix, and templates."""

from __future__ import annotations

import os
from collections.abc import Sequence

from . import _core
from ._options import flag
from ._paths import REPLACES_ENTRIES, check_excel, is_same, write_file
from ._records import BAD, WriteCall
from ._text import counted
from .errors import OptionError


def write_fixes(ledger: _core.Ledger, call: WriteCall, path: str | os.PathLike[str], overwrite: bool) -> int:
    """Write the failed rows to an Excel file, if there are any. Return their number."""
    flag("overwrite", overwrite)
    check_excel(path)
    if call.rows is None:
        if not any(status in BAD for status in ledger.counts()):
            return _nothing(path, None)
        if call.run is not None and "id" not in call.options:
            raise OptionError(
                "write_fixes(): a run file does not contain the input rows. Make the same call again, with the same run= and "
                "all rows, and call write_fixes() on its result."
            )
        raise OptionError(
            "write_fixes(): the input rows are not available: they came from a generator, the result was pickled, or the "
            "call ended before its first request. Pass a list, a DataFrame or a file, and call again."
        )
    rows, content, missing = _core.fixes_file(call.verb, call.rows, ledger, call.settings, dict(call.options))
    if rows:
        write_file(path, content, overwrite=overwrite, source=call.rows.path, instead=REPLACES_ENTRIES)
    if missing:
        _tell(
            "%s to fix %s not in the last call, so %s not written: pass all rows, or the file that was written with %s",
            counted(missing, "row"),
            *(("is", "it was", "it") if missing == 1 else ("are", "they were", "them")),
        )
    elif not rows:
        return _nothing(path, call.rows.path)
    return rows


def _tell(message: str, *values: str) -> None:
    # `logging` is imported only when it is needed, because it makes the import of this package slower.
    from logging import getLogger

    getLogger("acc_assets").warning(f"write_fixes: {message}", *values)


def _nothing(path: str | os.PathLike[str], source: str | os.PathLike[str] | None) -> int:
    """Return 0. Warn of a file that was written for an earlier call."""
    if os.path.exists(path) and not (source is not None and is_same(path, source)):
        _tell(
            "there is nothing to fix, so no file was written; `%s` is from an earlier call", os.fspath(path)
        )
    return 0


def write_template(
    settings: _core.Settings,
    category: str | int | Sequence[str],
    separator: str,
    rows: int,
    path: str | os.PathLike[str],
    overwrite: bool,
) -> None:
    """Write an Excel template for assets of a category."""
    flag("overwrite", overwrite)
    check_excel(path)
    found = settings.find_category(category, separator)
    content = _core.template_file(settings, found["id"], rows)
    write_file(path, content, overwrite=overwrite, instead=REPLACES_ENTRIES)
