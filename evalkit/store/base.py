"""The seam of a store: bytes by shelf and key, many at a time. Where they lie is the store's own affair.

Bytes go in with a proof and are read with it (`proof`), so a store may lose or damage them, but never unnoticed.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Shelf:
    """One kind of artefact: its name, and the suffix by which other programs know such a file."""

    name: str
    suffix: str


@dataclass(frozen=True)
class Held:
    """What a store holds under a key, and its size in bytes."""

    shelf: str
    key: str
    bytes: int


@dataclass(frozen=True)
class Pile:
    """So many files with so many bytes."""

    count: int = 0
    bytes: int = 0

    def __add__(self, other: "Pile") -> "Pile":
        return Pile(self.count + other.count, self.bytes + other.bytes)


class Store(Protocol):
    """Keeps bytes by shelf and key; all calls take many keys, since a remote store answers slowly and at once."""

    def missing(self, shelf: Shelf, keys: Iterable[str]) -> set[str]:
        """Returns those keys under which there is nothing."""

    def read(self, shelf: Shelf, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Gives key and bytes of those that are there; what cannot be read is given as no bytes."""

    def write(self, shelf: Shelf, artefacts: Iterable[tuple[str, bytes]]) -> None:
        """Keeps bytes, each whole or not at all; what was there under a key is replaced.

        Raises:
            StorageError: They cannot be kept.
        """

    def set_aside(self, shelf: Shelf, keys: Iterable[str]) -> None:
        """Takes what is damaged out of the way, without destroying it.

        Raises:
            StorageError: It cannot be moved.
        """

    def remove(self, shelf: Shelf, keys: Iterable[str]) -> None:
        """Destroys what is there.

        Raises:
            StorageError: It cannot be destroyed.
        """

    def listing(self, shelf: Shelf) -> Iterator[Held]:
        """Gives all that is on a shelf.

        Raises:
            StorageError: It cannot be told.
        """

    def leftovers(self) -> Mapping[str, Pile]:
        """Returns what lies beside the shelves, in words: what was set aside, and what was begun and never finished."""

    def clear(self) -> None:
        """Destroys the leftovers, but for what somebody is just writing."""

    def used(self) -> AbstractContextManager[None]:
        """While it is entered, nobody else is `alone`; entering waits for whoever is."""

    def alone(self) -> AbstractContextManager[None]:
        """While it is entered, nobody else uses the store: what no report names can be told from what is being made.

        Raises:
            InUseError: Somebody does, or it cannot be told.
        """


def kept_in(store: Store, shelves: Iterable[Shelf]) -> dict[str, Pile]:
    """Returns how much is on each shelf, by its name; nothing of it is read.

    Raises:
        StorageError: It cannot be told.
    """
    return {shelf.name: sum((Pile(1, held.bytes) for held in store.listing(shelf)), Pile()) for shelf in shelves}
