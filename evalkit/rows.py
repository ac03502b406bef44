"""Entries and rows: what each utterance needs, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np

from evalkit import scoring
from evalkit.digest import digest
from evalkit.engines.base import Request
from evalkit.judged import Judged
from evalkit.metrics import Evidence, Likeness, flags, place
from evalkit.plan import Cell, Plan
from evalkit.probes import Probe
from evalkit.prompt import Prompt
from evalkit.prompting import Prompts
from evalkit.report import ErrorRecord, PromptRecord, Row
from evalkit.stages import Bench, Failure, SynthesisJob, synthesis_key, timed_on
from evalkit.text import normalizer
from evalkit.trial import Utterance
from evalkit.voices import Voice

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
class Context:
    """What a row is made from, beside its entry.

    Attributes:
        judged: All that the judges said.
        failures: Syntheses that could not be made, by key.
        prompts: The normalised words of each trial's prompts, by voice: the control for bleed.
        bench: Where syntheses lie.
    """

    judged: Judged
    failures: Mapping[str, Failure]
    prompts: Mapping[str, Mapping[str, str]]
    bench: Bench


def prompt_words(entries: Sequence[Entry], normalise_by: str) -> dict[str, dict[str, str]]:
    """Returns the normalised words of the prompts, by trial and voice."""
    normalise = normalizer(normalise_by)
    words: dict[str, dict[str, str]] = {}
    for entry in entries:
        if isinstance(entry.prompt, Prompt):
            words.setdefault(entry.cell.trial.id, {})[entry.voice.name] = normalise(entry.prompt.text)
    return words


def row_of(entry: Entry, context: Context) -> Row:
    """Returns the row of an utterance: scored, or failed with its reason."""
    made = context.judged.made.get(entry.key)
    failure = _failure(entry, context)
    told: dict[str, Any] = {}
    if made is not None:
        store = context.bench.store
        told = {
            "audio": str(store.path("synthesis", entry.key, ".flac").relative_to(store.root)),
            "audio_seconds": made["audio_seconds"],
            "intended_text": made.get("intended_text"),
            "synth_seconds": _here(entry, made, "synth_seconds"),
            "cached": made["run"] != context.bench.run_id,
        }
    if failure is None:
        told |= _scored(entry, context, context.judged.made[entry.key])
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


def _failure(entry: Entry, context: Context) -> Failure | None:
    """Returns the first thing that went wrong on the utterance's way."""
    judged = context.judged
    if isinstance(entry.prompt, Failure):
        return entry.prompt
    if entry.key in context.failures:
        return context.failures[entry.key]
    references = judged.references(entry.voice)
    if isinstance(references, Failure):
        return references
    sha256 = judged.made[entry.key]["sha256"]
    heard = [sha256, entry.prompt.audio.sha256, *(sound.sha256 for sound in references)]
    opinions = [
        judged.transcripts[sha256],
        judged.acoustics[sha256],
        *(embeddings[one] for embeddings in judged.embeddings.values() for one in heard),
    ]
    return next((opinion for opinion in opinions if isinstance(opinion, Failure)), None)


def _scored(entry: Entry, context: Context, made: Mapping[str, Any]) -> dict[str, Any]:
    judged = context.judged
    evidence = _evidence(entry, context, made)
    values, weights = scoring.scores(evidence, judged.plan.judges.metrics)
    compared: Literal["held_out", "prompt"] = "held_out" if entry.voice.held_out_clips else "prompt"
    return {
        "hypothesis": _present(judged.transcripts[made["sha256"]]).text,
        "heard_language": evidence.heard_language,
        "sim_reference": compared,
        "scores": values,
        "weights": weights,
        "edits": scoring.edits(evidence),
        "flags": flags(evidence),
        "bleed_at": place(evidence),
    }


def _evidence(entry: Entry, context: Context, made: Mapping[str, Any]) -> Evidence:
    judged, sha256 = context.judged, made["sha256"]
    normalise = normalizer(judged.plan.judges.normalizer)
    transcript = _present(judged.transcripts[sha256])
    intended = made.get("intended_text")
    prompts = context.prompts[entry.cell.trial.id]
    opinions = [found[sha256] for found in judged.quality.values()]
    return Evidence(
        reference=normalise(entry.probe.text),
        hypothesis=normalise(transcript.text),
        likeness={encoder: _likeness(entry, judged, encoder, sha256) for encoder in judged.embeddings},
        audio_seconds=made["audio_seconds"],
        acoustics=_present(judged.acoustics[sha256]),
        peak=made["peak"],
        voice=judged.voices[entry.voice.name],
        prompt_text=prompts[entry.voice.name],
        other_prompts=tuple(text for voice, text in prompts.items() if voice != entry.voice.name),
        intended=None if intended is None else normalise(intended),
        language=entry.probe.language,
        heard_language=transcript.language,
        quality={name: value for one in opinions if not isinstance(one, Failure) for name, value in one.items()},
        synth_seconds=_here(entry, made, "synth_seconds"),
        first_audio_seconds=_here(entry, made, "first_audio_seconds"),
        memory_bytes=_here(entry, made, "memory_bytes"),
        device_memory_bytes=_here(entry, made, "device_memory_bytes"),
    )


def _likeness(entry: Entry, judged: Judged, encoder: str, sha256: str) -> Likeness:
    embeddings = judged.embeddings[encoder]
    references = _present(judged.references(entry.voice))
    ends = judged.calibration[entry.voice.name].speakers.get(encoder)
    return Likeness(
        embedding=_present(embeddings[sha256]),
        references=np.stack([_present(embeddings[sound.sha256]) for sound in references]),
        prompt=_present(embeddings[_present(entry.prompt).audio.sha256]),
        floor=ends.floor if ends else None,
        ceiling=ends.ceiling if ends else None,
    )


def _here(entry: Entry, made: Mapping[str, Any], what: str) -> float | None:
    """Returns a cost of the synthesis if it arose on this machine and device; elsewhere it says nothing."""
    value = made.get(what)
    return float(value) if value is not None and made["timed_on"] == timed_on(entry.cell.engine) else None


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
