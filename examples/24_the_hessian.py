"""
How sharp are the ends?
=======================

The Hessian is exact too. Its largest eigenvalue bounds the rates that a minimum can hold: gradient
descent stays at it for η < 2/λ.
"""

import numpy as np

import gradflow as gf

w1 = np.linspace(0.3, 3.0, 109)
teachers = gf.Neuron(w1, 0.0, 1.0 / w1, 0.0)
sharpness = np.linalg.eigvalsh(np.moveaxis(gf.hessian(teachers), (0, 1), (-2, -1)))[:, -1]
best = sharpness.argmin()
print(f"flattest of all global minima: w1 = {w1[best]:.3f}, it holds rates up to {2.0 / sharpness[best]:.4f}")

# %%
# A rate that the minimum at w1 = 2.5 cannot hold: gradient descent leaves it and ends in a flatter
# one.

start = gf.Neuron(2.5, 0.05, 0.4, 0.0)
run = gf.train(start, gf.Problem(), gf.GD(lr=0.7), steps=3000)
print("from w1 = 2.5 to", float(run.w1[-1]), "with loss", float(run.loss[-1]))

# %%

frame = gf.figures.Frame(
    gf.figures.Panel(
        [
            gf.figures.Series("", w1, 2.0 / sharpness),
        ],
        levels=[gf.figures.Level("rate 0.7", 0.7)],
    ),
    "$w_1$ of a global minimum",
    "largest rate that it holds",
)
figure = gf.figures.sheet([frame], columns=1, width=3.25)
figure
