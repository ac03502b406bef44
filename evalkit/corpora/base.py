"""The seam of the corpora: a source gives speakers, a speaker gives takes; what becomes of them is the same for all.

Listing opens no audio: a take says where its sound lies, and only those that may be chosen are looked into.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evalkit.errors import DataError
from evalkit.textfile import read_text
from evalkit.voicefolders import Remark, listed
from evalkit.voices import Use

Bytes = Callable[[], bytes]  # of an audio file that lies within another


@dataclass(frozen=True, slots=True)
class Take:
    """One recording of a speaker, as a source has it.

    Attributes:
        key: Tells it from the speaker's others, wherever the source lies: it decides its place in the order.
        audio: The file, or what gives the bytes of one.
        session: Takes of one session are cuts of one recording, or were made in one sitting.
        where: What messages call it.
        text: Its words; None where nobody wrote them down.
        use: For prompts or held out, where the source says.
    """

    key: str
    audio: Path | Bytes
    session: str
    where: str
    text: str | None = None
    use: Use | None = None


@dataclass(frozen=True)
class Speaker:
    """One speaker of a source.

    Attributes:
        id: As the source has it; see `naming.voice_name`.
        takes: Lists the recordings; asked only of those that may become a voice.
        about: What is known of the speaker (sex, name), for the source line of a voice.
        language: ISO 639-1 code; None where nobody says.
        licence: Of the recordings; None where nobody says.
    """

    id: str
    takes: Callable[[], list[Take]]
    about: str = ""
    language: str | None = None
    licence: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Source:
    """What was typed about a source.

    Attributes:
        path: The folder or file.
        root: Recordings must lie within this folder, links followed.
        columns: Names of columns (audio, text, speaker, ...) that were given, of a table or a data set.
        split: The part of a data set that is wanted; None: its only one.
        remark: Is told what is not read, and why.
    """

    path: Path
    root: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    split: str | None = None
    remark: Remark = lambda _: None


@dataclass(frozen=True)
class Kind:
    """A kind of source.

    Attributes:
        name: What `--kind` takes.
        about: What it looks like, in a line.
        recognises: Whether a path looks like one; looks at few files.
        speakers: Gives the speakers, in any order, each once.
        session: What a session is called there.
        licence: Of every recording; None where that differs, or nobody says.
        source: Where it comes from; None: the path says it.
    """

    name: str
    about: str
    recognises: Callable[[Path], bool]
    speakers: Callable[[Source], Iterator[Speaker]]
    session: str = "recording"
    licence: str | None = None
    source: str | None = None


def within(root: Path, path: Path, where: str) -> Path:
    """Returns where a recording really lies.

    Raises:
        DataError: There is no such file, or it lies outside of `root`.
    """
    try:
        real = path.resolve()
        is_file = real.is_file()
    except (OSError, ValueError, RuntimeError) as error:  # a loop of links, a NUL, a name too long
        raise DataError(f"{where}: {str(path)!r} is no path: {error}") from error
    if not real.is_relative_to(root.resolve()):
        raise DataError(
            f"{where}: {path} leads out of {root}; if that is meant, name the folder in which all recordings lie: "
            "--root DIR"
        )
    if not is_file:
        raise DataError(f"{where}: no audio file at {path}")
    return real


def words_at(source: Source, path: Path) -> str | None:
    """Returns what a text file of a source says; None where there is none.

    Raises:
        DataError: It is no text, or lies outside of the source's root, links followed.
    """
    if not path.exists() and not path.is_symlink():
        return None
    if not path.resolve().is_relative_to(source.root.resolve()):
        raise DataError(f"{path} leads out of {source.root}, so it is not read; if that is meant, type --root DIR")
    return read_text(path, "words")


def folders(path: Path) -> list[Path]:
    """Returns the folders in a folder that are not hidden, sorted by name.

    Raises:
        DataError: There is no such folder, or it may not be read.
    """
    return [child for child in listed(path) if child.is_dir() and not child.name.startswith(".")]
