"""Entries and rows: what each utterance needs, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from evalkit import scoring
from evalkit.audio import Audio, read_audio
from evalkit.digest import digest
from evalkit.engines.base import Request
from evalkit.metrics import Evidence
from evalkit.plan import Cell, Plan
from evalkit.probes import Probe
from evalkit.prompt import Prompt
from evalkit.prompting import Prompts
from evalkit.report import ErrorRecord, PromptRecord, Row
from evalkit.stages import Bench, Failure, Sound, SynthesisJob, attempt, embed, synthesis_key, timed_on, transcribe
from evalkit.text import normalizer
from evalkit.trial import Utterance
from evalkit.voices import Voice

Embedding = NDArray[np.float32]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Entry:
    """One utterance of the plan: what it is made from, and the synthesis that answers it.

    `job` is None where the prompt could not be built.
    """

    utterance: Utterance
    cell: Cell
    voice: Voice
    probe: Probe
    prompt: Prompt | Failure
    key: str
    job: SynthesisJob | None


def entries_of(plan: Plan, prompts: Prompts) -> list[Entry]:
    """Returns the plan's utterances; those whose prompt is not among `prompts` (a dry run's) are left out."""
    entries = []
    for cell in plan.cells:
        fingerprint = digest(cell.engine.fingerprint())
        for utterance, voice, probe in plan.utterances(cell):
            prompt = prompts.get((cell.trial.id, voice.name))
            if prompt is not None:
                entries.append(_entry(utterance, cell, voice, probe, prompt, fingerprint))
    return entries


def _entry(
    utterance: Utterance, cell: Cell, voice: Voice, probe: Probe, prompt: Prompt | Failure, fingerprint: str
) -> Entry:
    if isinstance(prompt, Failure):
        return Entry(utterance, cell, voice, probe, prompt, "", None)
    request = Request(probe.text, prompt, utterance.seed, probe.language)
    job = SynthesisJob(cell.engine, request)
    return Entry(utterance, cell, voice, probe, prompt, synthesis_key(fingerprint, request), job)


@dataclass(frozen=True, eq=False)
class Judged:
    """All that the judges said, by content address; `references` has each voice's sounds that `sim` compares with."""

    synthesis_failures: Mapping[str, Failure]
    made: Mapping[str, dict[str, Any]]
    transcripts: Mapping[str, str | Failure]
    embeddings: Mapping[str, Embedding | Failure]
    references: Mapping[str, list[Sound] | Failure]
    normalizer: str


def judge(plan: Plan, bench: Bench, entries: Sequence[Entry], failures: Mapping[str, Failure]) -> Judged:
    """Lets the judges hear every synthesis, reference clip and prompt, each sound once."""
    made, spoken = {}, {}
    for entry in entries:
        if entry.job and entry.key not in failures and entry.key not in made:
            record = bench.store.read_json("synthesis", entry.key)
            read = partial(bench.store.read_audio, "synthesis", entry.key)
            made[entry.key] = record
            spoken[record["sha256"]] = Sound(record["sha256"], read, entry.probe.language)
    references = {voice.name: attempt(lambda voice=voice: _references(voice)) for voice in plan.voices}  # type: ignore[misc]
    heard = {
        sound.sha256: sound for sounds in references.values() if not isinstance(sounds, Failure) for sound in sounds
    }
    prompts = {
        entry.prompt.audio.sha256: _sound(entry.prompt.audio, entry.voice.language)
        for entry in entries
        if isinstance(entry.prompt, Prompt)
    }
    return Judged(
        synthesis_failures=failures,
        made=made,
        transcripts=transcribe(bench, plan.judges.asr, list(spoken.values())),
        embeddings=embed(bench, plan.judges.speaker, list({**spoken, **heard, **prompts}.values())),
        references=references,
        normalizer=plan.judges.normalizer,
    )


def _references(voice: Voice) -> list[Sound]:
    return [_sound(read_audio(clip.path), voice.language) for clip in voice.reference_clips]


def _sound(audio: Audio, language: str) -> Sound:
    return Sound(audio.sha256, lambda: audio, language)


def row_of(entry: Entry, judged: Judged, bench: Bench) -> Row:
    """Returns the row of an utterance: scored, or failed with its reason."""
    made = judged.made.get(entry.key)
    failure = _failure(entry, judged)
    told: dict[str, Any] = {}
    if made is not None:
        told = {
            "audio": str(bench.store.path("synthesis", entry.key, ".flac").relative_to(bench.store.root)),
            "audio_seconds": made["audio_seconds"],
            "intended_text": made.get("intended_text"),
            "synth_seconds": _seconds_here(entry, made),
            "cached": made["run"] != bench.run_id,
        }
    if failure is None:
        told |= _scored(entry, judged, judged.made[entry.key])
    else:
        told["error"] = ErrorRecord(failure.type, failure.message)
    return Row(
        trial=entry.utterance.trial,
        engine=entry.cell.engine.name,
        settings=entry.cell.trial.settings,
        voice=entry.voice.name,
        probe=entry.probe.id,
        seed=entry.utterance.seed,
        language=entry.probe.language,
        text=entry.probe.text,
        prompt=_prompt_record(entry.prompt),
        **told,
    )


def _failure(entry: Entry, judged: Judged) -> Failure | None:
    """Returns the first thing that went wrong on the utterance's way."""
    if isinstance(entry.prompt, Failure):
        return entry.prompt
    if entry.key in judged.synthesis_failures:
        return judged.synthesis_failures[entry.key]
    references = judged.references[entry.voice.name]
    if isinstance(references, Failure):
        return references
    sha256 = judged.made[entry.key]["sha256"]
    opinions = [
        judged.transcripts[sha256],
        judged.embeddings[sha256],
        judged.embeddings[entry.prompt.audio.sha256],
        *(judged.embeddings[sound.sha256] for sound in references),
    ]
    return next((opinion for opinion in opinions if isinstance(opinion, Failure)), None)


def _scored(entry: Entry, judged: Judged, made: Mapping[str, Any]) -> dict[str, Any]:
    normalise = normalizer(judged.normalizer)
    hypothesis = str(judged.transcripts[made["sha256"]])
    intended = made.get("intended_text")
    references = judged.references[entry.voice.name]
    evidence = Evidence(
        reference=normalise(entry.probe.text),
        hypothesis=normalise(hypothesis),
        intended=None if intended is None else normalise(intended),
        embedding=_embedding(judged, made["sha256"]),
        reference_embeddings=np.stack([_embedding(judged, sound.sha256) for sound in _present(references)]),
        prompt_embedding=_embedding(judged, _present(entry.prompt).audio.sha256),
        audio_seconds=made["audio_seconds"],
        synth_seconds=_seconds_here(entry, made),
    )
    values, weights = scoring.scores(evidence)
    compared: Literal["held_out", "prompt"] = "held_out" if entry.voice.held_out_clips else "prompt"
    return {
        "hypothesis": hypothesis,
        "sim_reference": compared,
        "scores": values,
        "weights": weights,
        "edits": scoring.edits(evidence),
    }


def _seconds_here(entry: Entry, made: Mapping[str, Any]) -> float | None:
    """Returns how long the synthesis took, if that was on this machine and device."""
    here = made["timed_on"] == timed_on(entry.cell.engine)
    return float(made["synth_seconds"]) if here else None


def _embedding(judged: Judged, sha256: str) -> Embedding:
    return _present(judged.embeddings[sha256])


def _present(value: T | Failure) -> T:
    if isinstance(value, Failure):  # _failure has seen to that
        raise TypeError(value.message)
    return value


def _prompt_record(prompt: Prompt | Failure) -> PromptRecord | None:
    if isinstance(prompt, Failure):
        return None
    return PromptRecord(
        seconds=prompt.audio.seconds,
        text=prompt.text,
        text_source=prompt.text_source,
        sha256=prompt.sha256,
        clips=list(prompt.clips),
        text_wer=prompt.text_wer,
    )
