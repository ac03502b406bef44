"""WER and CER: how much of the text can be heard, by an ASR's transcript.

H, S, D and I are the hits, substitutions, deletions and insertions of a minimal edit alignment (Levenshtein 1966). The
rate over words is that of NIST's sclite; it pools over utterances as the sum of errors over the sum of lengths.
"""

from collections.abc import Sequence
from functools import partial

from rapidfuzz.distance import Levenshtein

from evalkit.metrics.base import POSITIVE, SHARE, TRANSCRIPT, Evidence, Metric, Score

GARBLED = 0.5
# Seen by others: the WER of 1,088 utterances differs from run to run by a standard deviation of 0.0008, and 1088 ** 0.5
# times that is one utterance's.
REPEATABILITY = 0.026


def _error_rate(reference: Sequence[str], hypothesis: Sequence[str]) -> Score | None:
    """(S + D + I) / (H + S + D) over tokens, the edit distance / the reference's length; undefined where that is 0."""
    length = len(reference)
    return Score(Levenshtein.distance(reference, hypothesis) / length, length) if length else None


def _wer(evidence: Evidence) -> Score | None:
    """(S + D + I) / (H + S + D) over words; pooled over utterances by weight.

    The text and the transcript are normalised alike first; the report names the normaliser. In languages that write no
    spaces between words (Chinese, Japanese, Thai) each sign counts as a word, as in seed-tts-eval; words and numbers in
    Latin letters among them stay whole.

    When not to trust it: below the transcriber's own WER on the voice's recordings, which the report has beside it. A
    transcriber guesses words from their neighbours, so that mumbled speech may be read as the text; names, numbers and
    spellings count as errors where the normaliser does not know them. WERs of two transcribers, two normalisers or two
    languages do not compare.
    """
    edits = evidence.words.edits
    if not edits.reference_length:
        return None
    return Score(edits.errors / edits.reference_length, edits.reference_length)


def _cer(evidence: Evidence) -> Score | None:
    """(S + D + I) / (H + S + D) over characters; pooled over utterances by weight.

    Spaces count, but in languages that have none between words, where an ASR's are its own invention. There a
    character is a grapheme, marks with their letter: `cer` is `wer` but for words in Latin letters, which it spells.

    When not to trust it: as `wer`; a transcriber that puts another word in the place of one that it did not hear makes
    more errors of characters of it than the speech had.
    """
    return _error_rate(evidence.characters.reference, evidence.characters.hypothesis)


def _wer_utt_mean(evidence: Evidence) -> Score | None:
    """The utterance's WER with weight 1: its mean is what seed-tts-eval prints as WER.

    When not to trust it: where texts differ in length. One error in a text of two words weighs as much as thirty in one
    of sixty. It is there to be held against papers; `wer` is what decides.
    """
    score = _wer(evidence)
    return Score(score.value) if score else None


def _p_wer_50(evidence: Evidence) -> Score | None:
    """1 if the utterance's WER is above 0.5, else 0: its mean is the share of utterances that went wrong altogether.

    When not to trust it: with few utterances, of which none or one is above 0.5. It is also what a transcriber that
    cannot cope with a voice or a language makes of good speech.
    """
    score = _wer(evidence)
    return Score(float(score.value > GARBLED)) if score else None


def _intended_wer(evidence: Evidence) -> Score | None:
    """WER of the text that the engine meant to say against the probe's: it said something else.

    What an engine means is known as far as it got: Chroma's thinker chooses words while it speaks, a token for two
    frames, so speech that ends early (flag `truncated`) counts here too, as words that it never came to mean.

    When not to trust it: of engines that only repeat the text that they were given as what they meant.
    """
    if evidence.intended is None:
        return None
    return _error_rate(evidence.words.reference, evidence.language.words(evidence.intended))


def _spoken_wer(evidence: Evidence) -> Score | None:
    """WER of the transcript against the text that the engine meant to say: it said it badly.

    When not to trust it: as `wer`; and alone, since an engine that meant something else may say that perfectly.
    """
    if evidence.intended is None:
        return None
    return _error_rate(evidence.language.words(evidence.intended), evidence.words.hypothesis)


_ERRORS = partial(Metric, unit="ratio", higher_is_better=False, bounds=POSITIVE, counts=True)
_HEARD = partial(_ERRORS, judge="asr", needs=TRANSCRIPT)
_REPEATED = partial(_HEARD, repeatability=REPEATABILITY)

INTELLIGIBILITY = (
    _REPEATED("wer", measure=_wer, pooled_by="reference words"),
    _REPEATED("cer", measure=_cer, pooled_by="reference characters"),
    _REPEATED("wer_utt_mean", measure=_wer_utt_mean, counts=False),
    _HEARD("p_wer_50", unit="share", bounds=SHARE, measure=_p_wer_50),
    _ERRORS("intended_wer", judge=None, measure=_intended_wer, pooled_by="reference words"),
    _HEARD("spoken_wer", measure=_spoken_wer, pooled_by="intended words"),
)
