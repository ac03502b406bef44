"""The weights of a sweep: which are missing, and whether those that are here are what was published."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from evalkit.commands.doctor.check import Check, of_error, shown, size
from evalkit.commands.doctor.models import Model
from evalkit.engines.base import Engine
from evalkit.engines.wrapping import innermost
from evalkit.errors import EvalkitError
from evalkit.weights.assets import AssetLibrary, FetchedFile, library
from evalkit.weights.hashes import sha256_now
from evalkit.weights.named import NamedWeights, assets_of


def missing_bytes(names: Iterable[str]) -> int:
    """Returns the size of those weights that are not here."""
    return sum(library().get(name).bytes for name in library().missing(names))


def all_weights() -> Check:
    """Returns the check where no sweep says which are needed."""
    known = library()
    here = [name for name in known.known if known.is_present(name)]
    message = f"{shown(known.root)}: {', '.join(here) or 'none'}; which are needed, and are sound, says --sweep NAME"
    return Check("weights", "ok", message)


def weights(models: Iterable[Model], names: Iterable[str]) -> Iterator[Check]:
    """Gives the checks of the weights that models need, `names` among the known assets."""
    known, wanted = library(), list(dict.fromkeys(names))
    absent = [name for name in wanted if known.fetched(name) is None or not _any_file(known, name)]
    here = [name for name in wanted if name not in absent]
    if absent:
        message = f"missing: {', '.join(absent)} ({size(sum(known.get(name).bytes for name in absent))})"
        yield Check("weights", "wrong", message, f"python -m evalkit fetch {' '.join(absent)}")
    damaged = {name: faults for name in here if (faults := _damage(known, name))}
    for name, faults in damaged.items():
        yield Check(f"weights {name}", "wrong", "; ".join(faults), f"python -m evalkit fetch {name}")
    if sound := [name for name in here if name not in damaged]:
        message = f"{', '.join(sound)}: here ({size(sum(known.get(name).bytes for name in sound))}), all hashes hold"
        yield Check("weights", "ok", message)
    yield from _of_the_users(models)


def _any_file(known: AssetLibrary, name: str) -> bool:
    fetched = known.fetched(name)
    return fetched is not None and any((known.folder(name) / file).exists() for file in fetched.files)


def _damage(known: AssetLibrary, name: str) -> list[str]:
    """Returns what is wrong with the files of an asset."""
    fetched = known.fetched(name)
    files = {known.folder(name) / file: facts for file, facts in (fetched.files if fetched else {}).items()}
    with ThreadPoolExecutor() as pool:
        return [fault for fault in pool.map(_fault, files.keys(), files.values()) if fault]


def _fault(path: Path, published: FetchedFile) -> str | None:
    try:
        if (length := path.stat().st_size) != published.bytes:
            return f"{path} has {length} bytes, not {published.bytes}"
        if (found := sha256_now(path)) != published.sha256:
            return f"{path} is damaged: sha256 {found[:12]}, not {published.sha256[:12]}"
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    return None


def _of_the_users(models: Iterable[Model]) -> Iterator[Check]:
    """Gives the checks of weights that evalkit did not fetch."""
    told: set[object] = set()
    for model in map(innermost, models):
        if isinstance(model, NamedWeights) and not assets_of(model.weights) and model.weights not in told:
            told.add(model.weights)
            yield Check(
                f"weights of {model.name}", "ok", f"{model.weights}: a directory of yours, no hashes to compare"
            )
        elif isinstance(model, Engine) and type(model).require is not Engine.require and model.family not in told:
            told.add(model.family)
            title = f"{model.elsewhere or 'weights'} of {model.name}"
            try:
                model.require()
            except EvalkitError as error:
                yield of_error(title, error, "see its documentation")
