"""Sounds at hand: those made a moment ago need not be read again by each judge that hears them.

A sound that turns out to be damaged, or gone, is no failure of whoever wanted it: what it was made from is made again.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from evalkit.audio import Audio, Recording, read_recording
from evalkit.errors import DamagedError, StorageError
from evalkit.pipeline.artefacts import SOUND
from evalkit.store.artefacts import Artefacts
from evalkit.voices import Clip

MOST_BYTES = 1 << 28
LONGEST_HEARD = 120.0  # seconds of a recording that judges hear: more makes no yardstick better, and takes memory
TRIES = 3
Result = TypeVar("Result")


def recorded(clip: Clip) -> Recording:
    """Returns a voice's recording as judges hear it.

    Raises:
        DataError: It cannot be read.
    """
    return read_recording(clip.path, LONGEST_HEARD)


@dataclass(frozen=True, eq=False)
class Sound:
    """Sound to be judged: its content address, how to read it, and the language spoken."""

    sha256: str
    read: Callable[[], Audio]
    language: str


@dataclass(frozen=True, eq=False)
class Recorded:
    """A recording as judges hear it; `peak` is its file's, `whole` tells that nothing was left out."""

    sound: Sound
    seconds: float
    peak: float
    whole: bool

    @property
    def remarks(self) -> list[str]:
        """What is different from the file."""
        found = []
        if self.peak > 1:
            found.append(f"goes beyond full scale (peak {self.peak:.2f}): it is scaled down, not clipped")
        if not self.whole:
            found.append(f"is long: judges hear its first {LONGEST_HEARD:g} s")
        return found


def heard_recording(clip: Clip, language: str) -> Recorded:
    """Returns a voice's recording, to be judged.

    Raises:
        DataError: It cannot be read.
    """
    found = recorded(clip)
    sound = Sound(found.audio.sha256, lambda: recorded(clip).audio, language)
    return Recorded(sound, found.audio.seconds, found.peak, found.whole)


class Sounds:
    """The store's sounds, the latest in memory.

    Attributes:
        lost: Addresses of sounds that were wanted and were not there, or damaged, and were not made again yet.
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
            self.lost.discard(audio.sha256)
            self._remember(audio)

    def read(self, address: str) -> Audio:
        """Returns a sound.

        Raises:
            DamagedError: It is not there, or not what was written; it is then among `lost`. See `made_whole`.
        """
        if (near := self._near.get(address)) is not None:
            return near
        audio = self._artefacts.get(SOUND, address)
        if audio is not None and audio.sha256 != address:
            self._artefacts.set_aside(SOUND, address)
        if audio is None or audio.sha256 != address:
            self.lost.add(address)
            raise DamagedError(f"the sound {address[:12]} is no longer in the store")
        self._remember(audio)
        return audio

    def missing(self, addresses: set[str]) -> set[str]:
        """Returns the addresses of sounds that are not there."""
        return self._artefacts.missing(SOUND, addresses - self._near.keys())

    def made_whole(self, make: Callable[[], Result], needed: Callable[[], Iterable[str]]) -> Result:
        """Returns what `make` returns, which makes the sounds that are lost, and is called again when it misses one.

        Args:
            make: Reads sounds, and first makes those that it needs and that are not there.
            needed: Gives the addresses of all that it may read. When one is lost they are all looked through, so that
                the second try finds the others too.

        Raises:
            StorageError: Sounds that were just made are damaged again.
        """
        for _ in range(TRIES):
            try:
                return make()
            except DamagedError as error:
                last = error
                for address in set(needed()):
                    with suppress(DamagedError):
                        self.read(address)
        raise StorageError(f"the store does not keep what is written to it: {last}, {TRIES} times over") from last

    def _remember(self, audio: Audio) -> None:
        self._near[audio.sha256] = audio
        self._bytes += audio.samples.nbytes
        while self._bytes > MOST_BYTES:
            _, oldest = self._near.popitem(last=False)
            self._bytes -= oldest.samples.nbytes
