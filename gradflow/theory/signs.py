"""The trapping region by signs: a hyperactive neuron too steep and not much too high stays hyperactive.

While the student is a line, steeper than the best line and not much too high on average, its breakpoint moves
away from the input. Both errors stay in a cone where that is so, and it goes on for ever; a neuron far enough
outside comes to the cone before its breakpoint is at the input. ``derivations/13_trapped_by_signs.py`` proves
it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating
from gradflow.field.baselines import adaptable, lines
from gradflow.field.bounds import EPS, TINY, as_given, balance, has_exact_signs, in_double
from gradflow.neuron.activity import end_preactivations
from gradflow.neuron.problem import Neuron, Problem, as_neuron, as_problem
from gradflow.theory.hyperactive import contraction, residuals, root_excess

UP, DOWN = 1.0 + 32.0 * EPS, 1.0 - 32.0 * EPS
"""Factors that make up for the roundings of a bound."""

HUGE = 1e100
"""No edge of a cone needs to be steeper."""


class Oriented(NamedTuple):
    """A neuron on one side, seen so that w ≥ 0, ω ≥ 0 and the breakpoint is beyond the near end of the input.

    `slope` is a lower bound of ρ1, `depth` a lower and `level` an upper one of ρ0, `aim` a lower one of the
    best line's slope; `upper` and `lower` are the slopes of the cone's edges, rounded to its inside, `place`
    says whether the interval has such a cone; `z` is the pre-activation at the near end, `reach` that end's
    distance from 0; `centred` says whether E x = 0, `least` and `most` bound Var x.
    """

    slope: Array
    depth: Array
    level: Array
    aim: Array
    upper: Array
    lower: Array
    place: Array
    z: Array
    reach: Array
    centred: Array
    least: Array
    most: Array


def oriented(neuron: Neuron, problem: Problem, s: float, side: float) -> Oriented:
    """Return the view of every neuron whose pre-activation has the sign `side` and the slope `s`."""
    w1, _, w2, _ = as_neuron(neuron)
    of = lines(problem)
    z = end_preactivations(neuron, problem)
    rho1, rho0 = residuals(neuron, problem, s)
    moments = adaptable(*of.mean_x, *of.slope, *of.variance_x)
    xp, arrays = as_floating((w1, w2, *rho1, *rho0, problem.lo, problem.hi, *z, *moments))
    w1, w2, rho1, error1, rho0, error0, lo, hi, z_lo, z_hi, *rest = arrays
    mean_x, of_mean_x, aim, of_aim, variance, of_variance = rest
    rising = xp.where(side * w1 > 0.0, xp.ones_like(w1), -xp.ones_like(w1))
    upward = xp.where(side * s * w2 > 0.0, xp.ones_like(w2), -xp.ones_like(w2))
    right = rising > 0.0
    near = xp.where(right, lo + 0.0 * rising, -hi + 0.0 * rising)
    mean_x = rising * mean_x
    upper, lower, place = _cone(xp, near, mean_x, of_mean_x, variance, of_variance)
    return Oriented(
        rising * upward * rho1 - error1,
        upward * rho0 - error0,
        upward * rho0 + error0,
        rising * upward * aim - of_aim,
        upper,
        lower,
        place,
        side * xp.where(right, z_lo, z_hi),
        abs(near),
        (mean_x == 0.0) & (of_mean_x == 0.0),
        xp.where(variance > of_variance, variance - of_variance, 0.0 * variance) * DOWN,
        (variance + of_variance) * UP,
    )


def _cone(
    xp: Any, near: Array, mean_x: Array, of_mean_x: Array, variance: Array, of_variance: Array
) -> tuple[Array, Array, Array]:
    """Return c₊ and c₋, rounded to the inside of the cone, and whether there is one.

    ∞ for c₋ means that ρ0 has no lower bound.
    """
    one, reach = xp.ones_like(near + mean_x), abs(near)
    # But for underflow the error of E x is relative, so that its sign is exact.
    product = near * mean_x
    error = reach * of_mean_x + 2.0 * EPS * (1.0 + abs(product))
    g, most = 1.0 + product - error, (variance + of_variance) * UP
    exact = ((mean_x == 0.0) & (of_mean_x == 0.0)) | (near == 0.0)
    delta = mean_x - near - (4.0 * EPS * (abs(mean_x) + reach) + of_mean_x)
    wide = (g > 0.0) & (delta > 0.0) & (g * delta >= most * reach * UP)
    least = variance - of_variance
    some = wide & (least > 0.0)
    upper = xp.where(some, least * reach / xp.where(some, 1.0 + product + error, one) * DOWN, 0.0 * one)
    # c₋ where E x < 0: the larger root of c (1 + m² − V) = (c² − V) |m|.
    negative = mean_x < -of_mean_x
    size = xp.where(negative, abs(mean_x) * UP + of_mean_x, one)
    bend = (1.0 + mean_x * mean_x) * DOWN - most
    square = xp.where(bend > 0.0, bend * bend, 0.0 * one)
    root = xp.sqrt(square + 4.0 * xp.where(some, least, 0.0 * one) * size * size)
    edge = (bend + root) / (2.0 * size) * DOWN
    edge = xp.where(edge < HUGE, edge, HUGE * one)
    below = negative & some & (bend > 0.0) & (edge * delta >= most * UP)
    lower = xp.where(below, edge, xp.inf * one)
    place = (near <= 0.0) & (exact | (g >= 0.0)) & ((mean_x >= of_mean_x) | below)
    return upper, lower, place


@np.errstate(over="ignore", invalid="ignore")
def trapped_by_signs(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Whether the flow provably never brings the breakpoint inside because of the signs of its two errors.

    In the view of `Oriented`: the pre-activation is positive at the near end and w > 0, the best line rises,
    the student is at least as steep, and on average not much above it: ρ0 ≤ c₊ ρ1 (and ρ0 ≥ −c₋ ρ1 where
    E x < 0). For inputs on [lo, hi] with lo ≤ 0 ≤ hi, lo hi ≥ −1, c₊ = V |n|/(1 + n E x), n the near end and
    V = Var x. If E x = 0 a steeper student may be higher, if its breakpoint is far enough outside
    (`far_outside`). The neuron then converges to the best line. Sufficient, not necessary.
    """
    problem = as_problem(problem)
    neuron, problem = in_double(neuron, problem)
    s_minus, s_plus = problem.slopes
    holds = _holds(neuron, problem, s_plus, 1.0)
    return holds if s_minus == 0.0 else holds | _holds(neuron, problem, s_minus, -1.0)


@np.errstate(over="ignore", invalid="ignore")
def rises_by_signs(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Whether |b1| of a neuron that is `trapped_by_signs` provably never falls: E x = 0 and ρ0 ≤ 0.

    Then ρ0 ≤ 0 holds for ever. |w1| never rises if E x = 0, whatever ρ0 is.
    """
    problem = as_problem(problem)
    neuron, problem = in_double(neuron, problem)
    found = trapped_by_signs(neuron, problem)
    for s, side in zip(problem.slopes, (-1.0, 1.0), strict=True):
        if s != 0.0:
            view = oriented(neuron, problem, s, side)
            # Of the other side the breakpoint is not beyond the near end.
            found = found & ((view.z <= 0.0) | view.centred & (view.level <= 0.0))
    return found


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
    w1, _, w2, _ = as_neuron(neuron)
    xp, (w1, w2, slope) = as_floating((w1, w2, view.slope))
    if s == 0.0:
        return slope != slope
    beyond = (view.z > 0.0) & (w1 != 0.0) & (w2 != 0.0) & has_exact_signs(neuron, problem)
    steep = (view.aim > 0.0) & (slope >= 0.0)
    # Without a lower edge ρ0 has no lower bound; products that underflow are no edge.
    edge = view.upper * slope * DOWN
    below = (view.level <= 0.0) | ((edge > TINY) & (view.level <= edge))
    bounded = view.lower < xp.inf
    floor = xp.where(bounded, view.lower, xp.zeros_like(slope)) * slope * DOWN
    above = ~bounded | (view.depth >= 0.0) | ((floor > TINY) & (view.depth >= -floor))
    cone = view.place & below & above
    return beyond & steep & (cone | far_outside(neuron, s, side, view))


def far_outside(neuron: Neuron, s: float, side: float, view: Oriented) -> Array:
    """Whether a neuron above the cone comes into it before its breakpoint is at the input (E x = 0).

    Derivation 13 (5): ρ0 ≤ C ρ1, and the pre-activation at the near end exceeds the most by which it can fall
    until ρ0 = 0. With b ≥ b₁ until then, C = Y + √(Y² + V), Y the least value of (k² + R)/(2 |s| w k) for
    k ≥ |s| b₁, or C = |n|.
    """
    given = (
        *as_neuron(neuron)[:3],
        view.slope,
        view.level,
        view.aim,
        view.z,
        view.reach,
        view.least,
        view.most,
    )
    xp, (w1, b1, w2, slope, level, aim, z, reach, variance, most) = as_floating(given)
    one = xp.ones_like(slope)
    some = (level > 0.0) & (level < xp.inf) & (abs(w1) > TINY**0.5)
    level, steep = xp.where(some, level, one), abs(s) * xp.where(some, abs(w1), one)
    out = abs(s * w2)
    least = (side * b1 - level * _highest(xp, out, one)) * DOWN
    least = abs(s) * xp.where(least > 0.0, least, 0.0 * one)
    # a/w is |s| a over |s| w.
    ratio = xp.where(aim > 0.0, aim, 0.0 * one) * abs(s) / steep
    rest = (1.0 + (1.0 - most) * (ratio * ratio)) * DOWN - most * (steep * steep) * UP
    root = xp.sqrt(xp.where(rest > 0.0, rest, 0.0 * one))
    at = xp.where(root > least, root, least)
    known = (at > TINY**0.25) & (at * at * DOWN + rest > 0.0) & (at < xp.inf)
    at, rest = xp.where(known, at, one), xp.where(known, rest, 0.0 * one)
    half = (at * DOWN + rest / at) / (2.0 * steep)
    known = known & (half >= 0.0)
    edge = xp.where(known, half + xp.sqrt(half * half + variance), 0.0 * one) * DOWN
    edge = xp.where(edge > reach, edge, reach)
    fall = level * _highest(xp, out, 1.0 + least * least) * UP
    holds = (most <= 1.0) & (level <= edge * slope * DOWN) & (z * DOWN > fall)
    return some & view.centred & (slope > TINY**0.5) & holds


def _highest(xp: Any, out: Array, k: Array) -> Array:
    """Return the largest v/(k + v²) for 0 ≤ v ≤ out, rounded up."""
    turn = xp.sqrt(k)
    v = xp.where(out < turn, out, turn)
    return v / (k + v * v) * UP


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
