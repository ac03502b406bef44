"""The shipped fake judges, by the formulas that their docstrings give."""

import numpy as np
import pytest

from evalkit.audio import Audio
from evalkit.errors import JudgementError
from evalkit.judges.fake import CoarseEncoder, Fluency, HumEncoder, WhistleReader
from evalkit.whistle import RATE, whistle

TEXT = "a cold sun rose late"  # 20 characters, 4 spaces


def cosine(encoder, one, other):
    first, second = encoder.embed([whistle(TEXT, one), whistle(TEXT, other)])
    return float(first @ second)


@pytest.mark.parametrize(
    ("one", "other", "hum", "coarse"),
    [
        (200.0, 200.0, 1.0, 1.0),
        (200.0, 220.0, np.exp(-((20 / 40) ** 2)), 1.0),  # both nearest to 210 Hz
        (200.0, 250.0, np.exp(-((50 / 40) ** 2)), np.exp(-((70 / 40) ** 2))),  # the other to 280 Hz
        (180.0, 320.0, np.exp(-((140 / 40) ** 2)), np.exp(-((140 / 40) ** 2))),  # 210 and 350 Hz
    ],
)
def test_cosines_by_hand(one, other, hum, coarse):
    assert cosine(HumEncoder(), one, other) == pytest.approx(hum, abs=2e-3)
    assert cosine(CoarseEncoder(), one, other) == pytest.approx(coarse, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "score"), [(TEXT, 5 - 4 * 4 / 20), ("abc", 5.0), ("   ", 1.0), ("a b ", 5 - 4 * 2 / 4)]
)
def test_fluency_by_hand(text, score):
    assert next(Fluency().score([whistle(text, 200.0)])) == {"fluency": pytest.approx(score)}


def test_a_sound_too_short_for_a_character_has_no_fluency():
    assert next(Fluency().score([Audio(np.zeros(10, np.float32), RATE)])) == {"fluency": 1.0}


def ask(judge, *audios):
    if isinstance(judge, WhistleReader):
        return list(judge.transcribe(audios, ["en"] * len(audios)))
    return list(judge.score(audios)) if isinstance(judge, Fluency) else list(judge.embed(audios))


@pytest.mark.parametrize("kind", [HumEncoder, CoarseEncoder, WhistleReader, Fluency])
def test_each_refuses_what_it_is_told_to_and_nothing_else(kind):
    judge = kind(crash_on="sun")
    assert len(ask(judge, whistle("a cold moon", 200.0), whistle("rose", 200.0))) == 2
    with pytest.raises(JudgementError, match="told to crash on 'sun'"):
        ask(judge, whistle(TEXT, 200.0))
    assert kind(crash_on="sun").fingerprint() != kind().fingerprint()
