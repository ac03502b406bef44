"""Requests in flight to one server: sent side by side, each measured from its sending, asked again where it says so.

They live in an event loop in a thread of its own, so that they go on while the run keeps what came before, and so that
all of them can be dropped at once.
"""

import asyncio
import random
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Any

from evalkit.engines.decoding import MOST_BYTES, NoAudioError, TooLongError
from evalkit.engines.http.dialects import Body
from evalkit.engines.http.faults import (
    ServerBusyError,
    ServerFailedError,
    ServerLostError,
    ServerSlowError,
    check_type,
    refusal,
    shown,
)
from evalkit.engines.http.served import SECONDS, Address

if TYPE_CHECKING:
    from httpx import AsyncClient, Response

MOST_MESSAGE = 1 << 16  # bytes of an error
FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0  # seconds before a request is made again
ENDING = 5.0  # seconds that dropping what is in flight may take


@dataclass(frozen=True)
class Terms:
    """How requests are made.

    Attributes:
        address: Of the server.
        path: Behind it.
        timeout_seconds: A request that takes longer is given up.
        retries: How often one is made again, after 429 and 5xx.
        header_bytes: What of an answer is no sound yet: its first sound is behind it.
    """

    address: Address
    path: str
    timeout_seconds: float
    retries: int
    header_bytes: int


@dataclass(frozen=True)
class Answer:
    """What came: the bytes, their type, seconds until they were whole, and until the first of them that are sound."""

    body: bytes
    content_type: str
    seconds: float
    first_seconds: float


class Line:
    """A connection with room for many requests at once; to be closed."""

    def __init__(self, terms: Terms) -> None:
        import httpx

        self._terms = terms
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(None, connect=SECONDS), limits=limits)
        self._thread.start()

    def begin(self, body: Body) -> "Future[Answer]":
        """Sends a request, and returns at once; its result raises the error that a row is to show."""
        return self._run(self._answer(body))

    def close(self) -> None:
        """Drops what is in flight."""
        self._run(self._end()).result(ENDING)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ENDING)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> "Future[Any]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._client.aclose()

    async def _answer(self, body: Body) -> Answer:
        for tries in count(1):
            try:
                return await self._within_time(body)
            except ServerFailedError as error:
                wait = _wait(error, tries)
                if tries > self._terms.retries or wait > LONGEST_WAIT:
                    raise _given_up(error, tries, wait) from error
            await asyncio.sleep(wait + random.uniform(0, FIRST_WAIT / 2))
        raise AssertionError("count() never ends")

    async def _within_time(self, body: Body) -> Answer:
        import httpx

        limit = self._terms.timeout_seconds
        try:
            async with asyncio.timeout(limit):
                return await self._once(self._client, body)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise ServerSlowError(f"no whole answer within {limit:g} s") from error
        except httpx.HTTPError as error:
            why = shown(str(error)) or type(error).__name__
            raise ServerLostError(f"the connection broke before the answer was whole: {why}") from error

    async def _once(self, client: "AsyncClient", body: Body) -> Answer:
        url, headers = f"{self._terms.address.url}{self._terms.path}", self._terms.address.headers()
        started = perf_counter()
        async with client.stream("POST", url, headers=headers, **body.arguments()) as response:
            if response.status_code != 200:
                raise await self._refusal(response)
            answer = await self._read(response, started)
        check_type(answer.content_type, answer.body)
        return answer

    async def _refusal(self, response: "Response") -> Exception:
        told = bytearray()
        async for chunk in response.aiter_raw():
            told += chunk
            if len(told) > MOST_MESSAGE:
                break
        words = self._terms.address.without_token(bytes(told).decode(errors="replace"))
        if moved := response.headers.get("location"):
            words = f"it sends requests on to {moved.partition('?')[0]}, where nothing is sent unasked"
        return refusal(response.status_code, words.encode(), response.headers.get("retry-after"))

    async def _read(self, response: "Response", started: float) -> Answer:
        if (coding := response.headers.get("content-encoding", "identity")) != "identity":
            raise NoAudioError(f"the server sent its answer as {shown(coding)}, though it was asked not to")
        promised = response.headers.get("content-length", "0")
        body, first = bytearray(), None
        if promised.isdigit() and int(promised[:20]) > MOST_BYTES:
            raise TooLongError(f"the answer is {promised[:20]} bytes long, {MOST_BYTES} are allowed")
        async for chunk in response.aiter_raw():
            body += chunk
            if first is None and len(body) > self._terms.header_bytes:
                first = perf_counter() - started
            if len(body) > MOST_BYTES:
                raise TooLongError(f"the answer does not end: {MOST_BYTES} bytes are allowed")
        seconds = perf_counter() - started
        kind = response.headers.get("content-type", "")
        told = (
            body
            if kind.startswith("audio/")
            else self._terms.address.without_token(bytes(body).decode("latin1")).encode("latin1")
        )
        return Answer(bytes(told), kind, seconds, seconds if first is None else first)


def _wait(error: ServerFailedError, tries: int) -> float:
    """Returns the seconds until a request is made again: as the server says, else twice as many each time."""
    return float(min(FIRST_WAIT * 2 ** (tries - 1), LONGEST_WAIT)) if error.wait is None else error.wait


def _given_up(error: ServerFailedError, tries: int, wait: float) -> ServerFailedError:
    late = (
        f"; it wants to be asked again after {wait:.0f} s, {LONGEST_WAIT:g} are waited" if wait > LONGEST_WAIT else ""
    )
    kind = ServerBusyError if isinstance(error, ServerBusyError) else ServerFailedError
    return kind(f"{error} (asked {tries} times){late}" if tries > 1 else f"{error}{late}")
