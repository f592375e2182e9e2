"""The command line: `gradflow reproduce | derive | flow | train | threshold | basins | align | explore`.

Results go to standard output, everything else to standard error. Bad input gives one line and exit
code 2; an interrupt leaves no half-written file and gives 130.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

COMPLETING = "_GRADFLOW_COMPLETE"
"""The variable by which a shell asks for completions."""

FILES = ("--out", "--figure", "--data", "--export", "--network", "--target", "--law", "--mnist")
"""Options whose value names a file or a folder."""

INTERRUPTED = 130
READER_GONE = 141
"""128 plus the number of the signal, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A character that the terminal or pipe cannot take is no reason to lose the result.
        sys.stdout.reconfigure(errors="backslashreplace")
    retries = hasattr(signal, "setitimer") and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signals = (signal.SIGINT, signal.SIGALRM) if retries else (signal.SIGINT,)
    for number in signals if retries else ():
        signal.signal(number, interrupt)
    code = run(sys.argv[1:] if arguments is None else list(arguments))
    if code == INTERRUPTED:
        # As in `gradflow.__main__`: the exit code stands.
        eval("None")
        # Nothing is left to be interrupted but the interpreter's own clearing up.
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
    raise SystemExit(code)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt; later if Python is importing, where some callbacks lose what is raised."""
    if frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        return
    raise KeyboardInterrupt


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    try:
        return _run(list(arguments))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # As in `… | head -1`: the output has been read as far as it was wanted.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        return _refuse(f"{_option_of(error.filename, arguments)}{name}{error.strerror or error}")
    except MemoryError as error:
        return _refuse(f"not enough memory{f': {error}' if str(error) else ''}")


def _run(arguments: list[str]) -> int:
    # Imported here, so that an interrupt during the imports ends in one line too.
    import typer

    from gradflow.cli.app import program

    # Typer carries its own copy of click or uses the installed one, by version; its bases know which.
    usage: type[Any] = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")
    command = program()
    if COMPLETING in os.environ:
        # A shell asks what may come next, and exits with the answer.
        command.main(prog_name="gradflow")
    if not arguments:
        return _refuse(f"expected a command: {', '.join(command.commands)}; see gradflow --help")
    for name in FILES:
        # As a path it would be the working directory.
        if f"{name}=" in arguments or (name, "") in pairwise((*arguments, " ")):
            return _refuse(f"{name}: expected a name, got ''")
    try:
        # Not `command.main`, which has its own way with interrupts.
        with command.make_context("gradflow", arguments.copy()) as context:
            command.invoke(context)
    except SystemExit as done:
        # Of the options about completion, which end so.
        return int(done.code or 0)
    except typer.Exit as done:
        sys.stdout.flush()
        return int(done.exit_code)
    except (ValueError, TypeError) as error:
        chosen = next((command.commands[a] for a in arguments if a in command.commands), command)
        return _refuse(_as_option(str(error), arguments, chosen.params))
    except Exception as error:
        if isinstance(error, usage):
            return _refuse(error.format_message())
        raise
    sys.stdout.flush()
    return 0


def _as_option(message: str, arguments: list[str], parameters: Sequence[Any]) -> str:
    """Return the library's message with the argument it names written as on the command line."""
    name, colon, rest = message.partition(": ")
    flag = f"--{name.replace('_', '-')}"
    if any(flag in parameter.opts for parameter in parameters):
        return f"{flag}{colon}{rest}"
    if name.isidentifier() and any(parameter.opts == [name] for parameter in parameters):
        return f"{name.upper()}{colon}{rest}"
    if not name.startswith("-") and any(a.removeprefix("--hyper=").startswith(f"{name}=") for a in arguments):
        return f"--hyper {name}{colon}{rest}"
    return message


def _option_of(filename: Any, arguments: Sequence[str]) -> str:
    """Return the option that names a file, and a colon; "" if none does."""
    if not isinstance(filename, str):
        return ""
    given = [*pairwise(arguments), *(argument.partition("=")[::2] for argument in arguments)]
    found = (option for option, value in given if option in FILES and Path(value) == Path(filename))
    return next((f"{option}: " for option in found), "")


def _refuse(message: str) -> int:
    print(f"gradflow: {' '.join(message.split())}", file=sys.stderr)
    return 2
