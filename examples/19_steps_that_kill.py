"""
Steps that kill
===============

The flow never kills a balanced neuron, but one step of gradient descent may. Which rates do is a
formula; here it is beside what happens.
"""

import numpy as np

import gradflow as gf
from gradflow.theory.steps import killing_rates

start = gf.Neuron(b2=1.5)
rates = killing_rates(start)
print("one step kills from η =", float(rates.least))

# %%
# One step at many rates, and the activity afterwards: 0 is dead.

lr = np.linspace(0.0, 2.0 * float(rates.least), 201)
run = gf.train(start, gf.Problem(), gf.GD(lr=lr), steps=1)
dead = run.activity.isel(step=-1).values == 0
print("first rate of the grid that kills:", lr[dead][0])

# %%
# After 400 steps the losses along the axis of rates show more ways to be lost than the first step.

long = gf.train(start, gf.Problem(), gf.GD(lr=lr), steps=400, record_every=400)
losses = gf.figures.Panel(
    [gf.figures.Series("", lr, long.loss.isel(step=-1), "dots")],
    marks=[gf.figures.Mark("one step kills", float(rates.least))],
)
figure = gf.figures.loss_against([losses], xlabel="rate")
figure
