"""A neuron with its breakpoint far enough outside of the input keeps it outside under gradient descent.

Derivation 8 for steps of a finite rate: what a bound on the Hessian costs, and where it is known.
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr, b1, b2, w1, w2
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

s, m, slope, mean = sympy.symbols("s m a m_f", real=True)
root_v, W, D, c, gamma, eta, Lam = sympy.symbols("root_V W D c gamma eta Lambda", positive=True)
sigma, delta, r = sympy.symbols("sigma delta r", positive=True)
V = root_v**2
RHO1 = s * w1 * w2 - slope
RHO0 = s * w2 * (m * w1 + b1) + b2 - mean
EXCESS = V * RHO1**2 + RHO0**2
Z = m * w1 + b1
THETA = (w1, b1, w2, b2)

STATUS = "proved"
STATEMENT = """
Symbols, the loss L = L_line + e of a neuron off the walls and |∇L|² ≥ 4 c² w2² e are those of derivation 8.
Let K be the larger eigenvalue of its matrix M with rows (V, m √V) and (m √V, m² + 1), let
N = √(E z²) = √(V w1² + (m w1 + b1)²) be the root mean square of the pre-activation, and for a radius r ≥ 0

    Λ(r) = 2 s² K (|w2| + r)² + 2 s² (N + √K r)² + 2 + 2 |s| √(K e).

(1) Trap. Let s ≠ 0, w2 ≠ 0 and 0 < η_k ≤ η for the rates of gradient descent, θ_k+1 = θ_k − η_k ∇L(θ_k). Let
r > 0 be at most the distance of (w1, b1) from both walls, with γ = 1 − η Λ(r)/2 > 0, w2² ≥ 2 √e/(γ c) and
ℓ = |w2| − √(w2² − 2 √e/(γ c)) < r, all at k = 0. Then no step and no point between two steps reaches a
wall: the neuron keeps its activity for ever. Its path is shorter than ℓ (and 0 if e = 0), w2 keeps its
sign, θ_k converges, and e_k+1 ≤ e_k (1 − 4 η_k γ c² (|w2| − ℓ)²), with w2 and ℓ those at k = 0. If the sum
of all η_k is infinite the limit is a critical point, and f is the best line there.

(2) All hypotheses hold again at every later step, with r less the path so far.

(3) As η → 0 the rate's factor γ → 1, and this is the trap of derivation 8.
"""

HYPOTHESES = (
    "Those of derivation 8: the population or a sample, any teacher with finite moments, inputs that vary.",
    "Full gradients, no momentum, no decay, no clipping. The rates may change from step to step.",
    "Steps are exact numbers; rounding is not considered.",
)

PROOF = """
The Hessian. Off the walls L is the polynomial L_line + e. With u = (√V ρ₁, ρ₀), e = |u|² and J = ∂u/∂θ,
∇²e = 2 Jᵀ J + 2 (√V ρ₁ ∇²(√V ρ₁) + ρ₀ ∇²ρ₀). The script expands J Jᵀ = s² w2² M + s² ξ ξᵀ + ζ ζᵀ with ξ =
(√V w1, m w1 + b1) and ζ = (0, 1). Its largest eigenvalue is at most s² w2² K + s² |ξ|² + 1, and |ξ| = N.
The other matrix has the entries s (V ρ₁ + m ρ₀) for (w1, w2) and s ρ₀ for (b1, w2), and no others but the
symmetric ones; so its norm is |s| √((V ρ₁ + m ρ₀)² + ρ₀²) = |s| √(u · M u) ≤ |s| √(K e). Hence the norm
of ∇²e ≤ 2 s² K w2² + 2 s² N² + 2 + 2 |s| √(K e). At a distance of at most r from the start |w2| has grown
by at most r, and N, which is a seminorm of (w1, b1) with N² = (w1, b1) · M′ (w1, b1), M′ with rows (V +
m², m) and (m, 1), by at most √K r: M and M′ have the same trace and determinant. So the norm of ∇²e ≤
Λ(r) within r of the start, wherever e is no larger than at the start.

A step. Let θ be within r of the start, off the walls, e(θ) ≤ e(0) and ∇e ≠ 0. For 0 < h ≤ η, as long as
all points θ − h′ ∇e, 0 ≤ h′ ≤ h, are within r of the start and e ≤ e(0) on them, Taylor's formula gives
e(θ − h ∇e) ≤ e − h (1 − h Λ/2) |∇e|² ≤ e − γ h |∇e|². So e < e(θ) ≤ e(0) at the end of such a stretch,
and e does not end it: only the distance from the start can. With δ = h |∇e| the length of the stretch,
√e(θ − h ∇e) − √e ≤ −γ δ |∇e|/(√e(θ − h ∇e) + √e) ≤ −γ δ |∇e|/(2 √e) ≤ −γ c |w2| δ.

The path. Let W = |w2(0)|, σ the length of the polygon from the start to one of its points, and g(σ) = W σ
− σ²/2. At its corners |w2| ≥ W − σ_k, so after the lengths δ_0, …, δ_n, the last of which may end inside
a step, √e ≤ √e(0) − γ c Σ (W − σ_k) δ_k. As W − σ falls, (W − σ_k) δ_k exceeds g(σ_k + δ_k) − g(σ_k) by
δ_k²/2. So √e < √e(0) − γ c g(σ) as soon as σ > 0, while σ ≤ W. If σ reached ℓ ≤ W, then, as γ c g(ℓ) =
√e(0), √e < 0 there: impossible. So σ < ℓ < r at all points of all steps, none of which is therefore ended
by the distance. The distance of (w1, b1) from the walls stays above r − ℓ > 0. If e(0) = 0, ∇L = 0 and
nothing moves.

The limit. The path is finite, so θ_k converges. W − σ > W − ℓ ≥ 0 at all k. In the limit too: σ ≤ ℓ, and
σ = ℓ would give √e ≤ −γ c δ_0²/2 < 0. So w2 ≠ 0 there. As the sum of η_k |∇L|² is finite, Σ η_k = ∞ makes
∇L = 0 in the limit, where therefore e = 0.

The rate. e_k+1 ≤ e_k − γ η_k |∇e|² ≤ e_k (1 − 4 γ η_k c² w2²), and |w2| ≥ W − ℓ.

Later steps. As in derivation 8, with γ c for c: the later ℓ is at most ℓ − σ, that is less than r − σ,
which is at most the later distance from the walls. |w2| and N have grown by at most σ and √K σ, and e has
not grown, so the later Λ(r − σ) is at most Λ(r).
"""

PROVED_BY = (
    (
        "(1)",
        (
            "∇²e = 2 Jᵀ J + 2 Σ u ∇²u",
            "J Jᵀ = s² w2² M + s² ξ ξᵀ + ζ ζᵀ",
            "Σ u ∇²u has two entries and their mirror images",
            "which is s² u · M u",
            "N² = (w1, b1) · M′ (w1, b1)",
            "M′ has M's trace and determinant",
            "h (1 − h Λ/2) − h (1 − η Λ/2) = h (η − h) Λ/2",
            "√e₁ − √e₀ = (e₁ − e₀)/(√e₁ + √e₀)",
            "(W − σ) δ − (g(σ + δ) − g(σ)) = δ²/2",
            "γ c g(ℓ) = √e for ℓ = W − D",
        ),
        "the norm of a sum, how far |w2|, N and e go within r, Taylor's formula along a step, that ℓ is not "
        "reached, and the limit",
    ),
    (
        "(2)",
        ("(W − σ)² − 2 √e/(γ c) + 2 g(σ) = D²", "so that the later ℓ is at most ℓ − σ"),
        "the later Λ is no larger",
    ),
    ("(3)", (), "γ = 1 − η Λ(r)/2"),
)

NOT_CLAIMED = (
    "That the trap is necessary: neurons outside it can keep their activity as well.",
    "Anything for momentum, decay, adaptive optimisers or gradients of minibatches: Adam does leave the set "
    "of best lines.",
    "That Λ is the least bound, or that a rate with η Λ ≥ 2 leaves.",
    "Anything for steps that are rounded. The margin r − ℓ is what rounding may use up.",
)


def prove(proof: Proof) -> None:
    prove_hessian(proof)
    prove_growth(proof)
    prove_step(proof)
    prove_path(proof)


def prove_hessian(proof: Proof) -> None:
    """Prove the two parts of the Hessian of e and what bounds them."""
    u = sympy.Matrix([root_v * RHO1, RHO0])
    matrix = sympy.Matrix([[V, m * root_v], [m * root_v, m**2 + 1]])
    jacobian = u.jacobian(THETA)
    second = [sympy.hessian(entry, THETA) for entry in u]
    curved = u[0] * second[0] + u[1] * second[1]
    whole = 2 * jacobian.T * jacobian + 2 * curved
    proof.equal("∇²e = 2 Jᵀ J + 2 Σ u ∇²u", sympy.hessian(EXCESS, THETA), whole)
    xi, zeta = sympy.Matrix([root_v * w1, Z]), sympy.Matrix([0, 1])
    parts = s**2 * w2**2 * matrix + s**2 * xi * xi.T + zeta * zeta.T
    proof.equal("J Jᵀ = s² w2² M + s² ξ ξᵀ + ζ ζᵀ", jacobian * jacobian.T, parts)
    first, other = s * (V * RHO1 + m * RHO0), s * RHO0
    zero = sympy.Integer(0)
    entries = sympy.Matrix(
        [[zero, zero, first, zero], [zero, zero, other, zero], [first, other, zero, zero], [zero] * 4]
    )
    proof.equal("Σ u ∇²u has two entries and their mirror images", curved, entries)
    squared = entries * entries
    proof.equal("the square of that matrix has the norm's square for w2", squared[2, 2], first**2 + other**2)
    block = squared[:2, :2]
    proof.equal(
        "and on (w1, b1) rank 1 with the same trace",
        [block.trace(), block.det()],
        [first**2 + other**2, zero],
    )
    proof.equal("which is s² u · M u", first**2 + other**2, s**2 * u.dot(matrix * u))


def prove_growth(proof: Proof) -> None:
    """Prove that N² is a quadratic form with the eigenvalues of M."""
    of_line = sympy.Matrix([[V + m**2, m], [m, 1]])
    line = sympy.Matrix([w1, b1])
    proof.equal("N² = (w1, b1) · M′ (w1, b1)", V * w1**2 + Z**2, line.dot(of_line * line))
    trace_det = [V + m**2 + 1, V]
    proof.equal("M′ has M's trace and determinant", [of_line.trace(), of_line.det()], trace_det)
    matrix = sympy.Matrix([[V, m * root_v], [m * root_v, m**2 + 1]])
    proof.equal("which are those of M", [matrix.trace(), matrix.det()], trace_det)


def prove_step(proof: Proof) -> None:
    """Prove what a stretch of a step takes from e."""
    h, size = sympy.symbols("h n", positive=True)
    # h ≤ η, as η = h + x: what the step takes is at least γ h n², n = |∇e|.
    x = sympy.Symbol("x", nonnegative=True)
    taken = h * (1 - h * Lam / 2) * size**2
    least = h * (1 - (h + x) * Lam / 2) * size**2
    surplus = sympy.expand(taken - least)
    proof.equal("h (1 − h Λ/2) − h (1 − η Λ/2) = h (η − h) Λ/2", surplus, h * x * Lam / 2 * size**2)
    proof.holds("which is not negative", bool(surplus.is_nonnegative))
    before, after = sympy.symbols("e_0 e_1", positive=True)
    quotient = (after - before) / (sympy.sqrt(after) + sympy.sqrt(before))
    difference = sympy.simplify(quotient - (sympy.sqrt(after) - sympy.sqrt(before)))
    proof.holds("√e₁ − √e₀ = (e₁ − e₀)/(√e₁ + √e₀)", difference == 0)


def prove_path(proof: Proof) -> None:
    """Prove what is used about g, ℓ and their values at later times."""

    def drop(at: Expr) -> Expr:
        return W * at - at**2 / 2

    corner = (W - sigma) * delta - (drop(sigma + delta) - drop(sigma))
    proof.equal("(W − σ) δ − (g(σ + δ) − g(σ)) = δ²/2", corner, delta**2 / 2)
    # D stands for √(W² − 2 √e/(γ c)), so √e = γ c (W² − D²)/2.
    root_e = gamma * c * (W**2 - D**2) / 2
    proof.equal("γ c g(ℓ) = √e for ℓ = W − D", gamma * c * drop(W - D), root_e)
    later = (W - sigma) ** 2 - 2 * (root_e - gamma * c * drop(sigma)) / (gamma * c)
    proof.equal("(W − σ)² − 2 √e/(γ c) + 2 g(σ) = D²", later, D**2)
    rest = (W - sigma) ** 2 - D**2
    proof.equal("so that the later ℓ is at most ℓ − σ", rest, (W - sigma - D) * (W - sigma + D))


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the bound on the Hessian, the factor and the bound on the path."""
    e, larger, size, path, out = sympy.symbols("e K N ell |w2|", positive=True)
    bound = 2 * s**2 * larger * (out + r) ** 2 + 2 * s**2 * (size + sympy.sqrt(larger) * r) ** 2
    bound = bound + 2 + 2 * sympy.Abs(s) * sympy.sqrt(larger * e)
    return (
        ("Bound on the Hessian within r", sympy.Eq(Lam, bound, evaluate=False)),
        ("Factor of the rate", sympy.Eq(gamma, 1 - eta * Lam / 2)),
        ("Path", sympy.Eq(path, out - sympy.sqrt(out**2 - 2 * sympy.sqrt(e) / (gamma * c)))),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
