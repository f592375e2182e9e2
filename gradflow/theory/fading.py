"""Neurons that fade: the flow takes them to the dead set in infinite time, and how fast.

``derivations/31_fading.py`` proves it for ReLU-like slopes (0, s₊) and inputs uniform on [lo, hi].
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating
from gradflow.base.error_free import affine, determinant, splitter
from gradflow.field.baselines import adaptable, lines
from gradflow.field.bounds import EPS, TINY, as_given, has_exact_signs, in_double
from gradflow.neuron.activity import BALANCED, activity, end_preactivations
from gradflow.neuron.problem import Neuron, Problem, Uniform, as_neuron, as_problem

UP, DOWN = 1.0 + 32.0 * EPS, 1.0 - 32.0 * EPS
"""Factors that make up for the roundings of a bound."""

LARGEST = 1e100
"""Of more extreme numbers nothing is claimed: their products may overflow."""


class View(NamedTuple):
    """Balanced neurons seen so that w1 > 0 and s₊ w2 > 0, active at the end e = hi.

    Attributes
    ----------
    holds : array of bool
        Whether the neuron is balanced and its numbers are moderate.
    w, b, out, level : array
        w1, b1, |w2| and b2 in this view.
    e, z, other, length : array
        The active end, the pre-activation there, the size of that at the other end, and hi − lo.
    turned : array
        w1 − e b1, rounded down.
    top, target : array
        Upper bounds of f* on the active part and at the active end.
    mean : array
        A lower bound of E f*.
    """

    holds: Array
    w: Array
    b: Array
    out: Array
    level: Array
    e: Array
    z: Array
    other: Array
    length: Array
    turned: Array
    top: Array
    target: Array
    mean: Array


class Hypotheses(NamedTuple):
    """The inequalities of `fades` at states, with both sides as they stand for the neuron itself.

    Attributes
    ----------
    moderate : array of bool
        Whether w2 ≠ 0 and the numbers are moderate, so that the sides mean something.
    turned : array
        1 + p e, above 0.
    outer, least_outer : array
        w2², and z_e²/(1 + e²), which it exceeds.
    upward : array
        The sign of s₊ w2: 1 if what follows lies above f* on the active part, −1 if below.
    b2, mean : array
        b2, and E f* − g or E f* + g.
    target : array
        The highest or the lowest f* on the active part.
    """

    moderate: Array
    turned: Array
    outer: Array
    least_outer: Array
    upward: Array
    b2: Array
    mean: Array
    target: Array


def knows_fading(problem: Problem) -> bool:
    """Whether the theorem knows this problem: slopes (0, s₊), a piecewise linear teacher, uniform inputs."""
    if problem.is_general or not (isinstance(problem.inputs, Uniform) and problem.is_linear):
        return False
    return problem.stays_dead and problem.slopes[1] != 0.0


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def fades(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return which neurons provably fade: balanced for ever, dead in the limit, and f → E f*.

    With e the active end, z_e > 0 the pre-activation there, p the breakpoint, ℓ = hi − lo and g = |s₊ w2|
    z_e²/(2 ℓ |w1|): 1 + p e > 0, w2² > z_e²/(1 + e²), and for s₊ w2 > 0 min(b2, E f* − g) > f* on the active
    part, for s₊ w2 < 0 max(b2, E f* + g) < f* there. Sufficient, not necessary.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        States of the flow.
    problem : Problem
        The population; slopes (0, s₊), any teacher with a piecewise linear activation.

    Returns
    -------
    array of bool
        With all errors of rounding against it; False for other problems.
    """
    return fading_rate(neuron, problem) > 0.0


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def fading_rate(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return a rate c that is proved: the pre-activation at the active end is at most z_e(0) exp(−c t).

    c = 2 ν μ κ/(ℓ √(w1² + b1²)), ν = |s₊| √(w2² − z_e²/(1 + e²)), κ = min(1 + e², 1 + p e), ℓ = hi − lo, and
    μ > 0 the margin of the trap (`fades`).

    Returns
    -------
    array
        Rounded down; 0 where nothing is proved.
    """
    problem = as_problem(problem)
    given = neuron, problem
    neuron, problem = in_double(neuron, problem)
    xp, (w1, lo) = as_floating((as_neuron(neuron).w1, problem.lo))
    if not knows_fading(problem):
        return as_given(*given, xp.zeros_like(w1 + lo))
    s = abs(problem.slopes[1])
    at = _view(neuron, problem)
    xp, (w, b, out, level, e, z, length, turned, top, _, mean) = as_floating(
        tuple(getattr(at, name) for name in (*View._fields[1:7], *View._fields[8:]))
    )
    one = xp.ones_like(w)
    rest = mean - _added(s, out, z, length, w)
    least = xp.where(level < rest, level, rest)
    # Each of the terms is bounded; their difference is rounded once.
    margin = (least - top) - 2.0 * EPS * (abs(least) + abs(top))
    scale = 1.0 + e * e
    ratio = z / (out * xp.sqrt(scale)) * UP
    keeps = ratio < 1.0
    nu = s * out * xp.sqrt(xp.where(keeps, (1.0 - ratio) * (1.0 + ratio), 0.0 * one))
    kappa = xp.where(turned / w < scale, turned / w, scale)
    rate = 2.0 * nu * (margin / length) * (kappa / xp.sqrt(w * w + b * b)) * DOWN
    sure = at.holds & keeps & (turned > 0.0) & (margin > 0.0) & (rate > TINY)
    return as_given(*given, xp.where(sure, rate, 0.0 * one), downwards=True)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def hypotheses(neuron: Neuron | Array, problem: Problem = Problem()) -> Hypotheses:
    """Return the two sides of each of the trap's inequalities, in double precision, rounded against it.

    Raises
    ------
    ValueError
        If the problem is not one of `knows_fading`.
    """
    neuron, problem = in_double(neuron, _known(problem))
    at = _view(neuron, problem)
    names = ("w", "out", "level", "e", "z", "length", "turned", "top", "mean")
    xp, (w, out, level, e, z, length, turned, top, mean) = as_floating(
        tuple(getattr(at, name) for name in names)
    )
    added = _added(abs(problem.slopes[1]), out, z, length, w)
    upward = xp.where(problem.slopes[1] * neuron.w2 > 0.0, xp.ones_like(w), -xp.ones_like(w))
    outer = xp.where(neuron.w2 == 0.0, xp.zeros_like(w), out * out)
    return Hypotheses(
        at.holds, turned / w, outer, (z / (1.0 + e * e)) * z, upward, upward * level, upward * (mean - added),
        upward * top,
    )  # fmt: skip


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def rate_at_the_end(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return the rate K (E f* − f*(e)) of log z_e at states, to rounding; z_e falls by it in the limit.

    K = 2 s₊ w2 (1 + e²)/|z_o|, with z_o the pre-activation at the end where the neuron is not active. Beside
    the dead set one with a positive rate fades, and one with a negative rate comes back to life.

    Returns
    -------
    array
        NaN for neurons that are not balanced.

    Raises
    ------
    ValueError
        If the problem is not one of `knows_fading`.
    """
    given = neuron, _known(problem)
    neuron, problem = in_double(*given)
    at = _view(neuron, problem)
    xp, (out, e, other, mean, target) = as_floating((at.out, at.e, at.other, at.mean, at.target))
    rate = 2.0 * abs(problem.slopes[1]) * out * ((1.0 + e * e) / other) * (mean - target)
    return as_given(*given, xp.where(at.holds, rate, xp.nan * xp.ones_like(rate)))


def _known(problem: Problem) -> Problem:
    """Return the problem as one, if `knows_fading` it (ValueError)."""
    problem = as_problem(problem)
    if not knows_fading(problem):
        raise ValueError(
            "problem: fading is known for slopes (0, s+), a piecewise linear teacher and uniform inputs"
        )
    return problem


def _added(s: float, out: Array, z: Array, length: Array, w: Array) -> Array:
    """Return g, what the neuron adds to the mean of the output, rounded up."""
    return s * out * (z / length) * (z / w) * 0.5 * UP + TINY


def _view(neuron: Neuron, problem: Problem) -> View:
    """Return balanced neurons as the theorem has them; numbers that stand for nothing where not balanced."""
    of_mean = lines(problem).mean
    state = activity(neuron, problem)
    given = (
        *as_neuron(neuron), *problem.teacher, problem.lo, problem.hi,
        *end_preactivations(neuron, problem), *adaptable(*of_mean),
    )  # fmt: skip
    xp, (w1, b1, w2, b2, wt, bt, vt, ct, lo, hi, z_lo, z_hi, mean, of_mean_f) = as_floating(given)
    one = xp.ones_like(w1 + wt + lo)
    balanced = (state == BALANCED) & (w2 != 0.0) & has_exact_signs(neuron, problem)
    for value in (w1, b1, w2, b2, wt, bt, vt, ct, lo, hi):
        balanced = balanced & (abs(value) < LARGEST)
    balanced = balanced & (abs(w1) > 1.0 / LARGEST) & (abs(w2) > 1.0 / LARGEST)
    right = w1 > 0.0
    turn, flip = xp.where(right, one, -one), xp.where(problem.slopes[1] * w2 > 0.0, one, -one)
    split = splitter(w1.dtype)
    end = xp.where(right, hi, lo) * one
    w, e = xp.where(balanced, abs(w1), one), turn * end
    turned = turn * affine(-b1, end, w1, split)
    turned = turned - 4.0 * EPS * abs(turned) - TINY
    # The teacher's pre-activation at the breakpoint is a determinant over w1.
    at_p = (determinant(w1, bt, b1, wt, split) * turn) / w
    of_p = 8.0 * EPS * abs(at_p) + 16.0 * EPS * EPS * (abs(bt) + abs(b1 * wt) / w) + TINY * (1.0 + 1.0 / w)
    at_e = affine(wt, end, bt, split)
    of_e = 4.0 * EPS * abs(at_e) + TINY
    top = _highest(xp, at_p, of_p, flip * vt, problem, flip * ct)
    target = _highest(xp, at_e, of_e, flip * vt, problem, flip * ct)
    top = xp.maximum(top, target)
    # Between them f* is higher at most at its own breakpoint.
    straight = ((at_p > of_p) & (at_e > of_e)) | ((at_p < -of_p) & (at_e < -of_e))
    top = xp.where(straight, top, xp.maximum(top, flip * ct))
    return View(
        holds=balanced,
        w=w,
        b=b1 * one,
        out=xp.where(balanced, abs(w2), one),
        level=flip * b2,
        e=e,
        z=xp.where(balanced, xp.where(right, z_hi, z_lo), one),
        other=xp.where(balanced, -xp.where(right, z_lo, z_hi), one),
        length=hi - lo + 0.0 * one,
        turned=turned,
        top=top,
        target=target,
        mean=flip * mean - of_mean_f,
    )


def _highest(xp: Any, y: Array, error: Array, out: Array, problem: Problem, level: Array) -> Array:
    """Return an upper bound of the teacher's output where its pre-activation is y to within an error."""
    low, high = problem.teacher_slopes
    values = [out * xp.where(v > 0.0, high * v, low * v) for v in (y - error, y + error)]
    top = xp.maximum(*values)
    # With slopes of different signs the highest may be at 0, between the two.
    top = xp.where(abs(y) <= error, xp.maximum(top, 0.0 * top), top)
    return level + top + 8.0 * EPS * (abs(level) + abs(top)) + TINY
