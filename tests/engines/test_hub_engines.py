"""What every engine with published weights must do, shown on tiny random models through the engines' own code.

Where `EVALKIT_CHROMA_DIR` names a snapshot of Chroma, the same tests run on it instead of our stand-in.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from evalkit.config.making import engine_of
from evalkit.errors import ConfigError
from evalkit.resources import resource
from tests import tiny
from tests.conftest import PACKAGES_WARN, environment
from tests.tiny import request, spoken

pytest.importorskip("f5_tts")
pytestmark = PACKAGES_WARN


LONG = " ".join(f"This is sentence number {number}, and it goes on for a while." for number in range(20))


@pytest.fixture(scope="module", params=tiny.ENGINES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def weights(name, request, tmp_path_factory):
    if name == "chroma":
        return request.getfixturevalue("chroma_weights")
    return tiny.WRITERS[name](tmp_path_factory.mktemp("tiny") / name)


def copied(weights, folder):
    """Copies a directory of weights; large files, gigabytes in a snapshot, are only linked to."""

    def copy(source, target):
        if Path(source).stat().st_size > 1 << 26:
            Path(target).symlink_to(Path(source).resolve())
        else:
            shutil.copy(source, target)

    return shutil.copytree(weights, folder, copy_function=copy)


@pytest.fixture(scope="module")
def engine(name, weights):
    return tiny.made(name, weights)


def test_the_sound_depends_on_text_prompt_its_words_and_seed(engine):
    variants = [
        request(),
        request("Goodbye now, my friend."),
        request(name="female_gb/prompt_01.flac"),
        request(words="Other words than those that are spoken in it, and more of them, too."),
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
import numpy as np
from tests import tiny
np.save(sys.argv[3], tiny.spoken(tiny.made(sys.argv[1], sys.argv[2]), tiny.request())[0].samples)
"""


def test_nothing_of_a_process_enters_the_sound(name, engine, weights, tmp_path):
    """Another process rounds as it likes, but speaks alike; its hashes and its random numbers are others."""
    path = tmp_path / "there.npy"
    subprocess.run(
        [sys.executable, "-c", PROCESS, name, weights, path], cwd=resource("."), env=environment(), check=True
    )
    (here,) = spoken(engine, request())
    there = np.load(path)
    assert there.shape == here.samples.shape
    assert np.abs(there - here.samples).max() < 1e-3
    (other,) = spoken(engine, request(seed=1))
    assert (
        there.shape != other.samples.shape or np.abs(there - other.samples).max() > 1e-2
    )  # were it another's, it showed


def test_torchs_own_random_state_is_left_alone(engine):
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    spoken(engine, request())
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("text", ["Hi.", "He said: \"It's 42, isn't it?\" — naïve café 🎉", LONG])
@pytest.mark.parametrize("seconds", [3, 30])
def test_any_text_and_any_prompt_give_sound(engine, text, seconds):
    words = tiny.WORDS if seconds == 3 else " ".join([tiny.WORDS] * 7)
    (audio,) = spoken(engine, request(text, words=words, seconds=seconds))
    assert audio.sample_rate == 24_000
    assert audio.samples.ndim == 1
    assert audio.samples.dtype == np.float32
    assert np.isfinite(audio.samples).all()
    assert 0 < audio.peak <= 1


def test_long_texts_are_spoken_in_parts_that_repeat_themselves(engine):
    once, again = spoken(engine, request(LONG), request(LONG))
    assert once.sha256 == again.sha256
    assert once.seconds > 2 * spoken(engine, request(LONG[:120]))[0].seconds


KNOBS = {
    "f5_tts": [
        {}, {"nfe_step": 8}, {"cfg_strength": 1.0}, {"ode_method": "midpoint"}, {"speed": 1.5}, {"target_rms": 0.3},
    ],
    "csm": [{}, {"temperature": 0.2}, {"top_k": 5}, {"depth_temperature": 0.2}, {"max_frames": 10}],
    "chroma": [{}, {"temperature": 0.2}, {"top_k": 5}, {"greedy": True}, {"max_frames": 10}],
}  # fmt: skip


def test_knobs_change_the_sound_and_share_the_weights(name, weights, tmp_path):
    """Once one of them is loaded, the others speak, though there is nothing left on disk to load."""
    folder = copied(weights, tmp_path / "weights")
    engines = [tiny.made(name, folder, **knobs) for knobs in KNOBS[name]]
    assert len({str(engine.fingerprint()) for engine in engines}) == len(engines)
    engines[0].close()
    engines[0].load()
    shutil.rmtree(folder)
    assert len({spoken(engine, request())[0].sha256 for engine in engines}) == len(engines)
    engines[0].close()
    with pytest.raises(Exception, match=str(folder)):  # of their packages; closed, all must load again
        engines[-1].load()


def test_loading_anew_gives_the_same_samples(engine):
    """Whatever a checkpoint leaves out would be random, and other samples follow."""
    import torch

    sounds = []
    for seed in (1, 2):
        engine.close()
        torch.manual_seed(seed)
        sounds.append(spoken(engine, request())[0].sha256)
    assert sounds[0] == sounds[1]


def test_a_copy_of_the_weights_is_the_same_engine(name, engine, weights, tmp_path):
    copy = copied(weights, tmp_path / "copy")
    assert tiny.made(name, copy).fingerprint() == engine.fingerprint()
    (copy / "config.json").write_text("{}")
    assert tiny.made(name, copy).fingerprint() == engine.fingerprint()  # hashes are of what was first seen
    other = copied(copy, tmp_path / "other")
    assert tiny.made(name, other).fingerprint() != engine.fingerprint()


WRONG = {
    "f5_tts": [({"nfe_step": 0}, "engine.nfe_step: .*greater than or equal to 1"),
               ({"sway_sampling_coef": 2}, "engine.sway_sampling_coef"),
               ({"ode_method": "rk4"}, "engine.ode_method: .*'euler' or 'midpoint'"),
               ({"temperature": 1}, "engine.temperature"),
               ({"weights": "/no/such"}, "no directory /no/such, and no asset of that name: f5_tts_v1_base, openf5")],
    "csm": [({"temperature": 0}, "engine.temperature: .*greater than 0"),
            ({"top_k": 0}, "engine.top_k"),
            ({"max_frames": "many"}, "engine.max_frames.*'auto'"),
            ({"dtype": "int8"}, "engine.dtype: .*'float32'"),
            ({"weights": "/no/such"}, "no directory /no/such, and no asset of that name: csm_1b")],
    "chroma": [({"temperature": 3}, "engine.temperature: .*less than or equal to 2"),
               ({"max_frames": 0}, "engine.max_frames"),
               ({"top_p": 0.9}, "engine.top_p: the model's code ignores it: no difference would be real"),
               ({"repetition_penalty": 1.1}, "engine.repetition_penalty: the model's code ignores it"),
               ({"num_beams": 2}, "engine.num_beams: the model's code ignores it")],
}  # fmt: skip
CLASSES = {"f5_tts": "f5_tts.F5TTS", "csm": "csm.CSM", "chroma": "chroma.Chroma"}


def test_wrong_knobs_are_refused_before_loading(name, weights, tmp_path):
    """Nothing could be loaded here: the files are empty."""
    for path in weights.rglob("*"):
        if path.is_file():
            empty = tmp_path / path.relative_to(weights)
            empty.parent.mkdir(parents=True, exist_ok=True)
            empty.touch()
    for knobs, message in WRONG[name]:
        node = {"_target_": f"evalkit.engines.{CLASSES[name]}", "weights": str(tmp_path), **knobs}
        with pytest.raises(ConfigError, match=message):
            engine_of(node)
    with pytest.raises(Exception, match=r".") as loading:
        engine_of({"_target_": f"evalkit.engines.{CLASSES[name]}", "weights": str(tmp_path)}).load()
    assert not isinstance(loading.value, ConfigError)


def test_a_directory_that_lacks_files_is_refused(name, tmp_path):
    with pytest.raises(ConfigError, match=f"engine.weights: {tmp_path} lacks .*; it needs "):
        engine_of({"_target_": f"evalkit.engines.{CLASSES[name]}", "weights": str(tmp_path)})


# The adapter's time over the packages'. Measured on two cores, least of ten: 0.007, 0.006, 0.12 (the stand-in of Chroma
# answers in 15 ms). Slower machines slow down both.
LARGEST_SHARE = {"f5_tts": 0.1, "csm": 0.1, "chroma": 0.5}


def packages_work(name, weights):
    """Returns where the packages do their work for an engine: classes or modules, and the names of functions."""
    if name == "f5_tts":
        import f5_tts.infer.utils_infer as theirs

        return [(theirs, "infer_batch_process")]
    if name == "csm":
        from transformers import CsmForConditionalGeneration, CsmProcessor

        return [(CsmForConditionalGeneration, "generate"), (CsmProcessor, "apply_chat_template")]
    from transformers import AutoProcessor
    from transformers.dynamic_module_utils import get_class_from_dynamic_module

    model = get_class_from_dynamic_module("modeling_chroma.ChromaForConditionalGeneration", str(weights))
    processor = AutoProcessor.from_pretrained(str(weights), trust_remote_code=True, local_files_only=True)
    return [(model, "generate"), (type(processor), "__call__")]


def test_the_adapters_own_time_is_small(name, engine, weights, monkeypatch):
    """Side by side in one synthesis: the time in the packages' own code, even of a tiny model, and the rest of it."""
    inside = []

    def timed(call):
        def wrapped(*args, **kwargs):
            started = perf_counter()
            result = call(*args, **kwargs)
            if name == "f5_tts":
                result = iter([next(result)])  # a generator, whose first item is the work
            inside.append(perf_counter() - started)
            return result

        return wrapped

    spoken(engine, request())
    for owner, function in packages_work(name, weights):
        monkeypatch.setattr(owner, function, timed(getattr(owner, function)))
    shares = []
    for seed in range(10):
        inside.clear()
        (synthesis,) = engine.synthesize([request(seed=seed)])
        assert inside
        shares.append((synthesis.seconds - sum(inside)) / sum(inside))
    assert min(shares) < LARGEST_SHARE[name]  # the least of ten: the machine has other things to do
