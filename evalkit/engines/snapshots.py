"""Engines with weights that lie in a fetched asset, or in a directory of the user's."""

from evalkit.digest import Json
from evalkit.engines.base import Engine
from evalkit.weights.named import NamedWeights, assets_of, hashes_of


class SnapshotEngine(NamedWeights, Engine):
    """An engine whose field `weights` names an asset or a directory.

    Weights count by their bytes, wherever they lie: a directory that is a copy of the asset gives the same syntheses.
    """

    @property
    def assets(self) -> tuple[str, ...]:  # type: ignore[override]
        """The weights it was told to use, if they are an asset."""
        return assets_of(self.weights)

    def fingerprint(self) -> dict[str, Json]:
        """See `Engine.fingerprint`."""
        inherited = super().fingerprint()
        knobs = {name: value for name, value in self.knobs().items() if name != "weights"}
        return {**inherited, "knobs": knobs, "weights": hashes_of(self.weights)}
