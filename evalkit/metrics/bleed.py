"""Bleed: words of the prompt's transcript that turn up in the synthesis although its text has none of them.

Engines that continue a prompt now and then speak its last words again. Common words bleed by chance, or are an ASR's
error, so the same count with the other voices' prompts is the control.
"""

from typing import Literal

from evalkit.metrics.base import SHARE, TRANSCRIPT, Evidence, Metric, Score, known

SHARE_THAT_COUNTS = 0.1
Third = Literal["head", "middle", "tail"]


def bled(evidence: Evidence) -> list[int]:
    """Returns the positions of those foreign words that are the prompt's."""
    return [at for at, word in evidence.words.foreign if word in evidence.prompt_words]


def _by_chance(evidence: Evidence) -> float | None:
    heard, prompts = len(evidence.words.hypothesis), evidence.other_prompts
    if not heard or not prompts:
        return None
    return sum(word in prompt for _, word in evidence.words.foreign for prompt in prompts) / len(prompts) / heard


def bleeds(evidence: Evidence) -> bool:
    """Whether so much is the prompt's that it is neither chance nor an ASR's error.

    Two words or more, a tenth of those heard, and twice as many as the other voices' prompts would give. Of languages
    without spaces it is as many signs as make two words.

    When not to trust it: where the prompt is in another language, which a transcriber writes down as what it is told to
    hear: `wrong_language` is then what tells. Where the voices' prompts have the same words, and in short texts: one
    word cannot raise it.
    """
    count, heard = len(bled(evidence)), len(evidence.words.hypothesis)
    if count < evidence.language.entry.two_words or count / heard < SHARE_THAT_COUNTS:
        return False
    return count / heard > 2 * (_by_chance(evidence) or 0.0)


def bled_at(evidence: Evidence) -> Third | None:
    """Returns where most of the prompt's words are: before, after or among the text's."""
    positions = bled(evidence)
    if not positions:
        return None
    middle = sum(positions) / len(positions) / max(1, len(evidence.words.hypothesis) - 1)
    return "head" if middle < 1 / 3 else "tail" if middle > 2 / 3 else "middle"


def _bleed(evidence: Evidence) -> Score | None:
    """Words of the own prompt among the foreign words / words heard; undefined if nothing was heard.

    Foreign words are those heard that the text has none of.

    When not to trust it: without `bleed_control` beside it. Common words, and words that the transcriber got wrong, are
    in any prompt; a bleed no larger than the control is chance.
    """
    heard = len(evidence.words.hypothesis)
    return Score(len(bled(evidence)) / heard, heard) if heard else None


def _bleed_control(evidence: Evidence) -> Score | None:
    """Words of the other voices' prompts among the foreign words / words heard, their mean over these prompts.

    It is what chance and the transcriber's errors give: the control for `bleed`. Undefined without other voices.

    When not to trust it: where the voices' prompts have the same words, as when all read one text: then it is as large
    as `bleed`, and neither tells anything.
    """
    return known(_by_chance(evidence), len(evidence.words.hypothesis))


BLEED = Metric("bleed", "ratio", False, "asr", SHARE, _bleed, needs=TRANSCRIPT, pooled_by="words heard", counts=True)
BLEED_CONTROL = Metric(
    "bleed_control", "ratio", None, "asr", SHARE, _bleed_control, needs=TRANSCRIPT, pooled_by="words heard"
)
