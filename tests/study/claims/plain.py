"""Adam and GD on a single ReLU neuron, written out with NumPy and nothing of the package."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

INPUTS = np.linspace(-1.0, 1.0, 100)


def loss(theta: np.ndarray, x: np.ndarray = INPUTS) -> float:
    """Return the mean squared error against ReLU."""
    w1, b1, w2, b2 = theta
    return float(np.mean((w2 * np.maximum(w1 * x + b1, 0) + b2 - np.maximum(x, 0)) ** 2))


def gradient(theta: np.ndarray, x: np.ndarray = INPUTS) -> np.ndarray:
    """Return its gradient."""
    w1, b1, w2, b2 = theta
    z = w1 * x + b1
    on = z > 0
    r = 2 * (w2 * z * on + b2 - np.maximum(x, 0))
    return np.array([np.mean(r * w2 * on * x), np.mean(r * w2 * on), np.mean(r * z * on), np.mean(r)])


def adam(b2: float, lr: float, steps: int, x: np.ndarray = INPUTS) -> Iterator[np.ndarray]:
    """Give the states after 0, 1, …, `steps` updates from w1 = w2 = 1, b1 = 0."""
    theta, m, v = np.array([1.0, 0.0, 1.0, b2]), np.zeros(4), np.zeros(4)
    yield theta
    for k in range(1, steps + 1):
        g = gradient(theta, x)
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        theta = theta - lr * (m / (1 - 0.9**k)) / (np.sqrt(v / (1 - 0.999**k)) + 1e-8)
        yield theta


def gd(b2: float, lr: float, steps: int, x: np.ndarray = INPUTS) -> Iterator[np.ndarray]:
    """Give the states of plain gradient descent."""
    theta = np.array([1.0, 0.0, 1.0, b2])
    yield theta
    for _ in range(steps):
        theta = theta - lr * gradient(theta, x)
        yield theta


def dead(theta: np.ndarray) -> bool:
    """Whether no input activates the neuron."""
    return bool(np.all(theta[0] * INPUTS + theta[1] <= 0))
