"""The kinds of sources there are, and which of them a path is."""

from pathlib import Path

from evalkit.corpora import dataset, folder, libri, seed_tts, table, vctk
from evalkit.corpora.base import Kind
from evalkit.errors import ConfigError
from evalkit.voicefolders import listed

KINDS: dict[str, Kind] = {  # those that look at the most come first: a folder of files is what nothing else is
    kind.name: kind
    for kind in (table.KIND, seed_tts.KIND, dataset.KIND, libri.LIBRISPEECH, libri.LIBRITTS, vctk.KIND, folder.KIND)
}


def kind_of(path: Path, name: str | None) -> Kind:
    """Returns the kind that was named, else the one that a path looks like.

    Raises:
        ConfigError: There is no such kind, nothing at the path, or it looks like none.
    """
    if not path.exists():
        raise ConfigError(f"there is nothing at {path}")
    if name is not None:
        if name not in KINDS:
            raise ConfigError(f"--kind {name}: there is no such kind; there are: {', '.join(KINDS)}")
        return KINDS[name]
    if found := next((kind for kind in KINDS.values() if kind.recognises(path)), None):
        return found
    if path.is_dir() and not listed(path):
        raise ConfigError(f"the folder {path} is empty")
    known = "; ".join(f"{kind.name}: {kind.about}" for kind in KINDS.values())
    raise ConfigError(f"{path} looks like no source that is known; say which it is: --kind NAME. {known}")
