"""What a run says at its end: why utterances failed, who may be best, which times are told, in any width."""

import re

import pytest

from evalkit.__main__ import main
from evalkit.reports.files import read_report, read_rows
from evalkit.reports.terminal import closing_lines
from tests.conftest import folder_of, make_voice, report_of, rows_of


def run(typed, *more, capfd) -> tuple[int, str, str]:
    code = main(["run", *typed, *more])
    shown = capfd.readouterr()
    return code, shown.out, shown.err


def last_folder(tmp_path, name="adhoc"):
    return max((tmp_path / "reports" / name).iterdir())


def test_likeness_to_clips_that_an_engine_may_have_heard_promotes_nobody(typed, voices, tmp_path, capfd):
    """Four voices, one of which nothing is held out of: its three utterances a trial are scored, and not compared."""
    make_voice(voices / "dora", 400.0, held_out=False)
    _, out, _ = run(typed, "engine.detune=60,5", capfd=capfd)
    report = report_of(last_folder(tmp_path))
    assert [trial["summary"]["sim"]["n"] for trial in report["trials"]] == [12, 12]
    pairs = {one["metric"]: one["n_pairs"] for one in report["comparisons"]}
    assert (pairs["sim"], pairs["sim_norm"], pairs["sim_o"], pairs["wer"]) == (9, 9, 12, 12)
    assert report["best"] == report["trials"][1]["id"]
    assert "without dora, whose SIM is against clips that engines may have heard; 95 % intervals" in out
    _, out, _ = run(typed, "engine.detune=60,5", "voices.names=[dora]", capfd=capfd)
    report = report_of(last_folder(tmp_path))
    assert report["best"] is None
    assert report["finding"].startswith("Nothing can be compared: SIM is against clips that engines may have heard")
    assert report["finding"] in out


def test_all_that_is_printed_can_be_printed_again_from_the_files(typed, tmp_path, capfd):
    """Settings in the order in which they were typed, which is not that of the alphabet."""
    _, out, _ = run(typed, "prompt.seconds=1,2", "engine.detune=60,5", "engine.crash_on=fox", capfd=capfd)
    folder = last_folder(tmp_path)
    assert out.split()[:2] == ["seconds", "detune"]
    assert closing_lines(read_report(folder), list(read_rows(folder)), folder, None) == out.splitlines()


def test_likeness_to_the_prompt_cannot_decide(typed, capfd):
    code, _, err = run(typed, "primary=sim_o", capfd=capfd)
    assert code == 2
    assert "primary: sim_o compares with the prompt that the engine heard" in err


def test_a_trial_that_fails_is_not_called_best(typed, tmp_path, capfd):
    """Two of three texts have "e ": of the second best's nine utterances six fail, and the other three are ahead."""
    _, out, _ = run(typed, "engine.detune=150,5,4.9", "engine.crash_on=null,'e '", capfd=capfd)
    report = report_of(last_folder(tmp_path))
    bars = {(one["settings"]["engine.detune"], one["n_failed"]): one["barred"] for one in report["trials"]}
    why = "6 of its 9 utterances failed or are flagged (failed 6), 0 of the baseline's 9"
    assert bars == {(150, 0): None, (5, 0): None, (4.9, 0): None, (150, 6): why, (5, 6): why, (4.9, 6): why}
    (best,) = (trial for trial in report["trials"] if trial["id"] == report["best"])
    assert best["n_failed"] == 0
    assert "engine.detune=4.9, engine.crash_on=e  is ahead, +0." in out
    assert why in report["finding"]
    assert "not to be told from it: engine.detune=" in report["finding"]


def test_the_terminal_says_why_utterances_failed(typed, evalkit):
    done = evalkit("run", *typed, "engine.crash_on=fox,sun", "engine.detune=30")
    assert done.returncode == 0
    folder = folder_of(done)
    said = " ".join(done.stdout.split())
    trials = [trial["id"] for trial in report_of(folder)["trials"]]
    assert (
        "6 of 18 utterances were not scored: 6 SynthesisError: told to crash on 'fox' "
        f"(first: {trials[0]}, voice ann, probe fox, seed 0) tracebacks: {folder}/run.log; "
        f"each utterance: {folder}/utterances.jsonl"
    ) in said
    assert (folder / "run.log").read_text().count("told to crash on 'sun'") == 3


def test_times_of_another_run_are_no_rtf_beside_those_of_this_one(typed, tmp_path, capfd):
    run(typed, "engine.detune=60", capfd=capfd)
    _, out, _ = run(typed, "engine.detune=60,5", capfd=capfd)
    lines = out.splitlines()
    assert [lines[1].split()[-1], re.sub(r"\d", "0", lines[2].split()[-1])] == ["cached", "0.00"]
    report, rows = report_of(last_folder(tmp_path)), rows_of(last_folder(tmp_path))
    assert [trial["summary"]["rtf"]["n"] for trial in report["trials"]] == [0, 9]
    assert not [one for one in report["comparisons"] if one["metric"] == "rtf"]
    assert all("rtf" in row["scores"] for row in rows)  # what was measured stays in the rows
    _, out, _ = run(typed, "engine.detune=60,5", capfd=capfd)
    assert [line.split()[-1] for line in out.splitlines()[1:3]] == ["cached", "cached"]


@pytest.mark.parametrize("columns", ["50", "60", "80", "200"])
def test_the_plan_fits_the_terminal(typed, capfd, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    axes = ("prompt.seconds=0.7,2.5", "prompt.gap_seconds=0.1,0.2", "prompt.trim=true,false", "engine.jitter=1,2")
    _, out, _ = run(typed, *axes, "engine.detune=60,5", "dry_run=true", capfd=capfd)
    lines = out.splitlines()
    assert max(map(len, lines)) <= int(columns)
    assert "32 trials x 9 utterances = 288: 0 cached, 288 to do" in " ".join(out.split())
    assert "engines: tone version 2" in lines
    if columns == "200":
        assert lines[1].split()[:3] == ["trial", "prompt.seconds", "prompt.trim"]
        assert len(lines) == 2 + 32 + 7
    if columns == "60":
        assert lines[1].split()[:3] == ["trial", "seconds", "trim"]
    if columns == "50":
        assert "    baseline (the others where they differ):" in lines
