"""In what two runs differ, and what keeps their scores apart."""

from dataclasses import replace

import pytest

from evalkit.analysis.disagreements import disagreements
from evalkit.errors import DataError
from evalkit.row import PromptRecord
from tests.analysis.runs import METRICS, WER, rows_of, run_of

TABLE = {"sim": [[0.1, 0.2], [0.3, 0.4]]}
ROWS = rows_of("t", TABLE)


def told(baseline, candidate):
    return {one.field: (one.baseline, one.candidate, one.is_barrier) for one in disagreements(baseline, candidate)}


def test_equal_runs_differ_in_nothing():
    assert told(run_of(ROWS, "a"), run_of(ROWS, "b")) == {}


@pytest.mark.parametrize(
    ("changes", "field", "values"),
    [
        ({"told": {"judges": {"asr": {"judge": "x"}}}}, "judges.asr.judge", ("whistle", "x")),
        ({"told": {"judges": {"asr": {"judge": "whistle"}, "text": "n"}}}, "judges.text", ("not there", "n")),
        (
            {"told": {"judges": {"asr": {"judge": "whistle"}, "speakers": [{"judge": "s"}]}}},
            "judges.speakers",
            ("not there", "{'0': {'judge': 's'}}"),
        ),
        ({"metrics": {**METRICS, "wer": replace(WER, higher_is_better=True)}}, "metrics.wer.better",
         ("lower", "higher")),
        ({"metrics": {**METRICS, "wer": replace(WER, pooled_by="utterances")}}, "metrics.wer.pooled_by",
         ("reference words", "utterances")),
        ({"recordings": {"v0": ["v0a", "v0b"], "v1": []}}, "voices.v1",
         ("2 recordings, digest fa795840", "0 recordings, digest 4f53cda1")),
    ],
)  # fmt: skip
def test_what_keeps_scores_apart_is_named_field_by_field(changes, field, values):
    assert told(run_of(ROWS), run_of(ROWS, **changes)) == {field: (*values, True)}


@pytest.mark.parametrize("table", [[[0.1, 0.2]], [[0.1], [0.3]]], ids=["voice", "probe"])
def test_a_voice_or_a_text_more_or_less_keeps_scores_apart(table):
    fewer = run_of(rows_of("t", {"sim": table}))
    for runs in ((fewer, run_of(ROWS)), (run_of(ROWS), fewer)):
        (one,) = disagreements(*runs)
        assert one.is_barrier
        assert one.field in {"voices.v1", "probes.p1"}


def test_a_voice_that_a_report_does_not_speak_of_is_known_by_its_rows():
    """Both reports have lost their recordings; the voices still are not the same."""
    runs = (run_of(ROWS, recordings={}), run_of(rows_of("t", {"sim": [[0.1, 0.2]]}), recordings={}))
    assert [one.field for one in disagreements(*runs)] == ["voices.v1"]


def test_other_words_under_a_probes_name_keep_scores_apart():
    changed = [replace(row, text="other") if row.probe == "p0" else row for row in ROWS]
    assert told(run_of(ROWS), run_of(changed)) == {"probes.p0": ("[en] text 0", "[en] other", True)}
    in_one_voice = run_of([changed[0], *ROWS[1:]])
    assert told(run_of(ROWS), in_one_voice) == {"probes.p0": ("[en] text 0", "[en] other / [en] text 0", True)}


def test_ears_packages_machines_and_versions_are_told_and_no_barrier():
    one = run_of(ROWS, told={"judges": {"asr": {"judge": "whistle"}, "ears": {"a": 1}}}, version="1")
    other = run_of(ROWS, told={"packages": {"torch": "2"}, "device": "cuda", "seeds": [4, 5]}, version="1+cut")
    assert told(one, other) == {
        "trial.version": ("1", "1+cut", False),
        "packages.torch": ("not there", "2", False),
        "device": ("cpu", "cuda", False),
        "seeds": ("0", "4, 5", False),
    }


def test_a_prompt_that_became_another_is_told_by_trial_and_voice():
    prompts = [PromptRecord(seconds, "x", "user", sha256, ["a.wav"]) for seconds, sha256 in ((3.0, "aa"), (8.0, "bb"))]
    ones, others = ([replace(row, prompt=prompt) for row in ROWS[:2]] for prompt in prompts)
    assert told(run_of(ones), run_of(others)) == {"prompts.v0": ("3.00 s, aa", "8.00 s, bb", False)}


def test_a_trial_that_only_one_run_has_is_told():
    trials = {"t": {"k": 1}, "u": {"k": 2}}
    fewer = run_of(ROWS, trials={"t": {"k": 1}})
    more = run_of([*ROWS, *rows_of("u", TABLE)], trials=trials)
    assert told(fewer, more) == {"trials.e, k=2": ("not there", "version 1", False)}


@pytest.mark.hostile
def test_judges_that_are_nested_without_end_are_refused():
    deep, other = {"x": 1}, {"x": 2}
    for _ in range(3000):
        deep, other = {"x": deep}, {"x": other}
    runs = [run_of(ROWS) for _ in range(2)]
    for run, judges in zip(runs, (deep, other), strict=True):
        run.report.provenance.__dict__["judges"] = judges
    with pytest.raises(DataError, match="nested too deeply"):
        disagreements(*runs)
