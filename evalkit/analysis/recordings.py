"""What a voice lacks, and what is wrong with its recordings: the rules of `voices check`.

Wrong is what a run refuses, or what would spoil its numbers; all else is a remark. Whether the clips are one speaker's
is said by `speakers` and `calibration`, as in a run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from evalkit.metrics.recordings import Sounding

State = Literal["wrong", "remark"]

QUIETEST, SOFT = -50.0, -35.0  # dBFS of speech: below the first wrong, below the second a remark
NOISIEST, NOISY = 16.0, 22.0  # dB above what is heard between words: white noise 10 and 15 dB below the speech
CLIPPED, CLIPPING = 0.01, 0.0005  # shares of samples
TELEPHONE = 5_000.0  # Hz: a telephone's speech ends at 3,400
LOWEST_RATE = 16_000  # Hz: what judges hear
SHORTEST = 2.0  # seconds: less tells encoders little of a speaker
LONGEST_PROMPT = 30.0  # seconds of a clip that are used to prompt
LEAST_PROMPT = 6.0  # seconds in all: engines are made for prompts of 3 to 15


@dataclass(frozen=True)
class Finding:
    """What is wrong, or worth knowing; `todo` is what helps."""

    voice: str
    state: State
    what: str
    todo: str
    clip: str | None = None


@dataclass(frozen=True)
class Clip:
    """A clip of a voice as it was read.

    Attributes:
        name: Of its file.
        use: `prompt` or `held_out`.
        seconds: Its length.
        sample_rate: Hz.
        channels: Of its file.
        has_words: Whether somebody wrote them down.
        sound: What was measured.
    """

    name: str
    use: str
    seconds: float
    sample_rate: int
    channels: int
    has_words: bool
    sound: Sounding


def clip_findings(voice: str, clip: Clip) -> Iterator[Finding]:
    """Gives what is wrong with a clip's sound and length."""
    for state, what, todo in [*_of_sound(clip.sound), *_of_file(clip)]:
        yield Finding(voice, state, what, todo, clip.name)


def _of_sound(sound: Sounding) -> Iterator[tuple[State, str, str]]:
    if sound.level < SOFT:
        wrong = sound.level < QUIETEST
        yield _graded(wrong), f"is too quiet ({sound.level:.0f} dBFS)", "record it nearer, or leave it out"
    if sound.above < NOISY:
        told = f"is noisy: its speech is {sound.above:.0f} dB above what is heard between words"
        yield _graded(sound.above < NOISIEST), told, "take a cleaner recording, or leave it out"
    if sound.clipped > CLIPPING:
        told = f"is clipped: {100 * sound.clipped:.2g} % of its samples are cut off at the peak"
        yield _graded(sound.clipped > CLIPPED), told, "record it at a lower level, or leave it out"
    if sound.bandwidth < TELEPHONE:
        told = f"has nothing above {sound.bandwidth / 1000:.1f} kHz, as over a telephone"
        yield "remark", told, "engines clone that too, and encoders hear it: keep to one kind of recording"


def _of_file(clip: Clip) -> Iterator[tuple[State, str, str]]:
    if clip.seconds < SHORTEST:
        yield "remark", f"is short: {clip.seconds:.1f} s", f"take clips of 3 to 15 s; {SHORTEST:g} s at the least"
    if clip.use == "prompt" and clip.seconds > LONGEST_PROMPT:
        told = f"is long: {clip.seconds:.1f} s, of which prompts take {LONGEST_PROMPT:g}"
        yield "remark", told, "cut it between sentences"
    if clip.sample_rate < LOWEST_RATE:
        yield "remark", f"has a rate of {clip.sample_rate} Hz", f"judges hear at {LOWEST_RATE}: take the original"
    if clip.channels > 1:
        yield "remark", f"has {clip.channels} channels, which are mixed down", "one microphone's alone is clearer"


def _graded(wrong: bool) -> State:
    return "wrong" if wrong else "remark"


def voice_findings(voice: str, clips: Sequence[Clip], undeclared: Sequence[str]) -> Iterator[Finding]:
    """Gives what a voice lacks.

    Args:
        voice: Its name.
        clips: Those that could be read.
        undeclared: What its manifest does not say: language, licence.
    """
    prompts = [clip for clip in clips if clip.use == "prompt"]
    if not any(clip.use == "held_out" for clip in clips):
        told = "has no held-out clip: its SIM would be against its own prompts, which copying them would win"
        yield Finding(voice, "wrong", told, "keep clips aside: held_out/, or use: held_out")
    seconds = sum(clip.seconds for clip in prompts)
    if prompts and seconds < LEAST_PROMPT:
        told = f"has {seconds:.1f} s to prompt with"
        yield Finding(voice, "remark", told, f"engines want {LEAST_PROMPT:g} s and more; sweeps of lengths up to 30 s")
    if without := [clip.name for clip in clips if not clip.has_words]:
        told = f"has no words for {len(without)} of {len(clips)} clips ({without[0]}): they will be heard"
        yield Finding(voice, "remark", told, f"see what is heard: transcript show {voice} voices.path=DIR")
    for what, todo in (("language", "en is taken for it: language: CODE"), ("licence", "say it: licence: TEXT")):
        if what in undeclared:
            yield Finding(voice, "remark", f"says nothing of its {what}", f"{todo}, in its voice.yaml")
