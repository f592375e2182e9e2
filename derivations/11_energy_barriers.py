"""Below the best line's loss the flow ends at the teacher; below the best constant's not at the constant.

The sublevel set is compact at given Q. The only critical points in it are global minima, one for each Q.
"""

from __future__ import annotations

import sympy

from gradflow.proofs import integrals
from gradflow.proofs.cells import (
    DEAD,
    HYPERACTIVE,
    KINDS,
    Expr,
    Kind,
    b1,
    b2,
    s_minus,
    s_plus,
    w1,
    w2,
)
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main
from gradflow.proofs.teacher import MIDDLE, VARIANCE, moments, straight

a, b, u, x = sympy.symbols("a b u x", real=True)
Q, k, q = sympy.symbols("Q k q", real=True)
W2 = sympy.Symbol("W^2", positive=True)

STATUS = "proved"
STATEMENT = """
Let φ(z) = s max(z, 0), s ≠ 0, let the teacher have a breakpoint q inside the input and k = w1ᵀ w2ᵀ ≠ 0,
so that 0 < L_line < Var f*. Let θ(t) solve dθ/dt = −∇L.

A dead neuron has L ≥ Var f* and a hyperactive one L ≥ L_line: (1) is about neurons that are not dead and
(2) about balanced ones. Who computes L and finds it below must ask for that as well, for a loss is rounded.

(1) If the neuron is not dead and L(θ(0)) < Var f*, it is never dead, (w1, b1) ≠ (0, 0) for all t ≥ 0, and
θ does not converge to the dead set: the outcome is not constant.

(2) If the neuron is balanced and L(θ(0)) < L_line, the solution exists for all t ≥ 0, stays in a compact
set, is balanced with w1 of the teacher's sign from some time on, and L(t) → 0, exponentially from some time
on. θ(t) converges to the point w1 = σ W, b1 = −q w1, w2 = k/w1, b2 = b2ᵀ, σ the sign of w1ᵀ, W² = (Q + √(Q²
+ 4 (1 + q²) k²))/(2 (1 + q²)), Q = w1² + b1² − w2² at t = 0.

(3) For the default problem the two levels are 5/48 and 1/48, and W² = (Q + √(Q² + 4))/2.
"""

HYPOTHESES = (
    "Those of the loss (derivation 1) with s₋ = 0, for the population; for teacher and student the same φ.",
    "A solution is a continuously differentiable curve with dθ/dt = −∇L(θ) where (w1, b1) ≠ (0, 0).",
)

PROOF = """
Let D be the difference of the largest and the smallest value of f* on the input, and L falls along the
flow (derivation 5), so L(t) ≤ c for t ≥ 0, c = L(θ(0)). By derivation 7 L − Var f* = (b2 − E f*)² on the
dead set, and L − L_line is a sum of squares on the hyperactive one. Let A and B be the active and the
inactive part of the input, α and β = 1 − α their fractions.

The active part is not small if c < Var f*. On B the student is the constant b2, so c ≥ E[(b2 − f*)² 1_B]
≥ E[(g − f*)² 1_B] with g the mean of f* over B, which lies between values of f*. As E[(g − f*)²] ≥ Var f*
and |g − f*| ≤ D, c ≥ Var f* − α D², that is α ≥ (Var f* − c)/D². A dead neuron has α = 0. Also |w2| u ≥
(√Var f* − √c)/(|s| √E[1 + x²]) > 0 with u = √(w1² + b1²): because |φ(z)| ≤ |s| u √(1 + x²), √Var f* ≤
√E[(b2 − f*)²] ≤ √c + |w2| √E[φ²]. So (w1, b1) = (0, 0) is not reached, nor approached while w2 is
bounded; θ is bounded on bounded intervals of time (the path's length is at most √(T c)) and exists for
all t ≥ 0. On the dead set L ≥ Var f* > c, and L is continuous away from w1 = b1 = 0: this is (1).

The inactive part is not small if c < L_line. Suppose β ≤ 1/2, and let l be the least-squares line through
f* on A: c ≥ E[(l − f*)² 1_A] = E[(l − f*)²] − E[(l − f*)² 1_B] ≥ L_line − β M² with M the largest |l −
f*| on B. Add a constant so that |f*| ≤ D/2. The value of l at an end of A is the mean over A of f* times
4 − 6 ξ, ξ ∈ [0, 1] the position in A; the integral of |4 − 6 ξ| is 5/3, so |l| ≤ 5 D/6 at both ends of A.
B is no longer than A, so |l| ≤ 5 D/6 + 2 · 5 D/6 = 5 D/2 on B, and M ≤ 3 D. Hence β ≥ min(1/2, (L_line −
c)/(9 D²)) > 0. In particular the neuron is balanced at all times.

Compactness. √E[f²] ≤ √c + √E[f*²] =: N. On B f = b2, so |b2| ≤ N/√β. On A f is affine with the end values
v, v′, and E[f² 1_A] = α (v² + v v′ + v′²)/3 ≥ α max(v, v′)²/4: |f| ≤ 2 N/√α on A. So the slope s w1 w2 of
f on A is bounded, hence |w2 b1| = |w1 w2| |p| is, and |w2| u ≤ C for some C. As Q = u² − w2² is constant,
u² (u² − Q) ≤ C² bounds u, and then |w2|. With the lower bound of |w2| u from above, θ stays in a compact
set K of balanced neurons with w2 ≠ 0 and (w1, b1) ≠ (0, 0), on which the gradient is Lipschitz.

The limit. The ω-limit set of a bounded solution of a gradient flow with continuous gradient is not empty,
connected and consists of critical points. In K their loss is below L_line, so by derivation 9 they are in
the family (G): p = q, active on the teacher's side, w1 w2 = k, b2 = b2ᵀ, L = 0. With b1 = −q w1 and w2 =
k/w1, Q = (1 + q²) w1² − k²/w1² grows with w1² from −∞ to ∞: there is one such point for each Q, and the
script checks that it is the stated one. So θ(t) converges to it, L(t) → 0 and w1 has the sign of w1ᵀ from
some time on. There the Hessian, which is continuous at p = q (derivation 4), has rank 3 and the direction
of the set as its kernel (derivation 9), so nearby |∇L|² ≥ 2 μ L for some μ > 0 (the Morse–Bott form of
the Polyak–Łojasiewicz inequality), and dL/dt ≤ −2 μ L.
"""

PROVED_BY = (
    (
        "(1)",
        ("dead: L − Var f* = (b2 − E f*)²",),
        "the lower bounds on the active part and on |w2| u, existence for all times, and that L falls along "
        "the flow",
    ),
    (
        "(2)",
        (
            "hyperactive: L − L_line = V ρ₁² + ρ₀²",
            "(v² + v v′ + v′²)/3 − v²/4 = (v + 2 v′)²/12",
            "the integral of |4 − 6 ξ| is 5/3",
            "Q grows with w1²",
            "W² is a root",
            "the product of the roots…",
        ),
        "the inactive part is not small, compactness, a limit set of critical points, which derivation 9 "
        "lists, and the rate near (G) from the rank of the Hessian",
    ),
    ("(3)", ("default problem: W² = (Q + √(Q² + 4))/2",), "the levels are those of derivation 7"),
)

NOT_CLAIMED = (
    "Any rate, or a time after which the decay is exponential: μ and K are not computed.",
    "Between the two levels, anything but that the outcome is not constant: both others occur, and it is not "
    "proved that a neuron converges at all.",
    "Anything for steps of finite size, for samples, or for leaky slopes.",
)

RELATED = (
    "arXiv 2107.04479: bounded gradient flows that start with a low enough loss end at loss 0; here a "
    "compact set is proved, not supposed.",
)


def prove(proof: Proof) -> None:
    zero = sympy.Integer(0)
    for kind in KINDS:
        prove_excess(proof, kind)
    mean_square = (a**2 + a * b + b**2) / 3
    proof.equal("(v² + v v′ + v′²)/3 − v²/4 = (v + 2 v′)²/12", mean_square - a**2 / 4, (a + 2 * b) ** 2 / 12)
    weight = 4 - 6 * x
    primitive = 4 * x - 3 * x**2
    proof.equal("an antiderivative of 4 − 6 ξ", primitive.diff(x), weight)
    turn = sympy.Rational(2, 3)
    rise, fall = primitive.subs(x, turn), primitive.subs(x, 1) - primitive.subs(x, turn)
    proof.equal("4 − 6 ξ changes sign at 2/3", weight.subs(x, turn), zero)
    proof.equal("the integral of |4 − 6 ξ| is 5/3", rise - fall, sympy.Rational(5, 3))
    line = a + b * x
    value = sympy.integrate(sympy.expand(weight * line), (x, 0, 1))
    proof.equal("4 − 6 ξ gives the value of a line at ξ = 0", value, a)
    moment = sympy.integrate(sympy.expand(weight * (u - a - b * x)), (x, 0, 1))
    proof.equal("and 0 for a residual orthogonal to lines is kept: it is linear", moment, u - a)
    balance = (1 + q**2) * W2 - k**2 / W2
    proof.equal("Q grows with w1²", balance.diff(W2), (1 + q**2) + k**2 / W2**2)
    square = limit_square()
    root = sympy.Symbol("root", positive=True)
    discriminant = Q**2 + 4 * (1 + q**2) * k**2
    there = square.subs(sympy.sqrt(discriminant), root)
    # W² solves (1 + q²) W⁴ − Q W² − k² = 0.
    quadratic = sympy.expand(((1 + q**2) * there**2 - Q * there - k**2) * 4 * (1 + q**2))
    proof.equal("W² is a root", sympy.rem(quadratic, root**2 - sympy.expand(discriminant), root), zero)
    product = there * (Q - root) / (2 * (1 + q**2))
    reduced = sympy.rem(
        sympy.expand(product * 4 * (1 + q**2) ** 2), root**2 - sympy.expand(discriminant), root
    )
    other = reduced / (4 * (1 + q**2) ** 2)
    proof.equal(
        "the product of the roots is −k²/(1 + q²) < 0: W² is the positive one", other, -(k**2) / (1 + q**2)
    )
    default = square.subs({q: 0, k: 1})
    proof.equal("default problem: W² = (Q + √(Q² + 4))/2", (2 * default - Q) ** 2, Q**2 + 4)


def prove_excess(proof: Proof, kind: Kind) -> None:
    """Prove that no dead neuron is below the best constant, and no hyperactive one below the best line."""
    s = sympy.Symbol("s", nonzero=True)
    relu = {s_minus: sympy.Integer(0), s_plus: s}
    for state in (DEAD, HYPERACTIVE):
        cell = straight(state, kind)
        teacher, found = moments(proof, cell, relu), integrals.loss(cell).xreplace(relu)
        if state == DEAD:
            above = found - teacher.variance
            proof.equal("dead: L − Var f* = (b2 − E f*)²", above, (b2 - teacher.mean) ** 2, cell.place)
            continue
        rho1, rho0 = s * w1 * w2 - teacher.slope, s * w2 * (w1 * MIDDLE + b1) + b2 - teacher.mean
        above = found - teacher.line_loss
        proof.equal("hyperactive: L − L_line = V ρ₁² + ρ₀²", above, VARIANCE * rho1**2 + rho0**2, cell.place)


def limit_square() -> Expr:
    """Return W², the square of w1 in the limit."""
    return (Q + sympy.sqrt(Q**2 + 4 * (1 + q**2) * k**2)) / (2 * (1 + q**2))


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the fractions that are bounded below, and the limit."""
    alpha, beta, variance, line, c, D = sympy.symbols("alpha beta V L_line c D", positive=True)
    least = sympy.Min(sympy.Rational(1, 2), (line - c) / (9 * D**2))
    return (
        ("The least active fraction, c < V = Var f*", sympy.Eq(alpha, (variance - c) / D**2)),
        ("The least inactive fraction, c < L_line", sympy.Eq(beta, least)),
        ("w1² in the limit", sympy.Eq(W2, limit_square())),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
