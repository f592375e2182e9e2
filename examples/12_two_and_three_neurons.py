"""
Two and three neurons
=====================

Two neurons can represent |x| exactly, but need not find it. A third helps: compare the same seeds.
"""

import numpy as np

import gradflow as gf

problem = gf.Problem(target="abs")
ends = {}
for m in (2, 3):
    starts = [gf.networks.line.start("uniform", m, seed=seed) for seed in range(8)]
    batch = gf.Network(
        *(np.stack([getattr(s, name) for s in starts], axis=-1) for name in ("w1", "b1", "w2", "b2"))
    )
    ends[m] = gf.train(batch, problem, gf.Adam(lr=0.02), steps=2000, record_every=20)
    found = ends[m].loss.isel(step=-1).values
    print(m, "neurons: final losses", np.array2string(np.sort(found), precision=2))

# %%
# Eight starts are one run with an axis; here are four of them with two neurons.

figure = gf.figures.loss(ends[2].rename(batch_0="seed").isel(seed=slice(0, 4)))
figure
