"""The gradient of the population loss in closed form.

States ∂L/∂θ on every cell and proves that it is the derivative of L and the integral 2 E[r ∂f].
"""

from __future__ import annotations

import sympy

from gradflow.proofs import integrals
from gradflow.proofs.cells import (
    DEFAULT,
    PARAMETERS,
    Expr,
    Piece,
    cells,
    default_cells,
    hi,
    lo,
    s_minus,
    s_plus,
    x,
)
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

STATUS = "proved"
STATEMENT = """
(1) On each cell, with r = f − f* and s the slope of φ that the student uses on a piece of the input, ∂L/∂w1 =
2 w2 E[r s x], ∂L/∂b1 = 2 w2 E[r s], ∂L/∂w2 = 2 E[r φ(z)], ∂L/∂b2 = 2 E[r].

(2) On a piece of width h each of the four integrands is a product of two affine functions, which contributes
h (2 f₀ g₀ + 2 f₁ g₁ + f₀ g₁ + f₁ g₀) / (6 (hi − lo)), f₀, f₁ and g₀, g₁ being their values at the two
ends.
"""

HYPOTHESES = (
    "Those of the loss (derivation 1), and θ in an open cell. On walls with w1 ≠ 0 see derivation 4.",
)

PROOF = """
On an open cell the loss is the rational function of derivation 1, so it may be differentiated as such.
Its four derivatives minus the closed forms of the gradient are rational functions whose denominators do
not vanish on the cell and whose numerators expand to 0. (This includes the motion of the breakpoint p =
−b1/w1 with w1 and b1. It contributes nothing to the gradient, because the integrand r² is continuous
there.)

Independently, ∂f is differentiated on a piece of any slope, and each component of 2 r ∂f, with ∂f = (w2 s
x, w2 s, s z, 1), is found to be a polynomial on each piece. Its antiderivative, verified by
differentiation, gives the integral 2 E[r ∂f]; the closed form minus this integral expands to 0. So
differentiation and expectation may be exchanged.
"""

PROVED_BY = (
    ("(1)", ("∂f is as stated on a piece", "∂L/∂…"), ""),
    ("(2)", ("∂L/∂…",), ""),
)

NOT_CLAIMED = (
    "At w1 = b1 = 0 the loss has no gradient in general (derivation 4).",
    "On the walls themselves this derivation says nothing.",
)


def prove(proof: Proof) -> None:
    piece = Piece(lo, hi, s_plus, s_minus)
    stated = integrals.output_gradient(piece, x)
    proof.equal("∂f is as stated on a piece", stated, integrals.derivative(integrals.student(piece, x)))
    for cell in cells():
        place, gradient = cell.place, integrals.gradient(cell)
        derivative = integrals.derivative(integrals.loss(cell))
        for i, name in enumerate(map(str, PARAMETERS)):
            mean = proof.mean(cell, integrals.times(integrals.residual, integrals.component(i)))
            proof.equal(
                f"∂L/∂{name} in closed form is the derivative of L", gradient[i], derivative[i], place
            )
            proof.equal(f"∂L/∂{name} in closed form equals 2 E[r ∂f/∂{name}]", gradient[i], 2 * mean, place)


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the gradient of the default problem, expanded."""
    entries = []
    for cell in default_cells():
        for parameter, entry in zip(PARAMETERS, integrals.gradient(cell), strict=True):
            derivative = sympy.Symbol(f"L_{parameter}")
            value = sympy.expand(entry.xreplace(DEFAULT))
            label = f"{cell.default_name.capitalize()}, ∂L/∂{parameter}"
            entries.append((label, sympy.Eq(derivative, value, evaluate=False)))
    return tuple(entries)


if __name__ == "__main__":
    raise SystemExit(main(globals()))
