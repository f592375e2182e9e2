"""On every cell the closed forms agree with quadrature of the definition, which knows nothing of cells."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import mpmath
import pytest
import sympy

from gradflow.proofs import integrals
from gradflow.proofs.cells import PARAMETERS, TEACHER, Cell, Expr, cells, hi, lo, s_minus, s_plus

SYMBOLS = (*PARAMETERS, *TEACHER, lo, hi, s_minus, s_plus)


def random_point(cell: Cell, seed: int) -> list[Expr]:
    """Return rational parameters in the cell, in the order of `SYMBOLS`."""
    generator = random.Random(seed)
    place = cell.place
    values = [symbol.xreplace(place.compact).xreplace(place.signs) for symbol in SYMBOLS]
    chosen = {
        symbol: sympy.Rational(
            generator.randint(1, 40) * (1 if symbol.is_positive else generator.choice((-1, 1))), 16
        )
        for value in values
        for symbol in sorted(value.free_symbols, key=str)
    }
    return [value.xreplace(chosen) for value in values]


def definition(values: Sequence[Any]) -> Any:
    """Return E[(f − f*)²] by quadrature between the kinks of the integrand, wherever they lie."""
    w1, b1, w2, b2, v1, a1, v2, a2, low, high, s_neg, s_pos = values

    def phi(z: Any) -> Any:
        return s_pos * z if z > 0 else s_neg * z

    kinks = [-b / w for w, b in ((w1, b1), (v1, a1)) if w != 0 and low < -b / w < high]
    squared = lambda x: (w2 * phi(w1 * x + b1) + b2 - v2 * phi(v1 * x + a1) - a2) ** 2  # noqa: E731
    points = [low, *sorted(kinks), high]
    return mpmath.quad(squared, points, method="gauss-legendre", maxdegree=3) / (high - low)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("cell", cells(), ids=lambda cell: cell.name)
def test_closed_forms_agree_with_quadrature(cell: Cell, seed: int) -> None:
    with mpmath.workdps(40):
        exact = random_point(cell, seed)
        point = [mpmath.mpf(value.p) / value.q for value in exact]
        values = dict(zip(SYMBOLS, exact, strict=True))

        def of_parameters(*theta: Any) -> Any:
            return definition([*theta, *point[4:]])

        assert_close(integrals.loss(cell).xreplace(values), of_parameters(*point[:4]), 1e-30)
        hessian = integrals.hessian(cell).xreplace(values)
        for i, component in enumerate(integrals.gradient(cell)):
            order = [int(k == i) for k in range(4)]
            assert_close(
                component.xreplace(values), mpmath.diff(of_parameters, tuple(point[:4]), tuple(order)), 1e-12
            )
            for j in range(i, 4):
                second = tuple(n + int(k == j) for k, n in enumerate(order))
                assert_close(hessian[i, j], mpmath.diff(of_parameters, tuple(point[:4]), second), 1e-8)


def assert_close(value: Expr, expected: Any, tolerance: float) -> None:
    assert value.is_Rational
    assert abs(mpmath.mpf(value.p) / value.q - expected) <= tolerance * (1 + abs(expected))
