"""Which starts a remedy rescues, and which it loses."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from gradflow.figures.phase_diagram import Diagram, Layer, phase_diagram
from gradflow.figures.script import main
from gradflow.figures.style import BLACK, GREEN
from gradflow.outcome import GLOBAL
from gradflow.remedies import Method, measure, starts
from gradflow.remedies.measure import by_id

N, STEPS = 41, 5000
ADAM = Method("adam", 0.01)
SHOWN = (
    "warm-up", "coupled-biases", "leaky", "silu", "shifted", "shifted-decay", "solved-bias", "bounded-solved",
    "gate",
)  # fmt: skip

# A minute.
QUICK = False

TITLE = "Which starts a remedy rescues, and which it loses"
CAPTION = (
    "Where {n} × {n} starts with w1 = w2 = 1 end after {steps} steps of Adam at rate 0.01 on the population, "
    "under nine remedies. Rescued: at the teacher with the remedy only (outlined); lost: without it only "
    "(hatched). {shares}. The teacher has the student's activation."
)


@functools.cache
def outcomes(name: str) -> xr.DataArray:
    """Return where the starts end under a remedy, b1 first."""
    grid = starts(N, N)
    cell = measure(by_id(name), (ADAM,), grid, STEPS)[ADAM]
    if cell is None:
        raise ValueError(f"{name}: has nothing to try under {ADAM}")
    along = {"b1": np.asarray(grid.b1)[0], "b2": np.asarray(grid.b2)[:, 0]}
    return xr.DataArray(cell.outcome.T, along, ["b1", "b2"])


def changed(name: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Return which starts a remedy rescues and which it loses."""
    good, was = outcomes(name) == GLOBAL, outcomes("none") == GLOBAL
    return good & ~was, was & ~good


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    told = []
    for name in SHOWN:
        rescued, lost = (float(part.mean()) for part in changed(name))
        told.append(f"{by_id(name).name}: {rescued:.0%} rescued, {lost:.0%} lost")
    return {"n": N, "steps": STEPS, "shares": "; ".join(told)}


def draw() -> Figure:
    """Draw the figure."""
    diagrams = []
    for name in SHOWN:
        rescued, lost = changed(name)
        layers = [
            Layer("rescued", rescued, outline=GREEN),
            Layer("lost", lost, hatch="////", outline=BLACK),
        ]
        diagrams.append(Diagram(by_id(name).name, outcomes(name), walls=(-1.0, 1.0), layers=layers))
    return phase_diagram(diagrams, xlabel="initial $b_1$", ylabel="initial $b_2$")


if __name__ == "__main__":
    raise SystemExit(main(draw, __file__))
