import pytest
import yaml

from evalkit.errors import DataError
from evalkit.voices import read_voices
from tests.conftest import make_voice


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
