"""A run's files: one way to write each, one to read, and the JSON Schema that `docs/schema/` holds.

Numbers are rounded to six digits and NaN is written as null, so that two reports diff well.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from evalkit.ballot import Ballot, Heard
from evalkit.errors import DataError
from evalkit.manifest import describe
from evalkit.record import SCHEMA_VERSION, Report
from evalkit.row import Row
from evalkit.store.atomic import append_text, write_text
from evalkit.textfile import MB, read_text, regular_file

REPORT_FILE = "report.json"
ROWS_FILE = "utterances.jsonl"
LOG_FILE = "run.log"
DIGITS = 6
LONGEST_REPORT = 256 * MB

Schema = Literal["report", "row", "ballot", "votes"]


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
    """Writes `report.json`, whole or not at all.

    Raises:
        StorageError: The disk refused.
    """
    write_data(folder / REPORT_FILE, asdict(report))


def write_data(path: Path, value: Any) -> None:
    """Writes plain data as JSON that diffs well, whole or not at all.

    Raises:
        StorageError: The disk refused.
    """
    write_text(path, _json(rounded(value), indent=2) + "\n")


def read_report(folder: Path) -> Report:
    """Reads a run's `report.json`; one of an older version with what it has.

    Raises:
        DataError: There is none, it is no report, or one of a version that is yet to come.
    """
    path = folder / REPORT_FILE
    text = read_text(path, "report", most=LONGEST_REPORT)
    try:
        content = strict_json(text)
    except ValueError as error:
        raise DataError(f"{path} is not a report: {error}") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if not isinstance(version, int) or version < 1:
        raise DataError(f"{path} is not a report: schema_version is {version!r}, expected 1 to {SCHEMA_VERSION}")
    if version > SCHEMA_VERSION:
        raise DataError(
            f"{path} has schema_version {version}, this evalkit reads 1 to {SCHEMA_VERSION}: update evalkit"
        )
    try:
        return _REPORT.validate_python(_brought_up(content))
    except ValidationError as error:
        raise DataError(f"{path} is not a report of version {version}: {describe(error)}") from error


def strict_json(text: str) -> Any:
    """Returns the plain data that a JSON text holds.

    Raises:
        ValueError: It is no JSON, nested without end, or has a number that is none.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise ValueError(str(error)) from error


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _finite(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _refuse(digits)


def _brought_up(content: dict[str, Any]) -> dict[str, Any]:
    """Returns a report's content under today's names."""
    if "agreement" not in content:
        return content
    return {**{key: value for key, value in content.items() if key != "agreement"}, "concordance": content["agreement"]}


def row_line(row: Row) -> str:
    """Returns a row as a line of `utterances.jsonl`; its numbers are `rounded` already."""
    return _json(_ROW.dump_python(row))


def _json(value: Any, indent: int | None = None) -> str:
    """Returns JSON text that UTF-8 can hold: half of a surrogate pair, which comes of bytes that are none, is spelt."""
    text = json.dumps(value, sort_keys=True, indent=indent, ensure_ascii=False, allow_nan=False)
    return re.sub("[\ud800-\udfff]", lambda half: rf"\\u{ord(half.group()):x}", text)


def write_rows(folder: Path, rows: Iterable[Row]) -> None:
    """Writes `utterances.jsonl` anew, whole or not at all.

    Raises:
        StorageError: The disk refused.
    """
    write_text(folder / ROWS_FILE, "".join(f"{row_line(row)}\n" for row in rows))


def append_rows(folder: Path, rows: Sequence[Row]) -> None:
    """Adds rows to `utterances.jsonl`; a crash leaves at most one line that is not whole.

    Raises:
        StorageError: The disk refused.
    """
    append_text(folder / ROWS_FILE, "".join(f"{row_line(row)}\n" for row in rows))


def read_rows(folder: Path) -> Iterator[Row]:
    """Reads a run's rows; a last line that a crash cut short is left out.

    Raises:
        DataError: There are none, or another line is not a row.
    """
    path = folder / ROWS_FILE
    for number, line in enumerate(_whole_lines(path), start=1):
        try:
            row = _ROW.validate_json(line)
        except ValidationError as error:
            raise DataError(f"{path}, line {number}: {describe(error)}") from error
        # Rows of version 1 have no state.
        yield replace(row, state="failed") if row.error is not None and row.state == "scored" else row


def _whole_lines(path: Path) -> Iterator[str]:
    """Gives the lines that are whole, one by one: all at once they take more memory than the rows."""
    try:
        with regular_file(path, "rows") as file:
            yield from (line.decode() for line in file if line.endswith(b"\n"))
    except OSError as error:
        raise DataError(f"no rows at {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: {error}") from error


def json_schema(kind: Schema) -> dict[str, Any]:
    """Returns the JSON Schema of `report.json`, a line of `utterances.jsonl`, a listener's votes, or `votes.json`.

    Fields with a default are not required, so that a report from before a field was added stays valid.
    """
    schema = _SCHEMAS[kind].json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


_REPORT: TypeAdapter[Report] = TypeAdapter(Report)
_ROW: TypeAdapter[Row] = TypeAdapter(Row)
_SCHEMAS: Mapping[Schema, TypeAdapter[Any]] = {
    "report": _REPORT,
    "row": _ROW,
    "ballot": TypeAdapter(Ballot),
    "votes": TypeAdapter(Heard),
}
