"""The flow of many neurons with fixed steps, from the definition of the loss alone: nothing of gradflow's.

The gradient is a sum over three nodes of Gauss and Legendre on each piece of the input between the
breakpoints of student and teacher, where all integrands are quadratic, so that it is exact. The steps are
those of Runge and Kutta.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray

NODES = np.array([-np.sqrt(0.6), 0.0, np.sqrt(0.6)])
WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18.0


class Starts(NamedTuple):
    """Parameters and teachers (4, n), and the ends of the inputs (2, n)."""

    theta: Array
    teacher: Array
    ends: Array

    def at(self, which: Any) -> Starts:
        """Return some of them."""
        return Starts(*(part[:, which] for part in self))


def random_starts(n: int, seed: int) -> Starts:
    """Return starts, teachers of both signs, and intervals that are wide, shifted or on one side."""
    rng = np.random.default_rng(seed)
    lo, width = rng.uniform(-4.0, 3.0, n), 10.0 ** rng.uniform(-0.5, 0.9, n)
    theta = rng.normal(0.0, 1.2, (4, n))
    # A third of them beside a wall: an end of the input, or the teacher's breakpoint.
    teacher = rng.normal(0.0, 1.0, (4, n))
    walls = np.stack([lo, lo + width, -teacher[1] / teacher[0]])
    wall = walls[rng.integers(3, size=n), np.arange(n)]
    beside = -theta[0] * wall + rng.normal(0.0, 0.1, n)
    theta[1] = np.where((rng.random(n) < 1 / 3) & (np.abs(wall) < 9.0), beside, theta[1])
    return Starts(theta, teacher, np.stack([lo, lo + width]))


def gradient(theta: Array, starts: Starts) -> Array:
    """Return the gradient of E[(student − teacher)²]."""
    (w1, b1, w2, b2), (v1, c1, v2, c2), (lo, hi) = theta, starts.teacher, starts.ends
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = [np.where(np.isfinite(p := -b / w), p, lo) for w, b in ((w1, b1), (v1, c1))]
    cuts = np.sort(np.stack([lo, *(np.clip(p, lo, hi) for p in inner), hi]), axis=0)
    middle, half = (cuts[1:] + cuts[:-1]) / 2.0, (cuts[1:] - cuts[:-1]) / 2.0
    x = middle + half * NODES[:, None, None]
    mass = WEIGHTS[:, None, None] * 2.0 * half / (hi - lo)
    # A piece is on one side of each breakpoint; its middle says on which.
    on = w1 * middle + b1 > 0.0
    phi = on * (w1 * x + b1)
    residual = mass * (w2 * phi + b2 - v2 * (v1 * middle + c1 > 0.0) * (v1 * x + c1) - c2)
    sums = (w2 * on * residual * x, w2 * on * residual, residual * phi, residual)
    return 2.0 * np.stack([np.sum(s, axis=(0, 1)) for s in sums])


def step(y: Array, h: Array | float, starts: Starts) -> Array:
    """Return the parameters after a step."""
    k1 = -gradient(y, starts)
    k2 = -gradient(y + 0.5 * h * k1, starts)
    k3 = -gradient(y + 0.5 * h * k2, starts)
    k4 = -gradient(y + h * k3, starts)
    return np.asarray(y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4))


def flow(starts: Starts, t: float, steps: int) -> Array:
    """Return the parameters at a time, after so many equal steps."""
    y = starts.theta
    for _ in range(steps):
        y = step(y, t / steps, starts)
    return y
