"""Fixtures: voices that `tone` clones, and the command as a user types it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
import yaml

from evalkit.assets import library
from evalkit.engines.tone import whistle

HUMS = {"ann": 150.0, "ben": 220.0, "cat": 300.0}
EMBEDDED = ("whisper_base_ct2", "campplus", "ge2e", "kokoro_int8", "kokoro_voices")  # what package registries have
SENTENCES = ("one two three four five", "six seven eight nine ten", "red green blue black white", "north south east")
HELD_OUT = "this was never heard"

Command = Callable[..., subprocess.CompletedProcess[str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if library().missing(EMBEDDED):
        skip = pytest.mark.skip(reason="weights are missing; type: python -m evalkit fetch --sweep demo")
        for item in items:
            if "weights" in item.keywords:
                item.add_marker(skip)


def make_voice(folder: Path, hum: float, *, held_out: bool = True, rate: int = 16_000) -> Path:
    """Writes a voice of whistled clips with a voice.yaml."""
    folder.mkdir(parents=True)
    texts = [*SENTENCES, *([HELD_OUT] if held_out else [])]
    clips = []
    for index, text in enumerate(texts):
        audio = whistle(text, hum).resampled(rate)
        soundfile.write(folder / f"clip{index}.wav", audio.samples, rate, subtype="FLOAT")
        clips.append({"file": f"clip{index}.wav", "text": text, "use": "held_out" if text == HELD_OUT else "prompt"})
    (folder / "voice.yaml").write_text(yaml.safe_dump({"clips": clips, "language": "en", "licence": "CC0-1.0"}))
    return folder


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    folder = tmp_path / "voices"
    for name, hum in HUMS.items():
        make_voice(folder / name, hum)
    return folder


@pytest.fixture
def probes(tmp_path: Path) -> Path:
    path = tmp_path / "probes.yaml"
    texts = {"fox": "the quick brown fox", "dog": "jumps over a lazy dog", "sun": "a cold sun rose late"}
    entries = [{"id": id, "text": text} for id, text in texts.items()]
    path.write_text(yaml.safe_dump({"name": "tiny", "version": 1, "language": "en", "probes": entries}))
    return path


@pytest.fixture
def typed(tmp_path: Path, voices: Path, probes: Path) -> list[str]:
    """What is typed after `run` for a small run of the fakes."""
    return [
        "engine=tone",
        "judge=fake",
        "reference=fake",
        f"voices.path={voices}",
        f"probes.path={probes}",
        f"store={tmp_path}/store",
        f"transcripts={tmp_path}/transcripts",
        f"reports_dir={tmp_path}/reports",
    ]


def environment() -> dict[str, str]:
    return {**os.environ, "COLUMNS": "140", "PYTHONWARNINGS": "ignore"}


@pytest.fixture
def evalkit(tmp_path: Path) -> Command:
    """Runs `python -m evalkit ...` in an empty folder."""

    def command(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "evalkit", *arguments],
            cwd=tmp_path,
            env={**environment(), **variables},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return command


def folder_of(done: subprocess.CompletedProcess[str]) -> Path:
    """Returns the run's folder: the last line of standard output."""
    return Path(done.stdout.splitlines()[-1])


def rows_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "utterances.jsonl").read_text().splitlines()]


def report_of(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text())
