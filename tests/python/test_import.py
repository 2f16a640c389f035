"""Importing the package is fast, and loads no unnecessary modules."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {
    "asyncio",
    "dataclasses",
    "difflib",
    "html",
    "inspect",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "ssl",
    "urllib",
}


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stdout.split())


def test_import_loads_no_heavy_module() -> None:
    assert not (modules_after("import acc_assets") - modules_after("")) & HEAVY


def test_all_names_exist() -> None:
    import acc_assets

    assert sorted(acc_assets.__all__) == sorted(set(acc_assets.__all__))
    assert all(hasattr(acc_assets, name) for name in acc_assets.__all__)
    assert "Simulator" in acc_assets.testing.__all__
    assert all(hasattr(acc_assets.testing, name) for name in acc_assets.testing.__all__)
