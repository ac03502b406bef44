"""Which models are in memory: loaded once each, kept while memory allows, else one family at a time."""

from collections.abc import Callable, Hashable
from typing import Literal

import psutil

from evalkit.engines.base import Engine
from evalkit.errors import ModelError
from evalkit.judges.base import Judge
from evalkit.pipeline.attempts import Clock, Failure, attempt
from evalkit.pipeline.events import Deaf, Listener, LoadingBegun, LoadingEnded
from evalkit.weights.devices import has_accelerator

MemoryMode = Literal["one", "keep", "auto"]
Model = Engine | Judge
ROOM = 2.0  # times the weights: what computing needs beside them


class Models:
    """The models of a run.

    Args:
        mode: `one`: a model is let go before one of another family is loaded; `keep`: none is; `auto`: kept if twice
            the weights fit into the memory that is free where they compute.
        needed: Gives the bytes of all weights of the run; asked at most once, before the first is loaded.
        clock: Counts loading.
        listener: Is told of it.
    """

    def __init__(
        self, mode: MemoryMode, needed: Callable[[], int], clock: Clock, listener: Listener | None = None
    ) -> None:
        self._mode: MemoryMode = mode
        self._needed = needed
        self._clock = clock
        self._listener: Listener = listener or Deaf()
        self._loaded: dict[Hashable, dict[Model, Failure | None]] = {}

    @property
    def are_kept(self) -> bool:
        """Whether all may stay in memory."""
        if self._mode == "auto":
            self._mode = "keep" if ROOM * self._needed() <= free_memory() else "one"
        return self._mode == "keep"

    def load(self, model: Model) -> Failure | None:
        """Makes sure that a model is loaded; returns why it cannot be. What could not be loaded is not tried again."""
        family = _family(model)
        if not self.are_kept and family not in self._loaded:
            self.close()
        known = self._loaded.setdefault(family, {})
        if model not in known:
            self._listener.hear(LoadingBegun(model.name))
            with self._clock.inside_model():
                outcome = attempt(model.load)
            self._listener.hear(LoadingEnded())
            known[model] = outcome if isinstance(outcome, Failure) else None
        return known[model]

    def require(self, judge: Judge) -> None:
        """Makes sure that a judge is loaded.

        Raises:
            ModelError: It cannot be: what cannot be judged need not be made.
        """
        if fault := self.load(judge):
            raise ModelError(
                f"the judge {judge.name} cannot be loaded, so nothing more is synthesised: {fault.type}: "
                f"{fault.message}; what is wrong with this machine says: python -m evalkit doctor"
            )

    def close(self) -> None:
        """Lets go of all; one that fails at that has done its work."""
        loaded, self._loaded = self._loaded, {}
        for family in loaded.values():
            if family:  # none where loading was interrupted
                attempt(next(iter(family)).close)


def free_memory() -> int:
    """Returns the bytes that are free where models compute: the accelerator's, if there is one, else the machine's."""
    if has_accelerator():  # torch takes seconds to import, and is then needed anyway
        import torch

        if torch.cuda.is_available():
            return int(torch.cuda.mem_get_info()[0])
    return int(psutil.virtual_memory().available)


def _family(model: Model) -> Hashable:
    return model.family if isinstance(model, Engine) else type(model)
