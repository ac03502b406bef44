"""The stages in which judges hear sounds: transcripts, embeddings, opinions, measurements; each sound once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import numpy as np

from evalkit.digest import digest
from evalkit.errors import JudgementError
from evalkit.judges.base import Judge, QualityModel, SpeakerEncoder, Transcriber, Transcript
from evalkit.metrics.acoustics import REVISION, Acoustics, measure
from evalkit.pipeline.artefacts import (
    ACOUSTICS,
    EMBEDDING,
    QUALITY,
    TRANSCRIPT,
    Embedding,
    Opinion,
    judgement_key,
)
from evalkit.pipeline.attempts import Failure, answers, attempt
from evalkit.pipeline.events import Advanced, StageBegun, StageEnded
from evalkit.pipeline.sounds import Sound
from evalkit.pipeline.workspace import Workspace
from evalkit.store.codecs import Kind
from evalkit.weights.devices import cores

CHUNK = 16  # audios given to a judge at a time
Result = TypeVar("Result")
Ask = Callable[[Sequence[Sound]], Iterator[Result | Failure]]


def transcribe(workspace: Workspace, asr: Transcriber, sounds: Sequence[Sound]) -> dict[str, Transcript | Failure]:
    """Returns a transcript or a failure for each sound, by `sha256`."""
    judge = workspace.identity(asr)

    def call(chunk: Sequence[Sound]) -> Iterator[Transcript]:
        return asr.transcribe([sound.read() for sound in chunk], [sound.language for sound in chunk])

    keys = {sound.sha256: judgement_key(judge, sound.sha256, sound.language) for sound in sounds}
    return _judged(workspace, ("transcripts", TRANSCRIPT), _named(sounds, keys), _by(workspace, asr, call))


def embed(workspace: Workspace, encoder: SpeakerEncoder, sounds: Sequence[Sound]) -> dict[str, Embedding | Failure]:
    """Returns an embedding of shape (d,) or a failure for each sound, by `sha256`."""
    judge = workspace.identity(encoder)

    def call(chunk: Sequence[Sound]) -> Iterator[Embedding]:
        return (_unit(encoder.embed([sound.read()])) for sound in chunk)

    keys = {sound.sha256: judgement_key(judge, sound.sha256) for sound in sounds}
    stage = f"embeddings ({encoder.name})"
    return _judged(workspace, (stage, EMBEDDING), _named(sounds, keys), _by(workspace, encoder, call))


def _unit(embeddings: Embedding) -> Embedding:
    if embeddings.ndim != 2 or len(embeddings) != 1 or not abs(float(np.linalg.norm(embeddings)) - 1) < 1e-3:
        raise JudgementError(f"the speaker encoder gave no unit vector (shape {embeddings.shape})")
    unit: Embedding = embeddings[0]
    return unit


def assess(workspace: Workspace, model: QualityModel, sounds: Sequence[Sound]) -> dict[str, Opinion | Failure]:
    """Returns a quality model's scores or a failure for each sound, by `sha256`."""
    judge = workspace.identity(model)

    def call(chunk: Sequence[Sound]) -> Iterator[Opinion]:
        return (dict(opinion) for opinion in model.score([sound.read() for sound in chunk]))

    keys = {sound.sha256: judgement_key(judge, sound.sha256) for sound in sounds}
    stage = f"quality ({model.name})"
    return _judged(workspace, (stage, QUALITY), _named(sounds, keys), _by(workspace, model, call))


def acoustics(workspace: Workspace, sounds: Sequence[Sound]) -> dict[str, Acoustics | Failure]:
    """Returns what can be measured in each sound without a judge, by `sha256`; on all cores."""

    def ask(chunk: Sequence[Sound]) -> Iterator[Acoustics | Failure]:
        with workspace.clock.inside_model():
            audios = [attempt(sound.read) for sound in chunk]
            with ThreadPoolExecutor(cores()) as pool:
                found = list(pool.map(_measured, audios))
        return iter(found)

    judge = digest({"measured": REVISION})
    keys = {sound.sha256: judgement_key(judge, sound.sha256) for sound in sounds}
    return _judged(workspace, ("acoustics", ACOUSTICS), _named(sounds, keys), ask)


def _measured(audio: object) -> Acoustics | Failure:
    return audio if isinstance(audio, Failure) else attempt(partial(measure, audio))  # type: ignore[arg-type]


def _named(sounds: Sequence[Sound], keys: Mapping[str, str]) -> dict[str, Sound]:
    return {keys[sound.sha256]: sound for sound in sounds}


def _by(workspace: Workspace, judge: Judge, call: Callable[[Sequence[Sound]], Iterator[Result]]) -> "Ask[Result]":
    """Returns a way to ask a judge, loaded when it is first needed."""

    def ask(chunk: Sequence[Sound]) -> Iterator[Result | Failure]:
        workspace.models.require(judge)
        return answers(call, chunk, workspace.clock)

    return ask


def _judged(
    workspace: Workspace,
    stage: tuple[str, Kind[Result]],
    wanted: Mapping[str, Sound],
    ask: "Ask[Result]",
) -> dict[str, Result | Failure]:
    """Lets a judge hear what the store lacks; returns what it says, or why it does not, by the sound's address."""
    name, kind = stage
    found = workspace.artefacts.read(kind, wanted)
    outcomes: dict[str, Result | Failure] = {**found}
    todo = [key for key in wanted if key not in outcomes]
    workspace.listener.hear(StageBegun(name, len(wanted), len(outcomes)))
    for start in range(0, len(todo), CHUNK):
        chunk = todo[start : start + CHUNK]
        for key, outcome in zip(chunk, ask([wanted[key] for key in chunk]), strict=True):
            outcomes[key] = outcome
            if not isinstance(outcome, Failure):
                workspace.artefacts.write(kind, {key: outcome})
            workspace.listener.hear(Advanced(failed=isinstance(outcome, Failure)))
    workspace.listener.hear(StageEnded())
    return {wanted[key].sha256: outcome for key, outcome in outcomes.items()}
