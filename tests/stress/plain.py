"""The flow of many neurons with fixed steps, from the definition of the loss alone: nothing of gradflow's.

The gradient is a sum over three nodes of Gauss and Legendre on each piece of the input between the
breakpoints of student and teacher, where all integrands are quadratic, so that it is exact. The steps are
those of Runge and Kutta.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numba import njit

Array = np.ndarray
Four: TypeAlias = tuple[float, float, float, float]

ROOT = np.sqrt(0.6)


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


@njit  # type: ignore[untyped-decorator]
def gradient(theta: Four, teacher: Four, lo: float, hi: float) -> Four:
    """Return the gradient of E[(student − teacher)²] of one neuron."""
    (w1, b1, w2, b2), (v1, c1, v2, c2) = theta, teacher
    one, two = breakpoint_within(w1, b1, lo, hi), breakpoint_within(v1, c1, lo, hi)
    first, last = min(one, two), max(one, two)
    g1, g2, g3, g4 = 0.0, 0.0, 0.0, 0.0
    for left, right in ((lo, first), (first, last), (last, hi)):
        middle, half = (left + right) / 2.0, (right - left) / 2.0
        # A piece is on one side of each breakpoint; its middle says on which.
        on, taught = w1 * middle + b1 > 0.0, v1 * middle + c1 > 0.0
        for node, weight in ((-ROOT, 5.0 / 9.0), (0.0, 8.0 / 9.0), (ROOT, 5.0 / 9.0)):
            x, mass = middle + half * node, weight * half / (hi - lo)
            phi = w1 * x + b1 if on else 0.0
            target = c2 + (v2 * (v1 * x + c1) if taught else 0.0)
            residual = 2.0 * mass * (w2 * phi + b2 - target)
            if on:
                g1 += residual * w2 * x
                g2 += residual * w2
            g3 += residual * phi
            g4 += residual
    return g1, g2, g3, g4


@njit  # type: ignore[untyped-decorator]
def breakpoint_within(w: float, b: float, lo: float, hi: float) -> float:
    """Return −b/w, or the end of the input next to it."""
    return lo if w == 0.0 else min(max(-b / w, lo), hi)


@njit  # type: ignore[untyped-decorator]
def moved(y: Four, h: float, k: Four) -> Four:
    """Return y − h k."""
    return y[0] - h * k[0], y[1] - h * k[1], y[2] - h * k[2], y[3] - h * k[3]


@njit  # type: ignore[untyped-decorator]
def ends(theta: Array, teacher: Array, inputs: Array, t: float, steps: int) -> Array:
    """Return the parameters at a time, after so many equal steps."""
    h, found = t / steps, np.empty_like(theta)
    for i in range(theta.shape[1]):
        y = (theta[0, i], theta[1, i], theta[2, i], theta[3, i])
        aim = (teacher[0, i], teacher[1, i], teacher[2, i], teacher[3, i])
        lo, hi = inputs[0, i], inputs[1, i]
        for _ in range(steps):
            k1 = gradient(y, aim, lo, hi)
            k2 = gradient(moved(y, 0.5 * h, k1), aim, lo, hi)
            k3 = gradient(moved(y, 0.5 * h, k2), aim, lo, hi)
            k4 = gradient(moved(y, h, k3), aim, lo, hi)
            y = moved(moved(moved(moved(y, h / 6.0, k1), h / 3.0, k2), h / 3.0, k3), h / 6.0, k4)
        for p in range(4):
            found[p, i] = y[p]
    return found


def flow(starts: Starts, t: float, steps: int) -> Array:
    """Return the parameters at a time, after so many equal steps."""
    return np.asarray(ends(*starts, t, steps))
