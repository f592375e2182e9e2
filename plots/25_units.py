"""What the neurons of a network add over time, and the phase portraits of two."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import gradflow as gf
from gradflow.networks.line import integrate_ensemble, start
from gradflow.study.figures.script import main
from gradflow.study.figures.style import DOUBLE, styled
from gradflow.study.figures.units import two_neurons, units

NEURONS, SEED, T_END = 8, 1, 60.0
PROBLEM = gf.Problem(target="abs")
PAIRS = {
    "(b)": (gf.Network([1.0, -1.0], [0.0, 0.0], [1.0, 1.0]), PROBLEM),
    "(c)": (gf.Network([1.0, 1.0], [0.0, 0.0], [0.6, 0.4]), gf.Problem()),
}
SIDES, MOMENTS = 5, 60

TITLE = "What neurons add, and two neurons in the plane of their breakpoints"
CAPTION = (
    "(a) A ReLU network of {NEURONS} neurons (PyTorch's default start, seed {SEED}) learns |x| (thickest) "
    "under the gradient flow: the student (thick) and what each neuron adds to it (dashed while "
    "hyperactive, dotted while dead), at the start, where a quarter, a half and three quarters of the "
    "loss's fall (in logarithms) are done, and at t = {T_END:g}. (b) Two neurons with w1 = 1, −1 and "
    "w2 = 1, 1 learn |x|, and only their input biases move: loss and flow (from the open to the filled "
    "dots) in the plane of their breakpoints; grey lines are the ends of the input, beyond which a neuron "
    "is dead or hyperactive. (c) Two neurons with w1 = 1, 1 and w2 = 0.6, 0.4 learn max(x, 0): the flow "
    "comes to a curve quickly and creeps along it, the loss falling like the inverse cube of time."
)


@functools.cache
def run() -> xr.Dataset:
    """Return the flow of (a)."""
    return gf.gradient_flow(start("uniform", NEURONS, SEED), PROBLEM, t_end=T_END)


def paths(network: gf.Network, problem: gf.Problem) -> list[np.ndarray]:
    """Return flows of two neurons from a grid of breakpoints."""
    first, second = (part.ravel() for part in np.meshgrid(*2 * [np.linspace(-1.4, 1.4, SIDES)]))
    rows = np.repeat(network.rows[:, None], first.size, axis=1)
    rows[2], rows[3] = -rows[0] * first, -rows[1] * second
    states, last = [rows], 0.0
    for moment in np.geomspace(0.01, 200.0, MOMENTS):
        found = integrate_ensemble(
            states[-1], problem, float(moment - last), rtol=1e-8, frozen=("w1", "w2", "b2")
        )
        states.append(np.asarray(found.final))
        last = moment
    return list(np.array(states).transpose(2, 1, 0))


@styled
def draw() -> Figure:
    """Return the figure."""
    figure = Figure(figsize=(DOUBLE, 5.0), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(1.0, 1.55))
    above, below = parts
    some = above.subplots(1, 5, sharex=True, sharey=True)
    units(run(), PROBLEM, ax=list(some))
    for axes in some[1:]:
        axes.set_ylabel("")
    some[0].set_title(rf"$\mathbf{{(a)}}$  {some[0].get_title(loc='left')}", loc="left")
    for axes, (name, (network, problem)) in zip(below.subplots(1, 2), PAIRS.items(), strict=True):
        two_neurons(network, paths(network, problem), problem, ax=axes)
        axes.set_title(name, loc="left", fontweight="bold")
    return figure


if __name__ == "__main__":
    raise SystemExit(main(globals()))
