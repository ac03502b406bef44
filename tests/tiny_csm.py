"""A random CSM of half a megabyte, written by transformers' own code and laid out like the published one."""

from pathlib import Path

import torch

CODEC = {
    "model_type": "mimi", "sampling_rate": 24_000, "frame_rate": 12.5, "num_quantizers": 4,
    "num_semantic_quantizers": 1,
    "codebook_size": 64, "codebook_dim": 16, "hidden_size": 32, "num_filters": 4, "num_residual_layers": 1,
    "upsampling_ratios": [8, 6, 5, 4], "vector_quantization_hidden_dimension": 16, "num_hidden_layers": 1,
    "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16, "intermediate_size": 32, "upsample_groups": 32,
    "sliding_window": 50,
}  # fmt: skip
TEMPLATE = (
    "{% for message in messages %}[{{ message['role'] }}]"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'text' %}{{ part['text'] }}<|eos|>"
    "{% else %}<|AUDIO|><|audio_eos|>{% endif %}"
    "{% endfor %}{% endfor %}"
)
SPECIAL = ["<|pad|>", "<|bos|>", "<|eos|>", "<|AUDIO|>", "<|audio_eos|>"]


def tokenizer():
    """Returns a tokenizer of bytes: every text has its own tokens, whatever the alphabet."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*SPECIAL, *alphabet])}
    plain = Tokenizer(models.BPE(vocabulary, []))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token="<|pad|>", bos_token="<|bos|>", eos_token="<|eos|>",
        additional_special_tokens=["<|AUDIO|>", "<|audio_eos|>"],
    )  # fmt: skip


def write(folder: Path, seed: int = 0) -> Path:
    """Writes the directory that `engine.weights` names."""
    from transformers import CsmConfig, CsmForConditionalGeneration, CsmProcessor, EncodecFeatureExtractor, set_seed

    words = tokenizer()
    audio, audio_eos = words.convert_tokens_to_ids(["<|AUDIO|>", "<|audio_eos|>"])
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
             "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 4096}  # fmt: skip
    # Codes are 0 to 63; 64 is the pad that the model must never speak, so none of its heads has a code for it.
    config = CsmConfig(
        **sizes, num_codebooks=4, vocab_size=64, text_vocab_size=len(words), codebook_pad_token_id=63,
        codebook_eos_token_id=0, pad_token_id=0, bos_token_id=1, audio_token_id=audio,
        audio_eos_token_id=audio_eos, codec_config=CODEC,
        depth_decoder_config={**sizes, "backbone_hidden_size": 32, "num_codebooks": 4, "vocab_size": 64},
    )  # fmt: skip
    set_seed(seed)
    model = CsmForConditionalGeneration(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1 and "codec_model" not in name:
                parameter.normal_(std=0.3)  # as trained ones are: neither deaf nor monotonous
        codec = model.codec_model
        for name, buffer in codec.named_buffers():
            if name.endswith("embed_sum"):  # all zeros at the start: every code would sound alike
                buffer.normal_()
        last = codec.decoder.layers[-1].conv
        last.weight *= 0.02
        last.bias.zero_()
    for settings in (model.generation_config, model.depth_decoder.generation_config):
        settings.do_sample = True
    model.save_pretrained(folder)
    CsmProcessor(
        feature_extractor=EncodecFeatureExtractor(sampling_rate=24_000), tokenizer=words, chat_template=TEMPLATE
    ).save_pretrained(folder)
    return folder
