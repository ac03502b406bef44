"""What a report says is to be shipped, from reports and rows written by hand: each rule, and each refusal."""

from dataclasses import replace

import pytest

from evalkit.analysis.margins import Ratio
from evalkit.analysis.objections import harm_of
from evalkit.analysis.shipping import Refusal, decide
from evalkit.errors import DataError
from evalkit.presets import Evidence, Preset
from evalkit.record import Comparison, Concordance, MetricRecord, Provenance, Report, Summary, TrialSummary
from evalkit.row import Row

SHIPPED = Preset("nearest", {"top_k": 1, "speed": 1.0})
MARGINS = {"sim": 0.02, "wer": 0.01, "failed": 0.01, "p_wer_50": 0.02, "bleed_share": 0.02, "rtf": Ratio(1.2)}
METRICS = {
    "failed": MetricRecord("share", False, None, counts=True),
    "sim": MetricRecord("cosine", True, "ecapa", compares_with="references"),
    "sim_other": MetricRecord("cosine", True, "other", compares_with="references"),
    "wer": MetricRecord("ratio", False, "whisper", counts=True),
    "p_wer_50": MetricRecord("share", False, "whisper"),
    "bleed_share": MetricRecord("share", False, None),
    "rtf": MetricRecord("ratio", False, None),
    "audio_seconds": MetricRecord("s", None, None),
}
GIVEN, LOOP = {"prompt.seconds": 8.0, "prompt.text": "given"}, {"prompt.seconds": 8.0, "prompt.text": "closed_loop"}
WEIGHTS = {"model.bin": "a" * 64}


def trial(id, top_k, sim, *, speed=1.0, engine="kokoro", version="1", barred=None, prompt=GIVEN, more=()):
    settings = {**prompt, "engine.top_k": top_k, "engine.speed": speed, **dict(more)}
    values = {"sim": sim, "wer": 0.05, "failed": 0.0, "p_wer_50": 0.0, "bleed_share": 0.0, "rtf": 0.5}
    summary = {name: Summary(value, None, None, 16) for name, value in values.items()}
    return TrialSummary(id, engine, settings, 16, 0, summary, version=version, barred=barred)


def told(id, difference, low, high, metric="sim", baseline="a", scope="population"):
    return Comparison(id, baseline, metric, difference, low, high, 0.01, 16, scope)


def provenance(**more):
    judges = {"speakers": [{"judge": "ecapa"}]}
    given = {"commit": "c" * 40, "dirty": False, "engines": {"kokoro": {"weights": WEIGHTS}}, "judges": judges, **more}
    return Provenance(
        "python -m evalkit run +sweep=x", python="3.12", platform="", device="", packages={}, seeds=[0], **given
    )


A, B, C = trial("a", 1, 0.40), trial("b", 3, 0.50), trial("c", 5, 0.60)
AHEAD = [told("b", 0.1, 0.05, 0.15), told("c", 0.2, 0.1, 0.3)]
HOLDS = [told(id, 0.0, None, None, metric) for id in "bc" for metric in ("wer", "failed", "p_wer_50", "bleed_share")]


def report(trials=(A, B, C), comparisons=(*AHEAD, *HOLDS), **more):
    given = {"status": "complete", "provenance": provenance(), "baseline": "a", "varying": ["engine.top_k"], **more}
    return Report("run", "plan", "x", "?", "2026-11-25T00:00:00Z", config={}, metrics=METRICS,
                  trials=list(trials), comparisons=list(comparisons), **given)  # fmt: skip


def no_rows():
    return None


def decided(one, rows=no_rows, shipped=SHIPPED, margins=MARGINS, engine="kokoro"):
    return decide(one, rows, engine, shipped, margins)


def worse(id, difference, low, high, metric="wer"):
    """The comparisons, one guard of a trial among them replaced."""
    return [
        *AHEAD,
        *(one for one in HOLDS if (one.trial, one.metric) != (id, metric)),
        told(id, difference, low, high, metric),
    ]


def test_the_best_that_is_told_ahead_is_shipped():
    found = decided(report())
    assert (found.values, found.replaced) == ({"top_k": 5, "speed": 1.0}, {"top_k": 1, "speed": 1.0})
    assert (found.winner.gain, found.objections, found.passed_over) == (AHEAD[1], (), ())
    assert list(found.winner.guards) == ["wer", "failed", "bleed_share", "p_wer_50"]
    assert found.prompt == {"prompt.seconds": 8.0}  # not the usual one; prompt.text is
    assert found.other == {}


@pytest.mark.parametrize(
    ("comparisons", "winner", "passed"),
    [
        (worse("c", 0.01, -0.1, 0.12), "c", None),  # at the margin
        (worse("c", 0.03, 0.02, 0.04), "b", "its wer is worse by more than 0.01: +0.030 [+0.020, +0.040]"),
        (worse("c", 0.03, -0.1, 0.16), "b", "its wer is worse by more than 0.01, though that is not told"),
        (worse("c", 0.03, None, None), "b", "though that is not told: +0.030 [no interval"),
        (worse("c", 0.03, None, None, "failed"), "b", "its failed is worse by more than 0.01"),
        (worse("c", 0.03, None, None, "bleed_share"), "b", "its bleed_share is worse by more than 0.02"),
        (worse("c", 0.03, None, None, "p_wer_50"), "b", "its p_wer_50 is worse by more than 0.02"),
        ([*AHEAD, *HOLDS, told("c", 0.1, None, None, "rtf")], "c", None),  # a fifth of 0.5
        ([*AHEAD, *HOLDS, told("c", 0.2, 0.1, 0.3, "rtf")], "b", "its rtf is worse by more than 0.1: +0.200"),
        ([*AHEAD, *HOLDS, told("c", -0.5, -0.6, -0.4, "wer")], "c", None),
        ([AHEAD[0], told("c", 0.2, -0.1, 0.5), *HOLDS], "b", "no gain in sim over what is shipped is told: +0.200"),
        ([AHEAD[0], told("c", 0.2, None, None), *HOLDS], "b", "no gain in sim over what is shipped is told"),
        ([AHEAD[0], told("c", 0.2, 0.1, 0.3, scope="panel"), *HOLDS], "b", "holds for just these voices and texts"),
        (
            [one for one in (*AHEAD, *HOLDS) if (one.trial, one.metric) != ("c", "wer")],
            "b",
            "its wer cannot be compared",
        ),
    ],
)
def test_guards_and_gain_decide_and_the_next_is_tried(comparisons, winner, passed):
    found = decided(report(comparisons=comparisons))
    assert (found.winner.trial.id, found.objections) == (winner, ())
    if passed is None:
        assert found.passed_over == ()
    else:
        (one,) = found.passed_over
        assert one.startswith("engine.top_k=5: ")
        assert passed in one


BAR = "9 of its 16 utterances failed"
SPEAKERS = {"speakers": [{}, {}]}
SECOND = [Concordance("other", 1.0, [], contested=False)]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"provenance": provenance(dirty=True)}, "with changes that are in no commit"),
        ({"provenance": provenance(dirty=None, commit=None)}, "made by code of no checkout"),
        ({"trials": [A, trial("b", 3, 0.5, barred=BAR)]}, f"it is barred: {BAR}"),
        ({"trials": [trial("a", 1, 0.4, version="1+cut"), trial("b", 3, 0.5, version="1+cut")]}, "on purpose: cut"),
        ({"trials": [trial("a", 1, 0.4, prompt=LOOP), trial("b", 3, 0.5, prompt=LOOP)]}, "by the encoder that scored"),
        ({"comparisons": [told("b", 0.1, 0.05, 0.15, scope="panel"), *HOLDS]}, "just these voices and texts"),
        ({"comparisons": [told("b", 0.1, -0.05, 0.25), *HOLDS]}, "is told: +0.100 [-0.050, +0.250], 16 pairs"),
        ({"concordance": SECOND, "comparisons": [AHEAD[0], *HOLDS, told("b", 0.0, -0.1, 0.1, "sim_other")]},
         "is contested: other does not see it"),
        ({"comparisons": [told("b", 0.1, 0.05, 0.15), told("b", 0.2, 0.1, 0.3, "wer")]}, "its wer is worse"),
    ],
)  # fmt: skip
def test_what_speaks_against_the_only_candidate_is_said_and_it_stays_the_one_to_force(changed, why):
    found = decided(report(**{"trials": [A, B], **changed}))
    assert found.winner.trial.id == "b"
    assert [one for one in found.objections if why in one]


@pytest.mark.parametrize(
    "changed",
    [
        {"trials": [trial("a", 1, 0.4, version="1+0a1b2c3d"), trial("b", 3, 0.5, version="1+0a1b2c3d")]},
        {"trials": [trial("a", 1, 0.4, prompt=LOOP), trial("b", 3, 0.5, prompt=LOOP)],
         "provenance": provenance(judges=SPEAKERS)},
        {"concordance": SECOND, "comparisons": [AHEAD[0], *HOLDS, told("b", 0.1, 0.01, 0.2, "sim_other")]},
        {"concordance": SECOND},  # the other encoder has no score of it
        {"comparisons": [told("b", 0.1, 0.05, 0.15), told("b", 0.0, None, None, "wer"),
                         *(told("b", 0.0, None, None, name) for name in ("failed", "p_wer_50", "bleed_share"))]},
    ],
)  # fmt: skip
def test_what_does_not_speak_against_it(changed):
    assert decided(report(**{"trials": [A, B], **changed})).objections == ()


def evidence(**more):
    texts = "report report_sha256 commit run_id sweep created shipped trial baseline engine_sha256 judges_sha256 metric"
    numbers = {"n_pairs": 1, "difference": 0.1, "low": 0.0, "high": 0.2, "scope": "population"}
    return Evidence(**dict.fromkeys(texts.split(), "x"), **numbers, guards={}, replaced={}, prompt={}, **more)


def test_other_weights_than_the_shipped_presets_evidence_has_are_an_objection():
    weights = decided(report()).weights
    same, other = (replace(SHIPPED, evidence=evidence(weights_sha256=one)) for one in (weights, "f" * 64))
    assert decided(report(), shipped=same).objections == ()
    (objection,) = decided(report(), shipped=other).objections
    assert objection == (
        f"the engine spoke with other weights (digest {weights[:12]}) than those for which preset nearest was shipped "
        "(ffffffffffff)"
    )


def test_of_several_with_objections_the_first_that_is_told_ahead_stands_for_all_and_the_others_are_named():
    comparisons = [told("b", 0.1, 0.05, 0.15, scope="panel"), told("c", 0.2, -0.1, 0.5), *HOLDS]
    found = decided(report(comparisons=comparisons))
    assert found.winner.trial.id == "b"
    assert ["top_k=5: no gain in sim" in one for one in found.passed_over] == [True]
    nobody = [told("b", 0.1, -0.05, 0.25), told("c", 0.05, -0.1, 0.2), *HOLDS]
    found = decided(report(comparisons=nobody))
    assert found.objections == ("no gain in sim over what is shipped is told: +0.100 [-0.050, +0.250], 16 pairs",)


@pytest.mark.parametrize(
    ("changed", "shipped", "why"),
    [
        ({"status": "interrupted"}, SHIPPED, "the report is interrupted, so that it lacks utterances"),
        ({"status": "failed"}, SHIPPED, "the report is failed"),
        ({"trials": [trial("a", 1, 0.7), B, C]}, SHIPPED, "nothing to ship: the trial that is best in sim has"),
        ({"trials": [A]}, SHIPPED, "nothing to ship"),
        ({}, Preset("nearest", {"top_k": 2, "speed": 1.0}), "no trial has the values that are shipped today"),
        ({}, Preset("nearest", {"top_k": True, "speed": 1.0}), "(engine.top_k=true, engine.speed=1)"),
        ({}, Preset("nearest", {"bank": 6, "top_k": 1}), "does not say with which engine.bank its trials spoke"),
        ({"trials": [A, trial("b", 3, 0.5, prompt={**GIVEN, "prompt.seconds": 3.0})]}, SHIPPED, "cannot be compared"),
        ({"trials": [A, trial("b", 3, 0.5, version="2")]}, SHIPPED, "cannot be compared with what is shipped"),
        ({"baseline": "b"}, SHIPPED, "there are no rows beside it to compare anew"),
        ({"comparisons": HOLDS}, SHIPPED, "shares no scored utterance with engine.top_k=1"),
        ({"trials": [replace(one, summary={}) for one in (A, B)]}, SHIPPED, "no trial has a value of sim"),
    ],
)  # fmt: skip
def test_what_nothing_can_force(changed, shipped, why):
    found = decided(report(**changed), shipped=shipped)
    assert isinstance(found, Refusal)
    assert why in found.why


def test_a_value_that_lost_digits_in_the_report_is_the_same_value():
    assert decided(report(), shipped=Preset("nearest", {"top_k": 1, "speed": 1.00000004})).objections == ()


@pytest.mark.parametrize(
    ("changed", "margins", "why"),
    [
        ({"guards": ["rtf", "wer"]}, {"sim": 0.02, "rtf": 0.1}, "there is no margin for wer, a guard of the report"),
        ({"primary": "mos"}, MARGINS, "decides by mos, of which its report does not say what is better"),
        ({"primary": "audio_seconds"}, MARGINS, "decides by audio_seconds"),
        ({"guards": ["mos"]}, {**MARGINS, "mos": 0.1}, "decides by mos"),
    ],
)
def test_reports_and_margins_that_do_not_fit(changed, margins, why):
    with pytest.raises(DataError, match=why):
        decided(report(**changed), margins=margins)


def row(id, voice, probe, sim, wer=0.0, state="scored"):
    scores = {} if state != "scored" else {"sim": sim, "wer": wer, "bleed_share": 0.0, "p_wer_50": 0.0}
    return Row(id, "kokoro", {}, f"v{voice}", f"p{probe}", 0, "en", "text", state, scores=scores)


def rows(**sims):
    return lambda: [
        row(id, voice, probe, sim + (voice * 7 + probe * 3 + at) % 5 / 100)
        for at, (id, sim) in enumerate(sims.items())
        for voice in range(4)
        for probe in range(4)
    ]


def test_a_report_with_another_baseline_is_compared_anew_from_its_rows():
    one = report(trials=[A, B], comparisons=[], baseline="b", guards=[])
    found = decided(one, rows(a=0.4, b=0.5))
    assert found.winner.gain.baseline == "a"
    assert found.winner.gain.difference == pytest.approx(0.1, abs=0.03)
    assert (found.winner.gain.n_pairs, found.objections) == (16, ())
    (objection,) = decided(one, rows(a=0.5, b=0.5)).objections
    assert "no gain in sim" in objection


def test_rows_of_another_run_are_refused_by_name():
    with pytest.raises(DataError, match="the report has no trial z"):
        decided(report(trials=[A, B], baseline="b"), rows(a=0.4, b=0.5, z=0.1))


def test_what_is_shipped_but_was_never_scored_compares_with_nothing():
    def dead():
        return [
            *rows(b=0.5)(),
            *(row("a", voice, probe, 0, state="failed") for voice in range(4) for probe in range(4)),
        ]

    found = decided(report(trials=[A, B], comparisons=[], baseline="b"), dead)
    assert "shares no scored utterance" in found.why


LONG = {"prompt.seconds": 20.0, "prompt.text": "given"}


def test_a_winner_with_other_prompts_is_compared_with_what_is_shipped_at_the_same_prompts():
    trials = [A, trial("b", 1, 0.45, prompt=LONG), trial("c", 3, 0.55, prompt=LONG)]
    one = report(trials=trials, comparisons=[], guards=[], varying=["prompt.seconds", "engine.top_k"])
    found = decided(one, rows(a=0.4, b=0.45, c=0.55))
    assert (found.winner.trial.id, found.winner.gain.baseline) == ("c", "b")
    assert found.prompt == {"prompt.seconds": 20.0}
    best = decided(replace(one, trials=[A, replace(trials[1], summary=C.summary), trials[2]]))
    assert best.why.endswith("has the values that are shipped already (at prompt.seconds=20, which no preset can have)")


def test_a_setting_of_the_engine_that_no_preset_has_must_be_the_same_and_is_told():
    more = {"engine.dtype": "float32"}
    trials = [
        A,
        trial("b", 1, 0.45, more=more),
        trial("c", 3, 0.55, more=more),
        trial("d", 5, 0.6, more={"engine.dtype": "x"}),
    ]
    one = report(trials=trials, comparisons=[], guards=[], varying=["engine.dtype", "engine.top_k"])
    found = decided(one, rows(a=0.4, b=0.45, c=0.55, d=0.6))
    assert (found.winner.trial.id, found.winner.gain.baseline, found.other) == ("c", "b", more)
    assert [one.startswith("engine.dtype=x, engine.top_k=5 cannot be compared") for one in found.passed_over] == [True]


def test_another_engine_of_the_report_takes_no_part():
    other = trial("z", 9, 0.9, engine="f5_tts")
    assert decided(report(trials=[A, B, C, other])).winner.trial.id == "c"


def test_less_can_be_better():
    def by_wer(id, top_k, wer):
        return replace(trial(id, top_k, 0.5), summary={"wer": Summary(wer), "sim": Summary(0.5)})

    one = report(trials=[by_wer("a", 1, 0.3), by_wer("b", 3, 0.1)], primary="wer", guards=["sim"],
                 comparisons=[told("b", -0.2, -0.3, -0.1, "wer"), told("b", -0.03, -0.04, -0.025)])  # fmt: skip
    (objection,) = decided(one).objections
    assert objection == "its sim is worse by more than 0.02: -0.030 [-0.040, -0.025]"
    assert decided(one, margins={**MARGINS, "sim": Ratio(1.1)}).objections == ()


@pytest.mark.parametrize(
    ("version", "harm"),
    [("1", None), (None, None), ("1+0a1b2c3d", None), ("1+cut", "cut"), ("1+0a1b2c3d+half_band", "half_band")],
)
def test_harm_is_told_by_the_version(version, harm):
    assert harm_of(version) == harm


def test_weights_of_an_engine_that_has_several_are_those_of_the_trial():
    engines = {"kokoro": {"weights": 1}, "kokoro in c": {"weights": 2}, "kokoro_2": {"weights": 3}}
    assert decided(report(provenance=provenance(engines=engines))).identity == {"weights": 2}
    assert decided(report(trials=[A, B], provenance=provenance(engines=engines))).identity == {}
