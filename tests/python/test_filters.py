"""The filters and the order of `assets.list`, and the times of `relationships.search`."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import enum
import json
import time
from collections.abc import Iterator
from datetime import date, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from conftest import Kit
from front import Passing, front

import acc_assets as acc
from acc_assets._times import time_range

UTC = timezone.utc


class Lists:
    """Lists assets, and returns their Asset IDs."""

    def __init__(self, project: acc.Project, sim: acc.testing.Simulator) -> None:
        self.project = project
        self.sim = sim

    def __call__(self, **filters: Any) -> list[str]:
        return [asset["clientAssetId"] for asset in self.project.assets.list(**filters)]


@pytest.fixture
def lists(project: acc.Project, sim: acc.testing.Simulator) -> Lists:
    return Lists(project, sim)


@pytest.fixture
def no_request(sim: acc.testing.Simulator) -> Iterator[None]:
    before = sim.audit()["requests"]
    yield
    assert sim.audit()["requests"] == before


@pytest.fixture
def units(project: acc.Project, kit: Kit) -> dict[str, str]:
    """Two assets with a second between them, and the time in the middle."""
    project.assets.create(kit.row("old")).raise_if_failed()
    time.sleep(0.01)
    middle = datetime.datetime.now(UTC)
    time.sleep(0.01)
    project.assets.create(kit.row("new")).raise_if_failed()
    return {"middle": middle.isoformat()}


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone of a process cannot be set here")
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def times(**filters: Any) -> dict[str, str]:
    """Return the times of the query for these arguments."""
    from acc_assets._query import search_query
    from acc_assets._times import time_range

    if "updated" in filters:
        return {"updated": str(time_range("updated", filters["updated"]))}
    return dict(
        search_query(None, None, filters.get("created_after"), filters.get("created_before"), False, False)
    )


# Times


def test_updated_takes_a_time_or_a_range(lists: Lists, units: dict[str, str]) -> None:
    pandas, numpy = pytest.importorskip("pandas"), pytest.importorskip("numpy")
    text = units["middle"]
    middle = datetime.datetime.fromisoformat(text)
    naive = middle.astimezone().replace(tzinfo=None)
    for since in (
        middle,
        naive,
        text,
        pandas.Timestamp(middle),
        pandas.Timestamp(naive),
        numpy.datetime64(naive),
    ):
        assert lists(updated=since, text="old") == [], since
        assert lists(updated=since, text="new") == ["new"], since
        assert lists(updated=(since, None), text="new") == ["new"], since
        assert lists(updated=(None, since), text="new") == [], since
        assert lists(updated=(None, since), text="old") == ["old"], since
    assert lists(updated=f"{text}..", text="old") == []
    assert lists(updated=f"..{text}", text="old") == ["old"]
    assert lists(updated=f"{text}..2099-01-01", text="new") == ["new"]
    assert lists(updated=(None, None), text="new") == lists(updated=None, text="new") == ["new"]


def test_updated_includes_whole_days(lists: Lists, units: dict[str, str]) -> None:
    today = datetime.datetime.now().date()
    day = timedelta(days=1)
    for since in (today, today - day, today.isoformat(), (today, today), (None, today), f"{today}..{today}"):
        assert lists(updated=since, text="new") == ["new"], since
    assert lists(updated=today + day, text="new") == []
    assert lists(updated=(None, today - day), text="new") == []


def test_times_without_a_zone_are_local(berlin: None) -> None:
    cases: dict[Any, str] = {
        "2026-11-27": "2026-11-26T23:00:00.000Z..",
        date(2026, 7, 1): "2026-06-30T22:00:00.000Z..",
        (None, date(2026, 7, 1)): "..2026-07-01T21:59:59.999Z",
        "..2026-03-29": "..2026-03-29T21:59:59.999Z",  # a day of 23 hours
        ("2026-03-29", None): "2026-03-28T23:00:00.000Z..",
        datetime.datetime(2026, 11, 27, 8, 30): "2026-11-27T07:30:00.000Z..",
        "2026-11-27T08:30": "2026-11-27T07:30:00.000Z..",
        "2026-11-27 08:30:00Z": "2026-11-27T08:30:00.000Z..",
        "2026-11-27T08:30:00.5+05:30": "2026-11-27T03:00:00.500Z..",
        "2026-11-27T08:30:00,123456789+0100": "2026-11-27T07:30:00.124Z..",
        (None, "2026-11-27t08:30:00.123456z"): "..2026-11-27T08:30:00.123Z",
        "2026-11-01 .. 2026-11-27T00+01": "",
    }
    for value, expected in cases.items():
        if expected:
            assert times(updated=value) == {"updated": expected}, value
        else:
            with pytest.raises(acc.OptionError, match="2026-11-27T00\\+01"):
                times(updated=value)


@pytest.mark.usefixtures("no_request")
@pytest.mark.parametrize(
    "wrong",
    [
        "27.11.2026..",
        "27.11.2026",
        "yesterday",
        "2026-13-01",
        "2026-02-30..",
        "2026-11-01...2026-11-27",
        "",
        5,
        True,
        (),
        ("2026-11-01",),
        ("2026-11-01", "2026-11-02", "2026-11-03"),
        ["2026-11-01", "2026-11-02"],
        ("2026-11-02", "2026-11-01"),
        (float("nan"), None),
    ],
)
def test_updated_rejects_what_is_no_time(wrong: Any, lists: Lists) -> None:
    with pytest.raises(acc.OptionError, match=r"^updated: ") as caught:
        lists(updated=wrong)
    accepts = "or a string such as" in str(caught.value)
    assert accepts or "earlier time first" in str(caught.value) or "leave this end open" in str(caught.value)


def test_updated_rejects_nat(lists: Lists) -> None:
    pandas, numpy = pytest.importorskip("pandas"), pytest.importorskip("numpy")
    for wrong in (pandas.NaT, numpy.datetime64("NaT"), (pandas.NaT, None)):
        with pytest.raises(acc.OptionError, match="NaT"):
            lists(updated=wrong)


def test_created_after_and_before_take_the_same_times(project: acc.Project, berlin: None) -> None:
    pandas = pytest.importorskip("pandas")
    day = pandas.Timestamp("2026-07-01", tz="UTC")
    assert times(created_after=day) == {"createdAfter": "2026-07-01T00:00:00.000Z"}
    with pytest.raises(acc.OptionError, match="leave this end open"):
        times(updated=date.min)
    assert times(created_after="2026-07-01", created_before=date(2026, 7, 1)) == {
        "createdAfter": "2026-06-30T22:00:00.000Z",
        "createdBefore": "2026-07-01T21:59:59.999Z",
    }
    assert len(project.relationships.search(created_before=day)) == 0
    wrong: Any
    for wrong in ("27.11.2026", "2026-11-01..", (None, "2026-11-01"), 5, pandas.NaT):
        with pytest.raises(acc.OptionError, match=r"^created_before: "):
            project.relationships.search(created_before=wrong)
    with pytest.raises(acc.OptionError, match="earlier time first"):
        project.relationships.search(created_after="2026-11-02", created_before="2026-11-01")


@pytest.mark.once
def test_only_documented_filters_are_sent(sim: acc.testing.Simulator, kit: Kit) -> None:
    documented = {"limit", "includeSubLocations", "includeCustomAttributes", "includeDeleted", "sort"}
    documented |= {
        f"filter[{name}]" for name in ("categoryId", "statusId", "locationId", "updatedAt", "searchText")
    }
    numeric = kit.name("numeric")
    documented.add(f"filter[customAttributes][{numeric}]")
    with (
        front(sim, lambda passing: passing.forward().whole()) as (url, seen),
        acc.Client(sim.token, base_url=url) as client,
    ):
        client.project(sim.project_id).assets.list(
            category=kit.category,
            status=kit.status,
            location="Building A",
            updated="2026-01-01..",
            text="a",
            attributes={numeric: (1, 2)},
        )
    query = parse_qsl(urlsplit(seen[-1].path).query)
    assert {name for name, _ in query} == documented
    assert len(query) == len(documented)


# Categories, statuses and locations


@pytest.fixture
def trees(project: acc.Project, sim: acc.testing.Simulator, kit: Kit) -> dict[str, Any]:
    """One asset in each category of one tree, and one per location, named after them."""
    settings = project.settings()
    rows = [
        {
            "clientAssetId": f"C-{category.id}",
            "categoryId": category.id,
            "statusId": settings.status(category.statuses[0], status_set=category.status_set).id,
        }
        for category in settings.categories
        if category.is_active and not category.is_root
    ]
    rows += [kit.row(f"L-{location.id}", locationId=location.id) for location in settings.locations]
    sim.set_switch("required", "off")
    project.assets.create(rows, settings=None).raise_if_failed()
    return {"settings": settings, "rows": rows}


def below(kind: list[Any], *ids: str) -> set[str]:
    found = set(ids)
    while more := {one.id for one in kind if one.parent_id in found} - found:
        found |= more
    return found


def test_category_includes_subcategories(lists: Lists, trees: dict[str, Any]) -> None:
    settings = trees["settings"]
    hvac = settings.category("HVAC")
    ids = below(settings.categories, hvac.id)
    assert len(ids) > 2
    expected = {f"C-{id}" for id in ids}
    for category in ("HVAC", hvac.id, int(hvac.id), ["HVAC"], [["HVAC"]], {hvac.id, "HVAC"}):
        assert {name for name in lists(category=category) if name[0] == "C"} == expected, category
    leaf = settings.category("Air Handling")
    assert {name for name in lists(category=leaf.id) if name[0] == "C"} == {f"C-{leaf.id}"}
    # An inactive category can be listed, too: it may still have assets.
    inactive = next(one for one in settings.categories if not one.is_active)
    assert lists(category=inactive.id) == lists(category=inactive.path) == lists(category=inactive) == []
    # A record of the settings is one value, although it is a tuple.
    assert {name for name in lists(category=leaf) if name[0] == "C"} == {f"C-{leaf.id}"}
    with pytest.raises(
        acc.OptionError, match=r"could be one path or several categories. Pass 'HVAC > Air Handling'"
    ):
        lists(category=["HVAC", "Air Handling"])
    assert {name for name in lists(category=[["HVAC", "Air Handling"]]) if name[0] == "C"} == {f"C-{leaf.id}"}
    root = next(one for one in settings.categories if one.is_root)
    everything = lists()
    assert sorted(lists(category=root.id)) == sorted(everything)


def test_category_includes_new_subcategories(lists: Lists, kit: Kit, project: acc.Project) -> None:
    project.settings()
    setup = acc.Setup.from_dict({"categories": [{"path": "HVAC > Brand new"}]})
    with acc.Client(lists.sim.token, base_url=lists.sim.url) as other:
        other.project(project.id).apply_setup(setup)
        row = {"Asset ID": "late", "Category": "Brand new", "Status": "Ordered"}
        other.project(project.id).assets.create(row, settings="auto").raise_if_failed()
    assert "late" in lists(category="HVAC")


def test_a_category_by_id_takes_one_more_request(sim: acc.testing.Simulator, kit: Kit) -> None:
    with sim.client() as client:
        before = sim.audit()["requests"]
        client.project(sim.project_id).assets.list(category=kit.category, names=False)
        assert sim.audit()["requests"] - before == 2


def test_location_includes_sublocations(lists: Lists, trees: dict[str, Any]) -> None:
    locations = trees["settings"].locations
    building = next(one for one in locations if one.name == "Building A")
    ids = below(locations, building.id)
    assert len(ids) > 2
    expected = sorted(f"L-{id}" for id in ids)
    first, second, *_ = (one for one in locations if one.parent_id == building.id)
    two = sorted(f"L-{id}" for id in below(locations, first.id, second.id))
    for location in (
        "Building A",
        building.id,
        building.id.upper(),
        [building.id],
        ["Building A", building.id],
    ):
        assert sorted(lists(location=location)) == expected, location
    for location in ([first.id, second.id], {first.path, second.id}, (first.path, second.path)):
        assert sorted(lists(location=location)) == two, location


@pytest.mark.usefixtures("no_request")
@pytest.mark.parametrize("name", ["category", "status", "location"])
@pytest.mark.parametrize("wrong", [[], (), [None], {"a": 1}, b"x", [float("nan")]])
def test_filters_without_a_value_are_rejected(name: str, wrong: Any, lists: Lists) -> None:
    with pytest.raises(acc.OptionError, match=f"^{name} "):
        lists(**{name: wrong})


def test_unknown_names_are_rejected(lists: Lists) -> None:
    for filters, match in (
        ({"category": "Air Handlin"}, "did you mean `HVAC > Air Handling`"),
        ({"category": "9999"}, "no category with the id or name '9999'"),
        ({"category": 9999}, "no category with the id or name '9999'"),
        ({"status": "Instaled"}, "did you mean `Installed`"),
        ({"location": "Bilding A"}, "did you mean `Building A`"),
    ):
        with pytest.raises(acc.OptionError, match=match):
            lists(**filters)


def test_a_filter_that_is_too_long_is_rejected(lists: Lists, kit: Kit, sim: acc.testing.Simulator) -> None:
    before = sim.audit()["requests"]
    with pytest.raises(acc.OptionError, match=r"^text: 1 value makes the request longer than"):
        lists(text="x" * 6000, names=False)
    assert sim.audit()["requests"] == before


def test_filters_take_values_of_pandas_and_numpy(lists: Lists, kit: Kit, project: acc.Project) -> None:
    pandas, numpy = pytest.importorskip("pandas"), pytest.importorskip("numpy")
    project.assets.create(
        kit.row("one", **{kit.name("numeric"): 5, kit.name("boolean"): True})
    ).raise_if_failed()
    frame = pandas.DataFrame({"category": [int(kit.category)], "status": [kit.status], "number": [5.0]})
    for filters in (
        {"category": frame["category"].unique()},
        {"category": frame["category"].iloc[0]},
        {"category": float(kit.category)},
        {"status": frame["status"]},
        {"attributes": {kit.name("numeric"): frame["number"].max()}},
        {"attributes": {kit.name("numeric"): (numpy.float32(4.5), numpy.int64(5))}},
        {"attributes": {kit.name("boolean"): numpy.bool_(True)}},
    ):
        assert lists(**filters, text="one") == ["one"], filters


# Custom attributes


@pytest.fixture
def measured(project: acc.Project, kit: Kit) -> Kit:
    """Five assets with numbers from 1 to 5, and other values."""
    choice, other = kit.choices("select")[:2]
    rows = [
        kit.row(
            f"N-{number}",
            **{
                kit.name("numeric"): number,
                kit.name("date"): f"2026-03-0{number}",
                kit.name("boolean"): number > 3,
                kit.name("text"): f"Vendor {number}",
                kit.name("select"): choice if number == 1 else other,
            },
        )
        for number in range(1, 6)
    ]
    project.assets.create(rows).raise_if_failed()
    return kit


def numbers(names: list[str]) -> list[int]:
    return [int(name.removeprefix("N-")) for name in names]


def test_attributes_take_ranges_and_lists(lists: Lists, measured: Kit) -> None:
    day = date(2026, 3, 2)
    cases: dict[str, list[tuple[Any, list[int]]]] = {
        "numeric": [
            ((2, 4), [2, 3, 4]),
            ((2.5, None), [3, 4, 5]),
            ((None, "2"), [1, 2]),
            ([1, 5, 9], [1, 5]),
            ([1, (3, 4)], [1, 3, 4]),
            ([(1, 2), (5, None)], [1, 2, 5]),
            ({3}, [3]),
            (3, [3]),
            ("2..3", [2, 3]),
            ("4..", [4, 5]),
        ],
        "date": [
            ((day, date(2026, 3, 3)), [2, 3]),
            ((None, day), [1, 2]),
            (("2026-03-04", None), [4, 5]),
            (datetime.datetime(2026, 3, 2), [2]),
            ([day, "2026-03-05"], [2, 5]),
            ("..2026-03-02", [1, 2]),
        ],
        "boolean": [(True, [4, 5]), ([True], [4, 5]), ("false", [1, 2, 3]), ([True, False], [1, 2, 3, 4, 5])],
        "text": [("vendor 2", [2]), (["Vendor 3"], [3])],
    }
    for kind, tests in cases.items():
        displayed = measured.attributes[kind]["displayName"]
        for value, expected in tests:
            for name in (measured.name(kind), displayed):
                assert numbers(lists(attributes={name: value}, text="N-")) == expected, (kind, value)
    labels = [value["displayName"] for value in measured.attributes["select"]["values"]]
    select = measured.attributes["select"]["displayName"]
    assert numbers(lists(attributes={select: labels[0]}, text="N-")) == [1]
    assert numbers(lists(attributes={select: labels[:2]}, text="N-")) == [1, 2, 3, 4, 5]
    both = {measured.name("numeric"): (2, None), measured.name("boolean"): False}
    assert numbers(lists(attributes=both, text="N-")) == [2, 3]


def test_attributes_take_timestamps(lists: Lists, measured: Kit) -> None:
    pandas = pytest.importorskip("pandas")
    since = pandas.Timestamp("2026-03-04")
    assert numbers(lists(attributes={measured.name("date"): (since, None)}, text="N-")) == [4, 5]
    with pytest.raises(acc.OptionError, match="is not a date"):
        lists(attributes={measured.name("date"): pandas.Timestamp("2026-03-04 12:00")})


@pytest.mark.parametrize(
    ("kind", "wrong", "match"),
    [
        ("numeric", (1,), "a tuple of two values, not 1"),
        ("numeric", (1, 2, 3), "a tuple of two values, not 3. Pass a list"),
        ("numeric", (None, None), "has no ends"),
        ("numeric", (5, 1), "ends before it starts"),
        ("numeric", ("a", 1), "'a' is not a number"),
        ("numeric", "1,5", "'1,5' is not a number"),
        ("numeric", [True], "True is not a number"),
        ("numeric", "inf", "'inf' is not a number"),
        ("numeric", None, "without a value"),
        ("numeric", float("nan"), "is not a value"),
        ("numeric", [], "is empty"),
        ("numeric", {"min": 1}, "not dict"),
        ("numeric", [[1, 2]], "a list in a list"),
        ("date", ("27.11.2026", None), "'27.11.2026' is not a date"),
        ("date", "27.11.2026..", "'27.11.2026' is not a date"),
        ("date", (3, None), "3 is not a date"),
        ("text", ("a", "b"), "no order, so it takes no range .* Pass one text"),
        ("text", ["a", "b"], "for one text only"),
        ("select", ("F7", "F9"), "no order, so it takes no range .* Pass one value, or a list"),
        ("select", "F77", "^attributes: 'Filter Class': value .*did you mean `F7`"),
        ("boolean", (False, True), "no order"),
        ("boolean", "ja", "Pass True or False, not 'ja'"),
    ],
)
def test_attributes_reject_wrong_values(kind: str, wrong: Any, match: str, lists: Lists, kit: Kit) -> None:
    displayed = kit.attributes[kind]["displayName"]
    with pytest.raises(acc.OptionError, match=match):
        lists(attributes={displayed: wrong})


def test_attributes_reject_unknown_names(lists: Lists, kit: Kit) -> None:
    for wrong, match in (
        ({"Filter Klass": "F7"}, "did you mean `Filter Class`"),
        ({"ca999": 1, "ca998": (1, 2)}, "no custom attribute 'ca999'"),
        ({"Category": "HVAC"}, "'Category' is not a custom attribute. Use the argument category= instead"),
        ({"barcode": "000123"}, "Use the argument text= instead"),
        ({"filter[clientAssetId]": "x"}, "no custom attribute .* Use one of "),
        ({kit.name("numeric"): 1, kit.attributes["numeric"]["displayName"]: 2}, "are the same attribute, ca"),
        ("Airflow", "must be a dict"),
    ):
        with pytest.raises(acc.OptionError, match=match):
            lists(attributes=wrong)


# Other arguments


def test_sort_takes_fields_and_attributes(lists: Lists, measured: Kit, sim: acc.testing.Simulator) -> None:
    up, down = [1, 2, 3, 4, 5], [5, 4, 3, 2, 1]
    displayed = measured.attributes["numeric"]["displayName"]
    for sort, expected in {
        "clientAssetId": up,
        "-clientAssetId": down,
        "client_asset_id desc": down,
        "Asset ID DESC": down,
        "-Asset ID": down,
        measured.name("numeric"): up,
        f"-{measured.name('numeric')}": down,
        f"customAttributes.{measured.name('numeric')} desc": down,
        f"{displayed} desc": down,
        "categoryId, -clientAssetId": down,
        "created_at, client_asset_id": up,
    }.items():
        assert numbers(lists(sort=sort, text="N-")) == expected, sort
    assert numbers(lists(sort=["category_id", "clientAssetId desc"], text="N-")) == down


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ("creatdAt", 'Did you mean "createdAt"?'),
        ("Filtr Class desc", 'Did you mean "Filter Class"?'),
        ("nonsense", 'Use one of "id", "clientAssetId", "categoryId", '),
        # The service cannot sort by these fields.
        ("isActive", "Use one of"),
        ("companyId", "Use one of"),
        ("-ca999", "no field or custom attribute 'ca999'"),
        ("customAttributes", "Use one of"),
        ("createdAt descending", "'createdAt descending'"),
        ("createdAt,", "an empty field"),
        ("", "an empty field"),
        ("-", "an empty field"),
        ([], "sort must be a string"),
        (None, "sort must be a string"),
        ([1], "sort must be a string"),
    ],
)
def test_sort_rejects_unknown_fields(
    wrong: Any, match: str, lists: Lists, sim: acc.testing.Simulator
) -> None:
    with pytest.raises(acc.OptionError) as caught:
        lists(sort=wrong)
    assert match in str(caught.value)
    assert sim.audit()["endpoints"].get("assets", {"requests": 0})["requests"] == 0


def test_text_and_deleted(lists: Lists, project: acc.Project, kit: Kit) -> None:
    made = project.assets.create(kit.row("gone"))
    project.assets.delete(made)
    project.assets.create(kit.row("gone, too")).raise_if_failed()
    assert lists(text="GONE") == ["gone, too"]
    assert lists(text="GONE", deleted=True) == ["gone", "gone, too"]
    for wrong in ("", " ", 5, ["a"]):
        with pytest.raises(acc.OptionError, match=r"^text must be"):
            lists(text=wrong)
    for flag in (1, None, "only"):
        with pytest.raises(acc.OptionError, match=r"^deleted must be True or False"):
            lists(deleted=flag)


def test_limit_reads_no_more_pages_than_needed(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator
) -> None:
    project.assets.create(kit.rows(450), settings=None).raise_if_failed()
    made = project.assets.list(text="AHU-", sort="Asset ID").to_dicts()
    # One request more tells whether something changed meanwhile. Here, all assets have changed in the last seconds,
    # so the pages are read again to see whether they stay the same.
    for limit, pages in ((1, 1), (200, 1), (201, 2 * 3), (450, 2 * 4), (9999, 2 * 4)):
        before = sim.audit()["requests"]
        found = project.assets.list(text="AHU-", limit=limit, sort="Asset ID")
        assert found.to_dicts() == made[:limit]
        assert sim.audit()["requests"] - before == pages
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(acc.OptionError, match=r"^limit must be"):
            project.assets.list(limit=wrong)  # type: ignore[arg-type]


def test_limit_may_resume_a_read(sim: acc.testing.Simulator, project: acc.Project, kit: Kit) -> None:
    project.assets.create(kit.rows(450), settings=None).raise_if_failed()
    made = project.assets.list(text="AHU-", sort="Asset ID").to_dicts()
    sim.add_fault("status", on="assets", code=403, nth=2)
    with pytest.raises(acc.ForbiddenError) as caught:
        project.assets.list(text="AHU-", limit=300, sort="Asset ID")
    found = project.assets.list(text="AHU-", limit=300, sort="Asset ID", after=caught.value)
    assert found.to_dicts() == made[:300]


def test_old_names_are_gone(lists: Lists) -> None:
    for name in ("updated_at", "search", "filters", "include_deleted"):
        with pytest.raises(TypeError, match=name):
            lists(**{name: None})


def test_a_category_may_be_called_like_an_id(lists: Lists, kit: Kit, project: acc.Project) -> None:
    """As in classifications such as DIN 276."""
    project.apply_setup(
        acc.Setup.from_dict({"categories": [{"path": "41000 > 41100", "status_set": "Default"}]})
    )
    rows = [{**kit.row("one"), "categoryId": project.settings(refresh=True).category("41000 > 41100").id}]
    project.assets.create(rows).raise_if_failed()
    assert lists(category="41100") == lists(category=41000) == ["one"]


class Maker(enum.Enum):
    TRANE = "Trane"


def test_values_of_attributes_are_checked_by_any_name(lists: Lists, kit: Kit, project: acc.Project) -> None:
    """The same values are found and rejected by display name and by API name, with and without letters."""
    numeric, select, text, date = (kit.name(kind) for kind in ("numeric", "select", "text", "date"))
    label = kit.attributes["select"]["values"][0]["displayName"]
    rows = [
        kit.row(
            "one", **{numeric: "0.1", select: kit.choices("select")[0], text: "Trane", date: "2031-02-03"}
        )
    ]
    project.assets.create(rows).raise_if_failed()
    numpy = pytest.importorskip("numpy")
    for found in (
        {select: label},
        {select: kit.choices("select")[0]},
        {text: Maker.TRANE},
        # In single precision, 0.1 is 0.10000000149 otherwise.
        {numeric: numpy.float32(0.1)},
        {numeric: (numpy.float32(0.1), None)},
        {numeric: "0.1"},
        {date: datetime.date(2031, 2, 3)},
    ):
        assert lists(attributes=found) == ["one"], found
    for wrong in (
        {select: 5},
        {select: True},
        {numeric: "1,5"},
        {date: "27.11.2026"},
        {kit.name("boolean"): 1},
        {"ca999": 5},
        {text: ""},
        {text: ["Trane", " "]},
        {numeric: [numpy.array([1, 2])]},
        {numeric: decimal.Decimal("sNaN")},
    ):
        with pytest.raises(acc.OptionError):
            lists(attributes=wrong)


def test_ids_of_other_projects_are_rejected(lists: Lists, project: acc.Project) -> None:
    other = "00000000-0000-4000-8000-000000000001"
    with pytest.raises(acc.OptionError, match="the project has no such"):
        lists(status=other)
    # The settings do not know locations that were removed, which may still have assets.
    assert lists(location=other) == []
    with pytest.raises(acc.OptionError, match="the project has no such"):
        lists(location=other[:-1])
    room = next(one for one in project.settings().locations if one.parent_id is not None)
    assert lists(location=room) == lists(location=room.id) == lists(location=room.id.upper())


def test_a_day_ends_when_the_next_one_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Chile, clocks go back at midnight, so the last hour of the day occurs twice."""
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone of a process cannot be set")
    monkeypatch.setenv("TZ", "America/Santiago")
    time.tzset()
    try:
        assert time_range("updated", ("2026-04-04", "2026-04-04")) == (
            "2026-04-04T03:00:00.000Z..2026-04-05T03:59:59.999Z"
        )
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("zone", "day", "since", "until"),
    [
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00.000Z", "2026-04-23T21:59:59.999Z"),
        ("America/Havana", "2026-03-08", "2026-03-08T05:00:00.000Z", "2026-03-08T04:59:59.999Z"),
    ],
)
def test_a_day_begins_when_its_midnight_is_skipped(
    zone: str, day: str, since: str, until: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There, clocks go forward at midnight, so the day begins at 1 o'clock."""
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone of a process cannot be set")
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        before = datetime.date.fromisoformat(day) - datetime.timedelta(days=1)
        assert time_range("updated", day) == f"{since}.."
        assert time_range("updated", (None, before)) == f"..{until}"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_sorting_by_a_select_attribute_is_refused(lists: Lists, kit: Kit) -> None:
    """The service sorts by the ids of options, which mean nothing."""
    with pytest.raises(acc.OptionError, match=r"ids of options.*sort_values"):
        lists(sort="Filter Class")
    with pytest.raises(acc.OptionError, match=r"ids of options"):
        lists(sort=["-createdAt", "-Functions"])


def test_a_category_named_by_digits_is_not_taken_for_an_id(sim: acc.testing.Simulator) -> None:
    plant = {
        "status_sets": [{"name": "S", "statuses": ["Open"], "default": True}],
        "categories": [{"path": ["Hvac"]}, {"path": ["Pumps"]}, {"path": ["3"]}],
    }
    with acc.testing.Simulator(project=plant, window=0.5) as named:
        project = named.client().project(named.project_id)
        ids = {category["path"]: category["id"] for category in named.world()["categories"]}
        assert ids["Pumps"] == "3"
        row = {"Status": "Open"}
        made = project.assets.create(
            [
                {"Asset ID": "pump", "Category": "Pumps", **row},
                {"Asset ID": "three", "Category": f"3 ({ids['3']})", **row},
                {"Asset ID": "unclear", "Category": "3", **row},
            ]
        )
        assert made.counts == {"created": 2, "invalid": 1}
        assert made.causes[0].message.endswith(
            "it is the id of one category and the name of another: `Pumps (3)` or `3 (4)`"
        )
        # A column of ids is not ambiguous.
        found = project.assets.create([{"clientAssetId": "id", "categoryId": "3", **row}])
        assert found.counts == {"created": 1}
        lists = Lists(project, named)
        assert lists(category=3) == lists(category="Pumps") == ["pump", "id"]
        assert lists(category=f"3 ({ids['3']})") == ["three"]
        with pytest.raises(acc.OptionError, match="the id of one category and the name of another"):
            lists(category="3")
        table = project.assets.list()
        assert project.assets.patch(table).counts == {"unchanged": 3}
        assert project.assets.patch(project.assets.list(names=False)).counts == {"unchanged": 3}


def test_spaces_at_the_ends_of_filters_do_not_count(lists: Lists, kit: Kit) -> None:
    lists.project.assets.create(kit.row("AHU-11", **{kit.name("text"): "ACME"})).raise_if_failed()
    lists.project.assets.create(kit.row("AHU-12")).raise_if_failed()
    assert lists(text=" AHU-11 ") == ["AHU-11"]
    assert lists(attributes={kit.name("text"): "ACME "}) == ["AHU-11"]
    assert lists(attributes={kit.name("text"): ["ACME", "ACME"]}) == ["AHU-11"]


def test_repeated_values_count_once(sim: acc.testing.Simulator, kit: Kit) -> None:
    with (
        front(sim, lambda passing: passing.forward().whole()) as (url, seen),
        acc.Client(sim.token, base_url=url) as client,
    ):
        project = client.project(sim.project_id)
        label = next(one.label for one in project.settings().statuses if one.id == kit.status)
        attributes = {kit.name("numeric"): [1, 1.0, "1"] * 900}
        project.assets.list(status=[label, kit.status, f" {label}"] * 500, attributes=attributes)
    query = parse_qsl(urlsplit(seen[-1].path).query)
    assert len(query) == len(set(query))
    assert ("filter[statusId]", kit.status) in query


def test_an_empty_list_of_an_attribute_is_left_out(lists: Lists, kit: Kit) -> None:
    with pytest.raises(acc.OptionError, match="or leave out the attribute for no filter"):
        lists(attributes={kit.name("numeric"): []})
    with pytest.raises(acc.OptionError, match="or None for no filter"):
        lists(status=[])


def test_a_range_of_times_is_a_tuple(lists: Lists) -> None:
    with pytest.raises(acc.OptionError, match=r"is a list, but a range is a tuple\. Pass a date"):
        lists(updated=["2026-11-01", None])


# ---- names that are inactive, new or odd ----


@pytest.fixture
def retired(sim: acc.testing.Simulator, kit: Kit) -> Iterator[Lists]:
    """Two assets whose status, option and attribute are inactive, in a location that does not exist any more."""
    option = kit.choices("select")[0]
    text = kit.attributes["text"]["displayName"]
    location = sim.client().project(sim.project_id).settings().location("Building A > Level 0")

    def retire(passing: Passing) -> bytes:
        answer = passing.forward()
        path = passing.request.path
        if not any(part in path for part in ("/custom-attributes", "/status-step-sets", "/nodes")):
            return answer.whole()
        body = json.loads(answer.body)
        results = body["results"]
        for one in results:
            if one.get("displayName") == text:
                one["isActive"] = False
            for value in one.get("values") or []:
                if value["id"] in (option, kit.status):
                    value["isActive"] = False
        body["results"] = [one for one in results if location.id not in (one.get("id"), one.get("parentId"))]
        return answer._replace(body=json.dumps(body).encode()).whole()

    attributes = {kit.name("select"): option, kit.name("text"): "gone"}
    row = kit.row("old", locationId=location.id, customAttributes=attributes)
    other = {**kit.row("other"), "statusId": kit.other_status}
    sim.client().project(sim.project_id).assets.create([row, other], settings=None).raise_if_failed()
    with front(sim, retire) as (url, _):
        yield Lists(acc.Client(sim.token, base_url=url).project(sim.project_id), sim)


def test_inactive_names_are_filters(retired: Lists, kit: Kit) -> None:
    settings = retired.project.settings()
    status = next(one for one in settings.statuses if one.id == kit.status)
    select, text = (kit.attributes[kind] for kind in ("select", "text"))
    option = select["values"][0]
    assert not status.is_active
    location = next(asset for asset in sim_assets(retired) if asset["clientAssetId"] == "old")["locationId"]
    assert location not in {one.id for one in settings.locations}
    filters: dict[str, Any]
    for filters in (
        {"status": status.label},
        {"status": status.id},
        {"location": location},
        {"location": [location, "Building B"]},
        {"attributes": {select["displayName"]: option["displayName"]}},
        {"attributes": {select["name"]: option["id"]}},
        {"attributes": {text["displayName"]: "gone"}},
        {"attributes": {text["name"]: "gone"}},
    ):
        assert retired(**filters) == ["old"], filters
    assert retired(sort=text["displayName"]) == ["old", "other"]
    with pytest.raises(acc.OptionError, match="no such location"):
        retired(location="Level 00")


def sim_assets(lists: Lists) -> list[Any]:
    return list(lists.sim.assets())


def test_a_filter_finds_names_that_are_newer_than_the_settings(
    lists: Lists, project: acc.Project, async_project: acc.AsyncProject, sim: acc.testing.Simulator
) -> None:
    def add(name: str) -> None:
        """Add a category and an attribute, with another client."""
        setup = {
            "categories": [{"path": name, "attributes": [f"{name} flow"]}],
            "attributes": [
                {"display_name": f"{name} flow", "type": "select", "options": [f"{name} option"]},
                {"display_name": f"{name} head", "type": "numeric"},
            ],
        }
        sim.client().project(project.id).apply_setup(acc.Setup.from_dict(setup))

    project.settings()
    add("Boilers")
    assert lists(category="Boilers") == []
    add("Chillers")
    assert lists(attributes={"Chillers flow": "Chillers option"}) == []
    add("Pumps")
    assert lists(sort="Pumps head") == []
    add("Fan coils")
    assert project.assets.count(attributes={"Fan coils flow": "Fan coils option"}) == 0
    add("Valves")
    assert list(project.assets.iter(category="Valves")) == []

    async def read() -> None:
        await async_project.settings()
        add("Ducts")
        assert len(await async_project.assets.list(category="Ducts")) == 0

    asyncio.run(read())


def test_new_names_are_found_without_locations(
    lists: Lists, project: acc.Project, sim: acc.testing.Simulator
) -> None:
    """The locations are read again for each call, but not the rest of the settings."""
    sim.add_fault("status", on="locations", code=403, every=1)
    assert project.settings().notes
    setup = acc.Setup.from_dict({"categories": [{"path": "Boilers"}]})
    sim.client().project(project.id).apply_setup(setup)
    assert lists(category="Boilers") == []


def test_an_unknown_name_is_looked_up_once_in_current_settings(
    lists: Lists, sim: acc.testing.Simulator
) -> None:
    def requests(**filters: Any) -> int:
        before = sim.audit()["requests"]
        with pytest.raises(acc.OptionError) as caught:
            lists(**filters)
        assert type(caught.value) is acc.OptionError
        return sim.audit()["requests"] - before

    # Read by this call, so not read again.
    once = requests(category="Boylers")
    assert once > 3
    assert requests(category="Boylers") == once
    assert requests(status="Instaled") == once
    assert requests(attributes={"Filter Class": "G99"}) == once
    # Not a name.
    assert requests(attributes={"Airflow": "many"}) == 0


@pytest.mark.parametrize(
    "name", ["Airflow >=", "Airflow>", "airflow <=", ">= Airflow", "Airflow !=", "Airflow ="]
)
def test_an_operator_is_not_ignored(lists: Lists, name: str) -> None:
    with pytest.raises(
        acc.OptionError, match=r"has an operator .* pass a tuple, such as attributes=\{\"Airflow\": "
    ):
        lists(attributes={name: 2})


def test_an_operator_in_a_display_name_is_no_operator(lists: Lists, project: acc.Project) -> None:
    attribute = {"display_name": "Leak rate <= 5 %", "type": "numeric"}
    setup = {"attributes": [attribute], "categories": [{"path": "HVAC", "attributes": ["Leak rate <= 5 %"]}]}
    project.apply_setup(acc.Setup.from_dict(setup))
    for name in ("Leak rate <= 5 %", "leak rate <= 5%"):
        assert lists(attributes={name: 2}) == []
    assert lists(attributes={"leak rate 5": 2}) == []
    with pytest.raises(acc.OptionError, match="has an operator"):
        lists(attributes={"Leak rate <= 5 % >": 2})


@pytest.mark.parametrize("name", ["Category", "-status", "Location desc"])
def test_sorting_by_a_name_says_to_sort_the_table(lists: Lists, no_request: None, name: str) -> None:
    with pytest.raises(acc.OptionError, match=r"sorts by ids, .* list\(...\).to_pandas\(\).sort_values\("):
        lists(sort=[name])
