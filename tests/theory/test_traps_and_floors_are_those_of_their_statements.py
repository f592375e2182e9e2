"""Balls in which gradient descent stays, and a floor of the gradient, are second copies of their statements.

Hunts pass a bound that is a little wrong, for there is slack in it. What is claimed up to a rate is pinned
from both sides of that rate.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from gradflow.field import loss
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.theory.at_the_teacher import RADII, ball, held_under_gd
from gradflow.theory.critical_points import gradient_floor
from gradflow.theory.upstream import UNIFORM, Network, Task, limit, never_revived

PROBLEMS = {
    "default": Problem(),
    "falling": Problem(Neuron(-1.0, 0.3, -0.7, 0.4), Uniform(-1.0, 2.0)),
    "narrow": Problem(Neuron(0.7, 0.5, 2.0, -1.0), Uniform(-0.9, -0.2)),
    "slope -3": Problem(activation="slopes=0,-3"),
    "wide": Problem(Neuron(-1.4, 7.0, 1.0, 0.2), Uniform(2.0, 9.0)),
}
EVERY = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
SIDES = (1.0 - 1e-6, True), (1.0 + 1e-6, False)
"""Near enough to a limit, and farther from it than errors of rounding, which count against a claim."""
SHARES = (1 / 64, 1 / 16, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 0.999)
"""The distances that `never_revived` tries, in parts of the largest."""


class Bounds(NamedTuple):
    slope: float
    curvature: float


def bounds(theta: np.ndarray, problem: Problem, R: float, root: float) -> Bounds:
    """Return μ and Λ of derivation 29, with √L at θ₀."""
    (w1, b1, w2, _), (wt, bt, vt, _) = theta, (float(part) for part in problem.teacher)
    lo, hi, s = float(problem.lo), float(problem.hi), abs(problem.slopes[1])
    if wt < 0.0:
        w1, wt, lo, hi = -w1, -wt, -hi, -lo
    p, q, length, t = -b1 / w1, -bt / wt, hi - lo, s * abs(wt * vt)
    d = R * np.sqrt(1.0 + p**2) / (w1 - R)
    first, last = min(p - d, q), max(p + d, q)
    a, h = first - lo, hi - last
    if min(w1 - R, abs(w2) - R, a, h) <= 0.0:
        return Bounds(0.0, np.inf)
    delta, W, W_most = abs(p - q) + d, abs(w2) - R, abs(w2) + R
    omega = min(t, s * (w1 - R) * W)
    square = t**2 * delta * (4.0 * a + h) / (3.0 * omega**2 * a * h)
    A, A_most, X = h / length, (hi - first) / length, max(lo**2, hi**2)
    lowest = 4.0 * A**2 * h**2 / 12.0 * (1.0 - A_most) / (1.0 + A_most * (1.0 + X)) ** 2
    if square >= 1.0:
        return Bounds(0.0, np.inf)
    Z, B = abs(w1 * hi + b1) + R * np.sqrt(1.0 + hi**2), root * np.sqrt(length * max(1.0 / a, 4.0 / h))
    spread = A_most * (1.0 + X)
    wide = (s * W_most) ** 2 * spread + (s * Z) ** 2 * A_most / 3.0 + 1.0 + s * np.sqrt(spread) * root
    # Of all breakpoints on the ball and the teacher's.
    P = max(first**2, last**2)
    wide += s * W_most * B * (1.0 + P) / ((w1 - R) * length)
    return Bounds(2.0 * np.sqrt(min((s * W) ** 2, 1.0) * lowest * (1.0 - square)), 2.0 * wide)


def near(problem: Problem, n: int) -> np.ndarray:
    """Return neurons close to minima of several scales."""
    draw = np.random.default_rng(2)
    wt, bt, vt, ct = (float(part) for part in problem.teacher)
    scale = np.exp(draw.normal(0.0, 0.4, n)) * np.sqrt(abs(vt / wt))
    minima = np.stack([scale * wt, scale * bt, vt / scale, np.full(n, ct)])
    return np.asarray(minima + draw.normal(size=(4, n)) * 10.0 ** draw.uniform(-7.0, -4.5, n))


@EVERY
def test_the_bounds_on_a_ball(problem: Problem) -> None:
    theta = near(problem, 20)
    smaller = np.minimum(np.abs(theta[0]), np.abs(theta[2]))
    known = 0
    for part in RADII:
        root = np.sqrt(np.asarray(loss(theta, problem))) + 1e-3
        found = ball(theta, problem, part * smaller, root)
        for i in range(theta.shape[1]):
            slope, curvature = bounds(theta[:, i], problem, part * smaller[i], root[i])
            assert found.slope[i] == pytest.approx(slope, rel=1e-11)
            assert found.curvature[i] == pytest.approx(curvature, rel=1e-11)
            known += slope > 0.0
    assert known > 40


@EVERY
def test_the_largest_rate_that_is_held(problem: Problem) -> None:
    # 2 √L/(γ μ) < R with γ = 1 − η Λ/2, at one of the radii.
    theta = near(problem, 20)
    root, most = np.sqrt(np.asarray(loss(theta, problem))), np.zeros(theta.shape[1])
    for i, (neuron, value) in enumerate(zip(theta.T, root, strict=True)):
        for part in RADII:
            R = part * min(abs(neuron[0]), abs(neuron[2]))
            slope, curvature = bounds(neuron, problem, R, value)
            if 2.0 * value < slope * R:
                most[i] = max(most[i], 2.0 * (1.0 - 2.0 * value / (slope * R)) / curvature)
    some = most > 1e-3
    assert np.sum(some) > 3
    for share, expected in SIDES:
        assert np.all(np.asarray(held_under_gd(theta[:, some], share * most[some], problem)) == expected)


@EVERY
def test_the_floor_of_the_gradient(problem: Problem) -> None:
    # |K|/|coefficients| of derivation 9 (2), K from the means of f* itself.
    draw, (lo, hi) = np.random.default_rng(3), (float(problem.lo), float(problem.hi))
    length, s, node = hi - lo, abs(problem.slopes[1]), np.polynomial.legendre.leggauss(8)
    bend = -float(problem.teacher.b1) / float(problem.teacher.w1)
    for p in draw.uniform(lo, hi, 20):
        w1, w2, b2 = draw.normal(size=3)
        on, off = (p, hi) if w1 > 0.0 else (lo, p), (lo, p) if w1 > 0.0 else (p, hi)
        x, weight = pieces(node, on, bend)
        # The line whose error has no mean, nor one with x, on the active part.
        line = np.polynomial.polynomial.polyfit(
            x, problem.teacher(x, problem.activation), 1, w=np.sqrt(weight)
        )
        y, other = pieces(node, off, bend)
        K = np.sum(other * problem.teacher(y, problem.activation)) / np.sum(other) - line @ (1.0, p)
        active, inactive, scale = on[1] - on[0], off[1] - off[0], 2.0 * s * abs(w2)
        of_w1 = 6.0 * length / active**2 / scale
        # The sizes of both terms: they may have other signs.
        of_b1 = (abs(4.0 + 6.0 * np.sign(w1) * p / active) / active + 1.0 / inactive) * length / scale
        of_b2 = length / inactive / 2.0
        expected = abs(K) / np.sqrt(of_w1**2 + of_b1**2 + of_b2**2)
        found = float(gradient_floor(Neuron(w1, -w1 * p, w2, b2), problem))
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


def pieces(
    node: tuple[np.ndarray, np.ndarray], ends: tuple[float, float], bend: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights on both sides of a breakpoint in an interval."""
    cuts = np.array([ends[0], np.clip(bend, *ends), ends[1]])
    half = np.diff(cuts)[:, None] / 2.0
    return (cuts[:-1, None] + half * (1.0 + node[0])).ravel(), (half * node[1]).ravel()


@pytest.mark.parametrize("task", [UNIFORM, Task(-1.0, 3.0, 0.7, -0.4)], ids=["uniform", "to one side"])
def test_the_largest_rate_that_revives_none(task: Task) -> None:
    # Derivation 18 (7): r < (1 − η Λ/2) (|d| − h) h, Λ = 2 (|ζ| + h)² + 2 r.
    draw, tried = np.random.default_rng(4), 0
    p, q = float(np.asarray(task.slope)), float(np.asarray(task.level))
    for a, c, w1, w2, d in draw.normal(size=(40, 5)):
        rest = limit(Network(a, c, w1, 0.0, w2, d), task)
        a, c, d = (float(part) + 0.01 * draw.normal() for part in rest)
        ends = [float(np.asarray(end)) for end in (task.lo, task.hi)]
        b1 = -max(w1 * (a * e + c) for e in ends) - abs(w1) * 10.0 ** draw.uniform(-1.0, 1.0)
        r, size = np.hypot(d * a - p, d * c - q), np.sqrt(a**2 + c**2 + d**2)
        far = [-(w1 * (a * e + c) + b1) / (abs(w1) * np.sqrt(1.0 + e**2)) for e in ends]
        most = 0.0
        for h in np.multiply(SHARES, min(*far, abs(d))):
            most = max(most, (1.0 - r / ((abs(d) - h) * h)) / ((size + h) ** 2 + r))
        network = Network(a, c, w1, b1, w2, d)
        if most > 0.0:
            tried += 1
            for share, expected in SIDES:
                assert bool(never_revived(network, task, share * most)) is expected
        else:
            assert not never_revived(network, task, 0.0)
    assert tried > 20
