"""A finished run of the fakes, with all that it was made of, for benchmarks and tests to do with as they like."""

import io
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import soundfile
import yaml
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as validated

from evalkit.audio import Audio
from evalkit.commands.quiet import quiet
from evalkit.commands.run import run
from evalkit.errors import EvalkitError
from evalkit.judges.base import QualityModel
from evalkit.reports.files import read_rows
from evalkit.row import Row
from evalkit.store.artefacts import Artefacts
from evalkit.store.base import Shelf
from evalkit.store.directory import Directory
from evalkit.whistle import whistle

HUMS = {"ann": 150.0, "ben": 220.0}  # Hz
CLIPS = {"one two three four five": "prompt", "six seven eight nine ten": "prompt", "this was never heard": "held_out"}
PROBES = {"fox": "the quick brown fox", "dog": "jumps over a lazy dog"}


@validated(frozen=True, config=ConfigDict(extra="forbid"))
class Loudness(QualityModel):
    """Says how loud a sound is: the root mean square of its samples."""

    name: ClassVar[str] = "loudness"
    scores: ClassVar[tuple[str, ...]] = ("loudness",)

    def score(self, audios: Sequence[Audio]) -> Iterator[Mapping[str, float]]:
        """See `QualityModel.score`."""
        return ({"loudness": float(np.sqrt(np.mean(np.square(audio.samples))))} for audio in audios)


@dataclass(frozen=True)
class Bed:
    """A finished run of the fakes, in a folder: what is damaged is always a copy of its store."""

    root: Path

    @classmethod
    def made(cls, root: Path) -> "Bed":
        """Makes voices and probes, and runs once, undisturbed."""
        for name, hum in HUMS.items():
            _write_voice(root / "voices" / name, hum)
        entries = [{"id": name, "text": text} for name, text in PROBES.items()]
        probes = {"name": "bed", "version": 1, "language": "en", "probes": entries}
        (root / "probes.yaml").write_text(yaml.safe_dump(probes), encoding="utf-8")
        bed = cls(root)
        code, said = bed.run(root / "store", root / "reports")
        if code:
            raise AssertionError(said)
        return bed

    def typed(self, store: Path, reports: Path) -> list[str]:
        """Returns what is typed after `run`."""
        return [
            *("engine=tone", "judge=fake", "ears=fake", "prompt.trim=true", "page.make=false"),
            f"+judge.qualities.loudness._target_={__name__}.{Loudness.__name__}",
            "judge.quality=[loudness]",
            *(f"voices.path={self.root}/voices", f"probes.path={self.root}/probes.yaml"),
            *(f"store={store}", f"reports_dir={reports}", f"transcripts={self.root}/transcripts"),
        ]

    def run(self, store: Path, reports: Path, *more: str) -> tuple[int, str]:
        """Returns the exit code of the run, with more typed, and what it said; a traceback is part of that."""
        log, why = self.root / "said.log", ""
        log.write_bytes(b"")
        with quiet(log), redirect_stdout(io.StringIO()):
            try:
                code = run([*self.typed(store, reports), *more])
            except EvalkitError as error:
                code, why = error.exit_code, f"evalkit: {error}"
            except Exception:  # noqa: BLE001  a traceback is what is looked for
                code, why = 1, traceback.format_exc()
        return code, log.read_text(encoding="utf-8") + why

    @property
    def artefacts(self) -> Artefacts:
        """What the run has kept."""
        return Artefacts(Directory(self.root / "store"), print)

    def rows(self) -> list[Row]:
        """Returns the rows of the undisturbed run."""
        return list(read_rows(self.folder))

    @property
    def folder(self) -> Path:
        """Of the undisturbed run."""
        return min(self.root.glob("reports/adhoc/*"))

    def keys(self, kind: Shelf) -> list[str]:
        """Returns the keys of all artefacts of a kind."""
        return [held.key for held in self.artefacts.store.listing(kind)]


def _write_voice(folder: Path, hum: float) -> None:
    folder.mkdir(parents=True)
    clips = []
    for number, (text, use) in enumerate(CLIPS.items()):
        audio = whistle(text, hum)
        soundfile.write(folder / f"clip{number}.wav", audio.samples, audio.sample_rate, subtype="FLOAT")
        clips.append({"file": f"clip{number}.wav", "text": text, "use": use})
    manifest = {"clips": clips, "language": "en", "licence": "CC0-1.0"}
    (folder / "voice.yaml").write_text(yaml.safe_dump(manifest), encoding="utf-8")
