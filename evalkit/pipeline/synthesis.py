"""The synthesis stage: makes what the store lacks, and no more."""

import os
import platform
from collections.abc import Callable, Mapping
from functools import cache

from evalkit.digest import digest
from evalkit.engines.base import Engine, Synthesis
from evalkit.pipeline.artefacts import SYNTHESIS, Made
from evalkit.pipeline.attempts import Failure
from evalkit.pipeline.events import Advanced, StageBegun, StageEnded
from evalkit.pipeline.executors import Executor, Job
from evalkit.pipeline.workspace import Workspace
from evalkit.store.codecs import stored


def made_before(workspace: Workspace, keys: list[str]) -> dict[str, Made]:
    """Returns the records of syntheses that are in the store with their sound."""
    found = workspace.artefacts.read(SYNTHESIS, keys)
    soundless = workspace.sounds.missing({made.sound for made in found.values()})
    return {key: made for key, made in found.items() if made.sound not in soundless}


def synthesise(
    workspace: Workspace, executor: Executor, jobs: Mapping[str, Job], before_work: Callable[[], None] | None = None
) -> dict[str, Made | Failure]:
    """Returns the record of each synthesis, or why there is none, by key.

    Args:
        workspace: Where they are kept.
        executor: Makes those that are not in the store.
        jobs: By key.
        before_work: Is called before the first is made, if one must be.
    """
    outcomes: dict[str, Made | Failure] = dict(made_before(workspace, list(jobs)))
    todo = {key: job for key, job in jobs.items() if key not in outcomes}
    if todo and before_work:
        before_work()
    workspace.listener.hear(StageBegun("synthesis", len(jobs), len(outcomes)))
    for key, outcome in executor.map(todo):
        outcomes[key] = outcome if isinstance(outcome, Failure) else _keep(workspace, key, todo[key].engine, outcome)
        workspace.listener.hear(Advanced(failed=isinstance(outcome, Failure)))
    workspace.listener.hear(StageEnded())
    return outcomes


def timed_on(engine: Engine) -> str:
    """Returns where an engine computes: its times mean something only there."""
    return _timed_on(tuple(sorted(engine.computes_on().items())))


@cache
def _timed_on(place: tuple[tuple[str, object], ...]) -> str:
    return digest({"machine": platform.node(), "cores": os.cpu_count(), **{key: str(value) for key, value in place}})


def _keep(workspace: Workspace, key: str, engine: Engine, synthesis: Synthesis) -> Made:
    """Writes sound and record, the sound first: where there is a record, there was its sound."""
    audio = stored(synthesis.audio)
    workspace.sounds.keep(audio)
    made = Made(
        sound=audio.sha256,
        audio_seconds=audio.seconds,
        peak=synthesis.audio.peak,
        synth_seconds=synthesis.seconds,
        timed_on=timed_on(engine),
        run=workspace.run_id,
        intended_text=synthesis.intended_text,
        first_audio_seconds=synthesis.first_audio_seconds,
        memory_bytes=synthesis.memory_bytes,
        device_memory_bytes=synthesis.device_memory_bytes,
    )
    workspace.artefacts.write(SYNTHESIS, {key: made})
    return made
