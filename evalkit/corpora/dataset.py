"""Kind `dataset`: an audio data set of `datasets` on disk, as `save_to_disk` writes it, or as Parquet files.

It is read as the Arrow or Parquet that it is: `datasets` itself, its scripts and its decoders are not needed. Only the
columns of words are gone through; the bytes of a recording are read when it may be chosen.
"""

import importlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from evalkit.corpora.base import Bytes, Kind, Source, Speaker, Take, folders
from evalkit.corpora.columns import Columns, Facts, speakers_of
from evalkit.errors import ConfigError, DataError
from evalkit.names import path_fault, shortened
from evalkit.resources import extra
from evalkit.textfile import read_text

STATE, INFO, SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"
BATCH = 4096  # rows at a time


class _Row(NamedTuple):
    """What a take is made of; `named` is the file that a column of paths names, `path` what else tells of its name."""

    shard: "Shard"
    number: int
    column: str
    named: str | None
    path: str | None
    session: str | None
    text: str | None


def _speakers(source: Source) -> Iterator[Speaker]:
    with _explained(source.path):
        found = list(speakers_of(_rows(source), _take))
    if not found:
        raise DataError(f"{source.path} has no recordings")
    return iter(found)


def _arrow(part: str = "") -> Any:
    return importlib.import_module(f"pyarrow{part}")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turns what pyarrow says into advice.

    Raises:
        ConfigError: It is not here.
        DataError: It cannot read a file.
    """
    try:
        arrow = _arrow()
    except ImportError as error:
        raise ConfigError(f"data sets need pyarrow: pip install {extra('parquet')}") from error
    try:
        yield
    except (arrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is no data set that can be read: {shortened(str(error), 200)}") from error


def _rows(source: Source) -> Iterator[tuple[str, Facts, _Row]]:
    folder = _part(source.path, source.split)
    licence = _licence(folder)
    for shard in _shards(folder):
        columns = Columns.found(shard.names, source.columns, str(shard.path))
        labels = _labels(shard.schema)
        plain = [columns.names[meaning] for meaning in columns.names if meaning != "audio"]
        wanted = [*plain, *shard.audio_path(columns.names["audio"])]
        for number, row in enumerate(shard.rows(wanted), start=1):
            where = f"{shard.path}, row {number}"
            row |= {name: _label(labels[name], row.get(name), where) for name in labels if name in row}
            facts = columns.facts(row, where)
            facts = Facts(facts.language, facts.licence or licence, facts.source)
            yield columns.speaker_of(row, where), facts, _row(shard, columns, row, number)


def _row(shard: "Shard", columns: Columns, row: Mapping[str, Any], number: int) -> _Row:
    where, told = f"{shard.path}, row {number}", row.get(columns.names["audio"])
    path = told.get("path") if isinstance(told, dict) else None
    named = told if isinstance(told, str) else None
    if named is not None and (fault := path_fault(named)):
        raise DataError(f"{where}: the file name {named!r} {fault}")
    session, text = (columns.optional(row, meaning, where) for meaning in ("session", "text"))
    column, path = columns.names["audio"], path if isinstance(path, str) else None
    return _Row(shard, number, column, named, path, sys.intern(session) if session else None, text)


def _take(row: _Row) -> Take:
    where, itself = f"{row.shard.path}, row {row.number}", f"{row.shard.path.name}:{row.number}"
    audio: Path | Bytes = partial(row.shard.sound, row.column, row.number - 1, where)
    if row.named is not None:
        audio = row.shard.path.parent / row.named
    return Take(row.named or row.path or itself, audio, row.session or itself, where, row.text)


@dataclass(frozen=True)
class Shard:
    """One file of a data set."""

    path: Path

    @property
    def schema(self) -> Any:
        """Its columns, as pyarrow has them."""
        if self._is_parquet:
            return _arrow(".parquet").read_schema(self.path)
        return _stream(self.path).schema

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        return list(self.schema.names)

    @property
    def _is_parquet(self) -> bool:
        return self.path.suffix == ".parquet"

    def audio_path(self, column: str) -> list[str]:
        """Returns what is to be read of the audio column to know its files' names, without the sound in them."""
        kind = self.schema.field(column).type
        if _arrow().types.is_string(kind) or _arrow().types.is_large_string(kind):
            return [column]
        fields = {kind.field(at).name for at in range(kind.num_fields)} if _arrow().types.is_struct(kind) else set()
        if "bytes" not in fields:
            raise DataError(
                f"{self.path}: column {column!r} holds {kind}, no audio files; say which: --column audio=NAME"
            )
        return [f"{column}.path"] if "path" in fields else []

    def rows(self, wanted: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Gives the rows, of these columns alone."""
        if self._is_parquet:
            for batch in _arrow(".parquet").ParquetFile(self.path).iter_batches(BATCH, columns=list(wanted)):
                yield from batch.to_pylist()
            return
        for batch in _stream(self.path).to_batches(BATCH):
            yield from _of_batch(batch, wanted)

    def sound(self, column: str, row: int, where: str) -> bytes:
        """Returns the bytes of the audio file in a row.

        Raises:
            DataError: There are none.
        """
        with _explained(self.path):
            if self._is_parquet:
                group, at = _group_of(self.path, row)
                values = _group(self.path, group, column)
            else:
                values, at = _stream(self.path).column(column), row
            value = values.slice(at, 1)
            value.validate(full=True)
            (held,) = value.to_pylist()
        found = held.get("bytes") if isinstance(held, dict) else None
        if not isinstance(found, bytes):
            raise DataError(
                f"{where}: the recording is not in the data set, which has only its path; save it again with the "
                "audio in it: load_from_disk(...).save_to_disk(DIR)"
            )
        return found


@lru_cache(maxsize=256)
def _stream(path: Path) -> Any:
    """Returns the table of an Arrow file; it is mapped, so nothing is read until it is asked for."""
    return _arrow(".ipc").open_stream(_arrow().memory_map(str(path))).read_all()


def _of_batch(batch: Any, wanted: Sequence[str]) -> Iterator[dict[str, Any]]:
    columns = []
    for name in wanted:
        column, _, part = name.partition(".") if name not in batch.schema.names else (name, "", "")
        values = batch.column(column)
        values = _arrow(".compute").struct_field(values, part) if part else values
        values.validate(full=True)
        columns.append((column, part, values.to_pylist()))
    for at in range(batch.num_rows):
        yield {column: {part: values[at]} if part else values[at] for column, part, values in columns}


def _group_of(path: Path, row: int) -> tuple[int, int]:
    metadata, group = _arrow(".parquet").read_metadata(path), 0
    while row >= metadata.row_group(group).num_rows:
        row, group = row - metadata.row_group(group).num_rows, group + 1
    return group, row


@lru_cache(maxsize=1)
def _group(path: Path, group: int, column: str) -> Any:
    return _arrow(".parquet").ParquetFile(path).read_row_group(group, columns=[column]).column(column)


def _labels(schema: Any) -> dict[str, list[str]]:
    """Returns the names that numbers of a column stand for (`ClassLabel`), where a file has such columns."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        return {
            name: [str(one) for one in kind["names"]]
            for name, kind in features.items()
            if isinstance(kind, dict) and kind.get("_type") == "ClassLabel"
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _label(names: Sequence[str], value: Any, where: str) -> Any:
    if not isinstance(value, int) or value < 0:
        return None
    if value >= len(names):
        raise DataError(f"{where}: the label {value} has no name; there are {len(names)}")
    return names[value]


def _part(path: Path, split: str | None) -> Path:
    """Returns the folder of the wanted split."""
    if not (path / SPLITS).is_file():
        if split is not None:
            raise ConfigError(f"{path} has no splits ({SPLITS}): leave --split out")
        return path
    there = [folder.name for folder in folders(path) if (folder / STATE).is_file()]
    chosen = split or (there[0] if len(there) == 1 else None)
    if chosen not in there:
        raise ConfigError(f"{path} has the splits {', '.join(there) or 'none'}; choose one: --split NAME")
    return path / chosen


def _shards(folder: Path) -> list[Shard]:
    if not (folder / STATE).is_file():
        return [Shard(path) for path in _parquet(folder)]
    try:
        state = json.loads(read_text(folder / STATE, "state of a data set"))
        names = [str(one["filename"]) for one in state["_data_files"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{folder / STATE} is no state of a data set") from error
    if state.get("_indices_data_files"):
        raise DataError(f"{folder} keeps its rows in another order than its files; save it again with a newer datasets")
    if wrong := [name for name in names if Path(name).name != name or not (folder / name).is_file()]:
        raise DataError(f"{folder / STATE}: no file {wrong[0]!r} in {folder}")
    return [Shard(folder / name) for name in names]


def _parquet(path: Path) -> list[Path]:
    return sorted(path.glob("*.parquet")) or sorted((path / "data").glob("*.parquet"))


def _licence(folder: Path) -> str | None:
    if not (folder / INFO).is_file():
        return None
    try:
        told = json.loads(read_text(folder / INFO, "description of a data set")).get("license")
    except (ValueError, AttributeError, RecursionError):
        return None
    return " ".join(told.split()) or None if isinstance(told, str) else None


def _recognises(path: Path) -> bool:
    return (path / STATE).is_file() or (path / SPLITS).is_file() or (path.is_dir() and bool(_parquet(path)))


KIND = Kind(
    "dataset", "a data set of `datasets` with an audio column: save_to_disk, or Parquet", _recognises, _speakers
)
