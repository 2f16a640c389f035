"""Row checks without a client or requests."""

from __future__ import annotations

from . import _core
from ._report import Report
from ._rows import Reading
from ._secret import Secret
from ._session import Session
from ._write import checked, raise_error

# A placeholder: no request is sent.
NOWHERE = "https://localhost"


def check(settings: _core.Settings, data: object, *, verb: str, key: str, how: Reading) -> Report:
    """Check rows against settings."""
    session = Session(
        Secret("offline"),
        Secret(None),
        base_url=NOWHERE,
        prefix="construction",
        region=None,
        timeout=1.0,
        max_in_flight=1,
        max_response_bytes=1,
        limits=None,
        retry=None,
        ca_bundle=None,
    )
    write = checked(session, settings.about()["project"], data, verb=verb, key=key, how=how)
    # The assets are unknown, so checks that depend on them are skipped.
    write = write._replace(settings=settings, assets=_core.Table.load(b"[[],[]]"))
    operation = write.operation()
    operation.wait(None, lambda: None)
    raise_error(operation)
    return write.report(operation)
