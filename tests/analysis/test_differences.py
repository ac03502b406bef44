"""How two runs compare, with tables whose differences can be taken by hand."""

from dataclasses import replace

import pytest

from evalkit.analysis.differences import differences
from evalkit.analysis.pairing import matched
from tests.analysis.runs import METRICS, rows_of, run_of

BASE = {"sim": [[0.1, 0.2], [0.3, 0.4]], "wer": [[0.0, 0.5], [0.0, 0.0]]}


def compared(baseline, candidate):
    found = differences(baseline, candidate, matched(baseline.report, candidate.report))
    return {(one.match.candidate.id, one.metric): one for one in found}


def test_a_difference_is_candidate_minus_baseline_over_the_pairs_that_both_scored():
    """SIM: v1 p1 failed; 0.2, 0.2, 0.6 against 0.1, 0.2, 0.3: means 1/3 and 0.2."""
    rows = rows_of("t", {"sim": [[0.2, 0.2], [0.6, None]], "wer": [[0.0, 0.0], [0.0, 0.0]]})
    told = compared(run_of(rows_of("t", BASE)), run_of(rows))["t", "sim"]
    assert (told.baseline, told.candidate, told.difference.value, told.difference.n_pairs) == (
        pytest.approx(0.2), pytest.approx(1 / 3), pytest.approx(1 / 3 - 0.2), 3,
    )  # fmt: skip
    assert told.worst == (pytest.approx((0.2 + 0.2 + 0.6 + 0.1) / 4 - 0.25), pytest.approx(1 / 3 - 0.2))


def test_weights_count():
    """WER: one error in 2 words and none in 8 are 1 in 10; then 2 in 2 and none in 8 are 2 in 10."""
    runs = []
    for errors in (0.5, 1.0):
        rows = rows_of("t", {"wer": [[errors, 0.0]]})
        runs.append(run_of([replace(row, weights={"wer": w}) for row, w in zip(rows, (2.0, 8.0), strict=True)]))
    told = compared(*runs)["t", "wer"]
    assert (told.baseline, told.candidate) == (pytest.approx(0.1), pytest.approx(0.2))


def test_each_trial_is_compared_with_its_own():
    trials = {"a": {"k": 1}, "b": {"k": 2}}
    shifted = {"sim": [[0.2, 0.2], [0.3, 0.5]], "wer": BASE["wer"]}
    baseline = run_of([*rows_of("a", BASE), *rows_of("b", shifted)], trials=trials)
    candidate = run_of([*rows_of("b", shifted), *rows_of("a", shifted)], trials=trials)
    told = {key: one.difference.value for key, one in compared(baseline, candidate).items() if key[1] == "sim"}
    assert told == {("a", "sim"): pytest.approx(0.05), ("b", "sim"): pytest.approx(0.0)}


def test_metrics_without_direction_or_in_one_run_alone_are_left_out():
    metrics = {**METRICS, "sim": replace(METRICS["sim"], higher_is_better=None)}
    ones, others = (
        run_of(rows_of("t", BASE), metrics=metrics),
        run_of(rows_of("t", BASE), metrics={"wer": METRICS["wer"]}),
    )
    assert [name for _, name in compared(ones, ones)] == ["failed", "wer"]
    assert [name for _, name in compared(ones, others)] == ["wer"]


def test_times_of_another_machine_are_left_out():
    rows = rows_of("t", {"rtf": [[0.1, 0.2], [0.2, 0.1]]})
    assert [name for _, name in compared(run_of(rows), run_of(rows))] == ["failed", "rtf"]
    assert [name for _, name in compared(run_of(rows), run_of(rows, told={"device": "cuda"}))] == ["failed"]


def test_likeness_to_clips_that_an_engine_may_have_heard_is_left_out():
    metrics = {**METRICS, "sim": replace(METRICS["sim"], compares_with="references")}
    rows = [replace(row, sim_reference="prompt" if row.voice == "v0" else "held_out") for row in rows_of("t", BASE)]
    run = run_of(rows, metrics=metrics)
    told = compared(run, run)
    assert (told["t", "sim"].difference.n_pairs, told["t", "wer"].difference.n_pairs) == (2, 4)
