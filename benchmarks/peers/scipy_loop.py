"""SciPy: `solve_ivp`, one trajectory after the other, the field in plain floats (small arrays are slower)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.closed_form import gradient


def ends(w1: float, b1: float) -> tuple[float, float]:
    """Return the active range of the input."""
    if w1 == 0.0:
        return (-1.0, 1.0) if b1 > 0.0 else (1.0, 1.0)
    kink = -b1 / w1
    kink = -1.0 if kink < -1.0 else 1.0 if kink > 1.0 else kink
    return (kink, 1.0) if w1 > 0.0 else (-1.0, kink)


def ramp(x: float) -> float:
    """Return max(x, 0)."""
    return x if x > 0.0 else 0.0


def velocity(_: float, y: np.ndarray) -> list[float]:
    """Return dθ/dt."""
    return [-g for g in gradient(y.tolist(), ends, ramp)]


def loop(theta: np.ndarray, t_end: float, rtol: float, method: str) -> Callable[[], np.ndarray]:
    """Return the parameters at `t_end`, shape (4, n)."""
    atol = 0.01 * rtol

    def go() -> np.ndarray:
        return np.stack([end(start, t_end, rtol, atol, method) for start in theta.T], axis=1)

    return go


def end(start: Sequence[float], t_end: float, rtol: float, atol: float, method: str) -> np.ndarray:
    """Return the last parameters of one trajectory; NaN if it did not get there."""
    run = solve_ivp(velocity, (0.0, t_end), start, method=method, rtol=rtol, atol=atol, t_eval=[t_end])
    if run.status != 0:
        return np.full(4, np.nan)
    return np.asarray(run.y[:, -1])
