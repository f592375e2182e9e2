"""
Minibatches
===========

Steps on a few inputs at a time, drawn epoch by epoch or with replacement. The loss that is recorded is
that of the whole sample, so the curves compare: on five inputs a step it keeps jumping above where
steps on all inputs bring it, and a rate that falls in the end calms it.
"""

import numpy as np

import gradflow as gf
from gradflow.descent.schedules import Cosine

x = np.linspace(-1.0, 1.0, 100)
y = np.abs(x) + 0.2 * np.random.default_rng(1).standard_normal(x.size)
problem = gf.Problem(inputs=gf.Sample(x, targets=y))
start, rate, steps = gf.networks.line.start("uniform", 10, seed=1), gf.GD(lr=0.2), 1000

runs = {
    "5 with replacement": gf.train(start, problem, rate, steps, batch=5, seed=2, replacement=True),
    "5 by epochs": gf.train(start, problem, rate, steps, batch=5, seed=2),
    "5, cosine": gf.train(start, problem, rate, steps, batch=5, seed=2, schedule=Cosine(steps)),
    "all 100": gf.train(start, problem, rate, steps),
}
for name, run in runs.items():
    print(name, "loss over the last 200 steps", float(run.loss[-200:].mean()))

# %%
# Without a sample a minibatch is drawn from the law of the inputs, anew at each step. Here the target is
# one that the network can return, so the noise of the draws vanishes with the loss.

fresh = gf.train(start, gf.Problem(target="abs"), rate, steps, batch=5, seed=2)
print("from the law", float(fresh.loss[-1]))

# %%

figure = gf.figures.loss(runs)
figure.axes[0].set(yscale="linear", ylim=(0.02, 0.1))
figure
