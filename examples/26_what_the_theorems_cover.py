"""
What the theorems cover
=======================

Before any simulation: which starts does a theorem decide from the state alone, and which one? What
is left is followed until one applies.
"""

import numpy as np

import gradflow as gf
from gradflow.ends.decision import THEOREMS, decide
from gradflow.proofs.catalogue import stated

b1, b2 = np.linspace(-2.5, 2.5, 81), np.linspace(-3.0, 3.0, 81)
found = decide(gf.Neuron(1.0, b1[:, None], 1.0, b2))
for code, name in enumerate(THEOREMS):
    share = float(np.mean(found.theorem == code))
    if share:
        print(f"{name:16} {share:6.1%}")

# %%
# ``gradflow derive 11`` states and proves the energy barrier; from Python, without proving it again:

print(stated("11").statement[:300], "…")

# %%
# One state explained: the theorem's hypotheses with their numbers and margins.

print(decide(gf.Neuron(b1=1.5, b2=-2.0)).explain())

# %%
# Undecided here means only: not decided from the start itself. Another teacher, another picture.

problem = gf.Problem(teacher=gf.Neuron(1.0, -0.5, 1.0, 0.5))
figure = gf.figures.decided(problem, n=120)
figure
