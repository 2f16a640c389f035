"""Hostile files: rejected or read with limited memory, without ending the process.

`make attack` runs these tests at full size (ATTACK=full), `make test` runs them at small sizes.
"""

from __future__ import annotations

import json
import os
import pathlib
import struct
import subprocess
import sys
import textwrap
import uuid
import zipfile
from collections.abc import Iterable
from typing import Any

import pytest

from acc_assets import _core
from acc_assets._reading import Reading
from acc_assets._write import write_options

pytest.importorskip("resource", reason="limits of memory are set as POSIX sets them")

FULL = os.environ.get("ATTACK") == "full"
MIB = 1 << 20

PRELUDE = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
import acc_assets as acc
from acc_assets import _core

arguments = json.loads(sys.argv[1])

def peak():
    # Of this program alone: `ru_maxrss` also counts what its parent had when it was started.
    if sys.platform == "linux":
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

def say(**found):
    print(json.dumps({**found, "base": base, "peak": peak()}))

def error_of(read):
    try:
        read()
    except acc.InputError as error:
        return str(error)
    return None

base = peak()
"""


def sized(full: int, quick: int) -> int:
    return full if FULL else quick


def play(script: str, most: float, **arguments: Any) -> dict[str, Any]:
    """Run a script in a separate process that may use `most` MiB more than after its imports."""
    program = PRELUDE + textwrap.dedent(script)
    run = subprocess.run(
        [sys.executable, "-c", program, json.dumps(arguments)],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert run.returncode == 0, f"ended with {run.returncode}: {run.stderr[-2000:]}"
    said: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    print(f"peak {said['peak']:.0f} MiB, of these {said['base']:.0f} after the imports: {said}")
    assert said["peak"] - said["base"] <= most, said
    return said


# ---- files ----

SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
HEADER = "".join(
    f'<c r="{cell}" t="inlineStr"><is><t>{name}</t></is></c>'
    for cell, name in (("A1", "clientAssetId"), ("B1", "description"))
)


def workbook(path: pathlib.Path, rows: Iterable[str], strings: Iterable[str], count: int = 1) -> pathlib.Path:
    """Write an .xlsx file with a sheet and shared strings from pieces of XML."""
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{types}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{types}.worksheet+xml"/>'
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{types}.sharedStrings+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets>'
        '<sheet name="Assets" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in parts.items():
            book.writestr(name, text)
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            part.write(f'<worksheet xmlns="{SHEET}"><sheetData><row r="1">{HEADER}</row>'.encode())
            part.writelines(row.encode() for row in rows)
            part.write(b"</sheetData></worksheet>")
        with book.open("xl/sharedStrings.xml", "w", force_zip64=True) as part:
            part.write(f'<sst xmlns="{SHEET}" uniqueCount="{count}">'.encode())
            part.writelines(string.encode() for string in strings)
            part.write(b"</sst>")
    return path


def row(number: int, cell: str) -> str:
    return (
        f'<row r="{number}"><c r="A{number}" t="inlineStr"><is><t>A-{number}</t></is></c>'
        f'<c r="B{number}" {cell}</c></row>'
    )


@pytest.mark.once
@pytest.mark.parametrize(
    ("cells", "length"), [(sized(4000, 500), MIB), (200, sized(64, 2) * MIB)], ids=["many", "long"]
)
def test_shared_strings_are_stored_once(cells: int, length: int, tmp_path: pathlib.Path) -> None:
    path = workbook(
        tmp_path / "plant.xlsx",
        (row(number, 't="s"><v>0</v>') for number in range(2, cells + 2)),
        ["<si><t>", "x" * length, "</t></si>"],
    )
    said = play(
        "say(rows=len(_core.Rows.from_sheet(arguments['path'], None)))",
        most=40 + 8 * length / MIB,
        path=os.fspath(path),
    )
    assert said["rows"] == cells


@pytest.mark.once
@pytest.mark.parametrize("kind", ["blanks", "one cell", "cells"])
def test_max_workbook_bytes_limits_the_file(kind: str, tmp_path: pathlib.Path) -> None:
    size = sized(1100, 20) * MIB
    piece = {"blanks": " " * MIB, "one cell": "x" * MIB, "cells": "<c><v>1</v></c>" * (MIB // 15)}[kind]
    begin, end = (
        ('<row r="2"><c t="inlineStr"><is><t>', "</t></is></c></row>") if kind == "one cell" else ("", "")
    )
    begin, end = ("<row>", "</row>") if kind == "cells" else (begin, end)
    path = workbook(tmp_path / "plant.xlsx", [begin, *[piece] * (size // MIB), end], [])
    said = play(
        """
        sheet = None if arguments["full"] else acc.SheetOptions(max_workbook_bytes=16 << 20)
        options = {} if sheet is None else {"sheet": sheet}
        with acc.testing.Simulator() as sim:
            project = sim.client().project(sim.project_id)
            say(error=error_of(lambda: project.assets.create(arguments["path"], dry_run=True, settings=None, **options)))
        """,
        most=40,
        path=os.fspath(path),
        full=FULL,
    )
    assert "plant.xlsx" in said["error"]
    assert "1 GiB" in said["error"] if FULL else "16 MiB" in said["error"]
    assert "SheetOptions(max_workbook_bytes=" in said["error"]


@pytest.mark.once
def test_max_workbook_bytes_limits_cells(tmp_path: pathlib.Path) -> None:
    # Each cell takes 15 bytes in the file, but more in memory.
    cells = sized(10_000_000, 400_000)
    rows = ("<row>" + "<c><v>1</v></c>" * 2 + "</row>" for _ in range(cells // 2))
    path = workbook(tmp_path / "plant.xlsx", rows, [])
    said = play(
        """
        limit = (256 if arguments["full"] else 10) << 20
        say(error=error_of(lambda: _core.Rows.from_sheet(arguments["path"], None, limit)))
        """,
        most=sized(280, 30),
        path=os.fspath(path),
        full=FULL,
    )
    assert "SheetOptions(max_workbook_bytes=" in said["error"]


@pytest.mark.once
@pytest.mark.parametrize("count", [10**10, 10**13, 10**18])
def test_workbook_with_a_wrong_number_of_strings(count: int, tmp_path: pathlib.Path) -> None:
    path = workbook(tmp_path / "plant.xlsx", [row(2, 't="s"><v>0</v>')], ["<si><t>pump</t></si>"], count)
    said = play(
        "say(error=error_of(lambda: _core.Rows.from_sheet(arguments['path'], None)))",
        most=20,
        path=os.fspath(path),
    )
    assert "damaged" in said["error"]


@pytest.mark.once
@pytest.mark.parametrize("kind", ["claimed", "empty"])
def test_max_workbook_bytes_limits_shared_strings(kind: str, tmp_path: pathlib.Path) -> None:
    number = sized(600, 10) * MIB if kind == "claimed" else sized(60_000_000, 1_000_000)
    pieces = (
        ["<si/>" * 1000] * (number // 1000)
        if kind == "empty"
        else ["<a/>" + " " * (MIB - 4)] * (number // MIB)
    )
    count = number if kind == "claimed" else 1
    path = workbook(tmp_path / "plant.xlsx", [row(2, 't="s"><v>0</v>')], ["<si/>", *pieces], count)
    said = play(
        """
        limit = (1024 if arguments["full"] else 16) << 20
        say(error=error_of(lambda: _core.Rows.from_sheet(arguments["path"], None, limit)))
        """,
        most=20,
        path=os.fspath(path),
        full=FULL,
    )
    assert "SheetOptions(max_workbook_bytes=" in said["error"]


@pytest.mark.once
def test_cell_text_does_not_count_as_shared_strings(tmp_path: pathlib.Path) -> None:
    text = "uniqueCount = 5000000 &lt;sst uniqueCount='5000000'&gt;"
    path = workbook(tmp_path / "plant.xlsx", [row(2, 't="s"><v>0</v>')], [f"<si><t>{text}</t></si>"])
    said = play(
        "say(rows=len(_core.Rows.from_sheet(arguments['path'], None)))", most=20, path=os.fspath(path)
    )
    assert said["rows"] == 1


OPENDOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>
<table:table table:name="Assets">"""


@pytest.mark.once
@pytest.mark.parametrize(
    "rows",
    [
        '<table:table-row><table:table-cell table:number-columns-repeated="16384" office:value-type="string">'
        f"<text:p>{'x' * MIB}</text:p></table:table-cell></table:table-row>",
        '<table:table-row table:number-rows-repeated="1000000"><table:table-cell office:value-type="string">'
        f"<text:p>{'x' * 10_000}</text:p></table:table-cell></table:table-row>",
        '<table:table-row><table:table-cell office:value-type="string"><text:p>'
        '<text:s text:c="1000000000000"/></text:p></table:table-cell></table:table-row>',
        '<table:table-row table:number-rows-repeated="90000"><table:table-cell table:number-columns-repeated="1000" '
        'office:value="1" office:value-type="float"/></table:table-row>',
        *[
            '<table:table-row table:number-rows-repeated="1000000"><table:table-cell office:value-type="string">'
            f"{piece * 10_000}</table:table-cell></table:table-row>"
            for piece in ("&amp;", "<text:p/>", "<text:tab/>", "<text:line-break/>")
        ],
        '<table:table-row odd table:style-name="a" table:number-rows-repeated="1000000"><table:table-cell '
        f'office:value-type="string"><text:p>{"x" * 10_000}</text:p></table:table-cell></table:table-row>',
    ],
    ids=[
        "columns",
        "rows",
        "blanks",
        "numbers",
        "entities",
        "paragraphs",
        "tabs",
        "line breaks",
        "malformed",
    ],
)
def test_opendocument_repeats_are_limited(rows: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "plant.ods"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("META-INF/manifest.xml", "<manifest/>")
        end = "</table:table></office:spreadsheet></office:body></office:document-content>"
        book.writestr("content.xml", "".join([OPENDOCUMENT, rows, end]))
    said = play(
        "say(error=error_of(lambda: _core.Rows.from_sheet(arguments['path'], None)))",
        most=20,
        path=os.fspath(path),
    )
    assert "SheetOptions(max_workbook_bytes=" in said["error"]


@pytest.mark.once
def test_max_workbook_bytes_limits_opendocument_files(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "plant.ods"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book,
        book.open("content.xml", "w", force_zip64=True) as part,
    ):
        part.write(f"{OPENDOCUMENT}<!--".encode())
        for _ in range(sized(1100, 20)):
            part.write(b" " * MIB)
    said = play(
        """
        limit = (256 if arguments["full"] else 16) << 20
        say(error=error_of(lambda: _core.Rows.from_sheet(arguments["path"], None, limit)))
        """,
        most=sized(600, 40),
        path=os.fspath(path),
        full=FULL,
    )
    assert "SheetOptions(max_workbook_bytes=" in said["error"]


def record(kind: int, data: bytes = b"") -> bytes:
    """A record of [MS-XLS]."""
    return struct.pack("<HH", kind, len(data)) + data


def label(at: int, column: int, text: str, claimed: int | None = None) -> bytes:
    length = len(text) if claimed is None else claimed
    return record(0x0204, struct.pack("<HHHHB", at, column, 0, length, 0) + text.encode("latin-1"))


def shared(at: int, column: int, string: int) -> bytes:
    return record(0x00FD, struct.pack("<HHHI", at, column, 0, string))


def formula(at: int, column: int, text: bytes) -> bytes:
    return record(0x0006, struct.pack("<HHHdHIH", at, column, 0, 7.0, 0, 0, len(text)) + text)


def old_workbook(
    path: pathlib.Path, *sheets: bytes, strings: Iterable[str] = (), properties: bytes = b""
) -> pathlib.Path:
    """An .xls file ([MS-CFB] and [MS-XLS]), its sheets given as records."""
    table = b"".join(struct.pack("<HB", len(text), 0) + text.encode("latin-1") for text in strings)
    ends = record(0x00FC, struct.pack("<II", 0, 0) + table) + record(0x000A)
    begin = record(0x0809, struct.pack("<HH", 0x0600, 5) + bytes(12)) + record(
        0x0042, struct.pack("<H", 1200)
    )
    names = [f"Sheet{place}".encode() for place in range(len(sheets))]
    position = len(begin) + len(ends) + sum(12 + len(name) for name in names)
    bodies = [
        record(0x0809, struct.pack("<HH", 0x0600, 16) + bytes(12)) + sheet + record(0x000A)
        for sheet in sheets
    ]
    stream = begin
    for name, body in zip(names, bodies, strict=True):
        stream += record(0x0085, struct.pack("<IHBB", position, 0, len(name), 0) + name)
        position += len(body)
    stream += ends + b"".join(bodies)

    # Sectors: the streams, the directory, the allocation table.
    padded = [part.ljust(max(4096, -(-len(part) // 512) * 512), b"\0") for part in (stream, properties)]
    first, count = len(padded[0]) // 512, sum(map(len, padded)) // 512
    tables = next(number for number in range(1, 110) if number * 128 >= count + 1 + number)
    end, free = 0xFFFFFFFE, 0xFFFFFFFF
    chain = [*range(1, first), end, *range(first + 1, count), end, end, *[0xFFFFFFFD] * tables]
    chain += [free] * (tables * 128 - len(chain))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<9I", 0, tables, count, 0, 4096, end, 0, end, 0)
    places = [*range(count + 1, count + 1 + tables), *[free] * (109 - tables)]
    directory = b""
    for entry, kind, after, child, start, size in (
        ("Root Entry", 5, free, 1, end, 0),
        ("Workbook", 2, 2, free, 0, len(padded[0])),
        ("\x05DocumentSummaryInformation", 2, free, free, first, len(padded[1])),
    ):
        text = f"{entry}\0".encode("utf-16-le")
        directory += text.ljust(64, b"\0") + struct.pack("<HBBIII", len(text), kind, 1, free, after, child)
        directory += bytes(36) + struct.pack("<IQ", start, size)
    directory += bytes(68) + struct.pack("<III", free, free, free) + bytes(48)
    pieces = [struct.pack("<109I", *places), *padded, directory]
    path.write_bytes(header + b"".join(pieces) + struct.pack(f"<{len(chain)}I", *chain))
    return path


OLD_HEADER = label(0, 0, "clientAssetId") + label(0, 1, "description")
# A space repeated 255 times (PtgAttrSpace), after an operand.
SPACES = b"\x1e\x07\x00" + b"\x19\x40\x00\xff" * 1750


@pytest.mark.once
@pytest.mark.parametrize(
    ("sheets", "strings"),
    [
        ([record(0x0200, struct.pack("<IIHHH", 0, 0xFFFFFFF0, 0, 2, 0))], []),
        (
            [OLD_HEADER, *[record(0x0203, struct.pack("<HHHd", 65535, 255, 0, 7.0)) + label(0, 0, "x")] * 30],
            [],
        ),
        ([OLD_HEADER, *[formula(65535, 255, b"\x1e\x07\x00") + formula(0, 0, b"\x1e\x07\x00")] * 30], []),
        ([b"".join(shared(place % 65000, place // 65000, 0) for place in range(130_000))], ["x" * 32_000]),
        ([b"".join(label(place % 65000, place // 65000, "", 65535) for place in range(130_000))], []),
    ],
    ids=["dimensions", "corners", "formulas", "strings", "labels"],
)
def test_max_workbook_bytes_limits_xls_files(
    sheets: list[bytes], strings: list[str], tmp_path: pathlib.Path
) -> None:
    path = old_workbook(tmp_path / "plant.xls", *sheets, strings=strings)
    said = play(
        "say(error=error_of(lambda: _core.Rows.from_sheet(arguments['path'], None)))",
        most=40,
        path=os.fspath(path),
    )
    assert "SheetOptions(max_workbook_bytes=" in said["error"]


@pytest.mark.once
@pytest.mark.parametrize("text", [b"\x1e\x07\x00", SPACES], ids=["short", "long"])
def test_xls_formulas_take_no_memory(text: bytes, tmp_path: pathlib.Path) -> None:
    rows = [shared(place, 0, place % 2) + formula(place, 1, text) for place in range(1, 501)]
    path = old_workbook(tmp_path / "plant.xls", OLD_HEADER + b"".join(rows), strings=["A-1", "A-2"])
    said = play(
        "say(rows=len(_core.Rows.from_sheet(arguments['path'], None)))", most=60, path=os.fspath(path)
    )
    assert said["rows"] == 500


@pytest.mark.once
def test_xls_template_keeps_its_category(tmp_path: pathlib.Path) -> None:
    # [MS-OLEPS]: a dictionary with one name, the code page, and the property of that name.
    parts = [
        struct.pack("<III", 1, 2, 20) + b"acc-assets category\0",
        struct.pack("<IHxx", 2, 1252),
        struct.pack("<II", 30, 5) + b"Fans\0",
    ]
    offsets = [32, 32 + len(parts[0]), 32 + len(parts[0]) + len(parts[1])]
    section = b"".join(struct.pack("<II", id, offset) for id, offset in enumerate(offsets)) + b"".join(parts)
    kind = uuid.UUID("d5cdd505-2e9c-101b-9397-08002b2cf9ae").bytes_le
    properties = struct.pack("<HHI16xI", 0xFFFE, 0, 2, 1) + kind + struct.pack("<I", 48)
    properties += struct.pack("<II", 8 + len(section), 3) + section
    path = old_workbook(tmp_path / "plant.xls", OLD_HEADER + label(1, 0, "A-1"), properties=properties)
    assert _core.Rows.from_sheet(os.fspath(path), None).category == "Fans"


@pytest.mark.once
def test_truncated_xls_file_is_damaged(tmp_path: pathlib.Path) -> None:
    path = old_workbook(tmp_path / "plant.xls", OLD_HEADER)
    path.write_bytes(path.read_bytes()[:2000])
    said = play(
        "say(error=error_of(lambda: _core.Rows.from_sheet(arguments['path'], None)))",
        most=20,
        path=os.fspath(path),
    )
    assert "damaged" in said["error"]


CREATE = write_options(dry_run=True, reconcile=False) | Reading().options()


def lines(path: pathlib.Path, number: int, status: str = "2") -> pathlib.Path:
    """Write a CSV file in which one line in a hundred has no name."""
    with path.open("w", encoding="ascii") as file:
        file.write("clientAssetId,categoryId,statusId,description\n")
        for start in range(0, number, 100_000):
            rows = (
                f"{'' if place % 100 == 0 else f'A-{place}'},1,{status},d\n"
                for place in range(start, min(start + 100_000, number))
            )
            file.write("".join(rows))
    return path


@pytest.mark.once
def test_a_csv_file_streams(tmp_path: pathlib.Path) -> None:
    number = sized(10_000_000, 500_000)
    path = lines(tmp_path / "plant.csv", number)
    said = play(
        """
        rows = _core.Rows.from_sheet(arguments["path"], None)
        _core.Engine.scan("create", rows, arguments["options"])
        say(rows=len(rows))
        """,
        most=sized(40, 20),
        path=os.fspath(path),
        options=CREATE,
    )
    assert said["rows"] == number


@pytest.mark.once
def test_rows_that_are_all_invalid_take_little_memory() -> None:
    number = sized(1_000_000, 200_000)
    said = play(
        """
        number = arguments["number"]
        rows = ({"clientAssetId": f"A-{row}", "categoryId": "1", "statusId": f"no id {row}"} for row in range(number))
        with acc.testing.Simulator() as sim:
            result = sim.client().project(sim.project_id).assets.create(rows, settings=None, on_error="collect")
        last = result[number - 1].error
        say(counts=result.counts, causes=len(result.causes), last=[last.code, last.value, last.message])
        """,
        most=sized(100, 40),
        number=number,
    )
    assert said["counts"] == {"invalid": number}
    assert said["causes"] == 1
    assert said["last"][:2] == ["uuid", f"no id {number - 1}"]
    assert f"`statusId` is 'no id {number - 1}'" in said["last"][2]


@pytest.mark.once
def test_a_large_csv_file_is_checked_within_little_memory(tmp_path: pathlib.Path) -> None:
    number = sized(10_000_000, 500_000)
    path = lines(tmp_path / "plant.csv", number, "5cd53aeb-6657-4fb3-a077-f700fb29e644")
    said = play(
        """
        with acc.testing.Simulator() as sim:
            project = sim.client().project(sim.project_id)
            result = project.assets.create(arguments["path"], dry_run=True, settings=None, on_error="collect")
        say(counts=result.counts)
        """,
        most=sized(180, 60),
        path=os.fspath(path),
    )
    assert said["counts"] == {"invalid": number // 100, "not_sent": number - number // 100}


@pytest.mark.once
@pytest.mark.parametrize(
    "text", ["x", ",", '"', "\u00e4", "a,"], ids=["letters", "commas", "quotes", "Umlauts", "cells"]
)
def test_csv_line_without_end(text: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "plant.csv"
    piece = (text * (MIB // len(text.encode()))).encode()
    with path.open("wb") as file:
        file.write(b"clientAssetId,description\nA-1,")
        for _ in range(sized(1024, 20)):
            file.write(piece)
    said = play(
        "say(error=error_of(lambda: _core.Rows.from_sheet(arguments['path'], None)))",
        most=80,
        path=os.fspath(path),
    )
    assert "line 2" in said["error"]
    if text == "x":
        assert "16 MiB" in said["error"]
        assert "SheetOptions(max_line_bytes=" in said["error"]


@pytest.mark.once
def test_unclosed_quotation_mark_is_reported(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "plant.csv"
    with path.open("w", encoding="ascii") as file:
        file.write('clientAssetId,description\nA-0,d\nA-1,"d\n')
        file.writelines(f"A-{place},d\n" for place in range(2, sized(20_000_000, 3_000_000)))
    said = play(
        "say(error=error_of(lambda: _core.Rows.from_sheet(arguments['path'], None)))",
        most=80,
        path=os.fspath(path),
    )
    assert "line 3" in said["error"]
    assert '(")' in said["error"]
