import os
import re
import shutil

import pytest
import soundfile
import yaml

from evalkit.audio import read_audio
from evalkit.errors import DataError
from evalkit.resources import resource
from evalkit.voices import read_voices
from evalkit.whistle import whistle
from tests.conftest import HUMS, make_voice

DEMO = resource("probes/voices/demo/male_gb")


def test_reads_a_folder_of_voices_sorted_by_name(voices):
    found = read_voices(voices, None)
    assert [voice.name for voice in found] == ["ann", "ben", "cat"]
    assert [len(found[0].prompt_clips), len(found[0].held_out_clips)] == [4, 1]
    assert [voice.name for voice in read_voices(voices, ["cat", "ann"])] == ["cat", "ann"]


def test_reads_the_folder_of_one_voice(voices):
    assert [voice.name for voice in read_voices(voices / "ben", None)] == ["ben"]


def test_reads_clips_with_texts_beside_them(tmp_path):
    folder = make_voice(tmp_path / "dora", 200.0)
    (folder / "voice.yaml").unlink()
    (folder / "held_out").mkdir()
    (folder / "clip4.wav").rename(folder / "held_out/last.wav")
    (folder / "clip0.txt").write_text("\ufeffone two\n", encoding="utf-8")
    (voice,) = read_voices(tmp_path, None)
    assert [clip.path.name for clip in voice.prompt_clips] == ["clip0.wav", "clip1.wav", "clip2.wav", "clip3.wav"]
    assert [clip.text for clip in voice.prompt_clips] == ["one two", None, None, None]
    assert [clip.path.name for clip in voice.reference_clips] == ["last.wav"]


def test_without_held_out_clips_the_prompt_clips_are_the_reference(tmp_path):
    make_voice(tmp_path / "dora", 200.0, held_out=False)
    (voice,) = read_voices(tmp_path, None)
    assert voice.reference_clips == voice.prompt_clips


def clips(*entries):
    return {"clips": list(entries)}


WRONG = {
    "leaves": (clips({"file": "../ann/clip0.wav"}), "leaves the folder"),
    "absolute": (clips({"file": "/etc/passwd"}), "leaves the folder"),
    "held_out only": (clips({"file": "clip0.wav", "use": "held_out"}), "no prompt clip"),
    "no clips": (clips(), "no prompt clip"),
    "unknown use": (clips({"file": "clip0.wav", "use": "test"}), r"clips\.0\.use.*'prompt' or 'held_out'"),
    "unknown key": ({**clips({"file": "clip0.wav"}), "licens": "x"}, "licens"),
    "a list": (["clip0.wav"], "dictionary"),
}


@pytest.mark.parametrize("case", WRONG)
def test_refuses_a_wrong_manifest(voices, case):
    content, message = WRONG[case]
    (voices / "ben/voice.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(DataError, match=message) as refused:
        read_voices(voices, None)
    assert "ben" in str(refused.value)


def test_refuses_what_is_no_yaml_and_no_utf8(voices, tmp_path):
    (voices / "ben/voice.yaml").write_text("clips: [")
    with pytest.raises(DataError, match="is not YAML"):
        read_voices(voices, None)
    (voices / "ben/voice.yaml").unlink()
    (voices / "ben/clip0.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not UTF-8"):
        read_voices(voices, None)


def test_refuses_what_would_make_voices_vanish(voices, tmp_path):
    (voices / "ann/clip0.wav").rename(voices / "stray.wav")
    with pytest.raises(DataError, match=r"both clips \(stray.wav\) and folders of clips"):
        read_voices(voices, None)
    (voices / "stray.wav").unlink()
    (voices / "dan").mkdir()
    (voices / "dan/a.m4a").write_bytes(b"x")
    with pytest.raises(DataError, match=r"dan has only audio that cannot be read"):
        read_voices(voices, None)


def test_a_held_out_clip_that_is_a_prompt_clip_too_is_refused(voices):
    (voices / "ann/clip4.wav").write_bytes((voices / "ann/clip0.wav").read_bytes())
    with pytest.raises(DataError, match=r"held-out clip clip4.wav is the same recording as prompt clip clip0.wav"):
        read_voices(voices, None)


def test_files_are_a_voice(voices):
    (voice,) = read_voices(voices / "ann/clip1.wav", None)
    assert (voice.name, len(voice.clips)) == ("clip1", 1)


def test_refuses_unknown_names_and_places(voices, tmp_path):
    with pytest.raises(DataError, match=r"no voice 'dan'.*ann, ben, cat"):
        read_voices(voices, ["dan"])
    with pytest.raises(DataError, match="no folder of voices"):
        read_voices(tmp_path / "nowhere", None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no voice in"):
        read_voices(tmp_path / "empty", None)


def test_voices_of_a_package_that_is_not_installed(tmp_path):
    path = tmp_path / "package.yaml"
    path.write_text(yaml.safe_dump({"package": "no_such_package", "install": "pip install it", "voices": []}))
    with pytest.raises(DataError, match="type pip install it"):
        read_voices(path, None)


def demo_voice(folder, *, held_out=("held_out_11",)):
    """Copies two prompt clips and a held-out one of a demo voice: real enough to be compared."""
    folder.mkdir(parents=True)
    for name in ("prompt_04", "prompt_06"):
        shutil.copy(DEMO / f"{name}.flac", folder)
    (folder / "held_out").mkdir()
    for name in held_out:
        shutil.copy(DEMO / f"{name}.flac", folder / "held_out")
    return folder


def add_encoded(folder, name, rate, start=0.0, gain=1.0):
    audio = read_audio(DEMO / "prompt_04.flac").resampled(rate)
    soundfile.write(folder / "held_out" / name, audio.samples[round(start * rate) :] * gain, rate)


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("name", "rate", "start", "gain"),
    [
        pytest.param("other.wav", 24_000, 0.0, 1.0, id="f08-as-wav"),
        pytest.param("other.mp3", 24_000, 0.0, 0.5, id="f08-as-quiet-mp3"),
        pytest.param("other.ogg", 16_000, 0.3, 1.0, id="f08-as-trimmed-ogg"),
    ],
)
def test_a_prompt_clip_encoded_anew_is_not_held_out(tmp_path, name, rate, start, gain):
    folder = demo_voice(tmp_path / "ann")
    assert len(read_voices(folder, None)[0].held_out_clips) == 1
    add_encoded(folder, name, rate, start, gain)
    with pytest.raises(
        DataError, match=rf"held-out clip {name} is the same recording as prompt clip prompt_04.flac, e"
    ):
        read_voices(folder, None)


def folder_with(folder, *files):
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".wav"):
            soundfile.write(path, whistle("red green blue", 150.0).samples, 16_000)
        else:
            path.write_bytes(b"x")


SAID = {
    "f10-voice-one-level-deeper": (
        ["more/dan/a.wav"],
        r"more/dan lies one level too deep to be a voice .*path=.*/more$",
    ),
    "f10-m4a-among-wavs": (["dan/a.wav", "dan/b.m4a"], r"dan/b.m4a is not read: convert it to WAV, FLAC, OGG$"),
    "f10-m4a-held-out": (["dan/a.wav", "dan/held_out/b.m4a"], r"dan/held_out/b.m4a is not read"),
    "f10-folder-in-a-voice": (["dan/a.wav", "dan/more/b.wav"], r"dan/more lies within the folder of a voice"),
    "f10-held-out-of-nobody": (["held_out/a.wav"], r"held_out belongs to no voice: it is not read$"),
    "f11-hidden-voice": ([".trash/a.wav"], r"\.trash is hidden, so it is not read$"),
    "f41-macos": (["dan/a.wav", "dan/._a.wav"], r"dan/\._a\.wav is hidden, so it is not read$"),
}


@pytest.mark.hostile
@pytest.mark.parametrize("case", SAID)
def test_what_looks_like_a_voice_and_is_not_read_is_said(voices, case):
    files, message = SAID[case]
    folder_with(voices, *files)
    said = []
    found = read_voices(voices, None, remark=said.append)
    assert [voice.name for voice in found] == ["ann", "ben", "cat", *(["dan"] if "dan/a.wav" in files else [])]
    assert [len(voice.clips) for voice in found if voice.name == "dan"] in ([], [1])
    assert len(said) == 1
    assert re.search(message, said[0])


@pytest.mark.hostile
@pytest.mark.parametrize(
    "files",
    [pytest.param([".git/a.txt", "notes/b.txt", ".DS_Store", "dan.txt"], id="f41-what-is-no-audio-is-not-said")],
)
def test_what_has_nothing_to_do_with_voices_is_not_said(voices, files):
    folder_with(voices, *files)
    said = []
    read_voices(voices, None, remark=said.append)
    assert said == []


REFUSED = {
    "f10-held-out-only": (["dan/held_out/a.wav"], "voice 'dan' has no prompt clip"),
    "f10-m4a-only": (["dan/a.m4a"], "dan has only audio that cannot be read"),
    "f06-only-dots": ({"dan/a.wav": None, "dan/a.txt": " ... \n"}, r"dan/a.txt: '...' has no words; write those"),
    "f25-no-utf8": ({"dan/a.wav": None, "dan/a.txt": b"caf\xe9"}, r"dan/a.txt is not UTF-8 text \(line 1, byte 0xe9"),
    "f20-escape-in-words": ({"dan/a.wav": None, "dan/a.txt": "be \x1b[2Jgone"}, r"dan/a.txt: the text has the control"),
    "f23-words-are-a-device": ({"dan/a.wav": None, "dan/a.txt": "-> /dev/zero"}, r"dan/a.txt is no file that can be"),
    "f19-name-leaves": (
        {"dan/voice.yaml": "name: ../../../X\nclips: [{file: a.wav}]"},
        r"dan/voice.yaml: the voice name ",
    ),
    "f19-absolute-name": ({"dan/voice.yaml": "name: /tmp/X\nclips: [{file: a.wav}]"}, r"'/tmp/X' has a '/', as paths"),
    "f20-escape-in-a-name": (
        {"dan/voice.yaml": 'name: "\\e[31m"\nclips: [{file: a.wav}]'},
        r"'\\x1b\[31m' has the cont",
    ),
    "f06-dots-in-a-manifest": (
        {"dan/voice.yaml": "clips: [{file: a.wav, text: '…'}]"},
        r"voice.yaml, a.wav: '…' has no",
    ),
    "f13-clips-twice": ({"dan/voice.yaml": "clips: [{file: a.wav}]\nclips: []"}, r"line 2: the key 'clips' stands the"),
    "f30-nul": ({"dan/voice.yaml": 'clips: [{file: "a\\0.wav"}]'}, r"voice.yaml: the file name 'a\\x00.wav' has the"),
    "f30-long-file-name": (
        {"dan/voice.yaml": f"clips: [{{file: {'a' * 300}.wav}}]"},
        "304 bytes, file systems take 255",
    ),
    "f30-not-utf8-on-disk": ([b"d\xe9n/a.wav"], r"the voice name 'd\\udce9n' is no UTF-8 \(at character 2\)"),
    "f30-clip-not-utf8": ([b"dan/\xe9.wav"], r"the file name '\\udce9.wav' in .*dan is no UTF-8"),
    "f20-escape-in-a-file-name": (
        ["dan/\x1b[31m.wav"],
        r"the file name '\\x1b\[31m.wav' in .*dan has the control char",
    ),
}


@pytest.mark.hostile
@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_voice_is_refused_by_name_and_can_be_left_out(voices, case):
    files, message = REFUSED[case]
    for name, content in files.items() if isinstance(files, dict) else dict.fromkeys(files).items():
        path = voices / os.fsdecode(name)
        path.parent.mkdir(exist_ok=True, parents=True)
        if content is None:
            soundfile.write(os.fsencode(path), whistle("red green blue", 150.0).samples, 16_000, format="WAV")
        elif isinstance(content, str) and content.startswith("-> "):
            path.symlink_to(content[3:])
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=message):
        read_voices(voices, None)
    (folder,) = {path.name for path in voices.iterdir()} - {"ann", "ben", "cat"}
    assert [voice.name for voice in read_voices(voices, None, [folder])] == ["ann", "ben", "cat"]
    assert [voice.name for voice in read_voices(voices, ["ben"])] == ["ben"]


@pytest.mark.hostile
def test_f35_a_bad_text_costs_only_who_chooses_its_voice(voices):
    (voices / "ben/voice.yaml").write_text("clips: [")
    with pytest.raises(DataError, match=r"ben/voice.yaml is not YAML"):
        read_voices(voices, ["ben", "ann"])
    assert [voice.name for voice in read_voices(voices, ["cat", "ann"])] == ["cat", "ann"]
    with pytest.raises(DataError, match=r"voices.exclude: no voice dan among ann, ben, cat"):
        read_voices(voices, None, ["dan"])


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("place", "message"),
    [
        pytest.param(
            "more/ann", r"no voice in .*, but one level deeper: .*more/ann; give voices.path=.*/more", id="f10"
        ),
        pytest.param("held_out", "has only held-out clips, none to prompt engines with", id="f10-held-out-alone"),
    ],
)
def test_a_folder_without_voices_says_where_they_are(tmp_path, place, message):
    folder_with(tmp_path / "voices", f"{place}/a.wav")
    with pytest.raises(DataError, match=message):
        read_voices(tmp_path / "voices", None)


@pytest.mark.hostile
def test_f11_a_copied_voice_is_refused_until_one_is_left_out(voices):
    shutil.copytree(voices / "ann", voices / "ann copy")
    with pytest.raises(DataError, match=r"voices 'ann' and 'ann copy' have the same recording .*one speaker counted"):
        read_voices(voices, None)
    assert [voice.name for voice in read_voices(voices, None, ["ann copy"])] == ["ann", "ben", "cat"]


@pytest.mark.hostile
def test_f11_two_ways_of_speaking_may_share_held_out_clips_and_it_is_said(voices):
    shutil.copy(voices / "ann/clip4.wav", voices / "ben/clip4.wav")
    said = []
    assert len(read_voices(voices, None, remark=said.append)) == 3
    assert re.search("voices 'ann' and 'ben' have the same recording .*ann/clip4.wav and .*ben/clip4.wav", said[0])


@pytest.mark.hostile
@pytest.mark.parametrize("name", ["1234", "null", "1e3", "Ann O'Neil", 'a "b" c', "a,b", "[x]", "声"])
def test_f34_unusual_names_are_names(tmp_path, name):
    make_voice(tmp_path / name, 200.0)
    assert [voice.name for voice in read_voices(tmp_path, [name])] == [name]


def test_several_folders_are_the_voices_of_all(tmp_path):
    for folder, names in (("one", ["ann", "ben"]), ("two", ["cat"]), ("three", ["ann"])):
        for name in names:
            make_voice(tmp_path / folder / name, HUMS[name])
    found = read_voices([tmp_path / "one", tmp_path / "two"], None)
    assert [voice.name for voice in found] == ["ann", "ben", "cat"]
    assert [voice.name for voice in read_voices([tmp_path / "one", tmp_path / "two"], ["cat"])] == ["cat"]
    with pytest.raises(DataError, match="two voices share the name 'ann'"):
        read_voices([tmp_path / "one", tmp_path / "three"], None)
