"""From rows written by hand to a report's numbers."""

import pytest

from evalkit.analysis import summary
from evalkit.analysis.scores import tabulated
from evalkit.analysis.summary import not_told_apart
from evalkit.metrics.scoring import FAILED_RECORD
from evalkit.record import MetricRecord
from evalkit.row import ErrorRecord, Row
from evalkit.trial import Trial


def numbers(trials, rows, metrics, baseline):
    return summary.numbers(trials, tabulated(rows, [trial.id for trial in trials]), metrics, baseline)


TRIALS = [Trial(id, "e", {"engine.k": number}) for number, id in enumerate("abc")]
METRICS = {
    "sim": MetricRecord("cosine", higher_is_better=True, judge="ear", bounds=(-1.0, 1.0)),
    "wer": MetricRecord("ratio", higher_is_better=False, judge="asr", bounds=(0.0, None), pooled_by="reference words"),
    "pitch": MetricRecord("Hz", higher_is_better=None, judge=None, bounds=(0.0, None)),
}


def row(trial, voice, probe="p", state="scored", weights=None, **scores):
    error = None if state == "scored" else ErrorRecord("SynthesisError", "no")
    return Row(trial, "e", {}, voice, probe, 0, "en", "x", state, scores=scores, weights=weights or {}, error=error)


def of(trials, id):
    return next(trial for trial in trials if trial.id == id)


ROWS = [
    row("a", "v", sim=0.5, wer=1 / 4, pitch=100.0, weights={"wer": 4.0}),
    row("a", "w", sim=0.7, wer=4 / 10, pitch=200.0, weights={"wer": 10.0}),
    row("b", "v", sim=0.8, wer=0.0, weights={"wer": 4.0}),
    row("b", "w", sim=0.9, wer=0.0, weights={"wer": 10.0}),
    row("c", "v", state="failed"),
    row("c", "w", state="not_run"),
    row("c", "x", sim=0.1),
]


def test_summaries_by_hand():
    found = numbers(TRIALS, ROWS, METRICS, "a")
    a, c = of(found.trials, "a"), of(found.trials, "c")
    assert a.summary["wer"].value == pytest.approx(5 / 14)  # 1 of 4 words and 4 of 10, not the mean of the two rates
    assert a.summary["sim"].value == pytest.approx((0.5 + 0.7) / 2)
    assert (a.n, a.n_failed, a.n_not_run, a.summary["sim"].n) == (2, 0, 0, 2)
    assert (c.n, c.n_failed, c.n_not_run, c.summary["sim"].n) == (3, 1, 1, 1)
    assert (c.summary["wer"].value, c.summary["wer"].low, c.summary["wer"].n) == (None, None, 0)
    assert [trial.id for trial in found.trials] == ["a", "b", "c"]


def test_intervals_stay_within_the_metrics_bounds():
    rows = [row("a", voice, wer=value) for voice, value in (("v", 0.0), ("w", 0.0), ("x", 0.9))]
    (told,) = numbers(TRIALS[:1], rows, METRICS, "a").trials
    assert told.summary["wer"].low == 0.0
    assert told.summary["wer"].high > 0.9  # a rate of errors has no upper end


def test_comparisons_are_with_the_baseline_in_what_has_a_direction():
    found = numbers(TRIALS, ROWS, METRICS, "a")
    assert {(one.trial, one.baseline, one.metric) for one in found.comparisons} == {
        ("b", "a", "sim"),
        ("b", "a", "wer"),
    }
    sim, wer = found.comparisons
    assert (sim.difference, sim.n_pairs) == (pytest.approx((0.3 + 0.2) / 2), 2)
    assert wer.difference == pytest.approx(-5 / 14)


def test_any_trial_can_be_the_baseline():
    found = numbers(TRIALS, ROWS, METRICS, "b")
    assert found.baseline == "b"
    assert [(one.trial, round(one.difference, 3)) for one in found.comparisons if one.metric == "sim"] == [("a", -0.25)]


@pytest.mark.parametrize(
    ("wanted", "scored", "taken"),
    [
        ("a", "abc", "a"),
        ("a", "bc", "b"),
        ("b", "ac", "c"),  # the next in the grid
        ("c", "ab", "a"),  # and after the last the first
        ("b", "a", "a"),
        ("b", "", None),
    ],
)
def test_a_baseline_without_a_score_is_replaced_by_the_next_that_has(wanted, scored, taken):
    rows = [
        *(row(id, voice, sim=0.5) for id in scored for voice in "vw"),
        *(row(id, voice, state="failed") for id in "abc" if id not in scored for voice in "vw"),
    ]
    found = numbers(TRIALS, rows, METRICS, wanted)
    assert found.baseline == taken
    assert {one.trial for one in found.comparisons} == set(scored) - {taken}


def test_who_cannot_be_told_from_the_best():
    """b is ahead of c in every voice by about as much; d is ahead in one and behind in the other."""
    values = {"b": (0.80, 0.90, 0.85), "c": (0.60, 0.71, 0.64), "d": (0.90, 0.80, 0.85)}
    rows = [row(id, voice, sim=value) for id, own in values.items() for voice, value in zip("vwx", own, strict=True)]
    columns = tabulated(rows, list("bcd"))
    assert not_told_apart("b", ["b", "c", "d"], columns, "sim", METRICS["sim"]) == ["d"]
    assert not_told_apart("b", ["b"], columns, "sim", METRICS["sim"]) == []


def both(sims: dict[str, list[float | None]], metric: str = "sim", **more) -> list:
    """Rows of trials by their scores in four voices; None: it failed."""
    return [
        row(id, voice, probe, **({"state": "failed"} if value is None else {metric: value}), **more)
        for id, values in sims.items()
        for (voice, probe), value in zip([("v", "p"), ("w", "p"), ("v", "q"), ("w", "q")], values, strict=True)
    ]


def test_failed_is_a_metric_of_every_row():
    rows = both({"a": [0.5, 0.5, 0.5, 0.4], "b": [0.6, None, None, 0.7]})
    found = numbers(TRIALS[:2], rows, {"failed": FAILED_RECORD, **METRICS}, "a")
    assert [trial.summary["failed"].value for trial in found.trials] == [0.0, 0.5]
    (failed,) = (one for one in found.comparisons if one.metric == "failed")
    assert (failed.difference, failed.n_pairs, failed.worst) == (0.5, 4, None)


def test_where_failures_differ_the_bounds_have_them_at_their_worst():
    """b scored 0.6 and 0.7 where a had 0.5 and 0.4: +0.2. With its two failures at 0.4, the worst: (2.1 - 1.9) / 4."""
    rows = both({"a": [0.5, 0.5, 0.5, 0.4], "b": [0.6, None, None, 0.7]})
    (told,) = numbers(TRIALS[:2], rows, {"sim": METRICS["sim"]}, "a").comparisons
    assert told.difference == pytest.approx((0.1 + 0.3) / 2)
    assert told.worst == pytest.approx(((0.6 + 0.4 + 0.4 + 0.7 - 1.9) / 4, 0.2))
    alike = both({"a": [0.5, None, 0.5, 0.4], "b": [0.6, 0.6, None, 0.7]})
    (told,) = numbers(TRIALS[:2], alike, {"sim": METRICS["sim"]}, "a").comparisons
    assert told.worst is None


def test_of_errors_a_failure_is_at_least_nothing_said_and_weighs_as_its_text():
    """Texts of 10 words, of which the baseline erred in one and the trial failed in one: 10 / 40 - 1 / 40."""
    counted = MetricRecord("ratio", higher_is_better=False, judge="asr", bounds=(0.0, None), counts=True)
    rows = both({"a": [0.1, 0.0, 0.0, 0.0], "b": [0.0, None, 0.0, 0.0]}, "wer", weights={"wer": 10.0})
    (told,) = numbers(TRIALS[:2], rows, {"wer": counted}, "a").comparisons
    assert told.worst[0] == pytest.approx(10 / 40 - 1 / 40)


def test_a_comparison_says_what_its_interval_holds_for_and_what_differences_spread_by():
    """Differences of 0 and 1 by voice, the texts alike: squares of voices 2 * 2 * 0.25, over two of each."""
    rows = both({"a": [0.0, 0.0, 0.0, 0.0], "b": [0.0, 1.0, 0.0, 1.0]})
    (told,) = numbers(TRIALS[:2], rows, {"sim": METRICS["sim"]}, "a").comparisons
    assert told.scope == "population"
    assert (told.spreads.voice, told.spreads.probe, told.spreads.rest) == pytest.approx((0.5**0.5, 0.0, 0.0))
    alone = [one for one in rows if one.voice == "v" or one.trial == "c"]
    found = numbers(TRIALS[:2], alone, {"sim": METRICS["sim"]}, "a")
    (told,) = found.comparisons
    assert (told.scope, told.spreads) == ("panel", None)
    assert [trial.summary["sim"].scope for trial in found.trials] == ["panel", "panel"]
