"""SIM and its kin: does it sound like the speaker, by cosines of speaker embeddings."""

import math
from collections.abc import Callable
from typing import Literal

from evalkit.metrics.base import Evidence, Metric, Score, known

COSINE = (-1.0, 1.0)
# Seen by others: the mean SIM of 50 utterances differs from run to run by a standard deviation of 0.005, and 50 ** 0.5
# times that is one utterance's.
REPEATABILITY = 0.035


def similarity_metrics(speakers: tuple[str, ...]) -> tuple[Metric, ...]:
    """Returns SIM, SIM-o and normalised SIM by the first encoder, and `sim_NAME` by each further one."""
    first, *others = speakers
    return (
        _cosine("sim", first, _sim, "references"),
        _cosine("sim_o", first, _sim_o, "prompt"),
        Metric(
            *("sim_norm", "ratio", True, first, (-math.inf, math.inf), _sim_norm(first)),
            needs=first,
            compares_with="references",
        ),
        *(_cosine(f"sim_{name}", name, _sim, "references") for name in others),
    )


def _cosine(
    name: str,
    encoder: str,
    measure: Callable[[str], Callable[[Evidence], Score]],
    compares_with: Literal["references", "prompt"],
) -> Metric:
    return Metric(
        *(name, "cosine", True, encoder, COSINE, measure(encoder)),
        needs=encoder,
        compares_with=compares_with,
        repeatability=REPEATABILITY,
    )


def _sim(encoder: str) -> Callable[[Evidence], Score]:
    def sim(evidence: Evidence) -> Score:
        """Mean over the reference clips r of cos(synthesis, r), as in verification against an enrolled speaker.

        The reference clips are the voice's held-out ones, the same for every trial, so that the yardstick does not move
        with the length of the prompt.

        When not to trust it: alone. It rewards the channel, the room and the noise of the recordings beside the voice,
        and says nothing of the words: an engine that plays its prompt back does very well. Values of two encoders are
        two scales. Of a voice without held-out clips it compares with what the engine may have heard.
        """
        return Score(evidence.likeness[encoder].sim)

    return sim


def _sim_o(encoder: str) -> Callable[[Evidence], Score]:
    def sim_o(evidence: Evidence) -> Score:
        """cos(synthesis, prompt): what most papers print as SIM-o (e.g. Le et al. 2023, Voicebox).

        When not to trust it: to compare prompts. The yardstick is the prompt itself, so a longer or another prompt
        moves it whatever the engine does; `sim` is for that. Like `sim` it rewards the channel.
        """
        return Score(evidence.likeness[encoder].sim_o)

    return sim_o


def _sim_norm(encoder: str) -> Callable[[Evidence], Score | None]:
    def sim_norm(evidence: Evidence) -> Score | None:
        """(sim - floor) / (ceiling - floor): 0 is another speaker, 1 the speaker's own recordings.

        Encoders and voices differ in their floors and ceilings, so that a raw cosine says little by itself. Undefined
        without both, and where the ceiling is not clearly above the floor (`likeness.is_clearly_above`): a voice of
        several speakers has no scale to be placed on.

        When not to trust it: where a voice has few clips, or the run few other voices. Floor and ceiling are means of a
        handful of cosines then, and their chance is in every value. It can be below 0 and above 1.
        """
        return known(evidence.likeness[encoder].sim_norm)

    return sim_norm
