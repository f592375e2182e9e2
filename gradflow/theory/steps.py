"""Effects of one step of gradient descent on a neuron, and what can move a dead one.

``derivations/12_steps_that_kill.py`` proves it, for slopes (0, s₊); the population and samples alike. The
numbers are computed, with the gradient's rounding: at the very ends of an interval of rates that decides.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating
from gradflow.descent import Adam, HeavyBall
from gradflow.descent.optimisers.adam import Moments, require_plain
from gradflow.descent.optimisers.heavy_ball import HeavyBallState
from gradflow.field import gradient
from gradflow.neuron.activity import BALANCED, DEAD, activity, end_preactivations
from gradflow.neuron.problem import Neuron, Problem, as_problem

NEVER, UNKNOWN = -1, -2
_LONGEST = 100_000


class Rates(NamedTuple):
    """An interval of learning rates, ends included; both ends ∞ where there is none.

    An end at which both pre-activations become 0 leaves the neuron dead, whatever the interval is of.
    """

    least: Array
    largest: Array


@np.errstate(over="ignore", invalid="ignore")
def killing_rates(neuron: Neuron | Array, problem: Problem = Problem()) -> Rates:
    """Return the rates η > 0 for which one step of gradient descent leaves the neuron dead.

    With z_e the pre-activation at an end e of the input and ζ_e = e ∂L/∂w1 + ∂L/∂b1, a step kills iff
    η ζ_e ≥ z_e for both ends. Below `least` no single step kills, at it one does. For a dead neuron it is 0.

    Raises
    ------
    ValueError
        If s₋ ≠ 0: then a dead neuron may come back.
    """
    problem = as_problem(problem)
    require_relu(problem)
    return _rates(neuron, problem, 1.0)


@np.errstate(over="ignore", invalid="ignore")
def straightening_rates(neuron: Neuron | Array, problem: Problem = Problem()) -> Rates:
    """Return the rates η > 0 for which one step of gradient descent leaves the neuron hyperactive.

    It does iff η ζ_e ≤ z_e for both ends, and not both new pre-activations are 0: a rate at which w1 = b1 = 0
    is an end of the interval that does not belong to it. For a hyperactive neuron off the walls `least` is
    0; one on a wall may have no such rate. Any slopes.
    """
    problem = as_problem(problem)
    return _rates(neuron, problem, -1.0)


@np.errstate(over="ignore", invalid="ignore")
def largest_safe_rate(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return η*, below which one step of gradient descent leaves a neuron balanced.

    To rounding, as all rates here. 0 for neurons that are not balanced; ∞ where no rate does.
    """
    problem = as_problem(problem)
    dead, straight = _rates(neuron, problem, 1.0).least, _rates(neuron, problem, -1.0).least
    xp, (dead, straight) = as_floating((dead, straight))
    safe = xp.minimum(dead, straight)
    return xp.where(activity(neuron, problem) == BALANCED, safe, xp.zeros_like(safe))


def _rates(neuron: Neuron | Array, problem: Problem, sign: float) -> Rates:
    """Return the rates with sign · (z_e − η ζ_e) ≤ 0 at both ends e."""
    z_lo, z_hi = end_preactivations(neuron, problem)
    of_w1, of_b1 = gradient(neuron, problem)[:2, ...]
    xp, (z_lo, z_hi, of_w1, of_b1, lo, hi) = as_floating((z_lo, z_hi, of_w1, of_b1, problem.lo, problem.hi))
    one = xp.ones_like(z_lo + of_w1)
    least, largest = 0.0 * one, xp.inf * one
    for value, end in ((z_lo, lo), (z_hi, hi)):
        z, pull = sign * value, sign * (end * of_w1 + of_b1)
        bound = z / xp.where(pull == 0.0, one, pull)
        least = xp.where(pull > 0.0, xp.maximum(least, bound), least)
        largest = xp.where(pull < 0.0, xp.minimum(largest, bound), largest)
        # Without a pull the end stays as it is.
        largest = xp.where((pull == 0.0) & (z > 0.0), -one, largest)
    none = (least > largest) | (largest <= 0.0)
    # NaN stays NaN: a neuron that is no number has no rates.
    unknown = 0.0 * (z_lo + z_hi + of_w1 + of_b1)
    least, largest = (xp.where(none, xp.inf * one, end) for end in (least, largest))
    bad = xp.isnan(unknown)
    return Rates(xp.where(bad, unknown, least), xp.where(bad, unknown, largest))


def revival(
    neuron: Neuron | Array,
    problem: Problem,
    optimizer: HeavyBall | Adam,
    state: HeavyBallState | Moments,
) -> Array:
    """Return after how many more steps a dead neuron is active again through left-over momentum.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        Neurons that are dead after some update.
    problem : Problem
        With s₋ = 0.
    optimizer : HeavyBall or Adam
        Without weight decay (for that `gradflow.theory.decay`), at a constant rate.
    state : HeavyBallState or Moments
        The optimiser's state after that update.

    Returns
    -------
    array of int
        The steps, at least 1; `NEVER` (−1) for those that stay dead for ever; 0 for neurons that are not
        dead; `UNKNOWN` (−2) for those that neither are back after 1e5 steps nor known to stay (β1 must be
        within about 1e-4 of √β2, or μ of 1, for that).

    Raises
    ------
    ValueError
        If s₋ ≠ 0, there is weight decay, AMSGrad or ε̂, or β1 ≥ √β2 (Adam's drift may then be infinite).
    """
    problem = as_problem(problem)
    require_relu(problem)
    if optimizer.weight_decay != 0.0:
        raise ValueError(f"weight_decay: expected 0, got {optimizer.weight_decay}")
    if isinstance(optimizer, Adam):
        require_plain(optimizer)
        if not 0.0 <= optimizer.beta1 < optimizer.beta2**0.5:
            raise ValueError(f"beta1: expected less than the root of beta2, got {optimizer.beta1}")
    z_lo, z_hi = end_preactivations(neuron, problem)
    xp, (z_lo, z_hi, lo, hi) = as_floating((z_lo, z_hi, problem.lo, problem.hi))
    dead = activity(neuron, problem) == DEAD
    found = xp.where(dead, xp.asarray(NEVER), xp.asarray(0))
    undecided = dead
    moves = _moves(xp, optimizer, state)
    for k in range(1, _LONGEST):
        # How far each parameter moves at this step, and at most in all later ones.
        step, rest = moves(k)
        z_lo, z_hi = z_lo + (lo * step[0] + step[1]), z_hi + (hi * step[0] + step[1])
        back = undecided & ((z_lo > 0.0) | (z_hi > 0.0))
        found = xp.where(back, xp.asarray(k), found)
        reach = [xp.abs(end) * rest[0] + rest[1] for end in (lo, hi)]
        undecided = undecided & ~back & ((z_lo + reach[0] > 0.0) | (z_hi + reach[1] > 0.0))
        if not bool(xp.any(undecided)):
            break
    return xp.where(undecided, xp.asarray(UNKNOWN), found)


def _moves(xp: Any, optimizer: HeavyBall | Adam, state: Any) -> Any:
    """Return the function of k that gives the moves of (w1, b1), and a bound on the sum of the later ones."""
    rate = float(optimizer.lr)
    if isinstance(optimizer, HeavyBall):
        mu, buffer = float(optimizer.momentum), state.buffer[:2, ...]

        def momentum(k: int) -> tuple[Array, Array]:
            step = -rate * mu**k * buffer
            return step, xp.abs(step) * (mu / (1.0 - mu))

        return momentum
    beta1, beta2, eps = (float(v) for v in (optimizer.beta1, optimizer.beta2, optimizer.eps))
    count, first, second = float(state.step), state.first[:2, ...], state.second[:2, ...]
    ratio = beta1 / beta2**0.5

    def adaptive(k: int) -> tuple[Array, Array]:
        scale = xp.sqrt(beta2**k * second / (1.0 - beta2 ** (count + k))) + eps
        moving = (first != 0.0) & (scale > 0.0)
        step = -rate * beta1**k * first / (1.0 - beta1 ** (count + k)) / xp.where(moving, scale, 1.0 + scale)
        step = xp.where(moving, step, xp.zeros_like(step))
        # Each later term is less than `ratio` times the one before, times √((1 − β2^·)/…) ≤ its limit.
        growth = (1.0 - beta2 ** (count + k)) ** -0.5
        return step, xp.abs(step) * growth * ratio / (1.0 - ratio)

    return adaptive


def require_relu(problem: Problem) -> None:
    """Raise a one-line ValueError unless φ is 0 below 0."""
    if problem.slopes[0] != 0.0:
        raise ValueError(f"slopes: expected (0, s+), got {problem.slopes}")
