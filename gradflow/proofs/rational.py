"""Expansion of a rational expression over one denominator: how an identity is decided.

SymPy's `together` and `expand` decide the same, several times slower.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import sympy

from gradflow.proofs.cells import Expr


def is_zero(expression: Expr) -> bool:
    """Whether a rational expression with rational coefficients is identically 0."""
    symbols = sorted(expression.free_symbols, key=str)
    if not symbols:
        return bool(expression == 0)
    return not fraction(expression, sympy.ring(symbols, sympy.QQ)[0]).numerator


class Fraction(NamedTuple):
    """A numerator in a polynomial ring over Q, over powers of polynomials; nothing is cancelled."""

    numerator: Expr
    denominator: dict[Expr, int]


@functools.lru_cache(maxsize=20_000)
def fraction(expression: Expr, ring: Expr) -> Fraction:
    """Expand a rational expression over one denominator."""
    if expression.is_Add or expression.is_Mul:
        parts = [fraction(argument, ring) for argument in expression.args]
        total = Fraction(ring(int(expression.is_Mul)), {})
        for part in parts:
            total = (_sum if expression.is_Add else _product)(total, part)
        return total
    if not expression.is_Pow:
        return Fraction(ring.from_expr(expression), {})
    if not expression.exp.is_Integer:
        raise ValueError(f"expected a rational expression, got the power {expression}")
    base, power = fraction(expression.base, ring), int(expression.exp)
    if power >= 0:
        return Fraction(base.numerator**power, {d: k * power for d, k in base.denominator.items()})
    # One representative for a denominator and its multiples: hi − lo and lo − hi are the same.
    leading = base.numerator.LC
    numerator = ring(1) / leading**-power
    for d, k in base.denominator.items():
        numerator *= d ** (-k * power)
    return Fraction(numerator, {base.numerator.quo_ground(leading): -power})


def _product(a: Fraction, b: Fraction) -> Fraction:
    powers = {d: a.denominator.get(d, 0) + b.denominator.get(d, 0) for d in a.denominator | b.denominator}
    return Fraction(a.numerator * b.numerator, powers)


def _sum(a: Fraction, b: Fraction) -> Fraction:
    common = {d: max(a.denominator.get(d, 0), b.denominator.get(d, 0)) for d in a.denominator | b.denominator}
    numerator = 0
    for part in (a, b):
        scaled = part.numerator
        for d, k in common.items():
            scaled = scaled * d ** (k - part.denominator.get(d, 0))
        numerator = numerator + scaled
    return Fraction(numerator, common)
