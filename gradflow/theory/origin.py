"""Death at w1 = b1 = 0: starts from which the flow provably comes there in finite time.

``derivations/30_death_at_the_origin.py`` proves it for slopes (0, s₊) and inputs uniform on [lo, hi]. Where
lo·hi ≥ −1 and the teacher is monotone, such starts have measure zero, so nothing is looked for there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating
from gradflow.field.baselines import adaptable, lines
from gradflow.field.bounds import EPS, as_given, has_exact_signs, in_double
from gradflow.neuron.activity import BALANCED, activity
from gradflow.neuron.among import Chosen
from gradflow.neuron.problem import Neuron, Problem, as_neuron, as_problem
from gradflow.theory.fading import knows_fading

PARTS = (0.08, 0.15, 0.25, 0.5, 1.0)
"""How far the sectors reach that are tried: parts of the ways from the breakpoint to the input's ends."""

PIECES, STAGES = 6, 16
"""Parts of a sector in each of which the fall is bounded, and of the way in each of which b2 is."""

LONGER = 1.1
"""How much longer a stage may take than with b2 as it was at its begin."""

LARGEST, LEAST = 1e30, 1e-30
"""Of numbers beyond these nothing is claimed: their products may leave the range of numbers."""

UP, DOWN = 1.0 + 32.0 * EPS, 1.0 - 32.0 * EPS
"""Factors that make up for the roundings of a bound."""

NODES = (0.5 - 0.5 / 3.0**0.5, 0.5 + 0.5 / 3.0**0.5)
"""Gauss's two nodes on [0, 1]: exact for polynomials of degree 3."""


class View(NamedTuple):
    """Balanced neurons seen so that w1 > 0 and s₊ w2 > 0: active on [p, hi].

    `teacher` is (w1ᵀ, b1ᵀ, w2ᵀ, b2ᵀ) in this view, `size` = √(w1² + b1²), `out` = s₊ w2 and `least` what it
    is at w1 = b1 = 0, `level` = b2, `mean` and `off` E f* and a bound on its error.
    """

    holds: Array
    p: Array
    size: Array
    out: Array
    least: Array
    level: Array
    lo: Array
    hi: Array
    teacher: tuple[Array, ...]
    mean: Array
    off: Array


def may_die_at_the_origin(problem: Problem) -> bool:
    """Whether it is known of some starts that they die at the origin: lo·hi < −1 (derivation 30)."""
    if not knows_fading(problem):
        return False
    xp, (lo, hi) = as_floating((problem.lo, problem.hi))
    return bool(xp.any(lo * hi < -1.0))


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def dies_by(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return a time by which the flow from each start provably has come to w1 = b1 = 0; ∞ if none is known.

    Derivation 30: for the breakpoint in a sector [p₁, p₂] of the input that the flow cannot leave, w1² + b1²
    falls at a rate that is bounded below. Sectors of several sizes are tried.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The starts.
    problem : Problem
        The population; slopes (0, s₊), a teacher with a piecewise linear activation.

    Returns
    -------
    array
        The time, rounded up. ∞ for other problems, and where lo·hi ≥ −1.
    """
    problem = as_problem(problem)
    given = neuron, problem
    neuron, problem = in_double(neuron, problem)
    xp, (w1, lo, _) = as_floating((as_neuron(neuron).w1, problem.lo, problem.hi))
    nowhere = xp.inf * xp.ones_like(w1 + lo)
    if not may_die_at_the_origin(problem):
        return as_given(*given, nowhere, upwards=True)
    at = _view(neuron, problem)
    # The sectors are along an axis of their own.
    sectors = [(left, right * 0.999) for left in PARTS for right in PARTS]
    parts = xp.asarray(sectors, dtype=at.p.dtype)
    left, right = (xp.reshape(parts[:, i], (-1,) + (1,) * at.p.ndim) for i in (0, 1))
    p1 = xp.maximum(at.p - left * (at.p - at.lo), at.lo + 0.0 * left)
    p2 = at.p + right * (at.hi - at.p)
    # Most sectors are none that the flow cannot leave even with b2 as it is.
    hopeful = at.holds & (p1 < p2)
    for p, side in ((p1, 1.0), (p2, -1.0)):
        hopeful = hopeful & (side * _mean(xp, at, p, at.level, problem, _turning)[0] > 0.0)
    found = _among(xp, hopeful, at, p1, p2, problem)
    return as_given(*given, xp.min(found, axis=0), upwards=True)


def _among(xp: Any, mask: Array, at: View, p1: Array, p2: Array, problem: Problem) -> Array:
    """Return the times of the sectors in a mask, ∞ for the others."""
    chosen, nowhere = Chosen(mask), xp.inf * xp.ones_like(p1)
    if not chosen.count:
        return nowhere
    pick = chosen.pick
    some = View(*(tuple(map(pick, part)) if isinstance(part, tuple) else pick(part) for part in at))
    times = _time(xp, some, pick(p1), pick(p2), abs(problem.slopes[1]), problem)
    return xp.where(mask, chosen.put(times), nowhere)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def dies(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Whether the flow provably comes to w1 = b1 = 0 in finite time (`dies_by`)."""
    found = dies_by(neuron, problem)
    return found < np.inf


def _view(neuron: Neuron, problem: Problem) -> View:
    """Return balanced neurons as the theorem has them; numbers that stand for nothing where not balanced."""
    of, s = lines(problem).mean, problem.slopes[1]
    given = (*as_neuron(neuron), *problem.teacher, problem.lo, problem.hi, *adaptable(*of))
    xp, (w1, b1, w2, b2, wt, bt, vt, ct, lo, hi, mean, off) = as_floating(given)
    one = xp.ones_like(w1 + wt + lo)
    holds = (activity(neuron, problem) == BALANCED) & has_exact_signs(neuron, problem) & (lo * hi < -1.0)
    for value in (w1, b1, w2, b2, wt, bt, vt, ct, lo, hi):
        holds = holds & (abs(value) < LARGEST)
    holds = holds & (abs(w1) > LEAST) & (abs(w2) > LEAST)
    turn, flip = xp.where(w1 > 0.0, one, -one), xp.where(s * w2 > 0.0, one, -one)
    size = xp.sqrt(w1 * w1 + b1 * b1)
    gap = (abs(w2) - size) * (abs(w2) + size)
    gap = gap - 8.0 * EPS * w2 * w2
    holds = holds & (gap > 0.0)
    some = xp.where(holds, abs(w1), one)
    return View(
        holds=holds,
        p=xp.where(holds, -b1 / some, 0.5 * (lo + hi) * turn),
        size=xp.where(holds, size, one) * (1.0 + 4.0 * EPS),
        out=abs(s * w2) * one,
        least=abs(s) * xp.sqrt(xp.where(holds, gap, one)) * (1.0 - 8.0 * EPS),
        level=flip * b2,
        lo=xp.where(turn > 0.0, lo * one, -hi * one),
        hi=xp.where(turn > 0.0, hi * one, -lo * one),
        teacher=(turn * wt, bt * one, flip * vt, flip * ct),
        mean=flip * mean,
        off=off + 0.0 * one,
    )


def _time(xp: Any, at: View, p1: Array, p2: Array, s: float, problem: Problem) -> Array:
    """Return how long the way to w1 = b1 = 0 takes at most, with the breakpoint in [p1, p2]; ∞ if unknown.

    The way is cut into stages, in each of which u = √(w1² + b1²) falls by the same amount; b2 is enclosed.
    """
    one, zero = xp.ones_like(p1), xp.zeros_like(p1)
    nearest = xp.where(p1 * p2 < 0.0, zero, xp.minimum(abs(p1), abs(p2)))
    farthest = xp.maximum(abs(p1), abs(p2))
    length = at.hi - at.lo
    # E max(z, 0)/u at most, and E max(z, 0)²/u² at least.
    lift = (at.hi - p1) * ((at.hi - p1) / length) * 0.5 / xp.sqrt(1.0 + nearest * nearest) * UP
    bulk = (at.hi - p2) * ((at.hi - p2) / length) * (at.hi - p2) / (3.0 * (1.0 + farthest * farthest)) * DOWN
    J = [_mean(xp, at, p, None, problem, _twice) for p in (p1, p2)]
    low = high = at.level + zero
    total, inside = zero, at.holds & (p1 < p2)
    slowest = _speed(xp, at, p1, p2, (low,), at.least, problem)
    for stage in range(STAGES):
        u, rest = at.size * ((STAGES - stage) / STAGES), at.size * ((STAGES - stage - 1) / STAGES)
        out = xp.sqrt(at.least * at.least + (s * rest) * (s * rest)) * DOWN
        own = 2.0 * out * out * rest * bulk
        moves = slowest + own > 0.0
        time = LONGER * (u - rest) / xp.where(moves, slowest + own, one) * UP
        part = xp.where(time < 0.5, 2.0 * time, one)
        above, below = xp.maximum(high - at.mean, zero) + at.off, xp.maximum(at.mean - low, zero) + at.off
        share = 2.0 * time * (at.out * u * lift) * UP
        slack = 16.0 * EPS * (abs(low) + abs(high) + abs(at.mean) + share)
        low, high = low - part * above - share - slack, high + part * below + slack
        slowest = _speed(xp, at, p1, p2, (low, high), out, problem)
        speed = slowest + own
        needed = (u - rest) / xp.where(speed > 0.0, speed, one) * UP
        inside = inside & moves & (speed > 0.0) & (needed <= time)
        inside = inside & (_highest(xp, at, p1, p2, problem) <= low)
        # The neuron's own part, ω w1 J with w1 = u/√(1 + p²), against it.
        for p, side, (value, error) in ((p1, 1.0, J[0]), (p2, -1.0, J[1])):
            mine = xp.maximum(-side * value, zero) + error
            mine = at.out * u / xp.sqrt(1.0 + p * p) * mine * UP
            for level in (low, high):
                G, of_G = _mean(xp, at, p, level, problem, _turning)
                inside = inside & (side * G - of_G > mine)
        total = total + needed
    return xp.where(inside, total * UP, xp.inf * one)


def _speed(
    xp: Any, at: View, p1: Array, p2: Array, levels: tuple[Array, ...], out: Array, problem: Problem
) -> Array:
    """Return a lower bound of 2 ω N/√(1 + p²), the rate at which u falls but for the neuron's own part."""
    least = [_least_fall(xp, at, p1, p2, level, problem) for level in levels]
    worst = least[0] if len(least) == 1 else xp.minimum(*least)
    return 2.0 * out * worst * DOWN


def _least_fall(xp: Any, at: View, p1: Array, p2: Array, level: Array, problem: Problem) -> Array:
    """Return a lower bound of N/√(1 + p²) on [p1, p2], by tangents of N, which is convex there."""
    least = xp.inf * xp.ones_like(p1)
    half = 0.5 * (p2 - p1) / PIECES
    for i in range(PIECES):
        p = p1 + (2 * i + 1) * half
        N, error = _mean(xp, at, p, level, problem, _falling)
        mass, of_mass = _mean(xp, at, p, level, problem, _constant)
        low = N - error - (abs(mass) + of_mass) * half * (1.0 + 16.0 * EPS)
        far = xp.maximum(abs(p - half), abs(p + half)) * (1.0 + 8.0 * EPS)
        # Below 0 the least root, 1, gives the bound.
        least = xp.minimum(least, xp.where(low < 0.0, low, low / xp.sqrt(1.0 + far * far)))
    return least * (1.0 - 16.0 * EPS)


def _falling(y: Array, p: Array) -> Array:
    return y - p


def _constant(y: Array, p: Array) -> Array:
    return 1.0 + 0.0 * (y + p)


def _turning(y: Array, p: Array) -> Array:
    return 1.0 + p * y


def _twice(y: Array, p: Array) -> Array:
    return (y - p) * (1.0 + p * y)


def _mean(
    xp: Any, at: View, p: Array, level: Array | None, problem: Problem, factor: Any
) -> tuple[Array, Array]:
    """Return E[(level − f*) factor(y, p) 1_{y > p}] and a bound on its error; without level − f* for None.

    On each side of the teacher's breakpoint by Gauss's two nodes, exact for what is integrated.
    """
    wt, bt, vt, ct = at.teacher
    low, high = problem.teacher_slopes
    one = xp.ones_like(p)
    knot = -bt / xp.where(wt != 0.0, wt, one)
    cut = xp.where(wt != 0.0, knot, at.hi)
    cut = xp.minimum(xp.maximum(cut, p), at.hi)
    reach = xp.maximum(abs(at.lo), abs(at.hi))
    size = one if level is None else abs(level) + abs(ct)
    if level is not None:
        size = size + max(abs(low), abs(high)) * abs(vt) * (abs(wt) * reach + abs(bt))
    size = size * (1.0 + abs(p) + reach) * (1.0 + reach)
    total = 0.0 * one
    for a, b in ((p, cut), (cut, at.hi)):
        for node in NODES:
            y = a + node * (b - a)
            z = wt * y + bt
            value = one if level is None else level - ct - vt * xp.where(z > 0.0, high * z, low * z)
            total = total + 0.5 * (b - a) * (value * factor(y, p))
    length = at.hi - at.lo
    return total / length, 128.0 * EPS * size * (1.0 + reach / length)


def _highest(xp: Any, at: View, p1: Array, p2: Array, problem: Problem) -> Array:
    """Return an upper bound of f* on [p1, p2]."""
    wt, bt, vt, ct = at.teacher
    low, high = problem.teacher_slopes
    ends = [wt * p + bt for p in (p1, p2)]
    tops = [vt * xp.where(z > 0.0, high * z, low * z) for z in ends]
    top = xp.maximum(*tops)
    top = xp.where(ends[0] * ends[1] > 0.0, top, xp.maximum(top, 0.0 * top))
    reach = xp.maximum(abs(at.lo), abs(at.hi))
    steep = max(abs(low), abs(high)) * abs(vt) * (abs(wt) * reach + abs(bt))
    return ct + top + 32.0 * EPS * (steep + abs(ct))
