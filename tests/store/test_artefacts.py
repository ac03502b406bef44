"""Artefacts prove themselves: what is not just what was written, under just this key, is not found."""

import math

import numpy as np
import pytest

from evalkit.judges.base import Transcript
from evalkit.metrics.acoustics import Acoustics
from evalkit.pipeline.artefacts import (
    ACOUSTICS,
    EMBEDDING,
    KINDS,
    PROMPT,
    QUALITY,
    SOUND,
    SPEECH,
    SYNTHESIS,
    TRANSCRIPT,
    BuiltPrompt,
    Made,
)
from evalkit.store.artefacts import Artefacts, named
from evalkit.store.codecs import stored
from evalkit.store.directory import Directory
from evalkit.whistle import whistle
from evalkit.words import Word

KEYS = ("ab" * 32, "cd" * 32)
VALUES = {
    SOUND.name: (stored(whistle("one", 150.0)), stored(whistle("two", 150.0))),
    PROMPT.name: tuple(BuiltPrompt(sound, 0.09, "é", "user", ("a.wav",), 1 / 3) for sound in KEYS),
    SYNTHESIS.name: tuple(Made(sound, 0.09, 0.7, 0.1, "here", "run") for sound in KEYS),
    TRANSCRIPT.name: tuple(Transcript(text, (Word(text, 0.1, 0.2),), ("en", 0.9)) for text in ("one", "two")),
    SPEECH.name: ([(0.1, 0.2)], [(0.1, 0.3)]),
    EMBEDDING.name: tuple(np.array(one, np.float32) for one in ([0.6, 0.8], [0.8, 0.6])),
    QUALITY.name: ({"mos": 4.5}, {"mos": 1.5}),
    ACOUSTICS.name: (Acoustics(0.1, 0.2, 0.3, 150.0, 1.0), Acoustics(0.1, 0.2, 0.3, None, None)),
}


@pytest.fixture
def told():
    return []


@pytest.fixture
def artefacts(tmp_path, told):
    return Artefacts(Directory(tmp_path), told.append)


def content(value):
    """Returns what two values must share to be equal."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.sha256 if hasattr(value, "samples") else value


def file_of(tmp_path, kind, key):
    return tmp_path / kind.name / key[:2] / f"{key}{kind.suffix}"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_comes_back_as_it_was(artefacts, told, kind):
    artefacts.write(kind, dict(zip(KEYS, VALUES[kind.name], strict=True)))
    found = artefacts.read(kind, KEYS)
    assert [content(found[key]) for key in KEYS] == [content(value) for value in VALUES[kind.name]]
    assert told == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_one_flipped_bit_anywhere_is_noticed(artefacts, told, tmp_path, kind):
    """Every 13th bit is tried, of sounds, which are long, every 997th."""
    key, _ = KEYS
    artefacts.write(kind, {key: VALUES[kind.name][0]})
    path = file_of(tmp_path, kind, key)
    whole = path.read_bytes()
    for bit in range(0, 8 * len(whole), 997 if kind is SOUND else 13):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        assert list(artefacts.look(kind, [key])) == [(key, None)], bit
    assert told == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_belongs_to_another_key_is_not_believed(artefacts, tmp_path, kind):
    artefacts.write(kind, dict(zip(KEYS, VALUES[kind.name], strict=True)))
    file_of(tmp_path, kind, KEYS[0]).write_bytes(file_of(tmp_path, kind, KEYS[1]).read_bytes())
    assert list(artefacts.read(kind, KEYS)) == [KEYS[1]]


def test_what_is_damaged_is_told_of_once_and_set_aside_until_it_is_made_again(artefacts, told, tmp_path):
    artefacts.write(QUALITY, {KEYS[0]: {"mos": 4.5}})
    file_of(tmp_path, QUALITY, KEYS[0]).write_bytes(b"{}")
    assert [artefacts.get(QUALITY, KEYS[0]) for _ in range(2)] == [None, None]
    assert told == ["damaged in the store, set aside, to be made again: quality abababababab"]
    assert artefacts.missing(QUALITY, KEYS) == set(KEYS)
    assert [path.read_bytes() for path in (tmp_path / ".damaged").glob("*/*")] == [b"{}"]
    artefacts.write(QUALITY, {KEYS[0]: {"mos": 4.5}})
    assert artefacts.get(QUALITY, KEYS[0]) == {"mos": 4.5}


def test_a_judgement_is_named_so_that_it_is_told_from_others_of_its_sound():
    assert named(TRANSCRIPT, f"{'ab' * 32}-{'cd' * 16}") == "transcript abababababab-cdcdcdcdcdcd"


def test_what_is_no_number_is_kept_as_such_and_is_not_damage(artefacts, told):
    artefacts.write(QUALITY, {KEYS[0]: {"mos": math.nan, "other": -math.inf}})
    artefacts.write(ACOUSTICS, {KEYS[0]: Acoustics(math.nan, 0.0, 0.0, math.inf, None)})
    opinion, measured = artefacts.get(QUALITY, KEYS[0]), artefacts.get(ACOUSTICS, KEYS[0])
    assert math.isnan(opinion["mos"])
    assert opinion["other"] == -math.inf
    assert math.isnan(measured.silence_share)
    assert measured.f0_median == math.inf
    assert told == []
