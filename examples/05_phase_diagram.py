"""
A phase diagram
===============

Where does each start (b1, b2) end under the gradient flow? ``basins`` decides every point of a
grid, by a theorem where one applies, which is why it is quick and why the answer lasts.
"""

import gradflow as gf

found = gf.basins(b1=(-2.5, 2.5, 60), b2=(-3.0, 3.0, 60))
print(found.outcome_name.to_series().value_counts())

# %%
# What decided: the flow was followed until a theorem applied. ("simulation" would say that none ever
# did.)

print(found.decided_by_name.to_series().value_counts())

# %%
# Dashed: the walls b1 = ±w1. Left of the first every start is dead, right of the second a line.

figure = gf.figures.outcomes(found, walls=(-1.0, 1.0))
figure
