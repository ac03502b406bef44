"""Kind `vctk`: wav48_silence_trimmed/pXXX/*_mic1.flac with txt/pXXX/*.txt, as in version 0.92.

Both microphones heard the same sentence at once, so only the first one's file is taken.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from evalkit.corpora.base import Kind, Source, Speaker, Take, folders, words_at
from evalkit.textfile import read_text

AUDIO, TEXTS, SPEAKERS = "wav48_silence_trimmed", "txt", "speaker-info.txt"
MICROPHONE = "_mic1"
SEXES = {"F": "female", "M": "male"}


def _speakers(source: Source) -> Iterator[Speaker]:
    known = _about(source.path / SPEAKERS)
    for folder in folders(source.path / AUDIO):
        told = ", ".join(one for one in (f"speaker {folder.name}", known.get(folder.name)) if one)
        yield Speaker(folder.name, partial(_takes, source, folder), told, "en", "CC-BY-4.0")


def _takes(source: Source, folder: Path) -> list[Take]:
    found = []
    for path in sorted(folder.glob(f"*{MICROPHONE}.flac")):
        sentence = path.stem.removesuffix(MICROPHONE)
        text = words_at(source, source.path / TEXTS / folder.name / f"{sentence}.txt")  # those of p315 were lost
        found.append(Take(sentence, path, sentence, str(path), text))
    return found


def _about(path: Path) -> Mapping[str, str]:
    return speakers(read_text(path, "list of speakers")) if path.is_file() else {}


def speakers(text: str) -> dict[str, str]:
    """Returns sex and accent of each speaker of a list (`ID AGE GENDER ACCENTS ...`); other lines are no news."""
    found = {}
    for line in text.split("\n"):
        fields = line.split()
        if len(fields) >= 4 and fields[1].isdecimal():
            found[fields[0]] = f"{SEXES.get(fields[2], fields[2])}, {fields[3]}"
    return found


KIND = Kind(
    "vctk",
    f"{AUDIO}/pXXX/*{MICROPHONE}.flac with txt/pXXX/*.txt",
    lambda path: (path / AUDIO).is_dir(),
    _speakers,
    source="CSTR VCTK Corpus 0.92, https://doi.org/10.7488/ds/2645",
)
