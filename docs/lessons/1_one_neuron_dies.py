"""
One neuron dies
===============

A single ReLU neuron, f(x) = w₂ max(w₁ x + b₁, 0) + b₂, learns another one from inputs that are uniform on [−1, 1]. It is the
smallest network that can get stuck. Here we watch it die in one step, see why it cannot come back, and find the rates that
do it.
"""

import numpy as np

import gradflow as gf

# %%
# The student starts as the teacher does, but for an output bias that is too high by 1. By default the teacher is
# (w₁, b₁, w₂, b₂) = (1, 0, 1, 0), which is max(x, 0).

start = gf.Neuron(w1=1.0, b1=0.0, w2=1.0, b2=1.0)
problem = gf.Problem()
print("loss    ", gf.loss(start, problem))
print("gradient", gf.gradient(start, problem))

# %%
# The loss is E[(f − f*)²] over the inputs, in closed form: no samples, no error but rounding. The gradient says that every
# parameter should fall, b₁ twice as fast as w₁. Now take steps of gradient descent at two rates.

rates = {"rate 0.5": 0.5, "rate 0.7": 0.7}
runs = {name: gf.train(start, problem, gf.GD(lr=rate), steps=60) for name, rate in rates.items()}
for name, run in runs.items():
    print(f"{name}: {run.outcome_name.item():9} loss {run.loss.values[-1]:.4f}")

# %%
# One of them ends at the best constant, with a loss of 5/48. Its first step moved the breakpoint −b₁/w₁ out of the input: the
# pre-activation is negative for every input, so the gradients of w₁, b₁ and w₂ are all zero, and only b₂ still moves. The
# neuron is *dead*. `crossings` lists what happened and when.

print(gf.crossings(runs["rate 0.7"]).event.values)

# %%
# Where exactly is the line between the two rates? Derivation 10 proves that from this start one step kills for every rate of
# at least 2/3, and for none below. `killing_rates` has this for any start.

from gradflow.theory.steps import killing_rates

print(killing_rates(start))

# %%
# The gradient *flow*, the limit of small rates, never kills a neuron that is not at w₁ = b₁ = 0 (:doc:`/theorems/index`,
# theorem 10). From the same start it goes home.

flow = gf.gradient_flow(start, problem, t_end=200.0)
print("flow:", flow.outcome_name.item(), f"loss {flow.loss.values[-1]:.1e}")

# %%
# All three on one axis: one step of rate η takes the time η.

figure = gf.figures.loss({"flow": flow, **runs}, against="time", levels={"best constant": 5 / 48})
figure

# %%
# How common is it? Of the starts with w₁ = w₂ = 1 on a rectangle, the share that one step at a rate kills:

b1, b2 = np.meshgrid(np.linspace(-0.9, 0.9, 61), np.linspace(-3, 3, 61))
for rate in (0.05, 0.2, 0.5, 0.9):
    g = gf.gradient(gf.Neuron(1.0, b1, 1.0, b2), problem)  # of shape (4, 61, 61)
    w1_after, b1_after = 1.0 - rate * g[0], b1 - rate * g[1]
    dead = np.maximum(b1_after - w1_after, b1_after + w1_after) <= 0
    print(f"rate {rate:4}: {dead.mean():6.1%} of starts are dead after one step")
