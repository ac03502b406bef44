"""The main job from the outside, with the shipped fakes: every number here can be worked out by hand."""

import json
import os
import signal
import subprocess
import sys
import time

import jsonschema
import numpy as np
import pytest
import soundfile
import yaml

from evalkit.__main__ import main
from evalkit.pipeline.folder import run_folder
from evalkit.reports.files import json_schema
from tests.conftest import environment, folder_of, make_voice, report_of, rows_of

TIMINGS = ("synth_seconds",)


def run(typed, *more, capfd) -> tuple[int, str, str]:
    code = main(["run", *typed, *more])
    shown = capfd.readouterr()
    return code, shown.out, shown.err


def last_folder(tmp_path, name="adhoc"):
    return max((tmp_path / "reports" / name).iterdir())


def without_timings(rows):
    return [
        {key: value for key, value in row.items() if key not in TIMINGS}
        | {"scores": {key: value for key, value in row["scores"].items() if key not in ("rtf", "memory_bytes")}}
        for row in rows
    ]


def test_a_run_ends_with_table_finding_and_folder(typed, tmp_path, capfd):
    code, out, err = run(typed, "prompt.seconds=0.7,2.5", "prompt.gap_seconds=0", capfd=capfd)
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split() == ["prompt.seconds", "n", "failed", "flagged", "SIM", "WER", "RTF"]
    assert lines[-1] == str(last_folder(tmp_path))
    assert lines[-2] == f"report: {last_folder(tmp_path)}/report.json"
    assert lines[-3].startswith("Best is prompt.seconds=2.5: SIM")
    assert "synthesis: 18/18, 0 cached, 0 failed" in err


def test_the_scores_are_those_worked_out_by_hand(typed, tmp_path, capfd):
    """`tone` misses the hum by 30 Hz / prompt seconds; `hum` gives that the cosine exp(-(miss / 40 Hz)^2)."""
    assert run(typed, "prompt.seconds=0.7", "engine.drop_every=3", capfd=capfd)[0] == 0
    rows = rows_of(last_folder(tmp_path))
    seconds = len("one two three four five") * 0.03
    assert len(rows) == 9
    for row in rows:
        assert row["prompt"]["seconds"] == pytest.approx(seconds)
        assert row["scores"]["sim"] == pytest.approx(np.exp(-((30 / seconds / 40) ** 2)), abs=2e-3)
    wers = {row["probe"]: row["scores"]["wer"] for row in rows}
    assert wers == {"fox": 1 / 4, "dog": 1 / 5, "sun": 1 / 5}
    summary = report_of(last_folder(tmp_path))["trials"][0]["summary"]
    assert summary["wer"]["value"] == pytest.approx(3 / 14, abs=1e-6)  # pooled: 3 of 4 + 5 + 5 words, each voice alike
    assert summary["wer_utt_mean"]["value"] == pytest.approx((1 / 4 + 1 / 5 + 1 / 5) / 3, abs=1e-6)


def test_report_and_rows_validate_and_name_what_they_rest_on(typed, tmp_path, capfd):
    run(typed, "prompt.seconds=1,2", capfd=capfd)
    report = report_of(last_folder(tmp_path))
    jsonschema.validate(report, json_schema("report"))
    for row in rows_of(last_folder(tmp_path)):
        jsonschema.validate(row, json_schema("row"))
    assert report["status"] == "complete"
    assert report["provenance"]["command"].startswith("python -m evalkit run engine=tone")
    assert report["provenance"]["judges"]["speakers"][0]["judge"] == "hum"
    assert report["metrics"]["sim"] == {
        "unit": "cosine", "higher_is_better": True, "judge": "hum", "bounds": [-1.0, 1.0], "pooled_by": "utterances"
    }  # fmt: skip
    assert report["metrics"]["wer"]["bounds"] == [0.0, None]
    assert report["metrics"]["wer"]["pooled_by"] == "reference words"
    assert (report["primary"], report["guards"]) == ("sim", ["wer"])
    assert report["comparisons"][0]["n_pairs"] == 9


def test_a_second_run_synthesises_nothing_and_says_so(typed, tmp_path, capfd):
    run(typed, "prompt.seconds=1,2", capfd=capfd)
    first = last_folder(tmp_path)
    code, out, _ = run(typed, "prompt.seconds=1,2", capfd=capfd)
    assert code == 0
    assert "Nothing was synthesised: all 18 utterances came from the store." in out
    assert last_folder(tmp_path) != first
    again = rows_of(last_folder(tmp_path))
    assert all(row["cached"] for row in again)
    same = [{**row, "cached": False} for row in again]
    assert same == rows_of(first)


FAILURES = {
    "crash_on": ("SynthesisError", "told to crash on 'fox'"),
    "silent_on": ("SynthesisError", "the engine gave silence (peak 0)"),
    "empty_on": ("SynthesisError", "the engine gave no samples"),
    "nan_on": ("SynthesisError", "the engine gave samples that are not numbers (NaN or infinite)"),
}


@pytest.mark.parametrize("knob", FAILURES)
def test_a_failed_synthesis_is_a_row_with_its_reason(typed, tmp_path, capfd, knob):
    code, _, _ = run(typed, f"engine.{knob}=fox", capfd=capfd)
    assert code == 0
    rows = rows_of(last_folder(tmp_path))
    failed = [row for row in rows if row["error"]]
    assert {row["probe"] for row in failed} == {"fox"}
    assert [row["error"] for row in failed] == [dict(zip(("type", "message"), FAILURES[knob], strict=True))] * 3
    assert all(row["scores"] == {} and row["edits"] is None for row in failed)
    trial = report_of(last_folder(tmp_path))["trials"][0]
    assert (trial["n"], trial["n_failed"]) == (9, 3)
    assert trial["summary"]["wer"]["value"] == 0  # of the six that were scored; the failed are no zeros


def test_nothing_scored_is_a_failed_run(typed, tmp_path, capfd):
    code, out, err = run(typed, "engine.crash_on=' '", capfd=capfd)
    assert code == 1
    assert out == ""
    assert "all 9 utterances failed or were not run, the first with SynthesisError: told to crash on ' '" in err
    assert report_of(last_folder(tmp_path))["status"] == "failed"


def test_one_bad_voice_fails_and_the_others_go_on(typed, voices, tmp_path, capfd):
    rate = 16_000
    soundfile.write(voices / "ben/clip0.wav", np.zeros(rate), rate)
    manifest = yaml.safe_load((voices / "cat/voice.yaml").read_text())
    del manifest["clips"][1]["text"]
    (voices / "cat/voice.yaml").write_text(yaml.safe_dump(manifest))
    code, _, err = run(typed, capfd=capfd)
    assert code == 0
    reasons = {row["voice"]: row["error"] and row["error"]["message"] for row in rows_of(last_folder(tmp_path))}
    assert reasons["ann"] is None
    assert "clip0.wav is silent" in reasons["ben"]
    assert reasons["cat"] is None  # its words were heard instead
    sources = {row["voice"]: row["prompt"]["text_source"] for row in rows_of(last_folder(tmp_path)) if row["prompt"]}
    assert sources == {"ann": "user", "cat": "asr"}
    assert "clip0.wav is silent" in err


def test_a_bad_held_out_clip_costs_its_voice_what_is_compared_with_it(typed, voices, tmp_path, capfd):
    (voices / "ben/clip4.wav").write_bytes(b"nothing")
    code, _, err = run(typed, capfd=capfd)
    assert code == 0
    assert "voice ben: clip4.wav cannot be compared with" in err
    rows = rows_of(last_folder(tmp_path))
    gaps = {row["voice"]: sorted(row["missing"]) for row in rows}
    assert gaps == {"ann": [], "ben": ["sim", "sim_norm", "sim_o"], "cat": []}
    assert all("is not audio that can be read" in row["missing"]["sim"] for row in rows if row["voice"] == "ben")
    assert {row["state"] for row in rows} == {"scored"}
    summary = report_of(last_folder(tmp_path))["trials"][0]["summary"]
    assert (summary["sim"]["n"], summary["wer"]["n"]) == (6, 9)


def test_a_voice_without_held_out_clips_says_what_it_was_scored_against(typed, voices, tmp_path, capfd):
    make_voice(voices / "dora", 260.0, held_out=False)
    _, _, err = run(typed, capfd=capfd)
    assert "dora: no held-out clip; sim is scored against its own prompt clips instead" in err
    told = {row["voice"]: row["sim_reference"] for row in rows_of(last_folder(tmp_path))}
    assert told == {"ann": "held_out", "ben": "held_out", "cat": "held_out", "dora": "prompt"}
    assert "dora" in report_of(last_folder(tmp_path))["notes"][0]


def test_equal_requests_are_made_once(typed, tmp_path, capfd):
    """Targets of 8 and 9 s give the same prompt: all four clips."""
    _, _, err = run(typed, "prompt.seconds=8,9", capfd=capfd)
    assert "synthesis: 9/9, 0 cached" in err
    assert len(rows_of(last_folder(tmp_path))) == 18


def test_seeds_are_utterances(typed, tmp_path, capfd):
    run(typed, "seeds=[0,1,1]", "engine.jitter=5", capfd=capfd)
    rows = rows_of(last_folder(tmp_path))
    assert sorted({row["seed"] for row in rows}) == [0, 1]
    assert len({row["scores"]["sim"] for row in rows if row["voice"] == "ann" and row["probe"] == "fox"}) == 2


def test_engines_can_be_an_axis(typed, tmp_path, capfd):
    """Two copies of `tone` under names of their own, one with other knobs."""
    mine = tmp_path / "mine/engine"
    mine.mkdir(parents=True)
    for name, detune in (("near", 0.0), ("far", 60.0)):
        node = {"_target_": "evalkit.engines.tone.Tone", "detune": detune, "device": "cpu"}
        (mine / f"{name}.yaml").write_text(yaml.safe_dump(node))
    rest = [word for word in typed if word != "engine=tone"]
    code, out, _ = run(["--config-dir", str(mine.parent), *rest], "engine=far,near", "prompt.seconds=1,2", capfd=capfd)
    assert code == 0
    assert out.splitlines()[0].split()[:2] == ["prompt.seconds", "engine.detune"]
    assert len(report_of(last_folder(tmp_path))["trials"]) == 4


def test_libraries_prints_do_not_leak(evalkit, typed, tmp_path):
    done = evalkit("run", *typed)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 11
    assert {line.split(":")[0] for line in done.stderr.splitlines()} == {
        "adhoc", "prompts", "synthesis", "transcripts", "embeddings (hum)", "acoustics"
    }  # fmt: skip
    assert (folder_of(done) / "run.log").is_file()


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 130)])
def test_a_stopped_run_goes_on_where_it_stopped(evalkit, typed, tmp_path, stop, code):
    command = ["run", *typed, "prompt.seconds=1,2", "engine.delay=0.1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "evalkit", *command],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while len(list((tmp_path / "store").rglob("*.json"))) < 4:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    os.kill(process.pid, stop)
    _, said = process.communicate()
    assert process.returncode == code
    if stop != signal.SIGKILL:
        assert "the same command goes on where it stopped: python -m evalkit run" in said
    stopped = last_folder(tmp_path)
    assert report_of(stopped)["status"] == "interrupted"

    resumed = evalkit(*command)
    assert resumed.returncode == 0
    assert f"going on with the unfinished run {stopped.name}" in resumed.stderr
    assert folder_of(resumed) == stopped
    undisturbed = evalkit(*command, f"store={tmp_path}/other", f"reports_dir={tmp_path}/others")
    assert without_timings(rows_of(stopped)) == without_timings(rows_of(folder_of(undisturbed)))
    assert list(tmp_path.rglob("*.part")) == [] or stop == signal.SIGKILL


def test_a_finished_run_is_never_taken_up_again(typed, tmp_path, capfd):
    run(typed, capfd=capfd)
    _, _, err = run(typed, capfd=capfd)
    assert "going on" not in err
    assert len(list((tmp_path / "reports/adhoc").iterdir())) == 2


def test_a_disk_that_refuses_stops_the_run_and_says_what_to_do(typed, tmp_path, capfd):
    (tmp_path / "store").mkdir()
    (tmp_path / "store/synthesis").write_text("a file where a folder should be")
    code, _, err = run(typed, capfd=capfd)
    assert code == 1
    assert "cannot write" in err
    assert "store=DIR" in err
    assert report_of(last_folder(tmp_path))["status"] == "interrupted"


def test_two_runs_of_a_plan_at_once_get_folders_of_their_own(tmp_path):
    with run_folder(tmp_path, "abcdef0123") as one, run_folder(tmp_path, "abcdef0123") as two:
        assert one.path != two.path
        assert [one.resumed, two.resumed] == [False, False]


def test_the_finding_claims_no_more_than_can_be_told(typed, tmp_path, capfd):
    """Misses of 0.2 and 0.3 Hz, jittered alike, are both far better than one of 60 Hz, and alike."""
    _, out, _ = run(typed, "engine.detune=60,0.2,0.3", "engine.jitter=3", "seeds=[0,1,2]", capfd=capfd)
    (finding,) = (line for line in out.splitlines() if line.startswith(("Best", "Among")))
    assert finding.startswith("Best is engine.detune=0.2") or "not to be told from it: engine.detune=0." in finding
    _, out, _ = run(typed, "engine.detune=60,5", "engine.crash_on=fox", capfd=capfd)
    assert "3 of its 9 utterances failed." in out


def test_engines_that_share_a_name_are_refused(typed, tmp_path, capfd, monkeypatch):
    (tmp_path / "copied.py").write_text(
        "from pydantic.dataclasses import dataclass\nfrom evalkit.engines.base import Engine\n"
        "@dataclass(frozen=True)\nclass Copied(Engine):\n    name = 'tone'\n    sample_rate = 16000\n"
        "    def speak(self, request): return request.prompt.audio\n"
        "    def knobs(self): return {**__import__('evalkit.engines.tone').engines.tone.Tone().knobs()}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine/engine").mkdir(parents=True)
    (tmp_path / "mine/engine/copied.yaml").write_text("_target_: copied.Copied\n")
    rest = [word for word in typed if word != "engine=tone"]
    code, _, err = run(["--config-dir", f"{tmp_path}/mine", *rest], "engine=tone,copied", capfd=capfd)
    assert code == 2
    assert "share the name 'tone'" in err


def test_what_the_reader_must_know_is_noted(typed, voices, tmp_path, capfd):
    manifest = yaml.safe_load((voices / "ann/voice.yaml").read_text())
    manifest["clips"][0]["text"] = "one two six four nine"  # 2 of 5 words wrong
    (voices / "ann/voice.yaml").write_text(yaml.safe_dump(manifest))
    _, _, err = run(typed, "prompt.clips=1", "prompt.seconds=0.7,3", capfd=capfd)
    notes = report_of(last_folder(tmp_path))["notes"]
    assert "voice ann: the words of clip0.wav have a WER of 0.40 against what is heard" in notes[0]
    assert notes[1] == "voice ann: its clips give 0.7 s of the prompt.seconds=3 asked for"
    assert len(notes) == 4
    assert all(note in err for note in notes)


def test_a_clip_that_is_not_needed_is_not_read(typed, voices, tmp_path, capfd):
    (voices / "ben/clip3.wav").write_bytes(b"not audio")
    run(typed, "prompt.clips=2", capfd=capfd)
    assert all(row["error"] is None for row in rows_of(last_folder(tmp_path)))


def test_an_engine_of_ones_own_that_was_edited_speaks_anew(typed, tmp_path, capfd, monkeypatch):
    code = (
        "from pydantic.dataclasses import dataclass\nfrom evalkit.engines.base import Engine\n"
        "from evalkit.audio import Audio\n@dataclass(frozen=True)\nclass Mine(Engine):\n    name = 'mine'\n"
        "    sample_rate = 16000\n    def speak(self, request):\n"
        "        return Audio(request.prompt.audio.samples * 0.5, 16000)\n"
    )
    (tmp_path / "mine_engine.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    rest = [word for word in typed if word != "engine=tone"]
    (tmp_path / "mine/engine").mkdir(parents=True)
    (tmp_path / "mine/engine/mine.yaml").write_text("_target_: mine_engine.Mine\n")
    command = ["--config-dir", f"{tmp_path}/mine", *rest, "engine=mine"]
    run(command, capfd=capfd)
    (tmp_path / "mine_engine.py").write_text(code.replace("0.5", "0.25"))
    _, _, err = run(command, capfd=capfd)
    assert "synthesis: 9/9, 0 cached" in err


def test_a_time_taken_elsewhere_is_no_rtf_here(typed, tmp_path, capfd):
    run(typed, capfd=capfd)
    run(typed, "engine.delay=0.001", capfd=capfd)  # stands for another device: where, not what
    rows = rows_of(last_folder(tmp_path))
    assert all(row["cached"] and row["synth_seconds"] is None and "rtf" not in row["scores"] for row in rows)


def test_a_plan_is_the_same_work_only_if_all_is_the_same(typed, tmp_path, capfd):
    plans = set()
    for more in ([], ["engine.detune=1"], ["seeds=[1]"], ["probes.ids=[fox]"], ["voices.names=[ann]"]):
        run(typed, *more, capfd=capfd)
        plans |= {json.loads(path.read_text())["plan"] for path in (tmp_path / "reports/adhoc").glob("*/report.json")}
    assert len(plans) == 5
