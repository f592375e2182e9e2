"""
The loss as a landscape
=======================

Loss and gradient are exact, and arrays of neurons cost little: the whole plane of (b1, b2) in one
call, with the walls where a neuron dies or becomes a line.
"""

import numpy as np
from matplotlib.figure import Figure

import gradflow as gf

b1, b2 = np.meshgrid(np.linspace(-2.0, 2.0, 201), np.linspace(-2.0, 2.0, 201))
neurons = gf.Neuron(1.0, b1, 1.0, b2)
loss, (g1, gb1, g2, gb2) = gf.loss(neurons), gf.gradient(neurons)
print("smallest loss", loss.min(), "at", b1.flat[loss.argmin()], b2.flat[loss.argmin()])

# %%

with gf.figures.style():
    figure = Figure(figsize=(3.25, 2.8), layout="constrained")
    axes = figure.subplots()
    levels = axes.contourf(b1, b2, np.log10(loss + 1e-6), levels=12, cmap="Greys")
    axes.streamplot(
        b1[0, ::10], b2[::10, 0], -gb1[::10, ::10], -gb2[::10, ::10], color="#0072B2", linewidth=0.6
    )
    axes.vlines([-1.0, 1.0], -2.0, 2.0, colors="#D55E00", linestyles="--")
    axes.set(xlabel="$b_1$", ylabel="$b_2$", xlim=(-2, 2), ylim=(-2, 2))
    figure.colorbar(levels, label=r"$\log_{10}$ loss")
figure
