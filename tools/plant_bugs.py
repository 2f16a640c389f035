"""Plants known bugs in a copy of the sources, and checks that the random schedules find each of them.

`plant_bugs.py [words]` plants those whose description has all words. `plant_bugs.py --check` only checks that the place
of each is there.

A test that never failed proves little. Each bug replaces one place of the sources, and the schedules must fail
within the stated number of seeds. If the place has changed, the bug must be planted in another way, so this is an error, too.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parent.parent
COPY = ROOT / "target" / "planted"


class Bug(NamedTuple):
    """A replacement in a source file, and the seeds within which the schedules must fail."""

    says: str
    path: str
    right: str
    wrong: str
    seeds: int


BUGS = [
    Bug(
        "an older version replaces a newer one",
        "src/listing/rows.rs",
        "if fact.version > newest.version {",
        "if fact.version < newest.version {",
        500,
    ),
    Bug(
        "assets that left the list stay in it",
        "src/listing/machine.rs",
        "self.changed.get(&id).is_some_and(|newest| *newest > version)",
        "self.changed.get(&id).is_some_and(|newest| *newest > version) && false",
        500,
    ),
    Bug(
        "a range whose pages have shifted is not read again",
        "src/listing/range.rs",
        "if self.list.total.is_some() && facts.total != self.list.total {",
        "if self.list.pages > 1_000_000 {",
        500,
    ),
    Bug(
        "the changes since the start are not read",
        "src/listing/series.rs",
        "self.quiet |= self.service == Service::Ignores;",
        "self.quiet |= self.service == Service::Ignores || self.round() >= 1;",
        500,
    ),
    Bug(
        "missing rows go unnoticed",
        "src/listing/series.rs",
        "if shown >= total {",
        "if shown + 1_000_000 >= total {",
        500,
    ),
    Bug(
        "other changes count as rows that have left",
        "src/listing/series.rs",
        "if kept >= counted {",
        "if kept + 1_000_000 >= counted {",
        3000,
    ),
    Bug(
        "a stream returns an asset twice",
        "src/listing/stream.rs",
        "if shown[row] && !fact.is_late && self.returned.insert(fact.id) {",
        "if shown[row] && !fact.is_late && (self.returned.insert(fact.id) || true) {",
        500,
    ),
    Bug(
        "the first assets are not read again after a change",
        "src/listing/limited.rs",
        "let is_quiet = changes.1.is_empty() ||",
        "let is_quiet = true || changes.1.is_empty() ||",
        3000,
    ),
    Bug(
        "only one of several lists is read",
        "src/listing/query.rs",
        "asked.lists = split(by_location(filters)?)?;",
        "asked.lists = split(by_location(filters)?)?;\n        asked.lists.truncate(1);",
        500,
    ),
    Bug(
        "an asset that comes back to one of several lists is lost",
        "src/listing/machine.rs",
        "if self.have_moved {",
        "if self.have_moved && false {",
        500,
    ),
]


def is_found(bug: Bug) -> bool:
    """Plant a bug, and return whether the schedules fail. A copy that does not compile is an error."""
    path = COPY / bug.path
    source = path.read_text()
    path.write_text(source.replace(bug.right, bug.wrong))
    test = [
        *("cargo", "test", "--quiet", "--locked", "--no-default-features", "--features", "simulator"),
        *("--test", "core"),
    ]
    environment = os.environ | {"LISTINGS": str(bug.seeds), "RUSTFLAGS": "--cap-lints allow"}
    environment["CARGO_TARGET_DIR"] = str(ROOT / "target" / "planted-build")
    try:
        subprocess.run([*test, "--no-run"], cwd=COPY, env=environment, check=True)
        played = subprocess.run(
            [*test, "--", "listing::lists_are_whole"],
            cwd=COPY,
            env=environment,
            capture_output=True,
            text=True,
        )
    finally:
        path.write_text(source)
    seed = next((line for line in played.stderr.splitlines() if line.startswith("FIRST=")), "")
    print(f"{'found' if played.returncode else 'NOT FOUND'}: {bug.says} {seed}", flush=True)
    return played.returncode != 0


def check() -> None:
    """Fail if the place of a bug is not in the sources exactly once, since another bug or none would be planted."""
    for bug in BUGS:
        if (ROOT / bug.path).read_text().count(bug.right) != 1:
            raise SystemExit(f"{bug.says}: {bug.path} does not have its place exactly once")


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
