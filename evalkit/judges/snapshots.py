"""What judges share whose weights lie in a fetched asset, or in a directory of the user's."""

from pathlib import Path

from evalkit.digest import Json, Scalar
from evalkit.judges.base import Judge
from evalkit.weights.devices import device_of
from evalkit.weights.named import NamedWeights, assets_of, hashes_of


class SnapshotJudge(NamedWeights, Judge):
    """A judge whose field `weights` names an asset or a directory, and whose field `device` says where it computes.

    Weights count by their bytes, wherever they lie: a directory that is a copy of the asset gives the same scores.

    Attributes:
        device: Where to compute.
    """

    device: str

    @property
    def assets(self) -> tuple[str, ...]:  # type: ignore[override]
        """The weights it was told to use, if they are an asset."""
        return assets_of(self.weights)

    @property
    def location(self) -> tuple[Path, str]:
        """Where the weights lie, and where to compute.

        Raises:
            MissingAssetsError: The weights were not fetched.
            DeviceError: This machine has no such device.
        """
        return self.folder, device_of(self.device)

    def settings(self) -> dict[str, Scalar]:
        """See `Judge.settings`; the weights count by their hashes."""
        return {name: value for name, value in super().settings().items() if name != "weights"}

    def fingerprint(self) -> dict[str, Json]:
        """See `Judge.fingerprint`."""
        return {**super().fingerprint(), "weights": hashes_of(self.weights)}
