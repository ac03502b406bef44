"""What `compare` and `gate` say: for the terminal, as Markdown, as JUnit's XML, as plain data.

Names come from reports, which anybody may have written: each stands in one line, and none steers what shows it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, get_args
from xml.etree import ElementTree

from evalkit.analysis.differences import Compared
from evalkit.analysis.disagreements import Disagreement
from evalkit.analysis.findings import SCOPES, plain
from evalkit.analysis.pairing import Match, Run
from evalkit.analysis.verdicts import Gate, State, Verdict
from evalkit.names import visible
from evalkit.reports.layout import Cells, fitted, folded, with_text
from evalkit.trial import VERSION, values_of

FIELDS_SHOWN = 12
VERDICTS = ("metric", "baseline", "candidate", "worse by", "95 % interval", "margin", "verdict")
COMPARED = ("metric", "baseline", "candidate", "difference", "95 % interval", "pairs")
LARGE, UNITS = 1e5, ((1e9, "G"), (1e6, "M"), (1e3, "k"))  # bytes, say
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def line(text: str) -> str:
    """Returns a text in one line that no terminal is steered by."""
    return visible(" ".join(text.split()))


def number(value: float | None) -> str:
    """Returns a score as it is printed."""
    return "-" if value is None else _digits(value, "")


def signed(value: float | None) -> str:
    """Returns a difference as it is printed."""
    return "-" if value is None else _digits(value, "+")


def _digits(value: float, sign: str) -> str:
    if abs(value) < LARGE:
        return f"{value:{sign}.3f}"
    unit, suffix = next(one for one in UNITS if abs(value) >= one[0])
    return f"{value / unit:{sign}.1f}{suffix}" if abs(value) < 1000 * UNITS[0][0] else f"{value:{sign}.3g}"


def ends(low: float | None, high: float | None) -> str:
    """Returns an interval as it is printed."""
    return "-" if low is None or high is None else f"[{signed(low)}, {signed(high)}]"


def disagreement_lines(found: Sequence[Disagreement], width: int, most: int = FIELDS_SHOWN) -> list[str]:
    """Returns in what two runs differ, a line a field; the first `most` of them, the others counted."""
    if not found:
        return ["no field differs: the same judges, voices, texts, prompts, engine and machine"]
    lines = [f"{len(found)} field{'s differ' if len(found) > 1 else ' differs'}, baseline -> candidate:"]
    for one in found[:most]:
        lines += folded(line(f"{one.field}: {one.baseline} -> {one.candidate}"), width, "  ", "      ")
    if (more := len(found) - most) > 0:
        lines.append(f"  and {more} more")
    return lines


def trial_name(match: Match, others: Sequence[Match]) -> str:
    """Returns a matched trial's name for a person: the settings that tell it from others, and versions that differ."""
    own, base = values_of(match.candidate), values_of(match.baseline)
    names = [key for key in own if _varies(key, others) and key != VERSION]
    told = ", ".join(f"{key}={plain(own.get(key))}" for key in names) or match.candidate.engine
    if differing := [key for key in {**base, **own} if base.get(key) != own.get(key) and key != VERSION]:
        told += f" ({', '.join(f'{key} {plain(base.get(key))} -> {plain(own.get(key))}' for key in differing)})"
    if match.baseline.version != match.candidate.version:
        told += f" (version {match.baseline.version} -> {match.candidate.version})"
    return line(told)


def _varies(key: str, matches: Sequence[Match]) -> bool:
    return len({repr(values_of(one.candidate).get(key)) for one in matches}) > 1


def compared_table(found: Sequence[Compared], matches: Sequence[Match]) -> tuple[list[str], list[list[str]]]:
    """Returns headings and rows of a comparison, a row a trial and metric."""
    rows = [[trial_name(one.match, matches), *_cells(one)] for one in found]
    return ["trial", *COMPARED], rows


def _cells(one: Compared) -> list[str]:
    told = one.difference
    return [
        *(line(one.metric), number(one.baseline), number(one.candidate)),
        *(signed(told.value), ends(told.low, told.high), f"{told.n_pairs}{'*' if told.is_told else ''}"),
    ]


def compared_lines(found: Sequence[Compared], matches: Sequence[Match], width: int) -> list[str]:
    """Returns a comparison as lines for the terminal: below each trial's name its table."""
    lines = []
    for match in matches:
        if rows := [_cells(one) for one in found if one.match is match]:
            lines += [*folded(trial_name(match, matches), width, "", "  "), *fitted(COMPARED, rows, width), ""]
    return lines


def compared_notes(found: Sequence[Compared], matches: Sequence[Match], untold: str) -> list[str]:
    """Returns sentences about what the table cannot say; `untold` is why times do not compare, if they do not."""
    scopes = dict.fromkeys(one.difference.scope for one in found if one.difference.low is not None)
    told = any(one.difference.is_told for one in found)
    worst = [
        f"{trial_name(one.match, matches)}, {line(one.metric)}: the two did not fail alike; with what failed at its "
        f"worst the difference is {signed(min(one.worst))} to {signed(max(one.worst))}"
        for one in found
        if one.worst is not None
    ]
    return [
        "differences are candidate minus baseline, over the utterances that both scored",
        *(f"{SCOPES[scope]}; of each metric they hold for all trials at once" for scope in scopes),
        *(["* the interval excludes 0"] if told else []),
        *([line(f"times and memory do not compare: {untold}")] if untold else []),
        *worst,
    ]


def verdict_rows(gate: Gate) -> list[list[str]]:
    """Returns a row a metric, under `VERDICTS`."""
    return [
        [
            *(line(one.metric), number(one.baseline), number(one.candidate), signed(one.worsening)),
            *(ends(one.low, one.high), number(one.margin), _verdict(one)),
        ]
        for one in gate.verdicts
    ]


def _verdict(one: Verdict) -> str:
    pairs = f" in {one.n_pairs} pair{'s' if one.n_pairs > 1 else ''}" if one.n_pairs else ""
    more = f"about {one.more:,} more utterances would settle it" if one.more else ""
    why = "; ".join(part for part in (line(one.why), more) if part)
    return f"{one.state}{pairs}{f': {why}' if why else ''}"


def gate_sentence(gate: Gate) -> str:
    """Returns the verdict in a sentence."""
    named = {
        state: ", ".join(line(one.metric) for one in gate.verdicts if one.state == state) for state in get_args(State)
    }
    told = {
        "pass": "no metric is worse by its margin or more",
        "regression": f"worse by more than the margin in {named['regression']}",
        "inconclusive": f"these utterances do not settle {named['inconclusive']}",
        "not gated": "",
    }[gate.state]
    parts = [
        f"gate: {gate.state}: {told}",
        f"not settled: {named['inconclusive']}" if named["inconclusive"] and gate.state == "regression" else "",
        f"not gated: {named['not gated']}" if named["not gated"] else "",
        "every utterance is the same sound in both runs" if gate.same_sounds else "",
        f"{SCOPES[gate.scope]}, of all metrics at once",
    ]
    return "; ".join(part for part in parts if part)


def gate_lines(gate: Gate, width: int) -> list[str]:
    """Returns a gate's verdict as lines for the terminal, the sentence last."""
    return [*with_text(VERDICTS, verdict_rows(gate), width), "", *folded(gate_sentence(gate), width)]


def markdown(title: str, headings: Cells, rows: Sequence[Cells], sentences: Sequence[str]) -> str:
    """Returns a table with a title above and sentences below, as GitHub shows it."""
    lines = [f"### {_escaped(title)}", "", _row(headings), _row(["---"] * len(headings)), *map(_row, rows), ""]
    return "\n".join([*lines, *(f"- {_escaped(one)}" for one in sentences)]) + "\n"


def _row(cells: Cells) -> str:
    return f"| {' | '.join(_escaped(cell) for cell in cells)} |"


def _escaped(text: str) -> str:
    """Returns text that Markdown shows as it stands: what comes from reports is data."""
    escaped = "".join(f"\\{char}" if char in "\\`*_{}[]<>#|!~$" else char for char in line(text))
    return escaped.replace("&", "&amp;")


def junit(gate: Gate, *, inconclusive_fails: bool) -> str:
    """Returns a gate's verdict as JUnit's XML: a case a metric."""
    cases = [(one, _outcome(one, inconclusive_fails)) for one in gate.verdicts]
    failed, skipped = (sum(kind == wanted for _, kind in cases) for wanted in ("failure", "skipped"))
    suite = ElementTree.Element(
        "testsuite", name="evalkit gate", tests=str(len(cases)), failures=str(failed), skipped=str(skipped), errors="0"
    )
    for (one, kind), cells in zip(cases, verdict_rows(gate), strict=True):
        case = ElementTree.SubElement(suite, "testcase", classname="evalkit.gate", name=_printable(one.metric))
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
    return _NOT_IN_XML.sub("", line(text))


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
