"""Generate the synchronous API, `python/acc_assets/_sync`, from the asynchronous one in `_async`.

    python tools/make_sync.py           write the files
    python tools/make_sync.py --check   print a diff and exit with 1 if a file is out of date

In code and docstrings, `async` and `await` are removed, and the names in the table are replaced. Then ruff formats the
result. An unused entry of the table is an error. `_drive.py` is written by hand in both folders.
"""

from __future__ import annotations

import difflib
import io
import pathlib
import re
import subprocess
import sys
import tokenize

PACKAGE = pathlib.Path(__file__).parent.parent / "python" / "acc_assets"
HAND_WRITTEN = {"__init__.py", "_drive.py"}
NAMES = {
    "AsyncAssets": "Assets",
    "AsyncBulkResult": "BulkResult",
    "AsyncClient": "Client",
    "AsyncGenerator": "Generator",
    "AsyncIdData": "IdData",
    "AsyncProject": "Project",
    "AsyncRaw": "Raw",
    "AsyncRelationships": "Relationships",
    "AsyncRowData": "RowData",
    "AsyncVerbs": "Verbs",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
}
WORDS = re.compile("|".join(rf"\b{name}\b" for name in NAMES))
# In docstrings, only the lines of examples are code.
AWAITED = re.compile(r"(?m)^(\s*(?:>>>|\.\.\.) .*?)\b(?:await|async) (?=[\w(])")
# Tokens that contain names. Since Python 3.12, an f-string consists of several tokens.
TEXTS = ("NAME", "COMMENT", "STRING", "FSTRING_MIDDLE")
HEADER = "# Generated from _async/{name} by tools/make_sync.py (make sync). Do not edit.\n"

used: set[str] = set()


def renamed(text: str) -> str:
    """Replace the names in the table."""

    def replace(found: re.Match[str]) -> str:
        used.add(found[0])
        return NAMES[found[0]]

    return WORDS.sub(replace, text)


def without_await(text: str) -> str:
    """Remove `await` and `async` from the examples in a docstring."""
    while (found := AWAITED.sub(r"\1", text)) != text:
        text = found
    return text


def converted(source: str) -> str:
    """Return the synchronous counterpart of a file."""
    lines = source.splitlines(keepends=True)
    edits: list[tuple[tuple[int, int], tuple[int, int], str]] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.string in ("async", "await"):
            row, column = token.end
            # Including the space that follows.
            end = (row, column + len(lines[row - 1][column:]) - len(lines[row - 1][column:].lstrip(" ")))
            edits.append((token.start, end, ""))
        elif tokenize.tok_name[token.type] in TEXTS:
            # Only docstrings contain examples; other strings contain no awaited code.
            text = renamed(without_await(token.string) if '"""' in token.string else token.string)
            if text != token.string:
                edits.append((token.start, token.end, text))
    for (first, left), (last, right), text in reversed(edits):
        head, tail = lines[first - 1][:left], lines[last - 1][right:]
        lines[first - 1 : last] = (head + text + tail).splitlines(keepends=True)
    return "".join(lines)


def formatted(name: str, source: str) -> str:
    """Sort the imports and format the code with ruff, like the rest of the package."""
    for arguments in (["check", "--select", "I", "--fix", "--quiet"], ["format", "--quiet"]):
        source = subprocess.run(
            [
                sys.executable,
                "-m",
                "ruff",
                *arguments,
                "--stdin-filename",
                str(PACKAGE / "_sync" / name),
                "-",
            ],
            input=source,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
        ).stdout
    return source


def main() -> int:
    """Write or check the files. Return the exit code."""
    check = "--check" in sys.argv[1:]
    sources = {path.name: path for path in sorted((PACKAGE / "_async").glob("*.py"))}
    stale = 0
    for name in sources.keys() - HAND_WRITTEN:
        made = formatted(
            name, HEADER.format(name=name) + converted(sources[name].read_text(encoding="utf-8"))
        )
        target = PACKAGE / "_sync" / name
        before = target.read_text(encoding="utf-8") if target.exists() else ""
        if check and made != before:
            stale = 1
            sys.stdout.writelines(
                difflib.unified_diff(before.splitlines(True), made.splitlines(True), str(target), "generated")
            )
        elif not check:
            target.write_text(made, encoding="utf-8", newline="\n")
    extra = {path.name for path in (PACKAGE / "_sync").glob("*.py")} - sources.keys()
    unused = NAMES.keys() - used
    for what, names in (("has no source in _async", extra), ("is in the table, but unused", unused)):
        for name in sorted(names):
            print(f"{name} {what}")
    if stale:
        print("The synchronous API is out of date: run `make sync`.")
    return int(bool(stale or extra or unused))


if __name__ == "__main__":
    sys.exit(main())
