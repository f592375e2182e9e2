"""The losses of a dead and of a hyperactive neuron: the best constant and the best line.

Gives both in closed form for every teacher and interval, and the default values 5/48 and 1/48.
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
    RISING,
    Expr,
    Kind,
    Place,
    b1,
    b2,
    hi,
    lo,
    q,
    s_minus,
    s_plus,
    w1,
    w2,
    wt1,
    wt2,
)
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main
from gradflow.proofs.teacher import MIDDLE, VARIANCE, Moments, moments, straight

STATUS = "proved"
STATEMENT = """
Let μ = (lo + hi)/2 and σ² = (hi − lo)²/12 be mean and variance of the input, m = E f*, V = Var f*, a =
Cov(x, f*)/σ² and c = m − a μ.

(1) The best constant is m, with loss V; the best line is a x + c, with loss
L_line = V − a² σ².

(2) Where the student is hyperactive (slope s = s₊) or dead (s = s₋), f is the line s w1 w2 x + s w2 b1 + b2,
and L = L_line + σ² δ² + (δ μ + ε)², with δ = s w1 w2 − a and ε = s w2 b1 + b2 − c. So L ≥ L_line there,
with equality exactly for the best line; there the gradient vanishes (if (w1, b1) ≠ (0, 0)).

(3) For ReLU (s₋ = 0) a dead neuron has L = V + (b2 − m)² and the gradient (0, 0, 0, 2 (b2 − m)). Its flow
keeps w1, b1 and w2, and b2(t) = m + (b2(0) − m) exp(−2 t), for all t ≥ 0 (and for all t ≤ 0); it stays
dead and L tends to V. No solution reaches the dead set from outside in finite time, except possibly at w1
= b1 = 0: the flow cannot kill a neuron elsewhere.

(4) A teacher that is balanced, with a share u = (q − lo)/(hi − lo) of the input left of its breakpoint, has
L_line = (s₊ − s₋)² (w1ᵀ w2ᵀ)² (hi − lo)² u³ (1 − u)³ / 3; any other has L_line = 0. Its best line has the
slope a = w1ᵀ w2ᵀ (s_l g(u) + s_r g(1 − u)), g(v) = v² (3 − 2 v), with s_l and s_r the slopes of φ left and
right of q: s₋ and s₊ if w1ᵀ > 0, else s₊ and s₋. V = L_line + a² σ², a sum of terms that are not negative.

(5) For the default problem m = 1/4, V = 5/48, the best line is x/2 + 1/4, and L_line = 1/48. Where the
student is hyperactive, e = L − 1/48 = 3 ρ₁² + ρ₀² with ρ₁ = w1w2/3 − 1/6 and ρ₀ = w2 b1 + b2 − 1/4, and
|∇L|² ≥ (4/3) w2² e.
"""

HYPOTHESES = (
    "Those of the loss (derivation 1).",
    "For the dead neuron's flow: s₋ = 0, and solutions of dθ/dt = −∇L, with the convention φ′(0) = s₋ "
    "at w1 = b1 = 0.",
)

PROOF = """
m, V and Cov(x, f*) are integrals of polynomials on the teacher's pieces; their antiderivatives are
verified by differentiation. For each of the four kinds of teacher and both activities, the closed form of
L (derivation 1) minus L_line + σ² δ² + (δ μ + ε)² is a rational function whose numerator expands to 0. As
σ² > 0 the quadratic form vanishes only at δ = ε = 0. The gradient of a quadratic form in (δ, ε) vanishes
there; this is checked by setting w1 = a/(s w2) and b2 = c − s w2 b1 in the closed-form gradient, for s w2
≠ 0.

With s₋ = 0 the closed forms of loss and gradient on the dead cell are compared with V + (b2 − m)² and (0,
0, 0, 2 (b2 − m)). The stated b2(t) is differentiated and put into the equation. As w1 and b1 do not move,
a dead neuron stays dead. Where (w1, b1) ≠ (0, 0) the gradient is locally Lipschitz (derivation 4), so
this is the only solution through its points; a solution that reached one of them from outside would be
another.

The stated forms of L_line and a for each kind of teacher, and every number given for the default problem, is
compared with the general expressions; again the difference expands to 0. The last inequality holds
because |∇L|² − (4/3) w2² e = (8/3) w2² ρ₀² + (∂L/∂w2)² + (∂L/∂b2)².
"""

PROVED_BY = (
    (
        "(1)",
        ("dead, ReLU: L = V + (b2 − m)²", "hyperactive: L = L_line + σ² δ² + (δ μ + ε)²"),
        "the forms are least only at b2 = m and at δ = ε = 0, as σ² > 0",
    ),
    (
        "(2)",
        ("dead: …", "hyperactive: …"),
        "a positive definite form in (δ, ε) is 0, and so is its gradient, only at 0",
    ),
    (
        "(3)",
        ("dead, ReLU: …",),
        "solutions are unique (derivation 4), so that no other one meets those on the dead set",
    ),
    ("(4)", ("the loss of the best line is as stated", "the slope of the best line is as stated"), ""),
    ("(5)", ("default problem: …", "default problem, hyperactive: …"), ""),
)

NOT_CLAIMED = (
    "That these are the only critical points of L: saddles with w2 = 0 and the global minima are others.",
    "That a hyperactive neuron stays hyperactive under the flow, or that the best line is reached.",
    "That L_line or V is a local minimum of L: the stationary sets touch the walls of their cells.",
    "Uniqueness of the flow at w1 = b1 = 0.",
)


def prove(proof: Proof) -> None:
    for kind in KINDS:
        found = moments(proof, straight(DEAD, kind))
        prove_lines(proof, kind, found)
        prove_dead_relu(proof, kind, found)
        prove_line_loss(proof, kind, found)
    prove_default(proof)


def prove_lines(proof: Proof, kind: Kind, teacher: Moments) -> None:
    """Prove the loss of a student that is a line, and that its gradient vanishes at the best one."""
    for activity in (DEAD, HYPERACTIVE):
        cell, slope = straight(activity, kind), activity.slopes[0]
        delta, epsilon = slope * w1 * w2 - teacher.slope, slope * w2 * b1 + b2 - teacher.intercept
        form = teacher.line_loss + VARIANCE * delta**2 + (delta * MIDDLE + epsilon) ** 2
        proof.equal(
            f"{activity.activity}: L = L_line + σ² δ² + (δ μ + ε)²", integrals.loss(cell), form, cell.place
        )
        best = {w1: teacher.slope / (slope * w2), b2: teacher.intercept - slope * w2 * b1}
        nonzero = {symbol: sympy.Symbol(f"nonzero_{symbol}", nonzero=True) for symbol in (slope, w2)}
        place = Place(cell.name, cell.place.compact, cell.place.signs | nonzero)
        gradient = [entry.xreplace(best) for entry in integrals.gradient(cell)]
        zero = [sympy.Integer(0)] * 4
        proof.equal(f"{activity.activity}: the gradient vanishes at the best line", gradient, zero, place)


def prove_dead_relu(proof: Proof, kind: Kind, teacher: Moments) -> None:
    """Prove loss, gradient and flow of a dead neuron with s₋ = 0."""
    cell = straight(DEAD, kind)
    place = Place(cell.name, cell.place.compact | {s_minus: sympy.Integer(0)}, cell.place.signs)
    loss = teacher.variance + (b2 - teacher.mean) ** 2
    proof.equal("dead, ReLU: L = V + (b2 − m)²", integrals.loss(cell), loss, place)
    stated = [sympy.Integer(0)] * 3 + [2 * (b2 - teacher.mean)]
    gradient = integrals.gradient(cell)
    proof.equal("dead, ReLU: the gradient is (0, 0, 0, 2 (b2 − m))", gradient, stated, place)
    t, start, decay = sympy.symbols("t b2(0) decay", real=True)
    path = teacher.mean + (start - teacher.mean) * sympy.exp(-2 * t)
    rate, position = (value.xreplace({sympy.exp(-2 * t): decay}) for value in (path.diff(t), path))
    proof.equal("dead, ReLU: b2(t) solves the flow", rate, -gradient[3].xreplace({b2: position}), place)
    proof.equal("dead, ReLU: b2(t) starts at b2(0)", path.xreplace({t: sympy.Integer(0)}), start, place)


def prove_line_loss(proof: Proof, kind: Kind, teacher: Moments) -> None:
    """Prove the stated loss of the best line."""
    stated = line_loss() if kind.sign else sympy.Integer(0)
    proof.equal(
        "the loss of the best line is as stated", teacher.line_loss, stated, straight(DEAD, kind).place
    )
    if kind.sign:
        place = straight(DEAD, kind).place
        proof.equal("the slope of the best line is as stated", teacher.slope, line_slope(kind), place)


def line_loss() -> Expr:
    """Return the loss of the best line for a balanced teacher."""
    left, right = (q - lo) / LENGTH, (hi - q) / LENGTH
    return (s_plus - s_minus) ** 2 * (wt1 * wt2 * LENGTH) ** 2 * left**3 * right**3 / 3


def line_slope(kind: Kind) -> Expr:
    """Return the slope of the best line for a balanced teacher."""
    shares = (q - lo) / LENGTH, (hi - q) / LENGTH
    slopes = (s_minus, s_plus) if kind.sign > 0 else (s_plus, s_minus)
    return wt1 * wt2 * sum(s * v**2 * (3 - 2 * v) for s, v in zip(slopes, shares, strict=True))


def prove_default(proof: Proof) -> None:
    """Prove the numbers of the default problem."""
    teacher = moments(proof, straight(DEAD, RISING))
    cell = straight(HYPERACTIVE, RISING)
    stated = [sympy.Rational(*pair) for pair in ((1, 4), (5, 48), (1, 2), (1, 4), (1, 48))]
    values = [value.xreplace({q: sympy.Integer(0)} | DEFAULT) for value in (*teacher, teacher.line_loss)]
    proof.equal("default problem: m, V, a, c and L_line are 1/4, 5/48, 1/2, 1/4 and 1/48", values, stated)
    rho1, rho0 = w1 * w2 / 3 - sympy.Rational(1, 6), w2 * b1 + b2 - sympy.Rational(1, 4)
    excess = integrals.loss(cell).xreplace(DEFAULT) - sympy.Rational(1, 48)
    proof.equal("default problem, hyperactive: e = 3 ρ₁² + ρ₀²", excess, 3 * rho1**2 + rho0**2)
    gradient = [entry.xreplace(DEFAULT) for entry in integrals.gradient(cell)]
    squares = sympy.Rational(8, 3) * (w2 * rho0) ** 2 + gradient[2] ** 2 + gradient[3] ** 2
    surplus = sum(entry**2 for entry in gradient) - sympy.Rational(4, 3) * w2**2 * excess
    proof.equal("default problem, hyperactive: |∇L|² − (4/3) w2² e is a sum of squares", surplus, squares)


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the losses in general and for the default problem."""
    mu, variance, delta, epsilon, m, spread, L = sympy.symbols("mu sigma^2 delta epsilon m V L")
    best, b2_of_t, start, t = sympy.symbols("L_line b2(t) b2(0) t")
    rho0, rho1 = sympy.symbols("rho_0 rho_1")
    return (
        ("Hyperactive, or dead", sympy.Eq(L, best + variance * delta**2 + (delta * mu + epsilon) ** 2)),
        ("Best line, teacher balanced", sympy.Eq(best, line_loss())),
        ("Dead, s₋ = 0", sympy.Eq(L, spread + (b2 - m) ** 2)),
        ("Its flow", sympy.Eq(b2_of_t, m + (start - m) * sympy.exp(-2 * t))),
        ("Default problem, dead", sympy.Eq(L, (b2 - sympy.Rational(1, 4)) ** 2 + sympy.Rational(5, 48))),
        ("Default problem, hyperactive", sympy.Eq(L, sympy.Rational(1, 48) + 3 * rho1**2 + rho0**2)),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
