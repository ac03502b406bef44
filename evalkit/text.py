"""Named text normalisers: alignments compare what they are given, so what counts as the same word is decided here."""

import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache

from evalkit.errors import ConfigError

Normalizer = Callable[[str], str]
NORMALIZERS = ("whisper_english", "whisper_basic", "seed_tts", "f5_tts", "none")
WITHOUT_SPACES = frozenset({"zh", "yue", "ja", "th", "lo", "my", "km"})  # there words cannot be told, only characters
REMEMBERED = 10_000  # texts a normaliser: probes, prompts and right transcripts come again and again


@cache
def normalizer(name: str) -> Normalizer:
    """Returns a normaliser by name; it remembers the texts that it was last given.

    `whisper_english` and `whisper_basic` are those of the Whisper paper (appendix C), from `whisper-normalizer`:
    case, punctuation, and for English also spellings, contractions and numbers. `seed_tts` is what seed-tts-eval does:
    no punctuation but apostrophes, lower case; `f5_tts` what F5-TTS's evaluation does: no apostrophes either. `none`
    only folds white space.

    Raises:
        ConfigError: No such normaliser.
    """
    return lru_cache(REMEMBERED)(_then_fold(_named(name)))


def _named(name: str) -> Normalizer:
    """Returns what a normaliser does to a text before white space is folded."""
    if name not in NORMALIZERS:
        raise ConfigError(f"no normalizer {name!r}; available: {', '.join(NORMALIZERS)}")
    if name == "none":
        return str
    if name == "seed_tts":
        return _seed_tts
    if name == "f5_tts":
        return lambda text: _seed_tts(text).replace("'", "")
    if name == "whisper_english":
        from whisper_normalizer.english import EnglishTextNormalizer

        return EnglishTextNormalizer()  # type: ignore[no-any-return]
    from whisper_normalizer.basic import BasicTextNormalizer

    return BasicTextNormalizer()  # type: ignore[no-any-return]


def _seed_tts(text: str) -> str:
    kept = (sign for sign in text if sign == "'" or not unicodedata.category(sign).startswith(("P", "S")))
    return "".join(kept).lower()


def _then_fold(normalise: Normalizer) -> Normalizer:
    return lambda text: " ".join(normalise(text).split())
