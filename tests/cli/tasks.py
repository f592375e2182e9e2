"""Tasks for worker processes; they are imported there by name."""

from __future__ import annotations

import gc
import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

from gradflow.base.files import whole_file
from gradflow.cli.workers import THREADS


def write_half(path: Path) -> None:
    """Write half a file, say so, and never come to the other half."""
    with whole_file(path) as temporary:
        temporary.write_text("half")
        path.with_suffix(".started").touch()
        time.sleep(600)


def stay(path: Path) -> None:
    """Say so, and neither end nor take a request to leave."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    path.touch()
    time.sleep(600)


def leave_late(path: Path) -> None:
    """Say so, and see only the second request to leave: the first comes just before a system call."""
    handler = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda *_: signal.signal(signal.SIGTERM, handler))
    write_half(path)


def note(path: Path) -> str:
    """Leave a file, and return its name."""
    path.touch()
    return path.name


def fail() -> None:
    """Fail."""
    raise ValueError("between: the outcome is global at both ends")


def die_once(mark: Path, half: bytes = b"") -> int:
    """End the process as a kill would, with half an answer sent, unless another one has done so before."""
    if not mark.exists():
        mark.touch()
        (pipe,) = (found for found in gc.get_objects() if isinstance(found, Connection))
        os.write(pipe.fileno(), half)
        die()
    return 1


def die() -> None:
    """End the process as a kill would."""
    os.kill(os.getpid(), signal.SIGKILL)


def threads() -> tuple[str | None, ...]:
    """Return what this process is told about the threads of linear algebra."""
    return tuple(os.environ.get(name) for name in THREADS)
