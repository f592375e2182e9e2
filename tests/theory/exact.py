"""What theorems say of one neuron, in exact arithmetic: every float is the rational number that it is.

Nothing of gradflow's is used: integrals of piecewise polynomials from their values, roots enclosed by
integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import isqrt

ZERO, ONE = Fraction(0), Fraction(1)
BITS = 256


def root(value: Fraction) -> tuple[Fraction, Fraction]:
    """Enclose the root of a number ≥ 0, to about 2^-256 of it."""
    if value == 0:
        return ZERO, ZERO
    shift = max(0, BITS - (value.numerator.bit_length() - value.denominator.bit_length()) // 2)
    scaled = (value.numerator << (2 * shift)) // value.denominator
    below = isqrt(scaled)
    return Fraction(below, 1 << shift), Fraction(below + 1, 1 << shift)


@dataclass(frozen=True)
class Case:
    """A neuron, a teacher and an interval, as rational numbers, and the slopes of both."""

    theta: tuple[Fraction, ...]
    teacher: tuple[Fraction, ...]
    lo: Fraction
    hi: Fraction
    slopes: tuple[Fraction, Fraction]

    @staticmethod
    def of(theta: object, teacher: object, lo: float, hi: float, slopes: object) -> Case:
        """Return the case that floats are."""

        def exactly(values: object) -> tuple[Fraction, ...]:
            return tuple(Fraction(float(v)) for v in values)  # type: ignore[attr-defined]

        low, high = exactly(slopes)
        return Case(exactly(theta), exactly(teacher), Fraction(float(lo)), Fraction(float(hi)), (low, high))

    # --- the pieces -----------------------------------------------------------------------------

    def phi(self, z: Fraction) -> Fraction:
        return (self.slopes[1] if z > 0 else self.slopes[0]) * z

    def output(self, neuron: tuple[Fraction, ...], x: Fraction) -> Fraction:
        w1, b1, w2, b2 = neuron
        return w2 * self.phi(w1 * x + b1) + b2

    def breakpoint(self, neuron: tuple[Fraction, ...]) -> Fraction | None:
        """Return the breakpoint of a neuron if it is strictly inside the input."""
        if neuron[0] == 0:
            return None
        at = -neuron[1] / neuron[0]
        return at if self.lo < at < self.hi else None

    @property
    def length(self) -> Fraction:
        return self.hi - self.lo

    def mean_of_product(self, f: object, g: object, cuts: list[Fraction]) -> Fraction:
        """Return E[f g] of functions that are linear between cuts."""
        total = ZERO
        for a, b in pairwise(cuts):
            (f0, f1), (g0, g1) = ((h(a), h(b)) for h in (f, g))  # type: ignore[operator]
            total += (b - a) * ((f0 + f1) * (g0 + g1) + f0 * g0 + f1 * g1)
        return total / 6 / self.length

    @cached_property
    def teacher_cuts(self) -> list[Fraction]:
        at = self.breakpoint(self.teacher)
        return [self.lo, *([] if at is None else [at]), self.hi]

    @cached_property
    def loss(self) -> Fraction:
        at = self.breakpoint(self.theta)
        cuts = sorted({*self.teacher_cuts, *([] if at is None else [at])})
        residual = [self.output(self.theta, x) - self.output(self.teacher, x) for x in cuts]
        total = ZERO
        for (a, b), (r0, r1) in zip(pairwise(cuts), pairwise(residual), strict=True):
            total += (b - a) * (r0 * r0 + r0 * r1 + r1 * r1)
        return total / 3 / self.length

    @cached_property
    def gradient(self) -> tuple[Fraction, ...]:
        """Return ∇L of a neuron whose breakpoint is not at an end of the input."""
        w1, b1, w2, _ = self.theta
        at = self.breakpoint(self.theta)
        cuts = sorted({*self.teacher_cuts, *([] if at is None else [at])})
        sums = [ZERO] * 4
        for a, b in pairwise(cuts):
            steep = self.slopes[1] if w1 * (a + b) / 2 + b1 > 0 else self.slopes[0]
            r = [self.output(self.theta, x) - self.output(self.teacher, x) for x in (a, b)]
            factors = (
                (w2 * steep * a, w2 * steep * b),
                (w2 * steep, w2 * steep),
                (steep * (w1 * a + b1), steep * (w1 * b + b1)),
                (ONE, ONE),
            )
            for i, (g0, g1) in enumerate(factors):
                sums[i] += (b - a) * ((r[0] + r[1]) * (g0 + g1) + r[0] * g0 + r[1] * g1)
        return tuple(entry / 3 / self.length for entry in sums)

    # --- the lines ------------------------------------------------------------------------------

    @cached_property
    def mean_x(self) -> Fraction:
        return (self.lo + self.hi) / 2

    @cached_property
    def variance_x(self) -> Fraction:
        return self.length**2 / 12

    def _f(self, x: Fraction) -> Fraction:
        return self.output(self.teacher, x)

    @cached_property
    def mean(self) -> Fraction:
        return self.mean_of_product(self._f, lambda _: ONE, self.teacher_cuts)

    @cached_property
    def slope(self) -> Fraction:
        centred = self.mean_of_product(self._f, lambda x: x - self.mean_x, self.teacher_cuts)
        return centred / self.variance_x

    @cached_property
    def constant_loss(self) -> Fraction:
        return self.mean_of_product(self._f, self._f, self.teacher_cuts) - self.mean**2

    @cached_property
    def line_loss(self) -> Fraction:
        return self.constant_loss - self.slope**2 * self.variance_x

    def residuals(self, s: Fraction) -> tuple[Fraction, Fraction]:
        w1, b1, w2, b2 = self.theta
        return s * w1 * w2 - self.slope, s * w2 * (w1 * self.mean_x + b1) + b2 - self.mean

    def excess(self, s: Fraction) -> Fraction:
        rho1, rho0 = self.residuals(s)
        return self.variance_x * rho1**2 + rho0**2

    def least_contraction(self, s: Fraction) -> Fraction:
        """Return a lower bound of c² = s² κ, to about 2^-250."""
        trace = self.variance_x + self.mean_x**2 + 1
        return s * s * 2 * self.variance_x / (trace + root(trace**2 - 4 * self.variance_x)[1])

    # --- the hypotheses -------------------------------------------------------------------------

    @cached_property
    def ends(self) -> tuple[Fraction, Fraction]:
        w1, b1 = self.theta[:2]
        return w1 * self.lo + b1, w1 * self.hi + b1

    @property
    def is_dead(self) -> bool:
        return max(self.ends) <= 0

    @property
    def is_balanced(self) -> bool:
        return min(self.ends) < 0 < max(self.ends)

    @property
    def has_barriers(self) -> bool:
        inside = self.breakpoint(self.teacher) is not None
        return self.slopes[0] == 0 and self.slopes[1] != 0 and inside and self.teacher[2] != 0

    def reaches_teacher(self) -> bool:
        return self.has_barriers and self.is_balanced and self.loss < self.line_loss

    def never_constant(self) -> bool:
        return self.has_barriers and not self.is_dead and self.loss < self.constant_loss

    def side(self) -> tuple[Fraction, int] | None:
        """Return the slope and the sign of a pre-activation that is of one sign on the whole input."""
        if min(self.ends) > 0:
            return self.slopes[1], 1
        return (self.slopes[0], -1) if max(self.ends) < 0 else None

    def trapped(self) -> bool:
        """Return whether √e/c < |w2| d − d²/2 (or d ≥ |w2| ≥ √(2√e/c)) for both distances d to the walls."""
        side = self.side()
        if side is None or side[0] == 0 or self.theta[2] == 0:
            return False
        s, w = side[0], abs(self.theta[2])
        ratio = root(self.excess(s) / self.least_contraction(s))[1]
        if w * w < 2 * ratio:
            return False
        for z, end in zip(self.ends, (self.lo, self.hi), strict=True):
            d = root(z * z / (1 + end * end))[0]
            if d < w and ratio >= w * d - d * d / 2:
                return False
        return True

    def remaining_path(self, s: Fraction) -> Fraction | None:
        """Return ℓ rounded down (to about 2^-120); None: ∞."""
        w = abs(self.theta[2])
        least = self.least_contraction(s) * (1 + Fraction(1, 1 << 200)) if s else ZERO
        if least == 0 or w == 0:
            return None
        twice = 2 * root(self.excess(s) / least)[0]
        room = w * w - twice
        return None if room < 0 else twice / (w + root(room)[1])

    def trapped_by_signs(self) -> bool:
        side = self.side()
        w1, _, w2, _ = self.theta
        if side is None or side[0] == 0 or w1 == 0 or w2 == 0:
            return False
        s, sign = side
        rising, upward = (1 if sign * w1 > 0 else -1), (1 if sign * s * w2 > 0 else -1)
        rho1, rho0 = self.residuals(s)
        near = self.lo if rising > 0 else -self.hi
        rho1, rho0, aim = rising * upward * rho1, upward * rho0, rising * upward * self.slope
        if aim <= 0 or rho1 < 0:
            return False
        in_cone = self.in_cone(near, rising * self.mean_x, rho1, rho0)
        return in_cone or (self.mean_x == 0 and self.far_outside(near, s, sign, rho1, rho0))

    def in_cone(self, near: Fraction, m: Fraction, rho1: Fraction, rho0: Fraction) -> bool:
        """Return whether the errors are in the cone of derivation 13, its lower edge rounded outwards."""
        V, g, delta = self.variance_x, 1 + near * m, m - near
        if near > 0 or g < 0:
            return False
        wide = g * delta >= -V * near
        upper = -V * near / g if wide and near < 0 else ZERO
        if rho0 > upper * rho1:
            return False
        if m >= 0:
            return True
        bend = 1 + m * m - V
        edge = (bend + root(bend * bend + 4 * V * m * m)[1]) / (-2 * m)
        return wide and edge * delta >= V and rho0 >= -edge * rho1

    def far_outside(self, near: Fraction, s: Fraction, sign: int, rho1: Fraction, rho0: Fraction) -> bool:
        """Return whether derivation 13 (5) applies, all roots rounded in its favour."""
        V, w1, b1, w2 = self.variance_x, abs(self.theta[0]), self.theta[1] * sign, abs(s * self.theta[2])
        if V > 1 or rho0 <= 0:
            return False

        def highest(k: Fraction) -> Fraction:
            below, above = root(k)
            return w2 / (k + w2 * w2) if w2 < below else 1 / (2 * above)

        least, steep = max(b1 - rho0 * highest(ONE), ZERO) * abs(s), abs(s) * w1
        R = 1 + (1 - V) * (self.slope / w1) ** 2 - V * steep**2
        at = max(least, root(R)[1]) if R >= 0 else least
        edge = -near
        if at > 0 and at * at + R >= 0:
            half = (at + R / at) / (2 * steep)
            edge = max(edge, half + root(half * half + V)[1])
        z = min(self.ends, key=abs) * sign
        return rho0 <= edge * rho1 and z > rho0 * highest(1 + least * least)

    def fading_rate(self) -> tuple[Fraction, Fraction] | None:
        """Return the square of derivation 31's rate, and its margin; None where it claims nothing."""
        w1, b1, w2, b2 = self.theta
        s = self.slopes[1]
        if self.slopes[0] != 0 or s == 0 or not self.is_balanced or w2 == 0:
            return None
        right, up = w1 > 0, 1 if s * w2 > 0 else -1
        end, z, at = (self.hi if right else self.lo), max(self.ends), -b1 / w1
        share = abs(s * w2) * z * z / (2 * self.length * abs(w1))
        knot = self.breakpoint(self.teacher)
        points = [at, end, *([knot] if knot is not None and min(at, end) <= knot <= max(at, end) else [])]
        margin = min(up * b2, up * self.mean - share) - max(up * self._f(x) for x in points)
        rest = w2 * w2 - z * z / (1 + end * end)
        turned = 1 + at * end
        if turned <= 0 or rest <= 0 or margin <= 0:
            return None
        kappa = min(turned, 1 + end * end)
        square = 4 * s * s * rest * (margin * kappa / self.length) ** 2 / (w1 * w1 + b1 * b1)
        return square, margin

    @property
    def balance(self) -> Fraction:
        w1, b1, w2, _ = self.theta
        return w1 * w1 + b1 * b1 - w2 * w2
