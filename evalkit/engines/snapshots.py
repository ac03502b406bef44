"""Engines with weights that lie in a fetched asset, or in a directory of the user's."""

from pathlib import Path
from typing import ClassVar

from pydantic import field_validator

from evalkit.digest import Json
from evalkit.engines.base import Engine
from evalkit.weights import assets_of, checked, folder_of, hashes_of


class SnapshotEngine(Engine):
    """An engine whose field `weights` names an asset or a directory.

    Weights count by their bytes, wherever they lie: a directory that is a copy of the asset gives the same syntheses.

    Attributes:
        weights: The name of an asset, or a directory.
        published: The assets that it can speak with.
        layout: Patterns, each of which a directory must have a file for.
    """

    weights: str
    published: ClassVar[tuple[str, ...]]
    layout: ClassVar[tuple[str, ...]]

    @field_validator("weights", check_fields=False)
    @classmethod
    def _is_whole(cls, weights: str) -> str:
        return checked(weights, cls.published, cls.layout)

    @property
    def assets(self) -> tuple[str, ...]:  # type: ignore[override]
        """The weights it was told to use, if they are an asset."""
        return assets_of(self.weights)

    @property
    def folder(self) -> Path:
        """Where the weights lie.

        Raises:
            MissingAssetsError: They were not fetched.
        """
        return folder_of(self.weights)

    def fingerprint(self) -> dict[str, Json]:
        """See `Engine.fingerprint`."""
        inherited = super().fingerprint()
        knobs = {name: value for name, value in self.knobs().items() if name != "weights"}
        return {**inherited, "knobs": knobs, "weights": hashes_of(self.weights)}
