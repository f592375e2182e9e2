"""The final loss against the initial output bias."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.figure import Figure

from gradflow.descent import Adam, train_arrays
from gradflow.ends import Threshold, bracket, descent_outcomes, flow_outcomes
from gradflow.field.baselines import best_constant, best_line
from gradflow.neuron.problem import Neuron, Problem, grid
from gradflow.runs import gradient_flow
from gradflow.study.figures import Level, Mark, Panel, Series, fraction, loss_against
from gradflow.study.figures.script import main, signed

SAMPLES, STEPS, RATE, T_END, FLOOR = 100, 5000, 0.01, 200.0, 1e-8
POPULATION = Problem()
PROBLEMS = {"population": POPULATION, "sample": Problem(inputs=grid(SAMPLES))}
FLOW_B2 = np.linspace(-3.0, 3.0, 31)
ADAM_B2 = np.linspace(-3.0, 3.0, 81)

# A quarter of a minute.
QUICK = False

TITLE = "How large an initial output bias the neuron survives depends on the dynamics"
CAPTION = (
    "Final loss against the initial b2, from w1 = w2 = 1, b1 = 0 (balanced); losses up to {FLOOR:.0e} stand "
    "on the floor. (a) Gradient flow on the population loss (inputs uniform on [−1, 1]) at t = {T_END:g}, "
    "{flow_n} starts. (b, c) Adam (rate {RATE}, β = (0.9, 0.999), ε = 1e-8, double precision) after {STEPS} "
    "steps, {adam_n} starts, (b) on the population loss and (c) on {SAMPLES} equally spaced inputs. On the "
    "left the outcome changes from linear to global at b2 = {flow} for the flow, {low[population]} and "
    "{low[sample]} for Adam. On the right the first starts that Adam kills are {high[population]} and "
    "{high[sample]}; the flow kills none. Dashed: the population losses of the best constant, {constant}, "
    "and the best line, {line}."
)


@functools.cache
def flow() -> tuple[np.ndarray, np.ndarray]:
    """Return the flow's starts, two of them beside the threshold, and its final losses."""
    beside = flow_threshold().value + np.array([-1e-3, 1e-3])
    b2 = np.union1d(FLOW_B2, beside)
    runs = (gradient_flow(Neuron(1.0, 0.0, 1.0, value), t_end=T_END, rtol=1e-8) for value in b2)
    return b2, np.array([float(run["loss"][-1]) for run in runs])


@functools.cache
def flow_threshold() -> Threshold:
    """Locate the start from which the flow fits the teacher."""

    def decide(b2: np.ndarray) -> np.ndarray:
        return flow_outcomes(Neuron(1.0, 0.0, 1.0, b2), POPULATION, rtol=1e-9)

    return bracket(decide, (-1.9, -1.85), tol=2e-4)


@functools.cache
def adam(inputs: str) -> tuple[np.ndarray, float, float]:
    """Return Adam's final losses, and where the outcome changes on the left and, first, on the right."""
    problem = PROBLEMS[inputs]
    run = train_arrays(Neuron(b2=ADAM_B2), problem, Adam(lr=RATE), STEPS, events=False, first_change=False)

    def decide(b2: np.ndarray) -> np.ndarray:
        return descent_outcomes(Neuron(b2=b2), problem, Adam(lr=RATE), STEPS)

    low, high = (bracket(decide, ends, tol=2e-4, sections=100).value for ends in ((-1.3, -1.0), (1.5, 3.0)))
    return run.loss[-1], low, high


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    return {
        "flow_n": flow()[0].size,
        "adam_n": ADAM_B2.size,
        "flow": signed(flow_threshold().value, ".3f"),
        "low": {inputs: signed(adam(inputs)[1], ".3f") for inputs in PROBLEMS},
        "high": {inputs: signed(adam(inputs)[2], ".3f") for inputs in PROBLEMS},
        "constant": fraction(float(best_constant(POPULATION).loss)),
        "line": fraction(float(best_line(POPULATION).loss)),
    }


def draw() -> Figure:
    """Return the figure."""
    constant, line = float(best_constant(POPULATION).loss), float(best_line(POPULATION).loss)
    threshold = flow_threshold().value
    labels = [
        Level(f"best constant, {fraction(constant)}", constant, at=0.5),
        Level(f"best line, {fraction(line)}", line, below=True),
    ]
    plain = [level._replace(label="") for level in labels]
    panels = [
        Panel(
            [Series("", *flow(), "dots")],
            "gradient flow, population",
            labels,
            [Mark(signed(threshold, ".3f"), threshold, 0.25)],
        )
    ]
    for inputs, title in (("population", "Adam, population"), ("sample", f"Adam, {SAMPLES} inputs")):
        losses, low, high = adam(inputs)
        marks = [Mark(signed(low, ".3f"), low, 0.25), Mark(signed(high, ".3f"), high, 0.25)]
        panels.append(Panel([Series("", ADAM_B2, losses, "dots")], title, plain, marks))
    return loss_against(panels, xlabel="initial $b_2$", floor=FLOOR, height=4.2)


if __name__ == "__main__":
    raise SystemExit(main(globals()))
