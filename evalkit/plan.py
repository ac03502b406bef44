"""The plan of a run: everything that will be done, decided before anything is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from evalkit.assets import library
from evalkit.digest import Json, digest
from evalkit.engines.base import Engine
from evalkit.judges.base import QualityModel, SpeakerEncoder, SpeechDetector, Transcriber
from evalkit.metrics import Metric, metrics_of
from evalkit.probes import Probe, ProbeSet
from evalkit.prompts import PromptSettings
from evalkit.trial import Trial, Utterance
from evalkit.voices import Voice


@dataclass(frozen=True)
class Cell:
    """A trial, and the objects that carry it out."""

    trial: Trial
    engine: Engine
    prompt: PromptSettings

    @classmethod
    def of(cls, engine: Engine, prompt: PromptSettings) -> "Cell":
        """Returns the cell of an engine with its knobs set and a way to build prompts."""
        settings = {f"prompt.{key}": value for key, value in vars(prompt).items() if not key.startswith("_")}
        settings |= {f"engine.{key}": value for key, value in engine.knobs().items()}
        return cls(Trial.of(engine.name, settings), engine, prompt)


@dataclass(frozen=True)
class Judges:
    """The models that score.

    Attributes:
        speakers: Speaker encoders, the primary one first.
        asr: The transcriber.
        quality: Models that say how good speech sounds.
        normalizer: What WER is taken after.
    """

    speakers: tuple[SpeakerEncoder, ...]
    asr: Transcriber
    quality: tuple[QualityModel, ...]
    normalizer: str

    @property
    def all(self) -> list[SpeakerEncoder | Transcriber | QualityModel]:
        """Every model."""
        return [*self.speakers, self.asr, *self.quality]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What they can measure."""
        scores = [(score, model.name) for model in self.quality for score in model.scores]
        return metrics_of([speaker.name for speaker in self.speakers], scores)

    def fingerprint(self) -> dict[str, Json]:
        """Returns what two reports must share for their scores to be comparable."""
        return {
            "speakers": [speaker.fingerprint() for speaker in self.speakers],
            "asr": self.asr.fingerprint(),
            "quality": [model.fingerprint() for model in self.quality],
            "normalizer": self.normalizer,
        }


@dataclass(frozen=True)
class Reference:
    """The models that listen to a voice's recordings.

    Attributes:
        aligner: Tells when each word of a clip is spoken.
        passes: Decode the same audio differently, to agree on a text where the user gave none.
        speech: Tells where a clip's speech begins and ends.
    """

    aligner: Transcriber
    passes: tuple[Transcriber, ...]
    speech: SpeechDetector

    def fingerprint(self) -> dict[str, Json]:
        """Returns what prompts depend on."""
        return {
            "aligner": self.aligner.fingerprint(),
            "passes": [one.fingerprint() for one in self.passes],
            "speech": self.speech.fingerprint(),
        }


@dataclass(frozen=True)
class Plan:
    """One run: cells over voices, probes and seeds; `config` is the resolved configuration, for the report."""

    name: str
    question: str
    cells: tuple[Cell, ...]
    voices: tuple[Voice, ...]
    probes: ProbeSet
    seeds: tuple[int, ...]
    judges: Judges
    reference: Reference
    device: str
    config: Mapping[str, Any]

    @property
    def trials(self) -> list[Trial]:
        """The trials, in the order of the grid; the first is what the others are compared with."""
        return [cell.trial for cell in self.cells]

    def utterances(self, cell: Cell) -> list[tuple[Utterance, Voice, Probe]]:
        """Returns a cell's utterances, voices outermost."""
        return [
            (Utterance(cell.trial.id, voice.name, probe.id, seed), voice, probe)
            for voice in self.voices
            for probe in self.probes.probes
            for seed in self.seeds
        ]

    @property
    def size(self) -> int:
        """Number of utterances."""
        return len(self.cells) * len(self.voices) * len(self.probes.probes) * len(self.seeds)

    def assets(self) -> list[str]:
        """Returns the names of all weights that the run needs."""
        needed = [asset for cell in self.cells for asset in cell.engine.assets]
        listeners = [self.reference.aligner, *self.reference.passes, self.reference.speech]
        judges = [*self.judges.all, *listeners]
        return list(dict.fromkeys([*needed, *(asset for judge in judges for asset in judge.assets)]))

    def require(self) -> None:
        """Does nothing if all weights are here.

        Raises:
            MissingAssetsError: Some are not; the message has the command that brings them.
        """
        library().require(self.assets())
        for cell in self.cells:
            cell.engine.require()

    @cached_property
    def sha256(self) -> str:
        """Digest of all that was asked for: equal plans are the same work."""
        return digest(
            {
                "name": self.name,
                "trials": [{"id": cell.trial.id, "engine": cell.engine.fingerprint()} for cell in self.cells],
                "voices": [
                    [voice.name, *([str(clip.path), clip.text, clip.use] for clip in voice.clips)]
                    for voice in self.voices
                ],
                "probes": [[probe.id, probe.text, probe.language] for probe in self.probes.probes],
                "seeds": list(self.seeds),
                "judges": self.judges.fingerprint(),
                "reference": self.reference.fingerprint(),
            }
        )
