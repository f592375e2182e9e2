"""
Early alignment on your data
============================

Before a two-layer network from small initialisation fits anything, its neurons turn to the data of
their sign. Give it your own inputs and labels ±1.
"""

import numpy as np

from gradflow.networks import two_layer
from gradflow.networks.two_layer.record import flow_dataset
from gradflow.study.figures.course import course

rng = np.random.default_rng(0)
angles = np.concatenate([rng.normal(0.6, 0.2, 5), rng.normal(2.8, 0.2, 5)])
data = two_layer.Dataset(
    np.stack([np.cos(angles), np.sin(angles)], axis=1), np.repeat([1.0, -1.0], 5), "mine"
)
objective = two_layer.Objective(data)

# %%
# The scale of the start may be as small as you like; every change of an activation is located.

start = two_layer.balanced(12, 2, log_scale=-20.0)
path = two_layer.gradient_flow(start, objective, t_end=12.0)
for check in two_layer.check_theory(path, objective, log_epsilon=-20.0)[:4]:
    print(check.name, check.holds)

# %%

figure = course(flow_dataset(path, objective), data.inputs, data.labels)
figure
