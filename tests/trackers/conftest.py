"""A run as typed, in a process of its own, which several assertions share: trackers' packages are slow to import."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from evalkit.resources import resource
from tests.conftest import HUMS, make_voice, report_of, rows_of, wait_until

PLACES = ("HOME", "TMPDIR")


@dataclass(frozen=True)
class Place:
    """An empty folder with voices and probes, where runs are typed."""

    path: Path

    def run(self, *typed: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*typed), cwd=self.path, env=self.environment(**variables), capture_output=True, text=True,
            timeout=300, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def command(self, *typed: str) -> list[str]:
        return [
            *(sys.executable, "-m", "evalkit", "run", "engine=tone", "judge=fake", "ears=fake", "voices.path=voices"),
            *("probes.path=probes.yaml", *typed),
        ]

    def environment(self, **variables: str) -> dict[str, str]:
        """Returns an environment whose home is here, so that what is written there is seen."""
        here = {name: str(self.path / name.lower()) for name in PLACES}
        for folder in here.values():
            Path(folder).mkdir(exist_ok=True)
        known = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "WANDB_"))}
        return {**known, **here, "COLUMNS": "140", "PYTHONPATH": str(resource(".").resolve()), **variables}

    @property
    def folder(self) -> Path:
        return max(self.path.glob("reports/*/*"), key=lambda folder: folder.name)

    @property
    def report(self) -> dict:
        return report_of(self.folder)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Place]:
    """Makes a place."""

    def make(name: str) -> Place:
        path = tmp_path_factory.mktemp(name)
        for voice, hum in HUMS.items():
            make_voice(path / "voices" / voice, hum)
        entries = [{"id": "fox", "text": "the quick brown fox"}, {"id": "dog", "text": "jumps over a lazy dog"}]
        (path / "probes.yaml").write_text(
            yaml.safe_dump({"name": "tiny", "version": 1, "language": "en", "probes": entries})
        )
        return Place(path)

    return make


@dataclass(frozen=True)
class Tracked:
    """A run of 144 utterances that three tools followed: stopped after some, then gone on with.

    `wandb` is what wandb kept of the stopped part, and of the rest.
    """

    place: Place
    stopped: subprocess.CompletedProcess[str]
    done: subprocess.CompletedProcess[str]
    rows_when_stopped: int
    wandb: tuple[Path, Path]


GRID = ("engine.detune=100,10", "engine.jitter=5", "engine.delay=0.02", f"seeds={list(range(12))}")


@pytest.fixture(scope="session")
def tracked(place: Callable[[str], Place]) -> Tracked:
    here = place("tracked")
    typed = [*GRID, "tracker=[mlflow,tensorboard,wandb]", "tracker.wandb.mode=offline"]
    process = subprocess.Popen(
        here.command(*typed), cwd=here.path, env=here.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    wait_until(lambda: list(here.path.glob("reports/*/*/utterances.jsonl")), process)
    process.terminate()
    out, err = process.communicate(timeout=120)
    rows = len(rows_of(here.folder))
    shutil.copy(here.path / ".evalkit/mlflow/mlflow.db", here.path / "stopped.db")
    done = here.run(*typed)
    wandb = sorted((here.path / ".evalkit/wandb").glob("offline-run-*"))
    assert len(wandb) == 2, done.stderr
    stopped = subprocess.CompletedProcess(process.args, process.returncode, out, err)
    return Tracked(here, stopped, done, rows, (wandb[0], wandb[1]))
