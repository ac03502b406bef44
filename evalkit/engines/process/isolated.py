"""Any engine, in a worker process of a chosen Python: its crash, hang or memory is a failed row, never a dead run.

The engine's settings are checked here as always; what it imports, loads and computes happens over there. One worker
serves all settings of an engine, so that a sampling sweep loads its weights once there too.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, cast

import evalkit
from evalkit import errors
from evalkit.digest import Json, Scalar
from evalkit.engines.base import Engine, Request, Synthesis
from evalkit.engines.process.wire import Message, encoded, packed, receive, send, synthesis_of
from evalkit.engines.wrapping import Wrapping, layers
from evalkit.errors import ConfigError, EvalkitError, MissingAssetsError, SynthesisError
from evalkit.names import visible
from evalkit.resources import at_home

LOADING = 10  # loading may take so many times what an utterance may
STARTING_SECONDS = 60.0
REMARKS = 20_000  # bytes of its standard error that are kept
NEEDED = "numpy pydantic packaging platformdirs pyyaml regex"
# Only evalkit itself is taken from here: the worker's other packages are its own.
BOOTSTRAP = """
import sys, importlib.util as u
if sys.version_info < (3, 11): sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0])
root, package, name = sys.argv[1:4]
sys.path.insert(0, "")
spec = u.spec_from_file_location("evalkit", root + "/__init__.py", submodule_search_locations=[root])
sys.modules["evalkit"] = module = u.module_from_spec(spec)
spec.loader.exec_module(module)
from evalkit.engines.process.worker import serve
serve(package, name)
"""


class WorkerLost(SynthesisError):  # noqa: N818  it names what happened
    """The worker process died or was given up."""


@dataclass(frozen=True)
class Isolated(Wrapping):
    """An engine that computes elsewhere.

    Attributes:
        of: The engine; only its settings are used here.
        python: The interpreter; None: this one.
        timeout_seconds: An utterance that takes longer is given up; None: none is.
    """

    python: str | None = None
    timeout_seconds: float | None = None

    @property
    def family(self) -> Hashable:
        """See `Engine.family`."""
        return (self.python, self.of.family)

    def knobs(self) -> dict[str, Scalar]:
        """See `Engine.knobs`; which Python was chosen is one, since its packages may sound different."""
        return {**self.of.knobs(), **({"python": self.python} if self.python else {})}

    def computes_on(self) -> dict[str, Scalar]:
        """See `Engine.computes_on`."""
        return {**self.of.computes_on(), "python": self.python, "isolated": True}

    def require(self) -> None:
        """See `Engine.require`."""
        self._worker().ask("require", self.of, limit=STARTING_SECONDS * LOADING)  # gigabytes may be hashed

    def unmet(self) -> list[str]:
        """See `Engine.unmet`, for the packages over there."""
        return list(self._described()["unmet"])

    def fingerprint(self) -> dict[str, Json]:
        """See `Engine.fingerprint`, with the packages over there: the same sound has one key wherever it is made."""
        return cast(dict[str, Json], self._described()["fingerprint"])

    def load(self) -> None:
        """See `Engine.load`."""
        limit = self.timeout_seconds * LOADING if self.timeout_seconds else None
        self._worker().ask("load", self.of, limit=limit)

    def synthesize(self, requests: Iterable[Request]) -> Iterator[Synthesis]:
        """See `Engine.synthesize`.

        Raises:
            WorkerLost: The worker died or took too long; the next request gets a fresh one.
        """
        self.load()
        for request in requests:
            answer = self._worker().ask("speak", self.of, packed(request), limit=self.timeout_seconds)
            yield synthesis_of(answer)

    def close(self) -> None:
        """See `Engine.close`."""
        self._worker().stop()

    def _worker(self) -> "Worker":
        kind = type(self.of)
        return _worker(self.python or sys.executable, kind.__module__, kind.__qualname__)

    def _described(self) -> dict[str, Any]:
        try:
            return self._worker().describe(self.of)
        except (ConfigError, MissingAssetsError):
            raise
        except EvalkitError as error:
            raise ConfigError(f"engine.python={self.python}: {_kind_of(error)}{error}") from error


def isolation_of(model: object) -> Isolated | None:
    """Returns what makes a model compute in a worker process; None if it computes in this one."""
    return next((layer for layer in layers(model) if isinstance(layer, Isolated)), None)


@cache
def _worker(python: str, module: str, class_name: str) -> "Worker":
    source = Path(evalkit.__file__).parent
    return Worker([str(at_home(python)), "-c", BOOTSTRAP, str(source), module, class_name])


class Worker:
    """A process that is started when it is first asked, and again after it was lost."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._remarks: IO[bytes] | None = None  # what it says on standard error
        self._described: dict[Hashable, dict[str, Any]] = {}

    def describe(self, engine: Engine) -> dict[str, Any]:
        """Returns what the worker says of an engine; it is asked once."""
        key = tuple(sorted((name, repr(value)) for name, value in engine.fields().items()))
        if key not in self._described:
            self._described[key] = self.ask("describe", engine, limit=STARTING_SECONDS).body
        return self._described[key]

    def ask(self, what: str, engine: Engine, message: Message | None = None, *, limit: float | None) -> Message:
        """Returns the worker's answer.

        Raises:
            WorkerLost: It died, or did not answer within `limit` seconds; it is gone then.
            EvalkitError: The engine raised something: that error if it is one of ours, else one of its name.
        """
        given = message or Message({})
        question = _question(Message({**given.body, "do": what, "fields": engine.fields()}, given.audio))
        process = self._process or self._start()
        replies: list[Message | None] = []
        talk = threading.Thread(target=_talk, args=(process, question, replies), daemon=True)
        talk.start()
        talk.join(limit)
        if not replies:
            self.stop()
            raise WorkerLost(f"no answer within {limit:g} s: the worker was stopped, a fresh one goes on")
        if (reply := replies[0]) is None:
            raise WorkerLost(self._obituary(process))
        if "error" in reply.body:
            raise _error(*reply.body["error"])
        return reply

    def stop(self) -> None:
        """Ends the process, whatever it is doing, and its children; what it remarked goes to standard error."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # what was not sent yet cannot be
                cast(IO[bytes], pipe).close()
        with contextlib.suppress(OSError):  # nobody reads it any more
            sys.stderr.write(visible(self._last_remarks()))
        if self._remarks is not None:
            self._remarks.close()

    def _start(self) -> "subprocess.Popen[bytes]":
        self._remarks = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the process
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._remarks,
                start_new_session=True,  # Ctrl-C is for us alone
            )
        except OSError as error:
            raise ConfigError(f"engine.python={self._command[0]}: cannot be started: {error.strerror}") from error
        return self._process

    def _last_remarks(self) -> str:
        if self._remarks is None:
            return ""
        self._remarks.seek(max(0, self._remarks.seek(0, os.SEEK_END) - REMARKS))
        return self._remarks.read().decode(errors="replace")

    def _obituary(self, process: "subprocess.Popen[bytes]") -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        if process.poll() is None:
            self.stop()
            return "the worker answered with something that is no message: it was stopped, a fresh one goes on"
        remarks = self._last_remarks().strip().splitlines()
        self.stop()
        if process.returncode == -signal.SIGKILL:
            return "the worker was killed (signal 9), most likely since the machine had no memory left"
        last = remarks[-1] if remarks else "it said nothing"
        advice = f"; type: {self._command[0]} -m pip install {NEEDED}" if "ModuleNotFoundError" in last else ""
        return f"the worker died (exit code {process.returncode}): {last}{advice}"


def _question(message: Message) -> bytes:
    """Returns a question, encoded.

    Raises:
        ConfigError: A field of the engine cannot be sent.
    """
    try:
        return encoded(message)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"engine: its fields cannot be sent to a worker process: {error}; text, numbers, true, false and None can: "
            "declare a path as text"
        ) from error


def _talk(process: "subprocess.Popen[bytes]", question: bytes, replies: list[Message | None]) -> None:
    """Adds the answer to `replies`, None where the worker has gone."""
    try:
        send(cast(IO[bytes], process.stdin), question)
        replies.append(receive(cast(IO[bytes], process.stdout)))
    except (OSError, ValueError):
        replies.append(None)


def _error(name: str, message: str) -> errors.EvalkitError:
    """Returns an error of that name, so that a row reads alike wherever the engine ran."""
    known = getattr(errors, name, None)
    if isinstance(known, type) and issubclass(known, errors.EvalkitError):
        return known(message)
    error: errors.EvalkitError = type(name, (SynthesisError,), {})(message)
    return error


def _kind_of(error: errors.EvalkitError) -> str:
    """Returns the name of an error that is none of ours, to stand before its message."""
    name = type(error).__name__
    return "" if hasattr(errors, name) or isinstance(error, WorkerLost) else f"{name}: "
