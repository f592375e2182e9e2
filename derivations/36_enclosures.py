"""Enclosures: a computed curve proves where the flow ends from a start, through walls and to the teacher.

Solutions near the curve part no faster than the Hessian's least eigenvalue says, with or without what it has
for balanced neurons only; so a radius that grows with the curve's defect holds them, until a theorem has the
whole ball.
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

x, p, w1, b1, w2, r, eig = sympy.symbols("x p w1 b1 w2 r lambda", real=True)
h, t, s, ell, pull = sympy.symbols("h t s ell delta", positive=True)

STATUS = "proved"
STATEMENT = """
Let φ(z) = s max(z, 0), s ≠ 0, let inputs be uniform on [lo, hi], ℓ = hi − lo, N = √(1 + max(lo², hi²)),
and f* Lipschitz continuous with the constant F. Let p = −b1/w1, moved to the nearer end of the input if
it is not on it, q = √(1 + p²), and r_p = b2 − f*(p). Let A be the active part of the input, v = (p, 1, 0,
0), M = 2 s w2 r_p/(ℓ |w1|) v vᵀ, and H₀ = 2 E[∇f ∇fᵀ] + 2 E[(f − f*) ∇²f] with ∇²f the matrix of second
derivatives on A.

(1) Off the walls the Hessian of L is H₀ + M for balanced neurons and H₀ for others. Let B be a ball of
radius ρ on which w1 ≠ 0, let W, σ, Γ, q̂ and d be bounds of |w1| from below and of |s w2|, |∇f|, q and
|r_p| from above on B. On B, H₀ + M changes by at most C |θ − θ′| between θ and θ′, and H₀ by no more,
with

    C = 6 |s| N Γ + (2/ℓ) (σ q̂ (σ q̂ + 1) + |s| d q̂) q̂/W + (2/ℓ) q̂² (|s| d/W + σ (1 + F q̂/W)/W + σ d/W²)
        + (4/ℓ) σ d q̂²/W²,

and H₀ and M apart together by no more. Where all neurons in B are hyperactive, w1 = 0 or not, H₀ changes
by at most 6 |s| N Γ |θ − θ′|.

(2) Let y be the centre of B. Let μ be the least eigenvalue of H₀ + M at y if all neurons in B are
balanced, of H₀ if all are hyperactive, and the smaller of the two if neither is so. Then for θ, θ′ in B

    (θ − θ′)·(∇L(θ) − ∇L(θ′)) ≥ (μ − C ρ) |θ − θ′|².

(3) Tube. Let y be a continuous, piecewise continuously differentiable curve on [0, T] and R ≥ 0 a
function of the same kind with R′ ≥ −(μ − C ρ) R + |y′ + ∇L(y)|, and let the ball of radius R(t) around
y(t) be in a ball B as in (2) with its centre, μ and ρ. Then every solution of dθ/dt = −∇L with |θ(0) −
y(0)| ≤ R(0) has |θ(t) − y(t)| ≤ R(t) on [0, T].

(4) Defect. On a step of length h let y be the cubic with y′ = −∇L at both ends, K, K₂ and K₃ bounds of
its first, second and third derivatives. Let the curve be in B. Then |y′ + ∇L(y)| ≤ (h²/8) (K₃ + C K² + G
K₂) if all neurons in B are balanced or all hyperactive, G a bound of the norm of the Hessian on B;
otherwise with G one of |H₀|, and (h/2) K J more, J a bound of the norm of M on B.

(5) End. If all neurons in the last ball are dead, or balanced with √L + R Γ < √L_line at its centre and
the hypotheses of derivation 11 (2), or in a trap of derivation 8 or 13 (1), then from all starts in the
first ball the flow ends constant, or at the teacher, or at the best line.
"""

HYPOTHESES = (
    "Those of the loss (derivation 1) with s₋ = 0, on the population; f* Lipschitz continuous. (5) at the "
    "teacher has those of derivation 11.",
    "(w1, b1) ≠ (0, 0) on the balls: there ∇L is not continuous.",
    "The function `enclose` adds slack for rounding, by an estimate, to the defect, the eigenvalue and the "
    "bounds; it does not use interval arithmetic.",
)

PROOF = """
(1) The Hessian is derivation 3's: M is the point mass at the breakpoint, z = 0 and f = b2 there. Where p
is at an end of the input because it lies beyond, A is the whole input or empty, so H₀ is as stated with A
= the part of the input on the active side of p, on both sides of walls: H₀ and M are Lipschitz continuous
in θ as w1 ≠ 0, and p has a gradient of the length q/|w1| at most (script). Let u be a unit vector. In
E[∇f ∇fᵀ] and E[(f − f*) ∇²f] the integrands on A change by (∇²f u) ∇fᵀ + ∇f (∇²f u)ᵀ and (∇f·u) ∇²f,
where |∇²f| = |s| √(1 + x²) ≤ |s| N (script): that gives 2 (2 |s| N Γ + |s| N Γ). At p, A's end moves by
q̂/W at most; there ∇f jumps by s w2 v, which is orthogonal to the rest (0, 0, 0, 1), so that ∇f ∇fᵀ jumps
by at most δ² + δ with δ = σ q̂ (script), and (f − f*) ∇²f by |s| d q̂; the density is 1/ℓ. M = κ v vᵀ
with |v| = q: |κ| ≤ (2/ℓ) σ d/W, the gradient of κ has three parts (script), r_p changes by 1 + F q̂/W at
most, and v vᵀ by 2 q̂ q̂/W. The sum is C. For hyperactive neurons A is the input and M does not count.

(2) ∇L is Lipschitz continuous on B (derivation 4: continuous across walls), so along almost all segments
it is the integral of the Hessian, which exists off the walls; by (1) and continuity its eigenvalues are
at least μ − C ρ: H₀ + χ M with χ = 0 or 1, each within C ρ of its value at y.

(3) As derivation 14 (2): |θ − y| |θ − y|′ = −(θ − y)·(∇L(θ) − ∇L(y)) − (θ − y)·(y′ + ∇L(y)), to which (2)
applies as long as |θ − y| ≤ R, and a little longer with constants a little worse, because all that is
asked of B is so of a ball a little larger: with a radius that grows a little faster there is no first time
at which θ leaves it, and R is the limit. On a step with constant μ − C ρ and a bound D of the defect, R(h) ≤
R(0) exp(−(μ − C ρ) h) + D h max(1, exp(−(μ − C ρ) h)) as there.

(4) d = y′ + ∇L(y) is 0 at both ends, and d′ = y″ + H₀ y′ + χ M y′ almost everywhere: where y stays on a
wall, y′ is along it, so v·(w1′, b1′) = 0 and M y′ = 0. If χ is constant, d′ has a derivative bounded by
K₃ + C K² + G K₂; what differs from the line between its ends by a bounded second derivative differs by at
most t (h − t)/2 ≤ h²/8 of the bound (script). If not, this holds of the integral of y″ + H₀ y′, and the
integral of χ M y′, with a first derivative bounded by J K, differs from the line between its ends by at
most 2 t (h − t)/h ≤ h/2 of that (script). The control points of a cubic give its derivatives (script).

(5) |f_θ − f_y| ≤ R Γ at every input, so √L changes by no more. What lasts for each state of the ball
lasts for each solution.
"""

PROVED_BY = (
    (
        "(1)",
        (
            "the gradient of p",
            "∇²f has the eigenvalues ± s √(1 + x²) and 0",
            "the jump of ∇f ∇fᵀ, …",
            "the gradient of κ",
        ),
        "the Hessian (derivation 3), bounds of products on the ball, and that H₀ and M go on across walls",
    ),
    ("(2)", (), "a Lipschitz gradient is the integral of its derivative along almost all segments"),
    ("(3)", ("R′ = μ R + D",), "a differential inequality for |θ − y|, as in derivation 14"),
    (
        "(4)",
        ("t (h − t)/2 ≤ h²/8", "2 t (h − t)/h ≤ h/2", "the cubic, …"),
        "what a bounded derivative says of the distance from the line between the ends, and what happens on "
        "walls; that the function does so is tested, not proved",
    ),
    ("(5)", (), "derivations 7, 8, 11 and 13 for each state of the last ball"),
)

NOT_CLAIMED = (
    "That what is not enclosed ends elsewhere: near the surfaces between two outcomes, and where a curve "
    "lingers, only small balls or none are.",
    "A proof in interval arithmetic.",
    "Anything for samples, leaky slopes, or curves that pass w1 = b1 = 0.",
)


def prove(proof: Proof) -> None:
    prove_bounds(proof)
    prove_steps(proof)


def prove_bounds(proof: Proof) -> None:
    """Prove the parts of C."""
    at = -b1 / w1
    square = sum(at.diff(one) ** 2 for one in (w1, b1))
    proof.holds("the gradient of p", sympy.cancel(square - (1 + at**2) / w1**2) == 0)
    second = sympy.Matrix([[0, 0, s * x], [0, 0, s], [s * x, s, 0]])
    characteristic = sympy.expand((eig * sympy.eye(3) - second).det())
    proof.equal(
        "∇²f has the eigenvalues ± s √(1 + x²) and 0",
        characteristic,
        sympy.expand(eig**3 - eig * s**2 * (1 + x**2)),
    )
    # d gᵀ + g dᵀ + d dᵀ in the basis of d/|d| and g, |g| = 1, with δ = |d|.
    jump = sympy.Matrix([[pull**2, pull], [pull, 0]])
    of_jump = sympy.expand((eig * sympy.eye(2) - jump).det())
    proof.equal(
        "the jump of ∇f ∇fᵀ, its eigenvalues", of_jump, sympy.expand(eig**2 - pull**2 * eig - pull**2)
    )
    # Beyond the larger root δ² + δ the polynomial is positive.
    there = sympy.factor(of_jump.subs(eig, pull**2 + pull))
    proof.holds("the jump of ∇f ∇fᵀ, no larger than δ² + δ", bool(there.is_positive))
    size = sympy.Symbol("W", positive=True)
    weight = 2 * s * w2 * r / (ell * size)
    found = [weight.diff(one) for one in (w2, r, size)]
    stated = [2 * s * r / (ell * size), 2 * s * w2 / (ell * size), -2 * s * w2 * r / (ell * size**2)]
    proof.equal("the gradient of κ", found, stated)


def prove_steps(proof: Proof) -> None:
    """Prove the growth of the radius, and what a cubic's control points say."""
    mu, start, rest = sympy.symbols("mu R_0 D", positive=True)
    solved = start * sympy.exp(mu * h) + rest * (sympy.exp(mu * h) - 1) / mu
    proof.holds("R′ = μ R + D", sympy.simplify(solved.diff(h) - mu * solved - rest) == 0)
    middle = sympy.expand(h**2 / 8 - t * (h - t) / 2 - (t - h / 2) ** 2 / 2)
    proof.equal("t (h − t)/2 ≤ h²/8", middle, sympy.Integer(0))
    other = sympy.expand(h / 2 - 2 * t * (h - t) / h - 2 * (t - h / 2) ** 2 / h)
    proof.equal("2 t (h − t)/h ≤ h/2", other, sympy.Integer(0))
    c = sympy.symbols("c_0:4", real=True)
    u = t / h
    cubic = sum((k * c[i] * u**i * (1 - u) ** (3 - i) for i, k in enumerate((1, 3, 3, 1))), sympy.Integer(0))
    ends = [cubic.diff(t).subs(t, end) for end in (0, h)]
    proof.equal("the cubic, its slopes at the ends", ends, [3 * (c[1] - c[0]) / h, 3 * (c[3] - c[2]) / h])
    bends = [cubic.diff(t, 2).subs(t, end) for end in (0, h)]
    stated = [6 * (c[0] - 2 * c[1] + c[2]) / h**2, 6 * (c[1] - 2 * c[2] + c[3]) / h**2]
    proof.equal("the cubic, its second derivative at the ends", bends, stated)
    third = 6 * (c[3] - 3 * c[2] + 3 * c[1] - c[0]) / h**3
    proof.equal("the cubic, its third derivative", cubic.diff(t, 3), third)


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the constants of (1) and the growth of the radius."""
    N, gamma, sigma, qhat, d, F, W = sympy.symbols("N Gamma sigma qhat d F W", positive=True)
    mu, radius, rest, C, rho = sympy.symbols("mu R D C rho", positive=True)
    K, K2, K3, G = sympy.symbols("K K_2 K_3 G", positive=True)
    edge = (2 / ell) * (sigma * qhat * (sigma * qhat + 1) + s * d * qhat) * qhat / W
    mass = (2 / ell) * qhat**2 * (s * d / W + sigma * (1 + F * qhat / W) / W + sigma * d / W**2)
    return (
        (
            "Change of the Hessian",
            sympy.Eq(C, 6 * s * N * gamma + edge + mass + 4 * sigma * d * qhat**2 / (ell * W**2)),
        ),
        ("Growth of the radius", sympy.Eq(sympy.Symbol("Rprime"), -(mu - C * rho) * radius + rest)),
        ("Defect on a step", sympy.Eq(rest, h**2 / 8 * (K3 + C * K**2 + G * K2))),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
