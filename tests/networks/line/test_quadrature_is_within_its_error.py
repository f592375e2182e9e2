"""Smooth networks and curved targets: loss and gradient are within 1e-13 of their terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import gradflow as gf
from gradflow.networks import line
from gradflow.neuron.targets import NAMED, Polynomials, Sine

SMOOTH: dict[str, Callable[[Any], Any]] = {
    "silu": lambda z: z / (1 + mpmath.exp(-z)),
    "gelu": lambda z: z * mpmath.ncdf(z),
    "softplus": lambda z: mpmath.log1p(mpmath.exp(z)),
    "tanh": mpmath.tanh,
    "relu": lambda z: max(z, mpmath.mpf(0)),
    "slopes=0.2,1.5": lambda z: z * (mpmath.mpf(1.5) if z > 0 else mpmath.mpf(0.2)),
}
CURVES: dict[str, Any] = {
    "two parabolas": Polynomials([-1.0, 0.25, 1.0], [[1.0, -2.0, 1.0], [2.0, 0.0, 1.0]]),
    "a sine": Sine(9.0, 1.5, 0.3),
}
STEEP = gf.Network([40.0, -3.0, 0.5, 250.0], [10.0, 1.0, 0.2, -120.0], [1.0, -0.7, 0.4, 0.01], 0.3)


def exact(network: gf.Network, target: Any, name: str) -> tuple[float, float]:
    """Return the loss by mpmath and the integral of its terms' absolute values."""
    phi = SMOOTH[name]
    neurons = list(zip(network.w1.tolist(), network.b1.tolist(), network.w2.tolist(), strict=True))

    def curve(x: Any) -> Any:
        if isinstance(target, Sine):
            return target.amplitude * mpmath.sin(target.omega * x + target.phase)
        i = 0 if x <= 0.25 else 1
        u = x - mpmath.mpf(target.x[i])
        return sum(mpmath.mpf(float(c)) * u**d for d, c in enumerate(target.coefficients[i]))

    def residual(x: Any) -> Any:
        return sum(w2 * phi(w1 * x + b1) for w1, b1, w2 in neurons) + network.b2 - curve(x)

    inner = {-b1 / w1 + k / abs(w1) for w1, b1, _ in neurons for k in (-9, -3, -1, 0, 1, 3, 9)}
    at = sorted({-1.0, 0.25, 1.0, *np.linspace(-1, 1, 9), *(p for p in inner if -1 < p < 1)})
    with mpmath.workdps(25):
        value = 0.5 * mpmath.quad(lambda x: residual(x) ** 2, [mpmath.mpf(p) for p in at])
    size = sum(abs(w2) * (abs(w1) + abs(b1)) for w1, b1, w2 in neurons) + 2.0
    return float(value), float(size**2)


@pytest.mark.slow
@pytest.mark.parametrize("target", list(CURVES))
@pytest.mark.parametrize("name", list(SMOOTH))
def test_of_a_loss(name: str, target: str) -> None:
    value, size = exact(STEEP, CURVES[target], name)
    found = float(gf.loss(STEEP, gf.Problem(target=CURVES[target], activation=name)))
    assert abs(found - value) <= 1e-13 * size
    assert abs(found - value) <= 1e-12 * value


@pytest.mark.parametrize(
    "law", [gf.Uniform(-1.0, 2.0), gf.Normal(0.2, 0.5), gf.Steps([-1.0, 0.0, 1.0], [1.0, 3.0])]
)
@pytest.mark.parametrize("name", ["tanh", "relu", "gelu", "leaky-relu=0.1"])
def test_derivatives_are_differences(name: str, law: Any) -> None:
    network = line.start("kernel", 3, 6)
    step = 1e-5 * np.eye(10)
    for target in (*CURVES.values(), "abs", "step"):
        problem = gf.Problem(target=target, law=law, activation=name)
        rows = network.rows
        slope = np.array([gf.loss(rows + h, problem) - gf.loss(rows - h, problem) for h in step]) / 2e-5
        bend = (
            np.array([gf.gradient(rows + h, problem) - gf.gradient(rows - h, problem) for h in step]) / 2e-5
        )
        assert np.allclose(gf.gradient(rows, problem), slope, rtol=0, atol=2e-8)
        assert np.allclose(gf.hessian(rows, problem), bend, rtol=0, atol=2e-8)


def test_straight_polynomials_are_knots() -> None:
    rows = line.start("kernel", 6, 3, (2,)).rows
    straight = Polynomials([-1.0, 0.0, 1.0], [[1.0, -1.0], [0.0, 1.0]])
    for law in (gf.Uniform(), gf.Normal(0.1, 2.0)):
        one, other = gf.Problem(target=straight, law=law), gf.Problem(target="abs", law=law)
        assert np.allclose(line.loss(rows, one), line.loss(rows, other), rtol=1e-12, atol=0)
        assert np.allclose(line.gradient(rows, one), line.gradient(rows, other), rtol=0, atol=1e-12)
        assert np.allclose(line.gram(rows, one), line.gram(rows, other), rtol=0, atol=1e-12)
        assert np.allclose(line.hessian(rows, one), line.hessian(rows, other), rtol=0, atol=1e-11)


def test_a_smooth_teacher_has_no_loss() -> None:
    teacher = line.start("kernel", 4, 1)
    for name in ("silu", "tanh"):
        assert gf.loss(teacher, gf.Problem(target=teacher, activation=name)) < 1e-28
    assert gf.loss(teacher, gf.Problem(target=teacher, activation="relu", teacher_activation="tanh")) > 0.0


def test_values_of_targets() -> None:
    named: dict[str, Any] = {**NAMED}
    assert np.array_equal(named["step"]([-2.0, -1.0, 0.0, 1e-300, 3.0]), [0, 0, 0, 1, 1])
    assert named["hat"]([-0.75, 0.25, 0.0]).tolist() == [0.0, 0.5, 1.0]
    assert CURVES["two parabolas"]([0.25, 0.5]).tolist() == [0.0625, 2.0625]
    assert named["sine"]([0.5]).tolist() == [1.0]
