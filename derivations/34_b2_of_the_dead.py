"""How far adaptive steps can take b2 of a dead neuron from the best constant, for ever.

A dead neuron's b2 has the gradient 2 (b2 − E f*) and adaptive steps never come to rest: but no step is
long, and what momentum carries past the best constant is a geometric series.
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

eta, y = sympy.symbols("eta y", positive=True)
beta1, alpha, mu = sympy.symbols("beta_1 alpha mu", positive=True)

STATUS = "proved"
STATEMENT = """
Let a neuron be dead for ever after K updates (derivation 12, part 8), at a constant rate η and without
decay. Its y = b2 − E f* has the gradient 2 y. y(0), m, v and the buffer are those after K updates.

(1) RMSProp without momentum, α < 1: |y| ≤ max(|y(0)|, B) at all later steps and lim sup |y| ≤ B, with B =
η/√(1 − α). With a momentum μ and the buffer q: |y| ≤ max(|y(0)| + D, B) and lim sup |y| ≤ B, with B =
η/((1 − μ)² √(1 − α)), and D = η μ |q|/(1 − μ) if q y(0) < 0, else 0.

(2) Adam and AdamW, also AMSGrad and with Keras' ε, if ρ = β1/√β2 < 1: no step is longer than s/(1 − β1^k)
at the k-th update, with s = η (1 − β1)/√((1 − β2) (1 − ρ β1/√β2)). |y| ≤ max(|y(0)| + D, B/(1 − β1^(K+1)))
at all later steps and lim sup |y| ≤ B, with B = s/(1 − ρ), and D that of derivation 12 (8) (c) for m and v
of b2 if m y(0) < 0, else 0.

(3) So in the end the loss exceeds the best constant's by B² at most. At the defaults B is 10 η for RMSProp
and less than 73.2 η for Adam.
"""

HYPOTHESES = (
    "Those of derivation 12: s₋ = 0, full gradients, a constant rate, no decay; RMSProp is not centred.",
    "Moments and buffer were 0 before the first update of the training that led to the state, and the betas, "
    "α and μ, were the same all along.",
    "Exact arithmetic. 0/0 is 0: where v = ε = 0 nothing moves.",
)

PROOF = """
(1) v ≥ (1 − α) g², so |g|/(√v + ε) ≤ 1/√(1 − α). Without momentum a step has the sign of −y and at most
the length B: |y| falls, or the other side is reached, at most B − |y| away (checked). So |y| ≤ max(|y(0)|,
B), and once |y| ≤ B this lasts. While |y| > B it falls by at least 2 η B/(√V + ε), V the largest v, which
is bounded with y: it comes below B. With momentum no entry of the buffer's sum is larger than 1/√(1 − α),
and so |q| ≤ 1/((1 − μ) √(1 − α)). Let y > 0. While q < 0 it is multiplied by μ, and 2 y/(√v + ε) > 0 is
added: |q| falls at least by the factor μ, and y grows by less than η |q| (μ + μ² + …); once q > 0 it
remains so, and y falls, until it is no longer positive. So |y| grows only from the state after K updates,
by D at most, or after a change of sign: then the step that led past 0 and all that follow in its direction
have at most the lengths η |q| (1 + μ + …) = η |q|/(1 − μ) ≤ B together. Where the sign changes for ever,
|y| ≤ B from the first change on. Where it does not, let y > 0 in the end. q > 0 in the end, because while
q < 0 y does not fall, and what is added to q does not tend to 0. So y falls to a limit; if it were
positive, v and q would tend to positive numbers, and y would fall for ever by steps of a positive length.
The limit is 0.

(2) m is (1 − β1) Σ β1^i g_i and v is (1 − β2) Σ β2^i g_i², i counting back. By Cauchy and Schwarz m² ≤ (1
− β1)² Σ (β1²/β2)^i Σ β2^i g_i² ≤ (s/η)² v, the first sum being at most 1/(1 − β1²/β2). The k-th step has
at most the length η |m|/((1 − β1^k) √v) (derivation 12 (8)). Let y > 0. While m < 0, |m| falls at least by
the factor β1 in a step and √v by at most √β2: the lengths fall at least like ρ^j/(1 − β1^k), k being the
first of them. Once m > 0 it remains so while y > 0. The rest is as in (1), with D from derivation 12,
where no gradient is added; the gradient there makes |m| smaller and v larger. AMSGrad's u is at least v
and does not fall.

(3) The loss of a dead neuron is y² and a constant (derivation 7). 1/√(1 − 0.99) = 10; for Adam (checked).
"""

PROVED_BY = (
    (
        "(1)",
        ("past 0 by less than B", "the series of 1/(1 − μ)"),
        "signs and geometric series, and why y that does not change its sign any more tends to 0",
    ),
    ("(2)", ("the series of 1/(1 − μ)", "s² for β1 = 0"), "Cauchy and Schwarz, and the argument of (1)"),
    ("(3)", ("Adam's defaults: B < 73.2 η", "RMSProp's defaults: B = 10 η"), ""),
)

NOT_CLAIMED = (
    "That b2 comes to rest, or that it does not; that the bounds are attained. (RMSProp's is, in a first "
    "step from close by with ε = 0; Adam's is not what is seen.)",
    "Centred RMSProp, β1 ≥ √β2, rates that change, decay.",
    "States that training did not lead to: a large m beside a small v takes a longer step.",
)

RELATED = (
    "Kingma and Ba (arXiv 1412.6980), section 2.1: |Δ| ≤ η (1 − β1)/√(1 − β2), meant for a gradient that "
    "was 0 before; s has the sum of all gradients.",
)


def prove(proof: Proof) -> None:
    rest = sympy.Symbol("r", nonnegative=True)
    # A step of the length y + more past y > 0, where B = y + more + r.
    more = sympy.Symbol("more", nonnegative=True)
    past = (y + more) - y
    proof.holds("past 0 by less than B", bool(((y + more + rest) - past).is_positive))
    i = sympy.Symbol("i", integer=True, nonnegative=True)
    partial = (1 - mu ** (i + 1)) / (1 - mu)
    grows = sympy.simplify(partial.subs(i, i + 1) - partial - mu ** (i + 1))
    proof.holds("the series of 1/(1 − μ)", grows == 0)
    # With β2 = α here: s² = η² (1 − β1)²/((1 − α)(1 − β1²/α)).
    squared = (1 - beta1) ** 2 / (1 - alpha) * (1 / (1 - beta1**2 / alpha))
    proof.equal("s² for β1 = 0", squared.subs(beta1, 0), 1 / (1 - alpha))
    defaults = {beta1: sympy.Rational(9, 10), alpha: sympy.Rational(999, 1000)}
    rho = (beta1 / sympy.sqrt(alpha)).subs(defaults)
    bound = sympy.sqrt(squared.subs(defaults)) / (1 - rho)
    proof.holds("Adam's defaults: B < 73.2 η", bool(bound < sympy.Rational(732, 10)))
    proof.equal(
        "RMSProp's defaults: B = 10 η", 1 / sympy.sqrt(1 - sympy.Rational(99, 100)), sympy.Integer(10)
    )


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the bounds in the long run."""
    bound, beta2 = sympy.symbols("B beta_2")
    ratio = beta1 / sympy.sqrt(beta2)
    s = eta * (1 - beta1) / sympy.sqrt((1 - beta2) * (1 - beta1**2 / beta2))
    return (
        ("RMSProp", sympy.Eq(bound, eta / ((1 - mu) ** 2 * sympy.sqrt(1 - alpha)))),
        ("Adam", sympy.Eq(bound, s / (1 - ratio))),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
