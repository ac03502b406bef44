"""Configuration of the stand-in."""

from transformers import PretrainedConfig


class ChromaConfig(PretrainedConfig):
    """Sizes, and misfortunes: those that real weights have now and then, and code that spoils what it loaded."""

    model_type = "chroma_standin"

    def __init__(
        self, vocab_size=300, hidden_size=32, codebooks=4, codes=67, ends_at_once=False, misreads=False,
        spoils_weights=False, strict_top_k=False, longest_prompt=None, **rest,
    ):  # fmt: skip
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.codebooks = codebooks
        self.codes = codes  # of which the codec lacks the last three
        self.ends_at_once = ends_at_once
        self.misreads = misreads
        self.spoils_weights = spoils_weights
        self.strict_top_k = strict_top_k  # as the published code's own sampling is
        self.longest_prompt = longest_prompt  # frames
        super().__init__(**rest)
