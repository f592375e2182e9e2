"""
The limit of small starts
=========================

As the scale of the start goes to zero, alignment becomes a sequence of events that is computed
exactly. The flow at scale exp(−30 000), no number that a computer holds, is already there.
"""

import numpy as np

from gradflow.networks import two_layer
from gradflow.networks.two_layer.record import flow_dataset
from gradflow.study.figures import Curve, Curves, sheet

data = two_layer.toy_plane()
objective = two_layer.Objective(data)
start = two_layer.balanced(10, 2, log_scale=-30_000.0)
limit = two_layer.limit_flow(start, objective)
path = two_layer.gradient_flow(start, objective, t_end=5.0)
print(
    len(path.crossings), "changes of an activation before t = 5;", type(limit).__name__, "has the exact ones"
)

# %%
# Each neuron's cosine with the data of its sign, while the loss has not moved at all.

run = flow_dataset(path, objective)
signs = run.output_sign.isel(time=-1)
cosines = np.where(signs > 0, run.cos_positive, run.cos_negative)
print("loss at the start and at t = 5:", float(run.loss[0]), float(run.loss[-1]))

# %%

curves = [Curve("", run.time, cosines[:, j], marked=False, look=0) for j in range(6)]
figure = sheet([Curves(curves, "time $t$", "cosine", shares=False, legend=None)], columns=1, width=3.25)
figure
