"""A random F5-TTS of 2 MB, laid out like published weights and loaded the same way."""

from pathlib import Path

import torch
import yaml
from safetensors.torch import save_file

ARCH = {"dim": 64, "depth": 2, "heads": 2, "ff_mult": 2, "text_dim": 32, "conv_layers": 1}
VOCODER = {
    "feature_extractor": {
        "class_path": "vocos.feature_extractors.MelSpectrogramFeatures",
        "init_args": {"sample_rate": 24_000, "n_fft": 1024, "hop_length": 256, "n_mels": 100, "padding": "center"},
    },
    "backbone": {
        "class_path": "vocos.models.VocosBackbone",
        "init_args": {"input_channels": 100, "dim": 32, "intermediate_dim": 64, "num_layers": 1},
    },
    "head": {"class_path": "vocos.heads.ISTFTHead", "init_args": {"dim": 32, "n_fft": 1024, "hop_length": 256}},
}


def write(folder: Path, seed: int = 0) -> Path:
    """Writes the directory that `engine.weights` names."""
    from f5_tts.model import CFM, DiT
    from f5_tts.model.utils import get_tokenizer
    from vocos import Vocos

    torch.manual_seed(seed)
    (folder / "vocos").mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump({"model": {"backbone": "DiT", "arch": ARCH}}))
    (folder / "vocab.txt").write_text(
        "\n".join(" abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,!?'-0123456789")
    )
    characters, size = get_tokenizer(str(folder / "vocab.txt"), "custom")
    mel = {"n_fft": 1024, "hop_length": 256, "win_length": 1024, "n_mel_channels": 100, "target_sample_rate": 24_000}
    model = CFM(
        transformer=DiT(**ARCH, text_num_embeds=size, mel_dim=100),
        mel_spec_kwargs={**mel, "mel_spec_type": "vocos"},
        vocab_char_map=characters,
    )
    for parameter in model.parameters():  # its zeros at the start would make it deaf to text and prompt
        torch.nn.init.normal_(parameter, std=0.1)
    weights = {f"ema_model.{name}": value for name, value in model.state_dict().items() if "mel_spec" not in name}
    save_file({name: value.contiguous() for name, value in weights.items()}, folder / "model.safetensors")
    (folder / "vocos/config.yaml").write_text(yaml.safe_dump(VOCODER))
    torch.save(Vocos.from_hparams(str(folder / "vocos/config.yaml")).state_dict(), folder / "vocos/pytorch_model.bin")
    return folder
