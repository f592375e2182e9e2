"""Whether a dead neuron stays dead for ever under an optimiser, by all that its state can still move it.

``derivations/12_steps_that_kill.py`` proves it in its statement (8), for slopes (0, s₊); the population and
samples alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradflow.base.arrays import Array, ArrayLike, as_floating, is_array, namespace, to_numpy
from gradflow.descent.optimisers.adam import Adam
from gradflow.descent.optimisers.adamw import AdamW
from gradflow.descent.optimisers.gd import GD
from gradflow.descent.optimisers.heavy_ball import HeavyBall
from gradflow.descent.optimisers.hyper import Config, bias_correction, double
from gradflow.descent.optimisers.nesterov import Nesterov
from gradflow.descent.optimisers.rmsprop import RMSProp
from gradflow.descent.optimisers.sign import Sign
from gradflow.field.bounds import EPS, TINY, has_exact_signs, in_double
from gradflow.neuron.activity import DEAD, activity, end_preactivations
from gradflow.neuron.problem import Neuron, Problem, as_neuron, as_problem

UP = 1.0 + 64.0 * EPS
"""A factor that makes up for the roundings of a bound."""


def knows(optimizer: Config) -> bool:
    """Whether it is known what an optimiser does to a dead neuron: one of ours, without weight decay."""
    decay = getattr(optimizer, "weight_decay", 0.0)
    decays = np.any((to_numpy(decay) if is_array(decay) else np.asarray(decay)) != 0.0)
    return type(optimizer) in _DRIFTS and not bool(decays)


def steers(optimizer: Config) -> Array:
    """Return whether b2 of a dead neuron is proved to converge to the best constant.

    Its loss is (b2 − E f*)² and a constant: it does under gradient descent iff 0 < η < 1, under the heavy
    ball iff 0 < η < 1 + μ, and under Nesterov's momentum iff 0 < η < (1 + μ)/(1 + 2 μ). Under
    sign descent it goes to and fro between two values, and under adaptive steps it is not known to converge.
    """
    some: Any = optimizer
    if isinstance(optimizer, GD):
        _, (lr,) = as_floating((_number(some.lr),))
        limit: Any = 1.0
    elif isinstance(optimizer, HeavyBall | Nesterov):
        _, (lr, mu) = as_floating((_number(some.lr), _number(some.momentum)))
        limit = 1.0 + mu if isinstance(optimizer, HeavyBall) else (1.0 + mu) / (1.0 + 2.0 * mu)
    else:
        _, (lr,) = as_floating((some.lr,))
        limit = 0.0
    return (lr > 0.0) & (lr < limit * (1.0 - 8.0 * EPS))


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def dead_for_ever(neuron: Neuron | Array, problem: Problem, optimizer: Config, state: Any) -> Array:
    """Return which neurons are dead and provably never come back, however long training goes on.

    The loss has no gradient for w1, b1 and w2 of a dead neuron, so only what the optimiser remembers moves
    them; b2 moves, and matters to none of them. The bound on the way that is left is

    ==========================  =====================================================================
    gradient descent, sign      0
    heavy ball, RMSProp         −η μ/(1 − μ) m, m the buffer
    Nesterov                    −η μ²/(1 − μ) m
    Adam, AdamW                 η |m|/(1 − β1^(k+1)) times the smaller of ρ/((1 − ρ) √v), ρ = β1/√β2 < 1,
                                and β1/((1 − β1) ε), against m; with AMSGrad √u + ε for ε
    ==========================  =====================================================================

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        States of training.
    problem : Problem
        The population or a sample.
    optimizer : one of the config classes
        At a constant rate. With weight decay nothing is known here (`gradflow.theory.decay`).
    state : NamedTuple of arrays
        The optimiser's state there (`gradflow.descent.Descent.state`).

    Returns
    -------
    array of bool
        The steps are taken as exact numbers; the states are exact, with all errors of rounding against it.
        Sufficient, not necessary.
    """
    problem = as_problem(problem)
    neuron, problem = in_double(neuron, problem)
    is_dead = (activity(neuron, problem) == DEAD) & problem.stays_dead & has_exact_signs(neuron, problem)
    if not knows(optimizer):
        return is_dead & False
    drift = _DRIFTS[type(optimizer)](optimizer, state)
    if drift is None:
        return is_dead
    xp, (of_w1, of_b1, lo, hi, *given) = as_floating(
        (*drift, problem.lo, problem.hi, *end_preactivations(neuron, problem), *as_neuron(neuron)[:2])
    )
    z_lo, z_hi, w1, b1 = given
    still = (of_w1 == 0.0) & (of_b1 == 0.0)
    stays = still
    inside = still | True
    for end, z in ((lo, z_lo), (hi, z_hi)):
        error = 8.0 * EPS * (xp.abs(w1 * end) + xp.abs(b1)) + TINY
        if type(optimizer) in (Adam, AdamW):
            # The two need not move in step: one may have come all its way, the other not at all.
            reach = _positive(xp, end * of_w1) + _positive(xp, of_b1)
        else:
            error = error + 8.0 * EPS * (xp.abs(end * of_w1) + xp.abs(of_b1))
            reach = _positive(xp, end * of_w1 + of_b1)
        inside = inside & (z + error + reach * UP <= 0.0)
    return is_dead & (stays | inside)


def _positive(xp: Any, value: Array) -> Array:
    """Return the positive part; NaN, of which nothing is known, as ∞."""
    some = xp.where(value > 0.0, value, xp.zeros_like(value))
    return xp.where(value != value, xp.inf * xp.ones_like(value), some)


def _nowhere(optimizer: Any, state: Any) -> None:
    """Return nothing: without a gradient these do not move."""


def _by_buffer(optimizer: Any, state: Any) -> tuple[Array, Array]:
    """Return how far the buffer still moves w1 and b1."""
    power = 2 if isinstance(optimizer, Nesterov) else 1
    buffer = _double(state.buffer)
    _, (lr, mu, w1, b1) = as_floating(
        (_number(optimizer.lr), _number(optimizer.momentum), buffer[0, ...], buffer[1, ...])
    )
    factor = -lr * mu**power / (1.0 - mu)
    moves = (lr > 0.0) & (mu > 0.0)
    return _no_less(factor * w1, -w1, moves), _no_less(factor * b1, -b1, moves)


def _by_moments(optimizer: Any, state: Any) -> tuple[Array, Array]:
    """Return bounds on how far Adam's moments still move w1 and b1, with the sign of the way."""
    first, second = _double(state.first), _double(state.largest if optimizer.amsgrad else state.second)
    hyper = tuple(_number(getattr(optimizer, name)) for name in ("lr", "beta1", "beta2", "eps"))
    found = []
    for i in (0, 1):
        xp, (m, v, lr, beta1, beta2, eps) = as_floating((first[i, ...], second[i, ...], *hyper))
        one = xp.ones_like(m + v + lr + beta1 + beta2 + eps)
        # Bias corrections only grow from the next step on: 1 − β1^(k+1) is the least of those to come.
        later = bias_correction(beta1, xp.asarray(float(state.step) + 1.0, dtype=xp.float64))
        size = lr * xp.abs(m) / later * UP
        root = xp.sqrt(v)
        # What divides is at least this: √(1 − β2^k) multiplies ε̂'s steps, and divides the roots of others.
        floor = root * float(optimizer.amsgrad) + eps
        constant = beta1 / (1.0 - beta1) * xp.where(floor > 0.0, one / floor, xp.inf * one)
        gap = (one - beta1 / xp.sqrt(beta2)) * (1.0 - 8.0 * EPS) - 8.0 * EPS
        falls = (gap > 0.0) & (root > 0.0) & (beta2 > 0.0)
        moving = beta1 / xp.sqrt(beta2) / xp.where(falls, gap * root, one)
        bound = xp.where(falls, xp.minimum(constant, moving * UP), constant)
        moves = (m != 0.0) & (lr > 0.0) & (beta1 > 0.0)
        far = xp.where(moves, size * bound * UP, 0.0 * one)
        found.append(_no_less(xp.where(m > 0.0, -far, far), -m, moves))
    return found[0], found[1]


def _no_less(way: Array, direction: Array, moves: Array) -> Array:
    """Return a way that is not 0 where something moves: a product that underflows does not prove rest."""
    xp = namespace(way)
    return xp.where(moves & (way == 0.0), TINY * xp.sign(direction), way)


def _number(value: ArrayLike) -> ArrayLike:
    """Return a hyper-parameter, which may be a list, in double precision."""
    return double(value if isinstance(value, float) else as_floating((value,))[1][0])


def _double(value: Array) -> Array:
    xp = namespace(value)
    return xp.astype(value, xp.float64, copy=False)


_DRIFTS: dict[type[Any], Callable[[Any, Any], tuple[Array, Array] | None]] = {
    GD: _nowhere,
    Sign: _nowhere,
    HeavyBall: _by_buffer,
    Nesterov: _by_buffer,
    RMSProp: _by_buffer,
    Adam: _by_moments,
    AdamW: _by_moments,
}
