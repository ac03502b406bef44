"""How it is spoken: rate and pitch, absolute and against the voice's own clips, and what quality models say."""

import math
from collections.abc import Callable, Sequence
from functools import partial

from evalkit.metrics.base import ACOUSTICS, POSITIVE, TRANSCRIPT, Evidence, Metric, Score, known


def words_per_second(evidence: Evidence) -> float | None:
    """Words heard / audio seconds."""
    heard = len(evidence.words.hypothesis)
    return heard / evidence.audio_seconds if heard and evidence.audio_seconds else None


def _words_per_second(evidence: Evidence) -> Score | None:
    return known(words_per_second(evidence))


def _rate_error(evidence: Evidence) -> Score | None:
    """|log2(words per second / the voice's own)|: 1 is twice or half as fast."""
    spoken, own = words_per_second(evidence), evidence.voice.words_per_second
    return Score(abs(math.log2(spoken / own))) if spoken and own else None


def _f0_median(evidence: Evidence) -> Score | None:
    """Median F0 of its voiced frames, by YIN."""
    return known(evidence.acoustics.f0_median)


def _f0_range(evidence: Evidence) -> Score | None:
    """12 log2(90th percentile of F0 / 10th), in semitones."""
    return known(evidence.acoustics.f0_range)


def _f0_median_error(evidence: Evidence) -> Score | None:
    """|12 log2(median F0 / the voice's own)|, in semitones."""
    spoken, own = evidence.acoustics.f0_median, evidence.voice.f0_median
    return Score(abs(12 * math.log2(spoken / own))) if spoken and own else None


_RATE = partial(Metric, judge="asr", bounds=POSITIVE, needs=TRANSCRIPT)
_PITCH = partial(Metric, judge=None, bounds=POSITIVE, needs=ACOUSTICS)

DELIVERY = (
    _RATE("words_per_second", "1/s", None, measure=_words_per_second),
    _RATE("rate_error", "octaves", False, measure=_rate_error),
    _PITCH("f0_median", "Hz", None, measure=_f0_median),
    _PITCH("f0_range", "semitones", None, measure=_f0_range),
    _PITCH("f0_median_error", "semitones", False, measure=_f0_median_error),
)


def quality_metrics(scores: Sequence[tuple[str, str]]) -> tuple[Metric, ...]:
    """Returns a metric for each score of a quality model, given as (score, model)."""
    return tuple(
        Metric(name, "MOS", higher_is_better=True, judge=model, bounds=(1.0, 5.0), measure=_said(name), needs=model)
        for name, model in scores
    )


def _said(name: str) -> Callable[[Evidence], Score | None]:
    return lambda evidence: known(evidence.quality.get(name))
