"""Where a wall function changes sign within one step: all roots of the step's polynomial.

Between two accepted steps the solver's dense output is a polynomial of degree at most 7, and so is
every wall function, which is linear in the coordinates. Its Bernstein coefficients bound it, which
clears most steps at once; otherwise the extrema cut the step into monotone parts, so that two
crossings inside one step, or a crossing that only grazes the wall, cannot be missed.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import comb
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq

DEGREE = 7
NODES = 0.5 - 0.5 * np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)
_BASIS = np.array(
    [[comb(DEGREE, k) * s**k * (1 - s) ** (DEGREE - k) for k in range(DEGREE + 1)] for s in NODES]
)
_TO_BERNSTEIN = np.linalg.inv(_BASIS)


class Exit(NamedTuple):
    """A sign change at `s` (0 if the step starts on the wall or beyond it), and how far beyond it goes."""

    s: float
    depth: float


def cleared(values: Any) -> Any:
    """Return whether polynomials with these values (…, 8) at `NODES` are certainly positive on [0, 1]."""
    return np.min(values @ _TO_BERNSTEIN.T, axis=-1) > 0.0


def first_exit(values: Any, evaluate: Callable[[float], float], sign: float) -> Exit | None:
    """Return where a polynomial on [0, 1] first goes to the other side of zero, None if it never does.

    Parameters
    ----------
    values : array, shape (8,)
        The polynomial at `NODES`.
    evaluate : callable
        The polynomial at any s; the root is located on it to rounding.
    sign : float
        +1 or −1: the side on which the trajectory is supposed to be.
    """
    h = sign * values
    if cleared(h):
        return None
    knots = _extrema(h)
    heights = [sign * evaluate(s) for s in knots]
    depth = -min(heights)
    for (s0, h0), (s1, h1) in pairwise(zip(knots, heights, strict=True)):
        if h1 < 0.0:
            return Exit(
                float(brentq(evaluate, s0, s1, xtol=4e-16, rtol=8.9e-16, disp=False)) if h0 > 0.0 else s0,
                depth,
            )
    return None


def _extrema(h: np.ndarray) -> list[float]:
    """Return 0, the interior extrema of the polynomial with these values at the nodes, and 1."""
    coefficients = np.polynomial.chebyshev.chebfit(2.0 * NODES - 1.0, h, DEGREE)
    roots = np.polynomial.chebyshev.chebroots(np.polynomial.chebyshev.chebder(coefficients))
    # A nearly double root may come out as a complex pair: its real part is where a graze would be.
    inner = sorted({float(0.5 * (r.real + 1.0)) for r in roots if abs(r.imag) < 1e-3 and abs(r.real) < 1.0})
    return [0.0, *inner, 1.0]
