"""A neuron without a kink, far enough from the walls, keeps none and converges to the best line.

Bounds the path that the flow still has to go; a neuron farther than that from both walls is trapped.
"""

from __future__ import annotations

import sympy

from gradflow.scripts import describe
from gradflow.symbolic import integrals
from gradflow.symbolic.cells import (
    DEAD,
    DEFAULT,
    HYPERACTIVE,
    KINDS,
    LENGTH,
    Cell,
    Expr,
    Kind,
    Place,
    b1,
    b2,
    hi,
    lo,
    q,
    w1,
    w2,
    x,
)
from gradflow.symbolic.proof import NOWHERE, Proof, vanishes
from gradflow.symbolic.render import main
from gradflow.symbolic.result import Result

s, m, slope, mean, line_loss, y = sympy.symbols("s m a mu_f L_line y", real=True)
root_v = sympy.Symbol("root_V", positive=True)
gap = sympy.Symbol("Delta", nonnegative=True)
V = root_v**2
TRACE = V + m**2 + 1
DISCRIMINANT = TRACE**2 - 4 * V

STATEMENT = """
Let the pre-activation be positive on the whole input (hyperactive; s = s₊) or negative on the whole input
(dead; s = s₋), m = E x, V = Var x > 0, a = Cov(x, f*)/V the slope of the best line and L_line its loss.
With ρ₁ = s w1 w2 − a and ρ₀ = s w2 (m w1 + b1) + b2 − E f*, the loss is L = L_line + e, e = V ρ₁² + ρ₀².
Let κ be the smaller eigenvalue of the matrix M with rows (V, m √V) and (m √V, m² + 1), and c = |s| √κ.
Then 0 < κ ≤ 1, and |∇L|² ≥ 4 κ (s w2)² e.

Path. Suppose that s ≠ 0, w2 ≠ 0 and w2² ≥ 2 √e/c at t = 0. As long as the solution of dθ/dt = −∇L stays
off the walls, it moves along a path no longer than ℓ = |w2| − √(w2² − 2 √e/c), the values on the right
being those at t = 0.

Trap. The walls are the lines w1 lo + b1 = 0 and w1 hi + b1 = 0 of the (w1, b1) plane, at the distances
d_lo = |w1 lo + b1|/√(1 + lo²) and d_hi = |w1 hi + b1|/√(1 + hi²). Suppose also that d_lo > ℓ and d_hi > ℓ.
Then the solution exists and stays off the walls for all t ≥ 0; w2 keeps its sign; these hypotheses hold at
every later time too; the solution converges to a critical point at which e = 0, where f is the best line;
and e(t) ≤ e(0) exp(−4 c² (|w2| − ℓ)² t).

The same holds, with s, m, V, a and E f* those of the distribution, for every distribution of inputs on [lo,
hi] with V > 0 and every teacher with finite E f*²; so it does for a sample whose smallest and largest input
are lo and hi (d_lo and d_hi are then distances to the walls at these two inputs, and no input of the sample
crosses the breakpoint).

For the default problem and a hyperactive neuron κ = 1/3, |∇L|² ≥ (4/3) w2² e, c = 1/√3, ℓ = |w2| − √(w2² −
2 √(3 e)) and the distances are |b1 ± w1|/√2.
"""

HYPOTHESES = (
    "Those of the loss (derivation 1), for the population; for another distribution, L = E[(f − f*)²] and "
    "∇L = 2 E[(f − f*) ∂f], with inputs in [lo, hi], Var x > 0 and finite E f*².",
    "A solution is a continuously differentiable curve with dθ/dt = −∇L; only the gradient off the walls is "
    "used. Expectations and distances are exact, not rounded.",
    "s is the slope of φ on the side in use, not 0. So for ReLU the result is about hyperactive neurons.",
)

PROOF = """
The identity. On one side of the walls f = s w2 (w1 x + b1) + b2 for every input, so L is the expectation of
a polynomial of second degree in x and f*, and only the moments m, V, E f*, Cov(x, f*) and Var f* enter.
Replacing the monomials by moments gives L − L_line − e, which expands to 0, and 2 E[(f − f*) ∂f] is compared
with the derivative of e. Independently, the closed forms of L and ∇L (derivations 1 and 2) for each kind of
teacher are compared with both at m = (lo + hi)/2 and V = (hi − lo)²/12, E f* and a from their integrals.

The inequality. With u = (√V ρ₁, ρ₀), e = u·u, and (∂L/∂w1)² + (∂L/∂b1)² = 4 (s w2)² u·Mu. M has trace T = V
+ m² + 1 and determinant V > 0. With Δ = √(T² − 4 V), where T² − 4 V = (V − m² − 1)² + 4 m² V ≥ 0, the smaller
eigenvalue is κ = (T − Δ)/2 = 2 V/(T + Δ) > 0. N = M − κ has trace Δ and determinant 0, so N² = Δ N, and Δ
u·Nu = |Nu|² ≥ 0; where Δ = 0, T² = 4 V forces m = 0 and V = 1, and N = 0. So u·Mu ≥ κ u·u. At ρ₁ = 0 < ρ₀
... m² V = (1 − κ)(κ' − 1)·V with κ' = T − κ ≥ κ, κ + κ' − κκ' − 1 = m² ≥ 0, hence κ ≤ 1 ≤ κ'.
"""
