"""
The flow and gradient descent on one axis
=========================================

One step of gradient descent at rate η advances time by η, so runs at different rates belong on one
axis, t = ηk. Small rates follow the flow; large ones do not, and the largest kills the neuron.
"""

import gradflow as gf
from gradflow.theory.steps import largest_safe_rate

start = gf.Neuron(b2=-1.2)
flow = gf.gradient_flow(start, t_end=30.0)
rates = [0.05, 0.2, 0.4, 0.6]
descent = gf.train(start, gf.Problem(), gf.GD(lr=rates), steps=600)

# %%
# An array of rates is a batch: one run, with an axis called ``lr``.

print(descent[["outcome_name", "decided_by_name"]].to_dataframe())
print("one step leaves this neuron balanced below the rate", float(largest_safe_rate(start)))

# %%

figure = gf.figures.loss({"flow": flow, "GD": descent}, against="time")
figure.axes[0].set_xlim(0, 30)
figure
