"""What to do after a write: advice per status, and how to continue a call that ended early."""

from __future__ import annotations

from typing import Final

from . import _core
from ._records import BAD, GOOD, Cause, OutcomeStatus, WriteCall
from ._report import can_be_fixed
from ._text import counted

# Advice per status: DRY for a dry run, NAMED for a named run, and UNNAMED for any other call. RESUMABLE overrides UNNAMED
# if the result still has its client and its input. REPEATED_DELETES overrides them for a delete.
DRIFTED: Final = "their assets have changed since they were read: read them again, and repeat the changes"
DRY: Final = {"invalid": "fix these rows; nothing was sent", "drifted": DRIFTED}
RESUMABLE: Final = {
    "not_sent": ".retry() sends them; they were never sent",
    "failed": ".retry() resends them; they were not executed",
    "unknown": ".reconcile() looks them up in the project; do not resend them before that: they may already exist",
}
UNNAMED: Final = {
    "invalid": "fix these rows, then call again with only these rows; they were not sent",
    "rejected": "fix these rows, then call again with only these rows; the service rejected them",
    "not_sent": "call again with only these rows; they were never sent",
    "failed": "call again with only these rows; they were not executed",
    "unknown": "look them up in the project before you resend them; they may already exist",
    "differs": "assets with their import keys exist and have other values; project.assets.patch(result) changes them",
    "drifted": DRIFTED,
}
NAMED: Final = {
    "invalid": "fix these rows, then call again with the same run= and all rows",
    "rejected": "fix these rows, then call again with the same run= and all rows",
    "not_sent": "call again with the same run= and all rows; they were never sent",
    "failed": "call again with the same run= and all rows; they were not executed",
    "unknown": "call again with the same run= and all rows: it looks them up first",
    "differs": UNNAMED["differs"],
    "drifted": DRIFTED,
}
# The same, if the rows cannot be read again.
DIFFERS_ONCE: Final = (
    "assets with their import keys exist and have other values; to change them, call again with a list, a DataFrame or a "
    "file, then project.assets.patch(result)"
)
ALREADY_DELETED: Final = (
    "there is nothing to do for those that are already deleted; correct other ids, then call again"
)
FILE: Final = ", or with the file from .write_fixes()"
REMOVED: Final = "removed"
UNREAD: Final = "the same run= and all rows"
# The statuses of rows that a later call may send.
OPEN: Final[tuple[OutcomeStatus, ...]] = ("not_sent", "failed", "unknown")
DONE: Final = {"create": "created", "patch": "updated", "delete": "deleted", "unlink": "deleted"}


def advice_of(
    ledger: _core.Ledger,
    call: WriteCall,
    causes: list[Cause],
    *,
    has_client: bool,
    without: tuple[OutcomeStatus, ...] = (),
) -> list[str]:
    """Return what to do with the rows of each status that is not ok, except those in `without`."""
    has_rows = call.rows is not None
    if call.is_dry_run:
        known = dict(DRY)
    elif call.run is not None:
        known = dict(NAMED)
        for status in ("invalid", "rejected"):
            if can_be_fixed(ledger, call, status):
                known[status] += FILE
    else:
        # The rows of a generator cannot be read again.
        known = {**UNNAMED, **RESUMABLE} if has_client and has_rows else dict(UNNAMED)
    if not has_rows and "differs" in known:
        known["differs"] = DIFFERS_ONCE
    if DONE.get(call.verb) == "deleted" and not call.is_dry_run:
        known["rejected"] = ALREADY_DELETED
    removed = {cause.status: cause.rows for cause in causes if cause.code == REMOVED}
    counts = ledger.counts()
    advice = [
        f"  {status}: {known[status]}"
        for status in BAD
        if status in known and status not in without and counts.get(status, 0) > removed.get(status, 0)
    ]
    if is_cut_off(ledger, call) and len(ledger):
        rest = f"only the rows after {last_row(ledger)}"
        advice.append(f"  not read: call again with {UNREAD if call.run is not None else rest}")
    return advice


def is_cut_off(ledger: _core.Ledger, call: WriteCall) -> bool:
    """Return whether the call ended before it had read all rows, and the number of the others is not known."""
    return call.rows is None and ledger.is_cut_off()


def last_row(ledger: _core.Ledger) -> str:
    """Return the name of the last row."""
    row, label = ledger.outcome(len(ledger) - 1)[:2]
    return f"row {row:,}" if ledger.title is None else f"{ledger.title} {label}"


def progress_of(ledger: _core.Ledger, call: WriteCall) -> str:
    """Return how many rows are done: `4,796 of 5,000 rows are created`."""
    counts = ledger.counts()
    done = sum(counts.get(status, 0) for status in GOOD)
    word = DONE[call.verb] if counts.get(DONE[call.verb]) == done else "done"
    verb = "is" if done == 1 else "are"
    if is_cut_off(ledger, call):
        return f"{counted(done, 'row')} {verb} {word}, and the rows after {last_row(ledger)} were not read"
    return f"{done:,} of {counted(len(ledger), 'row')} {verb} {word}"


def to_continue(ledger: _core.Ledger, call: WriteCall) -> str | None:
    """Return how to continue a call that ended early. A script that has ended cannot call `retry`.

    Return None if nothing is left to do, or if nothing was sent and the call can simply be made again.
    """
    counts = ledger.counts()
    if (
        call.is_dry_run
        or not len(ledger)
        or not (any(counts.get(status) for status in OPEN) or is_cut_off(ledger, call))
    ):
        return None
    if call.run is not None:
        return (
            "To resume, run the same script again: the call with the same run= skips the rows that are done."
        )
    sent, unknown = (counts.get(status, 0) for status in (DONE[call.verb], "unknown"))
    if not sent and not unknown:
        return None
    # Each call generates other keys.
    has_keys = call.options.get("import_key") and not call.options.get("generate_keys")
    if call.verb == "create" and not has_keys:
        again = counted(sent, "asset")
        if unknown:
            # They may exist.
            again = f"{sent:,} to {counted(sent + unknown, 'asset')}"
        return f"Running the same script again would create {again} a second time: {_instead(call, unknown)}."
    if call.verb == "create":
        again = "run the same script again"
        if unknown:
            # The service may still be executing their request.
            again = f"wait a minute, then {again}"
        return f"To resume, {again}: with import_key=, the rows that the project has are unchanged."
    if call.verb == "patch":
        return "To resume, run the same script again: rows that are sent a second time change nothing else."
    return "To resume, run the same script again: those that are already deleted are rejected."


def _instead(call: WriteCall, unknown: int) -> str:
    if call.rows is None:
        return "pass only the rows that are not done, or pass import_key="
    method = ".reconcile() and .retry()" if unknown else ".retry()"
    # The service may still be executing their request.
    wait = "wait a minute, then " if unknown else ""
    return (
        f"use {method} on e.result or client.last_result. If the script has ended, {wait}pass import_key=, or only rows "
        'whose Asset IDs are in project.assets.get(rows, by="Asset ID").missing'
    )
