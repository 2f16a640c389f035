"""Write docs/reference/rules.md, the list of row checks, from the rules in the core."""

from __future__ import annotations

import pathlib

from acc_assets import _core

PAGE = pathlib.Path(__file__).parent.parent / "docs" / "reference" / "rules.md"


def page() -> str:
    """Return the page; tests/python/test_docs.py compares it with the file."""
    lines = [
        "# Row checks",
        "",
        "Each check has a code, available as `outcome.error.code` and `outcome.error.problems[i].code`.",
        "A row that fails a check is `invalid` and is not sent. A row whose only problem is `locations_unread` or",
        "`not_compared` is `not_sent`. A row whose only problem is `drifted` or `differs` has that status.",
        "",
        "This page is generated from the rules in the core by `tools/make_rules.py`.",
        "",
        "| code | what is wrong | how to fix it |",
        "| --- | --- | --- |",
        *(f"| `{rule['code']}` | {rule['says']} | {rule['fix']} |" for rule in _core.rules()),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
