"""The worker's side of `isolated`: makes engines as it is told and answers requests, until its input ends.

It runs under any Python from 3.11 that has numpy, pydantic, packaging, platformdirs and PyYAML beside what the engine
needs; `isolated` starts it with evalkit's own source, which need not be installed there.
"""

import importlib
import json
import os
import queue
import sys
import threading
from typing import Any, BinaryIO, cast

from evalkit.engines.base import Engine
from evalkit.engines.process.wire import Message, answer_of, encoded, receive, send, unpacked
from evalkit.engines.scorable import ENDED_EARLY, given_by, scorable
from evalkit.errors import SynthesisError, told


def serve(package: str, class_name: str) -> None:
    """Answers until standard input ends; whatever the engine prints goes to standard error."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    os.environ["HF_HUB_OFFLINE"] = "1"  # a run never downloads
    inbox: queue.Queue[Message] = queue.Queue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, inbox), daemon=True).start()
    engines: dict[str, Engine] = {}
    while True:
        reply = _reply(engines, package, class_name, inbox.get())
        try:
            send(output, reply)
        except OSError:  # the run has gone
            os._exit(0)


def _reply(engines: dict[str, Engine], package: str, class_name: str, message: Message) -> bytes:
    """Returns the answer, encoded; whatever goes wrong, encoding included, is one too."""
    try:
        fields = message.body["fields"]
        if (key := json.dumps(fields, sort_keys=True)) not in engines:
            engines[key] = _made(package, class_name, fields)
        return encoded(_answered(engines[key], message))
    except BaseException as error:  # noqa: BLE001  it becomes a row, or stops the plan, in the other process
        return encoded(Message({"error": [type(error).__name__, told(error)]}))


def _listen(source: BinaryIO, inbox: "queue.Queue[Message]") -> None:
    """Reads ahead, so that the other end never waits; when that has gone, so do we, even in mid-word."""
    while (message := receive(source)) is not None:
        inbox.put(message)
    os._exit(0)


def _made(package: str, class_name: str, fields: dict[str, Any]) -> Engine:
    return cast(Engine, getattr(importlib.import_module(package), class_name)(**fields))


def _answered(engine: Engine, message: Message) -> Message:
    match message.body["do"]:
        case "describe":
            unmet = engine.unmet()
            return Message({"unmet": unmet, "fingerprint": None if unmet else engine.fingerprint()})
        case "require":
            engine.require()
            return Message({})
        case "load":
            engine.load()
            return Message({})
        case "speak":
            for answer in given_by(engine, [unpacked(message)]):
                return answer_of(scorable(answer))
            raise SynthesisError(ENDED_EARLY)
        case unknown:
            raise ValueError(f"no such request: {unknown}")
