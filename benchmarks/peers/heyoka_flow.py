"""heyoka: Taylor series of the closed form, scalar and batch (one vector of trajectories at a time).

The active range of the input is written for w1 > 0 only, which is less work than both signs. The kinks are
`select`s: the series on either side knows nothing of the other, and a step across goes unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import heyoka as hy
import numpy as np

from benchmarks.closed_form import gradient


def ends(w1: Any, b1: Any) -> tuple[Any, Any]:
    """Return the active range of the input, for w1 > 0."""
    kink, one = -b1 / w1, hy.expression(1.0)
    above = hy.select(hy.gt(kink, 1.0), one, kink)
    return hy.select(hy.lt(kink, -1.0), hy.expression(-1.0), above), one


def ramp(x: Any) -> Any:
    """Return max(x, 0)."""
    return hy.select(hy.gt(x, 0.0), x, hy.expression(0.0))


def equations() -> list[tuple[Any, Any]]:
    """Return the flow's equations."""
    theta = hy.make_vars("w1", "b1", "w2", "b2")
    return [(x, -g) for x, g in zip(theta, gradient(theta, ends, ramp), strict=True)]


def scalar(theta: np.ndarray, t_end: float, tol: float) -> Callable[[], np.ndarray]:
    """One trajectory after the other; parameters at `t_end`, shape (4, n)."""
    integrator = hy.taylor_adaptive(equations(), theta[:, 0].copy(), tol=tol)

    def go() -> np.ndarray:
        final = np.empty_like(theta)
        for i in range(theta.shape[1]):
            integrator.time = 0.0
            integrator.state[:] = theta[:, i]
            integrator.propagate_until(t_end)
            final[:, i] = integrator.state
        return final

    return go


def batch(theta: np.ndarray, t_end: float, tol: float) -> Callable[[], np.ndarray]:
    """A vector of trajectories at a time; parameters at `t_end`, shape (4, n)."""
    width, n = hy.recommended_simd_size(), theta.shape[1]
    padded = np.pad(theta, ((0, 0), (0, -n % width)), mode="edge")
    integrator = hy.taylor_adaptive_batch(equations(), padded[:, :width].copy(), tol=tol)

    def go() -> np.ndarray:
        final = np.empty_like(padded)
        for i in range(0, padded.shape[1], width):
            integrator.set_time(0.0)
            integrator.state[:] = padded[:, i : i + width]
            integrator.propagate_until(t_end)
            final[:, i : i + width] = integrator.state
        return final[:, :n]

    return go
