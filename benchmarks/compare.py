"""Measure two builds of this package in turn, and report where the second is worse. Called by `against`.

A measure is worse if the median of the ratios of its pairs is above 1.05. A pair is measured one after the other, each in
a fresh process, and every second pair the other way around, so that what else the machine does meets both. Measured is
the CPU time of the process, all threads, which other programs disturb less than they do the time on the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench import server

HERE = Path(__file__).parent
WORSE = 1.05


def python(site: Path, *arguments: str) -> list[str]:
    """The command of `measures.py` with the package in this folder."""
    return ["/usr/bin/env", f"PYTHONPATH={site}", sys.executable, str(HERE / "measures.py"), *arguments]


def cpu(site: Path, measure: str, reached: str) -> float:
    """CPU seconds of one measurement."""
    command = python(site, measure, reached)
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main() -> int:
    """Print the table. Returns 1 if something is worse."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", type=Path, required=True, help="the benchmark-server binary")
    parser.add_argument(
        "--base", type=Path, required=True, help="the folder with the package of the base commit"
    )
    parser.add_argument("--now", type=Path, required=True, help="the folder with the package of this tree")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    names: list[str] = json.loads(
        subprocess.run(
            [sys.executable, "-c", "import json, measures; print(json.dumps(list(measures.MEASURES)))"],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": f"{options.now}{os.pathsep}{HERE}"},
        ).stdout
    )
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        # The same servers for both.
        creates = stack.enter_context(server(options.server, 0))
        reads = stack.enter_context(
            subprocess.Popen(
                python(options.now, "serve"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        )
        assert reads.stdin is not None
        assert reads.stdout is not None
        stack.callback(reads.stdin.close)
        reached = json.dumps({**json.loads(reads.stdout.readline()), "create": creates, "folder": folder})
        for turn in range(options.rounds):
            for name in names:
                sites = [options.base, options.now]
                if turn % 2:
                    sites.reverse()
                seconds = {site: cpu(site, name, reached) for site in sites}
                found[name].append((seconds[options.base], seconds[options.now]))
            print(f"  round {turn + 1} of {options.rounds}", file=sys.stderr)
    print(f"{'measure':<26} {'base ms':>9} {'now ms':>9} {'ratio':>6}")
    worse = 0
    for name, pairs in found.items():
        ratio = statistics.median(now / base for base, now in pairs)
        base, now = (statistics.median(each) * 1000 for each in zip(*pairs, strict=True))
        worse += ratio > WORSE
        verdict = "worse" if ratio > WORSE else "better" if ratio < 1 / WORSE else "same"
        print(f"{name:<26} {base:>9.1f} {now:>9.1f} {ratio:>6.3f}  {verdict}")
    print(f"CPU time, medians of {options.rounds} rounds; worse: {worse} of {len(found)}.")
    return int(worse > 0)


if __name__ == "__main__":
    sys.exit(main())
