"""The README, done as it says: each of its commands typed, with real models, on voices laid out as it shows.

Only what a run asks for is made smaller: one probe and one length of prompt, by settings that are typed after its own.
"""

import math
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from evalkit.resources import resource
from evalkit.voices import read_voices
from tests.conftest import folder_of, report_of, rows_of
from tests.test_docs import blocks

README = resource("README.md").read_text()
TYPED = re.findall(r"^ {4}(?:\.venv/bin/)?(python -m evalkit .*?)(?: +#.*)?$", README, flags=re.MULTILINE)
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
            if clip.use == "prompt":
                (home / "my_voices" / name / f"{file}.txt").write_text(clip.text or "")
    (code,), (node,) = (blocks("docs/adding-an-engine.md", language) for language in ("python", "yaml"))
    (home / "parrot.py").write_text(code)
    (home / "my_configs/engine").mkdir(parents=True)
    (home / "my_configs/engine/parrot.yaml").write_text(node)
    return home


@pytest.fixture
def typing(home: Path) -> Type:
    """Types a command of the README there."""

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


def test_the_readme_has_commands():
    assert len(TYPED) >= 3


@pytest.mark.parametrize("line", TYPED)
def test_a_command_of_the_readme_does_what_it_says(typing, home, line):
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


def test_make_demo_types_what_the_readme_says_and_rows_load_into_pandas(typing, home):
    recipe = subprocess.run(
        ["make", "--dry-run", "--silent", "demo"], cwd=resource("."), capture_output=True, text=True, check=True
    )
    fetch, run = [line.partition("python")[2] for line in recipe.stdout.splitlines() if "evalkit" in line][-2:]
    assert run.strip() in README
    assert typing(f"python{fetch}").returncode == 0
    done = typing(f"python{run} voices.path=my_voices")
    assert done.returncode == 0, done.stderr
    folder = folder_of(done)
    (code,) = blocks("README.md", "python")
    shown = f"{code}\nprint(rows.groupby('settings.prompt.seconds', dropna=False)['scores.sim'].mean().iloc[0])"
    told = subprocess.run(
        [sys.executable, "-c", shown.replace("reports/demo/RUN", str(folder))],
        cwd=home, capture_output=True, text=True, check=True,
    )  # fmt: skip
    scores = [row["scores"]["sim"] for row in rows_of(home / folder)]
    assert math.isclose(float(told.stdout), sum(scores) / len(scores), rel_tol=1e-6)
    sounds = [row["audio"] for row in rows_of(home / folder)]
    assert all((home / f".evalkit/store/sound/{name[:2]}/{name}.flac").is_file() for name in sounds)
    assert report_of(home / folder)["sweep"] == "demo"
