"""Losses and gradients under normal inputs agree to 1e-12 with quadrature at 30 digits."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import gradflow as gf
from gradflow.networks.line import loss_and_gradient

MP = mpmath.MPContext()
MP.dps = 30


@pytest.mark.some(1)
@pytest.mark.parametrize(
    ("mean", "std", "rows"),
    [
        (0.0, 1.0, [1.0, -2.0, 0.5, 0.3, 0.5, -0.2, 0.1]),
        (0.3, 0.5, [1.0, 1.5, -0.5, -0.25, 1.0, 1.0, 0.0]),
        # Far in the tail: what is active there has a mass of 1e-23.
        (0.0, 1.0, [1.0, -1.0, -10.0, 0.5, 1.0, 0.3, 0.1]),
    ],
)
def test_of_two_neurons(mean: float, std: float, rows: list[float]) -> None:
    problem = gf.Problem(target="abs", law=gf.Normal(mean, std))
    value, gradient = loss_and_gradient(np.array(rows), problem)
    w1, b1, w2, b2 = rows[:2], rows[2:4], rows[4:6], rows[6]
    points = sorted({MP.mpf(-b) / MP.mpf(w) for w, b in zip(w1, b1, strict=True)} | {MP.mpf(0)})
    ends = [MP.mpf(mean + k * std) for k in range(-18, 19, 2)]
    points = sorted({*points, *ends})

    def density(x: mpmath.mpf) -> mpmath.mpf:
        return MP.npdf(x, MP.mpf(mean), MP.mpf(std))

    def residual(x: mpmath.mpf) -> mpmath.mpf:
        terms = [v * max(MP.mpf(w) * x + b, 0) for w, b, v in zip(w1, b1, w2, strict=True)]
        return sum(terms) + MP.mpf(b2) - abs(x)

    def mean_of(function: object) -> mpmath.mpf:
        return MP.quad(lambda x: function(x) * density(x), points)  # type: ignore[operator]

    assert abs(value - mean_of(lambda x: residual(x) ** 2)) <= 1e-12
    for j in range(2):
        w, b, v = MP.mpf(w1[j]), MP.mpf(b1[j]), MP.mpf(w2[j])
        wanted = [
            mean_of(lambda x: 2 * residual(x) * v * x * (w * x + b > 0)),  # noqa: B023
            mean_of(lambda x: 2 * residual(x) * v * (w * x + b > 0)),  # noqa: B023
            mean_of(lambda x: 2 * residual(x) * max(w * x + b, 0)),  # noqa: B023
        ]
        for k, exact in enumerate(wanted):
            assert abs(gradient[2 * k + j] - exact) <= 1e-12 * max(abs(exact), MP.mpf(10) ** -40)
    assert abs(gradient[6] - mean_of(lambda x: 2 * residual(x))) <= 1e-12
