"""Data as offices have it: encodings, separators, dates, words, merged cells, totals and number formats."""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import io
import json
import pathlib
import unicodedata
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import pytest

import acc_assets as acc
from acc_assets.typing import ReadOptions

pytestmark = pytest.mark.once

UNIT = {"Asset ID": "AHU-1", "Category": "HVAC > Air Handling", "Status": "Installed"}
Csv = Callable[..., pathlib.Path]


@pytest.fixture
def csv(tmp_path: pathlib.Path) -> Csv:
    """Write a text file."""

    def write(*lines: str, encoding: str = "utf-8", name: str = "plant.csv") -> pathlib.Path:
        path = tmp_path / name
        path.write_bytes("".join(f"{line}\r\n" for line in lines).encode(encoding))
        return path

    return write


# Rows below a subtotal may be assets, so the fix does not say to skip them.
FOOTER_OF_TWO = "remove the row, or set skip_footer=2 if the last 2 rows contain no asset"


def unit(**cells: object) -> dict[str, object]:
    return {**UNIT, **cells}


def made(project: acc.Project, data: Any, **options: Any) -> list[dict[str, Any]]:
    """Create assets, and return them."""
    result = project.assets.create(data, returning=True, progress=False, **options)
    assert result.ok, result
    assert result.assets is not None
    return [dict(asset) for asset in result.assets.to_dicts()]


def value_of(project: acc.Project, column: str, cell: object, **options: Any) -> object:
    """Create an asset with one more cell, and return the value of its attribute."""
    (asset,) = made(project, [unit(**{column: cell})], **options)
    names = {attribute.display_name: attribute.name for attribute in project.settings().attributes}
    return asset["customAttributes"].get(names[column])


def problem(project: acc.Project, data: Any, **options: Any) -> tuple[str | None, str, str | None]:
    """Return code, message and fix of the only problem."""
    report = project.assets.validate(data, progress=False, **options)
    (cause,) = report.causes
    return cause.code, cause.message, cause.fix


# ---- the sheet of a German office ----

MAPPING = """
# How our plant lists are read. One file for all projects.
[columns]
Kennzeichen = "Asset ID"
Gewerk = "Category"
"Zustand" = "Status"
"Luftmenge (m³/h)" = "Airflow"
Einbaudatum = "Installation Date"
"Geprüft" = "Commissioned"
Hersteller = "Manufacturer"
"Prüfer" = false

[values.Zustand]
eingebaut = "Installed"
bestellt = "Ordered"

[values.Category]
"Lüftung" = "HVAC > Air Handling"
"Kälte" = "HVAC > Air Handling"

[read]
encoding = "windows-1252"
decimal = ","
thousands = "."
dayfirst = true
true_values = ["ja"]
false_values = ["nein"]
fill_down = ["Gewerk"]
skip_rows = 3
skip_footer = 2
"""
HEAD = "Kennzeichen;Gewerk;Zustand;Luftmenge (m³/h);Einbaudatum;Geprüft;Hersteller;Prüfer"


def german(rows: int) -> list[str]:
    lines = ["Anlagenliste;Bürogebäude Süd;;;;;;", "Stand;15.03.2026;;;;;;", "", HEAD]
    for row in range(rows):
        category = ("Lüftung", "Kälte")[row // 10 % 2] if row % 10 == 0 else ""
        state = ("eingebaut", "bestellt", "Eingebaut")[row % 3]
        flow = f"{row % 9 + 1}.{row % 1000:03},5" if row % 4 else f"{row},25"
        date = (
            f"{row % 28 + 1:02}.{row % 7 + 1:02}.2026" if row % 2 else f"2026-{row % 12 + 1}-{row % 28 + 1}"
        )
        checked = ("ja", "nein", "")[row % 3]
        lines.append(f"RLT-{row:04}  ;{category};{state};{flow};{date};{checked};Müller & Söhne;Jörg")
    return [*lines, ";;;;;;;", "Summe;;;1.234.567,5;;;;", "Erstellt von Jörg;;;;;;;"]


def test_german_sheet_is_imported_with_a_mapping_file(
    csv: Csv, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    path = csv(*german(2000), encoding="windows-1252")
    mapping = tmp_path / "office.toml"
    mapping.write_text(MAPPING, encoding="utf-8")
    with pytest.warns(acc.DataWarning) as warned:
        assets = made(project, path, mapping=mapping)
    assert len(assets) == 2000
    names = {attribute.display_name: attribute.name for attribute in project.settings().attributes}
    found = {asset["clientAssetId"]: asset for asset in assets}
    first = found["RLT-0000"]["customAttributes"]
    assert float(first[names["Airflow"]]) == 0.25
    assert first[names["Installation Date"]] == "2026-01-01"
    assert first[names["Commissioned"]] is True
    assert first[names["Manufacturer"]] == "Müller & Söhne"
    ninth = found["RLT-0009"]["customAttributes"]
    assert float(ninth[names["Airflow"]]) == 1009.5
    assert found["RLT-0003"]["customAttributes"][names["Installation Date"]] == "2026-04-04"
    assert found["RLT-0009"]["customAttributes"][names["Installation Date"]] == "2026-03-10"
    assert found["RLT-0015"]["customAttributes"][names["Installation Date"]] == "2026-02-16"
    assert ninth[names["Commissioned"]] is True
    assert found["RLT-0001"]["customAttributes"][names["Commissioned"]] is False
    assert names["Commissioned"] not in found["RLT-0002"]["customAttributes"]
    assert found["RLT-0002"]["statusId"] == found["RLT-0000"]["statusId"] != found["RLT-0001"]["statusId"]
    texts = [str(warning.message) for warning in warned]
    assert any("`Gewerk` have the value of the row above" in text for text in texts)
    assert any("lines 2006 to 2007 were skipped" in text for text in texts)
    assert any("spaces were removed from `Kennzeichen` in 2000 rows" in text for text in texts)


def test_german_sheet_without_options_says_what_to_set(csv: Csv, project: acc.Project) -> None:
    path = csv(*german(20)[3:], encoding="windows-1252")
    mapping = {
        "Kennzeichen": "Asset ID",
        "Gewerk": "Category",
        "Zustand": "Status",
        "Luftmenge (m³/h)": "Airflow",
        "Einbaudatum": "Installation Date",
        "Geprüft": "Commissioned",
        "Hersteller": "Manufacturer",
        "Prüfer": None,
    }
    report = project.assets.validate(path, mapping=mapping)
    fixes = {cause.code: str(cause.fix) for cause in report.causes}
    assert 'decimal=","' in fixes["number"]
    assert "dayfirst=True" in fixes["date"]
    assert "true_values=" in fixes["yes_no"]
    assert fixes["totals_row"] == FOOTER_OF_TWO
    assert any("was read as windows-1252" in text for text in report.warnings)


# ---- encodings ----


@pytest.mark.parametrize(
    "encoding", ["windows-1252", "utf-16", "utf-16-le", "utf-16-be", "utf-8", "utf-8-sig"]
)
def test_encoding_is_guessed(encoding: str, csv: Csv, project: acc.Project) -> None:
    path = csv("Asset ID;Category;Status;Manufacturer", "Lüfter-1;HVAC;Installed;Käfer", encoding=encoding)
    report = project.assets.validate(path)
    assert report.ok, report
    is_guess = encoding in ("windows-1252", "utf-16-le", "utf-16-be")
    assert any("set encoding=" in text for text in report.warnings) == is_guess
    with path.open("rb") as file:
        assert project.assets.validate(file).ok
    (asset,) = made(project, acc.read(path, encoding=encoding))
    assert asset["clientAssetId"] == "Lüfter-1"


def test_guessed_encoding_is_a_warning_of_create(csv: Csv, project: acc.Project) -> None:
    path = csv("Asset ID;Category;Status", "Lüfter;HVAC;Installed", encoding="windows-1252")
    with pytest.warns(
        acc.DataWarning, match='not in UTF-8 and was read as windows-1252.*encoding="windows-1252"'
    ):
        made(project, path)


def test_large_files_are_guessed_from_all_bytes(csv: Csv, project: acc.Project) -> None:
    lines = [f"AHU-{row};HVAC;Installed;{'x' * 200}" for row in range(1000)]
    head = "Asset ID;Category;Status;Description"
    path = csv(head, *lines, "Lüfter;HVAC;Installed;", encoding="windows-1252")
    assert project.assets.create(path, dry_run=True)[-1].key == "Lüfter"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            "Asset ID;Category\r\nLüfter;ä\r\n".encode() + b"L\xfcfter;x\r\n",
            r"not entirely in UTF-8 \(line 3\)",
        ),
        (b"Asset ID;Category\r\n\0\1\2;x\r\n", "is not in UTF-8"),
        (b"\xef\xbb\xbfAsset ID;Category\r\nL\xfcfter;x\r\n", r"not entirely in UTF-8 \(line 2\)"),
        ("Nazwa;Opis\r\nZażółć;Gęślą jaźń, łącznik świeży\r\n".encode("cp1250"), "may be in windows-1250"),
        ("Nazwa\r\nZawór główny\r\n".encode("cp1250"), "may be in windows-1250"),
        (b"\xff\xfeA", "is not in UTF-16LE"),
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
    ],
)
def test_files_that_cannot_be_decoded(
    content: bytes, says: str, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "plant.csv"
    path.write_bytes(content)
    with pytest.raises(acc.InputError, match=says):
        project.assets.validate(path)


def test_given_encoding_that_does_not_fit(csv: Csv, project: acc.Project) -> None:
    path = csv("Asset ID;Category;Status", "a;b;c", "Lüfter;HVAC;Installed", encoding="windows-1252")
    with pytest.raises(acc.InputError, match=r"is not in UTF-8 \(line 3\)"):
        project.assets.validate(path, encoding="utf-8")
    with pytest.raises(acc.InputError, match="is not in UTF-16LE: set encoding="):
        project.assets.validate(path, encoding="utf-16")
    # A byte order mark is certain.
    path = csv("Asset ID;Category;Status", "Lüfter;HVAC;Installed", encoding="utf-8-sig")
    (asset,) = made(project, path, encoding="windows-1252")
    assert asset["clientAssetId"] == "Lüfter"


@pytest.mark.parametrize(
    ("encoding", "given", "found"),
    [
        ("utf-8", "windows-1252", "UTF-8"),
        ("utf-8", "iso-8859-15", "UTF-8"),
        ("utf-16-be", "utf-16", "UTF-16BE"),
        ("utf-16-le", "utf-16-be", "UTF-16LE"),
    ],
)
def test_certain_encoding_wins_over_the_given_one(
    encoding: str, given: str, found: str, csv: Csv, project: acc.Project
) -> None:
    path = csv("Asset ID;Category;Status", "Lüfter;HVAC;Installed", encoding=encoding)
    report = project.assets.validate(path, encoding=given)
    assert any(text.startswith(f"the file is in {found}, not in ") for text in report.warnings)
    assert project.assets.create(path, encoding=given, dry_run=True)[0].key == "Lüfter"


@pytest.mark.parametrize(
    "text",
    ["Größe; Luftmenge (m³/h)", "20 °C", "Ø 200", "±5", "²", "½ Zoll", "Straße", "Küche „Süd“", "é", "Åse"],
)
def test_few_letters_of_windows_1252_are_enough(text: str, csv: Csv, project: acc.Project) -> None:
    path = csv(f"Asset ID;Category;Status;Description;{text}", f"A;HVAC;Installed;{text};", encoding="cp1252")
    (asset,) = made(project, path, mapping=dict.fromkeys(text.split(";")) | {text: None})
    assert asset["description"] == text.partition(";")[0]


@pytest.mark.parametrize(
    ("encoding", "text", "says"),
    [
        ("cp850", "Lüftung", "is not in UTF-8: save it in Excel as"),
        ("cp437", "Äußere Lüftung", "is not in UTF-8"),
        ("shift_jis", "空調機", "is not (entirely )?in UTF-8"),
    ],
)
def test_encodings_of_other_systems_are_not_guessed(
    encoding: str, text: str, says: str, csv: Csv, project: acc.Project
) -> None:
    path = csv("Asset ID;Category;Status", f"{text};HVAC;Installed", encoding=encoding)
    with pytest.raises(acc.InputError, match=says) as caught:
        project.assets.validate(path)
    assert not any(name in str(caught.value) for name in ("Shift_JIS", "GBK", "Big5", "EUC"))


def test_bytes_without_a_character_are_not_windows_1252(csv: Csv, project: acc.Project) -> None:
    path = csv("Asset ID;Category;Status", "x;HVAC;Installed", "Lüftung;HVAC;Installed", encoding="cp850")
    with pytest.raises(acc.InputError, match=r"is not in windows-1252 \(line 3\)"):
        project.assets.validate(path, encoding="windows-1252")


# ---- numbers ----


@pytest.mark.parametrize(
    ("cell", "options", "number"),
    [
        ("12,5", {"decimal": ","}, 12.5),
        ("1.234,5", {"decimal": ",", "thousands": "."}, 1234.5),
        ("1.234", {"decimal": ",", "thousands": "."}, 1234),
        ("1,234.5", {"thousands": ","}, 1234.5),
        ("1\u202f234,5", {"decimal": ",", "thousands": " "}, 1234.5),
        ("1 234", {"thousands": "\xa0"}, 1234),
        (1.234, {"decimal": ","}, 1.234),
        ("voll", {"decimal": ",", "thousands": ".", "values": {"Airflow": {"voll": 1.234}}}, 1.234),
        ("voll", {"decimal": ",", "values": {"Airflow": {"voll": 1e-5}}}, 0.00001),
        (3.0, {"values": {"Airflow": {3.0: 7}}}, 7),
        ("1.234", {}, 1.234),
    ],
)
def test_numbers_are_read_with_their_separators(
    cell: object, options: ReadOptions, number: float, project: acc.Project
) -> None:
    assert float(str(value_of(project, "Airflow", cell, **options))) == number


@pytest.mark.parametrize(
    ("cell", "options", "fix"),
    [
        ("12,5", {}, 'set decimal=","'),
        ("1.234", {"decimal": ","}, 'set thousands="."'),
        ("12.5", {"decimal": ","}, "write the number with a decimal comma"),
        ("1.23.456", {"decimal": ",", "thousands": "."}, "write the number with a decimal comma"),
        ("1,234", {}, 'set decimal="," if'),
        ("0.500", {"decimal": ",", "thousands": "."}, "write the number with a decimal comma"),
        ("0,500", {"thousands": ","}, 'set decimal=","'),
    ],
)
def test_ambiguous_numbers_are_invalid(
    cell: str, options: ReadOptions, fix: str, project: acc.Project
) -> None:
    code, _, found = problem(project, [unit(Airflow=cell)], **options)
    assert code == "number"
    assert str(found).startswith(fix)


# ---- dates ----


@pytest.mark.parametrize(
    ("cell", "options", "date"),
    [
        ("15.03.2026", {}, "2026-03-15"),
        ("2026-3-5", {}, "2026-03-05"),
        ("2026/3/5", {}, "2026-03-05"),
        ("15/03/2026", {}, "2026-03-15"),
        ("3/15/2026", {}, "2026-03-15"),
        ("03.04.2026", {"dayfirst": True}, "2026-04-03"),
        ("3/4/2026", {"dayfirst": False}, "2026-03-04"),
        ("15.03.2026 00:00", {}, "2026-03-15"),
        ("15.03.2026 14:30", {"dates": "truncate"}, "2026-03-15"),
    ],
)
def test_dates_are_read_if_they_have_one_meaning(
    cell: str, options: ReadOptions, date: str, project: acc.Project
) -> None:
    assert value_of(project, "Installation Date", cell, **options) == date


@pytest.mark.parametrize(
    ("cell", "options", "says"),
    [
        ("03.04.2026", {}, ("ambiguous date", "set dayfirst=True")),
        ("3/4/2026", {}, ("ambiguous date", "set dayfirst=True")),
        ("31.02.2026", {}, ("this date does not exist", "correct the date")),
        ("31.02.2026", {"dayfirst": True}, ("this date does not exist", "correct the date")),
        ("3/15/2026", {"dayfirst": True}, ("there is no month 15", "year-month-day")),
        ("15.03.26", {}, ("two-digit year", "four digits")),
        ("15.03.2026 14:30", {}, ("time of day", "dates='truncate'")),
        ("soon", {}, ("not a date", "year-month-day")),
    ],
)
def test_other_dates_are_invalid(
    cell: str, options: ReadOptions, says: tuple[str, str], project: acc.Project
) -> None:
    _, message, fix = problem(project, [unit(**{"Installation Date": cell})], **options)
    assert says[0] in message
    # An option is named only if it helps.
    assert ("dayfirst" in str(fix)) == ("ambiguous" in message)
    assert says[1] in str(fix)


def test_dates_of_other_rows_do_not_matter(project: acc.Project) -> None:
    rows = [unit(**{"Installation Date": text}) for text in ("15.03.2026", "03.04.2026")]
    assert project.assets.validate(rows).counts["invalid"] == 1


# ---- words ----


def test_times_with_a_zone_say_to_convert_them(project: acc.Project) -> None:
    pandas = pytest.importorskip("pandas")
    local = pandas.Series(pandas.to_datetime(["2026-03-01"])).dt.tz_localize("Europe/Berlin")
    times = local.dt.tz_convert("UTC")
    frame = pandas.DataFrame([UNIT]).assign(**{"Installation Date": times})
    texts = [unit(**{"Installation Date": str(times[0])})]
    for data in (frame, frame.to_dict("records"), texts):
        code, message, fix = problem(project, data)
        assert code == "date_only"
        assert "+00:00" in message
        assert fix is not None
        assert fix.startswith(
            "convert the times to the local time zone first, for example with .dt.tz_convert("
        )
    frame["Installation Date"] = times.dt.tz_convert("Europe/Berlin")
    assert list(made(project, frame)[0]["customAttributes"].values()) == ["2026-03-01"]
    naive = [unit(**{"Installation Date": "2026-02-28 23:00:00"})]
    assert problem(project, naive)[2] == "remove the time of day, or pass dates='truncate' to drop it"


def test_times_in_rows_to_fix_keep_their_zone(project: acc.Project, tmp_path: pathlib.Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    zone = dt.timezone(dt.timedelta(hours=-3, minutes=-30))
    times = [dt.datetime(2026, 2, 28, 23, tzinfo=dt.timezone.utc), dt.datetime(2026, 2, 28, 23, tzinfo=zone)]
    rows = [unit(**{"Asset ID": f"AHU-{hour}", "Installation Date": time}) for hour, time in enumerate(times)]
    result = project.assets.create(rows)
    path = tmp_path / "to_fix.xlsx"
    assert result.write_fixes(path) == 2
    book = openpyxl.load_workbook(path)
    heads = [cell.value for cell in book.active[1]]
    cells = [book.active.cell(row, heads.index("Installation Date") + 1).value for row in (2, 3)]
    assert cells == ["2026-02-28T23:00:00+00:00", "2026-02-28T23:00:00-03:30"]
    _, message, fix = problem(project, path)
    assert "2026-02-28T23:00:00" in message
    assert fix is not None
    assert fix.startswith("convert the times to the local time zone first")


def test_truncated_times_with_a_zone_are_one_warning(project: acc.Project) -> None:
    utc = dt.timezone.utc
    times: list[object] = [
        dt.datetime(2026, 3, 1, tzinfo=utc),
        dt.datetime(2026, 2, 28, 23, tzinfo=utc),
        "2026-02-28T23:00:00+00:00",
        "2026-02-28T22:00:00Z",
        dt.datetime(2026, 2, 28, 23),
        "2026-02-28 23:00:00",
    ]
    rows = [unit(**{"Asset ID": f"AHU-{row}", "Installation Date": time}) for row, time in enumerate(times)]
    report = project.assets.validate(rows, dates="truncate")
    assert report.ok
    assert [warning for warning in report.warnings if "zone" in warning] == [
        "`Installation Date` has times with a time zone in 3 rows (first: row 1), for example 2026-02-28T23:00:00+00:00. "
        'Their date in that zone was used (dates="truncate"). In the local time zone, it may be another date'
    ]
    assert not [warning for warning in project.assets.validate(rows).warnings if "zone" in warning]


@pytest.mark.parametrize("text", ["2026-03-01T00:00:00Z", "2026-03-01 00:00:00Z", "2026-03-01T00:00:00.000Z"])
def test_z_is_an_offset(project: acc.Project, text: str) -> None:
    assert value_of(project, "Installation Date", text) == "2026-03-01"
    code, _, fix = problem(project, [unit(**{"Installation Date": text.replace("00:00:00", "23:00:00")})])
    assert code == "date_only"
    assert fix is not None
    assert fix.startswith("convert the times")
    for other in ("2026-03-01Z", "Z", "2026-03-01T25:00:00Z"):
        assert problem(project, [unit(**{"Installation Date": other})])[0] == "date"


def test_words_for_true_and_false(project: acc.Project) -> None:
    words: ReadOptions = {"true_values": ["ja", "x"], "false_values": "nein"}
    assert value_of(project, "Commissioned", "Ja", **words) is True
    assert value_of(project, "Commissioned", "x ", **words) is True
    assert value_of(project, "Commissioned", "NEIN", **words) is False
    assert value_of(project, "Commissioned", "yes", **words) is True
    code, _, fix = problem(project, [unit(Commissioned="ja")])
    assert code == "yes_no"
    assert "true_values=" in str(fix)


def test_values_are_replaced_before_they_are_read(project: acc.Project) -> None:
    rows = [unit(Zustand="eingebaut ", Airflow="k. A."), unit(Zustand=3, Airflow=1)]
    for row in rows:
        del row["Status"]
    values: dict[str, Any] = {"Zustand": {"Eingebaut": "Installed", 3: "Ordered"}, "Airflow": {"k. A.": None}}
    assets = made(project, rows, values=values, mapping={"Zustand": "Status"})
    assert assets[0]["statusId"] != assets[1]["statusId"]
    # By field, too.
    assert made(
        project, rows, values={**values, "Status": values.pop("Zustand")}, mapping={"Zustand": "Status"}
    )


def test_a_word_may_mean_another_status_in_each_set(
    sim: acc.testing.Simulator, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    categories = ["HVAC > Air Handling", "Electrical > Lighting"]
    rows = [{"Asset ID": f"A-{at}", "Category": categories[at % 2], "Status": "geplant"} for at in range(4)]
    report = project.assets.validate(rows, values={"Status": {"geplant": "Specified"}})
    assert [cause.fix for cause in report.causes] == [
        "use one of `Planned`, `Installed`, `Tested`, `Energised`. If the word means a different status in each set, "
        "list all of them in values=, this one first: 'Specified; ...'"
    ]
    words: Any = {"Status": {"geplant": "Specified; Planned"}}
    given = [*rows, {**rows[0], "Asset ID": ""}]
    first: Any = {"Status": {"geplant": "Specified"}}
    run = tmp_path / "run"
    assert project.assets.create(given, values=first, run=run).counts == {"created": 2, "invalid": 3}
    result = project.assets.create(given, values=words, run=run)
    assert result.statuses == ["created"] * 4 + ["invalid"]
    table = project.assets.list(sort="clientAssetId")
    assert list(table.to_pandas()["Status"]) == ["Specified", "Planned"] * 2
    # A file of rows to fix has the labels.
    result.write_fixes(tmp_path / "fix.xlsx")
    fixed = project.assets.validate(tmp_path / "fix.xlsx")
    assert [cause.column for cause in fixed.causes] == ["Asset ID"]
    # A label that no set has is no choice.
    assert not project.assets.validate(rows, values={"Status": {"geplant": "No; None"}}).ok
    table = project.assets.list().to_pandas()
    table["Status"] = "Specified; Planned"
    assert project.assets.patch(table, values=words).counts == {"unchanged": 4}


def test_values_ignore_case_only_if_that_is_clear(project: acc.Project) -> None:
    values = {"Status": {"i": "Installed", "I": "Ordered", "o": "Ordered"}}
    statuses = [made(project, [unit(Status=text)], values=values)[0]["statusId"] for text in ("i", "I", "O")]
    assert statuses[0] != statuses[1] == statuses[2]


def test_columns_that_do_not_exist_are_reported(project: acc.Project) -> None:
    report = project.assets.validate(
        [UNIT],
        mapping={"Barcod": "Barcode", "Asset IDs": None},
        values={"Stats": {"a": "b"}},
        fill_down=["Categry"],
    )
    assert report.ok
    assert [text for text in report.warnings if "do not have" in text] == [
        "mapping= names columns that the rows do not have: `Barcod`, `Asset IDs` (did you mean `Asset ID`?)",
        "values= names columns that the rows do not have: `Stats` (did you mean `Status`?)",
        "fill_down= names columns that the rows do not have: `Categry` (did you mean `Category`?)",
    ]


def test_options_that_need_settings_are_reported_without_them(project: acc.Project) -> None:
    (asset,) = made(project, [UNIT])
    row = {name: asset[name] for name in ("clientAssetId", "categoryId", "statusId")}
    options: ReadOptions = {"decimal": ",", "true_values": ["ja"]}
    report = project.assets.validate([row], settings=None, **options)
    says = (
        "without the project's settings (settings=None), these options have no effect: decimal=, true_values="
    )
    assert says in report.warnings
    assert not any("no effect" in text for text in project.assets.validate([UNIT], **options).warnings)


# ---- merged cells and totals ----


def frames(rows: Sequence[dict[str, object]], tmp_path: pathlib.Path) -> list[Any]:
    """The same rows as dicts, frames and files."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rows)
    lines = tmp_path / "rows.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
    frame.to_csv(tmp_path / "rows.csv", index=False)
    frame.to_excel(tmp_path / "rows.xlsx", index=False)
    polars = pytest.importorskip("polars")
    return [
        list(rows), iter(rows), frame, polars.DataFrame(rows), lines, tmp_path / "rows.csv", tmp_path / "rows.xlsx",
    ]  # fmt: skip


def test_fill_down_fills_blank_cells_of_any_input(project: acc.Project, tmp_path: pathlib.Path) -> None:
    rows = [
        unit(
            **{"Asset ID": f"AHU-{row}", "Category": "HVAC" if row == 0 else "Plumbing" if row == 2 else None}
        )
        for row in range(4)
    ]
    for data in frames(rows, tmp_path):
        assets = made(project, data, fill_down=["Category"])
        categories = [asset["categoryId"] for asset in assets]
        assert categories[0] == categories[1] != categories[2] == categories[3], type(data)
    # A missing key is a blank cell.
    sparse = [{key: cell for key, cell in row.items() if cell is not None} for row in rows]
    assert len(made(project, sparse, fill_down="Category")) == 4


def test_unknown_statuses_of_filled_rows_name_those_of_the_category(project: acc.Project) -> None:
    """The category is filled after the other cells were read."""
    rows = [{**unit(**{"Asset ID": f"AHU-{row}"}), "Category": "" if row else "HVAC"} for row in range(3)]
    fixes = set()
    for data, options in (
        (rows, {"fill_down": ["Category"]}),
        (rows[:1], {}),
        ([dict(reversed(rows[0].items()))], {}),
    ):
        _, message, fix = problem(project, [{**row, "Status": "x"} for row in data], **options)
        assert "`Status` is 'x': the project has no such status" in message
        fixes.add(fix)
    (fix,) = fixes
    assert fix is not None
    assert fix.startswith("use one of ")
    labels = {status.label for status in project.settings().statuses}
    assert "Planned" in labels
    assert "Planned" not in fix


def test_fill_down_needs_a_row_above(project: acc.Project) -> None:
    rows = [unit(Category=""), unit(), unit(Category="")]
    result = project.assets.create(rows, fill_down=["Category"], dry_run=True)
    assert [outcome.status for outcome in result] == ["invalid", "not_sent", "not_sent"]


def test_fill_down_is_kept_in_the_rows_to_fix(project: acc.Project, tmp_path: pathlib.Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    rows = [unit(), unit(Category=None, Status="kaputt"), unit(Category=None)]
    result = project.assets.create(rows, fill_down=["Category"], run=tmp_path / "run")
    assert result.counts == {"created": 2, "invalid": 1}
    path = tmp_path / "to_fix.xlsx"
    assert result.write_fixes(path) == 1
    book = openpyxl.load_workbook(path)
    page = book.worksheets[0]
    assert [cell.value for cell in page[2]][:3] == ["AHU-1", "HVAC > Air Handling", "kaputt"]
    page["C2"] = "Installed"
    book.save(path)
    assert project.assets.create(path, run=tmp_path / "run").counts == {"created": 3}


def test_fill_down_carries_every_value_that_is_given(project: acc.Project) -> None:
    # The word in another column does not make a row of totals.
    rows = [
        unit(Description="x"),
        unit(Category="Plumbing", Description="Total"),
        unit(Category="", Description="x"),
        unit(Category="", Description="Gesamt"),
        unit(Category=None, Barcode="TOTAL"),
    ]
    assets = made(project, rows, fill_down=["Category"])
    first, *others = [asset["categoryId"] for asset in assets]
    assert {first} != {*others}
    assert len({*others}) == 1
    # A row of totals fills nothing, but its values count for the rows below.
    rows = [unit(), {"Asset ID": "Summe", "Category": "Plumbing", "Status": None}, unit(Category="")]
    result = project.assets.create(rows, fill_down=["Category"], on_error="collect", returning=True)
    assert result.counts == {"created": 2, "invalid": 1}
    assert result.assets is not None
    assert [asset["categoryId"] for asset in result.assets.to_dicts()] == [first, others[0]]


def test_fill_down_leaves_rows_that_are_no_assets(project: acc.Project) -> None:
    head: dict[str, object] = {"Category": "", "Status": "", "Airflow": ""}
    for name, flow in (
        ("Summe Luftmenge", "5"),
        ("Total count: 2", ""),
        ("Gesamtluftmenge:", "5"),
        ("By Jo", ""),
    ):
        rows = [unit(Airflow="3"), {**head, "Asset ID": name, "Airflow": flow}]
        report = project.assets.validate(rows, fill_down=["Category", "Status"])
        assert report.counts == {"not_sent": 1, "invalid": 1}, name
    # Other rows are filled, also in a table without further columns.
    assert project.assets.validate(
        [unit(Airflow="3"), {**head, "Asset ID": "AHU-2", "Airflow": "5"}], fill_down=["Category", "Status"]
    ).ok
    assert project.assets.validate(
        [UNIT, {"Asset ID": "AHU-2", "Category": "", "Status": ""}], fill_down=["Category", "Status"]
    ).ok


@pytest.mark.parametrize("title", ["Summe", "Total:", "Gesamt (3)", "GRAND TOTAL", "Summe Luftmenge"])
def test_totals_are_invalid(title: str, csv: Csv, project: acc.Project, tmp_path: pathlib.Path) -> None:
    head = "Asset ID,Category,Status,Airflow"
    unit = "AHU-1,HVAC > Air Handling,Installed,3"
    for footer in (f"{title},,,3", f",{title},,3"):
        code, message, fix = problem(project, csv(head, unit, unit, footer))
        assert (code, fix) == ("totals_row", "set skip_footer=1")
        assert title.strip(":") in message
        # Merged cells do not turn a row of totals into an asset.
        path = csv(head, unit, footer, "Stand,,,")
        report = project.assets.validate(path, fill_down=["Category", "Status"])
        assert report.counts == {"not_sent": 1, "invalid": 2}
        assert "totals_row" in [cause.code for cause in report.causes]
    path = csv(head, unit, f"{title},,,3", "", "Stand: heute,,,")
    assert FOOTER_OF_TWO in [cause.fix for cause in project.assets.validate(path).causes]
    assert len(made(project, path, skip_footer=2)) == 1
    # In a frame, there is no footer to skip.
    code, _, fix = problem(project, [UNIT, {"Asset ID": title}])
    assert (code, fix) == ("totals_row", "remove the row")


@pytest.mark.parametrize(
    "title", ["Teilsumme", "Übertrag", "Ergebnis:", "Anzahl: 25", "Σ", "Average 3", "Count"]
)
def test_other_titles_of_totals_are_invalid(title: str, csv: Csv, project: acc.Project) -> None:
    path = csv("Asset ID,Category,Status,Airflow", "AHU-1,HVAC > Air Handling,Installed,3", f"{title},,,3")
    assert problem(project, path)[::2] == ("totals_row", "set skip_footer=1")


def test_repeated_headings_are_invalid_and_fill_nothing(csv: Csv, project: acc.Project) -> None:
    head = "Asset ID,Category,Status,Barcode"
    path = csv(head, "P-1,HVAC > Pumps,Installed,1", "P-2,,Installed,2", head, "P-3,,Installed,3")
    report = project.assets.validate(path, fill_down=["Category"])
    assert [(cause.code, cause.fix, cause.rows) for cause in report.causes] == [
        ("heading_row", "remove the row", 1)
    ]
    result = project.assets.create(path, fill_down=["Category"])
    assert result.statuses == ["created", "created", "invalid", "created"]
    # An asset may be called like its column.
    assert project.assets.validate([{**UNIT, "Asset ID": "Asset ID"}]).ok


def test_short_texts_among_padded_ones_are_warned_of(csv: Csv, project: acc.Project) -> None:
    head = "Asset ID,Category,Status,Barcode"
    lines = [f"A-{number},HVAC > Air Handling,Installed,{number:06}" for number in range(10, 14)]
    short = "A-1,HVAC > Air Handling,Installed,7"
    (warning,) = project.assets.validate(csv(head, short, *lines)).warnings
    assert warning == (
        "`Barcode` may have lost leading zeros in 1 row (line 2): it is '7', and other rows have 6 digits with leading zeros"
    )
    for others in (lines[:0], [*lines, "B-1,HVAC > Air Handling,Installed,1234567"]):
        assert project.assets.validate(csv(head, short, *others)).warnings == []


def test_totals_above_a_skipped_footer_count_it(csv: Csv, project: acc.Project) -> None:
    lines = [
        "Asset ID,Category,Status,Airflow",
        "AHU-1,HVAC > Air Handling,Installed,3",
        "Summe,,,3",
        "Stand: heute",
    ]
    assert problem(project, csv(*lines), skip_footer=1)[::2] == ("totals_row", "set skip_footer=2")
    report = project.assets.validate(csv(*lines[:3], "Jo", "Stand: heute"), skip_footer=1)
    assert "remove the row, or set skip_footer=3 if the last 3 rows contain no asset" in [
        cause.fix for cause in report.causes
    ]


def test_a_footer_that_looks_like_an_asset_is_refused(
    csv: Csv, toml: Toml, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    mapping = toml("[read]\nskip_footer = 2\n")
    lines: list[list[Any]] = [
        [*UNIT, "Airflow"],
        *([f"AHU-{row}", *list(UNIT.values())[1:], row] for row in range(3)),
    ]
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    book.save(tmp_path / "plant.xlsx")
    for path in (tmp_path / "plant.xlsx", csv(*(",".join(map(str, line)) for line in lines))):
        title = "sheet row" if path.suffix == ".xlsx" else "line"
        with pytest.raises(acc.InputError) as caught:
            project.assets.create(path, mapping=mapping)
        assert f"skip_footer=2 would skip {title} 4 of " in str(caught.value)
        assert "('AHU-2'), which looks like an asset" in str(caught.value)
        assert "Set skip_footer=0 for this file" in str(caught.value)
        assert project.assets.validate(path, mapping=mapping, skip_footer=0).ok
    # These do not look like an asset: totals, notes, and rows with fewer cells.
    for footer in ("Summe,x,x,3", "Stand: heute,,,", "AHU-9,HVAC > Air Handling,Installed,"):
        path = csv(*(",".join(map(str, line)) for line in lines), footer)
        assert project.assets.validate(path, skip_footer=1).counts == {"not_sent": 3}


COLUMNS = "Asset ID,Category,Status,Airflow,Pressure,Description"
FIRST = "AHU-1,HVAC > Air Handling,Installed,1,2,x"


@pytest.mark.parametrize(
    ("lines", "rows", "where"),
    [
        # There is no row above.
        ((COLUMNS, FIRST), 1, "the row of column names"),
        ((COLUMNS, "AHU-1,HVAC > Air Handling,Installed,,,"), 1, "the row of column names"),
        ((COLUMNS, FIRST, "AHU-2,HVAC > Air Handling,Installed,,,"), 2, "the row of column names"),
        # The row below a merged group has blank cells.
        ((COLUMNS, FIRST, "AHU-2,,,1,2,"), 1, "the row above"),
        ((COLUMNS, FIRST, "AHU-2,,,1,,", "AHU-3,,,1,,"), 1, "the row above"),
        (("Category,Asset ID,Status,Airflow", "HVAC,AHU-1,Installed,1", ",AHU-2,,2"), 1, "the row above"),
        # These are no assets, but look like some.
        (("id,Description", "1,x", "Stand:,15.03.2026"), 1, "the row above"),
        ((COLUMNS, FIRST, "Seite,1,von,1,,"), 1, "the row above"),
    ],
)
def test_rows_that_may_be_assets_are_skipped_only_if_the_call_says_so(
    csv: Csv, toml: Toml, lines: tuple[str, ...], rows: int, where: str
) -> None:
    path = csv(*lines)
    name = next(cell for cell in lines[-1].split(",") if cell)
    line = len(lines)
    with pytest.raises(acc.InputError) as caught:
        acc.read(path, mapping=toml(f"[read]\nskip_footer = {rows}\n"))
    assert f"skip_footer={rows} would skip line {line} of " in str(caught.value)
    assert f"('{name}'), which looks like an asset: " in str(caught.value)
    assert f"in the same columns as {where}. Set skip_footer=0 for this file" in str(caught.value)
    assert f"or, if the row is not an asset, pass skip_footer={rows} with the call" in str(caught.value)
    for mapping in (None, toml(f"[read]\nskip_footer = {rows}\n")):
        read = acc.read(path, mapping=mapping, skip_footer=rows)
        assert len(read) == len(lines) - 1 - rows


def test_a_skipped_row_that_may_be_an_asset_is_a_warning(csv: Csv, project: acc.Project) -> None:
    path = csv(COLUMNS, FIRST, "AHU-2,,,1,2,", "Jo,,,,,")
    warnings = project.assets.validate(path, skip_footer=2).warnings
    assert (
        "skip_footer=2 skipped line 3 ('AHU-2'), which looks like an asset: it has no word such as Total, but cells in the "
        "same columns as the row above. If it is an asset, set skip_footer=1"
    ) in warnings
    for footer in ("Stand:,15.03.2026,,,,", "Summe,x,x,1,2,", "Jo,,,,,", ",,,1,2,"):
        (note,) = (
            warning
            for warning in project.assets.validate(csv(COLUMNS, FIRST, footer), skip_footer=1).warnings
            if "skip" in warning
        )
        assert note.startswith("line 3 was skipped (skip_footer=1)")


def test_an_asset_may_be_called_total(project: acc.Project) -> None:
    assert made(project, [unit(**{"Asset ID": "Total"})])[0]["clientAssetId"] == "Total"


def test_totals_of_a_patch_are_invalid(project: acc.Project, csv: Csv) -> None:
    (asset,) = made(project, [UNIT])
    path = csv("id,Description", f"{asset['id']},x", ",Summe")
    assert problem(project, path, verb="patch")[::2] == ("totals_row", "set skip_footer=1")


# ---- rows above and below the table ----


def test_skipped_rows(csv: Csv, project: acc.Project, tmp_path: pathlib.Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    head, row = list(UNIT), list(UNIT.values())
    lines: list[list[Any]] = [
        ["Plant list", "Building A"],
        [],
        head,
        row,
        [],
        row,
        ["Sum", None, None, 2],
        ["Signed", "Jo"],
    ]
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    book.save(tmp_path / "plant.xlsx")
    text = csv(*(",".join("" if cell is None else str(cell) for cell in line) for line in lines))
    for path in (tmp_path / "plant.xlsx", text):
        assert not project.assets.validate(path).ok
        report = project.assets.validate(path, skip_rows=2, skip_footer=2)
        assert report.ok
        assert report.counts == {"not_sent": 2}
        title = "lines" if path == text else "sheet rows"
        assert f"{title} 7 to 8 were skipped (skip_footer=): 'Sum', 'Signed'" in report.warnings
        assert not any("column D" in warning for warning in report.warnings)
        assert project.assets.create(acc.read(path, skip_rows=2, skip_footer=2), dry_run=True)[1].label == 6
        with pytest.raises(
            acc.InputError, match="has only 4 rows below the column names, fewer than skip_footer=5"
        ):
            project.assets.validate(path, skip_rows=2, skip_footer=5)
        with pytest.raises(acc.InputError, match="has no rows below the first 80"):
            project.assets.validate(path, skip_rows=80)
        assert len(acc.read(path, skip_rows=2, skip_footer=4)) == 0


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_skip_rows_that_skips_the_column_names_says_so(
    ending: str, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    lines = [["Units"], ["Asset ID", "Category", "Status"], ["AHU-1", "HVAC > Pumps", "Installed"]]
    lines += [["AHU-2", "HVAC > Pumps", "Installed"]]
    path = tmp_path / f"units.{ending}"
    if ending == "csv":
        path.write_text("".join(",".join(line) + "\n" for line in lines))
    else:
        openpyxl = pytest.importorskip("openpyxl")
        book = openpyxl.Workbook()
        for line in lines:
            book.active.append(line)
        book.save(path)
    report = project.assets.validate(path, skip_rows=2)
    shown = ("line 2" if ending == "csv" else "sheet row 2") + " ('Asset ID', 'Category', 'Status')"
    fix = f"if {shown} has the column names, set skip_rows= to the number of rows above it"
    assert len(report.causes) == 3
    assert all(
        cause.fix.startswith("add it, or map") and cause.fix.endswith(f"; {fix}") for cause in report.causes
    )
    assert report.warnings[0].endswith(f"Map them with mapping=, or {fix}")
    # Some of the columns are known: they are the column names.
    path = tmp_path / "known.csv"
    path.write_text("Units,of,level 3\nAsset ID,Status\nAHU-1,Installed\n")
    (cause,) = project.assets.validate(path, skip_rows=1).causes
    assert "skip_rows" not in cause.fix


def test_title_row_with_several_cells_needs_skip_rows(csv: Csv, project: acc.Project) -> None:
    path = csv("Plant,list,2026", ",".join(UNIT), ",".join(UNIT.values()))
    report = project.assets.validate(path)
    assert not report.ok
    assert report.warnings[0].startswith(
        "no column name is known: 'Plant', 'list', '2026'. Map them with mapping=, or"
    )
    assert "set skip_rows= to the number of rows above them" in report.warnings[0]
    assert project.assets.validate(path, skip_rows=1).ok


def test_skipped_lines_may_have_quotation_marks(csv: Csv, project: acc.Project) -> None:
    path = csv('"Plant list', "", "Asset ID;Category;Status", "AHU-1;HVAC > Air Handling;Installed")
    report = project.assets.create(path, skip_rows=2, dry_run=True)
    assert [(row.key, row.label) for row in report] == [("AHU-1", 4)]
    path = csv("sep=;", '"Plant, list', "Asset ID;Category;Status", "AHU-1;HVAC > Air Handling;Installed")
    assert project.assets.create(path, skip_rows=2, dry_run=True)[0].label == 4


def test_ids_are_read_with_the_layout_of_their_file(csv: Csv, project: acc.Project) -> None:
    (asset,) = made(project, [UNIT])
    path = csv("Büro;Süd", "id;Name", f"{asset['id']};Lüfter", "Summe;1", encoding="windows-1252")
    ids = acc.read(path, skip_rows=1, skip_footer=1, encoding="cp1252")
    assert project.assets.get(ids).ids == [asset["id"]]
    assert project.assets.delete(ids).counts == {"deleted": 1}
    with pytest.raises(acc.OptionError, match="decimal= does not apply to ids"):
        project.assets.get(acc.read(path, skip_rows=1, decimal=","))


# ---- numbers that were identifiers ----


def workbook(path: pathlib.Path, *rows: Sequence[Any], formats: dict[str, str] | None = None) -> pathlib.Path:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    for place, code in (formats or {}).items():
        book.active[place].number_format = code
    book.save(path)
    return path


def test_number_formats_are_shown_in_text(project: acc.Project, tmp_path: pathlib.Path) -> None:
    head = [*UNIT, "Barcode", "Manufacturer", "Airflow"]
    row = [17, *list(UNIT.values())[1:], 60, 4, 12]
    formats = {"A2": '"AHU-"000', "D2": "000000", "E2": '"Type "0', "F2": '0" m³/h"'}
    path = workbook(tmp_path / "plant.xlsx", head, row, formats=formats)
    (asset,) = made(project, path)
    assert (asset["clientAssetId"], asset["barcode"]) == ("AHU-017", "000060")
    names = {attribute.display_name: attribute.name for attribute in project.settings().attributes}
    assert asset["customAttributes"][names["Manufacturer"]] == "Type 4"
    # A number is a number, whatever unit is shown.
    assert float(asset["customAttributes"][names["Airflow"]]) == 12
    # They are kept in the rows to fix.
    row[2] = "kaputt"
    workbook(path, head, row, formats=formats)
    fixes = tmp_path / "to_fix.xlsx"
    assert project.assets.validate(path).write_fixes(fixes) == 1
    assert project.assets.create(fixes, dry_run=True)[0].key == "AHU-017"
    (cause,) = project.assets.validate(fixes).causes
    assert cause.code == "status"


@pytest.mark.parametrize(
    ("code", "number", "text"),
    [
        ('"AHU-"General', 17, "AHU-17"),
        ("00-00", 1234, "12-34"),
        ('[Red]"AHU-"000', 17, "AHU-017"),
        ('_-"AHU-"* 000_)', 17, "AHU-017"),
        ('"AHU-"@', 17, "AHU-17"),
    ],
)
def test_number_formats_with_colors_padding_and_separators(
    code: str, number: int, text: str, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    path = workbook(
        tmp_path / "plant.xlsx", list(UNIT), [number, *list(UNIT.values())[1:]], formats={"A2": code}
    )
    assert made(project, path)[0]["clientAssetId"] == text


@pytest.mark.parametrize("first", ["number", "text"])
def test_numbers_among_texts_with_leading_zeros_are_invalid(
    first: str, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    pandas = pytest.importorskip("pandas")
    head, row = [*UNIT, "Barcode"], list(UNIT.values())
    barcodes: list[object] = [60, "000059", "000061"] if first == "number" else ["000059", 60, "000061"]
    rows = [[*row, barcode] for barcode in barcodes]
    path = workbook(tmp_path / "plant.xlsx", head, *rows)
    for data in (path, pandas.DataFrame(rows, columns=head, dtype=object)):
        code, message, fix = problem(project, data)
        assert (code, fix) == ("leading_zeros", "write the value as text, with its leading zeros")
        assert message.startswith("`Barcode` is 60")
        assert message.endswith("leading zeros, probably 000060")
        result = project.assets.create(data, on_error="collect")
        assert result.counts == {"created": 2, "invalid": 1}
    # Numbers of other columns, and numbers that are long enough, are not affected.
    barcodes = [123456, "000059"]
    assert project.assets.validate(workbook(path, head, *([*row, barcode] for barcode in barcodes))).ok


def test_numbers_of_more_than_15_digits_are_invalid(project: acc.Project, tmp_path: pathlib.Path) -> None:
    head, row = [*UNIT, "Barcode"], list(UNIT.values())
    path = workbook(tmp_path / "plant.xlsx", head, [*row, 4006381333931000123])
    code, _, fix = problem(project, path)
    assert (code, fix) == ("too_many_digits", "write the value as text")
    assert project.assets.validate(workbook(path, head, [*row, 999999999999999])).ok
    assert problem(project, [unit(Barcode=1e18)])[0] == "too_many_digits"
    # An int has all its digits.
    assert made(project, [unit(Barcode=4006381333931000123)])[0]["barcode"] == "4006381333931000123"


# ---- runs ----


def test_a_run_is_resumed_with_more_options_but_not_with_others(
    project: acc.Project, tmp_path: pathlib.Path
) -> None:
    rows = [unit(**{"Asset ID": f"AHU-{row}", "Airflow": text}) for row, text in enumerate(["1.234", "12,5"])]
    run = tmp_path / "run"
    assert project.assets.create(rows, run=run).counts == {"created": 1, "invalid": 1}
    with pytest.raises(acc.InputError, match="these are not the rows of the run"):
        project.assets.create(rows, run=run, decimal=",", thousands=".")
    rows = [unit(**{"Asset ID": f"AHU-{row}", "Airflow": text}) for row, text in enumerate(["1.5", "12,5"])]
    other = tmp_path / "other"
    assert project.assets.create([rows[1]], run=other).counts == {"invalid": 1}
    assert project.assets.create([rows[1]], run=other, decimal=",").counts == {"created": 1}
    dated = [unit(**{"Installation Date": "3/4/2026"})]
    third = tmp_path / "third"
    assert project.assets.create(dated, run=third).counts == {"invalid": 1}
    assert project.assets.create(dated, run=third, dayfirst=True).counts == {"created": 1}
    with pytest.raises(acc.InputError, match="these are not the rows of the run"):
        project.assets.create(dated, run=third, dayfirst=False)


def test_a_resumed_run_sends_rows_that_were_not_in_it(project: acc.Project, tmp_path: pathlib.Path) -> None:
    # Numbers in names, barcodes and text attributes are text, which no option changes.
    options: ReadOptions = {"decimal": ",", "thousands": "."}
    first = [unit(**{"Asset ID": "1.10"}), unit(**{"Asset ID": "1.20", "Status": "kaputt"})]
    then = [unit(**{"Asset ID": "2.75"}), unit(**{"Asset ID": "1.20"})]
    for run, cells in enumerate(({}, {"Asset ID": "x"}, {"Asset ID": "y", "Manufacturer": ""})):
        column = ("Asset ID", "Barcode", "Manufacturer")[run]
        rows = [[{**row, **cells, column: row["Asset ID"]} for row in rows] for rows in (first, then)]
        with pytest.warns(acc.DataWarning) if cells else contextlib.nullcontext():
            result = project.assets.create(rows[0], run=tmp_path / str(run), **options)
        assert result.counts == {"created": 1, "invalid": 1}
        with pytest.raises(acc.InputError, match="these are not the rows of the run"):
            project.assets.create(rows[1], run=tmp_path / str(run), **options)


def test_options_may_be_added_to_a_run_with_points_in_names(
    project: acc.Project, tmp_path: pathlib.Path
) -> None:
    rows = [unit(**{"Asset ID": "1.10"}), unit(**{"Asset ID": "1.20", "Airflow": "12,5"})]
    assert project.assets.create(rows, run=tmp_path / "run").counts == {"created": 1, "invalid": 1}
    assert project.assets.create(rows, run=tmp_path / "run", decimal=",").counts == {"created": 2}


def test_reconcile_reads_rows_with_the_options_of_the_call(
    project: acc.Project, sim: acc.testing.Simulator
) -> None:
    rows = [unit(Airflow="12,5")]
    sim.add_fault("reset_after_apply", on="assets:batch-create")
    result = project.assets.create(rows, decimal=",", reconcile=False)
    assert result.counts == {"unknown": 1}
    others: list[ReadOptions] = [
        {"decimal": ",", "thousands": "."},
        {"values": {"Airflow": {"12,5": "1"}}},
    ]
    for options in others:
        with pytest.raises(
            acc.OptionError, match="rows are always read with the options of the original call"
        ):
            project.assets.reconcile(result, acc.read(rows, **options))
    assert project.assets.reconcile(result, acc.read(rows, decimal=",")).counts == {"created": 1}


# ---- options ----


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"encoding": "windows-1525"}, 'no encoding "windows-1525". Did you mean "windows-1252"'),
        ({"encoding": 1252}, "encoding must be the name of an encoding"),
        ({"decimal": ";"}, 'decimal must be "." or ","'),
        ({"thousands": "x"}, "thousands must be"),
        ({"thousands": "."}, "is also the decimal separator"),
        ({"thousands": ",", "decimal": ","}, "is also the decimal separator"),
        ({"dayfirst": "yes"}, "dayfirst must be True, False or None"),
        ({"true_values": [1]}, "true_values must be a list of texts"),
        (
            {"true_values": ["ja"], "false_values": ["Ja"]},
            "true_values contains 'ja', which also means False",
        ),
        ({"true_values": ["no"]}, "true_values contains 'no', which also means False"),
        ({"values": {"Status": "Installed"}}, "values must be a dict from column to a dict"),
        ({"values": [("Status", {})]}, "values must be a dict from column to a dict"),
        ({"values": {"Status": {"a": ["b"]}}}, r"maps 'a' to \['b'\]"),
        ({"values": {"Status": {" ": "b"}}}, "replaces a blank text"),
        (
            {"values": {"Zustand": {"a": "b"}, "Status": {"c": "d"}}, "mapping": {"Zustand": "Status"}},
            "'Zustand' and 'Status' are the same column",
        ),
        ({"values": {"Airflow": {1.5: "b"}}}, "replaces the number 1.5. Use text, a whole number"),
        ({"values": {"Airflow": {"b": float("inf")}}}, "maps 'b' to inf"),
        ({"fill_down": 3}, "fill_down must be a list of texts"),
        ({"skip_rows": -1}, "skip_rows must be a number of rows"),
        ({"skip_footer": True}, "skip_footer must be a number of rows"),
        ({"skip_footer": 1.5}, "skip_footer must be a number of rows"),
    ],
    ids=str,
)
def test_options_are_checked(options: dict[str, Any], says: str, project: acc.Project) -> None:
    with pytest.raises(acc.OptionError, match=says):
        acc.read([], **options)
    with pytest.raises(acc.OptionError, match=says):
        project.assets.create([], **options)


def test_unknown_keywords_are_type_errors_with_the_closest_match(project: acc.Project) -> None:
    cases: list[tuple[Any, str, str]] = [
        (project.assets.create, "fil_down", "fill_down"),
        (project.assets.create, "batchsize", "batch_size"),
        (project.assets.patch, "returnin", "returning"),
        (project.assets.validate, "skiprows", "skip_rows"),
        (project.settings().validate, "verbs", "verb"),
    ]
    for verb, name, near in cases:
        with pytest.raises(
            TypeError, match=rf"got an unexpected keyword argument '{name}'. Did you mean '{near}'\?"
        ):
            verb([], **{name: 1})


def test_options_of_files_do_not_apply_to_rows(
    csv: Csv, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    lines = tmp_path / "rows.jsonl"
    lines.write_text("{}")
    book = workbook(tmp_path / "plant.xlsx", list(UNIT), list(UNIT.values()))
    for data in ([UNIT], lines):
        with pytest.raises(
            acc.OptionError, match=r"skip_rows=1 applies to Excel and text files only.*iloc\[3:\]"
        ):
            project.assets.validate(data, skip_rows=1)
        with pytest.raises(acc.OptionError, match=r"skip_footer=1 applies to .*frame.iloc\[:-1\]"):
            project.assets.validate(data, skip_footer=1)
    for other in ([UNIT], lines, book):
        with pytest.raises(acc.OptionError, match="encoding='windows-1252' applies to text files only"):
            project.assets.validate(other, encoding="cp1252")
    with pytest.raises(acc.OptionError, match=r'file in text mode\. Open it in mode "rb"'):
        project.assets.validate(io.StringIO("Asset ID,Category\na,b\n"), encoding="cp1252")


# ---- the mapping file ----


@pytest.fixture
def toml(tmp_path: pathlib.Path) -> Callable[[str], pathlib.Path]:
    def write(text: str) -> pathlib.Path:
        path = tmp_path / "office.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


Toml = Callable[[str], pathlib.Path]


def test_options_of_the_call_win_over_the_mapping_file(toml: Toml, project: acc.Project) -> None:
    path = toml('[read]\ndecimal = ","\n[values.Status]\nda = "Installed"\n')
    assert value_of(project, "Airflow", "2,5", mapping=path, values={}) == "2.5"
    assert value_of(project, "Airflow", "2.5", mapping=path, decimal=".") == "2.5"
    assert not project.assets.validate([unit(Airflow="2.5")], mapping=path).ok
    assert made(project, [unit(Status="da")], mapping=path)
    assert made(project, [unit(Status="hier")], mapping=path, values={"Status": {"hier": "Installed"}})


def test_mapping_file_may_have_columns_alone(toml: Toml, project: acc.Project) -> None:
    row = {"Name": "AHU-1", "Gewerk": "HVAC", "Status": "Installed", "Prüfer": "Jo"}
    for text in (
        'Gewerk = "Category"\n"Prüfer" = false\n',
        '[columns]\nGewerk = "Category"\n"Prüfer" = false\n',
        '"Prüfer" = false\n[columns]\nGewerk = "Category"\n',
    ):
        assert project.assets.validate([row], mapping=toml(text)).ok


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[read]\ndecmal = ','\n", r'a key of \[read\] must be .*Did you mean "decimal"'),
        ("[read]\nmapping = 'x'\n", r"a key of \[read\] must be"),
        ("[read]\ndecimal = 1\n", 'office.toml: decimal must be "." or ","'),
        ("[read]\nskip_rows = '3'\n", "office.toml: skip_rows must be a number of rows"),
        ("[raed]\ndecimal = ','\n", 'a table must be .*Did you mean "read"'),
        ("[values]\nStatus = 'Installed'\n", "office.toml: values must be a dict from column to a dict"),
        ("A = 'Barcode'\n[columns]\nA = 'Status'\n", "column 'A' appears twice"),
        ("[columns]\nA = 3\n", "office.toml: mapping: column 'A' is mapped to 3"),
        (
            "decimal = ','\n[columns]\nA = 'Status'\n",
            r"office.toml: 'decimal' is an option. Write it below the line \[read\]",
        ),
        ("decimal = ','\n", "'decimal' is an option"),
        ("skip_rows = 3\n", "'skip_rows' is an option"),
        ("dayfirst = { A = true }\n", "'dayfirst' is an option"),
        ("fill_down = 'Category'\n", "'fill_down' is an option"),
        ("true_values = 'Status'\n", "'true_values' is an option"),
        (
            "separator = ';'\n",
            r"If `separator` is the option and not a column, write it below the line \[read\]",
        ),
        ("nulls = 'clear'\n", r"If `nulls` is the option and not a column, write it below the line \[read\]"),
        ("encoding = 'utf-8'\n", "If `encoding` is the option"),
        ("sheet = 'Plants'\n", "If `sheet` is the option"),
        ("dates = 'truncate'\n", "If `dates` is the option"),
        (
            "[columns]\nGewerk = 'Categori'\n",
            "office.toml: mapping: column `Gewerk` is mapped to `Categori`, which is not .*; did you mean `Category`?",
        ),
    ],
)
def test_mistakes_in_a_mapping_file(text: str, says: str, toml: Toml, project: acc.Project) -> None:
    with pytest.raises(acc.OptionError, match=says):
        project.assets.validate([UNIT], mapping=toml(text))


@pytest.mark.parametrize("key", ["Prüfer", "Asset ID", "Größe (m²)"])
def test_unquoted_keys_need_quotation_marks(key: str, toml: Toml, project: acc.Project) -> None:
    with pytest.raises(acc.InputError) as caught:
        project.assets.validate([UNIT], mapping=toml(f"Status = 'Status'\n{key} = false\n"))
    assert f'in quotation marks: "{key}" = ...' in str(caught.value)
    assert "line 2 is not valid TOML: " in str(caught.value)
    assert "\\n" not in str(caught.value)


def test_layout_in_a_mapping_file_is_for_files_that_have_it(
    toml: Toml, csv: Csv, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    path = toml('[read]\nencoding = "windows-1252"\nsheet = "Sheet"\nskip_rows = 1\n')
    title, head, row = ["Plant", "list"], list(UNIT), list(UNIT.values())
    book = workbook(tmp_path / "plant.xlsx", title, head, row)
    text = csv(*(",".join(line) for line in (title, head, row)))
    for data in ([UNIT], book, text):
        assert project.assets.validate(data, mapping=path).ok, data


def test_skipped_rows_of_a_mapping_file_are_not_in_files_of_this_package(
    toml: Toml, csv: Csv, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    mapping = toml("[read]\nskip_rows = 1\nskip_footer = 1\n")
    head = ",".join(UNIT)
    rows = [f"AHU-{row},HVAC > Air Handling,Instaled" for row in range(3)]
    result = project.assets.create(csv("Plant,list,", head, *rows, "Total,,"), mapping=mapping)
    assert result.counts == {"invalid": 3}
    path = tmp_path / "to_fix.xlsx"
    assert result.write_fixes(path) == 3
    again = project.assets.validate(path, mapping=mapping)
    assert (again.counts, again.causes[0].column) == ({"invalid": 3}, "Status")
    # The first row of a template has the column names.
    template = tmp_path / "template.xlsx"
    project.assets.template("HVAC > Air Handling", template)
    book = openpyxl.load_workbook(template)
    page = book.worksheets[0]
    heads = [str(cell.value).removesuffix(" *") for cell in page[1]]
    for row in (2, 3):
        page.cell(row, heads.index("Asset ID") + 1, f"AHU-{row}")
        page.cell(row, heads.index("Status") + 1, "Installed")
    book.save(template)
    assert project.assets.validate(template, mapping=toml("[read]\nskip_rows = 1\n")).counts == {
        "not_sent": 2
    }


def test_words_that_are_typed_into_rows_to_fix_are_replaced(
    project: acc.Project, tmp_path: pathlib.Path
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    # "Ordered" is a key and also a new value: the file may contain it because it was replaced before.
    values = {"Status": {"eingebaut": "Installed", "bestellt": "Ordered", "Ordered": "Installed"}}
    rows = [unit(**{"Asset ID": f"AHU-{number}", "Status": "kaputt"}) for number in range(3)]
    rows[2] = unit(Status="bestellt", Airflow="x")
    result = project.assets.create(rows, values=values)
    assert result.counts == {"invalid": 3}
    path = tmp_path / "to_fix.xlsx"
    result.write_fixes(path)
    book = openpyxl.load_workbook(path)
    heads = [cell.value for cell in book.active[1]]
    for row, status in ((2, "eingebaut"), (3, "Bestellt")):
        book.active.cell(row, heads.index("Status") + 1, status)
    book.active.cell(4, heads.index("Airflow") + 1, 3)
    book.save(path)
    assets = made(project, path, values=values)
    labels = {status.id: status.label for status in project.settings().statuses}
    assert [labels[asset["statusId"]] for asset in assets] == ["Installed", "Ordered", "Ordered"]


def test_numbers_and_booleans_that_are_typed_into_rows_to_fix_are_replaced(
    project: acc.Project, tmp_path: pathlib.Path
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    values: Any = {"Status": {1: "Ordered", 2: "Installed", "true": "Delivered"}, "Airflow": {7: 8, 8: 9}}
    rows = [unit(**{"Asset ID": f"AHU-{number}", "Status": "kaputt", "Airflow": 7}) for number in range(3)]
    result = project.assets.create(rows, values=values)
    path = tmp_path / "to_fix.xlsx"
    result.write_fixes(path)
    book = openpyxl.load_workbook(path)
    heads = [cell.value for cell in book.active[1]]
    for row, status in ((2, 1), (3, 2), (4, True)):
        book.active.cell(row, heads.index("Status") + 1, status)
    book.save(path)
    assets = made(project, path, values=values)
    labels = {status.id: status.label for status in project.settings().statuses}
    assert [labels[asset["statusId"]] for asset in assets] == ["Ordered", "Installed", "Delivered"]
    # 8 is also a new value: the file may contain it because it was replaced before.
    assert [list(asset["customAttributes"].values()) for asset in assets] == [["8"]] * 3


def test_rows_to_fix_are_replaced_and_filled_only_once(project: acc.Project, tmp_path: pathlib.Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    options: ReadOptions = {"values": {"Manufacturer": {"A": "B", "B": "C"}}, "fill_down": ["Category"]}
    run, path = tmp_path / "run", tmp_path / "to_fix.xlsx"
    rows = [unit(Manufacturer="A", Status="kaputt"), unit(Category="", Manufacturer="B", Status="kaputt")]
    result = project.assets.create(rows, run=run, **options)
    assert result.write_fixes(path) == 2
    book = openpyxl.load_workbook(path)
    page = book.worksheets[0]
    for line in (2, 3):
        page.cell(line, 3).value = "Installed"
    book.save(path)
    assets = made(project, path, run=run, **options)
    assert [next(iter(asset["customAttributes"].values())) for asset in assets] == ["B", "C"]


def test_encoding_of_a_mapping_file_is_not_that_of_decoded_text(
    toml: Toml, csv: Csv, project: acc.Project
) -> None:
    mapping = toml('[read]\nencoding = "windows-1252"\n')
    lines = ("Asset ID;Category;Status", "Lüfter;HVAC;Installed")
    path = csv(*lines, encoding="cp1252")
    with path.open(encoding="cp1252") as file:
        assert made(project, file, mapping=mapping)[0]["clientAssetId"] == "Lüfter"
    text = io.StringIO("\n".join(lines))
    assert made(project, text, mapping=mapping)[0]["clientAssetId"] == "Lüfter"
    with (
        path.open(encoding="ascii", errors="surrogateescape") as file,
        pytest.raises(acc.InputError, match='"rb"'),
    ):
        project.assets.validate(file)


# ---- spaces ----


def test_spaces_are_removed_from_names_but_not_from_text(project: acc.Project) -> None:
    (asset,) = made(
        project, [unit(**{"Asset ID": "AHU-0051   ", "Barcode": " 7", "Description": " on the roof "})]
    )
    assert (asset["clientAssetId"], asset["barcode"]) == ("AHU-0051", "7")
    assert asset["description"] == " on the roof "


def test_mapping_files_of_columns_alone_may_name_any_column(toml: Toml, project: acc.Project) -> None:
    row = {"sheet": "AHU-1", **{name: UNIT[name] for name in ("Category", "Status")}, "dates": "x"}
    assert project.assets.validate([row], mapping=toml("sheet = 'Asset ID'\ndates = false\n")).ok


def test_mapping_without_settings_names_the_closest_field(project: acc.Project) -> None:
    with pytest.raises(
        acc.OptionError, match=r"column `X` is mapped to `Categori`, .* Did you mean `categoryId`"
    ):
        project.assets.validate([UNIT], mapping={"X": "Categori"}, settings=None)


def test_mapping_files_are_utf_8(project: acc.Project, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "office.toml"
    path.write_bytes('"Geprüft" = "Commissioned"'.encode("cp1252"))
    with pytest.raises(acc.InputError, match=r"is not UTF-8 text: .*Save it as UTF-8"):
        project.assets.validate([UNIT], mapping=path)


@pytest.mark.parametrize("shared", [False, True])
def test_rows_to_fix_remember_how_texts_are_read(
    shared: bool, csv: Csv, project: acc.Project, sim: acc.testing.Simulator, tmp_path: pathlib.Path
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    path = csv(
        "Asset ID;Category;Status;Barcode;Airflow;Installation Date;Commissioned",
        "AHU-1;HVAC > Air Handling;Instaled;X1;1.234;03.04.2026;ja",
        "AHU-2;HVAC > Air Handling;Instaled;X2;1.234,5;15.03.2026;nein",
    )
    words = [f"nein {number}" for number in range(60)]  # longer than a property
    options: dict[str, Any] = {"decimal": ",", "thousands": ".", "dayfirst": True, "true_values": ["ja"]}
    options["false_values"] = ["nein", *words]
    if shared:
        toml = "\n".join(f"{name} = {json.dumps(value)}" for name, value in options.items())
        (tmp_path / "office.toml").write_text(f"[read]\n{toml}\n")
        options = {"mapping": tmp_path / "office.toml"}
    result = project.assets.create(path, import_key="Barcode", **options)
    assert result.counts == {"invalid": 2}
    fixes = tmp_path / "fixes.xlsx"
    for _ in range(2):
        assert result.write_fixes(fixes, overwrite=True) == 2
        # Without the options, and again from the file itself.
        result = project.assets.create(acc.read(fixes), import_key="Barcode")
        assert {cause.code for cause in result.causes} == {"status"}
        fixes = tmp_path / "fixes again.xlsx"
    book = openpyxl.load_workbook(tmp_path / "fixes.xlsx")
    for line in book.active.iter_rows(min_row=2):
        for cell in line:
            if cell.value == "Instaled":
                cell.value = "Installed"
    # Excel and openpyxl keep the properties of a workbook.
    book.save(tmp_path / "fixes.xlsx")
    result = project.assets.create(tmp_path / "fixes.xlsx", import_key="Barcode")
    assert result.counts == {"created": 2}
    held = {asset["clientAssetId"]: asset["customAttributes"] for asset in sim.assets()}
    assert [sorted(map(str, held[name].values())) for name in ("AHU-1", "AHU-2")] == [
        ["1234", "2026-04-03", "True"],
        ["1234.5", "2026-03-15", "False"],
    ]
    # Options of the call come before those of the file.
    book.active.cell(2, 1 + [cell.value for cell in book.active[1]].index("Airflow"), "1.234,5")
    book.save(tmp_path / "fixes.xlsx")
    assert project.assets.validate(tmp_path / "fixes.xlsx", mapping=None).ok
    report = project.assets.validate(tmp_path / "fixes.xlsx", decimal=".")
    assert [cause.code for cause in report.causes][:1] == ["number"]


def test_patch_of_a_result_reads_numbers_as_its_create(
    csv: Csv, project: acc.Project, sim: acc.testing.Simulator
) -> None:
    """A text that the asset has already may mean another number to the office."""
    path = csv("Asset ID;Category;Status;Barcode;Airflow", "AHU-1;HVAC > Air Handling;Installed;X1;1.037")
    assert project.assets.create(path, import_key="Barcode").counts == {"created": 1}
    result = project.assets.create(path, import_key="Barcode", decimal=",", thousands=".")
    assert result.counts == {"differs": 1}
    assert project.assets.patch(result).counts == {"updated": 1}
    assert "1037" in map(str, sim.assets()[0]["customAttributes"].values())
    assert project.assets.create(path, import_key="Barcode", decimal=",", thousands=".").counts == {
        "unchanged": 1
    }


def test_a_text_with_two_meanings_is_not_compared(project: acc.Project, tmp_path: pathlib.Path) -> None:
    row = {"Asset ID": "AHU-1", "Category": "HVAC > Air Handling", "Status": "Installed", "Airflow": 1.037}
    assert project.assets.create([row, row | {"Airflow": 2.5}]).ok
    project.assets.list().to_csv(tmp_path / "assets.csv")
    assert project.assets.patch(tmp_path / "assets.csv").counts == {"unchanged": 2}
    result = project.assets.patch(tmp_path / "assets.csv", decimal=",", thousands=".")
    assert result.counts == {"invalid": 1, "unchanged": 1}
    assert "means 1037 with decimal= and thousands=" in result.causes[-1].message


def corrected(path: pathlib.Path, typed: str | None = None) -> pathlib.Path:
    """Correct the status in a file of rows to fix, and type another airflow."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(path)
    for line in book.active.iter_rows(min_row=2):
        for cell in line:
            if cell.value == "Instaled":
                cell.value = "Installed"
            if typed is not None and cell.value == 1234:
                cell.value = typed
    book.save(path)
    return path


@pytest.mark.parametrize(
    "number",
    [decimal.Decimal("1.125"), decimal.Decimal("1.100"), 1.125, "float32", "replaced"],
)
def test_numbers_in_rows_to_fix_are_not_read_as_texts(
    number: Any, project: acc.Project, sim: acc.testing.Simulator, tmp_path: pathlib.Path
) -> None:
    """The file remembers that texts have a decimal comma."""
    options: dict[str, Any] = {"decimal": ",", "thousands": "."}
    if number == "float32":
        number = pytest.importorskip("numpy").float32(1.125)
    elif number == "replaced":
        options["values"] = {"Airflow": {"replaced": 1.125}}
    row = {"Asset ID": "A", "Category": "HVAC > Air Handling", "Status": "Instaled", "Airflow": number}
    result = project.assets.create([row], **options)
    assert result.counts == {"invalid": 1}
    assert result.write_fixes(tmp_path / "fixes.xlsx") == 1
    assert project.assets.create(corrected(tmp_path / "fixes.xlsx")).counts == {"created": 1}
    (held,) = sim.assets()[0]["customAttributes"].values()
    assert float(str(held)) == (1.1 if str(number) == "1.100" else 1.125)


@pytest.mark.parametrize(
    ("options", "read"),
    [
        ({}, 1234),
        ({"mapping": '[read]\ndecimal = "."\n'}, 1234),
        ({"mapping": '[read]\nthousands = ","\n'}, 1234),
        ({"thousands": {"Manufacturer": " "}}, 1234),
        ({"decimal": "."}, 1.234),
        ({"decimal": {"Airflow": "."}, "thousands": ","}, 1.234),
    ],
)
def test_what_a_file_of_rows_to_fix_remembers_comes_before_a_mapping_file(
    options: dict[str, Any],
    read: float,
    csv: Csv,
    project: acc.Project,
    sim: acc.testing.Simulator,
    tmp_path: pathlib.Path,
) -> None:
    path = csv("Asset ID;Category;Status;Airflow", "A;HVAC > Air Handling;Instaled;1.234")
    project.assets.create(path, decimal=",", thousands=".").write_fixes(tmp_path / "fixes.xlsx")
    if text := options.get("mapping"):
        (tmp_path / "office.toml").write_text(text)
        options = {"mapping": tmp_path / "office.toml"}
    # A number that the call has read is a number in the file.
    assert project.assets.create(corrected(tmp_path / "fixes.xlsx"), **options).counts == {"created": 1}
    fixed = corrected(tmp_path / "fixes.xlsx", typed="1.234")
    assert project.assets.create(fixed, **options).counts == {"created": 1}
    held = [float(str(value)) for asset in sim.assets() for value in asset["customAttributes"].values()]
    assert held == [1234, read]


def test_template_of_a_category_named_by_digits(tmp_path: pathlib.Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    plant = {
        "status_sets": [{"name": "S", "statuses": ["Open"], "default": True}],
        "categories": [{"path": [str(number)]} for number in range(1, 8)],
    }
    with acc.testing.Simulator(project=plant, window=0.5) as sim:
        project = sim.client().project(sim.project_id)
        project.assets.template("5 (6)", tmp_path / "template.xlsx")
        book = openpyxl.load_workbook(tmp_path / "template.xlsx")
        sheet = book.active
        names = [str(cell.value).rstrip(" *") for cell in sheet[1]]
        sheet.cell(2, names.index("Asset ID") + 1).value = "A"
        sheet.cell(2, names.index("Status") + 1).value = "Open"
        book.save(tmp_path / "template.xlsx")
        result = project.assets.create(tmp_path / "template.xlsx")
        assert result.counts == {"created": 1}
        assert sim.assets()[0]["categoryId"] == "6"


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_may_be_encoded_in_two_ways(
    forms: tuple[Any, Any], csv: Csv, project: acc.Project, sim: acc.testing.Simulator, tmp_path: pathlib.Path
) -> None:
    lines = [
        unicodedata.normalize(forms[0], line)
        for line in ("Kürzel;Gewerk;Zustand;Förderhöhe;Geprüft", "P-1;Pümpe;Installed;12,5;prüf")
    ]
    options = """
[columns]
"Kürzel" = "Asset ID"
Gewerk = "Category"
Zustand = "Status"
"Förderhöhe" = "Head"
"Geprüft" = "Commissioned"
[values.Gewerk]
"Pümpe" = "HVAC > Pumps"
[read]
decimal = ","
true_values = ["Prüf"]
"""
    (tmp_path / "office.toml").write_text(unicodedata.normalize(forms[1], options), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = project.assets.create(csv(*lines), mapping=tmp_path / "office.toml")
    assert result.counts == {"created": 1}
    assert sorted(map(str, sim.assets()[0]["customAttributes"].values())) == ["12.5", "True"]


def test_several_labels_of_a_status_change_no_row_that_is_done(tmp_path: pathlib.Path) -> None:
    plant: Any = {
        "status_sets": [
            {
                "name": "S",
                "default": True,
                "statuses": ["Open; minor", "Open; major", "Specified", "Planned"],
            },
            {"name": "T", "statuses": ["Planned", "Done"]},
        ],
        "attributes": [],
        "categories": [{"path": "A"}, {"path": "B", "status_set": "T"}],
        "locations": [],
    }
    with acc.testing.Simulator(project=plant) as sim, sim.client() as client:
        project = client.project(sim.project_id)

        def rows(*statuses: str) -> list[dict[str, str]]:
            pairs = zip("AB", statuses, strict=False)
            return [{"Asset ID": one, "Category": one, "Status": status} for one, status in pairs]

        assert project.assets.create(rows("Open; minor"), run=tmp_path / "a").counts == {"created": 1}
        with pytest.raises(acc.InputError, match="was edited"):
            project.assets.create(rows("Open; major"), run=tmp_path / "a")
        run = tmp_path / "b"
        assert project.assets.create(rows("Specified", "Specified"), run=run).statuses == [
            "created",
            "invalid",
        ]
        both = "Specified; Done"
        assert project.assets.create(rows(both, both), run=run).counts == {"created": 2}
        for other in ("Specified; Planned", "Specified"):
            with pytest.raises(acc.InputError, match="was edited"):
                project.assets.create(rows(other, other), run=run)
        [cause] = project.assets.validate(rows("Specifed; Planned")).causes
        assert (cause.code, cause.fix) == ("status", "did you mean `Specified`?")


@pytest.mark.parametrize(
    "heading", ["Luftmenge\n[m³/h]", "LUFTMENGE m³/h", "Luftmenge  [m³/h]", "Luft-Menge [m³/h]"]
)
def test_headings_may_be_spelled_in_another_way_than_in_the_mapping(
    heading: str, project: acc.Project, sim: acc.testing.Simulator
) -> None:
    mapping: Any = {"Luftmenge [m³/h]": "Airflow", "Asset-ID": None}
    rows = [{**UNIT, "Asset ID": "A-1", heading: "2,5"}]
    options: Any = {"mapping": mapping, "decimal": {"Airflow": ","}}
    report = project.assets.validate(rows, **options)
    assert report.ok
    assert not [text for text in report.warnings if "Luftmenge" in text]
    assert project.assets.create(rows, **options).counts == {"created": 1}
    assert list(map(str, sim.assets()[0]["customAttributes"].values())) == ["2.5"]
    # Two columns of one entry are a mistake.
    both = [{**rows[0], "Luftmenge [m³/h]": "3,5"}]
    assert [cause.code for cause in project.assets.validate(both, **options).causes] == ["twice"]
