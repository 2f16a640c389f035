"""Run the examples in README.md and docs/, and write their output below them.

Each page is a program: its ```python blocks run in order, in a separate process, starting in an empty folder. The output
of a block replaces the ```output block below it. A block that prints nothing has no such block.

    python tools/make_docs.py                         write the output blocks of all pages
    python tools/make_docs.py --check                 print a diff and exit with 1 if a page is out of date
    python tools/make_docs.py docs/how-to/async.md    only these pages

Output is shown unchanged, with stdout and stderr combined, with three exceptions:

- A duration such as `(1 request, 0.3 s)` is shown as `0.1 s`.
- A request id of the simulator, which depends on the number of requests, is shown as `00000000-0000-4001-8000-000000000000`.
- A warning is shown as its category and message, without the line of code.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import io
import json
import linecache
import os
import re
import subprocess
import sys
import tempfile
import traceback
import types
import warnings
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A python block and the output block below it.
EXAMPLE = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:\n```output\n.*?^```\n)?", re.MULTILINE | re.DOTALL)
# Only two kinds of fences are allowed, so that no example can be marked not to run.
FENCE = re.compile(r"^[ ]*```[ ]*(?:py|python|output)\b.*$", re.MULTILINE | re.IGNORECASE)
DURATION = re.compile(r"(?<=[(, ])\d+\.\d s\b")
REQUEST_ID = re.compile(r"\b00000000-0000-4[0-9a-f]{3}-8000-000000000000\b")
SECONDS_PER_PAGE = 120


class PageError(Exception):
    """A page cannot be run."""


def pages() -> list[Path]:
    """Return all pages that contain an example."""
    every = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in every if EXAMPLE.search(page.read_text(encoding="utf-8"))]


def check_fences(text: str, name: str) -> None:
    """Raise if a fence would hide an example, or an output block has no example above it.

    Raises:
        PageError: The fence is misspelled, or has no example above it.
    """
    known = {"```python": text.count("\n```python\n"), "```output": 0}
    for fence in FENCE.finditer(text):
        if fence[0] not in known:
            line = text.count("\n", 0, fence.start()) + 1
            raise PageError(f"{name}:{line}: unknown fence {fence[0]!r}. Write ```python or ```output.")
    if "\n```output\n" in EXAMPLE.sub("\n", text):
        raise PageError(f"{name}: an output block has no python block above it.")


def run(page: Path) -> list[str]:
    """Run the examples of a page in a new process. Return the output of each example.

    Raises:
        PageError: An example raised an exception or took too long.
    """
    name = page.relative_to(ROOT).as_posix()
    text = page.read_text(encoding="utf-8")
    check_fences(text, name)
    # The output must not depend on the machine or the user.
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.upper().startswith(("ACC_ASSETS_", "PYTHON"))
    }
    for key in [key for key in kept if key.upper().endswith("_PROXY")]:
        del kept[key]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder, "work")
        work.mkdir()
        fixed = {
            "ACC_ASSETS_RUNS": str(Path(folder, "runs")),
            "ACC_ASSETS_PACING": "off",
            "COLUMNS": "100",
            "PYTHONHASHSEED": "0",
            "PYTHONUTF8": "1",
            "TZ": "UTC",
        }
        try:
            ran = subprocess.run(
                [sys.executable, __file__, "--inside", name],
                input=text,
                capture_output=True,
                encoding="utf-8",
                cwd=work,
                env=kept | fixed,
                timeout=SECONDS_PER_PAGE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise PageError(f"{name}: takes longer than {SECONDS_PER_PAGE} s.") from None
    if ran.returncode != 0:
        raise PageError(f"{name}: {ran.stderr.strip() or f'exit code {ran.returncode}'}")
    return [str(output) for output in json.loads(ran.stdout)]


def run_inside(name: str, text: str) -> list[str]:
    """Run the examples in this process as the module __main__. Return the output of each example."""
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    # With the lines of the page, tracebacks and warnings show the page and its line.
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    warnings.formatwarning = lambda message, category, *_: f"{category.__name__}: {message}\n"
    outputs = []
    for example in EXAMPLE.finditer(text):
        line = text.count("\n", 0, example.start("code"))
        code = compile("\n" * line + example["code"], name, "exec")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            exec(code, vars(main))
        outputs.append(printed.getvalue())
    return outputs


def shown(output: str) -> str:
    """Return an output in the form that is shown on the page."""
    output = REQUEST_ID.sub("00000000-0000-4001-8000-000000000000", DURATION.sub("0.1 s", output))
    lines = [line.rstrip() for line in output.strip("\n").splitlines()]
    return "".join(f"{line}\n" for line in lines)


def written(page: Path) -> str:
    """Run a page. Return its text with the outputs of this run."""
    outputs = iter(run(page))

    def example(found: re.Match[str]) -> str:
        output = shown(next(outputs))
        code = f"```python\n{found['code']}```\n"
        return f"{code}\n```output\n{output}```\n" if output else code

    return EXAMPLE.sub(example, page.read_text(encoding="utf-8"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the pages. Return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pages", nargs="*", type=Path, help="default: README.md and docs/**/*.md")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 if a page is out of date"
    )
    parser.add_argument("--inside", metavar="NAME", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)

    if options.inside:
        try:
            outputs = run_inside(options.inside, sys.stdin.read())
        except BaseException:
            traceback.print_exc()
            return 1
        print(json.dumps(outputs))
        return 0

    bad = 0
    for page in [page.resolve() for page in options.pages] or pages():
        name = page.relative_to(ROOT).as_posix()
        old = page.read_text(encoding="utf-8")
        try:
            new = written(page)
        except PageError as error:
            print(error, file=sys.stderr)
            bad += 1
            continue
        if old == new:
            continue
        if options.check:
            diff = difflib.unified_diff(
                old.splitlines(keepends=True), new.splitlines(keepends=True), name, f"{name} (as it runs)"
            )
            sys.stdout.writelines(diff)
            bad += 1
        else:
            page.write_text(new, encoding="utf-8")
            print(f"{name}: written")
    if bad and options.check:
        print(f"{bad} pages to correct: run `make docs`.", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
