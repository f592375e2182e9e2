"""
Where Adam goes and the flow does not
=====================================

The plane of breakpoint and output bias shows both at once. Left of the first wall a neuron is a
line on the whole input, right of the second it is dead.
"""

import numpy as np

import gradflow as gf

starts = gf.Neuron(b2=np.array([-2.0, -1.2, -0.5, 1.5, 2.0]))
adam = gf.train(starts, gf.Problem(), gf.Adam(lr=0.01), steps=4000)
flows = [gf.gradient_flow(gf.Neuron(b2=b2), t_end=100.0) for b2 in starts.b2]

# %%
# Who ends where: the flow brings four of the five home.

for b2, run, name in zip(starts.b2, flows, adam.outcome_name.values):
    print(f"b2 = {b2:4.1f}: flow {run.outcome_name.item():9} Adam {name}")

# %%
# Each run keeps its crossings: when the breakpoint passed a wall or the teacher.

print(gf.crossings(adam).to_dataframe())

# %%

figure = gf.figures.trajectories({"flow": flows, "Adam": adam})
figure
