"""Outcomes: where a trajectory ends, and the rule that says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from gradflow.activity import BALANCED, DEAD, activity
from gradflow.backend import Array, as_floating, is_array, namespace
from gradflow.field import gradient, hessian, loss
from gradflow.field.baselines import adaptable, best_constant, best_line
from gradflow.problem import Neuron, Problem, Sample, Uniform, as_neuron
from gradflow.theory.energy import barriers
from gradflow.theory.hyperactive import trapped

OUTCOMES = ("global", "linear", "constant", "local", "diverged", "undecided")
GLOBAL, LINEAR, CONSTANT, LOCAL, DIVERGED, UNDECIDED = range(6)

TOLERANCE = 1e-3
"""How close, relative to the reference losses, a loss counts as having arrived."""

RESTING_GRADIENT = 1e-6
"""|∇L| below which a neuron with a kink counts as being at rest."""

RESTING_LINE = 1e-10
"""|∇L| below which one without a kink does; before that it should be known to be trapped."""

FALLING = 1e-4
"""A resting point is a saddle if an eigenvalue of the Hessian is below minus this."""


def outcome(neuron: Neuron | Array, problem: Problem = Problem(), diverged: Array | bool = False) -> Array:
    """Return the outcome code (`OUTCOMES`) that the states where trajectories were left allow.

    global
        L ≤ 1e-3 of the best constant's loss, and of the best line's unless that is 0.
    linear
        L within 1e-3 of the best line's loss, and the neuron trapped in the hyperactive cell
        (`gradflow.theory.hyperactive.trapped`) or at rest (`at_rest`).
    constant
        L within 1e-3 of the best constant's loss, and the neuron dead (if φ is 0 below 0) or at rest, and
        then not below that loss where that excludes this end (`gradflow.theory.energy.never_constant`).
    local
        At rest at a critical point that is none of these.
    diverged
        A parameter is not finite, or `diverged` says so.
    undecided
        None of these: the trajectory was left too early to say.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The last states.
    diverged : bool or array of bool
        Trajectories that were stopped because they left the range of their numbers.
    """
    # States that left the range of their numbers are valid input: they have diverged.
    with np.errstate(over="ignore", invalid="ignore"):
        value = loss(neuron, problem)
        xp, (value, *parameters) = as_floating((value, *as_neuron(neuron)))
        is_near = near(value, References(*adaptable(*references(problem))))
        is_dead = (activity(neuron, problem) == DEAD) & problem.stays_dead
        is_trapped = is_near.linear & False
        if problem.is_bent:
            is_trapped = among(is_near.linear, trapped, neuron, problem)
        open_ = (is_near.linear & ~is_trapped) | (is_near.constant & ~is_dead)
        is_resting = among(open_ & ~is_near.zero, at_rest, neuron, problem)
    is_linear = is_near.linear & (is_trapped | is_resting)
    # Below the best constant's loss a living neuron does not end there (derivation 11), however slow it is.
    level = adaptable(barriers(problem).constant)[0]
    sinks = value < level * (1.0 - 64.0 * float(xp.finfo(value.dtype).eps))
    is_constant = is_near.constant & (is_dead | (is_resting & ~sinks))
    is_diverged = ~xp.isfinite(value) | xp.asarray(diverged)
    for parameter in parameters:
        is_diverged = is_diverged | ~xp.isfinite(parameter)

    codes = xp.full(value.shape, UNDECIDED, dtype=xp.int8)
    for code, holds in (
        (CONSTANT, is_constant),
        (LINEAR, is_linear),
        (GLOBAL, is_near.zero),
        (DIVERGED, is_diverged),
    ):
        codes = xp.where(holds, xp.asarray(code, dtype=xp.int8), codes)
    return codes


def at_rest(neuron: Neuron | Array, problem: Problem = Problem(), tolerance: float | None = None) -> Array:
    """Whether the flow has come to rest: |∇L| is negligible, and no direction leads down from here.

    A trajectory lingers at a saddle with as small a gradient as one likes, so the Hessian must not have a
    negative eigenvalue (beyond `FALLING`; a smooth neuron: beyond rounding, for it may fall that slowly). A
    neuron about to revive has one: the point mass of its kink.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The states.
    tolerance : float, optional
        The largest |∇L|; by default `RESTING_GRADIENT` where there is a kink, `RESTING_LINE` where not
        and for smooth neurons.
    """
    xp, (slope,) = as_floating((gradient(neuron, problem),))
    kinked = (activity(neuron, problem) == BALANCED) & problem.is_bent
    one = xp.ones_like(slope[0, ...])
    limit = xp.where(kinked, RESTING_GRADIENT * one, RESTING_LINE * one) if tolerance is None else tolerance
    slow = xp.sqrt(xp.sum(slope * slope, axis=0)) <= limit
    return among(slow, _leads_nowhere, neuron, problem)


def _leads_nowhere(neuron: Neuron | Array, problem: Problem) -> Array:
    """Whether the Hessian is finite and has no negative eigenvalue."""
    xp, (curvature,) = as_floating((hessian(neuron, problem),))
    finite = xp.all(xp.isfinite(curvature), axis=(0, 1))
    matrices = xp.where(finite, curvature, xp.zeros_like(curvature))
    matrices = xp.permute_dims(matrices, (*range(2, matrices.ndim), 0, 1))
    lowest = xp.min(xp.linalg.eigvalsh(matrices), axis=-1)
    size = xp.max(xp.abs(matrices), axis=(-2, -1))
    falling = FALLING if problem.is_bent else 0.0
    return finite & (lowest >= -falling - 1e-12 * size)


def among(
    mask: Array, holds: Callable[[Any, Problem], Array], neuron: Neuron | Array, problem: Problem
) -> Array:
    """Return where `mask` and `holds` are true; what holds is computed for the neurons in the mask only.

    Parameters
    ----------
    mask : array of bool
        Of the shape of the batch.
    holds : callable
        Given neurons and a problem, an array of bool.
    """
    mask = np.asarray(mask) if isinstance(mask, np.generic) else mask
    xp, shape = namespace(mask), mask.shape
    flat = xp.reshape(mask, (-1,))
    which = xp.nonzero(flat)[0]
    if which.shape[0] == 0 or which.shape[0] == flat.shape[0]:
        return mask & holds(neuron, problem) if which.shape[0] else mask

    def pick(value: Any) -> Any:
        value = np.asarray(value) if isinstance(value, Sequence) else value
        if not is_array(value) or value.ndim == 0:
            return value
        return xp.take(xp.reshape(xp.broadcast_to(value, shape), (-1,)), which)

    inputs = problem.inputs
    if not isinstance(inputs, Sample):
        inputs = Uniform(pick(inputs.lo), pick(inputs.hi))
    # One picked field at least has the shape of the mask: they broadcast to it.
    students, teacher = (Neuron(*map(pick, fields)) for fields in (as_neuron(neuron), problem.teacher))
    some = holds(students, replace(problem, teacher=teacher, inputs=inputs))
    rank = xp.cumulative_sum(xp.astype(flat, xp.int64)) - 1
    found = xp.take(some, xp.where(flat, rank, xp.zeros_like(rank)))
    return xp.reshape(flat & found, shape)


class References(NamedTuple):
    """The losses of the best constant and the best line, and how close to them and to 0 is near."""

    constant: Array
    line: Array
    near_constant: Array
    near_line: Array


def references(problem: Problem = Problem()) -> References:
    """Return the reference losses of a problem.

    Near means within `TOLERANCE`, relative to the best constant's loss for the constant, and to the
    lower of the two that is not 0 for the line and for 0.
    """
    level = best_constant(problem)
    xp, (constant, line, mean) = as_floating((level.loss, best_line(problem).loss, level.intercept))
    # The computed variance of a constant teacher may be the square of a rounding error of its mean.
    varies = constant > (10.0 * float(xp.finfo(constant.dtype).eps) * mean) ** 2
    spread = xp.where(varies, constant, xp.ones_like(constant))
    bend = xp.where(line > 1e-12 * spread, line, spread)
    return References(constant, line, TOLERANCE * spread, TOLERANCE * xp.where(bend < spread, bend, spread))


class Near(NamedTuple):
    """Which of the reference losses a loss is close to."""

    zero: Array
    linear: Array
    constant: Array


def near(value: Array, levels: References) -> Near:
    """Return which reference losses `value` is near to."""
    return Near(
        value <= levels.near_line,
        abs(value - levels.line) <= levels.near_line,
        abs(value - levels.constant) <= levels.near_constant,
    )
