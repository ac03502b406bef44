"""The doctor, asked about machines that lack, break or hide what a run needs."""

import ast
import importlib
import json
import os
import subprocess
import sys
import textwrap
import venv
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from evalkit.__main__ import main
from evalkit.commands.doctor.imports import Fault, Step, Tried, tried
from evalkit.commands.doctor.models import Need, culprits, loading_imports
from evalkit.pipeline.artefacts import SOUND
from evalkit.resources import resource
from evalkit.store.directory import PARTS, Directory

ROOT = resource(".").resolve()
FAKES = ["engine=tone", "judge=fake", "ears=fake"]
TORCH = """
class backends:
    class mps:
        is_available = staticmethod(lambda: False)
class cuda:
    names = {names!r}
    def init():
        if not cuda.names:
            raise RuntimeError("Found no NVIDIA driver\\nGo and get one")
    device_count = staticmethod(lambda: len(cuda.names))
    mem_get_info = staticmethod(lambda index: (3 * 10**9, 8 * 10**9))
    get_device_name = staticmethod(lambda index: cuda.names[index])
"""
ENGINE = """
from typing import ClassVar
from pydantic.dataclasses import dataclass
from evalkit.engines.tone import Tone
from evalkit.engines.base import STRICT
{top}
@dataclass(frozen=True, config=STRICT)
class Mine(Tone):
    name: ClassVar[str] = "mine"
    packages: ClassVar[tuple[str, ...]] = {packages!r}
    def load(self):
        {loading}
"""


class Machine:
    """A folder from which packages are imported first, and the command as it is typed there."""

    def __init__(self, evalkit, folder: Path) -> None:
        self._evalkit = evalkit
        self.folder = folder / "packages"
        self.folder.mkdir()
        self.root = ROOT
        self.has_torch("")

    def has_torch(self, *names: str) -> None:
        """Lets torch be there, quick to import, with these CUDA devices."""
        (self.folder / "torch.py").write_text(TORCH.format(names=[name for name in names if name]))

    def has(self, name: str, code: str, requires: str = "") -> None:
        """Puts a distribution there: what its module does when it is imported."""
        info = self.folder / f"{name}-1.0.dist-info"
        info.mkdir()
        needs = f"Requires-Dist: {requires}\n" if requires else ""
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}")
        (self.folder / f"{name}.py").write_text(code)

    def has_engine(self, packages: tuple[str, ...] = (), loading: str = "pass", top: str = "") -> list[str]:
        """Puts an engine there; returns what is typed to run it."""
        (self.folder / "my_engine.py").write_text(ENGINE.format(packages=packages, loading=loading, top=top))
        return [*FAKES, "engine._target_=my_engine.Mine"]

    def doctor(self, *typed: str, **variables: str):
        path = os.pathsep.join([str(self.folder), str(self.root), *variables.pop("first", ())])
        return self._evalkit("doctor", *typed, PYTHONPATH=path, **variables)

    def checks(self, *typed: str, code: int, **variables: str) -> dict[str, tuple[str, str, str | None]]:
        """Returns state, message and mend by what was looked at."""
        done = self.doctor("--json", *typed, **variables)
        assert done.returncode == code, done.stdout + done.stderr
        return {one["check"]: (one["state"], one["message"], one["mend"]) for one in json.loads(done.stdout)}


@pytest.fixture
def machine(evalkit, tmp_path):
    return Machine(evalkit, tmp_path)


@pytest.fixture
def checkout(machine, tmp_path):
    """Evalkit's checkout, with a lock and a pyproject.toml that can be changed."""
    folder = tmp_path / "checkout"
    (folder / "locks").mkdir(parents=True)
    for name in ("evalkit", "configs", "probes"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    machine.root = folder
    return folder


def lock(checkout: Path, python: str = f"{sys.version_info.major}.{sys.version_info.minor}") -> Path:
    return checkout / f"locks/python{python}.txt"


def lock_what_is_here(checkout: Path) -> None:
    """While a new lock is proven, what is here is not as the old one says: a test of something else has its own."""
    lock(checkout).write_text(f"numpy=={version('numpy')}\n")


def shown(path: Path) -> str:
    """As it is typed in the folder that has the checkout."""
    return f"checkout/locks/{path.name}"


def test_a_sound_machine_has_one_line_a_check_and_exit_code_0(machine, checkout):
    lock_what_is_here(checkout)
    done = machine.doctor(*FAKES)
    assert done.returncode == 0, done.stdout
    *lines, empty, last = done.stdout.splitlines()
    assert (empty, last) == ("", "nothing is wrong")
    assert all(line.startswith("ok       ") for line in lines)
    assert "ok       engine tone: needs no package" in lines
    assert "ok       accelerators: none" in lines
    assert done.stderr == ""


def test_json_is_the_same_and_nothing_else(machine, checkout):
    lock_what_is_here(checkout)
    checks = json.loads(machine.doctor("--json", *FAKES, "device=mps").stdout)
    assert all(list(one) == ["check", "state", "message", "mend"] for one in checks)
    (wrong,) = [one for one in checks if one["state"] == "wrong"]
    assert wrong == {
        "check": "device=mps", "state": "wrong", "message": "there is none",
        "mend": "device=auto or device=cpu, behind `run`",
    }  # fmt: skip
    lines = machine.doctor(*FAKES, "device=mps").stdout.splitlines()
    assert [line for line in lines if line.startswith("wrong")] == ["wrong    device=mps: there is none"]
    assert "         type: device=auto or device=cpu, behind `run`" in lines
    assert lines[-1] == "1 wrong"


@pytest.mark.parametrize("typed", [["--sweep", "dmeo"], ["engine=kokorro"], ["prompt.seconds=-3"], ["nonsense"]])
def test_what_cannot_be_planned_is_refused_as_by_run(typed, capsys):
    assert main(["doctor", *typed]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("evalkit: ")


def test_a_torchaudio_that_raises_is_found_for_the_demo(machine, tmp_path):
    """With the real torch, as a user would meet it; the weights are elsewhere, and missing."""
    (machine.folder / "torch.py").unlink()
    (machine.folder / "torchaudio").mkdir()
    (machine.folder / "torchaudio/__init__.py").write_text("raise RuntimeError('built for\\nanother CUDA')")
    checks = machine.checks("--sweep", "demo", code=1, EVALKIT_ASSETS=str(tmp_path / "assets"))
    state, message, mend = checks["import of torchaudio"]
    assert (state, mend) == ("wrong", "unset PYTHONPATH")
    assert message == (
        f"fails: RuntimeError: another CUDA (the file is {machine.folder}/torchaudio/__init__.py); "
        "needed by engine kokoro, judge campplus"
    )
    assert not {"engine kokoro", "judge campplus"} & set(checks)
    assert checks["judge dnsmos"][0] == checks["judge faster_whisper"][0] == "ok"
    assert checks["weights"] == (
        "wrong",
        "missing: kokoro_int8, kokoro_voices, ge2e, campplus, whisper_base_ct2 (302.3 MB)",
        "python -m evalkit fetch kokoro_int8 kokoro_voices ge2e campplus whisper_base_ct2",
    )


def test_each_package_that_raises_or_crashes_is_named_and_the_rest_is_tried(machine, checkout):
    lock_what_is_here(checkout)
    machine.has("lethal", "import os, signal\nprint('bye', flush=True)\nos.kill(os.getpid(), signal.SIGKILL)")
    machine.has("quitter", "import os\nos._exit(0)")
    machine.has("sulking", "raise ValueError('not\\ntoday')")
    machine.has("leaning", "import lethal", requires="lethal >= 0.5")
    machine.has("sound", "print('chatter')")
    typed = machine.has_engine(
        ("leaning", "lethal", "quitter", "sulking", "sound"), "import quitter\n        import json.absent"
    )
    checks = machine.checks(*typed, code=1)
    found = {name: message for name, (state, message, _) in checks.items() if state == "wrong"}
    assert found == {
        "import of lethal": "fails: the process crashed (SIGKILL): bye; needed by engine mine",
        "import of quitter": "fails: the process ended itself (exit code 0); needed by engine mine",
        "import of sulking": "fails: ValueError: today; needed by engine mine",
        "`import json.absent`": "fails: ModuleNotFoundError: No module named 'json.absent'; needed by engine mine",
    }
    assert checks["import of lethal"][2].endswith(" --force-reinstall --no-deps lethal")
    assert checks["`import json.absent`"][2].endswith('-c "import json.absent"   (shows where it fails)')


def test_a_sound_package_is_told_with_its_version(machine):
    machine.has("sound", "print('chatter')")
    assert machine.checks(*machine.has_engine(("sound",)), code=0)["engine mine"] == ("ok", "sound 1.0", None)


def test_a_missing_package_is_named_with_what_brings_it(machine, evalkit, voices):
    typed = machine.has_engine(("no-such-thing>=3",), "import no_such_thing")
    checks = machine.checks(*typed, code=1)
    state, message, mend = checks["engine mine"]
    assert (state, message) == ("wrong", "needs the package no-such-thing")
    assert mend.endswith(" 'no-such-thing>=3'")
    assert not any("import" in name for name in checks)  # said once
    done = evalkit("run", *typed, f"voices.path={voices}", PYTHONPATH=f"{machine.folder}{os.pathsep}{ROOT}")
    assert done.returncode == 2
    assert "engine: mine needs the package no-such-thing; type: pip install 'no-such-thing>=3'" in done.stderr


@pytest.mark.parametrize(
    ("top", "message", "mend"),
    [
        ("import no_such_thing", "ModuleNotFoundError: No module named 'no_such_thing'", " no_such_thing"),
        ("raise OSError('libcudart')", "OSError: libcudart", " -c 'import MODULE'   (shows where it fails)"),
    ],
)
def test_an_engine_that_cannot_be_imported_leaves_the_rest_to_be_told(machine, top, message, mend):
    checks = machine.checks(*machine.has_engine(top=top), code=1)
    state, told, _ = checks["sweep"]
    assert state == "wrong"
    assert told.startswith(f"engine._target_: importing my_engine raised {message}")
    assert checks["sweep"][2].endswith(mend)
    assert {"python", "store", "disk", "accelerators"} <= set(checks)


def test_voices_that_are_not_there_are_a_finding(machine):
    state, message, _ = machine.checks(*FAKES, "voices.path=none", code=1)["sweep"]
    assert (state, message) == ("wrong", "no folder of voices at none; give one with voices.path=DIR")


def test_an_evalkit_that_cannot_be_imported_says_so(machine):
    (machine.folder / "pydantic.py").write_text("raise SystemError('the core is of another version')")
    checks = machine.checks(*FAKES, code=1)
    assert list(checks) == ["evalkit"]
    assert checks["evalkit"][1] == "cannot be imported: SystemError: the core is of another version"
    assert "-m pip install --no-deps --requirement " in checks["evalkit"][2]


LOCKS = {
    "as locked": (lambda pins: pins, "ok", "all 2 packages that are here are as locked"),
    "another version": (
        lambda pins: {**pins, "numpy": "0.1"}, "warning", "1 of 2 packages are not as locked (in brackets): numpy "
    ),
    "one that is not here": (lambda pins: {**pins, "ray": "2.40"}, "ok", "all 2 packages"),
    "no lock at all": (lambda pins: {"numpy": ""}, "wrong", "expected NAME==VERSION, got 'numpy'"),
}  # fmt: skip


@pytest.mark.parametrize("case", LOCKS)
def test_packages_are_compared_with_the_lock(machine, checkout, case):
    change, state, message = LOCKS[case]
    pins = change({name: version(name) for name in ("numpy", "pytest")})
    lock(checkout).write_text("".join(f"{name}=={pin}\n" if pin else f"{name}\n" for name, pin in pins.items()))
    found = machine.checks(code=1 if state == "wrong" else 0)["lock"]
    assert found[0] == state
    assert message in found[1]
    if state == "warning":
        assert f"{version('numpy')} (0.1)" in found[1]
        assert found[2].endswith(f"-m pip install --constraint {shown(lock(checkout))} numpy")


def test_many_differences_are_mended_by_the_whole_lock(machine, checkout):
    names = ("numpy", "pytest", "pydantic", "scipy", "rich", "soxr", "psutil")
    lock(checkout).write_text("".join(f"{name}==0.1\n" for name in names))
    _, message, mend = machine.checks(code=0)["lock"]
    assert message.startswith("7 of 7 packages")
    assert message.endswith(" and 2 more")
    assert mend.endswith(f"-m pip install --no-deps --requirement {shown(lock(checkout))}")


def test_a_python_that_nobody_tried_or_that_is_refused_is_told_of_one_that_will_do(machine, checkout):
    lock(checkout, "3.9").touch()
    lock(checkout, "3.10").touch()
    checks = machine.checks(code=0)
    assert "lock" not in checks
    assert checks["python"][0] == "warning"
    assert checks["python"][1].endswith(" has no lock, so nobody has tried evalkit with it; locked: 3.9, 3.10")
    assert checks["python"][2] == "make doctor PYTHON=python3.10"
    (checkout / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.99"\ndependencies = ["no-such>=1"]\n')
    checks = machine.checks(code=1)
    assert checks["python"][0] == "wrong"
    assert checks["python"][1].endswith("; evalkit needs >=3.99")
    assert checks["packages"][:2] == ("wrong", "evalkit needs the package no-such")
    assert checks["packages"][2].endswith("-m pip install 'no-such>=1'")


def test_without_a_checkout_there_is_no_lock_and_no_fault(machine, checkout):
    (checkout / "locks").rmdir()
    checks = machine.checks(code=0)
    assert checks["lock"] == ("ok", "none here: evalkit was installed without its checkout", None)
    assert checks["python"][0] == "ok"


def test_accelerators_are_told_with_their_memory_and_named_ones_must_be_there(machine):
    machine.has_torch("Imaginary One", "Imaginary Two")
    checks = machine.checks(*FAKES, "device=cuda:1", code=0)
    assert checks["cuda:0"] == ("ok", "Imaginary One, 8.0 GB of memory, 3.0 GB free", None)
    assert checks["cuda:1"][1].startswith("Imaginary Two, ")
    assert checks["device=cuda:1"] == ("ok", "here", None)
    assert machine.checks(*FAKES, "engine.device=cuda:2", code=1)["device=cuda:2"][:2] == ("wrong", "there is none")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_thing", "ModuleNotFoundError: No module named 'no_such_thing'"),
        ("import os; os.abort()", "the process crashed (SIGABRT)"),
    ],
)
def test_a_torch_that_cannot_be_imported_cannot_tell_of_devices(machine, code, reason):
    (machine.folder / "torch.py").write_text(code)
    checks = machine.checks(*FAKES, "device=cuda", code=1)
    assert checks["accelerators"][:2] == ("wrong", f"torch cannot tell: {reason}")
    assert checks["device=cuda"][0] == "wrong"


def test_damaged_weights_are_named_by_file(machine, tmp_path):
    machine.has("torchaudio", "")
    assets = tmp_path / "assets"
    typed = [*FAKES, "judge.speakers=[ge2e]", "judge.quality=[]"]
    missing = machine.checks(*typed, code=1, EVALKIT_ASSETS=str(assets))["weights"]
    assert missing == ("wrong", "missing: ge2e (17.1 MB)", "python -m evalkit fetch ge2e")
    file = assets / "ge2e/pretrained.pt"
    file.parent.mkdir(parents=True)
    with file.open("wb") as other:
        other.truncate(17_090_379)  # the length is right, the zeros are not
    state, message, mend = machine.checks(*typed, code=1, EVALKIT_ASSETS=str(assets))["weights ge2e"]
    assert (state, mend) == ("wrong", "python -m evalkit fetch ge2e")
    assert message.startswith(f"{file} is damaged: sha256 ")
    file.write_bytes(b"cut off")
    message = machine.checks(*typed, code=1, EVALKIT_ASSETS=str(assets))["weights ge2e"][1]
    assert message == f"{file} has 7 bytes, not 17090379"
    file.unlink()
    file.mkdir()
    assert machine.checks(*typed, code=1, EVALKIT_ASSETS=str(assets))["weights ge2e"][0] == "wrong"


def test_a_place_for_weights_that_cannot_be_is_refused(machine):
    done = machine.doctor(EVALKIT_ASSETS="~no-such-user/weights")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("evalkit: EVALKIT_ASSETS=~no-such-user/weights: ")


def test_the_store_is_counted_and_what_was_damaged_is_a_warning(machine, tmp_path):
    store, shelf = Directory(tmp_path / "store"), SOUND
    store.write(shelf, [("ab1", b"1" * 1000), ("cd2", b"1" * 1500)])
    (tmp_path / "store" / PARTS / ".x.part").touch()
    typed = [*FAKES, f"store={tmp_path}/store"]
    state, message, _ = machine.checks(*typed, code=0)["store"]
    assert state == "ok"
    assert message.startswith("store: 2.5 kB in artefacts: 2; unfinished: 1 (")
    store.set_aside(shelf, ["ab1"])
    state, message, mend = machine.checks(*typed, code=0)["store"]
    assert state == "warning"
    assert message.startswith("store: 1.5 kB in artefacts: 1; set aside as damaged: 1 (")
    assert mend == "python -m evalkit store verify store=store; python -m evalkit store prune store=store"


def test_a_folder_that_cannot_be_written_is_named(machine):
    checks = machine.checks(*FAKES, "store=/proc/store", "reports_dir=/proc/reports", code=1)  # not even by root
    assert checks["store"][:2] == ("wrong", "/proc/store cannot be written: No such file or directory")
    assert checks["reports"][2] == "chmod u+rwx /proc   (or choose reports_dir=DIR behind `run`)"
    assert checks["disk"][:2] == ("ok", checks["disk"][1])


def test_an_engines_own_python_is_asked(machine, tmp_path):
    venv.create(tmp_path / "bare", symlinks=True, with_pip=False)
    python = f"{tmp_path}/bare/bin/python"
    checks = machine.checks(*machine.has_engine(), f"engine.python={python}", code=1)
    state, message, mend = checks["engine mine"]
    assert state == "wrong"
    assert "the worker died" in message
    assert mend.startswith(f"{python} -m pip install numpy pydantic")
    machine.has("sulking", "raise ValueError('not today')")
    typed = [*machine.has_engine(("sulking",)), f"engine.python={sys.executable}", "engine.device=cuda"]
    checks = machine.checks(*typed, code=1)
    assert checks["import of sulking"][1] == "fails: ValueError: not today; needed by engine mine"
    assert checks["device=cuda"][0] == "wrong"


def test_a_terminal_gets_wrapped_lines_and_whole_commands(machine):
    code = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
    path = os.pathsep.join([str(machine.folder), str(ROOT)])
    command = [sys.executable, "-m", "evalkit", "doctor", "--sweep", "demo"]
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        cwd=machine.folder.parent, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "60", "EVALKIT_ASSETS": str(machine.folder / "none")},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert all(len(line) <= 60 for line in lines if "type: " not in line), done.stdout
    (fetch,) = [line for line in lines if line.startswith("         type: python -m evalkit fetch ")]
    assert len(fetch) > 60


def test_imports_below_an_if_or_a_try_are_left_out(tmp_path, monkeypatch):
    code = """
    import json
    if not json:
        import above
    class Mine:
        def load(self):
            import one, two as other
            from three.four import five
            from evalkit import text
            if self:
                import perhaps
            def inner():
                from six import seven as eight
            try:
                import maybe
            except ImportError:
                pass
        def again(self):
            import one, two as other
    """
    (tmp_path / "mine_for_doctor.py").write_text(textwrap.dedent(code))
    monkeypatch.syspath_prepend(tmp_path)
    import mine_for_doctor

    assert loading_imports(mine_for_doctor.Mine) == [
        "import one, two as other",
        "from three.four import five",
        "from six import seven as eight",
    ]


def failed(*reasons: tuple[str, str, bool], **requires: list[str]) -> Tried:
    faults = {step(what): Fault(reason, None, crashed) for what, reason, crashed in reasons}
    return Tried(faults, {}, requires, None)


def step(what: str) -> Step:
    return Step("statement" if " " in what else "distribution", what)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (failed(("a", "E: x", False), ("b", "E: x", False)), {"a": ["b"]}),  # one error, one cause
        (failed(("a", "E: x", False), ("b", "E: x", False), a=["b"]), {"b": ["a"]}),  # and that is beneath
        (failed(("a", "E: x", False), ("b", "E: y", False), a=["b"]), {"a": [], "b": []}),
        (failed(("a", "SIGSEGV", True), ("b", "SIGSEGV", True)), {"a": [], "b": []}),  # two may crash alike
        (failed(("a", "SIGSEGV", True), ("b", "SIGSEGV", True), a=["b"]), {"b": ["a"]}),
        (failed(("import b", "SIGSEGV", True), ("b", "SIGSEGV", True)), {"b": ["import b"]}),
        (failed(("z", "E: x", False)), {}),  # nobody needs it
    ],
)
def test_what_fails_of_another_is_told_with_that(result, expected):
    need = Need("engine e", sys.executable, None, tuple(step(what) for what in ("a", "b", "import b")))
    found = culprits([need], result)
    assert {cause.what: [one.what for one in victims] for cause, victims in found.items()} == expected


def test_a_python_that_says_nothing_fails_every_step():
    steps = [Step("distribution", "a"), Step("statement", "import b")]
    found = tried("/bin/false", steps)
    assert {one: fault.reason for one, fault in found.faults.items()} == dict.fromkeys(
        steps, "the process ended itself (exit code 1)"
    )


ADAPTERS = [
    "engines.chroma.Chroma", "engines.csm.CSM", "engines.f5_tts.F5TTS", "engines.kokoro.Kokoro",
    "judges.campplus.CamPlusPlus", "judges.dnsmos.Dnsmos", "judges.ecapa.Ecapa", "judges.faster_whisper.FasterWhisper",
    "judges.ge2e.GE2E", "judges.hf_ctc.HfCtc", "judges.plcmos.Plcmos", "judges.silero.Silero", "judges.utmos.Utmos",
    "judges.wavlm_large_sv.WavLMLargeSV", "judges.wavlm_sv.WavLMSV", "judges.whisper_hf.WhisperHf",
]  # fmt: skip


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_what_an_adapter_imports_when_it_loads_is_among_its_packages(adapter):
    module, _, name = f"evalkit.{adapter}".rpartition(".")
    packages = getattr(importlib.import_module(module), name)().packages
    named = {canonicalize_name(Requirement(package).name) for package in packages}
    brought_by = distributions()
    for imported in set(loaded_by(module)):
        assert named & {canonicalize_name(one) for one in brought_by[imported]}, f"{adapter} does not name {imported}"


@cache
def distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


def loaded_by(module: str) -> Iterator[str]:
    """Gives the packages that functions of a module import, and those of the networks and judges that it rests on."""
    tree = ast.parse(Path(importlib.import_module(module).__file__).read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "evalkit.networks":
            yield from (found for one in node.names for found in loaded_by(f"evalkit.networks.{one.name}"))
        elif isinstance(node, ast.ImportFrom) and node.module.startswith(("evalkit.networks.", "evalkit.judges.whi")):
            yield from loaded_by(node.module)
        elif isinstance(node, ast.FunctionDef):
            statements = [one for one in ast.walk(node) if isinstance(one, ast.Import | ast.ImportFrom)]
            names = [one.module if isinstance(one, ast.ImportFrom) else one.names[0].name for one in statements]
            yield from {name.split(".")[0] for name in names} - {"evalkit"}
