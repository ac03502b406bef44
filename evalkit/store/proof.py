"""The proof that stands behind an artefact's bytes: they are whole, and they are this key's.

It follows the bytes, so that a FLAC file with its proof is still one that players play.
"""

import hashlib

from evalkit.errors import DamagedError
from evalkit.store.base import Shelf

_END = b" evalkit 1\n"
_LENGTH = 1 + 64 + len(_END)


def proven(shelf: Shelf, key: str, payload: bytes) -> bytes:
    """Returns the bytes with their proof behind them."""
    return b"%b\n%b%b" % (payload, _digest(shelf, key, payload), _END)


def checked(shelf: Shelf, key: str, data: bytes) -> bytes:
    """Returns the bytes without their proof.

    Raises:
        DamagedError: They are cut short, changed, or another key's.
    """
    payload, proof = data[:-_LENGTH], data[-_LENGTH:]
    if proof != b"\n%b%b" % (_digest(shelf, key, payload), _END):
        raise DamagedError(f"{shelf.name} {key} in the store is damaged")
    return payload


def _digest(shelf: Shelf, key: str, payload: bytes) -> bytes:
    found = hashlib.sha256(f"{shelf.name} {key}\n".encode())
    found.update(payload)
    return found.hexdigest().encode()
