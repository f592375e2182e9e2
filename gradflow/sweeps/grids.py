"""Outcomes on a grid of starts or hyper-parameters, as one labelled dataset."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from gradflow.base.arrays import to_numpy
from gradflow.base.checks import flag, function, numbers, require_finite, shown
from gradflow.base.progress import progress_bar
from gradflow.base.tables import named
from gradflow.descent import is_switch, optimizer_name
from gradflow.ends.decision import THEOREMS
from gradflow.ends.outcome import OUTCOMES
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem, Sample, as_neuron, as_problem, grid
from gradflow.sweeps.axes import Axis, Points
from gradflow.sweeps.sweep import BLOCK, Sweep, run

LEAST = 1024
"""Trajectories computed at a time, at least: enough to fill the arithmetic."""


def basins(
    problem: Problem = Problem(),
    neuron: Neuron = Neuron(),
    *,
    method: str = "flow",
    steps: int | None = None,
    dtype: str | None = None,
    theory: bool = True,
    backend: str | None = None,
    progress: Callable[[float], None] | None = None,
    executor: Executor | None = None,
    **given: Any,
) -> xr.Dataset:
    """Compute the outcome of every start, or hyper-parameter, on a grid.

    Parameters
    ----------
    problem : Problem
        One teacher; the population, or a sample for a method with steps. Other targets, laws and losses are
        for `gradflow.networks.line.basins`, which takes a neuron for a network of one.
    neuron : Neuron
        The start where nothing else is given.
    method : str
        "flow" or the name of an optimiser.
    steps, dtype : int, {"float64", "float32"}, optional
        Updates, 5000 by default, and what they are computed in, of a method with steps.
    theory : bool
        Whether the flow is left once its outcome is decided, or followed until it rests. What is left so
        has the loss and the breakpoint that it had then, not those of its end.
    backend : {"numpy", "numba", "cupy"}, optional
        What computes; by default what suits best.
    progress : callable, optional
        Called with the number of trajectories done; without it there is a bar on a terminal.
    executor : concurrent.futures.Executor, optional
        Computes parts of the grid; by default this process does.
    **given
        Values of w1, b1, w2, b2 or a hyper-parameter of the method, by name. A number is the same for all;
        these are axes, in this order: an array or list of values in any order and distance, a tuple
        (lo, hi, n) for n equally spaced ones, both ends included, (lo, hi, n, "log") for equal ratios, an
        `Axis` of that name. A tuple is always a range and a list always values: (0, 1, 3) stands for 0, 0.5
        and 1, [0, 1, 3] for 0, 1 and 3.

    Returns
    -------
    xarray.Dataset
        Along the axes: outcome and outcome_name, loss and breakpoint (the last ones, see theory),
        first_crossing (NaN: none), decided_by and decided_by_name. The result is that of
        `gradflow.sweeps.sweep.run`, and of `gradflow basins`.

    Raises
    ------
    ValueError, TypeError
        One line that names the argument.

    Examples
    --------
    >>> found = gf.basins(b1=(-1.5, 1.5, 4), b2=[-2.0, 0.0, 0.5])
    >>> found["outcome_name"].sel(b1=0.5, b2=0.0).item()
    'global'
    >>> int((found["outcome_name"] == "constant").sum())
    3
    """
    method = optimizer_name(method, "method", ("flow",))
    for name, value in (("steps", steps), ("dtype", dtype)):
        if method == "flow" and value is not None:
            raise ValueError(f"{name}: it has no meaning with method 'flow', got {shown(value)}")
    theory = flag("theory", theory)
    if progress is not None:
        function("progress", progress, "the number of trajectories done")
    if method != "flow" and not theory:
        raise ValueError(f"theory: it has no meaning with method {method!r}, got {theory!r}")
    axes, fixed = [], {}
    for name, value in given.items():
        axis = _axis(name, value)
        if axis is None:
            fixed[name] = value
        else:
            axes.append(axis)
    start = as_neuron(neuron)._asdict()
    start |= {name: fixed.pop(name) for name in PARAMETERS if name in fixed}
    sweep = Sweep(
        axes=tuple(axes),
        method=method,
        neuron=_four("neuron", start.values()),
        **plain_data(problem),
        hyper={name: value if is_switch(name) else _number(name, value) for name, value in fixed.items()},
        steps=5000 if steps is None else steps,
        dtype="float64" if dtype is None else dtype,
        theory=theory,
        backend=backend,
    )
    n = math.prod(sweep.shape)
    sweep = replace(sweep, block=min(BLOCK, max(LEAST, n // 32)))
    watched = progress_bar("basins", n) if progress is None else nullcontext(progress)
    with watched as advance:
        found = run(sweep, executor=executor, progress=advance)
    names = {"outcome": OUTCOMES, "decided_by": THEOREMS}
    return found.assign({f"{name}_name": named(found[name], told) for name, told in names.items()})


def _axis(name: str, value: Any) -> Axis | Points | None:
    """Return the axis that a value is, None if it is one number."""
    if isinstance(value, (Axis, Points)):
        if value.name != name:
            raise ValueError(f"{name}: expected an axis of this name, got one named {value.name!r}")
        return value
    if isinstance(value, tuple):
        n = value[2] if len(value) in (3, 4) else None
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
            raise ValueError(
                f"{name}: expected (lo, hi, n) or (lo, hi, n, 'log'), or an array of values, got {value!r}"
            )
        lo, hi = (_number(name, end) for end in value[:2])
        return Axis(name, lo, hi, int(n), *value[3:])
    if is_switch(name):
        # The same for all: whatever is no bool is refused where it is used.
        return None
    values = numbers(name, value)
    if values.ndim > 1:
        raise ValueError(f"{name}: expected values along one axis, got an array of shape {values.shape}")
    return Points(name, tuple(values.astype(np.float64).tolist())) if values.ndim else None


def plain_data(problem: Problem) -> dict[str, Any]:
    """Return a problem as the fields of a `Sweep`."""
    problem = as_problem(problem, instead="gradflow.networks.line.basins")
    described: dict[str, Any] = {
        "teacher": _four("teacher", problem.teacher),
        "activation": str(problem.activation),
        "teacher_activation": str(problem.teacher_activation),
    }
    inputs = problem.inputs
    if not isinstance(inputs, Sample):
        return {**described, "interval": tuple(_number("interval", end) for end in (inputs.lo, inputs.hi))}
    x = to_numpy(inputs.x).astype(np.float64)
    plain = inputs.weights is None and inputs.targets is None and x[0] < x[-1]
    # The very numbers that a sweep trains on: equally spaced ones may differ from them by rounding.
    if plain and np.array_equal(x, to_numpy(grid(x.size, float(x[0]), float(x[-1])).x)):
        return {**described, "interval": (float(x[0]), float(x[-1])), "samples": x.size}
    parts = {"inputs": x, "weights": inputs.weights, "targets": inputs.targets}
    given = {name: part for name, part in parts.items() if part is not None}
    arrays = {n: tuple(to_numpy(p).astype(np.float64).tolist()) for n, p in given.items()}
    return {**described, **arrays, "source": inputs.source}


def _four(name: str, values: Any) -> tuple[float, float, float, float]:
    w1, b1, w2, b2 = (_number(name, value) for value in values)
    return w1, b1, w2, b2


def _number(name: str, value: Any) -> float:
    require_finite(name, value)
    if np.ndim(value):
        raise ValueError(f"{name}: expected one number, got an array of them")
    return float(value)
