"""Where numbers come from: code, packages, machine, command."""

import os
import platform
import re
import shlex
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from evalkit.names import without_credentials
from evalkit.version import __version__

# Those whose version can change a score; what an engine or a judge adds is in its own fingerprint.
_PACKAGES = (
    "ctranslate2",
    "faster-whisper",
    "numpy",
    "rapidfuzz",
    "soundfile",
    "soxr",
    "torch",
    "torchaudio",
    "whisper-normalizer",
)


def command_line(arguments: Sequence[str]) -> str:
    """Returns the command as a person would type it, without passwords in addresses."""
    return shlex.join(["python", "-m", "evalkit", *map(without_credentials, arguments)])


def commit() -> tuple[str | None, bool | None]:
    """Returns the commit of evalkit's checkout and whether files differ from it; None where there is no checkout."""
    folder = Path(__file__).parent.parent
    revision = _git(folder, "rev-parse", "HEAD")
    if revision is None or not (folder / "pyproject.toml").is_file():
        return None, None
    # Reports are what a run writes: they do not make the code that wrote them another.
    status = _git(folder, "status", "--porcelain", "--", ".", ":(exclude)reports")
    return revision, bool(status) if status is not None else None


def packages() -> dict[str, str]:
    """Returns the versions of evalkit and of the packages that scores rest on, those installed."""
    found = {"evalkit": __version__}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def python() -> str:
    """Returns the interpreter's version."""
    return platform.python_version()


def machine() -> str:
    """Returns operating system, architecture, and the processor's model where that is told: times are its own."""
    named = re.search(r"^model name\s*:\s*(.+)$", _cpuinfo(), flags=re.MULTILINE)
    told = named.group(1).strip() if named else platform.processor()
    return " ".join([platform.system(), platform.machine(), *([f"({told}, {os.cpu_count()} cores)"] if told else [])])


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
