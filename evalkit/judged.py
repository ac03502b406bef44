"""All that the judges said of a run: every synthesis, prompt and recording, each heard once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from evalkit.acoustics import Acoustics
from evalkit.audio import Audio, read_audio
from evalkit.calibration import VoicePrints, encoder_record, floors_and_ceilings
from evalkit.judges.base import Transcript
from evalkit.judging import Embedding, Opinion, Sound, acoustics, assess, embed, transcribe
from evalkit.metrics import VoiceFacts, align_words
from evalkit.plan import Plan
from evalkit.prompt import Prompt
from evalkit.report import EncoderRecord, VoiceCalibration
from evalkit.stages import Bench, Failure, attempt
from evalkit.text import normalizer
from evalkit.voices import Clip, Voice


@dataclass(frozen=True, eq=False)
class Judged:
    """What is known of each sound, by content address.

    Attributes:
        plan: Of the run.
        made: The record of each synthesis, by its key.
        transcripts: Of syntheses and recordings.
        embeddings: Of syntheses, prompts and recordings, by speaker encoder.
        quality: Of syntheses, by quality model.
        acoustics: Of syntheses and recordings.
        recordings: Each voice's clips, read, or why one cannot be.
    """

    plan: Plan
    made: Mapping[str, dict[str, Any]]
    transcripts: Mapping[str, Transcript | Failure]
    embeddings: Mapping[str, Mapping[str, Embedding | Failure]]
    quality: Mapping[str, Mapping[str, Opinion | Failure]]
    acoustics: Mapping[str, Acoustics | Failure]
    recordings: Mapping[str, Sequence[tuple[Clip, Sound | Failure]]]

    def references(self, voice: Voice) -> Sequence[Sound] | Failure:
        """Returns the sounds that `sim` compares with; all of them must be readable."""
        wanted = set(voice.reference_clips)
        found: list[Sound] = []
        for clip, sound in self.recordings[voice.name]:
            if clip in wanted and isinstance(sound, Failure):
                return sound
            if clip in wanted and isinstance(sound, Sound):
                found.append(sound)
        return found

    def _read(self, voice: Voice) -> list[tuple[Clip, Sound]]:
        return [(clip, sound) for clip, sound in self.recordings[voice.name] if isinstance(sound, Sound)]

    @property
    def unread(self) -> list[str]:
        """Sentences about clips that could not be read; where they are not needed, rows do not tell."""
        return [
            f"voice {name}: {clip.path.name} is left out of the calibration: {sound.message}"
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
        by_use: dict[str, list[Embedding]] = {"held_out": [], "prompt": []}
        for clip, sound in self._read(voice):
            if not isinstance(embedding := self.embeddings[encoder][sound.sha256], Failure):
                by_use[clip.use].append(embedding)
        if not any(by_use.values()):
            return None
        width = len(next(embedding for own in by_use.values() for embedding in own))
        stacked = {use: np.reshape(np.array(own, np.float32), (-1, width)) for use, own in by_use.items()}
        return VoicePrints(stacked["held_out"], stacked["prompt"])

    @cached_property
    def calibration(self) -> dict[str, VoiceCalibration]:
        """What scores of each voice's own recordings are."""
        ends = {encoder: floors_and_ceilings(prints) for encoder, prints in self.prints.items()}
        return {
            voice.name: VoiceCalibration(
                {encoder: found[voice.name] for encoder, found in ends.items() if voice.name in found},
                *self._asr_floor(voice),
            )
            for voice in self.plan.voices
        }

    @property
    def encoders(self) -> dict[str, EncoderRecord | None]:
        """Each speaker encoder's equal error rate over the given voices."""
        return {encoder: encoder_record(prints) for encoder, prints in self.prints.items()}

    def _asr_floor(self, voice: Voice) -> tuple[float | None, int]:
        """Returns pooled WER, and words, of the recordings whose words the user gave."""
        normalise = normalizer(self.plan.judges.normalizer)
        errors = words = 0
        for clip, _, transcript in self._heard(voice):
            edits = align_words(normalise(clip.text or ""), normalise(transcript.text))
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
        normalise = normalizer(self.plan.judges.normalizer)
        heard = list(self._heard(voice))
        words = sum(len(normalise(transcript.text).split()) for _, _, transcript in heard)
        seconds = sum(sound.read().seconds for _, sound, _ in heard)
        measured = [self.acoustics[sound.sha256] for _, sound in self._read(voice)]
        pitches = [one.f0_median for one in measured if isinstance(one, Acoustics) and one.f0_median]
        return VoiceFacts(words / seconds if seconds else None, float(np.median(pitches)) if pitches else None)


def judge(plan: Plan, bench: Bench, syntheses: Mapping[str, str], prompts: Mapping[str, Prompt]) -> Judged:
    """Lets the judges hear every synthesis, prompt and recording.

    Args:
        plan: The judges, and the voices' recordings.
        bench: Where syntheses lie.
        syntheses: Language by key, of those that could be made.
        prompts: By the content address of their audio.
    """
    made = {key: bench.store.read_json("synthesis", key) for key in syntheses}
    spoken = {
        record["sha256"]: Sound(record["sha256"], partial(bench.store.read_audio, "synthesis", key), syntheses[key])
        for key, record in made.items()
    }
    recordings = {
        voice.name: [(clip, attempt(partial(_recording, clip, voice.language))) for clip in voice.clips]
        for voice in plan.voices
    }
    clips = [(clip, sound) for own in recordings.values() for clip, sound in own if isinstance(sound, Sound)]
    recorded = {sound.sha256: sound for _, sound in clips}
    given = {sha256: Sound(sha256, partial(_audio, prompt), "") for sha256, prompt in prompts.items()}
    readable = {sound.sha256: sound for clip, sound in clips if clip.text}
    return Judged(
        plan=plan,
        made=made,
        transcripts=transcribe(bench, plan.judges.asr, list({**readable, **spoken}.values())),
        embeddings={
            encoder.name: embed(bench, encoder, list({**recorded, **given, **spoken}.values()))
            for encoder in plan.judges.speakers
        },
        quality={model.name: assess(bench, model, list(spoken.values())) for model in plan.judges.quality},
        acoustics=acoustics(bench, list({**recorded, **spoken}.values())),
        recordings=recordings,
    )


def _audio(prompt: Prompt) -> Audio:
    return prompt.audio


def _recording(clip: Clip, language: str) -> Sound:
    audio = read_audio(clip.path)
    return Sound(audio.sha256, lambda: audio, language)
