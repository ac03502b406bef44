"""Evidence: what the judges say of each voice's recordings, once a run, and of each batch's syntheses."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from evalkit.analysis.calibration import VoicePrints, doubts, encoder_doubts, encoder_record, floors_and_ceilings
from evalkit.analysis.speakers import speaker_doubts
from evalkit.judges.base import Transcript
from evalkit.metrics import VoiceFacts, align_words
from evalkit.metrics.acoustics import Acoustics
from evalkit.pipeline.artefacts import BuiltPrompt, Embedding, Made, Opinion
from evalkit.pipeline.attempts import Failure, attempt
from evalkit.pipeline.judging import acoustics, assess, embed, transcribe
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.sounds import Recorded, Sound, heard_recording
from evalkit.pipeline.workspace import Workspace
from evalkit.record import EncoderRecord, VoiceCalibration
from evalkit.voices import Clip, Voice


@dataclass(frozen=True, eq=False)
class Yardsticks:
    """What syntheses are measured against: the voices' recordings, as the judges hear them.

    Attributes:
        plan: Of the run.
        recordings: Each voice's clips, read, or why one cannot be.
        seconds: Of clips, by address.
        transcripts: Of clips with known words, by address.
        embeddings: Of clips, by speaker encoder and address.
        acoustics: Of clips, by address.
        remarks: Sentences about clips that were not heard as they are.
    """

    plan: Plan
    recordings: Mapping[str, Sequence[tuple[Clip, Sound | Failure]]]
    seconds: Mapping[str, float]
    transcripts: Mapping[str, Transcript | Failure]
    embeddings: Mapping[str, Mapping[str, Embedding | Failure]]
    acoustics: Mapping[str, Acoustics | Failure]
    remarks: Sequence[str]

    @cached_property
    def references(self) -> dict[tuple[str, str], NDArray[np.float32] | Failure]:
        """By encoder and voice, the embeddings that `sim` compares with, shape (n, d); all clips must be heard."""
        return {
            (encoder, voice.name): self._references(encoder, voice)
            for encoder in self.embeddings
            for voice in self.plan.voices
        }

    def _references(self, encoder: str, voice: Voice) -> NDArray[np.float32] | Failure:
        wanted, found = set(voice.reference_clips), []
        for clip, sound in self.recordings[voice.name]:
            if clip in wanted:
                heard = sound if isinstance(sound, Failure) else self.embeddings[encoder][sound.sha256]
                if isinstance(heard, Failure):
                    return heard
                found.append(heard)
        return np.stack(found)

    @property
    def addresses(self) -> dict[str, list[str]]:
        """The addresses of each voice's recordings."""
        return {voice.name: [sound.sha256 for _, sound in self._read(voice)] for voice in self.plan.voices}

    def _read(self, voice: Voice) -> list[tuple[Clip, Sound]]:
        return [(clip, sound) for clip, sound in self.recordings[voice.name] if isinstance(sound, Sound)]

    @property
    def unread(self) -> list[str]:
        """Sentences about clips that could not be read."""
        return [
            f"voice {name}: {clip.path.name} cannot be compared with: {sound.message}"
            for name, clips in self.recordings.items()
            for clip, sound in clips
            if isinstance(sound, Failure)
        ]

    @cached_property
    def prints(self) -> dict[str, dict[str, VoicePrints]]:
        """Each voice's embeddings, by speaker encoder; voices that could not be embedded are left out."""
        return {
            encoder: {voice.name: found for voice in self.plan.voices if (found := self._prints(encoder, voice))}
            for encoder in self.embeddings
        }

    def _prints(self, encoder: str, voice: Voice) -> VoicePrints | None:
        by_use: dict[str, list[tuple[Clip, Embedding]]] = {"held_out": [], "prompt": []}
        for clip, sound in self._read(voice):
            if not isinstance(embedding := self.embeddings[encoder][sound.sha256], Failure):
                by_use[clip.use].append((clip, embedding))
        held_out, prompt = by_use["held_out"], by_use["prompt"]
        if not held_out + prompt:
            return None
        rows = np.stack([embedding for _, embedding in held_out + prompt])
        names = tuple(clip.path.name for clip, _ in held_out + prompt)
        return VoicePrints(rows[: len(held_out)], rows[len(held_out) :], names)

    @cached_property
    def calibration(self) -> dict[str, VoiceCalibration]:
        """What scores of each voice's own recordings are."""
        ends = {encoder: floors_and_ceilings(prints) for encoder, prints in self.prints.items()}
        return {
            voice.name: VoiceCalibration(
                {encoder: found[voice.name] for encoder, found in ends.items() if voice.name in found},
                *self._asr_floor(voice),
                sim_reference="held_out" if voice.held_out_clips else "prompt",
            )
            for voice in self.plan.voices
        }

    @cached_property
    def encoders(self) -> dict[str, EncoderRecord | None]:
        """Each speaker encoder's equal error rate over the given voices."""
        return {encoder: encoder_record(prints) for encoder, prints in self.prints.items()}

    @property
    def doubts(self) -> list[str]:
        """Sentences about voices and encoders that cannot be relied on."""
        return [*self.unread, *self.heard_doubts]

    @property
    def heard_doubts(self) -> list[str]:
        """The same of clips that could be read."""
        return [
            *encoder_doubts(self.encoders),
            *(doubt for name, one in self.calibration.items() for doubt in doubts(name, one)),
            *(doubt for encoder, prints in self.prints.items() for doubt in speaker_doubts(encoder, prints)),
        ]

    def _asr_floor(self, voice: Voice) -> tuple[float | None, int]:
        """Returns pooled WER, and words, of the recordings whose words the user gave, in the voice's language."""
        normalise, language = self.plan.normalise(voice.language), self.plan.languages[voice.language]
        errors = words = 0
        for clip, _, transcript in self._heard(voice):
            edits = align_words(normalise(clip.text or ""), normalise(transcript.text), language)
            if edits.reference_length:
                errors, words = errors + edits.errors, words + edits.reference_length
        return (errors / words if words else None), words

    def _heard(self, voice: Voice) -> Iterable[tuple[Clip, Sound, Transcript]]:
        for clip, sound in self._read(voice):
            transcript = self.transcripts.get(sound.sha256)
            if clip.text and isinstance(transcript, Transcript):
                yield clip, sound, transcript

    @cached_property
    def voices(self) -> dict[str, VoiceFacts]:
        """How each speaker speaks in their own clips."""
        return {voice.name: self._facts(voice) for voice in self.plan.voices}

    def _facts(self, voice: Voice) -> VoiceFacts:
        normalise, language = self.plan.normalise(voice.language), self.plan.languages[voice.language]
        heard = list(self._heard(voice))
        words = sum(len(language.words(normalise(transcript.text))) for _, _, transcript in heard)
        seconds = sum(self.seconds[sound.sha256] for _, sound, _ in heard)
        measured = [self.acoustics[sound.sha256] for _, sound in self._read(voice)]
        pitches = [one.f0_median for one in measured if isinstance(one, Acoustics) and one.f0_median]
        return VoiceFacts(words / seconds if seconds else None, float(np.median(pitches)) if pitches else None)


def measure_yardsticks(plan: Plan, workspace: Workspace) -> Yardsticks:
    """Lets the judges hear every recording of the voices."""
    read = _Read.of(plan)
    return read.heard(
        transcripts=transcribe(workspace, plan.judges.asr, read.readable),
        embeddings=_embedded(plan, workspace, read.distinct),
        measured=acoustics(workspace, read.distinct),
    )


def measure_speakers(plan: Plan, workspace: Workspace) -> Yardsticks:
    """Lets the speaker encoders alone hear every recording: what they say is what they would say in a run."""
    read = _Read.of(plan)
    return read.heard(transcripts={}, embeddings=_embedded(plan, workspace, read.distinct), measured={})


def _embedded(
    plan: Plan, workspace: Workspace, sounds: Sequence[Sound]
) -> dict[str, Mapping[str, Embedding | Failure]]:
    return {encoder.name: embed(workspace, encoder, sounds) for encoder in plan.judges.speakers}


@dataclass(frozen=True, eq=False)
class _Read:
    """The clips of a plan's voices, read, or why one cannot be."""

    plan: Plan
    clips: Mapping[str, Sequence[tuple[Clip, Recorded | Failure]]]

    @classmethod
    def of(cls, plan: Plan) -> "_Read":
        """Reads them."""
        return cls(
            plan,
            {
                voice.name: [(clip, attempt(partial(heard_recording, clip, voice.language))) for clip in voice.clips]
                for voice in plan.voices
            },
        )

    @property
    def _good(self) -> list[tuple[str, Clip, Recorded]]:
        return [(name, clip, one) for name, own in self.clips.items() for clip, one in own if isinstance(one, Recorded)]

    @property
    def distinct(self) -> list[Sound]:
        """Each sound once."""
        return list({one.sound.sha256: one.sound for _, _, one in self._good}.values())

    @property
    def readable(self) -> list[Sound]:
        """Each sound once whose words are known from beginning to end."""
        return list({one.sound.sha256: one.sound for _, clip, one in self._good if clip.text and one.whole}.values())

    def heard(
        self,
        transcripts: Mapping[str, Transcript | Failure],
        embeddings: Mapping[str, Mapping[str, Embedding | Failure]],
        measured: Mapping[str, Acoustics | Failure],
    ) -> Yardsticks:
        """Returns what judges made of them."""
        return Yardsticks(
            plan=self.plan,
            recordings={
                name: [(clip, one.sound if isinstance(one, Recorded) else one) for clip, one in own]
                for name, own in self.clips.items()
            },
            seconds={one.sound.sha256: one.seconds for _, _, one in self._good},
            transcripts=transcripts,
            embeddings=embeddings,
            acoustics=measured,
            remarks=[
                f"voice {name}: {clip.path.name} {remark}" for name, clip, one in self._good for remark in one.remarks
            ],
        )


@dataclass(frozen=True, eq=False)
class Opinions:
    """What the judges say of a batch: of syntheses, and of the prompts that were given, by their sounds' addresses.

    Attributes:
        transcripts: Of syntheses.
        embeddings: Of syntheses and prompts, by speaker encoder.
        quality: Of syntheses, by quality model.
        acoustics: Of syntheses.
    """

    transcripts: Mapping[str, Transcript | Failure]
    embeddings: Mapping[str, Mapping[str, Embedding | Failure]]
    quality: Mapping[str, Mapping[str, Opinion | Failure]]
    acoustics: Mapping[str, Acoustics | Failure]


def judge(
    plan: Plan, workspace: Workspace, made: Iterable[tuple[Made, str]], prompts: Iterable[BuiltPrompt]
) -> Opinions:
    """Lets the judges hear syntheses (each with its language) and the prompts they were given, each sound once."""
    read = workspace.sounds.read
    spoken = {one.sound: Sound(one.sound, partial(read, one.sound), language) for one, language in made}
    given = {one.sound: Sound(one.sound, partial(read, one.sound), "") for one in prompts}
    syntheses = list(spoken.values())
    both = list({**given, **spoken}.values())
    judges = plan.judges
    return Opinions(
        transcripts=transcribe(workspace, judges.asr, syntheses),
        embeddings={encoder.name: embed(workspace, encoder, both) for encoder in judges.speakers},
        quality={model.name: assess(workspace, model, syntheses) for model in judges.quality},
        acoustics=acoustics(workspace, syntheses),
    )
