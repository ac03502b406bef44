"""Whether a clip's words can be those that are spoken in it: whistles are heard as they are, 30 ms a character."""

import pytest
import soundfile

from evalkit.audio import Audio
from evalkit.errors import DataError
from evalkit.judges.fake import WhistleReader
from evalkit.prompts import PromptSettings, ReferenceText, build_prompt
from evalkit.voices import Clip, Voice
from evalkit.whistle import RATE, whistle

pytestmark = pytest.mark.hostile


class Ears:
    def words(self, audio, language):
        (transcript,) = WhistleReader().transcribe([audio], [language])
        return transcript.words

    def texts(self, audios, language):
        return [heard.text for heard in WhistleReader().transcribe(audios, [language] * len(audios))]

    def speech(self, audio):
        raise AssertionError("nobody asked for spans")


def prompt_of(folder, *clips):
    """Builds the prompt of clips, each (spoken, written)."""
    made = []
    for index, (spoken, written) in enumerate(clips):
        path = folder / f"clip{index}.wav"
        soundfile.write(path, whistle(spoken, 150.0).samples, RATE, subtype="FLOAT")
        made.append(Clip(path, written, "prompt"))
    voice = Voice("ann", "en", "", tuple(made))
    return build_prompt(voice, PromptSettings(), RATE, lambda clip: ReferenceText(clip.text, "user"), Ears())


SENTENCE = "this is a whole sentence of nine words here"
LONG = ("six seven eight nine ten", "six seven eight nine ten")


@pytest.mark.parametrize(
    ("spoken", "written", "message"),
    [
        pytest.param("no", SENTENCE, r"clip0.wav are not those spoken \(WER 1.00", id="f07-sentence-in-60-ms"),
        pytest.param("yes he did", SENTENCE, "are not those spoken", id="f07-sentence-in-300-ms"),
        pytest.param("yes", "no", None, id="f07-one-word-may-be-misheard"),
        pytest.param("yes he did", "yes he did", None, id="f07-short-and-right"),
    ],
)
def test_words_of_a_short_clip(tmp_path, spoken, written, message):
    clips = ((spoken, written), LONG)
    if message is None:
        assert prompt_of(tmp_path, *clips).text == f"{written} {LONG[1]}"
    else:
        with pytest.raises(DataError, match=message):
            prompt_of(tmp_path, *clips)


def test_f43_a_long_clip_is_a_prompt_of_its_beginning(tmp_path):
    text = "some more words of a very long clip that never ends and goes on "
    path = tmp_path / "long.wav"
    audio = whistle(text * 40, 150.0)
    assert audio.seconds > 70
    soundfile.write(path, audio.samples, RATE)
    voice = Voice("ann", "en", "", (Clip(path, text * 40, "prompt"),))
    prompt = build_prompt(voice, PromptSettings(), RATE, lambda clip: ReferenceText(clip.text, "user"), Ears())
    assert 28 < prompt.audio.seconds <= 30
    assert (text * 40).startswith(prompt.text)


def test_f09_a_clip_that_overshoots_is_a_prompt_that_is_not_clipped(tmp_path):
    path = tmp_path / "hot.wav"
    loud = whistle("six seven eight nine ten", 150.0).samples * 1.5  # its peak is 0.7, so 1.05
    soundfile.write(path, loud, RATE, subtype="FLOAT")
    voice = Voice("ann", "en", "", (Clip(path, "six seven eight nine ten", "prompt"),))
    prompt = build_prompt(voice, PromptSettings(), RATE, lambda clip: ReferenceText(clip.text, "user"), Ears())
    peak = Audio(loud, RATE).peak
    assert peak > 1
    assert prompt.audio.samples == pytest.approx(loud / peak, abs=1e-6)
