"""How results are told: files and what is printed, and what is said of a run that measures nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import xarray as xr

from gradflow.field import loss
from gradflow.field.bounds import root_loss
from gradflow.problem import PARAMETERS, Neuron, Problem
from gradflow.results import write


def deliver(written: Callable[[], None], show: Callable[[], None]) -> None:
    """Write files and print the result, which is printed also if a file cannot be written."""
    try:
        written()
    except OSError:
        show()
        raise
    show()


def write_if_asked(result: xr.Dataset, out: Path | None) -> None:
    """Write a result as NetCDF, if it is to go anywhere."""
    if out is not None:
        write(result, out)


def note_a_start_at_the_teacher(
    start: Neuron, problem: Problem, varied: Iterable[str] = (), *, silent: bool
) -> None:
    """Say on standard error that the start's loss is 0, unless it is varied.

    Programs that read JSON see it in the result, so that nothing is said to them: `silent`.
    """
    if silent or any(name in PARAMETERS for name in varied):
        return
    # Huge parameters are valid input.
    with np.errstate(all="ignore"):
        # Of parameters so large that rounding hides the loss nothing is said.
        if float(loss(start, problem)) != 0.0 or float(root_loss(start, problem).error) > 1e-6:
            return
    shown = ", ".join(f"{name} = {value:g}" for name, value in zip(PARAMETERS, start, strict=True))
    print(
        f"gradflow: the start ({shown}) is as good as the teacher, its loss is 0; "
        "--w1, --b1, --w2 and --b2 choose another",
        file=sys.stderr,
    )
