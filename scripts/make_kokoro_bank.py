"""Makes the bank of engine=kokoro: a GE2E embedding of each English Kokoro voice that is no speaker of the demo.

python -m evalkit fetch kokoro_int8 kokoro_voices ge2e && python scripts/make_kokoro_bank.py
"""

import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
from kokoro_onnx import Kokoro

from evalkit.audio import Audio
from evalkit.engines.kokoro import ACCENTS, BANK, DEMO_SPEAKERS, read_style
from evalkit.judges.ge2e import GE2E
from evalkit.weights.assets import library

SENTENCES = (
    "The water in the old stone well was clear, cold, and deeper than anyone had guessed.",
    "Which of these three roads would you choose if you had only an hour of daylight left?",
    "Jasper thanked the driver, picked up his heavy bag, and vanished into the crowd.",
)


def main() -> None:
    """Writes names, shape (16,), and embeddings, shape (16, 256), each the unit mean over the sentences."""
    names = sorted(Path(file).stem for file in library().get("kokoro_voices").files)
    names = [name for name in names if name not in DEMO_SPEAKERS]
    session = onnxruntime.InferenceSession(
        str(library().file("kokoro_int8", "model.onnx")), providers=["CPUExecutionProvider"]
    )
    with tempfile.NamedTemporaryFile(suffix=".npz") as voices:  # Kokoro wants a file of voices, though we give styles
        np.savez(voices, unused=np.zeros(1))
        voices.flush()
        speaker = Kokoro.from_session(session, voices.name)
    rows = []
    for name in names:
        style = read_style(library().file("kokoro_voices", f"{name}.bin"))
        spoken = [speaker.create(text, style, lang=ACCENTS[name[0]]) for text in SENTENCES]
        mean = GE2E().embed([Audio(samples, rate) for samples, rate in spoken]).mean(axis=0)
        rows.append(mean / np.linalg.norm(mean))
        print(name)
    np.savez(BANK, names=np.array(names), embeddings=np.stack(rows).astype(np.float32))


if __name__ == "__main__":
    main()
