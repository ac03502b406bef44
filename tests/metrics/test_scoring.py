"""What becomes of a metric that cannot be taken, and what each pools by."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from evalkit.metrics import Metric, Score, VoiceFacts, metrics_of
from evalkit.metrics.scoring import Scores, edits, metric_records, scores
from evalkit.row import EditsRecord
from tests.metrics.samples import QUALITY, evidence, likeness, prompts

METRICS = metrics_of(["campplus", "ge2e"], QUALITY)
UNIT = np.array([1.0, 0.0], np.float32)


def everything(**changes):
    """Evidence of which no part is absent; 6 words, 22 characters, 7 intended, 5 heard, 4 seconds."""
    given = {
        "likeness": {"campplus": likeness(floor=0.2, ceiling=0.8, spread=0.1), "ge2e": likeness()},
        "prompt_words": frozenset(["bat"]),
        "other_prompts": prompts("the bat", "a cat"),
        "intended": "the cat sat on the old mat",
        "quality": {"dnsmos_ovrl": 3.2},
        "voice": VoiceFacts(2.5, 100.0),
        "first_audio_seconds": 0.3,
        "memory_bytes": 2e9,
        "device_memory_bytes": 1e9,
    }
    return evidence("the cat sat on the mat", "the bat sat on mat", **{**given, **changes})


WEIGHTS = {
    "utterances": 1.0,
    "reference words": 6,
    "intended words": 7,
    "reference characters": 22,
    "words heard": 5,
    "audio seconds": 4.0,
}


def test_what_a_metric_pools_by_is_the_weight_it_gives():
    found = scores(everything(), METRICS)
    assert found.missing == {}
    assert found.values.keys() == {metric.name for metric in METRICS}
    told = {metric.name: WEIGHTS[metric.pooled_by] for metric in METRICS}
    assert {name: found.weights.get(name, 1.0) for name in found.values} == told


def raises(evidence):
    raise ValueError("no such thing")


def test_a_metric_that_raises_is_missing_and_costs_no_other():
    broken = Metric("broken", "ratio", None, None, (0.0, 1.0), raises)
    plain = Metric("plain", "ratio", None, None, (0.0, 1.0), lambda evidence: Score(0.5, 2.0))
    nowhere = Metric("nowhere", "ratio", None, None, (0.0, 1.0), lambda evidence: None)
    found = scores(everything(), [plain, broken, nowhere])
    assert found == Scores({"plain": 0.5}, {"plain": 2.0}, {"broken": "ValueError: no such thing"})


def test_what_would_end_a_run_still_ends_it():
    def interrupted(evidence):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scores(everything(), [Metric("broken", "ratio", None, None, (0.0, 1.0), interrupted)])


def test_scores_are_a_value():
    with pytest.raises(FrozenInstanceError):
        scores(everything(), METRICS).values = {}


NEEDING = {
    "transcript": {
        "wer", "cer", "wer_utt_mean", "p_wer_50", "spoken_wer", "bleed", "bleed_control", "truncated_share",
        "runaway_share", "wrong_language_share", "bleed_share", "words_per_second", "rate_error",
    },
    "acoustics": {"silent_share", "clipped_share", "f0_median", "f0_range", "f0_median_error"},
    "campplus": {"sim", "sim_o", "sim_norm"},
    "ge2e": {"sim_ge2e"},
    "dnsmos": {"dnsmos_ovrl"},
}  # fmt: skip


@pytest.mark.parametrize("need", NEEDING)
def test_metrics_that_need_what_is_absent_are_missing_for_its_reason(need):
    reason = "JudgementError: it heard nothing"
    whole = scores(everything(), METRICS)
    found = scores(everything(absent={need: reason}), METRICS)
    assert found.missing == dict.fromkeys(NEEDING[need], reason)
    assert found.values == {name: value for name, value in whole.values.items() if name not in NEEDING[need]}


def test_no_metric_is_asked_for_what_is_absent():
    metric = Metric("broken", "ratio", None, "ear", (0.0, 1.0), raises, needs="ear")
    assert scores(everything(absent={"ear": "deaf"}), [metric]).missing == {"broken": "deaf"}


def test_another_encoder_does_not_stand_in_for_the_first():
    other = likeness(np.array([0.0, 1.0], np.float32), [UNIT])
    found = scores(everything(likeness={"ge2e": other}, absent={"campplus": "deaf"}), METRICS)
    assert found.values["sim_ge2e"] == 0.0
    assert not {"sim", "sim_o", "sim_norm"} & found.values.keys()


def test_edits_are_those_behind_wer():
    assert edits(everything()) == EditsRecord(hits=4, substitutions=1, deletions=1, insertions=0)


def test_records_name_the_transcriber():
    records = metric_records(METRICS, "whisper")
    assert list(records) == ["failed", *(metric.name for metric in METRICS)]
    assert (records["wer"].unit, records["wer"].higher_is_better, records["wer"].judge) == ("ratio", False, "whisper")
    assert records["sim"].judge == "campplus"
    assert records["rtf"].judge is None
