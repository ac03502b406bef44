"""The ways in which cloning fails, each a flag of an utterance; a metric of the same name is its share.

Means hide them: one utterance in twenty that stops half-way changes WER little and a listener's mind for good.
"""

from collections import Counter
from collections.abc import Callable

from evalkit.metrics.alignment import chunks
from evalkit.metrics.base import SHARE, Evidence, Metric, Score
from evalkit.metrics.bleed import bleeds
from evalkit.text import WITHOUT_SPACES

TAIL_CHARACTERS = 4
TAIL_WORDS = 2  # a last word alone is often an ASR's own doing
CHARACTERS_PER_SECOND = 13.0  # of read English
SLOWEST = 2.5  # times the seconds that a text needs
SLACK_SECONDS = 2.0
PHRASE = 3  # words; shorter ones recur in speech by themselves
FEW_TIMES = 3
SILENCE_SHARE = 0.6
GAP_SECONDS = 1.5
CLIPPED_SHARE = 0.001
LANGUAGE_PROBABILITY = 0.5


def truncated(evidence: Evidence) -> bool:
    """Whether the tail of the text is missing: two or more words after the last one that was heard, and little else."""
    if evidence.language in WITHOUT_SPACES:
        return missing_tail(list(evidence.reference), list(evidence.hypothesis)) >= TAIL_CHARACTERS
    return missing_tail(evidence.reference.split(), evidence.hypothesis.split()) >= TAIL_WORDS


def missing_tail(reference: list[str], hypothesis: list[str]) -> int:
    """Returns how many of the reference's last words nothing was heard for.

    They are the words after the last hit of a minimal edit alignment, less the words that were heard in their place.
    """
    if not reference or not hypothesis:
        return len(reference)
    hits = [chunk for chunk in chunks(reference, hypothesis) if chunk.type == "equal"]
    if not hits:
        return max(0, len(reference) - len(hypothesis))
    after, in_their_place = len(reference) - int(hits[-1].ref_end_idx), len(hypothesis) - int(hits[-1].hyp_end_idx)
    return max(0, after - in_their_place)


def runaway(evidence: Evidence) -> bool:
    """Whether it goes on and on: far longer than the text needs, or phrases come again that the text has fewer of."""
    needed = len(evidence.reference) / CHARACTERS_PER_SECOND
    return evidence.audio_seconds > SLOWEST * needed + SLACK_SECONDS or repeats(
        evidence.reference.split(), evidence.hypothesis.split()
    )


def repeats(reference: list[str], hypothesis: list[str]) -> bool:
    """Whether three words in a row come again, or one or two again and again, more often than the text has them."""
    for length, more in ((PHRASE, 1), (2, FEW_TIMES), (1, FEW_TIMES)):
        wanted, heard = _phrases(reference, length), _phrases(hypothesis, length)
        if any(count >= 2 and count - wanted[phrase] >= more for phrase, count in heard.items()):
            return True
    return False


def _phrases(words: list[str], length: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[at : at + length]) for at in range(len(words) - length + 1))


def silent(evidence: Evidence) -> bool:
    """Whether most of it is silence, or there is a long gap in it."""
    return evidence.acoustics.silence_share > SILENCE_SHARE or evidence.acoustics.longest_gap_seconds > GAP_SECONDS


def clipped(evidence: Evidence) -> bool:
    """Whether it is cut off flat: beyond full scale when the engine gave it, or in itself."""
    return evidence.peak > 1.0 or evidence.acoustics.clipped_share > CLIPPED_SHARE


def wrong_language(evidence: Evidence) -> bool:
    """Whether another language than the probe's was heard, more likely than not."""
    if evidence.heard_language is None:
        return False
    code, probability = evidence.heard_language
    return code != evidence.language and probability > LANGUAGE_PROBABILITY


FLAGS: dict[str, Callable[[Evidence], bool]] = {
    "truncated": truncated,
    "runaway": runaway,
    "silent": silent,
    "clipped": clipped,
    "wrong_language": wrong_language,
    "bleed": bleeds,
}


def flags(evidence: Evidence) -> list[str]:
    """Returns the names of what went wrong."""
    return [name for name, is_so in FLAGS.items() if is_so(evidence)]


def _share_of(is_so: Callable[[Evidence], bool]) -> Callable[[Evidence], Score]:
    return lambda evidence: Score(float(is_so(evidence)))


FAILURES = tuple(
    Metric(f"{name}_share", "share", higher_is_better=False, judge=None, bounds=SHARE, measure=_share_of(is_so))
    for name, is_so in FLAGS.items()
)
