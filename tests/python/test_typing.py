"""The types of the public surface."""

from __future__ import annotations

import datetime
import inspect
import pathlib
import pydoc
import re
import subprocess
import sys
import types
import typing
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import typed_program

import acc_assets as acc
from acc_assets import _core

PROGRAM = pathlib.Path(typed_program.__file__).read_text(encoding="utf-8")


def test_the_typed_program_runs(tmp_path: pathlib.Path) -> None:
    typed_program.main(tmp_path)


def test_the_typed_program_uses_every_public_name() -> None:
    modules = {"acc": acc, "types": acc.typing, "testing": acc.testing}
    names = {f"{short}.{name}" for short, module in modules.items() for name in module.__all__}
    used = set(re.findall(r"\b(?:acc|types|testing)\.\w+", PROGRAM)) | {"acc.typing", "acc.testing"}
    assert names - used == set()


MODULES = (acc, acc.typing, acc.testing, acc.errors)
# What Python itself calls: their arguments and results are those of its protocols.
OF_PYTHON = {"__reduce__", "__getnewargs_ex__", "__new__", "__init_subclass__", "__class_getitem__"}


def public() -> dict[str, Any]:
    """The public classes and functions, by the name that users import them with."""
    return {
        f"{module.__name__}.{name}": value
        for module in MODULES
        for name in module.__all__
        if (inspect.isclass(value := getattr(module, name)) and not typing.get_origin(value))
        or inspect.isfunction(value)
    }


def annotated() -> dict[str, Any]:
    """Everything public that has annotations: functions, classes, and what classes have of this package."""
    found = public()
    for name, kind in public().items():
        for base in kind.__mro__ if inspect.isclass(kind) else ():
            for member, value in vars(base).items():
                value = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
                if inspect.isfunction(value) and value.__module__.startswith("acc_assets"):
                    found[f"{name}.{member}"] = value
    return found


ANNOTATED = annotated()
# What annotations name. The package itself imports some of it only for type checkers, since a program would wait for it.
NAMES: dict[str, Any] = {
    name: value
    for path, module in list(sys.modules.items())
    if path.startswith("acc_assets.")
    for name, value in vars(module).items()
}
NAMES |= {
    "UUID": uuid.UUID,
    "date": datetime.date,
    "datetime": datetime,
    "pandas": types.SimpleNamespace(DataFrame=object, Series=object),
    "pathlib": pathlib,
    "polars": types.SimpleNamespace(DataFrame=object),
    "Self": typing.TypeVar("Self"),
    "Unpack": getattr(
        typing, "Unpack", {kind: kind for kind in (acc.testing.ClientOptions, acc.typing.ReadOptions)}
    ),
}


def hints_of(value: Any) -> dict[str, Any]:
    return typing.get_type_hints(value, localns=NAMES)


@pytest.mark.parametrize("name", ANNOTATED)
def test_annotations_can_be_evaluated(name: str) -> None:
    hints = hints_of(ANNOTATED[name])
    assert hints.keys() >= getattr(ANNOTATED[name], "__annotations__", {}).keys() - {"return"}
    for part in parts(hints.values()):
        assert not isinstance(part, (str, typing.ForwardRef)), part
        assert not type(part).__module__.startswith("acc_assets"), part


def parts(hints: Iterable[Any], seen: tuple[Any, ...] = ()) -> Iterator[Any]:
    """The types that these are made of."""
    for hint in hints:
        # JSON values hold JSON values.
        if not (isinstance(hint, typing.ForwardRef) and hint.__forward_arg__ == "Json"):
            yield hint
        if typing.get_origin(hint) is not typing.Literal:
            yield from parts(
                part for arg in typing.get_args(hint) for part in (arg if isinstance(arg, list) else [arg])
            )


def test_no_public_annotation_is_any() -> None:
    assert len(ANNOTATED) > 300
    assert [name for name, value in ANNOTATED.items() if is_any(name, value)] == []


def is_any(name: str, value: object) -> bool:
    member = name.rpartition(".")[2]
    is_private = member.startswith("_") and not member.startswith("__")
    # Users create these, the others are returned to them.
    created = ("Client.__init__", "Simulator.__init__", "FileError.__init__")
    if is_private or member in OF_PYTHON or (member == "__init__" and not name.endswith(created)):
        return False
    hints = hints_of(value)
    return Any in parts(hint for argument, hint in hints.items() if not argument.startswith("_"))


def test_any_would_be_found() -> None:
    class Open:
        given: dict[str, Any]

    def public_names(of: type[object]) -> dict[str, object]: ...  # type: ignore[empty-body]

    def taking(rows: Callable[[list[Any]], object]) -> None: ...

    assert is_any("Open", Open)
    assert is_any("taking", taking)
    assert not is_any("parts", public_names)


@pytest.mark.parametrize("name", public())
def test_public_things_have_their_public_module(name: str) -> None:
    value = public()[name]
    module = name.rpartition(".")[0]
    assert value.__module__ == ("acc_assets" if value.__name__ in acc.__all__ else module)
    if inspect.isfunction(value):
        assert inspect.signature(value)
    assert pydoc.render_doc(value)
    assert inspect.getdoc(value)


def test_the_package_has_only_public_names() -> None:
    code = "import acc_assets; print(*[name for name, value in vars(acc_assets).items() if type(value) is not type(acc_assets)])"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    assert {name for name in names.split() if not name.startswith("__")} <= set(acc.__all__)


def test_the_simulator_takes_the_options_of_clients() -> None:
    options = hints_of(acc.testing.ClientOptions)
    for kind in (acc.Client, acc.AsyncClient):
        hints = hints_of(kind.__init__)
        assert {name: hint for name, hint in hints.items() if name != "return"} == options


def test_the_names_of_typing_are_types() -> None:
    for name in acc.typing.__all__:
        found = getattr(acc.typing, name)
        assert found is not Any

        def function(argument: object) -> None: ...

        # As the annotations of a user's program, which may be of more than this name.
        for hint in (found, typing.Union[found, None]):  # noqa: UP007  # of objects
            function.__annotations__["argument"] = hint
            assert not any(
                isinstance(part, (str, typing.ForwardRef)) for part in parts([hints_of(function)["argument"]])
            ), name


def test_an_asset_has_the_fields_of_the_core() -> None:
    fields = {field["name"] for field in _core.asset_fields()}
    assert set(acc.typing.Asset.__annotations__) == fields
