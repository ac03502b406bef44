"""The stages in which judges hear sounds: transcripts, embeddings, opinions, measurements; each sound once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from evalkit.acoustics import Acoustics, measure
from evalkit.audio import Audio
from evalkit.digest import Json, digest
from evalkit.errors import JudgementError
from evalkit.judges.base import Judge, QualityModel, SpeakerEncoder, Transcriber, Transcript
from evalkit.stages import Bench, Failure, answers, attempt
from evalkit.store import Kind

CHUNK = 16  # audios in memory at a time
MEASURED = 1  # to be raised with what `acoustics.measure` gives
Embedding = NDArray[np.float32]
Opinion = Mapping[str, float]
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Sound:
    """Sound to be judged: its content address, how to read it, and the language spoken."""

    sha256: str
    read: Callable[[], Audio]
    language: str


def transcript_key(asr: Json, sha256: str, language: str) -> str:
    """Returns a transcript's content address; `asr` is the transcriber's fingerprint."""
    return digest({"asr": asr, "sha256": sha256, "language": language})


def transcribe(bench: Bench, transcriber: Transcriber, sounds: Sequence[Sound]) -> dict[str, Transcript | Failure]:
    """Returns a transcript (without the times of its words) or a failure for each sound, by `sha256`."""
    fingerprint = transcriber.fingerprint()
    keys = {sound.sha256: transcript_key(fingerprint, sound.sha256, sound.language) for sound in sounds}

    def call(chunk: Sequence[Sound]) -> Iterator[Transcript]:
        return transcriber.transcribe([sound.read() for sound in chunk], [sound.language for sound in chunk])

    def keep(key: str, transcript: Transcript) -> None:
        bench.store.write_json("transcript", key, asdict(transcript))

    failures = _heard(bench, transcriber, "transcripts", ("transcript", ".json"), _by_key(sounds, keys), call, keep)
    return {
        sha: failures.get(key) or _transcript(bench.store.read_json("transcript", key)) for sha, key in keys.items()
    }


def _transcript(kept: Mapping[str, Any]) -> Transcript:
    language = kept.get("language")
    return Transcript(str(kept["text"]), (), (str(language[0]), float(language[1])) if language else None)


def embed(bench: Bench, encoder: SpeakerEncoder, sounds: Sequence[Sound]) -> dict[str, Embedding | Failure]:
    """Returns an embedding of shape (d,) or a failure for each sound, by `sha256`."""
    fingerprint = encoder.fingerprint()
    keys = {sound.sha256: digest({"encoder": fingerprint, "sha256": sound.sha256}) for sound in sounds}

    def call(chunk: Sequence[Sound]) -> Iterator[Embedding]:
        audios = [sound.read() for sound in chunk]
        together = attempt(partial(encoder.embed, audios)) if len(audios) > 1 else None
        if together is None or isinstance(together, Failure):  # one by one, to find which it was
            return (_unit(encoder.embed([audio])) for audio in audios)
        return (_unit(row[None]) for row in together)

    def keep(key: str, embedding: Embedding) -> None:
        bench.store.write_array("embedding", key, embedding)

    stage = f"embeddings ({encoder.name})"
    failures = _heard(bench, encoder, stage, ("embedding", ".npy"), _by_key(sounds, keys), call, keep)
    return {sha: failures.get(key) or bench.store.read_array("embedding", key) for sha, key in keys.items()}


def _unit(embeddings: Embedding) -> Embedding:
    if embeddings.ndim != 2 or len(embeddings) != 1 or not abs(float(np.linalg.norm(embeddings)) - 1) < 1e-3:
        raise JudgementError(f"the speaker encoder gave no unit vector (shape {embeddings.shape})")
    unit: Embedding = embeddings[0]
    return unit


def assess(bench: Bench, model: QualityModel, sounds: Sequence[Sound]) -> dict[str, Opinion | Failure]:
    """Returns a quality model's scores or a failure for each sound, by `sha256`."""
    fingerprint = model.fingerprint()
    keys = {sound.sha256: digest({"quality": fingerprint, "sha256": sound.sha256}) for sound in sounds}

    def call(chunk: Sequence[Sound]) -> Iterator[Opinion]:
        return model.score([sound.read() for sound in chunk])

    def keep(key: str, opinion: Opinion) -> None:
        bench.store.write_json("quality", key, dict(opinion))

    stage = f"quality ({model.name})"
    failures = _heard(bench, model, stage, ("quality", ".json"), _by_key(sounds, keys), call, keep)
    return {sha: failures.get(key) or bench.store.read_json("quality", key) for sha, key in keys.items()}


def acoustics(bench: Bench, sounds: Sequence[Sound]) -> dict[str, Acoustics | Failure]:
    """Returns what can be measured in each sound without a judge, by `sha256`."""
    return {sound.sha256: attempt(partial(_measured, bench, sound)) for sound in sounds}


def _measured(bench: Bench, sound: Sound) -> Acoustics:
    key = digest({"measured": MEASURED, "sha256": sound.sha256})
    if not bench.store.has("acoustics", key):
        bench.store.write_json("acoustics", key, asdict(measure(sound.read())))
    return Acoustics(**bench.store.read_json("acoustics", key))


def _by_key(sounds: Sequence[Sound], keys: Mapping[str, str]) -> dict[str, Sound]:
    return {keys[sound.sha256]: sound for sound in sounds}


def _heard(
    bench: Bench,
    judge: Judge,
    stage: str,
    place: tuple[Kind, str],
    wanted: Mapping[str, Sound],
    call: Callable[[Sequence[Sound]], Iterator[Result]],
    keep: Callable[[str, Result], None],
) -> dict[str, Failure]:
    """Lets a judge hear what the store lacks; returns the failures by key."""
    todo = {key: sound for key, sound in wanted.items() if not bench.store.has(place[0], key, place[1])}
    bench.display.start(stage, len(wanted), len(wanted) - len(todo))
    failures: dict[str, Failure] = {}
    keys = list(todo)
    with bench.clock.inside_model():
        loaded = attempt(judge.load) if todo else None
    for start in range(0, len(keys), CHUNK):
        chunk = keys[start : start + CHUNK]
        sounds = [todo[key] for key in chunk]
        given = [loaded] * len(chunk) if isinstance(loaded, Failure) else answers(call, sounds, bench.clock)
        for key, outcome in zip(chunk, given, strict=True):
            if isinstance(outcome, Failure):
                failures[key] = outcome
            else:
                keep(key, outcome)
            bench.display.advance(failed=isinstance(outcome, Failure))
    bench.display.finish()
    judge.close()
    return failures
