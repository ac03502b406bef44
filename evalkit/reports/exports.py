"""The tables of a report as files: CSV for spreadsheets, Parquet for whoever computes with them.

A spreadsheet computes a cell that begins like a formula, whoever said its words. In CSV such a text has an apostrophe
before it, as it has where a person types one; Parquet has every text as it is.
"""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import pandas as pd

from evalkit.errors import PackageError
from evalkit.reports.frames import LoadedReport
from evalkit.resources import extra
from evalkit.store.atomic import write_atomically, write_text

TABLES = ("rows", "trials", "comparisons", "voices")
Form = Literal["csv", "parquet"]
# What spreadsheets take for the start of a formula, wide forms among them; apostrophes before it, so that one that is
# ours is told from one that was there.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def write_tables(loaded: LoadedReport, folder: Path, form: Form) -> list[Path]:
    """Writes a report's tables as files, `rows.csv` and so on; returns their paths.

    Raises:
        PackageError: Parquet is wanted and pyarrow is not here.
        StorageError: The disk refused.
    """
    if form == "parquet":
        _require_pyarrow()
    paths = []
    for name in TABLES:
        table, path = getattr(loaded, name), folder / f"{name}.{form}"
        if form == "csv":
            write_text(path, csv_text(table))
        else:
            write_atomically(path, table.to_parquet)
        paths.append(path)
    return paths


def csv_text(table: pd.DataFrame) -> str:
    """Returns a table as CSV; what is missing is an empty cell, and no text is a formula."""
    cells = {harmless(name): _cells(table[name]) for name in table.columns}
    return pd.DataFrame(cells).to_csv(index=False, lineterminator="\n")


def _cells(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype | pd.StringDtype):
        return column.astype(object).map(harmless, na_action="ignore")
    return column


def harmless(text: str) -> str:
    """Returns a text that no spreadsheet takes for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def as_said(cell: str) -> str:
    """Returns the text that `harmless` made a cell of."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _require_pyarrow() -> None:
    if find_spec("pyarrow") is None:
        raise PackageError(
            f"--parquet needs the package 'pyarrow', which is not here; type: pip install {extra('parquet')}, "
            "or take --csv"
        )
