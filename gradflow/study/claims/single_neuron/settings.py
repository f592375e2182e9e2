"""The blog post's setting, and the runs that several claims look at.

The post leaves out what moves every threshold: Adam's β = (0.9, 0.999) and ε = 1e-8 (PyTorch's
defaults), full batch, about 100 equally spaced inputs, float32.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradflow.descent import Adam, Descent, train_arrays
from gradflow.descent.optimisers.hyper import Config
from gradflow.ends.outcome import CONSTANT, GLOBAL, OUTCOMES, outcome
from gradflow.field.baselines import best_constant, best_line
from gradflow.neuron.activity import activity
from gradflow.neuron.problem import Neuron, Problem, grid

POPULATION = Problem()
SAMPLE = Problem(inputs=grid(100))
RATE = 0.01
STEPS = 5000
ADAM = Adam(lr=RATE)

LINE_LOSS, CONSTANT_LOSS = 1 / 48, 5 / 48

PUBLISHED_LINE_LOSS, PUBLISHED_CONSTANT_LOSS = 0.02, 0.1
"""Names that the post gives them."""

SETTINGS: tuple[tuple[str, Problem, str], ...] = (
    ("100 inputs, float32", SAMPLE, "float32"),
    ("100 inputs, float64", SAMPLE, "float64"),
    ("population, float64", POPULATION, "float64"),
)
"""The post's setting, the same in double precision, and the population."""


class RecordedRun(NamedTuple):
    """A run recorded at every step, in NumPy."""

    theta: np.ndarray
    loss: np.ndarray
    outcome: np.ndarray
    run: Descent

    @property
    def breakpoint(self) -> np.ndarray:
        """The breakpoint at every step."""
        return np.asarray(-self.theta[:, 1] / self.theta[:, 0])


def curve(
    neuron: Neuron, problem: Problem, optimizer: Config = ADAM, steps: int = STEPS, dtype: str = "float64"
) -> RecordedRun:
    """Train and record every step."""
    return _curve(train_arrays(neuron, problem, optimizer, steps, record_every=1, dtype=dtype), problem)


def final(
    neuron: Neuron, problem: Problem, optimizer: Config = ADAM, steps: int = STEPS, dtype: str = "float64"
) -> RecordedRun:
    """Train and keep the first and the last state only, with the crossings."""
    return _curve(train_arrays(neuron, problem, optimizer, steps, dtype=dtype), problem)


def _curve(run: Descent, problem: Problem) -> RecordedRun:
    ends = outcome(run.final, problem, run.diverged)
    return RecordedRun(run.theta.astype(np.float64), run.loss.astype(np.float64), ends, run)


def ending(run: RecordedRun) -> dict[str, Any]:
    """Return outcome and final loss of a single run."""
    return {"outcome": names(run.outcome)[0], "final_loss": float(run.loss[-1])}


def names(codes: Any) -> list[str]:
    """Return outcome codes as text."""
    return [OUTCOMES[int(code)] for code in np.ravel(codes)]


def reference_losses(problem: Problem) -> dict[str, float]:
    """Return the losses of the best line and the best constant."""
    return {"best_line": float(best_line(problem).loss), "best_constant": float(best_constant(problem).loss)}


def first_step(condition: np.ndarray) -> int | None:
    """Return the first step at which a condition holds."""
    hits = np.flatnonzero(condition)
    return int(hits[0]) if hits.size else None


def death_step(run: Descent, index: tuple[int, ...] = ()) -> int | None:
    """Return the step at which a trajectory died for good, None if it did not."""
    deaths = [event.step for event in run.events if event.index == index and event.event.endswith("-> dead")]
    revivals = [
        event.step for event in run.events if event.index == index and event.event.startswith("dead ->")
    ]
    return deaths[-1] if deaths and (not revivals or revivals[-1] < deaths[-1]) else None


def dead_or_not(dead: Any) -> np.ndarray:
    """Return who is dead as outcomes, constant or global, between which `bracket` finds the change."""
    return np.where(dead, CONSTANT, GLOBAL)


def states(run: Descent, problem: Problem) -> np.ndarray:
    """Return the activity codes of the last states."""
    return np.asarray(activity(run.final, problem))
