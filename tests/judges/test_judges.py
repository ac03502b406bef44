"""The judges with weights of their own, shown on tiny random models through the judges' own code; and DNSMOS itself."""

import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest

from evalkit.audio import Audio, read_audio
from evalkit.config.making import made_from
from evalkit.errors import ConfigError, DeviceError, JudgementError, WeightsError
from evalkit.judges.base import Judge
from evalkit.judges.ecapa import Ecapa
from evalkit.judges.hf_ctc import HfCtc
from evalkit.judges.utmos import Utmos
from evalkit.judges.wavlm_large_sv import WavLMLargeSV
from evalkit.judges.wavlm_sv import WavLMSV
from evalkit.judges.whisper_hf import WhisperHf
from evalkit.resources import resource
from tests import tiny_judges
from tests.conftest import PACKAGES_WARN, environment

pytestmark = PACKAGES_WARN

KINDS = {
    "ecapa": Ecapa, "wavlm_sv": WavLMSV, "wavlm_large_sv": WavLMLargeSV, "hf_ctc": HfCtc, "whisper_hf": WhisperHf,
    "utmos": Utmos,
}  # fmt: skip
RATE = 16_000
LENGTHS = (0.05, 0.1, 0.34, 1.0, 3.3, 29.9, 40.0)  # seconds
CLIPS = sorted(resource("probes/voices/demo").glob("*/prompt_01.flac"))


def noise(seconds, seed=0, rate=RATE):
    samples = np.random.default_rng(seed).standard_normal(round(seconds * rate)) * 0.1
    return Audio(samples.astype(np.float32), rate)


def speech(seconds=None):
    audio = read_audio(CLIPS[0])
    return Audio(np.resize(audio.samples, round(seconds * audio.sample_rate)), audio.sample_rate) if seconds else audio


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    def refuse(*_):
        raise AssertionError("a judge asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("judges")
    return {name: getattr(tiny_judges, name)(root / name) for name in KINDS}


@pytest.fixture
def made(folders):
    return lambda name, **settings: KINDS[name](weights=str(folders[name]), device="cpu", **settings)


@pytest.fixture(params=["ecapa", "wavlm_sv", "wavlm_large_sv"])
def encoder(request, made):
    return made(request.param)


def answer(judge, audio):
    """What a judge of any kind says of one audio."""
    if isinstance(judge, HfCtc | WhisperHf):
        return next(judge.transcribe([audio], ["en"])).text
    if isinstance(judge, Ecapa | WavLMSV | WavLMLargeSV):
        return judge.embed([audio]).tobytes()
    return next(judge.score([audio]))


def test_embeddings_are_of_unit_length_and_differ(encoder):
    found = encoder.embed([noise(1), noise(1, seed=1), speech()])
    assert found.shape == (3, 24)
    assert found.dtype == np.float32
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    assert (found @ found.T)[np.triu_indices(3, 1)].max() < 0.9999


def test_a_batch_gives_what_its_members_give_one_by_one(encoder):
    audios = [noise(seconds, seed) for seed, seconds in enumerate(LENGTHS)]
    together = encoder.embed(audios)
    alone = np.concatenate([encoder.embed([audio]) for audio in audios])
    assert np.abs(together - alone).max() < 1e-4
    samples = [audio.samples for audio in audios if encoder.least_seconds <= audio.seconds <= 30]
    assert np.abs(encoder.vectors(samples) - np.concatenate([encoder.vectors([one]) for one in samples])).max() < 1e-4


def test_other_rates_are_resampled(encoder):
    from scipy.signal import resample_poly

    audio = speech(3)
    assert audio.sample_rate == 24_000
    at_16k = Audio(resample_poly(audio.samples, 2, 3).astype(np.float32), RATE)
    assert (encoder.embed([audio]) @ encoder.embed([at_16k]).T).item() > 0.99


@pytest.mark.parametrize("name", KINDS)
def test_the_same_audio_gives_the_same_bytes_after_loading_anew(made, name):
    judge, audio = made(name), speech()
    first = [answer(judge, audio) for _ in range(4)]
    judge.close()
    judge.load()
    assert {str(one) for one in [*first, answer(judge, audio)]} == {str(first[0])}


@pytest.mark.parametrize("name", KINDS)
def test_loading_writes_nothing_and_asks_no_network(made, folders, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    judge = made(name)
    judge.close()
    before = {path: path.lstat().st_mtime_ns for path in folders[name].rglob("*")}
    judge.load()
    answer(judge, speech())
    assert {path: path.lstat().st_mtime_ns for path in folders[name].rglob("*")} == before
    assert list(tmp_path.iterdir()) == []


def test_ecapa_is_what_speechbrains_parts_make_of_the_checkpoint(made, folders):
    """Step by step: features, their mean taken off, the network with the checkpoint's weights, unit length."""
    import torch
    from hyperpyyaml import load_hyperpyyaml

    parts, audio = load_hyperpyyaml(tiny_judges.ECAPA), speech(3).resampled(RATE)
    state = torch.load(folders["ecapa"] / "embedding_model.ckpt", weights_only=True)
    parts["embedding_model"].load_state_dict(state)
    parts["embedding_model"].eval()
    with torch.inference_mode():
        bands = parts["compute_features"](torch.tensor(audio.samples)[None])
        vector = parts["embedding_model"](parts["mean_var_norm"](bands, torch.ones(1)))[0, 0].numpy()
    assert made("ecapa").embed([audio])[0] == pytest.approx(vector / np.linalg.norm(vector), abs=1e-5)


@pytest.mark.parametrize("name", KINDS)
def test_a_directory_that_lacks_files_is_refused(folders, name, tmp_path):
    node = {"_target_": f"{KINDS[name].__module__}.{KINDS[name].__qualname__}"}
    with pytest.raises(
        ConfigError, match=f"there is no directory /no/such, and no asset of that name: {KINDS[name].published[0]}"
    ):
        made_from({**node, "weights": "/no/such"}, Judge, "judge")
    for path in folders[name].iterdir():
        if path.name in KINDS[name].layout:
            copy = shutil.copytree(folders[name], tmp_path / path.name)
            (copy / path.name).unlink()
            with pytest.raises(ConfigError, match=f"{copy} lacks {path.name}; it needs "):
                made_from({**node, "weights": str(copy)}, Judge, "judge")
    with pytest.raises(ConfigError, match=r"judge\.wieghts"):
        made_from({**node, "wieghts": str(folders[name])}, Judge, "judge")


@pytest.mark.parametrize("name", KINDS)
def test_weights_count_by_their_bytes(made, folders, name, tmp_path):
    copy = shutil.copytree(folders[name], tmp_path / "copy")
    fingerprint = made(name).fingerprint()
    assert KINDS[name](weights=str(copy)).fingerprint() == fingerprint
    assert set(fingerprint["weights"]) == {path.name for path in copy.iterdir()}
    assert made(name).assets == ()
    (file,) = (
        path
        for path in copy.iterdir()
        if path.suffix in (".bin", ".jit", ".pth", ".safetensors") or path.name == "classifier.ckpt"
    )
    other = shutil.copytree(copy, tmp_path / "other")
    (other / file.name).write_bytes(file.read_bytes() + b"\0")
    assert KINDS[name](weights=str(other)).fingerprint() != fingerprint


@pytest.mark.parametrize("name", KINDS)
def test_weights_that_were_not_fetched_are_named(name, tmp_path):
    """In a process of its own: where assets lie is read once."""
    code = """
import importlib, sys
from evalkit.errors import MissingAssetsError
judge = getattr(importlib.import_module(sys.argv[1]), sys.argv[2])()
assert judge.assets == (judge.weights,) == judge.published
try:
    judge.load()
except MissingAssetsError as error:
    print(judge.weights, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, KINDS[name].__module__, KINDS[name].__qualname__],
        env={**environment(), "EVALKIT_ASSETS": str(tmp_path)}, cwd=resource("."),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    asset, told = done.stdout.split(maxsplit=1)
    assert f"type: python -m evalkit fetch {asset}" in told


@pytest.mark.parametrize("name", KINDS)
def test_a_device_that_is_not_here_is_named(folders, name):
    with pytest.raises(DeviceError, match="device=cuda:99: this machine has none"):
        KINDS[name](weights=str(folders[name]), device="cuda:99").load()


def test_ecapa_refuses_a_checkpoint_that_lacks_weights(folders, tmp_path):
    import torch

    copy = shutil.copytree(folders["ecapa"], tmp_path / "copy")
    state = torch.load(copy / "embedding_model.ckpt", weights_only=True)
    state.pop("fc.conv.bias")
    torch.save(state, copy / "embedding_model.ckpt")
    with pytest.raises(WeightsError, match=r"the checkpoint has nothing for 1 weights of the model \(fc\.conv\.bias\)"):
        Ecapa(weights=str(copy), device="cpu").load()


@pytest.mark.parametrize("name", ["wavlm_sv", "hf_ctc"])
def test_a_checkpoint_that_lacks_weights_is_refused(folders, name, tmp_path):
    import torch

    copy = shutil.copytree(folders[name], tmp_path / "copy")
    state = torch.load(copy / "pytorch_model.bin", weights_only=True)
    unused = {key for key in state if "masked_spec_embed" in key or key.startswith(("objective", "classifier"))}
    torch.save({key: value for key, value in state.items() if key not in unused}, copy / "pytorch_model.bin")
    KINDS[name](weights=str(copy), device="cpu").load()
    other = shutil.copytree(copy, tmp_path / "other")
    torch.save({key: value for key, value in state.items() if "weight_g" not in key}, other / "pytorch_model.bin")
    with pytest.raises(WeightsError, match=r"the checkpoint has nothing for 1 weights of .*original0"):
        KINDS[name](weights=str(other), device="cpu").load()


@pytest.mark.parametrize("architecture", ["Hubert", "Wav2Vec2"])
def test_ctc_writes_what_the_model_hears(tmp_path, architecture):
    judge = HfCtc(weights=str(tiny_judges.hf_ctc(tmp_path / "ctc", architecture)), device="cpu")
    audios = [noise(seconds, seed) for seed, seconds in enumerate(LENGTHS)]
    texts = [transcript.text for transcript in judge.transcribe(audios, ["en"] * len(audios))]
    assert texts == [answer(judge, audio) for audio in audios]
    assert len(set(texts)) >= 4
    assert set("".join(texts)) <= {*"ETAONIHSRDLUMWCFGYPBVK'XJQZ ", *"<unk></s>"}
    assert all(text == " ".join(text.split()) for text in texts)
    halves = [Audio(half, RATE) for half in np.array_split(audios[-1].samples, 2)]
    assert texts[-1] == " ".join(" ".join(answer(judge, half) for half in halves).split())


def test_ctc_refuses_a_language_that_it_does_not_know(made):
    heard = made("hf_ctc").transcribe([noise(1), noise(1)], ["en", "fr"])
    next(heard)
    with pytest.raises(JudgementError, match=r"knows the language en only, not fr; use judge/asr=whisper_base"):
        next(heard)
    assert next(made("hf_ctc", knows="fr").transcribe([noise(1)], ["fr"])).text
    assert made("hf_ctc", knows="fr").fingerprint() != made("hf_ctc").fingerprint()
    assert made("hf_ctc").language(noise(1)) is None


@pytest.mark.parametrize("name", ["ecapa", "wavlm_sv", "wavlm_large_sv", "hf_ctc", "whisper_hf"])
@pytest.mark.parametrize("audio", [noise(0.05), Audio(np.zeros(RATE, np.float32), RATE), noise(1)], ids=str)
def test_short_silent_and_loud_audio_have_answers(made, name, audio):
    loud = Audio(audio.samples * 100, audio.sample_rate)
    for given in (audio, loud):
        found = answer(made(name), given)
        if name not in ("hf_ctc", "whisper_hf"):
            assert np.linalg.norm(np.frombuffer(found, np.float32)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", [*KINDS, "dnsmos", "plcmos"])
def test_samples_that_are_no_numbers_are_refused(made, name, value):
    samples = noise(1).samples.copy()
    samples[500] = value
    with pytest.raises(JudgementError, match="samples that are not numbers"):
        answer(speechmos(name) if name in ("dnsmos", "plcmos") else made(name), Audio(samples, RATE))


def test_utmos_asks_the_module_for_one_number(made, folders):
    import torch

    module = torch.jit.load(str(folders["utmos"] / "utmos.jit"))
    audio = speech().resampled(RATE)
    with torch.inference_mode():
        expected = float(module(torch.tensor(audio.samples)[None]))
    assert answer(made("utmos", samples="float32"), audio)["utmos"] == pytest.approx(expected, abs=1e-6)
    assert answer(made("utmos"), audio)["utmos"] == pytest.approx(expected, abs=1e-4)  # 16 bits of each sample
    assert answer(made("utmos"), speech())["utmos"] == pytest.approx(expected, abs=1e-6)  # resampled from 24 kHz
    assert made("utmos").fingerprint() != made("utmos", samples="float32").fingerprint()


def test_utmos_of_silent_loud_and_too_short_audio(made):
    silent, loud = Audio(np.zeros(RATE, np.float32), RATE), Audio(noise(1).samples * 100, RATE)
    assert 1 <= answer(made("utmos"), silent)["utmos"] <= 5
    clipped = Audio(np.clip(loud.samples, -1, 1), RATE)
    assert answer(made("utmos"), loud) == answer(made("utmos"), clipped)
    assert 1 <= answer(made("utmos"), noise(0.05))["utmos"] <= 5
    for samples in (np.zeros(100, np.float32), np.zeros(0, np.float32)):
        with pytest.raises(JudgementError, match=r"utmos.jit cannot judge 0\.0. s on cpu: .*cuda:0 only"):
            answer(made("utmos"), Audio(samples, RATE))


def test_utmos_refuses_what_is_no_opinion(tmp_path):
    import torch

    class Echo(torch.nn.Module):
        def forward(self, waveform: torch.Tensor) -> torch.Tensor:
            return waveform[0, :2] * 1.5

    torch.jit.script(Echo()).save(str(tmp_path / "utmos.jit"))
    with pytest.raises(JudgementError, match=r"utmos.jit gave \[.*\], expected one number"):
        answer(Utmos(weights=str(tmp_path), device="cpu"), noise(1))


def speechmos(name="dnsmos", **settings):
    pytest.importorskip("speechmos")
    from evalkit.judges.dnsmos import Dnsmos
    from evalkit.judges.plcmos import Plcmos

    return {"dnsmos": Dnsmos, "plcmos": Plcmos}[name](**settings)


def test_dnsmos_is_what_the_package_says():
    judge = speechmos()
    from speechmos import dnsmos as theirs

    assert len(CLIPS) == 4
    audios = [read_audio(path) for path in CLIPS]
    found = list(judge.score(audios))
    for audio, scores in zip(audios, found, strict=True):
        expected = theirs.run(np.clip(audio.resampled(RATE).samples, -1, 1), sr=RATE)
        assert tuple(scores) == judge.scores
        assert all(type(score) is float and 1 <= score <= 5 for score in scores.values())
        for ours, key in zip(judge.scores, ("ovrl_mos", "sig_mos", "bak_mos", "p808_mos"), strict=True):
            assert scores[ours] == pytest.approx(float(expected[key]), abs=1e-6)
    noisy = Audio(
        audios[0].samples + noise(60, rate=audios[0].sample_rate).samples[: len(audios[0].samples)] * 0.5, 24_000
    )
    assert answer(judge, noisy)["dnsmos_bak"] < found[0]["dnsmos_bak"] - 0.5


def test_dnsmos_loads_once_and_lets_go():
    judge = speechmos()
    judge.load()
    theirs = sys.modules["speechmos.dnsmos"]
    loaded = theirs.dnsmos
    answer(judge, noise(9.5))
    answer(judge, noise(9.5))
    assert theirs.dnsmos is loaded is not None
    judge.close()
    assert theirs.dnsmos is None


def test_dnsmos_of_short_silent_and_loud_audio():
    judge = speechmos()
    for audio in (noise(0.05), Audio(np.zeros(9 * RATE + 160, np.float32), RATE)):
        assert all(np.isfinite(score) for score in answer(judge, audio).values())
    loud = Audio(noise(9.5).samples * 100, RATE)
    assert answer(judge, loud) == answer(judge, Audio(np.clip(loud.samples, -1, 1), RATE))
    with pytest.raises(JudgementError, match="no samples"):
        answer(judge, Audio(np.zeros(0, np.float32), RATE))


def test_dnsmos_of_one_window_is_the_packages_own_for_a_clip_of_that_length():
    exact, one = speechmos(), speechmos(windows="one")
    assert one.fingerprint()["settings"] == {"windows": "one"} != exact.fingerprint()["settings"]
    clip = Audio(np.resize(read_audio(CLIPS[0]).resampled(RATE).samples, 144_160), RATE)  # 9.01 s
    assert answer(one, clip) == answer(exact, clip)
    longer = Audio(np.concatenate([clip.samples, noise(3).samples]), RATE)
    assert answer(one, longer) == answer(one, clip)  # the first 9.01 s
    shorter = Audio(clip.samples[: 4 * RATE], RATE)
    assert answer(one, shorter) == answer(exact, Audio(np.resize(shorter.samples, 144_160), RATE))


def test_dnsmos_of_one_window_is_near_the_mean_over_all():
    exact, one = speechmos(), speechmos(windows="one")
    audios = [read_audio(path) for path in CLIPS]
    pairs = zip(exact.score(audios), one.score(audios), strict=True)
    differences = [abs(all_of_them["dnsmos_ovrl"] - first["dnsmos_ovrl"]) for all_of_them, first in pairs]
    assert 0 < np.mean(differences) < 0.05


def test_plcmos_is_the_packages_network_heard_by_raters_that_stay():
    judge = speechmos("plcmos")
    from speechmos import plcmos as theirs

    audio = read_audio(CLIPS[0]).resampled(RATE)
    found = answer(judge, audio)
    assert found == answer(judge, audio)
    model = theirs.PLCMOS()
    raters = np.random.default_rng(0).standard_normal((15, 1, 64)).astype(np.float32)
    features = np.float32(model.stft_transform(audio.samples))[None, None]
    said = [model.session.run(None, {"degraded_audio": features, "rater_embed": rater})[0].item() for rater in raters]
    assert found["plcmos"] == pytest.approx(sum(said) / 15, abs=1e-5)
    gaps = audio.samples.copy()
    for start in range(0, len(gaps), RATE // 4):
        gaps[start : start + RATE // 12] = 0
    assert answer(judge, Audio(gaps, RATE))["plcmos"] < found["plcmos"] - 0.5


def test_plcmos_of_short_silent_and_loud_audio():
    judge = speechmos("plcmos")
    for audio in (noise(0.05), Audio(np.zeros(RATE, np.float32), RATE)):
        assert np.isfinite(answer(judge, audio)["plcmos"])
    loud = Audio(noise(1).samples * 100, RATE)
    assert answer(judge, loud) == answer(judge, Audio(np.clip(loud.samples, -1, 1), RATE))
    with pytest.raises(JudgementError, match="no samples"):
        answer(judge, Audio(np.zeros(0, np.float32), RATE))


def test_whisper_hf_is_what_transformers_generates_as_seed_tts_eval_asks(made, folders):
    """Its call, step by step, with the prompt spelt out: start, language, task, no timestamps."""
    import torch
    from transformers import WhisperForConditionalGeneration, WhisperProcessor

    processor = WhisperProcessor.from_pretrained(folders["whisper_hf"])
    model = WhisperForConditionalGeneration.from_pretrained(folders["whisper_hf"], dtype="float32").eval()
    texts = []
    for seed in range(3):
        features = processor(noise(2, seed).samples, sampling_rate=RATE, return_tensors="pt").input_features
        spelt = ["<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>"]
        tokens = torch.tensor([processor.tokenizer.convert_tokens_to_ids(spelt)])
        with torch.inference_mode():
            encoded = model.get_encoder()(features)
            for _ in range(20):  # greedy, by hand
                logits = model(encoder_outputs=encoded, decoder_input_ids=tokens).logits[0, -1]
                logits[model.generation_config.suppress_tokens] = -torch.inf
                tokens = torch.cat([tokens, logits.argmax().reshape(1, 1)], dim=1)
                if tokens[0, -1] == processor.tokenizer.eos_token_id:
                    break
        texts.append(" ".join(processor.batch_decode(tokens, skip_special_tokens=True)[0].split()))
        found = answer(made("whisper_hf"), noise(2, seed))
        assert len(texts[-1]) > 5
        assert found[: len(texts[-1]) - 3] == texts[-1][:-3]  # the last token may be half a letter
    assert len(set(texts)) > 1


def test_whisper_hf_hears_chunks_of_30_seconds(made):
    judge, long = made("whisper_hf"), noise(40)
    chunks = [Audio(long.samples[: 30 * RATE], RATE), Audio(long.samples[30 * RATE :], RATE)]
    assert answer(judge, long) == " ".join(" ".join(answer(judge, chunk) for chunk in chunks).split())
    assert answer(judge, chunks[0]) != answer(judge, chunks[1])


def test_whisper_hf_is_told_the_language(made):
    judge = made("whisper_hf")
    english, german = (next(judge.transcribe([noise(2)], [language])).text for language in ("en", "de"))
    assert english != german
    with pytest.raises(JudgementError, match="knows no language 'xx'; it knows 2 codes, among them de, en"):
        next(judge.transcribe([noise(2)], ["xx"]))


def test_whisper_hf_refuses_a_checkpoint_that_lacks_weights(folders, tmp_path):
    from safetensors.torch import load_file, save_file

    copy = shutil.copytree(folders["whisper_hf"], tmp_path / "copy")
    state = load_file(copy / "model.safetensors")
    state.pop("model.decoder.layers.0.fc1.bias")
    save_file(state, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsError, match=r"has nothing for 1 weights of the model \(model\.decoder\.layers\.0\.fc1"):
        WhisperHf(weights=str(copy), device="cpu").load()
