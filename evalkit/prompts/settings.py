"""How a prompt is built: every decision is an axis of a sweep."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

CLIP_SECONDS = 30.0  # no clip gives more: it is the window of the transcribers that its words are checked with


@dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class PromptSettings:
    """How a prompt is built from a voice's prompt clips.

    Attributes:
        seconds: Target length; the prompt ends near it (see `cut`). None: all that there is.
        max_seconds: No prompt is longer, whatever there is; engines degrade or fail beyond 30 s.
        clips: At most this many clips are used. None: as many as are needed.
        order: `given` (the manifest's, or by file name), `sorted` by file name, `longest` first, or `best` first by
            `pieces.quality`.
        trim: Cut silence off both ends of each clip, never inside it.
        match_loudness: Bring all clips to the median of their loudness.
        gap_seconds: Silence between clips.
        crossfade_seconds: Overlap of neighbouring clips, instead of a gap.
        cut: Where the last clip may end, beside its own end: at a `word`, best where there is a pause; only at a
            `silence`; both only where what is heard before and after are the words that should be there. Or `hard`, at
            the very sample, its transcript left whole, as tools do that cut audio alone: there to measure the harm.
        tolerance: Share of the target length by which `cut=word` may miss it to end in a pause or with a clip.
        text: `given`: the user's words, else automatic ones; `automatic`: those an ASR hears, whatever is given;
            `closed_loop`: of several automatic candidates the one that clones best.
        corrupt: Share of the words that are replaced by wrong ones: there to measure what a bad transcript costs.
    """

    seconds: Annotated[float, Field(gt=0)] | None = None
    max_seconds: Annotated[float, Field(gt=0, le=120)] = 30.0
    clips: Annotated[int, Field(ge=1)] | None = None
    order: Literal["given", "sorted", "longest", "best"] = "given"
    trim: bool = False
    match_loudness: bool = False
    gap_seconds: Annotated[float, Field(ge=0, le=5)] = 0.2
    crossfade_seconds: Annotated[float, Field(ge=0, le=1)] = 0.0
    cut: Literal["word", "silence", "hard"] = "word"
    tolerance: Annotated[float, Field(ge=0, le=1)] = 0.1
    text: Literal["given", "automatic", "closed_loop"] = "given"
    corrupt: Annotated[float, Field(ge=0, le=1)] = 0.0

    @model_validator(mode="after")
    def _consistent(self) -> "PromptSettings":
        if self.seconds is not None and self.seconds > self.max_seconds:
            raise ValueError(f"seconds={self.seconds:g} is above max_seconds={self.max_seconds:g}; raise that too")
        if self.gap_seconds and self.crossfade_seconds:
            raise ValueError("a gap and a crossfade exclude each other; set gap_seconds=0 for a crossfade")
        return self
