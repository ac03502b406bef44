"""A row of a run: what became of one utterance. The dataclasses are the schema of what `reports.files` writes.

They are plain and checked when they are read: a run has very many, which share settings and prompts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from evalkit.digest import Scalar

EXACT = ConfigDict(extra="forbid")
Number = Annotated[float, Field(allow_inf_nan=False)]
Amount = Annotated[Number, Field(ge=0)]  # of seconds, bytes, edits: files that say less are not believed
Count = Annotated[int, Field(ge=0)]
State = Literal["scored", "failed", "not_run"]
FAILED = "failed"  # a metric of every row: 1 where its state is not `scored`


@dataclass(frozen=True, slots=True)
class PromptRecord:
    """The prompt an utterance was conditioned on.

    Attributes:
        seconds: Its length.
        text: Its words, as the engine gets them.
        text_source: Who wrote them.
        sha256: Content address of audio and text.
        clips: File names of the clips used.
        text_wer: The words of these clips, each whole, against what is heard in them: whether they are rightly written
            down, whatever was then cut off or spoilt on purpose.
        sound: Address of its audio in the store.
        wer: `text` against what is heard in this audio.
        wanted_seconds: The length that was asked for; None for all that there is.
    """

    __pydantic_config__ = EXACT

    seconds: Amount
    text: str
    text_source: str
    sha256: str
    clips: list[str]
    text_wer: Amount | None = None
    sound: str | None = None
    wer: Amount | None = None
    wanted_seconds: Amount | None = None


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """Why an utterance failed, or was not run."""

    __pydantic_config__ = EXACT

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class EditsRecord:
    """Word edits from the normalised text to the normalised hypothesis; of signs where words have no spaces."""

    __pydantic_config__ = EXACT

    hits: Count
    substitutions: Count
    deletions: Count
    insertions: Count


@dataclass(frozen=True, slots=True)
class Row:
    """One utterance.

    Attributes:
        state: `scored`; `failed`: there is an `error` and no scores; `not_run`: it was not tried, `error` says why.
        stratum: The kind of text that the probe is, where its set tells.
        language: The text's.
        voice_language: The voice's, where it is another one: it was cloned across languages.
        speaker: Who the voice is, where several voices are one speaker's: statistics cluster by it.
        intended_text: What the engine meant to say, where it chooses its words and can tell.
        synthesis: Key of the synthesis in the store.
        audio: Address of its sound there.
        cached: Whether the synthesis was made by an earlier run.
        scores: Value by metric; a metric that is undefined here is absent.
        weights: Weight by metric in pooled means, where it is not 1.
        missing: Why a metric could not be taken, by metric: a judge failed, or the metric itself.
        heard_language: The language that was heard in it, where the transcriber can tell, and its probability.
        flags: Names of what went wrong; meanings in `evalkit/metrics/failures.py`.
        bleed_at: Where the prompt's words are that the text does not have: head, middle or tail.
        sim_reference: What `sim` compares with: the voice's held-out clips, or its prompt clips where it has none.
    """

    __pydantic_config__ = EXACT

    trial: str
    engine: str
    settings: Mapping[str, Scalar]
    voice: str
    probe: str
    seed: Count
    language: str
    text: str
    state: State = "scored"
    stratum: str | None = None
    speaker: str | None = None
    prompt: PromptRecord | None = None
    hypothesis: str | None = None
    intended_text: str | None = None
    synthesis: str | None = None
    audio: str | None = None
    audio_seconds: Amount | None = None
    synth_seconds: Amount | None = None
    cached: bool = False
    sim_reference: Literal["held_out", "prompt"] | None = None
    scores: Mapping[str, Number] = field(default_factory=dict)
    weights: Mapping[str, Amount] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    edits: EditsRecord | None = None
    flags: list[str] = field(default_factory=list)
    bleed_at: Literal["head", "middle", "tail"] | None = None
    heard_language: tuple[str, float] | None = None
    voice_language: str | None = None
    error: ErrorRecord | None = None

    @property
    def languages(self) -> str:
        """The text's language; after the voice's where that is another one, e.g. `en > zh`."""
        return self.language if self.voice_language is None else f"{self.voice_language} > {self.language}"
