"""How long the engine took, and how long it spoke."""

import math

from evalkit.metrics.base import Evidence, Metric, Score


def _rtf(evidence: Evidence) -> Score | None:
    """Synthesis seconds / audio seconds, weights already loaded; pooled: total over total."""
    if evidence.synth_seconds is None or evidence.audio_seconds == 0:
        return None
    return Score(evidence.synth_seconds / evidence.audio_seconds, evidence.audio_seconds)


RTF = Metric("rtf", "ratio", higher_is_better=False, judge=None, bounds=(0.0, math.inf), measure=_rtf)
AUDIO_SECONDS = Metric(
    "audio_seconds",
    "s",
    higher_is_better=None,
    judge=None,
    bounds=(0.0, math.inf),
    measure=lambda evidence: Score(evidence.audio_seconds),
)
