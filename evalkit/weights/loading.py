"""Loading that is checked: what a model holds afterwards is what its checkpoint has, or loading failed.

Libraries give random values to whatever a checkpoint lacks, and only say so; every number would then be wrong.
"""

from pathlib import Path
from typing import Any

from evalkit.errors import WeightsError


def verify_loaded(model: Any, folder: Path) -> None:
    """Compares the beginning of every tensor in a checkpoint with what the model holds under that name.

    Raises:
        WeightsError: They differ: loading went wrong without a word, and every number would be wrong.
    """
    import torch
    from safetensors import safe_open

    state, wrong, compared = model.state_dict(), [], 0
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as checkpoint:
            for name in checkpoint.keys():  # noqa: SIM118  it is no dict
                if (held := state.get(name)) is None or not held.ndim:
                    continue
                begin = checkpoint.get_slice(name)[:1].to(held.dtype)
                compared += 1
                if not torch.equal(begin, held[:1].cpu()):
                    wrong.append(name)
    if wrong:
        raise WeightsError(
            f"{folder}: {len(wrong)} of {compared} tensors are not in the model as the checkpoint has them"
            f" ({', '.join(wrong[:3])}): this version of transformers does not load this model rightly"
        )


def whole_model(architecture: Any, folder: Path, device: str, unused: tuple[str, ...] = ()) -> Any:
    """Loads a model with transformers, in single precision, and makes sure that all its weights are the checkpoint's.

    Transformers gives random values to whatever a checkpoint lacks, and only says so.

    Args:
        architecture: One of transformers' classes.
        folder: Where the snapshot lies.
        device: Where to compute.
        unused: Parts of the names of weights that have no say in what is asked of the model.

    Raises:
        WeightsError: Some weights are not the checkpoint's.
    """
    quiet_transformers()
    model, found = architecture.from_pretrained(
        folder, dtype="float32", local_files_only=True, output_loading_info=True
    )
    lacking = sorted(name for name in found["missing_keys"] if not any(part in name for part in unused))
    if lacking:
        raise WeightsError(
            f"{folder}: the checkpoint has nothing for {len(lacking)} weights of {type(model).__name__} "
            f"({', '.join(lacking[:3])}): it is another model's, or this transformers does not load it rightly"
        )
    verify_loaded(model, folder)
    return model.to(device).eval()


def quiet_transformers() -> None:
    """Keeps transformers' progress bars and remarks out of the log; what goes wrong is raised all the same."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
