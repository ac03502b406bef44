"""How long the engine took, how long it spoke, and what memory it needed."""

from evalkit.metrics.base import POSITIVE, Evidence, Metric, Score, known


def _rtf(evidence: Evidence) -> Score | None:
    """Synthesis seconds / audio seconds, weights already loaded; pooled: total over total.

    When not to trust it: between machines, or runs of a machine with other work. It leaves out what was timed by an
    earlier run; an engine that speaks slowly gets a better one for the same work.
    """
    if evidence.synth_seconds is None or evidence.audio_seconds == 0:
        return None
    return Score(evidence.synth_seconds / evidence.audio_seconds, evidence.audio_seconds)


def _audio_seconds(evidence: Evidence) -> Score:
    """Length of the synthesis.

    When not to trust it: as good or bad. It is there to explain others: silence and repeated words make it long.
    """
    return Score(evidence.audio_seconds)


def _first_audio_seconds(evidence: Evidence) -> Score | None:
    """From the request to the first sound that could be played; only of engines that stream.

    When not to trust it: as `rtf`.
    """
    return known(evidence.first_audio_seconds)


def _memory_bytes(evidence: Evidence) -> Score | None:
    """Largest resident memory of the engine's process so far, other engines' and the judges' included.

    When not to trust it: as what an engine needs, unless it ran alone or in a process of its own (`engine.python`). It
    only ever grows within a run, so that later trials have at least what earlier ones had.
    """
    return known(evidence.memory_bytes)


def _device_memory_bytes(evidence: Evidence) -> Score | None:
    """Largest memory of the accelerator that the engine's process has had so far; undefined without one.

    When not to trust it: as `memory_bytes`.
    """
    return known(evidence.device_memory_bytes)


RTF = Metric("rtf", "ratio", False, None, POSITIVE, _rtf, pooled_by="audio seconds")
AUDIO_SECONDS = Metric("audio_seconds", "s", None, None, POSITIVE, _audio_seconds)
FIRST_AUDIO_SECONDS = Metric("first_audio_seconds", "s", False, None, POSITIVE, _first_audio_seconds)
MEMORY_BYTES = Metric("memory_bytes", "B", False, None, POSITIVE, _memory_bytes)
DEVICE_MEMORY_BYTES = Metric("device_memory_bytes", "B", False, None, POSITIVE, _device_memory_bytes)
TIMINGS = frozenset({RTF.name, FIRST_AUDIO_SECONDS.name})  # they mean something beside others of the same run only
SPEED = (RTF, AUDIO_SECONDS, FIRST_AUDIO_SECONDS, MEMORY_BYTES, DEVICE_MEMORY_BYTES)
