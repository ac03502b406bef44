"""The tables that a run ends with, from a report and rows written by hand."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.record import (
    Concordance,
    EncoderRecord,
    FloorAndCeiling,
    MetricRecord,
    Provenance,
    RankChange,
    Report,
    Summary,
    TrialSummary,
    VoiceCalibration,
)
from evalkit.reports.terminal import BRACKETS, calibration_table, concordance_lines, failure_lines, result_table
from evalkit.row import ErrorRecord, PromptRecord, Row


def trial(id, engine="kokoro", n=16, failed=0, not_run=0, settings=None, version="1", **summary):
    return TrialSummary(id, engine, settings or {}, n, failed, summary, not_run, version=version)


def report(**changes):
    origin = Provenance("typed", None, None, "3.11", "here", "cpu", {}, {}, {}, [0])
    metrics = {name: MetricRecord("x", True, None) for name in ("sim", "wer", "rtf", "cer")}
    given = {"run_id": "r", "plan": "p", "sweep": "s", "question": "?", "created": "now", "status": "complete"}
    return Report(**given, provenance=origin, config={}, metrics=metrics, **changes)


def row(trial, *flags, **more):
    return Row(trial, "e", {}, "v", "p", 0, "en", "x", flags=list(flags), **more)


TRIALS = [
    trial("a", settings={"prompt.seconds": 3.0, "prompt.trim": False, "engine.top_k": 1},
          sim=Summary(0.4567, 0.4, 0.5, 16), wer=Summary(0.02, 0.0, 0.05, 16), rtf=Summary(0.254, 0.2, 0.3, 16)),
    trial("b", settings={"prompt.seconds": None, "prompt.trim": True, "engine.top_k": 1}, failed=3,
          sim=Summary(0.5, None, None, 13), wer=Summary(0.0, None, None, 13)),
    trial("c", settings={"prompt.seconds": 20.5, "prompt.trim": False, "engine.top_k": 1}, failed=16),
]  # fmt: skip
ROWS = [row("a", "truncated"), row("a"), row("b", "silent", "clipped"), row("b", "bleed")]
WHOLE = """\
prompt.seconds  prompt.trim   n  failed  flagged                   SIM                   WER   RTF
             3        false  16       0        1  0.457 [0.400, 0.500]  0.020 [0.000, 0.050]  0.25
          null         true  16       3        2                 0.500                 0.000     -
          20.5        false  16      16        0                     -                     -     -
engine: kokoro version 1"""
SHORT = """\
seconds   trim   n  failed  flagged                   SIM                   WER   RTF
      3  false  16       0        1  0.457 [0.400, 0.500]  0.020 [0.000, 0.050]  0.25
   null   true  16       3        2                 0.500                 0.000     -
   20.5  false  16      16        0                     -                     -     -
engine: kokoro version 1"""
TWO_LINES = """\
   n  failed  flagged                   SIM                   WER   RTF
baseline (the others where they differ): prompt.seconds=3, prompt.trim=false
  16       0        1  0.457 [0.400, 0.500]  0.020 [0.000, 0.050]  0.25
prompt.seconds=null, prompt.trim=true
  16       3        2                 0.500                 0.000     -
prompt.seconds=20.5
  16      16        0                     -                     -     -
engine: kokoro version 1"""
LISTED = """\
baseline (the others where they differ): prompt.seconds=3,
    prompt.trim=false
  n 16  failed 0  flagged 1  SIM 0.457 [0.400, 0.500]
  WER 0.020 [0.000, 0.050]  RTF 0.25
prompt.seconds=null, prompt.trim=true
  n 16  failed 3  flagged 2  SIM 0.500  WER 0.000  RTF -
prompt.seconds=20.5
  n 16  failed 16  flagged 0  SIM -  WER -  RTF -
engine: kokoro version 1"""


@pytest.mark.parametrize(
    ("columns", "table"),
    [(400, WHOLE), (98, WHOLE), (97, SHORT), (85, SHORT), (84, TWO_LINES), (80, TWO_LINES), (70, LISTED)],
)
def test_results_by_hand_fit_the_terminal(monkeypatch, columns, table):
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = result_table(report(trials=TRIALS, baseline="a"), ROWS)
    assert shown.startswith(table)
    assert " ".join(shown.removeprefix(table).split()) == BRACKETS["panel"]  # all rows are one voice's
    assert max(map(len, shown.splitlines())) <= columns


def prompt(seconds, wanted):
    return PromptRecord(seconds, "one two", "user", "ab", ["a.wav"], wanted_seconds=wanted)


@pytest.mark.parametrize(
    ("real", "shown"),
    [  # ann's and ben's prompts of the trials for 3 and 5 s
        ([(7.0, 7.2), (7.0, 7.2)], ["7.1", "7.1"]),  # both 7.1 s on average
        ([(3.0, 3.0), (5.0, 4.0)], ["3.0", "4.5"]),  # one trial misses by 10 % on average
        ([(2.7, 3.3), (5.0, 5.0)], ["3.0", "5.0"]),  # they miss it to both sides
        ([(3.1, 2.9), (5.2, 4.9)], None),  # by 3 % each: so are prompts
    ],
)
def test_the_real_seconds_of_prompts_are_shown_where_they_are_others(monkeypatch, real, shown):
    monkeypatch.setenv("COLUMNS", "120")
    trials = [trial("a", settings={"prompt.seconds": 3.0}), trial("b", settings={"prompt.seconds": 5.0})]
    rows = [
        replace(row(name, prompt=prompt(seconds, wanted)), voice=voice)
        for name, wanted, own in zip("ab", (3.0, 5.0), real, strict=True)
        for voice, seconds in zip(("ann", "ben"), own, strict=True)
    ]
    heading, *lines = result_table(report(trials=trials), rows).splitlines()[:3]
    assert ("  real s  " in heading) == (shown is not None)
    if shown:
        assert [line.split()[:2] for line in lines] == [
            [wanted, told] for wanted, told in zip("35", shown, strict=True)
        ]


def test_the_real_seconds_are_shown_where_the_wanted_ones_are_no_axis():
    trials = [trial("a", settings={"prompt.cut": "word"}), trial("b", settings={"prompt.cut": "silence"})]
    rows = [row("a", prompt=prompt(3.0, 3.0)), row("b", prompt=prompt(7.1, 3.0))]
    lines = result_table(report(trials=trials), rows).splitlines()[:3]
    assert [line.split()[:2] for line in lines[1:]] == [["word", "3.0"], ["silence", "7.1"]]


def test_prompts_that_were_to_have_all_there_is_miss_nothing():
    trials = [trial("a", settings={"prompt.cut": "word"}), trial("b", settings={"prompt.cut": "silence"})]
    assert "real s" not in result_table(report(trials=trials), [row("a", prompt=prompt(3.0, None))])


MANY = ("seconds", "clips", "order", "trim", "match_loudness", "gap_seconds", "crossfade_seconds")


@pytest.mark.parametrize("columns", [40, 60, 80, 100])
def test_seven_settings_that_vary_fit_too_and_no_number_is_cut(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    trials = [
        trial(str(at), settings={f"prompt.{name}": 1000.25 * (at + 1) for name in MANY},
              sim=Summary(0.4567, -0.4, 0.5, 16), wer=Summary(0.02, 0.0, 0.05, 16), rtf=Summary(0.254, None, None, 16))
        for at in range(3)
    ]  # fmt: skip
    table = result_table(report(trials=trials, baseline="0"), [])
    assert max(map(len, table.splitlines())) <= columns
    for at in range(3):
        for name in MANY:
            assert re.search(rf"^(.* )?prompt\.{name}={1000.25 * (at + 1):g}(,.*)?$", table, re.MULTILINE)
    assert len(re.findall(r"0\.457 \[-0\.400, 0\.500\]", table)) == 3


def test_engines_that_differ_have_a_column_and_a_setting_of_one_only_is_blank_to_the_other():
    trials = [
        trial("a", "tone", settings={"engine.detune": 1.0}, sim=Summary(0.5)),
        trial("b", "tone", settings={"engine.detune": 2.0}, sim=Summary(0.25)),
        trial("c", "csm", settings={"engine.top_k": 50}, version="2+0a1b2c3d"),
    ]
    lines = result_table(report(trials=trials), []).splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["engine", "engine.detune", "n"], ["tone", "1", "16"], ["tone", "2", "16"], ["csm", "null", "16"],
        ["engines:", "tone", "version"]
    ]  # fmt: skip
    assert lines[-1] == "engines: tone version 1, csm version 2+0a1b2c3d"


def test_names_that_end_alike_stay_whole_where_there_is_no_room(monkeypatch):
    monkeypatch.setenv("COLUMNS", "75")
    trials = [
        trial(str(at), settings={"prompt.seconds": at, "engine.seconds": at, "prompt.trim": at}) for at in range(2)
    ]
    first = result_table(report(trials=trials), []).splitlines()[0]
    assert first.split()[:4] == ["prompt.seconds", "engine.seconds", "trim", "n"]


def test_one_trial_is_named_by_its_id():
    assert result_table(report(trials=[trial("tone-1234abcd")]), []).splitlines()[1].split() == [
        "tone-1234abcd", "16", "0", "0", "-", "-", "-"
    ]  # fmt: skip


def test_a_name_in_brackets_is_no_markup():
    trials = [trial("a", settings={"prompt.text": "[red]x"}), trial("b", settings={"prompt.text": "[/]"})]
    lines = result_table(report(trials=trials), []).splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["[red]x", "[/]"]


def test_what_was_not_run_has_a_column_where_there_is_any():
    trials = [trial("a", failed=3, not_run=9, settings={"k": 1}), trial("b", settings={"k": 2})]
    first, *others = result_table(report(trials=trials), [row("b", "silent")]).splitlines()
    assert first.split()[:6] == ["k", "n", "failed", "not", "run", "flagged"]
    assert [line.split()[:5] for line in others[:2]] == [["1", "16", "3", "9", "0"], ["2", "16", "0", "0", "1"]]


def test_what_the_sweep_decides_by_comes_first():
    trials = [trial("a", cer=Summary(0.125, 0.1, 0.15, 9), sim=Summary(0.5), wer=Summary(0.25), rtf=Summary(1.5))]
    first, second, _ = result_table(report(trials=trials, primary="cer", guards=["rtf"]), []).splitlines()
    assert first.split()[4:] == ["CER", "RTF", "SIM", "WER"]
    assert second.split()[4:] == ["0.125", "[0.100,", "0.150]", "1.50", "0.500", "0.250"]


def test_what_was_not_timed_here_and_now_is_said_to_be_cached():
    trials = [trial("a", rtf=Summary(1.5), settings={"k": 1}), trial("b", settings={"k": 2}), trial("c")]
    lines = result_table(report(trials=trials), [row("a"), row("b", cached=True)]).splitlines()
    assert [line.split()[-1] for line in lines[:4]] == ["RTF", "1.50", "cached", "-"]


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
BY_ENCODER = """\
voice  encoder  floor  ceiling  ASR WER
ann    hum      0.100    0.900    0.000
ann    coarse   0.250        -    0.000
[ben]  hum          -    0.876        -
[ben]  coarse       -        -        -
hum: equal error rate 0.125 over 9 pairs of one
  speaker and 27 of two"""


@pytest.mark.parametrize(("columns", "table"), [(80, CALIBRATED), (70, CALIBRATED), (50, BY_ENCODER)])
def test_the_calibration_by_hand(monkeypatch, columns, table):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert calibration_table(report(calibration=CALIBRATION, encoders=ENCODERS)) == table
    assert max(map(len, table.splitlines())) <= columns


@pytest.mark.parametrize(
    ("eer", "high", "told"), [(0.4, 0.49, False), (0.4, 0.5, True), (0.5, None, True), (0.7, 0.9, True)]
)
def test_an_encoder_no_better_than_chance_is_said_to_be(eer, high, told):
    record = EncoderRecord(eer, 0.3 if high else None, high, 9, 27)
    table = calibration_table(report(calibration=CALIBRATION, encoders={"hum": record}))
    assert table.endswith("27 of two, no better\n  than chance" if told else "27 of two")


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


def failed(message, state="failed", kind="SynthesisError", **more):
    return row("t", state=state, error=ErrorRecord(kind, message), **more)


def test_reasons_are_counted_whatever_their_numbers_and_names():
    rows = [
        row("t", "runaway", "silent"), row("t", "runaway"), row("t"),
        failed("no sound after 12 frames of 'ann'"), failed("out of memory", kind="OutOfMemoryError"),
        failed("no sound after 7 frames of 'ben'"), failed("out of memory", "not_run", kind="OutOfMemoryError"),
    ]  # fmt: skip
    assert failure_lines(rows, Path("reports/s/r")) == [
        "4 of 7 utterances were not scored:",
        "    2  SynthesisError: no sound after 12 frames of 'ann' (first: t, voice v,",
        "       probe p, seed 0)",
        "    1  OutOfMemoryError: out of memory (first: t, voice v, probe p, seed 0)",
        "    1  not run, OutOfMemoryError: out of memory (first: t, voice v, probe p,",
        "       seed 0)",
        "       tracebacks: reports/s/r/run.log; each utterance:",
        "       reports/s/r/utterances.jsonl",
        "2 of 7 utterances are flagged: runaway 2, silent 1",
    ]


def test_reasons_beyond_five_are_counted_only():
    rows = [failed(f"reason {'x' * at}") for at in range(1, 9)]
    lines = failure_lines(rows, Path("r"))
    assert [line[:7] for line in lines[1:7]] == ["    1  "] * 5 + ["    3  "]
    assert lines[6] == "    3  for 3 other reasons"


def test_where_nothing_went_wrong_nothing_is_said():
    assert failure_lines([row("t"), row("t")], Path("r")) == []


@pytest.mark.parametrize(("probes", "told"), [(["p", "q"], "population"), (["p"], "panel")])
def test_what_intervals_hold_for_is_said(probes, told):
    rows = [replace(row("a"), voice=voice, probe=probe) for voice in ("ann", "ben") for probe in probes]
    assert BRACKETS[told] in " ".join(result_table(report(trials=[trial("a")]), rows).split())
