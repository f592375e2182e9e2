"""Zero is decided by expansion and a sign by assumptions; what they do not decide is an error."""

from __future__ import annotations

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.proofs.cells import Cell, Place, b1, cells, crossing_walls, end_walls, hi, lo, p, q, w1
from gradflow.proofs.exact import Exact, lift
from gradflow.proofs.proof import Proof, UndecidedSignError, sign, vanishes
from gradflow.proofs.rational import is_zero

a, b, c = sympy.symbols("a b c")
RISING = next(cell for cell in cells() if cell.points == (lo, p, q, hi))
coefficients = st.fractions(min_value=-3, max_value=3, max_denominator=5).map(sympy.Rational)


@given(st.lists(coefficients, min_size=4, max_size=4), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_zero_is_decided_as_sympy_decides_it(k: list[sympy.Rational], power: int) -> None:
    left = (k[0] * a + k[1]) ** power / (b - c) + k[2] * a / (c * (b - c) ** 2)
    right = sympy.together(sympy.expand(left)) + k[3] * (a - b) / (b + c) ** power
    assert is_zero(left - right) == (k[3] == 0)


@pytest.mark.parametrize(
    ("expression", "zero"),
    [
        ((a - b) / (b - a) + 1, True),
        (1 / (1 / a + 1 / b) - a * b / (a + b), True),
        (1 / (2 * a - 2 * b) - 1 / (a - b) / 2, True),
        ((a + b) ** 2 - a**2 - b**2, False),
        (sympy.Rational(1, 10**30), False),
        (sympy.Integer(0), True),
    ],
)
def test_identities(expression: sympy.Expr, zero: bool) -> None:
    assert is_zero(expression) is zero


def test_a_denominator_that_may_vanish_is_an_error() -> None:
    with pytest.raises(UndecidedSignError, match="may vanish"):
        vanishes(b1 / w1 - b1 / w1 * 2)
    assert vanishes(1 / w1 - 2 / (2 * w1) + (b1 + w1 * p) / (hi - lo), RISING.place)
    proof = Proof()
    proof.equal("undecided", b1 / w1, 2 * b1 / w1)
    assert not proof.checks[0].holds


def test_an_empty_comparison_holds_nothing() -> None:
    proof = Proof()
    proof.equal("nothing", [], [])
    assert not proof.checks[0].holds


def test_signs_follow_from_the_place() -> None:
    place = RISING.place
    assert sign(q - p, place) == 1
    assert sign(w1 * lo + b1, place) == -1
    assert sign(w1 * p + b1, place) == 0
    for undecided in (lo, p + q, w1 - 1):
        with pytest.raises(UndecidedSignError, match="is not decided"):
            sign(undecided, place)
    with pytest.raises(UndecidedSignError):
        sign(a, Place("", {}, {}))


def test_there_are_as_many_cells_and_walls_as_stated() -> None:
    names = [cell.name for cell in cells()]
    assert len(set(names)) == len(names) == 20
    walls = [wall.name for wall in (*end_walls(), *crossing_walls())]
    assert len(set(walls)) == len(walls) == 20


@pytest.mark.parametrize("cell", cells(), ids=lambda cell: cell.name)
def test_a_cell_has_one_piece_between_two_points(cell: Cell) -> None:
    assert len(cell.pieces) == len(cell.points) - 1
    assert (cell.pieces[0].left, cell.pieces[-1].right) == (lo, hi)


def test_floats_are_lifted_to_the_last_bit() -> None:
    assert lift(0.75) == sympy.Rational(3, 4)
    assert lift(0.1) != sympy.Rational(1, 10)
    x = Exact(a)
    assert (1.0 - x / 2.0 + 0.5 * x - -x + 3 * (2.0 / x)).value == 1 + a + 6 / a
