"""Kind `table`: a CSV or JSONL file that names a recording in each line, with its words and speaker.

Columns are found by their usual names, or by those that were typed. Paths are from the table's own folder.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from evalkit.corpora.base import Kind, Source, Speaker, Take
from evalkit.corpora.columns import Columns, speakers_of
from evalkit.errors import DataError
from evalkit.names import path_fault, shortened
from evalkit.textfile import read_text
from evalkit.voices import Use

LARGEST = 1 << 30  # bytes: more lines than anybody makes voices of
USES = ("prompt", "held_out")
Row = Mapping[str, Any]


def _speakers(source: Source) -> Iterator[Speaker]:
    columns: Columns | None = None
    found = []
    for number, row in rows(source.path):
        where = f"{source.path}, line {number}"
        if columns is None:
            columns = Columns.found(list(row), source.columns, str(source.path))
        found.append((columns.speaker_of(row, where), columns.facts(row, where), _take(source, columns, row, where)))
    if not found:
        raise DataError(f"{source.path} has no recordings")
    return speakers_of(found)


def rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Gives the lines of a CSV file with a header, or of a JSONL file, each with its number.

    Raises:
        DataError: One is none.
    """
    text = read_text(path, "table", most=LARGEST)
    return _json_rows(text, path) if path.suffix.lower() in {".jsonl", ".ndjson"} else _csv_rows(text, path)


def _csv_rows(text: str, path: Path) -> Iterator[tuple[int, Row]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text, path), strict=True)
    try:
        heading = next(reader, None)
        if not heading or len(set(heading)) < len(heading):
            raise DataError(f"{path}, line 1: expected the names of the columns, each once, got {_brief(heading)}")
        for cells in reader:
            number = reader.line_num
            if cells and len(cells) != len(heading):
                raise DataError(
                    f"{path}, line {number}: {len(cells)} cells, the header has {len(heading)}; put quotes around "
                    "text that has commas in it"
                )
            if cells:
                yield number, dict(zip(heading, cells, strict=True))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: no CSV: {error}") from error


def _delimiter(text: str, path: Path) -> str:
    heading = text.split("\n", 1)[0]
    return "\t" if path.suffix.lower() == ".tsv" else max(",;\t|", key=heading.count)


def _json_rows(text: str, path: Path) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}, line {number}: no JSON: {error}") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}, line {number}: expected an object, keys and values, got {_brief(row)}")
        yield number, row


def _take(source: Source, columns: Columns, row: Row, where: str) -> Take:
    name = columns.required(row, "audio", where)
    if fault := path_fault(name):
        raise DataError(f"{where}: the file name {name!r} {fault}")
    use = columns.optional(row, "use", where)
    if use is not None and use not in USES:
        raise DataError(f"{where}: use is {shortened(use)!r}; it may be {' or '.join(USES)}, or nothing")
    session = columns.optional(row, "session", where) or name
    text = columns.optional(row, "text", where)
    return Take(name, source.path.parent / name, session, where, text, cast(Use | None, use))


def _brief(value: object) -> str:
    return shortened(repr(value))


KIND = Kind(
    "table",
    "a CSV or JSONL file with the columns audio, speaker, text",
    lambda path: path.is_file() and path.suffix.lower() in {".csv", ".tsv", ".jsonl", ".ndjson"},
    _speakers,
    session="session",
)
