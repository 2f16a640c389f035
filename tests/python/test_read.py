"""`acc_assets.read`: every kind of file and open file, and its `Rows` passed to every verb."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import pathlib
import sys
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Kit

import acc_assets as acc

HEAD = ("Asset ID", "Category", "Status")
UNITS = [("AHU-1", "HVAC > Air Handling", "Installed"), ("AHU-2", "HVAC > Air Handling", "Installed")]
DICTS: list[dict[str, str]] = [dict(zip(HEAD, unit, strict=True)) for unit in UNITS]
FALSE_UNIT: dict[str, str] = {**DICTS[1], "Status": "Instaled"}


def text_file(path: pathlib.Path, separator: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=separator).writerows([HEAD, *UNITS])


def line_file(path: pathlib.Path, rows: list[dict[str, str]] = DICTS) -> None:
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")


def workbook(path: pathlib.Path) -> None:
    book = pytest.importorskip("openpyxl").Workbook()
    for row in (HEAD, *UNITS):
        book.active.append(row)
    other = book.create_sheet("AHU")
    other.append(HEAD)
    other.append(UNITS[0])
    book.save(path)


def parquet_file(path: pathlib.Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pytest.importorskip("pyarrow").Table.from_pylist(DICTS), path)


WRITERS: dict[str, Callable[[pathlib.Path], None]] = {
    ".xlsx": workbook,
    ".csv": lambda path: text_file(path, ","),
    ".tsv": lambda path: text_file(path, "\t"),
    ".txt": lambda path: text_file(path, ";"),
    ".jsonl": line_file,
    ".ndjson": line_file,
    ".parquet": parquet_file,
}
kinds = pytest.mark.parametrize("ending", WRITERS)


@pytest.fixture
def plant(tmp_path: pathlib.Path) -> Callable[[str], pathlib.Path]:
    """Write a file of two units with this extension."""

    def write(ending: str) -> pathlib.Path:
        path = tmp_path / f"plant{ending}"
        WRITERS[ending](path)
        return path

    return write


def keys(project: acc.Project, rows: Any) -> list[str | None]:
    """Return the asset ids that a create would send."""
    planned = project.assets.create(rows, dry_run=True)
    assert planned.ok, planned
    return [outcome.key for outcome in planned]


# ---- files ----


@kinds
@pytest.mark.parametrize("as_path", [str, pathlib.Path, lambda path: str(path).replace("plant", "PLANT")])
def test_read_accepts_a_path_of_each_kind(
    ending: str,
    as_path: Callable[[pathlib.Path], Any],
    plant: Callable[[str], pathlib.Path],
    project: acc.Project,
) -> None:
    path = plant(ending)
    given = as_path(path)
    if "PLANT" in str(given):
        given = path.rename(path.with_name(f"PLANT{ending.upper()}"))
    rows = acc.read(given)
    assert isinstance(rows, acc.Rows)
    assert repr(rows).startswith(f"Rows of {given}")
    # The same rows for each verb that accepts them.
    for _ in range(2):
        assert keys(project, rows) == ["AHU-1", "AHU-2"]
    assert project.assets.validate(rows).ok
    assert project.settings().validate(rows).ok
    assert project.assets.create(rows).counts == {"created": 2}
    # A verb reads the file itself in the same way.
    assert keys(project, given) == ["AHU-1", "AHU-2"]


@kinds
def test_read_accepts_an_open_file_of_each_kind(
    ending: str, plant: Callable[[str], pathlib.Path], project: acc.Project
) -> None:
    path = plant(ending)
    with path.open("rb") as file:
        assert keys(project, acc.read(file)) == ["AHU-1", "AHU-2"]
    if ending not in (".xlsx", ".parquet"):
        with path.open(encoding="utf-8") as text:
            assert keys(project, acc.read(text)) == ["AHU-1", "AHU-2"]
    with path.open("rb") as file:
        assert keys(project, file) == ["AHU-1", "AHU-2"]


@pytest.mark.parametrize("ending", [".xlsx", ".csv", ".tsv", ".jsonl", ".parquet"])
def test_read_recognizes_an_open_file_without_a_name(
    ending: str, plant: Callable[[str], pathlib.Path], project: acc.Project
) -> None:
    content = plant(ending).read_bytes()
    assert keys(project, acc.read(io.BytesIO(content))) == ["AHU-1", "AHU-2"]
    if ending in (".csv", ".tsv", ".jsonl"):
        assert keys(project, acc.read(io.StringIO(content.decode()))) == ["AHU-1", "AHU-2"]


def test_read_starts_at_the_position_of_an_open_file(project: acc.Project) -> None:
    file = io.StringIO("exported on Monday\n" + "\n".join(",".join(row) for row in (HEAD, *UNITS)))
    file.readline()
    assert keys(project, acc.read(file)) == ["AHU-1", "AHU-2"]


def test_read_of_an_open_file_that_cannot_be_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "plant.csv"
    path.write_bytes(b"Asset ID\nB\xfcro\n")
    with path.open(encoding="utf-8") as text, pytest.raises(acc.InputError, match='in mode "rb"'):
        acc.read(text)
    with path.open("wb") as writable, pytest.raises(acc.FileError) as caught:
        acc.read(writable)
    assert caught.value.filename == str(path)

    class Odd(io.BytesIO):
        def read(self, size: int | None = -1, /) -> Any:
            return 7

    with pytest.raises(acc.InputError, match=r"Odd\.read\(\) returned int, not bytes"):
        acc.read(Odd())


# ---- lines of JSON ----


def test_read_labels_json_lines_with_their_line(tmp_path: pathlib.Path, project: acc.Project) -> None:
    path = tmp_path / "plant.jsonl"
    path.write_text(f"\ufeff{json.dumps(DICTS[0])}\r\n\n  \n{json.dumps(FALSE_UNIT)}\n", encoding="utf-8")
    result = project.assets.create(path)
    assert [outcome.label for outcome in result] == [1, 4]
    assert "(line 4)" in repr(result)
    assert "(line 4)" in repr(project.assets.validate(path))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"Asset ID": "A", "Asset ID": "B"}', "duplicate name 'Asset ID'"),
        ('{"Asset ID": "A", "customAttributes": {"ca1": 1, "ca1": 2}}', "duplicate name 'ca1'"),
        ('{"Asset ID": "A"', "not a JSON object"),
        ('["A", "B"]', "list is not a JSON object"),
        ("null", "NoneType is not a JSON object"),
        ("A,B", "not a JSON object"),
        ("[" * 100_000, "not a JSON object"),
        ('{"Asset ID": "\\udcff"} x', "not a JSON object"),
    ],
    ids=["twice", "twice inside", "cut off", "list", "null", "csv", "nested", "more"],
)
@pytest.mark.parametrize("is_open", [False, True], ids=["path", "open"])
def test_read_names_the_line_that_is_not_json(
    line: str, says: str, is_open: bool, tmp_path: pathlib.Path, project: acc.Project
) -> None:
    path = tmp_path / "plant.jsonl"
    path.write_text(f"{json.dumps(DICTS[0])}\n\n{line}\n{json.dumps(DICTS[1])}\n", encoding="utf-8")
    with pytest.raises(acc.InputError, match=says) as caught:
        acc.read(io.BytesIO(path.read_bytes()) if is_open else path)
    assert f"{'the open file' if is_open else path}, line 3: " in str(caught.value)
    with pytest.raises(acc.InputError, match=says):
        project.assets.create(path)


def test_read_of_a_line_that_is_not_text(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "plant.jsonl"
    path.write_bytes(b'{"Asset ID": "B\xfcro"}\n')
    with pytest.raises(acc.InputError, match=r"plant\.jsonl, line 1: not a JSON object"):
        acc.read(path)


def test_read_of_json_lines_without_rows(tmp_path: pathlib.Path, project: acc.Project) -> None:
    path = tmp_path / "plant.jsonl"
    path.write_text("\n\n")
    assert len(acc.read(path)) == 0
    assert len(project.assets.create(acc.read(path))) == 0


# ---- Parquet ----


def hide(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    """Let imports of these modules fail."""
    for name in modules:
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize("is_open", [False, True], ids=["path", "open"])
def test_read_of_parquet_with_polars_alone(
    is_open: bool,
    plant: Callable[[str], pathlib.Path],
    project: acc.Project,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("polars")
    path = plant(".parquet")
    hide(monkeypatch, "pyarrow", "pyarrow.parquet")
    rows = acc.read(io.BytesIO(path.read_bytes()) if is_open else path)
    assert len(rows) == 2
    assert keys(project, rows) == ["AHU-1", "AHU-2"]


def test_read_of_parquet_without_a_library(
    tmp_path: pathlib.Path, project: acc.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plant.parquet").write_bytes(b"PAR1PAR1")
    hide(monkeypatch, "pyarrow", "pyarrow.parquet", "polars")
    for read in (acc.read, project.assets.create, project.assets.get):
        with pytest.raises(acc.InputError, match=r"plant\.parquet: Parquet files need .*pip install pyarrow"):
            read(tmp_path / "plant.parquet")


@pytest.mark.parametrize("library", ["pyarrow", "polars"])
def test_read_of_a_damaged_parquet_file(
    library: str, plant: Callable[[str], pathlib.Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(library)
    path = plant(".parquet")
    if library == "polars":
        hide(monkeypatch, "pyarrow", "pyarrow.parquet")
    whole = path.read_bytes()
    for damaged in (b"PAR1" + b"\0" * 40 + b"PAR1", whole[:-20], b"PAR1", b""):
        path.write_bytes(damaged)
        with pytest.raises(acc.InputError, match=r"plant\.parquet"):
            acc.read(path)
    with pytest.raises(acc.InputError, match="the open file"):
        acc.read(io.BytesIO(b"PAR1" + b"\0" * 40))
    path.unlink()
    with pytest.raises(acc.FileError, match=r"plant\.parquet") as caught:
        acc.read(path)
    assert isinstance(caught.value, OSError)
    assert caught.value.filename == str(path)


# ---- missing files ----


@kinds
def test_read_of_a_missing_file_raises_file_error(
    ending: str, tmp_path: pathlib.Path, project: acc.Project
) -> None:
    if ending == ".parquet":
        pytest.importorskip("pyarrow")
    for path in (tmp_path / f"none{ending}", str(tmp_path / f"none{ending}")):
        for read in (acc.read, project.assets.create, project.assets.validate, project.assets.get):
            with pytest.raises(acc.FileError) as caught:
                read(path)
            assert f"none{ending}" in str(caught.value)
            assert caught.value.filename == str(path)
            assert caught.value.errno == 2


def test_read_of_an_unknown_kind(tmp_path: pathlib.Path, project: acc.Project) -> None:
    (tmp_path / "plant.doc").write_bytes(b"x")
    with pytest.raises(acc.FileError, match=r"save it as \.xlsx"):
        acc.read(tmp_path / "plant.doc")
    # A string without a known extension is not a path.
    with pytest.raises(acc.InputError, match=r"Text cannot be read as data.*\.parquet"):
        project.assets.create(acc.read("plant"))


# ---- options ----


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"nulls": "clear "}, 'nulls must be "omit", "clear" or "error".*Did you mean "clear"'),
        ({"dates": "exact"}, 'dates must be "strict" or "truncate"'),
        ({"separator": " "}, "separator must be the text between the names in a path"),
        ({"sheet": 1}, "sheet must be the name of a sheet"),
        ({"mapping": ["Type"]}, "mapping must be a dict"),
        ({"mapping": {"Type": 1}}, "column 'Type' is mapped to 1"),
    ],
    ids=str,
)
def test_read_checks_its_options(options: dict[str, Any], says: str) -> None:
    with pytest.raises(acc.OptionError, match=says):
        acc.read([], **options)


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
def test_read_accepts_sheet_for_workbooks_only(ending: str, plant: Callable[[str], pathlib.Path]) -> None:
    with pytest.raises(acc.OptionError, match="sheet='AHU' applies to Excel files only"):
        acc.read(plant(ending), sheet="AHU")
    with pytest.raises(acc.OptionError, match="sheet='AHU' applies to Excel files only, and list is not one"):
        acc.read([], sheet="AHU")


def test_read_accepts_a_sheet_and_a_mapping(
    plant: Callable[[str], pathlib.Path], tmp_path: pathlib.Path, project: acc.Project
) -> None:
    path = plant(".xlsx")
    assert keys(project, acc.read(path, sheet="AHU")) == ["AHU-1"]
    assert keys(project, acc.read(io.BytesIO(path.read_bytes()), sheet=acc.SheetOptions("AHU"))) == ["AHU-1"]
    rows = [{"Unit": "AHU-1", "Type": "HVAC/Air Handling", "Status": "Installed", "Remarks": "-"}]
    mapping = {"Unit": "Asset ID", "Type": "Category", "Remarks": None}
    (tmp_path / "columns.toml").write_text('Unit = "Asset ID"\nType = "Category"\nRemarks = false\n')
    for given in (mapping, tmp_path / "columns.toml", str(tmp_path / "columns.toml")):
        read = acc.read(rows, mapping=given, separator="/")
        assert keys(project, read) == ["AHU-1"]
        assert {use.column: use.field for use in project.assets.validate(read).columns} == {
            "Unit": "clientAssetId",
            "Type": "categoryId",
            "Status": "statusId",
            "Remarks": None,
        }


def test_read_accepts_nulls_and_dates(project: acc.Project) -> None:
    empty = [{**DICTS[0], "Description": None}]
    assert project.assets.validate(acc.read(empty)).ok
    assert not project.assets.validate(acc.read(empty, nulls="error")).ok
    dated = [{**DICTS[0], "Installation Date": "2031-02-28T11:00:00"}]
    assert not project.assets.validate(acc.read(dated)).ok
    assert project.assets.validate(acc.read(dated, dates="truncate")).ok


@pytest.mark.parametrize(
    "options",
    [
        {"sheet": "AHU"},
        {"mapping": {"a": None}},
        {"separator": "/"},
        {"nulls": "error"},
        {"dates": "truncate"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_options_of_a_verb_conflict_with_rows_of_read(options: dict[str, Any], project: acc.Project) -> None:
    rows = acc.read(DICTS)
    (name,) = options
    for verb in (
        project.assets.create,
        project.assets.patch,
        project.assets.validate,
        project.settings().validate,
    ):
        with pytest.raises(
            acc.OptionError, match=rf"^{name}= cannot be used with rows from acc_assets\.read"
        ):
            verb(rows, **options)
    # Default values are not a conflict.
    usual: dict[str, Any] = {"separator": ">", "nulls": "omit", "mapping": None, "sheet": None}
    assert project.assets.validate(rows, **usual).ok


# ---- rows of other kinds, and other verbs ----


def test_read_accepts_rows_that_are_not_a_file(project: acc.Project) -> None:
    for rows, name in ((DICTS, "list"), (DICTS[0], "dict"), (iter(DICTS), "list_iterator")):
        read = acc.read(rows)
        assert repr(read).startswith(f"Rows of {name}")
        assert keys(project, read)[0] == "AHU-1"
    with pytest.raises(TypeError):
        len(acc.read(iter(DICTS)))
    assert repr(acc.read(iter(DICTS))) == "Rows of list_iterator"
    assert repr(acc.read(DICTS)) == "Rows of list: 2 rows"
    frame = pytest.importorskip("pandas").DataFrame(DICTS)
    assert len(acc.read(frame)) == 2
    assert keys(project, acc.read(frame)) == ["AHU-1", "AHU-2"]


def test_rows_of_read_are_ids_for_get_and_delete(
    project: acc.Project, kit: Kit, tmp_path: pathlib.Path
) -> None:
    made = project.assets.create(kit.rows(3)).ids
    path = tmp_path / "ids.csv"
    path.write_text("\n".join(["id", *map(str, made)]) + "\n")
    for rows in (
        acc.read(path),
        acc.read([{"id": id} for id in made]),
        acc.read(io.BytesIO(path.read_bytes())),
    ):
        assert [asset["id"] for asset in project.assets.get(rows)] == made
    assert project.assets.delete(acc.read(path)).counts == {"deleted": 3}
    named = tmp_path / "named.jsonl"
    named.write_text("\n".join(json.dumps({"Asset": id}) for id in made))
    assert len(project.assets.get(acc.read(named), key="Asset", include_deleted=True)) == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [("mapping", {"a": None}), ("separator", "/"), ("nulls", "clear"), ("dates", "truncate")],
)
def test_read_options_are_rejected_for_ids(name: str, value: Any, project: acc.Project) -> None:
    rows = acc.read([{"id": "A"}], **{name: value})
    for verb in (project.assets.get, project.assets.delete, project.relationships.delete):
        with pytest.raises(acc.OptionError, match=rf"^{name}= does not apply to ids"):
            verb(rows)


def test_rows_of_read_are_patched_by_their_key(
    project: acc.Project, kit: Kit, tmp_path: pathlib.Path
) -> None:
    made = project.assets.create(kit.rows(2)).ids
    path = tmp_path / "changes.csv"
    path.write_text("Unit,description\n" + "".join(f"{id},new\n" for id in made))
    assert project.assets.patch(acc.read(path), key="Unit").counts == {"updated": 2}
    assert {asset["description"] for asset in project.assets.get(made)} == {"new"}


async def test_rows_of_read_with_async_client(
    async_project: acc.AsyncProject, plant: Callable[[str], pathlib.Path]
) -> None:
    rows = acc.read(plant(".jsonl"))
    assert (await async_project.assets.validate(rows)).ok
    made = await async_project.assets.create(rows)
    assert made.counts == {"created": 2}
    assert len(await async_project.assets.get(acc.read([{"id": id} for id in made.ids]))) == 2


def test_read_accepts_a_generator_once(project: acc.Project, kit: Kit) -> None:
    rows = acc.read(row for row in kit.rows(2))
    assert project.assets.create(rows).counts == {"created": 2}
    with pytest.raises(acc.OptionError, match="already read"):
        project.assets.create(rows)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b'[{"Asset ID": "A"}]', "JSON array"),
    ],
)
def test_an_open_file_that_cannot_be_read(content: bytes, says: str) -> None:
    with pytest.raises(acc.InputError, match=says):
        acc.read(io.BytesIO(content))


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"\n", b" "])
def test_json_lines_may_begin_with_a_byte_order_mark_or_blank_lines(start: bytes) -> None:
    assert len(acc.read(io.BytesIO(start + b'{"Asset ID": "A"}\n'))) == 1


def test_files_that_are_not_open_for_reading(tmp_path: pathlib.Path) -> None:
    closed = io.BytesIO(b"Asset ID\nA\n")
    closed.close()
    with pytest.raises(acc.InputError, match="closed"):
        acc.read(closed)
    with (
        open(tmp_path / "out.csv", "wb") as file,
        pytest.raises(acc.FileError, match="not open for reading") as caught,
    ):
        acc.read(file)
    assert caught.value.filename == str(tmp_path / "out.csv")

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(acc.FileError, match="`the open file` cannot be read: Input/output error") as caught:
        acc.read(Broken())
    assert (caught.value.errno, caught.value.filename) == (errno.EIO, None)
    assert caught.value.strerror == os.strerror(errno.EIO)


@pytest.mark.parametrize("source", [None, 5, "units.xslx"])
def test_read_rejects_unsupported_data(source: Any) -> None:
    with pytest.raises(acc.InputError):
        acc.read(source)


def test_read_rejects_rows_of_read() -> None:
    with pytest.raises(acc.OptionError, match="Pass it to a verb"):
        acc.read(acc.read([{"Asset ID": "A"}]))


def test_one_dict_is_one_row() -> None:
    assert len(acc.read({"Asset ID": "A", "Category": "B", "Status": "C"})) == 1
