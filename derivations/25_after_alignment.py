"""After alignment each label has a linear network: the loss falls like 1/(t ln t), the rank to below 2.

What the theorem of Min, Mallada and Vidal says of the second phase, with better constants: the loss knows the
size of the network, the stable rank has a limit that two margins and an angle of the data give, and a
conserved matrix says why.
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

mu, least, most, loss, size = sympy.symbols("mu X_min X_max L V", positive=True)
rho = sympy.Symbol("rho_0", positive=True)
ZERO, ONE = sympy.Integer(0), sympy.Integer(1)

STATUS = "proved"
STATEMENT = """
Notation of derivations 22 to 24, under Assumption 1, with balanced neurons. At t1 let all neurons with v
> 0 be in S₊ or S_dead, and those with v < 0 in S₋ or S_dead; so it is for all later times. W₊ has the
columns w_j of the neurons in S₊ with v_j > 0, v₊ their v_j, V₊ = Σ v_j², and likewise W₋, v₋, V₋. L₊ and
L₋ are the losses of the data of either label; ρ₀ is 1 for the exponential loss and 1/(2 ln 2) for the
logistic loss. What is said of L₊ holds for L₋.

(1) L = L₊ + L₋, and f(x_i) = (W₊ v₊)·x_i where y_i = 1: each label has a linear network of its own. V₊
and the y_i f(x_i) never fall.

(2) From any t2 ≥ t1 on, L₊(t) ≤ L₊(t2)/(1 + a L₊(t2) (t − t2)), a = ρ₀² μ X_min² V₊(t2). If neither S₊
nor S₋ is empty, the same is true of L, with V₊ V₋/(V₊ + V₋) at t2 in place of V₊. So the paper's bound,
with α = (μ X_min)²/(32 X_max), holds from any t2 on at which V₊ and V₋ are at least μ/(16 ρ₀² X_max).

(3) With R = 1/(ρ₀ L₊), R′ ≥ ρ₀ (μ X_min²/X_max) ln R. So, from where R > 1 on,

li R(t) − li R(t2) ≥ ρ₀ (μ X_min²/X_max) (t − t2), li R = ∫ dR/ln R:

L₊ = O(1/(t ln t)) whatever the network, V₊ → ∞ and t L₊ → 0, if S₊ is not empty. No
better order is possible: 1/L₊ = O(t ln t).

(4) V₊ has grown to B > V₊(t1) by t1 + acosh √(B/V₊(t1)) exp(X_max B)/|x₊|, and |x₊| ≥ X_min √(n₊ (1 + (n₊
− 1) μ)). With B of (2) this is a time of the order ln(1/ε)/(√μ n₊ X_min), if V₊ is of the order of ε² at
t1, as where derivation 23 (3) holds with an s that does not depend on ε.

(5) D₊ = W₊ᵀ W₊ − v₊ v₊ᵀ is constant, its diagonal is 0, and none of its eigenvalues is below −V₊(t1).
With c = |cos(W₊ v₊, W₋ v₋)|, 1 if S₊ or S₋ is empty, for t ≥ t1

|W|_F² ≤ 2 |W|₂²/(1 + c) + |W(t1)|_F².

So |W|_F² − 2 |W|₂² never exceeds |W(t1)|_F², which is at most ε √h W_max² if t1 is within the time of
Lemma 3, a quarter of the paper's bound. Let μ× ≥ μ be the least cosine of z_i and z_k with y_i = 1 and
y_k = −1. If neither S₊ nor S₋ is empty, lim inf c ≥ μ×, and the stable rank |W|_F²/|W|₂² has a lim sup of
at most 2/(1 + μ×); the paper has 2. It tends to 1 if c → 1, or if one of the two is empty and the other
is not.

(6) Let γ₊ be the margin of the data with y = 1, the largest value of min z_i·d over unit vectors d, and d₊
the d that has it; likewise γ₋ and d₋. If S₊ is not empty, W₊ v₊/|W₊ v₊| → d₊ and V₊/ln t → 1/γ₊. If S₋ is
not empty either, c → d₊·d₋, and with P = 1/γ₊ and Q = 1/γ₋ the stable rank tends to

2 (P + Q)/(P + Q + √((P − Q)² + 4 P Q (d₊·d₋)²)),

whatever the network and its start.
"""

HYPOTHESES = (
    "Those of derivation 22, Assumption 1, balanced neurons.",
    "The neurons of each sign are in their S_σ or in S_dead at t1, at any scale; derivation 23 has when.",
    "The sum of the exponential or of the logistic loss (with its factor 2).",
    "n₊ is the number of data with y = 1; in (2) to (4) there are some, and S₊ is not empty.",
)

PROOF = """
(1) Neurons in S₊ are 0 on the data with y = −1 and linear on the others, and likewise S₋. By derivation
22 all margins of neurons with v > 0 grow, so w_j·G₊ ≥ 0, with G₊ = Σ κ_i z_i over y_i = 1: no v_j falls,
nor does f(x_i) = Σ v_j m_i.

(2) −L₊′ = Σ (|w_j′|² + v_j′²) = V₊ |G₊|² + Σ (w_j·G₊)² ≥ V₊ |G₊|². |G₊|² ≥ μ (Σ κ_i |z_i|)² (derivation
23) ≥ μ X_min² (Σ κ_i)². Σ κ_i is L₊ for the exponential loss. For the logistic loss let u = exp(−y f) ≤
1, as y f ≥ 0: κ/ℓ = (u/(1 + u))/ln(1 + u), which falls in u (checked), so it is at least 1/(2 ln 2). So
−L₊′ ≥ ρ₀² μ X_min² V₊ L₊², and 1/L₊ grows at the rate a at least. For both, V₊ L₊² + V₋ L₋² ≥ (L₊ + L₋)²
V₊ V₋/(V₊ + V₋) (checked), and V₊ V₋/(V₊ + V₋) ≥ min{V₊, V₋}/2; both V do not fall. Compare with α
(checked).

(3) |f(x_i)| ≤ V₊ X_max, as |w_j| = v_j. For each i, L₊ ≥ exp(−f(x_i)), or ≥ 2 ln(1 + u) ≥ (2 ln 2) u by
concavity (checked): f(x_i) ≥ ln R, so V₊ ≥ ln R/X_max. Insert this in (2) (checked). The derivative of li
is 1/ln. As R ≥ ln R, from R > 1 on R grows at least exponentially while small, then like t ln t; before,
while R ≤ 1, by (2). t L₊ → 0 and V₊ → ∞ follow. Conversely κ ≤ ℓ (checked for the logistic loss), so −L₊′
≤ 2 V₊ |G₊|² ≤ 2 V₊ X_max² L₊², and R′ is at most a constant times V₊. And V₊ = O(ln R): W₊ v₊/√V₊ = q +
k, with q = W₊(t1) v₊/√V₊, q·z_i ≥ 0, |q|² ≤ V₊(t1), and k in K as the w_j move by multiples ≥ 0 of G₊. By
(5) |q + k|² ≥ V₊ − V₊(t1). So f(x_i) ≥ √V₊ μ X_min |k| ≥ μ X_min √V₊ (√(V₊ − V₊(t1)) − √V₊(t1)), and 2 n₊
exp(−min f) ≥ L₊.

(4) As long as V₊ ≤ B, f ≤ δ = X_max B, so κ ≥ exp(−δ). With ζ = w_j·x₊ ≥ 0: v_j′ = w_j·G₊ ≥ exp(−δ) ζ, ζ′
= v_j x₊·G₊ ≥ exp(−δ) |x₊|² v_j, as all x₊·z_i > 0. So v_j is at least the solution with equality and ζ =
0 at t1, v_j(t1) cosh(exp(−δ) |x₊| (t − t1)) (checked). |x₊| as in derivation 22, (3). V₊(t1) ≥ s² times
its value at the start by derivation 23, of the order ε².

(5) W₊′ = G₊ v₊ᵀ and v₊′ = W₊ᵀ G₊: both products have the derivative v₊ (W₊ᵀ G₊)ᵀ + (W₊ᵀ G₊) v₊ᵀ (checked
for two neurons). The diagonal is |w_j|² − v_j² = 0. At t1 D₊ + v₊ v₊ᵀ has no negative eigenvalue, and v₊
v₊ᵀ none above V₊(t1). Let p = W₊ v₊/√V₊ and r = W₋ v₋/√V₋. |p|² = V₊ + v₊ᵀ D₊ v₊/V₊ ≥ V₊ − V₊(t1),
likewise |r|². W Wᵀ minus p pᵀ + r rᵀ has no negative eigenvalue, and the largest one of p pᵀ + r rᵀ is (P
+ Q + √((P − Q)² + 4 P Q c²))/2 with P = |p|², Q = |r|² (checked), at least (1 + c)(P + Q)/2 (checked).
|W|_F² = V₊ + V₋ + V_dead, and dead neurons rest, so P + Q ≥ |W|_F² − |W(t1)|_F². This is the bound. If
one of the two is empty the eigenvalue is P itself. In the limit V₊ → ∞ by (3). p and r are bounded
vectors, as q in (3), plus elements of the cones of the z_i with y = 1, and with y = −1, that grow without
bound (v_j times v_j is positive for S₋, too); elements of the one and of the other have a cosine of at
least μ×, term by term, as in derivation 23, (1). So lim inf c ≥ μ×. Lemma 3 is
derivation 24, (2): |W|_F² ≤ h ε W_max²/√h.

(6) Without the index: β = W v, ρ = |β|, b = β/ρ, m_i = z_i·β = y_i f(x_i), Σκ the sum of the pulls, C a
constant that may be another one each time. N = W − β vᵀ/V has N v = 0, so W Wᵀ = β βᵀ/V + N Nᵀ, and |N|_F²
= V − ρ²/V ≤ V(t1) by (5). So ρ ≤ V ≤ ρ + V(t1), and β′ = V G + W Wᵀ G (checked for two neurons). For ω =
d·b, as the part of β βᵀ is along b, ω′ = (V (d·G − ω b·G) + (d − ω b)·N Nᵀ G)/ρ ≥ d·G − ω b·G − C Σκ/ρ.
Here d·G ≥ γ Σκ. γ d is the point next to 0 of the convex hull of the z_i, Σ λ_i z_i: so γ ω = Σ λ_i z_i·b
≥ min z_i·b = min m_i/ρ ≥ 0. κ_i ≤ 2 exp(−m_i), and Σκ ≥ exp(−min m_i) (checked for the logistic loss). So
with π_i = κ_i/Σκ, ρ b·G/Σκ = Σ π_i m_i ≤ Σ π_i ln(2/κ_i) ≤ ln(2 n) − ln Σκ ≤ ln(2 n) + min m_i, the entropy
of the π_i being at most ln n. Together ω′ ≥ Σκ (γ (1 − ω²) − C/ρ). ρ → ∞ by (3), and |β′| ≤ C ρ Σκ, so the
integral of Σκ is infinite: ω → 1, since ω is pushed up wherever 1 − ω² exceeds 2 C/(γ ρ). Now min m_i/ρ →
γ, and ln(1/L) = min m_i + O(1) is ln t (1 + o(1)) by (3). So ρ/ln t, V/ln t and |p|²/ln t tend to 1/γ. W
Wᵀ/ln t tends to P d₊ d₊ᵀ + Q d₋ d₋ᵀ, what N and the dead add being bounded; its trace is P + Q, its largest
eigenvalue that of (5).
"""

PROVED_BY = (
    (
        "(1)",
        (),
        "neurons of S₊ and S₋ are linear on one label and 0 on the other, and margins grow (derivation 22)",
    ),
    (
        "(2)",
        (
            "ℓ/κ grows in u",
            "ℓ/κ is 2 ln 2 at u = 1",
            "L′ = −a L²",
            "the two labels together",
            "V₊ V₋/(V₊ + V₋) ≥ min/2",
            "α at the least V",
        ),
        "−L₊′ ≥ V₊ |G₊|², and the comparison of 1/L₊ with a line",
    ),
    (
        "(3)",
        (
            "ln(1 + u) is concave",
            "with the chord u ln 2",
            "R′ is at least",
            "with V ≥ ln R/X_max",
            "li′ = 1/ln",
            "ℓ − κ is 0 at u = 0 and grows",
        ),
        "the orders that follow from the inequality for R, and the converse, by (5)",
    ),
    (
        "(4)",
        ("v′ = b ζ", "ζ′ = b s² v", "at the start"),
        "the comparison with the solution at equality, and derivation 23 for V₊(t1)",
    ),
    (
        "(5)",
        ("D₊ is constant", "the largest eigenvalue", "it is at least (1 + c)(P + Q)/2"),
        "more than two neurons, the inequalities between eigenvalues, and the limit of c",
    ),
    (
        "(6)",
        (
            "β′ = V G + W Wᵀ G",
            "W Wᵀ = β βᵀ/V + N Nᵀ",
            "|N|_F² = V − ρ²/V",
            "logistic: 2 exp(−m) ≥ κ",
            "logistic: κ ≥ exp(−m)",
            "the largest eigenvalue",
        ),
        "more than two neurons, the bound of ω′ from below, that ω tends to 1, and the limits that follow",
    ),
)

NOT_CLAIMED = (
    "The constant of 1/(t ln t), and how fast the limits of (6) are approached: ln t grows slowly.",
    "That t2 of the paper is such that its α follows from (2): its own proof is not repeated here.",
    "A bound on the loss if S₊ or S₋ is empty and there are data of its label: that part of the loss stays.",
    "That 2/(1 + μ×) is attained.",
)

RELATED = (
    "Min, Mallada and Vidal (arXiv 2307.12851), Theorem 1: the second phase.",
    "Ji and Telgarsky (arXiv 1810.02032): the layers of deep linear networks align and tend to the direction "
    "of the margin, as in (6); Lyu and Li (arXiv 1906.05890): the margin of homogeneous networks.",
    "Chistikov, Englert and Lazić (arXiv 2306.06479): one ReLU teacher and the squared loss, where the "
    "limit has rank one.",
)


def prove(proof: Proof) -> None:
    prove_loss(proof)
    prove_growth(proof)
    prove_rank(proof)


def prove_loss(proof: Proof) -> None:
    """Prove the two bounds on the loss, and the comparison with α."""
    u = sympy.Symbol("u", positive=True)
    # (1 + u) ln(1 + u)/u grows: the numerator of its derivative is u − ln(1 + u), which is 0 at 0 and grows.
    ratio = (1 + u) * sympy.log(1 + u) / u
    numerator = u - sympy.log(1 + u)
    proof.holds("ℓ/κ grows in u", sympy.simplify(ratio.diff(u) * u**2 - numerator) == 0)
    proof.holds("u − ln(1 + u) is 0 at 0", numerator.subs(u, 0) == 0)
    proof.equal("and grows", numerator.diff(u), u / (1 + u))
    proof.holds("ℓ/κ is 2 ln 2 at u = 1", sympy.simplify(ratio.subs(u, 1) - 2 * sympy.log(2)) == 0)
    curved = sympy.log(1 + u)
    proof.holds("ln(1 + u) is concave", bool(curved.diff(u, 2).is_negative))
    proof.holds("with the chord u ln 2", curved.subs(u, 0) == 0 and curved.subs(u, 1) == sympy.log(2))
    # The solution of L′ = −a L² is stated.
    a, t, start = sympy.symbols("a t L_2", positive=True)
    stated = start / (1 + a * start * t)
    proof.equal("L′ = −a L²", stated.diff(t), -a * stated**2)
    plus, minus, x, y = sympy.symbols("V_1 V_2 L_1 L_2", positive=True)
    excess = plus * x**2 + minus * y**2 - (x + y) ** 2 * plus * minus / (plus + minus)
    proof.equal("the two labels together", excess, (plus * x - minus * y) ** 2 / (plus + minus))
    # min ≤ the other: minus = plus + more.
    more = sympy.Symbol("more", nonnegative=True)
    half = plus * (plus + more) / (2 * plus + more) - plus / 2
    proof.holds("V₊ V₋/(V₊ + V₋) ≥ min/2", bool(sympy.factor(sympy.together(half)).is_nonnegative))
    needed = mu / (16 * rho**2 * most)
    alpha = (mu * least) ** 2 / (32 * most)
    proof.equal("α at the least V", rho**2 * mu * least**2 * needed / 2, alpha)
    # R = 1/(ρ₀ L): R′ = −L′/(ρ₀ L²).
    falling = rho**2 * mu * least**2 * size * loss**2
    proof.equal("R′ is at least", falling / (rho * loss**2), rho * mu * least**2 * size)
    log_r = sympy.Symbol("ln_R", positive=True)
    proof.equal(
        "with V ≥ ln R/X_max",
        (rho * mu * least**2 * size).subs(size, log_r / most),
        rho * mu * least**2 / most * log_r,
    )
    proof.holds("ℓ − κ is 0 at u = 0 and grows", sympy.simplify((curved - u / (1 + u)).subs(u, 0)) == 0)
    proof.equal("its derivative", (curved - u / (1 + u)).diff(u), u / (1 + u) ** 2)
    # With u = exp(−m) ≤ 1: 1/(1 + m).
    at_most = {u: 1 / (1 + sympy.Symbol("more", nonnegative=True))}
    kappa = 2 * u / (1 + u)
    proof.holds("logistic: 2 exp(−m) ≥ κ", bool(sympy.factor(2 * u - kappa).is_positive))
    proof.holds(
        "logistic: κ ≥ exp(−m)", bool(sympy.factor(sympy.together((kappa - u).subs(at_most))).is_nonnegative)
    )
    R = sympy.Symbol("R", positive=True)
    proof.holds("li′ = 1/ln", sympy.simplify(sympy.li(R).diff(R) * sympy.log(R)) == 1)


def prove_growth(proof: Proof) -> None:
    """Prove the solution of v′ = b ζ, ζ′ = b s² v with ζ = 0 at first; E stands for exp(b s t)."""
    E, b, s, start = sympy.symbols("E b s v_0", positive=True)
    v = start * (E + 1 / E) / 2
    zeta = s * start * (E - 1 / E) / 2
    proof.equal("v′ = b ζ", v.diff(E) * b * s * E, b * zeta)
    proof.equal("ζ′ = b s² v", zeta.diff(E) * b * s * E, b * s**2 * v)
    proof.equal("at the start", (v.subs(E, 1), zeta.subs(E, 1)), (start, ZERO))


def prove_rank(proof: Proof) -> None:
    """Prove the conserved matrix, the eigenvalue and its bound."""
    t = sympy.Symbol("t", real=True)
    W = sympy.Matrix(3, 2, lambda i, j: sympy.Function(f"w_{i}{j}")(t))
    v = sympy.Matrix([sympy.Function(f"v_{j}")(t) for j in range(2)])
    G = sympy.Matrix(sympy.symbols("G_1:4", real=True))
    moved, raised = G * v.T, W.T * G
    motion = {W[i, j].diff(t): moved[i, j] for i in range(3) for j in range(2)}
    motion |= {v[j].diff(t): raised[j] for j in range(2)}
    names = {entry: sympy.Symbol(entry.func.__name__, real=True) for entry in [*W, *v]}
    change = (W.T * W - v * v.T).diff(t).subs(motion).subs(names)
    proof.equal("D₊ is constant", change.expand(), sympy.zeros(2, 2))
    beta = (W * v).diff(t).subs(motion).subs(names)
    weights, outputs = W.subs(names), v.subs(names)
    size_ = outputs.dot(outputs)
    proof.equal("β′ = V G + W Wᵀ G", beta, (size_ * G + weights * weights.T * G).expand())
    total = weights * outputs
    rest = (size_ * weights - total * outputs.T).expand()  # V N
    proof.equal(
        "W Wᵀ = β βᵀ/V + N Nᵀ",
        (size_**2 * weights * weights.T).expand(),
        (size_ * total * total.T + rest * rest.T).expand(),
    )
    # For balanced neurons |W|_F² = V.
    squares = [(matrix.T * matrix).trace() for matrix in (rest, weights, total)]
    excess = (squares[0] - size_**2 * squares[1] + size_ * squares[2]).expand()
    proof.equal("|N|_F² = V − ρ²/V", excess, ZERO)
    P, Q, z = sympy.symbols("P Q z", positive=True)
    c = sympy.Symbol("c", real=True)
    root = sympy.Symbol("root", real=True)
    # The non-zero eigenvalues of p pᵀ + r rᵀ are those of the Gram matrix.
    gram = sympy.Matrix([[P, c * sympy.sqrt(P * Q)], [c * sympy.sqrt(P * Q), Q]])
    polynomial = sympy.expand((gram - z * sympy.eye(2)).det())
    value = sympy.expand(polynomial.subs(z, (P + Q + root) / 2))
    inside = (P - Q) ** 2 + 4 * P * Q * c**2
    proof.equal("the largest eigenvalue", sympy.expand(value).subs(root**2, inside), ZERO)
    proof.equal("it is at least (1 + c)(P + Q)/2", inside - c**2 * (P + Q) ** 2, (1 - c**2) * (P - Q) ** 2)


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the bound on the loss, the equation that gives 1/(t ln t), and the limit of the rank."""
    bound, start, t, R, rank, P, Q, cosine = sympy.symbols("B L_2 t R s P Q c")
    rate = rho**2 * mu * least**2 * size
    return (
        ("Bound of the loss after a time t", sympy.Eq(bound, start / (1 + rate * start * t))),
        (
            "With R = 1/(ρ₀ L), at equality",
            sympy.Eq(sympy.Derivative(R, t), rho * mu * least**2 / most * sympy.log(R)),
        ),
        (
            "The stable rank's limit, P = 1/γ₊, Q = 1/γ₋, c = d₊·d₋",
            sympy.Eq(rank, 2 * (P + Q) / (P + Q + sympy.sqrt((P - Q) ** 2 + 4 * P * Q * cosine**2))),
        ),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
