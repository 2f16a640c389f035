"""Outcomes stay aligned with the rows of the input."""

from __future__ import annotations

import pathlib
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Kit

import acc_assets as acc

OUTCOME = ["status", "id", "code", "message", "column", "value", "fix", "attempts", "request_id"]


@pytest.fixture
def pandas() -> Any:
    return pytest.importorskip("pandas")


def indexes(pandas: Any) -> dict[str, Any]:
    return {
        "default": pandas.RangeIndex(4),
        "range": pandas.RangeIndex(10, 50, 10),
        "filtered": pandas.Index([1, 5, 6, 9]),
        "shuffled": pandas.Index([2, 0, 3, 1], name="number"),
        "strings": pandas.Index(["x", "y", "z", "w"]),
        "duplicates": pandas.Index(["x", "y", "x", "y"], name="floor"),
        "floats": pandas.Index([0.5, 1.5, 2.0, -1.0]),
        "dates": pandas.date_range("2026-01-01", periods=4, name="day"),
        "zoned": pandas.date_range("2026-01-01", periods=4, tz="Europe/Berlin"),
        "periods": pandas.period_range("2026-01", periods=4, freq="M"),
        "categories": pandas.CategoricalIndex(["a", "b", "c", "d"]),
        "mixed": pandas.Index(["a", 1, 2.5, None], dtype=object),
        "nullable": pandas.Index([1, 2, None, 4], dtype="Int64"),
        "levels": pandas.MultiIndex.from_product([["A", "B"], [1, 2]], names=["floor", None]),
    }


NAMES = list(indexes(pytest.importorskip("pandas")))


@pytest.fixture(params=NAMES)
def frame(request: pytest.FixtureRequest, pandas: Any, kit: Kit) -> Any:
    rows = kit.rows(4)
    rows[1]["statusId"] = rows[2]["statusId"] = "wrong"
    return pandas.DataFrame(rows, index=indexes(pandas)[request.param])


def has_own_labels(frame: Any) -> bool:
    return frame.index.is_unique and (frame.index.nlevels > 1 or not frame.index.hasnans)


def created(project: acc.Project, frame: Any) -> acc.BulkResult:
    mapping = {name: None for name in frame.index.names if name is not None}
    return project.assets.create(frame, settings=None, mapping=mapping)


STATUSES = ["created", "invalid", "invalid", "created"]


def test_results_have_the_index_of_the_input(frame: Any, pandas: Any, project: acc.Project) -> None:
    result = created(project, frame)
    found = result.to_pandas()
    assert found.index.equals(frame.index)
    assert found.index.names == frame.index.names
    assert list(found["status"]) == STATUSES
    assert list(found["key"]) == list(frame["clientAssetId"])
    for part, kept in [
        (result.where("invalid"), [1, 2]),
        (result[1:], [1, 2, 3]),
        (result[::-1], [3, 2, 1, 0]),
        (result.where("failed"), []),
        (result[::-1].where("created"), [3, 0]),
    ]:
        assert part.rows == kept
        assert part.to_pandas().index.equals(frame.index.take(kept))
        assert part.statuses == [STATUSES[row] for row in kept]
        assert list(frame.iloc[part.rows]["clientAssetId"]) == list(part.to_pandas()["key"])
        joined = part.to_pandas(join=frame)
        assert list(joined["clientAssetId"]) == list(part.to_pandas()["key"])
        assert list(joined["status"]) == part.statuses
        assert joined.index.equals(frame.index.take(kept))
    assert result.rows == [0, 1, 2, 3]
    assert [outcome.row for outcome in result] == result.rows
    if has_own_labels(frame):
        shuffled = frame[["categoryId"]].iloc[[2, 0, 3, 1]].join(found[["status", "key"]])
        assert list(shuffled["key"]) == ["AHU-2", "AHU-0", "AHU-3", "AHU-1"]


def test_labels_are_index_values(frame: Any, pandas: Any, project: acc.Project) -> None:
    result = created(project, frame)
    bad = result.where("invalid")
    labels = frame.index.tolist()
    for found in (
        result.labels,
        [outcome.label for outcome in result],
        [result[place].label for place in range(4)],
        [row["label"] for row in result.to_dicts()],
    ):
        assert len(found) == 4
        for label, own in zip(found, labels, strict=True):
            assert label is own or label == own
            assert isinstance(label, type(own))
    if has_own_labels(frame):
        for chosen in (bad.labels, [outcome.label for outcome in bad]):
            assert list(frame.loc[chosen]["clientAssetId"]) == ["AHU-1", "AHU-2"]
        [cause] = result.causes
        assert list(frame.loc[list(cause.first_labels)]["clientAssetId"]) == ["AHU-1", "AHU-2"]
        assert "rows 1" in repr(result)
        assert "Timestamp" not in repr(result)
        problems = result.report.problems
        assert list(frame.loc[[problem.label for problem in problems]]["clientAssetId"]) == ["AHU-1", "AHU-2"]


def test_reports_have_the_index_of_the_input(frame: Any, project: acc.Project) -> None:
    frame.loc[frame["clientAssetId"] == "AHU-2", "clientAssetId"] = None
    report = project.settings().validate(frame)
    found = report.to_pandas()
    assert list(found["row"]) == [1, 2, 2]
    assert found.index.equals(frame.index.take([1, 2, 2]))
    assert found.index.names == frame.index.names
    assert project.settings().validate(frame.iloc[:1]).to_pandas().index.names == frame.index.names


def test_labels_in_polars_are_numbers_or_text(pandas: Any, project: acc.Project, kit: Kit) -> None:
    pytest.importorskip("polars")
    frame = pandas.DataFrame(kit.rows(2, statusId="wrong"))
    for index, labels in [
        ([7, 5], [7, 5]),
        ([7, "b"], ["7", "b"]),
        (pandas.date_range("2026-01-01", periods=2), ["2026-01-01 00:00:00", "2026-01-02 00:00:00"]),
        (pandas.MultiIndex.from_tuples([("A", 1), ("B", 2)]), ["A, 1", "B, 2"]),
    ]:
        result = project.assets.create(frame.set_axis(index), settings=None)
        assert result.to_polars()["label"].to_list() == labels
        assert result.report.to_polars()["label"].to_list() == labels


def test_pickles_keep_the_index(frame: Any, project: acc.Project) -> None:
    result = created(project, frame)
    for saved in (result, result.where("invalid"), pickle.loads(pickle.dumps(result))):
        loaded = pickle.loads(pickle.dumps(saved))
        assert loaded.to_pandas().index.equals(saved.to_pandas().index)
        assert loaded.to_pandas().index.names == frame.index.names
        assert loaded.rows == saved.rows
        assert str(loaded.labels) == str(saved.labels)
    report = project.settings().validate(frame)
    assert pickle.loads(pickle.dumps(report)).to_pandas().index.equals(report.to_pandas().index)


WITHOUT_PANDAS = """
import pickle, sys
sys.modules["pandas"] = None
result = pickle.load(open(sys.argv[1], "rb"))
print(result.counts, result.labels, [outcome.label for outcome in result], result.rows, result.to_dicts()[1]["label"])
"""


def test_a_pickle_is_loaded_without_pandas(
    pandas: Any, project: acc.Project, kit: Kit, tmp_path: pathlib.Path
) -> None:
    frame = pandas.DataFrame(kit.rows(2), index=pandas.date_range("2026-01-01", periods=2))
    result = project.assets.create(frame)
    path = tmp_path / "result.pickle"
    path.write_bytes(pickle.dumps(result))
    shown = subprocess.check_output([sys.executable, "-c", WITHOUT_PANDAS, path], text=True)
    days = ["2026-01-01 00:00:00", "2026-01-02 00:00:00"]
    assert shown.strip() == f"{{'created': 2}} {days} {days} [0, 1] {days[1]}"


PICKLED_AGAIN = """
import pickle, sys
sys.modules["pandas"] = None
result = pickle.load(open(sys.argv[1], "rb"))
assert result.labels
pickle.dump(result, open(sys.argv[1], "wb"))
"""


def test_a_pickle_that_is_saved_without_pandas_keeps_the_index(
    pandas: Any, project: acc.Project, kit: Kit, tmp_path: pathlib.Path
) -> None:
    frame = pandas.DataFrame(kit.rows(2), index=pandas.date_range("2026-01-01", periods=2))
    path = tmp_path / "result.pickle"
    path.write_bytes(pickle.dumps(project.assets.create(frame)))
    subprocess.check_call([sys.executable, "-c", PICKLED_AGAIN, path])
    assert pickle.loads(path.read_bytes()).to_pandas().index.equals(frame.index)


class Secret:
    def __reduce__(self) -> Any:
        raise TypeError("this object cannot be pickled")

    def __repr__(self) -> str:
        return "own"


def test_an_index_that_cannot_be_pickled(pandas: Any, project: acc.Project, kit: Kit) -> None:
    own = Secret()
    result = project.assets.create(pandas.DataFrame(kit.rows(2), index=[own, "b"]))
    assert result.labels == [own, "b"]
    loaded = pickle.loads(pickle.dumps(result))
    assert loaded.labels == ["own", "b"]
    assert list(loaded.to_pandas().index) == ["own", "b"]


def test_the_index_is_that_of_the_call(pandas: Any, project: acc.Project, kit: Kit) -> None:
    frame = pandas.DataFrame(kit.rows(2), index=pandas.Index(["x", "y"], name="own"))
    result = project.assets.create(frame)
    frame.index.name = "other"
    frame.index = [7, 8]
    assert result.labels == ["x", "y"]
    assert result.to_pandas().index.name == "own"


@pytest.mark.parametrize("kind", ["dicts", "generator", "arrow", "csv", "values"])
def test_other_inputs_have_row_numbers(
    kind: str, pandas: Any, project: acc.Project, kit: Kit, tmp_path: pathlib.Path
) -> None:
    rows = kit.rows(3)
    rows[1]["statusId"] = "wrong"
    data: Any = rows
    labels: list[Any] = [0, 1, 2]
    if kind == "generator":
        data = iter(rows)
    elif kind == "arrow":
        data = pytest.importorskip("pyarrow").Table.from_pylist(rows)
    elif kind == "csv":
        data = tmp_path / "plant.csv"
        pandas.DataFrame(rows).to_csv(data, index=False)
        labels = [2, 3, 4]
    result: Any
    if kind == "values":
        ids = project.assets.create(kit.rows(3)).ids
        result = project.assets.delete([ids[0], "wrong", ids[2]])
    else:
        result = project.assets.create(data, settings=None)
    assert isinstance(result.to_pandas().index, pandas.RangeIndex)
    assert list(result.to_pandas().index) == result.rows == [0, 1, 2]
    assert result.labels == labels
    assert list(result.where("invalid").to_pandas().index) == result.where("invalid").rows == [1]
    # Any frame of the same length has the rows in the same order.
    joined = result.to_pandas(join=pandas.DataFrame(rows, index=list("abc")))
    assert list(joined.index) == list("abc")
    assert list(joined["status"]) == result.statuses
    assert list(joined["clientAssetId"]) == ["AHU-0", "AHU-1", "AHU-2"]


def test_ids_of_a_series_keep_its_index(pandas: Any, project: acc.Project, kit: Kit) -> None:
    ids = project.assets.create(kit.rows(2)).ids
    series = pandas.Series([*ids, "wrong"], index=[5, 3, 4])
    result = project.assets.delete(series)
    assert list(result.to_pandas().index) == [5, 3, 4]
    assert series.loc[result.where("invalid").labels].tolist() == ["wrong"]


def test_join_compares_names_that_became_numbers(
    pandas: Any, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    rows = [
        {"Asset ID": name, "Category": "HVAC > Fans", "Status": status}
        for name, status in (("0017", "Ordered"), ("0018", "Instaled"), ("1.10", "Ordered"))
    ]
    result = project.assets.create(rows, run=tmp_path / "fans.sqlite")
    numbers = pandas.DataFrame(rows).assign(**{"Asset ID": [17, 18, 1.1]})
    for found in (result, acc.runs(tmp_path)["fans"]):
        assert list(found.to_pandas(join=numbers)["id"].dropna()) == [id for id in found.ids if id]
        with pytest.raises(acc.InputError, match="other rows or in another order"):
            found.to_pandas(join=numbers[::-1].reset_index(drop=True))


def test_a_run_from_its_file_has_the_labels_of_the_input(
    pandas: Any, project: acc.Project, tmp_path: pathlib.Path
) -> None:
    frame = pandas.DataFrame(
        {
            "Asset ID": ["A", "B", "C"],
            "Category": "HVAC > Fans",
            "Status": ["Ordered", "Instaled", "Ordered"],
        },
        index=[2, 1, 0],
    )
    project.assets.create(frame, run=tmp_path / "fans.sqlite")
    run = acc.runs(tmp_path)["fans"]
    assert list(run.to_pandas().index) == run.labels == [2, 1, 0]
    assert list(frame.join(run.to_pandas()["status"])["status"]) == ["created", "invalid", "created"]


def test_rows_that_differ_can_be_patched_beside_their_outcomes(
    pandas: Any, project: acc.Project, sim: acc.testing.Simulator
) -> None:
    frame = pandas.DataFrame(
        {"Asset ID": ["A", "B"], "Barcode": ["1", "2"], "Category": "HVAC > Fans", "Status": "Ordered"}
    )
    project.assets.create(frame)
    frame["Status"] = ["Ordered", "Installed"]
    result = project.assets.create(frame, import_key="Barcode")
    joined = result.to_pandas(join=frame)
    assert list(joined["outcome_status"]) == ["unchanged", "differs"]
    assert project.assets.patch(joined[joined["outcome_status"] == "differs"]).counts == {"updated": 1}
    assert project.assets.create(frame, import_key="Barcode").counts == {"unchanged": 2}


def test_join_keeps_the_columns_of_the_input(pandas: Any, project: acc.Project, kit: Kit) -> None:
    frame = pandas.DataFrame(kit.rows(3, note="mine"), index=[5, 3, 4])
    frame["status"], frame["id"], frame["outcome_id"] = "mine", [1, 2, 3], [4, 5, 6]
    result = project.assets.create(
        frame, mapping={"note": None, "status": None, "outcome_id": None, "id": None}
    )
    assert result.ok
    joined = result.to_pandas(join=frame)
    own = list(frame.columns)
    assert list(joined.columns) == [*own, "outcome_status", "outcome_outcome_id", *OUTCOME[2:]]
    pandas.testing.assert_frame_equal(joined[own], frame)
    assert list(joined["outcome_outcome_id"]) == result.ids
    # A second join adds more columns and changes none.
    again = result.to_pandas(join=joined)
    pandas.testing.assert_frame_equal(again[list(joined.columns)], joined)
    assert len(set(again.columns)) == len(again.columns)


def test_join_refuses_other_rows(pandas: Any, project: acc.Project, kit: Kit) -> None:
    frame = pandas.DataFrame(kit.rows(4), index=[3, 1, 2, 0])
    result = project.assets.create(frame)
    with pytest.raises(acc.InputError, match="join= has 3 rows, but the input had 4 rows"):
        result.to_pandas(join=frame[:3])
    with pytest.raises(acc.InputError, match="join= has 2 rows, but the input had 4 rows"):
        result[:2].to_pandas(join=frame[:2])
    with pytest.raises(acc.InputError, match="index of join= differs"):
        result.to_pandas(join=frame.sort_index())
    wrong: Any = kit.rows(4)
    with pytest.raises(acc.InputError, match="must be a pandas DataFrame, not list"):
        result.to_pandas(join=wrong)
    assert list(result.to_pandas(join=frame.reset_index())["clientAssetId"]) == list(frame["clientAssetId"])
    default = frame.reset_index(drop=True)
    result = project.assets.create(default)
    with pytest.raises(acc.InputError, match="index of join= differs"):
        result.to_pandas(join=default[::-1])


@pytest.mark.parametrize("kind", ["pandas", "dicts", "file", "polars"])
def test_join_compares_the_names_of_the_rows(
    kind: str, pandas: Any, project: acc.Project, kit: Kit, tmp_path: pathlib.Path
) -> None:
    frame = pandas.DataFrame(kit.rows(4))
    data: Any = frame
    if kind == "dicts":
        data = frame.to_dict("records")
    elif kind == "file":
        data = tmp_path / "plant.csv"
        frame.to_csv(data, index=False)
    convert = (lambda table: table) if kind != "polars" else pytest.importorskip("polars").from_pandas
    result: Any = project.assets.create(data)
    join = result.to_polars if kind == "polars" else result.to_pandas
    assert list(join(join=convert(frame))["clientAssetId"]) == list(frame["clientAssetId"])
    moved = frame.sort_values("clientAssetId", ascending=False).reset_index(drop=True)
    with pytest.raises(acc.InputError, match="'AHU-3' in the column 'clientAssetId' of row 0"):
        join(join=convert(moved))
    with pytest.raises(acc.InputError, match="'AHU-9' in the column 'clientAssetId' of row 1"):
        join(join=convert(frame.replace("AHU-1", "AHU-9")))
    # A part compares its own rows.
    part = result[2:]
    of_part = part.to_polars if kind == "polars" else part.to_pandas
    with pytest.raises(acc.InputError, match="of row 2"):
        of_part(join=convert(moved))


def test_join_compares_ids_and_numbers(pandas: Any, project: acc.Project, kit: Kit) -> None:
    rows = kit.rows(3)
    for number, row in enumerate(rows):
        row["clientAssetId"] = number + 17
    frame = pandas.DataFrame(rows)
    result = project.assets.create(frame)
    assert list(result.to_pandas(join=frame.astype({"clientAssetId": float}))["status"]) == ["created"] * 3
    with pytest.raises(acc.InputError, match="of row 0"):
        result.to_pandas(join=frame[::-1].reset_index(drop=True))
    changes = pandas.DataFrame({"Asset": [id.upper() for id in result.ids if id], "description": "new"})
    patched = project.assets.patch(changes.to_dict("records"), key="Asset")
    assert patched.ok
    assert list(patched.to_pandas(join=changes)["Asset"]) == list(changes["Asset"])
    with pytest.raises(acc.InputError, match="in the column 'Asset' of row 0"):
        patched.to_pandas(join=changes[::-1].reset_index(drop=True))


def test_join_of_polars(project: acc.Project, kit: Kit) -> None:
    polars = pytest.importorskip("polars")
    rows = [{**row, "status": "mine"} for row in kit.rows(3)]
    rows[1]["statusId"] = "wrong"
    frame = polars.DataFrame(rows)
    result = project.assets.create(frame, settings=None, mapping={"status": None})
    joined = result.to_polars(join=frame)
    assert joined.columns == [*frame.columns, "outcome_status", *OUTCOME[1:]]
    assert joined["outcome_status"].to_list() == result.statuses
    assert joined[frame.columns].equals(frame)
    assert result.where("invalid").to_polars(join=frame)["clientAssetId"].to_list() == ["AHU-1"]
    assert result.where("failed").to_polars(join=frame).height == 0
    with pytest.raises(acc.InputError, match="join= has 2 rows"):
        result.to_polars(join=frame[:2])
    with pytest.raises(acc.InputError, match="must be a polars DataFrame, not LazyFrame"):
        result.to_polars(join=frame.lazy())


# ---- named runs, whose rows may be more than those of the last call ----


def test_a_run_with_removed_rows_stays_aligned(
    pandas: Any, project: acc.Project, kit: Kit, tmp_path: pathlib.Path
) -> None:
    frame = pandas.DataFrame(kit.rows(5), index=[50, 40, 30, 20, 10])
    frame.loc[[40, 20], "statusId"] = "wrong"
    run = tmp_path / "plant.sqlite"
    first = project.assets.create(frame, run=run, settings=None)
    assert first.rows == [0, 1, 2, 3, 4]
    left = frame.drop(40)
    result = project.assets.create(left, run=run, settings=None)
    assert len(result) == 5
    assert list(left.iloc[result.where("invalid").rows]["clientAssetId"]) == ["AHU-3"]
    with pytest.raises(acc.OptionError, match="did not contain 1 row"):
        _ = result.rows
    found = result.to_pandas()
    assert list(found.index) == [50, None, 30, 20, 10]
    matched = left[["clientAssetId"]].join(found[["key", "status"]])
    assert list(matched["key"]) == list(left["clientAssetId"])
    for joined in (result.to_pandas(join=left), pickle.loads(pickle.dumps(result)).to_pandas(join=left)):
        assert list(joined.index) == list(left.index)
        assert list(joined["status"]) == ["created", "created", "invalid", "created"]
    # The rows of the run are all rows of the first call.
    whole = result.to_pandas(join=frame)
    assert list(whole["status"]) == ["created", "not_sent", "created", "invalid", "created"]
    assert left.loc[result.where("invalid").labels]["clientAssetId"].tolist() == ["AHU-3"]


def test_a_run_that_refuses_the_rows_is_not_aligned_with_them(
    pandas: Any, project: acc.Project, kit: Kit, tmp_path: pathlib.Path
) -> None:
    frame = pandas.DataFrame(kit.rows(3), index=[3, 1, 2])
    frame.loc[2, "statusId"] = "wrong"
    run = tmp_path / "plant.sqlite"
    project.assets.create(frame, run=run, settings=None)
    with pytest.raises(acc.InputError, match="not the rows of the run") as caught:
        project.assets.create(frame.sort_index(), run=run, settings=None)
    result: Any = caught.value.result
    assert result.counts == {"created": 2, "invalid": 1}
    with pytest.raises(acc.OptionError, match="did not contain"):
        _ = result.rows
    assert result.write_fixes(tmp_path / "to_fix.xlsx") == 0
    assert not (tmp_path / "to_fix.xlsx").exists()
    assert list(result.to_pandas(join=frame)["status"]) == ["created", "created", "invalid"]


def test_a_run_continued_with_the_file_of_rows_to_fix(
    pandas: Any, project: acc.Project, kit: Kit, tmp_path: pathlib.Path
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    frame = pandas.DataFrame(kit.rows(3), index=list("abc"))
    frame.loc["b", "statusId"] = "wrong"
    run, path = tmp_path / "plant.sqlite", tmp_path / "to_fix.xlsx"
    assert project.assets.create(frame, run=run, settings=None).write_fixes(path) == 1
    book = openpyxl.load_workbook(path)
    book.worksheets[0].cell(2, list(frame.columns).index("statusId") + 1, kit.status)
    book.save(path)
    result = project.assets.create(path, run=run, settings=None)
    assert result.ok
    assert list(result.to_pandas().index) == [0, 1, 2]
    assert list(result.to_pandas(join=frame)["id"]) == result.ids


def test_rows_whose_names_were_corrected_in_a_file_can_be_joined(
    pandas: Any, project: acc.Project, kit: Kit, tmp_path: pathlib.Path
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    frame = pandas.DataFrame(kit.rows(3))
    frame.loc[1, "statusId"] = "wrong"
    run, path = tmp_path / "plant.sqlite", tmp_path / "to_fix.xlsx"
    assert project.assets.create(frame, run=run).write_fixes(path) == 1
    book = openpyxl.load_workbook(path)
    for name, value in (("statusId", kit.status), ("clientAssetId", "NEW")):
        book.worksheets[0].cell(2, list(frame.columns).index(name) + 1, value)
    book.save(path)
    assert project.assets.create(path, run=run).counts == {"created": 3}
    with pytest.warns(acc.DataWarning, match="in 1 row"):
        result = project.assets.create(frame, run=run)
    for known in (result, acc.runs(tmp_path)["plant"]):
        assert [outcome.key for outcome in known] == ["AHU-0", "NEW", "AHU-2"]
        for join in (frame, frame.assign(clientAssetId=["AHU-0", "NEW", "AHU-2"])):
            assert list(known.to_pandas(join=join)["id"]) == result.ids
        with pytest.raises(acc.InputError, match="other rows or in another order"):
            known.to_pandas(join=frame.assign(clientAssetId=["AHU-0", "AHU-2", "NEW"]))


def test_a_run_from_its_file_checks_the_rows_to_join(
    pandas: Any, project: acc.Project, kit: Kit, tmp_path: pathlib.Path
) -> None:
    polars = pytest.importorskip("polars")
    frame = pandas.DataFrame(kit.rows(4)).rename(columns={"clientAssetId": "Anlage"})
    result = project.assets.create(frame, run=tmp_path / "q9.sqlite", mapping={"Anlage": "Asset ID"})
    known = acc.runs(tmp_path)["q9"]
    assert list(known.to_pandas(join=frame)["id"]) == result.ids
    assert known.to_polars(join=polars.DataFrame(frame))["id"].to_list() == result.ids
    other = frame[::-1].reset_index(drop=True)
    for join in (other, other.set_index("Anlage")):
        with pytest.raises(acc.InputError, match="'AHU-3' in the column 'Anlage' of row 0"):
            known.to_pandas(join=join)
    with pytest.raises(acc.InputError, match="no column with the names of the run's rows in their order"):
        known.to_pandas(join=frame[["statusId"]])
    assert "Anlage = Asset ID" in repr(known.report)


def test_messages_name_rows_of_earlier_calls_by_their_labels(
    pandas: Any, project: acc.Project, kit: Kit, tmp_path: pathlib.Path
) -> None:
    pytest.importorskip("openpyxl")
    frame = pandas.DataFrame(kit.rows(3, statusId="wrong"), index=pandas.date_range("2026-01-01", periods=3))
    run, path = tmp_path / "plant.sqlite", tmp_path / "to_fix.xlsx"
    result = project.assets.create(frame, run=run, settings=None)
    assert result[:1].write_fixes(path) == 1
    result = project.assets.create(path, run=run, settings=None)
    for text in (repr(result), repr(result.report)):
        assert re.search(r"rows 0 \('2026-01-01 .*'\), 1 \('2026-01-02 .*'\), 2 \('2026-01-03", text)
        assert "sheet row" not in text
    assert "(row 0 ('2026-01-01 " in repr(result[:1])


def test_retry_keeps_the_index(
    sim: acc.testing.Simulator, pandas: Any, project: acc.Project, kit: Kit
) -> None:
    frame = pandas.DataFrame(kit.rows(2), index=[9, 4])
    sim.add_fault("status", on="assets:batch-create", code=403)
    with pytest.raises(acc.ForbiddenError) as caught:
        project.assets.create(frame, settings=None)
    result: Any = caught.value.result
    assert list(result.to_pandas().index) == [9, 4]
    loaded = pickle.loads(pickle.dumps(result))
    assert list(result.retry().to_pandas().index) == [9, 4]
    assert list(project.assets.retry(loaded, frame).to_pandas().index) == [9, 4]


def test_retry_of_a_call_that_sent_nothing(
    sim: acc.testing.Simulator, pandas: Any, project: acc.Project, kit: Kit
) -> None:
    frame = pandas.DataFrame(kit.rows(2, **{kit.name("text"): "x"}), index=["b", "a"])
    sim.add_fault("status", on="categories", code=403)
    with pytest.raises(acc.ForbiddenError) as caught:
        project.assets.create(frame)
    result: Any = caught.value.result
    for known in (result, pickle.loads(pickle.dumps(result))):
        assert (known.counts, known.labels) == ({"not_sent": 2}, ["b", "a"])
        assert "were not read" not in repr(known)
    result = result.retry()
    assert (result.counts, result.labels) == ({"created": 2}, ["b", "a"])


@pytest.mark.parametrize("call", [lambda: iter(()), list])
def test_results_without_rows(call: Callable[[], Any], pandas: Any, project: acc.Project) -> None:
    result = project.assets.create(call())
    assert (result.rows, result.labels, result.statuses, result.ids) == ([], [], [], [])
    assert result.to_pandas().empty
    assert len(result.to_pandas(join=pandas.DataFrame())) == 0


@pytest.mark.parametrize("form", ["pandas", "polars", "dicts", "csv"])
def test_outcome_columns_are_not_written_to_attributes(
    form: str, pandas: Any, tmp_path: pathlib.Path
) -> None:
    attributes = [
        {"display_name": name, "type": "text"} for name in ("Code", "Value", "Message", "Label", "Fix")
    ]
    names = [attribute["display_name"] for attribute in attributes]
    described = {"attributes": attributes, "categories": [{"path": "Fans", "attributes": names}]}
    with acc.testing.Simulator(project=described, window=0.5) as sim:
        project = sim.client().project(sim.project_id)
        frame = pandas.DataFrame(
            {
                "Asset ID": ["A", "B"],
                "Barcode": ["1", "2"],
                "Category": "Fans",
                "Status": "Open",
                "Label": "mine",
            }
        )
        frame["Status"] = project.settings().category("Fans").statuses[0]
        assert project.assets.create(frame).ok
        frame["Description"] = "new"
        result = project.assets.create(frame, import_key="Barcode")
        assert result.counts == {"differs": 2}
        rows: Any = result.to_pandas(join=frame)
        if form == "polars":
            rows = result.to_polars(join=pytest.importorskip("polars").from_pandas(frame))
        elif form == "dicts":
            rows = rows.to_dict("records")
        elif form == "csv":
            rows.to_csv(tmp_path / "rows.csv", index=False)
            rows = tmp_path / "rows.csv"
        with pytest.warns(
            acc.DataWarning, match="outcomes of an earlier call were ignored: .*`code`.*`request_id`"
        ):
            patched = project.assets.patch(rows)
        assert patched.counts == {"updated": 2}
        assert all(list(asset["customAttributes"].values()) == ["mine"] for asset in sim.assets())
        uses = {use.column: use.note for use in patched.report.columns}
        assert uses["code"] == uses["outcome_status"] == "outcome of an earlier call"
        # The outcomes alone have nothing to patch.
        with pytest.warns(acc.DataWarning, match="outcomes of an earlier call were ignored: .*`status`"):
            assert project.assets.patch(result.to_pandas()).counts == {"invalid": 2}
        # A column that may be one is not, unless all of them are there.
        changed = pandas.DataFrame({"id": result.ids, "code": "C", "value": "V"})
        assert project.assets.patch(changed).counts == {"updated": 2}
        assert all("C" in asset["customAttributes"].values() for asset in sim.assets())
        mapped = result.to_pandas()[OUTCOME]
        assert project.assets.patch(mapped, mapping={"message": "Message"}).counts == {"updated": 2}
