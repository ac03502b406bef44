"""docs/voices.md: each command that it shows is typed as it stands, on small sources of the names that it uses."""

import re
import shlex
from functools import cache

import pytest

from evalkit.__main__ import main
from evalkit.resources import resource
from evalkit.voices import read_voices
from tests import trees

COMMANDS = re.findall(r"^    python -m evalkit (.*)$", resource("docs/voices.md").read_text(), flags=re.MULTILINE)
IMPORTS = [line for line in COMMANDS if line.startswith("voices import")]


@cache
def longer(voice):
    """Returns recordings of three seconds and more, as people have them."""
    return [trees.whistled(clip.stem, f"{clip.words} {clip.words}", trees.HUMS[voice]) for clip in short(voice)]


short = trees.clips_of


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.setattr(trees, "clips_of", longer)
    monkeypatch.chdir(tmp_path)


def recordings_csv(here):
    trees.table(here).rename(here / "recordings.csv")


def data_set_with_splits(here):
    import datasets

    saved = datasets.load_from_disk(trees.dataset(here / "saved"))
    datasets.DatasetDict({"train": saved, "test": saved}).save_to_disk(here / "my_data_set")


def seedtts_testset(here):
    path = trees.seed_tts(here / "seedtts_testset")
    path.with_name("meta.lst").write_text(re.sub(r"\|[^|]*$", "", path.read_text(), flags=re.MULTILINE))


MADE = {
    "recordings": lambda here: trees.files(here / "recordings"),
    "attic": lambda here: trees.flat_files(here / "attic"),
    "LibriSpeech/dev-clean": lambda here: trees.librispeech(here / "LibriSpeech"),
    "LibriTTS/dev-clean": lambda here: trees.libritts(here / "LibriTTS"),
    "VCTK": lambda here: trees.vctk(here / "VCTK"),
    "recordings.csv": recordings_csv,
    "my_data_set": data_set_with_splits,
    "seedtts_testset/en/non_para_reconstruct_meta.lst": seedtts_testset,
}


def test_each_kind_has_its_command():
    assert [shlex.split(line)[2] for line in IMPORTS] == list(MADE)


@pytest.mark.parametrize("line", IMPORTS)
def test_an_import_of_the_page(line, tmp_path, capsys):
    MADE[shlex.split(line)[2]](tmp_path)
    assert main(shlex.split(line)) == 0, capsys.readouterr()
    assert all(voice.prompt_clips and voice.clips[0].text for voice in read_voices(tmp_path / "my_voices", None)) or (
        "attic" in line  # nobody wrote the words down
    )


def test_all_other_commands_of_the_page(tmp_path, capsys):
    for line in [IMPORTS[0], *(line for line in COMMANDS if line not in IMPORTS)]:
        if line.startswith("voices import"):
            trees.files(tmp_path / "recordings")
        elif "texts.txt" in line:
            (tmp_path / "texts.txt").write_text("A first text.\nA second one.\n")
        elif "meta.lst" in line:
            seedtts_testset(tmp_path)
        typed = [*shlex.split(line), *(["--no-judge"] if line.startswith("voices check") else [])]
        code = main(typed)
        assert code in ((0, 1) if line.startswith("voices check") else (0,)), (line, capsys.readouterr())
