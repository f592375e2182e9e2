"""On ½ λ θ² gradient descent, heavy ball and Nesterov are the powers of a matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.descent import GD, HeavyBall, Nesterov, init, update

CURVATURES = np.asarray([0.0, 0.1, 1.0, 3.0])
STEPS = 60


def descend(config: Any, steps: int = STEPS) -> np.ndarray:
    theta = np.ones_like(CURVATURES)
    state = init(config, theta)
    for _ in range(steps):
        theta, state = update(config, CURVATURES * theta, state, theta)
    return np.asarray(theta)


def power(matrix: list[list[float]]) -> float:
    """Return θ after STEPS steps of (θ, m) from (1, 0)."""
    return float(np.linalg.matrix_power(np.asarray(matrix), STEPS)[0, 0])


@pytest.mark.parametrize("lr", [0.01, 0.3, 0.9])
def test_gradient_descent(lr: float) -> None:
    np.testing.assert_allclose(descend(GD(lr)), (1 - lr * CURVATURES) ** STEPS, rtol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("lr", [0.01, 0.3])
def test_heavy_ball(lr: float, momentum: float) -> None:
    expected = [power([[1 - lr * c, -lr * momentum], [c, momentum]]) for c in CURVATURES]
    np.testing.assert_allclose(descend(HeavyBall(lr, momentum)), expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("lr", [0.01, 0.3])
def test_nesterov(lr: float, momentum: float) -> None:
    # θ' = θ − η (g + μ m'), m' = μ m + g, g = c θ.
    expected = [power([[1 - lr * c * (1 + momentum), -lr * momentum**2], [c, momentum]]) for c in CURVATURES]
    np.testing.assert_allclose(descend(Nesterov(lr, momentum)), expected, rtol=1e-9, atol=1e-15)


def test_without_momentum_all_three_are_gradient_descent() -> None:
    for config in (HeavyBall(0.1, 0.0), Nesterov(0.1, 0.0)):
        np.testing.assert_array_equal(descend(config), descend(GD(0.1)))


@pytest.mark.parametrize("momentum", [0.3, 0.9])
def test_heavy_ball_is_polyaks_form(momentum: float) -> None:
    lr, before, now = 0.05, np.ones_like(CURVATURES), np.ones_like(CURVATURES)
    for _ in range(STEPS):
        before, now = now, now - lr * CURVATURES * now + momentum * (now - before)
    np.testing.assert_allclose(descend(HeavyBall(lr, momentum)), now, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("momentum", [0.3, 0.9])
def test_nesterov_is_the_look_ahead_of_his_two_sequences(momentum: float) -> None:
    # x_{k+1} = y_k − η ∇(y_k), y_{k+1} = x_{k+1} + μ (x_{k+1} − x_k), and θ = y.
    lr, x, y = 0.05, np.ones_like(CURVATURES), np.ones_like(CURVATURES)
    for _ in range(STEPS):
        following = y - lr * CURVATURES * y
        x, y = following, following + momentum * (following - x)
    np.testing.assert_allclose(descend(Nesterov(lr, momentum)), y, rtol=1e-10, atol=1e-14)


def test_the_stability_limit_of_heavy_ball_is_twice_one_plus_momentum() -> None:
    momentum = np.asarray([0.0, 0.5, 0.9])
    for factor, shrinks in ((0.99, True), (1.01, False)):
        theta = np.ones(3)
        config = HeavyBall(factor * 2 * (1 + momentum), momentum)
        state = init(config, theta)
        for _ in range(2000):
            theta, state = update(config, theta, state, theta)
        assert np.all((np.abs(theta) < 1e-3) == shrinks)
