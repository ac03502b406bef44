"""Kinds `librispeech` and `libritts`: SPEAKER/CHAPTER/ with audio and its words; the chapter is the session.

Of LibriSpeech the words stand in one file a chapter, in capitals, which some engines spell letter by letter: they are
written small here, but for the first and for `I`. Of LibriTTS they stand beside each file, normalised.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from evalkit.corpora.base import Kind, Source, Speaker, Take, folders, words_at
from evalkit.errors import DataError
from evalkit.textfile import read_text

LICENCE = "CC-BY-4.0"
SEXES = {"F": "female", "M": "male"}
Chapter = Callable[[Source, Path], Iterator[Take]]


def _speakers(source: Source, chapter: Chapter) -> Iterator[Speaker]:
    known, places = _about(source.path), dict[str, list[Path]]()
    for subset in _subsets(source.path):
        for folder in folders(subset):
            if folder.name.isdecimal():
                places.setdefault(folder.name, []).append(folder)
    for name, own in places.items():
        subsets = "+".join(folder.parent.name for folder in own)
        told = ", ".join(one for one in (subsets, f"speaker {name}", known.get(name)) if one)
        yield Speaker(name, partial(_takes, source, own, chapter), told, "en", LICENCE)


def _takes(source: Source, own: list[Path], chapter: Chapter) -> list[Take]:
    chapters = [inner for folder in own for inner in folders(folder) if inner.name.isdecimal()]
    return [take for inner in chapters for take in chapter(source, inner)]


def _librispeech(source: Source, chapter: Path) -> Iterator[Take]:
    said: dict[str, str] = {}
    for path in sorted(chapter.glob("*.trans.txt")):
        said |= transcripts(words_at(source, path) or "", path)
    for path in sorted(chapter.glob("*.flac")):
        text = said.get(path.stem)
        yield Take(path.stem, path, chapter.name, str(path), None if text is None else small(text))


def _libritts(source: Source, chapter: Path) -> Iterator[Take]:
    for path in sorted(chapter.glob("*.wav")):
        yield Take(path.stem, path, chapter.name, str(path), words_at(source, path.with_suffix(".normalized.txt")))


def transcripts(text: str, path: Path) -> dict[str, str]:
    """Returns the words of each utterance of a chapter, by its name.

    Raises:
        DataError: A line has no words, or a name stands there twice.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        name, *rest = line.strip().split(maxsplit=1)
        if not rest:
            raise DataError(f"{path}, line {number}: no words after {name!r}; a line is: NAME WORDS")
        if name in found:
            raise DataError(f"{path}, line {number}: the words of {name!r} stand there twice; keep one line")
        found[name] = rest[0]
    return found


def small(text: str) -> str:
    """Returns words that stand in capitals alone in small letters, but for the first and for `I`; others unchanged."""
    return re.sub(r"\bi\b", "I", text.capitalize()) if text.isupper() else text


def _about(path: Path) -> Mapping[str, str]:
    """Returns sex and name of readers, by number, from the corpus's own list, where it is: there or one folder up."""
    for place in (path, path.absolute().parent):
        for name in ("SPEAKERS.TXT", "SPEAKERS.txt"):
            if (place / name).is_file():
                return readers(read_text(place / name, "list of speakers"))
    return {}


def readers(text: str) -> dict[str, str]:
    """Returns what a list of speakers (`ID | SEX | SUBSET | MINUTES | NAME`) says of each; other lines are no news."""
    found = {}
    for line in text.split("\n"):
        fields = [field.strip() for field in line.split("|", 4)]
        if len(fields) == 5 and fields[0].isdecimal():
            found[fields[0]] = ", ".join(one for one in (SEXES.get(fields[1], ""), fields[4]) if one)
    return found


def _subsets(path: Path) -> list[Path]:
    """Returns the folders of speakers: the path itself (`dev-clean`), or those in it (`LibriSpeech/*`)."""
    return [path] if _has_speakers(path) else [folder for folder in folders(path) if _has_speakers(folder)]


def _has_speakers(path: Path) -> bool:
    return any(folder.name.isdecimal() for folder in folders(path))


def _recognises(path: Path, pattern: str) -> bool:
    """Whether the first chapter of the first speaker has files of that name."""
    for subset in _subsets(path) if path.is_dir() else []:
        for speaker in folders(subset):
            for chapter in folders(speaker) if speaker.name.isdecimal() else []:
                return next(chapter.glob(pattern), None) is not None
    return False


LIBRISPEECH = Kind(
    "librispeech",
    "SPEAKER/CHAPTER/*.flac with *.trans.txt",
    partial(_recognises, pattern="*.trans.txt"),
    partial(_speakers, chapter=_librispeech),
    session="chapter",
    source="LibriSpeech, https://www.openslr.org/12",
)
LIBRITTS = Kind(
    "libritts",
    "SPEAKER/CHAPTER/*.wav with *.normalized.txt",
    partial(_recognises, pattern="*.normalized.txt"),
    partial(_speakers, chapter=_libritts),
    session="chapter",
    source="LibriTTS, https://www.openslr.org/60",
)
