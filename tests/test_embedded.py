"""The embedded models for real: what they say of speech whose words and speakers are known."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from evalkit.__main__ import main
from evalkit.analysis.calibration import (
    VoicePrints,
    encoder_record,
    floors_and_ceilings,
    is_no_better_than_chance,
)
from evalkit.analysis.speakers import speaker_doubts
from evalkit.audio import Audio, read_audio
from evalkit.config.app import plan_of
from evalkit.engines.base import Request
from evalkit.engines.kokoro import BANK, DEMO_SPEAKERS, Kokoro
from evalkit.errors import DataError
from evalkit.judges.campplus import CamPlusPlus
from evalkit.judges.faster_whisper import FasterWhisper
from evalkit.judges.ge2e import GE2E
from evalkit.judges.silero import Silero
from evalkit.metrics import align_words
from evalkit.metrics.likeness import is_clearly_above
from evalkit.pipeline.events import Deaf
from evalkit.pipeline.executors import Local
from evalkit.pipeline.listening import Listening
from evalkit.pipeline.prompting import Prompting
from evalkit.pipeline.workspace import Workspace
from evalkit.prompt import Prompt
from evalkit.prompts import PromptSettings, build_prompt
from evalkit.prompts.consensus import consensus
from evalkit.resources import resource
from evalkit.store.directory import Directory
from evalkit.text import normalizer
from evalkit.voices import read_voices
from tests.conftest import PACKAGES_WARN, report_of, rows_of

pytestmark = [pytest.mark.weights, *PACKAGES_WARN]


@pytest.fixture(scope="module")
def demo():
    return read_voices(resource("probes/voices/demo"), None)


def test_the_demo_has_voices_enough_and_four_have_clips_for_long_prompts():
    long, more = (read_voices(resource(f"probes/voices/{name}"), None) for name in ("demo", "demo_more"))
    assert (len(long), len(more)) == (4, 8)
    for voice in (*long, *more):
        clips = [read_audio(clip.path) for clip in voice.prompt_clips]
        assert sum(clip.seconds for clip in clips) >= (30 if voice in long else 8)
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
        assert len(bank["names"]) == 16
        assert not set(bank["names"]) & set(DEMO_SPEAKERS)


def first_clip(voice):
    clip = voice.prompt_clips[0]
    return Prompt(read_audio(clip.path), clip.text, "user", (clip.path.name,))


def test_kokoro_follows_prompt_text_and_knobs_and_repeats_itself(demo):
    prompts = [first_clip(voice) for voice in demo[:2]]
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
    request = Request("Guten Morgen.", first_clip(demo[0]), 0, "de")
    with pytest.raises(Exception, match="kokoro speaks en, not 'de'"):
        list(Kokoro().synthesize([request]))


def test_a_run_from_end_to_end(tmp_path, capfd):
    command = [
        *("run", "+sweep=demo", "engine.bank=6,16", "prompt.seconds=4", "baseline=null"),
        *("voices.names=[female_us,male_gb]", "probes.ids=[name]"),
        *(f"store={tmp_path}/store", f"reports_dir={tmp_path}/reports"),
    ]
    assert main(command) == 0
    folder = next((tmp_path / "reports/demo").iterdir())
    rows, report = rows_of(folder), report_of(folder)
    assert len(rows) == 4
    for row in rows:
        assert row["error"] is None
        assert row["scores"]["wer"] <= 0.2
        ends = report["calibration"][row["voice"]]["speakers"]["campplus"]
        # A bank voice that resembles the speaker is nearer to them than another speaker is, and no recording of theirs.
        assert ends["floor"] + 0.15 < row["scores"]["sim"] < ends["ceiling"] - 0.05
        assert 1 <= row["scores"]["dnsmos_ovrl"] <= 5
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
        assert 5 < read_audio(voice.prompt_clips[0].path).seconds < 10
        assert voice.reference_clips == voice.prompt_clips


def listening_and_plan(tmp_path, *overrides):
    plan, config = plan_of([*overrides, f"store={tmp_path}/store", f"transcripts={tmp_path}/books"])
    workspace = Workspace.of(plan, Directory(config.store), Deaf(), "test")
    return Listening(workspace, plan.ears, config.transcripts), plan


def pooled(pairs):
    """Returns the WER over (text, hypothesis) pairs."""
    normalise = normalizer("whisper_english")
    edits = [align_words(normalise(text), normalise(hypothesis)) for text, hypothesis in pairs]
    return sum(edit.errors for edit in edits) / sum(edit.reference_length for edit in edits)


def cut_error_rate(tmp_path, cut):
    pairs = []
    for seconds in (2, 4, 8, 16):
        voices = "voices.names=[female_gb,male_us]"
        listening, plan = listening_and_plan(tmp_path, voices, f"prompt.seconds={seconds}", f"prompt.cut={cut}")
        for voice in plan.voices:
            workspace = listening.workspace
            prompt = Prompting(plan, workspace, Local(workspace), listening.books).build(plan.cells[0], voice)
            heard = listening.words(prompt.audio, "en")
            pairs.append((prompt.text, " ".join(word.text for word in heard)))
    return pooled(pairs)


def test_a_cut_prompt_says_what_its_text_says_and_a_hard_one_does_not(tmp_path):
    word, hard = cut_error_rate(tmp_path, "word"), cut_error_rate(tmp_path, "hard")
    assert word <= 0.10
    assert hard > word + 0.08


CUTS_THAT_PARTED = [  # where cuts by word times alone fell, and what was heard on both sides of them
    ("male_us", "prompt_03.flac", 2.36),  # "... and phot-" | "Graphed nothing but ..."
    ("male_us", "prompt_04.flac", 1.41),  # "... the air." | "Port twice ..."
    ("male_us", "prompt_04.flac", 3.33),  # "... fog be" | "again to ..."
    ("male_gb", "prompt_03.flac", 2.48),  # "... to dis-" | "us the ..."
    ("female_us", "prompt_06.flac", 3.08),  # "... children pracked" | "dis their ..."
    ("female_us", "prompt_03.flac", 1.74),  # "... letter twice." | "and slipped ...", the text ending with "and"
    ("female_gb", "prompt_01.flac", 1.36),  # "... Keeper wrote..." | "down the ...", the text ending with "down"
]


@pytest.mark.parametrize(("name", "file", "seconds"), CUTS_THAT_PARTED)
def test_audio_and_words_of_a_cut_prompt_end_together(tmp_path, demo, name, file, seconds):
    """Judged by hearing both sides with another decoding than the one that chose."""
    (voice,) = (one for one in demo if one.name == name)
    (clip,) = (clip for clip in voice.prompt_clips if clip.path.name == file)
    listening, _ = listening_and_plan(tmp_path)
    settings = PromptSettings(seconds=seconds, tolerance=0)
    prompt = build_prompt(replace(voice, clips=(clip,)), settings, 24_000, partial(listening.given, voice), listening)
    rest = read_audio(clip.path).samples[len(prompt.audio.samples) :]
    sides = [prompt.audio, Audio(rest, 24_000)]
    before, after = (heard_words(heard.text) for heard in FasterWhisper(window="full").transcribe(sides, ["en"] * 2))
    words = heard_words(clip.text)
    count = len(heard_words(prompt.text))
    assert 0 < count < len(words)
    assert (before[-1], after[0]) == (words[count - 1], words[count])
    assert abs(prompt.audio.seconds - seconds) < 1.0


def heard_words(text):
    return normalizer("whisper_basic")(text).split()


@pytest.mark.parametrize("voices", ["demo", "f5_examples"])
def test_the_automatic_text_is_right(tmp_path, voices):
    if voices == "f5_examples":
        pytest.importorskip("f5_tts")
    listening, plan = listening_and_plan(tmp_path, f"voices={voices}")
    clips = [(voice, clip) for voice in plan.voices for clip in voice.prompt_clips[:3]]
    assert pooled([(clip.text, listening.automatic(voice, clip).text) for voice, clip in clips]) <= 0.05


def test_the_passes_differ_on_a_noisy_recording(tmp_path, demo):
    """At 0 dB the three decodings hear different things, of the clean clip the same."""
    _, plan = listening_and_plan(tmp_path)
    clean = read_audio(demo[1].prompt_clips[1].path)
    noise = np.random.default_rng(3).normal(0, 1, len(clean.samples)).astype(np.float32)
    noisy = Audio(clean.samples + noise * np.sqrt(np.mean(clean.samples**2)) * 1.3, clean.sample_rate)
    heard = {
        name: [next(iter(one.transcribe([audio], ["en"]))).text for one in plan.ears.passes]
        for name, audio in (("clean", clean), ("noisy", noisy))
    }
    assert consensus(heard["clean"]).spread <= 0.05  # of their characters; measured: 0 and 0.37
    assert consensus(heard["noisy"]).spread > 0.1
    again = [next(iter(one.transcribe([noisy], ["en"]))).text for one in plan.ears.passes]
    assert again == heard["noisy"]


@pytest.mark.parametrize("kind", ["noise", "hum", "silence"])
def test_what_holds_no_words_is_refused_by_name(tmp_path, demo, kind):
    rate, count = 24_000, 24_000 * 4
    samples = {
        "noise": np.random.default_rng(0).normal(0, 0.1, count),
        "hum": 0.2 * np.sin(np.arange(count) / 20),
        "silence": np.random.default_rng(0).normal(0, 2e-4, count),
    }[kind]
    folder = tmp_path / "voices/dora"
    folder.mkdir(parents=True)
    soundfile.write(folder / "a.wav", samples, rate)
    listening, plan = listening_and_plan(tmp_path, f"voices.path={tmp_path}/voices")
    (voice,) = plan.voices
    with pytest.raises(DataError, match=r"'dora': no usable words in a.wav.*transcript set dora --clip a.wav"):
        listening.automatic(voice, voice.prompt_clips[0])


def test_another_language_is_refused_by_name(tmp_path):
    f5_tts = pytest.importorskip("f5_tts")
    mandarin = resource_of(f5_tts) / "infer/examples/basic/basic_ref_zh.wav"
    listening, plan = listening_and_plan(tmp_path, f"voices.path={mandarin}")
    (voice,) = plan.voices
    with pytest.raises(DataError, match=r"'basic_ref_zh': no usable words .*sounds like 'zh'"):
        listening.automatic(voice, voice.prompt_clips[0])


def resource_of(package):
    return Path(next(iter(package.__path__)))


def test_silero_finds_the_speech_between_silences(tmp_path, demo):
    clip = read_audio(demo[0].prompt_clips[0].path)
    quiet_second = np.zeros(clip.sample_rate, np.float32)
    padded = Audio(np.concatenate([quiet_second, clip.samples, quiet_second]), clip.sample_rate)
    spans = Silero().spans(padded)
    assert spans[0][0] == pytest.approx(1.0, abs=0.25)
    assert spans[-1][1] == pytest.approx(1.0 + clip.seconds, abs=0.35)


@pytest.fixture(scope="module")
def prints():
    """What CAM++ makes of the demo's voices."""
    found = {}
    for voice in read_voices(resource("probes/voices/demo"), None):
        uses = (voice.held_out_clips, voice.prompt_clips)
        embedded = [CamPlusPlus().embed([read_audio(clip.path) for clip in clips]) for clips in uses]
        found[voice.name] = VoicePrints(*embedded)
    return found


def test_campplus_parts_the_demo_voices_and_every_ceiling_is_above_its_floor(prints):
    record = encoder_record(prints)
    assert record.eer <= 0.05
    assert record.n_same > 100
    assert not is_no_better_than_chance(record)
    assert speaker_doubts("campplus", prints) == []
    for ends in floors_and_ceilings(prints).values():
        assert ends.ceiling > ends.floor + 0.3
        assert is_clearly_above(ends.ceiling, ends.floor, ends.spread)


@pytest.mark.parametrize("third", ["female_gb", "male_gb"])
def test_campplus_sees_a_voice_of_two_speakers(prints, third):
    """Clips of two demo voices under one name; beside one of them, or beside strangers only."""
    mixed = VoicePrints(
        prints["female_us"].held_out,
        np.concatenate([prints["male_us"].prompt[:4], prints["female_us"].prompt[:2]]),
    )
    strangers = {third: prints[third], "mixed": mixed}
    ends = floors_and_ceilings(strangers)["mixed"]
    assert not is_clearly_above(ends.ceiling, ends.floor, ends.spread)
    (told,) = speaker_doubts("campplus", strangers)
    assert "voice mixed: by campplus its clips fall apart into two speakers" in told
    (told,) = speaker_doubts("campplus", {**strangers, "male_us": prints["male_us"]})
    assert "voice mixed: by campplus 4 of its 8 clips are another voice's speaker" in told
    (told,) = speaker_doubts("campplus", {"mixed": mixed})
    assert "fall apart into two speakers" in told
    (told,) = speaker_doubts("campplus", {**prints, "again": prints["male_us"]})
    assert "voices male_us and again: by campplus they are one speaker" in told


def test_a_batch_of_speaker_embeddings_is_what_its_members_give():
    audio = read_audio(resource("probes/voices/demo/male_us/prompt_01.flac"))
    sizes = [round(seconds * audio.sample_rate) for seconds in (0.05, 0.4, 3.0, 8.0, 40.0)]
    audios = [Audio(np.resize(audio.samples, size), audio.sample_rate) for size in sizes]
    for encoder in (CamPlusPlus(), GE2E()):
        together = encoder.embed(audios)
        alone = np.concatenate([encoder.embed([one]) for one in audios])
        assert np.abs(together - alone).max() <= 1e-4
        assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
