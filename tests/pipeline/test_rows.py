"""Rows of the fakes: every number can be worked out by hand, and every failure says why."""

from types import SimpleNamespace

import jsonschema
import numpy as np
import pytest
import soundfile
import yaml

from evalkit.pipeline.artefacts import BuiltPrompt
from evalkit.pipeline.prompting import notes_on
from evalkit.prompt import Ending
from evalkit.prompts import PromptSettings
from evalkit.reports.files import json_schema
from tests.conftest import make_voice, rows_of


def test_the_scores_are_those_worked_out_by_hand(run):
    """`tone` misses the hum by 30 Hz / prompt seconds; `hum` gives that the cosine exp(-(miss / 40 Hz)^2)."""
    done = run("prompt.seconds=0.7", "engine.drop_every=3")
    assert done.code == 0
    seconds = len("one two three four five") * 0.03
    assert len(done.rows) == 9
    for row in done.rows:
        assert row["prompt"]["seconds"] == pytest.approx(seconds)
        assert row["scores"]["sim"] == pytest.approx(np.exp(-((30 / seconds / 40) ** 2)), abs=2e-3)
    wers = {row["probe"]: row["scores"]["wer"] for row in done.rows}
    assert wers == {"fox": 1 / 4, "dog": 1 / 5, "sun": 1 / 5}
    summary = done.report["trials"][0]["summary"]
    assert summary["wer"]["value"] == pytest.approx(3 / 14, abs=1e-6)  # pooled: 3 of 4 + 5 + 5 words, each voice alike
    assert summary["wer_utt_mean"]["value"] == pytest.approx((1 / 4 + 1 / 5 + 1 / 5) / 3, abs=1e-6)


def test_report_and_rows_validate_and_name_what_they_rest_on(run):
    done = run("prompt.seconds=1,2")
    report = done.report
    jsonschema.validate(report, json_schema("report"))
    for row in done.rows:
        jsonschema.validate(row, json_schema("row"))
    assert report["status"] == "complete"
    assert report["provenance"]["command"].startswith("python -m evalkit run prompt.seconds=1,2 engine=tone")
    assert report["provenance"]["judges"]["speakers"][0]["judge"] == "hum"
    assert report["metrics"]["sim"] == {
        "unit": "cosine", "higher_is_better": True, "judge": "hum", "bounds": [-1.0, 1.0], "pooled_by": "utterances",
        "compares_with": "references", "repeatability": 0.035, "counts": False
    }  # fmt: skip
    assert report["metrics"]["wer"]["bounds"] == [0.0, None]
    assert report["metrics"]["wer"]["pooled_by"] == "reference words"
    assert (report["primary"], report["guards"]) == ("sim", ["wer"])
    assert report["comparisons"][0]["n_pairs"] == 9


def in_strata(path, **strata):
    """Writes the three probes anew, with strata."""
    content = yaml.safe_load(path.read_text())
    content["probes"] = [{**entry, "stratum": strata.get(entry["id"])} for entry in content["probes"]]
    path.write_text(yaml.safe_dump(content))


def test_every_row_has_its_probes_stratum(run, probes):
    in_strata(probes, fox="short", dog="animals")
    done = run("engine.crash_on=fox")
    assert {(row["probe"], row["stratum"], row["state"]) for row in done.rows} == {
        ("fox", "short", "failed"), ("dog", "animals", "scored"), ("sun", None, "scored")
    }  # fmt: skip
    for row in done.rows:
        jsonschema.validate(row, json_schema("row"))


def test_rows_of_an_earlier_attempt_get_the_strata_of_today(planned, executed, probes, tmp_path):
    executed(planned())
    in_strata(probes, fox="short")
    rows = executed(planned()).rows
    assert {(row.probe, row.stratum) for row in rows} == {("fox", "short"), ("dog", None), ("sun", None)}
    assert [row["stratum"] for row in rows_of(tmp_path / "run")] == [row.stratum for row in rows]


def test_strata_choose_what_is_run(run, probes):
    in_strata(probes, fox="short", dog="animals", sun="short")
    assert {row["probe"] for row in run("probes.strata=short").rows} == {"fox", "sun"}
    assert {row["probe"] for row in run("probes.strata=[short,animals]", "probes.ids=[dog,sun]").rows} == {"dog", "sun"}
    refused = run("probes.strata=[shrot]")
    assert (refused.code, len(refused.err.splitlines())) == (2, 1)
    assert "probe set 'tiny' has no stratum 'shrot'; it has: short, animals" in refused.err


FAILURES = {
    "crash_on": "told to crash on 'fox'",
    "silent_on": "the engine gave silence (peak 0)",
    "empty_on": "the engine gave no samples",
    "nan_on": "the engine gave samples that are not numbers (NaN or infinite)",
}


@pytest.mark.parametrize("knob", FAILURES)
def test_a_failed_synthesis_is_a_row_with_its_reason(run, knob):
    done = run(f"engine.{knob}=fox")
    assert done.code == 0
    failed = [row for row in done.rows if row["error"]]
    assert [(row["probe"], row["state"]) for row in failed] == [("fox", "failed")] * 3
    assert [row["error"] for row in failed] == [{"type": "SynthesisError", "message": FAILURES[knob]}] * 3
    assert all(row["scores"] == {} and row["edits"] is None for row in failed)
    trial = done.report["trials"][0]
    assert (trial["n"], trial["n_failed"]) == (9, 3)
    assert trial["summary"]["wer"]["value"] == 0  # of the six that were scored; the failed are no zeros


def test_one_bad_voice_fails_and_the_others_go_on(run, voices):
    rate = 16_000
    soundfile.write(voices / "ben/clip0.wav", np.zeros(rate), rate)
    manifest = yaml.safe_load((voices / "cat/voice.yaml").read_text())
    del manifest["clips"][1]["text"]
    (voices / "cat/voice.yaml").write_text(yaml.safe_dump(manifest))
    done = run()
    assert done.code == 0
    reasons = {row["voice"]: row["error"] and row["error"]["message"] for row in done.rows}
    assert reasons["ann"] is None
    assert "clip0.wav is silent" in reasons["ben"]
    assert reasons["cat"] is None  # its words were heard instead
    sources = {row["voice"]: row["prompt"]["text_source"] for row in done.rows if row["prompt"]}
    assert sources == {"ann": "user", "cat": "asr"}
    assert "clip0.wav is silent" in done.err


def test_a_bad_held_out_clip_costs_its_voice_what_is_compared_with_it(run, voices):
    (voices / "ben/clip4.wav").write_bytes(b"nothing")
    done = run()
    assert done.code == 0
    assert "voice ben: clip4.wav cannot be compared with" in done.err
    gaps = {row["voice"]: sorted(row["missing"]) for row in done.rows}
    assert gaps == {"ann": [], "ben": ["sim", "sim_norm", "sim_o"], "cat": []}
    assert all("is not audio that can be read" in row["missing"]["sim"] for row in done.rows if row["voice"] == "ben")
    assert {row["state"] for row in done.rows} == {"scored"}
    summary = done.report["trials"][0]["summary"]
    assert (summary["sim"]["n"], summary["wer"]["n"]) == (6, 9)


def test_a_voice_without_held_out_clips_says_what_it_was_scored_against(run, voices):
    make_voice(voices / "dora", 400.0, held_out=False)
    done = run()
    assert done.err.count("voice dora: no held-out clip, so that its sim is against its own prompt clips") == 1
    told = {row["voice"]: row["sim_reference"] for row in done.rows}
    assert told == {"ann": "held_out", "ben": "held_out", "cat": "held_out", "dora": "prompt"}
    assert "dora" in done.report["notes"][0]


def test_equal_requests_are_made_once(run):
    """Targets of 8 and 9 s give the same prompt: all four clips."""
    done = run("prompt.seconds=8,9")
    assert "synthesis: 9/9, 0 cached" in done.err
    assert len(done.rows) == 18


def test_seeds_are_utterances(run):
    rows = run("seeds=[0,1,1]", "engine.jitter=5").rows
    assert sorted({row["seed"] for row in rows}) == [0, 1]
    assert len({row["scores"]["sim"] for row in rows if row["voice"] == "ann" and row["probe"] == "fox"}) == 2


def test_one_prompt_for_two_lengths_is_noted_however_its_end_was_found():
    """For 3 s its end was the first place that was heard, for 5 s the fourth: audio and words are the same."""
    cells = [SimpleNamespace(trial=SimpleNamespace(id=id), prompt=PromptSettings()) for id in "ab"]
    prompts = {
        (id, "ann"): BuiltPrompt("ab", 4.0, "one two", "user", ("a.wav",), None, 0.0, Ending("pause", tried), wanted)
        for id, tried, wanted in (("a", 1, 3.0), ("b", 4, 5.0))
    }
    notes = notes_on(SimpleNamespace(voices=[SimpleNamespace(name="ann")]), cells, prompts)
    assert notes[-1] == "voice ann: prompt.seconds=3 and 5 gave the same prompt, of 4.0 s"


def test_what_the_reader_must_know_is_noted(run, voices):
    manifest = yaml.safe_load((voices / "ann/voice.yaml").read_text())
    manifest["clips"][0]["text"] = "one two six four nine"  # 2 of 5 words wrong
    (voices / "ann/voice.yaml").write_text(yaml.safe_dump(manifest))
    done = run("prompt.clips=1", "prompt.seconds=0.7,3")
    notes = done.report["notes"]
    assert "voice ann: the words of clip0.wav have a WER of 0.40 against what is heard" in notes[0]
    assert notes[1] == "voice ann: its clips give 0.7 s of the prompt.seconds=3 asked for"
    assert notes[4] == "voice ann: prompt.seconds=0.7 and 3 gave the same prompt, of 0.7 s"
    assert len(notes) == 7
    assert all(note in done.err for note in notes)


def test_a_clip_that_is_not_needed_is_not_read(run, voices):
    (voices / "ben/clip3.wav").write_bytes(b"not audio")
    assert all(row["error"] is None for row in run("prompt.clips=2").rows)


def test_a_time_taken_elsewhere_is_no_rtf_here(run):
    assert all(row["synth_seconds"] > 0 and "rtf" in row["scores"] for row in run().rows)
    rows = run("engine.delay=0.001").rows  # stands for another device: where, not what
    assert all(row["cached"] and row["synth_seconds"] is None and "rtf" not in row["scores"] for row in rows)
