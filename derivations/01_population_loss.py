"""The population loss in closed form.

States L on every cell of parameter space and proves that it is the defining integral.
"""

from __future__ import annotations

import sympy

from gradflow.proofs import integrals
from gradflow.proofs.cells import DEFAULT, LENGTH, Cell, Expr, b2, cells, default_cells, hi, lo, p, q, s_plus
from gradflow.proofs.proof import Proof, sign
from gradflow.proofs.render import main

L = sympy.Symbol("L")
END_RESIDUALS = {point: sympy.Symbol(f"r_{point}", real=True) for point in (lo, p, q, hi)}
END_SIGNS = {
    ("dead", 0): (-1, -1),
    ("hyperactive", 0): (1, 1),
    ("balanced", 1): (-1, 1),
    ("balanced", -1): (1, -1),
}

STATUS = "proved"
STATEMENT = """
(1) On each of the 20 cells the population loss L(θ) = E[(f − f*)²] is the sum, over the pieces into which the
breakpoints cut the input, of h (r₀² + r₀ r₁ + r₁²) / (3 (hi − lo)), where h is the width of the piece and
r₀, r₁ are the residuals f − f* at its ends. The points are lo, hi, and, where they lie inside, the
student's breakpoint p = −b1/w1 and the teacher's q = −b1ᵀ/w1ᵀ; r_lo, r_p, r_q and r_hi are the residuals
there.

(2) So L is a rational function of the parameters on each cell, a polynomial for a dead or hyperactive
student, and a sum of non-negative terms as written.
"""

HYPOTHESES = (
    "x is uniform on [lo, hi], lo < hi. Student f(x) = w2 φ(w1 x + b1) + b2, teacher f* of the same "
    "form with any real parameters; φ(z) = s₋ z for z ≤ 0 and s₊ z for z ≥ 0, with any real s₋, s₊.",
    "Cells: student and teacher are each dead, hyperactive, balanced with w1 > 0 or balanced with w1 < "
    "0; where both are balanced, p < q or q < p. Dead and hyperactive neurons may have w1 of either "
    "sign or 0.",
)

PROOF = """
The cells cover everything but walls. A pre-activation is affine in x, so its signs at lo and hi fix it:
(−, −) is dead, (+, +) hyperactive, (−, +) balanced with w1 > 0, (+, −) balanced with w1 < 0. A balanced
neuron's breakpoint lies strictly inside. What is left, a pre-activation 0 at an end or p = q, is a wall,
treated at the end.

Signs. In each cell the parameters are written through positive symbols: gaps between consecutive points,
|w1| of a balanced neuron, the moduli of both end pre-activations of any other. For each piece SymPy's
assumptions give the sign of both pre-activations at both ends of the piece; being affine they keep it
between, so φ(z) = s z on the piece with one slope s for each neuron.

Integral. On each piece (f − f*)² is then a polynomial in x. An antiderivative is written down, its
derivative is compared with the integrand, and its differences are summed. The sum minus the closed form
is a rational function whose denominators do not vanish on the cell and whose numerator expands to 0.

Walls. Both sides are continuous on the closed cell: the integral because its integrand is, the closed
form because its only denominators are hi − lo and the weights of balanced neurons. So the formula of each
adjacent cell holds on a wall too, except for a balanced cell's at w1 = 0.
"""

PROVED_BY = (
    (
        "(1)",
        (
            "the pre-activations at the ends have the kind's signs",
            "each pre-activation has one sign on each piece",
            "the closed form equals the integral of (f − f*)²",
            "the printed formula is the closed form",
        ),
        "that cells and walls are all there is, and the continuity that carries the formula to the walls",
    ),
    ("(2)", (), "read off (1), with r₀² + r₀ r₁ + r₁² ≥ 0"),
)

NOT_CLAIMED = (
    "Nothing is said of other input distributions, of a student and a teacher with different "
    "activations, or of smooth ones.",
    "The expanded polynomials are for reading and for proofs. For numbers use the form of the "
    "statement: expanded, the terms cancel near L = 0.",
)


def prove(proof: Proof) -> None:
    for cell in cells():
        prove_signs(proof, cell)
        closed = integrals.loss(cell)
        integral = proof.mean(cell, lambda piece, at: integrals.residual(piece, at) ** 2)
        proof.equal("the closed form equals the integral of (f − f*)²", closed, integral, cell.place)
        printed = (printed_form(cell) / (3 * LENGTH)).xreplace(end_residuals(cell))
        proof.equal("the printed formula is the closed form", printed, closed, cell.place)


def prove_signs(proof: Proof, cell: Cell) -> None:
    """Prove that the cell is what its name says and that φ is linear on each piece as claimed."""
    place = cell.place
    neurons = (
        (cell.student, integrals.preactivation, "student"),
        (cell.teacher, integrals.teacher_preactivation, "teacher"),
    )
    for kind, z, _ in neurons:
        ends = sign(z(lo), place), sign(z(hi), place)
        proof.holds("the pre-activations at the ends have the kind's signs", ends == END_SIGNS[kind], place)
    for piece in cell.pieces:
        proof.holds("the points are in the stated order", sign(piece.right - piece.left, place) == 1, place)
        for _, z, field in neurons:
            side = 1 if getattr(piece, field) == s_plus else -1
            signs = [side * sign(z(end), place) for end in (piece.left, piece.right)]
            proof.holds("each pre-activation has one sign on each piece", min(signs) >= 0 < max(signs), place)


def printed_form(cell: Cell) -> Expr:
    """Return 3 (hi − lo) L in the residuals at the points."""
    total = sympy.Integer(0)
    for left, right in zip(cell.points, cell.points[1:], strict=False):
        r0, r1 = END_RESIDUALS[left], END_RESIDUALS[right]
        total += (right - left) * (r0**2 + r0 * r1 + r1**2)
    return total


def end_residuals(cell: Cell) -> dict[Expr, Expr]:
    """Return what the printed symbols stand for: the points and the residuals there."""
    values: dict[Expr, Expr] = {}
    for piece, left, right in zip(cell.pieces, cell.points, cell.points[1:], strict=False):
        values |= {left: piece.left, END_RESIDUALS[left]: integrals.residual(piece, piece.left)}
        values |= {right: piece.right, END_RESIDUALS[right]: integrals.residual(piece, piece.right)}
    return values


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the closed form for each arrangement of points, and the default problem's polynomials."""
    entries = []
    for points in dict.fromkeys(cell.points for cell in cells()):
        some = [cell for cell in cells() if cell.points == points]
        student, teacher = (
            " or ".join(dict.fromkeys(kind.activity for kind in kinds))
            for kinds in ((cell.student for cell in some), (cell.teacher for cell in some))
        )
        label = f"Points {', '.join(map(str, points))} (student {student}, teacher {teacher})"
        entries.append((label, sympy.Eq(3 * L * LENGTH, printed_form(some[0]), evaluate=False)))
    first = next(cell for cell in cells() if cell.points == (lo, p, q, hi))
    for piece, point in zip((*first.pieces, first.pieces[-1]), first.points, strict=True):
        value = sympy.factor_terms(integrals.residual(piece, point).xreplace(first.place.compact))
        entries.append(
            (f"For instance ({first.name}), the residual at {point}", sympy.Eq(END_RESIDUALS[point], value))
        )
    for cell in default_cells():
        value = sympy.expand(integrals.loss(cell).xreplace(DEFAULT))
        entries.append((cell.default_name.capitalize(), sympy.Eq(L, sympy.collect(value, b2))))
    return tuple(entries)


if __name__ == "__main__":
    raise SystemExit(main(globals()))
