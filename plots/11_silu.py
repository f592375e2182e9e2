"""The SiLU neuron's plateau, escape and spikes, measured and predicted."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gradflow.descent import Adam, Descent, train_arrays
from gradflow.field import gradient, hessian
from gradflow.field.baselines import best_line
from gradflow.neuron.problem import Neuron, Problem, grid
from gradflow.study.figures import Level, Mark, Panel, Series
from gradflow.study.figures.frames import Frame, sheet
from gradflow.study.figures.script import main, signed
from gradflow.theory.spikes import (
    amplification,
    scaled_sharpness,
    second_moments,
    spikes,
    steps_to_limit,
    visible_after,
)
from gradflow.theory.stability import adam_limit, preconditioned_sharpness
from gradflow.theory.waiting import line_at_infinity, plateau, predicted_wait, updates_of

SAMPLES, STEPS, RATE, B2, FROM, LEVEL = 100, 20_000, 0.01, -2.0, 9000, 1e-3
CONFIG = Adam(lr=RATE)
BETA2 = float(CONFIG.beta2)
RELU = Problem(inputs=grid(SAMPLES))
SILU = Problem(inputs=RELU.inputs, activation="silu")
FLOWS, ADAMS = (-1.5, -2.0, -2.5, -3.0, -3.5, -4.0, -4.5, -5.0), (-1.5, -1.75, -2.0, -2.25, -2.5, -2.75, -3.0)
# Read off the published figure, to about 0.05 in log10: (step, loss).
PUBLISHED = ((2000, 4e-3), (5000, 4e-3), (6600, 2e-5), (13_000, 1e-8))

# A quarter of a minute.
QUICK = False

TITLE = "SiLU recovers after a long wait, and then spikes"
CAPTION = (
    "Full-batch Adam (rate {RATE}, β = (0.9, 0.999), ε = 1e-8) on {SAMPLES} equally spaced inputs in [−1, "
    "1] from w1 = w2 = 1, b1 = 0, b2 = {b2}; the teacher is SiLU(x) for the SiLU student, ReLU(x) for the "
    "ReLU student. (a) The loss, everything in single precision; circles: read off the published figure "
    "(to about 0.05 in log10). Dashed: the best lines, {line:.2e} for the SiLU teacher and {relu:.2e} for "
    "the ReLU teacher. (b) The spikes in double and in single precision; between them the loss sinks to "
    "{floor:.0e}. (c) The wait between the best line's loss and {LEVEL}: measured, and predicted from the "
    "state at its begin by the slow flow that keeps slope and intercept; for Adam with the v of that "
    "moment, decaying. Largest error {flow_error:.1%} for the flow (in units of time, population), "
    "{adam_error:.1%} for Adam (in steps, samples). (d) The preconditioned sharpness λ_max(P⁻¹H) in "
    "double precision; dashed: Adam's limit {limit:.0f}. From v at step {FROM} alone the limit is passed "
    "at step {predicted:.0f} (dotted); measured {measured}. Between spikes it grows by e in 2000 steps. "
    "(e) The gradient does not vanish on the plateau. Its states are close (largest difference of a "
    "parameter) to the surface of neurons with ∂L/∂w1 = ∂L/∂b1 = 0, on which the best line is reached, "
    "and the gradient vanishes, as w1 → 0 and w2 → ∞. (f) The first spike; dotted: the predicted passage "
    "of the limit, and when an instability that starts from rounding in either precision is predicted to "
    "peak."
)


@functools.cache
def run(activation: str, dtype: str) -> Descent:
    """Train a student, recording every step."""
    problem = SILU if activation == "silu" else RELU
    return train_arrays(
        Neuron(b2=B2),
        problem,
        CONFIG,
        STEPS,
        record_every=1,
        events=False,
        first_change=False,
        dtype=dtype,
    )


@functools.cache
def approach() -> dict[str, np.ndarray]:
    """Return |∇L| along Adam's run, and its distance from the surface that leads to the line at infinity."""
    done = run("silu", "float64")
    steps = np.arange(200, 7001, 20)
    theta = np.ascontiguousarray(np.asarray(done.theta)[steps].T)
    surface = [line_at_infinity(float(b1), float(w1), SILU) for w1, b1 in theta[:2].T]
    away = np.max(np.abs(theta - np.array(surface, dtype=np.float64).T), axis=0)
    return {"steps": steps, "speed": np.linalg.norm(gradient(theta, SILU), axis=0), "away": away}


@functools.cache
def flow_waits() -> np.ndarray:
    """Return measured and predicted waits of the flow, shape (2, N)."""
    problem = Problem(activation="silu")
    line = float(best_line(problem).loss)
    found = [plateau(Neuron(b2=b2), problem, LEVEL, line, 1e6) for b2 in FLOWS]
    measured = [entry.exit - entry.entry for entry in found]
    return np.array([measured, [predicted_wait(entry.start, problem, LEVEL) for entry in found]])


@functools.cache
def adam_waits() -> np.ndarray:
    """Return measured and predicted waits of Adam in steps, shape (2, N)."""
    line = float(best_line(SILU).loss)
    start = Neuron(b2=np.array(ADAMS))
    done = train_arrays(start, SILU, CONFIG, 10_500, record_every=1, events=False, first_change=False)
    theta, loss = np.moveaxis(np.asarray(done.theta), 0, -1), np.asarray(done.loss)
    waits = []
    for i in range(len(ADAMS)):
        path = np.ascontiguousarray(theta[:, i])
        entry, leaves = (int(np.argmax(loss[:, i] < level)) for level in (line, LEVEL))
        v = second_moments(np.asarray(gradient(path[:, :entry + 1], SILU)), BETA2)[:, entry]  # fmt: skip
        time = predicted_wait(path[:, entry], SILU, LEVEL, np.sqrt(v))
        waits.append((leaves - entry, updates_of(time, RATE, BETA2, entry)))
    return np.array(waits).T


@functools.cache
def stability() -> dict[str, Any]:
    """Return the preconditioned sharpness from step `FROM` on, its first passage and the predicted one."""
    done = run("silu", "float64")
    theta = np.ascontiguousarray(np.asarray(done.theta).T)
    v = second_moments(np.asarray(gradient(theta, SILU)), BETA2)
    steps = np.arange(FROM, STEPS + 1)
    limit = float(adam_limit(CONFIG.beta1, RATE))
    sharpness = np.asarray(preconditioned_sharpness(theta[:, steps], SILU, v[:, steps], steps))
    H = np.asarray(hessian(Neuron(), SILU))
    begin = float(scaled_sharpness(H, v[:, FROM], FROM, BETA2))
    found = spikes(sharpness, np.asarray(done.loss)[steps], limit)
    if not found:
        raise RuntimeError("the sharpness does not pass the limit")
    passage, teacher = FROM + found[0].crossing, np.array([float(value) for value in SILU.teacher])
    gains = [
        amplification(H, v[:, passage], teacher, 0.5 * float(np.finfo(d).eps)) for d in ("float64", "float32")
    ]
    onset = FROM + steps_to_limit(begin, limit, BETA2, FROM)
    return {
        "steps": steps,
        "sharpness": sharpness,
        "limit": limit,
        "predicted": onset,
        "measured": passage,
        "seen": [onset + visible_after(gain, limit, RATE) for gain in gains],
    }


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    flow, adam, passage = flow_waits(), adam_waits(), stability()
    return {
        "b2": signed(B2),
        "line": float(best_line(SILU).loss),
        "relu": float(best_line(RELU).loss),
        "floor": float(np.min(run("silu", "float64").loss)),
        "flow_error": float(np.max(np.abs(flow[1] / flow[0] - 1.0))),
        "adam_error": float(np.max(np.abs(adam[1] / adam[0] - 1.0))),
        **{name: passage[name] for name in ("limit", "predicted", "measured")},
    }


def draw() -> Figure:
    """Return the figure."""
    line = float(best_line(SILU).loss)
    silu, relu = run("silu", "float32"), run("relu", "float32")
    at, read = zip(*PUBLISHED, strict=True)
    passage = stability()
    late, close = np.arange(12_000, STEPS + 1), np.arange(13_100, 13_451)
    return sheet([
        Frame(
            Panel(
                [
                    Series("SiLU", silu.steps, silu.loss, "plain"),
                    Series("ReLU", relu.steps, relu.loss, "adam"),
                    Series("published", at, read, "circles"),
                ],
                levels=[
                    Level("best line, SiLU", line, 1.0, below=True),
                    Level("best line, ReLU", float(best_line(RELU).loss), 1.0),
                ],
                legend="lower left",
            ),
            "step",
            "loss",
            yscale="log",
            ylim=(1e-13, 1e1),
        ),
        Frame(
            Panel(
                [
                    Series(name, late, np.asarray(run("silu", dtype).loss)[late], dtype)
                    for dtype, name in (("float64", "double precision"), ("float32", "single precision"))
                ],
                legend="upper right",
            ),
            "step",
            "loss",
            yscale="log",
            ylim=(1e-13, 1e-2),
        ),
        Frame(
            Panel(
                [
                    Series("flow, predicted (time)", FLOWS, flow_waits()[1], "flow"),
                    Series("flow, measured", FLOWS, flow_waits()[0], "circles"),
                    Series("Adam, predicted (steps)", ADAMS, adam_waits()[1], "adam"),
                    Series("Adam, measured", ADAMS, adam_waits()[0], "squares"),
                ],
                legend="upper right",
            ),
            "initial $b_2$",
            "wait",
            yscale="log",
            xlim=(FLOWS[-1] - 0.2, FLOWS[0] + 0.2),
            ylim=(3e1, 3e5),
        ),
        Frame(
            Panel(
                [Series("", passage["steps"], passage["sharpness"], "plain")],
                levels=[Level(f"limit, {passage['limit']:.0f}", passage["limit"], 0.0)],
                marks=[Mark("predicted", passage["predicted"])],
            ),
            "step",
            r"$\lambda_{\max}(P^{-1}H)$",
        ),
        Frame(
            Panel(
                [
                    Series("size of the gradient", approach()["steps"], approach()["speed"], "flow"),
                    Series("distance from the surface", approach()["steps"], approach()["away"], "gd"),
                ],
                legend="upper center",
            ),
            "step",
            "gradient, distance",
            yscale="log",
            ylim=(4e-5, 1e-1),
        ),
        Frame(
            Panel(
                [
                    Series(name, close, np.asarray(run("silu", dtype).loss)[close], dtype)
                    for dtype, name in (("float64", "double precision"), ("float32", "single precision"))
                ],
                marks=[
                    Mark("limit", passage["predicted"], 0.02),
                    Mark("single", passage["seen"][1], 0.02),
                    Mark("double", passage["seen"][0], 0.02),
                ],
                legend="upper right",
            ),
            "step",
            "loss",
            yscale="log",
            ylim=(1e-10, 1e-3),
        ),
    ])  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main(globals()))
