"""WER and CER: how much of the text can be heard, by an ASR's transcript."""

from evalkit.metrics.alignment import Edits, align_characters, align_words
from evalkit.metrics.base import POSITIVE, SHARE, Evidence, Metric, Score
from evalkit.text import WITHOUT_SPACES

GARBLED = 0.5


def _error_rate(edits: Edits) -> Score | None:
    length = edits.reference_length
    return Score(edits.errors / length, length) if length else None


def _wer(evidence: Evidence) -> Score | None:
    """(S + D + I) / (H + S + D) over words; pooled over utterances by weight. Undefined where words have no spaces."""
    if evidence.language in WITHOUT_SPACES:
        return None
    return _error_rate(align_words(evidence.reference, evidence.hypothesis))


def _cer(evidence: Evidence) -> Score | None:
    """(S + D + I) / (H + S + D) over characters; pooled over utterances by weight.

    Spaces count, but in languages that have none between words, where an ASR's are its own invention.
    """
    texts = (evidence.reference, evidence.hypothesis)
    if evidence.language in WITHOUT_SPACES:
        texts = (texts[0].replace(" ", ""), texts[1].replace(" ", ""))
    return _error_rate(align_characters(*texts))


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


def _p_wer_50(evidence: Evidence) -> Score | None:
    """1 if the utterance's WER is above 0.5, else 0: its mean is the share of utterances that failed."""
    score = _wer(evidence)
    return Score(float(score.value > GARBLED)) if score else None


INTELLIGIBILITY = (
    Metric("wer", "ratio", higher_is_better=False, judge="asr", bounds=POSITIVE, measure=_wer),
    Metric("cer", "ratio", higher_is_better=False, judge="asr", bounds=POSITIVE, measure=_cer),
    Metric("wer_utt_mean", "ratio", higher_is_better=False, judge="asr", bounds=POSITIVE, measure=_wer_utt_mean),
    Metric("p_wer_50", "share", higher_is_better=False, judge="asr", bounds=SHARE, measure=_p_wer_50),
    Metric("intended_wer", "ratio", higher_is_better=False, judge=None, bounds=POSITIVE, measure=_intended_wer),
    Metric("spoken_wer", "ratio", higher_is_better=False, judge="asr", bounds=POSITIVE, measure=_spoken_wer),
)
