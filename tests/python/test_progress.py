"""`progress=` on a terminal, in a pipe, in a notebook, with tqdm, and with a function."""

from __future__ import annotations

import io
import os
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import Kit
from program import Program, programs

import acc_assets as acc
from acc_assets import _progress
from acc_assets._progress import PHASES, Reporter


@pytest.fixture
def start(sim: acc.testing.Simulator, kit: Kit) -> Iterator[Callable[..., Program]]:
    with programs(sim, kit) as start:
        yield start


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A paused clock for the progress."""
    clock = Clock()
    monkeypatch.setattr(_progress, "time", clock)
    return clock


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_progress, "_is_watched", lambda: True)
    monkeypatch.setattr(_progress, "_is_notebook", lambda: False)


# ---- in a pipe or a file ----


def test_auto_shows_nothing_in_a_pipe(
    project: acc.Project, kit: Kit, sim: acc.testing.Simulator, capfd: pytest.CaptureFixture[str]
) -> None:
    sim.add_fault("delay", ms=600)
    made = project.assets.create(kit.rows(150))
    assert len(project.assets.get(made)) == 150
    assert project.assets.list()
    assert project.relationships.search() is not None
    assert project.assets.delete(made, progress="auto").ok
    assert capfd.readouterr() == ("", "")


def test_false_shows_nothing_anywhere(
    project: acc.Project, kit: Kit, terminal: None, capfd: pytest.CaptureFixture[str]
) -> None:
    assert project.assets.create(kit.rows(3), progress=False).ok
    assert capfd.readouterr() == ("", "")


def test_true_shows_a_line_every_ten_seconds_in_a_pipe(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with Reporter(True, "create") as report:
        for second in range(36):
            clock.now = 1000 + second
            report(second * 100, 10_000, second, 0, "writing")
        report(10_000, 10_000, 100, 0, "writing")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        "create: 1,000 of 10,000 rows, 10 requests, 1:30 left",
        "create: 2,000 of 10,000 rows, 20 requests, 1:20 left",
        "create: 3,000 of 10,000 rows, 30 requests, 1:10 left",
    ]


def test_true_shows_whole_lines_during_a_call(
    project: acc.Project,
    kit: Kit,
    sim: acc.testing.Simulator,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(_progress, "LINE_EVERY", 0.0)
    sim.add_fault("delay", on="assets:batch-create", ms=600)
    assert project.assets.create(kit.rows(3), settings=None, progress=True).ok
    out, err = capfd.readouterr()
    assert out == ""
    assert err.endswith("create: 3 of 3 rows, 1 request\n")
    assert "\r" not in err
    words = {*PHASES.values(), "create"}
    assert all(line.partition(":")[0] in words for line in err.splitlines())


def test_ipykernel_without_a_kernel_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ipykernel")
    pytest.importorskip("IPython")
    monkeypatch.setattr(sys, "stderr", None)
    assert not _progress._is_notebook()
    assert not Reporter("auto", "create").wanted


# ---- on a terminal ----


class Screen:
    """A terminal with this many columns, and the output of a program."""

    def __init__(self, columns: int) -> None:
        import fcntl
        import pty
        import struct
        import termios

        self.ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def text(self) -> str:
        os.close(self.theirs)
        found = b""
        # Reading from a closed terminal raises an error.
        try:
            while part := os.read(self.ours, 65536):
                found += part
        except OSError:
            pass
        os.close(self.ours)
        return found.decode()


@pytest.mark.once
@pytest.mark.skipif(sys.platform == "win32", reason="terminals are different there")
@pytest.mark.parametrize("progress", ["", ", progress='auto'", ", progress=True"])
@pytest.mark.parametrize("columns", [200, 40])
def test_terminal_shows_one_line_of_its_width(
    progress: str,
    columns: int,
    start: Callable[..., Program],
    sim: acc.testing.Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    screen = Screen(columns)
    sim.add_fault("delay", on="assets:batch-create", ms=400, times=3)
    code = (
        "sys.modules['tqdm'] = None\n"
        "assets = acc.Client(**options).project(project_id).assets\n"
        f"say(counts=assets.create(some(250), settings=None{progress}).counts)"
    )
    program = start(code, stderr=screen.theirs)
    assert program.ended(30).said == [{"counts": {"created": 250}}]
    text = screen.text()
    # The terminal converts \n to \r\n. A single line is overwritten, then ended.
    assert text.startswith("\r")
    assert text.endswith("\r\n")
    assert text.count("\n") == 1
    shown = text.removesuffix("\r\n").split("\r")[1:]
    assert len(shown) > 1
    assert all(len(line) < columns for line in shown)
    last = shown[-1].rstrip()
    assert last == "create: 250 of 250 rows, 3 requests"[: columns - 1]


def test_a_shorter_line_hides_the_longer_one(
    terminal: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with Reporter("auto", "create") as report:
        report(0, 2, 1, 0, "import_keys")
        report(1, 2, 1, 0, "writing")
    first, second = capsys.readouterr().err.removesuffix("\n").split("\r")[1:]
    assert first == "looking up import keys: 0 of 2 rows, 1 request"
    assert len(second) == len(first)


@pytest.mark.parametrize("progress", ["auto", True])
@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), ValueError("closed file")], ids=str)
@pytest.mark.parametrize("has_tqdm", [False, True])
def test_closed_terminal_does_not_end_a_call(
    progress: Any,
    error: Exception,
    has_tqdm: bool,
    project: acc.Project,
    kit: Kit,
    terminal: None,
    tqdm: type[FakeBar],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Gone(io.StringIO):
        def write(self, text: str, /) -> int:
            raise error

    def refresh(bar: FakeBar) -> None:
        sys.stderr.write("")

    if has_tqdm:
        monkeypatch.setattr(tqdm, "refresh", refresh)
    else:
        monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys, "stderr", Gone())
    assert project.assets.create(kit.rows(3), progress=progress).ok


def test_a_program_without_stderr_shows_nothing(
    project: acc.Project, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_progress, "LINE_EVERY", 0.0)
    monkeypatch.setattr(sys, "stderr", None)
    assert project.assets.create(kit.rows(3), progress=True).ok


# ---- tqdm ----


class FakeBar:
    made: list[FakeBar]

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.n = 0
        self.total: int | None = None
        self.shown: list[tuple[str, int, int | None]] = []
        self.text = ""
        self.postfix: dict[str, Any] = {}
        self.closed = 0
        self.made.append(self)

    def set_description_str(self, text: str, refresh: bool = True) -> None:
        self.text = text.removesuffix(": ")

    def set_postfix(self, refresh: bool = True, **postfix: Any) -> None:
        self.postfix = postfix

    def update(self, by: int) -> None:
        self.n += by

    def refresh(self) -> None:
        self.shown.append((self.text, self.n, self.total))

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def tqdm(monkeypatch: pytest.MonkeyPatch) -> type[FakeBar]:
    module, notebook = types.ModuleType("tqdm"), types.ModuleType("tqdm.notebook")
    kind = type("Bar", (FakeBar,), {"made": []})
    module.tqdm = notebook.tqdm = kind  # type: ignore[attr-defined]
    module.notebook = notebook  # type: ignore[attr-defined]
    for name, found in (("tqdm", module), ("tqdm.notebook", notebook)):
        monkeypatch.setitem(sys.modules, name, found)
    return kind


def test_tqdm_shows_the_bar_if_it_is_installed(
    project: acc.Project,
    kit: Kit,
    tqdm: type[FakeBar],
    terminal: None,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert project.assets.create(kit.rows(150), settings=None).ok
    (bar,) = tqdm.made
    assert bar.options["file"] is sys.stderr
    assert bar.shown[-1] == ("create", 150, 150)
    assert bar.postfix == {"requests": 2}
    assert bar.closed == 1
    assert capfd.readouterr().err == ""


def test_tqdm_is_closed_when_a_call_fails(tqdm: type[FakeBar], terminal: None) -> None:
    def fail() -> None:
        with Reporter("auto", "create") as report:
            report(1, 2, 1, 0, "writing")
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert [bar.closed for bar in tqdm.made] == [1]


def test_tqdm_follows_a_decreasing_count(tqdm: type[FakeBar], terminal: None) -> None:
    with Reporter("auto", "create") as report:
        report(5, 10, 1, 0, "settings")
        report(5, 10, 1, 0, "writing")
        report(3, 10, 2, 0, "recovery")
    (bar,) = tqdm.made
    assert bar.shown == [
        ("reading the project's settings", 0, None),
        ("create", 5, 10),
        ("looking up rows whose response was lost", 3, 10),
    ]


def test_tqdm_shows_rows_only_where_they_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tqdm")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stderr = Terminal()
    monkeypatch.setattr(sys, "stderr", stderr)
    with Reporter("auto", "create") as report:
        report(0, None, 0, 0, "settings")
        settings = stderr.getvalue()
        report(5, 10, 1, 0, "writing")
        report(10, 10, 2, 0, "writing")
        report(10, None, 3, 0, "reading")
    assert settings.split("\r")[-1].strip() == "reading the project's settings"
    assert "row" not in settings
    rows = stderr.getvalue().removeprefix(settings)
    assert "create:" in rows
    assert "10/10" in rows
    assert "requests=2" in rows
    assert ": :" not in rows


def test_tqdm_is_not_used_in_a_pipe(
    project: acc.Project, kit: Kit, tqdm: type[FakeBar], capfd: pytest.CaptureFixture[str]
) -> None:
    assert project.assets.create(kit.rows(3), progress=True).ok
    assert tqdm.made == []
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("has_widgets", [True, False])
def test_a_notebook_shows_widgets_if_they_are_installed(
    has_widgets: bool,
    tqdm: type[FakeBar],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(_progress, "_is_notebook", lambda: True)
    monkeypatch.setitem(sys.modules, "ipywidgets", types.ModuleType("ipywidgets") if has_widgets else None)
    with Reporter("auto", "create") as report:
        report(1, 2, 1, 0, "writing")
    assert [bar.options["file"] for bar in tqdm.made] == ([None] if has_widgets else [])
    assert capsys.readouterr().err == ("" if has_widgets else "\rcreate: 1 of 2 rows, 1 request, 0:00 left\n")


# ---- a function ----


def phases(seen: list[acc.Progress]) -> list[str]:
    """Return the items in order, without duplicates."""
    return list(dict.fromkeys(now.phase for now in seen))


@pytest.mark.once
def test_a_function_gets_the_phase_of_the_call(kit: Kit, sim: acc.testing.Simulator) -> None:
    found = next(category for category in sim.world()["categories"] if str(category["id"]) == kit.category)
    status = found["statuses"][0]["label"]
    rows = [
        {"Asset ID": f"A-{place}", "Category": int(kit.category), "Status": status, "Barcode": f"B-{place}"}
        for place in range(3)
    ]
    for endpoint in ("categories", "assets", "assets:batch-create", "assets:batch-get"):
        sim.add_fault("delay", on=endpoint, ms=400)
    seen: list[acc.Progress] = []
    with sim.client() as client:
        assets = client.project(sim.project_id).assets
        made = assets.create(rows, import_key="barcode", progress=seen.append)
        assert made.ok
        assert phases(seen) == ["settings", "import_keys", "writing"]
        assert seen[0][:3] == (0, None, 0)
        assert seen[-1][:2] == (3, 3)
        assert [now.elapsed for now in seen] == sorted(now.elapsed for now in seen)
        seen.clear()
        assert len(assets.get(made, progress=seen.append)) == 3
        assert phases(seen) == ["reading"]


@pytest.mark.once
def test_the_verbs_of_a_project_show_their_phases(sim: acc.testing.Simulator) -> None:
    seen: list[acc.Progress] = []
    description = {"categories": [{"path": "HVAC > Chillers of a new kind"}]}
    with sim.client() as client:
        project = client.project(sim.project_id)
        sim.add_fault("delay", on="categories", ms=400)
        project.settings(progress=seen.append)
        assert phases(seen) == ["settings"]
        seen.clear()
        sim.add_fault("delay", on="categories", ms=400)
        plan = project.plan_setup(acc.Setup.from_dict(description), progress=seen.append)
        assert plan.counts["create"] == 1
        assert phases(seen) == ["settings"]
        seen.clear()
        sim.add_fault("delay", on="categories", ms=400)
        applied = project.apply_setup(acc.Setup.from_dict(description), progress=seen.append)
        assert applied.counts["created"] == 1
        assert phases(seen) == ["settings", "setup"]
        seen.clear()
        sim.add_fault("delay", on="categories", ms=400)
        report = project.assets.validate([{"Asset ID": "A"}], progress=seen.append)
        assert not report.ok
        assert phases(seen) == ["settings", "checking"]
        assert seen[-1][:3] == (1, 1, 0)
        seen.clear()
        project.assets.create([{"Asset ID": f"A-{n}"} for n in range(3)], dry_run=True, progress=seen.append)
        assert phases(seen) == ["checking"]
        assert seen[-1][:3] == (3, 3, 0)
        with pytest.raises(acc.OptionError, match="progress must be"):
            project.settings(progress="bar")  # type: ignore[arg-type]
        with pytest.raises(acc.OptionError, match="progress must be"):
            project.assets.validate([], progress="bar")  # type: ignore[arg-type]


@pytest.mark.once
def test_a_function_gets_recovery_and_waiting(kit: Kit, sim: acc.testing.Simulator) -> None:
    sim.add_fault("reset_before_apply", on="assets:batch-create")
    sim.add_fault("delay", on="assets", ms=600)
    seen: list[acc.Progress] = []
    with sim.client(retry=acc.Retry(settle=1.0)) as client:
        client.project(sim.project_id).assets.create(kit.rows(3), progress=seen.append, settings=None)
    assert phases(seen)[-1] == "writing"
    assert {"waiting", "recovery"} <= set(phases(seen))


@pytest.mark.once
def test_lists_show_the_rows_read(sim: acc.testing.Simulator, kit: Kit) -> None:
    seen: list[acc.Progress] = []
    with sim.client() as client:
        project = client.project(sim.project_id)
        project.assets.create(kit.rows(450)).raise_if_failed()
        sim.add_fault("delay", on="assets", ms=400, times=9)
        before = sim.audit()["requests"]
        assert len(project.assets.list(progress=seen.append)) == 450
        assert seen[-1][:3] == (450, 450, sim.audit()["requests"] - before)
        assert 0 < next(now.done for now in seen if now.done) < 450
        assert phases(seen) == ["reading"]
        seen.clear()
        sim.seed_relationships(60)
        sim.add_fault("delay", on="relationships:search", ms=400)
        assert len(project.relationships.search(progress=seen.append)) == 60
        assert seen[-1][:2] == (60, 60)
        seen.clear()
        assert (
            len(project.assets.list(category=kit.category, status=kit.other_status, progress=seen.append))
            == 0
        )
        assert seen[-1][:3] == (0, 0, 1)


@pytest.mark.parametrize("option", ["bar", None, 1, 0])
def test_progress_accepts_auto_bools_and_functions(option: Any, project: acc.Project, kit: Kit) -> None:
    with pytest.raises(acc.OptionError, match='progress must be "auto", True, False or a function'):
        project.assets.create(kit.rows(1), progress=option)
    with pytest.raises(acc.OptionError, match='progress must be "auto"'):
        project.assets.list(progress=option)


# ---- the log ----


def test_the_log_has_one_line_per_write_that_failed(
    project: acc.Project, kit: Kit, caplog: pytest.LogCaptureFixture
) -> None:
    assert project.assets.create(kit.rows(2)).ok
    assert caplog.text == ""
    rows = [*kit.rows(2), {"clientAssetId": "bare"}, {"clientAssetId": "bare\nforged: line"}]
    project.assets.create(rows)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("acc_assets", "WARNING")
    assert record.getMessage() == (
        "create: 4 rows, 2 created, 2 invalid; `categoryId` is blank: required for a new asset (rows 2, 3): use the id "
        "of a category of the project, for example 42; and 1 more cause"
    )
    caplog.clear()
    # An exception is not logged as well.
    with pytest.raises(acc.BulkError):
        project.assets.create(rows, on_error="raise")
    assert caplog.text == ""


@pytest.mark.once
def test_script_prints_nothing_more_than_once(start: Callable[..., Program]) -> None:
    code = (
        "rows = [*some(2), {'clientAssetId': 'bare'}]\n"
        "print(json.dumps({'result': repr(acc.Client(**options).project(project_id).assets.create(rows))}))"
    )
    ended = start(code).ended(30)
    (line,) = ended.err.splitlines()
    assert line.startswith("create: 3 rows, 2 created, 1 invalid; ")
    (said,) = ended.said
    assert said["result"].count("2 created, 1 invalid") == 1
