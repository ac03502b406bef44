"""Named text normalisers: jiwer compares what it is given, so what counts as the same word is decided here."""

import unicodedata
from collections.abc import Callable
from functools import cache

from evalkit.errors import ConfigError

Normalizer = Callable[[str], str]
NORMALIZERS = ("whisper_english", "whisper_basic", "seed_tts", "none")
WITHOUT_SPACES = frozenset({"zh", "yue", "ja", "th", "lo", "my", "km"})  # there words cannot be told, only characters


@cache
def normalizer(name: str) -> Normalizer:
    """Returns a normaliser by name.

    `whisper_english` and `whisper_basic` are those of the Whisper paper (appendix C), from `whisper-normalizer`:
    case, punctuation, and for English also spellings, contractions and numbers. `seed_tts` is what seed-tts-eval does:
    no punctuation but apostrophes, lower case. `none` only folds white space.

    Raises:
        ConfigError: No such normaliser.
    """
    if name == "none":
        return _fold_space
    if name not in NORMALIZERS:
        raise ConfigError(f"no normalizer {name!r}; available: {', '.join(NORMALIZERS)}")
    if name == "seed_tts":
        return _seed_tts
    if name == "whisper_english":
        from whisper_normalizer.english import EnglishTextNormalizer

        return _then_fold(EnglishTextNormalizer())
    from whisper_normalizer.basic import BasicTextNormalizer

    return _then_fold(BasicTextNormalizer())


def _seed_tts(text: str) -> str:
    kept = (sign for sign in text if sign == "'" or not unicodedata.category(sign).startswith(("P", "S")))
    return _fold_space("".join(kept).lower())


def _then_fold(normalise: Normalizer) -> Normalizer:
    return lambda text: _fold_space(normalise(text))


def _fold_space(text: str) -> str:
    return " ".join(text.split())
