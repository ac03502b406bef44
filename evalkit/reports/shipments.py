"""What is shipped and why: lines for the terminal, and a preset with its evidence for the file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evalkit.analysis.findings import SAME, interval_of, plain
from evalkit.analysis.shipping import Shipment
from evalkit.digest import Scalar, digest, file_sha256
from evalkit.presets import SHIPPED, Evidence, Preset
from evalkit.record import Comparison, Report
from evalkit.reports.files import DIGITS, REPORT_FILE
from evalkit.reports.layout import folded, terminal_width


@dataclass(frozen=True)
class Occasion:
    """Of a shipment: the run's folder, the folder from which reports are named, the day, and what forced it, if any."""

    folder: Path
    base: Path
    day: str
    forced: str | None = None


def preset_of(shipment: Shipment, report: Report, occasion: Occasion) -> Preset:
    """Returns the preset that a shipment makes, with its evidence."""
    gain, file = shipment.winner.gain, occasion.folder / REPORT_FILE
    difference, low, high = _ends(gain)
    evidence = Evidence(
        path_of(file, occasion.base),
        file_sha256(file),
        *(report.provenance.commit, report.run_id, report.sweep, report.created, occasion.day),
        trial=gain.trial,
        baseline=gain.baseline,
        engine_sha256=digest(shipment.identity),
        weights_sha256=shipment.weights,
        judges_sha256=digest(report.provenance.judges),
        metric=gain.metric,
        n_pairs=gain.n_pairs,
        difference=difference,
        low=low,
        high=high,
        scope=gain.scope,
        guards={name: _ends(told) for name, told in shipment.winner.guards.items()},
        replaced=shipment.replaced,
        prompt=shipment.prompt,
        other=shipment.other,
        forced=occasion.forced,
        overrode=list(shipment.objections) if occasion.forced else [],
    )
    return Preset(SHIPPED, shipment.values, _source(evidence), evidence)


def path_of(file: Path, base: Path) -> str:
    """Returns the path by which evidence names a report: from `base` if it lies there."""
    whole, root = file.resolve(), base.resolve()
    return str(whole.relative_to(root) if whole.is_relative_to(root) else whole)


def _ends(told: Comparison) -> tuple[float, float | None, float | None]:
    low, high = (None if end is None else round(end, DIGITS) for end in (told.low, told.high))
    return round(told.difference, DIGITS), low, high


def gain_of(evidence: Evidence) -> str:
    """Returns in words what evidence says was gained."""
    ends = evidence.difference, evidence.low, evidence.high
    told = Comparison(evidence.trial, evidence.baseline, evidence.metric, *ends, None, evidence.n_pairs)
    return f"{name_of(told)} {interval_of(told)}, {evidence.n_pairs} pairs"


def _is_same(told: Comparison) -> bool:
    return told.low is None and abs(told.difference) < SAME


def _source(evidence: Evidence) -> str:
    forced = ", shipped against what spoke against it" if evidence.forced else ""
    return f"evalkit ship, {evidence.shipped}: sweep {evidence.sweep}, {gain_of(evidence)}{forced}"


def told(shipment: Shipment) -> list[str]:
    """Returns what is shipped and why, in lines."""
    winner = shipment.winner
    changed = [
        f"{knob}={plain(value)} (was {plain(shipment.replaced[knob])})"
        for knob, value in shipment.values.items()
        if plain(value) != plain(shipment.replaced[knob])
    ]
    lines = [f"passed over: {one}" for one in shipment.passed_over]
    lines += [
        f"{winner.trial.engine}: {', '.join(changed)}",
        f"  {name_of(winner.gain)} {interval_of(winner.gain)} over what is shipped today ({winner.gain.n_pairs} pairs)",
        *(f"  {name_of(one)} {interval_of(one)}" for one in winner.guards.values() if not _is_same(one)),
    ]
    if same := [name_of(one) for one in winner.guards.values() if _is_same(one)]:
        lines += folded(f"the same in every pair: {', '.join(same)}", terminal_width(), "  ", "    ")
    if shipment.prompt:
        lines.append(f"  recommended for prompts, which no preset can have: {listed(shipment.prompt)}")
    if shipment.other:
        lines.append(f"  measured with, which the preset does not set: {listed(shipment.other)}")
    return lines


def name_of(told: Comparison) -> str:
    """Returns a metric's name as tables have it."""
    return told.metric.upper()


def listed(values: Mapping[str, Scalar]) -> str:
    """Returns settings as a person would type them."""
    return ", ".join(f"{key}={plain(value)}" for key, value in values.items())
