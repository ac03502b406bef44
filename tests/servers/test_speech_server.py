"""The engine `speech_server` against a real server in another process: dialects, haste, mishaps, secrets."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.__main__ import main
from evalkit.engines.base import Request
from evalkit.engines.http.faults import refusal
from evalkit.engines.speech_server import SpeechServer
from evalkit.errors import ServerError, SynthesisError
from evalkit.names import visible
from evalkit.pipeline.attempts import Clock, Failure
from evalkit.pipeline.events import Deaf
from evalkit.pipeline.executors import Job, Local
from evalkit.pipeline.models import Models
from evalkit.pipeline.workspace import Workspace
from evalkit.prompt import Prompt
from evalkit.whistle import heard_hum, heard_text, whistle
from tests.conftest import wait_until, without

TOKEN = "sk-8f3a-never-to-be-seen"
PROMPT = Prompt(whistle("one two three", 150.0), "one two three", "given", ("clip.wav",))


def request(text: str, seed: int = 0, language: str = "en") -> Request:
    return Request(text, PROMPT, seed, language)


def local() -> Local:
    clock = Clock()
    return Local(Workspace(None, None, Deaf(), "test", Models("keep", lambda: 0, clock), clock))  # type: ignore[arg-type]


def made(engine: SpeechServer, texts: list[str]) -> dict:
    jobs = {text: Job(engine, lambda text=text: request(text)) for text in texts}
    return dict(local().map(jobs))


@pytest.mark.parametrize("dialect", ["data_url", "references", "multipart"])
def test_every_dialect_brings_prompt_words_and_sound(serve, dialect):
    server = serve()
    engine = SpeechServer(url=server.url, dialect=dialect, prompt_rate=16_000)
    audio = engine.speak(request("the quick fox"))
    assert heard_text(audio).strip() == "the quick fox"
    assert heard_hum(audio) == pytest.approx(150, abs=1)
    (asked,) = server.asked
    known = {"input", "model", "response_format", "prompt_rate", "content_type"}
    words = {"references": "reference_text"}.get(dialect, "ref_text")
    assert asked.keys() == known | {words}  # and no field that nobody named
    assert (asked["model"], asked[words]) == ("whistler", "one two three")
    assert asked["content_type"] == ("multipart/form-data" if dialect == "multipart" else "application/json")


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "opus", "pcm"])
def test_every_format_is_heard(serve, kind):
    engine = SpeechServer(url=serve().url, response_format=kind, answer_rate=16_000 if kind == "pcm" else None)
    assert heard_text(engine.speak(request("the quick fox"))).strip() == "the quick fox"


def test_fields_are_those_that_were_named(serve):
    server = serve()
    engine = SpeechServer(
        url=server.url + "/v1/",
        extra={"temperature": 0.6, "top_k": 5, "x_vector_only_mode": False, "nothing": None},
        names={"input": "text", "response_format": None},
        language_field="language",
        seed_field="seed",
    )
    engine.speak(request("a", seed=7, language="zh"))
    (asked,) = server.asked
    named = {key: asked[key] for key in ("temperature", "top_k", "x_vector_only_mode", "language", "seed", "text")}
    assert named == {
        "temperature": 0.6,
        "top_k": 5,
        "x_vector_only_mode": False,
        "language": "Chinese",
        "seed": 7,
        "text": "a",
    }
    assert not {"input", "response_format", "nothing", "stream"} & asked.keys()


def test_a_stream_tells_when_its_first_sound_came(serve):
    engine = SpeechServer(url=serve().url, stream=True)
    (answer,) = engine.synthesize([request("the quick fox jumps over it")])
    assert 0.08 < answer.first_audio_seconds < 0.19  # behind the header, which came at once
    assert answer.seconds > 0.19


def test_sixteen_in_flight_are_eight_times_as_fast_as_one_at_a_time(serve):
    server = serve("--delay", "0.5")
    texts = [f"text number {index}" for index in range(16)]
    took = {}
    for concurrency in (1, 16):
        engine = SpeechServer(url=server.url, concurrency=concurrency)
        started = time.perf_counter()
        outcomes = made(engine, texts)
        took[concurrency] = time.perf_counter() - started
        assert [heard_text(outcome.audio).strip() for outcome in outcomes.values()] == texts  # in order
        assert all(0.5 <= outcome.seconds < 2 for outcome in outcomes.values())
    print(f"one at a time {took[1]:.2f} s, sixteen in flight {took[16]:.2f} s: {took[1] / took[16]:.1f} times")
    assert took[1] / took[16] >= 8
    assert server.told["most"] == 16


def test_a_failure_costs_no_other_request(serve):
    server = serve()
    texts = [f"{'bad' if index % 3 == 0 else 'good'} {index}" for index in range(12)]
    outcomes = made(SpeechServer(url=server.url, concurrency=6), texts)
    assert [isinstance(outcome, Failure) for outcome in outcomes.values()] == [index % 3 == 0 for index in range(12)]
    assert len(server.asked) == 12


MISHAPS = {
    "bad": ("ServerRefusedError", r"answered 400: no \\x1b\[31mred\\x07 words here \(invalid_request_error, input\)"),
    "crash": ("ServerFailedError", r"answered 500: Internal Server Error"),
    "never": ("ServerBusyError", r"asked again after 86400 s"),
    "moved": ("ServerRefusedError", r"answered 307: it sends requests on to http://127.0.0.1:9/elsewhere, where"),
    "drop": ("ServerLostError", "the connection broke"),
    "half": (
        "ServerLostError",
        "the connection broke before the answer was whole: .*incomplete|without sending complete",
    ),
    "cut": ("CutShortError", "is cut short: its header promises more"),
    "empty": ("EmptyAnswerError", "nothing with it"),
    "header": ("EmptyAnswerError", "a header and no sound"),
    "page": ("NoAudioError", "a web page, 'Sign in'"),
    "apology": ("NoAudioError", "a message in place of sound: no voice today"),
    "noise": ("NoAudioError", r"is not audio that can be read \(Format not recognised\)"),
    "picture": ("NoAudioError", "image/png, expected audio"),
    "events": ("NoAudioError", "events"),
    "rate": ("SampleRateError", "has 8000 Hz, 16000 were to be"),
    "huge": ("TooLongError", "is 100000000000 bytes long"),
    "sleep": ("ServerSlowError", "no whole answer within 1 s"),
    "drip": ("ServerSlowError", "no whole answer within 1 s"),
}


@pytest.mark.hostile
@pytest.mark.parametrize("act", MISHAPS)
def test_a_mishap_has_a_name_and_the_next_request_goes_well(serve, act):
    engine = SpeechServer(url=serve().url, answer_rate=16_000, timeout_seconds=1, retries=0)
    bad, good = made(engine, [f"{act} now", "all well"]).values()
    kind, message = MISHAPS[act]
    assert (bad.type, heard_text(good.audio).strip()) == (kind, "all well")
    with pytest.raises(SynthesisError, match=message):
        raise SynthesisError(bad.message)


@pytest.mark.parametrize(("act", "least"), [("busy", 1.0), ("stumble", 0.5)])
def test_throttling_and_stumbling_are_waited_for(serve, act, least):
    server = serve()
    started = time.perf_counter()
    (outcome,) = made(SpeechServer(url=server.url), [f"{act} today"]).values()
    assert heard_text(outcome.audio).strip() == f"{act} today"
    assert time.perf_counter() - started >= least
    assert outcome.seconds < 0.5  # of the answer, not of the wait
    assert len(server.asked) == 2


def test_no_other_answer_is_asked_for_again(serve):
    server = serve()
    made(SpeechServer(url=server.url, retries=5), ["bad", "drop", "half", "empty"])
    assert len(server.asked) == 4


def asking(server, *more: str) -> list[str]:
    return ["engine=speech_server", f"engine.url={server.url}", "engine.prompt_rate=16000", *more]


def test_a_sweep_over_further_fields_is_a_grid_of_trials(serve, run):
    server = serve()
    done = run(*asking(server, "engine.extra.detune=0,40", "engine.concurrency=8"))
    assert done.code == 0, done.err
    trials = {trial["settings"]["engine.extra.detune"]: trial for trial in done.report["trials"]}
    assert trials.keys() == {0, 40}
    assert trials[0]["summary"]["sim"]["value"] > trials[40]["summary"]["sim"]["value"]
    assert all(row["state"] == "scored" and row["scores"]["wer"] == 0 for row in done.rows)
    told = done.report["provenance"]["engines"]
    assert "whistler" in str(told)


def test_a_second_run_asks_again_and_one_that_may_share_does_not(serve, run):
    server = serve()
    for runs in (1, 2):
        assert run(*asking(server)).code == 0
        assert len(server.asked) == 9 * runs
    for _ in range(2):
        assert run(*asking(server, "engine.cache=true")).code == 0
        assert len(server.asked) == 27


def test_a_stopped_run_goes_on_where_it_stopped(serve, typed, tmp_path):
    server = serve("--delay", "0.3")
    command = [sys.executable, "-m", "evalkit", "run", *asking(server), *without(typed, "engine")]

    def begun() -> subprocess.Popen[str]:
        return subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    stopped = begun()
    wait_until(lambda: len(server.asked) >= 4, stopped)
    stopped.send_signal(signal.SIGINT)
    stopped.communicate(timeout=60)
    assert stopped.returncode == 130
    ended = begun()
    ended.communicate(timeout=60)
    assert ended.returncode == 0
    assert len(server.asked) <= 10  # of nine utterances, only the one that was in flight is asked for again


def test_another_model_is_another_trial_and_ends_a_run_that_has_begun(serve):
    server = serve()
    first = SpeechServer(url=server.url)
    told, version = first.fingerprint(), first.adapter_version()
    assert told["served"] == {"model": "whistler", "id": "whistler", "owned_by": "tests"}
    server.serve_another("whistler2")
    (outcome,) = made(first, ["a text"]).values()
    assert outcome.type == "ServerChangedError"
    first.close()
    assert first.adapter_version() != version
    assert first.fingerprint() != told


def test_text_that_was_not_asked_for_is_scored_as_such(serve, run, tmp_path):
    probe = {"id": "liar", "text": "say some other words than these"}
    probes = {"name": "liars", "version": 1, "language": "en", "probes": [probe]}
    (tmp_path / "liars.yaml").write_text(yaml.safe_dump(probes))
    done = run(*asking(serve(), "engine.name=liar", f"probes.path={tmp_path}/liars.yaml"))
    assert done.code == 0, done.err
    assert all(row["scores"]["wer"] > 0.5 and row["engine"] == "liar" for row in done.rows)


def test_a_server_that_is_not_there_is_said_before_anything_runs(run):
    done = run("engine=speech_server", "engine.url=http://127.0.0.1:9")
    assert (done.code, list(done.reports.glob("*/*"))) == (2, [])
    assert "no server answers there" in done.err
    assert "engine.url=" in done.err


def test_a_plan_is_shown_without_the_server(run):
    assert run("engine=speech_server", "engine.url=http://127.0.0.1:9", "dry_run=true").code == 0


def test_the_doctor_says_that_a_server_is_not_there(capfd):
    main(["doctor", "engine=speech_server", "engine.url=http://127.0.0.1:9", "judge=fake", "ears=fake"])
    told = capfd.readouterr().out
    assert "wrong    server of speech_server: engine.url=http://127.0.0.1:9: no server answers there" in told


def test_a_wrong_certificate_is_said_before_anything_runs(serve, run, tmp_path, monkeypatch):
    server = serve("--certificate", str(certificate(tmp_path / "own.pem")), scheme="https")
    done = run(*asking(server))
    assert (done.code, list(done.reports.glob("*/*"))) == (2, [])
    assert "the server's certificate is not to be trusted: self-signed certificate" in done.err
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "own.pem"))
    assert run(*asking(server)).code == 0


def test_a_server_without_tls_is_told_from_one_that_is_not_there(serve, run):
    server = serve()
    done = run("engine=speech_server", f"engine.url={server.url.replace('http', 'https')}")
    assert done.code == 2
    assert "does not speak TLS" in done.err


@pytest.mark.parametrize("models", ["a,b", "other"])
def test_a_model_must_be_served(serve, models):
    server = serve("--model", models)
    wanted = SpeechServer(url=server.url, model=None if "," in models else "mine")
    with pytest.raises(ServerError, match=r"engine.model=.*there are: a, b|no such model; it serves: other"):
        wanted.require()


def test_a_server_that_lists_no_models_is_asked_all_the_same(serve):
    server = serve("--silent-models")
    SpeechServer(url=server.url).speak(request("a text"))
    SpeechServer(url=server.url, model="mine").speak(request("a text"))
    assert [asked.get("model") for asked in server.asked] == [None, "mine"]


def test_the_token_is_nowhere(serve, run, tmp_path, monkeypatch, probes):
    server = serve("--token", TOKEN)
    monkeypatch.setenv("MY_TOKEN", TOKEN)
    told = yaml.safe_load(probes.read_text())
    told["probes"].append({"id": "echo", "text": "echo this"})  # the server's error has the token in it
    probes.write_text(yaml.safe_dump(told))
    done = run(*asking(server, "engine.token_env=MY_TOKEN", "page.make=true"))
    assert done.code == 0, done.err
    echoes = [row["error"]["message"] for row in done.rows if row["error"]]
    assert len(echoes) == 3
    assert all("you sent Bearer ..." in message for message in echoes)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"index.html", "report.json", "run.log", "utterances.jsonl"} <= {path.name for path in files}
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    assert TOKEN not in done.out + done.err


@pytest.mark.parametrize(("token", "message"), [(None, "no such environment variable"), ("wrong", "holds no token")])
def test_a_token_that_is_not_there_or_wrong_is_said_before(serve, run, monkeypatch, token, message):
    server = serve("--token", TOKEN)
    monkeypatch.delenv("MY_TOKEN", raising=False)
    if token:
        monkeypatch.setenv("MY_TOKEN", token)
    done = run(*asking(server, "engine.token_env=MY_TOKEN"))
    assert done.code == 2
    assert message in done.err
    assert "Bearer wrong" not in done.err


WRONG = {
    "engine.url=http://me:pw@host": "has a user or a password in it",
    "engine.url=ftp://host": "is no address",
    "engine.url='http://host/?key=1'": "has more behind its path",
    "engine.extra.input=a": "sent already",
    "engine.extra.api_key=a": "environment variable",
    "engine.extra.list=[1,2]": "expected text, a number",
    "engine.names.tempo=a": "evalkit has no such field",
    "engine.response_format=pcm": "give answer_rate too",
    "engine.python=python3": "computes in a server",
    "engine.timeout_seconds=0": "timeout_seconds",
    "engine.concurrency=0": "concurrency",
}


@pytest.mark.hostile
@pytest.mark.parametrize("setting", WRONG)
def test_settings_that_cannot_be_are_refused(run, setting):
    done = run("engine=speech_server", setting)
    assert done.code == 2
    assert WRONG[setting] in done.err
    assert "pw@" not in done.err


@settings(max_examples=200)
@given(st.binary(max_size=400), st.sampled_from([400, 404, 429, 500, 503]), st.none() | st.text(max_size=30))
def test_whatever_a_server_says_is_one_short_line(body, status, after):
    message = str(refusal(status, body, after))
    assert visible(message) == message
    assert len(message.splitlines()) == 1
    assert len(message) < 1_500


def certificate(path: Path) -> Path:
    """Writes a certificate of nobody's for 127.0.0.1, with its key."""
    openssl = shutil.which("openssl") or pytest.skip("needs openssl")
    wanted = [
        "-subj",
        "/CN=nobody",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-days",
        "2",
        "-newkey",
        "rsa:2048",
        "-nodes",
    ]
    subprocess.run(
        [openssl, "req", "-x509", *wanted, "-keyout", path, "-out", f"{path}.c"], check=True, capture_output=True
    )
    path.write_text(path.read_text() + Path(f"{path}.c").read_text())
    return path
