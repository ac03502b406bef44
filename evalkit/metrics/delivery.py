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
    """Words heard / audio seconds, pauses included.

    When not to trust it: across texts of other kinds: long words are fewer a second. It counts what was heard, so
    dropped words look like slow speech. Words of two languages do not compare; in some they are signs (see `wer`).
    """
    return known(words_per_second(evidence))


def _rate_error(evidence: Evidence) -> Score | None:
    """|log2(words per second / the voice's own)|: 1 is twice or half as fast. Undefined across languages.

    When not to trust it: where the voice's clips are read otherwise than the texts are to be, or have few words: their
    rate is the yardstick.
    """
    spoken, own = words_per_second(evidence), evidence.voice.words_per_second
    return Score(abs(math.log2(spoken / own))) if spoken and own else None


def _f0_median(evidence: Evidence) -> Score | None:
    """Median F0 of its voiced frames, by YIN (de Cheveigné and Kawahara 2002), between 60 and 500 Hz.

    When not to trust it: of hoarse, whispered or noisy speech, in which YIN finds an octave too high or too low.
    """
    return known(evidence.acoustics.f0_median)


def _f0_range(evidence: Evidence) -> Score | None:
    """12 log2(90th percentile of F0 / 10th), in semitones: how lively it is spoken.

    When not to trust it: as `f0_median`: each octave that is mistaken is twelve semitones. More is not better.
    """
    return known(evidence.acoustics.f0_range)


def _f0_median_error(evidence: Evidence) -> Score | None:
    """|12 log2(median F0 / the voice's own)|, in semitones: does it speak as high as the speaker?

    When not to trust it: as `f0_median`: 12 may be a mistaken octave.
    """
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
    def said(evidence: Evidence) -> Score | None:
        """What a quality model takes for the mean opinion of listeners, from 1 (bad) to 5 (excellent).

        When not to trust it: for another question than the model's. It never heard the speaker, so that a clean
        stranger beats a faithful clone of a noisy recording. Opinions of two models do not compare.
        """
        return known(evidence.quality.get(name))

    return said
