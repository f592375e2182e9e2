"""The zero test of the proofs is for rational expressions, and refuses roots instead of dropping them."""

from __future__ import annotations

import pytest
import sympy

from gradflow.proofs.proof import Proof, vanishes

X = sympy.Symbol("x", positive=True)
FALSE = [
    (sympy.sqrt(X), sympy.Integer(1)),
    (sympy.sqrt(X**2 + 1), sympy.Integer(1)),
    (X ** sympy.Rational(-3, 2), 1 / X),
]


@pytest.mark.parametrize(("left", "right"), FALSE, ids=str)
def test_a_false_identity_with_a_root_is_not_proved(left: sympy.Expr, right: sympy.Expr) -> None:
    with pytest.raises(ValueError, match="rational"):
        vanishes(left - right)
    with pytest.raises(ValueError, match="rational"):
        Proof().equal("", left, right)


def test_a_true_and_a_false_rational_identity() -> None:
    assert vanishes((X**2 + X) / X - X - 1)
    assert not vanishes((X**2 + X) / X - X)
