"""When a neuron is aligned: 2 acosh(1/μ)/X_min at most, for any number of data, and no sooner in general.

A bound on the alignment time that is logarithmic in μ and does not know n, the scale of the start up to which
it holds, and data on which it is attained: by one datum exactly, by four up to ln(5/2).
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

lam, E, V, V1, gap = sympy.symbols("lambda E v v_1 d", positive=True)
n, X, D, delta, e = sympy.symbols("n X_max D delta e", positive=True)
ZERO, ONE, TWO = sympy.Integer(0), sympy.Integer(1), sympy.Integer(2)
COSH, SINH = (E + 1 / E) / 2, (E - 1 / E) / 2

STATUS = "proved"
STATEMENT = """
Notation and data of derivation 22, with Assumption 1 (μ > 0). K is the cone spanned by the z_i, the
non-negative combinations; x_σ the sum of the x_i with y_i = σ, S_−σ the set that is not S_σ of S₊ and S₋.
For a closed convex cone C, sin(w, C) is the distance of w from C, over |w|. Let ρ = |w(0)|/|v(0)| ≤ 1; 1
if the neuron is balanced.

(1) If w is not in S_−σ, or has a margin that is 0, then sin(w, −σK) ≥ μ. If σ w·q ≥ 0 for some q ≠ 0 in
K, then σ m_i ≥ −√(1 − μ²) |z_i| |w| for all i.

(2) Let κ = 1 (the limit ε → 0), and s = √(1 − ρ² (1 − s₀²)) with s₀ = sin(w(0), −σK); for w(0) in S_−σ
one may also take s = μ √(1 − ρ² (1 − s₁²)), s₁ the sine of the angle between w(0) and x_−σ. If s > 0 the
neuron is in S_σ or S_dead from

t1 = (acosh(1/s) + acosh(1/μ))/X_min

on. If m > 0 data with y = σ are on at the start, or if at least m data are on until the neuron is
aligned, X_min √(m (1 + (m − 1) μ)) may take the place of X_min, for this neuron. A balanced neuron that
does not start in S_−σ has t1 ≤ 2 acosh(1/μ)/X_min ≤ 2 ln(2/μ)/X_min, whatever n is. The only balanced
neurons that are never aligned are those that start opposite to their own force, parallel to x_−σ; they
fade like exp(−|x_−σ| t).

(3) Let δ > 0 and λ² = X_min² exp(−2δ) − 2 n² X_max² exp(2δ) δ > 0. For each neuron take (acosh(1/s) +
acosh(1/μ))/λ with s as in (2), but s₁ = sin(φ − η) > 0 with φ the angle between w(0) and x_−σ, and η =
asin((exp(δ) − 1)/√μ); let T be the largest of them. X_min² m (1 + (m − 1) μ) may take the place of X_min²
in a neuron's λ², with m as in (2). If

X_max Σ v_j(0)² exp(2 n X_max exp(δ) T) ≤ δ,

then at T and for all later times every neuron is in S_σ or S_dead, for the exponential and the logistic
loss.

(4) (2) is nearly sharp. (a) Two unit vectors z_1, z_2 with the cosine μ, both with y = 1; w(0) at the
angle asin μ from −z_2, just on for z_1 and almost orthogonal to it: the time comes as close as one likes
to acosh(1/μ) ≥ ln(1/μ). So ln(1/μ) cannot be dropped. (b) Four unit vectors with all cosines μ, y = (−1,
1, 1, −1), w(0) outside S₋: the time comes as close as one likes to 2 asinh(√((1 − μ)/2)/μ). (2) exceeds
this by at most ln(5/2) for every μ, and by ln 2 in the limit μ → 0. (c) One datum with y = −1, w(0)·x > 0
and v(0) = |w(0)|: the time is exactly acosh(1/s₁)/|x|, which is that of (2), as μ = 1.

(5) For n ≥ 2 and balanced neurons the paper's t1, 16 ln n/(min{ζ, ξ} √μ X_min), is more than 5 times as
long as (2), as ξ = μ² and ζ ≤ s₁² (derivation 24); it is at least 11/μ^(5/2), over X_min.
"""

HYPOTHESES = (
    "Those of derivation 22, and Assumption 1: z_i·z_k ≥ μ |z_i| |z_k| for all pairs, μ > 0.",
    "0 < |w(0)| ≤ |v(0)| for each neuron.",
    "X_min and X_max are the least and the largest |x_i|.",
    "The flow of the sum of the losses; the mean takes n times as long.",
)

PROOF = """
Let σ = 1; the other case is this one with labels exchanged (derivation 22).

(1) Let q be a unit vector of K, q = Σ c_k z_k. q·z_i ≥ μ |z_i| Σ c_k |z_k| ≥ μ |z_i|: its cosine β with
any z_i is at least μ. If w is not in S₋ some margin is ≥ 0 (if all are < 0 then w is on exactly for the
data with y = −1). So let u = w/|w| have the cosine α ≥ 0 with z_i. Split u and q along z_i and orthogonal
to it, and use the Cauchy-Schwarz inequality: u·q ≥ αβ − √(1 − α²) √(1 − β²) ≥ −√(1 − β²) ≥ −√(1 − μ²).
The squared distance of u from the ray of −q is 1 − min(u·q, 0)² ≥ μ². The second statement: let
u have the cosine α ≥ 0 with q, which has β ≥ μ with z_i. In the same way u·z_i ≥ (αβ − √(1 − α²) √(1 −
β²)) |z_i| ≥ −√(1 − μ²) |z_i|, and with equality only if α = 0 and β = μ, or μ = 1.

(2) While the neuron is on for some datum, v′ = w·G = Σ m_i over the data that are on, which is continuous
and has the derivative v″ = v |G|² ≥ X_min² v (checked; derivation 22, (3)). So v is convex. Let v* be its
least value up to a time at which the neuron is on for some datum, attained at t*, and λ = X_min. In both
directions of time from t*, v ≥ v* cosh λ(t − t*): with c = cosh λt and S = sinh λt, (v′ c − λ v S)′ = (v″
− λ² v) c ≥ 0 (checked), so (v/c)′ ≥ 0 if v′ ≥ 0 at first; and v does not fall, in that direction, at t*.
Hence cosh λt* ≤ v(0)/v*. Data with y = σ that are on stay on (derivation 22), so |G| ≥ X_min √(m (1 + (m
− 1) μ)) throughout if m of them are on at the start; this may be taken for λ.

How small v* can be. w(t) = w(0) + ∫ v G is w(0) plus an element of K, so |w(t)| ≥ s₀ |w(0)|; and v² =
|w|² + v(0)² − |w(0)|² ≥ s² v(0)². If w(0) is in S₋, G = −x₋ until the first margin is 0, at τ. Up to τ,
|w| ≥ s₁ |w(0)|, in the same way. At τ (1) holds, so (2) from there on, as ρ ≤ 1 remains (derivation 22),
says v ≥ μ v(τ). Thus v* ≥ μ √(1 − ρ² (1 − s₁²)) v(0). In both cases t* ≤ acosh(1/s)/λ.

After t*. Let the neuron be on for some datum at a time after acosh(1/s)/λ, up to which t* is taken: so t*
is 0 or before that time, and v′ = w·G ≥ 0 at t*. G is in K, so by (1) m_i ≥ −√(1 − μ²) |z_i| v* at t*, as
|w| ≤ v. And m_i′ = v z_i·G ≥ μ |z_i| λ v, so m_i grows by at least μ |z_i| v* sinh λ(t − t*), which is
√(1 − μ²) |z_i| v* after acosh(1/μ)/λ (checked). Then all m_i ≥ 0, and > 0: in (1) there is no equality.
If α = 0 then v′, the sum of the margins of the data that are on, is 0 and no term is: two of these data
have margins of different signs, so they are not parallel (and μ < 1), |G| < Σ |z_k|, and β > μ by
derivation 22, (3). All m_i > 0 is S₊ (S_dead if no label is 1). The neuron is off before, or done at t* +
acosh(1/μ)/λ.

For the closed bounds, s ≥ μ by (1), and acosh(1/μ) = ln((1 + √(1 − μ²))/μ) (checked) ≤ ln(2/μ). A
balanced neuron with s = 0
starts in S₋ with s₁ = 0. Then p = −v, and v = v(0) exp(−|x₋| t) (derivation 22, (2)).

(3) Let X_max Σ v_j² ≤ δ up to some time. Then |f(x_i)| ≤ δ, and κ is between exp(−δ) and exp(δ) (checked
for the logistic loss). |G_j| ≤ n X_max exp(δ), so |v_j′| ≤ |w_j| |G_j| makes Σ v_j² grow at most like
exp(2 n X_max exp(δ) t): the bound holds up to T, as the condition says so at T. Now v″ = v |G|² + Σ κ_i′
m_i with |G|² ≥ X_min² exp(−2δ); |κ_i′| ≤ κ_i |f(x_i)′| (checked), |f(x_i)′| ≤ X_max Σ (|w_j|² + v_j²)
|G_j| ≤ 2 n X_max exp(δ) δ, and |m_i| ≤ X_max v. Together v″ ≥ λ² v (checked). The rest is as in (2), with
|G| ≥ X_min exp(−δ) ≥ λ. In S₋, G turns: |Σ (κ − 1) z_k| ≤ (exp(δ) − 1) Σ |z_k|, and |Σ z_k|² ≥ μ (Σ
|z_k|)² (checked), so G is within η of −x₋, and w − w(0) too, these directions being a convex cone; its
distance is that of the angle φ − η. For ever: derivation 22, (4).

(4) (a) m_2 = −√(1 − μ²) + μ sinh t in the limit (checked). (b) With tan ψ = μ √(2/(1 − μ)) let w(0) =
−cos ψ z_1 + sin ψ (z_4 − z_2)/√(2 − 2μ), v(0) = 1. It is on for z_1 only, with m_4 = 0, so not in S₋. m_1
= −cos ψ cosh t + sinh t is 0 at sinh t = cot ψ, and then v = sin ψ, m_3 = 0, m_2 < 0 < m_4. Move w(0) by
a small multiple of the vector that is orthogonal to z_1, z_2, z_4 and not to z_3: z_3 comes on just
before z_1 goes off, and from then on m_2 = sin ψ (μ sinh t − √((1 − μ)/2)). The two times are equal
(checked). (2) has s ≥ μ, so at most 2 acosh(1/μ) = 2 ln(1/τ) with μ = 2τ/(1 + τ²). With x = cot ψ it is
to be shown that asinh x ≥ ln(1/(cτ)) for c² = 5/2. This is so if cτ ≥ 1; else it says x ≥ (1/(cτ) −
cτ)/2, both sides of which are ≥ 0, and a polynomial in τ decides the squares (checked). For μ → 0, asinh x
is ln(√2/μ) and acosh(1/μ) is ln(2/μ), to o(1): twice the difference tends to ln 2. (c) p(t) =
−√(1 − s₁²) cosh + sinh is 0 where tanh |x|t = √(1 − s₁²) (checked).

(5) With cosh x ≥ x, acosh(1/s) ≤ 1/s and acosh(1/μ) ≤ 1/μ. Outside S_−σ, s ≥ μ: X_min t1 ≤
2/μ. In S_−σ, s ≥ μ s₁: X_min t1 ≤ 2/(μ s₁) ≤ 2/min{μ², s₁²}. And 16 ln 2 > 11 (checked).
"""

PROVED_BY = (
    ("(1)", (), "inequalities of Cauchy and Schwarz, along z_i or q and orthogonal to it"),
    (
        "(2)",
        (
            "v″ = v |G|²",
            "(v′ c − λ v S)′ = d c",
            "(v/c)′ = (v′ c − λ v S)/c²",
            "∫ v* cosh = v* sinh/λ",
            "cosh of ln…",
            "sinh of ln…",
        ),
        "the comparison from the least value of v in both directions of time, how small that value can be, "
        "and that all margins are positive in the end",
    ),
    (
        "(3)",
        (
            "logistic: κ ≥ exp(−δ)",
            "logistic: κ ≤ exp(δ)",
            "logistic: κ′/κ",
            "|f′| ≤ 2 n X_max exp(δ) δ",
            "Σ |κ′ m|/v",
            "|Σ z|² ≥ μ (Σ |z|)²",
        ),
        "the growth of Σ v² up to T, the cone of the directions of G, more than three data, and (2) with λ",
    ),
    (
        "(4)",
        ("(a) …", "(b) …", "(c) …"),
        "the limits in which the times are approached, and the limit μ → 0",
    ),
    ("(5)", ("16 ln 2 > 11",), "cosh x ≥ x in (2), with derivation 24"),
)

NOT_CLAIMED = (
    "That the condition of (3) is sharp: it bounds the growth by all data, on all the time.",
    "That all n data, or typical ones, come close to (4): there |G| is larger and the times are shorter.",
    "Anything about starts with |v| < |w|, or without Assumption 1.",
)

RELATED = (
    "Min, Mallada and Vidal (arXiv 2307.12851), Theorem 1: t1 = O(log n/√μ); (5) compares.",
    "Boursier, Pillaud-Vivien and Flammarion (arXiv 2206.00939): alignment for orthogonal data, with the "
    "squared loss.",
)


def prove(proof: Proof) -> None:
    prove_comparison(proof)
    prove_elementary(proof)
    prove_finite(proof)
    prove_sharpness(proof)


def prove_comparison(proof: Proof) -> None:
    """Prove v″ = v|G|², and that v″ = λ²v + d with d ≥ 0 is compared with cosh (E for exp(λt))."""
    first = sympy.Matrix(sympy.symbols("a_1:4", real=True))
    second = sympy.Matrix(sympy.symbols("b_1:4", real=True))
    force = first + second
    # v′ = m_1 + m_2 with m_i′ = v z_i·G.
    second_derivative = V * first.dot(force) + V * second.dot(force)
    proof.equal("v″ = v |G|²", second_derivative, V * force.dot(force))
    c, S = COSH, SINH
    c1, S1 = c.diff(E) * lam * E, S.diff(E) * lam * E
    bent = lam**2 * V + gap
    proof.equal("(v′ c − λ v S)′ = d c", bent * c + V1 * c1 - lam * (V1 * S + V * S1), gap * c)
    proof.equal("(v/c)′ = (v′ c − λ v S)/c²", V1 / c - V * c1 / c**2, (V1 * c - lam * V * S) / c**2)
    # The growth of a margin: the primitive of cosh.
    proof.equal("∫ v* cosh = v* sinh/λ", (V * S / lam).diff(E) * lam * E, V * c)


def prove_elementary(proof: Proof) -> None:
    """Prove the logarithm of acosh(1/μ), and its hyperbolic sine."""
    root = sympy.Symbol("root", positive=True)
    mu = sympy.Symbol("mu", positive=True)

    def reduced(value: Expr) -> Expr:
        """Replace root² by 1 − μ²."""
        numerator = sympy.fraction(sympy.together(value))[0]
        return sympy.rem(sympy.expand(numerator), root**2 - (1 - mu**2), root)

    T = (1 + root) / mu
    proof.equal("cosh of ln((1 + √(1 − μ²))/μ) is 1/μ", reduced((T + 1 / T) / 2 - 1 / mu), ZERO)
    proof.equal("sinh of ln((1 + √(1 − μ²))/μ) is √(1 − μ²)/μ", reduced((T - 1 / T) / 2 - root / mu), ZERO)
    proof.holds("16 ln 2 > 11", bool(16 * sympy.log(2) > 11))


def prove_finite(proof: Proof) -> None:
    """Prove the bounds of the pulls, with D = exp(δ) = 1 + e, and λ²."""
    more = 1 + e
    low, high = 2 / (1 + more) - 1 / more, more - 2 / (1 + 1 / more)
    for name, value in (("κ ≥ exp(−δ)", low), ("κ ≤ exp(δ)", high)):
        proof.holds(f"logistic: {name}", bool(sympy.factor(sympy.together(value)).is_positive))
    # κ = 2/(1 + X), X = exp(y f): κ′/κ = −(X/(1 + X)) y f′.
    at = sympy.Symbol("X", positive=True)
    ratio = (2 / (1 + at)).diff(at) * at / (2 / (1 + at))
    proof.equal("logistic: κ′/κ", ratio, -at / (1 + at))
    proof.holds("it is less than 1 in modulus", bool(sympy.factor(1 + ratio).is_positive))
    force = n * X * D
    output = 2 * (delta / X) * force * X  # X_max Σ (|w|² + v²) |G|, with Σ v² ≤ δ/X_max
    proof.equal("|f′| ≤ 2 n X_max exp(δ) δ", output, 2 * n * X * D * delta)
    proof.equal("Σ |κ′ m|/v", n * D * output * X, 2 * n**2 * X**2 * D**2 * delta)
    mu = sympy.Symbol("mu", positive=True)
    sizes = sympy.symbols("s_1:4", positive=True)
    inside = 1 / (1 + mu)  # any number in (0, 1)
    gram = sum((sizes[i] * sizes[k] * (ONE if i == k else inside) for i in range(3) for k in range(3)), ZERO)
    rest = sympy.factor(sympy.together(gram - inside * sum(sizes) ** 2))
    proof.holds("|Σ z|² ≥ μ (Σ |z|)²", bool(rest.is_positive))


def prove_sharpness(proof: Proof) -> None:
    """Prove the three examples, from the Gram matrix of unit vectors with the cosine μ = 1/(1 + m)."""
    m = sympy.Symbol("m", positive=True)
    mu = 1 / (1 + m)
    # (a) w(0) orthogonal to z_1, opposite to the rest of z_2; p = sinh t.
    cosh, sinh = 1 / mu, sympy.sqrt(1 - mu**2) / mu
    proof.holds("(a) cosh² − sinh² = 1", sympy.simplify(cosh**2 - sinh**2 - 1) == 0)
    proof.holds("(a) m_2 = 0 at cosh t = 1/μ", sympy.simplify(-sympy.sqrt(1 - mu**2) + mu * sinh) == 0)
    # (b) coordinates in the basis z_1 … z_4.
    gram = sympy.Matrix(4, 4, lambda i, k: ONE if i == k else mu)
    tangent = mu * sympy.sqrt(2 / (1 - mu))
    cosine = 1 / sympy.sqrt(1 + tangent**2)
    sine = tangent * cosine
    u = sympy.Matrix([0, -1, 0, 1]) / sympy.sqrt(2 - 2 * mu)
    start = -cosine * sympy.Matrix([1, 0, 0, 0]) + sine * u

    def margins(at: Expr) -> Expr:
        return (gram * at).applyfunc(sympy.simplify)

    at_start = margins(start)
    proof.holds("(b) |w(0)| = 1", sympy.simplify((start.T * gram * start)[0] - 1) == 0)
    proof.holds("(b) m_4 = 0 at the start", at_start[3] == 0)
    proof.holds("(b) m_1, m_2, m_3 < 0 at the start", all(bool(value.is_negative) for value in at_start[:3]))
    # w(t) = w(0) + (p(t) − p(0)) z_1, with p = m_1.
    later = margins(start - at_start[0] * sympy.Matrix([1, 0, 0, 0]))
    proof.holds("(b) m_1 = m_3 = 0 later", later[0] == 0 and later[2] == 0)
    height = sine * sympy.sqrt((1 - mu) / 2)
    proof.holds(
        "(b) m_2 and m_4 later",
        all(sympy.simplify(value) == 0 for value in (later[1] + height, later[3] - height)),
    )
    cotangent = sympy.sqrt((1 - mu) / 2) / mu
    proof.holds(
        "(b) sinh t = cot ψ is tanh t = cos ψ",
        sympy.simplify(cosine**2 * (1 + cotangent**2) - cotangent**2) == 0,
    )
    proof.holds("(b) the two times are equal", sympy.simplify(height / (sine * mu) - cotangent) == 0)
    prove_gap(proof)
    # (c) p = 0 with sinh/cosh = √(1 − s²), cosh = 1/s.
    cos = 1 / (1 + m)
    s = sympy.sqrt(1 - cos**2)
    ended = {"cosh": 1 / s, "sinh": cos / s}
    proof.holds("(c) cosh² − sinh² = 1", sympy.simplify(ended["cosh"] ** 2 - ended["sinh"] ** 2 - 1) == 0)
    proof.holds("(c) p = 0 there", sympy.simplify(-cos * ended["cosh"] + ended["sinh"]) == 0)


def prove_gap(proof: Proof) -> None:
    """Prove that asinh(cot ψ) ≥ ln(1/(cτ)) for c² = 5/2, where cτ < 1."""
    tau, square = sympy.Symbol("tau", positive=True), sympy.Rational(5, 2)
    mu = 2 * tau / (1 + tau**2)
    cotangent = (1 - mu) / (2 * mu**2)
    least = (1 - square * tau**2) ** 2 / (4 * square * tau**2)
    left = square * (1 - tau) ** 2 * (1 + tau**2) - 2 * (1 - square * tau**2) ** 2
    proof.equal("(b) the squares in τ", (cotangent - least) * 8 * square * tau**2, left)
    end = sympy.Rational(16, 25)
    proof.holds("(b) c τ > 1 beyond", bool(square * end**2 > 1))
    roots = sympy.Poly(left, tau).count_roots(0, end)
    proof.holds("(b) positive up to there", roots == 0 and bool(left.subs(tau, 0) > 0))


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the bound on the time, its simple form, λ² and the time that is attained."""
    t1, least, mu, s, T = sympy.symbols("t_1 X_min mu s T_b")
    return (
        ("Aligned from", sympy.Eq(t1, (sympy.acosh(1 / s) + sympy.acosh(1 / mu)) / least)),
        (
            "At finite scale λ takes the place of X_min",
            sympy.Eq(
                lam**2,
                least**2 * sympy.exp(-2 * delta) - 2 * n**2 * X**2 * sympy.exp(2 * delta) * delta,
            ),
        ),
        ("Attained by four data", sympy.Eq(T, 2 * sympy.asinh(sympy.sqrt((1 - mu) / 2) / mu))),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
