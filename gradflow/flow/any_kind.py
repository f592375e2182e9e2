"""The gradient flow of any kind of neuron (`gradflow.neurons`), many at once.

Where plain neurons have `gradflow.flow.ensemble`, which locates every crossing, this integrates dψ/dt = −∇L
with DOP853 and leaves it to the error control to shorten steps where the field has a kink.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradflow.backend import Array, as_floating, namespace
from gradflow.checks import batch_shape, function, integer, number, require_finite, shown
from gradflow.flow.batch_step import combine
from gradflow.flow.tableau import FIFTH, STAGES, STEP, THIRD
from gradflow.neurons.kind import Kind
from gradflow.problem import Neuron, Problem, as_neuron, as_problem

RUNNING, REACHED, CONVERGED, TOO_MANY_STEPS, DIVERGED = range(5)
STATUSES = ("running", "reached t_end", "converged", "too many steps", "diverged")

_SAFETY, _SMALLEST, _LARGEST = 0.9, 0.2, 10.0


class Flows(NamedTuple):
    """Where flows ended; arrays of the batch's shape, `final` with a first axis of length P.

    Attributes
    ----------
    final : array
        The last parameters.
    t : array
        The time reached.
    status : array of int8
        Codes of `STATUSES`.
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
    max_steps: int = 20_000,
    progress: Callable[[float], object] | None = None,
) -> Flows:
    """Follow the gradient flow in a kind's own parameters, each trajectory with its own steps.

    Parameters
    ----------
    kind : Kind
        One of `gradflow.neurons.KINDS`.
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
    if progress is not None:
        function("progress", progress, "a share")
    neuron = as_neuron(neuron)
    require_finite("neuron", *neuron)
    xp, arrays = as_floating((*neuron, *problem.teacher, problem.lo, problem.hi))
    batch_shape("neurons, teacher and interval", [a.shape for a in arrays])
    theta = xp.stack(xp.broadcast_arrays(*arrays)[:4])
    shape = theta.shape[1:]
    start = kind.start(theta, problem)
    evaluate = kind.evaluator(problem, start)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        y, g = start, evaluate.gradient(start)
        one = xp.ones_like(y[0, ...])
        t, status = 0.0 * one, xp.zeros_like(one, dtype=xp.int8)
        h = 1e-3 * (1.0 + _norm(xp, y)) / xp.maximum(_norm(xp, g), 1e-3 * one)
        steps, first = xp.zeros_like(one, dtype=xp.int32), xp.nan * one
        value = evaluate.loss(y)
        for _ in range(max_steps):
            status = _ended(xp, status, (t >= t_end, REACHED), (_norm(xp, g) <= resting, CONVERGED))
            status = _ended(xp, status, (~xp.isfinite(value) | (h < 1e-14 * (1.0 + t)), DIVERGED))
            running = status == RUNNING
            if not bool(xp.any(running)):
                break
            step = xp.minimum(h, t_end - t)
            new, slope, error = _trial(evaluate.gradient, y, g, step, rtol)
            moved = running & (error < 1.0)
            root = xp.sqrt(xp.sqrt(xp.sqrt(xp.maximum(error, 1e-20 * one))))
            h = step * xp.minimum(xp.maximum(_SAFETY / root, _SMALLEST * one), _LARGEST * one)
            y, g, t = xp.where(moved, new, y), xp.where(moved, slope, g), xp.where(moved, t + step, t)
            value = xp.where(moved, evaluate.loss(y), value)
            first = xp.where(xp.isnan(first) & (value < below), t, first)
            steps = steps + xp.astype(running, xp.int32)
            if progress is not None:
                progress(1.0 - float(xp.mean(xp.astype(running, xp.float64))))
        status = _ended(xp, status, (status == RUNNING, TOO_MANY_STEPS))
    return Flows(xp.reshape(y, (y.shape[0], *shape)), t, status, value, first, steps)


def _check(kind: Kind, problem: Problem, t_end: float, rtol: float, resting: float, max_steps: int) -> None:
    """Raise a one-line error unless the arguments are allowed."""
    if not isinstance(kind, Kind):
        raise TypeError(f"kind: expected one of gradflow.neurons.KINDS, got {shown(kind)}")
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
