"""The numeric field's formulas run on symbols: the same lines, in exact arithmetic.

A number is a SymPy expression. Python floats that the formulas write down (0.5, 3.0, …) are dyadic
rationals and enter exactly. Where an array would compare, the sign is decided by the assumptions of the
place, or the run ends with `UndecidedSignError`: no branch is chosen by chance.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import sympy

from gradflow.field import formulas
from gradflow.proofs.cells import TEACHER, Expr, Place, b1, b2, bt2, hi, lo, s_minus, s_plus, w1, w2
from gradflow.proofs.proof import positive_factors, sign


class Exact:
    """A symbolic number with the operators the formulas use."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = lift(value)

    def __add__(self, other: Any) -> Exact:
        return Exact(self.value + lift(other))

    def __sub__(self, other: Any) -> Exact:
        return Exact(self.value - lift(other))

    def __mul__(self, other: Any) -> Exact:
        return Exact(self.value * lift(other))

    def __truediv__(self, other: Any) -> Exact:
        return Exact(self.value / lift(other))

    def __rsub__(self, other: Any) -> Exact:
        return Exact(lift(other) - self.value)

    def __rtruediv__(self, other: Any) -> Exact:
        return Exact(lift(other) / self.value)

    def __neg__(self) -> Exact:
        return Exact(-self.value)

    __radd__ = __add__
    __rmul__ = __mul__


def lift(value: Any) -> Expr:
    """Return a number as a SymPy expression; a float as the rational it is, to the last bit."""
    if isinstance(value, Exact):
        return value.value
    return sympy.Rational(value) if isinstance(value, float) else sympy.sympify(value)


class Field(NamedTuple):
    """The formulas' results at the parameters of a place."""

    preactivations: list[Expr]
    uncompensated: list[Expr]
    loss: Expr
    gradient: list[Expr]
    one_sided: list[Expr]
    hessian: Expr


def operations(place: Place) -> formulas.Operations:
    """Return the formulas' operations on symbols, every sign decided on the given place.

    Veltkamp's constant is a symbol: in exact arithmetic the splitting is exact whatever it is.
    """
    return formulas.Operations(
        where=lambda condition, a, b: Exact(a if condition else b),
        positive=lambda value: sign(lift(value), place) > 0,
        splitter=Exact(sympy.Symbol("splitter", positive=True)),  # type: ignore[arg-type]
        third=Exact(sympy.Rational(1, 3)),
    )


def shortened(value: Any) -> Any:
    """Return a number, or a nested tuple, with common factors of each fraction cancelled.

    The value is the same rational function; what is computed from it stays small.
    """
    if isinstance(value, tuple):
        fields = [shortened(entry) for entry in value]
        return type(value)(*fields) if hasattr(value, "_fields") else tuple(fields)
    if isinstance(value, bool):
        return value
    return Exact(positive_factors(lift(value)))


def run_formulas(place: Place) -> Field:
    """Run the formulas at the parameters of a place, as `gradflow.field.population` does.

    Its second way of computing pre-activations, for factors that round nothing, is run beside the first.

    Raises
    ------
    UndecidedSignError
        If a formula asks for a sign that the place leaves open.
    """

    def number(symbol: Expr) -> Exact:
        return Exact(symbol.xreplace(place.compact))

    ops = operations(place)
    slopes = number(s_minus), number(s_plus)
    teacher = tuple(number(parameter) for parameter in TEACHER)
    line, second, offset = (number(w1), number(b1)), number(w2), number(b2) - number(bt2)
    aim = formulas.target(ops, teacher, number(lo), number(hi), slopes)
    z, uncompensated = (
        formulas.preactivations(ops, *line, teacher, aim, exact=exact) for exact in (False, True)
    )
    parts = shortened(formulas.parts(ops, z, formulas.signs(ops, z), aim))
    rows = formulas.hessian(ops, parts, z, line, second, offset, slopes)
    return Field(
        [lift(entry) for entry in z],
        [lift(entry) for entry in uncompensated],
        lift(formulas.loss(ops, parts, second, offset, slopes)),
        [lift(entry) for entry in formulas.gradient(ops, parts, second, offset, slopes)],
        [
            lift(entry)
            for entry in formulas.one_sided_gradient(ops, parts.active, aim, second, offset, slopes[1])
        ],
        sympy.Matrix([[lift(entry) for entry in row] for row in rows]),
    )
