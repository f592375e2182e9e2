"""
A leak saves the dead, not the lines
====================================

With slope s below zero a neuron that left the input on the dead side has a gradient again. The same
grid of starts for ReLU and two leaky neurons, each with a teacher of its own kind: of what a leak
saves some is still on its way (undecided), and a large one makes more lines.
"""

import gradflow as gf

grid = {"b1": (-2.5, 2.5, 40), "b2": (-3.0, 3.0, 40)}
found = {}
for slope in (0.0, 0.01, 0.3):
    problem = gf.Problem(activation=(slope, 1.0))
    found[f"s = {slope:g}"] = gf.basins(problem, **grid, method="gd", lr=0.1, steps=4000)
    print(slope, found[f"s = {slope:g}"].outcome_name.to_series().value_counts().to_dict())

# %%

figure = gf.figures.outcomes(found, walls=(-1.0, 1.0))
figure
