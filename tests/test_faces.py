"""The synchronous API is generated from the asynchronous one."""

from __future__ import annotations

import inspect
import pathlib
import subprocess
import sys

import pytest

import acc_assets as acc

ROOT = pathlib.Path(__file__).parent.parent
KINDS = ["Client", "Project", "Raw", "Assets", "Relationships", "BulkResult"]
NOT_AWAITED = {"project"}


@pytest.mark.parametrize("kind", KINDS)
def test_methods_that_send_are_async(kind: str) -> None:
    own = vars(getattr(acc, f"Async{kind}"))
    inherited = [vars(base) for base in getattr(acc, f"Async{kind}").__mro__ if base.__name__ == "AsyncVerbs"]
    for name, method in {**own, **{k: v for found in inherited for k, v in found.items()}}.items():
        if inspect.isfunction(method) and name[0] != "_":
            assert inspect.iscoroutinefunction(method) == (name not in NOT_AWAITED), name
            assert not inspect.iscoroutinefunction(getattr(getattr(acc, kind), name)), name


@pytest.mark.parametrize("kind", KINDS)
def test_docstrings_name_the_classes_of_their_own_api(kind: str) -> None:
    for name, method in inspect.getmembers(getattr(acc, kind)):
        if name[0] != "_" or name == "__init__":
            assert "Async" not in (inspect.getdoc(method) or ""), name
            assert "await " not in (inspect.getdoc(method) or ""), name


def test_the_faces_stay_small() -> None:
    # Code that the verbs share belongs in the layers below, not in the files that exist twice.
    package = pathlib.Path(acc.__file__).parent
    files = [*(package / "_async").glob("*.py"), package / "_sync" / "_drive.py"]
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files) <= 1200


@pytest.mark.once
def test_generated_files_are_up_to_date() -> None:
    pytest.importorskip("ruff")
    ended = subprocess.run([sys.executable, ROOT / "tools" / "make_sync.py", "--check"], capture_output=True)
    assert ended.returncode == 0, ended.stdout.decode()
