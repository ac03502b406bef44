"""Servers in processes of their own, and how they are typed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from evalkit.engines.http.served import forget
from evalkit.resources import resource

SCRIPT = Path(__file__).with_name("speaking.py")


@dataclass(frozen=True)
class Serving:
    """A server that runs."""

    process: subprocess.Popen[str]
    url: str

    @property
    def told(self) -> dict:
        with urlopen(f"{self.url}/asked") as answer:
            return json.load(answer)

    @property
    def asked(self) -> list[dict]:
        return self.told["asked"]

    def serve_another(self, model: str) -> None:
        urlopen(Request(f"{self.url}/{model}", method="PUT")).close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Serving]]:
    """Starts servers, which end with the test."""
    running: list[subprocess.Popen[str]] = []

    def start(*options: str, scheme: str = "http") -> Serving:
        environment = {**os.environ, "PYTHONPATH": str(resource(".").resolve())}
        command = [sys.executable, str(SCRIPT), *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        running.append(process)
        return Serving(process, f"{scheme}://127.0.0.1:{process.stdout.readline().strip()}")

    yield start
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """Lets each test ask its servers anew."""
    forget()
    yield
    forget()
