"""The seam of a metric: a named function of one utterance's evidence, giving a value and the weight it pools with.

Every summary in a report is a weighted mean, sum(value * weight) / sum(weight). With the reference's length as weight
that is the pooled error rate; with audio seconds, the pooled real-time factor; with 1, the plain mean.
"""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from evalkit.languages import Language, english
from evalkit.metrics.acoustics import Acoustics
from evalkit.metrics.alignment import Alignment
from evalkit.metrics.likeness import Likeness

SHARE = (0.0, 1.0)
POSITIVE = (0.0, math.inf)
TRANSCRIPT, ACOUSTICS = "transcript", "acoustics"  # parts of the evidence; the others have their model's name


@dataclass(frozen=True)
class VoiceFacts:
    """How a speaker speaks in their own clips; None where that is not known."""

    words_per_second: float | None = None
    f0_median: float | None = None


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that is known of one synthesised utterance.

    Attributes:
        reference: The probe's text, normalised.
        hypothesis: The transcript of the synthesis, normalised alike.
        likeness: By speaker encoder.
        audio_seconds: Length of the synthesis.
        acoustics: What can be measured in it.
        peak: Largest sample that the engine gave, before it was kept.
        voice: How the speaker speaks; no rate of words where that is another language than the text's.
        prompt_words: The words of the prompt, normalised alike.
        other_prompts: Those of the other voices' prompts in the same trial and language: the control for bleed.
        intended: The text the engine meant to say, normalised alike; None where it speaks what it is given.
        language: The probe's.
        heard_language: The language heard and its probability; None where the transcriber cannot tell.
        quality: What quality models say, by score.
        synth_seconds: Time the engine took, weights already loaded; None if that was on another machine or device.
        first_audio_seconds: Time until its first sound; None where it does not stream.
        memory_bytes: Largest memory of its process so far; None as above.
        device_memory_bytes: Largest memory of its accelerator so far; None without one.
        absent: Parts that could not be had, and why: `transcript`, `acoustics`, or a judge's name. What stands in their
            place here says nothing, and no metric that needs them is asked.
    """

    reference: str
    hypothesis: str
    likeness: Mapping[str, Likeness]
    audio_seconds: float
    acoustics: Acoustics
    peak: float = 0.0
    voice: VoiceFacts = VoiceFacts()
    prompt_words: frozenset[str] = frozenset()
    other_prompts: tuple[frozenset[str], ...] = ()
    intended: str | None = None
    language: Language = field(default_factory=english)
    heard_language: tuple[str, float] | None = None
    quality: Mapping[str, float] = field(default_factory=dict)
    synth_seconds: float | None = None
    first_audio_seconds: float | None = None
    memory_bytes: float | None = None
    device_memory_bytes: float | None = None
    absent: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def words(self) -> Alignment:
        """The transcript's words, aligned to the text's; of languages without spaces, their signs."""
        return Alignment(self.language.words(self.reference), self.language.words(self.hypothesis))

    @cached_property
    def characters(self) -> Alignment:
        """Their characters, spaces among them where words are parted by spaces."""
        return Alignment(self.language.characters(self.reference), self.language.characters(self.hypothesis))


@dataclass(frozen=True)
class Score:
    """A metric's value for one utterance, and its weight in a pooled mean."""

    value: float
    weight: float = 1.0


@dataclass(frozen=True)
class Metric:
    """A named measure of an utterance.

    Attributes:
        name: Key in reports.
        unit: Unit of the value.
        higher_is_better: Direction; None where neither is.
        judge: Which judge it rests on: `asr`, the name of a speaker encoder or quality model, or None.
        bounds: Least and greatest value there can be.
        measure: The function; it returns None where the metric is undefined for this utterance.
        needs: The part of the evidence that it cannot do without, as `Evidence.absent` names it; None: it needs none.
        pooled_by: What `measure` gives as weight, in words; `utterances` weigh 1 each.
        compares_with: Which recordings of the speaker it is measured against: the voice's `references`, the same for
            every trial, or the `prompt` that the engine heard; None: none.
        repeatability: Standard deviation of one utterance's value when nothing changes but chance; 0: not known.
        counts: Whether value times weight is a number of events, as of errors or failures.
    """

    name: str
    unit: str
    higher_is_better: bool | None
    judge: str | None
    bounds: tuple[float, float]
    measure: Callable[[Evidence], Score | None]
    needs: str | None = None
    pooled_by: str = "utterances"
    compares_with: Literal["references", "prompt"] | None = None
    repeatability: float = 0.0
    counts: bool = False

    @property
    def about(self) -> str:
        """What it is, with its formula, and when not to trust it: the docstring of what measures it."""
        return inspect.getdoc(self.measure) or ""


def known(value: float | None, weight: float = 1.0) -> Score | None:
    """Returns the score of a value that may be unknown."""
    return None if value is None else Score(value, weight)
