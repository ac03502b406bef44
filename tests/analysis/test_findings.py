"""The closing sentence, from comparisons written by hand."""

from dataclasses import replace

import pytest

from evalkit.analysis.findings import Question, ahead_of_baseline, find, leader, replaced
from evalkit.record import Comparison, Summary, TrialSummary

SCOPE = "95 % intervals for new voices and texts (population)."
SIM = Question("a", "sim", higher_is_better=True, guards={"wer": False}, varying=["prompt.seconds", "prompt.trim"])
WER = Question("a", "wer", higher_is_better=False, guards={"sim": True}, varying=["prompt.seconds", "prompt.trim"])


def trial(id, seconds, trim=False, sim=0.5, failed=0, **more):
    settings = {"prompt.seconds": seconds, "prompt.trim": trim, "prompt.cut": "word"}
    return TrialSummary(id, "kokoro", settings, 16, failed, {"sim": Summary(sim, None, None)}, **more)


def against_a(id, difference, low, high, metric="sim"):
    return Comparison(id, "a", metric, difference, low, high, 0.5, 16)


A, B, C = trial("a", 3.0), trial("b", 8.0, sim=0.6), trial("c", None, trim=True, sim=0.61, failed=2)


@pytest.mark.parametrize(
    ("comparisons", "rivals", "sentence"),
    [
        (
            [against_a("b", 0.1, 0.05, 0.15), against_a("c", 0.0, -0.1, 0.1), against_a("b", 0.0, -0.01, 0.01, "wer")],
            [],
            "Best is prompt.seconds=8: SIM 0.600, +0.100 [+0.050, +0.150] over prompt.seconds=3 (16 pairs); "
            "in WER no difference can be told, +0.000 [-0.010, +0.010]; " + SCOPE,
        ),
        (
            [against_a("b", 0.1, 0.05, 0.15), against_a("c", 0.11, 0.01, 0.2), against_a("c", 0.2, 0.1, 0.3, "wer")],
            ["b"],
            "Among the best is prompt.seconds=null, prompt.trim=true: SIM 0.610, +0.110 [+0.010, +0.200] over "
            "prompt.seconds=3, prompt.trim=false (16 pairs); not to be told from it: "
            "prompt.seconds=8, prompt.trim=false; "
            "but its WER is worse, +0.200 [+0.100, +0.300]; 2 of its 16 utterances failed; " + SCOPE,
        ),
        (
            [against_a("b", 0.1, -0.05, 0.25), against_a("c", -0.3, -0.4, -0.2)],
            [],
            "No trial can be told to be better in SIM than the baseline: the largest difference is "
            "+0.100 [-0.050, +0.250] for prompt.seconds=8 over prompt.seconds=3; "
            "prompt.seconds=null, prompt.trim=true is worse than it, -0.300 [-0.400, -0.200]; " + SCOPE,
        ),
        (
            [against_a("b", 0.0, None, None), against_a("c", 0.0, None, None)],
            [],
            "No difference at all: every pair of utterances has the same SIM in all 3 trials.",
        ),
        ([], [], "Nothing can be compared: no trial shares an utterance with SIM with the baseline."),
    ],
)
def test_the_sentence(comparisons, rivals, sentence):
    assert find([A, B, C], comparisons, rivals, SIM) == sentence


def test_one_trial_is_no_comparison():
    assert find([A], [], [], SIM) == "One trial, nothing to compare: SIM 0.500."


def test_the_leader_is_told_to_be_ahead():
    assert leader([A, B, C], [against_a("b", 0.1, 0.01, 0.2), against_a("c", 0.3, -0.1, 0.7)], SIM) == "b"
    assert leader([A, B, C], [against_a("c", 0.3, None, None)], SIM) is None


BARRED = "16 of its 16 utterances failed or are flagged (runaway 16), 0 of the baseline's 16"
RUNAWAY = trial("b", 8.0, sim=0.9, n_flagged=16, flags={"runaway": 16}, barred=BARRED)


def test_a_trial_that_goes_wrong_is_not_called_best_however_far_ahead():
    ahead = against_a("b", 0.4, 0.3, 0.5)
    assert leader([A, RUNAWAY, C], [ahead], SIM) is None
    assert find([A, RUNAWAY, C], [ahead], [], SIM) == (
        "No trial is called best in SIM: prompt.seconds=8 is ahead, +0.400 [+0.300, +0.500], but 16 of its 16 "
        "utterances failed or are flagged (runaway 16), 0 of the baseline's 16; " + SCOPE
    )
    second = against_a("c", 0.11, 0.01, 0.2)
    assert leader([A, RUNAWAY, C], [ahead, second], SIM) == "c"
    assert [one.trial for one in ahead_of_baseline([A, RUNAWAY, C], [ahead, second], SIM)] == ["c"]
    sentence = find([A, RUNAWAY, C], [ahead, second], [], SIM)
    assert sentence.startswith("Best is prompt.seconds=null, prompt.trim=true: SIM 0.610, +0.110")
    assert sentence.endswith(f"; prompt.seconds=8 is ahead, +0.400 [+0.300, +0.500], but {BARRED}; {SCOPE}")


def test_flags_of_the_winner_are_said():
    flagged = trial("b", 8.0, sim=0.6, failed=1, n_flagged=3, flags={"runaway": 2, "silent": 1})
    assert find([A, flagged], [against_a("b", 0.1, 0.05, 0.15)], [], SIM).endswith(
        "; 1 of its 16 utterances failed; 3 of its 16 are flagged (runaway 2, silent 1); " + SCOPE
    )


def test_voices_whose_clips_engines_may_have_heard_take_no_part():
    partly, wholly = replace(SIM, left_out=["dora"]), replace(SIM, left_out=["ann", "dora"])
    assert find([A, B], [against_a("b", 0.1, 0.05, 0.15)], [], partly).endswith(
        "; without dora, whose SIM is against clips that engines may have heard; " + SCOPE
    )
    assert find([A, B], [], [], wholly) == (
        "Nothing can be compared: SIM is against clips that engines may have heard, since no clip is held out of "
        "ann, dora, and who copies them would win; keep clips aside (a folder held_out/)."
    )


def test_where_less_is_better_the_leader_has_less_and_its_guard_more():
    comparisons = [
        against_a("b", -0.1, -0.15, -0.05, "wer"),
        against_a("c", 0.2, 0.1, 0.3, "wer"),
        against_a("b", -0.3, -0.4, -0.2, "sim"),
    ]
    assert leader([A, B, C], comparisons, WER) == "b"
    sentence = find([A, B, C], comparisons, [], WER)
    assert sentence.startswith(
        "Best is prompt.seconds=8: WER not scored, -0.100 [-0.150, -0.050] over prompt.seconds=3"
    )
    assert sentence.endswith(f"but its SIM is worse, -0.300 [-0.400, -0.200]; {SCOPE}")


def test_a_baseline_without_a_score_is_replaced_by_name():
    assert replaced(trial("a", 3.0, failed=16), B, SIM.varying) == (
        "the baseline prompt.seconds=3 has no scored utterance (16 failed, 0 not run), so nothing is compared with it: "
        "prompt.seconds=8 does instead"
    )
    assert replaced(trial("a", 3.0, failed=16), None, SIM.varying).endswith("nothing can take its place")


def test_a_sentence_says_floor_and_ceiling_and_what_failures_could_change():
    told = replace(against_a("b", 0.1, 0.05, 0.15), worst=(-0.02, 0.14), scope="panel")
    question = replace(SIM, ends=(0.2, 0.86))
    assert find([A, B], [told], [], question) == (
        "Best is prompt.seconds=8: SIM 0.600 (floor 0.200, ceiling 0.860), +0.100 [+0.050, +0.150] over "
        "prompt.seconds=3 (16 pairs); the two did not fail alike: with what failed at its worst, -0.020 to +0.140; "
        "its WER cannot be compared; 95 % intervals for just these voices and texts (panel): one voice or one text "
        "says nothing of others."
    )


def test_a_guard_that_is_the_same_in_every_pair_is_said_to_be():
    same = against_a("b", 0.0, None, None, "wer")
    assert "; its WER is the same in every pair; " in find([A, B], [against_a("b", 0.1, 0.05, 0.15), same], [], SIM)
