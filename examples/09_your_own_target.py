"""
Your own target
===============

Any function of one variable: its graph is replaced by lines that stay within the error you name,
and for these the population loss is exact. Networks learn it under the flow or any optimiser.
"""

import numpy as np

import gradflow as gf
from gradflow.neuron.targets import interpolated

target = interpolated(lambda x: np.sin(3.0 * x), -1.0, 1.0, error=1e-4)
problem = gf.Problem(target=target)
print(target, "at 0.5:", float(problem.target_at(0.5)), "sin 1.5 =", np.sin(1.5))

# %%
# A target may also be knots that you write down (an x that stands twice is a jump), a network, or a
# name.

gf.Problem(target=gf.Knots([-1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]))

# %%

start = gf.networks.line.start("he", 16, seed=3)
run = gf.train(start, problem, gf.Adam(lr=0.02), steps=1500)
print("loss", float(run.loss[0]), "->", float(run.loss[-1]))

# %%

figure = gf.figures.students(run, problem)
figure
