"""The flags on speech that was spoilt on purpose, as the real transcriber hears it: precision and recall."""

from functools import cache

import numpy as np
import pytest

from evalkit.audio import Audio, read_audio
from evalkit.judges.faster_whisper import FasterWhisper
from evalkit.metrics import Evidence, Likeness
from evalkit.metrics.acoustics import measure
from evalkit.resources import resource
from evalkit.text import normalizer
from evalkit.voices import read_voices
from tests.metrics.samples import flags_of

pytestmark = [pytest.mark.weights]
CLIPS = 3  # of each of four voices, in six ways: 72 cases
LIKENESS = {"none": Likeness(np.ones(1, np.float32), np.ones((1, 1), np.float32), np.ones(1, np.float32))}


def silence(seconds, rate):
    return np.zeros(round(seconds * rate), np.float32)


def quietest(samples, rate):
    """Returns the sample, in the middle third, around which it is quietest: between two words."""
    size = rate // 20
    starts = range(len(samples) // 3, 2 * len(samples) // 3, size // 2)
    return min(starts, key=lambda start: float(np.sum(samples[start : start + size] ** 2))) + size // 2


WAYS = {
    "clean": lambda own, prompt, rate: own,
    "truncated": lambda own, prompt, rate: own[: quietest(own, rate)],
    "runaway": lambda own, prompt, rate: np.concatenate([own, own]),
    "bleed at the head": lambda own, prompt, rate: np.concatenate([prompt[len(prompt) // 2 :], own]),
    "bleed at the tail": lambda own, prompt, rate: np.concatenate([own, prompt[len(prompt) // 3 :]]),
    "silent": lambda own, prompt, rate: np.concatenate(
        [own[: quietest(own, rate)], silence(2.5, rate), own[quietest(own, rate) :]]
    ),
}


@cache
def cases():
    """Returns how each case was spoilt, and the flags that it got."""
    normalise = normalizer("whisper_english")
    spoilt = []
    for voice in read_voices(resource("probes/voices/demo"), None):
        prompts = voice.prompt_clips
        for index in range(CLIPS):
            own, prompt = prompts[index], prompts[index + CLIPS]
            sound, other = read_audio(own.path), read_audio(prompt.path)
            others = tuple(frozenset(normalise(clip.text).split()) for clip in prompts[index + CLIPS + 1 :])
            for way, spoil in WAYS.items():
                audio = Audio(spoil(sound.samples, other.samples, sound.sample_rate), sound.sample_rate)
                spoilt.append((way, audio, normalise(own.text), normalise(prompt.text), others))
    transcripts = FasterWhisper().transcribe([one[1] for one in spoilt], ["en"] * len(spoilt))
    return [
        (
            way,
            flags_of(
                Evidence(
                    text,
                    normalise(heard.text),
                    LIKENESS,
                    audio.seconds,
                    measure(audio),
                    prompt_words=frozenset(prompt.split()),
                    other_prompts=others,
                )
            ),
        )
        for (way, audio, text, prompt, others), heard in zip(spoilt, transcripts, strict=True)
    ]


@pytest.mark.parametrize("flag", ["truncated", "runaway", "bleed", "silent"])
def test_flags_find_what_was_spoilt_and_little_else(flag):
    truth = [way.startswith(flag) for way, _ in cases()]
    found = [flag in got for _, got in cases()]
    both = sum(one and other for one, other in zip(truth, found, strict=True))
    assert len(truth) >= 50
    wrong = [case for case, is_so, was in zip(cases(), truth, found, strict=True) if is_so != was]
    assert both / sum(found) >= 0.9, f"precision: {wrong}"
    assert both / sum(truth) >= 0.9, f"recall: {wrong}"


def test_clean_speech_has_no_flag():
    clean = [got for way, got in cases() if way == "clean"]
    assert sum(bool(got) for got in clean) <= len(clean) * 0.1
