"""Tasks and rows: what each utterance needs, and what became of it."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

from evalkit.engines.base import Request
from evalkit.judges.base import Transcript
from evalkit.metrics import Evidence, Likeness, VoiceFacts, bled_at, flags, scoring
from evalkit.metrics.acoustics import Acoustics
from evalkit.pipeline.artefacts import BuiltPrompt, Made, synthesis_key
from evalkit.pipeline.attempts import Failure, NotRun
from evalkit.pipeline.evidence import Opinions, Yardsticks
from evalkit.pipeline.executors import Job
from evalkit.pipeline.plan import Plan, Planned
from evalkit.pipeline.prompting import Place, Prompts
from evalkit.pipeline.synthesis import timed_on
from evalkit.pipeline.workspace import Workspace
from evalkit.reports.files import rounded
from evalkit.row import ErrorRecord, PromptRecord, Row
from evalkit.voices import Voice

NOTHING_HEARD = Acoustics(0.0, 0.0, 0.0, None, None)


@dataclass(frozen=True, eq=False)
class Task:
    """An utterance with its prompt, and the key of its synthesis; there is none where the prompt cannot be built."""

    planned: Planned
    prompt: BuiltPrompt | Failure
    key: str | None

    @property
    def given(self) -> BuiltPrompt:
        """The prompt of a task that can be carried out."""
        if isinstance(self.prompt, Failure):
            raise TypeError(self.prompt.message)
        return self.prompt


def tasks_of(workspace: Workspace, batch: Iterable[Planned], prompts: Prompts) -> list[Task]:
    """Returns the tasks of a batch; utterances whose prompt is not among `prompts` (a dry run's) are left out."""
    found = []
    for planned in batch:
        prompt = prompts.get((planned.cell.trial.id, planned.voice.name))
        if prompt is not None:
            found.append(Task(planned, prompt, _key(workspace, planned, prompt)))
    return found


def _key(workspace: Workspace, planned: Planned, prompt: BuiltPrompt | Failure) -> str | None:
    if isinstance(prompt, Failure):
        return None
    engine, probe = workspace.identity(planned.cell.engine), planned.probe
    return synthesis_key(engine, prompt.sha256, probe.text, planned.utterance.seed, probe.language)


def jobs_of(workspace: Workspace, tasks: Iterable[Task]) -> dict[str, Job]:
    """Returns the syntheses that tasks need, by key; equal requests of two trials are one."""
    return {
        task.key: Job(task.planned.cell.engine, partial(_request, workspace, task))
        for task in tasks
        if task.key is not None
    }


def _request(workspace: Workspace, task: Task) -> Request:
    planned, prompt = task.planned, task.given
    audio = workspace.sounds.read(prompt.sound)
    return Request(planned.probe.text, prompt.with_audio(audio), planned.utterance.seed, planned.probe.language)


@dataclass(frozen=True, eq=False)
class RowMaker:
    """Makes rows from what the judges say.

    Attributes:
        plan: Of the run.
        yardsticks: What syntheses are measured against.
        prompts: The control for bleed is the other voices' prompts of the same trial.
        run_id: Tells which syntheses are this run's.
    """

    plan: Plan
    yardsticks: Yardsticks
    prompts: Prompts
    run_id: str
    _words: dict[tuple[str, str], dict[str, frozenset[str]]] = field(default_factory=dict)
    _others: dict[tuple[Place, str], tuple[frozenset[str], ...]] = field(default_factory=dict)
    _records: dict[BuiltPrompt, PromptRecord] = field(default_factory=dict)

    def row(self, task: Task, made: Made | Failure | None, opinions: Opinions) -> Row:
        """Returns the row of an utterance: scored, failed with its reason, or not run.

        Args:
            task: What was asked.
            made: Its synthesis, or why there is none; None where the prompt is the reason.
            opinions: Of the batch.
        """
        failure = task.prompt if isinstance(task.prompt, Failure) else made
        if isinstance(failure, Failure) or failure is None:
            return self._row(task, **_failed(failure or Failure("SynthesisError", "nothing was made")))
        made = failure
        evidence = self._evidence(task, made, opinions)
        told = {**self._synthesis(task, made), **self._scored(task, evidence, opinions.transcripts[made.sound])}
        if not told["scores"]:
            reason = next(iter(told["missing"].values()), "no judge has anything to say")
            told |= _failed(Failure("JudgementError", reason))
        return self._row(task, **told)

    def _row(self, task: Task, **told: Any) -> Row:
        planned = task.planned
        return Row(
            trial=planned.utterance.trial,
            engine=planned.cell.engine.name,
            settings=planned.cell.trial.settings,
            voice=planned.voice.name,
            probe=planned.probe.id,
            stratum=planned.probe.stratum,
            speaker=planned.voice.speaker,
            seed=planned.utterance.seed,
            language=planned.probe.language,
            voice_language=None if planned.voice.language == planned.probe.language else planned.voice.language,
            text=planned.probe.text,
            prompt=self._prompt_record(task.prompt),
            **told,
        )

    def _synthesis(self, task: Task, made: Made) -> dict[str, Any]:
        return {
            "synthesis": task.key,
            "audio": made.sound,
            "audio_seconds": rounded(made.audio_seconds),
            "intended_text": made.intended_text,
            "synth_seconds": rounded(_here(task, made, made.synth_seconds)),
            "cached": made.run != self.run_id,
        }

    def _scored(self, task: Task, evidence: Evidence, transcript: Transcript | Failure) -> dict[str, Any]:
        found = scoring.scores(evidence, self.plan.judges.metrics)
        finite = {name: value for name, value in found.values.items() if math.isfinite(value)}
        endless = dict.fromkeys(found.values.keys() - finite.keys(), "it is no finite number")
        compared: Literal["held_out", "prompt"] = "held_out" if task.planned.voice.held_out_clips else "prompt"
        heard = None if isinstance(transcript, Failure) else transcript
        return {
            "hypothesis": heard.text if heard else None,
            "heard_language": rounded_language(heard),
            "sim_reference": compared,
            "scores": {name: round(value, 6) for name, value in finite.items()},
            "weights": {name: round(found.weights[name], 6) for name in finite if name in found.weights},
            "missing": {**found.missing, **endless},
            "edits": scoring.edits(evidence) if heard else None,
            "flags": flags(finite),
            "bleed_at": bled_at(evidence),
        }

    def _evidence(self, task: Task, made: Made, opinions: Opinions) -> Evidence:
        code = task.planned.probe.language
        normalise = self.plan.normalise(code)
        transcript, measured = opinions.transcripts[made.sound], opinions.acoustics[made.sound]
        likeness = {encoder: self._likeness(task, made, opinions, encoder) for encoder in opinions.embeddings}
        quality = {model: found[made.sound] for model, found in opinions.quality.items()}
        absent = {"transcript": transcript, "acoustics": measured, **likeness, **quality}
        trial, own = task.planned.utterance.trial, task.planned.voice
        heard = Transcript("") if isinstance(transcript, Failure) else transcript
        return Evidence(
            reference=normalise(task.planned.probe.text),
            hypothesis=normalise(heard.text),
            likeness={name: one for name, one in likeness.items() if isinstance(one, Likeness)},
            audio_seconds=made.audio_seconds,
            acoustics=measured if isinstance(measured, Acoustics) else NOTHING_HEARD,
            peak=made.peak,
            voice=_as_told_in(code, own, self.yardsticks.voices[own.name]),
            prompt_words=self._prompt_words(trial, code)[own.name],
            other_prompts=self._other_prompts(trial, code, own),
            intended=None if made.intended_text is None else normalise(made.intended_text),
            language=self.plan.languages[code],
            heard_language=heard.language,
            quality={
                name: value for one in quality.values() if not isinstance(one, Failure) for name, value in one.items()
            },
            synth_seconds=_here(task, made, made.synth_seconds),
            first_audio_seconds=_here(task, made, made.first_audio_seconds),
            memory_bytes=_here(task, made, made.memory_bytes),
            device_memory_bytes=_here(task, made, made.device_memory_bytes),
            absent={name: f"{one.type}: {one.message}" for name, one in absent.items() if isinstance(one, Failure)},
        )

    def _likeness(self, task: Task, made: Made, opinions: Opinions, encoder: str) -> Likeness | Failure:
        voice, heard = task.planned.voice.name, opinions.embeddings[encoder]
        references = self.yardsticks.references[encoder, voice]
        synthesis, prompt = heard[made.sound], heard[task.given.sound]
        for one in (references, synthesis, prompt):
            if isinstance(one, Failure):
                return one
        ends = self.yardsticks.calibration[voice].speakers.get(encoder)
        return Likeness(
            embedding=synthesis,  # type: ignore[arg-type]
            references=references,  # type: ignore[arg-type]
            prompt=prompt,  # type: ignore[arg-type]
            floor=ends.floor if ends else None,
            ceiling=ends.ceiling if ends else None,
            spread=ends.spread if ends else None,
        )

    def _prompt_words(self, trial: str, language: str) -> Mapping[str, frozenset[str]]:
        """Returns the words of each voice's prompt in a trial, normalised and parted as a text in a language is.

        What a prompt in another language leaves in the speech can only be found as the transcriber of the text writes.
        """
        if (trial, language) not in self._words:
            normalise, words = self.plan.normalise(language), self.plan.languages[language].words
            prompts = {voice.name: self.prompts.get((trial, voice.name)) for voice in self.plan.voices}
            self._words[trial, language] = {
                voice: frozenset(words(normalise(prompt.text)))
                for voice, prompt in prompts.items()
                if isinstance(prompt, BuiltPrompt)
            }
        return self._words[trial, language]

    def _other_prompts(self, trial: str, language: str, own: Voice) -> tuple[frozenset[str], ...]:
        """Returns the words of the prompts of other voices in the voice's language; all rows of a voice share them."""
        place = (trial, own.name), language
        if place not in self._others:
            words = self._prompt_words(trial, language)
            alike = {voice.name for voice in self.plan.voices if voice.language == own.language} - {own.name}
            self._others[place] = tuple(other for voice, other in words.items() if voice in alike)
        return self._others[place]

    def _prompt_record(self, prompt: BuiltPrompt | Failure) -> PromptRecord | None:
        """Returns a prompt's record; all rows of the prompt share it."""
        if isinstance(prompt, Failure):
            return None
        if prompt not in self._records:
            self._records[prompt] = PromptRecord(
                seconds=rounded(prompt.seconds),
                text=prompt.text,
                text_source=prompt.text_source,
                sha256=prompt.sha256,
                clips=list(prompt.clips),
                text_wer=rounded(prompt.text_wer),
                wer=rounded(prompt.wer),
                wanted_seconds=prompt.wanted_seconds,
                sound=prompt.sound,
            )
        return self._records[prompt]


def _as_told_in(language: str, voice: Voice, facts: VoiceFacts) -> VoiceFacts:
    """Returns how a speaker speaks, without the rate of words where a text is in another language."""
    return facts if voice.language == language else replace(facts, words_per_second=None)


def rounded_language(heard: Transcript | None) -> tuple[str, float] | None:
    """Returns the language heard and its probability as a report keeps it."""
    if heard is None or heard.language is None:
        return None
    return heard.language[0], rounded(heard.language[1])


def is_settled(row: Row) -> bool:
    """Whether a row of an earlier attempt may stand: it was scored, without gaps."""
    return row.state == "scored" and not row.missing and row.synthesis is not None


def _failed(failure: Failure) -> dict[str, Any]:
    state = "not_run" if isinstance(failure, NotRun) else "failed"
    return {"state": state, "error": ErrorRecord(failure.type, failure.message)}


def _here(task: Task, made: Made, value: float | None) -> float | None:
    """Returns a cost of the synthesis if it arose on this machine and device; elsewhere it says nothing."""
    return float(value) if value is not None and made.timed_on == timed_on(task.planned.cell.engine) else None
