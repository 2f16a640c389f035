"""`make trace` draws the events of a random schedule."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.once

TOOL = pathlib.Path(__file__).parents[2] / "tools" / "draw_trace.py"
SVG = "{http://www.w3.org/2000/svg}"


def test_requests_lookups_and_outcomes_are_drawn(tmp_path: pathlib.Path) -> None:
    rows = ["<A-1>", "A-2"]
    lines = [
        {"at": 0, "call": "assets:batch-create", "rows": 2, "end": "ByItself"},
        {"at": 0, "request": 0, "method": "POST", "url": "http://l/p/assets:batch-create", "rows": rows},
        {"at": 100, "lost": 0, "why": "reset & gone"},
        {"at": 90_000, "request": 1, "method": "GET", "url": "http://l/p/assets?limit=200", "rows": []},
        {"at": 90_100, "response": 1, "status": 200},
        {
            "at": 90_100,
            "ended": "assets:batch-create",
            "fatal": None,
            "outcomes": [[row, "created"] for row in rows],
        },
    ]
    events, image = tmp_path / "events.jsonl", tmp_path / "trace.svg"
    events.write_text("\n".join(map(json.dumps, lines)))
    subprocess.run([sys.executable, TOOL, events, image], check=True)
    root = ElementTree.parse(image).getroot()
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert texts[:4] == ["executed", "rejected (4xx)", "lost or 5xx", "read"]
    assert texts[4:6] == ["0.0 s  assets:batch-create: 2 rows, ends by ByItself", "2 created"]
    # The times of the requests.
    assert texts[6:] == ["0.0 s", "90.0 s"]
    titles = [element.text for element in root.iter(f"{SVG}title")]
    assert titles == [
        "POST assets:batch-create 2 rows <A-1> to A-2\n0.000 s: lost: reset & gone",
        "GET assets \n90.000 s: status 200",
    ]
    # A line leads from the lost request to the lookup, and the wait between them is shortened.
    assert len(list(root.iter(f"{SVG}line"))) == 1
    assert float(str(root.get("width"))) < 1000
