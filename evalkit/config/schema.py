"""The typed schema of a run's configuration, and its check."""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from evalkit.config.grid import MOST_CELLS
from evalkit.config.making import Node
from evalkit.digest import Scalar
from evalkit.errors import ConfigError
from evalkit.manifest import describe
from evalkit.names import LONGEST_NAME
from evalkit.pipeline.models import MemoryMode
from evalkit.prompts import PromptSettings
from evalkit.record import Spreads
from evalkit.reports.page.sounds import AudioChoice
from evalkit.resources import at_home

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
LanguageCode = Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$")]
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
        normalizer: What WER is taken after; `whisper` chooses by the language of the text.
        encoders: Nodes of speaker encoders by name.
        qualities: Nodes of quality models by name.
        comparable: What published numbers these judges can be held against.
    """

    speakers: Names
    asr: Node
    normalizer: Literal["whisper", "whisper_english", "whisper_basic", "seed_tts", "f5_tts", "none"]
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
class PageConfig:
    """The page that a run makes at its end: whether, and with which sounds; see `reports/page/sounds.py`."""

    make: bool = True
    audio: AudioChoice = "all"


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
        languages: Values laid over those of `configs/languages.yaml`, by language.
        max_cells: Of the grid; one with more is refused before any is composed.
        seeds: Each utterance is made once per seed.
        device: Where models compute.
        memory: `one` large model at a time, `keep` all that were loaded, or `auto`: keep them if there is room.
        max_consecutive_failures: Failures of one engine in a row, with the same error, after which it is asked no more.
        baseline: The settings that tell the trial which the others are compared with, e.g. `{prompt.seconds: 8}`; null:
            the first with the shipped preset of its engine, else the first.
        primary: The metric that decides.
        guards: Metrics in which a winner must say how it does.
        tracker: The nodes of the trackers that follow the run, by name; no part of what is computed.
        dry_run: Print the plan and stop.
        power: What the dry run tells by how small a difference the plan can tell.
        page: The page that is made of it.
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
    languages: dict[LanguageCode, dict[str, Any]] = field(default_factory=dict)
    grid: list[str] | list[list[str]] = field(default_factory=list)
    max_cells: Annotated[int, Field(ge=1)] = MOST_CELLS
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = field(default_factory=lambda: [0])
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$")] = "auto"
    tracker: dict[str, Node] = field(default_factory=dict)
    dry_run: bool = False
    power: PowerConfig = field(default_factory=PowerConfig)
    page: PageConfig = field(default_factory=PageConfig)
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
