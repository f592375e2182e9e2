"""The general path and the neuron's own differ by less than 1e-14 of the integrals of the terms' sizes.

20 000 neurons with breakpoints on and beside knots and ends, and weights from 1e-6 to 1e6, for each problem.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import gradflow as gf
from gradflow import field
from gradflow.networks import line

COUNT = 20_000
PLACES = [
    -1.0,
    1.0,
    0.0,
    0.5,
    1.0 - 1e-14,
    -1.0 + 1e-14,
    1.0 + 1e-13,
    1e-9,
    2.0,
    -3.0,
    1.0 - 1e-8,
    -1.0 + 1e-5,
]
SIZES = [0.0, 1.0, -1.0, 1e-6, -1e6]


def drawn(rng: np.random.Generator) -> np.ndarray:
    """Return adversarial neurons."""

    def some(values: list[float], lo: float, hi: float) -> np.ndarray:
        return np.where(rng.random(COUNT) < 0.5, rng.choice(values, COUNT), rng.uniform(lo, hi, COUNT))

    w1, places = some(SIZES, -3.0, 3.0), some(PLACES, -1.2, 1.2)
    b1 = np.where(w1 == 0.0, rng.choice([0.0, 0.7, -0.4], COUNT), -w1 * places)
    return np.array([w1, b1, some(SIZES, -3.0, 3.0), some(SIZES, -3.0, 3.0)])


def sizes(rows: np.ndarray, teacher: gf.Neuron) -> tuple[np.ndarray, np.ndarray]:
    """Return the integrals of the absolute values of the terms of loss and gradient, on [-1, 1]."""
    (w1, b1, w2, b2), (t1, c1, t2, c2) = rows, map(float, teacher)
    turn = np.where(w1 != 0.0, -b1 / np.where(w1 != 0.0, w1, 1.0), 0.0)
    ends = [turn, *(np.full(COUNT, x) for x in (-1.0, 0.0, 1.0, -c1 / t1))]
    ends = list(np.sort(np.clip(ends, -1.0, 1.0), axis=0))
    loss, gradient = np.zeros(COUNT), np.zeros((4, COUNT))
    for a, b in pairwise(ends):
        on, taught = (w1 * (a + b) / 2 + b1 > 0.0) * 1.0, (t1 * (a + b) / 2 + c1 > 0.0) * 1.0
        at = [
            (
                np.abs(w2 * on * (w1 * x + b1))
                + np.abs(b2)
                + np.abs(c2)
                + np.abs(t2 * taught * (t1 * x + c1)),
                np.abs([w2 * on * x, w2 * on, on * (w1 * x + b1), np.ones(COUNT)]),
            )
            for x in (a, b)
        ]
        (r, f), (s, g) = at
        loss += (b - a) / 2 * (r * r + r * s + s * s) / 3
        gradient += (b - a) * (2 * f * r + f * s + g * r + 2 * g * s) / 6
    return loss, gradient


@pytest.mark.parametrize("seed", range(3))
def test_of_losses_and_gradients(seed: int) -> None:
    rng = np.random.default_rng(seed)
    teacher = gf.Neuron(*rng.normal(size=4).tolist()) if seed else gf.Neuron()
    problem, rows = gf.Problem(teacher), drawn(rng)
    loss, gradient = line.loss_and_gradient(rows, problem)
    of_loss, of_gradient = sizes(rows, teacher)
    assert np.all(np.abs(loss - field.loss(rows, problem)) <= 1e-14 * of_loss)
    assert np.all(np.abs(gradient - field.gradient(rows, problem)) <= 1e-14 * of_gradient)
