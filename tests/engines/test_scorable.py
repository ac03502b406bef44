"""What an engine gave, checked in its own process before it counts as sound."""

import numpy as np
import pytest

from evalkit.audio import Audio
from evalkit.engines.base import Synthesis
from evalkit.engines.scorable import scorable
from evalkit.errors import SynthesisError
from evalkit.whistle import RATE, whistle

TONE = whistle("abc", 200.0).samples


@pytest.mark.parametrize(
    ("audio", "complaint"),
    [
        (Audio(TONE, 7_999), "the engine gave a sample rate of 7999, expected whole Hz, 8000 to 192000"),
        (Audio(TONE, 192_001), "the engine gave a sample rate of 192001"),
        (Audio(TONE, 16_000.0), "the engine gave a sample rate of 16000.0"),
        (Audio(np.stack([TONE, TONE]), RATE), r"the engine gave samples of shape \(2, 1440\), expected one dimension"),
        (Audio(TONE[:0], RATE), "the engine gave no samples"),
        (Audio(np.append(TONE, np.float32(np.inf)), RATE), "the engine gave samples that are not numbers"),
        (Audio(np.full(480, 9e-6, np.float32), RATE), r"the engine gave silence \(peak 9e-06\)"),
    ],
)
def test_what_is_no_sound_is_refused(audio, complaint):
    with pytest.raises(SynthesisError, match=complaint):
        scorable(Synthesis(audio, 0.1))


@pytest.mark.parametrize("rate", [8_000, 192_000])
def test_what_is_sound_is_taken_as_it_is(rate):
    synthesis = Synthesis(Audio(TONE, rate), 0.1)
    assert scorable(synthesis).audio.sha256 == synthesis.audio.sha256
