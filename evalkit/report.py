"""The record of a run: rows and a report, versioned, with one way to write each and one to read.

The dataclasses are the schema: `json_schema` derives the JSON Schema that `docs/schema/` holds. Numbers are rounded to
six digits and NaN is written as null, so that two reports diff well.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, field
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

from evalkit.digest import Scalar
from evalkit.errors import DataError
from evalkit.manifest import describe
from evalkit.store import write_atomically, writing

SCHEMA_VERSION = 1
REPORT_FILE = "report.json"
ROWS_FILE = "utterances.jsonl"
DIGITS = 6

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


def rounded(value: Any) -> Any:
    """Returns plain data with floats at six digits after the point, and null for what is no number."""
    if isinstance(value, float):
        return round(value, DIGITS) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value


def write_report(folder: Path, report: Report) -> None:
    """Writes `report.json`, whole or not at all."""
    text = json.dumps(rounded(asdict(report)), sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(folder / REPORT_FILE, lambda part: _write_text(part, text))


def write_rows(folder: Path, rows: Iterable[Row]) -> list[Row]:
    """Appends each row to a fresh `utterances.jsonl` as it comes; returns them as a reader would get them.

    Raises:
        StorageError: The disk refused.
    """
    written, path = [], folder / ROWS_FILE
    with writing(path):
        file = path.open("w", encoding="utf-8")
    with file:
        for row in rows:
            line = json.dumps(rounded(asdict(row)), sort_keys=True, ensure_ascii=False, allow_nan=False)
            with writing(path):
                file.write(line + "\n")
                file.flush()
            written.append(_ROW.validate_json(line))
    return written


def read_report(folder: Path) -> Report:
    """Reads a run's `report.json`.

    Raises:
        DataError: There is none, or it is not a report of this version.
    """
    path = folder / REPORT_FILE
    try:
        return _REPORT.validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"no report at {path}: {error.strerror}") from error
    except ValidationError as error:
        raise DataError(f"{path} is not a report of version {SCHEMA_VERSION}: {describe(error)}") from error


def read_rows(folder: Path) -> Iterator[Row]:
    """Reads a run's rows; a last line that a crash cut short is left out.

    Raises:
        DataError: There are none, or another line is not a row.
    """
    path = folder / ROWS_FILE
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise DataError(f"no rows at {path}: {error.strerror}") from error
    for number, line in enumerate(lines[:-1], start=1):  # what follows the last newline is not whole
        try:
            yield _ROW.validate_json(line)
        except ValidationError as error:
            raise DataError(f"{path}, line {number}: {describe(error)}") from error


def json_schema(kind: Literal["report", "row"]) -> dict[str, Any]:
    """Returns the JSON Schema of `report.json` or of a line of `utterances.jsonl`.

    Fields with a default are not required, so that a report from before a field was added stays valid.
    """
    adapter: TypeAdapter[Any] = _REPORT if kind == "report" else _ROW
    schema = adapter.json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


_REPORT: TypeAdapter[Report] = TypeAdapter(Report)
_ROW: TypeAdapter[Row] = TypeAdapter(Row)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
