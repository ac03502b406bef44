"""The typed schema of a run's configuration, and the way from composed YAML to a plan."""

import importlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from evalkit.engines.base import Engine
from evalkit.engines.isolated import Isolated
from evalkit.errors import ConfigError
from evalkit.judges.base import Judge, QualityModel, SpeakerEncoder, SpeechDetector, Transcriber
from evalkit.manifest import describe
from evalkit.plan import Cell, Judges, Plan, Reference
from evalkit.probes import read_probes
from evalkit.prompts import PromptSettings
from evalkit.resources import locate
from evalkit.voices import Voice, read_voices, voice_of_files

T = TypeVar("T")
_CLOSED = ConfigDict(extra="forbid", allow_inf_nan=False)
ENGINE_KEYS = ("python", "timeout_seconds", "preset", "shipped")  # of any engine's node; no arguments of its class
Node = Mapping[str, Any]  # a YAML node with a _target_: the class, and its constructor's arguments


def _folder(typed: object) -> object:
    if typed in (None, ""):
        raise ValueError("a folder is needed")
    if Path(str(typed)).exists() and not Path(str(typed)).is_dir():
        raise ValueError("this is no folder")
    return typed


def _listed(typed: object) -> object:
    return [typed] if isinstance(typed, str) else typed


Folder = Annotated[Path, BeforeValidator(_folder)]
Names = Annotated[list[str], Field(min_length=1), BeforeValidator(_listed)]


@dataclass(frozen=True, config=_CLOSED)
class VoicesConfig:
    """Which voices: a folder, a manifest of voices in a package, or audio files of one voice.

    `names` (null: all) chooses, `exclude` leaves out.
    """

    path: str | list[str]
    names: Names | None = None
    exclude: Names | None = None


@dataclass(frozen=True, config=_CLOSED)
class ProbesConfig:
    """Which probes: a file, and ids from it (null: all)."""

    path: str
    ids: Names | None = None


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
class ReferenceConfig:
    """The models that listen to a voice's recordings, for reference text and for cutting prompts."""

    aligner: Node
    passes: Annotated[list[Node], Field(min_length=1)]
    speech: Node


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
        reference: Who listens to the voices' recordings.
        transcripts: Folder of the books that keep reference texts.
        seeds: Each utterance is made once per seed.
        device: Where models compute.
        dry_run: Print the plan and stop.
        reports_dir: Folder of reports.
        store: Folder of artefacts that runs share.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    question: str
    engine: Node
    prompt: PromptSettings
    voices: VoicesConfig
    probes: ProbesConfig
    judge: JudgeConfig
    reference: ReferenceConfig
    transcripts: Folder
    reports_dir: Folder
    store: Folder
    weights: dict[str, str] = field(default_factory=dict)
    grid: list[str] | list[list[str]] = field(default_factory=list)
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = field(default_factory=lambda: [0])
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$")] = "auto"
    dry_run: bool = False

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
        ConfigError: An engine, a judge or a setting of theirs that there is not, or a package that is not installed.
        DataError: Voices or probes that cannot be read.
    """
    planned: dict[str, Cell] = {}
    for one in cells:
        cell = Cell.of(engine_of(one.engine), one.prompt)
        twin = planned.setdefault(cell.trial.id, cell)
        if twin.engine.family != cell.engine.family:
            raise ConfigError(
                f"engines {type(twin.engine).__qualname__} and {type(cell.engine).__qualname__} share the name "
                f"{cell.engine.name!r}; give each class a `name` of its own"
            )
    return Plan(
        name=config.name,
        question=config.question,
        cells=tuple(planned.values()),
        voices=_voices(config.voices),
        probes=read_probes(locate(config.probes.path)).only(config.probes.ids),
        seeds=tuple(dict.fromkeys(config.seeds)),
        judges=_judges(config.judge),
        reference=_reference(config.reference),
        device=config.device,
        config=composed,
    )


def engine_of(node: Node) -> Engine:
    """Makes an engine; with `python` or `timeout_seconds` set, one that computes in a worker process.

    Raises:
        ConfigError: As `build`, or the other Python cannot run it.
    """
    arguments = {key: value for key, value in node.items() if key not in ENGINE_KEYS}
    made: Engine = build(arguments, Engine, "engine")  # type: ignore[type-abstract]
    python, timeout = node.get("python"), node.get("timeout_seconds")
    if python is not None or timeout is not None:
        made = Isolated(made, *_worker_settings(python, timeout))
    _require_packages(made)
    return made


def _worker_settings(python: object, timeout: object) -> tuple[str | None, float | None]:
    if python is not None and shutil.which(str(Path(str(python)).expanduser())) is None:
        raise ConfigError(f"engine.python={python}: there is no such program; give the path of a Python interpreter")
    if timeout is not None and not (isinstance(timeout, int | float) and 0 < timeout < float("inf")):
        raise ConfigError(f"engine.timeout_seconds={timeout}: expected seconds, more than 0")
    return None if python is None else str(python), None if timeout is None else float(timeout)


def _judges(config: JudgeConfig) -> Judges:
    speakers = [_chosen(name, config.encoders, "judge.speakers") for name in dict.fromkeys(config.speakers)]
    quality = [_chosen(name, config.qualities, "judge.quality") for name in dict.fromkeys(config.quality)]
    return Judges(
        tuple(build(node, SpeakerEncoder, where) for where, node in speakers),  # type: ignore[type-abstract]
        build(config.asr, Transcriber, "judge.asr"),  # type: ignore[type-abstract]
        tuple(build(node, QualityModel, where) for where, node in quality),  # type: ignore[type-abstract]
        config.normalizer,
    )


def _chosen(name: str, known: Mapping[str, Node], where: str) -> tuple[str, Node]:
    if name not in known:
        raise ConfigError(f"{where}: there is no {name!r}; available: {', '.join(known) or 'none'}")
    return f"{where}.{name}", known[name]


def _voices(config: VoicesConfig) -> tuple[Voice, ...]:
    if isinstance(config.path, list):
        return (voice_of_files([locate(path) for path in config.path]),)
    voices = read_voices(locate(config.path), config.names)
    unwanted = config.exclude or []
    if unknown := set(unwanted) - {voice.name for voice in voices}:
        raise ConfigError(f"voices.exclude: no voice {', '.join(sorted(unknown))} among {_names(voices)}")
    kept = tuple(voice for voice in voices if voice.name not in unwanted)
    if not kept:
        raise ConfigError(f"voices.exclude leaves no voice; there are {_names(voices)}")
    return kept


def _names(voices: Sequence[Voice]) -> str:
    return ", ".join(voice.name for voice in voices)


def _reference(config: ReferenceConfig) -> Reference:
    return Reference(
        build(config.aligner, Transcriber, "reference.aligner"),  # type: ignore[type-abstract]
        tuple(
            build(node, Transcriber, f"reference.passes.{index}")  # type: ignore[type-abstract]
            for index, node in enumerate(config.passes)
        ),
        build(config.speech, SpeechDetector, "reference.speech"),  # type: ignore[type-abstract]
    )


def build(node: Node, kind: type[T], where: str) -> T:
    """Makes the object a node describes: `_target_` names the class, the rest are its arguments.

    Raises:
        ConfigError: There is no such class, it is no `kind`, an argument is wrong, or a package is not installed.
    """
    arguments = dict(node)
    target = arguments.pop("_target_", None)
    if not isinstance(target, str) or not all(target.split(".")) or "." not in target:
        raise ConfigError(f"{where}._target_: expected the dotted name of a class, got {target!r}")
    made_by = _class(target, where)
    if not issubclass(made_by, kind):
        raise ConfigError(f"{where}._target_: {target} is no {kind.__name__}")
    try:
        made = made_by(**arguments)
    except ValidationError as error:
        raise ConfigError(describe(error, where)) from error
    except TypeError as error:  # no pydantic dataclass, or an abstract one
        raise ConfigError(f"{where}: cannot make {target}: {error}") from error
    if isinstance(made, Judge):
        _require_judge(made, where)
    return made


def _class(target: str, where: str) -> type[Any]:
    module, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{where}._target_: there is no {target} ({error})") from error
    if not isinstance(found, type):
        raise ConfigError(f"{where}._target_: {target} is no class")
    return found


def _require_packages(engine: Engine) -> None:
    if complaints := engine.unmet():
        inner = engine.inner if isinstance(engine, Isolated) else engine
        python = f"{engine.python} -m " if isinstance(engine, Isolated) and engine.python else ""
        package = f"evalkit[{inner.extra}]" if inner.extra else " ".join(inner.packages)
        raise ConfigError(
            f"engine: {engine.name} {', '.join(complaints)}; type: {python}pip install '{package}', "
            "or give it a Python of its own: engine.python=PATH"
        )


def _require_judge(judge: Judge, where: str) -> None:
    for package in judge.packages:
        try:
            version(package)
        except PackageNotFoundError as error:
            raise ConfigError(
                f"{where}: {judge.name} needs the package {package}, type: pip install '{package}'"
            ) from error
