"""`transcript` with the names, words and files that people have."""

import os

import pytest
import yaml

from evalkit.__main__ import main
from tests.conftest import SENTENCES, make_voice

pytestmark = pytest.mark.hostile


@pytest.fixture
def places(typed):
    return [word for word in typed if not word.startswith(("judge", "reports_dir", "probes"))]


def wordless_voice(folder):
    make_voice(folder, 260.0)
    manifest = yaml.safe_load((folder / "voice.yaml").read_text())
    for clip in manifest["clips"]:
        del clip["text"]
    (folder / "voice.yaml").write_text(yaml.safe_dump(manifest))


def transcript(capfd, *typed):
    code = main(["transcript", *typed])
    shown = capfd.readouterr()
    assert "Traceback" not in shown.err
    return code, shown.out, shown.err


UNUSUAL = ["1234", "null", "1e3", "true", "Ann O'Neil", 'a "b" c', "a,b", "[x]", "a=b", "声", "${x}", "~x"]


@pytest.mark.parametrize("name", [pytest.param(name, id=f"f34-{name}") for name in UNUSUAL])
def test_a_voice_of_any_name(places, voices, capfd, name):
    wordless_voice(voices / name)
    code, _, said = transcript(capfd, "set", name, "one two three", "--clip", "clip0.wav", *places)
    assert (code, said) == (0, f"{name}: clip0.wav: one two three\n")
    code, out, _ = transcript(capfd, "show", name, *places)
    assert code == 0
    assert out.startswith(f"{name} (en), 4 prompt clips\n")
    assert "one two three" in out


def test_f34_what_is_to_be_typed_can_be_typed(places, voices, capfd):
    wordless_voice(voices / "Ann O'Neil")
    code, _, said = transcript(capfd, "set", "Ann O'Neil", "--clip", "clip0.wav", *places)
    assert code == 2
    assert """transcript set 'Ann O'"'"'Neil' --clip clip0.wav 'WORDS'""" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(("show", "ann,ben"), "no voice 'ann,ben' in", id="f27-two-voices"),
        pytest.param(("show", "[ann]"), "no voice '[ann]' in", id="f27-list"),
        pytest.param(("show", "ann", "prompt.seconds=1,2"), "an axis makes several trials, here is one", id="f27-axis"),
        pytest.param(("set", "cat", "...", "--clip", "clip0.wav"), "'...' has no words", id="f06-only-dots"),
        pytest.param(("set", "cat", "be \x1b[2Jgone", "--clip", "clip0.wav"), "control character U+001B", id="f20-set"),
        pytest.param(("set", "cat", os.fsdecode(b"caf\xe9"), "--clip", "clip0.wav"), "no UTF-8", id="f25-set"),
        pytest.param(("set", "cat", "word " * 50_000, "--clip", "clip0.wav"), "too long: 249999", id="f25-endless"),
        pytest.param(("show", "cat", "voices.path='/tmp/\x1b[31m'"), "U+001B", id="f20-path"),
        pytest.param(("show", os.fsdecode(b"\xff")), "no voice '\\udcff'", id="f30-name-no-utf8"),
    ],
)
def test_what_is_refused(places, voices, tmp_path, capfd, words, message):
    (voices / "cat/voice.yaml").unlink()
    code, out, said = transcript(capfd, *words, *(place for place in places if place.split("=")[0] not in words[-1]))
    assert (code, out) == (2, "")
    assert message in said
    assert len(said.splitlines()) == 1
    assert "\x1b" not in said
    assert not list(tmp_path.glob("transcripts/*.json"))


@pytest.mark.parametrize("action", [("set", "cat", "words", "--clip", "clip0.wav"), ("show", "cat"), ("auto", "cat")])
def test_f25_a_book_that_is_not_utf8_is_named(places, voices, tmp_path, capfd, action):
    (voices / "cat/voice.yaml").unlink()
    assert transcript(capfd, "set", "cat", "one", "--clip", "clip0.wav", *places)[0] == 0
    (book,) = (tmp_path / "transcripts").glob("cat-*.json")
    book.write_bytes(b'{"caf\xe9": {}}')
    code, out, said = transcript(capfd, *action, *places)
    assert code != 0
    assert f"{book} is not UTF-8 text (line 1, byte 0xe9)" in out + said
    assert book.read_bytes() == b'{"caf\xe9": {}}'


def test_f06_dots_that_a_book_has_from_earlier_are_no_words(places, voices, tmp_path, capfd):
    (voices / "cat/voice.yaml").unlink()
    assert transcript(capfd, "set", "cat", "one two", "--clip", "clip0.wav", *places)[0] == 0
    (book,) = (tmp_path / "transcripts").glob("cat-*.json")
    book.write_text(book.read_text().replace("one two", "..."))
    code, out, _ = transcript(capfd, "show", "cat", *places)
    assert code == 1
    assert (
        "the text set for clip0.wav, '...', has no words; set them: python -m evalkit transcript set cat"
        in " ".join(out.split())
    )


def test_f35_the_words_of_one_voice_can_be_shown_beside_a_bad_one(places, voices, capfd):
    (voices / "ben/voice.yaml").write_text("clips: [")
    assert transcript(capfd, "show", "ann", *places)[0] == 0
    code, _, said = transcript(capfd, "show", "ben", *places)
    assert code == 2
    assert "ben/voice.yaml is not YAML" in said


def test_f22_a_log_that_is_a_link_is_not_followed(places, tmp_path, capfd):
    (tmp_path / "store").mkdir()
    (tmp_path / "store/transcript.log").symlink_to(tmp_path / "elsewhere")
    code, _, said = transcript(capfd, "show", "ann", *places)
    assert code == 0  # as on a store that may only be read
    assert "cannot write" in said
    assert not (tmp_path / "elsewhere").exists()


def test_the_words_of_ann_are_those_in_her_manifest(places, capfd):
    assert SENTENCES[0] in transcript(capfd, "show", "ann", *places)[1]
