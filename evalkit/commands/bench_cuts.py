"""`evalkit bench cuts`: whether audio and words of prompts agree where they end, told by hearing both sides of it.

Prompts of 2 to 20 s are built of the same clips in every order that begins with another one, each way of cutting by
itself. Who judges decodes otherwise than who chose: over 30 s, as faster-whisper does. It errs too: how often, is
measured where nothing can be wrong, at both ends of whole clips and in long pauses, and taken off.
"""

import random
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Literal

from evalkit.audio import Audio, read_audio
from evalkit.commands.screen import show
from evalkit.config.app import plan_of
from evalkit.errors import ConfigError
from evalkit.judges.faster_whisper import FasterWhisper
from evalkit.languages import Language, shipped
from evalkit.pipeline.events import Deaf
from evalkit.pipeline.listening import Listening
from evalkit.pipeline.workspace import Workspace
from evalkit.prompt import Prompt
from evalkit.prompts import PromptSettings, build_prompt
from evalkit.prompts.cut import cut_at, pauses, rest_after
from evalkit.resources import locate
from evalkit.store.directory import Directory
from evalkit.text import Normalizer, basic, normalizer
from evalkit.voices import Clip, Voice, read_voices
from evalkit.words import words_in_time

FOLDERS = ("probes/voices/demo", "probes/voices/f5_examples.yaml")
CUTS = 240
LENGTHS = range(2, 21)  # seconds
KINDS: tuple[Literal["word", "silence", "hard"], ...] = ("word", "silence", "hard")
RATE = 24_000
HEARD_SECONDS = 5.0  # on each side
LONG_PAUSE = 0.25  # seconds: no word holds one
LEAST_SECONDS = 0.01  # less than so much is nothing
JUDGE = FasterWhisper(beam_size=5, window="full", device="cpu")
TARGET, HARM = 0.98, 1 / 3


@dataclass(frozen=True, eq=False)
class Joint:
    """A place where one piece of speech ends and the next begins.

    Attributes:
        place: Tells it from others.
        language: ISO 639-1 code.
        before: Sound that ends there.
        after: Sound that begins there; None where there is no more.
        text: The words up to there.
        rest: The words from there on.
        at: What kind of place it is.
        miss: Seconds by which it is not where it was wanted.
        tried: Cuts that were heard to find it.
    """

    place: tuple[str, str, float]
    language: str
    before: Audio
    after: Audio | None
    text: str
    rest: str
    at: str = ""
    miss: float = 0.0
    tried: int = 0


@dataclass(frozen=True)
class Verdict:
    """Whether the last word before a joint, and the first one after it, were heard as they are written."""

    last: bool
    first: bool
    heard: tuple[str, str]

    @property
    def both(self) -> bool:
        """Whether both were."""
        return self.last and self.first


def run_cuts(folders: Sequence[str], most: int) -> None:
    """Prints the table.

    Args:
        folders: Of voices, or manifests of voices in packages.
        most: Distinct places of each kind.

    Raises:
        ConfigError: `most` is below 1.
        DataError: There are no such voices.
    """
    if most < 1:
        raise ConfigError(f"--cuts was {most}, expected 1 or more")
    voices = [voice for folder in folders for voice in read_voices(locate(folder), None)]
    seconds = sum(_sound(clip).seconds for voice in voices for clip in voice.prompt_clips)
    show(f"{len(voices)} voices, {seconds:.0f} s of clips, prompts of {LENGTHS[0]} to {LENGTHS[-1]} s")
    show(f"{'':14}{'places':>7}{'last':>8}{'first':>8}{'both':>8}{'less error':>12}{'misses':>9}{'heard':>7}  ends")
    with tempfile.TemporaryDirectory(prefix="evalkit-bench-") as scratch:
        listening = _listening(Path(scratch))
        sure = [_told(name, found, 0.0) for name, found in _controls(voices, listening)]
        error = 1 - sum(tally.both for tally in sure) / max(1, sum(tally.places for tally in sure))
        tallies = [
            _told(f"cut={kind}", islice(_distinct(_joints(voices, kind, listening)), most), error) for kind in KINDS
        ]
    show(
        f"hearing itself errs in {error:.1%} (whole clips and long pauses). Targets, less that: {TARGET:.0%} or more "
        f"agree with cut=word and silence; hard ones fail in {HARM:.0%} or more"
    )
    for tally in tallies[:2]:
        show("\n".join([f"{tally.name}, heard otherwise:", *(tally.complaints or ["  none"])]))


@dataclass
class Tally:
    """What was heard at the places of one kind."""

    name: str
    places: int = 0
    last: int = 0
    first: int = 0
    both: int = 0
    missed: float = 0.0
    tried: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    def count(self, joint: Joint, verdict: Verdict) -> None:
        """Counts one more."""
        self.places += 1
        self.last += verdict.last
        self.first += verdict.first
        self.both += verdict.both
        self.missed += joint.miss
        self.tried += joint.tried
        self.ends[joint.at] += 1
        if not verdict.both:
            voice, clip, seconds = joint.place
            words = f"{_end(joint.text.split(), -3)} | {_end(joint.rest.split(), 3)}"
            heard = f"{_end(verdict.heard[0].split(), -3)} | {_end(verdict.heard[1].split(), 3)}"
            self.complaints.append(f"  {voice} {clip} {seconds:.2f} s ({joint.at}): {words}   heard: {heard}")

    def line(self, error: float) -> str:
        """Returns a line of the table; `error` is the share in which hearing errs."""
        count = max(1, self.places)
        shares = "".join(f"{part / count:8.1%}" for part in (self.last, self.first, self.both))
        ends = ", ".join(f"{number} {at}" for at, number in self.ends.most_common())
        return (
            f"{self.name:14}{self.places:7}{shares}{min(1.0, self.both / count / (1 - error)):12.1%}"
            f"{self.missed / count:7.2f} s{self.tried / count:7.1f}  {ends}"
        )


def _end(words: Sequence[str], count: int) -> str:
    """Returns the first words, or with a negative count the last ones."""
    return " ".join(words[:count] if count > 0 else words[count:])


def _told(name: str, joints: Iterable[Joint], error: float) -> Tally:
    """Judges joints, prints their line, and returns what was counted."""
    tally = Tally(name)
    for joint in joints:
        tally.count(joint, _verdict(joint))
    show(tally.line(error))
    return tally


def _verdict(joint: Joint) -> Verdict:
    """Returns what the judge says of a joint; where nothing follows, nothing can be wrong there."""
    sounds = [rest_after(joint.before, max(0.0, joint.before.seconds - HEARD_SECONDS))]
    if joint.after is not None:
        sounds.append(cut_at(joint.after, min(joint.after.seconds, HEARD_SECONDS)))
    heard = [one.text for one in JUDGE.transcribe(sounds, [joint.language] * len(sounds))]
    words = partial(_words, normalizer("whisper", shipped()[joint.language]), shipped()[joint.language])
    last = words(joint.text)[-1:] == words(heard[0])[-1:]
    first = joint.after is None or words(joint.rest)[:1] == words(heard[1])[:1]
    return Verdict(last, first, (heard[0], heard[1] if joint.after is not None else ""))


def _words(normalise: Normalizer, language: Language, text: str) -> list[str]:
    """Returns a text's words; the dots with which Whisper ends what breaks off are none, as its normaliser believes."""
    return [word.strip(".") for word in language.words(normalise(text)) if word.strip(".")]


@cache
def _sound(clip: Clip) -> Audio:
    return read_audio(clip.path).resampled(RATE)


def _listening(scratch: Path) -> Listening:
    plan, _ = plan_of(["engine=tone", "judge=fake", "ears=auto", "device=cpu"])
    return Listening(Workspace.of(plan, Directory(scratch / "store"), Deaf(), "bench"), plan.ears, scratch / "books")


def _controls(voices: Sequence[Voice], listening: Listening) -> list[tuple[str, list[Joint]]]:
    """Returns places where audio and words cannot disagree."""
    whole, paused = [], []
    for voice in voices:
        clips = voice.prompt_clips
        for clip, following in zip(clips, [*clips[1:], clips[0]], strict=True):
            text, rest = _text(listening, voice, clip), _text(listening, voice, following)
            whole.append(_joint(voice, clip, _sound(clip).seconds, text, rest, _sound(following)))
            paused += _long_pauses(voice, clip, text, listening)
    return [("whole clips", whole), ("long pauses", paused)]


def _joint(voice: Voice, clip: Clip, seconds: float, text: str, rest: str, after: Audio | None = None) -> Joint:
    """Returns a joint within a clip, or with `after` given, at its end."""
    sound = _sound(clip)
    return Joint(
        (voice.name, clip.path.name, seconds),
        voice.language,
        cut_at(sound, seconds),
        after or rest_after(sound, seconds),
        text,
        rest,
        "pause" if after is None else "clip",
    )


def _long_pauses(voice: Voice, clip: Clip, text: str, listening: Listening) -> list[Joint]:
    """Returns the pauses in a clip that no word holds, with the words around them as the aligner heard them."""
    sound = _sound(clip)
    heard = listening.words(sound, voice.language)
    language = shipped()[voice.language]
    placed = words_in_time(text, heard, basic(language), language.parted)
    found = []
    for seconds in pauses(sound, LONG_PAUSE):
        count = sum(word.end < seconds for word in placed)  # aligners begin the next word with the pause, sometimes
        words = language.parted(text)
        sides = language.joined(words[:count]), language.joined(words[count:])
        found.append(_joint(voice, clip, seconds, *sides))
    return [joint for joint in found if joint.text and joint.rest]


def _text(listening: Listening, voice: Voice, clip: Clip) -> str:
    return listening.given(voice, clip).text


def _distinct(joints: Iterable[Joint]) -> Iterator[Joint]:
    known = set()
    for joint in joints:
        if joint.place not in known:
            known.add(joint.place)
            yield joint


def _joints(voices: Sequence[Voice], kind: Literal["word", "silence", "hard"], listening: Listening) -> Iterator[Joint]:
    """Gives the ends of prompts, voices and lengths well mixed."""
    orders = [_beginning_with(voice, first) for voice in voices for first in range(len(voice.prompt_clips))]
    cases = [(voice, seconds) for voice in orders for seconds in LENGTHS if seconds < _whole_seconds(voice)]
    random.Random(0).shuffle(cases)
    for voice, seconds in cases:
        settings = PromptSettings(seconds=float(seconds), cut=kind)
        prompt = build_prompt(voice, settings, RATE, partial(listening.given, voice), listening)
        yield _end_of(voice, prompt, settings, listening)


def _beginning_with(voice: Voice, first: int) -> Voice:
    clips = voice.prompt_clips
    return replace(voice, clips=(*clips[first:], *clips[:first]))


def _whole_seconds(voice: Voice) -> float:
    return sum(_sound(clip).seconds for clip in voice.clips)


def _end_of(voice: Voice, prompt: Prompt, settings: PromptSettings, listening: Listening) -> Joint:
    """Returns where a prompt ends: its sound, and what comes next in its last clip or, at a clip's end, in the next."""
    used = voice.clips[: len(prompt.clips)]
    *before, last = used
    inside = prompt.audio.seconds - sum(_sound(clip).seconds + settings.gap_seconds for clip in before)
    after: Audio | None = rest_after(_sound(last), inside)
    following = voice.clips[len(used) :][:1]
    if after is not None and after.seconds < LEAST_SECONDS:
        after = _sound(following[0]) if following else None
    words = [word for clip in voice.clips for word in _text(listening, voice, clip).split()]
    assert prompt.ending is not None
    return Joint(
        (voice.name, last.path.name, round(inside, 2)),
        voice.language,
        prompt.audio,
        after,
        prompt.text,
        " ".join(words[len(prompt.text.split()) :]),
        prompt.ending.at,
        abs(prompt.audio.seconds - (settings.seconds or 0.0)),
        prompt.ending.tried,
    )
