"""Which starts a remedy rescues, and which it loses."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from gradflow.ends.outcome import GLOBAL, UNDECIDED
from gradflow.study.figures.phase_diagram import Diagram, Layer, phase_diagram
from gradflow.study.figures.script import main
from gradflow.study.figures.style import BLACK, GREEN
from gradflow.study.remedies import TEACHERS, Method, measure, starts
from gradflow.study.remedies.measure import PENALISED, by_id

N, STEPS = 31, 5000
ADAM = Method("adam", 0.01)
SHOWN = ("warm-up", "coupled-biases", "silu", "shifted-decay", "solved-bias", "bounded-solved")
AIMS = ("φ(x)", "φ(x − ½) + ½")

# A minute.
QUICK = False

TITLE = "Which starts a remedy rescues, and which it loses"
CAPTION = (
    "Where {n} × {n} starts with w1 = w2 = 1 end after {steps} steps of Adam at rate 0.01 on the "
    "population, under six remedies, each with the teacher φ(x) and with φ(x − ½) + ½; φ is the student's "
    "activation. Rescued: at the teacher with the remedy only (outlined); lost: without it only (hatched). "
    "{shares}. Ends at a penalised minimum are shown as undecided."
)


@functools.cache
def outcomes(name: str) -> tuple[xr.DataArray, ...]:
    """Return where the starts end under a remedy, for each teacher, b1 first."""
    grid = starts(N, N)
    along = {"b1": np.asarray(grid.b1)[0], "b2": np.asarray(grid.b2)[:, 0]}
    found = []
    for cells in measure(by_id(name), (ADAM,), grid, STEPS, TEACHERS):
        cell = cells[ADAM]
        if cell is None:
            raise ValueError(f"{name}: has nothing to try under {ADAM}")
        codes = np.where(cell.outcome == PENALISED, UNDECIDED, cell.outcome)
        found.append(xr.DataArray(codes.T, along, ["b1", "b2"]))
    return tuple(found)


def changed(name: str, k: int) -> tuple[xr.DataArray, xr.DataArray]:
    """Return which starts a remedy rescues and which it loses, with the k-th teacher."""
    good, was = outcomes(name)[k] == GLOBAL, outcomes("none")[k] == GLOBAL
    return good & ~was, was & ~good


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    told = []
    for name in SHOWN:
        parts = [[float(part.mean()) for part in changed(name, k)] for k in range(len(TEACHERS))]
        shares = " and ".join(f"{rescued:.0%} rescued, {lost:.0%} lost" for rescued, lost in parts)
        told.append(f"{by_id(name).name}: {shares}")
    return {"n": N, "steps": STEPS, "shares": "; ".join(told)}


def draw() -> Figure:
    """Draw the figure."""
    diagrams = []
    for name in SHOWN:
        for k, aim in enumerate(AIMS):
            rescued, lost = changed(name, k)
            layers = [
                Layer("rescued", rescued, outline=GREEN),
                Layer("lost", lost, hatch="////", outline=BLACK),
            ]
            title = f"{by_id(name).name}\n{aim}"
            diagrams.append(Diagram(title, outcomes(name)[k], walls=(-1.0, 1.0), layers=layers))
    return phase_diagram(diagrams, xlabel="initial $b_1$", ylabel="initial $b_2$", columns=4, height=6.3)


if __name__ == "__main__":
    raise SystemExit(main(globals()))
