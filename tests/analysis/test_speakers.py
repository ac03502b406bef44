"""Voices that are not what they say: clips of one speaker have a cosine of 0.81 here, those of two speakers 0."""

import itertools

import numpy as np
import pytest

from evalkit.analysis.calibration import VoicePrints
from evalkit.analysis.speakers import speaker_doubts

OWN = itertools.count(26)  # a direction of its own for each clip; the first 26 are the speakers'


def clip(speaker: str, likeness: float = 0.81):
    vector = np.zeros(400, np.float32)
    vector[ord(speaker) - ord("A")] = np.sqrt(likeness)
    vector[next(OWN)] = np.sqrt(1 - likeness)
    return vector


def voice(speakers: str, held_out: int = 1):
    """A voice whose clips are by these speakers, one letter each; the first are held out."""
    rows = np.stack([clip(speaker) for speaker in speakers])
    return VoicePrints(rows[:held_out], rows[held_out:], tuple(f"{at}{who}.wav" for at, who in enumerate(speakers, 1)))


SOUND = {"ann": voice("AAAA"), "ben": voice("BBB"), "cat": voice("CCCC")}


def test_sound_voices_are_not_doubted():
    assert speaker_doubts("x", SOUND) == []
    assert speaker_doubts("x", {"ann": SOUND["ann"]}) == []
    assert speaker_doubts("x", {}) == []
    assert speaker_doubts("x", {"one": voice("A"), "two": voice("B")}) == []  # nothing can be told of single clips


MIXED = [
    # 2 pairs of 0.81 and 4 of 0: 0.27 with each other; the line is half of 0.81
    (
        "ZZYY",
        "voice mix: by x its clips fall apart into two speakers (cosine 0.000 between them, 0.810 within): "
        "1Z.wav, 2Z.wav against 3Y.wav, 4Y.wav; keep one speaker's, or voices.exclude=[mix] leaves it out",
    ),
    (
        "ZZZZY",
        "voice mix: by x its clips fall apart into two speakers (cosine 0.000 between them, 0.810 within): "
        "1Z.wav, 2Z.wav, 3Z.wav and 1 more against 5Y.wav; keep one speaker's, or voices.exclude=[mix] leaves it out",
    ),
    # the last clip has 0.81 with ben's and 0 with the three others
    (
        "ZZZB",
        "voice mix: by x 1 of its 4 clips are another voice's speaker: 4B.wav is ben's (cosine 0.810, 0.000 with the "
        "rest); take them out, or voices.exclude=[mix] leaves it out",
    ),
    (
        "WXYZ",
        "voice mix: by x its clips are hardly alike (cosine 0.000 with each other; one speaker's are above 0.405 here):"
        " they are not one speaker's, or too poor; voices.exclude=[mix] leaves it out",
    ),
]


@pytest.mark.parametrize(("speakers", "sentence"), MIXED, ids=[speakers for speakers, _ in MIXED])
def test_a_voice_of_several_speakers_is_named(speakers, sentence):
    assert speaker_doubts("x", {**SOUND, "mix": voice(speakers)}) == [sentence]


def test_one_speaker_under_two_names():
    (told,) = speaker_doubts("x", {**SOUND, "dora": voice("AAA")})
    assert told == (
        "voices ann and dora: by x they are one speaker (cosine 0.810 of their clips, 0.000 is usual for two voices "
        "here): each is the other's floor; voices.exclude=[dora] leaves one out"
    )


def test_alike_is_not_the_same():
    """Two speakers whose voices have 0.6 stay two, since each has 0.81 with itself and no spread."""
    rows = np.stack([clip("A") for _ in range(4)])
    rows[:, 0], rows[:, 4] = 0.6 / 0.9, np.sqrt(0.81 - (0.6 / 0.9) ** 2)  # ann's direction, and one of her own
    assert speaker_doubts("x", {**SOUND, "eve": VoicePrints(rows[:1], rows[1:])}) == []


@pytest.mark.parametrize(("speakers", "doubts"), [("ZZYY", 1), ("ZZZZ", 0), ("ZY", 0)])
def test_a_voice_alone_can_only_fall_apart(speakers, doubts):
    assert len(speaker_doubts("x", {"mix": voice(speakers)})) == doubts


def test_a_poor_clip_of_the_same_speaker_makes_no_second_speaker():
    """Its cosine with the others, sqrt(0.4 * 0.81) = 0.57, is above half of theirs."""
    rows = np.stack([*(clip("A") for _ in range(5)), clip("A", 0.4)])
    assert speaker_doubts("x", {"ann": VoicePrints(rows[:1], rows[1:])}) == []
    assert speaker_doubts("x", {**SOUND, "ann": VoicePrints(rows[:1], rows[1:])}) == []
