"""`run` from the outside, with the shipped fakes."""

import os
import signal
import subprocess
import sys

import pytest
import yaml

from evalkit.resources import resource
from tests.conftest import environment, folder_of, report_of, rows_of, wait_until, without

TIMINGS = ("synth_seconds",)


def without_timings(rows):
    return [
        {key: value for key, value in row.items() if key not in TIMINGS}
        | {"scores": {key: value for key, value in row["scores"].items() if key not in ("rtf", "memory_bytes")}}
        for row in rows
    ]


def test_a_run_ends_with_table_finding_and_folder(run):
    done = run("prompt.seconds=0.7,2.5", "prompt.gap_seconds=0")
    lines = done.out.splitlines()
    assert done.code == 0
    assert lines[0].split() == ["prompt.seconds", "real", "s", "n", "failed", "flagged", "SIM", "WER", "RTF"]
    assert lines[-1] == str(done.folder)
    assert lines[-2] == f"report: {done.folder}/report.json"
    assert lines[-3].startswith("Best is prompt.seconds=2.5: SIM")
    assert "synthesis: 18/18, 0 cached, 0 failed" in done.err


def test_a_second_run_synthesises_nothing_and_says_so(run):
    first = run("prompt.seconds=1,2").folder
    done = run("prompt.seconds=1,2")
    assert done.code == 0
    assert "Nothing was synthesised: all 18 utterances came from the store." in done.out
    assert done.folder != first
    assert all(row["cached"] for row in done.rows)
    assert [{**row, "cached": False} for row in done.rows] == rows_of(first)


def test_nothing_scored_is_a_failed_run(run):
    done = run("engine.crash_on=' '")
    assert (done.code, done.out) == (1, "")
    assert "all 9 utterances failed or were not run, the first with SynthesisError: told to crash on ' '" in done.err
    assert done.report["status"] == "failed"


MINE = """
from pydantic.dataclasses import dataclass
from evalkit.audio import Audio
from evalkit.engines.base import Engine

@dataclass(frozen=True)
class Mine(Engine):
    name = 'mine'
    sample_rate = 16000
    def speak(self, request): return Audio(request.prompt.audio.samples * 0.5, 16000)
"""


@pytest.fixture
def mine(own, tmp_path, monkeypatch):
    """What is typed to find an engine of one's own, which plays its prompt at half its level."""
    (tmp_path / "mine_engine.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine_engine", raising=False)  # another test's
    return own(engine={"mine": {"_target_": "mine_engine.Mine"}})


def test_engines_can_be_an_axis(run, mine):
    """`tone` says the text in a voice of its own, the other one plays its prompt."""
    done = run(*mine, "engine=tone,mine", "prompt.seconds=1,2")
    assert done.code == 0
    assert done.out.splitlines()[0].split()[:2] == ["engine", "prompt.seconds"]
    trials = [(one["engine"], one["settings"]["prompt.seconds"]) for one in done.report["trials"]]
    assert trials == [("tone", 1), ("tone", 2), ("mine", 1), ("mine", 2)]
    assert set(done.report["provenance"]["engines"]) == {"tone", "mine"}
    for row in done.rows:
        assert (row["scores"]["wer"] == 0) == (row["engine"] == "tone")
        assert (row["scores"]["sim_o"] == pytest.approx(1, abs=1e-4)) == (row["engine"] == "mine")


COPIED = """
from pydantic.dataclasses import dataclass
from evalkit.engines.base import Engine
from evalkit.engines.tone import Tone

@dataclass(frozen=True)
class Copied(Engine):
    name = 'tone'
    sample_rate = 16000
    def speak(self, request): return request.prompt.audio
    def knobs(self): return Tone().knobs()
"""


def test_engines_that_share_a_name_are_refused(run, own, tmp_path, monkeypatch):
    (tmp_path / "copied.py").write_text(COPIED)
    monkeypatch.syspath_prepend(tmp_path)
    done = run(*own(engine={"copied": {"_target_": "copied.Copied"}}), "engine=tone,copied")
    assert done.code == 2
    assert "share the name 'tone'" in done.err


def test_an_engine_of_ones_own_that_was_edited_speaks_anew(run, mine, tmp_path):
    typed = (*mine, "engine=mine")
    assert "synthesis: 9/9, 0 cached" in run(*typed).err
    assert "synthesis: 9/9, 9 cached" in run(*typed).err
    (tmp_path / "mine_engine.py").write_text(MINE.replace("0.5", "0.25"))
    assert "synthesis: 9/9, 0 cached" in run(*typed).err


def test_libraries_prints_do_not_leak(evalkit, typed):
    done = evalkit("run", *typed)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 13
    assert {line.split(":")[0] for line in done.stderr.splitlines()} == {
        "adhoc", "prompts", "synthesis", "transcripts", "embeddings (hum)", "acoustics"
    }  # fmt: skip
    assert (folder_of(done) / "run.log").is_file()


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 130)])
def test_a_stopped_run_goes_on_where_it_stopped(evalkit, typed, tmp_path, stop, code):
    command = ["run", *typed, "prompt.seconds=1,2", "engine.delay=0.2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "evalkit", *command],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_until(lambda: len(list((tmp_path / "store").rglob("*.json"))) >= 4, process)
    os.kill(process.pid, stop)
    _, said = process.communicate()
    assert process.returncode == code
    if stop != signal.SIGKILL:
        assert "the same command goes on where it stopped: python -m evalkit run" in said
    (stopped,) = (tmp_path / "reports/adhoc").iterdir()
    assert report_of(stopped)["status"] == "interrupted"

    resumed = evalkit(*command)
    assert resumed.returncode == 0
    assert f"going on with the unfinished run {stopped.name}" in resumed.stderr
    assert folder_of(resumed) == stopped
    undisturbed = evalkit(*command, f"store={tmp_path}/other", f"reports_dir={tmp_path}/others")
    assert without_timings(rows_of(stopped)) == without_timings(rows_of(folder_of(undisturbed)))
    assert list(tmp_path.rglob("*.part")) == []  # what the killed one left was swept


STRANGE = {"_target_": "tests.strange.Strange", "gain": 0.5}
LOST = "be told to stop while C code cannot raise"


def test_a_wish_to_stop_is_not_lost_in_a_callback_of_c_code(evalkit, typed, own, tmp_path):
    probes = [{"id": "stop", "text": LOST}, {"id": "more", "text": "fine"}]
    (tmp_path / "stop.yaml").write_text(
        yaml.safe_dump({"name": "stop", "version": 1, "language": "en", "probes": probes})
    )
    typed = [*own(engine={"strange": STRANGE}), *without(typed, "engine", "probes.path")]
    done = evalkit("run", *typed, "engine=strange", "probes.path=stop.yaml", PYTHONPATH=str(resource(".").resolve()))
    assert done.returncode == 130
    assert "the same command goes on where it stopped" in done.stderr
    (folder,) = (tmp_path / "reports/adhoc").iterdir()
    assert report_of(folder)["status"] == "interrupted"
    assert "Exception ignored" in (folder / "run.log").read_text()  # or nothing was tried


def test_a_finished_run_is_never_taken_up_again(run, tmp_path):
    run()
    assert "going on" not in run().err
    assert len(list((tmp_path / "reports/adhoc").iterdir())) == 2


def test_a_disk_that_refuses_stops_the_run_and_says_what_to_do(run, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store/synthesis").write_text("a file where a folder should be")
    done = run()
    assert done.code == 1
    assert "cannot write" in done.err
    assert "store=DIR" in done.err
    assert done.report["status"] == "interrupted"


def test_a_plan_says_which_voices_will_fail_and_shows_no_traceback(run, voices):
    (voices / "ann" / "voice.yaml").write_text("clips: [{file: gone.wav, text: a b c}]")
    done = run("dry_run=true")
    assert done.code == 0
    assert "its utterances will fail: voice 'ann': no audio file at" in " ".join(done.out.split())
    assert "Traceback" not in done.err


def test_a_plan_tells_no_difference_that_cannot_be(run):
    wide = "power.spreads={sim: {voice: 3, probe: 3, rest: 3}}"
    done = run("dry_run=true", "prompt.seconds=1,2", wide)
    assert "3 voices and 3 texts are too few to tell any in SIM" in " ".join(done.out.split())
