"""Closed loop: of several candidate texts for the same audio, the one with which the engine clones best.

Each candidate conditions the engine on a few short phrases; the mean SIM to the voice's reference clips decides, and
only a difference whose interval excludes zero is believed: otherwise the consensus stays. Where the judge has a second
speaker encoder, that one chooses, so that the one that scores the sweep did not choose what it scores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np

from evalkit.analysis.estimates import Chance, pooled_mean
from evalkit.analysis.scores import Scores, Unit, Weighted
from evalkit.analysis.stats import Difference, compare
from evalkit.digest import digest
from evalkit.engines.base import Request
from evalkit.errors import DataError
from evalkit.judges.base import SpeakerEncoder
from evalkit.metrics import cosine
from evalkit.metrics.similarity import REPEATABILITY
from evalkit.pipeline.artefacts import synthesis_key
from evalkit.pipeline.attempts import Failure, attempt
from evalkit.pipeline.executors import Executor, Job
from evalkit.pipeline.judging import embed
from evalkit.pipeline.listening import Listening
from evalkit.pipeline.plan import Cell, Plan
from evalkit.pipeline.sounds import Sound, recorded
from evalkit.pipeline.synthesis import made_before, synthesise
from evalkit.pipeline.workspace import Workspace
from evalkit.prompt import Prompt
from evalkit.prompts import ReferenceText, build_prompt
from evalkit.prompts.book import Book, Entry
from evalkit.prompts.consensus import same_text
from evalkit.voices import Clip, Voice

SEEDS = (0, 1)

Units = Mapping[Unit, Weighted]
Result = TypeVar("Result")


def choose(plan: Plan, listener: Listening, executor: Executor, cell: Cell, voice: Voice) -> Prompt:
    """Returns the prompt with the candidate text that clones best; the consensus where none is told to be better.

    Raises:
        DataError: No usable words, or nothing could be synthesised with the consensus.
    """
    prompts = _candidates(listener, cell, voice)
    if len(prompts) == 1:
        _record(listener, cell, voice, prompts[0], {"candidates": [prompts[0].text], "note": "all passes agree"})
        return replace(prompts[0], text_source="closed_loop")
    listener.workspace.say(f"{voice.name}: trying {len(prompts)} candidate texts in a closed loop")
    quietly = listener.workspace.quietly()  # its stages are steps of one prompt
    scores = _scores(plan, (quietly, executor), cell, voice, prompts)
    if not scores[0]:
        raise DataError(
            f"voice {voice.name!r}: nothing could be synthesised for the closed loop with {prompts[0].text!r}"
        )
    told = compare(Scores.of(scores), 0, Chance(REPEATABILITY))
    better = [
        (found.value, index) for index, found in enumerate(told, start=1) if found and found.low and found.low > 0
    ]
    best = max(better)[1] if better else 0
    _record(listener, cell, voice, prompts[best], {"encoder": choosing(plan).name, **_evidence(prompts, scores, told)})
    return replace(prompts[best], text_source="closed_loop")


def choosing(plan: Plan) -> SpeakerEncoder:
    """Returns the encoder that chooses: not the one that scores, where there is another."""
    return plan.judges.speakers[:2][-1]


def is_its_own_judge(plan: Plan) -> bool:
    """Whether some trial's words are chosen with the encoder and the clips that score it."""
    return len(plan.judges.speakers) == 1 and any(cell.prompt.text == "closed_loop" for cell in plan.cells)


def _candidates(listener: Listening, cell: Cell, voice: Voice) -> list[Prompt]:
    """Returns prompts of the same audio with different words, the consensus first."""
    language = listener.languages[voice.language]
    make = partial(build_prompt, voice, cell.prompt, cell.engine.sample_rate, language=language)
    prompts = [make(partial(listener.automatic, voice), listener)]
    for index in range(len(listener.ears.passes)):
        prompt = attempt(partial(make, partial(_of_pass, listener, voice, index), listener))
        if isinstance(prompt, Failure):  # a pass that heard nothing, say, is no candidate
            continue
        if prompt.audio.sha256 == prompts[0].audio.sha256 and same_text(prompt.text) not in {
            same_text(other.text) for other in prompts
        }:
            prompts.append(prompt)
    return prompts


def _of_pass(listener: Listening, voice: Voice, index: int, clip: Clip) -> ReferenceText:
    return ReferenceText(listener.automatic_entry(voice, clip).candidates[index], "asr")


def _scores(
    plan: Plan, means: tuple[Workspace, Executor], cell: Cell, voice: Voice, prompts: Sequence[Prompt]
) -> list[Units]:
    """Returns each candidate's SIM by phrase and seed."""
    workspace, executor = means
    phrases = plan.languages[voice.language].entry.phrases
    engine = workspace.identity(cell.engine)
    jobs, units = {}, {}
    for index, prompt in enumerate(prompts):
        for phrase in phrases:
            for seed in SEEDS:
                request = Request(phrase, prompt, seed, voice.language)
                key = synthesis_key(engine, prompt.sha256, phrase, seed, voice.language)
                jobs[key] = Job(cell.engine, partial(_given, request))
                units[index, phrase, seed] = key

    def similarity() -> dict[str, float]:
        made = synthesise(workspace, executor, jobs)
        sounds = {key: one.sound for key, one in made.items() if not isinstance(one, Failure)}
        return _similarity(plan, workspace, voice, sounds)

    def needed() -> list[str]:
        return [one.sound for one in made_before(workspace, list(jobs)).values()]

    similar = workspace.sounds.made_whole(similarity, needed)
    return [
        {
            (voice.name, f"{phrase} {seed}", 0): (similar[key], 1.0)  # seeds vary as phrases do
            for (candidate, phrase, seed), key in units.items()
            if candidate == index and key in similar
        }
        for index in range(len(prompts))
    ]


def _given(value: Result) -> Result:
    return value


def _similarity(plan: Plan, workspace: Workspace, voice: Voice, made: Mapping[str, str]) -> dict[str, float]:
    """Returns each synthesis' SIM by its key; `made` has the addresses of their sounds."""
    spoken = [Sound(sha256, partial(workspace.sounds.read, sha256), voice.language) for sha256 in made.values()]
    audios = [recorded(clip).audio for clip in voice.reference_clips]
    references = [Sound(audio.sha256, partial(_given, audio), voice.language) for audio in audios]
    embeddings = embed(
        workspace, choosing(plan), list({sound.sha256: sound for sound in [*spoken, *references]}.values())
    )
    yardsticks = [found for audio in audios if not isinstance(found := embeddings[audio.sha256], Failure)]
    return {
        key: float(np.mean([cosine(found, yardstick) for yardstick in yardsticks]))
        for key, sha256 in made.items()
        if not isinstance(found := embeddings[sha256], Failure) and yardsticks
    }


def _evidence(
    prompts: Sequence[Prompt], scores: Sequence[Units], told: Sequence[Difference | None]
) -> dict[str, object]:
    return {
        "candidates": [prompt.text for prompt in prompts],
        "sim": [pooled_mean(list(score.values())) for score in scores],
        "over_consensus": [
            [difference.value, difference.low, difference.high] if difference else None for difference in told
        ],
    }


def _record(listener: Listening, cell: Cell, voice: Voice, prompt: Prompt, evidence: Mapping[str, object]) -> None:
    clips = {clip.path.name: clip for clip in voice.prompt_clips}
    entry = Entry(
        text=prompt.text,
        source="closed_loop",
        audio_sha256=digest([clips[name].sha256 for name in prompt.clips]),
        made_by=listener.made_by,
        models={"engine": cell.engine.name, "clips": list(prompt.clips)},
        evidence=dict(evidence),
    )
    Book(listener.books, voice).write("+".join(prompt.clips), f"closed_loop:{cell.trial.id}", entry)
