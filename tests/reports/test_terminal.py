"""The tables that a run ends with, from a report and rows written by hand."""

import pytest

from evalkit.record import (
    Concordance,
    EncoderRecord,
    FloorAndCeiling,
    MetricRecord,
    Provenance,
    RankChange,
    Report,
    Row,
    Summary,
    TrialSummary,
    VoiceCalibration,
)
from evalkit.reports.terminal import calibration_table, concordance_lines, result_table


def trial(id, engine="kokoro", n=16, failed=0, not_run=0, settings=None, **summary):
    return TrialSummary(id, engine, settings or {}, n, failed, summary, not_run)


def report(**changes):
    origin = Provenance("typed", None, None, "3.11", "here", "cpu", {}, {}, {}, [0])
    metrics = {name: MetricRecord("x", True, None) for name in ("sim", "wer", "rtf", "cer")}
    given = {"run_id": "r", "plan": "p", "sweep": "s", "question": "?", "created": "now", "status": "complete"}
    return Report(**given, provenance=origin, config={}, metrics=metrics, **changes)


def row(trial, *flags):
    return Row(trial, "e", {}, "v", "p", 0, "en", "x", flags=list(flags))


TRIALS = [
    trial("a", settings={"prompt.seconds": 3.0, "prompt.trim": False, "engine.top_k": 1},
          sim=Summary(0.4567, 0.4, 0.5, 16), wer=Summary(0.02, 0.0, 0.05, 16), rtf=Summary(0.254, 0.2, 0.3, 16)),
    trial("b", settings={"prompt.seconds": None, "prompt.trim": True, "engine.top_k": 1}, failed=3,
          sim=Summary(0.5, None, None, 13), wer=Summary(0.0, None, None, 13)),
    trial("c", settings={"prompt.seconds": 20.5, "prompt.trim": False, "engine.top_k": 1}, failed=16),
]  # fmt: skip
ROWS = [row("a", "truncated"), row("a"), row("b", "silent", "clipped"), row("b", "bleed")]
TABLE = """\
prompt.seconds  prompt.trim   n  failed  flagged                   SIM                   WER   RTF
             3        false  16       0        1  0.457 [0.400, 0.500]  0.020 [0.000, 0.050]  0.25
          null         true  16       3        2                 0.500                 0.000     -
          20.5        false  16      16        0                     -                     -     -"""


@pytest.mark.parametrize("columns", ["80", "20", "400"])
def test_results_by_hand_are_never_folded(monkeypatch, columns):
    """A terminal that is too narrow breaks lines as it breaks any; a folded table cannot be read."""
    monkeypatch.setenv("COLUMNS", columns)
    assert result_table(report(trials=TRIALS), ROWS) == TABLE


def test_engines_that_differ_have_a_column_and_a_setting_of_one_only_is_blank_to_the_other():
    trials = [
        trial("a", "tone", settings={"engine.detune": 1.0}, sim=Summary(0.5)),
        trial("b", "tone", settings={"engine.detune": 2.0}, sim=Summary(0.25)),
        trial("c", "csm", settings={"engine.top_k": 50}),
    ]
    lines = result_table(report(trials=trials), []).splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["engine", "engine.detune", "n"], ["tone", "1", "16"], ["tone", "2", "16"], ["csm", "null", "16"]
    ]  # fmt: skip


def test_one_trial_is_named_by_its_id():
    assert result_table(report(trials=[trial("tone-1234abcd")]), []).splitlines()[1].split() == [
        "tone-1234abcd", "16", "0", "0", "-", "-", "-"
    ]  # fmt: skip


def test_a_name_in_brackets_is_no_markup():
    trials = [trial("a", settings={"prompt.text": "[red]x"}), trial("b", settings={"prompt.text": "[/]"})]
    lines = result_table(report(trials=trials), []).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["[red]x", "[/]"]


def test_what_was_not_run_has_a_column_where_there_is_any():
    trials = [trial("a", failed=3, not_run=9, settings={"k": 1}), trial("b", settings={"k": 2})]
    first, *others = result_table(report(trials=trials), [row("b", "silent")]).splitlines()
    assert first.split()[:6] == ["k", "n", "failed", "not", "run", "flagged"]
    assert [line.split()[:5] for line in others] == [["1", "16", "3", "9", "0"], ["2", "16", "0", "0", "1"]]


def test_what_the_sweep_decides_by_comes_first():
    trials = [trial("a", cer=Summary(0.125, 0.1, 0.15, 9), sim=Summary(0.5), wer=Summary(0.25), rtf=Summary(1.5))]
    first, second = result_table(report(trials=trials, primary="cer", guards=["rtf"]), []).splitlines()
    assert first.split()[4:] == ["CER", "RTF", "SIM", "WER"]
    assert second.split()[4:] == ["0.125", "[0.100,", "0.150]", "1.50", "0.500", "0.250"]


CALIBRATION = {
    "ann": VoiceCalibration({"hum": FloorAndCeiling(0.1, 0.9), "coarse": FloorAndCeiling(0.25, None)}, 0.0, 14),
    "[ben]": VoiceCalibration({"hum": FloorAndCeiling(None, 0.8765)}, None, 0),
}
ENCODERS = {"hum": EncoderRecord(0.125, 0.0, 0.25, 9, 27), "coarse": None}
CALIBRATED = """\
voice  hum floor  ceiling  coarse floor  ceiling  ASR WER
ann        0.100    0.900         0.250        -    0.000
[ben]          -    0.876             -        -        -
hum: equal error rate 0.125 over 9 pairs of one speaker and 27 of two"""


@pytest.mark.parametrize("columns", ["80", "20"])
def test_the_calibration_by_hand(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert calibration_table(report(calibration=CALIBRATION, encoders=ENCODERS)) == CALIBRATED
    assert max(map(len, CALIBRATED.splitlines())) <= 80


def test_concordance_by_hand():
    found = [
        Concordance("coarse", 1 / 3, [RankChange("a", 1, 2), RankChange("b", 2, 1)], contested=True),
        Concordance("ge2e", None, [], contested=None),
    ]
    assert concordance_lines(report(concordance=found)) == [
        "coarse: Kendall's tau 0.333 with the primary encoder's ranks, 2 trials moved",
        "ge2e: Kendall's tau - with the primary encoder's ranks, 0 trials moved",
    ]
    assert concordance_lines(report()) == []
