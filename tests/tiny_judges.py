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


def whisper_hf(folder: Path) -> Path:
    """A Whisper with a vocabulary of bytes, and two languages."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperTokenizer,
    )

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = Tokenizer(models.BPE(vocab={letter: index for index, letter in enumerate(letters)}, merges=[]))
    tokens.pre_tokenizer, tokens.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    special = [
        "<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|translate|>", "<|transcribe|>",
        "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>",
    ]  # fmt: skip
    tokens.add_special_tokens(special)
    tokenizer = WhisperTokenizer(tokenizer_object=tokens, vocab=tokens.get_vocab(), merges=[])
    ids = {token: len(letters) + index for index, token in enumerate(special)}
    first = {"bos_token_id": ids["<|endoftext|>"], "eos_token_id": ids["<|endoftext|>"],
             "pad_token_id": ids["<|endoftext|>"], "decoder_start_token_id": ids["<|startoftranscript|>"]}  # fmt: skip
    config = WhisperConfig(
        vocab_size=len(ids) + len(letters), num_mel_bins=80, d_model=32, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32,
        max_target_positions=48, **first,
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    _enliven(model, std=0.6)
    model.generation_config = GenerationConfig(
        max_length=40, is_multilingual=True, lang_to_id={name: ids[name] for name in ("<|en|>", "<|de|>")},
        task_to_id={"translate": ids["<|translate|>"], "transcribe": ids["<|transcribe|>"]},
        no_timestamps_token_id=ids["<|notimestamps|>"], suppress_tokens=list(ids.values()),
        **first,
    )  # fmt: skip
    model.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=80).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _saved(model: torch.nn.Module, folder: Path, *, safetensors: bool = False) -> Path:
    """Saves weights as lively as trained ones, in the file and by the names that the published snapshots have."""
    _enliven(model, std=0.4)
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


def _enliven(model: torch.nn.Module, std: float) -> None:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=std, generator=generator)


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


def wavlm_large_sv(folder: Path) -> Path:
    """A checkpoint in the published layout, by the names and shapes that stand in it, with seven convolutions."""
    folder.mkdir()
    torch.save({"model": wavlm_large_tensors(**TINY_LARGE), "best_valid_eer": 0.5}, folder / "wavlm_large_finetune.pth")
    return folder


TINY_LARGE = {
    "conv": 12, "hidden": 24, "heads": 3, "layers": 3, "inner": 40, "groups": 4, "kernel": 10, "buckets": 32,
    "width": 32, "squeeze": 8, "pooled": 40, "attention": 8, "dimensions": 24, "classes": 5,
}  # fmt: skip
PUBLISHED_LARGE = {
    "conv": 512, "hidden": 1024, "heads": 16, "layers": 24, "inner": 4096, "groups": 16, "kernel": 128, "buckets": 320,
    "width": 512, "squeeze": 128, "pooled": 1536, "attention": 128, "dimensions": 256, "classes": 5994,
}  # fmt: skip


def wavlm_large_tensors(**sizes: int) -> dict[str, torch.Tensor]:
    """The tensors of `wavlm_large_finetune.pth`, random."""
    generator = torch.Generator().manual_seed(0)
    return {name: _lively(name, shape, generator) for name, shape in wavlm_large_shapes(**sizes).items()}


def wavlm_large_shapes(**sizes: int) -> dict[str, tuple[int, ...]]:
    """The names of the checkpoint's tensors, as its publishers have them, and their shapes."""
    shapes: dict[str, tuple[int, ...]] = {"feature_weight": (sizes["layers"] + 1,)}
    shapes |= {f"feature_extract.model.{name}": shape for name, shape in _wavlm_shapes(sizes).items()}
    return shapes | _head_shapes(sizes) | {"loss_calculator.projection.weight": (sizes["classes"], sizes["dimensions"])}


def _lively(name: str, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.tensor(7)
    drawn = torch.randn(shape, generator=generator)
    if name.endswith(("running_var", "weight_g")):
        return drawn.abs() + 0.5
    if drawn.dim() > 1:
        return drawn / drawn[0].numel() ** 0.5
    return 0.1 * drawn + (1.0 if name.endswith("weight") else 0.0)  # what is the same for all sounds stays small


def _wavlm_shapes(sizes: dict[str, int]) -> dict[str, tuple[int, ...]]:
    conv, hidden = sizes["conv"], sizes["hidden"]
    shapes: dict[str, tuple[int, ...]] = {"mask_emb": (hidden,)}
    for index, kernel in enumerate((10, 3, 3, 3, 3, 2, 2)):
        own = f"feature_extractor.conv_layers.{index}"
        shapes |= {f"{own}.0.weight": (conv, conv if index else 1, kernel)}
        shapes |= {f"{own}.2.1.weight": (conv,), f"{own}.2.1.bias": (conv,)}
    shapes |= _affine("layer_norm", conv) | _linear("post_extract_proj", conv, hidden)
    shapes |= {"encoder.pos_conv.0.bias": (hidden,), "encoder.pos_conv.0.weight_g": (1, 1, sizes["kernel"])}
    shapes |= {"encoder.pos_conv.0.weight_v": (hidden, hidden // sizes["groups"], sizes["kernel"])}
    for index in range(sizes["layers"]):
        own = f"encoder.layers.{index}"
        for name in ("k_proj", "v_proj", "q_proj", "out_proj"):
            shapes |= _linear(f"{own}.self_attn.{name}", hidden, hidden)
        shapes |= _linear(f"{own}.self_attn.grep_linear", hidden // sizes["heads"], 8)
        shapes |= {f"{own}.self_attn.grep_a": (1, sizes["heads"], 1, 1)}
        shapes |= _affine(f"{own}.self_attn_layer_norm", hidden) | _affine(f"{own}.final_layer_norm", hidden)
        shapes |= _linear(f"{own}.fc1", hidden, sizes["inner"]) | _linear(f"{own}.fc2", sizes["inner"], hidden)
    bias = {"encoder.layers.0.self_attn.relative_attention_bias.weight": (sizes["buckets"], sizes["heads"])}
    return shapes | bias | _affine("encoder.layer_norm", hidden)


def _head_shapes(sizes: dict[str, int]) -> dict[str, tuple[int, ...]]:
    width, pooled = sizes["width"], sizes["pooled"]
    shapes = _convolution("layer1.conv", sizes["hidden"], width, 5) | _batch_norm("layer1.bn", width)
    for own in ("layer2", "layer3", "layer4"):
        for name in ("Conv1dReluBn1", "Conv1dReluBn2"):
            shapes |= _convolution(f"{own}.{name}.conv", width, width, 1) | _batch_norm(f"{own}.{name}.bn", width)
        for index in range(7):
            shapes |= _convolution(f"{own}.Res2Conv1dReluBn.convs.{index}", width // 8, width // 8, 3)
            shapes |= _batch_norm(f"{own}.Res2Conv1dReluBn.bns.{index}", width // 8)
        shapes |= _linear(f"{own}.SE_Connect.linear1", width, sizes["squeeze"])
        shapes |= _linear(f"{own}.SE_Connect.linear2", sizes["squeeze"], width)
    shapes |= _convolution("conv", 3 * width, pooled, 1)
    shapes |= _convolution("pooling.linear1", pooled, sizes["attention"], 1)
    shapes |= _convolution("pooling.linear2", sizes["attention"], pooled, 1)
    return shapes | _batch_norm("bn", 2 * pooled) | _linear("linear", 2 * pooled, sizes["dimensions"])


def _affine(name: str, size: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}


def _linear(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _convolution(name: str, inputs: int, outputs: int, kernel: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs, kernel), f"{name}.bias": (outputs,)}


def _batch_norm(name: str, size: int) -> dict[str, tuple[int, ...]]:
    counted: dict[str, tuple[int, ...]] = {f"{name}.num_batches_tracked": ()}
    return _affine(name, size) | {f"{name}.running_mean": (size,), f"{name}.running_var": (size,)} | counted
