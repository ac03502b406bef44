"""WER and CER: how much of the text can be heard, by an ASR's transcript."""

import math
from dataclasses import dataclass

import jiwer

from evalkit.metrics.base import Evidence, Metric, Score


@dataclass(frozen=True)
class Edits:
    """Counts of a minimal edit alignment (Levenshtein, unit costs) of a hypothesis to a reference."""

    hits: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def reference_length(self) -> int:
        """Words or characters in the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def errors(self) -> int:
        """Edits that are not hits."""
        return self.substitutions + self.deletions + self.insertions


def align_words(reference: str, hypothesis: str) -> Edits:
    """Returns the word edits from `reference` to `hypothesis`, both normalised already."""
    return _align(reference.split(), hypothesis.split())


def align_characters(reference: str, hypothesis: str) -> Edits:
    """Returns the character edits, spaces counted, both texts normalised already."""
    return _align(list(reference), list(hypothesis))


def _align(reference: list[str], hypothesis: list[str]) -> Edits:
    if not reference:  # jiwer aligns no empty reference
        return Edits(0, 0, 0, len(hypothesis))
    result = jiwer.process_words(
        [reference], [hypothesis], reference_transform=_AS_GIVEN, hypothesis_transform=_AS_GIVEN
    )
    return Edits(result.hits, result.substitutions, result.deletions, result.insertions)


# The texts come tokenised, so that characters and words take the same way through jiwer.
_AS_GIVEN = jiwer.Compose([])


def _error_rate(edits: Edits) -> Score | None:
    length = edits.reference_length
    return Score(edits.errors / length, length) if length else None


def _wer(evidence: Evidence) -> Score | None:
    """(S + D + I) / (H + S + D) over words; pooled over utterances by weight."""
    return _error_rate(align_words(evidence.reference, evidence.hypothesis))


def _cer(evidence: Evidence) -> Score | None:
    """(S + D + I) / (H + S + D) over characters, spaces counted; pooled over utterances by weight."""
    return _error_rate(align_characters(evidence.reference, evidence.hypothesis))


def _wer_utt_mean(evidence: Evidence) -> Score | None:
    """The utterance's WER with weight 1: its mean is what seed-tts-eval prints as WER."""
    score = _wer(evidence)
    return Score(score.value) if score else None


def _intended_wer(evidence: Evidence) -> Score | None:
    """WER of the text that the engine meant to say against the probe's: it said something else."""
    return None if evidence.intended is None else _error_rate(align_words(evidence.reference, evidence.intended))


def _spoken_wer(evidence: Evidence) -> Score | None:
    """WER of the transcript against the text that the engine meant to say: it said it badly."""
    return None if evidence.intended is None else _error_rate(align_words(evidence.intended, evidence.hypothesis))


WER = Metric("wer", "ratio", higher_is_better=False, judge="asr", bounds=(0.0, math.inf), measure=_wer)
CER = Metric("cer", "ratio", higher_is_better=False, judge="asr", bounds=(0.0, math.inf), measure=_cer)
WER_UTT_MEAN = Metric(
    "wer_utt_mean", "ratio", higher_is_better=False, judge="asr", bounds=(0.0, math.inf), measure=_wer_utt_mean
)
INTENDED_WER = Metric(
    "intended_wer", "ratio", higher_is_better=False, judge=None, bounds=(0.0, math.inf), measure=_intended_wer
)
SPOKEN_WER = Metric(
    "spoken_wer", "ratio", higher_is_better=False, judge="asr", bounds=(0.0, math.inf), measure=_spoken_wer
)
