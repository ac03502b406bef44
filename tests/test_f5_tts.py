"""F5-TTS through its own code, with a tiny random model laid out like published weights."""

import subprocess
import sys

import numpy as np
import pytest

from evalkit.__main__ import main
from evalkit.audio import Audio, read_audio
from evalkit.config.schema import build
from evalkit.engines.base import Engine, Request
from evalkit.errors import ConfigError
from evalkit.prompts import Prompt
from evalkit.resources import resource
from tests.conftest import environment, report_of, rows_of

pytest.importorskip("f5_tts")
pytestmark = pytest.mark.filterwarnings("ignore")  # its dependencies' own

TEXT = "Hello there, my friend."
WORDS = "The mechanic wiped his hands and said the engine would last another year."


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    from tests import tiny_f5

    return tiny_f5.write(tmp_path_factory.mktemp("tiny") / "f5")


@pytest.fixture(scope="module")
def engine(weights):
    from evalkit.engines.f5_tts import F5TTS

    return F5TTS(weights=str(weights), nfe_step=4)


def prompt(name="male_us/prompt_01.flac", text=WORDS, seconds=None):
    audio = read_audio(resource(f"probes/voices/demo/{name}"))
    if seconds:
        samples = np.resize(audio.samples, round(seconds * audio.sample_rate))
        audio = Audio(samples, audio.sample_rate)
    return Prompt(audio, text, "user", ())


def spoken(engine, *requests):
    return [synthesis.audio for synthesis in engine.synthesize(requests)]


def request(text=TEXT, seed=0, **changes):
    return Request(text, prompt(**changes), seed, "en")


def test_the_sound_depends_on_text_prompt_its_words_and_seed(engine):
    variants = [
        request(),
        request("Goodbye now, my friend."),
        request(name="female_gb/prompt_01.flac"),
        request(text="Other words than those that are spoken in it, and more of them, too."),
        request(seed=1),
    ]
    sounds = spoken(engine, *variants)
    assert len({sound.sha256 for sound in sounds}) == len(variants)


def test_the_same_request_gives_the_same_samples_in_any_order(engine):
    import torch

    requests = [request(), request(seed=1), request("Another text.", seed=2)]
    forwards = spoken(engine, *requests)
    torch.manual_seed(99)
    backwards = spoken(engine, *reversed(requests))
    assert [sound.sha256 for sound in forwards] == [sound.sha256 for sound in reversed(backwards)]


PROCESS = """
import sys
from tests.test_f5_tts import request, spoken
from evalkit.engines.f5_tts import F5TTS
print(spoken(F5TTS(weights=sys.argv[1], nfe_step=4), request())[0].sha256)
"""


def test_the_same_request_gives_the_same_samples_in_another_process(engine, weights):
    done = subprocess.run(
        [sys.executable, "-c", PROCESS, weights],
        cwd=resource("."), env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == spoken(engine, request())[0].sha256


def test_torchs_own_random_state_is_left_alone(engine):
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    spoken(engine, request())
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    "text",
    [
        "Hi.",
        "He said: \"It's 42, isn't it?\" — naïve café 🎉",
        " ".join(f"This is sentence number {number}, and it goes on for a while." for number in range(20)),
    ],
)
@pytest.mark.parametrize("seconds", [3, 30])
def test_any_text_and_any_prompt_give_sound(engine, text, seconds):
    words = WORDS if seconds == 3 else " ".join([WORDS] * 7)
    (audio,) = spoken(engine, Request(text, prompt(text=words, seconds=seconds), 0, "en"))
    assert audio.sample_rate == 24_000
    assert audio.samples.ndim == 1
    assert audio.samples.dtype == np.float32
    assert np.isfinite(audio.samples).all()
    assert 0 < audio.peak <= 1


def test_long_texts_are_spoken_in_chunks_that_repeat_themselves(engine):
    text = " ".join(f"This is sentence number {number}, and it goes on for a while." for number in range(6))
    assert spoken(engine, request(text))[0].sha256 == spoken(engine, request(text))[0].sha256


def test_knobs_change_the_sound_and_share_the_weights(weights):
    from evalkit.engines.f5_tts import F5TTS, _models

    _models.cache_clear()
    knobs = (
        {},
        {"nfe_step": 8},
        {"cfg_strength": 1.0},
        {"ode_method": "midpoint"},
        {"speed": 1.5},
        {"target_rms": 0.3},
    )
    engines = [F5TTS(weights=str(weights), **{"nfe_step": 4, **knob}) for knob in knobs]
    assert len({spoken(engine, request())[0].sha256 for engine in engines}) == len(knobs)
    assert _models.cache_info().misses == 1
    assert len({str(engine.fingerprint()) for engine in engines}) == len(knobs)


def test_a_words_end_is_as_the_model_knows_it():
    from evalkit.engines.f5_tts import reference_text

    ends = {text: reference_text(prompt(text=text)) for text in ("bang!", "and so", "Done. ")}
    assert ends == {"bang!": "bang! ", "and so": "and so. ", "Done. ": "Done. "}


@pytest.mark.parametrize(
    ("knob", "message"),
    [
        ({"nfe_step": 0}, "engine.nfe_step: .*greater than or equal to 1"),
        ({"sway_sampling_coef": 2}, "engine.sway_sampling_coef"),
        ({"ode_method": "rk4"}, "engine.ode_method: .*'euler' or 'midpoint'"),
        ({"weights": "/no/such/place"}, "lacks model.safetensors, vocab.txt"),
        ({"temperature": 1}, "engine.temperature"),
    ],
)
def test_wrong_knobs_are_refused_before_loading(weights, knob, message):
    node = {"_target_": "evalkit.engines.f5_tts.F5TTS", "weights": str(weights), **knob}
    with pytest.raises(ConfigError, match=message):
        build(node, Engine, "engine")


def test_a_sweep_from_end_to_end(typed, weights, tmp_path, capfd):
    rest = [word for word in typed if word != "engine=tone"]
    command = ["run", "+sweep=f5_nfe", *rest, f"engine.weights={weights}", "engine.nfe_step=2,4", "probes.ids=[fox]"]
    assert main([*command, "voices.names=[ann,ben]", "prompt.seconds=2"]) == 0
    (folder,) = (tmp_path / "reports/f5_nfe").iterdir()
    assert len(rows_of(folder)) == 4
    assert len(report_of(folder)["provenance"]["engines"]["f5_tts"]["weights"]["model.safetensors"]) == 64
    assert "Load vocos" not in capfd.readouterr().err


def test_without_weights_the_run_says_what_it_needs(capfd):
    assert main(["run", "+sweep=f5_nfe"]) == 2
    assert capfd.readouterr().err == "evalkit: engine.weights has no value and needs one: type engine.weights=VALUE\n"
