"""The report of a run, versioned. The dataclasses are the schema of what `reports.files` writes."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from pydantic.dataclasses import dataclass as validated

from evalkit.digest import Scalar
from evalkit.row import EXACT, Count

SCHEMA_VERSION = 2

Status = Literal["complete", "interrupted", "failed"]


@validated(frozen=True, config=EXACT)
class Summary:
    """A pooled mean over `n` utterances, and its 95 % interval, of its own; `scope` as in `Comparison`."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    scope: Literal["population", "panel"] = "population"


@validated(frozen=True, config=EXACT)
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


@validated(frozen=True, config=EXACT)
class Spreads:
    """Standard deviations of one utterance's paired difference: by voice, by text, and beyond both.

    `chance` is what is left between seeds of one voice and text, and part of `rest`; None where each was said once.
    """

    voice: float
    probe: float
    rest: float
    chance: float | None = None


@validated(frozen=True, config=EXACT)
class Comparison:
    """A trial minus the baseline trial on what both scored; intervals hold for all trials of a metric at once.

    Attributes:
        scope: What the interval holds for: `population`: for new voices and texts too; `panel`: for just these.
        spreads: What the difference varies by; None where voices and texts cannot be told apart.
        worst: Where one of the two failed more often: the difference if whatever failed had scored as badly as anything
            of the two that was scored; first with the trial's failures so, then with the baseline's.
    """

    trial: str
    baseline: str
    metric: str
    difference: float
    low: float | None
    high: float | None
    adjusted_p: float | None
    n_pairs: int
    scope: Literal["population", "panel"] = "population"
    spreads: Spreads | None = None
    worst: tuple[float, float] | None = None


@validated(frozen=True, config=EXACT)
class FloorAndCeiling:
    """Cosines of a voice's own recordings: with other voices, and with each other; None where nothing compares.

    `spread` is the root of the mean variance of the cosines that the two are means of.
    """

    floor: float | None
    ceiling: float | None
    spread: float | None = None


@validated(frozen=True, config=EXACT)
class VoiceCalibration:
    """What scores of a voice's own recordings are: by speaker encoder, and the transcriber's WER over `asr_words`.

    `sim_reference` is what its `sim` compares with, as in rows: of prompt clips the ceiling is among themselves.
    """

    speakers: Mapping[str, FloorAndCeiling]
    asr_wer: float | None
    asr_words: int
    sim_reference: Literal["held_out", "prompt"] | None = None


@validated(frozen=True, config=EXACT)
class EncoderRecord:
    """An encoder's equal error rate over all pairs of the given voices' clips; the interval is over voices."""

    eer: float
    low: float | None
    high: float | None
    n_same: int
    n_different: int


@validated(frozen=True, config=EXACT)
class RankChange:
    """A trial that two encoders rank differently, 1 being the best."""

    trial: str
    rank: int
    other_rank: int


@validated(frozen=True, config=EXACT)
class Concordance:
    """How another encoder's ranking of the trials differs from the primary one's.

    `contested` says whether it fails to see the primary one's winner; None without a winner, or where it has no score
    of the winner to compare.
    """

    encoder: str
    tau: float | None
    moved: list[RankChange]
    contested: bool | None


@validated(frozen=True, config=EXACT)
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
        counts: Whether value times weight is a number of events, as of errors or failures.
    """

    unit: str
    higher_is_better: bool | None
    judge: str | None
    bounds: tuple[float | None, float | None] = (None, None)
    pooled_by: str = "utterances"
    compares_with: Literal["references", "prompt"] | None = None
    repeatability: float = 0.0
    counts: bool = False


@validated(frozen=True, config=EXACT)
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


@validated(frozen=True, config=EXACT)
class Cost:
    """What the run cost. `overhead` is the share of wall time outside models; loading weights counts as inside."""

    wall_seconds: float
    model_seconds: float
    overhead: float | None
    peak_memory_bytes: int
    synthesised: int
    cached: int


@validated(frozen=True, config=EXACT)
class Report:
    """A run's results.

    Attributes:
        plan: Digest of all that was asked for: equal plans, equal work.
        status: `interrupted` reports hold the numbers so far.
        baseline: The trial that others are compared with; None where nothing can be.
        primary: The metric that decides.
        varying: Settings in which trials differ, in the order in which they were asked for.
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
    varying: list[str] = field(default_factory=list)
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
