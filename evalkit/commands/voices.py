"""`evalkit voices import|check`: what people have becomes voices; what is wrong with voices is said before a run."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from evalkit.commands.progress import watched
from evalkit.commands.screen import show, tell
from evalkit.commands.voices_check import add_check, run_check
from evalkit.corpora.base import Source
from evalkit.corpora.columns import USUAL
from evalkit.corpora.importing import Given, Import, Imported, chosen, import_all, in_their_order
from evalkit.corpora.kinds import KINDS, kind_of
from evalkit.corpora.naming import language_code
from evalkit.corpora.splitting import Wanted
from evalkit.corpora.writing import place_for_voices
from evalkit.errors import ConfigError
from evalkit.provenance import command_line
from evalkit.reports.layout import fitted, folded, terminal_width
from evalkit.resources import at_home

NONE_WRITTEN = 1
ABOUT = """\
Makes a folder of voices of what you have: for each speaker clips to prompt engines with, clips to score against, their
words, and where they come from. SOURCE is left as it is.
"""


def run_voices(typed: Sequence[str]) -> int:
    """Does what was typed after `voices`; returns the exit code.

    Raises:
        EvalkitError: It cannot be done as typed, or what a source says cannot be.
    """
    parsed = _parser().parse_args(typed)
    return run_check(parsed) if parsed.action == "check" else _import(parsed, typed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evalkit voices", description="Voices of your own: docs/voices.md.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="import|check")
    _add_import(
        actions.add_parser("import", help="make voices of files, corpora, tables, data sets", description=ABOUT)
    )
    add_check(actions.add_parser("check", help="say what is wrong with voices, before a run"))
    return parser


def _add_import(parser: argparse.ArgumentParser) -> None:
    usual = Wanted()
    parser.add_argument("source", metavar="SOURCE", help=f"a path; kinds: {', '.join(KINDS)}")
    parser.add_argument("target", metavar="DIR", help="the folder of voices, DIR/<voice>/; made if it is not there")
    parser.add_argument("--kind", metavar="KIND", help="what SOURCE is (default: what it looks like)")
    parser.add_argument("--names", metavar="A,B", help="only these speakers")
    parser.add_argument("--voices", metavar="N", type=int, help="only so many, chosen by their names' digests")
    for name, value, what in (
        ("--clips", usual.prompts, "prompt clips of a voice, at the most"),
        ("--held-out", usual.held_out, "clips to score against, at the most"),
    ):
        parser.add_argument(name, metavar="N", type=int, default=value, help=f"{what} (default: {value})")
    for name, seconds in (("--min-seconds", usual.least), ("--max-seconds", usual.most)):
        parser.add_argument(name, metavar="S", type=float, default=seconds, help=f"of a clip (default: {seconds:g})")
    parser.add_argument("--language", metavar="CODE", help="of all voices (default: as SOURCE says)")
    parser.add_argument("--licence", metavar="TEXT", help="of all recordings (default: as SOURCE says, else unknown)")
    parser.add_argument("--source", metavar="TEXT", dest="origin", help="where they come from, as voice.yaml has it")
    parser.add_argument("--column", metavar="WHAT=NAME", action="append", default=[], help=f"{', '.join(USUAL)}")
    parser.add_argument("--split", metavar="NAME", help="of a data set that has several")
    parser.add_argument("--root", metavar="DIR", help="recordings may lie anywhere below it (default: SOURCE's folder)")
    parser.add_argument("--dry-run", action="store_true", help="print what would be written, and write nothing")
    parser.add_argument("--force", action="store_true", help="write voices anew that an import wrote before")


def _import(parsed: argparse.Namespace, typed: Sequence[str]) -> int:
    source, target = at_home(parsed.source), at_home(parsed.target)
    work = _work(parsed, source, target)
    names = [name.strip() for name in parsed.names.split(",") if name.strip()] if parsed.names else None
    speakers = list(work.kind.speakers(work.source))
    if not speakers:
        raise ConfigError(f"{source} has no speakers, as a source of the kind {work.kind.name}: {work.kind.about}")
    speakers = chosen(speakers, names)
    if parsed.voices is not None:
        speakers = in_their_order(speakers)
    with _scratch(target, kept=not parsed.dry_run) as scratch:
        found = list(watched(import_all(work, speakers, parsed.voices, scratch), "speakers", len(speakers)))
    show("\n".join(_lines(found, terminal_width(), dry=parsed.dry_run)))
    _close(found, target, typed, dry=parsed.dry_run)
    return 0 if any(one.state != "left out" for one in found) else NONE_WRITTEN


def _work(parsed: argparse.Namespace, source: Path, target: Path) -> Import:
    kind = kind_of(source, parsed.kind)
    _refuse_within(source, target)
    root = at_home(parsed.root) if parsed.root else (source if source.is_dir() else source.absolute().parent)
    if not root.is_dir():
        raise ConfigError(f"--root: there is no folder {root}")
    if parsed.language:
        language_code(parsed.language, "--language")
    given = Given(parsed.language, parsed.licence, parsed.origin)
    place = Source(source, root, _columns(parsed.column), parsed.split, tell)
    return Import(kind, place, target, _wanted(parsed), given, parsed.force)


def _refuse_within(source: Path, target: Path) -> None:
    here, there = source.resolve(), target.resolve()
    if source.is_dir() and there.is_relative_to(here):
        raise ConfigError(f"{target} lies in {source}, which stays as it is: choose a folder outside of it")


def _wanted(parsed: argparse.Namespace) -> Wanted:
    for name, value, least in (
        ("--clips", parsed.clips, 1),
        ("--held-out", parsed.held_out, 0),
        ("--voices", parsed.voices, 1),
    ):
        if value is not None and value < least:
            raise ConfigError(f"{name} {value}: it takes {least} or more")
    if not 0 < parsed.min_seconds <= parsed.max_seconds:
        raise ConfigError(
            f"--min-seconds {parsed.min_seconds:g} --max-seconds {parsed.max_seconds:g}: expected 0 < min <= max"
        )
    return Wanted(parsed.clips, parsed.held_out, parsed.min_seconds, parsed.max_seconds)


def _columns(typed: Sequence[str]) -> dict[str, str]:
    columns = dict(one.partition("=")[::2] for one in typed)
    if wrong := [what for what, name in columns.items() if what not in USUAL or not name]:
        raise ConfigError(f"--column {wrong[0]}: expected WHAT=NAME with one of {', '.join(USUAL)}")
    return columns


@contextmanager
def _scratch(target: Path, *, kept: bool) -> Iterator[Path]:
    """Yields where voices are made: their own folder, or one that is thrown away."""
    if not kept:
        with TemporaryDirectory() as folder:
            yield Path(folder)
        return
    with place_for_voices(target):
        yield target


def _lines(found: Sequence[Imported], width: int, *, dry: bool) -> list[str]:
    """Returns a row for each voice, and what it lacks."""
    rows = [_row(one, "would be written" if dry and one.state == "written" else one.state) for one in found]
    told = fitted(["voice", "", "prompts", "seconds", "held out", "seconds"], rows, width, left=2)
    for one in found:
        for note in one.built.notes:
            told += folded(f"{one.name}: {note}", width, "", "  ")
    return told


def _row(one: Imported, state: str) -> list[str]:
    if one.state == "there already":
        return [one.name, state, "-", "-", "-", "-"]
    parts = [(str(len(seconds)), f"{sum(seconds):.1f}") for seconds in (one.built.prompts, one.built.held_out)]
    return [one.name, state, *parts[0], *parts[1]]


def _close(found: Sequence[Imported], target: Path, typed: Sequence[str], *, dry: bool) -> None:
    """Tells what is to be typed next."""
    written = [one for one in found if one.state == "written"]
    if any(one.built.language is None for one in written):
        tell(
            "nothing says which language is spoken: runs take it for English; for another one: --language CODE --force"
        )
    if dry:
        tell("nothing was written; to write it, type the same without --dry-run")
    elif written:
        tell(f"next: {command_line(['voices', 'check', str(target)])}")
    elif any(one.state == "there already" for one in found):
        tell("nothing was written: all are there; to write them anew, type the same with --force")
