"""Row checks without a client or requests."""

from __future__ import annotations

from . import _core
from ._aligned import input_index
from ._reading import Reading
from ._records import WriteCall
from ._report import Report
from ._rows import load
from ._write import check_options


def check(settings: _core.Settings, data: object, *, verb: str, key: str, how: Reading) -> Report:
    """Check rows against settings."""
    options = check_options(verb, key)
    project = settings.about()["project"]
    rows, read = load(data, how, verb, key, twice=True, project=project)
    # Rows cannot be compared without their assets.
    options |= read.options() | {"compared": False}
    ledger = _core.Engine.check(verb, rows, options, settings)
    call = WriteCall(verb, project, options, rows, rows.label_title, settings, index=input_index(rows))
    return Report(ledger, call)
