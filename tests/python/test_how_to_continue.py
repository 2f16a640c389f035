"""Exceptions that end a write say how many rows are done, and how to continue."""

from __future__ import annotations

import pathlib
import pickle
import signal
from typing import Any

import pytest

import acc_assets as acc

pytestmark = pytest.mark.once


@pytest.fixture
def project(sim: acc.testing.Simulator) -> acc.Project:
    return sim.client(max_in_flight=1).project(sim.project_id)


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACC_ASSETS_RUNS", str(tmp_path / "runs"))


def units(count: int) -> list[dict[str, Any]]:
    row = {"Category": "HVAC > Air Handling", "Status": "Installed"}
    return [{"Asset ID": f"A-{number}", "Barcode": f"B{number}", **row} for number in range(count)]


def fail(sim: acc.testing.Simulator, endpoint: str = "assets:batch-create") -> None:
    sim.add_fault("status", code=403, on=endpoint, nth=3)


def last_line(error: BaseException) -> str:
    first, _, last = str(error).rpartition("\n")
    assert first
    return last


RESUME = "To resume, run the same script again: "


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"run": "r"}, RESUME + "the call with the same run= skips the rows that are done."),
        ({"run": "r", "import_key": "barcode"}, RESUME + "the call with the same run= skips"),
        (
            {"import_key": "Barcode"},
            RESUME + "with import_key=, the rows that the project has are unchanged.",
        ),
        (
            {},
            "Running the same script again would create 200 assets a second time: use .retry() on e.result or "
            "client.last_result. If the script has ended, pass import_key=, or only rows whose Asset IDs are in ",
        ),
        # Each call generates other keys.
        (
            {"import_key": acc.GeneratedKey("Manufacturer")},
            "Running the same script again would create 200 assets",
        ),
    ],
)
def test_an_outage_of_a_create(
    options: dict[str, Any], says: str, sim: acc.testing.Simulator, project: acc.Project
) -> None:
    fail(sim)
    with pytest.raises(acc.ForbiddenError) as caught:
        project.assets.create(units(500), **options)
    line = last_line(caught.value)
    assert line.startswith(f"200 of 500 rows are created. {says}")
    # The text of the service is unchanged.
    assert str(caught.value) == f"{caught.value.message}\n{line}"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    if "run" in options:
        # Another outage, before anything is sent.
        fresh = sim.client().project(sim.project_id)
        sim.clear_faults()
        sim.add_fault("status", code=403, on="any")
        with pytest.raises(acc.ForbiddenError) as caught:
            fresh.assets.create(units(500), **options)
        assert last_line(caught.value).startswith("200 of 500 rows are created. To resume, run the same")


def test_lost_rows_and_generators(sim: acc.testing.Simulator, project: acc.Project) -> None:
    sim.add_fault("reset_after_apply", on="assets:batch-create", nth=2)
    fail(sim)
    with pytest.raises(acc.ForbiddenError) as caught:
        project.assets.create(units(300), reconcile=False)
    assert last_line(caught.value) == (
        "100 of 300 rows are created. Running the same script again would create 100 to 200 assets a second time: use "
        ".reconcile() and .retry() on e.result or client.last_result. If the script has ended, wait a minute, then pass "
        'import_key=, or only rows whose Asset IDs are in project.assets.get(rows, by="Asset ID").missing.'
    )
    sim.clear_faults()
    fail(sim)
    with pytest.raises(acc.ForbiddenError) as caught:
        project.assets.create(iter(units(500)))
    line = last_line(caught.value)
    assert line.startswith("200 rows are created, and the rows after row ")
    assert "would create 200 assets a second time: pass only the rows that are not done" in line


def test_patches_and_deletes(sim: acc.testing.Simulator, project: acc.Project) -> None:
    ids = project.assets.create(units(300)).ids
    fail(sim, "assets:batch-patch")
    with pytest.raises(acc.ForbiddenError) as caught:
        project.assets.patch([{"id": id, "Description": "new"} for id in ids])
    assert last_line(caught.value).startswith(f"200 of 300 rows are updated. {RESUME}rows that are sent")
    fail(sim, "assets:batch-delete")
    with pytest.raises(acc.ForbiddenError) as caught:
        project.assets.delete(ids)
    assert last_line(caught.value).startswith(f"200 of 300 rows are deleted. {RESUME}those that are already")


def test_nothing_is_said_if_nothing_was_sent(sim: acc.testing.Simulator, project: acc.Project) -> None:
    sim.add_fault("status", code=403, on="assets:batch-create")
    with pytest.raises(acc.ForbiddenError) as caught:
        project.assets.create(units(3))
    assert str(caught.value) == caught.value.message
    # Neither the rows of a generator nor the settings were read.
    sim.clear_faults()
    sim.add_fault("status", code=403, on="any")
    with pytest.raises(acc.ForbiddenError) as unread:
        sim.client().project(sim.project_id).assets.create(iter(units(3)), run="r")
    assert str(unread.value) == unread.value.message
    sim.add_fault("status", code=403, on="assets")
    with pytest.raises(acc.ForbiddenError) as read:
        project.assets.list()
    assert str(read.value) == read.value.message


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "Running the same script again would create "),
        ({"import_key": "barcode"}, RESUME + "with import_key="),
        ({"run": "r"}, RESUME + "the call with the same run="),
    ],
)
def test_an_interrupted_script(options: dict[str, Any], says: str, sim: acc.testing.Simulator) -> None:
    project = sim.client(limits={"assets_write": 2, "window": 0.5}).project(sim.project_id)

    def interrupt(now: acc.Progress) -> None:
        if now.done >= 100:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(acc.BulkInterrupted) as caught:
        project.assets.create(units(900), progress=interrupt, **options)
    text = str(caught.value)
    assert text.rpartition("\n")[2].startswith(f"  {says}")
    # The script has ended, so nothing can be called on its result.
    assert ".retry() sends them" not in text
    assert "not_sent: " not in text
