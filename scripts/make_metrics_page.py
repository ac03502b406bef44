"""Writes docs/metrics.md from the metrics and flags as they are declared; with --check, fails if it is out of date."""

import math
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from evalkit.judges.dnsmos import Dnsmos
from evalkit.judges.plcmos import Plcmos
from evalkit.judges.utmos import Utmos
from evalkit.metrics import bleed, delivery, failures, intelligibility, metrics_of, similarity, speed
from evalkit.metrics.base import Metric
from evalkit.metrics.scoring import FAILED_ABOUT, FAILED_RECORD
from evalkit.row import FAILED

PAGE = Path(__file__).parent.parent / "docs/metrics.md"
WIDTH = 120
QUALITY_MODELS = (Dnsmos, Plcmos, Utmos)
QUALITY = tuple((name, model.name) for model in QUALITY_MODELS for name in model.scores)
DISTRUST = "When not to trust it:"
BETTER = {True: "more", False: "less", None: "neither"}
OPENING = """\
Each metric is a value of one utterance. What a report has of a trial is the pooled mean of its utterances, each weighed
as stands below, with an interval: [how to read one](intervals.md). A metric that is undefined for an utterance is
absent there, one that could not be taken is a gap with its reason (`missing`); neither is ever a 0. Which model a judge
is says the [protocol](judges.md): values of two judges do not compare.

This page is written by `make metrics` from the code, where a new metric is added: `evalkit/metrics/`.
"""


def page() -> str:
    """Returns the page."""
    metrics = metrics_of(["ENCODER"], QUALITY)
    families = [
        ("Likeness", similarity.__doc__, similarity.similarity_metrics(("ENCODER", "OTHER"))),
        ("Intelligibility", intelligibility.__doc__, intelligibility.INTELLIGIBILITY),
        ("Bleed", bleed.__doc__, (bleed.BLEED, bleed.BLEED_CONTROL)),
        ("Delivery", delivery.__doc__, delivery.DELIVERY),
        ("Speed and memory", speed.__doc__, speed.SPEED),
    ]
    parts = ["# Metrics", _folded(OPENING), *(part for family in families for part in _family(*family))]
    parts += ["## Quality, as models hear it", _quality(), "## Ways of failing", _failures()]
    text = "\n\n".join(part.strip() for part in parts) + "\n"
    if unsaid := [one.name for one in metrics if f"`{one.name}`" not in text]:
        raise AssertionError(f"the page does not speak of {', '.join(unsaid)}")
    return text


def _family(title: str, about: str | None, metrics: Sequence[Metric]) -> list[str]:
    return [f"## {title}", _folded(about or ""), *(_entry(one) for one in metrics)]


def _entry(metric: Metric) -> str:
    name = metric.name.replace("OTHER", "NAME")
    told = metric.about
    if name == "sim_NAME":
        told = f"`sim` by a further encoder of `judge.speakers`, NAME.\n\n{DISTRUST} as `sim`."
    return f"### `{name}`\n\n{_facts(metric)}\n\n{_body(told)}"


def _facts(metric: Metric) -> str:
    compared = {None: "-", "references": "the voice's held-out clips", "prompt": "the prompt"}
    facts = {
        "unit": metric.unit,
        "better": BETTER[metric.higher_is_better],
        "least, most": ", ".join(map(_end, metric.bounds)),
        "judge": {None: "none", "asr": "the transcriber"}.get(metric.judge, "a speaker encoder"),
        "weighed by": metric.pooled_by,
        "compares with": compared[metric.compares_with],
    }
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (facts, ["---"] * len(facts), facts.values()))


def _end(bound: float) -> str:
    return f"{bound:g}" if math.isfinite(bound) else "none"


def _body(about: str) -> str:
    """Returns a docstring as Markdown, its last paragraph set apart."""
    told, _, distrust = about.partition(DISTRUST)
    if not distrust:
        raise AssertionError(f"this docstring does not say when not to trust it: {about}")
    return f"{_folded(told)}\n\n{_folded(f'**{DISTRUST}** {distrust.strip()}')}"


def _folded(text: str) -> str:
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n")]
    return "\n\n".join(
        "\n".join(textwrap.wrap(one, WIDTH, break_long_words=False, break_on_hyphens=False)) for one in paragraphs
    )


def _quality() -> str:
    metrics = delivery.quality_metrics(QUALITY)
    table = ["| metric | model | least, most |", "|---|---|---|"]
    table += [f"| `{one.name}` | `{one.judge}` | {', '.join(map(_end, one.bounds))} |" for one in metrics]
    models = [
        f"`{model.name}`: {' '.join((model.__doc__ or '').split('Attributes:')[0].split())}" for model in QUALITY_MODELS
    ]
    return "\n\n".join(["\n".join(table), *map(_folded, models), _body(metrics[0].about)])


def _failures() -> str:
    parts = [
        _folded(failures.__doc__ or ""),
        *(f"### `{flag.name}`, `{flag.metric.name}`\n\n{_body(flag.about)}" for flag in failures.FLAGS),
    ]
    record = Metric(FAILED, FAILED_RECORD.unit, False, None, (0.0, 1.0), measure=lambda evidence: None)
    parts.append(f"### `{FAILED}`\n\n{_facts(record)}\n\n{_body(FAILED_ABOUT)}")
    return "\n\n".join(parts)


def main() -> int:
    """Returns 1 if the page is out of date and was only to be checked."""
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text)
    elif not PAGE.is_file() or PAGE.read_text() != text:
        print("out of date: docs/metrics.md; type: make metrics", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
