"""A run's files: one way to write each, one to read, and the JSON Schema that `docs/schema/` holds.

Numbers are rounded to six digits and NaN is written as null, so that two reports diff well.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from evalkit.errors import DataError
from evalkit.manifest import describe
from evalkit.report import SCHEMA_VERSION, Report, Row
from evalkit.store import write_atomically, writing

REPORT_FILE = "report.json"
ROWS_FILE = "utterances.jsonl"
DIGITS = 6


def rounded(value: Any) -> Any:
    """Returns plain data with floats at six digits after the point, and null for what is no number."""
    if isinstance(value, float):
        return round(value, DIGITS) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value


def write_report(folder: Path, report: Report) -> None:
    """Writes `report.json`, whole or not at all."""
    text = json.dumps(rounded(asdict(report)), sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(folder / REPORT_FILE, lambda part: _write_text(part, text))


def write_rows(folder: Path, rows: Iterable[Row]) -> list[Row]:
    """Appends each row to a fresh `utterances.jsonl` as it comes; returns them as a reader would get them.

    Raises:
        StorageError: The disk refused.
    """
    written, path = [], folder / ROWS_FILE
    with writing(path):
        file = path.open("w", encoding="utf-8")
    with file:
        for row in rows:
            line = json.dumps(rounded(asdict(row)), sort_keys=True, ensure_ascii=False, allow_nan=False)
            with writing(path):
                file.write(line + "\n")
                file.flush()
            written.append(_ROW.validate_json(line))
    return written


def read_report(folder: Path) -> Report:
    """Reads a run's `report.json`.

    Raises:
        DataError: There is none, or it is not a report of this version.
    """
    path = folder / REPORT_FILE
    try:
        return _REPORT.validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"no report at {path}: {error.strerror}") from error
    except ValidationError as error:
        raise DataError(f"{path} is not a report of version {SCHEMA_VERSION}: {describe(error)}") from error


def read_rows(folder: Path) -> Iterator[Row]:
    """Reads a run's rows; a last line that a crash cut short is left out.

    Raises:
        DataError: There are none, or another line is not a row.
    """
    path = folder / ROWS_FILE
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise DataError(f"no rows at {path}: {error.strerror}") from error
    for number, line in enumerate(lines[:-1], start=1):  # what follows the last newline is not whole
        try:
            yield _ROW.validate_json(line)
        except ValidationError as error:
            raise DataError(f"{path}, line {number}: {describe(error)}") from error


def json_schema(kind: Literal["report", "row"]) -> dict[str, Any]:
    """Returns the JSON Schema of `report.json` or of a line of `utterances.jsonl`.

    Fields with a default are not required, so that a report from before a field was added stays valid.
    """
    adapter: TypeAdapter[Any] = _REPORT if kind == "report" else _ROW
    schema = adapter.json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


_REPORT: TypeAdapter[Report] = TypeAdapter(Report)
_ROW: TypeAdapter[Row] = TypeAdapter(Row)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
