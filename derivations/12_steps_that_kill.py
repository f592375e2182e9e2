"""Which steps kill a neuron, and what can bring it back: left-over momentum and decay, in closed form.

One step of GD is affine in the rate. After death only the optimiser's state moves the neuron, by a
computable amount.
"""

from __future__ import annotations

import sympy

from gradflow.scripts import describe
from gradflow.symbolic import integrals
from gradflow.symbolic.cells import DEAD, KINDS, Cell, Expr, b1, hi, lo, q, s_minus, w1
from gradflow.symbolic.proof import Proof
from gradflow.symbolic.render import main
from gradflow.symbolic.result import Result

eta, g1, g2, end, B1, B2 = sympy.symbols("eta g_1 g_2 e B_1 B_2", real=True)
mu, beta1, root2, lam = sympy.symbols("mu beta_1 sqrt(beta_2) lambda", positive=True)
k, K = sympy.symbols("k K", integer=True, positive=True)

STATEMENT = """
Let s₋ = 0, z_e = w1 e + b1 at the ends e = lo, hi, and ζ_e = e ∂L/∂w1 + ∂L/∂b1.

(1) After one step of GD(η) the pre-activations at the ends are z_e − η ζ_e. The neuron is then dead iff η
ζ_e ≥ z_e for both ends. The rates η > 0 that kill form a closed interval or there are none: below its
lower end η* no single step kills, and a step of rate η* does.

(2) A dead neuron stays dead under GD with any rates. w1, b1 and w2 do not move.

(3) Heavy ball, θ ← θ − η B, B ← μ B + ∇L. Let the neuron be dead after some update that left B₁, B₂ for
w1, b1, and β_e = e B₁ + B₂. As long as it is dead, z_e after k more steps is z_e − η μ (1 − μ^k)/(1 − μ)
β_e. It comes back iff for one end z_e > η μ/(1 − μ) β_e, and then at the first k with μ^k < 1 − z_e (1 −
μ)/(η μ β_e) for such an end (the earlier, if both are).

(4) Adam (no decay) with moments m, v after K updates, β1 < √β2 =: r. While the neuron is dead its
parameter j moves at the k-th further update by −η β1^k m_j/(1 − β1^(K+k)) / (√(β2^k v_j/(1 − β2^(K+k))) +
ε). The sum converges. For ε = 0 it is −η (m_j/√v_j) S(k) with S(k) the sum over i ≤ k of (β1/r)^i √(1 −
β2^(K+i))/(1 − β1^(K+i)), the same for all j: the neuron comes back iff for one end z_e > η S(∞) (e m₁/√v₁
+ m₂/√v₂). For K → ∞, S(∞) → ρ/(1 − ρ), ρ = β1/r; that is 9.05 at the defaults. A neuron whose moments are
0 never comes back, at any rate.

(5) Decay with 0 < η λ < 1 and no other force. On all parameters (SGD's and AdamW's): z_e is multiplied by
1 − η λ at each step, so a dead neuron never comes back. On the bias alone: w1 stays, b1 shrinks, and a
neuron with w1 e > 0 at an end comes back at the first k with (1 − η λ)^k < w1 e/|b1|. On w1 alone: never,
if b1 < 0.
"""

HYPOTHESES = (
    "Those of the loss (derivation 1) with s₋ = 0, or a sample whose smallest and largest input are lo and "
    "hi.",
    "Exact arithmetic: in floating point a neuron within rounding of a wall may go either way.",
    "In (3) and (4) no decay, 0 < μ < 1, and v_j > 0 unless m_j = 0, when parameter j does not move. The "
    "state before death matters only through B, m and v.",
)

PROOF = """
(1) w1 − η ∂L/∂w1 and b1 − η ∂L/∂b1 give z_e − η ζ_e. Dead means both ≤ 0 (z is affine in x). Each
condition is a half-line of rates, or all, or none; their intersection is an interval.

(2) On the dead cell the closed form of the gradient is (0, 0, 0, 2 (b2 − E f*)); for a sample every term
has the factor φ′(z) = 0.

(3) With ∇L = 0 for w1 and b1, B is multiplied by μ at each step, and the displacement after k steps is −η
(μ + … + μ^k) B. The script sums the geometric series. z_e(k) is monotone in k. If β_e ≥ 0, z_e(k) does
not grow. Otherwise it grows towards z_e − η μ/(1 − μ) β_e, which it does not reach: it is positive for
some k iff this limit is, and the first k follows by solving for μ^k.

(4) With g = 0 the moments are β1^k m and β2^k v, which is put into Adam's update (the class's docstring).
For ε = 0 the square root of β2^k leaves (β1/r)^k times a factor that converges to 1, and is the same for
every parameter. So z_e(k) − z_e is −S(k) times a constant, S grows with k, and the argument of (3)
applies. As ρ < 1 the series converges, and faster than a geometric one for ε > 0, which makes every term
smaller. For K → ∞ each factor tends to 1, and S(∞) to the sum of ρ^i.

(5) Each decayed parameter is multiplied by 1 − η λ > 0. If both are, z_e is. If only b1 is, z_e(k) = w1 e
+ (1 − η λ)^k b1, which grows to w1 e; dead means z_e ≤ 0, so b1 ≤ −w1 e. If only w1 is, z_e(k) lies
between z_e and b1 < 0.
"""

NOT_CLAIMED = (
    "That a neuron which comes back stays alive, or that it ends well.",
    "Adam with ε > 0 in closed form: its terms are summed numerically, with a bound for the rest.",
    "Coupled decay inside Adam's gradient, where each parameter moves at a rate of its own.",
)


def derive() -> Result:
    proof = Proof()
    zero = sympy.Integer(0)
    new = (w1 - eta * g1) * end + (b1 - eta * g2)
    proof.equal("z after a step is z − η ζ", new, (w1 * end + b1) - eta * (end * g1 + g2))
    for kind in KINDS:
        cell = Cell(DEAD, kind, (lo, q, hi) if kind.sign else (lo, hi))
        gradient = [entry.xreplace({s_minus: zero}) for entry in integrals.gradient(cell)]
        proof.equal("dead: the gradient for w1, b1 and w2 is 0", gradient[:3], [zero] * 3, cell.place)
    power = sympy.Symbol("P", positive=True)
    closed = mu * (1 - power) / (1 - mu)
    proof.equal("the series starts at 0", closed.subs(power, 1), zero)
    # One more step adds μ^(k+1) = μ P, and turns P into μ P.
    proof.equal(
        "the series grows by μ^(k+1)", sympy.cancel(closed.subs(power, mu * power) - closed), mu * power
    )
    z, beta = sympy.Symbol("z", real=True), sympy.Symbol("beta_e", negative=True)
    step = sympy.Symbol("eta", positive=True)
    at_zero = z - step * closed * beta
    threshold = 1 - z * (1 - mu) / (step * mu * beta)
    proof.equal("z_e vanishes at the stated μ^k", sympy.cancel(at_zero.subs(power, threshold)), zero)
    slope = sympy.cancel(at_zero.diff(power) * (1 - mu))
    proof.equal("z_e falls with μ^k if β_e < 0 and μ < 1", slope, step * mu * beta)
    m, v = sympy.Symbol("m", real=True), sympy.Symbol("v", positive=True)
    move = (
        -eta
        * beta1**k
        * m
        / (1 - beta1 ** (K + k))
        / sympy.sqrt(root2 ** (2 * k) * v / (1 - root2 ** (2 * K + 2 * k)))
    )
    stated = (beta1 / root2) ** k * sympy.sqrt(1 - root2 ** (2 * K + 2 * k)) / (1 - beta1 ** (K + k))
    ratio = sympy.powsimp(sympy.simplify((move / (-eta * m / sympy.sqrt(v) * stated)) ** 2), force=True)
    proof.equal("Adam's k-th move after death, ε = 0 (squared)", sympy.simplify(ratio), sympy.Integer(1))
    rho = sympy.Symbol("rho", positive=True)
    geometric = rho * (1 - power) / (1 - rho)
    proof.equal(
        "the sum of ρ^i grows by ρ^(k+1)",
        sympy.cancel(geometric.subs(power, rho * power) - geometric),
        rho * power,
    )
    default = sympy.Rational(9, 10) / sympy.sqrt(sympy.Rational(999, 1000))
    total = sympy.N(default / (1 - default), 30)
    proof.holds(
        "at the defaults ρ/(1 − ρ) rounds to 9.05", abs(total - sympy.Float("9.05")) < sympy.Float("0.005")
    )
    shrunk = (1 - eta * lam) * w1 * end + (1 - eta * lam) * b1
    proof.equal("decay of both multiplies z", shrunk, (1 - eta * lam) * (w1 * end + b1))
    return Result(
        *describe(__file__)[:3],
        status="proved",
        statement=STATEMENT,
        hypotheses=HYPOTHESES,
        proof=PROOF,
        not_claimed=NOT_CLAIMED,
        formulas=formulas(),
        checks=tuple(proof.checks),
    )


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the step, the drift of heavy ball and that of Adam."""
    z, zeta, beta, i, S, rho = sympy.symbols("z_e zeta_e beta_e i S rho")
    beta2 = sympy.Symbol("beta_2")
    term = rho**i * sympy.sqrt(1 - beta2 ** (K + i)) / (1 - beta1 ** (K + i))
    return (
        ("After a step of GD", sympy.Eq(sympy.Symbol("z_e'"), z - eta * zeta)),
        (
            "After k steps of heavy ball",
            sympy.Eq(sympy.Symbol("z_e(k)"), z - eta * mu * (1 - mu**k) / (1 - mu) * beta),
        ),
        ("Adam's drift, in units of η m/√v", sympy.Eq(S, sympy.Sum(term, (i, 1, sympy.oo)))),
    )


if __name__ == "__main__":
    raise SystemExit(main(derive))
