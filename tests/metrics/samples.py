"""Evidence to measure, as tests need it."""

import numpy as np

from evalkit.metrics import Evidence, Likeness, flags, metrics_of
from evalkit.metrics.acoustics import Acoustics
from evalkit.metrics.failures import FAILURES
from evalkit.metrics.scoring import scores

QUIET = Acoustics(silence_share=0.1, longest_gap_seconds=0.2, clipped_share=0.0, f0_median=200.0, f0_range=6.0)
UNIT = np.array([1.0, 0.0], np.float32)
QUALITY = [("dnsmos_ovrl", "dnsmos")]


def likeness(embedding=UNIT, references=(UNIT,), prompt=UNIT, **ends):
    return Likeness(embedding, np.stack(references), prompt, **ends)


def prompts(*texts):
    """The words of each text."""
    return tuple(frozenset(text.split()) for text in texts)


def evidence(reference, hypothesis, **changes):
    given = {"likeness": {"campplus": likeness()}, "audio_seconds": 4.0, "acoustics": QUIET, "synth_seconds": 2.0}
    return Evidence(reference, hypothesis, **{**given, **changes})


def flags_of(one):
    return flags(scores(one, FAILURES).values)


def measured(*args, speakers=("campplus",), **changes):
    return scores(evidence(*args, **changes), metrics_of(speakers, QUALITY))
