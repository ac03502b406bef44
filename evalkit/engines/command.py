"""Engine `command`: any program that reads a prompt and a text and writes a file of sound.

The template is split into words once, as a shell would, and each word is then filled in: nothing that a text has in it
becomes another word, an option or a command. The program is known by its file's hash, and by what it says of itself.
"""

import re
import shlex
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Hashable, Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.digest import Json, Scalar, digest, file_sha256
from evalkit.engines.base import STRICT, Engine, Request, Synthesis
from evalkit.engines.decoding import MOST_BYTES, EmptyAnswerError, NoAudioError, sound_of
from evalkit.engines.free import Free, spread
from evalkit.engines.http.dialects import wav
from evalkit.engines.process.program import Bounds, carried_out
from evalkit.errors import ConfigError
from evalkit.names import shortened, visible

GIVEN = ("prompt_wav", "prompt_text", "prompt_text_file", "text", "text_file", "seed", "language", "out_wav")
FILES = ("text", "prompt_text")  # that can be had as files too
BLANK = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
VERSION_SECONDS, VERSION_CHARACTERS = 20.0, 2_000
WHAT = "the program's file"


@dataclass(frozen=True, config=STRICT)
class Command(Engine):
    """A program that speaks.

    Attributes:
        name: What reports call it; two programs in one sweep need two names.
        command: The program and its arguments, with `{text}` or `{text_file}`, `{out_wav}`, `{prompt_wav}`,
            `{prompt_text}`, `{prompt_text_file}`, `{seed}`, `{language}` and the names of knobs in it; `{{` is a brace.
        free: Knobs of one's own and their values, typed `knobs.NAME`; each stands in the command.
        version_command: A command whose output tells the program's version, since its libraries are not in its file.
        prompt_rate: Hz of the prompt's file.
        timeout_seconds: An utterance that takes longer is given up.
        cache: Whether the program always gives the same samples for the same request.
    """

    name: str = "command"  # type: ignore[misc]
    elsewhere: ClassVar[str] = "program"
    runtime: ClassVar[frozenset[str]] = frozenset({"name", "timeout_seconds", "cache"})

    command: str = ""
    free: Free = Field(default=(), alias="knobs")  # typed engine.knobs.NAME
    version_command: str | None = None
    prompt_rate: Annotated[int, Field(ge=8_000, le=192_000)] = 24_000
    timeout_seconds: Annotated[float, Field(gt=0, le=604_800)] = 120.0
    cache: bool = True

    @model_validator(mode="after")
    def _can_be_filled_in(self) -> "Command":
        try:
            words = shlex.split(self.command)
            shlex.split(self.version_command or "")
        except ValueError as error:
            raise ValueError(f"command: cannot be split into words: {error}") from error
        if not words:
            raise ValueError("command: there is none; type engine.command=\"'PROGRAM -o {out_wav} -f {text_file}'\"")
        blanks = {name for word in words for name in _blanks(word)}
        known = {*GIVEN, *(name for name, _ in self.free)}
        if unknown := sorted(blanks - known):
            raise ValueError(f"command: nothing is known of {{{unknown[0]}}}; there are {', '.join(sorted(known))}")
        if idle := sorted(known - {*GIVEN} - blanks):
            raise ValueError(f"knobs.{idle[0]}: the command has no {{{idle[0]}}}, so that it would change nothing")
        if taken := sorted({*GIVEN} & {name for name, _ in self.free}):
            raise ValueError(f"knobs.{taken[0]}: this name is evalkit's own")
        if "out_wav" not in blanks or not blanks & {"text", "text_file"}:
            raise ValueError("command: it needs {out_wav}, and {text} or {text_file}")
        if _blanks(words[0]):
            raise ValueError("command: the program itself cannot be filled in")
        return self

    @property
    def sample_rate(self) -> int:  # type: ignore[override]
        """The prompt's rate that is wanted."""
        return self.prompt_rate

    @property
    def repeatable(self) -> bool:
        """See `Engine.repeatable`."""
        return self.cache

    @property
    def family(self) -> Hashable:
        """See `Engine.family`."""
        return (type(self), self._words[0])

    def require(self) -> None:
        """Does nothing if there is such a program.

        Raises:
            ConfigError: There is none, or its version cannot be told.
        """
        if _path(self._words[0]) is None:
            raise ConfigError(f"engine.command: there is no program {self._words[0]!r} on this machine; install it")
        self._identity()

    def load(self) -> None:
        """See `Engine.load`; a program loads itself, in each utterance."""
        self.require()

    def speak(self, request: Request) -> Audio:
        """See `Engine.speak`."""
        return self._spoken(request)[0]

    def synthesize(self, requests: Iterable[Request]) -> Iterator[Synthesis]:
        """See `Engine.synthesize`; the seconds are the program's, its start included."""
        for request in requests:
            audio, seconds = self._spoken(request)
            yield Synthesis(audio, seconds)

    def knobs(self) -> dict[str, Scalar]:
        """See `Engine.knobs`; each of the free ones is one."""
        return spread(super().knobs(), free="knobs")

    def computes_on(self) -> dict[str, Scalar]:
        """See `Engine.computes_on`."""
        return {"program": _path(self._words[0])}

    def adapter_version(self) -> str:
        """See `Engine.adapter_version`; another program is another version."""
        told = super().adapter_version()
        return told if _path(self._words[0]) is None else f"{told}+{digest(self._identity())[:8]}"

    def fingerprint(self) -> dict[str, Json]:
        """See `Engine.fingerprint`, with the program's path and hash, and what it says of its version."""
        program = None if _path(self._words[0]) is None else self._identity()
        return {**super().fingerprint(), "program": program, "packages": {"soundfile": version("soundfile")}}

    @property
    def _words(self) -> list[str]:
        return shlex.split(self.command)

    def _identity(self) -> dict[str, Json]:
        """Returns what tells the program from others: the files that the command names, and its own words."""
        files = {word: path for word in self._words if not _blanks(word) and (path := _file(word))}
        first = self._words[0]
        hashes: dict[str, Json] = {word: _hash(path, Path(path).stat().st_mtime_ns) for word, path in files.items()}
        path = _path(first) or ""
        hashes[first] = _hash(path, Path(path).stat().st_mtime_ns)
        told = _told(self.version_command) if self.version_command else None
        return {"path": path, "sha256": hashes, "version": told}

    def _spoken(self, request: Request) -> tuple[Audio, float]:
        with tempfile.TemporaryDirectory(prefix="evalkit-", ignore_cleanup_errors=True) as place:
            folder = Path(place)
            values = _written(folder, request) | {name: _typed(value) for name, value in self.free}
            command = [_filled(word, values) for word in self._words]
            seconds = carried_out(command, Bounds(self.timeout_seconds, MOST_BYTES, folder))
            return _read(folder / "out.wav"), seconds


def _written(folder: Path, request: Request) -> dict[str, str]:
    """Writes what a program may want to read; returns what the blanks of a command stand for."""
    texts = {"text": request.text, "prompt_text": request.prompt.text}
    for name in FILES:
        (folder / f"{name}.txt").write_text(texts[name], encoding="utf-8")
    (folder / "prompt.wav").write_bytes(wav(request.prompt.audio))
    return {
        **texts,
        **{f"{name}_file": str(folder / f"{name}.txt") for name in FILES},
        "prompt_wav": str(folder / "prompt.wav"),
        "out_wav": str(folder / "out.wav"),
        "seed": str(request.seed),
        "language": request.language,
    }


def _read(path: Path) -> Audio:
    """Returns the sound that a program wrote, if it is a file of its own.

    Raises:
        EmptyAnswerError: It wrote none.
        NoAudioError: There is a link, a pipe or a folder.
    """
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        raise EmptyAnswerError("the program ended well and wrote no {out_wav}") from error
    if not stat.S_ISREG(mode):
        raise NoAudioError("the program made {out_wav} something other than a file")
    if path.stat().st_size == 0:
        raise EmptyAnswerError("the program ended well and wrote nothing into {out_wav}")
    return sound_of(path, WHAT)


def _blanks(word: str) -> set[str]:
    """Returns the names of what is to be filled in.

    Raises:
        ValueError: A brace stands alone.
    """
    found = set()
    for match in BLANK.finditer(word):
        if match.group() in "{}":
            raise ValueError(f"command: a brace stands alone in {word!r}; write {{{{ or }}}} for one")
        if match.group(1) is not None:
            found.add(match.group(1))
    return found


def _filled(word: str, values: Mapping[str, str]) -> str:
    """Returns a word with its blanks filled in; what is filled in is not looked at again."""
    return BLANK.sub(lambda match: match.group()[0] if match.group(1) is None else values[match.group(1)], word)


def _typed(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _path(program: str) -> str | None:
    found = shutil.which(str(Path(program).expanduser()) if program.startswith("~") else program)
    return None if found is None else str(Path(found).resolve())


def _file(word: str) -> str | None:
    """Returns the path of a file that a command names: a script, or a model."""
    try:
        return word if len(word) < 4_096 and Path(word).is_file() else None
    except (OSError, ValueError):
        return None


@cache
def _hash(path: str, changed: int) -> str:
    """Returns a file's hash; `changed` is when it was, since programs are installed anew."""
    return file_sha256(Path(path))


@cache
def _told(command: str) -> str:
    """Returns what a program says of its version.

    Raises:
        ConfigError: It cannot be asked.
    """
    try:
        done = subprocess.run(
            shlex.split(command), stdin=subprocess.DEVNULL, capture_output=True, timeout=VERSION_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigError(f"engine.version_command={command}: it cannot be asked: {error}") from error
    told = (done.stdout or done.stderr).decode(errors="replace")
    if done.returncode:
        raise ConfigError(f"engine.version_command={command}: it ended with exit code {done.returncode}")
    return shortened(visible(told.strip()), VERSION_CHARACTERS)
