"""
The gradient as a formula
=========================

For a leaky neuron on [0, 2] the population gradient is a SymPy expression: one piecewise formula over
named cells, to substitute, differentiate, compile or print in LaTeX.
"""

import numpy as np
import sympy

import gradflow as gf

problem = gf.Problem(gf.Neuron(1.0, -1.0), gf.Uniform(0.0, 2.0), activation=(0.1, 1.0))
for name, condition in gf.symbolic.cells(problem).items():
    print(f"{name:32} {condition}")

# %%
# In one cell it is a rational function; everywhere it is a ``Piecewise`` of these.

print(sympy.latex(gf.symbolic.gradient(problem, "hyperactive")[3]))
loss = gf.symbolic.loss(problem)
print(loss.subs({"w1": 1, "b1": sympy.Rational(-1, 2), "w2": 1, "b2": 0}))

# %%
# Compiled for NumPy it equals the numeric loss, along a line of starts that crosses cells. (What
# ``lambdify`` makes of conditions wants arrays of one shape.)

w1, b1, w2, b2 = sympy.symbols("w1 b1 w2 b2")
compiled = sympy.lambdify((w1, b1, w2, b2), loss, "numpy")
line = np.linspace(-3.0, 1.0, 81)
values = compiled(*np.broadcast_arrays(1.0, line, 1.0, 0.0))
print(np.abs(values - gf.loss(gf.Neuron(1.0, line), problem)).max())

# %%

curves = [gf.figures.Series("", line, values)]
frame = gf.figures.Frame(gf.figures.Panel(curves), "$b_1$", "loss", yscale="log")
figure = gf.figures.sheet([frame], columns=1, width=gf.figures.SINGLE)
figure
