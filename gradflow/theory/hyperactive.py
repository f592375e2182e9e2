"""The linear cells: how far a neuron without a kink can still move, hence where it is trapped.

While the pre-activation keeps one sign on the whole input the student is the line
f = f*_line + ρ1 (x − E x) + ρ0, with ρ1 = s w1 w2 − slope and ρ0 = s w2 (w1 E x + b1) + b2 − E f*
(s = s₊ where hyperactive, s₋ where dead), and L = L_line + e with e = Var(x) ρ1² + ρ0².
``derivations/08_hyperactive_trap.py`` proves what is used here.
"""

from __future__ import annotations

from typing import NamedTuple

from gradflow.activity import wall_distances
from gradflow.backend import Array, as_floating
from gradflow.field.baselines import adaptable, best_line, moments
from gradflow.problem import Neuron, Problem, as_neuron


class Line(NamedTuple):
    """What a problem's linear cells depend on: E x, Var x, E f* and the slope of the best line."""

    mean_x: Array
    variance: Array
    mean: Array
    slope: Array


def line(problem: Problem) -> Line:
    """Return these numbers; single ones as Python numbers, which adapt to the arrays beside them.

    A mean of the inputs that is 0 but for rounding is returned as 0.
    """
    m = moments(problem)
    xp, (mean_x, lo, hi) = as_floating((m.mean_x, problem.lo, problem.hi))
    rounding = 16.0 * float(xp.finfo(mean_x.dtype).eps) * (xp.abs(lo) + xp.abs(hi))
    mean_x = xp.where(xp.abs(mean_x) > rounding, mean_x, xp.zeros_like(mean_x))
    return Line(*adaptable(mean_x, m.variance_x, m.mean, best_line(problem).slope))


def residuals(neuron: Neuron | Array, problem: Problem, s: float) -> tuple[Array, Array]:
    """Return ρ1 and ρ0, by how much slope and level of the student miss the best line's."""
    _, (w1, b1, w2, b2, mean_x, _, mean, slope) = as_floating((*as_neuron(neuron), *line(problem)))
    return s * w1 * w2 - slope, s * w2 * (w1 * mean_x + b1) + b2 - mean


def excess(neuron: Neuron | Array, problem: Problem, s: float) -> Array:
    """Return e, the loss above the best line's that the neuron has with slope `s` on the whole input."""
    rho1, rho0 = residuals(neuron, problem, s)
    return line(problem).variance * (rho1 * rho1) + rho0 * rho0


def contraction(problem: Problem, s: float) -> Array:
    """Return c = |s| √κ: |∇L| ≥ 2 c |w2| √e where the slope is `s`. It is 0 if the inputs do not vary."""
    of_x = line(problem)
    xp, (mean_x, variance) = as_floating((of_x.mean_x, of_x.variance))
    trace = variance + mean_x * mean_x + 1.0
    root = trace * trace - 4.0 * variance
    kappa = 2.0 * variance / (trace + xp.sqrt(xp.where(root > 0, root, xp.zeros_like(root))))
    return abs(s) * xp.sqrt(kappa)


def remaining_path(neuron: Neuron | Array, problem: Problem, s: float) -> Array:
    """Bound the length of the path that the flow still has to go while the slope is `s` on the whole input.

    |∇L|² ≥ 4 κ (s w2)² e, with κ the smaller eigenvalue of [[V, m√V], [m√V, m² + 1]], m = E x and
    V = Var x. So √e falls by at least c |w2| per unit of path, c = |s| √κ, while |w2| falls by at most
    1: the path ends before ℓ = |w2| − √(w2² − 2√e/c).

    Returns
    -------
    array
        ℓ for every neuron; ∞ where w2² < 2√e/c, so that nothing is claimed.
    """
    given = (excess(neuron, problem, s), as_neuron(neuron).w2, *adaptable(contraction(problem, s)))
    xp, (e, w2, c) = as_floating(given)
    c = c + xp.zeros_like(e + w2)
    moves, one = c > 0, xp.ones_like(c)
    twice = xp.where(moves, 2.0 * xp.sqrt(e) / xp.where(moves, c, one), xp.inf * one)
    room = w2 * w2 - twice
    bounded = (room >= 0) & (w2 != 0)
    end = abs(w2) + xp.sqrt(xp.where(bounded, room, xp.zeros_like(room)))
    return xp.where(bounded, xp.where(bounded, twice, one) / xp.where(bounded, end, one), xp.inf * one)


def trapped(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Whether the flow provably never gives the neuron a kink: it then converges to the best line.

    The neuron is hyperactive (or dead, where s₋ ≠ 0) and its distance to both walls in the (w1, b1)
    plane exceeds `remaining_path`. Sufficient, not necessary.
    """
    d_lo, d_hi = wall_distances(neuron, problem)
    s_minus, s_plus = problem.slopes
    path = remaining_path(neuron, problem, s_plus)
    holds = (d_lo > path) & (d_hi > path)
    if s_minus == 0.0:
        return holds
    path = remaining_path(neuron, problem, s_minus)
    return holds | ((-d_lo > path) & (-d_hi > path))
