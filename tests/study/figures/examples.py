"""One small figure of every kind, and what the tests look for in a figure."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text

import gradflow as gf
from gradflow.study.figures import (
    Band,
    Diagram,
    Layer,
    Level,
    Mark,
    Panel,
    Series,
    Trajectory,
    loss_against,
    loss_curves,
    network_runs,
    phase_diagram,
    phase_plane,
    remedies,
    snapshots,
)

STEPS = np.arange(50)
LOSS = np.where(STEPS < 40, 10.0 ** (-0.5 * STEPS), 0.0)
VALUES = np.linspace(0.1, 1.0, 7)
FINAL = np.array([0.0, 1e-30, 1e-3, np.nan, 5 / 48, 1e20, np.inf])
STATES = np.array([[1.0, 0.9, 0.5, 0.2], [0.0, 0.3, 0.8, 0.9], [1.0, 1.2, 1.0, 0.9], [-1.2, -0.8, -0.3, 0.2]])


def curves() -> Figure:
    panels = [
        Panel(
            [Series("one", STEPS, LOSS, "float64"), Series("two", STEPS, LOSS + 1e-9, "float32")],
            title="$b_2 = -1$",
            levels=[Level("best line, 1/48", 1 / 48)],
        ),
        Panel([Series("", STEPS, LOSS)]),
    ]
    return loss_curves(panels)


def against() -> Figure:
    top = Panel(
        [Series("flow", VALUES, FINAL, "flow", breaks=[0.5]), Series("Adam", VALUES, FINAL[::-1], "dots")],
        title="one",
        levels=[Level("best constant, 5/48", 5 / 48), Level("best line, 1/48", 1 / 48, 0.0, True)],
        marks=[Mark("0.5", 0.5), Mark("0.7", 0.7, left=False)],
        bands=[Band("dead", -9.0, 0.3), Band("balanced", 0.3, 9.0, False), Band("nowhere", 50.0, 60.0)],
        legend="center right",
    )
    return loss_against([top, Panel([Series("", VALUES, FINAL, "circles")])], xlabel="rate", xscale="log")


def small_multiples() -> Figure:
    return snapshots(STATES, np.array([0, 50, 100, 150]))


def plane() -> Figure:
    return phase_plane(
        [Trajectory(STATES, "flow", "linear"), Trajectory(STATES[:, ::-1], "adam", "global")],
        labels={"flow": "the flow"},
    )


def bars() -> Figure:
    shares = {
        "global": 0.3,
        "linear": 0.2,
        "constant": 0.1,
        "local": 0.05,
        "diverged": 0.1,
        "undecided": 0.25,
    }
    rows = [shares, None, {**shares, "global": 0.5, "undecided": 0.05}]
    return remedies(["none", "a schedule", "another activation"], {"flow": rows, "adam 0.01": rows[::-1]})


def areas() -> Figure:
    codes = np.arange(-1, 17).reshape(6, 3) % 7 - 1
    grid = {"b1": [-2.0, -1.0, 0.0, 0.5, 1.0, 3.0], "lr": np.geomspace(1e-3, 0.1, 3)}
    outcomes = xr.DataArray(codes, grid, ["b1", "lr"])
    layers = [Layer("reached", outcomes == 0, hatch="//"), Layer("lost", outcomes == 2, outline="#000000")]
    return phase_diagram(
        [Diagram("one", outcomes, (-1.0, 1.0), layers), Diagram("two", outcomes.T)], ylabel="rate lr"
    )


STEP = gf.Problem(target="step", law=gf.Normal())


@cache
def runs_of_networks() -> dict[str, xr.Dataset]:
    network = gf.Network([1.0, -1.0, 1.0], [0.5, 0.2, -50.0], [1.0, 0.5, 1.0])
    return {
        "the flow": gf.gradient_flow(network, STEP, t_end=2.0),
        "Adam": gf.train(network, STEP, gf.Adam(0.1), 20),
    }


def networks() -> Figure:
    return network_runs(runs_of_networks(), STEP)


KINDS: dict[str, Callable[[], Figure]] = {
    "loss_curves": curves,
    "loss_against": against,
    "snapshots": small_multiples,
    "phase_plane": plane,
    "remedies": bars,
    "phase_diagram": areas,
    "network_runs": networks,
}


def texts(figure: Figure) -> list[str]:
    """Return everything that is written in a figure."""
    figure.draw_without_rendering()
    return [t.get_text() for t in figure.findobj(Text) if isinstance(t, Text)]


def overhang(figure: Figure) -> float:
    """Return by how many points anything drawn reaches beyond the edge of the figure."""
    figure.draw_without_rendering()
    keys = [
        x.get_window_extent().transformed(figure.dpi_scale_trans.inverted()) for x in figure.findobj(Legend)
    ]
    width, height = figure.get_size_inches()
    boxes = [figure.get_tightbbox(), *keys]
    return 72.0 * float(max(0.0, *(max(-b.x0, -b.y0, b.x1 - width, b.y1 - height) for b in boxes)))
