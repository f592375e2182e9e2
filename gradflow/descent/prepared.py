"""Starts, problem and optimiser checked and in one dtype, and the result of a training run."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from gradflow.base.arrays import Array, as_floating, device, is_array
from gradflow.base.checks import (
    batch_shape,
    dtype_name,
    function,
    integer,
    number,
    require_finite,
    shown,
)
from gradflow.base.labelled import unlabelled
from gradflow.compiled import gpu
from gradflow.descent.events import Crossing
from gradflow.descent.optimisers.hyper import Config
from gradflow.descent.optimisers.registry import check
from gradflow.descent.schedules import Schedule
from gradflow.neuron.problem import Neuron, Problem, Uniform, as_neuron, as_problem

# Files store steps in 32 bits.
MOST = 2**31 - 1


BACKENDS = (None, "numpy", "numba", "cupy")


class Descent(NamedTuple):
    """The result of `train_arrays`; the arrays are in the namespace of the run.

    Attributes
    ----------
    final : array, shape (P, *batch)
        The parameters after the last update.
    steps : array of int64, shape (K,)
        The recorded steps, 0 and the last among them. Step k is the state after k updates.
    theta : array, shape (K, P, *batch)
        The parameters at those steps.
    loss : array, shape (K, *batch)
        The loss at those steps.
    events : list of Crossing
        By step, then by index; empty if not asked for.
    first_change : array of int64, shape (*batch), or None
        The first step whose activity differs from that of the step before, −1 if there is none; None
        if not asked for.
    diverged : array of bool, shape (*batch)
        The trajectories that left the range in which the arithmetic is safe (see `train`).
    last : array, shape (J, P, *batch), or None
        The parameters `LAST` updates before the last one, in that order, as far as they are in the last
        fifth of the run or in the last `LEAST` updates; None if not asked for, or if fewer were made.
    state : NamedTuple of arrays, or None
        The optimiser's state after the last update, as `gradflow.descent.update` returns it; None if not
        asked for. That of a trajectory which diverged means nothing.
    """

    final: Array
    steps: Array
    theta: Array
    loss: Array
    events: list[Crossing]
    first_change: Array | None
    diverged: Array
    last: Array | None = None
    state: Any = None


def bounds(xp: Any, dtype: Any) -> tuple[float, float]:
    """Return the largest parameter and the largest component of the gradient of a run that goes on."""
    largest = float(xp.finfo(dtype).max)
    return largest ** (1 / 7), 0.5 * largest**0.5


def prepare(
    start: Neuron | Array, problem: Problem, optimizer: Config, dtype: Any = None
) -> tuple[Array, Problem, Config]:
    """Return everything checked, in one namespace; θ and problem in one dtype, θ of the full shape."""
    problem = as_problem(problem)
    config: Any = check(optimizer)
    neuron = as_neuron(start, "start")
    require_finite("start", *neuron)
    bounds = (problem.lo, problem.hi)
    xp, arrays = as_floating((*neuron, *problem.teacher, *bounds))
    kind = arrays[0].dtype if dtype is None else getattr(xp, dtype_name("dtype", dtype))
    arrays = [xp.astype(a, kind, copy=False) for a in arrays]
    hyper = {
        name: xp.asarray(value, dtype=xp.float64, device=device(arrays[0]))
        for name, value in zip(config._fields, map(unlabelled, config), strict=True)
        if is_array(value) or isinstance(value, (list, tuple))
    }
    names = "start, teacher, interval and hyper-parameters"
    shape = batch_shape(names, [a.shape for a in (*arrays, *hyper.values())])
    theta = xp.stack([xp.broadcast_to(a, shape) for a in arrays[:4]])
    require_finite(f"start in {dtype_name('dtype', kind)}", theta)
    inputs = Uniform(*arrays[8:]) if isinstance(problem.inputs, Uniform) else problem.inputs
    return theta, replace(problem, teacher=Neuron(*arrays[4:8]), inputs=inputs), config._replace(**hyper)


def recorded(steps: int, record_every: int | None) -> tuple[int, list[int]]:
    """Return the number of updates and the steps to record, checked."""
    count = integer("steps", steps, 0)
    if count > MOST:
        raise ValueError(f"steps: expected at most {MOST}, got {shown(count)}")
    if record_every is None:
        return count, sorted({0, count})
    return count, sorted({*range(0, count, integer("record_every", record_every, 1)), count})


def spacing(steps: int, record_every: int | None, most: int) -> int | None:
    """Return every how many steps are recorded: by default as many as keep the records at `most` and one."""
    if record_every is None and (count := integer("steps", steps, 0)) > 0:
        return -(-count // most)
    return record_every


def require_functions(schedule: Schedule, progress: Callable[[int], object] | None) -> None:
    """Raise a one-line TypeError unless a schedule, and `progress` if it is given, are functions."""
    function("schedule", schedule, "the step")
    if progress is not None:
        function("progress", progress, "the number of updates done")


def factor(schedule: Schedule, step: int) -> float:
    """Return the factor of the learning rate at a step, checked."""
    value = schedule(step)
    if type(value) is float and 0.0 <= value < math.inf:
        return value
    try:
        return number("schedule", value, 0.0)
    except (TypeError, ValueError) as error:
        expected = f"schedule: expected a finite factor >= 0, got {shown(value)} at step {step}"
        raise type(error)(expected) from None


def on_gpu(theta: Array, problem: Problem, optimizer: Config) -> tuple[Array, Problem, Config]:
    """Return what `prepare` returned in arrays of CuPy.

    Raises
    ------
    ValueError
        If CuPy is not installed or finds no GPU.
    """
    gpu.require()
    return moved(gpu.there, theta, problem, optimizer)


def moved(
    there: Callable[[Any], Any], theta: Array, problem: Problem, optimizer: Config
) -> tuple[Array, Problem, Config]:
    """Return what `prepare` returned with each of its arrays where a function puts them."""
    inputs = problem.inputs
    if isinstance(inputs, Uniform):
        inputs = Uniform(there(inputs.lo), there(inputs.hi))
    some: Any = optimizer
    hyper = {name: there(value) for name, value in some._asdict().items()}
    problem = replace(problem, teacher=Neuron(*map(there, problem.teacher)), inputs=inputs)
    return there(theta), problem, some._replace(**hyper)
