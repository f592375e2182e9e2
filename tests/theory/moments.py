"""Moments by Gauss–Legendre quadrature or by sums over a sample, with nothing of gradflow's; and problems."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, grid


class Moments(NamedTuple):
    """E x, Var x, E f*, Cov(x, f*), Var f*."""

    mean_x: float
    variance_x: float
    mean: float
    covariance: float
    variance: float


def moments(problem: Problem) -> Moments:
    """Return the moments of input and teacher."""
    x, weight = nodes(problem)
    w1, b1, w2, b2 = (float(value) for value in problem.teacher)
    z = w1 * x + b1
    y = w2 * np.where(z > 0, problem.slopes[1], problem.slopes[0]) * z + b2
    mean_x, mean = float(weight @ x), float(weight @ y)
    return Moments(
        mean_x,
        float(weight @ (x - mean_x) ** 2),
        mean,
        float(weight @ ((x - mean_x) * (y - mean))),
        float(weight @ (y - mean) ** 2),
    )


def nodes(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Return points and weights of sum 1 that integrate the teacher's square exactly."""
    inputs = problem.inputs
    if isinstance(inputs, Sample):
        weights = np.ones_like(inputs.x) if inputs.weights is None else np.asarray(inputs.weights)
        return np.asarray(inputs.x), weights / np.sum(weights)
    lo, hi = float(inputs.lo), float(inputs.hi)
    w1, b1 = float(problem.teacher.w1), float(problem.teacher.b1)
    kink = -b1 / w1 if w1 else lo
    cuts = [lo, kink, hi] if lo < kink < hi else [lo, hi]
    node, weight = np.polynomial.legendre.leggauss(4)
    x = [0.5 * (a + b) + 0.5 * (b - a) * node for a, b in pairwise(cuts)]
    w = [0.5 * (b - a) / (hi - lo) * weight for a, b in pairwise(cuts)]
    return np.concatenate(x), np.concatenate(w)


PROBLEMS = {
    "default": Problem(),
    "shifted interval": Problem(inputs=Uniform(-0.5, 2.0)),
    "interval away from 0": Problem(Neuron(1.0, -4.0, 1.0, 0.0), Uniform(3.0, 5.0)),
    "wide interval": Problem(Neuron(-0.4, 0.3, 1.2, -0.5), Uniform(-3.0, 4.0)),
    "linear teacher": Problem(Neuron(0.5, 3.0, 1.0, 0.0)),
    "leaky": Problem(Neuron(0.8, 0.1, -1.0, 0.3), activation=(0.3, 1.2)),
    "negative slope": Problem(Neuron(0.8, 0.1, 1.0, 0.3), activation=(-0.5, 0.7)),
    "sample": Problem(inputs=grid(25)),
    "weighted sample": Problem(
        Neuron(1.0, 0.2, 1.0, 0.0),
        Sample(np.array([-1.0, -0.2, 0.1, 0.7, 1.5]), weights=np.array([1.0, 3, 2, 2, 1])),
    ),
}
"""Problems on which the theorem is put to the test."""
