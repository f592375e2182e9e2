"""Loss and gradient of any two activations by mpmath, from their textbook formulas in 40 digits."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np

from gradflow.neuron.activations import PiecewiseLinear
from gradflow.neuron.problem import Problem

Function = Callable[[Any], Any]

_SMOOTH: dict[str, tuple[Function, Function]] = {
    "silu": (
        lambda z: z / (1 + mpmath.exp(-z)),
        lambda z: (1 + mpmath.exp(-z) * (1 + z)) / (1 + mpmath.exp(-z)) ** 2,
    ),
    "gelu": (lambda z: z * mpmath.ncdf(z), lambda z: mpmath.ncdf(z) + z * mpmath.npdf(z)),
    "softplus": (
        lambda z: mpmath.log1p(mpmath.exp(-abs(z))) + max(z, mpmath.mpf(0)),
        lambda z: 1 / (1 + mpmath.exp(-z)),
    ),
    "tanh": (mpmath.tanh, lambda z: mpmath.sech(z) ** 2),
}


def functions(activation: Any) -> tuple[Function, Function]:
    """Return φ and φ′ on mpmath numbers."""
    if isinstance(activation, PiecewiseLinear):
        low, high = mpmath.mpf(activation.low), mpmath.mpf(activation.high)
        return lambda z: (high if z > 0 else low) * z, lambda z: high if z > 0 else low
    return _SMOOTH[activation.name]


def field(theta: Any, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Return loss and gradient, shape (5,), and the integrals of the absolute values of their terms."""
    with mpmath.workdps(40):
        w1, b1, w2, b2 = map(mpmath.mpf, map(float, theta))
        v1, c1, v2, c2 = map(mpmath.mpf, map(float, problem.teacher))
        lo, hi = mpmath.mpf(float(problem.lo)), mpmath.mpf(float(problem.hi))
        phi, slope = functions(problem.activation)
        taught, _ = functions(problem.teacher_activation)

        def terms(x: Any) -> list[Any]:
            z, out = w1 * x + b1, v2 * taught(v1 * x + c1) + c2
            f = phi(z)
            r = w2 * f + b2 - out
            size = abs(w2 * f) + abs(b2) + abs(out)
            through = w2 * slope(z)
            values = [r * r, 2 * r * through * x, 2 * r * through, 2 * r * f, 2 * r]
            sizes = [size**2, 2 * size * through * x, 2 * size * through, 2 * size * f, 2 * size]
            return [*values, *map(abs, sizes)]

        sums = [mpmath.mpf(0)] * 10
        places = sorted({lo, hi, *_cuts(w1, b1, lo, hi), *_cuts(v1, c1, lo, hi)})
        nodes = _legendre(24)
        for a, b in pairwise(places):
            for u, weight in nodes:
                for i, term in enumerate(terms(a + (b - a) * u)):
                    sums[i] += weight * (b - a) * term
        scaled = np.array([float(s / (hi - lo)) for s in sums])
    return scaled[:5], scaled[5:]


def _cuts(w: Any, b: Any, lo: Any, hi: Any) -> list[Any]:
    """Return the ends of panels much narrower than an activation's distance from its poles."""
    if w == 0:
        return []
    z = sorted((w * lo + b, w * hi + b))
    least = min(max(mpmath.mpf(0), z[0]), z[1])
    near = [mpmath.mpf(k) / 2 for k in range(9)] + [
        mpmath.mpf(5) * mpmath.mpf("1.25") ** k for k in range(24)
    ]
    # A Gaussian's tail far from 0 falls off the faster.
    fine = [d / (1 + abs(least)) for d in near]
    places = [(least + s * d - b) / w for d in (*near, *fine) for s in (-1, 1)] + [-b / w]
    return [x for x in places if lo < x < hi]


_CACHE: dict[int, list[tuple[Any, Any]]] = {}


def _legendre(n: int) -> list[tuple[Any, Any]]:
    """Return Gauss–Legendre nodes and weights on (0, 1) in 40 digits, by Newton's method from NumPy's."""
    if n not in _CACHE:
        rule = []
        for start in np.polynomial.legendre.leggauss(n)[0]:
            x = mpmath.mpf(float(start))
            for _ in range(4):
                p, q = mpmath.mpf(1), x
                for k in range(2, n + 1):
                    p, q = q, ((2 * k - 1) * x * q - (k - 1) * p) / k
                d = n * (x * q - p) / (x * x - 1)
                x -= q / d
            rule.append(((1 + x) / 2, 1 / ((1 - x * x) * d * d)))
        _CACHE[n] = rule
    return _CACHE[n]
