"""The page as commands make it: `run` at its end, `report` anew."""

import json
import shutil
from contextlib import suppress

import pytest
import soundfile

from evalkit.__main__ import main
from evalkit.reports.page import writer
from tests.reports.page.test_writer import data_of, files


def test_a_run_makes_its_page(run):
    done = run("page.make=true", "prompt.seconds=1,2")
    page = done.folder / "index.html"
    assert done.out.splitlines()[-2:] == [f"page: {page}", str(done.folder)]
    data = data_of(done.folder)
    assert data["count"] == 18
    audio = [name for name in files(done.folder) if name.endswith(".flac")]
    told = {row["audio"] for row in done.rows} | {row["prompt"]["sound"] for row in done.rows}
    assert len(audio) == len(told) + 3  # and a held-out clip a voice
    assert [voice["clips"] for voice in data["voices"]] == [["clip4.wav"]] * 3


def test_a_run_in_which_everything_failed_has_a_page_too(run):
    done = run("page.make=true", "probes.ids=[fox]", "engine.crash_on=fox")
    assert done.code == 1
    assert data_of(done.folder)["rows"]["state"] == 1  # of each row: failed


def test_none_is_made_where_none_is_wanted(run):
    done = run("page.make=false")
    assert not (done.folder / "index.html").exists()
    assert "page: " not in done.out


def test_page_audio_says_which_sounds(run):
    assert [name for name in files(run("page.make=true", "page.audio=none").folder) if name.endswith(".flac")] == []
    refused = run("page.make=true", "page.audio=some")
    assert refused.code == 2
    assert "page.audio" in refused.err


def test_a_page_that_cannot_be_made_loses_no_run(run, monkeypatch):
    def fails(*_):
        raise ZeroDivisionError("no such luck")

    monkeypatch.setattr(writer, "write_plots", fails)
    done = run("page.make=true")
    assert done.code == 0
    assert done.report["status"] == "complete"
    assert done.out.splitlines()[-1] == str(done.folder)
    assert "page: " not in done.out
    assert "the report is whole, but its page could not be made: ZeroDivisionError: no such luck" in done.err
    assert f"try again: python -m evalkit report {done.folder}" in done.err
    assert not [name for name in files(done.folder) if "page" in name]


def test_report_makes_the_same_page_anew(run, capfd):
    done = run("page.make=true")
    before, names = (done.folder / "index.html").read_text(), files(done.folder)
    assert main(["report", str(done.folder / "report.json")]) == 0
    assert capfd.readouterr().out == f"page: {done.folder / 'index.html'}\n"
    assert (done.folder / "index.html").read_text() == before
    assert files(done.folder) == names


def test_report_says_what_is_no_longer_there(run, voices, tmp_path, capfd):
    done = run("page.make=true")
    shutil.rmtree(voices)
    shutil.rmtree(tmp_path / "store/sound")
    assert main(["report", str(done.folder)]) == 0
    assert "held-out clips are left out of the page: " in capfd.readouterr().err
    assert set(data_of(done.folder)["sounds"]["state"]) == {2}
    assert main(["report", str(done.folder), "--audio", "none"]) == 0
    assert set(data_of(done.folder)["sounds"]["state"]) == {0}


def test_a_recording_that_was_changed_is_not_shown_as_the_one_that_was_heard(run, voices):
    done = run("page.make=true")
    samples, rate = soundfile.read(voices / "ann/clip4.wav")
    soundfile.write(voices / "ann/clip4.wav", samples / 2, rate)
    assert main(["report", str(done.folder)]) == 0
    assert [len(voice["held_out"]) for voice in data_of(done.folder)["voices"]] == [0, 1, 1]


def test_the_sounds_of_a_page_are_as_the_run_was_told(run):
    done = run("page.make=true", "page.audio=none")
    main(["report", str(done.folder)])
    assert set(data_of(done.folder)["sounds"]["state"]) == {0}


@pytest.mark.hostile
def test_a_strangers_report_reads_no_store_by_its_paths(run, tmp_path):
    done = run("page.make=true")
    report = done.report
    report["config"]["store"] = "\x00"
    report["config"]["voices"] = {"path": [1]}
    (done.folder / "report.json").write_text(json.dumps(report))
    assert main(["report", str(done.folder)]) == 0
    assert set(data_of(done.folder)["sounds"]["state"]) == {2}


def test_a_store_that_is_not_there_takes_no_sound_from_a_page(run, capfd):
    done = run("page.make=true", "probes.ids=[fox]")
    before = files(done.folder)
    assert main(["report", str(done.folder), "--store", str(done.folder / "nowhere")]) == 2
    assert "there is no such folder" in capfd.readouterr().err
    assert files(done.folder) == before


def test_damaged_votes_are_told_of(run, capfd):
    done = run("page.make=false", "probes.ids=[fox]")
    (done.folder / "votes.json").write_text('{"ballots": [')
    assert main(["report", str(done.folder)]) == 0
    told = capfd.readouterr().err
    assert "what listeners said is left out of the page" in told
    assert "--anew" in told


def test_out_is_not_for_the_page(run, capfd):
    done = run("page.make=false", "probes.ids=[fox]")
    with pytest.raises(SystemExit, match="2"):
        main(["report", str(done.folder), "--out", str(done.folder)])
    assert "--out is for --csv and --parquet" in capfd.readouterr().err


@pytest.mark.parametrize("typed", [[], ["nowhere"], ["--index", "nowhere"], ["one", "--index", "two"]])
def test_what_cannot_be_reported_is_said(typed, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with suppress(SystemExit):
        assert main(["report", *typed]) == 2
    assert capfd.readouterr().err


def test_index_lists_the_runs_below_a_folder(run, capfd):
    done = run("page.make=true")
    page, link = done.reports / "index.html", done.folder.relative_to(done.reports) / "index.html"
    assert main(["report", "--index", str(done.reports)]) == 0
    assert capfd.readouterr().out == f"page: {page}\n"
    assert str(link) in page.read_text()


def test_gate_keeps_its_verdict_for_the_page(run, capfd):
    first = run("prompt.seconds=1", "seeds=[0]").folder
    second = run("prompt.seconds=1", "seeds=[1]", "page.make=true").folder
    code = main(["gate", str(second), "--baseline", str(first)])
    told = capfd.readouterr().out.replace("\n", " ")
    kept = json.loads((second / "gate.json").read_text())
    assert code == {"pass": 0, "regression": 1, "inconclusive": 3}[kept["state"]]
    assert kept["sentence"] in told
    assert kept["candidate_run"] == second.name
    main(["report", str(second)])
    assert f"against {first.name}, gated" in (second / "index.html").read_text()
