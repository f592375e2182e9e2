"""Critical points of a ReLU neuron's population loss: which there are, and how far the gradient is from 0.

``derivations/09_critical_points.py`` proves what is used here. Slopes (0, s₊) and w1 = b1 = 0 excepted,
there are four families:

========  =========================================================  ==========  ==================
family    where                                                      loss        type
========  =========================================================  ==========  ==================
constant  dead, b2 = E f*                                            Var f*      flat
line      hyperactive, f is the best line                            L_line      minimum of the cell
saddle    w1 = w2 = 0 < b1, b2 = E f* (if f* has a slope)            Var f*      strict saddle
global    f = f*                                                     0           minimum
========  =========================================================  ==========  ==================
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.base.arrays import Array, as_floating
from gradflow.base.checks import number
from gradflow.base.error_free import affine, determinant, splitter
from gradflow.field import formulas, loss
from gradflow.field.baselines import adaptable, best_constant, best_line, moments
from gradflow.field.bounds import EPS, as_given, has_exact_signs, in_double
from gradflow.field.population import operations
from gradflow.neuron.activity import BALANCED, activity, end_preactivations, wall_distances
from gradflow.neuron.problem import Neuron, Problem, Uniform, as_neuron, as_problem

FAMILIES = ("constant", "line", "saddle", "global", "none")
CONSTANT, LINE, SADDLE, GLOBAL, NONE = range(5)


@np.errstate(over="ignore", invalid="ignore")
def family(neuron: Neuron | Array, problem: Problem = Problem(), *, tolerance: float = 1e-6) -> Array:
    """Return the code (`FAMILIES`) of the family of critical points that each neuron is within rounding of.

    w1 = b1 = 0 is in none, unless f = f*: the gradient has no limit there.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The states.
    problem : Problem
        The population, with slopes (0, s₊).
    tolerance : float
        How far b2, w1 w2 and the like may be from their values, relative to 1 + their size, and how far
        (w1, b1) may be beyond a wall, relative to its length.

    Raises
    ------
    ValueError
        If s₋ ≠ 0 or s₊ = 0, or the inputs are a sample: nothing is proved there.
    """
    problem, tolerance = as_problem(problem), number("tolerance", tolerance, 0.0, 1.0)
    _require_relu(problem)
    m, line, constant = moments(problem), best_line(problem), best_constant(problem)
    levels = adaptable(m.mean_x, line.slope, constant.intercept, constant.loss)
    values = (*as_neuron(neuron), loss(neuron, problem), *levels)
    xp, (w1, b1, w2, b2, value, mean_x, slope, mean, variance) = as_floating(values)
    s = problem.shared_slopes[1]
    d_lo, d_hi = wall_distances(neuron, problem)
    size = tolerance * xp.sqrt(w1 * w1 + b1 * b1)
    dead, hyperactive = (d_lo <= size) & (d_hi <= size), (d_lo >= -size) & (d_hi >= -size)

    def close(a: Array, b: Array) -> Array:
        return xp.abs(a - b) <= tolerance * (1.0 + xp.abs(b))

    on_mean = close(b2, mean)
    on_line = close(s * w1 * w2, slope) & close(s * w2 * (w1 * mean_x + b1) + b2, mean)
    none = xp.zeros_like(value)
    somewhere = (w1 != 0.0) | (b1 != 0.0)
    dead, hyperactive = dead & somewhere, hyperactive & somewhere
    holds = (
        (CONSTANT, dead & on_mean),
        (SADDLE, hyperactive & close(w1, none) & close(w2, none) & on_mean & (slope != 0.0)),
        (LINE, hyperactive & on_line),
        (GLOBAL, value <= tolerance**2 * (1.0 + variance)),
    )
    codes = xp.full(value.shape, NONE, dtype=xp.int8)
    for code, where in holds:
        codes = xp.where(where, xp.asarray(code, dtype=xp.int8), codes)
    return codes


@np.errstate(over="ignore", invalid="ignore")
def gradient_floor(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return a lower bound of |∇L| that a balanced neuron has because of its breakpoint alone.

    K, the mean of f* over the inactive part minus the value at the breakpoint of the least-squares line
    through f* on the active part, is a combination of components of ∇L whose coefficients depend on p, w2
    and s₊ only. So |∇L| ≥ |K|/|coefficients|, which is positive unless p = q on the teacher's side.

    Returns
    -------
    array
        Rounded down; 0 where nothing is claimed: dead, hyperactive, or w2 = 0.

    Raises
    ------
    ValueError
        If s₋ ≠ 0 or s₊ = 0, or the inputs are a sample.
    """
    problem = as_problem(problem)
    _require_relu(problem)
    given = neuron, problem
    neuron, problem = in_double(neuron, problem)
    z = end_preactivations(neuron, problem)
    certificate = _certificate(neuron, problem, z)
    values = (*as_neuron(neuron), *z, certificate, problem.lo, problem.hi)
    xp, (w1, b1, w2, _, z_lo, z_hi, certificate, lo, hi) = as_floating(values)
    claimed = (activity(neuron, problem) == BALANCED) & (w2 != 0.0) & has_exact_signs(neuron, problem)
    one = xp.ones_like(certificate + lo)
    active, inactive = _parts(xp, w1, z_lo, z_hi, claimed)
    at = abs(b1) / xp.where(claimed, abs(w1), one)
    scale = xp.where(claimed, 2.0 * abs(problem.shared_slopes[1]) * abs(w2), one)
    side = xp.where(w1 > 0.0, one, -one)
    place = -side * b1 / xp.where(claimed, w1, one)
    of_w1 = 6.0 / (active * active) / scale
    slope = abs(4.0 + 6.0 * place / active) + 8.0 * EPS * (4.0 + 6.0 * at / active)
    of_b1 = (slope / active + 1.0 / inactive) / scale
    of_b2 = 0.5 / inactive
    size = (hi - lo) * xp.sqrt(of_w1 * of_w1 + of_b1 * of_b1 + of_b2 * of_b2)
    floor = xp.where(claimed, certificate / size * (1.0 - 64.0 * EPS), 0.0 * one)
    return as_given(*given, floor, downwards=True)


def _parts(xp: Any, w1: Array, z_lo: Array, z_hi: Array, claimed: Array) -> tuple[Array, Array]:
    """Return the lengths of the active and of the inactive part, each rounded a few times."""
    steep = xp.where(claimed, abs(w1), xp.ones_like(z_lo))
    of_lo, of_hi = (xp.where(claimed, abs(z), xp.ones_like(z)) / steep for z in (z_lo, z_hi))
    right = w1 > 0.0
    return xp.where(right, of_hi, of_lo), xp.where(right, of_lo, of_hi)


def _certificate(neuron: Neuron, problem: Problem, z: tuple[Array, Array]) -> Array:
    """Return |K|, rounded down, by the closed form of derivation 9: products of lengths.

    With α and β the active and inactive part, and q's distances out and in from the active and the inactive
    end: |k| out² d/α² for q beyond p by d towards the active end and |k| d (β + in)/(2 β) for q on the other
    side of p, where the teacher is active at the same end; |k| (out² d/α² + β/2) and |k| in²/(2 β) where at
    the other; |k| β/2 for a teacher without a breakpoint inside. k = s₊ w1ᵀ w2ᵀ.
    """
    w1, b1, w2, _ = as_neuron(neuron)
    xp, arrays = as_floating((w1, b1, w2, *problem.teacher, *z, problem.lo, problem.hi))
    w1, b1, w2, wt, bt, vt, _, z_lo, z_hi, lo, hi = arrays
    aim = formulas.target(operations(xp, wt), (wt, bt, vt, 0.0 * vt), lo, hi, problem.shared_slopes)
    inside = aim.has_breakpoint & (aim.widths[0] > 0.0) & (aim.widths[1] > 0.0)
    claimed = (activity(neuron, problem) == BALANCED) & (w2 != 0.0)
    alpha, beta = _parts(xp, w1, z_lo, z_hi, claimed)
    right = w1 > 0.0
    length = hi - lo
    inner, outer = (xp.where(right, aim.widths[i], aim.widths[1 - i]) * length for i in (0, 1))
    one = xp.ones_like(alpha + inner)
    split = splitter(w1.dtype)
    scale = xp.where(claimed & inside, w1 * wt, one)
    # q − p towards the active end, and its error.
    away = xp.where(right, one, -one) * determinant(b1, wt, w1, bt, split) / scale
    lost = 16.0 * EPS * EPS * (abs(b1 * wt) + abs(w1 * bt)) / abs(scale)
    distance = abs(away) * (1.0 - 8.0 * EPS) - lost
    distance = xp.where(distance > 0.0, distance, 0.0 * one)
    far = outer / alpha
    beyond = far * far * distance
    before = 0.5 * distance * (1.0 + inner / beta)
    same = xp.where(distance > 0.0, xp.where(away > 0.0, beyond, before), 0.0 * one)
    less, more = xp.minimum(inner, beta), xp.maximum(inner, beta)
    # Where it is not known on which side of p the teacher's breakpoint is, the lesser of both forms.
    on_other = xp.where((away > 0.0) & (distance > 0.0), beyond + 0.5 * beta, 0.5 * less * (less / more))
    of_breakpoint = xp.where((wt > 0.0) == right, same, on_other)
    # A breakpoint at an end leaves the teacher active on the whole input, or nowhere.
    active = (affine(wt, lo, bt, split) > 0.0) | (affine(wt, hi, bt, split) > 0.0)
    straight = xp.where(active, 0.5 * beta, 0.0 * one)
    size = abs(problem.shared_slopes[1]) * abs(wt * vt)
    return size * xp.where(inside, of_breakpoint, straight) * (1.0 - 32.0 * EPS)


def knows_all(problem: Problem) -> bool:
    """Whether the four families are all the critical points there are, off w1 = b1 = 0 (derivation 9)."""
    relu = problem.has_theorems and problem.stays_dead and problem.slopes[1] != 0.0
    return isinstance(problem.inputs, Uniform) and relu


def _require_relu(problem: Problem) -> None:
    if not isinstance(problem.inputs, Uniform):
        raise ValueError("inputs: critical points are known for the population, got a sample")
    if problem.shared_slopes[0] != 0.0 or problem.shared_slopes[1] == 0.0:
        raise ValueError(
            f"slopes: critical points are known for (0, s+), s+ not 0, got {problem.shared_slopes}"
        )
