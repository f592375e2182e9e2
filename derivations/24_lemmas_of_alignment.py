"""The lemmas and constants of Min, Mallada and Vidal on early alignment, proved anew.

ξ is μ², so the constant behind O(log n/√μ) contains 1/μ²; Lemmas 3 and 4; what the first bound on the scale
has to be; and why ζ has to be a minimum.
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

n, h, X, W, eps, m = sympy.symbols("n h X_max W_max epsilon m", positive=True)
ZERO, ONE = sympy.Integer(0), sympy.Integer(1)
HALF = sympy.Rational(1, 2)

STATUS = "proved"
STATEMENT = """
Notation of derivations 22 and 23, under Assumption 1. There are h neurons, balanced, with w_j(0) = ε
w0_j; W_max is the largest |w0_j|. x₊ and x₋ are the sums of the data of either label. The paper has: ζ1
is such that cos(z, x₊) ≥ √(1 − ζ1) implies z in S₊, and likewise for x₋; ζ2 such that cos(w_j(0), x_−σ) <
√(1 − ζ2) for every neuron; ξ such that |cos(x, x′)| ≤ √(1 − ξ) for x in K and x′ outside S₊ and S₋.

(1) The largest ξ is μ², for the largest μ. The ζ1 allowed are those below the least of cos²(x₊, x_i) and
cos²(x₋, x_i), which is at least μ². So with ζ = min{ζ1, ζ2} the best min{ζ, ξ} is min{ζ2, μ²}, and t1 =
16 ln n/(min{ζ2, μ²} √μ X_min) is at least 16 ln n/(μ^(5/2) X_min): it is O(log n/√μ) for one set of data,
but not uniformly in μ.

(2) Lemma 3. If ε ≤ 1/(4 √h X_max W_max²), then for t ≤ ln(1/(√h ε))/(4 n X_max),

|w_j|² ≤ ε W_max²/√h for all j, and |f(x_i)| ≤ ε √h X_max W_max² for all i.

The paper has twice these bounds.

(3) Lemma 4. As long as all |f(x_i)| ≤ F ≤ 1, the direction u = w/|w| of a balanced neuron has |u′ − σ P
x_a| ≤ (e − 1) n X_max F, where x_a is the sum of the z_i that are on, P removes the component along w,
and e − 1 = 1.718… The paper has 2 for e − 1.

(4) Dwell. Let a neuron with n_a > 0 data on be outside S₊ and S₋, or in S_−σ with cos(w, x_−σ) ≤ √(1 −
ζ), and let M = min{ζ, ξ} √μ X_min. Its cosine c with σ x_a grows at the rate M n_a − 2 n X_max F at
least, while the pattern lasts. With the paper's Lemma 3, F = 2 ε √h X_max W_max²; if ε ≤ M/(C √h n X_max²
W_max²) the second term, up to the time of Lemma 3 (the paper's second bound on ε makes t1 no later), is
up to (4/C) M: with C = 4, as printed, nothing is left for n_a = 1; with C = 8 the pattern lasts at most
4/(M n_a), the paper's bound. With (2) in place of it C = 4 is enough. In the limit ε → 0 the pattern
lasts at most 2 acosh(1/√min{ζ, ξ})/(√μ X_min n_a).

(5) ζ = max{ζ1, ζ2}, as printed, does not do. Let z_1, z_2 be unit vectors with the cosine μ, y = (−1, 1),
and w(0) at the angle φ from −z_1, on for the first datum, off for the second and turned away from z_2, v
> 0. In the limit ε → 0 the neuron is in S₋ until acosh(1/sin φ), when it dies. ζ1 = ξ = μ² and ζ2 = sin²
φ. For φ small, max{ζ1, ζ2} = μ² and the time exceeds 16 ln 2/μ^(5/2), and any other number that does not
depend on φ.

(6) For n = 1 the paper's t1 is 0, which is not so in (4) (c) of derivation 23: n ≥ 2 has to be asked for.
"""

HYPOTHESES = (
    "Those of derivations 22 and 23; balanced neurons.",
    "In (1) n ≥ 2, or μ = 1.",
    "The sum of the exponential or of the logistic loss (with its factor 2).",
)

PROOF = """
(1) Let x be in K and |x| = |x′| = 1. By derivation 23, (1), the cosine of x with any z_i is at least μ.
Not in S₊: x′ has a margin m_i ≤ 0; not in S₋: some m_k ≥ 0. Split x and x′ along z_i and orthogonal to
it: x·x′ ≤ √(1 − μ²), as there; and −x·x′ likewise with z_k. Conversely let z_i, z_k have the cosine μ <
1, and |z_i| = |z_k| = 1. x = z_k and x′ = z_k − (μ + a) z_i with a small a > 0 have m_i = −a and m_k > 0
(checked): x′ is outside S₊ and S₋, and the cosine tends to √(1 − μ²). For ζ1 let γ = |cos(x₊, x_i)|,
which is the sine of the angle between x₊ and the wall of x_i, where the sign of z·x_i changes. In the
plane of x₊ and x_i, z at the angle of cosine c from x₊, towards the wall, has cγ − √(1 − c²) √(1 − γ²) as
its cosine with ± x_i, which is > 0 iff c² > 1 − γ² (checked); other z of this cosine have more. x₊ is in
K up to its sign for x₋, so γ ≥ μ.

(2) As long as |w_j|² ≤ 2 ε W_max²/√h for all j, |f(x_i)| ≤ h X_max max|w_j|² ≤ 2 ε √h X_max W_max² ≤ 1/2,
so κ ≤ exp(1/2) < 2 and (|w_j|²)′ = 2 v w·G ≤ 4 n X_max |w_j|². So |w_j|² ≤ ε² W_max² exp(4 n X_max t) ≤ ε
W_max²/√h in the given time (checked): the assumption is never about to fail. Then |f| ≤ h X_max ε
W_max²/√h.

(3) u′ = σ P G (derivation 22), so the difference is at most Σ |κ_i − 1| |x_i|; exp(−|f|) ≤ κ ≤ exp(|f|)
(derivation 23), 1 − exp(−F) ≤ exp(F) − 1, and exp(F) − 1 ≤ (e − 1) F on [0, 1], by convexity.

(4) c′ = |x_a| (1 − c²) in the limit; Lemma 4 bounds the difference. |x_a| ≥ √μ X_min n_a (derivation 23).
x_a is in K for σ = 1: outside S₊ and S₋ 1 − c² ≥ ξ by (1), in S_−σ 1 − c² ≥ min{ζ, ξ} while −√(1 − ζ) ≤ c
and as long as some margin is ≤ 0 for σ = 1 (of the other sign for σ = −1). The rest is arithmetic
(checked): c grows by at most 2. In the limit atanh c grows at the rate |x_a| (derivation 22, (2)) between
−atanh and atanh of √(1 − min{ζ, ξ}), and atanh √(1 − a²) = acosh(1/a) (checked).

(5) m_2 = μ m_1 − sin φ √(1 − μ²) < 0 while m_1 ≤ 0 (checked), so the second datum stays off. m_1 is 0 at
the stated time by derivation 23, (4) (c). The cosines of x₊ = z_2 and x₋ = −z_1 with the data are ± 1 and
± μ. cos(w(0), x₋) = cos φ. Where the limit flow has no crossing up to some time, so have the flows with
small ε, as they tend to it.

(6) 16 ln 1 = 0.
"""

PROVED_BY = (
    (
        "(1)",
        ("m_i = −a", "m_k > 0 for a → 0", "cos² tends to 1 − μ²", "(cγ)² against (1 − c²)(1 − γ²)"),
        "the upper bound on the cosine, as in derivation 23 (1), and other z of one cosine",
    ),
    (
        "(2)",
        (
            "|f| ≤ 1/2 at the largest ε",
            "exp(1/2) < 2",
            "|w|² at the end",
            "half of what was assumed",
            "|f| at the end",
        ),
        "the growth of |w_j|², and that what is assumed is never about to fail",
    ),
    (
        "(3)",
        ("convex", "its ends", "e − 1 < 2", "1 − exp(−F) ≤ exp(F) − 1"),
        "u′ = σ P G, and the triangle inequality",
    ),
    (
        "(4)",
        (
            "the paper's error term",
            "C = 4: nothing is left of M",
            "C = 8: half",
            "with (2), C = 4: half",
            "M n_a − M/2 ≥ M n_a/2",
            "2/(M n_a/2)",
            "tanh = √(1 − a²)",
        ),
        "c′ = |x_a| (1 − c²), with (3) for what is not the limit, and 1 − c² ≥ min{ζ, ξ} while the pattern "
        "lasts",
    ),
    (
        "(5)",
        (
            "|w(0)| = 1",
            "m_2 = μ m_1 − sin φ √(1 − μ²)",
            "which is < 0 where m_1 = 0",
            "the first datum is on, w(0)·x_1 = cos φ",
        ),
        "the time, from derivation 23 (4), the values of ζ1, ζ2 and ξ, and small ε",
    ),
    ("(6)", (), "16 ln 1 = 0"),
)

NOT_CLAIMED = (
    "That the paper's Theorem 1 is false with the printed 4 in place of 8: only that the proof by (4) with "
    "the paper's Lemma 3 needs 8; with (2) it does not.",
    "The paper's own choices of ζ1, ζ2 and ξ: (1) takes the largest, which give its best bounds.",
    "That 16 in t1 is best.",
)

RELATED = (
    "Min, Mallada and Vidal (arXiv 2307.12851), Theorem 1 and Lemmas 3 and 4: what is proved anew here.",
)


def prove(proof: Proof) -> None:
    prove_angles(proof)
    prove_lemma3(proof)
    prove_lemma4(proof)
    prove_dwell(proof)
    prove_counterexample(proof)


def prove_angles(proof: Proof) -> None:
    """Prove that the bound of ξ is approached, and the cap of ζ1; μ = 1/(1 + m)."""
    mu, a = 1 / (1 + m), sympy.Symbol("a", nonnegative=True)
    # Coordinates along z_i and orthogonal to it.
    first = sympy.Matrix([ONE, ZERO])
    second = sympy.Matrix([mu, sympy.sqrt(1 - mu**2)])
    outside = second - (mu + a) * first
    proof.equal("m_i = −a", outside.dot(first), -a)
    proof.holds(
        "m_k > 0 for a → 0", bool(sympy.factor(sympy.simplify(outside.dot(second)).subs(a, 0)).is_positive)
    )
    limit = outside.subs(a, 0)
    squared = sympy.simplify(limit.dot(second) ** 2 / limit.dot(limit))
    proof.equal("cos² tends to 1 − μ²", squared, 1 - mu**2)
    c, g = sympy.symbols("c gamma", positive=True)
    proof.equal("(cγ)² against (1 − c²)(1 − γ²)", (c * g) ** 2 - (1 - c**2) * (1 - g**2), c**2 - (1 - g**2))


def prove_lemma3(proof: Proof) -> None:
    """Prove the arithmetic of Lemma 3; r stands for √h."""
    r = sympy.Symbol("r", positive=True)
    assumed = 2 * eps * W**2 / r
    allowed = {eps: 1 / (4 * r * X * W**2)}
    proof.equal("|f| ≤ 1/2 at the largest ε", (r**2 * X * assumed).subs(allowed), HALF)
    proof.holds("exp(1/2) < 2", bool(sympy.exp(HALF) < 2))
    # exp(4 n X_max T) = 1/(√h ε).
    grown = eps**2 * W**2 / (r * eps)
    proof.equal("|w|² at the end", grown, eps * W**2 / r)
    proof.equal("half of what was assumed", grown / assumed, HALF)
    proof.equal("|f| at the end", r**2 * X * grown, eps * r * X * W**2)


def prove_lemma4(proof: Proof) -> None:
    """Prove that exp(F) − 1 is convex with the values 0 and e − 1 at the ends, and that this is below 2."""
    F = sympy.Symbol("F", positive=True)
    value = sympy.exp(F) - 1
    proof.holds("convex", bool(value.diff(F, 2).is_positive))
    proof.holds("its ends", value.subs(F, 0) == 0 and value.subs(F, 1) == sympy.E - 1)
    proof.holds("e − 1 < 2", bool(sympy.E - 1 < 2))
    # exp(F) − 1 − (1 − exp(−F)) = (1 − T)²/T with T = exp(F).
    T = sympy.Symbol("T", positive=True)
    proof.equal("1 − exp(−F) ≤ exp(F) − 1", (T - 1) - (1 - 1 / T), (T - 1) ** 2 / T)


def prove_dwell(proof: Proof) -> None:
    """Prove what is left of the rate of the cosine, and the limit's dwell time."""
    r, M, C = sympy.symbols("r M C", positive=True)
    scale = M / (C * r * n * X**2 * W**2)

    def error(output: Expr) -> Expr:
        return 2 * n * X * output.subs(eps, scale)

    paper, ours = 2 * eps * r * X * W**2, eps * r * X * W**2
    proof.equal("the paper's error term", error(paper), 4 * M / C)
    proof.equal("C = 4: nothing is left of M", M - error(paper).subs(C, 4), ZERO)
    proof.equal("C = 8: half", M - error(paper).subs(C, 8), M / 2)
    proof.equal("with (2), C = 4: half", M - error(ours).subs(C, 4), M / 2)
    more = sympy.Symbol("more", nonnegative=True)
    active = 1 + more
    proof.holds(
        "M n_a − M/2 ≥ M n_a/2", bool(sympy.expand(M * active - M / 2 - M * active / 2).is_nonnegative)
    )
    proof.equal("2/(M n_a/2)", 2 / (M * active / 2), 4 / (M * active))
    # tanh x = √(1 − a²) where cosh x = 1/a.
    a = 1 / (1 + m)
    cosh, sinh = 1 / a, sympy.sqrt(1 - a**2) / a
    proof.holds("cosh² − sinh² = 1", sympy.simplify(cosh**2 - sinh**2 - 1) == 0)
    proof.holds("tanh = √(1 − a²)", sympy.simplify(sinh / cosh - sympy.sqrt(1 - a**2)) == 0)


def prove_counterexample(proof: Proof) -> None:
    """Prove the margin of the second datum in (5), and the angles."""
    mu, turn = 1 / (1 + m), sympy.Symbol("q", positive=True)
    # Coordinates along z_1 and orthogonal to it; cos φ = 1/√(1 + q²), sin φ = q/√(1 + q²).
    cosine, sine = 1 / sympy.sqrt(1 + turn**2), turn / sympy.sqrt(1 + turn**2)
    second = sympy.Matrix([mu, sympy.sqrt(1 - mu**2)])
    start = sympy.Matrix([-cosine, -sine])
    proof.holds("|w(0)| = 1", sympy.simplify(start.dot(start) - 1) == 0)
    grown = sympy.Symbol("grown", real=True)
    later = start + sympy.Matrix([grown, ZERO])
    stated = mu * later[0] - sine * sympy.sqrt(1 - mu**2)
    proof.holds("m_2 = μ m_1 − sin φ √(1 − μ²)", sympy.simplify(second.dot(later) - stated) == 0)
    off = sine * sympy.sqrt((m**2 + 2 * m) / (1 + m) ** 2)
    proof.holds(
        "which is < 0 where m_1 = 0",
        sympy.simplify(stated.subs(grown, cosine) + off) == 0 and bool(off.is_positive),
    )
    proof.holds("the first datum is on, w(0)·x_1 = cos φ", bool(cosine.is_positive))


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return ξ, the paper's time with it, and Lemma 3."""
    xi, mu, t1, least, smaller, square, output = sympy.symbols("xi mu t_1 X_min m B_w B_f")
    return (
        ("The angle to all walls", sympy.Eq(xi, mu**2)),
        (
            "The paper's time, m = min{ζ2, μ²}",
            sympy.Eq(t1, 16 * sympy.log(n) / (smaller * sympy.sqrt(mu) * least)),
        ),
        ("Bound of the squared norms up to T", sympy.Eq(square, eps * W**2 / sympy.sqrt(h))),
        ("Bound of the outputs up to T", sympy.Eq(output, eps * sympy.sqrt(h) * X * W**2)),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
