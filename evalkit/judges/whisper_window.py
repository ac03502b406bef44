"""One window of Whisper, several audios at a time: what faster-whisper's `transcribe` does to an audio's first window.

faster-whisper decodes one file after the other, always over 30 s. Here audios share a call, and the window may be cut
to the audio. An audio that one window does not settle gets None, not a guess: the caller decodes it anew.
"""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.tokenizer import Tokenizer

Window = Literal["full", "fitted"]

RATE = 16_000
FRAMES_PER_SECOND = 100
FULL_FRAMES = 3000
# Silence after the audio in a fitted window; with too little, Whisper repeats itself. Of 100 utterances (the demo's and
# f5-tts's recordings, and parts and pairs of them; Whisper base, beam 5) `_sound` refused this many, and once those
# were decoded anew this share of words differed from the full window's, punctuation left aside:
#   0.5 s: 13 (0.29 %)   1 s: 10 (0.17 %)   2 s: 4 (0.46 %)   3 s: 1 (0.29 %)   4 s: 0 (0.29 %)   5 s: 0 (0.23 %)
#   6 s, 8 s: 0 (0.29 %)   10 s: 0 (0.23 %)
MARGIN_SECONDS = 5.0
# The defaults of faster-whisper's `transcribe`, which published scores rest on.
MAX_LENGTH = 448
MAX_INITIAL_TIMESTAMP = 50  # steps of 0.02 s
NO_SPEECH = 0.6
SURE_LOGPROB = -1.0
REPETITIVE = 2.4  # characters per byte of their zlib compression
# A fitted window that says more is decoded anew: fast speech has some 7 tokens a second, a loop has no end.
TOKENS_PER_SECOND, SPARE_TOKENS = 12, 30
SHORTEST_PHRASE = 3  # tokens; said twice in a row, they are taken for the start of a loop


@dataclass(frozen=True, eq=False)
class Snippet:
    """What is to be transcribed.

    Attributes:
        samples: Shape (n,), 16 kHz.
        language: ISO 639-1 code.
        seconds: Length of the audio that it was made from.
    """

    samples: NDArray[np.float32]
    language: str
    seconds: float

    @property
    def frames(self) -> int:
        """Feature frames that its sound covers."""
        return len(self.samples) * FRAMES_PER_SECOND // RATE


@dataclass(frozen=True)
class Heard:
    """What one window settled: the text, and the most probable language if that was asked for."""

    text: str
    language: tuple[str, float] | None


@dataclass(frozen=True)
class Decoding:
    """How to decode.

    Attributes:
        beam_size: Hypotheses kept.
        window: `full` is 30 s, `fitted` the audio and a margin, in whole seconds.
        tell_language: Also say which language is heard.
    """

    beam_size: int
    window: Window
    tell_language: bool

    def window_frames(self, snippet: Snippet) -> int:
        """Returns the window's length, by the snippet alone: no transcript depends on its neighbours.

        A snippet of more than 30 s, which no window covers, gets its own length.
        """
        if self.window == "full" or snippet.frames > FULL_FRAMES:
            return max(FULL_FRAMES, snippet.frames)
        seconds = math.ceil(snippet.frames / FRAMES_PER_SECOND + MARGIN_SECONDS)
        return min(seconds * FRAMES_PER_SECOND, FULL_FRAMES)

    def max_length(self, frames: int) -> int:
        """Returns CTranslate2's `max_length` for a window; it lets the text have half of it."""
        if frames == FULL_FRAMES:
            return MAX_LENGTH
        seconds = frames / FRAMES_PER_SECOND - MARGIN_SECONDS
        return min(MAX_LENGTH, 2 * (SPARE_TOKENS + round(TOKENS_PER_SECOND * seconds)))


def groups(snippets: Sequence[Snippet], decoding: Decoding, size: int) -> list[list[int]]:
    """Returns the indices of snippets that can share a call, the longest windows first."""
    by_frames: dict[int, list[int]] = {}
    for index, snippet in enumerate(snippets):
        by_frames.setdefault(decoding.window_frames(snippet), []).append(index)
    return [
        indices[start : start + size]
        for _, indices in sorted(by_frames.items(), reverse=True)
        for start in range(0, len(indices), size)
    ]


def hear(model: "WhisperModel", snippets: Sequence[Snippet], decoding: Decoding) -> list[Heard | None]:
    """Returns what is said in snippets whose windows are equally long; None where one window does not settle it."""
    frames = decoding.window_frames(snippets[0])
    encoded = model.encode(np.stack([_features(model, snippet, frames) for snippet in snippets]))
    tokenizers = [_tokenizer(model, snippet.language) for snippet in snippets]
    limit = decoding.max_length(frames)
    results = model.model.generate(
        encoded,
        [tokenizer.sot_sequence for tokenizer in tokenizers],
        beam_size=decoding.beam_size,
        max_length=limit,
        return_scores=True,
        return_no_speech_prob=True,
        suppress_tokens=_suppressed(tokenizers[0]),
        max_initial_timestamp_index=MAX_INITIAL_TIMESTAMP,
    )
    languages = _languages(model, encoded, decoding, len(snippets))
    heard: list[Heard | None] = []
    for snippet, tokenizer, result, language in zip(snippets, tokenizers, results, languages, strict=True):
        text = _text(result, tokenizer, snippet)
        if text is not None and frames < FULL_FRAMES and not _sound(result, tokenizer, limit // 2):
            text = None
        heard.append(None if text is None else Heard(text, language))
    return heard


def _features(model: "WhisperModel", snippet: Snippet, frames: int) -> NDArray[np.float32]:
    """Returns features of shape (bands, frames): those that the sound covers, then zeros, as faster-whisper pads."""
    features: NDArray[np.float32] = model.feature_extractor(snippet.samples)[:, : snippet.frames]
    return np.pad(features, ((0, 0), (0, frames - features.shape[1]))).astype(np.float32)


def _tokenizer(model: "WhisperModel", language: str) -> "Tokenizer":
    from faster_whisper.tokenizer import Tokenizer

    return Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language)


def _suppressed(tokenizer: "Tokenizer") -> list[int]:
    """Returns what `transcribe` suppresses: signs that nobody speaks, and tokens that are no text."""
    special = (tokenizer.transcribe, tokenizer.translate, tokenizer.sot, tokenizer.sot_prev, tokenizer.sot_lm)
    return sorted({*tokenizer.non_speech_tokens, *special, tokenizer.no_speech})


def _languages(
    model: "WhisperModel", encoded: Any, decoding: Decoding, count: int
) -> Sequence[tuple[str, float] | None]:
    if not decoding.tell_language or not model.model.is_multilingual:
        return [None] * count
    return [(str(best[0][0])[2:-2], float(best[0][1])) for best in model.model.detect_language(encoded)]


def _logprob(result: Any) -> float:
    count = len(result.sequences_ids[0])
    return float(result.scores[0]) * count / (count + 1)  # the score is a mean over the text without its end


def _text(result: Any, tokenizer: "Tokenizer", snippet: Snippet) -> str | None:
    """Returns the window's text; None if `transcribe` would go on behind the last timestamp."""
    if snippet.frames == 0 or (result.no_speech_prob > NO_SPEECH and _logprob(result) <= SURE_LOGPROB):
        return ""
    tokens, first = list(result.sequences_ids[0]), tokenizer.timestamp_begin
    cuts = [at for at in range(1, len(tokens)) if tokens[at] >= first and tokens[at - 1] >= first]
    if not cuts:
        return str(tokenizer.decode(tokens))
    if len(tokens) >= 2 and tokens[-2] < first <= tokens[-1]:
        cuts.append(len(tokens))
    elif 2 * (tokens[cuts[-1] - 1] - first) < snippet.frames:  # a timestamp is two frames
        return None
    slices = [tokens[start:end] for start, end in zip([0, *cuts], cuts, strict=False)]
    return "".join(tokenizer.decode(part) for part in slices if part[0] != part[-1])


def _sound(result: Any, tokenizer: "Tokenizer", limit: int) -> bool:
    """Tells whether a fitted window's text can be trusted: Whisper is sure of it, and it is no loop."""
    tokens = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
    text = tokenizer.decode(tokens).strip().encode()
    return (
        len(result.sequences_ids[0]) < limit
        and _logprob(result) > SURE_LOGPROB
        and len(text) <= REPETITIVE * len(zlib.compress(text))
        and not _says_twice(tokens)
    )


def _says_twice(tokens: Sequence[int]) -> bool:
    return any(
        tokens[at : at + size] == tokens[at + size : at + 2 * size]
        for size in range(SHORTEST_PHRASE, len(tokens) // 2 + 1)
        for at in range(len(tokens) - 2 * size + 1)
    )
