"""Engine `speech_server`: any server with the OpenAI-style `POST /v1/audio/speech` that clones from a reference.

The prompt goes along with each request. What the server is told is what the user names, and no field more; what it
serves is asked before anything runs, and is part of what a sound depends on.
"""

from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing
from importlib.metadata import version
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.digest import Json, Scalar, digest
from evalkit.engines.base import STRICT, Engine, Request, Synthesis
from evalkit.engines.decoding import sound_of, sound_of_samples
from evalkit.engines.free import Free, Renamed, spread
from evalkit.engines.http.dialects import OWN, Body, Dialect, body_of
from evalkit.engines.http.faults import ServerChangedError
from evalkit.engines.http.sending import Answer, Line, Terms
from evalkit.engines.http.served import Address, Served, asked, fault_of, forget, known, required
from evalkit.errors import ServerError, SynthesisError

Format = Literal["wav", "flac", "pcm", "mp3", "opus"]
HEADERS = {"wav": 44}  # bytes before the first sound, where a format has as many each time
LANGUAGES = {  # as servers name them that want no code
    "zh": "Chinese",
    "en": "English",
    "ja": "Japanese",
    "ko": "Korean",
    "de": "German",
    "fr": "French",
    "ru": "Russian",
    "pt": "Portuguese",
    "es": "Spanish",
    "it": "Italian",
}
WHAT = "the server's answer"


@dataclass(frozen=True, config=STRICT)
class SpeechServer(Engine):
    """A server that speaks.

    Attributes:
        name: What reports call it; two servers in one sweep need two names.
        url: Where it is: `http://HOST:PORT`.
        path: Of its speech, behind the address.
        model: Which of its models; None: the only one that it serves.
        dialect: `data_url`: JSON with `ref_audio` and `ref_text`; `references`: JSON with
            `references: [{audio, text}]`; `multipart`: a form with the file `ref_audio`.
        names: What this server calls a field of ours: `names.input=text`; None: it has no such field.
        further: Further fields and their values, typed `extra.NAME`; one that is None is left out.
        language_field: The field that the language goes into; None: it is not sent.
        language_as: How a language is written there: its code (`en`), or its English name.
        seed_field: The field that the utterance's seed goes into; None: it is not sent.
        response_format: How sound is to come.
        answer_rate: Hz that it must have; None: any. Bare samples (`pcm`) do not say theirs.
        prompt_rate: Hz of the prompt that is sent.
        stream: Whether sound is to come as it is made, so that `first_audio_seconds` is more than the end.
        concurrency: Requests in flight. The server may compute several at once, so that each takes longer.
        timeout_seconds: A request that takes longer is given up.
        retries: How often a request is made again that was answered 429 or 5xx.
        token_env: Name of the environment variable that holds the token.
        cache: Whether the server always gives the same samples for the same request.
    """

    name: str = "speech_server"  # type: ignore[misc]
    elsewhere: ClassVar[str] = "server"
    packages: ClassVar[tuple[str, ...]] = ("httpx",)
    runtime: ClassVar[frozenset[str]] = frozenset({"name", "timeout_seconds", "retries", "token_env", "cache"})

    url: str = "http://localhost:8000"
    path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9._~/-]*$")] = "/v1/audio/speech"
    model: str | None = None
    dialect: Dialect = "data_url"
    names: Renamed = ()
    further: Free = Field(default=(), alias="extra")  # typed engine.extra.NAME
    language_field: str | None = None
    language_as: Literal["code", "name"] = "name"
    seed_field: str | None = None
    response_format: Format = "wav"
    answer_rate: Annotated[int, Field(ge=8_000, le=192_000)] | None = None
    prompt_rate: Annotated[int, Field(ge=8_000, le=192_000)] = 24_000
    stream: bool = False
    concurrency: Annotated[int, Field(ge=1, le=256)] = 1
    timeout_seconds: Annotated[float, Field(gt=0, le=604_800)] = 120.0
    retries: Annotated[int, Field(ge=0, le=20)] = 3
    token_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    cache: bool = False

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if fault := fault_of(url):
            raise ValueError(fault)
        return url.rstrip("/").removesuffix("/audio/speech").removesuffix("/v1").rstrip("/")

    @model_validator(mode="after")
    def _sends_each_field_once(self) -> "SpeechServer":
        sent = {*OWN, self.language_field, self.seed_field}
        if wrong := [name for name, _ in self.further if name in sent]:
            raise ValueError(f"extra.{wrong[0]}: this field is sent already; it is no further one")
        if wrong := [name for name, _ in self.names if name not in OWN]:
            raise ValueError(f"names.{wrong[0]}: evalkit has no such field; it has {', '.join(OWN)}")
        if self.response_format == "pcm" and self.answer_rate is None:
            raise ValueError("response_format=pcm are bare samples, which do not say their rate; give answer_rate too")
        return self

    @property
    def sample_rate(self) -> int:  # type: ignore[override]
        """The prompt's rate that is wanted."""
        return self.prompt_rate

    @property
    def repeatable(self) -> bool:
        """See `Engine.repeatable`."""
        return self.cache

    @property
    def family(self) -> Hashable:
        """See `Engine.family`."""
        return (type(self), self.url)

    def require(self) -> None:
        """Does nothing if the server is there, and serves what is wanted.

        Raises:
            ServerError: It is not; the message says which.
        """
        required(self._address)

    def load(self) -> None:
        """See `Engine.load`."""
        required(self._address)

    def speak(self, request: Request) -> Audio:
        """See `Engine.speak`.

        Raises:
            SynthesisError: No sound came.
        """
        for answer in self.synthesize([request]):
            if isinstance(answer, SynthesisError):
                raise answer
            return answer.audio
        raise SynthesisError("no answer came")

    def synthesize(self, requests: Iterable[Request]) -> Iterator[Synthesis | SynthesisError]:
        """See `Engine.synthesize`; as many are asked for ahead as may be in flight.

        Raises:
            ServerChangedError: The server serves another model by now.
        """
        served = self._unchanged()
        waiting = iter(requests)
        with closing(Line(self._terms)) as line:
            flying: deque[Future[Answer] | SynthesisError] = deque()
            while True:
                while len(flying) < self.concurrency and (request := next(waiting, None)) is not None:
                    flying.append(self._begun(line, request, served))
                if not flying:
                    return
                yield self._heard(flying.popleft())

    def close(self) -> None:
        """See `Engine.close`."""
        forget()

    def knobs(self) -> dict[str, Scalar]:
        """See `Engine.knobs`; each further field is one."""
        return spread(super().knobs(), further="extra", names="names")

    def computes_on(self) -> dict[str, Scalar]:
        """See `Engine.computes_on`; times mean something with as many in flight."""
        return {"server": self.url, "concurrency": self.concurrency, "stream": self.stream}

    def adapter_version(self) -> str:
        """See `Engine.adapter_version`; another model that is served is another version."""
        told = super().adapter_version()
        served = known(self._address)
        return told if isinstance(served, ServerError) or not served.facts else f"{told}+{digest(served.facts)[:8]}"

    def fingerprint(self) -> dict[str, Json]:
        """See `Engine.fingerprint`, with the model that is served; the client's version changes no sound."""
        served = known(self._address)
        told = None if isinstance(served, ServerError) else {"model": served.model, **served.facts}
        return {**super().fingerprint(), "served": told, "packages": {"soundfile": version("soundfile")}}

    @property
    def _address(self) -> Address:
        return Address(self.url, self.model, self.token_env)

    @property
    def _terms(self) -> Terms:
        header = HEADERS.get(self.response_format, 0)
        return Terms(self._address, self.path, self.timeout_seconds, self.retries, header)

    def _unchanged(self) -> Served:
        """Returns what was served when the run was planned, if it still is; whoever is not there tells it later."""
        planned = required(self._address)
        try:
            now = asked(self._address)
        except ServerError:
            return planned
        if now != planned:
            raise ServerChangedError(
                f"the server at {self.url} serves another model than when the run was planned: {dict(now.facts)}, "
                f"then {dict(planned.facts)}; begin a new run"
            )
        return planned

    def _begun(self, line: Line, request: Request, served: Served) -> Future[Answer] | SynthesisError:
        try:
            return line.begin(self._body(request, served))
        except SynthesisError as error:
            return error

    def _body(self, request: Request, served: Served) -> Body:
        fields: dict[str, Scalar] = {
            "input": request.text,
            "model": served.model,
            "response_format": self.response_format,
            "stream": True if self.stream else None,
            **dict(self.further),
        }
        if self.language_field:
            fields[self.language_field] = self._language(request.language)
        if self.seed_field:
            fields[self.seed_field] = request.seed
        return body_of(self.dialect, fields, request.prompt, dict(self.names))

    def _language(self, code: str) -> str:
        if self.language_as == "code":
            return code
        if code not in LANGUAGES:
            raise SynthesisError(
                f"the language {code!r} has no name here, {', '.join(LANGUAGES)} have; type engine.language_as=code"
            )
        return LANGUAGES[code]

    def _heard(self, flying: Future[Answer] | SynthesisError) -> Synthesis | SynthesisError:
        if isinstance(flying, SynthesisError):
            return flying
        try:
            answer = flying.result()
            audio = self._decoded(answer)
        except SynthesisError as error:
            return error
        return Synthesis(audio, answer.seconds, None, answer.first_seconds if self.stream else None)

    def _decoded(self, answer: Answer) -> Audio:
        if self.response_format == "pcm" and self.answer_rate and not answer.body.startswith(b"RIFF"):
            return sound_of_samples(answer.body, self.answer_rate, WHAT)
        return sound_of(answer.body, WHAT, self.answer_rate)
