"""The plan of a run: everything that will be done, decided before anything is loaded."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any

from evalkit.digest import Json, digest
from evalkit.engines.base import Engine
from evalkit.engines.process.isolated import isolation_of
from evalkit.engines.wrapping import innermost
from evalkit.judges.base import Judge, QualityModel, SpeakerEncoder, SpeechDetector, Transcriber
from evalkit.languages import Languages, shipped
from evalkit.metrics import Metric, metrics_of
from evalkit.pipeline.spoken import require_transcribers, require_words
from evalkit.probes import Probe, ProbeSet
from evalkit.prompts import PromptSettings
from evalkit.text import Comparing, Normalizer
from evalkit.trial import Trial, Utterance
from evalkit.voices import Clip, Voice
from evalkit.weights.assets import library
from evalkit.weights.devices import refuse_absent, require_device
from evalkit.weights.named import NamedWeights, directory_bytes


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
        return cls(Trial.of(engine.name, settings, engine.adapter_version()), engine, prompt)


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

    @cached_property
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
class Ears:
    """The models that listen to a voice's recordings.

    Attributes:
        aligner: Tells when each word of a clip is spoken.
        checker: Hears both sides of a cut before it is believed, and what a prompt says: often, so it should be quick.
        passes: Decode the same audio differently, to agree on a text where the user gave none.
        speech: Tells where a clip's speech begins and ends.
        early_seconds: By how much the aligner's word times come before the sound, as measured.
    """

    aligner: Transcriber
    checker: Transcriber
    passes: tuple[Transcriber, ...]
    speech: SpeechDetector
    early_seconds: float = 0.0

    @property
    def transcribers(self) -> list[Transcriber]:
        """Those that hear words."""
        return [self.aligner, self.checker, *self.passes]

    @property
    def all(self) -> list[Transcriber | SpeechDetector]:
        """Every model."""
        return [*self.transcribers, self.speech]

    def fingerprint(self) -> dict[str, Json]:
        """Returns what prompts depend on."""
        return {
            "aligner": self.aligner.fingerprint(),
            "checker": self.checker.fingerprint(),
            "passes": [one.fingerprint() for one in self.passes],
            "speech": self.speech.fingerprint(),
            "early_seconds": self.early_seconds,
        }


@dataclass(frozen=True, eq=False)
class Planned:
    """An utterance of the plan, and what carries it out."""

    utterance: Utterance
    cell: Cell
    voice: Voice
    probe: Probe


@dataclass(frozen=True)
class Pair:
    """Who speaks what: an item of a list, as published test sets are.

    Attributes:
        id: Unique in the list.
        voice: Name of the voice, whose prompt the item is spoken with.
        probe: Id of the text.
    """

    id: str
    voice: str
    probe: str


@dataclass(frozen=True)
class Decision:
    """What the sweep's decision rests on.

    Attributes:
        baseline: Id of the trial that the others are compared with.
        primary: The metric that decides.
        guards: Metrics in which a winner must say how it does.
    """

    baseline: str
    primary: str = "sim"
    guards: tuple[str, ...] = ("wer",)


@dataclass(frozen=True)
class Plan:
    """One run: cells over voices, probes and seeds.

    `pairs` are the voices and probes that belong together, each once; None: every voice speaks every probe. `config` is
    the resolved configuration, for the report; `remarks` are sentences about what was found and not read.
    """

    name: str
    question: str
    cells: tuple[Cell, ...]
    voices: tuple[Voice, ...]
    probes: ProbeSet
    seeds: tuple[int, ...]
    judges: Judges
    ears: Ears
    decision: Decision
    device: str
    config: Mapping[str, Any]
    remarks: Sequence[str] = ()
    pairs: tuple[Pair, ...] | None = None
    languages: Languages = field(default_factory=shipped)

    @property
    def trials(self) -> list[Trial]:
        """The trials, in the order of the grid."""
        return [cell.trial for cell in self.cells]

    @property
    def families(self) -> list[list[Cell]]:
        """The cells, those whose engines share weights together."""
        found: dict[Hashable, list[Cell]] = {}
        for cell in self.cells:
            found.setdefault(cell.engine.family, []).append(cell)
        return list(found.values())

    def utterances(self, cells: Sequence[Cell]) -> Iterator[Planned]:
        """Gives the utterances of cells: for each voice, probe and seed all cells, so that they soon compare."""
        for voice, probe in self._spoken():
            for seed in self.seeds:
                for cell in cells:
                    yield Planned(Utterance(cell.trial.id, voice.name, probe.id, seed), cell, voice, probe)

    def _spoken(self) -> Iterator[tuple[Voice, Probe]]:
        """Gives who speaks what."""
        if self.pairs is None:
            yield from product(self.voices, self.probes.probes)
            return
        voices = {voice.name: voice for voice in self.voices}
        probes = {probe.id: probe for probe in self.probes.probes}
        for pair in self.pairs:
            yield voices[pair.voice], probes[pair.probe]

    @property
    def size(self) -> int:
        """Number of utterances."""
        spoken = len(self.voices) * len(self.probes.probes) if self.pairs is None else len(self.pairs)
        return len(self.cells) * spoken * len(self.seeds)

    @property
    def codes(self) -> list[str]:
        """The languages of texts, then those of voices."""
        texts = [probe.language for probe in self.probes.probes]
        return list(dict.fromkeys([*texts, *(voice.language for voice in self.voices)]))

    def normalise(self, language: str) -> Normalizer:
        """Returns what texts in a language are normalised by before they are compared."""
        return Comparing(self.judges.normalizer, self.languages).normaliser(language)

    def judged_by(self) -> dict[str, Json]:
        """Returns what two reports must share for their scores to be comparable."""
        comparing = Comparing(self.judges.normalizer, self.languages)
        return {**self.judges.fingerprint(), **comparing.identity(self.codes)}

    def assets(self) -> list[str]:
        """Returns the names of all weights that the run needs."""
        return list(dict.fromkeys(asset for model in self.models for asset in model.assets))

    @property
    def models(self) -> list[Engine | Judge]:
        """All that may be loaded."""
        engines: list[Engine | Judge] = [cell.engine for cell in self.cells]
        return [*engines, *self.judges.all, *self.ears.all]

    def weight_bytes(self) -> int:
        """Returns the size of all weights, those in directories of the user's included."""
        named = {model.weights for model in map(innermost, self.models) if isinstance(model, NamedWeights)}
        directories = sum(directory_bytes(weights) for weights in named)
        return directories + sum(library().get(asset).bytes for asset in self.assets())

    def require(self) -> None:
        """Does nothing if all devices and weights are here.

        Raises:
            DeviceError: This machine has no such device.
            MissingAssetsError: Some weights are not here; the message has the command that brings them.
            DamagedWeightsError: Some are not what was fetched.
            ConfigError: A language that a transcriber does not know, or that the table lacks what is needed of.
        """
        self.languages.require(self.codes)
        require_words(self.languages, self.voices, [cell.prompt for cell in self.cells])
        require_transcribers(self.judges.asr, self.probes, self.ears.transcribers, self.voices)
        self._require_devices()
        library().require(self.assets())
        for cell in self.cells:
            cell.engine.require()

    def _require_devices(self) -> None:
        """Looks for the devices that the run and its models name; of another Python, what can be seen without it."""
        refuse_absent(self.device)
        for engine in dict.fromkeys(cell.engine for cell in self.cells):
            device = str(engine.computes_on().get("device") or "cpu")
            (require_device if isolation_of(engine) is None else refuse_absent)(device)
        for judge in [*self.judges.all, *self.ears.all]:
            require_device(str(getattr(judge, "device", "cpu")))

    @cached_property
    def sha256(self) -> str:
        """Digest of all that was asked for: equal plans are the same work."""
        # What only some plans have is in the digest of those alone: the others go on with the runs that they began.
        pairs = {} if self.pairs is None else {"pairs": [[pair.voice, pair.probe] for pair in self.pairs]}
        return digest(
            {
                **pairs,
                "name": self.name,
                "trials": [{"id": cell.trial.id, "engine": cell.engine.fingerprint()} for cell in self.cells],
                "voices": [
                    [
                        voice.name,
                        voice.language,
                        *([str(clip.path), _content(clip), clip.text, clip.use] for clip in voice.clips),
                        *([voice.speaker] if voice.speaker is not None else []),
                    ]
                    for voice in self.voices
                ],
                "probes": [[probe.id, probe.text, probe.language] for probe in self.probes.probes],
                "seeds": list(self.seeds),
                "judges": self.judged_by(),
                "ears": self.ears.fingerprint(),
            }
        )


def _content(clip: Clip) -> str | None:
    """Returns the hash of a clip; None where there is no file, which fails its voice's rows and not the plan."""
    return clip.sha256 if clip.path.is_file() else None
