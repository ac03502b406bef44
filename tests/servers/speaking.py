"""A speech server of its own process: it clones by whistling, in every dialect, and misbehaves where a text says so.

Typed: python speaking.py [--delay S] [--token TOKEN] [--model NAME] [--certificate FILE] [--silent-models]
It prints its port. A text with a word such as `drop` or `half` in it gets what `ACTS` has under it.
"""

import argparse
import base64
import io
import json
import re
import ssl
import sys
import threading
import time
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import soundfile

from evalkit.audio import Audio
from evalkit.whistle import heard_hum, whistle

ASKED: list[dict] = []
FORMATS = {"wav": ("WAV", "PCM_16"), "flac": ("FLAC", "PCM_16"), "mp3": ("MP3", None), "opus": ("OGG", "OPUS")}
TYPES = {"wav": "audio/wav", "flac": "audio/flac", "mp3": "audio/mpeg", "opus": "audio/ogg", "pcm": "audio/pcm"}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class Speaking(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    options: argparse.Namespace
    throttled: ClassVar[set[str]] = set()
    lock = threading.Lock()
    flying = most = 0

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        if self.path == "/asked":
            return self.tell(200, {"asked": ASKED, "most": Speaking.most})
        if self.path == "/v1/models" and not self.options.silent_models:
            if self.refuses():
                return None
            listed = [
                {"id": name, "created": time.time(), "owned_by": "tests"} for name in self.options.model.split(",")
            ]
            return self.tell(200, {"object": "list", "data": listed})
        return self.tell(404, {"detail": "Not Found"})

    def do_PUT(self):
        self.options.model = self.path.strip("/")
        self.tell(200, {})

    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.refuses():
            return
        fields, prompt = self.understood(content)
        with self.lock:
            Speaking.flying += 1
            Speaking.most = max(Speaking.most, Speaking.flying)
            ASKED.append({**fields, "content_type": self.headers["Content-Type"].split(";")[0]})
        time.sleep(self.options.delay)
        try:
            self.answer(fields, prompt)
        finally:
            with self.lock:
                Speaking.flying -= 1

    def refuses(self):
        if not self.options.token or self.headers.get("Authorization") == f"Bearer {self.options.token}":
            return False
        given = self.headers.get("Authorization", "nothing")
        self.tell(401, {"error": {"message": f"wrong token: {given}", "type": "invalid_request_error"}})
        return True

    def understood(self, content):
        if self.headers["Content-Type"].startswith("multipart/"):
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            parts = BytesParser(policy=HTTP).parsebytes(head + content).iter_parts()
            told = {
                part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts
            }
            prompt = told.pop("ref_audio")
            fields = {name: value.decode() for name, value in told.items()}
        else:
            fields = json.loads(content)
            reference = fields.pop("references", [None])[0]
            coded = reference["audio"] if reference else fields.pop("ref_audio").partition(";base64,")[2]
            fields |= {"reference_text": reference["text"]} if reference else {}
            prompt = base64.b64decode(coded, validate=True)
        samples, rate = soundfile.read(io.BytesIO(prompt), dtype="float32")
        return {**fields, "prompt_rate": rate}, Audio(samples, rate)

    def answer(self, fields, prompt):
        text = fields.get("input", fields.get("text", ""))
        act = next((word for word in re.findall(r"\w+", text) if word in ACTS), None)
        if act and not self.options.kokoro:  # whose texts are whatever people say
            return ACTS[act](self, text, prompt)
        sound = self.options.speak(text, prompt, float(fields.get("detune", 0)))
        kind = fields.get("response_format", "wav")
        self.sound(coded(sound, kind), TYPES[kind], chunked=fields.get("stream") in (True, "true"))
        return None

    def sound(self, body, kind, *, chunked=False):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if not chunked:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in (body[:44], body[44:4000], body[4000:]):  # the header alone is no sound
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()
            time.sleep(0.1)
        self.wfile.write(b"0\r\n\r\n")

    def tell(self, status, told, **headers):
        body = json.dumps(told).encode() if isinstance(told, dict) else told
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def throttle(self, text, status, after):
        """Answers a text once with a status; the second time it speaks."""
        if text in self.throttled:
            return self.sound(coded(whistle(text, 150.0), "wav"), "audio/wav")
        self.throttled.add(text)
        return self.tell(
            status, {"error": {"message": "too many", "type": "rate"}}, **({"Retry_After": after} if after else {})
        )

    def part(self, text, share):
        body = coded(whistle(text, 150.0), "wav")
        self.send_response(200)
        self.send_header("Content-Type", "audio/wav")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: int(len(body) * share)])
        self.wfile.flush()
        self.close_connection = True

    def drip(self):
        self.send_response(200)
        self.send_header("Content-Type", "audio/wav")
        self.send_header("Content-Length", "100000")
        self.end_headers()
        for _ in range(600):
            self.wfile.write(b"R")
            self.wfile.flush()
            time.sleep(0.1)


def coded(sound, kind, rate=None):
    if kind == "pcm":
        return (sound.samples * 32767).astype("<i2").tobytes()
    container, subtype = FORMATS[kind]
    file = io.BytesIO()
    samples = sound.resampled(24_000).samples if kind == "opus" else sound.samples
    soundfile.write(
        file, samples, rate or (24_000 if kind == "opus" else sound.sample_rate), format=container, subtype=subtype
    )
    return file.getvalue()


def whistled(text, prompt, detune):
    return whistle(text, heard_hum(prompt) + detune)


def with_kokoro():
    from evalkit.engines.base import Request
    from evalkit.engines.kokoro import Kokoro
    from evalkit.prompt import Prompt

    engine, lock = Kokoro(), threading.Lock()
    engine.load()

    def speak(text, prompt, detune):
        with lock:
            return engine.speak(Request(text, Prompt(prompt, "", "given", ()), 0, "en"))

    return speak


def told(message):
    return {"error": {"message": message, "type": "invalid_request_error", "param": "input", "code": None}}


def spoken(text):
    return coded(whistle(text, 150.0), "wav")


ACTS = {
    "busy": lambda self, text, prompt: self.throttle(text, 429, "1"),
    "stumble": lambda self, text, prompt: self.throttle(text, 503, None),
    "never": lambda self, text, prompt: self.tell(429, told("come back"), Retry_After="86400"),
    "bad": lambda self, text, prompt: self.tell(400, told("no \x1b[31mred\x07 words\nhere")),
    "echo": lambda self, text, prompt: self.tell(400, told(f"you sent {self.headers.get('Authorization')}")),
    "crash": lambda self, text, prompt: self.tell(500, b"Internal Server Error"),
    "moved": lambda self, text, prompt: self.tell(307, {}, Location="http://127.0.0.1:9/elsewhere?token=x"),
    "drop": lambda self, text, prompt: setattr(self, "close_connection", True),
    "half": lambda self, text, prompt: self.part(text, 0.5),
    "cut": lambda self, text, prompt: self.sound(spoken(text)[:3000], "audio/wav"),
    "empty": lambda self, text, prompt: self.sound(b"", "audio/wav"),
    "header": lambda self, text, prompt: self.sound(spoken(text)[:40] + bytes(4), "audio/wav"),
    "page": lambda self, text, prompt: self.sound(b"<html><title>Sign in</title></html>", "text/html"),
    "apology": lambda self, text, prompt: self.tell(200, told("no voice today")),
    "noise": lambda self, text, prompt: self.sound(b"\x01" * 999, "audio/wav"),
    "picture": lambda self, text, prompt: self.sound(b"\x89PNG" * 99, "image/png"),
    "events": lambda self, text, prompt: self.sound(b"data: {}\n\n", "text/event-stream"),
    "rate": lambda self, text, prompt: self.sound(coded(whistle(text, 150.0), "wav", rate=8_000), "audio/wav"),
    "huge": lambda self, text, prompt: (
        self.send_response(200),
        self.send_header("Content-Length", str(10**11)),
        self.end_headers(),
        setattr(self, "close_connection", True),
    ),
    "sleep": lambda self, text, prompt: time.sleep(60),
    "drip": lambda self, text, prompt: self.drip(),
    "other": lambda self, text, prompt: self.sound(
        coded(whistle("nothing of what it was told", heard_hum(prompt)), "wav"), "audio/wav"
    ),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--token", default="")
    parser.add_argument("--model", default="whistler")
    parser.add_argument("--certificate")
    parser.add_argument("--silent-models", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--kokoro", action="store_true", help="speak with the embedded engine, in place of whistling")
    Speaking.options = parser.parse_args()
    Speaking.options.speak = with_kokoro() if Speaking.options.kokoro else whistled
    server = Server(("127.0.0.1", Speaking.options.port), Speaking)
    if Speaking.options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(Speaking.options.certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    server.handle_error = lambda request, client: None
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
