"""Tables with names that are edited and passed to `patch` again, as tables and as files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Kit

import acc_assets as acc

pytestmark = [
    pytest.mark.filterwarnings("ignore:the rows were compared"),
    pytest.mark.filterwarnings("ignore:column '"),  # the text "nan"
    pytest.mark.filterwarnings("ignore:1 row has the same"),
]

ODD = [
    *("007", "1.10", "true", "nan", "None", "1E5", "2031-02-28", "a\nb", "=1+1", "+1", "@x", "-"),
    *(
        '"q" ""',
        " x ",
        "\tx",
        "a;b, c",
        "'x",
        "_x000D_x",
        "Total",
        "ü \u2028 \U0001f600",
        "a\u00a0",
        "[1]",
        '["a"]',
    ),
]


@pytest.fixture
def sim() -> Iterator[acc.testing.Simulator]:
    with acc.testing.Simulator(seed=1, limits=acc.Limits(assets_write=10_000, assets_read=10_000)) as sim:
        yield sim


@pytest.fixture
def ids(project: acc.Project, kit: Kit) -> list[str]:
    """Assets with all kinds of values."""
    full = {
        "barcode": "0007",
        "locationId": project.settings().location("Building A > Level 0").id,
        kit.name("numeric"): "1.50",
        kit.name("date"): "2031-02-28",
        kit.name("boolean"): True,
        kit.name("select"): kit.choices("select")[0],
        kit.name("multi_select"): kit.choices("multi_select")[:2],
    }
    rows = [
        *(kit.row(text.strip(), description=text, **{kit.name("text"): text}) for text in ODD),
        kit.row("full", **full),
        kit.row("bare"),
        kit.row(
            "no", **{kit.name("boolean"): False, kit.name("multi_select"): kit.choices("multi_select")[:1]}
        ),
    ]
    return [str(id) for id in project.assets.create(rows).raise_if_failed().ids]


def csv(table: acc.AssetTable, folder: Path) -> Any:
    table.to_csv(folder / "assets.csv", overwrite=True)
    return folder / "assets.csv"


def excel(table: acc.AssetTable, folder: Path) -> Any:
    table.to_excel(folder / "assets.xlsx", overwrite=True)
    return folder / "assets.xlsx"


def read_excel(path: Path, **options: Any) -> Any:
    pytest.importorskip("openpyxl")
    return pytest.importorskip("pandas").read_excel(path, engine="openpyxl", **options)


def parquet(table: acc.AssetTable, folder: Path) -> Path:
    pytest.importorskip("pyarrow")
    table.to_parquet(folder / "assets.parquet", overwrite=True)
    return folder / "assets.parquet"


def pandas_of(table: acc.AssetTable, _: Path) -> Any:
    pytest.importorskip("pandas")
    return table.to_pandas()


def without_pyarrow(table: acc.AssetTable, _: Path) -> Any:
    pytest.importorskip("pandas")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "pyarrow", None)
        return table.to_pandas()


FORMS: dict[str, Callable[[acc.AssetTable, Path], Any]] = {
    "table": lambda table, _: table,
    "pandas": pandas_of,
    "pandas without pyarrow": without_pyarrow,
    "polars": lambda table, _: pytest.importorskip("polars") and table.to_polars(),
    "arrow": lambda table, _: pytest.importorskip("pyarrow").table(table),
    "csv": csv,
    "excel": excel,
    "parquet": parquet,
    "parquet in pandas": lambda table, path: pytest.importorskip("pandas").read_parquet(parquet(table, path)),
    "parquet in polars": lambda table, path: pytest.importorskip("polars").read_parquet(parquet(table, path)),
    "excel in pandas": lambda table, path: read_excel(
        excel(table, path), keep_default_na=False, na_values=[""]
    ),
}


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> Callable[[acc.AssetTable, Path], Any]:
    return FORMS[request.param]


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("attributes", [True, False])
def test_unchanged_assets_are_unchanged(
    project: acc.Project, ids: list[str], form: Any, names: bool, attributes: bool, tmp_path: Path
) -> None:
    table = project.assets.list(names=names, include_custom_attributes=attributes)
    for nulls in ("omit", "clear"):
        result = project.assets.patch(form(table, tmp_path), nulls=nulls if attributes else "omit")
        assert result.counts == {"unchanged": len(ids)}, result


def test_edited_names_are_sent(
    project: acc.Project, kit: Kit, ids: list[str], form: Any, tmp_path: Path
) -> None:
    """Only the edited cells of the edited rows are sent."""
    pandas = pytest.importorskip("pandas")
    place = ids.index(ids[-3])  # the row `full`
    data = form(project.assets.get(ids), tmp_path)
    if isinstance(data, Path) and data.suffix == ".csv":
        data = pandas.read_csv(data, dtype=str, keep_default_na=False)
    elif isinstance(data, Path):
        data = read_excel(data) if data.suffix == ".xlsx" else pandas.read_parquet(data)
    elif not isinstance(data, pandas.DataFrame):
        data = data.to_pandas()
    options = {value["id"]: value["displayName"] for value in kit.attributes["select"]["values"]}
    edits: dict[str, Any] = {
        "Status": next(one.label for one in project.settings().statuses if one.id == kit.other_status),
        str(kit.attributes["select"]["displayName"]): options[kit.choices("select")[1]],
        str(kit.attributes["numeric"]["displayName"]): "2.75" if data["version"].dtype == object else 2.75,
        "Location": "Building A > Level 1",
    }
    for name, value in edits.items():
        data[name] = data[name].astype(object)
        data.loc[place, name] = value
    data.loc[place, "Description"] = "edited"
    result = project.assets.patch(data)
    assert result.counts == {"unchanged": len(ids) - 1, "updated": 1}, result
    after = project.assets.get(ids[place])[0]
    assert (after["statusId"], after["description"]) == (kit.other_status, "edited")
    assert after["locationId"] == project.settings().location("Building A > Level 1").id
    assert after["customAttributes"][kit.name("select")] == kit.choices("select")[1]
    assert after["customAttributes"][kit.name("multi_select")] == kit.choices("multi_select")[:2]
    assert str(after["customAttributes"][kit.name("numeric")]) == "2.75"


def odd_settings(project: acc.Project, kit: Kit, folder: Path) -> acc.Settings:
    """The project's settings with names that are ambiguous, inactive or contain separators."""
    path = folder / "settings.json"
    project.settings().save(path, overwrite=True)
    saved = json.loads(path.read_text())
    content = saved["settings"]
    for one in content["attributes"]:
        kind = next((kind for kind, found in kit.attributes.items() if found["name"] == one["name"]), None)
        one["display_name"] = {
            "text": "Flow",
            "numeric": "FLOW",
            "date": "Status",
            "boolean": "createdAt",
            "select": 'Filter; "a", b',
            "multi_select": "Gone",
        }.get(kind or "", one["display_name"])
        one["active"] = kind != "multi_select"
        labels = ["a;b", "c, d", "e\nf", "[x", "y"]
        for choice, label in zip(one["choices"], labels, strict=False):
            choice["label"] = label
            choice["active"] = choice["id"] != kit.choices("select")[0]
        if kind == "multi_select":
            one["choices"] = one["choices"][1:]  # the first option does not exist any more
    for one in content["categories"]:
        if one["id"] == kit.category:
            one["name"] = "Air > Handling"
            content["categories"].append({**one, "id": "99", "active": False})
    for group in content["status_sets"]:
        for one in group["statuses"]:
            one["active"] = one["id"] != kit.status
    content["locations"] = content["locations"][:2]
    path.write_text(json.dumps(saved))
    return acc.Settings.load(path)


@pytest.mark.parametrize("names", [True, False])
def test_odd_names_come_back(
    project: acc.Project, kit: Kit, ids: list[str], form: Any, names: bool, tmp_path: Path
) -> None:
    settings = odd_settings(project, kit, tmp_path)
    read = project.assets.get(ids)._table
    table = acc.AssetTable(read, settings._core if names else None)
    result = project.assets.patch(form(table, tmp_path), settings=settings)
    assert result.counts == {"unchanged": len(ids)}, result


def test_headings_with_a_number_go_back_in(
    project: acc.Project, kit: Kit, ids: list[str], tmp_path: Path
) -> None:
    pytest.importorskip("pandas")
    settings = odd_settings(project, kit, tmp_path)
    table = acc.AssetTable(project.assets.get(ids)._table, settings._core)
    frame = table.to_pandas()
    text, numeric = f"Flow ({kit.name('text')})", f"FLOW ({kit.name('numeric')})"
    assert [text, numeric] == [name for name in frame if name.lower().startswith("flow")]
    assert frame["Category"].unique().tolist() == ["HVAC > Air > Handling"]
    assert settings.category("HVAC > Air > Handling").id == kit.category
    frame.loc[0, text] = "edited"
    frame.loc[0, numeric] = 7
    frame.loc[0, "Status (ca3)"] = "2031-03-01"
    result = project.assets.patch(frame, settings=settings)
    assert result.counts == {"unchanged": len(ids) - 1, "updated": 1}, result
    after: dict[str, Any] = project.assets.get(ids[0])[0]["customAttributes"]
    assert after[kit.name("text")] == "edited"
    assert float(after[kit.name("numeric")]) == 7
    assert after[kit.name("date")] == "2031-03-01"
    # An inactive attribute cannot be edited.
    frame = acc.AssetTable(project.assets.get(ids)._table, settings._core).to_pandas()
    frame["Gone"] = [["y"]] * len(ids)
    assert project.assets.patch(frame, settings=settings).counts == {"invalid": len(ids)}
    row = {
        "Asset ID": "new",
        "Category": "HVAC > Air > Handling",
        "Status": kit.other_status,
        text: "t",
        numeric: 1,
    }
    assert project.assets.create(row, settings=settings).ok


def test_several_options_in_one_cell_are_read_again(project: acc.Project, kit: Kit, tmp_path: Path) -> None:
    """Labels may contain the separators, and one label may be a part of another."""
    path = tmp_path / "settings.json"
    project.settings().save(path)
    saved = json.loads(path.read_text())
    (attribute,) = [one for one in saved["settings"]["attributes"] if one["name"] == kit.name("multi_select")]
    labels = ["a;b", "a", "b", "c, d", "[e", "f\ng"]
    choices = attribute["choices"]
    known = [one["id"] for one in choices]
    for one, label in zip(choices, labels, strict=False):
        one["label"] = label
    path.write_text(json.dumps(saved))
    settings = acc.Settings.load(path)
    count = min(len(known), len(labels))
    several = [known[:1], known[:2], known[1:3], known[2:count], known[:count], known[:count][::-1]]
    created = project.assets.create(
        [kit.row(str(at), **{kit.name("multi_select"): ids}) for at, ids in enumerate(several)]
    )
    table = acc.AssetTable(project.assets.get(created)._table, settings._core)
    table.to_csv(tmp_path / "a.csv")
    # The rows are not compared, so the cells are read.
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(tmp_path / "a.csv", dtype=str)[["id", attribute["display_name"]]]
    assert project.assets.patch(frame, settings=settings).counts == {"updated": len(several)}
    after = [asset["customAttributes"][kit.name("multi_select")] for asset in project.assets.get(created)]
    assert after == several


def test_a_label_means_a_status_of_the_new_category(project: acc.Project) -> None:
    """Both status sets have the label Installed."""
    pytest.importorskip("pandas")
    row = {"Asset ID": "D-1", "Category": "HVAC > Fans", "Status": "Installed"}
    (id,) = project.assets.create(row).ids
    frame = project.assets.get([id]).to_pandas()
    frame["Category"] = "Electrical > Outlets"
    for data in (frame, frame[frame.columns[::-1]]):
        result = project.assets.patch(data, dry_run=True)
        assert result.counts == {"not_sent": 1}, result
    assert project.assets.patch(frame).counts == {"updated": 1}
    after = project.assets.get([id])[0]
    settings = project.settings()
    assert after["categoryId"] == settings.category("Electrical > Outlets").id
    assert after["statusId"] == settings.status("Installed", status_set="Energisation").id
    # A label that the new set does not have is invalid.
    project.assets.patch({"id": id, "Status": "Energised"})
    frame = project.assets.get([id]).to_pandas()
    frame["Category"] = "HVAC > Fans"
    result = project.assets.patch(frame)
    assert result.counts == {"invalid": 1}
    assert "no such status in the set `Default`" in str(result)


def test_an_edited_id_may_stand_next_to_an_unchanged_label(
    project: acc.Project, kit: Kit, ids: list[str]
) -> None:
    label = {one.id: one.label for one in project.settings().statuses}
    asset: dict[str, Any] = {**project.assets.get(ids[0])[0]}
    for row in (
        {"Status": label[kit.status], **asset, "statusId": kit.other_status},
        {**asset, "statusId": kit.other_status, "Status": label[kit.status]},
    ):
        assert project.assets.patch([row], dry_run=True).counts == {"not_sent": 1}
    assert project.assets.patch([row]).counts == {"updated": 1}
    assert project.assets.get(ids[0])[0]["statusId"] == kit.other_status


def test_get_and_list_read_the_settings_once(sim: acc.testing.Simulator, ids: list[str]) -> None:
    pytest.importorskip("polars")
    project = sim.client().project(sim.project_id)
    before = sim.audit()["requests"]
    project.assets.list(names=False)
    project.assets.get(ids, names=False)
    assert sim.audit()["requests"] == before + 2
    tables = [project.assets.list(), project.assets.get(ids)]
    between = sim.audit()["requests"]
    tables += [project.assets.list(), project.assets.get(ids), project.assets.get([])]
    assert sim.audit()["requests"] == between + 2
    assert all(table.to_polars().columns[:4] == ["id", "Asset ID", "Category", "Status"] for table in tables)
    wrong: Any = 1
    with pytest.raises(acc.OptionError, match="names must be True or False"):
        project.assets.list(names=wrong)
    with pytest.raises(acc.OptionError, match="names must be True or False"):
        project.assets.get(ids, names=wrong)


@pytest.mark.once
@pytest.mark.parametrize("write", [csv, excel, parquet])
def test_files_keep_every_line_break(project: acc.Project, kit: Kit, write: Any, tmp_path: Path) -> None:
    # openpyxl reads such cells of Excel files with the escape sequence of the file format.
    rows = [
        kit.row(str(at), description=text) for at, text in enumerate(["a\r\nb", "a\rb", "a\n\nb\n", "\x0b"])
    ]
    ids = project.assets.create(rows).ids
    assert project.assets.patch(write(project.assets.get(ids), tmp_path)).counts == {"unchanged": len(rows)}


def test_lists_of_a_csv_file_of_pandas_come_back(
    project: acc.Project, kit: Kit, ids: list[str], tmp_path: Path
) -> None:
    """A list is written as Python code."""
    pandas = pytest.importorskip("pandas")
    frame = project.assets.list().to_pandas()
    frame.to_csv(tmp_path / "a.csv", index=False)
    assert "['" in (tmp_path / "a.csv").read_text()
    read = pandas.read_csv(tmp_path / "a.csv", dtype={"Barcode": str, "Asset ID": str})
    assert project.assets.patch(read).counts == {"unchanged": len(ids)}
