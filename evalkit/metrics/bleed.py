"""Bleed: words of the prompt's transcript that turn up in the synthesis although its text has none of them.

Engines that continue a prompt now and then speak its last words again. Common words bleed by chance, or are an ASR's
error, so the same count with the other voices' prompts is the control.
"""

from typing import Literal

from evalkit.metrics.alignment import chunks
from evalkit.metrics.base import SHARE, Evidence, Metric, Score

SHARE_THAT_COUNTS = 0.1
WORDS_THAT_COUNT = 2
Place = Literal["head", "middle", "tail"]


def foreign_words(reference: list[str], hypothesis: list[str]) -> list[tuple[int, str]]:
    """Returns position and word of what was heard and is not in the text: aligned insertions and substitutions."""
    if not hypothesis:
        return []
    if not reference:
        return list(enumerate(hypothesis))
    said = set(reference)
    return [
        (at, hypothesis[at])
        for chunk in chunks(reference, hypothesis)
        if chunk.type in ("insert", "substitute")
        for at in range(chunk.hyp_start_idx, chunk.hyp_end_idx)
        if hypothesis[at] not in said
    ]


def bled(reference: str, hypothesis: str, prompt: str) -> list[int]:
    """Returns the positions of those foreign words that are the prompt's."""
    words = set(prompt.split())
    return [at for at, word in foreign_words(reference.split(), hypothesis.split()) if word in words]


def bleed(evidence: Evidence) -> float | None:
    """Words of the own prompt among the foreign words / words heard; undefined if nothing was heard."""
    heard = len(evidence.hypothesis.split())
    return len(bled(evidence.reference, evidence.hypothesis, evidence.prompt_text)) / heard if heard else None


def bleed_control(evidence: Evidence) -> float | None:
    """The same with the other voices' prompts, their mean: what chance and the ASR's errors give."""
    heard = len(evidence.hypothesis.split())
    if not heard or not evidence.other_prompts:
        return None
    counts = [len(bled(evidence.reference, evidence.hypothesis, prompt)) for prompt in evidence.other_prompts]
    return sum(counts) / len(counts) / heard


def bleeds(evidence: Evidence) -> bool:
    """Whether so much is the prompt's that it is neither chance nor an ASR's error."""
    share, control = bleed(evidence) or 0.0, bleed_control(evidence) or 0.0
    count = len(bled(evidence.reference, evidence.hypothesis, evidence.prompt_text))
    return count >= WORDS_THAT_COUNT and share >= SHARE_THAT_COUNTS and share > 2 * control


def place(evidence: Evidence) -> Place | None:
    """Returns where most of the prompt's words are: before, after or among the text's."""
    positions = bled(evidence.reference, evidence.hypothesis, evidence.prompt_text)
    if not positions:
        return None
    middle = sum(positions) / len(positions) / max(1, len(evidence.hypothesis.split()) - 1)
    return "head" if middle < 1 / 3 else "tail" if middle > 2 / 3 else "middle"


def _score(value: float | None, evidence: Evidence) -> Score | None:
    return None if value is None else Score(value, len(evidence.hypothesis.split()))


BLEED = Metric("bleed", "ratio", False, "asr", SHARE, lambda evidence: _score(bleed(evidence), evidence))
BLEED_CONTROL = Metric(
    "bleed_control", "ratio", None, "asr", SHARE, lambda evidence: _score(bleed_control(evidence), evidence)
)
