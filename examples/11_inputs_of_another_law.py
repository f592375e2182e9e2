"""
Inputs of another law
=====================

Uniform inputs are the default. Normal ones, or a density of your own in steps, keep the loss exact.
Theorems, and `gf.basins`, which asks them, refuse such problems instead of answering for another
one; `gf.networks.line.basins` and `.threshold` take them.
"""

import numpy as np

import gradflow as gf

normal = gf.Problem(law=gf.Normal(mean=0.3, std=0.5))
x = np.linspace(-2.0, 2.0, 41)
density = gf.Steps(x, np.exp(-np.abs(x[:-1])))
laplace = gf.Problem(law=density)
for name, problem in (("uniform", gf.Problem()), ("normal", normal), ("Laplace, in steps", laplace)):
    print(
        f"{name:18} loss of the zero function {float(gf.loss(gf.Network([1.0], [0.0], [0.0]), problem)):.6f}"
    )

# %%
# The same start under each law.

start = gf.Network([1.0], [0.0], [1.0], -1.2)
runs = {
    "uniform": gf.gradient_flow(start, gf.Problem(), t_end=30.0),
    "normal": gf.gradient_flow(start, normal, t_end=30.0),
    "Laplace": gf.gradient_flow(start, laplace, t_end=30.0),
}

# %%

figure = gf.figures.loss(runs)
figure
