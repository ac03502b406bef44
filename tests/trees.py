"""Small real sources of each kind: whistled recordings, laid out, named and encoded as the corpora have them."""

import csv
import io
import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import soundfile
import yaml

from evalkit.engines.tone import whistle
from evalkit.resources import resource

DEMO = resource("probes/voices/demo")
SPEAKERS = {"84": "female_us", "174": "male_us", "251": "female_gb"}  # numbers that LibriSpeech's dev-clean has too
HUMS = {"male_us": 120.0, "male_gb": 170.0, "female_us": 230.0, "female_gb": 300.0}
NOISE = 0.002  # whistles of one hum are copies, but for what is heard beside them


@dataclass(frozen=True)
class Clip:
    stem: str
    samples: np.ndarray
    rate: int
    words: str

    def encoded(self, suffix):
        target = io.BytesIO()
        soundfile.write(target, self.samples, self.rate, format=suffix)
        return target.getvalue()

    def write(self, path):
        """Writes it in the format of the path's suffix."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.encoded(path.suffix[1:].upper()))


@cache
def clips_of(voice):
    """Returns eleven recordings of 1.6 to 2.5 seconds: the sentences of a demo voice, whistled."""
    manifest = yaml.safe_load((DEMO / voice / "voice.yaml").read_text())
    return [whistled(Path(clip["file"]).stem, clip["text"], HUMS[voice]) for clip in manifest["clips"]]


def whistled(stem, words, hum):
    audio = whistle(words, hum)
    chance = np.random.default_rng(int(sha256(f"{words}{hum}".encode()).hexdigest()[:8], 16))
    samples = audio.samples + chance.normal(0, NOISE, len(audio.samples)).astype(np.float32)
    return Clip(stem, samples, audio.sample_rate, words)


def files(root: Path) -> Path:
    for name, voice in {"ann": "female_us", "ben": "male_us"}.items():
        for clip in clips_of(voice):
            clip.write(root / name / f"{clip.stem}.wav")
            (root / name / f"{clip.stem}.txt").write_text(clip.words)
    return root


def flat_files(root: Path) -> Path:
    for name, voice in {"ann": "female_us", "ben": "male_us"}.items():
        for clip in clips_of(voice):
            clip.write(root / f"{name}_{clip.stem}.flac")
    return root


def librispeech(root: Path) -> Path:
    """Speaker 84 has three chapters, 174 two, 251 one."""
    chapters = {"84": (121123, 121123, 121123, 121550, 121550, 121990), "174": (50561, 84280), "251": (118436,)}
    for number, voice in SPEAKERS.items():
        for at, clip in enumerate(clips_of(voice)):
            chapter = chapters[number][at % len(chapters[number])]
            folder, name = root / "dev-clean" / number / str(chapter), f"{number}-{chapter}-{at:04}"
            clip.write(folder / f"{name}.flac")
            with (folder / f"{number}-{chapter}.trans.txt").open("a") as file:
                file.write(f"{name} {clip.words.upper().replace('.', '').replace(',', '')}\n")
    (root / "SPEAKERS.TXT").write_text(
        "; Some pipe(|) separated metadata about all the speakers\n"
        ";ID  |SEX| SUBSET           |MINUTES| NAME\n"
        "84   | F | dev-clean        |  8.02 | Christie Nowak\n"
        "174  | M | dev-clean        |  8.04 | Peter Eastman\n"
    )
    return root / "dev-clean"


def libritts(root: Path) -> Path:
    for number, voice in SPEAKERS.items():
        for at, clip in enumerate(clips_of(voice)):
            chapter = 121123 + at % 2
            path = root / "dev-clean" / number / str(chapter) / f"{number}_{chapter}_{at:06}_000000.wav"
            clip.write(path)
            path.with_suffix(".normalized.txt").write_text(clip.words)
            path.with_suffix(".original.txt").write_text(clip.words)
        (root / "dev-clean" / number / "121123" / f"{number}_121123.trans.tsv").write_text("x\ty\tz\n")
    (root / "speakers.tsv").write_text("READER\tGENDER\tSUBSET\tNAME\n84\tF\tdev-clean\tChristie Nowak\n")
    return root


def vctk(root: Path) -> Path:
    for number, voice in {"p225": "female_gb", "p226": "male_gb"}.items():
        for at, clip in enumerate(clips_of(voice), start=1):
            for microphone in (1, 2):
                name = f"{number}_{at:03}_mic{microphone}.flac"
                clip.write(root / "wav48_silence_trimmed" / number / name)
            (root / "txt" / number).mkdir(parents=True, exist_ok=True)
            (root / "txt" / number / f"{number}_{at:03}.txt").write_text(f"{clip.words}\n")
    (root / "speaker-info.txt").write_text(
        "ID  AGE  GENDER  ACCENTS  REGION COMMENTS \np225  23  F    English    Southern  England\n"
        "p226  22  M    English    Surrey\n"
    )
    return root


def table_rows():
    for name, voice in {"ann": "female_us", "ben": "male_us"}.items():
        for clip in clips_of(voice):
            row = {"audio": f"wavs/{name}/{clip.stem}.flac", "text": clip.words, "speaker": name, "language": "en"}
            yield clip, {**row, "licence": "CC0-1.0", "source": "made for a test"}


def table(root: Path, suffix: str = "csv") -> Path:
    rows = list(table_rows())
    for clip, row in rows:
        clip.write(root / row["audio"])
    path = root / f"metadata.{suffix}"
    with path.open("w", newline="") as file:
        if suffix == "jsonl":
            file.writelines(json.dumps(row) + "\n" for _, row in rows)
        else:
            writer = csv.DictWriter(file, list(rows[0][1]))
            writer.writeheader()
            writer.writerows(row for _, row in rows)
    return path


def seed_tts(root: Path) -> Path:
    """Ann's prompt has two recordings of texts, Ben's has one."""
    lines = []
    for name, voice, count in (("ann", "female_us", 2), ("ben", "male_us", 1)):
        prompt, *others = clips_of(voice)
        prompt.write(root / "en/prompt-wavs" / f"common_voice_en_{name}.wav")
        for clip in others[:count]:
            recording = f"wavs/common_voice_en_{name}-{clip.stem}.wav"
            clip.write(root / "en" / recording)
            lines.append(
                f"{name}-{clip.stem}|{prompt.words}|prompt-wavs/common_voice_en_{name}.wav|{clip.words}|{recording}"
            )
    path = root / "en/non_para_reconstruct_meta.lst"
    path.write_text("\n".join(lines) + "\n")
    return path


def dataset_rows():
    for name, voice in {"ann": "female_us", "ben": "male_us"}.items():
        for at, clip in enumerate(clips_of(voice)):
            audio = {"bytes": clip.encoded("WAV"), "path": f"{name}-{at}.wav"}
            yield {"audio": audio, "sentence": clip.words, "speaker_id": name, "chapter_id": at % 3, "locale": "en_us"}


def dataset(root: Path) -> Path:
    import datasets

    rows = list(dataset_rows())
    features = datasets.Features(
        {
            "audio": datasets.Audio(decode=False),
            "sentence": datasets.Value("string"),
            "speaker_id": datasets.ClassLabel(names=["ann", "ben"]),
            "chapter_id": datasets.Value("int64"),
            "locale": datasets.Value("string"),
        }
    )
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    datasets.disable_progress_bars()
    datasets.Dataset.from_dict(columns, features=features).save_to_disk(root)
    return root
