"""Files of tables that were read."""

from __future__ import annotations

import os

from . import _core
from ._convert import parquet
from ._options import flag
from ._paths import check_excel, write_file


def write_excel(path: str | os.PathLike[str], table: _core.Table, sheet: str, overwrite: bool) -> None:
    flag("overwrite", overwrite)
    check_excel(path)
    write_file(path, table.excel(sheet), overwrite=overwrite)


def write_csv(path: str | os.PathLike[str], table: _core.Table, overwrite: bool) -> None:
    flag("overwrite", overwrite)
    write_file(path, table.csv(), overwrite=overwrite)


def write_parquet(path: str | os.PathLike[str], table: _core.Table, overwrite: bool) -> None:
    flag("overwrite", overwrite)
    write_file(path, parquet(table), overwrite=overwrite)
