"""A neuron without a kink that is far enough from the walls never gets one: it ends at the best line.

Bounds the path that the flow still has to go; a neuron farther than that from both walls is trapped.
"""

from __future__ import annotations

import sympy

from gradflow.proofs import integrals
from gradflow.proofs.cells import (
    DEAD,
    DEFAULT,
    HYPERACTIVE,
    KINDS,
    LENGTH,
    Expr,
    Kind,
    Place,
    b1,
    b2,
    w1,
    w2,
    x,
)
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main
from gradflow.proofs.teacher import MIDDLE, VARIANCE, moments, straight

s, m, slope, mean, line_loss, y = sympy.symbols("s m a m_f L_line y", real=True)
root_v, W, D, c, sigma = sympy.symbols("root_V W D c sigma", positive=True)
gap = sympy.Symbol("Delta", nonnegative=True)
V = root_v**2
TRACE = V + m**2 + 1
DISCRIMINANT = TRACE**2 - 4 * V

STATUS = "proved"
STATEMENT = """
Let the pre-activation be positive on the whole input (hyperactive; s = s₊) or negative on the whole input
(dead; s = s₋), m = E x, V = Var x > 0, a = Cov(x, f*)/V the slope of the best line and L_line its loss.

(1) With ρ₁ = s w1 w2 − a and ρ₀ = s w2 (m w1 + b1) + b2 − E f* the loss is L = L_line + e, e = V ρ₁² + ρ₀².
Let κ be the smaller eigenvalue of the matrix M with rows (V, m √V) and (m √V, m² + 1), and c = |s| √κ.
Then κ > 0 and |∇L|² ≥ 4 κ (s w2)² e.

(2) Path. Let s ≠ 0, w2 ≠ 0 and w2² ≥ 2 √e/c at t = 0. As long as the solution of dθ/dt = −∇L stays off the
walls, its path is at most ℓ = |w2| − √(w2² − 2 √e/c) long, with w2 and e those at t = 0.

(3) Trap. The walls are the lines w1 lo + b1 = 0 and w1 hi + b1 = 0 of the (w1, b1) plane, at the distances
d_lo = |w1 lo + b1|/√(1 + lo²) and d_hi = |w1 hi + b1|/√(1 + hi²). Let also d_lo > ℓ and d_hi > ℓ at t = 0.
Then the solution exists and stays off the walls for all t ≥ 0; w2 keeps its sign; all these hypotheses hold
again at every later time; the solution converges to a critical point off the walls where e = 0, so that f
is the best line there; and e(t) ≤ e(0) exp(−4 c² (|w2(0)| − ℓ)² t).

(4) All this holds for any distribution of the inputs on [lo, hi] and any teacher for which the moments are
finite: for the population, and for a sample whose smallest and largest input are lo and hi. While the
neuron is off the walls no input of the sample is at the breakpoint, so none crosses it.

(5) For the default problem and a hyperactive neuron κ = 1/3, c = 1/√3, |∇L|² ≥ (4/3) w2² e, ℓ = |w2| −
√(w2² − 2 √(3 e)), and the distances are |b1 − w1|/√2 and |b1 + w1|/√2.
"""

HYPOTHESES = (
    "For the population, those of the loss (derivation 1). In general, L = E[(f − f*)²] and ∇L = 2 E[(f − "
    "f*) ∂f] off the walls, with inputs in [lo, hi], V > 0 and finite E f*².",
    "A solution is a continuously differentiable curve with dθ/dt = −∇L that starts off the walls; only the "
    "gradient off the walls is used.",
    "s is the slope of φ on the side in use and is not 0: for ReLU the trap is for hyperactive neurons.",
    "Moments, distances and ℓ are exact numbers; rounding is not considered.",
)

PROOF = """
The loss. Off the walls f = s w2 (w1 x + b1) + b2 for every input, so L is the expectation of a polynomial of
second degree in x and f*, and only moments enter. With the monomials replaced by moments, L − L_line − e
expands to 0, and 2 E[(f − f*) ∂f] is the derivative of e. Independently, for each of the four kinds of
teacher the closed forms of L and ∇L (derivations 1 and 2) equal L_line + e and the derivative of e, with m
= (lo + hi)/2, V = (hi − lo)²/12 and the teacher's moments from their integrals.

The inequality. Let u = (√V ρ₁, ρ₀), so that e = |u|². Then (∂L/∂w1)² + (∂L/∂b1)² = 4 (s w2)² u · M u. The
matrix M has trace T = V + m² + 1 and determinant V, and Δ² = T² − 4 V = (V − m² − 1)² + 4 m² V ≥ 0. Its
smaller eigenvalue is κ = (T − Δ)/2 = 2 V/(T + Δ) > 0. N = M − κ has trace Δ and determinant 0, so N² = Δ N
and Δ u · N u = |N u|² ≥ 0. If Δ = 0 then m = 0 and V = 1, and N = 0. In either case u · M u ≥ κ e. The
script expands Δ (|∇L|² − 4 κ (s w2)² e) = 4 (s w2)² |N u|² + Δ ((∂L/∂w2)² + (∂L/∂b2)²).

The path. Off the walls ∇L is a polynomial in θ, so solutions are unique, and where e = 0 they rest, because
∇L = 0 there. If e(0) = 0 nothing moves and ℓ = 0. Otherwise e > 0 as long as the solution is off the walls.
Let σ(t) be the length of its path, W = |w2(0)| and g(σ) = W σ − σ²/2. As |dw2/dt| ≤ |∇L| = dσ/dt, |w2(t)| ≥
W − σ(t). From de/dt = −|∇L|² and |∇L| ≥ 2 c |w2| √e follows d√e/dt = −|∇L|²/(2 √e) ≤ −c |w2| dσ/dt ≤ −c (W
− σ) dσ/dt, and after integration √e(t) ≤ √e(0) − c g(σ(t)). Now g(ℓ) = √e(0)/c. If σ reached ℓ, e would be 0
then, which it is not. As σ is continuous and starts at 0, σ(t) < ℓ. In particular |w2(t)| > W − ℓ ≥ 0.

The trap. The pre-activation at an end x changes by at most √(1 + x²) times the change of (w1, b1)
(Lagrange's identity), so both distances stay above d − ℓ > 0, d being the smaller one at t = 0. Suppose that
the solution exists and is off the walls only until some finite time. As its path is finite it has a limit
there, at distances of at least d − ℓ from the walls, and could be continued: a contradiction. So it goes on
for all t ≥ 0, and as its path is finite it converges. The limit is off the walls, and ∇L = 0 there, because
∇L is continuous and the integral of |∇L|² over time is at most e(0). Let σ be the whole path. If σ = ℓ the
bound on √e gives e = 0 in the limit. If σ < ℓ the limit has |w2| ≥ W − σ > 0, and the inequality gives e = 0.

The rate. de/dt ≤ −4 c² w2² e ≤ −4 c² (W − ℓ)² e.

Later times. Let D = √(W² − 2 √e(0)/c), so that ℓ = W − D. After a path σ, |w2|² − 2 √e/c ≥ (W − σ)² − 2
√e(0)/c + 2 g(σ) = D² ≥ 0. As ℓ = (2 √e/c)/(|w2| + √(w2² − 2 √e/c)) grows with e and falls with |w2|, its
later value is at most ((W − σ)² − D²)/(W − σ + D) = ℓ − σ, and the distances are at least d − σ > ℓ − σ.
"""

PROVED_BY = (
    (
        "(1)",
        (
            "any distribution: …",
            "population: …",
            "T² − 4 V = (V − m² − 1)² + 4 m² V",
            "N² = Δ N",
            "m = 0 and V = 1: N = 0",
            "Δ (|∇L|² − 4 κ (s w2)² e) is a sum of squares",
        ),
        "division by Δ > 0, and the case Δ = 0 by itself",
    ),
    (
        "(2)",
        ("d√e/dt = (de/dt)/(2 √e)", "dg/dσ = W − σ", "g(ℓ) = √e/c"),
        "|w2| ≥ W − σ, the integration of d√e ≤ −c (W − σ) dσ along the path, and that ℓ is not reached "
        "because e > 0",
    ),
    (
        "(3)",
        (
            "(1 + x²) (dw² + db²) − dz² = (dw − x db)²",
            "(W − σ)² − 2 √e/c + 2 g(σ) = D²",
            "the later ℓ is at most ℓ − σ",
        ),
        "a solution with a finite path away from the walls goes on and converges, e = 0 in the limit, and "
        "the integration of de/dt",
    ),
    ("(4)", ("any distribution: …",), "the proofs of (1) to (3) use the moments only"),
    ("(5)", ("default problem: …",), "the distances, by substitution"),
)

NOT_CLAIMED = (
    "That the trap is necessary: neurons outside it can end at the best line as well.",
    "Anything for the dead side of ReLU (s = 0; derivation 7 solves it), or for inputs that do not vary.",
    "Anything for gradient descent with a finite rate, for momentum or for Adam.",
    "That a computed ℓ is exact: a neuron whose distance exceeds it by rounding errors only is not covered.",
)


def prove(proof: Proof) -> None:
    prove_moments(proof)
    for kind in KINDS:
        prove_population(proof, kind)
    prove_inequality(proof)
    prove_path(proof)
    prove_walls(proof)
    prove_default(proof)


def residuals() -> tuple[Expr, Expr]:
    """Return ρ₁ and ρ₀."""
    return s * w1 * w2 - slope, s * w2 * (m * w1 + b1) + b2 - mean


def excess() -> Expr:
    """Return e = V ρ₁² + ρ₀²."""
    rho1, rho0 = residuals()
    return V * rho1**2 + rho0**2


def smaller_eigenvalue() -> Expr:
    """Return κ, written with Δ."""
    return (TRACE - gap) / 2


def longest_path(output_weight: Expr, twice: Expr, end: Expr) -> Expr:
    """Return ℓ as it is computed, from |w2|, 2 √e/c and D = √(w2² − 2 √e/c)."""
    return twice / (output_weight + end)


def dot(a: list[Expr], b: list[Expr]) -> Expr:
    """Return the scalar product."""
    return sum((u * v for u, v in zip(a, b, strict=True)), sympy.Integer(0))


def prove_moments(proof: Proof) -> None:
    """Prove L = L_line + e and its gradient for any distribution: only moments of x and y = f* enter."""
    means = {
        (0, 0): sympy.Integer(1),
        (1, 0): m,
        (2, 0): V + m**2,
        (0, 1): mean,
        (1, 1): slope * V + m * mean,
        (0, 2): line_loss + slope**2 * V + mean**2,
    }

    def expectation(polynomial: Expr) -> Expr:
        terms = sympy.Poly(polynomial, x, y).terms()
        return sum((factor * means[powers] for powers, factor in terms), sympy.Integer(0))

    student = s * w2 * (w1 * x + b1) + b2
    proof.equal("any distribution: L = L_line + e", expectation((student - y) ** 2), line_loss + excess())
    best = expectation((slope * (x - m) + mean - y) ** 2)
    proof.equal("any distribution: L_line is the loss of a (x − m) + E f*", best, line_loss)
    gradient = [expectation(2 * (student - y) * entry) for entry in integrals.derivative(student)]
    proof.equal("any distribution: ∇L = ∇e", gradient, integrals.derivative(excess()))
    rest = {slope: s * w1 * w2, mean: s * w2 * (m * w1 + b1) + b2}
    at_rest = [entry.xreplace(rest) for entry in integrals.derivative(excess())]
    proof.equal("∇L = 0 where ρ₁ = ρ₀ = 0", at_rest, [sympy.Integer(0)] * 4)


def prove_population(proof: Proof, kind: Kind) -> None:
    """Prove that the population's closed forms are those of the moments, for one kind of teacher."""
    cell = straight(DEAD, kind)
    teacher = moments(proof, cell)
    spread = proof.mean(cell, lambda _, at: (at - MIDDLE) ** 2)
    proof.equal("population: Var x = (hi − lo)²/12", spread, VARIANCE, cell.place)
    values = {m: MIDDLE, root_v: LENGTH / sympy.sqrt(12), slope: teacher.slope, mean: teacher.mean}
    for activity in (DEAD, HYPERACTIVE):
        cell = straight(activity, kind)
        values[s] = activity.slopes[0]
        form = teacher.line_loss + excess().xreplace(values)
        proof.equal("population: L = L_line + e", integrals.loss(cell), form, cell.place)
        gradient = [entry.xreplace(values) for entry in integrals.derivative(excess())]
        proof.equal("population: ∇L = ∇e", integrals.gradient(cell), gradient, cell.place)


def reduced(expression: Expr) -> Expr:
    """Return a polynomial with Δ² replaced by T² − 4 V, so that it is at most linear in Δ."""
    return sympy.rem(sympy.expand(expression), gap**2 - sympy.expand(DISCRIMINANT), gap)


def prove_inequality(proof: Proof) -> None:
    """Prove the eigenvalue and |∇L|² ≥ 4 κ (s w2)² e, as a sum of squares."""
    zero, kappa = sympy.Integer(0), smaller_eigenvalue()
    rho1, rho0 = residuals()
    u = sympy.Matrix([root_v * rho1, rho0])
    matrix = sympy.Matrix([[V, m * root_v], [m * root_v, m**2 + 1]])
    of_w1, of_b1, of_w2, of_b2 = integrals.derivative(excess())
    proof.equal("e = |u|²", excess(), u.dot(u))
    form = 4 * (s * w2) ** 2 * u.dot(matrix * u)
    proof.equal("(∂L/∂w1)² + (∂L/∂b1)² = 4 (s w2)² u · M u", of_w1**2 + of_b1**2, form)
    proof.equal("M has trace T and determinant V", [matrix.trace(), matrix.det()], [TRACE, V])
    squares = (V - m**2 - 1) ** 2 + 4 * m**2 * V
    proof.equal("T² − 4 V = (V − m² − 1)² + 4 m² V", DISCRIMINANT, squares)
    characteristic = reduced((matrix - kappa * sympy.eye(2)).det())
    proof.equal("det(M − κ) = 0", characteristic, zero)
    proof.equal("κ is the smaller root: T − 2 κ = Δ", TRACE - 2 * kappa, gap)
    proof.equal("κ (T + Δ) = 2 V, so κ = 2 V/(T + Δ)", reduced(kappa * (TRACE + gap) - 2 * V), zero)
    proof.holds("V, T + Δ > 0, so κ > 0", bool(V.is_positive and (TRACE + gap).is_positive))
    n = matrix - kappa * sympy.eye(2)
    proof.equal("N² = Δ N", (n * n - gap * n).applyfunc(reduced), sympy.zeros(2, 2))
    equal_roots = {m: zero, root_v: sympy.Integer(1), gap: zero}
    proof.equal("m = 0 and V = 1: N = 0", n.xreplace(equal_roots), sympy.zeros(2, 2))
    norm = of_w1**2 + of_b1**2 + of_w2**2 + of_b2**2
    squared = n * u
    surplus = gap * (norm - 4 * kappa * (s * w2) ** 2 * excess())
    squares = 4 * (s * w2) ** 2 * squared.dot(squared) + gap * (of_w2**2 + of_b2**2)
    proof.equal("Δ (|∇L|² − 4 κ (s w2)² e) is a sum of squares", reduced(surplus - squares), zero)


def prove_path(proof: Proof) -> None:
    """Prove what is used about g, ℓ and their values at later times."""
    # D stands for √(W² − 2 √e/c), so 2 √e/c = W² − D² and √e = c (W² − D²)/2.
    twice = W**2 - D**2
    path = longest_path(W, twice, D)
    drop = W * sigma - sigma**2 / 2
    at_zero = drop.xreplace({sigma: sympy.Integer(0)})
    proof.equal("g(0) = 0", at_zero, sympy.Integer(0))
    proof.equal("dg/dσ = W − σ", drop.diff(sigma), W - sigma)
    proof.equal("ℓ = (2 √e/c)/(W + D) = W − D", path, W - D)
    proof.equal("g(ℓ) = √e/c", drop.xreplace({sigma: path}), twice / 2)
    later = (W - sigma) ** 2 - (twice - 2 * drop)
    proof.equal("(W − σ)² − 2 √e/c + 2 g(σ) = D²", later, D**2)
    # With W − σ = r > 0: the bound on the later value of ℓ is ℓ − σ.
    r = sympy.Symbol("r", positive=True)
    bound = longest_path(r, (r + sigma) ** 2 - D**2 - 2 * drop.xreplace({W: r + sigma}), D)
    proof.equal("the later ℓ is at most ℓ − σ", bound, (path - sigma).xreplace({W: r + sigma}))
    t, root = sympy.Symbol("t", real=True), sympy.Function("root")
    rate = root(t).diff(t) - (root(t) ** 2).diff(t) / (2 * root(t))
    proof.holds("d√e/dt = (de/dt)/(2 √e)", sympy.expand(rate) == 0)


def prove_walls(proof: Proof) -> None:
    """Prove that the pre-activation at an end x changes by at most √(1 + x²) times the distance moved."""
    end, dw, db = sympy.symbols("end dw db", real=True)
    change = (w1 + dw) * end + (b1 + db) - (w1 * end + b1)
    surplus = (1 + end**2) * (dw**2 + db**2) - change**2
    proof.equal("(1 + x²) (dw² + db²) − dz² = (dw − x db)²", surplus, (dw - end * db) ** 2)


def prove_default(proof: Proof) -> None:
    """Prove the numbers of the default problem."""
    third = sympy.Rational(1, 3)
    place = Place("default problem", {m: sympy.Integer(0), root_v: sympy.sqrt(third)}, {})
    found = [value.xreplace(DEFAULT) for value in (MIDDLE, VARIANCE)]
    proof.equal("default problem: m = 0 and V = 1/3", found, [m, V], place)
    values = place.compact | {gap: sympy.Rational(2, 3)}
    discriminant = DISCRIMINANT.xreplace(values)
    proof.equal("default problem: Δ = 2/3", discriminant, gap**2, Place(place.name, values, {}))
    proof.equal("default problem: κ = 1/3", smaller_eigenvalue().xreplace(values), third, place)
    proof.equal("default problem: 2/c = 2 √3, with s = 1", (2 / sympy.sqrt(third)) ** 2, sympy.Integer(12))


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the excess, the eigenvalue, the inequality and the bound on the path."""
    e, kappa, path, variance, spread = sympy.symbols("e kappa ell V n", positive=True)
    rho1, rho0, g_w1, g_b1 = sympy.symbols("rho_1 rho_0 L_w1 L_b1", real=True)
    out = sympy.Symbol("|w2|", positive=True)
    trace = variance + m**2 + 1
    t, start, of_t = sympy.symbols("t e(0) e(t)", positive=True)
    rate = sympy.exp(-4 * c**2 * (out - path) ** 2 * t)
    return (
        ("Excess over the best line", sympy.Eq(e, variance * rho1**2 + rho0**2)),
        (
            "Gradient inequality, with n = |N u| (the last term is 0 if Δ = 0)",
            sympy.Eq(g_w1**2 + g_b1**2, 4 * (s * w2) ** 2 * (kappa * e + spread**2 / gap)),
        ),
        ("Smaller eigenvalue", sympy.Eq(kappa, 2 * variance / (trace + sympy.sqrt(trace**2 - 4 * variance)))),
        ("Remaining path, c = |s| √κ", sympy.Eq(path, out - sympy.sqrt(out**2 - 2 * sympy.sqrt(e) / c))),
        ("Rate", sympy.Eq(of_t, start * rate)),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
