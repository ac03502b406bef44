"""Names that people and corpora gave, as names that a folder and a file may have; one that is changed gets a digest."""

import re

from evalkit.digest import digest
from evalkit.errors import DataError
from evalkit.names import name_fault, shortened
from evalkit.voicefolders import HELD_OUT_FOLDER

KEPT = 40  # characters of a name that is changed
_UNSAFE = re.compile(r"[^\w.@+ ()'-]+")


def voice_name(speaker: str) -> str:
    """Returns the name of a speaker's voice: the speaker's own where that is a name, else one that no other gets."""
    hidden = speaker.startswith(".") or speaker == HELD_OUT_FOLDER
    return _changed(speaker, "speaker") if hidden or name_fault(speaker) else speaker


def clip_stem(stem: str) -> str:
    """Returns the name, without suffix, of a clip's file: the source's where that can be any file's."""
    is_safe = not _UNSAFE.search(stem) and not stem.startswith((".", " ", "-")) and name_fault(stem) is None
    return stem if is_safe else _changed(stem, "clip")


def language_code(language: str, where: str) -> str:
    """Returns the ISO 639 code of a language or a locale (`en`, `en_US`, `zh-CN`).

    Raises:
        DataError: It is none.
    """
    if found := re.fullmatch(r"([a-z]{2,3})([-_].*)?", language.strip().lower()):
        return found.group(1)
    raise DataError(f"{where}: the language {shortened(language)!r} is no code, as en or zh are; type --language CODE")


def _changed(name: str, otherwise: str) -> str:
    kept = _UNSAFE.sub("_", name)[:KEPT].strip("._ -'")
    while len(kept.encode()) > KEPT * 2:
        kept = kept[:-1]
    return f"{kept or otherwise}-{digest(name.encode(errors='backslashreplace').decode())[:8]}"
