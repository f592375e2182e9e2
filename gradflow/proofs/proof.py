"""How a claim is proved by machine: zero by expansion, sign by assumptions, integral by antiderivative.

Nothing is sampled. A `Proof` collects what was checked; a check that fails is recorded, not raised, so
that the reader sees all of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import NamedTuple

import sympy

from gradflow.proofs.cells import LENGTH, Cell, Expr, Piece, Place, x
from gradflow.proofs.rational import is_zero

NOWHERE = Place("", {}, {})


class Check(NamedTuple):
    """One thing that was computed: the claim, the case it was checked on, and whether it holds."""

    claim: str
    case: str
    holds: bool


class UndecidedSignError(ArithmeticError):
    """The assumptions do not decide a sign."""


class Proof:
    """A list of checks that grows as a derivation goes on."""

    def __init__(self) -> None:
        self.checks: list[Check] = []

    def holds(self, claim: str, truth: bool, place: Place = NOWHERE) -> None:
        """Record a claim that was decided elsewhere."""
        self.checks.append(Check(claim, place.name, bool(truth)))

    def equal(self, claim: str, left: Expr, right: Expr, place: Place = NOWHERE) -> None:
        """Record whether two expressions, matrices or sequences of expressions are equal on a place.

        If one of them may divide by 0 there, they are not.
        """
        differences = {a - b for a, b in zip(_entries(left), _entries(right), strict=True)}
        try:
            equal = bool(differences) and all(vanishes(difference, place) for difference in differences)
        except UndecidedSignError:
            equal = False
        self.holds(claim, equal, place)

    def mean(self, cell: Cell, integrand: Callable[[Piece, Expr], Expr]) -> Expr:
        """Return E of a function that is a polynomial on every piece, from the defining integral.

        On each piece an antiderivative is evaluated at both ends. That it is one is recorded.
        """
        place = cell.place
        total, verified = sympy.Integer(0), True
        for piece in cell.pieces:
            polynomial = integrand(piece, x).xreplace(place.compact)
            primitive = antiderivative(polynomial)
            verified = verified and is_zero(primitive.diff(x) - polynomial)
            ends = (end.xreplace(place.compact) for end in (piece.right, piece.left))
            upper, lower = (primitive.xreplace({x: end}) for end in ends)
            total += upper - lower
        self.holds("each antiderivative differentiates back to its integrand", verified, place)
        return total / LENGTH


def antiderivative(polynomial: Expr) -> Expr:
    """Return the antiderivative in x of a polynomial in x that is 0 at x = 0."""
    coefficients = sympy.Poly(polynomial, x).all_coeffs()[::-1]
    return sum((c * x ** (k + 1) / (k + 1) for k, c in enumerate(coefficients)), sympy.Integer(0))


def vanishes(expression: Expr, place: Place = NOWHERE) -> bool:
    """Whether a rational expression is identically 0 on a place.

    Nothing that is divided by may vanish anywhere on the place; then it is 0 exactly when its numerator
    over a common denominator expands to 0.

    Raises
    ------
    UndecidedSignError
        If a denominator may vanish.
    """
    value = sympy.sympify(expression).xreplace(place.compact)
    for base in {power.base for power in value.atoms(sympy.Pow) if not power.exp.is_nonnegative}:
        if not positive_factors(base.xreplace(place.signs)).is_nonzero:
            raise UndecidedSignError(f"the denominator {base} may vanish on {place.name or 'the reals'}")
    return is_zero(value)


def sign(expression: Expr, place: Place) -> int:
    """Return −1, 0 or 1, the sign that an expression has on the whole of a place.

    Raises
    ------
    UndecidedSignError
        If the assumptions do not decide it.
    """
    value = positive_factors(sympy.sympify(expression).xreplace(place.compact).xreplace(place.signs))
    for answer, decided in ((0, value.is_zero), (1, value.is_positive), (-1, value.is_negative)):
        if decided:
            return answer
    raise UndecidedSignError(f"the sign of {expression} is not decided on {place.name}")


def known_sign(expression: Expr, place: Place) -> int:
    """Return `sign`, 0 also where the assumptions do not decide it."""
    try:
        return sign(expression, place)
    except UndecidedSignError:
        return 0


@functools.cache
def positive_factors(expression: Expr) -> Expr:
    """Factor an expression, so that its sign can be read off those of its factors."""
    return sympy.factor(expression)


def _entries(value: Expr) -> list[Expr]:
    if isinstance(value, sympy.MatrixBase):
        return list(value)
    return list(value) if isinstance(value, Iterable) else [value]
