"""`evalkit store verify|size|prune`: what runs have kept, whether it is whole, and what no report names any more."""

import argparse
import sys
from collections.abc import Iterator, Sequence

from evalkit.commands.progress import watched
from evalkit.commands.screen import show, tell
from evalkit.config.app import config_of
from evalkit.config.schema import RunConfig
from evalkit.errors import ConfigError, StorageError
from evalkit.pipeline.artefacts import KINDS, SOUND
from evalkit.pipeline.pruning import Named, Survey, named_by, remove, survey
from evalkit.reports.layout import fitted, terminal_width
from evalkit.store.artefacts import Artefacts, named
from evalkit.store.base import Pile, kept_in
from evalkit.store.codecs import Kind
from evalkit.store.directory import Directory

ABOUT = """\
verify  reads every artefact; what is damaged is set aside, and made again by the run that needs it next
size    says how much there is of what
prune   removes what no report below reports_dir names, once you have seen how much that is and said yes
"""


def run_store(typed: Sequence[str]) -> int:
    """Does what was typed after `store`; returns the exit code, 1 where something is damaged or cannot be pruned.

    Raises:
        ConfigError: There is no store, or there are no reports, where it is looked for.
        StorageError: What is damaged cannot be set aside, or what is unnamed not removed.
        InUseError: A run is using the store that is to be pruned.
    """
    parser = argparse.ArgumentParser(
        prog="evalkit store", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=["verify", "size", "prune"])
    parser.add_argument(
        "overrides", nargs="*", metavar="key=value", help="as of `run`: store=DIR, reports_dir=DIR, dry_run=true"
    )
    parser.add_argument("--yes", action="store_true", help="prune: do not ask")
    parsed = parser.parse_intermixed_args(typed)
    config = config_of(parsed.overrides)
    if not config.store.is_dir():
        raise ConfigError(f"there is no store at {config.store}; name the one that your runs had: store=DIR")
    artefacts = Artefacts(Directory(config.store), _say)
    if parsed.action == "verify":
        return _verify(artefacts, changes=not config.dry_run)
    if parsed.action == "size":
        return _size(artefacts)
    return _prune(artefacts, config, asks=not parsed.yes)


def _verify(artefacts: Artefacts, *, changes: bool) -> int:
    rows, total, bad = [], 0, 0
    for kind in KINDS:
        keys = [held.key for held in artefacts.store.listing(kind)]
        damaged = 0
        for key in _damaged(artefacts, kind, keys):
            damaged += 1
            changes = changes and _set_aside(artefacts, kind, key)
            if not changes:
                _say(f"damaged in the store: {named(kind, key)}")
        rows.append([kind.name, str(len(keys)), str(damaged)])
        total, bad = total + len(keys), bad + damaged
    _print_table(["kind", "artefacts", "damaged"], rows)
    done = "set aside, to be made again by the run that needs them" if changes else "left where they are"
    show(f"{bad} of {total} artefacts are damaged; {done}" if bad else f"all {total} artefacts are whole")
    return 1 if bad else 0


def _damaged(artefacts: Artefacts, kind: Kind[object], keys: Sequence[str]) -> Iterator[str]:
    for key, value in watched(artefacts.look(kind, keys), f"reading {kind.name}", len(keys)):
        if value is None or (kind is SOUND and value.sha256 != key):  # type: ignore[attr-defined]
            yield key


def _set_aside(artefacts: Artefacts, kind: Kind[object], key: str) -> bool:
    try:
        artefacts.set_aside(kind, key)
    except StorageError as error:  # a store that may only be read: what else is damaged is still to be said
        _say(str(error))
        return False
    return True


def _size(artefacts: Artefacts) -> int:
    store, total = artefacts.store, Pile()
    rows = []
    for name, pile in [*kept_in(store, KINDS).items(), *store.leftovers().items()]:
        rows.append(_row(name, pile))
        total += pile
    _print_table(["kind", "files", "size"], [*rows, _row("total", total)])
    return 0


def _prune(artefacts: Artefacts, config: RunConfig, *, asks: bool) -> int:
    if not config.reports_dir.is_dir():
        raise ConfigError(f"there are no reports at {config.reports_dir}; name their folder: reports_dir=DIR")
    if (reports := _named(config)) is None:
        return 1
    found = survey(artefacts, reports, watched)
    _print_survey(artefacts, found, reports, config)
    if not found.all.count and not any(pile.count for pile in artefacts.store.leftovers().values()):
        show("nothing to free")
        return 0
    if config.dry_run or (asks and not _agreed()):
        show("nothing was removed" if sys.stdin.isatty() else "nothing was removed; to remove it, add --yes")
        return 0
    with artefacts.store.alone():  # what is being made is named by no report yet
        if (reports := _named(config)) is None:  # runs may have ended since
            return 1
        unwanted = found.agreed(survey(artefacts, reports, watched))
        remove(artefacts.store, unwanted, watched)
        artefacts.store.clear()
    show(f"removed {unwanted.all.count} artefacts, {_in_units(unwanted.all.bytes)}")
    return 0


def _named(config: RunConfig) -> Named | None:
    """Returns what reports name; None where one cannot be read, which may name anything."""
    reports = named_by(config.reports_dir)
    for complaint in reports.unread:
        _say(complaint)
    if reports.unread:
        _say(
            "nothing was removed: what a report names that cannot be read is not known; mend it or move it out of "
            f"{config.reports_dir}, then type the same command"
        )
        return None
    return reports


def _print_survey(artefacts: Artefacts, found: Survey, reports: Named, config: RunConfig) -> None:
    show(f"{reports.reports} reports below {config.reports_dir}, {len(reports.unfinished)} of them of unfinished runs")
    rows = []
    for kind in KINDS:
        kept, unnamed = found.kept[kind.name], found.of(kind)
        rows.append([*_row(kind.name, kept), *_row("", unnamed)[1:]])
    for name, pile in artefacts.store.leftovers().items():
        rows.append([name, "-", "-", *_row("", pile)[1:]])
    _print_table(["kind", "named", "size", "to be removed", "size"], rows)


def _agreed() -> bool:
    if not sys.stdin.isatty():
        return False
    sys.stderr.write("remove them? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _row(name: str, pile: Pile) -> list[str]:
    return [name, str(pile.count), _in_units(pile.bytes)]


def _in_units(size: int) -> str:
    for power, unit in ((3, "GB"), (2, "MB"), (1, "kB")):
        if size >= 1000**power:
            return f"{size / 1000**power:.1f} {unit}"
    return f"{size} B"


def _print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    show("\n".join(fitted(headings, rows, terminal_width())))


def _say(message: str) -> None:
    tell(message)
