"""The gradient flow of any kind of neuron (`gradflow.field.kinds`), many at once.

Where plain neurons have `gradflow.flow.ensemble`, which locates every crossing, this integrates dψ/dt = −∇L
with DOP853 and leaves it to the error control to shorten steps where the field bends.

On the population no ReLU neuron's flow crosses the wall at its active end, where its velocity falls with the
active part. So no step does, however small its estimated error: only one too short to tell from running into
w1 = b1 = 0, and one from where the active part is of the size of rounding errors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating, namespace
from gradflow.base.checks import batch_shape, flag, function, integer, number, require_finite, shown
from gradflow.field.kinds.kind import Evaluator, Kind
from gradflow.flow.batch_step import combine
from gradflow.flow.dying import ARRIVED
from gradflow.flow.lanes import put, take
from gradflow.flow.status import CONVERGED, DIVERGED, PASSED, REACHED, RUNNING, TOO_MANY_STEPS
from gradflow.flow.tableau import FIFTH, STAGES, STEP, THIRD
from gradflow.neuron.activity import end_preactivations
from gradflow.neuron.problem import Neuron, Problem, Uniform, as_neuron, as_problem

_SAFETY, _SMALLEST, _LARGEST = 0.9, 0.2, 10.0

_REDONE = 1e8
"""The error of a step that kills: it is tried again with the least share of its length."""

_ROUNDING = 8.0

_ENDED = 0.25
"""The share of the trajectories that may have ended before they are laid aside."""


class Flows(NamedTuple):
    """Where flows ended; arrays of the batch's shape, `final` with a first axis of length P.

    Attributes
    ----------
    final : array
        The last parameters.
    t : array
        The time reached.
    status : array of int8
        Codes of `gradflow.flow.status.STATUSES`.
    loss : array
        The last loss.
    first_below : array
        When the loss was first seen below `below`, at the end of a step; NaN if it never was.
    steps : array of int32
        Accepted and rejected steps.
    """

    final: Array
    t: Array
    status: Array
    loss: Array
    first_below: Array
    steps: Array


def flow(
    kind: Kind,
    neuron: Neuron | Array,
    problem: Problem = Problem(),
    t_end: float = 200.0,
    *,
    rtol: float = 1e-8,
    resting: float = 1e-10,
    below: float = 0.0,
    stop_below: bool = False,
    max_steps: int = 20_000,
    progress: Callable[[float], object] | None = None,
) -> Flows:
    """Follow the gradient flow in a kind's own parameters, each trajectory with its own steps.

    Parameters
    ----------
    kind : Kind
        One of `gradflow.field.kinds.KINDS`.
    neuron : Neuron or array, shape (4, …)
        Plain neurons; each trajectory starts as the same function (`Kind.start`).
    problem : Problem
        The population or a sample; teacher and interval broadcast with the neurons.
    t_end : float
        Final time.
    rtol : float
        Tolerance of a step, relative to the parameter or to 1.
    resting : float
        A trajectory has converged once the norm of its gradient is no larger.
    below : float
        A loss whose passing is noted.
    stop_below : bool
        Whether a trajectory ends there. The flow's loss never rises, so it stays below.
    max_steps : int
        After so many the trajectories that still run are left.
    progress : callable, optional
        Called with the share of the trajectories that have ended.

    Returns
    -------
    Flows
        No result depends on what else is in the batch.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """
    _check(kind, problem, t_end, rtol, resting, max_steps)
    number("below", below)
    stop_below = flag("stop_below", stop_below)
    if progress is not None:
        function("progress", progress, "a share")
    neuron = as_neuron(neuron)
    require_finite("neuron", *neuron)
    xp, arrays = as_floating((*neuron, *problem.teacher, problem.lo, problem.hi))
    batch_shape("neurons, teacher and interval", [a.shape for a in arrays])
    theta = xp.stack(xp.broadcast_arrays(*arrays)[:4])
    shape = theta.shape[1:]
    start = kind.start(theta, problem)
    y = xp.reshape(start, (start.shape[0], -1))
    task = _lanes(xp, problem, shape)
    evaluate = kind.evaluator(task, y)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        g, value = evaluate.gradient(y), evaluate.loss(y)
        one = xp.ones_like(y[0, ...])
        h = 1e-3 * (1.0 + _norm(xp, y)) / xp.maximum(_norm(xp, g), 1e-3 * one)
        status = xp.full_like(one, RUNNING, dtype=xp.int8)
        steps = xp.zeros_like(one, dtype=xp.int32)
        every = lanes = _Lanes(y, g, 0.0 * one, h, status, value, xp.nan * one, steps)
        # Which of `every` are in `lanes`: all, until some have ended.
        left = xp.ones_like(one, dtype=xp.bool)
        for _ in range(max_steps):
            lanes = _arrived(xp, lanes, t_end, resting, stop_below)
            running = lanes.status == RUNNING
            count = int(xp.sum(xp.astype(running, xp.int64)))
            if count == 0:
                break
            if count < (1.0 - _ENDED) * running.shape[0]:
                every = put(xp, every, left, lanes)
                left = every.status == RUNNING
                lanes = take(xp, lanes, xp.nonzero(running)[0])
                running = lanes.status == RUNNING
                task = _some(xp, _lanes(xp, problem, shape), xp.nonzero(left)[0])
                evaluate = kind.evaluator(task, lanes.y)
            kills = partial(_kills, xp, kind, task) if problem.stays_dead else None
            lanes = _advanced(xp, evaluate, kills, lanes, running, t_end, rtol, below)
            if progress is not None:
                progress(1.0 - count / max(1, left.shape[0]))
        every = put(xp, every, left, lanes)
        status = _ended(xp, every.status, (every.status == RUNNING, TOO_MANY_STEPS))
    shaped = (xp.reshape(values, shape) for values in (every.t, status, every.loss, every.first, every.steps))
    return Flows(xp.reshape(every.y, start.shape), *shaped)


class _Lanes(NamedTuple):
    """Trajectories side by side, flat; the lane is the last axis."""

    y: Array
    g: Array
    t: Array
    h: Array
    status: Array
    loss: Array
    first: Array
    steps: Array


def _arrived(xp: Any, lanes: _Lanes, t_end: float, resting: float, stop_below: bool) -> _Lanes:
    """End the lanes that have reached the time, rest, have passed the level, or cannot go on."""
    stuck = ~xp.isfinite(lanes.loss) | (lanes.h < _least_step(lanes.t))
    status = _ended(
        xp,
        lanes.status,
        (lanes.t >= t_end, REACHED),
        (_norm(xp, lanes.g) <= resting, CONVERGED),
        (~xp.isnan(lanes.first) & stop_below, PASSED),
        (stuck, DIVERGED),
    )
    return lanes._replace(status=status)


def _advanced(
    xp: Any,
    evaluate: Evaluator,
    kills: Callable[[_Lanes, Array, Array], Array] | None,
    lanes: _Lanes,
    running: Array,
    t_end: float,
    rtol: float,
    below: float,
) -> _Lanes:
    """Try a step of every running lane, and take those that are accurate enough."""
    y, g, t, h, status, value, first, steps = lanes
    one = xp.ones_like(t)
    step = xp.minimum(h, t_end - t)
    new, slope, error = _trial(evaluate.gradient, y, g, step, rtol)
    if kills is not None:
        error = xp.where(kills(lanes, new, step), xp.maximum(error, _REDONE * one), error)
    moved = running & (error < 1.0)
    root = xp.sqrt(xp.sqrt(xp.sqrt(xp.maximum(error, 1e-20 * one))))
    h = step * xp.minimum(xp.maximum(_SAFETY / root, _SMALLEST * one), _LARGEST * one)
    y, g, t = xp.where(moved, new, y), xp.where(moved, slope, g), xp.where(moved, t + step, t)
    value = xp.where(moved, evaluate.loss(y), value)
    first = xp.where(running & xp.isnan(first) & (value < below), t, first)
    return _Lanes(y, g, t, h, status, value, first, steps + xp.astype(running, xp.int32))


def _kills(xp: Any, kind: Kind, problem: Problem, lanes: _Lanes, new: Array, step: Array) -> Array:
    """Return which trial steps kill a neuron by their error."""
    if not isinstance(problem.inputs, Uniform):
        return step != step
    lines = [kind.line(psi, problem) for psi in (lanes.y, new)]
    before, after = (xp.stack(end_preactivations(Neuron(w1, b1), problem)) for w1, b1 in lines)
    dies = xp.any(before > 0.0, axis=0) & xp.all(after <= 0.0, axis=0)
    if not bool(xp.any(dies)):
        return dies
    shrinks = xp.all((before > 0.0) | (xp.abs(after) <= xp.abs(before)), axis=0)
    at_origin = shrinks & (step <= ARRIVED * _least_step(lanes.t))
    w1, b1 = lines[0]
    far = xp.maximum(xp.abs(xp.asarray(problem.lo)), xp.abs(xp.asarray(problem.hi)))
    rounding = _ROUNDING * float(xp.finfo(step.dtype).eps) * (xp.abs(w1) * far + xp.abs(b1))
    return dies & ~at_origin & (xp.max(before, axis=0) > rounding)


def _least_step(t: Array) -> Array:
    return 1e-14 * (1.0 + t)


def _lanes(xp: Any, problem: Problem, shape: tuple[int, ...]) -> Problem:
    """Return the problem with an entry for every flattened trajectory wherever it has arrays."""

    def flat(values: Any) -> Any:
        return (
            values if np.ndim(values) == 0 else xp.reshape(xp.broadcast_to(xp.asarray(values), shape), (-1,))
        )

    return _with(problem, flat)


def _some(xp: Any, problem: Problem, where: Array) -> Problem:
    """Return the problem of some of the flattened trajectories."""
    return _with(problem, lambda values: values if np.ndim(values) == 0 else xp.take(values, where))


def _with(problem: Problem, change: Callable[[Any], Any]) -> Problem:
    inputs = problem.inputs
    if isinstance(inputs, Uniform):
        inputs = Uniform(change(inputs.lo), change(inputs.hi))
    return replace(problem, teacher=Neuron(*map(change, problem.teacher)), inputs=inputs)


def _check(kind: Kind, problem: Problem, t_end: float, rtol: float, resting: float, max_steps: int) -> None:
    """Raise a one-line error unless the arguments are allowed."""
    if not isinstance(kind, Kind):
        raise TypeError(f"kind: expected one of gradflow.field.kinds.KINDS, got {shown(kind)}")
    as_problem(problem)
    number("t_end", t_end, 0.0)
    number("rtol", rtol, 1e-13, 1e-2)
    number("resting", resting, 0.0)
    integer("max_steps", max_steps, 1)


def _trial(
    gradient: Callable[[Array], Array], y: Array, g: Array, h: Array, rtol: float
) -> tuple[Array, Array, Array]:
    """Return the state and the gradient after a step, and its error relative to the tolerance."""
    xp = namespace(y)
    stages = [-g]
    for row in STAGES:
        stages.append(-gradient(y + h * combine(row, stages)))
    total = combine(STEP, stages)
    new = y + h * total
    slope = gradient(new)
    stages.append(-slope)
    scale = h / (rtol * xp.maximum(xp.maximum(xp.abs(y), xp.abs(new)), xp.ones_like(y)))
    fifth, third = scale * combine(FIFTH, stages), scale * (total - combine(THIRD, stages))
    a, b = xp.sum(fifth * fifth, axis=0), xp.sum(third * third, axis=0)
    size = a + 0.01 * b
    zero = size == 0.0
    error = a / xp.sqrt(float(y.shape[0]) * xp.where(zero, xp.ones_like(size), size))
    return new, slope, xp.where(xp.isfinite(size), error, xp.inf * xp.ones_like(size))


def _norm(xp: Any, rows: Array) -> Array:
    return xp.sqrt(xp.sum(rows * rows, axis=0))


def _ended(xp: Any, status: Array, *ends: tuple[Array, int]) -> Array:
    for holds, code in ends:
        status = xp.where((status == RUNNING) & holds, xp.full_like(status, code), status)
    return status
