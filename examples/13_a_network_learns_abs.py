"""
A network learns |x|
====================

Twenty neurons under the gradient flow and under Adam: the loss, where the breakpoints go, and what
the network returns.
"""

import gradflow as gf

problem = gf.Problem(target="abs")
start = gf.networks.line.start("uniform", 20, seed=1)
runs = {
    "flow": gf.gradient_flow(start, problem, t_end=20.0),
    "Adam": gf.train(start, problem, gf.Adam(lr=0.01), steps=1000),
}
for name, run in runs.items():
    counts = {
        kind: int((run.activity[-1] == k).sum()) for k, kind in enumerate(("dead", "balanced", "hyperactive"))
    }
    print(name, "loss", float(run.loss[-1]), counts)

# %%

figure = gf.figures.network_runs(runs, problem)
figure
