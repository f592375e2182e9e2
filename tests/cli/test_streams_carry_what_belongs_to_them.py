"""Results alone on standard output, a progress bar on a terminal alone, and streams that end early."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gradflow.base.version import __version__
from gradflow.cli import run
from tests.cli.command import PROGRAM, answer, launch, strict

pty = pytest.importorskip("pty")
LENGTHS = {
    "flow": ("--t-end", "100"),
    "train": ("--steps", "2000"),
    "basins": ("--grid", "b1", "-1", "1", "3", "--method", "gd", "--samples", "9", "--steps", "9"),
    "reproduce": ("--only", "obs1.kink"),
}


def on_terminal(*arguments: str, program: tuple[str, ...] = PROGRAM) -> tuple[bytes, bytes, int]:
    """Run a program with standard error on a terminal; return both streams and the exit code."""
    master, slave = pty.openpty()
    process = launch(
        *arguments, program=program, stderr=slave, env={**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    )
    os.close(slave)
    seen = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.close(master)
    out, _ = process.communicate(timeout=60)
    return out, seen, process.returncode


@pytest.mark.parametrize(
    "command",
    [pytest.param(name, marks=() if name == "train" else pytest.mark.slow) for name in LENGTHS],
)
def test_a_progress_bar_on_a_terminal_only(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = (command, *LENGTHS[command], "--json")
    out, err, code = on_terminal(*arguments)
    assert code == 0
    assert command.encode() in err
    assert b"%" in err
    on_a_terminal = strict(out.decode())
    elsewhere = answer(capsys, *arguments[:-1])
    if command != "reproduce":
        assert elsewhere == on_a_terminal


@pytest.mark.slow
def test_no_progress_bar_in_a_pipe() -> None:
    arguments = ("train", *LENGTHS["train"], "--json")
    piped = subprocess.run((*PROGRAM, *arguments), capture_output=True, text=True, check=True)
    assert piped.stderr == ""
    assert strict(piped.stdout)


def test_bad_input_draws_no_bar() -> None:
    out, err, code = on_terminal("flow", "--w1", "x")
    assert (out, code) == (b"", 2)
    assert err.count(b"\n") == 1
    assert b"\x1b" not in err


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["derive"], ["reproduce", "--list"], ["flow", "--t-end", "0"]])
def test_a_reader_that_has_gone(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = launch(*arguments, stdout=writer)
    os.close(writer)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk() -> None:
    with open("/dev/full", "wb") as full:
        process = launch("derive", "--json", stdout=full)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (2, b"gradflow: No space left on device\n")


def test_a_stream_that_knows_ascii_only() -> None:
    done = subprocess.run(
        (*PROGRAM, "derive"),
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert b"Q = w1\\xb2" in done.stdout
    assert done.stderr == b""


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for flag in ("-h", "--help"):
        assert run([flag]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert "..." not in out.replace("[ARGS]...", "")
        assert all(name in out for name in ("reproduce", "derive", "flow", "train", "--version"))
    for command in ("reproduce", "derive", "flow", "train"):
        assert run([command, "--help"]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert "--json" in out
    assert run(["--version"]) == 0
    assert capsys.readouterr() == (f"gradflow {__version__}\n", "")


def test_the_package_is_a_program() -> None:
    script = Path(sys.executable).with_name("gradflow")
    if not script.exists():
        pytest.skip("not installed beside this Python")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"gradflow {__version__}\n"
