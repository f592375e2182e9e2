"""
A figure for a paper
====================

The loss curve of a run at the width of one column (3.25 in), as a PDF with its fonts embedded:
another start and rate than the study's.
"""

import tempfile
from pathlib import Path

import gradflow as gf

run = gf.train(gf.Neuron(b2=-0.8), gf.Problem(inputs=gf.grid(100)), gf.Adam(lr=0.03), steps=2000)
figure = gf.figures.loss({"Adam, rate 0.03": run}, levels={"best line": 1 / 48}, width=gf.figures.SINGLE)

# %%
# ``save`` writes the same bytes whenever the same figure is drawn; the ending says the format. The
# command ``gradflow train --b2 -0.8 --lr 0.03 --samples 100 --steps 2000 --figure run.pdf`` draws the
# same run across two columns, with the student at some moments below the loss.

folder = Path(tempfile.mkdtemp())
print([path.name for path in gf.figures.save(figure, folder / "loss.pdf")])

# %%
# The look is usable for figures of your own: ``plt.style.use(gf.figures.STYLE)``, or for a few lines
# only ``with gf.figures.style(): …``. And every function draws into your axes: ``gf.figures.loss(run,
# ax=axes)``.

with gf.figures.style():
    from matplotlib.figure import Figure

    own = Figure(figsize=(6.75, 2.4), layout="constrained")
    left, right = own.subplots(1, 2)
    gf.figures.loss(run, ax=left)
    gf.figures.functions(gf.Neuron(b2=-0.8), ax=right)
print(own)

# %%

figure
