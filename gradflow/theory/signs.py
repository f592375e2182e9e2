"""The trapping region by signs: a hyperactive neuron too steep and too low stays hyperactive.

While the student is a line, steeper than the best line and too low on average, training flattens and
lifts it: its breakpoint moves away from the input. The signs of both errors are kept, so this goes on for
ever. ``derivations/13_trapped_by_signs.py`` proves it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating
from gradflow.field.baselines import adaptable, lines
from gradflow.field.bounds import EPS, as_given, balance, has_exact_signs, in_double
from gradflow.neuron.activity import end_preactivations
from gradflow.neuron.problem import Neuron, Problem, as_neuron, as_problem
from gradflow.theory.hyperactive import contraction, residuals, root_excess


class Oriented(NamedTuple):
    """A neuron on one side, seen so that w ≥ 0, ω ≥ 0 and the breakpoint is beyond the near end of the input.

    `slope` is a lower bound of ρ1, `level` an upper one of ρ0, `aim` a lower one of the best line's slope;
    `place` says whether E x ≥ 0, e ≤ 0 and 1 + e E x ≥ 0 for the near end e of the input, all with the signs
    that belong to this view; `z` is the pre-activation at that end, `moves` whether neither w nor ω is 0.
    """

    slope: Array
    level: Array
    aim: Array
    place: Array
    z: Array
    moves: Array


def oriented(neuron: Neuron, problem: Problem, s: float, side: float) -> Oriented:
    """Return the view of every neuron whose pre-activation has the sign `side` and the slope `s`."""
    w1, _, w2, _ = as_neuron(neuron)
    of = lines(problem)
    z = end_preactivations(neuron, problem)
    rho1, rho0 = residuals(neuron, problem, s)
    given = (w1, w2, *rho1, *rho0, problem.lo, problem.hi, *z, *adaptable(*of.mean_x, *of.slope))
    xp, arrays = as_floating(given)
    w1, w2, rho1, error1, rho0, error0, lo, hi, z_lo, z_hi, mean_x, of_mean_x, aim, of_aim = arrays
    rising = xp.where(side * w1 > 0.0, xp.ones_like(w1), -xp.ones_like(w1))
    upward = xp.where(side * s * w2 > 0.0, xp.ones_like(w2), -xp.ones_like(w2))
    right = rising > 0.0
    near = xp.where(right, lo + 0.0 * rising, -hi + 0.0 * rising)
    # But for underflow the error of E x is relative, so that its sign is exact.
    mean_x = rising * mean_x
    product = near * mean_x
    room = 1.0 + product - abs(near) * of_mean_x - 2.0 * EPS * (1.0 + abs(product))
    exact = ((mean_x == 0.0) & (of_mean_x == 0.0)) | (near == 0.0)
    return Oriented(
        rising * upward * rho1 - error1,
        upward * rho0 + error0,
        rising * upward * aim - of_aim,
        (mean_x >= of_mean_x) & (near <= 0.0) & (exact | (room >= 0.0)),
        side * xp.where(right, z_lo, z_hi),
        (w1 != 0.0) & (w2 != 0.0),
    )


@np.errstate(over="ignore", invalid="ignore")
def trapped_by_signs(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Whether the flow provably never brings the breakpoint inside because of the signs of its two errors.

    In the view of `Oriented`: the pre-activation is positive at the near end e and w > 0, the best line
    rises, the student is at least as steep and on average not above it, E x ≥ 0, e ≤ 0 and 1 + e E x ≥ 0.
    (So an interval that is symmetric about 0 qualifies if E x = 0; one that does not contain 0 does not.) The
    neuron then converges to the best line. Sufficient, not necessary.
    """
    problem = as_problem(problem)
    neuron, problem = in_double(neuron, problem)
    s_minus, s_plus = problem.slopes
    holds = _holds(neuron, problem, s_plus, 1.0)
    return holds if s_minus == 0.0 else holds | _holds(neuron, problem, s_minus, -1.0)


@np.errstate(over="ignore", invalid="ignore")
def path_by_signs(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Bound the length of the path that a neuron trapped by signs still has to go; ∞ for others.

    All along it w2² ≥ y = (√(Q² + 4 (a/s)²) − Q)/2, a the best line's slope: the path is at most √e/(c √y),
    rounded up.
    """
    problem = as_problem(problem)
    given = neuron, problem
    neuron, problem = in_double(neuron, problem)
    s_minus, s_plus = problem.slopes
    on, off = _holds(neuron, problem, s_plus, 1.0), _holds(neuron, problem, s_minus, -1.0)
    first, second = _path(neuron, problem, s_plus), _path(neuron, problem, s_minus)
    xp, (first, second) = as_floating((first, second))
    nowhere = xp.inf * xp.ones_like(first + second)
    return as_given(*given, xp.where(on, first, xp.where(off, second, nowhere)), upwards=True)


def least_output_weight(neuron: Neuron | Array, problem: Problem, s: float) -> Array:
    """Return √y, rounded down: |w2| stays above while the student is as steep as the best line (s ≠ 0).

    w1² ≤ w2² + Q and |w1 w2| ≥ |a/s| leave w2² at least y. In double precision.
    """
    neuron, problem = in_double(neuron, problem)
    slope = lines(problem).slope
    xp, (value, error, aim, of_aim) = as_floating((*balance(neuron), *adaptable(*slope)))
    # y falls with Q.
    value = value + error + 2.0 * EPS * abs(value)
    steep = abs(aim) - of_aim
    product = (2.0 / abs(s)) * xp.where(steep > 0.0, steep, 0.0 * steep) + 0.0 * value
    size = xp.maximum(abs(value), product)
    some = xp.where(size > 0.0, size, xp.ones_like(size))
    root = size * xp.sqrt((value / some) ** 2 + (product / some) ** 2)
    # Of the two forms of the root that whose terms have the same sign.
    total = root + abs(value)
    some = xp.where(total > 0.0, total, xp.ones_like(total))
    least = xp.sqrt(xp.where(value > 0.0, 0.5 * product * (product / some), 0.5 * total))
    return least * (1.0 - 16.0 * EPS)


def _holds(neuron: Neuron, problem: Problem, s: float, side: float) -> Array:
    view = oriented(neuron, problem, s, side)
    beyond = (view.z > 0.0) & view.moves & has_exact_signs(neuron, problem)
    signs = (view.aim > 0.0) & (view.slope >= 0.0) & (view.level <= 0.0)
    return beyond & signs & view.place


def _path(neuron: Neuron, problem: Problem, s: float) -> Array:
    given = (root_excess(neuron, problem, s), *adaptable(contraction(problem, s)))
    xp, (e, c) = as_floating(given)
    if s == 0.0:
        return xp.inf * xp.ones_like(e)
    xp, (e, c, weight) = as_floating((e, c, least_output_weight(neuron, problem, s)))
    speed = c * weight
    moves = speed > 0.0
    one = xp.ones_like(e + speed)
    return xp.where(moves, e / xp.where(moves, speed, one) * (1.0 + 4.0 * EPS), xp.inf * one)
