"""Balancedness Q = w1² + b1² − w2² is conserved by the gradient flow, and L falls at the rate |∇L|².

Proves both on every cell, and along solutions across walls.
"""

from __future__ import annotations

import sympy

from gradflow.proofs import integrals
from gradflow.proofs.cells import PARAMETERS, Expr, Piece, b1, cells, origins, w1, w2, x
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

Q = w1**2 + b1**2 - w2**2

STATUS = "proved"
STATEMENT = """
(1) For every θ with (w1, b1) ≠ (0, 0), w1 ∂L/∂w1 + b1 ∂L/∂b1 = w2 ∂L/∂w2. Hence along every solution of the
gradient flow dθ/dt = −∇L that avoids w1 = b1 = 0, whichever walls it crosses, Q = w1² + b1² − w2² is
constant and dL/dt = −|∇L|².

(2) A solution with Q > 0 stays away from w1 = b1 = 0: w1² + b1² ≥ Q. A solution with Q < 0 keeps the sign of
w2: w2² ≥ −Q.

(3) More generally the identity holds for every φ that is positively homogeneous of degree one, every teacher
(any function) and every distribution of the inputs for which ∇L = 2 E[r ∂f], samples included.
"""

HYPOTHESES = (
    "On the cells and walls: those of the loss (derivation 1) and of continuity (derivation 4).",
    "A solution is a continuously differentiable curve θ(t) with dθ/dt = −∇L(θ).",
    "In (3): φ(c z) = c φ(z) for c > 0, that is φ(z) = s₋ z for z < 0 and s₊ z for z > 0.",
)

PROOF = """
Pointwise. Where z = w1 x + b1 ≠ 0, φ(z) = s z with s = φ′(z), and w1 ∂f/∂w1 + b1 ∂f/∂b1 − w2 ∂f/∂w2 = w2
s (w1 x + b1) − w2 s z = 0 (Euler's relation). At z = 0 the left side is 0 whatever value φ′(0) is given,
because it multiplies w1 x + b1 = 0. Multiplying by 2 r and taking the expectation gives the general
statement.

On cells. Independently of that argument, w1 g₁ + b1 g₂ − w2 g₃, with the closed form g of the gradient
(derivation 2), is a rational function whose numerator expands to 0 on each of the 20 cells. By derivation
4 the gradient is continuous across walls, so the identity holds on them too.

Along a solution. L and Q are continuously differentiable off w1 = b1 = 0, so the chain rule gives dQ/dt =
−∇Q · ∇L = −2 (w1 g₁ + b1 g₂ − w2 g₃) = 0 and dL/dt = −∇L · ∇L, at every time, on walls too. The script
forms both products from the derivatives of Q and of the closed-form L.
"""

PROVED_BY = (
    (
        "(1)",
        ("dQ/dt = 0 on the cell", "dL/dt = −|∇L|² on the cell"),
        "the walls, by continuity (derivation 4), and the chain rule along a solution",
    ),
    ("(2)", (), "w1² + b1² = Q + w2², with Q constant by (1)"),
    (
        "(3)",
        ("Euler's relation holds pointwise, on either side of 0",),
        "the expectation of the pointwise identity, and inputs with z = 0",
    ),
)

NOT_CLAIMED = (
    "Existence, uniqueness and what happens at w1 = b1 = 0. (With φ′(0) = s₋ the identity holds there "
    "as well, as this script checks, but the field is not continuous there.)",
    "Conservation under gradient descent with a finite rate, under momentum or under Adam: Q then drifts.",
    "Anything for activations that are not homogeneous (SiLU, GELU, softplus, tanh).",
)


def prove(proof: Proof) -> None:
    for side in ("s_-", "s_+"):
        piece = Piece(x, x, sympy.Symbol(side, real=True), sympy.Integer(0))
        of_w1, of_b1, of_w2, _ = integrals.output_gradient(piece, x)
        proof.equal(
            "Euler's relation holds pointwise, on either side of 0", w1 * of_w1 + b1 * of_b1, w2 * of_w2
        )
    rate_of_balance = integrals.derivative(Q)
    for cell in cells():
        gradient = integrals.gradient(cell)
        velocity = [-entry for entry in gradient]
        balance = dot(rate_of_balance, velocity)
        proof.equal("dQ/dt = 0 on the cell", balance, sympy.Integer(0), cell.place)
        loss_rate = dot(integrals.derivative(integrals.loss(cell)), velocity)
        proof.equal("dL/dt = −|∇L|² on the cell", loss_rate, -dot(gradient, gradient), cell.place)
    for dead, origin in origins():
        balance = dot(rate_of_balance, integrals.gradient(dead))
        proof.equal("at w1 = b1 = 0 the identity holds with φ′(0) = s₋", balance, sympy.Integer(0), origin)


def dot(a: list[Expr], b: list[Expr]) -> Expr:
    """Return the scalar product."""
    return sum((u * v for u, v in zip(a, b, strict=True)), sympy.Integer(0))


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return Q and the identity that conserves it."""
    g_w1, g_b1, g_w2, g_b2 = (sympy.Symbol(f"L_{parameter}") for parameter in PARAMETERS)
    rate = -(g_w1**2 + g_b1**2 + g_w2**2 + g_b2**2)
    return (
        ("Balancedness", sympy.Eq(sympy.Symbol("Q"), Q)),
        ("The identity, with the derivatives of L", sympy.Eq(w1 * g_w1 + b1 * g_b1, w2 * g_w2)),
        ("The energy identity", sympy.Eq(sympy.Symbol("dL/dt"), rate)),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
