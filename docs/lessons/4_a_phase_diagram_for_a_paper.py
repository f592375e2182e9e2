"""
A phase diagram for a paper
===========================

Which starts end where? One call computes the outcomes over a grid, theorems decide most of them, and the figure comes at the
width of a column.
"""

import gradflow as gf

# %%
# Starts on the plane of b₁ and b₂, with w₁ = w₂ = 1. A tuple (lo, hi, n) is a range.

flow = gf.basins(b1=(-2, 2, 60), b2=(-2.5, 2.5, 60))
adam = gf.basins(b1=(-2, 2, 60), b2=(-2.5, 2.5, 60), method="adam", lr=0.05, steps=1500)
print(flow.outcome_name.to_series().value_counts())

# %%
# What decided: where a theorem applies the outcome is proved, and no simulation was run to its end.

print(flow.decided_by_name.to_series().value_counts())

# %%
# The basin of the flow as a line over Adam's outcomes: what lies between line and colour is what Adam loses or wins.

figure = gf.figures.outcomes(
    {"Adam, rate 0.05": adam}, over={"gradient flow": flow}, walls=(-1.0, 1.0), width=gf.figures.SINGLE
)
figure

# %%
# `save` writes PDF with embedded fonts, SVG and PNG at 300 dpi, at the size it has: no scaling in the paper.
#
# .. code-block:: python
#
#    gf.figures.save(figure, "phase_diagram.pdf")
#
# For 300 × 300 and more, see :doc:`6_sweeping_on_a_cluster`; the same on the command line:
#
# .. code-block:: sh
#
#    gradflow basins --grid b1 -2 2 300 --grid b2 -2.5 2.5 300 --method adam --lr 0.05 --figure phase_diagram.pdf
