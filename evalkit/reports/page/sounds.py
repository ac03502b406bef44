"""The sounds of a page: which of them it has, and how each becomes a file that every browser plays.

A sound is known by its address, the digest of its samples. Addresses come from reports, which anybody may have written:
what is no digest names no sound.
"""

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from evalkit.audio import Audio, write_flac
from evalkit.prompts.pieces import loudness
from evalkit.row import Row
from evalkit.store.atomic import write_atomically

AudioChoice = Literal["all", "worst", "none"]
FOLDER = "audio"  # below the page's own folder
NAME_LENGTH = 16  # of an address: enough to tell any two sounds apart
LEFT_OUT, WRITTEN, GONE = range(3)
_ADDRESS = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class HeldOut:
    """A clip of a voice that no engine heard: the name of its file, and its address."""

    name: str
    address: str


@dataclass(frozen=True, eq=False)
class Sources:
    """Where a page's sounds come from.

    Attributes:
        sound: Returns the sound of an address; None where it is no longer there.
        held_out: Each voice's held-out clips, as far as they are there.
    """

    sound: Callable[[str], Audio | None]
    held_out: Mapping[str, Sequence[HeldOut]] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """A sound that was written: its length, and its loudness in dBFS."""

    seconds: float
    decibels: float


class Numbered:
    """The sounds that a page speaks of, each under the number by which its data names it."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._seconds: dict[str, float | None] = {}

    def number(self, address: str | None, seconds: float | None = None) -> int | None:
        """Returns the number of an address; None for what is none."""
        if address is None or not _ADDRESS.fullmatch(address):
            return None
        if self._seconds.setdefault(address, seconds) is None:
            self._seconds[address] = seconds
        return self._numbers.setdefault(address, len(self._numbers))

    @property
    def addresses(self) -> Sequence[str]:
        """All addresses, in the order of their numbers."""
        return list(self._numbers)

    def columns(self, wanted: Iterable[str], written: Mapping[str, Written]) -> dict[str, Any]:
        """Returns what a page's data says of its sounds, column by column.

        Args:
            wanted: Addresses that were to be written.
            written: Those that were.
        """
        missed = set(wanted) - written.keys()
        digests = base64.b64encode(b"".join(map(bytes.fromhex, self._numbers))).decode()
        return {
            "sha256": digests,
            "seconds": [
                _rounded(written[one].seconds if one in written else self._seconds[one]) for one in self._numbers
            ],
            "decibels": [_rounded(written[one].decibels) if one in written else None for one in self._numbers],
            "state": [WRITTEN if one in written else GONE if one in missed else LEFT_OUT for one in self._numbers],
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def wanted(
    choice: AudioChoice, numbered: Numbered, worst: Sequence[Row], held_out: Mapping[str, Sequence[HeldOut]]
) -> list[str]:
    """Returns the addresses of the sounds that a page is to have.

    Args:
        choice: `all`; those of the `worst` utterances, their prompts and their voices' held-out clips; or `none`.
        numbered: All that it speaks of.
        worst: The rows that it shows as the worst.
        held_out: Each voice's held-out clips.
    """
    if choice == "none":
        return []
    if choice == "all":
        return list(numbered.addresses)
    chosen = [
        address
        for row in worst
        for address in (
            row.audio,
            row.prompt and row.prompt.sound,
            *(one.address for one in held_out.get(row.voice, ())),
        )
    ]
    known = set(numbered.addresses)
    return [address for address in dict.fromkeys(chosen) if address in known]


def write_sounds(folder: Path, addresses: Iterable[str], sound: Callable[[str], Audio | None]) -> dict[str, Written]:
    """Writes sounds as 16-bit FLAC at the rate they have; returns, by address, those that are still there.

    Raises:
        StorageError: The disk refused.
    """
    found = {}
    for address in addresses:
        if (audio := sound(address)) is not None and len(audio.samples):
            write_atomically(folder / file_name(address), lambda part, audio=audio: write_flac(part, audio))  # type: ignore[misc]
            found[address] = Written(audio.seconds, loudness(audio))
    return found


def file_name(address: str) -> str:
    """Returns the name of a sound's file."""
    return f"{address[:NAME_LENGTH]}.flac"
