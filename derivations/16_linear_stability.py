"""At which rates a global minimum is stable, and which of the minima a given rate can stay at.

Gradient descent stays where the sharpness is below 2/η, momentum where the preconditioned one is below a
larger limit. Along the family of minima the sharpness is a convex function of w1².
"""

from __future__ import annotations

import sympy

from gradflow.proofs import integrals
from gradflow.proofs.cells import (
    DEAD,
    DEFAULT,
    RISING,
    Cell,
    Expr,
    Kind,
    Place,
    Wall,
    b1,
    b2,
    bt1,
    bt2,
    crossing_walls,
    hi,
    lo,
    q,
    w1,
    w2,
    wt1,
    wt2,
)
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

beta, eta, lam, z = sympy.symbols("beta eta lambda z", real=True)
a, w = sympy.symbols("a w", positive=True)
k = sympy.Symbol("k", real=True)
ZERO, ONE = sympy.Integer(0), sympy.Integer(1)

# λ_max(a) of the default problem is the largest root λ of this polynomial.
DEFAULT_POLYNOMIAL = (
    12 * a**2 * lam**3
    - (4 * a**3 + 24 * a**2 + 16 * a) * lam**2
    + (5 * a**3 + a**2 + 17 * a + 1) * lam
    - a**2
    - 1
)

STATUS = "proved"
STATEMENT = """
Let s₋ ≠ s₊, let the teacher have w1ᵀ, w2ᵀ ≠ 0 and its breakpoint q inside the input, k = w1ᵀ w2ᵀ and σ
the sign of w1ᵀ. The points θ(w) = (σ w, −q σ w, k/(σ w), b2ᵀ), w > 0, are global minima, L = 0. Let s(x)
be the slope of φ at w1ᵀ (x − q), and M the matrix E[u uᵀ] of the functions u = (s(x) (x − q), s(x), 1).

(1) With w1 = σ w, w2 = k/(σ w) and T the matrix with the rows (w2, q w2, 0), (0, w2, 0), (w1, 0, 0), (0,
0, 1), the Hessian of L at θ(w) is H(w) = 2 T M Tᵀ. It has the rank 3; its kernel is the direction (w1,
b1, −w2, 0) along the family. Its eigenvalues other than 0 are those of 2 M G(w²), where G(a) = Tᵀ T has
the rows (a + k²/a, q k²/a, 0), (q k²/a, (1 + q²) k²/a, 0), (0, 0, 1). With S = diag(1/w, 1/w, w, 1), H(w)
= S H(1) S. Let λ_max(w) be the largest eigenvalue, the sharpness.

(2) Gradient descent of rate η. If η λ_max(w) > 2, θ(w) is not stable: there is a neighbourhood of it that
GD leaves from starts as close to θ(w) as you like. If 0 < η λ_max(w) < 2, every neighbourhood of θ(w)
contains another one, from every start in which GD converges to a global minimum without leaving the
first, while the loss falls at least geometrically.

(3) Momentum with a constant preconditioner: m ← β m + (1 − β) ∇L, θ ← θ − η D⁻¹ m, D diagonal and
positive, 0 ≤ β < 1. Let λ be the largest eigenvalue of B = D^(−1/2) H(w) D^(−1/2). Linearised at (θ(w),
0), it has the multiplier 1 once, along the family. All others are less than 1 in modulus iff η λ < (2 + 2
β)/(1 − β), that is 38 for β = 0.9. If η λ is larger, one of them is real and less than −1, and θ(w) is
not stable. For the heavy ball in the form m ← μ m + ∇L, θ ← θ − η m, the limit is η λ_max < 2 + 2 μ.

(4) As a function of a = w², λ_max is convex, tends to ∞ for a → 0 and a → ∞, and has its least value at
one point only. So the minima with λ_max ≤ 2/η form an interval w₋ ≤ w ≤ w₊, one point, or are none; none
for η ≥ 1, because λ_max > 2. By (2), GD of rate η is stable at the inner points of the interval and not
stable at the minima outside it.

(5) For the default problem, λ_max is the largest root λ of the polynomial given below, with a = w². Its
least value over the family is the only root in [2, 4] of 7488 λ^10 − 44352 λ^9 + 82676 λ^8 − 36328 λ^7 −
48308 λ^6 + 51872 λ^5 − 12376 λ^4 − 848 λ³ + 208 λ² + 4 λ − 1, which is 2.747183…, and is attained at a w
in (1.4473, 1.4493). These are all the global minima (derivation 9): for η > 0.728019 none is stable. At
the point with w1 = w2 = 1, λ_max = 3.023391… and 2/λ_max = 0.661509…; so the flattest minimum is not the
one with w1 = w2.
"""

HYPOTHESES = (
    "Those of the loss (derivation 1), for the population; s₋ ≠ s₊ are the slopes of student and teacher.",
    "The breakpoint q = −b1ᵀ/w1ᵀ satisfies lo < q < hi, and w1ᵀ, w2ᵀ ≠ 0.",
    "Stable is meant in the sense of Lyapunov: starts close enough stay as close as wanted.",
    "Exact arithmetic.",
    "In (3) D does not change. Adam's D = √(v/(1 − β2^j)) + ε does; it is then called frozen.",
)

PROOF = """
(1) f = f* at θ(w), because φ(c z) = c φ(z) for c > 0. There r = 0, so in the Hessian (derivation 3) the
curvature term and the point mass are 0 and 2 E[∂f ∂fᵀ] is left. ∂f = (w2 s x, w2 s, w1 s (x − q), 1) = T
u, with w1 = σ w and w2 = k/(σ w). The script compares 2 T M Tᵀ, M from its defining integrals, with the
closed form of the Hessian, for w1ᵀ of both signs and on both sides of p = q. The functions u are
independent: if c₁ s (x − q) + c₂ s + c₃ = 0 then c₁ s = 0 and c₂ s + c₃ = 0 for s = s₋ and s = s₊, one of
which is not 0, so c₁ = 0, c₂ (s₊ − s₋) = 0 and c₃ = 0. So M is positive definite. T has the rank 3, as w2
≠ 0, and Tᵀ annihilates (w1, −q w1, −w2, 0). So H has the rank 3 and this kernel. T (2 M Tᵀ) and (2 M Tᵀ)
T have the same eigenvalues other than 0. T is S times its value at w = 1.

L has continuous second derivatives near θ(w): all terms of the Hessian of a balanced student are
continuous at p = q (the script checks that the Hessians on both sides of this wall agree on it, with any
residual), and elsewhere there is no wall nearby.

(2) Lemma. If a map F is differentiable at its fixed point 0 and F′(0) has an eigenvalue of modulus > 1,
then 0 is not stable. Split the space into the invariant subspaces of the eigenvalues of modulus > 1 and ≤
1, with norms adapted to F′(0) so that |F′ξ| ≥ ρ |ξ| on the first, |F′ψ| ≤ (1 + δ) |ψ| on the second, ρ >
1, δ > 0 as small as wanted. Near 0 the rest F − F′(0) is at most δ (|ξ| + |ψ|) in each component. In the
cone |ψ| ≤ |ξ|, |ξ| grows to at least (ρ − 2 δ) |ξ| and |ψ| to at most (1 + 3 δ) |ξ|; if 5 δ ≤ (ρ − 1)/2
the image is in the cone again and |ξ| grows at least by the factor (1 + ρ)/2, until the neighbourhood is
left. For GD F′ = I − η H with the eigenvalue 1 − η λ_max < −1.

Let now η λ_max < 2. Take Λ > λ_max with η Λ < 2, and a ball around θ(w) in which the Hessian's
eigenvalues are at most Λ in modulus. Near θ(w) the points with L = 0 are the curve of the θ(w), and H has
the rank 3 = 4 − 1 along it (Morse–Bott). For θ near it let π be its nearest point on the curve and d = θ
− π, orthogonal to the kernel: ∇L = H d + o(|d|) and L = d · Hd/2 + o(|d|²), uniformly, so |∇L|² ≥ c L
with some c > 0 in a smaller ball. As long as θ is in that ball and the step stays in the first, Taylor's
formula gives L(θ − η ∇L) ≤ L − η (1 − η Λ/2) |∇L|² ≤ (1 − c′) L, with 0 < c′ < 1 (not larger, because L ≥
0). Also |∇L|² ≤ C L. So the steps η |∇L| ≤ η √(C L) are at most a geometric series, whose sum is a
constant times the root of the loss at the start. From starts close enough to θ(w) the iterates never
leave the ball, converge, and L → 0.

(3) With y = D^(1/2) (θ − θ(w)) and n = D^(−1/2) m the linearised step is n ← β n + (1 − β) B y, y ← y − η
n, which splits along the eigenvectors of the symmetric B. For an eigenvalue λ the block has the
characteristic polynomial χ(z) = z² − (1 + β − (1 − β) η λ) z + β. B has the rank 3; for λ = 0 the roots
are 1 and β. For λ > 0, χ(1) = (1 − β) η λ > 0 and χ(−1) = 2 + 2 β − (1 − β) η λ. If χ(−1) > 0, both roots
are inside the unit circle: if they are not real their modulus is √β, and if they are real and one is ≥ 1
or ≤ −1 then so is the other, since χ(1), χ(−1) > 0, but their product is β < 1. If χ(−1) < 0, a root is
less than −1, and the lemma applies. χ(−1) falls with λ, so the largest eigenvalue decides. The heavy
ball's m is that of (3) over 1 − β, and its rate η stands for η (1 − β).

(4) λ_max = 2 λ_max(R G(a) R) with R the root of M, because M G and R G R have the same eigenvalues. For a
fixed vector y and e = R y, y · R G R y = a e₁² + (k²/a) ((e₁ + q e₂)² + e₂²) + e₃² (checked) is convex in
a > 0, and λ_max is twice the largest of these over |y| = 1: convex. λ_max ≥ 2 a M₁₁ and ≥ 2 (k²/a) M₂₂,
the second derivatives for w2 and b1, so it tends to ∞ at both ends. A convex function has its least value
on an interval. If this had more than one point, take a inside it and y where the largest value at a is
attained: the function of y is at most the constant λ_max/2 on the interval and equal to it at a, and
convex: it is constant. So e₁ = 0 and (e₁ + q e₂)² + e₂² = 0, hence e = (0, 0, e₃). As y is an
eigenvector, M G e = (λ_max/2) e, that is, M (0, 0, 1)ᵀ is a multiple of (0, 0, 1)ᵀ: E[s (x − q)] = 0 =
E[s]. With the lengths l = q − lo and h = hi − q and the slopes s_l, s_h on the two sides of q these are
(s_h h² − s_l l²)/2 and s_l l + s_h h, over hi − lo. If both vanish, s_l and s_h are of the same sign and
of opposite signs, or 0: both are 0, which s₋ ≠ s₊ excludes. λ_max ≥ 2 = H_b2,b2 with equality only if H
(0, 0, 0, 1)ᵀ is a multiple of (0, 0, 0, 1)ᵀ, which is excluded in the same way.

(5) The script computes M and det(λ − 2 M G(a)). λ_max has its least value where P = 0 and ∂P/∂a = 0, P
this polynomial: a simple eigenvalue is differentiable with the derivative 0 there, and at a multiple one
∂P/∂a = 0 too, because P is a product of factors λ − λᵢ(a) that may be chosen differentiable (Rellich). So
it is a root of the resultant, whose factors are λ, 4 λ − 5 and the stated polynomial. It lies in [2, 4],
where only one root of these is; Sturm sequences count them. λ_max(a) < c says that P(λ, a) has no root λ
≥ c: so counting shows that λ_max is larger at w = 1.4473 and w = 1.4493 than at a point between them, and
convexity puts the minimum there.
"""

PROVED_BY = (
    (
        "(1)",
        (
            "the Hessian is the same on both sides of p = q",
            "at f = f* the Hessian is 2 T M Tᵀ",
            "Tᵀ annihilates the direction along the family",
            "a minor of order 3 of T is w2²",
            "Tᵀ T is G",
            "T is S times its value at w = 1",
        ),
        "M is positive definite, as the functions u are independent; ranks and eigenvalues of products",
    ),
    (
        "(2)",
        (),
        "the lemma on fixed points that are not stable, Taylor's formula with a bound on the Hessian, |∇L|² "
        "≥ c L near the minima, and a geometric series of steps",
    ),
    (
        "(3)",
        (
            "the block is the step",
            "its characteristic polynomial",
            "χ(1)",
            "χ(−1)",
            "λ = 0: the roots are 1 and β",
            "38 for β = 0.9",
            "the heavy ball is (3) with the rate η/(1 − μ)",
        ),
        "where the roots are, from the values at ±1 and their product, and the lemma of (2)",
    ),
    (
        "(4)",
        ("the quadratic form of G", "its second derivative in a is ≥ 0", "E[s] and E[s (x − q)]"),
        "the largest of convex functions is convex, its growth at both ends, and why it is least at one "
        "point only",
    ),
    (
        "(5)",
        (
            "default: det(λ − 2 M G) is P/(12 a²)",
            "the resultant is λ (4 λ − 5) times the stated polynomial",
            "one root in [2, 4]",
            "which is 2.747183…",
            "λ_max < 2.7471843 at w = 1.4483",
            "λ_max > 2.7471843 at w = 1.4473 and w = 1.4493",
            "at w = 1, λ_max = 3.02339…",
        ),
        "∂P/∂a = 0 at the least value, and convexity, which puts it between the two w",
    ),
)

NOT_CLAIMED = (
    "Where GD goes after it has left a minimum; that no start at all converges to one that is not stable.",
    "The case η λ_max = 2.",
    "Convergence of momentum, beyond the linearised step, and anything about Adam while its D changes.",
    "Samples, teachers without a breakpoint inside the input, and the minima that are not global.",
)

RELATED = (
    "Qiao et al. (arXiv 2406.06838): a lower bound on λ_max at the minima that gradient descent can hold. "
    "For one neuron and the default problem it gives η ≤ 0.7815, where (5) has 0.7280.",
    "Cohen et al. (arXiv 2410.24206): gradient descent and adaptive methods at the edge of stability, and "
    "their central flows.",
)


def prove(proof: Proof) -> None:
    for wall in crossing_walls():
        if wall.inner.student == wall.inner.teacher:
            prove_hessian(proof, wall)
    prove_momentum(proof)
    prove_convexity(proof)
    prove_default(proof)


def factor_matrix(weight: Expr, output: Expr) -> Expr:
    """Return T for w1 and w2."""
    rows = [[output, q * output, ZERO], [ZERO, output, ZERO], [weight, ZERO, ZERO], [ZERO, ZERO, ONE]]
    return sympy.Matrix(rows)


def gram_matrix(proof: Proof, kind: Kind) -> Expr:
    """Return M, from its integrals, for a teacher of the given kind."""
    cell = Cell(DEAD, kind, (lo, q, hi))

    def entry(i: int, j: int) -> Expr:
        # Both factors but the last have a slope; the first has x − q.
        slopes, shifts = (sum(int(n <= last) for n in (i, j)) for last in (1, 0))
        return proof.mean(cell, lambda piece, at: piece.teacher**slopes * (at - q) ** shifts)

    return sympy.Matrix([[entry(i, j) for j in range(3)] for i in range(3)])


def prove_hessian(proof: Proof, wall: Wall) -> None:
    """Prove the Hessian at a global minimum, and that it is continuous there."""
    nonzero = {symbol: sympy.Symbol(f"nonzero_{symbol}", nonzero=True) for symbol in (w2, wt2)}
    place = Place(wall.place.name, wall.place.compact, wall.place.signs | nonzero)
    inner, outer = integrals.hessian(wall.inner), integrals.hessian(wall.outer)
    proof.equal("the Hessian is the same on both sides of p = q", inner, outer, place)
    # The teacher through the student's parameters; both breakpoints are q.
    minimum = {wt1: w1 * w2 / wt2, bt1: -q * w1 * w2 / wt2, bt2: b2, b1: -q * w1}
    gram, T = gram_matrix(proof, wall.inner.teacher), factor_matrix(w1, w2)
    stated = 2 * T * gram * T.T
    for hessian in (inner, outer):
        found = hessian.applyfunc(lambda entry: entry.xreplace({b1: -q * w1}).xreplace(minimum))
        proof.equal("at f = f* the Hessian is 2 T M Tᵀ", found, stated, place)
    along = sympy.Matrix([w1, -q * w1, -w2, ZERO])
    proof.equal("Tᵀ annihilates the direction along the family", T.T * along, sympy.zeros(3, 1))
    proof.equal("a minor of order 3 of T is w2²", abs(T.extract([0, 1, 3], [0, 1, 2]).det()), w2**2)
    stated_product = sympy.Matrix(
        [[w1**2 + w2**2, q * w2**2, ZERO], [q * w2**2, (1 + q**2) * w2**2, ZERO], [ZERO, ZERO, ONE]]
    )
    proof.equal("Tᵀ T is G", T.T * T, stated_product)
    scale = sympy.diag(1 / w, 1 / w, w, 1)
    proof.equal("T is S times its value at w = 1", factor_matrix(w * w1, w2 / w), scale * T)


def prove_momentum(proof: Proof) -> None:
    """Prove the characteristic polynomial of a block, and its values at ±1."""
    pull = (1 - beta) * lam
    # The step of (y, n) along an eigenvector.
    block = sympy.Matrix([[1 - eta * pull, -eta * beta], [pull, beta]])
    y, n = sympy.symbols("y n", real=True)
    new = beta * n + pull * y
    proof.equal("the block is the step", block * sympy.Matrix([y, n]), sympy.Matrix([y - eta * new, new]))
    polynomial = z**2 - (1 + beta - eta * pull) * z + beta
    proof.equal("its characteristic polynomial", (z * sympy.eye(2) - block).det(), polynomial)
    proof.equal("χ(1)", polynomial.subs(z, 1), eta * pull)
    proof.equal("χ(−1)", polynomial.subs(z, -1), 2 + 2 * beta - eta * pull)
    proof.equal("λ = 0: the roots are 1 and β", polynomial.subs(lam, 0), (z - 1) * (z - beta))
    limit = (2 + 2 * beta) / (1 - beta)
    proof.equal("χ(−1) = 0 at the limit", (2 + 2 * beta - eta * pull).subs(eta, limit / lam).cancel(), ZERO)
    proof.equal("38 for β = 0.9", limit.subs(beta, sympy.Rational(9, 10)), sympy.Integer(38))
    mu = sympy.Symbol("mu", real=True)
    torch = z**2 - (1 + mu - eta * lam) * z + mu
    proof.equal(
        "the heavy ball is (3) with the rate η/(1 − μ)",
        torch,
        polynomial.subs(eta, eta / (1 - beta)).subs(beta, mu),
    )


def prove_convexity(proof: Proof) -> None:
    """Prove the quadratic form of G, and what would make it constant in a."""
    e = sympy.Matrix(sympy.symbols("e_1 e_2 e_3", real=True))
    G = general_product()
    form = a * e[0] ** 2 + k**2 / a * ((e[0] + q * e[1]) ** 2 + e[1] ** 2) + e[2] ** 2
    place = Place("", {}, {k: sympy.Symbol("nonzero_k", nonzero=True)})
    proof.equal("the quadratic form of G", (e.T * G * e)[0], form, place)
    second = 2 * k**2 / a**3 * ((e[0] + q * e[1]) ** 2 + e[1] ** 2)
    proof.equal("its second derivative in a is ≥ 0", form.diff(a, 2), second, place)
    for cell in (Cell(DEAD, kind, (lo, q, hi)) for kind in (RISING, Kind("balanced", -1))):
        slope = proof.mean(cell, lambda piece, at: piece.teacher)
        moment = proof.mean(cell, lambda piece, at: piece.teacher * (at - q))
        left, right = (cell.pieces[i].teacher for i in (0, 1))
        stated = [
            (left * (q - lo) + right * (hi - q)) / (hi - lo),
            (right * (hi - q) ** 2 - left * (q - lo) ** 2) / (2 * (hi - lo)),
        ]
        proof.equal("E[s] and E[s (x − q)]", [slope, moment], stated, cell.place)


def general_product() -> Expr:
    """Return G(a) for w1² = a and w2² = k²/a."""
    c = k**2 / a
    return sympy.Matrix([[a + c, q * c, ZERO], [q * c, (1 + q**2) * c, ZERO], [ZERO, ZERO, ONE]])


def prove_default(proof: Proof) -> None:
    """Prove the numbers of the default problem."""
    at_default = DEFAULT | {q: ZERO}
    gram = gram_matrix(proof, RISING).applyfunc(
        lambda entry: entry.xreplace({bt1: -wt1 * q}).xreplace(at_default)
    )
    G = general_product().xreplace({q: ZERO, k: ONE})
    determinant = (lam * sympy.eye(3) - 2 * gram * G).det()
    proof.equal("default: det(λ − 2 M G) is P/(12 a²)", determinant, DEFAULT_POLYNOMIAL / (12 * a**2))
    resultant = sympy.resultant(DEFAULT_POLYNOMIAL, DEFAULT_POLYNOMIAL.diff(a), a)
    coefficients = (7488, -44352, 82676, -36328, -48308, 51872, -12376, -848, 208, 4, -1)
    least = sympy.Poly(coefficients, lam)
    quotient, rest = sympy.div(sympy.Poly(resultant, lam), least * sympy.Poly(lam * (4 * lam - 5), lam))
    proof.holds(
        "the resultant is λ (4 λ − 5) times the stated polynomial", rest.is_zero and quotient.degree() == 0
    )
    proof.holds("one root in [2, 4]", least.count_roots(2, 4) == 1)
    rational = sympy.Rational
    low, high = rational(2747183, 10**6), rational(2747184, 10**6)
    proof.holds("which is 2.747183…", least.count_roots(low, high) == 1)
    proof.holds("2 over it is less than 0.728019", 2 / low < rational(728019, 10**6))

    def above(width: Expr, level: Expr) -> bool:
        polynomial = sympy.Poly(DEFAULT_POLYNOMIAL.subs(a, width**2), lam)
        return int(polynomial.count_roots(level, None)) > 0

    level = rational(27471843, 10**7)
    proof.holds("λ_max < 2.7471843 at w = 1.4483", not above(rational(14483, 10**4), level))
    for width in (rational(14473, 10**4), rational(14493, 10**4)):
        proof.holds("λ_max > 2.7471843 at w = 1.4473 and w = 1.4493", above(width, level))
    for bound, larger in ((rational(3023390, 10**6), True), (rational(3023392, 10**6), False)):
        proof.holds("at w = 1, λ_max = 3.02339…", above(ONE, bound) is larger)
    proof.holds(
        "2 over it is 0.661509",
        abs(2 / rational(3023391, 10**6) - rational(661509, 10**6)) < rational(1, 10**6),
    )
    proof.holds("λ_max < 4 at w = 1", not above(ONE, sympy.Integer(4)))


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the block's polynomial, the limit and the default problem's polynomial."""
    entry = sympy.Function("chi")(z)
    quadratic = sympy.Symbol("y R G R y")
    e1, e2, e3 = sympy.symbols("e_1 e_2 e_3")
    form = a * e1**2 + k**2 / a * ((e1 + q * e2) ** 2 + e2**2) + e3**2
    return (
        (
            "Momentum along an eigenvector",
            sympy.Eq(entry, z**2 - (1 + beta - (1 - beta) * eta * lam) * z + beta),
        ),
        ("Momentum's limit", sympy.Eq(eta * lam, (2 + 2 * beta) / (1 - beta))),
        ("Convex in a", sympy.Eq(quadratic, form)),
        ("Default problem, the sharpness at w² = a", sympy.Eq(sympy.collect(DEFAULT_POLYNOMIAL, lam), ZERO)),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
