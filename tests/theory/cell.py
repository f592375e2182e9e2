"""The flow of a neuron without a kink, from moments alone, by RK4: an oracle for what traps claim."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.neuron.problem import Problem
from tests.theory.moments import moments


def field(theta: np.ndarray, problem: Problem, s: float) -> tuple[np.ndarray, np.ndarray]:
    """Return e and its gradient while the slope is s on the whole input."""
    m = moments(problem)
    w1, b1, w2, b2 = theta
    rho1 = s * w1 * w2 - m.covariance / m.variance_x
    rho0 = s * w2 * (m.mean_x * w1 + b1) + b2 - m.mean
    of_rho1, of_rho0 = 2.0 * m.variance_x * rho1, 2.0 * rho0
    gradient = np.stack(
        [
            s * w2 * (of_rho1 + m.mean_x * of_rho0),
            s * w2 * of_rho0,
            s * (w1 * of_rho1 + (m.mean_x * w1 + b1) * of_rho0),
            of_rho0,
        ]
    )
    return m.variance_x * rho1**2 + rho0**2, gradient


class Followed(NamedTuple):
    """Whether a wall was reached, the length of the path, e at both ends, and the last states."""

    left: np.ndarray
    path: np.ndarray
    before: np.ndarray
    after: np.ndarray
    theta: np.ndarray


def follow(theta: np.ndarray, problem: Problem, s: float, steps: int = 500) -> Followed:
    """Follow neurons of slope s on the whole input by RK4, each with steps of its own length."""
    side = 1.0 if s == problem.slopes[1] else -1.0
    lo, hi = float(problem.lo), float(problem.hi)
    reach = 1.0 + max(lo * lo, hi * hi)
    before, _ = field(theta, problem, s)
    left = np.zeros(theta.shape[1], dtype=bool)
    path = np.zeros(theta.shape[1])
    for _ in range(steps):
        _, k1 = field(theta, problem, s)
        h = 0.4 / (1.0 + s * s * reach * np.sum(theta[:3] ** 2, axis=0))
        _, k2 = field(theta - 0.5 * h * k1, problem, s)
        _, k3 = field(theta - 0.5 * h * k2, problem, s)
        _, k4 = field(theta - h * k3, problem, s)
        step = -h * (k1 + 2 * k2 + 2 * k3 + k4) / 6.0
        path += np.sqrt(np.sum(step * step, axis=0))
        theta = theta + step
        left |= np.minimum(side * (theta[0] * lo + theta[1]), side * (theta[0] * hi + theta[1])) <= 0.0
    return Followed(left, path, before, field(theta, problem, s)[0], theta)
