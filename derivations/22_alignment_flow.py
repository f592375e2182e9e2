"""How the neurons of a two-layer ReLU network move while their data allow them: closed forms and traps.

One neuron's equations, their hyperbolic solution within a pattern, and, where all data with their labels are
positively correlated, margins that are monotone for all times and at every scale.
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

v, p0, v0, m0, zg = sympy.symbols("v p_0 v_0 m_0 zeta_G", real=True)
g, r, E, mu, e = sympy.symbols("g r E mu e", positive=True)
w = sympy.Matrix(sympy.symbols("w_1:4", real=True))
G = sympy.Matrix(sympy.symbols("G_1:4", real=True))
ZERO = sympy.Integer(0)
HALF = sympy.Rational(1, 2)
COSH, SINH = (E + 1 / E) / 2, (E - 1 / E) / 2

STATUS = "proved"
STATEMENT = """
Let f(x) = Σ v_j relu(w_j·x), y_i = ±1, z_i = y_i x_i, and let the loss be the sum of exp(−y_i f(x_i)) or
of 2 log(1 + exp(−y_i f(x_i))). Write κ_i = exp(−y_i f(x_i)), or 2/(1 + exp(y_i f(x_i))), for the pull of
datum i, and G = Σ κ_i z_i over the data that are on for a neuron (w, v), that is w·x_i > 0. Its margins
are m_i = z_i·w. Balanced means |v| = |w|. S₊ (S₋) is the set of w that are on exactly for the data with y
= 1 (y = −1), S_dead that of those that are on for none; σ is the sign of v, and S_σ is S₊ or S₋.

(1) The flow is w′ = v G, v′ = w·G. So |w|² − v² is constant. If |v| ≥ |w| at the start, it remains so and
v keeps its sign. With u = w/|w|, u′ = (v/|w|) (G − (u·G) u) and (ln |w|)′ = (v/|w|) u·G: for balanced
neurons the direction does not know the norm, but through the pulls. With r² = |w|² + v², a = w/r and b =
v/r,

a′ = b G − 2 b (a·G) a, b′ = (1 − 2 b²) (a·G), (ln r)′ = 2 b (a·G).

(2) While G is constant, not 0, and p = w·G/|G|,

p(t) = p(0) cosh |G|t + v(0) sinh |G|t, v(t) = p(0) sinh |G|t + v(0) cosh |G|t,

and what of w is orthogonal to G is constant. So m_i(t) = m_i(0) + (p(t) − p(0)) z_i·G/|G|, and the times
at which it is 0 are the roots of a quadratic in exp(|G|t). The cosine c between w and σG of a balanced
neuron is c(t) = tanh(atanh c(0) + |G|t).

Under gradient descent with the rate η, w ← w + η v G and v ← v + η w·G, p + v is multiplied by 1 + η |G|
and p − v by 1 − η |G|: where p − v has died away, a step does what the flow does in the time ln(1 + η
|G|)/|G|.

(3) Let z_i·z_k ≥ μ |z_i| |z_k| for all pairs, with μ > 0 (Assumption 1). For a neuron that is on for some
data, with the sum over these,

z_i·G ≥ μ |z_i| Σ κ_k |z_k| ≥ μ |z_i| |G| for all i, and |G|² ≥ Σ κ_k² |z_k|² > 0.

If m of them are on, all with κ = 1, |G| ≥ X_min √(m (1 + (m − 1) μ)), X_min the least |x_i|; with
equality for z_i of one length and all cosines equal to μ.

(4) Under Assumption 1, if |v| ≥ |w| at the start: while the neuron is on for some datum, all σ m_i grow,
at the rate |v| z_i·G > 0. So a neuron with σ = 1 only gains data with y = 1 and only loses data with y =
−1, each at most once; for σ = −1 it is the other way round. S_σ and S_dead are never left. A neuron that
was on for a datum with y = σ is never dead. All this holds for all times and at every scale ε of the
start.

(5) Without the hypotheses it may fail. Without Assumption 1: z_1 = (2, 0), z_2 = (−1, 1/2), both with y =
1, and a neuron at w = (1/10, 1), v > 0, is in S₊ and leaves it when ∫ v = 8/15 (with κ = 1). With μ = 0:
a neuron that is on only for data that are orthogonal to z_i keeps m_i. With 0 < v < |w|: one datum z with
y = −1, and w opposite to z; v changes its sign when tanh |z|t = v(0)/|w(0)|, and w stays on for the datum
for ever, so that it is never in S₊ or S_dead (with κ = 1).
"""

HYPOTHESES = (
    "relu′(0) = 0, and a neuron that is on for no datum rests (on the border of S_dead solutions are not "
    "unique; this is the paper's choice).",
    "Solutions are absolutely continuous and obey the equations almost everywhere.",
    "The flow is that of the sum of the losses; that of the mean is n times slower.",
    "No x_i is 0, and w(0) and v(0) are not 0.",
)

PROOF = """
(1) −∂L/∂f(x_i) = κ_i y_i; so −∂L/∂w = v G, −∂L/∂v = Σ κ_i y_i relu(w·x_i) = w·G. The derivative of |w|² −
v² is 2 v w·G − 2 v w·G = 0. If it is ≤ 0, |v′| ≤ |w| |G| ≤ |v| |G|, so ln |v| stays finite in finite
time, and v ≠ 0. The equations for u, a, b are the quotient rule (checked in three components; more add
terms of the same form).

(2) p′ = v |G| and v′ = p |G|; the stated functions solve this (checked with E for exp(|G|t)). w′ is
parallel to G. m_i is a linear function of p, so times E it is a quadratic in E (checked). For a balanced
neuron with σ = 1, c = p/v and c′ = |G| (1 − c²) (checked), whose solution is the stated one. Under
gradient descent p ← p + η |G| v, v ← v + η |G| p; the sum and the difference are eigenvectors (checked),
and under the flow they grow and fall by exp(±|G|t).

(3) Term by term, z_i·z_k ≥ μ |z_i| |z_k|; the next step is the triangle inequality. |G|² is Σ κ_k² |z_k|²
and products that are ≥ 0. With κ = 1 it is at least X_min² (m + m (m − 1) μ) (checked).

(4) σ m_i′ = σ v z_i·G = |v| z_i·G > 0 by (1) and (3). Let σ = 1. x_i·w is m_i for y_i = 1, which grows,
and −m_i for y_i = −1, which falls. In S₊ all m_i ≥ 0, with > for y_i = 1; this remains. S_dead is not
left by hypothesis. If a datum with y = 1 is on it stays on. Exchanging all y_i with −y_i and v with −v
leaves x_i, |v| and |v|′ as they are, and changes z_i to −z_i: so the case σ = −1 is the case σ = 1 with
S₊ and S₋ exchanged. Nothing was used of κ but κ > 0.

(5) All three are computed from (2) (checked).
"""

PROVED_BY = (
    (
        "(1)",
        (
            "|w|² − v² is constant",
            "the pull, exponential",
            "the pull, logistic",
            "u′",
            "(ln |w|)′",
            "a′",
            "b′",
            "(ln r)′",
        ),
        "more than three components; v keeps its sign, by a bound on ln |v|",
    ),
    (
        "(2)",
        (
            "p′ = g v",
            "v′ = g p",
            "c′ = g (1 − c²)",
            "c(t) is the sum of tanh",
            "2 E m is a quadratic in E",
            "p + v under a step",
            "p − v under a step",
        ),
        "what is orthogonal to G rests, and the comparison of a step with the flow",
    ),
    (
        "(3)",
        (
            "z_i·G ≥ μ |z_i| Σ κ_k |z_k|",
            "|G|² ≥ Σ κ² |z|²",
            "|G|² ≥ X_min² m (1 + (m − 1) μ), m = 3",
            "equality for equal lengths and cosines",
        ),
        "more than three data, and the triangle inequality",
    ),
    ("(4)", (), "monotone margins, from (1) and (3), and the exchange of labels"),
    (
        "(5)",
        (
            "the example violates Assumption 1",
            "it starts in S₊",
            "m_2 = 0 when ∫ v = 8/15",
            "m_2 falls there, m_1 > 0",
            "orthogonal data do not move m_i",
            "v = 0 where tanh = v(0)/|w(0)|",
            "p < 0 always",
        ),
        "∫ v comes to 8/15, as v grows",
    ),
)

NOT_CLAIMED = (
    "That every neuron is aligned at some time: derivation 23 has when, if the scale is small enough.",
    "Uniqueness of solutions without Assumption 1, where a neuron may also slide along a wall.",
    "Anything on the squared loss beyond f = 0: its pull changes sign where y f = 1, and (3) is lost.",
)

RELATED = (
    "Min, Mallada and Vidal (arXiv 2307.12851): the equations, Assumption 1 and monotone patterns, for "
    "small starts.",
    "Maennel, Bousquet and Gelly (2018): the flow of directions from small starts.",
)


def prove(proof: Proof) -> None:
    prove_equations(proof)
    prove_closed_form(proof)
    prove_margins(proof)
    prove_failures(proof)


def prove_equations(proof: Proof) -> None:
    """Prove the conservation law, the pulls, and the equations of the direction."""
    t = sympy.Symbol("t", real=True)
    wt = sympy.Matrix([sympy.Function(f"w_{i}")(t) for i in (1, 2, 3)])
    vt = sympy.Function("v")(t)
    along = wt.dot(G)
    motion = {vt.diff(t): along, **{wt[i].diff(t): vt * G[i] for i in range(3)}}

    def rate(expression: Expr) -> Expr:
        return expression.diff(t).subs(motion)

    names = {vt: v, **{wt[i]: w[i] for i in range(3)}}
    proof.equal("|w|² − v² is constant", rate(wt.dot(wt) - vt**2).subs(names), ZERO)
    # The pulls, with X for exp(y f).
    y, f = sympy.symbols("y f", real=True)
    X = sympy.Symbol("X", positive=True)
    for name, value, pull in (
        ("exponential", sympy.exp(-y * f), y / X),
        ("logistic", 2 * sympy.log(1 + sympy.exp(-y * f)), 2 * y / (1 + X)),
    ):
        found = (-value.diff(f)).subs(sympy.exp(-y * f), 1 / X)
        proof.equal(f"the pull, {name}", found, pull)
    # Quotients by norms, squared norms being N and R: N′ = 2 v w·G, R′ = 4 v w·G.
    size = sympy.Symbol("N", positive=True)
    dot = w.dot(G)
    u = w / size
    by_rule = v * G / size - w * (v * dot / size) / size**2
    proof.equal("u′", by_rule.expand(), ((v / size) * (G - u.dot(G) * u)).expand())
    proof.equal("(ln |w|)′", v * dot / size**2, (v / size) * u.dot(G))
    a, b = w / r, v / r
    growth = 2 * v * dot / r**2  # (ln r)′ = (r²)′/(2 r²)
    proof.equal("(r²)′", rate(wt.dot(wt) + vt**2).subs(names), 4 * v * dot)
    proof.equal("(ln r)′", growth, 2 * b * a.dot(G))
    proof.equal("a′", (v * G / r - growth * a).expand(), (b * G - 2 * b * a.dot(G) * a).expand())
    proof.equal("b′", dot / r - growth * b, (1 - 2 * b**2) * a.dot(G))


def prove_closed_form(proof: Proof) -> None:
    """Prove the hyperbolic solution, with E for exp(g t), E′ = g E."""
    p = p0 * COSH + v0 * SINH
    out = p0 * SINH + v0 * COSH
    proof.equal("p′ = g v", p.diff(E) * g * E, g * out)
    proof.equal("v′ = g p", out.diff(E) * g * E, g * p)
    proof.equal("at the start", (p.subs(E, 1), out.subs(E, 1)), (p0, v0))
    rate = sympy.Symbol("eta", positive=True)
    stepped = (p0 + rate * g * v0, v0 + rate * g * p0)
    proof.equal("p + v under a step", stepped[0] + stepped[1], (1 + rate * g) * (p0 + v0))
    proof.equal("p − v under a step", stepped[0] - stepped[1], (1 - rate * g) * (p0 - v0))
    margin = m0 + (p - p0) * zg
    quadratic = sympy.expand(2 * E * margin)
    proof.holds("2 E m is a quadratic in E", sympy.Poly(quadratic, E).degree() == 2)
    c = sympy.Symbol("c", real=True)
    # c = p/v: c′ = (p′ v − p v′)/v² = g (v² − p²)/v².
    q, V = sympy.Symbol("q", real=True), sympy.Symbol("V", positive=True)
    proof.equal("c′ = g (1 − c²)", (g * V * V - q * g * q) / V**2, g * (1 - (q / V) ** 2))
    # tanh(atanh c + g t) = (c + T)/(1 + c T), T = (E² − 1)/(E² + 1), is p/v for v0 = 1.
    T = (E**2 - 1) / (E**2 + 1)
    proof.equal(
        "c(t) is the sum of tanh", (p * (1 + c * T) - out * (c + T)).subs({p0: c * v0}).expand(), ZERO
    )


def prove_margins(proof: Proof) -> None:
    """Prove the bounds of z_i·G and |G| for three data whose Gram matrix is μ|z_i||z_k| and more."""
    size = sympy.symbols("s_1:4", positive=True)
    pull = sympy.symbols("kappa_1:4", positive=True)
    slack = {
        (i, k): sympy.Symbol(f"d_{min(i, k)}{max(i, k)}", nonnegative=True)
        for i in range(3)
        for k in range(3)
    }
    gram = {
        (i, k): size[i] ** 2 if i == k else mu * size[i] * size[k] + slack[i, k]
        for i in range(3)
        for k in range(3)
    }
    # μ ≤ 1: 1/(1 + e).
    inside = {mu: 1 / (1 + e)}
    for i in range(3):
        towards = sum((pull[k] * gram[i, k] for k in range(3)), ZERO)
        least = mu * size[i] * sum((pull[k] * size[k] for k in range(3)), ZERO)
        rest = sympy.factor(sympy.together((towards - least).subs(inside)))
        proof.holds("z_i·G ≥ μ |z_i| Σ κ_k |z_k|", bool(rest.is_nonnegative))
    square = sum((pull[i] * pull[k] * gram[i, k] for i in range(3) for k in range(3)), ZERO)
    own = sum((pull[k] ** 2 * size[k] ** 2 for k in range(3)), ZERO)
    proof.holds("|G|² ≥ Σ κ² |z|²", bool(sympy.expand(square - own).is_nonnegative))
    # Sizes X_min + more, κ = 1.
    least_size = sympy.Symbol("X_min", positive=True)
    more = sympy.symbols("q_1:4", nonnegative=True)
    larger = {size[k]: least_size + more[k] for k in range(3)} | {pull[k]: sympy.Integer(1) for k in range(3)}
    excess = sympy.expand(square.subs(larger) - least_size**2 * (3 + 6 * mu))
    proof.holds("|G|² ≥ X_min² m (1 + (m − 1) μ), m = 3", bool(excess.is_nonnegative))
    equal = {**dict.fromkeys(more, ZERO), **dict.fromkeys(slack.values(), ZERO)}
    proof.equal("equality for equal lengths and cosines", excess.subs(equal), ZERO)


def prove_failures(proof: Proof) -> None:
    """Prove the three examples."""
    first, second = sympy.Matrix([2, 0]), sympy.Matrix([-1, HALF])
    start = sympy.Matrix([sympy.Rational(1, 10), 1])
    force = first + second
    grown = sympy.Rational(8, 15)
    proof.holds("the example violates Assumption 1", first.dot(second) < 0)
    proof.holds("it starts in S₊", bool(first.dot(start) > 0) and bool(second.dot(start) > 0))
    at_wall = start + grown * force
    proof.equal("m_2 = 0 when ∫ v = 8/15", second.dot(at_wall), ZERO)
    proof.holds("m_2 falls there, m_1 > 0", second.dot(force) < 0 and first.dot(at_wall) > 0)
    proof.holds("z_1 alone moves it on across", first.dot(second) < 0)
    # μ = 0: the rate of m_i is v z_i·G with z_i orthogonal to all that is on.
    x1, x2 = sympy.Matrix([1, 0]), sympy.Matrix([0, 1])
    proof.equal("orthogonal data do not move m_i", x1.dot(v * x2), ZERO)
    # 0 < v < |w| = 1, p0 = −1: v(t) = 0 iff tanh = v0, and p(t) stays negative.
    share = sympy.Symbol("share", positive=True)
    start_v = share / (1 + share)
    p = (p0 * COSH + v0 * SINH).subs({p0: -1, v0: start_v})
    out = (p0 * SINH + v0 * COSH).subs({p0: -1, v0: start_v})
    # E² = (1 + v0)/(1 − v0) is tanh = v0.
    crossing = sympy.expand(sympy.together(2 * E * out))
    at = crossing.subs(E, sympy.sqrt((1 + start_v) / (1 - start_v)))
    proof.holds("v = 0 where tanh = v(0)/|w(0)|", sympy.simplify(at) == 0)
    proof.holds("p < 0 always", bool(sympy.factor(sympy.together(-p)).is_positive))


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the closed form and the lower bound of the force."""
    t, P, V, m, least, size = sympy.symbols("t p v m X_min |G|")
    cosh, sinh = sympy.cosh(size * t), sympy.sinh(size * t)
    return (
        ("Along the force", sympy.Eq(P, p0 * cosh + v0 * sinh)),
        ("The output weight", sympy.Eq(V, p0 * sinh + v0 * cosh)),
        ("Force of m equiangular data", sympy.Eq(size, least * sympy.sqrt(m * (1 + (m - 1) * mu)))),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
