"""The Hessian of the population loss in closed form.

States ∂²L/∂θ² on every cell and proves that it is the derivative of the gradient and the sum of three terms.
"""

from __future__ import annotations

import sympy

from gradflow.proofs import integrals
from gradflow.proofs.cells import (
    DEFAULT,
    LENGTH,
    PARAMETERS,
    Cell,
    Expr,
    Piece,
    cells,
    default_cells,
    hi,
    lo,
    p,
    s_minus,
    s_plus,
    w1,
    w2,
    x,
)
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

PAIRS = [(i, j) for i in range(4) for j in range(i, 4)]

STATUS = "proved"
STATEMENT = """
(1) On each cell the Hessian of L is G + C + M. The Gram term is G = 2 E[∂f ∂fᵀ] with ∂f = (w2 s x, w2 s, s z,
1). The curvature term C = 2 E[r ∂²f] has the entries 2 E[r s x] at (w1, w2) and 2 E[r s] at (b1, w2),
their mirror images, and 0 elsewhere. The point mass M comes from the kink; it is 0 for a dead or
hyperactive student, and for a balanced one with its breakpoint at p it is 2 (s₊ − s₋) w2 r(p) / (|w1| (hi
− lo)) times the vector (p, 1, 0, 0) times its transpose.

(2) Each expectation is the sum over the pieces of derivation 2.
"""

HYPOTHESES = ("Those of the loss (derivation 1), and θ in an open cell. On the walls see derivation 4.",)

PROOF = """
On an open cell the gradient is the rational function of derivation 2, so it may be differentiated as
such. Each of the 16 derivatives minus its closed form is a rational function whose denominators do not
vanish on the cell and whose numerator expands to 0. All 16 are compared, so that symmetry is proved and
not assumed.

Independently, ∂²f is differentiated on a piece of any slope, and each distinct entry of G and of C is
compared with its integral, found by an antiderivative that is verified by differentiation. So the point
mass M is exactly what the Jacobian has beyond the two integrals. It arises as p moves: the derivative of
s in the integrand of 2 E[r w2 s (x, 1)] is a point mass of weight s₊ − s₋ at p, and p moves by −(p, 1)/w1
per unit of (w1, b1).
"""

PROVED_BY = (
    ("(1)", ("∂²f is as stated on a piece", "G + C + M is the Jacobian of the gradient"), ""),
    ("(2)", ("G in closed form equals 2 E[∂f ∂fᵀ]", "C in closed form equals 2 E[r ∂²f]"), ""),
)

NOT_CLAIMED = (
    "The Hessian is not claimed to exist on the walls p = lo and p = hi, where it jumps (derivation 4).",
    "No sign is claimed: the point mass has the sign of (s₊ − s₋) w2 r(p), so L is not convex in (w1, "
    "b1) even in one cell.",
)


def prove(proof: Proof) -> None:
    prove_second_derivatives(proof)
    for cell in cells():
        place = cell.place
        jacobian = integrals.jacobian(integrals.gradient(cell))
        proof.equal("G + C + M is the Jacobian of the gradient", integrals.hessian(cell), jacobian, place)
        gram, curvature = integral_terms(proof, cell)
        proof.equal("G in closed form equals 2 E[∂f ∂fᵀ]", integrals.gram(cell), gram, place)
        proof.equal("C in closed form equals 2 E[r ∂²f]", integrals.curvature(cell), curvature, place)


def prove_second_derivatives(proof: Proof) -> None:
    """Prove the second derivatives of f on a piece of any slope."""
    piece = Piece(lo, hi, s_plus, s_minus)
    stated = sympy.zeros(4, 4)
    for i in (0, 1):
        stated[i, 2] = stated[2, i] = integrals.bent(i)(piece, x)
    actual = integrals.jacobian(integrals.output_gradient(piece, x))
    proof.equal("∂²f is as stated on a piece", stated, actual)


def integral_terms(proof: Proof, cell: Cell) -> tuple[Expr, Expr]:
    """Return the Gram and the curvature term from their defining integrals."""
    gram, curvature = sympy.zeros(4, 4), sympy.zeros(4, 4)
    for i, j in PAIRS:
        product = integrals.times(integrals.component(i), integrals.component(j))
        gram[i, j] = gram[j, i] = 2 * proof.mean(cell, product)
    for i in (0, 1):
        product = integrals.times(integrals.residual, integrals.bent(i))
        curvature[i, 2] = curvature[2, i] = 2 * proof.mean(cell, product)
    return gram, curvature


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the point mass and, for the default problem, the entries other than 0 on every cell."""
    scale = 2 * (s_plus - s_minus) * w2 * sympy.Symbol("r_p") / (sympy.Abs(w1) * LENGTH)
    entries = [
        (
            f"Point mass, entry ({PARAMETERS[i]}, {PARAMETERS[j]})",
            sympy.Eq(sympy.Symbol(f"M_{i + 1}{j + 1}"), scale * p ** (2 - i - j)),
        )
        for i, j in ((0, 0), (0, 1), (1, 1))
    ]
    for cell in default_cells():
        hessian = integrals.hessian(cell).xreplace(DEFAULT).expand()
        for i, j in PAIRS:
            label = f"{cell.default_name.capitalize()}, entry ({PARAMETERS[i]}, {PARAMETERS[j]})"
            equation = sympy.Eq(sympy.Symbol(f"H_{i + 1}{j + 1}"), hessian[i, j], evaluate=False)
            entries += [(label, equation)] if hessian[i, j] != 0 else []
    return tuple(entries)


if __name__ == "__main__":
    raise SystemExit(main(globals()))
