"""Reading assets and settings."""

from __future__ import annotations

import pathlib
import uuid

import pytest
from conftest import Kit

import acc_assets as acc


@pytest.fixture
def made(project: acc.Project, kit: Kit) -> acc.BulkResult:
    return project.assets.create(kit.rows(230, **{kit.name("numeric"): 12.5})).raise_if_failed()


def test_get_returns_assets(project: acc.Project, made: acc.BulkResult, kit: Kit) -> None:
    assets = project.assets.get(made.ids)
    assert len(assets) == 230
    assert assets.missing == []
    assert float(str(assets[0]["customAttributes"][kit.name("numeric")])) == 12.5
    assert {asset["id"] for asset in assets} == set(made.ids)


def test_get_without_custom_attributes(project: acc.Project, made: acc.BulkResult) -> None:
    assert not project.assets.get(made.ids[:1], include_custom_attributes=False)[0].get("customAttributes")


def test_unknown_ids_are_missing(project: acc.Project, made: acc.BulkResult) -> None:
    unknown = str(uuid.uuid4())
    assets = project.assets.get([made.ids[0], unknown])
    assert len(assets) == 1
    assert assets.missing == [unknown]
    assert unknown in repr(assets)


def test_assets_around_a_missing_one_become_columns(project: acc.Project, kit: Kit) -> None:
    pytest.importorskip("pandas")
    rows = kit.rows(5)
    rows[0]["barcode"] = "F-0"
    ids = project.assets.create(rows).raise_if_failed().ids
    assets = project.assets.get([ids[0], ids[2], str(uuid.uuid4()), ids[4], ids[3]])
    table = assets.to_pandas(names=False)
    assert list(table["id"]) == [ids[0], ids[2], ids[4], ids[3]]
    assert list(table["barcode"].notna()) == [True, False, False, False]
    assert assets.to_dicts() == project.assets.get(list(table["id"])).to_dicts()


def test_deleted_assets_are_missing_unless_requested(project: acc.Project, made: acc.BulkResult) -> None:
    id = str(made.ids[0])
    project.assets.delete(id)
    assert project.assets.get(id).missing == [id]
    assert project.assets.get(id, include_deleted=True)[0]["isActive"] is False


def test_get_without_ids_sends_no_request(project: acc.Project, sim: acc.testing.Simulator) -> None:
    assert len(project.assets.get([], names=False)) == 0
    assert sim.audit()["requests"] == 0


def test_get_accepts_ids_in_many_forms(project: acc.Project, made: acc.BulkResult) -> None:
    id = str(made.ids[0])
    forms = [
        id,
        uuid.UUID(id),
        [id],
        (id,),
        {id},
        iter([id]),
        [{"id": id}],
        {"id": id},
        made[:1],
        project.assets.get(id),
    ]
    assert [project.assets.get(form)[0]["id"] for form in forms] == [id] * len(forms)  # type: ignore[arg-type]


def test_get_reports_invalid_ids_as_missing(project: acc.Project, made: acc.BulkResult) -> None:
    with pytest.warns(acc.DataWarning, match=r"^1 value is not an asset id .*'AHU-1'.*by=") as warned:
        assets = project.assets.get(["AHU-1", made.ids[0], None])
    assert [str(warning.filename) for warning in warned] == [__file__]
    assert assets.missing == ["AHU-1"]
    assert len(assets) == 1


def test_get_raises_for_missing_assets(project: acc.Project, made: acc.BulkResult) -> None:
    unknown = [str(uuid.uuid4()) for _ in range(7)]
    with pytest.raises(acc.InputError, match=r"^7 assets were not found: .* and 2 more") as caught:
        project.assets.get([made.ids[0], *unknown], missing="raise")
    assert str(unknown[0]) in str(caught.value)
    assert caught.value.partial is not None
    assert [row["id"] for row in caught.value.partial] == [made.ids[0]]
    assert len(project.assets.get(made, missing="raise")) == 230
    with pytest.raises(acc.OptionError, match='missing must be "report" or "raise"'):
        project.assets.get(made, missing="rise")  # type: ignore[arg-type]


def test_list_reads_all_pages(project: acc.Project, made: acc.BulkResult) -> None:
    assert {asset["id"] for asset in project.assets.list()} >= set(made.ids)


def test_list_filters(project: acc.Project, made: acc.BulkResult, kit: Kit) -> None:
    numeric = kit.name("numeric")
    project.assets.create(kit.row("Chiller 1", statusId=kit.other_status, **{numeric: 99})).raise_if_failed()
    for found in (
        project.assets.list(text="chiller"),
        project.assets.list(category=kit.category, status=[kit.other_status]),
        project.assets.list(attributes={numeric: "90..100"}),
    ):
        assert [asset["clientAssetId"] for asset in found] == ["Chiller 1"]


def test_tables_become_frames_with_attributes_as_columns(
    project: acc.Project, made: acc.BulkResult, kit: Kit
) -> None:
    assets = project.assets.get(made, names=False)
    numeric = kit.name("numeric")
    assert len(assets.to_dicts()) == 230
    pandas = pytest.importorskip("pandas")
    frame = assets.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame["id"]) == [asset["id"] for asset in assets]
    assert numeric in frame.columns
    polars = pytest.importorskip("polars")
    assert isinstance(assets.to_polars(), polars.DataFrame)
    assert assets.to_polars()["clientAssetId"].to_list() == list(frame["clientAssetId"])
    assert pytest.importorskip("pyarrow").table(assets).num_rows == 230


def test_settings_are_plain_dicts(project: acc.Project, kit: Kit) -> None:
    assert kit.category in {str(found["id"]) for found in project.raw.categories()}
    assert project.raw.status_sets()
    assert {str(found["name"]) for found in project.raw.custom_attributes()} >= {
        str(found["name"]) for found in project.raw.category_attributes(kit.category)
    }
    assert len(project.raw.category_attributes(kit.category, include_inherited=False)) < 6


def test_category_attributes_takes_names(project: acc.Project, kit: Kit) -> None:
    by_id = project.raw.category_attributes(kit.category)
    path = project.settings().category(kit.category).path
    for category in (int(kit.category), path, path.split(" > "), path.lower()):
        assert project.raw.category_attributes(category) == by_id
    with pytest.raises(acc.OptionError, match="no such category"):
        project.raw.category_attributes("Nope")


def test_both_prefixes_and_both_forms_of_the_project_id(sim: acc.testing.Simulator) -> None:
    for prefix in ("construction", "bim360"):
        for id in (sim.project_id, f"b.{sim.project_id}", sim.project_id.upper()):
            with sim.client(prefix=prefix) as client:
                assert client.project(id).raw.categories()


@pytest.mark.once
def test_an_ignored_filter_is_an_error(sim: acc.testing.Simulator, made: acc.BulkResult, kit: Kit) -> None:
    # An ignored filter raises an error only after some retries, so their pauses are short.
    project = sim.client(retry=acc.Retry(base=0.01)).project(sim.project_id)
    sim.set_switch("ignore_filter", "all")
    numeric = kit.name("numeric")
    assert len(project.assets.list(category=kit.category)) == 230  # it has no effect here
    for name, arguments in {
        "filter[statusId]": {"status": kit.other_status},
        "filter[updatedAt]": {"updated": "2001-01-01T00:00:00Z..2001-02-01T00:00:00Z"},
        f"filter[customAttributes][{numeric}]": {
            "attributes": {numeric: (20, None)},
            "include_custom_attributes": True,
        },
    }.items():
        with pytest.raises(acc.ApiError, match="ignored `filter") as caught:
            project.assets.list(**arguments)  # type: ignore[arg-type]  # of different types
        assert f"`{name}`" in str(caught.value)
        assert any(str(id) in str(caught.value) for id in made.ids)
    sim.set_switch("ignore_filter", "none")
    assert len(project.assets.list(status=kit.other_status)) == 0


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, acc.BadRequestError),
        (403, acc.ForbiddenError),
        (404, acc.NotFoundError),
        (500, acc.ServerError),
    ],
)
def test_rejected_get_raises(code: int, kind: type[acc.ApiError], sim: acc.testing.Simulator) -> None:
    sim.add_fault("status", code=code, on="assets:batch-get", times=99)
    with sim.client(retry=acc.Retry(attempts=1)) as client, pytest.raises(kind) as caught:
        client.project(sim.project_id).assets.get([str(uuid.uuid4())])
    assert caught.value.status == code
    assert caught.value.body
    assert sim.audit()["endpoints"]["assets:batch-get"]["requests"] == 1


def test_get_without_an_id_column_is_an_error(project: acc.Project, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "units.csv"
    path.write_text("Asset ID,Status\nA-1,Installed\n", encoding="utf-8")
    for data in (path, [{"Asset ID": "A-1"}], iter([{"Asset ID": "A-1"}])):
        with pytest.raises(acc.InputError, match=r"no column `id`.*`Asset ID`.*pass the name .* as key="):
            project.assets.get(data)
    assert len(project.assets.get([{"id": None}])) == 0
