"""How servers want to be asked: the same request in each of their dialects. Fields that nobody named are not sent."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from evalkit.audio import Audio
from evalkit.digest import Scalar
from evalkit.prompt import Prompt

Dialect = Literal["data_url", "references", "multipart"]
OWN = ("input", "model", "response_format", "stream", "ref_audio", "ref_text", "references")  # what evalkit sets


@dataclass(frozen=True)
class Body:
    """What is sent: JSON, or a form with a file."""

    json: Mapping[str, Any] | None = None
    form: Mapping[str, str] | None = None
    files: Mapping[str, tuple[str, bytes, str]] = field(default_factory=dict)

    def arguments(self) -> dict[str, Any]:
        """Returns it as httpx takes it."""
        return {"json": self.json} if self.json is not None else {"data": self.form, "files": self.files}


def body_of(dialect: Dialect, fields: Mapping[str, Scalar], prompt: Prompt, names: Mapping[str, str | None]) -> Body:
    """Returns a request in a dialect.

    Args:
        dialect: `data_url`, `references` or `multipart`.
        fields: Those beside the prompt; what is None is left out.
        prompt: Audio and words.
        names: What this server calls a field; None: it has no such field, and it is left out.
    """
    told = {**fields, **_prompt(dialect, prompt)}
    called = {names.get(key, key): value for key, value in told.items() if value is not None}
    given = {name: value for name, value in called.items() if name is not None}
    if dialect != "multipart":
        return Body(json=given)
    files = {name: value for name, value in given.items() if isinstance(value, tuple)}
    return Body(form={name: _written(value) for name, value in given.items() if name not in files}, files=files)


def wav(audio: Audio) -> bytes:
    """Returns sound as a WAV file of 16 bits, which every server reads."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, np.clip(audio.samples, -1, 1), audio.sample_rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def _prompt(dialect: Dialect, prompt: Prompt) -> dict[str, Any]:
    sound = wav(prompt.audio)
    if dialect == "multipart":
        return {"ref_audio": ("prompt.wav", sound, "audio/wav"), "ref_text": prompt.text}
    coded = base64.b64encode(sound).decode()
    if dialect == "references":
        return {"references": [{"audio": coded, "text": prompt.text}]}
    return {"ref_audio": f"data:audio/wav;base64,{coded}", "ref_text": prompt.text}


def _written(value: Scalar) -> str:
    """Returns a value as forms have it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
