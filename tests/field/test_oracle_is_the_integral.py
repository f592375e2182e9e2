"""The 50-digit oracle of the accuracy tests equals adaptive quadrature and its own derivatives.

A chain: the loss against `mpmath.quad` of its definition, the gradient against quadrature and against
differences of the loss, the Hessian against differences of the gradient.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.field.oracle import MP, integrate, mpf

RELU = (0.0, 1.0)
CASES = [
    ((1.3, 0.4, -0.7, 0.2), (1.0, 0.0, 1.0, 0.0), -1.0, 1.0, RELU),
    ((-0.5, 0.1, 2.0, -1.0), (1.0, 0.0, 1.0, 0.0), -1.0, 1.0, RELU),
    ((1.0, -1.0 + 1e-12, 3.0, 0.5), (-2.0, 0.3, 1.5, -0.4), -1.0, 1.0, RELU),
    ((0.7, -0.3, 1.1, 0.0), (1.0, -2.0, -1.0, 0.3), 0.25, 3.0, (0.01, 1.0)),
    ((2.0, 5.0, 1.1, 0.0), (1.0, 0.5, -1.0, 0.3), -1.5, 0.5, (-0.4, 1.7)),
    ((1e8, -3e7, 1e-8, 0.0), (1.0, 0.0, 1.0, 0.0), -1.0, 1.0, RELU),
]


def activation(z: Any, slopes: tuple[float, float]) -> Any:
    return mpf(slopes[1]) * z if z > 0 else mpf(slopes[0]) * z


def quadrature(theta: Any, teacher: Any, lo: Any, hi: Any, slopes: Any, integrand: Any) -> Any:
    """Return E[integrand(x, residual)] by tanh-sinh quadrature between the kinks."""
    w1, b1, w2, b2 = (mpf(v) for v in theta)
    v1, c1, v2, c2 = (mpf(v) for v in teacher)
    kinks = {p for p in (-b1 / w1, -c1 / v1) if lo < p < hi}

    def value(x: Any) -> Any:
        r = w2 * activation(w1 * x + b1, slopes) + b2 - v2 * activation(v1 * x + c1, slopes) - c2
        return integrand(x, r)

    return MP.quad(value, sorted({mpf(lo), mpf(hi)} | kinks)) / (mpf(hi) - mpf(lo))


@pytest.mark.parametrize(("theta", "teacher", "lo", "hi", "slopes"), CASES)
def test_loss_and_gradient_equal_quadrature(theta: Any, teacher: Any, lo: Any, hi: Any, slopes: Any) -> None:
    exact = integrate(theta, teacher, lo, hi, slopes)
    w1, b1, w2, _ = (mpf(v) for v in theta)

    def derivative(x: Any) -> Any:
        return mpf(slopes[1]) if w1 * x + b1 > 0 else mpf(slopes[0])

    integrands = [
        lambda x, r: r * r,
        lambda x, r: 2 * r * w2 * derivative(x) * x,
        lambda x, r: 2 * r * w2 * derivative(x),
        lambda x, r: 2 * r * activation(w1 * x + b1, slopes),
        lambda x, r: 2 * r,
    ]
    scales = [exact.loss_scale, *exact.gradient_scale]
    for value, integrand, scale in zip([exact.loss, *exact.gradient], integrands, scales, strict=True):
        assert abs(value - quadrature(theta, teacher, lo, hi, slopes, integrand)) <= 1e-35 * scale


@pytest.mark.parametrize(("theta", "teacher", "lo", "hi", "slopes"), CASES)
def test_each_derivative_is_the_derivative(theta: Any, teacher: Any, lo: Any, hi: Any, slopes: Any) -> None:
    exact = integrate(theta, teacher, lo, hi, slopes)
    for i in range(4):
        size = max(abs(theta[i]), 1e-8)
        step = mpf(10) ** -20 * size
        up, down = (
            integrate([mpf(v) + d * (j == i) for j, v in enumerate(theta)], teacher, lo, hi, slopes)
            for d in (step, -step)
        )
        # The step's error is 1e-40 of a third derivative; the rounding 1e-50 of the value over the step.
        slope = (up.loss - down.loss) / (2 * step)
        assert (
            abs(slope - exact.gradient[i])
            <= 1e-18 * exact.gradient_scale[i] + 1e-28 * exact.loss_scale / size
        )
        for j in range(4):
            bend = (up.gradient[j] - down.gradient[j]) / (2 * step)
            tolerance = 1e-18 * exact.hessian_scale[i][j] + 1e-28 * exact.gradient_scale[j] / size
            assert abs(bend - exact.hessian[i][j]) <= tolerance


@pytest.mark.parametrize(("theta", "teacher", "lo", "hi", "slopes"), CASES)
def test_the_scale_is_the_integral_of_absolute_values(
    theta: Any, teacher: Any, lo: Any, hi: Any, slopes: Any
) -> None:
    exact = integrate(theta, teacher, lo, hi, slopes)
    w1, b1, w2, b2 = (mpf(v) for v in theta)
    v1, c1, v2, c2 = (mpf(v) for v in teacher)

    def size(x: Any) -> Any:
        terms = (w2 * activation(w1 * x + b1, slopes), b2, v2 * activation(v1 * x + c1, slopes), c2)
        return sum(abs(term) for term in terms)

    through = (
        2
        * abs(w2)
        * quadrature(
            theta,
            teacher,
            lo,
            hi,
            slopes,
            lambda x, r: size(x) * abs(mpf(slopes[1]) if w1 * x + b1 > 0 else mpf(slopes[0])),
        )
    )
    assert float(through) == pytest.approx(exact.gradient_scale[1], rel=1e-12)
    plain = quadrature(theta, teacher, lo, hi, slopes, lambda x, r: 2 * size(x))
    assert float(plain) == pytest.approx(exact.gradient_scale[3], rel=1e-12)
    for i in range(4):
        assert abs(float(exact.gradient[i])) <= exact.gradient_scale[i] * (1 + 1e-12)
        for j in range(4):
            assert abs(float(exact.hessian[i][j])) <= exact.hessian_scale[i][j] * (1 + 1e-12)
