"""When weight decay brings a dead neuron back, and at which step.

``derivations/12_steps_that_kill.py`` proves it, for slopes (0, s₊); the population and samples alike. The
loss has no gradient for the w1 and b1 of a dead neuron: only decay and the optimiser's state move them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.base.arrays import Array, ArrayLike, as_floating
from gradflow.descent.optimisers.hyper import NON_NEGATIVE, Config, with_decay
from gradflow.descent.optimisers.registry import check, update
from gradflow.neuron.activity import DEAD, activity, end_preactivations
from gradflow.neuron.problem import Neuron, Problem, as_neuron
from gradflow.theory.steps import NEVER, require_relu

# Beyond, not every number of steps is a float64.
_LONGEST = 2.0**53


def decay_revival(
    neuron: Neuron | Array, problem: Problem, decay_w1: ArrayLike, decay_b1: ArrayLike
) -> Array:
    """Return after how many steps decay alone makes a dead neuron active again.

    For plain gradient descent, and for decoupled decay in any optimiser whose state is at rest: k steps turn
    w1 into p^k w1 and b1 into q^k b1, p = 1 − η λ with the λ of w1 and q with that of b1. If p, q > 0 the
    neuron comes back iff at an end e of the input p > q and w1 e > 0, at the first k with (p/q)^k > |b1|/(w1
    e), or p < q and b1 > 0 (then 0 is outside the input), at the first k with (q/p)^k > |w1 e|/b1.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The neurons; w2 and b2 do not matter.
    problem : Problem
        With s₋ = 0.
    decay_w1, decay_b1 : number or array
        η λ ≥ 0, the part of w1 and of b1 that one step takes away, broadcast with the neurons. From 1 on the
        parameter jumps to 0 or beyond.

    Returns
    -------
    array of int64
        The steps, at least 1; `NEVER` (−1) for those that stay dead for ever, or for 2^53 steps; 0 for
        neurons that are not dead. p and q are those of float64; where z is 0 to rounding at some step, the
        answer may be that step or the next.

    Raises
    ------
    ValueError
        If s₋ ≠ 0, or a decay is negative or not finite.
    """
    require_relu(problem)
    NON_NEGATIVE.check("decay_w1", decay_w1)
    NON_NEGATIVE.check("decay_b1", decay_b1)
    xp, given = as_floating((*as_neuron(neuron)[:2], decay_w1, decay_b1, problem.lo, problem.hi))
    # What is float32 is float64 too.
    w1, b1, of_w1, of_b1, lo, hi = (xp.astype(value, xp.float64) for value in given)
    p, q = 1.0 - of_w1, 1.0 - of_b1
    steps = xp.inf * xp.ones_like(w1 + b1 + p + q + lo)
    for end, z in zip((lo, hi), end_preactivations(Neuron(w1, b1), problem), strict=True):
        # At even k nothing has changed its sign, at odd k what has a negative factor.
        unsigned = (xp.where(factor == 0.0, 0.0 * factor, 1.0 + 0.0 * factor) for factor in (p, q))
        for first, signs in ((1, (xp.sign(p), xp.sign(q))), (2, tuple(unsigned))):
            of_slope, of_level = signs[0] * (w1 * end), signs[1] * b1
            total = xp.where(signs[0] == signs[1], signs[0] * z, of_slope + of_level)
            steps = xp.minimum(steps, _first(xp, of_slope, of_level, total, _growth(xp, p, q), first))
    steps = xp.astype(xp.where(steps < _LONGEST, steps, NEVER + 0.0 * p), xp.int64)
    return xp.where(activity(Neuron(w1, b1), problem) == DEAD, steps, xp.zeros_like(steps))


def coupled_revival(
    neuron: Neuron | Array,
    problem: Problem,
    optimizer: Config,
    state: Any,
    longest: int = 10_000,
    *,
    penalty: ArrayLike = 0.0,
) -> Array:
    """Return after how many steps an optimiser's own decay and its state make a dead neuron active again.

    Where there is no closed form (decay inside the moments of Adam or RMSProp, or decay together with
    momentum left over) the optimiser's update is iterated on the parameters with the loss's gradient 0. For
    w1 and b1 of a dead neuron that is exact: training takes the same steps, to the bit.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The neurons.
    problem : Problem
        With s₋ = 0.
    optimizer : one of the config classes
        At a constant rate. Hyper-parameters broadcast against (4, …): a `weight_decay` of shape (4, 1) decays
        each parameter of a row of neurons by itself.
    state : NamedTuple of arrays
        The optimiser's state, as `gradflow.descent.init` and `update` return it.
    longest : int
        How many steps are taken at most.
    penalty : number or array
        λ ≥ 0, broadcast against (4, …): λ θ is added to the gradient, for optimisers without a decay.

    Returns
    -------
    array of int64
        The steps, at least 1; `NEVER` (−1) for those that are dead after `longest` steps; 0 for neurons that
        are not dead.

    Raises
    ------
    ValueError
        If s₋ ≠ 0, `longest` is negative, or a hyper-parameter or λ is not allowed.
    """
    require_relu(problem)
    check(optimizer)
    NON_NEGATIVE.check("penalty", penalty)
    if longest < 0:
        raise ValueError(f"longest: expected an integer >= 0, got {longest}")
    xp, arrays = as_floating(as_neuron(neuron))
    theta = xp.stack(xp.broadcast_arrays(*arrays))
    dead = activity(theta, problem) == DEAD
    found = NEVER * xp.astype(dead, xp.int64)
    # η λ > 2 lets the parameters grow without bound.
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(1, longest + 1):
            if not bool(xp.any(found == NEVER)):
                break
            pull = with_decay(xp.zeros_like(theta), theta, penalty)
            theta, state = update(optimizer, pull, state, theta, k=k - 1)
            back = (found == NEVER) & (activity(theta, problem) != DEAD)
            found = xp.where(back, xp.asarray(k, dtype=xp.int64), found)
    return found


def log_ratio(xp: Any, a: Array, b: Array, difference: Array) -> Array:
    """Return ln(a/b) of positive numbers, from a − b where they are close; their quotient may overflow."""
    close = xp.abs(difference) < 0.5 * b
    relative = xp.where(close, difference, xp.zeros_like(difference)) / b
    apart = xp.log(a) - xp.log(b)
    # The logarithms' difference has fewer digits than that of the quotient, where there is one.
    moderate = xp.abs(apart) < 600.0
    quotient = xp.where(moderate, a, xp.ones_like(apart)) / xp.where(moderate, b, xp.ones_like(apart))
    return xp.where(close, xp.log1p(relative), xp.where(moderate, xp.log(quotient), apart))


def _growth(xp: Any, p: Array, q: Array) -> Array:
    """Return ln |p/q|, accurate where p and q are close; 0 where one of them is 0."""
    given = (p != 0.0) & (q != 0.0)
    p, q = (xp.where(given, xp.abs(factor), 1.0 + 0.0 * factor) for factor in (p, q))
    return log_ratio(xp, p, q, p - q)


def _first(xp: Any, slope: Array, level: Array, total: Array, growth: Array, first: int) -> Array:
    """Return the first of k = first, first + 2, … with exp(growth k) slope + level > 0, ∞ if there is none.

    `total` is slope + level, with the digits that they lose.
    """
    one = xp.ones_like(slope + level + total + growth)
    slope, level, total, growth = (value * one for value in (slope, level, total, growth))
    neither = (slope <= 0.0) & (level <= 0.0)
    both = (slope >= 0.0) & (level >= 0.0) & ~neither
    compared = ~neither & ~both
    # exp(growth k) (+) > (−): `gain` is by how much the logarithm of the quotient grows in a step.
    gain = xp.where(slope > 0.0, growth, -growth)
    plus = xp.where(compared, xp.maximum(slope, level), one)
    minus = xp.where(compared, -xp.minimum(slope, level), one)
    needed = log_ratio(xp, minus, plus, xp.where(compared, -total, 0.0 * one))
    reached = (gain > 0.0) & (gain * _LONGEST > needed)
    gain = xp.where(reached, gain, xp.minimum(gain, 0.0 * one))
    k = xp.floor(needed / xp.where(reached, gain, one)) + 1.0
    # The quotient is rounded, the products decide.
    k = xp.where((k - 1.0) * gain > needed, k - 1.0, xp.where(k * gain > needed, k, k + 1.0))
    k = xp.maximum(k, first * one)
    k = k + (k - first) % 2.0
    at_once = both | (compared & (gain * first > needed))
    return xp.where(at_once, first * one, xp.where(compared & reached, k, xp.inf * one))
