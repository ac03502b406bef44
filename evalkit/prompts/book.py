"""The book of a voice: the reference texts that were set or heard, each with the audio it belongs to, as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from evalkit.digest import digest
from evalkit.errors import DataError
from evalkit.manifest import describe
from evalkit.prompt import TextSource
from evalkit.store.atomic import changing, write_text
from evalkit.textfile import read_text
from evalkit.voices import Voice

_CLOSED = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_CLOSED)
class Entry:
    """A reference text and where it comes from.

    Attributes:
        text: The words.
        source: Who says so.
        audio_sha256: Of the clip's file when the text was made; another file makes the text stale.
        made_by: Digest of the models and decoding; empty for a user's.
        models: The same, readable.
        candidates: What each pass heard.
        majority: How many of them agree, e.g. `2/3`.
        evidence: Of a closed loop: each candidate's SIM, the difference from the consensus and its interval.
        created: UTC.
    """

    text: str
    source: TextSource
    audio_sha256: str
    made_by: str = ""
    models: Any = None
    candidates: list[str] = field(default_factory=list)
    majority: str | None = None
    evidence: Mapping[str, Any] | None = None
    created: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


_ENTRIES = TypeAdapter(dict[str, dict[str, Entry]])  # by clip, then by kind: "user", "asr", or "closed_loop:ENGINE"


class Book:
    """The reference texts of one voice, in a file of its own."""

    def __init__(self, root: Path, voice: Voice) -> None:
        place = digest(str(voice.clips[0].path.resolve().parent))[:6]  # voices of two folders may share a name
        self.path = root / f"{voice.name}-{place}.json"

    def find(self, clip: str, kind: str) -> Entry | None:
        """Returns the text of a clip (by file name) of one kind, stale or not."""
        return self._read().get(clip, {}).get(kind)

    def write(self, clip: str, kind: str, entry: Entry) -> None:
        """Keeps a text; one of the same clip and kind is replaced, whoever else writes at the same time.

        Raises:
            StorageError: The disk refused.
        """
        with changing(self.path.parent):
            entries = self._read()
            entries.setdefault(clip, {})[kind] = entry
            plain = {name: {kind: asdict(entry) for kind, entry in kinds.items()} for name, kinds in entries.items()}
            text = json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
            write_text(self.path, text)

    def _read(self) -> dict[str, dict[str, Entry]]:
        if not self.path.exists() and not self.path.is_symlink():
            return {}
        try:
            return _ENTRIES.validate_json(read_text(self.path, "book of transcripts"))
        except ValidationError as error:
            raise DataError(f"{self.path} is no book of transcripts: {describe(error)}; mend or delete it") from error
