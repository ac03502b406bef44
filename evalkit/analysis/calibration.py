"""What a score can be: each voice's floor and ceiling by each speaker encoder, and what the transcriber makes of it.

A cosine of 0.6 is much for one encoder and little for another, and a WER of 0.05 is no flaw of an engine if the
transcriber errs as often on the recordings.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics.likeness import is_clearly_above, spread_of
from evalkit.record import EncoderRecord, FloorAndCeiling, VoiceCalibration

Vectors = NDArray[np.float32]
Floats = NDArray[np.float64]

UNREADABLE = 0.3  # WER on a voice's recordings above which its syntheses cannot be judged by that transcriber
CHANCE = 0.5  # the equal error rate of a coin
DRAWS = 500


@dataclass(frozen=True, eq=False)
class VoicePrints:
    """A voice's embeddings by one encoder: of its held-out clips, shape (h, d), and of its prompt clips, (p, d).

    `clips` are their file names, the held-out ones first.
    """

    held_out: Vectors
    prompt: Vectors
    clips: tuple[str, ...] = ()

    @property
    def reference(self) -> Vectors:
        """What `sim` compares with: the held-out clips, else the prompt's."""
        return self.held_out if len(self.held_out) else self.prompt

    @property
    def all(self) -> Vectors:
        """All clips."""
        return np.concatenate([self.held_out, self.prompt])


def floors_and_ceilings(prints: Mapping[str, VoicePrints]) -> dict[str, FloorAndCeiling]:
    """Returns each voice's floor and ceiling.

    Floor: the mean cosine of the voice's reference clips with all clips of the other voices. Ceiling: that of its
    held-out clips with its prompt clips; without held-out ones, of its prompt clips with each other. Both are None
    where there is nothing to compare.
    """
    return {name: _ends(name, prints) for name in prints}


def _ends(name: str, prints: Mapping[str, VoicePrints]) -> FloorAndCeiling:
    own = prints[name]
    floor = cosines(own.reference, [other.all for voice, other in prints.items() if voice != name])
    ceiling = cosines(own.held_out, [own.prompt]) if len(own.held_out) else among(own.prompt)
    return FloorAndCeiling(_mean(floor), _mean(ceiling), spread_of(floor, ceiling))


def cosines(ones: Vectors, others: Sequence[Vectors]) -> Floats:
    """Returns the cosines of each of `ones` with each vector of `others`, shape (n,)."""
    pairs = [ones.astype(np.float64) @ other.astype(np.float64).T for other in others]
    return np.concatenate([np.empty(0), *(pair.ravel() for pair in pairs)])


def among(vectors: Vectors) -> Floats:
    """Returns the cosines of vectors with each other, each pair once, shape (n,)."""
    own = vectors.astype(np.float64)
    return _upper(own @ own.T)


def _mean(values: Floats) -> float | None:
    return float(np.mean(values)) if len(values) else None


def equal_error_rate(same: Floats, different: Floats) -> float:
    """Returns the rate at which as many same-speaker pairs are refused as different ones are accepted.

    The threshold moves over all scores; between two of them the crossing is interpolated.
    """
    thresholds = np.append(np.unique(np.concatenate([same, different])), np.inf)
    refused = np.searchsorted(np.sort(same), thresholds, side="left") / len(same)
    accepted = 1 - np.searchsorted(np.sort(different), thresholds, side="left") / len(different)
    gap = refused - accepted  # from -1 up to 1
    after = int(np.argmax(gap >= 0))
    share = -gap[after - 1] / (gap[after] - gap[after - 1])
    return float(refused[after - 1] + share * (refused[after] - refused[after - 1]))


def encoder_record(prints: Mapping[str, VoicePrints]) -> EncoderRecord | None:
    """Returns an encoder's equal error rate over all pairs of clips, with a 95 % interval over voices.

    None without two voices, or without a voice of two clips.
    """
    clips = {name: own.all.astype(np.float64) for name, own in prints.items() if len(own.all)}
    same = {name: _upper(own @ own.T) for name, own in clips.items()}
    different = {pair: (clips[pair[0]] @ clips[pair[1]].T).ravel() for pair in itertools.combinations(clips, 2)}
    if not different or not sum(len(scores) for scores in same.values()):
        return None
    rate = equal_error_rate(np.concatenate(list(same.values())), np.concatenate(list(different.values())))
    low, high = _eer_interval(same, different)
    counts = (sum(map(len, same.values())), sum(map(len, different.values())))
    return EncoderRecord(rate, low, high, *counts)


def _upper(cosines: Floats) -> Floats:
    return cosines[np.triu_indices(len(cosines), 1)]


def _eer_interval(
    same: Mapping[str, Floats], different: Mapping[tuple[str, str], Floats]
) -> tuple[float | None, float | None]:
    """Returns the bootstrap's interval, voices resampled; None where draws are all alike."""
    chance, names, rates = np.random.default_rng(0), list(same), []
    for _ in range(DRAWS):
        drawn = set(chance.choice(names, len(names)))
        own = [same[name] for name in drawn]
        between = [scores for (one, other), scores in different.items() if one in drawn and other in drawn]
        if between and sum(map(len, own)):
            rates.append(equal_error_rate(np.concatenate(own), np.concatenate(between)))
    if not rates or np.ptp(rates) == 0:
        return None, None
    low, high = np.quantile(rates, [0.025, 0.975])
    return float(low), float(high)


def is_no_better_than_chance(record: EncoderRecord) -> bool:
    """Whether an equal error rate, or its interval, reaches that of a coin."""
    return max(record.eer, record.high or 0.0) >= CHANCE


def encoder_doubts(encoders: Mapping[str, EncoderRecord | None]) -> list[str]:
    """Returns a sentence for each encoder that cannot tell the given voices apart."""
    return [
        f"{name} tells these voices apart no better than chance (equal error rate {record.eer:.3f}, a coin's is "
        f"{CHANCE:g}): its SIM says nothing of them"
        for name, record in encoders.items()
        if record is not None and is_no_better_than_chance(record)
    ]


def doubts(name: str, calibration: VoiceCalibration) -> list[str]:
    """Returns what makes a voice unfit to be judged, as sentences that name it."""
    found = [
        f"voice {name}: by {encoder} its ceiling {ends.ceiling:.3f} is not clearly above its floor {ends.floor:.3f} "
        f"(their spread is {'unknown' if ends.spread is None else f'{ends.spread:.3f}'}), so that its sim_norm is left "
        f"undefined: its clips are not one speaker's, or too poor or too few; voices.exclude=[{name}] leaves it out"
        for encoder, ends in calibration.speakers.items()
        if ends.floor is not None
        and ends.ceiling is not None
        and not is_clearly_above(ends.ceiling, ends.floor, ends.spread)
    ]
    if calibration.asr_wer is not None and calibration.asr_wer > UNREADABLE:
        found.append(
            f"voice {name}: the transcriber cannot read its recordings (WER {calibration.asr_wer:.2f}, expected "
            f"{UNREADABLE} or less): its WER says little of the engine; voices.exclude=[{name}] leaves it out"
        )
    return found


def mean_ends(voices: Iterable[VoiceCalibration], encoder: str | None) -> tuple[float, float] | None:
    """Returns an encoder's floor and ceiling on average over voices; None where a voice has not both."""
    ends = [one.speakers.get(encoder or "") for one in voices]
    known = [(one.floor, one.ceiling) for one in ends if one and one.floor is not None and one.ceiling is not None]
    if not known or len(known) < len(ends):
        return None
    return sum(floor for floor, _ in known) / len(known), sum(ceiling for _, ceiling in known) / len(known)
