"""Where a condition holds at the door, the starts that end there are the boundary of the teacher's basin.

Derivation 15 says that starts on the boundary of the teacher's basin end at a door. Here the converse:
every start that ends there is on the boundary, which is a Lipschitz graph, if a number at the door is
positive.
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

X, W = sympy.symbols("X W", positive=True)
ZERO = sympy.Integer(0)

STATUS = "proved"
STATEMENT = """
As in derivation 15 let φ(z) = s max(z, 0), s ≠ 0, the teacher have a breakpoint inside the input and the
best line a slope that is not 0; D is the door of a level Q, at the end n of the input, and U the set of
starts whose solution reaches L < L_line and so goes to the teacher. All is within the level w1² + b1² −
w2² = Q, of dimension 3 near D, with tangent space T at D. Let H₊ and H₋ be the Hessians of L at D on T,
from the hyperactive and from the balanced side, η the gradient (n, 1, 0, 0) of z_n, and v ∈ T the unit
vector along the best lines.

(1) H₊ v = 0, H₊ has two positive eigenvalues, and H₋ = H₊ − c η ηᵀ with c > 0 and η·v ≠ 0.

(2) Let (K): x·H₋ x > v·H₋ v for all unit vectors x ∈ T that are orthogonal to v. Then in a neighbourhood N
of D the starts whose solution tends to D are a graph over v⊥, of a Lipschitz function with the constant 1.
On the one side of it, that of −(η·v) v, all starts of a smaller neighbourhood are in U, on the other all
end on the best line.

(3) With (K), let a solution tend to D and not pass w1 = b1 = 0, with L ≥ L_line at all times. Then every
neighbourhood of its start contains starts that are in U and starts that end on the best line. In the level
these starts are, near each of them, a surface that becomes a Lipschitz graph under the flow, which is
Lipschitz with its inverse: so with derivation 15 (4), where L < Var f* the boundary of U and the starts
that tend to D are the same.

(4) For the default problem (K) holds at every Q; H₋ is even positive definite on v⊥.
"""

HYPOTHESES = (
    "Those of derivation 15; solutions that do not pass w1 = b1 = 0.",
    "(K) is a condition on numbers at the door; (4) has it for one problem only.",
)

PROOF = """
(1) On the hyperactive side L − L_line = V ρ₁² + ρ₀² (derivation 8), and the kernel of H₊ on T is the
tangent of the curve of best lines in the level (derivation 15 (1)). Between the sides only the point mass
of derivation 3 jumps, 2 s w2 r(n)/(|w1| (hi − lo)) η ηᵀ, r(n) = (l − f*)(n), which has the sign of −s w2ᵀ,
and so of −s w2 (derivation 15 (3)): this is −c η ηᵀ. Along the curve z_n changes at D: otherwise W would
not be monotone there.

(2) A cone. For δ = α v + x in T, x orthogonal to v, let P(δ) = α² − |x|². Under δ′ = −H δ, P′ = 2 (x·H x −
α² v·H v) (checked): for H₊ this is 2 x·H₊ x ≥ 2 λ₁ |x|², λ₁ the least positive eigenvalue; for H₋, where P
≥ 0, at least 2 κ α² with some κ > 0, by (K). So for mixtures of both, where P ≥ 0, P′ ≥ C₁ |x|², C₁ > 0.
Take an orthonormal chart of the level at D. For the difference δ of two solutions near D, δ′ = −H̄ δ with
H̄ a mean of Hessians between them in the chart, which is within O(r) of a mixture, r the larger distance
from D. So where P ≥ 0, P′ ≥ C₁ |x|² − C₂ r (P + 2 |x|²), at least −C₂ r P for small r: P > 0 lasts, and ln
P falls by no more than C₂ ∫ r.

Decay. Near D, where L ≥ L_line, |∇L| ≥ C₃ √(L − L_line): on the hyperactive side by derivation 8; H₋ is
invertible (H₋ y = 0 gives c (η·v) (η·y) = 0 by multiplication with v, then H₊ y = 0, so y is along v, and
η·y ≠ 0 if y ≠ 0), and the segment from D to a balanced state is balanced, so there |∇L| ≥ C |θ − D|. So a
solution with L ≥ L_line near D has a way left of at most C₄ √(L − L_line), which falls exponentially as
long as it is near, and so for ever if it began near enough. Two solutions that tend to D within N have ∫ r
< ∞: were P(δ) > 0 at first, P would not tend to 0. So |δα| ≤ |δx| for any two such starts.

Sides. Let |α| = K |x|, K large: for α (η·v) > 0 the state is hyperactive, at a distance from the wall that
is larger than the way left, so it ends on the best line; for α (η·v) < 0 it has L < L_line, as v·H₋ v < 0:
it is in U. On the fibre of an x ≠ 0 between these two the part in U is open. A point of its boundary is in
the closure of U and not in U: its solution tends to D (derivation 15 (4); L < Var f* near D), within N.
There is only one on a fibre. So below it all is in U, and above it nothing. What is neither in U nor tends
to D tends, within N, to another state of the curve, which is not its end: it ends on the best line.

(3) Such a solution comes to N at some time T, where (2) holds. In a neighbourhood of the start the flow up
to T is Lipschitz with its inverse, as ∇L is locally Lipschitz where (w1, b1) ≠ (0, 0), and it keeps U and
its complement.

(4) m = 0, V = 1/3, n = −1, w1 = b1 = W, w2 = 1/(2 W), l(n) − f*(n) = −1/4. The gradients of ρ₁ and ρ₀, the
rows of J, and η are in T (checked), and c = 1/(8 W²) (checked). H₊ = 2 Jᵀ diag(V, 1) J; on v⊥, the row
space of J, H₊ − c η ηᵀ is positive definite iff c η·H₊⁺ η < 1, H₊⁺ being the inverse there. With y = (J
Jᵀ)⁻¹ J η this is c y·diag(3, 1) y/2. With X = W² and u = 1/(4 X) + 2 X + 1 > 1 it is (3 u² + (u − 1)²)/(2
u + 8 X²)² (checked), which is less than 1 as (u − 1)² < u².
"""

PROVED_BY = (
    (
        "(1)",
        (),
        "the jump of the Hessian (derivation 3), its sign (derivation 15), and what is monotone on the curve",
    ),
    ("(2)", ("P′",), "a cone that differences do not leave, ways that are left, and the parts of a fibre"),
    ("(3)", (), "the flow up to a time is Lipschitz with its inverse"),
    (
        "(4)",
        ("J q = 0 and η·q = 0", "c", "c η·H₊⁺ η", "its denominator less its numerator", "u > 1"),
        "v⊥ in T is the row space of J",
    ),
)

NOT_CLAIMED = (
    "(K) for other problems: gradflow.theory.limits.door_margin computes it. It holds at five in six random "
    "doors. Where it fails the conclusions are a conjecture: a cone of another shape may do.",
    "Starts whose solution passes w1 = b1 = 0, or whose loss never falls below Var f*.",
    "How far from the door the surface is a graph over v⊥.",
)


def prove(proof: Proof) -> None:
    # In coordinates along v and across it.
    alpha, first, second = sympy.symbols("alpha x_1 x_2", real=True)
    entries = sympy.symbols("h_11 h_12 h_13 h_22 h_23 h_33", real=True)
    H = sympy.Matrix([entries[:3], [entries[1], *entries[3:5]], [entries[2], *entries[4:]]])
    delta = sympy.Matrix([alpha, first, second])
    velocity = -H * delta
    rate = 2 * alpha * velocity[0] - 2 * first * velocity[1] - 2 * second * velocity[2]
    x = sympy.Matrix([0, first, second])
    proof.equal("P′", rate.expand(), (2 * (x.dot(H * x) - alpha**2 * H[0, 0])).expand())
    J = sympy.Matrix([[1 / (2 * W), 0, W, 0], [0, 1 / (2 * W), W, 1]])
    q, eta = sympy.Matrix([W, W, -1 / (2 * W), 0]), sympy.Matrix([-1, 1, 0, 0])
    proof.equal("J q = 0 and η·q = 0", [*(J * q), eta.dot(q)], [ZERO] * 3)
    # 2 s w2 r/(|w1| (hi − lo)), with the sign turned.
    missed = -sympy.Rational(1, 4)
    jump = 2 * (1 / (2 * W)) * missed / (W * 2)
    c = 1 / (8 * W**2)
    proof.equal("c", -jump, c)
    y = (J * J.T).inv() * J * eta
    value = c * (3 * y[0] ** 2 + y[1] ** 2) / 2
    u = 1 / (4 * X) + 2 * X + 1
    numerator, root = 3 * u**2 + (u - 1) ** 2, 2 * u + 8 * X**2
    proof.equal(
        "c η·H₊⁺ η",
        sympy.cancel(sympy.together(value.subs(W, sympy.sqrt(X)))),
        sympy.cancel(numerator / root**2),
    )
    proof.equal(
        "its denominator less its numerator",
        (root**2 - numerator).expand(),
        (2 * u - 1 + 32 * u * X**2 + 64 * X**4).expand(),
    )
    proof.holds("u > 1", bool((u - 1).is_positive))


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return (K), and what is less than 1 for the default problem."""
    u, value, margin, x, v = sympy.symbols("u t K x_H_x v_H_v")
    return (
        ("(K), over unit vectors x orthogonal to v", sympy.Eq(margin, x - v)),
        (
            "For the default problem, W² = X",
            sympy.Eq(value, (3 * u**2 + (u - 1) ** 2) / (2 * u + 8 * X**2) ** 2),
        ),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
