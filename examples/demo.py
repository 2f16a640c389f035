"""Import a sheet of 20,000 assets into the simulator, change, read and delete some of them, and print a report.

Exits with code 1 if the simulator's audit differs from the results.
"""

from __future__ import annotations

import logging
import math
import sys
import time

from make_sheet import make_sheet

import acc_assets

ROWS = 20_000
WINDOW = 2.0  # seconds; 60 for the real service


def main() -> int:
    """Run the demo. Return 0 if the simulator's audit matches the results."""
    # The report below replaces the log.
    logging.getLogger("acc_assets").setLevel(logging.ERROR)
    limits = acc_assets.Limits(window=WINDOW)
    with acc_assets.testing.Simulator(seed=1, window=WINDOW) as simulator:
        print(
            f"A simulated project, served on {simulator.url}. It has the service's rate limits (100 writes,\n"
            f"1,000 reads and 120 relationship requests per minute), except that its minute lasts {WINDOW:g} s.\n"
        )
        sheet = make_sheet(simulator.world(), ROWS)
        project = simulator.client().project(simulator.project_id)
        table = Table()
        print(
            f"The sheet: {ROWS:,} rows of {len(sheet.frame.columns)} columns, {len(sheet.mistakes)} bad on purpose."
        )

        print(f"Checked before the first write:\n{project.assets.validate(sheet.frame)}\n")

        created = project.assets.create(sheet.frame, progress=sys.stderr.isatty())
        table.add("create", len(created), created.stats.requests, created.stats.seconds, limits.assets_write)
        frame = sheet.frame.assign(id=created.ids)

        # Every third created unit gets a note and the airflow measured on site.
        changes = frame.loc[frame["id"].notna()].iloc[::3][["id", "Airflow"]]
        changes = changes.assign(Description="Measured on site", Airflow=(changes["Airflow"] * 1.02).round(1))
        patched = project.assets.patch(changes)
        table.add("patch", len(patched), patched.stats.requests, patched.stats.seconds, limits.assets_write)

        started, asked = time.perf_counter(), [made for made in created.ids if made is not None]
        assets = project.assets.get(asked)
        table.add(
            "read", len(asked), math.ceil(len(asked) / 100), time.perf_counter() - started, limits.assets_read
        )
        noted = sum(asset.get("description") == "Measured on site" for asset in assets)

        doomed = [asset["id"] for asset in assets][:500]
        deleted = project.assets.delete(doomed)
        table.add("delete", len(deleted), deleted.stats.requests, deleted.stats.seconds, limits.assets_write)
        gone = project.assets.get(doomed).missing

        links = simulator.seed_relationships(300)
        unlinked = project.relationships.delete(links)
        table.add(
            "delete links",
            len(unlinked),
            unlinked.stats.requests,
            unlinked.stats.seconds,
            limits.relationships,
        )

        print(
            "Imported: " + ", ".join(f"{rows:,} {status}" for status, rows in created.counts.items()) + ".\n"
        )
        print(table)
        print(
            f"Read back: {len(assets):,} assets, {noted:,} of them with the note; {len(gone):,} gone after the delete.\n"
        )

        audit = simulator.audit()
        return report_checks(
            {
                "assets created": (created.counts.get("created"), audit["assets_created"]),
                "assets created twice": (0, len(audit["created_more_than_once"])),
                "assets patched": (patched.counts.get("updated"), audit["assets_patched"]),
                "assets read": (len(asked), len(assets)),
                "notes read back": (len(patched), noted),
                "assets deleted": (deleted.counts.get("deleted"), audit["assets_deleted"]),
                "deleted assets missing": (len(doomed), len(gone)),
                "relationships deleted": (unlinked.counts.get("deleted"), audit["relationships_deleted"]),
                "requests rejected by the rate limit": (0, audit["rate_limited"]),
                "rows rejected before sending": (
                    [outcome.row for outcome in created.where("invalid")],
                    sorted(sheet.mistakes),
                ),
            }
        )


class Table:
    """The duration of each step, measured and at the service's rate limits."""

    def __init__(self) -> None:
        self._lines = [f"{'':<14}{'rows':>8}{'requests':>10}{'seconds':>9}   at the service's limit"]

    def add(self, step: str, rows: int, requests: int, seconds: float, limit: int) -> None:
        """Add a step; `limit` is the service's requests per minute."""
        full_minutes = (requests - 1) // limit
        real = (
            "at once" if full_minutes == 0 else f"at least {full_minutes} min ({limit:,} requests per minute)"
        )
        self._lines.append(f"{step:<14}{rows:>8,}{requests:>10,}{seconds:>9.1f}   {real}")

    def __str__(self) -> str:
        return "\n".join(self._lines) + "\n"


def report_checks(checks: dict[str, tuple[object, object]]) -> int:
    """Print the differences between the results and the simulator's audit. Return 1 if there are any."""
    wrong = {what: pair for what, pair in checks.items() if pair[0] != pair[1]}
    for what, (believed, true) in wrong.items():
        print(f"DIFFERS: {what}: the results say {believed}, the simulator says {true}")
    if not wrong:
        print(f"The simulator's audit matches the results in all {len(checks)} checks:")
        print("  " + ", ".join(checks) + ".")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
