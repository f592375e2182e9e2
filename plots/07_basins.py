"""The basins of the flow, GD and Adam at several rates."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from gradflow.ends.outcome import OUTCOMES
from gradflow.study.figures import Diagram, phase_diagram
from gradflow.study.figures.script import main
from gradflow.sweeps.axes import Axis
from gradflow.sweeps.sweep import Sweep, run

N, STEPS = 201, 5000
AXES = (Axis("b1", -2.5, 2.5, N), Axis("b2", -3.0, 3.0, N))
SWEEPS = {
    "gradient flow": Sweep(AXES),
    "GD, rate 0.1": Sweep(AXES, "gd", hyper={"lr": 0.1}, steps=STEPS),
    "GD, rate 0.5": Sweep(AXES, "gd", hyper={"lr": 0.5}, steps=STEPS),
    "Adam, rate 0.01": Sweep(AXES, "adam", hyper={"lr": 0.01}, steps=STEPS),
    "Adam, rate 0.1": Sweep(AXES, "adam", hyper={"lr": 0.1}, steps=STEPS),
    "Adam, rate 0.4": Sweep(AXES, "adam", hyper={"lr": 0.4}, steps=STEPS),
}

# Takes minutes: the report of a quick study does without it.
QUICK = False

TITLE = "Which start ends where: the flow, gradient descent and Adam"
CAPTION = (
    "Outcome of training on the population loss (teacher ReLU(x), inputs uniform on [−1, 1]) against the "
    "initial biases, from w1 = w2 = 1, on {n} × {n} starts; GD and Adam (β = (0.9, 0.999), ε = 1e-8) after "
    "{steps} steps, the flow followed until its outcome is decided. Dashed: the walls between dead, balanced "
    "and hyperactive starts. Share of global outcomes: {shares}."
)


@functools.cache
def outcomes(name: str) -> xr.DataArray:
    """Compute one panel."""
    return run(SWEEPS[name])["outcome"]


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    shares = (f"{name} {float(np.mean(outcomes(name) == OUTCOMES.index('global'))):.1%}" for name in SWEEPS)
    return {"n": N, "steps": STEPS, "shares": "; ".join(shares)}


def draw() -> Figure:
    """Return the figure."""
    diagrams = [Diagram(name, outcomes(name), walls=(-1.0, 1.0)) for name in SWEEPS]
    return phase_diagram(diagrams, xlabel="initial $b_1$", ylabel="initial $b_2$")


if __name__ == "__main__":
    raise SystemExit(main(globals()))
