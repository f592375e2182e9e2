"""Where gradient descent provably comes to the teacher, and stays: close enough to it, at a rate it can hold.

``derivations/29_trap_at_the_teacher.py`` proves it, for slopes (0, s) of student and teacher and uniform
inputs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array, ArrayLike, as_floating, namespace
from gradflow.base.checks import shown
from gradflow.field.bounds import EPS, TINY, in_double, root_loss
from gradflow.neuron.problem import Neuron, Problem, Uniform, as_neuron, as_problem

RADII = tuple(2.0**-k for k in range(9, 0, -1))
"""Radii that are tried, in parts of the smaller of |w1| and |w2|."""

UP, DOWN = 1.0 + 256.0 * EPS, 1.0 - 256.0 * EPS
"""Factors that make up for the roundings of a bound."""


class Ball(NamedTuple):
    """Bounds on a ball around a neuron, where the loss is no larger than there.

    Attributes
    ----------
    slope : array
        μ with |∇L| ≥ μ √L; 0 where there is none.
    curvature : array
        Λ, of the Hessian's norm.
    """

    slope: Array
    curvature: Array


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def held_under_gd(neuron: Neuron | Array, lr: ArrayLike, problem: Problem = Problem()) -> Array:
    """Whether gradient descent provably converges to a global minimum near a neuron, and stays by it.

    On a ball of radius R the gradient is at least μ √L and the Hessian's norm at most Λ (`ball`). With γ = 1
    − η Λ/2 > 0 the path is at most 2 √L/(γ μ): if that is less than R, it stays in the ball, and L falls by
    the factor 1 − γ η μ² or more at each step.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The start of plain gradient descent, or any later state.
    lr : number or array
        The largest rate, ≥ 0; it broadcasts with the neurons.
    problem : Problem
        Of others than uniform inputs, slopes (0, s) and a teacher with its breakpoint inside nothing is
        proved.

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
    root = root_loss(neuron, problem)
    xp, (w1, w2, lr, root_l) = as_floating((neuron[0], neuron[2], lr, (root.value + root.error) * UP))
    if not bool(namespace(lr).all(lr >= 0.0)):
        raise ValueError(f"lr: expected rates of at least 0, got {shown(lr)}")
    # Of what is not finite nothing is claimed.
    known = (xp.abs(w1 + w2) < xp.inf) & (lr < xp.inf) & (root_l < xp.inf)
    held = known & ~known
    if not knows(problem):
        return held
    smaller = xp.minimum(xp.abs(w1), xp.abs(w2))
    for part in RADII:
        radius = part * smaller
        found = ball(neuron, problem, radius, root_l)
        factor = (1.0 - 0.5 * lr * found.curvature) * DOWN - 256.0 * EPS
        # A product that underflows is 0, and proves nothing.
        held = held | (known & (factor > 0.0) & (2.0 * root_l * UP < radius * (factor * found.slope)))
    return held


def knows(problem: Problem) -> bool:
    """Whether the bounds are proved for a problem, wherever its teacher's breakpoint is."""
    if not (isinstance(problem.inputs, Uniform) and problem.is_linear and problem.has_theorems):
        return False
    low, high = problem.slopes
    return low == 0.0 and high != 0.0


def ball(neuron: Neuron | Array, problem: Problem, radius: Array, root_l: Array) -> Ball:
    """Return the bounds of derivation 29 on a ball, for points where √L is at most `root_l`."""
    given = (*as_neuron(neuron), *problem.teacher, problem.lo, problem.hi, radius, root_l)
    xp, (w1, b1, w2, _, wt, bt, vt, _, lo, hi, radius, root_l) = as_floating(given)
    s = abs(float(problem.slopes[1]))
    # Turned so that the teacher is active to the right of its breakpoint.
    side = xp.sign(wt)
    w1, wt = side * w1, side * wt
    lo, hi = xp.where(side < 0.0, -hi, lo), xp.where(side < 0.0, -lo, hi)
    length = (hi - lo) * UP
    fits = (side != 0.0) & (w1 > radius) & (xp.abs(w2) > radius)
    one = xp.ones_like(w1 + wt + lo + radius + root_l)
    w1 = xp.where(fits, w1, one)
    p, q = -b1 / w1, -bt / xp.where(side == 0.0, one, wt)
    least = xp.where(fits, (w1 - radius) * DOWN, one)
    slack = 16.0 * EPS * (xp.abs(p) + xp.abs(q) + xp.abs(lo) + xp.abs(hi))
    moved = radius * xp.sqrt(1.0 + p * p) / least * UP + slack
    left, right = xp.minimum(p - moved, q - slack), xp.maximum(p + moved, q + slack)
    apart = xp.abs(p - q) + moved
    before, behind = left - lo - slack, hi - right - slack
    fits = fits & (before > 0.0) & (behind > 0.0)
    before, behind = xp.where(fits, before, one), xp.where(fits, behind, one)
    out, most_out = xp.abs(w2) - radius, (xp.abs(w2) + radius) * UP
    own, taught = s * least * out * DOWN, s * xp.abs(wt * vt)
    slopes = xp.minimum(own, taught * DOWN)
    # The part of the teacher that moving the student cannot reach, relative to L.
    missed = taught**2 * apart * (4.0 * before + behind) / (3.0 * slopes**2 * before * behind) * UP
    active, most = behind / length * DOWN, (hi - left + slack) / length * UP
    farthest = xp.maximum(lo * lo, hi * hi)
    det = active * active * (behind * behind / 12.0) * (1.0 - most) * DOWN
    trace = (most * (1.0 + farthest) + 1.0) * UP
    lowest = 4.0 * det / (trace * trace) * DOWN
    reach = xp.minimum((s * out) ** 2 * DOWN, one)
    kept = (1.0 - missed) * DOWN - 256.0 * EPS
    square = 4.0 * reach * lowest * kept
    good = fits & (kept > 0.0) & (most < 1.0) & (slopes > 0.0)
    slope = xp.sqrt(xp.where(good, square, 0.0 * one)) * DOWN
    height = (xp.abs(w1 * hi + b1) + radius * xp.sqrt(1.0 + hi * hi)) * UP + 16.0 * EPS * (w1 * xp.abs(hi))
    spread = most * (1.0 + farthest)
    at_breakpoint = root_l * xp.sqrt(length * xp.maximum(one / before, 4.0 / behind)) * UP
    place = xp.maximum(left * left, right * right)
    bend = s * s * (most_out**2 * spread + height**2 * most / 3.0) + 1.0
    bend = (
        bend
        + s * root_l * xp.sqrt(spread)
        + s * most_out * at_breakpoint * (1.0 + place) / (least * length * DOWN**2)
    )
    return Ball(slope, xp.where(good, 2.0 * bend * UP + TINY, xp.inf * one))
