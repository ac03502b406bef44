"""Named text normalisers: alignments compare what they are given, so what counts as the same word is decided here.

`whisper` chooses by the language of the text; the other names are for protocols, and mean one thing in all languages.
"""

import unicodedata
import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import regex

from evalkit.digest import Json
from evalkit.errors import ConfigError
from evalkit.languages import Language, Languages, english, require_converter

Normalizer = Callable[[str], str]
BY_LANGUAGE = "whisper"
NORMALIZERS = (BY_LANGUAGE, "whisper_english", "whisper_basic", "seed_tts", "f5_tts", "none")
REMEMBERED = 10_000  # texts a normaliser: probes, prompts and right transcripts come again and again

_FORMAT = regex.compile(r"\p{Cf}")  # directions, joiners, borders of words: nothing of it is spoken
_MARKS = regex.compile(r"\p{M}+")
_STRAY = regex.compile(r"(?<![\p{L}\p{M}])\p{M}+")  # what is left of emoji and keycaps
_DIGIT = regex.compile(r"(?![0-9])\p{Nd}")


@cache
def normalizer(name: str, language: Language | None = None) -> Normalizer:
    """Returns a normaliser by name; it remembers the texts that it was last given.

    `whisper_english` and `whisper_basic` are those of the Whisper paper (appendix C), from `whisper-normalizer`:
    case, punctuation, and for English also spellings, contractions and numbers. `whisper` is the English one for
    English and `basic` for other languages. `seed_tts` is what seed-tts-eval does: no punctuation but apostrophes,
    lower case, Chinese in simplified signs; `f5_tts` what F5-TTS's evaluation does: no apostrophes either. `none` only
    folds white space.

    Args:
        name: One of `NORMALIZERS`.
        language: Of the texts; None: English.

    Raises:
        ConfigError: No such normaliser, or the package that Chinese needs is not here.
    """
    return _remembering(_named(name, language or english()))


@cache
def basic(language: Language) -> Normalizer:
    """Returns Whisper's basic normaliser, of other languages than English without what it spoils there.

    It takes vowels and tones that are marks (Thai, Hindi) for symbols and leaves holes in their words: marks on letters
    stay, or are dropped where writers leave them out at will (Arabic, Hebrew). Signs without sound (directions,
    joiners) go, digits of all scripts are 0 to 9, and Chinese is written in the script of `languages.yaml`.
    """
    if language.entry.normalizer == "whisper_english":
        return _remembering(_whisper_basic())
    return _remembering(_basic(language))


def meant_by(name: str, language: Language) -> str:
    """Returns the name of what a normaliser does to texts of a language: `whisper` is one of two."""
    return language.entry.normalizer if name == BY_LANGUAGE else name


@dataclass(frozen=True)
class Comparing:
    """How texts are compared: the normaliser by name, and the table of languages."""

    normalizer: str
    languages: Languages

    def normaliser(self, language: str) -> Normalizer:
        """Returns what texts in a language are normalised by."""
        return normalizer(self.normalizer, self.languages[language])

    def identity(self, codes: Collection[str]) -> dict[str, Json]:
        """Returns what scores of texts in some languages depend on, as a report has it.

        Of texts in English alone, `whisper` is what `whisper_english` is, and is called so.
        """
        meant = {meant_by(self.normalizer, self.languages[code]) for code in codes}
        languages = self.languages.identity(codes)
        return {
            "normalizer": "whisper_english" if meant == {"whisper_english"} else self.normalizer,
            **({"languages": languages} if languages else {}),
        }


def _remembering(normalise: Normalizer) -> Normalizer:
    return lru_cache(REMEMBERED)(_then_fold(normalise))


def _named(name: str, language: Language) -> Normalizer:
    """Returns what a normaliser does to a text before white space is folded."""
    if name not in NORMALIZERS:
        raise ConfigError(f"no normalizer {name!r}; available: {', '.join(NORMALIZERS)}")
    if name == "none":
        return str
    if name == "seed_tts":
        return _seed_tts if language.code != "zh" else _in_script(_seed_tts, language)
    if name == "f5_tts":
        return lambda text: _seed_tts(text).replace("'", "")
    if name == "whisper_basic":
        return _whisper_basic()
    if name == BY_LANGUAGE and language.entry.normalizer != "whisper_english":
        return _basic(language)
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()  # type: ignore[no-any-return]


def _whisper_basic(*, preserve_marks: bool = False) -> Normalizer:
    from whisper_normalizer.basic import BasicTextNormalizer

    return BasicTextNormalizer(preserve_marks=preserve_marks)  # type: ignore[no-any-return]


def _basic(language: Language) -> Normalizer:
    whisper = _whisper_basic(preserve_marks=True)
    dropped = _MARKS if language.entry.marks == "drop" else _STRAY

    def normalise(text: str) -> str:
        said = dropped.sub("", whisper(_FORMAT.sub("", text)))
        return str(_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit.group())), said))

    return _in_script(normalise, language)


def _in_script(normalise: Normalizer, language: Language) -> Normalizer:
    """Returns a normaliser that writes Chinese in the language's script at the end, if it is to be one."""
    script = language.entry.script
    if script is None:
        return normalise
    require_converter(language.code)
    convert = _converter()
    return lambda text: convert(normalise(text), script)


@cache
def _converter() -> Callable[[str, str], str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for setuptools' old pkg_resources first
        import zhconv
    zhconv.loaddict(str(Path(zhconv.__file__).with_name("zhcdict.json")))  # by itself it leaves the file open
    return zhconv.convert  # type: ignore[no-any-return]


def _seed_tts(text: str) -> str:
    kept = (sign for sign in text if sign == "'" or not unicodedata.category(sign).startswith(("P", "S")))
    return "".join(kept).lower()


def _then_fold(normalise: Normalizer) -> Normalizer:
    return lambda text: " ".join(normalise(text).split())
