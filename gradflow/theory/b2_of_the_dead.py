"""How far adaptive steps can take b2 of a dead neuron from the best constant.

``derivations/34_b2_of_the_dead.py`` proves it. That a neuron is dead for ever is another theorem
(`gradflow.theory.after_death`); these are bounds on
y = b2 − E f* of one that is. They are computed to rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.base.arrays import Array, as_floating, namespace
from gradflow.descent.optimisers.adam import Adam
from gradflow.descent.optimisers.adamw import AdamW
from gradflow.descent.optimisers.hyper import Config
from gradflow.descent.optimisers.rmsprop import RMSProp
from gradflow.field.baselines import adaptable, lines
from gradflow.field.bounds import in_double
from gradflow.neuron.problem import Neuron, Problem, as_neuron, as_problem


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def farthest_in_the_end(optimizer: Config) -> Array:
    """Return B: in the long run |b2 − E f*| of a dead neuron is at most B, its loss B² above the least of it.

    Parameters
    ----------
    optimizer : RMSProp, Adam or AdamW
        At a constant rate, without weight decay.

    Returns
    -------
    array
        Under RMSProp η/((1 − μ)² √(1 − α)); under Adam s/(1 − ρ), ρ = β1/√β2. ∞ where nothing is proved:
        under centred RMSProp, for ρ ≥ 1 and with decay.

    Raises
    ------
    TypeError
        For other optimisers (`gradflow.theory.after_death.steers`).

    Examples
    --------
    >>> round(float(farthest_in_the_end(RMSProp(0.01))), 6)
    0.1
    """
    longest, ratio = _longest(optimizer)
    xp = namespace(longest)
    known = (ratio < 1.0) & (longest == longest)
    bound = longest / xp.where(known, 1.0 - ratio, xp.ones_like(ratio))
    return xp.where(known, bound, xp.inf * xp.ones_like(bound))


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def farthest(neuron: Neuron | Array, problem: Problem, optimizer: Config, state: Any) -> Array:
    """Return a bound on |b2 − E f*| of dead neurons at all later steps.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        Dead for ever; of others it says nothing.
    problem : Problem
        The population or a sample.
    optimizer : RMSProp, Adam or AdamW
        As `farthest_in_the_end`.
    state : NamedTuple of arrays
        The optimiser's state there (`gradflow.descent.Descent.state`), to which training has led.

    Returns
    -------
    array
        NaN where b2 or its momentum is.
    """
    neuron, problem = in_double(neuron, as_problem(problem))
    (mean,) = adaptable(lines(problem).mean.value)
    momentum, drift = _drift(optimizer, state)
    given = (
        as_neuron(neuron)[3],
        mean,
        momentum,
        drift,
        *adaptable(farthest_in_the_end(optimizer), _later(optimizer, state)),
    )
    xp, (b2, mean, momentum, drift, end, later) = as_floating(given)
    y = b2 - mean
    there = xp.abs(y) + xp.where(momentum * y < 0.0, drift, 0.0 * momentum)
    least = end / later
    # What is NaN is not less than the bound: it is passed on.
    return xp.where(there <= least, least, there)


def _longest(optimizer: Any) -> tuple[Array, Array]:
    """Return the longest step, for k → ∞, and by what steps past 0 fall at least."""
    decay = getattr(optimizer, "weight_decay", 0.0)
    if isinstance(optimizer, RMSProp):
        xp, (lr, alpha, mu, decay) = as_floating((optimizer.lr, optimizer.alpha, optimizer.momentum, decay))
        known = (decay == 0.0) & (not optimizer.centered)
        return xp.where(known, lr / ((1.0 - mu) * (1.0 - alpha) ** 0.5), xp.nan * lr), mu
    if isinstance(optimizer, Adam | AdamW):
        xp, (lr, beta1, beta2, decay) = as_floating((optimizer.lr, optimizer.beta1, optimizer.beta2, decay))
        root = (
            xp.where(beta1 > 0.0, beta1, 0.0 * beta1)
            / xp.where(beta2 > 0.0, beta2, xp.ones_like(beta2)) ** 0.5
        )
        # Without a memory of squares and of gradients a step has the length η.
        ratio = xp.where((beta2 > 0.0) | (beta1 == 0.0), root, xp.inf * root)
        longest = lr * (1.0 - beta1) / ((1.0 - beta2) * (1.0 - ratio * ratio)) ** 0.5
        return xp.where(decay == 0.0, longest, xp.nan * longest), ratio
    raise TypeError(f"optimizer: expected RMSProp, Adam or AdamW, got {type(optimizer).__name__}")


def _drift(optimizer: Any, state: Any) -> tuple[Array, Array]:
    """Return b2's momentum and how far it carries b2 on, without a gradient, at most."""
    if isinstance(optimizer, RMSProp):
        buffer = state.buffer[3, ...]
        xp, (lr, mu, buffer) = as_floating((optimizer.lr, optimizer.momentum, buffer))
        return buffer, lr * mu * xp.abs(buffer) / (1.0 - mu)
    first, second = state.first[3, ...], state.second[3, ...]
    xp, (lr, beta1, beta2, m, v) = as_floating(
        (optimizer.lr, optimizer.beta1, optimizer.beta2, first, second)
    )
    ratio = beta1 / beta2**0.5
    (later,) = adaptable(_later(optimizer, state))
    way = lr * xp.abs(m) * ratio / ((1.0 - ratio) * v**0.5) / later
    moves = (m != 0.0) & (beta1 > 0.0)
    return m, xp.where(moves, xp.where(ratio < 1.0, way, xp.inf * way), 0.0 * m)


def _later(optimizer: Any, state: Any) -> Array:
    """Return 1 − β1^(K+1), the least bias correction of the steps to come; 1 under RMSProp."""
    if isinstance(optimizer, RMSProp):
        return np.ones(())
    _, (beta1,) = as_floating((optimizer.beta1,))
    return 1.0 - beta1 ** (float(state.step) + 1.0)
