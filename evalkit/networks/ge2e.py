"""The GE2E d-vector of Wan et al., "Generalized End-to-End Loss for Speaker Verification" (2018).

Weights are Resemblyzer's. Speech is cut into overlapping windows of 1.6 s; the embedding is the mean over windows.
"""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalkit.audio import Audio
from evalkit.networks.frames import samples_at, unit_rows, windows
from evalkit.weights.assets import library
from evalkit.weights.loading import explained, refuse_missing

if TYPE_CHECKING:
    import torch
    from torch import nn

ASSET = "ge2e"
RATE = 16_000
WINDOW, HOP, BANDS = 400, 160, 40  # 25 ms, 10 ms
FRAMES = 160  # frames in a window of 1.6 s
STEP = 77  # frames between windows: 1.3 windows a second
MIN_COVERAGE = 0.75  # a last window with less speech than this is left out
LOUDNESS = 10 ** (-30 / 20)  # rms that quieter speech is raised to


def embedding(audio: Audio) -> NDArray[np.float32]:
    """Returns the embedding of speech of any length, shape (256,), unit length: the mean over windows of 30 s."""
    parts = [d_vector(part) for part in windows(samples_at(audio, RATE, least_seconds=0.1), RATE)]
    unit: NDArray[np.float32] = unit_rows(np.mean(unit_rows(np.stack(parts)), axis=0)[None])[0]
    return unit


def d_vector(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the embedding of speech, shape (256,), not scaled; `samples` have shape (n,) and 16 kHz."""
    import torch

    with torch.inference_mode():
        vector: NDArray[np.float32] = _embed_windows(network(), _windows(samples)).mean(axis=0)
    return vector


def _embed_windows(network: "nn.ModuleDict", windows: "torch.Tensor") -> NDArray[np.float32]:
    """Maps mel windows of shape (n, 160, 40) to unit embeddings of shape (n, 256)."""
    _, (hidden, _) = network["lstm"](windows)
    return unit_rows(network["linear"](hidden[-1]).relu().numpy())


def _windows(given: NDArray[np.float32]) -> "torch.Tensor":
    import torch

    samples = _raised(given)
    frames = int(np.ceil((len(samples) + 1) / HOP))
    starts = list(range(0, max(1, frames - FRAMES + STEP + 1), STEP))
    if len(starts) > 1 and (len(samples) - starts[-1] * HOP) / (FRAMES * HOP) < MIN_COVERAGE:
        starts.pop()
    padding = max(0, (starts[-1] + FRAMES) * HOP - len(samples))
    mel = _mel(torch.tensor(np.pad(samples, (0, padding))))
    return torch.stack([mel[start : start + FRAMES] for start in starts])


def _raised(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    rms = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
    return samples * np.float32(max(1.0, LOUDNESS / max(rms, 1e-9)))


def _mel(samples: "torch.Tensor") -> "torch.Tensor":
    """Returns the mel power spectrogram (not its logarithm), shape (frames, 40)."""
    import torch
    from torchaudio.functional import melscale_fbanks

    spectrum = torch.stft(
        samples, WINDOW, HOP, window=torch.hann_window(WINDOW), center=True, pad_mode="constant", return_complex=True
    )
    filters = melscale_fbanks(WINDOW // 2 + 1, 0.0, RATE / 2, BANDS, RATE, norm="slaney", mel_scale="slaney")
    mel: torch.Tensor = (spectrum.abs() ** 2).T @ filters
    return mel


@cache
def network() -> "nn.ModuleDict":
    """Returns the network with its published weights."""
    import torch
    from torch import nn

    network = nn.ModuleDict({"lstm": nn.LSTM(BANDS, 256, 3, batch_first=True), "linear": nn.Linear(256, 256)})
    path = library().file(ASSET, "pretrained.pt")
    with explained(path.parent, "the encoder"):
        state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
        # The training loss left its own two numbers in the file.
        own = {key: value for key, value in state.items() if not key.startswith("similarity_")}
        found = network.load_state_dict(own, strict=False)
    refuse_missing(path.parent, found.missing_keys, found.unexpected_keys, ())
    return network.eval()
