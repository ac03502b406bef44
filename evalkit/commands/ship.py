"""`evalkit ship RUN`: the best setting that a run has told becomes what its engine ships with; or it says why not."""

import argparse
import difflib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from evalkit.analysis.margins import read_margins
from evalkit.analysis.shipping import Refusal, Rows, Shipment, decide
from evalkit.commands.screen import show, tell
from evalkit.digest import Scalar
from evalkit.errors import ConfigError, DataError
from evalkit.presets import Preset, Presets, read_presets, with_shipped
from evalkit.record import Report
from evalkit.reports.baselines import read_run
from evalkit.reports.files import REPORT_FILE, ROWS_FILE, read_report
from evalkit.reports.shipments import Occasion, gain_of, listed, preset_of, told
from evalkit.resources import at_home, resource
from evalkit.row import Row
from evalkit.store.atomic import write_text

THEIR_NAMES = {"f5_tts": "f5", "chroma": "chroma"}  # engines that AbstractVoice has too, and what they are called there


def run_ship(typed: argparse.Namespace) -> int:
    """Does what was typed after `ship`; returns the exit code, 1 where it is refused.

    Raises:
        ConfigError: It cannot be done as typed.
        DataError: The report, its rows, the presets or the margins are not what they should be.
        StorageError: The disk refused.
    """
    reason = _reason(typed)
    configs, folder = configs_at(typed.configs), _folder(typed.run)
    report = read_report(folder)
    engine = _engine(report, typed.engine)
    if typed.format == "abstractvoice":
        _require_theirs(engine)
    presets = read_presets(configs, engine)
    margins = read_margins(at_home(typed.margins) if typed.margins else resource("configs/gate.yaml"))
    decided = decide(report, _rows(folder), engine, presets.shipped, margins)
    if isinstance(decided, Refusal):
        tell(f"evalkit: nothing is shipped: {decided.why}")
        return 1
    show("\n".join(told(decided)))
    if decided.objections and reason is None:
        _tell_objections(decided)
        return 1
    day, forced = datetime.now(UTC).strftime("%Y-%m-%d"), reason if decided.objections else None
    preset = preset_of(decided, report, Occasion(folder, configs.resolve().parent, day, forced))
    _give(presets, preset, typed)
    return 0


def _give(presets: Presets, preset: Preset, typed: argparse.Namespace) -> None:
    if typed.format == "abstractvoice":
        show("\n".join(["", *_their_table(presets, preset)]))
    else:
        _write(presets, preset, dry=typed.dry_run)


def _reason(typed: argparse.Namespace) -> str | None:
    """Returns why it is to be shipped whatever speaks against it, in one line."""
    reason = " ".join((typed.reason or "").split())
    if typed.force and not reason:
        raise ConfigError('--force needs a reason, which is kept beside the values: --force --reason "..."')
    if reason and not typed.force:
        raise ConfigError("--reason belongs to --force; type both, or neither")
    return reason or None


def configs_at(typed: str | None) -> Path:
    """Returns the folder of configs that was typed, else evalkit's own.

    Raises:
        ConfigError: There is no such folder.
    """
    folder = at_home(typed) if typed else resource("configs")
    if not folder.is_dir():
        raise ConfigError(f"--configs {folder}: there is no such folder; give one that has shipped/ENGINE.yaml in it")
    return folder


def _folder(typed: str) -> Path:
    path = at_home(typed)
    if path.is_dir():
        return path
    if path.name != REPORT_FILE:
        raise DataError(f"{path} is no run: give a run's folder, as `run` prints it last, or the {REPORT_FILE} in it")
    return path.parent


def _engine(report: Report, wanted: str | None) -> str:
    engines = list(dict.fromkeys(trial.engine for trial in report.trials))
    if wanted is None and len(engines) == 1:
        return engines[0]
    if wanted in engines:
        return str(wanted)
    named = "has several engines" if wanted is None else f"has no engine {wanted!r}"
    raise ConfigError(f"the report {named}; name one: --engine NAME (available: {', '.join(engines) or 'none'})")


def _rows(folder: Path) -> Rows:
    @cache
    def rows() -> Sequence[Row] | None:
        return read_run(folder).rows if (folder / ROWS_FILE).exists() else None

    return rows


def _tell_objections(shipment: Shipment) -> None:
    for objection in shipment.objections:
        tell(f"evalkit: not shipped: {objection}")
    tell('evalkit: to ship it all the same, and keep the reason beside the values: --force --reason "..."')


def _write(presets: Presets, preset: Preset, *, dry: bool) -> None:
    text = with_shipped(presets, preset)
    if dry:
        before, after = (one.splitlines() for one in (presets.text, text))
        path = str(presets.path)
        show("\n".join(["", *difflib.unified_diff(before, after, path, path, lineterm="")]))
        show("nothing was written")
        return
    write_text(presets.path.resolve(), text)
    here, own = Path.cwd(), resource("configs").resolve()
    told = presets.path.relative_to(here) if presets.path.is_relative_to(here) else presets.path
    where = "" if presets.path.resolve().is_relative_to(own) else f" where --config-dir {told.parent.parent} is typed"
    show(f"written: {told}, preset {preset.name}, which is what engine={presets.engine} runs with now{where}")


def _require_theirs(engine: str) -> None:
    if engine not in THEIR_NAMES:
        raise ConfigError(f"--format abstractvoice: AbstractVoice has no {engine}; it has: {', '.join(THEIR_NAMES)}")


def _their_table(presets: Presets, preset: Preset) -> list[str]:
    """Returns all presets as Python that AbstractVoice could have, by the names of its constructors."""
    from evalkit.engines.abstractvoice import ARGUMENTS

    names = ARGUMENTS[THEIR_NAMES[presets.engine]]
    lines = [f"{presets.engine.upper()}_PRESETS = {{"]
    for one in {**presets.known, preset.name: preset}.values():
        theirs = {names[knob]: value for knob, value in one.values.items() if _is_theirs(knob, value, names)}
        lines += [*(f"    # {remark}" for remark in _remarks(one, names)), f"    {one.name!r}: {theirs!r},"]
    return [*lines, "}"]


def _is_theirs(knob: str, value: Scalar, names: Mapping[str, str]) -> bool:
    return knob in names and isinstance(value, int | float)  # its constructors know no `auto`


def _remarks(preset: Preset, names: Mapping[str, str]) -> list[str]:
    """Returns where a preset's values come from, and what of it AbstractVoice cannot be told."""
    untold = {knob: value for knob, value in preset.values.items() if not _is_theirs(knob, value, names)}
    remarks = [" ".join((preset.source or "no source").split())]
    if (evidence := preset.evidence) is not None:
        remarks.append(f"{gain_of(evidence)}; {evidence.report}, sha256 {evidence.report_sha256}")
    return remarks + ([f"not to be told to AbstractVoice: {listed(untold)}"] if untold else [])
