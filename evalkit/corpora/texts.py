"""Texts to speak, as people have them: lines, a table, a list of seed-tts-eval; and ids for those that have none."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalkit.corpora import seed_tts, table
from evalkit.corpora.columns import Columns
from evalkit.corpora.naming import language_code
from evalkit.corpora.splitting import by_digest
from evalkit.errors import DataError
from evalkit.names import has_words, name_fault, shortened, text_fault
from evalkit.textfile import read_text

COLUMNS = ("id", "text", "stratum", "language")
MOST_TOLD = 5  # faults of one message
ID_WORDS, ID_LENGTH, ID_DIGITS = 3, 24, 4
_MISREAD = re.compile(r"\d|[^\W\d_]\.[^\W\d_]\.|[%€$£¥&@#+=/\\<>°§*_^~|]")


@dataclass(frozen=True)
class Text:
    """A text and its line in the file; what the file does not say is None."""

    line: int
    text: str
    id: str | None = None
    stratum: str | None = None
    language: str | None = None


def texts_of(path: Path) -> list[Text]:
    """Returns the texts of a file. Lines of a plain file that are empty, or begin with #, are none.

    Raises:
        DataError: It cannot be read, or lacks the column `text`.
    """
    suffix = path.suffix.lower()
    if suffix in {".csv", ".tsv", ".jsonl", ".ndjson"}:
        return list(_of_table(path))
    if suffix == seed_tts.SUFFIX:
        found = {line.text: line.number for line in reversed(seed_tts.lines(read_text(path, "list"), path))}
        return [Text(number, text) for text, number in sorted(found.items(), key=lambda one: one[1])]
    lines = enumerate(read_text(path, "texts").split("\n"), start=1)
    return [Text(at, " ".join(line.split())) for at, line in lines if line.strip() and not line.startswith("#")]


def _of_table(path: Path) -> Iterator[Text]:
    for number, row in table.rows(path):
        where = f"{path}, line {number}"
        columns = Columns({name.strip().lower(): name for name in row if name.strip().lower() in COLUMNS})
        if "text" not in columns.names:
            raise DataError(f"{where}: no text; it has: {shortened(', '.join(row), 200) or 'nothing'}")
        text, id, stratum, language = (
            columns.optional(row, one, where) for one in ("text", "id", "stratum", "language")
        )
        code = language_code(language, where) if language else None
        yield Text(number, " ".join((text or "").split()), id, stratum, code)


def refuse(texts: Sequence[Text], path: Path) -> None:
    """Does nothing where all texts can be spoken and each stands there once.

    Raises:
        DataError: Some cannot, or do not; the message has their lines.
    """
    if not texts:
        raise DataError(f"{path} has no texts")
    faults, seen = [], dict[str, int]()
    for one in texts:
        if fault := _fault(one, seen):
            faults.append(f"line {one.line}: {fault}")
        seen.setdefault(_said(one.text), one.line)
    if faults:
        more = f"; and {len(faults) - MOST_TOLD} more" if len(faults) > MOST_TOLD else ""
        raise DataError(f"{path}, {'; '.join(faults[:MOST_TOLD])}{more}")


def _fault(one: Text, seen: dict[str, int]) -> str | None:
    """Returns what keeps a text from being a probe."""
    if not one.text:
        return "the text is empty"
    if fault := text_fault(one.text):
        return f"the text {fault}"
    if not has_words(one.text):
        return f"{shortened(one.text)!r} has no words"
    if (before := seen.get(_said(one.text))) is not None:
        return f"{shortened(one.text)!r} stands in line {before} too; said twice it counts twice: keep one"
    for what, name in (("id", one.id), ("stratum", one.stratum)):
        if name is not None and (fault := name_fault(name)):
            return f"the {what} {shortened(name)!r} {fault}"
    return None


def _said(text: str) -> str:
    return " ".join(re.findall(r"[\w']+", text.lower())) or text


def with_ids(texts: Sequence[Text], path: Path) -> list[str]:
    """Returns an id for each text: its own, else its first words and digits of its digest, whatever else is there.

    Raises:
        DataError: Two texts have one id.
    """
    found: dict[str, int] = {}
    for one in texts:
        id = one.id or _made(one.text)
        if id in found:
            raise DataError(f"{path}, line {one.line}: the id {id!r} stands in line {found[id]} too; ids name rows")
        found[id] = one.line
    return list(found)


def _made(text: str) -> str:
    words = "_".join(re.findall(r"\w+", text.lower())[:ID_WORDS])[:ID_LENGTH].strip("_")
    return f"{words}-{by_digest(text)[:ID_DIGITS]}"


def remarks(texts: Sequence[Text]) -> list[str]:
    """Returns sentences about texts that transcribers write in another way than they stand there."""
    return [
        f"line {one.line}: {shortened(one.text)!r} has {found.group()!r}: transcribers write numbers, signs and "
        "abbreviations in their own way, which counts as errors where the normaliser does not know it; better written "
        "out in words"
        for one in texts
        if (found := _MISREAD.search(one.text))
    ]
