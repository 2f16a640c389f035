"""Files of rows to fix that are written again, fit no run, or contradict rows of their run."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

import acc_assets as acc

openpyxl = pytest.importorskip("openpyxl")
pytestmark = pytest.mark.once

A = {"Category": "HVAC > Air Handling"}


@pytest.fixture
def sim() -> Iterator[acc.testing.Simulator]:
    with acc.testing.Simulator(seed=1, window=0.5) as sim:
        yield sim


@pytest.fixture
def project(sim: acc.testing.Simulator) -> acc.Project:
    return sim.client(max_in_flight=1).project(sim.project_id)


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setenv("ACC_ASSETS_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def units(number: int = 4, wrong: tuple[int, ...] = (), **more: Any) -> list[dict[str, Any]]:
    return [
        {"Asset ID": f"A-{place}", "Status": "Instaled" if place in wrong else "Installed", **A, **more}
        for place in range(number)
    ]


def named(sim: acc.testing.Simulator) -> list[str]:
    names = [str(asset["clientAssetId"]) for asset in sim.assets()]
    return sorted(name for name in names if name.startswith("A-"))


def corrected(path: str, lines: tuple[int, ...] = (), **cells: Any) -> str:
    """Correct columns of these lines of a file of rows to fix, or of all of them."""
    workbook = openpyxl.load_workbook(path)
    sheet = workbook.worksheets[0]
    places = {cell.value: cell.column for cell in sheet[1]}
    for name, value in cells.items():
        for line in lines or range(2, sheet.max_row + 1):
            sheet.cell(line, places[name], value)
    workbook.save(path)
    return path


def hidden(path: str) -> list[str]:
    """The cells of the hidden column."""
    sheet = openpyxl.load_workbook(path).worksheets[0]
    return [str(line[-1]) for line in sheet.iter_rows(min_row=2, values_only=True)]


# ---- a file that is checked again ----


@pytest.mark.parametrize("how", ["validate", "dry run"])
def test_a_file_that_is_checked_again_keeps_its_run(
    how: str, project: acc.Project, sim: acc.testing.Simulator
) -> None:
    assert project.assets.create(units(5, (1, 3, 4)), run="v").write_fixes("f.xlsx") == 3
    corrected("f.xlsx", (2,), Status="Installed")
    if how == "validate":
        assert project.assets.validate("f.xlsx").write_fixes("f2.xlsx") == 2
    else:
        assert project.assets.create("f.xlsx", dry_run=True).write_fixes("f2.xlsx") == 2
    assert hidden("f2.xlsx") == hidden("f.xlsx")[1:]
    corrected("f2.xlsx", Status="Installed")
    with pytest.raises(acc.InputError, match=r'of the run `v`, .*Pass run="v"'):
        project.assets.create("f2.xlsx")
    counts = {"created": 4, "invalid": 1}
    assert project.assets.create("f2.xlsx", run="v").counts == counts
    assert project.assets.create("f.xlsx", run="v").write_fixes("f3.xlsx") == 0
    assert named(sim) == [f"A-{place}" for place in range(5)]


def test_a_file_of_a_check_becomes_one_of_the_run(project: acc.Project, sim: acc.testing.Simulator) -> None:
    assert project.assets.validate(units(4, (1, 2))).write_fixes("f.xlsx") == 2
    project.assets.create(units(4, (1, 2)), run="x")
    corrected("f.xlsx", (2,), Status="Installed")
    assert project.assets.create("f.xlsx", run="x").write_fixes("f2.xlsx") == 1
    assert hidden("f2.xlsx")[0].endswith(":x")
    with pytest.raises(acc.InputError, match="of the run `x`"):
        project.assets.create(corrected("f2.xlsx", Status="Installed"))
    assert project.assets.create("f2.xlsx", run="x").counts == {"created": 4}
    assert len(named(sim)) == 4


def test_the_file_of_a_dry_run_fits_the_run(project: acc.Project, sim: acc.testing.Simulator) -> None:
    rows = units(3, (1,))
    assert project.assets.create(rows, run="d", dry_run=True).write_fixes("f.xlsx") == 1
    assert project.assets.create(rows, run="d").counts == {"created": 2, "invalid": 1}
    assert project.assets.create(rows, run="d", dry_run=True).write_fixes("f2.xlsx") == 1
    assert hidden("f2.xlsx")[0].endswith(":d")
    corrected("f.xlsx", Status="Installed")
    assert project.assets.create("f.xlsx", run="d").counts == {"created": 3}
    assert project.assets.create(corrected("f2.xlsx", Status="Installed"), run="d").counts == {"created": 3}
    assert len(named(sim)) == 3
