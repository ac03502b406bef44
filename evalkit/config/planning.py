"""From a checked configuration to a plan: engines and judges made, voices and probes read, nothing loaded."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evalkit.config.making import Node, class_of, engine_of, has_shipped_preset, made_from
from evalkit.config.schema import EarsConfig, JudgeConfig, RunConfig, VoicesConfig
from evalkit.digest import Scalar
from evalkit.engines.base import Engine
from evalkit.errors import ConfigError
from evalkit.judges.base import QualityModel, SpeakerEncoder, SpeechDetector, Transcriber
from evalkit.languages import Languages, shipped
from evalkit.manifest import describe
from evalkit.names import without_credentials
from evalkit.pipeline.plan import Cell, Decision, Ears, Judges, Plan
from evalkit.probes import ProbeSet, read_probes
from evalkit.resources import locate
from evalkit.trackers.base import Tracker
from evalkit.trial import values_of, varying_settings
from evalkit.voicefolders import Remark
from evalkit.voices import Voice, read_voices, voice_of_files


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
        voices=voices_of(config.voices, remarks.append),
        probes=read_probes(locate(config.probes.path)).only(config.probes.ids, config.probes.strata),
        seeds=tuple(dict.fromkeys(config.seeds)),
        judges=judges,
        ears=_ears(config.ears),
        decision=_decision(config, list(planned.values()), shipped, judges),
        device=config.device,
        config=_without_credentials(composed),
        remarks=remarks,
        languages=languages_of(config),
    )


def trackers_of(config: RunConfig) -> list[Tracker]:
    """Returns the trackers of a run, which have not begun.

    Raises:
        ConfigError: A setting of theirs that there is not.
        PackageError: A package that one of them needs is not here.
    """
    found = [made_from(node, Tracker, f"tracker.{name}") for name, node in config.tracker.items()]  # type: ignore[type-abstract]
    for tracker in found:
        tracker.require()
    return found


def _without_credentials(value: Any) -> Any:
    """Returns plain values as a report may keep them: addresses without passwords."""
    if isinstance(value, Mapping):
        return {key: _without_credentials(item) for key, item in value.items()}
    return without_credentials(value) if isinstance(value, str) else value


def voices_plan(config: RunConfig, voices: Sequence[Voice], composed: Mapping[str, Any]) -> Plan:
    """Returns a plan with a run's judges, for those who only listen to voices: nothing is spoken.

    Raises:
        ConfigError: A judge or a setting of its that there is not.
    """
    return Plan(
        name="voices",
        question="",
        cells=(),
        voices=tuple(voices),
        probes=ProbeSet("none", 1, ()),
        seeds=(),
        judges=_judges(config.judge),
        ears=_ears(config.ears),
        decision=Decision("", config.primary, ()),
        device=config.device,
        config=composed,
        remarks=[],
        languages=languages_of(config),
    )


def languages_of(config: RunConfig) -> Languages:
    """Returns the table of languages with what a configuration lays over it.

    Raises:
        ConfigError: A language's values that there are not.
    """
    try:
        return shipped().over(config.languages)
    except ValidationError as error:
        raise ConfigError(describe(error, "languages")) from error


def voices_at(config: VoicesConfig) -> list[Path]:
    """Returns where the voices of a configuration lie."""
    paths = [config.path] if isinstance(config.path, str) else config.path
    return [locate(path) for path in paths]


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


def voices_of(config: VoicesConfig, remark: Remark) -> tuple[Voice, ...]:
    """Returns the voices that a configuration names.

    Raises:
        ConfigError: A path that is none.
        DataError: Voices that cannot be read.
    """
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
