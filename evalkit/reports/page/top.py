"""What stands at the top of a page beside the question and the answer: the verdict, what ran, and what is doubtful."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.record import Report
from evalkit.reports.gates import KeptGate
from evalkit.reports.terminal import concordance_lines, encoder_lines
from evalkit.row import Row

MOST_WEIGHTS = 2  # files that are named; the others are counted
SHORT = 12  # characters of a hash or a commit


@dataclass(frozen=True)
class Top:
    """The top of a page.

    Attributes:
        facts: What ran, as terms with what is told of them, in lines.
        verdict: Of the gate, if the run was gated.
        doubts: Sentences about voices, prompts and judges.
    """

    facts: Sequence[tuple[str, Sequence[str]]]
    verdict: KeptGate | None
    doubts: Sequence[str]


def top(report: Report, rows: Sequence[Row], verdict: KeptGate | None) -> Top:
    """Returns what a page says first."""
    made = report.provenance
    facts = [
        ("Engine", _engines(report)),
        ("Weights", _weights(made.engines)),
        ("Judges", _judges(made.judges)),
        ("Utterances", _utterances(report, rows)),
        ("When", [report.created, *_cost(report)]),
        ("Code and machine", [_code(report), f"{made.platform}, Python {made.python}, device {made.device}"]),
        ("Typed", [made.command]),
    ]
    doubts = [*encoder_lines(report), *concordance_lines(report), *report.notes]
    return Top([(term, told) for term, told in facts if told], verdict, list(dict.fromkeys(doubts)))


def _code(report: Report) -> str:
    made = report.provenance
    return f"commit {(made.commit or 'unknown')[:SHORT]}{', with changes' if made.dirty else ''}"


def _engines(report: Report) -> list[str]:
    versions = dict.fromkeys((trial.engine, trial.version) for trial in report.trials)
    return [f"{engine}, version {version or 'unknown'}" for engine, version in versions]


def _weights(engines: Mapping[str, Any]) -> list[str]:
    """Returns the files of weights that engines loaded, each with the beginning of its hash."""
    told = []
    for engine in engines.values():
        files = list(_files(engine).items())
        told += [f"{name} {sha256[:SHORT]}" for name, sha256 in files[:MOST_WEIGHTS]]
        told += [f"and {len(files) - MOST_WEIGHTS} more files"] if len(files) > MOST_WEIGHTS else []
    return told


def _files(fingerprint: Any) -> Mapping[str, str]:
    found = fingerprint.get("weights") if isinstance(fingerprint, Mapping) else None
    return {str(name): str(sha256) for name, sha256 in found.items()} if isinstance(found, Mapping) else {}


def _judges(judges: Mapping[str, Any]) -> list[str]:
    """Returns the judges by what they do; `ears` listen to recordings only, and are left to the report."""
    told = []
    for role, one in judges.items():
        if role != "ears":
            names = [name for each in (one if isinstance(one, list) else [one]) if (name := _judge(each))]
            told += [f"{role}: {', '.join(names)}"] if names else []
    return told


def _judge(one: Any) -> str:
    if not isinstance(one, Mapping):
        return str(one) if isinstance(one, str) else ""
    settings = one.get("settings")
    model = settings.get("model") if isinstance(settings, Mapping) else None
    name = str(one.get("judge", ""))
    return f"{name} ({model})" if name and model else name


def _utterances(report: Report, rows: Sequence[Row]) -> list[str]:
    trials = report.trials
    counts = [
        (sum(trial.n for trial in trials), f"in {len(trials)} trial{'s' if len(trials) != 1 else ''}"),
        (sum(trial.n_failed for trial in trials), "failed"),
        (sum(trial.n_not_run for trial in trials), "not run"),
        (sum(bool(row.flags) for row in rows), "flagged"),
    ]
    return [", ".join(f"{count:,} {what}" for count, what in counts)]


def _cost(report: Report) -> list[str]:
    if report.cost is None:
        return []
    cost = report.cost
    return [f"{cost.wall_seconds:,.0f} s, {cost.synthesised:,} synthesised, {cost.cached:,} from the store"]
