"""Bleed: words of the prompt's transcript that turn up in the synthesis although its text has none of them.

Engines that continue a prompt now and then speak its last words again. Common words bleed by chance, or are an ASR's
error, so the same count with the other voices' prompts is the control.
"""

from typing import Literal

from evalkit.metrics.base import SHARE, TRANSCRIPT, Evidence, Metric, Score, known

SHARE_THAT_COUNTS = 0.1
WORDS_THAT_COUNT = 2
Third = Literal["head", "middle", "tail"]


def bled(evidence: Evidence) -> list[int]:
    """Returns the positions of those foreign words that are the prompt's."""
    return [at for at, word in evidence.words.foreign if word in evidence.prompt_words]


def bleed(evidence: Evidence) -> float | None:
    """Words of the own prompt among the foreign words / words heard; undefined if nothing was heard."""
    heard = len(evidence.words.hypothesis)
    return len(bled(evidence)) / heard if heard else None


def bleed_control(evidence: Evidence) -> float | None:
    """The same with the other voices' prompts, their mean: what chance and the ASR's errors give."""
    heard, prompts = len(evidence.words.hypothesis), evidence.other_prompts
    if not heard or not prompts:
        return None
    return sum(word in prompt for _, word in evidence.words.foreign for prompt in prompts) / len(prompts) / heard


def bleeds(evidence: Evidence) -> bool:
    """Whether so much is the prompt's that it is neither chance nor an ASR's error."""
    count, heard = len(bled(evidence)), len(evidence.words.hypothesis)
    if count < WORDS_THAT_COUNT or count / heard < SHARE_THAT_COUNTS:
        return False
    return count / heard > 2 * (bleed_control(evidence) or 0.0)


def bled_at(evidence: Evidence) -> Third | None:
    """Returns where most of the prompt's words are: before, after or among the text's."""
    positions = bled(evidence)
    if not positions:
        return None
    middle = sum(positions) / len(positions) / max(1, len(evidence.words.hypothesis) - 1)
    return "head" if middle < 1 / 3 else "tail" if middle > 2 / 3 else "middle"


def _bleed(evidence: Evidence) -> Score | None:
    return known(bleed(evidence), len(evidence.words.hypothesis))


def _bleed_control(evidence: Evidence) -> Score | None:
    return known(bleed_control(evidence), len(evidence.words.hypothesis))


BLEED = Metric("bleed", "ratio", False, "asr", SHARE, _bleed, needs=TRANSCRIPT, pooled_by="words heard", counts=True)
BLEED_CONTROL = Metric(
    "bleed_control", "ratio", None, "asr", SHARE, _bleed_control, needs=TRANSCRIPT, pooled_by="words heard"
)
