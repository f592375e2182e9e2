"""The flow z′ = G z − |z|² z of what moves upstream of a dead neuron, and when it first passes a wall.

The closed form, and bounds of it on intervals of time, are those of ``derivations/18_upstream.py``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_TRIALS = 5_000
"""Intervals that are looked at before a trajectory that grazes its wall is given up."""

_ROUNDING = 1e-15
"""The accuracy of a bound, relative to its terms."""

_LARGE = 1e300


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

    def third(self) -> np.ndarray:
        """Return a bound of |z‴| = |f″ f f + f′ f′ f| for all times, f(z) = G z − |z|² z.

        |z|² ≤ R² = max(|z(0)|², λ), |f| ≤ (λ + R²) R, |f′| ≤ λ + 3R² and |f″| ≤ 6R (derivation 18).
        """
        squares = sum(parts[0] ** 2 + parts[1] ** 2 for parts in (self.plus, self.minus)) + self.across**2
        square = np.maximum(squares, self.lam)
        speed, stretch = (self.lam + square) * np.sqrt(square), self.lam + 3.0 * square
        return np.asarray(6.0 * np.sqrt(square) * speed * speed + stretch * stretch * speed)

    def grown(self, t: np.ndarray) -> np.ndarray:
        """Return exp(−2λt) D(t) − 1 with all digits of a small time."""
        ahead = self.plus[0] ** 2 + self.plus[1] ** 2
        behind = self.minus[0] ** 2 + self.minus[1] ** 2
        slow = _decay(2.0 * np.where(self.kappa > 0.0, self.gap, self.lam), t)
        side = self.across**2 * slow * _growth(np.abs(self.kappa), t)
        both = (ahead + behind * _decay(2.0 * self.lam, t)) * _growth(self.lam, t)
        return np.asarray(np.expm1(-2.0 * self.lam * t) + both + side)

    def state(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return a, c and d; 0 where exp(−2λt) D(t) has underflowed, on the way to a saddle."""
        fade = _decay(2.0 * self.lam, t)
        along, d = (plus + minus * fade for plus, minus in zip(self.plus, self.minus, strict=True))
        across = self.across * _decay(self.gap, t)
        scale = np.sqrt(self.square(t, t)[0])
        safe = np.where(scale > 0.0, scale, np.inf)
        ey, ez = self.axes
        return (along * ey - across * ez) / safe, (along * ez + across * ey) / safe, d / safe


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


class Wall(NamedTuple):
    """A neuron's wall at one end e of the input, z = w1 (a e + c) + b1 ≤ 0; flat arrays.

    `start` is z(0), rounded once; `mean` are p and q.
    """

    flow: Flow
    w1: np.ndarray
    b1: np.ndarray
    end: np.ndarray
    start: np.ndarray
    mean: tuple[np.ndarray, np.ndarray]

    def at(self, which: np.ndarray) -> Wall:
        """Return some of them."""
        w1, b1, end, start = (part[which] for part in self[1:5])
        return Wall(self.flow.at(which), w1, b1, end, start, (self.mean[0][which], self.mean[1][which]))

    def terms(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the terms of (z − b1) √S: constant, times exp(−2λt), and times exp(−(λ − κ)t)."""
        (ey, ez), flow = self.flow.axes, self.flow
        to, side = self.w1 * (self.end * ey + ez), self.w1 * (ey - self.end * ez)
        return to * flow.plus[0], to * flow.minus[0], side * flow.across

    def excluded(self, t0: np.ndarray, t1: np.ndarray) -> np.ndarray:
        """Whether bounds of z √S, with the S of `Flow.square`, keep z ≤ 0 from t0 to t1; t1 may be ∞."""
        flow, (level, fading, slow) = self.flow, self.terms()
        fade = np.where(fading > 0.0, _decay(2.0 * flow.lam, t0), _decay(2.0 * flow.lam, t1))
        side = np.where(slow > 0.0, _decay(flow.gap, t0), _decay(flow.gap, t1))
        low, high = flow.square(t0, t1)
        bias = _product(self.b1, np.sqrt(np.where(self.b1 > 0.0, high, low)))
        noise = _ROUNDING * (np.abs(level) + np.abs(fading * fade) + np.abs(slow * side) + np.abs(bias))
        return np.asarray(level + fading * fade + slow * side + bias <= -noise)

    def value(self, t: np.ndarray) -> np.ndarray:
        """Return z, from what has changed since the start as long as that keeps more digits."""
        flow, (level, fading, slow) = self.flow, self.terms()
        grown = flow.grown(t)
        early = grown > -0.5
        moved = fading * np.expm1(-2.0 * flow.lam * t) + slow * np.expm1(-flow.gap * t)
        root = np.sqrt(np.where(early, 1.0 + grown, 1.0))
        since = self.start + (moved - (level + fading + slow) * grown / (1.0 + root)) / root
        size = np.sqrt(flow.square(t, t)[0])
        whole = level + fading * _decay(2.0 * flow.lam, t) + slow * _decay(flow.gap, t)
        return np.asarray(np.where(early, since, whole / np.where(size > 0.0, size, 1.0) + self.b1))

    def falls(self, t: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Whether z, z′, z″ at t and a bound of |z‴| keep z ≤ 0 for a step."""
        a, c, d = self.flow.state(t)
        p, q, e = *self.mean, self.end
        of_slope, of_level, x = d * a - p, d * c - q, a * e + c
        excess = of_slope * e + of_level
        moved = -2.0 * (a * of_slope + c * of_level)
        rate = -2.0 * self.w1 * d * excess
        # x′ = −2 d excess, and excess′ = d′ x + d x′.
        turn = -2.0 * self.w1 * (moved * (excess + d * x) - 2.0 * d * d * d * excess)
        noise = np.abs(d * e * a) + np.abs(e * p) + np.abs(d * c) + np.abs(q)
        rate = rate + _ROUNDING * np.abs(2.0 * self.w1 * d) * noise
        with np.errstate(over="ignore"):
            bound = np.minimum(np.abs(self.w1) * np.hypot(1.0, e) * self.flow.third(), _LARGE)
            bent = 0.5 * turn + step * bound / 6.0
            here = self.value(t)
            top = here + step * np.maximum(rate + step * np.maximum(bent, 0.0), 0.0)
        return np.asarray((here <= 0.0) & (top <= 0.0))


def first_active(wall: Wall) -> np.ndarray:
    """Return the infimum of the times with z > 0, ∞ for never, NaN if unknown; 0 where z(0) > 0.

    From z(0) = 0 it is 0 unless the neuron moves inwards, by more than rounding.
    """
    lam = wall.flow.lam
    found = np.where(wall.start > 0.0, 0.0, np.nan)
    left = np.flatnonzero(~np.isnan(lam + sum(wall.terms()) + wall.b1) & ~(wall.start > 0.0))
    t, step = np.zeros(left.size), 0.1 / (1.0 + lam[left])
    for _ in range(_TRIALS):
        if not left.size:
            break
        part = wall.at(left)
        for_ever = part.excluded(t, np.inf * np.ones_like(t))
        free = part.excluded(t, t + step) | part.falls(t, step)
        t = np.where(free, t + step, t)
        step = np.where(free, 2.0 * step, 0.5 * step)
        there = ~for_ever & (step <= 1e-14 * t + 1e-140)
        found[left[for_ever]], found[left[there]] = np.inf, t[there]
        keep = ~for_ever & ~there
        left, t, step = left[keep], t[keep], step[keep]
    return found
