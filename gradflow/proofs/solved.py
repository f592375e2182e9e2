"""A neuron whose output parameters are solved for (derivation 21): the loss that is left, and signs by Sturm.

P is the loss at the best b2, or at the best w2 and b2.
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr
from gradflow.proofs.proof import Proof

w2, b2, x, p = sympy.symbols("w2 b2 x p", real=True)
ZERO, ONE = sympy.Integer(0), sympy.Integer(1)


def prove_solving(proof: Proof) -> None:
    """Prove the solved values, the envelope theorem and the Schur complement."""
    mean, square, target, mixed, energy = sympy.symbols("m_φ m_φφ m_f m_φf m_ff", real=True)
    L = w2**2 * square + b2**2 + energy + 2 * w2 * b2 * mean - 2 * w2 * mixed - 2 * b2 * target
    bias = target - w2 * mean
    proof.equal("b2* = E f* − w2 E φ", L.diff(b2).subs(b2, bias), ZERO)
    variance, covariance = square - mean**2, mixed - mean * target
    solved = L.subs(b2, bias)
    proof.equal("with b2*, ∂L/∂w2 = 2 (w2 Var φ − Cov)", solved.diff(w2), 2 * (w2 * variance - covariance))
    left = energy - target**2 - 2 * w2 * covariance + w2**2 * variance
    proof.equal("with b2*, L = Var f* − 2 w2 Cov + w2² Var φ", solved, left)
    # Second-order jets, at the point y = 0, of the coefficients of L = m a² + 2 l a + k.
    y1, y2, a = sympy.symbols("y1 y2 a", real=True)
    basis = (ONE, y1, y2, y1**2, y1 * y2, y2**2)
    curvature = sympy.Symbol("m_0", positive=True)
    m, slope, k = (
        sum((value * term for value, term in zip(jet, basis, strict=True)), ZERO)
        for jet in (
            (curvature, *sympy.symbols("m_1:6", real=True)),
            sympy.symbols("l_0:6", real=True),
            sympy.symbols("k_0:6", real=True),
        )
    )
    L, P, here = m * a**2 + 2 * slope * a + k, k - slope**2 / m, {y1: ZERO, y2: ZERO}
    there = here | {a: (-slope / m).subs(here)}
    for first in (y1, y2):
        proof.equal("∇P is ∇L there", P.diff(first).subs(here), L.diff(first).subs(there))
        for second in (y1, y2):
            mixed_parts = L.diff(first).diff(a) * L.diff(second).diff(a) / (2 * curvature)
            schur = (L.diff(first).diff(second) - mixed_parts).subs(there)
            proof.equal("the Hessian is a Schur complement", P.diff(first).diff(second).subs(here), schur)


def best(side: int) -> tuple[Expr, Expr, Expr]:
    """Return Var φ_p, w*(p) and P*(p) of the default problem for p of a sign, for w1 > 0."""
    ramp, teacher = x - p, x
    start = p if side > 0 else ZERO

    def mean(integrand: Expr, left: Expr) -> Expr:
        return sympy.integrate(sympy.expand(integrand), (x, left, 1)) / 2

    variance = mean(ramp**2, p) - mean(ramp, p) ** 2
    covariance = mean(ramp * teacher, start) - mean(ramp, p) * mean(teacher, ZERO)
    spread = mean(teacher**2, ZERO) - mean(teacher, ZERO) ** 2
    return variance, sympy.cancel(covariance / variance), sympy.cancel(spread - covariance**2 / variance)


def zeros(expression: Expr, side: int) -> int:
    """Return how many zeros and poles a rational function of p has in (−1, 0) or (0, 1) (Sturm)."""
    ends, found = (-1, 0) if side < 0 else (0, 1), 0
    for part in sympy.fraction(sympy.cancel(expression)):
        polynomial = sympy.Poly(part, p)
        found += polynomial.count_roots(*ends) - sum(polynomial.eval(end) == 0 for end in ends)
    return int(found)


def keeps_its_sign(expression: Expr, side: int) -> int:
    """Return the sign that a rational function of p has on (−1, 0) or (0, 1), else 0."""
    middle = sympy.sign(expression.subs(p, sympy.Rational(side, 2)))
    return 0 if zeros(expression, side) else int(middle)
