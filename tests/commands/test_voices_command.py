"""`voices import` from the outside: what is written, what stays, what is refused."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest
import soundfile

from evalkit.__main__ import main
from evalkit.audio import read_audio
from evalkit.corpora.writing import FIRST_LINE
from evalkit.voices import read_voices
from tests import trees

SHORT = ("--min-seconds", "1.5")


@pytest.fixture
def source(tmp_path):
    return trees.files(tmp_path / "source")


@pytest.fixture
def typed(source, tmp_path):
    return ["voices", "import", str(source), str(tmp_path / "mine"), *SHORT]


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_table_says_what_was_written_and_what_is_next(typed, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(typed) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0] == "voice           prompts  seconds  held out  seconds"
    assert [line.split()[:3] for line in shown.out.splitlines()[1:3]] == [
        ["ann", "written", "8"],
        ["ben", "written", "8"],
    ]
    assert f"next: python -m evalkit voices check {tmp_path}/mine" in shown.err
    assert "nothing says which language is spoken" in shown.err
    manifest = (tmp_path / "mine/ann/voice.yaml").read_text()
    assert manifest.startswith(FIRST_LINE)
    assert "licence: unknown\nsource: unknown\n" in manifest
    assert "language" not in manifest


def test_what_is_typed_of_all_voices_is_written(typed, tmp_path, capsys):
    assert main([*typed, "--licence", "CC0-1.0", "--source", "my attic", "--language", "de_DE"]) == 0
    voices = read_voices(tmp_path / "mine", None)
    assert {(voice.language, voice.licence) for voice in voices} == {("de", "CC0-1.0")}
    assert "source: my attic\n" in (tmp_path / "mine/ben/voice.yaml").read_text()


def test_the_same_source_gives_the_same_voices(typed, source, tmp_path):
    assert main(typed) == 0
    shutil.copytree(source, tmp_path / "elsewhere/copied")
    assert main(["voices", "import", str(tmp_path / "elsewhere/copied"), str(tmp_path / "again"), *SHORT]) == 0
    assert contents(tmp_path / "mine") == contents(tmp_path / "again")


def test_a_dry_run_says_the_same_and_writes_nothing(typed, tmp_path, capsys):
    assert main([*typed, "--dry-run"]) == 0
    dry = capsys.readouterr()
    assert not (tmp_path / "mine").exists()
    assert "nothing was written; to write it, type the same without --dry-run" in dry.err
    assert main(typed) == 0
    assert dry.out.replace("would be written", "written").split() == capsys.readouterr().out.split()


def test_what_is_there_stays_unless_it_is_forced(typed, tmp_path, capsys):
    assert main(typed) == 0
    before = contents(tmp_path / "mine")
    (tmp_path / "mine/ann/voice.yaml").write_text(FIRST_LINE + "\nclips: []\n")
    capsys.readouterr()
    assert main([*typed, "--clips", "2"]) == 0
    shown = capsys.readouterr()
    assert shown.out.count("there already") == 2
    assert "nothing was written: all are there" in shown.err
    assert (tmp_path / "mine/ann/voice.yaml").read_text().endswith("clips: []\n")
    assert main([*typed, "--force"]) == 0
    assert contents(tmp_path / "mine") == before


def test_what_no_import_wrote_is_never_replaced(typed, tmp_path, capsys):
    (tmp_path / "mine/ann").mkdir(parents=True)
    (tmp_path / "mine/ann/diary.txt").write_text("dear")
    assert main([*typed, "--force"]) == 1
    assert "mine/ann was not written by `voices import`, so --force does not replace it" in capsys.readouterr().err
    assert (tmp_path / "mine/ann/diary.txt").read_text() == "dear"


@pytest.mark.parametrize(
    ("more", "voices", "clips", "held_out"),
    [
        (["--names", "ben"], ["ben"], 8, 2),
        (["--voices", "1"], ["ann"], 8, 2),  # the digest of "ann" comes before that of "ben"
        (["--clips", "3", "--held-out", "1"], ["ann", "ben"], 3, 1),
        (["--held-out", "0"], ["ann", "ben"], 8, 0),
    ],
)
def test_options_choose(typed, tmp_path, more, voices, clips, held_out):
    assert main([*typed, *more]) == 0
    found = read_voices(tmp_path / "mine", None)
    assert [voice.name for voice in found] == voices
    assert {(len(voice.prompt_clips), len(voice.held_out_clips)) for voice in found} == {(clips, held_out)}


def test_so_many_voices_are_first_those_that_hold_clips_out(tmp_path, capsys):
    source = trees.librispeech(tmp_path / "source")
    typed = ["voices", "import", str(source), str(tmp_path / "mine"), *SHORT]
    assert main([*typed, "--voices", "2"]) == 0
    assert [voice.name for voice in read_voices(tmp_path / "mine", None)] == ["174", "84"]
    assert main([*typed, "--voices", "3"]) == 0
    assert "251: nothing is held out: it has but one chapter" in capsys.readouterr().out
    assert [voice.name for voice in read_voices(tmp_path / "mine", None)] == ["174", "251", "84"]


def test_a_copy_is_held_out_of_both_sides(tmp_path, capsys):
    source = tmp_path / "source/ann"
    shutil.copytree(trees.DEMO / "female_us", source)
    audio = read_audio(source / "prompt_01.flac").resampled(16_000)
    soundfile.write(source / "again.ogg", audio.samples * 0.5, 16_000)
    assert main(["voices", "import", str(tmp_path / "source"), str(tmp_path / "mine"), "--clips", "12"]) == 0
    (voice,) = read_voices(tmp_path / "mine", None)
    names = {clip.path.name for clip in voice.clips}
    assert len({"again.ogg", "prompt_01.flac"} & names) == 1
    assert "holds the same recording as" in capsys.readouterr().out


def test_clips_that_are_of_no_use_are_told_and_others_taken(typed, source, tmp_path, capsys):
    (source / "ann/prompt_01.wav").write_bytes(b"RIFF no audio")
    whole = (source / "ann/prompt_02.wav").read_bytes()
    (source / "ann/prompt_02.wav").write_bytes(whole[: len(whole) * 9 // 10])
    (source / "ann/prompt_03.txt").write_text("...")
    soundfile.write(source / "ann/prompt_04.wav", [0.0] * 32_000, 16_000)
    shutil.copy(source / "ben/prompt_05.wav", source / "ann/prompt_05.wav")
    assert main([*typed, "--clips", "9", "--force"]) == 0
    shown = capsys.readouterr().out
    for told in ("no audio that can be read", "is cut off", "'...' has no words", "is silent: its peak is"):
        assert told in " ".join(shown.split()), told
    assert main(["voices", "check", str(tmp_path / "mine"), "--no-judge"]) in (0, 1)
    assert len(read_voices(tmp_path / "mine", None)) == 2


def test_nobody_to_make_a_voice_of(source, tmp_path, capsys):
    code = main(["voices", "import", str(source), str(tmp_path / "mine")])  # 3 to 15 s: none has them
    shown = " ".join(capsys.readouterr().out.split())
    assert code == 1
    assert "ann: none of its 11 recordings can be a clip ann: not used: 11 shorter than 3 s" in shown
    assert list((tmp_path / "mine").glob("[!.]*")) == []


KILL = """
import os, signal, sys
from evalkit.corpora import writing, importing
from evalkit.__main__ import main
real, left = writing.copy, [{copies}]
def copy(*given):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*given)
writing.copy = copy
main(sys.argv[1:])
"""


@pytest.mark.parametrize("copies", [1, 4, 12])
def test_a_killed_import_leaves_no_half_voice(typed, tmp_path, copies, capsys):
    killed = subprocess.run([sys.executable, "-c", KILL.format(copies=copies), *typed], check=False)
    assert killed.returncode == -signal.SIGKILL
    left = [path.name for path in (tmp_path / "mine").iterdir() if path.is_dir()]
    whole = [name for name in left if not name.startswith(".")]
    assert whole == (["ann"] if copies == 12 else [])
    assert [name for name in left if name.startswith(".")] == [".ben.part" if copies == 12 else ".ann.part"]
    if whole:
        assert [voice.name for voice in read_voices(tmp_path / "mine", None)] == ["ann"]
    assert main(typed) == 0
    assert sorted(path.name for path in (tmp_path / "mine").iterdir() if path.is_dir()) == ["ann", "ben"]
    assert main([*typed[:3], str(tmp_path / "unhurt"), *SHORT]) == 0
    assert contents(tmp_path / "mine") == contents(tmp_path / "unhurt")


def test_two_imports_at_once_take_turns(typed, tmp_path):
    both = [subprocess.Popen([sys.executable, "-m", "evalkit", *typed], stdout=subprocess.PIPE) for _ in range(2)]
    said = sorted(process.communicate()[0].decode().count("there already") for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert said == [0, 2]
    assert len(read_voices(tmp_path / "mine", None)) == 2


def table(root, text, suffix="csv"):
    root.mkdir(exist_ok=True)
    for name in ("a", "b", "c"):
        trees.clips_of("female_us")[ord(name) - 97].write(root / f"{name}.wav")
    trees.clips_of("male_us")[0].write(root.parent / "outside.wav")
    path = root / f"meta.{suffix}"
    path.write_text(text)
    return path


HEAD = "audio,speaker,text\n"
REFUSED = {
    # what the table says, and what is told
    "path-leaves": (f"{HEAD}../outside.wav,ann,x\n", "line 2: .*outside.wav leads out of .*: --root DIR"),
    "absolute-path-leaves": (f"{HEAD}/etc/passwd,ann,x\n", "line 2: /etc/passwd leads out of .*: --root DIR"),
    "nul-in-a-path": (f'{HEAD}"a\0.wav",ann,x\n', r"line 2: the file name 'a\\x00.wav' has the control character"),
    "long-path": (f"{HEAD}{'a' * 300}.wav,ann,x\n", "300 bytes|304 bytes, file systems take 255"),
    "no-such-file": (f"{HEAD}none.wav,ann,x\n", "line 2: no audio file at .*none.wav"),
    "no-speaker": (f"{HEAD}a.wav,,x\n", "line 2: it tells no speaker"),
    "no-column": ("audio,text\na.wav,x\n", "no column tells the speaker; it has: audio, text"),
    "column-twice": ("audio,audio,speaker\n", "line 1: expected the names of the columns, each once"),
    "cells-missing": (f"{HEAD}a.wav,ann\n", "line 2: 2 cells, the header has 3"),
    "open-quote": (f'{HEAD}a.wav,ann,"x\n', "no CSV: unexpected end of data"),
    "bad-use": ("audio,speaker,use\na.wav,ann,test\n", "line 2: use is 'test'; it may be prompt or held_out"),
    "both-sides": (
        "audio,speaker,use,session\na.wav,ann,prompt,s\nb.wav,ann,held_out,s\n",
        "'s' is both for prompts and held out",
    ),
    "two-languages": (
        "audio,speaker,language\na.wav,ann,en\nb.wav,ann,de\n",
        "line 3: the language of speaker 'ann' is",
    ),
    "no-language": (
        "audio,speaker,language\na.wav,ann,English please\n",
        "'English please' is no code, as en or zh are",
    ),
    "long-speaker": (f"{HEAD}a.wav,{'n' * 5000},x\n", "has 5000 characters; give it a name"),
    "empty": ("", "line 1: expected the names of the columns"),
    "header-only": (HEAD, "has no recordings"),
}


@pytest.mark.hostile
@pytest.mark.parametrize("case", REFUSED)
def test_a_hostile_table_is_refused_by_line(case, tmp_path, capsys):
    text, message = REFUSED[case]
    path = table(tmp_path / "source", text)
    code = main(["voices", "import", str(path), str(tmp_path / "mine"), *SHORT])
    shown = capsys.readouterr()
    told = " ".join((shown.out + shown.err).split())
    assert code in (1, 2)
    assert re.search(message, told), told
    assert "Traceback" not in told
    assert not list((tmp_path / "mine").glob("[!.]*"))


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("[1, 2]", "line 1: expected an object, keys and values, got", id="list"),
        pytest.param('{"audio": 1e999, "speaker": "ann"}', "audio is inf; expected text", id="infinite"),
        pytest.param('{"audio": {"a": 1}, "speaker": "ann"}', "expected text", id="object"),
        pytest.param("[" * 100_000, "line 1: no JSON", id="deep"),
        pytest.param('{"audio": "a.wav"', "line 1: no JSON", id="cut"),
        pytest.param('{"audio": "\\ud800.wav", "speaker": "ann"}', "is no UTF-8", id="half-a-character"),
    ],
)
def test_hostile_json_is_refused_by_line(line, message, tmp_path, capsys):
    path = table(tmp_path / "source", line, "jsonl")
    assert main(["voices", "import", str(path), str(tmp_path / "mine"), *SHORT]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.hostile
@pytest.mark.parametrize(
    "speaker",
    ["../../x", "/etc", "..", ".hidden", "held_out", "a/b", "a\\b", "\x1b[31m", " ann ", "n" * 300, "声" * 90, "CON"],
    ids=ascii,
)
def test_any_speaker_gets_a_name_that_stays_in_the_folder(speaker, tmp_path, capsys):
    rows = [json.dumps({"audio": f"{name}.wav", "speaker": speaker}) for name in "abc"]
    path = table(tmp_path / "source", "\n".join(rows), "jsonl")
    before = {one for one in tmp_path.rglob("*") if "mine" not in one.parts}
    assert main(["voices", "import", str(path), str(tmp_path / "mine"), *SHORT]) == 0
    assert {one for one in tmp_path.rglob("*") if "mine" not in one.parts} == before
    (voice,) = read_voices(tmp_path / "mine", None)
    assert (tmp_path / "mine" / voice.name / "voice.yaml").is_file()
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.hostile
def test_two_hostile_names_are_two_voices(tmp_path):
    rows = [
        json.dumps({"audio": f"{file}.wav", "speaker": name})
        for file, name in zip("abc", ["a/b", "a\\b", "a_b"], strict=True)
    ]
    path = table(tmp_path / "source", "\n".join(rows), "jsonl")
    assert main(["voices", "import", str(path), str(tmp_path / "mine"), *SHORT]) == 0
    names = [voice.name for voice in read_voices(tmp_path / "mine", None)]
    assert len(set(names)) == 3
    assert "a_b" in names


@pytest.mark.hostile
def test_recordings_elsewhere_are_read_where_that_was_typed(tmp_path):
    path = table(tmp_path / "source", f"{HEAD}../outside.wav,ann,x\n{tmp_path}/source/a.wav,ben,x\n")
    assert main(["voices", "import", str(path), str(tmp_path / "mine"), *SHORT, "--root", str(tmp_path)]) == 0
    assert [voice.name for voice in read_voices(tmp_path / "mine", None)] == ["ann", "ben"]


@pytest.mark.hostile
def test_links_that_lead_out_are_not_followed(source, typed, tmp_path, capsys):
    trees.clips_of("female_gb")[0].write(tmp_path / "secret.wav")
    (source / "ann/link.wav").symlink_to(tmp_path / "secret.wav")
    (source / "ann/loop.wav").symlink_to(source / "ann/loop.wav")
    os.mkfifo(source / "ann/pipe.wav")
    assert main([*typed, "--clips", "20"]) == 0
    assert "leads out of" in " ".join(capsys.readouterr().out.split())
    names = {clip.path.name for clip in read_voices(tmp_path / "mine", ["ann"])[0].clips}
    assert not names & {"link.wav", "loop.wav", "pipe.wav"}


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("tree", "path"),
    [
        (trees.files, "ann/prompt_01.txt"),
        (trees.librispeech, "84/121123/84-121123.trans.txt"),
        (trees.libritts, "dev-clean/84/121123/84_121123_000000_000000.normalized.txt"),
        (trees.vctk, "txt/p225/p225_001.txt"),
    ],
    ids=["folder", "librispeech", "libritts", "vctk"],
)
def test_words_that_lead_out_are_not_read(tree, path, tmp_path, capsys):
    place = tree(tmp_path / "source")
    (tmp_path / "secret.txt").write_text("84-121123-0000 THE PASSWORD")
    (place / path).unlink()
    (place / path).symlink_to(tmp_path / "secret.txt")
    assert main(["voices", "import", str(place), str(tmp_path / "mine"), *SHORT]) == 2
    assert "leads out of" in capsys.readouterr().err
    assert not any("PASSWORD" in one.read_text() for one in (tmp_path / "mine").rglob("voice.yaml"))


@pytest.mark.hostile
def test_a_link_in_the_place_of_a_voice_is_left_alone(typed, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "precious").mkdir()
    (tmp_path / "mine/ann").symlink_to(tmp_path / "precious")
    assert main(typed) == 0
    assert main([*typed, "--force"]) == 1
    assert list((tmp_path / "precious").iterdir()) == []


MISTYPED = {
    "nothing-there": (["none", "mine"], "there is nothing at none"),
    "unknown-kind": (["source", "mine", "--kind", "x"], "--kind x: there is no such kind; there are: table, seed"),
    "empty": (["empty", "mine"], "the folder empty is empty"),
    "no-kind": (["unlike", "mine"], "looks like no source that is known; say which it is: --kind NAME"),
    "into-itself": (["source", "source/mine"], "source/mine lies in source, which stays as it is"),
    "unknown-name": (["source", "mine", "--names", "zoe"], "--names: there is no speaker 'zoe'; there are: ann, ben"),
    "no-clips": (["source", "mine", "--clips", "0"], "--clips 0: it takes 1 or more"),
    "lengths": (["source", "mine", "--min-seconds", "9", "--max-seconds", "3"], "expected 0 < min <= max"),
    "language": (["source", "mine", "--language", "Klingon"], "'Klingon' is no code"),
    "column": (["source", "mine", "--column", "colour=red"], "--column colour: expected WHAT=NAME with one of audio"),
    "root": (["source", "mine", "--root", "none"], "--root: there is no folder none"),
}


@pytest.mark.parametrize("case", MISTYPED)
def test_what_cannot_be_meant_is_said(case, source, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "unlike" / "something").mkdir(parents=True)
    arguments, message = MISTYPED[case]
    assert main(["voices", "import", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_files_of_nobody_are_refused(tmp_path, capsys):
    trees.clips_of("male_us")[0].write(tmp_path / "source/recording.wav")
    assert main(["voices", "import", str(tmp_path / "source"), str(tmp_path / "mine"), *SHORT]) == 2
    assert "recording.wav: whose voice is it? Name files SPEAKER_ANYTHING.wav" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["folder", "librispeech", "libritts", "vctk"])
@pytest.mark.parametrize("what", ["a file", "an empty folder"])
def test_a_source_of_another_kind_is_refused(what, kind, tmp_path, capsys):
    source = tmp_path / "texts.txt"
    source.mkdir() if what == "an empty folder" else source.write_text("one\n")
    assert main(["voices", "import", str(source), str(tmp_path / "mine"), "--kind", kind]) == 2
    assert str(source) in capsys.readouterr().err


def test_an_empty_folder_is_called_empty(tmp_path, capsys):
    (tmp_path / "none").mkdir()
    assert main(["voices", "import", str(tmp_path / "none"), str(tmp_path / "mine")]) == 2
    assert f"the folder {tmp_path / 'none'} is empty" in capsys.readouterr().err
