"""`evalkit bench scoring`: how fast utterances are scored, beside the way that published evaluation scripts do it.

The plain way takes one file at a time: faster-whisper's `transcribe` with a beam of 5, and the embeddings of an
utterance and of its reference, the reference's anew each time. All ways hear the same audio with the same weights, and
take turns block by block, so that whatever else the machine does slows all of them.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from evalkit.audio import Audio, read_audio
from evalkit.commands.screen import show
from evalkit.errors import ConfigError
from evalkit.judges.campplus import CamPlusPlus
from evalkit.judges.faster_whisper import FasterWhisper
from evalkit.metrics import align_words
from evalkit.resources import resource
from evalkit.text import normalizer
from evalkit.voices import Voice, read_voices
from evalkit.weights.assets import library

UTTERANCES, MANY = 200, 10**6
BLOCK = 16  # utterances a turn: as many as a run gives to a judge at a time
SHORTEST, LONGEST = 2.0, 8.0  # seconds
JOINS = 3  # a clip is joined with as many of those that follow it
FRAME_SECONDS = 0.02
WHISPER = "whisper_base_ct2"
PLAIN, EXACT, FITTED = "plain, one file at a time", "evalkit, window=full", "evalkit, window=fitted"
ONCE = "references embedded once"

Answer = TypeVar("Answer")
Rows = NDArray[np.float32]  # shape (2, d): an utterance's embedding and its reference's


@dataclass(frozen=True, eq=False)
class Spoken:
    """Speech to be scored.

    Attributes:
        audio: The sound.
        reference: A recording of the speaker.
        text: Its words, None where a cut left it open which they are.
    """

    audio: Audio
    reference: Audio
    text: str | None


Sound = TypeVar("Sound")
Way = Callable[[Sequence[Spoken]], list[Answer]]


@dataclass
class Tally(Generic[Answer]):
    """What one way took and gave."""

    seconds: float = 0.0
    answers: list[Answer] = field(default_factory=list)


def utterances(count: int) -> list[Spoken]:
    """Returns the first of the demo's recordings made into utterances: whole clips, parts and pairs in turn."""
    kinds = [_of_voice(voice) for voice in read_voices(resource("probes/voices/demo"), None)]
    made = [list(chain.from_iterable(zip(*(kind[kind_at] for kind in kinds), strict=False))) for kind_at in range(3)]
    return [one for turn in zip_longest(*made) for one in turn if one is not None][:count]


def run_scoring(count: int) -> None:
    """Prints the table.

    Raises:
        ConfigError: The demo's recordings do not make so many utterances.
    """
    spoken = utterances(count) if count > 0 else []
    if len(spoken) != count or not spoken:
        raise ConfigError(f"--utterances was {count}, expected 1 to {len(utterances(MANY))}")
    heard, embedded = _measure(spoken)
    seconds = sum(one.audio.seconds for one in spoken)
    show(
        f"{len(spoken)} utterances, {seconds:.0f} s of speech, Whisper base (int8, beam 5) and CAM++, on the processor"
    )
    show(f"{'utterances per second':30} {'transcripts':>12} {'embeddings':>12} {'both':>12}   times the plain way's")
    plain = _seconds(heard[PLAIN], embedded[PLAIN])
    for name, way, encoder in ((PLAIN, PLAIN, PLAIN), (EXACT, EXACT, ONCE), (FITTED, FITTED, ONCE)):
        own = _seconds(heard[way], embedded[encoder])
        rates = " ".join(f"{len(spoken) / part:12.2f}" for part in own)
        gains = " ".join(f"{base / part:5.2f}x" for base, part in zip(plain, own, strict=True))
        show(f"{name:30} {rates}   {gains}")
    _print_sameness(spoken, heard, embedded)


def _seconds(heard: Tally[str], embedded: Tally[Rows]) -> tuple[float, float, float]:
    return heard.seconds, embedded.seconds, heard.seconds + embedded.seconds


def _of_voice(voice: Voice) -> tuple[list[Spoken], list[Spoken], list[Spoken]]:
    """Returns a voice's whole clips, parts of clips, and pairs of clips."""
    clips = [(read_audio(clip.path), clip.text) for clip in voice.clips]
    reference = read_audio(voice.reference_clips[0].path)
    parts = (part for audio, _ in clips for part in _halves(audio))
    pairs = [
        (_joined(first, second), f"{text} {more}" if first.seconds + second.seconds <= LONGEST else None)
        for step in range(1, JOINS + 1)
        for (first, text), (second, more) in zip(clips, clips[step:] + clips[:step], strict=True)
    ]
    return (
        [Spoken(audio, reference, text) for audio, text in clips],
        [Spoken(audio, reference, None) for audio in parts if audio.seconds >= SHORTEST],
        [Spoken(audio, reference, text) for audio, text in pairs],
    )


def _halves(audio: Audio) -> tuple[Audio, Audio]:
    """Returns both sides of the quietest moment that leaves one of them `SHORTEST` seconds."""
    frame = round(FRAME_SECONDS * audio.sample_rate)
    frames = audio.samples[: len(audio.samples) // frame * frame].reshape(-1, frame)
    loudness = np.convolve(np.square(frames).mean(axis=1), np.ones(5) / 5, mode="same")
    first = round(SHORTEST / FRAME_SECONDS)
    cut = (first + int(np.argmin(loudness[first : -first // 4]))) * frame
    return Audio(audio.samples[:cut], audio.sample_rate), Audio(audio.samples[cut:], audio.sample_rate)


def _joined(first: Audio, second: Audio) -> Audio:
    samples = np.concatenate([first.samples, second.samples])
    return Audio(samples[: round(LONGEST * first.sample_rate)], first.sample_rate)


def _measure(spoken: Sequence[Spoken]) -> tuple[dict[str, Tally[str]], dict[str, Tally[Rows]]]:
    """Returns what each way took and gave, for transcripts and for embeddings."""
    hearing, embedding = _transcribers(), _encoders()
    for call in (*hearing.values(), embedding[PLAIN]):
        call(spoken[:2])  # weights are loaded and buffers made before the clock runs
    heard = {way: Tally[str]() for way in hearing}
    embedded = {way: Tally[Rows]() for way in embedding}
    for turn, start in enumerate(range(0, len(spoken), BLOCK)):
        block = spoken[start : start + BLOCK]
        take_turns(hearing, heard, block, turn)
        take_turns(embedding, embedded, block, turn)
    return heard, embedded


def take_turns(
    ways: Mapping[str, Callable[[Sequence[Sound]], list[Answer]]],
    tallies: Mapping[str, Tally[Answer]],
    block: Sequence[Sound],
    turn: int,
) -> None:
    """Lets each way answer to a block, and counts what it took; none is always first."""
    names = list(ways)
    for name in names[turn % len(names) :] + names[: turn % len(names)]:
        started = time.perf_counter()
        answers = ways[name](block)
        tallies[name].seconds += time.perf_counter() - started
        tallies[name].answers += answers


def _transcribers() -> dict[str, Way[str]]:
    from faster_whisper import WhisperModel

    folder = str(library().folder(WHISPER))
    model = WhisperModel(folder, device="cpu", compute_type="int8", local_files_only=True)

    def plainly(block: Sequence[Spoken]) -> list[str]:
        texts = []
        for one in block:
            segments, _ = model.transcribe(
                one.audio.resampled(16_000).samples,
                language="en",
                beam_size=5,
                temperature=0.0,
                condition_on_previous_text=False,
            )
            texts.append(" ".join("".join(segment.text for segment in segments).split()))
        return texts

    def by(judge: FasterWhisper) -> Way[str]:
        return lambda block: [
            heard.text for heard in judge.transcribe([one.audio for one in block], ["en"] * len(block))
        ]

    return {
        PLAIN: plainly,
        EXACT: by(FasterWhisper(model=WHISPER, device="cpu")),
        FITTED: by(FasterWhisper(model=WHISPER, device="cpu", window="fitted")),
    }


def _encoders() -> dict[str, Way[Rows]]:
    """Both ways give an utterance's embedding and its reference's, side by side."""
    encoder, known = CamPlusPlus(), dict[str, Rows]()

    def each_time(block: Sequence[Spoken]) -> list[Rows]:
        return [np.concatenate([encoder.embed([one.audio]), encoder.embed([one.reference])]) for one in block]

    def once(block: Sequence[Spoken]) -> list[Rows]:
        new = {one.reference.sha256: one.reference for one in block if one.reference.sha256 not in known}
        if new:
            known.update(zip(new, encoder.embed(list(new.values())), strict=True))
        own = encoder.embed([one.audio for one in block])
        return [np.stack([row, known[one.reference.sha256]]) for row, one in zip(own, block, strict=True)]

    return {PLAIN: each_time, ONCE: once}


def _print_sameness(spoken: Sequence[Spoken], heard: dict[str, Tally[str]], embedded: dict[str, Tally[Rows]]) -> None:
    written = sum(one.text is not None for one in spoken)
    show(f"{'agreement':30} {'equal texts':>12} {'WER':>12}   ({written} utterances whose words are known)")
    for way, tally in heard.items():
        equal = sum(text == plain for text, plain in zip(tally.answers, heard[PLAIN].answers, strict=True)) / len(
            spoken
        )
        show(f"{way:30} {equal:12.1%} {_wer(spoken, tally.answers):12.4f}")
    pairs_of_rows = zip(embedded[PLAIN].answers, embedded[ONCE].answers, strict=True)
    difference = max(float(np.abs(one - other).max()) for one, other in pairs_of_rows)
    show(f"{'embeddings differ by':30} {difference:12.1e}   target 1e-04 or less")


def _wer(spoken: Sequence[Spoken], texts: Sequence[str]) -> float:
    normalise = normalizer("whisper_english")
    edits = [
        align_words(normalise(one.text), normalise(text))
        for one, text in zip(spoken, texts, strict=True)
        if one.text is not None
    ]
    return sum(edit.errors for edit in edits) / sum(edit.reference_length for edit in edits)
