"""What is continuous across the walls between cells, and what jumps.

Proves that L and its gradient are continuous wherever (w1, b1) ≠ (0, 0), and gives the jumps of the Hessian.
"""

from __future__ import annotations

import sympy

from gradflow.proofs import integrals
from gradflow.proofs.cells import (
    DEFAULT,
    HYPERACTIVE,
    LENGTH,
    PARAMETERS,
    RISING,
    Cell,
    Expr,
    Place,
    Wall,
    b1,
    b2,
    cells,
    crossing_walls,
    end_walls,
    hi,
    lo,
    origins,
    q,
    s_minus,
    s_plus,
    w1,
    w2,
    wt1,
    wt2,
)
from gradflow.proofs.proof import Proof, sign
from gradflow.proofs.render import main

STATUS = "proved"
STATEMENT = """
Let (w1, b1) ≠ (0, 0).

(1) Across every wall between cells L and its gradient are continuous; so L is
continuously differentiable away from w1 = b1 = 0. Its gradient is locally Lipschitz there, so the
gradient flow has exactly one solution through every such point, as long as it avoids w1 = b1 = 0.

(2) Where the student's breakpoint p passes an end e of the input (e = lo or e = hi), the Hessian jumps: its
limit from the balanced side minus that from the dead or hyperactive side is 2 (s₊ − s₋) w2 r(e) / (|w1|
(hi − lo)) times the vector (e, 1, 0, 0) times its transpose, r(e) = f(e) − f*(e). The jump has rank one,
or is 0 if s₊ = s₋ or w2 = 0 or r(e) = 0. On each side the Hessian has a limit.

(3) Where p passes the teacher's breakpoint q inside the input, the Hessian is continuous and the third
derivative jumps: its limit from p > q minus that from p < q is 2 (s₊ − s₋)² w2 w2ᵀ |w1ᵀ| / (w1 |w1| (hi −
lo)) times the third tensor power of (q, 1, 0, 0).

(4) w1 = 0 with b1 ≠ 0 is no wall: such a neuron lies inside the dead or the hyperactive cell, where L is a
polynomial.
"""

HYPOTHESES = (
    "Those of the loss (derivation 1).",
    "(3) supposes a balanced teacher. A teacher whose breakpoint is exactly at an end "
    "of the input is dead or hyperactive, as everywhere in this package.",
)

PROOF = """
The cells. On the wall p = e the student's pre-activation is w1 (x − e) with w1 ≠ 0. On its one side the
student is balanced; on the other it is dead or hyperactive, by the sign of its pre-activation at the
opposite end. These are the 16 walls of the first kind (four kinds of teacher, two signs of w1, two ends).
The walls p = q are 4, by the signs of w1 and w1ᵀ. Two walls meet only at w1 = b1 = 0 (a balanced teacher
has q strictly inside), where nothing is claimed.

The closed forms of derivations 1 to 3 are rational and their denominators, powers of w1, w1ᵀ and hi − lo,
do not vanish on the wall. So each has a limit there from its side, which is its value at b1 = −w1 e, or
at b1 = −w1 q. The differences of these values are rational functions of what is left; each minus its
stated value has a numerator that expands to 0. A function that is continuously differentiable on both
closed sides of a smooth hypersurface, with values and gradients that agree on it, is continuously
differentiable across it.

Lipschitz. The walls are the hyperplanes w1 e + b1 = 0 (e = lo, hi or q), so every segment is cut by them
into finitely many parts. Near a point with (w1, b1) ≠ (0, 0) the gradient is continuous and on each part
equal to one of finitely many closed forms that are smooth on a neighbourhood of the point, with bounded
derivatives. So it is Lipschitz there, and existence and uniqueness are the theorem of Picard and
Lindelöf.

The jump at an end is the point mass of derivation 3, present on one side only; the Gram and the curvature
term are continuous. At q the residual r(p) in the point mass is continuous in p but its slope changes by
w2ᵀ |w1ᵀ| (s₊ − s₋), which gives the third derivative's jump; all 64 components are compared.

For w1 = 0 the closed form of the dead and of the hyperactive cell is a polynomial in (w1, b1, w2, b2),
and the pre-activations at both ends are b1: both negative or both positive, strictly.
"""

PROVED_BY = (
    (
        "(1)",
        ("L is continuous", "the gradient is continuous"),
        "the list of walls, how values that agree on a wall make a function continuously differentiable, "
        "the Lipschitz constant on segments, and the theorem of Picard and Lindelöf",
    ),
    (
        "(2)",
        ("the Hessian's jump at an end is as stated",),
        "a side's limit is the value of its closed form on the wall",
    ),
    (
        "(3)",
        ("the Hessian is continuous at p = q", "the third derivative's jump at p = q is as stated"),
        "a side's limit is the value of its closed form on the wall",
    ),
    ("(4)", ("L is a polynomial on dead and hyperactive cells", "w1 = 0, b1 ≠ 0 lies inside the cell"), ""),
)

NOT_CLAIMED = (
    "At w1 = b1 = 0 the gradient has no limit in general. Along (w1, b1) = (0, ε), ε → 0 from above and "
    "from below, its limits differ by 2 (s₊ − s₋) w2 (E[(b2 − f*) x], E[b2 − f*], 0, 0), which this "
    "script checks; for the default problem the first component is −w2/3 whatever b2 is.",
    "What a solution of the gradient flow does at w1 = b1 = 0 is therefore not settled here, nor is its "
    "uniqueness from there on.",
)

RELATED = (
    "Eberle, Jentzen, Riekert and Weiss (arXiv 2108.08106): a gradient flow of a network exists from every "
    "start, also where its gradient is not continuous.",
)


def prove(proof: Proof) -> None:
    for wall in end_walls():
        prove_first_derivatives(proof, wall)
        outside = integrals.residual(wall.outer.pieces[0 if wall.at == lo else -1], wall.at)
        jump = integrals.point_mass_matrix(wall.at, outside, wall.inner.student.sign)
        difference = integrals.hessian(wall.inner) - integrals.hessian(wall.outer)
        proof.equal("the Hessian's jump at an end is as stated", difference, jump, wall.place)
    for wall in crossing_walls():
        prove_first_derivatives(proof, wall)
        left, right = integrals.hessian(wall.inner), integrals.hessian(wall.outer)
        proof.equal("the Hessian is continuous at p = q", left, right, wall.place)
        proof.equal(
            "the third derivative's jump at p = q is as stated",
            [entry for parameter in PARAMETERS for entry in (right - left).diff(parameter)],
            [third_jump(wall, i, j, k) for k in range(4) for i in range(4) for j in range(4)],
            wall.place,
        )
    for cell in (cell for cell in cells() if not cell.student.sign):
        prove_interior(proof, cell)
    for dead, origin in origins():
        prove_discontinuity(proof, dead, origin)


def prove_first_derivatives(proof: Proof, wall: Wall) -> None:
    """Prove that loss and gradient agree on a wall."""
    inner, outer = wall.inner, wall.outer
    proof.equal("L is continuous", integrals.loss(inner), integrals.loss(outer), wall.place)
    proof.equal(
        "the gradient is continuous", integrals.gradient(inner), integrals.gradient(outer), wall.place
    )


def third_jump(wall: Wall, *indices: int) -> Expr:
    """Return the stated jump of a third derivative from p < q to p > q."""
    if max(indices) > 1:
        return sympy.Integer(0)
    sign_w1, sign_wt1 = wall.inner.student.sign, wall.inner.teacher.sign
    scale = 2 * (s_plus - s_minus) ** 2 * w2 * wt2 * sign_wt1 * wt1 / (w1 * sign_w1 * w1 * LENGTH)
    return scale * q ** (3 - sum(indices))


def prove_interior(proof: Proof, cell: Cell) -> None:
    """Prove that w1 = 0, b1 ≠ 0 is an interior point of a dead or hyperactive cell, with L a polynomial."""
    polynomial = bool(integrals.loss(cell).is_polynomial(*PARAMETERS))
    proof.holds("L is a polynomial on dead and hyperactive cells", polynomial, cell.place)
    flat = Place(
        f"w1 = 0; {cell.name}",
        cell.place.compact | {w1: sympy.Integer(0)},
        cell.place.signs | {b1: cell.student.side * sympy.Symbol("modulus", positive=True)},
    )
    signs = {sign(integrals.preactivation(end), flat) for end in (lo, hi)}
    proof.holds("w1 = 0, b1 ≠ 0 lies inside the cell", signs == {cell.student.side}, flat)


def prove_discontinuity(proof: Proof, dead: Cell, origin: Place) -> None:
    """Prove how far the gradient's limits at w1 = b1 = 0 differ, and that the default problem's do."""
    hyperactive = Cell(HYPERACTIVE, dead.teacher, dead.points)
    gap = [a - b for a, b in zip(integrals.gradient(hyperactive), integrals.gradient(dead), strict=True)]
    scale = 2 * (s_plus - s_minus) * w2
    first = proof.mean(dead, lambda piece, at: (b2 - integrals.teacher(piece, at)) * at)
    zeroth = proof.mean(dead, lambda piece, at: b2 - integrals.teacher(piece, at))
    stated = [scale * first, scale * zeroth, sympy.Integer(0), sympy.Integer(0)]
    proof.equal("the limits at w1 = b1 = 0 differ as stated under what is not claimed", gap, stated, origin)
    if dead.teacher == RISING:
        value = gap[0].xreplace(DEFAULT | {w1: sympy.Integer(0), b1: sympy.Integer(0)})
        proof.equal("for the default problem they differ by −w2/3 in the first component", value, -w2 / 3)


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return both jumps."""
    scale = 2 * (s_plus - s_minus) * w2 * sympy.Symbol("r_e") / (sympy.Abs(w1) * LENGTH)
    e = sympy.Symbol("e")
    entries = [
        (f"Jump of ∂²L/∂{names} at an end e", sympy.Eq(sympy.Symbol("J_2"), scale * e**power))
        for names, power in (("w1²", 2), ("w1∂b1", 1), ("b1²", 0))
    ]
    third = 2 * (s_plus - s_minus) ** 2 * w2 * wt2 * sympy.Abs(wt1) / (w1 * sympy.Abs(w1) * LENGTH)
    entries += [
        (f"Jump of ∂³L/∂{names} at p = q", sympy.Eq(sympy.Symbol("J_3"), third * q**power))
        for names, power in (("w1³", 3), ("w1²∂b1", 2), ("w1∂b1²", 1), ("b1³", 0))
    ]
    return tuple(entries)


if __name__ == "__main__":
    raise SystemExit(main(globals()))
