"""The trap by signs: a hyperactive neuron too steep and too low never gets a kink.

While the student is a line, steeper than the best line and too low on average, training flattens and
lifts it: its kink moves away from the input. The signs of both errors are kept, so this goes on for ever.
``derivations/13_trapped_by_signs.py`` proves it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradflow.activity import end_preactivations
from gradflow.backend import Array, as_floating
from gradflow.field.baselines import adaptable
from gradflow.problem import Neuron, Problem, as_neuron
from gradflow.theory.hyperactive import contraction, excess, line, residuals


class Oriented(NamedTuple):
    """A neuron on one side, seen so that w > 0, ω > 0 and the kink is beyond the near end of the input.

    `slope` and `level` are ρ1 and ρ0, `aim` the best line's slope, `mean_x` the inputs' mean and `near` the
    near end of the input, all with the signs that belong to this view; `z` is the pre-activation at that end.
    """

    xp: Any
    slope: Array
    level: Array
    aim: Array
    mean_x: Array
    near: Array
    z: Array
    z_far: Array


def oriented(neuron: Neuron | Array, problem: Problem, s: float, side: float) -> Oriented:
    """Return the view of every neuron whose pre-activation has the sign `side` and the slope `s`."""
    w1, _, w2, _ = as_neuron(neuron)
    of_x = line(problem)
    z = end_preactivations(neuron, problem)
    given = (w1, w2, *residuals(neuron, problem, s), *of_x, problem.lo, problem.hi, *z)
    xp, (w1, w2, rho1, rho0, mean_x, _, _, aim, lo, hi, z_lo, z_hi) = as_floating(given)
    rising = xp.where(side * w1 > 0.0, xp.ones_like(w1), -xp.ones_like(w1))
    upward = xp.where(side * s * w2 > 0.0, xp.ones_like(w2), -xp.ones_like(w2))
    right = rising > 0.0
    return Oriented(
        xp,
        rising * upward * rho1,
        upward * rho0,
        rising * upward * aim,
        rising * mean_x,
        xp.where(right, lo + 0.0 * rising, -hi + 0.0 * rising),
        side * xp.where(right, z_lo, z_hi),
        side * xp.where(right, z_hi, z_lo),
    )


def trapped_by_signs(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Whether the flow provably never gives the neuron a kink because of the signs of its two errors.

    In the view of `Oriented`: the pre-activation is positive at the near end e and w > 0, the best line
    rises, the student is at least as steep and on average not above it, E x ≥ 0, e ≤ 0 and 1 + e E x ≥ 0.
    (So an interval that is symmetric about 0 qualifies if E x = 0; one that does not contain 0 does not.) The
    neuron then converges to the best line. Sufficient, not necessary.
    """
    s_minus, s_plus = problem.slopes
    holds = _holds(neuron, problem, s_plus, 1.0)
    return holds if s_minus == 0.0 else holds | _holds(neuron, problem, s_minus, -1.0)


def path_by_signs(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Bound the length of the path that a neuron trapped by signs still has to go; ∞ for others.

    All along it w2² ≥ y = (√(Q² + 4 (a/s)²) − Q)/2, a the best line's slope: the path is at most √e/(c √y).
    """
    s_minus, s_plus = problem.slopes
    on, off = _holds(neuron, problem, s_plus, 1.0), _holds(neuron, problem, s_minus, -1.0)
    first, second = _path(neuron, problem, s_plus), _path(neuron, problem, s_minus)
    xp, (first, second) = as_floating((first, second))
    nowhere = xp.inf * xp.ones_like(first + second)
    return xp.where(on, first, xp.where(off, second, nowhere))


def least_output_weight(neuron: Neuron | Array, problem: Problem, s: float) -> Array:
    """Return √y, below which |w2| cannot fall while the student is as steep as the best line (s ≠ 0).

    w1² ≤ w2² + Q and |w1 w2| ≥ |a/s| leave w2² at least y.
    """
    w1, b1, w2, _ = as_neuron(neuron)
    xp, (w1, b1, w2, aim) = as_floating((w1, b1, w2, line(problem).slope))
    balance = w1 * w1 + b1 * b1 - w2 * w2
    product = 2.0 * aim / s
    size = xp.maximum(xp.abs(balance), xp.abs(product + 0.0 * balance))
    some = xp.where(size > 0.0, size, xp.ones_like(size))
    root = size * xp.sqrt((balance / some) ** 2 + (product / some) ** 2)
    # Of the two forms of the root that whose terms have the same sign.
    total = root + xp.abs(balance)
    some = xp.where(total > 0.0, total, xp.ones_like(total))
    return xp.sqrt(xp.where(balance > 0.0, 0.5 * product * (product / some), 0.5 * total))


def _holds(neuron: Neuron | Array, problem: Problem, s: float, side: float) -> Array:
    view = oriented(neuron, problem, s, side)
    kink_beyond = (view.z > 0.0) & (view.z_far > view.z)
    signs = (view.aim > 0.0) & (view.slope >= 0.0) & (view.level <= 0.0)
    place = (view.mean_x >= 0.0) & (view.near <= 0.0) & (1.0 + view.near * view.mean_x >= 0.0)
    return kink_beyond & signs & place


def _path(neuron: Neuron | Array, problem: Problem, s: float) -> Array:
    given = (excess(neuron, problem, s), *adaptable(contraction(problem, s)))
    xp, (e, c) = as_floating(given)
    if s == 0.0:
        return xp.inf * xp.ones_like(e)
    xp, (e, c, weight) = as_floating((e, c, least_output_weight(neuron, problem, s)))
    speed = c * weight
    moves = speed > 0.0
    one = xp.ones_like(e + speed)
    return xp.where(moves, xp.sqrt(e) / xp.where(moves, speed, one), xp.inf * one)
