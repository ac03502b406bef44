"""The stand-in's processor: a conversation and a prompt become tensors."""

import torch
from transformers import BatchFeature, ProcessorMixin


class ChromaProcessor(ProcessorMixin):
    """Takes what the published one takes, and reads prompts through torchaudio as that does."""

    attributes = ["tokenizer"]  # noqa: RUF012
    tokenizer_class = "AutoTokenizer"

    def __init__(self, tokenizer=None, chat_template=None):
        super().__init__(tokenizer, chat_template=chat_template)

    def __call__(self, conversations, prompt_audio, prompt_text, return_tensors, **template):
        text = self.tokenizer.apply_chat_template(conversations, **template)
        thinker = self.tokenizer(text, return_tensors=return_tensors, add_special_tokens=False)
        words = self.tokenizer(prompt_text, return_tensors=return_tensors)
        sounds = [self.load_audio(audio) for audio in prompt_audio]
        return BatchFeature(
            {
                **{f"thinker_{key}": value for key, value in thinker.items() if key != "token_type_ids"},
                **{key: value for key, value in words.items() if key != "token_type_ids"},
                "input_values": torch.nn.utils.rnn.pad_sequence(sounds, batch_first=True).unsqueeze(1),
                "input_values_cutoffs": torch.tensor([len(sound) for sound in sounds]),
            }
        )

    def load_audio(self, path, target_sample_rate=24_000):
        import torchaudio

        samples, rate = torchaudio.load(path)
        return torchaudio.functional.resample(samples.mean(0), rate, target_sample_rate)
