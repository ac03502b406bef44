"""What a server says of itself, asked before anything runs: whether it is there, and which model it serves."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from evalkit.digest import Json
from evalkit.engines.http.faults import said, shown
from evalkit.errors import ServerError

SECONDS = 10.0  # to be there at all
MOST_BYTES = 1 << 20
WITHOUT_LIST = (404, 405, 501)  # what servers answer that do not list their models
# Others, such as `created`, change each time that a server starts, or is asked.
TELLING = ("id", "root", "parent", "owned_by", "version", "revision")


@dataclass(frozen=True)
class Address:
    """Where a server is, which of its models is wanted (None: the only one), and which variable has its token."""

    url: str
    model: str | None
    token_env: str | None

    def headers(self) -> dict[str, str]:
        """Returns what every request carries.

        Raises:
            ServerError: There is no such environment variable.
        """
        common = {"Accept-Encoding": "identity"}
        token = self.token()
        return {**common, "Authorization": f"Bearer {token}"} if token else common

    def token(self) -> str:
        """Returns the token; empty where none is asked for.

        Raises:
            ServerError: There is no such environment variable, or no header can carry what it holds.
        """
        if self.token_env is None:
            return ""
        token = os.environ.get(self.token_env, "").strip()
        if not token:
            raise ServerError(
                f"engine.token_env={self.token_env}: there is no such environment variable, or it is empty; "
                f"type: export {self.token_env}=..."
            )
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise ServerError(
                f"engine.token_env={self.token_env}: what it holds is no token: it has blanks or the like"
            )
        return token

    def without_token(self, text: str) -> str:
        """Returns a text of the server's without the token that it was sent."""
        token = os.environ.get(self.token_env or "", "").strip()
        return text.replace(token, "...") if token else text


@dataclass(frozen=True)
class Served:
    """A model that is served: its name as requests give it, and what the server says of it."""

    model: str | None
    facts: Mapping[str, Json]


def fault_of(url: str) -> str | None:
    """Returns what keeps an address from being a server's; None if nothing does."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  it raises where it is none
    except ValueError:
        return "is no address; expected one like http://localhost:8000"
    if parts.username is not None or parts.password is not None:
        return "has a user or a password in it, which would stand in reports; engine.token_env=NAME names a variable"
    if parts.query or parts.fragment:
        return "has more behind its path; further fields are engine.extra.NAME=VALUE"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return f"is no address; expected one like http://localhost:8000, got {shown(url)!r}"
    return None


_known: dict[Address, Served | ServerError] = {}


def known(address: Address) -> Served | ServerError:
    """Returns what a server said when it was first asked, or why it could not be."""
    if address not in _known:
        try:
            _known[address] = asked(address)
        except ServerError as error:
            _known[address] = error
    return _known[address]


def required(address: Address) -> Served:
    """Returns what a server said of itself.

    Raises:
        ServerError: It is not there, its certificate is wrong, it refuses, or it has no such model. It is asked again
            the next time.
    """
    found = known(address)
    if isinstance(found, ServerError):
        forget()
        raise found
    return found


def forget() -> None:
    """Lets every server be asked again."""
    _known.clear()


def asked(address: Address) -> Served:
    """Asks a server for its models.

    Raises:
        ServerError: See `required`.
    """
    import httpx

    try:
        with (
            httpx.Client(timeout=SECONDS) as client,
            client.stream("GET", f"{address.url}/v1/models", headers=address.headers()) as response,
        ):
            status, body = response.status_code, _bounded(response)
    except httpx.HTTPError as error:
        raise ServerError(_absence(address.url, error)) from error
    if status in WITHOUT_LIST:
        return Served(address.model, {})
    if status != 200:
        raise ServerError(address.without_token(_refused(address, status, body)))
    return _chosen(address, body)


def _bounded(response: Any) -> bytes:
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > MOST_BYTES:
            break
    return bytes(body)


def _absence(url: str, error: Exception) -> str:
    """Returns why a server could not be asked."""
    why = shown(str(error)) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in why:
        reason = why.partition("failed: ")[2].partition(" (_ssl")[0] or why
        return (
            f"engine.url={url}: the server's certificate is not to be trusted: {reason}; one of your own authority's: "
            "SSL_CERT_FILE=FILE before the command"
        )
    if "[SSL" in why:
        return f"engine.url={url}: the server does not speak TLS ({why}); is it http:// ?"
    return f"engine.url={url}: no server answers there ({why}); start it, or give its address: engine.url=URL"


def _refused(address: Address, status: int, body: bytes) -> str:
    where = f"engine.url={address.url}: the server answered {status} when asked for its models"
    if status in (401, 403):
        named = f"{address.token_env} holds no token that it takes" if address.token_env else "it wants a token"
        return f"{where}: {named}; a variable with one is named by engine.token_env=NAME ({said(body)})"
    return f"{where}: {said(body)}"


def _chosen(address: Address, body: bytes) -> Served:
    """Returns the model that is meant, of those that are listed."""
    try:
        listed = json.loads(body)["data"]
        entries = {str(entry["id"]): entry for entry in listed}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ServerError(
            f"engine.url={address.url}: what answers there is no speech server: /v1/models lists no models "
            f"({address.without_token(said(body))})"
        ) from error
    if not entries:
        return Served(address.model, {})
    names = shown(", ".join(list(entries)[:8]))
    if address.model is None and len(entries) > 1:
        raise ServerError(f"engine.url={address.url} serves several models, type engine.model=NAME; there are: {names}")
    model = address.model if address.model is not None else next(iter(entries))
    if model not in entries:
        raise ServerError(f"engine.model={model}: the server at {address.url} has no such model; it serves: {names}")
    return Served(model, _facts(entries[model]))


def _facts(entry: Mapping[str, Any]) -> dict[str, Json]:
    return {
        key: shown(entry[key]) if isinstance(entry[key], str) else entry[key]
        for key in TELLING
        if isinstance(entry.get(key), str | int | float)
    }
