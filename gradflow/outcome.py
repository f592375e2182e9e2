"""Outcomes: where a trajectory ends, and the rule that says so."""

from __future__ import annotations

from gradflow.activity import BALANCED, activity
from gradflow.backend import Array, as_floating
from gradflow.field import loss_and_gradient
from gradflow.field.baselines import best_constant, best_line
from gradflow.problem import Neuron, Problem
from gradflow.theory.hyperactive import trapped

OUTCOMES = ("global", "linear", "constant", "diverged", "undecided")
GLOBAL, LINEAR, CONSTANT, DIVERGED, UNDECIDED = range(5)

TOLERANCE = 1e-3
"""How close, relative to the reference losses, a loss counts as having arrived."""

RESTING_GRADIENT = 1e-8
"""|∇L| below which a balanced neuron counts as being at rest."""


def outcome(neuron: Neuron | Array, problem: Problem = Problem(), diverged: Array | bool = False) -> Array:
    """Return the outcome code (`OUTCOMES`) that the states where trajectories were left allow.

    global
        L ≤ 1e-3 of the best constant's loss, and of the best line's unless that is 0.
    linear
        L within 1e-3 of the best line's loss, and the neuron trapped in the hyperactive cell
        (`gradflow.theory.hyperactive.trapped`) or at rest.
    constant
        L within 1e-3 of the best constant's loss, and the neuron dead or at rest.
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
    value, slope = loss_and_gradient(neuron, problem)
    xp, (value, constant, line) = as_floating((value, best_constant(problem).loss, best_line(problem).loss))
    spread = xp.where(constant > 0, constant, xp.ones_like(constant))
    negligible = 1e-12 * spread
    barrier = xp.where(line > negligible, line, spread)
    state = activity(neuron, problem)
    resting = (state == BALANCED) & (xp.sqrt(xp.sum(slope * slope, axis=0)) <= RESTING_GRADIENT)
    is_global = value <= TOLERANCE * xp.where(barrier < spread, barrier, spread)
    near_line = abs(value - line) <= TOLERANCE * barrier
    near_constant = abs(value - constant) <= TOLERANCE * spread
    is_linear = near_line & (trapped(neuron, problem) | resting)
    is_constant = near_constant & ((state == 0) | resting)
    is_diverged = ~xp.isfinite(value) | xp.asarray(diverged)

    codes = xp.full(value.shape, UNDECIDED, dtype=xp.int8)
    for code, holds in (
        (CONSTANT, is_constant),
        (LINEAR, is_linear),
        (GLOBAL, is_global),
        (DIVERGED, is_diverged),
    ):
        codes = xp.where(holds, xp.asarray(code, dtype=xp.int8), codes)
    return codes
