"""What can go wrong between a speech server and its answer, each by a name of its own, in words for a row.

A server's words are somebody else's: they are cut, made visible, and the token that was sent is taken out of them.
"""

import json
import re
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from evalkit.engines.decoding import EmptyAnswerError, NoAudioError
from evalkit.errors import SynthesisError
from evalkit.names import shortened, visible

SHOWN = 300  # characters of a server's message
UNNAMED = ("application/octet-stream", "binary/octet-stream", "")  # types that say nothing
EVENTS_ADVICE = "events are not read here; bytes are what stream_format=audio asks for, where a server has it"


class ServerRefusedError(SynthesisError):
    """The server says that the request is wrong (4xx), or sends it elsewhere (3xx)."""


class ServerFailedError(SynthesisError):
    """The server says that it is at fault (5xx).

    Attributes:
        wait: Seconds after which it wants to be asked again; None: it does not say.
    """

    wait: float | None = None


class ServerBusyError(ServerFailedError):
    """The server has too much to do (429)."""


class ServerLostError(SynthesisError):
    """The connection could not be made, or broke before the answer was whole."""


class ServerSlowError(SynthesisError):
    """No whole answer came in time."""


class ServerChangedError(SynthesisError):
    """The server serves another model than when the run was planned."""


def refusal(status: int, body: bytes, retry_after: str | None) -> SynthesisError:
    """Returns the error of a status that is not 200, in the server's words."""
    told = f"the server answered {status}: {said(body)}"
    if status == 429 or status >= 500:
        error = ServerBusyError(told) if status == 429 else ServerFailedError(told)
        error.wait = _seconds(retry_after)
        return error
    return ServerRefusedError(told)


def check_type(content_type: str, body: bytes) -> None:
    """Does nothing if an answer with the status 200 can be sound, by what it says of itself.

    Raises:
        EmptyAnswerError: There is nothing in it.
        NoAudioError: It is a message, a page or something else.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        raise EmptyAnswerError("the server answered 200, and nothing with it")
    if kind.startswith("audio/") or kind in UNNAMED:
        return
    if kind == "application/json":
        raise NoAudioError(f"the server answered 200 with a message in place of sound: {said(body)}")
    if kind == "text/html":
        raise NoAudioError(f"the server answered 200 with a web page, {title(body)}: is engine.url a speech server's?")
    if kind == "text/event-stream":
        raise NoAudioError(f"the server answered with events (text/event-stream): {EVENTS_ADVICE}")
    raise NoAudioError(f"the server answered 200 with {shown(kind)}, expected audio")


def said(body: bytes) -> str:
    """Returns the message in a server's answer, on one line."""
    text = body.decode(errors="replace")
    try:
        text = _message(json.loads(text)) or text
    except (ValueError, RecursionError):
        if "<html" in text[:1_000].lower():
            text = f"a web page, {title(body)}"
    return shown(text) or "no message"


def title(body: bytes) -> str:
    """Returns what a web page calls itself."""
    found = re.search(r"<title[^>]*>([^<]{1,200})", body[:20_000].decode(errors="replace"), re.IGNORECASE)
    return repr(shown(found.group(1))) if found else "without a title"


def shown(text: str) -> str:
    """Returns somebody else's text as a message quotes it: one line, not long, nothing that steers a terminal."""
    return shortened(visible(" ".join(text[: 10 * SHOWN].split())), SHOWN)


def _message(told: Any) -> str | None:
    """Returns the words in an error as OpenAI-style servers put it, or FastAPI."""
    error = told.get("error", told) if isinstance(told, dict) else told
    if not isinstance(error, dict):
        return str(error)
    words = error.get("message") or error.get("detail") or error.get("msg")
    marks = [str(error[key]) for key in ("type", "param", "code") if error.get(key) not in (None, "")]
    if words is None:
        return None
    return f"{words} ({', '.join(marks)})" if marks else str(words)


def _seconds(retry_after: str | None) -> float | None:
    """Returns the seconds that a `Retry-After` asks for: they stand there, or a date does."""
    if retry_after is None:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after.strip()[:9])
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time())
    except (TypeError, ValueError, OverflowError):
        return None
