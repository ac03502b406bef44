"""`evalkit bench judges`: how fast each judge is, and how far the quick ways are from the exact ones.

All judges hear the same sounds, in turns of a few, so that whatever else the machine does slows all of them. Judges
whose weights are not here are left out, and named.
"""

import json
import tempfile
import textwrap
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit.audio import Audio
from evalkit.commands.bench_scoring import BLOCK, MANY, Tally, take_turns, utterances
from evalkit.commands.page import kept_sources
from evalkit.commands.screen import show
from evalkit.errors import ConfigError
from evalkit.judges.base import Judge, QualityModel, SpeakerEncoder, Transcriber
from evalkit.judges.campplus import CamPlusPlus
from evalkit.judges.dnsmos import WINDOW, Dnsmos
from evalkit.judges.ecapa import Ecapa
from evalkit.judges.faster_whisper import FasterWhisper
from evalkit.judges.ge2e import GE2E
from evalkit.judges.hf_ctc import HfCtc
from evalkit.judges.plcmos import Plcmos
from evalkit.judges.wavlm_large_sv import WavLMLargeSV
from evalkit.judges.wavlm_sv import WavLMSV
from evalkit.judges.whisper_hf import WhisperHf
from evalkit.metrics import align_words
from evalkit.reports.baselines import read_run
from evalkit.text import normalizer
from evalkit.weights.assets import library

UTTERANCES = 200
EXACT, ONE = "dnsmos, windows=all", "dnsmos, windows=one"
NEAR = 0.05  # MOS: the mean difference that is aimed at
FASTER = 4  # times: what is aimed at
WIDTH = 80  # columns
RUNS, OPERATIONS = 3, 5  # of the network; of its operations, those that are told

Answer = str | NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Heard:
    """What judges hear: a sound, its words if they are known, and the trial that it is of, if it is of one."""

    audio: Audio
    text: str | None
    trial: str | None


def judges() -> dict[str, Judge]:
    """Returns the judges by what they are called in the table; those of one kind side by side, the exact way first."""
    return {
        EXACT: Dnsmos(),
        ONE: Dnsmos(windows="one"),
        "plcmos": Plcmos(),
        "campplus": CamPlusPlus(),
        "ge2e": GE2E(),
        "ecapa": Ecapa(),
        "wavlm_sv": WavLMSV(),
        "wavlm_large_sv": WavLMLargeSV(),
        "whisper_base, window=full": FasterWhisper(),
        "whisper_base, window=fitted": FasterWhisper(window="fitted"),
        "whisper_large_v3": FasterWhisper(model="whisper_large_v3_ct2"),
        "whisper_large_v3_hf": WhisperHf(),
        "hubert_large": HfCtc(),
    }


def run_judges_bench(count: int | None, runs: Sequence[str] | None) -> None:
    """Prints the tables.

    Args:
        count: How many utterances; None: 200, or all that the runs have.
        runs: Folders of runs whose utterances are heard; None: the demo's recordings, whole, in parts and in pairs.

    Raises:
        ConfigError: There are no such utterances.
        DataError: There is no such run.
    """
    heard = _of_runs(runs) if runs else _recordings()
    wanted = (len(heard) if runs else UTTERANCES) if count is None else count
    if not 1 <= wanted <= len(heard):
        raise ConfigError(f"--utterances was {wanted}, expected 1 to {len(heard)}: so many sounds are here")
    heard = heard[:wanted]
    known = judges()
    absent = {name: library().missing(judge.assets) for name, judge in known.items()}
    absent = {name: missing for name, missing in absent.items() if missing}
    here = {name: judge for name, judge in known.items() if name not in absent}
    tallies = _measure(heard, here)
    _print_speeds(heard, tallies)
    if absent:
        assets = " ".join(asset for missing in absent.values() for asset in missing)
        told = f"left out, weights not here: {', '.join(absent)}; type: python -m evalkit fetch {assets}"
        show("\n".join(textwrap.wrap(told, WIDTH, break_on_hyphens=False)))
    _print_windows(heard, tallies[EXACT], tallies[ONE])
    _print_texts(heard, {name: tally for name, tally in tallies.items() if isinstance(here[name], Transcriber)})
    _print_operations()


def _recordings() -> list[Heard]:
    return [Heard(one.audio, one.text, None) for one in utterances(MANY)]


def _of_runs(folders: Sequence[str]) -> list[Heard]:
    """Returns the utterances of runs, as far as their sounds are kept."""
    found = []
    for folder in folders:
        run = read_run(Path(folder))
        sources = kept_sources(run.report, None)
        for row in run.rows:
            audio = sources.sound(row.audio) if row.audio else None
            if audio is not None:
                found.append(Heard(audio, row.text, f"{folder} {row.trial}"))
    return found


def _measure(heard: Sequence[Heard], here: dict[str, Judge]) -> dict[str, Tally[Answer]]:
    ways = {name: _way(judge) for name, judge in here.items()}
    for judge in here.values():
        judge.load()
    tallies = {name: Tally[Answer]() for name in ways}
    for turn, start in enumerate(range(0, len(heard), BLOCK)):
        take_turns(ways, tallies, heard[start : start + BLOCK], turn)
    return tallies


def _way(judge: Judge) -> Callable[[Sequence[Heard]], list[Answer]]:
    def ask(block: Sequence[Heard]) -> list[Answer]:
        audios = [one.audio for one in block]
        if isinstance(judge, SpeakerEncoder):
            return list(judge.embed(audios).astype(np.float64))
        if isinstance(judge, Transcriber):
            return [found.text for found in judge.transcribe(audios, ["en"] * len(audios))]
        assert isinstance(judge, QualityModel)
        return [np.array([said[name] for name in judge.scores]) for said in judge.score(audios)]

    return ask


def _print_speeds(heard: Sequence[Heard], tallies: dict[str, Tally[Answer]]) -> None:
    seconds = sum(one.audio.seconds for one in heard)
    show(f"{len(heard)} utterances, {seconds:.0f} s of speech")
    show(f"{'judge':28} {'s an utterance':>15} {'real-time factor':>17}")
    for name, tally in tallies.items():
        show(f"{name:28} {tally.seconds / len(heard):15.3f} {tally.seconds / seconds:17.3f}")
    gain = tallies[EXACT].seconds / tallies[ONE].seconds
    show(f"{'windows=one is faster':28} {gain:14.1f}x   target {FASTER}x or more")


def _print_windows(heard: Sequence[Heard], exact: Tally[Answer], one: Tally[Answer]) -> None:
    before, after = np.array(exact.answers), np.array(one.answers)
    trials = _rows_by_trial(heard)
    show("")
    show(
        f"{'windows=one':11} {'mean |d|':>8} {'mean d':>7} {'largest':>7}  MOS from all; order of {len(trials)} trials"
    )
    for index, name in enumerate(Dnsmos.scores):
        differences = after[:, index] - before[:, index]
        facts = np.abs(differences).mean(), differences.mean(), np.abs(differences).max()
        order = _order([(before[rows, index].mean(), after[rows, index].mean()) for rows in trials])
        show(f"{name:11} {facts[0]:8.3f} {facts[1]:+7.3f} {facts[2]:7.3f}  {order}")
    show(f"{'target':11} {NEAR:8.3f} or less")


def _rows_by_trial(heard: Sequence[Heard]) -> list[list[int]]:
    rows = defaultdict(list)
    for index, one in enumerate(heard):
        if one.trial is not None:
            rows[one.trial].append(index)
    return list(rows.values())


def _order(means: Sequence[tuple[float, float]]) -> str:
    """Returns how many pairs of trials change places, by their means before and after."""
    pairs = list(combinations(means, 2))
    changed = [abs(a[0] - b[0]) for a, b in pairs if (a[0] - b[0]) * (a[1] - b[1]) < 0]
    if not pairs:
        return "-"
    if not changed:
        return f"kept in all {len(pairs)} pairs"
    return f"{len(changed)} of {len(pairs)} pairs changed, <= {max(changed):.3f} apart"


def _print_texts(heard: Sequence[Heard], tallies: dict[str, Tally[Answer]]) -> None:
    known = [index for index, one in enumerate(heard) if one.text is not None]
    first = next((name for name in tallies if name == "whisper_large_v3"), next(iter(tallies), None))
    if not known or first is None:
        return
    show("")
    show(f"{'transcriber':28} {'WER':>7} {'mean':>7} {'equal':>7}  of {len(known)} utterances with words")
    for name, tally in tallies.items():
        pooled, mean = _wer([(str(heard[index].text), str(tally.answers[index])) for index in known])
        pairs = [(_normalised(str(tally.answers[i])), _normalised(str(tallies[first].answers[i]))) for i in known]
        equal = sum(one == other for one, other in pairs) / len(pairs)
        show(f"{name:28} {pooled:7.4f} {mean:7.4f} {equal:7.1%}")
    show(f"equal: texts that are those of {first}, normalised")


@cache
def _normalised(text: str) -> str:
    return normalizer("whisper_english")(text)


def _wer(pairs: Sequence[tuple[str, str]]) -> tuple[float, float]:
    """Returns pooled WER, and the mean of utterance WERs, of texts and what was heard."""
    edits = [align_words(_normalised(text), _normalised(told)) for text, told in pairs]
    pooled = sum(one.errors for one in edits) / sum(one.reference_length for one in edits)
    return pooled, float(np.mean([one.errors / one.reference_length for one in edits if one.reference_length]))


def _print_operations() -> None:
    """Tells where the time of one window goes in the network of P.835, which is nearly all that DNSMOS takes."""
    spent, shapes = _profiled()
    total = sum(spent.values())
    show("")
    show(f"{'P.835, a window, one thread':28} {'ms':>7} {'share':>7}  filters (out, in, high, wide)")
    for name in sorted(spent, key=lambda name: -spent[name])[:OPERATIONS]:
        told = name.removeprefix("mos_estimator_logpow/").partition("_nchwc")[0].partition("_kernel")[0]
        show(f"{told:28} {spent[name] / RUNS / 1000:7.1f} {spent[name] / total:7.1%}  {shapes[name]}")
    show(f"{f'all {len(spent)} operations':28} {total / RUNS / 1000:7.1f}")


def _profiled() -> tuple[dict[str, float], dict[str, str]]:
    """Returns microseconds by operation, over all runs, and the shape of each one's filters."""
    import onnxruntime
    import speechmos

    path = Path(str(speechmos.__file__)).parent / "dnsmos_models/sig_bak_ovr.onnx"
    with tempfile.TemporaryDirectory(prefix="evalkit-bench-") as scratch:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.enable_profiling = 1, True
        options.profile_file_prefix = f"{scratch}/p835"
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        sound = np.random.default_rng(0).standard_normal((1, WINDOW)).astype(np.float32) * 0.05
        for _ in range(RUNS):
            session.run(None, {"input_1": sound})
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    spent, shapes = defaultdict[str, float](float), dict[str, str]()
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            spent[event["name"]] += event["dur"]
            inputs = [next(iter(kind.values())) for kind in event["args"]["input_type_shape"]]
            shapes[event["name"]] = str(tuple(inputs[1])) if len(inputs) > 1 else "-"
    return spent, shapes
