"""The population gradient as a user would write it: the peers' formula, independent of gradflow.

Student w2 ReLU(w1 x + b1) + b2, teacher ReLU(x), x uniform on [-1, 1], no factor 1/2. The student is active
on one range [a, b] of the input, found by clipping the breakpoint; all integrals are polynomials in a and b.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Ends = Callable[[Any, Any], tuple[Any, Any]]
Ramp = Callable[[Any], Any]


def gradient(theta: Any, ends: Ends, ramp: Ramp) -> tuple[Any, Any, Any, Any]:
    """Return ∂L/∂(w1, b1, w2, b2).

    Parameters
    ----------
    theta : four numbers, arrays or expressions
    ends : callable
        The active range (a, b) of (w1, b1), clipped to the input.
    ramp : callable
        max(x, 0).
    """
    w1, b1, w2, b2 = theta
    h, hx, hh, hy, s0, s1, t1, t2 = _moments(w1, b1, ends, ramp)
    return (
        2.0 * w2 * (w2 * hx + b2 * s1 - t2),
        2.0 * w2 * (w2 * h + b2 * s0 - t1),
        2.0 * (w2 * hh + b2 * h - hy),
        2.0 * (w2 * h + b2 - 0.25),
    )


def loss(theta: Any, ends: Ends, ramp: Ramp) -> Any:
    """Return L, for those who differentiate it automatically; parameters as `gradient`."""
    w1, b1, w2, b2 = theta
    h, _, hh, hy, *_ = _moments(w1, b1, ends, ramp)
    return w2 * (w2 * hh + 2.0 * (b2 * h - hy)) + b2 * (b2 - 0.5) + 1.0 / 6.0


def _moments(w1: Any, b1: Any, ends: Ends, ramp: Ramp) -> tuple[Any, ...]:
    """Return E[h], E[h x], E[h²], E[h y], and over the active range E[1], E[x], E[y], E[y x]; h = φ(z)."""
    a, b = ends(w1, b1)
    p, q = ramp(a), ramp(b)
    a2, b2, p2, q2 = a * a, b * b, p * p, q * q
    s0, s1, s2 = 0.5 * (b - a), 0.25 * (b2 - a2), (b2 * b - a2 * a) * (1.0 / 6.0)
    t1, t2 = 0.25 * (q2 - p2), (q2 * q - p2 * p) * (1.0 / 6.0)
    h, hx = w1 * s1 + b1 * s0, w1 * s2 + b1 * s1
    return h, hx, w1 * hx + b1 * h, w1 * t2 + b1 * t1, s0, s1, t1, t2


def adam_factors(steps: int, lr: float, beta1: float, beta2: float, eps: float) -> list[tuple[float, float]]:
    """Return (rate, ε) of every update, with the bias corrections in them: θ −= rate · m/(√v + ε)."""
    factors = []
    for k in range(1, steps + 1):
        root = (1.0 - beta2**k) ** 0.5
        factors.append((lr * root / (1.0 - beta1**k), eps * root))
    return factors
