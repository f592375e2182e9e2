"""The numeric field computes the closed forms.

Runs gradflow.field.formulas on symbols and proves that it returns the closed forms of derivations 1 to 3.
"""

from __future__ import annotations

import sympy

from gradflow.proofs import integrals
from gradflow.proofs.cells import (
    Cell,
    Expr,
    Place,
    cells,
    crossing_walls,
    edge_teachers,
    end_walls,
    origins,
    s_minus,
)
from gradflow.proofs.exact import run_formulas
from gradflow.proofs.proof import Proof, UndecidedSignError
from gradflow.proofs.render import main

STATUS = "proved"
STATEMENT = """
(1) In exact arithmetic the functions of gradflow.field.formulas (target, preactivations, signs, parts, loss,
gradient, one_sided_gradient, hessian), which every population loss of the package is computed with,
return the closed forms of derivations 1 to 3: on each of the 20 cells; on each of the 20 walls with w1 ≠ 0
and, for the default convention φ′(0) = s₋, at w1 = b1 = 0; and for a teacher whose breakpoint is exactly at
an end of the input or whose w1ᵀ and b1ᵀ are both 0. one_sided_gradient returns that for s₋ = 0.

(2) On a wall at an end of the input the Hessian returned is that of the dead or hyperactive side.
"""

HYPOTHESES = (
    "Those of the loss (derivation 1).",
    "Exact arithmetic. Comparisons with 0 are decided as for real numbers, “positive” being false at 0.",
)

PROOF = """
The text of the formulas is executed as it stands, on symbolic numbers. The constants it writes down are
dyadic rationals, or the third that it is given, and enter exactly. Each comparison is decided by SymPy's
assumptions on the parameters of the cell, wall or point; if one were left open, the run would stop and the
proof fail. Veltkamp's constant is a free symbol: the error terms of the compensated sums and products are
then identically 0, so the result does not depend on it, and is the same as with the plain sums and products
that are taken where those round nothing.

On each cell, loss, the 4 components of the gradient and the 16 entries of the Hessian, minus the closed
forms, are rational functions whose denominators do not vanish there and whose numerators expand to 0. On
the walls, where the formulas take “not positive” for 0, loss and gradient equal the closed forms of
one of the adjacent cells, and by derivation 4 of both; the Hessian equals that of the dead or hyperactive
side at an end, and that of both sides at p = q.

The flow also evaluates the formulas of one cell beyond its walls (`parts` with the cell held fixed).
For loss and gradient these are the same rational functions of the parameters, so what is proved on the
cell holds of them wherever they are defined.

This is the link between the numbers and the theory: if one of these formulas is changed, this script
fails.
"""

PROVED_BY = (
    (
        "(1)",
        (
            "on an open cell the…",
            "on a wall at an end the…",
            "on a wall p = q the…",
            "on w1 = b1 = 0 the…",
            "on a teacher's wall the…",
        ),
        "that Veltkamp's constant, a free symbol, stands for any number; on a wall, that the closed forms "
        "of both sides agree (derivation 4)",
    ),
    ("(2)", ("on a wall at an end the computed Hessian is the closed form",), ""),
)

NOT_CLAIMED = (
    "Nothing is said of rounding errors; the tests measure them against higher precision.",
    "The lines around the formulas (broadcasting, data types, gradflow.field.population) are tested, not "
    "proved.",
    "At w1 = b1 = 0 the value returned is one choice, that of the dead cell; the gradient has no limit "
    "there (derivation 4).",
    "The means over given inputs (gradflow.field.sample) are sums written as they are defined, and are "
    "not treated here.",
)


FOR_RELU = {s_minus: sympy.Integer(0)}


def prove(proof: Proof) -> None:
    for cell in cells():
        compare(proof, cell.place, "an open cell", cell, cell)
    for wall in end_walls():
        compare(proof, wall.place, "a wall at an end", wall.inner, wall.outer)
    for wall in crossing_walls():
        compare(proof, wall.place, "a wall p = q", wall.inner, wall.outer)
    for dead, origin in origins():
        compare(proof, origin, "w1 = b1 = 0", dead, dead)
    for cell, edge in edge_teachers():
        compare(proof, edge, "a teacher's wall", cell, cell)


def compare(proof: Proof, place: Place, where: str, cell: Cell, side: Cell) -> None:
    """Compare what is computed with the closed forms: loss and gradient of `cell`, Hessian of `side`."""
    try:
        field = run_formulas(place)
    except UndecidedSignError:
        proof.holds(f"on {where} every comparison is decided", False, place)
        return
    two_ways = field.preactivations, field.uncompensated
    proof.equal(f"on {where} both ways to the pre-activations agree", *two_ways, place)
    proof.equal(f"on {where} the computed loss is the closed form", field.loss, integrals.loss(cell), place)
    gradient = integrals.gradient(cell)
    proof.equal(f"on {where} the computed gradient is the closed form", field.gradient, gradient, place)
    for_relu = [entry.xreplace(FOR_RELU) for entry in gradient]
    one_sided = [entry.xreplace(FOR_RELU) for entry in field.one_sided]
    proof.equal(f"on {where} the one-sided gradient is that of s₋ = 0", one_sided, for_relu, place)
    hessian = integrals.hessian(side)
    proof.equal(f"on {where} the computed Hessian is the closed form", field.hessian, hessian, place)


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the quadratures that the field is made of."""
    h, r, g, f0, f1, g0, g1, L = sympy.symbols("h r g f_0 f_1 g_0 g_1 L")
    middle = sympy.Add(r, (r - g * h) / 2, evaluate=False)
    square = sympy.Mul(
        h / 3, sympy.Add(middle**2, sympy.Rational(3, 4) * (r - g * h) ** 2, evaluate=False), evaluate=False
    )
    product = h * ((f0 + f1) * (g0 + g1) + f0 * g0 + f1 * g1) / 6
    against_u = h**2 * (3 * r - 2 * g * h) / 6
    return (
        (
            "A segment of width h on which the residual is r − g u adds to the loss times hi − lo",
            sympy.Eq(L, square, evaluate=False),
        ),
        ("its residual has the integral", sympy.Eq(sympy.Symbol("I_0"), h * (r - g * h / 2))),
        ("and against the distance", sympy.Eq(sympy.Symbol("I_1"), against_u, evaluate=False)),
        ("The integral of a product f g of affine functions is", sympy.Eq(sympy.Symbol("m"), product)),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
