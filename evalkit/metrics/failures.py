"""The ways in which cloning fails, each a flag of an utterance; a metric of the same name is its share.

Means hide them: one utterance in twenty that stops half-way changes WER little and a listener's mind for good.
"""

import inspect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evalkit.metrics.alignment import Alignment
from evalkit.metrics.base import ACOUSTICS, SHARE, TRANSCRIPT, Evidence, Metric, Score
from evalkit.metrics.bleed import bleeds

SLOWEST = 2.5  # times the seconds that a text needs
SLACK_SECONDS = 2.0
PHRASE = 3  # words; shorter ones recur in speech by themselves
FEW_TIMES = 3
SILENCE_SHARE = 0.6
GAP_SECONDS = 1.5
CLIPPED_SHARE = 0.0001  # speech that is not cut off has none: 0 of 173 sounds of people and engines
LANGUAGE_PROBABILITY = 0.5


def truncated(evidence: Evidence) -> bool:
    """Whether the tail of the text is missing: two or more words after the last one that was heard, and little else.

    Of languages without spaces it is as many signs as make two words (`languages.yaml`). A last word alone is often a
    transcriber's own doing. Other words in the place of the tail are errors, and no missing tail.

    When not to trust it: where the transcriber drops ends by itself, as it does of noisy or fading speech; listen to
    what it flags. A single missing last word is not flagged.
    """
    return missing_tail(evidence.words) >= evidence.language.entry.two_words


def missing_tail(alignment: Alignment) -> int:
    """Returns how many of the reference's last words nothing was heard for.

    They are the words after the last hit of a minimal edit alignment, less the words that were heard in their place.
    """
    hits = [run for run in alignment.runs if run.tag == "equal"]
    said, heard = (hits[-1].src_end, hits[-1].dest_end) if hits else (0, 0)
    return max(0, (len(alignment.reference) - said) - (len(alignment.hypothesis) - heard))


def runaway(evidence: Evidence) -> bool:
    """Whether it goes on and on: far longer than the text needs, or phrases come again that the text has fewer of.

    Longer than 2.5 times what a reader takes (of English 13 characters a second, of others as `languages.yaml` says),
    and 2 s more; three words in a row again, or one or two three times more than the text has them. Of languages
    without spaces a word is here half as many signs as make two.

    When not to trust it: of very slow speakers, and of texts that are read longer than they are written (numbers,
    abbreviations). Transcribers repeat themselves over noise, too.
    """
    spoken = evidence.language.entry
    needed = len(evidence.reference) / spoken.characters_per_second
    too_long = evidence.audio_seconds > SLOWEST * needed + SLACK_SECONDS
    return too_long or repeats(evidence.words.reference, evidence.words.hypothesis, spoken.two_words // 2)


def repeats(reference: Sequence[str], hypothesis: Sequence[str], word: int = 1) -> bool:
    """Whether three words in a row come again, or one or two again and again, more often than the text has them.

    Args:
        reference: What is counted as words of the text.
        hypothesis: Of the transcript.
        word: How many of these are as much as a word.
    """
    if hypothesis == reference:
        return False
    ways = ((PHRASE * word, 1), (2 * word, FEW_TIMES), (word, FEW_TIMES))
    return any(_recurs(reference, hypothesis, length, more) for length, more in ways)


def _recurs(reference: Sequence[str], hypothesis: Sequence[str], length: int, more: int) -> bool:
    phrases = _phrases(hypothesis, length)
    if len(set(phrases)) == len(phrases):
        return False
    heard, wanted = Counter(phrases), Counter(_phrases(reference, length))
    return any(count >= 2 and count - wanted[phrase] >= more for phrase, count in heard.items())


def _phrases(words: Sequence[str], length: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[at:] for at in range(length)), strict=False))


def silent(evidence: Evidence) -> bool:
    """Whether most of it is silence, or there is a long gap in it.

    More than 60 % of frames of 20 ms are 40 dB below the loud ones, or 1.5 s of them in a row lie between sound.

    When not to trust it: where noise fills the gaps (they are not silent then), or a text rightly has a long pause.
    """
    return evidence.acoustics.silence_share > SILENCE_SHARE or evidence.acoustics.longest_gap_seconds > GAP_SECONDS


def clipped(evidence: Evidence) -> bool:
    """Whether it is cut off flat: beyond full scale when the engine gave it, or in itself.

    More than one sample in ten thousand lies in runs of three or more at the peak; speech that is not cut off has none.

    When not to trust it: as the engine's fault, where the prompt is clipped: a clone copies that. Clipped sound that
    was filtered or resampled afterwards is round again, and not found.
    """
    return evidence.peak > 1.0 or evidence.acoustics.clipped_share > CLIPPED_SHARE


def wrong_language(evidence: Evidence) -> bool:
    """Whether another language than the probe's was heard, more likely than not.

    When not to trust it: of speech of a second or two, of strong accents and of kindred languages. Where the
    transcriber cannot tell languages it is never raised. A voice of another language often brings its accent along.
    """
    if evidence.heard_language is None:
        return False
    code, probability = evidence.heard_language
    return not evidence.language.is_heard_as(code) and probability > LANGUAGE_PROBABILITY


@dataclass(frozen=True)
class Flag:
    """A way of failing: its name, whether an utterance failed so, and the part of the evidence that tells."""

    name: str
    is_so: Callable[[Evidence], bool]
    needs: str

    @property
    def metric(self) -> Metric:
        """The share of utterances that have it."""
        return Metric(f"{self.name}_share", "share", False, None, SHARE, self._score, needs=self.needs, counts=True)

    @property
    def about(self) -> str:
        """What the flag means, and when not to trust it: the docstring of what raises it."""
        return inspect.getdoc(self.is_so) or ""

    def _score(self, evidence: Evidence) -> Score:
        """1 where the flag is raised, else 0: its mean is the share of utterances that have it.

        When not to trust it: as the flag.
        """
        return Score(float(self.is_so(evidence)))


FLAGS = (
    Flag("truncated", truncated, TRANSCRIPT),
    Flag("runaway", runaway, TRANSCRIPT),
    Flag("silent", silent, ACOUSTICS),
    Flag("clipped", clipped, ACOUSTICS),
    Flag("wrong_language", wrong_language, TRANSCRIPT),
    Flag("bleed", bleeds, TRANSCRIPT),
)
FAILURES = tuple(flag.metric for flag in FLAGS)


def flags(values: Mapping[str, float]) -> list[str]:
    """Returns the names of what went wrong, by the values of `FAILURES`; what cannot be told is not among them."""
    return [flag.name for flag, metric in zip(FLAGS, FAILURES, strict=True) if values.get(metric.name)]
