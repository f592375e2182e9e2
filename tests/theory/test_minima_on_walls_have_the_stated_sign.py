"""A hunt for lower losses beside points on walls: where s w2 r(e) > 0 there are none, elsewhere there are."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.field import loss
from gradflow.field.baselines import best_line, lines
from gradflow.neuron.problem import Neuron, Problem, Uniform

PROBLEMS = (
    Problem(),
    Problem(Neuron(-1.3, 0.4, 0.7, -0.2), Uniform(-0.7, 1.6)),
    Problem(Neuron(0.8, 0.3, -1.5, 0.1), Uniform(-2.0, 1.0), (0.0, -0.6)),
)


def walls(problem: Problem, n: int, rng: np.random.Generator, dead: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return points of (D) or (H) with the breakpoint at an end, and s w2 r there."""
    s, lo, hi = problem.slopes[1], float(problem.lo), float(problem.hi)
    end = rng.choice([lo, hi], n)
    # Dead: z falls from 0 at e inwards; hyperactive: it rises.
    inwards = np.where(end == lo, 1.0, -1.0) * (-1.0 if dead else 1.0)
    w1 = inwards * np.exp(rng.normal(0.0, 0.5, n))
    line, w2 = best_line(problem), rng.choice([-1.0, 1.0], n) * np.exp(rng.normal(0.0, 0.5, n))
    level = np.full(n, float(lines(problem).mean.value))
    wt, bt, vt, ct = (float(value) for value in problem.teacher)
    target = vt * s * np.maximum(wt * end + bt, 0.0) + ct
    if not dead:
        w2 = float(line.slope) / (s * w1)
        level = float(line.slope) * end + float(line.intercept)
    return np.stack([w1, -w1 * end, w2, level]), s * w2 * (level - target)


@pytest.mark.parametrize("dead", [True, False])
def test_minima_on_walls(dead: bool) -> None:
    rng, seen = np.random.default_rng(2), [0, 0]
    for problem in PROBLEMS:
        points, sign = walls(problem, 60, rng, dead)
        here = np.asarray(loss(points, problem))
        for radius in (1e-1, 1e-2, 1e-3):
            step = rng.normal(size=(4, 600, 60))
            beside = points[:, None] + radius * np.abs(sign) / (1.0 + np.abs(sign)) * 0.1 * step
            lower = np.any(np.asarray(loss(beside, problem)) < here - 1e-13 * (1.0 + here), axis=0)
            assert not np.any(lower & (sign > 0.0))
        # Along the kernel of the cell's Hessian: only the wall is passed.
        s = problem.slopes[1]
        along = np.stack([0.0 * sign, np.ones_like(sign), 0.0 * sign, 0.0 * sign if dead else -s * points[2]])
        found = [
            np.asarray(loss(points + t * along, problem)) < here - 1e-13 for t in (-1e-2, 1e-2, 1e-3, -1e-3)
        ]
        np.testing.assert_array_equal(np.any(found, axis=0), sign < 0.0)
        seen = [seen[0] + int(np.sum(sign > 0.0)), seen[1] + int(np.sum(sign < 0.0))]
    assert seen[1] > 10
    assert seen[0] > 10 or not dead


def test_the_origin_is_no_minimum() -> None:
    rng = np.random.default_rng(4)
    for problem in PROBLEMS:
        mean = float(lines(problem).mean.value)
        for w2 in (0.0, 0.7, -2.0):
            point = np.array([0.0, 0.0, w2, mean])
            beside = point[:, None] + 1e-3 * rng.normal(size=(4, 5_000))
            assert np.any(np.asarray(loss(beside, problem)) < float(loss(point, problem)))
