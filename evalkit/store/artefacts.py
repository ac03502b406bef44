"""Artefacts as values: what a stage made once is never made again, and nothing that is damaged is believed.

An artefact's key is the digest of everything it depends on. One that is not there, or that cannot prove itself, is
simply not found: whoever needs it makes it, as at the first time.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from evalkit.errors import DamagedError
from evalkit.store.base import Store
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
        found, damaged = {}, []
        for key, data in self.store.read(kind, dict.fromkeys(keys)):
            try:
                found[key] = kind.codec.decode(checked(kind, key, data))
            except (DamagedError, ValueError):
                damaged.append(key)
        self._set_aside(kind, damaged)
        return found

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

    def damaged(self, kind: Kind[T], keys: Iterable[str]) -> list[str]:
        """Returns the keys under which something is damaged, and leaves it as it is."""
        return [key for key, data in self.store.read(kind, keys) if not _holds(kind, key, data)]

    def _set_aside(self, kind: Kind[T], keys: list[str]) -> None:
        if not keys:
            return
        self.store.set_aside(kind, keys)
        for key in keys:
            self.tell(f"damaged in the store, set aside and made again: {kind.name} {key[:12]}")


def _holds(kind: Kind[T], key: str, data: bytes) -> bool:
    try:
        kind.codec.decode(checked(kind, key, data))
    except (DamagedError, ValueError):
        return False
    return True
