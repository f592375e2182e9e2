"""NumPy as a user would write it: the closed form on whole arrays, moments updated in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.closed_form import adam_factors, gradient


def ends(w1: Any, b1: Any) -> tuple[Any, Any]:
    """Return the active range of the input."""
    kink = np.clip(-b1 / w1, -1.0, 1.0)
    right = w1 > 0.0
    return np.where(right, kink, -1.0), np.where(right, 1.0, kink)


def ramp(x: Any) -> Any:
    """Return max(x, 0)."""
    return np.maximum(x, 0.0)


def adam(theta: np.ndarray, steps: int, lr: float) -> Callable[[], np.ndarray]:
    """Adam on the population loss, final parameters of shape (4, n)."""
    return _adam(theta, steps, lr, lambda now: gradient(now, ends, ramp))


def adam_on_sample(theta: np.ndarray, x: np.ndarray, steps: int, lr: float) -> Callable[[], np.ndarray]:
    """Adam on the loss of a sample by direct sums, final parameters of shape (4, n)."""
    y = ramp(x)

    def direct(now: np.ndarray) -> tuple[Any, ...]:
        w1, b1, w2, b2 = now[:, :, None]
        z = w1 * x + b1
        r = w2 * ramp(z) + b2 - y
        active = w2 * (z > 0.0) * r
        return tuple(2.0 * np.mean(part, axis=1) for part in (active * x, active, ramp(z) * r, r))

    return _adam(theta, steps, lr, direct)


def _adam(
    theta: np.ndarray, steps: int, lr: float, gradients: Callable[[np.ndarray], tuple[Any, ...]]
) -> Callable[[], np.ndarray]:
    beta1, beta2 = 0.9, 0.999
    factors = adam_factors(steps, lr, beta1, beta2, 1e-8)

    def go() -> np.ndarray:
        now = theta.copy()
        m, v, g = np.zeros_like(now), np.zeros_like(now), np.empty_like(now)
        for rate, eps in factors:
            for i, part in enumerate(gradients(now)):
                g[i] = part
            m *= beta1
            m += (1.0 - beta1) * g
            g *= g
            v *= beta2
            v += (1.0 - beta2) * g
            now -= rate * m / (np.sqrt(v) + eps)
        return now

    return go
