"""Clumsy settings: a grid of thousands, devices that are not here, groups deleted or of the wrong kind."""

import re
import subprocess
import sys

import pytest

from evalkit.__main__ import main
from evalkit.config.grid import cells
from evalkit.errors import ConfigError, DeviceError
from evalkit.resources import resource
from evalkit.weights.devices import device_of
from tests.conftest import environment

pytestmark = pytest.mark.hostile


@pytest.fixture
def refused(typed, capfd, tmp_path):
    """Runs what is typed; returns the one line that was said."""

    def command(*more):
        assert main(["run", *typed, *more]) == 2
        shown = capfd.readouterr()
        assert shown.out == ""
        assert len(shown.err.splitlines()) == 1, shown.err
        assert not (tmp_path / "reports").exists()
        return shown.err

    return command


GRIDS = {  # axes, the number of cells
    "f32-ten-thousand": (["engine.detune=range(0,100)", "prompt.seconds=range(1,101)"], "10000"),
    "f32-a-million-listed": (
        [f"engine.{knob}={','.join(map(str, range(100)))}" for knob in ("a", "b", "c")],
        "1000000",
    ),
    "f32-a-range-without-end": (["engine.detune=range(0,1000000000000)"], "1000000000000"),
    "f32-small-steps": (["engine.detune=range(0.0,1.0,0.0000001)"], "10000000"),
    "f32-backwards": (["engine.detune=range(100000,0,-1)"], "100000"),
}


@pytest.mark.parametrize("case", GRIDS)
def test_a_grid_of_too_many_cells_is_counted_and_refused(case):
    """Before a single one is put together: a million would not fit the test's patience, or the machine."""
    axes, number = GRIDS[case]
    with pytest.raises(ConfigError) as told:
        cells([], axes, [], 1000)
    assert str(told.value).startswith(f"the grid has {number} cells, max_cells=1000 are allowed")
    assert f"type max_cells={number}" in str(told.value)


def test_f32_grids_are_counted_together():
    union = [["prompt.seconds=range(0,600)"], ["engine.k=range(0,600)"]]
    with pytest.raises(ConfigError, match="the grid has 1200 cells"):
        cells(union, [], [], 1000)
    assert len(cells(union, [], [], 1200)) == 1200


@pytest.mark.parametrize("end", ["inf", "nan", "-inf"])
def test_f32_a_range_of_no_number_is_refused(end):
    with pytest.raises(ConfigError, match=f"range.0.0,{end}.: a range needs numbers"):
        cells([], [f"engine.k=range(0.0,{end})"], [], 1000)


def test_f32_the_limit_is_a_setting(refused, typed, capfd):
    said = refused("engine.detune=range(0,3)", "prompt.seconds=1,2", "max_cells=5")
    assert "the grid has 6 cells, max_cells=5 are allowed" in said
    assert main(["run", *typed, "engine.detune=range(0,3)", "prompt.seconds=1,2", "max_cells=6", "dry_run=true"]) == 0
    assert "6 trials" in capfd.readouterr().out


def test_f32_composing_many_cells_shows_how_far_it_is(typed, capfd):
    assert main(["run", *typed, "engine.detune=range(0,60)", "dry_run=true"]) == 0
    shown = capfd.readouterr()
    assert "composing 60 cells" in shown.err
    assert "60 trials" in shown.out


@pytest.mark.skipif(sys.platform != "linux", reason="what a machine without accelerators is like")
@pytest.mark.parametrize("device", ["cuda", "cuda:3", "mps"])
def test_f38_a_device_that_is_not_here_is_refused_by_the_plan(refused, device):
    if device != "mps" and has_cuda():
        pytest.skip("this machine has one")
    said = refused(f"device={device}")
    assert f"device={device}: this machine has none" in said
    assert "type device=auto or device=cpu" in said


@pytest.mark.skipif(sys.platform == "darwin", reason="it may be here")
@pytest.mark.parametrize("worker", [[], [f"engine.python={sys.executable}"]], ids=["here", "worker"])
def test_f38_a_device_of_one_model_is_too(refused, worker):
    assert "device=mps: this machine has none" in refused("engine.device=mps", *worker)


def test_f38_it_is_refused_without_importing_torch():
    code = (
        "import sys\nfrom evalkit.weights.devices import device_of\n"
        "try:\n    device_of('mps')\nexcept Exception as error:\n    print(type(error).__name__)\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=resource("."), env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["DeviceError", "False"]


def test_f38_a_device_of_a_high_number_is_not_here():
    with pytest.raises(DeviceError, match="device=cuda:99: this machine has none"):
        device_of("cuda:99")


def has_cuda():
    import torch

    return torch.cuda.is_available()


CLUMSY = {
    "f45-no-judge": (["~judge"], "evalkit: judge: is missing"),
    "f45-no-voices": (["~voices"], "Could not override 'voices.path'"),
    "f45-no-probes": (["~probes"], "Could not override 'probes.path'"),
    "f45-no-engine": (["~engine"], "engine._target_: expected the dotted name of a class, got None"),
    "f45-voices-list": (
        ["voices.path=list.yaml"],
        r"list.yaml: the whole file: expected a dictionary, keys and values .got \['a'",
    ),
    "f45-voices-number": (
        ["voices.path=number.yaml"],
        "number.yaml: the whole file: expected a dictionary, keys and values .got 5",
    ),
    "f45-voices-of-a-voice": (["voices.path=voice.yaml"], "voice.yaml: package: is missing; install: is missing;"),
    "f45-probes-words": (
        ["probes.path=words.txt"],
        "words.txt: the whole file: expected a dictionary, keys and values .got 'hello'",
    ),
    "f45-null-voices": (["voices=null"], "Config group override must be a string or a list"),
    "f45-null-prompt": (["prompt=null"], "Config group override must be a string or a list"),
    "f45-null-engine": (["engine=null"], "Config group override must be a string or a list"),
}


@pytest.mark.parametrize("case", CLUMSY)
def test_what_is_wrong_is_told_and_not_all_that_is_right(refused, tmp_path, monkeypatch, case):
    files = {"list.yaml": "- a\n- b\n", "number.yaml": "5\n", "voice.yaml": "clips: []\n", "words.txt": "hello\n"}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    more, message = CLUMSY[case]
    said = refused(*more)
    assert re.search(message, said), said
    assert len(said) < 400
    assert "instance of" not in said
