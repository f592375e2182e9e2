"""
Dying in a three-layer network
==============================

Deep ReLU networks of your width, many at once: how many hidden units are silent on every input,
layer by layer, while gradient descent runs at a rate that is too large.
"""

import gradflow as gf
from gradflow.networks import deep

network = deep.Network(inputs=1, widths=(16, 16, 16))
task = deep.teacher_task(n=32)
run = deep.train(network, task, gf.Adam(lr=0.05), steps=400, start=deep.Start(networks=20), record_every=10)
print(run.off.mean("network").isel(step=[0, -1]).to_series().unstack())

# %%
# The share of dead units in each layer, over twenty networks.

curves = [
    gf.figures.Curve(f"layer {int(layer)}", run.step, run.off.sel(layer=layer).mean("network"), marked=False)
    for layer in run.layer
]
figure = gf.figures.sheet(
    [gf.figures.Curves(curves, "step", "share of dead units", top=1.0)], columns=1, width=3.25
)
figure
