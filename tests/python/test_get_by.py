"""`assets.get` with `by`: assets by their Asset ID, barcode or a text attribute."""

from __future__ import annotations

import csv
import pathlib
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from conftest import Kit
from front import Answer, front

import acc_assets as acc

pytestmark = pytest.mark.filterwarnings("ignore::acc_assets.DataWarning")


def requests(sim: acc.testing.Simulator) -> int:
    """The number of list and search requests."""
    endpoints: dict[str, Any] = sim.audit()["endpoints"]
    return int(endpoints.get("assets", {"requests": 0})["requests"])


def names(assets: acc.AssetTable) -> list[str]:
    return [asset["clientAssetId"] for asset in assets]


@pytest.fixture
def made(project: acc.Project, kit: Kit) -> acc.BulkResult:
    """450 assets, three pages."""
    rows = [
        kit.row(
            f"AHU-{number}", barcode=f"{number:06}", customAttributes={kit.name("text"): f"Serial {number}"}
        )
        for number in range(450)
    ]
    return project.assets.create(rows).raise_if_failed()


@pytest.fixture
def barcodes(project: acc.Project, kit: Kit) -> list[str | None]:
    """The ids of assets with awkward barcodes."""
    codes = ["QR-1", "QR-1", "qr-1", "QR-10", " QR-2 ", None]
    rows = [kit.row(f"F-{place}", barcode=code) for place, code in enumerate(codes)]
    first = project.assets.create(rows[:1]).raise_if_failed()
    # Assets with one barcode are sorted by their creation, which the service tells in milliseconds.
    time.sleep(0.005)
    return first.ids + project.assets.create(rows[1:]).raise_if_failed().ids


@pytest.mark.parametrize("option", ["key", "by"])
@pytest.mark.parametrize("name", ["Barcode", "barcode"])
def test_get_by_barcode(project: acc.Project, barcodes: list[str | None], option: str, name: str) -> None:
    options: Any = {option: name}
    assets = project.assets.get(["QR-2 ", "none", "QR-1", None, "", "QR-3", "QR-1"], **options)
    # All assets with a value, in the order of the values. Case matters, and a part of a barcode is not a match.
    assert assets.ids == [barcodes[4], barcodes[0], barcodes[1]]
    assert assets.missing == ["none", "QR-3"]
    assert assets[0].get("customAttributes") is not None
    assert project.assets.get("qr-1", **options).ids == [barcodes[2]]


async def test_get_by_barcode_of_an_async_iterable(
    async_project: acc.AsyncProject, barcodes: list[str | None]
) -> None:
    async def scanned() -> AsyncIterator[str]:
        for code in ("QR-10", "QR-11"):
            yield code

    assets = await async_project.assets.get(scanned(), key="Barcode")
    assert (assets.ids, assets.missing) == ([barcodes[3]], ["QR-11"])


def test_get_by_asset_id_and_text_attribute(project: acc.Project, made: acc.BulkResult, kit: Kit) -> None:
    assert names(project.assets.get(["AHU-7", "AHU-44"], by="Asset ID")) == ["AHU-7", "AHU-44"]
    assert names(project.assets.get(["AHU-7"], by="clientAssetId")) == ["AHU-7"]
    for by in (kit.name("text"), str(kit.attributes["text"]["displayName"])):
        found = project.assets.get(
            ["Serial 4", "Serial 449", "serial 4"], by=by, include_custom_attributes=False
        )
        assert names(found) == ["AHU-4", "AHU-449"]
        assert found.missing == ["serial 4"]


@pytest.mark.once
def test_few_values_are_searched_for(
    sim: acc.testing.Simulator, project: acc.Project, made: acc.BulkResult, kit: Kit
) -> None:
    project.assets.create(kit.rows(600)).raise_if_failed()
    before = requests(sim)
    assert len(project.assets.get(["000007", "000401"], by="Barcode")) == 2
    # The first page, which has the total, and a search per value.
    assert requests(sim) - before == 3
    # A search may not cover a field, so a value counts as missing only after the whole list was read.
    assert project.assets.get(["000007", "none"], by="Barcode").missing == ["none"]
    # Of the list, 6 pages; one or two more read the changes since the start.
    assert requests(sim) - before in (3 + 2 + 7, 3 + 2 + 8)
    before = requests(sim)
    values = [f"{number:06}" for number in range(100)]
    assert len(project.assets.get(values, by="Barcode")) == 100
    assert requests(sim) - before in (7, 8)


@pytest.mark.once
@pytest.mark.parametrize("trouble", ["ignore_filter", "empty_page", "rejected"])
def test_get_by_does_not_rely_on_the_search(
    sim: acc.testing.Simulator, project: acc.Project, made: acc.BulkResult, kit: Kit, trouble: str
) -> None:
    project.assets.create(kit.rows(600)).raise_if_failed()
    if trouble == "rejected":
        sim.add_fault("status", on="assets", code=400, nth=2, times=3)
    else:
        sim.set_switch(trouble, "all" if trouble == "ignore_filter" else "before_each")
    found = project.assets.get(["000007", "000301", "none"], by="Barcode")
    assert (names(found), found.missing) == (["AHU-7", "AHU-301"], ["none"])


@pytest.mark.once
def test_get_by_reads_deleted_assets_only_on_request(project: acc.Project, made: acc.BulkResult) -> None:
    project.assets.delete(made.ids[7:8]).raise_if_failed()
    assert project.assets.get(["AHU-7"], by="Asset ID").missing == ["AHU-7"]
    found = project.assets.get(["AHU-7"], by="Asset ID", include_deleted=True)
    assert found.ids == made.ids[7:8]


def test_get_by_tells_of_blank_cells_and_lost_zeros(
    project: acc.Project, made: acc.BulkResult, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "units.csv"
    path.write_text("Barcode;Room\n000003;1\n  ;2\n;3\n4;4\n9999999;5\n")
    with pytest.warns(acc.DataWarning) as told:
        assets = project.assets.get(path, by="Barcode")
    assert [str(warning.message) for warning in told] == [
        "`Barcode` is blank in 2 rows (first: line 3). No assets were read for blank values",
        "`Barcode`: 1 value without an asset may have lost leading zeros, for example 4: the project has 000004",
    ]
    assert (names(assets), assets.missing) == (["AHU-3"], ["4", "9999999"])
    assert repr(assets).endswith("; 2 not found: 4, 9999999")
    path.write_text("Barcode\nEG-1\n")
    assert project.assets.get(path, by="Barcode").missing == ["EG-1"]
    with pytest.warns(
        acc.DataWarning, match=r"^`Room` is blank in 1 row .row 1.. No assets were read for blank values$"
    ):
        project.assets.get([{"Room": "000003"}, {"Barcode": "000004"}], by="Barcode", key="Room")


def test_get_by_reads_a_column(project: acc.Project, made: acc.BulkResult, tmp_path: pathlib.Path) -> None:
    rows: list[dict[str, str | None]] = [
        {"Barcode": "000003", "Room": "1"},
        {"Barcode": None},
        {"Room": "000004"},
    ]
    assert names(project.assets.get(rows, by="Barcode")) == ["AHU-3"]
    assert names(project.assets.get(iter(rows), by="Barcode", key="Room")) == ["AHU-4"]
    assert project.assets.get(rows, by="Barcode", key="Room").missing == ["1"]
    path = tmp_path / "scanned.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["Scanned"], ["000005"], ["000006"]])
    assert names(project.assets.get(path, by="Barcode", key="Scanned")) == ["AHU-5", "AHU-6"]
    with pytest.raises(
        acc.InputError, match=r"no column `Barcode`: .* The columns are `Scanned`\. If the first row"
    ):
        project.assets.get(path, by="Barcode")
    # `key` names the column with the ids, unless people know assets by it.
    assert project.assets.get([{"Room": made.ids[0]}], key="Room").ids == made.ids[:1]
    assert names(project.assets.get(rows[:1], key="Barcode")) == ["AHU-3"]
    assert names(project.assets.get([{"Asset ID": "AHU-4"}], key="Asset ID")) == ["AHU-4"]


def test_get_by_reads_a_series(project: acc.Project, made: acc.BulkResult) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"Barcode": ["000003", None, "000001"]})
    assert names(project.assets.get(frame, by="Barcode")) == ["AHU-3", "AHU-1"]
    assert names(project.assets.get(frame["Barcode"], key="Barcode")) == ["AHU-3", "AHU-1"]
    with pytest.raises(acc.InputError, match='There is no column "Asset ID"'):
        project.assets.get(frame, by="Asset ID")


def test_get_by_finds_texts_that_became_numbers(project: acc.Project) -> None:
    unit = {"Category": "HVAC > Fans", "Status": "Ordered"}
    rows = [{"Asset ID": f"F-{name}", "Barcode": name, **unit} for name in ("0017", "17", "1.10", "18")]
    made = project.assets.create(rows)
    numbers: list[dict[str, object]] = [{"Barcode": number} for number in (17, 1.1, 19)]
    found = project.assets.get(numbers, by="Barcode")
    assert set(found.ids) == set(made.ids[:3])
    assert found.missing == ["19"]
    # A text is only itself.
    assert project.assets.get(["17"], by="Barcode").ids == [made.ids[1]]


def test_get_by_missing_values_can_raise(project: acc.Project, made: acc.BulkResult) -> None:
    with pytest.raises(acc.InputError, match=r"1 asset was not found: 'AHU-x'. Deleted") as caught:
        project.assets.get(["AHU-1", "AHU-x"], by="Asset ID", missing="raise")
    assert isinstance(caught.value.partial, acc.AssetTable)
    assert names(caught.value.partial) == ["AHU-1"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"by": "Category"}, r"by must be .* not \"Category\": use list\(\) with a filter instead"),
        ({"by": "Airflow"}, "its type is numeric"),
        ({"by": "ca999"}, "the project has no such attribute"),
        ({"key": "Serail"}, "the project has no such attribute"),
        ({"by": 7}, "by must be the name of a field"),
        ({"by": " "}, "by must be the name of a field"),
        ({"by": "Barcode", "after": acc.AccError("x")}, "only reads by id can be resumed"),
    ],
)
def test_get_by_rejects_other_fields(project: acc.Project, options: Any, says: str) -> None:
    with pytest.raises(acc.OptionError, match=says):
        project.assets.get(["A"], **options)


def test_get_by_does_not_take_results(project: acc.Project, made: acc.BulkResult) -> None:
    with pytest.raises(acc.OptionError, match="by= cannot be used with a BulkResult"):
        project.assets.get(made, by="Barcode")
    assert len(project.assets.get(made, by="id")) == 450


@pytest.mark.once
def test_get_by_rejects_values_that_are_not_texts(project: acc.Project) -> None:
    rows: list[dict[str, object]] = [{"Barcode": "A"}, {"Barcode": True}]
    with pytest.raises(acc.InputError, match="row 1: `Barcode` is neither a text nor a number"):
        project.assets.get(rows, by="Barcode")
    with pytest.raises(acc.InputError, match="no column `Barcode`"):
        project.assets.get([{"Code": "A"}], by="Barcode")
    assert project.assets.get([], by="Barcode").missing == []


@pytest.mark.once
def test_get_by_that_fails_has_what_it_found(sim: acc.testing.Simulator, made: acc.BulkResult) -> None:
    assets = sim.client(retry={"attempts": 1}).project(sim.project_id).assets
    sim.add_fault("status", code=503, on="assets", nth=2)
    values = [f"AHU-{number}" for number in range(450)]
    with pytest.raises(acc.ServerError) as caught:
        assets.get(values, by="Asset ID")
    assert isinstance(caught.value.partial, acc.AssetTable)
    assert len(caught.value.partial) == 200
    # What was not read is not missing.
    assert caught.value.partial.missing == []


@pytest.mark.once
def test_get_by_rejects_entries_that_are_not_assets(sim: acc.testing.Simulator) -> None:
    body = b'{"pagination":{},"results":[{"barcode":"A","id":"1"},7]}'
    with front(sim, lambda _: Answer(200, body).whole()) as (url, _):
        project = acc.Client(sim.token, base_url=url, retry=acc.Retry(base=0.01)).project(sim.project_id)
        with pytest.raises(acc.ApiError, match="the list of assets is unreadable: its rows have no ids"):
            project.assets.get(["A"], by="Barcode")
