"""A gate's verdict: every state and border, with numbers that can be checked by hand, and against simulated truth."""

from dataclasses import replace

import numpy as np
import pytest

from evalkit.analysis import verdicts
from evalkit.analysis.margins import Ratio
from evalkit.analysis.pairing import matched
from evalkit.analysis.stats import Difference
from evalkit.analysis.verdicts import judge
from evalkit.errors import DataError
from evalkit.record import MetricRecord
from evalkit.row import ErrorRecord
from tests.analysis.runs import METRICS, rows_of, run_of

# What neither voices nor texts explain of it: rows and columns sum to 0, and the squares to 16 * 0.01 ** 2.
CHECKERED = np.array([[1, -1, 1, -1], [-1, 1, -1, 1], [1, -1, 1, -1], [-1, 1, -1, 1]]) * 0.01
FLAT = np.full((4, 4), 0.5)
# Of its mean over 16, with 9 degrees of freedom: sqrt(16 * 0.01 ** 2 / 9 / 16) = 0.01 / 3; t(9, 0.975) = 2.2622.
REACH = 2.2622 * 0.01 / 3


def gated(baseline, candidate, margins, **rule):
    return judge(baseline, candidate, matched(baseline.report, candidate.report), margins, **rule)


def verdict(base, own, margin, metric="sim", **rule):
    """Judges one metric of two tables."""
    runs = [run_of(rows_of("t", {metric: table.tolist()})) for table in (base, own)]
    (found,) = gated(*runs, {metric: margin}, **rule).verdicts
    return found


@pytest.mark.parametrize("metric", ["sim", "wer"])
@pytest.mark.parametrize(
    ("worse", "margin", "state"),
    [
        (0.0, 0.01, "pass"),  # 0.0075 is below 0.01
        (0.0, REACH + 1e-4, "pass"),
        (0.0, REACH - 1e-4, "inconclusive"),
        (-0.1, 0.01, "pass"),  # better, and surely so
        (0.02, 0.01, "regression"),  # above the margin all of it
        (0.011, 0.01, "regression"),  # above 0 all of it, and the estimate above the margin
        (
            0.009,
            0.01,
            "inconclusive",
        ),  # above 0 all of it, the estimate below the margin: worse, by no more than is allowed?
        (0.007, 0.005, "inconclusive"),  # the estimate above the margin, but 0 within
        (0.010, 0.02, "pass"),  # worse for sure, and for sure by less than the margin
    ],
)
def test_each_state_and_its_borders_in_both_directions(metric, worse, margin, state):
    sign = -1 if metric == "sim" else 1
    found = verdict(FLAT, FLAT + sign * worse + CHECKERED, margin, metric)
    assert found.state == state
    assert found.worsening == pytest.approx(worse)
    assert (found.low, found.high) == (pytest.approx(worse - REACH, abs=1e-5), pytest.approx(worse + REACH, abs=1e-5))
    assert (found.baseline, found.candidate) == (pytest.approx(0.5), pytest.approx(0.5 + sign * worse))
    assert found.n_pairs == 16


def test_a_ratio_is_of_the_baselines_mean():
    table = FLAT + 0.1 + CHECKERED
    assert verdict(FLAT, table, Ratio(1.3), "wer").state == "pass"  # 0.15 more is allowed
    assert verdict(FLAT, table, Ratio(1.1), "wer").margin == pytest.approx(0.05)
    assert verdict(FLAT, table, Ratio(1.1), "wer").state == "regression"


def test_a_ratio_of_nothing_allows_nothing_and_settles_nothing():
    found = verdict(FLAT * 0, np.abs(CHECKERED) * 0 + CHECKERED, Ratio(2), "wer")
    assert (found.margin, found.state, found.more) == (0.0, "inconclusive", None)


def test_no_spread_is_a_pass_only_where_nothing_differs():
    assert (verdict(FLAT, FLAT, 0.01).state, verdict(FLAT, FLAT, 0.01).why) == ("pass", "the same in every pair")
    found = verdict(FLAT, FLAT - 0.1, 0.01)
    assert (found.state, found.low, found.more) == ("inconclusive", None, None)
    assert found.why == "the pairs show no spread, so that chance cannot be told"


@pytest.mark.parametrize(
    ("worse", "margin", "more"),
    [
        # The half width, 0.00754, must become less than what is left to the margin: 16 * (REACH / 0.002) ** 2 = 227.4
        (0.0, 0.002, 212),
        # As much is left here
        (0.008, 0.010, 212),
        # And here the half width must become less than the estimate, 0.006: 16 * (REACH / 0.006) ** 2 = 25.3
        (0.006, 0.005, 10),
    ],
)
def test_how_many_more_utterances_would_settle_it(worse, margin, more):
    assert verdict(FLAT, FLAT + worse + CHECKERED, margin, "wer").more == more


def test_more_utterances_are_never_none_and_nobody_is_sent_for_a_million():
    assert verdict(FLAT, FLAT + CHECKERED, 0.0075405, "wer").more == 1
    assert verdict(FLAT, FLAT + 0.01 + CHECKERED, 0.01 + 1e-6, "wer").more is None


def test_a_width_that_just_reaches_the_margin_does_not_settle_it():
    """16 utterances, a half width twice the room: 64 bring it to the room exactly, so 49 more."""
    told = verdicts._Worse(0.0, -0.04, 0.04)
    estimate = type("Estimate", (), {"n_units": 16, "parts": np.array([1.0, -1.0])})
    assert verdicts._more(told, 0.02, estimate) == 49


def test_events_that_were_never_seen_need_fewer_more():
    """No failure in 16: one in 18 is allowed for, which falls with the number itself, not with its root."""
    runs = [run_of(rows_of("t", {"sim": FLAT.tolist()})) for _ in range(2)]
    (found,) = gated(*runs, {"failed": 0.01}).verdicts
    reach = 2.1314 / 18  # t(15, 0.975)
    assert (found.state, found.high) == ("inconclusive", pytest.approx(reach, rel=1e-4))
    assert found.more == int(16 * reach / 0.01) + 1 - 16


def failing(rows, *places):
    """Fails the rows of some places."""
    gone = {"state": "failed", "scores": {}, "error": ErrorRecord("E", "m"), "audio": None}
    return [replace(row, **gone) if (row.voice, row.probe) in places else row for row in rows]


def test_what_the_candidate_failed_counts_as_the_worst_that_was_scored():
    """Text 3 is hard: 0.2 in each voice, the others 0.6. Who does not say it would gain 0.1, and does not."""
    table = np.full((4, 4), 0.6)
    table[:, 3] = 0.2
    rows = rows_of("t", {"sim": (table + CHECKERED).tolist()})
    hard = [(f"v{voice}", "p3") for voice in range(4)]
    baseline, candidate = run_of(rows), run_of(failing(rows_of("t", {"sim": table.tolist()}), *hard))
    gate = gated(baseline, candidate, {"failed": 0.01, "sim": 0.02})
    told = {one.metric: one for one in gate.verdicts}
    assert told["sim"].candidate == pytest.approx((12 * 0.6 + 4 * 0.19) / 16)
    assert told["sim"].n_pairs == 16
    assert (told["failed"].worsening, told["failed"].state, gate.state) == (0.25, "regression", "regression")


def test_an_error_rate_of_what_failed_is_one_and_weighs_as_its_text():
    """WER: 3 of 4 texts of 10 words without an error, the one of 30 not said at all: 30 / 60."""
    metrics = {**METRICS, "wer": replace(METRICS["wer"], counts=True)}
    weights = {"p0": 10.0, "p1": 10.0, "p2": 10.0, "p3": 30.0}
    rows = [replace(row, weights={"wer": weights[row.probe]}) for row in rows_of("t", {"wer": (FLAT * 0).tolist()})]
    gone = [
        replace(row, weights={}) if row.probe == "p3" else row
        for row in failing(rows, *[(f"v{v}", "p3") for v in range(4)])
    ]
    (found,) = gated(run_of(rows, metrics=metrics), run_of(gone, metrics=metrics), {"wer": 0.01}).verdicts
    assert (found.candidate, found.state) == (pytest.approx(0.5), "regression")


@pytest.mark.parametrize("state", ["failed", "not_run"])
def test_who_says_nothing_at_all_is_no_better(state):
    rows = rows_of("t", {"sim": (FLAT + CHECKERED).tolist()})
    gone = [replace(row, state=state, scores={}, error=ErrorRecord("E", "m")) for row in rows]
    gate = gated(run_of(rows), run_of(gone), {"failed": 0.01, "sim": 0.02})
    told = {one.metric: one for one in gate.verdicts}
    assert gate.state != "pass"
    assert (told["failed"].worsening, told["sim"].candidate) == (1.0, pytest.approx(0.49))


def test_a_judge_that_broke_on_the_candidate_is_a_failure_too():
    rows = rows_of("t", {"sim": (FLAT + CHECKERED).tolist()})
    broken = [replace(row, scores={}, missing={"sim": "E: m"}) if row.probe == "p3" else row for row in rows]
    (found,) = gated(run_of(rows), run_of(broken), {"sim": 0.001}).verdicts
    assert (found.n_pairs, found.candidate) == (
        16,
        pytest.approx((12 * 0.5 + sum(CHECKERED[:, :3].ravel()) + 4 * 0.49) / 16),
    )


def test_chance_that_fails_in_both_runs_is_no_regression():
    """One fails a text in all voices, one another: with the candidate's alone at their worst it would be 0.33 worse.

    With both at their worst 1 of 4 texts is lost in each: 4 / 16, and 12 of 16 values are as they were.
    """
    rows = rows_of("t", {"wer": np.abs(CHECKERED).tolist()})
    metrics = {**METRICS, "wer": replace(METRICS["wer"], counts=True)}
    ones, others = (failing(rows, *[(f"v{at}", probe) for at in range(4)]) for probe in ("p0", "p1"))
    (found,) = gated(run_of(ones, metrics=metrics), run_of(others, metrics=metrics), {"wer": 0.01}).verdicts
    assert found.n_pairs == 16
    assert found.worsening == pytest.approx(0.0)
    assert found.state == "inconclusive"


def sounding(rows, prefix="s"):
    return [replace(row, audio=f"{prefix}-{row.voice}-{row.probe}-{row.seed}") for row in rows]


@pytest.mark.parametrize("worse", [0.0, 0.5])
def test_the_same_sounds_are_certain(worse):
    """A metric of theirs can differ only because it is taken otherwise: no chance is in that."""
    ones, others = (sounding(rows_of("t", {"sim": table.tolist()})) for table in (FLAT, FLAT - worse))
    gate = gated(run_of(ones), run_of(others), {"failed": 0.01, "sim": 0.02})
    assert gate.same_sounds
    assert [(one.state, one.why) for one in gate.verdicts] == [
        ("pass", "the same sounds"),
        ("regression" if worse else "pass", "the same sounds"),
    ]


def test_times_and_memory_of_the_same_sounds_are_not_certain():
    memory = MetricRecord("B", False, None)
    tables = {"rtf": (FLAT + CHECKERED).tolist(), "memory_bytes": (FLAT + CHECKERED).tolist()}
    ones, others = sounding(rows_of("t", dict.fromkeys(tables, FLAT.tolist()))), sounding(rows_of("t", tables))
    runs = [run_of(rows, metrics={**METRICS, "memory_bytes": memory}) for rows in (ones, others)]
    told = gated(*runs, {"rtf": 0.001, "memory_bytes": 0.001, "failed": 0.01})
    assert [one.state for one in told.verdicts] == ["inconclusive", "inconclusive", "pass"]


def test_sounds_are_the_same_seed_by_seed():
    rows = [*rows_of("t", {"sim": [[0.1]]}), *rows_of("t", {"sim": [[0.2]]}, seed=1)]
    baseline = run_of(sounding(rows))
    for own, same in (
        (sounding(rows[::-1]), True),
        ([replace(row, seed=1 - row.seed) for row in sounding(rows)], False),  # each is another seed's sound
        ([replace(row, audio="s-v0-p0-0") for row in rows], False),
        (sounding(rows[:1]), False),
        (failing(sounding(rows), ("v0", "p0")), False),
        ([], False),
    ):
        candidate = run_of(own)
        matches = matched(baseline.report, candidate.report)
        assert verdicts.same_sounds(baseline, candidate, matches) is same
    silent = run_of(rows)
    assert not verdicts.same_sounds(silent, silent, matched(silent.report, silent.report)), "no sound is no same sound"


def test_times_of_another_machine_are_not_gated():
    rows = rows_of("t", {"rtf": FLAT.tolist()})
    gate = gated(run_of(rows), run_of(rows, told={"device": "cuda"}), {"rtf": Ratio(1.2), "failed": 0.5})
    assert [(one.state, one.why) for one in gate.verdicts] == [
        ("not gated", "taken on another device (cpu, cuda)"),
        ("pass", ""),
    ]


def test_times_of_an_earlier_run_are_not_gated():
    rows = rows_of("t", {"rtf": FLAT.tolist()}, cached=True)
    gate = gated(run_of(rows), run_of(rows), {"rtf": Ratio(1.2), "failed": 0.5})
    assert (gate.verdicts[0].state, gate.verdicts[0].why) == ("not gated", "no utterance of both has it")


def test_several_trials_are_pooled():
    """One trial 0.02 worse, one as much better: nothing together. Alone, the first is a regression."""
    trials = {"a": {"k": 1}, "b": {"k": 2}}
    base = [*rows_of("a", {"wer": FLAT.tolist()}), *rows_of("b", {"wer": (FLAT + 0.1).tolist()})]
    own = [*rows_of("a", {"wer": (FLAT + 0.02 + CHECKERED).tolist()}),
           *rows_of("b", {"wer": (FLAT + 0.08 + CHECKERED).tolist()})]  # fmt: skip
    (found,) = gated(run_of(base, trials=trials), run_of(own, trials=trials), {"wer": 0.01}).verdicts
    assert (found.n_pairs, found.baseline, found.worsening) == (32, pytest.approx(0.55), pytest.approx(0, abs=1e-12))
    assert verdict(FLAT, FLAT + 0.02 + CHECKERED, 0.01, "wer").state == "regression"


def test_a_regression_outweighs_what_is_not_settled_and_that_a_pass():
    tables = {"sim": FLAT.tolist(), "wer": FLAT.tolist()}
    own = {"sim": (FLAT - 0.1 + CHECKERED).tolist(), "wer": (FLAT + CHECKERED).tolist()}
    runs = run_of(rows_of("t", tables)), run_of(rows_of("t", own))
    states = {}
    for margins in ({"sim": 0.02, "wer": 0.001}, {"wer": 0.001, "failed": 0.9}, {"failed": 0.9}):
        gate = gated(*runs, margins)
        states[gate.state] = [one.state for one in gate.verdicts]
    assert states == {
        "regression": ["regression", "inconclusive"],
        "inconclusive": ["inconclusive", "pass"],
        "pass": ["pass"],
    }


def test_intervals_of_more_metrics_are_wider():
    tables = {"sim": (FLAT + CHECKERED).tolist(), "wer": (FLAT + CHECKERED.T * [1, 1, -1, -1]).tolist()}
    runs = run_of(rows_of("t", dict.fromkeys(tables, FLAT.tolist()))), run_of(rows_of("t", tables))
    alone, together = (gated(*runs, dict.fromkeys(names, 0.01)).verdicts[0] for names in (["sim"], ["sim", "wer"]))
    assert together.high - together.low > alone.high - alone.low


def test_a_margin_of_a_metric_that_nobody_took_is_not_gated_and_none_but_such_are_refused():
    rows = rows_of("t", {"sim": (FLAT + CHECKERED).tolist()})
    gate = gated(run_of(rows), run_of(rows), {"sim": 0.1, "utmos": 0.1})
    assert [(one.state, one.why) for one in gate.verdicts][1] == ("not gated", "it is not scored")
    with pytest.raises(DataError, match="nothing can be gated: 'utmos': it is not scored; 'wer': no utterance of both"):
        gated(run_of(rows), run_of(rows), {"utmos": 0.1, "wer": 0.1})
    metrics = {"sim": replace(METRICS["sim"], higher_is_better=None)}
    with pytest.raises(DataError, match="'sim': it has no better and worse"):
        gated(run_of(rows, metrics=metrics), run_of(rows, metrics=metrics), {"sim": 0.1})


def test_the_scope_is_what_was_asked_for_where_it_can_be():
    for voices, scope in ((4, "population"), (1, "panel")):
        base, own = (rows_of("t", {"sim": table[:voices].tolist()}) for table in (FLAT, FLAT + CHECKERED))
        assert gated(run_of(base), run_of(own), {"sim": 0.1}, scope="population").scope == scope


def test_a_worsening_has_no_minus_zero_and_its_ends_in_order():
    told = verdicts._Worse.of(Difference(0.0, -0.1, 0.3, 1.0, 4), -1.0)
    assert (str(told.value), told.low, told.high) == ("0.0", -0.3, 0.1)


MARGINS = {"sim": 0.02, "wer": 0.01, "failed": 0.01}
KINDS = {**METRICS, "wer": replace(METRICS["wer"], counts=True)}
WORDS = 10


def drawn(random, hard, harm=0.0):
    """Draws a run over 8 voices and 8 texts: SIM and WER with the texts' hardness, and one failure in fifty."""
    shape = (8, 8)
    sim = np.round(0.6 - 0.1 * hard - harm + random.normal(0, 0.03, shape), 6)
    wer = random.binomial(WORDS, 0.02 + 0.06 * hard + harm, shape) / WORDS
    rows = rows_of("t", {"sim": sim.tolist(), "wer": wer.tolist()}, weights={"wer": float(WORDS)})
    lost = random.random(64) < 0.02
    gone = {"state": "failed", "scores": {}, "weights": {}, "error": ErrorRecord("E", "m")}
    return run_of(
        [replace(row, **gone) if is_lost else row for row, is_lost in zip(rows, lost, strict=True)], metrics=KINDS
    )


def share(runs, harm):
    random, found = np.random.default_rng(11), 0
    for _ in range(runs):
        hard = random.random((1, 8))
        gate = gated(drawn(random, hard), drawn(random, hard, harm), MARGINS)
        found += gate.state == "regression"
    return found / runs


def test_a_change_that_is_none_is_rarely_called_a_regression():
    """8 voices, 8 texts, three metrics, one utterance in fifty failed: 0.005 of 1,000 runs."""
    assert share(1000, 0.0) <= 0.05


def test_a_harm_above_the_margin_is_nearly_always_found():
    """SIM worse by 0.06, three margins, and 6 more errors in 100 words: 1.000 of 200 runs; by 0.03 each: 0.935."""
    assert share(200, 0.06) >= 0.95


def test_what_the_machines_load_leaves_no_number_of_utterances_narrows():
    """A load of 10 % each run: sqrt(2) * 0.1 * 0.5 is a standard error of 0.07 by itself, too much for 0.1."""
    found = verdict(FLAT, FLAT + CHECKERED, Ratio(1.2, 0.1), "rtf")
    assert (found.state, found.more, found.margin) == ("inconclusive", None, pytest.approx(0.1))
    assert found.why == verdicts.LOAD
    assert found.high == pytest.approx(2.2622 * (0.01**2 / 9 + 2 * 0.05**2) ** 0.5, rel=1e-3)
    assert verdict(FLAT, FLAT + CHECKERED, Ratio(2, 0.1), "rtf").state == "pass"


def test_an_event_that_was_not_seen_may_be_there_in_a_population_too():
    rows = rows_of("t", {"sim": (FLAT + CHECKERED).tolist()})
    for scope, freedom_t in (("panel", 2.131), ("population", 3.182)):
        (found,) = gated(run_of(rows), run_of(rows), {"failed": 0.01}, scope=scope).verdicts
        assert (found.state, found.high) == ("inconclusive", pytest.approx(freedom_t / 18, rel=1e-3))


def test_a_margin_of_no_metric_is_a_slip_of_the_pen():
    runs = [run_of(rows_of("t", {"sim": FLAT.tolist()})) for _ in range(2)]
    with pytest.raises(DataError, match=r"there is no metric 'simm'; there are: .*sim"):
        gated(*runs, {"sim": 0.02, "simm": 0.02})
    assert {one.metric: one.state for one in gated(*runs, {"sim": 0.02, "utmos": 0.1}).verdicts}["utmos"] == "not gated"
