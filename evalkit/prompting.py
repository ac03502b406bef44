"""The first stage of a run: a prompt per voice and way of building it, kept by the content of all that goes into it."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

from evalkit.closed_loop import choose
from evalkit.digest import Json, digest, file_sha256
from evalkit.errors import DataError
from evalkit.listening import USER, Listener
from evalkit.plan import Cell, Plan
from evalkit.prompt import Prompt
from evalkit.prompts import REVISION, PromptSettings, build_prompt
from evalkit.stages import Bench, Failure, attempt
from evalkit.transcripts.book import Book
from evalkit.transcripts.checks import MAX_ERROR_RATE
from evalkit.voices import Clip, Voice

ENOUGH = 0.8  # of the seconds asked for: with less, a trial is not what its name says


def prompt_key(plan: Plan, listener: Listener, cell: Cell, voice: Voice) -> str:
    """Returns the content address of a voice's prompt: recordings, words, settings, rate, and the models that listen.

    In a closed loop the engine and the judge choose the words, so they count too.
    """
    reference = listener.reference
    parts: dict[str, Json] = {
        "revision": REVISION,
        "settings": asdict(cell.prompt),
        "sample_rate": cell.engine.sample_rate,
        "language": voice.language,
        "aligner": reference.aligner.fingerprint(),
        "speech": reference.speech.fingerprint(),
        "passes": listener.made_by,
        "clips": [_identity(listener, voice, clip) for clip in voice.prompt_clips],
    }
    if cell.prompt.text == "closed_loop":
        parts["engine"] = cell.engine.fingerprint()
        parts["judge"] = plan.judges.speakers[0].fingerprint()
        parts["references"] = [file_sha256(clip.path) for clip in voice.reference_clips]
    return digest(parts)


def _identity(listener: Listener, voice: Voice, clip: Clip) -> Json:
    """Returns all that a clip's audio and words depend on.

    Raises:
        DataError: Its file is gone.
    """
    if not clip.path.is_file():
        raise DataError(f"voice {voice.name!r}: no audio file at {clip.path}")
    entry = None if clip.text is not None else Book(listener.books, voice).find(clip.path.name, USER)
    set_by_user = [entry.text, entry.audio_sha256] if entry else None
    return [clip.path.name, file_sha256(clip.path), clip.text, set_by_user]


Prompts = Mapping[tuple[str, str], Prompt | Failure]  # by trial and voice


def make_prompts(plan: Plan, bench: Bench, books: Path) -> Prompts:
    """Builds the prompts that the store lacks; one that cannot be built is a failure of its voice's rows."""
    listener = Listener(bench, plan.reference, books)
    prompts: dict[tuple[str, str], Prompt | Failure] = {}
    keys = _keys(plan, listener)
    distinct = {key for key in keys.values() if isinstance(key, str)}
    bench.display.start("prompts", len(distinct), sum(bench.store.has("prompt", key) for key in distinct))
    built: dict[str, Prompt | Failure] = {}
    said: set[str] = set()
    for (trial, voice_name), key in keys.items():
        if isinstance(key, Failure):
            _say_once(bench, said, key)
            prompts[trial, voice_name] = key
            continue
        if key not in built:
            fresh = not bench.store.has("prompt", key)
            built[key] = _made(plan, listener, key, trial, voice_name)
            _say_once(bench, said, built[key])
            if fresh:
                bench.display.advance(failed=isinstance(built[key], Failure))
        prompts[trial, voice_name] = built[key]
    bench.display.finish()
    listener.close()
    return prompts


def notes_on(plan: Plan, prompts: Prompts) -> list[str]:
    """Returns what a reader of the report must know of the prompts, each thing once."""
    found = []
    for cell in plan.cells:
        for voice in plan.voices:
            prompt = prompts[cell.trial.id, voice.name]
            if isinstance(prompt, Prompt):
                found += _doubts(voice, cell.prompt, prompt)
    return list(dict.fromkeys(found))


def _doubts(voice: Voice, settings: PromptSettings, prompt: Prompt) -> list[str]:
    doubts = []
    if settings.seconds is not None and prompt.audio.seconds < ENOUGH * settings.seconds:
        doubts.append(
            f"voice {voice.name}: its clips give {prompt.audio.seconds:.1f} s of the "
            f"prompt.seconds={settings.seconds:g} asked for"
        )
    if prompt.text_wer is not None and prompt.text_wer > MAX_ERROR_RATE:
        doubts.append(
            f"voice {voice.name}: the words of {', '.join(prompt.clips)} have a WER of {prompt.text_wer:.2f} against "
            f"what is heard; look at them: python -m evalkit transcript show {voice.name} voices.path=DIR"
        )
    return doubts


def stored_prompts(plan: Plan, bench: Bench, books: Path) -> Prompts:
    """Returns the prompts that are in the store already; builds none and loads nothing."""
    keys = _keys(plan, Listener(bench, plan.reference, books))
    return {
        place: key if isinstance(key, Failure) else _read(bench, key)
        for place, key in keys.items()
        if isinstance(key, Failure) or bench.store.has("prompt", key)
    }


def _keys(plan: Plan, listener: Listener) -> dict[tuple[str, str], str | Failure]:
    return {
        (cell.trial.id, voice.name): attempt(partial(prompt_key, plan, listener, cell, voice))
        for cell in plan.cells
        for voice in plan.voices
    }


def _say_once(bench: Bench, said: set[str], outcome: Prompt | Failure) -> None:
    if isinstance(outcome, Failure) and outcome.message not in said:
        said.add(outcome.message)
        bench.display.say(outcome.message)


def _made(plan: Plan, listener: Listener, key: str, trial: str, voice_name: str) -> Prompt | Failure:
    bench = listener.bench
    if not bench.store.has("prompt", key):
        cell = next(cell for cell in plan.cells if cell.trial.id == trial)
        voice = next(voice for voice in plan.voices if voice.name == voice_name)
        prompt = attempt(partial(build, plan, listener, cell, voice))
        if isinstance(prompt, Failure):
            return prompt
        _write(bench, key, prompt)
    return _read(bench, key)


def build(plan: Plan, listener: Listener, cell: Cell, voice: Voice) -> Prompt:
    """Builds a voice's prompt for a cell, its words from where `prompt.text` says.

    Raises:
        DataError: It cannot be built.
    """
    if cell.prompt.text == "closed_loop":
        return choose(plan, listener, cell, voice)
    text_of = listener.automatic if cell.prompt.text == "automatic" else listener.given
    return build_prompt(voice, cell.prompt, cell.engine.sample_rate, partial(text_of, voice), listener)


def _write(bench: Bench, key: str, prompt: Prompt) -> None:
    bench.store.write_audio("prompt", key, prompt.audio)
    record: dict[str, Json] = {
        "text": prompt.text,
        "text_source": prompt.text_source,
        "clips": list(prompt.clips),
        "text_wer": prompt.text_wer,
    }
    bench.store.write_json("prompt", key, record)


def _read(bench: Bench, key: str) -> Prompt:
    """Reads a prompt back: engines hear the stored audio, whether it was just built or long ago."""
    record = bench.store.read_json("prompt", key)
    audio = bench.store.read_audio("prompt", key)
    return Prompt(audio, record["text"], record["text_source"], tuple(record["clips"]), record["text_wer"])
