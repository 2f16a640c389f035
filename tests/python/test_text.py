"""Text from the service and from sheets, as shown to users: control characters and bidi marks are escaped."""

from __future__ import annotations

import logging
import pathlib
import pickle
import unicodedata
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from conftest import kit_of

import acc_assets as acc
from acc_assets import _core

# A terminal escape, a bell, a bidirectional override, and text that would be a separate line in a log.
EVIL = "\x1b[31mred\x07\u202egnp\u2066\r\nCRITICAL\u2028 forged"
SHOWN = r"\x1b[31mred\x07\u202egnp\u2066\r\nCRITICAL\u2028 forged"
PROJECT = {
    "status_sets": [{"name": f"Set {EVIL}", "statuses": [f"Open {EVIL}", "Done"]}],
    "attributes": [
        {"display_name": f"Medium {EVIL}", "type": "select", "options": [f"Water {EVIL}", "Steam"]},
        {"display_name": "Note", "type": "text"},
    ],
    "categories": [
        {
            "path": ["Piping", f"Valves {EVIL}"],
            "status_set": f"Set {EVIL}",
            "attributes": [f"Medium {EVIL}", "Note"],
        }
    ],
    "locations": [{"path": [f"Hall {EVIL}", "Bay 7"], "barcode": "H2-7"}],
}


@pytest.fixture
def evil() -> Iterator[acc.Project]:
    """A project with names that are unsafe to print."""
    with acc.testing.Simulator(project=PROJECT, window=0.5) as sim:
        yield sim.client().project(sim.project_id)


def is_fit_to_print(text: str) -> bool:
    """Return whether a text has no bidirectional marks, and no control characters except line breaks."""
    return not any(
        unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") for character in text if character != "\n"
    )


def check(text: str) -> None:
    assert is_fit_to_print(text), text.encode("unicode_escape")
    assert "\nCRITICAL" not in text


def test_shown_escapes_control_characters() -> None:
    assert _core.shown(EVIL) == SHOWN
    assert _core.shown(SHOWN) == SHOWN
    for text in ("", "AHU-1", "Größe 5 µm · 温度 🌡", "C:\\plant\\new", "\u0645\u0636\u062e\u0629", "e\u0301"):
        assert _core.shown(text) == text
    assert _core.shown("a\tb\x7f\x85\ufeff\U000e0041") == r"a\tb\x7f\x85\ufeff\U000e0041"


def test_results_and_reports(evil: acc.Project) -> None:
    row = {
        "Asset ID": f"V {EVIL}",
        "Category": f"Valves{EVIL}",
        "Status": f"Opn {EVIL}",
        f"Medum {EVIL}": EVIL,
    }
    report = evil.assets.validate([row])
    result = evil.assets.create([row], on_error="collect")
    assert not result.ok
    for shown in (repr(report), repr(result), str(result[0].error)):
        check(shown)
        assert "CRITICAL" in shown
    check(report._repr_html_())
    check(result._repr_html_())
    for finding in report.causes:
        check(finding.message)
        check(finding.fix)


def test_errors(evil: acc.Project, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "plant.csv"
    path.write_text(f'"a{EVIL}","a{EVIL}"\n1,2\n', encoding="utf-8")

    def raised() -> Iterator[Exception]:
        for call in (
            lambda: evil.settings().category(EVIL),
            lambda: evil.assets.create(path),
            lambda: evil.assets.create(path, sheet=EVIL),
            lambda: evil.assets.delete([{EVIL: 1}], key=EVIL, batch_size=EVIL),  # type: ignore[arg-type]
            lambda: evil.assets.validate([{EVIL: EVIL}]).raise_if_failed(),
            lambda: evil.assets.create([{EVIL: EVIL}], on_error="raise"),
            lambda: acc.Setup.from_dict({EVIL: EVIL}),
        ):
            with pytest.raises(acc.AccError) as found:
                call()
            yield found.value

    for error in raised():
        check(str(error))
        check(repr(error))
        check(str(pickle.loads(pickle.dumps(error))))


def test_arguments_are_escaped_in_one_notation(evil: acc.Project) -> None:
    given, shown = "e\u0301 C:\\new \x1b[31m", "e\u0301 C:\\new \\x1b[31m"
    for call in (
        lambda: evil.settings().category(given),
        lambda: acc.Client("token", region=given),
        lambda: acc.Client("token").project(given),
    ):
        with pytest.raises(acc.OptionError) as caught:
            call()
        assert shown in str(caught.value)
        assert "{" not in str(caught.value)


def test_errors_of_the_service() -> None:
    error = acc.ApiError(EVIL, status=400, code=EVIL, body=EVIL)
    check(str(error))
    assert SHOWN in str(error)
    assert error.body == EVIL


def test_settings(evil: acc.Project) -> None:
    settings = evil.settings()
    check(settings.tree())
    assert f"Valves {SHOWN}" in settings.tree()
    check(settings._repr_html_())
    check(repr(settings))
    # Data is unchanged.
    assert any(category.name == f"Valves {EVIL}" for category in settings.categories)


def test_warnings_and_log_lines(evil: acc.Project, caplog: pytest.LogCaptureFixture) -> None:
    row = {"Asset ID": f"V {EVIL}", "Category": f"Valves {EVIL}", "Status": "Done", "Note": "00123"}
    with warnings.catch_warnings(record=True) as found, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        evil.assets.create([row, row], mapping={"Note": "Note"}, on_error="collect")
        evil.assets.create([{**row, "Status": EVIL}], on_error="collect")
    for warning in found:
        check(str(warning.message))
    assert caplog.records
    for record in caplog.records:
        check(record.getMessage())


def test_setups(evil: acc.Project) -> None:
    setup = evil.setup()
    check(repr(setup))
    with acc.testing.Simulator(seed=2) as sim:
        plan = sim.client().project(sim.project_id).plan_setup(setup)
    assert f"Valves {SHOWN}" in repr(plan)
    check(repr(plan))
    check(plan._repr_html_())


def check_parts(path: pathlib.Path) -> None:
    """Check that each part of a workbook is well-formed XML."""
    with zipfile.ZipFile(path) as book:
        for part in book.namelist():
            ElementTree.fromstring(book.read(part))


def test_a_template_is_well_formed(evil: acc.Project, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "template.xlsx"
    evil.assets.template(["Piping", f"Valves {EVIL}"], path)
    check_parts(path)
    openpyxl: Any = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    names = [cell.value for cell in sheet[1]]
    assert any(str(title).startswith("Medium ") for title in names)
    for column, value in {"Asset ID *": "V-1", "Status *": "Done"}.items():
        sheet.cell(2, names.index(column) + 1).value = value
    book.save(path)
    assert evil.assets.create(path, on_error="collect").counts == {"created": 1}


def test_rows_to_fix_are_well_formed(evil: acc.Project, tmp_path: pathlib.Path) -> None:
    row = {f"Asset ID {EVIL}": EVIL, "Asset ID": EVIL, "Category": EVIL, "Status": EVIL}
    path = tmp_path / "to_fix.xlsx"
    assert evil.assets.validate([row]).write_fixes(path) == 1
    check_parts(path)


def test_html_of_a_table(sim: acc.testing.Simulator) -> None:
    kit = kit_of(sim)
    project = sim.client().project(sim.project_id)
    result = project.assets.create([kit.row(f"V {EVIL}", description=EVIL)], returning=True)
    assert result.assets is not None
    check(result.assets._repr_html_())
    assert result.assets[0]["description"] == EVIL
