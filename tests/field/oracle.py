"""The defining integrals at 50 digits, from the exact binary values of the inputs.

Nothing here comes from gradflow. The input is cut at the student's and the teacher's breakpoint and at
0; on each piece every integrand (and its absolute value) is a polynomial of degree at most 2, and three
Gauss–Legendre nodes are exact up to degree 5. What is left is the rounding of 50-digit arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import mpmath

MP: Any = mpmath.mp.clone()
MP.dps = 50
mpf = MP.mpf

_OUTER = MP.sqrt(mpf(3) / 5)
# Node and weight; the weights sum to 1, so a piece contributes its mean times its share of the input.
RULE = ((-_OUTER, mpf(5) / 18), (mpf(0), mpf(8) / 18), (_OUTER, mpf(5) / 18))


class Exact(NamedTuple):
    """50-digit values, and for each the sum of the absolute values of its integrand's terms (floats)."""

    loss: Any
    gradient: list[Any]
    hessian: list[list[Any]]
    loss_scale: float
    gradient_scale: list[float]
    hessian_scale: list[list[float]]


def breakpoint_of(w: Any, b: Any) -> Any:
    """Return −b/w, or None for a constant pre-activation."""
    return None if w == 0 else -b / w


def cuts(theta: Sequence[Any], teacher: Sequence[Any], lo: Any, hi: Any) -> list[Any]:
    """Return lo, hi and, between them, 0 and both breakpoints, in order."""
    inner = (mpf(0), breakpoint_of(theta[0], theta[1]), breakpoint_of(teacher[0], teacher[1]))
    return sorted({lo, hi, *(p for p in inner if p is not None and lo < p < hi)})


def integrate(
    neuron: Sequence[Any], teacher: Sequence[Any], lo: Any, hi: Any, slopes: tuple[float, float]
) -> Exact:
    """Return loss, gradient and Hessian of one neuron, and the scale of each entry.

    The terms of the residual are w2 φ(z), b2, w2ᵀ φ(zᵀ) and b2ᵀ; z itself is not split.
    """
    w1, b1, w2, b2 = theta = [mpf(v) for v in neuron]
    v1, c1, v2, c2 = aim = [mpf(v) for v in teacher]
    lo, hi = mpf(lo), mpf(hi)
    sides = [mpf(s) for s in slopes]
    points = cuts(theta, aim, lo, hi)
    totals = [mpf(0)] * 14
    sizes = _Sizes(float(w2), abs(float(b2)), float(v2), abs(float(c2)))
    for left, right in pairwise(points):
        middle, half = (left + right) / 2, (right - left) / 2
        s = sides[w1 * middle + b1 > 0]
        t = sides[v1 * middle + c1 > 0]
        for node, weight in RULE:
            x, mass = middle + half * node, weight * (right - left) / (hi - lo)
            phi, phi_t = s * (w1 * x + b1), t * (v1 * x + c1)
            r = (w2 * phi + b2) - (v2 * phi_t + c2)
            sr, sx, sphi = s * r, s * x, s * phi
            products = (
                *(r * r, sr * x, sr, r * phi, r),
                *(sx * sx, s * sx, s * s, sphi * x, sphi, sx, s),
                *(phi * phi, phi),
            )
            totals = [total + mass * product for total, product in zip(totals, products, strict=True)]
            sizes.add(float(x), float(mass), float(s), float(phi), float(phi_t))
    rr, sxr, sr, phi_r, r_, sxsx, ssx, ss, s_phi_x, s_phi, sx, s_, phi_phi, phi_ = totals
    upper = {
        (0, 0): w2 * w2 * sxsx,
        (0, 1): w2 * w2 * ssx,
        (0, 2): w2 * s_phi_x + sxr,
        (0, 3): w2 * sx,
        (1, 1): w2 * w2 * ss,
        (1, 2): w2 * s_phi + sr,
        (1, 3): w2 * s_,
        (2, 2): phi_phi,
        (2, 3): phi_,
        (3, 3): mpf(1),
    }
    p = breakpoint_of(w1, b1)
    if p is not None and lo < p < hi:  # E[r w2 φ″(z) (x², x, 1)]: a point mass at the breakpoint
        aim_at_p = v2 * sides[v1 * p + c1 > 0] * (v1 * p + c1)
        mass = (sides[1] - sides[0]) * w2 / (abs(w1) * (hi - lo))
        size = abs(float(mass)) * (sizes.b2 + abs(float(aim_at_p)) + sizes.c2)
        for at, power in (((0, 0), p * p), ((0, 1), p), ((1, 1), mpf(1))):
            upper[at] += mass * (b2 - aim_at_p - c2) * power
            sizes.hessian[at] += 2 * size * abs(float(power))
    return Exact(
        rr,
        [2 * w2 * sxr, 2 * w2 * sr, 2 * phi_r, 2 * r_],
        [[2 * upper[min(i, j), max(i, j)] for j in range(4)] for i in range(4)],
        sizes.loss,
        sizes.gradient,
        [[sizes.hessian[min(i, j), max(i, j)] for j in range(4)] for i in range(4)],
    )


class _Sizes:
    """Sums of absolute values; a few digits of them are enough, so floats do."""

    def __init__(self, w2: float, b2: float, v2: float, c2: float) -> None:
        self.w2, self.b2, self.v2, self.c2 = w2, b2, v2, c2
        self.loss = 0.0
        self.gradient = [0.0] * 4
        self.hessian = {(i, j): 0.0 for i in range(4) for j in range(i, 4)}

    def add(self, x: float, mass: float, s: float, phi: float, phi_t: float) -> None:
        size = abs(self.w2 * phi) + self.b2 + abs(self.v2 * phi_t) + self.c2
        df = (abs(self.w2 * s * x), abs(self.w2 * s), abs(phi), 1.0)
        self.loss += mass * size * size
        for i in range(4):
            self.gradient[i] += 2 * mass * size * df[i]
        for i, j in self.hessian:
            self.hessian[i, j] += 2 * mass * df[i] * df[j]
        self.hessian[0, 2] += 2 * mass * size * abs(s * x)
        self.hessian[1, 2] += 2 * mass * size * abs(s)
