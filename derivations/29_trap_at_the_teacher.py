"""Gradient descent that has come close enough to the teacher, at a rate it can hold there, never leaves it.

A bound on the gradient from below and one on the Hessian, both explicit, on a ball.
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr, b1, w1, w2
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

s, delta, h, a, x, alpha, v = sympy.symbols("s delta h a x alpha v", positive=True)
mu, gamma, eta, Lam, kappa, lam, omega, W = sympy.symbols(
    "mu gamma eta Lambda kappa lambda omega W", positive=True
)
c, slope, kink, mean = sympy.symbols("c beta omega_m m_S", real=True)

STATUS = "proved"
STATEMENT = """
Let φ have the slopes (0, s), s ≠ 0, the inputs be uniform on [lo, hi], ℓ = hi − lo, and the teacher have
w1 > 0 (else turn the input round), its breakpoint q inside and the slope t = |s w1ᵀ w2ᵀ| > 0. Take a ball
of radius R around θ₀ = (w1, b1, w2, b2), p = −b1/w1, with w1 > R and |w2| > R. On the ball the breakpoint
is at most d = R √(1 + p²)/(w1 − R) from p. Let a > 0 and h > 0 be the least widths before and behind both
breakpoints on it, δ = |p − q| + d, W = |w2| − R, W′ = |w2| + R, ω the smaller of t and |s| (w1 − R) W,
and

    κ² = t² δ (4 a + h)/(3 ω² a h),
    λ = 4 D/T², D = A² (h²/12) (1 − A′), T = 1 + A′ (1 + X),
    μ = 2 √(min(s² W², 1) λ (1 − κ²)),
    Λ = 2 (s² W′² A′ (1 + X) + s² Z² A′/3 + 1 + |s| √(A′ (1 + X) L) + |s| W′ B (1 + P)/((w1 − R) ℓ)),

with A = h/ℓ and A′ the least and largest active share, X = max(lo², hi²), Z the largest pre-activation at
hi, P the largest square of the breakpoint, and B² = L ℓ max(1/a, 4/h), L at θ₀.

(1) If κ < 1, then |∇L| ≥ μ √L on the ball.

(2) Where L is at most what it is at θ₀, the norm of ∇²L is at most Λ.

(3) Let 0 < η_k ≤ η be rates of gradient descent from θ₀, γ = 1 − η Λ/2 > 0 and 2 √L/(γ μ) < R.
Then it never leaves the ball, its path is shorter than that, L falls at each step to at most 1 − γ η_k μ²
times what it was, and if the sum of all η_k is infinite it converges to a global minimum in the ball.
"""

HYPOTHESES = (
    "Population loss of uniform inputs; student and teacher have the same φ; w1 has the sign of w1ᵀ.",
    "Full gradients, no momentum, no decay. The rates may change from step to step.",
    "Steps are exact numbers; rounding is not considered.",
)

PROOF = """
(1) r = f − f*. With S the active set, ψ = (x 1_S, 1_S, 1) and J the matrix with the rows (s w2, 0, 0), (0,
s w2, 0), (s w1, s b1, 0), (0, 0, 1), ∇f = J ψ, so ∇L = 2 J E[r ψ]. JᵀJ = s² (w2² I + (w1, b1)(w1, b1)ᵀ)
and 1 for the last entry (checked) is at least min(s² W², 1). |E[r ψ]|² ≥ λ_min |N r|², N the projection on
the span of ψ and λ_min the least eigenvalue of the Gram matrix E[ψ ψᵀ]. Its determinant is α² v (1 − α),
with α ≥ A the share of S and v the variance on S, at least h²/12 as S is at least h wide (checked), and
its trace α E[x² | S] + α + 1 ≤ T. The product of the other two eigenvalues is at most a quarter of the
square of the trace: λ_min ≥ 4 D/T² = λ. f is in the span, so |r − N r| is the distance of f* from it. That
of the teacher's (x − q)₊ is at most the norm of (x − q)₊ − (x − q) 1_S, which is the root of δ³/(3 ℓ)
(checked). On the other hand r is constant, c, before both breakpoints, linear behind them, and between
them has a slope of size |s w1 w2| or t, so that it is there c ± ω′ δ′ at the end, ω′ ≥ ω, δ′ the true
distance. A linear function on a width h has a square integral of at least h/4 times the square of its
value at an end (checked); so ℓ L ≥ a c² + (h/4) (c ± ω′ δ′)² ≥ ω² δ′² a h/(4 a + h) (checked). So |r − N
r|² ≤ t² δ′³/(3 ℓ) ≤ κ² L, and |∇L|² ≥ 4 min(s² W², 1) λ (1 − κ²) L.

(2) ∇²L = 2 E[∇f ∇fᵀ] + 2 E[r ∇²f] (derivation 3). The first has at most the norm 2 E|∇f|², with E[x² 1_S]
+ α ≤ A′ (1 + X) and E[z² 1_S] ≤ Z² A′/3. The second consists of the entries s E[x r 1_S] for (w1, w2) and
s E[r 1_S] for (b1, w2), whose norm is the root of the sum of their squares, at most |s| √(L A′ (1 + X)) by
Cauchy and Schwarz, and of the mass at the breakpoint, s w2 r(p)/(w1 ℓ) (p, 1)(p, 1)ᵀ. r(p) is c if p ≤ q
and the value at the other end of the middle piece if not, whose squares are at most ℓ L/a and 4 ℓ L/h, so
that |r(p)| ≤ B. All of these are continuous in θ also where p = q: L is twice continuously differentiable
on the ball.

(3) As in derivation 26. On a stretch of a step that is in the ball, with L no larger than at the start, L
falls by at least γ σ |∇L|, σ its length, so that √L falls by at least γ σ |∇L|/(2 √L) ≥ γ μ σ/2; only the
distance can end it. So the length of all stretches is at most 2 √L/(γ μ) < R, and they are never ended. L
falls by γ η_k |∇L|² ≥ γ η_k μ² L at a step. The path is finite, so θ_k converges, and L goes to 0 if Σ
η_k = ∞.
"""

PROVED_BY = (
    (
        "(1)",
        (
            "JᵀJ",
            "the Gram matrix's determinant",
            "the variance on a width h",
            "λ₂ λ₃ ≤ (λ₁ + λ₂ + λ₃)²/4",
            "the square integral between the breakpoints",
            "a line on a width h from the value β",
            "c² a + (h/4)(c + ω δ)²",
            "κ²",
        ),
        "the projection on the span of ψ, and how far the breakpoint moves in the ball",
    ),
    ("(2)", (), "the Hessian of derivation 3, Cauchy and Schwarz, and the bounds on c and r(p) from (1)"),
    ("(3)", (), "the argument of derivation 26, from (1) and (2)"),
)

NOT_CLAIMED = (
    "That the trap is necessary, or its size the best: it is found at losses of about 10⁻⁵ and below.",
    "Anything for samples, other slopes, smooth neurons, momentum or adaptive steps: Adam is held by no "
    "minimum (derivation 28).",
    "That a rate with η Λ ≥ 2 leaves; derivation 16 has the rates that a minimum is linearly stable for.",
)


def prove(proof: Proof) -> None:
    prove_below(proof)
    prove_missed(proof)


def prove_below(proof: Proof) -> None:
    """Prove JᵀJ and the determinant of the Gram matrix."""
    matrix = sympy.Matrix([[s * w2, 0, 0], [0, s * w2, 0], [s * w1, s * b1, 0], [0, 0, 1]])
    pair = sympy.Matrix([w1, b1])
    inner = s**2 * (w2**2 * sympy.eye(2) + pair * pair.T)
    proof.equal("JᵀJ", matrix.T * matrix, sympy.diag(inner, 1))
    gram = sympy.Matrix(
        [
            [alpha * (v + mean**2), alpha * mean, alpha * mean],
            [alpha * mean, alpha, alpha],
            [alpha * mean, alpha, 1],
        ]
    )
    proof.equal("the Gram matrix's determinant", gram.det(), alpha**2 * v * (1 - alpha))
    middle = sympy.integrate((x - h / 2) ** 2, (x, 0, h)) / h
    proof.equal("the variance on a width h", middle, h**2 / 12)
    first, second, third = sympy.symbols("l_1:4", positive=True)
    surplus = (first + second + third) ** 2 - 4 * second * third
    squares = (second - third) ** 2 + first * (first + 2 * second + 2 * third)
    proof.equal("λ₂ λ₃ ≤ (λ₁ + λ₂ + λ₃)²/4", surplus, squares)


def prove_missed(proof: Proof) -> None:
    """Prove the distance of the teacher from the span, and the least loss at a distance δ."""
    proof.equal(
        "the square integral between the breakpoints", sympy.integrate(x**2, (x, 0, delta)), delta**3 / 3
    )
    square = sympy.integrate((slope + kink * x) ** 2, (x, 0, h))
    completed = slope**2 * h / 4 + h**3 / 3 * (kink + 3 * slope / (2 * h)) ** 2
    proof.equal("a line on a width h from the value β", square, completed)
    total = a * c**2 + h / 4 * (c + omega * delta) ** 2
    least = omega**2 * delta**2 * a * h / (4 * a + h)
    rest = (4 * a + h) / 4 * (c + omega * delta * h / (4 * a + h)) ** 2
    proof.equal("c² a + (h/4)(c + ω δ)²", total, least + rest)
    t = sympy.Symbol("t", positive=True)
    ratio = t**2 * delta**3 / 3 / least
    proof.equal("κ²", ratio, t**2 * delta * (4 * a + h) / (3 * omega**2 * a * h))


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the bounds."""
    t, D, T, L = sympy.symbols("t D T L", positive=True)
    missed = t**2 * delta * (4 * a + h) / (3 * omega**2 * a * h)
    low = 2 * sympy.sqrt(sympy.Min(s**2 * W**2, 1) * lam * (1 - kappa**2))
    return (
        ("Missed by the span", sympy.Eq(kappa**2, missed)),
        ("Least eigenvalue", sympy.Ge(lam, 4 * D / T**2)),
        ("Gradient", sympy.Eq(mu, low)),
        ("Path", sympy.Lt(2 * sympy.sqrt(L) / (gamma * mu), sympy.Symbol("R"))),
        ("Factor of the rate", sympy.Eq(gamma, 1 - eta * Lam / 2)),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
