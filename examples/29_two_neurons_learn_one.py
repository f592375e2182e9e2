"""
Two neurons learn one
=====================

One neuron learns max(x, 0) exponentially fast. A second one that faces the same way makes it slow: the
loss falls like 1/t³, whose constant is known (derivation 33).
"""

import gradflow as gf

line = gf.networks.line
one = gf.Network(w1=[0.5], b1=[0.2], w2=[1.2], b2=0.1)
two = gf.Network(w1=[0.5, 0.4], b1=[0.2, -0.1], w2=[1.2, 1.0], b2=0.1)
runs = {
    "one neuron": gf.gradient_flow(one, t_end=60.0, rtol=1e-8),
    "two neurons": gf.gradient_flow(two, t_end=400.0, rtol=1e-8),
}
for name, run in runs.items():
    print(name, line.decay_law(run))

# %%
# The limit of t³ times the loss, from the last weights, and what t³ times the loss is by then: it comes
# closer as slowly as log(t)/t.

last = runs["two neurons"].isel(time=-1)
end = gf.Network(last.w1.values, last.b1.values, last.w2.values, float(last.b2))
print(line.cubic_limit(end).loss, float(last.time**3 * last.loss))

# %%
# Why: at the limit one direction is flat that no symmetry explains, and along it the loss is cubic.

limit = gf.Network(end.w1, [0.0, 0.0], end.w2 / (end.w1 @ end.w2), 0.0)
found = line.critical_point(limit)
print(found.kind, "kernel", found.kernel, "symmetries", found.symmetries)

# %%

figure = gf.figures.loss(runs)
figure.axes[0].set(xscale="log", xlim=(0.1, 400.0), ylim=(1e-10, 1e-1))
figure
