"""
A threshold to ten digits
=========================

Between b2 = −1.2, which the flow brings home, and −2, which becomes a line, lies a number. Every
outcome on the way there is decided by a theorem or a simulation to its end, so the bracket is as
narrow as you ask.
"""

import numpy as np

import gradflow as gf


def ends(values):
    """Return where the flow from these output biases ends."""
    return gf.flow_outcomes(gf.Neuron(1.0, 0.0, 1.0, values), gf.Problem())


found = gf.bracket(ends, (-2.0, -1.2), tol=1e-10, sections=7)
print(f"threshold {found.value:.10f} ± {found.uncertainty:.0e}: {found.below} below, {found.above} above")

# %%
# Two starts on either side stay together for a long time, then part.

runs = {
    f"b2 = threshold {sign}": gf.gradient_flow(gf.Neuron(b2=found.value + shift), t_end=80.0)
    for sign, shift in (("− 1e-6", -1e-6), ("+ 1e-6", 1e-6))
}
print(np.array([run.loss[-1] for run in runs.values()]))

# %%

figure = gf.figures.loss(runs, levels={"best line": 1 / 48})
figure
