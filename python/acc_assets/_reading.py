"""Options for reading input, and the mapping file that may contain them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeAlias, TypedDict, TypeVar

from . import _core
from ._mapping import ColumnMapping, mapping_of
from ._options import SEPARATOR, Dates, Nulls, SheetOption, one_of, sheet_option
from ._text import nearest
from .errors import OptionError

Replacement: TypeAlias = str | bool | float | None
Values: TypeAlias = Mapping[str, Mapping[str, Replacement] | Mapping[int, Replacement]]


class ReadOptions(TypedDict, total=False):
    """Options for reading rows, accepted by every verb that takes them. `acc_assets.read` describes each option.

    Example:
        >>> from acc_assets.typing import ReadOptions
        >>> german: ReadOptions = {"decimal": ",", "true_values": ["ja"], "false_values": ["nein"]}
        >>> project.assets.validate([], **german).ok
        True
    """

    sheet: SheetOption
    mapping: ColumnMapping | None
    separator: str | None
    nulls: Nulls | None
    dates: Dates | None
    encoding: str | None
    decimal: str | Mapping[str, str] | None
    thousands: str | Mapping[str, str] | None
    dayfirst: bool | Mapping[str, bool] | None
    true_values: Sequence[str] | None
    false_values: Sequence[str] | None
    values: Values | None
    fill_down: Sequence[str] | None
    skip_rows: int | None
    skip_footer: int | None


Value = TypeVar("Value")
# An option of each column: a value for all columns, or pairs of a column and its value.
OfColumns: TypeAlias = Value | tuple[tuple[str, Value], ...]

# Options that say where a table is in its file. They do not change what its cells mean.
LAYOUT: Final = ("sheet", "encoding", "skip_rows", "skip_footer")
# What the table [read] of a mapping file may contain.
IN_FILES: Final = tuple(name for name in ReadOptions.__annotations__ if name not in ("mapping", "values"))
# Separators of thousands, with their typographic forms.
THOUSANDS: Final = {",": ",", ".": ".", " ": " ", "'": "'", "\xa0": " ", "\u202f": " ", "\u2019": "'"}
BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Reading(NamedTuple):
    """Checked options for reading input."""

    sheet: SheetOption = None
    mapping: tuple[tuple[str, str | None], ...] = ()
    separator: str = SEPARATOR
    nulls: str = "omit"
    dates: str = "strict"
    encoding: str | None = None
    decimal: OfColumns[str] | None = None
    thousands: OfColumns[str] | None = None
    dayfirst: OfColumns[bool] | None = None
    true_values: tuple[str, ...] = ()
    false_values: tuple[str, ...] = ()
    values: tuple[tuple[str, tuple[tuple[str, str | float | None], ...]], ...] = ()
    fill_down: tuple[str, ...] = ()
    skip_rows: int = 0
    skip_footer: int = 0
    # The mapping file, and the options that come from it. It may be shared by files of several kinds.
    file: str | None = None
    shared: tuple[str, ...] = ()
    # The options that the call gives, with their defaults or other values.
    given: tuple[str, ...] = ()

    def changed(self, *, without: Sequence[str] = ()) -> list[str]:
        """Return the names of options that differ from their defaults."""
        return [
            name
            for name, value in self._asdict().items()
            if name not in ("file", "shared", "given", *without) and value != self._field_defaults[name]
        ]

    def must_match(self, options: Mapping[str, Any], which: str) -> None:
        """Raise OptionError if an option is neither its default nor as in the original call, whose options always apply.

        The layout may differ, because a result contains neither the file name nor the sheet name.
        """
        if options.get("found_by"):
            raise OptionError(f"{which}(): pass the result of the create that was passed to patch.")
        given = self.options()
        for name in self.changed(without=LAYOUT):
            here, there = (given, options) if name in given else (given["reading"], options["reading"])
            keys = (name, f"{name}_of")
            if any(_unordered(here.get(key)) != _unordered(there.get(key)) for key in keys):
                raise OptionError(
                    f"{which}(): rows are always read with the options of the original call. Remove {name}= from read(...)."
                )

    def options(self) -> dict[str, Any]:
        """Return the options for the core."""
        return {
            "nulls": self.nulls,
            "dates": self.dates,
            "mapping": list(self.mapping),
            "mapping_file": self.file,
            "separator": self.separator,
            "reading": {
                **_by_column("decimal", self.decimal),
                **_by_column("thousands", self.thousands),
                **_by_column("dayfirst", self.dayfirst),
                "true_values": list(self.true_values),
                "false_values": list(self.false_values),
                "values": [
                    (column, [(old, _for_core(new)) for old, new in texts]) for column, texts in self.values
                ],
                "fill_down": list(self.fill_down),
                "shared": sorted(self.shared),
            },
        }


def reading(verb: Callable[..., object] | None = None, /, **options: object) -> Reading:
    """Validate the options for reading input, given to a verb or to `read`. None stands for the default.

    Options in a mapping file apply unless they are given.
    """
    for name in options:
        if name not in ReadOptions.__annotations__:
            _refuse(verb, name)
    mapping = options.pop("mapping", None)
    given = {name: value for name, value in options.items() if value is not None}
    columns, found, values = mapping_of(mapping, IN_FILES)
    shared: dict[str, object] = {}
    if found or values:
        place = str(mapping)
        for name in found:
            one_of(f"{place}: a key of [read]", name, IN_FILES)
        try:
            shared = _checked({**found, "values": values} if values else found)
        except OptionError as error:
            raise OptionError(f"{place}: {error}") from None
    checked = {**shared, **_checked(given)}
    read = Reading(
        **checked,  # type: ignore[arg-type]
        mapping=columns,
        file=os.fspath(mapping) if isinstance(mapping, (str, os.PathLike)) else None,
        shared=tuple(shared.keys() - given.keys()),
        given=(*given, *(["mapping"] if mapping is not None else [])),
    )
    _core.check_columns(read.options())
    for name, others in (("true_values", read.false_values), ("false_values", read.true_values)):
        for word in getattr(read, name):
            means = BOOLEANS.get(word.lower(), name == "true_values")
            if word.lower() in map(str.lower, others) or means != (name == "true_values"):
                raise OptionError(f"{name} contains {word!r}, which also means {name != 'true_values'}.")
    return read


def _by_column(name: str, option: object) -> dict[str, object]:
    """Return an option for the core: the value for all columns, and the columns that have their own."""
    if isinstance(option, tuple):
        return {name: None, f"{name}_of": list(option)}
    return {name: option, f"{name}_of": []}


def _unordered(option: object) -> object:
    """Return an option with its lists sorted: the order of their items means nothing. A pair is a tuple."""
    if isinstance(option, list):
        return sorted(map(_unordered, option), key=repr)
    return tuple(map(_unordered, option)) if isinstance(option, tuple) else option


def _refuse(verb: Callable[..., object] | None, name: str) -> None:
    """Raise TypeError for an unknown keyword, as Python does, with the closest match."""
    known = [*ReadOptions.__annotations__, *(getattr(verb, "__kwdefaults__", None) or ())]
    near = nearest(name, known)
    hint = f". Did you mean {near!r}?" if near else ""
    called = getattr(verb, "__qualname__", "read")
    if name == "import_key" and called.endswith(".patch"):
        hint = ". To change the assets with the import keys of rows, pass the result of create(rows, import_key=...) to patch."
    raise TypeError(f"{called}() got an unexpected keyword argument {name!r}{hint}")


def _checked(given: Mapping[str, object]) -> dict[str, object]:
    """Return checked options, in the form of `Reading`."""
    return {name: CHECKS[name](name, value) for name, value in given.items()}


def _sheet(_: str, sheet: object) -> object:
    sheet_option(sheet)
    return sheet


def _separator(_: str, separator: object) -> str:
    if not isinstance(separator, str) or not separator.strip():
        raise OptionError(
            f"separator must be the text between the names in a path, such as '>', not {separator!r}."
        )
    return separator


def _word_of(*known: str) -> Callable[[str, object], str]:
    def check(name: str, value: object) -> str:
        one_of(name, value, known)
        return str(value)

    return check


def _of_columns(check: Callable[[str, object], Value]) -> Callable[[str, object], OfColumns[Value]]:
    """Return a check of an option that may be a dict from column to value."""

    def check_all(name: str, option: object) -> OfColumns[Value]:
        if isinstance(option, Mapping):
            return tuple(
                (str(column), check(f"{name}: {column!r}", value)) for column, value in option.items()
            )
        return check(name, option)

    return check_all


def _encoding(_: str, encoding: object) -> str:
    if not isinstance(encoding, str):
        raise OptionError(f"encoding must be the name of an encoding, not {encoding!r}.")
    return _core.encoding_name(encoding)


def _thousands(name: str, thousands: object) -> str:
    if not isinstance(thousands, str) or thousands not in THOUSANDS:
        raise OptionError(f"""{name} must be ",", ".", " " or "'", not {thousands!r}.""")
    return THOUSANDS[thousands]


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise OptionError(f"{name} must be True, False or None, not {value!r}.")
    return value


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 32:
        raise OptionError(f"{name} must be a number of rows, not {value!r}.")
    return value


def _texts(name: str, value: object) -> tuple[str, ...]:
    """Return a list of texts. A single text is a list of one."""
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, (list, tuple, set, frozenset)) or not all(
        isinstance(text, str) and text.strip() for text in texts
    ):
        raise OptionError(f"{name} must be a list of texts, not {value!r}.")
    return tuple(text.strip() for text in texts)


def _values(name: str, value: object) -> tuple[tuple[str, tuple[tuple[str, str | float | None], ...]], ...]:
    if not isinstance(value, Mapping) or not all(isinstance(texts, Mapping) for texts in value.values()):
        raise OptionError(
            f"{name} must be a dict from column to a dict of texts, such as "
            f"{{'Status': {{'eingebaut': 'Installed'}}}}, not {value!r}."
        )
    return tuple(
        (
            str(column),
            tuple((_replaced(column, old), _replacement(column, old, new)) for old, new in texts.items()),
        )
        for column, texts in value.items()
    )


def _replaced(column: object, old: object) -> str:
    """Return the text to replace. Only whole numbers have the same text in every source."""
    if isinstance(old, float):
        if not old.is_integer():
            raise OptionError(
                f"values: {column!r} replaces the number {old!r}. Use text, a whole number or a bool as the key."
            )
        old = int(old)
    text = str(old).lower() if isinstance(old, bool) else str(old).strip()
    if not text:
        raise OptionError(f"values: {column!r} replaces a blank text. Use fill_down=, or fill in the cells.")
    return text


def _replacement(column: object, old: object, new: object) -> str | float | None:
    if new is None or new == "":
        return None
    if isinstance(new, bool):
        return new
    if isinstance(new, str):
        return new.strip()
    if not isinstance(new, (int, float)) or not math.isfinite(new):
        raise OptionError(f"values: {column!r} maps {old!r} to {new!r}. Use text, a number, a bool or None.")
    return new


def _for_core(new: str | float | None) -> str | int | dict[str, str] | None:
    """Return a replacement for the core, a number as a number: `decimal` and `thousands` are for texts."""
    if new is None or isinstance(new, (str, bool)):
        return new
    if new == int(new) and abs(new) < 1 << 63:
        return int(new)
    return {"digits": format(Decimal(repr(new)), "f")}


CHECKS: Final[Mapping[str, Callable[[str, object], object]]] = {
    "sheet": _sheet,
    "separator": _separator,
    "nulls": _word_of("omit", "clear", "error"),
    "dates": _word_of("strict", "truncate"),
    "encoding": _encoding,
    "decimal": _of_columns(_word_of(".", ",")),
    "thousands": _of_columns(_thousands),
    "dayfirst": _of_columns(_flag),
    "true_values": _texts,
    "false_values": _texts,
    "values": _values,
    "fill_down": _texts,
    "skip_rows": _count,
    "skip_footer": _count,
}
