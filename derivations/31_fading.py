"""Some neurons fade: in infinite time the flow takes them to the dead set, at a rate that is known.

The flow cannot kill in finite time away from w1 = b1 = 0 (derivation 10), but it may take all the time there
is: a trap that can be evaluated, the rate, and the open sets of starts that fade.
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

w, b, omega, e, x, r = sympy.symbols("w b omega e x r", real=True)
ell, s = sympy.symbols("ell s", positive=True)

STATUS = "proved"
STATEMENT = """
Let φ(z) = s max(z, 0), s ≠ 0, and let inputs be uniform on [lo, hi], ℓ = hi − lo. Let the neuron be
balanced. By the reflections x → −x and f → −f let w = w1 > 0 and ω = s w2 > 0 (proof): it is active at
the end e = hi, on the part A = (p, e] of the input; b = b1. Let z_e = w e + b > 0 and z_o = w lo + b < 0
be the pre-activations at the two ends, r = f − f*, M the least upper bound of f* on A, and g = E[ω max(z,
0)] = ω z_e²/(2 ℓ w).

(1) Two inequalities. As long as r ≥ 0 on A and 1 + p e ≥ 0, the numbers z_e, |w2|, g and M do not rise, A
does not grow, and w − e b = w (1 + p e) and w2² − z_e²/(1 + e²) do not fall.

(2) Trap. Let at t = 0: 1 + p e > 0, w2² > z_e²/(1 + e²), and μ = min(b2, E f* − g) − M > 0. Then the
solution exists for all t ≥ 0 and stays balanced, all this holds at every later time with a μ that is no
less, and z_e(t) ≤ z_e(0) exp(−c t) with c = 2 ν μ κ/(ℓ √(w² + b²)) > 0, ν = |s| √(w2² − z_e²/(1 + e²))
and κ = min(1 + e², 1 + p e), all at t = 0.

(3) Limit. Then θ(t) converges to a dead point with z_e = 0 > z_o, w2 ≠ 0 and b2 = E f*: a point of
derivation 9's family (D) on a wall; L → Var f*. If f* is Lipschitz continuous near e, log z_e(t) + K (E
f* − f*(e)) t converges, with K = 2 ω (1 + e²)/|z_o| at the limit.

(4) Without the reflections the rate is K (E f* − f*(e)) > 0 with K = 2 s w2 (1 + e²)/|z_o|, and e the
active end. Let a point of the family (D) have z_e = 0 > z_o at an end e, and s w2 (E f* − f*(e)) > 0, f*
continuous at e. Then from every start in a neighbourhood of it the flow ends constant: what is dead stays
dead, and what is balanced fades.

(5) For the default problem the trap is: w1 > 0 > w2, z_e = w1 + b1, w2² > z_e²/2 and max(b2, 1/4 + g) <
max(p, 0); or w1 < 0 < w2, z_e = b1 − w1, w2² > z_e²/2 and min(b2, 1/4 − g) > max(p, 0); g = |w2| z_e²/(4
|w1|).
"""

HYPOTHESES = (
    "Those of the loss (derivation 1) with s₋ = 0, on the population, and a balanced neuron.",
    "f* is bounded and measurable, and continuous where that is said; it need not be a neuron. For one with "
    "slopes (s₋, s₊) of any sign M and E f* are those of derivation 7's closed forms.",
    "1 + p e > 0. It holds for every balanced neuron where lo hi ≥ −1.",
    "A solution is a continuously differentiable curve with dθ/dt = −∇L, (w1, b1) ≠ (0, 0).",
)

PROOF = """
The reflections map solutions to solutions (derivation 13): x → −x turns [lo, hi] into [−hi, −lo], w1 into
−w1, f*(x) into f*(−x); f → −f turns w2, b2 and f* into their negatives.

(1) With R = E[r 1_A] and R₁ = E[r x 1_A] the flow is w' = −2 ω R₁, b' = −2 ω R, ω' = −2 s² E[r max(z,
0)], and b2' = −2 E r. So at any point y of the input (w y + b)' = −2 ω E[r (1 + x y) 1_A]. For y = e and
y = p: 1 + x e and 1 + x p are linear in x and ≥ 0 at both ends p and e of A, as 1 + p e ≥ 0. So z_e
falls, and the pre-activation at the present p does: z falls on [p, e], hence A does not grow. ω' ≤ 0, so
|w2| and g = E[ω max(z, 0)] do not rise, nor does M, an upper bound over A. (w − e b)' = −2 ω E[r (x − e)
1_A] ≥ 0. And (w2² − z_e²/(1 + e²))' = 4 ω E[r (z_e (1 + e x)/(1 + e²) − z) 1_A], where the bracket is (e
− x) w (1 + p e)/(1 + e²) ≥ 0 (script).

(2) Consider the first time T at which one of the hypotheses fails with these numbers of t = 0: r ≥ μ on
A; 1 + p e > 0; w2² − z_e²/(1 + e²) no less; z_e > 0 > z_o. Before T, (1) holds, so A, M, g and z_e are at
most what they were; b2 − E f* = y solves y' = −2 y − 2 g(t) with g(t) ≤ g(0), so y ≥ min(y(0), −g(0)): b2
− M ≥ μ, and on A r = ω z + b2 − f* ≥ μ. w (1 + e²) = (w − e b) + e z_e is positive where e ≥ 0 and does
not fall where e < 0, so w > 0 and 1 + p e = (w − e b)/w > 0; w² + b² = w2² + Q ≤ w(0)² + b(0)²; where w −
e b > 0, (w, b) ≠ (0, 0). If z_o came to 0 with z_e ≥ 0 the neuron would be hyperactive or p = lo, but A
does not grow. If z_e came to 0 it would be dead, which the flow cannot do (derivation 10 (1)). So T is
the end of the solution's existence, which is ∞, since w, b, w2 and b2 are bounded and (w, b) is bounded
away from 0. Then z_e' = −2 ω E[r (1 + e x) 1_A] ≤ −2 ν μ κ |A|/ℓ, |A| = z_e/w ≥ z_e/√(w(0)² + b(0)²),
because 1 + e x ≥ min(1 + e p, 1 + e²) on A, which as A shrinks is no less than at t = 0.

(3) r is bounded, so |w'| and |b'| are at most a constant times |A|, and |w2'| times z_e |A|: they are
integrable, and w, b and w2 converge, exponentially fast. w − e b keeps above 0 and z_e → 0, so w → w_∞ >
0 and z_o → −ℓ w_∞ < 0; w2² → a positive limit. g → 0, so b2 → E f*. L → Var f* by continuity. (log z_e)'
= −2 ω E[r (1 + e x) 1_A]/z_e = −(2 ω/(ℓ w)) times the mean of r (1 + e x) over A, which is r_∞ (1 + e²),
r_∞ = E f* − f*(e), up to terms of the order of |A| + z_e + |b2 − E f*|: all exponentially small. So its
difference from −K r_∞ is integrable.

(4) Near such a point, in the view of (1): z_e is small, hence g, and A is a small interval next to e,
where f* is near f*(e); b2 is near E f* > f*(e); 1 + p e is near 1 + e²; w2² is near a positive number. So
(2) applies to the balanced starts. Starts in the neighbourhood that are not balanced are dead, and
derivation 7 says where they go.

(5) E f* = 1/4, ℓ = 2, e² = 1, p e > −1. In the first case f → −f is needed, and f* = max(x, 0) is at
least max(p, 0) on A = (p, 1]; in the second x → −x, and f* is at most max(p, 0) on A = [−1, p).
"""

PROVED_BY = (
    (
        "(1)",
        (
            "(w y + b)' = −2 ω E[r (1 + x y) 1_A]",
            "1 + x e and 1 + x p at the ends of A",
            "(w − e b)' = −2 ω E[r (x − e) 1_A]",
            "(w2² − z_e²/(1 + e²))' = 4 ω E[r …]",
            "z_e (1 + e x)/(1 + e²) − z = (e − x) w (1 + p e)/(1 + e²)",
            "w − e b = w (1 + p e)",
            "g = ω z_e²/(2 ℓ w)",
        ),
        "signs of integrals of products of one sign, and that A does not grow where z falls on it",
    ),
    (
        "(2)",
        ("w (1 + e²) = (w − e b) + e z_e", "y' = −2 y − 2 g", "|A| = z_e/w"),
        "the argument at the first time at which a hypothesis fails, and derivation 10 (1)",
    ),
    (
        "(3)",
        ("the rate at the end is K (E f* − f*(e))",),
        "integrable derivatives give limits, and the mean over a shrinking interval is the value at its end",
    ),
    ("(4)", (), "(2) at starts near such a point, by continuity, and derivation 7"),
    ("(5)", ("default: E f* = 1/4 and g",), "the bounds on ReLU over A"),
)

NOT_CLAIMED = (
    "That the trap is necessary: others come into it later, and b2 may still pass f*(e).",
    "That nothing else fades. Where s w2 (E f* − f*(e)) < 0 a neuron near the wall comes back to life.",
    "Anything for samples: there the active part holds no input after a finite time, and the neuron is dead.",
    "Anything for finite steps: those that kill are in derivation 12.",
)


def prove(proof: Proof) -> None:
    zero, one = sympy.Integer(0), sympy.Integer(1)
    p, y, z_e = -b / w, sympy.Symbol("y", real=True), w * e + b
    # Rates, each as the integrand r·(…) over A of −2 ω E[…], or of −2 s² E[…] for ω.
    w_rate, b_rate, o_rate = -2 * omega * r * x, -2 * omega * r, -2 * s**2 * r * (w * x + b)
    proof.equal("(w y + b)' = −2 ω E[r (1 + x y) 1_A]", w_rate * y + b_rate, -2 * omega * r * (1 + x * y))
    ends = [(1 + x * at).subs(x, point) for at in (e, p) for point in (p, e)]
    squares = [1 + p * e, 1 + e**2, 1 + p**2, 1 + p * e]
    proof.holds(
        "1 + x e and 1 + x p at the ends of A",
        all(sympy.cancel(u - v) == 0 for u, v in zip(ends, squares, strict=True)),
    )
    proof.equal("(w − e b)' = −2 ω E[r (x − e) 1_A]", w_rate - e * b_rate, -2 * omega * r * (x - e))
    rise = 2 * omega * o_rate / s**2 - 2 * z_e * (w_rate * e + b_rate) / (1 + e**2)
    bracket = z_e * (1 + e * x) / (1 + e**2) - (w * x + b)
    proof.holds("(w2² − z_e²/(1 + e²))' = 4 ω E[r …]", sympy.cancel(rise - 4 * omega * r * bracket) == zero)
    stated = (e - x) * w * (1 + p * e) / (1 + e**2)
    proof.holds(
        "z_e (1 + e x)/(1 + e²) − z = (e − x) w (1 + p e)/(1 + e²)", sympy.cancel(bracket - stated) == zero
    )
    proof.holds("w − e b = w (1 + p e)", sympy.cancel(w * (1 + p * e) - (w - e * b)) == zero)
    proof.equal("w (1 + e²) = (w − e b) + e z_e", (w - e * b) + e * z_e, w * (1 + e**2))
    primitive = (w * x + b) ** 2 / (2 * w)
    proof.holds("g is an integral of ω z over A", sympy.cancel(primitive.diff(x) - (w * x + b)) == zero)
    mean = omega * (primitive.subs(x, e) - primitive.subs(x, p)) / ell
    proof.holds("g = ω z_e²/(2 ℓ w)", sympy.cancel(mean - omega * z_e**2 / (2 * ell * w)) == zero)
    proof.holds("|A| = z_e/w", sympy.cancel(e - p - z_e / w) == zero)
    # E r = E[ω max(z, 0)] + b2 − E f*.
    level, bump = sympy.symbols("y g", real=True)
    proof.equal("y' = −2 y − 2 g", -2 * (bump + level), -2 * level - 2 * bump)
    # At the end z_e = 0, so that ℓ w = −z_o = |z_o|.
    other, gap = sympy.Symbol("z_o", negative=True), sympy.Symbol("r_inf", positive=True)
    rate = (-2 * omega / (ell * w) * gap * (1 + e**2)).subs(w, -other / ell)
    K = 2 * omega * (1 + e**2) / abs(other)
    proof.equal("the rate at the end is K (E f* − f*(e))", rate + K * gap, zero)
    half = sympy.integrate(x, (x, 0, 1)) / 2
    bump = (omega * z_e**2 / (2 * ell * w)).subs(ell, 2)
    proof.equal("default: E f* = 1/4 and g", [half, bump * 4 * w], [one / 4, omega * z_e**2])


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the trap's rate, the asymptotic rate and the two monotone numbers."""
    c, mu, nu, kappa, K, other, z_e, g, w2 = sympy.symbols("c mu nu kappa K z_o z_e g w2")
    size = sympy.sqrt(w**2 + b**2)
    return (
        ("Rate that is proved", sympy.Eq(c, 2 * nu * mu * kappa / (ell * size))),
        ("Least output weight", sympy.Eq(nu, s * sympy.sqrt(w2**2 - z_e**2 / (1 + e**2)))),
        ("Share of the output", sympy.Eq(g, omega * z_e**2 / (2 * ell * w))),
        ("Rate at the end, times E f* − f*(e)", sympy.Eq(K, 2 * omega * (1 + e**2) / sympy.Abs(other))),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
