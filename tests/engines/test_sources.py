"""Which code of an engine of one's own counts: its file, and what it imports from beside it."""

import importlib

import pytest

from evalkit.__main__ import main
from evalkit.engines.sources import source_of

pytestmark = pytest.mark.hostile

ENGINE = (
    "from pydantic.dataclasses import dataclass\nfrom evalkit.engines.base import Engine\n"
    "from evalkit.audio import Audio\n{imports}\n@dataclass(frozen=True)\nclass Mine(Engine):\n    name = 'mine'\n"
    "    sample_rate = 16000\n    def speak(self, request):\n{lazy}"
    "        return Audio(request.prompt.audio.samples * 0.5, 16000)\n"
)
# Where the engine lies, what it imports and where, the file that is edited, and whether that counts.
CASES = {
    "f04-plain": ("{}", "import {}_helper", "", "{}_helper.py", True),
    "f04-from": ("{}", "from {}_helper import GAIN", "", "{}_helper.py", True),
    "f04-star": ("{}", "from {}_helper import *", "", "{}_helper.py", True),
    "f04-lazy": ("{}", "", "        import {}_helper\n", "{}_helper.py", True),
    "f04-helpers-helper": ("{}", "import {}_middle", "", "{}_helper.py", True),
    "f04-package-beside": ("{}", "from {}_kit.part import GAIN", "", "{}_kit/part.py", True),
    "f04-package-beside-init": ("{}", "from {}_kit.part import GAIN", "", "{}_kit/__init__.py", True),
    "f04-relative": ("{}_pack.engine", "from . import helper", "", "{}_pack/helper.py", True),
    "f04-relative-name": ("{}_pack.engine", "from .helper import GAIN", "", "{}_pack/helper.py", True),
    "f04-relative-above": ("{}_pack.deep.engine", "from ..helper import GAIN", "", "{}_pack/helper.py", True),
    "f04-own-package": ("{}_pack.deep.engine", "import {}_pack.helper", "", "{}_pack/helper.py", True),
    "f04-itself": ("{}", "", "", "{}.py", True),
    "f04-not-imported": ("{}", "", "", "{}_helper.py", False),
    "f04-beside-the-package": ("{}_pack.engine", "import {}_helper", "", "{}_helper.py", False),
}


@pytest.fixture(params=CASES)
def case(request, tmp_path, monkeypatch):
    """Writes an engine and all that might be beside it; every case has names of its own, since imports stay."""
    place, imports, lazy, edited, counts = CASES[request.param]
    own = request.param.replace("-", "_")
    module = place.format(own)
    files = [f"{own}_helper.py", f"{own}_kit/__init__.py", f"{own}_kit/part.py", f"{own}_pack/__init__.py",
             f"{own}_pack/helper.py", f"{own}_pack/deep/__init__.py"]  # fmt: skip
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("GAIN = 0.5\n")
    (tmp_path / f"{own}_middle.py").write_text(f"import {own}_helper\n")
    engine = tmp_path / f"{module.replace('.', '/')}.py"
    engine.write_text(ENGINE.format(imports=imports.format(own), lazy=lazy.format(own)))
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    return module, tmp_path / edited.format(own), counts


def test_what_an_engine_imports_from_beside_it_counts(case):
    module, edited, counts = case
    kind = importlib.import_module(module).Mine
    before = source_of(kind)
    edited.write_text(edited.read_text() + "\n# edited\n")
    assert (source_of(kind) != before) == counts


def test_f04_it_reads_the_same_wherever_the_folder_lies(case):
    module, edited, _ = case
    kind = importlib.import_module(module).Mine
    assert str(edited.parents[1]) not in source_of(kind)
    assert source_of(kind).startswith(f"{module}.Mine ")


def test_f04_evalkits_own_engines_and_installed_ones_count_by_revision_and_version():
    from evalkit.engines.tone import Tone

    assert source_of(Tone) is None
    assert source_of(pytest.Item).count("_pytest/") > 0  # a package: its own modules
    assert "pluggy/" not in source_of(pytest.Item)


def test_f04_an_edited_helper_makes_an_engine_speak_anew(typed, tmp_path, capfd, monkeypatch):
    (tmp_path / "f04_mine.py").write_text(ENGINE.format(imports="from f04_gain import GAIN", lazy=""))
    (tmp_path / "f04_gain.py").write_text("GAIN = 0.5\n")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine/engine").mkdir(parents=True)
    (tmp_path / "mine/engine/mine.yaml").write_text("_target_: f04_mine.Mine\n")
    rest = [word for word in typed if word != "engine=tone"]
    command = ["run", "--config-dir", f"{tmp_path}/mine", *rest, "engine=mine", "voices.names=[ann]"]
    assert main(command) == 0
    (tmp_path / "f04_gain.py").write_text("GAIN = 0.25\n")
    capfd.readouterr()
    assert main(command) == 0
    assert "synthesis: 3/3, 0 cached" in capfd.readouterr().err
