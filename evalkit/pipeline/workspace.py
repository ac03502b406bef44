"""What every stage of a run works with."""

from dataclasses import dataclass, field, replace

from evalkit.digest import digest
from evalkit.engines.base import Engine
from evalkit.pipeline.attempts import Clock
from evalkit.pipeline.events import Deaf, Listener, Said
from evalkit.pipeline.models import MemoryMode, Model, Models
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.sounds import Sounds
from evalkit.store.artefacts import Artefacts
from evalkit.store.base import Store


@dataclass(frozen=True)
class Workspace:
    """Where artefacts lie, who listens, which models are loaded, and what time is spent inside them."""

    artefacts: Artefacts
    sounds: Sounds
    listener: Listener
    run_id: str
    models: Models
    clock: Clock
    _identities: dict[Model, str] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan, store: Store, listener: Listener, run_id: str, memory: MemoryMode = "keep") -> "Workspace":
        """Returns the workspace of a plan's run."""
        clock = Clock()
        artefacts = Artefacts(store, lambda message: listener.hear(Said(message)))
        models = Models(memory, plan.weight_bytes, clock, listener)
        return cls(artefacts, Sounds(artefacts), listener, run_id, models, clock)

    def identity(self, model: Model) -> str:
        """Returns the digest of a model's fingerprint, taken once a run.

        Of an engine that does not repeat itself it is this run's own: no other answers from what was made here.
        """
        if model not in self._identities:
            told = model.fingerprint()
            is_shared = not isinstance(model, Engine) or model.repeatable
            self._identities[model] = digest(told if is_shared else {"run": self.run_id, "engine": told})
        return self._identities[model]

    def say(self, message: str) -> None:
        """Tells the person watching."""
        self.listener.hear(Said(message))

    def quietly(self) -> "Workspace":
        """Returns the same for steps within a step, of which nobody is told."""
        return replace(self, listener=Deaf())
