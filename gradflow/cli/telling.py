"""How results are told: files and what is printed, and what is said of a run that measures nothing."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from gradflow.base.files import to_json
from gradflow.base.tables import write
from gradflow.field import loss
from gradflow.field.bounds import root_loss
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem

MOST_TOLD = 4
"""Neurons of a network whose parameters are printed; files and JSON have them all."""


def deliver(written: Callable[[], None], show: Callable[[], None]) -> None:
    """Write files and print the result, which is printed also if a file cannot be written."""
    try:
        written()
    except OSError:
        show()
        raise
    show()


def print_report(
    report: Mapping[str, Any],
    json: bool,
    lines: Mapping[str, Callable[[Any], Iterable[str]]],
    digits: int = 15,
) -> None:
    """Print a report as JSON or a line an entry; `lines` are functions that tell entries of many lines."""
    if json:
        print(to_json(report))
        return
    for key, value in report.items():
        if key in lines:
            for line in lines[key](value):
                print(line)
        elif isinstance(value, dict):
            entries = (f"{name} = {_as_text(entry, digits)}" for name, entry in value.items())
            print(f"{key:<16}" + "  ".join(entries))
        elif value is None or isinstance(value, bool):
            print(f"{key:<16}{'none' if value is None else 'yes' if value else 'no'}")
        else:
            print(f"{key:<16}{_as_text(value, digits)}")


def _as_text(value: Any, digits: int) -> str:
    """Return a number, or the first of many, as text."""
    if isinstance(value, list):
        some = ", ".join(f"{number:.6g}" for number in value[:MOST_TOLD])
        return f"[{some}{', …' if len(value) > MOST_TOLD else ''}]"
    if isinstance(value, float):
        return "none" if math.isnan(value) else f"{value:.{digits}g}"
    return f"{value}"


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
    if silent or problem.is_general or any(name in PARAMETERS for name in varied):
        return
    # Huge parameters are valid input.
    with np.errstate(all="ignore"):
        # Of parameters so large that rounding hides the loss nothing is said.
        if float(loss(start, problem)) != 0.0 or float(root_loss(start, problem).error) > 1e-6:
            return
    shown = ", ".join(f"{name} = {value:g}" for name, value in zip(PARAMETERS, start, strict=True))
    aim = "is as good as the teacher" if problem.has_teacher else "fits the data"
    print(
        f"gradflow: the start ({shown}) {aim}, its loss is 0; --w1, --b1, --w2 and --b2 choose another",
        file=sys.stderr,
    )


def note_undecided_ends(undecided: int, config: Any, varied: Iterable[str] = (), *, silent: bool) -> None:
    """Say on standard error why ends under weight decay are undecided, if some are.

    Parameters
    ----------
    undecided : int
        How many are.
    config : Config of an optimiser, or None
        None is the flow.
    varied : names
        Of hyper-parameters that are not those of `config`.
    """
    decays = float(getattr(config, "weight_decay", 0.0)) > 0.0 or "weight_decay" in varied
    if undecided and decays and not silent:
        print(
            f"gradflow: {undecided} undecided: weight decay lets runs rest beside the critical points of the "
            "loss, which is what outcomes are about, unless they are only too short; weight_decay=0 has none",
            file=sys.stderr,
        )
