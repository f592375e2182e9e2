"""All starts near one start stay near its curve: a computed curve proves a whole ball of starts trapped.

How fast two solutions in a linear cell can part is bounded along the curve, and the curve's own error is
counted in: the proof does not rest on the accuracy of the solver.
"""

from __future__ import annotations

import sympy

from gradflow.proofs import integrals
from gradflow.proofs.cells import Expr, b1, b2, w1, w2
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

s, m, slope, mean = sympy.symbols("s m a m_f", real=True)
V = sympy.Symbol("V", positive=True)
kappa = sympy.Symbol("kappa", positive=True)
rho, psi, quad = sympy.symbols("rho psi q", real=True)
MOVE = sympy.Matrix(sympy.symbols("d1 d2 d3 d4", real=True))
PLACE = (w1, b1, w2, b2)

STATUS = "proved"
STATEMENT = """
Let e = V ρ₁² + ρ₀² be the excess of a cell without a kink, with ρ₁, ρ₀, s, m, V and c as in derivation 8,
extended to all θ. Let g₁, g₀ be the gradients of ρ₁, ρ₀ and P₁, P₀ their constant Hessians; |P₁| = |s|,
|P₀| = |s| √(1 + m²). For 0 < κ < 1 let A(θ) = 2 V (ρ₁ P₁ + κ g₁ g₁ᵀ) + 2 (ρ₀ P₀ + κ g₀ g₀ᵀ), k = 2 (1/16
+ (9/16) κ/(1 − κ)) (V |P₁|² + |P₀|²).

(1) For all θ and δ, δ · (∇e(θ + δ) − ∇e(θ)) ≥ (λ_min(A(θ)) − k |δ|²) |δ|².

(2) Tube. Let y be a continuous, piecewise continuously differentiable curve on [0, T] and R ≥ 0 a
function of the same kind with R' ≥ (−λ_min(A(y)) + k R²) R + |y' + ∇e(y)|, and let the ball of radius
R(t) around y(t) stay off both walls, on the cell's side. Then every solution of dθ/dt = −∇L with |θ(0) −
y(0)| ≤ R(0) has |θ(t) − y(t)| ≤ R(t) on [0, T], and has no kink until then.

(3) In the tube √e falls at least as fast as the solution of E' = −2 c² W² E with E(0) ≥ √e on the first
ball and W(t) ≤ |w2| on the ball at t. If all states of the last ball with √e ≤ E(T) fulfil the hypotheses
of derivation 8's trap, all solutions that start in the first ball stay without a kink for ever and end at
the best line.

(4) The function `surround` checks (2) and (3) step by step. On a step, y is the cubic with given values
and slopes at both ends; its control points contain it in their hull; the defect y' + ∇e(y) is a
polynomial of degree 9, bounded by its Bernstein coefficients; |A(y) − A(y_m)| ≤ Σ 2 v (|P| d (|g| + |P|
d/2) + κ |P| d (2 |g| + |P| d)) with v = V, 1 for (ρ₁, ρ₀) and d the largest distance of a control point
from the midpoint y_m.
"""

HYPOTHESES = (
    "Those of derivation 8: the loss and its gradient off the walls; any distribution of the inputs on [lo, "
    "hi] with V > 0; s ≠ 0 is the slope of φ on the side in use.",
    "The solution starts off the walls, in the ball.",
    "In (4), exact arithmetic. The function adds slack for rounding, by an estimate, to the defect and to "
    "the eigenvalue, but does not use interval arithmetic.",
)

PROOF = """
(1) ρ is a polynomial of second degree, so with ψ = g · δ and q = δ · P δ, ρ(θ + δ) = ρ + ψ + q/2 and ∇ρ(θ
+ δ) · δ = ψ + q. So δ · (∇ρ²(θ + δ) − ∇ρ²(θ)) = 2 (ρ q + ψ² + (3/2) ψ q + q²/2). Now ψ² + (3/2) ψ q +
q²/2 = (ψ + (3/4) q)² − q²/16, and (ψ + (3/4) q)² − κ ψ² + (9/16) κ/(1 − κ) q² = (1 − κ) (ψ + (3/4) q/(1 −
κ))² ≥ 0. With |q| ≤ |P| |δ|² and the sum over ρ₁ (with weight V) and ρ₀ the claim follows. The
eigenvalues of P₁ and P₀ are 0 and ±|s|, ±|s| √(1 + m²).

(2) Let δ = θ − y while θ is in the cell. |δ| |δ|' = δ · (−∇e(θ) + ∇e(y)) − δ · (y' + ∇e(y)) ≤
(−λ_min(A(y)) + k |δ|²) |δ|² + |δ| |y' + ∇e(y)| wherever |δ| > 0. So |δ| and R fulfil the two sides of a
differential inequality whose right-hand side is locally Lipschitz in its unknown, and |δ(0)| ≤ R(0): |δ|
≤ R as long as θ is in the cell. (On an interval where |δ| = 0 there is nothing to show.) As the ball
stays off the walls, a first time at which θ reaches one would contradict this.

(3) Off the walls |∇L| ≥ 2 c |w2| √e (derivation 8), so d√e/dt = −|∇L|²/(2 √e) ≤ −2 c² w2² √e ≤ −2 c² W²
√e where e > 0; if e = 0 it stays so. The rest is derivation 8 at time T, for each solution.

(4) A cubic lies in the hull of its control points (its Bernstein coefficients), and distances to a
half-plane's edge are linear, so their minimum over the hull is attained at a control point; so is the
maximum of the distance from y_m, which is convex. ∇e has degree 3, so ∇e(y) has degree 9 in the step's
parameter and y' degree 2. A polynomial is a convex combination of its Bernstein coefficients. ρ₁ and its
gradient change by at most |P| d (|g|/|P| + d/2) and |P| d over a distance d, which bounds the change of ρ
P + κ g gᵀ in the norm, and λ_min changes by at most that. On a step the radius is bounded by a cap, with
which the rate is a constant μ; then R' = μ R + D gives R(h) ≤ R(0) exp(μ h) + D h max(1, exp(μ h)),
because (exp(μ h) − 1)/(μ h) is a mean of exp between 0 and μ h. R' = (μ R(0) + D) exp(μ t) has one sign,
so R is largest at an end of the step. The step counts only if both ends stay below the cap (and μ h ≤ 1).
"""

PROVED_BY = (
    (
        "(1)",
        (
            "ρ₁(θ + δ) = ρ₁ + ψ + q/2",
            "ρ₀(θ + δ) = ρ₀ + ψ + q/2",
            "δ · (∇ρ²(θ + δ) − ∇ρ²(θ))",
            "ψ² + (3/2) ψ q + q²/2 = (ψ + (3/4) q)² − q²/16",
            "κ ψ² is kept, q² pays",
            "the eigenvalues of…",
        ),
        "|q| ≤ |P| |δ|², and the sum over ρ₁ and ρ₀",
    ),
    (
        "(2)",
        (),
        "a differential inequality for |θ − y|, whose right side is locally Lipschitz, and no first time at "
        "a wall",
    ),
    ("(3)", (), "the integration of d√e/dt ≤ −2 c² W² √e, and derivation 8's trap for each solution"),
    (
        "(4)",
        ("R' = μ R + D", "R(0)", "R' = (μ R(0) + D) exp(μ t)"),
        "hulls of control points, Bernstein coefficients, the bound on the change of A and the cap; that "
        "the function does so is tested, not proved",
    ),
)

NOT_CLAIMED = (
    "That what is not certified is not trapped. Near the separatrix, and where a curve lingers at a saddle, "
    "only small balls are.",
    "A proof in interval arithmetic.",
    "Anything for balanced neurons: across a wall e is not the loss's excess.",
)


def prove(proof: Proof) -> None:
    errors = (s * w1 * w2 - slope, s * w2 * (m * w1 + b1) + b2 - mean)
    for name, error in zip(("ρ₁", "ρ₀"), errors, strict=True):
        prove_taylor(proof, name, error)
    change = 2 * (rho + psi + quad / 2) * (psi + quad) - 2 * rho * psi
    proof.equal(
        "δ · (∇ρ²(θ + δ) − ∇ρ²(θ))",
        change,
        2 * (rho * quad + psi**2 + sympy.Rational(3, 2) * psi * quad + quad**2 / 2),
    )
    square = (psi + sympy.Rational(3, 4) * quad) ** 2
    proof.equal(
        "ψ² + (3/2) ψ q + q²/2 = (ψ + (3/4) q)² − q²/16",
        psi**2 + sympy.Rational(3, 2) * psi * quad + quad**2 / 2,
        square - quad**2 / 16,
    )
    paid = square - kappa * psi**2 + sympy.Rational(9, 16) * kappa / (1 - kappa) * quad**2
    kept = (1 - kappa) * (psi + sympy.Rational(3, 4) * quad / (1 - kappa)) ** 2
    proof.holds("κ ψ² is kept, q² pays", sympy.cancel(sympy.together(paid - kept)) == 0)
    spread = sympy.Symbol("mu", real=True)
    eigen = sympy.Symbol("lambda", real=True)
    for name, error, norm in (("P₁", errors[0], s**2), ("P₀", errors[1], s**2 * (1 + m**2))):
        matrix = integrals.jacobian(integrals.derivative(error))
        characteristic = sympy.expand((eigen * sympy.eye(4) - matrix).det())
        proof.equal(f"the eigenvalues of {name}", characteristic, sympy.expand(eigen**2 * (eigen**2 - norm)))
    h, start, rest = sympy.symbols("h R_0 D", positive=True)
    solved = start * sympy.exp(spread * h) + rest * (sympy.exp(spread * h) - 1) / spread
    proof.holds("R' = μ R + D", sympy.simplify(solved.diff(h) - spread * solved - rest) == 0)
    proof.holds("R(0)", sympy.limit(solved, h, 0) == start)
    speed = (spread * start + rest) * sympy.exp(spread * h)
    proof.holds("R' = (μ R(0) + D) exp(μ t)", sympy.simplify(solved.diff(h) - speed) == 0)


def prove_taylor(proof: Proof, name: str, error: Expr) -> None:
    """Prove that Taylor's formulas are exact: of second order for ρ, of first order for its gradient."""
    gradient = sympy.Matrix(integrals.derivative(error))
    matrix = integrals.jacobian(list(gradient))
    moved = {symbol: symbol + step for symbol, step in zip(PLACE, MOVE, strict=True)}
    linear, bent = gradient.dot(MOVE), MOVE.dot(matrix * MOVE)
    there = error.xreplace(moved)
    proof.equal(f"{name}(θ + δ) = {name} + ψ + q/2", there, error + linear + bent / 2)
    tilted = gradient.xreplace(moved).dot(MOVE)
    proof.equal(f"∇{name}(θ + δ) · δ = ψ + q", tilted, linear + bent)
    proof.holds(f"the Hessian of {name} is constant", not matrix.free_symbols & set(PLACE))


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return k, the growth of the radius and the fall of the excess."""
    k, radius, rate, lowest, error, bound, c, weight = sympy.symbols("k R R' lambda_min D E c W")
    fall = sympy.Symbol("E'")
    p1, p0 = sympy.symbols("|P_1| |P_0|")
    factor = sympy.Rational(1, 16) + sympy.Rational(9, 16) * kappa / (1 - kappa)
    return (
        ("Quadratic term", sympy.Eq(k, 2 * factor * (V * p1**2 + p0**2))),
        ("Radius", sympy.Eq(rate, (-lowest + k * radius**2) * radius + error)),
        ("Bound on the root of the excess", sympy.Eq(fall, -2 * c**2 * weight**2 * bound)),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
