"""The protocol between a run and its worker processes: a line of JSON, then the bytes it announces.

A message is a JSON object; sound goes after it as little-endian float32, so that no sample changes. Both ends live in
one version of evalkit, so the protocol needs no version of its own.
"""

import json
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np

from evalkit.audio import Audio
from evalkit.engines.base import Request, Synthesis
from evalkit.prompt import Prompt

LONGEST_LINE = 1 << 24


class Writable(Protocol):
    """A binary file to write to."""

    def write(self, data: bytes, /) -> Any:
        """Writes all of `data`."""

    def flush(self) -> None:
        """Sends what was written."""


class Readable(Protocol):
    """A binary file to read from."""

    def readline(self, limit: int, /) -> bytes:
        """Returns up to and with the next newline."""

    def read(self, size: int, /) -> bytes:
        """Returns `size` bytes, fewer only at the end."""


@dataclass(frozen=True)
class Message:
    """An object, and the sound that came with it."""

    body: dict[str, Any]
    audio: Audio | None = None


def encoded(message: Message) -> bytes:
    """Returns a message as it is sent.

    Raises:
        TypeError: Its body has something that JSON has not.
    """
    payload = b"" if message.audio is None else message.audio.samples.astype("<f4").tobytes()
    rate = None if message.audio is None else message.audio.sample_rate
    line = json.dumps({"body": message.body, "bytes": len(payload), "sample_rate": rate})
    return line.encode() + b"\n" + payload


def send(file: Writable, message: bytes) -> None:
    """Writes an encoded message."""
    file.write(message)
    file.flush()


def receive(file: Readable) -> Message | None:
    """Reads a message; None where the other end has gone. Its samples cannot be written to.

    Raises:
        ValueError: What came is no message.
    """
    line = file.readline(LONGEST_LINE)
    if not line.endswith(b"\n"):
        return None
    try:
        head = json.loads(line)
        body, size, rate = dict(head["body"]), int(head["bytes"]), head["sample_rate"]
    except (TypeError, KeyError) as error:
        raise ValueError(f"what came is no message: {error}") from error
    payload = file.read(size)
    if len(payload) < size:
        return None
    if rate is None:
        return Message(body)
    return Message(body, Audio(np.frombuffer(payload, "<f4").astype(np.float32, copy=False), rate))


def packed(request: Request) -> Message:
    """Returns a request as a message."""
    prompt = request.prompt
    body = {
        "text": request.text,
        "seed": request.seed,
        "language": request.language,
        "prompt": [prompt.text, prompt.text_source, list(prompt.clips), prompt.text_wer],
    }
    return Message(body, prompt.audio)


def unpacked(message: Message) -> Request:
    """Returns the request of a message."""
    if message.audio is None:
        raise ValueError("a request comes with the prompt's sound")
    text, source, clips, error_rate = message.body["prompt"]
    prompt = Prompt(message.audio, text, source, tuple(clips), error_rate)
    return Request(message.body["text"], prompt, message.body["seed"], message.body["language"])


_TOLD = [field.name for field in fields(Synthesis) if field.name != "audio"]


def answer_of(synthesis: Synthesis) -> Message:
    """Returns a synthesis, which must be `scorable`, as a message."""
    return Message({name: getattr(synthesis, name) for name in _TOLD}, synthesis.audio)


def synthesis_of(message: Message) -> Synthesis:
    """Returns the synthesis of a message."""
    if message.audio is None:
        raise ValueError("a synthesis comes with sound")
    return Synthesis(message.audio, **{name: message.body[name] for name in _TOLD})
