"""Outcomes as columns that are aligned with the rows of the input."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from . import _core
from ._records import OutcomeStatus, WriteCall
from ._tables import pandas_frame, polars_frame
from ._text import counted
from .errors import InputError, OptionError

if TYPE_CHECKING:
    import pandas
    import polars

# Columns that identify a row. Beside the user's own columns, they are not needed.
IDENTIFYING: Final = ("row", "label", "key")
PREFIX: Final = "outcome_"
ID_LENGTH: Final = 36


class InputIndex:
    """The index of a DataFrame that was the input of a call.

    A pickle contains the index as bytes, so that a result can be loaded without pandas.
    """

    __slots__ = ("_index", "_is_unreadable", "_state")

    def __init__(self, index: Any, state: bytes | None = None, /) -> None:
        self._index = index
        self._state = state
        self._is_unreadable = False

    def get(self) -> Any:
        """Return the pandas index. Return None if it cannot be pickled, or if the installed pandas cannot load it."""
        if self._index is None and self._state is not None and not self._is_unreadable:
            try:
                self._index = pickle.loads(self._state)
            except Exception:  # depends on the types of the index and on the version of pandas
                # The bytes are kept: this result may be pickled again, and loaded where pandas is installed.
                self._is_unreadable = True
        return self._index

    def __reduce__(self) -> tuple[Any, ...]:
        state = self._state
        if self._index is not None:
            try:
                state = pickle.dumps(self._index)
            except Exception:  # the index of a user may contain any objects
                state = None
        return type(self), (None, state)


def input_index(rows: _core.Rows | None) -> InputIndex | None:
    """Return the index of rows that came from a DataFrame."""
    index = None if rows is None else rows.index
    return None if index is None else InputIndex(index)


def labels_of_rows(ledger: _core.Ledger, call: WriteCall) -> list[Hashable]:
    """Return the label of each row: the user's own index value for a DataFrame, or else the label in the ledger."""
    labels: list[Hashable] = ledger.labels()
    # The core keeps integers and text. Other index values are text in the core, for messages.
    if call.index is None or not any(isinstance(label, str) for label in labels):
        return labels
    index = call.index.get()
    if index is None:
        return labels
    values = index.tolist()
    return [
        label if place is None else values[place]
        for label, place in zip(labels, ledger.places(), strict=True)
    ]


def index_values(ledger: _core.Ledger, call: WriteCall, rows: Iterable[int]) -> dict[int, Hashable]:
    """Return the index value of each of these rows of a ledger, if the input was a DataFrame that contains the row."""
    index = None if call.index is None else call.index.get()
    if index is None:
        return {}
    places = dict(zip(ledger.rows(), ledger.places(), strict=True))
    known = {row: place for row in rows if (place := places[row]) is not None}
    return dict(zip(known, index.take(list(known.values())).tolist(), strict=True))


def frame_index(ledger: _core.Ledger, call: WriteCall) -> pandas.Index:
    """Return the index for a DataFrame of these rows: the input's own index, or else the row numbers."""
    import pandas

    if call.index is None:
        known = None if call.label_title is not None or call.options.get("id") else ledger.labels()
        if known is not None and None not in known:
            # A run read from its file has the labels of the index of its input, but not the index itself.
            return pandas.Index(known)
        rows = ledger.rows()
        is_whole = rows == list(range(len(rows)))
        return pandas.RangeIndex(len(rows)) if is_whole else pandas.Index(rows, dtype="int64")
    index = call.index.get()
    if index is None:
        return pandas.Index(ledger.labels())
    places = ledger.places()
    if None not in places:
        return index if places == list(range(len(index))) else index.take(places)
    # Rows of a named run that the last input did not contain have no index value.
    values = index.tolist()
    blank = None if index.nlevels == 1 else (None,) * index.nlevels
    labels: list[Any] = [blank if place is None else values[place] for place in places]
    if index.nlevels > 1:
        return pandas.MultiIndex.from_tuples(labels, names=index.names)
    return pandas.Index(labels, dtype=object, name=index.name)


def _places_in(rows: int, ledger: _core.Ledger) -> list[int | None]:
    """Return the position of each row in a table with this number of rows, which is the input or the rows of its run."""
    run, last = ledger.sizes()
    if rows == last:
        return ledger.places()
    if rows == run:
        return list(ledger.rows())
    raise InputError(
        f"join= has {counted(rows, 'row')}, but the input had {counted(last, 'row')}. Pass the input of the call, with "
        "all its rows in the same order."
    )


def _check_rows(
    columns: Mapping[str, Callable[[], Iterable[object]]],
    rows: Iterable[int],
    keys: Iterable[str | None],
    places: Sequence[int | None],
    ledger: _core.Ledger,
    call: WriteCall,
) -> None:
    """Raise InputError if the rows beside these keys are other rows, as far as the column of the names or ids tells.

    Nothing else tells whether the rows are those of a run that was read from its file.
    """
    field = "clientAssetId" if call.verb == "create" else "id"
    own = [used[0] for used in ledger.uses() if used[1] == field and used[0] in columns]
    # A row may be given as it was before its key was corrected.
    first = ledger.first_keys()
    known = [(_plain(key), _plain(first.get(row, key))) for row, key in zip(rows, keys, strict=True)]
    if len(own) == 1:
        _check_keys(own[0], columns[own[0]](), known, places, call)
    elif "id" not in call.options and any(key for key, _ in known):
        for name, values in columns.items():
            with suppress(InputError):
                _check_keys(name, values(), known, places, call, all_known=True)
                return
        raise InputError(
            "join= has no column with the names of the run's rows in their order, so its rows may be other rows. Pass the "
            "input of the run, with all its rows in the same order."
        )


def _check_keys(
    column: str,
    values: Iterable[object],
    keys: Sequence[tuple[str, str]],
    places: Iterable[int | None],
    call: WriteCall,
    *,
    all_known: bool = False,
) -> None:
    """Raise InputError if the rows beside these keys are other rows. With `all_known`, each key must be in the column.

    A number may be shown as other text in a sheet, and options may have changed a text. Such a value is wrong only if it
    is the key of another row, or reads as the same number: programs read 0017 as 17.
    """
    all_keys = {key for key, _ in keys}
    all_numbers = {number for key in all_keys if (number := _number(key)) is not None}
    reading = call.options.get("reading", {})
    is_changed = bool(reading.get("values") or reading.get("fill_down"))
    for value, (key, first), place in zip(values, keys, places, strict=True):
        found = _plain(value)
        if found in (key, first) or not (all_known or (found and key)):
            continue
        number = None if isinstance(value, str) else _number(found)
        if number is not None and number in (_number(key), _number(first)):
            continue
        if (
            all_known
            or found in all_keys
            or number in all_numbers
            or (isinstance(value, str) and not is_changed)
        ):
            raise InputError(
                f"join= has {str(value)!r} in the column {column!r} of row {place}, but the input had another value there, "
                "so its rows are other rows or in another order. Pass the input of the call, with all its rows in the same "
                "order."
            )


def _plain(value: object) -> str:
    """Return a key as text, for a comparison that ignores case and the dashes of ids."""
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip().casefold()
    return text.replace("-", "") if len(text) == ID_LENGTH else text


def _number(text: str) -> float | None:
    """Return the number that a key reads as, or None."""
    try:
        return float(text)
    except ValueError:
        return None


def _folded(name: object) -> str:
    return str(name).strip().casefold()


def _beside(names: Sequence[str], taken: Sequence[object]) -> dict[str, str]:
    """Return the name of each outcome column beside columns with the names in `taken`."""
    found: dict[str, str] = {}
    # `Status` beside `status` could not go back into `patch`, which ignores case.
    used = {_folded(name) for name in taken}
    for name in names:
        if name in IDENTIFYING:
            continue
        new = name
        while _folded(new) in used:
            new = PREFIX + new
        used.add(_folded(new))
        found[name] = new
    return found


def _joined_pandas(
    frame: pandas.DataFrame, join: Any, ledger: _core.Ledger, call: WriteCall
) -> pandas.DataFrame:
    import pandas

    if not isinstance(join, pandas.DataFrame):
        raise InputError(f"join= must be a pandas DataFrame, not {type(join).__name__}.")
    places = _places_in(len(join), ledger)
    index = None if call.index is None else call.index.get()
    is_default = isinstance(join.index, pandas.RangeIndex) and join.index.equals(pandas.RangeIndex(len(join)))
    is_input = len(join) == ledger.sizes()[1]
    if index is not None and is_input and not is_default and not join.index.equals(index):
        raise InputError(
            "The index of join= differs from the index of the input, so its rows may be in another order. Pass the input "
            "of the call. If only its index was changed, pass join.reset_index()."
        )
    kept = [at for at, place in enumerate(places) if place is not None]
    own = join.iloc[[places[at] for at in kept]]
    titles, levels = list(own.columns), list(own.index.names)
    columns: dict[str, Callable[[], Iterable[object]]] = {
        name: own.index.get_level_values(name).tolist
        for name in levels
        if isinstance(name, str) and levels.count(name) == 1
    }
    columns |= {
        name: own[name].tolist for name in titles if isinstance(name, str) and titles.count(name) == 1
    }
    rows, keys = (frame.iloc[kept][name].tolist() for name in ("row", "key"))
    _check_rows(columns, rows, keys, [places[at] for at in kept], ledger, call)
    names = _beside(list(frame.columns), list(join.columns))
    outcomes = frame.iloc[kept][list(names)].rename(columns=names).set_axis(own.index)
    return pandas.concat([own, outcomes], axis=1)


def _joined_polars(
    frame: polars.DataFrame, join: Any, ledger: _core.Ledger, call: WriteCall
) -> polars.DataFrame:
    import polars

    if not isinstance(join, polars.DataFrame):
        raise InputError(f"join= must be a polars DataFrame, not {type(join).__name__}.")
    places = _places_in(len(join), ledger)
    kept = [at for at, place in enumerate(places) if place is not None]
    own = join[polars.Series([places[at] for at in kept], dtype=polars.UInt32)]
    names = _beside(frame.columns, join.columns)
    found = frame[polars.Series(kept, dtype=polars.UInt32)]
    columns = {name: own[name].to_list for name in own.columns}
    rows, keys = (found[name].to_list() for name in ("row", "key"))
    _check_rows(columns, rows, keys, [places[at] for at in kept], ledger, call)
    outcomes = found.select(list(names)).rename(names)
    return own.hstack(outcomes)


class Aligned:
    """The outcomes of a write as columns, one value per row."""

    __slots__ = ("_call", "_labels", "_ledger")

    def __init__(self, ledger: _core.Ledger, call: WriteCall, /) -> None:
        self._ledger = ledger
        self._call = call
        self._labels: list[Hashable] | None = None

    @property
    def ids(self) -> list[str | None]:
        """The id of each row or None, aligned with the input: `df["id"] = result.ids`."""
        return self._ledger.ids()

    @property
    def statuses(self) -> list[OutcomeStatus]:
        """The status of each row, aligned with the input."""
        return self._ledger.statuses()  # type: ignore[return-value]  # the core's words are those of OutcomeStatus

    @property
    def rows(self) -> list[int]:
        """The position of each row in the input, counted from 0: `df.iloc[result.where("invalid").rows]`.

        Raises:
            OptionError: This is the result of a named run, and the last call did not contain all of these rows.
        """
        places = self._ledger.places()
        rows = [place for place in places if place is not None]
        if len(rows) < len(places):
            raise OptionError(
                f"rows: the last call of this run did not contain {counted(len(places) - len(rows), 'row')} of this result. "
                "Use the numbers of the rows in the run: [outcome.row for outcome in result]."
            )
        return rows

    @property
    def labels(self) -> list[Hashable]:
        """The label of each row, aligned with the input: `df.loc[result.where("invalid").labels]`.

        For a DataFrame, labels are the values of its index, of the same type, and tuples for a MultiIndex. If the result
        was loaded from a pickle without pandas, labels other than integers are text. For a file, labels are sheet rows or
        line numbers. Otherwise, they are row numbers.
        """
        return list(self._all_labels())

    def _all_labels(self) -> list[Hashable]:
        if self._labels is None:
            self._labels = labels_of_rows(self._ledger, self._call)
        return self._labels

    def _columns(self) -> dict[str, list[Any]]:
        columns = self._ledger.columns()
        columns["label"] = labels_of_rows(self._ledger, self._call)
        return columns

    def to_dicts(self) -> list[dict[str, object]]:
        """Convert to one dict per row: row, label, key, status, id, code, message, column, value, fix, attempts,
        request_id."""
        columns = self._columns()
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def to_pandas(self, join: pandas.DataFrame | None = None) -> pandas.DataFrame:
        """Convert to a pandas DataFrame with the columns of `to_dicts`. pyarrow is not needed.

        If the input was a DataFrame, the result has its index, so `df.join(...)` matches the rows. Otherwise, the index
        contains the row numbers.

        Args:
            join: The input, or another DataFrame with as many rows in the same order. The columns status, id, code,
                message, column, value, fix, attempts and request_id are added to its columns, row by row. A column whose
                name is taken, ignoring case, gets the prefix `outcome_`, such as `outcome_status`. A part of a result
                selects its rows of `join`.

        Raises:
            InputError: `join` is not a DataFrame, or does not have the rows of the input in their order. The index, and the
                column of the names or ids of the assets, are compared.
            ImportError: pandas is not installed.
        """
        frame = pandas_frame(self._columns())
        if join is not None:
            return _joined_pandas(frame, join, self._ledger, self._call)
        return frame.set_axis(frame_index(self._ledger, self._call))

    def to_polars(self, join: polars.DataFrame | None = None) -> polars.DataFrame:
        """Convert to a polars DataFrame with the columns of `to_dicts`. Labels other than integers are text.

        Args:
            join: As for `to_pandas`, but a polars DataFrame.

        Raises:
            InputError: `join` is not a DataFrame, or does not have the rows of the input in their order. The column of
                the names or ids of the assets is compared.
            ImportError: polars is not installed.
        """
        frame = polars_frame(self._ledger)
        return frame if join is None else _joined_polars(frame, join, self._ledger, self._call)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export through the Arrow PyCapsule interface, for `pyarrow.table(result)`, DuckDB and others."""
        return self._ledger.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return len(self._ledger)
