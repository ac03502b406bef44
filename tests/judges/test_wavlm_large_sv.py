"""The speaker model of published SIM: against a plain reference, and against checkpoints that are not whole."""

import os
import pickle

import numpy as np
import pytest

from evalkit.audio import Audio
from evalkit.errors import WeightsError
from evalkit.judges.wavlm_large_sv import FILE, UNNEEDED, WavLMLargeSV
from evalkit.networks.wavlm_ecapa import published_name, sized
from tests import tiny_judges
from tests.conftest import PACKAGES_WARN
from tests.judges.plain_wavlm import Plain

pytestmark = PACKAGES_WARN
RATE = 16_000


def noise(seconds, seed=0):
    return Audio((np.random.default_rng(seed).standard_normal(round(seconds * RATE)) * 0.1).astype(np.float32), RATE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_judges.wavlm_large_sv(tmp_path_factory.mktemp("large") / "own")


@pytest.fixture(scope="module")
def tensors(folder):
    import torch

    return torch.load(folder / FILE, weights_only=True)["model"]


@pytest.fixture
def judge(folder):
    return WavLMLargeSV(weights=str(folder), device="cpu")


def saved(tmp_path, content):
    import torch

    torch.save(content, tmp_path / FILE)
    return WavLMLargeSV(weights=str(tmp_path), device="cpu")


@pytest.mark.parametrize("seconds", [0.1, 0.75, 2.0])
def test_it_is_what_the_published_description_makes_of_the_checkpoint(judge, tensors, seconds):
    """From samples to the cosine: WavLM, the mix of its states, and the head, by the checkpoint's own names."""
    import torch

    audios = [noise(seconds), Audio(noise(seconds, seed=1).samples + 0.2, RATE)]
    expected = np.stack([Plain(tensors).embedding(torch.tensor(audio.samples)).numpy() for audio in audios])
    found = judge.vectors([audio.samples for audio in audios])
    assert np.abs(found - expected).max() < 2e-5 * np.abs(expected).max()
    cosine = expected[0] @ expected[1] / np.linalg.norm(expected[0]) / np.linalg.norm(expected[1])
    assert np.prod(judge.embed(audios), axis=0).sum() == pytest.approx(cosine, abs=1e-5)


def test_the_head_is_that_of_the_published_evaluation_code(tensors):
    """F5-TTS's package has the publishers' blocks; what they make of the same states is the same."""
    import torch

    theirs = pytest.importorskip("f5_tts.eval.ecapa_tdnn")
    network = sized({name: tuple(tensor.shape) for name, tensor in tensors.items()})
    names = {published_name(ours): ours for ours in network.state_dict()}
    network.load_state_dict({ours: tensors[name] for name, ours in names.items()}, assign=True)
    block = theirs.SE_Res2Block(32, 32, 3, 1, 3, 3, 8, 8)
    pooling = theirs.AttentiveStatsPool(40, attention_channels=8)
    for own, name in ((block, "layer3"), (pooling, "pooling")):
        own.load_state_dict(
            {key[len(name) + 1 :]: value for key, value in tensors.items() if key.startswith(name + ".")}
        )
    generator = torch.Generator().manual_seed(1)
    with torch.inference_mode():
        for own, ours, channels in ((block, network.layer3, 32), (pooling, network.pooling, 40)):
            x = torch.randn(2, channels, 50, generator=generator)
            assert torch.allclose(own.eval()(x), ours.eval()(x), atol=1e-5)


def test_the_published_sizes_make_the_711_tensors_that_are_published():
    """Counted by those who looked into the file: 488 of WavLM, one mix, the head, one of the loss."""
    shapes = tiny_judges.wavlm_large_shapes(**tiny_judges.PUBLISHED_LARGE)
    assert len(shapes) == 711
    assert sum(name.startswith("feature_extract.model.") for name in shapes) == 488
    network = sized(shapes)
    ours = {published_name(name): tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert {name: shape for name, shape in shapes.items() if name not in UNNEEDED} == ours
    config = network.feature_extract["model"].config
    assert (config.hidden_size, config.num_hidden_layers, config.num_attention_heads) == (1024, 24, 16)
    assert config.conv_kernel == [10, 3, 3, 3, 3, 2, 2]


def test_a_missing_tensor_is_refused_by_name(tensors, tmp_path):
    """One of each kind; those that are for training may be missing."""
    for name in [*list(tensors)[::17], "feature_weight", "linear.bias", *UNNEEDED]:
        judge = saved(tmp_path, {"model": {other: tensor for other, tensor in tensors.items() if other != name}})
        judge.close()
        if name in UNNEEDED:
            judge.load()
            continue
        with pytest.raises(WeightsError) as refused:
            judge.load()
        assert f"{FILE} has no {name}: it is another model's, or damaged; copy the directory again" in str(
            refused.value
        )


@pytest.mark.parametrize(
    "name", ["linear.scale", "feature_extract.model.encoder.layers.0.fc3.weight", "quantizer.vars"]
)
def test_a_tensor_that_the_network_does_not_know_is_refused_by_name(tensors, tmp_path, name):
    import torch

    with pytest.raises(WeightsError, match=f"has, and the network knows not, {name}: it is another model's"):
        saved(tmp_path, {"model": {**tensors, name: torch.zeros(3)}}).load()


@pytest.mark.parametrize(
    ("name", "shape", "said"),
    [
        ("layer3.Conv1dReluBn1.bn.bias", (31,), r"\(31,\), where its other tensors make it \(32,\)"),
        ("feature_weight", (25,), r"\(25,\), where its other tensors make it \(4,\)"),
        ("feature_extract.model.encoder.layers.2.fc2.weight", (24, 41), r"\(24, 41\), where .* make it \(24, 40\)"),
    ],
)
def test_a_tensor_of_another_shape_is_refused_by_name(tensors, tmp_path, name, shape, said):
    import torch

    with pytest.raises(WeightsError, match=f"has {name} of shape {said}"):
        saved(tmp_path, {"model": {**tensors, name: torch.zeros(shape)}}).load()


@pytest.mark.parametrize("content", [[1], {"state": {}}, {"model": 3}, {}], ids=str)
def test_what_is_no_such_checkpoint_is_refused(tmp_path, content):
    with pytest.raises(WeightsError, match="has no dictionary `model`: it is another model's"):
        saved(tmp_path, content).load()


def test_an_entry_that_is_no_tensor_is_refused(tensors, tmp_path):
    with pytest.raises(WeightsError, match=r"has no tensor but something else as linear\.bias"):
        saved(tmp_path, {"model": {**tensors, "linear.bias": "zero"}}).load()


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_checkpoint_that_would_run_code_is_refused_unrun(tmp_path):
    (tmp_path / FILE).write_bytes(pickle.dumps({"model": Trap(tmp_path / "sprung")}))
    with pytest.raises(WeightsError, match=f"{FILE} cannot be loaded"):
        WavLMLargeSV(weights=str(tmp_path), device="cpu").load()
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_file_that_is_cut_off_is_refused(folder, tmp_path):
    whole = (folder / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match=f"{FILE} cannot be loaded: .*cut off"):
        WavLMLargeSV(weights=str(tmp_path), device="cpu").load()


def test_weights_of_16_bits_are_computed_with_32(tensors, tmp_path, judge):
    halved = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    other = saved(tmp_path, {"model": halved})
    assert (other.embed([noise(1)]) @ judge.embed([noise(1)]).T).item() > 0.999
