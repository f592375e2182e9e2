"""The final loss against the initial output bias."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.figure import Figure

from gradflow.basins import Threshold, bracket, flow_outcomes
from gradflow.descent import Adam, train
from gradflow.field.baselines import best_constant, best_line
from gradflow.figures import Level, Mark, Panel, Series, fraction, loss_against
from gradflow.figures.script import main
from gradflow.flow import gradient_flow
from gradflow.outcome import GLOBAL, outcome
from gradflow.problem import Neuron, Problem, grid

SAMPLES, STEPS, RATE, T_END, FLOOR = 100, 5000, 0.01, 200.0, 1e-8
POPULATION = Problem()
PROBLEMS = {"population": POPULATION, "sample": Problem(inputs=grid(SAMPLES))}
FLOW_B2 = np.linspace(-3.0, 3.0, 41)
ADAM_B2 = np.unique(
    np.concatenate([np.linspace(-3.0, 3.0, 81), np.linspace(-1.2, -1.16, 41), np.linspace(2.25, 2.55, 31)])
)

TITLE = "Where a large initial output bias kills the neuron depends on the dynamics"
CAPTION = (
    "Final loss against the initial b2, from w1 = w2 = 1, b1 = 0 (balanced); losses up to {floor:.0e} stand on "
    "the floor. Thick line: gradient flow on the population loss at t = {t_end:g}. Circles and dots: Adam "
    "(rate {rate}, β = (0.9, 0.999), ε = 1e-8, double precision) after {steps} steps on the population and on "
    "{samples} equally spaced inputs. On the left the outcome changes from linear to global at b2 = {flow} for "
    "the flow, {low[population]} for Adam on the population and {low[sample]} on the sample. On the right Adam "
    "kills the neuron from {high[population]} and {high[sample]} on; the flow never does. Dashed: the "
    "population losses of the best constant, {constant}, and the best line, {line}."
)


@functools.cache
def flow() -> np.ndarray:
    """Return the flow's final losses."""
    runs = (gradient_flow(Neuron(1.0, 0.0, 1.0, b2), t_end=T_END, rtol=1e-8) for b2 in FLOW_B2)
    return np.array([float(run["loss"][-1]) for run in runs])


@functools.cache
def flow_threshold() -> Threshold:
    """Locate the start from which the flow fits the teacher."""
    return bracket(lambda b2: flow_outcomes(Neuron(1.0, 0.0, 1.0, b2), POPULATION), (-1.9, -1.85), tol=5e-4)


@functools.cache
def adam(inputs: str) -> tuple[np.ndarray, float, float]:
    """Return Adam's final losses, and the first and the last start that it fits."""
    start, problem = Neuron(1.0, 0.0, 1.0, ADAM_B2), PROBLEMS[inputs]
    run = train(start, problem, Adam(lr=RATE), STEPS, events=False, first_change=False)
    fits = np.flatnonzero(outcome(run.final, problem) == GLOBAL)
    low, high = int(fits[0]), int(fits[-1])
    return run.loss[-1], float(np.mean(ADAM_B2[low - 1 : low + 1])), float(np.mean(ADAM_B2[high : high + 2]))


def signed(value: float) -> str:
    """Return a number to three decimals with a proper minus sign."""
    return f"{value:.3f}".replace("-", "−")


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    return {
        "floor": FLOOR,
        "t_end": T_END,
        "rate": RATE,
        "steps": STEPS,
        "samples": SAMPLES,
        "flow": signed(flow_threshold().value),
        "low": {inputs: signed(adam(inputs)[1]) for inputs in PROBLEMS},
        "high": {inputs: signed(adam(inputs)[2]) for inputs in PROBLEMS},
        "constant": fraction(float(best_constant(POPULATION).loss)),
        "line": fraction(float(best_line(POPULATION).loss)),
    }


def draw() -> Figure:
    """Return the figure."""
    constant, line = float(best_constant(POPULATION).loss), float(best_line(POPULATION).loss)
    threshold = flow_threshold().value
    low = adam("sample")[1]
    panel = Panel(
        [
            Series("gradient flow", FLOW_B2, flow(), "under", breaks=[threshold]),
            Series("Adam, population", ADAM_B2, adam("population")[0], "circles"),
            Series(f"Adam, {SAMPLES} inputs", ADAM_B2, adam("sample")[0], "dots"),
        ],
        levels=[
            Level(f"best constant, {fraction(constant)}", constant, at=0.5),
            Level(f"best line, {fraction(line)}", line, at=1.0, below=True),
        ],
        marks=[
            Mark(f"flow, {signed(threshold)}", threshold, 0.2),
            Mark(f"Adam, {signed(low)}", low, 0.2, False),
        ],
        legend="center right",
    )
    return loss_against([panel], xlabel="initial $b_2$", floor=FLOOR)


if __name__ == "__main__":
    raise SystemExit(main(draw, __file__))
