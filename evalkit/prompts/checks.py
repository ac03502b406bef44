"""Where text and audio disagree."""

from evalkit.languages import Language, english

SUSPICIOUS_WER = 0.3


def warnings(text: str, seconds: float, error_rate: float | None, language: Language | None = None) -> list[str]:
    """Returns what is suspicious about a text of `seconds` of audio; `error_rate` is its WER against what was heard.

    No language is English.
    """
    spoken = language or english()
    rate = len(spoken.parted(text)) / seconds if seconds else 0.0
    slowest, fastest = spoken.entry.read
    found = []
    if not slowest <= rate <= fastest:
        found.append(f"{rate:.1f} words per second, expected {slowest:g} to {fastest:g}: too much or too little text")
    if error_rate is not None and error_rate > SUSPICIOUS_WER:
        found.append(f"WER {error_rate:.2f} against what was heard, expected {SUSPICIOUS_WER:g} or less: wrong words")
    return found
