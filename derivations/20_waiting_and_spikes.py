"""How long a plateau lasts, and when Adam's spikes come.

The best line is a critical point at infinity. What a flow, a decaying preconditioner and momentum make of a
plateau and of a minimum can be said in closed form; the spikes' size cannot.
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr, Place
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

beta, eta, lam, z, tau, delta, n = sympy.symbols("beta eta lambda z tau delta n", real=True)
alpha, p0, p2, p3, s = sympy.symbols("alpha phi_0 phi_2 phi_3 s", real=True)
p1 = sympy.Symbol("phi_1", real=True, nonzero=True)
q, rho = sympy.symbols("q rho", positive=True)
ZERO, ONE = sympy.Integer(0), sympy.Integer(1)

STATUS = "proved"
STATEMENT = """
Let φ be smooth, r = f − f*, and q = β2^(−1/2).

(1) The best line is at infinity. If φ is not affine on any interval and the best line is not a constant,
no neuron is the best line on the input. But let φ1 = φ′(b) ≠ 0. For all small α > 0 there is one neuron
with w1 = α, b1 = b and E[r φ′] = E[r x φ′] = 0, where φ′ stands for φ′(w1 x + b1). For α → 0 its output
tends uniformly to the best line, its loss to the best line's L_line, w2 grows like 1/α, and |∇L| = O(α²).
With φ2 and φ3 the second and third derivative at b, s the line's slope and A = E[r x²] for the best line,
∂L/∂w1 = ∂L/∂b1 = 0,

∂L/∂b2 = 2 α² A (φ2²/φ1² − φ3/(2 φ1)) + O(α³), ∂L/∂w2 = φ(b) ∂L/∂b2 − α² φ2 A + O(α³), and L = L_line + α
A s φ2/φ1 + O(α²).

So every b with φ′(b) ≠ 0 gives a critical point at infinity, all at the level L_line.

(2) How short a wait can be. If a gradient flow θ′ = −∇L goes from θ₀ to θ₁ while the loss falls from L₀
to L₁ < L₀, it takes at least |θ₁ − θ₀|²/(L₀ − L₁), and exactly that iff it moves on a straight line with
constant velocity.

(3) The flow with the line held. Let D be diagonal, positive and constant, and the columns of N(θ) the
gradients of E f and E[x f], independent at θ. With B = D⁻¹ − D⁻¹ N (Nᵀ D⁻¹ N)⁻¹ Nᵀ D⁻¹, solutions of θ′ =
−B ∇L keep E f and E[x f], hence the regression line of f; and dL/dt = −∇Lᵀ B ∇L = −θ′ᵀ D θ′ ≤ 0. The wait
between two losses is the integral of dL/(∇Lᵀ B ∇L).

(4) Adam's time. If v only decays from update k on, v_(k+j) = β2^j v_k, then with Adam's ε = 0 and without
the bias correction the update k + j is a step of size η q^j in the metric √v_k, and n updates cover the
time η q (q^n − 1)/(q − 1). So a time τ takes n = ln(1 + τ (q − 1)/(η q))/ln q updates: as a function of τ
it grows like a logarithm. Whatever the gradients are, the update k + j moves a parameter by at most η q^j
|m|/√v_k, m being its corrected first moment then. So if the |m| do not exceed M, moving by d takes at
least the n with τ = d √v_k/M.

(5) When Adam becomes unstable. Let H have λ_max(H) > 0 and P_k = diag(√(v_k/(1 − β2^k)) + ε) > 0, S_k =
λ_max(P_k⁻¹ H), ε ≥ 0 being Adam's. Whatever the gradients are, S_(k+n) ≤ S_k q^n √((1 − β2^(k+n))/(1 −
β2^k)), with equality if all gradients are 0 and ε = 0. So S passes a limit ℓ > S_k not before the n at
which the right side is ℓ, and exactly then if all gradients are 0 and ε = 0. For k → ∞ this is n =
ln(ℓ/S_k)/ln q, that is about 2000 ln(ℓ/S_k) steps for β2 = 0.999.

(6) How fast it then leaves. For momentum m ← β m + (1 − β) g and a frozen P the multipliers along an
eigenvector of P⁻¹ H with the eigenvalue λ are the roots of z² − (1 + β − (1 − β) η λ) z + β; they are
less than 1 in modulus iff 0 < η λ < ℓ = (2 + 2 β)/(1 − β) (derivation 16). For η λ = ℓ (1 + δ), δ > 0,
one is −ρ with ρ > 1 and the other −β/ρ, and δ = (ρ − 1)(ρ − β)/(2 (1 + β) ρ): ρ increases with δ, with
the slope ℓ at δ = 0, which is 38 for β = 0.9. Where the roots are not real both have the modulus √β.

(7) How long a saddle holds. Let ∇L(θ*) = 0, let the Hessian be Lipschitz with the constant Λ on a ball
about θ* of radius R, −μ < 0 one of its eigenvalues at θ* with the unit eigenvector e, and let a gradient
flow stay in the ball while |θ − θ*| ≤ K u, u = e · (θ − θ*) > 0. With κ = Λ K R/2 < μ, u grows from u₀ to
u₁ in a time between ln(u₁/u₀)/(μ + κ) and ln(u₁/u₀)/(μ − κ).
"""

HYPOTHESES = (
    "Population or sample; E is the mean over a bounded input whose x is not constant.",
    "In (1) φ is four times continuously differentiable; for its first sentence the input is an interval "
    "with a continuous density > 0 (or a sample on which φ(w1 x + b1) is affine for no w1 ≠ 0).",
    "In (2), (3) and (7) L is continuously differentiable twice, near where the flow goes.",
    "In (4) to (6) 0 < β2 < 1, 0 < β < 1, η > 0, k ≥ 1; H, and in (6) P, do not change. v_k > 0 is Adam's "
    "second moment before the bias correction.",
    "Exact arithmetic.",
)

PROOF = """
(1) If w1 w2 ≠ 0 and w2 φ(w1 x + b1) + b2 were affine in x on the input, φ would be affine on an interval;
if w1 w2 = 0 the output is constant. Now let z = b + α x. Write w2 = s′/α and c = w2 φ(b) + b2, so that r
= s′ (φ(z) − φ(b))/α + c − f*, where (φ(z) − φ(b))/α = φ1 x + O(α) uniformly, as x is bounded, and φ′(z) =
φ1 + O(α). Divided by φ1, the two conditions are linear in (φ1 s′, c), with a matrix that tends to the one
with the rows (E x, 1), (E x², E x) and right sides that tend to E f*, E[x f*], all within O(α). Its
determinant is −Var x ≠ 0. So for small α there is one solution, and it is within O(α) of slope and
intercept of the best line (these are the normal equations). So r tends to that of the best line, L to
L_line, and w2 = s′/α. ∂L/∂w1 = 2 w2 E[r x φ′] = 0 and ∂L/∂b1 = 2 w2 E[r φ′] = 0. Expanding φ′(z) = φ1 + α
φ2 x + α² φ3 x²/2 + O(α³) in the conditions,

φ1 E r + α φ2 E[r x] + (α²/2) φ3 E[r x²] = O(α³), φ1 E[r x] + α φ2 E[r x²] = O(α²),

gives E[r x] = −α A φ2/φ1 + O(α²), as E[r x²] = A + O(α), and E r = α² A (φ2²/φ1² − φ3/(2 φ1)) + O(α³).
Then ∂L/∂b2 = 2 E r, and ∂L/∂w2 = 2 E[r φ] with φ(z) = φ(b) + α φ1 x + α² φ2 x²/2 + O(α³) is as stated.
For the loss: f is the best line plus an h = O(α), so L − L_line = 2 E[r h] + O(α²) with r of the best
line, which is orthogonal to 1 and x; the part of h that is not affine is s′ α φ2 x²/2 + O(α²) with s′ =
s/φ1 + O(α). So L − L_line = α A s φ2/φ1 + O(α²).

(2) With T = t₁ − t₀ and Δ = θ₁ − θ₀, 0 ≤ ∫ |θ′ − Δ/T|² dt = ∫ |θ′|² dt − |Δ|²/T, and ∫ |θ′|² dt = ∫ |∇L|²
dt = L₀ − L₁. Zero is attained iff θ′ = Δ/T.

(3) D⁻¹ is positive definite and N has the rank 2, so Nᵀ D⁻¹ N is invertible, and Nᵀ B = 0: E f and E[x f]
are constant, and with them slope and intercept of f's regression line. B is symmetric and B D B = B, so B
is positive semidefinite (yᵀ B y = (B y)ᵀ D (B y)) and dL/dt = ∇L · θ′ = −∇Lᵀ B ∇L = −θ′ᵀ D θ′.

(4) The update k + j divides by √v_(k+j) = β2^(j/2) √v_k, so its factor is η q^j. The sum of η q^j over j
= 1, …, n is geometric. Whatever the gradients are, v_(k+j) ≥ β2^j v_k, and the bias correction divides it
by less than 1. So the update's divisor is at least β2^(j/2) √v_k; summing the moves gives the bound.

(5) v_(k+n) ≥ β2^n v_k. So v_(k+n)/(1 − β2^(k+n)) ≥ a² v_k/(1 − β2^k) with a² = β2^n (1 − β2^k)/(1 −
β2^(k+n)), and 1 − a² = (1 − β2^n)/(1 − β2^(k+n)) ≥ 0. Hence P_(k+n) ≥ a P_k, ε included, as a ≤ 1.
λ_max(P⁻¹ H) is the largest value of yᵀ H y/(yᵀ P y); as it is positive for some y, it can only fall if P
grows: S_(k+n) ≤ S_k/a, which is the bound. If all gradients are 0 and ε = 0, P_(k+n) = a P_k and there is
equality. The right side increases with n, hence the first passage.

(6) The product of the roots is β, and −ρ is one iff ρ² + (1 + β − (1 − β) η λ) ρ + β = 0. With (1 − β) η
λ = (2 + 2 β)(1 + δ) this is ρ + β/ρ = (1 + β)(1 + 2 δ), that is the δ stated. It is 0 at ρ = 1 and
increases for ρ > √β (the derivative of ρ + β/ρ is 1 − β/ρ²), and to ∞ with ρ; so each δ > 0 has one ρ >
1. Its slope at ρ = 1 is (1 − β)/(2 + 2 β) = 1/ℓ. Roots that are not real are conjugate, with the product
β.

(7) By Taylor's formula ∇L(θ) = H(θ*)(θ − θ*) + χ with |χ| ≤ (Λ/2)|θ − θ*|², so u′ = μ u − e · χ, and |e ·
χ| ≤ (Λ/2)(K u) R = κ u. So μ − κ ≤ (ln u)′ ≤ μ + κ; integrate.
"""

PROVED_BY = (
    (
        "(1)",
        (
            "the determinant is −Var x",
            "E r to the second order",
            "∂L/∂w2 to the second order",
            "the loss to the first order",
        ),
        "the first sentence, that there is one neuron for small α, and the orders of what is left out",
    ),
    (
        "(2)",
        ("the square", "its integral"),
        "the integral of |θ′|² is the fall of the loss, and the sum over coordinates",
    ),
    ("(3)", ("Nᵀ B = 0", "B D B = B", "B is symmetric"), "Nᵀ D⁻¹ N is invertible, and the sign of dL/dt"),
    (
        "(4)",
        ("the time of one update more", "no update takes no time", "the inverse of the time"),
        "v_(k+j) ≥ β2^j v_k, and the sum of the moves",
    ),
    (
        "(5)",
        ("1 − a²", "1 − a² > 0"),
        "a largest quotient can only fall if its denominator grows, and the first passage",
    ),
    (
        "(6)",
        ("−ρ is a root", "−β/ρ is a root", "the slope", "at the limit it is 1/ℓ", "38 for β = 0.9"),
        "ρ grows with δ, and roots that are not real",
    ),
    ("(7)", (), "the remainder of Taylor's formula, and integration"),
)

NOT_CLAIMED = (
    "That there is no critical point on a plateau: searches from it with Newton's method find none there.",
    "That the flow with the line held is close to the flow itself. It is where slope and intercept relax "
    "much faster than the rest moves; the difference is measured.",
    "That v only decays on a plateau, or that momentum may be left out there. Both are close to true.",
    "How long an instability grows before it is seen, how high a spike is, and how far apart spikes are. The "
    "first is estimated by the product of frozen multipliers, from rounding to g² = v; the last by "
    "training on the quadratic with the Hessian of the minimum.",
    "That (6) decides stability while P changes.",
)

RELATED = (
    "Ziming Liu's post on loss spikes (2026-01-27): v decays between spikes until the preconditioned "
    "sharpness passes its limit.",
    "Cohen et al. (arXiv 2410.24206): the edge of stability.",
)


def prove(proof: Proof) -> None:
    prove_line(proof)
    prove_wait(proof)
    prove_held_flow(proof)
    prove_adam(proof)
    prove_multiplier(proof)


def prove_line(proof: Proof) -> None:
    """Prove the expansions of the gradient and of the loss on the way to infinity."""
    m1, m2, third, A, x = sympy.symbols("m_1 m_2 m_3 A x", real=True)
    limit = sympy.Matrix([[m1, ONE], [m2, m1]])
    proof.equal("the determinant is −Var x", limit.det(), -(m2 - m1**2))
    # E r and E[r x] from the conditions, with φ′ to the second order, E[r x²] = A and E[r x³] = m_3.
    slope_mean = -(alpha * p2 * A + alpha**2 * p3 * third / 2) / p1
    mean = -(alpha * p2 * slope_mean + alpha**2 * p3 * A / 2) / p1
    stated = alpha**2 * A * (p2**2 / p1**2 - p3 / (2 * p1))

    def second_order(expression: Expr) -> Expr:
        expanded = sympy.expand(expression)
        return sum((expanded.coeff(alpha, i) * alpha**i for i in range(3)), ZERO)

    proof.equal("E r to the second order", second_order(mean), stated)
    by_output = p0 * mean + alpha * p1 * slope_mean + alpha**2 * p2 * A / 2
    proof.equal(
        "∂L/∂w2 to the second order", second_order(2 * by_output), 2 * p0 * stated - alpha**2 * p2 * A
    )
    # φ to the second order; the rest of the change is affine, and orthogonal to r.
    bend = s / p1 * (p1 * x + alpha * p2 * x**2 / 2)
    change = sympy.expand(2 * bend).coeff(x, 2) * A
    proof.equal("the loss to the first order", change, alpha * A * s * p2 / p1)


def prove_wait(proof: Proof) -> None:
    """Prove the integrand's expansion in one coordinate, which adds up over coordinates."""
    speed, moved = sympy.symbols("speed Delta", real=True)
    T = sympy.Symbol("T", positive=True)
    square = (speed - moved / T) ** 2
    proof.equal("the square", square, speed**2 - 2 * speed * moved / T + moved**2 / T**2)
    # ∫ speed dt = Δ and ∫ speed² dt = fall, over a time T.
    fall = sympy.Symbol("fall", real=True)
    proof.equal("its integral", fall - 2 * moved * moved / T + T * moved**2 / T**2, fall - moved**2 / T)


def prove_held_flow(proof: Proof) -> None:
    """Prove Nᵀ B = 0 and B D B = B, multiplied by the determinant of Nᵀ D⁻¹ N."""
    inverse = sympy.diag(*sympy.symbols("k_1:5", positive=True))
    N = sympy.Matrix(4, 2, sympy.symbols("n_1:9", real=True))
    gram = N.T * inverse * N
    g = gram.det()
    B = g * inverse - inverse * N * gram.adjugate() * N.T * inverse
    proof.equal("Nᵀ B = 0", (N.T * B).expand(), sympy.zeros(2, 4))
    proof.equal("B D B = B", (B * inverse.inv() * B).expand(), (g * B).expand())
    proof.equal("B is symmetric", B.expand(), B.T.expand())


def prove_adam(proof: Proof) -> None:
    """Prove the covered time, its inverse, and that the bias correction does not reverse (5)."""
    excess, rate = sympy.symbols("excess eta", positive=True)
    power = sympy.Symbol("Q", positive=True)
    base = 1 + excess

    def covered(at: Expr) -> Expr:
        return rate * base * (at - 1) / (base - 1)

    proof.equal("the time of one update more", covered(power * base) - covered(power), rate * base * power)
    proof.equal("no update takes no time", covered(ONE), ZERO)
    proof.equal("the inverse of the time", 1 + covered(power) * (base - 1) / (rate * base), power)
    # 0 < B < 1 and 0 < K < 1, as x/(1 + x).
    first, second = sympy.symbols("b k", positive=True)
    B, K = first / (1 + first), second / (1 + second)
    ratio = B * (1 - K) / (1 - B * K)
    proof.equal("1 − a²", 1 - ratio, (1 - B) / (1 - B * K))
    proof.holds("1 − a² > 0", bool(sympy.factor(sympy.together(1 - ratio)).is_positive))


def prove_multiplier(proof: Proof) -> None:
    """Prove the inverse of the largest multiplier, and its slope at the limit."""
    share = sympy.Symbol("share", positive=True)
    momentum = share / (1 + share)
    pull = (2 + 2 * beta) * (1 + delta)
    place = Place("", {}, {beta: momentum})
    polynomial = z**2 - (1 + beta - pull) * z + beta
    stated = (rho - 1) * (rho - beta) / (2 * (1 + beta) * rho)
    for name, root in (("−ρ", -rho), ("−β/ρ", -beta / rho)):
        value = polynomial.subs(z, root).subs(delta, stated)
        proof.equal(f"{name} is a root", value, ZERO, place)
    slope = stated.diff(rho)
    proof.equal("the slope", slope, (1 - beta / rho**2) / (2 * (1 + beta)), place)
    limit = (2 + 2 * beta) / (1 - beta)
    proof.equal("at the limit it is 1/ℓ", slope.subs(rho, 1) * limit, ONE, place)
    proof.equal("38 for β = 0.9", limit.subs(beta, sympy.Rational(9, 10)), sympy.Integer(38))


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the loss towards infinity, Adam's time, the passage of the limit and the multiplier."""
    loss, line, A, S, ell = sympy.symbols("L L_line A S_k ell")
    return (
        ("Towards the line at infinity", sympy.Eq(loss, line + alpha * A * s * p2 / p1)),
        ("Updates for a time", sympy.Eq(n, sympy.log(1 + tau * (q - 1) / (eta * q)) / sympy.log(q))),
        ("Updates until the limit", sympy.Eq(n, sympy.log(ell / S) / sympy.log(q))),
        ("Multiplier beyond the limit", sympy.Eq(delta, (rho - 1) * (rho - beta) / (2 * (1 + beta) * rho))),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
