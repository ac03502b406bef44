"""Several judges in one run of the fakes, and what it costs if one of them fails."""

from dataclasses import replace
from math import exp

import pytest

from evalkit.metrics import Metric, Score, metrics_of
from evalkit.pipeline.plan import Decision, Judges

TWO = ("judge.speakers=[hum,coarse]", "judge.quality=[fluency]")
SECONDS = len("one two three four five") * 0.03  # the prompt's; `tone` misses its hum by detune / seconds
TEXTS = {"fox": "the quick brown fox", "dog": "jumps over a lazy dog", "sun": "a cold sun rose late"}
APART = exp(-((70 / 40) ** 2))  # the cosine of a step of `coarse`
HUMS = {"ann": 140, "ben": 210, "cat": 280}  # as `coarse` hears 150, 220 and 300 Hz


def missing_by(*hertz: float) -> str:
    """An axis of engines that miss by so much: 2 and 12 Hz stay in the step of each voice, 81 Hz are in the next."""
    return f"engine.detune={','.join(str(round(one * SECONDS, 4)) for one in hertz)}"


@pytest.fixture
def judged(run):
    return lambda *more: run(*TWO, "prompt.seconds=0.7", *more)


def test_each_judge_has_columns_of_its_own_that_can_be_worked_out(judged):
    done = judged(missing_by(12, 81))
    assert done.code == 0
    near, far = (trial["id"] for trial in done.report["trials"])
    expected = {near: (exp(-((12 / 40) ** 2)), 1.0), far: (exp(-((81 / 40) ** 2)), APART)}
    for row in done.rows:
        text = TEXTS[row["probe"]]
        sim, coarse = expected[row["trial"]]
        assert row["scores"]["sim"] == pytest.approx(sim, abs=3e-3)
        assert row["scores"]["sim_coarse"] == pytest.approx(coarse, abs=1e-5)
        assert row["scores"]["fluency"] == pytest.approx(5 - 4 * text.count(" ") / len(text), abs=1e-6)
        assert row["missing"] == {}
    summary = done.report["trials"][0]["summary"]
    assert summary["fluency"]["value"] == pytest.approx(5 - 4 * (3 / 19 + 4 / 21 + 4 / 20) / 3, abs=1e-6)
    assert summary["fluency"]["n"] == 9
    assert [done.report["metrics"][name]["judge"] for name in ("sim", "sim_coarse", "fluency")] == [
        "hum", "coarse", "fluency"
    ]  # fmt: skip
    assert "embeddings (coarse): " in done.err
    assert "quality (fluency): 18/18, 0 cached, 0 failed" in done.err


def test_each_encoder_has_floors_ceilings_and_an_error_rate_of_its_own(judged):
    done = judged(missing_by(12, 81))
    for voice, hum in HUMS.items():
        ends = done.report["calibration"][voice]["speakers"]["coarse"]
        floor = sum(exp(-(((hum - other) / 40) ** 2)) for name, other in HUMS.items() if name != voice) / 2
        assert (ends["floor"], ends["ceiling"]) == (pytest.approx(floor, abs=1e-5), pytest.approx(1))
    assert {name: one["eer"] for name, one in done.report["encoders"].items()} == {"hum": 0, "coarse": 0}
    headings = next(line for line in done.out.splitlines() if line.startswith("voice"))
    assert headings.split() == ["voice", "hum", "floor", "ceiling", "coarse", "floor", "ceiling", "ASR", "WER"]


def test_a_winner_that_the_second_encoder_cannot_hear_is_contested(judged):
    """12 and 2 Hz are one step to `coarse`: it ties them, and has the far one last as `hum` has."""
    done = judged(missing_by(12, 2, 81), "engine.jitter=0.5", "seeds=[0,1,2,3]")
    base, near, far = (trial["id"] for trial in done.report["trials"])
    assert done.report["best"] == near
    (agreed,) = done.report["concordance"]
    assert agreed["encoder"] == "coarse"
    assert agreed["contested"] is True
    assert agreed["moved"] == [{"trial": base, "rank": 2, "other_rank": 1}]
    assert agreed["tau"] == pytest.approx(2 / 6**0.5, abs=1e-6)  # 2 of 3 pairs agree, the third is a tie of one side
    assert done.report["finding"].endswith(" Contested: coarse does not see that winner.")
    assert "coarse: Kendall's tau 0.816 with the primary encoder's ranks, 1 trials moved" in done.out
    assert far not in {one["trial"] for one in agreed["moved"]}


def test_a_winner_that_both_encoders_hear_is_not(judged):
    done = judged(missing_by(81, 2), "engine.jitter=5")
    (agreed,) = done.report["concordance"]
    assert (agreed["contested"], agreed["moved"], agreed["tau"]) == (False, [], 1)
    assert "Contested" not in done.report["finding"]


def scores_without(row, *names):
    return {name: value for name, value in row["scores"].items() if name not in {*names, "rtf", "memory_bytes"}}


def test_a_second_encoder_and_a_quality_model_that_fail_cost_their_own_columns_only(judged):
    whole = {(row["voice"], row["probe"]): row for row in judged().rows}
    done = judged("judge.encoders.coarse.crash_on=fox", "judge.qualities.fluency.crash_on=dog")
    assert done.code == 0
    gaps = {"fox": {"sim_coarse": "JudgementError: told to crash on 'fox'"},
            "dog": {"fluency": "JudgementError: told to crash on 'dog'"}, "sun": {}}  # fmt: skip
    for row in done.rows:
        assert row["state"] == "scored"
        assert row["error"] is None
        assert row["missing"] == gaps[row["probe"]]
        assert scores_without(row) == scores_without(whole[row["voice"], row["probe"]], *row["missing"])
        assert row["flags"] == whole[row["voice"], row["probe"]]["flags"]
    notes = [f"{metric} is missing in 3 rows: {reason}" for own in gaps.values() for metric, reason in own.items()]
    assert done.report["notes"] == notes
    assert all(note in done.err for note in notes)
    summary = done.report["trials"][0]["summary"]
    assert {name: summary[name]["n"] for name in ("sim", "sim_coarse", "fluency", "wer")} == {
        "sim": 9, "sim_coarse": 6, "fluency": 6, "wer": 9
    }  # fmt: skip
    assert done.report["trials"][0]["n_failed"] == 0


def test_a_second_encoder_that_hears_nothing_at_all_contests_nothing(judged):
    all_there_is = "judge.encoders.coarse.crash_on=' '"  # what is said in the clips has spaces too
    done = judged(missing_by(81, 2), "engine.jitter=5", all_there_is)
    assert done.code == 0
    assert done.report["best"] is not None
    assert {row["missing"].get("sim_coarse") for row in done.rows} == {"JudgementError: told to crash on ' '"}
    assert done.report["encoders"]["coarse"] is None
    assert done.report["concordance"] == [{"encoder": "coarse", "tau": None, "moved": [], "contested": None}]
    assert "Contested" not in done.report["finding"]


def test_a_primary_encoder_that_fails_on_one_utterance_costs_its_likeness_only(judged):
    done = judged("judge.encoders.hum.crash_on=fox", missing_by(81, 2), "engine.jitter=5")
    for row in done.rows:
        assert row["state"] == "scored"
        gap = {"sim", "sim_o", "sim_norm"} if row["probe"] == "fox" else set()
        assert row["missing"] == dict.fromkeys(gap, "JudgementError: told to crash on 'fox'")
        assert row["scores"].keys().isdisjoint(gap)
        assert {"wer", "sim_coarse", "fluency"} <= row["scores"].keys()
    pairs = {one["metric"]: one["n_pairs"] for one in done.report["comparisons"]}
    assert (pairs["sim"], pairs["sim_coarse"], pairs["wer"]) == (6, 9, 9)
    assert done.report["finding"].startswith("Best is engine.detune=1.38: SIM ")


def test_a_primary_encoder_that_always_fails_decides_nothing(judged):
    done = judged("judge.encoders.hum.crash_on=' '", missing_by(81, 2))
    assert done.code == 0
    assert {row["state"] for row in done.rows} == {"scored"}
    assert done.report["finding"] == "Nothing can be compared: no trial shares an utterance with SIM with the baseline."
    assert done.report["trials"][0]["summary"]["sim"] == {
        "value": None, "low": None, "high": None, "n": 0, "scope": "population"
    }  # fmt: skip


def test_a_transcriber_that_fails_on_one_utterance_costs_what_rests_on_words(judged):
    done = judged("judge.asr.crash_on=fox")
    needing = {metric.name for metric in metrics_of(["hum"], []) if metric.needs == "transcript"}
    assert {"wer", "cer", "bleed", "truncated_share"} < needing
    for row in done.rows:
        assert row["state"] == "scored"
        if row["probe"] == "fox":
            assert row["missing"] == dict.fromkeys(needing, "JudgementError: told to crash on 'fox'")
            assert (row["hypothesis"], row["edits"], row["flags"]) == (None, None, [])
        else:
            assert row["missing"] == {}
            assert row["hypothesis"] == TEXTS[row["probe"]]
        assert row["scores"]["sim"] > 0
    assert done.report["trials"][0]["summary"]["wer"] | {"low": None, "high": None} == {
        "value": 0, "low": None, "high": None, "n": 6, "scope": "population"
    }  # fmt: skip


def no_such_thing(evidence):
    if "fox" in evidence.reference:
        raise ZeroDivisionError("no such thing")
    return Score(0.5)


BROKEN = Metric("broken", "ratio", True, None, (0.0, 1.0), no_such_thing)


class WithBroken(Judges):
    """Judges with one more metric, as somebody might add one who forgot a case."""

    @property
    def metrics(self):
        return (*super().metrics, BROKEN)


def test_a_metric_that_raises_is_a_gap_and_never_ends_a_run(planned, executed):
    plan = planned("prompt.seconds=1,2")
    judges = WithBroken(**{name: getattr(plan.judges, name) for name in ("speakers", "asr", "quality", "normalizer")})
    plan = replace(plan, judges=judges, decision=Decision(plan.decision.baseline, primary="broken"))
    outcome = executed(plan)
    assert outcome.report.status == "complete"
    assert len(outcome.rows) == 18
    for row in outcome.rows:
        assert row.state == "scored"
        assert row.missing == ({"broken": "ZeroDivisionError: no such thing"} if row.probe == "fox" else {})
        assert row.scores.get("broken") == (None if row.probe == "fox" else 0.5)
        assert row.scores["wer"] == 0
    assert outcome.report.notes == ["broken is missing in 6 rows: ZeroDivisionError: no such thing"]
    assert [trial.summary["broken"].n for trial in outcome.report.trials] == [6, 6]
