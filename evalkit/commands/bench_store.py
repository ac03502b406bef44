"""`evalkit bench store`: what becomes of damaged artefacts, and what keeping an artefact costs beside computing it."""

import hashlib
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from evalkit.audio import Audio, read_audio
from evalkit.commands.bench_bed import Bed, Loudness
from evalkit.commands.bench_damage import DAMAGES, MISSING, VICTIMS, Found, damaged
from evalkit.commands.screen import show, tell
from evalkit.engines.base import Request
from evalkit.engines.tone import Tone
from evalkit.errors import ConfigError
from evalkit.judges.base import Transcript
from evalkit.judges.fake import HumEncoder, LoudSpans, WhistleReader
from evalkit.metrics.acoustics import measure
from evalkit.pipeline.artefacts import (
    ACOUSTICS,
    EMBEDDING,
    PROMPT,
    QUALITY,
    SOUND,
    SPEECH,
    SYNTHESIS,
    TRANSCRIPT,
    BuiltPrompt,
    Made,
)
from evalkit.prompt import Prompt
from evalkit.reports.layout import aligned
from evalkit.resources import resource
from evalkit.store.artefacts import Artefacts
from evalkit.store.codecs import Kind, stored
from evalkit.store.directory import Directory
from evalkit.voices import read_voices
from evalkit.whistle import whistle

CASES = 10 * len(VICTIMS) * len(DAMAGES)
REPEATS = 200  # of each measurement
TARGET = 2.0  # ms that keeping an artefact may take on a local disk
TEXT, SECONDS = "the quick brown fox", 5.0

Value = TypeVar("Value")


def run_store_bench(cases: int) -> None:
    """Prints both tables.

    Raises:
        ConfigError: So few cases that some kind would not be damaged in some way.
    """
    least = len(VICTIMS) * len(DAMAGES)
    if cases < least:
        raise ConfigError(f"--cases was {cases}, expected {least} or more: {least} ways to damage a store")
    with tempfile.TemporaryDirectory(prefix="evalkit-bench-") as scratch:
        _damage(Path(scratch), cases)
        show()
        _costs(Path(scratch) / "costs")


def _damage(scratch: Path, cases: int) -> None:
    bed = Bed.made(scratch / "bed")
    pairs = [(name, way) for name in VICTIMS for way in DAMAGES]
    found = dict.fromkeys(pairs, Found())
    for number in range(cases):
        name, way = pairs[number % len(pairs)]
        chance = random.Random(number)
        found[name, way] += damaged(bed, scratch / "case", [(VICTIMS[name](bed, chance), way)], chance)
        if number % 50 == 49:
            tell(f"damage: {number + 1}/{cases}")
    for one in found.values():
        if one.said:
            tell(one.said)
    show(f"{cases} times one artefact of a finished run is damaged, and the run typed again (seeds 0 to {cases - 1})")
    show(_damage_table(found))
    total = sum(found.values(), Found())
    there = sum((one for (_, way), one in found.items() if way != MISSING), Found())
    show(
        f"of {there.cases} that were there and damaged {there.told} were named, once, and {there.kept} set aside; "
        f"{total.mended} of all {total.cases} are there again, and whole; {total.tracebacks} runs ended with a "
        f"traceback, {total.failed} with another exit code than 0, {total.changed} with other rows"
    )


def _damage_table(found: dict[tuple[str, str], Found]) -> str:
    """Returns a row an artefact: cases/noticed/tracebacks/changed rows, for each damage."""
    rows = []
    for name in VICTIMS:
        cells = [found[name, way] for way in DAMAGES]
        noticed = ["-" if way == MISSING else str(one.told) for way, one in zip(DAMAGES, cells, strict=True)]
        told = [f"{one.cases}/{seen}/{one.tracebacks}/{one.changed}" for one, seen in zip(cells, noticed, strict=True)]
        rows.append([name, *told])
    return "\n".join(aligned(["cases/noticed/tracebacks/changed", *DAMAGES], rows))


@dataclass(frozen=True)
class Cost(Generic[Value]):
    """What is measured of a kind.

    Attributes:
        name: For the table.
        kind: Of artefact.
        value: One of them.
        compute: Makes it; None where that is another row's, or takes a real model.
    """

    name: str
    kind: Kind[Value]
    value: Value
    compute: Callable[[], object] | None


def _costs(folder: Path) -> None:
    artefacts = Artefacts(Directory(folder), print)
    headings, rows = ["ms, median (and 95th percentile)", "bytes", "computing", "keeping", "reading", "target"], []
    for cost in _kinds():
        keys = [hashlib.sha256(f"{cost.name} {number}".encode()).hexdigest() for number in range(REPEATS)]
        rows.append(
            [
                cost.name,
                str(len(cost.kind.codec.encode(cost.value))),
                "-" if cost.compute is None else _timed([cost.compute] * REPEATS),
                _timed([partial(artefacts.write, cost.kind, {key: cost.value}) for key in keys]),
                _timed([partial(artefacts.get, cost.kind, key) for key in keys]),
                f"{TARGET:.0f}",
            ]
        )
    show(f"what keeping an artefact costs beside computing it (the fakes' models), {REPEATS} of each")
    show("\n".join(aligned(headings, rows)))


def _kinds() -> list[Cost[object]]:
    """Returns a value of each kind: what the fakes make of a sentence; and real speech, which only the store keeps."""
    sound, speech = stored(whistle(TEXT, 200.0)), _speech()
    prompt = Prompt(sound, TEXT, "user", ("clip0.wav",))
    request = Request(TEXT, prompt, 0, "en")
    (heard,) = WhistleReader().transcribe([sound], ["en"])
    made = Made(sound.sha256, sound.seconds, sound.peak, 0.004, "0" * 64, "run", None, None, 1 << 30, None)
    others = (Audio(np.roll(sound.samples, shift), sound.sample_rate) for shift in count(1))  # no fake knows them yet
    vector = np.random.default_rng(0).normal(size=512).astype(np.float32)  # as long as real encoders' are
    costs: list[Cost[object]] = [
        _cost("sound, whistled", SOUND, sound, lambda: Tone().speak(request)),
        _cost(f"sound, {speech.seconds:g} s of speech at {speech.sample_rate} Hz", SOUND, speech, None),
        _cost("synthesis (the record beside its sound)", SYNTHESIS, made, None),
        _cost("prompt (the record beside its sound)", PROMPT, BuiltPrompt.of(prompt, None), None),
        _cost("transcript", TRANSCRIPT, heard, lambda: list(WhistleReader().transcribe([sound], ["en"]))),
        _cost("transcript of 60 words in time", TRANSCRIPT, Transcript(heard.text * 15, heard.words * 15), None),
        _cost("speech", SPEECH, LoudSpans().spans(sound), lambda: LoudSpans().spans(sound)),
        _cost("embedding", EMBEDDING, vector, lambda: HumEncoder().embed([next(others)])),
        _cost("quality", QUALITY, next(iter(Loudness().score([sound]))), lambda: list(Loudness().score([sound]))),
        _cost("acoustics", ACOUSTICS, measure(sound), lambda: measure(sound)),
    ]
    return costs


def _cost(name: str, kind: Kind[Value], value: Value, compute: Callable[[], object] | None) -> Cost[object]:
    return Cost(name, kind, value, compute)  # type: ignore[arg-type]


def _speech() -> Audio:
    """Returns recordings of the demo end to end, as long as an utterance."""
    clips = [
        read_audio(clip.path) for voice in read_voices(resource("probes/voices/demo"), None) for clip in voice.clips
    ]
    rate = clips[0].sample_rate
    return stored(Audio(np.concatenate([clip.samples for clip in clips])[: round(SECONDS * rate)], rate))


def _timed(calls: Sequence[Callable[[], object]]) -> str:
    taken = []
    for call in calls:
        started = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - started))
    return f"{statistics.median(taken):.2f} ({np.percentile(taken, 95):.2f})"
