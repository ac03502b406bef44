"""The embedded models for real: what they say of speech whose words and speakers are known."""

import numpy as np
import pytest

from evalkit.__main__ import main
from evalkit.audio import read_audio
from evalkit.engines.base import Request
from evalkit.engines.kokoro import BANK, DEMO_SPEAKERS, Kokoro
from evalkit.judges.campplus import CamPlusPlus
from evalkit.judges.faster_whisper import FasterWhisper
from evalkit.judges.ge2e import GE2E
from evalkit.metrics import align_words
from evalkit.prompts import PromptSettings, build_prompt
from evalkit.resources import resource
from evalkit.text import normalizer
from evalkit.voices import read_voices
from tests.conftest import report_of, rows_of

pytestmark = [
    pytest.mark.weights,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def demo():
    return read_voices(resource("probes/voices/demo"), None)


def test_the_demo_voices_are_as_the_issue_asks(demo):
    assert len(demo) == 4
    for voice in demo:
        clips = [read_audio(clip.path) for clip in voice.prompt_clips]
        assert sum(clip.seconds for clip in clips) >= 30
        assert all(2 <= clip.seconds <= 6 and clip.sample_rate == 24_000 for clip in clips)
        assert len(voice.held_out_clips) == 2


@pytest.mark.parametrize(("encoder", "margin"), [(CamPlusPlus(), 0.3), (GE2E(), 0.05)])
def test_encoders_tell_the_demos_speakers_apart(demo, encoder, margin):
    owners = [voice.name for voice in demo for _ in voice.reference_clips]
    embeddings = encoder.embed([read_audio(clip.path) for voice in demo for clip in voice.reference_clips])
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(np.ones(len(owners)), abs=1e-5)
    cosines = embeddings @ embeddings.T
    same = [cosines[i, j] for i in range(len(owners)) for j in range(i) if owners[i] == owners[j]]
    other = [cosines[i, j] for i in range(len(owners)) for j in range(i) if owners[i] != owners[j]]
    assert min(same) > max(other) + margin


def test_an_embedding_never_depends_on_its_neighbours(demo):
    clips = [read_audio(clip.path) for clip in demo[0].prompt_clips[:3]]
    together = CamPlusPlus().embed(clips)
    alone = np.concatenate([CamPlusPlus().embed([clip]) for clip in clips])
    assert np.array_equal(together, alone)


def test_the_transcriber_reads_the_demos_clips(demo):
    clips = [voice.prompt_clips[0] for voice in demo]
    heard = FasterWhisper().transcribe([read_audio(clip.path) for clip in clips], ["en"] * len(clips))
    normalise = normalizer("whisper_english")
    edits = [
        align_words(normalise(clip.text), normalise(transcript.text))
        for clip, transcript in zip(clips, heard, strict=True)
    ]
    assert sum(edit.errors for edit in edits) / sum(edit.reference_length for edit in edits) <= 0.05


def test_the_bank_lacks_the_demos_speakers():
    with np.load(BANK) as bank:
        assert len(bank["names"]) == 24
        assert not set(bank["names"]) & set(DEMO_SPEAKERS)


def test_kokoro_follows_prompt_text_and_knobs_and_repeats_itself(demo):
    prompts = [build_prompt(voice, PromptSettings(seconds=4), 24_000) for voice in demo[:2]]
    requests = [
        Request("Good morning.", prompts[0], 0, "en"),
        Request("Good morning.", prompts[1], 0, "en"),
        Request("Good evening to you.", prompts[0], 0, "en"),
        Request("Good morning.", prompts[0], 0, "en"),
    ]
    sounds = [synthesis.audio.sha256 for synthesis in Kokoro().synthesize(requests)]
    assert sounds[0] == sounds[3]
    assert len(set(sounds)) == 3
    (blended,) = Kokoro(top_k=3, temperature=0.5).synthesize(requests[:1])
    assert blended.audio.sha256 != sounds[0]
    names, weights = Kokoro(top_k=3, temperature=0.5).nearest(prompts[0])
    assert len(names) == 3
    assert weights.sum() == pytest.approx(1)
    assert list(weights) == sorted(weights, reverse=True)


def test_kokoro_refuses_another_language(demo):
    request = Request("Guten Morgen.", build_prompt(demo[0], PromptSettings(seconds=4), 24_000), 0, "de")
    with pytest.raises(Exception, match="kokoro speaks en, not 'de'"):
        list(Kokoro().synthesize([request]))


def test_a_run_from_end_to_end(tmp_path, capfd):
    command = [
        *("run", "+sweep=demo", "engine.top_k=1,3", "prompt.seconds=4"),
        *("voices.names=[female_gb,male_us]", "probes.ids=[canoe,name]"),
        *(f"store={tmp_path}/store", f"reports_dir={tmp_path}/reports"),
    ]
    assert main(command) == 0
    folder = next((tmp_path / "reports/demo").iterdir())
    rows, report = rows_of(folder), report_of(folder)
    assert len(rows) == 8
    assert all(row["error"] is None and row["scores"]["wer"] <= 0.2 for row in rows)
    assert all(-0.2 < row["scores"]["sim"] < 0.95 for row in rows)
    weights = {
        **report["provenance"]["engines"]["kokoro"]["weights"],
        **report["provenance"]["judges"]["asr"]["weights"],
    }
    assert {"kokoro_int8/model.onnx", "kokoro_bank.npz", "whisper_base_ct2/model.bin"} <= set(weights)
    assert all(len(sha256) == 64 for sha256 in weights.values())
    shown = capfd.readouterr()
    assert len(shown.err.splitlines()) <= 60


def test_human_speech_from_an_installed_f5_tts():
    pytest.importorskip("f5_tts")
    found = read_voices(resource("probes/voices/f5_examples.yaml"), None)
    assert [voice.name for voice in found] == ["country", "main", "nature", "town"]
    for voice in found:
        assert 5 < build_prompt(voice, PromptSettings(), 24_000).audio.seconds < 10
        assert voice.reference_clips == voice.prompt_clips
