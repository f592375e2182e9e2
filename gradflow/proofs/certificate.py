"""The certificate K that a balanced ReLU neuron is not critical (derivation 9), from its gradient.

With the active part A and the rest B of the input, K is the mean of f* over B minus the value, at the
breakpoint, of the least-squares line through f* on A.
"""

from __future__ import annotations

import sympy

from gradflow.proofs import integrals
from gradflow.proofs.cells import (
    LENGTH,
    Cell,
    Expr,
    Place,
    b1,
    hi,
    lo,
    p,
    q,
    s_minus,
    s_plus,
    w1,
    w2,
    wt1,
    wt2,
)

s = sympy.Symbol("s", nonzero=True)
"""The slope of φ(z) = s max(z, 0)."""

RELU = {s_minus: sympy.Integer(0), s_plus: s}


def nonzero(place: Place) -> Place:
    """Return the place with w2 and w2ᵀ not 0 (w1ᵀ is not, by its kind, or stands for a slope that is not)."""
    signs = {symbol: sympy.Symbol(f"nonzero_{symbol}", nonzero=True) for symbol in (w2, wt2)}
    given = wt1 in place.signs and place.signs[wt1].is_nonzero
    slope = {} if given else {wt1: sympy.Symbol("slope", nonzero=True)}
    return Place(place.name, place.compact, place.signs | signs | slope)


def value_at_breakpoint(end: Expr, length: Expr, side: int, mean: Expr, moment: Expr) -> Expr:
    """Return g(end) of an affine g on A, which goes from `end` to `side`, from E[g 1_A] and E[g 1_A x]."""
    return LENGTH / length * ((4 + 6 * side * end / length) * mean - 6 * side / length * moment)


def gradient(cell: Cell) -> list[Expr]:
    """Return the closed-form gradient for s₋ = 0 and s₊ = s."""
    return [entry.xreplace(RELU) for entry in integrals.gradient(cell)]


def sides(cell: Cell) -> tuple[Expr, Expr]:
    """Return the lengths of the active and the inactive part."""
    lengths = (hi + b1 / w1, -b1 / w1 - lo)
    return lengths if cell.student.sign > 0 else lengths[::-1]


def certificate(cell: Cell) -> Expr:
    """Return K, from the gradient."""
    g = gradient(cell)
    moment, mean, total = g[0] / (2 * s * w2), g[1] / (2 * s * w2), g[3] / 2
    active, rest = sides(cell)
    at = value_at_breakpoint(-b1 / w1, active, cell.student.sign, mean, moment)
    return at - LENGTH / rest * (total - mean)


def size_of_certificate(cell: Cell) -> Expr:
    """Return the stated form of |K/(s w1ᵀ w2ᵀ)|, up to its sign."""
    at, side = -b1 / w1, cell.student.sign
    active, rest = sides(cell)
    if not cell.teacher.sign:
        return rest / 2
    inner, outer = (q - lo, hi - q) if side > 0 else (hi - q, q - lo)
    away = side * (q - at)
    in_active = (cell.points.index(q) > cell.points.index(p)) == (side > 0)
    if cell.teacher.sign == side:
        return outer**2 * away / active**2 if in_active else away * (rest + inner) / (2 * rest)
    return outer**2 * away / active**2 + rest / 2 if in_active else inner**2 / (2 * rest)
