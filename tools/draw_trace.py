"""Draws the events of a random schedule as an SVG image: `draw_trace.py EVENTS IMAGE`.

EVENTS has a line of JSON per event, as `tests/core/events.rs` writes them. Each call is a band with its own time line.
Each request is a bar from the moment it was sent until its response. Bars that overlap are below each other. A dashed
line leads from a lost request to the next read of the project, which looks for its rows. Time without events is
shortened.
"""

from __future__ import annotations

import collections
import html
import json
import pathlib
import sys
from dataclasses import dataclass, field
from typing import Any

#: Milliseconds per pixel, and the longest time without events, in milliseconds.
SCALE = 20
LONGEST_GAP = 2_000

BAR, GAP, LEFT = 12, 3, 20
#: The height of the legend, and of the texts and the time line above the bars of a call.
LEGEND, TEXTS = 24, 48
#: The least distance between two times on the time line, and the least width of an image.
TICK, WIDTH = 50, 640
COLORS = {
    "executed": "#2a7f3b",
    "rejected (4xx)": "#d08700",
    "lost or 5xx": "#c0392b",
    "read": "#3567a8",
}


@dataclass
class Request:
    """A request and its result."""

    number: int
    sent: int
    is_read: bool
    says: str
    rows: list[str]
    ended: int | None = None
    result: str = "lost"
    color: str = COLORS["lost or 5xx"]

    @property
    def is_lost(self) -> bool:
        """Whether the client cannot know if the request was executed."""
        return not self.is_read and self.color == COLORS["lost or 5xx"]


@dataclass
class Call:
    """A call of the client: its requests, and its outcomes by status."""

    begun: int
    says: str
    ended: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)


def read(lines: list[str]) -> list[Call]:
    """Read the calls of a schedule."""
    calls: list[Call] = []
    requests: dict[int, Request] = {}
    for line in lines:
        event: dict[str, Any] = json.loads(line)
        at = int(event["at"])
        if "call" in event:
            calls.append(Call(at, f"{event['call']}: {event['rows']} rows, ends by {event['end']}"))
        elif "ended" in event:
            calls[-1].ended = at
            calls[-1].outcomes = dict(collections.Counter(status for _, status in event["outcomes"]))
        elif "request" in event:
            path = event["url"].split("?")[0].rpartition("/")[2]
            is_read = event["method"] == "GET" or path.endswith(("-get", ":batch"))
            request = Request(event["request"], at, is_read, f"{event['method']} {path}", event["rows"])
            requests[request.number] = request
            if not calls:
                calls.append(Call(at, "before the first call"))
            calls[-1].requests.append(request)
        else:
            request = requests[int(event.get("response", event.get("lost", -1)))]
            request.ended = at
            status = event.get("status")
            request.result = f"status {status}" if status else f"lost: {event['why']}"
            request.color = color_of(request, status)
    for call in calls:
        ends = [request.ended or request.sent for request in call.requests]
        call.ended = max([call.ended, call.begun, *ends])
    return [call for call in calls if call.requests]


def color_of(request: Request, status: int | None) -> str:
    """Return the color of a request with this status, or without a response."""
    if status is None or status >= 500:
        return COLORS["lost or 5xx"]
    if status >= 400:
        return COLORS["rejected (4xx)"]
    return COLORS["read" if request.is_read else "executed"]


class Axis:
    """The time axis, on which time without events is shortened."""

    def __init__(self, times: set[int]) -> None:
        self._places: dict[int, float] = {}
        place, before = 0.0, min(times, default=0)
        for time in sorted(times):
            place += min(time - before, LONGEST_GAP) / SCALE
            self._places[time] = place
            before = time
        self.length = place

    def place(self, time: int) -> float:
        """Return the place of the time of an event, in pixels."""
        return LEFT + self._places[time]


def lanes(requests: list[Request]) -> dict[int, int]:
    """Return a lane for each request, so that requests of one lane do not overlap."""
    ends: list[int] = []
    lane_of: dict[int, int] = {}
    for request in sorted(requests, key=lambda request: request.sent):
        end = request.ended if request.ended is not None else request.sent
        free = next((lane for lane, busy in enumerate(ends) if busy < request.sent), len(ends))
        ends[free : free + 1] = [end]
        lane_of[request.number] = free
    return lane_of


def text(x: float, y: float, says: str, more: str = "") -> str:
    """Return a line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{html.escape(says)}</text>'


def legend() -> list[str]:
    """Return what the colors mean."""
    parts = []
    x = LEFT
    for name, color in COLORS.items():
        parts.append(f'<rect x="{x}" y="6" width="{BAR}" height="{BAR}" fill="{color}"/>')
        parts.append(text(x + BAR + 4, 16, name))
        x += BAR + 30 + 7 * len(name)
    return parts


def band(call: Call, top: int) -> tuple[list[str], int, float]:
    """Return the parts of a call whose band begins at `top`, the height of the band, and the end of its bars."""
    times = {call.begun, call.ended}
    for request in call.requests:
        times |= {request.sent, request.sent if request.ended is None else request.ended}
    axis = Axis(times)
    lane_of = lanes(call.requests)
    outcomes = ", ".join(f"{count} {status}" for status, count in sorted(call.outcomes.items()))
    parts = [text(LEFT, top + 14, f"{call.begun / 1000:.1f} s  {call.says}"), text(LEFT, top + 28, outcomes)]
    ticked = -float(TICK)
    for time in sorted({request.sent for request in call.requests}):
        if axis.place(time) - ticked >= TICK:
            ticked = axis.place(time)
            parts.append(text(ticked, top + TEXTS - 6, f"{time / 1000:.1f} s", 'fill="#777" font-size="9"'))
    bars = top + TEXTS
    reads = [request for request in call.requests if request.is_read]
    for request in call.requests:
        y = bars + lane_of[request.number] * (BAR + GAP)
        start = axis.place(request.sent)
        stop = axis.place(request.sent if request.ended is None else request.ended)
        rows = f"{len(request.rows)} rows {request.rows[0]} to {request.rows[-1]}" if request.rows else ""
        title = html.escape(f"{request.says} {rows}\n{request.sent / 1000:.3f} s: {request.result}")
        parts.append(
            f'<rect x="{start:.1f}" y="{y}" width="{max(stop - start, 3):.1f}" height="{BAR}" fill="{request.color}">'
            f"<title>{title}</title></rect>"
        )
        lookup = next(
            (read for read in reads if request.is_lost and read.sent > (request.ended or request.sent)),
            None,
        )
        if lookup is not None:
            to = bars + lane_of[lookup.number] * (BAR + GAP)
            parts.append(
                f'<line x1="{stop:.1f}" y1="{y + BAR / 2}" x2="{axis.place(lookup.sent):.1f}" y2="{to + BAR / 2}"/>'
            )
    return parts, TEXTS + (max(lane_of.values()) + 1) * (BAR + GAP) + GAP, LEFT + axis.length


def drawn(calls: list[Call]) -> str:
    """Return the image."""
    parts = legend()
    top, width = LEGEND, float(WIDTH)
    for number, call in enumerate(calls):
        drawn_call, height, end = band(call, top)
        parts.append(f'<rect class="call{number % 2}" x="0" y="{top}" width="100%" height="{height}"/>')
        parts += drawn_call
        top, width = top + height, max(width, end + LEFT)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{top}" font-family="sans-serif" '
        'font-size="11"><style>.call0 { fill: #f3f3f3 } .call1 { fill: #e6e6e6 } '
        "line { stroke: #c0392b; stroke-dasharray: 3 }</style>\n" + "\n".join(parts) + "</svg>\n"
    )


def main() -> None:
    """Draw the events of a file."""
    events, image = (pathlib.Path(name) for name in sys.argv[1:3])
    image.write_text(drawn(read(events.read_text().splitlines())))
    print(f"{image}: written")


if __name__ == "__main__":
    main()
