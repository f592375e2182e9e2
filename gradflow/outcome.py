"""Outcomes: where a trajectory ends, and the rule that says so."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.activity import BALANCED, DEAD, activity
from gradflow.backend import Array, as_floating
from gradflow.field import loss_and_gradient
from gradflow.field.baselines import adaptable, best_constant, best_line
from gradflow.problem import Neuron, Problem, as_neuron
from gradflow.theory.hyperactive import trapped

OUTCOMES = ("global", "linear", "constant", "diverged", "undecided")
GLOBAL, LINEAR, CONSTANT, DIVERGED, UNDECIDED = range(5)

TOLERANCE = 1e-3
"""How close, relative to the reference losses, a loss counts as having arrived."""

RESTING_GRADIENT = 1e-6
"""|∇L| below which a neuron counts as being at rest."""


def outcome(neuron: Neuron | Array, problem: Problem = Problem(), diverged: Array | bool = False) -> Array:
    """Return the outcome code (`OUTCOMES`) that the states where trajectories were left allow.

    global
        L ≤ 1e-3 of the best constant's loss, and of the best line's unless that is 0.
    linear
        L within 1e-3 of the best line's loss, and the neuron trapped in the hyperactive cell
        (`gradflow.theory.hyperactive.trapped`) or at rest.
    constant
        L within 1e-3 of the best constant's loss, and the neuron dead (with s₋ = 0) or at rest, but not
        about to revive (s₋ = 0, balanced, its active part growing).
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
        value, slope = loss_and_gradient(neuron, problem)
        xp, (value, *parameters) = as_floating((value, *as_neuron(neuron)))
        kind = activity(neuron, problem)
        # Only with s₋ = 0 does a dead neuron stay where it is.
        is_dead = (kind == DEAD) & (problem.slopes[0] == 0.0)
        is_reviving = (kind == BALANCED) & (problem.slopes[0] == 0.0) & _widens(neuron, slope, problem)
        is_resting = xp.sqrt(xp.sum(slope * slope, axis=0)) <= RESTING_GRADIENT
        is_near = near(value, References(*adaptable(*references(problem))))
        is_linear = is_near.linear & (trapped(neuron, problem) | is_resting)
    is_constant = is_near.constant & (is_dead | (is_resting & ~is_reviving))
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


def _widens(neuron: Neuron | Array, slope: Array, problem: Problem) -> Array:
    """Return whether the flow raises the larger of a neuron's two end pre-activations."""
    w1 = as_neuron(neuron).w1
    xp, (w1, lo, hi) = as_floating((w1, *adaptable(problem.lo, problem.hi)))
    return slope[0, ...] * xp.where(w1 > 0, hi, lo) + slope[1, ...] < 0


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
