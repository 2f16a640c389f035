"""The rows of a create that differ from the assets with their import keys, as the rows of a patch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from . import _core
from ._reading import Reading
from ._records import WriteCall, shown_verb
from ._results import Outcomes
from .errors import InputError, OptionError

# Names of the column with the ids. The second one is for rows that use the first one for something else.
ID, OTHER_ID = "id", "id of the asset"


class AsCreated(NamedTuple):
    """The options for reading rows as the create did."""

    read: Mapping[str, Any]

    def options(self) -> dict[str, Any]:
        """Return the options for the core."""
        return dict(self.read)

    def must_match(self, options: Mapping[str, Any], which: str) -> None:
        """Raise OptionError if the original call did not patch the rows of this result."""
        if any(options.get(name) != value for name, value in self.read.items()):
            raise OptionError(f"{which}(): pass the data of the original call, not a result of another call.")


def differing(
    result: Outcomes, given: Reading, key: str, project: str | None
) -> tuple[_core.Rows, AsCreated]:
    """Return the rows of a create's result that differ from their assets, with the ids of the assets.

    Raises:
        InputError: This is not the result of a create in the project, or its rows are not available or have changed.
        OptionError: An option does not apply to a result.
    """
    call = result._call
    _check(call, project)
    if key not in (ID, OTHER_ID):
        raise OptionError("key= does not apply to a result, which knows the ids of its rows. Remove it.")
    if others := [name for name in given.given if name != "nulls"]:
        raise OptionError(
            f"{others[0]}= cannot be used with a result: its rows are read with the options of the create. Remove it."
        )
    if "differs" in result.counts and call.rows is None:
        raise InputError(
            "patch(result): the rows of the create are not available: they came from a generator or stream, the result was "
            "loaded from a pickle or a run file, or the call ended early. Make the create again with a list, a DataFrame or "
            "a file, and pass its result. Rows that differ were not sent."
        )
    options = {**given.options(), **call.options}
    nulls = given.nulls if "nulls" in given.given else options["nulls"]
    mapped = any(name == ID and target is not None for name, target in options["mapping"])
    column = OTHER_ID if mapped else ID
    read = {name: options[name] for name in given.options()} | {
        "nulls": nulls,
        "id": column,
        "compared": True,
        "found_by": options.get("import_key"),
    }
    if call.rows is None:
        return _core.Rows.from_dicts([]), AsCreated(read)
    rows = _core.differing(call.verb, call.rows, result._ledger, call.settings, dict(call.options), column)
    return rows, AsCreated(read)


def refuse_run(data: object, run: object) -> None:
    """Raise OptionError for a named run of a result. When the call is repeated, the result has other rows."""
    if run is not None and isinstance(data, Outcomes):
        raise OptionError(
            "run= cannot be used with a result. If the patch is interrupted, make the create again and pass its result: rows "
            "that were patched are then unchanged."
        )


def _check(call: WriteCall, project: str | None) -> None:
    if call.verb != "create":
        raise InputError(
            f"patch(result) takes the result of a create with import_key=, not that of `{shown_verb(call.verb)}`."
        )
    if project is not None and call.project != project:
        raise InputError(f"patch(result): this result is from project {call.project}, not from {project}.")
    if call.is_dry_run:
        raise InputError(
            "patch(result): this was a dry run, which does not look up import keys. Make the create without dry_run=True, "
            "and pass its result."
        )
    if call.options.get("import_key", ID) is None:
        raise InputError(
            "patch(result): the create had no import_key=, so no row was compared with an asset. Pass import_key= to create, "
            "or rows with a column of asset ids to patch."
        )
