"""The loss on either side of the threshold in b2, in both precisions."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.figure import Figure

from gradflow.descent import Adam, Descent, train_arrays
from gradflow.field.baselines import best_line
from gradflow.neuron.problem import Neuron, Problem, grid
from gradflow.study.figures import Level, Panel, Series, fraction, loss_curves
from gradflow.study.figures.script import main, signed

SAMPLES, STEPS, RATE = 100, 5000, 0.01
B2 = (-1.1, -1.2)
PROBLEM = Problem(inputs=grid(SAMPLES))

TITLE = "A small change of the initial output bias decides whether the neuron learns"
CAPTION = (
    "Mean squared error of the student w2 ReLU(w1 x + b1) + b2 on {SAMPLES} equally spaced inputs in "
    "[−1, 1] (ends included; teacher ReLU(x)) under full-batch Adam (rate {RATE}, β = (0.9, 0.999), "
    "ε = 1e-8) from w1 = w2 = 1, b1 = 0 and (a) b2 = {b2[0]}, (b) b2 = {b2[1]}. Everything is computed in "
    "double precision (thick) or everything in single precision (thin). Dashed: the loss of the best line "
    "on these inputs, {exact} ≈ {line:.5f}. After {STEPS} steps the losses are (a) {double[0]:.1e} in "
    "double and {single[0]:.1e} in single precision, (b) {double[1]:.5f} and {single[1]:.5f}."
)


@functools.cache
def run(dtype: str) -> Descent:
    """Train both students, recording every step."""
    start = Neuron(1.0, 0.0, 1.0, np.array(B2))
    return train_arrays(
        start,
        PROBLEM,
        Adam(lr=RATE),
        STEPS,
        record_every=1,
        events=False,
        first_change=False,
        dtype=dtype,
    )


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    line = float(best_line(PROBLEM).loss)
    return {
        "b2": [signed(b2) for b2 in B2],
        "line": line,
        "exact": fraction(line, largest=100_000),
        "double": run("float64").loss[-1],
        "single": run("float32").loss[-1],
    }


def draw() -> Figure:
    """Return the figure."""
    line = float(best_line(PROBLEM).loss)
    level = Level(f"best line, {line:.5f}", line)
    names = {"float64": "double precision", "float32": "single precision"}
    panels = [
        Panel(
            [Series(name, run(dtype).steps, run(dtype).loss[:, i], dtype) for dtype, name in names.items()],
            title=f"$b_2 = {b2:g}$",
            levels=[level],
            legend="lower left" if i == 0 else "",
        )
        for i, b2 in enumerate(B2)
    ]
    return loss_curves(panels)


if __name__ == "__main__":
    raise SystemExit(main(globals()))
