"""
A network learns |x|
====================

With several neurons nothing changes in kind: the population loss of a network with one input is a sum over pairs of neurons,
and still exact. Two neurons can represent |x|; twenty learn it. What happens to their breakpoints?
"""

import numpy as np

import gradflow as gf

problem = gf.Problem(target="abs")
start = gf.networks.line.start("uniform", 20, seed=1)
print(start.w1.shape, "loss", gf.loss(start, problem))

# %%
# Flow and Adam from the same start.

runs = {
    "flow": gf.gradient_flow(start, problem, t_end=50),
    "Adam": gf.train(start, problem, gf.Adam(0.01), steps=2000),
}
for name, run in runs.items():
    print(f"{name}: loss {run.loss.values[-1]:.2e}")

# %%
# Losses, breakpoints and what the networks return.

figure = gf.figures.network_runs(runs, problem)
figure

# %%
# Some neurons end dead or as lines: their breakpoints have left the input. Count those that stay inside.

for name, run in runs.items():
    w1, b1 = run.w1.values[-1], run.b1.values[-1]
    with np.errstate(divide="ignore"):
        inside = np.abs(b1 / w1) < 1
    print(f"{name}: {inside.sum()} of {inside.size} breakpoints are inside the input at the end")

# %%
# The target may be any function. `interpolated` finds the knots of one to a given error; `gf.Knots` takes your own.

wave = gf.Problem(target=gf.interpolated(lambda x: np.sin(3 * x), -1, 1, 1e-6))
run = gf.train(start, wave, gf.Adam(0.01), steps=2000)
figure = gf.figures.students(run, wave, count=3)
figure
