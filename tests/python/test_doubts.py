"""Columns that options do not fit: dates in several orders, and separators of numbers."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

import acc_assets as acc

pytestmark = pytest.mark.once

UNIT = {"Category": "HVAC > Air Handling", "Status": "Installed"}


@pytest.fixture
def project(client: acc.Client, sim: acc.testing.Simulator) -> acc.Project:
    """Return a project with a second date and a second number."""
    project = client.project(sim.project_id)
    attributes = [
        {"display_name": "Warranty", "type": "date"},
        {"display_name": "Pressure", "type": "numeric"},
    ]
    category = {"path": "HVAC > Air Handling", "attributes": ["Warranty", "Pressure"]}
    project.apply_setup(acc.Setup.from_dict({"attributes": attributes, "categories": [category]}))
    return project


def rows(**columns: list[object]) -> list[dict[str, Any]]:
    """Return rows with these values of columns, whose names have _ for a space."""
    named = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return [
        {"Asset ID": f"AHU-{number}", **UNIT, **{name.replace("_", " "): cell for name, cell in row.items()}}
        for number, row in enumerate(named)
    ]


def values(project: acc.Project, data: Any, column: str, **options: Any) -> list[Any]:
    """Create assets, and return the values of an attribute."""
    result = project.assets.create(data, returning=True, progress=False, **options)
    assert result.ok, result
    assert result.assets is not None
    names = {attribute.display_name: attribute.name for attribute in project.settings().attributes}
    return [asset["customAttributes"][names[column]] for asset in result.assets.to_dicts()]


def doubt(project: acc.Project, data: Any, **options: Any) -> str:
    """Return the only warning."""
    (warning,) = project.assets.validate(data, progress=False, **options).warnings
    return warning


# ---- options of single columns ----


@pytest.mark.parametrize("where", ["call", "file"])
def test_dayfirst_of_each_column(project: acc.Project, tmp_path: pathlib.Path, where: str) -> None:
    data = rows(Einbaudatum=["03.04.2026", "16.04.2026"], Warranty=["3/4/2026", "3/16/2026"])
    mapping: Any = {"Einbaudatum": "Installation Date"}
    options: Any = {"dayfirst": {"Einbaudatum": True, "Warranty": False}, "mapping": mapping}
    if where == "file":
        text = '[columns]\nEinbaudatum = "Installation Date"\n[read]\ndayfirst = { Einbaudatum = true, "Warranty" = false }\n'
        (tmp_path / "office.toml").write_text(text, encoding="utf-8")
        options = {"mapping": tmp_path / "office.toml"}
    assert values(project, data, "Installation Date", **options) == ["2026-04-03", "2026-04-16"]
    assert values(project, data, "Warranty", **options) == ["2026-03-04", "2026-03-16"]
    assert project.assets.validate(data, **options).warnings == []
    # A column may be named by its field, and others keep the default.
    one = {"dayfirst": {"Installation Date": True}, "mapping": mapping}
    assert project.assets.validate(data, **one).counts == {"not_sent": 1, "invalid": 1}


def test_separators_of_each_column(project: acc.Project) -> None:
    data = rows(Airflow=["1.234,5", "2.000"], Pressure=["1,234.5", "2.5"])
    options: Any = {"decimal": {"Airflow": ","}, "thousands": {"Airflow": ".", "Pressure": ","}}
    assert values(project, data, "Airflow", **options) == ["1234.5", "2000"]
    assert values(project, data, "Pressure", **options) == ["1234.5", "2.5"]
    for row in data:
        row["customAttributes"] = {"Airflow": row.pop("Airflow")}
    assert values(project, data, "Airflow", **options) == ["1234.5", "2000"]


def number(project: acc.Project, column: str, cell: str, **options: Any) -> str:
    """Create an asset, and return its airflow. There must be no warning."""
    (row,) = rows(Airflow=[cell])
    row[column] = row.pop("Airflow")
    assert project.assets.validate([row], **options).warnings == []
    return str(values(project, [row], "Airflow", **options)[0])


def test_options_name_columns_by_heading_target_attribute_or_display_name(project: acc.Project) -> None:
    own = next(each.name for each in project.settings().attributes if each.display_name == "Airflow")
    for column in ("Luft", own, "air flow", f"customAttributes.{own}"):
        for target in ("Airflow", own, "AIRFLOW"):
            options: Any = {"mapping": {"Luft": target}} if column == "Luft" else {}
            for name in {column, "Airflow", own, "Air flow", target}:
                both: Any = {"decimal": {name: ","}, "thousands": {name: "."}}
                assert number(project, column, "1.234", **both, **options) == "1234", (column, target, name)
                replaced = number(project, column, "viel", values={name: {"viel": 9}}, **options)
                assert replaced == "9", (column, target, name)
    # The same for dates.
    data = rows(Einbaudatum=["03.04.2026"])
    options = {"mapping": {"Einbaudatum": "Installation Date"}, "dayfirst": {"Installation Date": True}}
    assert values(project, data, "Installation Date", **options) == ["2026-04-03"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"dayfirst": {"installation-date": True, "Installation Date": False}},
            "dayfirst: 'installation-date' and 'Installation Date' are the same column",
        ),
        (
            {"values": {"Luft": {"a": "1"}, "airflow": {"a": "2"}}, "mapping": {"Luft": "Airflow"}},
            "values: 'Luft' and 'airflow' are the same column. Write all of its texts below one name",
        ),
        (
            {"decimal": {"Airflow": ","}, "thousands": {"air flow": ","}},
            "also the decimal separator of 'Airflow'",
        ),
        ({"decimal": {"ca2": ","}, "thousands": {"Airflow": ","}}, "also the decimal separator of 'ca2'"),
        ({"decimal": {"ca2": ",", "Airflow": "."}}, "decimal: 'ca2' and 'Airflow' are the same column"),
    ],
)
def test_contradicting_options_of_one_column_are_refused(
    project: acc.Project, options: Any, says: str
) -> None:
    names = {each.name: each.display_name for each in project.settings().attributes}
    assert names["ca2"] == "Airflow"
    with pytest.raises(acc.OptionError) as caught:
        project.assets.validate(rows(Airflow=["1"]), **options)
    assert says in str(caught.value)


def test_equal_options_of_one_column_are_one(project: acc.Project) -> None:
    options: Any = {"dayfirst": {"installation-date": True, "Installation Date": True}}
    assert values(project, rows(Installation_Date=["3/4/2026"]), "Installation Date", **options) == [
        "2026-04-03"
    ]


def test_a_retry_takes_the_same_options_in_another_order(project: acc.Project) -> None:
    data = rows(Airflow=["1,5"], Pressure=["x"])
    decimal = {"Airflow": ",", "Pressure": "."}
    texts = {"Airflow": {"a": "1", "b": "2"}, "Status": {"c": "Installed"}}
    result = project.assets.create(data, decimal=decimal, values=texts)
    turned: Any = {name: dict(reversed(of.items())) for name, of in reversed(texts.items())}
    read = acc.read(data, decimal=dict(reversed(decimal.items())), values=turned)
    result = project.assets.retry(result, read)
    assert result.counts == {"invalid": 1}
    turned["Airflow"] = {"1": "a", "b": "2"}
    with pytest.raises(acc.OptionError, match="Remove values="):
        project.assets.retry(result, acc.read(data, values=turned))


def test_options_of_columns_are_checked(project: acc.Project) -> None:
    data = rows(Airflow=["1"])
    options: dict[str, Any]
    for options, says in (
        ({"dayfirst": {"Airflow": 1}}, "dayfirst: 'Airflow' must be True, False or None"),
        ({"decimal": {"Airflow": ";"}}, "decimal: 'Airflow' must be"),
        ({"thousands": {"Airflow": "."}}, "also the decimal separator of 'Airflow'"),
        ({"decimal": {"Airflow": ","}, "thousands": ","}, "also the decimal separator of 'Airflow'"),
        (
            {"dayfirst": {"Bau": True, "Warranty": False}, "mapping": {"Bau": "Warranty"}},
            "'Bau' and 'Warranty' are the same column",
        ),
    ):
        with pytest.raises(acc.OptionError) as caught:
            project.assets.validate(data, **options)
        assert says in str(caught.value)
    warning = doubt(project, data, dayfirst={"Waranty": True})
    assert warning == "dayfirst= names columns that the rows do not have: `Waranty`"
    result = project.assets.create(data)
    with pytest.raises(acc.OptionError, match="Remove dayfirst="):
        project.assets.retry(result, acc.read(data, dayfirst={"Airflow": True}))


# ---- dates ----


@pytest.mark.parametrize(
    ("cells", "options", "says"),
    [
        (["1.234", "12,5"], {}, "has numbers with a decimal comma in 1 row (row 1), for example 12,5"),
        (
            ["1.234", "1.234.567"],
            {},
            "has numbers with several points in 1 row (row 1), for example 1.234.567",
        ),
        (
            ["1,234", "1.5"],
            {"decimal": ","},
            "has numbers with a decimal point in 1 row (row 1), for example 1.5",
        ),
        (["1,234", "1,234,567"], {"decimal": ","}, "has numbers with several commas in 1 row (row 1)"),
    ],
)
def test_numbers_of_another_form_are_named(
    project: acc.Project, cells: list[object], options: Any, says: str
) -> None:
    assert f"`Airflow` {says}" in doubt(project, rows(Airflow=cells), **options)


def test_dates_in_two_orders_name_their_columns(project: acc.Project) -> None:
    data = rows(
        Installation_Date=["16.03.2026", "03.04.2026", "17.03.2026"],
        Warranty=["3/16/2026", "3/17/2026", "3/4/2026"],
    )
    report = project.assets.validate(data)
    fixes = [cause.fix for cause in report.causes]
    for column in ("Installation Date", "Warranty"):
        assert (
            f"set dayfirst={{'{column}': True}} if the day comes first in this column, or dayfirst={{'{column}': False}} "
            "if the month does"
        ) in fixes
    assert report.warnings == [
        "the dates of some columns begin with the day, those of others with the month: check them, and set "
        "dayfirst={'Installation Date': True, 'Warranty': False}"
    ]
    assert project.assets.validate(data, dayfirst={"Installation Date": True, "Warranty": False}).ok


def test_dates_that_no_option_reads_for_all_columns(project: acc.Project) -> None:
    data = rows(
        Installation_Date=["16.03.2026", "17.03.2026", "31.02.2026"],
        Warranty=["3/16/2026", "2/30/2026", "2026-03-04"],
    )
    fixes = {cause.message: cause.fix for cause in project.assets.validate(data, dayfirst=True).causes}
    assert fixes["`Warranty` is '3/16/2026': there is no month 16, but the day comes first"] == (
        "set dayfirst={'Warranty': False}, or write the date as year-month-day, for example 2031-02-28"
    )
    assert fixes["`Installation Date` is '31.02.2026': this date does not exist"] == "correct the date"
    options: Any = {"dayfirst": {"Installation Date": True, "Warranty": False}}
    causes = project.assets.validate(data, **options).causes
    assert {cause.fix for cause in causes} == {"correct the date"}


def test_dates_in_one_order_have_a_short_fix(project: acc.Project) -> None:
    data = rows(Installation_Date=["16.03.2026", "03.04.2026"], Warranty=["17/03/2026", "3/4/2026"])
    report = project.assets.validate(data)
    assert {cause.fix for cause in report.causes} == {
        "set dayfirst=True if the day comes first, or dayfirst=False if the month does"
    }
    assert report.warnings == []


def test_dates_that_contradict_dayfirst(project: acc.Project) -> None:
    data = rows(Warranty=["3/4/2026", "3/16/2026", "3/17/2026", "4/5/2026", "2026-03-04"])
    warning = doubt(project, data, dayfirst=True)
    assert warning == (
        "`Warranty` contradicts dayfirst=True in 2 rows (first: row 1), for example 3/16/2026. So dates that were read "
        "with the day first, such as 3/4/2026, were probably misread in 2 rows (first: row 0)"
    )
    assert project.assets.validate(data, dayfirst=False).warnings == []
    assert "contradicts dayfirst=False in 1 row (row 0)" in doubt(
        project, rows(Warranty=["16/3/2026", "3/4/2026"]), dayfirst=False
    )


# ---- numbers ----


def test_decimal_commas_put_decimal_points_in_doubt(project: acc.Project) -> None:
    data = rows(Airflow=["1.234", "1.234,5", "2.000", "7", "12,5"])
    warning = doubt(project, data)
    assert warning == (
        "`Airflow` has numbers with a decimal comma in 2 rows (first: row 1), for example 1.234,5. So numbers such as "
        '1.234 were probably misread in 2 rows (first: row 0): set decimal="," and thousands="."'
    )
    assert project.assets.validate(data, decimal=",", thousands=".").warnings == []
    english = rows(Airflow=["1.234", "1,234.5"])
    assert "numbers with a decimal point in 1 row (row 1)" in doubt(
        project, english, decimal=",", thousands="."
    )


@pytest.mark.parametrize(
    ("cells", "options", "warns"),
    [
        (["1.234", "12.000"], {}, True),
        (["1.234", "12.000", "7", None, 3.5], {}, True),
        (["1.234"], {}, False),
        (["1.234", "12.5"], {}, False),
        (["0.125", "1.250"], {}, False),
        (["1.234", "12.000"], {"decimal": "."}, False),
        (["1.234", "12.000"], {"decimal": {"Airflow": "."}}, False),
        (["1.234", "12.000"], {"decimal": ",", "thousands": "."}, False),
        ([1.234, 12.125], {}, False),
    ],
)
def test_points_before_three_digits_are_in_doubt(
    project: acc.Project, cells: list[object], options: Any, warns: bool
) -> None:
    data = rows(Airflow=cells)
    if not warns:
        assert project.assets.validate(data, **options).warnings == []
        return
    assert doubt(project, data, **options) == (
        "all numbers with a point in `Airflow` have three digits after it, such as 1.234 in 2 rows (first: row 0), and were "
        'read as decimals. If the point separates thousands, set decimal="," and thousands="."; if not, set decimal="."'
    )


def test_one_number_written_differently_casts_no_doubt(project: acc.Project) -> None:
    row = {"Asset ID": "A", "Category": "HVAC > Air Handling", "Status": "Ordered"}
    options: Any = {"decimal": ",", "thousands": "."}
    texts = ["10.897,8", "18.000", "2.500", "1234.5"]
    report = project.assets.validate([{**row, "Airflow": text} for text in [*texts, texts[0]]], **options)
    assert not [warning for warning in report.warnings if "misread" in warning]
    report = project.assets.validate([{**row, "Airflow": text} for text in texts[1:]], **options)
    assert len([warning for warning in report.warnings if "misread" in warning]) == 1
