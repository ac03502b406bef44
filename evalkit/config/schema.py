"""The typed schema of a run's configuration, and the way from composed YAML to a plan."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from evalkit.config.grid import MOST_CELLS
from evalkit.config.making import Node, class_of, engine_of, has_shipped_preset, made_from
from evalkit.digest import Scalar
from evalkit.engines.base import Engine
from evalkit.errors import ConfigError
from evalkit.judges.base import QualityModel, SpeakerEncoder, SpeechDetector, Transcriber
from evalkit.manifest import describe
from evalkit.names import LONGEST_NAME
from evalkit.pipeline.models import MemoryMode
from evalkit.pipeline.plan import Cell, Decision, Ears, Judges, Plan
from evalkit.probes import read_probes
from evalkit.prompts import PromptSettings
from evalkit.record import Spreads
from evalkit.resources import at_home, locate
from evalkit.trial import values_of, varying_settings
from evalkit.voicefolders import Remark
from evalkit.voices import Voice, read_voices, voice_of_files

T = TypeVar("T")
_CLOSED = ConfigDict(extra="forbid", allow_inf_nan=False)


def _folder(typed: object) -> object:
    if typed in (None, ""):
        raise ValueError("a folder is needed")
    try:
        path = at_home(str(typed))
        is_file = path.exists() and not path.is_dir()
    except ConfigError as error:
        raise ValueError(str(error)) from error
    except OSError as error:
        raise ValueError(f"this is no path of a folder: {error.strerror}") from error
    if is_file:
        raise ValueError("this is no folder")
    return path


def _listed(typed: object) -> object:
    """Returns names as a list; to Hydra one that is all digits is a number."""
    if typed is None:
        return None
    names = typed if isinstance(typed, list) else [typed]
    if any(name is None or isinstance(name, bool | float) for name in names):
        raise ValueError("to Hydra a name like null, true or 1e3 is a value: put it in quotes of its own, \"'1e3'\"")
    return [str(name) if isinstance(name, int) else name for name in names]


def _none_is_empty(typed: object) -> object:
    """Returns `{}` for null: what is typed is laid over what a sweep has, so that `{}` would change nothing."""
    return {} if typed is None else typed


Folder = Annotated[Path, BeforeValidator(_folder)]
Names = Annotated[list[str], Field(min_length=1), BeforeValidator(_listed)]


@dataclass(frozen=True, config=_CLOSED)
class VoicesConfig:
    """Which voices: a folder, a manifest of voices in a package, several folders, or audio files of one voice.

    `names` (null: all) chooses, `exclude` leaves out.
    """

    path: str | list[str]
    names: Names | None = None
    exclude: Names | None = None


@dataclass(frozen=True, config=_CLOSED)
class ProbesConfig:
    """Which probes: a file, and of it those with one of `ids` that are of one of `strata` (null: any)."""

    path: str
    ids: Names | None = None
    strata: Names | None = None


@dataclass(frozen=True, config=_CLOSED)
class JudgeConfig:
    """The models that score.

    Attributes:
        speakers: Names among `encoders`; the first is the primary one.
        quality: Names among `qualities`.
        asr: The transcriber's node.
        normalizer: What WER is taken after.
        encoders: Nodes of speaker encoders by name.
        qualities: Nodes of quality models by name.
        comparable: What published numbers these judges can be held against.
    """

    speakers: Names
    asr: Node
    normalizer: Literal["whisper_english", "whisper_basic", "seed_tts", "none"]
    encoders: dict[str, Node]
    quality: Annotated[list[str], BeforeValidator(_listed)] = field(default_factory=list)
    qualities: dict[str, Node] = field(default_factory=dict)
    comparable: str = ""


@dataclass(frozen=True, config=_CLOSED)
class EarsConfig:
    """The models that listen to a voice's recordings, for ears text and for cutting prompts; see `plan.Ears`."""

    aligner: Node
    checker: Node
    passes: Annotated[list[Node], Field(min_length=1)]
    speech: Node
    early_seconds: Annotated[float, Field(ge=-1, le=1)] = 0.0


@dataclass(frozen=True, config=_CLOSED)
class PowerConfig:
    """What a dry run tells the smallest difference by: `report`, a run's folder; none: the newest run of the sweep.

    Where there is none, `spreads`: by metric, the standard deviations of one utterance's paired difference.
    """

    report: str | None = None
    spreads: dict[str, Spreads] = field(default_factory=dict)


@dataclass(frozen=True, config=_CLOSED)
class RunConfig:
    """A run's configuration.

    Attributes:
        name: Of the sweep; the folder below `reports_dir`.
        question: That the sweep answers.
        grid: Axes as Hydra sweep overrides; a list of lists is the union of several grids.
        engine: The engine's node; `python` and `timeout_seconds` in it ask for a worker process.
        weights: Where engines find their weights: assets or directories by engine, so that two engines can differ.
        prompt: How prompts are built.
        voices: Who is cloned.
        probes: What is spoken.
        judge: Who scores.
        ears: Who listens to the voices' recordings.
        transcripts: Folder of the books that keep ears texts.
        max_cells: Of the grid; one with more is refused before any is composed.
        seeds: Each utterance is made once per seed.
        device: Where models compute.
        memory: `one` large model at a time, `keep` all that were loaded, or `auto`: keep them if there is room.
        max_consecutive_failures: Failures of one engine in a row, with the same error, after which it is asked no more.
        baseline: The settings that tell the trial which the others are compared with, e.g. `{prompt.seconds: 8}`; null:
            the first with the shipped preset of its engine, else the first.
        primary: The metric that decides.
        guards: Metrics in which a winner must say how it does.
        dry_run: Print the plan and stop.
        power: What the dry run tells by how small a difference the plan can tell.
        reports_dir: Folder of reports.
        store: Folder of artefacts that runs share.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=LONGEST_NAME)]
    question: str
    engine: Node
    prompt: PromptSettings
    voices: VoicesConfig
    probes: ProbesConfig
    judge: JudgeConfig
    ears: EarsConfig
    transcripts: Folder
    reports_dir: Folder
    store: Folder
    weights: dict[str, str] = field(default_factory=dict)
    grid: list[str] | list[list[str]] = field(default_factory=list)
    max_cells: Annotated[int, Field(ge=1)] = MOST_CELLS
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = field(default_factory=lambda: [0])
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$")] = "auto"
    dry_run: bool = False
    power: PowerConfig = field(default_factory=PowerConfig)
    memory: MemoryMode = "auto"
    max_consecutive_failures: Annotated[int, Field(ge=1)] = 12
    baseline: Annotated[dict[str, Scalar], BeforeValidator(_none_is_empty)] = field(default_factory=dict)
    primary: str = "sim"
    guards: Annotated[list[str], BeforeValidator(_listed)] = field(default_factory=lambda: ["wer"])

    @property
    def grids(self) -> list[list[str]]:
        """The grid as a union of grids."""
        if all(isinstance(axis, str) for axis in self.grid):
            return [[str(axis) for axis in self.grid]]
        return [list(axes) for axes in self.grid]


def validate(composed: Mapping[str, Any]) -> RunConfig:
    """Checks a composed configuration.

    Raises:
        ConfigError: A key or value is not allowed; the message has what is.
    """
    try:
        return TypeAdapter(RunConfig).validate_python(composed)
    except ValidationError as error:
        raise ConfigError(describe(error)) from error


def build_plan(config: RunConfig, cells: Sequence[RunConfig], composed: Mapping[str, Any]) -> Plan:
    """Returns the plan of a run: engines and judges made (their weights not loaded), voices and probes read.

    Raises:
        ConfigError: An engine, a judge or a setting of theirs that there is not.
        DataError: Voices or probes that cannot be read.
    """
    planned: dict[str, Cell] = {}
    shipped: list[str] = []
    named: dict[str, type] = {}
    for one in cells:
        cell = Cell.of(engine_of(one.engine), one.prompt)
        _check_name(cell.engine, named)
        if has_shipped_preset(one.engine):
            shipped.append(cell.trial.id)
        planned.setdefault(cell.trial.id, cell)
    judges = _judges(config.judge)
    remarks: list[str] = []
    return Plan(
        name=config.name,
        question=config.question,
        cells=tuple(planned.values()),
        voices=_voices(config.voices, remarks.append),
        probes=read_probes(locate(config.probes.path)).only(config.probes.ids, config.probes.strata),
        seeds=tuple(dict.fromkeys(config.seeds)),
        judges=judges,
        ears=_ears(config.ears),
        decision=_decision(config, list(planned.values()), shipped, judges),
        device=config.device,
        config=composed,
        remarks=remarks,
    )


def _check_name(engine: Engine, known: dict[str, type]) -> None:
    """Does nothing if an engine's name means one class among those `known`, and adds it: rows know engines by name.

    Raises:
        ConfigError: Another class has it.
    """
    kind = class_of(engine)
    if (other := known.setdefault(engine.name, kind)) is not kind:
        raise ConfigError(
            f"engines {other.__module__}.{other.__qualname__} and {kind.__module__}.{kind.__qualname__} share the "
            f"name {engine.name!r}; give each class a `name` of its own"
        )


def _decision(config: RunConfig, cells: Sequence[Cell], shipped: Sequence[str], judges: Judges) -> Decision:
    """Returns what the sweep decides by.

    Raises:
        ConfigError: No trial has the baseline's settings, or there is no such metric.
    """
    directions = {metric.name: metric.higher_is_better for metric in judges.metrics}
    for where, names in (("primary", [config.primary]), ("guards", config.guards)):
        if wrong := [name for name in names if directions.get(name) is None]:
            known = ", ".join(name for name, direction in directions.items() if direction is not None)
            raise ConfigError(f"{where}: {wrong[0]!r} is no metric with a direction; available: {known}")
    if {metric.name: metric.compares_with for metric in judges.metrics}[config.primary] == "prompt":
        raise ConfigError(
            f"primary: {config.primary} compares with the prompt that the engine heard, so that copying it would win; "
            "it cannot decide, sim can"
        )
    if not config.baseline:
        return Decision((shipped or [cells[0].trial.id])[0], config.primary, tuple(config.guards))
    matching = [cell.trial.id for cell in cells if _has(cell, config.baseline)]
    if not matching:
        wanted = ", ".join(f"{key}={value}" for key, value in config.baseline.items())
        settings = ", ".join(varying_settings([cell.trial for cell in cells]) or ["none"])
        raise ConfigError(f"baseline: no trial has {wanted}; settings that differ in this grid: {settings}")
    return Decision(matching[0], config.primary, tuple(config.guards))


def _has(cell: Cell, wanted: Mapping[str, Scalar]) -> bool:
    settings = values_of(cell.trial)
    return all(key in settings and settings[key] == value for key, value in wanted.items())


def _judges(config: JudgeConfig) -> Judges:
    speakers = [_chosen(name, config.encoders, "judge.speakers") for name in dict.fromkeys(config.speakers)]
    quality = [_chosen(name, config.qualities, "judge.quality") for name in dict.fromkeys(config.quality)]
    return Judges(
        tuple(made_from(node, SpeakerEncoder, where) for where, node in speakers),  # type: ignore[type-abstract]
        made_from(config.asr, Transcriber, "judge.asr"),  # type: ignore[type-abstract]
        tuple(made_from(node, QualityModel, where) for where, node in quality),  # type: ignore[type-abstract]
        config.normalizer,
    )


def _chosen(name: str, known: Mapping[str, Node], where: str) -> tuple[str, Node]:
    if name not in known:
        raise ConfigError(f"{where}: there is no {name!r}; available: {', '.join(known) or 'none'}")
    return f"{where}.{name}", known[name]


def _voices(config: VoicesConfig, remark: Remark) -> tuple[Voice, ...]:
    if isinstance(config.path, str):
        return read_voices(locate(config.path), config.names, config.exclude or (), remark)
    paths = [locate(path) for path in config.path]
    if paths and all(path.is_dir() for path in paths):
        return read_voices(paths, config.names, config.exclude or (), remark)
    return (voice_of_files(paths),)


def _ears(config: EarsConfig) -> Ears:
    return Ears(
        made_from(config.aligner, Transcriber, "ears.aligner"),  # type: ignore[type-abstract]
        made_from(config.checker, Transcriber, "ears.checker"),  # type: ignore[type-abstract]
        tuple(
            made_from(node, Transcriber, f"ears.passes.{index}")  # type: ignore[type-abstract]
            for index, node in enumerate(config.passes)
        ),
        made_from(config.speech, SpeechDetector, "ears.speech"),  # type: ignore[type-abstract]
        config.early_seconds,
    )
