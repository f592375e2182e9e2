"""How fast the loss falls in the end: like exp(−2λt), with an eigenvalue λ that the start already tells.

Every trajectory that converges to a minimum falls at the rate of one eigenvalue of the Hessian there, and
almost all at the least positive one; what is conserved says at which minimum, before the flow has come there.
"""

from __future__ import annotations

from pathlib import Path

import sympy

from gradflow.base.scripts import load_script
from gradflow.proofs.cells import Expr
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

lam, w, k, V = sympy.symbols("lambda w k V", positive=True)
q, Q, m, s = sympy.symbols("q Q m s", real=True)
w1, b1, w2, b2 = sympy.symbols("w1 b1 w2 b2", real=True)
ZERO, ONE, TWO = sympy.Integer(0), sympy.Integer(1), sympy.Integer(2)

STATUS = "proved"
STATEMENT = """
Let θ′ = −∇L(θ), and θ(t) → θ∞ with L > L∞ = L(θ∞) at all times. Suppose (C): near θ∞ the second derivatives
of L are Lipschitz, the points where ∇L = 0 are a smooth manifold M along which ∇²L is smooth, and H =
∇²L(θ∞) has the tangent space of M at θ∞ as its kernel, and else the eigenvalues 0 < λ₁ ≤ λ₂ ≤ …

(1) For one of these eigenvalues λ, exp(λt) (θ(t) − θ∞) tends to an eigenvector v ≠ 0 of it, and exp(2λt) (L −
L∞) to λ |v|²/2. So L − L∞ = O(exp(−2λ₁t)).

(2) If λ₁ < λ₂ at all points of M then λ = λ₁, the least positive eigenvalue at the limit, for all starts
but a set of measure zero, among those whose flow converges to a point of M and does not pass w1 = b1 = 0.

(3) The teacher. (C) holds at the global minima θ(w), w > 0, of derivation 16, and λ₁ ≤ λ₂ ≤ λ₃ are the
eigenvalues of its 2 M G(w²). The flow keeps Q = w1² + b1² − w2²; so one that comes to a θ(w) comes to that
of w² = (Q + √(Q² + 4 (1 + q²) k²))/(2 (1 + q²)): the start tells the rate. For the default problem λ₁ is
the least root of derivation 16's polynomial at a = (Q + √(Q² + 4))/2. It is 0.101807… for Q = 0.

(4) The best line. Let the student have the slope s on the whole input, no breakpoint on the input or at its
ends, let f be the best line at θ∞ = (w1, b1, w2, b2) with (s w1, s w2) ≠ 0, m = E x and V = Var x > 0. Then
(C) holds, and λ₁ ≤ λ₂ are the eigenvalues of the matrix 2 diag(V, 1) N, where N has the entries N₁₁ = s²
(w1² + w2²), N₁₂ = N₂₁ = s² (m w2² + w1 (m w1 + b1)), N₂₂ = s² (1 + m²) w2² + s² (m w1 + b1)² + 1.
Their product is 4 V s² (w1² + w2² + s² w2² (w1² + b1² + w2²)).

(5) The best constant. If a neuron is dead and s₋ = 0 then exp(4t) (L − L∞) is constant: λ = 2.
"""

HYPOTHESES = (
    "The flow of the population loss or of the mean over a sample; the population in (3) (derivation 16).",
    "(1) and (2) suppose that the flow converges, and to which minimum; they do not say that it does.",
    "No function checks that λ₁ < λ₂ at all points of M, which (2) supposes.",
    "In (4) the limit has no breakpoint at an end of the input: there the second derivatives jump.",
    "Exact arithmetic, no momentum, no decay; no steps.",
)

PROOF = """
(1) Let π be the point of M next to θ, and d = θ − π, which is orthogonal to M at π. With H(π) the Hessian
at π, ∇L(θ) = H(π) d + O(|d|²). The derivative of π along a direction is its part along M at π, to O(|d|);
H(π) d is orthogonal to M: so π′ = O(|d|²), and d′ = −H(π) d + O(|d|²). So (|d|²)′ ≤ −λ₁ |d|² from some time
on, and d and π − θ∞ fall exponentially. d ≠ 0, as L > L∞. So d′ = −H d + e with |e| ≤ ε |d|, ε falling
exponentially. Let R = d·H d/|d|². Then R′ = −2 (|H d|²/|d|² − R²) + O(ε) (checked), the bracket being Σ σ_i
(λ_i − R)² with σ_i the shares of the eigenspaces in |d|². So the integral of the bracket is finite; it has
a bounded derivative, so it tends to 0, and R, which converges, to an eigenvalue λ. Let D₊ and D₋ be the
parts of d in eigenspaces of larger and of smaller eigenvalues, over |d|. |D₊|′ ≤ −c |D₊| + O(ε) and |D₋|′ ≥
c |D₋| − O(ε) with some c > 0 from some time on, and D₋ → 0: both fall exponentially, and so does R − λ,
quadratic in them. (ln |d|)′ = −R + O(ε): exp(λt) |d| has a limit > 0. The direction of d moves at the rate
O(|D₊| + |D₋| + ε), and converges too, to an eigenvector. λ > 0, as d falls exponentially. θ − θ∞ is d +
O(|d|²), because π′ = O(|d|²), and L − L∞ = d·H(π) d/2 + O(|d|³).

(2) Near θ∞ take coordinates (z, y₁, Y) in which M is y₁ = 0, Y = 0, and y₁ and Y the parts of d along the
eigenvector of λ₁ at π and orthogonal to it; let λ′ be between λ₁ and λ₂ in a neighbourhood of θ∞. With y =
(y₁, Y), z′ = O(|y|²), y₁′ = −λ₁(z) y₁ + O(|y|²), Y′ = −Λ(z) Y + O(|y|²), where what is O(|y|²) has a
Lipschitz derivative that is 0 for y = 0. Let S be the set of starts in a ball of radius r with |y(t)| ≤ 2
|y(0)| exp(−λ′t) for all t ≥ 0. For the difference δ of two solutions from S, (δz)′ and what is added to −λ₁
δy₁ and −Λ δY are O(|y|) |δ|, with |y| = O(r exp(−λ′t)): so δ stays O(|δ(0)|), and exp(∫λ₁) δy₁ stays δy₁(0)
+ O(r |δ(0)|). But y₁ = O(exp(−λ′t)) in S, so this tends to 0: |δy₁(0)| = O(r |δ(0)|). For small r, S lies
on the graph of a Lipschitz function of (z, Y), which has measure zero. A trajectory with another λ ≥ λ₂ is
in S from some time n on, by (1). The set of its starts is in a union, over integers n and countably many
balls, of preimages of S under the flow up to n, which is Lipschitz with its inverse where w1 and b1 are not
both 0.

(3) Derivation 16, (1): the Hessian has the rank 3, its kernel is the direction of the curve, and it is
analytic in w. On either side of p = q L is analytic, and its second derivatives agree there: they are
Lipschitz. So are the points with ∇L = 0 near θ(w) those of the curve (Morse and Bott). Q at θ(w) is w² (1 +
q²) − k²/w², which grows in w (checked). Q is conserved (derivation 5).

(4) Near θ∞ f = s w1 w2 x + s w2 b1 + b2, and L − L∞ = V ρ₁² + ρ₀² with ρ₁ = s w1 w2 minus the best slope, and
ρ₀ = s w2 (m w1 + b1) + b2 minus the best level at m (derivation 8). L is a polynomial. The rows of J, the
gradients of ρ₁ and ρ₀, are independent: the last entry of the first is 0, of the second 1. So M is a surface,
and H = 2 Jᵀ diag(V, 1) J at its points, which has the eigenvalues of 2 diag(V, 1) J Jᵀ, and 0 (checked).
∇L = 2 Jᵀ diag(V, 1) ρ is 0 near θ∞ only where ρ = 0.

(5) There only b2 moves: L − L∞ = (b2 − E f*)², b2′ = −2 (b2 − E f*) (derivation 7).
"""

PROVED_BY = (
    (
        "(1)",
        ("R′ is −2 times the bracket", "the bracket is Σ σ (λ − R)²"),
        "the point of M next to θ, exponential bounds, and limits from integrable rates",
    ),
    ("(2)", (), "the difference of two solutions that fall faster, and Lipschitz graphs have measure zero"),
    (
        "(3)",
        ("Q at θ(w)", "Q grows in w", "w² from Q", "one root below 0.101808", "none below 0.101807"),
        "derivations 5 and 16, and two sides of one analytic formula each that agree at p = q",
    ),
    (
        "(4)",
        ("J Jᵀ = N", "det N", "H at ρ = 0", "H has the eigenvalues of 2 diag(V, 1) J Jᵀ"),
        "J has the rank 2, and the form of L, from derivation 8",
    ),
    ("(5)", ("(b2 − E f*)²",), ""),
)

NOT_CLAIMED = (
    "The rate of steps: a rate η multiplies by 1 − η λ in a step near the limit, at first order.",
    "Networks: two neurons that share a teacher's breakpoint have minima where (C) fails, and a power of t.",
    "How long it takes until the rate is seen, and anything about starts that end elsewhere.",
    "λ₁ < λ₂ at the minima, which (2) needs: it is a condition on numbers that are computed.",
)

RELATED = (
    "Xu and Du (arXiv 2302.10034): one neuron that learns one converges exponentially, with Gaussian inputs.",
    "Chistikov, Englert and Lazić (arXiv 2306.06479): a rate that does not depend on the start's scale.",
)


def prove(proof: Proof) -> None:
    prove_quotient(proof)
    prove_teacher(proof)
    prove_line(proof)


def prove_quotient(proof: Proof) -> None:
    """Prove the derivative of R = d·H d/|d|² for d′ = −H d, in coordinates in which H is diagonal."""
    d = sympy.Matrix(sympy.symbols("d_1:4", positive=True))
    H = sympy.diag(*sympy.symbols("lambda_1:4", positive=True))
    square, form, twice = d.dot(d), d.dot(H * d), (H * d).dot(H * d)
    rate = sum((form / square).diff(d[i]) * (-H * d)[i] for i in range(3))
    bracket = twice / square - (form / square) ** 2
    proof.equal("R′ is −2 times the bracket", sympy.cancel(rate + 2 * bracket), ZERO)
    shares = [entry**2 / square for entry in d]
    spread = sum(shares[i] * (H[i, i] - form / square) ** 2 for i in range(3))
    proof.equal("the bracket is Σ σ (λ − R)²", sympy.cancel(spread - bracket), ZERO)


def prove_teacher(proof: Proof) -> None:
    """Prove which minimum has a given Q, and the rate at Q = 0."""
    at = w**2 + (q * w) ** 2 - (k / w) ** 2
    stated = (1 + q**2) * w**2 - k**2 / w**2
    proof.equal("Q at θ(w)", at, stated)
    proof.holds("Q grows in w", bool(sympy.factor(stated.diff(w)).is_positive))
    root, total = sympy.Symbol("root", positive=True), sympy.Symbol("p", positive=True)  # p = 1 + q²
    square = (Q + root) / (2 * total)
    missed = sympy.expand((total * square**2 - Q * square - k**2) * 4 * total)
    proof.equal("w² from Q", sympy.rem(missed, root**2 - (Q**2 + 4 * total * k**2), root), ZERO)
    derived = load_script(Path(__file__).with_name("16_linear_stability.py"))
    polynomial = derived.DEFAULT_POLYNOMIAL.subs(derived.a, 1)
    roots = sympy.Poly(polynomial, *polynomial.free_symbols)
    low, high = sympy.Rational(101807, 10**6), sympy.Rational(101808, 10**6)
    proof.holds("none below 0.101807", roots.count_roots(None, low) == 0)
    proof.holds("one root below 0.101808", roots.count_roots(None, high) == 1)


def prove_line(proof: Proof) -> None:
    """Prove the Hessian of V ρ₁² + ρ₀² at ρ = 0, and J Jᵀ."""
    theta = (w1, b1, w2, b2)
    slope, level = sympy.symbols("slope level", real=True)
    residuals = sympy.Matrix([s * w1 * w2 - slope, s * w2 * (m * w1 + b1) + b2 - level])
    J, weights = residuals.jacobian(theta), sympy.diag(V, 1)
    value = (residuals.T * weights * residuals)[0]
    there = {slope: s * w1 * w2, level: s * w2 * (m * w1 + b1) + b2}
    H = 2 * J.T * weights * J
    proof.equal("H at ρ = 0", sympy.hessian(value, theta).subs(there).expand(), H.expand())
    N = sympy.Matrix(
        [
            [s**2 * (w1**2 + w2**2), s**2 * (m * w2**2 + w1 * (m * w1 + b1))],
            [ZERO, s**2 * (1 + m**2) * w2**2 + s**2 * (m * w1 + b1) ** 2 + 1],
        ]
    )
    N[1, 0] = N[0, 1]
    proof.equal("J Jᵀ = N", (J * J.T).expand(), N.expand())
    product = s**2 * (w1**2 + w2**2 + s**2 * w2**2 * (w1**2 + b1**2 + w2**2))
    proof.equal("det N", N.det().expand(), product.expand())
    small, large = (
        (lam * sympy.eye(n) - matrix).det(method="berkowitz") for n, matrix in ((2, 2 * weights * N), (4, H))
    )
    proof.equal("H has the eigenvalues of 2 diag(V, 1) J Jᵀ", large.expand(), (lam**2 * small).expand())
    at, mean = sympy.symbols("b mean", real=True)
    proof.equal("(b2 − E f*)²", ((at - mean) ** 2).diff(at), 2 * (at - mean))


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the minimum that Q leads to, and the matrix of the best line."""
    square, L, t, least = sympy.symbols("w^2 L t lambda_1")
    top = Q + sympy.sqrt(Q**2 + 4 * (1 + q**2) * k**2)
    return (
        ("In the end", sympy.Eq(sympy.Limit(sympy.log(L) / t, t, sympy.oo), -2 * least)),
        ("The minimum that Q leads to", sympy.Eq(square, top / (2 * (1 + q**2)))),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
