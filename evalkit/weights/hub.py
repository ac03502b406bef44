"""The model hub as a source of weights: pinned, resumable, and with its refusals explained.

Everything goes through the hub's own client, so its settings (token, mirror, `HF_HUB_OFFLINE`) work as users know them.
"""

import fnmatch
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evalkit.digest import digest
from evalkit.errors import FetchError
from evalkit.weights.assets import AssetFile, Part, Snapshot


def listing(snapshot: Snapshot, revision: str | None) -> tuple[str, dict[str, AssetFile]]:
    """Returns the commit of a snapshot and its files, with the hashes that the hub tells.

    Args:
        snapshot: The repository.
        revision: The commit that an earlier fetch found, if there was one.

    Raises:
        FetchError: The hub refused.
    """
    from huggingface_hub import HfApi

    repository, _, wanted = snapshot.hub.partition("@")
    with _explained(repository):
        info = HfApi().model_info(repository, revision=revision or wanted, files_metadata=True)
    commit = info.sha or wanted
    wanted_files = [
        file
        for file in info.siblings or []
        if any(fnmatch.fnmatch(file.rfilename, pattern) for pattern in snapshot.only)
    ]
    parts = {file.rfilename: Part(file.rfilename, hub=f"{repository}@{commit}") for file in wanted_files}
    hashes = {file.rfilename: file.lfs.sha256 for file in wanted_files if file.lfs}  # the hub knows large files' only
    return commit, {
        file.rfilename: AssetFile((parts[file.rfilename],), hashes.get(file.rfilename), file.size)
        for file in wanted_files
    }


def download(part: Part, folder: Path) -> Path:
    """Returns a file of a repository below `folder`; what an earlier try left there is not downloaded again.

    The client's own `hf_hub_download` starts each file anew, which for gigabytes over a poor line never ends.

    Raises:
        FetchError: The hub refused, or the connection broke.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    repository, _, revision = part.source.partition("@")
    with _explained(f"{repository} ({part.member})"):
        url = hf_hub_url(repository, part.member, revision=revision)
        facts = get_hf_file_metadata(url)
        path = folder / digest({"url": url, "etag": facts.etag})
        folder.mkdir(parents=True, exist_ok=True)
        path.touch()
        with path.open("r+b") as file:
            http_get(
                url,
                file,
                resume_size=file.seek(0, os.SEEK_END),
                headers=build_hf_headers(),
                expected_size=facts.size,
                displayed_filename=part.member,
            )
        return path


@contextmanager
def _explained(what: str) -> Iterator[None]:
    import httpx
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    try:
        yield
    except GatedRepoError as error:
        raise FetchError(
            f"{what}: the model hub keeps it behind a licence: accept that on the model's page, "
            "then set HF_TOKEN to a token of the account that accepted it"
        ) from error
    except RepositoryNotFoundError as error:
        raise FetchError(f"{what}: the model hub has no such repository, or HF_TOKEN may not read it") from error
    except OfflineModeIsEnabled as error:
        raise FetchError(f"{what}: HF_HUB_OFFLINE forbids asking the model hub; unset it") from error
    except (HfHubHTTPError, LocalEntryNotFoundError, httpx.HTTPError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise FetchError(
            f"{what}: the model hub gave nothing: {reason}; the same command goes on where it stopped"
        ) from error
