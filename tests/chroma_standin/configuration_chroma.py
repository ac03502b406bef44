"""Configuration of the stand-in."""

from transformers import PretrainedConfig


class ChromaConfig(PretrainedConfig):
    """Sizes, and the two misfortunes that real weights have now and then."""

    model_type = "chroma_standin"

    def __init__(
        self, vocab_size=300, hidden_size=32, codebooks=4, codes=67, ends_at_once=False, misreads=False, **rest
    ):
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.codebooks = codebooks
        self.codes = codes  # of which the codec lacks the last three
        self.ends_at_once = ends_at_once
        self.misreads = misreads
        super().__init__(**rest)
