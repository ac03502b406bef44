"""The fakes, counted: which are in memory, and when each was loaded and let go.

Not in a test module, since pytest imports those under a name of its own, and the configuration under another.
"""

from pydantic.dataclasses import dataclass

from evalkit.engines.base import STRICT
from evalkit.engines.tone import Tone
from evalkit.judges.fake import CoarseEncoder, Fluency, HumEncoder, WhistleReader

LOADED: list[str] = []  # what is in memory now
MOST: list[int] = []  # how many there were each time that one more was loaded
LOG: list[str] = []  # +NAME: loaded, -NAME: let go


class _Counted:
    """Loads as real models do: once, until all of its class are let go."""

    def load(self):
        if type(self).__name__ not in LOADED:
            LOADED.append(type(self).__name__)
            MOST.append(len(LOADED))
            LOG.append(f"+{type(self).__name__}")

    def close(self):
        LOADED.remove(type(self).__name__)
        LOG.append(f"-{type(self).__name__}")


@dataclass(frozen=True, config=STRICT)
class One(_Counted, Tone):
    name = "one"


@dataclass(frozen=True, config=STRICT)
class Other(_Counted, Tone):
    name = "other"


class Hum(_Counted, HumEncoder):
    pass


class Coarse(_Counted, CoarseEncoder):
    pass


class Whistle(_Counted, WhistleReader):
    pass


class Quality(_Counted, Fluency):
    pass
