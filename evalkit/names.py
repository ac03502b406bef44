"""Names and texts from outside: which signs they may have, and how any of them reaches a terminal.

Data stays as it is in files; only what a person reads on a terminal is escaped (`visible`).
"""

import re

LONGEST_NAME = 100  # characters
LONGEST_NAME_BYTES = 200  # with a digest and a suffix it still is a file name
LONGEST_PART_BYTES = 255  # of a path: file systems take no more
LONGEST_TEXT = 200_000  # characters: four hours of speech

# Control characters, halves of a surrogate pair (what Python makes of bytes that are no UTF-8), signs that turn the
# direction of what follows, and separators that some programs take for the end of a line.
_CONTROL = "\x00-\x1f\x7f-\x9f\u2028\u2029"
_HALVES = "\ud800-\udfff"
_DIRECTION = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSHOWN = re.compile(f"(?![\n\t])[{_CONTROL}{_HALVES}{_DIRECTION}]")
_NOT_IN_NAMES = re.compile(f"[{_CONTROL}{_HALVES}{_DIRECTION}]")
_NOT_IN_PATHS = re.compile(f"[{_CONTROL}{_HALVES}]")
_NOT_IN_TEXTS = re.compile(f"(?![\n\r\t\u2028\u2029])[{_CONTROL}{_HALVES}]")

_LOGIN = re.compile(r"(?<=://)[^/\s'\"<>]*@")
_SECRET = re.compile(r"([?&][^=&\s]*(?:password|passwd|token|secret|key)[^=&\s]*=)[^&\s'\"<>]*", re.IGNORECASE)


def visible(text: str) -> str:
    """Returns a text as a terminal may show it: whatever would steer it is escaped, line ends and tabs are kept."""
    return _UNSHOWN.sub(lambda found: ascii(found.group())[1:-1], text)


def without_credentials(text: str) -> str:
    """Returns a text whose addresses have no `user:password@` and no value of a parameter such as `token`."""
    return _SECRET.sub(r"\1...", _LOGIN.sub("", text))


def name_fault(name: str) -> str | None:
    """Returns what keeps a name (of a voice, a probe, an engine) from being one; None if nothing does."""
    if not name.strip() or name in {".", ".."}:
        return "is no name"
    if name != name.strip():
        return "begins or ends with white space"
    if found := re.search(r"[/\\]", name):
        return f"has a {found.group()!r}, as paths have"
    if fault := _sign_fault(_NOT_IN_NAMES.search(name)):
        return fault
    if len(name) > LONGEST_NAME or len(name.encode()) > LONGEST_NAME_BYTES:
        return (
            f"is too long: {len(name)} characters in {len(name.encode())} bytes, "
            f"{LONGEST_NAME} in {LONGEST_NAME_BYTES} are allowed"
        )
    return None


def path_fault(path: str) -> str | None:
    """Returns what keeps a written path from being one; None if nothing does."""
    if fault := _sign_fault(_NOT_IN_PATHS.search(path)):
        return fault
    longest = max(path.split("/"), key=lambda part: len(part.encode()))
    if len(longest.encode()) > LONGEST_PART_BYTES:
        return f"has a part of {len(longest.encode())} bytes, file systems take {LONGEST_PART_BYTES}"
    return None


def text_fault(text: str) -> str | None:
    """Returns what keeps a text from being spoken words that can be kept; None if nothing does."""
    if fault := _sign_fault(_NOT_IN_TEXTS.search(text)):
        return fault
    if len(text) > LONGEST_TEXT:
        return f"is too long: {len(text)} characters, {LONGEST_TEXT} are allowed"
    return None


def has_words(text: str) -> bool:
    """Whether there is anything in a text that can be said: a letter or a digit."""
    return any(sign.isalnum() for sign in text)


def shortened(text: str, length: int = 60) -> str:
    """Returns a text that a message quotes, its middle left out if it is long."""
    half = (length - 5) // 2
    return text if len(text) <= length else f"{text[:half]} ... {text[-half:]}"


def _sign_fault(found: re.Match[str] | None) -> str | None:
    if found is None:
        return None
    if re.match(f"[{_HALVES}]", found.group()):
        return f"is no UTF-8 (at character {found.start() + 1})"
    return f"has the control character U+{ord(found.group()):04X} (at character {found.start() + 1})"
