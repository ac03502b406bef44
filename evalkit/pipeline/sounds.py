"""Sounds at hand: those made a moment ago need not be read again by each judge that hears them."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.errors import DamagedError
from evalkit.pipeline.artefacts import SOUND
from evalkit.store.artefacts import Artefacts

MOST_BYTES = 1 << 28


@dataclass(frozen=True, eq=False)
class Sound:
    """Sound to be judged: its content address, how to read it, and the language spoken."""

    sha256: str
    read: Callable[[], Audio]
    language: str


class Sounds:
    """The store's sounds, the latest in memory.

    Attributes:
        lost: Addresses of sounds that were wanted and are not there, or damaged: to be made again.
    """

    def __init__(self, artefacts: Artefacts) -> None:
        self._artefacts = artefacts
        self._near: OrderedDict[str, Audio] = OrderedDict()
        self._bytes = 0
        self.lost: set[str] = set()

    def keep(self, audio: Audio) -> None:
        """Writes a sound (as `stored` gives it) under its address, unless one that was just written is the same."""
        if audio.sha256 not in self._near:
            self._artefacts.write(SOUND, {audio.sha256: audio})
            self._remember(audio)

    def read(self, address: str) -> Audio:
        """Returns a sound.

        Raises:
            DamagedError: It is not there, or not what was written; it is then among `lost`.
        """
        if (near := self._near.get(address)) is not None:
            return near
        audio = self._artefacts.get(SOUND, address)
        if audio is None or audio.sha256 != address:
            self.lost.add(address)
            raise DamagedError(f"the sound {address[:12]} is no longer in the store")
        self._remember(audio)
        return audio

    def missing(self, addresses: set[str]) -> set[str]:
        """Returns the addresses of sounds that are not there."""
        return self._artefacts.missing(SOUND, addresses - self._near.keys())

    def _remember(self, audio: Audio) -> None:
        self._near[audio.sha256] = audio
        self._bytes += audio.samples.nbytes
        while self._bytes > MOST_BYTES:
            _, oldest = self._near.popitem(last=False)
            self._bytes -= oldest.samples.nbytes
