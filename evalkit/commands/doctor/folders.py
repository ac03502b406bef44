"""The folders that a run writes into: whether they can be written, the room on their disks, the store's state."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from evalkit.commands.doctor.check import Check, of_error, shown, size, typed
from evalkit.config.schema import RunConfig
from evalkit.errors import StorageError
from evalkit.pipeline.artefacts import KINDS
from evalkit.store.base import Pile, kept_in
from evalkit.store.directory import Directory

MARGIN = 10**9  # bytes; the demo's store and report take some 30 MB, a sweep of thousands of utterances this much


def folders(config: RunConfig, assets: Path, missing_bytes: int) -> Iterator[Check]:
    """Gives the checks of the folders.

    Args:
        config: Says where the store and the reports are.
        assets: Where the weights are.
        missing_bytes: What is still to be fetched to there.
    """
    yield _store(config.store)
    yield _writable("reports", config.reports_dir, "reports_dir")
    yield from _disks({"store": config.store, "reports": config.reports_dir, "weights": assets}, missing_bytes)


def _store(store: Path) -> Check:
    writable = _writable("store", store, "store")
    if writable.state != "ok" or not store.is_dir():
        return writable
    try:
        kept, leftovers = kept_in(Directory(store), KINDS), Directory(store).leftovers()
    except StorageError as error:
        return of_error("store", error, f"chmod -R u+rwX {typed(store.absolute())}")
    message = f"{shown(store.absolute())}: {_told(sum(kept.values(), Pile()), leftovers)}"
    if leftovers["set aside"].count:
        place = f"store={typed(store.absolute())}"
        mend = f"python -m evalkit store verify {place}; python -m evalkit store prune {place}"
        return Check("store", "warning", message, mend)
    return Check("store", "ok", message)


def _told(kept: Pile, leftovers: Mapping[str, Pile]) -> str:
    told = [f"{size(kept.bytes)} in artefacts: {kept.count}"]
    if damaged := leftovers["set aside"].count:
        told.append(f"set aside as damaged: {damaged} (if it is more each time, the disk is failing)")
    if begun := leftovers["begun"].count:
        told.append(f"unfinished: {begun} (the next run sweeps those that nobody is writing)")
    return "; ".join(told)


def _writable(check: str, folder: Path, setting: str) -> Check:
    place, path = _existing(folder), shown(folder.absolute())
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        return Check(check, "wrong", message, f"chmod u+rwx {typed(place)}   (or choose {setting}=DIR behind `run`)")
    return Check(check, "ok", path if folder.is_dir() else f"{path}, which the first run makes")


def _existing(folder: Path) -> Path:
    """Returns the folder, or the nearest one above it that exists."""
    return next((one for one in (folder.absolute(), *folder.absolute().parents) if os.path.exists(one)), Path("/"))  # noqa: PTH110  which raises where it may not look


def _disks(named: Mapping[str, Path], missing_bytes: int) -> Iterator[Check]:
    """Gives a check for each disk."""
    disks: dict[int, list[str]] = {}
    for name, folder in named.items():
        disks.setdefault(_existing(folder).stat().st_dev, []).append(name)
    for names in disks.values():
        free = shutil.disk_usage(_existing(named[names[0]])).free
        fetching = missing_bytes if "weights" in names else 0
        wanted = fetching + (MARGIN if fetching or names != ["weights"] else 0)
        message = f"{size(free)} free for {', '.join(names)}"
        if free >= wanted:
            yield Check("disk", "ok", message)
            continue
        more = f" beside {size(fetching)} of weights that are to be fetched" if fetching else ""
        mend = "store=DIR reports_dir=DIR on a larger disk, behind `run`"
        if fetching:
            mend = "export EVALKIT_ASSETS=DIR   (on a larger disk)"
        elif "store" in names and named["store"].is_dir():
            mend = f"python -m evalkit store prune store={typed(named['store'].absolute())}"
        yield Check("disk", "wrong", f"{message}; a run wants {size(MARGIN)}{more}", mend)
