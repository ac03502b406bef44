"""The record of a run: rows and a report, versioned. The dataclasses are the schema of what `report_files` writes."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as validated

from evalkit.digest import Scalar

SCHEMA_VERSION = 1

_EXACT = ConfigDict(extra="forbid")
Status = Literal["complete", "interrupted", "failed"]


@validated(frozen=True, config=_EXACT)
class PromptRecord:
    """The prompt an utterance was conditioned on; `text_wer` is its clips' words against what was heard."""

    seconds: float
    text: str
    text_source: str
    sha256: str
    clips: list[str]
    text_wer: float | None = None


@validated(frozen=True, config=_EXACT)
class ErrorRecord:
    """Why an utterance failed."""

    type: str
    message: str


@validated(frozen=True, config=_EXACT)
class EditsRecord:
    """Word edits from the normalised text to the normalised hypothesis."""

    hits: int
    substitutions: int
    deletions: int
    insertions: int


@validated(frozen=True, config=_EXACT)
class Row:
    """One utterance. A failed one has an `error` and no scores.

    Attributes:
        intended_text: What the engine meant to say, where it chooses its words and can tell.
        audio: Path of the synthesis within the store.
        cached: Whether the synthesis was made by an earlier run.
        scores: Value by metric; a metric that is undefined here is absent.
        weights: Weight by metric in pooled means, where it is not 1.
        heard_language: The language that was heard in it, where the transcriber can tell, and its probability.
        flags: Names of what went wrong; meanings in `evalkit/metrics/failures.py`.
        bleed_at: Where the prompt's words are that the text does not have: head, middle or tail.
        sim_reference: What `sim` compares with: the voice's held-out clips, or its prompt clips where it has none.
    """

    trial: str
    engine: str
    settings: Mapping[str, Scalar]
    voice: str
    probe: str
    seed: int
    language: str
    text: str
    prompt: PromptRecord | None = None
    hypothesis: str | None = None
    intended_text: str | None = None
    audio: str | None = None
    audio_seconds: float | None = None
    synth_seconds: float | None = None
    cached: bool = False
    sim_reference: Literal["held_out", "prompt"] | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    edits: EditsRecord | None = None
    flags: list[str] = field(default_factory=list)
    bleed_at: Literal["head", "middle", "tail"] | None = None
    heard_language: tuple[str, float] | None = None
    error: ErrorRecord | None = None


@validated(frozen=True, config=_EXACT)
class Summary:
    """A pooled mean and its 95 % interval (voices and probes resampled)."""

    value: float | None
    low: float | None = None
    high: float | None = None


@validated(frozen=True, config=_EXACT)
class TrialSummary:
    """A trial's results; `n` counts all its utterances, the `n_failed` among them."""

    id: str
    engine: str
    settings: Mapping[str, Scalar]
    n: int
    n_failed: int
    summary: Mapping[str, Summary]


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
    """Cosines of a voice's own recordings: with other voices, and with each other; None where nothing compares."""

    floor: float | None
    ceiling: float | None


@validated(frozen=True, config=_EXACT)
class VoiceCalibration:
    """What scores of a voice's own recordings are: by speaker encoder, and the transcriber's WER over `asr_words`."""

    speakers: Mapping[str, FloorAndCeiling]
    asr_wer: float | None
    asr_words: int


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
class Agreement:
    """How another encoder's ranking of the trials differs from the primary one's.

    `contested` says whether it fails to see the primary one's winner; None without a winner.
    """

    encoder: str
    tau: float | None
    moved: list[RankChange]
    contested: bool | None


@validated(frozen=True, config=_EXACT)
class MetricRecord:
    """What a metric is; `judge` names the model it rests on."""

    unit: str
    higher_is_better: bool | None
    judge: str | None


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
    """A run's results. `plan` is a digest of all that was asked for: equal plans, equal work."""

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
    trials: list[TrialSummary] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    calibration: Mapping[str, VoiceCalibration] = field(default_factory=dict)
    encoders: Mapping[str, EncoderRecord | None] = field(default_factory=dict)
    agreement: list[Agreement] = field(default_factory=list)
    best: str | None = None
    finding: str = ""
    notes: list[str] = field(default_factory=list)
    cost: Cost | None = None
