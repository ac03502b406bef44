"""`evalkit power REPORT`: how many voices, texts and seeds a wanted difference needs, by the spreads in a report."""

import argparse
import csv
import io
from collections.abc import Sequence
from pathlib import Path

from evalkit.analysis.power import POWER, SEEDS, VOICES, Need, Size, curve, needs, spreads_in
from evalkit.commands.screen import show
from evalkit.errors import DataError
from evalkit.record import Report, Spreads
from evalkit.reports.files import REPORT_FILE, read_report
from evalkit.reports.layout import fitted, folded, terminal_width

PROBES = (2, 4, 8, 16, 32, 64, 128)
DIFFERENCES = {"cosine": 0.02, "share": 0.02, "ratio": 0.01, "MOS": 0.1}  # wanted unless typed, by unit


def run_power(typed: Sequence[str]) -> int:
    """Does what was typed after `power`; returns the exit code.

    Raises:
        DataError: No report, or none that says what its differences spread by.
    """
    parser = argparse.ArgumentParser(prog="evalkit power", description="How large a sweep a wanted difference needs.")
    parser.add_argument("report", metavar="REPORT", type=Path, help="a run's folder, or its report.json")
    parser.add_argument("--metric", metavar="NAME", help="default: what the sweep decided by")
    parser.add_argument(
        "--difference", metavar="D", type=float, help="wanted, in the metric's unit (default: 0.02 SIM)"
    )
    parser.add_argument("--comparisons", metavar="N", type=int, help="at once (default: as many as the report's)")
    parser.add_argument("--csv", action="store_true", help="print the smallest difference of many sizes")
    parsed = parser.parse_args(typed)
    report = read_report(parsed.report.parent if parsed.report.name == REPORT_FILE else parsed.report)
    metric = parsed.metric or report.primary
    spreads = _spreads(report, metric)
    comparisons = max(1, len(report.trials) - 1) if parsed.comparisons is None else parsed.comparisons
    wanted = DIFFERENCES.get(report.metrics[metric].unit, 0.02) if parsed.difference is None else parsed.difference
    if comparisons < 1:
        raise DataError(f"--comparisons was {comparisons}, expected 1 or more")
    if not wanted > 0:
        raise DataError(f"--difference was {wanted}, expected more than 0")
    if parsed.csv:
        show(_csv(curve(spreads, _sizes(spreads), comparisons)).rstrip())
        return 0
    _show_needs(metric, wanted, spreads, comparisons)
    return 0


def _spreads(report: Report, metric: str) -> Spreads:
    spreads = spreads_in(report, metric)
    if spreads is None:
        known = [name for name in report.metrics if spreads_in(report, name) is not None]
        raise DataError(
            f"{report.run_id} does not say what differences in {metric!r} spread by: it takes two trials, voices and "
            f"texts, some difference, and an evalkit that writes it down (an older report: run it again); it does for: "
            f"{', '.join(known) or 'none'}"
        )
    return spreads


def _sizes(spreads: Spreads) -> list[Size]:
    seeds = SEEDS if spreads.chance is not None else SEEDS[:1]
    return [Size(voices, probes, each) for each in seeds for voices in VOICES for probes in PROBES]


def _csv(found: Sequence[Need]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["voices", "probes", "seeds", "utterances_per_trial", "smallest_difference"])
    for one in found:
        size = one.size
        writer.writerow([size.voices, size.probes, size.seeds, size.utterances, round(one.smallest, 6)])
    return text.getvalue()


def _show_needs(metric: str, wanted: float, spreads: Spreads, comparisons: int) -> None:
    name, width, found = metric.upper(), terminal_width(), list(needs(spreads, wanted, comparisons))
    headings = ["voices", "probes", "seeds", "utterances a trial", "smallest difference"]
    rows = [
        [
            str(one.size.voices),
            str(one.size.probes),
            str(one.size.seeds),
            str(one.size.utterances),
            f"{one.smallest:.4f}",
        ]
        for one in found
    ]
    told = (
        f"one utterance's difference in {name} spreads by {spreads.voice:.4f} with the voice, {spreads.probe:.4f} with "
        f"the text, {spreads.rest:.4f} beyond both"
        f"{'' if spreads.chance is None else f' ({spreads.chance:.4f} of it between seeds)'}"
    )
    kind = "comparison" if comparisons == 1 else "comparisons at once"
    question = f"sizes that tell a difference of {wanted:g} in {POWER:.0%} of sweeps, for {comparisons} {kind}:"
    none = f"none: with {VOICES[-1]} voices or fewer no number of texts tells {wanted:g}; it is the voices that spread"
    lines = fitted(headings, rows, width, 0) if found else folded(none, width)
    more = [] if spreads.chance is not None else folded(
        "seeds are not among them: each was said once, so what they change is not known (seeds=[0,1])", width
    )  # fmt: skip
    show("\n".join([*folded(told, width), *folded(question, width), *lines, *more]))
