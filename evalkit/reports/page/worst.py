"""The worst utterances of a run, by each metric and each flag, and word by word what was heard instead of the text.

Words are normalised and aligned as for WER, so that a difference has just the edits that the row counts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from evalkit.errors import PackageError
from evalkit.languages import shipped
from evalkit.metrics.alignment import Alignment
from evalkit.metrics.speed import SPEED
from evalkit.record import MetricRecord, Report
from evalkit.row import FAILED, Row
from evalkit.text import BY_LANGUAGE, NORMALIZERS, Comparing

MOST_EACH = 5  # utterances a metric or flag
Change = Literal["equal", "missing", "added", "replaced", "bled"]
Difference = list[tuple[Change, str, str]]
_OF_SPEED = frozenset(metric.name for metric in SPEED)


@dataclass(frozen=True)
class Worst:
    """One of the worst utterances: the place of its row, and the metric or flag that says so."""

    row: int
    why: str


def worst(report: Report, rows: Sequence[Row]) -> list[Worst]:
    """Returns the worst utterances: failed ones, by the primary metric, the guards, each flag, the other metrics.

    Of a metric in which all do equally well there is none; nor is one that is as good as can be.
    """
    flags = dict.fromkeys(flag for row in rows for flag in row.flags)
    shares = {f"{flag}_share" for flag in flags} | {FAILED}
    decisive = [report.primary, *report.guards]
    others = [name for name in report.metrics if name not in decisive and name not in shares]
    others.sort(key=lambda name: name in _OF_SPEED)
    metrics = [name for name in dict.fromkeys([*decisive, *others]) if name in report.metrics]
    by_metric = {name: _last_of(rows, name, report.metrics[name]) for name in metrics}
    by_flag = {flag: [at for at, row in enumerate(rows) if flag in row.flags] for flag in flags}
    found = {
        FAILED: [at for at, row in enumerate(rows) if row.state == "failed"],
        **{name: by_metric.pop(name) for name in dict.fromkeys(decisive) if name in by_metric},
        **by_flag,
        **by_metric,
    }
    return [Worst(at, why) for why, places in found.items() for at in _distinct(rows, places)]


def _distinct(rows: Sequence[Row], places: Iterable[int]) -> list[int]:
    """Returns the first places, each sound once: trials may have made the same one."""
    by_sound: dict[str | int, int] = {}
    for at in places:
        by_sound.setdefault(rows[at].audio or at, at)
    return list(by_sound.values())[:MOST_EACH]


def _last_of(rows: Sequence[Row], name: str, metric: MetricRecord) -> list[int]:
    """Returns the places of the rows that do worst in a metric, the worst first."""
    if metric.higher_is_better is None:
        return []
    sign = -1 if metric.higher_is_better else 1
    values = {at: sign * row.scores[name] for at, row in enumerate(rows) if name in row.scores}
    best_there_is = metric.bounds[1 if metric.higher_is_better else 0]
    good = {min(values.values(), default=0.0), *([] if best_there_is is None else [sign * best_there_is])}
    bad = [at for at, value in values.items() if value not in good]
    return sorted(bad, key=lambda at: -values[at])


def comparing(report: Report) -> Comparing | None:
    """Returns how WER was taken; None where the report does not say it, or it cannot be done again here."""
    judge, own = report.config.get("judge"), report.config.get("languages")
    name = judge.get("normalizer") if isinstance(judge, Mapping) else None
    if not isinstance(name, str) or name not in NORMALIZERS:
        return None
    try:
        languages = shipped().over(own if isinstance(own, Mapping) else {})
        if name in {BY_LANGUAGE, "seed_tts"}:
            languages.require(str(code) for code in dict(report.provenance.judges.get("languages") or {}))
    except (ValidationError, PackageError, TypeError, ValueError):
        return None
    return Comparing(name, languages)


def difference(row: Row, how: Comparing) -> Difference:
    """Returns what was said and what was heard instead, in order: equal words together, the others one by one.

    Bled are words that the text has nowhere and the prompt has; with a word on the left they stand in its place, which
    WER counts as a substitution, without one they are an insertion.
    """
    normalise, language = how.normaliser(row.language), how.languages[row.language]
    prompt = frozenset(language.words(normalise(row.prompt.text))) if row.prompt else frozenset()
    alignment = Alignment(language.words(normalise(row.text)), language.words(normalise(row.hypothesis or "")))
    bled = {at for at, word in alignment.foreign if word in prompt}
    return list(_changes(alignment, bled))


def _changes(alignment: Alignment, bled: set[int]) -> Iterator[tuple[Change, str, str]]:
    for run in alignment.runs:
        said = alignment.reference[run.src_start : run.src_end]
        heard = alignment.hypothesis[run.dest_start : run.dest_end]
        if run.tag == "equal":
            yield "equal", " ".join(said), " ".join(heard)
            continue
        for at in range(max(len(said), len(heard))):
            left, right = (words[at] if at < len(words) else "" for words in (said, heard))
            yield _change(left, right, is_bled=run.dest_start + at in bled and bool(right)), left, right


def _change(said: str, heard: str, *, is_bled: bool) -> Change:
    if is_bled:
        return "bled"
    return "missing" if not heard else "added" if not said else "replaced"


def shown(
    found: Sequence[Worst], rows: Sequence[Row], how: Comparing | None, pictures: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Returns the worst utterances as a page's data has them; what a row shows stands where it comes first.

    Args:
        found: See `worst`.
        rows: The run's.
        how: WER was taken; None: no differences.
        pictures: Files of pictures, by the address of the sound.
    """
    listed, told = [], set()
    for one in found:
        row, entry = rows[one.row], {"row": one.row, "why": one.why}
        if one.row not in told:
            told.add(one.row)
            entry |= {"diff": difference(row, how) if how and row.hypothesis is not None else []}
            entry |= {"picture": pictures.get(row.audio or "")}
        listed.append(entry)
    return listed
