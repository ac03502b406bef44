"""Folders of voices: which of what lies there is a voice, a clip, the words of one; and what is none, said by name."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from evalkit.errors import DataError
from evalkit.names import has_words, shortened, text_fault
from evalkit.textfile import read_text

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif"})
UNREAD_SUFFIXES = frozenset({".m4a", ".aac", ".opus", ".wma", ".mp4", ".webm"})
READABLE = "WAV, FLAC, OGG"
HELD_OUT_FOLDER = "held_out"
MANIFEST = "voice.yaml"

Remark = Callable[[str], None]  # is told a sentence about what looks like a voice or a clip and is not read


def voice_folders(path: Path, remark: Remark) -> list[Path]:
    """Returns the folders that are meant as voices: those in `path`, or itself.

    Raises:
        DataError: No such folder, none in it, or it is not clear which.
    """
    if not path.is_dir():
        raise DataError(f"no folder of voices at {path}; give one with voices.path=DIR")
    folders = [child for child in _shown(path, remark) if child.is_dir() and child.name != HELD_OUT_FOLDER]
    voices = [folder for folder in folders if _is_meant(folder)]
    if _is_voice(path):
        if voices and not (path / MANIFEST).is_file():
            raise DataError(
                f"{path} has both clips ({_audio_files(path)[0].name}) and folders of clips ({voices[0].name}): "
                "move the clips into a folder of their own, so that it is clear which voices there are"
            )
        return [path]
    deeper = [inner for folder in folders if folder not in voices for inner in _voices_in(folder)]
    if not voices:
        raise DataError(_no_voice(path, deeper))
    for one in deeper:
        remark(f"{one} lies one level too deep to be a voice of {path}: move it up, or give voices.path={one.parent}")
    if _audio_files(path / HELD_OUT_FOLDER):
        remark(f"{path / HELD_OUT_FOLDER} belongs to no voice: it is not read")
    return voices


def listed(folder: Path) -> list[Path]:
    """Returns what is in a folder, sorted.

    Raises:
        DataError: There is no such folder, or it may not be read.
    """
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"cannot look into the folder {folder}: {error.strerror}") from error


def clip_files(folder: Path, remark: Remark) -> tuple[list[Path], list[Path]]:
    """Returns the files of a voice's prompt clips and of its held-out clips, each sorted by name.

    Raises:
        DataError: There is only audio that cannot be read.
    """
    held_out = folder / HELD_OUT_FOLDER
    unread = [*_files(folder, UNREAD_SUFFIXES), *_files(held_out, UNREAD_SUFFIXES)]
    if unread and not _audio_files(folder):
        raise DataError(f"{folder} has only audio that cannot be read; convert it to {READABLE}")
    for path in unread:
        remark(f"{path} is not read: convert it to {READABLE}")
    for path in [*_shown(folder, remark), *(_shown(held_out, remark) if held_out.is_dir() else [])]:
        if path.is_dir() and path != held_out and _is_meant(path):
            remark(f"{path} lies within the folder of a voice, so it is not read: move it beside {folder}")
    return _audio_files(folder), _audio_files(held_out)


def words_beside(audio: Path) -> str | None:
    """Returns the words that stand in the text file beside a clip; None where there is none, or nothing in it.

    Raises:
        DataError: It is no text, or no words.
    """
    path = audio.with_suffix(".txt")
    if not path.exists() and not path.is_symlink():
        return None
    return words(read_text(path, "words"), str(path))


def words(text: str | None, where: str) -> str | None:
    """Returns the words of a clip as they were written; None where nobody wrote any.

    Raises:
        DataError: They are nothing that can be spoken.
    """
    if text is None or not text.strip():
        return None
    if fault := text_fault(text):
        raise DataError(f"{where}: the text {fault}")
    if not has_words(text):
        raise DataError(
            f"{where}: {shortened(text.strip())!r} has no words; write those that are spoken, or leave the text out: "
            "then they are heard"
        )
    return text.strip()


def _no_voice(path: Path, deeper: Sequence[Path]) -> str:
    if _audio_files(path / HELD_OUT_FOLDER):
        return f"{path} has only held-out clips, none to prompt engines with: put others beside {HELD_OUT_FOLDER}"
    if deeper:
        return f"no voice in {path}, but one level deeper: {deeper[0]}; give voices.path={deeper[0].parent}"
    return (
        f"no voice in {path}: a voice is a folder with a {MANIFEST}, or with audio files "
        f"({', '.join(sorted(AUDIO_SUFFIXES))}) and a .txt beside each"
    )


def _shown(folder: Path, remark: Remark) -> Iterator[Path]:
    """Gives what is in a folder, sorted; hidden audio (macOS keeps `._NAME` beside files) is told of instead."""
    for path in listed(folder):
        if not path.name.startswith("."):
            yield path
        elif path.suffix.lower() in AUDIO_SUFFIXES or (path.is_dir() and _is_meant(path)):
            remark(f"{path} is hidden, so it is not read")


def _is_voice(folder: Path) -> bool:
    return (folder / MANIFEST).is_file() or bool(_audio_files(folder))


def _is_meant(folder: Path) -> bool:
    """Whether a folder is meant as a voice, be it one or not."""
    return _is_voice(folder) or bool(_audio_files(folder / HELD_OUT_FOLDER) or _files(folder, UNREAD_SUFFIXES))


def _voices_in(folder: Path) -> list[Path]:
    return [child for child in listed(folder) if not child.name.startswith(".") and _is_voice(child)]


def _audio_files(folder: Path) -> list[Path]:
    return _files(folder, AUDIO_SUFFIXES)


def _files(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    if not folder.is_dir():
        return []
    found = (path for path in listed(folder) if path.suffix.lower() in suffixes)
    return [path for path in found if not path.name.startswith(".")]
