"""How it is spoken: rate and pitch, absolute and against the voice's own clips, and what quality models say."""

import math
from collections.abc import Callable, Sequence

from evalkit.metrics.base import POSITIVE, Evidence, Metric, Score, known


def words_per_second(evidence: Evidence) -> float | None:
    """Words heard / audio seconds."""
    heard = len(evidence.hypothesis.split())
    return heard / evidence.audio_seconds if heard and evidence.audio_seconds else None


def _rate_error(evidence: Evidence) -> Score | None:
    """|log2(words per second / the voice's own)|: 1 is twice or half as fast."""
    spoken, own = words_per_second(evidence), evidence.voice.words_per_second
    return Score(abs(math.log2(spoken / own))) if spoken and own else None


def _f0_median_error(evidence: Evidence) -> Score | None:
    """|12 log2(median F0 / the voice's own)|, in semitones."""
    spoken, own = evidence.acoustics.f0_median, evidence.voice.f0_median
    return Score(abs(12 * math.log2(spoken / own))) if spoken and own else None


DELIVERY = (
    Metric("words_per_second", "1/s", None, "asr", POSITIVE, lambda evidence: known(words_per_second(evidence))),
    Metric("rate_error", "octaves", higher_is_better=False, judge="asr", bounds=POSITIVE, measure=_rate_error),
    Metric("f0_median", "Hz", None, None, POSITIVE, lambda evidence: known(evidence.acoustics.f0_median)),
    Metric("f0_range", "semitones", None, None, POSITIVE, lambda evidence: known(evidence.acoustics.f0_range)),
    Metric(
        "f0_median_error", "semitones", higher_is_better=False, judge=None, bounds=POSITIVE, measure=_f0_median_error
    ),
)


def quality_metrics(scores: Sequence[tuple[str, str]]) -> tuple[Metric, ...]:
    """Returns a metric for each score of a quality model, given as (score, model)."""
    return tuple(
        Metric(name, "MOS", higher_is_better=True, judge=model, bounds=(1.0, 5.0), measure=_said(name))
        for name, model in scores
    )


def _said(name: str) -> Callable[[Evidence], Score | None]:
    return lambda evidence: known(evidence.quality.get(name))
