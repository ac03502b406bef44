"""An installed AbstractVoice's own F5 engine, in a worker process, with tiny random weights where it looks for them."""

import json
import shutil

import pytest
import yaml

from evalkit.config.making import engine_of
from evalkit.errors import ConfigError, MissingAssetsError
from evalkit.resources import resource
from tests import tiny_f5
from tests.conftest import PACKAGES_WARN
from tests.tiny import request

pytest.importorskip("abstractvoice")
TARGET = "evalkit.engines.abstractvoice.AbstractVoice"
COMMIT = "0" * 40
pytestmark = PACKAGES_WARN


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home directory as AbstractVoice and the hub's client leave it after their downloads."""
    import torch
    from safetensors.torch import load_file

    home = tmp_path_factory.mktemp("home")
    weights = tiny_f5.write(home / "tiny")
    theirs = home / ".cache/abstractvoice/openf5"
    theirs.mkdir(parents=True)
    torch.save({"ema_model_state_dict": load_file(weights / "model.safetensors")}, theirs / "model.pt")
    shutil.copy(weights / "vocab.txt", theirs)
    described = yaml.safe_load((weights / "config.yaml").read_text())
    (theirs / "config.yaml").write_text(yaml.safe_dump(described))
    hub = home / ".cache/huggingface/hub/models--charactr--vocos-mel-24khz"
    (hub / "refs").mkdir(parents=True)
    (hub / "refs/main").write_text(COMMIT)
    shutil.copytree(weights / "vocos", hub / "snapshots" / COMMIT)
    return home


@pytest.fixture
def made(home, monkeypatch):
    monkeypatch.chdir(resource("."))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("HF_HOME", str(home / ".cache/huggingface"))
    engines = []

    def make(**fields):
        engines.append(engine_of({"_target_": TARGET, "timeout_seconds": 120, **fields}))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


def test_it_speaks_as_it_ships_and_as_told(made):
    engines = [made(), made(quality="low"), made(nfe_step=8, cfg_strength=1.8), made(nfe_step=4)]
    sounds = [next(engine.synthesize([request()])).audio for engine in engines]
    assert sounds[0].sample_rate == 24_000
    assert sounds[1].sha256 == sounds[2].sha256  # what its preset `low` sets
    assert len({sound.sha256 for sound in sounds}) == 3
    assert next(engines[0].synthesize([request()])).audio.sha256 == sounds[0].sha256
    assert next(engines[0].synthesize([request(seed=1)])).audio.sha256 != sounds[0].sha256
    weights = engines[0].fingerprint()["weights"]
    assert sorted(weights) == ["config.yaml", "model.pt", "vocab.txt"]
    json.dumps(engines[0].fingerprint())


def test_missing_weights_are_told_with_its_own_command(made, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(MissingAssetsError, match="type: abstractvoice-prefetch --openf5"):
        made(nfe_step=2).require()
    with pytest.raises(MissingAssetsError, match="type: abstractvoice-prefetch --chroma"):
        made(backend="chroma", top_k=3).require()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"temperature": 0.5}, "backend f5 has nfe_step, cfg_strength, not temperature"),
        ({"backend": "chroma", "nfe_step": 8}, "backend chroma has temperature, top_k, max_frames, not nfe_step"),
        ({"quality": "low", "nfe_step": 8}, "quality=low sets nfe_step itself"),
        ({"backend": "xtts"}, "engine.backend: .*'f5' or 'chroma'"),
    ],
)
def test_knobs_that_do_not_fit_are_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        engine_of({"_target_": TARGET, **fields})
