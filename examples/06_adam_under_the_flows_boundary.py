"""
A phase diagram under Adam, with the flow's boundary over it
============================================================

How much of what the flow brings home does Adam lose at rate 0.05? One figure at the width of a
journal's column.
"""

import gradflow as gf

grid = {"b1": (-2.0, 2.0, 60), "b2": (-2.5, 2.5, 60)}
flow = gf.basins(**grid)
adam = gf.basins(**grid, method="adam", lr=0.05, steps=3000)

# %%
# Both have the same coordinates, so counting is one expression.

home = flow.outcome_name == "global"
kept = home & (adam.outcome_name == "global")
# Single specks are "undecided": the last step of these runs is in one of the bursts that Adam has at a
# constant rate, and more steps only give other specks.
print(f"the flow brings {float(home.mean()):.0%} home, Adam keeps {float(kept.mean()):.0%} of all starts")

# %%

figure = gf.figures.outcomes(adam, over={"the flow": flow}, walls=(-1.0, 1.0))
figure
