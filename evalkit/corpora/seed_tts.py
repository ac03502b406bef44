"""Kind `seed-tts-eval`: its lists, `id|prompt's words|prompt's file|text[|recording of the text]`.

Each prompt is a voice of one clip. Where a line has the fifth field, that recording of the same speaker is held out,
with the text as its words; without one, a voice has nothing to hold SIM against but its own prompt.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evalkit.corpora.base import Kind, Source, Speaker, Take
from evalkit.errors import DataError
from evalkit.names import path_fault, shortened
from evalkit.textfile import read_text

SUFFIX = ".lst"
LANGUAGES = {"en", "zh"}


@dataclass(frozen=True)
class Line:
    """A line of a list; `recording` is of the text, by the prompt's speaker."""

    number: int
    prompt_text: str
    prompt: str
    text: str
    recording: str | None


def lines(text: str, path: Path) -> list[Line]:
    """Returns the lines of a list.

    Raises:
        DataError: One has another number of fields, or a path that is none.
    """
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        fields = [field.strip() for field in line.split("|")]
        if len(fields) not in {4, 5} or not (fields[2] and fields[3]):
            raise DataError(
                f"{path}, line {number}: {shortened(line.strip())!r} is not: "
                "ID|WORDS OF THE PROMPT|FILE OF THE PROMPT|TEXT, and a fifth field with the text's recording or without"
            )
        recording = fields[4] if len(fields) == 5 else ""
        for name in (fields[2], recording):
            if fault := path_fault(name):
                raise DataError(f"{path}, line {number}: the file name {name!r} {fault}")
        found.append(Line(number, fields[1], fields[2], fields[3], recording or None))
    return found


def _speakers(source: Source) -> Iterator[Speaker]:
    by_prompt: dict[str, list[Line]] = {}
    for line in lines(read_text(source.path, "list"), source.path):
        by_prompt.setdefault(line.prompt, []).append(line)
    if not by_prompt:
        raise DataError(f"{source.path} has no lines")
    if not any(line.recording for own in by_prompt.values() for line in own):
        source.remark(
            f"{source.path} has no recordings of its texts (a fifth field): SIM of these voices is against the prompt "
            "itself, which copying it would win; the lists named non_para_* have some"
        )
    folder = source.path.absolute().parent
    language = folder.name if folder.name in LANGUAGES else None
    names = _names(list(by_prompt))
    for prompt, own in by_prompt.items():
        takes = _takes(source.path, prompt, own)
        yield Speaker(names[prompt], takes.copy, language=language)


def _takes(path: Path, prompt: str, own: list[Line]) -> list[Take]:
    where = f"{path}, line {own[0].number}"
    if differing := [line for line in own if line.prompt_text != own[0].prompt_text]:
        raise DataError(
            f"{path}, line {differing[0].number}: the words of {prompt} are others than in line {own[0].number}; "
            "it is one recording: keep those that are spoken"
        )
    takes = {prompt: Take(prompt, path.parent / prompt, prompt, where, own[0].prompt_text or None, "prompt")}
    for line in own:
        if line.recording is not None and line.recording not in takes:
            told = f"{path}, line {line.number}"
            takes[line.recording] = Take(
                line.recording, path.parent / line.recording, line.recording, told, line.text, "held_out"
            )
    return list(takes.values())


def _names(prompts: list[str]) -> dict[str, str]:
    """Returns a name for each prompt: its file's, or its path where two files share that."""
    stems = Counter(Path(prompt).stem for prompt in prompts)
    return {prompt: stem if stems[stem := Path(prompt).stem] == 1 else prompt for prompt in prompts}


KIND = Kind(
    "seed-tts-eval",
    "a list of seed-tts-eval: meta.lst, non_para_reconstruct_meta.lst",
    lambda path: path.is_file() and path.suffix == SUFFIX,
    _speakers,
    session="file",
    source="seed-tts-eval, https://github.com/BytedanceSpeech/seed-tts-eval",
)
