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

from gradflow.activity import BALANCED, activity, breakpoint_position, wall_distances
from gradflow.backend import Array, as_floating
from gradflow.field import kernel, loss
from gradflow.field.baselines import adaptable, best_constant, best_line, moments
from gradflow.field.population import operations
from gradflow.problem import Neuron, Problem, Uniform, as_neuron

FAMILIES = ("constant", "line", "saddle", "global", "none")
CONSTANT, LINE, SADDLE, GLOBAL, NONE = range(5)


def family(neuron: Neuron | Array, problem: Problem = Problem(), *, tolerance: float = 1e-6) -> Array:
    """Return the code (`FAMILIES`) of the family of critical points that each neuron is within rounding of.

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


def gradient_floor(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return a lower bound of |∇L| that a balanced neuron has because of its breakpoint alone.

    K, the mean of f* over the inactive part minus the value at the breakpoint of the least-squares line
    through f* on the active part, is a combination of components of ∇L whose coefficients depend on p, w2
    and s₊ only. So |∇L| ≥ |K|/|coefficients|, which is positive unless p = q on the teacher's side.

    Returns
    -------
    array
        0 where nothing is claimed: dead, hyperactive, or w2 = 0.

    Raises
    ------
    ValueError
        If s₋ ≠ 0 or s₊ = 0, or the inputs are a sample.
    """
    _require_relu(problem)
    at = breakpoint_position(neuron)
    given = (*as_neuron(neuron), at, *problem.teacher, problem.lo, problem.hi)
    xp, arrays = as_floating(given)
    w1, _, w2, _, p = arrays[:5]
    teacher, (lo, hi) = tuple(arrays[5:9]), arrays[9:]
    claimed = (activity(neuron, problem) == BALANCED) & (w2 != 0.0)
    p = xp.where(claimed, p, 0.5 * (lo + hi))
    side = xp.where(w1 > 0.0, xp.ones_like(p), -xp.ones_like(p))
    active, inactive = xp.where(w1 > 0.0, hi - p, p - lo), xp.where(w1 > 0.0, p - lo, hi - p)
    ops = operations(xp, p)
    aim = kernel.target(ops, teacher, lo, hi, problem.shared_slopes)
    q = xp.where(aim.has_kink, aim.x[1], p)
    first, second = xp.minimum(p, q), xp.maximum(p, q)
    difference = xp.zeros_like(p)
    for left, right in ((lo, first), (first, second), (second, hi)):
        is_active = (left + right > p + p) == (w1 > 0.0)
        weights = [
            xp.where(is_active, (4.0 - 6.0 * side * (x - p) / active) / active, -1.0 / inactive)
            for x in (left, right)
        ]
        outputs = [_output(problem, teacher, x, left, right) for x in (left, right)]
        difference = difference - kernel.product(
            right - left, (weights[0], weights[1]), (outputs[0], outputs[1])
        )
    length, scale = hi - lo, 2.0 * problem.shared_slopes[1] * w2
    one = xp.ones_like(p)
    scale = xp.where(claimed, scale, one)
    of_w1 = -6.0 * side * length / (active * active) / scale
    of_b1 = length * ((4.0 + 6.0 * side * p / active) / active + 1.0 / inactive) / scale
    of_b2 = -0.5 * length / inactive
    size = xp.sqrt(of_w1 * of_w1 + of_b1 * of_b1 + of_b2 * of_b2)
    return xp.where(claimed, xp.abs(difference) / size, xp.zeros_like(p))


def _output(problem: Problem, teacher: tuple[Array, ...], x: Array, left: Array, right: Array) -> Array:
    """Return f* at an end of a segment on which it is linear; the middle decides the slope."""
    w1, b1, w2, b2 = teacher
    return w2 * problem.shared_slopes[1] * (w1 * x + b1) * (w1 * (left + right) + 2.0 * b1 > 0.0) + b2


def _require_relu(problem: Problem) -> None:
    if not isinstance(problem.inputs, Uniform):
        raise ValueError("inputs: critical points are known for the population, got a sample")
    if problem.shared_slopes[0] != 0.0 or problem.shared_slopes[1] == 0.0:
        raise ValueError(
            f"slopes: critical points are known for (0, s+), s+ not 0, got {problem.shared_slopes}"
        )
