"""A stand-in for Chroma: a thinker that chooses words, a backbone and a decoder that speak codes, a codec.

It has the published model's interface and its pitfalls: the backbone's audio embedding is missing from checkpoints, the
generation configuration is prepared with an argument that transformers dropped, three codes have no sound, and speech
whose first frame ends it cannot be decoded. It has one more, which older public copies have and the published code has
mended: it initialises its weights without asking whether they were loaded.
"""

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.generation import GenerationMixin
from transformers.modeling_outputs import CausalLMOutputWithPast

from .configuration_chroma import ChromaConfig

FRAME = 1920


class Thinker(nn.Module):
    """Repeats what stands between the last <|user|> and <|assistant|>, a token a call."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)

    def forward(self, input_ids):
        ids = input_ids[0].tolist()
        start = len(ids) - ids[::-1].index(self.config.user_token_id)
        end = ids.index(self.config.assistant_token_id, start)
        text, said = ids[start:end], len(ids) - end - 1
        if self.config.misreads:
            text = text[::-1]
        logits = torch.zeros(1, 1, self.config.vocab_size, device=input_ids.device)
        logits[0, 0, text[said] if said < len(text) else self.config.eos_token_id] = 1
        return CausalLMOutputWithPast(logits=logits)


class AudioEmbedding(nn.Module):
    """A vector for each code of each codebook."""

    def __init__(self, config):
        super().__init__()
        self.codes = config.codes
        self.embed_audio_tokens = nn.Embedding(config.codebooks * config.codes, config.hidden_size)

    def forward(self, codes):
        return self.embed_audio_tokens(codes + self.codes * torch.arange(codes.shape[-1], device=codes.device)).sum(-2)


class Backbone(nn.Module):
    """Follows the speech so far."""

    def __init__(self, config):
        super().__init__()
        self.audio_embedding = AudioEmbedding(config)
        self.cell = nn.GRUCell(config.hidden_size, config.hidden_size)


class Decoder(nn.Module):
    """Gives the chances of each codebook's codes."""

    def __init__(self, config):
        super().__init__()
        self.audio_embedding = AudioEmbedding(config)
        self.head = nn.Linear(config.hidden_size, config.codebooks * config.codes)


class ChromaGenerationMixin(GenerationMixin):
    """Prepares generation as the published code does."""

    def _prepare_generation_config(self, generation_config, use_model_defaults=None, **rest):
        return super()._prepare_generation_config(generation_config, use_model_defaults, **rest)


class ChromaForConditionalGeneration(PreTrainedModel, ChromaGenerationMixin):
    """The whole."""

    config_class = ChromaConfig
    base_model_prefix = "model"

    def __init__(self, config):
        super().__init__(config)
        self.thinker = Thinker(config)
        self.backbone = Backbone(config)
        self.decoder = Decoder(config)
        self.codec = nn.Embedding(config.codebooks * (config.codes - 3), FRAME)
        self.post_init()

    def _init_weights(self, module):
        if isinstance(module, nn.Embedding | nn.Linear):
            module.weight.data.normal_()

    def eval(self):
        if self.config.spoils_weights:
            self.decoder.head.weight.data.normal_()
        return super().eval()

    @torch.no_grad()
    def generate(
        self, thinker_input_ids, input_ids, input_values, input_values_cutoffs, output_audio=False,
        thinker_attention_mask=None, attention_mask=None, **sampling,
    ):  # fmt: skip
        """Returns one sound of shape (samples,) in a list."""
        sampling.pop("output_attentions")
        settings, _ = self._prepare_generation_config(None, **sampling)
        state = self._heard(input_ids, input_values)
        frames, spoken, token = [], thinker_input_ids, None
        while len(frames) < settings.max_new_tokens and token != self.config.eos_token_id:
            if len(frames) % 2 == 0:  # one word token for two frames
                token = int(self.thinker(input_ids=spoken).logits[0, -1].argmax())
                spoken = torch.cat([spoken, spoken.new_tensor([[token]])], dim=1)
            past = self.backbone.audio_embedding(frames[-1]) if frames else torch.zeros_like(state[0])
            word = self.thinker.embed_tokens(spoken.new_tensor(token))
            state = self.backbone.cell((past + word)[None], state)
            frames.append(self._frame(state, settings))
        if self.config.ends_at_once:
            frames = []
        return [self._decode(torch.stack(frames))]

    def _heard(self, input_ids, input_values):
        """The voice: the prompt's loudness as codes, and its words."""
        sound = input_values[0, 0].float()
        if self.config.longest_prompt is not None and len(sound) > self.config.longest_prompt * FRAME:
            raise IndexError("index out of range in self")
        levels = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME).square().mean(1).sqrt()
        codes = (levels * 400).long().clamp(0, self.config.codes - 4)[:, None].repeat(1, self.config.codebooks)
        words = self.thinker.embed_tokens(input_ids[0]).mean(0)
        return torch.tanh(words + self.backbone.audio_embedding(codes).mean(0))[None]

    def _frame(self, state, settings):
        logits = self.decoder.head(state)[0].reshape(self.config.codebooks, self.config.codes)
        if not settings.do_sample:
            return logits.argmax(-1)
        most = settings.top_k if self.config.strict_top_k else min(settings.top_k, self.config.codes)
        best = logits.topk(most)
        chances = torch.softmax(best.values.float() / settings.temperature, dim=-1)
        return best.indices.gather(1, torch.multinomial(chances, 1))[:, 0]

    def _decode(self, codes):
        if int(codes.max()) >= self.config.codes - 3:
            raise IndexError("index out of range in self")
        places = codes + (self.config.codes - 3) * torch.arange(self.config.codebooks, device=codes.device)
        return torch.tanh(self.codec(places).sum(1) * 0.1).reshape(-1)
