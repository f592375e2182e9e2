"""Whether derivation 30 (4) proves that a neuron dies at the origin, to 80 digits.

The sectors that are tried and the stages of the way are those of `gradflow.theory.origin`: which are tried is
no part of the proof. All that the theorem asks of them is computed anew, from antiderivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import mpmath

from gradflow.theory.origin import LONGER, PARTS, PIECES, STAGES
from tests.theory.exact import Case

Number = Any
DIGITS = 80


class Seen:
    """A neuron and its problem, reflected so that w1 > 0 and s w2 > 0: active on [p, hi]."""

    def __init__(self, case: Case) -> None:
        w1, b1, w2, b2 = (_number(v) for v in case.theta)
        s, lo, hi = (_number(v) for v in (case.slopes[1], case.lo, case.hi))
        turn, flip = (1 if w1 > 0 else -1), (1 if s * w2 > 0 else -1)
        self.lo, self.hi = (lo, hi) if turn > 0 else (-hi, -lo)
        self.p, self.u = -b1 / abs(w1), mpmath.sqrt(w1**2 + b1**2)
        self.s, self.out, self.level = abs(s), abs(s * w2), flip * b2
        self.least = abs(s) * mpmath.sqrt(w2**2 - w1**2 - b1**2)
        self.mean = flip * _number(case.mean)
        knots = [(turn * at, flip * case.output(case.teacher, at)) for at in case.teacher_cuts]
        self.knots = [(_number(x), _number(y)) for x, y in sorted(knots)]

    def f(self, x: Number) -> Number:
        """Return f*, a polygon."""
        for (a, fa), (b, fb) in pairwise(self.knots):
            if x <= b:
                return fa + (fb - fa) * (x - a) / (b - a)
        return self.knots[-1][1]

    def over(self, p: Number, moment: Callable[[Number, Number, Number], Number]) -> Number:
        """Return E[f* g 1_{x > p}], f* = c₀ + c₁ x on each piece, given ∫ (c₀ + c₁ x) g."""
        cuts = [p, *(x for x, _ in self.knots if x > p)]
        total = mpmath.mpf(0)
        for a, b in pairwise(cuts):
            k = (self.f(b) - self.f(a)) / (b - a)
            total += moment(self.f(a) - k * a, k, b) - moment(self.f(a) - k * a, k, a)
        return total / (self.hi - self.lo)

    def fall(self, p: Number, level: Number) -> Number:
        """Return N, E[(level − f*)(x − p) 1_{x > p}]."""

        def moment(c0: Number, c1: Number, x: Number) -> Number:
            return c1 * x**3 / 3 + (c0 - c1 * p) * x**2 / 2 - c0 * p * x

        return level * (self.hi - p) ** 2 / 2 / (self.hi - self.lo) - self.over(p, moment)

    def mass(self, p: Number, level: Number) -> Number:
        """Return E[(level − f*) 1_{x > p}] = −∂N/∂p."""
        return level * (self.hi - p) / (self.hi - self.lo) - self.over(
            p, lambda c0, c1, x: c0 * x + c1 * x**2 / 2
        )

    def turn(self, p: Number, level: Number) -> Number:
        """Return G, E[(level − f*)(1 + p x) 1_{x > p}]."""

        def moment(c0: Number, c1: Number, x: Number) -> Number:
            return c0 * x + (c1 + c0 * p) * x**2 / 2 + c1 * p * x**3 / 3

        own = (self.hi - p) + p * (self.hi**2 - p**2) / 2
        return level * own / (self.hi - self.lo) - self.over(p, moment)

    def own(self, p: Number) -> Number:
        """Return J, E[(x − p)(1 + p x) 1_{x > p}]."""
        h = self.hi - p
        return (h**2 / 2 * (1 + p * p) + p * h**3 / 3) / (self.hi - self.lo)


def dies_at_the_origin(case: Case) -> bool:
    """Return whether a sector is found that the breakpoint cannot leave while u comes to 0."""
    if case.slopes[0] != 0 or case.slopes[1] == 0 or not case.is_balanced or case.balance >= 0:
        return False
    with mpmath.workdps(DIGITS):
        at = Seen(case)
        for left in PARTS:
            for right in PARTS:
                p1 = at.p - left * (at.p - at.lo)
                p2 = at.p + mpmath.mpf(right * 0.999) * (at.hi - at.p)
                if _holds(at, p1, p2):
                    return True
    return False


def _holds(at: Seen, p1: Number, p2: Number) -> bool:
    """Return whether the sector [p1, p2] is a trap, all the way to u = 0."""
    if not (at.turn(p1, at.level) > 0 > at.turn(p2, at.level)):
        return False
    nearest = 0 if p1 < 0 < p2 else min(abs(p1), abs(p2))
    top = max(at.f(x) for x in (p1, p2, *(x for x, _ in at.knots if p1 < x < p2)))
    low = high = at.level
    for stage in range(STAGES):
        u, rest = (at.u * mpmath.mpf(STAGES - k) / STAGES for k in (stage, stage + 1))
        out = mpmath.sqrt(at.least**2 + (at.s * rest) ** 2)
        speed = _speed(at, p1, p2, (low,), at.least, rest, out)
        if speed <= 0:
            return False
        time = LONGER * (u - rest) / speed
        # b2' = −2 (b2 − E f* + E[ω max(z, 0)/s]), where the last mean is at least 0 and at most this.
        lift = at.out * u * (at.hi - p1) ** 2 / 2 / (at.hi - at.lo) / mpmath.sqrt(1 + nearest**2)
        down, up = max(high - at.mean, 0) + lift, max(at.mean - low, 0)
        low, high = low - 2 * time * down, high + min(2 * time, 1) * up
        speed = _speed(at, p1, p2, (low, high), out, rest, out)
        if top > low or speed <= 0 or (u - rest) / speed > time:
            return False
        for p, side in ((p1, 1), (p2, -1)):
            mine = at.out * u / mpmath.sqrt(1 + p * p) * max(-side * at.own(p), 0)
            if any(side * at.turn(p, level) <= mine for level in (low, high)):
                return False
    return True


def _speed(
    at: Seen, p1: Number, p2: Number, levels: tuple[Number, ...], nu: Number, rest: Number, out: Number
) -> Number:
    """Return a bound from below of −u' = 2 ν N/√(1 + p²) + 2 ω² u E[ψ²]/s² on the sector."""
    half, least = (p2 - p1) / PIECES / 2, mpmath.inf
    for level in levels:
        for i in range(PIECES):
            p = p1 + (2 * i + 1) * half
            # N is convex where f* is below b2: it is above its tangents.
            low = at.fall(p, level) - abs(at.mass(p, level)) * half
            far = max(abs(p - half), abs(p + half))
            least = min(least, low if low < 0 else low / mpmath.sqrt(1 + far**2))
    farthest = max(abs(p1), abs(p2))
    bulk = (at.hi - p2) ** 3 / 3 / (at.hi - at.lo) / (1 + farthest**2)
    return 2 * nu * least + 2 * out**2 * rest * bulk


def _number(value: Any) -> Number:
    return mpmath.mpf(value.numerator) / value.denominator
