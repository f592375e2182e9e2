"""A process for one program: `python -m benchmarks.worker`, spoken to by pickles over its pipes.

A process of its own keeps thread pools apart, gives each the same number of threads, and has a peak memory.
"""

from __future__ import annotations

import importlib
import os
import pickle
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np


def main() -> int:
    """Serve until the pipe ends."""
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no reply
    work: dict[str, Any] = {}
    while (request := _read(requests)) is not None:
        kind, given = request
        try:
            if kind == "prepare":
                module, _, name = given["entry"].partition(":")
                began = time.perf_counter()
                package = "benchmarks" if module in ("limits", "steps") else "benchmarks.peers"
                function = getattr(importlib.import_module(f"{package}.{module}"), name)
                work[given["form"]] = go = function(**given["options"])
                answer = np.array(go(), copy=True)
                reply: Any = {"answer": answer, "setup": time.perf_counter() - began}
            elif kind == "run":
                go = work[given["form"]]
                began = time.perf_counter()
                go()
                reply = {"seconds": time.perf_counter() - began}
            else:
                reply = {"peak": _peak()}
        except Exception as error:  # the row says so; the others go on
            reply = {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
        pickle.dump(reply, replies, protocol=pickle.HIGHEST_PROTOCOL)
        replies.flush()
    return 0


def _peak() -> float:
    """Return the largest memory so far in bytes; `getrusage` would count that of the parent."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024.0 * int(line.split()[1])
    return float("nan")


def _read(stream: BinaryIO) -> Any:
    try:
        return pickle.load(stream)
    except EOFError:
        return None


if __name__ == "__main__":
    raise SystemExit(main())
