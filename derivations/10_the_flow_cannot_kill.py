"""The flow cannot kill a ReLU neuron in finite time, except at w1 = b1 = 0, which it reaches only if Q < 0.

The dead set is invariant forwards and backwards in time. Samples and finite steps do kill: examples.
"""

from __future__ import annotations

import sympy

from gradflow.proofs import integrals
from gradflow.proofs.cells import (
    DEAD,
    DEFAULT,
    HYPERACTIVE,
    KINDS,
    RISING,
    Cell,
    Expr,
    Place,
    b1,
    b2,
    hi,
    lo,
    p,
    q,
    s_minus,
    s_plus,
    w1,
    w2,
    wt2,
)
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

ZERO, ONE = sympy.Integer(0), sympy.Integer(1)
s = sympy.Symbol("s", nonzero=True)
RELU = {s_minus: ZERO, s_plus: s}
tau, root, r = sympy.symbols("tau d r", real=True)

STATUS = "proved"
STATEMENT = """
Let φ(z) = s max(z, 0), s ≠ 0, and let θ(t) be a solution of dθ/dt = −∇L, L the population loss, on an
interval of time on which (w1, b1) ≠ (0, 0). Let u = √(w1² + b1²), Q = u² − w2², and c = 2 |s| √(L(0) E[1
+ x²]).

(1) If the neuron is dead at one time, it is dead at all times of the interval, before and after. So a
balanced or hyperactive neuron never becomes dead while (w1, b1) ≠ (0, 0).

(2) If Q ≥ 0 and u(0) > 0 the solution exists for all t ≥ 0 and u(t) > 0: a neuron that is not dead never
dies in finite time. For Q > 0, u² ≥ Q; for Q = 0, u(t) ≥ u(0) exp(−c t).

(3) If Q < 0 the solution exists at least until t = arsinh(u(0)/√(−Q))/c; before that the neuron does not
die.

(4) The condition is needed. Let d, τ₀ > 0, E x = 0 and f* = y constant; at t = 0 let w1 = 0, b1 = d sinh
τ₀ > 0, w2 = d cosh τ₀, s = 1, so that Q = −d². If b2 − τ₀ > y, the neuron reaches w1 = b1 = 0 at the
finite time T, the integral of dτ/(2 ρ(τ)) from 0 to τ₀ with ρ(τ) = (d²/2) sinh 2τ + b2(0) + τ − τ₀ − y.
With φ′(0) = 0 one solution rests there: the neuron is dead from then on.

(5) On a sample the flow kills in finite time, whatever Q is: on a single input x₀ with target y, n = √(1
+ x₀²), z = w1 x₀ + b1 = n d sinh τ₀ > 0 and w2 = d cosh τ₀, s = 1, if b2 − τ₀/n > y then z reaches 0 at
the time T, the integral of dτ/(2 n ρ(τ)) from 0 to τ₀ with ρ(τ) = (n d²/2) sinh 2τ + b2(0) + (τ − τ₀)/n −
y. The neuron is dead on the sample from there on.

(6) One step of gradient descent kills: in the default problem θ = (1, 0, 1, 1) is dead after one step of
any rate η ≥ 2/3, and not after one with η < 2/3.
"""

HYPOTHESES = (
    "Those of the loss (derivation 1) with s₋ = 0; L is the population loss except in (5).",
    "A solution is a continuously differentiable curve with dθ/dt = −∇L, with (w1, b1) ≠ (0, 0) but perhaps "
    "at its end.",
    "Dead means w1 x + b1 ≤ 0 on the whole input.",
)

PROOF = """
(1) Off w1 = b1 = 0 the gradient is locally Lipschitz: it is continuous (derivation 4) and on each of
finitely many cells a rational function, smooth up to the walls. So solutions through a point are unique,
in both directions of time. Through a dead point passes the solution of derivation 7, on which w1, b1 and
w2 do not move: it is dead at all times.

(2), (3) Along the flow L falls, so |∂L/∂w2| = 2 |E[r φ(z)]| ≤ 2 √L √E[φ(z)²] ≤ c u, because z² ≤ (w1² +
b1²)(1 + x²). By derivation 5, w1 ∂L/∂w1 + b1 ∂L/∂b1 = w2 ∂L/∂w2, hence u du/dt = −w2 ∂L/∂w2 and |du/dt| ≤
c |w2|, |dw2/dt| ≤ c u. As the integral of |∇L|² is at most L(0), a path is of length √(T L(0)) at most in
the time T: θ stays bounded, and a solution ends only where u → 0. If Q > 0, u² = Q + w2² ≥ Q. If Q = 0, u
= |w2| and |du/dt| ≤ c u. If Q < 0 put u = √(−Q) sinh ψ, |w2| = √(−Q) cosh ψ: then |dψ/dt| ≤ c, so ψ stays
positive until ψ(0)/c.

(4) With w1 = 0 the residual does not depend on x, so ∂L/∂w1 = 2 w2 r E x = 0: w1 stays 0. The script puts
b1 = d sinh τ, w2 = d cosh τ, b2 = b2(0) + τ − τ₀ into the closed-form gradient of the hyperactive cell:
all three equations hold if dτ/dt = −2 ρ(τ). ρ increases with τ; if ρ(0) = b2(0) − τ₀ − y > 0, τ falls to
0 in the stated time. There w1 = b1 = 0, and resting at w1 = b1 = 0 while b2 relaxes satisfies the
equation with φ′(0) = 0.

(5) Where z > 0, (w1, b1) moves along (x₀, 1)/n only. With z = n ζ the gradient of (w2 z + b2 − y)² gives
dζ/dt = −2 n w2 r, dw2/dt = −2 n ζ r, db2/dt = −2 r, which the script compares with the same substitution,
dτ/dt = −2 n ρ(τ). At z = 0 the neuron is inactive on the only input; its gradient vanishes there (φ′(0) =
0), so it stays. The other component of (w1, b1) is free, and so is Q.

(6) At θ = (1, 0, 1, 1), f − f* = 1, so the closed form gives ∇L = (1/2, 1, 1/2, 2), and the step leads to
w1 = 1 − η/2, b1 = −η. The pre-activations at the ends are w1 + b1 = 1 − 3 η/2 and b1 − w1 = −1 − η/2, the
second of which is negative.
"""

PROVED_BY = (
    (
        "(1)",
        ("dead: w1, b1 and w2 do not move",),
        "solutions of a locally Lipschitz field are unique, in both directions of time",
    ),
    (
        "(2)",
        ("(w1² + b1²)(1 + x²) − z² = (w1 − b1 x)²",),
        "the bound on ∂L/∂w2 (Cauchy and Schwarz), that L falls, and the inequalities for u",
    ),
    (
        "(3)",
        ("u² − w2² = −d² on the hyperbola", "du/dτ = |w2| and d|w2|/dτ = u"),
        "(2)'s inequalities, as |dψ/dt| ≤ c on the hyperbola",
    ),
    (
        "(4)",
        ("the curve solves the equation of…",),
        "τ falls to 0 in the stated time, and the solution that rests there",
    ),
    (
        "(5)",
        (
            "n² = 1 + x₀²",
            "ζ moves at the rate −2 n w2 r, ξ not at all",
            "ρ is the residual on the curve",
            "the curve solves the equations of ζ, w2 and b2",
        ),
        "τ falls to 0 in the stated time, and the solution that rests there",
    ),
    (
        "(6)",
        (
            "∇L(1, 0, 1, 1) = (1/2, 1, 1/2, 2)",
            "at η = 2/3 the breakpoint is at 1",
            "the pre-activations after the step",
        ),
        "",
    ),
)

NOT_CLAIMED = (
    "What the flow does after w1 = b1 = 0: the field is not continuous there, so solutions may not be "
    "unique.",
    "That a start with Q < 0 which reaches w1 = b1 = 0 is exceptional: where lo·hi ≥ −1 it is, on wide "
    "inputs it is not (derivation 30).",
    "That a neuron which is never dead ends well: it may approach the dead set as t → ∞ (derivation 31).",
)


def prove(proof: Proof) -> None:
    for kind in KINDS:
        cell = Cell(DEAD, kind, (lo, q, hi) if kind.sign else (lo, hi))
        gradient = [entry.xreplace(RELU) for entry in integrals.gradient(cell)]
        proof.equal("dead: w1, b1 and w2 do not move", gradient[:3], [ZERO] * 3, cell.place)
    prove_bound(proof)
    prove_constant_teacher(proof)
    prove_sample(proof)
    prove_step(proof)


def algebraic(expression: Expr) -> Expr:
    """Return an expression with hyperbolic functions as a rational function of exp(τ)."""
    power = sympy.Symbol("E", positive=True)
    return sympy.expand(expression.rewrite(sympy.exp)).xreplace(
        {sympy.exp(k * tau): power**k for k in (-2, -1, 1, 2)}
    )


def prove_bound(proof: Proof) -> None:
    """Prove z² ≤ (w1² + b1²)(1 + x²) and the motion along a hyperbola."""
    x = sympy.Symbol("x", real=True)
    surplus = (w1**2 + b1**2) * (1 + x**2) - (w1 * x + b1) ** 2
    proof.equal("(w1² + b1²)(1 + x²) − z² = (w1 − b1 x)²", surplus, (w1 - b1 * x) ** 2)
    u, out = root * sympy.sinh(tau), root * sympy.cosh(tau)
    proof.equal("u² − w2² = −d² on the hyperbola", algebraic(u**2 - out**2), -(root**2))
    along = [algebraic(u.diff(tau) - out), algebraic(out.diff(tau) - u)]
    proof.equal("du/dτ = |w2| and d|w2|/dτ = u", along, [ZERO] * 2)


def prove_constant_teacher(proof: Proof) -> None:
    """Prove the example with a constant teacher, from the closed form of the hyperactive cell."""
    y, start, first = sympy.symbols("y b2(0) tau_0", real=True)
    cell = Cell(HYPERACTIVE, DEAD, (lo, hi))
    centred = {lo: -hi, wt2: ZERO, sympy.Symbol("b2T", real=True): y, s: ONE}
    curve = {w1: ZERO, b1: root * sympy.sinh(tau), w2: root * sympy.cosh(tau), b2: start + tau - first}
    rho = root**2 / 2 * sympy.sinh(2 * tau) + curve[b2] - y
    gradient = [entry.xreplace(RELU).xreplace(centred).xreplace(curve) for entry in integrals.gradient(cell)]
    place = Place("constant teacher, E x = 0, w1 = 0", {}, {hi: sympy.Symbol("half", positive=True)})
    for name, value, entry in zip(("w1", "b1", "w2", "b2"), curve.values(), gradient, strict=True):
        velocity = sympy.diff(value, tau) * -2 * rho
        proof.equal(f"the curve solves the equation of {name}", algebraic(velocity + entry), ZERO, place)


def prove_sample(proof: Proof) -> None:
    """Prove the example with one input."""
    y, start, first, along, across = sympy.symbols("y b2(0) tau_0 zeta xi", real=True)
    # x₀ = (1 − k²)/(2 k) is any number, and √(1 + x₀²) = (1 + k²)/(2 k).
    k = sympy.Symbol("k", positive=True)
    at, n = (1 - k**2) / (2 * k), (1 + k**2) / (2 * k)
    proof.equal("n² = 1 + x₀²", n**2, 1 + at**2)
    # (w1, b1) = ζ (x₀, 1)/n + ξ (1, −x₀)/n
    w, b = (along * at + across) / n, (along - across * at) / n
    proof.equal("z = n ζ", w * at + b, n * along)
    residual = w2 * (w1 * at + b1) + b2 - y
    gradient = integrals.derivative(residual**2)
    expected = [2 * residual * w2 * at, 2 * residual * w2, 2 * residual * (w1 * at + b1), 2 * residual]
    proof.equal("the gradient of one input's loss", gradient, expected)
    rates = ((gradient[0] * at + gradient[1]) / n, (gradient[0] - gradient[1] * at) / n)
    proof.equal("ζ moves at the rate −2 n w2 r, ξ not at all", rates, (2 * n * w2 * residual, ZERO))
    curve = {along: root * sympy.sinh(tau), w2: root * sympy.cosh(tau), b2: start + (tau - first) / n}
    rho = n * root**2 / 2 * sympy.sinh(2 * tau) + curve[b2] - y
    found = (w2 * n * along + b2 - y).xreplace(curve)
    proof.equal("ρ is the residual on the curve", algebraic(found - rho), ZERO)
    pulls = (2 * n * curve[w2], 2 * n * curve[along], sympy.Integer(2))
    for value, pull in zip(curve.values(), pulls, strict=True):
        moved = sympy.diff(value, tau) * -2 * n * rho + pull * rho
        proof.equal("the curve solves the equations of ζ, w2 and b2", algebraic(moved), ZERO)


def prove_step(proof: Proof) -> None:
    """Prove the example of one step, in the default problem, on the wall p = q = 0."""
    eta = sympy.Symbol("eta", real=True)
    for points in ((lo, p, q, hi), (lo, q, p, hi)):
        cell = Cell(RISING, RISING, points)
        at = dict(zip((w1, b1, w2, b2), (ONE, ZERO, ONE, ONE), strict=True))
        gradient = [entry.xreplace(DEFAULT | at) for entry in integrals.gradient(cell)]
        expected = [sympy.Rational(1, 2), ONE, sympy.Rational(1, 2), sympy.Integer(2)]
        proof.equal("∇L(1, 0, 1, 1) = (1/2, 1, 1/2, 2)", gradient, expected)
        new_w1, new_b1 = 1 - eta * gradient[0], -eta * gradient[1]
        on_wall = (new_w1 + new_b1).xreplace({eta: sympy.Rational(2, 3)})
        proof.equal("at η = 2/3 the breakpoint is at 1", on_wall, ZERO)
        ends = [new_w1 + new_b1, new_b1 - new_w1]
        proof.equal("the pre-activations after the step", ends, [1 - 3 * eta / 2, -1 - eta / 2])


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the bound on the time, and the time of the example."""
    time, speed, u0, Q, first, start, y = sympy.symbols("t c u(0) Q tau_0 b2(0) y", real=True)
    rho = root**2 / 2 * sympy.sinh(2 * tau) + start + tau - first - y
    death = sympy.Integral(1 / (2 * rho), (tau, 0, first))
    return (
        ("Q < 0: not dead before", sympy.Eq(time, sympy.asinh(u0 / sympy.sqrt(-Q)) / speed)),
        ("A death at w1 = b1 = 0", sympy.Eq(sympy.Symbol("T"), death)),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
