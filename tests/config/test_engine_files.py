"""Engines of one's own that cannot be made: exit 2 and a line that says what and where, before anything is written."""

import itertools
import re
import sys

import pytest

from evalkit.__main__ import main

pytestmark = pytest.mark.hostile

HEAD = (
    "import os, sys\nfrom pathlib import Path\nfrom pydantic.dataclasses import dataclass\n"
    "from evalkit.engines.base import Engine\n"
)
CLASS = "@dataclass(frozen=True)\nclass Mine(Engine):\n    name = 'mine'\n    sample_rate = 16000\n"
SPEAK = "    def speak(self, request): return request.prompt.audio\n"
WHOLE = HEAD + CLASS + SPEAK

FILES = {
    "f29-import-raises": (WHOLE + "1 / 0\n", r"raised ZeroDivisionError: division by zero \(.*mine.*\.py, line 10\)"),
    "f29-import-exits": (WHOLE + "sys.exit(0)\n", r"raised SystemExit: 0 \(.*line 10\)"),
    "f29-import-interrupts": (WHOLE + "raise KeyboardInterrupt\n", "raised KeyboardInterrupt: no message"),
    "f29-syntax": (WHOLE + "def (\n", r"raised SyntaxError: .*line 10"),
    "f29-lacks-a-package": (WHOLE + "import no_such_package\n", "No module named 'no_such_package'"),
    "f29-construction-raises": (
        WHOLE + "    def __post_init__(self): raise RuntimeError('no luck')\n",
        r"making Mine raised RuntimeError: no luck \(.*line 10\)",
    ),
    "f29-construction-exits": (
        WHOLE + "    def __post_init__(self): sys.exit(0)\n",
        "making Mine raised SystemExit: 0",
    ),
    "f29-no-dataclass": (
        HEAD + "class Mine(Engine):\n    name = 'mine'\n    sample_rate = 16000\n" + SPEAK,
        "Mine raised TypeError: .*dataclass",
    ),
    "f29-no-speak": (HEAD + CLASS + "    pass\n", "cannot make .*abstract"),
    "f29-no-name": (WHOLE.replace("    name = 'mine'\n", ""), "Mine has no name; give the class name = 'NAME'"),
    "f29-wrong-name": (WHOLE.replace("'mine'", "5"), "Mine.name is 5, expected text"),
    "f29-no-rate": (WHOLE.replace("    sample_rate = 16000\n", ""), "Mine has no sample_rate; give the class"),
    "f29-wrong-rate": (WHOLE.replace("16000", "'16000'"), "sample_rate is '16000', expected whole Hz, 8000 to 192000"),
    "f29-slow-rate": (WHOLE.replace("16000", "0"), "sample_rate is 0, expected whole Hz, 8000 to 192000"),
    "f29-unhashable": (
        WHOLE.replace("16000\n", "16000\n    steps: list[int] | None = None\n"),
        r"Mine\.steps is \[1, 2\], expected text, a number, true, false or none",
    ),
    "f29-path": (
        WHOLE.replace("16000\n", "16000\n    where: Path = Path('.')\n"),
        r"Mine\.where is PosixPath\('\.'\), expected text, a number, true, false or none",
    ),
    "f29-fingerprint-raises": (
        WHOLE + "    def fingerprint(self): return 1 / 0\n",
        "Mine.fingerprint raised ZeroDivisionError: division by zero",
    ),
    "f29-fingerprint-is-no-json": (
        WHOLE + "    def fingerprint(self): return {'file': Path('.')}\n",
        "Mine.fingerprint raised TypeError: .*PosixPath",
    ),
    "f29-unmet-exits": (WHOLE + "    def unmet(self): sys.exit(0)\n", "Mine.unmet raised SystemExit: 0"),
    "f29-family-raises": (
        WHOLE + "    @property\n    def family(self): return 1 / 0\n",
        "Mine.family raised ZeroDivisionError",
    ),
    "f18-surrogate": (WHOLE + "raise ValueError('half: \\ud800')\n", r"raised ValueError: half: \\ud800"),
    "f29-wrong-package": (
        WHOLE.replace("16000\n", "16000\n    packages = ('no such package',)\n", 1),
        "Mine.unmet raised InvalidRequirement",
    ),
}
IN_A_WORKER = {
    "f16-import-leaves": (WHOLE + "if sys.argv[0] == '-c': os._exit(3)\n", r"engine.python=.*died \(exit code 3\)"),
    "f16-import-exits": (WHOLE + "if sys.argv[0] == '-c': sys.exit(0)\n", "engine.python=.*: SystemExit: 0"),
    "f36-construction-raises": (
        WHOLE + "    def __post_init__(self):\n        if sys.argv[0] == '-c': 1 / 0\n",
        "engine.python=.*: ZeroDivisionError: division by zero",
    ),
    "f36-fingerprint-is-no-json": (
        WHOLE + "    def fingerprint(self):\n"
        "        return {'file': Path('.') if sys.argv[0] == '-c' else 0}\n",
        "engine.python=.*: TypeError: .*PosixPath is not JSON",
    ),
}  # fmt: skip
_NUMBERS = itertools.count()


WRAPPED = ["engine=spoil", "engine@engine.of=mine"]


@pytest.fixture
def refused(typed, tmp_path, monkeypatch, capfd):
    """Runs an engine of a file that is given; returns what was said. Each file is a module of its own."""

    def command(code, *more, chosen=("engine=mine",)):
        module = f"mine_{next(_NUMBERS)}"
        (tmp_path / f"{module}.py").write_text(code)
        (tmp_path / "mine/engine").mkdir(parents=True, exist_ok=True)
        steps = "steps: [1, 2]\n" if "steps" in code else ""
        node = f"_target_: {module}.Mine\npython: null\ntimeout_seconds: null\n{steps}"
        (tmp_path / "mine/engine/mine.yaml").write_text(node)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.chdir(tmp_path)
        rest = [word for word in typed if word != "engine=tone"]
        code = main(["run", "--config-dir", f"{tmp_path}/mine", *rest, *chosen, *more])
        shown = capfd.readouterr()
        assert (code, shown.out) == (2, "")
        assert not (tmp_path / "reports").exists()
        assert not (tmp_path / "store").exists()
        return shown.err

    return command


@pytest.mark.parametrize("chosen", [["engine=mine"], WRAPPED], ids=["alone", "wrapped"])
@pytest.mark.parametrize("case", FILES)
def test_an_engine_that_cannot_be_made_is_refused(refused, case, chosen):
    code, message = FILES[case]
    said = refused(code, chosen=chosen)
    assert re.search(message, said), said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("chosen", [["engine=mine"], WRAPPED], ids=["alone", "wrapped"])
@pytest.mark.parametrize("case", IN_A_WORKER)
def test_one_that_cannot_be_made_over_there_is_refused(refused, case, chosen):
    code, message = IN_A_WORKER[case]
    said = refused(code, f"engine.python={sys.executable}", chosen=chosen)
    assert re.search(message, said), said


TIMEOUTS = {"f37-1e9": "1e9", "f37-1e300": "1e300", "f37-zero": "0", "f37-negative": "-1", "f37-nan": "nan",
            "f37-inf": "inf", "f37-true": "true", "f37-text": "soon"}  # fmt: skip


@pytest.mark.parametrize("case", TIMEOUTS)
def test_f37_a_limit_of_time_that_is_none_is_refused(typed, capfd, case):
    assert main(["run", *typed, f"engine.timeout_seconds={TIMEOUTS[case]}"]) == 2
    said = capfd.readouterr().err
    assert re.search(r"engine\.timeout_seconds=\S+: expected seconds, more than 0, at most 604800 \(a week\)", said)
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("knobs", [("", ""), ("", "    strength: int = 3\n"), ("    a: int = 1\n", "    b: int = 1\n")])
def test_f42_two_classes_that_are_named_alike_are_told_apart(typed, tmp_path, monkeypatch, capfd, knobs):
    """With the same knobs or others: rows and tables know engines by name."""
    (tmp_path / "mine/engine").mkdir(parents=True)
    for module, more in zip(("f42_one", "f42_two"), knobs, strict=True):
        name = f"{module}_{next(_NUMBERS)}"
        (tmp_path / f"{name}.py").write_text(HEAD + CLASS + more + SPEAK)
        (tmp_path / f"mine/engine/{module}.yaml").write_text(f"_target_: {name}.Mine\n")
    monkeypatch.syspath_prepend(tmp_path)
    rest = [word for word in typed if word != "engine=tone"]
    assert main(["run", "--config-dir", f"{tmp_path}/mine", *rest, "engine=f42_one,f42_two"]) == 2
    said = capfd.readouterr().err
    assert re.search(r"engines f42_one_\d+\.Mine and f42_two_\d+\.Mine share the name 'mine'; give each class", said)
