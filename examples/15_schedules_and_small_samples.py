"""
Schedules and samples
=====================

A schedule is a function of the step that multiplies the rate. A sample takes the population's
place: with few inputs the loss is another one, and so may be the end.
"""

import gradflow as gf
from gradflow.descent.schedules import Cosine, Warmup

start, steps = gf.Neuron(b2=-1.2), 3000
runs = {
    "constant": gf.train(start, gf.Problem(), gf.Adam(lr=0.05), steps),
    "warm-up": gf.train(start, gf.Problem(), gf.Adam(lr=0.05), steps, schedule=Warmup(500)),
    "cosine": gf.train(start, gf.Problem(), gf.Adam(lr=0.05), steps, schedule=Cosine(steps)),
}
for name, run in runs.items():
    print(name, run.outcome_name.item(), float(run.loss[-1]))

# %%
# Five inputs instead of all of them.

few = gf.train(start, gf.Problem(inputs=gf.grid(5)), gf.Adam(lr=0.05), steps)
print("five inputs", few.outcome_name.item(), float(few.loss[-1]))

# %%

figure = gf.figures.loss(runs, levels={"best line": 1 / 48})
figure
