"""Reference text: the consensus by its rule, the book, and the order user, stored, heard."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import numpy as np
import pytest
import soundfile
import yaml

from evalkit.__main__ import main
from evalkit.engines.tone import RATE, whistle
from evalkit.prompts.checks import warnings
from evalkit.prompts.consensus import consensus, same_text, spoken
from tests.conftest import SENTENCES, environment, report_of, rows_of


@pytest.mark.parametrize(
    ("candidates", "text", "majority"),
    [
        (["a b c", "a b c", "a b c"], "a b c", "3/3"),
        (["a b x", "a b c", "a b c"], "a b c", "2/3"),
        (["a b c.", "a  b c", "x"], "a b c.", "2/3"),  # alike but for white space and a full stop: the first of them
        (["a b c!?", "x", "a b c…"], "a b c!?", "2/3"),
        # total edit distances: "cat" 1 + 2, "cut" 1 + 1, "cup" 2 + 1
        (["cat", "cut", "cup"], "cut", "1/3"),
        (["ab", "cd", "ef"], "ab", "1/3"),  # all as far: the first
        (["a", "b"], "a", "1/2"),
        (["only"], "only", "1/1"),
        (["", "", "x"], "", "2/3"),
        (["At half-past two, no?", "at half past two no", "At two"], "At half-past two, no?", "2/3"),
        (["It’s Mr. Low", "it's mr low.", "X"], "It’s Mr. Low", "2/3"),
    ],
)
def test_the_consensus_picks_by_the_rule(candidates, text, majority):
    chosen = consensus(candidates)
    assert (chosen.text, chosen.majority) == (text, majority)


def test_spread_by_hand():
    assert consensus(["abcd", "abcd", "abcd"]).spread == 0
    assert consensus(["abcd", "abxx", "abcd"]).spread == pytest.approx((0.5 + 0.5 + 0) / 3)
    with pytest.raises(ValueError, match="no candidates"):
        consensus([])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" It's  HALF-past, no? ... ", "it's half past no"),
        ("“Don’t,” he said – 'twice'.", "don't he said twice"),
        ("¿Qué? ÉTÉ/été", "qué été été"),
        ("5 % of $3", "5 of $3"),
        ("...", ""),
    ],
)
def test_what_can_be_heard_of_a_text(text, words):
    assert spoken(text) == words


def test_same_text_keeps_what_is_inside():
    assert same_text(" It's  half-past, no? ... ") == "It's half-past, no"


@pytest.mark.parametrize(
    ("text", "seconds", "error_rate", "found"),
    [
        ("one two three", 1.0, 0.0, []),
        ("one two three", 1.0, None, []),
        ("one", 1.1, 0.0, ["words per second"]),
        ("one two three four five six", 1.0, 0.0, ["words per second"]),
        ("one two three", 1.0, 0.3, []),
        ("one two three", 1.0, 0.34, ["WER 0.34"]),
        ("one", 9.0, 1.0, ["words per second", "WER 1.00"]),
    ],
)
def test_warnings(text, seconds, error_rate, found):
    told = warnings(text, seconds, error_rate)
    assert len(told) == len(found)
    assert all(part in line for part, line in zip(found, told, strict=True))


def without_texts(voices, name="cat"):
    manifest = yaml.safe_load((voices / name / "voice.yaml").read_text())
    for clip in manifest["clips"]:
        del clip["text"]
    (voices / name / "voice.yaml").write_text(yaml.safe_dump(manifest))


def newest(tmp_path):
    return max((tmp_path / "reports/adhoc").iterdir(), key=lambda folder: folder.stat().st_mtime_ns)


def books(tmp_path):
    return {path.name.split("-")[0]: json.loads(path.read_text()) for path in (tmp_path / "transcripts").glob("*.json")}


def test_words_are_heard_once_at_first_need_and_kept_with_their_evidence(typed, voices, tmp_path, capfd):
    without_texts(voices)
    assert main(["run", *typed]) == 0
    said = capfd.readouterr().err
    assert said.count("cat: heard ") == 4
    rows = {row["voice"]: row for row in rows_of(newest(tmp_path))}
    assert (rows["cat"]["prompt"]["text_source"], rows["ann"]["prompt"]["text_source"]) == ("asr", "user")
    assert rows["cat"]["prompt"]["text"] == " ".join(SENTENCES)
    assert list(books(tmp_path)) == ["cat"]
    entry = books(tmp_path)["cat"]["clip0.wav"]["asr"]
    assert (entry["text"], entry["source"], entry["majority"]) == (SENTENCES[0], "asr", "1/1")
    assert entry["candidates"] == [SENTENCES[0]]
    assert entry["models"][0]["judge"] == "whistle"
    assert len(entry["audio_sha256"]) == 64

    assert main(["run", *typed, "engine.detune=3"]) == 0
    assert "heard" not in capfd.readouterr().err


def test_a_changed_clip_makes_exactly_its_voices_text_stale(typed, voices, tmp_path, capfd):
    for name in ("ann", "cat"):
        without_texts(voices, name)
    main(["run", *typed])
    capfd.readouterr()
    soundfile.write(voices / "cat/clip0.wav", whistle("brand new words here", 300.0).samples, RATE)
    before = books(tmp_path)
    main(["run", *typed])
    said = capfd.readouterr().err
    assert "cat: the automatic text of clip0.wav is stale (its audio changed): again" in said
    assert said.count("heard ") == 1
    after = books(tmp_path)
    assert after["ann"] == before["ann"]
    assert after["cat"]["clip0.wav"]["asr"]["text"] == "brand new words here"
    assert after["cat"]["clip1.wav"] == before["cat"]["clip1.wav"]


def test_a_prompt_is_built_once_and_again_where_its_text_changed(typed, voices, tmp_path, capfd):
    main(["run", *typed, "prompt.seconds=1"])
    assert "prompts: 3/3, 0 cached" in capfd.readouterr().err
    main(["run", *typed, "prompt.seconds=1"])
    assert "prompts: 3/3, 3 cached" in capfd.readouterr().err
    manifest = yaml.safe_load((voices / "ann/voice.yaml").read_text())
    manifest["clips"][0]["text"] = "one two three four FIVE"
    (voices / "ann/voice.yaml").write_text(yaml.safe_dump(manifest))
    main(["run", *typed, "prompt.seconds=1"])
    assert "prompts: 3/3, 2 cached" in capfd.readouterr().err


def test_automatic_text_can_be_asked_for_whatever_is_given(typed, voices, tmp_path):
    assert main(["run", *typed, "prompt.text=given,automatic"]) == 0
    sources = {row["settings"]["prompt.text"]: row["prompt"]["text_source"] for row in rows_of(newest(tmp_path))}
    assert sources == {"given": "user", "automatic": "asr"}


def test_no_usable_words_fail_their_voice_only_and_say_what_to_type(typed, voices, tmp_path, capfd):
    without_texts(voices)
    silence = 0.002 * np.sin(np.arange(RATE) / 5)
    soundfile.write(voices / "cat/clip0.wav", silence, RATE)  # hum only: the reader hears nothing but spaces
    assert main(["run", *typed]) == 0
    reasons = {row["voice"]: row["error"] and row["error"]["message"] for row in rows_of(newest(tmp_path))}
    assert reasons["ann"] is None
    assert "no usable words in clip0.wav" in reasons["cat"]
    assert "python -m evalkit transcript set cat --clip clip0.wav" in reasons["cat"]


def test_a_vanished_clip_between_two_runs_fails_its_voice(typed, voices, tmp_path):
    assert main(["run", *typed]) == 0
    (voices / "cat/clip0.wav").unlink()
    assert main(["run", *typed]) == 0
    failed = {row["voice"]: row["error"] for row in rows_of(newest(tmp_path)) if row["error"]}
    assert list(failed) == ["cat"]
    assert "clip0.wav" in failed["cat"]["message"]


def test_a_closed_loop_keeps_the_consensus_where_nothing_is_better(typed, voices, tmp_path):
    """`tone` ignores the prompt's words: every candidate ties."""
    two = '[{_target_: evalkit.judges.fake.WhistleReader}, {_target_: evalkit.judges.fake.WhistleReader, mishear: "e"}]'
    assert main(["run", *typed, "prompt.text=closed_loop", f"ears.passes={two}"]) == 0
    rows = {row["voice"]: row for row in rows_of(newest(tmp_path))}
    assert rows["ann"]["prompt"]["text_source"] == "closed_loop"
    assert rows["ann"]["prompt"]["text"] == " ".join(SENTENCES)
    (entry,) = (entry for kinds in books(tmp_path)["ann"].values() for kind, entry in kinds.items() if ":" in kind)
    assert len(entry["evidence"]["candidates"]) == 2
    assert entry["evidence"]["sim"][0] == pytest.approx(entry["evidence"]["sim"][1])
    assert len(entry["evidence"]["over_consensus"]) == 1


def test_a_closed_loop_takes_what_clones_better(typed, voices, tmp_path):
    """Told to listen to the words, `tone` misses by 100 Hz where they have no "e"."""
    two = '[{_target_: evalkit.judges.fake.WhistleReader, mishear: "e"}, {_target_: evalkit.judges.fake.WhistleReader}]'
    wanted = ["engine.needs=e", "engine.jitter=1", "prompt.clips=1"]
    assert main(["run", *typed, *wanted, "prompt.text=closed_loop", f"ears.passes={two}"]) == 0
    rows = {row["voice"]: row for row in rows_of(newest(tmp_path))}
    assert rows["ann"]["prompt"]["text"] == SENTENCES[0]
    assert report_of(newest(tmp_path))["trials"][0]["n_failed"] == 0


@pytest.mark.parametrize(("speakers", "chooses"), [("[hum]", "hum"), ("[hum,coarse]", "coarse")])
def test_who_scores_did_not_choose_the_words_where_there_is_another_encoder(
    typed, voices, tmp_path, capfd, speakers, chooses
):
    two = '[{_target_: evalkit.judges.fake.WhistleReader, mishear: "e"}, {_target_: evalkit.judges.fake.WhistleReader}]'
    more = ["engine.needs=e", "engine.jitter=1", "prompt.clips=1", f"judge.speakers={speakers}"]
    assert main(["run", *typed, *more, "prompt.text=closed_loop", f"ears.passes={two}"]) == 0
    (entry,) = (entry for kinds in books(tmp_path)["ann"].values() for kind, entry in kinds.items() if ":" in kind)
    assert entry["evidence"]["encoder"] == chooses
    notes = " ".join(report_of(newest(tmp_path))["notes"])
    assert ("its words are chosen with the encoder (hum)" in notes) is (chooses == "hum")


def command(typed, *words):
    places = [word for word in typed if not word.startswith(("engine", "judge", "reports_dir", "probes"))]
    return main(["transcript", *words, "engine=tone", *places])


def test_show_auto_and_set(typed, voices, tmp_path, capfd):
    without_texts(voices)
    assert command(typed, "auto", "cat") == 0
    shown = capfd.readouterr()
    assert SENTENCES[0] in shown.out
    assert shown.err.startswith("cat: to listen 4 times takes about 1 s on two cores; what is heard is kept\n")
    assert command(typed, "set", "cat", "red green brown black white", "--clip", "clip2.wav") == 0
    capfd.readouterr()
    assert command(typed, "show", "cat") == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[4].split()[:6] == ["clip2.wav", "0.78", "user", "-", "6.4", "0.20"]  # brown for blue: 1 of 5 words
    assert lines[2].split()[2:4] == ["asr", "1/1"]
    (summary,) = (line for line in lines if line.startswith("prompt: "))
    assert "of 4 clips, source asr" in summary  # one clip's words were set, three were heard: the least sure counts

    soundfile.write(voices / "cat/clip2.wav", whistle("all of it is new", 300.0).samples, RATE)
    assert command(typed, "show", "cat") == 1
    out = " ".join(capfd.readouterr().out.split())
    assert "warning: clip2.wav: stale: the audio changed since this text was made" in out
    assert "clip2.wav has changed since its words were set; set them again" in out


def test_show_says_of_nothing_that_it_was_not_heard_which_it_hears_itself(typed, voices, tmp_path, capfd):
    """The prompt needs the words of its two clips: they are heard, and stand in the table; the others are not."""
    without_texts(voices)
    assert command(typed, "show", "cat", "prompt.clips=2") == 0
    shown = capfd.readouterr()
    assert [line.split()[2] for line in shown.out.splitlines()[2:6]] == ["asr", "asr", "none", "none"]
    assert re.search(r"^prompt: \d\.\d\d s of 2 clips, source asr", shown.out, re.MULTILINE)
    assert shown.err.splitlines()[0] == "cat: to listen 8 times takes about 1 s on two cores; what is heard is kept"
    assert [line.split(",")[0] for line in shown.err.splitlines() if line.startswith("clips: ")] == ["clips: 4/4"]
    assert command(typed, "show", "ann") == 0
    assert capfd.readouterr().err.startswith("ann: to listen 4 times")
    assert command(typed, "show", "ann") == 0
    assert "to listen" not in capfd.readouterr().err  # all is kept


def test_words_that_are_written_otherwise_are_no_errors(typed, voices, tmp_path, capfd):
    """The judge's normaliser decides: "mr" is what it makes of "mister", and numbers are numbers."""
    manifest = yaml.safe_load((voices / "ann/voice.yaml").read_text())
    for clip, (heard, written) in zip(manifest["clips"], WRITTEN, strict=False):
        soundfile.write(voices / "ann" / clip["file"], whistle(heard, 150.0).samples, RATE)
        clip["text"] = written
    (voices / "ann/voice.yaml").write_text(yaml.safe_dump(manifest))
    assert command(typed, "show", "ann") == 0
    out = capfd.readouterr().out
    assert [line.split()[5] for line in out.splitlines()[2:5]] == ["0.00", "0.00", "0.50"]
    assert [line for line in out.splitlines() if "heard otherwise" in line] == ["clip2.wav: heard otherwise: red house"]


WRITTEN = [("mister brown came", "Mr. Brown came."), ("at 21 oaks", "At twenty-one oaks"), ("red house", "Red mouse")]


@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_show_fits_the_terminal(typed, capfd, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert command(typed, "show", "ann", "prompt.corrupt=0.4") == 0
    lines = capfd.readouterr().out.splitlines()
    assert max(map(len, lines)) <= int(columns)
    assert sum(SENTENCES[2] in line for line in lines) == 1
    assert lines[2].split()[:4] == ["clip0.wav", "0.69", "user", "-"]


def test_a_terminals_width_is_asked_before_its_output_goes_to_the_log(typed, tmp_path):
    """Under a terminal of 50 columns, and without `COLUMNS`."""
    places = [word for word in typed if not word.startswith(("engine", "judge", "reports_dir", "probes"))]
    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 50, 0, 0))
    environ = {key: value for key, value in environment().items() if key != "COLUMNS"}
    command = [sys.executable, "-m", "evalkit", "transcript", "show", "ann", "engine=tone", *places]
    with subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=there, stderr=subprocess.PIPE) as process:
        process.communicate()
    assert process.returncode == 0
    os.close(there)
    shown = os.read(here, 1 << 16).decode()
    os.close(here)
    assert "clip0.wav" in shown
    assert max(map(len, shown.splitlines())) <= 50


def test_show_tells_wrong_words(typed, voices, capfd):
    assert command(typed, "show", "ann", "prompt.corrupt=0.4") == 0
    assert "warning: prompt: WER" in capfd.readouterr().out
    assert command(typed, "show", "ann", "prompt.gap_seconds=0.3") == 0  # a gap of ten whistles
    assert "warning: prompt: WER" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "nobody"), "no voice 'nobody'"),
        (("show", "ann", "--clip", "x.wav"), "no prompt clip 'x.wav'; it has: clip0.wav"),
        (("set", "ann", "hello", "--clip", "clip0.wav"), "what you wrote there always wins"),
        (("set", "ann", "hello"), "name one with --clip FILE"),
        (("set", "cat", " ", "--clip", "clip0.wav"), "no words"),
        (("set", "cat", "--clip", "clip0.wav"), "no words"),  # what follows are overrides, never words
    ],
)
def test_what_the_command_refuses(typed, voices, capfd, words, message):
    without_texts(voices)
    assert command(typed, *words) == 2
    assert message in capfd.readouterr().err


def test_a_broken_book_is_named(typed, voices, tmp_path, capfd):
    without_texts(voices)
    command(typed, "auto", "cat")
    (book,) = (tmp_path / "transcripts").glob("cat-*.json")
    book.write_text("{")
    capfd.readouterr()
    main(["run", *typed])
    assert "is no book of transcripts" in capfd.readouterr().err
