"""
Data from a file
================

A CSV file with the columns ``x`` and ``y`` (and perhaps ``weight``) is a sample with targets;
losses are then means over its rows. On the command line it is ``--data mine.csv``.
"""

import tempfile
from pathlib import Path

import numpy as np

import gradflow as gf
from gradflow.neuron.reading import read_sample

x = np.linspace(-1.0, 2.0, 40)
y = np.maximum(0.0, 1.5 * x - 0.6) + 0.05 * np.cos(40.0 * x)
path = Path(tempfile.mkdtemp()) / "mine.csv"
path.write_text("x,y\n" + "".join(f"{a},{b}\n" for a, b in zip(x, y)))

# %%

problem = gf.Problem(inputs=read_sample(path))
run = gf.train(gf.Neuron(), problem, gf.Adam(lr=0.02), steps=3000)
print("mean squared error", float(run.loss[-1]))
print(run[["w1", "b1", "w2", "b2"]].isel(step=-1).to_array().to_series())

# %%

end = gf.student(run)
figure = gf.figures.functions({"start": gf.Neuron(), "trained": end}, problem)
figure
