"""Twenty neurons learn |x| under the gradient flow and under Adam."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import gradflow as gf
from gradflow.networks.line import start
from gradflow.study.figures import network_runs
from gradflow.study.figures.script import main, tidy

NEURONS, SEED, T_END, RATE, STEPS = 20, 1, 50.0, 0.01, 5000
PROBLEM = gf.Problem(target="abs")

TITLE = "Twenty neurons learn |x|"
CAPTION = (
    "A ReLU network of {NEURONS} neurons from PyTorch's default start (seed {SEED}), inputs uniform on "
    "[−1, 1], on the exact population loss. Above: gradient flow until t = {T_END:g}, loss {flow_loss}, "
    "{flow_crossings} crossings, largest drift of a neuron's Q {drift}. Below: Adam, rate {RATE}, {STEPS} "
    "steps, loss {adam_loss}, {adam_crossings} crossings. Middle: breakpoints, dotted while dead, dashed "
    "while hyperactive; grey lines are the ends of the input. Right: target (thick), and the student at the "
    "start, where half of the loss's fall (in logarithms) is done, and at the end. At the end {flow_inside} "
    "(flow) and {adam_inside} (Adam) breakpoints are inside the input."
)


@functools.cache
def runs() -> dict[str, xr.Dataset]:
    """Return the two runs."""
    network = start("uniform", NEURONS, SEED)
    return {
        "gradient flow": gf.gradient_flow(network, PROBLEM, t_end=T_END),
        "Adam": gf.train(network, PROBLEM, gf.Adam(lr=RATE), STEPS),
    }


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    found: dict[str, object] = {}
    for name, run in zip(("flow", "adam"), runs().values(), strict=True):
        inside = np.abs(run["breakpoint"].values[-1]) < 1.0
        found[f"{name}_loss"] = tidy(float(f"{float(run['loss'][-1]):.2g}"))
        found[f"{name}_crossings"] = gf.crossings(run).sizes["crossing"]
        found[f"{name}_inside"] = int(np.sum(inside))
    found["drift"] = tidy(float(f"{float(abs(runs()['gradient flow']['invariant_drift']).max()):.1g}"))
    return found


def draw() -> Figure:
    """Return the figure."""
    return network_runs(runs(), PROBLEM)


if __name__ == "__main__":
    raise SystemExit(main(globals()))
