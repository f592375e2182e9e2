"""Variables of a neuron's states, and its problem as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from gradflow.base.arrays import to_numpy
from gradflow.base.tables import codes
from gradflow.neuron.activity import ACTIVITIES
from gradflow.neuron.problem import PARAMETERS, Problem, Sample

DIVERGED = "whether it left the range of its numbers (1)"
"""The description of the variable `diverged` of a training run."""


def describe_problem(problem: Problem) -> dict[str, object]:
    """Return teacher, inputs and activations as plain data."""
    inputs = problem.inputs
    described: dict[str, object] = {
        "teacher": dict(zip(PARAMETERS, problem.teacher, strict=True)),
        "interval": [inputs.lo, inputs.hi],
        "activation": str(problem.activation),
        "teacher_activation": str(problem.teacher_activation),
    }
    if isinstance(inputs, Sample):
        described["samples"] = int(inputs.x.shape[0])
        described["weighted"] = inputs.weights is not None
        described["targets"] = inputs.targets is not None
        if inputs.source is not None:
            described["data"] = inputs.source._asdict()
    return described


def state_variables(theta: Any, dims: Sequence[str]) -> dict[str, xr.Variable]:
    """Return w1, b1, w2, b2 and the breakpoint of states of shape (4, …)."""
    values = np.asarray(to_numpy(theta))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        breakpoint_ = np.where(values[0] == 0, np.nan, -values[1] / values[0] + 0.0)
    names = {
        "w1": "input weight",
        "b1": "input bias",
        "w2": "output weight",
        "b2": "output bias",
    }
    variables = {
        name: xr.Variable(tuple(dims), values[i], {"long_name": names[name], "units": "1"})
        for i, name in enumerate(PARAMETERS)
    }
    variables["breakpoint"] = xr.Variable(
        tuple(dims), breakpoint_, {"long_name": "breakpoint -b1/w1 (NaN where w1 = 0)", "units": "1"}
    )
    return variables


def balancedness(theta: Any) -> Any:
    """Return Q = w1² + b1² − w2² of states of shape (4, …)."""
    w1, b1, w2, _ = to_numpy(theta)
    return w1 * w1 + b1 * b1 - w2 * w2


def activity_codes(values: Any, dims: Sequence[str]) -> xr.Variable:
    """Return activity codes as a variable."""
    return codes(values, ACTIVITIES, dims, "activity")
