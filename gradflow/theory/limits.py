"""Where on the best line a trapped neuron ends, and the door through which others still leave.

The states of slope s on the whole input that are the best line form a surface, s w1 w2 = a and b2 given by
the rest; Q = w1² + b1² − w2² leaves a curve of it. Where a trajectory ends on that curve is enclosed by
what is monotone and by the length of its path. The curve's end at the wall where the breakpoint can still
come in, the door, is where the trajectories between the teacher's basin and the line's go.
``derivations/15_the_door.py`` proves it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating
from gradflow.field.baselines import adaptable, lines
from gradflow.field.bounds import EPS, balance, in_double
from gradflow.neuron.activity import end_preactivations
from gradflow.neuron.problem import Neuron, Problem, Uniform, as_neuron, as_problem
from gradflow.theory.energy import barriers
from gradflow.theory.hyperactive import line, remaining_path, trapped
from gradflow.theory.signs import path_by_signs, rises_by_signs, trapped_by_signs


class Box(NamedTuple):
    """Bounds of a state, shape (4, …) each; NaN where nothing is known."""

    lower: Array
    upper: Array


@np.errstate(over="ignore", invalid="ignore")
def line_limit(neuron: Neuron | Array, problem: Problem = Problem()) -> Box:
    """Enclose the state in which the flow of a neuron ends that is trapped on the best line.

    It is within the remaining path ℓ of the start (derivations 8 and 13); if the neuron is trapped by signs
    and E x = 0, |w1| does not rise, and |b1| does not fall if ρ0 ≤ 0. On the curve |w1| determines all else,
    and |w2|, |b1| and |w2 b1| fall with it: so each of these bounds |w1|, and |w1| bounds the state.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The starts.
    problem : Problem
        The population or a sample, with 0 in [lo, hi] and a ≠ 0.

    Returns
    -------
    Box
        NaN for neurons that are not known to be trapped, and where the problem is not as described. Bounds
        are rounded outwards, in double precision.
    """
    neuron, problem = in_double(neuron, as_problem(problem))
    s_minus, s_plus = problem.shared_slopes
    z_lo, z_hi = end_preactivations(neuron, problem)
    box = _limit(neuron, problem, s_plus, (z_lo > 0.0) & (z_hi > 0.0))
    other = _limit(neuron, problem, s_minus, (z_lo < 0.0) & (z_hi < 0.0))
    xp, (lower, upper, *second) = as_floating((*box, *other))
    unknown = xp.isnan(lower)
    return Box(xp.where(unknown, second[0], lower), xp.where(unknown, second[1], upper))


def door(balance: Array, problem: Problem = Problem()) -> Array:
    """Return the door of the level Q = `balance`: the best line with the breakpoint at an end of the input.

    With a the best line's slope and n the end (lo if w1 > 0, hi if w1 < 0), w1 = σ W, b1 = −n w1, w2 = a/(s₊
    w1) and b2 the best line at n, W² = (Q + √(Q² + 4 (1 + n²)(a/s₊)²))/(2 (1 + n²)), σ the sign of a s₊ w2ᵀ.
    A start on the boundary of the teacher's basin ends there, if its loss falls below Var f* and its solution
    does not pass w1 = b1 = 0.

    Parameters
    ----------
    balance : number or array
        w1² + b1² − w2² of a start.
    problem : Problem
        The population, s₋ = 0, a teacher with its breakpoint inside the input and a ≠ 0.

    Returns
    -------
    array, shape (4, …)
        NaN where the hypotheses do not hold.
    """
    problem = as_problem(problem)
    of_x, levels = line(problem), barriers(problem).line
    given = (balance, problem.teacher.w2, of_x.slope, of_x.mean, of_x.mean_x, problem.lo, problem.hi)
    xp, (balance, out, slope, mean, mean_x, lo, hi, levels) = as_floating((*given, *adaptable(levels)))
    s = problem.shared_slopes[1]
    holds = (levels > 0.0) & (slope != 0.0) & (isinstance(problem.inputs, Uniform) and s != 0.0)
    one = xp.ones_like(balance + out + slope + lo)
    right = s * slope * out > 0.0
    n = xp.where(right, lo, hi) * one
    aim = xp.where(holds, slope, one) / (s if s != 0.0 else 1.0)
    scale = 1.0 + n * n
    root = _hypotenuse(balance + 0.0 * n, 2.0 * xp.sqrt(scale) * aim)
    total = root + xp.abs(balance)
    square = xp.where(balance >= 0.0, total / (2.0 * scale), 2.0 * aim * (aim / total))
    w1 = xp.sqrt(square) * xp.where(right, one, -one)
    parts = (w1, -n * w1, aim / w1, mean + slope * (n - mean_x) + 0.0 * w1)
    nowhere = xp.nan * one
    return xp.stack([xp.where(holds, part, nowhere) for part in xp.broadcast_arrays(*parts)])


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def door_margin(balance: Array, problem: Problem = Problem()) -> Array:
    """Return by how much (K) of derivation 35 holds at the door: then starts that end there are a boundary.

    If it is positive they are near the door a Lipschitz graph in the level Q, with the teacher's basin on one
    side and the best line's on the other. ``derivations/35_both_sides_of_the_door.py`` proves it, and that it
    is positive for the default problem at every Q.

    Parameters
    ----------
    balance, problem
        As `door`.

    Returns
    -------
    array
        The least x·H₋x of unit vectors x across the curve of best lines, less v·H₋v along it, to rounding;
        NaN where there is no door.

    Examples
    --------
    >>> round(float(door_margin(0.0)), 3)
    0.53
    """
    problem = as_problem(problem)
    of, wt, bt = line(problem), problem.teacher.w1, problem.teacher.b1
    at = door(balance, problem)
    w1, b1, w2, b2 = (at[i, ...] for i in range(4))
    s = problem.shared_slopes[1]
    given = (w1, b1, w2, b2, of.mean_x, of.variance, problem.lo, problem.hi, wt, bt, *problem.teacher[2:])
    xp, (w1, b1, w2, b2, m, V, lo, hi, wt, bt, vt, ct) = as_floating(given)
    n = -b1 / w1
    z = wt * n + bt
    missed = b2 - (s * vt * xp.where(z > 0.0, z, 0.0 * z) + ct)
    c = 2.0 * xp.abs(s * w2 * missed / (w1 * (hi - lo)))
    # J Jᵀ of the gradients of ρ₁ and ρ₀, its root, and η across the curve.
    level = s * (m * w1 + b1)
    first, mixed = s * s * (w1 * w1 + w2 * w2), s * s * m * w2 * w2 + s * w1 * level
    second = s * s * (1.0 + m * m) * w2 * w2 + level * level + 1.0
    of_first, of_second = s * w2 * n, s * w2 * (m * n + 1.0)
    root = xp.sqrt(first * second - mixed * mixed)
    scale = xp.sqrt(first + second + 2.0 * root)
    p, o, r = (first + root) / scale, mixed / scale, (second + root) / scale
    det = p * r - o * o
    across = (r * of_first - o * of_second) / det, (p * of_second - o * of_first) / det
    along = 1.0 + n * n - across[0] ** 2 - across[1] ** 2
    h11 = 2.0 * (V * p * p + o * o) - c * across[0] ** 2
    h12 = 2.0 * o * (V * p + r) - c * across[0] * across[1]
    h22 = 2.0 * (V * o * o + r * r) - c * across[1] ** 2
    least = 0.5 * (h11 + h22) - xp.sqrt((0.5 * (h11 - h22)) ** 2 + h12 * h12)
    return least + c * along


def _hypotenuse(a: Array, b: Array) -> Array:
    """Return √(a² + b²) without overflow, for b ≠ 0."""
    xp, (a, b) = as_floating((a, b))
    size = xp.maximum(xp.abs(a), xp.abs(b))
    return size * xp.sqrt((a / size) ** 2 + (b / size) ** 2)


def _limit(neuron: Neuron, problem: Problem, s: float, inside: Array) -> Box:
    """Enclose the limits of those neurons that have the slope `s` on the whole input."""
    of, by_signs = lines(problem), trapped_by_signs(neuron, problem)
    known = inside & (by_signs | trapped(neuron, problem))
    lengths = (remaining_path(neuron, problem, s), path_by_signs(neuron, problem))
    values = adaptable(*of.mean_x, *of.mean, *of.slope)
    given = (*as_neuron(neuron)[:3], problem.lo, problem.hi, *lengths, *balance(neuron), *values)
    xp, (w1, b1, w2, lo, hi, first, second, level, of_level, *rest) = as_floating(given)
    mean_x, of_mean_x, mean, of_mean, slope, of_slope = rest
    known = known & (lo <= 0.0) & (hi >= 0.0) & (abs(slope) > 2.0 * of_slope)
    one = xp.ones_like(first + second)
    path = xp.where(known, xp.minimum(first, second), one)
    k = xp.where(known, abs(slope), one) / (abs(s) if s != 0.0 else 1.0)
    # How far off k is, and everything after a few more roundings, relative to its size.
    relative = xp.where(known, of_slope, 0.0 * one) / xp.where(known, abs(slope), one) + 32.0 * EPS
    # w1 ends with the sign that w1 w2 = a/s asks for.
    right = s * slope * w2

    def of_b1(shift: Array, direction: float) -> Array:
        """Bound |w1| on the curve, where w1² − k²/w1² = Q − b1²; it falls with |b1|."""
        rest = level - shift * shift
        lost = of_level + 4.0 * EPS * (abs(level) + shift * shift)
        size = _hypotenuse(rest, 2.0 * k)
        total = size + abs(rest)
        found = xp.sqrt(xp.where(rest >= 0.0, 0.5 * total, 2.0 * k * (k / total)))
        off = 2.0 * relative + 2.0 * lost / size
        sure = off < 0.1
        nothing = xp.inf * one if direction > 0.0 else 0.0 * one
        return xp.where(sure, found * (1.0 + direction * xp.where(sure, off, 0.0 * off)), nothing)

    def at(size: Array) -> tuple[Array, Array]:
        """Enclose the point of the curve with |w1| = `size`; b1 and w2 have kept their signs."""
        out = k / size
        square = level + (out - size) * (out + size)
        lost = of_level + 4.0 * relative * (out * out + size * size + abs(level))
        least, most = (xp.sqrt(xp.where(v > 0.0, v, 0.0 * v)) for v in (square - lost, square + lost))
        shift, of_shift = 0.5 * (least + most), (0.5 + 4.0 * EPS) * (most - least) + 4.0 * EPS * most
        sizes = ((right, size, 4.0 * EPS * size), (b1, shift, of_shift), (w2, out, 2.0 * relative * out))
        state = [xp.where(sign < 0.0, -u, u) for sign, u, _ in sizes]
        lever = mean_x * state[0] + state[1]
        end = mean - s * state[2] * lever
        terms = abs(mean_x) * size + shift
        of_end = abs(s) * out * (8.0 * relative * terms + of_shift + of_mean_x * size)
        errors = [*(error for _, _, error in sizes), of_end + of_mean + 4.0 * EPS * (abs(mean) + abs(end))]
        parts = [xp.where(known, part, xp.nan * one) for part in (*state, end)]
        middle, error = xp.stack(parts), xp.stack([part + 0.0 * one for part in errors])
        return middle - error, middle + error

    flattens, rises = by_signs & (mean_x == 0.0), rises_by_signs(neuron, problem)
    size, shift, out = xp.where(right < 0.0, -w1, w1), abs(b1), abs(w2)
    less, more = 1.0 - 4.0 * EPS, 1.0 + 4.0 * EPS
    least_shift = xp.where(rises, shift, xp.maximum(shift - path, 0.0 * path) * less)
    most = xp.minimum(xp.where(flattens, size, (size + path) * more), of_b1(least_shift, 1.0))
    by_out = k / xp.where(out > path, out - path, one) * (1.0 + relative)
    # The difference is rounded, too.
    far = (out - path) > 16.0 * EPS * out
    by_out = by_out * (1.0 + 4.0 * EPS * out / xp.where(far, out - path, one))
    most = xp.where(far, xp.minimum(most, by_out), most)
    least = xp.maximum((size - path) - 4.0 * EPS * (abs(size) + path), of_b1((shift + path) * more, -1.0))
    least = xp.maximum(least, k / ((out + path) * more) * (1.0 - 2.0 * relative))
    known = known & (least > 0.0) & (most < xp.inf)
    ends = at(xp.where(known, least, one)), at(xp.where(known, most, one))
    return Box(xp.minimum(ends[0][0], ends[1][0]), xp.maximum(ends[0][1], ends[1][1]))
