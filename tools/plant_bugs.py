"""Plants known bugs in a copy of the sources, and checks that the random schedules find each of them.

`plant_bugs.py [words]` plants those whose description has all words. `plant_bugs.py --check` only checks that the place
of each is there.

A test that never failed proves little. Each bug replaces one place of the sources, and the schedules must fail
within the stated number of seeds. If the place has changed, the bug must be planted in another way, so this is an error, too.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parent.parent
COPY = ROOT / "target" / "planted"


class Edit(NamedTuple):
    """A replacement in a source file."""

    path: str
    right: str
    wrong: str


class Bug(NamedTuple):
    """Replacements in the sources, the test that must fail, and the seeds within which it must."""

    says: str
    test: str
    seeds: int
    edits: tuple[Edit, ...]


DRIFTS = "drift::no_change_that_was_read_is_overwritten"
LISTS = "listing::lists_are_whole"
RUNS = "schedules::the_ledger_is_true_in_every_schedule"
POWER = "power_loss::a_run_resumed_after_power_losses_is_true"

BUGS = [
    Bug(
        "a create is sent again blindly",
        RUNS,
        2000,
        (
            Edit(
                "src/api/assets.rs",
                '        Replay::Never,\n        ["[", "]"],',
                '        Replay::Safe,\n        ["[", "]"],',
            ),
        ),
    ),
    Bug(
        "the journal is written after the request was sent",
        RUNS,
        2000,
        (
            Edit(
                "src/run/send.rs",
                "if let Some(journal) = journal {",
                "if let Some(journal) = journal.filter(|_| false) {",
            ),
        ),
    ),
    Bug(
        "the journal is not synced",
        POWER,
        500,
        (
            Edit(
                "src/ledger/journal/mod.rs",
                'connection.pragma_update(None, "synchronous", "FULL")?;',
                'connection.pragma_update(None, "synchronous", "OFF")?;',
            ),
        ),
    ),
    Bug(
        "a run's file is used before its name is synced",
        POWER,
        500,
        (
            Edit(
                "src/ledger/journal/file.rs",
                "    sync_folder_of(path);\n    Ok(())\n",
                "    Ok(())\n",
            ),
        ),
    ),
    Bug(
        "a new folder of runs is not synced",
        POWER,
        500,
        (Edit("src/ledger/journal/file.rs", "        sync_folder_of(folder);\n", ""),),
    ),
    Bug(
        "rows are paired by position",
        RUNS,
        2000,
        (
            Edit(
                "src/api/assets/pair.rs",
                "    if in_order && all_distinct(rows.iter().map(|row| row.key)) {",
                "    if found.len() == rows.len() && ids.len() == rows.len() {",
            ),
        ),
    ),
    Bug(
        "a slot is free one window after its request was sent",
        RUNS,
        2000,
        (
            Edit(
                "src/http/pace/window.rs",
                "            self.in_flight += 1;\n            return Take::Taken;",
                "            self.arrivals.push_back(Arrival { at: now, foreign: false });\n            return Take::Taken;",
            ),
            Edit("src/http/pace/slot.rs", "self.give_back(Some(Instant::now()));", "self.give_back(None);"),
        ),
    ),
    Bug(
        "a 429 counts as executed",
        RUNS,
        2000,
        (
            Edit(
                "src/run/response.rs",
                "let status = if called.in_doubt || batch.in_doubt {",
                "let status = if matches!(&error, Error::Service(refusal) if refusal.status == 429) {\n"
                "                    Status::Created\n"
                "                } else if called.in_doubt || batch.in_doubt {",
            ),
        ),
    ),
    Bug(
        "unknown rows are sent again by the next call",
        RUNS,
        2000,
        (
            Edit(
                "src/run/resume.rs",
                "        if status == Status::Unknown && (first.is_none() || !edited) {",
                "        if false && status == Status::Unknown {",
            ),
        ),
    ),
    Bug(
        "one miss in a list is taken as proof",
        RUNS,
        2000,
        (
            Edit(
                "src/run/recovery.rs",
                "Shown::Absent if doubt.missed && doubt.lookup_began >= doubt.conclusive_from => {",
                "Shown::Absent if true => {",
            ),
        ),
    ),
    Bug(
        "a lookup trusts the local clock",
        RUNS,
        2000,
        (
            Edit(
                "src/http/clock.rs",
                "        self.better(Moment {\n"
                "            local,\n"
                "            earliest: local,\n"
                "            latest: local,\n"
                "            by: By::Local,",
                "        self.better(Moment {\n"
                "            local,\n"
                "            earliest: local,\n"
                "            latest: local,\n"
                "            by: By::Service,",
            ),
        ),
    ),
    Bug(
        "the rows that a rejection names are believed, although the rest is rejected too",
        RUNS,
        2000,
        (
            Edit("src/run/reject.rs", "let status = if division.is_pending {", "let status = if false {"),
            Edit(
                "src/run/bisect.rs",
                "let doubted = || doubted(batch);",
                "let doubted = || Vec::<Batch>::new();",
            ),
        ),
    ),
    Bug(
        "rows in flight count as not sent",
        RUNS,
        2000,
        (
            Edit(
                "src/run/send.rs",
                "for (_, _, fault) in self.before.drain(..) {\n            if let Some(fault) = fault {\n"
                "                ledger.release_fault(fault);",
                "for (row, _, fault) in self.before.drain(..) {\n            ledger.restate(row, Status::NotSent);\n"
                "            if let Some(fault) = fault {\n                ledger.release_fault(fault);",
            ),
        ),
    ),
    Bug(
        "a row keeps its old id after the settings have changed",
        RUNS,
        2000,
        (
            Edit(
                "src/run/findings.rs",
                "if !batch.items.iter().any(|item| self.today.contains_key(&item.row)) {",
                "if true {",
            ),
        ),
    ),
    Bug(
        "any success proves a delete",
        RUNS,
        2000,
        (
            Edit(
                "src/run/pairing.rs",
                "let documented = write.done == Done::Read ||",
                "let documented = write.done == Done::Read || write.done == Done::Deleted ||",
            ),
        ),
    ),
    Bug(
        "assets are not read again before a batch leaves",
        DRIFTS,
        100,
        (
            Edit(
                "src/run/send.rs",
                "if let Some(compared) = compared\n",
                "if let Some(compared) = compared.as_ref().filter(|_| false)\n",
            ),
        ),
    ),
    Bug(
        "a row whose asset has another version counts as unchanged",
        DRIFTS,
        100,
        (
            Edit(
                "src/api/assets/values.rs",
                '(Some(before), Some(now)) => same(&now, &before, Form::Attribute("numeric")),',
                '(Some(before), Some(now)) => same(&now, &before, Form::Attribute("numeric")) || true,',
            ),
        ),
    ),
    Bug(
        "an older version replaces a newer one",
        LISTS,
        500,
        (
            Edit(
                "src/listing/rows.rs",
                "if fact.version > newest.version {",
                "if fact.version < newest.version {",
            ),
        ),
    ),
    Bug(
        "assets that left the list stay in it",
        LISTS,
        500,
        (
            Edit(
                "src/listing/machine.rs",
                "self.changed.get(&id).is_some_and(|newest| *newest > version)",
                "self.changed.get(&id).is_some_and(|newest| *newest > version) && false",
            ),
        ),
    ),
    Bug(
        "a range whose pages have shifted is not read again",
        LISTS,
        500,
        (
            Edit(
                "src/listing/range.rs",
                "if self.list.total.is_some() && facts.total != self.list.total {",
                "if self.list.pages > 1_000_000 {",
            ),
        ),
    ),
    Bug(
        "the changes since the start are not read",
        LISTS,
        500,
        (
            Edit(
                "src/listing/series/state.rs",
                "self.quiet |= self.service == Service::Ignores;",
                "self.quiet |= self.service == Service::Ignores || self.round() >= 1;",
            ),
        ),
    ),
    Bug(
        "missing rows go unnoticed",
        LISTS,
        500,
        (Edit("src/listing/series/whole.rs", "if shown >= total {", "if shown + 1_000_000 >= total {"),),
    ),
    Bug(
        "other changes count as rows that have left",
        LISTS,
        3000,
        (Edit("src/listing/series/whole.rs", "if kept >= counted {", "if kept + 1_000_000 >= counted {"),),
    ),
    Bug(
        "a stream returns an asset twice",
        LISTS,
        500,
        (
            Edit(
                "src/listing/stream.rs",
                "if shown[row] && !fact.is_late && self.returned.insert(fact.id) {",
                "if shown[row] && !fact.is_late && (self.returned.insert(fact.id) || true) {",
            ),
        ),
    ),
    Bug(
        "the first assets are not read again after a change",
        LISTS,
        3000,
        (
            Edit(
                "src/listing/limited.rs",
                "let is_quiet = changes.1.is_empty() ||",
                "let is_quiet = true || changes.1.is_empty() ||",
            ),
        ),
    ),
    Bug(
        "only one of several lists is read",
        LISTS,
        500,
        (
            Edit(
                "src/listing/query.rs",
                "asked.lists = split(by_location(filters)?)?;",
                "asked.lists = split(by_location(filters)?)?;\n        asked.lists.truncate(1);",
            ),
        ),
    ),
    Bug(
        "an asset that comes back to one of several lists is lost",
        LISTS,
        500,
        (Edit("src/listing/machine.rs", "if self.have_moved {", "if self.have_moved && false {"),),
    ),
]


def is_found(bug: Bug) -> bool:
    """Plant a bug, and return whether the schedules fail. A copy that does not compile is an error."""
    sources = {COPY / edit.path: (COPY / edit.path).read_text() for edit in bug.edits}
    for edit in bug.edits:
        path = COPY / edit.path
        path.write_text(path.read_text().replace(edit.right, edit.wrong))
    test = [
        *("cargo", "test", "--quiet", "--locked", "--no-default-features", "--features", "simulator"),
        *("--test", "core"),
    ]
    seeds = dict.fromkeys(("DRIFTS", "LISTINGS", "POWER_LOSSES", "SCHEDULES"), str(bug.seeds))
    environment = os.environ | seeds | {"RUSTFLAGS": "--cap-lints allow"}
    environment["CARGO_TARGET_DIR"] = str(ROOT / "target" / "planted-build")
    try:
        subprocess.run([*test, "--no-run"], cwd=COPY, env=environment, check=True)
        played = subprocess.run(
            [*test, "--", bug.test],
            cwd=COPY,
            env=environment,
            capture_output=True,
            text=True,
        )
    finally:
        for path, source in sources.items():
            path.write_text(source)
    found = re.search(r"FIRST=(\d+)", played.stderr + played.stdout)
    seed = f"seed {found[1]}" if found else f"{bug.seeds} seeds"
    print(f"{'found' if played.returncode else 'NOT FOUND'}: {bug.says} ({seed})", flush=True)
    return played.returncode != 0


def check() -> None:
    """Fail if the place of a bug is not in the sources exactly once, since another bug or none would be planted."""
    for bug in BUGS:
        for edit in bug.edits:
            if (ROOT / edit.path).read_text().count(edit.right) != 1:
                raise SystemExit(f"{bug.says}: {edit.path} does not have its place exactly once")


def main() -> None:
    """Plant each bug, and fail if one is not found."""
    check()
    if sys.argv[1:] == ["--check"]:
        return
    shutil.rmtree(COPY, ignore_errors=True)
    shutil.copytree(
        ROOT, COPY, ignore=shutil.ignore_patterns("target", ".venv", ".git", "__pycache__", "*.so")
    )
    wanted = [bug for bug in BUGS if all(word in bug.says for word in sys.argv[1:])]
    # A list, so that every bug is tried.
    missed = [bug.says for bug in wanted if not is_found(bug)]
    if missed:
        sys.exit(f"the schedules do not find: {', '.join(missed)}")


if __name__ == "__main__":
    main()
