"""Which trials and rows of two runs belong together."""

import numpy as np
import pytest

from evalkit.analysis.pairing import matched, pooled, require_all, side_by_side, timed_elsewhere
from evalkit.errors import DataError
from tests.analysis.runs import rows_of, run_of

ONE = {"sim": [[0.1, 0.2], [0.3, 0.4]]}
TWO = {"sim": [[0.5, 0.6], [0.7, 0.8]]}
TRIALS = {"a": {"k": 1}, "b": {"k": 2}}


def two_trials(first, second, **changes):
    return run_of([*rows_of("a", first), *rows_of("b", second)], **{"trials": TRIALS, **changes})


def test_trials_match_by_their_settings_whatever_their_ids_order_and_versions():
    candidate = run_of([*rows_of("x", ONE), *rows_of("y", TWO)], trials={"x": {"k": 2}, "y": {"k": 1}}, version="2")
    matches = matched(two_trials(ONE, TWO).report, candidate.report)
    assert [(match.baseline.id, match.candidate.id) for match in matches] == [("b", "x"), ("a", "y")]


def test_one_trial_each_matches_whatever_it_is():
    ones, others = run_of(rows_of("t", ONE), trials={"t": {"k": 1}}), run_of(rows_of("u", ONE), trials={"u": {"k": 9}})
    assert len(matched(ones.report, others.report)) == 1


@pytest.mark.parametrize(
    ("trials", "complaint"),
    [
        (
            {"a": {"k": 8}, "b": {"k": 9}},
            "no trial of run has the settings of one of run: e, k=8; e, k=9 against e, k=1",
        ),
        ({"a": {"k": 1}, "b": {"k": 1}}, "run has two trials with the settings e, k=1"),
    ],
)
@pytest.mark.parametrize("is_candidate", [True, False])
def test_trials_that_cannot_be_matched_are_refused(trials, complaint, is_candidate):
    good, other = two_trials(ONE, ONE), two_trials(ONE, ONE, trials=trials)
    runs = (good, other) if is_candidate else (other, good)
    with pytest.raises(DataError, match=complaint if is_candidate else "run has"):
        matched(*(run.report for run in runs))


def test_seeds_that_differ_are_paired_by_their_rank():
    """Seeds 3 and 7 against 40 and 20: 3 goes with 20, 7 with 40."""
    baseline = run_of([*rows_of("t", {"sim": [[0.7]]}, seed=7), *rows_of("t", {"sim": [[0.3]]}, seed=3)])
    candidate = run_of([*rows_of("t", {"sim": [[0.4]]}, seed=40), *rows_of("t", {"sim": [[0.2]]}, seed=20)])
    columns = side_by_side(baseline, candidate, matched(baseline.report, candidate.report))
    assert sorted(columns.scores("sim").values.T.tolist()) == [[0.3, 0.2], [0.7, 0.4]]


def test_trials_that_are_pooled_stay_apart_though_two_runs_name_them_the_other_way_round():
    """Ids of a damaged or renamed report may cross: what counts is which trial each belongs to in its own run."""
    baseline = two_trials(ONE, TWO)
    candidate = run_of([*rows_of("b", ONE), *rows_of("a", TWO)], trials={"b": {"k": 1}, "a": {"k": 2}})
    columns = pooled(baseline, candidate, matched(baseline.report, candidate.report))
    values = columns.scores("sim").values
    assert values.shape == (2, 8)
    np.testing.assert_array_equal(values[0], values[1])


def test_what_only_one_run_said_is_no_pair():
    baseline, candidate = run_of(rows_of("t", {"sim": [[0.1, 0.2]]})), run_of(rows_of("t", {"sim": [[0.3]]}))
    columns = side_by_side(baseline, candidate, matched(baseline.report, candidate.report))
    np.testing.assert_array_equal(columns.failed, [[0, 0], [0, np.nan]])


def test_a_gate_asks_both_runs_for_the_same():
    baseline = two_trials(ONE, TWO)
    for other, complaint in (
        (run_of(rows_of("a", ONE), trials={"a": {"k": 1}}), "has the trial e, k=2, the other run does not"),
        (
            run_of([*baseline.rows[:3], *baseline.rows[4:]], trials=TRIALS),
            "voice v1, probe p1: 1 utterances in .*, 0 in",
        ),
        (run_of([*baseline.rows, *rows_of("a", ONE, seed=1)], trials=TRIALS), "voice v0, probe p0: 1 .*, 2 in"),
    ):
        for runs in ((baseline, other), (other, baseline)):
            matches = matched(runs[0].report, runs[1].report)
            with pytest.raises(DataError, match=complaint if runs[0] is baseline else "trial|utterances in"):
                require_all(*runs, matches)
    require_all(baseline, baseline, matched(baseline.report, baseline.report))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({}, ""),
        ({"device": "cuda"}, "taken on another device (cpu, cuda)"),
        ({"platform": "Linux y", "device": "cuda"}, "taken on another machine (Linux x, Linux y)"),
    ],
)
def test_times_are_of_a_machine(told, why):
    assert timed_elsewhere(run_of(rows_of("t", ONE)), run_of(rows_of("t", ONE), told=told)) == why


@pytest.mark.hostile
def test_names_cannot_break_a_message():
    one, other = (run_of(rows_of("t", table), trials={"t": {}, "u": {}}) for table in (ONE, TWO))
    for trials, ask in (
        ({"a": {"k": "x\ny"}, "b": {"k": "x\ny"}}, lambda run: matched(run.report, one.report)),
        ({"a": {"k": "x\ny"}, "b": {"k": "z\n"}}, lambda run: matched(run.report, run_of(rows_of("t", ONE)).report)),
        ({"a": {"k": "x\ny"}}, lambda run: require_all(run, other, [])),
    ):
        with pytest.raises(DataError) as raised:
            ask(run_of(rows_of("a", ONE, voice="v\n"), trials=trials))
        assert "x y" in str(raised.value)
        assert "\n" not in str(raised.value)
