"""The record of a run: rows and a report, versioned. The dataclasses are the schema of what `reports.files` writes.

Rows are plain dataclasses, checked when they are read: a run has very many, which share settings and prompts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as validated

from evalkit.digest import Scalar

SCHEMA_VERSION = 2

_EXACT = ConfigDict(extra="forbid")
Number = Annotated[float, Field(allow_inf_nan=False)]
Amount = Annotated[Number, Field(ge=0)]  # of seconds, bytes, edits: files that say less are not believed
Count = Annotated[int, Field(ge=0)]
Status = Literal["complete", "interrupted", "failed"]
State = Literal["scored", "failed", "not_run"]


@dataclass(frozen=True, slots=True)
class PromptRecord:
    """The prompt an utterance was conditioned on; `text_wer` is its clips' words against what was heard.

    `sha256` is of audio and text, `sound` the address of its audio in the store.
    """

    __pydantic_config__ = _EXACT

    seconds: Amount
    text: str
    text_source: str
    sha256: str
    clips: list[str]
    text_wer: Amount | None = None
    sound: str | None = None


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """Why an utterance failed, or was not run."""

    __pydantic_config__ = _EXACT

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class EditsRecord:
    """Word edits from the normalised text to the normalised hypothesis."""

    __pydantic_config__ = _EXACT

    hits: Count
    substitutions: Count
    deletions: Count
    insertions: Count


@dataclass(frozen=True, slots=True)
class Row:
    """One utterance.

    Attributes:
        state: `scored`; `failed`: there is an `error` and no scores; `not_run`: it was not tried, `error` says why.
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

    __pydantic_config__ = _EXACT

    trial: str
    engine: str
    settings: Mapping[str, Scalar]
    voice: str
    probe: str
    seed: Count
    language: str
    text: str
    state: State = "scored"
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
    error: ErrorRecord | None = None


@validated(frozen=True, config=_EXACT)
class Summary:
    """A pooled mean over `n` utterances, and its 95 % interval (voices and probes resampled)."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None


@validated(frozen=True, config=_EXACT)
class TrialSummary:
    """A trial's results.

    Attributes:
        id: Of the trial; other in another version of the engine.
        n: All its utterances so far, the `n_failed`, the `n_not_run` and the `n_flagged` among them.
        flags: How many utterances have each flag.
        version: The engine's; see `Engine.adapter_version`.
        barred: Why it is not called best, however far ahead it is: what went wrong in it.
    """

    id: str
    engine: str
    settings: Mapping[str, Scalar]
    n: Count
    n_failed: Count
    summary: Mapping[str, Summary]
    n_not_run: Count = 0
    n_flagged: Count = 0
    flags: Mapping[str, int] = field(default_factory=dict)
    version: str | None = None
    barred: str | None = None


@validated(frozen=True, config=_EXACT)
class Comparison:
    """A trial minus the baseline trial on what both scored; intervals hold for all trials of a metric at once."""

    trial: str
    baseline: str
    metric: str
    difference: float
    low: float | None
    high: float | None
    adjusted_p: float | None
    n_pairs: int


@validated(frozen=True, config=_EXACT)
class FloorAndCeiling:
    """Cosines of a voice's own recordings: with other voices, and with each other; None where nothing compares.

    `spread` is the root of the mean variance of the cosines that the two are means of.
    """

    floor: float | None
    ceiling: float | None
    spread: float | None = None


@validated(frozen=True, config=_EXACT)
class VoiceCalibration:
    """What scores of a voice's own recordings are: by speaker encoder, and the transcriber's WER over `asr_words`.

    `sim_reference` is what its `sim` compares with, as in rows: of prompt clips the ceiling is among themselves.
    """

    speakers: Mapping[str, FloorAndCeiling]
    asr_wer: float | None
    asr_words: int
    sim_reference: Literal["held_out", "prompt"] | None = None


@validated(frozen=True, config=_EXACT)
class EncoderRecord:
    """An encoder's equal error rate over all pairs of the given voices' clips; the interval is over voices."""

    eer: float
    low: float | None
    high: float | None
    n_same: int
    n_different: int


@validated(frozen=True, config=_EXACT)
class RankChange:
    """A trial that two encoders rank differently, 1 being the best."""

    trial: str
    rank: int
    other_rank: int


@validated(frozen=True, config=_EXACT)
class Concordance:
    """How another encoder's ranking of the trials differs from the primary one's.

    `contested` says whether it fails to see the primary one's winner; None without a winner, or where it has no score
    of the winner to compare.
    """

    encoder: str
    tau: float | None
    moved: list[RankChange]
    contested: bool | None


@validated(frozen=True, config=_EXACT)
class MetricRecord:
    """What a metric is: all that comparing, gating and drawing it needs.

    Attributes:
        unit: Of the value.
        higher_is_better: Direction; None where neither is.
        judge: The model that it rests on.
        bounds: Least and greatest value there can be; None where there is no such end.
        pooled_by: What a value weighs in a pooled mean, in words: `utterances` weigh 1 each.
        compares_with: Which recordings of the speaker it is measured against: the voice's `references`, or the `prompt`
            that the engine heard.
        repeatability: Standard deviation of one utterance's value when nothing changes but chance; 0: not known.
    """

    unit: str
    higher_is_better: bool | None
    judge: str | None
    bounds: tuple[float | None, float | None] = (None, None)
    pooled_by: str = "utterances"
    compares_with: Literal["references", "prompt"] | None = None
    repeatability: float = 0.0


@validated(frozen=True, config=_EXACT)
class Provenance:
    """Where the numbers come from: enough to make them again."""

    command: str
    commit: str | None
    dirty: bool | None
    python: str
    platform: str
    device: str
    packages: Mapping[str, str]
    engines: Mapping[str, Any]
    judges: Mapping[str, Any]
    seeds: list[int]


@validated(frozen=True, config=_EXACT)
class Cost:
    """What the run cost. `overhead` is the share of wall time outside models; loading weights counts as inside."""

    wall_seconds: float
    model_seconds: float
    overhead: float | None
    peak_memory_bytes: int
    synthesised: int
    cached: int


@validated(frozen=True, config=_EXACT)
class Report:
    """A run's results.

    Attributes:
        plan: Digest of all that was asked for: equal plans, equal work.
        status: `interrupted` reports hold the numbers so far.
        baseline: The trial that others are compared with; None where nothing can be.
        primary: The metric that decides.
        guards: Metrics in which a winner must say how it does.
        recordings: Addresses of each voice's recordings, as they were heard.
    """

    run_id: str
    plan: str
    sweep: str
    question: str
    created: str
    status: Status
    provenance: Provenance
    config: Mapping[str, Any]
    metrics: Mapping[str, MetricRecord]
    schema_version: int = SCHEMA_VERSION
    baseline: str | None = None
    primary: str = "sim"
    guards: list[str] = field(default_factory=lambda: ["wer"])
    trials: list[TrialSummary] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    calibration: Mapping[str, VoiceCalibration] = field(default_factory=dict)
    encoders: Mapping[str, EncoderRecord | None] = field(default_factory=dict)
    concordance: list[Concordance] = field(default_factory=list)
    recordings: Mapping[str, list[str]] = field(default_factory=dict)
    best: str | None = None
    finding: str = ""
    notes: list[str] = field(default_factory=list)
    cost: Cost | None = None
