"""What judges share whose weights lie in a fetched asset, or in a directory of the user's."""

from pathlib import Path
from typing import Any

from evalkit.digest import Json, Scalar
from evalkit.engines.on_torch import device_of, quiet_transformers, verify_loaded
from evalkit.errors import JudgementError, SynthesisError
from evalkit.judges.base import Judge
from evalkit.weights import Weighted, assets_of, hashes_of


class WeightsJudge(Weighted, Judge):
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
    def place(self) -> tuple[Path, str]:
        """Where the weights lie, and where to compute.

        Raises:
            MissingAssetsError: The weights were not fetched.
            JudgementError: This machine has no such device.
        """
        try:
            return self.folder, device_of(self.device)
        except SynthesisError as error:
            raise JudgementError(str(error)) from error

    def settings(self) -> dict[str, Scalar]:
        """See `Judge.settings`; the weights count by their hashes."""
        return {name: value for name, value in super().settings().items() if name != "weights"}

    def fingerprint(self) -> dict[str, Json]:
        """See `Judge.fingerprint`."""
        return {**super().fingerprint(), "weights": hashes_of(self.weights)}


def whole_model(architecture: Any, folder: Path, device: str, unused: tuple[str, ...] = ()) -> Any:
    """Loads a model with transformers, in single precision, and makes sure that all its weights are the checkpoint's.

    Transformers gives random values to whatever a checkpoint lacks, and only says so.

    Args:
        architecture: One of transformers' classes.
        folder: Where the snapshot lies.
        device: Where to compute.
        unused: Parts of the names of weights that have no say in what is asked of the model.

    Raises:
        JudgementError: Some weights are not the checkpoint's.
    """
    quiet_transformers()
    model, found = architecture.from_pretrained(
        folder, dtype="float32", local_files_only=True, output_loading_info=True
    )
    lacking = sorted(name for name in found["missing_keys"] if not any(part in name for part in unused))
    if lacking:
        raise JudgementError(
            f"{folder}: the checkpoint has nothing for {len(lacking)} weights of {type(model).__name__} "
            f"({', '.join(lacking[:3])}): it is another model's, or this transformers does not load it rightly"
        )
    try:
        verify_loaded(model, folder)
    except SynthesisError as error:
        raise JudgementError(str(error)) from error
    return model.to(device).eval()
