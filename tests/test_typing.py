"""The types of the public surface."""

from __future__ import annotations

import inspect
import pathlib
import re
import typing
from typing import Any

import typed_program

import acc_assets as acc

PROGRAM = pathlib.Path(typed_program.__file__).read_text(encoding="utf-8")


def test_the_typed_program_runs(tmp_path: pathlib.Path) -> None:
    typed_program.main(tmp_path)


def test_the_typed_program_uses_every_public_name() -> None:
    names = {*(f"acc.{name}" for name in acc.__all__), *(f"types.{name}" for name in acc.typing.__all__)}
    used = set(re.findall(r"\b(?:acc|types)\.\w+", PROGRAM)) | {"acc.typing"}
    assert names - used == set()


def test_no_public_annotation_is_any() -> None:
    for name in acc.__all__:
        value = getattr(acc, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            members = [(name, value)] if inspect.isfunction(value) else inspect.getmembers(value)
            for member, found in members:
                if member[0] == "_" and member != "__init__":
                    continue
                function = found.fget if isinstance(found, property) else found
                if inspect.isfunction(function) and function.__module__.startswith("acc_assets"):
                    for parameter, annotation in function.__annotations__.items():
                        private = parameter[0] == "_" or (
                            member == "__init__" and name not in ("Client", "AsyncClient")
                        )
                        assert private or "Any" not in str(annotation), f"{name}.{member}: {parameter}"


def test_the_names_of_typing_are_types() -> None:
    for name in acc.typing.__all__:
        assert getattr(acc.typing, name) is not Any
        assert not isinstance(getattr(acc.typing, name), str) or typing.get_origin(name) is None
