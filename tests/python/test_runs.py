"""Named runs: where they are stored, and how they are listed, read and deleted."""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from conftest import Kit, kit_of
from program import Program, programs

import acc_assets as acc
from acc_assets._paths import run_file, runs_folder

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    folder = tmp_path / "runs"
    monkeypatch.setenv("ACC_ASSETS_RUNS", str(folder))
    return folder


@pytest.fixture
def written(project: acc.Project, kit: Kit) -> acc.BulkResult:
    """The run "level-3": five rows created, and one invalid."""
    return project.assets.create([*kit.rows(5), {"clientAssetId": "bare"}], run="level-3")


@contextmanager
def driven_elsewhere(path: pathlib.Path) -> Iterator[None]:
    """Lock a run in another process."""
    program = (
        "import fcntl, sys; file = open(sys.argv[1] + '.lock', 'w'); fcntl.flock(file, fcntl.LOCK_EX);"
        "print('locked', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield
        process.stdin.write("\n")


# ---- location ----


@pytest.mark.parametrize("name", ["level-3", "Ebene 3 Süd", "a.b_c", "3", "x" * 100])
def test_a_name_is_a_file_in_the_folder_of_runs(name: str, folder: pathlib.Path) -> None:
    assert run_file(name) == str(folder / f"{name}.sqlite")


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        ".hidden",
        "a/b",
        "a\\b",
        "../up",
        "a:b",
        " a",
        "a ",
        "a\n",
        "a\0",
        "\ud800",
        "x" * 101,
        "é" * 51,
    ],
)
def test_run_rejects_invalid_names(name: str) -> None:
    with pytest.raises(acc.OptionError, match=r"is not a valid run name\. Use letters, .* pathlib\.Path"):
        run_file(name)


@pytest.mark.parametrize("name", ["con", "NUL", "CON.txt", "com1", "LPT9.a.b", "aux .b", "prn.", "COM\u00b9"])
def test_run_rejects_names_that_windows_reserves(name: str) -> None:
    with pytest.raises(acc.OptionError, match="Windows reserves it"):
        run_file(name)


@pytest.mark.parametrize("name", ["console", "com", "lpt10", "a.con", "null"])
def test_run_accepts_names_similar_to_reserved_ones(name: str) -> None:
    assert pathlib.Path(run_file(name)).name == f"{name}.sqlite"


def test_run_accepts_a_path(tmp_path: pathlib.Path) -> None:
    assert run_file(tmp_path / "a:b.journal") == str(tmp_path / "a:b.journal")
    with pytest.raises(acc.OptionError, match=r"a name or a pathlib\.Path, not int"):
        run_file(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("platform", "variables", "found"),
    [
        ("linux", {"XDG_STATE_HOME": "/state"}, "/state/acc-assets/runs"),
        ("linux", {}, "/home/me/.local/state/acc-assets/runs"),
        ("darwin", {}, "/home/me/Library/Application Support/acc-assets/runs"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/acc-assets/runs"),
        ("win32", {"ACC_ASSETS_RUNS": "~/mine"}, "/home/me/mine"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="HOME is not the home folder there")
def test_the_folder_of_each_platform(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], found: str
) -> None:
    for name in ("ACC_ASSETS_RUNS", "XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert runs_folder().as_posix() == found


# ---- content ----


def test_runs_of_an_empty_folder(folder: pathlib.Path) -> None:
    runs = acc.runs()
    assert (len(runs), list(runs), runs.to_dicts(), "level-3" in runs) == (0, [], [], False)
    assert repr(runs) == f"no runs in {folder}"
    assert not folder.exists()
    with pytest.raises(KeyError, match="no run 'level-3' in"):
        runs["level-3"]


def test_runs_show_the_current_state(written: acc.BulkResult, project: acc.Project) -> None:
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=1)
    (told,) = cast(Any, acc.runs().to_dicts())
    assert (told["name"], told["verb"], told["project"]) == ("level-3", "create", project.id)
    assert (told["rows"], told["created"], told["invalid"], told["unknown"]) == (6, 5, 1, 0)
    assert (told["running"], told["problem"], told["import_key"]) == (False, None, None)
    assert before < told["begun"] <= told["written"] <= datetime.datetime.now(datetime.timezone.utc)


def test_outcomes_of_a_run_equal_the_result_of_the_call(written: acc.BulkResult) -> None:
    kept = acc.runs()["level-3"]
    assert kept.to_dicts() == written.to_dicts()
    assert kept.counts == {"created": 5, "invalid": 1}
    assert [cause.message for cause in kept.causes] == [cause.message for cause in written.causes]
    assert kept[5].error == written[5].error
    assert pickle.loads(pickle.dumps(kept)).ids == written.ids


def test_runs_are_a_table(written: acc.BulkResult, folder: pathlib.Path, project: acc.Project) -> None:
    headline, head, line = repr(acc.runs()).splitlines()
    assert headline == f"1 run in {folder}"
    assert head.split() == ["name", "verb", "project", "rows", "counts", "begun", "written"]
    assert line.startswith(f"  level-3  create  {project.id}  6     5 created, 1 invalid")
    (folder / "<b>.sqlite").write_bytes(b"")
    html = acc.runs()._repr_html_()
    assert "<td>level-3</td>" in html
    assert "<td>&lt;b&gt;</td><td>unreadable</td>" in html


def test_runs_as_frames(written: acc.BulkResult, folder: pathlib.Path) -> None:
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    (folder / "torn.sqlite").write_bytes(b"")
    for rows in (
        acc.runs().to_pandas().to_dict("records"),
        acc.runs().to_polars().to_dicts(),
    ):
        assert [row["name"] for row in rows] == ["level-3", "torn"]
        assert rows[0]["created"] == 5
        assert pandas.isna(rows[1]["created"])
    assert acc.runs().to_polars().schema["begun"] == polars.Datetime("us", "UTC")


def test_runs_are_a_mapping(written: acc.BulkResult, folder: pathlib.Path) -> None:
    (folder / "a.b.sqlite").write_bytes(b"")
    for other in (".hidden.sqlite", "notes.txt", "level-3.sqlite-journal"):
        (folder / other).write_bytes(b"")
    runs = acc.runs()
    assert (list(runs), len(runs)) == (["a.b", "level-3"], 2)
    assert "level-3" in runs
    assert "level-4" not in runs
    with pytest.raises(KeyError, match=r"no run 'Level 3' in .*\. Did you mean 'level-3'"):
        runs["Level 3"]
    assert list(acc.runs(folder.parent)) == []
    assert list(acc.runs(str(folder))) == list(runs)


def test_runs_report_an_unreadable_file_without_hiding_others(
    written: acc.BulkResult, folder: pathlib.Path
) -> None:
    (folder / "notes.sqlite").write_text("not a run")
    told = {run["name"]: run for run in cast(Any, acc.runs().to_dicts())}
    assert told["level-3"]["problem"] is None
    assert "notes.sqlite is not a journal of a run" in told["notes"]["problem"]
    assert told["notes"]["rows"] is None
    with pytest.raises(acc.JournalError, match="is not a journal of a run"):
        acc.runs()["notes"]


@pytest.mark.skipif(sys.platform == "win32", reason="locks are taken another way there")
def test_run_in_progress(written: acc.BulkResult, folder: pathlib.Path) -> None:
    with driven_elsewhere(folder / "level-3.sqlite"):
        (told,) = acc.runs().to_dicts()
        assert (told["running"], told["rows"], told["problem"]) == (True, None, None)
        assert repr(acc.runs()).splitlines()[2].split() == ["level-3", "running"]
        with pytest.raises(acc.JournalError, match="The run 'level-3' is in progress"):
            acc.runs()["level-3"]
        with pytest.raises(acc.JournalError, match="is in use by another process") as caught:
            acc.runs().delete("level-3")
        assert isinstance(pickle.loads(pickle.dumps(caught.value)), acc.JournalError)
    assert acc.runs()["level-3"].counts == written.counts


def test_a_run_is_deleted(written: acc.BulkResult, folder: pathlib.Path) -> None:
    with pytest.raises(KeyError, match="Did you mean 'level-3'"):
        acc.runs().delete("level-2")
    with pytest.raises(KeyError):
        acc.runs().delete("../runs/level-3")
    acc.runs().delete("level-3")
    # The lock file stays: a new file of the same name would be a different lock.
    assert [path.name for path in folder.iterdir()] == ["level-3.sqlite.lock"]
    assert len(acc.runs()) == 0


def test_run_file_contains_no_token_and_only_the_keys_of_rows(
    sim: acc.testing.Simulator, kit: Kit, folder: pathlib.Path
) -> None:
    token = sim.token
    with sim.client() as client:
        rows = kit.rows(3, description="the boiler behind the wall")
        assert client.project(sim.project_id).assets.create(rows, run="level-3").ok
    kept = (folder / "level-3.sqlite").read_bytes()
    assert b"AHU-2" in kept
    assert token.encode() not in kept
    assert b"Bearer" not in kept
    assert b"boiler" not in kept
    assert kit.status.encode() not in kept


FULL_DISK = """
import json, resource, sys
import acc_assets as acc
resource.setrlimit(resource.RLIMIT_FSIZE, (140 << 10, 140 << 10))
url, token, project, rows = json.load(sys.stdin)
try:
    acc.Client(token, base_url=url).project(project).assets.create(rows, run="level-3")
except acc.JournalError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files there")
def test_rows_that_cannot_be_recorded_are_not_sent(
    sim: acc.testing.Simulator, project: acc.Project, kit: Kit
) -> None:
    """In a process whose files are limited to 140 KiB, the requests can be recorded, but not the outcomes. Another
    process then finishes the run."""
    rows = kit.rows(1000)
    before = len(sim.assets())
    told = json.dumps([sim.url, sim.token, sim.project_id, rows])
    said = subprocess.run(
        [sys.executable, "-B", "-c", FULL_DISK],
        input=told,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert "level-3.sqlite cannot be read or written" in said
    assert "free disk space and make the call again" in said
    kept = acc.runs()["level-3"]
    sent = {outcome.key for outcome in kept if outcome.status in ("created", "unknown")}
    there = [asset["clientAssetId"] for asset in sim.assets()[before:]]
    assert there
    assert set(there) <= sent
    assert project.assets.create(rows, run="level-3").counts == {"created": len(rows)}
    assert len(sim.assets()) == before + len(rows)


# ---- one process per run ----

CREATE = """
import pathlib, shutil, sqlite3
os.environ["ACC_ASSETS_RUNS"] = {folder!r}

def rows():
    yield from some(300)
    if {meanwhile!r}:
        journal, child = pathlib.Path({folder!r}, "level-3.sqlite"), None
        {meanwhile}
        say(child=child)
        sys.stdin.readline()
    yield from some(600)[300:]

try:
    say(counts=acc.Client(**options).project(project_id).assets.create(rows(), run="level-3").counts)
except acc.JournalError as error:
    say(refused=str(error))
"""
# On Unix, a process loses its POSIX locks on a file when it closes any descriptor of that file.
CLOSES = {
    "copy": "shutil.copy(journal, journal.with_suffix('.copy'))",
    "sqlite3": "sqlite3.connect(journal).close()",
    "open and close": "journal.open('rb').close()",
}
FORK = """
        child = os.fork()
        if child == 0:
            os.close(1), os.close(2)
            time.sleep(60)
            os._exit(0)
"""


@contextmanager
def driver(
    folder: pathlib.Path, meanwhile: str
) -> Iterator[tuple[Program, int, Callable[[], dict[str, Any]]]]:
    """Yield a process that drives a run and continues when it gets a line, its forked child if any, and a function that
    calls the same run from another process and returns the output."""
    with acc.testing.Simulator(seed=1, window=0.5) as sim, programs(sim, kit_of(sim)) as start:
        before = len(sim.assets())
        first = start(CREATE.format(folder=str(folder), meanwhile=meanwhile), stdin=subprocess.PIPE)
        child = json.loads(first.wait_for_word())["child"]
        again = CREATE.format(folder=str(folder), meanwhile="")
        try:
            yield first, child, lambda: start(again).ended(30).said[0]
        finally:
            if child is not None:
                os.kill(child, signal.SIGKILL)
        created = [asset["clientAssetId"] for asset in sim.assets()[before:]]
        assert sorted(created) == sorted(f"A-{row}" for row in range(600))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX locks")
@pytest.mark.parametrize("meanwhile", CLOSES.values(), ids=CLOSES)
def test_second_process_is_rejected_after_the_journal_is_closed(meanwhile: str, folder: pathlib.Path) -> None:
    with driver(folder, meanwhile) as (first, _, again):
        assert "is in use by another process" in again().get("refused", "not refused")
        assert acc.runs().to_dicts()[0]["running"] is True
        with pytest.raises(acc.JournalError, match="is in use by another process"):
            acc.runs().delete("level-3")
        assert first.ended(30).said == [{"counts": {"created": 600}}]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("ends", ["killed", "returned"])
def test_run_is_free_after_its_process_ends_despite_a_forked_child(ends: str, folder: pathlib.Path) -> None:
    with driver(folder, FORK) as (first, child, again):
        assert "is in use by another process" in again().get("refused", "not refused")
        if ends == "killed":
            first.process.kill()
        first.ended(30)
        os.kill(child, 0)
        assert again() == {"counts": {"created": 600}}


@pytest.mark.parametrize("verb", ["retry", "reconcile"])
def test_retry_of_a_named_run_raises_option_error(
    verb: str, written: acc.BulkResult, project: acc.Project, kit: Kit
) -> None:
    kept = acc.runs()["level-3"]
    assert type(kept) is acc.Outcomes
    copy = pickle.loads(pickle.dumps(kept))
    for outcomes in (kept, copy, kept.where("invalid"), kept[5:]):
        with pytest.raises(
            acc.OptionError, match=rf"^{verb}\(\): this result is from a named run .* same run= and all rows"
        ):
            getattr(outcomes, verb)()
        with pytest.raises(acc.OptionError, match="same run="):
            getattr(project.assets, verb)(outcomes, kit.rows(6))
    assert "call again with the same run= and all rows" in repr(kept)
    # A result of the call itself says the same once it has no client.
    with pytest.raises(acc.OptionError, match="same run="):
        getattr(pickle.loads(pickle.dumps(written)), verb)()
