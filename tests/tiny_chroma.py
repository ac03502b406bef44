"""A random stand-in of Chroma on disk: remote code of ours and weights, loaded the way the published snapshot is."""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from tests import tiny_csm

CODE = Path(__file__).with_name("chroma_standin")
FILES = ("configuration_chroma.py", "modeling_chroma.py", "processing_chroma.py")
TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>"
    "{% for part in message['content'] %}{{ part['text'] }}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def write(folder: Path, seed: int = 0, *, missing_codes: bool = False, **settings: bool | int) -> Path:
    """Writes the directory that `engine.weights` names; with `missing_codes`, one whose codes have no sound."""
    from tests.chroma_standin.configuration_chroma import ChromaConfig
    from tests.chroma_standin.modeling_chroma import ChromaForConditionalGeneration

    tokenizer = tiny_csm.tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|system|>", "<|user|>", "<|assistant|>"]})
    tokenizer.chat_template = TEMPLATE
    user, assistant, end = tokenizer.convert_tokens_to_ids(["<|user|>", "<|assistant|>", "<|eos|>"])
    config = ChromaConfig(
        user_token_id=user, assistant_token_id=assistant, eos_token_id=end, architectures=["Chroma"],
        auto_map={"AutoConfig": "configuration_chroma.ChromaConfig",
                  "AutoModelForCausalLM": "modeling_chroma.ChromaForConditionalGeneration"},
        **settings,
    )  # fmt: skip
    torch.manual_seed(seed)
    model = ChromaForConditionalGeneration(config)
    bias = model.decoder.head.bias.data.view(config.codebooks, config.codes)
    bias[:, -3:] = 1e4 if missing_codes else -1e4
    folder.mkdir(parents=True)
    weights = {name: value for name, value in model.state_dict().items() if not name.startswith("backbone.audio")}
    save_file({name: value.contiguous() for name, value in weights.items()}, folder / "model.safetensors")
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    auto_map = {"AutoProcessor": "processing_chroma.ChromaProcessor"}
    described = {"processor_class": "ChromaProcessor", "auto_map": auto_map}
    (folder / "processor_config.json").write_text(json.dumps(described))
    for name in FILES:
        shutil.copy(CODE / name, folder)
    return folder
