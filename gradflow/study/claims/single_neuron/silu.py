"""The runs that the claims of Observation 3 share, and what is predicted of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradflow.descent import Adam, train_arrays
from gradflow.field import gradient, hessian
from gradflow.field.baselines import best_line
from gradflow.neuron.problem import Neuron, Problem
from gradflow.study.claims.evidence import median
from gradflow.study.claims.shared import remembered
from gradflow.study.claims.single_neuron.settings import ADAM, RATE, SAMPLE, first_step
from gradflow.theory.saddle import negative_directions, search
from gradflow.theory.spikes import (
    Spike,
    amplification,
    quadratic_run,
    scaled_sharpness,
    second_moments,
    spikes,
    steps_to_limit,
    visible_after,
)
from gradflow.theory.stability import adam_limit, preconditioned_sharpness
from gradflow.theory.waiting import best_outer, predicted_wait, updates_of

START = Neuron(b2=-2.0)
SILU_SAMPLE = Problem(inputs=SAMPLE.inputs, activation="silu")
SILU_POPULATION = Problem(activation="silu")
STEPS, QUICK_STEPS = 20_000, 14_000

LEVEL = 1e-3
"""The loss at which the wait counts as over."""

FROM = 9000
"""The step from whose v the onset of the spikes is predicted."""

LEAST_DISTANCES = 3
"""With fewer distances between spikes nothing is said of their spread."""


class AdamRun(NamedTuple):
    """A run of Adam recorded at every step, in double precision: θ of shape (4, K), L, |∇L|² and v."""

    theta: np.ndarray
    loss: np.ndarray
    gradient: np.ndarray
    second: np.ndarray

    @property
    def speed(self) -> np.ndarray:
        """|∇L| at every step."""
        return np.asarray(np.sqrt(np.sum(self.gradient**2, axis=0)))


def settings(quick: bool) -> tuple[tuple[str, Problem, str], ...]:
    """Return labels, problems and dtypes: all, or the first two."""
    every = (
        ("100 inputs, float32", SILU_SAMPLE, "float32"),
        ("100 inputs, float64", SILU_SAMPLE, "float64"),
        ("population, float64", SILU_POPULATION, "float64"),
    )
    return every[1:2] if quick else every


def length(quick: bool) -> int:
    """Return the steps of the runs."""
    return QUICK_STEPS if quick else STEPS


def run(problem: Problem, dtype: str, steps: int, start: Neuron | None = None) -> AdamRun:
    """Train with Adam, by default from b2 = −2, and compute what it had in its memory at each step."""
    return _run(problem, dtype, steps, START if start is None else start, ADAM)


@remembered
def _run(problem: Problem, dtype: str, steps: int, start: Neuron, config: Adam) -> AdamRun:
    done = train_arrays(
        start, problem, config, steps, record_every=1, events=False, first_change=False, dtype=dtype
    )
    theta = np.ascontiguousarray(np.asarray(done.theta, dtype=np.float64).T)
    slope = np.asarray(gradient(theta, problem))
    loss = np.asarray(done.loss, dtype=np.float64)
    return AdamRun(theta, loss, slope, second_moments(slope, float(config.beta2)))


@remembered
def critical_points(problem: Problem, count: int, steps: int = 300) -> tuple[dict[str, Any], ...]:
    """Return what Newton's method finds from a grid of w1 and b1 with the best w2 and b2, by loss."""
    w1, b1 = np.meshgrid(np.linspace(-4.0, 4.0, count), np.linspace(-8.0, 8.0, count))
    found = search(best_outer(w1.ravel(), b1.ravel(), problem), problem, steps=steps)
    here, down = np.asarray(found.found), np.asarray(negative_directions(found))
    loss, theta = np.asarray(found.loss), np.asarray(found.theta)
    kinds = []
    for level in np.unique(np.round(loss[here], 8)):
        same = here & (np.round(loss, 8) == level)
        first = int(np.flatnonzero(same)[0])
        kinds.append({
            "loss": float(loss[first]),
            "negative_eigenvalues": int(down[first]),
            "smallest_eigenvalue": float(found.eigenvalues[0, first]),
            "gradient": float(found.residual[first]),
            "theta": theta[:, first].tolist(),
            "found": int(np.sum(same)),
        })  # fmt: skip
    return tuple(kinds)


def adams_wait(done: AdamRun, problem: Problem) -> dict[str, Any]:
    """Return the wait of a run, predicted from the state and v at its begin, and measured, in steps."""
    entry, leaves = first_step(done.loss < float(best_line(problem).loss)), first_step(done.loss < LEVEL)
    if entry is None or leaves is None:
        return {"entry": entry, "exit": leaves, "measured": None, "predicted": np.nan}
    scale = np.sqrt(done.second[:, entry])
    time = predicted_wait(done.theta[:, entry], problem, LEVEL, scale)
    corrected = np.sqrt(1.0 - float(ADAM.beta2) ** entry)
    return {
        "entry": entry,
        "exit": leaves,
        "measured": leaves - entry,
        "predicted": updates_of(time, RATE, float(ADAM.beta2), entry),
        "predicted_with_v_unchanged": time / (RATE * corrected),
    }


def spike_values(done: AdamRun, problem: Problem, dtype: str) -> dict[str, Any]:
    """Return predictions and measurements for one run."""
    limit = float(adam_limit(ADAM.beta1, RATE))
    steps = np.arange(FROM, done.loss.size)
    sharpness = np.asarray(
        preconditioned_sharpness(done.theta[:, steps], problem, done.second[:, steps], steps)
    )
    found: list[Spike] = spikes(sharpness, done.loss[steps], limit)
    if not found:
        return {"spikes": 0, "limit": limit}
    teacher = np.array([float(value) for value in problem.teacher])
    H = np.asarray(hessian(teacher, problem))
    begin = float(scaled_sharpness(H, done.second[:, FROM], FROM))
    crossing = FROM + found[0].crossing
    gain = amplification(H, done.second[:, crossing], teacher, 0.5 * float(np.finfo(dtype).eps))
    crossings = [FROM + spike.crossing for spike in found]
    nexts = [FROM + s.trough + steps_to_limit(s.trough_sharpness, limit, step=FROM + s.trough) for s in found]
    distances = np.diff(crossings)
    spread = float(np.std(distances, ddof=1) / np.mean(distances)) if distances.size > 1 else None
    model = spikes(*quadratic_run(H, teacher, done.second[:, FROM], steps.size, dtype=dtype), limit)
    return {
        "spikes": len(found),
        "limit": limit,
        "crossing": crossing,
        "predicted_crossing": FROM + steps_to_limit(begin, limit, step=FROM),
        "delay": found[0].peak - found[0].crossing,
        "predicted_delay": visible_after(gain, limit, RATE),
        "errors_of_next_crossings": [a - b for a, b in zip(nexts[:-1], crossings[1:], strict=True)],
        "median_distance": median(distances) if distances.size else None,
        "spread_of_distances": spread if distances.size >= LEAST_DISTANCES else None,
        "model_distance": median(np.diff([s.crossing for s in model])) if len(model) > 1 else None,
        "median_peak": median([s.peak_loss for s in found]),
        "lowest_floor": float(np.min(done.loss)),
    }


def shown(value: float | None) -> str:
    """Return a number of steps as text."""
    return "none" if value is None else f"{value:.0f}"
