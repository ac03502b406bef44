"""`evalkit transcript show|auto|set VOICE`: the reference text of a voice, and where it disagrees with the audio."""

import argparse
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from evalkit.audio import read_recording
from evalkit.commands.display import display_on
from evalkit.commands.quiet import quiet
from evalkit.commands.screen import show, tell
from evalkit.config.app import plan_of
from evalkit.config.schema import RunConfig
from evalkit.errors import ConfigError, DataError, StorageError
from evalkit.judges.base import Transcriber
from evalkit.pipeline.attempts import Failure, attempt
from evalkit.pipeline.events import Advanced, StageBegun, StageEnded
from evalkit.pipeline.executors import Local
from evalkit.pipeline.listening import ASR, USER, Listening
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.prompting import Prompting
from evalkit.pipeline.workspace import Workspace
from evalkit.prompt import EndsAt, Prompt
from evalkit.prompts.book import Book, Entry
from evalkit.prompts.checks import warnings
from evalkit.prompts.settings import CLIP_SECONDS
from evalkit.reports.layout import folded, terminal_width, with_text
from evalkit.store.atomic import appending, writing
from evalkit.store.directory import Directory, OnlyRead
from evalkit.text import Normalizer
from evalkit.voicefolders import words as words_of
from evalkit.voices import Clip, Voice
from evalkit.weights.assets import library
from evalkit.words import error_rate

LOG = "transcript.log"
_LONG = f"long: only its first {CLIP_SECONDS:g} s are used, and heard here"
SECONDS_A_GIGABYTE = 9.0  # of weights, to hear a clip on two cores: Whisper base 1.3 s, large-v3 28 s
ENDS: dict[EndsAt, str] = {
    "clip": "ends with a clip",
    "pause": "ends in a pause",
    "word": "ends between words",
    "hard": "cut hard",
}


def typed_transcript(typed: Sequence[str]) -> int:
    """Does what was typed after `transcript`; returns the exit code, raises as `run_transcript`.

    Words and overrides may stand before and after options, which subcommands of argparse cannot take.
    """
    parser = argparse.ArgumentParser(prog="evalkit transcript", description="The reference text of a voice.")
    parser.add_argument("action", choices=["show", "auto", "set"])
    parser.add_argument("voice", metavar="VOICE")
    parser.add_argument(
        "rest", nargs="*", metavar="[WORDS] key=value", help="set: the words; all: overrides as of `run`"
    )
    parser.add_argument("--clip", metavar="FILE", help="one prompt clip, by file name (default: all)")
    parsed = parser.parse_intermixed_args(typed)
    overrides = [one for one in parsed.rest if re.match(r"[+~]*[\w./@]+=", one)]
    words = [one for one in parsed.rest if one not in overrides]
    if len(words) > (parsed.action == "set"):
        parser.error(f"{words[-1]!r} is no override (key=value){'; put the words in quotes' if len(words) > 1 else ''}")
    return run_transcript(parsed.action, parsed.voice, parsed.clip, words[0] if words else None, overrides)


def run_transcript(action: str, voice_name: str, clip: str | None, words: str | None, overrides: Sequence[str]) -> int:
    """Shows, makes or sets reference text; returns the exit code, 1 where a clip has no usable words.

    Args:
        action: `show`, `auto` or `set`.
        voice_name: Of the voices that the overrides choose.
        clip: File name of one prompt clip; None: all of them.
        words: The text to set.
        overrides: As `run` takes them: voices, ears, prompt.

    Raises:
        EvalkitError: No such voice or clip, a text that may not be set, or weights are missing.
    """
    plan, config = plan_of(overrides, voice_name)
    (voice,) = plan.voices
    clips = [one for one in voice.prompt_clips if clip in (None, one.path.name)]
    if not clips:
        names = ", ".join(one.path.name for one in voice.prompt_clips)
        raise ConfigError(f"voice {voice.name!r} has no prompt clip {clip!r}; it has: {names}")
    if action == "set":
        return _set(config, voice, clips, words)
    library().require(dict.fromkeys(asset for one in _listeners(plan) for asset in one))
    width = terminal_width()  # before standard output goes to the log
    with _log(config.store, action) as (store, log), quiet(log) as screen, store.used():
        display = display_on(screen)
        workspace = Workspace.of(plan, store, display, "transcript", config.memory)
        listener = Listening(workspace, plan.ears, config.transcripts, plan.languages)
        try:
            if action == "auto":
                lines, failed = _auto(listener, voice, clips, width)
            else:
                lines, failed = _show(plan, listener, voice, clips, width)
        finally:
            display.finish()
        workspace.models.close()
    show("\n".join([*plan.remarks, *lines]))
    return 1 if failed else 0


@contextmanager
def _log(place: Path, action: str) -> Iterator[tuple[Directory, Path]]:
    """Yields the store and the log; to look at a transcript, a store that can only be read will do.

    Raises:
        StorageError: The store cannot be written.
    """
    try:
        with writing(place):
            place.mkdir(parents=True, exist_ok=True)
            appending(place / LOG).close()
    except StorageError as error:
        if action != "show":
            raise
        tell(f"{error}. Nothing of what is heard now is kept")
        with TemporaryDirectory() as scratch:
            yield OnlyRead(place), Path(scratch) / LOG
        return
    yield Directory(place), place / LOG


def _listeners(plan: Plan) -> list[tuple[str, ...]]:
    return [one.assets for one in plan.ears.all]


def _set(config: RunConfig, voice: Voice, clips: Sequence[Clip], words: str | None) -> int:
    if len(clips) > 1:
        raise ConfigError(f"voice {voice.name!r} has {len(clips)} prompt clips; name one with --clip FILE")
    text = " ".join((words or "").split())
    if not text:
        raise ConfigError(
            f"no words: python -m evalkit transcript set {shlex.quote(voice.name)} "
            f"--clip {shlex.quote(clips[0].path.name)} 'WORDS'"
        )
    words_of(text, f"the words of {clips[0].path.name}")
    if clips[0].text is not None:
        raise DataError(
            f"voice {voice.name!r}: the words of {clips[0].path.name} stand beside it or in its voice.yaml, "
            "and what you wrote there always wins: change them there"
        )
    book = Book(config.transcripts, voice)
    book.write(clips[0].path.name, USER, Entry(text, "user", clips[0].sha256))
    tell(f"{voice.name}: {clips[0].path.name}: {text}")
    show(str(book.path))
    return 0


def _auto(listener: Listening, voice: Voice, clips: Sequence[Clip], width: int) -> tuple[list[str], bool]:
    rows, problems = [], []
    _say_how_long(listener, voice, len(clips) * len(listener.ears.passes), listener.ears.passes[0])
    for clip in _in_turn(listener, clips):
        made = attempt(partial(listener.automatic_entry, voice, clip, anew=True))
        if isinstance(made, Failure):
            problems.append(made.message)
        else:
            rows.append([clip.path.name, made.majority or "-", made.text])
    return [*with_text(["clip", "majority", "automatic text"], rows, width), *problems], bool(problems)


def _say_how_long(listener: Listening, voice: Voice, hearings: int, transcriber: Transcriber) -> None:
    """Tells beforehand how long it takes to hear what was not heard yet."""
    if hearings:
        gigabytes = sum(library().get(asset).bytes for asset in transcriber.assets) / 1e9
        seconds = max(1, round(hearings * gigabytes * SECONDS_A_GIGABYTE))
        times = "once" if hearings == 1 else f"{hearings} times"
        listener.workspace.say(
            f"{voice.name}: to listen {times} takes about {seconds} s on two cores; what is heard is kept"
        )


def _in_turn(listener: Listening, clips: Sequence[Clip]) -> Iterator[Clip]:
    """Gives clips, and tells how far they are."""
    hear = listener.workspace.listener.hear
    hear(StageBegun("clips", len(clips), 0))
    for clip in clips:
        yield clip
        hear(Advanced())
    hear(StageEnded())


def _show(plan: Plan, listener: Listening, voice: Voice, clips: Sequence[Clip], width: int) -> tuple[list[str], bool]:
    normalise = plan.normalise(voice.language)
    rows, found, failed = [], [], False
    _say_how_long(listener, voice, _unheard(listener, voice, clips), listener.ears.aligner)
    prompt_lines, prompt_failed = _prompt_lines(plan, listener, voice)  # it may need words that nobody heard yet
    for clip in _in_turn(listener, clips):
        row, problems, wrong = _clip_row(listener, voice, clip, normalise)
        rows.append(row)
        found += [f"{clip.path.name}: {problem}" for problem in problems]
        failed |= wrong
    told = [problem if "heard otherwise" in problem else f"warning: {problem}" for problem in found] + prompt_lines
    return [
        f"{voice.name} ({voice.language}), {len(clips)} prompt clips",
        *with_text(["clip", "seconds", "source", "majority", "words/s", "WER", "text"], rows, width),
        *(line for one in told for line in _folded(one, width)),
    ], failed or prompt_failed


def _folded(line: str, width: int) -> list[str]:
    text = line.lstrip()
    indent = line[: len(line) - len(text)]
    return folded(text, width, indent, indent or "  ")


def _unheard(listener: Listening, voice: Voice, clips: Sequence[Clip]) -> int:
    """Returns how many times a transcriber will listen, at the most."""
    times = 0
    for clip in clips:
        recording = attempt(partial(read_recording, clip.path, CLIP_SECONDS))
        if not isinstance(recording, Failure):
            audio = recording.audio
            times += not listener.has_heard(audio, voice.language)
            times += len(listener.ears.passes) * (_stored(listener.books, voice, clip) is None)
    return times


def _clip_row(
    listener: Listening, voice: Voice, clip: Clip, normalise: Normalizer
) -> tuple[list[str], list[str], bool]:
    """Returns a clip's row, its warnings, and whether it cannot be used."""
    recording = attempt(partial(read_recording, clip.path, CLIP_SECONDS))
    if isinstance(recording, Failure):
        return [clip.path.name, "-", "-", "-", "-", "-", ""], [recording.message], True
    audio, stored = recording.audio, _stored(listener.books, voice, clip)
    if stored is None:
        row = [clip.path.name, f"{audio.seconds:.2f}", "none yet", "-", "-", "-", "(made at first need)"]
        return row, [], False
    heard = listener.said(audio, voice.language)
    language = listener.languages[voice.language]
    wer = error_rate(stored.text, heard, normalise, language.parted) if recording.whole else None
    problems = warnings(stored.text, audio.seconds, wer, language) if recording.whole else [_LONG]
    if wer:
        problems.insert(0, f"heard otherwise: {heard}")
    if stored.audio_sha256 and stored.audio_sha256 != clip.sha256:
        problems.append("stale: the audio changed since this text was made")
    rate = f"{len(language.parted(stored.text)) / audio.seconds:.1f}"
    shown = "-" if wer is None else f"{wer:.2f}"
    row = [clip.path.name, f"{audio.seconds:.2f}", stored.source, stored.majority or "-", rate, shown, stored.text]
    return row, problems, False


def _stored(books: Path, voice: Voice, clip: Clip) -> Entry | None:
    """Returns the text that a run would use, if there is one already."""
    if clip.text is not None:
        return Entry(clip.text, "user", "")
    book = Book(books, voice)
    return book.find(clip.path.name, USER) or book.find(clip.path.name, ASR)


def _prompt_lines(plan: Plan, listener: Listening, voice: Voice) -> tuple[list[str], bool]:
    """Returns what the configured prompt would say, with its warnings."""
    workspace = listener.workspace
    prompting = Prompting(plan, workspace, Local(workspace), listener.books)
    prompt = attempt(partial(prompting.build, plan.cells[0], voice))
    if isinstance(prompt, Failure):
        return [f"prompt: cannot be built: {prompt.message}"], True
    lines = [_prompt_line(prompt, plan.cells[0].prompt.seconds), f"  {prompt.text}"]
    doubts = warnings(prompt.text, prompt.audio.seconds, prompt.wer, plan.languages[voice.language])
    return [*lines, *(f"warning: prompt: {one}" for one in doubts)], False


def _prompt_line(prompt: Prompt, wanted: float | None) -> str:
    """Returns how long a prompt is, where it ends, and whether it says what its text says."""
    length = f"{prompt.audio.seconds:.2f} s" + ("" if wanted is None else f" ({wanted:g} s were asked for)")
    parts = [f"{length} of {len(prompt.clips)} clips", f"source {prompt.text_source}"]
    if prompt.ending is not None:
        parts.append(ENDS[prompt.ending.at])
    if prompt.wer is not None:
        parts.append(f"WER {prompt.wer:.2f} against what is heard in it")
    return f"prompt: {', '.join(parts)}"
