"""How long the engine took, how long it spoke, and what memory it needed."""

from evalkit.metrics.base import POSITIVE, Evidence, Metric, Score, known


def _rtf(evidence: Evidence) -> Score | None:
    """Synthesis seconds / audio seconds, weights already loaded; pooled: total over total."""
    if evidence.synth_seconds is None or evidence.audio_seconds == 0:
        return None
    return Score(evidence.synth_seconds / evidence.audio_seconds, evidence.audio_seconds)


RTF = Metric("rtf", "ratio", False, None, POSITIVE, _rtf, pooled_by="audio seconds")
AUDIO_SECONDS = Metric("audio_seconds", "s", None, None, POSITIVE, lambda evidence: Score(evidence.audio_seconds))
# From the request to the first sound that could be played; only of engines that stream.
FIRST_AUDIO_SECONDS = Metric(
    "first_audio_seconds", "s", False, None, POSITIVE, lambda evidence: known(evidence.first_audio_seconds)
)
# Largest resident memory of the engine's process so far, other engines' and the judges' included.
MEMORY_BYTES = Metric("memory_bytes", "B", False, None, POSITIVE, lambda evidence: known(evidence.memory_bytes))
DEVICE_MEMORY_BYTES = Metric(
    "device_memory_bytes", "B", False, None, POSITIVE, lambda evidence: known(evidence.device_memory_bytes)
)
TIMINGS = frozenset({RTF.name, FIRST_AUDIO_SECONDS.name})  # they mean something beside others of the same run only
SPEED = (RTF, AUDIO_SECONDS, FIRST_AUDIO_SECONDS, MEMORY_BYTES, DEVICE_MEMORY_BYTES)
