"""The model hub as a source, against a hub of our own: listing, resuming, refusals."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = bytes(range(256)) * 100_000  # 26 MB: the client writes in pieces of 10
FILES = {"config.json": b'{"a": 1}', "model.safetensors": LARGE, "notes/README.md": b"words"}


class Hub(BaseHTTPRequestHandler):
    """Serves one repository `us/tiny` as the hub does, and breaks off where told."""

    end = len(LARGE)  # where the line breaks
    served: list[tuple[str, str | None]] = []  # noqa: RUF012

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET(body=False)

    def do_GET(self, body=True):
        path = self.path.split("?")[0]
        if "/gated/" in path or path.startswith("/us/gated"):
            self.answer(403, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "gated"}, body=body)
        elif path.startswith("/api/models/us/tiny/revision/"):
            siblings = [
                {"rfilename": name, "size": len(content)}
                | (
                    {"lfs": {"sha256": sha(content), "size": len(content), "pointerSize": 1}}
                    if len(content) > 9
                    else {}
                )
                for name, content in FILES.items()
            ]
            self.answer(200, json.dumps({"id": "us/tiny", "sha": COMMIT, "siblings": siblings}).encode(), body=body)
        elif path.startswith(f"/us/tiny/resolve/{COMMIT}/") and path.split(f"{COMMIT}/")[1] in FILES:
            self.file(path.split(f"{COMMIT}/")[1], body=body)
        else:
            self.answer(404, b"", {"X-Error-Code": "RepoNotFound"}, body=body)

    def file(self, name, *, body):
        content, wanted = FILES[name], self.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
        told = {"ETag": f'"{sha(content)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if wanted:
            told["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        if body:
            Hub.served.append((name, wanted))
        rest = content[start:]
        if body and len(content) > Hub.end:
            self.answer(206 if wanted else 200, content[start : Hub.end], told, body=True, length=len(rest))
            self.wfile.flush()
            self.connection.close()
            return
        self.answer(206 if wanted else 200, rest, told, body=body)

    def answer(self, status, content, headers=None, *, body, length=None):
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(length or len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)


def sha(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def hub():
    Hub.end, Hub.served = len(LARGE), []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


CODE = """
import sys
from pathlib import Path
from evalkit.weights.assets import Asset, AssetFile, AssetLibrary, Part, Snapshot
from evalkit.errors import EvalkitError
from evalkit.weights.fetch import fetch
assets = AssetLibrary({
    "snapshot": Asset("all", "MIT", snapshot=Snapshot("us/tiny@main", 1, only=("*.json", "*.safetensors"))),
    "file": Asset("one", "MIT", files={"x/config.json": AssetFile((Part("config.json", hub="us/tiny@COMMIT"),))}),
    "gated": Asset("all", "MIT", snapshot=Snapshot("us/gated@main", 1)),
    "none": Asset("all", "MIT", snapshot=Snapshot("us/none@main", 1)),
}, Path(sys.argv[1]))
try:
    fetch(assets, sys.argv[2], print)
except EvalkitError as error:
    sys.exit(f"{type(error).__name__}: {error}")
print(assets.is_present(sys.argv[2]), assets.fingerprint([sys.argv[2]]))
"""


@pytest.fixture
def fetched(tmp_path, hub):
    """Fetches in a process of its own: the hub's client reads its settings when it is imported."""

    def command(name, **variables):
        return subprocess.run(
            [sys.executable, "-c", CODE.replace("COMMIT", COMMIT), tmp_path / "assets", name],
            env={**os.environ, "HF_ENDPOINT": hub, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1",
                 "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_OFFLINE": "0", **variables},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    return command


def test_a_snapshot_is_fetched_at_a_commit_that_is_kept(fetched, tmp_path):
    done = fetched("snapshot")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "assets/snapshot"
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "fetched.json", "model.safetensors"]
    assert (folder / "model.safetensors").read_bytes() == LARGE
    record = json.loads((folder / "fetched.json").read_text())
    assert record["revision"] == COMMIT
    assert record["files"]["model.safetensors"] == {"sha256": sha(LARGE), "bytes": len(LARGE)}
    assert f"'snapshot/config.json': '{sha(FILES['config.json'])}'" in done.stdout
    assert not any((tmp_path / "assets/.partial").iterdir())


def test_what_is_here_is_not_asked_for_again(fetched):
    fetched("snapshot")
    Hub.served.clear()
    assert "already here, 2 hashes verified" in fetched("snapshot").stdout
    assert Hub.served == []


def test_a_broken_download_goes_on_where_it_broke(fetched, tmp_path):
    Hub.end = 12_000_000  # however often the client tries
    done = fetched("snapshot")
    assert done.returncode == 1
    assert "FetchError: us/tiny (model.safetensors)" in done.stderr
    assert "the same command goes on where it stopped" in done.stderr
    assert not (tmp_path / "assets/snapshot/model.safetensors").exists()
    (kept,) = (tmp_path / "assets/.partial/snapshot").iterdir()
    size = kept.stat().st_size
    assert size >= 10_000_000
    Hub.end = len(LARGE)
    Hub.served.clear()
    assert fetched("snapshot").returncode == 0
    assert (tmp_path / "assets/snapshot/model.safetensors").read_bytes() == LARGE
    assert [wanted for name, wanted in Hub.served if name == "model.safetensors"] == [f"bytes={size}-"]  # only the rest


def test_a_file_changed_on_disk_is_fetched_again(fetched, tmp_path):
    fetched("file")
    path = tmp_path / "assets/file/x/config.json"
    path.write_bytes(b'{"b": 2}')
    assert fetched("file").returncode == 0
    assert path.read_bytes() == FILES["config.json"]


def test_a_source_that_changed_since_the_first_fetch_is_refused(fetched, tmp_path, monkeypatch):
    fetched("file")
    monkeypatch.setitem(FILES, "config.json", b'{"c": 3}')
    (tmp_path / "assets/file/x/config.json").unlink()
    done = fetched("file")
    assert done.returncode == 1
    assert "the source gave sha256" in done.stderr


@pytest.mark.parametrize(
    ("name", "variables", "message"),
    [
        ("gated", {}, "behind a licence: accept that on the model's page, then set HF_TOKEN"),
        ("none", {}, "no such repository, or HF_TOKEN may not read it"),
        ("snapshot", {"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE forbids asking the model hub; unset it"),
        ("snapshot", {"HF_ENDPOINT": "http://127.0.0.1:9"}, "the model hub gave nothing"),
    ],
)
def test_refusals_are_explained(fetched, name, variables, message):
    done = fetched(name, **variables)
    assert done.returncode == 1
    assert done.stderr.startswith("FetchError: us/")
    assert message in done.stderr


def test_code_is_run_from_a_pinned_revision_only():
    from evalkit.weights.assets import Asset, Snapshot

    Asset("x", "MIT", snapshot=Snapshot(f"us/tiny@{COMMIT}", 1), runs_code=True)
    with pytest.raises(ValueError, match="from a pinned revision only"):
        Asset("x", "MIT", snapshot=Snapshot("us/tiny@main", 1), runs_code=True)
