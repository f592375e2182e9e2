"""How fast the loss falls in the end: L − L∞ like exp(−2λt), λ the least positive eigenvalue of the Hessian.

``derivations/32_sharp_rates.py`` proves it of the flow, for almost all starts: at the teacher, of which a
start's Q says at which minimum, and on the best line. Eigenvalues are computed to rounding, relative to the
largest of their matrix.
"""

from __future__ import annotations

import numpy as np

from gradflow.base.arrays import Array, ArrayLike, as_floating
from gradflow.base.checks import batch_shape, require_numbers
from gradflow.field import hessian
from gradflow.field.baselines import adaptable
from gradflow.field.bounds import as_given, balance, require_fit
from gradflow.neuron.activity import end_preactivations
from gradflow.neuron.problem import Neuron, Problem, as_neuron, as_problem
from gradflow.theory.hyperactive import line
from gradflow.theory.stability import eigenvalue, flattest_minimum, global_minimum


@np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore")
def minimum_of_balance(balance: ArrayLike, problem: Problem = Problem()) -> Neuron:
    """Return the global minimum at which w1² + b1² − w2² has the value Q = `balance`: there is one.

    A flow keeps Q, so if it learns the teacher it goes there.

    Parameters
    ----------
    balance : number or array
        Q.
    problem : Problem
        The population. NaN unless the teacher has its breakpoint inside the input and w2ᵀ ≠ 0, and s₊ ≠ s₋.

    Raises
    ------
    ValueError
        If the inputs are a sample.

    Examples
    --------
    >>> [round(float(part), 4) + 0.0 for part in minimum_of_balance(1.5)]
    [1.4142, 0.0, 0.7071, 0.0]
    """
    problem = as_problem(problem)
    require_numbers("balance", balance)
    (known,) = adaptable(flattest_minimum(problem).w1)
    xp, (Q, wt, bt, vt, known) = as_floating((balance, *problem.teacher[:3], known))
    batch_shape("balance and problem", [Q.shape, (wt + bt + vt + known).shape])
    family = known == known
    slope = xp.where(family, wt, xp.ones_like(wt + known))
    total = 1.0 + (bt / slope) ** 2
    root = xp.sqrt(Q * Q + 4.0 * total * (slope * vt) ** 2)
    # For Q < 0 the sum cancels, its conjugate does not.
    least = xp.where(
        Q > 0.0, Q + root, 4.0 * total * (slope * vt) ** 2 / (root - xp.where(Q > 0.0, 0.0 * Q, Q))
    )
    width = xp.sqrt(least / (2.0 * total))
    # At 0 there is none.
    there = family & xp.isfinite(width)
    return global_minimum(xp.where(there, width, xp.zeros_like(width)), problem)


@np.errstate(over="ignore", invalid="ignore")
def rate_to_teacher(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return λ of the flow from starts that learn the teacher, L = exp(−2λt + O(1)) for almost all of them.

    Of starts that do not it says nothing.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The starts, of which Q is used.
    problem : Problem
        The population; NaN where `minimum_of_balance` has none.

    Examples
    --------
    >>> round(float(rate_to_teacher(Neuron(b2=-0.5))), 6)
    0.101808
    """
    problem = as_problem(problem)
    end = minimum_of_balance(balance(neuron).value, problem)
    return as_given(neuron, problem, eigenvalue(hessian(end, problem), 1))


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def rate_on_line(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return λ at states on the best line: L − L∞ = exp(−2λt + O(1)) for almost all flows that end there.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        Where the flow ends: pre-activations of one sign on the whole input, 0 at neither end; else NaN. Of a
        dead neuron whose slope is 0 there, λ = 2, the rate of b2. NaN at w1 = w2 = 0 else.
    problem : Problem
        The population or a sample. NaN where the inputs do not vary.

    Examples
    --------
    >>> round(float(rate_on_line(Neuron(0.5, 1.0, 1.0, -0.75))), 4)
    0.7696
    """
    problem = as_problem(problem)
    require_fit(neuron, problem)
    z_lo, z_hi = end_preactivations(neuron, problem)
    low, high = problem.shared_slopes
    of = line(problem)
    given = (*as_neuron(neuron)[:3], z_lo, z_hi, of.mean_x, of.variance)
    xp, (w1, b1, w2, z_lo, z_hi, m, V) = as_floating(given)
    above, below = (z_lo > 0.0) & (z_hi > 0.0), (z_lo < 0.0) & (z_hi < 0.0)
    s = xp.where(above, high + 0.0 * z_lo, low + 0.0 * z_lo)
    # At w1 = w2 = 0, where a level line is best, the minima are no manifold.
    there = (above | below) & (V > 0.0) & ((s == 0.0) | (w1 != 0.0) | (w2 != 0.0))
    value = xp.where(s == 0.0, 2.0 + 0.0 * z_lo, _least(w1, b1, w2, s, m, V))
    return as_given(neuron, problem, xp.where(there, value, xp.nan * value))


def _least(w1: Array, b1: Array, w2: Array, s: Array, m: Array, V: Array) -> Array:
    """Return the smaller eigenvalue of 2 diag(V, 1) N, of whose product no digits are lost."""
    level = m * w1 + b1
    first, mixed = s * s * (w1 * w1 + w2 * w2), s * s * (m * w2 * w2 + w1 * level)
    second = s * s * ((1.0 + m * m) * w2 * w2 + level * level) + 1.0
    product = 4.0 * V * (first + (s * s * w2) ** 2 * (w1 * w1 + b1 * b1 + w2 * w2))
    gap = ((2.0 * V * first - 2.0 * second) ** 2 + 16.0 * V * mixed * mixed) ** 0.5
    return 2.0 * product / (2.0 * V * first + 2.0 * second + gap)
