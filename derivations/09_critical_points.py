"""All critical points of the population loss of a ReLU student: four families, and no others.

Away from w1 = b1 = 0 the gradient vanishes at the global minima, on the best line, on the dead set's best
constant, and at one family of saddles. Their types follow from the Hessian.
"""

from __future__ import annotations

import sympy

from gradflow.proofs import integrals
from gradflow.proofs.cells import (
    DEAD,
    DEFAULT,
    HYPERACTIVE,
    LENGTH,
    RISING,
    Cell,
    Expr,
    Place,
    Wall,
    b1,
    b2,
    bt1,
    bt2,
    cells,
    crossing_walls,
    end_walls,
    hi,
    lo,
    p,
    q,
    w1,
    w2,
    wt1,
    wt2,
    x,
)
from gradflow.proofs.certificate import (
    RELU,
    certificate,
    gradient,
    nonzero,
    s,
    sides,
    size_of_certificate,
    value_at_breakpoint,
)
from gradflow.proofs.proof import Proof, known_sign
from gradflow.proofs.render import main
from gradflow.proofs.teacher import MIDDLE, VARIANCE, best_line, moments, straight

ZERO = sympy.Integer(0)

STATUS = "proved"
STATEMENT = """
Let φ(z) = s max(z, 0), s ≠ 0 (ReLU: s = 1), let a be the slope of the best line (a = 0 exactly for a
teacher that is constant on the input), and let (w1, b1) ≠ (0, 0).

(1) ∇L = 0 exactly on these sets:

(D) dead, z ≤ 0 on the input, with b2 = E f*: L = Var f*.

(H) hyperactive, z ≥ 0 on the input, with s w1 w2 = a and s w2 (w1 E x + b1) + b2 = E f*: L = L_line.

(S) w1 = w2 = 0, b1 > 0, b2 = E f*, if a ≠ 0: L = Var f*.

(G) if the teacher has a breakpoint q inside the input: p = q, active on the teacher's side, w1 w2 = w1ᵀ
w2ᵀ, b2 = b2ᵀ: L = 0. If the teacher is constant: w2 = 0, b2 = E f*, any balanced (w1, b1): L = 0.

(2) No balanced neuron other than those of (G) is critical. More precisely let w2 ≠ 0, A be the active part
of the input, ending at the breakpoint p, of length ℓ, B the rest, σ the sign of w1 and R₁ = E[r 1_A x] =
(∂L/∂w1)/(2 s w2), R₀ = E[r 1_A] = (∂L/∂b1)/(2 s w2), R = E r = (∂L/∂b2)/2. Then K = (hi − lo)/ℓ · ((4 + 6
σ p/ℓ) R₀ − (6 σ/ℓ) R₁) − (hi − lo)/(hi − lo − ℓ) · (R − R₀) is the mean of f* over B minus the value at p
of the least-squares line through f* on A. It depends on the teacher and on p only, and vanishes only if p
= q on the teacher's side, or the teacher is constant. Let β be the length of B, q_out and q_in the
distances of q from the ends of A and B that are ends of the input, d = |p − q| and k = |s w1ᵀ w2ᵀ|. If the
teacher is active at the same end as the student, |K| is k q_out² d/ℓ² for q in A and k d (β + q_in)/(2 β)
for q in B; if at the other, k (q_out² d/ℓ² + β/2) and k q_in²/(2 β); without a breakpoint inside and not
constant k β/2.

(3) Types. (G): the Hessian is positive semidefinite of rank 3; its kernel is the direction (w1, b1, −w2,
0) along the set (for a constant teacher the rank is less). (H) off the walls: positive semidefinite of
rank 2 if w2 ≠ 0, and no θ of the cell has a smaller loss. (D) off the walls: the Hessian is 2 in the
direction b2 and 0 otherwise, and no θ of the cell has a smaller loss. (S): strict saddles, with a negative
eigenvalue. On a wall, with p at an end e of the input, the balanced side's Hessian is that of the cell
plus 2 s w2 r(e)/(|w1| (hi − lo)) · (e, 1)ᵀ(e, 1) on (w1, b1). Such a point of (D), for a teacher that is
not constant, or of (H), for one with its breakpoint inside, is a local minimum if and only if s w2 r(e) >
0. At w1 = b1 = 0, b2 = E f*, there is no local minimum if a ≠ 0.

(4) For the default problem the losses are L = 0 on (G), 1/48 on (H) and 5/48 on (D) and (S).
"""

HYPOTHESES = (
    "Those of the loss (derivation 1), with s₋ = 0 and s₊ = s ≠ 0 for student and teacher.",
    "(w1, b1) ≠ (0, 0): at w1 = b1 = 0 the gradient has no limit (derivation 4). With the convention φ′(0) "
    "= 0 it vanishes there where b2 = E f*.",
    "Only f* enters: a teacher whose breakpoint is at an end of the input or outside has none, and one with "
    "w2ᵀ = 0 or no slope on the input is constant.",
)

PROOF = """
The gradient is continuous off w1 = b1 = 0 (derivation 4), so walls may be counted with any adjacent cell.

Dead. ∇L = (0, 0, 0, 2 (b2 − E f*)) (derivation 7): this is (D).

Hyperactive. With ρ₁ = s w1 w2 − a, ρ₀ = s w2 (m w1 + b1) + b2 − E f*, m = E x and V = Var x > 0, the
script checks ∂L/∂b2 = 2 ρ₀, ∂L/∂w1 = 2 s w2 (V ρ₁ + m ρ₀), ∂L/∂w2 = 2 s (V ρ₁ w1 + ρ₀ (m w1 + b1)). So ∇L
= 0 is ρ₀ = 0 and w1 ρ₁ = w2 ρ₁ = 0: either ρ₁ = ρ₀ = 0, which is (H), or ρ₁ ≠ 0, w1 = w2 = 0, hence ρ₁ =
−a ≠ 0 and b2 = E f*, which is (S); z = b1 > 0 as (w1, b1) ≠ 0.

Balanced, w2 ≠ 0. If g, affine on A, has R₀ = E[g 1_A] and R₁ = E[g 1_A x], then (hi − lo)/ℓ ((4 + 6 σ
p/ℓ) R₀ − (6 σ/ℓ) R₁) = g(p), checked by integration; it is linear in g, so for any g it is the value at p
of the least-squares line through g on A. Applied to r = f − f* with f(p) = b2 and f = b2 on B it gives K
as stated. The script forms K from the closed-form gradient on each of the 12 cells with a balanced
student. The parameters of the student cancel: K/(s w1ᵀ w2ᵀ) is a rational function of p, q, lo, hi, and
SymPy decides its sign on the whole cell, except that K = 0 identically for a constant teacher. On the
walls p = q with student and teacher active on opposite sides its sign is decided too. So if ∇L = 0 the
teacher is constant, or p = q with both active on the same side.

If p = q on the same side, r is affine on A, and R₀ = R₁ = 0 makes it vanish at both ends of A (checked):
r = 0 on A. On B, r = b2 − b2ᵀ, which is 0 because R − R₀ = 0. So L = 0, and f = f* means w1 w2 = w1ᵀ w2ᵀ
and b2 = b2ᵀ. If the teacher is constant, the least-squares line through f on A has the slope s w1 w2 ≠ 0,
while R₀ = R₁ = 0 makes it 0: a contradiction.

Balanced, w2 = 0. f = b2, and ∂L/∂b2 = 0 means b2 = E f*. Then ∂L/∂w2 = 2 E[(E f* − f*) φ(z)] has a
definite sign on each cell and on each wall p = q (decided by SymPy after division by s² w1ᵀ w2ᵀ and |w1|)
unless the teacher is constant. For a constant teacher L = 0.

Types. On (G) r = 0, so the Hessian is 2 E[∂f ∂fᵀ]. Its leading minors in the order (b2, b1, w1) are
positive and (w1, b1, −w2, 0) is in the kernel, for both orders of p and q, whose Hessians agree there. On
(H) the Hessian of L is that of e = V ρ₁² + ρ₀² at ρ = 0, 2 V ∇ρ₁ ∇ρ₁ᵀ + 2 ∇ρ₀ ∇ρ₀ᵀ, and ∇ρ₁, ∇ρ₀ are
linearly independent where w2 ≠ 0. At (S) the (w1, w2) block of the Hessian has the determinant −(2 s V a)²
< 0. At a wall the point mass of the kink is added (derivation 3). The cell's Hessian annihilates v = (0,
1, 0, −s w2) on (H) and v = (0, 1, 0, 0) on (D); v or −v points into the balanced cell, where v · Hv = 2 s
w2 r(e)/(|w1| (hi − lo)): L decreases if that is negative. Now let s w2 r(e) > 0. Near the point of (D) a
state that is not dead is active next to e only, and with q = s w2 max(z, 0), L = E[(b2 − f*)²] + 2 E[q (b2
− f*)] + E q², where b2 − f* is near r(e) on the active part, hence has the sign of q: L ≥ Var f*. Near the
point of (H) f is the line g = s w2 z + b2 plus q = s w2 max(−z, 0), which is not 0 next to e only, where g
− f* has the sign of q: L ≥ E[(g − f*)²] ≥ L_line. r(e) ≠ 0 as f* is monotone and not constant, or convex
or concave with a breakpoint inside. If w2 = 0, on (D), let w2 have a small value of the sign for which s
w2 r(e) < 0, and z_e > 0: 2 E[q r(e)] is of the order of w2 z_e², E q² of w2² z_e³ (script), so L < Var f*.
At w1 = b1 = 0 let z = w1 x + b1 > 0 on the input be small, and w2 near what it was and not 0: L = Var f* −
2 s w1 w2 a V + (s w2)² E z² (script), with the sign of w1 for which the second term is negative; with (w1,
b1) and w2 of one order ε where w2 = 0 the terms are of orders ε² and ε⁴.
"""

PROVED_BY = (
    (
        "(1)",
        ("hyperactive: ∇L by ρ₁ and ρ₀", "K/…", "p = q, …", "w2 = 0…", "constant teacher…"),
        "that the cases are all, walls counted with a side (derivation 4), and an affine r that is 0 at "
        "both ends",
    ),
    (
        "(2)",
        (
            "moments give an affine function's value at an end of A",
            "K is this function times s w1ᵀ w2ᵀ",
            "|K/(s w1ᵀ w2ᵀ)| is as stated",
        ),
        "the value at p of the least-squares line is linear in the function, so that f drops out",
    ),
    (
        "(3)",
        (
            "(G): …",
            "(H): …",
            "(S): …",
            "(D): …",
            "on a wall the balanced side adds the point mass",
            "wall: E max(z, 0) and E max(z, 0)²",
            "origin: E[z (E f* − f*)] = −w1 a V",
        ),
        "rank and sign from minors and kernels, the second derivative towards a wall's balanced side, and "
        "the signs of f − f* next to e",
    ),
    ("(4)", ("default problem: 5/48 and 1/48",), ""),
)

NOT_CLAIMED = (
    "Anything for leaky slopes s₋ ≠ 0, where balanced neurons may have other critical points, or for "
    "samples.",
    "Where the flow converges to: a trajectory may also be unbounded.",
)

RELATED = (
    "Cheridito, Jentzen and Rossmannek (arXiv 2103.10922): all critical points of networks with one hidden "
    "layer, for an affine teacher.",
    "arXiv 2202.12262: a continuum of local minima that are not global, for every teacher that is not "
    "affine.",
)


def prove(proof: Proof) -> None:
    prove_functional(proof)
    for cell in cells():
        if cell.student.sign:
            prove_balanced(proof, cell)
            prove_no_output_weight(proof, cell, cell.place)
        elif cell.student == HYPERACTIVE:
            prove_hyperactive(proof, cell)
        else:
            dead = integrals.hessian(cell).xreplace(RELU)
            proof.equal(
                "(D): the Hessian is 2 for b2 and 0 otherwise", dead, sympy.diag(0, 0, 0, 2), cell.place
            )
    for wall in crossing_walls():
        prove_crossing(proof, wall)
        prove_no_output_weight(proof, wall.inner, wall.place)
    prove_walls(proof)
    prove_small_part(proof)
    prove_default(proof)


def prove_functional(proof: Proof) -> None:
    """Prove that moments over A give the value of an affine function at either end of A."""
    slope, level, end, length = sympy.symbols("c_1 c_0 e ell", positive=True)
    for side in (1, -1):
        other = end + side * length
        means = []
        for weight in (sympy.Integer(1), x):
            primitive = sympy.integrate((slope * x + level) * weight, x)
            difference = primitive.xreplace({x: other}) - primitive.xreplace({x: end})
            means.append(side * difference / LENGTH)
        for at, direction in ((end, side), (other, -side)):
            found = value_at_breakpoint(at, length, direction, *means)
            place = Place("", {}, {hi: lo + sympy.Symbol("gap", positive=True)})
            proof.equal(
                "moments give an affine function's value at an end of A", found, slope * at + level, place
            )


def prove_balanced(proof: Proof, cell: Cell) -> None:
    """Prove that K depends on p and the teacher only, and has one sign unless the teacher is constant."""
    place = nonzero(cell.place)
    certified = certificate(cell)
    if cell.teacher == DEAD:
        proof.equal("constant teacher: K = 0", certified, ZERO, place)
        prove_slope(proof, cell, place)
        return
    scaled = sympy.factor((certified / (s * wt1 * wt2)).xreplace(place.compact))
    free = scaled.free_symbols <= {lo, hi, p, q}
    proof.holds("K/(s w1ᵀ w2ᵀ) depends on p, q, lo and hi only", free, place)
    unscaled = s * wt1 * wt2 * scaled
    proof.equal("K is this function times s w1ᵀ w2ᵀ", certified, unscaled, place)
    proof.holds("K/(s w1ᵀ w2ᵀ) has one sign on the cell", known_sign(scaled, place) != 0, place)
    stated = size_of_certificate(cell).xreplace(place.compact)
    proof.equal("|K/(s w1ᵀ w2ᵀ)| is as stated", scaled**2, stated**2, place)


def prove_slope(proof: Proof, cell: Cell, place: Place) -> None:
    """Prove that for a constant teacher R₀ and R₁ give the slope s w1 w2 of the student."""
    g, (active, _) = gradient(cell), sides(cell)
    moment, mean = g[0] / (2 * s * w2), g[1] / (2 * s * w2)
    middle = -b1 / w1 + cell.student.sign * active / 2
    slope = 12 * LENGTH / active**3 * (moment - middle * mean)
    proof.equal("constant teacher: R₁ and R₀ give the slope s w1 w2", slope, s * w1 * w2, place)


def prove_no_output_weight(proof: Proof, cell: Cell, on: Place) -> None:
    """Prove that where w2 = 0 and b2 = E f* the derivative for w2 is not 0 unless the teacher is constant."""
    place = nonzero(on)
    mean = proof.mean(cell, lambda piece, at: integrals.teacher(piece, at).xreplace(RELU))
    there = [entry.xreplace({w2: ZERO}).xreplace({b2: mean}) for entry in gradient(cell)]
    proof.equal(
        "w2 = 0, b2 = E f*: the other derivatives are 0", [there[i] for i in (0, 1, 3)], [ZERO] * 3, place
    )
    if cell.teacher == DEAD:
        proof.equal("constant teacher, w2 = 0: ∇L = 0", there[2], ZERO, place)
        return
    scaled = sympy.factor((there[2] / (s**2 * wt1 * wt2 * w1)).xreplace(place.compact))
    proof.holds("w2 = 0: ∂L/∂w2 has one sign on the cell or wall", known_sign(scaled, place) != 0, place)


def prove_hyperactive(proof: Proof, cell: Cell) -> None:
    """Prove the gradient by (ρ₁, ρ₀), and the Hessians on (H) and (S)."""
    mean, slope = best_line(proof, cell, RELU)
    rho1, rho0 = s * w1 * w2 - slope, s * w2 * (MIDDLE * w1 + b1) + b2 - mean
    stated = [
        2 * s * w2 * (VARIANCE * rho1 + MIDDLE * rho0),
        2 * s * w2 * rho0,
        2 * s * (VARIANCE * rho1 * w1 + rho0 * (MIDDLE * w1 + b1)),
        2 * rho0,
    ]
    place = nonzero(cell.place)
    proof.equal("hyperactive: ∇L by ρ₁ and ρ₀", gradient(cell), stated, place)
    hessian = integrals.hessian(cell).xreplace(RELU)
    rows = [sympy.Matrix(integrals.derivative(rho)) for rho in (rho1, rho0)]
    best = {b2: mean - s * w2 * (MIDDLE * w1 + b1), w1: slope / (s * w2)}
    gram = 2 * VARIANCE * rows[0] * rows[0].T + 2 * rows[1] * rows[1].T
    difference = (hessian - gram).applyfunc(lambda entry: entry.xreplace(best).xreplace(best))
    proof.equal("(H): the Hessian is 2 V ∇ρ₁∇ρ₁ᵀ + 2 ∇ρ₀∇ρ₀ᵀ", difference, sympy.zeros(4, 4), place)
    pull = proof.mean(
        cell,
        lambda piece, at: (w1 * at + b1) * (mean - integrals.teacher(piece, at).xreplace(RELU)),
    )
    proof.equal("origin: E[z (E f* − f*)] = −w1 a V", pull, -w1 * slope * VARIANCE, place)
    along = sympy.Matrix([ZERO, sympy.Integer(1), ZERO, -s * w2])
    proof.equal("(H): the Hessian annihilates (0, 1, 0, −s w2)", gram * along, sympy.zeros(4, 1), place)
    minor = rows[0][0] * rows[1][3] - rows[0][3] * rows[1][0]
    proof.equal("(H): ∇ρ₁ and ∇ρ₀ are independent where w2 ≠ 0", minor, s * w2, place)
    saddle = {w1: ZERO, w2: ZERO, b2: mean}
    block = hessian.applyfunc(lambda entry: entry.xreplace(saddle)).extract([0, 2], [0, 2])
    proof.equal(
        "(S): the (w1, w2) block has the determinant −(2 s V a)²",
        block.det(),
        -((2 * s * VARIANCE * slope) ** 2),
        place,
    )


def prove_crossing(proof: Proof, wall: Wall) -> None:
    """Prove what holds at p = q: r = 0 if both are active on the same side, K of one sign if not."""
    place = nonzero(wall.place)
    for cell in (wall.inner, wall.outer):
        if cell.student != cell.teacher:
            scaled = sympy.factor((certificate(cell) / (s * wt1 * wt2)).xreplace(place.compact))
            proof.holds(
                "p = q, opposite sides: K/(s w1ᵀ w2ᵀ) has one sign",
                known_sign(scaled, place) != 0,
                place,
            )
            continue
        prove_same_side(proof, cell, place)


def prove_same_side(proof: Proof, cell: Cell, place: Place) -> None:
    """Prove that at p = q R₀, R₁ and R − R₀ give the residual, and the Hessian where it is 0."""
    g, (active, rest) = gradient(cell), sides(cell)
    moment, mean, total = g[0] / (2 * s * w2), g[1] / (2 * s * w2), g[3] / 2
    side, at = cell.student.sign, -b1 / w1

    def residual(point: Expr) -> Expr:
        return s * w2 * (w1 * point + b1) + b2 - s * wt2 * wt1 * (point - q) - bt2

    for point, direction in ((at, side), (at + side * active, -side)):
        found = value_at_breakpoint(point, active, direction, mean, moment)
        proof.equal("p = q, same side: R₀ and R₁ give r at the ends of A", found, residual(point), place)
    proof.equal("p = q, same side: R − R₀ gives r on B", LENGTH / rest * (total - mean), b2 - bt2, place)
    # The teacher through the student's parameters; both breakpoints are q.
    minimum = {wt1: w1 * w2 / wt2, bt1: -q * w1 * w2 / wt2, bt2: b2, b1: -q * w1}
    full = integrals.hessian(cell).xreplace(RELU).applyfunc(lambda entry: entry.xreplace({b1: -q * w1}))
    hessian = full.applyfunc(lambda entry: sympy.factor(entry.xreplace(minimum)))
    kernel = hessian * sympy.Matrix([w1, -q * w1, -w2, ZERO])
    proof.equal("(G): (w1, b1, −w2, 0) is in the kernel of the Hessian", kernel, sympy.zeros(4, 1), place)
    for n in (1, 2, 3):
        minor = sympy.factor(hessian.extract([3, 1, 0][:n], [3, 1, 0][:n]).det())
        proof.holds(f"(G): the leading minor {n} is positive", known_sign(minor, place) == 1, place)


def prove_walls(proof: Proof) -> None:
    """Prove what the balanced side's Hessian adds at the ends of the input."""
    for wall in end_walls():
        inner, outer = (integrals.hessian(cell).xreplace(RELU) for cell in (wall.inner, wall.outer))
        piece = next(piece for piece in wall.inner.pieces if piece.right == -b1 / w1)
        residual = integrals.residual(piece, wall.at).xreplace(RELU)
        scale = 2 * s * w2 * residual / (wall.inner.student.sign * w1 * LENGTH)
        added = sympy.zeros(4, 4)
        for i in (0, 1):
            for j in (0, 1):
                added[i, j] = scale * wall.at ** (2 - i - j)
        place = nonzero(wall.place)
        proof.equal("on a wall the balanced side adds the point mass", inner, outer + added, place)


def prove_small_part(proof: Proof) -> None:
    """Prove the mean and the mean square of max(z, 0) where the neuron is active next to an end."""
    size, steep = sympy.symbols("z_e modulus", positive=True)
    # z falls from z_e to 0 on a length z_e/|w1|.
    means = [sympy.integrate((size - steep * x) ** k, (x, 0, size / steep)) / LENGTH for k in (1, 2)]
    stated = [size**2 / (2 * steep * LENGTH), size**3 / (3 * steep * LENGTH)]
    place = Place("", {}, {hi: lo + sympy.Symbol("gap", positive=True)})
    proof.equal("wall: E max(z, 0) and E max(z, 0)²", means, stated, place)


def prove_default(proof: Proof) -> None:
    """Prove the losses of the default problem."""
    teacher = moments(proof, straight(DEAD, RISING), RELU)
    values = [teacher.variance, teacher.line_loss]
    values = [value.xreplace({s: sympy.Integer(1), q: ZERO}).xreplace(DEFAULT) for value in values]
    proof.equal("default problem: 5/48 and 1/48", values, [sympy.Rational(5, 48), sympy.Rational(1, 48)])


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return K, and its value for the two orders of the breakpoints on the teacher's side."""
    K, R0, R1, R, length, side = sympy.symbols("K R_0 R_1 R ell sigma")
    form = value_at_breakpoint(p, length, side, R0, R1) - LENGTH / (LENGTH - length) * (R - R0)
    before = -s * wt1 * wt2 * (hi - q) ** 2 * (p - q) / (hi - p) ** 2
    behind = -s * wt1 * wt2 * (p - q) * (p + q - 2 * lo) / (2 * (p - lo))
    return (
        ("The certificate", sympy.Eq(K, form)),
        ("student and teacher with w1, w1ᵀ > 0, p < q", sympy.Eq(K, before)),
        ("student and teacher with w1, w1ᵀ > 0, q < p", sympy.Eq(K, behind)),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
