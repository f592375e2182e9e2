"""Outcomes: where a trajectory ends, and the rule that says so."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.activity import BALANCED, DEAD, activity
from gradflow.backend import Array, as_floating
from gradflow.field import gradient, hessian, loss
from gradflow.field.baselines import adaptable, best_constant, best_line
from gradflow.problem import Neuron, Problem, as_neuron
from gradflow.theory.hyperactive import trapped

OUTCOMES = ("global", "linear", "constant", "diverged", "undecided")
GLOBAL, LINEAR, CONSTANT, DIVERGED, UNDECIDED = range(5)

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
        L within 1e-3 of the best constant's loss, and the neuron dead (with s₋ = 0) or at rest.
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
        # Only with s₋ = 0 does a dead neuron stay where it is.
        is_dead = (activity(neuron, problem) == DEAD) & (problem.slopes[0] == 0.0)
        is_resting = at_rest(neuron, problem)
        is_near = near(value, References(*adaptable(*references(problem))))
        is_linear = is_near.linear & (trapped(neuron, problem) | is_resting)
    is_constant = is_near.constant & (is_dead | is_resting)
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
    negative eigenvalue (beyond `FALLING`). A neuron about to revive has one: the point mass of its kink.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The states.
    tolerance : float, optional
        The largest |∇L|; by default `RESTING_GRADIENT` where there is a kink, `RESTING_LINE` where not.
    """
    slope, curvature = gradient(neuron, problem), hessian(neuron, problem)
    xp, (slope, curvature) = as_floating((slope, curvature))
    kinked = activity(neuron, problem) == BALANCED
    one = xp.ones_like(slope[0, ...])
    limit = xp.where(kinked, RESTING_GRADIENT * one, RESTING_LINE * one) if tolerance is None else tolerance
    slow = xp.sqrt(xp.sum(slope * slope, axis=0)) <= limit
    finite = xp.all(xp.isfinite(curvature), axis=(0, 1))
    matrices = xp.where(finite & slow, curvature, xp.zeros_like(curvature))
    matrices = xp.permute_dims(matrices, (*range(2, matrices.ndim), 0, 1))
    lowest = xp.min(xp.linalg.eigvalsh(matrices), axis=-1)
    size = xp.max(xp.abs(matrices), axis=(-2, -1))
    return slow & finite & (lowest >= -FALLING - 1e-12 * size)


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
