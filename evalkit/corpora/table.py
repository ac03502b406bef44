"""Kind `table`: a CSV or JSONL file that names a recording in each line, with its words and speaker.

Columns are found by their usual names, or by those that were typed. Paths are from the table's own folder.
"""

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TextIO, cast

from evalkit.corpora.base import Kind, Source, Speaker, Take
from evalkit.corpora.columns import Columns, Facts, speakers_of
from evalkit.errors import DataError
from evalkit.names import path_fault, shortened
from evalkit.textfile import regular_file
from evalkit.voices import Use

LONGEST_LINE = 1 << 20  # characters
USES = ("prompt", "held_out")
Row = Mapping[str, Any]


class _Line(NamedTuple):
    """What a take is made of."""

    number: int
    audio: str
    session: str
    text: str | None
    use: Use | None


def _speakers(source: Source) -> Iterator[Speaker]:
    found = speakers_of(_lines(source), partial(_take, source.path))
    if (first := next(found, None)) is None:
        raise DataError(f"{source.path} has no recordings")
    return chain([first], found)


def _lines(source: Source) -> Iterator[tuple[str, Facts, _Line]]:
    keys, columns = None, Columns({})
    for number, row in rows(source.path):
        where = f"{source.path}, line {number}"
        if row.keys() != keys:
            keys, columns = row.keys(), Columns.found(list(row), source.columns, where)
        yield columns.speaker_of(row, where), columns.facts(row, where), _line(columns, row, number, where)


def _line(columns: Columns, row: Row, number: int, where: str) -> _Line:
    name = columns.required(row, "audio", where)
    if fault := path_fault(name):
        raise DataError(f"{where}: the file name {name!r} {fault}")
    use = columns.optional(row, "use", where)
    if use is not None and use not in USES:
        raise DataError(f"{where}: use is {shortened(use)!r}; it may be {' or '.join(USES)}, or nothing")
    session = columns.optional(row, "session", where)
    text = columns.optional(row, "text", where)
    return _Line(number, name, name if session is None else sys.intern(session), text, cast(Use | None, use))


def _take(path: Path, line: _Line) -> Take:
    where = f"{path}, line {line.number}"
    return Take(line.audio, path.parent / line.audio, line.session, where, line.text, line.use)


def rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Gives the lines of a CSV file with a header, or of a JSONL file, each with its number; reads as it goes.

    Raises:
        DataError: One is none.
    """
    is_json = path.suffix.lower() in {".jsonl", ".ndjson"}
    with _text(path) as file:
        try:
            yield from _json_rows(file, path) if is_json else _csv_rows(file, path)
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path} is not UTF-8 text (byte 0x{error.object[error.start]:02x}); save it as UTF-8"
            ) from error


@contextmanager
def _text(path: Path) -> Iterator[TextIO]:
    try:
        with regular_file(path, "table") as raw:
            yield TextIOWrapper(raw, encoding="utf-8-sig", newline="")
    except OSError as error:
        raise DataError(f"no table at {path}: {error.strerror}") from error


def _csv_rows(file: TextIO, path: Path) -> Iterator[tuple[int, Row]]:
    first = file.readline(LONGEST_LINE)
    reader = csv.reader(chain([first], file), delimiter=_delimiter(first, path), strict=True)
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


def _delimiter(heading: str, path: Path) -> str:
    return "\t" if path.suffix.lower() == ".tsv" else max(",;\t|", key=heading.count)


def _json_rows(file: TextIO, path: Path) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(iter(partial(file.readline, LONGEST_LINE), ""), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}, line {number}: no JSON: {error}") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}, line {number}: expected an object, keys and values, got {_brief(row)}")
        yield number, row


def _brief(value: object) -> str:
    return shortened(repr(value))


KIND = Kind(
    "table",
    "a CSV or JSONL file with the columns audio, speaker, text",
    lambda path: path.is_file() and path.suffix.lower() in {".csv", ".tsv", ".jsonl", ".ndjson"},
    _speakers,
    session="session",
)
