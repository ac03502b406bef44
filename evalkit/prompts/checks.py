"""Where text and audio disagree."""

SLOWEST, FASTEST = 1.0, 5.5  # words per second of speech that people read aloud
SUSPICIOUS_WER = 0.3


def warnings(text: str, seconds: float, error_rate: float | None) -> list[str]:
    """Returns what is suspicious about a text of `seconds` of audio; `error_rate` is its WER against what was heard."""
    rate = len(text.split()) / seconds if seconds else 0.0
    found = []
    if not SLOWEST <= rate <= FASTEST:
        found.append(f"{rate:.1f} words per second, expected {SLOWEST:g} to {FASTEST:g}: too much or too little text")
    if error_rate is not None and error_rate > SUSPICIOUS_WER:
        found.append(f"WER {error_rate:.2f} against what was heard, expected {SUSPICIOUS_WER:g} or less: wrong words")
    return found
