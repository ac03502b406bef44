"""What `compare` and `gate` say: for the terminal, as Markdown, as JUnit's XML, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree

from evalkit.analysis.differences import Compared
from evalkit.analysis.findings import SCOPES, label, plain
from evalkit.analysis.pairing import Disagreement, Match, Run
from evalkit.analysis.verdicts import Gate, Verdict
from evalkit.reports.layout import Cells, fitted, folded
from evalkit.trial import values_of

CIRCUMSTANCES_SHOWN = 12
VERDICTS = ("metric", "baseline", "candidate", "worse by", "95 % interval", "margin", "pairs", "verdict")


def number(value: float | None) -> str:
    """Returns a score as it is printed."""
    return "-" if value is None else f"{value:.3f}"


def signed(value: float | None) -> str:
    """Returns a difference as it is printed."""
    return "-" if value is None else f"{value:+.3f}"


def ends(low: float | None, high: float | None) -> str:
    """Returns an interval as it is printed."""
    return "-" if low is None or high is None else f"[{low:+.3f}, {high:+.3f}]"


def disagreement_lines(found: Sequence[Disagreement], width: int) -> list[str]:
    """Returns in what two runs differ, a line a field; what is many of a kind is counted after the first."""
    lines = []
    for one in found[:CIRCUMSTANCES_SHOWN]:
        barrier = " (scores do not compare)" if one.is_barrier else ""
        lines += folded(f"{one.field}: {one.baseline} -> {one.candidate}{barrier}", width, "  ", "      ")
    if more := len(found) - CIRCUMSTANCES_SHOWN:
        lines += [f"  and {more} more: --json has them all"] if more > 0 else []
    return (
        [f"{len(found)} fields differ, baseline -> candidate:", *lines] if found else ["nothing differs but the rows"]
    )


def trial_name(match: Match, others: Sequence[Match]) -> str:
    """Returns a matched trial's name for a person: the settings that tell it from others, and versions that differ."""
    names = [key for key in values_of(match.candidate) if _varies(key, others) and key != "version"]
    values = values_of(match.candidate)
    told = ", ".join(f"{name}={plain(values.get(name))}" for name in names) or match.candidate.engine
    if match.baseline.settings != match.candidate.settings:
        told = f"{label(match.candidate, match.baseline, list(values_of(match.candidate)))} against " + label(
            match.baseline, match.candidate, list(values_of(match.baseline))
        )
    if match.baseline.version != match.candidate.version:
        told += f" (version {match.baseline.version} -> {match.candidate.version})"
    return told


def _varies(key: str, matches: Sequence[Match]) -> bool:
    return len({repr(values_of(one.candidate).get(key)) for one in matches}) > 1


def compared_table(found: Sequence[Compared], matches: Sequence[Match]) -> tuple[list[str], list[list[str]]]:
    """Returns headings and rows of a comparison."""
    headings = ["trial", "metric", "baseline", "candidate", "difference", "95 % interval", "pairs"]
    return headings, [
        [
            *(trial_name(one.match, matches), one.metric, number(one.baseline), number(one.candidate)),
            *(signed(one.difference.value), ends(one.difference.low, one.difference.high)),
            f"{one.difference.n_pairs}{'*' if one.difference.is_told else ''}",
        ]
        for one in found
    ]


def compared_notes(found: Sequence[Compared]) -> list[str]:
    """Returns sentences about what the table cannot say."""
    scopes = dict.fromkeys(one.difference.scope for one in found if one.difference.low is not None)
    worst = [
        f"{one.metric}: the two did not fail alike; with what failed at its worst the difference is "
        f"{min(one.worst):+.3f} to {max(one.worst):+.3f}"
        for one in found
        if one.worst is not None
    ]
    return [*(SCOPES[scope] for scope in scopes), "* told: the interval excludes 0", *worst]


def verdict_rows(gate: Gate) -> list[list[str]]:
    """Returns a row a metric, under `VERDICTS`."""
    return [
        [
            *(one.metric, number(one.baseline), number(one.candidate), signed(one.worsening)),
            *(ends(one.low, one.high), number(one.margin), str(one.n_pairs), _state(one)),
        ]
        for one in gate.verdicts
    ]


def _state(one: Verdict) -> str:
    more = f"{one.more:,} more utterances would settle it" if one.more else ""
    why = "; ".join(part for part in (one.why, more) if part)
    return f"{one.state} ({why})" if why else one.state


def gate_sentence(gate: Gate) -> str:
    """Returns the verdict in a sentence."""
    named = {
        state: [one.metric for one in gate.verdicts if one.state == state] for state in ("regression", "inconclusive")
    }
    told = {
        "pass": "pass: no metric is worse by its margin or more",
        "regression": f"regression in {', '.join(named['regression'])}",
        "inconclusive": f"inconclusive: {', '.join(named['inconclusive'])} cannot be settled with so few utterances",
        "not gated": "nothing was gated",
    }[gate.state]
    return f"gate: {told}; {SCOPES[gate.scope]}, of all metrics at once"


def gate_lines(gate: Gate, width: int) -> list[str]:
    """Returns a gate's verdict as lines for the terminal, the sentence last."""
    rows = verdict_rows(gate)
    return [*fitted(VERDICTS, rows, width, 1), *folded(gate_sentence(gate), width)]


def markdown(title: str, headings: Cells, rows: Sequence[Cells], sentences: Sequence[str]) -> str:
    """Returns a table with a title above and sentences below, as GitHub shows it."""
    lines = [f"### {_escaped(title)}", "", _row(headings), _row(["---"] * len(headings)), *map(_row, rows), ""]
    return "\n".join([*lines, *(f"- {_escaped(one)}" for one in sentences)]) + "\n"


def _row(cells: Cells) -> str:
    return f"| {' | '.join(_escaped(cell) for cell in cells)} |"


def _escaped(text: str) -> str:
    """Returns text that Markdown shows as it stands: what comes from reports is data."""
    escaped = "".join(f"\\{char}" if char in "\\`*_{}[]<>#|!" else char for char in " ".join(text.split()))
    return escaped.replace("&", "&amp;")


def junit(gate: Gate, *, inconclusive_fails: bool) -> str:
    """Returns a gate's verdict as JUnit's XML: a case a metric."""
    cases = [(one, _outcome(one, inconclusive_fails)) for one in gate.verdicts]
    failed, skipped = (sum(kind == wanted for _, kind in cases) for wanted in ("failure", "skipped"))
    suite = ElementTree.Element(
        "testsuite", name="evalkit gate", tests=str(len(cases)), failures=str(failed), skipped=str(skipped), errors="0"
    )
    for (one, kind), cells in zip(cases, verdict_rows(gate), strict=True):
        case = ElementTree.SubElement(suite, "testcase", classname="evalkit.gate", name=one.metric)
        told = ", ".join(f"{name} {cell}" for name, cell in zip(VERDICTS[1:], cells[1:], strict=True))
        if kind:
            ElementTree.SubElement(case, kind, message=_printable(told))
        ElementTree.SubElement(case, "system-out").text = _printable(told)
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _outcome(one: Verdict, inconclusive_fails: bool) -> str:
    if one.state == "regression" or (one.state == "inconclusive" and inconclusive_fails):
        return "failure"
    return "skipped" if one.state != "pass" else ""


def _printable(text: str) -> str:
    """Returns text without what XML has no place for."""
    return "".join(char for char in text if char >= " " or char in "\t\n")


def gate_data(gate: Gate, runs: tuple[Run, Run], found: Sequence[Disagreement]) -> dict[str, Any]:
    """Returns a gate's verdict as plain data."""
    return {**_named(runs, found), **asdict(gate), "sentence": gate_sentence(gate)}


def compared_data(compared: Sequence[Compared], runs: tuple[Run, Run], found: Sequence[Disagreement]) -> dict[str, Any]:
    """Returns a comparison as plain data."""
    return {
        **_named(runs, found),
        "comparisons": [
            {
                "baseline_trial": one.match.baseline.id,
                "candidate_trial": one.match.candidate.id,
                "settings": dict(one.match.candidate.settings),
                **{key: value for key, value in asdict(one).items() if key not in ("match", "difference")},
                **asdict(one.difference),
            }
            for one in compared
        ],
    }


def _named(runs: tuple[Run, Run], found: Sequence[Disagreement]) -> Mapping[str, Any]:
    baseline, candidate = runs
    return {
        "baseline_run": baseline.report.run_id,
        "candidate_run": candidate.report.run_id,
        "disagreements": [asdict(one) for one in found],
    }
