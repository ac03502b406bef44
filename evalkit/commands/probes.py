"""`evalkit probes import`: texts that people have become a probe set that a run takes."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import yaml

from evalkit.commands.screen import show, tell
from evalkit.corpora.texts import Text, refuse, remarks, texts_of, with_ids
from evalkit.errors import ConfigError, StorageError
from evalkit.names import name_fault
from evalkit.probes import ProbeSet, read_probes
from evalkit.provenance import command_line
from evalkit.reports.layout import folded, terminal_width
from evalkit.resources import at_home
from evalkit.store.atomic import write_text

ENGLISH = "en"
REMARKS_SHOWN = 10
ABOUT = """\
FILE: one text in each line; or CSV with the column text, and id, stratum, language; or JSONL with these keys; or
a list of seed-tts-eval (meta.lst). OUT.yaml is a probe set: python -m evalkit run ... probes.path=OUT.yaml
"""


def run_probes(typed: Sequence[str]) -> int:
    """Does what was typed after `probes`; returns the exit code.

    Raises:
        DataError: Texts that cannot be probes, each with its line.
        StorageError: There is another file at OUT.
    """
    parsed = _parser().parse_args(typed)
    source, out = at_home(parsed.file), at_home(parsed.out)
    texts = [one for one in texts_of(source) if _is_wanted(one, parsed.language)]
    refuse(texts, source)
    name, language = parsed.name or out.stem, _language(texts, parsed.language, source)
    if fault := name_fault(name):
        raise ConfigError(f"--name {name!r} {fault}; give it another one")
    entries = [_entry(id, one) for id, one in zip(with_ids(texts, source), texts, strict=True)]
    before = _before(out)
    if before is not None and _is_same(before, name, language, entries):
        tell(f"{out} has these texts already, as version {before.version}")
    else:
        _write(out, name, _version(before, out, force=parsed.force), language, entries)
    _say(out, texts)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evalkit probes", description="Texts of your own to speak.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="import")
    form = argparse.RawDescriptionHelpFormatter
    add = actions.add_parser("import", help="make a probe set of texts", description=ABOUT, formatter_class=form)
    add.add_argument("file", metavar="FILE")
    add.add_argument("out", metavar="OUT.yaml")
    add.add_argument("--name", metavar="NAME", help="of the set (default: as OUT is called)")
    add.add_argument("--language", metavar="CODE", help="of the texts; of a file with several, which are wanted")
    add.add_argument("--force", action="store_true", help="replace OUT; changed texts get a new version")
    return parser


def _is_wanted(text: Text, language: str | None) -> bool:
    return language is None or text.language is None or text.language == language


def _language(texts: Sequence[Text], typed: str | None, source: Path) -> str:
    told = list(dict.fromkeys(text.language for text in texts if text.language is not None))
    if len(told) > 1:
        raise ConfigError(f"{source} has texts in {', '.join(told)}; a set has one language: --language {told[0]}")
    if not told and typed is None:
        tell(f"nothing says which language the texts are in: {ENGLISH} is taken; for another one: --language CODE")
    return typed or (told or [ENGLISH])[0]


def _entry(id: str, text: Text) -> dict[str, str]:
    return {"id": id, **({"stratum": text.stratum} if text.stratum else {}), "text": text.text}


def _before(out: Path) -> ProbeSet | None:
    return read_probes(out) if out.is_file() else None


def _is_same(before: ProbeSet, name: str, language: str, entries: Sequence[dict[str, str]]) -> bool:
    there = [(one.id, one.text, one.stratum, one.language) for one in before.probes]
    return before.name == name and there == [(one["id"], one["text"], one.get("stratum"), language) for one in entries]


def _version(before: ProbeSet | None, out: Path, *, force: bool) -> int:
    if before is None:
        return 1
    if not force:
        raise StorageError(f"{out} has other texts; to replace them with a new version, type the same with --force")
    return before.version + 1


def _write(out: Path, name: str, version: int, language: str, entries: Sequence[dict[str, str]]) -> None:
    content = {"name": name, "version": version, "language": language, "probes": list(entries)}
    write_text(out, yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110))
    read_probes(out)
    tell(f"wrote {len(entries)} texts to {out}, version {version}")


def _say(out: Path, texts: Sequence[Text]) -> None:
    found, width = remarks(texts), terminal_width()
    for remark in found[:REMARKS_SHOWN]:
        tell("\n".join(folded(remark, width, "", "  ")))
    if len(found) > REMARKS_SHOWN:
        tell(f"and {len(found) - REMARKS_SHOWN} more such texts")
    show(command_line(["run", "+sweep=NAME", f"probes.path={out}"]))
