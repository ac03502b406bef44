"""evalkit: evidence for tuning zero-shot voice cloning engines."""

__version__ = "0.1.0"
