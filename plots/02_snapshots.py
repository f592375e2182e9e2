"""The student's function while its breakpoint leaves the inputs' interval."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.figure import Figure

from gradflow.descent import Adam, Descent, train_arrays
from gradflow.neuron.activity import HYPERACTIVE, activity, breakpoint_position
from gradflow.neuron.problem import Neuron, Problem, grid
from gradflow.study.figures import snapshots
from gradflow.study.figures.script import main, signed

SAMPLES, STEPS, EVERY, RATE, B2 = 100, 500, 50, 0.01, -1.2
PROBLEM = Problem(inputs=grid(SAMPLES))

TITLE = "A neuron becomes hyperactive and ends as the best line"
CAPTION = (
    "Student (black) and target ReLU(x) (thick) at steps 0, {EVERY}, …, {STEPS} of full-batch Adam "
    "(rate {RATE}, β = (0.9, 0.999), ε = 1e-8, double precision) on {SAMPLES} equally spaced inputs in "
    "[−1, 1], ends included, from w1 = w2 = 1, b1 = 0, b2 = {b2}. Dots mark the breakpoint −b1/w1; it has "
    "left the interval by step {crossed} (triangles) and is at {breakpoint} after {STEPS} steps, where the "
    "student is the line {slope:.4f} x + {intercept:.4f}."
)


@functools.cache
def run() -> Descent:
    """Train the student, recording every step."""
    return train_arrays(Neuron(1.0, 0.0, 1.0, B2), PROBLEM, Adam(lr=RATE), STEPS, record_every=1)


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    theta = np.moveaxis(run().theta, 0, 1)
    w1, b1, w2, b2 = theta[:, -1]
    return {
        "b2": signed(B2),
        "crossed": int(np.argmax(activity(theta, PROBLEM) == HYPERACTIVE)),
        "breakpoint": signed(float(breakpoint_position(theta[:, -1])), ".3f"),
        "slope": w1 * w2,
        "intercept": w2 * b1 + b2,
    }


def draw() -> Figure:
    """Return the figure."""
    return snapshots(np.moveaxis(run().theta[::EVERY], 0, 1), run().steps[::EVERY], PROBLEM)


if __name__ == "__main__":
    raise SystemExit(main(globals()))
