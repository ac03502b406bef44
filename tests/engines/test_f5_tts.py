"""F5-TTS: what is its own, with a tiny random model laid out like published weights."""

import shutil

import pytest

from evalkit.errors import SynthesisError
from tests import tiny, tiny_f5
from tests.conftest import PACKAGES_WARN
from tests.tiny import prompt, request, spoken

pytest.importorskip("f5_tts")
pytestmark = PACKAGES_WARN


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return tiny_f5.write(tmp_path_factory.mktemp("tiny") / "f5")


def test_a_words_end_is_as_the_model_knows_it():
    from evalkit.engines.f5_tts import reference_text

    ends = {text: reference_text(prompt(text=text)) for text in ("bang!", "and so", "Done. ")}
    assert ends == {"bang!": "bang! ", "and so": "and so. ", "Done. ": "Done. "}


def test_a_checkpoint_of_the_other_kind_sounds_the_same(weights, tmp_path):
    """OpenF5 is published as .pt with its own names of files."""
    import torch
    from safetensors.torch import load_file

    other = shutil.copytree(weights, tmp_path / "openf5")
    (other / "model.safetensors").unlink()
    torch.save({"ema_model_state_dict": load_file(weights / "model.safetensors")}, other / "model_last.pt")
    (other / "config.yaml").rename(other / "model_config.yaml")
    one, two = (spoken(tiny.made("f5_tts", folder), request())[0] for folder in (weights, other))
    assert one.sha256 == two.sha256


def test_two_checkpoints_in_one_directory_are_not_guessed_between(weights, tmp_path):
    both = shutil.copytree(weights, tmp_path / "both")
    shutil.copy(both / "model.safetensors", both / "second.safetensors")
    with pytest.raises(
        SynthesisError, match=r"expected one file like .*, found model\.safetensors, second\.safetensors"
    ):
        tiny.made("f5_tts", both).load()


def test_another_precision_computes(weights):
    (rough,) = spoken(tiny.made("f5_tts", weights, dtype="bfloat16"), request())
    (fine,) = spoken(tiny.made("f5_tts", weights, dtype="float32"), request())
    (own,) = spoken(tiny.made("f5_tts", weights), request())
    assert fine.sha256 == own.sha256 != rough.sha256


def test_a_sweep_from_end_to_end(run, weights):
    small = ("engine.nfe_step=2,4", "probes.ids=[fox]", "voices.names=[ann,ben]", "prompt.seconds=2")
    done = run("+sweep=f5_nfe", f"engine.weights={weights}", *small, drop=("engine",))
    assert done.code == 0
    assert [row["state"] for row in done.rows] == ["scored"] * 4
    assert len(done.report["provenance"]["engines"]["f5_tts"]["weights"]["model.safetensors"]) == 64
    assert "Load vocos" not in done.err
