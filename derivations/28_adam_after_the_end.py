"""No minimum holds Adam while ε is small: bursts, their size, and where they carry a neuron on a best line.

Second moments decay by β2 a step where the gradient is 0, so that every minimum becomes unstable in the end.
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr, b1, b2, w1, w2
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

beta, a, z, eta, S = sympy.symbols("beta_1 a z eta S", positive=True)
V, s = sympy.symbols("V s", positive=True)
xi = sympy.symbols("xi", real=True)
THETA = (w1, b1, w2, b2)
LIMIT = (2 + 2 * beta) / (1 - beta)

STATUS = "proved"
STATEMENT = """
Adam without decay: g = ∇L(θ), m ← β1 m + (1 − β1) g, v ← β2 v + (1 − β2) g², and θ moves by −η times m
over √v + ε, both moments with their bias corrections, with 0 ≤ β1 < 1, 0 < β2 < 1, η > 0 and ε > 0. Let a
= (2 + 2 β1)/(1 − β1); a = 38 at β1 = 0.9. RMSProp without momentum is the case β1 = 0, a = 2.

(1) No rest. Let θ* be a point with ∇L(θ) = H (θ − θ*) + o(|θ − θ*|), H symmetric with largest eigenvalue
λ > 0. If ε < η λ/a, then θ* with m = v = 0 is unstable: there are a ball around it and a K such that, at
any step k ≥ K, states as near to it as one likes leave the ball later. As the second derivative for b2 is
2, λ ≥ 2: for ε < 2 η/a no best line off the walls, no best constant of a dead neuron and no teacher with
its breakpoint inside is stable, whatever β2 is. If H ≥ 0 and ε > η λ/a, the linear part has no eigenvalue
of modulus above 1.

(2) Quiet times. Let v > 0. While g = 0, ε = 0 and the bias corrections are 1, S = the largest eigenvalue
of P⁻¹ H, P = diag(√v), grows by the factor β2^(−1/2) a step, and reaches Adam's limit a/η, if it is below
it, after 2 ln(a/(η S))/ln(1/β2) steps. With P constant and η S < a the two modes of an eigenvector of P⁻¹
H have the product β1 of their factors, so that of a complex pair falls by √β1 a step; at η S = a one
factor is −1, beyond it is below −1.

(3) The swing that lasts. An oscillation θ_k = θ* + (−1)^k x with a constant P solves the linear equations
with gradient H (θ − θ*) iff (a/η) P x = H x. If also P² = diag (H x)², which is what v is under it, all
|x_j| = η/a: x = (η/a) σ with signs σ, P = (η/a) diag c, c = σ (H σ) > 0 (products of components). So the
size of the swing depends on η and β1 only, not on β2, ε or the loss. If Σ H Σ ≥ 0 entrywise, Σ = diag σ,
and it is irreducible, then a/η is the largest eigenvalue of P⁻¹ H, the one of σ.

(4) Best lines. For a hyperactive neuron (slope s of φ; ξ = E x, V = Var x) L = L_line + V ρ₁² + ρ₀², and
on a best line with w2 ≠ 0, H = 2 (V g₁ g₁ᵀ + g₀ g₀ᵀ), g₁ = s (w2, 0, w1, 0), g₀ = s (ξ w2, w2, ξ w1 +
b1, 1/s). Let σ be signs for which C = σ·H σ is largest. Then c = σ (H σ) > 0. The mean of
L over the swing around θ is L(θ) + (η/a)² C/2 up to fourth order, its mean gradient along the best lines
(η/a)² ∇C/2. Let F be −∇C/c projected on the kernel of H, orthogonally with the weights c. The flow θ′ = F
keeps the student on the best line, and dC/dt = −Σ c_j F_j² ≤ 0 while σ is the same. One step of Adam is
η²/(2 a) of its time: the drift. With the default problem, w1 w2 > 0 there, C = (2/3) (|w1| + |w2|)² + 2
(1 + |w2| + b1)², and from every best line off the walls θ′ = F reaches the wall b1 = |w1| in finite time.

(5) The two walls of the default problem. Let θ be on a best line and on a wall. If w1, w2 > 0
(breakpoint at −1), balanced neurons as near as one likes have a loss below that of the best line, from
which the flow goes to the teacher (derivation 11). If w1, w2 < 0 (breakpoint at 1), no neuron near has a
loss below that of the best line: θ is a local minimum.
"""

HYPOTHESES = (
    "Full gradients, a constant rate, no weight decay, no AMSGrad; exact arithmetic.",
    "(1) is about the state with m = v = 0: Adam's only states at rest.",
    "(3) treats P as constant during the swing, and (4) takes its average; both are exact statements about "
    "these equations, not about Adam.",
    "The best lines of (4) are those of a neuron off the walls; V > 0, s > 0.",
)

PROOF = """
(1) Let y = θ − θ*. For |(y, m, v)| ≤ δ ≤ 1, v ≥ 0, the new moments are O(δ), and m/(√v + ε) differs from
m/ε by at most |m| √v/ε² = O(δ^(3/2)). The bias corrections are factors 1 + O(β1^k + β2^k) of m and v. So a
step takes the state u = (y, m, v) to A u + r_k(u), with |r_k(u)| ≤ κ |u| for all u of a small ball and all
k ≥ K, κ > 0 as small as one likes, and A the linear map that multiplies v by β2 and is momentum for (y,
m), with P = ε. On an eigenvector of H with the eigenvalue λ the factors of A are the zeros of z² − (1 + β1
− (1 − β1) η λ/ε) z + β1 (checked). At z = −1 this is (1 − β1) (a − η λ/ε) (checked): if it is negative one
zero is real and < −1. Let U be the sum of the eigenspaces of A with moduli > 1, U′ that of the others, in
a norm in which A expands U by at least τ > 1 and U′ by at most (1 + τ)/2. In the cone |u_U| ≥ |u_U′| of
the ball a step multiplies |u_U| by at least τ − 2 κ and takes |u_U′| to at most ((1 + τ)/2 + 2 κ) |u_U|,
so for κ < (τ − 1)/8 the next state is in the cone and its U-part has grown by a factor above 1: states of
the cone leave the ball. U is in the space of (y, m), so v = 0 ≥ 0 is allowed. Off the walls L is a
polynomial; of a dead neuron, also on a wall, b2 alone has a gradient, 2 (b2 − E f*), and moves by itself;
at a teacher with its breakpoint inside ∇L is differentiable (derivations 3 and 4). λ ≥ the entry of H for
b2, which is 2. If η λ/ε < a, the factors have the product β1 < 1, and the polynomial is ≥ 0 at ± 1 (at 1
it is (1 − β1) η λ/ε, checked): complex ones have modulus √β1, real ones are in [−1, 1].

(2) √v falls by √β2 a step. The product of the zeros is β1.

(3) With gradients (−1)^k G the moment is (−1)^k M, M = (1 − β1) G/(1 + β1) (checked). The step −2 (−1)^k
x = −η (−1)^k M/P gives x = (η/a) G/P (checked), with G = H x. If P = |G|, |x_j| = η/a. Perron and
Frobenius: Σ P⁻¹ H Σ = P⁻¹ Σ H Σ ≥ 0 is irreducible with the positive eigenvector (1, …, 1), so a/η is its
largest eigenvalue.

(4) On a best line ρ₁ = ρ₀ = 0; the Hessian is checked, and its diagonal is positive. To turn σ_j changes C
by −4 (c_j − H_jj) ≤ 0, so c_j ≥ H_jj > 0. The mean of the swings ± x: L(θ) + x·H(θ) x/2 + O(|x|⁴), as odd
orders cancel; H(θ) may be taken as 2 (V g₁ g₁ᵀ + g₀ g₀ᵀ) at all θ, as the rest, 2 (V ρ₁ ∇²ρ₁ + ρ₀ ∇²ρ₀),
is 0 on the best lines and its gradient a combination of g₁ and g₀, which the projection takes away. F is
tangent to the best lines as g₁·F = g₀·F = 0, and −∇C/c − F is a combination of g₁/c and g₀/c, to which F
is orthogonal with weights c. So ∇C·F = −Σ c_j F_j². In a step the mean gradient moves θ by −η/P = −(a/c)
times it: η²/(2 a) F, once the normal part is balanced. Default problem: V = 1/3, ξ = 0, s = 1 and the
slope is 1/2. Changing signs, |g₁·σ| and |g₀·σ| are largest together if σ₁ w2, σ₃ w1 have one sign, and σ₂
w2, σ₃ b1, σ₄ are positive: possible as w1 w2 > 0, b1 > 0. So C as stated. On the best lines w2 = 1/(2 w1)
and (w1, b1) are coordinates. C → ∞ as |w1| → 0, |w1| → ∞ or b1 → ∞: what is below a level is compact.
∂C/∂b1 = 4 (1 + |w2| + b1) > 0, so C has no critical point on the best lines with b1 ≥ |w1|, where F = 0
would be one. So Σ c_j F_j² is bounded below until the wall is reached, and C ≥ 0 falls at least at that
rate.

(5) The residual of the best line x/2 + 1/4 is −1/4 at both ends (checked). Let ℓ be the line of the active
part, and let the breakpoint be inside, a distance h from the end e. f − ℓ = −w2 z beyond it, with z < 0
there, so it has the sign of w2. If w2 > 0: let b1 fall by w1 h and b2 grow by w1 w2 h = h/2, so that ℓ
stays the best line. The loss changes by half of the integral of 2 (ℓ − f*) (f − ℓ) + (f − ℓ)², that is
−h²/16 + O(h³) < 0 for small h > 0 (checked). If w2 < 0, then for all neurons near, ℓ − f* < 0 beyond the
breakpoint and f − ℓ ≤ 0, so L(f) ≥ L(ℓ) ≥ L_line; hyperactive neurons are lines.
"""

PROVED_BY = (
    (
        "(1)",
        ("the characteristic polynomial", "at −1, (1 − β1) (a − Λ)", "at 1", "a at the default"),
        "the remainder of the step, the bias corrections, the growth of a cone, and that each of these "
        "minima has a Hessian with λ ≥ 2",
    ),
    ("(2)", ("the characteristic polynomial",), "the decay of √v, and the moduli of complex factors"),
    (
        "(3)",
        (
            "the moment changes its sign",
            "the step leads to the other side",
            "P = |G| makes the amplitude η/a",
        ),
        "the theorem of Perron and Frobenius",
    ),
    (
        "(4)",
        (
            "g₁ and g₀",
            "H on a best line",
            "what the rest adds, …",
            "C of the default problem",
            "∂C/∂b1",
            "which is positive",
        ),
        "that c > 0, Taylor's formula for the mean over the swing, the projection, the choice of the signs, "
        "and that levels of C are compact",
    ),
    ("(5)", ("the residual at …", "the change"), "the signs beyond the breakpoint, and derivation 11"),
)

NOT_CLAIMED = (
    "Conjecture: Adam follows the drift of (4) on average, as η → 0. In most measured runs the steps from "
    "the first burst to the input are 0.96 to 1.5 times those of the drift.",
    "Conjecture: in exact arithmetic Adam leaves the best lines with w1, w2 > 0 of the default problem from "
    "almost all states. (In floating point a gradient that is computed as exactly 0 holds it for ever.)",
    "How long a burst lasts, and that v comes to what (3) says; how large a burst may be.",
    "What happens after the breakpoint has come to the input; that a burst cannot kill.",
    "Weight decay, AMSGrad (whose largest moment does not decay), minibatches.",
)


def prove(proof: Proof) -> None:
    prove_factors(proof)
    prove_swing(proof)
    prove_lines(proof)
    prove_walls(proof)


def prove_factors(proof: Proof) -> None:
    """Prove the factors of momentum with a constant preconditioner; Λ stands for η λ/ε."""
    Lam = sympy.Symbol("Lambda", positive=True)
    # y⁺ = y − η m⁺/ε with m⁺ = β1 m + (1 − β1) λ y; n = η m/ε.
    y, n = sympy.symbols("y n", real=True)
    new = beta * n + (1 - beta) * Lam * y
    matrix = sympy.Matrix([y - new, new]).jacobian(sympy.Matrix([y, n]))
    polynomial = z**2 - (1 + beta - (1 - beta) * Lam) * z + beta
    proof.equal("the characteristic polynomial", (z * sympy.eye(2) - matrix).det(), polynomial)
    at_minus_one = polynomial.subs(z, -1)
    proof.equal("at −1, (1 − β1) (a − Λ)", at_minus_one, 2 + 2 * beta - (1 - beta) * Lam)
    proof.equal("at 1", polynomial.subs(z, 1), (1 - beta) * Lam)
    proof.equal("a at the default", LIMIT.subs(beta, sympy.Rational(9, 10)), sympy.Integer(38))


def prove_swing(proof: Proof) -> None:
    """Prove moment and amplitude of a swing of period 2."""
    G, P = sympy.symbols("G P", positive=True)
    M = (1 - beta) * G / (1 + beta)
    proof.equal("the moment changes its sign", beta * M + (1 - beta) * (-G), -M)
    x = eta / LIMIT * G / P
    # From θ* + x, with the gradient G, to θ* − x.
    proof.equal("the step leads to the other side", x - eta * M / P, -x)
    proof.equal("P = |G| makes the amplitude η/a", x.subs(P, G), eta / LIMIT)


def prove_lines(proof: Proof) -> None:
    """Prove the Hessian on a best line, and what its rest adds to the gradient of C."""
    slope, mean = sympy.symbols("a_f m_f", real=True)
    rho1, rho0 = s * w1 * w2 - slope, s * w2 * (xi * w1 + b1) + b2 - mean
    excess = V * rho1**2 + rho0**2
    g1 = sympy.Matrix([rho1.diff(x) for x in THETA])
    g0 = sympy.Matrix([rho0.diff(x) for x in THETA])
    stated = (s * sympy.Matrix([w2, 0, w1, 0]), s * sympy.Matrix([xi * w2, w2, xi * w1 + b1, 1 / s]))
    proof.equal("g₁ and g₀", [*g1, *g0], [*stated[0], *stated[1]])
    on_line = {b2: mean - s * w2 * (xi * w1 + b1), slope: s * w1 * w2}
    gauss = 2 * (V * g1 * g1.T + g0 * g0.T)
    hessian = sympy.hessian(excess, THETA)
    proof.equal("H on a best line", hessian.subs(on_line), gauss.subs(on_line))
    signs = sympy.Matrix(sympy.symbols("sigma_1:5", real=True))
    rest = signs.dot((hessian - gauss) * signs)
    second = [signs.dot(sympy.hessian(rho, THETA) * signs) for rho in (rho1, rho0)]
    for i, x in enumerate(THETA):
        pulled = 2 * (V * second[0] * g1[i] + second[1] * g0[i])
        proof.equal(f"what the rest adds, {x}", rest.diff(x).subs(on_line), pulled.subs(on_line))
    u, w, level = sympy.symbols("u w B", positive=True)
    largest = sympy.Rational(2, 3) * (u + w) ** 2 + 2 * (1 + w + level) ** 2
    ones = sympy.ones(4, 1)
    default = {V: sympy.Rational(1, 3), xi: 0, s: 1, w1: u, w2: w, b1: level}
    proof.equal("C of the default problem", ones.dot(gauss * ones).subs(default), largest)
    proof.equal("∂C/∂b1", largest.diff(level), 4 * (1 + w + level))
    proof.holds("which is positive", bool(largest.diff(level).is_positive))


def prove_walls(proof: Proof) -> None:
    """Prove the residual at the ends, and the first term of what a breakpoint inside changes."""
    x, h = sympy.symbols("x h", positive=True)
    quarter = sympy.Rational(1, 4)
    for end, target in ((-1, 0), (1, 1)):
        value = sympy.Rational(end, 2) + quarter - target
        proof.equal(f"the residual at {end}", value, -quarter)
    # From the end −1 inwards, u = x + 1: ℓ − f* = u/2 − 1/4, and f − ℓ = (w1 w2) (h − u), w1 w2 = 1/2.
    gap = (h - x) / 2
    change = sympy.integrate(2 * (x / 2 - quarter) * gap + gap**2, (x, 0, h)) / 2
    proof.equal("the change", sympy.expand(change), -(h**2) / 16 + h**3 / 12)


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the least ε that holds Adam, the quiet time, the swing and the drift."""
    lam, eps, C, k, beta2 = sympy.symbols("lambda epsilon C k beta_2", positive=True)
    x, P, c, F = sympy.symbols("x P c F")
    return (
        ("Adam's limit", sympy.Eq(a, LIMIT)),
        ("Stable only if", sympy.Ge(eps, eta * lam / a)),
        ("Quiet steps", sympy.Eq(k, 2 * sympy.log(a / (eta * S)) / sympy.log(1 / beta2))),
        ("The swing that lasts", sympy.Eq(sympy.Abs(x), eta / a)),
        ("Its second moment", sympy.Eq(P, eta / a * c)),
        ("Drift in a step", sympy.Eq(sympy.Symbol("Delta theta"), eta**2 / (2 * a) * F)),
        (
            "C, default problem",
            sympy.Eq(C, sympy.Rational(2, 3) * (abs(w1) + abs(w2)) ** 2 + 2 * (1 + abs(w2) + b1) ** 2),
        ),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
