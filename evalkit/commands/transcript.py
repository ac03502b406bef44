"""`evalkit transcript show|auto|set VOICE`: the reference text of a voice, and where it disagrees with the audio."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from evalkit.audio import Audio, read_audio
from evalkit.commands.display import display_on, quiet
from evalkit.commands.screen import show, tell
from evalkit.config.app import plan_of
from evalkit.config.schema import RunConfig
from evalkit.errors import ConfigError, DataError, StorageError
from evalkit.pipeline.attempts import Failure, attempt
from evalkit.pipeline.executors import Local
from evalkit.pipeline.listening import ASR, USER, Listening
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.prompting import Prompting
from evalkit.pipeline.workspace import Workspace
from evalkit.prompts.book import Book, Entry
from evalkit.prompts.checks import warnings
from evalkit.reports.terminal import plain_table
from evalkit.store.atomic import writing
from evalkit.store.directory import Directory, OnlyRead
from evalkit.text import normalizer
from evalkit.voices import Clip, Voice
from evalkit.weights.assets import library
from evalkit.words import error_rate

LOG = "transcript.log"


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
    plan, config = plan_of([*overrides, f"voices.names=[{voice_name}]"])
    (voice,) = plan.voices
    clips = [one for one in voice.prompt_clips if clip in (None, one.path.name)]
    if not clips:
        names = ", ".join(one.path.name for one in voice.prompt_clips)
        raise ConfigError(f"voice {voice.name!r} has no prompt clip {clip!r}; it has: {names}")
    if action == "set":
        return _set(config, voice, clips, words)
    library().require(dict.fromkeys(asset for one in _listeners(plan) for asset in one))
    with _log(config.store, action) as (store, log), quiet(log) as screen, store.used():
        workspace = Workspace.of(plan, store, display_on(screen), "transcript", config.memory)
        listener = Listening(workspace, plan.ears, config.transcripts)
        lines, failed = _auto(listener, voice, clips) if action == "auto" else _show(plan, listener, voice, clips)
        workspace.models.close()
    show("\n".join(lines))
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
            (place / LOG).open("ab").close()
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
            f"no words: python -m evalkit transcript set {voice.name} --clip {clips[0].path.name} 'WORDS'"
        )
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


def _auto(listener: Listening, voice: Voice, clips: Sequence[Clip]) -> tuple[list[str], bool]:
    rows, problems = [], []
    for clip in clips:
        made = attempt(partial(listener.automatic_entry, voice, clip, anew=True))
        if isinstance(made, Failure):
            problems.append(made.message)
        else:
            rows.append([clip.path.name, made.majority or "-", made.text])
    return [plain_table(["clip", "majority", "automatic text"], rows), *problems], bool(problems)


def _show(plan: Plan, listener: Listening, voice: Voice, clips: Sequence[Clip]) -> tuple[list[str], bool]:
    rows, found, failed = [], [], False
    for clip in clips:
        row, problems, wrong = _clip_row(listener, voice, clip)
        rows.append(row)
        found += [f"{clip.path.name}: {problem}" for problem in problems]
        failed |= wrong
    table = plain_table(["clip", "seconds", "source", "majority", "words/s", "WER", "text"], rows)
    prompt_lines, prompt_failed = _prompt_lines(plan, listener, voice)
    lines = [f"{voice.name} ({voice.language}), {len(clips)} prompt clips", table]
    lines += [problem if "heard otherwise" in problem else f"warning: {problem}" for problem in found]
    return [*lines, *prompt_lines], failed or prompt_failed


def _clip_row(listener: Listening, voice: Voice, clip: Clip) -> tuple[list[str], list[str], bool]:
    """Returns a clip's row, its warnings, and whether it cannot be used."""
    audio = attempt(partial(read_audio, clip.path))
    if isinstance(audio, Failure):
        return [clip.path.name, "-", "-", "-", "-", "-", ""], [audio.message], True
    stored = _stored(listener.books, voice, clip)
    if stored is None:
        row = [clip.path.name, f"{audio.seconds:.2f}", "none yet", "-", "-", "-", "(made at first need)"]
        return row, [], False
    wer = _error_rate(listener, audio, stored.text, voice.language)
    problems = warnings(stored.text, audio.seconds, wer)
    if wer:
        heard = " ".join(word.text for word in listener.words(audio, voice.language))
        problems.insert(0, f"heard otherwise: {heard}")
    if stored.audio_sha256 and stored.audio_sha256 != clip.sha256:
        problems.append("stale: the audio changed since this text was made")
    rate = f"{len(stored.text.split()) / audio.seconds:.1f}"
    shown = "-" if wer is None else f"{wer:.2f}"
    row = [clip.path.name, f"{audio.seconds:.2f}", stored.source, stored.majority or "-", rate, shown, stored.text]
    return row, problems, False


def _stored(books: Path, voice: Voice, clip: Clip) -> Entry | None:
    """Returns the text that a run would use, if there is one already."""
    if clip.text is not None:
        return Entry(clip.text, "user", "")
    book = Book(books, voice)
    return book.find(clip.path.name, USER) or book.find(clip.path.name, ASR)


def _error_rate(listener: Listening, audio: Audio, text: str, language: str) -> float | None:
    return error_rate(text, listener.words(audio, language), normalizer("whisper_basic"))


def _prompt_lines(plan: Plan, listener: Listening, voice: Voice) -> tuple[list[str], bool]:
    """Returns what the configured prompt would say, with its warnings."""
    workspace = listener.workspace
    prompting = Prompting(plan, workspace, Local(workspace), listener.books)
    prompt = attempt(partial(prompting.build, plan.cells[0], voice))
    if isinstance(prompt, Failure):
        return [f"prompt: cannot be built: {prompt.message}"], True
    wer = _error_rate(listener, prompt.audio, prompt.text, voice.language)
    shown = "" if wer is None else f", WER {wer:.2f} against what is heard in it"
    lines = [f"prompt: {prompt.audio.seconds:.2f} s of {len(prompt.clips)} clips, source {prompt.text_source}{shown}"]
    lines.append(f"  {prompt.text}")
    return [*lines, *(f"warning: prompt: {one}" for one in warnings(prompt.text, prompt.audio.seconds, wer))], False
