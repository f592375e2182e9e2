"""The final loss against the learning rate."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.figure import Figure

from gradflow.descent import GD, Adam, Descent, train_arrays
from gradflow.field.baselines import best_constant, best_line
from gradflow.neuron.activity import DEAD, activity
from gradflow.neuron.problem import Neuron, Problem, grid
from gradflow.study.figures import Level, Mark, Panel, Series, loss_against
from gradflow.study.figures.script import main, signed

SAMPLES, STEPS, B2, FLOOR = 100, 5000, -1.0, 1e-8
PROBLEM = Problem(inputs=grid(SAMPLES))
RATES = np.geomspace(0.01, 1.0, 161)
GD_RATES = np.union1d(np.geomspace(0.01, 1.1, 103), np.arange(0.6, 0.63, 0.001))

# Six seconds.
QUICK = False

TITLE = "A learning rate that is too large kills the neuron"
CAPTION = (
    "Final loss after {STEPS} full-batch steps against the learning rate, from w1 = w2 = 1, b1 = 0, "
    "b2 = {b2}, on {SAMPLES} equally spaced inputs in [−1, 1]; losses up to {FLOOR:.0e} stand on the floor. "
    "(a) Adam (β = (0.9, 0.999), ε = 1e-8), {adam_n} rates. The lowest of these at which the neuron dies "
    "is {first[0]:.3f} in double and {first[1]:.3f} in single precision; from {all[0]:.3f} and "
    "{all[1]:.3f} on it dies at each; in between small changes of rate or precision decide. (b) "
    "Gradient descent in double precision, {gd_n} rates: the neuron dies from {gd:.3f} on, and above rate 1 "
    "its b2, which still moves, diverges (triangles). Dashed: the losses of the best constant and the best "
    "line on these inputs."
)


@functools.cache
def adam(dtype: str) -> Descent:
    """Train with Adam at all rates."""
    start, config = Neuron(1.0, 0.0, 1.0, B2), Adam(lr=RATES)
    return train_arrays(start, PROBLEM, config, STEPS, events=False, first_change=False, dtype=dtype)


@functools.cache
def gd() -> Descent:
    """Train with gradient descent at all rates."""
    start, config = Neuron(1.0, 0.0, 1.0, B2), GD(lr=GD_RATES)
    return train_arrays(start, PROBLEM, config, STEPS, events=False, first_change=False)


def is_dead(run: Descent) -> np.ndarray:
    """Return which neurons ended dead."""
    return np.asarray(activity(run.final, PROBLEM) == DEAD)


def gd_threshold() -> float:
    """Return the lowest rate at which gradient descent kills the neuron."""
    return float(GD_RATES[np.argmax(is_dead(gd()))])


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    dead = [is_dead(adam(dtype)) for dtype in ("float64", "float32")]
    return {
        "b2": signed(B2),
        "adam_n": RATES.size,
        "gd_n": GD_RATES.size,
        "first": [RATES[np.argmax(d)] for d in dead],
        "all": [RATES[np.flatnonzero(~d)[-1] + 1] for d in dead],
        "gd": gd_threshold(),
    }


def draw() -> Figure:
    """Return the figure."""
    constant, line = float(best_constant(PROBLEM).loss), float(best_line(PROBLEM).loss)
    levels = [
        Level(f"best constant, {constant:.4f}", constant, at=0.0),
        Level(f"best line, {line:.4f}", line, at=0.0, below=True),
    ]
    panels = [
        Panel(
            [
                Series("single precision", RATES, adam("float32").loss[-1], "circles"),
                Series("double precision", RATES, adam("float64").loss[-1], "light dots"),
            ],
            title="Adam",
            levels=levels,
            legend="center left",
        ),
        Panel(
            [Series("", GD_RATES, gd().loss[-1], "dots")],
            title="gradient descent",
            levels=levels,
            marks=[Mark(f"dead from {gd_threshold():.3f}", gd_threshold(), 0.25)],
        ),
    ]
    return loss_against(panels, xlabel="learning rate", xscale="log", floor=FLOOR, height=3.6)


if __name__ == "__main__":
    raise SystemExit(main(globals()))
