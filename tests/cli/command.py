"""Running the command line, in this process and in others."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradflow.cli import run

PROGRAM = (sys.executable, "-c", "from gradflow.cli import main; main()")
ROOT = Path(__file__).parents[2]


def strict(text: str) -> Any:
    """Parse JSON that has no NaN and no infinity."""

    def refuse(name: str) -> Any:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """Run a command with --json in this process; return what it printed, parsed."""
    assert run([*arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return strict(out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that is to be refused; return the one line that says why."""
    assert run(list(arguments)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("gradflow: ")
    assert err.count("\n") == 1
    return err.removeprefix("gradflow: ").rstrip("\n")


def launch(*arguments: str, program: tuple[str, ...] = PROGRAM, **options: Any) -> subprocess.Popen[bytes]:
    """Start the program in a process group of its own."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
    return subprocess.Popen((*program, *arguments), start_new_session=True, **{**streams, **options})


def wait_until(condition: Callable[[], object], limit: float = 60.0) -> None:
    """Wait for a condition, or fail."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


def files_below(folder: Path) -> list[str]:
    """Return the files in a folder and below, hidden ones too."""
    return sorted(
        os.path.relpath(os.path.join(where, name), folder)
        for where, _, names in os.walk(folder)
        for name in names
    )


def living(group: int) -> list[str]:
    """Return the processes of a group that have not ended."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, owner = place.read_text().rsplit(")", 1)[1].split()[:3]
            found += [place.parent.name] if int(owner) == group and state != "Z" else []
    return found


def workers_of(pid: int) -> list[int]:
    """Return the worker processes of a program."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    commands = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    return [child for child, command in commands.items() if b"spawn_main" in command]
