"""What compare and gate say, in every form, with names that anybody may have chosen."""

import json
import re
from xml.etree import ElementTree

import pytest
from rich.cells import cell_len

from evalkit.analysis.differences import differences
from evalkit.analysis.disagreements import Disagreement
from evalkit.analysis.pairing import matched
from evalkit.analysis.verdicts import Gate, Verdict
from evalkit.reports.decisions import (
    COMPARED,
    VERDICTS,
    compared_data,
    compared_lines,
    compared_notes,
    compared_table,
    disagreement_lines,
    ends,
    gate_data,
    gate_lines,
    gate_sentence,
    junit,
    markdown,
    number,
    signed,
    trial_name,
    verdict_rows,
)
from tests.analysis.runs import METRICS, rows_of, run_of

PASS = Verdict("sim", "pass", 0.95, 0.951, -0.001, -0.01, 0.008, 0.02, 96)
WORSE = Verdict("wrong_language_share", "regression", 0.0, 0.25, 0.25, 0.1, 0.4, 0.02, 96)
OPEN = Verdict("wer", "inconclusive", 0.01, 0.02, 0.01, -0.02, 0.04, 0.015, 1, more=3456)
OUT = Verdict("rtf", "not gated", why="taken on another device (cpu, cuda)")
GATE = Gate("regression", "panel", [PASS, WORSE, OPEN, OUT])
HOSTILE = "a|b`<i>\x1b[31m\n\u202e[x](y)\x00\ufffe*"


@pytest.mark.parametrize(
    ("value", "plain", "with_sign"),
    [
        (None, "-", "-"),
        (0.12345, "0.123", "+0.123"),
        (-0.0006, "-0.001", "-0.001"),
        (1234.5, "1234.500", "+1234.500"),
        (296_755_200.0, "296.8M", "+296.8M"),
        (-16e9, "-16.0G", "-16.0G"),
        (123_456.0, "123.5k", "+123.5k"),
        (1e300, "1e+300", "+1e+300"),
    ],
)
def test_numbers_are_short(value, plain, with_sign):
    assert (number(value), signed(value)) == (plain, with_sign)


def test_an_interval_that_cannot_be_told_is_a_dash():
    assert (ends(None, 1.0), ends(-0.1, 0.25)) == ("-", "[-0.100, +0.250]")


def test_a_gate_fits_eighty_columns_and_says_it_all():
    lines = gate_lines(GATE, 80)
    assert max(map(cell_len, lines)) <= 80
    assert lines == [
        "metric                baseline  candidate  worse by     95 % interval  margin",
        "sim                      0.950      0.951    -0.001  [-0.010, +0.008]   0.020",
        "    pass in 96 pairs",
        "wrong_language_share     0.000      0.250    +0.250  [+0.100, +0.400]   0.020",
        "    regression in 96 pairs",
        "wer                      0.010      0.020    +0.010  [-0.020, +0.040]   0.015",
        "    inconclusive in 1 pair: about 3,456 more utterances would settle it",
        "rtf                          -          -         -                 -       -",
        "    not gated: taken on another device (cpu, cuda)",
        "",
        "gate: regression: worse by more than the margin in wrong_language_share; not",
        "settled: wer; not gated: rtf; 95 % intervals for just these voices and texts",
        "(panel), of all metrics at once",
    ]


@pytest.mark.parametrize(
    ("gate", "sentence"),
    [
        (
            Gate("pass", "population", [PASS], same_sounds=True),
            "gate: pass: no metric is worse by its margin or more; every utterance is the same sound in both runs; "
            "95 % intervals for new voices and texts (population), of all metrics at once",
        ),
        (
            Gate("inconclusive", "panel", [PASS, OPEN]),
            "gate: inconclusive: these utterances do not settle wer; 95 % intervals for just these voices and texts "
            "(panel), of all metrics at once",
        ),
    ],
)
def test_a_verdict_in_a_sentence(gate, sentence):
    assert gate_sentence(gate) == sentence


def test_disagreements_are_told_line_by_line_and_the_rest_counted():
    found = [Disagreement(f"packages.p{at}", "1", "2", is_barrier=False) for at in range(15)]
    lines = disagreement_lines(found, 80)
    assert (lines[0], lines[1]) == ("15 fields differ, baseline -> candidate:", "  packages.p0: 1 -> 2")
    assert (len(lines), lines[-1]) == (14, "  and 3 more")
    assert len(disagreement_lines(found, 80, most=15)) == 16
    assert disagreement_lines(found[:1], 80)[0] == "1 field differs, baseline -> candidate:"
    assert disagreement_lines([], 80)[0].startswith("no field differs")


def comparison(settings=("k",), name="x"):
    trials = {str(at): dict.fromkeys(settings, at) for at in range(2)}
    table = {"sim": [[0.1, 0.2], [0.3, 0.45]]}
    rows = [row for id in trials for row in rows_of(id, table)]
    runs = run_of(rows, name, trials=trials), run_of(rows, name, trials=trials, version="2")
    matches = matched(*(run.report for run in runs))
    return runs, matches, differences(*runs, matches)


def test_a_comparison_has_a_table_a_trial_within_eighty_columns():
    _, matches, found = comparison()
    lines = compared_lines(found, matches, 80)
    assert lines[:3] == [
        "k=0 (version 1 -> 2)",
        "metric  baseline  candidate  difference  95 % interval  pairs",
        "failed     0.000      0.000      +0.000              -      4",
    ]
    assert lines.count("k=1 (version 1 -> 2)") == 1
    assert max(map(cell_len, lines)) <= 80
    headings, rows = compared_table(found, matches)
    assert headings == ["trial", *COMPARED]
    assert rows[1] == ["k=1 (version 1 -> 2)", "failed", "0.000", "0.000", "+0.000", "-", "4"]
    assert compared_notes(found, matches, "taken elsewhere")[1] == "times and memory do not compare: taken elsewhere"


def test_one_trial_each_is_named_by_what_differs():
    table = rows_of("t", {"sim": [[0.1]]})
    runs = run_of(table, trials={"t": {"k": 1, "same": 2}}), run_of(table, trials={"t": {"k": 3, "same": 2}})
    (match,) = matched(*(run.report for run in runs))
    assert trial_name(match, [match]) == "e (k 1 -> 3)"


def test_junit_has_a_case_a_metric():
    for fails, failures in ((True, 2), (False, 1)):
        suite = ElementTree.fromstring(junit(GATE, inconclusive_fails=fails))
        assert suite.attrib == {
            "name": "evalkit gate",
            "tests": "4",
            "failures": str(failures),
            "skipped": str(3 - failures),
            "errors": "0",
        }
        kinds = [[child.tag for child in case if child.tag != "system-out"] for case in suite]
        assert kinds == [[], ["failure"], ["failure" if fails else "skipped"], ["skipped"]]
    assert suite[1].attrib["name"] == "wrong_language_share"
    assert (
        suite[1][0]
        .attrib["message"]
        .startswith("baseline 0.000, candidate 0.250, worse by +0.250, 95 % interval [+0.1")
    )


def test_all_that_is_said_is_in_the_data_too():
    runs, _, found = comparison()
    differing = [Disagreement("device", "cpu", "cuda", is_barrier=False)]
    told = json.loads(json.dumps(gate_data(GATE, runs, differing)))
    assert (told["state"], told["scope"], told["same_sounds"]) == ("regression", "panel", False)
    assert told["verdicts"][2]["more"] == 3456
    assert told["disagreements"] == [{"field": "device", "baseline": "cpu", "candidate": "cuda", "is_barrier": False}]
    compared = json.loads(json.dumps(compared_data(found, runs, differing)))["comparisons"]
    assert [(one["metric"], one["settings"]) for one in compared[:2]] == [("failed", {"k": 0}), ("failed", {"k": 1})]
    assert {"low", "high", "adjusted_p", "n_pairs", "scope", "worst", "value"} <= set(compared[0])


@pytest.mark.hostile
def test_hostile_names_stay_in_their_cell_of_markdown():
    gate = Gate("pass", "panel", [Verdict(HOSTILE, "pass", 0.1, 0.1, 0.0, 0.0, 0.0, 0.1, 4, why=HOSTILE)])
    text = markdown(HOSTILE, VERDICTS, verdict_rows(gate), [gate_sentence(gate), HOSTILE, "- a\n# b & <b>"])
    lines = text.splitlines()
    assert len(lines) == 9
    assert lines[0].startswith("### a\\|b\\`\\<i\\>")
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in lines[2:5]] == [8, 8, 8]
    assert lines[8] == "- - a \\# b &amp; \\<b\\>"
    assert not set(text) & {"\x1b", "\x00", "\u202e"}


@pytest.mark.hostile
def test_hostile_names_stay_in_their_line_of_the_terminal():
    gate = Gate("pass", "panel", [Verdict(HOSTILE, "pass", 0.1, 0.1, 0.0, 0.0, 0.0, 0.1, 4, why=HOSTILE)])
    shown = [*gate_lines(gate, 80), *disagreement_lines([Disagreement(HOSTILE, HOSTILE, HOSTILE, is_barrier=True)], 80)]
    assert not [line for line in shown if set(line) & {"\x1b", "\x00", "\u202e", "\n"}]
    _, matches, found = comparison(settings=(HOSTILE,))
    assert not [line for line in compared_lines(found, matches, 80) if set(line) & {"\x1b", "\x00", "\u202e", "\n"}]


@pytest.mark.hostile
@pytest.mark.parametrize("name", [HOSTILE, '"><x/>', "]]>", "\ud800", "\uffff"])
def test_hostile_names_are_text_in_junit(name):
    gate = Gate("pass", "panel", [Verdict(name, "regression", 0.1, 0.1, 0.0, 0.0, 0.0, 0.1, 4, why=name)])
    (case,) = ElementTree.fromstring(junit(gate, inconclusive_fails=True).encode())
    assert [child.tag for child in case] == ["failure", "system-out"]


def test_the_metrics_of_the_runs_here_are_those_that_have_a_direction():
    assert all(metric.higher_is_better is not None for metric in METRICS.values())
