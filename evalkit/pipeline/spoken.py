"""Whether a plan's languages can be spoken and heard: our own words for them, and transcribers that know them."""

from collections.abc import Iterable, Sequence

from evalkit.errors import ConfigError
from evalkit.judges.base import Transcriber
from evalkit.languages import Languages
from evalkit.probes import ProbeSet
from evalkit.prompts import PromptSettings
from evalkit.voices import Voice


def require_words(languages: Languages, voices: Iterable[Voice], ways: Sequence[PromptSettings]) -> None:
    """Does nothing if the table has our own words where a way of building prompts asks for them.

    Raises:
        ConfigError: It has none in a voice's language.
    """
    loops, corrupts = any(way.text == "closed_loop" for way in ways), any(way.corrupt for way in ways)
    for code in dict.fromkeys(voice.language for voice in voices):
        entry = languages[code].entry
        if loops and not entry.phrases:
            raise _lacking("prompt.text=closed_loop", code, "phrases", 1)
        if corrupts and len(entry.wrong_words) < 2:
            raise _lacking("prompt.corrupt", code, "wrong_words", 2)


def _lacking(asked: str, code: str, key: str, least: int) -> ConfigError:
    return ConfigError(
        f"{asked} speaks {key.replace('_', ' ')} of ours, and there are none in the language {code!r}; write {least} "
        f"or more: '+languages.{code}.{key}=[...]' (docs/languages.md)"
    )


def require_transcribers(
    asr: Transcriber, probes: ProbeSet, ears: Iterable[Transcriber], voices: Iterable[Voice]
) -> None:
    """Does nothing if the judge knows the languages of texts and the ears those of voices.

    Raises:
        ConfigError: One does not, as far as can be told before it is loaded.
    """
    _require("judge.asr", asr, (probe.language for probe in probes.probes), "the probes; take judge/asr=whisper_base")
    spoken = [voice.language for voice in voices]
    for one in ears:
        _require("ears", one, spoken, "the voices; take ears=auto")


def _require(where: str, transcriber: Transcriber, codes: Iterable[str], whose: str) -> None:
    if wrong := [code for code in dict.fromkeys(codes) if not transcriber.knows_language(code)]:
        raise ConfigError(
            f"{where}: {transcriber.name} with these weights does not know the language {wrong[0]!r} of {whose}, or "
            "other languages"
        )
