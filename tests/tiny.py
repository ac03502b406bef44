"""Tiny random engines and the requests that tests put to them."""

from pathlib import Path

import numpy as np

from evalkit.audio import Audio, read_audio
from evalkit.engines.base import Engine, Request
from evalkit.prompt import Prompt
from evalkit.resources import resource
from tests import tiny_chroma, tiny_csm, tiny_f5

TEXT = "Hello there, my friend."
WORDS = "The mechanic wiped his hands and said the engine would last another year."
ENGINES = ("f5_tts", "csm", "chroma")
WRITERS = {"f5_tts": tiny_f5.write, "csm": tiny_csm.write, "chroma": tiny_chroma.write}


def made(name: str, weights: str | Path, **knobs: object) -> Engine:
    """Returns an engine with small settings, so that it answers in a fraction of a second."""
    if name == "f5_tts":
        from evalkit.engines.f5_tts import F5TTS

        return F5TTS(weights=str(weights), **{"nfe_step": 4, **knobs})
    if name == "csm":
        from evalkit.engines.csm import CSM

        return CSM(weights=str(weights), **{"max_frames": 20, **knobs})
    from evalkit.engines.chroma import Chroma

    return Chroma(weights=str(weights), **{"max_frames": 40, **knobs})


def prompt(name="male_us/prompt_01.flac", text=WORDS, seconds=None):
    audio = read_audio(resource(f"probes/voices/demo/{name}"))
    if seconds:
        audio = Audio(np.resize(audio.samples, round(seconds * audio.sample_rate)), audio.sample_rate)
    return Prompt(audio, text, "user", ())


def request(text=TEXT, seed=0, words=WORDS, **changes):
    return Request(text, prompt(text=words, **changes), seed, "en")


def spoken(engine, *requests):
    return [synthesis.audio for synthesis in engine.synthesize(requests)]
