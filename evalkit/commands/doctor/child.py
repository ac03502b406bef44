"""Imports what it is told to, and says how that went: the child process of `imports`, run by any Python.

It is given to the interpreter as text, so it imports nothing of evalkit. Its argument is a list of steps in JSON; it
answers on standard output with a line when a step begins and one when it is done, so that a crash tells where it was.
"""

import importlib
import importlib.metadata
import importlib.util
import json
import os
import re
import signal
import sys
from typing import Any, cast


def main() -> None:
    """Takes the steps in turn; what packages print goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once; packages catch a KeyboardInterrupt
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for kind, what in json.loads(sys.argv[1]):
        sys.stdout.flush()  # what was remarked so far is not about this step
        before = {"remarked": os.fstat(2).st_size, **_told_before(kind, what)}
        print(json.dumps(before), file=answers, flush=True)
        print(json.dumps(_answer(kind, what)), file=answers, flush=True)
    os._exit(0)  # what packages do when Python ends is no part of importing them


def _told_before(kind: str, what: str) -> dict[str, Any]:
    """Returns what is known of a distribution before it is imported, which a crash would leave untold."""
    if kind != "distribution":
        return {}
    found = importlib.metadata.distribution(what)
    strangers = [stranger for module in _modules(found) if (stranger := _stranger(module, found))]
    names = [re.split(r"[^\w.-]", text, maxsplit=1)[0] for text in found.requires or []]
    return {
        "version": found.version,
        "requires": [re.sub(r"[-_.]+", "-", name).lower() for name in names],
        "stranger": strangers[0] if strangers else None,
    }


def _answer(kind: str, what: str) -> dict[str, Any]:
    """Returns what a step found, or its fault."""
    try:
        if kind == "devices":
            return {"devices": _devices()}
        if kind == "statement":
            exec(what, {})
        else:
            for module in _modules(importlib.metadata.distribution(what)):
                importlib.import_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001  it is told, whatever it is
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return {"fault": ": ".join([type(error).__name__, *lines[-1:]])}
    return {}


def _modules(found: importlib.metadata.Distribution) -> list[str]:
    """Returns the modules of a distribution: the one of its name, else all; some bring along `docs` and `test`."""
    named = found.metadata["Name"].replace("-", "_").lower()
    paths = [str(path).split("/") for path in found.files or []]
    tops = {parts[0] for parts in paths if len(parts) > 1} | {
        parts[0][:-3] for parts in paths if len(parts) == 1 and parts[0].endswith(".py")
    }
    modules = sorted(top for top in tops if top.isidentifier() and not top.startswith("_"))
    own = [module for module in modules if module.lower() == named]
    return own or modules or ([named] if importlib.util.find_spec(named) else [])  # editable ones list no files


def _stranger(module: str, found: importlib.metadata.Distribution) -> str | None:
    """Returns the file that takes the place of a distribution's module."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    origin = spec.origin if spec else None
    home = os.path.realpath(str(found.locate_file("")))
    return origin if origin and not os.path.realpath(origin).startswith(home + os.sep) else None


def _devices() -> dict[str, Any]:
    """Returns the accelerators that torch can compute on, their memory in bytes, and why it can use no CUDA."""
    import torch

    found: dict[str, Any] = {"cuda": [], "mps": torch.backends.mps.is_available(), "fault": None}
    try:
        cast(Any, torch.cuda).init()
        for index in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(index)
            found["cuda"].append({"name": torch.cuda.get_device_name(index), "bytes": total, "free": free})
    except (RuntimeError, AssertionError) as error:  # no driver, an old one, a full device, a torch built without CUDA
        found["fault"] = str(error).strip().splitlines()[0]
    return found


if __name__ == "__main__":
    main()
