"""Loading: a tensor that a checkpoint lacks or calls otherwise never stays random; whatever fails says what helps."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from evalkit.errors import WeightsError
from tests import tiny, tiny_judges
from tests.conftest import PACKAGES_WARN

pytest.importorskip("f5_tts")
pytestmark = [pytest.mark.hostile, *PACKAGES_WARN]

# The file with the weights, how to write a tiny model, how to load it, and tensors that it does without.
MODELS = {
    "chroma": ("model.safetensors", tiny.WRITERS["chroma"], lambda at: tiny.made("chroma", at), ()),
    "csm": ("model.safetensors", tiny.WRITERS["csm"], lambda at: tiny.made("csm", at), ("initialized",)),
    "f5": ("model.safetensors", tiny.WRITERS["f5_tts"], lambda at: tiny.made("f5_tts", at), ()),
    "vocos": ("vocos/pytorch_model.bin", tiny.WRITERS["f5_tts"], lambda at: tiny.made("f5_tts", at), ()),
    "wavlm": ("pytorch_model.bin", tiny_judges.wavlm_sv, lambda at: judge("wavlm_sv.WavLMSV", at),
              ("masked_spec_embed", "objective", "classifier")),
    "hf_ctc": ("pytorch_model.bin", tiny_judges.hf_ctc, lambda at: judge("hf_ctc.HfCtc", at), ("masked_spec_embed",)),
    "ecapa": ("embedding_model.ckpt", tiny_judges.ecapa, lambda at: judge("ecapa.Ecapa", at), ()),
}  # fmt: skip
SAMPLES = 4  # tensors of each model, spread over its checkpoint


def judge(name, folder):
    import importlib

    module, _, kind = name.partition(".")
    return getattr(importlib.import_module(f"evalkit.judges.{module}"), kind)(weights=str(folder), device="cpu")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root, written = tmp_path_factory.mktemp("models"), {}

    def folder(name):
        if name not in written:
            written[name] = MODELS[name][1](root / name)
        return written[name]

    return folder


@pytest.fixture
def changed(folders, tmp_path):
    """Returns a copy of a model's folder in which a function changed the tensors of its checkpoint."""

    def copy(name, change):
        file, _, _, _ = MODELS[name]
        folder = shutil.copytree(folders(name), tmp_path / f"{len(list(tmp_path.iterdir()))}")
        path = folder / file
        if path.suffix == ".safetensors":
            save_file(change(load_file(path)), path, metadata={"format": "pt"})
        else:
            torch.save(change(torch.load(path, weights_only=True)), path)
        return folder

    return copy


def sample(name, folder):
    """Names of tensors that a model needs, spread over its checkpoint."""
    path, unneeded = folder / MODELS[name][0], MODELS[name][3]
    tensors = load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True)
    needed = [key for key in sorted(tensors) if not any(part in key for part in unneeded)]
    return [needed[index * (len(needed) - 1) // (SAMPLES - 1)] for index in range(SAMPLES)]


def told(name, folder):
    _, _, made, _ = MODELS[name]
    model = made(folder)
    with pytest.raises(WeightsError) as error:
        model.load()
    model.close()
    return str(error.value)


@pytest.mark.parametrize("number", range(SAMPLES))
@pytest.mark.parametrize("name", MODELS)
def test_s2_a_tensor_that_is_not_in_the_checkpoint_is_named(folders, changed, name, number):
    key = sample(name, folders(name))[number]
    message = told(name, changed(name, lambda tensors: {own: it for own, it in tensors.items() if own != key}))
    assert key.removeprefix("ema_model.").replace("weight_g", "original0").replace("weight_v", "original1") in message


@pytest.mark.parametrize("name", MODELS)
def test_s2_a_tensor_of_another_name_is_missing_under_its_own(folders, changed, name):
    key = sample(name, folders(name))[1]
    message = told(name, changed(name, lambda tensors: {own + "_x" * (own == key): it for own, it in tensors.items()}))
    assert key.removeprefix("ema_model.") in message


@pytest.mark.parametrize("name", MODELS)
def test_s2_a_whole_checkpoint_loads(folders, name):
    model = MODELS[name][2](folders(name))
    model.load()
    model.close()


@pytest.mark.parametrize("key", ["backbone.codebook0_head.weight", "thinker.lm_head.weight"])
def test_s2_a_head_of_chromas_that_is_missing_is_named(folders, changed, key):
    """The published model's two heads, which ran with random numbers; our stand-in has others in their place."""
    from evalkit.weights.loading import refuse_missing

    with pytest.raises(WeightsError, match=key):
        refuse_missing(Path("weights"), [key], [], ("backbone.audio_embedding.embed_audio_tokens.weight",))
    refuse_missing(
        Path("weights"), ["backbone.audio_embedding.embed_audio_tokens.weight"], [key],
        ("backbone.audio_embedding.embed_audio_tokens.weight",),
    )  # fmt: skip


UNNEEDED = [
    ("a.masked_spec_embed", True), ("masked_spec_embed", True), ("classifier.bias", True),
    ("my_classifier.bias", False), ("encoder.classifier.bias", False), ("masked_spec_embed.x", False),
]  # fmt: skip


@pytest.mark.parametrize(("key", "is_unneeded"), UNNEEDED)
def test_s2_what_is_not_needed_is_told_by_its_whole_name(key, is_unneeded):
    from evalkit.judges.wavlm_sv import UNUSED
    from evalkit.weights.loading import refuse_missing

    if is_unneeded:
        refuse_missing(Path("weights"), [key], [], UNUSED)
    else:
        with pytest.raises(WeightsError, match=key):
            refuse_missing(Path("weights"), [key], [], UNUSED)


@pytest.mark.parametrize("name", [*MODELS, "utmos"])
def test_s2_a_file_that_is_cut_off_gives_advice(folders, tmp_path, name):
    if name == "utmos":
        folder, file, made = tiny_judges.utmos(tmp_path / "utmos"), "utmos.jit", lambda at: judge("utmos.Utmos", at)
    else:
        file, _, made, _ = MODELS[name]
        folder = shutil.copytree(folders(name), tmp_path / "copy")
    path = folder / file
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(WeightsError, match=r"cannot be loaded: \w+: .*if its files are cut off, missing or") as error:
        made(folder).load()
    assert str(folder) in str(error.value)
    assert "copy the directory again" in str(error.value)


@pytest.mark.parametrize("file", ["modeling_chroma.py", "configuration_chroma.py", "processing_chroma.py",
                                  "tokenizer.json"])  # fmt: skip
def test_s2_a_file_that_is_missing_gives_advice(folders, tmp_path, file):
    folder = shutil.copytree(folders("chroma"), tmp_path / f"without_{file.split('.')[0]}")
    (folder / file).unlink()
    message = told("chroma", folder)
    assert "copy the directory again" in message


def test_s2_the_advice_for_what_was_fetched_is_to_fetch_it(monkeypatch, tmp_path):
    from evalkit.weights import loading
    from evalkit.weights.assets import AssetLibrary

    monkeypatch.setattr(loading, "library", lambda: AssetLibrary({"thing": None}, tmp_path))
    expected = pytest.raises(WeightsError, match="another model's, type: python -m evalkit fetch thing")
    with expected, loading.explained(tmp_path / "thing", "the model"):
        raise OSError("no such file")


@pytest.mark.parametrize("error", [ImportError("no torch"), MemoryError(), RuntimeError("CUDA out of memory")])
def test_s2_what_is_no_fault_of_the_weights_is_not_laid_to_them(error, tmp_path):
    from evalkit.weights.loading import explained

    with pytest.raises(type(error)), explained(tmp_path, "the model"):
        raise error
