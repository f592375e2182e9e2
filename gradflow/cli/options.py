"""The options that commands share, and what they parse to."""

from __future__ import annotations

import math
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from gradflow.base.checks import as_number
from gradflow.base.progress import note
from gradflow.cli.completion import among
from gradflow.neuron.activations import SPELLINGS, Activation, as_activation
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem, Uniform

LARGEST = 1e30
"""Largest parameter or input: beyond it the square of a gradient can overflow."""

MOST = 2**31 - 1
"""Largest integer; files store steps in 32 bits."""

MOST_SAMPLES = 10_000_000

UNIT_TEACHER = ("1", "0", "1", "0")
UNIT_INTERVAL = ("-1", "1")

ACTIVATIONS = among(*(spelling.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ,") for spelling in SPELLINGS.split(", ")))


def number(name: str, text: str, *, least: float | None = None, size: float | None = None) -> float:
    """Return the finite number that an option's text is, at least `least`, at most `size` from 0.

    Raises
    ------
    ValueError
        One line with the option, the text and what is allowed.
    """
    allowed = "a finite number" + ("" if least is None else f" >= {least:g}")
    if size is not None:
        allowed = f"a number between {-size:g} and {size:g}"
    value = as_number(text)
    outside = (least is not None and value < least) or (size is not None and abs(value) > size)
    if not math.isfinite(value) or outside:
        raise ValueError(f"{name}: expected {allowed}, got {text!r}")
    return value


def integer(name: str, text: str, *, least: int, most: int = MOST) -> int:
    """Return the integer that an option's text is, with errors as `number`."""
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise ValueError(f"{name}: expected an integer from {least} to {most}, got {text!r}")
    return value


def _numeric(help_text: str) -> Any:
    return typer.Option(metavar="X", help=help_text)


# Numbers are taken as text: `number` then names the option and its value when it refuses one.
W1 = Annotated[str, _numeric("Input weight at the start.")]
B1 = Annotated[str, _numeric("Input bias at the start.")]
W2 = Annotated[str, _numeric("Output weight at the start.")]
B2 = Annotated[str, _numeric("Output bias at the start.")]
TEACHER = Annotated[
    tuple[str, str, str, str],
    typer.Option(
        "--teacher",
        metavar="W1 B1 W2 B2",
        show_default=False,
        help="The teacher's parameters.  [default: 1 0 1 0]",
    ),
]
INTERVAL = Annotated[
    tuple[str, str],
    typer.Option(
        "--interval",
        metavar="LO HI",
        show_default=False,
        help="The inputs are uniform on [LO, HI].  [default: -1 1]",
    ),
]
ACTIVATION = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        autocompletion=ACTIVATIONS,
        help=f"{SPELLINGS}.",
    ),
]
TEACHER_ACTIVATION = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        show_default=False,
        autocompletion=ACTIVATIONS,
        help="The teacher's.  [default: the student's]",
    ),
]
JSON = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
NO_THEORY = Annotated[
    bool, typer.Option("--no-theory", help="Follow the flow until it rests, whatever is proved of its end.")
]
OUT_NC = Annotated[
    Path | None, typer.Option("--out", metavar="FILE.nc", help="Write the trajectory as NetCDF.")
]
FIGURE = Annotated[
    Path | None,
    typer.Option("--figure", metavar="FILE", help="Draw the result: a name that ends in .pdf, .svg or .png."),
]


def neuron(w1: W1 = "1", b1: B1 = "0", w2: W2 = "1", b2: B2 = "0") -> Neuron:
    """Return the start."""
    return Neuron(
        *(number(f"--{n}", v, size=LARGEST) for n, v in zip(PARAMETERS, (w1, b1, w2, b2), strict=True))
    )


def population(
    teacher: TEACHER = UNIT_TEACHER,
    interval: INTERVAL = UNIT_INTERVAL,
    activation: ACTIVATION = "relu",
    teacher_activation: TEACHER_ACTIVATION = None,
) -> Problem:
    """Return the problem on the interval's population."""
    lo, hi = (number("--interval", value, size=LARGEST) for value in interval)
    if not lo < hi:
        raise ValueError(f"--interval: LO must be below HI, got {interval[0]} {interval[1]}")
    aim = Neuron(*(number("--teacher", value, size=LARGEST) for value in teacher))
    given = zip(_ACTIVATIONS, (activation, teacher_activation), strict=True)
    return Problem(aim, Uniform(lo, hi), *(_activation(name, text) for name, text in given))


_ACTIVATIONS = ("--activation", "--teacher-activation")


def _activation(name: str, text: str | None) -> Activation | None:
    """Return the activation of this name, None if there is none, with errors as `number`."""
    if text is None:
        return None
    return as_activation(text, name)


def check_file(path: Path | None, *endings: str, option: str = "--out") -> None:
    """Refuse an output file before any work is done, if it could not be written afterwards.

    Parameters
    ----------
    path : Path or None
        None is no file.
    endings : str
        How its name may end: in .nc unless they are given.
    option : str
        The option that names it.

    Raises
    ------
    ValueError
        One line with the path and the reason.
    """
    if path is None:
        return
    endings = endings or (".nc",)
    if path.suffix not in endings:
        allowed = ", ".join(endings[:-1]) + (" or " if endings[1:] else "") + endings[-1]
        raise ValueError(f"{option}: expected a file name that ends in {allowed}, got {str(path)!r}")
    if path.is_dir():
        raise ValueError(f"{option}: expected a file, but {str(path)!r} is a directory")
    check_directory(path.parent, option)
    if path.exists():
        note(f"{option}: {str(path)!r} is there and will be replaced")


def check_figure(path: Path | None) -> None:
    """Refuse a figure's file, as `check_file`."""
    check_file(path, ".pdf", ".svg", ".png", option="--figure")


def check_directory(path: Path, option: str = "--out") -> None:
    """Refuse a directory that files cannot be written to (or that does not exist), as `check_file`."""
    try:
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise ValueError(f"{option}: cannot write to {str(path) or os.curdir!r}: {error.strerror}") from error
