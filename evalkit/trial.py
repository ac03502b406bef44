"""What is asked of an engine: a trial is one cell of the grid, an utterance one probe in one voice with one seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from evalkit.digest import Scalar, digest

VERSION = "version"


@dataclass(frozen=True)
class Trial:
    """One cell of the grid, over all voices, probes and seeds.

    Attributes:
        id: Name of the engine and a short digest of its version and the settings: stable from run to run, and another
            one once the engine's code has changed.
        engine: Name of the engine.
        settings: Every setting that can change the sound, by its override key, e.g. `prompt.seconds`.
        version: The engine's, as its adapter tells it.
    """

    id: str
    engine: str
    settings: Mapping[str, Scalar]
    version: str | None = None

    @classmethod
    def of(cls, engine: str, settings: Mapping[str, Scalar], version: str) -> "Trial":
        """Returns the trial of an engine of some version and its settings, named by what they say."""
        short = digest({"engine": engine, "version": version, "settings": dict(settings)})[:8]
        return cls(f"{engine}-{short}", engine, dict(settings), version)


@dataclass(frozen=True, order=True)
class Utterance:
    """One synthesis to be made: one row of the report."""

    trial: str
    voice: str
    probe: str
    seed: int


class Told(Protocol):
    """A trial, or what a report says of one."""

    @property
    def engine(self) -> str:
        """See `Trial.engine`."""

    @property
    def settings(self) -> Mapping[str, Scalar]:
        """See `Trial.settings`."""

    @property
    def version(self) -> str | None:
        """See `Trial.version`."""


def values_of(trial: Told) -> dict[str, Scalar]:
    """Returns all by which a trial may be told from others: what `varying_settings` names."""
    return {"engine": trial.engine, **trial.settings, VERSION: trial.version}


def varying_settings(trials: list[Trial]) -> list[str]:
    """Returns the settings that differ between trials, in their own order; `engine` first if the engines differ.

    `version` is last, if nothing else tells some trials apart.
    """
    engines = list(dict.fromkeys(trial.engine for trial in trials))
    keys = list(dict.fromkeys(key for trial in trials for key in trial.settings))
    varying = [key for key in keys if _varies(key, trials) or any(_varies(key, _of(name, trials)) for name in engines)]
    alike = len({repr((trial.engine, sorted(trial.settings.items()))) for trial in trials}) < len(trials)
    return [*(["engine"] if len(engines) > 1 else []), *varying, *([VERSION] if alike else [])]


def _varies(key: str, trials: list[Trial]) -> bool:
    """Whether a setting differs; what is an engine's own differs between engines, and that says nothing."""
    if key.startswith("engine.") and len({trial.engine for trial in trials}) > 1:
        return False
    return len({repr(trial.settings.get(key)) for trial in trials}) > 1


def _of(engine: str, trials: list[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.engine == engine]
