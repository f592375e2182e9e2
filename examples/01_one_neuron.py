"""
One neuron in ten lines
=======================

A ReLU neuron learns another one. Started with its output bias too low, it comes home under the
gradient flow; Adam turns it into a line and leaves it there.
"""

import gradflow as gf

start = gf.Neuron(w1=1.0, b1=0.0, w2=1.0, b2=-1.2)
flow = gf.gradient_flow(start)
adam = gf.train(start, gf.Problem(), gf.Adam(lr=0.01), steps=5000)
print("flow:", flow.outcome_name.item(), "  Adam:", adam.outcome_name.item())

# %%
# Five moments of the run under Adam: the breakpoint leaves the input on the left, and what is left is
# a line.

figure = gf.figures.students(adam)
figure
