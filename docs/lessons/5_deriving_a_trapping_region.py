r"""
Deriving a trapping region
==========================

When is a neuron lost for good? A *trapping region* is a set that the dynamics cannot leave. We derive one with SymPy, in the
way the package's derivations do, and compare it with the function that evaluates it.
"""

import sympy

import gradflow as gf

# %%
# A neuron without a breakpoint on the input is a line, f(x) = a x + c with a = w₁ w₂ and c = w₂ b₁ + b₂. For the default
# problem the best line has the slope 1/2 and the level 1/4, and the loss is a quadratic around it.

w1, b1, w2, b2, x = sympy.symbols("w1 b1 w2 b2 x", real=True)
line = w2 * (w1 * x + b1) + b2
loss = (sympy.integrate((line - 0) ** 2, (x, -1, 0)) + sympy.integrate((line - x) ** 2, (x, 0, 1))) / 2
rho1, rho0 = w1 * w2 - sympy.Rational(1, 2), w2 * b1 + b2 - sympy.Rational(1, 4)
print(sympy.expand(loss - (rho1**2 / 3 + rho0**2 + sympy.Rational(1, 48))))

# %%
# So L = 1/48 + ρ₁²/3 + ρ₀². The breakpoint is at the end −1 when b₁ = w₁. How does b₁ − w₁ move under dθ/dt = −∇L?

velocity = {p: -sympy.diff(loss, p) for p in (w1, b1, w2, b2)}
gap = sympy.expand(velocity[b1] - velocity[w1])
r1, r0 = sympy.symbols("rho1 rho0")
print(sympy.factor(sympy.simplify(gap - (-2 * w2 * (rho0 - rho1 / 3)))) == 0)

# %%
# d(b₁ − w₁)/dt = −2 w₂ (ρ₀ − ρ₁/3): while w₂ > 0, ρ₁ ≥ 0 (too steep) and ρ₀ ≤ 0 (too low), the gap grows. It remains to
# show that these signs stay. Their rates form a linear system whose off-diagonal entries have one sign:

rate1 = sum(sympy.diff(rho1, p) * velocity[p] for p in (w1, b1, w2, b2))
rate0 = sum(sympy.diff(rho0, p) * velocity[p] for p in (w1, b1, w2, b2))
print(sympy.simplify(rate1 - (-2 * (w1**2 + w2**2) * rho1 / 3 - 2 * w1 * b1 * rho0)) == 0)
print(sympy.simplify(rate0 - (-2 * (1 + b1**2 + w2**2) * rho0 - 2 * w1 * b1 * rho1 / 3)) == 0)

# %%
# On ρ₀ = 0 the level falls, because ρ₁ ≥ 0 and w₁ b₁ > 0; on ρ₁ = 0 the slope rises. So nothing leaves the set
# {b₁ > w₁ > 0, w₂ > 0, ρ₁ ≥ 0, ρ₀ ≤ 0}: such a neuron stays a line for ever. That is theorem 13 for the default problem;
# the package evaluates it for any teacher and interval, with all rounding errors against it.

from gradflow.theory.signs import trapped_by_signs

print(trapped_by_signs(gf.Neuron(1.0, 1.1, 1.0, -1.5)), trapped_by_signs(gf.Neuron(1.0, 0.9, 1.0, -1.5)))

# %%
# How much of a square of starts it decides: "sign trap" below, beside the energy barrier (theorem 11) and the path trap
# (theorem 8).

found = gf.basins(b1=(0.0, 2.5, 50), b2=(-3.0, 1.0, 50))
print(found.decided_by_name.to_series().value_counts())
figure = gf.figures.outcomes(found, walls=(1.0,))
figure

# %%
# To read the proof with its hypotheses, and to cite it: ``gradflow derive 13``, or :doc:`/theorems/index`.
