"""The trajectories that all contenders take."""

from __future__ import annotations

import numpy as np

from benchmarks.closed_form import gradient
from benchmarks.peers.plain_numpy import ends, ramp

PIECE = 100_000
# Starts with larger weights would need a smaller step in `_lowest_weight`.
LARGEST = 3.0


def normal(n: int, seed: int = 0) -> np.ndarray:
    """Return n random neurons, shape (4, n): the first ones are the same for every n."""
    rng, theta = np.random.default_rng(seed), np.empty((4, n))
    for i in range(0, n, PIECE):
        j = min(i + PIECE, n)
        theta[:, i:j] = rng.standard_normal((j - i, 4)).T
    return theta


def one_sided(n: int, t_end: float, seed: int = 0) -> np.ndarray:
    """Return n random neurons whose w1 stays positive along the flow, shape (4, n).

    heyoka's expression of the breakpoint −b1/w1 has no finite Taylor series at w1 = 0, and one such lane
    ends its whole batch. Which to keep is seen by a fixed-step Runge-Kutta of the plain formula, with room
    to spare (w1 ≥ 0.05, and no parameter beyond `LARGEST`).
    """
    kept = np.empty((4, 0))
    while kept.shape[1] < n:
        theta = normal(2 * n + 64, seed)
        theta[0] = np.abs(theta[0])
        theta = theta[:, np.max(np.abs(theta), axis=0) <= LARGEST]
        kept = np.concatenate((kept, theta[:, _lowest_weight(theta, t_end) >= 0.05]), axis=1)
        seed += 1
    return np.ascontiguousarray(kept[:, :n])


def _lowest_weight(theta: np.ndarray, t_end: float, step: float = 0.02) -> np.ndarray:
    def velocity(y: np.ndarray) -> np.ndarray:
        return -np.stack(gradient(y, ends, ramp))

    y, lowest = theta.copy(), theta[0].copy()
    with np.errstate(all="ignore"):
        for _ in range(round(t_end / step)):
            k1 = velocity(y)
            k2 = velocity(y + 0.5 * step * k1)
            k3 = velocity(y + 0.5 * step * k2)
            k4 = velocity(y + step * k3)
            y = y + step / 6.0 * (k1 + 2.0 * (k2 + k3) + k4)
            lowest = np.fmin(lowest, np.where(np.isnan(y[0]), -1.0, y[0]))
    return np.asarray(lowest)


def plane(n: int, every: int = 1) -> np.ndarray:
    """Return the n × n starts (b1, b2) from w1 = w2 = 1, or every so many of each axis, shape (4, m)."""
    b1, b2 = np.linspace(-2.5, 2.5, n)[::every], np.linspace(-3.0, 3.0, n)[::every]
    b1, b2 = (v.ravel() for v in np.meshgrid(b1, b2, indexing="ij"))
    return np.stack((np.ones_like(b1), b1, np.ones_like(b1), b2))
