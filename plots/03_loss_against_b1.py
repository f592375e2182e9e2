"""The final loss against the initial input bias."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.figure import Figure

from gradflow.descent import Adam, train_arrays
from gradflow.ends import Threshold, bracket, descent_outcomes, flow_outcomes
from gradflow.ends.outcome import GLOBAL, outcome
from gradflow.field.baselines import best_constant, best_line
from gradflow.neuron.problem import Neuron, Problem, grid
from gradflow.runs import gradient_flow
from gradflow.study.figures import Band, Level, Mark, Panel, Series, fraction, loss_against
from gradflow.study.figures.script import main

SAMPLES, STEPS, RATE, T_END, FLOOR = 100, 5000, 0.01, 200.0, 1e-8
POPULATION, SAMPLE = Problem(), Problem(inputs=grid(SAMPLES))
FLOW_B1 = np.linspace(-2.5, 2.5, 41)
ADAM_B1 = np.linspace(-2.5, 2.5, 101)

# Ten seconds.
QUICK = False

TITLE = "A neuron that starts dead stays so; which others are lost depends on the dynamics"
CAPTION = (
    "Final loss against the initial b1, from w1 = w2 = 1, b2 = 0; the neuron starts dead for b1 ≤ −1 and "
    "hyperactive for b1 ≥ 1 (grey). Losses up to {FLOOR:.0e} stand on the floor. (a) Gradient flow on the "
    "population loss (inputs uniform on [−1, 1]) at t = {T_END:g}, {flow_n} starts. (b) Full-batch Adam "
    "(rate {RATE}, β = (0.9, 0.999), ε = 1e-8, double precision) after {STEPS} steps on {SAMPLES} equally "
    "spaced inputs, {adam_n} starts; what lies between floor and lines is in one of the loss spikes that "
    "Adam makes long after it has converged. Dotted: where the outcome changes from global "
    "to linear, at b1 = {flow:.3f} for the flow, which brings back hyperactive neurons close to the wall, "
    "and at {adam:.3f} for Adam, which loses some that start balanced. Dashed: the population losses of the "
    "best constant, {constant}, and the best line, {line}."
)


@functools.cache
def flow() -> tuple[np.ndarray, np.ndarray]:
    """Return the flow's starts, some of them beside the thresholds, and its final losses."""
    beside = [-1.0 + 1e-3, *(flow_threshold().value + np.array([-1e-3, 1e-3]))]
    b1 = np.union1d(FLOW_B1, beside)
    runs = (gradient_flow(Neuron(1.0, value, 1.0, 0.0), t_end=T_END, rtol=1e-8) for value in b1)
    return b1, np.array([float(run["loss"][-1]) for run in runs])


@functools.cache
def flow_threshold() -> Threshold:
    """Locate the start from which the flow ends at the best line."""

    def decide(b1: np.ndarray) -> np.ndarray:
        return flow_outcomes(Neuron(1.0, b1, 1.0, 0.0), POPULATION, rtol=1e-9)

    return bracket(decide, (1.1, 1.2), tol=2e-4)


@functools.cache
def adam() -> tuple[np.ndarray, float]:
    """Return Adam's final losses, and the start from which it ends at the best line."""
    run = train_arrays(Neuron(b1=ADAM_B1), SAMPLE, Adam(lr=RATE), STEPS, events=False, first_change=False)
    last = int(np.flatnonzero(outcome(run.final, SAMPLE) == GLOBAL)[-1])

    def decide(b1: np.ndarray) -> np.ndarray:
        return descent_outcomes(Neuron(b1=b1), SAMPLE, Adam(lr=RATE), STEPS)

    return run.loss[-1], bracket(decide, (ADAM_B1[last], ADAM_B1[last + 1]), tol=2e-4, sections=100).value


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    return {
        "flow_n": flow()[0].size,
        "adam_n": ADAM_B1.size,
        "flow": flow_threshold().value,
        "adam": adam()[1],
        "constant": fraction(float(best_constant(POPULATION).loss)),
        "line": fraction(float(best_line(POPULATION).loss)),
    }


def draw() -> Figure:
    """Return the figure."""
    constant, line = float(best_constant(POPULATION).loss), float(best_line(POPULATION).loss)
    losses, adam_b1 = adam()
    flow_b1 = flow_threshold().value
    walls = [("dead", -9.0, -1.0), ("balanced", -1.0, 1.0), ("hyperactive", 1.0, 9.0)]
    upper, lower = (
        [Band(name if labelled else "", lo, hi, name != "balanced") for name, lo, hi in walls]
        for labelled in (True, False)
    )
    labels = [
        Level(f"best constant, {fraction(constant)}", constant, at=0.5),
        Level(f"best line, {fraction(line)}", line, at=0.0, below=True),
    ]
    panels = [
        Panel(
            [Series("", *flow(), "dots")],
            "gradient flow",
            labels,
            [Mark(f"{flow_b1:.3f}", flow_b1, 0.25, left=False)],
            upper,
        ),
        Panel(
            [Series("", ADAM_B1, losses, "dots")],
            "Adam",
            [level._replace(label="") for level in labels],
            [Mark(f"{adam_b1:.3f}", adam_b1, 0.25)],
            lower,
        ),
    ]
    return loss_against(panels, xlabel="initial $b_1$", floor=FLOOR, height=3.2)


if __name__ == "__main__":
    raise SystemExit(main(globals()))
