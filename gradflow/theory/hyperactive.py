"""The linear cells: how far a neuron without a breakpoint inside can still move, hence where it is trapped.

While the pre-activation keeps one sign on the whole input the student is the line
f = f*_line + ρ1 (x − E x) + ρ0, with ρ1 = s w1 w2 − slope and ρ0 = s w2 (w1 E x + b1) + b2 − E f*
(s = s₊ where hyperactive, s₋ where dead), and L = L_line + e with e = Var(x) ρ1² + ρ0².
``derivations/08_hyperactive_trap.py`` and, for gradient descent,
``derivations/26_trap_of_gradient_descent.py`` prove what is used here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, ArrayLike, as_floating, namespace
from gradflow.base.checks import shown
from gradflow.base.error_free import affine, splitter
from gradflow.field.baselines import Bounded, adaptable, lines
from gradflow.field.bounds import EPS, TINY, as_given, has_exact_signs, in_double
from gradflow.neuron.activity import wall_distances
from gradflow.neuron.problem import Neuron, Problem, as_neuron, as_problem

ROUNDED = 4.0 * EPS
"""By how much less a square counts, and by how much more a quotient."""


RADII = (1.0 / 64.0, 1.0 / 16.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.8125, 1.0)
"""Where between the flow's own path and the wall the radius of the ball is tried."""


class Line(NamedTuple):
    """Moments that a problem's linear cells depend on: E x, Var x, E f* and the slope of the best line."""

    mean_x: Array
    variance: Array
    mean: Array
    slope: Array


def line(problem: Problem) -> Line:
    """Return these numbers; single ones as Python numbers, which adapt to the arrays beside them."""
    of = lines(problem)
    return Line(*adaptable(*(part.value for part in (of.mean_x, of.variance_x, of.mean, of.slope))))


def residuals(neuron: Neuron | Array, problem: Problem, s: float) -> tuple[Bounded, Bounded]:
    """Return ρ1 and ρ0, by how much slope and level of the student miss the best line's, with their errors.

    In double precision.
    """
    neuron, problem = in_double(neuron, problem)
    of = lines(problem)
    given = (*as_neuron(neuron), *adaptable(*of.mean_x, *of.mean, *of.slope))
    _, (w1, b1, w2, b2, mean_x, of_mean_x, mean, of_mean, slope, of_slope) = as_floating(given)
    product = s * (w1 * w2)
    rho1 = product - slope
    error1 = 2.0 * EPS * (abs(product) + abs(rho1)) + of_slope + TINY
    out = s * (w2 * affine(w1, mean_x, b1, splitter(w1.dtype)))
    shift = b2 - mean
    rho0 = out + shift
    error0 = 4.0 * EPS * (abs(out) + abs(shift) + abs(rho0)) + of_mean + TINY
    # With underflow in the product of w1 and E x, too.
    error0 = error0 + 2.0 * (abs(product) * of_mean_x + TINY * abs(s * w2))
    return Bounded(rho1, error1), Bounded(rho0, error0)


def excess(neuron: Neuron | Array, problem: Problem, s: float) -> Array:
    """Return e, the loss above the best line's that the neuron has with slope `s` on the whole input."""
    rho1, rho0 = residuals(neuron, problem, s)
    value = line(problem).variance * (rho1.value * rho1.value) + rho0.value * rho0.value
    return as_given(neuron, problem, value)


def root_excess(neuron: Neuron | Array, problem: Problem, s: float) -> Array:
    """Return an upper bound of √e, in double precision."""
    rho1, rho0 = residuals(neuron, problem, s)
    variance = lines(in_double(neuron, problem)[1]).variance_x
    given = (*rho1, *rho0, *adaptable(variance.value + variance.error))
    xp, (rho1, error1, rho0, error0, most) = as_floating(given)
    slope, level = abs(rho1) + error1, abs(rho0) + error0
    # Squares may underflow.
    return xp.sqrt(most * (slope * slope) + level * level) * (1.0 + 8.0 * EPS) + TINY**0.5


def contraction(problem: Problem, s: float) -> Array:
    """Return c = |s| √κ, rounded down: |∇L| ≥ 2 c |w2| √e where the slope is `s`.

    It is 0 if the inputs do not vary.
    """
    of = lines(problem)
    xp, (mean_x, variance, error) = as_floating((of.mean_x.value, *of.variance_x))
    some = variance > 0.0
    relative = xp.where(some, error, 0.0 * error) / xp.where(some, variance, xp.ones_like(variance))
    least = 1.0 - 4.0 * relative - 32.0 * float(xp.finfo(variance.dtype).eps)
    return abs(s) * xp.sqrt(kappa(xp, mean_x, variance)) * xp.where(least > 0.0, least, 0.0 * least)


def kappa(xp: Any, mean_x: Array, variance: Array) -> Array:
    """Return κ = 2 V/(V + m² + 1 + Δ), with Δ² = (V + m² + 1)² − 4 V as a sum of squares."""
    square = mean_x * mean_x
    opposite = variance - square - 1.0
    gap = xp.sqrt(opposite * opposite + 4.0 * variance * square)
    return 2.0 * variance / (variance + square + 1.0 + gap)


def remaining_path(neuron: Neuron | Array, problem: Problem, s: float) -> Array:
    """Bound the length of the path that the flow still has to go while the slope is `s` on the whole input.

    |∇L|² ≥ 4 κ (s w2)² e, with κ the smaller eigenvalue of [[V, m√V], [m√V, m² + 1]], m = E x and
    V = Var x. So √e falls by at least c |w2| per unit of path, c = |s| √κ, while |w2| falls by at most
    1: the path ends before ℓ = |w2| − √(w2² − 2√e/c).

    Returns
    -------
    array
        ℓ for every neuron, rounded up; ∞ where w2² < 2√e/c, so that nothing is claimed.
    """
    return as_given(neuron, problem, _longest(neuron, problem, s), upwards=True)


def _longest(neuron: Neuron | Array, problem: Problem, s: float) -> Array:
    """Return ℓ, rounded up, in double precision."""
    neuron, problem = in_double(neuron, problem)
    given = (root_excess(neuron, problem, s), neuron.w2, *adaptable(contraction(problem, s)))
    xp, (e, w2, c) = as_floating(given)
    return path(xp, e, w2, c) * (1.0 + 16.0 * EPS)


def path(xp: Any, root_e: Array, w2: Array, c: Array) -> Array:
    """Return ℓ = |w2| − √(w2² − 2√e/c), with the root a little too small; ∞ where there is none."""
    c = c + xp.zeros_like(root_e + w2)
    moves, one = c > 0, xp.ones_like(c)
    twice = xp.where(moves, 2.0 * root_e / xp.where(moves, c, one), xp.inf * one)
    room = w2 * w2 * (1 - ROUNDED) - twice * (1 + ROUNDED)
    # Where the square overflows, nothing is known of the difference.
    bounded = (room >= 0) & (room < xp.inf) & (w2 != 0)
    end = abs(w2) + xp.sqrt(xp.where(bounded, room, xp.zeros_like(room)))
    return xp.where(bounded, xp.where(bounded, twice, one) / xp.where(bounded, end, one), xp.inf * one)


@np.errstate(over="ignore", invalid="ignore")
def trapped(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Whether the flow provably never brings the breakpoint inside: it then converges to the best line.

    The neuron is hyperactive (or dead, where s₋ ≠ 0) and its distance to both walls in the (w1, b1)
    plane exceeds `remaining_path`. Sufficient, not necessary.
    """
    problem = as_problem(problem)
    neuron, problem = in_double(neuron, problem)

    def holds(distance: Array, s: float) -> Array:
        return distance > _longest(neuron, problem, s)

    return _on_both_sides(neuron, problem, holds)


@np.errstate(over="ignore", invalid="ignore")
def trapped_under_gd(neuron: Neuron | Array, lr: ArrayLike, problem: Problem = Problem()) -> Array:
    """Whether gradient descent provably never brings the breakpoint inside: it then goes to the best line.

    Derivation 26: on a ball of radius r around θ, r at most the distance to the walls, the Hessian's norm is
    at most Λ = 2 s² K (|w2| + r)² + 2 s² (N + r √K)² + 2 + 2 |s| √(K e), with N² = E z² and K the larger
    eigenvalue of [[V, m√V], [m√V, m² + 1]]. The path of full-batch steps with rates up to η is shorter than ℓ
    with c (1 − η Λ/2) for c (`remaining_path`), if that is below r. Sufficient, not necessary.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The start of plain gradient descent, or any later state of it.
    lr : number or array
        The largest rate, ≥ 0; it broadcasts with the neurons.
    problem : Problem
        The population or a sample.

    Returns
    -------
    array of bool
        With all errors of rounding in `neuron` and `problem` against it; the steps are exact numbers.

    Raises
    ------
    ValueError
        If a rate is negative or NaN.
    """
    problem = as_problem(problem)
    neuron, problem = in_double(neuron, problem)
    _, (rate,) = as_floating((lr,))
    if not bool(namespace(rate).all(rate >= 0.0)):
        raise ValueError(f"lr: expected rates of at least 0, got {shown(lr)}")

    def holds(distance: Array, s: float) -> Array:
        return _descends(neuron, problem, s, lr, distance)

    return _on_both_sides(neuron, problem, holds)


def _on_both_sides(neuron: Neuron, problem: Problem, holds: Callable[[Array, float], Array]) -> Array:
    """Return where something holds of the distance to the nearer wall and the slope, if that is not 0."""
    d_lo, d_hi = (distance * (1.0 - 8.0 * EPS) for distance in wall_distances(neuron, problem))
    xp, (d_lo, d_hi) = as_floating((d_lo, d_hi))
    s_minus, s_plus = problem.slopes
    found = holds(xp.minimum(d_lo, d_hi), s_plus)
    if s_minus != 0.0:
        found = found | holds(xp.minimum(-d_lo, -d_hi), s_minus)
    return found & has_exact_signs(neuron, problem)


def _descends(neuron: Neuron, problem: Problem, s: float, lr: ArrayLike, distance: Array) -> Array:
    """Whether for some radius up to a distance the path of gradient descent is shorter than the radius."""
    of = lines(problem)
    given = (
        *neuron, lr, distance, root_excess(neuron, problem, s), *adaptable(contraction(problem, s)),
        *adaptable(of.mean_x.value, *of.variance_x),
    )  # fmt: skip
    xp, (w1, b1, w2, _, lr, most, root_e, c, mean_x, variance, error) = as_floating(given)
    up = 1.0 + 32.0 * EPS
    variance = (variance + error) * up
    larger = (variance + mean_x * mean_x + 1.0 - kappa(xp, mean_x, variance)) * up
    height = abs(w1 * mean_x) + abs(b1)
    height = abs(affine(w1, mean_x, b1, splitter(w1.dtype))) + 8.0 * EPS * height
    size = xp.sqrt(variance * (w1 * w1) + height * height) * up + TINY**0.5
    # Of what is not finite nothing is claimed.
    inside = (most > 0.0) & (most < xp.inf) & (root_e < xp.inf)
    least = path(xp, root_e, w2, c)
    found = inside & ~inside
    for part in RADII:
        radius = part * most + (1.0 - part) * xp.where(inside & (least < most), least, 0.0 * most)
        out, level = abs(w2) + radius, size + xp.sqrt(larger) * radius
        bend = (s * s * (larger * out * out + level * level) + 1.0 + abs(s) * xp.sqrt(larger) * root_e) * up
        # η Λ/2, as Λ is twice that.
        factor = (1.0 - lr * bend) * (1.0 - 4.0 * EPS) - 4.0 * EPS
        moves = factor > 0.0
        longest = path(xp, root_e, w2, c * xp.where(moves, factor, 0.0 * factor)) * up
        found = found | (inside & moves & (longest < radius) & (radius <= most))
    return found
