"""Artefacts as values: what a stage made once is never made again, and nothing that is damaged is believed.

An artefact's key is the digest of everything it depends on. One that is not there, or that cannot prove itself, is
simply not found: whoever needs it makes it, as at the first time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from evalkit.errors import DamagedError
from evalkit.store.base import Shelf, Store
from evalkit.store.codecs import Kind
from evalkit.store.proof import checked, proven

T = TypeVar("T")


@dataclass(frozen=True)
class Artefacts:
    """A store's content by kind.

    Attributes:
        store: Where the bytes lie.
        tell: Is told, once each, of what was found damaged.
    """

    store: Store
    tell: Callable[[str], None]

    def read(self, kind: Kind[T], keys: Iterable[str]) -> dict[str, T]:
        """Returns what is there and whole; what is damaged is set aside and told of."""
        found = {}
        for key, value in self.look(kind, keys):
            if value is None:
                self.set_aside(kind, key)
            else:
                found[key] = value
        return found

    def look(self, kind: Kind[T], keys: Iterable[str]) -> Iterator[tuple[str, T | None]]:
        """Gives key and value of what is there, None where it is damaged; nothing is changed."""
        for key, data in self.store.read(kind, dict.fromkeys(keys)):
            yield key, _value(kind, key, data)

    def get(self, kind: Kind[T], key: str) -> T | None:
        """Returns one artefact; None if it is not there or damaged."""
        return self.read(kind, [key]).get(key)

    def write(self, kind: Kind[T], values: Mapping[str, T]) -> None:
        """Keeps values by key.

        Raises:
            StorageError: They cannot be kept.
        """
        self.store.write(kind, ((key, proven(kind, key, kind.codec.encode(value))) for key, value in values.items()))

    def missing(self, kind: Kind[T], keys: Iterable[str]) -> set[str]:
        """Returns the keys under which there is nothing; what is there may still be damaged."""
        return self.store.missing(kind, keys)

    def set_aside(self, kind: Kind[T], key: str) -> None:
        """Takes what is damaged out of the way, and tells of it.

        Raises:
            StorageError: It cannot be moved.
        """
        self.store.set_aside(kind, [key])
        self.tell(f"damaged in the store, set aside, to be made again: {named(kind, key)}")


def _value(kind: Kind[T], key: str, data: bytes) -> T | None:
    try:
        return kind.codec.decode(checked(kind, key, data))
    except (DamagedError, ValueError):
        return None


def named(kind: Shelf, key: str) -> str:
    """Returns an artefact's name for people: its kind, and as much of its key as tells it from others."""
    return f"{kind.name} {'-'.join(part[:12] for part in key.split('-'))}"
