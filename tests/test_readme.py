"""Getting started, done as it says: each of its commands typed, with real models, on voices laid out as it shows.

Only what a run asks for is made smaller: one probe and one length of prompt, by settings that are typed after its own.
"""

import math
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

import evalkit
from evalkit.resources import resource
from evalkit.voices import read_voices
from tests.conftest import folder_of, report_of, rows_of
from tests.documented import blocks, typed_commands

STARTED = resource("docs/index.md").read_text()
TYPED = [f"python -m evalkit {one.words}" for one in typed_commands() if one.page == "docs/index.md" and one.words]
TRANSCRIPTS = [one.words for one in typed_commands() if one.page == "docs/prompts.md" and "transcript" in one.words]
SMALLER = {"+sweep=demo": ["grid=['engine.bank=2']", "probes.ids=[number]"], "engine=NAME": ["probes.ids=[number]"]}

Type = Callable[[str], subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with voices and an engine of one's own, as the README lays them out."""
    home = tmp_path_factory.mktemp("home")
    for name, voice in zip(("alice", "bob"), read_voices(resource("probes/voices/demo"), None), strict=False):
        (home / "my_voices" / name / "held_out").mkdir(parents=True)
        clips = [*voice.prompt_clips[:2], voice.held_out_clips[0]]
        for file, clip in zip(("one", "two", "held_out/three"), clips, strict=True):
            samples, rate = soundfile.read(clip.path)
            soundfile.write(home / "my_voices" / name / f"{file}.wav", samples, rate)
            if clip.use == "prompt" and (name, file) != ("bob", "one"):  # words that are to be heard, or set
                (home / "my_voices" / name / f"{file}.txt").write_text(clip.text or "")
    (code,), (node,) = (blocks("docs/adding-an-engine.md", language) for language in ("python", "yaml"))
    (home / "parrot.py").write_text(code)
    (home / "my_configs/engine").mkdir(parents=True)
    (home / "my_configs/engine/parrot.yaml").write_text(node)
    return home


@pytest.fixture
def typing(home: Path) -> Type:
    """Types a command there."""

    def command(line: str) -> subprocess.CompletedProcess[str]:
        _, *words = shlex.split(line.replace("NAME", "parrot"))
        smaller = [word for key, more in SMALLER.items() if key in line for word in more]
        return subprocess.run(
            [sys.executable, *words, *(smaller if words[2] == "run" else [])],
            cwd=home,
            env={**os.environ, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return command


def test_there_are_commands():
    assert len(TYPED) >= 3
    assert len(TRANSCRIPTS) >= 4


@pytest.mark.parametrize("line", TYPED)
def test_a_command_for_who_starts_does_what_it_says(typing, home, line):
    before = set(home.glob("reports/*/*"))
    done = typing(line)
    assert done.returncode == 0, done.stderr
    if "dry_run=true" in line:
        assert "voices: alice, bob" in done.stdout
        assert set(home.glob("reports/*/*")) == before
        return
    rows = rows_of(home / folder_of(done))
    assert {row["voice"] for row in rows} == {"alice", "bob"}
    assert all(row["state"] == "scored" for row in rows)


@pytest.mark.parametrize("words", TRANSCRIPTS)
def test_a_command_about_words_does_what_it_says(typing, words):
    done = typing(f"python -m evalkit {words} transcripts=heard")  # the runs of other tests are to know no words of it
    assert done.returncode == 0, done.stderr
    if shown := [block for block in blocks("docs/prompts.md", "") if words.split()[2] in block.split()[:1]]:
        assert done.stdout.rstrip() == shown[0].rstrip()


def test_make_demo_types_what_pages_say_and_rows_load_into_pandas(typing, home):
    recipe = subprocess.run(
        ["make", "--dry-run", "--silent", "demo"], cwd=resource("."), capture_output=True, text=True, check=True
    )
    fetch, run = [line.partition("python")[2] for line in recipe.stdout.splitlines() if "evalkit" in line][-2:]
    assert run.strip() in STARTED
    assert run.strip() in resource("README.md").read_text()
    assert typing(f"python{fetch}").returncode == 0
    done = typing(f"python{run} voices.path=my_voices")
    assert done.returncode == 0, done.stderr
    folder = folder_of(done)
    loaded = evalkit.load_report(home / folder)
    by_seconds = loaded.rows.groupby("prompt.seconds", dropna=False)["sim"].mean()
    scores = [row["scores"]["sim"] for row in rows_of(home / folder)]
    assert math.isclose(by_seconds.iloc[0], sum(scores) / len(scores), rel_tol=1e-6)
    sounds = [row["audio"] for row in rows_of(home / folder)]
    assert all((home / f".evalkit/store/sound/{name[:2]}/{name}.flac").is_file() for name in sounds)
    assert report_of(home / folder)["sweep"] == "demo"
