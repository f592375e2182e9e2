"""The flow z′ = G z − |z|² z of what moves upstream of a dead neuron, and when it first passes a wall.

The closed form, and bounds of it on intervals of time, are those of ``derivations/18_upstream.py``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_TRIALS = 20_000
"""Intervals that are looked at before a trajectory that grazes its wall is given up."""


class Flow(NamedTuple):
    """z(t) = exp(Gt) z(0)/√D(t), in coordinates along and across (p, q), exp(−λt) taken out of both."""

    kappa: np.ndarray
    lam: np.ndarray
    gap: np.ndarray  # λ − κ
    axes: tuple[np.ndarray, np.ndarray]  # (p, q)/Y
    plus: tuple[np.ndarray, np.ndarray]  # the components of ((a, c) along, d) that belong to λ, and to −λ
    minus: tuple[np.ndarray, np.ndarray]
    across: np.ndarray

    @classmethod
    def of(cls, a: np.ndarray, c: np.ndarray, d: np.ndarray, slope: np.ndarray, level: np.ndarray) -> Flow:
        """Decompose z(0) = (a, c, d), for a teacher's best line; all of one shape."""
        size = np.hypot(slope, level)
        safe = np.where(size > 0.0, size, 1.0)
        ey, ez = np.where(size > 0.0, slope / safe, 1.0), level / safe
        length = np.hypot(a, c)
        kappa = (length - np.abs(d)) * (length + np.abs(d))
        lam = np.hypot(kappa, 2.0 * size)
        wide = lam + np.abs(kappa)
        # λ − |κ| without cancellation.
        narrow = 4.0 * size**2 / np.where(wide > 0.0, wide, 1.0)
        ux, uy = np.where(kappa >= 0.0, wide, 2.0 * size), np.where(kappa >= 0.0, 2.0 * size, wide)
        norm = np.hypot(ux, uy)
        ux = np.where(norm > 0.0, ux, 1.0)
        norm = np.where(norm > 0.0, norm, 1.0)
        ux, uy = ux / norm, uy / norm
        along, across = a * ey + c * ez, c * ey - a * ez
        ahead, behind = along * ux + d * uy, d * ux - along * uy
        return cls(
            kappa,
            lam,
            np.where(kappa >= 0.0, narrow, wide),
            (ey, ez),
            (ahead * ux, ahead * uy),
            (-behind * uy, behind * ux),
            across,
        )

    def flat(self) -> Flow:
        """Return the same with one axis."""
        parts = (tuple(v.ravel() for v in p) if isinstance(p, tuple) else p.ravel() for p in self)
        return Flow._make(parts)

    def at(self, which: np.ndarray) -> Flow:
        """Return some of them."""
        parts = (tuple(v[which] for v in p) if isinstance(p, tuple) else p[which] for p in self)
        return Flow._make(parts)

    def square(self, t0: np.ndarray, t1: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return bounds of exp(−2λt) D(t) for t0 ≤ t ≤ t1: the value itself where both are equal."""
        ahead = self.plus[0] ** 2 + self.plus[1] ** 2
        behind, across = self.minus[0] ** 2 + self.minus[1] ** 2, self.across**2
        fade0, fade1 = _decay(2.0 * self.lam, t0), _decay(2.0 * self.lam, t1)
        grow0, grow1 = _growth(self.lam, t0), _growth(self.lam, t1)
        side0, side1 = _growth(np.abs(self.kappa), t0), _growth(np.abs(self.kappa), t1)
        slow = 2.0 * np.where(self.kappa > 0.0, self.gap, self.lam)
        slow0, slow1 = _decay(slow, t0), _decay(slow, t1)
        low = fade1 + ahead * grow0 + behind * fade1 * grow0 + across * slow1 * side0
        high = (
            fade0 + _product(ahead, grow1) + _product(behind * fade0, grow1) + _product(across * slow0, side1)
        )
        return low, high


def _decay(speed: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return exp(−speed t), 1 for the speed 0 also at t = ∞."""
    return np.asarray(np.exp(-np.where(speed == 0.0, 0.0, speed) * np.where(speed == 0.0, 0.0, t)))


def _growth(speed: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return (1 − exp(−2 speed t))/speed, which is 2t for the speed 0."""
    still = speed * np.where(np.isinf(t), 1.0, t) < 1e-300
    safe = np.where(still, 1.0, speed)
    return np.asarray(np.where(still, 2.0 * t, -np.expm1(-2.0 * safe * np.where(still, 0.0, t)) / safe))


def _product(factor: np.ndarray, grown: np.ndarray) -> np.ndarray:
    """Return a product that is 0 where the first factor is."""
    return np.asarray(np.where(factor == 0.0, 0.0, factor * np.where(factor == 0.0, 0.0, grown)))


def first_active(flow: Flow, w1: np.ndarray, b1: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the first time at which w1 (a e + c) + b1 > 0, for flat arrays; ∞ for never, NaN if unknown."""
    ey, ez = flow.axes
    to, side = w1 * (end * ey + ez), w1 * (ey - end * ez)
    terms = (to * flow.plus[0], to * flow.minus[0], side * flow.across)
    found = np.full(w1.shape, np.nan)
    left = np.flatnonzero(~np.isnan(flow.lam + to + side + b1))
    t, step = np.zeros(left.size), 0.1 / (1.0 + flow.lam[left])
    for _ in range(_TRIALS):
        if not left.size:
            break
        part, its = flow.at(left), [term[left] for term in terms]
        for_ever = _excluded(part, its, b1[left], t, np.inf * np.ones_like(t))
        free = _excluded(part, its, b1[left], t, t + step)
        t = np.where(free, t + step, t)
        step = np.where(free, 2.0 * step, 0.5 * step)
        there = ~for_ever & (step <= 1e-14 * t + 1e-300)
        found[left[for_ever]], found[left[there]] = np.inf, t[there]
        keep = ~for_ever & ~there
        left, t, step = left[keep], t[keep], step[keep]
    return found


def _excluded(
    flow: Flow, terms: list[np.ndarray], b1: np.ndarray, t0: np.ndarray, t1: np.ndarray
) -> np.ndarray:
    """Whether bounds keep the pre-activation ≤ 0 from t0 to t1."""
    level, fading, slow = terms
    fade = np.where(fading > 0.0, _decay(2.0 * flow.lam, t0), _decay(2.0 * flow.lam, t1))
    side = np.where(slow > 0.0, _decay(flow.gap, t0), _decay(flow.gap, t1))
    low, high = flow.square(t0, t1)
    size = np.sqrt(np.where(b1 > 0.0, high, low))
    return np.asarray(level + fading * fade + slow * side + _product(b1, size) <= 0.0)
