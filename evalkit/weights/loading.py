"""Loading that is checked: what a model holds afterwards is what its checkpoint has, or loading failed.

Libraries give random values to whatever a checkpoint lacks, and only say so; every number would then be wrong.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from evalkit.errors import EvalkitError, WeightsError, told
from evalkit.weights.assets import library
from evalkit.weights.devices import is_out_of_memory

SHOWN = 3  # names in a message


@contextmanager
def explained(folder: Path, what: str) -> Iterator[None]:
    """Explains what a library raises while it loads from a folder: these raise all kinds, and advise nothing.

    Raises:
        WeightsError: It raised.
    """
    try:
        yield
    except (EvalkitError, ImportError, MemoryError):
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        said = " ".join(told(error).split())
        raise WeightsError(
            f"{folder}: {what} cannot be loaded: {type(error).__name__}: {said}; "
            f"if its files are cut off, missing or another model's, {advice(folder)}"
        ) from error


def refuse_missing(folder: Path, missing: Iterable[str], unexpected: Iterable[str], unneeded: Sequence[str]) -> None:
    """Does nothing if a checkpoint had all weights that count, by what loading told of it.

    Args:
        folder: Where the checkpoint lies.
        missing: Names of the model's weights that the checkpoint has not: they are random now.
        unexpected: Names in the checkpoint that the model has not.
        unneeded: Patterns of names that may be missing: tied to others, or without a say in what is asked.

    Raises:
        WeightsError: It had not.
    """
    lacking = sorted(name for name in missing if not any(fnmatchcase(name, pattern) for pattern in unneeded))
    if lacking:
        others = sorted(unexpected)
        renamed = f"; it has {len(others)} that the model knows not ({some(others)})" if others else ""
        raise WeightsError(
            f"{folder}: the checkpoint has nothing for {len(lacking)} weights of the model ({some(lacking)}){renamed}"
            f": it is another model's, or this version of its package does not load it rightly; {advice(folder)}"
        )


def some(names: Sequence[str]) -> str:
    """Returns the first few of many names."""
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


def advice(folder: Path) -> str:
    """Returns what brings weights anew."""
    known = library()
    if folder.parent == known.root and folder.name in known.known:
        return f"type: python -m evalkit fetch {folder.name}"
    return "copy the directory again"


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


def whole_model(architecture: Any, folder: Path, given: Mapping[str, Any], unneeded: Sequence[str] = ()) -> Any:
    """Loads a model with transformers, and makes sure that all its weights are the checkpoint's.

    Transformers gives random values to whatever a checkpoint lacks, and only says so.

    Args:
        architecture: One of transformers' classes.
        folder: Where the snapshot lies.
        given: What `from_pretrained` is to know beside: the precision, a device map.
        unneeded: Patterns of the names of weights that may be missing, as of `refuse_missing`.

    Raises:
        WeightsError: Some weights are not the checkpoint's.
    """
    quiet_transformers()
    with explained(folder, "the model"):
        model, found = architecture.from_pretrained(
            str(folder), local_files_only=True, output_loading_info=True, **given
        )
    refuse_missing(folder, found["missing_keys"], found["unexpected_keys"], unneeded)
    model.eval()
    verify_loaded(model, folder)
    return model


def quiet_transformers() -> None:
    """Keeps transformers' progress bars and remarks out of the log; what goes wrong is raised all the same."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
