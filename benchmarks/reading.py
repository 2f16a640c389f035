"""Measures reads, one client per process: `reading.py <what> <client> <url> <assets>` prints a line of JSON.

Ours is measured from `list()` to the table; the caller subtracts what the same requests cost with their bodies dropped
(`benchmark-fetch`). The peers start with the bodies in memory. All give equal columns, with custom attributes as columns of
their own and times as times: `reading.py equal - <url> <assets>` compares them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any
from urllib.request import urlopen

from clients import measured
from rows import PROJECT

PAGE = 200
ATTRIBUTES = "customAttributes"

Bodies = list[bytes]


def bodies(url: str, assets: int) -> Bodies:
    """The pages of a list, as received."""
    found = []
    for page in range(-(-assets // PAGE)):
        path = f"/construction/assets/v2/projects/{PROJECT}/assets?limit={PAGE}&cursorState={page}"
        with urlopen(url + path) as response:
            found.append(response.read())
    return found


def ours(url: str) -> Callable[[], Any]:
    """Lists all assets of the server."""
    import acc_assets

    limits = acc_assets.Limits(assets_read=1_000_000)
    client = acc_assets.Client(auth="benchmark-token", base_url=url, limits=limits)
    assets = client.project(PROJECT).assets
    # The server has no settings.
    return lambda: assets.list(names=False)


def peer_table(pages: Bodies) -> Any:
    """pyarrow: one call for all pages, read on all cores; then flattened structs and converted times."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import json as pa_json

    # One document per line.
    read = pa_json.read_json(
        pa.BufferReader(b"\n".join(pages)), read_options=pa_json.ReadOptions(block_size=1 << 22)
    )
    parts = [pa.RecordBatch.from_struct_array(chunk.flatten()) for chunk in read["results"].chunks]
    table = pa.Table.from_batches(parts).flatten()
    names = [name.removeprefix(f"{ATTRIBUTES}.") for name in table.column_names]
    table = table.rename_columns(names)
    for name in ("createdAt", "updatedAt"):
        times = pc.cast(table[name], pa.timestamp("ms", "UTC"))
        table = table.set_column(table.column_names.index(name), name, times)
    return table


def peer_dicts(pages: Bodies) -> list[dict[str, Any]]:
    """orjson: the results of all pages in one list."""
    import orjson

    found: list[dict[str, Any]] = []
    for page in pages:
        found += orjson.loads(page)["results"]
    return found


def to_arrow(table: Any) -> Any:
    """Our table in pyarrow's types."""
    import pyarrow as pa

    return pa.table(table)


WHAT: dict[str, tuple[Callable[[Any], Any], Callable[[Bodies], Any]]] = {
    "arrow": (to_arrow, peer_table),
    "pandas": (lambda table: table.to_pandas(), lambda pages: peer_table(pages).to_pandas()),
    "dicts": (lambda table: table.to_dicts(), peer_dicts),
}


def equal(url: str, assets: int) -> None:
    """Raise unless both have the same values in all columns."""
    table, pages = ours(url)(), bodies(url, assets)
    mine, theirs = to_arrow(table), peer_table(pages)
    theirs = theirs.select(mine.column_names)
    for name in mine.column_names:
        if mine[name].combine_chunks() != theirs[name].cast(mine[name].type).combine_chunks():
            raise SystemExit(f"{name} differs; not a measurement.")
    if set(mine.column_names) != set(peer_table(pages).column_names):
        raise SystemExit("the columns differ; not a measurement.")
    if table.to_dicts() != peer_dicts(pages):
        raise SystemExit("the dicts differ; not a measurement.")


def main() -> None:
    """Run the measurement given by the arguments."""
    if sys.argv[1] == "equal":
        equal(sys.argv[3], int(sys.argv[4]))
        return
    what, name, url, assets = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    if what == "size":
        print(json.dumps({"done": sum(len(page) for page in bodies(url, assets))}))
        return
    mine, theirs = WHAT[what]
    kept: list[Any] = []

    def count() -> int:
        return len(kept[0])

    if name == "peer":
        pages = bodies(url, assets)
        # The imports are not measured.
        theirs(pages[:1])

        def work() -> int:
            kept.append(theirs(pages))
            return count()

    else:
        if name == "acc-assets, no pyarrow":
            # As if it were not installed, even for pandas.
            sys.modules["pyarrow"] = None  # type: ignore[assignment]
        elif what != "dicts":
            __import__("pyarrow")
        if what != "dicts":
            # pyarrow imports it too, to check for a DataFrame.
            __import__("pandas")
        read = ours(url)

        def work() -> int:
            kept.append(mine(read()))
            return count()

    found = measured(work)
    if found["done"] != assets:
        raise SystemExit(f"{name} has {found['done']} of {assets} assets; not a measurement.")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
