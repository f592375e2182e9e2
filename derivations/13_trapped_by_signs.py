"""A student that is a line, too steep and too low, stays a line: its kink only moves farther away.

The signs of its two errors, in slope and in level, are kept by the flow, and while they are its
pre-activation grows at the end where the kink would enter.
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

# A neuron in the view of the statement, and what it depends on.
w, b, omega, b2, near, c, a, m = sympy.symbols("w b omega b2 n c a m", real=True)
V, s = sympy.symbols("V s", positive=True)
STATE = (w, b, omega, b2)

STATUS = "proved"
STATEMENT = """
Let the inputs have m = E x, V = Var x > 0, lie in [lo, hi], lo < hi, and let the best line have the slope
a ≠ 0 and the value c at m. Let the pre-activation have one sign τ on the whole input and s ≠ 0 be the
slope of φ there. Write w = τ w1, b = τ b1, ω = τ s w2, so that the student is ω (w x + b) + b2. By the
reflections x → −x and f → −f (proof) let w > 0 and ω > 0; then call near end the end n of the input that
is reached by −x if w < 0 before (n = lo or n = −hi), and let a, c, b2, m be those after the reflections.
Let ρ₁ = ω w − a and ρ₀ = ω (m w + b) + b2 − c, the errors in slope and level.

Let at t = 0: the pre-activation be positive, w n + b > 0; a > 0, ρ₁ ≥ 0, ρ₀ ≤ 0; and m ≥ 0, n ≤ 0, 1 + n
m ≥ 0.

(1) Trap. The solution of dθ/dt = −∇L exists for all t ≥ 0. All these hypotheses hold again at every later
time, and the pre-activation at the near end never falls: the student stays a line.

(2) Limit. With Q = w1² + b1² − w2² and y = (√(Q² + 4 a²/s²) − Q)/2 > 0, w2² ≥ y all the time. The path is
at most √e(0)/(c₀ √y) long, with the excess e(t) = L − L_line = V ρ₁² + ρ₀² and c₀ that of derivation 8,
so that the solution converges, to a critical point off the walls where f is the best line; and e(t) ≤
e(0) exp(−4 c₀² y t).

(3) If moreover m = 0, then |w1| never rises and |b1| never falls.

(4) For the default problem (m = 0, n = −1, a = 1/2, c = 1/4) and a hyperactive neuron with w1, w2 > 0 the
trap is: b1 > w1, w1 w2 ≥ 1/2 and w2 b1 + b2 ≤ 1/4.
"""

HYPOTHESES = (
    "Those of derivation 8: L = E[(f − f*)²] and ∇L = 2 E[(f − f*) ∂f] off the walls, for the population or "
    "a sample, finite E f*², V > 0.",
    "A solution is a continuously differentiable curve with dθ/dt = −∇L that starts off the walls.",
    "The condition on the interval, after the reflections: m ≥ 0, n ≤ 0, 1 + n m ≥ 0. Intervals that are "
    "symmetric about 0 with E x = 0 have it in both views; those that do not contain 0 in none.",
    "Exact arithmetic: signs that rounding could change are not covered.",
)

PROOF = """
The view. Off the walls L = L_line + V ρ₁² + ρ₀² (derivation 8). With w = τ w1, b = τ b1, ω = τ s w2 the
flow is w' = −∂L/∂w, b' = −∂L/∂b, ω' = −s² ∂L/∂ω, b2' = −∂L/∂b2. The excess does not change when (w, m, a)
change sign together (x → −x), nor when (ω, b2, c, a) do (f → −f); so solutions are mapped to solutions.
The interval becomes [−hi, −lo] under the first. With w > 0 the pre-activation increases from the near end
to the other.

Rates. Let β = m w + b, the pre-activation at m. It is positive, as m lies in the interval. By
differentiation ρ₁' = −2 V (ω² + s² w²) ρ₁ − 2 γ ρ₀, ρ₀' = −2 (1 + s² β² + (1 + m²) ω²) ρ₀ − 2 V γ ρ₁, γ =
m ω² + s² w β, and for the pre-activation at the near end, z = w n + b, z' = −2 ω (V n ρ₁ + (1 + n m) ρ₀).

Trap. Consider the solution of the cell's own polynomial field, and let T be the first time at which w, ω
or z is 0 (or the end of its existence). Before T all three are positive, so β ≥ z > 0 and γ > 0, as m ≥
0. Then (ρ₁, −ρ₀) solves a linear equation x' = M(t) x with continuous M whose off-diagonal entries 2 γ
and 2 V γ are not negative. Such an equation keeps both components ≥ 0: with a bound k for the diagonal's
modulus on a compact interval, x exp(k t) solves one with a matrix of entries ≥ 0, whose Picard iterates
are ≥ 0. Hence ρ₁ ≥ 0 ≥ ρ₀ before T, and z' ≥ 0 because n ≤ 0 and 1 + n m ≥ 0. So at T, if the solution
exists there, z ≥ z(0) > 0, and w ω = a + ρ₁ ≥ a > 0 by continuity, so neither w nor ω is 0: a
contradiction. While it exists the solution is therefore off the walls, and is one of the flow.

Existence and limit. Q does not change. With y₂ = w2², w² = w2² + Q − b² ≤ y₂ + Q, and w² y₂ = (w ω)²/s² ≥
a²/s². So y₂ > 0, y₂ + Q > 0 and y₂ (y₂ + Q) ≥ a²/s²; the left side increases with y₂ where both factors
are positive, and equals a²/s² at y: so w2² ≥ y. By derivation 8, |∇L| ≥ 2 c₀ |w2| √e ≥ 2 c₀ √(y e). If e
> 0, d√e/dt = −|∇L|²/(2 √e) ≤ −c₀ √y |∇L|, and the length of the path up to any time is at most √e(0)/(c₀
√y). (Where e = 0, ∇L = 0 and the solution rests.) So the solution stays in a compact set, exists for all
times and converges. de/dt = −|∇L|² ≤ −4 c₀² y e gives the rate; e = 0 in the limit, and z ≥ z(0) > 0
there.

(3) For m = 0, w' = −2 V ω ρ₁ ≤ 0 and b' = −2 ω ρ₀ ≥ 0, and b = β > 0.
"""

PROVED_BY = (
    (
        "(1)",
        (
            "x → −x changes nothing",
            "f → −f changes nothing",
            "ρ₁'",
            "ρ₀'",
            "z' at the near end",
            "γ ≥ 0",
            "z' ≥ 0",
        ),
        "linear equations whose off-diagonal entries are ≥ 0 keep signs, and the argument at the first time "
        "at which w, ω or z is 0",
    ),
    (
        "(2)",
        ("Q is conserved", "y (y + Q) = (a/s)²", "d/dy of y (y + Q) is y + (y + Q)"),
        "the bound on w2², the length of the path and the convergence, from derivation 8's inequality",
    ),
    ("(3)", ("m = 0: …",), "the signs of ω, ρ₁ and ρ₀, which (1) keeps"),
    ("(4)", ("default: …",), ""),
)

NOT_CLAIMED = (
    "That the trap is necessary. In the other quadrants of (ρ₁, ρ₀) the kink may come in: derivation 14.",
    "Anything for ReLU's dead side (s = 0), or if a ≤ 0 in this view (the best line is level or falls).",
    "Anything for m < 0 in this view: then γ may be negative.",
    "Anything for finite steps, momentum or Adam.",
)


def prove(proof: Proof) -> None:
    zero = sympy.Integer(0)
    rho1, rho0 = errors()
    excess = V * rho1**2 + rho0**2
    mirror = {w: -w, m: -m, a: -a}
    proof.equal("x → −x changes nothing", excess.xreplace(mirror), excess)
    negative = {omega: -omega, b2: -b2, c: -c, a: -a}
    proof.equal("f → −f changes nothing", excess.xreplace(negative), excess)

    rates = dict(zip(STATE, flow(excess), strict=True))
    beta = m * w + b
    gamma = m * omega**2 + s**2 * w * beta
    of_rho1 = -2 * V * (omega**2 + s**2 * w**2) * rho1 - 2 * gamma * rho0
    of_rho0 = -2 * (1 + s**2 * beta**2 + (1 + m**2) * omega**2) * rho0 - 2 * V * gamma * rho1
    proof.equal("ρ₁'", along(rho1, rates), of_rho1)
    proof.equal("ρ₀'", along(rho0, rates), of_rho0)
    grows = -2 * omega * (V * near * rho1 + (1 + near * m) * rho0)
    proof.equal("z' at the near end", along(w * near + b, rates), grows)
    proof.equal("Q is conserved", along(w**2 + b**2 - (omega / s) ** 2, rates), zero)
    prove_signs(proof, gamma, grows)
    prove_weight(proof)
    prove_default(proof)
    centred = {m: zero}
    proof.equal(
        "m = 0: w' = −2 V ω ρ₁", rates[w].xreplace(centred), (-2 * V * omega * rho1).xreplace(centred)
    )
    proof.equal("m = 0: b' = −2 ω ρ₀", rates[b].xreplace(centred), (-2 * omega * rho0).xreplace(centred))


def errors() -> tuple[Expr, Expr]:
    """Return ρ₁ and ρ₀."""
    return omega * w - a, omega * (m * w + b) + b2 - c


def flow(loss: Expr) -> list[Expr]:
    """Return (w', b', ω', b2'): ω = τ s w2 moves s² times as fast as its own gradient says."""
    speeds = (1, 1, s**2, 1)
    return [-speed * loss.diff(symbol) for speed, symbol in zip(speeds, STATE, strict=True)]


def along(quantity: Expr, rates: dict[Expr, Expr]) -> Expr:
    """Return the derivative of a quantity along the flow."""
    return sum((quantity.diff(symbol) * rate for symbol, rate in rates.items()), sympy.Integer(0))


def prove_signs(proof: Proof, gamma: Expr, grows: Expr) -> None:
    """Prove the signs of γ and z' on the region, from positive symbols that parametrise it."""
    up, down, weight, out, height, mean, reach = sympy.symbols("u d W O h M r", nonnegative=True)
    # ρ₁ = u and ρ₀ = −d, by the choice of a and b2; β = h; n = −r; 1 − r M = g.
    rest = sympy.Symbol("g", nonnegative=True)
    signed = {w: weight, omega: out, b: height - mean * weight, m: mean}
    proof.holds("γ ≥ 0", bool(sympy.expand(gamma.xreplace(signed)).is_nonnegative))
    free = {a: omega * w - up, b2: c - omega * (m * w + b) - down}
    errors_there = [value.xreplace(free) for value in errors()]
    proof.equal("u and d are ρ₁ and −ρ₀", errors_there, [up, -down])
    rate = sympy.expand(grows.xreplace(free)).subs(near, -reach)
    factored = 2 * out * (V * reach * up + rest * down)
    same = rate.xreplace({m: mean, omega: out}) - factored.xreplace({rest: 1 - reach * mean})
    proof.equal("z' = 2 ω (V r u + (1 − r m) d) with n = −r", sympy.expand(same), sympy.Integer(0))
    proof.holds("z' ≥ 0", bool(factored.is_nonnegative))


def prove_weight(proof: Proof) -> None:
    """Prove that y solves y (y + Q) = a²/s²."""
    balance, product = sympy.Symbol("Q", real=True), sympy.Symbol("k", positive=True)
    y = (sympy.sqrt(balance**2 + 4 * product**2) - balance) / 2
    proof.equal("y (y + Q) = (a/s)²", sympy.expand(y * (y + balance)), product**2)
    twice = sympy.expand(2 * (y + balance))
    proof.equal("2 (y + Q) = √(Q² + 4 (a/s)²) + Q", twice, sympy.sqrt(balance**2 + 4 * product**2) + balance)
    proof.holds("√(Q² + 4 (a/s)²) > |Q|, so y and y + Q > 0", bool((4 * product**2).is_positive))
    proof.equal(
        "y − (a/s)²/(y + Q) = 0: both forms of y",
        sympy.expand(y * (y + balance) - product**2),
        sympy.Integer(0),
    )
    slope = sympy.Symbol("y", positive=True)
    rise = (slope * (slope + balance)).diff(slope)
    proof.equal("d/dy of y (y + Q) is y + (y + Q)", rise, slope + (slope + balance))


def prove_default(proof: Proof) -> None:
    """Prove what the hypotheses are for the default problem, hyperactive and w1, w2 > 0."""
    half, quarter, weight = sympy.Rational(1, 2), sympy.Rational(1, 4), sympy.Symbol("w2", positive=True)
    default = {m: sympy.Integer(0), near: -sympy.Integer(1), a: half, c: quarter, omega: weight}
    rho1, rho0 = (error.xreplace(default) for error in errors())
    proof.equal("default: w n + b = b1 − w1", (w * near + b).xreplace(default), b - w)
    proof.equal("default: ρ₁ = w1 w2 − 1/2", rho1, w * weight - half)
    proof.equal("default: ρ₀ = w2 b1 + b2 − 1/4", rho0, weight * b + b2 - quarter)


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the rates of the two errors and of the pre-activation, and the bound."""
    rho1, rho0, gamma, beta, y, excess, path, c0, Q = sympy.symbols("rho_1 rho_0 gamma beta y e ell c_0 Q")
    d1, d0, dz = sympy.symbols("rhodot_1 rhodot_0 zdot")
    return (
        (
            "Error in slope",
            sympy.Eq(d1, -2 * V * (omega**2 + s**2 * w**2) * rho1 - 2 * gamma * rho0),
        ),
        (
            "Error in level",
            sympy.Eq(d0, -2 * (1 + s**2 * beta**2 + (1 + m**2) * omega**2) * rho0 - 2 * V * gamma * rho1),
        ),
        ("Coupling", sympy.Eq(gamma, m * omega**2 + s**2 * w * beta)),
        ("Near end", sympy.Eq(dz, -2 * omega * (V * near * rho1 + (1 + near * m) * rho0))),
        ("Least output weight, squared", sympy.Eq(y, (sympy.sqrt(Q**2 + 4 * a**2 / s**2) - Q) / 2)),
        ("Longest path", sympy.Eq(path, sympy.sqrt(excess) / (c0 * sympy.sqrt(y)))),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
