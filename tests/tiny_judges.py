"""Tiny random judges on disk, laid out like the published ones."""

import json
from pathlib import Path

import torch

FRONT = {"conv_dim": [16] * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2}
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, **FRONT}
EXTRACTOR = {
    "feature_extractor_type": "Wav2Vec2FeatureExtractor", "do_normalize": True, "feature_size": 1,
    "padding_side": "right", "padding_value": 0.0, "return_attention_mask": True, "sampling_rate": 16_000,
}  # fmt: skip
LETTERS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ETAONIHSRDLUMWCFGYPBVK'XJQZ"]
ECAPA = """
n_mels: 80
pretrained_path: nobody/there-is-no-such-repository
out_n_neurons: 3
compute_features: !new:speechbrain.lobes.features.Fbank
    n_mels: !ref <n_mels>
mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
    std_norm: False
embedding_model: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
    input_size: !ref <n_mels>
    channels: [16, 16, 16, 16, 48]
    kernel_sizes: [5, 3, 3, 3, 1]
    dilations: [1, 2, 3, 4, 1]
    attention_channels: 16
    lin_neurons: 24
classifier: !new:speechbrain.lobes.models.ECAPA_TDNN.Classifier
    input_size: 24
    out_neurons: !ref <out_n_neurons>
mean_var_norm_emb: !new:speechbrain.processing.features.InputNormalization
    norm_type: global
    std_norm: False
modules:
    compute_features: !ref <compute_features>
    mean_var_norm: !ref <mean_var_norm>
    embedding_model: !ref <embedding_model>
    mean_var_norm_emb: !ref <mean_var_norm_emb>
    classifier: !ref <classifier>
label_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        embedding_model: !ref <embedding_model>
        mean_var_norm_emb: !ref <mean_var_norm_emb>
        classifier: !ref <classifier>
        label_encoder: !ref <label_encoder>
    paths:
        embedding_model: !ref <pretrained_path>/embedding_model.ckpt
        mean_var_norm_emb: !ref <pretrained_path>/mean_var_norm_emb.ckpt
        classifier: !ref <pretrained_path>/classifier.ckpt
        label_encoder: !ref <pretrained_path>/label_encoder.txt
"""


def ecapa(folder: Path) -> Path:
    from hyperpyyaml import load_hyperpyyaml

    folder.mkdir()
    (folder / "hyperparams.yaml").write_text(ECAPA)
    torch.manual_seed(0)
    made = load_hyperpyyaml(ECAPA)
    for name in ("embedding_model", "classifier"):
        torch.save(made[name].state_dict(), folder / f"{name}.ckpt")
    made["mean_var_norm_emb"]._save(folder / "mean_var_norm_emb.ckpt")
    made["label_encoder"].update_from_iterable(["ann", "ben", "cat"])
    made["label_encoder"].save(folder / "label_encoder.txt")
    return folder


def wavlm_sv(folder: Path) -> Path:
    from transformers import WavLMConfig, WavLMForXVector

    config = WavLMConfig(**SIZES, tdnn_dim=[16] * 4 + [32], xvector_output_dim=24, num_labels=3)
    return _saved(WavLMForXVector(config), folder)


def hf_ctc(folder: Path, architecture: str = "Hubert") -> Path:
    import transformers

    config = getattr(transformers, f"{architecture}Config")(**SIZES, vocab_size=len(LETTERS), pad_token_id=0)
    _saved(getattr(transformers, f"{architecture}ForCTC")(config), folder, safetensors=architecture != "Hubert")
    (folder / "vocab.json").write_text(json.dumps({letter: index for index, letter in enumerate(LETTERS)}))
    tokens = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    (folder / "special_tokens_map.json").write_text(json.dumps(tokens))
    settings = {**tokens, "word_delimiter_token": "|", "do_lower_case": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def _saved(model: torch.nn.Module, folder: Path, *, safetensors: bool = False) -> Path:
    """Saves weights as lively as trained ones, in the file and by the names that the published snapshots have."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=0.4, generator=generator)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(EXTRACTOR))
    if not safetensors:
        (folder / "model.safetensors").unlink()
        old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
        state = model.state_dict()
        for new, name in old.items():
            state = {key.replace(new, name): value for key, value in state.items()}
        torch.save(state, folder / "pytorch_model.bin")
    return folder


class Opinion(torch.nn.Module):
    """An opinion that depends on all samples, and on whether they were whole numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.filters = torch.nn.Conv1d(1, 4, 400, stride=160)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        if waveform.dtype == torch.int16:
            waveform = waveform.float() / 32768.0
        return 3.0 + torch.tanh(self.filters(waveform.unsqueeze(1)).abs().mean(dim=[1, 2]))


def utmos(folder: Path) -> Path:
    folder.mkdir()
    torch.manual_seed(0)
    torch.jit.script(Opinion()).save(str(folder / "utmos.jit"))
    return folder
