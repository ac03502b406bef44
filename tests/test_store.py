import subprocess
import sys

import numpy as np
import pytest

from evalkit.errors import StorageError
from evalkit.store import Store, write_atomically


def test_an_artefact_is_there_once_written(tmp_path):
    store = Store(tmp_path)
    assert not store.has("transcript", "ab12")
    store.write_json("transcript", "ab12", {"text": "hi"})
    store.write_array("embedding", "ab12", np.ones(3, np.float32))
    assert store.has("transcript", "ab12")
    assert store.read_json("transcript", "ab12") == {"text": "hi"}
    assert store.read_array("embedding", "ab12").tolist() == [1, 1, 1]


def test_a_failed_write_leaves_nothing(tmp_path):
    def fail(part):
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match=r"No space left.*store=DIR"):
        write_atomically(tmp_path / "deep" / "a.json", fail)
    assert list((tmp_path / "deep").iterdir()) == []


FULL_DISK = """
import resource, signal, sys
import numpy as np
from pathlib import Path
from evalkit.audio import Audio
from evalkit.errors import StorageError
from evalkit.store import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
store, noise = Store(Path(sys.argv[1])), np.random.default_rng(0).normal(0, 0.1, 24000).astype(np.float32)
for write, kind, value in (
    (store.write_audio, "synthesis", Audio(noise, 24000)),
    (store.write_array, "embedding", noise),
):
    try:
        write(kind, "ab", value)
    except StorageError as error:
        print("refused")
print(store.has("synthesis", "ab", ".flac"), [p.name for p in Path(sys.argv[1]).rglob("*.*")])
"""


def test_a_disk_that_really_refuses(tmp_path):
    """The kernel refuses files over 1,000 bytes, as a full disk refuses any."""
    done = subprocess.run([sys.executable, "-c", FULL_DISK, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == "refused\nrefused\nFalse []\n"
