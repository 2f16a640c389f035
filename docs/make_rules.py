"""Prints docs/rules.md: the row checks as the core knows them. `python docs/make_rules.py > docs/rules.md`."""

from __future__ import annotations

from acc_assets import _core


def page() -> str:
    """The page as it has to be; a test compares."""
    lines = [
        "# Row checks",
        "",
        "What makes a row `invalid` before anything is sent, by the code that `outcome.error.code` and",
        "`outcome.error.problems[i].rule` carry. Made from the core's own table by `docs/make_rules.py`.",
        "A row whose only problem is `locations_unread` is `not_sent`.",
        "",
        "| code | what it says | how to fix it |",
        "| --- | --- | --- |",
        *(f"| `{rule['code']}` | {rule['says']} | {rule['fix']} |" for rule in _core.rules()),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
