"""`evalkit shipped`: what each engine ships with, and whether the evidence for it is still there."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evalkit.analysis.findings import plain
from evalkit.commands.screen import show, tell
from evalkit.commands.ship import configs_at
from evalkit.digest import file_sha256
from evalkit.presets import Evidence, Preset, Presets, engines_in, read_presets
from evalkit.reports.layout import terminal_width, with_text
from evalkit.reports.shipments import gain_of

HEADINGS = ("engine", "preset", "", "values, and where they come from")


def run_shipped(configs: str | None, *, as_json: bool) -> int:
    """Lists presets on standard output, and what is wrong with their evidence on standard error.

    Raises:
        ConfigError: There is no such folder of configs.
        DataError: A file in it is no file of presets.
    """
    folder = configs_at(configs)
    known = [read_presets(folder, engine) for engine in engines_in(folder)]
    found = [(presets, preset) for presets in known for preset in presets.known.values()]
    faults = {(presets.engine, preset.name): _fault(presets, preset, folder) for presets, preset in found}
    if as_json:
        show(json.dumps([_node(*one, faults) for one in found], indent=2, ensure_ascii=False))
    else:
        rows = [_row(*one) for one in found]
        show("\n".join(with_text(HEADINGS, rows, terminal_width(), len(HEADINGS) - 1)))
    for (engine, name), fault in faults.items():
        if fault:
            tell(f"evalkit: {engine}, preset {name}: {fault}")
    return 0


def _fault(presets: Presets, preset: Preset, configs: Path) -> str | None:
    """Returns what is wrong with a preset's evidence; only of the recommended one it is asked for."""
    if preset.evidence is None:
        has_none = "no evidence, only a source" if preset.source else "neither evidence nor a source"
        return (
            f"{has_none}; run a sweep, then type: python -m evalkit ship RUN" if _is_shipped(presets, preset) else None
        )
    report = configs.resolve().parent / preset.evidence.report
    try:
        if file_sha256(report) == preset.evidence.report_sha256:
            return None
    except OSError as error:
        return f"its report cannot be read any more: {report}: {error.strerror}"
    return f"its report has changed since it was shipped: {report} has another sha256"


def _is_shipped(presets: Presets, preset: Preset) -> bool:
    return preset.name == presets.recommended


def _row(presets: Presets, preset: Preset) -> list[str]:
    values = " ".join(f"{knob}={plain(value)}" for knob, value in preset.values.items())
    said = _told(preset.evidence) if preset.evidence else " ".join((preset.source or "-").split())
    return [presets.engine, preset.name, "recommended" if _is_shipped(presets, preset) else "", f"{values}: {said}"]


def _told(evidence: Evidence) -> str:
    forced = f", forced: {evidence.forced}" if evidence.forced else ""
    return f"sweep {evidence.sweep}, {gain_of(evidence)}, {evidence.shipped}{forced}"


def _node(presets: Presets, preset: Preset, faults: dict[tuple[str, str], str | None]) -> dict[str, Any]:
    return {
        "engine": presets.engine,
        "preset": preset.name,
        "recommended": _is_shipped(presets, preset),
        "values": dict(preset.values),
        "source": preset.source,
        "evidence": None if preset.evidence is None else asdict(preset.evidence),
        "fault": faults[presets.engine, preset.name],
    }
