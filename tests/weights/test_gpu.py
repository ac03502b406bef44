"""Engines and judges on a CUDA device, with tiny random weights: where, how precisely, seeds, memory."""

import numpy as np
import pytest
import torch

from evalkit.audio import read_audio
from evalkit.errors import DeviceError
from evalkit.judges.ecapa import Ecapa
from evalkit.judges.hf_ctc import HfCtc
from evalkit.judges.utmos import Utmos
from evalkit.judges.wavlm_sv import WavLMSV
from evalkit.pipeline.attempts import MEMORY_ADVICE, Failure, attempt
from evalkit.pipeline.models import free_memory
from evalkit.resources import resource
from evalkit.weights.devices import device_of, seeded
from tests import tiny, tiny_judges
from tests.conftest import PACKAGES_WARN
from tests.tiny import request, spoken

pytestmark = [pytest.mark.gpu, *PACKAGES_WARN]
DEVICE = "cuda"
ROUNDING = 1e-3  # sums are taken in an order that a GPU chooses anew
HALF = {"f5_tts": "float16", "csm": "bfloat16", "chroma": "bfloat16"}  # `auto`; f5-tts's own choice, and ours
JUDGES = {"ecapa": Ecapa, "wavlm_sv": WavLMSV, "hf_ctc": HfCtc, "utmos": Utmos}
CLIP = resource("probes/voices/demo/female_gb/prompt_01.flac")


@pytest.fixture(scope="module", params=tiny.ENGINES)
def name(request):
    if request.param == "f5_tts":
        pytest.importorskip("f5_tts")
    return request.param


@pytest.fixture(scope="module")
def weights(name, tmp_path_factory):
    return tiny.WRITERS[name](tmp_path_factory.mktemp("tiny") / name)


@pytest.fixture
def made(name, weights):
    """Makes engines on the device, and lets go of them afterwards."""
    engines = []

    def make(**knobs):
        engines.append(tiny.made(name, weights, **{"device": DEVICE, **knobs}))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


@pytest.fixture(params=JUDGES)
def judges(request, tmp_path):
    """A judge of each kind, on the device and on the CPU."""
    folder = getattr(tiny_judges, request.param)(tmp_path / request.param)
    pair = [JUDGES[request.param](weights=str(folder), device=device) for device in (DEVICE, "cpu")]
    yield pair
    pair[0].close()


def allocated():
    torch.cuda.synchronize()
    return torch.cuda.memory_allocated()


def difference(one, other):
    """The largest difference of two sounds; as large as can be if one is longer."""
    return np.abs(one.samples - other.samples).max() if one.samples.shape == other.samples.shape else np.inf


def test_the_device_is_chosen_or_taken_as_told():
    count = torch.cuda.device_count()
    assert device_of("auto") == "cuda"
    assert [device_of(wanted) for wanted in ("cuda", "cuda:0", "cpu")] == ["cuda", "cuda:0", "cpu"]
    with pytest.raises(DeviceError, match=f"device=cuda:{count}: this machine has none"):
        device_of(f"cuda:{count}")


def test_an_engine_computes_where_it_is_told(made):
    for device, is_there in (("cpu", False), (DEVICE, True), ("auto", True)):
        engine = made(device=device)
        engine.close()
        before = allocated()
        engine.load()
        assert (allocated() > before) is is_there


def weights_in_memory(engine):
    engine.close()
    before = allocated()
    engine.load()
    return allocated() - before


def test_weights_are_as_precise_as_told(name, made):
    """Half of the bytes a weight; `auto` is half, too. What is not a weight of the model stays as it is."""
    whole, half = (weights_in_memory(made(dtype=dtype)) for dtype in ("float32", HALF[name]))
    assert weights_in_memory(made(dtype="auto")) == half
    assert 0.4 < half / whole < (0.9 if name == "f5_tts" else 0.6)  # F5's vocoder is always float32


def test_each_precision_gives_sound_and_they_differ(name, made):
    (fine,), (rough,), (own,) = (spoken(made(dtype=dtype), request()) for dtype in ("float32", HALF[name], "auto"))
    for audio in (fine, rough, own):
        assert audio.samples.dtype == np.float32
        assert np.isfinite(audio.samples).all()
        assert audio.peak > 0
    assert difference(own, rough) < ROUNDING
    assert difference(fine, rough) > 0


def test_whole_precision_is_of_the_checkpoints_weights(tmp_path):
    """A package that first loads halves has lost the rest: it would speak as from a checkpoint of halves."""
    pytest.importorskip("f5_tts")
    from safetensors.torch import load_file, save_file

    whole, halves = (tiny.WRITERS["f5_tts"](tmp_path / name) for name in ("whole", "halves"))
    rounded = {key: value.half().float() for key, value in load_file(whole / "model.safetensors").items()}
    save_file(rounded, halves / "model.safetensors")
    engine = tiny.made("f5_tts", whole, device=DEVICE, dtype="float32")
    one, again = spoken(engine, request(), request())
    (other,) = spoken(tiny.made("f5_tts", halves, device=DEVICE, dtype="float32"), request())
    engine.close()
    assert difference(one, other) > 2 * difference(one, again)


def test_the_same_seed_gives_the_same_samples_in_any_order_and_another_one_others(made):
    engine = made(dtype="float32")
    one, other = spoken(engine, request(seed=0), request(seed=1))
    torch.cuda.manual_seed_all(99)
    other_again, one_again = spoken(engine, request(seed=1), request(seed=0))
    assert difference(one, one_again) < ROUNDING
    assert difference(other, other_again) < ROUNDING
    assert difference(one, other) > 10 * ROUNDING


def test_the_devices_own_random_state_is_left_alone(made):
    engine = made()
    engine.load()
    torch.cuda.manual_seed_all(5)
    expected = torch.rand(3, device=DEVICE)
    torch.cuda.manual_seed_all(5)
    spoken(engine, request())
    assert torch.equal(torch.rand(3, device=DEVICE), expected)


def test_a_seed_says_what_the_device_draws():
    def drawn(seed):
        with seeded(seed, 0, DEVICE):
            return torch.rand(3, device=DEVICE).tolist()

    assert drawn(0) == drawn(0) != drawn(1)


def test_the_memory_of_both_is_told(made, weights):
    torch.cuda.reset_peak_memory_stats()
    (synthesis,) = made(dtype="float32").synthesize([request()])
    files = sum(path.stat().st_size for path in weights.rglob("*.safetensors"))
    total = torch.cuda.get_device_properties(0).total_memory
    assert files / 2 < synthesis.device_memory_bytes <= torch.cuda.max_memory_allocated() < total
    assert synthesis.memory_bytes > 0


def test_memory_is_given_back(made):
    """The first round makes the libraries' own work spaces, which stay; after each later one all else is free again."""
    engine, left = made(), []
    for _ in range(3):
        engine.load()
        loaded = allocated()
        spoken(engine, request())
        engine.close()
        left.append(allocated())
        assert left[-1] < loaded or len(left) == 1
    assert left[1] == left[2] <= left[0]


def answers(judge):
    """What a judge of any kind says of a clip, as numbers."""
    audio = read_audio(CLIP)
    if isinstance(judge, HfCtc):
        return np.array([len(next(judge.transcribe([audio], ["en"])).text)])
    if isinstance(judge, Utmos):
        return np.array(list(next(judge.score([audio])).values()))
    return judge.embed([audio])[0]


def test_a_judge_says_there_what_it_says_on_the_cpu(judges):
    there, here = map(answers, judges)
    if len(here) > 1:
        assert there @ here > 0.99  # an embedding; convolutions may round to TF32 there
    else:
        assert there == pytest.approx(here, rel=0.05)


def test_a_judge_gives_memory_back(judges):
    judge, left = judges[0], []
    for _ in range(3):
        before = allocated()
        judge.load()
        assert allocated() > before
        answers(judge)
        judge.close()
        left.append(allocated())
    assert left[1] == left[2]


def test_a_device_that_is_full_is_told_with_advice():
    failure = attempt(lambda: torch.empty(1 << 50, dtype=torch.uint8, device=DEVICE))
    assert isinstance(failure, Failure)
    assert failure.type == "OutOfMemoryError"
    assert failure.message.endswith(MEMORY_ADVICE)


def test_what_is_free_is_asked_of_the_device():
    free, total = torch.cuda.mem_get_info()
    assert 0 < free_memory() <= total
    held = torch.empty(1 << 28, dtype=torch.uint8, device=DEVICE)
    assert free_memory() <= free - held.numel() // 2


def test_a_run_on_the_device_has_its_figures_in_every_row(run, tmp_path):
    weights = tiny.WRITERS["csm"](tmp_path / "csm")
    small = ("engine.max_frames=20", "probes.ids=[fox]", "voices.names=[ann]", "prompt.seconds=2", "memory=one")
    done = run(f"weights.csm={weights}", "engine=csm", f"device={DEVICE}", *small)
    assert done.code == 0
    assert done.report["provenance"]["device"] == DEVICE
    assert all(row["scores"]["device_memory_bytes"] > 0 for row in done.rows)
