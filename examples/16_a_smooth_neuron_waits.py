"""
A smooth neuron waits
=====================

SiLU has no dead region: a neuron that ReLU would lose keeps a gradient, and comes home. The price
is a plateau, whose length is a matter of theory.
"""

import gradflow as gf

start = gf.Neuron(b1=-1.5, b2=0.5)
relu = gf.gradient_flow(start, t_end=400.0)
silu = gf.gradient_flow(start, gf.Problem(activation="silu"), t_end=400.0)
print("ReLU", relu.outcome_name.item(), " SiLU", silu.outcome_name.item(), float(silu.loss[-1]))

# %%
# The student of the SiLU run over its target, which is a SiLU neuron too.

print(gf.Neuron()([-2.0, 0.0, 2.0], "silu"))

# %%

figure = gf.figures.loss({"ReLU": relu, "SiLU": silu})
figure
