"""A run made by hand, of any size, with sounds: what pages are made of in the tests."""

import hashlib
from dataclasses import replace
from functools import cache
from itertools import islice, product

import numpy as np

from evalkit.analysis.pairing import Run
from evalkit.audio import Audio
from evalkit.metrics.alignment import align_words
from evalkit.record import (
    Comparison,
    Concordance,
    FloorAndCeiling,
    MetricRecord,
    Summary,
    TrialSummary,
    VoiceCalibration,
)
from evalkit.reports.page.sounds import HeldOut, Sources
from evalkit.row import EditsRecord, ErrorRecord, PromptRecord, Row
from evalkit.text import normalizer
from tests.analysis.runs import run_of

COSINE = MetricRecord("cosine", True, "hum", (-1.0, 1.0), compares_with="references")
RATIO = MetricRecord("ratio", False, "whistle", (0.0, None), "reference words", counts=True)
SHARE = MetricRecord("share", False, None, (0.0, 1.0), counts=True)
MOS = MetricRecord("MOS", True, "mos", (1.0, 5.0))
SECONDS = MetricRecord("s", None, None, (0.0, None))
METRICS = {
    "failed": SHARE, "sim": COSINE, "sim_o": replace(COSINE, compares_with="prompt"), "wer": RATIO, "cer": RATIO,
    "rtf": replace(RATIO, judge=None, counts=False), "mos": MOS, "audio_seconds": SECONDS,
}  # fmt: skip
VOICES = ("ann", "ben", "cat")
TEXTS = {
    "fox": "The quick brown fox jumps over the lazy dog",
    "sun": "A cold sun rose late over the harbour",
    "sea": "She sells sea shells by the sea shore",
}
PROMPT = "north of the old lighthouse"
RATE = 8_000


def address(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


@cache
def tone(address: str) -> Audio:
    """Returns two seconds of a tone; each address has another pitch and loudness."""
    seed = int(address[:6], 16)
    times = np.arange(2 * RATE) / RATE
    return Audio((0.05 + seed % 7 / 10) * np.sin(2 * np.pi * (200 + seed % 800) * times, dtype=np.float32), RATE)


def heard(text: str, at: int) -> str:
    """Returns what was heard of a text: now and then a word is missing, added, another one, or the prompt's."""
    words = text.split()
    match at % 6:
        case 1:
            del words[1]
        case 2:
            words.insert(2, "really")
        case 3:
            words[-1] = "banana"
        case 4:
            words += ["old", "lighthouse"]
    return " ".join(words)


def row(at: int, trial: str, voice: str, probe: str, text: str, seed: int = 0) -> Row:
    """Returns the row of a number; its scores follow from it."""
    given = Row(
        trial=trial, engine="e", settings={}, voice=voice, probe=probe, seed=seed, language="en", text=text,
        stratum="short" if len(text) < 38 else "long",
        prompt=PromptRecord(3.0, PROMPT, "user", address(voice), ["a.wav"], sound=address(f"prompt {voice}")),
    )  # fmt: skip
    if at % 11 == 7:
        return replace(given, state="failed", error=ErrorRecord("SynthesisError", f"nothing came of {at}"))
    normalise = normalizer("whisper_english")
    hypothesis = heard(text, at)
    edits = align_words(normalise(text), normalise(hypothesis))
    wer = edits.errors / max(1, edits.reference_length)
    scores = {
        "sim": round(0.2 + at * 37 % 601 / 1000, 6), "sim_o": round(at * 31 % 701 / 1000, 6), "wer": round(wer, 6),
        "cer": round(wer / 3, 6), "rtf": round(0.1 + at % 97 / 500, 6), "mos": round(2 + at * 13 % 251 / 100, 6),
        "audio_seconds": 2.0, "failed": 0.0,
    }  # fmt: skip
    return replace(
        given,
        hypothesis=hypothesis,
        intended_text=f"{text} today" if at % 9 == 5 else None,
        audio=address(f"sound {trial} {voice} {probe} {seed}"),
        audio_seconds=2.0,
        scores=scores,
        edits=EditsRecord(edits.hits, edits.substitutions, edits.deletions, edits.insertions),
        flags=["bleed"] if at % 6 == 4 else [],
    )


def made(
    count: int = 72,
    voices: tuple[str, ...] = VOICES,
    texts: dict[str, str] | None = None,
    sizes: tuple[int, int] = (2, 2),
    more: int = 0,
) -> Run:
    """Returns a run of so many rows: trials by two knobs, voices, texts, and as many seeds as it takes.

    `more` metrics beside its own ones have another value in each row.
    """
    texts = TEXTS if texts is None else texts
    trials = {
        f"t{a}{b}": {"prompt.seconds": 3.0 * (a + 1), "engine.top": b} for a in range(sizes[0]) for b in range(sizes[1])
    }
    asked = product(range(count), texts.items(), voices, trials)
    rows = [
        _measured(row(at, trial, voice, probe, text, seed), at, more)
        for at, (seed, (probe, text), voice, trial) in enumerate(islice(asked, count))
    ]
    metrics = {**METRICS, **{f"m{number}": MOS for number in range(more)}}
    run = run_of(rows, "20260101T000000000-abcdef", metrics=metrics, trials=trials, told=TOLD, **CHANGES)
    known = {voice: VoiceCalibration({"hum": FloorAndCeiling(0.15, 0.85, 0.05)}, 0.01, 100) for voice in voices}
    report = replace(run.report, trials=[_with_numbers(trial, rows) for trial in run.report.trials], calibration=known)
    return Run(run.name, report, rows)


def _measured(row: Row, at: int, more: int) -> Row:
    if row.state != "scored" or not more:
        return row
    return replace(
        row, scores={**row.scores, **{f"m{number}": (at * (7 + number) % 4001) / 999 for number in range(more)}}
    )


TOLD = {"commit": "0123456789abcdef", "dirty": False, "command": "python -m evalkit run +sweep=made"}
CHANGES = {
    "sweep": "made", "question": "Which prompt is best?", "created": "2026-01-01T00:00:00Z",
    "baseline": "t00", "best": "t11", "varying": ["prompt.seconds", "engine.top"],
    "finding": "Best is prompt.seconds=6, engine.top=1: SIM 0.5, +0.1 [+0.05, +0.15] over the baseline.",
    "config": {"judge": {"normalizer": "whisper_english"}},
    "comparisons": [Comparison("t11", "t00", "sim", 0.1, 0.05, 0.15, 0.01, 9)],
    "concordance": [Concordance("hum2", 0.2, [], True)],
    "notes": ["voice ann: its ceiling 0.4 is low"],
}  # fmt: skip


def _with_numbers(trial: TrialSummary, rows: list[Row]) -> TrialSummary:
    own = [one for one in rows if one.trial == trial.id]
    flags = [flag for one in own for flag in one.flags]
    return replace(
        trial,
        n=len(own),
        n_failed=sum(one.state == "failed" for one in own),
        n_flagged=sum(bool(one.flags) for one in own),
        flags={flag: flags.count(flag) for flag in dict.fromkeys(flags)},
        summary={name: _summary([one.scores[name] for one in own if name in one.scores]) for name in METRICS},
    )


def _summary(values: list[float]) -> Summary:
    if not values:
        return Summary(None)
    middle = sum(values) / len(values)
    return Summary(round(middle, 6), round(middle - 0.04, 6), round(middle + 0.04, 6), len(values))


def sources(run: Run, lost: frozenset[str] = frozenset()) -> Sources:
    """Returns tones for all its sounds but the lost ones, and a held-out clip a voice."""
    clips = {voice: [HeldOut("held.wav", address(f"held {voice}"))] for voice in {one.voice for one in run.rows}}
    return Sources(lambda wanted: None if wanted in lost else tone(wanted), clips)
